/* Updates of maps, applied one by one, until they are of one piece (RFC 8895 section 9.2). */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alto/updates_internal.h"
#include "base/hash.h"
#include "base/json_push.h"

/* -- meta -- */

enum place { AT_START, AT_TOP, AT_META, AT_VTAG, AT_OPS, AT_OP };

struct meta_reader {
    struct update_meta *out;
    enum place at;
    bool is_tag, is_path, is_value; /* the last key */
    char path[32], value[ALTO_TAG_MAX + 1];
};

static void take_text(char *out, size_t size, struct str text)
{
    out[0] = '\0';
    if (text.n < size) {
        memcpy(out, text.p, text.n);
        out[text.n] = '\0';
    }
}

static void on_key(struct meta_reader *r, struct json_push *j, struct str key)
{
    const bool vtag = r->at == AT_META && str_eq(key, STR("vtag"));
    const bool meta = r->at == AT_TOP && str_eq(key, STR("meta"));

    if (r->at == AT_META && str_eq(key, STR("dependent-vtags")))
        r->out->depends = true;
    r->is_tag = r->at == AT_VTAG && str_eq(key, STR("tag"));
    r->is_path = r->at == AT_OP && str_eq(key, STR("path"));
    r->is_value = r->at == AT_OP && str_eq(key, STR("value"));
    if (!vtag && !meta && !r->is_tag && !r->is_path && !r->is_value)
        json_push_skip(j);
}

/* The end of an operation of a JSON patch. */
static void on_op(struct meta_reader *r)
{
    if (strcmp(r->path, "/meta/vtag/tag") == 0)
        take_text(r->out->tag, sizeof r->out->tag, str_from(r->value));
    if (strncmp(r->path, "/meta/dependent-vtags", 21) == 0)
        r->out->depends = true;
    r->path[0] = r->value[0] = '\0';
}

/* ERR_NOT_FOUND ends the reading: the rest is of no interest. */
static enum err_code on_event(void *ctx, struct json_push *j, const struct json_event *ev,
                              struct err *e)
{
    struct meta_reader *r = ctx;

    switch (ev->kind) {
    case JSON_PUSH_KEY:
        on_key(r, j, ev->text);
        return ERR_OK;
    case JSON_PUSH_OBJECT:
        if (r->at == AT_OP || r->at == AT_VTAG) /* a value that is an object */
            return err_set(e, ERR_NOT_FOUND, "-");
        r->at = r->at == AT_START  ? AT_TOP
                : r->at == AT_TOP  ? AT_META
                : r->at == AT_META ? AT_VTAG
                                   : AT_OP;
        return ERR_OK;
    case JSON_PUSH_OBJECT_END:
        if (r->at == AT_OP)
            on_op(r);
        if (r->at == AT_TOP || r->at == AT_META)
            return err_set(e, ERR_NOT_FOUND, "-");
        r->at = r->at == AT_VTAG ? AT_META : AT_OPS;
        return ERR_OK;
    case JSON_PUSH_ARRAY:
        if (r->at != AT_START)
            return err_set(e, ERR_NOT_FOUND, "-");
        r->at = AT_OPS;
        return ERR_OK;
    case JSON_PUSH_STRING:
        if (r->is_tag)
            take_text(r->out->tag, sizeof r->out->tag, ev->text);
        else if (r->is_path)
            take_text(r->path, sizeof r->path, ev->text);
        else if (r->is_value)
            take_text(r->value, sizeof r->value, ev->text);
        return ERR_OK;
    default:
        return ERR_OK;
    }
}

void update_meta_read(struct str text, struct update_meta *out)
{
    struct meta_reader r = {.out = out};
    struct json_push *j = json_push_new(NULL, NULL, on_event, &r);
    struct err ignored = {0};

    *out = (struct update_meta){0};
    /* What is no JSON is found by those who read all of it. */
    if (j && json_push_feed(j, text.n ? text.p : "", text.n, &ignored) != ERR_OK)
        ignored = (struct err){0};
    json_push_free(j);
}

/* -- parts -- */

static bool patch_kind_of(struct str media_type, enum patch_kind *out)
{
    *out = str_eq_nocase(media_type, STR(PATCH_TYPE_JSON)) ? PATCH_JSON : PATCH_MERGE;
    return *out == PATCH_JSON || str_eq_nocase(media_type, STR(PATCH_TYPE_MERGE));
}

static enum err_code no_memory(struct err *e)
{
    return err_set(e, ERR_LIMIT, "no memory left for an update");
}

static enum err_code wrong_type(struct str media_type, struct err *e)
{
    char shown[96];

