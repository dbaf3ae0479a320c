/* Endpoint addresses, endpoint costs and endpoint properties, asked as the server is. */
#include <math.h>

#include "alto/endpoint.h"
#include "alto/propmap.h"
#include "tests/alto_fixture.h"

#define ECS  "application/alto-endpointcostparams+json"
#define EPS  "application/alto-endpointpropparams+json"
#define NUM  "\"cost-type\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\"}"
#define ORD  "\"cost-type\":{\"cost-mode\":\"ordinal\",\"cost-metric\":\"routingcost\"}"
#define HOPS "\"cost-type\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"hopcount\"}"

static const char network_text[] =
    "{\"meta\":{\"vtag\":{\"resource-id\":\"net\",\"tag\":\"t1\"}},\"network-map\":{"
    "\"PID1\":{\"ipv4\":[\"192.0.2.0/24\",\"198.51.100.0/25\"]},"
    "\"PID2\":{\"ipv4\":[\"198.51.100.128/25\",\"192.0.2.128/25\"],\"ipv6\":[\"2001:db8::/32\"]},"
    "\"PID3\":{\"ipv4\":[\"203.0.113.0/24\"],\"ipv6\":[\"2001:db8:8000::/33\"]},\"PID4\":{}}}";

static const char other_text[] =
    "{\"meta\":{\"vtag\":{\"resource-id\":\"alt\",\"tag\":\"a1\"}},\"network-map\":{"
    "\"west\":{\"ipv4\":[\"0.0.0.0/1\"]},\"east\":{\"ipv4\":[\"128.0.0.0/1\"]}}}";

#define META(network, tag, metric)                                                                 \
    "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"" network "\",\"tag\":\"" tag              \
    "\"}],\"cost-type\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"" metric                    \
    "\"}},\"cost-map\":"

static const char routing_text[] =
    META("net", "t1", "routingcost") "{"
                                     "\"PID1\":{\"PID1\":1,\"PID2\":5,\"PID3\":10.5},\"PID2\":{"
                                     "\"PID1\":5,\"PID2\":1,\"PID3\":15},"
                                     "\"PID3\":{\"PID2\":15}}}";
static const char hops_text[] =
    META("net", "t1", "hopcount") "{\"PID1\":{\"PID1\":0,\"PID2\":3},\"PID3\":{\"PID1\":7}}}";
static const char other_cost_text[] =
    META("alt", "a1", "routingcost") "{\"west\":{\"east\":2},\"east\":{\"west\":3}}}";

static struct alto_fixture *begin_with(struct alto_extensions extensions, struct alto_limits limits)
{
    static struct alto_fixture fixture;
    struct alto_fixture *f = &fixture;
    struct offer_cost costs[2] = {0}, other_cost = {0};
    struct offer_network networks[2] = {
        {.costs = costs, .cost_count = 2, .default_pid = PIDX_NONE},
        {.costs = &other_cost, .cost_count = 1, .default_pid = PIDX_NONE}};
    struct alto_offer offer = {.base = STR("/alto"),
                               .networks = networks,
                               .network_count = 2,
                               .extensions = extensions,
                               .limits = limits};

    alto_fixture_init(f);
    f->client = addr_from_v4(0xcb007101); /* 203.0.113.1 */
    networks[0].map = alto_fixture_network(f, network_text);
    networks[1].map = alto_fixture_network(f, other_text);
    costs[0].map = alto_fixture_cost(f, networks[0].map, routing_text);
    costs[1].map = alto_fixture_cost(f, networks[0].map, hops_text);
    other_cost.map = alto_fixture_cost(f, networks[1].map, other_cost_text);
    alto_fixture_offer(f, &offer);
    return f;
}

static struct alto_fixture *begin(void)
{
    return begin_with((struct alto_extensions){0}, (struct alto_limits){0});
}

// clang-format off
static const struct { const char *text; bool prefixes; const char *formats; } addresses[] = {
    {"ipv4:192.0.2.1", false, "ipv4:192.0.2.1"},
    {"ipv4:0.0.0.0", false, "ipv4:0.0.0.0"},
    {"ipv6:2001:DB8::1", false, "ipv6:2001:db8::1"},
    {"ipv6:2001:db8:0:0:0:0:0:1", false, "ipv6:2001:db8::1"},
    {"ipv6:::1", false, "ipv6:::1"},
    {"ipv6:::", false, "ipv6:::"},
    {"ipv6:::ffff:192.0.2.1", false, "ipv4:192.0.2.1"},
    {"ipv6:64:ff9b::192.0.2.1", false, "ipv6:64:ff9b::c000:201"},
    {"ipv4:1.2.3.256", false, NULL},
    {"ipv4:01.2.3.4", false, NULL},
    {"ipv4:1.2.3", false, NULL},
    {"ipv4:1.2.3.4.5", false, NULL},
    {"ipv4:1.2.3.4 ", false, NULL},
    {"ipv4: 1.2.3.4", false, NULL},
    {"ipv4:0x1.2.3.4", false, NULL},
    {"ipv4:2001:db8::1", false, NULL},
    {"ipv6:1.2.3.4", false, NULL},
    {"ipv6:2001:db8::1%eth0", false, NULL},
    {"ipv6:[2001:db8::1]", false, NULL},
    {"ipv6:1::2::3", false, NULL},
    {"ipv6:", false, NULL},
    {"ipv4:", false, NULL},
    {"IPV4:1.2.3.4", false, NULL},
    {"mac:00-11-22-33-44-55", false, NULL},
    {"192.0.2.1", false, NULL},
    {"", false, NULL},
    {"ipv4:10.0.0.0/8", false, NULL},
    {"ipv4:10.0.0.0/8", true, "ipv4:10.0.0.0/8"},
    {"ipv4:10.0.0.1/8", true, "ipv4:10.0.0.0/8"},
    {"ipv4:10.0.0.1/32", true, "ipv4:10.0.0.1"},
    {"ipv4:0.0.0.0/0", true, "ipv4:0.0.0.0/0"},
    {"ipv4:10.0.0.0/33", true, NULL},
    {"ipv4:10.0.0.0/", true, NULL},
    {"ipv4:10.0.0.0/08", true, NULL},
    {"ipv4:10.0.0.0/-1", true, NULL},
    {"ipv6:2001:db8::1/32", true, "ipv6:2001:db8::/32"},
    {"ipv6:::/0", true, "ipv6:::/0"},
    {"ipv6:::/129", true, NULL},
    {"ipv6:1.2.3.0/24", true, NULL},
};

