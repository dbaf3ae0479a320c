/* The client subnet option (RFC 7871 section 6): whom an answer is for, when a resolver asks for
 * somebody else, and how far the answer reaches. */
#pragma once

#include <stdbool.h>

#include "base/addr.h"

#define DNS_ECS_HEAD     4u
#define DNS_ECS_DATA_MAX (DNS_ECS_HEAD + 16u)

enum dns_ecs_family { DNS_ECS_V4 = 1, DNS_ECS_V6 = 2 };

struct dns_ecs {
    const uint8_t *wire; /* the option's data in the query; the answer echoes it */
    uint8_t len;         /* of wire */
    uint8_t family;      /* enum dns_ecs_family */
    uint8_t source;      /* SOURCE PREFIX-LENGTH, of the family: 0..32 or 0..128 */
    struct addr addr;    /* its first source bits, the rest 0 */
};

/* Reads the option's data. false, to be answered with FORMERR: shorter than its head, a family that
 * is neither IPv4 nor IPv6, a source length over the family's, a scope that a query must not have,
 * not exactly the bytes of address that the source length needs, or bits set beyond it. */
bool dns_ecs_parse(const uint8_t *data, size_t n, struct dns_ecs *out);

/* SCOPE PREFIX-LENGTH for an answer that rests on the first scope bits of addr (counted as in
 * lpm.h: IPv4 from 96). With source 0 the client has withheld its address and the answer rests on
 * the resolver's: no length of the option's address covers that, and the answer may be reused for
 * such questions alone, which scope 0 beside source 0 says (RFC 7871 section 7.3.1). */
uint8_t dns_ecs_scope(const struct dns_ecs *ecs, uint8_t scope);

/* The option with its code and length, as many as 4 + ecs->len bytes: family, source length and
 * address as the query had them. Returns its length. */
size_t dns_ecs_encode(const struct dns_ecs *ecs, uint8_t wire_scope, uint8_t *out);
