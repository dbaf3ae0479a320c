/* The protocol's errors (RFC 7285 section 8.5): exactly one per answer, with the member that is
 * wrong. */
#pragma once

#include "base/arena.h"
#include "base/bytes.h"

enum alto_code {
    ALTO_E_NONE, /* HTTP's status says all; the body has no code of RFC 7285 */
    ALTO_E_SYNTAX,
    ALTO_E_MISSING_FIELD,
    ALTO_E_INVALID_FIELD_TYPE,
    ALTO_E_INVALID_FIELD_VALUE,
};

#define ALTO_FIELD_MAX 256u
#define ALTO_VALUE_MAX 256u /* a longer value is cut at a character */

struct alto_error {
    int status; /* of HTTP: 400 for the codes; 0: no error */
    enum alto_code code;
    char field[ALTO_FIELD_MAX]; /* "cost-type/cost-metric"; empty: none */
    char value[ALTO_VALUE_MAX]; /* as a string, whatever it was (section 8.5.2) */
    bool has_value;             /* only with a field */
    char text[ALTO_VALUE_MAX];  /* one clear sentence for people: meta.syntax-error, or a member
                                   of our own ("priv:reason") */
};

/* Each sets *e, unless one is set already (the first wins), and returns false, for
 * `return alto_invalid(...)`. value.p NULL: none. */
bool alto_missing(struct alto_error *e, const char *field);
bool alto_wrong_type(struct alto_error *e, const char *field, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
bool alto_invalid(struct alto_error *e, const char *field, struct str value, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
bool alto_syntax(struct alto_error *e, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* No code of the RFC fits: 404, 406, 413, 503, ... */
bool alto_status(struct alto_error *e, int status, const char *fmt, ...) PRINTF_LIKE(3, 4);
#ifdef __clang_analyzer__ /* base/err.h says why */
#define alto_missing(...)    (alto_missing(__VA_ARGS__), false)
#define alto_wrong_type(...) (alto_wrong_type(__VA_ARGS__), false)
#define alto_invalid(...)    (alto_invalid(__VA_ARGS__), false)
#define alto_syntax(...)     (alto_syntax(__VA_ARGS__), false)
#define alto_status(...)     (alto_status(__VA_ARGS__), false)
#endif

/* {"meta":{"code":...}} as application/alto-error+json. false: out is full. */
bool alto_error_format(const struct alto_error *e, struct bytes *out) MUST_CHECK;
/* "E_SYNTAX"; "" for ALTO_E_NONE. */
const char *alto_code_name(enum alto_code c);
