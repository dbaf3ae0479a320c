#include "router/note.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ring.h"
#include "router/route.h"

struct note_ring {
    struct ring ring;
};

struct note_ring *note_ring_new(unsigned slots)
{
    struct note_ring *r = aligned_alloc(_Alignof(struct note_ring), sizeof *r);

    if (r && !ring_init(&r->ring, slots, sizeof(struct note))) {
        free(r);
        return NULL;
    }
    return r;
}

void note_ring_free(struct note_ring *r)
{
    if (!r)
        return;
    ring_fini(&r->ring);
    free(r);
}

struct note *note_begin(struct note_ring *r)
{
    return ring_begin(&r->ring);
}

void note_commit(struct note_ring *r)
{
    ring_commit(&r->ring);
}

const struct note *note_peek(struct note_ring *r)
{
    return ring_peek(&r->ring);
}

void note_release(struct note_ring *r)
{
    ring_release(&r->ring);
}

uint64_t note_dropped(const struct note_ring *r)
{
    return ring_dropped(&r->ring);
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
    n->to = 0;
    n->cost = first ? first->cost : NAN;
    copy_name(n->service, sizeof n->service,
              service != SVIDX_NONE ? v->services[service].conf->name : (struct str){0});
    copy_name(n->pid, sizeof n->pid,
              d->pid != PIDX_NONE && v->netmap ? v->netmap->pids[d->pid].name : (struct str){0});
    copy_name(n->streamer, sizeof n->streamer,
              first ? v->streamers[first->streamer].conf->name : (struct str){0});
}

void note_route(struct note *n, const struct view *v, svidx service, const struct route *r)
{
    note_decision(n, v, service, &r->decision);
    n->to = (uint8_t)(r->to + 1);
    if (r->to == ROUTE_STREAMERS)
        return;
    n->cost = NAN;
    copy_name(n->streamer, sizeof n->streamer,
              r->to == ROUTE_DOWNSTREAM ? v->downstreams[r->downstream].conf->name
                                        : (struct str){0});
}
