/* The offline bound: what the sessions of a run cost at least, whoever sends them where and
 * whatever he knows of the future. A policy's cost by the bound says how far it is from the best
 * there can be.
 *
 * It holds for everybody who serves every session and sends none to a full streamer; one who does
 * either is outside the rules and may be below. (Where the sessions that are open are more than all
 * places together can take, capacity does not count, since nobody could keep to it.)
 *
 * The best offline plan is a linear program with whole numbers that nobody can solve at this size.
 * It is relaxed thus, each time in favour of the plan, so that what comes out is never too high:
 *  - The streamers of a place, which cost the same, are one with the capacity and the cache of all.
 *  - A cache keeps and drops what it likes at no cost, with the whole future known, and need not
 * take what it fetches: better than any rule of replacement, least recently used included. When
 *    counting begins it holds whatever was asked for before.
 *  - What a place holds and how many sessions are open there is looked at in some instants, not all
 * the time. Between two of them a content is fetched once at a place, and serves all there.
 *  - These two limits are not kept but priced: each instant and place has a price for a session
 * that is open and for a unit of cache (Lagrange multipliers). Any prices give a valid bound; they
 * are improved round by round by where limits are broken, and the best round counts. At the best
 *    prices the bound is that of the linear program, or above.
 *  - Above BOUND_PLACES_MAX places (and up to BOUND_MERGED_MAX), those next to each other are taken
 * as one which costs the lowest of each. That is valid, but less tight. Given the prices, contents
 * have nothing to do with each other any more, and the best plan of each is found exactly: by
 * dynamic programming over the sets of places that hold it.
 *
 * J. E. Beasley, Lagrangean heuristics for location problems, EJOR 65 (1993), for the method;
 * J. Duchi, E. Hazan, Y. Singer, Adaptive subgradient methods, JMLR 12 (2011), for the steps. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define BOUND_PLACES_MAX   8u
#define BOUND_MERGED_MAX   64u
#define BOUND_INSTANTS_MAX 1024u
#define BOUND_NODES_MAX    4096u
#define BOUND_SESSIONS_MAX (UINT64_C(1) << 26)

struct bound_session {
    uint32_t content;
    uint32_t begin, end; /* steps: it takes room in begin .. end - 1 */
    uint16_t node;
    bool counted; /* its cost is; else it merely takes room. None before the first instant is */
};

struct bound_input {
    uint32_t nodes, places, contents;
    const float *client_cost; /* [nodes][places], 0 or more */
    const float *origin_cost; /* [places] of a fetch */
    const uint64_t *room;     /* [places] of the cache, in units of size */
    const uint32_t *size;     /* [contents]; NULL: each is 1 */
    const bool *known;        /* [contents] a cache may have it at the first instant; NULL: any */
    const uint32_t
        *instants; /* [instant_count] steps, ascending; the first is when counting begins */
    uint32_t instant_count; /* 1 or more */
    const double *capacity; /* [instant_count][places] sessions, behind that step's arrivals */
    const struct bound_session *sessions; /* [session_count], in order of begin */
    uint64_t session_count;
    uint32_t rounds; /* 0: a number by the size that takes some seconds */
};

struct bound_result {
    double total;          /* of all counted sessions together: the bound */
    double client, origin; /* it, split as the plans of the last rounds split on the average */
    uint64_t sessions;     /* counted ones */
    uint32_t rounds, best; /* that were made; that had the best prices */
};

/* The same input gives the same result. ERR_LIMIT: over the limits above, or no memory.
 * ERR_CONFLICT: numbers that do not go together. */
enum err_code bound_compute(const struct bound_input *in, struct bound_result *out,
                            struct err *e) MUST_CHECK;
