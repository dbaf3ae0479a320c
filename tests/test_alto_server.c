#include "alto/server.h"

#include <libdeflate.h>

#include "tests/alto_fixture.h"

static char network_text[16384], routing_text[1024];

/* LONG has prefixes enough for an answer that is worth compressing. */
static void make_texts(const char *dst, const char *cost)
{
    int n =
        snprintf(network_text, sizeof network_text,
                 "{\"meta\":{\"vtag\":{\"resource-id\":\"net\",\"tag\":\"t1\"}},\"network-map\":"
                 "{\"PID1\":{\"ipv4\":[\"192.0.2.0/24\",\"198.51.100.0/25\"]},"
                 "\"PID2\":{\"ipv4\":[\"198.51.100.128/25\"],\"ipv6\":[\"2001:db8::/32\"]},"
                 "\"PID3\":{\"ipv4\":[\"0.0.0.0/0\"],\"ipv6\":[\"::/0\"]},\"PID4\":{},"
                 "\"LONG\":{\"ipv4\":[");

    for (unsigned i = 0; i < 200; i++)
        n += snprintf(network_text + n, sizeof network_text - (size_t)n, "%s\"10.0.%u.0/24\"",
                      i ? "," : "", i);
    snprintf(network_text + n, sizeof network_text - (size_t)n, "]}}}");
    snprintf(routing_text, sizeof routing_text,
             "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"net\",\"tag\":\"t1\"}],"
             "\"cost-type\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\"}},"
             "\"cost-map\":{\"PID1\":{\"PID1\":1,\"%s\":%s,\"PID3\":10},\"PID2\":{\"PID1\":5,"
             "\"PID2\":1,\"PID3\":15.5},\"PID3\":{\"PID1\":20,\"PID2\":15}}}",
             dst, cost);
}

/* The server gets the maps read anew, with this cost from PID1. */
static void change(struct alto_fixture *f, const char *dst, const char *value)
{
    struct offer_cost cost = {.modified_ms = ALTO_NOW_MS - 5000};
    struct offer_network network = {.costs = &cost,
                                    .cost_count = 1,
                                    .default_pid = PIDX_NONE,
                                    .modified_ms = ALTO_NOW_MS - 10000};
    struct alto_offer offer = {.base = STR("/alto"), .networks = &network, .network_count = 1};

    make_texts(dst, value);
    network.map = alto_fixture_network(f, network_text);
    cost.map = alto_fixture_cost(f, network.map, routing_text);
    alto_fixture_offer(f, &offer);
}

static void begin(struct alto_fixture *f)
{
    alto_fixture_init(f);
    change(f, "PID2", "5");
}

/* Conformance: T-05, I-01, M-01, C-01. */
START_TEST(media_types)
{
    struct alto_fixture f;

    begin(&f);
    ck_assert_int_eq(alto_fixture_get(&f, "/alto"), 200);
    ck_assert(alto_str_is(f.response.type, "application/alto-directory+json"));
    ck_assert_int_eq(alto_fixture_get(&f, "/alto/net"), 200);
    ck_assert(alto_str_is(f.response.type, "application/alto-networkmap+json"));
    ck_assert_int_eq(alto_fixture_get(&f, "/alto/net-cost-num-routingcost"), 200);
    ck_assert(alto_str_is(f.response.type, "application/alto-costmap+json"));
    ck_assert_int_eq(alto_fixture_post(&f, "/alto/net-filter",
                                       "application/alto-networkmapfilter+json",
                                       "{\"pids\":[\"PID1\"]}"),
                     200);
    ck_assert(alto_str_is(f.response.type, "application/alto-networkmap+json"));
    ck_assert_int_eq(
        alto_fixture_post(&f, "/alto/net-cost-filter", "application/alto-costmapfilter+json",
                          "{\"cost-type\":{\"cost-mode\":\"numerical\",\"cost-metric\":"
                          "\"routingcost\"},\"pids\":{\"srcs\":[\"PID1\"],\"dsts\":[\"PID2\"]}}"),
        200);
    ck_assert(alto_str_is(f.response.type, "application/alto-costmap+json"));
    alto_fixture_is_json(
        &f, "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"net\",\"tag\":\"t1\"}],"
            "\"cost-type\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\"}},"
            "\"cost-map\":{\"PID1\":{\"PID2\":5}}}");
    alto_fixture_fini(&f);
}
END_TEST

