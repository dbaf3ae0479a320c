/* The simulator's parts and its runs: caches, chances, demand, and that a run is what it should be
 * where that can be reckoned otherwise. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "router/sim/engine.h"
#include "router/sim/lru.h"

/* ---- caches */

/* The same, plainly: a list with the newest first. */
struct plain {
    uint32_t key[64], size[64];
    unsigned n;
    uint64_t used, room;
};

static bool plain_touch(struct plain *p, uint32_t key, uint32_t size)
{
    bool hit = false;
    unsigned at = 0;

    for (; at < p->n && p->key[at] != key; at++)
        ;
    hit = at < p->n;
    if (hit)
        size = p->size[at];
    if (!hit) {
        if (size > p->room)
            return false;
        while (p->used + size > p->room)
            p->used -= p->size[--p->n];
        p->used += size;
        at = p->n++;
    }
    memmove(p->key + 1, p->key, at * sizeof *p->key);
    memmove(p->size + 1, p->size, at * sizeof *p->size);
    p->key[0] = key;
    p->size[0] = size;
    return hit;
}

START_TEST(lru_is_a_plain_list)
{
    struct sim_random random = {1000 + (uint64_t)_i};
    struct plain plain = {.room = 10 + (uint64_t)_i};
    bool bytes = _i % 2;
    struct lru l;

    ck_assert(lru_init(&l, plain.room, 60));
    for (unsigned i = 0; i < 50000; i++) {
        uint32_t key = sim_random_below(&random, 60);
        uint32_t size = bytes ? 1 + key * 7 % 23 : 1;
        bool expected = plain_touch(&plain, key, size);

        ck_assert_msg(lru_touch(&l, key, size) == expected, "seed %d, access %u", 1000 + _i, i);
        ck_assert_uint_eq(l.used, plain.used);
        ck_assert_uint_eq(l.count, plain.n);
        ck_assert_uint_eq(lru_has(&l, key), size <= plain.room);
    }
    lru_clear(&l);
    ck_assert(!lru_has(&l, plain.key[0]) && l.used == 0);
    lru_fini(&l);
}
END_TEST

START_TEST(aliases_draw_by_weight)
{
    const double weight[] = {5, 0, 1, 0.5, 3.5};
    uint32_t count[5] = {0};
    struct sim_random random = {7};
    struct alias a;

    ck_assert(alias_init(&a, weight, 5));
    for (unsigned i = 0; i < 1000000; i++)
        count[alias_draw(&a, sim_random_next(&random))]++;
    for (unsigned i = 0; i < 5; i++)
        ck_assert_double_eq_tol(count[i] / 1e6, weight[i] / 10, 0.002);
    ck_assert_uint_eq(count[1], 0);
    alias_fini(&a);
}
END_TEST

/* ---- runs */

struct fixture {
    struct arena *arena;
    struct str path;
    struct sim_conf conf;
    const struct topology *topology;
    struct sim_world *world;
};

static void begin(struct fixture *f)
{
    *f = (struct fixture){.arena = arena_new(16 << 20),
                          .path = STR(TEST_DATA "/topology-zoo/Abilene.graphml")};
    sim_conf_init(&f->conf);
    f->conf.topologies = &f->path;
    f->conf.topology_count = 1;
    f->conf.duration_s = 3600;
    f->conf.warmup_s = 1800;
    f->conf.contents = 2000;
    f->conf.cache = 100;
    f->conf.capacity = 200;
}

static void make_world(struct fixture *f)
{
    struct err e = {0};

    ck_assert_msg(sim_conf_check(&f->conf, &e) == ERR_OK, "%s", e.text);
    ck_assert_msg(topology_load(f->path.p, f->arena, &f->topology, &e) == ERR_OK, "%s", e.text);
    ck_assert_msg(sim_world_new(&f->conf, f->topology, f->conf.seed, &f->world, &e) == ERR_OK, "%s",
                  e.text);
}

static struct sim_result run(struct fixture *f, enum sim_policy p)
{
    struct sim_result r;
    struct err e = {0};

    if (!f->world)
        make_world(f);
    ck_assert_msg(sim_run(f->world, p, NULL, NULL, &r, &e) == ERR_OK, "%s", e.text);
    return r;
}

static void end(struct fixture *f)
{
    sim_world_free(f->world);
    arena_free(f->arena);
}

