/* From maps to a catalog: names, what the directory says of them, and what is refused. */
#include "alto/offer.h"

#include "tests/alto_fixture.h"

#define NETWORK                                                                                    \
    "{\"meta\":{\"vtag\":{\"resource-id\":\"net\",\"tag\":\"t1\"}},\"network-map\":{"              \
    "\"PID1\":{\"ipv4\":[\"0.0.0.0/0\"]},\"PID2\":{}}}"
#define COSTS(mode, metric, more)                                                                  \
    "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"net\",\"tag\":\"t1\"}],\"cost-type\":{"    \
    "\"cost-mode\":\"" mode "\",\"cost-metric\":\"" metric "\"}" more                              \
    "},\"cost-map\":{\"PID1\":{\"PID2\":1}}}"
#define CALENDAR                                                                                   \
    "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"net\",\"tag\":\"t1\"}],\"cost-type\":{"    \
    "\"cost-mode\":\"numerical\",\"cost-metric\":\"delay-ow\"},\"calendar-response-attributes\":[" \
    "{\"calendar-start-time\":\"Wed, 01 Jan 2025 00:00:00 GMT\",\"time-interval-size\":0.5,"       \
    "\"number-of-intervals\":2}]},\"cost-map\":{\"PID1\":{\"PID2\":[1,2]}}}"

#define COSTS_MAX 5

struct world {
    struct alto_fixture f;
    struct offer_cost costs[COSTS_MAX];
    struct offer_network networks[2];
    struct offer_link links[2];
    struct alto_offer offer;
    unsigned released;
};

static void on_release(void *arg)
{
    ((struct world *)arg)->released++;
}

/* Two network maps: of all costs, and of the first alone. */
static void begin(struct world *w)
{
    const struct netmap *m;

    memset(w, 0, sizeof *w);
    alto_fixture_init(&w->f);
    m = alto_fixture_network(&w->f, NETWORK);
    w->costs[0].map = alto_fixture_cost(&w->f, m, COSTS("numerical", "routingcost", ""));
    w->costs[0].description = STR("what a path costs");
    w->costs[1].map = alto_fixture_cost(&w->f, m, COSTS("ordinal", "routingcost", ""));
    w->costs[2].map = alto_fixture_cost(&w->f, m, COSTS("numerical", "hopcount", ""));
    w->costs[3].calendar = alto_fixture_cost(&w->f, m, CALENDAR);
    w->costs[3].map = costmap_slot(w->costs[3].calendar, 0);
    w->costs[4].map = alto_fixture_cost(&w->f, m, COSTS("numerical", "delay-ow", ""));
    w->costs[4].context = STR("{\"cost-source\":\"sla\"}");
    w->networks[0] = (struct offer_network){
        .map = m, .costs = w->costs, .cost_count = 5, .default_pid = PIDX_NONE};
    w->networks[1] = (struct offer_network){.map = m,
                                            .id = STR("alternate"),
                                            .costs = w->costs,
                                            .cost_count = 1,
                                            .default_pid = PIDX_NONE};
    w->links[0] =
        (struct offer_link){STR("custom-maps"), STR("http://custom.alto.example.com/maps"),
                            STR("application/alto-directory+json")};
    w->offer = (struct alto_offer){.base = STR("/alto"),
                                   .networks = w->networks,
                                   .network_count = 2,
                                   .links = w->links,
                                   .link_count = 1,
                                   .release = on_release,
                                   .release_arg = w};
}

static void end(struct world *w)
{
    alto_fixture_fini(&w->f);
}

static json_t *directory(struct world *w)
{
    alto_fixture_offer(&w->f, &w->offer);
    ck_assert_int_eq(alto_fixture_get(&w->f, "/alto"), 200);
    return alto_fixture_json(&w->f);
}

static json_t *entry(const json_t *ird, const char *id)
{
    json_t *v = json_object_get(json_object_get(ird, "resources"), id);

    ck_assert_msg(v != NULL, "%s", id);
    return v;
}

static void is_json(const json_t *got, const char *want)
{
    json_t *v = json_loads(want, JSON_DECODE_ANY, NULL);
    char *text = json_dumps(got, JSON_ENCODE_ANY);

    ck_assert_msg(v && alto_json_same(got, v), "got %s\nwant %s", text, want);
    free(text);
    json_decref(v);
}

