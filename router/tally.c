#include "router/tally.h"

#include <stdlib.h>

#include "base/ring.h"

struct tally_ring {
    struct ring ring;
};

struct tally_ring *tally_ring_new(unsigned slots)
{
    struct tally_ring *r = aligned_alloc(_Alignof(struct tally_ring), sizeof *r);

    if (r && !ring_init(&r->ring, slots, sizeof(struct tally))) {
        free(r);
        return NULL;
    }
    return r;
}

void tally_ring_free(struct tally_ring *r)
{
    if (!r)
        return;
    ring_fini(&r->ring);
    free(r);
}

struct tally *tally_begin(struct tally_ring *r)
{
    return ring_begin(&r->ring);
}

void tally_commit(struct tally_ring *r)
{
    ring_commit(&r->ring);
}

const struct tally *tally_peek(struct tally_ring *r)
{
    return ring_peek(&r->ring);
}

void tally_release(struct tally_ring *r)
{
    ring_release(&r->ring);
}

uint64_t tally_dropped(const struct tally_ring *r)
{
    return ring_dropped(&r->ring);
}
