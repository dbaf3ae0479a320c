/* DNS over UDP and TCP for the services of a view: authoritative answers made by the decision. */
#pragma once

#include "dns/dns_conf.h"
#include "router/turn.h"

struct event_base;

/* Compiles zones, names and the parts of answers that do not change into the view (VIEW_PART_DNS).
 * Errors name the zone or service: a service host outside every zone is fine, two zones of one name
 * are not, ... */
enum err_code dns_zone_build(struct view *v, const struct dns_conf *conf, struct err *e) MUST_CHECK;

/* Query bytes to answer bytes; pure but for the live words, the counters and the note. Returns the
 * answer's length; 0: no answer at all (not a query, or too short to answer). out holds out_max
 * bytes: 65535 for TCP, udp_bytes_max for UDP. No allocation. */
size_t dns_answer(struct turn *t, const struct dns_conf *conf, struct addr client, bool tcp,
                  const uint8_t *query, size_t n, uint8_t *out, size_t out_max);

struct dns_server;

struct dns_server *dns_server_new(struct event_base *base, const struct dns_conf *conf,
                                  struct turn *turn);
/* Each takes over the descriptor. */
enum err_code dns_server_listen_udp(struct dns_server *s, int fd, struct err *e) MUST_CHECK;
enum err_code dns_server_listen_tcp(struct dns_server *s, int fd, struct err *e) MUST_CHECK;
/* Stops accepting and reading; TCP answers under way are finished. on_idle runs once no connection
 * is left. */
void dns_server_drain(struct dns_server *s, void (*on_idle)(void *arg), void *arg);
void dns_server_free(struct dns_server *s);