/* Conformance: I-01, I-03, I-06, I-08, I-10, N-13, C-02, D-01, S-06, P-04, X-01. */
START_TEST(entries)
{
    struct world w;
    json_t *ird, *types;

    begin(&w);
    ird = directory(&w);
    is_json(json_object_get(json_object_get(ird, "meta"), "default-alto-network-map"), "\"net\"");
    types = json_object_get(json_object_get(ird, "meta"), "cost-types");
    is_json(types,
            "{\"num-routingcost\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\","
            "\"description\":\"what a path costs\"},"
            "\"ord-routingcost\":{\"cost-mode\":\"ordinal\",\"cost-metric\":\"routingcost\"},"
            "\"num-hopcount\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"hopcount\"},"
            "\"ord-hopcount\":{\"cost-mode\":\"ordinal\",\"cost-metric\":\"hopcount\"},"
            "\"num-delay-ow\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"delay-ow\"},"
            "\"ord-delay-ow\":{\"cost-mode\":\"ordinal\",\"cost-metric\":\"delay-ow\"},"
            "\"num-delay-ow-sla\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"delay-ow\","
            "\"cost-context\":{\"cost-source\":\"sla\"}},"
            "\"ord-delay-ow-sla\":{\"cost-mode\":\"ordinal\",\"cost-metric\":\"delay-ow\","
            "\"cost-context\":{\"cost-source\":\"sla\"}}}");
    is_json(entry(ird, "net"),
            "{\"uri\":\"/alto/net\",\"media-type\":\"application/alto-networkmap+json\"}");
    is_json(entry(ird, "net-filter"),
            "{\"uri\":\"/alto/net-filter\",\"media-type\":\"application/alto-networkmap+json\","
            "\"accepts\":\"application/alto-networkmapfilter+json\",\"uses\":[\"net\"]}");
    is_json(entry(ird, "net-cost-num-delay-ow-sla"),
            "{\"uri\":\"/alto/net-cost-num-delay-ow-sla\",\"media-type\":"
            "\"application/alto-costmap+json\",\"capabilities\":{\"cost-type-names\":["
            "\"num-delay-ow-sla\"]},\"uses\":[\"net\"]}");
    is_json(entry(ird, "net-cost-filter"),
            "{\"uri\":\"/alto/net-cost-filter\",\"media-type\":\"application/alto-costmap+json\","
            "\"accepts\":\"application/alto-costmapfilter+json\",\"capabilities\":{"
            "\"cost-type-names\":[\"num-routingcost\",\"ord-routingcost\",\"num-hopcount\","
            "\"num-delay-ow\",\"num-delay-ow-sla\",\"ord-hopcount\",\"ord-delay-ow\","
            "\"ord-delay-ow-sla\"],\"cost-constraints\":true,\"max-cost-types\":8,"
            "\"calendar-attributes\":[{\"cost-type-names\":[\"num-delay-ow\"],"
            "\"time-interval-size\":0.5,\"number-of-intervals\":2}]},\"uses\":[\"net\"]}");
    is_json(entry(ird, "alternate-endpoint-cost"),
            "{\"uri\":\"/alto/alternate-endpoint-cost\",\"media-type\":"
            "\"application/alto-endpointcost+json\",\"accepts\":"
            "\"application/alto-endpointcostparams+json\",\"capabilities\":{\"cost-type-names\":["
            "\"num-routingcost\",\"ord-routingcost\"],\"cost-constraints\":true,"
            "\"max-cost-types\":2}}");
    is_json(json_object_get(entry(ird, "endpoint-prop"), "capabilities"),
            "{\"prop-types\":[\"net.pid\",\"alternate.pid\"]}");
    is_json(entry(ird, "custom-maps"), "{\"uri\":\"http://custom.alto.example.com/maps\","
                                       "\"media-type\":\"application/alto-directory+json\"}");
    /* As a map of its own it is served only because it was given. */
    entry(ird, "net-cost-ord-routingcost");
    ck_assert_ptr_null(json_object_get(json_object_get(ird, "resources"), "net-cost-ord-hopcount"));
    json_decref(ird);
    end(&w);
    ck_assert_uint_eq(w.released, 1);
}
END_TEST

static void check_names(const json_t *list, const json_t *known, const char *what)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));

        ck_assert_msg(json_object_get(known, name) != NULL, "%s: %s", what, name);
        for (size_t k = 0; k < i; k++)
            ck_assert_msg(strcmp(name, json_string_value(json_array_get(list, k))) != 0, "%s: %s",
                          what, name);
    }
}

