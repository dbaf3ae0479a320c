/* Requests for filtered maps: what they select, and the one error that a wrong one gets. */
#include <math.h>

#include "alto/cost_request.h"
#include "base/hash.h"
#include "tests/alto_fixture.h"

#define NETWORK                                                                                    \
    "{\"meta\":{\"vtag\":{\"resource-id\":\"net\",\"tag\":\"t1\"}},\"network-map\":{"              \
    "\"PID1\":{\"ipv4\":[\"192.0.2.0/24\",\"198.51.100.0/25\"]},"                                  \
    "\"PID2\":{\"ipv4\":[\"198.51.100.128/25\"],\"ipv6\":[\"2001:db8::/32\"]},"                    \
    "\"PID3\":{\"ipv4\":[\"0.0.0.0/0\"],\"ipv6\":[\"::/0\"]},\"PID4\":{}}}"
#define META(metric, more)                                                                         \
    "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"net\",\"tag\":\"t1\"}],\"cost-type\":{"    \
    "\"cost-mode\":\"numerical\",\"cost-metric\":\"" metric "\"}" more "},\"cost-map\":"
#define ROUTING                                                                                    \
    META("routingcost", "")                                                                        \
    "{\"PID1\":{\"PID1\":1,\"PID2\":5,\"PID3\":10},\"PID2\":{\"PID1\":5,\"PID2\":1,"               \
    "\"PID3\":15.5},\"PID3\":{\"PID1\":20,\"PID2\":15.5}}}"
#define HOPS                                                                                       \
    META("hopcount", "")                                                                           \
    "{\"PID1\":{\"PID1\":0,\"PID2\":3,\"PID3\":2},\"PID2\":{\"PID3\":9}}}"
#define CALENDAR                                                                                   \
    META("priv:busy", ",\"calendar-response-attributes\":[{\"calendar-start-time\":"               \
                      "\"Wed, 01 Jan 2025 00:00:00 GMT\",\"time-interval-size\":3600,"             \
                      "\"number-of-intervals\":3}]")                                               \
    "{\"PID1\":{\"PID1\":[1,2,3],\"PID2\":[4,null,6]}}}"

#define NET_FILTER  "/alto/net-filter"
#define COST_FILTER "/alto/net-cost-filter"
#define PLAIN       "/alto/net-cost-num-hopcount" /* made into a filter without capabilities */

/* The filter as the offer makes it; one as of RFC 7285 without constraints in place of a map; one
 * with testable cost types where endpoint costs would be. */
static void reshape(struct alto_catalog *c)
{
    struct alto_resource *r = (struct alto_resource *)(uintptr_t)alto_find_path(c, str_from(PLAIN));
    const struct alto_resource *full = alto_find_path(c, str_from(COST_FILTER));
    static const bool testable[16] = {true, true};

    r->kind = ALTO_COST_FILTER;
    r->accepts = alto_kind_accepts(r->kind);
    r->costs = full->costs;
    r->cost_count = full->cost_count;
    r = (struct alto_resource *)(uintptr_t)alto_find_path(c, STR("/alto/net-endpoint-cost"));
    r->kind = ALTO_COST_FILTER;
    r->accepts = alto_kind_accepts(r->kind);
    r->constraints = false;
    r->testable = testable;
    r->max_cost_types = 2;
}

static void begin(struct alto_fixture *f)
{
    struct offer_cost costs[3] = {{0}};
    struct offer_network network = {.costs = costs, .cost_count = 3, .default_pid = PIDX_NONE};
    struct alto_offer offer = {.base = STR("/alto"), .networks = &network, .network_count = 1};

    alto_fixture_init(f);
    network.map = alto_fixture_network(f, NETWORK);
    costs[0].map = alto_fixture_cost(f, network.map, ROUTING);
    costs[1].map = alto_fixture_cost(f, network.map, HOPS);
    costs[2].calendar = alto_fixture_cost(f, network.map, CALENDAR);
    costs[2].map = costmap_slot(costs[2].calendar, 0);
    alto_fixture_offer(f, &offer);
    reshape(f->server.catalog);
}

#define NUM(metric) "{\"cost-mode\":\"numerical\",\"cost-metric\":\"" metric "\"}"
#define ORD(metric) "{\"cost-mode\":\"ordinal\",\"cost-metric\":\"" metric "\"}"
#define CT          "\"cost-type\":" NUM("routingcost")
#define CT_HOPS     "\"cost-type\":" NUM("hopcount")
#define CT_BUSY     "\"cost-type\":" NUM("priv:busy")
#define BOTH        "\"multi-cost-types\":[" NUM("routingcost") "," NUM("hopcount") "]"
#define BAD         "E_INVALID_FIELD_VALUE"
#define TYPE        "E_INVALID_FIELD_TYPE"
#define MISSING     "E_MISSING_FIELD"
#define TESTABLE    "/alto/net-endpoint-cost"

