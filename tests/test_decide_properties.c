/* The invariants of the decision, over random worlds with all terms on. A failure names the seed of
 * its world. */
#include "router/decide.h"

#include "tests/decide_world.h"

/* Never an unhealthy one while a healthy one is there; never one that is admin down; never nobody
 * while there is a candidate. */
START_TEST(healthy_first_and_never_empty)
{
    for (uint64_t seed = 1; seed <= 80; seed++) {
        struct built b;

        world_init(seed, KIND_ANY);
        b = build();
        for (unsigned k = 0; k < 50; k++) {
            struct question q = random_question(&w.dice);
            unsigned best = 4, edge;
            struct decision d;

            for (unsigned i = 0; i < w.n; i++) {
                unsigned standing = reference_standing(i, &q, &edge);

                best = standing < best ? standing : best;
            }
            decide(b.v, b.live, &q, &d);
            SAY((d.count > 0) == (best < 4), "%u choices", AT, d.count);
            for (unsigned c = 0; c < d.count; c++) {
                unsigned i = number_of(b.v, d.choice[c].streamer);

                SAY(can(i, &q), "s%u cannot", AT, i);
                SAY(reference_standing(i, &q, &edge) == best, "s%u is %u, somebody is %u", AT, i,
                    reference_standing(i, &q, &edge), best);
                for (unsigned o = 0; o < c; o++)
                    SAY(d.choice[o].streamer != d.choice[c].streamer, "s%u twice", AT, i);
            }
        }
        built_fini(&b);
        world_fini();
    }
}
END_TEST

/* Everybody is about full, some exactly, and one that few can use keeps the mean low. */
static void world_make_busy(void)
{
    for (unsigned i = 0; i < w.n; i++) {
        w.s[i].capacity = 1 + dice_below(&w.dice, 50);
        w.sessions[i] = (uint32_t)(w.s[i].capacity * (0.8 + 0.4 * dice_unit(&w.dice)));
        if (dice_below(&w.dice, 2))
            w.sessions[i] = (uint32_t)w.s[i].capacity;
    }
    w.s[0].can = STREAMER_V6;
    w.s[0].capacity = 1e6;
    w.sessions[0] = 0;
}

START_TEST(nobody_full_while_another_is_not)
{
    for (uint64_t seed = 101; seed <= 160; seed++) {
        struct built b;

        world_init(seed, seed % 2 ? KIND_HEALTHY : KIND_HEALTHY | KIND_SMALL);
        if (seed % 2 == 0)
            world_make_busy();
        b = build();
        for (unsigned k = 0; k < 100; k++) {
            struct question q = random_question(&w.dice);
            unsigned first = first_of(&b, q);

            for (unsigned i = 0; first < w.n && i < w.n; i++)
                SAY(!is_full(first) || !can(i, &q) || is_full(i), "s%u is full and s%u is not", AT,
                    first, i);
        }
        built_fini(&b);
        world_fini();
    }
}
END_TEST

static void keeps_winning(struct built *b, struct question q, unsigned first, const char *how)
{
    unsigned now = first_of(b, q);

    SAY(now == first, "%s, s%u lost to s%u", AT, how, first, now);
    built_fini(b);
}

static void nearer_never_loses(const struct built *b, struct question q, unsigned first)
{
    unsigned pid = (addr_v4(q.client) - (UINT32_C(10) << 24)) >> 12;
    double *cost = &w.costs[0][pid * w.pids + first], before = *cost;
    struct built nearer;

    /* What the client's own streamer fetches from there would be nearer, too. */
    if (pid < w.n && w.s[pid].origin_pid.n && (unsigned)atoi(w.names[pid].origin + 1) == first)
        return;
    *cost = isnan(before) ? dice_below(&w.dice, 100) : before * dice_unit(&w.dice);
    world_maps_drop();
    nearer = build();
    /* the map's own scale stays */
    ((struct view_service *)(uintptr_t)nearer.v->services)[q.service].cost_unit =
        b->v->services[q.service].cost_unit;
    keeps_winning(&nearer, q, first, "nearer");
    *cost = before;
    world_maps_drop();
}

