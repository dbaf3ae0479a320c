#include "alto/cdni.h"

#include <unistd.h>

#include "alto/propmap.h"
#include "tests/alto_fixture.h"

#define EXAMPLES TEST_DATA "/alto-examples/rfc9241-"
#define FILTER   "application/alto-cdnifilter+json"

#define CAPS(x) "{\"capabilities\":[" x "]}"
#define CAP(t, v, f)                                                                               \
    "{\"capability-type\":\"" t "\",\"capability-value\":" v ",\"footprints\":" f "}"
#define DELIVERY(p, f) CAP("FCI.DeliveryProtocol", "{\"delivery-protocols\":[" p "]}", f)
#define FOOT(t, v)     "{\"footprint-type\":\"" t "\",\"footprint-value\":[" v "]}"
#define US             FOOT("countrycode", "\"us\"")
#define HTTP           "\"http/1.1\""
#define HTTPS          "\"https/1.1\""

static const char network_text[] =
    "{\"meta\":{\"vtag\":{\"resource-id\":\"my-eu-netmap\",\"tag\":"
    "\"3ee2cb7e8d63d9fab71b9b34cbf764436315542e\"}},\"network-map\":{"
    "\"south-france\":{\"ipv4\":[\"192.0.2.0/24\",\"198.51.100.0/25\"],\"ipv6\":[\"2001:db8::/32\"]"
    "},\"germany\":{\"ipv4\":[\"203.0.113.0/24\"]}}}";
static const char cost_text[] =
    "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"my-eu-netmap\",\"tag\":"
    "\"3ee2cb7e8d63d9fab71b9b34cbf764436315542e\"}],\"cost-type\":{\"cost-mode\":\"numerical\","
    "\"cost-metric\":\"routingcost\"}},\"cost-map\":{\"germany\":{\"south-france\":1}}}";

static const struct cdni_advert *parse(struct arena *a, const char *text, size_t n)
{
    const struct cdni_advert *c = NULL;
    struct err e = {0};

    ck_assert_msg(cdni_advert_parse(text, n, a, &c, &e) == ERR_OK, "%.300s: %s", text, e.text);
    return c;
}

static const struct cdni_advert *example(struct arena *a, const char *name)
{
    const struct cdni_advert *c = NULL;
    char path[300];
    struct err e = {0};

    snprintf(path, sizeof path, EXAMPLES "%s", name);
    ck_assert_msg(cdni_advert_load(path, a, &c, &e) == ERR_OK, "%s", e.text);
    return c;
}

static json_t *example_json(const char *name)
{
    char path[300];
    json_t *v;

    snprintf(path, sizeof path, EXAMPLES "%s", name);
    v = json_load_file(path, 0, NULL);
    ck_assert_ptr_nonnull(v);
    return v;
}

static void begin(struct alto_fixture *f, const struct cdni_advert *advert, const char *id)
{
    static struct offer_cost cost;
    static struct offer_network network;
    struct offer_cdni one = {.advert = advert, .id = str_from(id)};
    struct alto_offer offer = {.base = STR("/alto"),
                               .networks = &network,
                               .network_count = 1,
                               .cdni = &one,
                               .cdni_count = 1};

    cost = (struct offer_cost){.modified_ms = 1};
    network = (struct offer_network){.costs = &cost, .cost_count = 1, .default_pid = PIDX_NONE};
    network.map = alto_fixture_network(f, network_text);
    cost.map = alto_fixture_cost(f, network.map, cost_text);
    alto_fixture_offer(f, &offer);
}

static void begin_text(struct alto_fixture *f, const char *text)
{
    alto_fixture_init(f);
    begin(f, parse(f->maps, text, strlen(text)), "fci");
}

/* The answer is `want` but for the tag, which is ours. */
static void answer_is(const struct alto_fixture *f, const json_t *want, const char *tag)
{
    json_t *got = alto_fixture_json(f), *vtag;
    char *text = json_dumps(got, 0);

    vtag = json_object_get(json_object_get(got, "meta"), "vtag");
    ck_assert_str_eq(json_string_value(json_object_get(vtag, "tag")), tag);
    json_object_set(vtag, "tag",
                    json_object_get(json_object_get(json_object_get(want, "meta"), "vtag"), "tag"));
    ck_assert_msg(alto_json_same(got, want), "%s", text);
    free(text);
    json_decref(got);
}

