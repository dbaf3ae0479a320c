/* A catalog of a few small maps, made once: what the fuzz targets of the ALTO server ask. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alto/offer.h"
#include "alto/server.h"

static inline void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

#define ALTO_WORLD_META(mode, metric, more)                                                        \
    "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"n\",\"tag\":\"t\"}],\"cost-type\":{"       \
    "\"cost-mode\":\"" mode "\",\"cost-metric\":\"" metric "\"}" more "},\"cost-map\":"

static inline const struct costmap *alto_world_cost(const char *text, const struct netmap *m,
                                                    struct arena *a)
{
    const struct costmap *c = NULL;
    struct err e = {0};

    must(costmap_parse(text, strlen(text), m, a, &c, &e) == ERR_OK, e.text);
    return c;
}

static inline struct alto_catalog *alto_world(void)
{
    static const char network[] =
        "{\"meta\":{\"vtag\":{\"resource-id\":\"n\",\"tag\":\"t\"}},\"network-map\":{"
        "\"a\":{\"ipv4\":[\"10.0.0.0/8\"],\"ipv6\":[\"2001:db8::/32\"]},"
        "\"b\":{\"ipv4\":[\"0.0.0.0/0\"]},\"c\":{\"ipv6\":[\"::/0\"]},\"d\":{}}}";
    static struct offer_cost costs[3];
    static struct offer_network n = {.costs = costs, .cost_count = 3, .default_pid = PIDX_NONE};
    struct alto_offer offer = {
        .base = STR("/alto"), .networks = &n, .network_count = 1, .updates = true, .tips = true};
    static struct arena *a; /* as long as the process */
    struct alto_catalog *c = NULL;
    struct err e = {0};

    a = arena_new((size_t)16 << 20);
    must(a && netmap_parse(network, strlen(network), a, &n.map, &e) == ERR_OK, e.text);
    costs[0].map = alto_world_cost(
        ALTO_WORLD_META("numerical", "routingcost", "") "{\"a\":{\"a\":1,\"b\":2.5,"
                                                        "\"c\":3},\"b\":{\"a\":4}}}",
        n.map, a);
    costs[1].map = alto_world_cost(
        ALTO_WORLD_META("numerical", "hopcount", "") "{\"a\":{\"b\":2},\"c\":{\"d\":7}}}", n.map,
        a);
    costs[2].calendar = alto_world_cost(
        ALTO_WORLD_META("numerical", "delay-ow",
                        ",\"calendar-response-attributes\":[{\"calendar-start-time\":"
                        "\"Wed, 01 Jan 2025 00:00:00 GMT\",\"time-interval-size\":60,"
                        "\"number-of-intervals\":2}]") "{\"a\":{\"b\":[1,2]}}}",
        n.map, a);
    costs[2].map = costmap_slot(costs[2].calendar, 0);
    must(alto_offer_build(&offer, NULL, &c, &e) == ERR_OK, e.text);
    must(alto_catalog_render(c, &e) == ERR_OK, e.text);
    c->limits.pairs_max = 64;
    alto_catalog_compress(c);
    return c;
}
