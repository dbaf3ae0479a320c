/* Fetching: the network map, then the cost maps that are for it, as one round. */
#include <stdlib.h>
#include <string.h>

#include "alto/updates_internal.h"
#include "base/hash.h"

static bool is_gone(const struct exchange *x)
{
    return x->status == 404 || x->status == 410;
}

static void round_failed(struct alto_client *c, struct client_slot *s, const char *what,
                         struct str id)
{
    struct err e = s->x->e;

    err_wrap(&e, "%s %.*s", what, (int)id.n, id.p);
    client_failed(c, &e, s->x->retry_after_s, is_gone(s->x));
}

static void keep_validators(struct alto_part *p, const struct exchange *x, struct str uri)
{
    memcpy(p->etag, x->etag, sizeof p->etag);
    memcpy(p->last_modified, x->last_modified, sizeof p->last_modified);
    p->uri[0] = '\0';
    if (uri.n <= URI_MAX) {
        memcpy(p->uri, uri.p, uri.n);
        p->uri[uri.n] = '\0';
    }
}

/* was: what may be there already. */
static void fetch(struct alto_client *c, const struct client_pick *pick, const char *type,
                  const struct alto_part *was, client_done_fn *done)
{
    struct exchange_ask ask = {.uri = pick->uri,
                               .post = pick->accepts.n > 0,
                               .body = pick->body,
                               .content_type = pick->accepts,
                               .accept = str_from(type),
                               .body_max = c->conf.body_max};

    if (was && !c->whole_round && !ask.post && str_eq(str_from(was->uri), pick->uri)) {
        ask.etag = str_from(was->etag);
        ask.last_modified = str_from(was->last_modified);
    }
    client_fetch(c, 0, &ask, done);
}

static void note_age(struct alto_client *c, const struct exchange *x)
{
    if (x->max_age_s >= 0 && (c->max_age_s < 0 || x->max_age_s < c->max_age_s))
        c->max_age_s = x->max_age_s;
}

enum err_code client_read_network(struct alto_client *c, struct str text, struct alto_part **out,
                                  struct err *e)
{
    struct arena *arena = arena_new(c->conf.arena_max);
    const struct netmap *map;
    enum err_code rc = arena ? netmap_parse(text.n ? text.p : "", text.n, arena, &map, e)
                             : err_set(e, ERR_LIMIT, "no memory left for the network map");

    *out = NULL;
    /* A tag that does not say of what is of no use (section 11.2.1.6). */
    if (rc == ERR_OK && !c->conf.lenient) {
        if (!map->vtag.resource_id[0])
            rc = err_set(e, ERR_PARSE, "meta: \"vtag\" is missing");
        else if (!str_eq(str_from(map->vtag.resource_id), c->plan.network.id))
            rc = err_set(e, ERR_CONFLICT, "meta.vtag: it is of the resource \"%s\"",
                         map->vtag.resource_id);
    }
    if (rc != ERR_OK) {
        arena_free(arena);
        return rc;
    }
    *out = alto_part_new(arena, map, NULL, NULL);
    if (!*out)
        return err_set(e, ERR_LIMIT, "no memory left for the network map");
    memcpy((*out)->tag, map->vtag.tag, sizeof map->vtag.tag);
    return ERR_OK;
}

static enum err_code check_type(const struct costmap *map, const struct cost_type *want,
                                struct err *e)
{
    const struct costmap_info *info = costmap_info_get(map);

    if (info->mode == want->mode && str_eq(str_from(info->metric), want->metric))
        return ERR_OK;
    return err_set(e, ERR_PARSE, "meta.cost-type: the answer is of \"%s\", and \"%.*s\" was wanted",
                   info->metric, (int)want->metric.n, want->metric.p);
}

enum err_code client_read_cost(struct alto_client *c, size_t k, struct str text,
                               struct alto_part *network, struct alto_part **out, struct err *e)
{
    struct arena *arena = arena_new(c->conf.arena_max);
    struct update_meta meta;
    const struct costmap *map;
    enum err_code rc = ERR_LIMIT;

    *out = NULL;
    if (!arena)
        return err_set(e, ERR_LIMIT, "no memory left for the cost map");
    if (c->conf.lenient)
        rc = costmap_parse_lenient(text.n ? text.p : "", text.n, network->network,
                                   c->plan.costs[k].type, arena, &map, e);
    else
        rc = costmap_parse(text.n ? text.p : "", text.n, network->network, arena, &map, e);
    if (rc == ERR_OK)
        rc = check_type(map, c->plan.costs[k].type, e);
    if (rc != ERR_OK) {
        arena_free(arena);
        return rc;
    }
    *out = alto_part_new(arena, NULL, map, network);
    if (!*out)
        return err_set(e, ERR_LIMIT, "no memory left for the cost map");
    update_meta_read(text, &meta);
    memcpy((*out)->tag, meta.tag, sizeof meta.tag);
    return ERR_OK;
}

