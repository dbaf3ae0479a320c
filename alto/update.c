#include "alto/update.h"

#include <stdlib.h>
#include <string.h>

#include "alto/hub.h"

unsigned hub_rank(const struct alto_resource *r)
{
    unsigned below = 0;

    for (size_t i = 0; i < r->use_count; i++) {
        const unsigned rank = hub_rank(r->uses[i]);

        if (rank > below)
            below = rank;
    }
    return below + 1;
}

/* Requests */

struct hub_asker hub_asker_of(const struct alto_server *s, const struct alto_resource *service,
                              const struct http_request *q)
{
    return (struct hub_asker){
        .hub = s->hub,
        .service = service,
        .client = q->client,
        .user = q->user,
        .groups = alto_groups_of(s, q),
        .wall_ms = s->wall_ms ? s->wall_ms(s->wall_arg) : 0,
    };
}

bool hub_post_of(const struct http_request *q, struct str type, struct http_response *r,
                 struct alto_error *e)
{
    if (q->method != HTTP_POST) {
        r->close |= !http_response_header(r, STR("Allow"), STR("POST"));
        return alto_status(e, 405, "a POST is expected here");
    }
    if (!content_type_is(http_request_header(q, STR("Content-Type")), type))
        return alto_status(e, 415, "Content-Type is to be %.*s", (int)type.n, type.p);
    return true;
}

static bool lacks_a_side(const json_t *endpoints)
{
    return !json_array_size(json_object_get(endpoints, "srcs")) ||
           !json_array_size(json_object_get(endpoints, "dsts"));
}

/* An endpoint cost request without sources or without destinations has the client for them. */
static bool asks_for_itself(enum alto_kind kind, const json_t *input)
{
    const json_t *flows = json_object_get(input, "endpoint-flows");

    if (kind != ALTO_ENDPOINT_COST && kind != ALTO_PATH_ENDPOINT)
        return false;
    for (size_t i = 0; i < json_array_size(flows); i++)
        if (lacks_a_side(json_array_get(flows, i)))
            return true;
    return lacks_a_side(json_object_get(input, "endpoints"));
}

static bool read_input(const struct hub_asker *who, const struct params *in, struct hub_ask *out)
{
    const json_t *input = json_object_get(in->object, "input");
    char *text;

    if (!out->resource->accepts.n)
        return true;
    /* What is missing is missing as it would be in a request: that member is named. */
    text =
        input ? json_dumps(input, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY) : strdup("{}");
    if (text) {
        out->input = (struct str){arena_strndup(in->arena, text, strlen(text)), strlen(text)};
        free(text);
    }
    if (!out->input.p)
        return alto_status(in->e, 503, "no memory left for the input");
    if (asks_for_itself(out->resource->kind, input))
        out->client = who->client;
    return true;
}

static bool followable(const struct alto_resource *r)
{
    return r->kind != ALTO_DIRECTORY && r->kind != ALTO_LINK && r->kind != ALTO_UPDATES &&
           r->kind != ALTO_TIPS;
}

bool hub_ask_read(const struct hub_asker *who, const struct params *in, struct hub_ask *out)
{
    struct str id;

    *out = (struct hub_ask){.incremental = true};
    if (!params_string(in, "resource-id", true, &id))
        return false;
    for (size_t i = 0; i < who->service->use_count; i++) {
        const struct alto_resource *r = who->service->uses[i];

        if (str_eq(r->id, id) && r->groups & who->groups && followable(r))
            out->resource = r;
    }
    if (!out->resource)
        return alto_invalid(in->e, params_path(in, "resource-id"), id,
                            "one of the resources that this service \"uses\" is asked for");
    if (!params_string(in, "tag", false, &out->tag))
        return false;
    if (who->service->kind == ALTO_UPDATES &&
        !params_bool(in, "incremental-changes", &out->incremental))
        return false;
    return read_input(who, in, out);
}

/* With the lock held. */
static uint64_t ask_hash(const struct alto_hub *h, const struct hub_ask *ask)
{
    uint64_t x = hash_keyed(&h->key, ask->resource->id.p, ask->resource->id.n);

    if (ask->input.n)
        x = hash_mix(x, hash_keyed(&h->key, ask->input.p, ask->input.n));
    return hash_mix(x, hash_keyed(&h->key, &ask->client, sizeof ask->client));
}

static struct hub_node *find(const struct alto_hub *h, const struct hub_ask *ask)
{
    const uint64_t hash = ask_hash(h, ask);
    struct hub_node *n = h->nodes[hash % HUB_BUCKETS];

    while (n && !(n->hash == hash && str_eq(str_from(n->id), ask->resource->id) &&
                  str_eq(n->input, ask->input) && addr_eq(n->client, ask->client)))
        n = n->next;
    return n;
}

static struct hub_node *node_new(const struct alto_hub *h, const struct hub_ask *ask)
{
    const struct alto_resource *r = ask->resource;
    struct hub_node *n = calloc(1, sizeof *n);

    if (!n)
        return NULL;
    n->versions = calloc(h->conf.versions_max, sizeof *n->versions);
    n->input =
        (struct str){ask->input.n ? strndup(ask->input.p, ask->input.n) : NULL, ask->input.n};
    if (!n->versions || (ask->input.n && !n->input.p) || r->id.n > ALTO_ID_MAX) {
        hub_node_free(n);
        return NULL;
    }
    memcpy(n->id, r->id.p, r->id.n);
    n->client = ask->client;
    n->kind = r->kind;
    n->rank = hub_rank(r);
    n->groups = r->groups;
    n->hash = ask_hash(h, ask);
    hash_random(&n->random, sizeof n->random);
    return n;
}