/* Conformance: K-01, K-02. */
START_TEST(rfc9241_whole)
{
    struct alto_fixture f;
    const struct cdni_advert *a;
    json_t *want = example_json("3.7.2-02-resp-200-cdni.json"), *got;
    const json_t *entry;

    alto_fixture_init(&f);
    a = example(f.maps, "3.7.2-02-resp-200-cdni.json");
    begin(&f, a, "my-default-cdnifci");
    ck_assert_int_eq(alto_fixture_get(&f, "/alto/my-default-cdnifci"), 200);
    ck_assert(alto_str_is(f.response.type, "application/alto-cdni+json"));
    answer_is(&f, want, cdni_advert_tag(a));
    ck_assert_int_eq(alto_fixture_get(&f, "/alto"), 200);
    got = alto_fixture_json(&f);
    entry = json_object_get(json_object_get(got, "resources"), "my-default-cdnifci");
    ck_assert_ptr_nonnull(entry);
    ck_assert_ptr_null(json_object_get(entry, "uses"));
    ck_assert_ptr_null(json_object_get(entry, "capabilities"));
    json_decref(got);
    json_decref(want);
    alto_fixture_fini(&f);
}
END_TEST

/* The example breaks RFC 8008 sections 5.3 and 5.4 (values of these types are objects), and lacks
 * the vtag of RFC 9241 section 3.6; both are mended here. */
static json_t *altopid_example(void)
{
    json_t *v = example_json("4.2.2-02-resp-200-cdni.json");
    json_t *list =
        json_object_get(json_object_get(v, "cdni-advertisement"), "capabilities-with-footprints");

    for (size_t i = 0; i < 2; i++) {
        json_t *c = json_array_get(list, i);

        json_object_set_new(c, "capability-value",
                            json_pack("{s:O}", i ? "acquisition-protocols" : "delivery-protocols",
                                      json_object_get(c, "capability-value")));
    }
    json_object_set_new(json_object_get(v, "meta"), "vtag",
                        json_pack("{s:s,s:s}", "resource-id", "fci", "tag", "x"));
    return v;
}

/* Conformance: K-02, K-04. */
START_TEST(rfc9241_altopid)
{
    struct alto_fixture f;
    json_t *want = altopid_example(), *got;
    char *text = json_dumps(want, 0);
    const struct cdni_advert *a;
    const char *const ids[] = {"fci", "fci-filter"};

    alto_fixture_init(&f);
    a = parse(f.maps, text, strlen(text));
    ck_assert(cdni_advert_has_altopid(a));
    begin(&f, a, "fci");
    ck_assert_int_eq(alto_fixture_get(&f, "/alto/fci"), 200);
    answer_is(&f, want, cdni_advert_tag(a));
    ck_assert_int_eq(
        alto_fixture_post(&f, "/alto/fci-filter", FILTER, "{\"cdni-capabilities\":[]}"), 200);
    answer_is(&f, want, cdni_advert_tag(a));
    ck_assert_int_eq(alto_fixture_get(&f, "/alto"), 200);
    got = alto_fixture_json(&f);
    for (size_t i = 0; i < 2; i++) {
        const json_t *uses =
            json_object_get(json_object_get(json_object_get(got, "resources"), ids[i]), "uses");

        ck_assert_uint_eq(json_array_size(uses), 1);
        ck_assert_str_eq(json_string_value(json_array_get(uses, 0)), "my-eu-netmap");
    }
    json_decref(got);
    json_decref(want);
    free(text);
    alto_fixture_fini(&f);
}
END_TEST

START_TEST(altopid_needs_a_network)
{
    struct alto_fixture f;
    struct offer_cdni one = {.id = STR("fci")};
    struct alto_offer offer = {.base = STR("/alto"), .cdni = &one, .cdni_count = 1};
    const char *text = CAPS(DELIVERY(HTTP, "[" FOOT("altopid", "\"x\"") "]"));
    struct alto_catalog *c;
    struct err e = {0};

    alto_fixture_init(&f);
    one.advert = parse(f.maps, text, strlen(text));
    ck_assert(alto_offer_build(&offer, NULL, &c, &e) == ERR_CONFLICT);
    ck_assert_msg(strstr(e.text, "needs a network map") != NULL, "%s", e.text);
    alto_fixture_fini(&f);
}
END_TEST

/* The example names the filtered resource in its vtag; section 5.6 wants the version tag of the
 * whole advertisement, which is a resource id and a tag. */
