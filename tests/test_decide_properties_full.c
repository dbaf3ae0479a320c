/* The decision is what its header says: the scan that ends early and the short way say what the
 * scan of all says, and that is what a reference says, over random worlds with all terms on. */
#include "router/decide.h"

#include "tests/decide_world.h"

static bool same_number(float a, float b)
{
    return isnan(a) ? isnan(b) : a == b;
}

static bool same_choice(const struct choice *x, const struct choice *y)
{
    return x->streamer == y->streamer && x->why == y->why && x->known == y->known &&
           same_number(x->cost, y->cost) && same_number(x->origin, y->origin) &&
           same_number(x->load, y->load) && same_number(x->score, y->score) &&
           same_number(x->hit, y->hit);
}

/* Something changes between two folds. */
static void poke(const struct built *b)
{
    lidx slot = b->v->streamers[dice_below(&w.dice, b->v->streamer_count)].live;

    switch (dice_below(&w.dice, 5)) {
    case 0:
        live_poll(b->live, slot, dice_below(&w.dice, 1000), dice_below(&w.dice, 100000), 600);
        break;
    case 1:
        live_scale_set(b->live, slot, (float)(0.1 + 2 * dice_unit(&w.dice)));
        break;
    case 2:
        live_hit_set(b->live, slot, dice_below(&w.dice, 1001));
        break;
    case 3:
        live_dispatch(b->live, slot, dice_below(&w.dice, 100));
        break;
    default:
        live_fold(b->live, slot, 100, 600);
    }
}

