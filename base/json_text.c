#include "base/json_text.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Length of the UTF-8 sequence at p (Unicode 15 table 3-7: shortest forms, no surrogates, up to
 * U+10FFFF); 0 when it is none. */
static size_t utf8_len(const unsigned char *p, size_t n)
{
    unsigned char low = 0x80, top = 0xbf;
    size_t len;

    if (p[0] >= 0xc2 && p[0] <= 0xdf)
        len = 2;
    else if (p[0] >= 0xe0 && p[0] <= 0xef)
        len = 3;
    else if (p[0] >= 0xf0 && p[0] <= 0xf4)
        len = 4;
    else
        return 0;
    if (p[0] == 0xe0)
        low = 0xa0;
    else if (p[0] == 0xed)
        top = 0x9f;
    else if (p[0] == 0xf0)
        low = 0x90;
    else if (p[0] == 0xf4)
        top = 0x8f;
    if (n < len || p[1] < low || p[1] > top)
        return 0;
    for (size_t i = 2; i < len; i++)
        if (p[i] < 0x80 || p[i] > 0xbf)
            return 0;
    return len;
}

static size_t utf8_put(uint32_t c, char *out)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

/* Four hexadecimal digits; -1 when they are not. */
static int32_t hex4(const char *p, const char *end)
{
    int32_t v = 0;

    if (end - p < 4)
        return -1;
    for (unsigned i = 0; i < 4; i++) {
        char c = p[i];

        if (c >= '0' && c <= '9')
            v = v * 16 + (c - '0');
        else if (c >= 'a' && c <= 'f')
            v = v * 16 + (c - 'a' + 10);
        else if (c >= 'A' && c <= 'F')
            v = v * 16 + (c - 'A' + 10);
        else
            return -1;
    }
    return v;
}

/* p is at a backslash and u. Returns the bytes read, 0 with *what set. */
static size_t unescape_u(const char *p, const char *end, char *out, size_t *made, const char **what)
{
    int32_t c = hex4(p + 2, end), low;

    if (c < 0)
        *what = "\\u needs four hexadecimal digits";
    else if (c == 0)
        *what = "\\u0000 is not taken in any string here";
    else if (c >= 0xdc00 && c <= 0xdfff)
        *what = "a low surrogate without its high one before it";
    if (*what)
        return 0;
    if (c < 0xd800 || c > 0xdbff) {
        *made = utf8_put((uint32_t)c, out);
        return 6;
    }
    low = end - p >= 8 && p[6] == '\\' && p[7] == 'u' ? hex4(p + 8, end) : -1;
    if (low < 0xdc00 || low > 0xdfff) {
        *what = "a high surrogate without its low one behind it";
        return 0;
    }
    *made = utf8_put(0x10000 + ((uint32_t)(c - 0xd800) << 10) + (uint32_t)(low - 0xdc00), out);
    return 12;
}

static size_t unescape(const char *p, const char *end, char *out, size_t *made, const char **what)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *known;

    *what = NULL;
    if (end - p >= 2 && p[1] == 'u')
        return unescape_u(p, end, out, made, what);
    known = end - p >= 2 && p[1] ? strchr(from, p[1]) : NULL;
    if (!known) {
        *what = "behind a backslash goes one of \" \\ / b f n r t u";
        return 0;
    }
    *out = to[known - from];
    *made = 1;
    return 2;
}

enum json_text_rc json_text_decode(const char *raw, size_t n, struct bytes *buf, struct str *out,
                                   struct json_text_fault *fault)
{
    const char *p = raw, *end = raw + n;
    bool copying = false;

