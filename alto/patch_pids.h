/* The PIDs of two versions of a network map side by side: what came, went and stayed. */
#pragma once

#include "alto/netmap.h"

struct patch_pids {
    const struct netmap *from_map, *to_map;
    uint32_t count;            /* of names that either map has, in order of name */
    pidx *from, *to;           /* [count]; PIDX_NONE: that map has not the name */
    uint32_t *of_from, *of_to; /* [pid_count of that map] index above */
    bool same;                 /* both have the same names: all of these are the identity */
};

#define PATCH_PID_NONE UINT32_MAX

/* false: no memory, and nothing is to be released. The maps must live as long. */
bool patch_pids_init(struct patch_pids *p, const struct netmap *from,
                     const struct netmap *to) MUST_CHECK;
void patch_pids_fini(struct patch_pids *p);
struct str patch_pids_name(const struct patch_pids *p, uint32_t i);
/* PATCH_PID_NONE when neither map has it. */
uint32_t patch_pids_find(const struct patch_pids *p, struct str name);
