/* Endpoint addresses (RFC 7285 section 10.4): "ipv4:192.0.2.1", "ipv6:2001:db8::1". */
#pragma once

#include "alto/catalog.h"

struct endpoint {
    struct str text;      /* as the request has it: keys of the answer echo it */
    struct prefix prefix; /* its full length for an address */
    pidx pid;             /* PIDX_NONE: in no PID, or a prefix that no PID covers whole */
};

/* RFC 3986 IPv4address (no leading zeros), any RFC 4291 IPv6; an unknown type, or a length where
 * prefixes are not allowed, is ERR_PARSE. */
enum err_code endpoint_parse(struct str text, bool prefixes, struct endpoint *out,
                             struct err *e) MUST_CHECK;
/* "ipv4:192.0.2.1": RFC 5952 form; out holds PREFIX_TEXT_MAX + 8. */
char *endpoint_format(struct prefix p, char *out);
/* Fills pid by longest prefix match; IPv4-mapped ones are IPv4's. */
void endpoint_locate(const struct alto_network *n, struct endpoint *ep);
