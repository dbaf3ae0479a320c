/* One simulated router: what it knows of the streamers, by its own dispatches and by what it hears,
 * and how it chooses. Ours is decide() with the daemon's own state code; the others are what people
 * use instead, with the same health, the same cost map and the same capacities. */
#pragma once

#include "router/decide.h"
#include "router/health.h"
#include "router/hit_ratio.h"
#include "router/sim/world.h"

struct popularity;
struct session_table;

/* What streamers are really like, which routers hear of by polls alone. */
struct sim_streamer {
    uint32_t active;      /* sessions */
    uint32_t asked, hits; /* sessions that it has been asked for so far, and those it had; wrap */
    bool up;
};

struct sim_known {
    struct streamer_state state;
    uint64_t probe_ms, poll_ms;             /* the next of each */
    double polled;                          /* utilisation at the last good poll */
    uint32_t asked, hits, sent, sent_known; /* counters as hit_learn last saw them */
    struct hit_belief hit;
    lidx live;
    bool usable; /* healthy by its state */
};

struct sim_router {
    const struct sim_world *world;
    enum sim_policy policy;
    struct view *view;
    struct live *live;
    struct cache_memory *memory;
    struct popularity *popularity;
    struct session_table *sessions;
    struct sim_known *known; /* [streamers] */
    const uint16_t *nearest; /* [nodes][sites], nearest first, by what the policy goes by */
    struct sim_random random;
    uint64_t folded_ms, publish_ms;
    uint32_t usable_count;
};

#define SIM_NOBODY UINT32_MAX

/* number: of the router, from 0. */
enum err_code sim_router_init(struct sim_router *r, const struct sim_world *w, enum sim_policy p,
                              uint32_t number, struct err *e) MUST_CHECK;
void sim_router_fini(struct sim_router *r);

/* Before the sessions of each step, for each streamer: its probes and polls that are due. */
void sim_router_hear(struct sim_router *r, uint32_t s, const struct sim_streamer *real,
                     uint64_t now_ms);
/* Behind them: what is done once a second. */
void sim_router_fold(struct sim_router *r, uint64_t now_ms);

/* Which streamer; *known: it is believed to have the content. SIM_NOBODY: nobody serves. */
uint32_t sim_router_choose(const struct sim_router *r, const struct sim_session *s, bool *known);
/* Whose the content is for clients of that node, all loads being equal: whom it is sent to when
 * `idle`, which is r->live without load, is what is known. SIM_NOBODY: nobody's, as always by
 * policies that do not look at contents. */
uint32_t sim_router_owner(const struct sim_router *r, const struct live *idle, uint32_t content,
                          uint16_t place);
/* It was sent there. */
void sim_router_sent(struct sim_router *r, const struct sim_session *s, uint32_t streamer,
                     bool known, uint64_t now_ms);
