/* Live words: what changes between two views. One relaxed atomic per fact, each meaningful alone:
 * the control thread and the workers write, decide() reads. A streamer keeps its slot, and so its
 * words, over a reload. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "router/streamer.h"

typedef uint16_t lidx; /* slot of a streamer */

#define LIVE_SLOTS (2 * STREAMERS_MAX) /* a reload may name every streamer anew */
#define LIVE_NONE  UINT16_MAX

enum health {
    HEALTH_UNKNOWN, /* not probed yet: serves, like a healthy one */
    HEALTH_UP,
    HEALTH_DOWN, /* its probes fail */
};

enum admin_state {
    ADMIN_UP,
    ADMIN_DRAIN,  /* keeps the contents that it owns, gets nothing else */
    ADMIN_DOWN,   /* nothing */
    ADMIN_FORCED, /* up whatever the probes say */
};

/* A health word: enum health of IPv4 in bits 0-1, of IPv6 in bits 2-3, enum admin_state in bits
 * 4-5. */
typedef uint32_t health_word;

/* Usable by a client of this family (v6 false: IPv4): by health and admin state together. */
enum usable {
    USABLE_NO,
    USABLE_OWNED, /* draining: only what it owns */
    USABLE_YES,
};

#define LIVE_LINE 64 /* a cache line: what decide() reads of a streamer is one */

struct live_streamer {
    _Alignas(LIVE_LINE) _Atomic uint32_t health; /* health_word */
    _Atomic uint32_t dispatched; /* sessions sent by this process since it started; wraps */
    _Atomic uint64_t folded;     /* high half: sessions believed open (1/16), at the last fold; low
                                    half: dispatched then */
    _Atomic uint32_t polled_pm;  /* utilisation by the last poll, per mille; unused until something
                                    polls it */
    _Atomic uint32_t hit_pm;     /* belief that it has a content */
    /* Control thread only. */
    _Alignas(LIVE_LINE) double open; /* folded's high half, exactly */
    bool in_use, marked;
    char name[64];
};

struct live {
    struct live_streamer streamer[LIVE_SLOTS];
};

struct live *live_new(void);
void live_free(struct live *l);

/* Control thread: the slot of that name, taken if nobody has it; LIVE_NONE when all are taken. */
lidx live_slot(struct live *l, struct str name);
/* Control thread: live_mark_begin, then view_build (which asks live_slot for each name), and once
 * the new view is published live_mark_end: it gives back the slots of all names that nobody asked
 * for in between. A build that failed asked for some only: no live_mark_end then. */
void live_mark_begin(struct live *l);
void live_mark_end(struct live *l);

static inline enum usable live_usable(health_word w, bool v6)
{
    static const unsigned char by_admin_and_health[4][4] = {
        [ADMIN_UP] = {USABLE_YES, USABLE_YES, USABLE_NO, USABLE_NO},
        [ADMIN_DRAIN] = {USABLE_OWNED, USABLE_OWNED, USABLE_NO, USABLE_NO},
        [ADMIN_DOWN] = {USABLE_NO, USABLE_NO, USABLE_NO, USABLE_NO},
        [ADMIN_FORCED] = {USABLE_YES, USABLE_YES, USABLE_YES, USABLE_YES},
    };

    return (enum usable)by_admin_and_health[w >> 4 & 3][w >> (v6 ? 2 : 0) & 3];
}

/* Usable by everybody, whatever the family: no probe says down, and the admin state is up. */
static inline bool live_usable_by_all(health_word w)
{
    const health_word down = HEALTH_DOWN | HEALTH_DOWN << 2, admin = 3 << 4;

    return (w & (down | admin)) == 0;
}

static inline health_word live_health_get(const struct live *l, lidx i)
{
    return atomic_load_explicit(&l->streamer[i].health, memory_order_relaxed);
}
void live_health_set(struct live *l, lidx i, bool v6, enum health h);
void live_admin_set(struct live *l, lidx i, enum admin_state s);
enum admin_state live_admin_get(const struct live *l, lidx i);

/* The parts of a word. */
enum health live_health_of(health_word w, bool v6);
enum admin_state live_admin_of(health_word w);
/* Control thread: the belief that a streamer has a content, per mille. */
void live_hit_set(struct live *l, lidx i, uint32_t hit_pm);

/* Any worker: n sessions were sent there. */
void live_dispatch(struct live *l, lidx i, uint32_t n);

/* Sessions believed open, in sixteenths: those at the last fold and those sent since. The fold's
 * word is read first: its low half is never ahead of the dispatches that are read behind it. */
#define LIVE_SESSION_UNITS 16

static inline uint64_t live_session_units(const struct live *l, lidx i)
{
    const struct live_streamer *s = &l->streamer[i];
    uint64_t folded = atomic_load_explicit(&s->folded, memory_order_acquire);
    uint32_t now = atomic_load_explicit(&s->dispatched, memory_order_relaxed);

    return (folded >> 32) + (uint64_t)(uint32_t)(now - (uint32_t)folded) * LIVE_SESSION_UNITS;
}

static inline double live_sessions(const struct live *l, lidx i)
{
    return (double)(int64_t)live_session_units(l, i) * (1.0 / LIVE_SESSION_UNITS);
}

/* Control thread, about once a second: what was open ages by exp(-elapsed_s / session_s), and what
 * was sent since comes in. */
void live_fold(struct live *l, lidx i, double elapsed_s, double session_s);
