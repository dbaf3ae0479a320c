#include "alto/propmap.h"

#include <time.h>

#include "alto/entity.h"
#include "tests/alto_fixture.h"

#define EXAMPLES TEST_DATA "/alto-examples/rfc9240-"
#define PARAMS   "application/alto-propmapparams+json"

static const char default_text[] =
    "{\"meta\":{\"vtag\":{\"resource-id\":\"default-network-map\",\"tag\":"
    "\"3ee2cb7e8d63d9fab71b9b34cbf764436315542e\"}},\"network-map\":{"
    "\"defaultpid\":{\"ipv4\":[\"0.0.0.0/0\"],\"ipv6\":[\"::/0\"]},"
    "\"pid1\":{\"ipv4\":[\"192.0.2.0/25\"]},\"pid2\":{\"ipv4\":[\"192.0.2.0/27\"]},"
    "\"pid3\":{\"ipv4\":[\"192.0.3.0/28\"]},\"pid4\":{\"ipv4\":[\"192.0.3.16/28\"]}}}";

static const char alt_text[] =
    "{\"meta\":{\"vtag\":{\"resource-id\":\"alt-network-map\",\"tag\":"
    "\"c0ce023b8678a7b9ec00324673b98e54656d1f6d\"}},\"network-map\":{"
    "\"defaultpid\":{\"ipv4\":[\"0.0.0.0/0\"],\"ipv6\":[\"::/0\"]},"
    "\"pid1\":{\"ipv4\":[\"192.0.2.0/27\"]},\"pid2\":{\"ipv4\":[\"192.0.3.0/27\"]}}}";

#define COST(id, tag)                                                                              \
    "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"" id "\",\"tag\":\"" tag                   \
    "\"}],\"cost-type\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\"}},"           \
    "\"cost-map\":{\"pid1\":{\"pid2\":1}}}"

/* The examples name the network maps as what their resources depend on. */
#define BOTH                                                                                       \
    "\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"default-network-map\",\"tag\":"             \
    "\"3ee2cb7e8d63d9fab71b9b34cbf764436315542e\"},{\"resource-id\":\"alt-network-map\","          \
    "\"tag\":\"c0ce023b8678a7b9ec00324673b98e54656d1f6d\"}]}"

/* RFC 9240 section 10.2, table 5. */
static const char iacs_text[] =
    "{" BOTH ",\"property-map\":{"
    "\"ipv4:192.0.2.0/23\":{\".ISP\":\"BitsRus\",\".countrycode\":\"us\"},"
    "\"ipv4:192.0.2.0/28\":{\".ASN\":\"65543\",\".state\":\"NJ\"},"
    "\"ipv4:192.0.2.16/28\":{\".ASN\":\"65543\",\".state\":\"CT\"},"
    "\"ipv4:192.0.2.1\":{\".state\":\"PA\"},"
    "\"ipv4:192.0.3.0/28\":{\".ASN\":\"65544\",\".state\":\"TX\"},"
    "\"ipv4:192.0.3.16/28\":{\".ASN\":\"65544\",\".state\":\"MN\"}}}";

/* Tables 6 and 7. The version of the default map is another one in section 10.8. */
static const char region_text[] =
    "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"default-network-map\",\"tag\":"
    "\"7915dc0290c2705481c491a2b4ffbec482b3cf62\"},{\"resource-id\":\"alt-network-map\","
    "\"tag\":\"c0ce023b8678a7b9ec00324673b98e54656d1f6d\"}]},\"property-map\":{"
    "\"default-network-map.pid:pid1\":{\".region\":\"us-west\"},"
    "\"default-network-map.pid:pid2\":{\".region\":\"us-east\"},"
    "\"default-network-map.pid:pid3\":{\".region\":\"us-south\"},"
    "\"default-network-map.pid:pid4\":{\".region\":\"us-north\"},"
    "\"alt-network-map.pid:pid1\":{\".ASN\":\"65543\"},"
    "\"alt-network-map.pid:pid2\":{\".ASN\":\"65544\"}}}";

