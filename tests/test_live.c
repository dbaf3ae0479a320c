#include "router/live.h"

#include <check.h>
#include <math.h>
#include <stdio.h>

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

static Suite *live_suite(void)
{
    Suite *s = suite_create("live");
    TCase *t = tcase_create("live");

    tcase_add_loop_test(t, usable_by_health_and_admin, 0, sizeof rows / sizeof *rows);
    tcase_add_test(t, slots_keep_their_names);
    tcase_add_test(t, slots_run_out);
    tcase_add_test(t, sessions_age);
    tcase_add_test(t, steady_rate_is_rate_times_length);
    tcase_add_test(t, dispatches_wrap);
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
