#include "router/profile.h"

#include <math.h>
#include <string.h>

static const char *const field_names[PROFILE_FIELDS] = {
    [PROFILE_SESSIONS] = "sessions", [PROFILE_BYTES_OUT] = "bytes_out",
    [PROFILE_HITS] = "hits",         [PROFILE_MISSES] = "misses",
    [PROFILE_REQUESTS] = "requests", [PROFILE_CAPACITY] = "capacity",
    [PROFILE_READY] = "ready",
};

const char *profile_field_name(enum profile_field f)
{
    return field_names[f];
}

__extension__ typedef __int128 wide;

struct sum {
    wide whole;  /* exact: STATS_MAX numbers of 64 bits fit */
    double real; /* of the numbers that are not whole */
    bool is_real;
    uint32_t rows;
};

static void sum_add(struct sum *s, const struct stat_value *v)
{
    s->rows++;
    if (v->kind == STAT_REAL) {
        s->is_real = true;
        s->real += v->d;
    } else {
        s->whole += v->kind == STAT_UINT ? (wide)v->u : (wide)v->i;
    }
}

static struct stat_value from_wide(wide w)
{
    if (w >= 0 && w <= (wide)UINT64_MAX)
        return (struct stat_value){.kind = STAT_UINT, .u = (uint64_t)w};
    if (w < 0 && w >= (wide)INT64_MIN)
        return (struct stat_value){.kind = STAT_INT, .i = (int64_t)w};
    return (struct stat_value){.kind = STAT_REAL, .d = (double)w};
}

static struct stat_value scaled(const struct sum *s, double scale)
{
    wide product;

    if (!s->is_real && scale == floor(scale) && fabs(scale) <= 0x1p53 &&
        !__builtin_mul_overflow(s->whole, (wide)scale, &product))
        return from_wide(product);
    return stat_from_double(((double)s->whole + s->real) * scale);
}

/* "*" is any text, also none. Goes back to the last star alone, which is enough. */
static bool glob(struct str pattern, struct str text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, retry = 0;

    while (t < text.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            retry = t;
        } else if (p < pattern.n && pattern.p[p] == text.p[t]) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++retry;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}

/* Splits name{labels} at the brace; labels are what stands between the braces, and when they are
 * not closed something that is no label. */
static struct str family(struct str series, struct str *labels)
{
    const char *brace = series.n ? memchr(series.p, '{', series.n) : NULL;
    size_t n = brace ? (size_t)(brace - series.p) : series.n;

    *labels = (struct str){0};
    if (brace)
        *labels =
            series.p[series.n - 1] == '}' ? (struct str){brace + 1, series.n - n - 2} : STR("{");
    return (struct str){series.p, n};
}

/* The next a="b" of labels; false behind the last, or where there is none. */
static bool next_label(struct str *labels, struct str *name, struct str *value)
{
    const char *equals = labels->n ? memchr(labels->p, '=', labels->n) : NULL, *end, *q;

    if (!equals)
        return false;
    end = labels->p + labels->n;
    if (equals + 1 == end || equals[1] != '"')
        return false;
    for (q = equals + 2; q < end && *q != '"'; q++)
        q += *q == '\\';
    if (q >= end)
        return false;
    *name = (struct str){labels->p, (size_t)(equals - labels->p)};
    *value = (struct str){equals + 2, (size_t)(q - equals - 2)};
    q += 1 + (q + 1 < end && q[1] == ',');
    *labels = (struct str){q, (size_t)(end - q)};
    return true;
}

/* Whether `labels` has the label, with a value that fits. */
static bool has_label(struct str labels, struct str name, struct str pattern)
{
    struct str n, v;

    while (next_label(&labels, &n, &v))
        if (str_eq(n, name))
            return glob(pattern, v);
    return false;
}

