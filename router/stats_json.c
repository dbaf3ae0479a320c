/* Statistics in JSON: any object, with the manners of two programs known.
 *
 * stats_over_http wraps all in "global" and writes numbers as strings. varnishstat -j writes an
 * object for each counter, {"description": .., "flag": .., "format": .., "value": N}, since 6.5
 * within "counters": its name alone is the number's name. */
#include "router/stats_internal.h"

#include <stdio.h>
#include <string.h>

#include "base/json_push.h"

#define DEPTH_MAX 32u

struct level {
    size_t len;     /* of the path to this object or array */
    uint32_t index; /* of the item that comes next */
    bool is_array;
    bool is_counter; /* varnishstat's */
};

struct walk {
    struct stats_page *page;
    struct level levels[DEPTH_MAX + 1]; /* [1] is the root */
    unsigned depth;
    char path[STATS_NAME_MAX];
    size_t len;     /* of path: to the value that comes next */
    struct str key; /* its last part, in path */
};

static enum err_code path_add(struct walk *w, struct str part, struct err *e)
{
    size_t at = w->levels[w->depth].len, dot = at > 0;

    if (at + dot + part.n > sizeof w->path)
        return err_set(e, ERR_LIMIT, "a name of more than %u bytes", STATS_NAME_MAX);
    w->path[at] = '.'; /* the key goes over it where there is no dot */
    memcpy(w->path + at + dot, part.p, part.n);
    w->key = (struct str){w->path + at + dot, part.n};
    w->len = at + dot + part.n;
    return ERR_OK;
}

/* An array's item has its number for a key. */
static enum err_code value_begins(struct walk *w, struct err *e)
{
    struct level *l = &w->levels[w->depth];
    char text[16];
    int n;

    if (!l->is_array)
        return ERR_OK;
    n = snprintf(text, sizeof text, "%u", l->index++);
    return path_add(w, (struct str){text, (size_t)n}, e);
}

static enum err_code open_level(struct walk *w, bool is_array, struct err *e)
{
    size_t len = w->len;

    if (w->depth == 0 && is_array)
        return err_set(e, ERR_PARSE, "an array, an object should be here");
    if (w->depth == 1 && !is_array && str_eq((struct str){w->path, len}, STR("global")))
        len = 0;
    w->levels[++w->depth] = (struct level){.len = len, .is_array = is_array};
    return ERR_OK;
}

static enum err_code add(struct walk *w, const struct stat_value *v, struct err *e)
{
    const struct level *l = &w->levels[w->depth];
    struct str name = {w->path, w->len}, outer = STR("counters.");

    if (w->depth == 0)
        return err_set(e, ERR_PARSE, "an object should be here");
    if (l->is_counter && w->depth > 1 && str_eq(w->key, STR("value"))) {
        name.n = l->len;
        if (w->depth == 3 && name.n > outer.n && memcmp(name.p, outer.p, outer.n) == 0)
            name = (struct str){name.p + outer.n, name.n - outer.n};
    }
    return stats_add(w->page, name, v, e);
}

static enum err_code on_string(struct walk *w, struct str text, struct err *e)
{
    struct level *l = &w->levels[w->depth];
    struct stat_value v;

    if (!l->is_array && (str_eq(w->key, STR("format")) || str_eq(w->key, STR("flag"))))
        l->is_counter = true;
    return stat_number(text, &v) ? add(w, &v, e) : ERR_OK;
}

static enum err_code on_event(void *ctx, struct json_push *j, const struct json_event *ev,
                              struct err *e)
{
    struct walk *w = ctx;
    struct stat_value v;

    (void)j;
    if (ev->kind == JSON_PUSH_KEY)
        return path_add(w, ev->text, e);
    if (ev->kind == JSON_PUSH_OBJECT_END || ev->kind == JSON_PUSH_ARRAY_END) {
        w->depth--;
        return ERR_OK;
    }
    if (value_begins(w, e) != ERR_OK)
        return e->code;
    switch (ev->kind) {
    case JSON_PUSH_OBJECT:
    case JSON_PUSH_ARRAY:
        return open_level(w, ev->kind == JSON_PUSH_ARRAY, e);
    case JSON_PUSH_STRING:
        return on_string(w, ev->text, e);
    case JSON_PUSH_NUMBER:
        if (!stat_number(ev->text, &v)) /* longer than any counter */
            v = stat_from_double(ev->number);
        return add(w, &v, e);
    case JSON_PUSH_TRUE:
    case JSON_PUSH_FALSE:
        v = (struct stat_value){.kind = STAT_UINT, .u = ev->kind == JSON_PUSH_TRUE};
        return add(w, &v, e);
    default:
        return ERR_OK;
    }
}

enum err_code stats_read_json(struct stats_page *page, struct err *e)
{
    const struct json_push_limits limits = {.bytes_max = STATS_BYTES_MAX, .depth_max = DEPTH_MAX};
    struct walk w = {.page = page};
    struct json_push *j = json_push_new(NULL, &limits, on_event, &w);
    enum err_code rc;

    if (!j)
        return err_set(e, ERR_LIMIT, "no memory to read JSON");
    rc = json_push_feed(j, page->at, (size_t)(page->end - page->at), e);
    if (rc == ERR_OK)
        rc = json_push_end(j, e);
    json_push_free(j);
    return rc;
}
