/* The invariants of the decision, over random worlds. A failure names the seed of its world. */
#include "router/decide.h"

#include <limits.h>

#include "base/log.h"
#include "router/rendezvous.h"
#include "tests/view_fixture.h"

#define STREAMERS 300
#define PIDS      500

/* What a view and its live words are made of, so that a variation can be built from it. */
struct world {
    uint64_t seed;
    struct dice dice;
    uint32_t pids;
    double *costs; /* [pids][pids] */
    enum cost_mode mode;
    unsigned n;
    struct fixture_names names[STREAMERS];
    struct streamer_conf s[STREAMERS];
    uint32_t sessions[STREAMERS];
    enum health v4[STREAMERS], v6[STREAMERS];
    enum admin_state admin[STREAMERS];
    struct policy_conf policy;
};

enum kind {
    KIND_ANY = 0,
    KIND_HEALTHY = 1, /* everybody is up */
    KIND_FLAT = 2,    /* all costs equal, nobody loaded, everybody can everything */
    KIND_APART = 4,   /* a PID for each streamer, none twice */
    KIND_SMALL = 8,
};

static struct world w;

static uint32_t pick_size(struct dice *d, uint32_t max, unsigned kind)
{
    uint32_t small = max < 24 ? max : 24;

    return 2 + dice_below(d, (kind & KIND_SMALL) || dice_below(d, 4) ? small - 1 : max - 1);
}

static void world_costs(struct dice *d, unsigned kind)
{
    unsigned holes = dice_below(d, 3) ? 0 : dice_below(d, 60);
    uint32_t most = dice_below(d, 2) ? 20 : 1000; /* few values: many ties */

    w.costs = calloc((size_t)w.pids * w.pids, sizeof *w.costs);
    for (size_t i = 0; i < (size_t)w.pids * w.pids; i++)
        w.costs[i] = kind & KIND_FLAT             ? 5
                     : dice_below(d, 100) < holes ? (double)NAN
                                                  : dice_below(d, most);
}

static void world_streamer(struct dice *d, unsigned i, unsigned kind)
{
    static const uint16_t hits[] = {0, 500, 900, 1000};
    bool troubled = !(kind & (KIND_HEALTHY | KIND_FLAT)) && dice_below(d, 2);
    struct streamer_conf *s = &w.s[i];

    *s = fixture_streamer(&w.names[i], i,
                          kind & KIND_APART                       ? (int)i
                          : dice_below(d, 50) || kind & KIND_FLAT ? (int)dice_below(d, w.pids)
                                                                  : -1);
    s->weight = dice_below(d, 3) ? 1 : 0.25 + 4 * dice_unit(d);
    if (kind & KIND_FLAT)
        return;
    if (dice_below(d, 8) == 0)
        s->can = (uint8_t)(1 + dice_below(d, 15));
    if (!(s->can & (STREAMER_V4 | STREAMER_V6)))
        s->can |= STREAMER_V4;
    s->capacity = dice_below(d, 10) ? 1 + dice_below(d, 1000) : 0;
    w.sessions[i] = (uint32_t)(dice_unit(d) * (dice_below(d, 8) ? 0.95 : 1.5) *
                               (s->capacity > 0 ? s->capacity : 1000));
    s->hit_pm = hits[dice_below(d, 4)];
    if (dice_below(d, 2)) {
        snprintf(w.names[i].origin, sizeof w.names[i].origin, "p%u", dice_below(d, w.pids));
        s->origin_pid = str_from(w.names[i].origin);
    }
    if (troubled) {
        w.v4[i] = (enum health)dice_below(d, 3);
        w.v6[i] = (enum health)dice_below(d, 3);
        w.admin[i] = dice_below(d, 4) ? ADMIN_UP : (enum admin_state)dice_below(d, 4);
    }
}

