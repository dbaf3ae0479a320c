/* Path vectors: reading them, and the answers of RFC 9275. */
#include <unistd.h>

#include "alto/multipart.h"
#include "alto/pathvec.h"
#include "tests/alto_fixture.h"

#define ARENA_CAP  ((size_t)64 << 20)
#define PIDS       "application/alto-costmapfilter+json"
#define ECS        "application/alto-endpointcostparams+json"
#define PV         "{\"cost-mode\":\"array\",\"cost-metric\":\"ane-path\"}"
#define NUM        "{\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\"}"
#define VTAG       "{\"resource-id\":\"my-default-networkmap\",\"tag\":\"t1\"}"
#define META(type) "\"meta\":{\"dependent-vtags\":[" VTAG "],\"cost-type\":" type "}"

static const char network_text[] =
    "{\"meta\":{\"vtag\":" VTAG
    "},\"network-map\":{\"PID1\":{},\"PID2\":{},\"PID3\":{},\"PID4\":{},"
    "\"A\":{\"ipv4\":[\"192.0.2.34/32\"]},\"B\":{\"ipv4\":[\"192.0.2.2/32\"]},"
    "\"C\":{\"ipv4\":[\"192.0.2.50/32\"]},\"D\":{\"ipv6\":[\"2001:db8::3:1/128\"]},"
    "\"E\":{\"ipv6\":[\"2001:db8::4:1/128\"]}}}";

static const char path_text[] =
    "{" META(PV) ",\"cost-map\":{\"PID1\":{\"PID4\":[\"L1\",\"L2\"],\"PID3\":[\"L1\"],\"PID1\":[]},"
                 "\"A\":{\"B\":[\"NET3\",\"L1\",\"NET1\"],\"C\":[\"NET3\",\"L2\",\"NET2\"],"
                 "\"gone\":[\"L9\"]},"
                 "\"D\":{\"E\":[\"NET3\",\"L2\",\"NET2\"]}}}";

/* As in the example of section 8.4. */
static const char props_text[] =
    "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"ane-props\",\"tag\":"
    "\"bf3c8c1819d2421c9a95a9d02af557a3\"}]},\"property-map\":{"
    "\".ane:NET1\":{\"max-reservable-bandwidth\":50000000000,\"persistent-entity-id\":"
    "\"ane-props.ane:MEC1\"},"
    "\".ane:NET2\":{\"max-reservable-bandwidth\":50000000000,\"persistent-entity-id\":"
    "\"ane-props.ane:MEC2\"},"
    "\".ane:NET3\":{\"max-reservable-bandwidth\":50000000000},"
    "\".ane:L1\":{\"max-reservable-bandwidth\":10000000000},"
    "\".ane:L2\":{\"max-reservable-bandwidth\":15000000000}}}";

static const char cost_text[] =
    "{" META(NUM) ",\"cost-map\":{\"A\":{\"B\":3,\"C\":2,\"D\":9},\"D\":{\"E\":2},\"PID1\":{"
                  "\"PID3\":4,\"PID2\":6}}}";

static enum err_code read_paths(struct arena *a, const char *paths, const char *props,
                                const struct path_vectors **out, struct err *e)
{
    const struct netmap *m = NULL;
    const struct propmap *p = NULL;

    ck_assert_int_eq(netmap_parse(network_text, sizeof network_text - 1, a, &m, e), ERR_OK);
    if (props)
        ck_assert_msg(propmap_parse(props, strlen(props), a, &p, e) == ERR_OK, "%s", e->text);
    return path_vectors_parse(paths, strlen(paths), p, m, a, out, e);
}

