/* Several cost maps in a view: combinations, ordinal maps, calendars. */
#include "router/view_maps.h"

#include "router/candidates.h"
#include "tests/view_fixture.h"

#define PIDS      12u
#define STREAMERS 9u
#define MAPS      3u

static struct live *live;
static struct view_source *netmap;

/* What a cost map is made from. */
struct plan {
    const char *metric;
    enum cost_mode mode;
    uint32_t slots; /* 0: no calendar */
    double cost[4][PIDS][PIDS];
};

static const struct costmap_calendar calendar = {
    .start_ms = 1000000, .interval_s = 60, .slots = 4, .repeated = 2};

static void setup(void)
{
    live = live_new();
    netmap = fixture_netmap(PIDS);
}

static void teardown(void)
{
    view_source_drop(netmap);
    live_free(live);
}

static struct view_source *make_map(struct view_source *net, const struct plan *p)
{
    const struct netmap *map = net->netmap;
    struct arena *arena = arena_new((size_t)1 << 24);
    struct costmap_build *b = costmap_build_new(map, arena);
    struct costmap_info info = {.mode = p->mode, .depends = map->vtag};
    const struct costmap *made = NULL;
    struct err e = {0};

    snprintf(info.metric, sizeof info.metric, "%s", p->metric);
    for (pidx i = 0; i < PIDS; i++) {
        ck_assert(costmap_build_begin_row(b, i, &e) == ERR_OK);
        for (pidx j = 0; j < PIDS; j++) {
            double slots[4];

            for (unsigned k = 0; k < 4; k++)
                slots[k] = p->cost[k][i][j];
            if (p->slots)
                ck_assert(costmap_build_add_planes(b, j, slots, 4, &e) == ERR_OK);
            else
                ck_assert(costmap_build_add(b, j, slots[0], &e) == ERR_OK);
        }
        ck_assert(costmap_build_end_row(b, &e) == ERR_OK);
    }
    if (p->slots)
        costmap_build_calendar(b, &calendar);
    ck_assert_msg(costmap_build_freeze(b, &info, &made, &e) == ERR_OK, "%s", e.text);
    costmap_build_free(b);
    return view_source_new(arena, NULL, made);
}

/* Three maps, streamers that share some PIDs, and services. */
struct world {
    struct plan plans[MAPS];
    struct view_source *maps[MAPS];
    struct fixture_names names[STREAMERS];
    struct streamer_conf streamers[STREAMERS];
    struct cost_part parts[3][MAPS];
    struct service_conf services[3];
    struct view_inputs in;
    struct view *v;
};

static const struct str hosts[3] = {
    {"a.example.com", 13}, {"b.example.com", 13}, {"c.example.com", 13}};
static const struct str few[] = {{"s1", 2}, {"s4", 2}, {"s7", 2}};

static void plan_random(struct plan *p, struct dice *d)
{
    for (unsigned k = 0; k < 4; k++)
        for (unsigned i = 0; i < PIDS; i++)
            for (unsigned j = 0; j < PIDS; j++)
                p->cost[k][i][j] = dice_below(d, 10) == 0 ? (double)NAN : dice_below(d, 30);
}

static void world_init(struct world *w, struct dice *d)
{
    static const char *const metrics[MAPS] = {"routingcost", "delay-ow", "priv:rank"};

    *w = (struct world){0};
    for (unsigned m = 0; m < MAPS; m++) {
        w->plans[m].metric = metrics[m];
        w->plans[m].mode = m == 2 ? COST_ORDINAL : COST_NUMERICAL;
        plan_random(&w->plans[m], d);
    }
    for (unsigned i = 0; i < STREAMERS; i++) {
        w->streamers[i] = fixture_streamer(&w->names[i], i, (int)dice_below(d, PIDS));
        w->streamers[i].capacity = 10 * (i + 1);
        if (dice_below(d, 2)) {
            int n =
                snprintf(w->names[i].origin, sizeof w->names[i].origin, "p%u", dice_below(d, PIDS));

            w->streamers[i].origin_pid = (struct str){w->names[i].origin, (size_t)n};
        }
    }
    for (unsigned i = 0; i < 3; i++)
        w->services[i] = (struct service_conf){.name = {hosts[i].p, 1},
                                               .hosts = &hosts[i],
                                               .host_count = 1,
                                               .costs = w->parts[i],
                                               .policy = fixture_policy};
    w->services[2].streamers = few;
    w->services[2].streamer_count = 3;
    w->in = (struct view_inputs){.netmap = netmap,
                                 .streamers = w->streamers,
                                 .streamer_count = STREAMERS,
                                 .services = w->services,
                                 .service_count = 3};
}

