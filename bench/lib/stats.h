/* Medians and the two lines that every benchmark prints: "ratio NAME VALUE goal <= X UNIT
 * met|short" for the table, and a line with spread, size and compiler. */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#define BENCH_RUNS 7

#ifdef __clang__
#define BENCH_COMPILER "clang " __clang_version__
#else
#define BENCH_COMPILER "gcc " __VERSION__
#endif

static inline int bench_cmp(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* Sorts v. */
static inline double bench_median(double *v, size_t n)
{
    qsort(v, n, sizeof *v, bench_cmp);
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static inline void bench_ratio(const char *name, double value, double goal, const char *unit)
{
    printf("ratio %s %.2f goal <= %g %s %s\n", name, value, goal, unit,
           value <= goal ? "met" : "short");
}

/* v as sorted by bench_median. size: "4559187 bytes, 250712 prefixes". */
static inline void bench_detail(const char *name, const double *v, size_t n, const char *unit,
                                const char *size)
{
    printf("# %s: median %.2f of %zu runs, %.2f to %.2f %s; %s; %s\n", name, v[n / 2], n, v[0],
           v[n - 1], unit, size, BENCH_COMPILER);
}