/* Conformance: K-08, K-10, K-11. */
START_TEST(rfc9241_filtered)
{
    struct alto_fixture f;
    json_t *want = example_json("5.7.1-02-resp-200-cdni.json");
    json_t *request = example_json("5.7.1-01-req-POST-cdnifilter.json");
    char *body = json_dumps(request, 0);
    const struct cdni_advert *a;

    json_object_set_new(json_object_get(json_object_get(want, "meta"), "vtag"), "resource-id",
                        json_string("my-default-cdnifci"));
    alto_fixture_init(&f);
    a = example(f.maps, "3.7.2-02-resp-200-cdni.json");
    begin(&f, a, "my-default-cdnifci");
    ck_assert_int_eq(alto_fixture_post(&f, "/alto/my-default-cdnifci-filter", FILTER, body), 200);
    ck_assert(alto_str_is(f.response.type, "application/alto-cdni+json"));
    answer_is(&f, want, cdni_advert_tag(a));
    free(body);
    json_decref(request);
    json_decref(want);
    alto_fixture_fini(&f);
}
END_TEST

static const char many[] =
    CAPS(DELIVERY(HTTP, "[" US "]") ","                                              /* 0 */
         DELIVERY(HTTPS "," HTTP, "null") ","                                        /* 1 */
         CAP("FCI.Logging", "{\"record-type\":\"r1\",\"fields\":[\"a\"]}", "[]") "," /* 2 */
         CAP("FCI.Metadata", "{\"metadata\":[]}", "[]") ","                          /* 3 */
         CAP("FCI.x", "{\"a\":1,\"b\":[\"p\",\"q\"],\"c\":{\"d\":true}}", "[]") ","  /* 4 */
         CAP("FCI.y", "[1,[2]]", "[]"));                                             /* 5 */

#define ASK(x)           "{\"cdni-capabilities\":[" x "]}"
#define WANT(t, v)       "{\"capability-type\":\"" t "\",\"capability-value\":" v "}"
#define WANT_DELIVERY(p) WANT("FCI.DeliveryProtocol", "{\"delivery-protocols\":[" p "]}")

// clang-format off
static const struct {
    const char *body, *found;
} filters[] = {
    {ASK(""),                                                   "012345"},
    {ASK(WANT_DELIVERY(HTTP)),                                  "01"},
    {ASK(WANT_DELIVERY(HTTPS)),                                 "1"},
    {ASK(WANT_DELIVERY(HTTP "," HTTPS)),                        "1"},
    {ASK(WANT_DELIVERY("")),                                    "01"},
    {ASK(WANT_DELIVERY("\"ftp\"")),                             ""},
    {ASK(WANT_DELIVERY(HTTPS) "," WANT_DELIVERY(HTTPS)),        "1"},
    {ASK(WANT_DELIVERY("\"ftp\"") "," WANT("FCI.Metadata", "{\"metadata\":[]}")), "3"},
    {ASK(WANT("FCI.Metadata", "{\"metadata\":[\"MI.x\"]}")),    ""},
    {ASK(WANT("FCI.Logging", "{\"record-type\":\"r1\"}")),      "2"},
    {ASK(WANT("FCI.Logging", "{\"record-type\":\"r1\",\"fields\":[\"b\"]}")), "2"}, /* not mandatory */
    {ASK(WANT("FCI.Logging", "{\"record-type\":\"r2\"}")),      ""},
    {ASK(WANT("FCI.Nobody", "{}")),                             ""},
    {ASK(WANT("FCI.x", "{}")),                                  "4"},
    {ASK(WANT("FCI.x", "{\"b\":[\"q\"],\"a\":1.0}")),           "4"},
    {ASK(WANT("FCI.x", "{\"c\":{\"d\":true}}")),                "4"},
    {ASK(WANT("FCI.x", "{\"c\":{\"d\":false}}")),               ""},
    {ASK(WANT("FCI.x", "{\"a\":2}")),                           ""},
    {ASK(WANT("FCI.x", "{\"e\":1}")),                           ""},
    {ASK(WANT("FCI.x", "[]")),                                  ""},
    {ASK(WANT("FCI.y", "[[2]]")),                               "5"},
    {ASK(WANT("FCI.y", "[[1]]")),                               ""},
};
// clang-format on