bool client_same(const struct alto_generation *a, const struct alto_generation *b)
{
    if (a->network != b->network || a->cost_count != b->cost_count)
        return false;
    for (size_t i = 0; i < a->cost_count; i++)
        if (a->costs[i] != b->costs[i])
            return false;
    return true;
}

static void finish_round(struct alto_client *c)
{
    c->rounds = 0;
    c->checked_ms = c->now_ms;
    c->servers[c->server].failures = 0;
    c->error = (struct err){0};
    client_publish(c, &c->draft);
    client_updates_start(c);
    alto_generation_drop(&c->draft);
}

static void next_cost(struct alto_client *c);

static void on_cost(struct alto_client *c, struct client_slot *s)
{
    const size_t k = c->at_cost;
    const struct client_pick *pick = &c->plan.costs[k];
    struct alto_part *was = k < c->now.cost_count ? c->now.costs[k] : NULL;
    const struct str text = {s->x->body.data, s->x->body.len};
    struct alto_part *part = NULL;
    enum err_code rc = ERR_OK;
    uint64_t hash = 0;

    if (s->x->state == EXCHANGE_FAILED) {
        round_failed(c, s, "cost map", pick->id);
        return;
    }
    note_age(c, s->x);
    if (s->x->status != 304)
        hash = hash_content(text.n ? text.p : "", text.n);
    if (was && was->of == c->draft.network && (s->x->status == 304 || was->hash == hash)) {
        part = was;
        alto_part_take(part);
    } else {
        rc = client_read_cost(c, k, text, c->draft.network, &part, &s->x->e);
    }
    if (rc == ERR_CONFLICT && ++c->rounds < ROUNDS_MAX) {
        /* Section 6.3: of another version of the network map. Both again. */
        client_round(c, true);
        return;
    }
    if (rc != ERR_OK) {
        round_failed(c, s, "cost map", pick->id);
        return;
    }
    if (s->x->status != 304) {
        part->hash = hash;
        keep_validators(part, s->x, pick->uri);
    }
    c->draft.costs[k] = part;
    c->draft.cost_count = ++c->at_cost;
    next_cost(c);
}

static void next_cost(struct alto_client *c)
{
    const size_t k = c->at_cost;
    struct alto_part *was = k < c->now.cost_count ? c->now.costs[k] : NULL;

    if (k == c->plan.cost_count) {
        finish_round(c);
        return;
    }
    if (was && was->of != c->draft.network)
        was = NULL;
    fetch(c, &c->plan.costs[k], COST_TYPE, was, on_cost);
}

static void on_network(struct alto_client *c, struct client_slot *s)
{
    const struct str text = {s->x->body.data, s->x->body.len};
    struct alto_part *part = c->now.network;
    uint64_t hash;

    if (s->x->state == EXCHANGE_FAILED) {
        round_failed(c, s, "network map", c->plan.network.id);
        return;
    }
    note_age(c, s->x);
    if (s->x->status == 304) {
        alto_part_take(part);
    } else {
        hash = hash_content(text.n ? text.p : "", text.n);
        if (part && part->hash == hash)
            alto_part_take(part);
        else if (client_read_network(c, text, &part, &s->x->e) != ERR_OK) {
            round_failed(c, s, "network map", c->plan.network.id);
            return;
        }
        part->hash = hash;
        keep_validators(part, s->x, c->plan.network.uri);
    }
    c->draft.network = part;
    next_cost(c);
}

void client_round(struct alto_client *c, bool whole)
{
    const struct str source = c->conf.servers[c->server];

    alto_generation_drop(&c->draft);
    memcpy(c->draft.source, source.p, source.n);
    c->phase = CLIENT_MAPS;
    c->whole_round = whole;
    c->at_cost = 0;
    c->max_age_s = -1;
    fetch(c, &c->plan.network, NETWORK_TYPE, c->now.network, on_network);
}

void client_take(struct alto_client *c, const struct alto_generation *g)
{
    struct alto_generation next;

    alto_generation_copy(&next, g);
    alto_generation_drop(&c->now);
    alto_generation_drop(&c->held);
    c->held_why = (struct err){0};
    c->now = next;
    c->taken_ms = c->now_ms;
    c->generations++;
    c->ops->maps(c->ctx, &c->now);
}

void client_publish(struct alto_client *c, const struct alto_generation *g)
{
    struct err why = {0};
    struct alto_generation next;

    if (client_same(g, &c->now)) { /* and so what was held is over */
        alto_generation_drop(&c->held);
        c->held_why = (struct err){0};
        return;
    }
    if (client_guard(&c->conf, &c->now, g, &why) == ERR_OK) {
        client_take(c, g);
        return;
    }
    alto_generation_copy(&next, g);
    if (!c->held.network) {
        c->held_ms = c->now_ms;
        c->held_count++;
    }
    alto_generation_drop(&c->held);
    c->held = next;
    c->held_why = why;
}
