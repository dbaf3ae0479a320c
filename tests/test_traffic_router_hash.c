#include "router/traffic_router_hash.h"

#include "tests/view_fixture.h"

#define EDGES 8

static const struct {
    const char *path;
    unsigned order[EDGES];
} orders[] = {
    {"/some/path/thing", {5, 3, 1, 7, 0, 2, 4, 6}},
    {"/vod/film/master.m3u8", {1, 0, 3, 7, 5, 4, 6, 2}},
    {"/live/ch1.m3u8", {7, 6, 5, 0, 1, 3, 2, 4}},
};

static double edge_weight(unsigned i)
{
    return i == 7 ? 2 : 1;
}

static struct str edge_id(unsigned i, char out[64])
{
    snprintf(out, 64, "edge-cache-00%u@cdn.example.com", i);
    return str_from(out);
}

START_TEST(order_as_traffic_routers)
{
    struct arena *arena = arena_new(1 << 20);
    struct ring_points p[EDGES];
    double key = ring_key(str_from(orders[_i].path));
    char id[64];

    for (unsigned i = 0; i < EDGES; i++) {
        ck_assert(ring_points_make(edge_id(i, id), edge_weight(i), arena, &p[i]));
        ck_assert_uint_eq(p[i].count, i == 7 ? 2000 : 1000);
        for (uint32_t k = 1; k < p[i].count; k++)
            ck_assert(p[i].at[k - 1] <= p[i].at[k]);
    }
    for (unsigned i = 1; i < EDGES; i++)
        ck_assert_msg(ring_distance(&p[orders[_i].order[i - 1]], key) <
                          ring_distance(&p[orders[_i].order[i]], key),
                      "%s: place %u", orders[_i].path, i);
    arena_free(arena);
}
END_TEST

/* The same through a view and the decision, in a band that holds all of them. */
START_TEST(order_of_the_decision)
{
    const double costs[4] = {1, 2, 2, 1};
    struct fixture_maps maps = fixture_maps(2, costs, COST_NUMERICAL);
    struct live *live = live_new();
    struct policy_conf policy = fixture_policy;
    struct fixture_names names[EDGES];
    struct streamer_conf s[EDGES];
    char ids[EDGES][64];
    struct question q = {
        .client = fixture_client(0), .want = EDGES, .ring = ring_key(str_from(orders[_i].path))};
    struct decision d;
    struct view *v;

    policy.hash = HASH_TRAFFIC_ROUTER;
    policy.band = 5;
    for (unsigned i = 0; i < EDGES; i++) {
        s[i] = fixture_streamer(&names[i], i, i % 2);
        s[i].weight = edge_weight(i);
        if (i % 3)
            s[i].hash_id = edge_id(i, ids[i]);
        else
            s[i].host = edge_id(i, ids[i]); /* which is the default */
    }
    v = fixture_view(&maps, s, EDGES, &policy, live);
    decide(v, live, &q, &d);
    ck_assert_uint_eq(d.count, EDGES);
    for (unsigned i = 0; i < EDGES; i++)
        ck_assert_msg(d.choice[i].streamer == orders[_i].order[i], "%s: place %u is s%u",
                      orders[_i].path, i, d.choice[i].streamer);
    for (q.want = 1; q.want < EDGES; q.want++) {
        decide(v, live, &q, &d);
        ck_assert_uint_eq(d.choice[0].streamer, orders[_i].order[0]);
        ck_assert_int_eq(d.why, WHY_HASH);
    }
    fixture_maps_drop(&maps);
    view_drop(v);
    live_free(live);
}
END_TEST

/* Nearest by a look at all of them, at keys on, between and beyond the points. */
START_TEST(distance_is_to_the_nearest)
{
    struct arena *arena = arena_new(1 << 20);
    struct dice dice = {.state = 31};

    for (unsigned round = 0; round < 300; round++) {
        struct ring_points p;
        char id[32];
        double weight = dice_below(&dice, 40) / 1000.0;

        snprintf(id, sizeof id, "id%u", round);
        ck_assert(ring_points_make(str_from(id), weight, arena, &p));
        ck_assert_uint_eq(p.count, weight > 0 ? (unsigned)(weight * RING_POINTS_PER_WEIGHT) : 1);
        for (unsigned k = 0; k < 30; k++) {
            double key = k == 0   ? 0
                         : k == 1 ? 0x1p128
                         : k < 6  ? p.at[dice_below(&dice, p.count)]
                                  : dice_unit(&dice) * 0x1p128;
            double least = INFINITY;

            for (uint32_t i = 0; i < p.count; i++)
                least = fmin(least, fabs(key - p.at[i]));
            ck_assert_msg(ring_distance(&p, key) == least, "round %u, key %g", round, key);
        }
    }
    ck_assert(isinf(ring_distance(&(struct ring_points){0}, 1)));
    arena_free(arena);
}
END_TEST

START_TEST(a_full_arena_is_said)
{
    struct arena *arena = arena_new(4096);
    struct ring_points p;

    ck_assert(!ring_points_make(STR("edge"), 1, arena, &p));
    arena_free(arena);
}
END_TEST

static Suite *traffic_router_hash_suite(void)
{
    Suite *s = suite_create("traffic_router_hash");
    TCase *t = tcase_create("ring");

    tcase_add_loop_test(t, order_as_traffic_routers, 0, sizeof orders / sizeof *orders);
    tcase_add_loop_test(t, order_of_the_decision, 0, sizeof orders / sizeof *orders);
    tcase_add_test(t, distance_is_to_the_nearest);
    tcase_add_test(t, a_full_arena_is_said);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    SRunner *r = srunner_create(traffic_router_hash_suite());
    int failed;

    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