#define NET    "/alto/net"
#define COST   "/alto/net-cost-num-routingcost"
#define FILTER "/alto/net-filter"
#define FTYPE  "application/alto-networkmapfilter+json"
#define ALL    "{\"pids\":[]}"
#define ONE    "{\"pids\":[\"PID1\"]}"

static void is_alto_error(const struct alto_fixture *f, int status)
{
    json_t *got = alto_fixture_json(f);
    const json_t *code = json_object_get(json_object_get(got, "meta"), "code");

    ck_assert_int_eq(f->response.status, status);
    ck_assert(alto_str_is(f->response.type, "application/alto-error+json"));
    ck_assert(json_string_length(code) > 0);
    json_decref(got);
}

/* Conformance: T-02, T-15, T-16, E-15. */
START_TEST(methods)
{
    static const enum http_method others[] = {HTTP_PUT, HTTP_DELETE, HTTP_METHOD_OTHER};
    struct alto_fixture f;

    begin(&f);
    alto_fixture_post(&f, NET, FTYPE, ONE);
    is_alto_error(&f, 405);
    ck_assert(alto_str_is(alto_fixture_got(&f, "Allow"), "GET, HEAD, OPTIONS"));
    alto_fixture_get(&f, FILTER);
    is_alto_error(&f, 405);
    ck_assert(alto_str_is(alto_fixture_got(&f, "Allow"), "POST, OPTIONS"));
    for (unsigned i = 0; i < 3; i++) {
        alto_fixture_ask(&f, others[i], NET, (struct str){0});
        is_alto_error(&f, 405);
    }
    ck_assert_int_eq(alto_fixture_ask(&f, HTTP_OPTIONS, NET, (struct str){0}), 204);
    ck_assert(alto_str_is(alto_fixture_got(&f, "Allow"), "GET, HEAD, OPTIONS"));
    ck_assert_int_eq(alto_fixture_ask(&f, HTTP_OPTIONS, FILTER, (struct str){0}), 204);
    ck_assert(alto_str_is(alto_fixture_got(&f, "Allow"), "POST, OPTIONS"));
    ck_assert_uint_eq(alto_fixture_body(&f).n, 0);
    alto_fixture_fini(&f);
}
END_TEST

/* Conformance: E-03, E-15. */
START_TEST(no_such_resource)
{
    static const char *const paths[] = {"/alto/other", "/alto/net/x", "/alto/ne", "/alto/NET",
                                        "/alto/net-",  "/alt",        "/"};
    struct alto_fixture f;

    begin(&f);
    for (unsigned i = 0; i < sizeof paths / sizeof *paths; i++) {
        alto_fixture_get(&f, paths[i]);
        is_alto_error(&f, 404);
    }
    ck_assert_int_eq(alto_fixture_get(&f, "/alto/"), 200);
    alto_fixture_fini(&f);
}
END_TEST

/* Conformance: E-13, E-15. */
START_TEST(not_ready)
{
    struct alto_fixture f;

    alto_fixture_init(&f);
    alto_fixture_get(&f, NET);
    is_alto_error(&f, 503);
    ck_assert(alto_fixture_got(&f, "Retry-After").n > 0);
    alto_fixture_fini(&f);
}
END_TEST

/* Conformance: E-15, T-19. */
START_TEST(refused_by_the_engine)
{
    static const int statuses[] = {400, 408, 413, 414, 418, 429, 431, 500, 501, 503};
    struct alto_fixture f;

    begin(&f);
    for (unsigned i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        alto_fixture_forget(&f);
        alto_handle_refused(&f.server, statuses[i], STR("why"), &f.response);
        is_alto_error(&f, statuses[i]);
    }
    alto_fixture_fini(&f);
}
END_TEST

static const struct {
    const char *accept;
    int status;
} accepts[] = {
    {NULL, 200},
    {"", 200},
    {"*/*", 200},
    {"application/*", 200},
    {"application/* ;q=0.1", 200},
    {"application/alto-networkmap+json", 200},
    {"Application/ALTO-NetworkMap+JSON", 200},
    {"application/alto-networkmap+json,application/alto-error+json", 200},
    {"application/alto-error+json, application/alto-networkmap+json;q=0.001", 200},
    {"text/html, */*;q=0.1", 200},
    {"text/html", 406},
    {"text/*", 406},
    {"application/alto-error+json", 406},
    {"application/alto-networkmap+json;q=0", 406},
    {"application/alto-networkmap+json; q=0.000, */*", 406},
    {"application/alto-networkmap+json, */*;q=0", 200},
    {"*/*;q=0", 406},
    {"application/*;q=0, */*", 406},
    {"application/json", 406},
    {"application/alto-networkmap", 406},
    {"application/alto-networkmap+json;charset=utf-8", 200},
    {"x/y;a=\",application/alto-networkmap+json\"", 406},
};

