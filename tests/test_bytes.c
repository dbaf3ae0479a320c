#include "base/bytes.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

START_TEST(strings_compare)
{
    ck_assert(str_eq(STR(""), str_from(NULL)));
    ck_assert(str_eq(STR("ab"), str_from("ab")) && !str_eq(STR("ab"), STR("abc")));
    ck_assert(str_eq_nocase(STR("aB-1"), STR("Ab-1")) && !str_eq_nocase(STR("a"), STR("b")));
    /* Letters of ASCII alone: '[' and '{' differ in the same bit. */
    ck_assert(!str_eq_nocase(STR("["), STR("{")));
    ck_assert_int_lt(str_cmp(STR("a"), STR("ab")), 0);
    ck_assert_int_gt(str_cmp(STR("b"), STR("ab")), 0);
    ck_assert_int_gt(str_cmp(STR("\xff"), STR("a")), 0);
    ck_assert_int_eq(str_cmp(STR(""), str_from(NULL)), 0);
}
END_TEST

START_TEST(grows_to_its_limit)
{
    struct bytes b = {.limit = 1000};

    for (unsigned i = 0; i < 100; i++)
        ck_assert(bytes_add(&b, "0123456789", 10));
    ck_assert_uint_eq(b.len, 1000);
    ck_assert(!bytes_add(&b, "x", 1));
    ck_assert(!bytes_reserve(&b, SIZE_MAX));
    ck_assert(bytes_add(&b, NULL, 0));
    ck_assert_uint_eq(b.len, 1000);
    ck_assert_mem_eq(b.data + 990, "0123456789", 10);
    bytes_free(&b);
    ck_assert(b.data == NULL && b.len == 0 && b.limit == 1000);
}
END_TEST

START_TEST(prints)
{
    struct bytes b = {0};

    for (unsigned i = 0; i < 200; i++)
        ck_assert(bytes_printf(&b, "%u,", i));
    ck_assert_uint_eq(b.len, 10 * 2 + 90 * 3 + 100 * 4);
    ck_assert_str_eq(b.data + b.len - 4, "199,");
    bytes_free(&b);
}
END_TEST

static const struct {
    const char *what, *in;
    size_t n, room;
    const char *out;
} escapes[] = {
    {"plain", "abc", 3, 10, "abc"},
    {"quotes, backslash and control characters", "a\"\\\n", 4, 20, "a\\x22\\x5c\\x0a"},
    {"a NUL and a byte over ASCII", "\0\xff", 2, 20, "\\x00\\xff"},
    {"exactly the room", "abcdef", 6, 7, "abcdef"},
    {"one too many", "abcdefg", 7, 7, "abc..."},
    {"an escape is not cut", "ab\n\n", 4, 10, "ab\\x0a..."},
    {"an escape that does not fit leaves three dots", "a\n\n", 3, 7, "a..."},
    {"no room for dots", "abcdef", 6, 3, ".."},
    {"room for the NUL alone", "abcdef", 6, 1, ""},
    {"nothing", "", 0, 5, ""},
};

START_TEST(escaping)
{
    char out[32];

    memset(out, 'z', sizeof out);
    ck_assert_str_eq(bytes_escape(escapes[_i].in, escapes[_i].n, out, escapes[_i].room),
                     escapes[_i].out);
    ck_assert_int_eq(out[escapes[_i].room], 'z');
}
END_TEST

/* Whatever comes in, what goes out fits, is printable and ends. */
START_TEST(escaping_is_bounded)
{
    unsigned char in[64];

    for (unsigned i = 0; i < sizeof in; i++)
        in[i] = (unsigned char)(i * 37);
    for (size_t n = 0; n <= sizeof in; n++) {
        for (size_t room = 1; room < 80; room++) {
            char *out = malloc(room); /* exact, for ASan */

            bytes_escape(in, n, out, room);
            ck_assert_uint_lt(strlen(out), room);
            for (const char *p = out; *p; p++)
                ck_assert(*p >= 0x20 && *p < 0x7f && *p != '"');
            free(out);
        }
    }
}
END_TEST

