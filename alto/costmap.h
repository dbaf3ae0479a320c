/* Cost map (RFC 7285 section 11.2.3): one cost type between PIDs of one network map. */
#pragma once

#include "alto/netmap.h"

#define COSTMAP_BYTES_MAX ((size_t)1 << 30)

enum cost_mode { COST_NUMERICAL, COST_ORDINAL };

struct costmap; /* immutable; costs in double precision (RFC 7285 section 6.1.2.1) */

struct costmap_info {
    enum cost_mode mode;
    char metric[33];            /* "routingcost" */
    struct vtag depends;        /* the network map that it was made for, as dependent-vtags says */
    char tag[ALTO_TAG_MAX + 1]; /* content hash */
    uint32_t pair_count;        /* pairs with a value */
    uint32_t unknown_pids;      /* names in the text that the network map does not have */
};

/* Reads an application/alto-costmap+json body (RFC 7285 section 11.2.3.6) against its network map.
 * A pair that the text does not name, or names with null, has no value. ERR_PARSE: not such a body,
 * a negative or non-finite cost, an ordinal cost that is not an integer. ERR_CONFLICT:
 * dependent-vtags names another network map or version. Lives in arena. */
enum err_code costmap_parse(const char *json, size_t n, const struct netmap *map,
                            struct arena *arena, const struct costmap **out,
                            struct err *e) MUST_CHECK;
enum err_code costmap_load(const char *path, const struct netmap *map, struct arena *arena,
                           const struct costmap **out, struct err *e) MUST_CHECK;

const struct costmap_info *costmap_info_get(const struct costmap *c);

/* NAN when the map is silent about the pair: the caller must not read silence as zero. */
double costmap_get(const struct costmap *c, pidx src, pidx dst);

/* The whole body; the same map gives the same bytes and every cost comes back as it was given. */
bool costmap_format(const struct costmap *c, const struct netmap *map,
                    struct bytes *out) MUST_CHECK;
