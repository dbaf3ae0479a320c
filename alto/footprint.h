/* Types of CDNi footprints and what their values look like: whom a CDN or a streamer serves. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

/* RFC 8006 section 4.2.2.2, RFC 8008, RFC 9241 section 4. */
enum footprint_type {
    FOOTPRINT_IPV4CIDR,
    FOOTPRINT_IPV6CIDR,
    FOOTPRINT_ASN,             /* "as64500" */
    FOOTPRINT_COUNTRYCODE,     /* "de" */
    FOOTPRINT_SUBDIVISIONCODE, /* "us-ca" (RFC 9388) */
    FOOTPRINT_ALTOPID,         /* "PID1", or "networkmap.PID1" */
    FOOTPRINT_UNION,           /* any of its parts (RFC 9388) */
};

/* "ipv4cidr", ...; false: no such type. */
bool footprint_type_find(struct str name, enum footprint_type *out);
const char *footprint_type_name(enum footprint_type t);
/* Checks one value by its type (lower case, RFC 8006 section 4.3, RFC 9388) and says what would be
 * right: "asn "AS1": not ...". */
enum err_code footprint_value_check(enum footprint_type t, struct str value,
                                    struct err *e) MUST_CHECK;
bool footprint_asn_parse(struct str s, uint32_t *out); /* "as64500"; as0 is nobody's */
bool footprint_country_is(struct str s);               /* "de" */
bool footprint_subdivision_is(struct str s);           /* "us-ca" */
