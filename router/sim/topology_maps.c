#include <stdio.h>
#include <string.h>

#include "alto/costmap_build.h"
#include "alto/netmap_build.h"
#include "router/sim/topology.h"

#define MAPS_BYTES_MAX ((size_t)1 << 30)
#define PREFIX_BITS    20u

struct addr topology_client(unsigned node, uint32_t host)
{
    return addr_from_v4((UINT32_C(10) << 24) + (node << (32 - PREFIX_BITS)) + host);
}

void topology_pid_name(unsigned node, char out[8])
{
    snprintf(out, 8, "n%04u", node % 10000);
}

static enum err_code netmap_fill(const struct topology *t, struct netmap_build *b,
                                 const struct netmap **out, struct err *e)
{
    struct vtag vtag = {.resource_id = "simulated"};
    struct netmap_place place;
    enum err_code rc = ERR_OK;

    for (unsigned i = 0; i < t->count && rc == ERR_OK; i++) {
        struct prefix p = {topology_client(i, 0), 96 + PREFIX_BITS};
        char name[8];
        uint32_t id;

        topology_pid_name(i, name);
        rc = netmap_build_add_pid(b, str_from(name), (struct netmap_place){0}, &id, e);
        if (rc == ERR_OK)
            rc = netmap_build_add_prefix(b, id, p, e);
    }
    return rc == ERR_OK ? netmap_build_freeze(b, &vtag, out, &place, e) : rc;
}

static enum err_code costmap_fill(const struct topology *t, const double *cost,
                                  const struct netmap *map, struct costmap_build *b,
                                  const struct costmap **out, struct err *e)
{
    struct costmap_info info = {.mode = COST_NUMERICAL, .metric = "routingcost"};
    enum err_code rc = ERR_OK;

    info.depends = map->vtag;
    for (unsigned i = 0; i < t->count && rc == ERR_OK; i++) {
        rc = costmap_build_begin_row(b, (pidx)i, e);
        for (unsigned j = 0; j < t->count && rc == ERR_OK; j++)
            rc = costmap_build_add(b, (pidx)j, cost[(size_t)i * t->count + j], e);
        if (rc == ERR_OK)
            rc = costmap_build_end_row(b, e);
    }
    return rc == ERR_OK ? costmap_build_freeze(b, &info, out, e) : rc;
}

enum err_code topology_maps(const struct topology *t, const double *cost,
                            struct view_source **netmap, struct view_source **costmap,
                            struct err *e)
{
    struct arena *net_arena = arena_new(MAPS_BYTES_MAX), *cost_arena = arena_new(MAPS_BYTES_MAX);
    struct netmap_build *n = net_arena ? netmap_build_new(net_arena) : NULL;
    struct costmap_build *c = NULL;
    const struct netmap *net = NULL;
    const struct costmap *costs = NULL;
    enum err_code rc = ERR_OK;

    *netmap = *costmap = NULL;
    if (!n || !cost_arena)
        rc = err_set(e, ERR_LIMIT, "no memory for the maps of %s", t->name);
    if (rc == ERR_OK)
        rc = netmap_fill(t, n, &net, e);
    if (rc == ERR_OK) {
        c = costmap_build_new(net, cost_arena);
        rc = c ? costmap_fill(t, cost, net, c, &costs, e)
               : err_set(e, ERR_LIMIT, "no memory for the cost map of %s", t->name);
    }
    netmap_build_free(n);
    costmap_build_free(c);
    if (rc == ERR_OK) {
        *netmap = view_source_new(net_arena, net, NULL);
        *costmap = view_source_new(cost_arena, NULL, costs);
        net_arena = *netmap ? NULL : net_arena;
        cost_arena = *costmap ? NULL : cost_arena;
        if (!*netmap || !*costmap)
            rc = err_set(e, ERR_LIMIT, "no memory for the maps of %s", t->name);
    }
    if (rc != ERR_OK) {
        view_source_drop(*netmap);
        view_source_drop(*costmap);
        *netmap = *costmap = NULL;
    }
    arena_free(net_arena);
    arena_free(cost_arena);
    return rc;
}
