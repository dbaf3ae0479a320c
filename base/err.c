#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#undef err_set
#undef err_set_errno

enum err_code err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
    va_list ap;

    if (!e)
        return code;
    if (e->code != ERR_OK)
        return e->code;
    e->code = code;
    va_start(ap, fmt);
    vsnprintf(e->text, sizeof e->text, fmt, ap);
    va_end(ap);
    return code;
}

enum err_code err_set_errno(struct err *e, const char *fmt, ...)
{
    int saved = errno;
    char reason[128] = "";
    size_t n;
    va_list ap;

    if (!e)
        return ERR_IO;
    if (e->code != ERR_OK)
        return e->code;
    e->code = ERR_IO;
    va_start(ap, fmt);
    vsnprintf(e->text, sizeof e->text, fmt, ap);
    va_end(ap);
    n = strlen(e->text);
    snprintf(e->text + n, sizeof e->text - n, ": %s", strerror_r(saved, reason, sizeof reason));
    return ERR_IO;
}

void err_wrap(struct err *e, const char *fmt, ...)
{
    char front[ERR_TEXT_MAX / 2];
    size_t n, have;
    va_list ap;

    if (!e)
        return;
    va_start(ap, fmt);
    vsnprintf(front, sizeof front - 2, fmt, ap);
    va_end(ap);
    n = strlen(front);
    memcpy(front + n, ": ", 2);
    n += 2;
    have = strlen(e->text);
    if (have > sizeof e->text - n - 1)
        have = sizeof e->text - n - 1;
    memmove(e->text + n, e->text, have);
    memcpy(e->text, front, n);
    e->text[n + have] = '\0';
}

const char *err_code_name(enum err_code code)
{
    static const char *const names[] = {
        [ERR_OK] = "ok",       [ERR_PARSE] = "parse",         [ERR_CONFLICT] = "conflict",
        [ERR_LIMIT] = "limit", [ERR_NOT_FOUND] = "not-found", [ERR_UNSUPPORTED] = "unsupported",
        [ERR_IO] = "io",
    };

    return names[code];
}
