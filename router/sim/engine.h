/* One run of the simulator: one policy, one world, virtual time. The same world and policy give the
 * same result, but for the times that it took. */
#pragma once

#include "router/sim/keys.h"

/* What happened in sample_s of virtual time. Means are 0 where there was no session. */
struct sim_sample {
    double at_s;
    float client_cost, origin_cost; /* a session */
    float hit, full;                /* share of the sessions */
    float load_mean, load_max;      /* of the streamers that are up, at the end */
};

struct sim_result {
    enum sim_policy policy;
    uint64_t seed;
    /* Behind the warm-up. */
    uint64_t sessions; /* that were served; costs and hits are theirs */
    uint64_t hits;
    uint64_t full;   /* sent to a streamer that had all the sessions that it can take */
    uint64_t failed; /* sent to a streamer that was down, or to nobody */
    uint64_t cut;    /* open on a streamer when it went down */
    double client_cost, origin_cost; /* sums */
    double load_p99;                 /* over streamers and samples */
    double load_max_mean;            /* the busiest one's load by the mean one's, mean of samples */
    /* Share of the sessions of others that would go elsewhere right behind the first time that a
     * streamer left, and that one returned; by their own load, too. NAN: nobody did. */
    double moved_leave, moved_return;
    /* The same by content, with all loads equal: whether what a content belongs to changed. */
    struct sim_keys keys_leave, keys_return;
    /* What a session of this world costs at least (bound_world.h), offline and for those who do not
     * know the future. sim_run() leaves them 0, as does a report without; NAN: there is none. */
    double bound, bound_blind;
    /* What one costs at least given the state that its slice of time begins in (bound_slice.h), and
     * what is client and origin side of it; NAN: the scenario wants none. slice_below: the most
     * that all sessions of a slice cost less than that, which those alone do who send to somebody
     * full (or NAN). */
    double slice_bound, slice_client, slice_origin, slice_below;
    double decide_ns;           /* a choice, in the state at the end */
    double run_s;               /* processor time of all, demand included */
    uint64_t all_sessions;      /* in it: those of the warm-up, too */
    struct sim_sample *samples; /* [sample_count] */
    size_t sample_count;
};

/* Cost of a session; 0 when there was none. */
double sim_result_cost(const struct sim_result *r);

/* done: 0 .. 1 of this run. */
typedef void sim_progress_fn(void *arg, double done);

enum err_code sim_run(const struct sim_world *w, enum sim_policy p, sim_progress_fn *progress,
                      void *arg, struct sim_result *out, struct err *e) MUST_CHECK;
void sim_result_fini(struct sim_result *r);
