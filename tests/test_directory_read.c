#include "alto/directory_read.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#define URI "http://alto.example.com/dir/root"

static struct arena *arena;
static struct err e;

static void setup(void)
{
    arena = arena_new((size_t)16 << 20);
    e = (struct err){0};
}

static void teardown(void)
{
    arena_free(arena);
}

static const struct directory *read_text(const char *text)
{
    const struct directory *d;

    ck_assert_msg(directory_read(str_from(text), STR(URI), arena, &d, &e) == ERR_OK, "%s", e.text);
    return d;
}

static const struct directory *read_example(const char *name)
{
    const struct directory *d;
    struct bytes b = {0};
    char path[512];

    snprintf(path, sizeof path, TEST_DATA "/alto-examples/%s", name);
    ck_assert_msg(file_read(path, 1 << 20, &b, &e) == ERR_OK, "%s", e.text);
    d = read_text(b.data);
    bytes_free(&b);
    return d;
}

static const struct directory_resource *find(const struct directory *d, const char *id)
{
    const struct directory_resource *r = directory_find(d, str_from(id));

    ck_assert_msg(r != NULL, "%s", id);
    return r;
}

#define ck_str(a, b) ck_assert_msg(str_eq(a, str_from(b)), "%.*s, not %s", (int)(a).n, (a).p, b)

START_TEST(example)
{
    const struct directory *d = read_example("rfc7285-9.2.3-02-resp-200-directory.repaired.json");
    const struct directory_resource *r = find(d, "endpoint-cost");

    ck_str(d->default_network, "my-default-network-map");
    ck_assert_uint_eq(d->type_count, 4);
    ck_str(r->accepts, "application/alto-endpointcostparams+json");
    ck_assert(r->cost_constraints);
    ck_assert_uint_eq(r->cost_count, 4);
    r = find(d, "numerical-routing-cost-map");
    ck_str(r->uses[0], "my-default-network-map");
    ck_assert_uint_eq(r->accepts.n, 0);
    ck_str(find(d, "my-default-network-map")->uri, "http://alto.example.com/networkmap");
    ck_assert_uint_eq(find(d, "endpoint-property")->prop_type_count, 2);
}
END_TEST

/* Conformance: I-07. */
START_TEST(relative_uris)
{
    const struct directory *d =
        read_text("{\"resources\":{\"a\":{\"uri\":\"costmap/x\",\"media-type\":\"m/m\"},"
                  "\"b\":{\"uri\":\"/x\",\"media-type\":\"m/m\"},"
                  "\"c\":{\"uri\":\"//h/x\",\"media-type\":\"m/m\"},"
                  "\"d\":{\"uri\":\"ftp://h/x\",\"media-type\":\"m/m\"},"
                  "\"e\":{\"uri\":\"\",\"media-type\":\"m/m\"}}}");

    ck_str(find(d, "a")->uri, "http://alto.example.com/dir/costmap/x");
    ck_str(find(d, "b")->uri, "http://alto.example.com/x");
    ck_str(find(d, "c")->uri, "http://h/x");
    ck_str(find(d, "e")->uri, URI);
    ck_assert(!directory_find(d, STR("d")));
    ck_assert_uint_eq(d->skipped, 1);
}
END_TEST

/* Conformance: I-09. */
START_TEST(capabilities_default)
{
    const struct directory *d = read_text(
        "{\"meta\":{\"cost-types\":{\"n\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"m\"}}},"
        "\"resources\":{\"none\":{\"uri\":\"a\",\"media-type\":\"application/alto-costmap+json\"},"
        "\"empty\":{\"uri\":\"a\",\"media-type\":\"application/alto-costmap+json\","
        "\"capabilities\":{\"cost-type-names\":[\"n\",\"unknown\"]}}}}");
    const struct directory_resource *r = find(d, "none");

    ck_assert(!r->cost_constraints && r->cost_count == 0 && r->max_cost_types == 0);
    r = find(d, "empty");
    ck_assert(!r->cost_constraints);
    ck_assert_uint_eq(r->cost_count, 1); /* what is not defined is not offered */
    ck_str(r->costs[0]->metric, "m");
}
END_TEST

