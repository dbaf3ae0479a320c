#include "tracker/peer_memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#define PIECES 4000u
#define MAX    ((size_t)64 << 20)

static struct peer_memory memory;

static struct piece {
    unsigned char *at;
    size_t size;
} piece[PIECES];

static uint64_t next(uint64_t *random)
{
    *random = *random * UINT64_C(6364136223846793005) + 1442695040888963407;
    return *random >> 33;
}

static unsigned char mark(unsigned i, size_t k)
{
    return (unsigned char)(i * 31 + k * 7 + 1);
}

static void piece_resize(unsigned i, size_t size)
{
    struct piece *p = &piece[i];
    size_t kept = p->size < size ? p->size : size, same = 0;

    p->at = peer_memory_resize(&memory, p->at, p->size, size);
    ck_assert((p->at != NULL) == (size > 0));
    for (; same < kept && p->at[same] == mark(i, same); same++)
        continue;
    ck_assert_msg(same == kept, "piece %u of %zu bytes: byte %zu has changed", i, size, same);
    if (peer_memory_taken(size) % 64 == 0)
        ck_assert_uint_eq((uintptr_t)p->at % 64, 0);
    for (size_t k = kept; k < size; k++)
        p->at[k] = mark(i, k);
    p->size = size;
}

/* Sizes small, large and beyond pieces; nobody writes into another's, whoever came and went. */
START_TEST(pieces_stay_apart)
{
    uint64_t random = 11;
    size_t sum = 0;

    peer_memory_init(&memory, MAX);
    for (unsigned n = 0; n < 100000; n++) {
        unsigned i = (unsigned)(next(&random) % PIECES);
        size_t most = n % 16 == 0 ? 6000 : n % 4 == 0 ? 1300 : 200;

        piece_resize(i, next(&random) % 4 == 0 ? 0 : next(&random) % most + 1);
    }
    for (unsigned i = 0; i < PIECES; i++)
        sum += peer_memory_taken(piece[i].size);
    ck_assert_uint_eq(memory.used, sum);
    for (unsigned i = 0; i < PIECES; i++)
        piece_resize(i, 0);
    ck_assert_uint_eq(memory.used, 0);
    peer_memory_fini(&memory);
}
END_TEST

/* What one size gives back, another takes: the store would grow for ever otherwise. */
START_TEST(free_runs_serve_any_size)
{
    struct peer_run *slabs = NULL;

    peer_memory_init(&memory, MAX);
    for (size_t size = 16; size <= PEER_PIECE_MAX; size += 16) {
        for (unsigned i = 0; i < 400; i++)
            piece_resize(i, size);
        for (unsigned i = 0; i < 400; i++)
            piece_resize(i, 0);
        if (size == PEER_PIECE_MAX / 2)
            slabs = memory.slabs;
    }
    /* 400 of 4096 bytes want 58 runs of the 64 that a slab has. */
    if (slabs)
        ck_assert_ptr_eq(memory.slabs, slabs);
    peer_memory_fini(&memory);
}
END_TEST

START_TEST(over_the_limit_nothing_changes)
{
    peer_memory_init(&memory, 1000);
    piece_resize(0, 900);
    ck_assert_ptr_null(peer_memory_resize(&memory, NULL, 0, 100));
    ck_assert_ptr_null(peer_memory_resize(&memory, piece[0].at, 900, 1001));
    ck_assert_uint_eq(memory.used, peer_memory_taken(900));
    piece_resize(0, 1);
    piece_resize(1, 900);
    piece_resize(0, 0);
    piece_resize(1, 0);
    ck_assert_uint_eq(memory.used, 0);
    peer_memory_fini(&memory);
}
END_TEST

/* Strangers choose what comes and goes: a piece left in each run of one size after the other must
 * not hold more of the system's memory than the limit. */
START_TEST(runs_with_holes_count)
{
    static struct piece left[200000];
    const size_t max = (size_t)8 << 20, slab = (size_t)2 << 20;
    size_t n = 0;

    peer_memory_init(&memory, max);
    for (size_t size = 64; size <= 1024; size += 64) {
        size_t per_run = 32768 / size, got = 0;
        void *one = peer_memory_resize(&memory, NULL, 0, size);

        for (; one; one = peer_memory_resize(&memory, NULL, 0, size)) {
            ck_assert_uint_lt(n + got, sizeof left / sizeof *left);
            left[n + got++] = (struct piece){one, size};
        }
        for (size_t i = 0; i < got; i++)
            if (i % per_run == 0)
                left[n + i / per_run] = left[n + i];
            else
                peer_memory_resize(&memory, left[n + i].at, size, 0);
        n += (got + per_run - 1) / per_run;
    }
    ck_assert_uint_le(memory.used, max);
    ck_assert_uint_lt(memory.held, max + slab);
    while (n-- > 0)
        peer_memory_resize(&memory, left[n].at, left[n].size, 0);
    ck_assert_uint_eq(memory.used, 0);
    peer_memory_fini(&memory);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("peer_memory");
    TCase *tc = tcase_create("peer_memory");
    SRunner *r;
    int failed;

    tcase_add_test(tc, pieces_stay_apart);
    tcase_add_test(tc, free_runs_serve_any_size);
    tcase_add_test(tc, over_the_limit_nothing_changes);
    tcase_add_test(tc, runs_with_holes_count);
    suite_add_tcase(s, tc);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