START_TEST(reads)
{
    struct arena *a = arena_new(ARENA_CAP);
    const struct path_vectors *p = NULL, *same = NULL;
    const struct netmap *m = NULL;
    const uint32_t *path;
    struct err e = {0};
    uint32_t count;

    ck_assert_msg(read_paths(a, path_text, props_text, &p, &e) == ERR_OK, "%s", e.text);
    ck_assert_int_eq(netmap_parse(network_text, sizeof network_text - 1, a, &m, &e), ERR_OK);
    path = path_vectors_get(p, netmap_find_pid(m, STR("A")), netmap_find_pid(m, STR("B")), &count);
    ck_assert(path && count == 3);
    ck_assert(str_eq(path_vectors_element(p, path[0]), STR("NET3")));
    ck_assert(str_eq(path_vectors_element(p, path[2]), STR("NET1")));
    ck_assert(str_eq(path_vectors_value(p, path[1], STR("max-reservable-bandwidth")),
                     STR("10000000000")));
    ck_assert_ptr_null(path_vectors_value(p, path[1], STR("persistent-entity-id")).p);
    path = path_vectors_get(p, netmap_find_pid(m, STR("PID1")), netmap_find_pid(m, STR("PID1")),
                            &count);
    ck_assert(path && count == 0); /* known, and no element is on it */
    ck_assert_ptr_null(
        path_vectors_get(p, netmap_find_pid(m, STR("B")), netmap_find_pid(m, STR("A")), &count));
    ck_assert_ptr_null(path_vectors_get(p, PIDX_NONE, 0, &count));
    ck_assert_ptr_null(path_vectors_get(p, netmap_find_pid(m, STR("A")), PIDX_NONE, &count));
    ck_assert_uint_eq(path_vectors_properties(p), 2);
    ck_assert_uint_eq(path_vectors_depends(p), 1);
    ck_assert_str_eq(path_vectors_depend(p, 0)->resource_id, "ane-props");
    /* Another order of members, other white space: the same content. */
    ck_assert_int_eq(
        read_paths(a,
                   "{\"cost-map\":{\"D\":{\"E\":[\"NET3\",\"L2\",\"NET2\"]},\"A\":{\"C\":[\"NET3\","
                   "\"L2\", \"NET2\"],\"B\":[\"NET3\",\"L1\",\"NET1\"]},\"PID1\":{\"PID1\":[],"
                   "\"PID3\":[\"L1\"],\"PID4\":[\"L1\",\"L2\"]}}," META(PV) "}",
                   props_text, &same, &e),
        ERR_OK);
    ck_assert_str_eq(path_vectors_tag(p), path_vectors_tag(same));
    ck_assert_int_eq(read_paths(a, "{" META(PV) ",\"cost-map\":{}}", props_text, &same, &e),
                     ERR_OK);
    ck_assert_str_ne(path_vectors_tag(p), path_vectors_tag(same));
    arena_free(a);
}
END_TEST

#define PROPS(x) "{\"meta\":{},\"property-map\":{" x "}}"
#define ONE      "{" META(PV) ",\"cost-map\":{\"A\":{\"B\":[\"L1\"]}}}"

// clang-format off
static const struct { const char *what, *paths, *props; enum err_code rc; const char *error; } bad[] = {
    {"another mode", "{" META(NUM) "}", NULL, ERR_PARSE, "path vectors are of the mode \"array\""},
    {"no meta", "{\"cost-map\":{}}", NULL, ERR_PARSE, "\"meta\" is missing"},
    {"no costs", "{" META(PV) "}", NULL, ERR_PARSE, "\"cost-map\" is missing"},
    {"a number for a path", "{\"cost-map\":{\"A\":{\"B\":5}}}", NULL, ERR_PARSE,
     "cost-map.A: a number, where an array should be"},
    {"a number in a path", "{\"cost-map\":{\"A\":{\"B\":[\"L1\",5]}}}", NULL, ERR_PARSE,
     "cost-map.A.B[1]: a number, where a string should be"},
    {"a bad name", "{\"cost-map\":{\"A\":{\"B\":[\"a b\"]}}}", NULL, ERR_PARSE, "name of an element"},
    {"a pair twice", "{" META(PV) ",\"cost-map\":{\"A\":{\"B\":[],\"B\":[]}}}", NULL, ERR_PARSE,
     "cost-map.A.B: the pair stands there twice"},
    {"another version", "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"my-default-networkmap\","
     "\"tag\":\"t2\"}]}}", NULL, ERR_CONFLICT, "made for version \"t2\""},
    {"another domain", ONE, PROPS("\"net.ane:L1\":{\"x\":\"1\"}"), ERR_PARSE, "the domain \"net.ane\""},
    {"a negative bandwidth", ONE, PROPS("\".ane:L1\":{\"max-reservable-bandwidth\":-1}"), ERR_PARSE,
     "max-reservable-bandwidth: not a number"},
    {"a bandwidth in words", ONE, PROPS("\".ane:L1\":{\"max-reservable-bandwidth\":\"1G\"}"),
     ERR_PARSE, "max-reservable-bandwidth: not a number"},
    {"an id that is ephemeral", ONE, PROPS("\".ane:L1\":{\"persistent-entity-id\":\".ane:X\"}"),
     ERR_PARSE, "persistent-entity-id: not an entity"},
    {"an id of another domain", ONE, PROPS("\".ane:L1\":{\"persistent-entity-id\":\"net.pid:X\"}"),
     ERR_PARSE, "persistent-entity-id: not an entity"},
    {"an id that is no string", ONE, PROPS("\".ane:L1\":{\"persistent-entity-id\":7}"), ERR_PARSE,
     "persistent-entity-id: not an entity"},
};
// clang-format on