/* Conformance: K-08, K-10, K-11. */
START_TEST(filtered)
{
    struct alto_fixture f;
    const char *at = filters[_i].found;
    const struct cdni_advert *a;
    json_t *got;
    const json_t *list;

    begin_text(&f, many);
    a = alto_find_id(f.server.catalog, STR("fci"))->cdni;
    ck_assert_int_eq(alto_fixture_post(&f, "/alto/fci-filter", FILTER, filters[_i].body), 200);
    got = alto_fixture_json(&f);
    list =
        json_object_get(json_object_get(got, "cdni-advertisement"), "capabilities-with-footprints");
    ck_assert_msg(json_is_array(list) && json_array_size(list) == strlen(at), "%s: %zu",
                  filters[_i].body, json_array_size(list));
    for (size_t i = 0; at[i]; i++) {
        const struct cdni_capability *c = &cdni_advert_items(a)[at[i] - '0'];
        json_t *v = json_loadb(c->value.p, c->value.n, JSON_DECODE_ANY, NULL);

        ck_assert_msg(
            alto_json_same(json_object_get(json_array_get(list, i), "capability-value"), v), "%s",
            filters[_i].body);
        json_decref(v);
    }
    list = json_object_get(json_object_get(got, "meta"), "vtag");
    ck_assert_str_eq(json_string_value(json_object_get(list, "tag")), cdni_advert_tag(a));
    ck_assert_str_eq(json_string_value(json_object_get(list, "resource-id")), "fci");
    ck_assert_ptr_null(json_object_get(json_object_get(got, "meta"), "dependent-vtags"));
    json_decref(got);
    alto_fixture_fini(&f);
}
END_TEST

#define NULL_TYPE  "{\"capability-type\":null,\"capability-value\":{}}"
#define NULL_VALUE "{\"capability-type\":\"x\",\"capability-value\":null}"

// clang-format off
static const struct {
    const char *body, *code, *field, *value;
} wrong[] = {
    {"{}",                                                 "E_MISSING_FIELD",       "cdni-capabilities", "-"},
    {"{\"cdni-capabilities\":{}}",                         "E_INVALID_FIELD_TYPE",  "cdni-capabilities", "-"},
    {"{\"cdni-capabilities\":null}",                       "E_INVALID_FIELD_TYPE",  "cdni-capabilities", "-"},
    {ASK("1"),                                             "E_INVALID_FIELD_VALUE", "cdni-capabilities", "1"},
    {ASK(NULL_TYPE),                                       "E_INVALID_FIELD_VALUE", "cdni-capabilities", NULL_TYPE},
    {ASK(NULL_VALUE),                                      "E_INVALID_FIELD_VALUE", "cdni-capabilities", NULL_VALUE},
    {ASK("{\"capability-type\":\"x\"}"),                   "E_MISSING_FIELD",       "cdni-capabilities/capability-value", "-"},
    {ASK("{\"capability-value\":{}}"),                     "E_MISSING_FIELD",       "cdni-capabilities/capability-type", "-"},
    {ASK("{\"capability-type\":1,\"capability-value\":1}"), "E_INVALID_FIELD_TYPE", "cdni-capabilities/capability-type", "-"},
    {ASK(WANT("FCI.DeliveryProtocol", "{}")),              "E_INVALID_FIELD_VALUE", "cdni-capabilities", WANT("FCI.DeliveryProtocol", "{}")},
    {ASK(WANT("FCI.DeliveryProtocol", "[\"http/1.1\"]")),  "E_INVALID_FIELD_VALUE", "cdni-capabilities", WANT("FCI.DeliveryProtocol", "[\"http/1.1\"]")},
    {ASK(WANT_DELIVERY("1")),                              "E_INVALID_FIELD_VALUE", "cdni-capabilities", WANT_DELIVERY("1")},
    {ASK(WANT("FCI.Logging", "{\"record-type\":[]}")),     "E_INVALID_FIELD_VALUE", "cdni-capabilities", WANT("FCI.Logging", "{\"record-type\":[]}")},
    {ASK(WANT("FCI.RedirectionMode", "{\"x\":[]}")),       "E_INVALID_FIELD_VALUE", "cdni-capabilities", WANT("FCI.RedirectionMode", "{\"x\":[]}")},
};
// clang-format on

/* Conformance: K-09. */
START_TEST(filters_that_are_wrong)
{
    struct alto_fixture f;
    json_t *got, *meta;
    const char *v;

    begin_text(&f, many);
    ck_assert_int_eq(alto_fixture_post(&f, "/alto/fci-filter", FILTER, wrong[_i].body), 400);
    got = alto_fixture_json(&f);
    meta = json_object_get(got, "meta");
    ck_assert_str_eq(json_string_value(json_object_get(meta, "code")), wrong[_i].code);
    v = json_string_value(json_object_get(meta, "field"));
    ck_assert_str_eq(v ? v : "-", wrong[_i].field);
    v = json_string_value(json_object_get(meta, "value"));
    ck_assert_str_eq(v ? v : "-", wrong[_i].value);
    json_decref(got);
    alto_fixture_fini(&f);
}
END_TEST

