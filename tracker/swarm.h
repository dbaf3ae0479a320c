/* All swarms: which peers share a torrent. Sharded by a keyed hash of the info-hash, for strangers
 * choose info-hashes; a mutex a shard, held for one look-up and a bounded copy; bounded in bytes
 * and in peers a swarm. tracker/tracker.h has what the daemon calls: swarms_new, _free, _sweep,
 * _stats_get.
 */
#pragma once

#include "base/hash.h"
#include "router/service.h"
#include "tracker/peerset.h"
#include "tracker/tracker.h"

/* As BEP 15 numbers them; BEP 21's "paused" is a downloader like others. */
enum announce_event {
    ANNOUNCE_NONE,
    ANNOUNCE_COMPLETED,
    ANNOUNCE_STARTED,
    ANNOUNCE_STOPPED,
    ANNOUNCE_PAUSED,
    ANNOUNCE_EVENTS
};

/* What a network map says of addresses. map: a number that is another one whenever PIDs mean
 * something else; a swarm whose peers have PIDs of another map has them located again, under the
 * shard's lock: 0.1 us a peer, once a map. */
struct swarm_map {
    uint32_t map;
    pidx (*locate)(const void *ctx, struct addr a); /* NULL: everybody is in PIDX_NONE */
    const void *ctx;
};

struct swarm_ask {
    uint8_t info_hash[INFO_HASH_LEN];
    uint64_t hash; /* swarms_hash of it */
    struct addr addr;
    uint16_t port;
    bool seed; /* has it all */
    enum announce_event event;
    const struct swarm_map *map;
    uint64_t now_ms;
    /* Peers wished for, as peerset_sample takes them; self, age and family are the store's
     * business. Both 0: none. */
    pidx pid;
    const pidx *near;
    unsigned near_count, near_want, random_want;
    bool family[PEER_FAMILIES];
    uint64_t random;
};

struct swarm_counts {
    uint32_t seeds, leechers, completed;
};

struct swarm_answer {
    struct swarm_counts counts; /* the asker included */
    bool known;                 /* it was in the swarm before */
    bool stored; /* it is now; false too when memory or the swarm is full, or it has stopped */
    struct peer_sample sample[PEER_FAMILIES];
};

uint64_t swarms_hash(const struct swarms *s, const uint8_t info_hash[INFO_HASH_LEN]);
/* Starts loading what an announce of that hash will touch; each step, some time after the one
 * before, goes one pointer deeper. Hints: they never wait. */
enum swarms_step { SWARMS_SLOT, SWARMS_SWARM, SWARMS_PEERS };
#define SWARMS_STEPS 3
void swarms_prefetch(struct swarms *s, uint64_t hash, enum swarms_step step);

/* Any worker. Puts the asker in, renews or removes it, and samples peers for it: never itself, and
 * no seeds for a seed. A "completed" counts once a peer: when the peer was not known as a seed. */
void swarms_announce(struct swarms *s, const struct swarm_ask *ask, struct swarm_answer *out);
/* Any worker. false, and zeros: nobody knows that torrent. */
bool swarms_scrape(struct swarms *s, const uint8_t info_hash[INFO_HASH_LEN],
                   struct swarm_counts *out);

/* The secret that connection ids grow from; the same for all workers. */
const struct hash_key *swarms_secret(const struct swarms *s);