static const char ane_text[] =
    "{\"property-map\":{\".ane:dc21\":{\"storage-capacity\":40000,\"cpu\":500,\"ram\":8},"
    "\".ane:dc45-srv9\":{\"storage-capacity\":100,\"cpu\":20},"
    "\".ane:dc6-srvcluster8\":{\"storage-capacity\":6000,\"cpu\":100},"
    "\".ane:dc7\":{\"ram\":4}}}";

/* Tables 3 and 4, as properties. The versions are those that are served. */
static const char pid_text[] =
    "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"default-network-map\"}]},\"property-map\":{"
    "\"ipv4:0.0.0.0/0\":{\"default-network-map.pid\":\"defaultpid\","
    "\"alt-network-map.pid\":\"defaultpid\"},"
    "\"ipv6:::/0\":{\"default-network-map.pid\":\"defaultpid\","
    "\"alt-network-map.pid\":\"defaultpid\"},"
    "\"ipv4:192.0.2.0/25\":{\"default-network-map.pid\":\"pid1\"},"
    "\"ipv4:192.0.2.0/27\":{\"default-network-map.pid\":\"pid2\",\"alt-network-map.pid\":\"pid1\"},"
    "\"ipv4:192.0.3.0/28\":{\"default-network-map.pid\":\"pid3\"},"
    "\"ipv4:192.0.3.16/28\":{\"default-network-map.pid\":\"pid4\"},"
    "\"ipv4:192.0.3.0/27\":{\"alt-network-map.pid\":\"pid2\"}}}";

static const struct {
    const char *id, *text;
} maps[] = {
    {"iacs-property-map", iacs_text},
    {"region-property-map", region_text},
    {"ip-pid-property-map", pid_text},
    {"ane-dc-property-map", ane_text},
};
#define MAPS (sizeof maps / sizeof *maps)

static const struct propmap *props(struct alto_fixture *f, const char *text, size_t n)
{
    const struct propmap *m = NULL;
    struct err e = {0};

    ck_assert_msg(propmap_parse(text, n, f->maps, &m, &e) == ERR_OK, "%s", e.text);
    return m;
}

static void begin(struct alto_fixture *f)
{
    struct offer_cost costs[2] = {{.modified_ms = 1}, {.modified_ms = 1}};
    struct offer_network networks[2] = {
        {.costs = &costs[0], .cost_count = 1, .default_pid = PIDX_NONE},
        {.costs = &costs[1], .cost_count = 1, .default_pid = PIDX_NONE}};
    struct offer_props list[MAPS + 1];
    struct bytes ia = {0};
    struct err e = {0};
    struct alto_offer offer = {.base = STR("/alto"),
                               .networks = networks,
                               .network_count = 2,
                               .props = list,
                               .prop_count = MAPS + 1};

    alto_fixture_init(f);
    networks[0].map = alto_fixture_network(f, default_text);
    networks[1].map = alto_fixture_network(f, alt_text);
    costs[0].map =
        alto_fixture_cost(f, networks[0].map,
                          COST("default-network-map", "3ee2cb7e8d63d9fab71b9b34cbf764436315542e"));
    costs[1].map = alto_fixture_cost(
        f, networks[1].map, COST("alt-network-map", "c0ce023b8678a7b9ec00324673b98e54656d1f6d"));
    for (size_t i = 0; i < MAPS; i++)
        list[i] = (struct offer_props){.id = str_from(maps[i].id),
                                       .map = props(f, maps[i].text, strlen(maps[i].text))};
    ck_assert(file_read(EXAMPLES "10.4-02-resp-200-propmap.json", 1 << 20, &ia, &e) == ERR_OK);
    list[MAPS] =
        (struct offer_props){.id = STR("ia-property-map"), .map = props(f, ia.data, ia.len)};
    alto_fixture_offer(f, &offer);
    bytes_free(&ia);
}

static int ask(struct alto_fixture *f, const char *map, const char *body)
{
    char path[100];

    snprintf(path, sizeof path, "/alto/%s-filter", map);
    return alto_fixture_post(f, path, PARAMS, body);
}

