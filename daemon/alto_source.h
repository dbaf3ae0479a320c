/* An ALTO server (or several, by priority) as a source of maps: a client that feeds the view as
 * files do, keeps its last good maps in the state directory, and says where they are from and how
 * old they are. The control thread's. */
#pragma once

#include "alto/client.h"
#include "router/view.h"

struct event_base;

struct alto_source_conf {
    struct alto_client_conf client; /* alto_client_conf_default, then servers, costs, ... */
    const char *ca_file;            /* NULL: the system's authorities */
    const char *state_path;         /* file of the last good maps; NULL: none is kept */
    uint64_t age_max_ms;            /* maps that were not confirmed for so long are given up; 0:
                                       never (RFC 7285 section 8.3.4.3) */
};

/* What the callback gets; references are taken by who keeps them. */
struct alto_source_maps {
    struct view_source *network;
    struct view_source *const *costs; /* [cost_count], as in the configuration */
    size_t cost_count;
};

/* maps NULL: they are too old, and routing goes on without them. In the loop, never inside of
 * alto_source_new. false: they cannot be routed by, those of before stay; such maps are not kept
 * for the next start. */
typedef bool alto_source_maps_fn(void *ctx, const struct alto_source_maps *maps);

struct alto_source;

/* conf's strings must live as long. What state_path has is given to the callback in the loop's
 * first turn; a file that cannot be read is logged and is as none. ERR_IO: ca_file; ERR_LIMIT. */
enum err_code alto_source_new(struct event_base *base, const struct alto_source_conf *conf,
                              alto_source_maps_fn *maps, void *ctx, struct alto_source **out,
                              struct err *e) MUST_CHECK;
void alto_source_free(struct alto_source *s); /* writes what is not written; NULL is fine */

/* For status and explain; strings live until the next turn of the loop. */
struct alto_source_status {
    struct alto_client_status client;
    const char *uri;         /* of the directory that the maps are from; "": there are none */
    const char *resource_id; /* of the network map, and its tag */
    const char *tag;
    uint64_t taken_wall_ms; /* when they came, in this run or an earlier one; 0: none */
    uint64_t age_ms;        /* since they were last known to be the server's newest */
    bool from_state;        /* they are from the state file */
    bool expired;           /* given up for their age */
};
void alto_source_status(const struct alto_source *s, struct alto_source_status *out);
const char *alto_source_mode_name(enum alto_client_mode m); /* "sse", "tips", "poll", "-" */
/* What is held back is taken. false: nothing is. */
bool alto_source_force(struct alto_source *s);