START_TEST(demand_is_as_asked)
{
    struct sim_flash flash = {1000, 1000, 10, 50};
    struct fixture f;
    struct sim_demand d;
    double sessions = 0, length = 0, of_flash[3] = {0}, wrong = 0;
    struct err e = {0};

    begin(&f);
    f.conf.flashes = &flash;
    f.conf.flash_count = 1;
    f.conf.wrong_location = 0.2;
    f.conf.lengths = _i ? SIM_LENGTHS_LOGNORMAL : SIM_LENGTHS_EXPONENTIAL;
    make_world(&f);
    ck_assert(sim_demand_init(&d, f.world, &e) == ERR_OK);
    for (unsigned step = 0; step < 3000; step++) {
        size_t n = sim_demand_step(&d);

        for (size_t i = 0; i < n; i++) {
            ck_assert_uint_lt(d.batch[i].content, f.world->contents);
            ck_assert_uint_lt(d.batch[i].node, f.topology->count);
            of_flash[step / 1000] += d.batch[i].content == f.world->by_rank[9];
            wrong += d.batch[i].place != d.batch[i].node;
            sessions++;
            length += d.batch[i].steps;
        }
    }
    /* 20 streamers of 200 sessions, 65 % of them, in sessions of 600 s. */
    ck_assert_double_eq_tol((sessions - of_flash[1]) / 3000, 20 * 200 * 0.65 / 600, 0.15);
    ck_assert_double_eq_tol(length / sessions, 600, 25);
    ck_assert_double_eq_tol(of_flash[1] / (of_flash[0] + of_flash[2]) * 2, 50, 12);
    ck_assert_double_eq_tol(wrong / sessions, 0.2 * 10 / 11, 0.02);
    sim_demand_fini(&d);
    end(&f);
}
END_TEST

START_TEST(same_seed_same_run)
{
    struct fixture f;
    struct sim_result a, b;

    begin(&f);
    a = run(&f, (enum sim_policy)_i);
    sim_world_free(f.world);
    f.world = NULL;
    b = run(&f, (enum sim_policy)_i);
    ck_assert_uint_gt(a.sessions, 5000);
    ck_assert_uint_eq(a.sessions, b.sessions);
    ck_assert_uint_eq(a.hits, b.hits);
    ck_assert_uint_eq(a.full, b.full);
    ck_assert_double_eq(a.client_cost, b.client_cost);
    ck_assert_double_eq(a.origin_cost, b.origin_cost);
    ck_assert_uint_eq(a.sample_count, b.sample_count);
    ck_assert(memcmp(a.samples, b.samples, a.sample_count * sizeof *a.samples) == 0);
    sim_result_fini(&a);
    sim_result_fini(&b);
    end(&f);
}
END_TEST

/* With room for everything each content is fetched once by each streamer that is asked for it; with
 * no room, always. */
START_TEST(caches_of_all_and_of_nothing)
{
    struct fixture f;
    struct sim_result r;

    begin(&f);
    f.conf.contents = 50;
    f.conf.cache = 50;
    r = run(&f, SIM_TRAFFIC_ROUTER);
    ck_assert_double_gt((double)r.hits, 0.99 * (double)r.sessions);
    sim_result_fini(&r);
    sim_world_free(f.world);
    f.world = NULL;
    f.conf.cache = 0;
    r = run(&f, SIM_TRAFFIC_ROUTER);
    ck_assert_uint_eq(r.hits, 0);
    ck_assert_double_gt(r.origin_cost, 0);
    sim_result_fini(&r);
    end(&f);
}
END_TEST

/* Nobody costs clients less than who goes by cost alone; the load that is offered is the load that
 * is there. */
START_TEST(costs_and_loads)
{
    struct fixture f;
    struct sim_result least, r;

    begin(&f);
    f.conf.duration_s = 7200;
    f.conf.warmup_s = 3600;
    least = run(&f, SIM_COST_ONLY);
    for (unsigned p = 0; p < SIM_POLICIES; p++) {
        double load = 0;

        r = run(&f, (enum sim_policy)p);
        ck_assert_double_ge(r.client_cost, least.client_cost * (1 - 1e-9));
        for (size_t i = 360; i < r.sample_count; i++)
            load += (double)r.samples[i].load_mean / 360;
        ck_assert_msg(fabs(load - 0.65) < 0.03, "%s: %g", sim_policy_name((enum sim_policy)p),
                      load);
        ck_assert_double_ge(r.load_max_mean, 1);
        sim_result_fini(&r);
    }
    r = run(&f, SIM_LEAST_LOADED);
    ck_assert_double_lt(r.load_max_mean, 1.1);
    sim_result_fini(&r);
    sim_result_fini(&least);
    end(&f);
}
END_TEST