/* Every name that is used is there; every URI of ours answers with the media type that it names. */
/* Conformance: I-04, I-05, I-08, T-05, D-01, D-04. */
START_TEST(the_directory_holds)
{
    struct world w;
    json_t *ird, *r, *types;
    const char *id;

    begin(&w);
    w.offer.origin = STR("https://alto.example.com");
    w.offer.updates = w.offer.tips = true;
    ird = directory(&w);
    types = json_object_get(json_object_get(ird, "meta"), "cost-types");
    json_object_foreach(json_object_get(ird, "resources"), id, r)
    {
        const json_t *can = json_object_get(r, "capabilities");
        const char *uri = json_string_value(json_object_get(r, "uri"));

        check_names(json_object_get(can, "cost-type-names"), types, id);
        check_names(json_object_get(r, "uses"), json_object_get(ird, "resources"), id);
        if (strcmp(id, "custom-maps") == 0)
            continue;
        ck_assert_msg(strncmp(uri, "https://alto.example.com/alto/", 30) == 0, "%s", uri);
        ck_assert_int_eq(alto_fixture_ask(&w.f, HTTP_OPTIONS, uri + 24, (struct str){0}), 204);
        ck_assert_msg(alto_fixture_got_has(&w.f, "Allow", "POST") ==
                          (json_object_get(r, "accepts") != NULL),
                      "%s", id);
        if (json_object_get(r, "accepts"))
            continue;
        ck_assert_int_eq(alto_fixture_get(&w.f, uri + 24), 200);
        ck_assert(
            alto_str_is(w.f.response.type, json_string_value(json_object_get(r, "media-type"))));
    }
    json_decref(ird);
    end(&w);
}
END_TEST

static void is_refused(struct world *w, const char *why)
{
    struct alto_catalog *c = NULL;
    struct err e = {0};

    w->released = 0;
    ck_assert_int_ne(alto_offer_build(&w->offer, NULL, &c, &e), ERR_OK);
    ck_assert_ptr_null(c);
    ck_assert_msg(strstr(e.text, why) != NULL, "%s", e.text);
    ck_assert_uint_eq(w->released, 1);
}

/* Conformance: N-02, N-13, N-14, G-04, I-05. */
START_TEST(refused)
{
    struct world w;

    begin(&w);
    w.networks[1].id = STR("net");
    is_refused(&w, "two resources have the id \"net\"");
    w.networks[1].id = STR("net-filter");
    is_refused(&w, "two resources have the id \"net-filter\"");
    w.networks[1].id = STR("a b");
    is_refused(&w, "is not a resource id");
    w.networks[1].id = STR("alternate");
    w.links[0].id = STR("net");
    is_refused(&w, "two resources have the id \"net\"");
    w.links[0].id = STR("custom-maps");
    w.costs[2].map = w.costs[0].map;
    is_refused(&w, "two cost maps of one network map have the numerical cost routingcost");
    w.costs[2].map = w.costs[4].map;
    w.costs[2].context = w.costs[4].context;
    is_refused(&w, "two cost maps of one network map have the numerical cost delay-ow");
    w.costs[2].context = STR("{\"cost-source\":\"me\"}");
    is_refused(&w, "cost-source");
    w.networks[1].cost_count = 0;
    w.networks[0].cost_count = 2;
    is_refused(&w, "routingcost");
    end(&w);
}
END_TEST

/* What an offer cannot say, but a catalog could. */
/* What a cost map says of its own metric is served as it says it: also where a service level
 * agreement is, or how an estimate was made. */
/* Conformance: G-03, G-08. */
START_TEST(contexts_are_served)
{
    static const char sla[] = "{\"cost-source\":\"sla\",\"parameters\":{\"link\":"
                              "\"https://sla.example.com/gold\"}}",
                      estimate[] = "{\"cost-source\":\"estimation\",\"parameters\":{\"method\":"
                                   "\"twamp\",\"rfc\":\"RFC 5357\"}}";
    static const char text[] =
        "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"net\",\"tag\":\"t1\"}],\"cost-type\":{"
        "\"cost-mode\":\"numerical\",\"cost-metric\":\"%s\",\"cost-context\":%s}},\"cost-map\":{"
        "\"PID1\":{\"PID2\":1}}}";
    const struct netmap *m;
    json_t *ird, *types, *map;
    char one[600];
    struct world w;

    begin(&w);
    m = w.networks[0].map;
    snprintf(one, sizeof one, text, "delay-ow:p95", sla);
    w.costs[1] = (struct offer_cost){.map = alto_fixture_cost(&w.f, m, one)};
    snprintf(one, sizeof one, text, "lossrate", estimate);
    w.costs[2] = (struct offer_cost){.map = alto_fixture_cost(&w.f, m, one)};
    w.networks[0].cost_count = 3;
    ird = directory(&w);
    types = json_object_get(json_object_get(ird, "meta"), "cost-types");
    is_json(json_object_get(json_object_get(types, "num-delay-ow:p95-sla"), "cost-context"), sla);
    is_json(json_object_get(json_object_get(types, "num-lossrate"), "cost-context"), estimate);
    ck_assert_int_eq(alto_fixture_get(&w.f, "/alto/net-cost-num-lossrate"), 200);
    map = alto_fixture_json(&w.f);
    is_json(
        json_object_get(json_object_get(json_object_get(map, "meta"), "cost-type"), "cost-context"),
        estimate);
    json_decref(map);
    json_decref(ird);
    end(&w);
}
END_TEST