/* Conformance: V-09, V-10. */
START_TEST(refuses)
{
    struct arena *a = arena_new(ARENA_CAP);
    const struct path_vectors *p = NULL;
    struct err e = {0};

    ck_assert_msg(read_paths(a, bad[_i].paths, bad[_i].props, &p, &e) == bad[_i].rc, "%s: %s",
                  bad[_i].what, e.text);
    ck_assert_msg(strstr(e.text, bad[_i].error) != NULL, "%s: %s", bad[_i].what, e.text);
    ck_assert_ptr_null(p);
    arena_free(a);
}
END_TEST

static void write_file(const char *path, const char *text)
{
    struct err e = {0};

    ck_assert_int_eq(file_replace(path, str_from(text), &e), ERR_OK);
}

START_TEST(loads_files)
{
    struct arena *a = arena_new(ARENA_CAP);
    const struct path_vectors *p = NULL, *q = NULL;
    const struct netmap *m = NULL;
    char costs[] = "/tmp/waymark-pathvec-XXXXXX", props[] = "/tmp/waymark-aneprops-XXXXXX";
    struct err e = {0};

    ck_assert_int_ge(mkstemp(costs), 0);
    ck_assert_int_ge(mkstemp(props), 0);
    write_file(costs, path_text);
    write_file(props, props_text);
    ck_assert_int_eq(netmap_parse(network_text, sizeof network_text - 1, a, &m, &e), ERR_OK);
    ck_assert_msg(path_vectors_load(costs, props, m, a, &p, &e) == ERR_OK, "%s", e.text);
    ck_assert_int_eq(read_paths(a, path_text, props_text, &q, &e), ERR_OK);
    ck_assert_str_eq(path_vectors_tag(p), path_vectors_tag(q));
    write_file(costs, "{\"cost-map\":5}");
    ck_assert_int_eq(path_vectors_load(costs, props, m, a, &p, &e), ERR_PARSE);
    ck_assert_ptr_nonnull(strstr(e.text, costs));
    unlink(costs);
    unlink(props);
    arena_free(a);
}
END_TEST

static struct alto_fixture *begin_with(struct alto_extensions extensions)
{
    static struct alto_fixture fixture;
    struct alto_fixture *f = &fixture;
    struct offer_cost cost = {0};
    struct offer_network network = {.costs = &cost, .cost_count = 1, .default_pid = PIDX_NONE};
    struct offer_paths paths = {.id = STR("pv")};
    struct offer_props props = {.id = STR("ane-props")};
    struct alto_offer offer = {.base = STR("/alto"),
                               .origin = STR("https://alto.example.com"),
                               .networks = &network,
                               .network_count = 1,
                               .paths = &paths,
                               .path_count = 1,
                               .props = &props,
                               .prop_count = 1,
                               .extensions = extensions};
    static const char persistent[] =
        "{\"meta\":{},\"property-map\":{\".ane:MEC1\":{\"cpu\":\"2\"},\".ane:MEC2\":{\"cpu\":"
        "\"4\"}}}";
    const struct propmap *elements = NULL;
    struct err e = {0};

    alto_fixture_init(f);
    network.map = alto_fixture_network(f, network_text);
    cost.map = alto_fixture_cost(f, network.map, cost_text);
    ck_assert_int_eq(propmap_parse(persistent, sizeof persistent - 1, f->maps, &props.map, &e),
                     ERR_OK);
    ck_assert_int_eq(propmap_parse(props_text, sizeof props_text - 1, f->maps, &elements, &e),
                     ERR_OK);
    ck_assert_msg(path_vectors_parse(path_text, sizeof path_text - 1, elements, network.map,
                                     f->maps, &paths.paths, &e) == ERR_OK,
                  "%s", e.text);
    alto_fixture_offer(f, &offer);
    return f;
}

