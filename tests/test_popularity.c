#include "router/popularity.h"

#include <check.h>
#include <math.h>

#include "base/hash.h"
#include "view_fixture.h"

enum { CONTENTS = 5000, COUNTERS = 200 };

/* Exact counts that decay, to compare with. */
struct exact {
    double count[CONTENTS], at_s[CONTENTS];
    double all, all_at_s;
};

static void exact_add(double *count, double *at_s, double n, double now_s, double half_life_s)
{
    *count = *count * exp2((*at_s - now_s) / half_life_s) + n;
    *at_s = now_s;
}

static uint64_t content(unsigned i)
{
    return hash_mix((uint64_t)i << 20, 0);
}

static struct str key_of(unsigned i, char out[32])
{
    return (struct str){out, (size_t)snprintf(out, 32, "/film/%u/", i)};
}

/* Zipf with exponent 0.9 by the inverse of its distribution. */
static void zipf_make(double cdf[CONTENTS])
{
    double sum = 0;

    for (unsigned i = 0; i < CONTENTS; i++)
        cdf[i] = sum += pow(i + 1, -0.9);
    for (unsigned i = 0; i < CONTENTS; i++)
        cdf[i] /= sum;
}

static unsigned zipf_draw(const double cdf[CONTENTS], struct dice *d)
{
    const double u = dice_unit(d);
    unsigned lo = 0, hi = CONTENTS - 1;

    while (lo < hi) {
        const unsigned mid = (lo + hi) / 2;

        if (cdf[mid] < u)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static void check_bounds(struct popularity *p, struct exact *x, double now_s, double half_life_s,
                         uint64_t seed)
{
    static struct popularity_row rows[COUNTERS];
    const double rate = M_LN2 / half_life_s, tiny = 1e-6;
    const size_t n = popularity_top(p, SVIDX_NONE, now_s, rows, COUNTERS);
    double bound;
    bool in[CONTENTS] = {false};

    ck_assert_uint_eq(n, COUNTERS);
    ck_assert_uint_eq(popularity_counters(p), COUNTERS);
    exact_add(&x->all, &x->all_at_s, 0, now_s, half_life_s);
    bound = x->all * rate / COUNTERS;
    for (unsigned i = 0; i < CONTENTS; i++)
        exact_add(&x->count[i], &x->at_s[i], 0, now_s, half_life_s);
    for (size_t k = 0; k < n; k++) {
        char text[32];
        const unsigned i = (unsigned)strtoul(rows[k].key + 6, NULL, 10);
        const double is = x->count[i] * rate;

        ck_assert_uint_eq(rows[k].content, content(i));
        ck_assert_str_eq(rows[k].key, key_of(i, text).p);
        ck_assert(!in[i]);
        in[i] = true;
        ck_assert_msg(rows[k].rate + tiny >= is && rows[k].rate - rows[k].error <= is + tiny,
                      "seed %lx: content %u: %f - %f, is %f", seed, i, rows[k].rate, rows[k].error,
                      is);
        ck_assert_msg(rows[k].error <= bound + tiny, "seed %lx: error %f, bound %f", seed,
                      rows[k].error, bound);
        ck_assert(k == 0 || rows[k - 1].rate >= rows[k].rate);
    }
    for (unsigned i = 0; i < CONTENTS; i++)
        ck_assert_msg(in[i] || x->count[i] * rate <= bound + tiny, "seed %lx: %u is missing", seed,
                      i);
}

/* The bounds of the paper hold for counts that decay, also beyond many half lives, and when nobody
 * asks for a while. */
START_TEST(bounds_hold)
{
    static struct exact x;
    static double cdf[CONTENTS];
    const double half_life_s = 50;
    struct popularity *p = popularity_new(COUNTERS, half_life_s);
    double now_s = 1e6;
    uint64_t seed;
    struct dice d;

    hash_random(&seed, sizeof seed);
    d.state = seed | 1;
    memset(&x, 0, sizeof x);
    x.all_at_s = now_s;
    for (unsigned i = 0; i < CONTENTS; i++)
        x.at_s[i] = now_s;
    zipf_make(cdf);
    for (unsigned step = 1; step <= 300000; step++) {
        const unsigned i = (zipf_draw(cdf, &d) + step / 100000 * 100) % CONTENTS; /* tastes turn */
        const double sessions = 1 + dice_below(&d, 2);
        char text[32];

        now_s += dice_unit(&d) * 0.2;
        if (step % 50000 == 0)
            now_s += 400;
        popularity_count(p, 0, content(i), key_of(i, text), sessions, now_s);
        exact_add(&x.count[i], &x.at_s[i], sessions, now_s, half_life_s);
        exact_add(&x.all, &x.all_at_s, sessions, now_s, half_life_s);
        if (step % 20000 == 0)
            check_bounds(p, &x, now_s, half_life_s, seed);
    }
    popularity_free(p);
}
END_TEST

START_TEST(a_steady_rate_is_told)
{
    struct popularity *p = popularity_new(16, 60);
    struct popularity_row row;
    double now_s = 5;

    for (unsigned i = 0; i < 10000; i++, now_s += 0.25)
        popularity_count(p, 3, 77, STR("/a/"), 2, now_s);
    ck_assert_uint_eq(popularity_top(p, SVIDX_NONE, now_s, &row, 1), 1);
    ck_assert_double_eq_tol(row.rate, 8, 0.05);
    ck_assert_double_eq(row.error, 0);
    ck_assert_uint_eq(row.service, 3);
    ck_assert_uint_eq(popularity_top(p, 3, now_s + 60, &row, 1), 1);
    ck_assert_double_eq_tol(row.rate, 4, 0.03);   /* half a life later */
    popularity_count(p, 3, 78, STR("/b/"), 1, 1); /* a clock that goes back stands still */
    ck_assert_uint_eq(popularity_top(p, 4, now_s, &row, 1), 0);
    ck_assert_uint_eq(popularity_top(p, 3, now_s, &row, 0), 0);
    ck_assert_uint_eq(popularity_top(p, 3, now_s + 1e9, &row, 1), 1); /* long gone */
    ck_assert_double_eq(row.rate, 0);
    popularity_count(p, 3, 78, STR("/b/"), 1, now_s + 1e9);
    ck_assert_uint_eq(popularity_top(p, 3, now_s + 1e9, &row, 1), 1);
    ck_assert_str_eq(row.key, "/b/");
    popularity_free(p);
    popularity_free(NULL);
}
END_TEST

START_TEST(keys_are_cut)
{
    struct popularity *p = popularity_new(16, 60);
    char longer[100];
    struct popularity_row row;

    memset(longer, 'k', sizeof longer);
    popularity_count(p, 0, 1, (struct str){longer, sizeof longer}, 1, 0);
    ck_assert_uint_eq(popularity_top(p, 0, 0, &row, 1), 1);
    ck_assert_uint_eq(strlen(row.key), POPULARITY_KEY_MAX);
    popularity_count(p, 0, 2, (struct str){NULL, 0}, 5, 0);
    ck_assert_uint_eq(popularity_top(p, 0, 0, &row, 1), 1);
    ck_assert_str_eq(row.key, "");
    popularity_free(p);
}
END_TEST

START_TEST(the_same_stream_gives_the_same)
{
    struct popularity *p[2] = {popularity_new(64, 30), popularity_new(64, 30)};
    struct popularity_row rows[2][64];
    struct dice d = {12345};

    for (unsigned step = 0; step < 20000; step++) {
        const unsigned i = dice_below(&d, 400);

        for (unsigned k = 0; k < 2; k++)
            popularity_count(p[k], 0, content(i), STR("x"), 1, step * 0.01);
    }
    for (unsigned k = 0; k < 2; k++)
        ck_assert_uint_eq(popularity_top(p[k], SVIDX_NONE, 200, rows[k], 64), 64);
    for (unsigned i = 0; i < 64; i++) {
        ck_assert_uint_eq(rows[0][i].content, rows[1][i].content);
        ck_assert_double_eq(rows[0][i].rate, rows[1][i].rate);
        ck_assert_double_eq(rows[0][i].error, rows[1][i].error);
        ck_assert(i == 0 || rows[0][i - 1].rate > rows[0][i].rate ||
                  rows[0][i - 1].content < rows[0][i].content);
    }
    for (unsigned k = 0; k < 2; k++)
        popularity_free(p[k]);
}
END_TEST

// clang-format off
static const struct {
    const char *what;
    struct policy_conf c;
    double rate, capacity;
    unsigned owners;
} owner_rows[] = {
    {"cold has the least",          {.owners = 1, .owners_max = 64, .owner_share = 0.1, .session_s = 600}, 0,     1000, 1},
    {"below a share",               {.owners = 1, .owners_max = 64, .owner_share = 0.1, .session_s = 600}, 0.166, 1000, 1},
    {"a share is one more",         {.owners = 1, .owners_max = 64, .owner_share = 0.1, .session_s = 600}, 0.167, 1000, 2},
    {"ten shares",                  {.owners = 1, .owners_max = 64, .owner_share = 0.1, .session_s = 600}, 1.67,  1000, 11},
    {"upon the least",              {.owners = 3, .owners_max = 64, .owner_share = 0.1, .session_s = 600}, 1.67,  1000, 13},
    {"never above the most",        {.owners = 1, .owners_max = 8,  .owner_share = 0.1, .session_s = 600}, 1e12,  1000, 8},
    {"a most below the least",      {.owners = 4, .owners_max = 2,  .owner_share = 0.1, .session_s = 600}, 1e12,  1000, 4},
    {"unlimited streamers",         {.owners = 2, .owners_max = 64, .owner_share = 0.1, .session_s = 600}, 1e12,  0,    2},
    {"no share, no growth",         {.owners = 2, .owners_max = 64, .owner_share = 0,   .session_s = 600}, 1e12,  1000, 2},
    {"an empty policy has one",     {.owners = 0},                                                             1e12,  1000, 1},
};
// clang-format on

START_TEST(owners_grow_with_the_rate)
{
    ck_assert_msg(popularity_owners(&owner_rows[_i].c, owner_rows[_i].rate,
                                    owner_rows[_i].capacity) == owner_rows[_i].owners,
                  "%s", owner_rows[_i].what);
}
END_TEST

struct service_gone {
    svidx service;
    double others;
};

static bool service_for(void *arg, svidx service, struct popularity_service *out)
{
    static const struct policy_conf conf = {
        .owners = 2, .owners_max = 32, .owner_share = 0.1, .session_s = 100};

    const struct service_gone *gone = arg;

    *out = (struct popularity_service){.policy = &conf, .capacity = 100, .others = gone->others};
    return service != gone->service;
}

START_TEST(published_and_taken_back)
{
    struct popularity *p = popularity_new(16, 60);
    struct hot *h = hot_new();
    struct popularity_row row;
    struct service_gone gone = {.service = 9};

    ck_assert(hot_set(h, content(99), 7, 0)); /* of somebody before us: goes */
    for (unsigned i = 0; i < 6000; i++) {
        popularity_count(p, 0, content(1), STR("hot"), 1, i * 0.1); /* 10/s: 1000 open */
        popularity_count(p, 9, content(2), STR("gone"), 1, i * 0.1);
        if (i % 1000 == 0) /* 0.01/s: 1 open of a share of 10 */
            popularity_count(p, 0, content(3), STR("cold"), 1, i * 0.1);
    }
    popularity_publish(p, h, 600, service_for, &gone);
    ck_assert_uint_eq(hot_owners(h, content(1)), 32);
    ck_assert_uint_eq(hot_owners(h, content(2)), 0);
    ck_assert_uint_eq(hot_owners(h, content(3)), 0);
    ck_assert_uint_eq(hot_owners(h, content(99)), 0);
    ck_assert_uint_eq(popularity_top(p, 0, 600, &row, 1), 1);
    ck_assert_uint_eq(row.owners, 32);

    popularity_publish(p, h, 720, service_for, &gone); /* a quarter: 250 open are 25 more */
    ck_assert_uint_ge(hot_owners(h, content(1)), 25);
    ck_assert_uint_le(hot_owners(h, content(1)), 27);

    gone.others = 0.4; /* others make 350 of them */
    popularity_publish(p, h, 720, service_for, &gone);
    ck_assert_uint_eq(hot_owners(h, content(1)), 32);
    gone.others = 0.1;
    popularity_publish(p, h, 720, service_for, &gone);
    ck_assert_uint_ge(hot_owners(h, content(1)), 27);
    ck_assert_uint_le(hot_owners(h, content(1)), 29);

    gone.others = 0;
    popularity_publish(p, h, 1800, service_for, &gone);
    ck_assert_uint_eq(hot_owners(h, content(1)), 0);

    /* What is certain counts: those that came in place of others, and were never hot, are not. */
    for (unsigned i = 0; i < 60000; i++)
        popularity_count(p, 0, content(1000 + i), STR("once"), 1, 1800 + i * 0.01);
    popularity_publish(p, h, 2400, service_for, &gone);
    for (unsigned i = 0; i < 60000; i++)
        ck_assert_uint_eq(hot_owners(h, content(1000 + i)), 0);
    popularity_free(p);
    hot_free(h);
}
END_TEST

START_TEST(renumbered)
{
    struct popularity *p = popularity_new(16, 60);
    const svidx to[] = {2, SVIDX_NONE, 0};
    struct popularity_row rows[8];

    for (unsigned i = 0; i < 4; i++)
        popularity_count(p, (svidx)i, content(i), STR("x"), 10 - i, 0);
    popularity_renumber(p, to, 3);
    ck_assert_uint_eq(popularity_top(p, SVIDX_NONE, 0, rows, 8), 2);
    ck_assert_uint_eq(rows[0].content, content(0));
    ck_assert_uint_eq(rows[0].service, 2);
    ck_assert_uint_eq(rows[1].content, content(2));
    ck_assert_uint_eq(rows[1].service, 0);
    for (unsigned i = 10; i < 24; i++) /* those that are gone make room first, and leave no error */
        popularity_count(p, 0, content(i), STR("y"), 1, 0);
    ck_assert_uint_eq(popularity_top(p, 2, 0, rows, 8), 1);
    ck_assert_uint_eq(popularity_top(p, 0, 0, rows, 8), 8);
    for (unsigned i = 0; i < 8; i++)
        ck_assert_double_eq(rows[i].error, 0);
    popularity_free(p);
}
END_TEST

START_TEST(restored)
{
    struct popularity *a = popularity_new(64, 60), *b = popularity_new(64, 60);
    struct popularity_row rows[64], back[64];
    struct dice d = {7};
    char text[32];

    for (unsigned step = 0; step < 5000; step++) {
        const unsigned i = dice_below(&d, 100) * dice_below(&d, 100) / 100;

        popularity_count(a, (svidx)(i % 3), content(i), key_of(i, text), 1, step * 0.1);
    }
    ck_assert_uint_eq(popularity_top(a, SVIDX_NONE, 500, rows, 64), 64);
    for (unsigned k = 0; k < 64; k++)
        popularity_restore(b, &rows[k], 90000); /* another clock */
    ck_assert_uint_eq(popularity_top(b, SVIDX_NONE, 90000, back, 64), 64);
    for (unsigned k = 0; k < 64; k++) {
        ck_assert_double_eq_tol(back[k].rate, rows[k].rate, 1e-9);
        if (k > 0 && rows[k - 1].rate - rows[k].rate < 1e-9)
            continue; /* equals may come the other way round */
        if (k < 63 && rows[k].rate - rows[k + 1].rate < 1e-9)
            continue;
        ck_assert_uint_eq(back[k].content, rows[k].content);
        ck_assert_double_eq_tol(back[k].error, rows[k].error, 1e-9);
        ck_assert_str_eq(back[k].key, rows[k].key);
        ck_assert_uint_eq(back[k].service, rows[k].service);
    }
    rows[0].content = 1; /* a full sketch takes in what is hotter than its least */
    popularity_restore(b, &rows[0], 90000);
    rows[1].content = 2;
    rows[1].rate = 0;
    popularity_restore(b, &rows[1], 90000);
    ck_assert_uint_eq(popularity_top(b, SVIDX_NONE, 90000, back, 64), 64);
    ck_assert(back[0].content == 1 || back[1].content == 1);
    for (unsigned k = 0; k < 64; k++)
        ck_assert_uint_ne(back[k].content, 2);
    popularity_free(a);
    popularity_free(b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("popularity");
    TCase *t = tcase_create("popularity");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(t, bounds_hold);
    tcase_add_test(t, a_steady_rate_is_told);
    tcase_add_test(t, keys_are_cut);
    tcase_add_test(t, the_same_stream_gives_the_same);
    tcase_add_loop_test(t, owners_grow_with_the_rate, 0, sizeof owner_rows / sizeof *owner_rows);
    tcase_add_test(t, published_and_taken_back);
    tcase_add_test(t, renumbered);
    tcase_add_test(t, restored);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