/* Who may see one advertisement sees nothing of another. */
/* Conformance: K-14. */
START_TEST(each_has_its_own)
{
    static const char *const ids[] = {"one", "other"};
    struct alto_fixture f;
    struct offer_cdni list[2] = {{.id = STR("one"), .groups = 1},
                                 {.id = STR("other"), .groups = 2}};
    struct alto_offer offer = {
        .base = STR("/alto"), .cdni = list, .cdni_count = 2, .group_count = 2};
    const char *texts[] = {CAPS(DELIVERY(HTTP, "[" US "]")), CAPS(DELIVERY(HTTPS, "[]"))};
    char path[50];

    alto_fixture_init(&f);
    f.server.groups = alto_fixture_groups;
    f.server.groups_arg = &f;
    for (size_t i = 0; i < 2; i++)
        list[i].advert = parse(f.maps, texts[i], strlen(texts[i]));
    f.groups = 3;
    alto_fixture_offer(&f, &offer);
    for (size_t mine = 0; mine < 2; mine++) {
        json_t *got;

        f.groups = UINT64_C(1) << mine;
        for (size_t i = 0; i < 2; i++) {
            snprintf(path, sizeof path, "/alto/%s", ids[i]);
            ck_assert_int_eq(alto_fixture_get(&f, path), i == mine ? 200 : 404);
            snprintf(path, sizeof path, "/alto/%s-filter", ids[i]);
            ck_assert_int_eq(alto_fixture_post(&f, path, FILTER, "{\"cdni-capabilities\":[]}"),
                             i == mine ? 200 : 404);
        }
        ck_assert_int_eq(alto_fixture_get(&f, "/alto"), 200);
        got = alto_fixture_json(&f);
        ck_assert_ptr_nonnull(json_object_get(json_object_get(got, "resources"), ids[mine]));
        ck_assert_ptr_null(json_object_get(json_object_get(got, "resources"), ids[!mine]));
        json_decref(got);
    }
    alto_fixture_fini(&f);
}
END_TEST

// clang-format off
static const struct {
    const char *json, *why;
} bad[] = {
    {"",                                                        ""},
    {"[]",                                                      "object"},
    {"{}",                                                      "capabilities"},
    {"{\"cdni-advertisement\":{}}",                             "cdni-advertisement.capabilities-with-footprints"},
    {CAPS("1"),                                                 "capabilities[0]"},
    {CAPS("{}"),                                                "capabilities[0].capability-type"},
    {CAPS("{\"capability-type\":\"x\"}"),                       "capabilities[0]: has no capability-value"},
    {CAPS(CAP("", "{}", "[]")),                                 "capabilities[0].capability-type: is not"},
    {CAPS(CAP("x", "null", "[]")),                              "capabilities[0].capability-value: null"},
    {CAPS(CAP("FCI.DeliveryProtocol", "{}", "[]")),             "capabilities[0].capability-value: the value of FCI.DeliveryProtocol is an object with \"delivery-protocols\", a list of strings"},
    {CAPS(DELIVERY(HTTP, "{}")),                                "capabilities[0].footprints"},
    {CAPS(DELIVERY(HTTP, "[1]")),                               "capabilities[0].footprints[0]"},
    {CAPS(DELIVERY(HTTP, "[{}]")),                              "capabilities[0].footprints[0].footprint-type"},
    {CAPS(DELIVERY(HTTP, "[" FOOT("ipv4cdir", "\"10.0.0.0/8\"") "]")), "capabilities[0].footprints[0].footprint-type: \"ipv4cdir\" is not a type of footprints; did you mean \"ipv4cidr\"?"},
    {CAPS(DELIVERY(HTTP, "[" US "," FOOT("asn", "") "]")),      "capabilities[0].footprints[1].footprint-value: is empty"},
    {CAPS(DELIVERY(HTTP, "[" FOOT("asn", "1") "]")),            "capabilities[0].footprints[0].footprint-value[0]"},
    {CAPS(DELIVERY(HTTP, "[]") "," DELIVERY(HTTP, "[" FOOT("countrycode", "\"de\",\"US\"") "]")), "capabilities[1].footprints[0].footprint-value[1]: countrycode \"US\": not the two lower case letters"},
    {CAPS(DELIVERY(HTTP, "[" FOOT("ipv4cidr", "\"2001:db8::/32\"") "]")), "capabilities[0].footprints[0].footprint-value[0]: ipv4cidr"},
    {CAPS(DELIVERY(HTTP, "[" FOOT("footprintunion", FOOT("footprintunion", US)) "]")), "a footprintunion in a footprintunion"},
    {CAPS(DELIVERY(HTTP, "[" FOOT("footprintunion", FOOT("asn", "\"1\"")) "]")), "capabilities[0].footprints[0].footprint-value[0].footprint-value[0]: asn"},
};
// clang-format on

