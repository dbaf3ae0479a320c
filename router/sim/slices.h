/* A run of the simulator, cut into slices of time: what each of them cost at least, from the state
 * in which the run was when it began (bound_slice.h). Nothing of the run depends on it. */
#pragma once

#include "router/sim/lru.h"
#include "router/sim/router.h"

struct slices;

/* Over all slices so far. */
struct slices_sum {
    double bound, client, origin; /* at least, of all sessions together */
    double cost;                  /* what the run paid for them */
    uint64_t sessions;
    double below; /* the most that a slice's cost was below its bound, 0: never */
};

enum err_code slices_new(const struct sim_world *w, struct slices **out, struct err *e) MUST_CHECK;
void slices_free(struct slices *s); /* NULL is fine */

/* A slice begins: caches [streamers] and streamers as they are now. */
void slices_begin(struct slices *s, const struct lru *caches, const struct sim_streamer *real);
/* In each step, behind those that leave, fail and return: who is there is there for the slice. */
void slices_up(struct slices *s, const struct sim_streamer *real);
/* A session of this step went to `to` at that cost. false: no memory. */
bool slices_note(struct slices *s, const struct sim_session *x, uint32_t to, double cost,
                 uint64_t step) MUST_CHECK;
/* The slice ends behind the sessions of this step. */
enum err_code slices_end(struct slices *s, const struct sim_streamer *real, uint64_t step,
                         struct err *e) MUST_CHECK;
const struct slices_sum *slices_sum_get(const struct slices *s);
