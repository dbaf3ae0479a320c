#include "daemon/scenario.h"

#include "daemon/schema_rows.h"

#define DAY_S  86400.0
#define YEAR_S (366 * DAY_S)
#define TIB    1099511627776.0

static const struct schema_word metrics[] = {
    {"hops", TOPOLOGY_HOPS}, {"distance", TOPOLOGY_DISTANCE}, {.name = NULL}};
static const struct schema_word origins[] = {{"hub", SIM_ORIGIN_HUB},
                                             {"far", SIM_ORIGIN_FAR},
                                             {"random", SIM_ORIGIN_RANDOM},
                                             {.name = NULL}};
static const struct schema_word placements[] = {{"median", SIM_PLACE_MEDIAN},
                                                {"degree", SIM_PLACE_DEGREE},
                                                {"random", SIM_PLACE_RANDOM},
                                                {.name = NULL}};
static const struct schema_word populations[] = {{"degree", SIM_POPULATION_DEGREE},
                                                 {"zipf", SIM_POPULATION_ZIPF},
                                                 {"equal", SIM_POPULATION_EQUAL},
                                                 {.name = NULL}};
static const struct schema_word lengths[] = {
    {"exponential", SIM_LENGTHS_EXPONENTIAL}, {"lognormal", SIM_LENGTHS_LOGNORMAL}, {.name = NULL}};
static const struct schema_word policies[] = {{"waymark", SIM_WAYMARK},
                                              {"traffic-router", SIM_TRAFFIC_ROUTER},
                                              {"geo-hash", SIM_GEO_HASH},
                                              {"cost-only", SIM_COST_ONLY},
                                              {"hash-only", SIM_HASH_ONLY},
                                              {"least-loaded", SIM_LEAST_LOADED},
                                              {"bounded-hash", SIM_BOUNDED_HASH},
                                              {"hash-modulo", SIM_HASH_MODULO},
                                              {.name = NULL}};

