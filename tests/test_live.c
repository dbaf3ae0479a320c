#include "router/live.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"

// clang-format off
static const struct {
    const char *what;
    enum health v4, v6;
    enum admin_state admin;
    enum usable v4_usable, v6_usable;
} rows[] = {
    {"not probed yet serves",         HEALTH_UNKNOWN, HEALTH_UNKNOWN, ADMIN_UP,     USABLE_YES,   USABLE_YES},
    {"up serves",                     HEALTH_UP,      HEALTH_UP,      ADMIN_UP,     USABLE_YES,   USABLE_YES},
    {"families are apart",            HEALTH_DOWN,    HEALTH_UP,      ADMIN_UP,     USABLE_NO,    USABLE_YES},
    {"and the other way round",       HEALTH_UP,      HEALTH_DOWN,    ADMIN_UP,     USABLE_YES,   USABLE_NO},
    {"draining keeps what it owns",   HEALTH_UP,      HEALTH_UNKNOWN, ADMIN_DRAIN,  USABLE_OWNED, USABLE_OWNED},
    {"draining and down is down",     HEALTH_DOWN,    HEALTH_UP,      ADMIN_DRAIN,  USABLE_NO,    USABLE_OWNED},
    {"admin down beats good probes",  HEALTH_UP,      HEALTH_UP,      ADMIN_DOWN,   USABLE_NO,    USABLE_NO},
    {"forced beats bad probes",       HEALTH_DOWN,    HEALTH_DOWN,    ADMIN_FORCED, USABLE_YES,   USABLE_YES},
};
// clang-format on

START_TEST(usable_by_health_and_admin)
{
    struct live *l = live_new();

    live_health_set(l, 3, false, rows[_i].v4);
    live_health_set(l, 3, true, rows[_i].v6);
    live_admin_set(l, 3, rows[_i].admin);
    ck_assert_msg(live_usable(live_health_get(l, 3), false) == rows[_i].v4_usable, "%s",
                  rows[_i].what);
    ck_assert_msg(live_usable(live_health_get(l, 3), true) == rows[_i].v6_usable, "%s",
                  rows[_i].what);
    ck_assert_int_eq(live_admin_get(l, 3), rows[_i].admin);
    ck_assert_int_eq(live_health_of(live_health_get(l, 3), false), rows[_i].v4);
    ck_assert_int_eq(live_health_of(live_health_get(l, 3), true), rows[_i].v6);
    ck_assert_uint_eq(live_health_get(l, 2), 0); /* neighbours stay as they are */
    ck_assert_uint_eq(live_health_get(l, 4), 0);
    live_free(l);
}
END_TEST

START_TEST(slots_keep_their_names)
{
    struct live *l = live_new();
    lidx a = live_slot(l, STR("a")), ab = live_slot(l, STR("ab"));
    char longest[64];

    ck_assert_uint_ne(a, ab);
    ck_assert_uint_eq(live_slot(l, STR("a")), a);
    live_health_set(l, a, false, HEALTH_DOWN);
    live_dispatch(l, a, 5);

    live_mark_begin(l); /* a reload without ab */
    ck_assert_uint_eq(live_slot(l, STR("a")), a);
    live_mark_end(l);
    ck_assert_int_eq(live_health_of(live_health_get(l, a), false), HEALTH_DOWN);
    ck_assert_double_eq(live_sessions(l, a), 5);
    live_health_set(l, ab, false, HEALTH_DOWN);
    ck_assert_uint_eq(live_slot(l, STR("c")), ab); /* the slot is free, and comes back clean */
    ck_assert_uint_eq(live_health_get(l, ab), 0);

    for (unsigned i = 0; i < sizeof longest; i++)
        longest[i] = 'x';
    ck_assert_uint_ne(live_slot(l, (struct str){longest, 63}), LIVE_NONE);
    ck_assert_uint_eq(live_slot(l, (struct str){longest, 64}), LIVE_NONE);
    live_free(l);
}
END_TEST

