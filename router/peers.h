/* Ranking of tracker peers: same PID first, then by cost, and a random share so that swarms stay
 * connected. */
#pragma once

#include "router/view.h"

#define PEERS_RANK_MAX 512 /* peers that are ranked at once */

struct peers_request {
    pidx client;        /* PID of who asks; PIDX_NONE: no order, all at random */
    unsigned want;      /* peers in the answer */
    unsigned random_pm; /* share of them taken at random, per mille */
    uint64_t seed;      /* of this answer */
};

/* Of an answer of want peers, how many are taken at random: the share, rounded up. */
static inline unsigned peers_random_share(unsigned want, unsigned random_pm)
{
    return (want * (random_pm > 1000 ? 1000 : random_pm) + 999) / 1000;
}

/* Orders n peers by their PIDs, pids[n]: the first min(want, n) of pick[n] are their indices, best
 * first, each once; what is behind them is of no meaning. Same PID, then cost ascending, then
 * unknown cost; equals in random order; and when there are more than want, the last
 * peers_random_share of the answer are drawn from all who are left. n above PEERS_RANK_MAX: the
 * rest is not looked at. No allocation; returns how many. */
unsigned peers_rank(const struct view *v, const struct peers_request *r, const pidx *pids,
                    unsigned n, uint16_t *pick);

/* The PIDs nearest to client: itself, then those of known cost, ascending; at most max. Looks at
 * every PID: for keeping, not for each answer. Returns how many; 0 for PIDX_NONE. */
unsigned peers_near(const struct view *v, pidx client, pidx *out, unsigned max);
