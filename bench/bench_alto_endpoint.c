/* Endpoint costs through the handler, without a socket: one source and ten destinations, what a
 * further pair costs, and reading the request with jansson alone, below which it cannot be.
 * bench_alto_endpoint [COST-MAP NETWORK-MAP]; without files it makes small ones. */
#include <jansson.h>
#include <string.h>

#include "alto/offer.h"
#include "alto/server.h"
#include "base/clock.h"
#include "bench/lib/stats.h"

#define ARENA_CAP ((size_t)1 << 30)
#define MADE_PIDS 300u
#define MORE      1000u /* destinations of the long request */

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

/* 300 PIDs of 32 prefixes each, 90,000 pairs, always the same. */
static void make_maps(struct bytes *n, struct bytes *c)
{
    bool good = bytes_printf(n, "{\"meta\":{\"vtag\":{\"resource-id\":\"n\",\"tag\":\"t\"}},"
                                "\"network-map\":{") &&
                bytes_printf(c, "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"n\","
                                "\"tag\":\"t\"}],\"cost-type\":{\"cost-mode\":\"numerical\","
                                "\"cost-metric\":\"routingcost\"}},\"cost-map\":{");

    for (unsigned i = 0; i < MADE_PIDS; i++) {
        good = good && bytes_printf(n, "%s\"pid-%03u\":{\"ipv4\":[", i ? "," : "", i) &&
               bytes_printf(c, "%s\"pid-%03u\":{", i ? "," : "", i);
        for (unsigned k = 0; k < 32; k++)
            good = good && bytes_printf(n, "%s\"%u.%u.%u.0/24\"", k ? "," : "", 20 + k,
                                        (i * 7919 >> 8) % 256, i * 7919 % 256);
        for (unsigned k = 0; k < MADE_PIDS; k++)
            good = good && bytes_printf(c, "%s\"pid-%03u\":%u.%u", k ? "," : "", k, i * k % 900,
                                        (i + k) % 10);
        good = good && bytes_printf(n, "]}") && bytes_printf(c, "}");
    }
    if (!good || !bytes_printf(n, "}}") || !bytes_printf(c, "}}"))
        fail("made text", "no memory");
}

static void read_maps(int argc, char **argv, struct arena *arena, const struct netmap **map,
                      const struct costmap **cost)
{
    struct bytes n = {0}, c = {0};
    struct err e = {0};

    if (argc < 3)
        make_maps(&n, &c);
    else if (file_read(argv[1], COSTMAP_BYTES_MAX, &c, &e) != ERR_OK ||
             file_read(argv[2], NETMAP_BYTES_MAX, &n, &e) != ERR_OK)
        fail("read", e.text);
    if (netmap_parse(n.data, n.len, arena, map, &e) != ERR_OK ||
        costmap_parse(c.data, c.len, *map, arena, cost, &e) != ERR_OK)
        fail("maps", e.text);
    bytes_free(&n);
    bytes_free(&c);
}

/* An address in the i-th IPv4 prefix, spread over all of the map's. */
static uint32_t address(const struct netmap *m, unsigned i)
{
    uint32_t at = (uint32_t)((uint64_t)i * 2654435761u % m->v4_count);

    for (pidx p = 0; p < m->pid_count; p++)
        for (uint32_t k = 0; k < m->pids[p].prefix_count; k++)
            if (prefix_is_v4(m->pids[p].prefixes[k]) && at-- == 0)
                return addr_v4(m->pids[p].prefixes[k].addr) + 1 + i % 200;
    return 0;
}

static void make_request(const struct netmap *m, unsigned dsts, struct bytes *body)
{
    bool good = bytes_printf(body, "{\"cost-type\":{\"cost-mode\":\"numerical\",\"cost-metric\":"
                                   "\"routingcost\"},\"endpoints\":{\"srcs\":[");
    char text[ADDR_TEXT_MAX];

    for (unsigned i = 0; i <= dsts; i++)
        good = good && bytes_printf(body, "%s\"ipv4:%s\"%s", i > 1 ? "," : "",
                                    addr_format(addr_from_v4(address(m, i)), text),
                                    i ? "" : "],\"dsts\":[");
    if (!good || !bytes_printf(body, "]}}"))
        fail("request", "no memory");
}

