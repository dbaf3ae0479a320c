/* Candidates: the streamers that may serve a service, in cost order for every client PID. Services
 * with the same streamers share one. */
#pragma once

#include "router/view.h"

struct candidate {
    uint64_t hash;      /* of the name: configuration order does not matter */
    double capacity;    /* 0: unlimited */
    float inv_weight;
    float origin_cost; /* as in struct view_streamer */
    sidx streamer;
    lidx live;
    uint8_t can;
};

struct candidates {
    const struct candidate *slot; /* [count], ascending by streamer, which is by name */
    uint16_t count;
    bool equal_weights;
    uint32_t rows; /* one for each PID, and the last for PIDX_NONE */
    /* The matrix: what decide() walks. Costs of a row ascend, NAN (the map is silent) last. */
    const float *cost;  /* [rows][count] */
    const uint16_t *at; /* [rows][count] index into slot of the streamer with that cost */
};

static inline uint32_t candidates_row(const struct candidates *c, pidx client)
{
    return client < c->rows - 1 ? client : c->rows - 1;
}

struct candidates_build;

/* Of a view whose maps and streamers are there. temporary memory until _free. NULL: no memory. */
struct candidates_build *candidates_build_new(const struct view *v);
void candidates_build_free(struct candidates_build *b);
/* The set of these streamers (ascending, each once): a new one, or one that was added before. NULL:
 * the arena is full. */
const struct candidates *candidates_build_add(struct candidates_build *b, const sidx *streamers,
                                              size_t n);
/* Fills all matrices; origin costs of v->streamers (ordinal maps: by ranks) and v->cost_unit.
 * false: no memory. */
bool candidates_build_freeze(struct candidates_build *b) MUST_CHECK;