static const struct { const char *text; bool good; } properties[] = {
    {"pid", true}, {"my-default-network-map.pid", true}, {"priv:ietf-type", true},
    {"net.priv:x", true}, {"12345678901234567890123456789012", true},
    {"123456789012345678901234567890123", false}, {"a.b.c", false}, {".pid", false},
    {"net.", false}, {"priv:", false}, {"net.priv:", false}, {"a b", false}, {"", false},
};
// clang-format on

/* Conformance: N-05, N-06. */
START_TEST(address_texts)
{
    struct endpoint ep = {0};
    struct err e = {0};
    char text[ENDPOINT_TEXT_MAX];
    enum err_code rc =
        endpoint_parse(str_from(addresses[_i].text), addresses[_i].prefixes, &ep, &e);

    ck_assert_msg((rc == ERR_OK) == (addresses[_i].formats != NULL), "\"%s\": %s",
                  addresses[_i].text, e.text);
    if (rc == ERR_OK)
        ck_assert_str_eq(endpoint_format(ep.prefix, text), addresses[_i].formats);
}
END_TEST

/* Conformance: N-12. */
START_TEST(property_names)
{
    struct err e = {0};

    ck_assert_msg((endpoint_property_check(str_from(properties[_i].text), &e) == ERR_OK) ==
                      properties[_i].good,
                  "\"%s\": %s", properties[_i].text, e.text);
}
END_TEST

static uint64_t next_random(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x;
}

/* The longest prefix that covers all of p, by looking at every one; and none if a longer one lies
 * within p in another PID. */
static pidx naive(const struct netmap *m, struct prefix p)
{
    pidx best = PIDX_NONE;
    int best_len = -1;

    for (pidx i = 0; i < m->pid_count; i++)
        for (uint32_t k = 0; k < m->pids[i].prefix_count; k++) {
            const struct prefix *q = &m->pids[i].prefixes[k];

            if (q->len <= p.len && prefix_has(*q, p.addr) && q->len > best_len &&
                prefix_is_v4(*q) == prefix_is_v4(p)) {
                best = i;
                best_len = q->len;
            }
        }
    return best;
}

/* Conformance: M-06. */
START_TEST(located_like_a_scan)
{
    struct arena *a = arena_new((size_t)64 << 20);
    uint64_t x = UINT64_C(88172645463325252) + (uint64_t)_i * 977;
    struct alto_network n = {.default_pid = PIDX_NONE};
    struct endpoint eps[200];
    struct bytes text = {0};
    struct err e = {0};

    ck_assert(bytes_printf(&text, "{\"meta\":{},\"network-map\":{"));
    for (unsigned i = 0; i < 60; i++) {
        ck_assert(bytes_printf(&text, "%s\"p%u\":{\"ipv4\":[", i ? "," : "", i));
        for (unsigned k = 0; k < 5; k++) {
            unsigned len = 1 + (unsigned)(next_random(&x) % 16);

            /* One PID's are told from the others' by their number: none stands in two. */
            ck_assert(bytes_printf(&text, "%s\"10.%u.%u.0/%u\"", k ? "," : "", i,
                                   (unsigned)(next_random(&x) & 255), 16 + len));
        }
        ck_assert(bytes_printf(&text, "]}"));
    }
    ck_assert(bytes_printf(&text, ",\"rest\":{\"ipv4\":[\"10.0.0.0/8\"]}}}"));
    ck_assert_msg(netmap_parse(text.data, text.len, a, &n.map, &e) == ERR_OK, "seed %d: %s", _i,
                  e.text);
    for (unsigned round = 0; round < 50; round++) {
        for (unsigned i = 0; i < 200; i++) {
            uint32_t v4 = 0x0a000000 | (uint32_t)(next_random(&x) & 0x3fffff);

            eps[i] = (struct endpoint){.prefix = {addr_from_v4(v4), 128}, .pid = PIDX_NONE};
        }
        endpoint_locate_all(&n, eps, 200);
        for (unsigned i = 0; i < 200; i++)
            ck_assert_msg(eps[i].pid == naive(n.map, eps[i].prefix), "seed %d: %08x", _i,
                          addr_v4(eps[i].prefix.addr));
    }
    bytes_free(&text);
    arena_free(a);
}
END_TEST

