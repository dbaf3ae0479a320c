/* The offline bound: never above what all ways of sending sessions cost at least, and equal where
 * nothing is relaxed; never above what the simulator's policies cost. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "router/sim/bound_blind.h"
#include "router/sim/bound_world.h"
#include "router/sim/engine.h"
#include "router/sim/lru.h"

#define PLACES   12u
#define SESSIONS 8u
#define NODES    3u
#define CONTENTS 4u
#define STEPS    12u

/* A world small enough for all ways to be tried: streamers of places, each with a cache that drops
 * what was used least recently. */
struct tiny {
    struct bound_input in;
    uint32_t per_place, cache, capacity; /* of a streamer */
    float client_cost[NODES * PLACES], origin_cost[PLACES];
    uint64_t room[PLACES];
    uint32_t size[CONTENTS];
    uint32_t instants[STEPS];
    double limits[STEPS * PLACES];
    struct bound_session sessions[SESSIONS];
};

static void limits_set(struct tiny *t)
{
    for (uint32_t s = 0; s < t->in.places; s++) {
        t->room[s] = (uint64_t)t->cache * t->per_place;
        for (uint32_t j = 0; j < t->in.instant_count; j++)
            t->limits[j * t->in.places + s] = t->capacity * t->per_place;
    }
}

static void tiny_draw(struct tiny *t, struct sim_random *r, uint32_t places, uint32_t per_place,
                      uint32_t sessions)
{
    uint32_t begin = 0, warm = sim_random_below(r, 4);

    *t = (struct tiny){.per_place = per_place,
                       .cache = sim_random_below(r, 4),
                       .capacity = 1 + sim_random_below(r, 4)};
    t->in = (struct bound_input){.nodes = NODES,
                                 .places = places,
                                 .contents = CONTENTS,
                                 .client_cost = t->client_cost,
                                 .origin_cost = t->origin_cost,
                                 .room = t->room,
                                 .instants = t->instants,
                                 .capacity = t->limits,
                                 .sessions = t->sessions,
                                 .session_count = sessions,
                                 .rounds = 60};
    if (sim_random_below(r, 3) == 0)
        t->in.size = t->size;
    for (uint32_t i = 0; i < CONTENTS; i++)
        t->size[i] = 1 + sim_random_below(r, 3);
    for (uint32_t i = 0; i < NODES * places; i++)
        t->client_cost[i] = (float)sim_random_below(r, 8);
    for (uint32_t s = 0; s < places; s++)
        t->origin_cost[s] = (float)sim_random_below(r, 8);
    for (uint32_t step = warm; step < STEPS; step += 1 + sim_random_below(r, 3))
        t->instants[t->in.instant_count++] = step;
    for (uint32_t i = 0; i < sessions; i++) {
        begin += sim_random_below(r, 3);
        t->sessions[i] = (struct bound_session){.content = sim_random_below(r, CONTENTS),
                                                .begin = begin,
                                                .end = begin + 1 + sim_random_below(r, 5),
                                                .node = (uint16_t)sim_random_below(r, NODES),
                                                .counted = begin >= warm};
    }
    limits_set(t);
}

/* What this way costs by the simulator's rules; INFINITY: somebody got more than he can take. */
static double way_cost(const struct tiny *t, const uint32_t *to)
{
    uint32_t streamers = t->in.places * t->per_place;
    struct lru caches[PLACES * 2];
    double cost = 0;

    for (uint32_t s = 0; s < streamers; s++)
        ck_assert(lru_init(&caches[s], t->cache, CONTENTS));
    for (uint32_t i = 0; i < t->in.session_count; i++) {
        const struct bound_session *x = &t->sessions[i];
        uint32_t place = to[i] / t->per_place, open = 0;

        for (uint32_t k = 0; k < i; k++)
            open += to[k] == to[i] && t->sessions[k].end > x->begin;
        if (open >= t->capacity)
            cost = INFINITY;
        if (!lru_touch(&caches[to[i]], x->content, t->in.size ? t->size[x->content] : 1) &&
            x->counted)
            cost += (double)t->origin_cost[place];
        if (x->counted)
            cost += (double)t->client_cost[x->node * t->in.places + place];
    }
    for (uint32_t s = 0; s < streamers; s++)
        lru_fini(&caches[s]);
    return cost;
}