/* Conformance: T-07, E-15. */
START_TEST(acceptance)
{
    struct alto_fixture f;

    begin(&f);
    if (accepts[_i].accept)
        alto_fixture_header(&f, "Accept", accepts[_i].accept);
    ck_assert_msg(alto_fixture_get(&f, NET) == accepts[_i].status, "%s: %d", accepts[_i].accept,
                  f.response.status);
    if (f.response.status == 406)
        is_alto_error(&f, 406);
    alto_fixture_fini(&f);
}
END_TEST

static const struct {
    const char *type;
    int status;
} types[] = {
    {FTYPE, 200},
    {FTYPE "; charset=utf-8", 200},
    {FTYPE ";charset=\"UTF-8\"", 200},
    {"Application/Alto-NetworkMapFilter+JSON", 200},
    {FTYPE "; charset=iso-8859-1", 415},
    {"application/json", 415},
    {"application/alto-costmapfilter+json", 415},
    {"application/alto-networkmapfilter+jsonx", 415},
    {"", 415},
};

/* Conformance: T-08, E-15. */
START_TEST(content_type)
{
    struct alto_fixture f;

    begin(&f);
    alto_fixture_post(&f, FILTER, types[_i].type, ONE);
    ck_assert_msg(f.response.status == types[_i].status, "%s: %d", types[_i].type,
                  f.response.status);
    if (f.response.status == 415)
        is_alto_error(&f, 415);
    alto_fixture_fini(&f);
}
END_TEST

static char *tag_of(struct alto_fixture *f, const char *path, const char *coding)
{
    struct str tag;

    if (coding)
        alto_fixture_header(f, "Accept-Encoding", coding);
    ck_assert_int_eq(alto_fixture_get(f, path), 200);
    tag = alto_fixture_got(f, "ETag");
    ck_assert(tag.n > 2 && tag.p[0] == '"' && tag.p[tag.n - 1] == '"');
    return strndup(tag.p, tag.n);
}

static int conditional(struct alto_fixture *f, const char *tags, const char *since)
{
    if (tags)
        alto_fixture_header(f, "If-None-Match", tags);
    if (since)
        alto_fixture_header(f, "If-Modified-Since", since);
    return alto_fixture_get(f, NET);
}

/* Conformance: T-11, N-04, G-06. */
START_TEST(conditions)
{
    struct alto_fixture f;
    char *tag, list[200];

    begin(&f);
    tag = tag_of(&f, NET, NULL);
    ck_assert(alto_str_is(alto_fixture_got(&f, "Last-Modified"), "Thu, 01 Jan 2026 23:59:50 GMT"));
    ck_assert(alto_str_is(alto_fixture_got(&f, "Cache-Control"), "no-cache"));
    ck_assert(alto_str_is(alto_fixture_got(&f, "Vary"), "Accept, Accept-Encoding"));
    ck_assert_int_eq(conditional(&f, tag, NULL), 304);
    ck_assert_uint_eq(alto_fixture_body(&f).n, 0);
    ck_assert(alto_str_is(alto_fixture_got(&f, "ETag"), tag));
    ck_assert(alto_str_is(alto_fixture_got(&f, "Vary"), "Accept, Accept-Encoding"));
    ck_assert(alto_fixture_got(&f, "Cache-Control").n > 0);
    snprintf(list, sizeof list, "\"a,b\", W/%s", tag);
    ck_assert_int_eq(conditional(&f, list, NULL), 304);
    ck_assert_int_eq(conditional(&f, "*", NULL), 304);
    ck_assert_int_eq(conditional(&f, "\"other\"", NULL), 200);
    /* If-None-Match is what counts. */
    ck_assert_int_eq(conditional(&f, "\"other\"", "Thu, 01 Jan 2026 23:59:50 GMT"), 200);
    ck_assert_int_eq(conditional(&f, tag, "Thu, 01 Jan 2015 23:59:50 GMT"), 304);
    ck_assert_int_eq(conditional(&f, NULL, "Thu, 01 Jan 2026 23:59:50 GMT"), 304);
    ck_assert_int_eq(conditional(&f, NULL, "Thu, 01 Jan 2026 23:59:49 GMT"), 200);
    ck_assert_int_eq(conditional(&f, NULL, "yesterday"), 200);
    /* Of each resource the time of its own data. */
    ck_assert_int_eq(alto_fixture_get(&f, "/alto/net-cost-num-routingcost"), 200);
    ck_assert(alto_str_is(alto_fixture_got(&f, "Last-Modified"), "Thu, 01 Jan 2026 23:59:55 GMT"));
    free(tag);
    alto_fixture_fini(&f);
}
END_TEST

