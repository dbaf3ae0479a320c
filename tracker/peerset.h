/* The peers of one swarm and one address family, sorted by PID, address and port, in chunks of at
 * most PEERSET_CHUNK: 10 bytes an IPv4 peer, 22 an IPv6 peer. Sorted, so that the peers of one PID
 * stand together and are found in a swarm of 100,000 without looking at the others; in chunks, so
 * that putting one in moves at most a kilobyte. No lock here: the shard of the swarm has one. */
#pragma once

#include "base/addr.h"
#include "router/view.h" /* pidx: a front end sees the maps through the router */
#include "tracker/peer_memory.h"

#define PEERSET_CHUNK      128
#define PEERSET_SAMPLE_MAX 256
#define PEER_WIRE_MAX      18 /* address and port as compact peers have them: 6 or 18 bytes */

enum peer_family { PEER_V4, PEER_V6 };
#define PEER_FAMILIES 2

static inline enum peer_family peer_family_of(struct addr a)
{
    return addr_is_v4(a) ? PEER_V4 : PEER_V6;
}

static inline unsigned peer_wire_len(enum peer_family f)
{
    return f == PEER_V4 ? 6 : PEER_WIRE_MAX;
}

/* Writes the compact form; returns its length. */
unsigned peer_wire_put(struct addr a, uint16_t port, uint8_t *out);
struct addr peer_wire_addr(enum peer_family f, const uint8_t *wire);

/* Starts zeroed. */
struct peerset {
    void *root; /* a chunk, or with deep a table of chunks */
    uint32_t count;
    uint32_t seeds : 31, deep : 1;
};

/* What a peer is known by: PID (big endian), address, port: 8 or 20 bytes that sort by memcmp. */
struct peer_key {
    uint8_t b[2 + PEER_WIRE_MAX];
};
void peer_key_make(struct peer_key *k, pidx pid, struct addr a, uint16_t port);

/* Age and kind of a peer in 16 bits: time in units of 33 s, which wrap after 12 days, and whether
 * it is a seed. */
#define PEER_TICK_MS    32768u
#define PEER_TICKS      0x8000u
#define PEER_STATE_SEED 0x8000u

static inline uint16_t peer_state_make(uint64_t now_ms, bool seed)
{
    return (uint16_t)((now_ms / PEER_TICK_MS) % PEER_TICKS | (seed ? PEER_STATE_SEED : 0));
}

static inline unsigned peer_state_age(uint16_t state, uint16_t now)
{
    return ((unsigned)now - state) % PEER_TICKS;
}

/* A place in a set; good until the set changes. */
struct peer_pos {
    uint32_t chunk, at;
};

/* The peer's place, or (false) the place where it would go. */
bool peerset_find(const struct peerset *s, enum peer_family f, const struct peer_key *k,
                  struct peer_pos *pos);
uint16_t peerset_state_get(const struct peerset *s, enum peer_family f, struct peer_pos pos);
void peerset_state_set(struct peerset *s, enum peer_family f, struct peer_pos pos, uint16_t state);
/* pos as peerset_find left it. false: no memory, and nothing has changed. */
bool peerset_insert(struct peerset *s, enum peer_family f, struct peer_memory *m,
                    struct peer_pos pos, const struct peer_key *k, uint16_t state) MUST_CHECK;
void peerset_remove(struct peerset *s, enum peer_family f, struct peer_memory *m,
                    struct peer_pos pos);
/* A hint: the set will be searched soon. */
void peerset_prefetch(const struct peerset *s);
/* Forgets all that are older than max_age ticks. */
void peerset_expire(struct peerset *s, enum peer_family f, struct peer_memory *m, uint16_t now,
                    unsigned max_age);
/* Gives every peer its PID anew, after the network map has changed. One that finds no memory on the
 * way is forgotten, and comes back with its next announce. */
void peerset_relocate(struct peerset *s, enum peer_family f, struct peer_memory *m,
                      pidx (*locate)(const void *ctx, struct addr a), const void *ctx);
void peerset_clear(struct peerset *s, enum peer_family f, struct peer_memory *m);

/* A bounded copy of the peers that may go into an answer. */
struct peer_wish {
    const pidx *near; /* PIDs by cost, the asker's own first */
    unsigned near_count;
    unsigned near_want, random_want; /* peers wanted of the near PIDs, and of anywhere */
    bool no_seeds;                   /* the asker is a seed itself */
    struct peer_key self;            /* the asker, to be left out; */
    bool has_self;                   /* ... if it is of this family */
    uint16_t now;                    /* as peer_state_make; older than max_age is left out */
    unsigned max_age;
    uint64_t random; /* seed of this answer */
};

struct peer_sample {
    unsigned n;
    pidx pid[PEERSET_SAMPLE_MAX];
    uint8_t wire[PEERSET_SAMPLE_MAX * PEER_WIRE_MAX]; /* peer_wire_len apart */
};

/* Of a set of up to PEERSET_CHUNK peers, all. Of a larger one: near_want of the near PIDs, in that
 * order, as far as it has them, a run from a random start where a PID has more than are wanted;
 * then runs of a few peers from random places: random_want of them, and where the near PIDs had too
 * few, a hundred or more, so that ranking by cost has something to choose from. Each peer once. */
void peerset_sample(const struct peerset *s, enum peer_family f, const struct peer_wish *w,
                    struct peer_sample *out);
