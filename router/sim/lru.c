#include "router/sim/lru.h"

#include <stdlib.h>
#include <string.h>

static uint32_t home_of(const struct lru *l, uint32_t key)
{
    return (uint32_t)(key * UINT32_C(0x9e3779b1)) >> 7 & l->mask;
}

bool lru_init(struct lru *l, uint64_t room, uint32_t max)
{
    uint32_t slots = 16;

    memset(l, 0, sizeof *l);
    l->room = room;
    l->max = room < max ? (uint32_t)room : max;
    while (slots < 2 * (uint64_t)l->max && slots < UINT32_C(1) << 25)
        slots *= 2;
    l->mask = slots - 1;
    l->slots = calloc(slots, sizeof *l->slots);
    l->entries = calloc(l->max + 1u, sizeof *l->entries);
    if (!l->slots || !l->entries || l->max >= slots) {
        lru_fini(l);
        return false;
    }
    lru_clear(l);
    return true;
}

void lru_fini(struct lru *l)
{
    free(l->slots);
    free(l->entries);
    memset(l, 0, sizeof *l);
}

void lru_clear(struct lru *l)
{
    memset(l->slots, 0, (l->mask + 1u) * sizeof *l->slots);
    for (uint32_t i = 0; i < l->max; i++)
        l->entries[i].after = i + 1 < l->max ? i + 1 : LRU_NONE;
    l->spare = l->max ? 0 : LRU_NONE;
    l->newest = l->oldest = LRU_NONE;
    l->count = 0;
    l->used = 0;
}

/* Where the key is, or the free slot where it would be. */
static uint32_t slot_of(const struct lru *l, uint32_t key)
{
    uint32_t at = home_of(l, key);

    while (l->slots[at] && l->entries[l->slots[at] - 1].key != key)
        at = (at + 1) & l->mask;
    return at;
}

static void unlink_entry(struct lru *l, uint32_t i)
{
    const struct lru_entry *x = &l->entries[i];

    if (x->before != LRU_NONE)
        l->entries[x->before].after = x->after;
    else
        l->newest = x->after;
    if (x->after != LRU_NONE)
        l->entries[x->after].before = x->before;
    else
        l->oldest = x->before;
}

static void link_newest(struct lru *l, uint32_t i)
{
    l->entries[i].before = LRU_NONE;
    l->entries[i].after = l->newest;
    if (l->newest != LRU_NONE)
        l->entries[l->newest].before = i;
    else
        l->oldest = i;
    l->newest = i;
}

/* Frees a slot and moves those behind it that may stand nearer to their home. */
static void slot_free(struct lru *l, uint32_t at)
{
    uint32_t next = at;

    for (;;) {
        uint32_t home;

        next = (next + 1) & l->mask;
        if (!l->slots[next])
            break;
        home = home_of(l, l->entries[l->slots[next] - 1].key);
        if (((next - home) & l->mask) < ((next - at) & l->mask))
            continue;
        l->slots[at] = l->slots[next];
        at = next;
    }
    l->slots[at] = 0;
}

static void drop_oldest(struct lru *l)
{
    uint32_t i = l->oldest;

    slot_free(l, slot_of(l, l->entries[i].key));
    unlink_entry(l, i);
    l->used -= l->entries[i].size;
    l->entries[i].after = l->spare;
    l->spare = i;
    l->count--;
}

bool lru_touch(struct lru *l, uint32_t key, uint32_t size)
{
    uint32_t at = slot_of(l, key), i;

    if (l->slots[at]) {
        i = l->slots[at] - 1;
        if (l->newest != i) {
            unlink_entry(l, i);
            link_newest(l, i);
        }
        return true;
    }
    if (size > l->room || l->max == 0)
        return false;
    if (l->spare == LRU_NONE || l->used + size > l->room) {
        while (l->spare == LRU_NONE || l->used + size > l->room)
            drop_oldest(l);
        at = slot_of(l, key); /* others may have moved */
    }
    i = l->spare;
    l->spare = l->entries[i].after;
    l->entries[i].key = key;
    l->entries[i].size = size;
    link_newest(l, i);
    l->slots[at] = i + 1;
    l->used += size;
    l->count++;
    return false;
}

bool lru_has(const struct lru *l, uint32_t key)
{
    return l->slots[slot_of(l, key)] != 0;
}
