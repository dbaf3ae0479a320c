/* Things of one size, each kept once and numbered from 0 in the order of their coming: for builders
 * that find out how few different rows, places or tuples there are. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INTERN_NONE UINT32_MAX

/* Start from {.size = bytes of an item}; items are compared as bytes, so padding is to be cleared.
 */
struct intern {
    size_t size;
    uint8_t *items; /* [count][size] */
    uint32_t count, cap;
    uint32_t *slots; /* [mask + 1], item + 1, or 0 */
    uint32_t mask;
};

/* The number of an item, which is copied if it is new. INTERN_NONE: no memory, or 2^30 of them. */
uint32_t intern_add(struct intern *t, const void *item);
void intern_fini(struct intern *t);

static inline const void *intern_get(const struct intern *t, uint32_t i)
{
    return t->items + (size_t)i * t->size;
}
