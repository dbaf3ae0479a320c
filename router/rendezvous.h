/* Weighted rendezvous hashing: of some streamers, which one does a content belong to? Each has a
 * pull on each content that depends on nothing but the two; the smallest number wins. So when one
 * leaves only its own contents move, and when a weight changes contents move only to or from the
 * changed one. */
#pragma once

#include <stdint.h>
#include <string.h>

#include "base/hash.h"

/* -ln(u), u = (x / 2^12 + 1/2) / 2^52, which is exact and in (0, 1): by the series of artanh, to
 * about 1e-10. Plain IEEE arithmetic instead of libm, so that every router gives every content the
 * same order. */
static inline double rendezvous_minus_ln(uint64_t x)
{
    double u = ((double)(x >> 12) + 0.5) * 0x1p-52, m, z, zz;
    uint64_t bits;
    int exponent;

    memcpy(&bits, &u, sizeof bits);
    exponent = (int)(bits >> 52) - 1023;
    bits = (bits & UINT64_C(0xfffffffffffff)) | UINT64_C(1023) << 52;
    memcpy(&m, &bits, sizeof m); /* 1 <= m < 2 */
    if (m > 1.4142135623730951) {
        m *= 0.5;
        exponent++;
    }
    z = (m - 1) / (m + 1);
    zz = z * z;
    return -exponent * 0.69314718055994530942 -
           2 * z *
               (1 + zz * (1. / 3 + zz * (1. / 5 + zz * (1. / 7 + zz * (1. / 9 + zz * (1. / 11))))));
}

/* An exponential variable whose rate is the weight: the smallest of several is i's with probability
 * weight_i / sum of weights. */
static inline double rendezvous_pull(uint64_t content, uint64_t streamer, float inv_weight)
{
    return rendezvous_minus_ln(hash_mix(content, streamer)) * (double)inv_weight;
}

/* The same order when all weights are equal, without the logarithm. Of 63 bits: to convert 64 takes
 * a branch that nobody can foresee. */
static inline double rendezvous_pull_equal(uint64_t content, uint64_t streamer)
{
    return (double)(int64_t)((UINT64_MAX - hash_mix(content, streamer)) >> 1);
}
