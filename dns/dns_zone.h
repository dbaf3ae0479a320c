/* Zones compiled into a view: every name that exists, what it holds, and the bytes of answers that
 * never change. Immutable; lives in the view's arena.
 *
 * Names are found as RFC 1034 section 4.3.2 and RFC 4592 say: the name itself, else the wildcard of
 * its closest encloser. So "*.cdn.example" does not answer for names below "a.cdn.example" once
 * that name exists, be it only because of "x.a.cdn.example" (an empty non-terminal: NODATA).
 *
 * What makes names: services' hosts inside a zone; public hosts of streamers inside a zone, with
 * the streamer's own addresses; name servers inside a zone, with their glue. */
#pragma once

#include "dns/dns_conf.h"
#include "dns/dns_wire.h"
#include "router/route.h"

#define DNS_ZONE_NS_MAX   32u
#define DNS_TXT_BYTES_MAX 4000u
#define DNS_TTL_MAX       INT32_MAX /* RFC 2181 section 8 */

/* A name in an answer's data. */
struct dns_target {
    struct dns_name name;
    const struct dns_zone *zone;   /* that it lies in; NULL: in none of ours */
    const struct dns_entry *entry; /* its addresses, if we hold them; else NULL */
};

/* A record's data, made once. */
struct dns_data {
    const uint8_t *p;
    uint16_t len;
};

#define DNS_ZONE_ALTO_MAX 16u
#define DNS_ALTO_URI_MAX  248u /* with "!.*!" and "!" a character string of 255 bytes at most */

struct dns_zone {
    struct dns_name apex;
    const struct dns_zone *parent; /* the next zone of ours above; NULL: none */
    const struct dns_target *ns;   /* [ns_count] */
    unsigned ns_count;
    struct dns_target mname, rname;
    uint8_t soa_numbers[20];      /* serial, refresh, retry, expire, minimum */
    uint32_t ttl_s;               /* of NS, SOA and static addresses */
    uint32_t negative_ttl_s;      /* of the SOA in a negative answer (RFC 2308 section 5) */
    const struct dns_data *naptr; /* [naptr_count] at the apex */
    unsigned naptr_count;
};

/* A service as its names need it. */
struct dns_service {
    svidx service;
    /* The question of path "/", so what HTTP answers for "/" on this host, but for the client and
     * what it needs. */
    struct route_question ask;
    struct dns_target bypass; /* name of length 0: none */
    enum dns_mode mode;
    uint8_t answers;
    uint8_t can;   /* of all its streamers together */
    bool has_away; /* another CDN or a bypass that DNS can name: its names may be aliases */
    uint32_t ttl_s;
    const uint8_t *txt; /* RDATA */
    uint16_t txt_len;
};

struct dns_address {
    struct addr addr;
    struct dns_address *next;
};

/* A name that exists. Without anything below it is an empty non-terminal. */
struct dns_entry {
    struct dns_name name;
    const struct dns_zone *zone;
    const struct dns_service *service; /* NULL: not a service's */
    const struct dns_entry *wildcard;  /* "*" right below it; NULL: none */
    struct dns_address *addresses;     /* of a streamer's or name server's host, both families */
    bool apex;
};

struct dns_zones;

struct dns_found {
    const struct dns_zone *zone;   /* NULL: outside all zones */
    const struct dns_entry *entry; /* NULL: no such name */
};

/* name: wire form in lower case of len bytes, labels labels without the root. z may be NULL. */
struct dns_found dns_zones_find(const struct dns_zones *z, const uint8_t *name, unsigned len,
                                unsigned labels);

/* Where a CNAME to this streamer goes, [streamer_count] of the view: entries of streamers without a
 * host have a name of length 0. */
const struct dns_target *dns_zones_targets(const struct dns_zones *z);
/* Likewise for another CDN, [downstream_count]. */
const struct dns_target *dns_zones_downstreams(const struct dns_zones *z);
