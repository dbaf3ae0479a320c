/* The one error type. A function that can fail for an outside reason returns enum err_code and
 * takes struct err *e last. The first error wins; each level that knows a name adds it once, in
 * front. */
#pragma once

#include <stdarg.h>

#include "base/attr.h"

enum err_code {
    ERR_OK = 0,
    ERR_PARSE,       /* the bytes are not what they should be */
    ERR_CONFLICT,    /* each part is fine, together they are not */
    ERR_LIMIT,       /* over a named limit */
    ERR_NOT_FOUND,   /* a name that nobody has */
    ERR_UNSUPPORTED, /* understood, and not something this program does */
    ERR_IO,          /* the system said no; the text carries its reason */
};

#define ERR_TEXT_MAX 1024

/* Start from {0}. text is one sentence without a full stop, "where: what, what would be right". */
struct err {
    enum err_code code;
    char text[ERR_TEXT_MAX];
};

/* Sets code and text unless e already holds an error; returns the code that e holds. e may be NULL.
 */
enum err_code err_set(struct err *e, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Like err_set with ERR_IO, and appends ": " and strerror(errno). */
enum err_code err_set_errno(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Puts "<fmt>: " in front of the text. */
void err_wrap(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* "parse", "limit", ...: stable words for logs and metrics. */
const char *err_code_name(enum err_code code);

#ifdef __clang_analyzer__
/* What a declaration cannot say, for an analyzer that sees one file at a time: err_set and
 * err_set_errno never return ERR_OK. */
static inline enum err_code err_failed(enum err_code rc)
{
    if (rc == ERR_OK)
        __builtin_unreachable();
    return rc;
}
#define err_set(...)       err_failed(err_set(__VA_ARGS__))
#define err_set_errno(...) err_failed(err_set_errno(__VA_ARGS__))
#endif
