/* The decision: where should this client go for this content? Pure: no clock, no I/O, no lock, no
 * allocation. The daemon, `waymark explain`, the simulator and the property tests call this one
 * function. */
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
};

/* Why a streamer stands where it stands; the names are in logs and explain. */
enum why {
    WHY_NONE,
    WHY_ONLY,     /* the only candidate left */
    WHY_COST,     /* lowest score, decided by network cost */
    WHY_LOAD,     /* a nearer one has more load, or is at its cap */
    WHY_HASH,     /* equals within the band: the content's own */
    WHY_DEGRADED, /* nobody is healthy: the least bad */
    WHY_OVER_CAP, /* everybody is at the cap */
    WHY_NO_SERVICE,
    WHY_NO_CANDIDATE, /* no streamer has the family or scheme that was asked for */
    WHY_COUNT
};
const char *why_name(enum why w); /* "cost", "load", ... */

struct choice {
    sidx streamer;
    enum why why;
    float cost;   /* cost(client, streamer); NAN: unknown */
    float origin; /* the origin term */
    float load;   /* utilisation, 1 is full */
    float score;
};

struct decision {
    pidx pid;      /* of the client; PIDX_NONE: nowhere */
    uint8_t scope; /* leading bits of the client's address that the answer rests on, as in lpm.h */
    uint8_t count; /* choices, best first; 0 with the reason in why */
    enum why why;  /* the first choice's, or why there is none */
    struct choice choice[DECISION_MAX];
};

void decide(const struct view *v, const struct live *live, const struct question *q,
            struct decision *out);
