#include "alto/params.h"

#include <pthread.h>
#include <string.h>

#include "base/hash.h"

/* jansson's own bound on depth is fit for trees that nobody walks by recursion. */
static bool check_depth(struct str body, struct alto_error *e)
{
    size_t line = 1, begins = 0;
    unsigned depth = 0;
    bool text = false;

    for (size_t i = 0; i < body.n; i++) {
        char c = body.p[i];

        if (c == '\n') {
            line++;
            begins = i + 1;
        }
        if (text) {
            i += c == '\\';
            text = c != '"';
            continue;
        }
        text = c == '"';
        if (c == '{' || c == '[')
            depth++;
        else if ((c == '}' || c == ']') && depth)
            depth--;
        if (depth > PARAMS_DEPTH_MAX)
            return alto_syntax(e, "line %zu, column %zu: over %u levels of objects and arrays",
                               line, i - begins + 1, PARAMS_DEPTH_MAX);
    }
    return true;
}

bool params_load(struct str body, json_t **out, struct alto_error *e)
{
    const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL;
    json_error_t je;
    json_t *v;

    *out = NULL;
    if (!check_depth(body, e))
        return false;
    v = json_loadb(body.n ? body.p : "", body.n, flags, &je);
    /* An integer beyond 64 bits is a number all the same. */
    if (!v && json_error_code(&je) == json_error_numeric_overflow)
        v = json_loadb(body.p, body.n, flags | JSON_DECODE_INT_AS_REAL, &je);
    if (!v && json_error_code(&je) == json_error_out_of_memory)
        return alto_status(e, 503, "no memory for the request");
    if (!v)
        return alto_syntax(e, "line %d, column %d: %s", je.line, je.column, je.text);
    if (!json_is_object(v)) {
        json_decref(v);
        return alto_wrong_type(e, NULL, "the request is not a JSON object");
    }
    *out = v;
    return true;
}

const char *params_path(const struct params *in, const char *key)
{
    const char *path = in->path[0] ? arena_printf(in->arena, "%s/%s", in->path, key) : key;

    return path ? path : key;
}

struct str params_value(const struct params *in, const json_t *v)
{
    char text[ALTO_VALUE_MAX + 8] = "";
    const char *p;
    size_t n;

    if (json_is_string(v))
        return (struct str){json_string_value(v), json_string_length(v)};
    json_dumpb(v, text, sizeof text - 1, JSON_ENCODE_ANY | JSON_COMPACT);
    n = strlen(text);
    p = arena_strndup(in->arena, text, n);
    return p ? (struct str){p, n} : STR("");
}

/* The member, when it is there. false: E_MISSING_FIELD. */
static bool member(const struct params *in, const char *key, bool required, const json_t **out)
{
    *out = json_object_get(in->object, key);
    if (!*out && required)
        return alto_missing(in->e, params_path(in, key));
    return true;
}

static bool other_type(const struct params *in, const char *key, const char *wanted)
{
    const char *path = params_path(in, key);

    return alto_wrong_type(in->e, path, "%.100s should be %s", path, wanted);
}

bool params_object(const struct params *in, const char *key, bool required, struct params *out,
                   bool *there)
{
    const json_t *v;

    *there = false;
    *out = (struct params){.path = params_path(in, key), .arena = in->arena, .e = in->e};
    if (!member(in, key, required, &v))
        return false;
    if (v && !json_is_object(v))
        return other_type(in, key, "an object");
    out->object = v;
    *there = v != NULL;
    return true;
}

bool params_string(const struct params *in, const char *key, bool required, struct str *out)
{
    const json_t *v;

    *out = (struct str){NULL, 0};
    if (!member(in, key, required, &v))
        return false;
    if (v && !json_is_string(v))
        return other_type(in, key, "a string");
    if (v)
        *out = (struct str){json_string_value(v), json_string_length(v)};
    return true;
}

bool params_bool(const struct params *in, const char *key, bool *out)
{
    const json_t *v;

    if (!member(in, key, false, &v))
        return false;
    if (v && !json_is_boolean(v))
        return other_type(in, key, "true or false");
    if (v)
        *out = json_is_true(v);
    return true;
}

bool params_array(const struct params *in, const char *key, bool required, const json_t **out)
{
    if (!member(in, key, required, out))
        return false;
    if (*out && !json_is_array(*out))
        return other_type(in, key, "an array");
    return true;
}

/* Strangers choose the strings: the table's hash is keyed, once a process. */
static struct hash_key table_key;
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void make_table_key(void)
{
    table_key = hash_key_new();
}

/* Strings seen so far: slots[mask + 1] of index + 1 in list. */
struct seen {
    uint32_t *slots;
    size_t mask;
};

/* true: s is new, and number `at` of the list. */
static bool seen_add(struct seen *t, const struct str *list, struct str s, size_t at)
{
    size_t i = (size_t)hash_keyed(&table_key, s.p, s.n) & t->mask;

    for (; t->slots[i]; i = (i + 1) & t->mask)
        if (str_eq(list[t->slots[i] - 1], s))
            return false;
    t->slots[i] = (uint32_t)at + 1;
    return true;
}

static bool seen_new(struct seen *t, size_t n, struct arena *arena)
{
    size_t size = 8;

    pthread_once(&table_once, make_table_key);
    while (size < 2 * n)
        size *= 2;
    t->mask = size - 1;
    t->slots = arena_array(arena, size, sizeof *t->slots);
    return t->slots != NULL;
}

bool params_strings(const struct params *in, const char *key, bool required, struct str_list *out)
{
    const json_t *array;
    struct str *list;
    struct seen seen;
    size_t n, count = 0;

    *out = (struct str_list){NULL, 0};
    if (!params_array(in, key, required, &array))
        return false;
    if (!array)
        return true;
    n = json_array_size(array);
    list = arena_array(in->arena, n + 1, sizeof *list);
    if (!list || n > UINT32_MAX / 4 || !seen_new(&seen, n, in->arena))
        return alto_status(in->e, 503, "no memory for the request");
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(array, i);

        if (!json_is_string(v))
            return alto_invalid(in->e, params_path(in, key), params_value(in, v),
                                "item %zu of %.100s is not a string", i, params_path(in, key));
        list[count] = (struct str){json_string_value(v), json_string_length(v)};
        if (seen_add(&seen, list, list[count], count))
            count++;
    }
    *out = (struct str_list){list, count};
    return true;
}
