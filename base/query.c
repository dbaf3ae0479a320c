#include "base/query.h"

#include <string.h>

bool query_next(struct str *rest, struct str *name, struct str *value)
{
    while (rest->n) {
        const char *amp = memchr(rest->p, '&', rest->n), *eq;
        struct str piece = {rest->p, amp ? (size_t)(amp - rest->p) : rest->n};
        size_t taken = piece.n + (amp ? 1 : 0);

        rest->p += taken;
        rest->n -= taken;
        if (!piece.n)
            continue;
        eq = memchr(piece.p, '=', piece.n);
        *name = (struct str){piece.p, eq ? (size_t)(eq - piece.p) : piece.n};
        *value = eq ? (struct str){eq + 1, piece.n - name->n - 1} : (struct str){NULL, 0};
        return true;
    }
    return false;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool percent_decode(struct str in, bool plus, char *out, size_t max, size_t *len)
{
    size_t n = 0;

    for (size_t i = 0; i < in.n; i++) {
        char c = in.p[i];

        if (n == max)
            return false;
        if (c == '%') {
            int hi = i + 2 < in.n ? hex_digit(in.p[i + 1]) : -1;
            int lo = i + 2 < in.n ? hex_digit(in.p[i + 2]) : -1;

            if (hi < 0 || lo < 0)
                return false;
            c = (char)(hi << 4 | lo);
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        out[n++] = c;
    }
    *len = n;
    return true;
}

struct str query_find(struct str query, struct str name)
{
    struct str n, v;

    while (query_next(&query, &n, &v))
        if (str_eq(n, name))
            return v;
    return (struct str){NULL, 0};
}