static struct alto_fixture *begin(void)
{
    return begin_with((struct alto_extensions){0});
}

/* The two parts of an answer, as JSON. */
struct parts {
    json_t *costs, *props;
};

/* Conformance: V-05, V-06: what holds for every answer. */
static struct parts ask(struct alto_fixture *f, bool endpoints, const char *body)
{
    const char *root =
        endpoints ? "application/alto-endpointcost+json" : "application/alto-costmap+json";
    struct parts p;
    struct multipart m;
    struct err e = {0};
    json_t *meta, *vtag, *depends;
    struct str got;

    alto_fixture_post(f, endpoints ? "/alto/pv-path-endpoint" : "/alto/pv-path-cost",
                      endpoints ? ECS : PIDS, body);
    got = alto_fixture_body(f);
    ck_assert_msg(f->response.status == 200, "%s: %d %.*s", body, f->response.status, (int)got.n,
                  got.p);
    ck_assert_ptr_null(memchr(f->response.type.p, '"', f->response.type.n));
    ck_assert_msg(multipart_read(f->response.type, got, false, &m, &e) == ERR_OK, "%s: %.*s",
                  e.text, (int)got.n, got.p);
    ck_assert_uint_eq(m.part_count, 2);
    ck_assert_str_eq(m.type, root);
    ck_assert(str_eq(m.parts[0].type, str_from(root)));
    ck_assert(str_eq(m.parts[0].id,
                     endpoints ? STR("ecs@alto.example.com") : STR("costmap@alto.example.com")));
    ck_assert(str_eq(m.parts[1].id, STR("propmap@alto.example.com")));
    ck_assert(str_eq(m.parts[1].type, STR("application/alto-propmap+json")));
    p.costs = json_loadb(m.parts[0].body.p, m.parts[0].body.n, JSON_REJECT_DUPLICATES, NULL);
    p.props = json_loadb(m.parts[1].body.p, m.parts[1].body.n, JSON_REJECT_DUPLICATES, NULL);
    ck_assert(p.costs && p.props);
    meta = json_object_get(p.costs, "meta");
    vtag = json_object_get(meta, "vtag");
    ck_assert_str_eq(json_string_value(json_object_get(vtag, "resource-id")),
                     endpoints ? "pv-path-endpoint.ecs" : "pv-path-cost.costmap");
    depends = json_object_get(meta, "dependent-vtags");
    ck_assert_uint_eq(json_array_size(depends), 1);
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(depends, 0), "resource-id")),
                     "my-default-networkmap");
    depends = json_object_get(json_object_get(p.props, "meta"), "dependent-vtags");
    ck_assert(json_equal(json_array_get(depends, 0), vtag));
    return p;
}

static void parts_free(struct parts *p)
{
    json_decref(p->costs);
    json_decref(p->props);
}

/* The same values, where names of elements in the one stand for those in the other. */
static bool same_paths(const json_t *got, const json_t *want, json_t *names)
{
    const char *key;
    json_t *v;

    if (json_is_string(got) && json_is_string(want)) {
        const json_t *known = json_object_get(names, json_string_value(got));

        if (known)
            return json_equal(known, want);
        json_object_foreach(names, key, v) if (json_equal(v, want)) return false;
        return json_object_set(names, json_string_value(got), (json_t *)(uintptr_t)want) == 0;
    }
    if (json_is_array(got) && json_is_array(want)) {
        if (json_array_size(got) != json_array_size(want))
            return false;
        for (size_t i = 0; i < json_array_size(got); i++)
            if (!same_paths(json_array_get(got, i), json_array_get(want, i), names))
                return false;
        return true;
    }
    if (!json_is_object(got) || !json_is_object(want))
        return alto_json_same(got, want);
    if (json_object_size(got) != json_object_size(want))
        return false;
    json_object_foreach((json_t *)(uintptr_t)got, key, v)
    {
        const json_t *other = json_object_get(want, key);

        if (!other || !same_paths(v, other, names))
            return false;
    }
    return true;
}

