#include "router/decide.h"

#include "tests/view_fixture.h"

/* One pair of streamers per rule, alike but for that rule: s0 and s1, for a client in p0. */

struct pair {
    const char *what;
    double cost[2];   /* of p0 to s0's and s1's PID; NAN: unknown */
    double origin[2]; /* of their misses */
    uint16_t hit_pm[2];
    double capacity[2];
    uint32_t sessions[2];
    float scale[2]; /* 0: 1 */
    uint8_t can[2]; /* 0: all */
    enum health v4[2];
    enum admin_state admin[2];
    uint8_t need, need_any;
    double band;
    int first;  /* -1: nobody */
    int second; /* -1: nobody */
    enum why why;
};

#define ALL (STREAMER_V4 | STREAMER_V6 | STREAMER_HTTP | STREAMER_HTTPS)
#define V4  STREAMER_V4
#define V6  STREAMER_V6

// clang-format off
static const struct pair pairs[] = {
    {"4: the one with the scheme", {9, 1}, .can = {ALL, V4 | V6 | STREAMER_HTTP}, .need = STREAMER_HTTPS | V4,
     .first = 0, .second = -1, .why = WHY_ONLY},
    {"4: the one with the family", {9, 1}, .can = {ALL, V4 | STREAMER_HTTP}, .need = V6,
     .first = 0, .second = -1, .why = WHY_ONLY},
    {"4: one of the families is enough", {9, 1}, .can = {ALL, V6 | STREAMER_HTTP}, .need_any = V4 | V6,
     .first = 1, .second = 0, .why = WHY_COST},
    {"4: nobody", {1, 1}, .need = STREAMER_SEED, .first = -1, .second = -1, .why = WHY_NO_CANDIDATE},
    {"5: healthy before near", {1, 9}, .v4 = {HEALTH_DOWN, HEALTH_UP}, .need = V4,
     .first = 1, .second = -1, .why = WHY_ONLY},
    {"5: the health of the other family is no matter", {1, 9}, .v4 = {HEALTH_DOWN, HEALTH_UP}, .need = V6,
     .first = 0, .second = 1, .why = WHY_COST},
    {"5: either family will do", {1, 9}, .v4 = {HEALTH_DOWN, HEALTH_UP}, .need_any = V4 | V6,
     .first = 0, .second = 1, .why = WHY_COST},
    {"5: nobody healthy, the nearest", {9, 1}, .v4 = {HEALTH_DOWN, HEALTH_DOWN}, .need = V4,
     .first = 1, .second = 0, .why = WHY_DEGRADED},
    {"5: admin down never", {1, 9}, .admin = {ADMIN_DOWN, ADMIN_UP}, .v4 = {HEALTH_UP, HEALTH_DOWN}, .need = V4,
     .first = 1, .second = -1, .why = WHY_DEGRADED},
    {"5: both admin down", {1, 9}, .admin = {ADMIN_DOWN, ADMIN_DOWN}, .first = -1, .second = -1,
     .why = WHY_NO_CANDIDATE},
    {"5: draining before down", {9, 1}, .admin = {ADMIN_DRAIN, ADMIN_UP}, .v4 = {HEALTH_UP, HEALTH_DOWN}, .need = V4,
     .first = 0, .second = -1, .why = WHY_NONE /* by whether it owns the content */},
    {"5: forced is healthy", {1, 9}, .admin = {ADMIN_FORCED, ADMIN_UP}, .v4 = {HEALTH_DOWN, HEALTH_UP}, .need = V4,
     .first = 0, .second = 1, .why = WHY_COST},
    {"5: healthy before suspect", {1, 9}, .v4 = {HEALTH_SUSPECT, HEALTH_UP}, .need = V4,
     .first = 1, .second = -1, .why = WHY_ONLY},
    {"5: suspect before down", {9, 1}, .v4 = {HEALTH_SUSPECT, HEALTH_DOWN}, .need = V4,
     .first = 0, .second = -1, .why = WHY_DEGRADED},
    {"5: all suspect, the nearest", {9, 1}, .v4 = {HEALTH_SUSPECT, HEALTH_SUSPECT}, .need = V4,
     .first = 1, .second = 0, .why = WHY_DEGRADED},
    {"5: the other family's suspicion is no matter", {1, 9}, .v4 = {HEALTH_SUSPECT, HEALTH_UP}, .need = V6,
     .first = 0, .second = 1, .why = WHY_COST},
    {"5: forced is not suspect", {1, 9}, .admin = {ADMIN_FORCED, ADMIN_UP}, .v4 = {HEALTH_SUSPECT, HEALTH_UP},
     .need = V4, .first = 0, .second = 1, .why = WHY_COST},
    {"6: lower cost", {5, 4}, .first = 1, .second = 0, .why = WHY_COST},
    {"6: cost with that of misses", {1, 3}, .origin = {9, 1}, .first = 1, .second = 0, .why = WHY_CACHE},
    {"6: misses that are none cost nothing", {1, 3}, .origin = {9, 1}, .hit_pm = {1000, 0},
     .first = 0, .second = 1, .why = WHY_COST},
    {"6: load moves it to the next", {4, 4.5}, .capacity = {100, 100}, .sessions = {49, 0},
     .first = 1, .second = 0, .why = WHY_LOAD},
    {"6: unlimited has no load", {4, 5}, .capacity = {0, 100}, .sessions = {49, 0},
     .first = 0, .second = 1, .why = WHY_COST},
    {"6: sessions count for more where they are scaled", {4, 4.5}, .capacity = {100, 100}, .sessions = {30, 0},
     .scale = {1.6F, 1}, .first = 1, .second = 0, .why = WHY_LOAD},
    {"6: known cost before unknown", {NAN, 1000}, .first = 1, .second = 0, .why = WHY_COST},
    {"6: unknown cost of misses is unknown", {1, 1000}, .origin = {NAN, 1}, .first = 1, .second = 0, .why = WHY_COST},
    {"6: unknown cost of misses before unknown cost", {NAN, 1000}, .origin = {1, NAN}, .first = 1, .second = 0,
     .why = WHY_COST},
    {"7: under the cap before near", {1, 1000}, .capacity = {100, 100}, .sessions = {60, 1},
     .first = 1, .second = 0, .why = WHY_LOAD},
    {"7: below balance_from nobody is capped", {1, 1000}, .capacity = {100, 100}, .sessions = {50, 1},
     .first = 0, .second = 1, .why = WHY_COST},
    {"7: full comes last, even before unknown cost", {1, NAN}, .capacity = {100, 100}, .sessions = {100, 99},
     .first = 1, .second = 0, .why = WHY_LOAD},
    {"7: scaled to the full", {1, NAN}, .capacity = {100, 100}, .sessions = {50, 99}, .scale = {2, 1},
     .first = 1, .second = 0, .why = WHY_LOAD},
    {"7: all full, the best of them", {4, 5}, .capacity = {100, 100}, .sessions = {100, 100},
     .first = 0, .second = 1, .why = WHY_OVER_CAP},
    {"8: within the band the hash decides", {10, 11}, .band = 0.1, .first = -2, .why = WHY_HASH},
    {"8: outside of the band it does not", {10, 11.1}, .band = 0.1, .first = 0, .second = 1, .why = WHY_COST},
    {"8: a band of costs that are all 0", {0, 0}, .band = 0.1, .first = -2, .why = WHY_HASH},
    {"8: no band, equal scores", {7, 7}, .band = 0, .first = -2, .why = WHY_HASH},
    {"8: nobody's cost is known", {NAN, NAN}, .first = -2, .why = WHY_HASH},
};
// clang-format on

