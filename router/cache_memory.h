/* Which contents were sent to which streamer lately: a Bloom filter of two generations for each
 * streamer, all of them side by side. A row is a hash position, and holds a bit for every streamer
 * and generation, so that four rows, which are four cache lines or so, say it for all streamers at
 * once. Bits are relaxed atomics: any worker reads and adds, the control thread rotates.
 *
 * A generation ends when as many different contents went there as fill half of its cache, or half
 * of the time has gone that its cache keeps a content which nobody asks for (its characteristic
 * time: H. Che, Y. Tung, Z. Wang, Hierarchical Web Caching Systems, 2002). What is remembered is
 * then between half of what the cache holds and all of it. */
#pragma once

#include "base/err.h"
#include "router/live.h"

#define CACHE_MEMORY_HASHES 4

struct cache_memory; /* columns are live slots */

/* rows are sized by bytes_max and columns (rounded up to 64s). path NULL: in memory alone; else
 * kept in that file (mapped, so that the end of the process at any time loses nothing), which is
 * taken over when it fits and made anew when not. One reference. */
enum err_code cache_memory_new(size_t bytes_max, unsigned columns, const char *path,
                               struct cache_memory **out, struct err *e) MUST_CHECK;
void cache_memory_take(struct cache_memory *m);
void cache_memory_drop(struct cache_memory *m); /* NULL is fine */
unsigned cache_memory_columns(const struct cache_memory *m);
size_t cache_memory_bytes(const struct cache_memory *m);

/* Ahead of the look-ups for a content. */
void cache_memory_prefetch(const struct cache_memory *m, uint64_t content);
/* The streamers 64 * word .. 64 * word + 63 (live slots) that got this content lately. */
uint64_t cache_memory_word(const struct cache_memory *m, uint64_t content, unsigned word);
bool cache_memory_has(const struct cache_memory *m, uint64_t content, lidx i);

/* Any worker: the content was sent there. true: it was not remembered in this generation. */
bool cache_memory_add(struct cache_memory *m, uint64_t content, lidx i);

/* Control thread. Different contents that came into this generation, about. */
uint32_t cache_memory_fresh(const struct cache_memory *m, lidx i);
/* Ends the generation: the older one is forgotten. Walks all rows. */
void cache_memory_rotate(struct cache_memory *m, lidx i);
/* Forgets both: the slot is somebody else's from now on, or its cache was emptied. */
void cache_memory_clear(struct cache_memory *m, lidx i);
/* Is it time? Rotates then: contents is what the cache holds, keep_s how long (0: not known, each);
 * with neither known a generation ends when its filter is half full. */
bool cache_memory_turn(struct cache_memory *m, lidx i, double contents, uint32_t keep_s,
                       uint64_t now_ms);
/* For the file of a restarted process: which streamer a column is. names[columns], "" for none:
 * columns whose name in the file is another are cleared. */
void cache_memory_bind(struct cache_memory *m, const struct live *live);