    return err_set(
        e, ERR_PARSE, "an update of type \"%s\"",
        bytes_escape(media_type.n ? media_type.p : "", media_type.n, shown, sizeof shown));
}

static enum err_code patch_network(struct alto_client *c, enum patch_kind kind, struct str text,
                                   struct alto_part **out, struct err *e)
{
    const struct netmap *from = c->updates->state.network->network, *map;
    struct arena *arena = arena_new(c->conf.arena_max);
    enum err_code rc = arena ? netmap_patch_apply(from, kind, text, arena, &map, e) : no_memory(e);

    if (rc == ERR_OK && strcmp(map->vtag.resource_id, from->vtag.resource_id) != 0)
        rc = err_set(e, ERR_CONFLICT, "the patch makes another resource of it, \"%s\"",
                     map->vtag.resource_id);
    if (rc != ERR_OK) {
        arena_free(arena);
        return rc;
    }
    *out = alto_part_new(arena, map, NULL, NULL);
    if (!*out)
        return no_memory(e);
    memcpy((*out)->tag, map->vtag.tag, sizeof map->vtag.tag);
    return ERR_OK;
}

/* RFC 8895 section 6.6: not each message is a change. */
static bool is_same_network(const struct netmap *a, const struct netmap *b)
{
    return strcmp(a->vtag.resource_id, b->vtag.resource_id) == 0 &&
           strcmp(a->vtag.tag, b->vtag.tag) == 0 && a->pid_count == b->pid_count &&
           a->prefix_count == b->prefix_count;
}

static enum err_code retry_pending(struct alto_client *c, struct err *e);

static enum err_code apply_network(struct alto_client *c, struct str media_type, struct str text,
                                   struct err *e)
{
    struct client_updates *u = c->updates;
    const bool full = str_eq_nocase(media_type, STR(NETWORK_TYPE));
    const uint64_t hash = full ? hash_content(text.p, text.n) : 0;
    struct alto_part *part = NULL;
    enum patch_kind kind;
    enum err_code rc;

    if (full && hash == u->state.network->hash)
        return ERR_OK;
    if (full)
        rc = client_read_network(c, text, &part, e);
    else if (patch_kind_of(media_type, &kind))
        rc = patch_network(c, kind, text, &part, e);
    else
        rc = wrong_type(media_type, e);
    if (rc != ERR_OK)
        return rc;
    part->hash = hash;
    if (is_same_network(u->state.network->network, part->network)) {
        alto_part_drop(part);
        return ERR_OK;
    }
    alto_part_drop(u->state.network);
    u->state.network = part;
    return retry_pending(c, e);
}

static enum err_code patch_cost(struct alto_client *c, size_t k, enum patch_kind kind,
                                struct str text, struct alto_part **out, struct err *e)
{
    struct client_updates *u = c->updates;
    const struct alto_part *from = u->state.costs[k];
    struct arena *arena = arena_new(c->conf.arena_max);
    const struct costmap *map;
    enum err_code rc = ERR_LIMIT;

    if (!arena)
        return no_memory(e);
    rc = costmap_patch_apply(from->cost, from->of->network, kind, text, u->state.network->network,
                             arena, &map, e);
    if (rc != ERR_OK) {
        arena_free(arena);
        return rc;
    }
    *out = alto_part_new(arena, NULL, map, u->state.network);
    return *out ? ERR_OK : no_memory(e);
}

static size_t pending_bytes(const struct client_updates *u)
{
    size_t sum = 0;

    for (size_t k = 0; k < ALTO_CLIENT_COSTS_MAX; k++)
        for (unsigned i = 0; i < u->pending_count[k]; i++)
            sum += u->pending[k][i].text.len;
    return sum;
}

/* All that waits is no more than one answer may be. */
static enum err_code hold_back(struct client_updates *u, size_t k, size_t body_max,
                               struct str media_type, struct str text, struct err *e)
{
    struct pending *p = &u->pending[k][u->pending_count[k]];

    if (text.n > body_max || pending_bytes(u) > body_max - text.n)
        return err_set(e, ERR_LIMIT, "updates of more than %zu bytes without their network map",
                       body_max);
    if (u->pending_count[k] == UPDATES_PENDING_MAX)
        return err_set(e, ERR_LIMIT, "%u updates of a cost map without its network map",
                       UPDATES_PENDING_MAX);
    if (media_type.n >= sizeof p->media_type || !bytes_add(&p->text, text.p, text.n))
        return no_memory(e);
    memcpy(p->media_type, media_type.p, media_type.n);
    p->media_type[media_type.n] = '\0';
    u->pending_count[k]++;
    return ERR_OK;
}

