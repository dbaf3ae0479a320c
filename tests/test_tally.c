#include "router/tally.h"

#include <check.h>
#include <pthread.h>
#include <string.h>

START_TEST(fills_drops_and_drains)
{
    struct tally_ring *r = tally_ring_new(3); /* 4 */

    ck_assert_ptr_nonnull(r);
    ck_assert_ptr_null(tally_peek(r));
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned i = 0; i < 4; i++) {
            struct tally *t = tally_begin(r);

            ck_assert_ptr_nonnull(t);
            *t = (struct tally){.content = round, .count = i};
            tally_commit(r);
        }
        ck_assert_ptr_null(tally_begin(r));
        ck_assert_uint_eq(tally_dropped(r), round + 1);
        for (unsigned i = 0; i < 4; i++) {
            const struct tally *t = tally_peek(r);

            ck_assert_ptr_nonnull(t);
            ck_assert(t->content == round && t->count == i);
            tally_release(r);
        }
        ck_assert_ptr_null(tally_peek(r));
    }
    tally_ring_free(r);
    tally_ring_free(NULL);
}
END_TEST

enum { TALLIES = 100000 };

static void *tell(void *arg)
{
    struct tally_ring *r = arg;

    for (uint32_t i = 1; i <= TALLIES; i++) {
        struct tally *t = tally_begin(r);

        if (!t)
            continue;
        t->content = ~(uint64_t)i;
        t->count = i;
        t->key_len = POPULARITY_KEY_MAX;
        memset(t->key, (int)(i & 0x7f), sizeof t->key);
        tally_commit(r);
    }
    return NULL;
}

/* Each arrives whole, in order, once; what does not was counted as dropped. */
START_TEST(between_threads)
{
    struct tally_ring *r = tally_ring_new(64);
    uint64_t taken = 0;
    uint32_t last = 0;
    pthread_t worker;

    ck_assert_int_eq(pthread_create(&worker, NULL, tell, r), 0);
    while (taken + tally_dropped(r) < TALLIES) {
        const struct tally *t = tally_peek(r);

        if (!t)
            continue;
        ck_assert_uint_gt(t->count, last);
        ck_assert_uint_eq(t->content, ~(uint64_t)t->count);
        for (unsigned k = 0; k < sizeof t->key; k++)
            ck_assert_int_eq(t->key[k], (char)(t->count & 0x7f));
        last = t->count;
        taken++;
        tally_release(r);
    }
    pthread_join(worker, NULL);
    ck_assert_ptr_null(tally_peek(r));
    ck_assert_uint_gt(taken, 0);
    tally_ring_free(r);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("tally");
    TCase *t = tcase_create("tally");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(t, fills_drops_and_drains);
    tcase_add_test(t, between_threads);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
