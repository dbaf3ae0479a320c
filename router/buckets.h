/* Token buckets in one word each (GCRA: the theoretical arrival time of the next one, as in ATM's
 * I.371): a bucket is full when that time is past. For router/admit.c, and for the rate of who asks
 * the ALTO server. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "router/admit.h"

#define BUCKETS_SETS_OF 8 /* words that a client may be in: a cache line */

/* Units of time in a client's word. 44 bits of them are eight years of uptime. */
#define BUCKET_UNITS_MS 64
#define BUCKET_BITS     44
#define BUCKET_TIME     ((UINT64_C(1) << BUCKET_BITS) - 1)

/* A token every `interval`, and `slack` more time's worth at once: (burst - 1) intervals. */
struct bucket_rate {
    uint64_t interval, slack;
};

/* In units of BUCKET_UNITS_MS. false: none is left. */
bool buckets_take_client(struct buckets *b, uint64_t service, struct prefix client,
                         struct bucket_rate rate, uint64_t now_ms);
/* In nanoseconds. _has: there is one; _take: and it is taken. */
bool buckets_has_service(struct buckets *b, uint64_t service, struct bucket_rate rate,
                         uint64_t now_ms);
bool buckets_take_service(struct buckets *b, uint64_t service, struct bucket_rate rate,
                          uint64_t now_ms);
