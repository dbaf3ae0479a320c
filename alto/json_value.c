#include "alto/json_value.h"

#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/jsonin.h"

static bool tree_write(struct json_write *w, const json_t *v);

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool object_write(struct json_write *w, const json_t *v)
{
    size_t n = json_object_size(v), i = 0;
    const char **names = calloc(n + 1, sizeof *names), *name;
    json_t *object = json_incref((json_t *)(uintptr_t)v), *value; /* jansson iterates no const */
    bool good = names != NULL;

    if (good) {
        json_object_foreach(object, name, value) names[i++] = name;
        qsort(names, n, sizeof *names, by_name);
    }
    json_write_object(w);
    for (i = 0; i < n && good; i++) {
        json_write_key(w, str_from(names[i]));
        good = tree_write(w, json_object_get(v, names[i]));
    }
    if (good)
        json_write_object_end(w);
    json_decref(object);
    free(names);
    return good;
}

static bool array_write(struct json_write *w, const json_t *v)
{
    bool good = true;

    json_write_array(w);
    for (size_t i = 0; i < json_array_size(v) && good; i++)
        good = tree_write(w, json_array_get(v, i));
    if (good)
        json_write_array_end(w);
    return good;
}

/* false: too deep, or no memory. What was begun is left open then. */
static bool tree_write(struct json_write *w, const json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        return w->depth < JSON_WRITE_DEPTH_MAX - 1 && object_write(w, v);
    case JSON_ARRAY:
        return w->depth < JSON_WRITE_DEPTH_MAX - 1 && array_write(w, v);
    case JSON_STRING:
        json_write_string(w, (struct str){json_string_value(v), json_string_length(v)});
        break;
    case JSON_INTEGER:
    case JSON_REAL:
        json_write_number(w, json_number_value(v));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        json_write_bool(w, json_is_true(v));
        break;
    case JSON_NULL:
        json_write_null(w);
        break;
    }
    return !w->full;
}

enum err_code json_value_canon_tree(const json_t *v, struct bytes *out, struct err *e)
{
    size_t before = out->len;
    struct json_write w;
    bool good;

    json_write_init(&w, out);
    good = tree_write(&w, v);
    if (good && json_write_done(&w) && out->len - before <= JSON_VALUE_MAX)
        return ERR_OK;
    out->len = before;
    return err_set(e, ERR_LIMIT, "a JSON value of more than %zu bytes or %u levels, or no memory",
                   JSON_VALUE_MAX, JSON_WRITE_DEPTH_MAX - 1);
}

enum err_code json_value_canon(struct str text, struct bytes *out, struct err *e)
{
    json_t *doc = NULL;
    json_error_t je;
    enum err_code rc;

    if (text.n > 2 * JSON_VALUE_MAX)
        return err_set(e, ERR_LIMIT, "a JSON value of %zu bytes, at most %zu", text.n,
                       2 * JSON_VALUE_MAX);
    doc = json_loadb(text.n ? text.p : "", text.n,
                     JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &je);
    if (!doc)
        return err_set(e, ERR_PARSE, "not one JSON value: %s", je.text);
    rc = json_value_canon_tree(doc, out, e);
    json_decref(doc);
    return rc;
}
