/* What if: the questions of an access log, asked again of another configuration. Two sides are
 * followed on the same lines: `before`, what the log says was answered, or what an old
 * configuration would; and `after`, what the new one would.
 *
 * Sessions are counted as the daemon counts them: a client that asks for a content again within the
 * service's window, and is answered the same, is still the same session. What becomes of them is a
 * model, the same for both sides: a session lasts as long as its streamer's sessions do on average,
 * and ends by chance; a cache holds the cache_contents that were asked for last, and a session is a
 * hit if it holds its content when it begins. Both start empty. */
#pragma once

#include "daemon/config.h"

#define REPLAY_PLACES_MAX 12600u /* where questions go, by name: those beyond are REPLAY_OTHERS */
#define REPLAY_MOVES_MAX  49152u /* pairs of places that are told apart */
#define REPLAY_CACHE_MAX  (UINT32_C(1) << 24) /* contents of all modelled caches of a side */

enum replay_kind {
    REPLAY_STREAMER,   /* of ours, by name */
    REPLAY_DOWNSTREAM, /* another CDN, by name */
    REPLAY_BYPASS,
    REPLAY_DENIED,
    REPLAY_LIMITED,
    REPLAY_NOBODY,
    REPLAY_NO_SERVICE, /* the configuration does not know what was asked for */
    REPLAY_OTHERS,     /* more names than there is room for */
    REPLAY_KINDS
};
const char *replay_kind_name(enum replay_kind k); /* "streamer", "downstream", ..., "no-service" */

struct replay_counts {
    uint64_t questions;
    uint64_t sessions; /* that began here; elsewhere: that would have */
    /* Of these, to streamers: */
    uint64_t costed; /* client side: those at a known cost, and its sum */
    double cost;
    uint64_t modelled, hits;   /* those to a streamer whose cache_contents is known */
    uint64_t origin_costed;    /* origin side: of the modelled ones those with a known cost, */
    double origin_cost;        /* and the sum, to which misses alone add */
    uint64_t bounded, to_full; /* those to a streamer with a capacity, and to one that was full */
};

struct replay_place {
    enum replay_kind kind;
    struct str name; /* n 0 but for streamers and downstream CDNs */
    struct replay_counts before, after;
};

struct replay_move {
    const struct replay_place *from, *to; /* never the same */
    uint64_t questions, sessions;         /* sessions that began at from */
};

/* All of a log. */
struct replay_report {
    uint64_t replayed; /* questions */
    uint64_t by_kind[NOTE_TRACKER + 1];
    uint64_t not_routed; /* lines that asked for nothing of a service */
    uint64_t cut;        /* of the replayed: the log has no more than the start of the path */
    uint64_t late;       /* likewise: over a second older than the line before */
    uint64_t first_ms, last_ms;               /* wall clock; 0: nothing was replayed */
    bool caches_cut;                          /* some cache is modelled smaller than it is */
    struct replay_counts before, after;       /* of all streamers; questions of all places */
    uint64_t sessions_before, sessions_after; /* of all places */
    uint64_t moved_questions, moved_sessions; /* of the sessions before */
    uint64_t untold_sessions; /* of the moved ones: not in moves, for which there was no room */
    const struct replay_place *places; /* [place_count]: by kind, then name; those of the
                                          configurations, and those with a question */
    size_t place_count;
    const struct replay_move *moves; /* [move_count], most sessions first */
    size_t move_count;
};

struct replay;

/* before NULL: the log. The configurations must outlive it. Errors are those of maps and views;
 * they name the configuration's file. */
enum err_code replay_new(const struct config *after, const struct config *before,
                         struct replay **out, struct err *e) MUST_CHECK;
void replay_free(struct replay *r); /* NULL is fine */

/* The next line. An error is of a view that cannot be built for its time. */
enum err_code replay_line(struct replay *r, const struct note *n, struct err *e) MUST_CHECK;

/* After the last line; what *out points to is the replay's. ERR_LIMIT: no memory. */
enum err_code replay_end(struct replay *r, struct replay_report *out, struct err *e) MUST_CHECK;