/* The property map of the answer is this. */
static void answers(struct alto_fixture *f, const char *map, const char *body, const char *want)
{
    json_t *got, *v = json_loads(want, 0, NULL);
    struct str text;

    ck_assert_ptr_nonnull(v);
    ck_assert_int_eq(ask(f, map, body), 200);
    text = alto_fixture_body(f);
    got = alto_fixture_json(f);
    ck_assert_msg(alto_json_same(json_object_get(got, "property-map"), v), "%s\ngot  %.*s\nwant %s",
                  body, (int)text.n, text.p, want);
    json_decref(got);
    json_decref(v);
}

static void refuses(struct alto_fixture *f, const char *map, const char *body, const char *code,
                    const char *field, const char *value)
{
    json_t *got, *meta;
    const char *v;

    ck_assert_int_eq(ask(f, map, body), 400);
    got = alto_fixture_json(f);
    meta = json_object_get(got, "meta");
    ck_assert_str_eq(json_string_value(json_object_get(meta, "code")), code);
    v = json_string_value(json_object_get(meta, "field"));
    ck_assert_str_eq(v ? v : "-", field);
    v = json_string_value(json_object_get(meta, "value"));
    ck_assert_str_eq(v ? v : "-", value);
    json_decref(got);
}

static const struct {
    const char *section, *map;
} examples[] = {
    {"10.5", "iacs-property-map"},   {"10.6", "iacs-property-map"},
    {"10.7", "ip-pid-property-map"}, {"10.8", "region-property-map"},
    {"10.9", "ane-dc-property-map"},
};

/* Conformance: Y-10, Y-13, Y-14, Y-15. */
START_TEST(rfc9240_filtered)
{
    struct alto_fixture f;
    struct bytes request = {0}, answer = {0};
    struct err e = {0};
    char path[300];

    begin(&f);
    snprintf(path, sizeof path, EXAMPLES "%s-01-req-POST-propmapparams.json", examples[_i].section);
    ck_assert_msg(file_read(path, 1 << 20, &request, &e) == ERR_OK, "%s", e.text);
    snprintf(path, sizeof path, EXAMPLES "%s-02-resp-200-propmap.json", examples[_i].section);
    ck_assert_msg(file_read(path, 1 << 20, &answer, &e) == ERR_OK, "%s", e.text);
    ck_assert_int_eq(ask(&f, examples[_i].map, request.data), 200);
    ck_assert(alto_str_is(f.response.type, "application/alto-propmap+json"));
    alto_fixture_is_json(&f, answer.data);
    bytes_free(&request);
    bytes_free(&answer);
    alto_fixture_fini(&f);
}
END_TEST

/* Conformance: Y-01, Y-07. */
START_TEST(rfc9240_whole)
{
    struct alto_fixture f;
    struct bytes answer = {0};
    struct err e = {0};

    begin(&f);
    ck_assert_msg(file_read(EXAMPLES "10.4-02-resp-200-propmap.json", 1 << 20, &answer, &e) ==
                      ERR_OK,
                  "%s", e.text);
    ck_assert_int_eq(alto_fixture_get(&f, "/alto/ia-property-map"), 200);
    ck_assert(alto_str_is(f.response.type, "application/alto-propmap+json"));
    alto_fixture_is_json(&f, answer.data);
    ck_assert_int_eq(alto_fixture_get(&f, "/alto/iacs-property-map"), 200);
    alto_fixture_is_json(&f, iacs_text);
    bytes_free(&answer);
    alto_fixture_fini(&f);
}
END_TEST

