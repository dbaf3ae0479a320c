/* Requests for endpoint costs, endpoint properties and path vectors: the first byte chooses which.
 * Either one error of RFC 7285 that formats as JSON, or an answer that is JSON (two parts of it for
 * path vectors) and is made a second time with the same length. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "alto/multipart.h"
#include "alto/offer.h"
#include "alto/pathvec.h"
#include "alto/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define META(mode, metric)                                                                         \
    "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"n\",\"tag\":\"t\"}],\"cost-type\":{"       \
    "\"cost-mode\":\"" mode "\",\"cost-metric\":\"" metric "\"}},\"cost-map\":"

static const char network_text[] =
    "{\"meta\":{\"vtag\":{\"resource-id\":\"n\",\"tag\":\"t\"}},\"network-map\":{"
    "\"a\":{\"ipv4\":[\"10.0.0.0/8\"]},\"b\":{\"ipv4\":[\"10.1.0.0/16\"],\"ipv6\":[\"::/0\"]}}}";
static const char routing_text[] =
    META("numerical", "routingcost") "{\"a\":{\"a\":1,\"b\":2.5},\"b\":{\"a\":3}}}";
static const char hops_text[] = META("numerical", "hopcount") "{\"a\":{\"b\":4}}}";
static const char path_text[] =
    META("array", "ane-path") "{\"a\":{\"b\":[\"L1\",\"L2\"]},\"b\":{\"b\":[]}}}";
static const char props_text[] =
    "{\"meta\":{},\"property-map\":{\".ane:L1\":{\"max-reservable-bandwidth\":5}}}";

static struct alto_catalog *catalog;

static void must(bool true_of_all, const char *what)
{
    if (true_of_all)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static const struct costmap *cost(const char *text, const struct netmap *m, struct arena *arena)
{
    const struct costmap *c = NULL;
    struct err e = {0};

    must(costmap_parse(text, strlen(text), m, arena, &c, &e) == ERR_OK, e.text);
    return c;
}

static void free_arena(void *arg)
{
    arena_free(arg);
}

static void drop_catalog(void)
{
    alto_catalog_drop(catalog);
}

static void make_catalog(void)
{
    struct arena *arena = arena_new((size_t)64 << 20);
    struct offer_cost costs[2] = {0};
    struct offer_network network = {.costs = costs, .cost_count = 2, .default_pid = PIDX_NONE};
    struct offer_paths paths = {.id = STR("pv")};
    struct alto_offer offer = {.base = STR("/alto"),
                               .networks = &network,
                               .network_count = 1,
                               .paths = &paths,
                               .path_count = 1,
                               .extensions = {true, true, true},
                               .limits = {4096, 1024, 1 << 20},
                               .release = free_arena,
                               .release_arg = arena};
    const struct propmap *props = NULL;
    struct err e = {0};

    must(arena &&
             netmap_parse(network_text, strlen(network_text), arena, &network.map, &e) == ERR_OK,
         e.text);
    costs[0].map = cost(routing_text, network.map, arena);
    costs[1].map = cost(hops_text, network.map, arena);
    must(propmap_parse(props_text, strlen(props_text), arena, &props, &e) == ERR_OK, e.text);
    must(path_vectors_parse(path_text, strlen(path_text), props, network.map, arena, &paths.paths,
                            &e) == ERR_OK,
         e.text);
    must(alto_offer_build(&offer, NULL, &catalog, &e) == ERR_OK, e.text);
    atexit(drop_catalog);
}

static void must_be_json(const char *p, size_t n)
{
    json_t *v = json_loadb(p, n, JSON_REJECT_DUPLICATES, NULL);

    must(json_is_object(v), "an answer that is not JSON");
    json_decref(v);
}

static void check_answer(const struct alto_reply *reply)
{
    struct multipart m;
    struct err e = {0};

    if (strncmp(reply->media_type.p, "multipart/", 10) != 0) {
        must_be_json(reply->out->data, reply->out->len);
        return;
    }
    must(multipart_read(reply->media_type, (struct str){reply->out->data, reply->out->len}, false,
                        &m, &e) == ERR_OK,
         e.text);
    must(m.part_count == 2, "not two parts");
    for (size_t i = 0; i < 2; i++)
        must_be_json(m.parts[i].body.p, m.parts[i].body.n);
}

static size_t ask(const struct alto_resource *r, struct str body)
{
    struct arena *arena = arena_new((size_t)16 << 20);
    struct bytes out = {.limit = (size_t)1 << 20}, error = {0};
    struct alto_reply reply = {.out = &out};
    struct alto_question q = {.catalog = catalog,
                              .resource = r,
                              .body = body,
                              .client = {0, UINT64_C(0xffff0a010101)},
                              .wall_ms = 1767312000000,
                              .random = 7,
                              .arena = arena};
    size_t len;

    must(arena != NULL, "no memory");
    if (alto_reply_make(&q, &reply)) {
        check_answer(&reply);
    } else {
        must(reply.error.status >= 400, "no status");
        must(alto_error_format(&reply.error, &error), "an error that does not format");
        must_be_json(error.data, error.len);
    }
    len = out.len;
    bytes_free(&out);
    bytes_free(&error);
    arena_free(arena);
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const ids[] = {"n-endpoint-cost", "endpoint-prop", "pv-path-cost",
                                      "pv-path-endpoint"};
    const struct alto_resource *r;
    struct str body;

    if (size == 0)
        return 0;
    if (!catalog)
        make_catalog();
    r = alto_find_id(catalog, str_from(ids[data[0] & 3]));
    must(r != NULL, "no such resource");
    body = (struct str){(const char *)data + 1, size - 1};
    must(ask(r, body) == ask(r, body), "another answer to the same request");
    return 0;
}