/* The scan that ends early says what the scan of all says, in every field. */
START_TEST(early_end_is_the_full_scan)
{
    static struct trace_row rows[STREAMERS_MAX];

    for (uint64_t seed = 1001; seed <= 1140; seed++) {
        struct built b;

        world_init(seed, seed % 3 ? KIND_ANY : KIND_HEALTHY);
        b = build();
        if (seed % 2)
            view_fold(b.v, b.live);
        for (unsigned k = 0; k < 100; k++) {
            struct question q = random_question(&w.dice);
            struct decision x, y;
            size_t count;

            if (seed % 4 == 1 && k % 8 == 0)
                poke(&b);
            if (k % 2) /* which has a short way of its own */
                q.want = 1;
            decide(b.v, b.live, &q, &x);
            decide_traced(b.v, b.live, &q, &y, rows, &count);
            SAY(count == w.n, "%zu traced of %u", AT, count, w.n);
            SAY(x.count == y.count && x.why == y.why && x.pid == y.pid && x.scope == y.scope &&
                    x.owners == y.owners,
                "%u by %s, traced %u by %s", AT, x.count, why_name(x.why), y.count,
                why_name(y.why));
            for (unsigned c = 0; c < x.count; c++) {
                SAY(same_choice(&x.choice[c], &y.choice[c]),
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
    unsigned standing, edge, class;
    bool in_band, owner;
    double score, pull;
};

static double reference_cap(void)
{
    double sessions = 0, capacity = 0, cap;

    for (unsigned i = 0; i < w.n; i++) {
        struct question any = {.need_any = 0};

        if (w.s[i].capacity > 0 && usable(i, w.admin[i], &any) != USABLE_NO) {
            sessions += w.sessions[i] * (double)w.scale[i];
            capacity += w.s[i].capacity;
        }
    }
    cap = capacity > 0 ? (1 + w.policy.eps) * sessions / capacity : 0;
    if (capacity > 0 && cap > (1 + sessions / capacity) / 2)
        cap = (1 + sessions / capacity) / 2;
    cap = cap > w.policy.balance_from ? cap : w.policy.balance_from;
    return cap < 1 ? cap : 1;
}

static lidx live_of(const struct built *b, unsigned i)
{
    return b->v->streamers[view_find_streamer(b->v, w.s[i].name)].live;
}

/* w.n: nowhere */
static unsigned reference_home(const struct built *b, const struct question *q)
{
    unsigned home = w.n;

    if (w.n > 128 || w.policy.hash == HASH_TRAFFIC_ROUTER)
        return w.n;
    for (unsigned i = 0; i < w.n; i++)
        if (cache_memory_has(b->memory, q->content, live_of(b, i)))
            return w.n;
    for (unsigned i = 0; i < w.n; i++) {
        unsigned edge;

        (void)reference_standing(i, q, &edge);
        if (edge == 0 && (home == w.n || reference_pull(i, q) < reference_pull(home, q)))
            home = i;
    }
    if (home < w.n && q->digest_key && w.digest[home] &&
        !digest_live_has(world_digests[w.digest[home] - 1], q->digest_key))
        return w.n; /* it says itself that it has not */
    return home;
}

static double reference_hit(const struct built *b, unsigned i, const struct question *q,
                            unsigned home)
{
    lidx slot = live_of(b, i);
    int says = q->digest_key && w.digest[i]
                   ? digest_live_has(world_digests[w.digest[i] - 1], q->digest_key)
                   : -1;
    bool known = says < 0 ? cache_memory_has(b->memory, q->content, slot) : says;

    if (!known && i == home) {
        const int raised = w.s[i].hit_pm + (w.known_pm[i] - w.s[i].hit_pm) * 8 / 10;

        return raised / 1000.0;
    }
    return (known ? w.known_pm[i] : w.s[i].hit_pm) / 1000.0;
}

/* Of the world's contents those that are hot are asked for often, too: see built_live. */
static double reference_miss_weight(const struct built *b, const struct question *q)
{
    unsigned places = 0, often = 0;

    for (sidx i = 0; i < b->v->streamer_count; i++) {
        sidx o = 0;

        while (b->v->streamers[o].pid != b->v->streamers[i].pid)
            o++;
        places += o == i;
    }
    for (unsigned k = 0; k < CONTENTS; k++)
        if (w.owners[k] && q->content == w.content[k])
            often = w.owners[k] * 9u < HOT_OFTEN_MAX ? w.owners[k] * 9u : HOT_OFTEN_MAX;
    return w.policy.origin_weight / (1 + hot_times(often) / places);
}

static struct judged judge(const struct built *b, const struct decision *d, unsigned i,
                           const struct question *q, double miss_weight, unsigned home)
{
    const struct view_streamer *s = &b->v->streamers[view_find_streamer(b->v, w.s[i].name)];
    struct judged j = {.i = i};
    double cost = reference_cost(b->v, d->pid, s->pid);
    double hit = reference_hit(b, i, q, home);
    double origin = hit >= 1 || w.policy.origin_weight <= 0
                        ? 0
                        : miss_weight * (1 - hit) * reference_origin(b->v, s);
    unsigned tier = is_full(i) ? 2 : load(i) > reference_cap() * (1 + 1e-12) ? 1 : 0;

    j.standing = reference_standing(i, q, &j.edge);
    j.class = tier * 4 + (isnan(cost) ? 2 : 0) + (isnan(origin) ? 1 : 0);
    j.score = (isnan(cost) ? 0 : w.policy.cost_weight * cost) + (isnan(origin) ? 0 : origin) +
              w.policy.load_weight * b->v->services[0].cost_unit * decide_penalty(load(i));
    j.pull = reference_pull(i, q);
    return j;
}

static bool hangs(const struct judged *j, unsigned standing)
{
    return j->standing == standing || (j->standing == 2 && j->edge == standing);
}

/* Marks the first band, as if nobody drained, that somebody is in who does not. */
static void reference_band(struct judged *all, unsigned standing, double unit)
{
    unsigned last_class = 0, found = 0;
    double last_edge = -1;

    while (!found) {
        unsigned class = 99;
        double best = 0;

        for (unsigned i = 0; i < w.n; i++) {
            struct judged *j = &all[i];

            if (!hangs(j, standing) || j->class < last_class ||
                (j->class == last_class && j->score <= last_edge))
                continue;
            if (j->class < class || (j->class == class && j->score < best)) {
                class = j->class;
                best = j->score;
            }
        }
        last_class = class;
        last_edge = (best + w.policy.band * (best > unit / 10 ? best : unit / 10)) * (1 + 1e-6);
        for (unsigned i = 0; i < w.n; i++) {
            all[i].in_band =
                hangs(&all[i], standing) && all[i].class == class && all[i].score <= last_edge;
            found += all[i].in_band && all[i].standing == standing;
        }
    }
}

/* An owner is in the band, and fewer than so many of the band come before it by hash. */
static void reference_owners(struct judged *all, unsigned owners)
{
    for (unsigned i = 0; i < w.n; i++) {
        unsigned before = 0;

        for (unsigned o = 0; all[i].in_band && o < w.n; o++)
            before += all[o].in_band && all[o].pull < all[i].pull;
        all[i].owner = owners > 1 && all[i].in_band && before < owners;
    }
}

static int judged_cmp(const void *a, const void *b)
{
    const struct judged *x = a, *y = b;

    if (x->standing != y->standing)
        return x->standing < y->standing ? -1 : 1;
    if (x->class != y->class)
        return x->class < y->class ? -1 : 1;
    if (x->in_band != y->in_band)
        return x->in_band ? -1 : 1;
    if (x->owner != y->owner)
        return x->owner ? -1 : 1;
    if ((x->owner || !x->in_band) && x->score != y->score)
        return x->score < y->score ? -1 : 1;
    return (x->pull > y->pull) - (x->pull < y->pull);
}

static unsigned reference_owner_count(const struct question *q)
{
    unsigned n = 0;

    for (unsigned k = 0; k < CONTENTS; k++)
        if (q->content == w.content[k])
            n = w.owners[k];
    n = n < w.policy.owners_max ? n : w.policy.owners_max;
    n = n > w.policy.owners ? n : w.policy.owners;
    return n ? n : 1;
}

/* Best first; returns how many are in the answer. */
static unsigned reference_order(const struct built *b, const struct decision *d,
                                const struct question *q, struct judged *all)
{
    double miss_weight = reference_miss_weight(b, q);
    unsigned standing = 4, n = 0, home = reference_home(b, q);

    for (unsigned i = 0; i < w.n; i++) {
        all[i] = judge(b, d, i, q, miss_weight, home);
        if (all[i].standing < standing)
            standing = all[i].standing;
    }
    if (standing == 4)
        return 0;
    reference_band(all, standing, b->v->services[0].cost_unit);
    reference_owners(all, reference_owner_count(q));
    qsort(all, w.n, sizeof *all, judged_cmp);
    while (n < w.n && all[n].standing == standing)
        n++;
    return n;
}

START_TEST(equals_the_reference)
{
    static struct judged all[STREAMERS];
    unsigned asked = 0, with_owners = 0, at_home = 0;

    for (uint64_t seed = 1201; seed <= 1320; seed++) {
        struct built b;

        world_init(seed, seed % 2 ? KIND_ANY : KIND_SMALL);
        b = build();
        for (unsigned k = 0; k < (w.n > 200 ? 4 : 40); k++) {
            struct question q = random_question(&w.dice);
            struct decision d;
            unsigned n;

            decide(b.v, b.live, &q, &d);
            n = reference_order(&b, &d, &q, all);
            SAY(d.owners == reference_owner_count(&q), "%u owners", AT, d.owners);
            SAY(d.count == (n < q.want ? n : q.want), "%u choices of %u", AT, d.count, n);
            for (unsigned c = 0; c < d.count; c++) {
                unsigned i = number_of(b.v, d.choice[c].streamer);

                SAY(i == all[c].i, "choice %u is s%u, the reference says s%u", AT, c, i, all[c].i);
                with_owners += all[c].owner && c == 1;
                at_home += d.choice[c].why == WHY_HOME;
                if (d.choice[c].why == WHY_HOME)
                    SAY(i == reference_home(&b, &q) && !d.choice[c].known, "s%u is no home", AT, i);
            }
            asked++;
        }
        built_fini(&b);
        world_fini();
    }
    ck_assert_uint_gt(asked, 1000);
    ck_assert_uint_gt(with_owners, 100);
    ck_assert_uint_gt(at_home, 20);
}
END_TEST

static Suite *reference_suite(void)
{
    Suite *s = suite_create("decide_reference");
    TCase *t = tcase_create("reference");

    tcase_set_timeout(t, 120);
    tcase_add_test(t, early_end_is_the_full_scan);
    tcase_add_test(t, equals_the_reference);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    SRunner *r = srunner_create(reference_suite());
    int failed;

    log_setup(LOG_LEVEL_ERROR,
              LOG_FORMAT_LOGFMT); /* of streamers that are nowhere there are many */
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