static void world_add_cost(struct world *w, unsigned service, unsigned map, double weight)
{
    struct service_conf *s = &w->services[service];

    w->parts[service][s->cost_count++] = (struct cost_part){str_from(w->plans[map].metric), weight};
}

static enum err_code world_try(struct world *w, struct err *e)
{
    for (unsigned m = 0; m < MAPS; m++)
        if (!w->maps[m])
            w->maps[m] = make_map(netmap, &w->plans[m]);
    w->in.costmap = w->maps[0];
    w->in.more_costmaps = w->maps + 1;
    w->in.more_costmap_count = MAPS - 1;
    return view_build(&w->in, live, &w->v, e);
}

static void world_build(struct world *w)
{
    struct err e = {0};

    ck_assert_msg(world_try(w, &e) == ERR_OK, "%s", e.text);
}

static void world_fini(struct world *w)
{
    view_drop(w->v);
    for (unsigned m = 0; m < MAPS; m++)
        view_source_drop(w->maps[m]);
}

/* The rank of `own` among the n others, of which it is one: 1 and a step for each distinct lower
 * one. */
static double rank_of(double own, const double *all, size_t n)
{
    double rank = 1;

    if (isnan(own))
        return own;
    for (size_t i = 0; i < n; i++) {
        bool first = all[i] < own;

        for (size_t k = 0; k < i; k++)
            first = first && all[k] != all[i];
        rank += first;
    }
    return rank;
}

/* From a client's PID to a streamer's, by the plans. */
static double want_cost(const struct world *w, const double *weight, pidx src, sidx to)
{
    double sum = 0;

    for (unsigned m = 0; m < MAPS; m++) {
        double all[STREAMERS];

        if (!(weight[m] > 0))
            continue;
        for (sidx i = 0; i < STREAMERS; i++)
            all[i] = w->plans[m].cost[0][src][w->v->streamers[i].pid];
        sum += weight[m] *
               (w->plans[m].mode == COST_ORDINAL ? rank_of(all[to], all, STREAMERS) : all[to]);
    }
    return sum;
}

static double want_origin(const struct world *w, const double *weight, sidx of)
{
    double sum = 0;

    if (w->v->streamers[of].origin_pid == PIDX_NONE)
        return 0;
    for (unsigned m = 0; m < MAPS; m++) {
        double all[STREAMERS], own = NAN;
        size_t n = 0;

        if (!(weight[m] > 0))
            continue;
        for (sidx i = 0; i < STREAMERS; i++) {
            const struct view_streamer *s = &w->v->streamers[i];

            if (s->origin_pid == PIDX_NONE)
                continue;
            all[n] = w->plans[m].cost[0][s->pid][s->origin_pid];
            if (i == of)
                own = all[n];
            n++;
        }
        sum += weight[m] * (w->plans[m].mode == COST_ORDINAL ? rank_of(own, all, n) : own);
    }
    return sum;
}

static void same(float got, double want, const char *what)
{
    ck_assert_msg(isnan(want) ? isnan(got) : got == (float)want, "%s: %g and %g", what, (double)got,
                  want);
}

/* Mean of what is known, once for each PID that has streamers of the set. */
static double want_unit(const struct world *w, const struct candidates *set, const double *weight)
{
    double sum = 0, known = 0;

    for (pidx row = 0; row < PIDS; row++)
        for (uint16_t i = 0; i < set->count; i++) {
            double cost = want_cost(w, weight, row, set->slot[i].streamer);
            bool first = true;

            for (uint16_t k = 0; k < i; k++)
                if (w->v->streamers[set->slot[k].streamer].pid ==
                    w->v->streamers[set->slot[i].streamer].pid)
                    first = false;
            if (!first || isnan(cost))
                continue;
            sum += cost;
            known++;
        }
    return known > 0 && sum > 0 ? sum / known : 1;
}

