/* A streamer: a cache or server that clients are sent to; what the operator says of it. */
#pragma once

#include "alto/footprint.h"
#include "base/addr.h"
#include "base/bytes.h"

typedef uint16_t sidx; /* index of a streamer in its view */

#define SIDX_NONE     UINT16_MAX
#define STREAMERS_MAX 4096u

/* What a client must be able to use, and what a streamer offers. */
enum streamer_can {
    STREAMER_V4 = 1 << 0,
    STREAMER_V6 = 1 << 1,
    STREAMER_HTTP = 1 << 2,
    STREAMER_HTTPS = 1 << 3,
    STREAMER_SEED = 1 << 4, /* speaks BitTorrent: the tracker may name it as a peer */
};

enum probe_type { PROBE_NONE, PROBE_TCP, PROBE_HTTP, PROBE_HTTPS };

/* How a streamer's health is asked. Each address of a streamer is probed apart. */
struct probe_conf {
    enum probe_type type;
    uint16_t port;                   /* 0: the streamer's http_port, or https_port */
    struct str path;                 /* HTTP: origin form, default "/" */
    struct str host;                 /* HTTP: Host header, default the streamer's host or address */
    uint16_t status_min, status_max; /* HTTP: what counts as good, default 200..399 */
    uint32_t interval_ms;            /* between starts; each is moved by +-10 % at random */
    uint32_t timeout_ms;             /* of a whole probe; below interval_ms */
    uint16_t up_after;               /* k good probes in a row bring it up; default 2 */
    uint16_t down_after;             /* m bad ones in a row take it down; default 3 */
    uint32_t dwell_ms;      /* a state stays at least so long; 0: it may change with each probe */
    bool verify;            /* HTTPS: the certificate must be good, and for the host */
    struct str cors_origin; /* HTTP(S): sent as Origin, and the answer must allow it; n 0: no */
};

/* What a streamer says of itself: its own statistics page, polled. */
struct poll_conf {
    struct str profile; /* of the page: "ats", "varnish", ..., or an own one; n 0: not polled */
    struct str host;    /* Host header; n 0: as with probes */
    struct str path;    /* n 0: the profile's */
    uint16_t port;      /* 0: the streamer's http_port, or https_port */
    bool tls, verify;
    struct str select;       /* which row or label set, where a page has many ("frontend,http") */
    uint32_t interval_ms;    /* default 10 s */
    uint32_t timeout_ms;     /* of a whole poll; below interval_ms */
    uint32_t stale_ms;       /* without a good poll or report for so long: suspect; default 35 s */
    uint16_t leave_pm;       /* utilisation, per mille: at it or above, the streamer leaves ... */
    uint16_t return_pm;      /* ... and at this or below it may return; below leave_pm */
    uint32_t body_max;       /* of the page, bytes */
    struct str digest_path;  /* Squid's store digest on the same port; n 0: none */
    uint32_t digest_every_s; /* default 600 */
};

/* Whom a streamer, or a partner, serves; one footprint object: a client is in it that matches one
 * of the values (of the parts). Several objects of one list narrow: a client must be in each. */
struct footprint_conf {
    enum footprint_type type;
    const struct str *values; /* lower case */
    size_t value_count;
    const struct footprint_conf *parts; /* FOOTPRINT_UNION: of other types */
    size_t part_count;
};

struct streamer_conf {
    struct str name;    /* unique: [a-z0-9-]+, a DNS label */
    struct str host;    /* public name, for Location and CNAME; n 0: the address is used */
    struct addr v4, v6; /* valid if can has the bit */
    uint8_t can;        /* enum streamer_can */
    uint16_t http_port, https_port, seed_port;
    struct str pid;        /* n 0: located by its address, IPv4 first */
    struct str origin_pid; /* where its misses go; n 0: no origin term */
    double capacity;       /* concurrent sessions; 0: unlimited */
    double session_bps; /* of a session, bits a second: turns what it sends into sessions where it
                           does not count them; 0: not known */
    double weight;      /* share among equals, > 0; default 1 */
    uint16_t hit_pm;    /* belief that it has a content, per mille, until something measures it */
    struct probe_conf probe;
    struct poll_conf poll;
    uint32_t slow_start_s; /* behind a return its capacity ramps up for so long; 0: at once */
    struct str hash_id;    /* in hash mode traffic-router; n 0: its host, or its name */
    double cache_contents; /* how many contents its cache holds; 0: not known ... */
    uint32_t cache_keep_s; /* ... and how long one stays that nobody asks for; 0: not known */
    bool reports;          /* it may push reports to the admin port */
    const struct footprint_conf *footprints; /* count 0: everybody */
    size_t footprint_count;
};

/* A downstream CDN (RFC 7336): somebody else's, to whom clients of its footprint may be sent. */
struct downstream_conf {
    struct str name;        /* unique among streamers and downstream CDNs */
    struct str http_host;   /* delegation target, with a port if need be; n 0: not for HTTP */
    struct str http_prefix; /* put in front of the path; n 0: nothing */
    struct str dns_cname;   /* n 0: not for DNS */
    bool https;             /* it takes HTTPS */
    struct str pid;         /* where it is: its cost is the map's; n 0: `cost` */
    double cost;            /* in units of the map */
    double weight;          /* share among equals */
    const struct footprint_conf *footprints; /* its own and those of its advertisement */
    size_t footprint_count;
};
#define DOWNSTREAMS_MAX 256u