/* Conformance: Y-01, Y-03. */
START_TEST(directory)
{
    static const char *const want[][2] = {
        {"region-property-map-filter",
         "{\"uri\":\"/alto/region-property-map-filter\",\"media-type\":"
         "\"application/alto-propmap+json\",\"accepts\":\"application/alto-propmapparams+json\","
         "\"uses\":[\"default-network-map\",\"alt-network-map\"],\"capabilities\":{\"mappings\":{"
         "\"default-network-map.pid\":[\".region\"],\"alt-network-map.pid\":[\".ASN\"]}}}"},
        {"ip-pid-property-map",
         "{\"uri\":\"/alto/ip-pid-property-map\",\"media-type\":\"application/alto-propmap+json\","
         "\"uses\":[\"default-network-map\",\"alt-network-map\"],\"capabilities\":{\"mappings\":{"
         "\"ipv4\":[\"alt-network-map.pid\",\"default-network-map.pid\"],"
         "\"ipv6\":[\"alt-network-map.pid\",\"default-network-map.pid\"]}}}"},
        {"ane-dc-property-map",
         "{\"uri\":\"/alto/ane-dc-property-map\",\"media-type\":\"application/alto-propmap+json\","
         "\"capabilities\":{\"mappings\":{\".ane\":[\"cpu\",\"ram\",\"storage-capacity\"]}}}"},
    };
    struct alto_fixture f;
    json_t *got, *v;
    char *text;

    begin(&f);
    ck_assert_int_eq(alto_fixture_get(&f, "/alto"), 200);
    got = alto_fixture_json(&f);
    for (size_t i = 0; i < 3; i++) {
        const json_t *r = json_object_get(json_object_get(got, "resources"), want[i][0]);

        v = json_loads(want[i][1], 0, NULL);
        text = json_dumps(r, 0);
        ck_assert_msg(alto_json_same(r, v), "%s", text);
        free(text);
        json_decref(v);
    }
    json_decref(got);
    alto_fixture_fini(&f);
}
END_TEST

/* Conformance: Y-10. */
START_TEST(entities_of_a_request)
{
    struct alto_fixture f;

    begin(&f);
    refuses(&f, "ane-dc-property-map", "{}", "E_MISSING_FIELD", "entities", "-");
    refuses(&f, "ane-dc-property-map", "{\"properties\":[]}", "E_MISSING_FIELD", "entities", "-");
    refuses(&f, "ane-dc-property-map", "{\"entities\":\".ane:dc7\"}", "E_INVALID_FIELD_TYPE",
            "entities", "-");
    refuses(&f, "ane-dc-property-map", "{\"entities\":[1]}", "E_INVALID_FIELD_VALUE", "entities",
            "1");
    answers(&f, "ane-dc-property-map", "{\"entities\":[],\"properties\":[\"ram\"]}",
            "{\".ane:dc21\":{\"ram\":8},\".ane:dc7\":{\"ram\":4}}");
    answers(&f, "ane-dc-property-map",
            "{\"entities\":[\".ane:dc7\",\".ane:dc7\"],\"properties\":[\"ram\",\"ram\"]}",
            "{\".ane:dc7\":{\"ram\":4}}");
    answers(&f, "region-property-map", "{\"entities\":[],\"properties\":[]}",
            "{\"default-network-map.pid:pid1\":{\".region\":\"us-west\"},"
            "\"default-network-map.pid:pid2\":{\".region\":\"us-east\"},"
            "\"default-network-map.pid:pid3\":{\".region\":\"us-south\"},"
            "\"default-network-map.pid:pid4\":{\".region\":\"us-north\"},"
            "\"alt-network-map.pid:pid1\":{\".ASN\":\"65543\"},"
            "\"alt-network-map.pid:pid2\":{\".ASN\":\"65544\"}}");
    alto_fixture_fini(&f);
}
END_TEST

/* Conformance: Y-04. */
START_TEST(an_address_is_its_prefix)
{
    struct alto_fixture f;
    const char *want = "{\"ipv4:192.0.2.1\":{\".state\":\"PA\"}}";

    begin(&f);
    answers(&f, "iacs-property-map",
            "{\"entities\":[\"ipv4:192.0.2.1\"],\"properties\":[\".state\"]}", want);
    answers(&f, "iacs-property-map",
            "{\"entities\":[\"ipv4:192.0.2.1/32\"],\"properties\":[\".state\"]}", want);
    answers(&f, "iacs-property-map",
            "{\"entities\":[\"ipv4:192.0.2.1\",\"ipv4:192.0.2.1/32\"],\"properties\":[\".state\"]}",
            want);
    alto_fixture_fini(&f);
}
END_TEST

