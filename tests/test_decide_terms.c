/* The terms of the decision that know more than cost and load: footprints, suspicion and draining,
 * the memory of caches, several owners. */
#include "router/cache_memory.h"
#include "router/coverage.h"
#include "router/digest.h"
#include "router/hot.h"
#include "tests/view_fixture.h"

#define N 6

/* Streamers s0 .. s5 in p1 .. p6, a client in p0. */
struct scene {
    struct live *live;
    struct view *v;
    struct cache_memory *memory;
    struct policy_conf policy;
    struct fixture_names names[N];
    struct streamer_conf s[N];
    struct question q;
};

static void scene_init(struct scene *c, const double cost[N], const double origin[N],
                       const struct policy_conf *policy)
{
    double costs[64];
    struct fixture_maps maps;
    struct err e = {0};

    for (unsigned i = 0; i < 64; i++)
        costs[i] = NAN;
    *c = (struct scene){.live = live_new(), .policy = *policy};
    for (unsigned i = 0; i < N; i++) {
        costs[1 + i] = cost[i];
        costs[(1 + i) * 8 + 7] = origin ? origin[i] : 0;
        c->s[i] = fixture_streamer(&c->names[i], i, 1 + (int)i);
        if (origin)
            c->s[i].origin_pid = STR("p7");
    }
    maps = fixture_maps(8, costs, COST_NUMERICAL);
    c->v = fixture_view(&maps, c->s, N, &c->policy, c->live);
    fixture_maps_drop(&maps);
    ck_assert(cache_memory_new((size_t)1 << 20, 64, NULL, &c->memory, &e) == ERR_OK);
    c->v->cache_memory = c->memory;
    c->live->hot = hot_new();
    c->q = (struct question){.client = fixture_client(0), .want = 1};
}

static void scene_fini(struct scene *c)
{
    c->v->cache_memory = NULL;
    view_drop(c->v);
    cache_memory_drop(c->memory);
    hot_free(c->live->hot);
    live_free(c->live);
}

static lidx slot(const struct scene *c, unsigned i)
{
    return c->v->streamers[i].live;
}

static struct decision ask(const struct scene *c)
{
    struct decision d;

    decide(c->v, c->live, &c->q, &d);
    return d;
}

static struct trace_row row_of(const struct scene *c, unsigned i)
{
    static struct trace_row rows[STREAMERS_MAX];
    struct decision d;
    size_t count;

    decide_traced(c->v, c->live, &c->q, &d, rows, &count);
    for (size_t k = 0; k < count; k++)
        if (rows[k].choice.streamer == i)
            return rows[k];
    ck_abort_msg("s%u is not there", i);
}

START_TEST(outside_of_its_footprint)
{
    const double cost[N] = {1, 2, 3, 4, 5, 6};
    uint64_t by_pid[9];
    struct coverage coverage = {.words = 1, .levels = 1, .pids = 8, .by_pid = by_pid};
    struct scene c;

    scene_init(&c, cost, NULL, &fixture_policy);
    c.v->coverage = &coverage;
    for (unsigned i = 0; i < 9; i++)
        by_pid[i] = 0;
    by_pid[netmap_find_pid(c.v->netmap, STR("p0"))] = 0x2c; /* s2, s3, s5 */
    by_pid[8] = 0x10;                                       /* nowhere: s4 */
    c.q.want = 8;
    ck_assert_uint_eq(ask(&c).count, 3);
    ck_assert_uint_eq(ask(&c).choice[0].streamer, 2);
    ck_assert_int_eq(row_of(&c, 0).excluded, EXCLUDED_FOOTPRINT);
    ck_assert_int_eq(row_of(&c, 2).excluded, EXCLUDED_NOT);
    live_health_set(c.live, slot(&c, 2), false, HEALTH_DOWN);
    live_health_set(c.live, slot(&c, 2), true, HEALTH_DOWN);
    ck_assert_uint_eq(ask(&c).choice[0].streamer, 3); /* not s1, which is nearer */
    c.q.client = addr_from_v4(1);
    ck_assert_uint_eq(ask(&c).count, 1);
    ck_assert_uint_eq(ask(&c).choice[0].streamer, 4);
    c.q.client = fixture_client(3);
    ck_assert_uint_eq(ask(&c).count, 0);
    ck_assert_int_eq(ask(&c).why, WHY_NO_CANDIDATE);
    scene_fini(&c);
}
END_TEST

