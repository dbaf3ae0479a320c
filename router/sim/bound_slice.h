/* What the sessions of a slice of time cost at least, from the state that the streamers are in when
 * it begins: what the best that anybody could have done in that slice is. Where bound.h has the
 * whole run before it and caches that move for nothing, here contents are where the run being
 * measured has left them, and so are the sessions that are still open. The slice itself is known in
 * advance: who will ask for what, and how long he stays. What comes behind it counts for nothing:
 * neither what a fetch is good for later, nor what a full streamer costs the next.
 *
 * So it is no bound of the run: another way of sending sessions would come to other states. It says
 * how much of the cost is lost in choosing, given what the caches hold; bound.h says how far all
 * of it, caches included, is from what nobody could undercut.
 *
 * It holds for everybody who serves all sessions of the slice and sends none to a full streamer.
 * The best plan is relaxed, each time in favour of the plan:
 *  - What a cache holds when the slice begins stays there, and so does what is fetched in it: a
 *    content is fetched once by a streamer, and serves all there, those before it too.
 *  - A streamer may not be over its room when the slice ends; in between nobody looks. That limit
 *    is priced (a Lagrange multiplier for each streamer): any prices give a valid bound, and are
 *    improved round by round.
 * Given the prices, contents have nothing to do with each other, and the best plan of each is found
 * exactly, over the sets of places that fetch it; streamers of a place cost the same, and of those
 * that have a content, or have not, the one of the lowest price will do. Where more than
 * SLICE_FETCHES_MAX places might fetch a content, each of its n sessions pays an n-th of the fetch
 * where it goes: never more than the places' fetches together. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define SLICE_FETCHES_MAX 8u

struct slice_session {
    uint32_t content;
    uint16_t node;
    bool open; /* when the slice ends */
};

struct slice_input {
    uint32_t nodes, places, streamers, contents;
    const uint16_t *place;    /* [streamers] */
    const float *client_cost; /* [nodes][places], 0 or more */
    const float *origin_cost; /* [places] of a fetch */
    const uint64_t *held;     /* [contents][(streamers + 63) / 64] bits: it has it */
    const double *room; /* [streamers] sessions of this slice that may be open when it ends, 0 or
                           more; INFINITY: any; NAN: nobody is there */
    const struct slice_session *sessions; /* [session_count] in any order */
    uint32_t session_count;
    uint32_t rounds; /* at most; 0: the usual number */
};

struct slice_result {
    double total;          /* of all sessions together: the bound */
    double client, origin; /* it, split as the plan of the best round is */
    uint32_t rounds;       /* that were made */
};

/* price: [streamers], where to begin (0 will do; the last slice's is nearer) and what was best.
 * Where more sessions are open than all streamers together have room for, room does not count. The
 * same input gives the same result. ERR_LIMIT: no memory. ERR_CONFLICT: nobody is there. */
enum err_code bound_slice(const struct slice_input *in, double *price, struct slice_result *out,
                          struct err *e) MUST_CHECK;