/* value NULL: there is none in the answer. */
// clang-format off
static const struct {
    const char *path, *body, *code, *field, *value;
} errors[] = {
    {NET_FILTER, "", "E_SYNTAX", NULL, NULL},
    {NET_FILTER, "{ \"pids\": }", "E_SYNTAX", NULL, NULL},
    {NET_FILTER, "{\"pids\":[]} x", "E_SYNTAX", NULL, NULL},
    {NET_FILTER, "{\"pids\":[],\"pids\":[\"PID1\"]}", "E_SYNTAX", NULL, NULL},
    {NET_FILTER, "{\"pids\":[1e999]}", "E_SYNTAX", NULL, NULL},
    {NET_FILTER, "{\"pids\":[NaN]}", "E_SYNTAX", NULL, NULL},
    {NET_FILTER, "{\"pids\":[\"\xff\"]}", "E_SYNTAX", NULL, NULL},
    {NET_FILTER, "{\"pids\":[\"\xc0\xaf\"]}", "E_SYNTAX", NULL, NULL},
    {NET_FILTER, "\xef\xbb\xbf{\"pids\":[]}", "E_SYNTAX", NULL, NULL},
    {NET_FILTER, "[]", TYPE, NULL, NULL},
    {NET_FILTER, "1", TYPE, NULL, NULL},
    {NET_FILTER, "null", TYPE, NULL, NULL},
    {NET_FILTER, "\"pids\"", TYPE, NULL, NULL},
    {NET_FILTER, "{}", MISSING, "pids", NULL},
    {NET_FILTER, "{\"pids\":\"PID1\"}", TYPE, "pids", NULL},
    {NET_FILTER, "{\"pids\":{}}", TYPE, "pids", NULL},
    {NET_FILTER, "{\"pids\":null}", TYPE, "pids", NULL},
    {NET_FILTER, "{\"pids\":[\"PID1\",5]}", BAD, "pids", "5"},
    {NET_FILTER, "{\"pids\":[\"PID1\",5.5]}", BAD, "pids", "5.5"},
    {NET_FILTER, "{\"pids\":[null]}", BAD, "pids", "null"},
    {NET_FILTER, "{\"pids\":[[\"PID1\"]]}", BAD, "pids", "[\"PID1\"]"},
    {NET_FILTER, "{\"pids\":[{\"a\":true}]}", BAD, "pids", "{\"a\":true}"},
    {NET_FILTER, "{\"pids\":[],\"address-types\":\"ipv4\"}", TYPE, "address-types", NULL},
    {NET_FILTER, "{\"pids\":[],\"address-types\":[4]}", BAD, "address-types", "4"},
    {NET_FILTER, "{\"pids\":[5],\"address-types\":4}", BAD, "pids", "5"},

    {COST_FILTER, "{}", MISSING, "cost-type", NULL},
    {COST_FILTER, "{\"pids\":5}", MISSING, "cost-type", NULL},
    {COST_FILTER, "{\"cost-type\":[]}", TYPE, "cost-type", NULL},
    {COST_FILTER, "{\"cost-type\":\"routingcost\"}", TYPE, "cost-type", NULL},
    {COST_FILTER, "{\"cost-type\":null}", TYPE, "cost-type", NULL},
    {COST_FILTER, "{\"cost-type\":{}}", MISSING, "cost-type/cost-mode", NULL},
    {COST_FILTER, "{\"cost-type\":{\"cost-metric\":\"routingcost\"}}", MISSING, "cost-type/cost-mode", NULL},
    {COST_FILTER, "{\"cost-type\":{\"cost-mode\":\"numerical\"}}", MISSING, "cost-type/cost-metric", NULL},
    {COST_FILTER, "{\"cost-type\":{\"cost-mode\":1,\"cost-metric\":\"routingcost\"}}", TYPE, "cost-type/cost-mode", NULL},
    {COST_FILTER, "{\"cost-type\":{\"cost-mode\":\"numerical\",\"cost-metric\":[]}}", TYPE, "cost-type/cost-metric", NULL},
    {COST_FILTER, "{\"cost-type\":{\"cost-mode\":\"foo\",\"cost-metric\":\"routingcost\"}}", BAD, "cost-type/cost-mode", "foo"},
    {COST_FILTER, "{\"cost-type\":" NUM("foo") "}", BAD, "cost-type/cost-metric", "foo"},
    {COST_FILTER, "{\"cost-type\":{\"cost-mode\":\"bar\",\"cost-metric\":\"foo\"}}", BAD, "cost-type/cost-metric", "foo"},
    {COST_FILTER, "{\"cost-type\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\",\"cost-context\":1}}", TYPE, "cost-type/cost-context", NULL},
    {COST_FILTER, "{\"cost-type\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\",\"cost-context\":{\"cost-source\":\"me\"}}}", BAD, "cost-type/cost-context/cost-source", "me"},
    {COST_FILTER, "{\"cost-type\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\",\"cost-context\":{\"cost-source\":\"sla\"}}}", BAD, "cost-type/cost-context", "{\"cost-source\":\"sla\"}"},
    {COST_FILTER, "{" CT ",\"pids\":[]}", TYPE, "pids", NULL},
    {COST_FILTER, "{" CT ",\"pids\":{}}", MISSING, "pids/srcs", NULL},
    {COST_FILTER, "{" CT ",\"pids\":{\"srcs\":[]}}", MISSING, "pids/dsts", NULL},
    {COST_FILTER, "{" CT ",\"pids\":{\"srcs\":{},\"dsts\":[]}}", TYPE, "pids/srcs", NULL},
    {COST_FILTER, "{" CT ",\"pids\":{\"srcs\":[],\"dsts\":\"PID1\"}}", TYPE, "pids/dsts", NULL},
    {COST_FILTER, "{" CT ",\"pids\":{\"srcs\":[],\"dsts\":[true]}}", BAD, "pids/dsts", "true"},
    {COST_FILTER, "{" CT ",\"constraints\":\"le 5\"}", TYPE, "constraints", NULL},
    {COST_FILTER, "{" CT ",\"constraints\":[1]}", BAD, "constraints", "1"},
    {COST_FILTER, "{" CT ",\"constraints\":[\"ne 10\"]}", BAD, "constraints", "ne 10"},
    {COST_FILTER, "{" CT ",\"constraints\":[\"le\"]}", BAD, "constraints", "le"},
    {COST_FILTER, "{" CT ",\"constraints\":[\"le x\"]}", BAD, "constraints", "le x"},
    {COST_FILTER, "{" CT ",\"constraints\":[\"le 5 6\"]}", BAD, "constraints", "le 5 6"},
    {COST_FILTER, "{" CT ",\"constraints\":[\"le5\"]}", BAD, "constraints", "le5"},
    {COST_FILTER, "{" CT ",\"constraints\":[\"LE 5\"]}", BAD, "constraints", "LE 5"},
    {COST_FILTER, "{" CT ",\"constraints\":[\"le 1e999\"]}", BAD, "constraints", "le 1e999"},
    {COST_FILTER, "{" CT ",\"constraints\":[\"le nan\"]}", BAD, "constraints", "le nan"},
    {COST_FILTER, "{" CT ",\"constraints\":[\"le 0x10\"]}", BAD, "constraints", "le 0x10"},
    {COST_FILTER, "{" CT ",\"constraints\":[\"\"]}", BAD, "constraints", ""},
    {COST_FILTER, "{" CT ",\"constraints\":[\"le 5\",\"ge\"]}", BAD, "constraints", "ge"},
    {COST_FILTER, "{" CT ",\"constraints\":[\"[1] le 5\"]}", BAD, "constraints", "[1] le 5"},
    {COST_FILTER, "{" CT ",\"constraints\":[\"[x] le 5\"]}", BAD, "constraints", "[x] le 5"},
    {COST_FILTER, "{" CT ",\"constraints\":[\"[-1] le 5\"]}", BAD, "constraints", "[-1] le 5"},
    {COST_FILTER, "{" BOTH ",\"constraints\":[\"[9] le 5\"]}", BAD, "constraints", "[9] le 5"},

    {PLAIN, "{" CT ",\"constraints\":[\"le 5\"]}", BAD, "constraints", "[\"le 5\"]"},
    {PLAIN, "{" CT ",\"or-constraints\":[[\"le 5\"]]}", BAD, "or-constraints", "[[\"le 5\"]]"},
    {PLAIN, "{\"multi-cost-types\":[" NUM("hopcount") "]}", BAD, "multi-cost-types", "[" NUM("hopcount") "]"},

    {COST_FILTER, "{" CT "," BOTH "}", BAD, "cost-type", NUM("routingcost")},
    {COST_FILTER, "{\"multi-cost-types\":{}}", TYPE, "multi-cost-types", NULL},
    {COST_FILTER, "{\"multi-cost-types\":[]}", BAD, "multi-cost-types", "[]"},
    {COST_FILTER, "{\"multi-cost-types\":[5]}", BAD, "multi-cost-types", "5"},
    {COST_FILTER, "{\"multi-cost-types\":[{}]}", MISSING, "multi-cost-types/cost-mode", NULL},
    {COST_FILTER, "{\"multi-cost-types\":[" NUM("foo") "]}", BAD, "multi-cost-types", NUM("foo")},
    {TESTABLE, "{\"multi-cost-types\":[" NUM("hopcount") "," NUM("hopcount") "," NUM("hopcount") "]}", BAD, "multi-cost-types",
     "[" NUM("hopcount") "," NUM("hopcount") "," NUM("hopcount") "]"},
    {COST_FILTER, "{" CT ",\"or-constraints\":[]}", BAD, "or-constraints", "[]"},
    {COST_FILTER, "{" CT ",\"or-constraints\":[[]]}", BAD, "or-constraints", "[]"},
    {COST_FILTER, "{" CT ",\"or-constraints\":[[\"le 5\"],[]]}", BAD, "or-constraints", "[]"},
    {COST_FILTER, "{" CT ",\"or-constraints\":[\"le 5\"]}", BAD, "or-constraints", "le 5"},
    {COST_FILTER, "{" CT ",\"or-constraints\":{}}", TYPE, "or-constraints", NULL},
    {COST_FILTER, "{" CT ",\"or-constraints\":[[7]]}", BAD, "or-constraints", "7"},
    {COST_FILTER, "{" CT ",\"or-constraints\":[[\"le 5\"],[\"no 5\"]]}", BAD, "or-constraints", "no 5"},
    {COST_FILTER, "{" CT ",\"constraints\":[\"le 5\"],\"or-constraints\":[[\"le 5\"]]}", BAD, "or-constraints", "[[\"le 5\"]]"},
    {COST_FILTER, "{" CT ",\"testable-cost-types\":{}}", TYPE, "testable-cost-types", NULL},
    {COST_FILTER, "{" CT ",\"testable-cost-types\":[" NUM("foo") "]}", BAD, "testable-cost-types", NUM("foo")},
    {TESTABLE, "{" CT ",\"testable-cost-types\":[" NUM("priv:busy") "]}", BAD, "testable-cost-types", NUM("priv:busy")},
    {TESTABLE, "{" CT_BUSY ",\"constraints\":[\"le 5\"]}", BAD, "constraints", "le 5"},

    {COST_FILTER, "{" CT_BUSY ",\"calendared\":true}", TYPE, "calendared", NULL},
    {COST_FILTER, "{" CT_BUSY ",\"calendared\":[1]}", BAD, "calendared", "1"},
    {COST_FILTER, "{" CT_BUSY ",\"calendared\":[]}", BAD, "calendared", "[]"},
    {COST_FILTER, "{" CT_BUSY ",\"calendared\":[true,true]}", BAD, "calendared", "[true,true]"},
    {COST_FILTER, "{" BOTH ",\"calendared\":[true]}", BAD, "calendared", "[true]"},
};
// clang-format on

