#include "router/health.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

static const struct {
    const char *what;
    uint16_t up_after, down_after;
    const char *results; /* + good, - bad */
    const char *states;  /* behind each: u, d */
} rows[] = {
    {"unknown decides at once: up", 3, 3, "+", "u"},
    {"unknown decides at once: down", 3, 3, "-", "d"},
    {"down after three", 2, 3, "+---", "uuud"},
    {"up after two", 2, 3, "-++", "ddu"},
    {"a good one between starts the count again", 2, 3, "+--+--+---", "uuuuuuuuud"},
    {"a bad one between starts the count again", 2, 3, "-+-+-++", "ddddddu"},
    {"flapping changes nothing", 2, 2, "+-+-+-+-", "uuuuuuuu"},
    {"one is enough when one is asked", 1, 1, "+-+-", "udud"},
    {"0 is taken for one", 0, 0, "+-+", "udu"},
};

START_TEST(table)
{
    const struct probe_conf c = {.up_after = rows[_i].up_after, .down_after = rows[_i].down_after};
    struct health_state s = {HEALTH_UNKNOWN, 0};

    for (size_t i = 0; rows[_i].results[i]; i++) {
        const enum health before = s.now;
        const bool changed = health_feed(&s, &c, rows[_i].results[i] == '+');

        ck_assert_msg(s.now == (rows[_i].states[i] == 'u' ? HEALTH_UP : HEALTH_DOWN), "%s: at %zu",
                      rows[_i].what, i);
        ck_assert(changed == (s.now != before));
    }
}
END_TEST

/* Any results, any k and m: the state turns exactly when the last k (m) results all say so, hence
 * at most once in min(k, m) probes however the streamer flaps. */
START_TEST(any_sequence)
{
    uint64_t seed;

    hash_random(&seed, sizeof seed);
    for (unsigned round = 0; round < 500; round++) {
        const uint64_t r = hash_mix(seed, round);
        const struct probe_conf c = {.up_after = (uint16_t)(1 + r % 6),
                                     .down_after = (uint16_t)(1 + r / 6 % 6)};
        const unsigned flappiness = 1 + (unsigned)(r >> 32) % 9;
        struct health_state s = {HEALTH_UNKNOWN, 0};
        unsigned run = 0, changes = 0, n;
        bool last = false;

        for (n = 0; n < 400; n++) {
            const bool good = n && hash_mix(r, n) % 10 >= flappiness ? last : hash_mix(r, n) >> 63;
            enum health want = s.now;

            run = n && good == last ? run + 1 : 1;
            last = good;
            if (s.now == HEALTH_UNKNOWN || run >= (good ? c.up_after : c.down_after))
                want = good ? HEALTH_UP : HEALTH_DOWN;
            changes += health_feed(&s, &c, good);
            ck_assert_msg(s.now == want, "seed %lx round %u probe %u", seed, round, n);
        }
        ck_assert_uint_le(changes, 1 + n / (c.up_after < c.down_after ? c.up_after : c.down_after));
    }
}
END_TEST

START_TEST(times)
{
    static const uint32_t intervals[] = {1, 9, 10, 999, 5000, UINT32_MAX / 2};

    for (size_t i = 0; i < sizeof intervals / sizeof *intervals; i++) {
        const uint32_t tenth = intervals[i] / 10;
        uint32_t least = UINT32_MAX, most = 0;

        for (unsigned k = 0; k < 2000; k++) {
            const uint32_t next = health_next_ms(intervals[i], hash_mix(1, k));
            const uint32_t first = health_first_ms(intervals[i], hash_mix(1, k));

            ck_assert(next >= intervals[i] - tenth && next <= intervals[i] + tenth + 1);
            ck_assert(first < 1000 && (first < intervals[i] || first == 0));
            least = next < least ? next : least;
            most = next > most ? next : most;
        }
        if (tenth > 100) { /* the whole range is used */
            ck_assert_uint_lt(least, intervals[i] - tenth + tenth / 10);
            ck_assert_uint_gt(most, intervals[i] + tenth - tenth / 10);
        }
    }
}
END_TEST

/* ---- a streamer's state */