/* Conformance: I-13. */
START_TEST(unknown_types)
{
    const struct directory *d = read_text(
        "{\"resources\":{\"x\":{\"uri\":\"a\",\"media-type\":\"application/x-new\",\"uses\":5,"
        "\"capabilities\":[1]},"
        "\"net\":{\"uri\":\"n\",\"media-type\":\"application/alto-networkmap+json\"}}}");

    ck_assert_uint_eq(d->resource_count, 2);
    ck_str(find(d, "net")->uri, "http://alto.example.com/dir/n");
}
END_TEST

/* Conformance: N-09. */
START_TEST(any_mode_of_any_metric)
{
    const struct directory *d = read_text(
        "{\"meta\":{\"cost-types\":{"
        "\"path\":{\"cost-mode\":\"array\",\"cost-metric\":\"routingcost\"},"
        "\"mine\":{\"cost-mode\":\"priv:mine\",\"cost-metric\":\"hopcount\"},"
        "\"num\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\"}}},"
        "\"resources\":{\"c\":{\"uri\":\"a\",\"media-type\":\"application/alto-costmap+json\","
        "\"capabilities\":{\"cost-type-names\":[\"path\",\"mine\",\"num\"]}}}}");
    const struct directory_resource *r = find(d, "c");

    ck_assert_uint_eq(r->cost_count, 3);
    ck_assert_int_eq(r->costs[0]->mode, COST_ARRAY);
    ck_assert_int_eq(r->costs[1]->mode, COST_OTHER);
    ck_str(r->costs[1]->mode_text, "priv:mine");
    ck_assert_int_eq(r->costs[2]->mode, COST_NUMERICAL);
}
END_TEST

/* Conformance: D-02. */
START_TEST(calendar_named_twice)
{
    const struct directory *d = read_text(
        "{\"meta\":{\"cost-types\":{\"a\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"x\"},"
        "\"b\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"y\"}}},"
        "\"resources\":{\"c\":{\"uri\":\"a\",\"media-type\":\"application/alto-costmap+json\","
        "\"accepts\":\"application/alto-costmapfilter+json\","
        "\"capabilities\":{\"cost-type-names\":[\"a\",\"b\"],\"calendar-attributes\":["
        "{\"cost-type-names\":[\"a\"],\"time-interval-size\":7200,\"number-of-intervals\":12},"
        "{\"cost-type-names\":[\"a\",\"b\",\"b\"],\"time-interval-size\":60,"
        "\"number-of-intervals\":4}]}}}}");
    const struct directory_resource *r = find(d, "c");

    ck_assert_uint_eq(r->calendar_count, 2);
    ck_str(r->calendars[0].type->name, "a");
    ck_assert_double_eq(r->calendars[0].interval_s, 7200);
    ck_assert_uint_eq(r->calendars[0].slots, 12);
    ck_str(r->calendars[1].type->name, "b");
    ck_assert_uint_eq(r->calendars[1].slots, 4);
}
END_TEST

START_TEST(updates)
{
    struct bytes text = {0}, all = {0};
    const struct directory *d;
    const struct directory_resource *r;

    ck_assert(file_read(TEST_DATA "/alto-examples/rfc8895-8.1-01-fragment.repaired.json", 1 << 20,
                        &text, &e) == ERR_OK);
    ck_assert(bytes_printf(&all, "{\"resources\":%s}", text.data));
    d = read_text(all.data);
    r = find(d, "update-my-costs");
    ck_str(r->media_type, "text/event-stream");
    ck_assert(r->stream_control);
    ck_assert_uint_gt(r->change_count, 0);
    for (size_t i = 0; i < r->change_count; i++)
        if (str_eq(r->changes[i].id, STR("my-network-map")))
            ck_assert(r->changes[i].json && !r->changes[i].merge && !r->changes[i].other);
        else if (str_eq(r->changes[i].id, STR("my-routingcost-map")))
            ck_assert(r->changes[i].merge && !r->changes[i].other);
    bytes_free(&text);
    bytes_free(&all);
}
END_TEST

