/* What is remembered of clients and contents: the tables that the workers share, and what becomes
 * of them each second. Control thread, but for what workers do with the tables. */
#pragma once

#include "daemon/config.h"
#include "router/popularity.h"
#include "router/tally.h"

#define MEMORY_TALLIES   4096 /* of a worker: sessions of a second or so */
#define MEMORY_OLD_VIEWS 4

struct buckets;
struct cache_memory;
struct session_table;

/* The services of an earlier view by their number in the newest: tallies may be that old. */
struct memory_renumber {
    uint16_t serial;
    size_t count;
    svidx *to; /* [count]; NULL: none */
};

struct memory {
    struct session_table *sessions; /* NULL: each question counts as a session */
    struct buckets *buckets;
    struct popularity *popularity;
    struct hot *hot;
    struct cache_memory *caches;               /* one reference; NULL: not remembered */
    size_t cache_bytes;                        /* what may be used for it */
    char cache_path[4096];                     /* empty: in memory alone */
    struct tally_ring *tallies[UINT8_MAX + 1]; /* [tally_count], one a worker */
    unsigned tally_count;
    const struct view *view; /* as numbers in popularity are; the control thread's own */
    struct memory_renumber old[MEMORY_OLD_VIEWS];
    unsigned old_next;
    sidx turn_at;           /* where the last turn of the caches' memories ended */
    uint64_t tallies_stale; /* of views that are not known any more */
};

/* All but what grows with the workers and the streamers. live->hot is set. */
enum err_code memory_start(struct memory *m, const struct config *c, struct live *live,
                           struct err *e) MUST_CHECK;
/* For one worker more; NULL: no memory. */
struct tally_ring *memory_tallies(struct memory *m) MUST_CHECK;
/* Before a view of these streamers is built: makes room for their slots in the memory of caches.
 * What it has of others stays as long as there is room; else a larger one begins empty. */
enum err_code memory_reserve(struct memory *m, const struct live *live,
                             const struct streamer_conf *streamers, size_t n,
                             struct err *e) MUST_CHECK;
/* The new view is there: before the one before is dropped. */
void memory_view(struct memory *m, const struct view *v, const struct live *live);
/* Each second: counts what the workers tell, publishes what is hot, lets the caches' memories age.
 */
void memory_turn(struct memory *m, uint64_t now_ms);
uint64_t memory_tallies_dropped(const struct memory *m);
/* Workers have ended. */
void memory_stop(struct memory *m);

/* Rows of the hottest, by the newest view's services; see popularity_top. */
size_t memory_top(struct memory *m, svidx service, uint64_t now_ms, struct popularity_row *out,
                  size_t max);
