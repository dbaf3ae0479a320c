/* The one address type. IPv4 is held mapped (::ffff:a.b.c.d), so that below the door no code asks
 * for the address family; text and wire forms are made here. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "base/err.h"

/* The 128 bits as two numbers, most significant first: comparing and masking are plain arithmetic.
 */
struct addr {
    uint64_t hi, lo;
};

#define ADDR_V4_BITS    96 /* length of ::ffff:0:0/96, in front of every IPv4 prefix */
#define ADDR_TEXT_MAX   48
#define PREFIX_TEXT_MAX 56

static inline struct addr addr_from_v4(uint32_t host_order)
{
    return (struct addr){0, UINT64_C(0xffff00000000) | host_order};
}

static inline bool addr_is_v4(struct addr a)
{
    return a.hi == 0 && a.lo >> 32 == 0xffff;
}

static inline uint32_t addr_v4(struct addr a)
{
    return (uint32_t)a.lo;
}

static inline int addr_cmp(struct addr a, struct addr b)
{
    if (a.hi != b.hi)
        return a.hi < b.hi ? -1 : 1;
    return (a.lo > b.lo) - (a.lo < b.lo);
}

static inline bool addr_eq(struct addr a, struct addr b)
{
    return a.hi == b.hi && a.lo == b.lo;
}

struct addr addr_from_bytes(const uint8_t wire[16]);
void addr_to_bytes(struct addr a, uint8_t wire[16]);

/* Text as RFC 7285 section 10.4.3 takes it: dotted quad, or RFC 4291 section 2.2 IPv6; no zone, no
 * brackets. An IPv4-mapped IPv6 address is the IPv4 address. */
enum err_code addr_parse(const char *s, size_t n, struct addr *out, struct err *e) MUST_CHECK;
/* IPv4 dotted, IPv6 as RFC 5952. Returns out, which holds ADDR_TEXT_MAX. */
char *addr_format(struct addr a, char *out);

/* false for any other family. port in host order, may be NULL. */
bool addr_from_sockaddr(const struct sockaddr *sa, struct addr *out, uint16_t *port);
/* An AF_INET or AF_INET6 socket address, as the address is; returns its length. */
socklen_t addr_to_sockaddr(struct addr a, uint16_t port, struct sockaddr_storage *out);

/* Leading bits that a and b share, 0..128. */
unsigned addr_common_bits(struct addr a, struct addr b);
/* The first len bits (0..128), the rest 0. */
struct addr addr_mask(struct addr a, unsigned len);
/* The first len bits, the rest 1. */
struct addr addr_mask_last(struct addr a, unsigned len);
/* Loopback, RFC 1918, link-local, unique local, unspecified, multicast: never located by geography.
 */
bool addr_is_special(struct addr a);

/* len counts from the mapped form: 10.0.0.0/8 has len 104. Host bits are 0. */
struct prefix {
    struct addr addr;
    uint8_t len;
};

/* "10.0.0.0/8", "2001:db8::/32", and a bare address (its full length). Host bits are masked off. */
enum err_code prefix_parse(const char *s, size_t n, struct prefix *out, struct err *e) MUST_CHECK;
char *prefix_format(struct prefix p, char *out); /* out holds PREFIX_TEXT_MAX */
bool prefix_has(struct prefix p, struct addr a);
/* An IPv4 prefix; ::/0 and other prefixes that span the mapped range are IPv6's. */
static inline bool prefix_is_v4(struct prefix p)
{
    return p.len >= ADDR_V4_BITS && addr_is_v4(p.addr);
}
/* A length that counts from the mapped form, as the address's own family counts it: 104 of an IPv4
 * address is 8. */
static inline unsigned addr_own_bits(struct addr a, unsigned len)
{
    if (!addr_is_v4(a))
        return len;
    return len > ADDR_V4_BITS ? len - ADDR_V4_BITS : 0;
}
int prefix_cmp(const struct prefix *a, const struct prefix *b); /* by address, then shorter first */
/* An address with a port: "127.0.0.1:80", "[::1]:80". A missing port is default_port; with
 * default_port 0 it must be there. */
enum err_code addr_port_parse(const char *s, size_t n, uint16_t default_port, struct addr *out,
                              uint16_t *port, struct err *e) MUST_CHECK;