START_TEST(slots_run_out)
{
    struct live *l = live_new();
    char name[16];

    for (unsigned i = 0; i < LIVE_SLOTS; i++) {
        int n = snprintf(name, sizeof name, "s%u", i);

        ck_assert_uint_eq(live_slot(l, (struct str){name, (size_t)n}), i);
    }
    ck_assert_uint_eq(live_slot(l, STR("one-too-many")), LIVE_NONE);
    ck_assert_uint_eq(live_slot(l, STR("s77")), 77);
    live_free(l);
}
END_TEST

/* Reloads without end against a list: each name keeps its slot for as long as it is asked for. */
START_TEST(slots_against_a_list)
{
    struct live *l = live_new();
    lidx at[300];
    uint64_t seed, drawn = 0;

    hash_random(&seed, sizeof seed);
    memset(at, 0xff, sizeof at);
    for (unsigned round = 0; round < 200; round++) {
        bool there[300] = {false}, used[600] = {false};

        live_mark_begin(l);
        for (unsigned k = 0; k < 300; k++) {
            char name[16];
            const int n = snprintf(name, sizeof name, "s%u", k);
            const struct str s = {name, (size_t)n};

            ck_assert_uint_eq(live_find(l, s), at[k]);
            if (hash_mix(seed, ++drawn) % 3 == 0)
                continue;
            there[k] = true;
            if (at[k] != LIVE_NONE)
                ck_assert_uint_eq(live_slot(l, s), at[k]);
            at[k] = live_slot(l, s);
            ck_assert_msg(at[k] < 300, "seed %lx: the lowest free one is taken: %u", seed, at[k]);
        }
        live_mark_end(l);
        for (unsigned k = 0; k < 300; k++) {
            if (!there[k])
                at[k] = LIVE_NONE;
            ck_assert(at[k] == LIVE_NONE || !used[at[k]]);
            if (at[k] != LIVE_NONE)
                used[at[k]] = true;
        }
    }
    live_free(l);
}
END_TEST

START_TEST(sessions_age)
{
    struct live *l = live_new();

    live_dispatch(l, 0, 100);
    ck_assert_double_eq(live_sessions(l, 0), 100);
    live_fold(l, 0, 1, 600);
    ck_assert_double_eq(live_sessions(l, 0), 100); /* what is new has not aged yet */
    for (unsigned s = 0; s < 600; s++)
        live_fold(l, 0, 1, 600);
    ck_assert_double_eq_tol(live_sessions(l, 0), 100 * exp(-1), 0.1);
    for (unsigned s = 0; s < 6000; s++)
        live_fold(l, 0, 1, 600);
    ck_assert_double_eq(live_sessions(l, 0), 0); /* small numbers do not get stuck */
    live_free(l);
}
END_TEST

START_TEST(steady_rate_is_rate_times_length)
{
    struct live *l = live_new();

    for (unsigned s = 0; s < 6000; s++) { /* one session every 10 s, 600 s long: 60 open */
        if (s % 10 == 0)
            live_dispatch(l, 0, 1);
        live_fold(l, 0, 1, 600);
    }
    ck_assert_double_eq_tol(live_sessions(l, 0), 60, 1);
    live_free(l);
}
END_TEST

START_TEST(dispatches_wrap)
{
    struct live *l = live_new();

    live_dispatch(l, 0, UINT32_MAX - 1);
    live_fold(l, 0, 1, 600);
    live_fold(l, 0, 1e9, 600); /* all are over */
    ck_assert_double_eq(live_sessions(l, 0), 0);
    live_dispatch(l, 0, 5);
    ck_assert_double_eq(live_sessions(l, 0), 5);
    live_free(l);
}
END_TEST

/* ---- polls, against streams of sessions that come and go by chance */

/* One streamer in virtual time: sessions begin at random (from three routers that share nothing,
 * and from players that ask none) and last an exponential time. */
struct stream {
    uint64_t seed, drawn;
    double open;
    double rate[4]; /* a second: of each router, and of others */
    double mean_s;  /* of a session, in truth */
};

static double uniform(struct stream *s)
{
    return ((double)(hash_mix(s->seed, ++s->drawn) >> 11) + 0.5) * 0x1p-53;
}

static unsigned poisson(struct stream *s, double mean)
{
    double left = exp(-mean), p = uniform(s);
    unsigned n = 0;

    while (p > left) {
        n++;
        p *= uniform(s);
    }
    return n;
}

