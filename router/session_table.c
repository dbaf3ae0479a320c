#include "router/session_table.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/hash.h"

#define WAYS        8u /* a bucket is a cache line */
#define ENTRIES_MIN 64u
#define ENTRIES_MAX ((size_t)1 << 32)
#define TRIES_MAX   4 /* others wrote the bucket meanwhile */
#define HUGE_PAGE   ((size_t)2 << 20)

/* An entry: tag of client and content in the high 32 bits, never 0; the live slot in 14; in the low
 * 18 the second of the last question, which wraps every three days. Entries that are older than a
 * day are swept out before an old one could look young again. */
#define SLOT_AT   18
#define SLOT_MASK UINT64_C(0x3fff)
#define TIME_MASK UINT32_C(0x3ffff)
#define SKEW_S    16u /* clocks of two workers are apart by less */

/* Every bucket is looked at within this time, and what is older than the longest window goes.
 */
#define SWEEP_S 32768u
/* At most so old is an entry when it is looked at: it was young enough the last time, and then came
 * its turn, and a silence that is short enough not to end in the sweep of all. */
_Static_assert(SESSION_WINDOW_MAX_S + SWEEP_S + SESSION_WINDOW_MAX_S + SKEW_S < TIME_MASK,
               "ages are unambiguous");
_Static_assert(LIVE_SLOTS <= SLOT_MASK + 1, "a slot fits");

struct session_table {
    _Atomic uint64_t *word;
    size_t bucket_mask;
    struct hash_words_key key;
    _Alignas(64) _Atomic uint64_t swept_s; /* sweeping is done up to this second, plus 1 */
};

/* All entries empty; NULL: no memory. Nearly every look is at another page, so that with small
 * pages finding the page would cost as much as the look. */
static _Atomic uint64_t *words_new(size_t n)
{
    const size_t bytes = n * sizeof(uint64_t); /* a power of two */
    const bool huge = bytes >= HUGE_PAGE;
    void *p = aligned_alloc(huge ? HUGE_PAGE : 64, bytes);

    if (!p)
        return NULL;
    if (huge)
        (void)madvise(p, bytes, MADV_HUGEPAGE);
    memset(p, 0, bytes);
    return p;
}

struct session_table *session_table_new(size_t entries)
{
    struct session_table *t = aligned_alloc(_Alignof(struct session_table), sizeof *t);
    size_t n = ENTRIES_MIN;

    if (!t)
        return NULL;
    while (n < entries && n < ENTRIES_MAX)
        n *= 2;
    memset(t, 0, sizeof *t);
    t->word = words_new(n);
    if (!t->word) {
        free(t);
        return NULL;
    }
    t->bucket_mask = n / WAYS - 1;
    hash_random(&t->key, sizeof t->key);
    return t;
}

void session_table_free(struct session_table *t)
{
    if (!t)
        return;
    free(t->word);
    free(t);
}

/* Seconds since the entry was written. One that another worker's clock wrote ahead of ours is new.
 */
static uint32_t age_of(uint64_t entry, uint32_t now_s)
{
    const uint32_t age = (now_s - (uint32_t)entry) & TIME_MASK;

    return age > TIME_MASK - SKEW_S ? 0 : age;
}

static void bucket_sweep(_Atomic uint64_t *bucket, uint32_t now_s, bool all)
{
    for (unsigned i = 0; i < WAYS; i++) {
        uint64_t e = atomic_load_explicit(&bucket[i], memory_order_relaxed);

        if (e && (all || age_of(e, now_s) > SESSION_WINDOW_MAX_S))
            atomic_compare_exchange_strong_explicit(&bucket[i], &e, 0, memory_order_relaxed,
                                                    memory_order_relaxed);
    }
}

/* Each second some worker takes the next few buckets, so that all have their turn within SWEEP_S.
 * Behind a long silence it takes more of them, and behind a very long one all entries go. */
static void sweep(struct session_table *t, uint32_t now_s)
{
    uint64_t done = atomic_load_explicit(&t->swept_s, memory_order_relaxed);
    const uint64_t now = (uint64_t)now_s + 1, buckets = t->bucket_mask + 1;
    uint64_t from, n;

    if (now <= done)
        return;
    if (!atomic_compare_exchange_strong_explicit(&t->swept_s, &done, now, memory_order_relaxed,
                                                 memory_order_relaxed) ||
        done == 0)
        return;
    /* The share of second s begins at bucket s * buckets / SWEEP_S, so that small tables, too, have
     * all of their buckets swept. */
    from = done * buckets / SWEEP_S;
    n = now - done >= SWEEP_S ? buckets : now * buckets / SWEEP_S - from;
    for (uint64_t i = 0; i < n; i++)
        bucket_sweep(t->word + ((from + i) & t->bucket_mask) * WAYS, now_s,
                     now - done > SESSION_WINDOW_MAX_S + SKEW_S);
}

/* The entry of that tag, or the one to replace: an empty one, else the oldest. */
static unsigned find(const uint64_t bucket[WAYS], uint64_t tag, uint32_t now_s, bool *found)
{
    unsigned at = 0;
    uint32_t oldest = 0;

    *found = true;
    for (unsigned i = 0; i < WAYS; i++)
        if (bucket[i] >> 32 == tag)
            return i;
    *found = false;
    for (unsigned i = 0; i < WAYS; i++) {
        const uint32_t age = age_of(bucket[i], now_s);

        if (bucket[i] == 0)
            return i;
        if (age > oldest) {
            oldest = age;
            at = i;
        }
    }
    return at;
}

static uint64_t key_of(const struct session_table *t, struct addr client, uint64_t content)
{
    return hash_words(&t->key, client.hi, client.lo, content);
}

static _Atomic uint64_t *bucket_of(const struct session_table *t, uint64_t key)
{
    return t->word + (key & t->bucket_mask) * WAYS;
}

void session_table_prefetch(const struct session_table *t, struct addr client, uint64_t content)
{
    __builtin_prefetch(bucket_of(t, key_of(t, client, content)), 1);
}

bool session_table_note(struct session_table *t, struct addr client, uint64_t content, lidx i,
                        uint32_t now_s, uint32_t window_s)
{
    const uint64_t key = key_of(t, client, content), tag = key >> 32 ? key >> 32 : 1;
    const uint64_t entry = tag << 32 | (i & SLOT_MASK) << SLOT_AT | (now_s & TIME_MASK);
    _Atomic uint64_t *at = bucket_of(t, key);
    bool fresh = true;

    if (window_s > SESSION_WINDOW_MAX_S)
        window_s = SESSION_WINDOW_MAX_S;
    sweep(t, now_s);
    for (unsigned tries = 0; tries < TRIES_MAX; tries++) {
        uint64_t bucket[WAYS], before;
        bool found;
        unsigned k;

        for (k = 0; k < WAYS; k++)
            bucket[k] = atomic_load_explicit(&at[k], memory_order_relaxed);
        k = find(bucket, tag, now_s, &found);
        before = bucket[k];
        fresh = !found || (before >> SLOT_AT & SLOT_MASK) != (i & SLOT_MASK) ||
                age_of(before, now_s) >= window_s;
        if (before == entry ||
            atomic_compare_exchange_strong_explicit(&at[k], &before, entry, memory_order_relaxed,
                                                    memory_order_relaxed))
            break;
    }
    return fresh;
}
