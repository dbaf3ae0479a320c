#include <string.h>

#include "alto/cdni.h"
#include "alto/offer_make.h"
#include "alto/pathvec.h"
#include "alto/propmap.h"

/* The network maps that the same client groups see, of those from i on; the first of them is i. */
static enum err_code add_endpoint_prop(struct offer_make *m, size_t i)
{
    const struct alto_network **list = arena_array(m->arena, m->offer->network_count, sizeof *list);
    uint64_t groups = offer_groups(m, m->offer->networks[i].groups);
    struct alto_resource *r;

    r = i == 0 ? offer_resource(m, ALTO_ENDPOINT_PROP, groups, "endpoint-prop")
               : offer_resource(m, ALTO_ENDPOINT_PROP, groups, "endpoint-prop-%s",
                                m->networks[i].vtag.resource_id);
    if (!r || !list)
        return r ? offer_no_memory(m) : m->e->code;
    for (size_t k = i; k < m->offer->network_count; k++)
        if (offer_groups(m, m->offer->networks[k].groups) == groups)
            list[r->network_count++] = &m->networks[k];
    r->networks = list;
    return ERR_OK;
}

/* What the map says of addresses is for those alone who may see the map. */
static enum err_code endpoint_props(struct offer_make *m)
{
    const struct alto_offer *o = m->offer;
    const struct offer_props *p = NULL;
    bool any = false;

    for (size_t i = 0; i < o->prop_count; i++)
        if (str_eq(o->props[i].id, o->endpoint_props))
            p = &o->props[i];
    for (size_t i = 0; p && i < m->count; i++) {
        struct alto_resource *r = &m->list[i];

        if (r->kind != ALTO_ENDPOINT_PROP || (r->groups & ~offer_groups(m, p->groups)))
            continue;
        r->props = p->map;
        r->props_id = str_from(arena_strndup(m->arena, p->id.p, p->id.n));
        if (!r->props_id.p)
            return offer_no_memory(m);
        any = true;
    }
    if (any)
        return ERR_OK;
    return err_set(m->e, ERR_CONFLICT, "endpoint properties of \"%.*s\": %s",
                   (int)o->endpoint_props.n, o->endpoint_props.p,
                   p ? "the clients that see the PIDs of endpoints do not all see that map"
                     : "there is no such property map");
}

/* One for each set of client groups: what a client must not see, it cannot ask for. */
enum err_code offer_endpoint_props(struct offer_make *m)
{
    for (size_t i = 0; i < m->offer->network_count; i++) {
        bool seen = false;

        for (size_t k = 0; k < i; k++)
            seen = seen || offer_groups(m, m->offer->networks[k].groups) ==
                               offer_groups(m, m->offer->networks[i].groups);
        if (!seen && add_endpoint_prop(m, i) != ERR_OK)
            return m->e->code;
    }
    return m->offer->endpoint_props.n ? endpoint_props(m) : ERR_OK;
}

static enum err_code add_props(struct offer_make *m, const struct offer_props *p)
{
    struct str id = p->id.n ? p->id : STR("propmap");
    uint64_t groups = offer_groups(m, p->groups);
    struct alto_resource *map = offer_resource(m, ALTO_PROP_MAP, groups, "%.*s", (int)id.n, id.p);
    struct alto_resource *filter =
        map ? offer_resource(m, ALTO_PROP_FILTER, groups, "%.*s-filter", (int)id.n, id.p) : NULL;

    if (!filter)
        return m->e->code;
    map->props = filter->props = p->map;
    return ERR_OK;
}

static const struct alto_resource *find(const struct offer_make *m, const char *id)
{
    for (size_t i = 0; i < m->count; i++)
        if (str_eq(m->list[i].id, str_from(id)))
            return &m->list[i];
    return NULL;
}

/* RFC 9240 section 7.5: what it depends on and is served here, in the map's order. */
static enum err_code prop_uses(struct offer_make *m, struct alto_resource *r)
{
    const struct alto_resource **uses =
        arena_array(m->arena, propmap_depends(r->props), sizeof *uses);

    if (!uses)
        return offer_no_memory(m);
    for (size_t i = 0; i < propmap_depends(r->props); i++) {
        const struct alto_resource *one = find(m, propmap_depend(r->props, i)->resource_id);

        if (one && one != r)
            uses[r->use_count++] = one;
    }
    r->uses = uses;
    return ERR_OK;
}

static enum err_code add_cdni(struct offer_make *m, const struct offer_cdni *o)
{
    struct str id = o->id.n ? o->id : STR("cdni");
    uint64_t groups = offer_groups(m, o->groups);
    struct alto_resource *map = offer_resource(m, ALTO_CDNI, groups, "%.*s", (int)id.n, id.p);
    struct alto_resource *filter =
        map ? offer_resource(m, ALTO_CDNI_FILTER, groups, "%.*s-filter", (int)id.n, id.p) : NULL;

    if (!filter)
        return m->e->code;
    map->cdni = filter->cdni = o->advert;
    memcpy(map->vtag.resource_id, map->id.p, map->id.n); /* offer_resource has checked it */
    memcpy(map->vtag.tag, cdni_advert_tag(o->advert), sizeof map->vtag.tag);
    filter->vtag = map->vtag; /* RFC 9241 section 5.6 */
    if (!cdni_advert_has_altopid(o->advert))
        return ERR_OK;
    if (!m->offer->network_count)
        return err_set(m->e, ERR_CONFLICT,
                       "\"%.*s\": an advertisement with altopid footprints needs a network map",
                       (int)id.n, id.p);
    if (offer_uses(m, map, m->c->default_network) != ERR_OK)
        return m->e->code;
    return offer_uses(m, filter, m->c->default_network);
}