static double best_way(const struct tiny *t)
{
    uint32_t streamers = t->in.places * t->per_place, to[SESSIONS] = {0}, i = 0;
    double best = INFINITY;

    while (i < t->in.session_count) {
        best = fmin(best, way_cost(t, to));
        for (i = 0; i < t->in.session_count && ++to[i] == streamers; i++)
            to[i] = 0;
    }
    return best;
}

static struct bound_result bound_of(const struct bound_input *in)
{
    struct bound_result r;
    struct err e = {0};

    ck_assert_msg(bound_compute(in, &r, &e) == ERR_OK, "%s", e.text);
    return r;
}

/* ---- against all ways */

static const uint32_t shapes[][3] = {{1, 1, 8}, {2, 1, 8}, {3, 1, 6},
                                     {2, 2, 5}, {1, 2, 8}, {11, 1, 3}};

START_TEST(never_above_the_best_way)
{
    const uint32_t *shape = shapes[_i];
    uint32_t possible = 0;
    double bounds = 0, bests = 0;

    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct sim_random random = {seed * 100 + (uint64_t)_i};
        struct tiny t;
        double best;
        struct bound_result r;

        tiny_draw(&t, &random, shape[0], shape[1], shape[2]);
        best = best_way(&t);
        if (!isfinite(best))
            continue;
        possible++;
        r = bound_of(&t.in);
        ck_assert_msg(r.total <= best + 1e-6, "shape %d seed %llu: bound %f, best way %f", _i,
                      (unsigned long long)seed, r.total, best);
        ck_assert_double_eq_tol(r.client + r.origin, r.total, 1e-9);
        bounds += r.total;
        bests += best;
    }
    ck_assert_uint_ge(possible, 10);
    if (shape[0] <= BOUND_PLACES_MAX)
        ck_assert_msg(bounds >= 0.65 * bests, "shape %d: %f of the best ways", _i, bounds / bests);
}
END_TEST

START_TEST(exact_without_limits)
{
    const uint32_t *shape = shapes[_i];

    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct sim_random random = {seed * 1000 + (uint64_t)_i};
        static const bool unknown[CONTENTS];
        struct tiny t;
        double best;

        tiny_draw(&t, &random, shape[0], 1, shape[2]);
        t.cache = 100;
        t.capacity = 100;
        t.in.known = unknown;
        limits_set(&t);
        for (uint32_t i = 0; i < shape[2]; i++) { /* nothing is free that came before */
            t.sessions[i].begin += 4;
            t.sessions[i].end += 4;
            t.sessions[i].counted = true;
        }
        best = best_way(&t);
        ck_assert_msg(fabs(bound_of(&t.in).total - best) < 1e-6,
                      "shape %d seed %llu: bound %f, best way %f", _i, (unsigned long long)seed,
                      bound_of(&t.in).total, best);
    }
}
END_TEST

START_TEST(capacity_costs_what_it_must)
{
    struct bound_session sessions[10];
    const float client[] = {0, 1}, origin[] = {0, 0};
    const uint64_t room[] = {1, 1};
    const uint32_t instants[] = {0, 5};
    const double capacity[] = {4, 100, 4, 100};
    struct bound_input in = {.nodes = 1,
                             .places = 2,
                             .contents = 1,
                             .client_cost = client,
                             .origin_cost = origin,
                             .room = room,
                             .instants = instants,
                             .instant_count = 2,
                             .capacity = capacity,
                             .sessions = sessions,
                             .session_count = 10,
                             .rounds = 2000};
    double total;

    for (uint32_t i = 0; i < 10; i++)
        sessions[i] = (struct bound_session){0, i / 2, 10, 0, true};
    total = bound_of(&in).total;
    ck_assert_double_le(total, 6 + 1e-9);
    ck_assert_double_ge(total, 6 * 0.98);
    in.session_count = 4;
    ck_assert_double_eq_tol(bound_of(&in).total, 0, 1e-9);
}
END_TEST

