/* How long the control thread builds a view: a full cost map between 1,715 PIDs, 500 streamers in
 * as many places, one service; also with three maps combined, with an ordinal map, and with fifty
 * services that differ. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alto/costmap_build.h"
#include "alto/netmap_build.h"
#include "base/clock.h"
#include "bench/lib/stats.h"
#include "router/view.h"

#define PIDS      1715u
#define STREAMERS 500u
#define SERVICES  50u
#define GOAL_MS   100.0
#define SEED      UINT64_C(20240607)

static uint64_t state = SEED;

static double unit(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (double)((state * UINT64_C(0x2545f4914f6cdd1d)) >> 11) * 0x1p-53;
}

static void die(const char *what, const struct err *e)
{
    fprintf(stderr, "bench_view_build: %s: %s\n", what, e->text);
    exit(1);
}

/* PID i has 10.0.0.0/8's /24 number i. */
static struct view_source *make_netmap(void)
{
    struct arena *arena = arena_new((size_t)1 << 28);
    struct netmap_build *b = netmap_build_new(arena);
    struct vtag vtag = {.resource_id = "net"};
    struct netmap_place place;
    const struct netmap *map;
    struct err e = {0};

    for (uint32_t i = 0; i < PIDS; i++) {
        struct prefix prefix = {addr_from_v4((UINT32_C(10) << 24) + (i << 8)), 120};
        char name[16];
        int n = snprintf(name, sizeof name, "p%04u", i);
        uint32_t id;

        if (netmap_build_add_pid(b, (struct str){name, (size_t)n}, (struct netmap_place){0}, &id,
                                 &e) != ERR_OK ||
            netmap_build_add_prefix(b, id, prefix, &e) != ERR_OK)
            die("PID", &e);
    }
    if (netmap_build_freeze(b, &vtag, &map, &place, &e) != ERR_OK)
        die("network map", &e);
    netmap_build_free(b);
    return view_source_new(arena, map, NULL);
}

static struct view_source *make_costmap(const struct netmap *map, const char *metric,
                                        enum cost_mode mode)
{
    struct arena *arena = arena_new((size_t)1 << 28);
    struct costmap_build *b = costmap_build_new(map, arena);
    struct costmap_info info = {.mode = mode, .depends = map->vtag};
    const struct costmap *made;
    static double x[PIDS], y[PIDS];
    struct err e = {0};

    snprintf(info.metric, sizeof info.metric, "%s", metric);
    for (unsigned i = 0; i < PIDS; i++) {
        x[i] = unit();
        y[i] = unit();
    }
    for (unsigned i = 0; i < PIDS; i++) {
        if (costmap_build_begin_row(b, (pidx)i, &e) != ERR_OK)
            die("row", &e);
        for (unsigned j = 0; j < PIDS; j++)
            if (costmap_build_add(b, (pidx)j, 1 + floor(1000 * hypot(x[i] - x[j], y[i] - y[j])),
                                  &e) != ERR_OK)
                die("pair", &e);
        if (costmap_build_end_row(b, &e) != ERR_OK)
            die("row", &e);
    }
    if (costmap_build_freeze(b, &info, &made, &e) != ERR_OK)
        die("cost map", &e);
    costmap_build_free(b);
    return view_source_new(arena, NULL, made);
}

static struct streamer_conf streamers[STREAMERS];
static struct service_conf services[SERVICES];

static void make_conf(struct view_inputs *in)
{
    static char names[STREAMERS][16], pids[STREAMERS][16], hosts[SERVICES][32];
    static struct str host[SERVICES];

    for (unsigned i = 0; i < STREAMERS; i++) {
        snprintf(names[i], sizeof names[i], "s%u", i);
        snprintf(pids[i], sizeof pids[i], "p%04u", i * 3);
        streamers[i] = (struct streamer_conf){.name = str_from(names[i]),
                                              .pid = str_from(pids[i]),
                                              .origin_pid = STR("p0007"),
                                              .v4 = addr_from_v4((UINT32_C(192) << 24) + i),
                                              .can = STREAMER_V4 | STREAMER_HTTP,
                                              .capacity = 100,
                                              .weight = 1};
    }
    for (unsigned i = 0; i < SERVICES; i++) {
        snprintf(hosts[i], sizeof hosts[i], "v%u.example.com", i);
        host[i] = str_from(hosts[i]);
        services[i] = (struct service_conf){.name = host[i],
                                            .hosts = &host[i],
                                            .host_count = 1,
                                            .policy = {.cost_weight = 1, .session_s = 600}};
    }
    in->streamers = streamers;
    in->streamer_count = STREAMERS;
    in->services = services;
    in->service_count = 1;
}

static double build_once(const struct view_inputs *in, size_t *bytes)
{
    struct live *live = live_new();
    struct view *v = NULL;
    struct err e = {0};
    uint64_t start = clock_cpu_ns();
    double ms;

    if (!live || view_build(in, live, &v, &e) != ERR_OK)
        die("view", &e);
    ms = (double)(clock_cpu_ns() - start) / 1e6;
    *bytes = arena_used(v->arena);
    view_drop(v);
    live_free(live);
    return ms;
}

static double bench(const char *name, const struct view_inputs *in)
{
    double ms[BENCH_RUNS];
    size_t bytes = 0;
    char size[64];

    for (unsigned i = 0; i < BENCH_RUNS; i++)
        ms[i] = build_once(in, &bytes);
    bench_median(ms, BENCH_RUNS);
    snprintf(size, sizeof size, "%zu KiB kept", bytes >> 10);
    bench_detail(name, ms, BENCH_RUNS, "ms of CPU", size);
    return bench_median(ms, BENCH_RUNS);
}

int main(void)
{
    static const struct cost_part all[] = {
        {{"routingcost", 11}, 1}, {{"delay-ow", 8}, 0.2}, {{"priv:rank", 9}, 3}};
    static struct cost_part own[SERVICES];
    struct view_inputs in = {.netmap = make_netmap()};
    struct view_source *more[2];
    double ms;

    in.costmap = make_costmap(in.netmap->netmap, "routingcost", COST_NUMERICAL);
    more[0] = make_costmap(in.netmap->netmap, "delay-ow", COST_NUMERICAL);
    more[1] = make_costmap(in.netmap->netmap, "priv:rank", COST_ORDINAL);
    in.more_costmaps = more;
    in.more_costmap_count = 2;
    make_conf(&in);
    ms = bench("view-build-one-map", &in);
    services[0].costs = all + 2;
    services[0].cost_count = 1;
    bench("view-build-ordinal", &in);
    services[0].costs = all;
    services[0].cost_count = 3;
    bench("view-build-three-maps", &in);
    in.service_count = SERVICES;
    for (unsigned i = 0; i < SERVICES; i++) {
        own[i] = (struct cost_part){all[i % 2].metric, 1 + i};
        services[i].costs = &own[i];
        services[i].cost_count = 1;
    }
    bench("view-build-fifty-services", &in);
    view_source_drop(in.netmap);
    view_source_drop(in.costmap);
    view_source_drop(more[0]);
    view_source_drop(more[1]);
    bench_ratio("view-build", ms, GOAL_MS, "ms");
    return 0;
}
