/* Which contents were sent to which streamer lately: a Bloom filter of two generations for each
 * streamer, all of them side by side. A row is a hash position, and holds a bit for every streamer
 * and generation, so that four rows, which are four cache lines or so, say it for all streamers at
 * once. Bits are relaxed atomics: any worker reads and adds, the control thread rotates.
 *
 * A content is remembered that is in either generation; one that is sent there again comes into the
 * current one, so that it outlives the older, as it does in a cache that drops what was asked for
 * the longest ago.
 *
 * A generation ends when as many different contents went there as fill half of its cache, or half
 * of the time has gone that its cache keeps a content which nobody asks for (its characteristic
 * time: H. Che, Y. Tung, Z. Wang, Hierarchical Web Caching Systems, 2002). What is remembered is
 * then between half of what the cache holds and all of it. */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "base/hash.h"
#include "router/live.h"

#define CACHE_MEMORY_HASHES   4
#define CACHE_MEMORY_ROWS_MIN 1024u

struct cache_memory_column;
struct cache_memory_plan;

/* Columns are live slots. Fields are for the inline functions below. */
struct cache_memory {
    /* [row_mask + 1][words][2]: of 64 columns both generations are neighbours. */
    _Atomic uint64_t *bits;
    uint64_t row_mask;
    unsigned words; /* of 64 columns each */
    struct cache_memory_column *column;
    uint64_t *turned_ms; /* [64 * words], control thread: since when a generation is current; 0: not
                            looked at yet */
    struct cache_memory_plan *plan;
    void *mapped;
    size_t mapped_len;
    _Atomic uint32_t refs;
};

/* Columns are rounded up to 64s; of rows there are as many as fit into bytes_max, a power of two
 * and at least CACHE_MEMORY_ROWS_MIN: a filter remembers well about rows / 6 contents a generation.
 * path NULL: in memory alone; else kept in that file (mapped, so that the end of the process at any
 * time loses nothing), which is taken over when it fits and made anew when not. The path is one
 * process's, which whoever owns its directory sees to. *out holds one reference. ERR_LIMIT: no
 * columns, or more than LIVE_SLOTS; no memory. ERR_IO: the file; its disk is full. */
enum err_code cache_memory_new(size_t bytes_max, unsigned columns, const char *path,
                               struct cache_memory **out, struct err *e) MUST_CHECK;
void cache_memory_take(struct cache_memory *m);
void cache_memory_drop(struct cache_memory *m);              /* NULL is fine */
unsigned cache_memory_columns(const struct cache_memory *m); /* rounded up */
size_t cache_memory_rows(const struct cache_memory *m);      /* bits of a filter */
size_t cache_memory_bytes(const struct cache_memory *m);     /* all that is mapped */

static inline uint64_t cache_memory_hash(uint64_t content)
{
    return hash_mix(content, 0);
}

/* The words of hash position k of 0 .. CACHE_MEMORY_HASHES - 1; hash from cache_memory_hash. */
static inline _Atomic uint64_t *cache_memory_row(const struct cache_memory *m, uint64_t hash,
                                                 unsigned k)
{
    return m->bits + ((hash + k * (hash >> 32 | 1)) & m->row_mask) * m->words * 2;
}

/* Ahead of the look-ups for a content. Brings the lines of the first 1,024 columns of each row:
 * those behind are brought late. */
static inline void cache_memory_prefetch(const struct cache_memory *m, uint64_t content)
{
    const uint64_t hash = cache_memory_hash(content);
    const unsigned lines = m->words < 16 ? m->words : 16;

    for (unsigned line = 0; line < lines; line += 4)
        for (unsigned k = 0; k < CACHE_MEMORY_HASHES; k++)
            __builtin_prefetch(cache_memory_row(m, hash, k) + (size_t)line * 2);
}

/* The streamers 64 * word .. 64 * word + 63 (live slots) that got this content lately; 0 for slots
 * beyond the columns. */
static inline uint64_t cache_memory_word(const struct cache_memory *m, uint64_t content,
                                         unsigned word)
{
    const uint64_t hash = cache_memory_hash(content);
    uint64_t g0 = UINT64_MAX, g1 = UINT64_MAX;

    if (word >= m->words)
        return 0;
    for (unsigned k = 0; k < CACHE_MEMORY_HASHES; k++) {
        const _Atomic uint64_t *at = cache_memory_row(m, hash, k) + (size_t)word * 2;

        g0 &= atomic_load_explicit(&at[0], memory_order_relaxed);
        g1 &= atomic_load_explicit(&at[1], memory_order_relaxed);
    }
    return g0 | g1;
}

static inline bool cache_memory_has(const struct cache_memory *m, uint64_t content, lidx i)
{
    return cache_memory_word(m, content, i / 64u) >> i % 64u & 1;
}

/* Any worker: the content was sent there. true: it was not remembered in this generation. Nothing
 * happens for a slot beyond the columns. */
bool cache_memory_add(struct cache_memory *m, uint64_t content, lidx i);

/* Control thread, and nothing for slots beyond the columns. Different contents that came into this
 * generation, about: one in a thousand and, once the filter is half full, one in sixteen is taken
 * for an old one. */
uint32_t cache_memory_fresh(const struct cache_memory *m, lidx i);
/* Ends the generation: the older one is forgotten. Walks all rows, unless it was empty. */
void cache_memory_rotate(struct cache_memory *m, lidx i);
/* Forgets both: the slot is somebody else's from now on, or its cache was emptied. */
void cache_memory_clear(struct cache_memory *m, lidx i);
/* Is it time? Rotates then: contents is what the cache holds, keep_s how long (0: not known, each).
 * Whatever they are a generation ends when its filter is half full, for beyond that it would say
 * yes to everything. A walk of 64 MB takes some 10 to 30 ms, so the caller does not turn all
 * columns in one go: once one has turned, the others wait for its next round. */
bool cache_memory_turn(struct cache_memory *m, lidx i, double contents, uint32_t keep_s,
                       uint64_t now_ms);
/* Which streamer a column is: its slot's in live, behind each live_mark_end and before the first
 * answer. A column that was another streamer's, or nobody's, is cleared; one whose streamer had
 * another slot in the process that left the file moves to where the streamer is now. */
void cache_memory_bind(struct cache_memory *m, const struct live *live);
