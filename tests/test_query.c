#include "base/query.h"

#include <check.h>
#include <stdlib.h>

static const struct {
    const char *what, *in;
    bool ok;
    const char *out;
    size_t len;
} rows[] = {
    {"plain text", "abc", true, "abc", 3},
    {"both cases of digits", "%41%6a%6A", true, "Ajj", 3},
    {"a NUL is a byte like another", "%00x", true, "\0x", 2},
    {"plus is a space", "a+b", true, "a b", 3},
    {"the last byte encoded", "a%20", true, "a ", 2},
    {"one digit", "a%2", false, NULL, 0},
    {"no digit", "a%", false, NULL, 0},
    {"not a digit", "%zz", false, NULL, 0},
    {"over the room", "0123456789abcdefg", false, NULL, 0},
    {"exactly the room", "0123456789abcdef", true, "0123456789abcdef", 16},
    {"empty", "", true, "", 0},
};

START_TEST(decodes)
{
    char out[16];
    size_t len = 99;

    ck_assert_msg(percent_decode(str_from(rows[_i].in), true, out, sizeof out, &len) == rows[_i].ok,
                  "%s", rows[_i].what);
    if (rows[_i].ok) {
        ck_assert_uint_eq(len, rows[_i].len);
        ck_assert_mem_eq(out, rows[_i].out, len);
    }
}
END_TEST

START_TEST(walks_pieces)
{
    struct str rest = STR("a=1&&b&c=x=y&d="), name, value;

    ck_assert(query_next(&rest, &name, &value) && str_eq(name, STR("a")) &&
              str_eq(value, STR("1")));
    ck_assert(query_next(&rest, &name, &value) && str_eq(name, STR("b")) && value.p == NULL);
    ck_assert(query_next(&rest, &name, &value) && str_eq(name, STR("c")) &&
              str_eq(value, STR("x=y")));
    ck_assert(query_next(&rest, &name, &value) && str_eq(name, STR("d")) && value.p &&
              value.n == 0);
    ck_assert(!query_next(&rest, &name, &value));
}
END_TEST

START_TEST(finds_the_first)
{
    ck_assert(str_eq(query_find(STR("x=1&y=2&x=3"), STR("x")), STR("1")));
    ck_assert_ptr_null(query_find(STR("xx=1"), STR("x")).p);
    ck_assert_ptr_null(query_find((struct str){NULL, 0}, STR("x")).p);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("query");
    TCase *t = tcase_create("query");
    SRunner *r;
    int failed;

    tcase_add_loop_test(t, decodes, 0, sizeof rows / sizeof *rows);
    tcase_add_test(t, walks_pieces);
    tcase_add_test(t, finds_the_first);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