/* Both parts as an answer of the RFC's has them, the names of the elements apart. */
static void same_answer(const struct parts *p, const json_t *costs, const json_t *props,
                        const char *member)
{
    json_t *names = json_object(), *renamed = json_object(), *v;
    char *text = json_dumps(p->costs, 0), *others = json_dumps(p->props, 0);
    const char *key;

    ck_assert_msg(
        same_paths(json_object_get(p->costs, member), json_object_get(costs, member), names), "%s",
        text);
    json_object_foreach(json_object_get(p->props, "property-map"), key, v)
    {
        char entity[80];

        ck_assert_msg(strncmp(key, ".ane:", 5) == 0, "%s", key);
        ck_assert_msg(json_object_get(names, key + 5) != NULL, "%s is on no path", key);
        snprintf(entity, sizeof entity, ".ane:%s",
                 json_string_value(json_object_get(names, key + 5)));
        json_object_set(renamed, entity, v);
    }
    ck_assert_msg(alto_json_same(renamed, json_object_get(props, "property-map")), "%s", others);
    free(text);
    free(others);
    json_decref(names);
    json_decref(renamed);
}

/* The request and the two parts of the answer of an example. */
static char *example(const char *request, const char *answer, struct parts *out)
{
    struct bytes file = {0}, body = {0};
    struct multipart m;
    struct err e = {0};
    char path[256];
    char *at, *end;

    snprintf(path, sizeof path, TEST_DATA "/alto-examples/%s.http", answer);
    ck_assert_int_eq(file_read(path, 1 << 20, &file, &e), ERR_OK);
    at = strstr(file.data, "Content-Type: ") + strlen("Content-Type: ");
    end = strstr(at, "\n\n");
    ck_assert_ptr_nonnull(end);
    ck_assert_msg(multipart_read((struct str){at, (size_t)(end - at)},
                                 (struct str){end, (size_t)(file.data + file.len - end)}, true, &m,
                                 &e) == ERR_OK,
                  "%s: %s", path, e.text);
    out->costs = json_loadb(m.parts[0].body.p, m.parts[0].body.n, 0, NULL);
    out->props = json_loadb(m.parts[1].body.p, m.parts[1].body.n, 0, NULL);
    ck_assert_msg(out->costs && out->props, "%s", path);
    snprintf(path, sizeof path, TEST_DATA "/alto-examples/%s.json", request);
    ck_assert_int_eq(file_read(path, 1 << 20, &body, &e), ERR_OK);
    bytes_free(&file);
    return body.data;
}

/* RFC 9275 section 8.3: no property is asked for. */
/* Conformance: V-01, V-04, V-05, V-06, V-08, V-10. */
START_TEST(rfc9275_8_3)
{
    struct alto_fixture *f = begin();
    struct parts want, got;
    char *body = example("rfc9275-8.3-01-req-POST-costmapfilter",
                         "rfc9275-8.3-02-resp-200-multipart", &want);

    got = ask(f, false, body);
    same_answer(&got, want.costs, want.props, "cost-map");
    ck_assert(json_equal(json_object_get(json_object_get(got.costs, "meta"), "cost-type"),
                         json_object_get(json_object_get(want.costs, "meta"), "cost-type")));
    parts_free(&got);
    parts_free(&want);
    free(body);
    alto_fixture_fini(f);
}
END_TEST

/* RFC 9275 section 8.4 (its first answer), whose data file ends in prose and is therefore said
 * here: properties, and the tag of the map that persistent ids are entities of. */
/* Conformance: V-05, V-06, V-07, V-08, V-09, V-10. */
START_TEST(rfc9275_8_4)
{
    struct alto_fixture *f = begin();
    struct parts unused, got;
    char *body = example("rfc9275-8.4-01-req-POST-endpointcostparams",
                         "rfc9275-8.4-03-resp-200-multipart", &unused);
    json_t *costs, *props, *depends;

    got = ask(f, true, body);
    costs =
        json_loads("{\"endpoint-cost-map\":{\"ipv4:192.0.2.34\":{\"ipv4:192.0.2.2\":[\"NET3\","
                   "\"L1\",\"NET1\"],\"ipv4:192.0.2.50\":[\"NET3\",\"L2\",\"NET2\"]},"
                   "\"ipv6:2001:db8::3:1\":{\"ipv6:2001:db8::4:1\":[\"NET3\",\"L2\",\"NET2\"]}}}",
                   0, NULL);
    props = json_loads(props_text, 0, NULL);
    same_answer(&got, costs, props, "endpoint-cost-map");
    depends = json_object_get(json_object_get(got.props, "meta"), "dependent-vtags");
    ck_assert_uint_eq(json_array_size(depends), 2);
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(depends, 1), "resource-id")),
                     "ane-props");
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(depends, 1), "tag")),
                     propmap_tag(alto_find_id(f->server.catalog, STR("ane-props"))->props));
    json_decref(costs);
    json_decref(props);
    parts_free(&got);
    parts_free(&unused);
    free(body);
    alto_fixture_fini(f);
}
END_TEST

