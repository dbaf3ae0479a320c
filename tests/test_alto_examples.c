/* The example messages of the RFCs: their maps are served, their requests sent, and the answers are
 * theirs, where the examples do not contradict each other. */
#include "base/http_date.h"
#include "tests/alto_fixture.h"

#define EXAMPLES TEST_DATA "/alto-examples/"

static char *read_example(const char *name)
{
    char path[512];
    struct bytes b = {0};
    struct err e = {0};

    snprintf(path, sizeof path, EXAMPLES "%s.json", name);
    ck_assert_msg(file_read(path, 1 << 20, &b, &e) == ERR_OK, "%s", e.text);
    return b.data;
}

/* PIDs and the tag of the RFCs' cost maps. */
#define NETWORK(tag)                                                                               \
    "{\"meta\":{\"vtag\":{\"resource-id\":\"my-default-network-map\",\"tag\":\"" tag "\"}},"       \
    "\"network-map\":{\"PID1\":{\"ipv4\":[\"192.0.2.0/24\",\"198.51.100.0/25\"]},"                 \
    "\"PID2\":{\"ipv4\":[\"198.51.100.128/25\"]},"                                                 \
    "\"PID3\":{\"ipv4\":[\"0.0.0.0/0\"],\"ipv6\":[\"::/0\"]}}}"
#define TAG "3ee2cb7e8d63d9fab71b9b34cbf764436315542e"
#define COSTS(metric, map)                                                                         \
    "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"my-default-network-map\",\"tag\":\"" TAG   \
    "\"}],\"cost-type\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"" metric                    \
    "\"}},\"cost-map\":" map "}"

static void offer(struct alto_fixture *f, const struct netmap *m, const struct offer_cost *costs,
                  size_t count)
{
    struct offer_network n = {.map = m,
                              .costs = costs,
                              .cost_count = count,
                              .default_pid = PIDX_NONE,
                              .modified_ms = ALTO_NOW_MS};
    struct alto_offer o = {.base = STR("/alto"), .networks = &n, .network_count = 1};

    alto_fixture_offer(f, &o);
}

static void posts(struct alto_fixture *f, const char *path, const char *type, const char *request)
{
    char *body = read_example(request);

    ck_assert_msg(alto_fixture_post(f, path, type, body) == 200, "%s: %d %.*s", request,
                  f->response.status, (int)f->response.body.n, f->response.body.p);
    free(body);
}

static void is_example(struct alto_fixture *f, const char *name)
{
    char *want = read_example(name);

    alto_fixture_is_json(f, want);
    free(want);
}

#define FILTER "application/alto-costmapfilter+json"

/* Conformance: M-01, M-02, F-01, F-04. */
START_TEST(rfc7285_network_maps)
{
    struct alto_fixture f;
    struct offer_cost cost = {0};
    const struct netmap *m;
    char *text = read_example("rfc7285-11.2.1.7-02-resp-200-networkmap");

    alto_fixture_init(&f);
    m = alto_fixture_network(&f, text);
    free(text);
    cost.map = alto_fixture_cost(
        &f, m,
        "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"my-default-network-map\",\"tag\":"
        "\"da65eca2eb7a10ce8b059740b0b2e3f8eb1d4785\"}],\"cost-type\":{\"cost-mode\":\"ordinal\","
        "\"cost-metric\":\"routingcost\"}},\"cost-map\":{\"PID1\":{\"PID2\":1}}}");
    offer(&f, m, &cost, 1);
    ck_assert_int_eq(alto_fixture_get(&f, "/alto/my-default-network-map"), 200);
    is_example(&f, "rfc7285-11.2.1.7-02-resp-200-networkmap");
    /* The example's answer has 198.51.100.0/24 in both PIDs; this one is of the map of 11.2.1.7. */
    posts(&f, "/alto/my-default-network-map-filter", "application/alto-networkmapfilter+json",
          "rfc7285-11.3.1.7-01-req-POST-networkmapfilter");
    alto_fixture_is_json(
        &f, "{\"meta\":{\"vtag\":{\"resource-id\":\"my-default-network-map\",\"tag\":"
            "\"da65eca2eb7a10ce8b059740b0b2e3f8eb1d4785\"}},\"network-map\":{\"PID1\":{\"ipv4\":["
            "\"192.0.2.0/24\",\"198.51.100.0/25\"]},\"PID2\":{\"ipv4\":[\"198.51.100.128/25\"]}}}");
    alto_fixture_fini(&f);
}
END_TEST