static bool series_fits(struct str pattern, struct str series)
{
    struct str wanted, labels, name, value, f = family(pattern, &wanted);

    if (!glob(f, family(series, &labels)))
        return false;
    if (str_eq(wanted, STR("*")))
        return true;
    while (next_label(&wanted, &name, &value))
        if (!has_label(labels, name, value))
            return false;
    return wanted.n == 0; /* not when the rest is no label */
}

/* The first item whose name is not before `name`. */
static size_t lower_bound(const struct stats *s, struct str name)
{
    size_t low = 0, high = s->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (str_cmp(s->items[mid].name, name) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static void add_all(const struct stats *s, struct str pattern, bool labels, struct sum *sum)
{
    struct str prefix = pattern;

    for (size_t i = 0; i < prefix.n; i++)
        if (pattern.p[i] == '*' || (labels && pattern.p[i] == '{'))
            prefix.n = i;
    for (size_t i = lower_bound(s, prefix); i < s->count; i++) {
        struct str name = s->items[i].name;

        if (name.n < prefix.n || (prefix.n && memcmp(name.p, prefix.p, prefix.n) != 0))
            return;
        if (labels ? series_fits(pattern, name) : glob(pattern, name))
            sum_add(sum, &s->items[i].value);
    }
}

/* name with select for each "%"; an empty one when it is longer than a name can be. */
static struct str selected(struct str name, struct str select, char out[STATS_NAME_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < name.n; i++) {
        struct str part = name.p[i] == '%' ? select : (struct str){name.p + i, 1};

        if (part.n > STATS_NAME_MAX - n)
            return (struct str){out, 0};
        memcpy(out + n, part.p, part.n);
        n += part.n;
    }
    return (struct str){out, n};
}

static void read_field(const struct profile_expr *x, bool labels, const struct stats *s,
                       struct str select, enum profile_field f, struct profile_sample *out)
{
    struct sum plus = {0}, minus = {0}, all;
    bool difference = false, missing = false;

    for (unsigned i = 0; i < x->name_count; i++) {
        struct str name = x->names[i];
        bool off = name.n && name.p[0] == '-';
        struct sum *side = off ? &minus : &plus;
        uint32_t before = side->rows;
        UNINITIALIZED char text[STATS_NAME_MAX];

        name = selected((struct str){name.p + off, name.n - off}, select, text);
        if (name.n)
            add_all(s, name, labels, side);
        difference |= off;
        missing |= side->rows == before;
    }
    if (plus.rows + minus.rows == 0 || (difference && missing))
        return;
    all = (struct sum){.whole = plus.whole - minus.whole,
                       .real = plus.real - minus.real,
                       .is_real = plus.is_real || minus.is_real};
    out->has[f] = true;
    out->rows[f] = plus.rows + minus.rows;
    out->plus[f] = scaled(&plus, x->scale);
    out->minus[f] = scaled(&minus, x->scale);
    out->value[f] = scaled(&all, x->scale);
}

static bool is_pattern(struct str name, bool labels)
{
    struct str wanted = {0}, n, v;

    if (labels)
        name = family(name, &wanted);
    if (str_eq(wanted, STR("*")) || str_eq(wanted, STR("%")))
        wanted.n = 0;
    while (next_label(&wanted, &n, &v))
        if (n.n == 0)
            return false;
    return name.n > 0 && wanted.n == 0;
}

static enum err_code check_field(const struct profile_conf *p, enum profile_field f, struct err *e)
{
    const struct profile_expr *x = &p->field[f];
    char shown[120];

    if (x->name_count > PROFILE_TERMS_MAX)
        return err_set(e, ERR_LIMIT, "%s: %u names, at most %u", field_names[f], x->name_count,
                       PROFILE_TERMS_MAX);
    if (x->name_count && !(x->scale > 0 && isfinite(x->scale)))
        return err_set(e, ERR_PARSE, "%s: a scale of %g, it should be above 0", field_names[f],
                       x->scale);
    for (unsigned i = 0; i < x->name_count; i++) {
        struct str name = x->names[i];
        bool off = name.n && name.p[0] == '-';

        if (name.n > STATS_NAME_MAX)
            return err_set(e, ERR_LIMIT, "%s: a name of %zu bytes, at most %u", field_names[f],
                           name.n, STATS_NAME_MAX);
        if (!is_pattern((struct str){name.p + off, name.n - off}, p->format == STATS_PROMETHEUS))
            return err_set(e, ERR_PARSE, "%s: \"%s\", a name%s should be here", field_names[f],
                           bytes_escape(name.p, name.n, shown, sizeof shown),
                           p->format == STATS_PROMETHEUS ? ", or name{label=\"value\"}," : "");
    }
    return ERR_OK;
}

enum err_code profile_check(const struct profile_conf *p, struct err *e)
{
    char shown[120];
    bool any = false;

    for (size_t i = 0; i < p->name.n; i++)
        any |= !memchr("abcdefghijklmnopqrstuvwxyz0123456789-", p->name.p[i], 37);
    if (any || p->name.n == 0)
        return err_set(e, ERR_PARSE, "a profile's name \"%s\", it should be of a-z, 0-9 and -",
                       bytes_escape(p->name.p, p->name.n, shown, sizeof shown));
    for (unsigned f = 0; f < PROFILE_FIELDS; f++) {
        enum err_code rc = check_field(p, (enum profile_field)f, e);

        any |= p->field[f].name_count > 0;
        if (rc != ERR_OK)
            return rc;
    }
    return any ? ERR_OK : err_set(e, ERR_PARSE, "a profile that reads nothing");
}

void profile_read(const struct profile_conf *p, const struct stats *s, struct str select,
                  struct profile_sample *out)
{
    if (select.n == 0)
        select = p->select.n ? p->select : STR("*");
    *out = (struct profile_sample){0};
    for (unsigned f = 0; f < PROFILE_FIELDS; f++)
        read_field(&p->field[f], p->format == STATS_PROMETHEUS, s, select, (enum profile_field)f,
                   out);
}

static double gauge(const struct profile_sample *now, enum profile_field f)
{
    double v = now->has[f] ? stat_double(&now->value[f]) : NAN;

    if (!isfinite(v))
        return NAN;
    return v < 0 ? 0 : v; /* a difference of counters that were not read in one instant */
}

/* How far a counter has come; NAN: not known. */
static double came(const struct profile_sample *before, const struct profile_sample *now,
                   enum profile_field f)
{
    double d;

    if (!before || !before->has[f] || !now->has[f] || before->rows[f] != now->rows[f])
        return NAN;
    d = stat_delta(&before->plus[f], &now->plus[f]) - stat_delta(&before->minus[f], &now->minus[f]);
    if (!isfinite(d))
        return NAN;
    return d < 0 ? 0 : d;
}

static double hit_ratio(double hits, double all)
{
    if (isnan(hits) || isnan(all) || all <= 0)
        return NAN;
    return hits < all ? hits / all : 1;
}

void profile_report(const struct profile_sample *before, const struct profile_sample *now,
                    double elapsed_s, struct profile_report *out)
{
    double requests = came(before, now, PROFILE_REQUESTS);
    double ready = gauge(now, PROFILE_READY);
    double hits = came(before, now, PROFILE_HITS), misses = came(before, now, PROFILE_MISSES);
    double asked = isnan(misses) ? requests : hits + misses;
    bool time = elapsed_s > 0 && isfinite(elapsed_s);

    *out = (struct profile_report){
        .sessions = gauge(now, PROFILE_SESSIONS),
        .bytes_out_bps = time ? came(before, now, PROFILE_BYTES_OUT) * 8 / elapsed_s : NAN,
        .hit_ratio = hit_ratio(hits, asked),
        .asked = asked,
        .requests_ps = time ? requests / elapsed_s : NAN,
        .capacity = gauge(now, PROFILE_CAPACITY),
        .ready = isnan(ready) ? -1 : ready > 0,
    };
}
