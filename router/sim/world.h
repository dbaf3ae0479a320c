/* What every policy of a run meets alike: network, streamers, population and catalogue, made from
 * scenario, topology and seed; and the demand, session by session. */
#pragma once

#include "router/sim/random.h"
#include "router/sim/scenario.h"

/* Draws i with probability weight_i in constant time (A. J. Walker's aliases, M. D. Vose's way of
 * making them). */
struct alias {
    struct alias_cell {
        uint32_t keep; /* of 2^32: this one, else other */
        uint32_t other;
    } * cells;
    uint32_t count;
};

/* n weights, at least one; false when there is no memory. */
bool alias_init(struct alias *a, const double *weight, uint32_t n) MUST_CHECK;
void alias_fini(struct alias *a);

static inline uint32_t alias_draw(const struct alias *a, uint64_t random)
{
    uint32_t i = (uint32_t)((random >> 32) * a->count >> 32);

    return (uint32_t)random < a->cells[i].keep ? i : a->cells[i].other;
}

struct sim_world {
    const struct sim_conf *conf;
    const struct topology *topology;
    uint64_t seed;
    struct view_source *netmap, *costmap;
    double *cost;        /* [nodes][nodes] */
    double *population;  /* [nodes], sums to 1 */
    uint16_t origin;     /* node */
    uint32_t streamers;  /* streamer s is number s % per_site of site s / per_site */
    uint16_t *site_node; /* [sites] */
    float *client_cost;  /* [nodes][streamers] */
    float *origin_cost;  /* [streamers] */
    uint32_t contents;
    uint64_t *key;      /* [contents], as views make them */
    uint32_t *size;     /* [contents] in bytes; NULL: a content counts as 1 */
    double *popularity; /* [contents], sums to 1 */
    uint32_t *by_rank;  /* [contents], most popular first */
    uint32_t *trace;    /* [trace_count]; NULL: none */
    uint32_t trace_count;
    struct alias clients, catalogue;
};

enum err_code sim_world_new(const struct sim_conf *conf, const struct topology *t, uint64_t seed,
                            struct sim_world **out, struct err *e) MUST_CHECK;
void sim_world_free(struct sim_world *w);

struct sim_session {
    uint32_t content;
    uint32_t steps;  /* that it lasts, 1 or more */
    uint16_t node;   /* where the client is */
    uint16_t place;  /* where its address says it is */
    uint32_t host;   /* of its address: topology_client(place, host) */
    uint64_t random; /* for whoever has to choose for it */
};

struct sim_demand {
    const struct sim_world *world;
    struct sim_random random;
    float *lengths;            /* [SIM_LENGTHS], in steps */
    struct sim_session *batch; /* [batch_max] */
    size_t batch_max;
    uint32_t steps_max; /* no session lasts longer */
    uint32_t trace_at;
    uint64_t step;
};

#define SIM_LENGTHS 16384u

/* Sessions a second at that time, without flash crowds. */
double sim_demand_rate(const struct sim_world *w, double at_s);
enum err_code sim_demand_init(struct sim_demand *d, const struct sim_world *w,
                              struct err *e) MUST_CHECK;
void sim_demand_fini(struct sim_demand *d);
/* The sessions of the next step, in d->batch; the same ones for the same world, always. */
size_t sim_demand_step(struct sim_demand *d);
