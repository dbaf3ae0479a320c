#include "base/gunzip.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

/* n bytes of c as gzip. */
static struct bytes packed(char c, size_t n)
{
    struct bytes out = {0};
    char *raw = malloc(n + 1);
    z_stream z = {0};

    memset(raw, c, n);
    ck_assert(raw && bytes_reserve(&out, n + 1024));
    ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (unsigned char *)raw;
    z.avail_in = (uInt)n;
    z.next_out = (unsigned char *)out.data;
    z.avail_out = (uInt)out.cap;
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    out.len = out.cap - z.avail_out;
    deflateEnd(&z);
    free(raw);
    return out;
}

START_TEST(whole)
{
    static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 1000000};
    const size_t n = sizes[_i];
    struct bytes in = packed('x', n), out = {0};
    struct err e = {0};

    ck_assert_msg(gunzip((struct str){in.data, in.len}, n, &out, &e) == ERR_OK, "%s", e.text);
    ck_assert_uint_eq(out.len, n);
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(out.data[i], 'x');
    if (n)
        ck_assert_int_eq(gunzip((struct str){in.data, in.len}, n - 1, &out, &e), ERR_LIMIT);
    ck_assert_uint_eq(out.len, n);
    bytes_free(&in);
    bytes_free(&out);
}
END_TEST

/* Conformance: T-14. */
START_TEST(bomb)
{
    struct bytes in = packed('0', (size_t)100 << 20), out = {0};
    struct err e = {0};

    ck_assert_uint_lt(in.len, (size_t)1 << 20);
    ck_assert_int_eq(gunzip((struct str){in.data, in.len}, (size_t)1 << 20, &out, &e), ERR_LIMIT);
    ck_assert_uint_lt(out.cap, (size_t)4 << 20);
    bytes_free(&in);
    bytes_free(&out);
}
END_TEST

START_TEST(members)
{
    struct bytes a = packed('a', 3), b = packed('b', 2), out = {0};
    struct err e = {0};

    ck_assert(bytes_add(&a, b.data, b.len));
    ck_assert_msg(gunzip((struct str){a.data, a.len}, 5, &out, &e) == ERR_OK, "%s", e.text);
    ck_assert(str_eq((struct str){out.data, out.len}, STR("aaabb")));
    bytes_free(&a);
    bytes_free(&b);
    bytes_free(&out);
}
END_TEST

START_TEST(damaged)
{
    struct bytes in = packed('x', 1000), out = {0};

    for (size_t n = 0; n < in.len; n++) {
        struct err e = {0};

        ck_assert_int_eq(gunzip((struct str){in.data, n}, 1000, &out, &e), ERR_PARSE);
        ck_assert_uint_eq(out.len, 0);
    }
    for (size_t i = in.len - 8; i < in.len; i++) { /* checksum and length */
        struct err e = {0};

        in.data[i] ^= 1;
        ck_assert_int_eq(gunzip((struct str){in.data, in.len}, 1000, &out, &e), ERR_PARSE);
        in.data[i] ^= 1;
    }
    ck_assert_int_eq(gunzip(STR("{}"), 1000, &out, NULL), ERR_PARSE);
    bytes_free(&in);
    bytes_free(&out);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gunzip");
    TCase *t = tcase_create("gunzip");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(t, whole, 0, 6);
    tcase_add_test(t, bomb);
    tcase_add_test(t, members);
    tcase_add_test(t, damaged);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