static const char *const located[][2] = {
    {"ipv4:192.0.2.1", "PID1"},
    {"ipv4:192.0.2.200", "PID2"},
    {"ipv6:::ffff:192.0.2.1", "PID1"},
    {"ipv6:2001:db8::1", "PID2"},
    {"ipv6:2001:db8:8000::1", "PID3"},
    {"ipv4:8.8.8.8", NULL},
    {"ipv6:2001:db9::1", NULL},
    {"ipv4:192.0.2.0/25", "PID1"},
    {"ipv4:192.0.2.0/24", NULL},
    {"ipv4:192.0.2.128/25", "PID2"},
    {"ipv4:198.51.100.0/26", "PID1"},
    {"ipv4:198.51.100.0/24", NULL},
    {"ipv6:2001:db8::/33", "PID2"},
    {"ipv6:2001:db8::/32", NULL},
    {"ipv6:2001:db8:8000::/48", "PID3"},
    {"ipv6:::ffff:192.0.2.0/121", "PID1"},
    {"ipv4:0.0.0.0/0", NULL},
};

/* Conformance: M-06, M-09. */
START_TEST(locates)
{
    struct alto_fixture *f = begin();
    const struct alto_resource *net = alto_find_id(f->server.catalog, STR("net"));
    struct endpoint ep;
    struct err e = {0};

    ck_assert_int_eq(endpoint_parse(str_from(located[_i][0]), true, &ep, &e), ERR_OK);
    endpoint_locate(net->network, &ep);
    if (!located[_i][1])
        ck_assert_msg(ep.pid == PIDX_NONE, "%s: %u", located[_i][0], ep.pid);
    else
        ck_assert_msg(ep.pid < 4 &&
                          strcmp(net->network->map->pids[ep.pid].name.p, located[_i][1]) == 0,
                      "%s: %u", located[_i][0], ep.pid);
    alto_fixture_fini(f);
}
END_TEST

static void ask(struct alto_fixture *f, const char *path, const char *type, const char *body,
                const char *want)
{
    struct str got;

    alto_fixture_post(f, path, type, body);
    got = alto_fixture_body(f);
    ck_assert_msg(f->response.status == 200, "%s: %d %.*s", body, f->response.status, (int)got.n,
                  got.p);
    alto_fixture_is_json(f, want);
}

#define COSTS(type, map) "{\"meta\":{" type "},\"endpoint-cost-map\":" map "}"