/* Conformance: K-06, K-07. */
START_TEST(refuses)
{
    struct arena *arena = arena_new((size_t)1 << 24);
    const struct cdni_advert *a = NULL;
    struct err e = {0};

    ck_assert_msg(cdni_advert_parse(bad[_i].json, strlen(bad[_i].json), arena, &a, &e) != ERR_OK,
                  "%s", bad[_i].json);
    ck_assert_msg(e.text[0] && strstr(e.text, bad[_i].why), "%s: %s", bad[_i].json, e.text);
    ck_assert_ptr_null(a);
    arena_free(arena);
}
END_TEST

/* Conformance: K-03, K-06. */
START_TEST(footprints)
{
    const char *text = CAPS(DELIVERY(
        HTTP, "[" US "," FOOT("asn", "\"as1\",\"as2\",\"as1\"") "," US "," FOOT(
                  "footprintunion", US "," FOOT("subdivisioncode", "\"us-ny\"") "," US) "]"));
    struct arena *arena = arena_new((size_t)1 << 24);
    const struct cdni_advert *a = parse(arena, text, strlen(text));
    const struct cdni_capability *c = cdni_advert_items(a);
    const char *everywhere[] = {DELIVERY(HTTP, "null"), DELIVERY(HTTP, "[]"), WANT_DELIVERY(HTTP)};

    ck_assert_uint_eq(cdni_advert_count(a), 1);
    ck_assert_uint_eq(c->count, 3); /* the second us is the first */
    ck_assert_uint_eq(c->footprints[1].count, 2);
    ck_assert(str_eq(c->footprints[1].values[1], STR("as2")));
    ck_assert_uint_eq(c->footprints[2].part_count, 2);
    ck_assert(!cdni_advert_has_altopid(a));
    for (size_t i = 0; i < 3; i++) {
        char one[300];

        snprintf(one, sizeof one, CAPS("%s"), everywhere[i]);
        a = parse(arena, one, strlen(one));
        ck_assert_uint_eq(cdni_advert_items(a)->count, 0);
    }
    arena_free(arena);
}
END_TEST

START_TEST(tags)
{
    const char *one = CAPS(CAP("x", "{\"a\":1,\"b\":{\"c\":2,\"d\":3}}", "[" US "]"));
    const char *other =
        "{\"meta\":{},\"cdni-advertisement\":{\"capabilities-with-footprints\":[{"
        "\"footprints\":[{\"footprint-value\":[\"us\"],\"footprint-type\":"
        "\"countrycode\"}],\"capability-value\":{\"b\":{\"d\":3.0,\"c\":2},\"a\":1},"
        "\"capability-type\":\"x\"}]}}";
    const char *differs = CAPS(CAP("x", "{\"a\":1,\"b\":{\"c\":2,\"d\":3}}", "[]"));
    struct arena *arena = arena_new((size_t)1 << 24);
    const char *tag = cdni_advert_tag(parse(arena, one, strlen(one)));

    ck_assert_str_eq(tag, cdni_advert_tag(parse(arena, other, strlen(other))));
    ck_assert_str_ne(tag, cdni_advert_tag(parse(arena, differs, strlen(differs))));
    arena_free(arena);
}
END_TEST

START_TEST(files)
{
    struct arena *arena = arena_new((size_t)1 << 24);
    const struct cdni_advert *a = NULL;
    char path[] = "/tmp/test_cdni.XXXXXX";
    int fd = mkstemp(path);
    struct err e = {0};

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, many, 20), 20);
    ck_assert(cdni_advert_load(path, arena, &a, &e) == ERR_PARSE);
    ck_assert_msg(strncmp(e.text, "advertisement /tmp/test_cdni.", 29) == 0, "%s", e.text);
    close(fd);
    unlink(path);
    e = (struct err){0};
    ck_assert(cdni_advert_load(path, arena, &a, &e) == ERR_IO);
    arena_free(arena);
}
END_TEST

/* As a property map of an advertisement and what it depends on. */
static const struct propmap *properties(struct arena *arena, const struct cdni_advert *a,
                                        const char *id)
{
    struct propmap_build *b = propmap_build_new(arena);
    const struct propmap *m = NULL;
    struct err e = {0};

    ck_assert_msg(cdni_advert_properties(a, str_from(id), STR("net"), b, &e) == ERR_OK, "%s",
                  e.text);
    ck_assert_msg(propmap_build_freeze(b, &m, &e) == ERR_OK, "%s", e.text);
    propmap_build_free(b);
    return m;
}

