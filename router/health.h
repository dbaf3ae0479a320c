/* Health: what is known of a streamer by its probes and by what it says of itself (polls and
 * reports), made into one state an address and one factor of its load. Pure: the time is an
 * argument. The prober feeds it from sockets, the simulator in virtual time. */
#pragma once

#include "router/live.h"
#include "router/streamer.h"

/* ---- the probes of one address */

struct health_state {
    enum health now;
    uint16_t streak; /* probes in a row that say otherwise */
};

/* Takes one result in; true when the state changed. From HEALTH_UNKNOWN the first result decides at
 * once; then up after k good probes in a row, down after m bad ones. */
bool health_feed(struct health_state *s, const struct probe_conf *c, bool good);

/* From the start of one probe (or poll) to the next: the interval moved by up to 10 % either way,
 * so that routers and streamers do not fall into step. random is any 64 bits. */
uint32_t health_next_ms(uint32_t interval_ms, uint64_t random);
/* Before the first one: less than the interval and less than a second, so that a start is quick. */
uint32_t health_first_ms(uint32_t interval_ms, uint64_t random);

/* ---- a streamer */

/* Of a state. */
enum health_cause {
    HEALTH_BY_NOTHING, /* nothing is known yet */
    HEALTH_BY_PROBES,
    HEALTH_BY_WORD,    /* it is polled or reports, and says nothing bad; not probed */
    HEALTH_BY_READY,   /* down: it says that it is not ready */
    HEALTH_BY_LOAD,    /* suspect: utilisation came to leave_pm, and has not been at return_pm */
    HEALTH_BY_SILENCE, /* suspect: no good poll or report for stale_ms */
};

/* Start with health_begin. [0] is IPv4, [1] IPv6. Of a streamer that is down by one address alone,
 * the other one serves as before. */
struct streamer_state {
    /* What the live words shall be. */
    enum health now[2];
    enum health_cause cause[2];
    enum health_cause before[2]; /* the cause of the state before this one */
    bool decided[2];             /* it has changed */
    uint64_t since_ms[2];        /* ... and when */

    /* By its probes. */
    struct health_state probe[2];
    /* By its own account. */
    double sessions, capacity; /* at the last poll or report; NAN: it does not say */
    int ready;                 /* -1: it does not say */
    bool heard, loaded;
    uint64_t heard_ms; /* the last good poll or report; until there is one, since when it is
                          listened to */
    /* Slow start. */
    bool was_down;  /* by all its addresses, and not up since */
    uint64_t up_ms; /* when it returned; 0: it never did */
};

/* What a poll or a report says. */
struct health_report {
    double sessions; /* NAN: not known */
    double capacity; /* sessions that it can take; NAN: not known */
    int ready;       /* 0: not; 1; -1: not known */
};

void health_begin(struct streamer_state *s, uint64_t now_ms);
/* From here on it is listened to, and nothing that it said before counts. */
void health_listen(struct streamer_state *s, uint64_t now_ms);
/* Behind health_begin: what an earlier process said of its addresses. Down and suspect hold on as
 * if they had come about now, until enough probes, or polls, say otherwise; what nobody looks at
 * any more is not known. */
void health_resume(struct streamer_state *s, const struct streamer_conf *c,
                   const enum health was[2], uint64_t now_ms);
/* An address of it became another one: nothing is known of that. */
void health_forget(struct streamer_state *s, bool v6);

/* Each takes one thing in and returns what it changed: 1 now[0], 2 now[1]. A state stays at least
 * c->probe.dwell_ms, but for HEALTH_UNKNOWN at the start; what was wanted meanwhile comes about at
 * a later call if it still holds. now_ms never goes back. Without probes a good poll brings a
 * streamer up; without either it is HEALTH_UNKNOWN for good. */
unsigned health_probe(struct streamer_state *s, const struct streamer_conf *c, bool v6, bool good,
                      uint64_t now_ms);
unsigned health_poll(struct streamer_state *s, const struct streamer_conf *c,
                     const struct health_report *r, uint64_t now_ms);
/* To be called about once a second, and when c becomes another one: time alone changes things. */
unsigned health_tick(struct streamer_state *s, const struct streamer_conf *c, uint64_t now_ms);

/* What its believed sessions count for (live_scale_set): the product of
 * - configured capacity / the capacity that it reports, within 1/HEALTH_SCALE_MAX and
 *   HEALTH_SCALE_MAX;
 * - behind a return from down, 1 / what of its capacity it has: from a tenth to all of it over
 *   slow_start_s, counted from when it is up;
 * - for a streamer that was heard last more than 1.5 poll intervals ago, 1 growing with age to
 *   HEALTH_STALE_SCALE at stale_ms: the less is known of its load, the fewer it gets. */
#define HEALTH_SCALE_MAX   100.0
#define HEALTH_STALE_SCALE 1.5
float health_scale(const struct streamer_state *s, const struct streamer_conf *c, uint64_t now_ms);
/* The share of its capacity that it has by slow start: 0.1 .. 1. */
double health_ramp(const struct streamer_state *s, const struct streamer_conf *c, uint64_t now_ms);
/* Utilisation at the last poll or report, by the capacity that it reports or else the configured
 * one; NAN: not known, or its capacity is not limited. */
double health_load(const struct streamer_state *s, const struct streamer_conf *c);

/* Why it is what it is: "load 0.97 is at or above 0.95", "nothing heard for 36 s", or, when it
 * returned, "load 0.80 is at or below 0.85". Returns out. */
#define HEALTH_WHY_MAX 96
char *health_why(const struct streamer_state *s, const struct streamer_conf *c, bool v6,
                 uint64_t now_ms, char out[HEALTH_WHY_MAX]);
const char *health_name(enum health h); /* "unknown", "up", "down", "suspect" */
