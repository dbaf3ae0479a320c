/* Small views for tests: PIDs "p0", "p1", ... with 10.<i>.0.0/16 (and 10.<i / 256>... beyond), a
 * matrix of costs between them, streamers and one service. */
#pragma once

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alto/costmap_build.h"
#include "alto/netmap_build.h"
#include "router/decide.h"

/* Random numbers of a test: xorshift64*, from a printed seed. */
struct dice {
    uint64_t state;
};

static inline uint64_t dice_next(struct dice *d)
{
    d->state ^= d->state >> 12;
    d->state ^= d->state << 25;
    d->state ^= d->state >> 27;
    return d->state * UINT64_C(0x2545f4914f6cdd1d);
}

static inline uint32_t dice_below(struct dice *d, uint32_t n)
{
    return (uint32_t)((dice_next(d) >> 32) * n >> 32);
}

static inline double dice_unit(struct dice *d)
{
    return (double)(dice_next(d) >> 11) * 0x1p-53;
}

/* PID i has the IPv4 /20 number i of 10.0.0.0/8 and more, and 2001:db8:i::/48. */
static inline struct addr fixture_client(uint32_t pid)
{
    return addr_from_v4((UINT32_C(10) << 24) + (pid << 12) + 7);
}

static inline struct addr fixture_client6(uint32_t pid)
{
    return (struct addr){UINT64_C(0x20010db800000000) | (uint64_t)pid << 16, 7};
}

/* costs [pids][pids], NAN: silent. NULL: no cost map. */
struct fixture_maps {
    struct view_source *netmap, *costmap;
};

static inline pidx fixture_pid(const struct fixture_maps *m, uint32_t i)
{
    char name[16];
    int n = snprintf(name, sizeof name, "p%u", i);

    return netmap_find_pid(m->netmap->netmap, (struct str){name, (size_t)n});
}

static inline struct view_source *fixture_netmap(uint32_t pids)
{
    struct arena *arena = arena_new((size_t)1 << 28);
    struct netmap_build *b = netmap_build_new(arena);
    struct vtag vtag = {.resource_id = "net"};
    const struct netmap *map = NULL;
    struct netmap_place place;
    struct err e = {0};

    for (uint32_t i = 0; i < pids; i++) {
        char name[16];
        int n = snprintf(name, sizeof name, "p%u", i);
        uint32_t id;
        struct prefix v4 = {addr_mask(fixture_client(i), 116), 116};
        struct prefix v6 = {addr_mask(fixture_client6(i), 48), 48};

        ck_assert(netmap_build_add_pid(b, (struct str){name, (size_t)n}, (struct netmap_place){0},
                                       &id, &e) == ERR_OK);
        ck_assert(netmap_build_add_prefix(b, id, v4, &e) == ERR_OK);
        ck_assert(netmap_build_add_prefix(b, id, v6, &e) == ERR_OK);
    }
    ck_assert_msg(netmap_build_freeze(b, &vtag, &map, &place, &e) == ERR_OK, "%s", e.text);
    netmap_build_free(b);
    return view_source_new(arena, map, NULL);
}

static inline struct view_source *fixture_costmap(const struct fixture_maps *m, uint32_t pids,
                                                  const double *costs, enum cost_mode mode,
                                                  const char *metric)
{
    const struct netmap *map = m->netmap->netmap;
    struct arena *arena = arena_new((size_t)1 << 28);
    struct costmap_info info = {.mode = mode, .depends = map->vtag};
    struct costmap_build *b = costmap_build_new(map, arena);
    pidx *pid = calloc(pids, sizeof *pid);
    const struct costmap *made = NULL;
    struct err e = {0};

    snprintf(info.metric, sizeof info.metric, "%s", metric);
    for (uint32_t i = 0; i < pids; i++)
        pid[i] = fixture_pid(m, i);
    for (uint32_t i = 0; i < pids; i++) {
        ck_assert(costmap_build_begin_row(b, pid[i], &e) == ERR_OK);
        for (uint32_t j = 0; j < pids; j++)
            if (!isnan(costs[i * pids + j]) &&
                costmap_build_add(b, pid[j], costs[i * pids + j], &e) != ERR_OK)
                ck_abort_msg("%s", e.text);
        ck_assert(costmap_build_end_row(b, &e) == ERR_OK);
    }
    free(pid);
    ck_assert_msg(costmap_build_freeze(b, &info, &made, &e) == ERR_OK, "%s", e.text);
    costmap_build_free(b);
    return view_source_new(arena, NULL, made);
}

static inline struct fixture_maps fixture_maps(uint32_t pids, const double *costs,
                                               enum cost_mode mode)
{
    struct fixture_maps m = {.netmap = fixture_netmap(pids)};

    if (costs)
        m.costmap = fixture_costmap(&m, pids, costs, mode, "routingcost");
    return m;
}

static inline void fixture_maps_drop(struct fixture_maps *m)
{
    view_source_drop(m->netmap);
    view_source_drop(m->costmap);
}

/* Terms that are easy to reckon with: cost and load count, misses do not. */
static const struct policy_conf fixture_policy = {.cost_weight = 1,
                                                  .origin_weight = 1,
                                                  .load_weight = 1,
                                                  .band = 0.1,
                                                  .eps = 0.25,
                                                  .balance_from = 0.5,
                                                  .session_s = 600};

/* Names and PIDs of streamers live in this. */
struct fixture_names {
    char name[16], pid[16], origin[16];
};

/* Streamer i in PID `pid` (negative: nowhere). */
static inline struct streamer_conf fixture_streamer(struct fixture_names *n, uint32_t i, int pid)
{
    struct streamer_conf s = {
        .v4 = addr_from_v4((UINT32_C(192) << 24) + i),
        .v6 = {UINT64_C(0x2001000000000000), i},
        .can = STREAMER_V4 | STREAMER_V6 | STREAMER_HTTP,
        .http_port = 80,
        .weight = 1,
        .hit_pm = 0,
    };

    snprintf(n->name, sizeof n->name, "s%u", i);
    s.name = str_from(n->name);
    if (pid >= 0) {
        snprintf(n->pid, sizeof n->pid, "p%d", pid);
        s.pid = str_from(n->pid);
    }
    return s;
}

static inline struct view *fixture_view(const struct fixture_maps *m,
                                        const struct streamer_conf *streamers, size_t n,
                                        const struct policy_conf *policy, struct live *live)
{
    static const struct str host = {"www.example.com", 15};
    struct service_conf service = {
        .name = STR("svc"), .hosts = &host, .host_count = 1, .policy = *policy};
    struct view_inputs in = {.serial = 1,
                             .netmap = m ? m->netmap : NULL,
                             .costmap = m ? m->costmap : NULL,
                             .streamers = streamers,
                             .streamer_count = n,
                             .services = &service,
                             .service_count = 1};
    struct view *v = NULL;
    struct err e = {0};

    ck_assert_msg(view_build(&in, live, &v, &e) == ERR_OK, "%s", e.text);
    return v;
}

/* u of streamer i (of the configuration) set to this: sessions are dispatched to it. Call once. */
static inline void fixture_load(const struct view *v, struct live *live, struct str name,
                                uint32_t sessions)
{
    live_dispatch(live, v->streamers[view_find_streamer(v, name)].live, sessions);
}
