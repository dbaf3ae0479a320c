/* The view: everything an answer needs, immutable, built whole by the control thread and published
 * with one pointer. Every answer of every front end comes from one view and carries its serial. */
#pragma once

#include <stdatomic.h>

#include "alto/costmap.h"
#include "alto/netmap.h"
#include "router/live.h"
#include "router/service.h"

#define VIEW_BYTES_MAX    ((size_t)1 << 30)
#define VIEW_ON_FREE_MAX  8
#define VIEW_COSTMAPS_MAX 16

/* Compiled by each front end when a view is built, opaque here: redirect templates, zones, ... */
enum view_part { VIEW_PART_HTTP, VIEW_PART_DNS, VIEW_PART_TRACKER, VIEW_PARTS };

struct view_streamer {
    const struct streamer_conf *conf; /* a copy in the view's arena */
    lidx live;
    pidx pid;           /* PIDX_NONE: in no PID, so at unknown cost from everybody */
    pidx origin_pid;    /* PIDX_NONE: no origin term */
    uint32_t session_s; /* mean length of its sessions: the longest of the services that name it */
    const struct profile_conf *profile; /* of its statistics; NULL: it is not polled */
    float origin_cost; /* cost(pid, origin_pid) of the first map; 0 without an origin; NAN when the
                          map is silent */
};

struct view_downstream {
    const struct downstream_conf *conf; /* a copy in the view's arena */
    uint64_t hash;                      /* of the name */
    pidx pid;                           /* PIDX_NONE: conf->cost counts */
};
#define DOWNSTREAM_NONE UINT16_MAX

struct admit_rules;   /* router/admit.h */
struct cache_memory;  /* router/cache_memory.h */
struct candidates;    /* router/candidates.h */
struct coverage;      /* router/coverage.h */
struct geo;           /* router/geo.h */
struct content_regex; /* router/content_key.h */
struct host_index;    /* router/host_index.h */
struct profile_conf;  /* router/profile.h */
struct ring_points;   /* router/traffic_router_hash.h */

struct view_service {
    const struct service_conf *conf;
    const struct candidates *candidates; /* services with the same streamers and costs share it */
    const struct content_regex *regex;   /* NULL: the key is the path's directory */
    uint64_t id;                         /* hash of the name: part of every content key */
    const struct admit_rules *admit;     /* NULL: everybody */
    double cost_unit;     /* mean known cost of its candidates: what load is weighed in; never 0 */
    double capacity_mean; /* of its streamers, in sessions; 0: unlimited */
    const uint16_t *downstreams; /* [downstream_count], indices in the view, ascending */
    uint16_t downstream_count;
    bool places;  /* its decision asks where the client is besides its PID: view_place */
    bool ring;    /* hash mode traffic-router: questions carry ring */
    bool digests; /* a streamer of it has a digest: questions carry digest_key */
};

struct view_torrent {
    uint8_t info_hash[INFO_HASH_LEN];
    svidx service;
};

struct view {
    uint64_t serial;
    const struct netmap *netmap;
    const struct costmap *costmap;         /* the first of costmaps; NULL: none */
    const struct costmap *const *costmaps; /* [costmap_count]: the slots of now */
    unsigned costmap_count;
    uint64_t valid_until_ms; /* wall clock: when a slot of a cost calendar ends; 0: never. No answer
                                may be kept beyond */
    const struct geo *geo;   /* NULL: no geography is configured */
    const struct coverage *coverage;           /* NULL: nobody has a footprint */
    struct cache_memory *cache_memory;         /* NULL: nothing is remembered */
    const struct view_downstream *downstreams; /* [downstream_count], sorted by name */
    uint16_t downstream_count;
    struct str cdni_id; /* our name among CDNs; n 0: none */
    bool maps_pending;  /* as the inputs say */
    pidx default_pid;   /* for addresses that no prefix covers; PIDX_NONE: none */
    double cost_unit;   /* mean known cost of the first map between client PIDs and streamers' PIDs
                           (ordinal maps: mean rank); never 0 */
    const struct view_streamer *streamers; /* [streamer_count], sorted by name */
    sidx streamer_count;
    const struct view_service *services; /* [service_count], sorted by name */
    svidx service_count;
    const struct ring_points *rings; /* [streamer_count]; NULL: no service hashes by them */
    const void *part[VIEW_PARTS];

    /* Owner's business. */
    struct arena *arena;
    const struct host_index *host_index;
    const struct view_torrent *torrents; /* [torrent_count], sorted */
    size_t torrent_count;
    svidx any_torrent; /* the service of all other torrents; SVIDX_NONE: none */
    struct view_source *sources[1 + VIEW_COSTMAPS_MAX]; /* references to the parsed maps: several
                                                           views share one parsed map */
    struct geo_fallback *fallback;                      /* router/view_geo.h; NULL: none */
    void (*on_free[VIEW_ON_FREE_MAX])(void *arg);
    void *on_free_arg[VIEW_ON_FREE_MAX];
    unsigned on_free_count;
    _Atomic uint32_t refs;
};

/* A parsed map with its arena, shared by the views made from it. */
struct view_source {
    _Atomic uint32_t refs;
    struct arena *arena;
    const struct netmap *netmap; /* one of the two */
    const struct costmap *costmap;
    void (*release)(void *arg); /* NULL: the arena is freed; else this is called instead */
    void *release_arg;
    uint64_t loaded_wall_ms; /* when it was read; 0: not known */
};

