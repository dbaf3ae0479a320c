/* The store of versions behind alto/update.h, for alto/'s own use: what is followed (a resource,
 * with its input) and its last versions; who follows; which streams and views there are.
 *
 * One lock guards all of it. It is held for list work alone: texts are made, compared and sent
 * outside. A text that is on its way to somebody is held by a reference of its own. */
#pragma once

#include <pthread.h>

#include "alto/negotiate.h"
#include "alto/params.h"
#include "alto/patch.h"
#include "alto/update.h"
#include "base/hash.h"

#define HUB_PARTS_MAX    4u    /* of a multipart answer; RFC 9275 has two */
#define HUB_LINE_MAX     8192u /* a text has a line feed at the first comma behind so much */
#define HUB_NAME_LEN     32u   /* 128 random bits in hexadecimal */
#define HUB_TREE_MAX     ((size_t)8 << 20)  /* a longer text is not compared as a tree */
#define HUB_TREES_MAX    ((size_t)64 << 20) /* nor are more of them in one generation */
#define HUB_TYPE_MAX     256u               /* of a media type with its parameters */
#define HUB_NODE_IDLE_MS 60000u             /* that nobody follows it */

/* What leads from the version before to this one, of one part of the answer. */
struct hub_part {
    char content_id[ALTO_ID_MAX + 1]; /* empty: the answer is not multipart */
    enum patch_kind kind;
    struct shared_body *patch; /* NULL: this part is the same */
};

struct hub_version {
    uint64_t seq;                  /* 1 and up, within its node, without a gap */
    uint64_t born;                 /* the generation of the hub that brought it */
    char tag[ALTO_TAG_MAX + 1];    /* empty: the answer has none */
    char media_type[HUB_TYPE_MAX]; /* of the whole */
    struct alto_bodies *bodies;    /* of GET resources: the whole, with its compressed forms */
    struct shared_body *whole;     /* NULL: no longer kept */
    size_t whole_len;              /* bytes, also when it is no longer kept */
    bool patched;                  /* parts lead here; else it can be had as a whole alone */
    struct hub_part parts[HUB_PARTS_MAX];
    unsigned part_count;
    size_t patch_len; /* of all parts */
};

/* Only the publisher, or who finds nobody publishing, takes versions or nodes away. */
struct hub_node {
    struct hub_node *next; /* of its bucket */
    uint64_t hash;
    char id[ALTO_ID_MAX + 1];
    struct str input;   /* canonical JSON, own memory; n 0: a GET resource */
    struct addr client; /* whose answer this is; zero: it is the same for everybody */
    uint64_t random;    /* the same in every version: names do not change for nothing */
    enum alto_kind kind;
    unsigned rank;          /* of events of one generation the lower rank's goes first */
    uint64_t groups;        /* who may see it */
    uint64_t generation;    /* of the hub's that it was last taken up by */
    bool behind;            /* a generation found no memory for it */
    bool gone;              /* not offered any more; in no bucket, freed with its last follower */
    unsigned followers;     /* substreams and views */
    struct hub_view *views; /* of them */
    uint64_t idle_since_ms;
    uint64_t start, middle;       /* TIPS: start-seq, and what it will be next; 0: none */
    struct hub_version *versions; /* [versions_max], the oldest first; each seq is one more */
    unsigned count;
};

/* An address (IPv6: its /64) that has something open. */
struct hub_client {
    struct hub_client *next;
    struct addr addr;
    unsigned streams, polls;
};

struct hub_stream;
struct hub_view;
struct hub_poll;

/* Of one worker; its own, but for `poked`. */
struct hub_worker {
    struct hub_stream *streams; /* a ring; where the walk of this generation goes on */
    size_t stream_count;
    size_t left;              /* streams that the walk has not reached */
    uint64_t generation;      /* of the walk */
    uint64_t serial;          /* of the catalog that the streams' groups are of */
    uint64_t now_ms;          /* of its last turn */
    uint64_t walked_ms;       /* for keep-alive */
    struct hub_stream *poked; /* under the lock: somebody changed what they send */
    struct hub_poll *polls;
    uint64_t polls_generation; /* that they have been looked at for */
};

#define HUB_BUCKETS 4096u

struct alto_hub {
    struct alto_hub_conf conf;
    struct hash_key key;
    pthread_mutex_t lock;
    struct alto_catalog *catalog; /* the newest, one reference; NULL: not yet */
    uint64_t generation;
    uint64_t now_ms; /* of the last turn */
    uint64_t swept_ms;
    bool publishing;
    struct hub_node *nodes[HUB_BUCKETS];
    struct hub_stream *streams[HUB_BUCKETS];
    struct hub_view *views[HUB_BUCKETS];
    struct hub_client *clients[HUB_BUCKETS];
    size_t node_count;
    struct hub_worker *workers;    /* [conf.workers] */
    struct alto_hub_counts counts; /* memory is counted when it is asked for */
};

void hub_lock(struct alto_hub *h);
void hub_unlock(struct alto_hub *h);
/* A reference to the newest catalog; NULL: there is none. */
struct alto_catalog *hub_catalog_take(struct alto_hub *h);

/* Texts */

/* A copy of a JSON or multipart text with line feeds behind commas, where JSON permits them, so
 * that no line is much longer than HUB_LINE_MAX. false: out is full. */