/* RFC 9275 section 8.6: with a numerical cost. */
/* Conformance: V-05, V-08. */
START_TEST(rfc9275_8_6)
{
    struct alto_fixture *f = begin();
    struct parts unused, got;
    char *body = example("rfc9275-8.6-01-req-POST-endpointcostparams",
                         "rfc9275-8.6-02-resp-200-multipart", &unused);
    json_t *costs, *props;

    got = ask(f, true, body);
    costs = json_loads("{\"endpoint-cost-map\":{\"ipv4:192.0.2.34\":{\"ipv4:192.0.2.2\":[[\"NET3\","
                       "\"L1\",\"NET1\"],3],\"ipv4:192.0.2.50\":[[\"NET3\",\"L2\",\"NET2\"],2]},"
                       "\"ipv6:2001:db8::3:1\":{\"ipv6:2001:db8::4:1\":[[\"NET3\",\"L2\",\"NET2\"],"
                       "2]}}}",
                       0, NULL);
    props = json_loads(props_text, 0, NULL);
    same_answer(&got, costs, props, "endpoint-cost-map");
    ck_assert(
        json_equal(json_object_get(json_object_get(got.costs, "meta"), "multi-cost-types"),
                   json_object_get(json_object_get(unused.costs, "meta"), "multi-cost-types")));
    json_decref(costs);
    json_decref(props);
    parts_free(&got);
    parts_free(&unused);
    free(body);
    alto_fixture_fini(f);
}
END_TEST

static void is(const json_t *v, const char *want)
{
    json_t *w = json_loads(want, JSON_DECODE_ANY, NULL);
    char *text = json_dumps(v, JSON_ENCODE_ANY);

    ck_assert_msg(w && alto_json_same(v, w), "got %s, want %s", text, want);
    free(text);
    json_decref(w);
}

/* Path vectors are not asked for: no elements. */
/* Conformance: V-08. */
START_TEST(ordinary_costs)
{
    struct alto_fixture *f = begin();
    struct parts got = ask(f, false,
                           "{\"cost-type\":" NUM ",\"pids\":{\"srcs\":[\"PID1\"],\"dsts\":"
                           "[]},\"ane-property-names\":[\"max-reservable-bandwidth\"]}");

    is(json_object_get(got.costs, "cost-map"), "{\"PID1\":{\"PID3\":4,\"PID2\":6}}");
    is(json_object_get(got.props, "property-map"), "{}");
    parts_free(&got);
    got = ask(f, true,
              "{\"cost-type\":" NUM ",\"endpoints\":{\"srcs\":[\"ipv4:192.0.2.34\"],\"dsts\":["
              "\"ipv4:192.0.2.50\"]}}");
    is(json_object_get(got.costs, "endpoint-cost-map"),
       "{\"ipv4:192.0.2.34\":{\"ipv4:192.0.2.50\":2}}");
    is(json_object_get(got.props, "property-map"), "{}");
    parts_free(&got);
    alto_fixture_fini(f);
}
END_TEST

/* A pair with a cost and no path, or with a path and no cost; tests on the cost. */
/* Conformance: V-03. */
START_TEST(several_costs)
{
    struct alto_fixture *f = begin();
    struct parts got =
        ask(f, false,
            "{\"cost-type\":{},\"multi-cost-types\":[" NUM "," PV "],\"pids\":{\"srcs\":[\"PID1\"],"
            "\"dsts\":[\"PID1\",\"PID2\"]}}");

    is(json_object_get(got.costs, "cost-map"), "{\"PID1\":{\"PID1\":[null,[]],\"PID2\":[6,null]}}");
    parts_free(&got);
    got = ask(f, false,
              "{\"multi-cost-types\":[" PV "," NUM "],\"testable-cost-types\":[" NUM
              "],\"or-constraints\":[[\"[0] le 2\"]],\"pids\":{\"srcs\":[\"A\"],\"dsts\":[]}}");
    ck_assert_uint_eq(
        json_object_size(json_object_get(json_object_get(got.costs, "cost-map"), "A")), 1);
    ck_assert_uint_eq(json_object_size(json_object_get(got.props, "property-map")), 3);
    parts_free(&got);
    alto_fixture_fini(f);
}
END_TEST

