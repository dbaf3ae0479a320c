/* DNS over TCP (RFC 7766): many queries a connection, pipelined, answered in order. Connections are
 * capped, and closed once they have gone the idle time without finishing a query or taking their
 * answers: bytes alone do not keep one open. */
#pragma once

#include "dns/dns_conf.h"
#include "router/turn.h"

#define DNS_TCP_QUERY_MAX  4096u  /* a longer one closes its connection */
#define DNS_TCP_ANSWER_MAX 16384u /* more than any answer that dns_zone's limits allow */

struct event_base;
struct dns_tcp;

/* on_empty runs whenever the last connection has gone while draining. NULL: no memory. */
struct dns_tcp *dns_tcp_new(struct event_base *base, const struct dns_conf *conf, struct turn *turn,
                            void (*on_empty)(void *arg), void *arg);
/* Takes over fd, which listens and is non-blocking; closes it on failure. */
enum err_code dns_tcp_listen(struct dns_tcp *t, int fd, struct err *e) MUST_CHECK;
size_t dns_tcp_connections(const struct dns_tcp *t);
/* Closes the listeners and reads no more queries: every connection ends behind the answers that are
 * under way, and is gone when its client closes too, or a second later. */
void dns_tcp_drain(struct dns_tcp *t);
void dns_tcp_free(struct dns_tcp *t);
