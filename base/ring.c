#include "base/ring.h"

#include <stdlib.h>
#include <string.h>

bool ring_init(struct ring *r, unsigned slots, size_t size)
{
    uint32_t n = 2;

    while (n < slots && n < RING_SLOTS_MAX)
        n *= 2;
    memset(r, 0, sizeof *r);
    r->mask = n - 1;
    r->size = size;
    r->slots = calloc(n, size);
    return r->slots != NULL;
}

void ring_fini(struct ring *r)
{
    free(r->slots);
}
