/* What a property map is made of: for propmap*.c and prop_reply.c alone. */
#pragma once

#include "alto/entity.h"
#include "alto/propmap.h"

#define PROPMAP_NONE UINT32_MAX

/* Of a domain, in order: of addresses in prefix_cmp order, so that what an entity covers stands
 * right behind it; else by identifier. */
struct propmap_entity {
    union {
        struct prefix prefix; /* entity_is_prefix(kind) */
        struct str id;
    };
    uint32_t first, count; /* its values; count is never 0 */
    uint32_t up;           /* the entity that covers it most closely, PROPMAP_NONE: none */
    uint32_t end;          /* behind the last one that it covers: a subtree is [i + 1, end) */
};

struct propmap_value {
    uint32_t property; /* of the map */
    uint32_t text;     /* of the map */
};

struct propmap_domain {
    struct entity_domain name;
    const struct propmap_entity *entities;
    uint32_t entity_count;
    const uint32_t *properties; /* [property_count] of the map, ascending */
    uint32_t property_count;
};

struct propmap {
    char tag[ALTO_TAG_MAX + 1];
    const struct propmap_domain *domains; /* [domain_count], by name */
    size_t domain_count;
    const struct str *properties; /* [property_count] names, sorted */
    uint32_t property_count;
    const struct propmap_value *values; /* of an entity by property */
    const struct str *texts;            /* JSON values, each once */
    const struct vtag *depends;         /* [depend_count]; tag empty: that of the served one */
    size_t depend_count;
};

/* NULL, PROPMAP_NONE: there is none. */
const struct propmap_domain *propmap_domain_find(const struct propmap *m, struct str name);
uint32_t propmap_property_find(const struct propmap *m, struct str name);
uint32_t propmap_entity_find(const struct propmap_domain *d, struct str id);
/* The most specific entity that covers p, p itself included. */
uint32_t propmap_covering(const struct propmap_domain *d, struct prefix p);
/* The entities that p covers, itself left out: [*from, *to). */
void propmap_covered(const struct propmap_domain *d, struct prefix p, uint32_t *from, uint32_t *to);
/* Its own value of the property, as an index of texts; PROPMAP_NONE. */
uint32_t propmap_own(const struct propmap *m, const struct propmap_entity *entity,
                     uint32_t property);
/* The same, or inherited from what covers it; entity PROPMAP_NONE has none. */
uint32_t propmap_effective(const struct propmap *m, const struct propmap_domain *d, uint32_t entity,
                           uint32_t property);

/* For a reader of a text: the adds up to the next call are of one member of it; an entity that
 * stands in two is refused at the freeze. */
void propmap_build_member(struct propmap_build *b);