/* One second; sent[i] is what router i sent. */
static void stream_second(struct stream *s, unsigned sent[3])
{
    const double p = -expm1(-1 / s->mean_s);
    unsigned ended = 0;

    for (unsigned i = 0; i < (unsigned)s->open; i++)
        ended += uniform(s) < p;
    s->open -= ended;
    for (unsigned i = 0; i < 4; i++) {
        const unsigned n = poisson(s, s->rate[i]);

        if (i < 3)
            sent[i] = n;
        s->open += n;
    }
}

static const struct {
    const char *what;
    double rate[4], mean_s, believed_s, within; /* mean of |belief - truth| / truth */
} streams[] = {
    {"three alike", {0.5, 0.5, 0.5, 0}, 400, 400, 0.01},
    {"one sends most", {1.2, 0.2, 0.1, 0}, 400, 400, 0.01},
    {"players that ask nobody", {0.3, 0.3, 0.3, 0.6}, 400, 400, 0.01},
    {"sessions end sooner than believed", {0.5, 0.5, 0.5, 0}, 400, 800, 0.01},
    {"sessions end later than believed", {0.5, 0.5, 0.5, 0}, 400, 200, 0.01},
    {"short sessions", {5, 5, 5, 0}, 40, 40, 0.03},
};

/* Three routers, each with a belief of its own, each polls every 10 s, and 20 % of the polls are
 * lost. In the middle the others' rate doubles for a while. */
START_TEST(polls_keep_beliefs_true)
{
    struct stream s = {.mean_s = streams[_i].mean_s};
    struct live *l[3];
    double off = 0, worst = 0;
    unsigned n = 0;

    hash_random(&s.seed, sizeof s.seed);
    memcpy(s.rate, streams[_i].rate, sizeof s.rate);
    s.open = floor((s.rate[0] + s.rate[1] + s.rate[2] + s.rate[3]) * s.mean_s);
    for (unsigned r = 0; r < 3; r++) {
        l[r] = live_new();
        ck_assert_uint_eq(live_slot(l[r], STR("a")), 0);
    }
    for (unsigned t = 1; t <= 3600; t++) {
        unsigned sent[3];

        if (t == 1800 || t == 2400)
            for (unsigned i = 0; i < 4; i++)
                s.rate[i] *= t == 1800 ? 1.5 : 1 / 1.5;
        stream_second(&s, sent);
        for (unsigned r = 0; r < 3; r++) {
            live_dispatch(l[r], 0, sent[r]);
            live_fold(l[r], 0, 1, streams[_i].believed_s);
            if (t % 10 == r * 3 && uniform(&s) >= 0.2)
                live_poll(l[r], 0, s.open, t * 1000, streams[_i].believed_s);
            if (t > 120) {
                const double e = fabs(live_sessions(l[r], 0) - s.open) / s.open;

                off += e;
                worst = e > worst ? e : worst;
                n++;
            }
        }
    }
    off /= n;
    printf("%s: %.2f %% off in the mean, %.1f %% at most\n", streams[_i].what, off * 100,
           worst * 100);
    ck_assert_msg(off <= streams[_i].within && worst <= 14 * streams[_i].within,
                  "%s: seed %lx: mean %.4f, worst %.4f", streams[_i].what, s.seed, off, worst);
    for (unsigned r = 0; r < 3; r++)
        live_free(l[r]);
}
END_TEST

/* Without noise: what others send is found exactly, and counted on with. */
START_TEST(others_are_learnt)
{
    struct live *l = live_new();
    double open = 100;

    ck_assert_uint_eq(live_slot(l, STR("a")), 0);
    live_poll(l, 0, open, 1000, 600);
    ck_assert_double_eq_tol(live_sessions(l, 0), 100, 0.1); /* the first one is believed at once */
    for (unsigned t = 2; t <= 11; t++) {
        open = open * exp(-1 / 600.0) + 2;
        live_fold(l, 0, 1, 600);
    }
    live_poll(l, 0, open, 11000, 600);
    ck_assert_double_eq_tol(l->streamer[0].foreign, 2, 0.01);
    for (unsigned t = 12; t <= 60; t++) { /* polls are lost */
        open = open * exp(-1 / 600.0) + 2;
        live_fold(l, 0, 1, 600);
    }
    ck_assert_double_eq_tol(live_sessions(l, 0), open, 0.5);
    live_poll_forget(l, 0);
    live_poll(l, 0, 5, 61000, 600); /* it was restarted: nothing is learnt of that */
    ck_assert_double_eq(l->streamer[0].foreign, 0);
    ck_assert_double_eq_tol(live_sessions(l, 0), 5, 0.1);
    l->streamer[0].foreign = -10;
    live_fold(l, 0, 1, 600);
    ck_assert_double_eq(live_sessions(l, 0), 0); /* never below none */
    live_dispatch(l, 0, 3);
    live_dispatch_known(l, 0, 2);
    ck_assert_uint_eq(atomic_load(&l->streamer[0].sent_known), 2);
    live_free(l);
}
END_TEST