static void world_init(uint64_t seed, unsigned kind)
{
    struct dice *d = &w.dice;

    memset(&w, 0, sizeof w);
    w.seed = seed;
    d->state = hash_mix(seed, 1) | 1;
    w.n = pick_size(d, STREAMERS, kind);
    w.pids = pick_size(d, PIDS, kind);
    if (kind & KIND_APART && w.pids < w.n)
        w.pids = w.n;
    w.mode = COST_NUMERICAL;
    world_costs(d, kind);
    w.policy = fixture_policy;
    if (dice_below(d, 2)) {
        w.policy.band = dice_below(d, 3) ? dice_unit(d) : 0;
        w.policy.eps = dice_unit(d);
        w.policy.balance_from = dice_unit(d);
        w.policy.load_weight = 2 * dice_unit(d);
        w.policy.origin_weight = 2 * dice_unit(d);
        w.policy.cost_weight = dice_below(d, 5) ? 2 * dice_unit(d) : 0;
    }
    for (unsigned i = 0; i < w.n; i++)
        world_streamer(d, i, kind);
}

static void world_fini(void)
{
    free(w.costs);
}

struct built {
    struct live *live;
    struct view *v;
};

/* The world as it is now, in this order of configuration (NULL: as it comes), less one streamer. */
static struct built build_less(const unsigned *order, unsigned less)
{
    static struct streamer_conf s[STREAMERS];
    struct fixture_maps maps = fixture_maps(w.pids, w.costs, w.mode);
    struct built b = {.live = live_new()};
    unsigned n = 0;

    for (unsigned i = 0; i < w.n; i++)
        if ((order ? order[i] : i) != less)
            s[n++] = w.s[order ? order[i] : i];
    b.v = fixture_view(&maps, s, n, &w.policy, b.live);
    fixture_maps_drop(&maps);
    for (unsigned i = 0; i < w.n; i++) {
        sidx at = view_find_streamer(b.v, w.s[i].name);
        lidx slot;

        if (at == SIDX_NONE)
            continue;
        slot = b.v->streamers[at].live;
        live_health_set(b.live, slot, false, w.v4[i]);
        live_health_set(b.live, slot, true, w.v6[i]);
        live_admin_set(b.live, slot, w.admin[i]);
        live_dispatch(b.live, slot, w.sessions[i]);
    }
    return b;
}

static struct built build(void)
{
    return build_less(NULL, UINT_MAX);
}

static void built_fini(struct built *b)
{
    view_drop(b->v);
    live_free(b->live);
}

static struct question random_question(struct dice *d)
{
    static const uint8_t needs[] = {0,
                                    STREAMER_V4,
                                    STREAMER_V6,
                                    STREAMER_HTTP,
                                    STREAMER_V4 | STREAMER_HTTP,
                                    STREAMER_V4 | STREAMER_V6};
    struct question q = {.content = dice_next(d),
                         .need = needs[dice_below(d, 6)],
                         .want = (uint8_t)(1 + dice_below(d, DECISION_MAX))};

    if (dice_below(d, 3) == 0) {
        q.need &= (uint8_t) ~(STREAMER_V4 | STREAMER_V6);
        q.need_any = STREAMER_V4 | STREAMER_V6;
    }
    q.client = dice_below(d, 20) ? fixture_client(dice_below(d, w.pids)) : addr_from_v4(1);
    return q;
}

static struct str name_of(const struct built *b, sidx i)
{
    return b->v->streamers[i].conf->name;
}

/* Index in the world; w.n when there is none. */
static unsigned first_of(const struct built *b, struct question q)
{
    struct decision d;

    decide(b->v, b->live, &q, &d);
    return d.count ? (unsigned)atoi(name_of(b, d.choice[0].streamer).p + 1) : w.n;
}

static bool can(unsigned i, const struct question *q)
{
    return (w.s[i].can & q->need) == q->need && (!q->need_any || (w.s[i].can & q->need_any));
}

/* Usable, said again from the words of decide.h. */
static enum usable usable(unsigned i, const struct question *q)
{
    unsigned all = q->need & 3, any = q->need_any & 3;
    health_word word = (health_word)(w.v4[i] | w.v6[i] << 2 | w.admin[i] << 4);
    enum usable worst = USABLE_YES, best = USABLE_NO;

    for (unsigned f = 0; f < 2; f++) {
        enum usable u = live_usable(word, f == 1);

        if (all & 1u << f && u < worst)
            worst = u;
        if ((any ? any : 3u) & w.s[i].can & 1u << f && u > best)
            best = u;
    }
    return all ? worst : best;
}

