/* What updates_read.c, updates_apply.c and updates_tips.c share; nobody else includes this. */
#pragma once

#include "alto/client_internal.h"
#include "alto/patch.h"
#include "alto/sse_read.h"

#define UPDATES_PENDING_MAX  16u
#define UPDATES_FAILURES_MAX 3u /* in a row, then another way is taken */

/* An update of a cost map that came ahead of its network map. */
struct pending {
    struct bytes text;
    char media_type[64];
};

/* Of TIPS, for each resource: where its updates are. */
struct edge {
    struct bytes view; /* tips-view-uri, absolute; len 0: the view is not open yet */
    uint64_t i, j;
    uint64_t window_ms, due_ms; /* edges in a row: since when, and when the next; NEVER: no wait */
    unsigned in_window;
};

#define UPDATES_RESOURCES (1u + ALTO_CLIENT_COSTS_MAX) /* 0: the network map; 1 + k: cost map k */

struct client_updates {
    enum alto_client_mode mode;
    struct sse_read *sse;
    struct alto_generation state; /* as the server has told; not always of one piece */
    uint64_t apart_ms;            /* since when it is not; 0: it is */
    struct pending pending[ALTO_CLIENT_COSTS_MAX][UPDATES_PENDING_MAX];
    unsigned pending_count[ALTO_CLIENT_COSTS_MAX];
    struct bytes control_uri; /* len 0: none */
    struct edge edges[UPDATES_RESOURCES];
    uint64_t opened_ms;
    bool resync; /* at the next opening everything is fetched first */
};

/* What meta of an update says, as far as it is looked at. */
struct update_meta {
    char tag[ALTO_TAG_MAX + 1]; /* meta.vtag.tag; empty: not said */
    bool depends;               /* it says something of dependent-vtags */
};

/* Reads no further than meta, which mostly comes first. */
void update_meta_read(struct str text, struct update_meta *out);

/* One update of a resource, a whole map or a patch, into u->state; what is of one piece then is
 * published. Anything but ERR_OK: everything must be fetched again. */
enum err_code update_apply(struct alto_client *c, unsigned resource, struct str media_type,
                           struct str text, struct err *e) MUST_CHECK;
void updates_forget_pending(struct client_updates *u);

const struct client_pick *updates_pick(const struct alto_client *c, unsigned resource);
const struct alto_part *updates_part(const struct client_updates *u, unsigned resource);
/* The tag that may be said of what is there; n 0: none. */
struct str updates_tag(const struct alto_client *c, unsigned resource);
/* The way of updates is closed for now: again later, everything anew if resync. */
void updates_failed(struct alto_client *c, const struct err *e, bool resync, int64_t retry_after_s);

/* updates_tips.c */
void tips_open(struct alto_client *c);
void tips_turn(struct alto_client *c);
uint64_t tips_wake_ms(const struct alto_client *c);
