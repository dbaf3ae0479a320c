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

/* The root record: rows at the top have their offsets in it. */
struct config_read {
    struct config c;
    struct str access_log_to;
    struct probe_conf probe; /* of defaults */
    struct policy_conf policy;
    struct streamer_read *streamers;
    size_t streamer_count;
};

const struct schema *config_keys(void);