static const char *type_of(const struct alto_fixture *f, const char *path)
{
    return alto_find_path(f->server.catalog, str_from(path))->accepts.p;
}

static void is_error(const struct alto_fixture *f, const char *body, const char *code,
                     const char *field, const char *value)
{
    json_t *got = alto_fixture_json(f), *meta = json_object_get(got, "meta");
    struct str text = alto_fixture_body(f);

    ck_assert_msg(f->response.status == 400, "%s: %d", body, f->response.status);
    ck_assert(alto_str_is(f->response.type, "application/alto-error+json"));
    ck_assert_uint_eq(json_object_size(got), 1);
    ck_assert_msg(strcmp(json_string_value(json_object_get(meta, "code")), code) == 0, "%s: %.*s",
                  body, (int)text.n, text.p);
    for (unsigned i = 0; i < 2; i++) {
        const char *want = i ? value : field;
        const json_t *v = json_object_get(meta, i ? "value" : "field");

        ck_assert_msg(want ? json_is_string(v) && strcmp(json_string_value(v), want) == 0 : !v,
                      "%s: %s wanted: %.*s", body, want ? want : "none", (int)text.n, text.p);
    }
    json_decref(got);
}

/* Conformance: E-01, E-02, E-03, E-04, E-05, E-06, E-07, E-08, E-09, E-10, E-11, E-12, F-01, F-06,
 * F-09, F-10, F-12, X-01, X-04, X-05, X-09, X-11, X-12, X-13, D-05, T-18. */