static struct streamer_conf conf(void)
{
    return (struct streamer_conf){
        .name = STR("a"),
        .can = STREAMER_V4,
        .capacity = 100,
        .slow_start_s = 10,
        .probe = {.type = PROBE_TCP, .up_after = 2, .down_after = 2, .interval_ms = 1000},
        .poll = {.profile = STR("ats"),
                 .interval_ms = 10000,
                 .stale_ms = 35000,
                 .leave_pm = 950,
                 .return_pm = 850}};
}

static const struct health_report nothing = {NAN, NAN, -1};

static unsigned poll_load(struct streamer_state *s, const struct streamer_conf *c, double load,
                          uint64_t now_ms)
{
    const struct health_report r = {load * 100, NAN, -1};

    return health_poll(s, c, &r, now_ms);
}

static const char *why(const struct streamer_state *s, const struct streamer_conf *c,
                       uint64_t now_ms)
{
    static char text[HEALTH_WHY_MAX];

    return health_why(s, c, false, now_ms, text);
}

START_TEST(load_leaves_and_returns)
{
    const struct streamer_conf c = conf();
    struct streamer_state s;

    health_begin(&s, 1000);
    ck_assert_int_eq(s.now[0], HEALTH_UNKNOWN);
    ck_assert_str_eq(why(&s, &c, 1000), "nothing is known of it yet");
    ck_assert_uint_eq(health_probe(&s, &c, false, true, 1000), 1);
    ck_assert_str_eq(why(&s, &c, 1000), "its probes are good");
    ck_assert_uint_eq(poll_load(&s, &c, 0.949, 2000), 0);
    ck_assert_uint_eq(poll_load(&s, &c, 0.95, 3000), 1);
    ck_assert_int_eq(s.now[0], HEALTH_SUSPECT);
    ck_assert_str_eq(why(&s, &c, 3000), "load 0.95 is at or above 0.95");
    ck_assert_uint_eq(poll_load(&s, &c, 0.86, 4000), 0);
    ck_assert_str_eq(why(&s, &c, 4000), "load 0.86 is not yet at or below 0.85");
    ck_assert_uint_eq(poll_load(&s, &c, 0.85, 5000), 1);
    ck_assert_int_eq(s.now[0], HEALTH_UP);
    ck_assert_str_eq(why(&s, &c, 5000), "load 0.85 has been at or below 0.85");
    ck_assert_double_eq((double)health_scale(&s, &c, 5000), 1); /* suspect is no return from down */
    ck_assert_int_eq(s.now[1], HEALTH_UNKNOWN);                 /* it has no IPv6 */
}
END_TEST

START_TEST(ready_and_probes_take_down)
{
    const struct health_report no = {10, NAN, 0}, yes = {10, NAN, 1};
    const struct streamer_conf c = conf();
    struct streamer_state s;

    health_begin(&s, 0);
    health_probe(&s, &c, false, true, 0);
    ck_assert_uint_eq(health_poll(&s, &c, &no, 1000), 1);
    ck_assert_int_eq(s.now[0], HEALTH_DOWN);
    ck_assert_str_eq(why(&s, &c, 1000), "it says that it is not ready");
    health_tick(&s, &c, 100000); /* its last word stands, however old */
    ck_assert_int_eq(s.now[0], HEALTH_DOWN);
    health_probe(&s, &c, false, false, 100000);
    health_probe(&s, &c, false, false, 101000);
    ck_assert_str_eq(why(&s, &c, 101000), "its probes fail");
    ck_assert_uint_eq(health_poll(&s, &c, &yes, 102000), 0); /* words do not mend probes */
    health_probe(&s, &c, false, true, 103000);
    ck_assert_uint_eq(health_probe(&s, &c, false, true, 104000), 1);
    ck_assert_int_eq(s.now[0], HEALTH_UP);
    ck_assert_str_eq(why(&s, &c, 104000),
                     "its probes are good; starts slowly: 10 % of its capacity");
}
END_TEST

