#include "base/err.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

START_TEST(the_first_wins)
{
    struct err e = {0};

    ck_assert_int_eq(err_set(&e, ERR_PARSE, "at %d", 7), ERR_PARSE);
    ck_assert_int_eq(err_set(&e, ERR_LIMIT, "later"), ERR_PARSE);
    errno = ENOENT;
    ck_assert_int_eq(err_set_errno(&e, "later"), ERR_PARSE);
    ck_assert_str_eq(e.text, "at 7");
    ck_assert_int_eq(e.code, ERR_PARSE);
}
END_TEST

START_TEST(levels_add_their_names)
{
    struct err e = {0};

    err_set(&e, ERR_PARSE, "length is over %u", 32);
    err_wrap(&e, "\"%s\"", "10.0.0.0/33");
    err_wrap(&e, "network map %s", "net.json");
    ck_assert_str_eq(e.text, "network map net.json: \"10.0.0.0/33\": length is over 32");
}
END_TEST

START_TEST(the_systems_reason)
{
    struct err e = {0};

    errno = EACCES;
    ck_assert_int_eq(err_set_errno(&e, "cannot open %s", "x"), ERR_IO);
    ck_assert_str_eq(e.text, "cannot open x: Permission denied");
}
END_TEST

START_TEST(nobody_listens)
{
    ck_assert_int_eq(err_set(NULL, ERR_LIMIT, "x"), ERR_LIMIT);
    ck_assert_int_eq(err_set_errno(NULL, "x"), ERR_IO);
    err_wrap(NULL, "x");
}
END_TEST

START_TEST(long_texts_are_cut)
{
    char longer[3 * ERR_TEXT_MAX];
    struct err e = {0};

    memset(longer, 'x', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    err_set(&e, ERR_PARSE, "%s", longer);
    ck_assert_uint_eq(strlen(e.text), ERR_TEXT_MAX - 1);
    for (unsigned i = 0; i < 10; i++)
        err_wrap(&e, "%s", longer);
    ck_assert_uint_eq(strlen(e.text), ERR_TEXT_MAX - 1);
    err_wrap(&e, "front");
    ck_assert_int_eq(strncmp(e.text, "front: x", 8), 0);
    ck_assert_uint_eq(strlen(e.text), ERR_TEXT_MAX - 1);
}
END_TEST

START_TEST(names_are_stable)
{
    static const char *const names[] = {"ok",        "parse",       "conflict", "limit",
                                        "not-found", "unsupported", "io"};

    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        ck_assert_str_eq(err_code_name((enum err_code)i), names[i]);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("err");
    TCase *t = tcase_create("err");
    SRunner *r;
    int failed;

    tcase_add_test(t, the_first_wins);
    tcase_add_test(t, levels_add_their_names);
    tcase_add_test(t, the_systems_reason);
    tcase_add_test(t, nobody_listens);
    tcase_add_test(t, long_texts_are_cut);
    tcase_add_test(t, names_are_stable);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