START_TEST(one_error_each)
{
    struct alto_fixture f;

    begin(&f);
    alto_fixture_post(&f, errors[_i].path, type_of(&f, errors[_i].path), errors[_i].body);
    is_error(&f, errors[_i].body, errors[_i].code, errors[_i].field, errors[_i].value);
    alto_fixture_fini(&f);
}
END_TEST

/* The map of an answer, "network-map" or "cost-map", is what; its meta is looked at elsewhere. */
// clang-format off
static const struct {
    const char *path, *body, *member, *want;
} answers[] = {
    {NET_FILTER, "{\"pids\":[\"PID4\",\"PID2\",\"PID4\",\"nobody\"]}", "network-map",
     "{\"PID4\":{},\"PID2\":{\"ipv4\":[\"198.51.100.128/25\"],\"ipv6\":[\"2001:db8::/32\"]}}"},
    {NET_FILTER, "{\"pids\":[\"nobody\"]}", "network-map", "{}"},
    {NET_FILTER, "{\"pids\":[],\"address-types\":[\"ipv6\",\"ipv6\"]}", "network-map",
     "{\"PID2\":{\"ipv6\":[\"2001:db8::/32\"]},\"PID3\":{\"ipv6\":[\"::/0\"]}}"},
    {NET_FILTER, "{\"pids\":[\"PID1\",\"PID2\"],\"address-types\":[\"ipv6\",\"mac\"]}", "network-map",
     "{\"PID2\":{\"ipv6\":[\"2001:db8::/32\"]}}"},
    {NET_FILTER, "{\"pids\":[],\"address-types\":[\"mac\"]}", "network-map", "{}"},
    {NET_FILTER, "{\"pids\":[\"PID1\"],\"address-types\":[],\"else\":{\"pids\":7},\"big\":123456789012345678901234567890}", "network-map",
     "{\"PID1\":{\"ipv4\":[\"192.0.2.0/24\",\"198.51.100.0/25\"]}}"},

    {COST_FILTER, "{" CT ",\"pids\":{\"srcs\":[\"PID3\",\"nobody\",\"PID3\"],\"dsts\":[]}}", "cost-map",
     "{\"PID3\":{\"PID1\":20,\"PID2\":15.5}}"},
    {COST_FILTER, "{" CT ",\"pids\":{\"srcs\":[\"nobody\"],\"dsts\":[]}}", "cost-map", "{}"},
    {COST_FILTER, "{" CT ",\"pids\":{\"srcs\":[\"PID4\"],\"dsts\":[\"PID1\"]}}", "cost-map", "{}"},
    {COST_FILTER, "{" CT ",\"constraints\":[\"ge 5\",\"le 10\"]}", "cost-map",
     "{\"PID1\":{\"PID2\":5,\"PID3\":10},\"PID2\":{\"PID1\":5}}"},
    {COST_FILTER, "{" CT ",\"constraints\":[\"eq 15.5\"]}", "cost-map", "{\"PID2\":{\"PID3\":15.5},\"PID3\":{\"PID2\":15.5}}"},
    {COST_FILTER, "{" CT ",\"constraints\":[\"gt   1.55e1\"]}", "cost-map", "{\"PID3\":{\"PID1\":20}}"},
    {COST_FILTER, "{" CT ",\"constraints\":[\"lt\\t5\"]}", "cost-map", "{\"PID1\":{\"PID1\":1},\"PID2\":{\"PID2\":1}}"},
    {COST_FILTER, "{" CT ",\"constraints\":[\"gt 100\"]}", "cost-map", "{}"},
    {COST_FILTER, "{\"cost-type\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"hopcount\",\"description\":\"any\"},"
     "\"pids\":{\"srcs\":[\"PID2\"],\"dsts\":[]}}", "cost-map", "{\"PID2\":{\"PID3\":9}}"},
    /* Ranks are those of the pairs that were selected: 5, 10 and 15.5 of 1, 5, 10, 15.5, 20. */
    {COST_FILTER, "{\"cost-type\":" ORD("routingcost") ",\"pids\":{\"srcs\":[\"PID1\",\"PID2\"],\"dsts\":[\"PID3\",\"PID1\"]}}",
     "cost-map", "{\"PID1\":{\"PID3\":3,\"PID1\":1},\"PID2\":{\"PID1\":2,\"PID3\":4}}"},
    {COST_FILTER, "{\"cost-type\":" ORD("routingcost") ",\"constraints\":[\"le 2\"]}", "cost-map",
     "{\"PID1\":{\"PID1\":1,\"PID2\":2},\"PID2\":{\"PID1\":2,\"PID2\":1}}"},
    {COST_FILTER, "{\"cost-type\":" ORD("routingcost") "}", "cost-map",
     "{\"PID1\":{\"PID1\":1,\"PID2\":2,\"PID3\":3},\"PID2\":{\"PID1\":2,\"PID2\":1,\"PID3\":4},\"PID3\":{\"PID1\":5,\"PID2\":4}}"},

    {COST_FILTER, "{" BOTH ",\"pids\":{\"srcs\":[\"PID2\"],\"dsts\":[]}}", "cost-map",
     "{\"PID2\":{\"PID1\":[5,null],\"PID2\":[1,null],\"PID3\":[15.5,9]}}"},
    {COST_FILTER, "{\"multi-cost-types\":[" NUM("hopcount") "],\"pids\":{\"srcs\":[\"PID2\"],\"dsts\":[]}}", "cost-map",
     "{\"PID2\":{\"PID3\":[9]}}"},
    {COST_FILTER, "{\"cost-type\":{}," BOTH ",\"constraints\":[\"[1] ge 3\"]}", "cost-map",
     "{\"PID1\":{\"PID2\":[5,3]},\"PID2\":{\"PID3\":[15.5,9]}}"},
    {COST_FILTER, "{" BOTH ",\"or-constraints\":[[\"eq 10\"],[\"[1] ge 3\",\"[0] gt 10\"]]}", "cost-map",
     "{\"PID1\":{\"PID3\":[10,2]},\"PID2\":{\"PID3\":[15.5,9]}}"},
    {COST_FILTER, "{" CT ",\"testable-cost-types\":[" NUM("hopcount") "],\"constraints\":[\"[0] le 2\"]}", "cost-map",
     "{\"PID1\":{\"PID1\":1,\"PID3\":10}}"},
    {TESTABLE, "{" CT_BUSY ",\"testable-cost-types\":[" NUM("hopcount") "],\"constraints\":[\"le 0\"]}", "cost-map",
     "{\"PID1\":{\"PID1\":1}}"},
    /* The members of multi-cost are unknown to a resource of RFC 7285. */
    {PLAIN, "{" CT ",\"testable-cost-types\":5,\"pids\":{\"srcs\":[\"PID3\"],\"dsts\":[\"PID1\"]}}", "cost-map", "{\"PID3\":{\"PID1\":20}}"},

    {COST_FILTER, "{" CT_BUSY ",\"pids\":{\"srcs\":[\"PID1\"],\"dsts\":[]}}", "cost-map", "{\"PID1\":{\"PID1\":1,\"PID2\":4}}"},
    {COST_FILTER, "{" CT_BUSY ",\"calendared\":[false],\"constraints\":[\"ge 2\"]}", "cost-map", "{\"PID1\":{\"PID2\":4}}"},
    {COST_FILTER, "{" CT_BUSY ",\"calendared\":[true],\"constraints\":[\"ge 2\"]}", "cost-map",
     "{\"PID1\":{\"PID1\":[1,2,3],\"PID2\":[4,null,6]}}"},
    {COST_FILTER, "{" CT ",\"calendared\":[true],\"constraints\":[\"eq 20\"]}", "cost-map", "{\"PID3\":{\"PID1\":20}}"},
    {COST_FILTER, "{\"multi-cost-types\":[" NUM("routingcost") "," NUM("priv:busy") "],\"calendared\":[true,true],"
     "\"pids\":{\"srcs\":[\"PID1\"],\"dsts\":[\"PID1\",\"PID3\"]}}", "cost-map",
     "{\"PID1\":{\"PID1\":[1,[1,2,3]],\"PID3\":[10,[null,null,null]]}}"},
};
// clang-format on

