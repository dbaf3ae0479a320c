/* Endpoint costs as RFC 7285, 8189, 8896 and 9439 show them: a network in which each address of an
 * example's answer is a PID, with the costs of the answer; the example's request must give it. */
#include "tests/alto_fixture.h"

#define ECS "application/alto-endpointcostparams+json"

struct world {
    struct alto_fixture f;
    json_t *request, *answer;
    json_t *pids; /* address -> name of its PID */
};

static json_t *load(const char *name)
{
    json_error_t e;
    char path[256];
    json_t *v;

    snprintf(path, sizeof path, TEST_DATA "/alto-examples/%s.json", name);
    v = json_load_file(path, 0, &e);
    ck_assert_msg(v != NULL, "%s: %s", path, e.text);
    return v;
}

/* Each address once, "p0", "p1", ... */
static void name_pid(struct world *w, const char *address, json_t *network)
{
    char name[16];
    bool v6 = strncmp(address, "ipv6:", 5) == 0;

    if (json_object_get(w->pids, address))
        return;
    snprintf(name, sizeof name, "p%zu", json_object_size(w->pids));
    json_object_set_new(w->pids, address, json_string(name));
    json_object_set_new(
        network, name,
        json_pack("{s:[s+]}", v6 ? "ipv6" : "ipv4", address + 5, v6 ? "/128" : "/32"));
}

static const struct netmap *make_network(struct world *w)
{
    json_t *network = json_object(), *whole, *list, *v;
    const struct netmap *map;
    const char *lists[] = {"srcs", "dsts"};
    size_t k;
    char *text;

    for (unsigned i = 0; i < 2; i++) {
        list = json_object_get(json_object_get(w->request, "endpoints"), lists[i]);
        json_array_foreach(list, k, v) name_pid(w, json_string_value(v), network);
    }
    whole = json_pack("{s:{s:{s:s,s:s}},s:o}", "meta", "vtag", "resource-id", "net", "tag", "t",
                      "network-map", network);
    text = json_dumps(whole, 0);
    map = alto_fixture_network(&w->f, text);
    free(text);
    json_decref(whole);
    return map;
}

/* The answer's costs between the PIDs; of several types those at `place`. */
static json_t *make_pairs(struct world *w, int place)
{
    json_t *pairs = json_object(), *row, *cost, *to;
    const char *src, *dst;

    json_object_foreach(json_object_get(w->answer, "endpoint-cost-map"), src, row)
    {
        to = json_object();
        json_object_foreach(row, dst, cost)
            json_object_set(to, json_string_value(json_object_get(w->pids, dst)),
                            place < 0 ? cost : json_array_get(cost, (size_t)place));
        json_object_set_new(pairs, json_string_value(json_object_get(w->pids, src)), to);
    }
    return pairs;
}

/* calendar: NULL, or what meta has of it. */
static const struct costmap *make_cost(struct world *w, const struct netmap *m, const json_t *type,
                                       int place, const json_t *calendar)
{
    json_t *whole =
        json_pack("{s:{s:[{s:s,s:s}],s:O},s:o}", "meta", "dependent-vtags", "resource-id", "net",
                  "tag", "t", "cost-type", type, "cost-map", make_pairs(w, place));
    const struct costmap *c;
    char *text;

    if (calendar)
        json_object_set_new(json_object_get(whole, "meta"), "calendar-response-attributes",
                            json_pack("[O]", calendar));
    text = json_dumps(whole, JSON_REAL_PRECISION(17));
    c = alto_fixture_cost(&w->f, m, text);
    free(text);
    json_decref(whole);
    return c;
}

static void world_init(struct world *w, json_t *request, json_t *answer)
{
    alto_fixture_init(&w->f);
    w->request = request;
    w->answer = answer;
    w->pids = json_object();
}

static void world_fini(struct world *w)
{
    alto_fixture_fini(&w->f);
    json_decref(w->request);
    json_decref(w->answer);
    json_decref(w->pids);
}

static void serve(struct world *w, const struct netmap *m, const struct offer_cost *costs, size_t n)
{
    struct offer_network network = {
        .map = m, .costs = costs, .cost_count = n, .default_pid = PIDX_NONE};
    struct alto_offer offer = {.base = STR("/alto"), .networks = &network, .network_count = 1};

    alto_fixture_offer(&w->f, &offer);
}

static json_t *ask(struct world *w)
{
    char *body = json_dumps(w->request, 0);
    struct str got;

    alto_fixture_post(&w->f, "/alto/net-endpoint-cost", ECS, body);
    got = alto_fixture_body(&w->f);
    ck_assert_msg(w->f.response.status == 200, "%s: %.*s", body, (int)got.n, got.p);
    free(body);
    return alto_fixture_json(&w->f);
}

static void same(const json_t *got, const json_t *want)
{
    char *g = json_dumps(got, JSON_ENCODE_ANY), *x = json_dumps(want, JSON_ENCODE_ANY);

    ck_assert_msg(alto_json_same(got, want), "got %s\nwant %s", g, x);
    free(g);
    free(x);
}