/* Of two contents that come by turns a cache of one keeps one and fetches the other each time. */
START_TEST(room_costs_what_it_must)
{
    struct bound_session sessions[40];
    uint32_t instants[40];
    double capacity[40], total;
    const float client[] = {2}, origin[] = {1};
    const uint64_t room[] = {1};
    static const bool unknown[2];
    struct bound_input in = {.nodes = 1,
                             .places = 1,
                             .contents = 2,
                             .client_cost = client,
                             .origin_cost = origin,
                             .room = room,
                             .known = unknown,
                             .instants = instants,
                             .instant_count = 40,
                             .capacity = capacity,
                             .sessions = sessions,
                             .session_count = 40,
                             .rounds = 2000};

    for (uint32_t i = 0; i < 40; i++) {
        sessions[i] = (struct bound_session){i % 2, i, i + 1, 0, true};
        instants[i] = i;
        capacity[i] = 1;
    }
    total = bound_of(&in).total;
    ck_assert_double_le(total, 80 + 21 + 1e-9);
    ck_assert_double_ge(total, 80 + 21 * 0.97);
}
END_TEST

START_TEST(more_is_never_dearer)
{
    for (uint64_t seed = 1; seed <= 15; seed++) {
        struct sim_random random = {seed * 77};
        double last = INFINITY;
        struct tiny t;

        tiny_draw(&t, &random, 3, 1, SESSIONS);
        t.in.rounds = 1000;
        t.capacity = 3; /* eight sessions always fit, so that no limit is left out */
        t.cache = 0;
        for (uint32_t more = 0; more < 6; more++) {
            double now;

            limits_set(&t);
            now = bound_of(&t.in).total;
            ck_assert_msg(now <= last * 1.01 + 0.01, "seed %llu: %f, with less %f",
                          (unsigned long long)seed, now, last);
            last = now;
            *(more % 2 ? &t.capacity : &t.cache) += 1;
        }
    }
}
END_TEST

START_TEST(what_is_no_input)
{
    struct sim_random random = {5};
    struct bound_result r;
    struct err e = {0};
    struct tiny t;

    tiny_draw(&t, &random, 2, 1, 5);
    t.sessions[3].content = CONTENTS;
    ck_assert_int_eq(bound_compute(&t.in, &r, &e), ERR_CONFLICT);
    tiny_draw(&t, &random, 2, 1, 5);
    t.sessions[4].begin = t.sessions[0].begin;
    t.sessions[0].begin++;
    e = (struct err){0};
    ck_assert_int_eq(bound_compute(&t.in, &r, &e), ERR_CONFLICT);
    tiny_draw(&t, &random, 2, 1, 5);
    t.instants[1] = t.instants[0];
    e = (struct err){0};
    ck_assert_int_eq(bound_compute(&t.in, &r, &e), ERR_CONFLICT);
    tiny_draw(&t, &random, 2, 1, 5);
    t.in.instant_count = BOUND_INSTANTS_MAX + 1;
    e = (struct err){0};
    ck_assert_int_eq(bound_compute(&t.in, &r, &e), ERR_LIMIT);
}
END_TEST

/* ---- without the future */

START_TEST(blind_keeps_the_popular_ones)
{
    const float client[] = {1}, origin[] = {10};
    const uint64_t room[] = {2};
    const double capacity[] = {100}, population[] = {1}, asked[] = {300, 200, 500};
    const struct bound_input in = {.nodes = 1,
                                   .places = 1,
                                   .contents = 3,
                                   .client_cost = client,
                                   .origin_cost = origin,
                                   .room = room,
                                   .instant_count = 1,
                                   .capacity = capacity};
    struct bound_result r;
    struct err e = {0};

    ck_assert(bound_blind(&in, population, asked, 50, &r, &e) == ERR_OK);
    ck_assert_double_le(r.total, 3000 + 1e-6);
    ck_assert_double_ge(r.total, 3000 * 0.99);
}
END_TEST

START_TEST(blind_goes_further_when_it_is_full)
{
    const float client[] = {0, 1}, origin[] = {5, 5};
    const uint64_t room[] = {1, 1};
    const double capacity[] = {40, 100}, population[] = {1}, asked[] = {1000};
    const struct bound_input in = {.nodes = 1,
                                   .places = 2,
                                   .contents = 1,
                                   .client_cost = client,
                                   .origin_cost = origin,
                                   .room = room,
                                   .instant_count = 1,
                                   .capacity = capacity};
    struct bound_result r;
    struct err e = {0};

    ck_assert(bound_blind(&in, population, asked, 100, &r, &e) == ERR_OK);
    ck_assert_double_le(r.total, 600 + 1e-6);
    ck_assert_double_ge(r.total, 600 * 0.98);
}
END_TEST

/* ---- against the simulator */

