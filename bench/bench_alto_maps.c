/* What the ALTO server does with whole maps and small requests: the text of a cost map against
 * jansson's of the same, a conditional GET of it, a filtered cost map of 10 times 10 PIDs with a
 * constraint, all through the handler, without a socket.
 * bench_alto_maps [COST-MAP NETWORK-MAP]; without files it makes small ones. */
#include <jansson.h>
#include <string.h>

#include "alto/offer.h"
#include "alto/server.h"
#include "base/clock.h"
#include "bench/lib/maps.h"
#include "bench/lib/stats.h"

#define ARENA_CAP ((size_t)1 << 30)

static void read_maps(int argc, char **argv, struct arena *arena, const struct netmap **map,
                      const struct costmap **cost)
{
    struct bytes n = {0}, c = {0};
    struct err e = {0};
    bool good;

    if (argc == 1)
        bench_maps_make(&n, &c);
    else if (file_read(argv[1], COSTMAP_BYTES_MAX, &c, &e) != ERR_OK ||
             file_read(argv[2], NETMAP_BYTES_MAX, &n, &e) != ERR_OK)
        bench_fail("read", e.text);
    good = netmap_parse(n.data, n.len, arena, map, &e) == ERR_OK &&
           costmap_parse(c.data, c.len, *map, arena, cost, &e) == ERR_OK;
    if (!good)
        bench_fail("maps", e.text);
    bytes_free(&n);
    bytes_free(&c);
}

static void bench_text(const struct alto_resource *r)
{
    double own[BENCH_RUNS], other[BENCH_RUNS];
    char size[80] = "";
    json_t *tree = NULL;

    for (unsigned i = 0; i < BENCH_RUNS; i++) {
        struct bytes out = {0};
        uint64_t start = clock_cpu_ns();
        char *text;

        if (!alto_cost_format(r, &out))
            bench_fail("format", "full");
        own[i] = (double)(clock_cpu_ns() - start) / 1e6;
        snprintf(size, sizeof size, "%zu bytes", out.len);
        if (!tree)
            tree = json_loadb(out.data, out.len, 0, NULL);
        bytes_free(&out);
        start = clock_cpu_ns();
        text = json_dumps(tree, JSON_COMPACT);
        other[i] = (double)(clock_cpu_ns() - start) / 1e6;
        free(text);
    }
    json_decref(tree);
    bench_ratio("alto-cost-map-text", bench_median(own, BENCH_RUNS), 60, "ms");
    bench_detail("alto-cost-map-text", own, BENCH_RUNS, "ms of CPU", size);
    bench_ratio("alto-cost-map-text-to-jansson",
                own[BENCH_RUNS / 2] / bench_median(other, BENCH_RUNS), 0.05, "of jansson's time");
    bench_detail("jansson-dump", other, BENCH_RUNS, "ms of CPU", size);
}

/* The middle of several runs of n requests; microseconds each. */
static void bench_request(struct alto_server *s, const struct http_request *request, int status,
                          unsigned n, const char *name, double goal)
{
    double us[BENCH_RUNS];
    size_t len = 0;
    char size[80];

    for (unsigned i = 0; i < BENCH_RUNS; i++) {
        uint64_t start = clock_cpu_ns();

        for (unsigned k = 0; k < n; k++) {
            struct http_response response = {0};

            alto_handle(s, request, &response);
            if (response.status != status)
                bench_fail(name, "another status");
            len = response.shared ? response.shared->len : response.body.n;
            shared_body_drop(response.shared);
            arena_reset(request->arena);
        }
        us[i] = (double)(clock_cpu_ns() - start) / 1e3 / n;
    }
    bench_ratio(name, bench_median(us, BENCH_RUNS), goal, "us");
    snprintf(size, sizeof size, "%zu bytes of answer", len);
    bench_detail(name, us, BENCH_RUNS, "us of CPU", size);
}