static double load(unsigned i)
{
    return w.s[i].capacity > 0 ? w.sessions[i] / w.s[i].capacity : 0;
}

static bool is_full(unsigned i)
{
    return w.s[i].capacity > 0 && w.sessions[i] >= w.s[i].capacity;
}

#define SAY(cond, ...) ck_assert_msg(cond, "seed %ju, content %ju: " __VA_ARGS__)
#define AT             (uintmax_t) w.seed, (uintmax_t)q.content

/* Never an unhealthy one while a healthy one is there; never one that is admin down; never nobody
 * while there is a candidate. */
START_TEST(healthy_first_and_never_empty)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct built b;

        world_init(seed, KIND_ANY);
        b = build();
        for (unsigned k = 0; k < 100; k++) {
            struct question q = random_question(&w.dice);
            bool some_usable = false, some = false;
            struct decision d;

            for (unsigned i = 0; i < w.n; i++) {
                if (!can(i, &q) || (w.admin[i] == ADMIN_DOWN))
                    continue;
                some = true;
                some_usable |= usable(i, &q) != USABLE_NO;
            }
            decide(b.v, b.live, &q, &d);
            SAY((d.count > 0) == some, "%u choices", AT, d.count);
            for (unsigned c = 0; c < d.count; c++) {
                unsigned i = (unsigned)atoi(name_of(&b, d.choice[c].streamer).p + 1);

                SAY(can(i, &q), "s%u cannot", AT, i);
                SAY(w.admin[i] != ADMIN_DOWN, "s%u is admin down", AT, i);
                SAY(!some_usable || usable(i, &q) != USABLE_NO, "s%u is down", AT, i);
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

/* The winner stays the winner when it gets nearer, or less loaded. */
START_TEST(better_never_loses)
{
    for (uint64_t seed = 201; seed <= 230; seed++) {
        struct built b;

        world_init(seed, KIND_APART | KIND_SMALL);
        b = build();
        for (unsigned k = 0; k < 20; k++) {
            struct question q = random_question(&w.dice);
            unsigned first = first_of(&b, q), pid;
            struct built nearer, idler;
            uint32_t sessions;
            double *cost, before;

            if (first == w.n || addr_v4(q.client) == 1)
                continue;
            pid = (addr_v4(q.client) - (UINT32_C(10) << 24)) >> 12;
            cost = &w.costs[pid * w.pids + first];
            before = *cost;
            *cost = isnan(before) ? dice_below(&w.dice, 100) : before * dice_unit(&w.dice);
            nearer = build();
            /* the map's own scale stays */
            ((struct view_service *)(uintptr_t)nearer.v->services)[q.service].cost_unit =
                b.v->services[q.service].cost_unit;
            SAY(first_of(&nearer, q) == first, "nearer, s%u lost to s%u", AT, first,
                first_of(&nearer, q));
            built_fini(&nearer);
            *cost = before;
            sessions = w.sessions[first];
            w.sessions[first] = dice_below(&w.dice, sessions + 1);
            idler = build();
            SAY(first_of(&idler, q) == first, "idler, s%u lost to s%u", AT, first,
                first_of(&idler, q));
            built_fini(&idler);
            w.sessions[first] = sessions;
        }
        built_fini(&b);
        world_fini();
    }
}
END_TEST

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
            struct question q = {
                .client = fixture_client(0), .content = dice_next(&w.dice), .want = 1};
            unsigned before = first_of(&all, q), after = first_of(&less, q);

            moved += before == gone;
            SAY(after == first_of(&down, q), "down is not the same as gone", AT);
            SAY(before == gone ? after != gone : after == before, "s%u moved to s%u", AT, before,
                after);
        }
        ck_assert(moved > 0 || w.n > 50 || w.s[gone].weight < 1);
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
                w.s[i].weight = 1; /* the way without logarithms, and from it to the other */
        changed = dice_below(&w.dice, w.n);
        before = build();
        up = dice_below(&w.dice, 2);
        w.s[changed].weight *= up ? 1.5 : 0.5;
        after = build();
        for (unsigned k = 0; k < 500; k++) {
            struct question q = {
                .client = fixture_client(0), .content = dice_next(&w.dice), .want = 1};
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
    SAY(x.count == y.count && x.why == y.why, "%s: %u choices by %s, then %u by %s", AT, what,
        x.count, why_name(x.why), y.count, why_name(y.why));
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
        for (size_t i = 0; i < (size_t)w.pids * w.pids; i++)
            w.costs[i] *= factor;
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
        for (size_t i = 0; i < (size_t)w.pids * w.pids; i++)
            w.costs[i] = w.costs[i] * w.costs[i] * 3 + 2 * w.costs[i] + 17;
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
                bool known = d.pid != PIDX_NONE && s->pid != PIDX_NONE &&
                             !isnan(costmap_get(b.v->costmap, d.pid, s->pid)) &&
                             (!isnan(s->origin_cost) || w.s[i].hit_pm == 1000);

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

static bool same_number(float a, float b)
{
    return isnan(a) ? isnan(b) : a == b;
}

/* The scan that ends early says what the scan of all says, in every field. */
START_TEST(early_end_is_the_full_scan)
{
    static struct trace_row rows[STREAMERS_MAX];

    for (uint64_t seed = 1001; seed <= 1120; seed++) {
        struct built b;

        world_init(seed, seed % 3 ? KIND_ANY : KIND_HEALTHY);
        b = build();
        if (seed % 2)
            view_fold(b.v, b.live);
        for (unsigned k = 0; k < 100; k++) {
            struct question q = random_question(&w.dice);
            struct decision x, y;
            size_t count;

            if (k % 2) /* which has a short way of its own */
                q.want = 1;
            decide(b.v, b.live, &q, &x);
            decide_traced(b.v, b.live, &q, &y, rows, &count);
            SAY(count == w.n, "%zu traced of %u", AT, count, w.n);
            SAY(x.count == y.count && x.why == y.why && x.pid == y.pid && x.scope == y.scope,
                "%u by %s, traced %u by %s", AT, x.count, why_name(x.why), y.count,
                why_name(y.why));
            for (unsigned c = 0; c < x.count; c++) {
                SAY(x.choice[c].streamer == y.choice[c].streamer &&
                        x.choice[c].why == y.choice[c].why &&
                        same_number(x.choice[c].cost, y.choice[c].cost) &&
                        same_number(x.choice[c].origin, y.choice[c].origin) &&
                        same_number(x.choice[c].load, y.choice[c].load) &&
                        same_number(x.choice[c].score, y.choice[c].score),
                    "choice %u: s%u by %s, traced s%u by %s", AT, c, x.choice[c].streamer,
                    why_name(x.choice[c].why), y.choice[c].streamer, why_name(y.choice[c].why));
                SAY(rows[c].rank == c + 1 && rows[c].choice.streamer == x.choice[c].streamer,
                    "row %u has rank %u", AT, c, rows[c].rank);
            }
        }
        built_fini(&b);
        world_fini();
    }
}
END_TEST

/* The reference: decide.h's words once more, over all streamers, without a thought for speed. */
struct judged {
    unsigned i;
    unsigned standing, tier;
    bool unknown, in_band;
    double score, pull;
};

static double reference_pull(unsigned i, uint64_t content)
{
    return rendezvous_minus_ln(hash_mix(content, hash_content(w.s[i].name.p, w.s[i].name.n))) /
           w.s[i].weight;
}

static double reference_cap(void)
{
    double sessions = 0, capacity = 0, cap;

    for (unsigned i = 0; i < w.n; i++) {
        struct question any = {.need_any = 0};

        if (w.s[i].capacity > 0 && usable(i, &any) != USABLE_NO) {
            sessions += w.sessions[i];
            capacity += w.s[i].capacity;
        }
    }
    cap = capacity > 0 ? (1 + w.policy.eps) * sessions / capacity : 0;
    cap = cap > w.policy.balance_from ? cap : w.policy.balance_from;
    return cap < 1 ? cap : 1;
}

static bool reference_owner(unsigned i, uint64_t content)
{
    for (unsigned o = 0; o < w.n; o++)
        if (reference_pull(o, content) < reference_pull(i, content))
            return false;
    return true;
}

static struct judged judge(const struct built *b, const struct decision *d, unsigned i,
                           const struct question *q)
{
    const struct view_streamer *s = &b->v->streamers[view_find_streamer(b->v, w.s[i].name)];
    struct judged j = {.i = i};
    double cost = d->pid == PIDX_NONE || s->pid == PIDX_NONE
                      ? (double)NAN
                      : costmap_get(b->v->costmap, d->pid, s->pid);
    double origin =
        w.s[i].hit_pm == 1000 || w.policy.origin_weight <= 0
            ? 0
            : w.policy.origin_weight * (1000 - w.s[i].hit_pm) / 1000.0 * (double)s->origin_cost;

    if (!can(i, q) || w.admin[i] == ADMIN_DOWN)
        j.standing = 3;
    else if (usable(i, q) == USABLE_NO)
        j.standing = 2;
    else if (usable(i, q) == USABLE_OWNED && !reference_owner(i, q->content))
        j.standing = 1;
    j.tier = is_full(i) ? 2 : load(i) > reference_cap() * (1 + 1e-12) ? 1 : 0;
    j.unknown = isnan(cost) || isnan(origin);
    j.score = (isnan(cost) ? 0 : w.policy.cost_weight * cost) + (isnan(origin) ? 0 : origin) +
              w.policy.load_weight * b->v->services[q->service].cost_unit * decide_penalty(load(i));
    j.pull = reference_pull(i, q->content);
    return j;
}

/* The edge of the band among those of these standings, and the class that it is in. */
static double reference_edge(const struct judged *all, unsigned standing, double unit,
                             unsigned *class)
{
    double best = 0;

    *class = 99;
    for (unsigned i = 0; i < w.n; i++) {
        unsigned c = all[i].tier * 2 + all[i].unknown;

        if (all[i].standing <= standing && (c < *class || (c == *class && all[i].score < best))) {
            *class = c;
            best = all[i].score;
        }
    }
    return (best + w.policy.band * (best > unit / 10 ? best : unit / 10)) * (1 + 1e-6);
}

static unsigned reference_band(struct judged *all, unsigned standing, unsigned edge_standing,
                               double unit)
{
    unsigned class, n = 0;
    double edge = reference_edge(all, edge_standing, unit, &class);

    for (unsigned i = 0; i < w.n; i++) {
        all[i].in_band = all[i].standing == standing && all[i].tier * 2 + all[i].unknown == class &&
                         all[i].score <= edge;
        n += all[i].in_band;
    }
    return n;
}

static unsigned reference_first(const struct built *b, const struct decision *d,
                                const struct question *q)
{
    static struct judged all[STREAMERS];
    unsigned standing = 3, best = w.n;

    for (unsigned i = 0; i < w.n; i++) {
        all[i] = judge(b, d, i, q);
        if (all[i].standing < standing)
            standing = all[i].standing;
    }
    if (standing == 3)
        return w.n;
    if (standing > 0 || reference_band(all, 0, 1, b->v->services[q->service].cost_unit) == 0)
        (void)reference_band(all, standing, standing, b->v->services[q->service].cost_unit);
    for (unsigned i = 0; i < w.n; i++)
        if (all[i].in_band && (best == w.n || all[i].pull < all[best].pull))
            best = i;
    return best;
}

START_TEST(equals_the_reference)
{
    unsigned asked = 0;

    for (uint64_t seed = 1201; seed <= 1280; seed++) {
        struct built b;

        world_init(seed, seed % 2 ? KIND_ANY : KIND_SMALL);
        b = build();
        for (unsigned k = 0; k < 60; k++) {
            struct question q = random_question(&w.dice);
            struct decision d;
            unsigned first, want;

            decide(b.v, b.live, &q, &d);
            first = d.count ? (unsigned)atoi(name_of(&b, d.choice[0].streamer).p + 1) : w.n;
            want = reference_first(&b, &d, &q);
            SAY(first == want, "s%u, the reference says s%u", AT, first, want);
            asked++;
        }
        built_fini(&b);
        world_fini();
    }
    ck_assert_uint_gt(asked, 1000);
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
    tcase_add_test(t, early_end_is_the_full_scan);
    tcase_add_test(t, equals_the_reference);
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
