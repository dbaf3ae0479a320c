#include "daemon/alto_kept.h"

#include <string.h>

#include "base/hash.h"
#include "base/json_write.h"
#include "base/jsonin.h"

#define VERSION  1
#define HEAD_MAX ((size_t)64 << 10)

static void write_text(struct json_write *w, const char *key, const char *text)
{
    json_write_key(w, str_from(key));
    json_write_string(w, str_from(text));
}

/* Of a map's text: a disk that turns a cost into another one is found out. */
static uint64_t hash_of(struct str text)
{
    return hash_content(text.p, text.n) >> 1; /* JSON's readers have signed integers */
}

static void write_part(struct json_write *w, const struct alto_part *p, struct str text)
{
    json_write_object(w);
    json_write_key(w, STR("bytes"));
    json_write_uint(w, text.n);
    json_write_key(w, STR("hash"));
    json_write_uint(w, hash_of(text));
    write_text(w, "uri", p->uri);
    write_text(w, "tag", p->tag);
    write_text(w, "etag", p->etag);
    write_text(w, "last-modified", p->last_modified);
    json_write_object_end(w);
}

bool alto_kept_format(const struct alto_generation *g, uint64_t taken_wall_ms,
                      uint64_t checked_wall_ms, struct bytes *out)
{
    struct bytes texts = {0}, head = {0};
    size_t lengths[1 + ALTO_CLIENT_COSTS_MAX] = {0};
    struct json_write w;
    bool fine = bytes_reserve(&texts, 1) && netmap_format(g->network->network, &texts);

    lengths[0] = texts.len;
    for (size_t i = 0; i < g->cost_count && fine; i++) {
        const size_t before = texts.len;

        fine = costmap_format(g->costs[i]->cost, g->network->network, &texts);
        lengths[1 + i] = texts.len - before;
    }
    json_write_init(&w, &head);
    json_write_object(&w);
    json_write_key(&w, STR("waymark-maps"));
    json_write_uint(&w, VERSION);
    write_text(&w, "source", g->source);
    json_write_key(&w, STR("taken-ms"));
    json_write_uint(&w, taken_wall_ms);
    json_write_key(&w, STR("checked-ms"));
    json_write_uint(&w, checked_wall_ms);
    json_write_key(&w, STR("network"));
    write_part(&w, g->network, (struct str){texts.data, lengths[0]});
    json_write_key(&w, STR("costs"));
    json_write_array(&w);
    for (size_t i = 0, at = lengths[0]; i < g->cost_count; at += lengths[1 + i++])
        write_part(&w, g->costs[i], (struct str){texts.data + at, lengths[1 + i]});
    json_write_array_end(&w);
    json_write_object_end(&w);
    fine = fine && json_write_done(&w) && bytes_add(&head, "\n", 1) &&
           bytes_add(out, head.data, head.len) && bytes_add(out, texts.data, texts.len);
    bytes_free(&head);
    bytes_free(&texts);
    return fine;
}

static enum err_code read_text(const struct jsonin *in, const char *key, char *out, size_t size,
                               struct err *e)
{
    struct str text;
    enum err_code rc = jsonin_string(in, key, &text, e);

    if (rc != ERR_OK)
        return rc;
    if (text.n >= size)
        return jsonin_error(in, e, "%s is too long", key);
    memcpy(out, text.p, text.n);
    out[text.n] = '\0';
    return ERR_OK;
}

/* One map, from the front of rest. */
static enum err_code read_part(const struct jsonin *in, struct str *rest, size_t arena_max,
                               struct alto_part *network, struct alto_part **out, struct err *e)
{
    struct arena *arena = arena_new(arena_max);
    const struct netmap *net = NULL;
    const struct costmap *cost = NULL;
    int64_t bytes = 0, hash = 0;
    enum err_code rc = jsonin_integer(in, "bytes", 1, INT64_MAX, &bytes, e);

