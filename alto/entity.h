/* Names of entities and of their properties (RFC 9240 section 5): "ipv4:192.0.2.0/24",
 * "net1.pid:PID1", ".ane:dc21", "priv:streamer:edge1". */
#pragma once

#include "base/addr.h"
#include "base/bytes.h"
#include "base/err.h"

#define ENTITY_TYPE_MAX     64u /* section 5.1.1 */
#define ENTITY_PROPERTY_MAX 32u /* section 5.2.1, of the type alone */
#define ENTITY_ID_MAX       1024u

enum entity_kind {
    ENTITY_IPV4,        /* section 6.1: hierarchical, with inheritance */
    ENTITY_IPV6,        /* likewise */
    ENTITY_PID,         /* section 6.2: of a network map alone */
    ENTITY_ANE,         /* RFC 9275 section 6.2: of a property map alone, or self-defined */
    ENTITY_ASN,         /* RFC 9241 section 6.1.1: "as64496" */
    ENTITY_COUNTRY,     /* RFC 9241 section 6.1.2: "de" */
    ENTITY_SUBDIVISION, /* RFC 9388: "us-ca" */
    ENTITY_OTHER,       /* "priv:..." and types that are registered some day: any text */
};

/* What it is that defines a domain or a property. */
enum entity_scope { ENTITY_AGNOSTIC, ENTITY_SELF, ENTITY_RESOURCE };

/* All borrow from the text. */
struct entity_domain {
    struct str name;     /* the whole: "net1.pid" */
    struct str resource; /* "net1"; n 0 unless scope is ENTITY_RESOURCE */
    struct str type;     /* "pid" */
    enum entity_scope scope;
    enum entity_kind kind;
};

struct entity {
    struct entity_domain domain;
    struct str id;        /* behind the domain and its colon */
    struct prefix prefix; /* ENTITY_IPV4, ENTITY_IPV6: host bits are 0 */
};

/* ERR_PARSE says what would be right. A domain's dot is the first one that a type and a colon (or
 * the end) follow, so that resource ids may have dots, as some in use do. */
enum err_code entity_domain_parse(struct str text, struct entity_domain *out,
                                  struct err *e) MUST_CHECK;
enum err_code entity_parse(struct str text, struct entity *out, struct err *e) MUST_CHECK;
/* An identifier of a domain that is known already. */
enum err_code entity_id_parse(const struct entity_domain *domain, struct str id,
                              struct prefix *prefix, struct err *e) MUST_CHECK;

/* "pid" (agnostic), ".ISP" (self-defined), "net1.pid"; any of the outputs may be NULL. */
enum err_code entity_property_parse(struct str text, struct str *resource, struct str *type,
                                    enum entity_scope *scope, struct err *e) MUST_CHECK;

static inline bool entity_is_prefix(enum entity_kind k)
{
    return k == ENTITY_IPV4 || k == ENTITY_IPV6;
}

/* An address's prefix as its identifier is written here: of the full length without it, "192.0.2.1"
 * (section 6.1: both are the same entity). Returns out, which holds PREFIX_TEXT_MAX. */
char *entity_prefix_format(struct prefix p, char *out);