/* The cost types of the network map behind the one of path vectors. */
static enum err_code path_costs(struct offer_make *m, struct alto_resource *r)
{
    const struct cost_type like = {
        .mode = COST_ARRAY, .mode_text = STR("array"), .metric = STR("ane-path")};
    const struct alto_network *n = r->network;
    struct alto_cost *path = arena_array(m->arena, 1, sizeof *path);
    const struct alto_cost **list = arena_array(m->arena, n->cost_count + 1, sizeof *list);
    bool *testable = arena_array(m->arena, n->cost_count + 1, sizeof *testable);

    if (!path || !list || !testable)
        return offer_no_memory(m);
    path->type = offer_type(m, &like);
    path->modified_ms = n->modified_ms;
    if (!path->type)
        return offer_no_memory(m);
    list[0] = path;
    for (size_t i = 0; i < n->cost_count; i++) {
        list[i + 1] = &n->costs[i];
        testable[i + 1] = true; /* paths are not (RFC 9275 section 7.2.4) */
    }
    r->testable = testable;
    r->costs = list;
    r->cost_count = n->cost_count + 1;
    r->max_cost_types = r->cost_count < 16 ? (uint32_t)r->cost_count : 16;
    return ERR_OK;
}

/* RFC 9275 section 7.2.5: the network map, and the maps whose entities elements are, as far as they
 * are named already. */
static enum err_code path_uses(struct offer_make *m, struct alto_resource *r,
                               const struct path_vectors *p)
{
    size_t n = path_vectors_depends(p);
    const struct alto_resource **uses = arena_array(m->arena, n + 1, sizeof *uses);

    if (!uses)
        return offer_no_memory(m);
    uses[r->use_count++] = m->c->default_network;
    for (size_t i = 0; i < n; i++) {
        const struct alto_resource *one = find(m, path_vectors_depend(p, i)->resource_id);

        if (one && one != uses[0])
            uses[r->use_count++] = one;
    }
    r->uses = uses;
    return ERR_OK;
}

static struct alto_resource *add_path(struct offer_make *m, enum alto_kind kind,
                                      const struct offer_paths *o, const char *suffix)
{
    struct str id = o->id.n ? o->id : STR("anes");
    struct alto_resource *r;

    if (id.n > PATHVEC_ID_MAX) {
        err_set(m->e, ERR_LIMIT,
                "path vectors \"%.*s\": the id has more than %d characters, which leaves none for "
                "those of its parts",
                (int)id.n, id.p, PATHVEC_ID_MAX);
        return NULL;
    }
    r = offer_resource(m, kind, offer_groups(m, o->groups), "%.*s-%s", (int)id.n, id.p, suffix);
    if (!r || path_uses(m, r, o->paths) != ERR_OK)
        return NULL;
    r->network = &m->networks[0];
    r->paths = o->paths;
    return r;
}

static enum err_code add_paths(struct offer_make *m, const struct offer_paths *o)
{
    struct alto_resource *pids, *endpoints;

    if (!m->offer->network_count)
        return err_set(m->e, ERR_CONFLICT, "path vectors without a network map");
    pids = add_path(m, ALTO_PATH_COST, o, "path-cost");
    endpoints = pids ? add_path(m, ALTO_PATH_ENDPOINT, o, "path-endpoint") : NULL;
    if (!endpoints)
        return m->e->code;
    if (path_costs(m, pids) != ERR_OK)
        return m->e->code;
    endpoints->costs = pids->costs;
    endpoints->cost_count = pids->cost_count;
    endpoints->testable = pids->testable;
    endpoints->max_cost_types = pids->max_cost_types;
    return ERR_OK;
}

enum err_code offer_others(struct offer_make *m)
{
    const struct alto_offer *o = m->offer;
    enum err_code rc = ERR_OK;

    for (size_t i = 0; rc == ERR_OK && i < o->prop_count; i++)
        rc = add_props(m, &o->props[i]);
    for (size_t i = 0; rc == ERR_OK && i < o->cdni_count; i++)
        rc = add_cdni(m, &o->cdni[i]);
    for (size_t i = 0; rc == ERR_OK && i < o->path_count; i++)
        rc = add_paths(m, &o->paths[i]);
    for (size_t i = 0; rc == ERR_OK && i < m->count; i++)
        if (m->list[i].props && m->list[i].kind != ALTO_ENDPOINT_PROP) /* RFC 7285 11.4.1.5 */
            rc = prop_uses(m, &m->list[i]);
    return rc;
}

enum err_code offer_updates(struct offer_make *m)
{
    const struct alto_resource **uses = arena_array(m->arena, m->count, sizeof *uses);
    size_t count = 0;

    if (!uses)
        return offer_no_memory(m);
    for (size_t i = 0; i < m->count; i++)
        if (m->list[i].kind != ALTO_DIRECTORY)
            uses[count++] = &m->list[i];
    for (unsigned i = 0; i < 2; i++) {
        struct alto_resource *r;

        if (!(i ? m->offer->tips : m->offer->updates))
            continue;
        r = offer_resource(m, i ? ALTO_TIPS : ALTO_UPDATES, ~UINT64_C(0), i ? "tips" : "updates");
        if (!r)
            return m->e->code;
        r->uses = uses;
        r->use_count = count;
    }
    return ERR_OK;
}