struct fixture {
    struct arena *arena;
    struct str path;
    struct sim_conf conf;
    const struct topology *topology;
    struct sim_world *world;
    struct bound_result offline;
    double blind;
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
    f->conf.contents = 800;
    f->conf.cache = 20;
    f->conf.capacity = 60;
    f->conf.utilisation = 0.4;
    f->conf.session_s = 120;
}

static void bound(struct fixture *f)
{
    struct err e = {0};

    ck_assert_msg(sim_conf_check(&f->conf, &e) == ERR_OK, "%s", e.text);
    ck_assert_msg(topology_load(f->path.p, f->arena, &f->topology, &e) == ERR_OK, "%s", e.text);
    ck_assert_msg(sim_world_new(&f->conf, f->topology, f->conf.seed, &f->world, &e) == ERR_OK, "%s",
                  e.text);
    ck_assert_msg(bound_world(f->world, &f->offline, &f->blind, &e) == ERR_OK, "%s", e.text);
    ck_assert_double_gt(f->offline.total, 0);
}

/* How many of the policies keep to the rules; all of these cost as much as the bound at least. */
static unsigned compare(struct fixture *f)
{
    double offline = f->offline.total / (double)f->offline.sessions;
    unsigned fair = 0;

    for (unsigned p = 0; p < SIM_POLICIES; p++) {
        struct sim_result r;
        struct err e = {0};
        double cost;

        ck_assert_msg(sim_run(f->world, (enum sim_policy)p, NULL, NULL, &r, &e) == ERR_OK, "%s",
                      e.text);
        cost = sim_result_cost(&r);
        ck_assert_uint_eq(r.sessions + r.failed, f->offline.sessions);
        if (r.full == 0 && r.failed * 1000 < r.sessions) {
            fair++;
            ck_assert_msg(cost >= offline * 0.999, "%s costs %f, the bound is %f",
                          sim_policy_name((enum sim_policy)p), cost, offline);
            if (!isnan(f->blind))
                ck_assert_msg(cost >= f->blind * 0.98, "%s costs %f, without the future it is %f",
                              sim_policy_name((enum sim_policy)p), cost, f->blind);
        }
        sim_result_fini(&r);
    }
    return fair;
}

static void end(struct fixture *f)
{
    sim_world_free(f->world);
    arena_free(f->arena);
}

START_TEST(no_policy_is_below)
{
    static const struct sim_flash flash = {2400, 600, 50, 50};
    static const struct sim_failure failure = {2500, 300, 3};
    struct fixture f;

    begin(&f);
    if (_i == 1)
        f.conf.per_site = 1;
    if (_i == 2) {
        f.conf.flashes = &flash;
        f.conf.flash_count = 1;
    }
    if (_i == 3) {
        f.conf.failures = &failure;
        f.conf.failure_count = 1;
        f.conf.warmup_s = 1795; /* within a sample */
        f.conf.swing = 0.3;
        f.conf.day_s = 3600;
    }
    if (_i == 4) {
        f.conf.sites = 10; /* more than there is a bound for as they are */
        f.conf.per_site = 1;
    }
    bound(&f);
    if (_i < 4)
        ck_assert_double_lt(f.offline.total / (double)f.offline.sessions, f.blind * 1.01);
    ck_assert_uint_ge(compare(&f), 3);
    end(&f);
}
END_TEST

START_TEST(same_world_same_bound)
{
    struct bound_result again;
    struct err e = {0};
    struct fixture f;
    double blind;

    begin(&f);
    bound(&f);
    ck_assert(bound_world(f.world, &again, &blind, &e) == ERR_OK);
    ck_assert(again.total == f.offline.total && again.client == f.offline.client);
    ck_assert(again.best == f.offline.best && blind == f.blind);
    end(&f);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sim_bound");
    TCase *c = tcase_create("bound");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, never_above_the_best_way, 0, sizeof shapes / sizeof *shapes);
    tcase_add_loop_test(c, exact_without_limits, 0, 3);
    tcase_add_test(c, capacity_costs_what_it_must);
    tcase_add_test(c, room_costs_what_it_must);
    tcase_add_test(c, more_is_never_dearer);
    tcase_add_test(c, what_is_no_input);
    tcase_add_test(c, blind_keeps_the_popular_ones);
    tcase_add_test(c, blind_goes_further_when_it_is_full);
    tcase_add_loop_test(c, no_policy_is_below, 0, 5);
    tcase_add_test(c, same_world_same_bound);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