static void bench_condition(struct alto_server *s, const struct alto_resource *r)
{
    struct http_header headers[] = {
        {STR("Host"), STR("alto.example.com")},
        {STR("Accept"), STR("application/alto-costmap+json,application/alto-error+json")},
        {STR("Accept-Encoding"), STR("gzip")},
        {STR("If-None-Match"), str_from(r->bodies->etag[ALTO_IDENTITY])},
    };
    struct http_request request = {.method = HTTP_GET,
                                   .path = r->path,
                                   .target = r->path,
                                   .headers = headers,
                                   .header_count = 4,
                                   .arena = arena_new((size_t)4 << 20)};

    bench_request(s, &request, 304, 100000, "alto-not-modified", 15);
    arena_free(request.arena);
}

/* 10 sources and 10 destinations, spread over those PIDs that have costs. */
static void make_filter(const struct alto_network *network, struct bytes *body)
{
    const struct netmap *map = network->map;
    unsigned at = 0;
    bool good = bytes_printf(body, "{\"cost-type\":{\"cost-mode\":\"numerical\",\"cost-metric\":"
                                   "\"routingcost\"},\"constraints\":[\"ge 1\"],\"pids\":{");

    for (unsigned side = 0; side < 2; side++) {
        good = good && bytes_printf(body, "%s\"%s\":[", side ? "," : "", side ? "dsts" : "srcs");
        for (unsigned i = 0; i < 10; i++) {
            at = (at + 97) % map->pid_count;
            while (!costmap_has_row(network->costs[0].map, (pidx)at))
                at = (at + 1) % map->pid_count;
            good = good && bytes_printf(body, "%s\"%s\"", i ? "," : "", map->pids[at].name.p);
        }
        good = good && bytes_printf(body, "]");
    }
    if (!good || !bytes_printf(body, "}}"))
        bench_fail("request", "no memory");
}

static void bench_filter(struct alto_server *s, const struct alto_resource *r)
{
    struct http_header headers[] = {
        {STR("Host"), STR("alto.example.com")},
        {STR("Accept"), STR("application/alto-costmap+json,application/alto-error+json")},
        {STR("Content-Type"), STR("application/alto-costmapfilter+json")},
    };
    struct bytes body = {0};
    struct http_request request = {.method = HTTP_POST,
                                   .path = r->path,
                                   .target = r->path,
                                   .headers = headers,
                                   .header_count = 3,
                                   .arena = arena_new((size_t)4 << 20)};

    make_filter(r->network, &body);
    request.body = (struct str){body.data, body.len};
    /* 15,000 a second and core. */
    bench_request(s, &request, 200, 20000, "alto-filter-10x10", 1e6 / 15e3);
    arena_free(request.arena);
    bytes_free(&body);
}

int main(int argc, char **argv)
{
    struct arena *arena = arena_new(ARENA_CAP);
    struct offer_cost cost = {.modified_ms = 1};
    struct offer_network network = {.id = STR("n"), .costs = &cost, .cost_count = 1};
    struct alto_offer offer = {.base = STR("/alto"), .networks = &network, .network_count = 1};
    struct alto_catalog *c = NULL;
    struct alto_server s;
    struct err e = {0};

    if ((argc != 1 && argc != 3) || !arena)
        bench_fail(argv[0], "[COST-MAP NETWORK-MAP]");
    read_maps(argc, argv, arena, &network.map, &cost.map);
    if (alto_offer_build(&offer, NULL, &c, &e) != ERR_OK || alto_catalog_render(c, &e) != ERR_OK)
        bench_fail("offer", e.text);
    alto_server_init(&s);
    alto_server_set(&s, c);
    bench_text(alto_find_id(c, STR("n-cost-num-routingcost")));
    bench_condition(&s, alto_find_id(c, STR("n-cost-num-routingcost")));
    bench_filter(&s, alto_find_id(c, STR("n-cost-filter")));
    alto_server_fini(&s);
    arena_free(arena);
    return 0;
}