    *out = NULL;
    if (rc == ERR_OK && (uint64_t)bytes > rest->n)
        rc = jsonin_error(in, e, "more bytes than there are");
    if (rc == ERR_OK)
        rc = jsonin_integer(in, "hash", 0, INT64_MAX, &hash, e);
    if (rc == ERR_OK && (uint64_t)hash != hash_of((struct str){rest->p, (size_t)bytes}))
        rc = jsonin_error(in, e, "the text is not the one that was written");
    if (rc == ERR_OK && !arena)
        rc = err_set(e, ERR_LIMIT, "no memory left for kept maps");
    if (rc == ERR_OK && network)
        rc = costmap_parse(rest->p, (size_t)bytes, network->network, arena, &cost, e);
    else if (rc == ERR_OK)
        rc = netmap_parse(rest->p, (size_t)bytes, arena, &net, e);
    if (rc != ERR_OK) {
        arena_free(arena);
        return rc;
    }
    *rest = (struct str){rest->p + bytes, rest->n - (size_t)bytes};
    *out = alto_part_new(arena, net, cost, network);
    if (!*out)
        return err_set(e, ERR_LIMIT, "no memory left for kept maps");
    rc = read_text(in, "uri", (*out)->uri, sizeof(*out)->uri, e);
    if (rc == ERR_OK)
        rc = read_text(in, "tag", (*out)->tag, sizeof(*out)->tag, e);
    if (rc == ERR_OK)
        rc = read_text(in, "etag", (*out)->etag, sizeof(*out)->etag, e);
    if (rc == ERR_OK)
        rc = read_text(in, "last-modified", (*out)->last_modified, sizeof(*out)->last_modified, e);
    return rc;
}

static enum err_code read_head(const struct jsonin *root, struct alto_generation *g,
                               uint64_t *taken, uint64_t *checked, struct err *e)
{
    int64_t version = 0, ms = 0;
    enum err_code rc = jsonin_integer(root, "waymark-maps", VERSION, VERSION, &version, e);

    if (rc == ERR_OK)
        rc = read_text(root, "source", g->source, sizeof g->source, e);
    if (rc == ERR_OK)
        rc = jsonin_integer(root, "taken-ms", 0, INT64_MAX, &ms, e);
    *taken = (uint64_t)ms;
    if (rc == ERR_OK)
        rc = jsonin_integer(root, "checked-ms", 0, INT64_MAX, &ms, e);
    *checked = (uint64_t)ms;
    return rc;
}

static enum err_code read_parts(const struct jsonin *root, struct str rest, size_t arena_max,
                                struct alto_generation *g, struct err *e)
{
    struct jsonin network, costs;
    enum err_code rc = jsonin_object(root, "network", &network, e);

    if (rc == ERR_OK)
        rc = read_part(&network, &rest, arena_max, NULL, &g->network, e);
    if (rc == ERR_OK)
        rc = jsonin_array(root, "costs", &costs, e);
    if (rc == ERR_OK && jsonin_count(&costs) > ALTO_CLIENT_COSTS_MAX)
        rc = jsonin_error(&costs, e, "more than %u", ALTO_CLIENT_COSTS_MAX);
    for (size_t i = 0; rc == ERR_OK && i < jsonin_count(&costs); i++) {
        const struct jsonin item = jsonin_item(&costs, i);
        struct jsonin object;

        rc = jsonin_object(&item, NULL, &object, e);
        if (rc == ERR_OK)
            rc = read_part(&object, &rest, arena_max, g->network, &g->costs[i], e);
        g->cost_count = i + 1;
    }
    return rc;
}

enum err_code alto_kept_parse(struct str text, size_t arena_max, struct alto_generation *out,
                              uint64_t *taken_wall_ms, uint64_t *checked_wall_ms, struct err *e)
{
    const char *end = memchr(text.n ? text.p : "", '\n', text.n < HEAD_MAX ? text.n : HEAD_MAX);
    struct alto_generation g = {0};
    struct jsonin root = {0}, object;
    json_t *document = NULL;
    size_t head;
    enum err_code rc;

    *out = (struct alto_generation){0};
    if (!end)
        return err_set(e, ERR_PARSE, "no first line that says what follows");
    head = (size_t)(end - text.p);
    rc = jsonin_load(text.p, head, &document, e);
    root.value = document;
    if (rc == ERR_OK)
        rc = jsonin_object(&root, NULL, &object, e);
    if (rc == ERR_OK)
        rc = read_head(&object, &g, taken_wall_ms, checked_wall_ms, e);
    if (rc == ERR_OK)
        rc = read_parts(&object, (struct str){end + 1, text.n - head - 1}, arena_max, &g, e);
    json_decref(document);
    if (rc == ERR_OK)
        *out = g;
    else
        alto_generation_drop(&g);
    return rc;
}