START_TEST(a_streamer_leaves_and_returns)
{
    struct sim_failure failure = {2400, 600, 3};
    struct fixture f;
    struct sim_result r;

    begin(&f);
    f.conf.failures = &failure;
    f.conf.failure_count = 1;
    r = run(&f, SIM_HASH_ONLY);
    ck_assert_uint_gt(r.cut, 0);
    ck_assert_uint_gt(r.failed, 0); /* until the probes say so */
    ck_assert_uint_lt(r.failed, r.sessions / 50);
    ck_assert_double_eq(r.moved_leave, 0); /* a hash moves its own only */
    ck_assert_double_eq(r.moved_return, 0);
    sim_result_fini(&r);
    end(&f);
}
END_TEST

/* One of ten equal streamers leaves and returns, while loads differ and contents are hot: those
 * that were not its own stay whose they are. Not so by modulo, or nothing would be shown. */
START_TEST(whose_contents_move)
{
    struct sim_failure failure = {2200, 120, (uint32_t)_i * 7 % 10};
    struct sim_flash flash = {2000, 600, 3, 40};
    struct fixture f;

    begin(&f);
    f.conf.sites = 1;
    f.conf.per_site = 10;
    f.conf.seed = 1 + (uint64_t)_i;
    f.conf.duration_s = 2500;
    f.conf.bound = false;
    f.conf.memory = _i != 2;
    f.conf.failures = &failure;
    f.conf.failure_count = 1;
    f.conf.flashes = &flash;
    f.conf.flash_count = 1;
    for (unsigned p = 0; p < SIM_POLICIES; p++) {
        struct sim_result r = run(&f, (enum sim_policy)p);
        double leave = sim_keys_share(&r.keys_leave), back = sim_keys_share(&r.keys_return);

        if (p == SIM_COST_ONLY || p == SIM_LEAST_LOADED) {
            ck_assert(isnan(leave) && isnan(back)); /* contents are nobody's */
        } else {
            ck_assert_uint_gt(r.keys_leave.asked, 1000);
            ck_assert_uint_ge(r.keys_return.asked, r.keys_leave.asked);
            ck_assert_uint_le(r.keys_return.asked, f.world->contents);
        }
        if (p == SIM_HASH_MODULO)
            ck_assert_msg(leave > 0.7 && back > 0.7, "%g, %g", leave, back);
        else
            ck_assert_msg(!(leave > 0) && !(back > 0), "%s, seed %d: %g, %g",
                          sim_policy_name((enum sim_policy)p), 1 + _i, leave, back);
        sim_result_fini(&r);
    }
    end(&f);
}
END_TEST

/* Ours with several that share nothing, old and lost polls: nobody is full all the same. */
START_TEST(ours_with_old_polls)
{
    struct fixture f;
    struct sim_result r;

    begin(&f);
    f.conf.routers = 3;
    f.conf.poll_ms = 10000;
    f.conf.poll_lost = 0.2;
    f.conf.asks = 2;
    r = run(&f, SIM_WAYMARK);
    ck_assert_msg((double)r.full <= 0.005 * (double)r.sessions, "%g %% to full streamers",
                  100.0 * (double)r.full / (double)r.sessions);
    ck_assert_uint_eq(r.failed, 0);
    sim_result_fini(&r);
    end(&f);
}
END_TEST

START_TEST(a_trace)
{
    struct fixture f;
    struct sim_result r;

    begin(&f);
    f.conf.trace = STR(TEST_DATA "/traces/webcachesim-test.tr");
    f.conf.cache = 20000;
    r = run(&f, SIM_WAYMARK);
    ck_assert_uint_eq(f.world->contents, 960);
    ck_assert_uint_eq(f.world->trace_count, 10492);
    ck_assert_double_eq_tol(f.world->popularity[f.world->by_rank[0]], 1015 / 10492.0, 1e-12);
    ck_assert_uint_gt(r.hits, r.sessions / 10);
    sim_result_fini(&r);
    end(&f);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sim_engine");
    TCase *t = tcase_create("all");
    SRunner *r;
    int failed;

    tcase_add_loop_test(t, lru_is_a_plain_list, 0, 8);
    tcase_add_test(t, aliases_draw_by_weight);
    tcase_add_loop_test(t, demand_is_as_asked, 0, 2);
    tcase_add_loop_test(t, same_seed_same_run, 0, SIM_POLICIES);
    tcase_add_test(t, caches_of_all_and_of_nothing);
    tcase_add_test(t, costs_and_loads);
    tcase_add_test(t, a_streamer_leaves_and_returns);
    tcase_add_loop_test(t, whose_contents_move, 0, 4);
    tcase_add_test(t, ours_with_old_polls);
    tcase_add_test(t, a_trace);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