static void check_service(const struct world *w, const struct view_service *s, const double *weight)
{
    const struct candidates *set = s->candidates;

    for (uint32_t row = 0; row < set->rows; row++) {
        const struct ranked *r = candidates_ranked(set, row);

        ck_assert_uint_eq((uintptr_t)r % 8, 0);
        for (uint16_t i = 0; i < set->count; i++) {
            double want = row < PIDS
                              ? want_cost(w, weight, (pidx)row, set->slot[r[i].slot].streamer)
                              : (double)NAN;

            same(r[i].cost, want, "cost");
            ck_assert(i == 0 || isnan(r[i].cost) || r[i - 1].cost <= r[i].cost);
        }
    }
    for (uint16_t i = 0; i < set->count; i++)
        same(set->slot[i].origin_cost, want_origin(w, weight, set->slot[i].streamer), "origin");
    ck_assert_double_eq_tol(s->cost_unit, want_unit(w, set, weight), 1e-4);
}

static bool equal_weights(const double *a, const double *b)
{
    for (unsigned m = 0; m < VIEW_COSTMAPS_MAX; m++)
        if (a[m] != b[m])
            return false;
    return true;
}

START_TEST(combinations_are_sums)
{
    static const double first[VIEW_COSTMAPS_MAX] = {1};
    struct dice d = {.state = 300 + (uint64_t)_i};
    double weight[3][VIEW_COSTMAPS_MAX] = {{0}};
    struct world w;

    world_init(&w, &d);
    for (unsigned s = 0; s < 3; s++)
        for (unsigned m = MAPS; m-- > 0;) /* the order in the configuration is not the maps' */
            if (dice_below(&d, 3) || m == 0) {
                weight[s][m] = m && dice_below(&d, 3) == 0 ? 0 : 1 + dice_below(&d, 7) / 4.0;
                world_add_cost(&w, s, m, weight[s][m]);
            }
    if (_i % 4 == 0) { /* as without costs: the first map alone */
        w.services[0].cost_count = 0;
        memcpy(weight[0], first, sizeof first);
    }
    world_build(&w);
    ck_assert_uint_eq(w.v->costmap_count, MAPS);
    ck_assert_ptr_eq(w.v->costmap, w.v->costmaps[0]);
    for (svidx s = 0; s < 3; s++)
        check_service(&w, &w.v->services[s], weight[s]);
    for (sidx i = 0; i < STREAMERS; i++)
        same(w.v->streamers[i].origin_cost, want_origin(&w, first, i), "origin of the first map");
    ck_assert_double_eq_tol(w.v->cost_unit, want_unit(&w, w.v->services[0].candidates, first),
                            1e-4);
    ck_assert((w.v->services[0].candidates == w.v->services[1].candidates) ==
              equal_weights(weight[0], weight[1]));
    ck_assert_double_eq(w.v->services[0].capacity_mean, 50);
    ck_assert_double_eq(w.v->services[2].capacity_mean, 50); /* 20, 50 and 80 */
    world_fini(&w);
}
END_TEST

START_TEST(equal_combinations_share)
{
    struct dice d = {.state = 11};
    struct world w;

    world_init(&w, &d);
    world_add_cost(&w, 0, 0, 1);
    world_add_cost(&w, 0, 1, 0.2);
    world_add_cost(&w, 1, 1, 0.2);
    world_add_cost(&w, 1, 2, 0); /* does not count */
    world_add_cost(&w, 1, 0, 1);
    w.streamers[8].capacity = 0;
    world_build(&w);
    ck_assert_ptr_eq(w.v->services[0].candidates, w.v->services[1].candidates);
    ck_assert_ptr_ne(w.v->services[0].candidates, w.v->services[2].candidates);
    ck_assert_double_eq(w.v->services[0].capacity_mean, 0); /* one is unlimited */
    ck_assert_double_gt(w.v->services[2].capacity_mean, 0);
    world_fini(&w);
}
END_TEST

/* Any relabelling of an ordinal map that keeps the order, far beyond what a float tells apart,
 * within what a double does. */