/* Conformance: F-01, F-02, F-03, F-05, F-07, F-08, F-11, X-06, X-08, X-10, X-11, X-12, D-03, D-06,
 * D-07, D-10, N-11, N-15, T-17. */
START_TEST(what_is_selected)
{
    struct alto_fixture f;
    json_t *got, *want;
    struct str body;

    begin(&f);
    ck_assert_msg(alto_fixture_post(&f, answers[_i].path, type_of(&f, answers[_i].path),
                                    answers[_i].body) == 200,
                  "%s: %.*s", answers[_i].body, (int)f.response.body.n, f.response.body.p);
    body = alto_fixture_body(&f);
    got = alto_fixture_json(&f);
    want = json_loads(answers[_i].want, 0, NULL);
    ck_assert_msg(alto_json_same(json_object_get(got, answers[_i].member), want),
                  "%s:\n%.*s\nwant %s", answers[_i].body, (int)body.n, body.p, answers[_i].want);
    json_decref(got);
    json_decref(want);
    alto_fixture_fini(&f);
}
END_TEST

/* Conformance: F-04, F-13, X-07, D-08. */
START_TEST(what_meta_says)
{
    struct alto_fixture f;

    begin(&f);
    ck_assert_int_eq(
        alto_fixture_post(&f, NET_FILTER, type_of(&f, NET_FILTER), "{\"pids\":[\"no\"]}"), 200);
    alto_fixture_is_json(&f, "{\"meta\":{\"vtag\":{\"resource-id\":\"net\",\"tag\":\"t1\"}},"
                             "\"network-map\":{}}");
#define NOWHERE "\"pids\":{\"srcs\":[\"no\"],\"dsts\":[]}"
    alto_fixture_post(&f, COST_FILTER, type_of(&f, COST_FILTER), "{" CT_HOPS "," NOWHERE "}");
    alto_fixture_is_json(
        &f, "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"net\",\"tag\":\"t1\"}],"
            "\"cost-type\":" NUM("hopcount") "},\"cost-map\":{}}");
    alto_fixture_post(&f, COST_FILTER, type_of(&f, COST_FILTER),
                      "{\"multi-cost-types\":[" ORD("hopcount") "," NUM(
                          "priv:busy") "],\"calendared\":[true,true]," NOWHERE "}");
    alto_fixture_is_json(
        &f, "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"net\",\"tag\":\"t1\"}],"
            "\"cost-type\":{},\"multi-cost-types\":[" ORD("hopcount") "," NUM(
                "priv:busy") "],\"calendar-response-attributes\":[{\"cost-type-names\":["
                             "\"num-priv:busy\"],\"calendar-start-time\":"
                             "\"Wed, 01 Jan 2025 00:00:00 GMT\",\"time-interval-size\":3600,"
                             "\"number-of-intervals\":3}]},\"cost-map\":{}}");
    alto_fixture_fini(&f);
}
END_TEST