static void idler_never_loses(struct question q, unsigned first)
{
    uint32_t sessions = w.sessions[first];
    float scale = w.scale[first];
    struct built b;

    w.sessions[first] = dice_below(&w.dice, sessions + 1);
    b = build();
    keeps_winning(&b, q, first, "idler");
    w.sessions[first] = sessions;
    w.scale[first] *= (float)(0.1 + 0.9 * dice_unit(&w.dice));
    b = build();
    keeps_winning(&b, q, first, "counted for less");
    w.scale[first] = scale;
}

/* Nor when it has, or is believed to have, more contents. */
static void richer_never_loses(struct question q, unsigned first)
{
    uint64_t remembered = w.remembered[first];
    uint16_t known_pm = w.known_pm[first];
    struct built b;

    w.remembered[first] = UINT64_MAX;
    b = build();
    keeps_winning(&b, q, first, "with more in it");
    w.known_pm[first] = 1000;
    b = build();
    keeps_winning(&b, q, first, "known for more");
    w.remembered[first] = remembered;
    w.known_pm[first] = known_pm;
}

/* The winner stays the winner when it gets nearer, or less loaded. */
START_TEST(better_never_loses)
{
    for (uint64_t seed = 201; seed <= 260; seed++) {
        struct built b;

        world_init(seed, KIND_APART | KIND_SMALL);
        b = build();
        for (unsigned k = 0; k < 15; k++) {
            struct question q = random_question(&w.dice);
            unsigned first = first_of(&b, q);

            if (first == w.n)
                continue;
            if (addr_v4(q.client) != 1)
                nearer_never_loses(&b, q, first);
            idler_never_loses(q, first);
            richer_never_loses(q, first);
        }
        built_fini(&b);
        world_fini();
    }
}
END_TEST

static struct question flat_question(unsigned k)
{
    return (struct question){.client = fixture_client(0),
                             .content = k % 4 ? dice_next(&w.dice) : w.content[k / 4 % CONTENTS],
                             .ring = dice_unit(&w.dice) * 0x1p128,
                             .want = 1};
}

/* Equal costs: when one of n leaves, by configuration or by its probes, only its own contents move.
 */
START_TEST(one_leaves)
{
    for (uint64_t seed = 301; seed <= 330; seed++) {
        struct built all, less, down;
        unsigned gone, moved = 0;

        world_init(seed, KIND_FLAT);
        gone = dice_below(&w.dice, w.n);
        all = build();
        less = build_less(NULL, gone);
        w.v4[gone] = w.v6[gone] = HEALTH_DOWN;
        down = build();
        for (unsigned k = 0; k < 500; k++) {
            struct question q = flat_question(k);
            unsigned before = first_of(&all, q), after = first_of(&less, q);

            moved += before == gone;
            SAY(after == first_of(&down, q), "down is not the same as gone", AT);
            SAY(before == gone ? after != gone : after == before, "s%u moved to s%u", AT, before,
                after);
        }
        ck_assert(moved > 0 || w.n > 50 || w.s[gone].weight < w.s[gone ? 0 : 1].weight);
        built_fini(&all);
        built_fini(&less);
        built_fini(&down);
        world_fini();
    }
}
END_TEST

START_TEST(a_weight_changes)
{
    for (uint64_t seed = 401; seed <= 430; seed++) {
        struct built before, after;
        unsigned changed;
        bool up;

        world_init(seed, KIND_FLAT);
        if (seed % 3 == 0)
            for (unsigned i = 0; i < w.n; i++)
                w.s[i].weight =
                    w.s[0].weight; /* the way without logarithms, and from it to the other */
        changed = dice_below(&w.dice, w.n);
        before = build();
        up = dice_below(&w.dice, 2);
        w.s[changed].weight *= up ? 1.5 : 0.5;
        after = build();
        for (unsigned k = 0; k < 500; k++) {
            struct question q = flat_question(k);
            unsigned x = first_of(&before, q), y = first_of(&after, q);

            SAY(x == y || (up ? y : x) == changed, "s%u moved to s%u", AT, x, y);
        }
        built_fini(&before);
        built_fini(&after);
        world_fini();
    }
}
END_TEST