static const struct {
    const char *what, *body, *want;
} costs[] = {
    {"as the cost map says, undefined pairs left out",
     "{" NUM ",\"endpoints\":{\"srcs\":[\"ipv4:192.0.2.1\",\"ipv6:2001:db8:8000::1\"],"
     "\"dsts\":[\"ipv4:198.51.100.129\",\"ipv4:203.0.113.7\",\"ipv4:8.8.8.8\"]}}",
     COSTS(NUM, "{\"ipv4:192.0.2.1\":{\"ipv4:198.51.100.129\":5,\"ipv4:203.0.113.7\":10.5},"
                "\"ipv6:2001:db8:8000::1\":{\"ipv4:198.51.100.129\":15}}")},
    {"sources without any pair are left out",
     "{" NUM ",\"endpoints\":{\"srcs\":[\"ipv4:8.8.8.8\",\"ipv4:192.0.2.1\"],"
     "\"dsts\":[\"ipv4:192.0.2.2\"]}}",
     COSTS(NUM, "{\"ipv4:192.0.2.1\":{\"ipv4:192.0.2.2\":1}}")},
    {"nothing at all",
     "{" NUM ",\"endpoints\":{\"srcs\":[\"ipv4:8.8.8.8\"],\"dsts\":[\"ipv4:192.0.2.2\"]}}",
     COSTS(NUM, "{}")},
    {"keys echo the request, duplicates stand once, two texts of one address are two",
     "{" NUM ",\"endpoints\":{\"srcs\":[\"ipv4:192.0.2.1\",\"ipv4:192.0.2.1\"],"
     "\"dsts\":[\"ipv6:2001:DB8::1\",\"ipv6:2001:db8:0::1\",\"ipv6:2001:DB8::1\"]}}",
     COSTS(NUM, "{\"ipv4:192.0.2.1\":{\"ipv6:2001:DB8::1\":5,\"ipv6:2001:db8:0::1\":5}}")},
    {"an IPv4-mapped address is IPv4's",
     "{" NUM ",\"endpoints\":{\"srcs\":[\"ipv6:::ffff:192.0.2.1\"],\"dsts\":[\"ipv4:203.0.113.9\"]"
     "}}",
     COSTS(NUM, "{\"ipv6:::ffff:192.0.2.1\":{\"ipv4:203.0.113.9\":10.5}}")},
    {"no sources: the client's",
     "{" NUM ",\"endpoints\":{\"dsts\":[\"ipv4:198.51.100.129\",\"ipv4:192.0.2.1\"]}}",
     COSTS(NUM, "{\"ipv4:203.0.113.1\":{\"ipv4:198.51.100.129\":15}}")},
    {"empty destinations: the client",
     "{" NUM ",\"endpoints\":{\"srcs\":[\"ipv4:192.0.2.1\"],\"dsts\":[]}}",
     COSTS(NUM, "{\"ipv4:192.0.2.1\":{\"ipv4:203.0.113.1\":10.5}}")},
    {"ranks within the answer",
     "{" ORD ",\"endpoints\":{\"srcs\":[\"ipv4:192.0.2.1\",\"ipv4:198.51.100.200\"],"
     "\"dsts\":[\"ipv4:203.0.113.7\",\"ipv4:192.0.2.130\",\"ipv4:192.0.2.3\"]}}",
     COSTS(ORD, "{\"ipv4:192.0.2.1\":{\"ipv4:203.0.113.7\":3,\"ipv4:192.0.2.130\":2,"
                "\"ipv4:192.0.2.3\":1},\"ipv4:198.51.100.200\":{\"ipv4:203.0.113.7\":4,"
                "\"ipv4:192.0.2.130\":1,\"ipv4:192.0.2.3\":2}}")},
    {"constraints",
     "{" NUM ",\"constraints\":[\"ge 5\",\"le 10.5\"],\"endpoints\":{\"srcs\":[\"ipv4:192.0.2.1\","
     "\"ipv6:2001:db8:8000::1\"],\"dsts\":[\"ipv4:198.51.100.129\",\"ipv4:203.0.113.7\","
     "\"ipv4:192.0.2.3\"]}}",
     COSTS(NUM, "{\"ipv4:192.0.2.1\":{\"ipv4:198.51.100.129\":5,\"ipv4:203.0.113.7\":10.5}}")},
    {"several types, null where one is silent",
     "{\"multi-cost-types\":[{\"cost-mode\":\"numerical\",\"cost-metric\":\"hopcount\"},"
     "{\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\"}],\"endpoints\":{\"srcs\":["
     "\"ipv4:192.0.2.1\",\"ipv4:203.0.113.1\"],\"dsts\":[\"ipv4:192.0.2.130\","
     "\"ipv4:203.0.113.7\",\"ipv4:192.0.2.4\"]}}",
     COSTS("\"cost-type\":{},\"multi-cost-types\":[{\"cost-mode\":\"numerical\",\"cost-metric\":"
           "\"hopcount\"},{\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\"}]",
           "{\"ipv4:192.0.2.1\":{\"ipv4:192.0.2.130\":[3,5],\"ipv4:203.0.113.7\":[null,10.5],"
           "\"ipv4:192.0.2.4\":[0,1]},\"ipv4:203.0.113.1\":{\"ipv4:192.0.2.130\":[null,15],"
           "\"ipv4:192.0.2.4\":[7,null]}}")},
    {"or-constraints over several types",
     "{\"multi-cost-types\":[{\"cost-mode\":\"numerical\",\"cost-metric\":\"hopcount\"},"
     "{\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\"}],\"or-constraints\":[["
     "\"[0] eq 0\"],[\"[1] gt 10\",\"[1] lt 11\"]],\"endpoints\":{\"srcs\":[\"ipv4:192.0.2.1\"],"
     "\"dsts\":[\"ipv4:192.0.2.130\",\"ipv4:203.0.113.7\",\"ipv4:192.0.2.4\"]}}",
     COSTS("\"cost-type\":{},\"multi-cost-types\":[{\"cost-mode\":\"numerical\",\"cost-metric\":"
           "\"hopcount\"},{\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\"}]",
           "{\"ipv4:192.0.2.1\":{\"ipv4:203.0.113.7\":[null,10.5],\"ipv4:192.0.2.4\":[0,1]}}")},
    {"unknown members are ignored, also a description",
     "{\"x\":[1],\"cost-type\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"hopcount\","
     "\"description\":\"y\"},\"endpoints\":{\"z\":{},\"srcs\":[\"ipv4:192.0.2.1\"],\"dsts\":["
     "\"ipv4:192.0.2.4\"]}}",
     COSTS(HOPS, "{\"ipv4:192.0.2.1\":{\"ipv4:192.0.2.4\":0}}")},
};

/* Conformance: S-01, S-02, S-04, S-05, S-07, S-08, X-14, N-05, M-09, N-15. */
START_TEST(endpoint_costs)
{
    struct alto_fixture *f = begin();

    ask(f, "/alto/net-endpoint-cost", ECS, costs[_i].body, costs[_i].want);
    ck_assert(alto_str_is(f->response.type, "application/alto-endpointcost+json"));
    alto_fixture_fini(f);
}
END_TEST

static void refused(struct alto_fixture *f, const char *path, const char *type, const char *body,
                    const char *code, const char *field, const char *value)
{
    json_t *json, *meta;
    const char *s;

    alto_fixture_post(f, path, type, body);
    ck_assert_msg(f->response.status == 400, "%s: %d", body, f->response.status);
    ck_assert(alto_str_is(f->response.type, "application/alto-error+json"));
    json = alto_fixture_json(f);
    meta = json_object_get(json, "meta");
    s = json_string_value(json_object_get(meta, "code"));
    ck_assert_msg(s && strcmp(s, code) == 0, "%s: %s", body, s);
    s = json_string_value(json_object_get(meta, "field"));
    ck_assert_msg(field ? s && strcmp(s, field) == 0 : !s, "%s: field %s", body, s);
    s = json_string_value(json_object_get(meta, "value"));
    ck_assert_msg(value ? s && strcmp(s, value) == 0 : !s, "%s: value %s", body, s);
    json_decref(json);
}

#define MISSING "E_MISSING_FIELD"
#define TYPE    "E_INVALID_FIELD_TYPE"
#define VALUE   "E_INVALID_FIELD_VALUE"