/* A start behind the request is never told: until then there is no calendar. */
/* Conformance: D-08. */
START_TEST(calendar_to_come)
{
    struct alto_fixture f;
    json_t *got;

    begin(&f);
    f.now_ms = UINT64_C(1735689599999); /* a millisecond too early */
    alto_fixture_post(&f, COST_FILTER, type_of(&f, COST_FILTER),
                      "{" CT_BUSY ",\"calendared\":[true],\"pids\":{\"srcs\":[\"PID1\"],\"dsts\":["
                      "\"PID1\"]}}");
    got = alto_fixture_json(&f);
    ck_assert_ptr_null(
        json_object_get(json_object_get(got, "meta"), "calendar-response-attributes"));
    json_decref(got);
    f.now_ms++;
    alto_fixture_post(&f, COST_FILTER, type_of(&f, COST_FILTER),
                      "{" CT_BUSY ",\"calendared\":[true]}");
    got = alto_fixture_json(&f);
    ck_assert_ptr_nonnull(
        json_object_get(json_object_get(got, "meta"), "calendar-response-attributes"));
    json_decref(got);
    alto_fixture_fini(&f);
}
END_TEST

/* What is there as a whole is not made again. */
/* Conformance: O-02. */
START_TEST(whole_by_reference)
{
    struct alto_fixture f;
    const struct alto_resource *r;

    begin(&f);
    r = alto_find_id(f.server.catalog, STR("net-cost-num-routingcost"));
    ck_assert_int_eq(alto_fixture_post(&f, COST_FILTER, type_of(&f, COST_FILTER), "{" CT "}"), 200);
    ck_assert_ptr_eq(f.response.shared, r->bodies->text);
    ck_assert_int_eq(alto_fixture_post(&f, COST_FILTER, type_of(&f, COST_FILTER),
                                       "{" CT ",\"pids\":{\"srcs\":[],\"dsts\":[]}}"),
                     200);
    ck_assert_ptr_eq(f.response.shared, r->bodies->text);
    ck_assert_int_eq(alto_fixture_post(&f, NET_FILTER, type_of(&f, NET_FILTER), "{\"pids\":[]}"),
                     200);
    ck_assert_ptr_eq(f.response.shared, alto_find_id(f.server.catalog, STR("net"))->bodies->text);
    alto_fixture_fini(&f);
}
END_TEST

