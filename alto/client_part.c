/* Maps that came, shared by reference. */
#include <stdlib.h>

#include "alto/client.h"

struct alto_part *alto_part_new(struct arena *arena, const struct netmap *network,
                                const struct costmap *cost, struct alto_part *of)
{
    struct alto_part *p = calloc(1, sizeof *p);

    if (!p) {
        arena_free(arena);
        return NULL;
    }
    atomic_init(&p->refs, 1);
    p->arena = arena;
    p->network = network;
    p->cost = cost;
    p->of = of;
    if (of)
        alto_part_take(of);
    return p;
}

void alto_part_take(struct alto_part *p)
{
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
}

void alto_part_drop(struct alto_part *p)
{
    if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1)
        return;
    alto_part_drop(p->of);
    arena_free(p->arena);
    free(p);
}

void alto_generation_copy(struct alto_generation *to, const struct alto_generation *from)
{
    *to = *from;
    if (to->network)
        alto_part_take(to->network);
    for (size_t i = 0; i < to->cost_count; i++)
        if (to->costs[i])
            alto_part_take(to->costs[i]);
}

void alto_generation_drop(struct alto_generation *g)
{
    for (size_t i = 0; i < g->cost_count; i++)
        alto_part_drop(g->costs[i]);
    alto_part_drop(g->network);
    *g = (struct alto_generation){0};
}
