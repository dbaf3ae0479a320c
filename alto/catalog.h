/* What an ALTO server offers, of one generation: resources with their data, immutable, replaced as
 * a whole. Every answer comes from one catalog, so that dependent-vtags are always of the maps that
 * it was made from. */
#pragma once

#include "alto/bodies.h"
#include "alto/cost_type.h"
#include "alto/costmap.h"
#include "alto/netmap.h"

enum alto_kind {
    ALTO_DIRECTORY,      /* RFC 7285 section 9.2 */
    ALTO_NETWORK_MAP,    /* 11.2.1 */
    ALTO_NETWORK_FILTER, /* 11.3.1 */
    ALTO_COST_MAP,       /* 11.2.3 */
    ALTO_COST_FILTER,    /* 11.3.2, RFC 8189, RFC 8896 */
    ALTO_ENDPOINT_PROP,  /* 11.4.1 */
    ALTO_ENDPOINT_COST,  /* 11.5.1, RFC 8189, RFC 8896 */
    ALTO_PROP_MAP,       /* RFC 9240 section 7 */
    ALTO_PROP_FILTER,    /* RFC 9240 section 8 */
    ALTO_CDNI,           /* RFC 9241 section 3 */
    ALTO_CDNI_FILTER,    /* RFC 9241 section 5 */
    ALTO_PATH_COST,      /* RFC 9275 section 7.2 */
    ALTO_PATH_ENDPOINT,  /* RFC 9275 section 7.3 */
    ALTO_UPDATES,        /* RFC 8895 section 6 */
    ALTO_TIPS,           /* RFC 9569 section 5 */
    ALTO_LINK,           /* a directory or resource elsewhere: named, not served */
    ALTO_KINDS,
};

struct propmap;      /* alto/propmap.h */
struct cdni_advert;  /* alto/cdni.h */
struct path_vectors; /* alto/pathvec.h */

/* The values of a cost type between the PIDs of a network map. */
struct alto_resource;
struct alto_cost {
    const struct cost_type *type;
    const struct costmap *map;      /* the values of now; NULL: of mode array */
    const struct costmap *calendar; /* all slots; NULL: there is none */
    bool ranked; /* map is numerical and type is not: answers hold its ranks, 1 the lowest */
    uint64_t modified_ms;
    const struct alto_resource *whole; /* the GET resource of all its pairs; NULL: there is none */
};

struct alto_network {
    const struct netmap *map;
    struct vtag vtag;              /* as served: the resource's id, the map's tag */
    const struct alto_cost *costs; /* [cost_count], each cost type once */
    size_t cost_count;
    uint64_t modified_ms;
    /* The PID of addresses that no prefix covers; PIDX_NONE: they have none. */
    pidx default_pid;
};

struct alto_resource {
    enum alto_kind kind;
    struct str id;
    struct str path;       /* of its URI on this server: "/alto/networkmap"; n 0: a link */
    struct str uri;        /* as the directory prints it */
    struct str media_type; /* of its answers; Content-Type, byte for byte */
    struct str accepts;    /* of its requests; n 0: a GET resource */
    uint64_t groups;       /* bit per client group that may see it (alto/groups.h) */
    const struct alto_resource *const *uses; /* [use_count]; direct dependencies, in order */
    size_t use_count;

    const struct alto_network *network;         /* of maps, filters and cost services; else NULL */
    const struct alto_network *const *networks; /* [network_count]: of endpoint properties, whose
                                                   "<id>.pid" it has */
    size_t network_count;
    const struct alto_cost *const *costs; /* [cost_count]: its cost-type-names, in order */
    size_t cost_count;
    const bool *testable;    /* [cost_count] testable-cost-type-names; NULL: none are named */
    bool constraints;        /* cost-constraints */
    uint32_t max_cost_types; /* 0: not multi-cost */

    const struct propmap *props; /* of property maps; of endpoint properties, what it says of
                                    addresses */
    struct str props_id;         /* of endpoint properties: the property map's id, which stands in
                                    front of its names that begin with a dot */
    const struct cdni_advert *cdni;
    const struct path_vectors *paths;

    struct vtag vtag;           /* tag empty: its answers have none */
    struct alto_bodies *bodies; /* of GET resources; one reference */
    struct alto_bodies *before; /* those of the generation before; for alto_catalog_render */
};

/* Extensions that no RFC has: all off by default. */
struct alto_extensions {
    bool prefix_endpoints; /* "ipv4:10.0.0.0/8" is an endpoint: the PID that covers it whole */
    bool endpoint_vtag;    /* meta.vtag in endpoint cost answers */
    bool endpoint_flows;   /* "endpoint-flows" in requests for path vectors */
};

struct alto_limits {
    uint64_t pairs_max;     /* of one answer that is made for a request; default 262144 */
    uint32_t endpoints_max; /* of one request, sources and destinations; default 65536 */
    size_t answer_max;      /* bytes of such an answer; default 16 MiB */
};

struct alto_catalog {
    _Atomic uint32_t refs;
    struct arena *arena;  /* holds the resources; the data behind them is kept by `keep` */
    uint64_t serial;      /* counts up with each generation of the process */
    uint64_t view_serial; /* of the view with the same maps; 0: none */
    const struct alto_resource *resources; /* [resource_count], sorted by id */
    size_t resource_count;
    const struct alto_resource *const *by_path; /* [path_count], sorted by path */
    size_t path_count;
    const struct alto_resource *default_network; /* default-alto-network-map */
    const struct cost_type *const *types;        /* [type_count]: all cost types, by name */
    size_t type_count;
    struct alto_extensions extensions;
    struct alto_limits limits;
    uint32_t max_age_s;         /* Cache-Control of GET resources; 0: no-cache (revalidate) */
    void (*release)(void *arg); /* lets go of the data, when the last reference goes; may be NULL */
    void *release_arg;
};

void alto_catalog_take(struct alto_catalog *c);
void alto_catalog_drop(struct alto_catalog *c); /* NULL is fine */

/* What must hold of the resources together: ids once (RFC 7285 section 9.1.1), at most one map of a
 * network map and cost type (6.1), no two equal cost types in a resource (RFC 9439 section 3.1),
 * testable cost types among its own, and none named where all are (RFC 8189 section 4.1.1), each
 * network map with routingcost (RFC 7285 section 6.1.1.1). ERR_CONFLICT names them. */
enum err_code alto_catalog_check(const struct alto_catalog *c, struct err *e) MUST_CHECK;

/* NULL: none. Directories of several client groups have one path: the first of them. */
const struct alto_resource *alto_find_path(const struct alto_catalog *c, struct str path);
const struct alto_resource *alto_find_id(const struct alto_catalog *c, struct str id);
/* application/alto-networkmap+json and the other types of this protocol, by kind; the accepted one
 * of POST kinds, n 0 of GET kinds. */
struct str alto_kind_media_type(enum alto_kind k);
struct str alto_kind_accepts(enum alto_kind k);

/* RFC 7285 section 10.4.3. */
#define ALTO_TYPE_ERROR "application/alto-error+json"
