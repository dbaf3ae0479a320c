#include "alto/cost_request.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alto/calendar_read.h"
#include "base/json_text.h"
#include "base/json_write.h"

/* One reading of a request's members. */
struct reading {
    const struct params *in;
    const struct alto_resource *r;
    struct cost_request *out;
    /* What the index of a test counts (RFC 8189 section 4.1.2). */
    const struct alto_cost *tested[COST_REQUEST_TYPES_MAX];
    size_t tested_count;
};

static bool same_source(enum cost_source a, enum cost_source b)
{
    a = a == COST_SOURCE_NONE ? COST_SOURCE_ESTIMATION : a;
    b = b == COST_SOURCE_NONE ? COST_SOURCE_ESTIMATION : b;
    return a == b;
}

/* The cost-context of a cost type in a request (RFC 9439 section 3.1), when it has one. */
static bool read_source(const struct params *type, enum cost_source *out, bool *there)
{
    struct params context;
    struct str source;

    *out = COST_SOURCE_NONE;
    if (!params_object(type, "cost-context", false, &context, there))
        return false;
    if (!*there)
        return true;
    if (!params_string(&context, "cost-source", false, &source))
        return false;
    if (!source.p || str_eq(source, STR("estimation")))
        *out = COST_SOURCE_ESTIMATION;
    else if (str_eq(source, STR("nominal")))
        *out = COST_SOURCE_NOMINAL;
    else if (str_eq(source, STR("sla")))
        *out = COST_SOURCE_SLA;
    else
        return alto_invalid(type->e, params_path(&context, "cost-source"), source,
                            "it is nominal, sla or estimation");
    return true;
}

/* What the resource has of the metric and mode; *metric_known: in another mode, or of another
 * source. */
static const struct alto_cost *find_cost(const struct alto_resource *r, struct str metric,
                                         struct str mode, const enum cost_source *source,
                                         bool *metric_known, bool *mode_known)
{
    *metric_known = *mode_known = false;
    for (size_t i = 0; i < r->cost_count; i++) {
        const struct cost_type *t = r->costs[i]->type;

        if (!str_eq(t->metric, metric))
            continue;
        *metric_known = true;
        if (!str_eq(t->mode_text, mode))
            continue;
        *mode_known = true;
        if (!source || same_source(t->source, *source))
            return r->costs[i];
    }
    return NULL;
}

/* item: of an array of that name, which an error names instead of the member. */
static bool read_type(const struct reading *g, const struct params *type, const char *array,
                      const json_t *item, const struct alto_cost **out)
{
    struct alto_error *e = g->in->e;
    bool metric_known, mode_known, has_source;
    struct str mode, metric;
    enum cost_source source;

    if (!params_string(type, "cost-mode", true, &mode) ||
        !params_string(type, "cost-metric", true, &metric) ||
        !read_source(type, &source, &has_source))
        return false;
    *out = find_cost(g->r, metric, mode, has_source ? &source : NULL, &metric_known, &mode_known);
    if (*out)
        return true;
    if (item)
        return alto_invalid(e, array, params_value(type, item),
                            "no cost type of this resource is %.*s in mode %.*s",
                            metric.n > 40 ? 40 : (int)metric.n, metric.p,
                            mode.n > 40 ? 40 : (int)mode.n, mode.p);
    if (!metric_known)
        return alto_invalid(e, params_path(type, "cost-metric"), metric,
                            "no cost type of this resource has the metric");
    if (!mode_known)
        return alto_invalid(e, params_path(type, "cost-mode"), mode,
                            "no cost type of this resource has the metric in this mode");
    return alto_invalid(e, params_path(type, "cost-context"),
                        params_value(type, json_object_get(type->object, "cost-context")),
                        "the cost type of this resource is of another source");
}

