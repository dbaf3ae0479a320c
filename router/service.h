/* A service: what is asked for, who may serve it, and how the answer is chosen and rendered. */
#pragma once

#include "router/streamer.h"

typedef uint16_t svidx; /* index of a service in its view */

#define SVIDX_NONE    UINT16_MAX
#define SERVICES_MAX  4096u
#define INFO_HASH_LEN 20

enum hash_mode {
    HASH_RENDEZVOUS,
    HASH_TRAFFIC_ROUTER, /* Apache Traffic Control's ring, for who comes from there with full caches
                          */
};

enum fallback { FALLBACK_NONE, FALLBACK_LOCAL, FALLBACK_DOWNSTREAM, FALLBACK_BYPASS };
#define FALLBACK_MAX 3

/* How streamers are weighed. All terms are in units of ALTO cost once multiplied. */
struct policy_conf {
    double cost_weight;   /* of cost(client, streamer); default 1 */
    double origin_weight; /* of (1 - h) * cost(streamer, origin); default 1 */
    double load_weight;   /* of penalty(load), in mean costs of the map at full load; default 0.5 */
    double band; /* streamers within best * (1 + band) are equals and hashed among; default 0.1 */
    double eps;  /* nobody is sent above (1 + eps) * mean utilisation, nor beyond half of what the
                    mean one has left ... ; default 0.25 */
    double balance_from; /* ... once the mean is such that it matters: below this utilisation nobody
                            is capped; 0.9 */
    uint32_t session_s;  /* mean length of a session: dispatches decay with it; default 600 */
    uint32_t count_window_s; /* a client that asks for a content again so soon is still the same
                                session; default 60 */
    enum hash_mode hash;
    uint16_t owners; /* streamers of the band that a content belongs to at least; default 1 ... */
    uint16_t owners_max; /* ... and at most, however hot it is; default 64 */
    double owner_share; /* one more for each such share of a streamer that its sessions fill; 0.1 */
    uint32_t
        keep_s; /* how long a cache keeps a content that nobody asks for, about: a miss is paid
                   once for all who ask there meanwhile; 0: by each for himself; default 1800 */
    enum fallback fallback[FALLBACK_MAX]; /* who is asked first, second, ...; FALLBACK_NONE ends */
};

/* What a service's network cost is made of: weight times the map of each metric. */
struct cost_part {
    struct str metric; /* of a cost map that is configured */
    double weight;
};

/* Stage 3. Of the lists a client that matches any entry of `deny` is out; where `allow` has any
 * entry, so is one that matches none of it. */
struct admit_list {
    const struct str *countries; /* "de" */
    size_t country_count;
    const uint32_t *asns;
    size_t asn_count;
    const struct prefix *prefixes;
    size_t prefix_count;
    bool anonymous; /* VPNs, proxies, Tor exits, as the database marks them */
};

struct admit_conf {
    struct admit_list allow, deny;
    double client_rate;     /* sessions a second of a client prefix; 0: no limit */
    uint32_t client_burst;  /* at once */
    uint8_t client_v4_bits; /* what a client prefix is; default 32 ... */
    uint8_t client_v6_bits; /* ... and 56 */
    double service_rate;    /* sessions a second of the whole service; above: the bypass */
    uint32_t service_burst;
    double sessions_max; /* believed open, of the service on all its streamers; above: the bypass */
    double bandwidth_bps; /* the same as a rate; 0: no limit ... */
    double session_bps;   /* ... of sessions of this rate */
};

/* Where clients go that nobody serves: a service that is not ours to route. */
struct bypass_conf {
    struct str http_url;  /* "https://origin.example.com{path}{query}"; n 0: none */
    struct str dns_cname; /* n 0: none */
};

enum redirect_cors { CORS_NONE, CORS_ANY };

struct redirect_conf {
    uint16_t status;     /* 302, 307 or 308 */
    struct str location; /* http/redirect_template.h; n 0: "{scheme}://{hostport}{path}{query}" */
    struct str cache_control; /* default "no-store" */
    enum redirect_cors cors;
    uint32_t retry_after_s; /* with 503; default 5 */
};

enum dns_mode { DNS_MODE_ADDRESS, DNS_MODE_CNAME };

struct service_dns_conf {
    enum dns_mode mode;
    uint32_t ttl_s;  /* default 30 */
    uint8_t answers; /* addresses in an answer, 1..8, ranked; default 2 */
    struct str txt;  /* TXT record; n 0: none */
};

struct service_conf {
    struct str name;
    /* Hosts, for HTTP's Host and DNS's qname alike: exact, or "*.example.com" for every name below.
     * Lower case, without a trailing dot. */
    const struct str *hosts;
    size_t host_count;
    struct str path_prefix; /* HTTP: only paths that begin so; n 0: all. The longest match wins */
    struct str content_key; /* PCRE2 over the path; group 1, or the whole match, is the key; n 0:
                               the path's directory */
    const struct str *streamers; /* names; count 0: all */
    size_t streamer_count;
    const uint8_t (*info_hashes)[INFO_HASH_LEN]; /* torrents of this service; count 0: none ... */
    size_t info_hash_count;
    bool any_info_hash;            /* ... or every torrent that no other service names */
    const struct cost_part *costs; /* count 0: the first cost map alone */
    size_t cost_count;
    const struct str *downstreams; /* names of downstream CDNs that may serve it; count 0: none */
    size_t downstream_count;
    bool delegated;        /* its clients were sent here by another CDN: never delegated on */
    struct str digest_url; /* under which caches keep a path, "http://www.example.com{path}{query}":
                              for their digests; n 0: digests are not asked */
    struct admit_conf admit;
    struct bypass_conf bypass;
    struct policy_conf policy;
    struct redirect_conf redirect;
    struct service_dns_conf dns;
};