// clang-format off
static const struct { const char *body, *code, *field, *value; } bad_costs[] = {
    {"{\"endpoints\":{\"srcs\":[\"ipv4:1.2.3.4\"]}}", MISSING, "cost-type", NULL},
    {"{" NUM "}", MISSING, "endpoints", NULL},
    {"{" NUM ",\"endpoints\":[]}", TYPE, "endpoints", NULL},
    {"{" NUM ",\"endpoints\":{}}", VALUE, "endpoints", "{}"},
    {"{" NUM ",\"endpoints\":{\"srcs\":[],\"dsts\":[]}}", VALUE, "endpoints", "{}"},
    {"{" NUM ",\"endpoints\":{\"srcs\":\"ipv4:1.2.3.4\"}}", TYPE, "endpoints/srcs", NULL},
    {"{" NUM ",\"endpoints\":{\"srcs\":[5]}}", VALUE, "endpoints/srcs", "5"},
    {"{" NUM ",\"endpoints\":{\"srcs\":[\"ipv4:1.2.3.4\"],\"dsts\":[\"ipv4:01.2.3.4\"]}}", VALUE,
     "endpoints/dsts", "ipv4:01.2.3.4"},
    {"{" NUM ",\"endpoints\":{\"srcs\":[\"ipv6:1.2.3.4\"]}}", VALUE, "endpoints/srcs",
     "ipv6:1.2.3.4"},
    {"{" NUM ",\"endpoints\":{\"srcs\":[\"ipv4:192.0.2.0/25\"]}}", VALUE, "endpoints/srcs",
     "ipv4:192.0.2.0/25"},
    {"{\"cost-type\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"x\"},\"endpoints\":{\"srcs\":["
     "\"ipv4:1.2.3.4\"]}}", VALUE, "cost-type/cost-metric", "x"},
    {"{" NUM ",\"constraints\":[\"ne 5\"],\"endpoints\":{\"srcs\":[\"ipv4:1.2.3.4\"]}}", VALUE,
     "constraints", "ne 5"},
    {"{" NUM ",\"endpoints\":{\"srcs\":[\"ipv4:1.2.3.4\"]}} x", "E_SYNTAX", NULL, NULL},
};

static const struct { const char *body, *code, *field, *value; } bad_props[] = {
    {"{\"endpoints\":[\"ipv4:1.2.3.4\"]}", MISSING, "properties", NULL},
    {"{\"properties\":[\"net.pid\"]}", MISSING, "endpoints", NULL},
    {"{\"properties\":[],\"endpoints\":[\"ipv4:1.2.3.4\"]}", VALUE, "properties", "[]"},
    {"{\"properties\":[\"net.pid\"],\"endpoints\":[]}", VALUE, "endpoints", "[]"},
    {"{\"properties\":\"net.pid\",\"endpoints\":[]}", TYPE, "properties", NULL},
    {"{\"properties\":[\"net.pid\",7],\"endpoints\":[\"ipv4:1.2.3.4\"]}", VALUE, "properties", "7"},
    {"{\"properties\":[\"pid\"],\"endpoints\":[\"ipv4:1.2.3.4\"]}", VALUE, "properties", "pid"},
    {"{\"properties\":[\"priv:ietf-type\"],\"endpoints\":[\"ipv4:1.2.3.4\"]}", VALUE, "properties",
     "priv:ietf-type"},
    {"{\"properties\":[\"nets.pid\"],\"endpoints\":[\"ipv4:1.2.3.4\"]}", VALUE, "properties",
     "nets.pid"},
    {"{\"properties\":[\"a.b.pid\"],\"endpoints\":[\"ipv4:1.2.3.4\"]}", VALUE, "properties",
     "a.b.pid"},
    {"{\"properties\":[\"net.pid\"],\"endpoints\":[\"ipv4:1.2.3.4\",\"ipv4:1.2.3.256\"]}", VALUE,
     "endpoints", "ipv4:1.2.3.256"},
    {"{\"properties\":[\"net.pid\"],\"endpoints\":[\"1.2.3.4\"]}", VALUE, "endpoints", "1.2.3.4"},
    {"{\"properties\":[\"net.pid\"],\"endpoints\":[\"ipv6:1.2.3.4\"]}", VALUE, "endpoints",
     "ipv6:1.2.3.4"},
    {"{\"properties\":[\"net.pid\"],\"endpoints\":[\"ipv4:10.0.0.0/8\"]}", VALUE, "endpoints",
     "ipv4:10.0.0.0/8"},
};
// clang-format on

/* Conformance: S-01, S-02, S-08, N-05. */
START_TEST(refuses_costs)
{
    struct alto_fixture *f = begin();

    refused(f, "/alto/net-endpoint-cost", ECS, bad_costs[_i].body, bad_costs[_i].code,
            bad_costs[_i].field, bad_costs[_i].value);
    alto_fixture_fini(f);
}
END_TEST

/* Conformance: P-01, P-02, P-07, N-12. */
START_TEST(refuses_properties)
{
    struct alto_fixture *f = begin();

    refused(f, "/alto/endpoint-prop", EPS, bad_props[_i].body, bad_props[_i].code,
            bad_props[_i].field, bad_props[_i].value);
    alto_fixture_fini(f);
}
END_TEST

#define VTAG_NET "{\"resource-id\":\"net\",\"tag\":\"t1\"}"
#define VTAG_ALT "{\"resource-id\":\"alt\",\"tag\":\"a1\"}"