// clang-format off
static const struct schema_row rows[] = {
    {"topologies", MANY(sim_conf, topologies, topology_count), .type = SCHEMA_FILE, .required = true, .max = 4096,
     .example = "Abilene.graphml", .help = "GraphML files, as the Internet Topology Zoo has them: the scenario is run on each."},
    {"metric", WORD(metrics), AT(sim_conf, metric), .default_text = "hops",
     .help = "What a way costs: its links, or its length in tens of kilometres."},
    {"origin", TEXT(0, 63), AT(sim_conf, origin), .default_text = "(by origin_place)", .example = "Denver",
     .help = "Label of the node where misses are fetched from."},
    {"origin_place", WORD(origins), AT(sim_conf, origin_place), .default_text = "hub",
     .help = "Where that node is else: the one with most neighbours, the farthest from all others, or one by the seed."},

    {"streamers", GROUP_FLAT, .help = "All of them are alike."},
    {"streamers.sites", COUNT(1, 1024), AT(sim_conf, sites), .default_text = "5",
     .help = "Nodes that have streamers."},
    {"streamers.per_site", COUNT(1, 1024), AT(sim_conf, per_site), .default_text = "4", .help = "Streamers of each site."},
    {"streamers.placement", WORD(placements), AT(sim_conf, placement), .default_text = "median",
     .help = "Which nodes: one after the other where it saves clients most, those with most neighbours, or by the seed."},
    {"streamers.capacity", NUMBER(1, 1e9), AT(sim_conf, capacity), .default_text = "500", .help = "Sessions that a streamer can take."},
    {"streamers.cache", COUNT(0, TIB), AT(sim_conf, cache), .default_text = "500",
     .help = "What its cache holds: contents, or with a trace bytes."},
    {"streamers.slow_start", SECONDS(0, DAY_S), AT(sim_conf, slow_start_s), .default_text = "0s",
     .help = "Behind a return its capacity ramps up for so long (waymark only)."},

    {"demand", GROUP_FLAT, .help = "Who asks for what, how often and for how long."},
    {"demand.population", WORD(populations), AT(sim_conf, population), .default_text = "degree",
     .help = "Clients of a node: by its neighbours, by a Zipf law over nodes in an order of the seed, or equal."},
    {"demand.population_alpha", NUMBER(0, 10), AT(sim_conf, population_alpha), .default_text = "1", .help = "Exponent of that law."},
    {"demand.contents", COUNT(1, 16777216), AT(sim_conf, contents), .default_text = "10000", .help = "Size of the catalogue."},
    {"demand.alpha", NUMBER(0, 10), AT(sim_conf, alpha), .default_text = "0.9", .help = "Exponent of the Zipf law of the contents."},
    {"demand.trace", .type = SCHEMA_FILE, AT(sim_conf, trace), .max = 4096, .default_text = "(none)", .example = "requests.tr",
     .help = "Lines of \"time id size\": contents are asked for in this order, again and again, in place of the catalogue."},
    {"demand.utilisation", SHARE(0.0001, 10), AT(sim_conf, utilisation), .default_text = "65%",
     .help = "Mean sessions, as a share of the capacity of all streamers."},
    {"demand.swing", SHARE(0, 1), AT(sim_conf, swing), .default_text = "0%",
     .help = "How far demand goes above and below its mean in the course of a day."},
    {"demand.day", SECONDS(60, 7 * DAY_S), AT(sim_conf, day_s), .default_text = "1d", .help = "Length of a day; demand is lowest at its start."},
    {"demand.lengths", WORD(lengths), AT(sim_conf, lengths), .default_text = "exponential", .help = "How lengths of sessions are spread."},
    {"demand.session", SECONDS(1, 7 * DAY_S), AT(sim_conf, session_s), .default_text = "10m", .help = "Mean length of a session."},
    {"demand.sigma", NUMBER(0, 5), AT(sim_conf, sigma), .default_text = "1", .help = "Of lognormal lengths: deviation of the logarithm."},
    {"demand.asks", COUNT(1, 1000), AT(sim_conf, asks), .default_text = "1", .help = "Times that a player asks the router in a session."},
    {"demand.wrong_location", SHARE(0, 1), AT(sim_conf, wrong_location), .default_text = "0%",
     .help = "Clients whose address is in the PID of another node, at random."},
    {"demand.flash_crowds[]", RECORDS(sim_conf, flashes, flash_count, 64), .help = "One content is asked for many times as often for a while."},
    {"demand.flash_crowds[].at", SECONDS(0, YEAR_S), AT(sim_flash, at_s), .required = true, .help = "When it comes, from the start of the run."},
    {"demand.flash_crowds[].for", SECONDS(1, YEAR_S), AT(sim_flash, for_s), .required = true, .help = "How long it stays."},
    {"demand.flash_crowds[].rank", COUNT(1, 16777216), AT(sim_flash, rank), .default_text = "100", .help = "The content, by its popularity before; 1 is the most popular."},
    {"demand.flash_crowds[].times", NUMBER(1, 1e6), AT(sim_flash, times), .required = true, .help = "How many times as often."},

    {"routers", GROUP_FLAT, .help = "Who decides, and what they know."},
    {"routers.count", COUNT(1, 64), AT(sim_conf, routers), .default_text = "1", .help = "Routers, which share nothing; clients ask any of them."},
    {"routers.by_node", .type = SCHEMA_BOOL, AT(sim_conf, by_node), .default_text = "false", .help = "All clients of a node ask the same router, instead of any of them."},
    {"routers.learn_hits", .type = SCHEMA_BOOL, AT(sim_conf, learn_hits), .default_text = "false",
     .help = "waymark only: what is believed of caches follows their polled hit ratios."},
    {"routers.poll", MILLIS(100, 3600000), AT(sim_conf, poll_ms), .default_text = "1s", .help = "How often each router polls each streamer for its sessions."},
    {"routers.lost", SHARE(0, 1), AT(sim_conf, poll_lost), .default_text = "0%", .help = "Polls that get lost."},
    {"routers.threshold", SHARE(0.01, 100), AT(sim_conf, threshold), .default_text = "90%",
     .help = "traffic-router only: polled utilisation at which a streamer is out."},
    {"routers.memory", .type = SCHEMA_BOOL, AT(sim_conf, memory), .default_text = "true", .help = "waymark only: remember what was sent where."},
    {"routers.memory_size", SIZE(0, 1073741824), AT(sim_conf, memory_bytes), .default_text = "0", .help = "Memory for that; 0 is as much as the caches need."},
    {"routers.popularity", COUNT(0, 1048576), AT(sim_conf, counters), .default_text = "4096", .help = "waymark only: counters of popular contents; 0 is none."},

    {"failures[]", RECORDS(sim_conf, failures, failure_count, 1024), .help = "Streamers that go down and return, their caches as they were."},
    {"failures[].streamer", COUNT(0, 1023), AT(sim_failure, streamer), .required = true, .help = "Number of the streamer, from 0, site by site."},
    {"failures[].at", SECONDS(0, YEAR_S), AT(sim_failure, at_s), .required = true, .help = "When, from the start of the run."},
    {"failures[].for", SECONDS(1, YEAR_S), AT(sim_failure, for_s), .required = true, .help = "For how long."},

    {"run", GROUP_FLAT, .help = "What is run."},
    {"run.duration", SECONDS(1, YEAR_S), AT(sim_conf, duration_s), .default_text = "3h", .help = "Virtual time of a run."},
    {"run.warmup", SECONDS(0, YEAR_S), AT(sim_conf, warmup_s), .default_text = "1h", .help = "Of it, before anything is counted."},
    {"run.step", MILLIS(10, 60000), AT(sim_conf, step_ms), .default_text = "1s", .help = "Sessions end and polls come in at steps of this length."},
    {"run.sample", SECONDS(1, DAY_S), AT(sim_conf, sample_s), .default_text = "10s", .help = "How often loads are looked at and a point of the plots is made."},
    {"run.seed", COUNT(0, 9007199254740992.0), AT(sim_conf, seed), .default_text = "1", .help = "The first seed."},
    {"run.seeds", COUNT(1, 1000), AT(sim_conf, seeds), .default_text = "1", .help = "Runs with one seed after the other; medians are shown."},
    {"run.bound", .type = SCHEMA_BOOL, AT(sim_conf, bound), .default_text = "true",
     .help = "Reckon what a session costs at least, whoever decides: some seconds for each topology and seed."},
    {"run.slice", SECONDS(0, DAY_S), AT(sim_conf, slice_s), .default_text = "5m",
     .help = "And what it costs at least given the caches at the start of each such slice of time; 0 is not at all."},
    {"run.policies", MANY(sim_conf, policies, policy_count), WORD(policies), .default_text = "(all but hash-modulo)", .example = "waymark",
     .help = "Who is compared, each on the same demand."},

    {"policy", GROUP(sim_conf, policy), .help = "waymark's own, as in the configuration of a service."},
    {"policy.cost_weight", NUMBER(0, 1e6), AT(policy_conf, cost_weight), .default_text = "1", .help = "Weight of the cost from the client to the streamer."},
    {"policy.origin_weight", NUMBER(0, 1e6), AT(policy_conf, origin_weight), .default_text = "1", .help = "Weight of the cost of a miss."},
    {"policy.load_weight", NUMBER(0, 1e6), AT(policy_conf, load_weight), .default_text = "0.5", .help = "How many mean costs a full streamer is further away."},
    {"policy.band", SHARE(0, 10), AT(policy_conf, band), .default_text = "10%", .help = "Streamers within this share of the best score are equals."},
    {"policy.eps", SHARE(0, 100), AT(policy_conf, eps), .default_text = "25%", .help = "Nobody is sent further above the mean utilisation than this share of it ..."},
    {"policy.balance_from", SHARE(0, 1), AT(policy_conf, balance_from), .default_text = "90%", .help = "... where that is more than this."},
    {"policy.owners", COUNT(1, 255), AT(policy_conf, owners), .default_text = "1", .help = "Streamers of the band that a content belongs to at least."},
    {"policy.owners_max", COUNT(1, 255), AT(policy_conf, owners_max), .default_text = "64", .help = "And at most, however hot it is."},
    {"policy.owner_share", SHARE(0.0001, 100), AT(policy_conf, owner_share), .default_text = "10%", .help = "One more for each such share of a streamer that its sessions fill."},
    {"policy.keep", SECONDS(0, 7 * DAY_S), AT(policy_conf, keep_s), .default_text = "30m", .help = "How long a cache keeps a content that nobody asks for, about."},
};
// clang-format on

const struct schema *scenario_keys(void)
{
    static const struct schema keys = {
        .rows = rows,
        .count = sizeof rows / sizeof *rows,
        .root_size = sizeof(struct sim_conf),
        .title = "Scenario of waymark simulate",
        .when_empty = "the file is empty; it needs at least topologies",
        .when_no_mapping = "a scenario is a mapping of keys",
        .share = "write each value out",
    };

    return &keys;
}
