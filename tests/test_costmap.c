#include "alto/costmap.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define ARENA_CAP ((size_t)256 << 20)

#define NETMAP                                                                                     \
    "{\"meta\":{\"vtag\":{\"resource-id\":\"n\",\"tag\":\"t\"}},\"network-map\":{\"a\":{},\"b\":{" \
    "},"                                                                                           \
    "\"c\":{},\"d\":{}}}"
#define DEPENDS    "\"dependent-vtags\":[{\"resource-id\":\"n\",\"tag\":\"t\"}]"
#define TYPE(mode) "\"cost-type\":{\"cost-mode\":\"" mode "\",\"cost-metric\":\"routingcost\"}"
#define META(mode) "{\"meta\":{" DEPENDS "," TYPE(mode) "},\"cost-map\":"

static const struct netmap *network(struct arena *a)
{
    const struct netmap *m = NULL;
    struct err e = {0};

    ck_assert_msg(netmap_parse(NETMAP, strlen(NETMAP), a, &m, &e) == ERR_OK, "%s", e.text);
    return m;
}

static const struct costmap *parse(struct arena *a, const struct netmap *m, const char *text,
                                   size_t n)
{
    const struct costmap *c = NULL;
    struct err e = {0};

    ck_assert_msg(costmap_parse(text, n, m, a, &c, &e) == ERR_OK, "%.300s: %s", text, e.text);
    ck_assert_ptr_nonnull(c);
    return c;
}

static const struct costmap *parse_text(struct arena *a, const struct netmap *m, const char *text)
{
    return parse(a, m, text, strlen(text));
}

static void same_cost(double got, double want, const char *what)
{
    ck_assert_msg(isnan(want) ? isnan(got) : got == want, "%s: %.17g and %.17g", what, got, want);
}

/* The RFC's cost map is for another version than its network map of 11.2.1.7: refused as it stands,
 * read against a network map of the version that it names. */
START_TEST(rfc7285_example)
{
    static const double want[3][3] = {{1, 5, 10}, {5, 1, 15}, {20, 15, NAN}};
    static const char network_text[] =
        "{\"meta\":{\"vtag\":{\"resource-id\":\"my-default-network-map\","
        "\"tag\":\"3ee2cb7e8d63d9fab71b9b34cbf764436315542e\"}},"
        "\"network-map\":{\"PID1\":{},\"PID2\":{},\"PID3\":{}}}";
    struct arena *a = arena_new(ARENA_CAP);
    const struct netmap *m = NULL;
    const struct costmap *c = NULL;
    struct err e = {0};

    ck_assert_int_eq(netmap_load(TEST_DATA "/rfc7285/11.2.1.7-networkmap.json", a, &m, &e), ERR_OK);
    ck_assert_int_eq(costmap_load(TEST_DATA "/rfc7285/11.2.3.7-costmap.json", m, a, &c, &e),
                     ERR_CONFLICT);
    ck_assert_msg(strstr(e.text, "11.2.3.7-costmap.json: meta.dependent-vtags[0]: made for version "
                                 "\"3ee2cb7e8d63d9fab71b9b34cbf764436315542e\" of the network map"),
                  "%s", e.text);
    ck_assert_ptr_null(c);
    e = (struct err){0};
    ck_assert_int_eq(netmap_parse(network_text, sizeof network_text - 1, a, &m, &e), ERR_OK);
    ck_assert_msg(costmap_load(TEST_DATA "/rfc7285/11.2.3.7-costmap.json", m, a, &c, &e) == ERR_OK,
                  "%s", e.text);
    for (pidx i = 0; i < 3; i++)
        for (pidx k = 0; k < 3; k++)
            same_cost(costmap_get(c, i, k), want[i][k], "example");
    ck_assert_uint_eq(costmap_info_get(c)->pair_count, 8);
    ck_assert_int_eq(costmap_info_get(c)->mode, COST_NUMERICAL);
    ck_assert_str_eq(costmap_info_get(c)->metric, "routingcost");
    ck_assert_str_eq(costmap_info_get(c)->depends.tag, m->vtag.tag);
    arena_free(a);
}
END_TEST

