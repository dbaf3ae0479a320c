/* What an announce means, whatever it came by: the store is told, the decision is asked for
 * torrents of a service, and the peers of the answer are picked. announce_udp.c and announce_http.c
 * read bytes into a struct announce and write what announce_run says. Private to the tracker. */
#pragma once

#include "tracker/swarm.h"
#include "tracker/tracker.h"

#define ANNOUNCE_NEAR_MAX 16  /* PIDs whose peers are looked for before others' */
#define ANNOUNCE_WANT_MAX 256 /* peers in an answer, whatever the configuration says */
#define SCRAPE_MAX        74  /* info-hashes in a scrape, as BEP 15 has it */
#define PEER_ID_LEN       20
#define UDP_BATCH         32
#define UDP_IN_MAX        2048 /* a longer datagram is cut: nothing has more to say */
#define UDP_OUT_MAX       1232 /* fits every path of IPv6's minimum MTU: 202 IPv4 peers, 67 IPv6 */
#define UDP_SOCKETS_MAX   64

#define CONNECTION_EPOCH_MS 60000u

/* Secrets of connection ids: a new one each minute, grown from the process's; the last two are
 * still good, so an id is taken for two to three minutes (BEP 15 asks for two). */
struct connection_keys {
    uint64_t epoch;
    struct {
        uint64_t epoch;
        struct hash_key key;
    } of[4]; /* by epoch % 4 */
};

struct announce_udp; /* sockets and their buffers: announce_udp.c */

struct tracker {
    struct event_base *base;
    const struct tracker_conf *conf;
    struct swarms *swarms;
    struct turn *turn;
    struct announce_udp *udp; /* NULL until the first socket */
    struct connection_keys keys;

    /* What is known of the view with this serial. */
    uint64_t view_serial;
    bool view_seen;
    struct swarm_map map;
    pidx *near;      /* [near_pids][ANNOUNCE_NEAR_MAX] */
    uint8_t *near_n; /* [near_pids], 0: not asked for yet */
    unsigned near_pids;

    struct swarm_answer answer; /* of the announce at hand */
};

struct announce {
    uint8_t info_hash[INFO_HASH_LEN];
    uint64_t hash; /* swarms_hash */
    struct addr addr;
    uint16_t port;
    bool seed; /* left is 0 */
    enum announce_event event;
    int64_t want;                /* peers; below 0: as many as the tracker likes */
    bool family[PEER_FAMILIES];  /* that the answer can carry */
    unsigned max[PEER_FAMILIES]; /* that fit */
};

/* wire[f]: room for max[f] peers, given by the caller; n[f] of them are filled. */
struct announce_result {
    struct swarm_counts counts;
    uint32_t interval_s;
    uint8_t *wire[PEER_FAMILIES];
    unsigned n[PEER_FAMILIES];
};

/* false: out says nothing but *refused, one sentence without a full stop. */
bool announce_run(struct tracker *t, const struct announce *a, struct announce_result *out,
                  const char **refused) MUST_CHECK;

/* Ahead of announce_run for several: what they will touch is then on its way for all together. */
void announce_prefetch(struct tracker *t, const struct addr *addr, const uint64_t *hash,
                       unsigned n);

/* Connection ids of BEP 15 for an address, at turn->now_ms. */
uint64_t connection_id_make(struct tracker *t, struct addr from);
bool connection_id_check(struct tracker *t, struct addr from, uint64_t id);

void announce_udp_free(struct announce_udp *u);
