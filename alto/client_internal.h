/* What the files of the client share; nobody else includes this. */
#pragma once

#include "alto/client.h"
#include "alto/directory_read.h"

#define NETWORK_TYPE "application/alto-networkmap+json"
#define COST_TYPE    "application/alto-costmap+json"
#define COST_FILTER  "application/alto-costmapfilter+json"

#define ROUNDS_MAX 3u /* that may end in maps that do not belong together */
#define NEVER      UINT64_MAX

/* A server may ask for patience (RFC 9110 section 10.2.3), but not for ever. */
#define RETRY_AFTER_MOST_MS ((uint64_t)24 * 3600 * 1000)

struct client_slot;
typedef void client_done_fn(struct alto_client *c, struct client_slot *s);

/* A connection with one request on it. */
struct client_slot {
    struct exchange *x;       /* NULL: free */
    uint64_t idle_ms, end_ms; /* deadlines */
    uint32_t silence_ms;      /* allowed between two bytes */
    unsigned slot;
    bool timed_out;         /* FAILED because not a byte came in silence_ms */
    client_done_fn *done;   /* the state is DONE or FAILED; the slot is free behind it */
    client_done_fn *stream; /* of a stream: bytes came; may close the slot */
};

/* A resource that was chosen; strings are in the directories' arena. */
struct client_pick {
    struct str id, uri, accepts; /* accepts n 0: a GET resource */
    struct str body;             /* of a POST */
    const struct cost_type *type;
};

struct client_plan {
    struct client_pick network;
    struct client_pick costs[ALTO_CLIENT_COSTS_MAX];
    size_t cost_count;
    const struct directory_resource *stream, *tips; /* NULL: none that has all of these */
};

/* Directories still to be read. */
struct client_walk {
    struct str uris[ALTO_CLIENT_DIRECTORIES_MAX]; /* seen ones too, in the arena */
    unsigned depth[ALTO_CLIENT_DIRECTORIES_MAX];
    unsigned count, at;
    const struct directory *read[ALTO_CLIENT_DIRECTORIES_MAX];
    unsigned read_count;
};

struct client_server {
    uint64_t retry_ms;
    unsigned failures;
};

struct client_updates; /* updates_read.c */

enum client_phase {
    CLIENT_IDLE,        /* until a server may be asked again */
    CLIENT_DIRECTORY,   /* reading directories */
    CLIENT_MAPS,        /* fetching */
    CLIENT_POLL,        /* until the next poll */
    CLIENT_FOLLOW,      /* events or edges come */
    CLIENT_FOLLOW_IDLE, /* until the stream is opened again */
};

struct alto_client {
    struct alto_client_conf conf;
    const struct alto_client_ops *ops;
    void *ctx;
    uint64_t now_ms;
    uint64_t random;
    struct exchange_hosts hosts;

    struct client_server servers[ALTO_CLIENT_SERVERS_MAX];
    unsigned server;
    enum client_phase phase;
    uint64_t wake_ms;   /* of the phase */
    uint64_t return_ms; /* to a better server */

    struct arena *directories;
    struct client_walk walk;
    struct client_plan plan;
    uint64_t directory_ms; /* when they were read */

    struct client_slot slots[ALTO_CLIENT_SLOTS];

    struct alto_generation now, draft;
    size_t at_cost;    /* being fetched */
    unsigned rounds;   /* in a row that did not fit together */
    bool whole_round;  /* asks without conditions */
    int64_t max_age_s; /* least of this round; -1: not said */

    struct alto_generation held;
    uint64_t held_ms; /* since when */
    struct err held_why;

    struct client_updates *updates;
    unsigned update_failures; /* in a row */
    unsigned bad_modes;       /* bits of enum alto_client_mode: did not work, until the directory is
                                 read again in its time */

    struct err error, given_up; /* the second: why there are bad_modes */
    enum alto_client_mode mode;
    uint64_t checked_ms, taken_ms, generations, failures, held_count;
};

/* Asks in the slot, which is free; hosts and limits are set here. */
void client_fetch(struct alto_client *c, unsigned slot, struct exchange_ask *ask,
                  client_done_fn *done);
/* The same of an event stream, whose bytes are for stream, and of a long poll: silence is allowed.
 */
void client_fetch_stream(struct alto_client *c, unsigned slot, struct exchange_ask *ask,
                         client_done_fn *done, client_done_fn *stream);
void client_fetch_poll(struct alto_client *c, unsigned slot, struct exchange_ask *ask,
                       client_done_fn *done);
void client_close(struct alto_client *c, unsigned slot);
/* The server at hand is of no use for now: the next one, or this one later. gone: its resources are
 * elsewhere, the directory tells where. retry_after_s as in struct exchange. */
void client_failed(struct alto_client *c, const struct err *e, int64_t retry_after_s, bool gone);
void client_start(struct alto_client *c, unsigned server);
uint32_t client_jitter(struct alto_client *c, uint32_t ms); /* up to a tenth more */
uint32_t client_backoff(struct alto_client *c, unsigned failures);
/* The longer of the two, retry_after_s as in struct exchange. */
uint64_t client_patience(uint64_t wait_ms, int64_t retry_after_s);
void client_idle(struct alto_client *c);

/* client_choose.c: what the directories have of what is wanted. */
enum err_code client_choose(struct alto_client *c, struct err *e) MUST_CHECK;
/* r may send changes of the resource in a form that this client has not. */
bool client_cannot_apply(const struct alto_client *c, const struct directory_resource *r,
                         struct str id);

/* client_maps.c */
void client_round(struct alto_client *c, bool whole);
/* The text as a map, into *out; of a cost map for network. *conflict: it is for another network
 * map, or another version. */
enum err_code client_read_network(struct alto_client *c, struct str text, struct alto_part **out,
                                  struct err *e) MUST_CHECK;
enum err_code client_read_cost(struct alto_client *c, size_t k, struct str text,
                               struct alto_part *network, struct alto_part **out,
                               struct err *e) MUST_CHECK;
/* What has come and belongs together: taken, or held back. */
void client_publish(struct alto_client *c, const struct alto_generation *g);
void client_take(struct alto_client *c, const struct alto_generation *g);
/* Which generations are the same, map by map. */
bool client_same(const struct alto_generation *a, const struct alto_generation *b);

/* client_guard.c: ERR_CONFLICT says what is suspicious of the next generation. */
enum err_code client_guard(const struct alto_client_conf *conf, const struct alto_generation *old,
                           const struct alto_generation *next, struct err *e) MUST_CHECK;

/* updates_read.c */
void client_updates_start(struct alto_client *c);
void client_updates_stop(struct alto_client *c);
void client_updates_turn(struct alto_client *c);
uint64_t client_updates_wake_ms(const struct alto_client *c);
