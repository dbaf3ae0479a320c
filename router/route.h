/* One question from any front end to its answer: admission, the decision, and who else when we have
 * nobody (stages 3 to 9). Front ends call route(), render what it says (stage 10), and when that
 * was a session, route_sent(). */
#pragma once

#include "router/admit.h"
#include "router/decide.h"
#include "router/turn.h"

enum route_to {
    ROUTE_STREAMERS,  /* decision.choice, best first */
    ROUTE_DOWNSTREAM, /* another CDN: downstream */
    ROUTE_BYPASS,     /* the service's bypass */
    ROUTE_DENIED,     /* 403, REFUSED */
    ROUTE_LIMITED,    /* 429, REFUSED: later */
    ROUTE_NOBODY,     /* 503, SERVFAIL */
};
const char *route_to_name(enum route_to to); /* "streamers", "downstream", ... */

/* What the front end can render a delegation as. */
enum route_can { ROUTE_CAN_HTTP = 1 << 0, ROUTE_CAN_HTTPS = 1 << 1, ROUTE_CAN_DNS = 1 << 2 };

struct route_question {
    struct question q;
    struct question other; /* asked when q finds nobody healthy; want 0: none (IPv6 clients that can
                              do IPv4 too) */
    struct str key;        /* text of the content key, for `waymark top` */
    uint8_t can;           /* enum route_can: 0 for the tracker */
    bool delegated;        /* it comes back from another CDN already: never delegated on */
};

struct route {
    enum route_to to;
    uint16_t downstream; /* index in the view, or DOWNSTREAM_NONE */
    const char *why;     /* a sentence for to != ROUTE_STREAMERS */
    struct located at;
    struct decision decision; /* count may be 0; also there when somebody else serves */
};

void route(struct turn *t, const struct route_question *q, struct route *out);
/* It was given to the client, and is a session: dispatches, the memory of caches, popularity. */
void route_sent(struct turn *t, const struct route_question *q, const struct route *r);