/* Conformance: X-02, G-04. */
START_TEST(checked)
{
    static const bool testable[16] = {true};
    const struct alto_cost *twice[2];
    struct alto_resource *r;
    struct err e = {0};
    struct world w;

    begin(&w);
    alto_fixture_offer(&w.f, &w.offer);
    ck_assert_int_eq(alto_catalog_check(w.f.server.catalog, &e), ERR_OK);
    r = (struct alto_resource *)(uintptr_t)alto_find_id(w.f.server.catalog, STR("net-cost-filter"));
    r->testable = testable;
    ck_assert_int_eq(alto_catalog_check(w.f.server.catalog, &e), ERR_CONFLICT);
    ck_assert_msg(strstr(e.text, "testable-cost-type-names"), "%s", e.text);
    r->constraints = false;
    e = (struct err){0};
    ck_assert_int_eq(alto_catalog_check(w.f.server.catalog, &e), ERR_OK);
    twice[0] = twice[1] = r->costs[0];
    r->costs = twice;
    r->cost_count = 2;
    ck_assert_int_eq(alto_catalog_check(w.f.server.catalog, &e), ERR_CONFLICT);
    ck_assert_msg(strstr(e.text, "two of its cost types"), "%s", e.text);
    end(&w);
}
END_TEST

/* The tag that is served for the network map of this text, and that its cost map depends on. */
static char *served_tag(const char *network)
{
    struct alto_fixture f;
    struct offer_cost cost = {0};
    struct offer_network n = {.costs = &cost, .cost_count = 1, .default_pid = PIDX_NONE};
    struct alto_offer offer = {.base = STR("/alto"), .networks = &n, .network_count = 1};
    json_t *map, *depends;
    char *tag, costs[512];

    alto_fixture_init(&f);
    n.map = alto_fixture_network(&f, network);
    snprintf(costs, sizeof costs,
             "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"x\",\"tag\":\"%s\"}],"
             "\"cost-type\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\"}},"
             "\"cost-map\":{\"a\":{\"b\":1}}}",
             n.map->vtag.tag);
    cost.map = alto_fixture_cost(&f, n.map, costs);
    alto_fixture_offer(&f, &offer);
    ck_assert_int_eq(alto_fixture_get(&f, "/alto/networkmap"), 200);
    map = alto_fixture_json(&f);
    ck_assert_int_eq(alto_fixture_get(&f, "/alto/networkmap-cost-num-routingcost"), 200);
    depends = alto_fixture_json(&f);
    ck_assert(json_equal(
        json_object_get(json_object_get(map, "meta"), "vtag"),
        json_array_get(json_object_get(json_object_get(depends, "meta"), "dependent-vtags"), 0)));
    tag = strdup(json_string_value(
        json_object_get(json_object_get(json_object_get(map, "meta"), "vtag"), "tag")));
    json_decref(map);
    json_decref(depends);
    alto_fixture_fini(&f);
    return tag;
}

/* Without a tag in the text: equal content, equal tag, in any order, also behind a restart. */
/* Conformance: M-03, N-04, C-03. */
START_TEST(tags)
{
    char *first = served_tag("{\"meta\":{},\"network-map\":{\"a\":{\"ipv4\":[\"10.0.0.0/8\","
                             "\"192.0.2.0/24\"]},\"b\":{}}}");
    char *same = served_tag("{\"network-map\":{\"b\":{},\"a\":{\"ipv4\":[\"192.0.2.0/24\","
                            "\"10.0.0.0/8\"]}},\"meta\":{}}");
    char *other = served_tag("{\"meta\":{},\"network-map\":{\"a\":{\"ipv4\":[\"10.0.0.0/8\","
                             "\"192.0.2.0/25\"]},\"b\":{}}}");

    ck_assert_str_eq(first, same);
    ck_assert_str_ne(first, other);
    free(first);
    free(same);
    free(other);
}
END_TEST