bool hub_add_lines(struct str text, struct bytes *out) MUST_CHECK;
/* 128 bits of the system's random source. */
void hub_name_new(char out[HUB_NAME_LEN + 1]);
/* "<resource's path>/<name><rest>": the resource of this kind that the path is below; NULL: not
 * such a path. name has HUB_NAME_LEN bytes. */
const struct alto_resource *hub_path_split(const struct alto_catalog *c, enum alto_kind kind,
                                           struct str path, struct str *name, struct str *rest);

/* The content of a node in a generation, before it is a version. */
struct hub_content {
    struct alto_bodies *bodies; /* as in hub_version */
    struct shared_body *whole;
    char media_type[HUB_TYPE_MAX];
    char tag[ALTO_TAG_MAX + 1];
    bool patched;
    struct hub_part parts[HUB_PARTS_MAX];
    unsigned part_count;
    size_t patch_len;
    struct alto_error error; /* status 0: none */
};

/* Without the lock. false: error says why. */
bool hub_content_make(const struct hub_node *n, struct alto_catalog *c, uint64_t wall_ms,
                      struct hub_content *out) MUST_CHECK;
void hub_content_drop(struct hub_content *c);
bool hub_content_same(const struct hub_content *c, const struct hub_version *v);
/* Adds the patches that lead here from the node's newest version, if they are no longer than the
 * whole. from and to: the resource in the generation of that version and in this one; NULL: not
 * known, the texts say it. */
void hub_content_patch(struct hub_content *c, const struct hub_node *n,
                       const struct alto_resource *from, const struct alto_resource *to);

/* Nodes and versions: with the lock held. */

/* The content passes. Drops what is too old. */
struct hub_version *hub_version_add(struct alto_hub *h, struct hub_node *n, struct hub_content *c);
void hub_version_drop(struct hub_version *v);
/* NULL: not kept. */
struct hub_version *hub_version_find(const struct hub_node *n, uint64_t seq);
struct hub_version *hub_version_find_tag(const struct hub_node *n, struct str tag);
struct hub_version *hub_version_newest(const struct hub_node *n);
/* Bytes of the patches behind `seq` up to the newest version; SIZE_MAX: they are not all there. */
size_t hub_patches_len(const struct hub_node *n, uint64_t seq);
/* The media type of a part's patch. */
struct str hub_patch_type(const struct hub_part *p);
/* Lets go of what a new start leaves behind. */
void hub_node_compact(struct hub_node *n, uint64_t start);
/* 1 and up: more than those of what it depends on. */
unsigned hub_rank(const struct alto_resource *r);
/* Takes the node out of its bucket; frees it when nobody follows. */
void hub_node_remove(struct alto_hub *h, struct hub_node *n);
/* One that is in no bucket. */
void hub_node_free(struct hub_node *n); /* NULL is fine */
void hub_node_unfollow(struct hub_node *n);
/* Bytes of the versions that are kept. */
size_t hub_memory(const struct alto_hub *h);
/* Nodes that nobody has followed for a while. Not while somebody publishes. */
void hub_sweep(struct alto_hub *h, bool all_idle);

/* Who asks, for limits and visibility. */
struct hub_asker {
    struct alto_hub *hub;
    const struct alto_resource *service; /* of kind ALTO_UPDATES or ALTO_TIPS */
    struct addr client;
    struct str user;
    uint64_t groups;
    uint64_t wall_ms;
    size_t *made; /* bytes of answers that were made for this request; NULL: nobody asks */
};

/* What both kinds of request say of a resource (RFC 8895 section 6.5, RFC 9569 section 6.1). */
struct hub_ask {
    const struct alto_resource *resource;
    struct str tag; /* n 0: none */
    bool incremental;
    struct str input;   /* canonical; in the arena of params */
    struct addr client; /* as in hub_node */
};

/* service may be NULL. */
struct hub_asker hub_asker_of(const struct alto_server *s, const struct alto_resource *service,
                              const struct http_request *q);
/* POST with this Content-Type: 405 with Allow, or 415. */
bool hub_post_of(const struct http_request *q, struct str type, struct http_response *r,
                 struct alto_error *e) MUST_CHECK;
bool hub_ask_read(const struct hub_asker *who, const struct params *in,
                  struct hub_ask *out) MUST_CHECK;
/* Without the lock: finds or makes the node and follows it. false: *e is the error that the
 * resource itself gives to such an input, or 503. */
bool hub_follow(const struct hub_asker *who, const struct hub_ask *ask, struct hub_node **out,
                struct alto_error *e) MUST_CHECK;

/* The address's entry, made when it is not there. NULL: no memory. With the lock held. */
struct hub_client *hub_client_take(struct alto_hub *h, struct addr a);
/* Behind each count that went down. */
void hub_client_drop(struct alto_hub *h, struct hub_client *c);

/* Streams (alto/sse.c) and views (alto/tips.c). */
void hub_control(struct alto_server *s, struct str name, const struct http_request *q,
                 struct http_response *r);
void hub_view_request(struct alto_server *s, struct str name, struct str rest,
                      const struct http_request *q, struct http_response *r);
/* Each worker's turn and end. */
void hub_streams_turn(struct alto_server *s, uint64_t now_ms);
void hub_streams_leave(struct alto_server *s);
void hub_polls_turn(struct alto_server *s);
void hub_polls_leave(struct alto_server *s);
/* With the lock held, by any worker: views that nobody uses any more. */
void hub_views_sweep(struct alto_hub *h);
void hub_views_free(struct alto_hub *h);
