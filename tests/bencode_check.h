/* A strict reader of bencode for tests and fuzz targets: canonical numbers, keys sorted and each
 * once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bencode_in {
    const char *p;
    size_t n;
};

static inline bool bencode_digits(struct bencode_in *in, int64_t *out)
{
    size_t i = 0;
    int64_t x = 0;

    while (i < in->n && i < 18 && in->p[i] >= '0' && in->p[i] <= '9')
        x = x * 10 + (in->p[i++] - '0');
    if (i == 0 || (i > 1 && in->p[0] == '0'))
        return false;
    in->p += i;
    in->n -= i;
    *out = x;
    return true;
}

static inline bool bencode_byte(struct bencode_in *in, char c)
{
    if (in->n == 0 || *in->p != c)
        return false;
    in->p++;
    in->n--;
    return true;
}

static inline bool bencode_take_str(struct bencode_in *in, const char **p, size_t *n)
{
    int64_t len;

    if (!bencode_digits(in, &len) || !bencode_byte(in, ':') || (uint64_t)len > in->n)
        return false;
    *p = in->p;
    *n = (size_t)len;
    in->p += len;
    in->n -= (size_t)len;
    return true;
}

/* Passes over one value; depth is what it may nest. */
static inline bool bencode_skip(struct bencode_in *in, unsigned depth)
{
    const char *last = NULL, *p;
    size_t last_n = 0, n;
    int64_t x;

    if (depth == 0)
        return false;
    if (bencode_byte(in, 'i'))
        return (bencode_byte(in, '-') || true) && bencode_digits(in, &x) && bencode_byte(in, 'e');
    if (bencode_byte(in, 'l')) {
        while (!bencode_byte(in, 'e'))
            if (!bencode_skip(in, depth - 1))
                return false;
        return true;
    }
    if (!bencode_byte(in, 'd'))
        return bencode_take_str(in, &p, &n);
    while (!bencode_byte(in, 'e')) {
        int c;

        if (!bencode_take_str(in, &p, &n))
            return false;
        c = last ? memcmp(last, p, last_n < n ? last_n : n) : -1;
        if (c > 0 || (c == 0 && last_n >= n) || !bencode_skip(in, depth - 1))
            return false;
        last = p;
        last_n = n;
    }
    return true;
}

/* One whole value and nothing behind it. */
static inline bool bencode_valid(const char *p, size_t n)
{
    struct bencode_in in = {p, n};

    return bencode_skip(&in, 8) && in.n == 0;
}

/* The bytes of the value of a key in a dictionary; p NULL: it is not there. */
static inline struct bencode_in bencode_get(struct bencode_in dict, const char *key)
{
    const char *p;
    size_t n;

    if (!bencode_byte(&dict, 'd'))
        return (struct bencode_in){0};
    while (bencode_take_str(&dict, &p, &n)) {
        struct bencode_in value = dict;

        if (!bencode_skip(&dict, 8))
            break;
        value.n -= dict.n;
        if (n == strlen(key) && memcmp(p, key, n) == 0)
            return value;
    }
    return (struct bencode_in){0};
}

static inline int64_t bencode_get_int(struct bencode_in dict, const char *key)
{
    struct bencode_in v = bencode_get(dict, key);
    int64_t x = -1;

    return v.p && bencode_byte(&v, 'i') && bencode_digits(&v, &x) ? x : -1;
}

/* n SIZE_MAX: there is none. */
static inline const char *bencode_get_str(struct bencode_in dict, const char *key, size_t *n)
{
    struct bencode_in v = bencode_get(dict, key);
    const char *p = NULL;

    if (!v.p || !bencode_take_str(&v, &p, n))
        *n = SIZE_MAX;
    return p;
}
