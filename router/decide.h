// clang-format off
/* The decision: where should this client go for this content? Pure: no clock, no I/O, no lock, no
 * allocation. The daemon, `waymark explain`, the simulator and the property tests call this one
 * function.
 *
 * Stages 1 (service and content key) and 3 (admission) come before it, 9 (delegation) and 10
 * (rendering) behind it. Its own:
 *
 *  2 locate      client address -> PID, with the scope of that answer.
 *  4 candidates  the service's streamers that can do what the question needs, and have the client
 *                in their footprint.
 *  5 health      standing: healthy; suspect; draining; down by its probes; or out (admin down).
 *                Only those of the best standing that anybody has are in the answer: the healthy
 *                ones, else (why "degraded") the suspect ones, and so on. The family asked for
 *                counts; if either family will do, the better one. A draining streamer keeps the
 *                standing that it would have for the contents that it owns: those for which it is
 *                first in the hash order of all of the service's streamers, whatever their health,
 *                cost or load, so that every router and every client agrees. For the others it is
 *                not in the answer, but still marks the band of stage 8 and keeps its place among
 *                the owners, so that no content of anybody else moves.
 *  6 score       cost_weight * cost(client, s) + origin_weight * (1 - h) * cost(s, origin) / (1 + n)
 *                + load_weight * cost_unit * penalty(load). n: what is fetched for one is there for
 *                all who ask after him, so n is how often the content is asked for while a cache
 *                keeps it (hot.h), by the number of PIDs that have a streamer of the service. h:
 *                hit_known_pm for a content that s has by its digest, or where that says nothing by
 *                our memory of what was sent there; else hit_pm. A content that none of the service's
 *                streamers is remembered to have, in whatever health, is expected at its home: the
 *                first in the hash order of those that are healthy (or would be if they did not
 *                drain) and can serve the client. h is there most of the way from hit_pm to
 *                hit_known_pm, unless its digest says that it has not. All routers lean to the same
 *                place thus, though they share nothing, and what was forgotten is found again. Not
 *                on Traffic Router's ring, not without memory, not where misses cost nothing, and
 *                not among more than 128 streamers. load: sessions believed open * scale / capacity. Unknown costs make an unknown score, behind all known ones of the
 *                same tier, an unknown cost(client, s) behind an unknown cost(s, origin).
 *  7 cap         tier 0: under the cap, min(max(min((1 + eps) * mean, (1 + mean) / 2),
 *                balance_from), 1), the mean load being that of the service's usable streamers,
 *                weighted by capacity. Half of what the mean one has left is room for what is not
 *                known: sessions that others sent since the last poll, and lengths. Tier 1: over the
 *                cap, but not full. Tier 2: full. A lower tier comes first.
 *  8 tie         in the best class (tier, then what is unknown) the streamers whose score is
 *                within band * max(best, cost_unit / 10) of the best are equals, and in hash order:
 *                weighted rendezvous of content and streamer (rendezvous.h), or the distance on
 *                Traffic Router's ring (traffic_router_hash.h). A content with k > 1 owners (by the
 *                policy, or because it is hot) belongs to the first k of that order; among them the
 *                lowest score is first, so that its sessions spread by nearness and load, over few
 *                enough caches. All others follow by class, score, then hash: never a tie, so the
 *                order of configuration is nothing.
 */
// clang-format on
#pragma once

#include "router/view.h"

#define DECISION_MAX 8 /* choices in an answer */

struct question {
    struct addr client;
    svidx service;    /* stage 1 is the front end's: it knows hosts, names and info-hashes */
    uint64_t content; /* view_content_key */
    uint8_t need;     /* enum streamer_can: bits of which the streamer must have all ... */
    uint8_t need_any; /* ... and at least one of these, if not 0 (V4|V6 for a client that takes
                         either) */
    uint8_t want;     /* choices asked for, 1..DECISION_MAX */
    double ring;      /* ring_key() of the path, where the service hashes as Traffic Router does */
    const uint8_t *digest_key; /* of the URL under which caches keep it; NULL: not asked */
};

