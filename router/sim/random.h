/* The simulator's chances: the same seed gives the same run on every machine. */
#pragma once

#include <stdint.h>

/* splitmix64 (G. L. Steele, D. Lea, C. H. Flood, Fast Splittable Pseudorandom Number Generators,
 * OOPSLA 2014). */
struct sim_random {
    uint64_t state;
};

static inline uint64_t sim_random_next(struct sim_random *r)
{
    uint64_t x = r->state += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* 0 <= x < 1 */
static inline double sim_random_unit(struct sim_random *r)
{
    return (double)(sim_random_next(r) >> 11) * 0x1p-53;
}

/* Below n, n at most 2^32. */
static inline uint32_t sim_random_below(struct sim_random *r, uint64_t n)
{
    return (uint32_t)((sim_random_next(r) >> 32) * n >> 32);
}
