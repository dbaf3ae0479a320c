#include "router/peers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#define PIDS 20

static struct arena *arena;
static struct view view;

static uint64_t rng = 1;

static uint64_t rnd(uint64_t below)
{
    rng ^= rng >> 12;
    rng ^= rng << 25;
    rng ^= rng >> 27;
    return (rng * UINT64_C(0x2545f4914f6cdd1d) >> 11) % below;
}

/* Twenty PIDs at cost |i - j| * 3 + (j > i): no two alike from one PID, but of p19 nobody knows. */
static void setup(void)
{
    struct bytes net = {0}, cost = {0};
    struct err e = {0};

    arena = arena_new((size_t)16 << 20);
    ck_assert(bytes_printf(&net, "{\"meta\":{\"vtag\":{\"resource-id\":\"n\",\"tag\":\"t\"}},"
                                 "\"network-map\":{"));
    ck_assert(bytes_printf(&cost, "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"n\",\"tag\":"
                                  "\"t\"}],\"cost-type\":{\"cost-mode\":\"numerical\","
                                  "\"cost-metric\":\"routingcost\"}},\"cost-map\":{"));
    for (int i = 0; i < PIDS; i++) {
        ck_assert(
            bytes_printf(&net, "%s\"p%02d\":{\"ipv4\":[\"10.%d.0.0/16\"]}", i ? "," : "", i, i));
        ck_assert(bytes_printf(&cost, "%s\"p%02d\":{", i ? "," : "", i));
        for (int k = 0; k < PIDS - 1; k++)
            ck_assert(
                bytes_printf(&cost, "%s\"p%02d\":%d", k ? "," : "", k, abs(i - k) * 3 + (k > i)));
        ck_assert(bytes_printf(&cost, "}"));
    }
    ck_assert(bytes_printf(&net, "}}"));
    ck_assert(bytes_printf(&cost, "}}"));
    ck_assert_msg(netmap_parse(net.data, net.len, arena, &view.netmap, &e) == ERR_OK, "%s", e.text);
    ck_assert_msg(costmap_parse(cost.data, cost.len, view.netmap, arena, &view.costmap, &e) ==
                      ERR_OK,
                  "%s", e.text);
    bytes_free(&net);
    bytes_free(&cost);
}

static void teardown(void)
{
    arena_free(arena);
    view = (struct view){0};
}

