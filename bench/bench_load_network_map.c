/* From the bytes of a network map to a view that can be published: parsed, checked, tagged, its
 * prefixes frozen for longest match, and the view built with fifty streamers and a service.
 * bench_load_network_map [FILE]; without a file it makes a small map. */
#include <stdio.h>

#include "alto/netmap.h"
#include "base/clock.h"
#include "bench/lib/stats.h"
#include "router/live.h"
#include "router/view.h"

#define ARENA_CAP ((size_t)512 << 20)

/* 20,000 prefixes in 200 PIDs and a default, always the same. */
static bool make_text(struct bytes *out)
{
    bool good = bytes_printf(out, "{\"meta\":{\"vtag\":{\"resource-id\":\"n\",\"tag\":\"t\"}},"
                                  "\"network-map\":{\"all\":{\"ipv4\":[\"0.0.0.0/0\"],"
                                  "\"ipv6\":[\"::/0\"]}");

    for (unsigned pid = 0; pid < 200; pid++) {
        good = good && bytes_printf(out, ",\n\"p%03u\":{\"ipv4\":[", pid);
        for (unsigned k = 0; k < 100; k++)
            good = good && bytes_printf(out, "%s\"%u.%u.%u.0/24\"", k ? "," : "", 1 + pid,
                                        k * 7 % 256, k * 13 % 256);
        good = good && bytes_printf(out, "]}");
    }
    return good && bytes_printf(out, "}}");
}

#define STREAMERS 50u

static enum err_code build(struct view_source *netmap, struct live *live, struct view **out,
                           struct err *e)
{
    static char names[STREAMERS][16];
    struct streamer_conf streamers[STREAMERS];
    struct service_conf service = {.name = STR("svc"),
                                   .policy = {.cost_weight = 1,
                                              .origin_weight = 1,
                                              .load_weight = 1,
                                              .band = 0.1,
                                              .eps = 0.25,
                                              .balance_from = 0.5,
                                              .session_s = 600}};
    struct view_inputs in = {.netmap = netmap,
                             .streamers = streamers,
                             .streamer_count = STREAMERS,
                             .services = &service,
                             .service_count = 1};

    for (unsigned i = 0; i < STREAMERS; i++) {
        snprintf(names[i], sizeof names[i], "edge-%u", i);
        streamers[i] =
            (struct streamer_conf){.name = str_from(names[i]),
                                   .v4 = addr_from_v4(UINT32_C(0x01000001) + i),
                                   .can = STREAMER_V4 | STREAMER_HTTP,
                                   .pid = netmap->netmap->pids[i % netmap->netmap->pid_count].name,
                                   .capacity = 1000,
                                   .weight = 1,
                                   .hit_pm = 900};
    }
    return view_build(&in, live, out, e);
}

static void fail(const char *what, const struct err *e)
{
    fprintf(stderr, "%s: %s\n", what, e->text);
    exit(1);
}

/* Milliseconds of CPU; parse_ms: of them for the map alone. */
static double load_once(const struct bytes *text, double *parse_ms, char *size, size_t room)
{
    struct arena *arena = arena_new(ARENA_CAP);
    struct live *live = live_new();
    const struct netmap *map = NULL;
    struct view_source *source;
    struct view *view = NULL;
    struct err e = {0};
    uint64_t start = clock_cpu_ns();
    double ms;

    if (!arena || !live || netmap_parse(text->data, text->len, arena, &map, &e) != ERR_OK)
        fail("network map", &e);
    *parse_ms = (double)(clock_cpu_ns() - start) / 1e6;
    snprintf(size, room, "%zu bytes, %u prefixes, %u PIDs, %zu bytes kept", text->len,
             map->prefix_count, map->pid_count, arena_used(arena));
    source = view_source_new(arena, map, NULL);
    if (!source || build(source, live, &view, &e) != ERR_OK)
        fail("view", &e);
    ms = (double)(clock_cpu_ns() - start) / 1e6;
    view_drop(view);
    view_source_drop(source);
    live_free(live);
    return ms;
}

int main(int argc, char **argv)
{
    struct bytes text = {0};
    double ms[BENCH_RUNS], parse_ms[BENCH_RUNS];
    struct err e = {0};
    char size[128] = "";

    if (argc > 1 ? file_read(argv[1], NETMAP_BYTES_MAX, &text, &e) != ERR_OK : !make_text(&text))
        fail(argc > 1 ? argv[1] : "made text", &e);
    for (unsigned i = 0; i < BENCH_RUNS; i++)
        ms[i] = load_once(&text, &parse_ms[i], size, sizeof size);
    bench_ratio("load-network-map", bench_median(ms, BENCH_RUNS), 150, "ms");
    bench_detail("load-network-map", ms, BENCH_RUNS, "ms of CPU", size);
    bench_median(parse_ms, BENCH_RUNS);
    bench_detail("load-network-map, the map alone", parse_ms, BENCH_RUNS, "ms of CPU", size);
    bytes_free(&text);
    return 0;
}