/* Another cost map for routingcost, which every network map has. */
static const struct costmap *routing(struct world *w, const struct netmap *m)
{
    json_t *type = json_pack("{s:s,s:s}", "cost-mode", "numerical", "cost-metric", "routingcost");
    json_t *answer = w->answer;
    const struct costmap *c;

    w->answer = json_object();
    c = make_cost(w, m, type, -1, NULL);
    json_decref(w->answer);
    w->answer = answer;
    json_decref(type);
    return c;
}

static const char *const single[][2] = {
    {"rfc7285-11.5.1.7-01-req-POST-endpointcostparams",
     "rfc7285-11.5.1.7-02-resp-200-endpointcost"},
    {"rfc9439-4.1.3-01-req-POST-endpointcostparams", "rfc9439-4.1.3-02-resp-200-endpointcost"},
    {"rfc9439-4.1.3-03-req-POST-endpointcostparams", "rfc9439-4.1.3-04-resp-200-endpointcost"},
    {"rfc9439-4.2.3-01-req-POST-endpointcostparams", "rfc9439-4.2.3-02-resp-200-endpointcost"},
    {"rfc9439-4.3.3-01-req-POST-endpointcostparams", "rfc9439-4.3.3-02-resp-200-endpointcost"},
    {"rfc9439-4.4.3-01-req-POST-endpointcostparams", "rfc9439-4.4.3-02-resp-200-endpointcost"},
    {"rfc9439-4.5.3-01-req-POST-endpointcostparams", "rfc9439-4.5.3-02-resp-200-endpointcost"},
    {"rfc9439-5.1.3-01-req-POST-endpointcostparams", "rfc9439-5.1.3-02-resp-200-endpointcost"},
    {"rfc9439-5.2.3-01-req-POST-endpointcostparams", "rfc9439-5.2.3-02-resp-200-endpointcost"},
    {"rfc9439-5.3.3-01-req-POST-endpointcostparams", "rfc9439-5.3.3-02-resp-200-endpointcost"},
};

/* Conformance: S-05, S-07, G-01. */
START_TEST(one_cost_type)
{
    struct offer_cost costs[2] = {0};
    const struct netmap *m;
    const char *metric;
    struct world w;
    json_t *type, *got;

    world_init(&w, load(single[_i][0]), load(single[_i][1]));
    m = make_network(&w);
    type = json_object_get(w.request, "cost-type");
    costs[0].map = make_cost(&w, m, type, -1, NULL);
    metric = json_string_value(json_object_get(type, "cost-metric"));
    if (strcmp(metric, "routingcost") != 0)
        costs[1].map = routing(&w, m);
    serve(&w, m, costs, costs[1].map ? 2 : 1);
    got = ask(&w);
    same(got, w.answer);
    json_decref(got);
    world_fini(&w);
}
END_TEST

/* RFC 7285 section 11.5.1.7 again, of numerical costs alone: the ranks are made. */
/* Conformance: N-15, S-05. */
START_TEST(ranks_are_made)
{
    json_t *type = json_pack("{s:s,s:s}", "cost-mode", "numerical", "cost-metric", "routingcost");
    json_t *raw = json_loads("{\"endpoint-cost-map\":{\"ipv4:192.0.2.2\":{\"ipv4:192.0.2.89\":2.5,"
                             "\"ipv4:198.51.100.34\":7,\"ipv4:203.0.113.45\":100}}}",
                             0, NULL);
    struct offer_cost cost = {0};
    json_t *want = load(single[0][1]), *got;
    const struct netmap *m;
    struct world w;

    world_init(&w, load(single[0][0]), raw);
    m = make_network(&w);
    cost.map = make_cost(&w, m, type, -1, NULL);
    serve(&w, m, &cost, 1);
    got = ask(&w);
    same(got, want);
    json_decref(got);
    json_decref(want);
    json_decref(type);
    world_fini(&w);
}
END_TEST

/* RFC 8189 section 5.6. Its answer has pairs that its own or-constraints leave out ([15, 5], [4,
 * 23] and [16, 5] meet neither group): with these costs [10, 2] alone passes. */