START_TEST(ordinal_maps_count_by_order_alone)
{
    struct dice d = {.state = 500 + (uint64_t)_i};
    double label[30], at = dice_below(&d, 3);
    struct world w, other;
    struct plan p;

    world_init(&w, &d);
    for (unsigned s = 0; s < 3; s++) {
        world_add_cost(&w, s, 2, 1 + s);
        if (s)
            world_add_cost(&w, s, 0, 0.5);
    }
    for (unsigned i = 0; i < 30; i++) {
        label[i] = at;
        at += 1 + (dice_below(&d, 3) ? 0 : dice_below(&d, 1000000) * 1e8);
    }
    p = w.plans[2];
    for (unsigned i = 0; i < PIDS; i++)
        for (unsigned j = 0; j < PIDS; j++)
            if (!isnan(p.cost[0][i][j]))
                p.cost[0][i][j] = label[(unsigned)p.cost[0][i][j]];
    world_build(&w);
    other = w;
    other.maps[2] = make_map(netmap, &p);
    other.in.more_costmaps = other.maps + 1;
    ck_assert(view_build(&other.in, live, &other.v, NULL) == ERR_OK);
    for (svidx s = 0; s < 3; s++) {
        const struct candidates *a = w.v->services[s].candidates,
                                *b = other.v->services[s].candidates;

        ck_assert_double_eq(w.v->services[s].cost_unit, other.v->services[s].cost_unit);
        for (uint32_t row = 0; row < a->rows; row++)
            ck_assert_mem_eq(candidates_ranked(a, row), candidates_ranked(b, row),
                             a->count * sizeof(struct ranked));
        ck_assert_mem_eq(a->slot, b->slot, a->count * sizeof *a->slot);
    }
    view_drop(other.v);
    view_source_drop(other.maps[2]);
    world_fini(&w);
}
END_TEST

/* Scaling all maps of a service changes nothing in what it decides, however loaded all are. */
START_TEST(scale_does_not_matter)
{
    static const double factors[] = {0x1p-20, 0.001, 3, 1000, 0x1p30};
    struct dice d = {.state = 700 + (uint64_t)_i};
    struct world w, scaled;

    world_init(&w, &d);
    for (unsigned s = 0; s < 3; s++) {
        world_add_cost(&w, s, 0, 1);
        if (s)
            world_add_cost(&w, s, 1, 0.25);
    }
    scaled = w;
    for (unsigned m = 0; m < 2; m++)
        for (unsigned i = 0; i < PIDS; i++)
            for (unsigned j = 0; j < PIDS; j++)
                scaled.plans[m].cost[0][i][j] *= factors[_i % 5];
    scaled.in.services = scaled.services;
    scaled.in.streamers = scaled.streamers;
    for (unsigned s = 0; s < 3; s++) {
        scaled.services[s].costs = scaled.parts[s];
        w.services[s].costs = w.parts[s];
    }
    w.in.services = w.services;
    w.in.streamers = w.streamers;
    world_build(&w);
    world_build(&scaled);
    for (sidx i = 0; i < STREAMERS; i++)
        live_dispatch(live, w.v->streamers[i].live, dice_below(&d, 8U * (i + 1U)));
    for (unsigned k = 0; k < 500; k++) {
        struct question q = {.service = (svidx)dice_below(&d, 3),
                             .client = fixture_client(dice_below(&d, PIDS)),
                             .need = STREAMER_V4 | STREAMER_HTTP,
                             .content = dice_next(&d),
                             .want = 1};
        struct decision a, b;

        decide(w.v, live, &q, &a);
        decide(scaled.v, live, &q, &b);
        ck_assert_uint_eq(a.count, b.count);
        ck_assert_uint_eq(a.why, b.why);
        if (a.count)
            ck_assert_msg(a.choice[0].streamer == b.choice[0].streamer, "seed %d, question %u", _i,
                          k);
    }
    world_fini(&w);
    world_fini(&scaled);
}
END_TEST

/* The slot of now, and how long it is now, for each service's own maps. */
START_TEST(calendars_change_with_time)
{
    struct dice d = {.state = 99};
    struct world w;

    world_init(&w, &d);
    w.plans[1].slots = 4;
    for (unsigned s = 0; s < 3; s++)
        world_add_cost(&w, s, s == 1, 1);
    world_build(&w);
    for (uint64_t t = calendar.start_ms - 120000; t < calendar.start_ms + 9 * 60000; t += 7919) {
        uint64_t k = t < calendar.start_ms ? 0 : (t - calendar.start_ms) / 60000, slot, ends;

        slot = k < 8 ? k % 4 : 3;
        ends = k < 8 ? calendar.start_ms + (k + 1) * 60000 : 0;
        view_drop(w.v);
        w.in.wall_ms = t;
        world_build(&w);
        ck_assert_uint_eq(w.v->valid_until_ms, ends);
        for (pidx i = 0; i < PIDS; i++)
            for (pidx j = 0; j < PIDS; j++) {
                same((float)costmap_get(w.v->costmaps[1], i, j), w.plans[1].cost[slot][i][j],
                     "slot");
                same((float)costmap_get(w.v->costmaps[0], i, j), w.plans[0].cost[0][i][j], "map");
            }
        for (uint16_t i = 0; i < STREAMERS; i++) {
            const struct ranked *r = candidates_ranked(w.v->services[1].candidates, 3);

            same(r[i].cost, w.plans[1].cost[slot][3][w.v->streamers[r[i].slot].pid], "row");
        }
    }
    world_fini(&w);
}
END_TEST

