#include "router/hot.h"

#include <check.h>
#include <pthread.h>

#include "base/hash.h"
#include "view_fixture.h"

/* Line `line`, content `n` of it: the low 16 bits do not tell contents apart. */
static uint64_t content(unsigned line, unsigned n)
{
    return (uint64_t)line << (64 - HOT_BITS + 3) | (uint64_t)(n + 1) << 16 | 0x77;
}

START_TEST(set_and_taken_out)
{
    struct hot *h = hot_new();

    ck_assert_uint_eq(hot_owners(h, content(1, 1)), 0);
    ck_assert(hot_set(h, content(1, 1), 4, 0));
    ck_assert_uint_eq(hot_owners(h, content(1, 1)), 4);
    ck_assert_uint_eq(hot_owners(h, content(1, 2)), 0);
    ck_assert(hot_set(h, content(1, 1), 300, 0)); /* changed in place, and held to a byte */
    ck_assert_uint_eq(hot_owners(h, content(1, 1)), 255);
    ck_assert(hot_set(h, content(1, 1), 1, 0));
    ck_assert_uint_eq(hot_owners(h, content(1, 1)), 0);
    ck_assert(hot_set(h, content(1, 1), 0, 0)); /* was not there: fine */
    ck_assert_uint_eq(hot_owners(h, 0), 0);     /* an empty word is no content */
    ck_assert(hot_set(h, content(2, 1), 3, 0));
    hot_clear(h);
    ck_assert_uint_eq(hot_owners(h, content(2, 1)), 0);
    hot_free(h);
    hot_free(NULL);
}
END_TEST

START_TEST(a_full_line_keeps_those_with_more)
{
    struct hot *h = hot_new();

    for (unsigned n = 0; n < HOT_PROBE; n++)
        ck_assert(hot_set(h, content(5, n), 10 + n, 0));
    ck_assert(hot_set(h, content(6, 0), 2, 0)); /* another line has room */
    ck_assert(!hot_set(h, content(5, 100), 10, 0));
    ck_assert(hot_set(h, content(5, 100), 11, 0)); /* in place of the one with 10 */
    ck_assert_uint_eq(hot_owners(h, content(5, 0)), 0);
    ck_assert_uint_eq(hot_owners(h, content(5, 100)), 11);
    for (unsigned n = 1; n < HOT_PROBE; n++)
        ck_assert_uint_eq(hot_owners(h, content(5, n)), 10 + n);
    hot_free(h);
}
END_TEST

START_TEST(replace_is_what_the_other_has)
{
    struct hot *h = hot_new(), *by = hot_new();
    uint64_t seed;
    struct dice d;

    hash_random(&seed, sizeof seed);
    d.state = seed | 1;
    for (unsigned round = 0; round < 20; round++) {
        hot_clear(by);
        for (unsigned k = 0; k < 6000; k++) /* many lines full */
            (void)hot_set(by, content(dice_below(&d, 1024), dice_below(&d, 12)), dice_below(&d, 20),
                          0);
        hot_replace(h, by);
        for (unsigned line = 0; line < 1024; line++)
            for (unsigned n = 0; n < 12; n++)
                ck_assert_msg(hot_owners(h, content(line, n)) == hot_owners(by, content(line, n)),
                              "seed %lx", seed);
    }
    hot_free(h);
    hot_free(by);
}
END_TEST

static void *read_all(void *arg)
{
    const struct hot *h = arg;

    for (unsigned k = 0; k < 200000; k++) {
        const unsigned stays = hot_owners(h, content(3, 1)), goes = hot_owners(h, content(3, 2));

        ck_assert(stays == 5 || stays == 6);
        ck_assert(goes == 0 || goes == 9);
    }
    return NULL;
}

START_TEST(who_stays_is_never_missed)
{
    struct hot *h = hot_new(), *by[2] = {hot_new(), hot_new()};
    pthread_t t;

    ck_assert(hot_set(h, content(3, 1), 5, 0));
    ck_assert(hot_set(by[0], content(3, 2), 9, 0) && hot_set(by[0], content(3, 1), 5, 0));
    ck_assert(hot_set(by[1], content(3, 1), 6, 0));
    ck_assert_int_eq(pthread_create(&t, NULL, read_all, h), 0);
    for (unsigned k = 0; k < 2000; k++)
        hot_replace(h, by[k % 2]);
    pthread_join(t, NULL);
    hot_free(h);
    hot_free(by[0]);
    hot_free(by[1]);
}
END_TEST

START_TEST(often_there_and_back)
{
    struct hot *h = hot_new();

    ck_assert_uint_eq(hot_often_of(0), 0);
    ck_assert_uint_eq(hot_often_of(-1), 0);
    ck_assert_uint_eq(hot_often_of(1), 16);
    ck_assert_uint_eq(hot_often_of(3), 32);
    ck_assert_uint_eq(hot_often_of(1e300), HOT_OFTEN_MAX);
    ck_assert_double_eq(hot_times(0), 0);
    for (unsigned often = 0; often < HOT_OFTEN_MAX; often++) {
        ck_assert_uint_eq(hot_often_of(hot_times(often)), often);
        ck_assert_uint_eq(hot_often_of(0.01 * hot_times(often) + 0.99 * hot_times(often + 1)),
                          often);
        ck_assert_double_lt((1 + hot_times(often + 1)) / (1 + hot_times(often)), 1.07);
    }
    ck_assert(hot_set(h, content(1, 1), 1, 9));
    ck_assert_uint_eq(hot_owners(h, content(1, 1)), 1);
    ck_assert_uint_eq(hot_often(hot_find(h, content(1, 1))), 9);
    ck_assert(hot_set(h, content(1, 1), 200, 1000));
    ck_assert_uint_eq(hot_find(h, content(1, 1)), HOT_OFTEN_MAX << 8 | 200);
    ck_assert(hot_set(h, content(1, 1), 0, 0));
    ck_assert_uint_eq(hot_find(h, content(1, 1)), 0);
    hot_free(h);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("hot");
    TCase *t = tcase_create("hot");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(t, set_and_taken_out);
    tcase_add_test(t, often_there_and_back);
    tcase_add_test(t, a_full_line_keeps_those_with_more);
    tcase_add_test(t, replace_is_what_the_other_has);
    tcase_add_test(t, who_stays_is_never_missed);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