START_TEST(shares_are_as_weights)
{
    unsigned got[4] = {0};
    struct built b;

    world_init(1, KIND_FLAT | KIND_SMALL);
    w.policy = fixture_policy;
    w.n = 4;
    for (unsigned i = 0; i < 4; i++) {
        w.s[i] = fixture_streamer(&w.names[i], i, 0);
        w.s[i].weight = i + 1;
    }
    b = build();
    for (unsigned k = 0; k < 20000; k++) {
        struct question q = {.client = fixture_client(0), .content = k, .want = 1};

        got[first_of(&b, q)]++;
    }
    for (unsigned i = 0; i < 4; i++)
        ck_assert_msg(abs((int)got[i] - 2000 * (int)(i + 1)) < 250, "s%u: %u", i, got[i]);
    built_fini(&b);
    world_fini();
}
END_TEST

static void same_answers(const struct built *a, const struct built *b, struct question q,
                         const char *what)
{
    struct decision x, y;

    decide(a->v, a->live, &q, &x);
    decide(b->v, b->live, &q, &y);
    SAY(x.count == y.count && x.why == y.why && x.owners == y.owners,
        "%s: %u choices by %s, then %u by %s", AT, what, x.count, why_name(x.why), y.count,
        why_name(y.why));
    for (unsigned c = 0; c < x.count; c++)
        SAY(str_eq(name_of(a, x.choice[c].streamer), name_of(b, y.choice[c].streamer)),
            "%s: choice %u is %s, then %s", AT, what, c, name_of(a, x.choice[c].streamer).p,
            name_of(b, y.choice[c].streamer).p);
}

START_TEST(order_of_configuration)
{
    for (uint64_t seed = 501; seed <= 540; seed++) {
        static unsigned order[STREAMERS];
        struct built a, b;

        world_init(seed, KIND_ANY);
        for (unsigned i = 0; i < w.n; i++) {
            unsigned j = dice_below(&w.dice, i + 1);

            order[i] = order[j];
            order[j] = i;
        }
        a = build();
        b = build_less(order, UINT_MAX);
        for (unsigned k = 0; k < 100; k++)
            same_answers(&a, &b, random_question(&w.dice), "in another order");
        built_fini(&a);
        built_fini(&b);
        world_fini();
    }
}
END_TEST

static void scale_costs(size_t pair, double factor)
{
    for (unsigned m = 0; m < MAPS && w.costs[m]; m++)
        w.costs[m][pair] *= factor;
}

/* By a power of two nothing at all changes; by others, where sums round elsewhere, the first choice
 * does not. */
START_TEST(scaled_costs)
{
    for (uint64_t seed = 601; seed <= 640; seed++) {
        static const double factors[] = {0.25, 1024, 10, 0.001, 7.3};
        double factor = factors[seed % 5];
        struct built a, b;

        world_init(seed, KIND_ANY);
        a = build();
        world_maps_drop();
        for (size_t i = 0; i < (size_t)w.pids * w.pids; i++)
            scale_costs(i, factor);
        b = build();
        for (unsigned k = 0; k < 100; k++) {
            struct question q = random_question(&w.dice);

            if (seed % 5 > 1)
                q.want = 1;
            same_answers(&a, &b, q, "scaled");
        }
        built_fini(&a);
        built_fini(&b);
        world_fini();
    }
}
END_TEST

START_TEST(ordinal_is_ranks_alone)
{
    for (uint64_t seed = 701; seed <= 740; seed++) {
        struct built a, b;

        world_init(seed, KIND_ANY);
        w.mode = COST_ORDINAL;
        a = build();
        world_maps_drop();
        for (size_t i = 0; i < (size_t)w.pids * w.pids; i++)
            for (unsigned m = 0; m < MAPS && w.costs[m]; m++)
                w.costs[m][i] = w.costs[m][i] * w.costs[m][i] * 3 + 2 * w.costs[m][i] + 17;
        b = build();
        for (unsigned k = 0; k < 100; k++)
            same_answers(&a, &b, random_question(&w.dice), "other numbers, same ranks");
        built_fini(&a);
        built_fini(&b);
        world_fini();
    }
}
END_TEST

