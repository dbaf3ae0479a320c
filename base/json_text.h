/* The two tokens of JSON that take thought: strings and numbers, over bytes in memory. json_push
 * reads with it, json_write writes with it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/attr.h"
#include "base/bytes.h"

/* The first byte of p..end that is not plain: a quote, a backslash, a control character or anything
 * beyond ASCII; end when there is none. Reads eight bytes at a time, never behind end. */
static inline const char *json_text_plain(const char *p, const char *end)
{
    const uint64_t one = UINT64_C(0x0101010101010101), high = one << 7;

    while (end - p >= 8) {
        uint64_t w, quote, slash, stop;

        /* Of the bytes flagged, the lowest is flagged truly; a borrow can only flag later ones. */
        memcpy(&w, p, 8);
        quote = w ^ one * '"';
        slash = w ^ one * '\\';
        stop = (((quote - one) & ~quote) | ((slash - one) & ~slash) | (w - one * 0x20) | w) & high;
        if (stop)
            return p + (__builtin_ctzll(stop) >> 3);
        p += 8;
    }
    while (p < end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 && *p != '"' &&
           *p != '\\')
        p++;
    return p;
}

enum json_text_rc { JSON_TEXT_OK, JSON_TEXT_BAD, JSON_TEXT_NO_MEMORY };

struct json_text_fault {
    size_t at;        /* index of the byte that is wrong */
    const char *what; /* and what would be right */
};

/* Checks and decodes what stood between two quotes. *out is raw itself when nothing was escaped,
 * else it points into buf. */
enum json_text_rc json_text_decode(const char *raw, size_t n, struct bytes *buf, struct str *out,
                                   struct json_text_fault *fault) MUST_CHECK;

/* RFC 8259 section 6, all n bytes. */
bool json_text_is_number(const char *p, size_t n);

/* 10^n, 0..22, each exact in a double. */
static inline double json_text_pow10(size_t n)
{
    static const double pow10[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                     1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                     1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

    return pow10[n];
}

/* Reads [-]digits[.digits] from p when the double is sure to be exact: the digits as one integer
 * are at most 2^53, the power of ten at most 10^22, so that one division rounds once (Clinger
 * 1990). Returns where it ended; NULL when there is no such number or it is not one for this way.
 */
static inline const char *json_text_number(const char *p, const char *end, double *out)
{
    const char *digits, *point = NULL;
    uint64_t m = 0;
    bool minus = p < end && *p == '-';

    p += minus;
    digits = p;
    while (p < end && (unsigned)(*p - '0') < 10)
        m = m * 10 + (unsigned)(*p++ - '0');
    if (UNLIKELY(p == digits || (*digits == '0' && p - digits > 1)))
        return NULL;
    if (p < end && *p == '.') {
        point = ++p;
        while (p < end && (unsigned)(*p - '0') < 10)
            m = m * 10 + (unsigned)(*p++ - '0');
        if (p == point)
            return NULL;
    }
    /* 19 digits cannot have wrapped m; the point is counted as one of them. */
    if (UNLIKELY(p - digits > 19 || m > UINT64_C(1) << 53))
        return NULL;
    *out = (double)m;
    if (point)
        *out /= json_text_pow10((size_t)(p - point));
    if (minus)
        *out = -*out;
    return p;
}

#define JSON_TEXT_NUMBER_MAX 32

/* The shortest text that reads back as the same finite double: integers below 10^17 and decimals of
 * few digits plainly, the rest with an exponent. Writes no NUL; returns the length, at most
 * JSON_TEXT_NUMBER_MAX. */
size_t json_text_from_double(double v, char out[JSON_TEXT_NUMBER_MAX]);
size_t json_text_from_uint(uint64_t v, char out[JSON_TEXT_NUMBER_MAX]);