/* p0 is the client's, p1 and p2 are the streamers', p3 and p4 their origins'. */
static struct view *pair_view(const struct pair *p, struct live *live)
{
    double costs[25];
    struct fixture_names names[2];
    struct streamer_conf s[2];
    struct policy_conf policy = fixture_policy;
    struct fixture_maps maps;
    struct view *v;

    for (unsigned i = 0; i < 25; i++)
        costs[i] = NAN;
    policy.band = p->band;
    for (unsigned i = 0; i < 2; i++) {
        costs[0 * 5 + 1 + i] = p->cost[i];
        costs[(1 + i) * 5 + 3 + i] = p->origin[i];
        s[i] = fixture_streamer(&names[i], i, 1 + (int)i);
        s[i].hit_pm = p->hit_pm[i];
        s[i].capacity = p->capacity[i];
        s[i].can = p->can[i] ? p->can[i] : ALL;
        if (p->origin[0] != 0) {
            snprintf(names[i].origin, sizeof names[i].origin, "p%u", 3 + i);
            s[i].origin_pid = str_from(names[i].origin);
        }
    }
    maps = fixture_maps(5, costs, COST_NUMERICAL);
    v = fixture_view(&maps, s, 2, &policy, live);
    fixture_maps_drop(&maps);
    for (unsigned i = 0; i < 2; i++) {
        lidx slot = v->streamers[i].live;

        live_health_set(live, slot, false, p->v4[i]);
        live_admin_set(live, slot, p->admin[i]);
        live_dispatch(live, slot, p->sessions[i]);
        if (p->scale[i] > 0)
            live_scale_set(live, slot, p->scale[i]);
    }
    return v;
}

