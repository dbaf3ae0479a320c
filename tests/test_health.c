#include "router/health.h"

#include <check.h>
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
        const struct probe_conf c = {.interval_ms = intervals[i]};
        const uint32_t tenth = intervals[i] / 10;
        uint32_t least = UINT32_MAX, most = 0;

        for (unsigned k = 0; k < 2000; k++) {
            const uint32_t next = health_next_ms(&c, hash_mix(1, k));
            const uint32_t first = health_first_ms(&c, hash_mix(1, k));

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

int main(void)
{
    Suite *s = suite_create("health");
    TCase *c = tcase_create("health");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(c, table, 0, (int)(sizeof rows / sizeof *rows));
    tcase_add_test(c, any_sequence);
    tcase_add_test(c, times);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