static const struct {
    const char *what, *text;
    enum err_code rc;
    const char *error;
} bad[] = {
    {"no meta", "{\"cost-map\":{}}", ERR_PARSE, "1:15: \"meta\" is missing"},
    {"no costs", "{\"meta\":{" DEPENDS "," TYPE("numerical") "}}", ERR_PARSE,
     "1:126: \"cost-map\" is missing"},
    {"no vtags", "{\"meta\":{" TYPE("numerical") "}}", ERR_PARSE,
     "1:75: meta: \"dependent-vtags\" is missing"},
    {"no type", "{\"meta\":{" DEPENDS "}}", ERR_PARSE, "1:59: meta: \"cost-type\" is missing"},
    {"no vtag in the list", "{\"meta\":{\"dependent-vtags\":[]}}", ERR_PARSE,
     "1:29: meta.dependent-vtags: one version tag belongs here, that of the network map (RFC 7285 "
     "section 11.2.3.6)"},
    {"vtag without a tag", "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"n\"}]}}", ERR_PARSE,
     "1:47: meta.dependent-vtags[0]: \"tag\" is missing"},
    {"no metric", "{\"meta\":{\"cost-type\":{\"cost-mode\":\"ordinal\"}}}", ERR_PARSE,
     "1:44: meta.cost-type: \"cost-metric\" is missing"},
    {"another mode", "{\"meta\":{\"cost-type\":{\"cost-mode\":\"array\"}}}", ERR_UNSUPPORTED,
     "1:35: meta.cost-type.cost-mode: \"array\" is neither \"numerical\" nor \"ordinal\""},
    {"a metric of no name", "{\"meta\":{\"cost-type\":{\"cost-metric\":\"priv:\"}}}", ERR_PARSE,
     "1:37: meta.cost-type.cost-metric: \"priv:\" is not a cost metric: it is 1 to 32 letters, "
     "digits "
     "and - : _ . and more than \"priv:\""},
    {"mode twice",
     "{\"meta\":{\"cost-type\":{\"cost-mode\":\"ordinal\",\"cost-mode\":\"ordinal\"}}}", ERR_PARSE,
     "1:45: meta.cost-type.cost-mode: \"cost-mode\" stands here a second time"},
    {"negative", "{\"cost-map\":{\"a\":{\"b\":-0.5}}}", ERR_PARSE,
     "1:23: cost-map.a.b: -0.5: a cost is not negative"},
    {"beyond a double", "{\"cost-map\":{\"a\":{\"b\":1e999}}}", ERR_PARSE,
     "1:23: 1e999 is beyond what a double holds, about 1.8e308 at most"},
    {"a string", "{\"cost-map\":{\"a\":{\"b\":\"5\"}}}", ERR_PARSE,
     "1:23: cost-map.a.b: a string, where a number should be"},
    {"a boolean", "{\"cost-map\":{\"a\":{\"b\":true}}}", ERR_PARSE,
     "1:23: cost-map.a.b: true, where a number should be"},
    {"row is no object", "{\"cost-map\":{\"a\":[1]}}", ERR_PARSE,
     "1:18: cost-map.a: an array, where an object should be"},
    {"row twice", "{\"cost-map\":{\"a\":{},\"a\":{}}}", ERR_PARSE,
     "1:21: cost-map: PID \"a\" stands here a second time"},
    {"pair twice", "{\"cost-map\":{\"a\":{\"b\":1,\"b\":2}}}", ERR_PARSE,
     "1:29: cost-map.a.b: PID \"b\" stands here a second time"},
    {"pair twice, once without a value", "{\"cost-map\":{\"a\":{\"b\":null,\"b\":2}}}", ERR_PARSE,
     "1:32: cost-map.a.b: PID \"b\" stands here a second time"},
    {"not a PID name", "{\"cost-map\":{\"a\":{\"b b\":1}}}", ERR_PARSE,
     "1:19: cost-map.a: \"b b\" is not a PID name: it is 1 to 64 letters, digits and - : @ _ ."},
    {"unknown row with a bad cost", "{\"cost-map\":{\"x\":{\"a\":-1}}}", ERR_PARSE,
     "1:23: cost-map.x.a: -1: a cost is not negative"},
    {"ordinal with a fraction", META("ordinal") "{\"a\":{\"b\":1,\n\"c\":1.5}}}", ERR_PARSE,
     "2:5: cost-map.a.c: 1.5 is not an integer, as costs in ordinal mode are (RFC 7285 section "
     "6.1.2.2)"},
    {"ordinal said behind the costs",
     "{\"cost-map\":{\"a\":{\"c\":0.5}},\"meta\":{" DEPENDS "," TYPE("ordinal") "}}", ERR_PARSE,
     "1:23: cost-map.a.c: 0.5 is not an integer, as costs in ordinal mode are (RFC 7285 section "
     "6.1.2.2)"},
    {"another network map",
     "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"m\",\"tag\":\"t\"}]," TYPE(
         "ordinal") "},"
                    "\"cost-map\":{}}",
     ERR_CONFLICT,
     "meta.dependent-vtags[0]: made for the network map \"m\", and this one is \"n\""},
    {"another version",
     "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"n\",\"tag\":\"T\"}]," TYPE(
         "ordinal") "},"
                    "\"cost-map\":{}}",
     ERR_CONFLICT,
     "meta.dependent-vtags[0]: made for version \"T\" of the network map, and this one is \"t\""},
    {"two versions", "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"n\",\"tag\":\"t\"},{}]}}",
     ERR_PARSE,
     "1:59: meta.dependent-vtags: one version tag belongs here, that of the network map (RFC 7285 "
     "section 11.2.3.6)"},
};

