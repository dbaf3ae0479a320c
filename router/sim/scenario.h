/* What is simulated: a network, streamers in it, what is asked for and what goes wrong. Read from a
 * file by the daemon's room; all of it plain values. */
#pragma once

#include "router/service.h"
#include "router/sim/topology.h"

enum sim_placement {
    SIM_PLACE_MEDIAN, /* one site after the other where it saves the clients most cost */
    SIM_PLACE_DEGREE, /* the nodes with most neighbours */
    SIM_PLACE_RANDOM, /* by the seed */
};

enum sim_origin {
    SIM_ORIGIN_HUB, /* the node with most neighbours */
    SIM_ORIGIN_FAR, /* the one with the highest mean cost to all others */
    SIM_ORIGIN_RANDOM,
};

enum sim_population {
    SIM_POPULATION_DEGREE, /* as many clients as neighbours */
    SIM_POPULATION_ZIPF,   /* by rank, the order by the seed */
    SIM_POPULATION_EQUAL,
};

enum sim_lengths { SIM_LENGTHS_EXPONENTIAL, SIM_LENGTHS_LOGNORMAL };

enum sim_policy {
    SIM_WAYMARK,
    SIM_TRAFFIC_ROUTER, /* nearest cache group, those over the threshold out, hash; else the next */
    SIM_GEO_HASH,       /* the nearest group as the crow flies, hash */
    SIM_COST_ONLY,      /* the lowest cost, any of the equals */
    SIM_HASH_ONLY,      /* hash over all */
    SIM_LEAST_LOADED,
    SIM_BOUNDED_HASH, /* hash over all, at most 1.25 times the mean load (V. Mirrokni, M. Thorup, M.
                         Zadimoghaddam, Consistent Hashing with Bounded Loads, SODA 2018) */
    SIM_HASH_MODULO,  /* hash modulo how many there are: moves nearly all when one leaves. Not run
                         unless it is named */
    SIM_POLICIES
};
const char *sim_policy_name(enum sim_policy p); /* "waymark", "traffic-router", ... */

/* One content is asked for many times as often. */
struct sim_flash {
    uint32_t at_s, for_s;
    uint32_t rank; /* of the content, from 1: before the crowd comes */
    double times;
};

struct sim_failure {
    uint32_t at_s, for_s;
    uint32_t streamer; /* from 0, in order of sites */
};

#define SIM_STREAMERS_MAX 1024u

struct sim_conf {
    /* The network. */
    const struct str *topologies; /* [topology_count], files of GraphML */
    size_t topology_count;
    enum topology_metric metric;
    enum sim_origin origin_place;
    struct str origin; /* label of the origin's node; n 0: by origin_place */

    /* Streamers, all alike. */
    uint32_t sites, per_site;
    enum sim_placement placement;
    double capacity; /* sessions */
    uint64_t cache;  /* contents; with a trace: bytes */

    /* Demand. */
    enum sim_population population;
    double population_alpha; /* SIM_POPULATION_ZIPF */
    uint32_t contents;
    double alpha;
    struct str
        trace; /* lines of "time id size", in whose order contents are asked for; n 0: none */
    double utilisation; /* of the capacity of all streamers, mean */
    double swing;       /* of a day's wave: 0.5 is from half to one and a half */
    uint32_t day_s;     /* length of the wave */
    enum sim_lengths lengths;
    uint32_t session_s; /* mean */
    double sigma;       /* SIM_LENGTHS_LOGNORMAL: of the logarithm */
    uint32_t asks;      /* times that a player asks the router in a session */
    const struct sim_flash *flashes;
    size_t flash_count;

    /* What routers know. */
    uint32_t slow_start_s; /* SIM_WAYMARK, behind a return */
    uint32_t routers;      /* that share nothing */
    bool learn_hits;       /* beliefs follow the streamers' hit ratios */
    bool by_node;     /* all clients of a node ask the same one; else any of them, as it comes */
    uint32_t poll_ms; /* how often each of them polls each streamer */
    double poll_lost; /* share */
    double wrong_location; /* share of the clients whose address is in a PID at random */
    double threshold;      /* SIM_TRAFFIC_ROUTER: utilisation at which a streamer is out */

    const struct sim_failure *failures;
    size_t failure_count;

    /* The run. */
    uint32_t duration_s, warmup_s; /* warmup_s of it before anything is counted */
    uint32_t step_ms, sample_s;
    uint64_t seed;
    uint32_t seeds;   /* seed, seed + 1, ... */
    bool bound;       /* the bounds are reckoned, too */
    uint32_t slice_s; /* ... of slices of that length, made up to whole samples; 0: not */
    const enum sim_policy *policies;
    size_t policy_count;
    struct policy_conf policy; /* SIM_WAYMARK's */
    bool memory;               /* it remembers what went where ... */
    size_t memory_bytes;       /* ... in so many bytes; 0: as many as its caches need */
    uint32_t counters;         /* of its popularity sketch; 0: none */
};

/* Everything that has a default. */
void sim_conf_init(struct sim_conf *c);
/* What values mean together. ERR_CONFLICT. */
enum err_code sim_conf_check(const struct sim_conf *c, struct err *e) MUST_CHECK;
