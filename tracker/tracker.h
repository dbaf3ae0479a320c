/* The tracker: announces and scrapes over HTTP (BEP 3, 7, 23, 48) and UDP (BEP 15), with peers
 * ranked by the network map. Swarms are the only thing that peers write: sharded by info-hash,
 * bounded, a lock a shard. */
#pragma once

#include "base/handler.h"
#include "router/turn.h"

struct event_base;

struct tracker_conf {
    uint32_t interval_s;     /* asked of peers; default 1800; each answer is moved by up to 10 % */
    uint32_t min_interval_s; /* default 300 */
    uint32_t peer_timeout_s; /* a peer that has not announced for so long is forgotten; default 2 *
                                interval + 120 */
    uint16_t peers_default;  /* in an answer when the peer does not say; default 50 */
    uint16_t peers_max;      /* default 200 */
    uint16_t random_pm;      /* share of an answer taken at random, per mille; default 200 */
    size_t memory_max; /* bytes of all swarms; default 1 GiB: over it new peers are answered, not
                          stored */
    uint32_t peers_per_swarm_max; /* default 100000 */
    bool open;                    /* false: only the info-hashes that services name; default true */
    bool trust_ip_param;          /* the "ip" parameter of an announce is believed; default false */
};

void tracker_conf_default(struct tracker_conf *c);

/* All swarms of the process, shared by the workers. */
struct swarms *swarms_new(const struct tracker_conf *c);
void swarms_free(struct swarms *s);
struct swarms_stats {
    uint64_t swarms, peers, seeds, bytes;
};
void swarms_stats_get(const struct swarms *s, struct swarms_stats *out);
/* Control thread, every few seconds: forgets a part of the peers that have gone. */
void swarms_sweep(struct swarms *s, uint64_t now_ms);

/* One a worker. */
struct tracker;
struct tracker *tracker_new(struct event_base *base, const struct tracker_conf *conf,
                            struct swarms *swarms, struct turn *turn);
/* Handlers for "/announce" and "/scrape"; ctx is the struct tracker. */
void tracker_announce_handle(void *ctx, const struct http_request *request,
                             struct http_response *response);
void tracker_scrape_handle(void *ctx, const struct http_request *request,
                           struct http_response *response);
enum err_code tracker_listen_udp(struct tracker *t, int fd,
                                 struct err *e) MUST_CHECK; /* takes over the descriptor */
void tracker_free(struct tracker *t);

/* Connection ids of BEP 15: a keyed hash of address and time, so no state; all workers of a process
 * share the secret, which is in swarms. One datagram in, one out; returns its length, 0 for none.
 */
size_t announce_udp_answer(struct tracker *t, struct addr from, uint16_t port, const uint8_t *in,
                           size_t n, uint8_t *out, size_t out_max);
