#include "base/hash.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* The reference's kind of input: key 00 01 .. 0f, message 00 01 .. of each length. */
static uint64_t sip(size_t n)
{
    const struct hash_key key = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
    uint8_t message[64];

    for (size_t i = 0; i < sizeof message; i++)
        message[i] = (uint8_t)i;
    return hash_keyed(&key, message, n);
}

START_TEST(siphash_1_3_of_nothing)
{
    ck_assert_uint_eq(sip(0), UINT64_C(0xabac0158050fc4dc)); /* as other implementations have it */
}
END_TEST

/* SipHash written out as its paper says, one byte at a time: what the fast one must equal. */
static uint64_t slow_sip(const struct hash_key *k, const uint8_t *p, size_t n)
{
    uint64_t v0 = k->k0 ^ UINT64_C(0x736f6d6570736575), v1 = k->k1 ^ UINT64_C(0x646f72616e646f6d);
    uint64_t v2 = k->k0 ^ UINT64_C(0x6c7967656e657261), v3 = k->k1 ^ UINT64_C(0x7465646279746573);
    size_t words = n / 8 + 1;

    for (size_t w = 0; w <= words; w++) {
        uint64_t m = 0;

        for (size_t b = 0; b < 8 && w < words; b++) {
            size_t at = 8 * w + b;

            if (at < n)
                m |= (uint64_t)p[at] << (8 * b);
        }
        if (w == words - 1)
            m |= (uint64_t)(n & 0xff) << 56;
        if (w < words)
            v3 ^= m;
        else
            v2 ^= 0xff;
        for (unsigned r = 0; r < (w < words ? 1u : 3u); r++) {
            v0 += v1;
            v1 = (v1 << 13 | v1 >> 51) ^ v0;
            v0 = v0 << 32 | v0 >> 32;
            v2 += v3;
            v3 = (v3 << 16 | v3 >> 48) ^ v2;
            v0 += v3;
            v3 = (v3 << 21 | v3 >> 43) ^ v0;
            v2 += v1;
            v1 = (v1 << 17 | v1 >> 47) ^ v2;
            v2 = v2 << 32 | v2 >> 32;
        }
        if (w < words)
            v0 ^= m;
    }
    return v0 ^ v1 ^ v2 ^ v3;
}

START_TEST(equals_the_plain_one_at_every_length)
{
    uint8_t message[100];
    struct hash_key key;

    for (unsigned round = 0; round < 50; round++) {
        hash_random(message, sizeof message);
        key = hash_key_new();
        for (size_t n = 0; n <= sizeof message; n++)
            ck_assert_uint_eq(hash_keyed(&key, message, n), slow_sip(&key, message, n));
    }
}
END_TEST

START_TEST(keys_differ)
{
    struct hash_key a = hash_key_new(), b = hash_key_new();

    ck_assert_uint_ne(hash_keyed(&a, "x", 1), hash_keyed(&b, "x", 1));
}
END_TEST

/* The content's hash is part of what several routers must agree on: it may not change with a
 * library. */
START_TEST(content_hash_is_fixed)
{
    ck_assert_uint_eq(hash_content("", 0),
                      UINT64_C(0x2d06800538d394c2)); /* XXH3's own test value */
    ck_assert_uint_ne(hash_content("/vod/film/", 10), hash_content("/vod/film2/", 11));
}
END_TEST

/* One bit in changes about half of the bits out, on either side. */
START_TEST(mix_spreads)
{
    for (unsigned bit = 0; bit < 64; bit++) {
        int left = __builtin_popcountll(hash_mix(1, 2) ^ hash_mix(1 ^ UINT64_C(1) << bit, 2));
        int right = __builtin_popcountll(hash_mix(1, 2) ^ hash_mix(1, 2 ^ UINT64_C(1) << bit));

        ck_assert_int_ge(left, 12);
        ck_assert_int_ge(right, 12);
    }
}
END_TEST

/* 65,536 neighbours into 4,096 buckets by their lowest bits: nearly as even as by chance, whatever
 * the key. By chance a bucket of mean 16 has over 64 in one of 10^15 cases. */
START_TEST(words_spread_neighbours)
{
    for (unsigned word = 0; word < 3; word++)
        for (unsigned shift = 0; shift <= 48; shift += 16) {
            unsigned in[4096] = {0}, most = 0, empty = 0;
            struct hash_words_key key;

            hash_random(&key, sizeof key);
            for (uint64_t i = 0; i < 65536; i++) {
                const uint64_t x = i << shift;
                const uint64_t h =
                    hash_words(&key, word == 0 ? x : 0, word == 1 ? x : 0, word == 2 ? x : 0);

                most = ++in[h % 4096] > most ? in[h % 4096] : most;
            }
            for (unsigned i = 0; i < 4096; i++)
                empty += in[i] == 0;
            ck_assert_msg(most <= 64 && empty <= 4, "word %u shift %u: %u, %u empty", word, shift,
                          most, empty);
        }
}
END_TEST

/* Each word counts, and so does each word of the key. */
START_TEST(words_and_their_key_count)
{
    struct hash_words_key key, other;
    uint64_t h;

    hash_random(&key, sizeof key);
    h = hash_words(&key, 1, 2, 3);
    ck_assert_uint_eq(hash_words(&key, 1, 2, 3), h);
    ck_assert_uint_ne(hash_words(&key, 5, 2, 3), h);
    ck_assert_uint_ne(hash_words(&key, 1, 5, 3), h);
    ck_assert_uint_ne(hash_words(&key, 1, 2, 5), h);
    ck_assert_uint_ne(hash_words(&key, 2, 1, 3), h);
    for (unsigned i = 0; i < 4; i++) {
        other = key;
        other.k[i]++;
        ck_assert_uint_ne(hash_words(&other, 1, 2, 3), h);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("hash");
    TCase *t = tcase_create("hash");
    SRunner *r;
    int failed;

    tcase_add_test(t, siphash_1_3_of_nothing);
    tcase_add_test(t, equals_the_plain_one_at_every_length);
    tcase_add_test(t, keys_differ);
    tcase_add_test(t, content_hash_is_fixed);
    tcase_add_test(t, mix_spreads);
    tcase_add_test(t, words_spread_neighbours);
    tcase_add_test(t, words_and_their_key_count);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