START_TEST(files)
{
    char path[] = "/tmp/test_bytes.XXXXXX";
    int fd = mkstemp(path);
    struct bytes b = {0};
    struct err e = {0};
    char text[3000];

    memset(text, 'x', sizeof text);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, sizeof text), sizeof text);
    close(fd);
    ck_assert_int_eq(file_read(path, sizeof text, &b, &e), ERR_OK);
    ck_assert_uint_eq(b.len, sizeof text);
    ck_assert_int_eq(b.data[b.len], '\0');
    bytes_free(&b);
    ck_assert_int_eq(file_read(path, sizeof text - 1, &b, &e), ERR_LIMIT);
    ck_assert_str_eq(e.text, "3000 bytes, at most 2999");
    ck_assert_ptr_null(b.data);
    ck_assert_int_eq(truncate(path, 0), 0);
    e = (struct err){0};
    ck_assert_int_eq(file_read(path, 0, &b, &e), ERR_OK);
    ck_assert_uint_eq(b.len, 0);
    bytes_free(&b);
    unlink(path);
    ck_assert_int_eq(file_read(path, 10, &b, &e), ERR_IO);
    ck_assert_str_eq(e.text, "cannot be opened: No such file or directory");
    e = (struct err){0};
    ck_assert_int_eq(file_read("/tmp", 10, &b, &e), ERR_IO);
    ck_assert_str_eq(e.text, "is not a regular file");
}
END_TEST

START_TEST(files_are_replaced)
{
    char dir[] = "/tmp/test-bytes-dir-XXXXXX", path[64], fresh[72];
    struct bytes b = {0};
    struct err e = {0};
    struct stat st;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/file", dir);
    snprintf(fresh, sizeof fresh, "%s.new", path);
    for (unsigned i = 0; i < 3; i++) {
        const struct str text = i == 1 ? STR("") : STR("text");

        if (i == 2) /* what a killed process left behind is no hindrance, nor is it written to */
            ck_assert_int_eq(symlink(path, fresh), 0);
        ck_assert_msg(file_replace(path, text, &e) == ERR_OK, "%s", e.text);
        ck_assert_int_eq(file_read(path, 100, &b, &e), ERR_OK);
        ck_assert(str_eq((struct str){b.data, b.len}, text));
        bytes_free(&b);
    }
    ck_assert_int_eq(lstat(path, &st), 0);
    ck_assert(S_ISREG(st.st_mode) && (st.st_mode & 0777) == 0600);

    ck_assert_int_eq(mkdir(fresh, 0700), 0); /* cannot be made: the old one stays */
    ck_assert_int_eq(file_replace(path, STR("other"), &e), ERR_IO);
    ck_assert_int_eq(file_read(path, 100, &b, &e), ERR_OK);
    ck_assert_uint_eq(b.len, 4);
    bytes_free(&b);
    ck_assert_int_eq(rmdir(fresh), 0);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkdir(path, 0700), 0); /* cannot take its name: nothing is left beside it */
    e = (struct err){0};
    ck_assert_int_eq(file_replace(path, STR("other"), &e), ERR_IO);
    ck_assert_int_eq(access(fresh, F_OK), -1);
    ck_assert_int_eq(rmdir(path), 0);
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("bytes");
    TCase *t = tcase_create("bytes");
    SRunner *r;
    int failed;

    tcase_add_test(t, strings_compare);
    tcase_add_test(t, grows_to_its_limit);
    tcase_add_test(t, prints);
    tcase_add_loop_test(t, escaping, 0, sizeof escapes / sizeof *escapes);
    tcase_add_test(t, escaping_is_bounded);
    tcase_add_test(t, files);
    tcase_add_test(t, files_are_replaced);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
