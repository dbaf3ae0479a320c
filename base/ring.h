/* A ring of slots of one size between two threads: one writes, one reads, nobody waits. A full ring
 * drops and counts. Each side's index stands in a cache line of its own, together with its last
 * look at the other's, so that neither reads the other's line while it has room or work. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

#define RING_SLOTS_MAX (1u << 20)
#define RING_LINE      64

struct ring {
    char *slots; /* [mask + 1][size] */
    size_t size;
    uint32_t mask;
    _Alignas(RING_LINE) _Atomic uint32_t head; /* next to fill; the writer's */
    uint32_t tail_seen;
    _Atomic uint64_t dropped;
    _Alignas(RING_LINE) _Atomic uint32_t tail; /* oldest; the reader's */
    uint32_t head_seen;
};

/* slots is rounded up to a power of two, 2 to RING_SLOTS_MAX; size in bytes, of any type. false: no
 * memory; ring_fini is fine then. */
bool ring_init(struct ring *r, unsigned slots, size_t size) MUST_CHECK;
void ring_fini(struct ring *r);

/* Writer: the next free slot, as somebody left it, or NULL when the ring is full, which is counted.
 * Fill it, then commit; one that is begun and not committed is begun again the next time. */
static inline void *ring_begin(struct ring *r)
{
    const uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

    if (head - r->tail_seen > r->mask) {
        r->tail_seen = atomic_load_explicit(&r->tail, memory_order_acquire);
        if (head - r->tail_seen > r->mask) {
            uint64_t dropped = atomic_load_explicit(&r->dropped, memory_order_relaxed);

            atomic_store_explicit(&r->dropped, dropped + 1, memory_order_relaxed);
            return NULL;
        }
    }
    return r->slots + (head & r->mask) * r->size;
}

static inline void ring_commit(struct ring *r)
{
    const uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

    atomic_store_explicit(&r->head, head + 1, memory_order_release);
}

/* Reader: the oldest, or NULL; it stays the oldest, and as it is, until it is released. */
static inline const void *ring_peek(struct ring *r)
{
    const uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

    if (tail == r->head_seen) {
        r->head_seen = atomic_load_explicit(&r->head, memory_order_acquire);
        if (tail == r->head_seen)
            return NULL;
    }
    return r->slots + (tail & r->mask) * r->size;
}

static inline void ring_release(struct ring *r)
{
    const uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

    atomic_store_explicit(&r->tail, tail + 1, memory_order_release);
}

/* Any thread. */
static inline uint64_t ring_dropped(const struct ring *r)
{
    return atomic_load_explicit(&r->dropped, memory_order_relaxed);
}
