#include "router/session_table.h"

#include <check.h>
#include <pthread.h>

#include "base/hash.h"
#include "view_fixture.h"

static struct addr client(uint32_t n)
{
    return addr_from_v4((UINT32_C(10) << 24) + n);
}

START_TEST(once_a_window)
{
    struct session_table *t = session_table_new(1000);
    const uint32_t day = 86400;

    ck_assert(session_table_note(t, client(1), 7, 3, day, 60));
    ck_assert(!session_table_note(t, client(1), 7, 3, day, 60));
    ck_assert(!session_table_note(t, client(1), 7, 3, day + 59, 60));
    ck_assert(!session_table_note(t, client(1), 7, 3, day + 118, 60)); /* it slides */
    ck_assert(session_table_note(t, client(1), 7, 3, day + 178, 60));
    ck_assert(session_table_note(t, client(2), 7, 3, day + 178, 60)); /* each its own */
    ck_assert(session_table_note(t, client(1), 8, 3, day + 178, 60));
    ck_assert(session_table_note(t, (struct addr){1, client(1).lo}, 7, 3, day + 178, 60));
    ck_assert(session_table_note(t, client(1), 7, 4, day + 180, 60)); /* moved */
    ck_assert(!session_table_note(t, client(1), 7, 4, day + 181, 60));
    ck_assert(session_table_note(t, client(1), 7, 3, day + 182, 60)); /* and back */
    ck_assert(session_table_note(t, client(9), 7, LIVE_SLOTS - 1, day, 0));
    ck_assert(session_table_note(t, client(9), 7, LIVE_SLOTS - 1, day, 0));       /* no window */
    ck_assert(!session_table_note(t, client(9), 7, LIVE_SLOTS - 1, day - 2, 60)); /* a slow clock */
    session_table_free(t);
    session_table_free(NULL);
}
END_TEST

enum { MODEL_CLIENTS = 40, MODEL_CONTENTS = 10, MODEL_STREAMERS = 3 };

struct model_entry {
    bool there;
    unsigned to;
    uint32_t at_s;
};

/* A table with room for all: equal to a map from client and content, over weeks, so that the time
 * in an entry wraps again and again; also where nobody asks for days. */
START_TEST(as_a_map)
{
    static struct model_entry model[MODEL_CLIENTS][MODEL_CONTENTS];
    struct session_table *t = session_table_new(1 << 16);
    uint32_t now_s = 12345;
    unsigned old = 0;
    uint64_t seed;
    struct dice d;

    hash_random(&seed, sizeof seed);
    d.state = seed | 1;
    memset(model, 0, sizeof model);
    for (unsigned step = 0; step < 60000; step++) {
        const unsigned who = dice_below(&d, MODEL_CLIENTS), what = dice_below(&d, MODEL_CONTENTS);
        const unsigned to = dice_below(&d, 10) ? 0 : dice_below(&d, MODEL_STREAMERS);
        const uint32_t window_s = dice_below(&d, 2) ? 60 : 40000;
        struct model_entry *e = &model[who][what];
        const bool fresh = !e->there || e->to != to || now_s - e->at_s >= window_s;

        ck_assert_msg(session_table_note(t, client(who), what, (lidx)to, now_s, window_s) == fresh,
                      "seed %lx step %u", seed, step);
        *e = (struct model_entry){true, to, now_s};
        old += !fresh;
        now_s += dice_below(&d, 3);
        if (dice_below(&d, 300) == 0)
            now_s += dice_below(&d, 30000);
        if (dice_below(&d, 3000) == 0)
            now_s += dice_below(&d, 900000);
        if (dice_below(&d, 1000) == 0) /* a whole turn of the time in an entry */
            now_s += 1 << 18;
    }
    ck_assert_uint_gt(old, 10000);
    session_table_free(t);
}
END_TEST

/* Nobody of these is asked for again until the time has wrapped, while the table is in use. */
START_TEST(old_entries_do_not_come_back)
{
    struct session_table *t = session_table_new(4096);
    uint32_t now_s = 1000;

    for (uint32_t n = 0; n < 1000; n++)
        ck_assert(session_table_note(t, client(n), 1, 1, now_s, 60));
    for (; now_s < 1000 + (1 << 18); now_s += 1000)
        (void)session_table_note(t, client(5000), 1, 1, now_s, 60);
    for (uint32_t n = 0; n < 1000; n++)
        ck_assert(session_table_note(t, client(n), 1, 1, 1000 + (1 << 18), 60));
    session_table_free(t);
}
END_TEST

/* A table that is too small forgets, the oldest first, and never takes one for another. */
START_TEST(the_oldest_are_forgotten)
{
    struct session_table *t = session_table_new(64);
    unsigned kept = 0, recent = 0;

    for (uint32_t n = 0; n < 1000; n++)
        ck_assert(session_table_note(t, client(n), 1, 1, 1000 + n, 60000));
    for (uint32_t n = 990; n < 1000; n++)
        recent += !session_table_note(t, client(n), 1, 1, 2000, 60000);
    for (uint32_t n = 0; n < 900; n++)
        kept += !session_table_note(t, client(n), 1, 1, 2001, 60000);
    ck_assert_uint_ge(recent, 9); /* of 10; 8 buckets of 8 hold the last 50 or so */
    ck_assert_uint_le(kept, 2);
    session_table_free(t);
}
END_TEST

enum { THREADS = 4, KEYS = 20000 };

struct asker {
    struct session_table *t;
    atomic_uint *fresh;
};

static void *ask(void *arg)
{
    struct asker *a = arg;

    for (uint32_t n = 0; n < KEYS; n++)
        if (session_table_note(a->t, client(n), 1, 1, 5000 + n / 1000, 60))
            atomic_fetch_add_explicit(a->fresh, 1, memory_order_relaxed);
    return NULL;
}

/* All ask for the same at once: each session is counted once, whoever comes first. */
START_TEST(workers_count_once)
{
    struct session_table *t = session_table_new(1 << 18);
    atomic_uint fresh = 0;
    struct asker a = {t, &fresh};
    pthread_t threads[THREADS];

    for (unsigned i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, ask, &a), 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_ge(fresh, KEYS);
    ck_assert_uint_le(fresh, KEYS + KEYS / 1000);
    session_table_free(t);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("session_table");
    TCase *t = tcase_create("session_table");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(t, once_a_window);
    tcase_add_test(t, as_a_map);
    tcase_add_test(t, old_entries_do_not_come_back);
    tcase_add_test(t, the_oldest_are_forgotten);
    tcase_add_test(t, workers_count_once);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
