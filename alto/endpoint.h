/* Endpoint addresses (RFC 7285 section 10.4): "ipv4:192.0.2.1", "ipv6:2001:db8::1", and the names
 * of their properties (section 10.8). */
#pragma once

#include "alto/catalog.h"
#include "alto/params.h"
#include "alto/server.h"

struct endpoint {
    struct str text;      /* as the request has it: keys of the answer echo it */
    struct prefix prefix; /* its full length for an address */
    pidx pid;             /* PIDX_NONE: in no PID, or a prefix that no PID covers whole */
};

/* "ipv4:" and a space for the longest prefix. */
#define ENDPOINT_TEXT_MAX (PREFIX_TEXT_MAX + 8)

/* RFC 3986 IPv4address (no leading zeros), any RFC 4291 IPv6; an unknown type, or a length where
 * prefixes are not allowed, is ERR_PARSE. Host bits of a prefix are masked off. The text is
 * borrowed; pid is PIDX_NONE. */
enum err_code endpoint_parse(struct str text, bool prefixes, struct endpoint *out,
                             struct err *e) MUST_CHECK;
/* "ipv4:192.0.2.1": RFC 5952 form; without a length for an address. out holds ENDPOINT_TEXT_MAX. */
char *endpoint_format(struct prefix p, char *out);
/* Fills pid by longest prefix match; IPv4-mapped ones are IPv4's. A prefix has the PID that all of
 * its addresses have; it has none when they differ. */
void endpoint_locate(const struct alto_network *n, struct endpoint *ep);
/* The same for many: their memory is fetched together. How many are in no PID. */
size_t endpoint_locate_all(const struct alto_network *n, struct endpoint *eps, size_t count);

/* A list of a request, for endpoint properties and endpoint costs: each address once, in the order
 * of its first. Two texts of one address are two endpoints: keys of the answer echo the request's.
 * field: its path, for the error (E_INVALID_FIELD_VALUE with the address as value). *out lives in
 * arena. false: error is set. */
bool endpoint_list_read(const struct alto_question *q, const struct str_list *texts,
                        const char *field, struct endpoint **out,
                        struct alto_error *error) MUST_CHECK;

/* "pid", "priv:x": 1 to 32 letters, digits and - : _; or behind a resource's id and a dot
 * ("my-default-network-map.pid"); "priv:" needs something behind it. ERR_PARSE. */
enum err_code endpoint_property_check(struct str name, struct err *e) MUST_CHECK;

#define ENDPOINT_PROPERTY_MAX (ALTO_ID_MAX + 34) /* bytes of a name with its NUL */

struct alto_resource;
/* The properties that an endpoint property resource has of its property map, one a call, behind at
 * (zeroes first); *name in out. false: that was all. */
bool endpoint_property_next(const struct alto_resource *r, size_t at[2],
                            char out[ENDPOINT_PROPERTY_MAX], struct str *name) MUST_CHECK;
