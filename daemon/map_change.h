/* What a new network map changes, for the log (RFC 7285 section 16.2.2). */
#pragma once

#include "alto/netmap.h"

struct map_change {
    uint32_t pids_added, pids_removed;         /* by name */
    uint32_t prefixes_added, prefixes_removed; /* that the other map does not have at all */
    uint32_t prefixes_moved;                   /* that are in a PID of another name now */
};

/* Linear in the prefixes, for PIDs and prefixes are sorted; what differs is sorted once more. Not
 * on a worker. false: no memory. */
bool map_change_find(const struct netmap *was, const struct netmap *now,
                     struct map_change *out) MUST_CHECK;
/* Nothing for equal tags. */
void map_change_log(const struct netmap *was, const struct netmap *now);
