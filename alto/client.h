/* A client of ALTO servers that keeps a network map and its cost maps up to date: a state machine
 * over bytes, without sockets and clock. Who drives it connects, sends and closes as the operations
 * ask, and tells what happened. It finds the resources by the server's directory (RFC 7285 section
 * 9.2), fetches them, and follows their changes by server-sent events (RFC 8895), TIPS (RFC 9569)
 * or polls. A whole generation comes out, or the last good one stays. One thread. */
#pragma once

#include <stdatomic.h>

#include "alto/costmap.h"
#include "alto/exchange.h"

#define ALTO_CLIENT_COSTS_MAX       8u
#define ALTO_CLIENT_SERVERS_MAX     16u
#define ALTO_CLIENT_SLOTS           (2u + ALTO_CLIENT_COSTS_MAX) /* connections at once */
#define ALTO_CLIENT_DIRECTORIES_MAX 32u
#define ALTO_CLIENT_DEPTH_MAX       4u /* of directories that name directories */

/* A map that came. Shared by reference; the last one frees it. */
struct alto_part {
    _Atomic uint32_t refs;
    struct arena *arena;
    const struct netmap *network; /* one of the two */
    const struct costmap *cost;
    struct alto_part *of;       /* of a cost map: its network map, a reference */
    uint64_t hash;              /* of the text that it was read from; 0: patched, or not known */
    char tag[ALTO_TAG_MAX + 1]; /* meta.vtag's, as the server gave it; empty: none that is known */
    char uri[URI_MAX + 1];      /* where it is from */
    char etag[EXCHANGE_TEXT_MAX], last_modified[EXCHANGE_TEXT_MAX]; /* for the next request */
};

void alto_part_take(struct alto_part *p);
void alto_part_drop(struct alto_part *p); /* NULL is fine */
/* Takes the arena, and a reference of `of`. NULL: no memory, the arena is freed. */
struct alto_part *alto_part_new(struct arena *arena, const struct netmap *network,
                                const struct costmap *cost, struct alto_part *of) MUST_CHECK;

/* Maps that belong together: each cost map is for just this network map (section 6.3). */
struct alto_generation {
    struct alto_part *network; /* NULL: there is none */
    struct alto_part *costs[ALTO_CLIENT_COSTS_MAX];
    size_t cost_count;
    char source[URI_MAX + 1]; /* the server's directory */
};

/* References to all of it / lets go of all and zeros it. */
void alto_generation_copy(struct alto_generation *to, const struct alto_generation *from);
void alto_generation_drop(struct alto_generation *g);

enum alto_client_mode { ALTO_CLIENT_AUTO, ALTO_CLIENT_SSE, ALTO_CLIENT_TIPS, ALTO_CLIENT_POLL };

/* A cost type that is wanted. */
struct alto_client_cost {
    struct str metric;
    enum cost_mode mode;
    bool any_mode; /* numerical, else ordinal */
};

/* Strings must live as long as the client. */
struct alto_client_conf {
    const struct str *servers; /* [server_count] URIs of directories, the best first */
    size_t server_count;
    struct str network;                   /* resource id; n 0: the default network map */
    const struct alto_client_cost *costs; /* [cost_count]; none: routingcost in any mode */
    size_t cost_count;
    bool calendars; /* of a cost map that has one, all of it */
    enum alto_client_mode updates;
    const struct str *hosts; /* [host_count] that a server may lead to besides its own */
    size_t host_count;
    bool lenient; /* servers in the field: costs as strings, tags that are missing */
    bool no_merge_patch, no_json_patch; /* for tests: a client that cannot (RFC 9569 section 6.1) */

    uint32_t poll_ms;        /* default 300000; with up to a tenth of jitter */
    uint32_t timeout_ms;     /* without a byte; 30000 */
    uint32_t exchange_ms;    /* of one answer as a whole; 600000 */
    uint32_t silence_ms;     /* of an event stream or a long poll; 120000 */
    uint32_t retry_min_ms;   /* back-off, doubled up to the next; 1000 */
    uint32_t retry_max_ms;   /* 300000 */
    uint32_t return_ms;      /* until a better server is tried again; 600000 */
    uint32_t directory_ms;   /* until directories are read again; 3600000 */
    uint32_t consistency_ms; /* for the costs of a new network map to come; 30000 */
    unsigned redirects_max;  /* 5 */
    size_t body_max;         /* of one answer, decompressed; 512 MiB */
    size_t arena_max;        /* of one parsed map; 4 GiB */

    /* What is held back: a network map with fewer prefixes than so many per mille of what was, and
     * costs of zero between different PIDs in so many per mille of the pairs more than before.
     * 1000: nothing is. */
    uint32_t loss_max_pm; /* 300 */
    uint32_t zero_max_pm; /* 300 */
    uint32_t hold_ms;     /* until it is taken all the same; 0: not until alto_client_force */
    uint64_t seed;        /* of the jitter */
};

void alto_client_conf_default(struct alto_client_conf *c);

struct alto_client_to {
    struct str host; /* a name, or an address (in brackets: IPv6) */
    uint16_t port;
    bool tls;
    bool private_ok; /* else the address must be a public one (addr_is_special) */
};

/* The driver's side; none of these calls back into the client before it returns. */
struct alto_client_ops {
    void (*connect)(void *ctx, unsigned slot, const struct alto_client_to *to);
    void (*send)(void *ctx, unsigned slot, struct str bytes); /* copied */
    void (*close)(void *ctx, unsigned slot);                  /* nothing is told of it any more */
    /* A new generation; takes references of what it keeps. */
    void (*maps)(void *ctx, const struct alto_generation *g);
};

struct alto_client;

/* now_ms of all calls is one monotonic clock. NULL: no memory. conf is copied but for its strings
 * and lists. */
struct alto_client *alto_client_new(const struct alto_client_conf *conf,
                                    const struct alto_client_ops *ops, void *ctx,
                                    uint64_t now_ms) MUST_CHECK;
void alto_client_free(struct alto_client *c); /* closes what is open; NULL is fine */

void alto_client_connected(struct alto_client *c, unsigned slot, uint64_t now_ms);
void alto_client_bytes(struct alto_client *c, unsigned slot, const char *p, size_t n,
                       uint64_t now_ms);
/* why: a phrase, "connection refused"; NULL: by the peer, behind all its bytes. */
void alto_client_closed(struct alto_client *c, unsigned slot, const char *why, uint64_t now_ms);
/* To be called at alto_client_wake_ms, and once at the start. */
void alto_client_turn(struct alto_client *c, uint64_t now_ms);
uint64_t alto_client_wake_ms(const struct alto_client *c);

/* What was kept from an earlier run, before the first turn: it is what stands, and what comes is
 * compared with it. References are taken. */
void alto_client_seed(struct alto_client *c, const struct alto_generation *g);
/* The operator: what is held back is taken. false: nothing is. */
bool alto_client_force(struct alto_client *c, uint64_t now_ms);

struct alto_client_status {
    struct str server;          /* at hand */
    enum alto_client_mode mode; /* how changes come now; AUTO: not yet */
    const char *doing;          /* "reading the directory", "following events" */
    const char *error;          /* of the newest failure, while there is no good answer since, or of
                                   a way of updates that is given up for now; "": none */
    const char *held;           /* why something is held back; "": nothing is */
    uint64_t checked_ms;        /* when the maps were last known to be of now; 0: never */
    uint64_t taken_ms;          /* when they came; 0: not in this run */
    uint64_t generations, failures, held_count; /* since the start */
};
void alto_client_status(const struct alto_client *c, struct alto_client_status *out);
