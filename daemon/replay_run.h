/* One configuration in virtual time: what a daemon with it would answer to the questions of an
 * access log, with the daemon's own view, live words and memories. No socket, no thread, no clock
 * but the log's, so that it is the same each time. Every streamer is taken for healthy, and nobody
 * is polled: a log does not say how they were. */
#pragma once

#include "base/metrics.h"
#include "daemon/config.h"
#include "daemon/memory.h"
#include "daemon/sources.h"
#include "router/route.h"

struct session_table;

struct replay_run {
    struct config config; /* the caller's, but for the state directory, which is the daemon's */
    struct sources sources;
    struct live *live;
    struct memory memory;
    struct tally_ring *told;         /* what route_sent says of a new session */
    struct session_table *announced; /* torrents that a client has asked for */
    struct metrics metrics;
    struct turn turn;
    struct view *view;
    uint8_t *can; /* [service_count] of the view: enum streamer_can of any of its streamers */
    uint64_t began_wall_ms; /* of the first line; 0: none yet */
    uint64_t turned_ms;     /* the last of the daemon's seconds, in virtual time */
};

/* A line's question and its answer. */
struct replay_asked {
    svidx service; /* SVIDX_NONE: the configuration has none for it, and nothing else is filled */
    bool session;  /* it may be one: not a later announce of the same client */
    bool fresh;    /* it was sent to a streamer, and is a new session there */
    struct route_question q;
    struct route r;
};

/* Reads the maps and builds the view. config must outlive the run. */
enum err_code replay_run_open(struct replay_run *r, const struct config *config,
                              struct err *e) MUST_CHECK;
void replay_run_close(struct replay_run *r); /* {0} is fine */

/* Virtual time goes on to this, never back; a second at a time, longer steps in long silence. A new
 * view where a slot of a cost calendar ends. */
enum err_code replay_run_to(struct replay_run *r, uint64_t wall_ms, struct err *e) MUST_CHECK;

/* Asks as the front end of the line's kind does. Not in the log, and so supposed: the scheme (what
 * the service redirects to, else what is listened to, HTTP first), the query of a URL, and the type
 * of a DNS query (A, if anybody has an address for it; but the family of `likely`, the streamer
 * that was answered, where that has one alone. n 0: not known). */
void replay_run_ask(struct replay_run *r, const struct note *n, struct str likely,
                    struct replay_asked *out);
