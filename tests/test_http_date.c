#include "base/http_date.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Days all along, and what libc says of them. */
START_TEST(reads_what_it_writes)
{
    for (uint64_t s = 0; s < UINT64_C(253402300800); s += 86400 * 131 + 3607) {
        time_t t = (time_t)s;
        char want[HTTP_DATE_SIZE + 8], got[HTTP_DATE_SIZE];
        struct err e = {0};
        uint64_t back = 0;
        struct tm tm;

        gmtime_r(&t, &tm);
        strftime(want, sizeof want, "%a, %d %b %Y %H:%M:%S GMT", &tm);
        http_date_format(s, got);
        ck_assert_str_eq(got, want);
        ck_assert_msg(http_date_parse(str_from(got), &back, &e) == ERR_OK, "%s", e.text);
        ck_assert_uint_eq(back, s);
    }
}
END_TEST

static const struct {
    const char *text;
    uint64_t s;
} good[] = {
    {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
    {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
    {"Tue, 1 Jul 2014 13:00:00 GMT", 1404219600},
    {"Tue, 1 Jul 2019 13:00:00 GMT", 1561986000}, /* was a Monday */
    {"Thu, 29 Feb 2024 00:00:00 GMT", 1709164800},
    {"Sat, 31 Dec 2016 23:59:60 GMT", 1483228800},
    {"Fri, 31 Dec 9999 23:59:59 GMT", UINT64_C(253402300799)},
};

START_TEST(writes_the_last_day)
{
    char got[HTTP_DATE_SIZE];

    http_date_format(UINT64_C(253402300799), got);
    ck_assert_str_eq(got, "Fri, 31 Dec 9999 23:59:59 GMT");
}
END_TEST

START_TEST(reads)
{
    struct err e = {0};
    uint64_t s = 1;

    ck_assert_msg(http_date_parse(str_from(good[_i].text), &s, &e) == ERR_OK, "%s", e.text);
    ck_assert_uint_eq(s, good[_i].s);
}
END_TEST

static const char *const bad[] = {
    "",
    "now",
    "Sun, 06 Nov 1994 08:49:37",
    "Sun, 06 Nov 1994 08:49:37 UTC",
    "Sun, 06 Nov 1994 08:49:37 gmt",
    "Sun, 06 Nov 1994 08:49:37 GMT ",
    " Sun, 06 Nov 1994 08:49:37 GMT",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun Nov  6 08:49:37 1994",
    "Sun, 00 Nov 1994 08:49:37 GMT",
    "Sun, 31 Nov 1994 08:49:37 GMT",
    "Sun, 29 Feb 1900 08:49:37 GMT",
    "Sun, 29 Feb 2023 08:49:37 GMT",
    "Sun, 06 Nov 1969 08:49:37 GMT",
    "Sun, 06 Nov 1994 24:00:00 GMT",
    "Sun, 06 Nov 1994 08:60:37 GMT",
    "Sun, 06 Nov 1994 08:49:61 GMT",
    "Sun, 06 Nov 1994 -8:49:37 GMT",
    "Sun, -6 Nov 1994 08:49:37 GMT",
    "Sun,  6 Nov 1994 08:49:37 GMT",
    "Son, 06 Nov 1994 08:49:37 GMT",
    "Sun, 06 nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 94 08:49:37 GMT",
    "Sun, 06 Nov 10994 08:49:37 GM",
};

START_TEST(refuses)
{
    struct err e = {0};
    uint64_t s = 7;

    ck_assert_int_eq(http_date_parse(str_from(bad[_i]), &s, &e), ERR_PARSE);
    ck_assert_msg(strstr(e.text, "is no date such as"), "%s", e.text);
    ck_assert_uint_eq(s, 7);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("http_date");
    TCase *c = tcase_create("http_date");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(c, reads_what_it_writes);
    tcase_add_test(c, writes_the_last_day);
    tcase_add_loop_test(c, reads, 0, (int)(sizeof good / sizeof *good));
    tcase_add_loop_test(c, refuses, 0, (int)(sizeof bad / sizeof *bad));
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