static void pair_hashed(const struct pair *p, const struct view *v, const struct live *live,
                        struct question q)
{
    unsigned first[2] = {0, 0};

    for (q.content = 0; q.content < 1000; q.content++) {
        struct decision d;

        decide(v, live, &q, &d);
        ck_assert_uint_eq(d.count, 2);
        ck_assert_uint_ne(d.choice[0].streamer, d.choice[1].streamer);
        ck_assert_msg(d.why == p->why, "%s: %s", p->what, why_name(d.why));
        first[d.choice[0].streamer]++;
    }
    ck_assert_msg(first[0] > 400 && first[1] > 400, "%s: %u and %u", p->what, first[0], first[1]);
}

START_TEST(order_of_rules)
{
    const struct pair *p = &pairs[_i];
    struct live *live = live_new();
    struct view *v = pair_view(p, live);
    struct question q = {
        .client = fixture_client(0), .need = p->need, .need_any = p->need_any, .want = 2};
    struct decision d;

    if (p->first == -2) {
        pair_hashed(p, v, live, q);
    } else {
        decide(v, live, &q, &d);
        ck_assert_msg(d.count == (p->first >= 0) + (p->second >= 0), "%s: %u choices", p->what,
                      d.count);
        if (p->first >= 0)
            ck_assert_msg(d.choice[0].streamer == p->first, "%s: s%u", p->what,
                          d.choice[0].streamer);
        if (p->second >= 0)
            ck_assert_msg(d.choice[1].streamer == p->second, "%s: s%u", p->what,
                          d.choice[1].streamer);
        if (p->why != WHY_NONE)
            ck_assert_msg(d.why == p->why, "%s: %s", p->what, why_name(d.why));
        ck_assert_uint_eq(d.pid, netmap_find_pid(v->netmap, STR("p0")));
    }
    view_drop(v);
    live_free(live);
}
END_TEST

START_TEST(score_in_numbers)
{
    const struct pair p = {.what = "numbers",
                           .cost = {10, 30},
                           .origin = {8, 8},
                           .hit_pm = {250, 0},
                           .capacity = {100, 100},
                           .sessions = {50, 0}};
    struct live *live = live_new();
    struct view *v = pair_view(&p, live);
    struct question q = {.client = fixture_client(0), .want = 2};
    struct decision d;

    ck_assert_double_eq(v->cost_unit, 20); /* of the pairs that the map knows */
    decide(v, live, &q, &d);
    ck_assert_uint_eq(d.count, 2);
    ck_assert_float_eq(d.choice[0].cost, 10);
    ck_assert_float_eq(d.choice[0].origin, 6);
    ck_assert_float_eq(d.choice[0].load, 0.5F);
    ck_assert_double_eq_tol((double)d.choice[0].score, 10 + 6 + 20 * 0.25 / 1.5, 1e-5);
    ck_assert_float_eq(d.choice[1].score, 38);
    view_drop(v);
    live_free(live);
}
END_TEST

