#include <assert.h>
#include <string.h>

#include "alto/offer_make.h"

static struct str copy(struct offer_make *m, struct str s)
{
    const char *p = s.n ? arena_strndup(m->arena, s.p, s.n) : "";

    return (struct str){p, p ? s.n : 0};
}

/* "num-routingcost"; of another source "num-delay-ow-sla", and numbered when that is taken. */
static struct str type_name(struct offer_make *m, const struct cost_type *t)
{
    static const char *const modes[] = {"num", "ord", "array", "other"};
    const char *source = t->source == COST_SOURCE_SLA       ? "-sla"
                         : t->source == COST_SOURCE_NOMINAL ? "-nominal"
                                                            : "";
    const char *name =
        arena_printf(m->arena, "%s-%.*s%s", modes[t->mode], (int)t->metric.n, t->metric.p, source);

    for (unsigned tries = 2; name; tries++) {
        bool taken = false;

        for (size_t i = 0; i < m->type_count; i++)
            taken = taken || str_eq(m->types[i]->name, str_from(name));
        if (!taken)
            break;
        name = arena_printf(m->arena, "%s-%.*s%s-%u", modes[t->mode], (int)t->metric.n, t->metric.p,
                            source, tries);
    }
    return str_from(name);
}

const struct cost_type *offer_type(struct offer_make *m, const struct cost_type *like)
{
    struct cost_type *t;

    for (size_t i = 0; i < m->type_count; i++)
        if (cost_type_same(m->types[i], like))
            return m->types[i];
    t = arena_array(m->arena, 1, sizeof *t);
    if (!t || m->type_count == m->type_max)
        return NULL;
    *t = *like;
    t->mode_text = copy(m, like->mode_text);
    t->metric = copy(m, like->metric);
    t->description = copy(m, like->description);
    t->context = copy(m, like->context);
    t->name = type_name(m, t);
    if (!t->name.n || !t->metric.p || !t->mode_text.p || !t->description.p || !t->context.p)
        return NULL;
    m->types[m->type_count++] = t;
    return t;
}

static enum err_code like_of(const struct offer_cost *given, struct cost_type *like, struct err *e)
{
    const struct costmap *map = given->map ? given->map : given->calendar;
    const struct costmap_info *info = costmap_info_get(map);

    *like = (struct cost_type){
        .mode = info->mode,
        .mode_text = info->mode == COST_ORDINAL ? STR("ordinal") : STR("numerical"),
        .metric = str_from(info->metric),
        .description = given->description.n ? given->description : info->description,
        .context = given->context.n ? given->context : info->context};
    return like->context.n ? cost_context_parse(like->context, &like->source, e) : ERR_OK;
}

static bool has_ordinal(const struct alto_network *n, const struct cost_type *like)
{
    for (size_t i = 0; i < n->cost_count; i++)
        if (cost_type_same(n->costs[i].type, like))
            return true;
    return false;
}

/* Each numerical cost type as ranks, too, unless it was given as such. */
static enum err_code add_ranked(struct offer_make *m, struct alto_network *n,
                                struct alto_cost *costs)
{
    for (size_t i = 0, given = n->cost_count; i < given; i++) {
        struct cost_type like = *costs[i].type;
        struct alto_cost *c = &costs[n->cost_count];

        if (like.mode != COST_NUMERICAL || !costs[i].map)
            continue;
        like.mode = COST_ORDINAL;
        like.mode_text = STR("ordinal");
        like.name = (struct str){0};
        if (has_ordinal(n, &like))
            continue;
        *c = (struct alto_cost){.type = offer_type(m, &like),
                                .map = costs[i].map,
                                .ranked = true,
                                .modified_ms = costs[i].modified_ms};
        if (!c->type)
            return offer_no_memory(m);
        n->cost_count++;
    }
    return ERR_OK;
}

static enum err_code add_costs(struct offer_make *m, const struct offer_network *given,
                               struct alto_network *n)
{
    struct alto_cost *costs = arena_array(m->arena, 2 * given->cost_count, sizeof *costs);

