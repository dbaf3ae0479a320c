#include "router/sim/bound_places.h"

#include <math.h>
#include <stdlib.h>

/* How much lower costs get when a and b are one: for each node, and for fetches as for a node. */
static double difference(const struct bound_places *p, uint32_t a, uint32_t b)
{
    double sum = fabs((double)p->origin_cost[a] - (double)p->origin_cost[b]);

    for (uint32_t i = 0; i < p->in.nodes; i++) {
        const float *row = p->client_cost + (size_t)i * p->in.places;

        sum += fabs((double)row[a] - (double)row[b]);
    }
    return sum;
}

/* b goes into a, and the last place to where b was. Rows keep their width. */
static void merge(struct bound_places *p, uint32_t width, uint32_t left, uint32_t a, uint32_t b)
{
    for (uint32_t i = 0; i < p->in.nodes; i++) {
        float *row = p->client_cost + (size_t)i * width;

        row[a] = row[a] < row[b] ? row[a] : row[b];
        row[b] = row[left - 1];
    }
    for (uint32_t j = 0; j < p->in.instant_count; j++) {
        double *row = p->capacity + (size_t)j * width;

        row[a] += row[b];
        row[b] = row[left - 1];
    }
    if (p->origin_cost[b] < p->origin_cost[a])
        p->origin_cost[a] = p->origin_cost[b];
    p->origin_cost[b] = p->origin_cost[left - 1];
    p->room[a] += p->room[b];
    p->room[b] = p->room[left - 1];
}

static void merge_most_alike(struct bound_places *p, uint32_t left)
{
    uint32_t best_a = 0, best_b = 1;
    double least = INFINITY;

    for (uint32_t a = 0; a < left; a++)
        for (uint32_t b = a + 1; b < left; b++) {
            double d = difference(p, a, b);

            if (d < least) {
                least = d;
                best_a = a;
                best_b = b;
            }
        }
    merge(p, p->in.places, left, best_a, best_b);
}

/* Rows of the width that is left. */
static void narrow(struct bound_places *p, uint32_t left)
{
    uint32_t width = p->in.places;

    for (size_t i = 0; i < p->in.nodes; i++)
        for (uint32_t s = 0; s < left; s++)
            p->client_cost[i * left + s] = p->client_cost[i * width + s];
    for (size_t j = 0; j < p->in.instant_count; j++)
        for (uint32_t s = 0; s < left; s++)
            p->capacity[j * left + s] = p->capacity[j * width + s];
    p->in.places = left;
}

enum err_code bound_places_merge(const struct bound_input *in, struct bound_places *out,
                                 struct err *e)
{
    size_t nodes = (size_t)in->nodes * in->places,
           instants = (size_t)in->instant_count * in->places;

    *out = (struct bound_places){.in = *in};
    if (in->places <= BOUND_PLACES_MAX)
        return ERR_OK;
    if (in->places > BOUND_MERGED_MAX)
        return err_set(e, ERR_LIMIT, "the offline bound of %u places; at most %u can be done",
                       in->places, BOUND_MERGED_MAX);
    out->client_cost = calloc(nodes + 1, sizeof *out->client_cost);
    out->capacity = calloc(instants + 1, sizeof *out->capacity);
    out->origin_cost = calloc(in->places, sizeof *out->origin_cost);
    out->room = calloc(in->places, sizeof *out->room);
    if (!out->client_cost || !out->capacity || !out->origin_cost || !out->room)
        return err_set(e, ERR_LIMIT, "no memory for the offline bound");
    for (size_t i = 0; i < nodes; i++)
        out->client_cost[i] = in->client_cost[i];
    for (size_t i = 0; i < instants; i++)
        out->capacity[i] = in->capacity[i];
    for (uint32_t s = 0; s < in->places; s++) {
        out->origin_cost[s] = in->origin_cost[s];
        out->room[s] = in->room[s];
    }
    for (uint32_t left = in->places; left > BOUND_PLACES_MAX; left--)
        merge_most_alike(out, left);
    narrow(out, BOUND_PLACES_MAX);
    out->in.client_cost = out->client_cost;
    out->in.capacity = out->capacity;
    out->in.origin_cost = out->origin_cost;
    out->in.room = out->room;
    return ERR_OK;
}

void bound_places_fini(struct bound_places *p)
{
    free(p->client_cost);
    free(p->capacity);
    free(p->origin_cost);
    free(p->room);
}