static void gunzip(const struct alto_fixture *f, struct bytes *out)
{
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    struct str body = alto_fixture_body(f);
    size_t n = 0;

    ck_assert(bytes_reserve(out, 1 << 20));
    ck_assert_int_eq(libdeflate_gzip_decompress(d, body.p, body.n, out->data, 1 << 20, &n),
                     LIBDEFLATE_SUCCESS);
    out->len = n;
    libdeflate_free_decompressor(d);
}

/* Conformance: T-12, T-13. */
START_TEST(stored_codings)
{
    struct alto_fixture f;
    const struct alto_resource *r;
    struct bytes text = {0};
    char *plain, *gzip, *zstd;

    begin(&f);
    r = alto_find_path(f.server.catalog, STR(NET));
    /* Not compressed yet: the text serves all the same. */
    plain = tag_of(&f, NET, "gzip");
    ck_assert_uint_eq(alto_fixture_got(&f, "Content-Encoding").n, 0);
    alto_catalog_compress(f.server.catalog);
    gzip = tag_of(&f, NET, "gzip, deflate");
    ck_assert(alto_str_is(alto_fixture_got(&f, "Content-Encoding"), "gzip"));
    ck_assert_ptr_eq(f.response.shared, r->bodies->coded[ALTO_GZIP]);
    gunzip(&f, &text);
    ck_assert(str_eq((struct str){text.data, text.len},
                     (struct str){r->bodies->text->data, r->bodies->text->len}));
    zstd = tag_of(&f, NET, "gzip;q=0.5, zstd");
    ck_assert(alto_str_is(alto_fixture_got(&f, "Content-Encoding"), "zstd"));
    ck_assert_str_ne(plain, gzip);
    ck_assert_str_ne(plain, zstd);
    ck_assert_str_ne(gzip, zstd);
    free(tag_of(&f, NET, "gzip;q=0, *;q=0"));
    ck_assert_uint_eq(alto_fixture_got(&f, "Content-Encoding").n, 0);
    free(tag_of(&f, NET, "br"));
    ck_assert_uint_eq(alto_fixture_got(&f, "Content-Encoding").n, 0);
    /* Who has the text need not get it again because it is compressed now. */
    alto_fixture_header(&f, "Accept-Encoding", "gzip");
    ck_assert_int_eq(conditional(&f, plain, NULL), 304);
    ck_assert(alto_str_is(alto_fixture_got(&f, "ETag"), plain));
    ck_assert_int_eq(conditional(&f, gzip, NULL), 200);
    bytes_free(&text);
    free(plain);
    free(gzip);
    free(zstd);
    alto_fixture_fini(&f);
}
END_TEST

/* Conformance: T-13. */
START_TEST(coded_answers_to_post)
{
    struct alto_fixture f;
    struct bytes text = {0};

    begin(&f);
    alto_fixture_header(&f, "Accept-Encoding", "gzip");
    ck_assert_int_eq(alto_fixture_post(&f, FILTER, FTYPE, ONE), 200);
    ck_assert_uint_eq(alto_fixture_got(&f, "Content-Encoding").n, 0); /* short */
    alto_fixture_header(&f, "Accept-Encoding", "gzip");
    ck_assert_int_eq(alto_fixture_post(&f, FILTER, FTYPE, "{\"pids\":[\"LONG\"]}"), 200);
    ck_assert(alto_str_is(alto_fixture_got(&f, "Content-Encoding"), "gzip"));
    ck_assert(alto_str_is(alto_fixture_got(&f, "Vary"), "Accept, Accept-Encoding"));
    gunzip(&f, &text);
    ck_assert_int_eq(alto_fixture_post(&f, FILTER, FTYPE, "{\"pids\":[\"LONG\"]}"), 200);
    ck_assert_uint_eq(alto_fixture_got(&f, "Content-Encoding").n, 0);
    ck_assert(str_eq((struct str){text.data, text.len}, alto_fixture_body(&f)));
    bytes_free(&text);
    alto_fixture_fini(&f);
}
END_TEST

