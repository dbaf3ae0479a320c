/* Updates: server-sent events (RFC 8895) and TIPS (RFC 9569) over one store of versions. The hub is
 * shared by all workers; one publisher (not a worker) feeds it with catalogs. */
#pragma once

#include "alto/server.h"

struct alto_hub_conf {
    unsigned workers;
    uint32_t streams_max;        /* of the process; over it 503; default 10000 */
    uint32_t streams_per_client; /* of one address (IPv6: /64); default 100 */
    uint32_t substreams_max;     /* of one stream; default 64 */
    uint32_t views_max;          /* TIPS views of the process; default 1024 */
    uint32_t polls_per_client;   /* long polls of one address at once; over it 429; 100 */
    uint32_t inputs_max;         /* resources with different inputs that are followed; 1024 */
    uint32_t versions_max;       /* kept of each followed resource; default 16 */
    size_t queue_max;            /* unsent bytes of a stream before it gets one full
                                    replacement instead of what it missed; default 1 MiB */
    size_t memory_max;           /* of versions that are kept; over it only the newest of each
                                    are; default 512 MiB */
    uint32_t keep_alive_ms;      /* default 15000 */
    uint32_t view_idle_ms;       /* a TIPS view that nobody asks for so long is closed; 600000 */
    /* Any thread: the worker shall call alto_hub_turn soon. */
    void (*wake)(void *arg, unsigned worker);
    void *wake_arg;
};

struct alto_hub;

void alto_hub_conf_default(struct alto_hub_conf *c);
struct alto_hub *alto_hub_new(const struct alto_hub_conf *conf) MUST_CHECK; /* NULL: no memory */
void alto_hub_free(struct alto_hub *h); /* behind the workers' end */

/* The publisher, one thread at a time: the next generation of everything that is followed; makes
 * the patches, then wakes the workers. A resource whose content is the same has no new version. The
 * workers get the catalog itself beforehand or behind it, as the caller likes; a reference is
 * taken. wall_ms: now, for calendars. ERR_LIMIT: no memory; followers stay with what they have, and
 * the next generation brings them up. */
enum err_code alto_hub_publish(struct alto_hub *h, struct alto_catalog *c, uint64_t wall_ms,
                               struct err *e) MUST_CHECK;

/* A worker, when it was woken, and every second: new events to its streams, comments to idle ones,
 * answers to long polls. */
void alto_hub_turn(struct alto_server *s, uint64_t now_ms);
/* Before the worker ends: closes what it has open. */
void alto_hub_leave(struct alto_server *s);

/* For alto_handle: the POST that opens a stream (resource of kind ALTO_UPDATES) or a view
 * (ALTO_TIPS); method, types and group have been checked. */
void alto_updates_open(struct alto_server *s, const struct alto_resource *r,
                       const struct http_request *request, struct http_response *response);
void alto_tips_open(struct alto_server *s, const struct alto_resource *r,
                    const struct http_request *request, struct http_response *response);
/* And what lies below those resources' paths: stream controls, views, update graphs. false: it is
 * none of these. */
bool alto_hub_handle(struct alto_server *s, const struct http_request *request,
                     struct http_response *response);

struct alto_hub_counts {
    uint64_t streams, views, polls; /* open now */
    uint64_t events, bytes;         /* sent since the start */
    uint64_t replaced;              /* full replacements for slow readers */
    size_t memory;                  /* of versions kept, in bytes */
};
void alto_hub_count(struct alto_hub *h, struct alto_hub_counts *out);
