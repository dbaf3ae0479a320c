#include "alto/catalog.h"

#include <stdlib.h>
#include <string.h>

void alto_catalog_take(struct alto_catalog *c)
{
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
}

void alto_catalog_drop(struct alto_catalog *c)
{
    if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < c->resource_count; i++) {
        alto_bodies_drop(c->resources[i].bodies);
        alto_bodies_drop(c->resources[i].before);
    }
    if (c->release)
        c->release(c->release_arg);
    arena_free(c->arena);
    free(c);
}

static int by_path(const void *key, const void *item)
{
    return str_cmp(*(const struct str *)key, (*(const struct alto_resource *const *)item)->path);
}

const struct alto_resource *alto_find_path(const struct alto_catalog *c, struct str path)
{
    const struct alto_resource *const *found =
        c->path_count ? bsearch(&path, c->by_path, c->path_count, sizeof(void *), by_path) : NULL;

    if (!found)
        return NULL;
    while (found > c->by_path && str_eq(found[-1]->path, path))
        found--;
    return *found;
}

static int by_id(const void *key, const void *item)
{
    return str_cmp(*(const struct str *)key, ((const struct alto_resource *)item)->id);
}

const struct alto_resource *alto_find_id(const struct alto_catalog *c, struct str id)
{
    return c->resource_count
               ? bsearch(&id, c->resources, c->resource_count, sizeof *c->resources, by_id)
               : NULL;
}

static const struct {
    const char *media_type, *accepts;
} types[ALTO_KINDS] = {
    [ALTO_DIRECTORY] = {"application/alto-directory+json", NULL},
    [ALTO_NETWORK_MAP] = {"application/alto-networkmap+json", NULL},
    [ALTO_NETWORK_FILTER] = {"application/alto-networkmap+json",
                             "application/alto-networkmapfilter+json"},
    [ALTO_COST_MAP] = {"application/alto-costmap+json", NULL},
    [ALTO_COST_FILTER] = {"application/alto-costmap+json", "application/alto-costmapfilter+json"},
    [ALTO_ENDPOINT_PROP] = {"application/alto-endpointprop+json",
                            "application/alto-endpointpropparams+json"},
    [ALTO_ENDPOINT_COST] = {"application/alto-endpointcost+json",
                            "application/alto-endpointcostparams+json"},
    [ALTO_PROP_MAP] = {"application/alto-propmap+json", NULL},
    [ALTO_PROP_FILTER] = {"application/alto-propmap+json", "application/alto-propmapparams+json"},
    [ALTO_CDNI] = {"application/alto-cdni+json", NULL},
    [ALTO_CDNI_FILTER] = {"application/alto-cdni+json", "application/alto-cdnifilter+json"},
    [ALTO_PATH_COST] = {"multipart/related;type=application/alto-costmap+json",
                        "application/alto-costmapfilter+json"},
    [ALTO_PATH_ENDPOINT] = {"multipart/related;type=application/alto-endpointcost+json",
                            "application/alto-endpointcostparams+json"},
    [ALTO_UPDATES] = {"text/event-stream", "application/alto-updatestreamparams+json"},
    [ALTO_TIPS] = {"application/alto-tips+json", "application/alto-tipsparams+json"},
};

struct str alto_kind_media_type(enum alto_kind k)
{
    return str_from(types[k].media_type);
}

struct str alto_kind_accepts(enum alto_kind k)
{
    return str_from(types[k].accepts);
}

static enum err_code check_once(const struct alto_catalog *c, const struct alto_resource *r,
                                struct err *e)
{
    for (const struct alto_resource *o = c->resources; o < r; o++) {
        if (str_eq(o->id, r->id))
            return err_set(e, ERR_CONFLICT, "two resources have the id \"%.*s\"", (int)r->id.n,
                           r->id.p);
        if (r->kind == ALTO_COST_MAP && o->kind == r->kind && o->network == r->network &&
            cost_type_same(o->costs[0]->type, r->costs[0]->type))
            return err_set(e, ERR_CONFLICT,
                           "the cost maps \"%.*s\" and \"%.*s\" have one network map and one cost "
                           "type: one of them is enough",
                           (int)o->id.n, o->id.p, (int)r->id.n, r->id.p);
    }
    return ERR_OK;
}

/* The cost types of one resource. */
static enum err_code check_costs(const struct alto_resource *r, struct err *e)
{
    bool testable = false;

    for (size_t i = 0; i < r->cost_count; i++) {
        testable = testable || (r->testable && r->testable[i]);
        for (size_t k = 0; k < i; k++)
            if (cost_type_same(r->costs[k]->type, r->costs[i]->type))
                return err_set(e, ERR_CONFLICT,
                               "two of its cost types are %.*s in mode %.*s with one cost-context",
                               (int)r->costs[i]->type->metric.n, r->costs[i]->type->metric.p,
                               (int)r->costs[i]->type->mode_text.n, r->costs[i]->type->mode_text.p);
    }
    if (testable && r->constraints)
        return err_set(e, ERR_CONFLICT,
                       "cost-constraints is true and testable-cost-type-names are given: one of "
                       "them (RFC 8189 section 4.1.1)");
    if (r->kind == ALTO_COST_MAP && r->cost_count != 1)
        return err_set(e, ERR_CONFLICT, "a cost map has one cost type, this one %zu",
                       r->cost_count);
    return ERR_OK;
}

static enum err_code check_routingcost(const struct alto_resource *r, struct err *e)
{
    for (size_t i = 0; i < r->network->cost_count; i++) {
        const struct cost_type *t = r->network->costs[i].type;

        if (str_eq(t->metric, STR("routingcost")) &&
            (t->mode == COST_NUMERICAL || t->mode == COST_ORDINAL))
            return ERR_OK;
    }
    return err_set(e, ERR_CONFLICT,
                   "there is no cost map with routingcost, and each network map has to have one "
                   "(RFC 7285 section 6.1.1.1)");
}

enum err_code alto_catalog_check(const struct alto_catalog *c, struct err *e)
{
    for (size_t i = 0; i < c->resource_count; i++) {
        const struct alto_resource *r = &c->resources[i];
        enum err_code rc = check_once(c, r, e);

        if (rc == ERR_OK)
            rc = check_costs(r, e);
        if (rc == ERR_OK && r->kind == ALTO_NETWORK_MAP)
            rc = check_routingcost(r, e);
        if (rc != ERR_OK) {
            err_wrap(e, "resource \"%.*s\"", (int)r->id.n, r->id.p);
            return rc;
        }
    }
    return ERR_OK;
}