START_TEST(penalty_is_convex)
{
    ck_assert_double_eq(decide_penalty(0), 0);
    ck_assert_double_eq(decide_penalty(1), 1);
    for (unsigned i = 0; i < 400; i++) {
        double u = i / 100.0;
        double a = decide_penalty(u), b = decide_penalty(u + 0.01), c = decide_penalty(u + 0.02);

        ck_assert(b > a);
        ck_assert(c - b >= b - a - 1e-12);
    }
}
END_TEST

START_TEST(no_such_service)
{
    const struct pair p = {.what = "no service", .cost = {1, 2}};
    struct live *live = live_new();
    struct view *v = pair_view(&p, live);
    struct question q = {.client = fixture_client(0), .service = SVIDX_NONE, .want = 1};
    struct decision d;

    decide(v, live, &q, &d);
    ck_assert_uint_eq(d.count, 0);
    ck_assert_int_eq(d.why, WHY_NO_SERVICE);
    view_drop(v);
    live_free(live);
}
END_TEST

START_TEST(without_maps)
{
    struct live *live = live_new();
    struct fixture_names names[3];
    struct streamer_conf s[3];
    struct question q = {.client = fixture_client(0), .want = 3};
    unsigned first[3] = {0};
    struct view *v;

    for (unsigned i = 0; i < 3; i++)
        s[i] = fixture_streamer(&names[i], i, -1);
    v = fixture_view(NULL, s, 3, &fixture_policy, live);
    for (q.content = 0; q.content < 3000; q.content++) {
        struct decision d;

        decide(v, live, &q, &d);
        ck_assert_uint_eq(d.count, 3);
        ck_assert_uint_eq(d.scope, 96); /* no bit of the IPv4 address decides */
        ck_assert_int_eq(d.why, WHY_HASH);
        first[d.choice[0].streamer]++;
    }
    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_gt(first[i], 900);
    view_drop(v);
    live_free(live);
}
END_TEST

START_TEST(nowhere_is_decided_by_hash_and_load)
{
    const double costs[4] = {1, 2, 2, 1};
    struct fixture_maps maps = fixture_maps(2, costs, COST_NUMERICAL);
    struct live *live = live_new();
    struct fixture_names names[2];
    struct streamer_conf s[2] = {fixture_streamer(&names[0], 0, 0),
                                 fixture_streamer(&names[1], 1, 1)};
    struct question q = {.client = addr_from_v4(0x7f000001), .want = 2};
    struct decision d;
    struct view *v = fixture_view(&maps, s, 2, &fixture_policy, live);

    decide(v, live, &q, &d);
    ck_assert_uint_eq(d.pid, PIDX_NONE);
    ck_assert_uint_eq(d.count, 2);
    ck_assert_int_eq(d.why, WHY_HASH);
    ck_assert(isnan(d.choice[0].cost) && isnan(d.choice[0].score));
    fixture_maps_drop(&maps);
    view_drop(v);
    live_free(live);
}
END_TEST

static Suite *decide_suite(void)
{
    Suite *s = suite_create("decide");
    TCase *t = tcase_create("decide");

    tcase_add_loop_test(t, order_of_rules, 0, sizeof pairs / sizeof *pairs);
    tcase_add_test(t, score_in_numbers);
    tcase_add_test(t, penalty_is_convex);
    tcase_add_test(t, no_such_service);
    tcase_add_test(t, without_maps);
    tcase_add_test(t, nowhere_is_decided_by_hash_and_load);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    SRunner *r = srunner_create(decide_suite());
    int failed;

    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
