/* All runs of a scenario, and what is told of them: medians over the seeds. */
#pragma once

#include "router/sim/engine.h"

enum sim_metric {
    SIM_COST, /* a session: client and origin side */
    SIM_CLIENT_COST,
    SIM_ORIGIN_COST,
    SIM_TO_BOUND, /* cost by the offline bound's; NAN: there is none */
    SIM_TO_BLIND, /* by the lowest of those who do not know the future */
    SIM_TO_SLICE, /* by the lowest in each slice of time from the state that it begins in */
    SIM_HIT,      /* share of the sessions */
    SIM_FULL,     /* share sent to a full streamer */
    SIM_FAILED,   /* share sent to one that is down, or to nobody */
    SIM_LOAD_P99,
    SIM_LOAD_MAX_MEAN,
    SIM_MOVED_LEAVE, /* share of others' sessions; NAN: nobody left */
    SIM_MOVED_RETURN,
    SIM_KEYS_LEAVE, /* share of contents not its own (keys.h); NAN: nobody left, or by this policy
                       contents belong to nobody */
    SIM_KEYS_RETURN,
    SIM_DECIDE_NS,
    SIM_SESSIONS_S, /* simulated sessions a second of processor time */
    SIM_SLICE_BOUND,
    SIM_SLICE_CLIENT, /* its client and origin side */
    SIM_SLICE_ORIGIN,
    SIM_METRICS
};
const char *sim_metric_name(enum sim_metric m); /* "cost", "client_cost", ... */

double sim_metric_of(const struct sim_result *r, enum sim_metric m);

/* Of a session; NAN: the scenario wants none, or it is beyond what bound.h can do. */
struct sim_bound {
    double offline, client, origin; /* client and origin side of the offline bound */
    double blind;                   /* for those who do not know the future */
};

struct sim_report_topology {
    const struct topology *topology;
    struct sim_result *runs;  /* [seeds][policies] */
    struct sim_bound *bounds; /* [seeds] */
};

struct sim_report {
    const struct sim_conf *conf;
    struct arena *arena;
    struct sim_report_topology *topologies; /* [conf->topology_count] */
};

/* Runs all of it. progress is called with the share of all runs. */
enum err_code sim_report_run(const struct sim_conf *conf, sim_progress_fn *progress, void *arg,
                             struct sim_report *out, struct err *e) MUST_CHECK;
void sim_report_fini(struct sim_report *r);

/* Median over the seeds; policy is its index in the scenario's list. NAN: no seed has it. */
double sim_report_median(const struct sim_report *r, size_t topology, size_t policy,
                         enum sim_metric m);

/* The same of a bound, by the offset of its member. */
double sim_report_bound(const struct sim_report *r, size_t topology, size_t member);

/* {"scenario":..,"topologies":[{"name":..,"policies":[{"policy":..,"median":{..},"seeds":[..]}]}]}
 */
bool sim_report_json(const struct sim_report *r, struct str name, struct bytes *out) MUST_CHECK;
