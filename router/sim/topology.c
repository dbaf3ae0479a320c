#include "router/sim/topology.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EARTH_KM      6371.0
#define KM_PER_METRIC 10.0
#define UNREACHABLE   UINT16_MAX

double topology_km(double lat1, double lon1, double lat2, double lon2)
{
    const double rad = 3.14159265358979323846 / 180;
    double dlat = (lat2 - lat1) * rad, dlon = (lon2 - lon1) * rad;
    double h = sin(dlat / 2) * sin(dlat / 2) +
               cos(lat1 * rad) * cos(lat2 * rad) * sin(dlon / 2) * sin(dlon / 2);

    return 2 * EARTH_KM * asin(h < 1 ? sqrt(h) : 1);
}

/* Links of a node side by side. */
struct neighbours {
    uint32_t *first; /* [count + 1] */
    uint16_t *node;  /* [2 * link_count] */
    double *cost;
};

static void neighbours_free(struct neighbours *n)
{
    free(n->first);
    free(n->node);
    free(n->cost);
}

static double link_cost(const struct topology_link *l, enum topology_metric metric)
{
    double tens = l->km / KM_PER_METRIC;

    return metric == TOPOLOGY_HOPS || tens < 1 ? 1 : tens;
}

static bool neighbours_make(const struct topology *t, enum topology_metric metric,
                            struct neighbours *n)
{
    uint32_t *at = calloc(t->count + 1u, sizeof *at);

    n->first = calloc(t->count + 2u, sizeof *n->first);
    n->node = calloc(2u * t->link_count + 1u, sizeof *n->node);
    n->cost = calloc(2u * t->link_count + 1u, sizeof *n->cost);
    if (!at || !n->first || !n->node || !n->cost) {
        free(at);
        return false;
    }
    for (unsigned i = 0; i < t->link_count; i++) {
        n->first[t->links[i].a + 1u]++;
        n->first[t->links[i].b + 1u]++;
    }
    for (unsigned i = 0; i < t->count; i++) {
        n->first[i + 1] += n->first[i];
        at[i] = n->first[i];
    }
    for (unsigned i = 0; i < t->link_count; i++) {
        const struct topology_link *l = &t->links[i];

        n->cost[at[l->a]] = n->cost[at[l->b]] = link_cost(l, metric);
        n->node[at[l->a]++] = l->b;
        n->node[at[l->b]++] = l->a;
    }
    free(at);
    return true;
}

/* A binary heap of (distance, node), nearest first; an outdated entry is skipped when it comes. */
struct entry {
    double cost;
    uint16_t node;
};

static void heap_push(struct entry *heap, size_t *n, struct entry x)
{
    size_t i = (*n)++;

    for (; i > 0 && heap[(i - 1) / 2].cost > x.cost; i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = x;
}

static struct entry heap_pop(struct entry *heap, size_t *n)
{
    struct entry top = heap[0], x = heap[--*n];
    size_t i = 0;

    for (;;) {
        size_t child = 2 * i + 1;

        if (child >= *n)
            break;
        if (child + 1 < *n && heap[child + 1].cost < heap[child].cost)
            child++;
        if (heap[child].cost >= x.cost)
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = x;
    return top;
}

/* E. W. Dijkstra's algorithm from one node. heap has room for all links and one more. */
static void shortest_from(const struct neighbours *n, unsigned count, unsigned from,
                          struct entry *heap, double *cost)
{
    size_t size = 0;

    for (unsigned i = 0; i < count; i++)
        cost[i] = INFINITY;
    cost[from] = 0;
    heap_push(heap, &size, (struct entry){0, (uint16_t)from});
    while (size) {
        struct entry x = heap_pop(heap, &size);

        if (x.cost > cost[x.node])
            continue;
        for (uint32_t i = n->first[x.node]; i < n->first[x.node + 1u]; i++) {
            double through = x.cost + n->cost[i];

            if (through >= cost[n->node[i]])
                continue;
            cost[n->node[i]] = through;
            heap_push(heap, &size, (struct entry){through, n->node[i]});
        }
    }
}

bool topology_costs(const struct topology *t, enum topology_metric metric, double *cost)
{
    struct neighbours n = {0};
    struct entry *heap = calloc(2u * t->link_count + 2u, sizeof *heap);
    bool ok = heap && neighbours_make(t, metric, &n);

    for (unsigned i = 0; ok && i < t->count; i++)
        shortest_from(&n, t->count, i, heap, cost + (size_t)i * t->count);
    neighbours_free(&n);
    free(heap);
    return ok;
}
