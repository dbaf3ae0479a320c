/* A service: what is asked for, who may serve it, and how the answer is chosen and rendered. */
#pragma once

#include "router/streamer.h"

typedef uint16_t svidx; /* index of a service in its view */

#define SVIDX_NONE    UINT16_MAX
#define SERVICES_MAX  4096u
#define INFO_HASH_LEN 20

/* How streamers are weighed. All terms are in units of ALTO cost once multiplied. */
struct policy_conf {
    double cost_weight;   /* of cost(client, streamer); default 1 */
    double origin_weight; /* of (1 - h) * cost(streamer, origin); default 1 */
    double load_weight;   /* of penalty(load), in mean costs of the map at full load; default 1 */
    double band; /* streamers within best * (1 + band) are equals and hashed among; default 0.1 */
    double eps;  /* nobody is sent above (1 + eps) * mean utilisation ... ; default 0.25 */
    double balance_from; /* ... once the mean is such that it matters: below this utilisation nobody
                            is capped; 0.5 */
    uint32_t session_s;  /* mean length of a session: dispatches decay with it; default 600 */
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
    bool any_info_hash; /* ... or every torrent that no other service names */
    struct policy_conf policy;
    struct redirect_conf redirect;
    struct service_dns_conf dns;
};