/* Conformance: Y-11. */
START_TEST(entities_that_are_none)
{
    static const char *const wrong[] = {
        "ipv6:2001:db8::1",
        "ipv4:192.0.2.0/33",
        "ipv4:2001:db8::1",
        "pid:pid1",
        "net.pid:pid1",
        "asn:as1",
        "192.0.2.1",
        "",
        "ipv4",
        ".ane:dc21",
        "default-network-map.pid:pid1",
    };
    struct alto_fixture f;
    char body[200];

    begin(&f);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(body, sizeof body, "{\"entities\":[\"ipv4:192.0.2.1\",\"%s\"]}", wrong[i]);
        refuses(&f, "iacs-property-map", body, "E_INVALID_FIELD_VALUE", "entities", wrong[i]);
    }
    answers(&f, "iacs-property-map",
            "{\"entities\":[\"ipv4:203.0.113.1\",\"ipv4:10.0.0.0/8\"],\"properties\":[]}", "{}");
    answers(&f, "region-property-map",
            "{\"entities\":[\"default-network-map.pid:nobody\"],\"properties\":[]}", "{}");
    alto_fixture_fini(&f);
}
END_TEST

/* Conformance: Y-12. */
START_TEST(properties_of_a_request)
{
    struct alto_fixture f;

    begin(&f);
    refuses(&f, "iacs-property-map", "{\"entities\":[],\"properties\":[\".ISP\",\"ISP\"]}",
            "E_INVALID_FIELD_VALUE", "properties", "ISP");
    refuses(&f, "iacs-property-map", "{\"entities\":[],\"properties\":null}",
            "E_INVALID_FIELD_TYPE", "properties", "-");
    answers(&f, "iacs-property-map", "{\"entities\":[\"ipv4:192.0.2.17\"],\"properties\":[]}",
            "{\"ipv4:192.0.2.17\":{\".ISP\":\"BitsRus\",\".ASN\":\"65543\","
            "\".countrycode\":\"us\",\".state\":\"CT\"}}");
    answers(&f, "iacs-property-map",
            "{\"entities\":[\"ipv4:192.0.2.17\",\"ipv4:203.0.113.0\",\"ipv4:192.0.2.0/24\"]}",
            "{\"ipv4:192.0.2.17\":{},\"ipv4:192.0.2.0/24\":{}}");
    answers(&f, "ane-dc-property-map", "{\"entities\":[]}",
            "{\".ane:dc21\":{},\".ane:dc45-srv9\":{},\".ane:dc6-srvcluster8\":{},\".ane:dc7\":{}}");
    answers(&f, "ane-dc-property-map", "{\"entities\":[\".ane:dc7\",\".ane:dc8\"]}",
            "{\".ane:dc7\":{}}");
    answers(&f, "ane-dc-property-map",
            "{\"entities\":[\".ane:dc7\",\".ane:dc21\"],\"properties\":[\"cpu\"]}",
            "{\".ane:dc21\":{\"cpu\":500}}");
    alto_fixture_fini(&f);
}
END_TEST

static void depends_on(struct alto_fixture *f, const char *map, const char *body, const char *ids)
{
    char got[300] = "";
    json_t *answer;
    const json_t *list;

    ck_assert_int_eq(ask(f, map, body), 200);
    answer = alto_fixture_json(f);
    list = json_object_get(json_object_get(answer, "meta"), "dependent-vtags");
    for (size_t i = 0; i < json_array_size(list); i++) {
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s ",
                 json_string_value(json_object_get(json_array_get(list, i), "resource-id")));
    }
    ck_assert_msg(list == NULL || json_array_size(list) > 0, "an empty list");
    ck_assert_str_eq(got, ids);
    json_decref(answer);
}

/* Conformance: Y-14, Y-07. */
START_TEST(what_answers_depend_on)
{
    struct alto_fixture f;

    begin(&f);
    depends_on(&f, "ip-pid-property-map",
               "{\"entities\":[\"ipv4:192.0.2.1\"],\"properties\":[\"alt-network-map.pid\"]}",
               "default-network-map alt-network-map ");
    depends_on(&f, "ip-pid-property-map", "{\"entities\":[]}",
               "default-network-map alt-network-map ");
    depends_on(&f, "region-property-map", "{\"entities\":[]}",
               "default-network-map alt-network-map ");
    depends_on(&f, "region-property-map", "{\"entities\":[\"alt-network-map.pid:pid1\"]}",
               "alt-network-map ");
    depends_on(&f, "region-property-map",
               "{\"entities\":[\"alt-network-map.pid:pid1\",\"default-network-map.pid:x\"],"
               "\"properties\":[]}",
               "default-network-map alt-network-map ");
    depends_on(&f, "ane-dc-property-map", "{\"entities\":[\".ane:dc7\"],\"properties\":[]}", "");
    alto_fixture_fini(&f);
}
END_TEST