/* Conformance: C-01, C-03, C-04. */
START_TEST(rfc7285_cost_map)
{
    struct alto_fixture f;
    struct offer_cost cost = {0};
    const struct netmap *m;
    char *text = read_example("rfc7285-11.2.3.7-02-resp-200-costmap");

    alto_fixture_init(&f);
    m = alto_fixture_network(&f, NETWORK(TAG));
    cost.map = alto_fixture_cost(&f, m, text);
    free(text);
    offer(&f, m, &cost, 1);
    ck_assert_int_eq(alto_fixture_get(&f, "/alto/my-default-network-map-cost-num-routingcost"),
                     200);
    is_example(&f, "rfc7285-11.2.3.7-02-resp-200-costmap");
    alto_fixture_fini(&f);
}
END_TEST

/* Conformance: F-06, F-07, F-13. */
START_TEST(rfc7285_filtered_cost_map)
{
    struct alto_fixture f;
    struct offer_cost cost = {0};
    const struct netmap *m;

    alto_fixture_init(&f);
    m = alto_fixture_network(&f, NETWORK("75ed013b3cb58f896e839582504f622838ce670f"));
    cost.map = alto_fixture_cost(
        &f, m,
        "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"my-default-network-map\",\"tag\":"
        "\"75ed013b3cb58f896e839582504f622838ce670f\"}],\"cost-type\":{\"cost-mode\":\"numerical\","
        "\"cost-metric\":\"routingcost\"}},\"cost-map\":{\"PID1\":{\"PID1\":0,\"PID2\":1,"
        "\"PID3\":2},\"PID2\":{\"PID1\":7}}}");
    offer(&f, m, &cost, 1);
    posts(&f, "/alto/my-default-network-map-cost-filter", FILTER,
          "rfc7285-11.3.2.7-01-req-POST-costmapfilter");
    is_example(&f, "rfc7285-11.3.2.7-02-resp-200-costmap");
    alto_fixture_fini(&f);
}
END_TEST

/* Conformance. */
START_TEST(rfc8189_multi_cost)
{
    struct alto_fixture f;
    const struct costmap *both[COSTMAP_TYPES_MAX];
    struct offer_cost costs[3] = {{0}};
    unsigned count = 0;
    const struct netmap *m;
    struct err e = {0};
    char *text = read_example("rfc8189-5.2-02-resp-200-costmap.repaired");

    alto_fixture_init(&f);
    m = alto_fixture_network(&f, NETWORK(TAG));
    ck_assert_msg(costmap_parse_multi(text, strlen(text), m, f.maps, both, &count, &e) == ERR_OK,
                  "%s", e.text);
    free(text);
    ck_assert_uint_eq(count, 2);
    costs[0].map = both[0];
    costs[1].map = both[1];
    costs[2].map = alto_fixture_cost(
        &f, m,
        COSTS("sceneryrate", "{\"PID1\":{\"PID1\":16,\"PID3\":19},\"PID2\":{\"PID1\":3,\"PID2\":8},"
                             "\"PID3\":{\"PID3\":19}}"));
    offer(&f, m, costs, 3);
#define MULTI "/alto/my-default-network-map-cost-filter"
    posts(&f, MULTI, FILTER, "rfc8189-5.2-01-req-POST-costmapfilter");
    is_example(&f, "rfc8189-5.2-02-resp-200-costmap.repaired");
    /* 5.3 has 5 where 5.2 has 2. */
    posts(&f, MULTI, FILTER, "rfc8189-5.3-01-req-POST-costmapfilter.repaired");
    alto_fixture_is_json(
        &f, "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"my-default-network-map\",\"tag\":"
            "\"" TAG "\"}],\"cost-type\":{},\"multi-cost-types\":[{\"cost-mode\":\"numerical\","
            "\"cost-metric\":\"routingcost\"},{\"cost-mode\":\"numerical\",\"cost-metric\":"
            "\"shoesize\"}]},\"cost-map\":{\"PID1\":{\"PID1\":[1,0],\"PID3\":[10,2]},"
            "\"PID2\":{\"PID2\":[1,0]}}}");
    posts(&f, MULTI, FILTER, "rfc8189-5.4-01-req-POST-costmapfilter");
    is_example(&f, "rfc8189-5.4-02-resp-200-costmap.repaired");
    posts(&f, MULTI, FILTER, "rfc8189-5.5-01-req-POST-costmapfilter");
    is_example(&f, "rfc8189-5.5-02-resp-200-costmap.repaired");
    alto_fixture_fini(&f);
}
END_TEST