/* Conformance: P-03, P-04, P-05, P-06, M-06. */
START_TEST(endpoint_properties)
{
    struct alto_fixture *f = begin();

    ask(f, "/alto/endpoint-prop", EPS,
        "{\"properties\":[\"net.pid\",\"alt.pid\",\"net.pid\"],\"endpoints\":[\"ipv4:192.0.2.1\","
        "\"ipv6:2001:DB8::1\",\"ipv4:192.0.2.1\",\"ipv4:8.8.8.8\",\"ipv6:fe80::1\"]}",
        "{\"meta\":{\"dependent-vtags\":[" VTAG_NET "," VTAG_ALT "]},\"endpoint-properties\":{"
        "\"ipv4:192.0.2.1\":{\"net.pid\":\"PID1\",\"alt.pid\":\"east\"},"
        "\"ipv6:2001:DB8::1\":{\"net.pid\":\"PID2\"},\"ipv4:8.8.8.8\":{\"alt.pid\":\"west\"},"
        "\"ipv6:fe80::1\":{}}}");
    ck_assert(alto_str_is(f->response.type, "application/alto-endpointprop+json"));
    ask(f, "/alto/endpoint-prop", EPS,
        "{\"properties\":[\"alt.pid\"],\"endpoints\":[\"ipv4:192.0.2.1\"]}",
        "{\"meta\":{\"dependent-vtags\":[" VTAG_ALT "]},\"endpoint-properties\":{"
        "\"ipv4:192.0.2.1\":{\"alt.pid\":\"east\"}}}");
    alto_fixture_fini(f);
}
END_TEST

static const char example_network[] =
    "{\"meta\":{\"vtag\":{\"resource-id\":\"my-default-network-map\",\"tag\":"
    "\"7915dc0290c2705481c491a2b4ffbec482b3cf62\"}},\"network-map\":{\"PID1\":{\"ipv4\":["
    "\"192.0.2.0/24\"]},\"PID3\":{\"ipv4\":[\"0.0.0.0/0\"]}}}";

static json_t *load_example(const char *name)
{
    json_error_t e;
    char path[256];
    json_t *v;

    snprintf(path, sizeof path, TEST_DATA "/alto-examples/%s.json", name);
    v = json_load_file(path, 0, &e);
    ck_assert_msg(v != NULL, "%s: %s", path, e.text);
    return v;
}

/* Properties of a property map beside PIDs; RFC 7285 section 11.4.1.7, whose request has the
 * network map's name misspelt ("my-default-networkmap"; erratum of the text: the answer has it
 * right). */
/* Conformance: P-02, P-05, P-06. */
START_TEST(properties_of_a_map)
{
    static const char map_text[] =
        "{\"meta\":{},\"property-map\":{\"ipv4:192.0.2.0/24\":{\"priv:ietf-example-prop\":\"1\"},"
        "\"ipv4:192.0.2.9\":{\"priv:ietf-example-prop\":null}}}";
    struct alto_network network = {.default_pid = PIDX_NONE};
    const struct alto_network *networks[] = {&network};
    struct alto_resource r = {.kind = ALTO_ENDPOINT_PROP,
                              .id = STR("endpoint-prop"),
                              .networks = networks,
                              .network_count = 1};
    struct alto_catalog c = {.limits = {1000, 1000, 100000}};
    struct alto_question q = {.catalog = &c, .resource = &r};
    struct bytes out = {0};
    struct alto_reply reply = {.out = &out};
    json_t *want, *got;
    struct err e = {0};
    struct alto_fixture f;

    alto_fixture_init(&f);
    network.map = alto_fixture_network(&f, example_network);
    network.vtag = network.map->vtag;
    ck_assert_msg(propmap_parse(map_text, sizeof map_text - 1, f.maps, &r.props, &e) == ERR_OK,
                  "%s", e.text);
    q.arena = f.request;
    q.body = STR("{\"properties\":[\"my-default-network-map.pid\",\"priv:ietf-example-prop\"],"
                 "\"endpoints\":[\"ipv4:192.0.2.34\",\"ipv4:203.0.113.129\"]}");
    ck_assert_msg(alto_endpoint_prop_reply(&q, &reply), "%s", reply.error.text);
    want = load_example("rfc7285-11.4.1.7-02-resp-200-endpointprop");
    got = json_loadb(out.data, out.len, 0, NULL);
    ck_assert_msg(got && alto_json_same(got, want), "%.*s", (int)out.len, out.data);
    json_decref(got);
    json_decref(want);
    out.len = 0;
    /* null ends what is inherited: the property is not there. */
    q.body =
        STR("{\"properties\":[\"priv:ietf-example-prop\"],\"endpoints\":[\"ipv4:192.0.2.9\"]}");
    ck_assert_msg(alto_endpoint_prop_reply(&q, &reply), "%s", reply.error.text);
    got = json_loadb(out.data, out.len, 0, NULL);
    want = json_pack("{s:{}, s:{s:{}}}", "meta", "endpoint-properties", "ipv4:192.0.2.9");
    ck_assert_msg(got && alto_json_same(got, want), "%.*s", (int)out.len, out.data);
    json_decref(got);
    json_decref(want);
    bytes_free(&out);
    alto_fixture_fini(&f);
}
END_TEST