/* Lines of a whole map are short enough to be an event's data. */
/* Conformance: U-19. */
START_TEST(lines_are_bounded)
{
    struct alto_fixture f;
    struct bytes n = {0}, c = {0};
    struct offer_cost cost = {0};
    struct offer_network network = {.costs = &cost, .cost_count = 1, .default_pid = PIDX_NONE};
    struct alto_offer offer = {.base = STR("/alto"), .networks = &network, .network_count = 1};

    alto_fixture_init(&f);
    ck_assert(bytes_printf(&n, "{\"meta\":{\"vtag\":{\"resource-id\":\"net\",\"tag\":\"t1\"}},"
                               "\"network-map\":{\"p\":{\"ipv4\":["));
    for (unsigned i = 0; i < 3000; i++)
        ck_assert(bytes_printf(&n, "%s\"10.%u.%u.0/24\"", i ? "," : "", i / 256, i % 256));
    ck_assert(bytes_printf(&n, "]}"));
    ck_assert(bytes_printf(&c, "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"net\",\"tag\":"
                               "\"t1\"}],\"cost-type\":{\"cost-mode\":\"numerical\","
                               "\"cost-metric\":\"routingcost\"}},\"cost-map\":{"));
    for (unsigned i = 0; i < 100; i++) {
        ck_assert(bytes_printf(&n, ",\"pid%u\":{}", i));
        ck_assert(bytes_printf(&c, "%s\"pid%u\":{", i ? "," : "", i));
        for (unsigned k = 0; k < 100; k++)
            ck_assert(bytes_printf(&c, "%s\"pid%u\":%u.%u", k ? "," : "", k, i, k));
        ck_assert(bytes_printf(&c, "}"));
    }
    ck_assert(bytes_printf(&n, "}}") && bytes_printf(&c, "}}"));
    network.map = alto_fixture_network(&f, n.data);
    cost.map = alto_fixture_cost(&f, network.map, c.data);
    alto_fixture_offer(&f, &offer);
    for (unsigned i = 0; i < 2; i++) {
        const struct alto_bodies *b =
            alto_find_id(f.server.catalog, i ? STR("net-cost-num-routingcost") : STR("net"))
                ->bodies;
        size_t line = 0, longest = 0;

        for (size_t k = 0; k < b->text->len; k++) {
            line = b->text->data[k] == '\n' ? 0 : line + 1;
            longest = line > longest ? line : longest;
        }
        ck_assert_uint_gt(b->newline_every, 0);
        ck_assert_uint_le(longest, b->newline_every);
    }
    bytes_free(&n);
    bytes_free(&c);
    alto_fixture_fini(&f);
}
END_TEST

/* Doubles come back as they were given. */
/* Conformance: N-16. */
START_TEST(doubles)
{
    struct world w;
    static const char *const given[] = {"0.1",
                                        "1e-300",
                                        "1.7976931348623157e308",
                                        "5e-324",
                                        "0.30000000000000004",
                                        "123456789.123456789",
                                        "1.0"};
    char text[512];
    json_t *got;

    begin(&w);
    for (unsigned i = 0; i < sizeof given / sizeof *given; i++) {
        snprintf(text, sizeof text,
                 "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"net\",\"tag\":\"t1\"}],"
                 "\"cost-type\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\"}},"
                 "\"cost-map\":{\"PID1\":{\"PID2\":%s}}}",
                 given[i]);
        w.costs[0].map = alto_fixture_cost(&w.f, w.networks[0].map, text);
        alto_fixture_offer(&w.f, &w.offer);
        ck_assert_int_eq(alto_fixture_get(&w.f, "/alto/net-cost-num-routingcost"), 200);
        got = alto_fixture_json(&w.f);
        ck_assert_msg(json_number_value(json_object_get(
                          json_object_get(json_object_get(got, "cost-map"), "PID1"), "PID2")) ==
                          strtod(given[i], NULL),
                      "%s", given[i]);
        json_decref(got);
        /* And a constraint at the bound holds. */
        snprintf(text, sizeof text,
                 "{\"cost-type\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\"},"
                 "\"constraints\":[\"eq %s\"]}",
                 given[i]);
        ck_assert_int_eq(alto_fixture_post(&w.f, "/alto/net-cost-filter",
                                           "application/alto-costmapfilter+json", text),
                         200);
        got = alto_fixture_json(&w.f);
        ck_assert_uint_eq(json_object_size(json_object_get(got, "cost-map")), 1);
        json_decref(got);
    }
    end(&w);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("alto_offer");
    TCase *t = tcase_create("offer");

    tcase_add_test(t, entries);
    tcase_add_test(t, the_directory_holds);
    tcase_add_test(t, refused);
    tcase_add_test(t, contexts_are_served);
    tcase_add_test(t, checked);
    tcase_add_test(t, tags);
    tcase_add_test(t, lines_are_bounded);
    tcase_add_test(t, doubles);
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