/* One map alone. */
static void begin_one(struct alto_fixture *f, const char *text, size_t n, size_t answer_max)
{
    struct offer_props one = {.id = STR("p")};
    struct alto_offer offer = {
        .base = STR("/alto"), .props = &one, .prop_count = 1, .limits = {.answer_max = answer_max}};

    alto_fixture_init(f);
    one.map = props(f, text, n);
    alto_fixture_offer(f, &offer);
}

/* Conformance: Y-13. */
START_TEST(nested_entities)
{
    static const char text[] = "{\"property-map\":{\"ipv4:10.0.0.0/8\":{\"a\":1,\"b\":1},"
                               "\"ipv4:10.0.0.0/9\":{\"a\":2},\"ipv4:10.128.0.0/9\":{\"b\":2},"
                               "\"ipv4:10.0.0.0/16\":{\"a\":2},\"ipv4:10.0.1.0/24\":{\"a\":null},"
                               "\"ipv4:10.0.1.7\":{\"a\":3},\"ipv4:11.0.0.0/8\":{\"c\":null}}}";
    static const char *const rows[][2] = {
        /* A requested block that others cover whole is left out, and they say what it would. */
        {"[\"ipv4:10.0.0.0/8\"],\"properties\":[\"a\",\"b\"]",
         "{\"ipv4:10.0.0.0/9\":{\"a\":2,\"b\":1},\"ipv4:10.128.0.0/9\":{\"a\":1,\"b\":2},"
         "\"ipv4:10.0.1.0/24\":{\"a\":null},\"ipv4:10.0.1.7\":{\"a\":3}}"},
        /* Of the properties asked for alone. */
        {"[\"ipv4:10.0.0.0/8\"],\"properties\":[\"a\"]",
         "{\"ipv4:10.0.0.0/8\":{\"a\":1},\"ipv4:10.0.0.0/9\":{\"a\":2},"
         "\"ipv4:10.0.1.0/24\":{\"a\":null},\"ipv4:10.0.1.7\":{\"a\":3}}"},
        /* One requested block in another. */
        {"[\"ipv4:10.0.0.0/15\",\"ipv4:10.0.0.0/20\"],\"properties\":[\"a\",\"b\"]",
         "{\"ipv4:10.0.0.0/15\":{\"a\":2,\"b\":1},\"ipv4:10.0.0.0/20\":{\"a\":2,\"b\":1},"
         "\"ipv4:10.0.1.0/24\":{\"a\":null},\"ipv4:10.0.1.7\":{\"a\":3}}"},
        /* No value is said where one would be inherited. */
        {"[\"ipv4:10.0.1.1\"],\"properties\":[]", "{\"ipv4:10.0.1.1\":{\"a\":null,\"b\":1}}"},
        {"[\"ipv4:0.0.0.0/0\"],\"properties\":[\"c\"]", "{}"},
    };
    struct alto_fixture f;
    char body[200];

    begin_one(&f, text, sizeof text - 1, 0);
    snprintf(body, sizeof body, "{\"entities\":%s}", rows[_i][0]);
    answers(&f, "p", body, rows[_i][1]);
    alto_fixture_fini(&f);
}
END_TEST

static uint64_t next(uint64_t *s)
{
    *s ^= *s >> 12;
    *s ^= *s << 25;
    *s ^= *s >> 27;
    return *s * UINT64_C(0x2545f4914f6cdd1d);
}

/* Blocks of a space of 256 addresses. */
static struct prefix block(uint64_t *s)
{
    uint8_t len = (uint8_t)(120 + next(s) % 9);