/* endpoint_props of an offer: the directory says which, the service has them, for those who may. */
/* Conformance: P-02, P-04, P-06. */
START_TEST(properties_of_an_offer)
{
    static const char map_text[] =
        "{\"meta\":{},\"property-map\":{\"ipv4:192.0.2.0/"
        "24\":{\".access\":\"fibre\",\"priv:s\":\"1\","
        "\"net.pid\":\"other\"},\"ipv6:2001:db8::/32\":{\".access\":\"air\"},\"net.pid:PID1\":{"
        "\".colour\":\"red\"}}}";
    struct alto_fixture f;
    struct err e = {0};
    struct alto_catalog *c;
    struct offer_props props = {.id = STR("inv"), .groups = 1};
    struct offer_network network = {.default_pid = PIDX_NONE, .groups = 1};
    struct offer_cost cost = {0};
    struct alto_offer o = {.base = STR("/alto"),
                           .networks = &network,
                           .network_count = 1,
                           .props = &props,
                           .prop_count = 1,
                           .endpoint_props = STR("inv"),
                           .group_count = 2};
    json_t *json, *eps, *want;

    alto_fixture_init(&f);
    f.groups = 1;
    f.server.groups = alto_fixture_groups;
    f.server.groups_arg = &f;
    network.map = alto_fixture_network(&f, network_text);
    cost.map = alto_fixture_cost(&f, network.map, routing_text);
    network.costs = &cost;
    network.cost_count = 1;
    ck_assert_msg(propmap_parse(map_text, sizeof map_text - 1, f.maps, &props.map, &e) == ERR_OK,
                  "%s", e.text);
    alto_fixture_offer(&f, &o);
    ck_assert_int_eq(alto_fixture_get(&f, "/alto"), 200);
    json = alto_fixture_json(&f);
    eps = json_object_get(json_object_get(json, "resources"), "endpoint-prop");
    want = json_pack("{s:[s,s,s]}", "prop-types", "net.pid", "inv.access", "priv:s");
    ck_assert(json_equal(json_object_get(eps, "capabilities"), want));
    ck_assert_ptr_null(json_object_get(eps, "uses")); /* RFC 7285 section 11.4.1.5 */
    json_decref(want);
    json_decref(json);
    ask(&f, "/alto/endpoint-prop", EPS,
        "{\"properties\":[\"inv.access\",\"net.pid\",\"priv:s\"],\"endpoints\":["
        "\"ipv4:192.0.2.1\",\"ipv6:2001:db8::1\",\"ipv4:8.8.8.8\"]}",
        "{\"meta\":{\"dependent-vtags\":[" VTAG_NET "]},\"endpoint-properties\":{"
        "\"ipv4:192.0.2.1\":{\"inv.access\":\"fibre\",\"net.pid\":\"PID1\",\"priv:s\":\"1\"},"
        "\"ipv6:2001:db8::1\":{\"inv.access\":\"air\",\"net.pid\":\"PID2\"},\"ipv4:8.8.8.8\":{}}}");
    refused(&f, "/alto/endpoint-prop", EPS,
            "{\"properties\":[\"inv.colour\"],\"endpoints\":[\"ipv4:192.0.2.1\"]}", VALUE,
            "properties", "inv.colour");
    props.groups = 2; /* others' */
    ck_assert_int_eq(alto_offer_build(&o, NULL, &c, &e), ERR_CONFLICT);
    o.endpoint_props = STR("none");
    ck_assert_int_eq(alto_offer_build(&o, NULL, &c, &e), ERR_CONFLICT);
    alto_fixture_fini(&f);
}
END_TEST

/* Conformance: N-06. */
START_TEST(prefixes_as_endpoints)
{
    struct alto_fixture *f =
        begin_with((struct alto_extensions){.prefix_endpoints = true}, (struct alto_limits){0});

    ask(f, "/alto/net-endpoint-cost", ECS,
        "{" NUM ",\"endpoints\":{\"srcs\":[\"ipv4:192.0.2.0/25\",\"ipv4:192.0.2.0/24\"],"
        "\"dsts\":[\"ipv6:2001:db8::/48\",\"ipv4:203.0.113.77/24\"]}}",
        COSTS(NUM, "{\"ipv4:192.0.2.0/25\":{\"ipv6:2001:db8::/48\":5,\"ipv4:203.0.113.77/24\":"
                   "10.5}}"));
    ask(f, "/alto/endpoint-prop", EPS,
        "{\"properties\":[\"net.pid\"],\"endpoints\":[\"ipv4:192.0.2.0/25\",\"ipv4:192.0.2.0/24\"]"
        "}",
        "{\"meta\":{\"dependent-vtags\":[" VTAG_NET "]},\"endpoint-properties\":{"
        "\"ipv4:192.0.2.0/25\":{\"net.pid\":\"PID1\"},\"ipv4:192.0.2.0/24\":{}}}");
    refused(f, "/alto/endpoint-prop", EPS,
            "{\"properties\":[\"net.pid\"],\"endpoints\":[\"ipv4:192.0.2.0/33\"]}", VALUE,
            "endpoints", "ipv4:192.0.2.0/33");
    alto_fixture_fini(f);
}
END_TEST

/* Conformance: S-10. */
START_TEST(vtag_in_meta)
{
    struct alto_fixture *f =
        begin_with((struct alto_extensions){.endpoint_vtag = true}, (struct alto_limits){0});

    ask(f, "/alto/net-endpoint-cost", ECS,
        "{" NUM ",\"endpoints\":{\"srcs\":[\"ipv4:192.0.2.1\"],\"dsts\":[\"ipv4:192.0.2.2\"]}}",
        "{\"meta\":{" NUM ",\"vtag\":{\"resource-id\":\"net-endpoint-cost\",\"tag\":\"t1\"}},"
        "\"endpoint-cost-map\":{\"ipv4:192.0.2.1\":{\"ipv4:192.0.2.2\":1}}}");
    alto_fixture_fini(f);
}
END_TEST