START_TEST(calendars_that_nobody_uses_do_not_end)
{
    struct dice d = {.state = 98};
    struct world w;

    world_init(&w, &d);
    w.plans[0].slots = 4;
    w.in.wall_ms = calendar.start_ms;
    for (unsigned s = 0; s < 3; s++)
        world_add_cost(&w, s, 1, 1);
    world_build(&w);
    ck_assert_uint_eq(w.v->valid_until_ms, 0);
    view_drop(w.v);
    w.services[1].any_info_hash = true; /* peers are ranked by the first map */
    world_build(&w);
    ck_assert_uint_eq(w.v->valid_until_ms, calendar.start_ms + 60000);
    world_fini(&w);
}
END_TEST

static void bad_metric(struct world *w)
{
    world_add_cost(w, 1, 0, 1);
    w->parts[1][0].metric = STR("delay-wo");
}
static void bad_twice(struct world *w)
{
    world_add_cost(w, 1, 1, 1);
    world_add_cost(w, 1, 1, 2);
}
static void bad_negative(struct world *w)
{
    world_add_cost(w, 1, 1, -1);
}
static void bad_nan(struct world *w)
{
    world_add_cost(w, 1, 1, NAN);
}
static void bad_zero(struct world *w)
{
    world_add_cost(w, 1, 1, 0);
}
static void bad_same_metric(struct world *w)
{
    w->plans[2].metric = "delay-ow";
}
static void bad_version(struct world *w)
{
    struct view_source *other = fixture_netmap(PIDS + 1);

    w->maps[1] = make_map(other, &w->plans[1]);
    view_source_drop(other);
}
static void bad_no_network(struct world *w)
{
    w->in.netmap = NULL;
}

// clang-format off
static const struct {
    void (*spoil)(struct world *w);
    enum err_code rc;
    const char *says;
} rows[] = {
    {bad_metric, ERR_NOT_FOUND, "service b: costs: there is no cost map of metric \"delay-wo\"; did you mean \"delay-ow\"?"},
    {bad_twice, ERR_CONFLICT, "service b: costs: metric delay-ow stands there twice"},
    {bad_negative, ERR_PARSE, "service b: costs: weight -1 of delay-ow is not a number of 0 or more"},
    {bad_nan, ERR_PARSE, "service b: costs: weight nan of delay-ow is not"},
    {bad_zero, ERR_PARSE, "service b: costs: no weight is above 0"},
    {bad_same_metric, ERR_CONFLICT, "there are two cost maps of metric delay-ow"},
    {bad_version, ERR_CONFLICT, "the cost map of delay-ow was made for version"},
    {bad_no_network, ERR_CONFLICT, "there is a cost map and no network map"},
};
// clang-format on

START_TEST(errors_say_who_and_what)
{
    struct dice d = {.state = 5};
    struct err e = {0};
    struct world w;
    enum err_code rc;

    world_init(&w, &d);
    rows[_i].spoil(&w);
    rc = world_try(&w, &e);
    ck_assert_msg(rc == rows[_i].rc, "row %d: %s", _i, e.text);
    ck_assert_msg(strncmp(e.text, rows[_i].says, strlen(rows[_i].says)) == 0, "row %d: \"%s\"", _i,
                  e.text);
    ck_assert_ptr_null(w.v);
    world_fini(&w);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("view_maps");
    TCase *t = tcase_create("view_maps");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, combinations_are_sums, 1, 60);
    tcase_add_test(t, equal_combinations_share);
    tcase_add_loop_test(t, ordinal_maps_count_by_order_alone, 1, 30);
    tcase_add_loop_test(t, scale_does_not_matter, 1, 30);
    tcase_add_test(t, calendars_change_with_time);
    tcase_add_test(t, calendars_that_nobody_uses_do_not_end);
    tcase_add_loop_test(t, errors_say_who_and_what, 0, sizeof rows / sizeof *rows);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