/* The advertisement of section 3.7.2 and what 6.3.1 shows of it. The two do not belong together
 * wholly: 6.3.1 has a country and an AS that 3.7.2 has not, and another protocol for 203.0.113.0;
 * "meta" stands in its property-map. Here the advertisement is made to say what 6.3.1 shows. */
/* Conformance: K-12, Y-15. */
START_TEST(rfc9241_properties)
{
    struct alto_fixture f;
    json_t *advert = example_json("3.7.2-02-resp-200-cdni.json");
    json_t *want = example_json("6.3.1-02-resp-200-propmap.json");
    json_t *map = json_object_get(want, "property-map"), *list, *got, *meta;
    struct offer_cdni cdni = {.id = STR("my-default-cdnifci")};
    struct offer_props one = {.id = STR("cdnifci-property-map")};
    struct alto_offer offer = {
        .base = STR("/alto"), .cdni = &cdni, .cdni_count = 1, .props = &one, .prop_count = 1};
    char *text;

    alto_fixture_init(&f);
    list = json_object_get(json_object_get(advert, "cdni-advertisement"),
                           "capabilities-with-footprints");
    json_array_append_new(
        json_object_get(json_array_get(list, 0), "footprints"),
        json_pack("{s:s,s:[s]}", "footprint-type", "countrycode", "footprint-value", "us"));
    json_array_append_new(
        json_object_get(json_array_get(list, 1), "footprints"),
        json_pack("{s:s,s:[s]}", "footprint-type", "asn", "footprint-value", "as64496"));
    json_object_set_new(json_object_get(json_array_get(list, 2), "capability-value"),
                        "acquisition-protocols", json_pack("[s]", "http/1.1"));
    text = json_dumps(advert, 0);
    cdni.advert = parse(f.maps, text, strlen(text));
    one.map = properties(f.maps, cdni.advert, "my-default-cdnifci");
    alto_fixture_offer(&f, &offer);
    ck_assert_int_eq(alto_fixture_get(&f, "/alto/cdnifci-property-map"), 200);
    meta = json_incref(json_object_get(map, "meta"));
    json_object_set_new(want, "meta", meta);
    json_object_del(map, "meta");
    json_object_set_new(json_array_get(json_object_get(meta, "dependent-vtags"), 0), "tag",
                        json_string(cdni_advert_tag(cdni.advert)));
    free(text);
    got = alto_fixture_json(&f);
    text = json_dumps(got, 0);
    ck_assert_msg(alto_json_same(got, want), "%s", text);
    free(text);
    json_decref(got);
    json_decref(want);
    json_decref(advert);
    alto_fixture_fini(&f);
}
END_TEST

/* Section 6.3.2: with "pid" of a network map beside it. */
/* Conformance: K-12, Y-14. */
START_TEST(rfc9241_filtered_properties)
{
    struct alto_fixture f;
    json_t *want = example_json("6.3.2-02-resp-200-propmap.json");
    json_t *request = example_json("6.3.2-01-req-POST-propmapparams.json");
    json_t *map = json_object_get(want, "property-map"), *meta, *got;
    char *body = json_dumps(request, 0), *text;
    struct offer_props one = {.id = STR("p")};
    struct alto_offer offer = {.base = STR("/alto"), .props = &one, .prop_count = 1};
    const struct vtag on[2] = {
        {"my-default-cdnifci", "7915dc0290c2705481c491a2b4ffbec482b3cf62"},
        {"my-default-networkmap", "7915dc0290c2705481c491a2b4ffbec482b3cf63"}};
    struct propmap_build *b;
    struct err e = {0};

    alto_fixture_init(&f);
    b = propmap_build_new(f.maps);
    ck_assert(cdni_advert_properties(example(f.maps, "3.7.2-02-resp-200-cdni.json"),
                                     STR("my-default-cdnifci"), STR("net"), b, &e) == ERR_OK);
    ck_assert(propmap_build_add(b, STR("ipv4:192.0.2.0/23"), STR("my-default-networkmap.pid"),
                                STR("\"pid1\""), &e) == ERR_OK);
    ck_assert(propmap_build_add(b, STR("ipv6:2001:db8::/32"), STR("my-default-networkmap.pid"),
                                STR("\"pid3\""), &e) == ERR_OK);
    for (size_t i = 0; i < 2; i++)
        ck_assert(propmap_build_depends(b, &on[i], &e) == ERR_OK);
    ck_assert_msg(propmap_build_freeze(b, &one.map, &e) == ERR_OK, "%s", e.text);
    propmap_build_free(b);
    alto_fixture_offer(&f, &offer);
    ck_assert_int_eq(
        alto_fixture_post(&f, "/alto/p-filter", "application/alto-propmapparams+json", body), 200);
    meta = json_incref(json_object_get(map, "meta")); /* it stands in the wrong place there */
    json_object_set_new(want, "meta", meta);
    json_object_del(map, "meta");
    got = alto_fixture_json(&f);
    text = json_dumps(got, 0);
    ck_assert_msg(alto_json_same(got, want), "%s", text);
    free(text);
    free(body);
    json_decref(got);
    json_decref(request);
    json_decref(want);
    alto_fixture_fini(&f);
}
END_TEST

