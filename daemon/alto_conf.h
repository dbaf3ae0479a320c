/* What the configuration says of the ALTO server, as it is written. */
#pragma once

#include "alto/catalog.h"
#include "alto/update.h"

#define ALTO_CLIENT_GROUPS_MAX 63u /* bit 0 of a mask is everybody */

/* Names of client groups; none: everybody sees it. */
struct alto_group_names {
    const struct str *names;
    size_t count;
};

struct alto_network_conf {
    struct str id, map;
    const struct str *costs; /* [cost_count] files */
    size_t cost_count;
    struct str default_pid; /* n 0: none */
    struct alto_group_names groups;
};

struct alto_props_conf {
    struct str id, map;
    struct alto_group_names groups;
};

struct alto_cdni_conf {
    struct str id, advertisement; /* n 0: made of the streamers */
    struct alto_group_names groups;
};

struct alto_paths_conf {
    struct str id, cost_map, properties;
    struct alto_group_names groups;
};

struct alto_link_conf {
    struct str id, uri, media_type;
};

/* Who belongs to a group: an address, or who has shown who he is. */
struct alto_group_conf {
    struct str name;
    const struct prefix *clients;
    size_t client_count;
    const struct str *users;
    size_t user_count;
};

/* A cost type that is wanted of another server. */
struct alto_feed_cost {
    struct str metric;
    int mode; /* enum alto_feed_mode */
};
enum alto_feed_mode { ALTO_FEED_ANY, ALTO_FEED_NUMERICAL, ALTO_FEED_ORDINAL };

/* ALTO servers whose maps are those that answers are made by. */
struct alto_feed_conf {
    const struct str *servers; /* [server_count]; none: maps are files */
    size_t server_count;
    struct str network; /* resource id; n 0: the server's default */
    const struct alto_feed_cost *costs;
    size_t cost_count;
    bool calendars, lenient;
    int updates; /* enum alto_client_mode */
    const struct str *hosts;
    size_t host_count;
    struct str ca_file;
    uint32_t poll_ms, timeout_ms, retry_min_ms, retry_max_ms, return_ms, hold_ms;
    uint32_t age_max_s; /* 0: never too old */
    size_t body_max;
    uint16_t loss_max_pm, zero_max_pm;
};

struct alto_conf {
    struct str path;         /* of the directory; n 0: there is no server */
    struct str host;         /* n 0: any */
    struct str origin;       /* in front of the directory's paths; n 0: none */
    struct str network_id;   /* of maps.network; n 0: the map's own */
    struct str cdni_id;      /* of the advertisement made of the streamers; n 0: not served */
    struct str streamers_id; /* of the streamers' property map; n 0: not served */
    uint32_t facts_every_s;
    uint32_t max_age_s;
    struct alto_group_names groups;           /* of maps.network */
    const struct alto_network_conf *networks; /* [network_count] further ones */
    size_t network_count;
    const struct alto_props_conf *props;
    size_t prop_count;
    const struct alto_cdni_conf *cdni;
    size_t cdni_count;
    const struct alto_paths_conf *paths;
    size_t path_count;
    const struct alto_link_conf *links;
    size_t link_count;
    const struct alto_group_conf *client_groups;
    size_t client_group_count;
    bool updates, tips;
    struct alto_extensions extensions;
    struct alto_limits limits;
    struct alto_hub_conf hub;
    struct str users_file; /* n 0: nobody shows who he is by a password */
    struct str realm;
    uint32_t nonce_life_s;
    bool incomplete;    /* maps that leave addresses without a PID are served all the same */
    double client_rate; /* requests a second of one client prefix; 0: any */
    uint32_t client_burst;
    struct str endpoint_properties; /* a property map's id; n 0: addresses have their PIDs alone */
    uint32_t body_max;              /* bytes of a request */
};