/* Conformance: V-12. */
START_TEST(names_differ)
{
    static const char body[] = "{\"cost-type\":" PV ",\"pids\":{\"srcs\":[\"PID1\"],\"dsts\":["
                               "\"PID3\"]}}";
    struct alto_fixture *f = begin();
    struct parts one = ask(f, false, body), two = ask(f, false, body);

    ck_assert(!json_equal(json_object_get(one.costs, "cost-map"),
                          json_object_get(two.costs, "cost-map")));
    ck_assert(!json_equal(json_object_get(json_object_get(one.costs, "meta"), "vtag"),
                          json_object_get(json_object_get(two.costs, "meta"), "vtag")));
    parts_free(&one);
    parts_free(&two);
    alto_fixture_fini(f);
}
END_TEST

// clang-format off
static const struct { bool endpoints; const char *body, *code, *field, *value; } refusals[] = {
    {false, "{\"cost-type\":" PV ",\"ane-property-names\":[\"cpu\"]}", "E_INVALID_FIELD_VALUE",
     "ane-property-names", "cpu"},
    {false, "{\"cost-type\":" PV ",\"ane-property-names\":\"cpu\"}", "E_INVALID_FIELD_TYPE",
     "ane-property-names", NULL},
    {false, "{\"ane-property-names\":[]}", "E_MISSING_FIELD", "cost-type", NULL},
    {false, "{\"cost-type\":" PV ",\"constraints\":[\"le 5\"]}", "E_INVALID_FIELD_VALUE", NULL, NULL},
    {false, "{\"cost-type\":" PV ",\"testable-cost-types\":[" PV "],\"or-constraints\":[[\"le 5\"]]}",
     "E_INVALID_FIELD_VALUE", NULL, NULL},
    {true, "{\"cost-type\":" PV "}", "E_MISSING_FIELD", "endpoints", NULL},
    {true, "{\"cost-type\":" PV ",\"endpoint-flows\":[{\"srcs\":[\"ipv4:192.0.2.34\"],\"dsts\":["
     "\"ipv4:192.0.2.2\"]}]}", "E_MISSING_FIELD", "endpoints", NULL},
    {true, "{\"cost-type\":" PV ",\"endpoints\":{\"srcs\":[\"ipv4:01.2.3.4\"]}}",
     "E_INVALID_FIELD_VALUE", "endpoints/srcs", "ipv4:01.2.3.4"},
};
// clang-format on

/* Conformance: V-03, V-04. */
START_TEST(refuses_requests)
{
    struct alto_fixture *f = begin();
    const char *s;
    json_t *json, *meta;

    alto_fixture_post(f, refusals[_i].endpoints ? "/alto/pv-path-endpoint" : "/alto/pv-path-cost",
                      refusals[_i].endpoints ? ECS : PIDS, refusals[_i].body);
    ck_assert_msg(f->response.status == 400, "%s: %d", refusals[_i].body, f->response.status);
    ck_assert(alto_str_is(f->response.type, "application/alto-error+json"));
    json = alto_fixture_json(f);
    meta = json_object_get(json, "meta");
    ck_assert_str_eq(json_string_value(json_object_get(meta, "code")), refusals[_i].code);
    s = json_string_value(json_object_get(meta, "field"));
    if (refusals[_i].field)
        ck_assert_str_eq(s, refusals[_i].field);
    s = json_string_value(json_object_get(meta, "value"));
    if (refusals[_i].value)
        ck_assert_str_eq(s, refusals[_i].value);
    json_decref(json);
    alto_fixture_fini(f);
}
END_TEST

/* Each of the first is one of the second. */
static void is_subset(const json_t *some, const json_t *all)
{
    const json_t *a, *b;
    size_t i, k;

    json_array_foreach(some, i, a)
    {
        bool found = false;

        json_array_foreach(all, k, b) found = found || json_equal(a, b);
        ck_assert_msg(found, "%s", json_string_value(a));
    }
}