/* Equal data, equal bodies, whoever reads them again; other data, another tag. */
/* Conformance: N-04, T-11, T-12. */
START_TEST(generations)
{
    struct alto_fixture f, again;
    const struct shared_body *before;
    char *tag, *cost, *other;

    begin(&f);
    begin(&again);
    tag = tag_of(&f, NET, NULL);
    cost = tag_of(&f, COST, NULL);
    other = tag_of(&again, NET, NULL);
    ck_assert_str_eq(tag, other);
    free(other);
    alto_catalog_compress(f.server.catalog);
    before = alto_find_path(f.server.catalog, STR(COST))->bodies->text;
    change(&f, "PID2", "5");
    /* The network map is another one in memory, and says the same. */
    other = tag_of(&f, NET, "gzip");
    ck_assert(alto_str_is(alto_fixture_got(&f, "Content-Encoding"), "gzip"));
    free(other);
    ck_assert_int_eq(conditional(&f, tag, NULL), 304);
    ck_assert_ptr_eq(alto_find_path(f.server.catalog, STR(COST))->bodies->text, before);
    change(&f, "PID2", "6");
    ck_assert_int_eq(conditional(&f, tag, NULL), 304);
    other = tag_of(&f, COST, NULL);
    ck_assert_str_ne(cost, other);
    free(other);
    free(tag);
    free(cost);
    alto_fixture_fini(&f);
    alto_fixture_fini(&again);
}
END_TEST

/* Conformance: T-18. */
START_TEST(no_bom)
{
    struct alto_fixture f;

    begin(&f);
    ck_assert_int_eq(alto_fixture_get(&f, NET), 200);
    ck_assert(alto_fixture_body(&f).p[0] == '{');
    alto_fixture_fini(&f);
}
END_TEST

/* A map that knows more address types than there are: what goes out has those that are registered.
 */
/* Conformance: N-07. */
START_TEST(registered_address_types)
{
    static const char text[] =
        "{\"meta\":{\"vtag\":{\"resource-id\":\"net\",\"tag\":\"t1\"}},\"network-map\":{\"PID1\":{"
        "\"mac\":[\"00-11-22-33-44-55\"],\"ipv4\":[\"0.0.0.0/0\"],\"priv:x\":[\"y\"]},\"PID2\":{"
        "\"ipv6\":[\"::/0\"]},\"PID3\":{\"mac\":[]}}}";
    static const char cost_text[] =
        "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"net\",\"tag\":\"t1\"}],\"cost-type\":{"
        "\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\"}},\"cost-map\":{}}";
    struct alto_fixture f;
    struct offer_cost cost = {0};
    struct offer_network network = {.costs = &cost, .cost_count = 1, .default_pid = PIDX_NONE};
    struct alto_offer offer = {.base = STR("/alto"), .networks = &network, .network_count = 1};
    json_t *got, *want;

    alto_fixture_init(&f);
    network.map = alto_fixture_network(&f, text);
    cost.map = alto_fixture_cost(&f, network.map, cost_text);
    alto_fixture_offer(&f, &offer);
    want = json_loads(
        "{\"PID1\":{\"ipv4\":[\"0.0.0.0/0\"]},\"PID2\":{\"ipv6\":[\"::/0\"]},\"PID3\":{}}", 0,
        NULL);
    ck_assert_int_eq(alto_fixture_get(&f, NET), 200);
    got = alto_fixture_json(&f);
    ck_assert(json_equal(json_object_get(got, "network-map"), want));
    json_decref(got);
    ck_assert_int_eq(alto_fixture_post(&f, "/alto/net-filter",
                                       "application/alto-networkmapfilter+json", "{\"pids\":[]}"),
                     200);
    got = alto_fixture_json(&f);
    ck_assert(json_equal(json_object_get(got, "network-map"), want));
    json_decref(got);
    json_decref(want);
    ck_assert_int_eq(alto_fixture_post(&f, "/alto/endpoint-prop",
                                       "application/alto-endpointpropparams+json",
                                       "{\"properties\":[\"net.pid\"],\"endpoints\":["
                                       "\"mac:00-11-22-33-44-55\"]}"),
                     400);
    alto_fixture_fini(&f);
}
END_TEST

