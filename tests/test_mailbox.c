#include "daemon/mailbox.h"

#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

static bool is_readable(const struct mailbox *m)
{
    struct pollfd p = {.fd = mailbox_fd(m), .events = POLLIN};

    return poll(&p, 1, 0) == 1;
}

START_TEST(newest_of_a_kind_wins)
{
    struct mailbox *m = mailbox_new();
    int a, b, c;

    ck_assert_ptr_nonnull(m);
    ck_assert(!is_readable(m));
    ck_assert_ptr_null(mailbox_take(m, MAIL_VIEW));
    ck_assert_ptr_null(mailbox_post(m, MAIL_VIEW, &a));
    ck_assert_ptr_eq(mailbox_post(m, MAIL_VIEW, &b), &a); /* the poster has it back */
    ck_assert_ptr_null(mailbox_post(m, MAIL_STOP, &c));
    ck_assert(is_readable(m));
    mailbox_drain(m);
    ck_assert(!is_readable(m));
    mailbox_drain(m); /* of an empty one: does not block */
    ck_assert_ptr_eq(mailbox_take(m, MAIL_VIEW), &b);
    ck_assert_ptr_null(mailbox_take(m, MAIL_VIEW));
    ck_assert_ptr_null(mailbox_take(m, MAIL_DRAIN));
    ck_assert_ptr_eq(mailbox_take(m, MAIL_STOP), &c);
    ck_assert_ptr_null(mailbox_post(m, MAIL_VIEW, &a));
    ck_assert(is_readable(m));
    mailbox_free(m);
    mailbox_free(NULL);
}
END_TEST

/* As views go: counted, built by one thread, used and dropped by another. TSan sees whether what
 * was written before the post is seen behind the take. */
struct parcel {
    unsigned serial, twice;
};

struct worker {
    struct mailbox *mail;
    unsigned taken, last;
};

static void *work(void *arg)
{
    struct worker *w = arg;
    void *stop = NULL;

    while (!stop) {
        struct pollfd p = {.fd = mailbox_fd(w->mail), .events = POLLIN};
        struct parcel *got;

        ck_assert_int_eq(poll(&p, 1, 10000), 1); /* a lost wake-up would end here */
        mailbox_drain(w->mail);
        stop = mailbox_take(w->mail, MAIL_STOP);
        got = mailbox_take(w->mail, MAIL_VIEW);
        if (!got)
            continue;
        ck_assert_uint_gt(got->serial, w->last);
        ck_assert_uint_eq(got->twice, 2 * got->serial);
        w->last = got->serial;
        w->taken++;
        free(got);
    }
    return NULL;
}

START_TEST(nothing_is_lost_between_threads)
{
    enum { ROUNDS = 20000, WORKERS = 2 };
    struct worker w[WORKERS] = {0};
    pthread_t t[WORKERS];
    unsigned displaced[WORKERS] = {0};

    for (unsigned i = 0; i < WORKERS; i++) {
        w[i].mail = mailbox_new();
        ck_assert_ptr_nonnull(w[i].mail);
        ck_assert_int_eq(pthread_create(&t[i], NULL, work, &w[i]), 0);
    }
    for (unsigned n = 1; n <= ROUNDS; n++)
        for (unsigned i = 0; i < WORKERS; i++) {
            struct parcel *p = malloc(sizeof *p), *back;

            *p = (struct parcel){n, 2 * n};
            back = mailbox_post(w[i].mail, MAIL_VIEW, p);
            displaced[i] += back != NULL;
            free(back);
        }
    for (unsigned i = 0; i < WORKERS; i++) {
        ck_assert_ptr_null(mailbox_post(w[i].mail, MAIL_STOP, &w[i]));
        pthread_join(t[i], NULL);
        ck_assert_ptr_null(mailbox_take(w[i].mail, MAIL_VIEW));
        ck_assert_uint_eq(w[i].taken + displaced[i], ROUNDS);
        ck_assert_uint_eq(w[i].last, ROUNDS); /* the newest always arrives */
        mailbox_free(w[i].mail);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("mailbox");
    TCase *c = tcase_create("mailbox");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(c, 30);
    tcase_add_test(c, newest_of_a_kind_wins);
    tcase_add_test(c, nothing_is_lost_between_threads);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