struct view_source *view_source_new(struct arena *owned, const struct netmap *n,
                                    const struct costmap *c);
/* The same of a map that somebody else keeps: release(arg) when the last reference goes, on that
 * thread. NULL: no memory, and nothing is released. */
struct view_source *view_source_new_held(const struct netmap *n, const struct costmap *c,
                                         void (*release)(void *arg), void *arg) MUST_CHECK;
void view_source_take(struct view_source *s);
void view_source_drop(struct view_source *s);

/* Geography as a fallback for the network map. */
struct geo_pid {
    struct str country; /* n 0: any */
    uint32_t asn;       /* 0: any */
    struct str pid;
};

struct view_inputs {
    uint64_t serial;
    struct view_source *netmap;  /* a reference is taken; NULL: one PID for everybody */
    struct view_source *costmap; /* NULL: all costs equal */
    struct view_source *const *more_costmaps; /* [more_costmap_count]: further metrics */
    size_t more_costmap_count;
    uint64_t wall_ms;               /* now, for cost calendars */
    struct geo *geo;                /* a reference is taken; NULL: none */
    const struct geo_pid *geo_pids; /* [geo_pid_count]: PIDs of those that only the network map's
                                       default covers, first match */
    size_t geo_pid_count;
    const struct downstream_conf *downstreams;
    size_t downstream_count;
    struct str cdni_id;                /* n 0: none */
    struct cache_memory *cache_memory; /* a reference is taken; NULL: none */
    const struct profile_conf
        *profiles; /* the operator's own; they come before the built-in ones */
    size_t profile_count;
    const struct streamer_conf *streamers;
    size_t streamer_count;
    const struct service_conf *services;
    size_t service_count;
    struct str default_pid; /* n 0: none */
    bool maps_pending; /* maps are to come yet (from an ALTO server): without a network map, PIDs
                          and metrics that are named are as if they were not */
};

/* Control thread. Errors name the streamer or service and what would be right: a PID that the map
 * does not have (ERR_NOT_FOUND), a streamer that a service names and nobody is, two services with
 * one host and path or one torrent, two of one name (ERR_CONFLICT), a metric that no cost map has
 * (ERR_NOT_FOUND), two cost maps of one metric (ERR_CONFLICT), a weight that is no weight, an
 * expression that is none (ERR_PARSE), a cost map made for another network map (ERR_CONFLICT), more
 * than fits (ERR_LIMIT). What the streamers cost from every PID is laid out here once: see
 * router/candidates.h. Streamers keep their live words by name; hit_pm is put into them. Warnings
 * (a streamer in no PID) go to the log. *out holds one reference. Parts are empty: the front ends'
 * *_build fill them (they cast the const away from a view that nobody else has seen). */
enum err_code view_build(const struct view_inputs *in, struct live *live, struct view **out,
                         struct err *e) MUST_CHECK;

/* Control thread, behind the live_fold()s of a second: notes each service's mean utilisation in the
 * view, for stage 7 of the decision, which otherwise reckons it from all of the service's streamers
 * whenever it matters. In a second it moves by no more than what is sent in one. The one thing in a
 * view that changes: a live word. */
void view_fold(const struct view *v, const struct live *live);

/* Called when the last reference goes, in any order: for what an arena cannot free. false when the
 * table is full. */
bool view_on_free(struct view *v, void (*fn)(void *arg), void *arg) MUST_CHECK;

void view_take(struct view *v);
void view_drop(struct view *v); /* NULL is fine; the last drop frees */

/* Stage 1: the service of a host (lower case, no trailing dot) and path; the exact host before the
 * longest wildcard, then the longest path prefix of that host's services: a host that is named is
 * never looked for among the wildcards. Without a path (p NULL, as in DNS) the host's service with
 * the shortest prefix stands for it. SVIDX_NONE: none. No allocation. */
svidx view_find_service(const struct view *v, struct str host, struct str path);
svidx view_find_service_by_name(const struct view *v, struct str name);
/* Of a torrent. */
svidx view_find_service_by_info_hash(const struct view *v, const uint8_t info_hash[INFO_HASH_LEN]);
sidx view_find_streamer(const struct view *v, struct str name);

/* Stage 2: the PID of the longest prefix, else the default PID. scope as in lpm.h; without a
 * network map no bit of the address decides: 0, and 96 for IPv4. */
struct located {
    pidx pid;
    uint8_t scope;
    uint32_t place; /* router/geo.h; 0: not known, or not asked */
    uint32_t mark;  /* router/coverage.h; 0: none, or not asked */
};
struct located view_locate(const struct view *v, struct addr a);
/* The same, with the place and mark of the address where the service asks for them. */
struct located view_place(const struct view *v, svidx service, struct addr a);
pidx view_locate_pid(const struct view *v, struct addr a); /* the same PID, without the scope */
/* Ahead of view_locate and decide for many addresses: see lpm_prefetch. */
void view_prefetch(const struct view *v, struct addr a, unsigned pass);

/* The content key of a path under a service: the regex's, else the path's directory ("/vod/film/"
 * of "/vod/film/seg1.ts"; a path without a slash is taken whole). Every front end makes keys here,
 * so that equal questions are equal. The scratch is per worker; a match that takes too long counts
 * as none. */
struct key_scratch;
struct key_scratch *key_scratch_new(void);
void key_scratch_free(struct key_scratch *k);
uint64_t view_content_key(const struct view *v, svidx service, struct str path,
                          struct key_scratch *scratch);