/* Adds a member to every object below (and to this one). */
static void add_everywhere(json_t *v, unsigned depth)
{
    const char *key;
    json_t *item;
    size_t i;

    json_object_foreach(v, key, item) add_everywhere(item, depth + 1);
    json_array_foreach(v, i, item) add_everywhere(item, depth + 1);
    /* Names of resources and cost types are no members. */
    if (json_is_object(v) && json_object_size(v) && depth != 1 && !json_object_get(v, "num-hop"))
        ck_assert_int_eq(json_object_set_new(v, "x-unknown", json_pack("{s:[i]}", "a", 1)), 0);
}

/* Conformance: T-17. */
START_TEST(unknown_members)
{
    const char *const name = "rfc7285-9.2.4-02-resp-200-directory.json";
    const struct directory *plain = read_example(name), *more;
    json_t *v = json_load_file(TEST_DATA "/alto-examples/rfc7285-9.2.4-02-resp-200-directory.json",
                               0, NULL);
    char *text;

    add_everywhere(v, 0);
    text = json_dumps(v, 0);
    more = read_text(text);
    ck_assert(strstr(text, "x-unknown"));
    ck_assert_uint_eq(more->resource_count, plain->resource_count);
    ck_assert_uint_eq(more->type_count, plain->type_count);
    for (size_t i = 0; i < plain->resource_count; i++) {
        const struct directory_resource *a = &plain->resources[i];
        const struct directory_resource *b = directory_find(more, a->id);

        ck_assert(b && str_eq(a->uri, b->uri) && str_eq(a->accepts, b->accepts));
        ck_assert_uint_eq(a->cost_count, b->cost_count);
        ck_assert_uint_eq(a->use_count, b->use_count);
    }
    free(text);
    json_decref(v);
}
END_TEST

static const struct {
    const char *what, *text, *wrong;
} bad[] = {
    {"no JSON", "<html>", "invalid token"},
    {"no object", "[]", "object"},
    {"no resources", "{\"meta\":{}}", "resources"},
    {"resources of another type", "{\"resources\":[]}", "resources"},
    {"a resource without a media type", "{\"resources\":{\"r\":{\"uri\":\"a\"}}}", "media-type"},
    {"a resource without a URI", "{\"resources\":{\"r\":{\"media-type\":\"a/b\"}}}", "uri"},
    {"uses of another type",
     "{\"resources\":{\"r\":{\"uri\":\"a\",\"media-type\":\"application/alto-costmap+json\","
     "\"uses\":\"n\"}}}",
     "resources.r.uses"},
    {"a cost type without a mode",
     "{\"meta\":{\"cost-types\":{\"a\":{\"cost-metric\":\"x\"}}},\"resources\":{}}", "cost-mode"},
    {"a name twice", "{\"resources\":{},\"resources\":{}}", "duplicate"},
};

START_TEST(refused)
{
    const struct directory *d;

    ck_assert_msg(directory_read(str_from(bad[_i].text), STR(URI), arena, &d, &e) == ERR_PARSE,
                  "%s", bad[_i].what);
    ck_assert_msg(strstr(e.text, bad[_i].wrong), "%s: %s", bad[_i].what, e.text);
    ck_assert(!d);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("directory_read");
    TCase *t = tcase_create("directory_read");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, example);
    tcase_add_test(t, relative_uris);
    tcase_add_test(t, capabilities_default);
    tcase_add_test(t, unknown_types);
    tcase_add_test(t, any_mode_of_any_metric);
    tcase_add_test(t, calendar_named_twice);
    tcase_add_test(t, updates);
    tcase_add_test(t, unknown_members);
    tcase_add_loop_test(t, refused, 0, sizeof bad / sizeof *bad);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
