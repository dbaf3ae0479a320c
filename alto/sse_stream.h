/* What alto/sse.c (sending) and alto/sse_request.c (opening and control) share of update streams.
 */
#pragma once

#include "alto/hub.h"

#define SSE_CONTROL_TYPE "application/alto-updatestreamcontrol+json"
#define SSE_PARAMS_TYPE  "application/alto-updatestreamparams+json"

struct substream {
    char id[ALTO_ID_MAX + 1];
    struct hub_node *node; /* NULL: stopped; its id is not free again */
    bool incremental;
    uint64_t sent; /* the version that the client has; 0: none */
    unsigned part; /* of the one behind it: parts whose patches it has, too */
};

/* hub to user never change; the next block is under the hub's lock; the rest is the worker's.
 */
struct hub_stream {
    struct alto_hub *hub;
    unsigned worker;
    char name[HUB_NAME_LEN + 1];
    char service[ALTO_ID_MAX + 1];
    struct addr addr;
    struct str user; /* own memory */

    uint64_t groups;         /* of who opened it; its worker's alone to change */
    struct hub_stream *next; /* of its bucket */
    struct hub_stream *next_poked;
    bool poked;
    struct hub_client *client;
    struct substream *subs; /* [sub_count], in the order that they were added */
    size_t sub_count, active;
    struct bytes control; /* events that go before all others */
    bool listed;          /* can be found by name */
    bool lost;            /* no memory for one of those events */

    struct hub_stream *left, *right; /* in the worker's ring */
    struct http_stream *out;         /* NULL: not open yet */
    struct shared_body *body;        /* on its way */
    size_t at;
    bool pumping;
    bool broken;         /* no memory for what had to be sent */
    uint64_t generation; /* whose events it has */
    uint64_t wrote_ms;
    uint64_t bytes; /* written, not counted yet */
};

extern const struct http_stream_use sse_use;

/* Of a stream whose connection is gone, or was never there. */
void sse_free(struct hub_stream *t);
struct hub_stream **sse_bucket(struct alto_hub *h, struct str name);
void sse_wake(struct alto_hub *h, unsigned worker);

/* With the lock held. */

/* NULL: there is none, or it is closed. */
struct hub_stream *sse_find(struct alto_hub *h, struct str name);
/* Its worker's next turn looks at it. */
void sse_poke(struct hub_stream *t);
/* A control event (RFC 8895 section 5.3). */
void sse_add_control(struct hub_stream *t, const struct str_list *started,
                     const struct str_list *stopped, struct str description);
/* Of s, which is active; with the last one the stream has no name any more. */
void sse_stop(struct hub_stream *t, struct substream *s);