/* What is made for one request is kept by nobody else. */
static bool has_room(const struct alto_hub *h, const struct hub_content *c)
{
    const size_t more = c->bodies ? 0 : c->whole->len;

    if (h->node_count >= h->conf.inputs_max)
        return false;
    return !more || !h->conf.memory_max ||
           (more <= h->conf.memory_max && hub_memory(h) <= h->conf.memory_max - more);
}

/* With the lock held, of the newest catalog. */
static bool insert(struct alto_hub *h, struct hub_node *n, struct hub_content *c)
{
    if (!has_room(h, c))
        hub_sweep(h, true);
    if (!has_room(h, c))
        return false;
    n->generation = h->generation;
    n->next = h->nodes[n->hash % HUB_BUCKETS];
    h->nodes[n->hash % HUB_BUCKETS] = n;
    h->node_count++;
    hub_version_add(h, n, c);
    return true;
}

enum follow { FOLLOWED, REFUSED, ANOTHER_GENERATION };

static enum follow follow_new(const struct hub_asker *who, const struct hub_ask *ask,
                              struct alto_catalog *c, struct hub_node **out, struct alto_error *e)
{
    struct alto_hub *h = who->hub;
    struct hub_node *n = node_new(h, ask), *other;
    struct hub_content content = {0};
    enum follow result = REFUSED;

    if (!n) {
        alto_status(e, 503, "no memory left");
        return REFUSED;
    }
    if (!hub_content_make(n, c, who->wall_ms, &content)) {
        *e = content.error;
        hub_node_free(n);
        return REFUSED;
    }
    if (who->made && !content.bodies)
        *who->made += content.whole->len;
    hub_lock(h);
    other = find(h, ask);
    if (h->catalog != c)
        result = ANOTHER_GENERATION;
    else if (other || insert(h, n, &content))
        result = FOLLOWED;
    if (result == FOLLOWED) {
        *out = other ? other : n;
        (*out)->followers++;
    }
    hub_unlock(h);
    if (*out != n)
        hub_node_free(n);
    hub_content_drop(&content);
    if (result == REFUSED)
        alto_status(e, 503, "too many different requests are followed");
    return result;
}

bool hub_follow(const struct hub_asker *who, const struct hub_ask *ask, struct hub_node **out,
                struct alto_error *e)
{
    enum follow result = ANOTHER_GENERATION;

    *out = NULL;
    for (unsigned i = 0; i < 4 && result == ANOTHER_GENERATION; i++) {
        struct alto_catalog *c;

        hub_lock(who->hub);
        *out = find(who->hub, ask);
        if (*out)
            (*out)->followers++;
        hub_unlock(who->hub);
        if (*out)
            return true;
        c = hub_catalog_take(who->hub);
        if (!c)
            return alto_status(e, 503, "not ready");
        result = follow_new(who, ask, c, out, e);
        alto_catalog_drop(c);
    }
    if (result == ANOTHER_GENERATION)
        return alto_status(e, 503, "the maps change too fast");
    return result == FOLLOWED;
}

const struct alto_resource *hub_path_split(const struct alto_catalog *c, enum alto_kind kind,
                                           struct str path, struct str *name, struct str *rest)
{
    for (size_t i = 0; i < c->resource_count; i++) {
        const struct alto_resource *r = &c->resources[i];
        const size_t n = r->path.n;

        if (r->kind != kind || !n || path.n < n + 1 + HUB_NAME_LEN || path.p[n] != '/' ||
            memcmp(path.p, r->path.p, n) != 0)
            continue;
        *name = (struct str){path.p + n + 1, HUB_NAME_LEN};
        *rest = (struct str){name->p + name->n, path.n - n - 1 - HUB_NAME_LEN};
        if (!rest->n || *rest->p == '/')
            return r;
    }
    return NULL;
}

bool alto_hub_handle(struct alto_server *s, const struct http_request *request,
                     struct http_response *response)
{
    struct str name, rest;

    if (!s->hub || !s->catalog)
        return false;
    if (hub_path_split(s->catalog, ALTO_UPDATES, request->path, &name, &rest) && !rest.n) {
        hub_control(s, name, request, response);
        return true;
    }
    if (hub_path_split(s->catalog, ALTO_TIPS, request->path, &name, &rest)) {
        hub_view_request(s, name, rest, request, response);
        return true;
    }
    return false;
}

void alto_hub_turn(struct alto_server *s, uint64_t now_ms)
{
    struct alto_hub *h = s->hub;

    if (!h || s->worker >= h->conf.workers)
        return;
    hub_lock(h);
    if (now_ms > h->now_ms)
        h->now_ms = now_ms;
    if (h->now_ms - h->swept_ms >= 1000) {
        h->swept_ms = h->now_ms;
        hub_views_sweep(h);
        hub_sweep(h, false);
    }
    hub_unlock(h);
    hub_streams_turn(s, now_ms);
    hub_polls_turn(s);
}

void alto_hub_leave(struct alto_server *s)
{
    if (!s->hub || s->worker >= s->hub->conf.workers)
        return;
    hub_streams_leave(s);
    hub_polls_leave(s);
}
