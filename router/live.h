/* Live words: what changes between two views. One relaxed atomic per fact, each meaningful alone:
 * the control thread and the workers write, decide() reads. A streamer keeps its slot, and so its
 * words, over a reload. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "router/streamer.h"

typedef uint16_t lidx; /* slot of a streamer */

#define LIVE_SLOTS (2 * STREAMERS_MAX) /* a reload may name every streamer anew */
#define LIVE_NONE  UINT16_MAX

enum health {
    HEALTH_UNKNOWN, /* not probed yet: serves, like a healthy one */
    HEALTH_UP,
    HEALTH_DOWN,    /* its probes fail */
    HEALTH_SUSPECT, /* its probes are good, but it is too loaded by its own account, or nothing was
                       heard of it for too long: behind the healthy ones, before the down ones */
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
    USABLE_OWNED,   /* draining: only what it owns */
    USABLE_SUSPECT, /* when nobody better is there */
    USABLE_YES,
};

#define LIVE_LINE 64 /* a cache line: what decide() reads of a streamer is one */

struct live_streamer {
    _Alignas(LIVE_LINE) _Atomic uint32_t health; /* health_word */
    _Atomic uint32_t dispatched; /* sessions sent by this process since it started; wraps */
    _Atomic uint64_t folded;     /* high half: sessions believed open (1/16), at the last fold; low
                                    half: dispatched then */
    _Atomic uint32_t scale;      /* float bits, above 0: what its believed sessions count for:
                                    above 1 while it starts slowly or its polls are old */
    _Atomic uint32_t hit_pm;     /* belief that it has a content that nothing is known of ... */
    _Atomic uint32_t hit_known_pm; /* ... and one that it is remembered, or says, to have */
    _Atomic uint32_t sent_known;   /* of dispatched: those for a content that it was believed to
                                      have; wraps */
    _Atomic(struct digest_live *) digest; /* what it says that it has; owned; NULL: nothing */
    /* Control thread only. */
    _Alignas(LIVE_LINE) double open; /* folded's high half, exactly */
    double foreign;                  /* sessions a second that others send it, by its polls */
    double foreign_s;                /* over how many seconds that was learnt */
    double missing;                  /* what polls have corrected the belief by since polled_ms */
    uint64_t polled_ms;              /* the poll up to which `foreign` was learnt; 0: none yet */
    double every_s;                  /* between the last two that taught */
    double unheard_s;                /* folded since the last poll */
    bool in_use, marked;
    char name[64];
};

struct hot;         /* router/hot.h */
struct digest_live; /* router/digest.h */

struct live {
    struct live_streamer streamer[LIVE_SLOTS];
    /* Control thread only: the slots in use by name, open addressing; LIVE_NONE ends a search. */
    lidx by_name[2 * LIVE_SLOTS];
    lidx free_from;  /* no slot below is free */
    struct hot *hot; /* contents that have several owners; set once, may be NULL */
    /* Counts what may have made a streamer's load or misses less than they were (sending never
     * does): what was reckoned with them before does not hold. */
    _Atomic uint32_t lowered;
};

struct live *live_new(void);
void live_free(struct live *l);

/* Control thread: the slot of that name, taken if nobody has it; LIVE_NONE when all are taken. */
lidx live_slot(struct live *l, struct str name);
/* The same without taking one: LIVE_NONE when nobody has that name. */
lidx live_find(const struct live *l, struct str name);
/* Control thread: live_mark_begin, then view_build (which asks live_slot for each name), and once
 * the new view is published live_mark_end: it gives back the slots of all names that nobody asked
 * for in between. A build that failed asked for some only: no live_mark_end then. */
void live_mark_begin(struct live *l);
void live_mark_end(struct live *l);

static inline enum usable live_usable(health_word w, bool v6)
{
    static const unsigned char by_admin_and_health[4][4] = {
        [ADMIN_UP] = {USABLE_YES, USABLE_YES, USABLE_NO, USABLE_SUSPECT},
        [ADMIN_DRAIN] = {USABLE_OWNED, USABLE_OWNED, USABLE_NO, USABLE_OWNED},
        [ADMIN_DOWN] = {USABLE_NO, USABLE_NO, USABLE_NO, USABLE_NO},
        [ADMIN_FORCED] = {USABLE_YES, USABLE_YES, USABLE_YES, USABLE_YES},
    };

    return (enum usable)by_admin_and_health[w >> 4 & 3][w >> (v6 ? 2 : 0) & 3];
}

/* Usable by everybody, whatever the family: nothing says down or suspect, and the admin state is
 * up. */
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
/* Control thread: the belief that a streamer has a content that nothing is known of, and one that
 * it is remembered to have, per mille. The second is never below the first: it gives way. */
void live_hit_set(struct live *l, lidx i, uint32_t hit_pm);
void live_hit_known_set(struct live *l, lidx i, uint32_t hit_pm);
/* Control thread: what believed sessions count for, above 0. */
void live_scale_set(struct live *l, lidx i, float scale);
static inline float live_scale(const struct live *l, lidx i)
{
    uint32_t bits = atomic_load_explicit(&l->streamer[i].scale, memory_order_relaxed);
    float scale;

    memcpy(&scale, &bits, sizeof scale);
    return scale;
}
/* Control thread: a poll or a report came in that says how many sessions it has now: that many are
 * believed from here on. From two of them in a row it is known what others (routers, players that
 * ask nobody) send there besides us, and what ends sooner or later than believed: sessions a
 * second, of either sign, smoothed over LIVE_FOREIGN_S; live_fold counts on with it until the next,
 * and where that does not come for LIVE_FOREIGN_S (or three times what polls are apart), less and
 * less. Polls within a second teach together with the next. NAN is no poll; sessions are at most
 * LIVE_SESSIONS_MAX. */
#define LIVE_FOREIGN_S    60.0
#define LIVE_SESSIONS_MAX 2e8 /* as many sixteenths fit a word */
void live_poll(struct live *l, lidx i, double sessions, uint64_t now_ms, double session_s);
/* Control thread: what it says that it has. NULL: nobody has asked yet. _open: makes it; NULL: no
 * memory. A slot that is given to another streamer begins with nothing. */
struct digest_live *live_digest(const struct live *l, lidx i);
struct digest_live *live_digest_open(struct live *l, lidx i);
/* Control thread: it went down, or is not polled any more: what was learnt of others is over. */
void live_poll_forget(struct live *l, lidx i);

/* Any worker: n sessions were sent there; and behind it, how many of them for a content that it was
 * believed to have. */
void live_dispatch(struct live *l, lidx i, uint32_t n);
void live_dispatch_known(struct live *l, lidx i, uint32_t n);

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
/* Control thread, at the start: what an earlier process believed. Dispatches of this one count
 * besides. */
void live_resume(struct live *l, lidx i, double sessions, double foreign, double foreign_s);
