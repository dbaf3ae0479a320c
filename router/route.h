/* One question from any front end to its answer: admission, the decision, and who else when we have
 * nobody (stages 3 to 9). A front end fills a question, calls route(), renders what it says (stage
 * 10) and, when that was given to a client as a session, route_sent(). */
#pragma once

#include "router/admit.h"
#include "router/decide.h"
#include "router/turn.h"

enum route_to {
    ROUTE_STREAMERS,  /* decision.choice, best first */
    ROUTE_DOWNSTREAM, /* another CDN: downstream */
    ROUTE_BYPASS,     /* the service's bypass */
    ROUTE_DENIED,     /* its lists say no: 403, REFUSED */
    ROUTE_LIMITED,    /* this client asks too often: 429, REFUSED */
    ROUTE_NOBODY,     /* 503, SERVFAIL */
    ROUTE_TO_COUNT
};
const char *route_to_name(enum route_to to); /* "streamers", "downstream", ... */

/* What the front end can render a delegation as. */
enum route_can { ROUTE_CAN_HTTP = 1 << 0, ROUTE_CAN_HTTPS = 1 << 1, ROUTE_CAN_DNS = 1 << 2 };

struct route_question {
    struct question q;
    /* Asked when nobody healthy is there for q: an IPv6 client that probably can do IPv4 too, or
     * the other type of a DNS name. need and need_any alone are read; both 0: there is no other. */
    uint8_t other_need, other_need_any;
    uint8_t can;    /* enum route_can; 0: never delegated */
    bool delegated; /* another CDN sent the client here: never delegated on, or it would loop */
    struct str key; /* text of the content key, for `waymark top` */
    uint8_t digest_key[16];
};

struct route {
    enum route_to to;
    uint16_t downstream; /* index in the view; DOWNSTREAM_NONE unless to says so */
    bool other;          /* the decision is for other_need and other_need_any */
    const char *why;     /* a sentence; NULL for ROUTE_STREAMERS, where decision.why says it */
    struct located at;
    struct decision decision; /* count is 0 where nobody was asked; else also there when somebody
                                 else serves */
};

/* The content of a path (and query; p NULL: none) under q.service: fills what of the question
 * depends on it. q itself must not move afterwards (it points into itself). */
void route_content(const struct view *v, struct route_question *q, struct str path,
                   struct str query, struct key_scratch *keys);

void route(struct turn *t, const struct route_question *q, struct route *out);
/* Ahead of route(), where the answer will most likely be told to route_sent(): the memory of
 * sessions is on its way while the decision is made. content is the question's. */
void route_sent_prefetch(const struct turn *t, struct addr client, uint64_t content);
/* The same without the rates, which an onlooker must not use up: for explain. */
void route_look(const struct view *v, const struct live *live, const struct route_question *q,
                struct route *out);

/* It was given to the client, and may be a session: counts it once in the live words, the memory of
 * caches and popularity. */
void route_sent(struct turn *t, const struct route_question *q, const struct route *r);

/* Seconds that an answer of this view may be kept, at most want_s: none beyond the end of the
 * current slot of a cost calendar (RFC 8896). */
uint32_t route_ttl(const struct view *v, uint64_t wall_ms, uint32_t want_s);