    return (struct prefix){
        addr_mask(addr_from_v4(UINT32_C(0xc0000200) | (uint32_t)(next(s) % 256)), len), len};
}

/* What a client makes of the answer: the value of the longest prefix that has the property. */
static const json_t *derived(const json_t *map, struct addr a, const char *property)
{
    const char *name;
    const json_t *found = NULL;
    json_t *value;
    int best = -1;

    json_object_foreach((json_t *)(uintptr_t)map, name, value)
    {
        struct entity entity;
        const json_t *v = json_object_get(value, property);

        ck_assert(entity_parse(str_from(name), &entity, NULL) == ERR_OK);
        if (v && prefix_has(entity.prefix, a) && entity.prefix.len > best) {
            best = entity.prefix.len;
            found = v;
        }
    }
    return json_is_null(found) ? NULL : found;
}

static const char *const names[3] = {"a", "b", "c"};

static void check_answer(const struct propmap *m, const struct prefix *asked, size_t n,
                         const json_t *map, unsigned props_asked, uint64_t seed)
{
    const char *name;
    json_t *value;

    for (uint32_t i = 0; i < 256; i++) {
        struct addr at = addr_from_v4(UINT32_C(0xc0000200) | i);
        char entity[60], text[ADDR_TEXT_MAX];
        bool in = false;

        for (size_t k = 0; k < n; k++)
            in |= prefix_has(asked[k], at);
        snprintf(entity, sizeof entity, "ipv4:%s", addr_format(at, text));
        for (unsigned p = 0; in && p < 3; p++) {
            struct str want = propmap_get(m, str_from(entity), str_from(names[p]));
            const json_t *got = derived(map, at, names[p]);
            char shown[20];

            snprintf(shown, sizeof shown, "%.0f", json_number_value(got));
            if (!(props_asked >> p & 1))
                ck_assert_ptr_null(got);
            else
                ck_assert_msg(want.p ? got && str_eq(want, str_from(shown)) : got == NULL,
                              "seed %llu: %s.%s is %s, not %.*s", (unsigned long long)seed, entity,
                              names[p], got ? shown : "-", (int)want.n, want.p ? want.p : "-");
        }
    }
    json_object_foreach((json_t *)(uintptr_t)map, name, value)
    {
        struct entity entity;
        bool in = false;

        ck_assert(entity_parse(str_from(name), &entity, NULL) == ERR_OK);
        for (size_t k = 0; k < n; k++)
            in |= entity.prefix.len >= asked[k].len && prefix_has(asked[k], entity.prefix.addr);
        ck_assert_msg(in && json_object_size(value) > 0, "seed %llu: %s", (unsigned long long)seed,
                      name);
    }
}

/* Conformance: Y-13, Y-06. */
START_TEST(a_client_finds_all_values_in_the_answer)
{
    uint64_t seed = (uint64_t)time(NULL) * 1000003u + (unsigned)_i, s = seed | 1;
    struct alto_fixture f;
    struct bytes text = {0};
    struct prefix asked[4];
    size_t n = 1 + next(&s) % 4;
    unsigned props_asked = 1 + (unsigned)(next(&s) % 7);
    json_t *map = json_object(), *whole = json_object(), *got;
    char prefix[PREFIX_TEXT_MAX], entity[80];
    const struct propmap *m;
    char *dump;

    json_object_set_new(whole, "property-map", map);
    for (size_t i = 0, rows = next(&s) % 40; i < rows; i++) {
        json_t *one = json_object();

        for (unsigned p = 0; p < 3; p++)
            if (next(&s) % 2)
                json_object_set_new(one, names[p],
                                    next(&s) % 5 ? json_integer((json_int_t)(next(&s) % 3))
                                                 : json_null());
        snprintf(entity, sizeof entity, "ipv4:%s", prefix_format(block(&s), prefix));
        json_object_set_new(map, entity, one);
    }
    snprintf(entity, sizeof entity, "ipv4:198.51.100.1"); /* so that all properties are known */
    json_object_set_new(map, entity, json_pack("{s:i,s:i,s:i}", "a", 1, "b", 1, "c", 1));
    dump = json_dumps(whole, 0);
    begin_one(&f, dump, strlen(dump), 0);
    m = f.server.catalog->resources[0].props ? f.server.catalog->resources[0].props
                                             : alto_find_id(f.server.catalog, STR("p"))->props;
    ck_assert(bytes_printf(&text, "{\"entities\":["));
    for (size_t i = 0; i < n; i++) {
        asked[i] = block(&s);
        ck_assert(
            bytes_printf(&text, "%s\"ipv4:%s\"", i ? "," : "", prefix_format(asked[i], prefix)));
    }
    ck_assert(bytes_printf(&text, "],\"properties\":["));
    for (unsigned p = 0, any = 0; p < 3; p++)
        if (props_asked >> p & 1)
            ck_assert(bytes_printf(&text, "%s\"%s\"", any++ ? "," : "", names[p]));
    ck_assert(bytes_printf(&text, "]}"));
    ck_assert(bytes_add(&text, "", 1));
    ck_assert_int_eq(ask(&f, "p", text.data), 200);
    got = alto_fixture_json(&f);
    check_answer(m, asked, n, json_object_get(got, "property-map"), props_asked, seed);
    json_decref(got);
    json_decref(whole);
    free(dump);
    bytes_free(&text);
    alto_fixture_fini(&f);
}
END_TEST