START_TEST(who_has_it_need_not_fetch_it)
{
    const double cost[N] = {10, 13, 40, 40, 40, 40}, origin[N] = {20, 20, 20, 20, 20, 20};
    struct scene c;
    struct decision d;

    scene_init(&c, cost, origin, &fixture_policy);
    for (unsigned i = 0; i < N; i++) {
        live_hit_set(c.live, slot(&c, i), 500);
        live_hit_known_set(c.live, slot(&c, i), 950);
    }
    c.q.content = 77;
    d = ask(&c);
    ck_assert_uint_eq(d.choice[0].streamer, 0);
    ck_assert_float_eq(d.choice[0].origin, 10);
    ck_assert_float_eq(d.choice[0].hit, 0.5F);
    ck_assert(!d.choice[0].known);
    ck_assert(cache_memory_add(c.memory, 77, slot(&c, 1)));
    d = ask(&c);
    ck_assert_uint_eq(d.choice[0].streamer, 1);
    ck_assert_int_eq(d.why, WHY_CACHE);
    ck_assert_double_eq_tol((double)d.choice[0].origin, 1, 1e-6);
    ck_assert_float_eq(d.choice[0].hit, 0.95F);
    ck_assert(d.choice[0].known);
    ck_assert(row_of(&c, 1).remembered && !row_of(&c, 0).remembered);
    ck_assert_int_eq(row_of(&c, 1).digest, -1);
    c.q.content = 78; /* another content is as it was */
    ck_assert_uint_eq(ask(&c).choice[0].streamer, 0);
    scene_fini(&c);
}
END_TEST

/* A content that nobody is known to have is expected at its home, the same for everybody. */
START_TEST(nobody_has_it_but_its_home)
{
    const double cost[N] = {10, 12, 14, 16, 18, 20}, origin[N] = {20, 20, 20, 20, 20, 20};
    struct policy_conf ring = fixture_policy;
    unsigned homes[N] = {0}, next = 0;
    struct scene c;
    struct decision d;

    scene_init(&c, cost, origin, &fixture_policy);
    c.q.content = 0;
    for (unsigned k = 0; k < 600; k++) {
        unsigned home, other;

        c.q.content += UINT64_C(0x9e3779b97f4a7c15);
        d = ask(&c);
        home = d.choice[0].streamer;
        homes[home]++;
        if (home != 0)
            ck_assert_int_eq(d.why, WHY_HOME);
        ck_assert(!d.choice[0].known);
        ck_assert_float_eq_tol(d.choice[0].hit, 0.76F, 1e-6F);  /* 0.95 would be known */
        ck_assert(cache_memory_add(c.memory, c.q.content, 40)); /* no streamer of this service */
        ck_assert_uint_eq(ask(&c).choice[0].streamer, home);
        cache_memory_clear(c.memory, 40);
        live_health_set(c.live, slot(&c, home), false, HEALTH_DOWN);
        live_health_set(c.live, slot(&c, home), true, HEALTH_DOWN);
        other = ask(&c).choice[0].streamer;
        next += other != (home ? 0 : 1); /* at home elsewhere, not at the nearest */
        live_health_set(c.live, slot(&c, home), false, HEALTH_UP);
        live_health_set(c.live, slot(&c, home), true, HEALTH_UP);
        ck_assert(cache_memory_add(c.memory, c.q.content, slot(&c, other)));
        d = ask(&c);
        ck_assert_int_ne(d.why, WHY_HOME); /* somebody is known to have it */
        ck_assert(d.choice[0].known);
        cache_memory_clear(c.memory, slot(&c, other));
    }
    for (unsigned i = 0; i < N; i++)
        ck_assert_uint_ge(homes[i], 70);
    ck_assert_uint_ge(next, 300);
    scene_fini(&c);

    scene_init(&c, cost, NULL, &fixture_policy); /* misses cost nothing: nothing is expected */
    ck_assert_float_eq_tol(ask(&c).choice[0].hit, 0, 1e-6F);
    ck_assert_int_ne(ask(&c).why, WHY_HOME);
    scene_fini(&c);

    ring.hash = HASH_TRAFFIC_ROUTER; /* there the nearest is first, as before */
    scene_init(&c, cost, origin, &ring);
    for (unsigned k = 0; k < 20; k++) {
        c.q.content = k * UINT64_C(0x9e3779b97f4a7c15);
        ck_assert_int_ne(ask(&c).why, WHY_HOME);
    }
    scene_fini(&c);
}
END_TEST

