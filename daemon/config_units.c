#include "daemon/config_units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct unit {
    const char *name;
    uint64_t factor; /* in the base unit */
};

/* The largest last: formatting takes the last that divides the value. */
static const struct unit duration_units[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}, {NULL, 0},
};

static const struct unit size_units[] = {
    {"", 1},
    {"B", 1},
    {"kB", 1000},
    {"MB", 1000000},
    {"GB", 1000000000},
    {"KiB", UINT64_C(1) << 10},
    {"MiB", UINT64_C(1) << 20},
    {"GiB", UINT64_C(1) << 30},
    {"TiB", UINT64_C(1) << 40},
    {NULL, 0},
};

static const struct unit rate_units[] = {
    {"bit/s", 1},
    {"kbit/s", 1000},
    {"Mbit/s", 1000000},
    {"Gbit/s", UINT64_C(1000000000)},
    {"Tbit/s", UINT64_C(1000000000000)},
    {NULL, 0},
};

static const struct unit share_units[] = {{"%", 1000}, {NULL, 0}};

/* digits / 10^places, both exact. */
struct decimal {
    uint64_t digits;
    unsigned places;
    size_t used; /* characters of the text */
};

#define DECIMAL_PLACES_MAX 9u

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The number at the start of t; false when there is none, or it has more digits than fit. */
static bool decimal_parse(struct str t, struct decimal *out)
{
    struct decimal d = {0};
    bool point = false;

    for (; d.used < t.n; d.used++) {
        char c = t.p[d.used];

        if (c == '.' && !point && d.used > 0) {
            point = true;
            continue;
        }
        if (!is_digit(c))
            break;
        if (point && ++d.places > DECIMAL_PLACES_MAX)
            return false;
        if (__builtin_mul_overflow(d.digits, UINT64_C(10), &d.digits) ||
            __builtin_add_overflow(d.digits, (uint64_t)(c - '0'), &d.digits))
            return false;
    }
    if (d.used == 0 || (point && d.places == 0))
        return false;
    *out = d;
    return true;
}

static uint64_t power_of_ten(unsigned n)
{
    uint64_t p = 1;

    while (n--)
        p *= 10;
    return p;
}

/* d in units of factor; false when it is no whole number of base units, or too large. */
static bool decimal_scale(struct decimal d, uint64_t factor, uint64_t *out)
{
    uint64_t v, divisor;

    for (; d.places && d.digits % 10 == 0; d.places--)
        d.digits /= 10;
    divisor = power_of_ten(d.places);
    if (__builtin_mul_overflow(d.digits, factor, &v) || v % divisor != 0 || v / divisor > INT64_MAX)
        return false;
    *out = v / divisor;
    return true;
}

static const struct unit *unit_find(const struct unit *units, const char *p, size_t n)
{
    for (; units->name; units++)
        if (strlen(units->name) == n && memcmp(units->name, p, n) == 0)
            return units;
    return NULL;
}

enum quantity_result { QUANTITY_OK, QUANTITY_BAD, QUANTITY_NO_UNIT };

/* A number, at most one space, a unit. */
static enum quantity_result quantity_parse(struct str t, const struct unit *units, uint64_t *out)
{
    struct decimal d;
    const struct unit *u;
    size_t at;

    if (!decimal_parse(t, &d))
        return QUANTITY_BAD;
    at = d.used;
    if (at + 1 < t.n && t.p[at] == ' ')
        at++;
    u = unit_find(units, t.p + at, t.n - at);
    if (!u)
        return at == t.n ? QUANTITY_NO_UNIT : QUANTITY_BAD;
    return decimal_scale(d, u->factor, out) ? QUANTITY_OK : QUANTITY_BAD;
}

#define SHOWN_MAX 80

static const char *shown(struct str t, char *out)
{
    return bytes_escape(t.p, t.n, out, SHOWN_MAX);
}

enum err_code units_integer_parse(struct str t, uint64_t *out, struct err *e)
{
    char show[SHOWN_MAX];
    struct decimal d;

    if (!decimal_parse(t, &d) || d.used != t.n || memchr(t.p, '.', t.n) || d.digits > INT64_MAX)
        return err_set(e, ERR_PARSE, "\"%s\" is not a whole number; write digits, as in 100",
                       shown(t, show));
    *out = d.digits;
    return ERR_OK;
}

enum err_code units_number_parse(struct str t, double *out, struct err *e)
{
    char show[SHOWN_MAX];
    struct decimal d;

