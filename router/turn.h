/* What an answer may use during one turn of a worker's loop. The daemon owns and refreshes it;
 * front ends borrow it from when a callback begins until it returns. */
#pragma once

#include "base/clock.h"
#include "base/metrics.h"
#include "router/note.h"
#include "router/view.h"

struct session_table; /* router/session_table.h */
struct buckets;       /* router/admit.h */
struct tally_ring;    /* router/tally.h */

struct turn {
    const struct view *view; /* never NULL while the worker answers */
    struct live *live;
    struct metrics *metrics;        /* this worker's own */
    struct note_ring *notes;        /* NULL: the access log is off */
    struct session_table *sessions; /* NULL: each question counts as a session */
    struct buckets *buckets;        /* NULL: no rates */
    struct tally_ring *tallies;     /* NULL: nobody counts what is popular */
    struct key_scratch *keys;
    struct arena *arena;     /* for one answer; reset behind it */
    uint64_t now_us, now_ms; /* monotonic, read once per callback by turn_begin */
    uint64_t wall_ms;        /* since 1970 */
    uint64_t wall_offset_ms; /* wall clock less monotonic; the worker renews it every second */
    uint64_t random;         /* state of turn_random, never 0 */
};

/* At the start of each callback of the event loop: one clock call for all that it answers. */
static inline void turn_begin(struct turn *t)
{
    t->now_us = clock_us();
    t->now_ms = t->now_us / 1000;
    t->wall_ms = t->now_ms + t->wall_offset_ms;
}

/* This worker's cheap random numbers (xorshift64*): for spreading, never for secrets. */
static inline uint64_t turn_random(struct turn *t)
{
    uint64_t x = t->random;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    t->random = x;
    return x * UINT64_C(0x2545f4914f6cdd1d);
}