/* What a cache says itself goes before what was sent there. */
START_TEST(a_digest_goes_before_memory)
{
    const double cost[N] = {10, 13, 40, 40, 40, 40}, origin[N] = {20, 20, 20, 20, 20, 20};
    static const struct digest_info info = {
        .capacity = 160, .count = 160, .mask_size = 100, .bits_per_entry = 5, .hash_count = 4};
    uint8_t all[100], none[100] = {0}, key[DIGEST_KEY_LEN] = {1, 2, 3};
    struct scene c;
    struct err e = {0};

    memset(all, 0xff, sizeof all);
    scene_init(&c, cost, origin, &fixture_policy);
    c.q.content = 77;
    ck_assert(cache_memory_add(c.memory, 77, slot(&c, 0)));
    ck_assert(digest_live_set(live_digest_open(c.live, slot(&c, 0)), &info, none, &e) == ERR_OK);
    ck_assert(digest_live_set(live_digest_open(c.live, slot(&c, 1)), &info, all, &e) == ERR_OK);
    ck_assert_uint_eq(ask(&c).choice[0].streamer, 0); /* nobody asks digests */
    c.q.digest_key = key;
    ck_assert_uint_eq(ask(&c).choice[0].streamer, 1);
    ck_assert_int_eq(ask(&c).why, WHY_CACHE);
    ck_assert(row_of(&c, 0).remembered && !row_of(&c, 0).choice.known);
    ck_assert_int_eq(row_of(&c, 0).digest, 0);
    ck_assert_int_eq(row_of(&c, 1).digest, 1);
    ck_assert_int_eq(row_of(&c, 2).digest, -1);
    scene_fini(&c);
}
END_TEST

/* ... and before what is expected of a home. */
START_TEST(a_home_that_has_it_not)
{
    const double cost[N] = {10, 10, 10, 10, 10, 10}, origin[N] = {20, 20, 20, 20, 20, 20};
    static const struct digest_info info = {
        .capacity = 160, .count = 160, .mask_size = 100, .bits_per_entry = 5, .hash_count = 4};
    uint8_t none[100] = {0}, key[DIGEST_KEY_LEN] = {1, 2, 3};
    struct err e = {0};
    unsigned home;
    struct scene c;

    scene_init(&c, cost, origin, &fixture_policy);
    c.q.content = 77;
    home = ask(&c).choice[0].streamer;
    ck_assert_float_eq_tol(ask(&c).choice[0].hit, 0.76F, 1e-6F);
    ck_assert(digest_live_set(live_digest_open(c.live, slot(&c, home)), &info, none, &e) == ERR_OK);
    ck_assert_float_eq_tol(row_of(&c, home).choice.hit, 0.76F, 1e-6F); /* nobody asks digests */
    c.q.digest_key = key;
    for (unsigned i = 0; i < N; i++)
        ck_assert_float_eq_tol(row_of(&c, i).choice.hit, 0, 1e-6F);
    ck_assert_int_eq(ask(&c).why, WHY_HASH);
    scene_fini(&c);
}
END_TEST

/* A footprint of addresses: neighbours in one PID have different answers, and the scope says so. */
START_TEST(a_footprint_of_prefixes)
{
    static const struct str cidr = {"10.0.0.0/29", 11};
    static const struct footprint_conf footprint = {
        .type = FOOTPRINT_IPV4CIDR, .values = &cidr, .value_count = 1};
    const double costs[4] = {1, 2, 2, 1};
    struct fixture_maps maps = fixture_maps(2, costs, COST_NUMERICAL);
    struct scene c = {.live = live_new(), .q = {.client = addr_from_v4(0x0a000007), .want = 1}};

    for (unsigned i = 0; i < 2; i++)
        c.s[i] = fixture_streamer(&c.names[i], i, (int)i);
    c.s[0].footprints = &footprint;
    c.s[0].footprint_count = 1;
    c.v = fixture_view(&maps, c.s, 2, &fixture_policy, c.live);
    fixture_maps_drop(&maps);
    ck_assert_uint_eq(ask(&c).choice[0].streamer, 0);
    ck_assert_uint_ge(ask(&c).scope, 96 + 29);
    ck_assert_int_eq(row_of(&c, 0).excluded, EXCLUDED_NOT);
    c.q.client = addr_from_v4(0x0a000008);
    ck_assert_uint_eq(ask(&c).choice[0].streamer, 1);
    ck_assert_int_eq(ask(&c).why, WHY_ONLY);
    ck_assert_int_eq(row_of(&c, 0).excluded, EXCLUDED_FOOTPRINT);
    scene_fini(&c);
}
END_TEST