    if (!costs)
        return offer_no_memory(m);
    n->costs = costs;
    for (size_t i = 0; i < given->cost_count; i++) {
        const struct offer_cost *g = &given->costs[i];
        struct cost_type like;
        enum err_code rc = like_of(g, &like, m->e);

        if (rc != ERR_OK)
            return rc;
        if (has_ordinal(n, &like))
            return err_set(m->e, ERR_CONFLICT,
                           "two cost maps of one network map have the %.*s cost %.*s (RFC 7285 "
                           "section 6.1)",
                           (int)like.mode_text.n, like.mode_text.p, (int)like.metric.n,
                           like.metric.p);
        costs[i] = (struct alto_cost){.type = offer_type(m, &like),
                                      .map = g->map ? g->map : costmap_slot(g->calendar, 0),
                                      .calendar = g->calendar,
                                      .modified_ms = g->modified_ms};
        if (!costs[i].type)
            return offer_no_memory(m);
        n->cost_count++;
    }
    return add_ranked(m, n, costs);
}

/* The maps that are served whole: those that were given. */
static enum err_code add_cost_maps(struct offer_make *m, const struct alto_resource *map,
                                   const struct alto_cost *const *list)
{
    const struct alto_network *n = map->network;

    for (size_t i = 0; i < n->cost_count; i++) {
        struct alto_cost *cost = (struct alto_cost *)(uintptr_t)&n->costs[i];
        struct alto_resource *r;

        assert(cost->type); /* add_costs has given each one */
        if (cost->ranked)
            continue;
        r = offer_resource(m, ALTO_COST_MAP, map->groups, "%.*s-cost-%.*s", (int)map->id.n,
                           map->id.p, (int)cost->type->name.n, cost->type->name.p);
        if (!r || offer_uses(m, r, map) != ERR_OK)
            return m->e->code;
        r->network = n;
        r->costs = list + i;
        r->cost_count = 1;
        cost->whole = r;
    }
    return ERR_OK;
}

static enum err_code add_services(struct offer_make *m, const struct alto_resource *map,
                                  const struct alto_cost *const *list)
{
    static const struct {
        enum alto_kind kind;
        const char *name;
    } services[] = {{ALTO_COST_FILTER, "cost-filter"}, {ALTO_ENDPOINT_COST, "endpoint-cost"}};
    size_t count = map->network->cost_count;

    for (unsigned i = 0; i < 2; i++) {
        struct alto_resource *r = offer_resource(m, services[i].kind, map->groups, "%.*s-%s",
                                                 (int)map->id.n, map->id.p, services[i].name);

        /* Endpoint costs depend on no resource (RFC 7285 section 11.5.1.5). */
        if (!r || (r->kind == ALTO_COST_FILTER && offer_uses(m, r, map) != ERR_OK))
            return m->e->code;
        r->network = map->network;
        r->costs = list;
        r->cost_count = count;
        r->constraints = true;
        r->max_cost_types = count < 16 ? (uint32_t)count : 16;
    }
    return ERR_OK;
}

static struct str network_id(const struct offer_network *given)
{
    if (given->id.n)
        return given->id;
    if (given->map->vtag.resource_id[0])
        return str_from(given->map->vtag.resource_id);
    return STR("networkmap");
}

enum err_code offer_network(struct offer_make *m, size_t i)
{
    const struct offer_network *given = &m->offer->networks[i];
    struct alto_network *n = &m->networks[i];
    struct str id = network_id(given);
    const struct alto_cost **list;
    struct alto_resource *map, *filter;
    enum err_code rc;

    *n = (struct alto_network){
        .map = given->map, .modified_ms = given->modified_ms, .default_pid = given->default_pid};
    map = offer_resource(m, ALTO_NETWORK_MAP, offer_groups(m, given->groups), "%.*s", (int)id.n,
                         id.p);
    if (!map)
        return m->e->code;
    memcpy(n->vtag.resource_id, map->id.p, map->id.n + 1);
    memcpy(n->vtag.tag, given->map->vtag.tag, sizeof n->vtag.tag);
    map->network = n;
    map->vtag = n->vtag;
    if (i == 0)
        m->c->default_network = map;
    filter = offer_resource(m, ALTO_NETWORK_FILTER, map->groups, "%.*s-filter", (int)id.n, id.p);
    if (!filter || offer_uses(m, filter, map) != ERR_OK)
        return m->e->code;
    filter->network = n;
    filter->vtag = n->vtag;
    rc = add_costs(m, given, n);
    if (rc != ERR_OK) {
        err_wrap(m->e, "network map \"%.*s\"", (int)id.n, id.p);
        return rc;
    }
    list = arena_array(m->arena, n->cost_count, sizeof *list);
    if (!list)
        return offer_no_memory(m);
    for (size_t k = 0; k < n->cost_count; k++)
        list[k] = &n->costs[k];
    rc = add_cost_maps(m, map, list);
    return rc == ERR_OK && n->cost_count ? add_services(m, map, list) : rc;
}