/* Conformance: V-01, V-02, V-03, V-04, X-03. */
START_TEST(directory)
{
    struct alto_fixture *f = begin();
    json_t *json, *entry, *capabilities;

    ck_assert_int_eq(alto_fixture_get(f, "/alto"), 200);
    json = alto_fixture_json(f);
    is(json_object_get(json_object_get(json_object_get(json, "meta"), "cost-types"),
                       "array-ane-path"),
       PV);
    entry = json_object_get(json_object_get(json, "resources"), "pv-path-cost");
    is(json_object_get(entry, "media-type"),
       "\"multipart/related;type=application/alto-costmap+json\"");
    is(json_object_get(entry, "uses"), "[\"my-default-networkmap\",\"ane-props\"]");
    capabilities = json_object_get(entry, "capabilities");
    is(json_object_get(capabilities, "ane-property-names"),
       "[\"max-reservable-bandwidth\",\"persistent-entity-id\"]");
    is(json_object_get(capabilities, "testable-cost-type-names"),
       "[\"num-routingcost\",\"ord-routingcost\"]");
    is_subset(json_object_get(capabilities, "testable-cost-type-names"),
              json_object_get(capabilities, "cost-type-names"));
    ck_assert(!json_is_true(json_object_get(capabilities, "cost-constraints")));
    entry = json_object_get(json_object_get(json, "resources"), "pv-path-endpoint");
    is(json_object_get(entry, "media-type"),
       "\"multipart/related;type=application/alto-endpointcost+json\"");
    is(json_object_get(entry, "uses"), "[\"my-default-networkmap\",\"ane-props\"]");
    json_decref(json);
    alto_fixture_fini(f);
}
END_TEST

/* Flows: pairs that none of them has are not answered, also where the sides have them. */
/* Conformance: V-13. */
START_TEST(flows)
{
    struct alto_fixture *f = begin_with((struct alto_extensions){.endpoint_flows = true});
    struct parts got =
        ask(f, true,
            "{\"cost-type\":" NUM ",\"endpoint-flows\":[{\"srcs\":[\"ipv4:192.0.2.34\"],\"dsts\":["
            "\"ipv4:192.0.2.2\"]},{\"srcs\":[\"ipv4:192.0.2.34\",\"ipv6:2001:db8::3:1\"],\"dsts\":["
            "\"ipv6:2001:db8::4:1\"]},{\"srcs\":[\"ipv4:192.0.2.2\"],\"dsts\":["
            "\"ipv4:192.0.2.50\"]}]}");

    is(json_object_get(got.costs, "endpoint-cost-map"),
       "{\"ipv4:192.0.2.34\":{\"ipv4:192.0.2.2\":3},\"ipv6:2001:db8::3:1\":{"
       "\"ipv6:2001:db8::4:1\":2}}");
    parts_free(&got);
    got = ask(f, true,
              "{\"cost-type\":" NUM ",\"endpoints\":{\"srcs\":[\"ipv4:192.0.2.34\"],\"dsts\":["
              "\"ipv4:192.0.2.50\"]}}");
    is(json_object_get(got.costs, "endpoint-cost-map"),
       "{\"ipv4:192.0.2.34\":{\"ipv4:192.0.2.50\":2}}");
    parts_free(&got);
    alto_fixture_post(f, "/alto/pv-path-endpoint", ECS,
                      "{\"cost-type\":" PV ",\"endpoint-flows\":[]}");
    ck_assert_int_eq(f->response.status, 400);
    alto_fixture_post(f, "/alto/pv-path-endpoint", ECS,
                      "{\"cost-type\":" PV ",\"endpoint-flows\":[5]}");
    ck_assert_int_eq(f->response.status, 400);
    alto_fixture_post(f, "/alto/pv-path-endpoint", ECS,
                      "{\"cost-type\":" PV ",\"endpoint-flows\":[{}]}");
    ck_assert_int_eq(f->response.status, 400);
    alto_fixture_fini(f);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pathvec");
    TCase *t = tcase_create("pathvec");
    SRunner *r;
    int failed;

    tcase_add_test(t, reads);
    tcase_add_loop_test(t, refuses, 0, sizeof bad / sizeof *bad);
    tcase_add_test(t, loads_files);
    tcase_add_test(t, rfc9275_8_3);
    tcase_add_test(t, rfc9275_8_4);
    tcase_add_test(t, rfc9275_8_6);
    tcase_add_test(t, ordinary_costs);
    tcase_add_test(t, several_costs);
    tcase_add_test(t, names_differ);
    tcase_add_loop_test(t, refuses_requests, 0, sizeof refusals / sizeof *refusals);
    tcase_add_test(t, directory);
    tcase_add_test(t, flows);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
