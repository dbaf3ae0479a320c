/* Squid's cache digest: a Bloom filter over what a cache holds, as it serves it under
 * /squid-internal-periodic/store_digest (layout: Squid's StoreDigestCBlock). */
#pragma once

#include "base/bytes.h"

#define DIGEST_BYTES_MAX ((size_t)16 << 20)
#define DIGEST_KEY_LEN   16

struct digest_info {
    uint32_t capacity, count, deletions; /* entries */
    uint32_t mask_size;                  /* bytes of the filter */
    uint8_t bits_per_entry, hash_count;
};

/* Reads and checks a digest; *mask points into p. ERR_PARSE, ERR_UNSUPPORTED (a version or hash
 * count that is not Squid's), ERR_LIMIT. */
enum err_code digest_parse(const void *p, size_t n, struct digest_info *info, const uint8_t **mask,
                           struct err *e) MUST_CHECK;
bool digest_has(const struct digest_info *info, const uint8_t *mask,
                const uint8_t key[DIGEST_KEY_LEN]);
/* The key under which Squid keeps a URL that is got with GET: MD5 of the method's number and the
 * URL. */
void digest_key(struct str url, uint8_t key[DIGEST_KEY_LEN]);

/* A digest that workers read while the control thread replaces it: words are relaxed atomics, a mix
 * of two digests is a belief like any other. */
struct digest_live;

struct digest_live *digest_live_new(void);
void digest_live_free(struct digest_live *d);
/* Control thread. Memory of a larger digest than before is kept until _free: readers may be in it.
 * n 0 of info->mask_size: nothing is known any more. */
enum err_code digest_live_set(struct digest_live *d, const struct digest_info *info,
                              const uint8_t *mask, struct err *e) MUST_CHECK;
/* Any thread: 1 has, 0 has not, -1 nothing is known. */
int digest_live_has(const struct digest_live *d, const uint8_t key[DIGEST_KEY_LEN]);
