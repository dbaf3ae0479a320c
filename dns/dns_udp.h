/* A worker's UDP sockets: libevent says when one is readable, then datagrams go through in batches,
 * one system call for up to DNS_UDP_BATCH of them each way, between buffers made beforehand. */
#pragma once

#include "dns/dns_conf.h"
#include "router/turn.h"

#define DNS_UDP_BATCH     32u
#define DNS_UDP_QUERY_MAX 2048u /* longer ones are no queries, and dropped */

struct event_base;

/* Buffers of a batch; all sockets of a worker share one, as callbacks come one at a time. */
struct dns_udp_batch;
struct dns_udp_batch *dns_udp_batch_new(void);
void dns_udp_batch_free(struct dns_udp_batch *b);

struct dns_udp;

/* Takes over fd, which is non-blocking and bound (*out is NULL and fd closed on failure). A socket
 * on a wildcard address answers from the address that was asked. */
enum err_code dns_udp_new(struct event_base *base, const struct dns_conf *conf, struct turn *turn,
                          struct dns_udp_batch *batch, int fd, struct dns_udp **out,
                          struct err *e) MUST_CHECK;

/* Answers what has arrived already, and reads no more. */
void dns_udp_drain(struct dns_udp *u);
void dns_udp_free(struct dns_udp *u);