/* A content that is asked for often is worth a copy where it is asked for: six places share what is
 * asked for while a cache keeps it. */
START_TEST(who_fetches_does_it_for_all)
{
    const double cost[N] = {10, 13, 40, 40, 40, 40}, origin[N] = {20, 20, 20, 20, 20, 20};
    struct scene c;
    struct decision d;

    scene_init(&c, cost, origin, &fixture_policy);
    c.q.content = UINT64_C(77) << 40;
    for (unsigned i = 0; i < N; i++)
        live_hit_known_set(c.live, slot(&c, i), 1000);
    ck_assert(cache_memory_add(c.memory, c.q.content, slot(&c, 1)));
    ck_assert_uint_eq(ask(&c).choice[0].streamer, 1);
    ck_assert(
        hot_set(c.live->hot, c.q.content, 1, hot_often_of(12))); /* twice more in each place */
    ck_assert_uint_eq(ask(&c).choice[0].streamer, 1);
    ck_assert_double_eq_tol((double)row_of(&c, 0).choice.origin, 20 / (1 + 12 / 6.0), 0.4);
    ck_assert(hot_set(c.live->hot, c.q.content, 1, hot_often_of(120)));
    d = ask(&c);
    ck_assert_uint_eq(d.choice[0].streamer, 0);
    ck_assert_uint_eq(d.owners, 1);
    ck_assert_double_eq_tol((double)d.choice[0].origin, 20 / (1 + 120 / 6.0), 0.1);
    c.q.want = N;
    ck_assert_uint_eq(ask(&c).choice[0].streamer, 0);
    scene_fini(&c);
}
END_TEST

/* Two suspects and one that drains: those who are suspect serve, and the draining one not even what
 * it owns, if it would be suspect itself and somebody is healthy. */
START_TEST(suspect_before_draining)
{
    const double cost[N] = {1, 2, 3, 4, 5, 6};
    unsigned own = 0;
    struct scene c;

    scene_init(&c, cost, NULL, &fixture_policy);
    for (unsigned i = 0; i < N; i++)
        live_health_set(c.live, slot(&c, i), false, i < 3 ? HEALTH_SUSPECT : HEALTH_DOWN);
    live_admin_set(c.live, slot(&c, 0), ADMIN_DRAIN);
    c.q.need = STREAMER_V4;
    for (c.q.content = 0; c.q.content < 600; c.q.content++) {
        unsigned first = ask(&c).choice[0].streamer;

        ck_assert_int_eq(ask(&c).why, WHY_DEGRADED);
        ck_assert(first == 0 || first == 1); /* s1 is the nearest suspect */
        own += first == 0;
    }
    ck_assert(own > 50 && own < 150); /* of 6 */
    live_health_set(c.live, slot(&c, 5), false, HEALTH_UP);
    for (c.q.content = 0; c.q.content < 600; c.q.content++)
        ck_assert_uint_eq(ask(&c).choice[0].streamer, 5);
    live_health_set(c.live, slot(&c, 1), false, HEALTH_DOWN);
    live_health_set(c.live, slot(&c, 2), false, HEALTH_DOWN);
    live_health_set(c.live, slot(&c, 5), false, HEALTH_DOWN);
    for (c.q.content = 0; c.q.content < 600; c.q.content++)
        ck_assert_uint_eq(ask(&c).choice[0].streamer, 0); /* before the down ones */
    scene_fini(&c);
}
END_TEST

/* All in the band, s5 the nearest. */
static const double near[N] = {10.5, 10.4, 10.3, 10.2, 10.1, 10};

