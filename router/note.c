#include "router/note.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_LINE     64
#define NOTE_SLOTS_MAX (1u << 20)

/* One writer, one reader. Each side's index stands in a cache line of its own, together with its
 * last look at the other's, so that neither reads the other's line while it has room or work. */
struct note_ring {
    struct note *slots;
    uint32_t mask;
    _Alignas(CACHE_LINE) _Atomic uint32_t head; /* next to fill; worker */
    uint32_t tail_seen;
    _Atomic uint64_t dropped;
    _Alignas(CACHE_LINE) _Atomic uint32_t tail; /* oldest; writer */
    uint32_t head_seen;
};

struct note_ring *note_ring_new(unsigned slots)
{
    struct note_ring *r = aligned_alloc(CACHE_LINE, sizeof *r);
    uint32_t n = 2;

    if (!r)
        return NULL;
    while (n < slots && n < NOTE_SLOTS_MAX)
        n *= 2;
    memset(r, 0, sizeof *r);
    r->mask = n - 1;
    r->slots = calloc(n, sizeof *r->slots);
    if (!r->slots) {
        free(r);
        return NULL;
    }
    return r;
}

void note_ring_free(struct note_ring *r)
{
    if (!r)
        return;
    free(r->slots);
    free(r);
}

struct note *note_begin(struct note_ring *r)
{
    uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

    if (head - r->tail_seen > r->mask) {
        r->tail_seen = atomic_load_explicit(&r->tail, memory_order_acquire);
        if (head - r->tail_seen > r->mask) {
            uint64_t dropped = atomic_load_explicit(&r->dropped, memory_order_relaxed);

            atomic_store_explicit(&r->dropped, dropped + 1, memory_order_relaxed);
            return NULL;
        }
    }
    return &r->slots[head & r->mask];
}

void note_commit(struct note_ring *r)
{
    uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

    atomic_store_explicit(&r->head, head + 1, memory_order_release);
}

const struct note *note_peek(struct note_ring *r)
{
    uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

    if (tail == r->head_seen) {
        r->head_seen = atomic_load_explicit(&r->head, memory_order_acquire);
        if (tail == r->head_seen)
            return NULL;
    }
    return &r->slots[tail & r->mask];
}

void note_release(struct note_ring *r)
{
    uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

    atomic_store_explicit(&r->tail, tail + 1, memory_order_release);
}

uint64_t note_dropped(const struct note_ring *r)
{
    return atomic_load_explicit(&r->dropped, memory_order_relaxed);
}

static void copy_name(char *out, size_t size, struct str from)
{
    size_t n = from.n < size - 1 ? from.n : size - 1;

    if (n)
        memcpy(out, from.p, n);
    out[n] = '\0';
}

void note_decision(struct note *n, const struct view *v, svidx service, const struct decision *d)
{
    const struct choice *first = d->count > 0 ? &d->choice[0] : NULL;

    n->serial = v->serial;
    n->why = (uint8_t)d->why;
    n->cost = first ? first->cost : NAN;
    copy_name(n->service, sizeof n->service,
              service != SVIDX_NONE ? v->services[service].conf->name : (struct str){0});
    copy_name(n->pid, sizeof n->pid,
              d->pid != PIDX_NONE && v->netmap ? v->netmap->pids[d->pid].name : (struct str){0});
    copy_name(n->streamer, sizeof n->streamer,
              first ? v->streamers[first->streamer].conf->name : (struct str){0});
}
