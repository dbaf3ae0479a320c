/* Ranking of tracker peers: same PID first, then by cost, and a random share so that swarms stay
 * connected. */
#pragma once

#include "router/view.h"

struct peers_request {
    pidx client;        /* PID of who asks; PIDX_NONE: no order, all at random */
    unsigned want;      /* peers in the answer */
    unsigned random_pm; /* share of them taken at random, per mille */
    uint64_t seed;      /* of this answer */
};

/* Orders the first min(want, n) of pick[]: indices into pids[n] (the peers' PIDs), best first, each
 * once. n is bounded by the caller's sample (a few hundred). No allocation; returns how many. */
unsigned peers_rank(const struct view *v, const struct peers_request *r, const pidx *pids,
                    unsigned n, uint16_t *pick);