START_TEST(silence_makes_suspect)
{
    struct streamer_conf c = conf();
    struct streamer_state s;

    health_begin(&s, 5000);
    health_probe(&s, &c, false, true, 5000);
    ck_assert_uint_eq(health_tick(&s, &c, 39999), 0);
    ck_assert_uint_eq(health_tick(&s, &c, 40000), 1); /* it has never been heard */
    ck_assert_int_eq(s.now[0], HEALTH_SUSPECT);
    ck_assert_str_eq(why(&s, &c, 41000), "nothing heard for 36 s");
    ck_assert_uint_eq(health_poll(&s, &c, &nothing, 42000), 1);
    ck_assert_int_eq(s.now[0], HEALTH_UP);
    ck_assert_str_eq(why(&s, &c, 42000), "it is heard again");
    /* Age inflates what is believed of it: from 1.5 intervals on, up to 1.5. */
    ck_assert_double_eq_tol((double)health_scale(&s, &c, 42000 + 15000), 1, 1e-6);
    ck_assert_double_eq_tol((double)health_scale(&s, &c, 42000 + 25000), 1.25, 1e-6);
    ck_assert_double_eq_tol((double)health_scale(&s, &c, 42000 + 90000), 1.5, 1e-6);
    c.poll.profile = STR(""); /* not polled: silence means nothing */
    ck_assert_double_eq((double)health_scale(&s, &c, 42000 + 90000), 1);
    health_tick(&s, &c, 42000 + 90000);
    ck_assert_int_eq(s.now[0], HEALTH_UP);
    c.reports = true; /* what reports is listened to alike */
    health_tick(&s, &c, 42000 + 91000);
    ck_assert_int_eq(s.now[0], HEALTH_SUSPECT);
}
END_TEST

START_TEST(polls_alone_are_enough)
{
    struct streamer_conf c = conf();
    struct streamer_state s;

    c.probe.type = PROBE_NONE;
    health_begin(&s, 0);
    ck_assert_uint_eq(health_tick(&s, &c, 1), 0);
    ck_assert_int_eq(s.now[0], HEALTH_UNKNOWN);
    ck_assert_uint_eq(poll_load(&s, &c, 0.5, 2), 1);
    ck_assert_int_eq(s.now[0], HEALTH_UP);
    ck_assert_str_eq(why(&s, &c, 2), "it can be polled");
    c.poll.profile = STR(""); /* asked nothing any more */
    health_tick(&s, &c, 3);
    ck_assert_int_eq(s.now[0], HEALTH_UNKNOWN);
}
END_TEST

START_TEST(returns_start_slowly)
{
    struct streamer_conf c = conf();
    struct streamer_state s;

    c.poll.profile = STR("");
    c.can |= STREAMER_V6;
    health_begin(&s, 0);
    health_probe(&s, &c, false, true, 0);
    health_probe(&s, &c, true, true, 0);
    ck_assert_double_eq(health_ramp(&s, &c, 0), 1); /* the first time is no return */
    health_probe(&s, &c, true, false, 1000);
    ck_assert_uint_eq(health_probe(&s, &c, true, false, 2000), 2);
    health_probe(&s, &c, true, true, 3000);
    ck_assert_uint_eq(health_probe(&s, &c, true, true, 4000), 2);
    ck_assert_double_eq(health_ramp(&s, &c, 4000), 1); /* it served all the time, by IPv4 */
    for (unsigned v6 = 0; v6 < 2; v6++)
        for (unsigned i = 0; i < 2; i++)
            health_probe(&s, &c, v6, false, 5000);
    health_probe(&s, &c, false, true, 6000);
    ck_assert_uint_eq(health_probe(&s, &c, false, true, 10000), 1);
    ck_assert_double_eq_tol((double)health_scale(&s, &c, 10000), 10, 1e-4);
    ck_assert_double_eq_tol(health_ramp(&s, &c, 9999), 0.1, 1e-9); /* read a moment too early */
    ck_assert_double_eq_tol(health_ramp(&s, &c, 12000), 0.28, 1e-9);
    ck_assert_str_eq(why(&s, &c, 12000),
                     "its probes are good; starts slowly: 28 % of its capacity");
    health_probe(&s, &c, true, true, 12000);
    health_probe(&s, &c, true, true, 13000); /* the other address follows: the ramp goes on */
    ck_assert_double_eq_tol(health_ramp(&s, &c, 15000), 0.55, 1e-9);
    ck_assert_double_eq(health_ramp(&s, &c, 20000), 1);
    ck_assert_double_eq((double)health_scale(&s, &c, 90000), 1);
    c.slow_start_s = 0;
    ck_assert_double_eq(health_ramp(&s, &c, 10000), 1);
}
END_TEST

