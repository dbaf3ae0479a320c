/* What is read as a topology is one: in one part, and its paths and maps can be made. */
#include <math.h>
#include <stdlib.h>

#include "router/sim/topology.h"

#define SMALL 64u /* nodes: paths of all pairs take time */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct topology *t)
{
    struct view_source *net = NULL, *costs = NULL;
    double *cost = calloc((size_t)t->count * t->count, sizeof *cost);
    struct err e = {0};

    if (!cost || !topology_costs(t, TOPOLOGY_DISTANCE, cost))
        abort();
    for (size_t i = 0; i < (size_t)t->count * t->count; i++)
        if (!isfinite(cost[i]) || cost[i] < 0)
            abort();
    if (topology_maps(t, cost, &net, &costs, &e) != ERR_OK)
        abort();
    view_source_drop(net);
    view_source_drop(costs);
    free(cost);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(16 << 20);
    const struct topology *t;
    struct err e = {0};

    if (topology_parse((const char *)data, size, STR("fuzz"), arena, &t, &e) == ERR_OK &&
        t->count <= SMALL)
        check(t);
    arena_free(arena);
    return 0;
}