/* Conformance: D-03, D-04, D-07, D-08. */
START_TEST(rfc8896_calendar)
{
    struct alto_fixture f;
    struct offer_cost costs[2] = {{0}};
    const struct netmap *m;
    json_t *got, *want, *attributes;
    uint64_t start_s = 0;
    char *text = read_example("rfc8896-5.1.3-02-resp-200-costmap");

    alto_fixture_init(&f);
    m = alto_fixture_network(&f, NETWORK(TAG));
    costs[0].map = alto_fixture_cost(&f, m, COSTS("routingcost", "{\"PID1\":{\"PID2\":1}}"));
    costs[1].calendar = alto_fixture_cost(&f, m, text);
    costs[1].map = costmap_slot(costs[1].calendar, 2);
    free(text);
    offer(&f, m, costs, 2);
    posts(&f, "/alto/my-default-network-map-cost-filter", FILTER,
          "rfc8896-5.1.3-01-req-POST-costmapfilter");
    got = alto_fixture_json(&f);
    attributes = json_array_get(
        json_object_get(json_object_get(got, "meta"), "calendar-response-attributes"), 0);
    ck_assert_int_eq(http_date_parse(str_from(json_string_value(
                                         json_object_get(attributes, "calendar-start-time"))),
                                     &start_s, NULL),
                     ERR_OK);
    ck_assert_uint_eq(start_s, 1561986000); /* 1 July 2019, 13:00: which was no Tuesday */
    ck_assert_uint_le(start_s * 1000, f.now_ms);
    json_object_set_new(attributes, "calendar-start-time",
                        json_string("Tue, 1 Jul 2019 13:00:00 GMT"));
    text = read_example("rfc8896-5.1.3-02-resp-200-costmap");
    want = json_loads(text, 0, NULL);
    ck_assert(alto_json_same(got, want));
    free(text);
    json_decref(got);
    json_decref(want);
    /* The GET map has the values of now alone. */
    ck_assert_int_eq(alto_fixture_get(&f, "/alto/my-default-network-map-cost-num-throughputrating"),
                     200);
    got = alto_fixture_json(&f);
    ck_assert_ptr_null(
        json_object_get(json_object_get(got, "meta"), "calendar-response-attributes"));
    ck_assert_int_eq(json_integer_value(json_object_get(
                         json_object_get(json_object_get(got, "cost-map"), "PID1"), "PID2")),
                     15);
    json_decref(got);
    alto_fixture_fini(&f);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("alto_examples");
    TCase *t = tcase_create("examples");

    tcase_add_test(t, rfc7285_network_maps);
    tcase_add_test(t, rfc7285_cost_map);
    tcase_add_test(t, rfc7285_filtered_cost_map);
    tcase_add_test(t, rfc8189_multi_cost);
    tcase_add_test(t, rfc8896_calendar);
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