static double foreign_after(const double *polls, unsigned n, unsigned every_ms, double *sessions)
{
    struct live *l = live_new();
    uint64_t now = 1000;
    double foreign;

    ck_assert_uint_eq(live_slot(l, STR("a")), 0);
    for (unsigned i = 0; i < n; i++, now += every_ms) {
        live_poll(l, 0, polls[i], now, 600);
        ck_assert_msg(isfinite(l->streamer[0].foreign) && isfinite(live_sessions(l, 0)),
                      "poll %u of %g: %g", i, polls[i], l->streamer[0].foreign);
    }
    live_fold(l, 0, 1, 600);
    foreign = l->streamer[0].foreign;
    *sessions = live_sessions(l, 0);
    live_free(l);
    return foreign;
}

/* Whatever a page says, what is believed is a number, and the next poll that is sane is believed
 * again. */
START_TEST(mad_polls_are_got_over)
{
    const double mad[] = {10, 1e308, 0, 1e308, 5, 5, 5}, infinite[] = {10, INFINITY, 10, 10, 10};
    double sessions;

    ck_assert(isfinite(foreign_after(mad, sizeof mad / sizeof *mad, 10000, &sessions)));
    ck_assert(
        isfinite(foreign_after(infinite, sizeof infinite / sizeof *infinite, 10000, &sessions)));
}
END_TEST

/* Two reports within a moment say nothing of a rate. */
START_TEST(reports_at_once_teach_no_rate)
{
    const double two[] = {10, 110};
    double sessions;

    ck_assert_double_eq_tol(foreign_after(two, 2, 1, &sessions), 0, 1e-9);
    ck_assert_double_eq_tol(sessions, 110, 1);
}
END_TEST

/* Behind a burst its polls are lost for good: others are not believed to go on so for ever. */
START_TEST(others_are_forgotten_in_silence)
{
    struct live *l = live_new();

    ck_assert_uint_eq(live_slot(l, STR("a")), 0);
    live_poll(l, 0, 0, 1000, 3600);
    for (unsigned t = 0; t < 10; t++)
        live_fold(l, 0, 1, 3600);
    live_poll(l, 0, 100, 11000, 3600); /* 10 a second: 36,000 in the long run */
    for (unsigned t = 0; t < 3600; t++) {
        live_fold(l, 0, 1, 3600);
        ck_assert_msg(live_sessions(l, 0) < 1500, "%u s later: %g", t, live_sessions(l, 0));
    }
    live_free(l);
}
END_TEST

static Suite *live_suite(void)
{
    Suite *s = suite_create("live");
    TCase *t = tcase_create("live");

    tcase_add_loop_test(t, usable_by_health_and_admin, 0, sizeof rows / sizeof *rows);
    tcase_add_test(t, slots_keep_their_names);
    tcase_add_test(t, slots_run_out);
    tcase_add_test(t, slots_against_a_list);
    tcase_add_test(t, sessions_age);
    tcase_add_test(t, steady_rate_is_rate_times_length);
    tcase_add_test(t, dispatches_wrap);
    tcase_add_loop_test(t, polls_keep_beliefs_true, 0, (int)(sizeof streams / sizeof *streams));
    tcase_add_test(t, others_are_learnt);
    tcase_add_test(t, mad_polls_are_got_over);
    tcase_add_test(t, reports_at_once_teach_no_rate);
    tcase_add_test(t, others_are_forgotten_in_silence);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    SRunner *r = srunner_create(live_suite());
    int failed;

    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
