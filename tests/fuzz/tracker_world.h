/* A tracker for fuzz targets: no maps, one service that names the torrent of 20 'a', one streamer
 * that seeds it. Made anew for every input, so that an input does the same wherever it runs. */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "tracker/announce.h"

struct tracker_world {
    struct live *live;
    struct view *view;
    struct key_scratch *keys;
    struct arena *arena;
    struct metrics metrics;
    struct tracker_conf conf;
    struct swarms *swarms;
    struct turn turn;
    struct tracker *tracker;
};

static inline struct view *tracker_world_view(struct live *live)
{
    static const uint8_t hash[1][INFO_HASH_LEN] = {"aaaaaaaaaaaaaaaaaaaa"};
    const struct streamer_conf streamer = {.name = STR("s"),
                                           .v4 = addr_from_v4(0xc0000201),
                                           .can = STREAMER_V4 | STREAMER_SEED,
                                           .seed_port = 6881,
                                           .weight = 1};
    const struct str host = STR("a.example");
    const struct service_conf service = {
        .name = STR("svc"),
        .hosts = &host,
        .host_count = 1,
        .info_hashes = hash,
        .info_hash_count = 1,
        .policy = {.cost_weight = 1, .load_weight = 1, .band = 0.1, .eps = 0.25, .session_s = 600}};
    const struct view_inputs in = {.serial = 1,
                                   .streamers = &streamer,
                                   .streamer_count = 1,
                                   .services = &service,
                                   .service_count = 1};
    struct view *v = NULL;
    struct err e = {0};

    if (view_build(&in, live, &v, &e) != ERR_OK)
        abort();
    return v;
}

static inline struct tracker_world *tracker_world_get(void)
{
    static struct tracker_world *w;

    if (!w) {
        w = calloc(1, sizeof *w);
        w->live = live_new();
        w->view = tracker_world_view(w->live);
        w->keys = key_scratch_new();
        w->arena = arena_new((size_t)1 << 18);
        tracker_conf_default(&w->conf);
        w->conf.memory_max = 1 << 20;
    }
    tracker_free(w->tracker);
    swarms_free(w->swarms);
    w->swarms = swarms_new(&w->conf);
    w->turn = (struct turn){.view = w->view,
                            .live = w->live,
                            .metrics = &w->metrics,
                            .keys = w->keys,
                            .arena = w->arena,
                            .now_ms = 1000000,
                            .random = 1};
    w->tracker = tracker_new(NULL, &w->conf, w->swarms, &w->turn);
    arena_reset(w->arena);
    return w;
}