/* An array of cost types, 1 to max. */
static bool read_types(const struct reading *g, const char *name, size_t max,
                       const struct alto_cost **out, size_t *count)
{
    struct params type = *g->in;
    const json_t *array;
    size_t n;

    if (!params_array(g->in, name, true, &array))
        return false;
    n = json_array_size(array);
    if (n == 0 || n > max)
        return alto_invalid(g->in->e, name, params_value(g->in, array),
                            "%zu cost types, and 1 to %zu are possible", n, max);
    type.path = params_path(g->in, name);
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(array, i);

        type.object = item;
        if (!json_is_object(item))
            return alto_invalid(g->in->e, name, params_value(g->in, item),
                                "item %zu is not a cost type", i);
        if (!read_type(g, &type, name, item, &out[i]))
            return false;
    }
    *count = n;
    return true;
}

static bool has(const struct params *in, const char *key)
{
    return json_object_get(in->object, key) != NULL;
}

/* cost-type or multi-cost-types: one of the two (RFC 8189 section 4.1.2). An empty cost-type beside
 * the other is none: RFC 8896 section 5.2.4 sends it. */
static bool read_costs(const struct reading *g)
{
    struct cost_request *q = g->out;
    struct params type;
    bool single;
    size_t max = g->r->max_cost_types;

    q->multi = has(g->in, "multi-cost-types");
    if (!params_object(g->in, "cost-type", !q->multi, &type, &single))
        return false;
    if (!q->multi) {
        q->count = 1;
        return read_type(g, &type, NULL, NULL, &q->costs[0]);
    }
    if (max == 0)
        return alto_invalid(g->in->e, "multi-cost-types",
                            params_value(g->in, json_object_get(g->in->object, "multi-cost-types")),
                            "this resource answers one cost type at a time");
    if (single && json_object_size(type.object))
        return alto_invalid(g->in->e, "cost-type", params_value(g->in, type.object),
                            "beside multi-cost-types there is no cost-type");
    if (max > COST_REQUEST_TYPES_MAX)
        max = COST_REQUEST_TYPES_MAX;
    return read_types(g, "multi-cost-types", max, q->costs, &q->count);
}

static bool is_testable(const struct alto_resource *r, const struct alto_cost *cost)
{
    for (size_t i = 0; i < r->cost_count; i++)
        if (r->costs[i] == cost)
            return r->testable ? r->testable[i] : r->constraints;
    return false;
}

static bool read_tested(struct reading *g)
{
    const json_t *array;

    g->tested_count = g->out->count;
    memcpy(g->tested, g->out->costs, sizeof g->tested);
    if (!g->r->max_cost_types || !has(g->in, "testable-cost-types"))
        return true;
    if (!read_types(g, "testable-cost-types", COST_REQUEST_TYPES_MAX, g->tested, &g->tested_count))
        return false;
    array = json_object_get(g->in->object, "testable-cost-types");
    for (size_t i = 0; i < g->tested_count; i++)
        if (!is_testable(g->r, g->tested[i]))
            return alto_invalid(g->in->e, "testable-cost-types",
                                params_value(g->in, json_array_get(array, i)),
                                "this cost type cannot be tested here");
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The next word of s up to a blank; n 0 at the end. */
static struct str next_word(struct str *s)
{
    struct str word;

    while (s->n && is_blank(s->p[0]))
        *s = (struct str){s->p + 1, s->n - 1};
    word = (struct str){s->p, 0};
    while (word.n < s->n && !is_blank(s->p[word.n]))
        word.n++;
    *s = (struct str){s->p + word.n, s->n - word.n};
    return word;
}

static bool parse_op(struct str word, enum cost_test_op *op)
{
    static const char names[][3] = {"gt", "lt", "ge", "le", "eq"};

    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq(word, str_from(names[i]))) {
            *op = (enum cost_test_op)i;
            return true;
        }
    return false;
}

/* "[12]" */
static bool parse_index(struct str word, size_t *index)
{
    *index = 0;
    if (word.n < 3 || word.n > 6 || word.p[word.n - 1] != ']')
        return false;
    for (size_t i = 1; i + 1 < word.n; i++) {
        if (word.p[i] < '0' || word.p[i] > '9')
            return false;
        *index = *index * 10 + (size_t)(word.p[i] - '0');
    }
    return true;
}

