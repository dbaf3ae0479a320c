#include "router/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX 128u /* bytes; what is longer is no counter */

__extension__ typedef __int128 wide;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t digits(struct str s, size_t at)
{
    size_t n = 0;

    while (at + n < s.n && is_digit(s.p[at + n]))
        n++;
    return n;
}

/* [+-]digits, or one with a point or an exponent. */
static bool is_decimal(struct str s)
{
    size_t at = s.n && (s.p[0] == '+' || s.p[0] == '-'), whole, part = 0, power;

    whole = digits(s, at);
    at += whole;
    if (at < s.n && s.p[at] == '.') {
        part = digits(s, ++at);
        at += part;
    }
    if (whole + part == 0)
        return false;
    if (at < s.n && (s.p[at] == 'e' || s.p[at] == 'E')) {
        at++;
        at += at < s.n && (s.p[at] == '+' || s.p[at] == '-');
        power = digits(s, at);
        at += power;
        if (power == 0)
            return false;
    }
    return at == s.n;
}

/* Digits alone, that fit 64 bits. */
static bool whole_number(struct str s, struct stat_value *out)
{
    bool minus = s.n && s.p[0] == '-';
    size_t at = minus || (s.n && s.p[0] == '+');
    uint64_t u = 0;

    for (; at < s.n; at++) {
        if (!is_digit(s.p[at]) || __builtin_mul_overflow(u, (uint64_t)10, &u) ||
            __builtin_add_overflow(u, (uint64_t)(s.p[at] - '0'), &u))
            return false;
    }
    if (!minus || u == 0)
        *out = (struct stat_value){.kind = STAT_UINT, .u = u};
    else if (u <= (uint64_t)1 << 63)
        *out = (struct stat_value){.kind = STAT_INT, .i = (int64_t) - (wide)u};
    else
        return false;
    return true;
}

struct stat_value stat_from_double(double d)
{
    if (d >= 0 && d < 0x1p64 && d == floor(d))
        return (struct stat_value){.kind = STAT_UINT, .u = (uint64_t)d};
    if (d < 0 && d > (double)INT64_MIN && d == floor(d))
        return (struct stat_value){.kind = STAT_INT, .i = (int64_t)d};
    return (struct stat_value){.kind = STAT_REAL, .d = d};
}

bool stat_number(struct str text, struct stat_value *out)
{
    char z[NUMBER_MAX + 1];
    double d;

    if (text.n > NUMBER_MAX || !is_decimal(text))
        return false;
    if (whole_number(text, out))
        return true;
    memcpy(z, text.p, text.n);
    z[text.n] = '\0';
    d = strtod(z, NULL); /* no program of ours sets a locale: the point is a point */
    if (!isfinite(d))
        return false;
    *out = stat_from_double(d);
    return true;
}

double stat_double(const struct stat_value *v)
{
    switch (v->kind) {
    case STAT_UINT:
        return (double)v->u;
    case STAT_INT:
        return (double)v->i;
    case STAT_REAL:
        break;
    }
    return v->d;
}

static wide whole(const struct stat_value *v)
{
    return v->kind == STAT_UINT ? (wide)v->u : (wide)v->i;
}

double stat_delta(const struct stat_value *before, const struct stat_value *now)
{
    double was, is;

    if (before->kind != STAT_REAL && now->kind != STAT_REAL)
        return whole(now) < whole(before) ? (double)whole(now)
                                          : (double)(whole(now) - whole(before));
    was = stat_double(before);
    is = stat_double(now);
    return is < was ? is : is - was;
}