START_TEST(counters)
{
    struct alto_fixture f;

    begin(&f);
    alto_fixture_get(&f, NET);
    alto_fixture_get(&f, NET);
    conditional(&f, "*", NULL);
    alto_fixture_post(&f, FILTER, FTYPE, "{}");
    alto_fixture_get(&f, "/alto/nothing");
    ck_assert_uint_eq(f.metrics.v[METRIC_ALTO_NETWORK_MAP_2XX], 2);
    ck_assert_uint_eq(f.metrics.v[METRIC_ALTO_NETWORK_MAP_3XX], 1);
    ck_assert_uint_eq(f.metrics.v[METRIC_ALTO_NOT_MODIFIED], 1);
    ck_assert_uint_eq(f.metrics.v[METRIC_ALTO_NETWORK_FILTER_4XX], 1);
    ck_assert_uint_eq(f.metrics.v[METRIC_ALTO_NOTHING_4XX], 1);
    ck_assert_uint_gt(f.metrics.v[METRIC_ALTO_BYTES], 200);
    alto_fixture_fini(&f);
}
END_TEST

/* Conformance: O-04. */
START_TEST(groups)
{
    struct alto_fixture f;
    struct offer_cost cost = {0};
    struct offer_network networks[2];
    struct alto_offer offer = {
        .base = STR("/alto"), .networks = networks, .network_count = 2, .group_count = 2};
    json_t *got;

    alto_fixture_init(&f);
    make_texts("PID2", "5");
    networks[0] = (struct offer_network){.costs = &cost, .cost_count = 1, .groups = 1};
    networks[0].map = alto_fixture_network(&f, network_text);
    cost.map = alto_fixture_cost(&f, networks[0].map, routing_text);
    networks[1] = networks[0];
    networks[1].id = STR("inner");
    networks[1].groups = 2;
    alto_fixture_offer(&f, &offer);
    f.server.groups = alto_fixture_groups;
    f.server.groups_arg = &f;
    for (unsigned group = 0; group < 2; group++) {
        f.groups = UINT64_C(1) << group;
        ck_assert_int_eq(alto_fixture_get(&f, "/alto/net"), group ? 404 : 200);
        ck_assert_int_eq(alto_fixture_get(&f, "/alto/inner"), group ? 200 : 404);
        ck_assert_int_eq(alto_fixture_get(&f, "/alto"), 200);
        ck_assert(alto_fixture_got_has(&f, "Cache-Control", "private"));
        got = alto_fixture_json(&f);
        ck_assert_str_eq(json_string_value(json_object_get(json_object_get(got, "meta"),
                                                           "default-alto-network-map")),
                         group ? "inner" : "net");
        ck_assert_ptr_null(
            json_object_get(json_object_get(got, "resources"), group ? "net" : "inner"));
        ck_assert_uint_eq(json_object_size(json_object_get(got, "resources")), 6);
        json_decref(got);
    }
    f.groups = 3; /* in both: all of it */
    ck_assert_int_eq(alto_fixture_get(&f, "/alto"), 200);
    got = alto_fixture_json(&f);
    ck_assert_uint_eq(json_object_size(json_object_get(got, "resources")), 12);
    json_decref(got);
    f.groups = 0;
    ck_assert_int_eq(alto_fixture_get(&f, "/alto/net"), 401);
    ck_assert_int_eq(alto_fixture_get(&f, "/alto/nothing"), 401);
    f.user = STR("somebody");
    ck_assert_int_eq(alto_fixture_get(&f, "/alto/net"), 404);
    alto_fixture_fini(&f);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("alto_server");
    TCase *t = tcase_create("http");

    tcase_add_test(t, media_types);
    tcase_add_test(t, methods);
    tcase_add_test(t, no_such_resource);
    tcase_add_test(t, not_ready);
    tcase_add_test(t, refused_by_the_engine);
    tcase_add_loop_test(t, acceptance, 0, (int)(sizeof accepts / sizeof *accepts));
    tcase_add_loop_test(t, content_type, 0, (int)(sizeof types / sizeof *types));
    tcase_add_test(t, conditions);
    tcase_add_test(t, stored_codings);
    tcase_add_test(t, coded_answers_to_post);
    tcase_add_test(t, generations);
    tcase_add_test(t, no_bom);
    tcase_add_test(t, registered_address_types);
    tcase_add_test(t, counters);
    tcase_add_test(t, groups);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    SRunner *r = srunner_create(suite());
    int failed;

    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