static void is_refused(struct alto_fixture *f, const char *path, const char *body,
                       const char *limit)
{
    struct str text;

    alto_fixture_post(f, path, type_of(f, path), body);
    is_error(f, body, BAD, "pids", NULL);
    text = alto_fixture_body(f);
    ck_assert_msg(memmem(text.p, text.n, limit, strlen(limit)) != NULL, "%.*s", (int)text.n,
                  text.p);
}

/* Conformance: O-02. */
START_TEST(work_is_bounded)
{
    struct alto_fixture f;

    begin(&f);
    f.server.catalog->limits.pairs_max = 12;
    ck_assert_int_eq(alto_fixture_post(&f, COST_FILTER, type_of(&f, COST_FILTER),
                                       "{" CT ",\"pids\":{\"srcs\":[],\"dsts\":[\"PID1\",\"PID2\","
                                       "\"PID3\"]}}"),
                     200);
    is_refused(&f, COST_FILTER, "{" CT ",\"constraints\":[\"ge 0\"]}", "pairs-max");
    is_refused(&f, COST_FILTER,
               "{\"cost-type\":" ORD("routingcost") ",\"pids\":{\"srcs\":[],\"dsts\":[\"PID1\","
                                                    "\"PID2\"]}}",
               "pairs-max");
    is_refused(&f, COST_FILTER,
               "{" CT_BUSY ",\"calendared\":[true],\"pids\":{\"srcs\":[],\"dsts\":[\"PID1\"]}}",
               "pairs-max");
    f.server.catalog->limits.answer_max = 200;
    is_refused(&f, COST_FILTER, "{" CT ",\"pids\":{\"srcs\":[\"PID1\",\"PID2\"],\"dsts\":[]}}",
               "answer-max");
    is_refused(&f, NET_FILTER, "{\"pids\":[\"PID1\",\"PID2\",\"PID3\"]}", "answer-max");
    alto_fixture_fini(&f);
}
END_TEST