/* waits: it is for a network map that has not come. */
static enum err_code cost_now(struct alto_client *c, size_t k, struct str media_type,
                              struct str text, bool *waits, struct err *e)
{
    struct client_updates *u = c->updates;
    const bool full = str_eq_nocase(media_type, STR(COST_TYPE));
    const uint64_t hash = full ? hash_content(text.p, text.n) : 0;
    struct alto_part *was = u->state.costs[k], *part = NULL;
    struct update_meta meta;
    enum patch_kind kind;
    enum err_code rc;

    *waits = false;
    if (full && was->of == u->state.network && was->hash == hash)
        return ERR_OK;
    update_meta_read(text, &meta);
    if (full)
        rc = client_read_cost(c, k, text, u->state.network, &part, e);
    else if (patch_kind_of(media_type, &kind))
        rc = patch_cost(c, k, kind, text, &part, e);
    else
        rc = wrong_type(media_type, e);
    *waits = rc == ERR_CONFLICT && meta.depends;
    if (rc != ERR_OK)
        return rc;
    assert(part);
    part->hash = hash;
    memcpy(part->tag, meta.tag, sizeof meta.tag);
    alto_part_drop(was);
    u->state.costs[k] = part;
    return ERR_OK;
}

static enum err_code apply_cost(struct alto_client *c, size_t k, struct str media_type,
                                struct str text, struct err *e)
{
    struct client_updates *u = c->updates;
    struct err why = {0};
    bool waits = true;
    enum err_code rc;

    if (str_eq_nocase(media_type, STR(COST_TYPE))) { /* which makes those before it needless */
        for (unsigned i = 0; i < u->pending_count[k]; i++)
            bytes_free(&u->pending[k][i].text);
        u->pending_count[k] = 0;
    }
    if (u->pending_count[k] == 0) {
        rc = cost_now(c, k, media_type, text, &waits, &why);
        if (rc == ERR_OK)
            return ERR_OK;
        if (!waits)
            return err_set(e, rc, "%s", why.text);
    }
    return hold_back(u, k, c->conf.body_max, media_type, text, e);
}

/* A new network map is there: what waited for it, in order. */
static enum err_code retry_pending(struct alto_client *c, struct err *e)
{
    struct client_updates *u = c->updates;

    for (size_t k = 0; k < u->state.cost_count; k++) {
        unsigned done = 0;
        bool waits = false;
        enum err_code rc = ERR_OK;

        for (; done < u->pending_count[k]; done++) {
            struct pending *p = &u->pending[k][done];
            struct err why = {0};

            rc = cost_now(c, k, str_from(p->media_type), (struct str){p->text.data, p->text.len},
                          &waits, &why);
            if (rc != ERR_OK && !waits)
                return err_set(e, rc, "%s", why.text);
            if (rc != ERR_OK)
                break;
            bytes_free(&p->text);
        }
        memmove(u->pending[k], u->pending[k] + done,
                (u->pending_count[k] - done) * sizeof *u->pending[k]);
        memset(u->pending[k] + u->pending_count[k] - done, 0, done * sizeof *u->pending[k]);
        u->pending_count[k] -= done;
    }
    return ERR_OK;
}

void updates_forget_pending(struct client_updates *u)
{
    for (size_t k = 0; k < ALTO_CLIENT_COSTS_MAX; k++) {
        for (unsigned i = 0; i < u->pending_count[k]; i++)
            bytes_free(&u->pending[k][i].text);
        u->pending_count[k] = 0;
    }
}

static bool is_of_one_piece(const struct alto_generation *g)
{
    for (size_t k = 0; k < g->cost_count; k++)
        if (g->costs[k]->of != g->network)
            return false;
    return true;
}

enum err_code update_apply(struct alto_client *c, unsigned resource, struct str media_type,
                           struct str text, struct err *e)
{
    struct client_updates *u = c->updates;
    const enum err_code rc = resource == 0 ? apply_network(c, media_type, text, e)
                                           : apply_cost(c, resource - 1, media_type, text, e);

    if (rc != ERR_OK) {
        const struct str id = updates_pick(c, resource)->id;

        err_wrap(e, "update of %.*s", (int)id.n, id.p);
        return rc;
    }
    c->checked_ms = c->now_ms;
    if (!is_of_one_piece(&u->state)) {
        if (!u->apart_ms)
            u->apart_ms = c->now_ms;
        return ERR_OK;
    }
    if (pending_bytes(u) > 0) { /* for a network map that is to come */
        if (!u->apart_ms)
            u->apart_ms = c->now_ms;
    } else {
        u->apart_ms = 0;
        c->update_failures = 0;
    }
    client_publish(c, &u->state);
    return ERR_OK;
}
