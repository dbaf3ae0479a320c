#include "alto/alto_error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json_write.h"

#undef alto_missing
#undef alto_wrong_type
#undef alto_invalid
#undef alto_syntax
#undef alto_status

/* Up to size - 1 bytes of s with a NUL behind them, cut between two characters of UTF-8. */
static void copy(char *out, size_t size, struct str s)
{
    size_t n = s.n < size ? s.n : size - 1;

    while (n < s.n && n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
        n--;
    if (n)
        memcpy(out, s.p, n);
    out[n] = '\0';
}

PRINTF_LIKE(6, 0)
static bool set(struct alto_error *e, int status, enum alto_code code, const char *field,
                struct str value, const char *fmt, va_list ap) PRINTF_LIKE(6, 0);
static bool set(struct alto_error *e, int status, enum alto_code code, const char *field,
                struct str value, const char *fmt, va_list ap)
{
    char text[2 * ALTO_VALUE_MAX];

    if (e->status)
        return false;
    e->status = status;
    e->code = code;
    copy(e->field, sizeof e->field, str_from(field));
    copy(e->value, sizeof e->value, value);
    e->has_value = field && value.p;
    text[0] = '\0';
    if (fmt)
        vsnprintf(text, sizeof text, fmt, ap);
    /* What it quotes of a request may end within a character, or be none at all. */
    for (char *p = text; *p; p++)
        if ((unsigned char)*p >= 0x80)
            *p = '?';
    copy(e->text, sizeof e->text, str_from(text));
    return false;
}

bool alto_missing(struct alto_error *e, const char *field)
{
    if (e->status)
        return false;
    *e = (struct alto_error){.status = 400, .code = ALTO_E_MISSING_FIELD};
    copy(e->field, sizeof e->field, str_from(field));
    snprintf(e->text, sizeof e->text, "%.200s is missing", e->field);
    return false;
}

bool alto_wrong_type(struct alto_error *e, const char *field, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    set(e, 400, ALTO_E_INVALID_FIELD_TYPE, field, (struct str){0}, fmt, ap);
    va_end(ap);
    return false;
}

bool alto_invalid(struct alto_error *e, const char *field, struct str value, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    set(e, 400, ALTO_E_INVALID_FIELD_VALUE, field, value, fmt, ap);
    va_end(ap);
    return false;
}

bool alto_syntax(struct alto_error *e, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    set(e, 400, ALTO_E_SYNTAX, NULL, (struct str){0}, fmt, ap);
    va_end(ap);
    return false;
}

bool alto_status(struct alto_error *e, int status, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    set(e, status, ALTO_E_NONE, NULL, (struct str){0}, fmt, ap);
    va_end(ap);
    return false;
}

const char *alto_code_name(enum alto_code c)
{
    switch (c) {
    case ALTO_E_NONE:
        break;
    case ALTO_E_SYNTAX:
        return "E_SYNTAX";
    case ALTO_E_MISSING_FIELD:
        return "E_MISSING_FIELD";
    case ALTO_E_INVALID_FIELD_TYPE:
        return "E_INVALID_FIELD_TYPE";
    case ALTO_E_INVALID_FIELD_VALUE:
        return "E_INVALID_FIELD_VALUE";
    }
    return "";
}

bool alto_error_format(const struct alto_error *e, struct bytes *out)
{
    struct json_write w;
    char code[32];

    /* "code" is always there (section 8.5.2); what is no error of a request gets one of our own. */
    if (e->code)
        snprintf(code, sizeof code, "%s", alto_code_name(e->code));
    else
        snprintf(code, sizeof code, "priv:http-%d", e->status);
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_key(&w, STR("meta"));
    json_write_object(&w);
    json_write_key(&w, STR("code"));
    json_write_string(&w, str_from(code));
    if (e->field[0]) {
        json_write_key(&w, STR("field"));
        json_write_string(&w, str_from(e->field));
    }
    if (e->field[0] && e->has_value) {
        json_write_key(&w, STR("value"));
        json_write_string(&w, str_from(e->value));
    }
    if (e->text[0]) {
        json_write_key(&w, e->code == ALTO_E_SYNTAX ? STR("syntax-error") : STR("priv:reason"));
        json_write_string(&w, str_from(e->text));
    }
    json_write_object_end(&w);
    json_write_object_end(&w);
    return json_write_done(&w);
}
