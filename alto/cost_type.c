#include "alto/cost_type.h"

#include <string.h>

#include "base/jsonin.h"

enum err_code cost_mode_parse(struct str text, enum cost_mode *out, struct err *e)
{
    static const struct {
        struct str name;
        enum cost_mode mode;
    } known[] = {{{"numerical", 9}, COST_NUMERICAL},
                 {{"ordinal", 7}, COST_ORDINAL},
                 {{"array", 5}, COST_ARRAY}};
    char shown[80];

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_eq(text, known[i].name)) {
            *out = known[i].mode;
            return ERR_OK;
        }
    if (vtag_is_word(text, COST_MODE_MAX, "-:_") && text.n > 5 && memcmp(text.p, "priv:", 5) == 0) {
        *out = COST_OTHER;
        return ERR_OK;
    }
    return err_set(e, ERR_PARSE,
                   "\"%s\" is not a cost mode: it is numerical, ordinal, array, or \"priv:\" and 1 "
                   "to 27 letters, digits and - : _",
                   bytes_escape(text.n ? text.p : "", text.n, shown, sizeof shown));
}

/* The metrics of RFC 9439, whose names may have a statistic behind them. */
enum base_metric { METRIC_DELAY, METRIC_LOSSRATE, METRIC_HOPCOUNT, METRIC_RATE, METRIC_OF_OTHERS };

/* *statistic: behind the colon, n 0 when there is none. */
static enum base_metric base_metric(struct str metric, struct str *statistic)
{
    static const struct {
        struct str name;
        enum base_metric is;
    } known[] = {
        {{"delay-ow", 8}, METRIC_DELAY},         {{"delay-rt", 8}, METRIC_DELAY},
        {{"delay-variation", 15}, METRIC_DELAY}, {{"lossrate", 8}, METRIC_LOSSRATE},
        {{"hopcount", 8}, METRIC_HOPCOUNT},      {{"tput", 4}, METRIC_RATE},
        {{"bw-residual", 11}, METRIC_RATE},      {{"bw-available", 12}, METRIC_RATE},
    };
    const char *colon = metric.n ? memchr(metric.p, ':', metric.n) : NULL;
    struct str base = {metric.p, colon ? (size_t)(colon - metric.p) : metric.n};

    *statistic = colon ? (struct str){colon + 1, metric.n - base.n - 1} : (struct str){NULL, 0};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_eq(base, known[i].name))
            return known[i].is;
    return METRIC_OF_OTHERS;
}

static size_t digits(struct str s, size_t from)
{
    size_t i = from;

    while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
        i++;
    return i - from;
}

/* "p99", "p99.9": 0 to 100 as JSON writes a number, without an exponent. */
static bool is_percentile(struct str s)
{
    size_t whole = digits(s, 1), part = 0, i = 1 + whole;
    unsigned value = 0;

    if (s.n == 0 || s.p[0] != 'p' || whole == 0 || whole > 3 || (whole > 1 && s.p[1] == '0'))
        return false;
    for (size_t k = 1; k < i; k++)
        value = value * 10 + (unsigned)(s.p[k] - '0');
    if (i < s.n) {
        part = s.p[i] == '.' ? digits(s, i + 1) : 0;
        if (part == 0 || i + 1 + part != s.n)
            return false;
    }
    for (size_t k = s.n - part; value == 100 && k < s.n; k++)
        if (s.p[k] != '0')
            return false;
    return value <= 100;
}

static bool is_statistic(struct str s)
{
    static const struct str known[] = {{"cur", 3},  {"min", 3},    {"max", 3},   {"median", 6},
                                       {"mean", 4}, {"stddev", 6}, {"stdvar", 6}};

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_eq(s, known[i]))
            return true;
    return is_percentile(s);
}

enum err_code cost_metric_check(struct str metric, struct err *e)
{
    struct str statistic;
    char shown[100];

    bytes_escape(metric.n ? metric.p : "", metric.n, shown, sizeof shown);
    if (!vtag_is_word(metric, ALTO_METRIC_MAX, "-:_.") || str_eq(metric, STR("priv:")))
        return err_set(e, ERR_PARSE,
                       "\"%s\" is not a cost metric: it is 1 to 32 letters, digits and - : _ . and "
                       "more than \"priv:\"",
                       shown);
    if (base_metric(metric, &statistic) != METRIC_OF_OTHERS && statistic.p &&
        !is_statistic(statistic))
        return err_set(
            e, ERR_PARSE,
            "\"%s\" is not a cost metric: behind the colon stands cur, min, max, median, "
            "mean, stddev, stdvar or a percentile, p0 to p100 (RFC 9439 section 3.2)",
            shown);
    return ERR_OK;
}

struct cost_rules cost_metric_rules(struct str metric)
{
    struct str statistic;
    enum base_metric base = base_metric(metric, &statistic);
    bool observed = statistic.n == 0 || str_eq(statistic, STR("cur")) ||
                    str_eq(statistic, STR("min")) || str_eq(statistic, STR("max"));

    return (struct cost_rules){
        .integer = base == METRIC_HOPCOUNT && observed,
        .percent = base == METRIC_LOSSRATE && !str_eq(statistic, STR("stdvar")),
    };
}

static enum err_code source_parse(struct str text, enum cost_source *out, struct err *e)
{
    char shown[80];

    if (str_eq(text, STR("nominal")))
        *out = COST_SOURCE_NOMINAL;
    else if (str_eq(text, STR("sla")))
        *out = COST_SOURCE_SLA;
    else if (str_eq(text, STR("estimation")))
        *out = COST_SOURCE_ESTIMATION;
    else
        return err_set(e, ERR_PARSE,
                       "cost-source: \"%s\" is none of nominal, sla and estimation (RFC 9439 "
                       "section 3.1)",
                       bytes_escape(text.n ? text.p : "", text.n, shown, sizeof shown));
    return ERR_OK;
}

enum err_code cost_context_parse(struct str text, enum cost_source *out, struct err *e)
{
    json_t *json = NULL;
    struct jsonin in = {0};
    struct str source;
    enum err_code rc;

    if (text.n > COST_CONTEXT_MAX)
        return err_set(e, ERR_LIMIT, "a cost-context of %zu bytes, at most %d", text.n,
                       COST_CONTEXT_MAX);
    rc = jsonin_load(text.p, text.n, &json, e);
    if (rc != ERR_OK)
        return rc;
    in.value = json;
    rc = jsonin_string(&in, "cost-source", &source, e);
    if (rc == ERR_OK)
        rc = source_parse(source, out, e);
    json_decref(json);
    return rc;
}

static bool context_same(struct str a, struct str b)
{
    json_t *x, *y;
    bool same;

    if (a.n == 0)
        a = STR("{\"cost-source\":\"estimation\"}");
    if (b.n == 0)
        b = STR("{\"cost-source\":\"estimation\"}");
    if (str_eq(a, b))
        return true;
    x = json_loadb(a.p, a.n, 0, NULL);
    y = json_loadb(b.p, b.n, 0, NULL);
    same = x && y && json_equal(x, y);
    json_decref(x);
    json_decref(y);
    return same;
}

bool cost_type_same(const struct cost_type *a, const struct cost_type *b)
{
    return a->mode == b->mode && str_eq(a->mode_text, b->mode_text) &&
           str_eq(a->metric, b->metric) && context_same(a->context, b->context);
}