/* Why a streamer stands where it stands; the names are in logs and explain. */
enum why {
    WHY_NONE,
    WHY_ONLY,     /* the only candidate left */
    WHY_COST,     /* lowest score, decided by network cost */
    WHY_LOAD,     /* a nearer one has more load, or is at its cap */
    WHY_HASH,     /* equals within the band: the content's own */
    WHY_CACHE,    /* a nearer one would have to fetch it first */
    WHY_POPULAR,  /* the content is hot, and this is the best of its several owners */
    WHY_HOME,     /* a nearer one would have to fetch it, too, and here it is at home */
    WHY_DEGRADED, /* nobody is healthy: the least bad */
    WHY_OVER_CAP, /* it is above the cap: as first choice, so is everybody */
    WHY_NO_SERVICE,
    WHY_NO_CANDIDATE, /* no streamer has the family or scheme that was asked for, or all are admin
                         down */
    WHY_COUNT
};
const char *why_name(enum why w);     /* "cost", "load", ... */
const char *why_sentence(enum why w); /* for a reader: "the lowest cost on the network" */

struct choice {
    sidx streamer;
    enum why why;
    float cost;   /* cost(client, streamer); NAN: unknown */
    float origin; /* the origin term; NAN: unknown */
    float load;   /* utilisation, 1 is full */
    float score;  /* NAN: unknown */
    bool known;   /* it is remembered, or says, to have the content */
    float hit;    /* belief that it has the content, 0..1 */
};

struct decision {
    pidx pid;       /* of the client; PIDX_NONE: nowhere */
    uint8_t scope;  /* leading bits of the client's address that the answer rests on, as in lpm.h */
    uint8_t count;  /* choices, best first; 0 with the reason in why */
    enum why why;   /* the first choice's, or why there is none */
    uint8_t owners; /* streamers that the content belongs to */
    struct choice choice[DECISION_MAX];
};

void decide(const struct view *v, const struct live *live, const struct question *q,
            struct decision *out);

/* The same for a client that is located already (by view_place, for admission). What it asks memory
 * for should be under way by then: decide_prefetch as soon as the content is known. */
void decide_at(const struct view *v, const struct live *live, const struct question *q,
               const struct located *at, struct decision *out);

void decide_prefetch(const struct view *v, const struct live *live, uint64_t content);

/* What a stage did to a candidate. */
enum excluded {
    EXCLUDED_NOT,
    EXCLUDED_FAMILY,    /* stage 4: it cannot do what the question needs */
    EXCLUDED_FOOTPRINT, /* stage 4: the client is in none of its footprints */
    EXCLUDED_HEALTH,    /* stage 5: down, while somebody is not */
    EXCLUDED_DRAIN,     /* stage 5: draining, and the content is not its own */
    EXCLUDED_CAP,       /* stage 7: behind all that are under the cap; it has a rank nonetheless */
};
const char *excluded_name(enum excluded x); /* NULL for EXCLUDED_NOT */

struct trace_row {
    struct choice choice; /* choice.why is WHY_NONE where rank is 0 or over DECISION_MAX */
    health_word health;
    enum excluded excluded;
    uint16_t rank; /* from 1; 0: not in the answer however much is wanted */
    float scale;   /* what its sessions count for: above 1 when it starts slowly or polls are old */
    bool remembered; /* the content was sent there lately */
    int8_t digest;   /* what it says itself: 1 has, 0 has not, -1 nothing is known */
    bool in_band;
    bool owner; /* one of several owners of the content, and in the band */
};

/* decide() with every candidate of the service written down: rows has room for all of the service's
 * streamers (STREAMERS_MAX always does); *count of them come back, ranked ones first and in order.
 * The decision is the same. Slower: for explain and tests. */
void decide_traced(const struct view *v, const struct live *live, const struct question *q,
                   struct decision *out, struct trace_row *rows, size_t *count);

/* Stage 7's cap of a service as it is now, and the mean utilisation that it is made of. */
double decide_cap(const struct view *v, const struct live *live, svidx service, double *mean);

/* Penalty of a utilisation of 0 or more: 0 when idle, 1 when full, convex. Below full it is
 * u^2 / (2 - u), the queue of a server of twice the size; above, it goes on along its tangent. */
double decide_penalty(double load);