START_TEST(a_hot_content_has_owners)
{
    struct scene c;
    struct decision d;

    scene_init(&c, near, NULL, &fixture_policy);
    for (c.q.content = UINT64_C(1) << 60; c.q.content >> 60 < 9; c.q.content += UINT64_C(1) << 58) {
        unsigned hash_order[N];

        c.q.want = N;
        d = ask(&c);
        ck_assert_uint_eq(d.owners, 1);
        ck_assert_int_eq(d.why, WHY_HASH);
        for (unsigned i = 0; i < N; i++)
            hash_order[i] = d.choice[i].streamer;
        for (unsigned owners = 2; owners < 9; owners++) {
            unsigned own = owners < N ? owners : N;
            bool is_owner[N] = {false};

            for (unsigned i = 0; i < own; i++)
                is_owner[hash_order[i]] = true;
            ck_assert(hot_set(c.live->hot, c.q.content, owners, 0));
            c.q.want = N;
            d = ask(&c);
            ck_assert_uint_eq(d.owners, owners);
            ck_assert_uint_eq(d.count, N);
            for (unsigned i = 0; i < N; i++) {
                unsigned s = d.choice[i].streamer;

                ck_assert(is_owner[s] == (i < own));
                ck_assert_int_eq(d.choice[i].why, i < own ? WHY_POPULAR : WHY_HASH);
                ck_assert(row_of(&c, s).owner == (i < own));
                if (i > 0 && i < own) /* by nearness */
                    ck_assert_uint_lt(s, d.choice[i - 1].streamer);
                if (i >= own)
                    ck_assert_uint_eq(s, hash_order[i]);
            }
            c.q.want = 1;
            ck_assert_uint_eq(ask(&c).choice[0].streamer, d.choice[0].streamer);
            ck_assert_int_eq(ask(&c).why, WHY_POPULAR);
        }
        ck_assert(hot_set(c.live->hot, c.q.content, 0, 0));
    }
    scene_fini(&c);
}
END_TEST

START_TEST(owners_of_the_policy)
{
    struct policy_conf policy = fixture_policy;
    struct scene c;

    policy.owners = 2;
    policy.owners_max = 4;
    scene_init(&c, near, NULL, &policy);
    c.q.content = UINT64_C(5) << 60;
    ck_assert_uint_eq(ask(&c).owners, 2);
    ck_assert(hot_set(c.live->hot, c.q.content, 3, 0));
    ck_assert_uint_eq(ask(&c).owners, 3);
    ck_assert(hot_set(c.live->hot, c.q.content, 200, 0));
    ck_assert_uint_eq(ask(&c).owners, 4);
    scene_fini(&c);
}
END_TEST

/* The one that drains keeps its place among the owners: nobody else's content moves. */
START_TEST(a_draining_owner_keeps_its_place)
{
    unsigned moved = 0;
    struct scene c;

    scene_init(&c, near, NULL, &fixture_policy);
    for (uint64_t k = 0; k < 200; k++) {
        unsigned before, after;

        c.q.content = k << 56 | 7;
        ck_assert(hot_set(c.live->hot, c.q.content, 3, 0));
        before = ask(&c).choice[0].streamer;
        live_admin_set(c.live, slot(&c, 4), ADMIN_DRAIN);
        after = ask(&c).choice[0].streamer;
        c.q.want = 8;
        ck_assert_uint_eq(ask(&c).choice[0].streamer, after);
        c.q.want = 1;
        live_admin_set(c.live, slot(&c, 4), ADMIN_UP);
        ck_assert(before == after || before == 4);
        moved += before != after;
        hot_clear(c.live->hot);
    }
    ck_assert_uint_gt(moved, 0);
    scene_fini(&c);
}
END_TEST

static Suite *decide_terms_suite(void)
{
    Suite *s = suite_create("decide_terms");
    TCase *t = tcase_create("terms");

    tcase_add_test(t, outside_of_its_footprint);
    tcase_add_test(t, who_has_it_need_not_fetch_it);
    tcase_add_test(t, nobody_has_it_but_its_home);
    tcase_add_test(t, a_digest_goes_before_memory);
    tcase_add_test(t, a_home_that_has_it_not);
    tcase_add_test(t, a_footprint_of_prefixes);
    tcase_add_test(t, who_fetches_does_it_for_all);
    tcase_add_test(t, suspect_before_draining);
    tcase_add_test(t, a_hot_content_has_owners);
    tcase_add_test(t, owners_of_the_policy);
    tcase_add_test(t, a_draining_owner_keeps_its_place);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    SRunner *r = srunner_create(decide_terms_suite());
    int failed;

    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