/* The middle of several runs of n requests; microseconds each. */
static double bench_request(struct alto_server *s, struct bytes *body, unsigned n, const char *name)
{
    struct http_header headers[] = {
        {STR("Host"), STR("alto.example.com")},
        {STR("Content-Type"), STR("application/alto-endpointcostparams+json")},
        {STR("Accept"), STR("application/alto-endpointcost+json,application/alto-error+json")},
    };
    struct http_request request = {.method = HTTP_POST,
                                   .path = STR("/alto/n-endpoint-cost"),
                                   .target = STR("/alto/n-endpoint-cost"),
                                   .headers = headers,
                                   .header_count = 3,
                                   .body = {body->data, body->len},
                                   .arena = arena_new((size_t)64 << 20)};
    double us[BENCH_RUNS];
    size_t len = 0;
    char size[80];

    for (unsigned i = 0; i < BENCH_RUNS; i++) {
        uint64_t start = clock_cpu_ns();

        for (unsigned k = 0; k < n; k++) {
            struct http_response response = {0};

            alto_handle(s, &request, &response);
            if (response.status != 200)
                fail(name, "another status");
            len = response.shared ? response.shared->len : response.body.n;
            shared_body_drop(response.shared);
            arena_reset(request.arena);
        }
        us[i] = (double)(clock_cpu_ns() - start) / 1e3 / n;
    }
    arena_free(request.arena);
    snprintf(size, sizeof size, "%zu bytes of request, %zu of answer", body->len, len);
    bench_median(us, BENCH_RUNS);
    bench_detail(name, us, BENCH_RUNS, "us of CPU", size);
    return us[BENCH_RUNS / 2];
}

static double bench_jansson(const struct bytes *body, unsigned n)
{
    double us[BENCH_RUNS];

    for (unsigned i = 0; i < BENCH_RUNS; i++) {
        uint64_t start = clock_cpu_ns();

        for (unsigned k = 0; k < n; k++)
            json_decref(json_loadb(body->data, body->len, JSON_REJECT_DUPLICATES, NULL));
        us[i] = (double)(clock_cpu_ns() - start) / 1e3 / n;
    }
    bench_median(us, BENCH_RUNS);
    bench_detail("jansson-reads-request", us, BENCH_RUNS, "us of CPU", "the same request");
    return us[BENCH_RUNS / 2];
}

static uint64_t wall(void *arg)
{
    (void)arg;
    return 1767312000000;
}

static void bench(struct alto_server *s, const struct netmap *m, unsigned n)
{
    struct bytes ten = {0}, more = {0};
    double short_us, long_us, floor_us;

    make_request(m, 10, &ten);
    make_request(m, MORE, &more);
    short_us = bench_request(s, &ten, n, "alto-endpoint-cost-1x10");
    floor_us = bench_jansson(&ten, n);
    long_us = bench_request(s, &more, n / 50 + 1, "alto-endpoint-cost-1x1000");
    bench_ratio("alto-endpoint-cost-1x10", short_us, 40, "us");
    bench_ratio("alto-endpoint-cost-to-jansson", short_us / floor_us, 4, "of reading the request");
    bench_ratio("alto-endpoint-cost-further-pair", (long_us - short_us) / (MORE - 10), 1.5, "us");
    bytes_free(&ten);
    bytes_free(&more);
}

int main(int argc, char **argv)
{
    struct arena *arena = arena_new(ARENA_CAP);
    struct offer_cost cost = {0};
    struct offer_network network = {
        .id = STR("n"), .costs = &cost, .cost_count = 1, .default_pid = PIDX_NONE};
    struct alto_offer offer = {.base = STR("/alto"), .networks = &network, .network_count = 1};
    struct alto_catalog *catalog = NULL;
    struct metrics metrics = {0};
    struct alto_server server;
    struct err e = {0};

    read_maps(argc, argv, arena, &network.map, &cost.map);
    if (alto_offer_build(&offer, NULL, &catalog, &e) != ERR_OK)
        fail("offer", e.text);
    alto_server_init(&server);
    server.wall_ms = wall;
    server.metrics = &metrics;
    alto_server_set(&server, catalog);
    bench(&server, network.map, argc == 2 ? 200 : 20000);
    alto_server_fini(&server);
    arena_free(arena);
    return 0;
}
