#include "base/arena.h"

#include <check.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

START_TEST(aligned_and_apart)
{
    struct arena *a = arena_new((size_t)64 << 20);
    unsigned char *p[300];
    size_t n[300];
    uint64_t state = 3;

    for (unsigned i = 0; i < 300; i++) {
        state = hash_mix(state, i);
        n[i] = i == 100 ? (size_t)3 << 20 : state % 20000; /* one over the largest block */
        p[i] = arena_alloc(a, n[i]);
        ck_assert_ptr_nonnull(p[i]);
        ck_assert_uint_eq((uintptr_t)p[i] % _Alignof(max_align_t), 0);
        memset(p[i], (int)i, n[i]);
    }
    for (unsigned i = 0; i < 300; i++)
        ck_assert(n[i] == 0 || (p[i][0] == (unsigned char)i && !memcmp(p[i], p[i] + 1, n[i] - 1)));
    arena_free(a);
}
END_TEST

START_TEST(caps)
{
    struct arena *a = arena_new(1000);
    void *p;

    ck_assert_uint_eq(arena_cap(a), 1000);
    ck_assert_ptr_null(arena_alloc(a, 1001));
    ck_assert_ptr_null(arena_alloc(a, SIZE_MAX));
    ck_assert_ptr_null(arena_array(a, SIZE_MAX / 2, 3));
    ck_assert_ptr_null(arena_strndup(a, "", SIZE_MAX));
    ck_assert_uint_eq(arena_used(a), 0);
    p = arena_alloc(a, 512);
    ck_assert_ptr_nonnull(p);
    ck_assert_uint_eq(arena_used(a), 512);
    ck_assert_ptr_null(arena_alloc(a, 512));
    ck_assert_ptr_nonnull(arena_alloc(a, 480));
    ck_assert_ptr_null(arena_alloc(a, 16)); /* 8 bytes are left */
    arena_reset(a);
    ck_assert_uint_eq(arena_used(a), 0);
    ck_assert_ptr_eq(arena_alloc(a, 512), p); /* the first block is kept */
    arena_free(a);
    arena_free(NULL);
}
END_TEST

START_TEST(copies)
{
    struct arena *a = arena_new(1 << 20);
    int *list = arena_array(a, 10, sizeof *list);
    void *x = arena_alloc(a, 0), *y = arena_alloc(a, 0);

    for (unsigned i = 0; i < 10; i++)
        ck_assert_int_eq(list[i], 0);
    ck_assert(x && y && x != y);
    ck_assert_str_eq(arena_strndup(a, "abcdef", 3), "abc");
    ck_assert_str_eq(arena_strndup(a, NULL, 0), "");
    ck_assert_str_eq(arena_printf(a, "%s-%d", "pid", 7), "pid-7");
    arena_free(a);
}
END_TEST

/* What a request's arena hands out again after a reset is cleared where it should be. */
START_TEST(reset_does_not_leak_old_bytes_into_arrays)
{
    struct arena *a = arena_new(1 << 20);

    memset(arena_alloc(a, 4000), 0xff, 4000);
    arena_reset(a);
    for (unsigned i = 0; i < 4000; i++)
        ck_assert_int_eq(((unsigned char *)arena_array(a, 1, 1))[0], 0);
    arena_free(a);
}
END_TEST

START_TEST(many_resets_stay_within_one_cap)
{
    struct arena *a = arena_new((size_t)100 << 10);

    for (unsigned i = 0; i < 2000; i++) {
        ck_assert_ptr_nonnull(arena_alloc(a, (size_t)90 << 10));
        arena_reset(a);
    }
    arena_free(a);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("arena");
    TCase *t = tcase_create("arena");
    SRunner *r;
    int failed;

    tcase_add_test(t, aligned_and_apart);
    tcase_add_test(t, caps);
    tcase_add_test(t, copies);
    tcase_add_test(t, reset_does_not_leak_old_bytes_into_arrays);
    tcase_add_test(t, many_resets_stay_within_one_cap);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
