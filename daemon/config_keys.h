/* The one table of the daemon's configuration, and what it is read into. Nothing else knows a key.
 */
#pragma once

#include "daemon/config_schema.h"

/* A streamer as it is read; what it becomes depends on several keys at once. */
struct streamer_read {
    struct streamer_conf conf;
    struct schema_capacity capacity;
    double session_bps;
};

#define PROFILE_FIELD_KEYS 7

/* A profile as it is read: its fields' names are lists of their own. */
struct profile_keys {
    struct str name, path;
    int format; /* enum stats_format */
    struct profile_field_keys {
        const struct str *names;
        size_t name_count;
        double scale;
    } field[PROFILE_FIELD_KEYS]; /* by enum profile_field */
};

/* The root record: rows at the top have their offsets in it. */
struct config_read {
    struct config c;
    struct str access_log_to;
    struct probe_conf probe; /* of defaults */
    struct poll_conf poll;
    struct policy_conf policy;
    struct profile_keys *profiles;
    size_t profile_count;
    struct streamer_read *streamers;
    size_t streamer_count;
};

const struct schema *config_keys(void);
