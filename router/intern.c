#include "router/intern.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define INTERN_MAX (1u << 30)

static uint32_t slot_of(const struct intern *t, const void *item)
{
    uint32_t at = (uint32_t)hash_content(item, t->size) & t->mask;

    while (t->slots[at] && memcmp(intern_get(t, t->slots[at] - 1), item, t->size) != 0)
        at = (at + 1) & t->mask;
    return at;
}

/* Twice the items, and two slots for each of them. */
static bool grow(struct intern *t)
{
    uint32_t cap = t->cap ? 2 * t->cap : 16;
    uint8_t *items;
    uint32_t *slots;
    size_t bytes;

    if (t->cap >= INTERN_MAX / 4 || __builtin_mul_overflow((size_t)cap, t->size, &bytes))
        return false;
    items = realloc(t->items, bytes);
    if (!items)
        return false;
    t->items = items;
    slots = calloc((size_t)cap * 2, sizeof *slots);
    if (!slots)
        return false;
    free(t->slots);
    t->slots = slots;
    t->mask = 2 * cap - 1;
    t->cap = cap;
    for (uint32_t i = 0; i < t->count; i++)
        slots[slot_of(t, intern_get(t, i))] = i + 1;
    return true;
}

uint32_t intern_add(struct intern *t, const void *item)
{
    uint32_t at;

    if (t->count == t->cap && !grow(t))
        return INTERN_NONE;
    at = slot_of(t, item);
    if (t->slots[at])
        return t->slots[at] - 1;
    memcpy(t->items + (size_t)t->count * t->size, item, t->size);
    t->slots[at] = ++t->count;
    return t->count - 1;
}

void intern_fini(struct intern *t)
{
    free(t->items);
    free(t->slots);
    *t = (struct intern){.size = t->size};
}
