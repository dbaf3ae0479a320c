/* One MaxMind database, walked once: its prefixes and what it says of each. */
#pragma once

#include "router/geo.h"
#include "router/intern.h"

struct geo_layer {
    struct lpm_entry *entries; /* [count], in prefix_cmp order, none in another; value: of places */
    size_t count, cap;
    struct intern places; /* struct geo_place, each once */
    uint64_t build_epoch;
    unsigned found; /* bits of enum geo_field: a record had it */
};

enum geo_field { GEO_COUNTRY, GEO_SUBDIVISION, GEO_ASN, GEO_ANONYMITY, GEO_FIELDS };

/* Records of which nothing is known that we ask for are left out. IPv4 is what stands under ::/96;
 * the other places in an IPv6 tree that lead there (::ffff:0:0/96, 2002::/16, 2001::/32) are passed
 * over. Errors do not name the file. *out is empty then. */
enum err_code geo_layer_load(const char *path, const struct geo_paths *where, struct geo_layer *out,
                             struct err *e) MUST_CHECK;
void geo_layer_fini(struct geo_layer *l);