START_TEST(refuses)
{
    struct arena *a = arena_new(ARENA_CAP);
    const struct costmap *c = NULL;
    struct err e = {0};

    ck_assert_msg(costmap_parse(bad[_i].text, strlen(bad[_i].text), network(a), a, &c, &e) ==
                      bad[_i].rc,
                  "%s: %s", bad[_i].what, e.text);
    ck_assert_str_eq(e.text, bad[_i].error);
    ck_assert_ptr_null(c);
    arena_free(a);
}
END_TEST

START_TEST(silence_is_not_zero)
{
    struct arena *a = arena_new(ARENA_CAP);
    const struct costmap *c =
        parse_text(a, network(a),
                   META("numerical") "{\"a\":{\"a\":0,\"b\":-0,\"c\":null},\"b\":{\"d\":1e-3},"
                                     "\"d\":{}},\"x\":{}}");
    double row[4];

    same_cost(costmap_get(c, 0, 0), 0, "zero");
    ck_assert(!signbit(costmap_get(c, 0, 1)));
    same_cost(costmap_get(c, 0, 2), NAN, "null");
    same_cost(costmap_get(c, 0, 3), NAN, "not named");
    same_cost(costmap_get(c, 2, 0), NAN, "no row");
    same_cost(costmap_get(c, 3, 0), NAN, "empty row");
    same_cost(costmap_get(c, PIDX_NONE, 0), NAN, "no source");
    same_cost(costmap_get(c, 0, PIDX_NONE), NAN, "no destination");
    same_cost(costmap_get(c, 1, 3), 0.001, "a value");
    ck_assert_uint_eq(costmap_info_get(c)->pair_count, 3);
    ck_assert(costmap_has_row(c, 0) && !costmap_has_row(c, 2) && !costmap_has_row(c, 3));
    ck_assert_uint_eq(costmap_row(c, 0, row), 2);
    same_cost(row[1], 0, "row");
    same_cost(row[2], NAN, "row");
    ck_assert_uint_eq(costmap_row(c, 2, row), 0);
    same_cost(row[0], NAN, "no row");
    costmap_gather(c, 1, (pidx[]){3, PIDX_NONE, 0}, 3, row);
    same_cost(row[0], 0.001, "gather");
    same_cost(row[1], NAN, "gather");
    same_cost(row[2], NAN, "gather");
    arena_free(a);
}
END_TEST

START_TEST(unknown_pids_are_counted)
{
    struct arena *a = arena_new(ARENA_CAP);
    const struct costmap *c = parse_text(
        a, network(a),
        META("ordinal") "{\"x\":{\"a\":1,\"y\":2},\"a\":{\"x\":1,\"b\":2,\"z\":3,\"c\":4}}}");

    ck_assert_uint_eq(costmap_info_get(c)->unknown_pids, 3);
    ck_assert_uint_eq(costmap_info_get(c)->pair_count, 2);
    same_cost(costmap_get(c, 0, 1), 2, "behind an unknown one");
    same_cost(costmap_get(c, 0, 2), 4, "behind an unknown one");
    ck_assert_int_eq(costmap_info_get(c)->mode, COST_ORDINAL);
    arena_free(a);
}
END_TEST

static const struct {
    const char *what, *text;
    bool same;
} tags[] = {
    {"itself", META("numerical") "{\"a\":{\"a\":0,\"b\":1.5},\"b\":{\"a\":2}}}", true},
    {"another order",
     "{\"cost-map\":{\"b\":{\"a\":2.0},\"a\":{\"b\":15e-1,\"a\":-0}},\"meta\":{" TYPE(
         "numerical") "," DEPENDS "}}",
     true},
    {"null is as good as silence",
     META("numerical") "{\"a\":{\"a\":0,\"b\":1.5,\"d\":null,\"c\":null},"
                       "\"b\":{\"a\":2},\"c\":{\"a\":null}}}",
     true},
    {"another mode", META("ordinal") "{\"a\":{\"a\":0,\"b\":1},\"b\":{\"a\":2}}}", false},
    {"another cost", META("numerical") "{\"a\":{\"a\":0,\"b\":1.25},\"b\":{\"a\":2}}}", false},
    {"another pair", META("numerical") "{\"a\":{\"a\":0,\"c\":1.5},\"b\":{\"a\":2}}}", false},
};