#define A DELIVERY("\"a\"", "[" FOOT("ipv4cidr", "\"10.0.0.0/8\"") "]")
#define B DELIVERY("\"b\"", "[" FOOT("ipv4cidr", "\"10.1.0.0/16\",\"11.0.0.0/8\"") "]")
#define C                                                                                          \
    DELIVERY("\"c\"",                                                                              \
             "[" FOOT("footprintunion", FOOT("altopid", "\"PID1\",\"net.PID2\"") "," FOOT(         \
                                            "subdivisioncode", "\"us-ny\"")) "]")
#define G DELIVERY("\"g\"", "[]")

// clang-format off
static const struct {
    const char *json, *entity, *protocols;
} capable[] = {
    {CAPS(A "," B),         "ipv4:10.0.0.0/8",            "a"},
    {CAPS(A "," B),         "ipv4:10.1.0.0/16",           "ab"},   /* all of it is in both */
    {CAPS(A "," B),         "ipv4:11.0.0.0/8",            "b"},
    {CAPS(A "," B),         "ipv4:10.1.2.3",              "ab"},   /* inherited */
    {CAPS(A "," B),         "ipv4:12.0.0.0",              ""},
    {CAPS(C),               "net.pid:PID1",               "c"},
    {CAPS(C),               "net.pid:PID2",               "c"},
    {CAPS(C "," G),         "subdivisioncode:us-ny",      "cg"},
    {CAPS(C "," G),         "ipv4:12.0.0.0",              "g"},    /* without footprints: everywhere */
    {CAPS(C "," G),         "ipv6:2001:db8::1",           "g"},
    {CAPS(A "," G "," B),   "ipv4:10.1.0.0/16",           "agb"},
    {CAPS(A "," A "," DELIVERY("\"a\"", "[" US "]")), "ipv4:10.0.0.0/8", "a"}, /* the same, once */
    {CAPS(A "," A "," DELIVERY("\"a\"", "[" US "]")), "countrycode:us", "a"},
};
// clang-format on

/* Conformance: K-12. */
START_TEST(capabilities_of_entities)
{
    struct arena *arena = arena_new((size_t)1 << 24);
    const struct propmap *m =
        properties(arena, parse(arena, capable[_i].json, strlen(capable[_i].json)), "fci");
    struct str v = propmap_get(m, str_from(capable[_i].entity), STR("fci.cdni-capabilities"));
    json_t *list = v.p ? json_loadb(v.p, v.n, 0, NULL) : NULL;
    char got[20] = "";

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *value = json_object_get(json_array_get(list, i), "capability-value");

        snprintf(
            got + strlen(got), sizeof got - strlen(got), "%s",
            json_string_value(json_array_get(json_object_get(value, "delivery-protocols"), 0)));
        ck_assert_ptr_null(json_object_get(json_array_get(list, i), "footprints"));
    }
    ck_assert_msg(strcmp(got, capable[_i].protocols) == 0, "%s: %s, not %s", capable[_i].entity,
                  got, capable[_i].protocols);
    json_decref(list);
    arena_free(arena);
}
END_TEST

#define ROWS(x) (int)(sizeof(x) / sizeof *(x))

int main(void)
{
    Suite *s = suite_create("cdni");
    TCase *t = tcase_create("all");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(t, rfc9241_whole);
    tcase_add_test(t, rfc9241_altopid);
    tcase_add_test(t, altopid_needs_a_network);
    tcase_add_test(t, rfc9241_filtered);
    tcase_add_loop_test(t, filtered, 0, ROWS(filters));
    tcase_add_loop_test(t, filters_that_are_wrong, 0, ROWS(wrong));
    tcase_add_test(t, each_has_its_own);
    tcase_add_loop_test(t, refuses, 0, ROWS(bad));
    tcase_add_test(t, footprints);
    tcase_add_test(t, tags);
    tcase_add_test(t, files);
    tcase_add_test(t, rfc9241_properties);
    tcase_add_test(t, rfc9241_filtered_properties);
    tcase_add_loop_test(t, capabilities_of_entities, 0, ROWS(capable));
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