static bool parse_bound(struct str word, double *out)
{
    char text[64];

    if (word.n >= sizeof text || !json_text_is_number(word.p, word.n))
        return false;
    memcpy(text, word.p, word.n);
    text[word.n] = '\0';
    *out = strtod(text, NULL);
    return isfinite(*out);
}

static uint32_t column_of(struct cost_request *q, const struct alto_cost *cost)
{
    size_t i = 0;

    while (i < q->column_count && q->columns[i] != cost)
        i++;
    if (i == q->column_count)
        q->columns[q->column_count++] = cost;
    return (uint32_t)i;
}

/* "[1] le 5" (RFC 8189 section 4.1.2); without multi-cost "le 5" alone (RFC 7285 section 11.3.2.3).
 */
static bool read_test(const struct reading *g, const char *name, const json_t *item,
                      struct cost_test *out)
{
    struct str value = params_value(g->in, item), text = value, word;
    struct alto_error *e = g->in->e;
    size_t index = 0;

    if (!json_is_string(item))
        return alto_invalid(e, name, value, "a test is a string");
    word = next_word(&text);
    if (word.n && word.p[0] == '[' && g->r->max_cost_types) {
        if (!parse_index(word, &index) || index >= g->tested_count)
            return alto_invalid(e, name, value, "the index is of none of %zu cost types",
                                g->tested_count);
        word = next_word(&text);
    }
    if (!parse_op(word, &out->op))
        return alto_invalid(e, name, value, "an operator is gt, lt, ge, le or eq");
    if (!parse_bound(next_word(&text), &out->bound) || next_word(&text).n)
        return alto_invalid(e, name, value, "behind the operator there is one number");
    out->cost = g->tested[index];
    if (!is_testable(g->r, out->cost))
        return alto_invalid(e, name, value, "the cost type cannot be tested here");
    out->column = column_of(g->out, out->cost);
    return true;
}

#define TESTS_MAX 1024u /* of one request */

/* The tests of one group, appended. */
static bool read_group(const struct reading *g, const char *name, const json_t *array,
                       struct cost_test *tests, uint32_t *count)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (*count == TESTS_MAX)
            return alto_invalid(g->in->e, name, (struct str){0}, "over %u tests", TESTS_MAX);
        if (!read_test(g, name, json_array_get(array, i), &tests[*count]))
            return false;
        ++*count;
    }
    return true;
}

/* Room for tests of which the request has n at most, TESTS_MAX in all. */
static struct cost_test *room_for_tests(const struct reading *g, size_t n)
{
    struct cost_test *tests =
        arena_array(g->in->arena, n < TESTS_MAX ? n : TESTS_MAX, sizeof *tests);

    if (!tests)
        alto_status(g->in->e, 503, "no memory for the request");
    return tests;
}

static bool read_constraints(const struct reading *g, const json_t *array)
{
    struct cost_test *tests = room_for_tests(g, json_array_size(array));
    uint32_t count = 0, *ends = arena_array(g->in->arena, 1, sizeof *ends);

    if (!tests || !ends)
        return alto_status(g->in->e, 503, "no memory for the request");
    if (!read_group(g, "constraints", array, tests, &count))
        return false;
    ends[0] = count;
    g->out->tests = tests;
    g->out->group_ends = ends;
    g->out->group_count = count ? 1 : 0;
    return true;
}

static bool read_or_constraints(const struct reading *g, const json_t *groups)
{
    static const char name[] = "or-constraints";
    size_t n = json_array_size(groups), all = 0;
    struct cost_test *tests;
    uint32_t count = 0, *ends;

    if (n == 0 || n > TESTS_MAX)
        return alto_invalid(g->in->e, name, params_value(g->in, groups),
                            "%zu groups of tests, and 1 to %u are possible", n, TESTS_MAX);
    for (size_t i = 0; i < n; i++) {
        const json_t *group = json_array_get(groups, i);

        if (!json_is_array(group) || json_array_size(group) == 0)
            return alto_invalid(g->in->e, name, params_value(g->in, group),
                                "item %zu is not an array of one test or more", i);
        all += json_array_size(group);
    }
    tests = room_for_tests(g, all);
    ends = arena_array(g->in->arena, n, sizeof *ends);
    if (!tests || !ends)
        return alto_status(g->in->e, 503, "no memory for the request");
    for (size_t i = 0; i < n; i++) {
        if (!read_group(g, name, json_array_get(groups, i), tests, &count))
            return false;
        ends[i] = count;
    }
    g->out->tests = tests;
    g->out->group_ends = ends;
    g->out->group_count = n;
    return true;
}

