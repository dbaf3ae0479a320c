/* Longest prefix match: build and look up, in the table and Zipf. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/lpm.h"

#define LOOKUPS 1000000u
#define RUNS    7
#define PIDS    1700u
#define SEED    UINT64_C(42)

static uint64_t state = SEED;

static uint64_t next(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * UINT64_C(0x2545f4914f6cdd1d);
}

static int by_prefix(const void *a, const void *b)
{
    return prefix_cmp(&((const struct lpm_entry *)a)->prefix,
                      &((const struct lpm_entry *)b)->prefix);
}

static struct prefix random_prefix(bool v4)
{
    static const uint8_t len4[] = {24, 24, 24, 24, 24, 24, 23, 22, 20, 16};
    static const uint8_t len6[] = {48, 48, 48, 48, 44, 40, 36, 32, 32, 29};
    unsigned len = v4 ? 96u + len4[next() % 10] : len6[next() % 10];
    struct addr a;

    if (v4)
        a = addr_from_v4((uint32_t)(next() % (UINT32_C(223) << 24)) + (UINT32_C(1) << 24));
    else /* 2001::/16 to 2a0f::/16, as it is allocated: few first halves */
        a = (struct addr){(UINT64_C(0x2001) + next() % 12) << 48 | (next() & 0xffffffffffff), 0};
    return (struct prefix){addr_mask(a, len), (uint8_t)len};
}

/* Unique, in the order in which a map with 1,700 PIDs lists them: by PID, sorted in each. */
static size_t make_entries(struct lpm_entry *e, size_t n, bool v4)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        e[i].prefix = random_prefix(v4);
        e[i].value = (uint32_t)(next() % PIDS);
    }
    qsort(e, n, sizeof *e, by_prefix);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || by_prefix(&e[kept - 1], &e[i]) != 0)
            e[kept++] = e[i];
    return kept;
}

static int by_pid(const void *a, const void *b)
{
    const struct lpm_entry *x = a, *y = b;

    return x->value != y->value ? (x->value < y->value ? -1 : 1) : by_prefix(a, b);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *v)
{
    qsort(v, RUNS, sizeof *v, by_value);
    return v[RUNS / 2];
}

static void bench(size_t want, bool v4)
{
    struct lpm_entry *e = calloc(want, sizeof *e), *copy = calloc(want, sizeof *e);
    struct addr *in_table = calloc(LOOKUPS, sizeof *in_table),
                *zipf = calloc(LOOKUPS, sizeof *zipf);
    size_t n = make_entries(e, want, v4), used = 0;
    double build[RUNS], plain[RUNS], skewed[RUNS], scope[RUNS];
    const struct lpm *l = NULL;
    struct arena *arena = NULL;
    uint64_t check = 0;

    for (unsigned i = 0; i < LOOKUPS; i++) {
        double u = (double)(next() >> 11) * 0x1p-53;
        size_t rank = (size_t)((double)n * u * u * u * u * u * u); /* heavy head, long tail */
        struct prefix p = e[next() % n].prefix, z = e[hash_mix(rank, 5) % n].prefix;

        in_table[i] = p.addr;
        zipf[i] = z.addr;
        in_table[i].lo |= v4 ? next() & ((UINT64_C(1) << (128 - p.len)) - 1) : next();
        zipf[i].lo |= v4 ? next() & ((UINT64_C(1) << (128 - z.len)) - 1) : next();
    }
    qsort(e, n, sizeof *e, by_pid);
    for (unsigned r = 0; r < RUNS; r++) {
        uint64_t before;
        struct err err = {0};

        arena_free(arena);
        arena = arena_new((size_t)1 << 30);
        for (size_t i = 0; i < n; i++)
            copy[i] = e[i];
        before = clock_cpu_ns();
        if (lpm_build(copy, n, arena, &l, &err) != ERR_OK) {
            fprintf(stderr, "%s\n", err.text);
            exit(1);
        }
        build[r] = (double)(clock_cpu_ns() - before) / 1e6;
        used = arena_used(arena);
    }
    for (unsigned r = 0; r < RUNS; r++) {
        uint64_t t0 = clock_cpu_ns(), t1, t2;

        for (unsigned i = 0; i < LOOKUPS; i++)
            check += lpm_find(l, in_table[i]);
        t1 = clock_cpu_ns();
        for (unsigned i = 0; i < LOOKUPS; i++)
            check += lpm_find(l, zipf[i]);
        t2 = clock_cpu_ns();
        for (unsigned i = 0; i < LOOKUPS; i++)
            check += lpm_find_scope(l, zipf[i]).scope;
        plain[r] = (double)(t1 - t0) / LOOKUPS;
        skewed[r] = (double)(t2 - t1) / LOOKUPS;
        scope[r] = (double)(clock_cpu_ns() - t2) / LOOKUPS;
    }
    printf("lpm IPv%c: %zu prefixes, %zu ranges, %.1f MB; build %.1f ms; find %.1f ns in table, "
           "%.1f Zipf, %.1f with scope (medians of %u, seed %ju, check %ju, " __VERSION__ ")\n",
           v4 ? '4' : '6', n, lpm_ranges(l), (double)used / 1e6, median(build), median(plain),
           median(skewed), median(scope), RUNS, (uintmax_t)SEED, (uintmax_t)check);
    arena_free(arena);
    free(zipf);
    free(in_table);
    free(copy);
    free(e);
}

int main(void)
{
    bench(250000, true);
    bench(1000000, true);
    bench(200000, false);
    return 0;
}
