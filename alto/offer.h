/* From data to a catalog: which resources a server has, by name, when it is given these maps. */
#pragma once

#include "alto/catalog.h"

/* A cost map of a network map. */
struct offer_cost {
    const struct costmap *map;      /* of now; its metric and mode are those of its text */
    const struct costmap *calendar; /* NULL: none */
    struct str description;         /* n 0: none */
    struct str context;             /* cost-context as JSON; n 0: none */
    uint64_t modified_ms;
};

struct offer_network {
    const struct netmap *map;
    struct str id; /* resource id; n 0: that of its text, else "networkmap" */
    const struct offer_cost *costs;
    size_t cost_count;
    pidx default_pid;
    uint64_t modified_ms;
    uint64_t groups; /* who may see it and all that is made from it */
};

struct offer_props {
    const struct propmap *map;
    struct str id;
    uint64_t groups;
};

struct offer_cdni {
    const struct cdni_advert *advert;
    struct str id;
    uint64_t groups;
};

struct offer_paths {
    const struct path_vectors *paths; /* over networks[0] */
    struct str id;
    uint64_t groups;
};

/* A directory or a resource of another server that ours names. */
struct offer_link {
    struct str id, uri, media_type;
};

struct alto_offer {
    struct str base;   /* path of the directory, "/alto"; resources are below it */
    struct str origin; /* "https://alto.example.com", in front of the paths in the directory; n 0:
                          paths alone, which are relative to the directory's URI */
    const struct offer_network *networks; /* [network_count], the first is the default */
    size_t network_count;
    const struct offer_props *props;
    size_t prop_count;
    struct str endpoint_props; /* id of one of props: what it says of addresses is endpoints'
                                  properties too; n 0: PIDs alone */
    const struct offer_cdni *cdni;
    size_t cdni_count;
    const struct offer_paths *paths;
    size_t path_count;
    const struct offer_link *links;
    size_t link_count;
    bool updates, tips;   /* RFC 8895, RFC 9569 */
    unsigned group_count; /* client groups: each has a directory of what it sees; 0: one for all */
    struct alto_extensions extensions;
    struct alto_limits limits; /* zeros take the defaults */
    uint32_t max_age_s;
    uint64_t serial, view_serial;
    void (*release)(void *arg);
    void *release_arg;
};

/* The resources of a network map `id` and each of its cost types `name` ("num-routingcost",
 * "ord-routingcost"): the map itself, "<id>-filter", "<id>-cost-<name>" (a GET resource each),
 * "<id>-cost-filter", "<id>-endpoint-cost" (multi-cost, calendars, constraints); "endpoint-prop"
 * over all network maps, with the properties of endpoint_props, ".x" as "<its id>.x"; "updates" and
 * "tips" over all of them. Of a numerical cost type the filter and the endpoint costs have the
 * ordinal one too (ranks among the pairs that a request selects); as a map of its own it is served
 * only if it was given. Property maps, advertisements and path vectors as alto/propmap.h,
 * alto/cdni.h and alto/pathvec.h say.
 *
 * The bodies of GET resources whose etag-making data are the same in `old` (may be NULL) are taken
 * over from it; others have no bodies yet: alto_catalog_render makes them. ERR_CONFLICT: two
 * resources of one id, two equal cost types of one network map (RFC 7285 section 6.1, RFC 9439
 * section 3.1), no routingcost (6.1.1.1), endpoint_props that are not there or that
 * nobody may see who sees endpoints' PIDs. release is called also on failure. */
enum err_code alto_offer_build(const struct alto_offer *offer, const struct alto_catalog *old,
                               struct alto_catalog **out, struct err *e) MUST_CHECK;

/* Not on a worker: makes the text of every GET resource that has none. Before the catalog is shown
 * to anybody. */
enum err_code alto_catalog_render(struct alto_catalog *c, struct err *e) MUST_CHECK;
/* Not on a worker: the compressed forms that are missing; workers may be serving it meanwhile. */
void alto_catalog_compress(struct alto_catalog *c);
