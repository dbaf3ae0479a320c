/* What survives a restart, as text: admin states, health, sessions believed open, and what is
 * popular. One JSON object,
 * {"version":1,"written_ms":..,"streamers":[{"name":"fra-1","admin":"drain",
 * "ipv4":"up","ipv6":"down","sessions":12.5},..],"popular":[{"service":"vod","content":
 * "00c0ffee00c0ffee","key":"/film/","rate":1.5,"error":0.1},..]}. (What caches hold is a file of
 * its own: router/cache_memory.h.) Control thread. */
#pragma once

#include "daemon/memory.h"

#define STATE_BYTES_MAX    ((size_t)64 << 20)
#define STATE_POPULAR_MAX  2000u /* the hottest */
#define STATE_HEALTH_MAX_S 90    /* an older health is none: the probes will say */
#define STATE_VERSION      1

/* false: no memory. */
bool state_format(const struct view *v, const struct live *live, struct memory *m, uint64_t now_ms,
                  uint64_t wall_ms, struct bytes *out) MUST_CHECK;

struct state_counts {
    unsigned streamers, popular; /* taken over */
    uint64_t age_ms;
};

/* Checks all of text, then puts it into the live words and popularity; streamers and services that
 * the view does not have are left out. Sessions and rates have aged since it was written.
 * ERR_PARSE, ERR_UNSUPPORTED: nothing is taken over. */
enum err_code state_restore(const char *text, size_t n, const struct view *v, struct live *live,
                            struct memory *m, double half_life_s, uint64_t now_ms, uint64_t wall_ms,
                            struct state_counts *counts, struct err *e) MUST_CHECK;
