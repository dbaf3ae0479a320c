/* From the bytes of a network map to the map that answers: parsed, checked, tagged, its prefixes
 * frozen for longest match. bench_load_network_map [FILE]; without a file it makes a small map. */
#include <inttypes.h>
#include <stdio.h>

#include "alto/netmap.h"
#include "base/clock.h"
#include "bench/bench_stats.h"

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

int main(int argc, char **argv)
{
    struct bytes text = {0};
    double ms[BENCH_RUNS];
    struct err e = {0};
    char size[128] = "";

    if (argc > 1 ? file_read(argv[1], NETMAP_BYTES_MAX, &text, &e) != ERR_OK : !make_text(&text)) {
        fprintf(stderr, "%s: %s\n", argc > 1 ? argv[1] : "made text", e.text);
        return 1;
    }
    for (unsigned i = 0; i < BENCH_RUNS; i++) {
        struct arena *arena = arena_new(ARENA_CAP);
        const struct netmap *map;
        uint64_t start = clock_cpu_ns();

        if (!arena || netmap_parse(text.data, text.len, arena, &map, &e) != ERR_OK) {
            fprintf(stderr, "network map: %s\n", e.text);
            return 1;
        }
        ms[i] = (double)(clock_cpu_ns() - start) / 1e6;
        snprintf(size, sizeof size, "%zu bytes, %u prefixes, %u PIDs, %zu bytes kept", text.len,
                 map->prefix_count, map->pid_count, arena_used(arena));
        arena_free(arena);
    }
    bench_ratio("load-network-map", bench_median(ms, BENCH_RUNS), 150, "ms");
    bench_detail("load-network-map", ms, BENCH_RUNS, "ms", size);
    bytes_free(&text);
    return 0;
}