START_TEST(content_hash)
{
    struct arena *a = arena_new(ARENA_CAP);
    const struct netmap *m = network(a);
    const char *want = costmap_info_get(parse_text(a, m, tags[0].text))->tag;
    const char *got = costmap_info_get(parse_text(a, m, tags[_i].text))->tag;

    ck_assert_msg((strcmp(want, got) == 0) == tags[_i].same, "%s: %s and %s", tags[_i].what, want,
                  got);
    ck_assert_str_eq(want, "4cc53c1a2a196f95680a77144b89b328");
    arena_free(a);
}
END_TEST

static uint64_t next_random(uint64_t *state)
{
    return *state = hash_mix(*state, 0x5851f42d4c957f2d);
}

static const struct netmap *network_of(struct arena *a, unsigned pids)
{
    struct bytes text = {0};
    const struct netmap *m = NULL;
    struct err e = {0};

    ck_assert(bytes_printf(&text, "{\"meta\":{\"vtag\":{\"resource-id\":\"n\",\"tag\":\"t\"}},"
                                  "\"network-map\":{"));
    for (unsigned i = 0; i < pids; i++)
        ck_assert(bytes_printf(&text, "%s\"p%05u\":{}", i ? "," : "", i));
    ck_assert(bytes_printf(&text, "}}"));
    ck_assert_msg(netmap_parse(text.data, text.len, a, &m, &e) == ERR_OK, "%s", e.text);
    bytes_free(&text);
    return m;
}

/* Of each 100 pairs, this many have a value: every way of storing rows, and changes between them.
 */
static const unsigned densities[] = {0, 1, 5, 30, 70, 80, 90, 99, 100, 1000};

static bool has_pair(uint64_t *state, unsigned row)
{
    unsigned density = densities[row % 10];

    return next_random(state) % 100 < density;
}

#define SIDE 60u

static double random_cost(uint64_t *state)
{
    switch (next_random(state) % 4) {
    case 0:
        return (double)(next_random(state) % 1000);
    case 1:
        return (double)(next_random(state) % 100000) / 100;
    case 2:
        return ldexp((double)(next_random(state) >> 11), (int)(next_random(state) % 200) - 150);
    default:
        return (double)next_random(state);
    }
}

/* A random map equals the plain matrix that it was written from, however its rows are stored; its
 * format reads back as the same map. */
START_TEST(equals_a_matrix)
{
    uint64_t seed = 5 + (unsigned)_i, state = seed;
    static double matrix[SIDE][SIDE];
    struct arena *a = arena_new(ARENA_CAP);
    const struct netmap *m = network_of(a, SIDE);
    struct bytes text = {0}, once = {0}, twice = {0};
    const struct costmap *c, *back;
    double row[SIDE];
    uint32_t pairs = 0;

    ck_assert(bytes_printf(&text, META("numerical") "{"));
    for (unsigned i = 0; i < SIDE; i++) {
        /* Rows in an order that is not theirs, in runs of one density; columns backwards at times.
         */
        unsigned src = i * 37 % SIDE;
        bool any = false;

        ck_assert(bytes_printf(&text, "%s\"p%05u\":{", i ? "," : "", src));
        for (unsigned k = 0; k < SIDE; k++) {
            unsigned dst = i % 3 ? k : SIDE - 1 - k;

            matrix[src][dst] = has_pair(&state, i / 4) ? random_cost(&state) : NAN;
            if (isnan(matrix[src][dst]))
                continue;
            pairs++;
            ck_assert(
                bytes_printf(&text, "%s\"p%05u\":%.17g", any ? "," : "", dst, matrix[src][dst]));
            any = true;
        }
        ck_assert(bytes_printf(&text, "}"));
    }
    ck_assert(bytes_printf(&text, "}}"));
    c = parse(a, m, text.data, text.len);
    ck_assert(costmap_format(c, m, &once));
    back = parse(a, m, once.data, once.len);
    ck_assert(costmap_format(back, m, &twice));
    ck_assert_uint_eq(once.len, twice.len);
    ck_assert_mem_eq(once.data, twice.data, once.len);
    ck_assert_str_eq(costmap_info_get(c)->tag, costmap_info_get(back)->tag);
    ck_assert_uint_eq(costmap_info_get(c)->pair_count, pairs);
    for (pidx i = 0; i < SIDE; i++) {
        costmap_row(c, i, row);
        for (pidx k = 0; k < SIDE; k++) {
            same_cost(costmap_get(c, i, k), matrix[i][k], "get");
            same_cost(costmap_get(back, i, k), matrix[i][k], "formatted and read back");
            same_cost(row[k], matrix[i][k], "row");
        }
    }
    bytes_free(&text);
    bytes_free(&once);
    bytes_free(&twice);
    arena_free(a);
}
END_TEST