    if (!decimal_parse(t, &d) || d.used != t.n)
        return err_set(e, ERR_PARSE, "\"%s\" is not a number; write one as in 1 or 0.75",
                       shown(t, show));
    *out = (double)d.digits / (double)power_of_ten(d.places);
    return ERR_OK;
}

enum err_code units_duration_parse(struct str t, uint64_t *ms, struct err *e)
{
    char show[SHOWN_MAX];
    enum quantity_result r;

    if (str_eq(t, STR("0"))) {
        *ms = 0;
        return ERR_OK;
    }
    r = quantity_parse(t, duration_units, ms);
    if (r == QUANTITY_NO_UNIT)
        return err_set(e, ERR_PARSE, "\"%s\" has no unit; write %ss, or another of ms, s, m, h, d",
                       shown(t, show), show);
    if (r != QUANTITY_OK)
        return err_set(e, ERR_PARSE, "\"%s\" is not a duration; write 30s, 5m or 1h",
                       shown(t, show));
    return ERR_OK;
}

enum err_code units_size_parse(struct str t, uint64_t *bytes, struct err *e)
{
    char show[SHOWN_MAX];

    if (quantity_parse(t, size_units, bytes) != QUANTITY_OK)
        return err_set(e, ERR_PARSE, "\"%s\" is not a size; write 64 MiB, 16 KiB or bytes alone",
                       shown(t, show));
    return ERR_OK;
}

enum err_code units_rate_parse(struct str t, uint64_t *bps, struct err *e)
{
    char show[SHOWN_MAX];
    enum quantity_result r = quantity_parse(t, rate_units, bps);

    if (r == QUANTITY_NO_UNIT)
        return err_set(e, ERR_PARSE, "\"%s\" has no unit; write %s Mbit/s or %s Gbit/s",
                       shown(t, show), show, show);
    if (r != QUANTITY_OK)
        return err_set(e, ERR_PARSE, "\"%s\" is not a rate; write 10 Gbit/s or 5 Mbit/s",
                       shown(t, show));
    return ERR_OK;
}

enum err_code units_share_parse(struct str t, uint64_t *milli_percent, struct err *e)
{
    char show[SHOWN_MAX];
    struct decimal d;
    enum quantity_result r = quantity_parse(t, share_units, milli_percent);

    if (r == QUANTITY_NO_UNIT && decimal_parse(t, &d) && d.digits <= power_of_ten(d.places)) {
        char hint[UNITS_TEXT_MAX];
        uint64_t v;

        if (decimal_scale(d, 100000, &v)) /* 0.2 was meant as 20% */
            return err_set(e, ERR_PARSE, "\"%s\" has no %%; write %s", shown(t, show),
                           units_share_format(v, hint));
    }
    if (r == QUANTITY_NO_UNIT)
        return err_set(e, ERR_PARSE, "\"%s\" has no %%; write %s%%", shown(t, show), show);
    if (r != QUANTITY_OK)
        return err_set(e, ERR_PARSE, "\"%s\" is not a share; write 20%% or 2.5%%", shown(t, show));
    return ERR_OK;
}

static char *quantity_format(uint64_t v, const struct unit *units, const char *gap, char *out)
{
    const struct unit *best = units;

    for (const struct unit *u = units; u->name; u++)
        if (v && v % u->factor == 0 && u->factor >= best->factor)
            best = u;
    snprintf(out, UNITS_TEXT_MAX, "%" PRIu64 "%s%s", v / best->factor, gap, best->name);
    return out;
}

char *units_duration_format(uint64_t ms, char *out)
{
    if (ms == 0)
        return memcpy(out, "0s", sizeof "0s");
    return quantity_format(ms, duration_units, "", out);
}

char *units_size_format(uint64_t bytes, char *out)
{
    return quantity_format(bytes, size_units + 1, " ", out);
}

char *units_rate_format(uint64_t bps, char *out)
{
    return quantity_format(bps, rate_units, " ", out);
}

char *units_share_format(uint64_t milli_percent, char *out)
{
    size_t n = (size_t)snprintf(out, UNITS_TEXT_MAX, "%" PRIu64 ".%03" PRIu64, milli_percent / 1000,
                                milli_percent % 1000);

    while (out[n - 1] == '0')
        n--;
    if (out[n - 1] == '.')
        n--;
    memcpy(out + n, "%", 2);
    return out;
}
