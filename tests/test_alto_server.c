#include "alto/server.h"

#include "tests/alto_fixture.h"

static const char network_text[] =
    "{\"meta\":{\"vtag\":{\"resource-id\":\"net\",\"tag\":\"t1\"}},\"network-map\":{"
    "\"PID1\":{\"ipv4\":[\"192.0.2.0/24\",\"198.51.100.0/25\"]},"
    "\"PID2\":{\"ipv4\":[\"198.51.100.128/25\"],\"ipv6\":[\"2001:db8::/32\"]},"
    "\"PID3\":{\"ipv4\":[\"0.0.0.0/0\"],\"ipv6\":[\"::/0\"]},\"PID4\":{}}}";

static const char routing_text[] =
    "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"net\",\"tag\":\"t1\"}],\"cost-type\":{"
    "\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\"}},\"cost-map\":{"
    "\"PID1\":{\"PID1\":1,\"PID2\":5,\"PID3\":10},\"PID2\":{\"PID1\":5,\"PID2\":1,\"PID3\":15.5},"
    "\"PID3\":{\"PID1\":20,\"PID2\":15}}}";

static void begin(struct alto_fixture *f)
{
    const struct netmap *m;
    struct offer_cost cost = {.modified_ms = ALTO_NOW_MS - 5000};
    struct offer_network network = {.costs = &cost,
                                    .cost_count = 1,
                                    .default_pid = PIDX_NONE,
                                    .modified_ms = ALTO_NOW_MS - 10000};
    struct alto_offer offer = {.base = STR("/alto"), .networks = &network, .network_count = 1};

    alto_fixture_init(f);
    m = alto_fixture_network(f, network_text);
    network.map = m;
    cost.map = alto_fixture_cost(f, m, routing_text);
    alto_fixture_offer(f, &offer);
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

static Suite *suite(void)
{
    Suite *s = suite_create("alto_server");
    TCase *t = tcase_create("http");

    tcase_add_test(t, media_types);
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
