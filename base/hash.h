/* Two hashes. Tables that strangers fill use the keyed one; content keys, which must be the same on
 * every router that shares a configuration, use the other. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct hash_key {
    uint64_t k0, k1;
};

/* From the system's random source; the process stops when there is none, which only a broken system
 * has. */
void hash_random(void *out, size_t n);
struct hash_key hash_key_new(void);

/* SipHash-1-3 over n bytes. */
uint64_t hash_keyed(const struct hash_key *key, const void *p, size_t n);

/* XXH3, 64 bits: not for anything that a stranger could choose to collide. */
uint64_t hash_content(const void *p, size_t n);

/* A good mix of two numbers into one (splitmix64's finaliser), for hashes of hashes. */
static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
    uint64_t x = a ^ (b + UINT64_C(0x9e3779b97f4a7c15) + (a << 6) + (a >> 2));

    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* hash_random fills it. */
struct hash_words_key {
    uint64_t k[4];
};

/* Three words under a secret key, in a tenth of SipHash's time: NH (RFC 4418 section 5.2.2, in
 * words of 64 bits), which a stranger who sees no hash cannot make meet. For tables that show him
 * none, and where two entries that meet do little harm. */
static inline uint64_t hash_words(const struct hash_words_key *key, uint64_t a, uint64_t b,
                                  uint64_t c)
{
    __extension__ typedef unsigned __int128 wide;
    const wide sum = (wide)(a + key->k[0]) * (b + key->k[1]) + (wide)(c + key->k[2]) * key->k[3];

    return hash_mix((uint64_t)sum, (uint64_t)(sum >> 64));
}
