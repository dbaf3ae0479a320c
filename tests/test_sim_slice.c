/* The bound of a slice of time: never above what all ways of sending its sessions cost at least,
 * equal where nothing is relaxed, near it where it is; and no policy of the simulator is below it
 * in any slice. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "router/sim/bound_slice.h"
#include "router/sim/engine.h"
#include "router/sim/lru.h"

#define STREAMERS 12u
#define SESSIONS  7u
#define NODES     3u
#define CONTENTS  4u
#define END       8u /* step behind the slice */

/* A state and a slice small enough for all ways to be tried. */
struct tiny {
    struct slice_input in;
    uint32_t cache, capacity[STREAMERS]; /* of a streamer: contents; sessions of this slice */
    uint32_t has[STREAMERS][CONTENTS], has_count[STREAMERS];
    uint16_t place[STREAMERS];
    float client_cost[NODES * STREAMERS], origin_cost[STREAMERS];
    uint64_t held[CONTENTS];
    double room[STREAMERS], price[STREAMERS];
    struct slice_session sessions[SESSIONS];
    uint32_t begins[SESSIONS], ends[SESSIONS]; /* steps */
};

static void cache_draw(struct tiny *t, struct sim_random *r, uint32_t streamer)
{
    for (uint32_t f = 0; f < CONTENTS && t->has_count[streamer] < t->cache; f++)
        if (sim_random_below(r, 2)) {
            t->has[streamer][t->has_count[streamer]++] = f;
            t->held[f] |= UINT64_C(1) << streamer;
        }
}

/* capacity 0: without limits of any kind. */
static void tiny_draw(struct tiny *t, struct sim_random *r, uint32_t places, uint32_t per_place,
                      uint32_t sessions, uint32_t capacity)
{
    uint32_t step = 0;

    *t = (struct tiny){.cache = capacity ? 1 + sim_random_below(r, CONTENTS) : CONTENTS};
    t->in = (struct slice_input){.nodes = NODES,
                                 .places = places,
                                 .streamers = places * per_place,
                                 .contents = CONTENTS,
                                 .place = t->place,
                                 .client_cost = t->client_cost,
                                 .origin_cost = t->origin_cost,
                                 .held = t->held,
                                 .room = t->room,
                                 .sessions = t->sessions,
                                 .session_count = sessions,
                                 .rounds = 200};
    for (uint32_t i = 0; i < NODES * places; i++)
        t->client_cost[i] = (float)sim_random_below(r, 8);
    for (uint32_t k = 0; k < places; k++)
        t->origin_cost[k] = (float)sim_random_below(r, 8);
    for (uint32_t s = 0; s < t->in.streamers; s++) {
        t->place[s] = (uint16_t)(s / per_place);
        cache_draw(t, r, s);
        t->capacity[s] = capacity ? sim_random_below(r, capacity + 1) : SESSIONS;
        t->room[s] = capacity ? t->capacity[s] : (double)INFINITY;
    }
    for (uint32_t i = 0; i < sessions; i++) {
        step += sim_random_below(r, 2);
        t->begins[i] = step;
        t->ends[i] = step + 1 + sim_random_below(r, 12);
        t->sessions[i] = (struct slice_session){.content = sim_random_below(r, CONTENTS),
                                                .node = (uint16_t)sim_random_below(r, NODES),
                                                .open = t->ends[i] >= END};
    }
}

/* What this way costs by the simulator's rules; INFINITY: somebody got more than he can take. */
static double way_cost(const struct tiny *t, struct lru *caches, const uint32_t *to)
{
    double cost = 0;

    for (uint32_t s = 0; s < t->in.streamers; s++) {
        lru_clear(&caches[s]);
        for (uint32_t i = 0; i < t->has_count[s]; i++)
            (void)lru_touch(&caches[s], t->has[s][i], 1);
    }
    for (uint32_t i = 0; i < t->in.session_count; i++) {
        const struct slice_session *x = &t->sessions[i];
        uint32_t place = t->place[to[i]], open = 0;

        for (uint32_t k = 0; k < i; k++)
            open += to[k] == to[i] && t->ends[k] > t->begins[i];
        if (open >= t->capacity[to[i]])
            cost = INFINITY;
        cost += (double)t->client_cost[x->node * t->in.places + place];
        if (!lru_touch(&caches[to[i]], x->content, 1))
            cost += (double)t->origin_cost[place];
    }
    return cost;
}

static double best_way(const struct tiny *t)
{
    uint32_t to[SESSIONS] = {0}, i = 0;
    struct lru caches[STREAMERS];
    double best = INFINITY;

    for (uint32_t s = 0; s < t->in.streamers; s++)
        if (!lru_init(&caches[s], t->cache, CONTENTS))
            ck_abort_msg("no memory");
    while (i < t->in.session_count) {
        best = fmin(best, way_cost(t, caches, to));
        for (i = 0; i < t->in.session_count && ++to[i] == t->in.streamers; i++)
            to[i] = 0;
    }
    for (uint32_t s = 0; s < t->in.streamers; s++)
        lru_fini(&caches[s]);
    return best;
}

