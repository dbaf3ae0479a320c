/* A streamer's cache in the simulator: least recently used goes first. No allocation once made. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct lru_entry {
    uint32_t key, size;
    uint32_t before, after; /* more and less recently used; LRU_NONE: none */
};

#define LRU_NONE UINT32_MAX

struct lru {
    uint64_t room, used; /* contents or bytes */
    struct lru_entry *entries;
    uint32_t *slots; /* entry + 1; 0: free. Open addressing */
    uint32_t mask, count, max;
    uint32_t newest, oldest, spare; /* spare: a list by `after` */
};

/* room in units of `size` below; max: entries at most, as for a catalogue of so many. false: no
 * memory. */
bool lru_init(struct lru *l, uint64_t room, uint32_t max) MUST_CHECK;
void lru_fini(struct lru *l);
void lru_clear(struct lru *l);

/* true: it was there, and is the newest now. false: it is there from now on, and others had to go;
 * but what is larger than all of the cache is never kept. */
bool lru_touch(struct lru *l, uint32_t key, uint32_t size);
bool lru_has(const struct lru *l, uint32_t key);

static inline void lru_prefetch(const struct lru *l, uint32_t key)
{
    __builtin_prefetch(&l->slots[(uint32_t)(key * UINT32_C(0x9e3779b1)) >> 7 & l->mask]);
}