static bool read_tests(const struct reading *g)
{
    bool allowed = g->r->constraints || g->r->testable;
    const json_t *all, *any = NULL;

    if (!params_array(g->in, "constraints", false, &all) ||
        (g->r->max_cost_types && !params_array(g->in, "or-constraints", false, &any)))
        return false;
    if (!g->r->max_cost_types && has(g->in, "or-constraints"))
        return alto_invalid(g->in->e, "or-constraints",
                            params_value(g->in, json_object_get(g->in->object, "or-constraints")),
                            "this resource answers one cost type at a time");
    if ((all || any) && !allowed)
        return alto_invalid(g->in->e, all ? "constraints" : "or-constraints",
                            params_value(g->in, all ? all : any),
                            "this resource does not test costs");
    if (all && any)
        return alto_invalid(g->in->e, "or-constraints", params_value(g->in, any),
                            "beside constraints there is no or-constraints");
    if (any)
        return read_or_constraints(g, any);
    return !all || read_constraints(g, all);
}

static bool read_calendared(const struct reading *g, uint64_t wall_ms)
{
    const json_t *array;
    size_t n;

    if (!params_array(g->in, "calendared", false, &array))
        return false;
    n = json_array_size(array);
    for (size_t i = 0; i < n; i++)
        if (!json_is_boolean(json_array_get(array, i)))
            return alto_invalid(g->in->e, "calendared",
                                params_value(g->in, json_array_get(array, i)),
                                "item %zu is neither true nor false", i);
    if (array && n != g->out->count)
        return alto_invalid(g->in->e, "calendared", params_value(g->in, array),
                            "%zu items, for %zu cost types", n, g->out->count);
    for (size_t i = 0; i < n; i++) {
        const struct costmap *calendar = g->out->costs[i]->calendar;

        /* RFC 8896 section 5.1.2: its start is not later than the request. */
        g->out->calendared[i] = json_is_true(json_array_get(array, i)) && calendar &&
                                costmap_calendar_get(calendar)->start_ms <= wall_ms;
        if (g->out->calendared[i])
            g->out->group_count = 0; /* tests are not for calendars (section 5.2.1) */
    }
    return true;
}

bool cost_request_read(const struct params *in, const struct alto_resource *r, uint64_t wall_ms,
                       struct cost_request *out)
{
    struct reading g = {.in = in, .r = r, .out = out};

    memset(out, 0, sizeof *out);
    if (!read_costs(&g))
        return false;
    memcpy(out->columns, out->costs, sizeof out->costs);
    out->column_count = out->count;
    return read_tested(&g) && read_tests(&g) && read_calendared(&g, wall_ms);
}

static bool holds(const struct cost_test *t, double v)
{
    switch (t->op) {
    case COST_GT:
        return v > t->bound;
    case COST_LT:
        return v < t->bound;
    case COST_GE:
        return v >= t->bound;
    case COST_LE:
        return v <= t->bound;
    case COST_EQ:
        return v == t->bound;
    }
    return false;
}

bool cost_request_passes(const struct cost_request *q, const double *values)
{
    uint32_t i = 0;

    for (size_t k = 0; k < q->group_count; k++) {
        bool all = true;

        for (; i < q->group_ends[k]; i++)
            all = all && holds(&q->tests[i], values[q->tests[i].column]);
        if (all)
            return true;
    }
    return q->group_count == 0;
}