static struct slice_result bound_of(struct tiny *t)
{
    struct slice_result r;
    struct err e = {0};

    ck_assert_msg(bound_slice(&t->in, t->price, &r, &e) == ERR_OK, "%s", e.text);
    ck_assert_double_eq_tol(r.client + r.origin, r.total, 1e-9);
    return r;
}

static const uint32_t shapes[][3] = {{1, 1, 3}, {2, 1, 7}, {1, 3, 6}, {2, 2, 6}, {3, 1, 7},
                                     {3, 2, 5}, {4, 1, 6}, {9, 1, 4}, {10, 1, 4}};

START_TEST(never_above_the_best_way)
{
    const uint32_t *shape = shapes[_i];
    double bounds = 0, bests = 0;
    unsigned possible = 0;

    for (unsigned n = 0; n < 60; n++) {
        uint64_t seed = 1000 * (uint64_t)_i + n;
        struct sim_random r = {seed};
        struct tiny t;
        double best, bound;

        tiny_draw(&t, &r, shape[0], shape[1], shape[2], 4);
        best = best_way(&t);
        bound = bound_of(&t).total;
        if (isinf(best))
            continue;
        possible++;
        ck_assert_msg(bound <= best + 1e-6, "seed %lu: the bound is %f, the best way %f",
                      (unsigned long)seed, bound, best);
        bounds += bound;
        bests += best;
    }
    printf("shape %d: %u possible, the bound is %.3f of the best\n", _i, possible, bounds / bests);
    ck_assert_uint_ge(possible, 3);
    ck_assert_double_ge(bounds / bests, shape[0] > SLICE_FETCHES_MAX ? 0.6 : 0.8);
}
END_TEST

START_TEST(exact_without_limits)
{
    for (unsigned n = 0; n < 60; n++) {
        uint64_t seed = 77000 + 1000 * (uint64_t)_i + n;
        struct sim_random r = {seed};
        struct tiny t;
        double best, bound;

        tiny_draw(&t, &r, shapes[_i][0], shapes[_i][1], shapes[_i][2], 0);
        best = best_way(&t);
        bound = bound_of(&t).total;
        ck_assert_msg(fabs(bound - best) < 1e-6, "seed %lu: the bound is %f, the best way %f",
                      (unsigned long)seed, bound, best);
    }
}
END_TEST

/* Two places that both have it, a near one at 1 and a far one at 4. */
static void two_places(struct tiny *t, uint32_t sessions)
{
    struct sim_random r = {1};

    tiny_draw(t, &r, 2, 1, sessions, 0);
    for (uint32_t n = 0; n < NODES; n++) {
        t->client_cost[2 * n] = 1;
        t->client_cost[2 * n + 1] = 4;
    }
    t->origin_cost[0] = t->origin_cost[1] = 10;
    for (uint32_t f = 0; f < CONTENTS; f++)
        t->held[f] = 3;
    for (uint32_t i = 0; i < sessions; i++)
        t->sessions[i] = (struct slice_session){.content = 0, .node = 0, .open = true};
}

START_TEST(room_costs_what_it_must)
{
    struct tiny t;

    two_places(&t, 6);
    ck_assert_double_eq_tol(bound_of(&t).total, 6, 1e-9);
    t.room[0] = 2;
    ck_assert_double_eq_tol(bound_of(&t).total, 2 + 16, 0.05);
    t.sessions[0].open = t.sessions[1].open = false; /* they are gone when it ends */
    ck_assert_double_eq_tol(bound_of(&t).total, 4 + 8, 0.05);
    t.room[1] = 1; /* more than all can take: nobody could keep to it */
    ck_assert_double_eq_tol(bound_of(&t).total, 6, 1e-9);
    t.room[1] = INFINITY;
    t.room[0] = NAN; /* down */
    ck_assert_double_eq_tol(bound_of(&t).total, 24, 1e-9);
}
END_TEST

START_TEST(a_fetch_is_paid_once)
{
    struct tiny t;

    two_places(&t, 3);
    t.held[0] = 0; /* nobody has it */
    ck_assert_double_eq_tol(bound_of(&t).total, 3 + 10, 1e-9);
    t.held[0] = 2; /* the far one has: not worth a fetch for three, but for four */
    ck_assert_double_eq_tol(bound_of(&t).total, 12, 1e-9);
    t.held[0] = 1;
    ck_assert_double_eq_tol(bound_of(&t).total, 3, 1e-9);
    t.origin_cost[0] = 8;
    t.held[0] = 2;
    ck_assert_double_eq_tol(bound_of(&t).total, 3 + 8, 1e-9);
    ck_assert_double_eq_tol(bound_of(&t).origin, 8, 1e-9);
}
END_TEST

