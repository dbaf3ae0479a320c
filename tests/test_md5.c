#include "base/md5.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

static void hex(const uint8_t md[MD5_LEN], char out[2 * MD5_LEN + 1])
{
    for (unsigned i = 0; i < MD5_LEN; i++)
        snprintf(out + 2 * (size_t)i, 3, "%02x", md[i]);
}

/* RFC 1321 appendix A.5. */
static const struct {
    const char *text, *md;
} rows[] = {
    {"", "d41d8cd98f00b204e9800998ecf8427e"},
    {"a", "0cc175b9c0f1b6a831c399e269772661"},
    {"abc", "900150983cd24fb0d6963f7d28e17f72"},
    {"message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
    {"abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"},
    {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
     "d174ab98d277d9f5a5611c2c9f419d9f"},
    {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
     "57edf4a22be3c955ac49da2e2107b67a"},
};

START_TEST(the_rfcs_texts)
{
    char got[2 * MD5_LEN + 1];
    uint8_t md[MD5_LEN];

    md5(rows[_i].text, strlen(rows[_i].text), md);
    hex(md, got);
    ck_assert_str_eq(got, rows[_i].md);
}
END_TEST

START_TEST(parts_are_one_text)
{
    size_t n = strlen(rows[_i].text);
    uint8_t whole[MD5_LEN], cut[MD5_LEN];

    md5(rows[_i].text, n, whole);
    for (size_t at = 0; at <= n; at++) {
        const struct str parts[] = {{rows[_i].text, at}, {rows[_i].text + at, n - at}, {NULL, 0}};

        md5_parts(parts, 3, cut);
        ck_assert_mem_eq(cut, whole, MD5_LEN);
    }
}
END_TEST

static unsigned allocations;

static void *count_malloc(size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    allocations++;
    return malloc(n);
}

static void *count_realloc(void *p, size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    allocations++;
    return realloc(p, n);
}

static void count_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    free(p);
}

START_TEST(nothing_is_allocated)
{
    uint8_t md[MD5_LEN];
    void *probe;

    allocations = 0;
    md5("GET", 3, md);
    ck_assert_uint_eq(allocations, 0);
    probe = OPENSSL_malloc(1); /* the counter counts */
    OPENSSL_free(probe);
    ck_assert_uint_eq(allocations, 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("md5");
    TCase *t = tcase_create("md5");
    SRunner *r;
    int failed;

    /* OpenSSL takes other functions only before it has allocated for the first time. */
    if (!CRYPTO_set_mem_functions(count_malloc, count_realloc, count_free))
        return EXIT_FAILURE;
    tcase_add_loop_test(t, the_rfcs_texts, 0, sizeof rows / sizeof *rows);
    tcase_add_loop_test(t, parts_are_one_text, 0, sizeof rows / sizeof *rows);
    tcase_add_test(t, nothing_is_allocated);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