/* Down, and on its way back suspect for its statistics come later than its probes: the ramp is not
 * spent meanwhile. */
START_TEST(ramp_waits_for_up)
{
    const struct streamer_conf c = conf();
    struct streamer_state s;

    health_begin(&s, 0);
    health_probe(&s, &c, false, false, 0);
    health_probe(&s, &c, false, true, 50000);
    health_probe(&s, &c, false, true, 51000);
    ck_assert_int_eq(s.now[0], HEALTH_SUSPECT);
    ck_assert_double_eq(health_ramp(&s, &c, 80000), 0.1);
    poll_load(&s, &c, 0, 90000);
    ck_assert_int_eq(s.now[0], HEALTH_UP);
    ck_assert_double_eq(health_ramp(&s, &c, 90000), 0.1);
    ck_assert_double_eq_tol(health_ramp(&s, &c, 95000), 0.55, 1e-9);
}
END_TEST

/* A number of any size comes from a page: the sentence is cut, and stays within its room. */
START_TEST(huge_loads_are_told)
{
    struct {
        char text[HEALTH_WHY_MAX], behind[512];
    } room;
    const struct health_report huge = {1e300, NAN, -1};
    struct streamer_conf c = conf();
    struct streamer_state s;

    health_begin(&s, 0);
    s.before[0] = HEALTH_BY_LOAD;
    s.was_down = true;
    c.poll.leave_pm = 0; /* load decides no more */
    health_probe(&s, &c, false, true, 0);
    health_poll(&s, &c, &huge, 60000);
    ck_assert_int_eq(s.now[0], HEALTH_UP);
    s.before[0] = HEALTH_BY_LOAD;
    s.was_down = true;
    memset(&room, 'x', sizeof room);
    health_why(&s, &c, false, 60000, room.text);
    ck_assert(memchr(room.text, '\0', sizeof room.text) != NULL);
    for (size_t i = 0; i < sizeof room.behind; i++)
        ck_assert_int_eq(room.behind[i], 'x');
}
END_TEST

START_TEST(reported_capacity_counts)
{
    static const struct {
        double conf, says, sessions, scale, load;
    } of[] = {
        {100, 50, 40, 2, 0.8},      {100, 200, 40, 0.5, 0.2}, {100, NAN, 40, 1, 0.4},
        {100, 0, 0, 100, INFINITY}, {0, 50, 40, 1, 0.8},      {0, NAN, 40, 1, NAN},
        {100, 1e9, 40, 0.01, 4e-8}, {100, NAN, NAN, 1, NAN},
    };

    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        const struct health_report r = {of[i].sessions, of[i].says, -1};
        struct streamer_conf c = conf();
        struct streamer_state s;
        double load;

        c.capacity = of[i].conf;
        health_begin(&s, 0);
        health_poll(&s, &c, &r, 0);
        load = health_load(&s, &c);
        ck_assert_msg(load == of[i].load || (isnan(load) && isnan(of[i].load)), "row %zu: %g", i,
                      load);
        ck_assert_double_eq_tol((double)health_scale(&s, &c, 0), of[i].scale, 1e-4);
    }
}
END_TEST

/* What an earlier process knew, and what ends it. */
START_TEST(resumed)
{
    static const enum health states[] = {HEALTH_UNKNOWN, HEALTH_UP, HEALTH_DOWN, HEALTH_SUSPECT};

    for (unsigned i = 0; i < 2 * 4 * 2; i++) {
        const enum health was[2] = {states[i & 3], HEALTH_DOWN}; /* it has no IPv6 any more */
        const bool probed = i & 4;
        struct streamer_conf c = conf();
        struct streamer_state s;
        const uint64_t now = 100000;

        c.probe.type = probed ? PROBE_TCP : PROBE_NONE;
        c.probe.dwell_ms = 3000;
        c.poll.leave_pm = i & 8 ? 950 : 0;
        health_begin(&s, now);
        health_resume(&s, &c, was, now);
        ck_assert_int_eq(s.now[0], was[0]);
        ck_assert_int_eq(s.now[1], HEALTH_UNKNOWN);
        ck_assert_int_eq(s.was_down, was[0] == HEALTH_DOWN);
        ck_assert_uint_eq(health_tick(&s, &c, now + 250), 0);
        ck_assert_int_eq(s.now[0], was[0]);
        poll_load(&s, &c, 0.9, now + 1000); /* between return and leave */
        if (was[0] == HEALTH_DOWN || was[0] == HEALTH_SUSPECT)
            ck_assert_int_eq(s.now[0], was[0]); /* for as long as it must */
        if (probed && was[0] == HEALTH_DOWN) {
            health_probe(&s, &c, false, true, now + 3500);
            ck_assert_int_eq(s.now[0], HEALTH_DOWN);
        }
        if (probed)
            health_probe(&s, &c, false, true, now + 4000);
        health_tick(&s, &c, now + 4000);
        ck_assert_int_eq(s.now[0],
                         was[0] == HEALTH_SUSPECT && (i & 8) ? HEALTH_SUSPECT : HEALTH_UP);
        poll_load(&s, &c, 0.1, now + 8000);
        ck_assert_int_eq(s.now[0], HEALTH_UP);
        ck_assert_double_eq_tol(health_ramp(&s, &c, now + 4000), was[0] == HEALTH_DOWN ? 0.1 : 1,
                                1e-9);
    }
}
END_TEST

