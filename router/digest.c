#include "router/digest.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/md5.h"

/* Squid's StoreDigestCBlock, in network byte order: two 16-bit versions, capacity, count, deletions
 * and mask size in 32 bits each, a byte of bits an entry, a byte of hash functions, the rest
 * reserved; the filter follows. */
#define HEAD_LEN   128u
#define VERSION    5u /* what this program reads */
#define VERSION_OK 3u /* the oldest that is read likewise */
#define HASHES     4u /* Squid's filters are made with four, whatever else */
#define METHOD_GET 1u /* of Squid's Http::MethodType; part of the key */

static_assert(DIGEST_KEY_LEN == MD5_LEN, "a key is an MD5");

static uint32_t read_u16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t read_u32(const uint8_t *p)
{
    return read_u16(p) << 16 | read_u16(p + 2);
}

static enum err_code check_head(const uint8_t *p, const struct digest_info *info, size_t n,
                                struct err *e)
{
    uint32_t current = read_u16(p), required = read_u16(p + 2);
    uint64_t size = ((uint64_t)info->capacity * info->bits_per_entry + 7) / 8;

    if (current < VERSION_OK || required > VERSION)
        return err_set(e, ERR_UNSUPPORTED,
                       "a cache digest of version %u that asks for %u or more,"
                       " %u to %u can be read",
                       current, required, VERSION_OK, VERSION);
    if (info->hash_count != HASHES)
        return err_set(e, ERR_UNSUPPORTED, "a cache digest with %u hash functions, %u are known",
                       info->hash_count, HASHES);
    if (info->mask_size > DIGEST_BYTES_MAX)
        return err_set(e, ERR_LIMIT, "a cache digest of %u bytes, at most %zu", info->mask_size,
                       DIGEST_BYTES_MAX);
    if (info->mask_size == 0 || info->mask_size != size)
        return err_set(e, ERR_PARSE,
                       "a cache digest of %u bytes, %llu for %u entries of %u bits should be here",
                       info->mask_size, (unsigned long long)size, info->capacity,
                       info->bits_per_entry);
    if (n - HEAD_LEN != info->mask_size)
        return err_set(e, ERR_PARSE,
                       "%zu bytes behind the head of a cache digest, %u should be here",
                       n - HEAD_LEN, info->mask_size);
    return ERR_OK;
}

enum err_code digest_parse(const void *p, size_t n, struct digest_info *info, const uint8_t **mask,
                           struct err *e)
{
    const uint8_t *b = p;
    struct digest_info read;
    enum err_code rc;

    if (n < HEAD_LEN)
        return err_set(e, ERR_PARSE, "%zu bytes, a cache digest begins with %u", n, HEAD_LEN);
    read = (struct digest_info){.capacity = read_u32(b + 4),
                                .count = read_u32(b + 8),
                                .deletions = read_u32(b + 12),
                                .mask_size = read_u32(b + 16),
                                .bits_per_entry = b[20],
                                .hash_count = b[21]};
    rc = check_head(b, &read, n, e);
    if (rc == ERR_OK) {
        *info = read;
        *mask = b + HEAD_LEN;
    }
    return rc;
}

/* The i-th bit that a key sets, of a filter of so many bits: the i-th word of the key, modulo. */
static uint32_t bit_of(const uint8_t key[DIGEST_KEY_LEN], unsigned i, uint32_t bits)
{
    return read_u32(key + (size_t)4 * i) % bits;
}

bool digest_has(const struct digest_info *info, const uint8_t *mask,
                const uint8_t key[DIGEST_KEY_LEN])
{
    for (unsigned i = 0; i < HASHES && info->mask_size; i++) {
        uint32_t bit = bit_of(key, i, info->mask_size * 8);

        if (!(mask[bit / 8] >> bit % 8 & 1))
            return false;
    }
    return info->mask_size != 0;
}

void digest_key(struct str url, uint8_t key[DIGEST_KEY_LEN])
{
    const char method = METHOD_GET;
    const struct str parts[] = {{&method, 1}, url};

    md5_parts(parts, 2, key);
}

/* Bit b of the filter is bit b % 64 of word b / 64. */
struct block {
    struct block *smaller; /* that it has replaced; freed with it */
    size_t words_max;
    _Atomic uint32_t bits; /* at most 64 * words_max; 0: nothing is known */
    _Atomic uint64_t words[];
};

struct digest_live {
    _Atomic(struct block *) block;
};

struct digest_live *digest_live_new(void)
{
    return calloc(1, sizeof(struct digest_live));
}

void digest_live_free(struct digest_live *d)
{
    struct block *b = d ? atomic_load_explicit(&d->block, memory_order_relaxed) : NULL;

    while (b) {
        struct block *smaller = b->smaller;

        free(b);
        b = smaller;
    }
    free(d);
}

static void fill(struct block *b, const uint8_t *mask, uint32_t n)
{
    for (size_t at = 0; at < n; at += 8) {
        uint64_t word = 0;

        memcpy(&word, mask + at, n - at < 8 ? n - at : 8); /* little endian, as everywhere here */
        atomic_store_explicit(&b->words[at / 8], word, memory_order_relaxed);
    }
    atomic_store_explicit(&b->bits, n * 8, memory_order_relaxed);
}

enum err_code digest_live_set(struct digest_live *d, const struct digest_info *info,
                              const uint8_t *mask, struct err *e)
{
    struct block *b = atomic_load_explicit(&d->block, memory_order_relaxed), *larger;
    size_t words = ((size_t)info->mask_size + 7) / 8, room = 64;

    if (info->mask_size > DIGEST_BYTES_MAX)
        return err_set(e, ERR_LIMIT, "a cache digest of %u bytes, at most %zu", info->mask_size,
                       DIGEST_BYTES_MAX);
    if (info->mask_size == 0) {
        if (b)
            atomic_store_explicit(&b->bits, 0, memory_order_relaxed);
        return ERR_OK;
    }
    if (b && words <= b->words_max) {
        fill(b, mask, info->mask_size);
        return ERR_OK;
    }
    while (room < words)
        room *= 2; /* so that all that were kept are never more than the last */
    larger = calloc(1, sizeof *larger + room * sizeof *larger->words);
    if (!larger)
        return err_set(e, ERR_LIMIT, "no memory for a cache digest of %u bytes", info->mask_size);
    larger->words_max = room;
    larger->smaller = b;
    fill(larger, mask, info->mask_size);
    atomic_store_explicit(&d->block, larger, memory_order_release);
    return ERR_OK;
}

int digest_live_has(const struct digest_live *d, const uint8_t key[DIGEST_KEY_LEN])
{
    /* Acquire: words_max and the words themselves are there before the pointer to them. */
    const struct block *b = atomic_load_explicit(&d->block, memory_order_acquire);
    uint32_t bits = b ? atomic_load_explicit(&b->bits, memory_order_relaxed) : 0;

    if (bits == 0)
        return -1;
    for (unsigned i = 0; i < HASHES; i++) {
        uint32_t bit = bit_of(key, i, bits);
        uint64_t word = atomic_load_explicit(&b->words[bit / 64], memory_order_relaxed);

        if (!(word >> bit % 64 & 1))
            return 0;
    }
    return 1;
}