    buf->len = 0;
    fault->what = NULL;
    while (p < end) {
        const char *q = json_text_plain(p, end);
        size_t made = 0, used = 0;

        if (copying && q > p)
            memcpy(buf->data + buf->len, p, (size_t)(q - p));
        buf->len += (size_t)(q - p); /* the length so far even when nothing is copied yet */
        p = q;
        if (p == end)
            break;
        if (*p == '\\') {
            if (!copying) { /* decoding never makes it longer, so this is room for all of it */
                size_t so_far = buf->len;

                buf->len = 0;
                if (!bytes_reserve(buf, n))
                    return JSON_TEXT_NO_MEMORY;
                memcpy(buf->data, raw, so_far);
                buf->len = so_far;
                copying = true;
            }
            used = unescape(p, end, buf->data + buf->len, &made, &fault->what);
        } else if ((unsigned char)*p >= 0x80) {
            made = used = utf8_len((const unsigned char *)p, (size_t)(end - p));
            if (!used)
                fault->what = "not UTF-8";
            if (copying && used)
                memcpy(buf->data + buf->len, p, used);
        } else {
            fault->what = *p == '"' ? "a quote inside a string is written \\\""
                                    : "a control character in a string is written as an escape";
        }
        if (fault->what) {
            fault->at = (size_t)(p - raw);
            return JSON_TEXT_BAD;
        }
        buf->len += made;
        p += used;
    }
    *out = copying ? (struct str){buf->data, buf->len} : (struct str){raw, n};
    return JSON_TEXT_OK;
}

static size_t digits(const char *p, size_t n)
{
    size_t i = 0;

    while (i < n && p[i] >= '0' && p[i] <= '9')
        i++;
    return i;
}

bool json_text_is_number(const char *p, size_t n)
{
    size_t i = n && p[0] == '-', k = digits(p + i, n - i);

    if (k == 0 || (p[i] == '0' && k > 1))
        return false;
    i += k;
    if (i < n && p[i] == '.') {
        k = digits(p + i + 1, n - i - 1);
        if (k == 0)
            return false;
        i += k + 1;
    }
    if (i < n && (p[i] == 'e' || p[i] == 'E')) {
        i++;
        if (i < n && (p[i] == '+' || p[i] == '-'))
            i++;
        k = digits(p + i, n - i);
        if (k == 0)
            return false;
        i += k;
    }
    return i == n;
}

size_t json_text_from_uint(uint64_t v, char out[JSON_TEXT_NUMBER_MAX])
{
    size_t n = 1, i;

    for (uint64_t left = v; left >= 10; left /= 10)
        n++;
    i = n;
    do {
        out[--i] = (char)('0' + v % 10);
        v /= 10;
    } while (i);
    return n;
}

/* A decimal of up to nine places whose digits are one integer below 10^15; 0 when v is none. Both
 * numbers are then exact and one division rounds once, as a reader's would; and the first number of
 * places that reads back is the least, so it is the shortest. */
static size_t from_decimal(double v, char *out)
{
    for (unsigned places = 1; places <= 9; places++) {
        const double scale = json_text_pow10(places), scaled = v * scale;
        uint64_t m, whole, part;
        size_t n;

        if (scaled >= 1e15)
            return 0;
        m = (uint64_t)(scaled + 0.5);
        if ((double)m / scale != v)
            continue;
        if (places > 4 && m < 100000)
            return 0; /* 0.000012: the exponent form is shorter */
        whole = m / (uint64_t)scale;
        part = m % (uint64_t)scale;
        n = json_text_from_uint(whole, out);
        out[n++] = '.';
        for (unsigned i = places; i-- > 0; part /= 10)
            out[n + i] = (char)('0' + part % 10);
        return n + places;
    }
    return 0;
}

/* The least precision that reads back; "1e-07" becomes "1e-7", and a comma of the process's locale
 * a point. */
static size_t from_any(double v, char *out)
{
    char text[JSON_TEXT_NUMBER_MAX] = "";
    size_t n = 0;

    /* 15 digits lose nothing of a normal double's shortest text; a subnormal has fewer. */
    for (int precision = v < DBL_MIN ? 1 : 15; precision <= 17; precision++) {
        snprintf(text, sizeof text, "%.*g", precision, v);
        if (strtod(text, NULL) == v)
            break;
    }
    for (const char *p = text; *p; p++) {
        bool exponent = n && (out[n - 1] == 'e' || out[n - 1] == '-');

        if (*p == '+' || (exponent && *p == '0' && p[1]))
            continue;
        out[n++] = *p == ',' ? '.' : *p;
    }
    return n;
}

size_t json_text_from_double(double v, char out[JSON_TEXT_NUMBER_MAX])
{
    size_t n = 0, k = 0;

    if (signbit(v)) {
        out[n++] = '-';
        v = -v;
    }
    if (v < 1e17 && (double)(uint64_t)v == v)
        return n + json_text_from_uint((uint64_t)v, out + n);
    if (v < 1e15)
        k = from_decimal(v, out + n);
    return n + (k ? k : from_any(v, out + n));
}