START_TEST(what_is_no_slice)
{
    struct slice_result r;
    struct err e = {0};
    struct tiny t;

    two_places(&t, 3);
    t.in.session_count = 0;
    ck_assert(bound_slice(&t.in, t.price, &r, &e) == ERR_OK && r.total == 0);
    t.in.session_count = 3;
    t.room[0] = t.room[1] = NAN;
    ck_assert(bound_slice(&t.in, t.price, &r, &e) == ERR_CONFLICT);
}
END_TEST

/* ---- against the simulator */

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
    f->conf.warmup_s = 1795; /* within a sample */
    f->conf.contents = 800;
    f->conf.cache = 20;
    f->conf.capacity = 60;
    f->conf.session_s = 120;
    f->conf.slice_s = 60;
}

static void world_make(struct fixture *f)
{
    struct err e = {0};

    ck_assert_msg(sim_conf_check(&f->conf, &e) == ERR_OK, "%s", e.text);
    ck_assert_msg(topology_load(f->path.p, f->arena, &f->topology, &e) == ERR_OK, "%s", e.text);
    ck_assert_msg(sim_world_new(&f->conf, f->topology, f->conf.seed, &f->world, &e) == ERR_OK, "%s",
                  e.text);
}

static void end(struct fixture *f)
{
    sim_world_free(f->world);
    arena_free(f->arena);
}

static struct sim_result run(struct fixture *f, enum sim_policy p)
{
    struct sim_result r;
    struct err e = {0};

    ck_assert_msg(sim_run(f->world, p, NULL, NULL, &r, &e) == ERR_OK, "%s", e.text);
    return r;
}

START_TEST(no_policy_is_below_in_any_slice)
{
    static const struct sim_flash flash = {2400, 600, 50, 50};
    static const struct sim_failure failure = {2512, 305, 3};
    unsigned fair = 0;
    struct fixture f;

    begin(&f);
    f.conf.utilisation = _i == 4 ? 0.65 : 0.4;
    if (_i == 1)
        f.conf.per_site = 1;
    if (_i == 2) {
        f.conf.flashes = &flash;
        f.conf.flash_count = 1;
        f.conf.slice_s = 300;
    }
    if (_i == 3) {
        f.conf.failures = &failure;
        f.conf.failure_count = 1;
        f.conf.slice_s = 47; /* samples of 10 s: made up to 50 */
    }
    if (_i == 5) {
        f.conf.sites = 10; /* more than are looked at set by set */
        f.conf.per_site = 2;
    }
    world_make(&f);
    for (unsigned p = 0; p < SIM_POLICIES; p++) {
        struct sim_result r = run(&f, (enum sim_policy)p);

        ck_assert_double_gt(r.slice_bound, 0);
        ck_assert_double_eq_tol(r.slice_client + r.slice_origin, r.slice_bound, 1e-9);
        if (r.full == 0) {
            fair++;
            ck_assert_msg(r.slice_below < 1e-6, "%s is %f below its bound in a slice",
                          sim_policy_name((enum sim_policy)p), r.slice_below);
            ck_assert_double_ge(sim_result_cost(&r), r.slice_bound);
        }
        sim_result_fini(&r);
    }
    ck_assert_uint_ge(fair, 3);
    end(&f);
}
END_TEST

/* It is known of more: so no less can be saved. */
START_TEST(longer_slices_are_no_dearer)
{
    double last = INFINITY;
    struct fixture f;

    begin(&f);
    world_make(&f);
    for (uint32_t slice_s = 10; slice_s <= 640; slice_s *= 4) {
        struct sim_result r;

        f.conf.slice_s = slice_s;
        r = run(&f, SIM_WAYMARK);
        ck_assert_double_le(r.slice_bound, last * 1.001);
        last = r.slice_bound;
        sim_result_fini(&r);
    }
    end(&f);
}
END_TEST

START_TEST(the_run_does_not_know_of_it)
{
    struct sim_result with, again, without;
    struct fixture f;

    begin(&f);
    world_make(&f);
    with = run(&f, SIM_WAYMARK);
    again = run(&f, SIM_WAYMARK);
    f.conf.slice_s = 0;
    without = run(&f, SIM_WAYMARK);
    ck_assert(with.slice_bound == again.slice_bound && with.slice_below == again.slice_below);
    ck_assert(isnan(without.slice_bound));
    ck_assert(with.sessions == without.sessions && with.hits == without.hits);
    ck_assert(with.client_cost == without.client_cost && with.origin_cost == without.origin_cost);
    sim_result_fini(&with);
    sim_result_fini(&again);
    sim_result_fini(&without);
    end(&f);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sim_slice");
    TCase *c = tcase_create("slice");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, never_above_the_best_way, 0, sizeof shapes / sizeof *shapes);
    tcase_add_loop_test(c, exact_without_limits, 0, 7);
    tcase_add_test(c, room_costs_what_it_must);
    tcase_add_test(c, a_fetch_is_paid_once);
    tcase_add_test(c, what_is_no_slice);
    tcase_add_loop_test(c, no_policy_is_below_in_any_slice, 0, 6);
    tcase_add_test(c, longer_slices_are_no_dearer);
    tcase_add_test(c, the_run_does_not_know_of_it);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
