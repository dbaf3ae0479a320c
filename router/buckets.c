#include "router/buckets.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "router/service.h"

#define TRIES          8 /* against other workers; who loses them all goes through */
#define SERVICE_SLOTS  (2 * SERVICES_MAX)
#define SERVICE_PROBES 16
#define NS_PER_MS      UINT64_C(1000000)

_Static_assert((SERVICE_SLOTS & (SERVICE_SLOTS - 1)) == 0, "slots are found by a mask");

struct service_bucket {
    _Atomic uint64_t id; /* 0: free */
    _Atomic uint64_t due_ns;
};

/* A client's word: a tag of its hash above the time at which its bucket is full again. */
struct buckets {
    struct hash_key key;
    uint64_t mask; /* of sets */
    struct service_bucket service[SERVICE_SLOTS];
    _Alignas(64) _Atomic uint64_t word[][BUCKETS_SETS_OF];
};

struct buckets *buckets_new(size_t entries)
{
    struct buckets *b;
    size_t sets = 1;

    while (sets * BUCKETS_SETS_OF < entries && sets < SIZE_MAX / 256)
        sets *= 2;
    b = aligned_alloc(64, sizeof *b + sets * sizeof b->word[0]);
    if (!b)
        return NULL;
    memset(b, 0, sizeof *b + sets * sizeof b->word[0]);
    b->key = hash_key_new();
    b->mask = sets - 1;
    return b;
}

void buckets_free(struct buckets *b)
{
    free(b);
}

static uint64_t get(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

static bool swap(_Atomic uint64_t *word, uint64_t *seen, uint64_t to)
{
    return atomic_compare_exchange_weak_explicit(word, seen, to, memory_order_relaxed,
                                                 memory_order_relaxed);
}

/* The word of that tag; else a free one, else the one that is full soonest or longest: its client
 * has been quiet for longest by its own rate. */
static unsigned word_find(_Atomic uint64_t *set, uint64_t tag, uint64_t *seen)
{
    unsigned oldest = 0;
    uint64_t oldest_word = UINT64_MAX;

    for (unsigned i = 0; i < BUCKETS_SETS_OF; i++) {
        const uint64_t word = get(&set[i]);

        if (word >> BUCKET_BITS == tag) {
            *seen = word;
            return i;
        }
        if (oldest_word == UINT64_MAX || (word & BUCKET_TIME) < (oldest_word & BUCKET_TIME)) {
            oldest = i;
            oldest_word = word;
        }
    }
    *seen = oldest_word;
    return oldest;
}

/* More than a bucket of this rate can owe, whichever worker's clock is ahead: it was filled at a
 * slower rate, before a reload. What is above is let off. */
static uint64_t owed_max(struct bucket_rate rate)
{
    return 2 * (rate.slack + rate.interval);
}

bool buckets_take_client(struct buckets *b, uint64_t service, struct prefix client,
                         struct bucket_rate rate, uint64_t now_ms)
{
    const uint64_t text[4] = {service, client.addr.hi, client.addr.lo, client.len};
    const uint64_t hash = hash_keyed(&b->key, text, sizeof text);
    const uint64_t tag = hash >> BUCKET_BITS ? hash >> BUCKET_BITS : 1;
    const uint64_t now = (now_ms * BUCKET_UNITS_MS) & BUCKET_TIME;
    _Atomic uint64_t *set = b->word[hash & b->mask];

    for (unsigned i = 0; i < TRIES; i++) {
        uint64_t seen, due;
        const unsigned at = word_find(set, tag, &seen);

        due = seen >> BUCKET_BITS == tag ? seen & BUCKET_TIME : 0;
        due = due > now ? due : now;
        if (due - now > rate.slack) {
            if (due - now > owed_max(rate))
                (void)swap(&set[at], &seen,
                           tag << BUCKET_BITS | (now + rate.slack + rate.interval));
            return false;
        }
        due += rate.interval;
        if (swap(&set[at], &seen, tag << BUCKET_BITS | (due < BUCKET_TIME ? due : BUCKET_TIME)))
            return true;
    }
    return true;
}

/* A slot of its own for each service that has ever had a rate; when they are all taken, its first
 * one changes hands. */
static struct service_bucket *service_find(struct buckets *b, uint64_t service)
{
    const uint64_t home = hash_mix(service, 0);

    service = service ? service : 1;
    for (unsigned i = 0; i < SERVICE_PROBES; i++) {
        struct service_bucket *s = &b->service[(home + i) & (SERVICE_SLOTS - 1)];
        uint64_t id = get(&s->id);

        if (id == 0 && atomic_compare_exchange_strong_explicit(
                           &s->id, &id, service, memory_order_relaxed, memory_order_relaxed))
            return s;
        if (id == service)
            return s;
    }
    atomic_store_explicit(&b->service[home & (SERVICE_SLOTS - 1)].id, service,
                          memory_order_relaxed);
    return &b->service[home & (SERVICE_SLOTS - 1)];
}

bool buckets_has_service(struct buckets *b, uint64_t service, struct bucket_rate rate,
                         uint64_t now_ms)
{
    _Atomic uint64_t *word = &service_find(b, service)->due_ns;
    const uint64_t now = now_ms * NS_PER_MS;
    uint64_t due = get(word);

    if (due <= now || due - now <= rate.slack)
        return true;
    if (due - now > owed_max(rate))
        (void)swap(word, &due, now + rate.slack + rate.interval);
    return false;
}

bool buckets_take_service(struct buckets *b, uint64_t service, struct bucket_rate rate,
                          uint64_t now_ms)
{
    _Atomic uint64_t *word = &service_find(b, service)->due_ns;
    const uint64_t now = now_ms * NS_PER_MS;
    uint64_t seen = get(word);

    for (unsigned i = 0; i < TRIES; i++) {
        const uint64_t due = seen > now ? seen : now;

        if (due - now > rate.slack)
            return false;
        if (swap(word, &seen, due + rate.interval))
            return true;
    }
    return true;
}
