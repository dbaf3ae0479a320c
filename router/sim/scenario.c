#include "router/sim/scenario.h"

#include <math.h>

const char *sim_policy_name(enum sim_policy p)
{
    static const char *const names[SIM_POLICIES] = {
        [SIM_WAYMARK] = "waymark",           [SIM_TRAFFIC_ROUTER] = "traffic-router",
        [SIM_GEO_HASH] = "geo-hash",         [SIM_COST_ONLY] = "cost-only",
        [SIM_HASH_ONLY] = "hash-only",       [SIM_LEAST_LOADED] = "least-loaded",
        [SIM_BOUNDED_HASH] = "bounded-hash", [SIM_HASH_MODULO] = "hash-modulo",
    };

    return (unsigned)p < SIM_POLICIES ? names[p] : "none";
}

void sim_conf_init(struct sim_conf *c)
{
    static const enum sim_policy all[] = {SIM_WAYMARK,     SIM_TRAFFIC_ROUTER, SIM_GEO_HASH,
                                          SIM_COST_ONLY,   SIM_HASH_ONLY,      SIM_LEAST_LOADED,
                                          SIM_BOUNDED_HASH};

    *c = (struct sim_conf){
        .sites = 5,
        .per_site = 4,
        .capacity = 500,
        .cache = 500,
        .population_alpha = 1,
        .contents = 10000,
        .alpha = 0.9,
        .utilisation = 0.65,
        .day_s = 86400,
        .session_s = 600,
        .sigma = 1,
        .asks = 1,
        .routers = 1,
        .poll_ms = 1000,
        .threshold = 0.9,
        .duration_s = 3 * 3600,
        .warmup_s = 3600,
        .step_ms = 1000,
        .sample_s = 10,
        .seed = 1,
        .seeds = 1,
        .bound = true,
        .slice_s = 300,
        .policies = all,
        .policy_count = sizeof all / sizeof *all,
        .policy = {.cost_weight = 1,
                   .origin_weight = 1,
                   .load_weight = 0.5,
                   .band = 0.1,
                   .eps = 0.25,
                   .balance_from = 0.9,
                   .session_s = 600,
                   .count_window_s = 60,
                   .owners = 1,
                   .owners_max = 64,
                   .owner_share = 0.1,
                   .keep_s = 1800},
        .memory = true,
        .counters = 4096,
    };
}

enum err_code sim_conf_check(const struct sim_conf *c, struct err *e)
{
    uint64_t streamers = (uint64_t)c->sites * c->per_site;

    if (c->topology_count == 0)
        return err_set(e, ERR_CONFLICT, "there is no topology to simulate on");
    if (streamers == 0 || streamers > SIM_STREAMERS_MAX)
        return err_set(e, ERR_CONFLICT, "%u sites of %u streamers; 1 to %u streamers are possible",
                       c->sites, c->per_site, SIM_STREAMERS_MAX);
    if (c->warmup_s >= c->duration_s)
        return err_set(e, ERR_CONFLICT, "warmup of %u s leaves nothing of the %u s to count",
                       c->warmup_s, c->duration_s);
    if ((uint64_t)c->sample_s * 1000 < c->step_ms)
        return err_set(e, ERR_CONFLICT, "a sample of %u s is shorter than a step of %u ms",
                       c->sample_s, c->step_ms);
    if (c->session_s * 1000.0 < 2.0 * c->step_ms)
        return err_set(e, ERR_CONFLICT, "sessions of %u s are shorter than two steps of %u ms",
                       c->session_s, c->step_ms);
    if (c->policy_count == 0 || c->seeds == 0)
        return err_set(e, ERR_CONFLICT, "no policy or no seed: nothing is to be run");
    for (size_t i = 0; i < c->failure_count; i++)
        if (c->failures[i].streamer >= streamers)
            return err_set(e, ERR_CONFLICT,
                           "failures[%zu]: there is no streamer %u, the last is %u", i,
                           c->failures[i].streamer, (unsigned)streamers - 1);
    for (size_t i = 0; i < c->flash_count; i++)
        if (c->flashes[i].rank == 0 || (c->trace.n == 0 && c->flashes[i].rank > c->contents))
            return err_set(e, ERR_CONFLICT, "flash_crowds[%zu]: rank %u is not one of %u contents",
                           i, c->flashes[i].rank, c->contents);
    return ERR_OK;
}
