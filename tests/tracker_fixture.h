/* A tracker over a small view, without sockets: eight PIDs at cost 10 a step, two streamers that
 * seed (in p2 and p5), and a service that names the torrent WORLD_TORRENT. */
#pragma once

#include "tests/view_fixture.h"
#include "tracker/announce.h"

#define WORLD_PIDS 8

struct world {
    struct fixture_maps maps;
    struct live *live;
    struct view *view;
    struct metrics metrics;
    struct arena *arena;
    struct key_scratch *keys;
    struct tracker_conf conf;
    struct swarms *swarms;
    struct turn turn;
    struct tracker *tracker;
};

/* Torrent i; 0 is the service's. */
static inline void world_hash(unsigned i, uint8_t out[INFO_HASH_LEN])
{
    memset(out, 0xa0 + (int)(i & 15), INFO_HASH_LEN);
    memcpy(out, &i, sizeof i);
}

/* Host i of the PID: fixture_client with another last byte. */
static inline struct addr world_addr(uint32_t pid, uint32_t host)
{
    struct addr a = fixture_client(pid);

    a.lo += 100 + host;
    return a;
}

static inline struct addr world_addr6(uint32_t pid, uint32_t host)
{
    struct addr a = fixture_client6(pid);

    a.lo += 100 + host;
    return a;
}

static inline struct view *world_view(const struct fixture_maps *maps, struct live *live,
                                      bool seeding)
{
    static uint8_t hash[1][INFO_HASH_LEN];
    static const struct str host = {"www.example.com", 15};
    struct fixture_names names[2];
    struct streamer_conf streamers[2];
    struct service_conf service = {.name = STR("svc"),
                                   .hosts = &host,
                                   .host_count = 1,
                                   .info_hashes = (const uint8_t(*)[INFO_HASH_LEN])hash,
                                   .info_hash_count = 1,
                                   .policy = fixture_policy};
    struct view_inputs in = {.serial = 1,
                             .netmap = maps->netmap,
                             .costmap = maps->costmap,
                             .streamers = streamers,
                             .streamer_count = 2,
                             .services = &service,
                             .service_count = 1};
    struct view *v = NULL;
    struct err e = {0};

    world_hash(0, hash[0]);
    for (unsigned i = 0; i < 2; i++) {
        streamers[i] = fixture_streamer(&names[i], i, i ? 5 : 2);
        streamers[i].can |= seeding ? STREAMER_SEED : 0;
        streamers[i].seed_port = seeding ? 6999 : 0;
    }
    ck_assert_msg(view_build(&in, live, &v, &e) == ERR_OK, "%s", e.text);
    return v;
}

static inline struct world *world_new(void)
{
    struct world *w = calloc(1, sizeof *w);
    double costs[WORLD_PIDS * WORLD_PIDS];

    for (int i = 0; i < WORLD_PIDS; i++)
        for (int k = 0; k < WORLD_PIDS; k++)
            costs[i * WORLD_PIDS + k] = i == k ? 1 : 10 * abs(i - k) + (k > i);
    w->maps = fixture_maps(WORLD_PIDS, costs, COST_NUMERICAL);
    w->live = live_new();
    w->view = world_view(&w->maps, w->live, true);
    w->arena = arena_new((size_t)1 << 20);
    w->keys = key_scratch_new();
    tracker_conf_default(&w->conf);
    w->swarms = swarms_new(&w->conf);
    w->turn = (struct turn){.view = w->view,
                            .live = w->live,
                            .metrics = &w->metrics,
                            .keys = w->keys,
                            .arena = w->arena,
                            .now_us = 5000000000,
                            .now_ms = 5000000,
                            .random = 88172645463325252u};
    w->tracker = tracker_new(NULL, &w->conf, w->swarms, &w->turn);
    return w;
}

static inline void world_free(struct world *w)
{
    tracker_free(w->tracker);
    swarms_free(w->swarms);
    key_scratch_free(w->keys);
    arena_free(w->arena);
    view_drop(w->view);
    fixture_maps_drop(&w->maps);
    live_free(w->live);
    free(w);
}

static inline uint64_t world_metric(const struct world *w, enum metric m)
{
    return atomic_load(&w->metrics.v[m]);
}
