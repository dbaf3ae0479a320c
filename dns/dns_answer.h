/* dns_answer in its three steps, for a loop that has many queries at hand: between them the memory
 * that finding the clients and their sessions needs can be on its way for all of them at once
 * (view_prefetch). */
#pragma once

#include "dns/dns_ecs.h"
#include "dns/dns_server.h"
#include "dns/dns_wire.h"
#include "dns/dns_zone.h"

/* A query read; pointers go into its bytes. */
struct dns_asked {
    enum dns_rcode rcode; /* DNS_NOERROR: to be answered; DNS_DROP: not at all */
    bool has_ecs;         /* ecs holds a client subnet that counts */
    struct addr client;   /* whom the answer is for: the subnet's, else the socket's */
    struct dns_ecs ecs;
    struct dns_query q;
    struct dns_found found; /* of the view that dns_answer_find was called with */
};

void dns_answer_read(const struct dns_conf *conf, struct addr client, const uint8_t *query,
                     size_t n, struct dns_asked *out);

/* Looks the name up, and brings the memory of the client's session on its way. */
void dns_answer_find(const struct turn *t, struct dns_asked *in);

/* As dns_answer, for the bytes that in was read from, in the same turn as dns_answer_find. */
size_t dns_answer_write(struct turn *t, const struct dns_conf *conf, const struct dns_asked *in,
                        bool tcp, const uint8_t *query, uint8_t *out, size_t out_max);
