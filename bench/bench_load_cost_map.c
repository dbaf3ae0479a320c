/* From the file of a cost map to the map that answers, in time and in memory over what the text
 * itself takes; and the two halves alone, the JSON reader and the writer.
 * bench_load_cost_map [COST-MAP NETWORK-MAP]; without files it makes small ones. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "alto/costmap.h"
#include "base/clock.h"
#include "base/json_push.h"
#include "bench/lib/stats.h"

#define ARENA_CAP ((size_t)1 << 30)

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

/* Resident memory in KiB: "VmRSS:" now, "VmHWM:" the peak. */
static long memory_kib(const char *field)
{
    char line[256];
    long kib = 0;
    FILE *f = fopen("/proc/self/status", "r");

    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, field, strlen(field)) == 0)
            kib = strtol(line + strlen(field), NULL, 10);
    if (f)
        fclose(f);
    return kib;
}

#define MADE_PIDS 300u

static void make_file(char *path, const struct bytes *text)
{
    int fd = mkstemp(path);

    if (fd < 0 || write(fd, text->data, text->len) != (ssize_t)text->len)
        fail(path, "cannot be written");
    close(fd);
}

/* 300 PIDs, 90,000 pairs, always the same. */
static void make_files(char *network_path, char *cost_path)
{
    struct bytes n = {0}, c = {0};
    bool good = bytes_printf(&n, "{\"meta\":{\"vtag\":{\"resource-id\":\"n\",\"tag\":\"t\"}},"
                                 "\"network-map\":{") &&
                bytes_printf(&c, "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"n\","
                                 "\"tag\":\"t\"}],\"cost-type\":{\"cost-mode\":\"numerical\","
                                 "\"cost-metric\":\"routingcost\"}},\"cost-map\":{");

    for (unsigned i = 0; i < MADE_PIDS; i++) {
        good = good && bytes_printf(&n, "%s\"pid-%03u\":{}", i ? "," : "", i) &&
               bytes_printf(&c, "%s\n\"pid-%03u\":{", i ? "," : "", i);
        for (unsigned k = 0; k < MADE_PIDS; k++)
            good = good && bytes_printf(&c, "%s\"pid-%03u\":%u.%u", k ? "," : "", k, i * k % 900,
                                        (i + k) % 10);
        good = good && bytes_printf(&c, "}");
    }
    if (!good || !bytes_printf(&n, "}}") || !bytes_printf(&c, "}}"))
        fail("made text", "no memory");
    make_file(network_path, &n);
    make_file(cost_path, &c);
    bytes_free(&n);
    bytes_free(&c);
}

static enum err_code count_event(void *ctx, struct json_push *j, const struct json_event *ev,
                                 struct err *e)
{
    (void)j;
    (void)e;
    ++*(size_t *)ctx;
    return ev->kind == JSON_PUSH_NULL ? ERR_UNSUPPORTED : ERR_OK;
}

static double load_once(const char *path, const struct netmap *map, char *size, size_t room)
{
    struct arena *arena = arena_new(ARENA_CAP);
    const struct costmap *c;
    uint64_t start = clock_cpu_ns();
    struct err e = {0};
    double ms;

    if (!arena || costmap_load(path, map, arena, &c, &e) != ERR_OK)
        fail("load", e.text);
    ms = (double)(clock_cpu_ns() - start) / 1e6;
    snprintf(size, room, "%u pairs, %zu bytes kept", costmap_info_get(c)->pair_count,
             arena_used(arena));
    arena_free(arena);
    return ms;
}

/* The JSON alone, from memory, in one piece. */
static void bench_reader(const struct bytes *text)
{
    double ms[BENCH_RUNS];
    size_t events = 0;
    char size[80];

    for (unsigned i = 0; i < BENCH_RUNS; i++) {
        struct json_push *j = json_push_new(NULL, NULL, count_event, &events);
        struct err e = {0};
        uint64_t start = clock_cpu_ns();

        events = 0;
        if (!j || json_push_feed(j, text->data, text->len, &e) != ERR_OK ||
            json_push_end(j, &e) != ERR_OK)
            fail("read", e.text);
        ms[i] = (double)(clock_cpu_ns() - start) / 1e6;
        json_push_free(j);
    }
    bench_median(ms, BENCH_RUNS);
    snprintf(size, sizeof size, "%zu bytes, %zu events", text->len, events);
    bench_detail("read-cost-map-json", ms, BENCH_RUNS, "ms of CPU", size);
}

static void bench_writer(const char *path, const struct netmap *map)
{
    struct arena *arena = arena_new(ARENA_CAP);
    const struct costmap *c;
    double ms[BENCH_RUNS];
    struct err e = {0};
    char size[128] = "";

    if (!arena || costmap_load(path, map, arena, &c, &e) != ERR_OK)
        fail("load", e.text);
    for (unsigned i = 0; i < BENCH_RUNS; i++) {
        struct bytes out = {0};
        uint64_t start = clock_cpu_ns();

        if (!costmap_format(c, map, &out))
            fail("format", "full");
        ms[i] = (double)(clock_cpu_ns() - start) / 1e6;
        snprintf(size, sizeof size, "%zu bytes", out.len);
        bytes_free(&out);
    }
    bench_median(ms, BENCH_RUNS);
    bench_detail("format-cost-map", ms, BENCH_RUNS, "ms of CPU", size);
    arena_free(arena);
}

int main(int argc, char **argv)
{
    char network_made[] = "/tmp/bench_network.XXXXXX", cost_made[] = "/tmp/bench_cost.XXXXXX";
    const char *network_path = argc == 3 ? argv[2] : network_made;
    const char *cost_path = argc == 3 ? argv[1] : cost_made;
    struct arena *arena = arena_new(ARENA_CAP);
    const struct netmap *map = NULL;
    char size[128] = "";
    struct bytes text = {0};
    double ms[BENCH_RUNS];
    struct err e = {0};
    long before;

    if (argc != 1 && argc != 3)
        fail(argv[0], "[COST-MAP NETWORK-MAP]");
    if (argc == 1)
        make_files(network_made, cost_made);
    if (!arena || netmap_load(network_path, arena, &map, &e) != ERR_OK)
        fail("network map", e.text);

    /* The first run tells the memory: what the kernel counted at most, less what was there. What
     * the network map freed before may be used again, so the peak is not flattered by much. */
    before = memory_kib("VmRSS:");
    ms[0] = load_once(cost_path, map, size, sizeof size);
    if (file_read(cost_path, COSTMAP_BYTES_MAX, &text, &e) != ERR_OK)
        fail("cost map", e.text);
    for (unsigned i = 1; i < BENCH_RUNS; i++)
        ms[i] = load_once(cost_path, map, size, sizeof size);
    bench_ratio("load-cost-map", bench_median(ms, BENCH_RUNS), 250, "ms");
    bench_detail("load-cost-map", ms, BENCH_RUNS, "ms of CPU", size);
    /* Peak of the whole program with the text in memory beside, as someone would have it who got it
     * over HTTP; the file itself is read in pieces. */
    bench_ratio("load-cost-map-memory",
                (double)(memory_kib("VmHWM:") - before) / 1024 - (double)text.len / (1 << 20), 40,
                "MB over the text");
    bench_reader(&text);
    bench_writer(cost_path, map);
    bytes_free(&text);
    arena_free(arena);
    if (argc == 1) {
        unlink(network_made);
        unlink(cost_made);
    }
    return 0;
}