/* Conformance: T-19. */
START_TEST(json_bombs)
{
    struct alto_fixture f;
    struct bytes b = {0};

    begin(&f);
    for (unsigned i = 0; i < 100000; i++)
        ck_assert(bytes_printf(&b, "{\"a\":["));
    ck_assert(bytes_add(&b, "", 1));
    alto_fixture_post(&f, COST_FILTER, type_of(&f, COST_FILTER), b.data);
    is_error(&f, "depth", "E_SYNTAX", NULL, NULL);
    b.len = 0;
    ck_assert(bytes_printf(&b, "{\"pids\":["));
    for (unsigned i = 0; i < 100000; i++)
        ck_assert(bytes_printf(&b, "\"PID%u\",", i % 50000));
    ck_assert(bytes_printf(&b, "\"PID1\"]}"));
    ck_assert_int_eq(alto_fixture_post(&f, NET_FILTER, type_of(&f, NET_FILTER), b.data), 200);
    bytes_free(&b);
    alto_fixture_fini(&f);
}
END_TEST

/* order(ordinal) == order(numerical), dense from 1. */
/* Conformance: N-15. */
START_TEST(ranks_are_the_order)
{
    double values[500], ranking[500];
    uint64_t seed = 0;
    size_t n;

    hash_random(&seed, sizeof seed);
    printf("seed %llu\n", (unsigned long long)seed);
    for (unsigned i = 0; i < 500; i++) {
        uint64_t r = hash_mix(seed, i);

        values[i] = r % 7 == 0 ? (double)NAN : (double)(r % 90) / 4;
        ranking[i] = values[i];
    }
    n = cost_ranking(ranking, 500);
    for (unsigned i = 0; i < 500; i++) {
        double a = cost_rank(ranking, n, values[i]);

        ck_assert(isnan(values[i]) == isnan(a));
        ck_assert(isnan(a) || (a >= 1 && a <= (double)n && a == trunc(a)));
        for (unsigned k = 0; k < i; k++) {
            double b = cost_rank(ranking, n, values[k]);

            ck_assert((values[i] < values[k]) == (a < b));
            ck_assert((values[i] == values[k]) == (a == b));
        }
    }
}
END_TEST

/* A random member at every level of an answerable request changes nothing. */
/* Conformance: T-17. */
START_TEST(unknown_members)
{
    static const char plain[] =
        "{" CT ",\"pids\":{\"srcs\":[\"PID1\"],\"dsts\":[\"PID2\"]},\"constraints\":[\"le 9\"]}";
    static const char more[] =
        "{\"x\":[{}],\"cost-type\":{\"y\":null,\"cost-mode\":\"numerical\",\"cost-metric\":"
        "\"routingcost\"},\"pids\":{\"z\":{\"srcs\":1},\"srcs\":[\"PID1\"],\"dsts\":[\"PID2\"]},"
        "\"constraints\":[\"le 9\"],\"\":\"\"}";
    struct alto_fixture f;
    json_t *a, *b;

    begin(&f);
    ck_assert_int_eq(alto_fixture_post(&f, COST_FILTER, type_of(&f, COST_FILTER), plain), 200);
    a = alto_fixture_json(&f);
    ck_assert_int_eq(alto_fixture_post(&f, COST_FILTER, type_of(&f, COST_FILTER), more), 200);
    b = alto_fixture_json(&f);
    ck_assert(alto_json_same(a, b));
    json_decref(a);
    json_decref(b);
    alto_fixture_fini(&f);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("alto_filter");
    TCase *t = tcase_create("requests");

    tcase_add_loop_test(t, one_error_each, 0, (int)(sizeof errors / sizeof *errors));
    tcase_add_loop_test(t, what_is_selected, 0, (int)(sizeof answers / sizeof *answers));
    tcase_add_test(t, what_meta_says);
    tcase_add_test(t, calendar_to_come);
    tcase_add_test(t, whole_by_reference);
    tcase_add_test(t, work_is_bounded);
    tcase_add_test(t, json_bombs);
    tcase_add_test(t, ranks_are_the_order);
    tcase_add_test(t, unknown_members);
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
