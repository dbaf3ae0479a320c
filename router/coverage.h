/* Footprints, compiled: which streamers and downstream CDNs serve a client, as a bitset. A list of
 * footprint objects is a conjunction of disjunctions; each of them asks of the client's place
 * (geography), its PID, or its prefix, so three short rows or'ed for each object and and'ed over
 * them say it for everybody at once. */
#pragma once

#include "router/view.h"

#define COVERAGE_LEVELS_MAX 16u /* footprint objects that narrow each other */

struct coverage {
    unsigned words;              /* of a row: (streamers + downstream CDNs + 63) / 64 */
    unsigned levels;             /* most objects that anybody has */
    const uint32_t *place_class; /* [geo place_count] -> class; NULL: nobody asks for places */
    const uint64_t *by_place;    /* [levels][classes][words] */
    const uint64_t *by_pid;  /* [levels][pids + 1][words], the last for PIDX_NONE; pids is 0 when
                                nobody asks for PIDs */
    const uint64_t *by_mark; /* [levels][marks][words], mark 0: no footprint has its prefix */
    uint32_t classes, pids, marks;
    const struct lpm *prefixes; /* address -> mark; NULL: nobody asks for prefixes */
};

/* For v's streamers and downstream CDNs, whose maps and geography are there. *out NULL: nobody has
 * a footprint. Errors name the streamer and the value: an unknown PID (ERR_NOT_FOUND, with a hint),
 * a value that is none of its type (ERR_PARSE), a country when no geography is configured
 * (ERR_CONFLICT). In v's arena. */
enum err_code coverage_build(const struct view *v, const struct coverage **out,
                             struct err *e) MUST_CHECK;

/* Word w of the bitset: bit i % 64 of word i / 64 is streamer i; behind the streamers come the
 * downstream CDNs. */
static inline uint64_t coverage_word(const struct coverage *c, const struct located *at, unsigned w)
{
    uint64_t all = UINT64_MAX;
    uint32_t pid = at->pid < c->pids ? at->pid : c->pids;

    for (unsigned l = 0; l < c->levels; l++) {
        uint64_t row = c->by_pid[((size_t)l * (c->pids + 1) + pid) * c->words + w];

        if (c->place_class)
            row |= c->by_place[((size_t)l * c->classes + c->place_class[at->place]) * c->words + w];
        if (c->prefixes)
            row |= c->by_mark[((size_t)l * c->marks + at->mark) * c->words + w];
        all &= row;
    }
    return all;
}

static inline bool coverage_has(const struct coverage *c, const struct located *at, unsigned i)
{
    return c == NULL || (coverage_word(c, at, i / 64) >> (i % 64) & 1);
}
