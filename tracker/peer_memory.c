#include "tracker/peer_memory.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>

#define SLAB_SIZE ((size_t)2 << 20) /* a huge page */
#define RUN_SIZE  ((size_t)32 << 10)

/* With AddressSanitizer every piece is the system allocator's, so that it watches each. */
#if defined(__SANITIZE_ADDRESS__)
#define WATCHED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WATCHED true
#endif
#endif
#ifndef WATCHED
#define WATCHED false
#endif

/* Pieces of one size; at the start of RUN_SIZE aligned bytes, the pieces behind it. */
struct peer_run {
    struct peer_run *next, *prev; /* open runs of the size, or free runs (next only) */
    struct peer_run *slab_next;   /* of the first run in a slab */
    void *free;                   /* pieces given back; each begins with a pointer to the next */
    uint32_t piece, used;         /* bytes each; pieces out */
    uint32_t fresh;               /* offset of the first piece never given */
    char pad[20];
};
static_assert(sizeof(struct peer_run) == 64, "pieces of whole cache lines stay so");

void peer_memory_init(struct peer_memory *m, size_t max)
{
    memset(m, 0, sizeof *m);
    m->max = max;
    pthread_mutex_init(&m->lock, NULL);
}

void peer_memory_fini(struct peer_memory *m)
{
    while (m->slabs) {
        struct peer_run *slab = m->slabs;

        m->slabs = slab->slab_next;
        free(slab);
    }
    pthread_mutex_destroy(&m->lock);
}

static size_t held_get(struct peer_memory *m)
{
    return atomic_load_explicit(&m->held, memory_order_relaxed);
}

static bool slab_add(struct peer_memory *m)
{
    char *slab = held_get(m) < m->max ? aligned_alloc(SLAB_SIZE, SLAB_SIZE) : NULL;

    if (!slab)
        return false;
    atomic_fetch_add_explicit(&m->held, SLAB_SIZE, memory_order_relaxed);
    (void)madvise(slab, SLAB_SIZE, MADV_HUGEPAGE);
    for (size_t at = SLAB_SIZE; at > 0; at -= RUN_SIZE) {
        struct peer_run *r = (struct peer_run *)(void *)(slab + at - RUN_SIZE);

        *r = (struct peer_run){.next = m->free_runs};
        m->free_runs = r;
    }
    m->free_runs->slab_next = m->slabs;
    m->slabs = m->free_runs;
    return true;
}

static void open_add(struct peer_memory *m, struct peer_run *r)
{
    struct peer_run **list = &m->open[r->piece / PEER_PIECE - 1];

    r->prev = NULL;
    r->next = *list;
    if (r->next)
        r->next->prev = r;
    *list = r;
}

static void open_drop(struct peer_memory *m, struct peer_run *r)
{
    if (r->prev)
        r->prev->next = r->next;
    else
        m->open[r->piece / PEER_PIECE - 1] = r->next;
    if (r->next)
        r->next->prev = r->prev;
}

static bool run_full(const struct peer_run *r)
{
    return !r->free && r->fresh + r->piece > RUN_SIZE;
}

/* A run with room for a piece of the size. */
static struct peer_run *run_get(struct peer_memory *m, uint32_t piece)
{
    struct peer_run *r = m->open[piece / PEER_PIECE - 1];

    if (r)
        return r;
    if (!m->free_runs && !slab_add(m))
        return NULL;
    r = m->free_runs;
    m->free_runs = r->next;
    r->free = NULL;
    r->piece = piece;
    r->used = 0;
    r->fresh = sizeof *r;
    open_add(m, r);
    return r;
}

static void *piece_new(struct peer_memory *m, uint32_t piece)
{
    struct peer_run *r;
    void *p = NULL;

    pthread_mutex_lock(&m->lock);
    r = run_get(m, piece);
    if (r) {
        p = r->free;
        if (p) {
            memcpy(&r->free, p, sizeof r->free);
        } else {
            p = (char *)r + r->fresh;
            r->fresh += piece;
        }
        r->used++;
        if (run_full(r))
            open_drop(m, r);
    }
    pthread_mutex_unlock(&m->lock);
    return p;
}

static void piece_free(struct peer_memory *m, void *p)
{
    struct peer_run *r = (struct peer_run *)((uintptr_t)p & ~(uintptr_t)(RUN_SIZE - 1));

    pthread_mutex_lock(&m->lock);
    if (run_full(r))
        open_add(m, r);
    memcpy(p, &r->free, sizeof r->free);
    r->free = p;
    if (--r->used == 0) {
        open_drop(m, r);
        r->next = m->free_runs;
        m->free_runs = r;
    }
    pthread_mutex_unlock(&m->lock);
}

static bool in_run(size_t taken)
{
    return !WATCHED && taken > 0 && taken <= PEER_PIECE_MAX;
}

static void *memory_new(struct peer_memory *m, size_t taken)
{
    void *p;

    if (in_run(taken))
        return piece_new(m, (uint32_t)taken);
    if (held_get(m) + taken > m->max + SLAB_SIZE)
        return NULL;
    p = taken % 64 == 0 ? aligned_alloc(64, taken) : malloc(taken);
    if (p)
        atomic_fetch_add_explicit(&m->held, taken, memory_order_relaxed);
    return p;
}

static void memory_free(struct peer_memory *m, void *p, size_t taken)
{
    if (in_run(taken)) {
        piece_free(m, p);
        return;
    }
    free(p);
    atomic_fetch_sub_explicit(&m->held, taken, memory_order_relaxed);
}

void *peer_memory_resize(struct peer_memory *m, void *old, size_t old_size, size_t new_size)
{
    size_t before = old ? peer_memory_taken(old_size) : 0, after = peer_memory_taken(new_size);
    void *p = NULL;

    if (before == after)
        return old;
    if (after > before &&
        atomic_load_explicit(&m->used, memory_order_relaxed) + (after - before) > m->max)
        return NULL;
    if (after > 0) {
        p = memory_new(m, after);
        if (!p)
            return NULL;
        if (before > 0)
            memcpy(p, old, old_size < new_size ? old_size : new_size);
    }
    if (before > 0)
        memory_free(m, old, before);
    if (after >= before)
        atomic_fetch_add_explicit(&m->used, after - before, memory_order_relaxed);
    else
        atomic_fetch_sub_explicit(&m->used, before - after, memory_order_relaxed);
    return p;
}
