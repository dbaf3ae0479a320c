/* A streamer: a cache or server that clients are sent to; what the operator says of it. */
#pragma once

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

enum probe_type { PROBE_NONE, PROBE_TCP, PROBE_HTTP };

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
    double weight;         /* share among equals, > 0; default 1 */
    uint16_t hit_pm; /* belief that it has a content, per mille, until something measures it */
    struct probe_conf probe;
};