/* What nobody looks at any more is not known. */
START_TEST(resumed_without_anybody_who_looks)
{
    const enum health was[2] = {HEALTH_DOWN, HEALTH_DOWN};
    struct streamer_conf c = conf();
    struct streamer_state s;

    c.probe.type = PROBE_NONE;
    c.poll.profile = STR("");
    health_begin(&s, 0);
    health_resume(&s, &c, was, 0);
    ck_assert_int_eq(s.now[0], HEALTH_UNKNOWN);
}
END_TEST

START_TEST(dwell_holds)
{
    struct streamer_conf c = conf();
    struct streamer_state s;

    c.probe.dwell_ms = 5000;
    health_begin(&s, 0);
    ck_assert_uint_eq(health_probe(&s, &c, false, true, 0), 1); /* the first one is not held */
    ck_assert_uint_eq(poll_load(&s, &c, 0.97, 1000), 0);
    ck_assert_str_eq(why(&s, &c, 1000), "would be suspect, and stays what it is for 5000 ms");
    ck_assert_uint_eq(health_tick(&s, &c, 4999), 0);
    ck_assert_uint_eq(health_tick(&s, &c, 5000), 1);
    ck_assert_int_eq(s.now[0], HEALTH_SUSPECT);
    poll_load(&s, &c, 0.5, 6000);
    poll_load(&s, &c, 0.97, 7000); /* what did not last leaves no trace */
    ck_assert_uint_eq(health_tick(&s, &c, 90000), 0);
}
END_TEST

/* What a state without dwell must be, told by the whole history in other words than health.c's. */
struct oracle {
    double last_load; /* NAN: not known */
    bool over;        /* the last load outside of the band was above it */
    bool ready, heard;
    uint64_t heard_ms;
    unsigned good_run, bad_run;
    enum health probed;
};

static enum health oracle_wants(const struct oracle *o, const struct streamer_conf *c, uint64_t now)
{
    const bool silent = now - o->heard_ms >= c->poll.stale_ms;

    if (o->probed == HEALTH_DOWN || !o->ready)
        return HEALTH_DOWN;
    return o->over || silent ? HEALTH_SUSPECT : o->probed;
}

static void oracle_probe(struct oracle *o, const struct streamer_conf *c, bool good)
{
    o->good_run = good ? o->good_run + 1 : 0;
    o->bad_run = good ? 0 : o->bad_run + 1;
    if (o->probed == HEALTH_UNKNOWN || o->good_run >= c->probe.up_after ||
        o->bad_run >= c->probe.down_after)
        o->probed = good ? HEALTH_UP : HEALTH_DOWN;
}

static void oracle_poll(struct oracle *o, const struct streamer_conf *c,
                        const struct health_report *r, uint64_t now)
{
    const double load = r->sessions / c->capacity * 1000;

    o->heard_ms = now;
    o->ready = r->ready != 0;
    if (isnan(load) || load <= c->poll.return_pm)
        o->over = false;
    else if (load >= c->poll.leave_pm)
        o->over = true;
}

struct flapping {
    uint64_t r;
    struct streamer_conf c;
    struct streamer_state s;
    struct oracle o;
    uint64_t now, changed_ms;
    unsigned changes;
};

