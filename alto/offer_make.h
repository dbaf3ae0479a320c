/* Within alto_offer_build: the resources under way, in the order in which they are named. */
#pragma once

#include "alto/offer.h"

struct offer_make {
    const struct alto_offer *offer;
    const struct alto_catalog *old;
    struct alto_catalog *c;
    struct arena *arena;
    struct str base; /* without a slash behind it */
    struct alto_resource *list;
    size_t count, max;
    struct alto_network *networks; /* [offer->network_count] */
    const struct cost_type **types;
    size_t type_count, type_max;
    struct err *e;
};

#define OFFER_LINKS_MAX 1024u

/* The next of the list, with id, path, URI and media types; NULL: m->e is set. fmt makes the id. */
struct alto_resource *offer_resource(struct offer_make *m, enum alto_kind kind, uint64_t groups,
                                     const char *fmt, ...) PRINTF_LIKE(4, 5);
/* A list of one. */
enum err_code offer_uses(struct offer_make *m, struct alto_resource *r,
                         const struct alto_resource *one) MUST_CHECK;
enum err_code offer_no_memory(struct offer_make *m);
/* Bits of a group_count of zero are everybody's. */
uint64_t offer_groups(const struct offer_make *m, uint64_t groups);

/* The cost type of that name and content: one object for all resources that have it. NULL: no
 * memory. mode_text and metric are copied. */
const struct cost_type *offer_type(struct offer_make *m, const struct cost_type *like);

/* The resources of network map i, and those over all of them. */
enum err_code offer_network(struct offer_make *m, size_t i) MUST_CHECK;
enum err_code offer_endpoint_props(struct offer_make *m) MUST_CHECK;
/* Property maps, advertisements, path vectors. */
enum err_code offer_others(struct offer_make *m) MUST_CHECK;
/* Updates and TIPS over what there is. */
enum err_code offer_updates(struct offer_make *m) MUST_CHECK;