bool cost_request_has(const struct cost_request *q, const double *values, pidx src, pidx dst)
{
    for (size_t i = 0; i < q->count; i++) {
        const struct costmap *c = q->costs[i]->calendar;

        if (!q->calendared[i] && !isnan(values[i]))
            return true;
        for (uint32_t k = 0; q->calendared[i] && k < costmap_slots(c); k++)
            if (!isnan(costmap_get(costmap_slot(c, k), src, dst)))
                return true;
    }
    return false;
}

uint64_t cost_request_width(const struct cost_request *q)
{
    uint64_t width = q->column_count;

    for (size_t i = 0; i < q->column_count; i++) {
        width += q->columns[i]->ranked;
        if (i < q->count && q->calendared[i])
            width += costmap_slots(q->costs[i]->calendar);
    }
    return width;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

size_t cost_ranking(double *values, size_t n)
{
    size_t known = 0, count = 0;

    for (size_t i = 0; i < n; i++)
        if (!isnan(values[i]))
            values[known++] = values[i];
    qsort(values, known, sizeof *values, by_value);
    for (size_t i = 0; i < known; i++)
        if (count == 0 || values[i] != values[count - 1])
            values[count++] = values[i];
    return count;
}

double cost_rank(const double *ranking, size_t n, double value)
{
    size_t low = 0, high = n;

    if (isnan(value))
        return value;
    while (low < high) {
        size_t mid = (low + high) / 2;

        if (ranking[mid] < value)
            low = mid + 1;
        else
            high = mid;
    }
    return (double)(low + 1);
}

void cost_type_write(struct json_write *w, const struct cost_type *t, bool description)
{
    json_write_object(w);
    json_write_key(w, STR("cost-mode"));
    json_write_string(w, t->mode_text);
    json_write_key(w, STR("cost-metric"));
    json_write_string(w, t->metric);
    if (t->context.n) {
        json_write_key(w, STR("cost-context"));
        json_write_made(w, t->context);
    }
    if (description && t->description.n) {
        json_write_key(w, STR("description"));
        json_write_string(w, t->description);
    }
    json_write_object_end(w);
}

static void write_calendars(struct json_write *w, const struct cost_request *q)
{
    bool any = false;

    for (size_t i = 0; i < q->count; i++) {
        if (!q->calendared[i])
            continue;
        if (!any) {
            json_write_key(w, STR("calendar-response-attributes"));
            json_write_array(w);
            any = true;
        }
        json_write_object(w);
        if (q->multi) {
            json_write_key(w, STR("cost-type-names"));
            json_write_array(w);
            json_write_string(w, q->costs[i]->type->name);
            json_write_array_end(w);
        }
        calendar_write_members(w, costmap_calendar_get(q->costs[i]->calendar));
        json_write_object_end(w);
    }
    if (any)
        json_write_array_end(w);
}

void cost_request_write_meta(struct json_write *w, const struct cost_request *q)
{
    json_write_key(w, STR("cost-type"));
    if (q->multi) {
        json_write_object(w); /* RFC 8189 section 4.1.3 */
        json_write_object_end(w);
        json_write_key(w, STR("multi-cost-types"));
        json_write_array(w);
        for (size_t i = 0; i < q->count; i++)
            cost_type_write(w, q->costs[i]->type, false);
        json_write_array_end(w);
    } else {
        cost_type_write(w, q->costs[0]->type, false);
    }
    write_calendars(w, q);
}

static void write_number(struct json_write *w, double v)
{
    if (isnan(v))
        json_write_null(w);
    else
        json_write_number(w, v);
}

static void write_calendar(struct json_write *w, const struct costmap *c, pidx src, pidx dst)
{
    json_write_array(w);
    for (uint32_t k = 0; k < costmap_slots(c); k++)
        write_number(w, costmap_get(costmap_slot(c, k), src, dst));
    json_write_array_end(w);
}

void cost_request_write_value(struct json_write *w, const struct cost_request *q,
                              const double *values, pidx src, pidx dst)
{
    if (q->multi)
        json_write_array(w);
    for (size_t i = 0; i < q->count; i++) {
        if (q->calendared[i])
            write_calendar(w, q->costs[i]->calendar, src, dst);
        else
            write_number(w, values[i]);
    }
    if (q->multi)
        json_write_array_end(w);
}
