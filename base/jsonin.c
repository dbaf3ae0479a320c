#include "base/jsonin.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#undef jsonin_error

enum err_code jsonin_load(const char *text, size_t n, json_t **out, struct err *e)
{
    json_error_t je;

    *out = json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &je);
    if (*out)
        return ERR_OK;
    if (json_error_code(&je) == json_error_out_of_memory)
        return err_set(e, ERR_LIMIT, "no memory for a JSON text of %zu bytes", n);
    return err_set(e, ERR_PARSE, "%d:%d: %s", je.line, je.column, je.text);
}

/* The positions from the root down; at most JSONIN_DEPTH_MAX, the outermost are left out. */
static size_t positions(const struct jsonin *at, const struct jsonin *list[JSONIN_DEPTH_MAX])
{
    size_t n = 0, i = JSONIN_DEPTH_MAX;

    for (; at && at->up && i > 0; at = at->up)
        list[--i] = at;
    n = JSONIN_DEPTH_MAX - i;
    memmove(list, list + i, n * sizeof *list);
    return n;
}

char *jsonin_path(const struct jsonin *at, char *out, size_t size)
{
    const struct jsonin *list[JSONIN_DEPTH_MAX];
    size_t n = positions(at, list), used = 0;

    if (size)
        out[0] = '\0';
    for (size_t i = 0; i < n && used < size; i++) {
        char key[80];
        int k;

        if (list[i]->key)
            k = snprintf(out + used, size - used, "%s%s", i ? "." : "",
                         bytes_escape(list[i]->key, strlen(list[i]->key), key, sizeof key));
        else
            k = snprintf(out + used, size - used, "[%zu]", list[i]->index);
        used += k > 0 ? (size_t)k : 0;
    }
    return out;
}

enum err_code jsonin_error(const struct jsonin *at, struct err *e, const char *fmt, ...)
{
    char path[ERR_TEXT_MAX / 4], text[ERR_TEXT_MAX / 2];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    jsonin_path(at, path, sizeof path);
    return err_set(e, ERR_PARSE, "%s%s%s", path, path[0] ? ": " : "", text);
}

static const char *kind_name(const json_t *v)
{
    if (!v)
        return "nothing";
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "a boolean";
    case JSON_NULL:
        break;
    }
    return "null";
}

/* The member `key` of `in`, or `in` itself when key is NULL. *out is filled, for the path, also
 * when the member is missing. */
static enum err_code member(const struct jsonin *in, const char *key, struct jsonin *out,
                            const char *what, struct err *e)
{
    *out = key ? (struct jsonin){.up = in, .key = key} : *in;
    if (!key)
        return ERR_OK;
    if (!json_is_object(in->value))
        return jsonin_error(in, e, "%s, where an object should be", kind_name(in->value));
    out->value = json_object_get(in->value, key);
    return out->value ? ERR_OK : jsonin_error(out, e, "is missing, %s should be here", what);
}

static enum err_code other_kind(const struct jsonin *at, const char *what, struct err *e)
{
    return jsonin_error(at, e, "%s, where %s should be", kind_name(at->value), what);
}

enum err_code jsonin_object(const struct jsonin *in, const char *key, struct jsonin *out,
                            struct err *e)
{
    struct jsonin at;
    enum err_code rc = member(in, key, &at, "an object", e);

    if (rc != ERR_OK)
        return rc;
    if (!json_is_object(at.value))
        return other_kind(&at, "an object", e);
    *out = at;
    return ERR_OK;
}

enum err_code jsonin_array(const struct jsonin *in, const char *key, struct jsonin *out,
                           struct err *e)
{
    struct jsonin at;
    enum err_code rc = member(in, key, &at, "an array", e);

    if (rc != ERR_OK)
        return rc;
    if (!json_is_array(at.value))
        return other_kind(&at, "an array", e);
    *out = at;
    return ERR_OK;
}

struct jsonin jsonin_item(const struct jsonin *array, size_t index)
{
    return (struct jsonin){
        .up = array, .index = index, .value = json_array_get(array->value, index)};
}

size_t jsonin_count(const struct jsonin *array)
{
    return json_array_size(array->value);
}

enum err_code jsonin_string(const struct jsonin *in, const char *key, struct str *out,
                            struct err *e)
{
    struct jsonin at;
    enum err_code rc = member(in, key, &at, "a string", e);

    if (rc != ERR_OK)
        return rc;
    if (!json_is_string(at.value))
        return other_kind(&at, "a string", e);
    *out = (struct str){json_string_value(at.value), json_string_length(at.value)};
    return ERR_OK;
}

enum err_code jsonin_number(const struct jsonin *in, const char *key, double *out, struct err *e)
{
    struct jsonin at;
    enum err_code rc = member(in, key, &at, "a number", e);

    if (rc != ERR_OK)
        return rc;
    if (!json_is_number(at.value))
        return other_kind(&at, "a number", e);
    *out = json_number_value(at.value);
    return ERR_OK;
}

enum err_code jsonin_integer(const struct jsonin *in, const char *key, int64_t min, int64_t max,
                             int64_t *out, struct err *e)
{
    struct jsonin at;
    enum err_code rc = member(in, key, &at, "an integer", e);
    json_int_t v;

    if (rc != ERR_OK)
        return rc;
    if (json_is_integer(at.value)) {
        v = json_integer_value(at.value);
    } else {
        double real = json_is_real(at.value) ? json_real_value(at.value) : NAN;

        /* 1.0 and 1e3 are integers too: JSON has one kind of number (RFC 8259 section 6). */
        if (!json_is_real(at.value))
            return other_kind(&at, "an integer", e);
        if (real != trunc(real) || fabs(real) > 0x1p53)
            return jsonin_error(&at, e, "%.17g, where an integer should be", real);
        v = (json_int_t)real;
    }
    if (v < min || v > max)
        return jsonin_error(&at, e, "%lld is out of range, it should be %lld to %lld", (long long)v,
                            (long long)min, (long long)max);
    *out = v;
    return ERR_OK;
}

enum err_code jsonin_bool(const struct jsonin *in, const char *key, bool *out, struct err *e)
{
    struct jsonin at;
    enum err_code rc = member(in, key, &at, "a boolean", e);

    if (rc != ERR_OK)
        return rc;
    if (!json_is_boolean(at.value))
        return other_kind(&at, "a boolean", e);
    *out = json_is_true(at.value);
    return ERR_OK;
}

bool jsonin_has(const struct jsonin *in, const char *key)
{
    return json_object_get(in->value, key) != NULL;
}
