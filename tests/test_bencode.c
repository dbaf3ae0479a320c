#include "tracker/bencode.h"

#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "tests/bencode_check.h"

static void write_all(struct bencode *b)
{
    bencode_dict(b);
    bencode_key(b, "a");
    bencode_int(b, 0);
    bencode_key(b, "b");
    bencode_int(b, INT64_MIN);
    bencode_key(b, "c");
    bencode_list(b);
    bencode_str(b, "", 0);
    bencode_str(b, "x\0y", 3);
    bencode_dict(b);
    bencode_end(b);
    bencode_end(b);
    bencode_end(b);
}

static const char all[] = "d1:ai0e1:bi-9223372036854775808e1:cl0:3:x\0ydeee";

START_TEST(every_kind)
{
    char text[100];
    struct bencode b = {.p = text, .cap = sizeof text};

    write_all(&b);
    ck_assert(!b.full);
    ck_assert_uint_eq(b.n, sizeof all - 1);
    ck_assert_mem_eq(text, all, b.n);
}
END_TEST

/* However little room there is: it says so, and nothing is written behind the end. */
START_TEST(too_small_is_told)
{
    for (size_t cap = 0; cap < sizeof all; cap++) {
        char *text = malloc(cap ? cap : 1);
        struct bencode b = {.p = text, .cap = cap};

        write_all(&b);
        ck_assert(b.full == (cap < sizeof all - 1));
        ck_assert_uint_le(b.n, cap);
        free(text);
    }
}
END_TEST

static const struct {
    const char *text;
    bool good;
} rows[] = {
    {"de", true},
    {"i0e", true},
    {"0:", true},
    {"i00e", false},
    {"i-e", false},
    {"01:a", false},
    {"2:a", false},
    {"d1:b0:1:a0:e", false},
    {"d1:a0:1:a0:e", false},
    {"d1:a0:2:aa0:e", true},
    {"dei0e", false},
    {"l", false},
    {"d1:ae", false},
    {"llllllllleeeeeeeee", false},
    {"", false},
};

START_TEST(the_reader_is_strict)
{
    ck_assert_msg(bencode_valid(rows[_i].text, strlen(rows[_i].text)) == rows[_i].good, "%s",
                  rows[_i].text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bencode");
    TCase *tc = tcase_create("bencode");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, every_kind);
    tcase_add_test(tc, too_small_is_told);
    tcase_add_loop_test(tc, the_reader_is_strict, 0, sizeof rows / sizeof *rows);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