/* Conformance: X-14. */
START_TEST(rfc8189_5_6)
{
    static const char body[] =
        "{\"multi-cost-types\":[{\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\"},"
        "{\"cost-mode\":\"numerical\",\"cost-metric\":\"shoesize\"}],\"or-constraints\":[["
        "\"[0] le 10\",\"[1] le 2\"],[\"[0] le 3\",\"[1] le 6\"]],\"endpoints\":{\"srcs\":["
        "\"ipv4:192.0.2.2\",\"ipv6:2001:db8::1:0\"],\"dsts\":[\"ipv4:192.0.2.89\","
        "\"ipv4:198.51.100.34\",\"ipv4:203.0.113.45\",\"ipv6:2001:db8::10\"]}}";
    struct offer_cost costs[2] = {0};
    const struct netmap *m;
    struct world w;
    json_t *got, *want, *types;

    world_init(&w, json_loads(body, 0, NULL),
               load("rfc8189-5.6-04-resp-200-endpointcost.repaired"));
    m = make_network(&w);
    types = json_object_get(w.request, "multi-cost-types");
    for (size_t i = 0; i < 2; i++)
        costs[i].map = make_cost(&w, m, json_array_get(types, i), (int)i, NULL);
    serve(&w, m, costs, 2);
    got = ask(&w);
    want = json_loads("{\"ipv6:2001:db8::1:0\":{\"ipv6:2001:db8::10\":[10,2]}}", 0, NULL);
    same(json_object_get(got, "endpoint-cost-map"), want);
    same(json_object_get(json_object_get(got, "meta"), "multi-cost-types"), types);
    json_decref(got);
    json_decref(want);
    /* Without the constraints: all that the answer of the RFC has. */
    json_object_del(w.request, "or-constraints");
    got = ask(&w);
    same(json_object_get(got, "endpoint-cost-map"), json_object_get(w.answer, "endpoint-cost-map"));
    json_decref(got);
    world_fini(&w);
}
END_TEST

/* RFC 8896 section 5.2.3; the date's day of the week is mended by the server (30 June 2019 was a
 * Sunday). */
/* Conformance: X-14, D-08. */
START_TEST(rfc8896_5_2_3)
{
    struct offer_cost cost = {0};
    json_t *got, *calendar, *given;
    const struct netmap *m;
    struct world w;

    world_init(&w, load("rfc8896-5.2.3-01-req-POST-endpointcostparams"),
               load("rfc8896-5.2.3-03-json"));
    m = make_network(&w);
    calendar = json_array_get(
        json_object_get(json_object_get(w.answer, "meta"), "calendar-response-attributes"), 0);
    json_object_set_new(calendar, "calendar-start-time",
                        json_string("Sun, 30 Jun 2019 00:00:00 GMT"));
    cost.calendar = make_cost(&w, m, json_object_get(w.request, "cost-type"), -1, calendar);
    cost.map = costmap_slot(cost.calendar, 0);
    serve(&w, m, &cost, 1);
    w.f.now_ms = UINT64_C(1561852800000) + 3600000; /* an hour into it */
    got = ask(&w);
    same(json_object_get(got, "endpoint-cost-map"), json_object_get(w.answer, "endpoint-cost-map"));
    given = json_array_get(
        json_object_get(json_object_get(got, "meta"), "calendar-response-attributes"), 0);
    same(json_object_get(given, "calendar-start-time"),
         json_object_get(calendar, "calendar-start-time"));
    same(json_object_get(given, "number-of-intervals"),
         json_object_get(calendar, "number-of-intervals"));
    same(json_object_get(given, "time-interval-size"),
         json_object_get(calendar, "time-interval-size"));
    same(json_object_get(given, "repeated"), json_object_get(calendar, "repeated"));
    json_decref(got);
    world_fini(&w);
}
END_TEST

/* RFC 8896 section 5.2.4: two types, each with a calendar of its own. */
/* Conformance: X-14, D-07, D-08. */
START_TEST(rfc8896_5_2_4)
{
    static const char *const starts[] = {"Sun, 30 Jun 2019 00:00:00 GMT",
                                         "Sun, 30 Jun 2019 00:00:00 GMT"};
    struct offer_cost costs[2] = {0};
    json_t *got, *calendars, *types;
    const struct netmap *m;
    struct world w;

    world_init(&w, load("rfc8896-5.2.4-01-req-POST-endpointcostparams"),
               load("rfc8896-5.2.4-02-resp-200-endpointcost"));
    m = make_network(&w);
    types = json_object_get(w.request, "multi-cost-types");
    calendars = json_object_get(json_object_get(w.answer, "meta"), "calendar-response-attributes");
    for (size_t i = 0; i < 2; i++) {
        json_t *calendar = json_array_get(calendars, i);

        json_object_set_new(calendar, "calendar-start-time", json_string(starts[i]));
        json_object_del(calendar, "cost-type-names");
        costs[i].calendar = make_cost(&w, m, json_array_get(types, i), (int)i, calendar);
        costs[i].map = costmap_slot(costs[i].calendar, 0);
    }
    serve(&w, m, costs, 2);
    w.f.now_ms = UINT64_C(1561852800000) + 60000;
    got = ask(&w);
    same(json_object_get(got, "endpoint-cost-map"), json_object_get(w.answer, "endpoint-cost-map"));
    ck_assert_uint_eq(json_array_size(json_object_get(json_object_get(got, "meta"),
                                                      "calendar-response-attributes")),
                      2);
    json_decref(got);
    world_fini(&w);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("alto_endpoint_rfc");
    TCase *t = tcase_create("alto_endpoint_rfc");
    SRunner *r;
    int failed;

    tcase_add_loop_test(t, one_cost_type, 0, sizeof single / sizeof *single);
    tcase_add_test(t, ranks_are_made);
    tcase_add_test(t, rfc8189_5_6);
    tcase_add_test(t, rfc8896_5_2_3);
    tcase_add_test(t, rfc8896_5_2_4);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
