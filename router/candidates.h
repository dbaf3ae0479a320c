/* Candidates: the streamers that may serve a service, in cost order for every client PID. Services
 * with the same streamers and the same costs share one. */
#pragma once

#include "router/view.h"

struct candidate {
    uint64_t hash;       /* of the name: configuration order does not matter */
    double capacity;     /* in units of live_session_units; INFINITY: unlimited */
    double inv_capacity; /* its inverse; 0: unlimited */
    float inv_weight;
    float origin_cost; /* as in struct view_streamer, of this set's costs */
    sidx streamer;
    lidx live;
    uint8_t can;
};

#define CANDIDATES_MEAN_UNKNOWN UINT32_C(0x7fc00000) /* the bits of a NAN */
#define CANDIDATES_NEVER_FOLDED UINT32_MAX

/* A streamer in the row of a client PID. */
struct ranked {
    float cost; /* NAN: the map is silent */
    uint16_t slot;
};

/* The origin and load terms of a streamer, without the policy's weights, are at least this,
 * whatever the content. Float bits. */
struct candidate_floor {
    _Atomic uint32_t origin; /* INFINITY: unknown */
    _Atomic uint32_t load;   /* decide_penalty() */
};

/* Which of the live slots 64 * word .. 64 * word + 63 are of the set. */
struct live_word {
    uint64_t mask;
    uint16_t word;
};

/* Live words: what view_fold() saw last. */
struct candidates_folded {
    _Atomic uint32_t mean;         /* float bits of the mean utilisation; NAN before the first */
    _Atomic uint32_t lowered;      /* live->lowered then: floors hold while it is that still */
    double others;                 /* control thread only: candidates_others() */
    struct candidate_floor least;  /* of all floors */
    struct candidate_floor slot[]; /* [count] */
};

struct candidates {
    const struct candidate *slot; /* [count], ascending by streamer, which is by name */
    uint16_t count;
    uint16_t places; /* PIDs that they are in, 1 at least */
    bool equal_weights;
    bool misses_cost; /* at one of them at least, by what the maps say */
    uint8_t can;      /* of all together */
    uint16_t live_word_count;
    const struct live_word *live_words; /* [live_word_count], each word once */
    uint32_t rows;                      /* one for each PID, and the last for PIDX_NONE */
    /* The matrix: what decide() walks. Costs of a row ascend, NAN last. A row begins where a cache
     * line does, or lies within one: candidates_ranked. */
    const struct ranked *ranked; /* [rows][stride], of which count are used */
    uint32_t stride;
    double cost_unit; /* mean known cost of a site of its streamers; never 0 */
    struct candidates_folded *folded;
};

static inline uint32_t candidates_row(const struct candidates *c, pidx client)
{
    return client < c->rows - 1 ? client : c->rows - 1;
}

/* [count] of a row. */
static inline const struct ranked *candidates_ranked(const struct candidates *c, uint32_t row)
{
    return c->ranked + (size_t)row * c->stride;
}

/* Mean utilisation of the healthy ones that have a capacity, weighted by it; 0 when there are none.
 * Looks at all of them. */
double candidates_mean(const struct candidates *c, const struct live *live);

/* Sessions that others send them for each that we do, by what polls say: routers that we know
 * nothing else of ask for the same contents. 0: nobody does, or nothing is known; never above
 * CANDIDATES_OTHERS_MAX. Control thread. */
#define CANDIDATES_OTHERS_MAX 31.0
double candidates_others(const struct candidates *c, const struct view *v, const struct live *live);

struct candidates_build;

/* Of a view whose maps and streamers are there. temporary memory until _free. NULL: no memory. */
struct candidates_build *candidates_build_new(const struct view *v);
void candidates_build_free(struct candidates_build *b);
/* The set of these streamers (ascending, each once) at the costs that weight[costmap_count of v]
 * makes of the view's maps: a new one, or one that was added before. A pair is at the sum of weight
 * times cost, of ordinal maps weight times rank: among the costs from a client PID to all PIDs that
 * have streamers, equal costs sharing one, from 1; of origin costs among all of those. A map of
 * weight 0 does not count; a pair that another one is silent about is at unknown cost. NULL: the
 * arena is full. */
const struct candidates *candidates_build_add(struct candidates_build *b, const sidx *streamers,
                                              size_t n, const double *weight);
/* Bit i: map i counts in a set that was added. */
uint32_t candidates_build_maps(const struct candidates_build *b);

/* Fills all matrices; origin costs of v->streamers and v->cost_unit. */
void candidates_build_freeze(struct candidates_build *b);