/* While somebody with a known cost is healthy and below every cap, the first choice is known. */
START_TEST(unknown_is_worst)
{
    unsigned seen = 0;

    for (uint64_t seed = 801; seed <= 860; seed++) {
        struct built b;

        world_init(seed, KIND_HEALTHY);
        b = build();
        for (unsigned k = 0; k < 100; k++) {
            struct question q = random_question(&w.dice);
            struct decision d;

            decide(b.v, b.live, &q, &d);
            if (d.count == 0 || !isnan(d.choice[0].score))
                continue;
            seen++;
            for (unsigned i = 0; i < w.n; i++) {
                const struct view_streamer *s =
                    &b.v->streamers[view_find_streamer(b.v, w.s[i].name)];
                bool known = !isnan(reference_cost(b.v, d.pid, s->pid)) &&
                             (!isnan(reference_origin(b.v, s)) || w.s[i].hit_pm == 1000);

                SAY(!can(i, &q) || !known || load(i) > w.policy.balance_from,
                    "s%u is known, and the first choice is not", AT, i);
            }
        }
        built_fini(&b);
        world_fini();
    }
    ck_assert_uint_gt(seen, 20);
}
END_TEST

/* Draining one moves none but its own contents, and those only where it does not own them. */
START_TEST(drain_moves_only_its_own)
{
    unsigned kept = 0, left = 0;

    for (uint64_t seed = 901; seed <= 960; seed++) {
        struct built a, b;
        unsigned drained;

        world_init(seed, seed % 2 ? KIND_ANY : KIND_HEALTHY | KIND_SMALL);
        drained = dice_below(&w.dice, w.n);
        if (w.admin[drained] != ADMIN_UP)
            w.admin[drained] = ADMIN_UP;
        a = build();
        w.admin[drained] = ADMIN_DRAIN;
        b = build();
        for (unsigned k = 0; k < 200; k++) {
            struct question q = random_question(&w.dice);
            unsigned before = first_of(&a, q), after = first_of(&b, q);

            if (before == drained) {
                kept += after == drained;
                left += after != drained;
            } else {
                SAY(before == after, "s%u drains, s%u moved to s%u", AT, drained, before, after);
            }
        }
        built_fini(&a);
        built_fini(&b);
        world_fini();
    }
    ck_assert_uint_gt(kept, 0);
    ck_assert_uint_gt(left, kept); /* it does drain */
}
END_TEST

START_TEST(logarithm)
{
    struct dice d = {.state = 99};

    ck_assert_double_eq_tol(rendezvous_minus_ln(0), 53 * log(2), 1e-8);
    ck_assert(rendezvous_minus_ln(UINT64_MAX) > 0);
    for (unsigned i = 0; i < 100000; i++) {
        uint64_t x = dice_next(&d) >> dice_below(&d, 50);
        double exact = -log(((double)(x >> 12) + 0.5) * 0x1p-52);

        ck_assert_double_eq_tol(rendezvous_minus_ln(x) / exact, 1, 1e-9);
    }
}
END_TEST

static Suite *properties_suite(void)
{
    Suite *s = suite_create("decide_properties");
    TCase *t = tcase_create("invariants");

    tcase_set_timeout(t, 120);
    tcase_add_test(t, healthy_first_and_never_empty);
    tcase_add_test(t, nobody_full_while_another_is_not);
    tcase_add_test(t, better_never_loses);
    tcase_add_test(t, one_leaves);
    tcase_add_test(t, a_weight_changes);
    tcase_add_test(t, shares_are_as_weights);
    tcase_add_test(t, order_of_configuration);
    tcase_add_test(t, scaled_costs);
    tcase_add_test(t, ordinal_is_ranks_alone);
    tcase_add_test(t, unknown_is_worst);
    tcase_add_test(t, drain_moves_only_its_own);
    tcase_add_test(t, logarithm);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    SRunner *r = srunner_create(properties_suite());
    int failed;

    log_setup(LOG_LEVEL_ERROR,
              LOG_FORMAT_LOGFMT); /* of streamers that are nowhere there are many */
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
