/* The memory of all swarms: pieces of up to PEER_PIECE_MAX bytes in steps of 16, cut from huge
 * pages of the store's own. An announce reads a dozen lines at random places of it, and in small
 * pages each would cost a walk through page tables beside the cache miss. Pieces carry no header;
 * what goes back is used again for pieces of its size, and a run of 32 KiB that is all free for any
 * size. The system gets the pages back with peer_memory_fini. Thread-safe: one lock, held for a few
 * writes. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#define PEER_PIECE_MAX 4096
#define PEER_PIECE     16
#define PEER_CLASSES   (PEER_PIECE_MAX / PEER_PIECE)

struct peer_run;

/* Neither used nor held goes over max; held may by less than one slab (2 MiB), so that small limits
 * work. Two, for strangers choose what comes and goes: a piece left in each run keeps the run from
 * all other sizes. */
struct peer_memory {
    _Atomic size_t used; /* bytes of pieces, rounded: not what runs have free */
    _Atomic size_t held; /* bytes had from the system: slabs, and what is too large for them */
    size_t max;
    pthread_mutex_t lock; /* of what follows */
    struct peer_run *slabs, *free_runs;
    struct peer_run *open[PEER_CLASSES]; /* runs that have a piece to give */
};

void peer_memory_init(struct peer_memory *m, size_t max);
/* Whatever is still in a piece of PEER_PIECE_MAX at most goes with it. */
void peer_memory_fini(struct peer_memory *m);

/* What n bytes really take. */
static inline size_t peer_memory_taken(size_t n)
{
    return (n + PEER_PIECE - 1) & ~(size_t)(PEER_PIECE - 1);
}

/* NULL over max or when the system has none; old (of old_size bytes) stays then. Freeing is
 * new_size 0. Pieces whose size is a multiple of 64 begin a cache line. */
void *peer_memory_resize(struct peer_memory *m, void *old, size_t old_size, size_t new_size);