static unsigned flap_once(struct flapping *f, unsigned k)
{
    const uint64_t x = hash_mix(f->r, k);
    const bool good = x % 8 > 1;
    const struct health_report r = {.sessions =
                                        x >> 20 & 15 ? (double)(700 + (x >> 8) % 400) / 10 : NAN,
                                    .capacity = NAN,
                                    .ready = (x >> 30) % 6 ? (int)(x >> 40 & 1) * 2 - 1 : 0};

    f->now += hash_mix(x, 1) % (x >> 50 & 7 ? 2000 : 40000);
    switch (x >> 60) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
        oracle_probe(&f->o, &f->c, good);
        return health_probe(&f->s, &f->c, false, good, f->now);
    case 6:
    case 7:
        return health_tick(&f->s, &f->c, f->now);
    default:
        oracle_poll(&f->o, &f->c, &r, f->now);
        return health_poll(&f->s, &f->c, &r, f->now);
    }
}

static void flap_check(struct flapping *f, enum health before, unsigned changed)
{
    const enum health want = oracle_wants(&f->o, &f->c, f->now);
    const uint64_t dwelt = f->now - f->changed_ms;
    const float scale = health_scale(&f->s, &f->c, f->now);
    char text[HEALTH_WHY_MAX];

    ck_assert_uint_eq(changed, f->s.now[0] != before);
    if (changed) {
        ck_assert(f->changes == 0 || dwelt >= f->c.probe.dwell_ms);
        f->changes++;
        f->changed_ms = f->now;
    }
    /* It is what it should be, or is held. */
    ck_assert(f->s.now[0] == want || (f->changes && dwelt < f->c.probe.dwell_ms));
    ck_assert(scale >= 1 && scale <= 10 * 1.5F);
    ck_assert_uint_gt(strlen(health_why(&f->s, &f->c, false, f->now, text)), 0);
}

/* Whatever flaps, in any order and at any time: a state changes at most once a dwell time, it is
 * what it should be as soon as it may, and without dwell always. */
START_TEST(flapping_streamers)
{
    unsigned changes = 0, held = 0;
    uint64_t seed;

    hash_random(&seed, sizeof seed);
    for (unsigned round = 0; round < 400; round++) {
        struct flapping f = {.r = hash_mix(seed, round), .c = conf(), .o = {.ready = true}};
        const uint64_t from = f.now = f.r % 3 ? f.r % 100000 : 0;

        f.o.heard_ms = from;
        f.c.probe.dwell_ms = f.r >> 40 & 1 ? (uint32_t)(f.r >> 8) % 20000 : 0;
        f.c.probe.up_after = (uint16_t)(1 + (f.r >> 30) % 3);
        health_begin(&f.s, from);
        for (unsigned k = 0; k < 500; k++) {
            const enum health before = f.s.now[0];

            flap_check(&f, before, flap_once(&f, k));
            held += f.s.now[0] != oracle_wants(&f.o, &f.c, f.now);
        }
        if (f.c.probe.dwell_ms)
            ck_assert_msg(f.changes <= 1 + (f.now - from) / f.c.probe.dwell_ms, "seed %lx round %u",
                          seed, round);
        changes += f.changes;
    }
    ck_assert_msg(changes > 10000 && held > 1000, "seed %lx: %u changes, %u held", seed, changes,
                  held); /* the input does flap */
}
END_TEST

int main(void)
{
    Suite *s = suite_create("health");
    TCase *c = tcase_create("health");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(c, table, 0, (int)(sizeof rows / sizeof *rows));
    tcase_add_test(c, any_sequence);
    tcase_add_test(c, times);
    tcase_add_test(c, load_leaves_and_returns);
    tcase_add_test(c, ready_and_probes_take_down);
    tcase_add_test(c, silence_makes_suspect);
    tcase_add_test(c, polls_alone_are_enough);
    tcase_add_test(c, returns_start_slowly);
    tcase_add_test(c, ramp_waits_for_up);
    tcase_add_test(c, huge_loads_are_told);
    tcase_add_test(c, reported_capacity_counts);
    tcase_add_test(c, resumed);
    tcase_add_test(c, resumed_without_anybody_who_looks);
    tcase_add_test(c, dwell_holds);
    tcase_add_test(c, flapping_streamers);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