/* 60,000 PIDs with four costs each: ten bytes a pair and a fixed part a PID, not 28 GB. */
START_TEST(sparse_maps_are_small)
{
    enum { PIDS = 60000 };
    struct arena *a = arena_new(ARENA_CAP), *costs = arena_new((size_t)16 << 20);
    const struct netmap *m = network_of(a, PIDS);
    struct bytes text = {0};
    const struct costmap *c;

    ck_assert(bytes_printf(&text, META("numerical") "{"));
    for (unsigned i = 0; i < PIDS; i++) {
        ck_assert(bytes_printf(&text, "%s\"p%05u\":{", i ? "," : "", i));
        for (unsigned k = 0; k < 4; k++)
            ck_assert(
                bytes_printf(&text, "%s\"p%05u\":%u", k ? "," : "", (i * 7 + k * 9001) % PIDS, k));
        ck_assert(bytes_printf(&text, "}"));
    }
    ck_assert(bytes_printf(&text, "}}"));
    c = parse(costs, m, text.data, text.len);
    ck_assert_uint_eq(costmap_info_get(c)->pair_count, 4 * PIDS);
    same_cost(costmap_get(c, 59999, (59999 * 7 + 9001) % PIDS), 1, "sparse");
    bytes_free(&text);
    arena_free(costs);
    arena_free(a);
}
END_TEST

START_TEST(full_arena)
{
    static const char text[] = META("numerical") "{\"a\":{\"a\":0,\"b\":1.5},\"b\":{\"a\":2}}}";
    struct arena *a = arena_new(ARENA_CAP);
    const struct netmap *m = network(a);
    unsigned refused = 0;

    for (size_t cap = 16; cap < 2048; cap += 16) {
        struct arena *small = arena_new(cap);
        const struct costmap *c = NULL;
        struct err e = {0};
        enum err_code rc = costmap_parse(text, sizeof text - 1, m, small, &c, &e);

        refused += rc == ERR_LIMIT;
        if (rc == ERR_LIMIT)
            ck_assert_msg(strstr(e.text, "no memory left for the cost map"), "%s", e.text);
        else
            ck_assert_int_eq(rc, ERR_OK);
        arena_free(small);
    }
    ck_assert_uint_gt(refused, 5);
    ck_assert_uint_lt(refused, 100);
    arena_free(a);
}
END_TEST

/* The maps that the demo runs on are complete and belong together. */
START_TEST(demo_maps)
{
    struct arena *a = arena_new(ARENA_CAP);
    const struct netmap *m = NULL;
    const struct costmap *c = NULL;
    struct err e = {0};

    ck_assert_msg(netmap_load("conf/demo/networkmap.json", a, &m, &e) == ERR_OK, "%s", e.text);
    ck_assert_msg(netmap_check_complete(m, &e) == ERR_OK, "%s", e.text);
    ck_assert_msg(costmap_load("conf/demo/costmap.json", m, a, &c, &e) == ERR_OK, "%s", e.text);
    ck_assert_uint_eq(costmap_info_get(c)->unknown_pids, 0);
    for (pidx i = 0; i < m->pid_count; i++)
        if (costmap_has_row(c, i))
            ck_assert(costmap_get(c, i, i) == 0);
    arena_free(a);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("costmap");
    TCase *t = tcase_create("costmap");
    SRunner *r;
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_test(t, rfc7285_example);
    tcase_add_loop_test(t, refuses, 0, sizeof bad / sizeof *bad);
    tcase_add_test(t, silence_is_not_zero);
    tcase_add_test(t, unknown_pids_are_counted);
    tcase_add_loop_test(t, content_hash, 0, sizeof tags / sizeof *tags);
    tcase_add_loop_test(t, equals_a_matrix, 0, 20);
    tcase_add_test(t, sparse_maps_are_small);
    tcase_add_test(t, full_arena);
    tcase_add_test(t, demo_maps);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
