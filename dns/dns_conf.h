/* What the operator says of the DNS front end. */
#pragma once

#include "base/addr.h"
#include "base/bytes.h"

struct dns_ns_conf {
    struct str name;    /* "ns1.example.com" */
    struct addr v4, v6; /* glue, answered as A and AAAA when the name is inside the zone */
    bool has_v4, has_v6;
};

struct dns_zone_conf {
    struct str name; /* apex: "cdn.example.com", lower case, no trailing dot */
    const struct dns_ns_conf *ns;
    size_t ns_count;
    struct str soa_mname; /* n 0: the first ns */
    struct str soa_rname; /* "hostmaster.example.com" */
    uint32_t soa_serial;  /* 0: the view's serial */
    uint32_t refresh_s, retry_s, expire_s;
    uint32_t negative_ttl_s; /* SOA minimum, RFC 2308; default 60 */
    uint32_t ttl_s;          /* of NS, SOA, NAPTR and glue; default 3600 */
    const struct str *alto;  /* [alto_count] URIs of ALTO directories, the first is to be tried
                                first (RFC 7286) */
    size_t alto_count;
};

struct dns_conf {
    const struct dns_zone_conf *zones;
    size_t zone_count;
    uint16_t udp_bytes_max;       /* EDNS size offered and obeyed; default 1232 */
    bool client_subnet;           /* RFC 7871; default true */
    uint32_t tcp_idle_ms;         /* default 10000 */
    uint32_t tcp_connections_max; /* of a worker; default 1000 */
};

void dns_conf_default(struct dns_conf *c);