static struct bytes many(unsigned srcs, unsigned dsts)
{
    struct bytes b = {0};

    ck_assert(bytes_printf(&b, "{" NUM ",\"endpoints\":{\"srcs\":["));
    for (unsigned i = 0; i < srcs; i++)
        ck_assert(bytes_printf(&b, "%s\"ipv4:192.0.%u.%u\"", i ? "," : "", 2 + i / 256, i % 256));
    ck_assert(bytes_printf(&b, "],\"dsts\":["));
    for (unsigned i = 0; i < dsts; i++)
        ck_assert(bytes_printf(&b, "%s\"ipv4:203.0.%u.%u\"", i ? "," : "", 113 + i / 256, i % 256));
    ck_assert(bytes_printf(&b, "]}}"));
    ck_assert(bytes_add(&b, "", 1));
    return b;
}

/* Conformance: S-11. */
START_TEST(limits)
{
    struct alto_fixture *f = begin_with(
        (struct alto_extensions){0},
        (struct alto_limits){.pairs_max = 10000, .endpoints_max = 300, .answer_max = 4000});
    struct bytes b = many(100, 100);

    refused(f, "/alto/net-endpoint-cost", ECS, b.data, VALUE, "endpoints", NULL); /* 4000 bytes */
    bytes_free(&b);
    b = many(3, 20);
    ck_assert_int_eq(alto_fixture_post(f, "/alto/net-endpoint-cost", ECS, b.data), 200);
    bytes_free(&b);
    b = many(101, 100);
    refused(f, "/alto/net-endpoint-cost", ECS, b.data, VALUE, "endpoints", NULL);
    bytes_free(&b);
    b = many(1, 300);
    refused(f, "/alto/net-endpoint-cost", ECS, b.data, VALUE, "endpoints", NULL);
    bytes_free(&b);
    alto_fixture_fini(f);
}
END_TEST

/* Costs of endpoints are those of their PIDs in the maps that are served. */
/* Conformance: S-07, S-05. */
START_TEST(costs_are_those_of_the_maps)
{
    struct alto_fixture *f = begin();
    const struct alto_resource *r = alto_find_id(f->server.catalog, STR("net-endpoint-cost"));
    uint64_t x = 99 + (uint64_t)_i;

    for (unsigned round = 0; round < 200; round++) {
        struct endpoint eps[2];
        char names[2][ENDPOINT_TEXT_MAX], body[400];
        static const uint32_t nets[] = {0xc0000200, 0xc6336400, 0xcb007100, 0x08080800};
        const json_t *row;
        struct err e = {0};
        json_t *json;
        double want;

        for (unsigned i = 0; i < 2; i++) {
            uint32_t v4 = nets[next_random(&x) & 3] | (uint32_t)(next_random(&x) & 255);

            endpoint_format((struct prefix){addr_from_v4(v4), 128}, names[i]);
            ck_assert_int_eq(endpoint_parse(str_from(names[i]), false, &eps[i], &e), ERR_OK);
            endpoint_locate(r->network, &eps[i]);
        }
        want = costmap_get(r->network->costs[0].map, eps[0].pid, eps[1].pid);
        snprintf(body, sizeof body, "{" NUM ",\"endpoints\":{\"srcs\":[\"%s\"],\"dsts\":[\"%s\"]}}",
                 names[0], names[1]);
        ck_assert_int_eq(alto_fixture_post(f, "/alto/net-endpoint-cost", ECS, body), 200);
        json = alto_fixture_json(f);
        row = json_object_get(json_object_get(json, "endpoint-cost-map"), names[0]);
        if (isnan(want))
            ck_assert_ptr_null(row);
        else
            ck_assert(json_number_value(json_object_get(row, names[1])) == want);
        json_decref(json);
    }
    alto_fixture_fini(f);
}
END_TEST

/* Conformance: S-06. */
START_TEST(directory_entry)
{
    struct alto_fixture *f = begin();
    json_t *json, *entry;

    ck_assert_int_eq(alto_fixture_get(f, "/alto"), 200);
    json = alto_fixture_json(f);
    entry = json_object_get(json_object_get(json, "resources"), "net-endpoint-cost");
    ck_assert_ptr_nonnull(entry);
    ck_assert_ptr_null(json_object_get(entry, "uses"));
    json_decref(json);
    alto_fixture_fini(f);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("alto_endpoint");
    TCase *t = tcase_create("alto_endpoint");
    SRunner *r;
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, address_texts, 0, sizeof addresses / sizeof *addresses);
    tcase_add_loop_test(t, property_names, 0, sizeof properties / sizeof *properties);
    tcase_add_loop_test(t, located_like_a_scan, 0, 20);
    tcase_add_loop_test(t, locates, 0, sizeof located / sizeof *located);
    tcase_add_loop_test(t, endpoint_costs, 0, sizeof costs / sizeof *costs);
    tcase_add_loop_test(t, refuses_costs, 0, sizeof bad_costs / sizeof *bad_costs);
    tcase_add_loop_test(t, refuses_properties, 0, sizeof bad_props / sizeof *bad_props);
    tcase_add_test(t, endpoint_properties);
    tcase_add_test(t, properties_of_a_map);
    tcase_add_test(t, properties_of_an_offer);
    tcase_add_test(t, prefixes_as_endpoints);
    tcase_add_test(t, vtag_in_meta);
    tcase_add_test(t, limits);
    tcase_add_loop_test(t, costs_are_those_of_the_maps, 0, 3);
    tcase_add_test(t, directory_entry);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