/* What a peer of that PID is worth to the client: lower is better. */
static double worth(pidx client, pidx peer)
{
    double cost;

    if (peer == client)
        return -1;
    if (peer == PIDX_NONE)
        return INFINITY;
    cost = costmap_get(view.costmap, client, peer);
    return isnan(cost) ? INFINITY : cost;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

#define NEED(x)                                                                                    \
    do {                                                                                           \
        if (!(x))                                                                                  \
            ck_abort_msg("%s, round %d", #x, round);                                               \
    } while (0)

/* Against sorting: each once, the near part is the best part in order, the rest is a random draw.
 */
START_TEST(rank_equals_sorting)
{
    for (int round = 0; round < 20000; round++) {
        pidx pids[300];
        uint16_t pick[300];
        double value[300];
        bool seen[300] = {false};
        unsigned n = (unsigned)rnd(round % 10 ? 60 : 300), got, near;
        struct peers_request r = {.client = (pidx)rnd(PIDS),
                                  .want = (unsigned)rnd(70),
                                  .random_pm = (unsigned)rnd(5) * 250,
                                  .seed = rnd(UINT64_MAX >> 12)};

        for (unsigned i = 0; i < n; i++) {
            pids[i] = rnd(30) ? (pidx)rnd(PIDS) : PIDX_NONE;
            if (i && rnd(3))
                pids[i] = pids[i - 1];
            value[i] = worth(r.client, pids[i]);
        }
        got = peers_rank(&view, &r, pids, n, pick);
        NEED(got == (r.want < n ? r.want : n));
        qsort(value, n, sizeof *value, by_value);
        near = got < n ? got - peers_random_share(got, r.random_pm) : got;
        for (unsigned i = 0; i < got; i++) {
            NEED(pick[i] < n && !seen[pick[i]]);
            seen[pick[i]] = true;
            if (i < near)
                NEED(worth(r.client, pids[pick[i]]) == value[i]);
        }
    }
}
END_TEST

/* 1000 peers would not fit: 400, of whom the 40 of the own PID are near; an answer of 50 with a
 * fifth at random has 40 of them and 10 of the others, each of the others as often as any. */
START_TEST(random_share_is_spread)
{
    pidx pids[400];
    uint16_t pick[400];
    unsigned often[400] = {0}, low = UINT32_MAX, high = 0;

    for (unsigned i = 0; i < 400; i++)
        pids[i] = (pidx)(i / 40);
    for (int round = 0; round < 7200; round++) {
        struct peers_request r = {3, 50, 200, rnd(UINT64_MAX >> 12)};

        NEED(peers_rank(&view, &r, pids, 400, pick) == 50);
        for (unsigned i = 0; i < 50; i++)
            often[pick[i]]++;
    }
    for (unsigned i = 0; i < 400; i++) {
        if (pids[i] == 3) {
            ck_assert_uint_eq(often[i], 7200);
            continue;
        }
        low = often[i] < low ? often[i] : low;
        high = often[i] > high ? often[i] : high;
    }
    ck_assert_uint_ge(low, 130); /* 200 is the mean, 14 the deviation */
    ck_assert_uint_le(high, 270);
}
END_TEST

/* Nowhere in the map: all at random, so over many answers everybody comes first. */
START_TEST(nowhere_is_random)
{
    pidx pids[30];
    uint16_t pick[30];
    unsigned first[30] = {0};

    for (unsigned i = 0; i < 30; i++)
        pids[i] = (pidx)(i % PIDS);
    for (unsigned round = 0; round < 3000; round++) {
        struct peers_request r = {PIDX_NONE, 10, 0, rnd(UINT64_MAX >> 12)};

        ck_assert_uint_eq(peers_rank(&view, &r, pids, 30, pick), 10);
        first[pick[0]]++;
    }
    for (unsigned i = 0; i < 30; i++)
        ck_assert_uint_ge(first[i], 50);
}
END_TEST

START_TEST(near_equals_sorting)
{
    for (pidx client = 0; client < PIDS; client++)
        for (unsigned max = 0; max <= PIDS + 2; max++) {
            pidx out[PIDS + 2];
            unsigned n = peers_near(&view, client, out, max);
            unsigned all = client == PIDS - 1 ? PIDS : PIDS - 1; /* p19 is known to itself alone */

            ck_assert_uint_eq(n, max < all ? max : all);
            for (unsigned i = 0; i < n; i++) {
                unsigned better = 0;

                for (unsigned p = 0; p < PIDS; p++)
                    better += worth(client, (pidx)p) < worth(client, out[i]);
                ck_assert_uint_eq(better, i);
            }
        }
    ck_assert_uint_eq(peers_near(&view, PIDX_NONE, NULL, 5), 0);
}
END_TEST

/* Without maps everybody is in one place, or nowhere; nothing is asked of a map that is not there.
 */
START_TEST(no_maps)
{
    const struct view bare = {0};
    const pidx pids[] = {0, 0, PIDX_NONE, 0};
    const struct peers_request r = {0, 4, 0, 7};
    uint16_t pick[4];
    pidx near[4];

    ck_assert_uint_eq(peers_rank(&bare, &r, pids, 4, pick), 4);
    ck_assert_uint_eq(pick[3], 2);
    ck_assert_uint_eq(peers_near(&bare, 0, near, 4), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("peers");
    TCase *tc = tcase_create("peers");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, rank_equals_sorting);
    tcase_add_test(tc, random_share_is_spread);
    tcase_add_test(tc, nowhere_is_random);
    tcase_add_test(tc, near_equals_sorting);
    tcase_add_test(tc, no_maps);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