/* An answer of more than answer-max is refused, and one that is not is not. */
START_TEST(answers_are_bounded)
{
    struct alto_fixture f;
    struct bytes text = {0};

    ck_assert(bytes_printf(&text, "{\"property-map\":{"));
    for (unsigned i = 0; i < 1000; i++)
        ck_assert(bytes_printf(&text, "%s\"ipv4:10.0.%u.%u\":{\"a\":%u}", i ? "," : "", i / 256,
                               i % 256, i));
    ck_assert(bytes_printf(&text, "}}"));
    begin_one(&f, text.data, text.len, 2000);
    refuses(&f, "p", "{\"entities\":[\"ipv4:10.0.0.0/8\"],\"properties\":[\"a\"]}",
            "E_INVALID_FIELD_VALUE", "entities", "-");
    refuses(&f, "p", "{\"entities\":[]}", "E_INVALID_FIELD_VALUE", "entities", "-");
    answers(&f, "p", "{\"entities\":[\"ipv4:10.0.3.9\"],\"properties\":[\"a\"]}",
            "{\"ipv4:10.0.3.9\":{\"a\":777}}");
    alto_fixture_fini(&f);
    begin_one(&f, text.data, text.len, 0);
    f.server.catalog->limits.pairs_max = 999;
    refuses(&f, "p", "{\"entities\":[\"ipv4:10.0.0.0/8\"],\"properties\":[\"a\"]}",
            "E_INVALID_FIELD_VALUE", "entities", "-");
    refuses(&f, "p", "{\"entities\":[],\"properties\":[]}", "E_INVALID_FIELD_VALUE", "entities",
            "-");
    f.server.catalog->limits.pairs_max = 3000; /* what is inside may be looked at twice */
    ck_assert_int_eq(ask(&f, "p", "{\"entities\":[\"ipv4:10.0.0.0/8\"],\"properties\":[\"a\"]}"),
                     200);
    bytes_free(&text);
    alto_fixture_fini(&f);
}
END_TEST

#define ROWS(x) (int)(sizeof(x) / sizeof *(x))

int main(void)
{
    Suite *s = suite_create("prop_reply");
    TCase *t = tcase_create("all");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(t, rfc9240_filtered, 0, ROWS(examples));
    tcase_add_test(t, rfc9240_whole);
    tcase_add_test(t, directory);
    tcase_add_test(t, entities_of_a_request);
    tcase_add_test(t, an_address_is_its_prefix);
    tcase_add_test(t, entities_that_are_none);
    tcase_add_test(t, properties_of_a_request);
    tcase_add_test(t, what_answers_depend_on);
    tcase_add_loop_test(t, nested_entities, 0, 5);
    tcase_add_loop_test(t, a_client_finds_all_values_in_the_answer, 0, 300);
    tcase_add_test(t, answers_are_bounded);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
