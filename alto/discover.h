/* Finding the ALTO server of a domain (RFC 7286) or of an address (RFC 8686): which names are asked
 * for U-NAPTR records, and which directories the records name. Without sockets. */
#pragma once

#include "base/addr.h"

#define DISCOVER_SERVICE   "ALTO:https"
#define DISCOVER_NAMES_MAX 6u
#define DISCOVER_NAME_MAX  80u /* of a reverse name, with its NUL */
#define DISCOVER_URIS_MAX  16u
#define DISCOVER_URI_MAX   256u /* a record's regexp has at most 255 bytes */

/* The names to ask in this order, one behind the other until one has records (RFC 8686 section
 * 3.4). */
struct discover_names {
    unsigned count;
    unsigned bits[DISCOVER_NAMES_MAX]; /* prefix length in the address's own family */
    char names[DISCOVER_NAMES_MAX][DISCOVER_NAME_MAX]; /* "51.198.IN-ADDR.ARPA." */
};

/* bits: prefix length in the address's own family, 32 or 128 of an address alone. ERR_UNSUPPORTED:
 * shorter than 8 (IPv4) or 32 (IPv6): section 3.2 says "unsupported prefix length". */
enum err_code discover_names(struct addr a, unsigned bits, struct discover_names *out,
                             struct err *e) MUST_CHECK;

/* A NAPTR record (RFC 3403 section 4.1); borrowed. */
struct discover_record {
    uint16_t order, preference;
    struct str flags, service, regexp;
};

struct discover_uris {
    unsigned count;
    char uris[DISCOVER_URIS_MAX][DISCOVER_URI_MAX]; /* the best first */
};

/* "ALTO:https", "ALTO:http": the protocol, in lower case. ERR_PARSE: another service. */
enum err_code discover_service_parse(struct str text, struct str *protocol,
                                     struct err *e) MUST_CHECK;

/* Directories that records of this protocol name: those of the lowest order that has any (RFC 3403
 * section 4.1), by preference; of equal ones in the order of the records. What is no U-NAPTR record
 * of ALTO, or whose regexp is another than !.*!uri! with an absolute URI of just this protocol (RFC
 * 4848 section 4.5), is passed over; each URI comes once. */
void discover_choose(const struct discover_record *records, size_t count, struct str protocol,
                     struct discover_uris *out);
