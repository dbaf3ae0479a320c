/* Which number of a cache's statistics means what. Built in: ats, varnish, nginx, haproxy, squid,
 * node-exporter, prometheus; an operator can write own ones. */
#pragma once

#include "router/stats.h"

enum profile_field {
    PROFILE_SESSIONS,  /* gauge: connections, or sessions, now */
    PROFILE_BYTES_OUT, /* counter: bytes sent */
    PROFILE_HITS,      /* counter */
    PROFILE_MISSES,    /* counter */
    PROFILE_REQUESTS,  /* counter */
    PROFILE_CAPACITY,  /* gauge: as many sessions as it can take */
    PROFILE_READY,     /* gauge: 0 is not ready */
    PROFILE_FIELDS
};
const char *profile_field_name(enum profile_field f); /* "sessions", "bytes_out", ... */

#define PROFILE_TERMS_MAX 8

/* The sum of the named numbers (those that a page has; none of them: not known) times scale. A name
 * may end in "*": the sum of all that begin so; "{...}" labels of Prometheus are left out of a name
 * that has none: the sum over all. */
struct profile_expr {
    struct str names[PROFILE_TERMS_MAX];
    unsigned name_count; /* 0: the page does not say */
    double scale;        /* 1024 for a counter in KiB */
};

struct profile_conf {
    struct str name; /* [a-z0-9-]+ */
    enum stats_format format;
    struct str path; /* of the page, where streamers do not say: "/_stats", "/metrics" */
    struct profile_expr field[PROFILE_FIELDS];
};

/* A built-in one; NULL: no such name. */
const struct profile_conf *profile_builtin(struct str name);
const struct profile_conf *profile_builtin_at(size_t i); /* NULL behind the last */

/* What a page says under a profile. select: which of many rows (HAProxy's proxy and server, a label
 * set, a VCL backend), put in place of "%" in names; n 0: the profile's own choice. */
struct profile_sample {
    bool has[PROFILE_FIELDS];
    struct stat_value value[PROFILE_FIELDS];
};
void profile_read(const struct profile_conf *p, const struct stats *s, struct str select,
                  struct profile_sample *out);

/* Two samples, elapsed_s apart: what the streamer does. NAN: not known. */
struct profile_report {
    double sessions;
    double bytes_out_bps; /* bits a second */
    double hit_ratio;     /* 0..1, over the time between the two */
    double requests_ps;
    double capacity;
    int ready; /* -1: not known */
};
/* before NULL: the first one, gauges only. */
void profile_report(const struct profile_sample *before, const struct profile_sample *now,
                    double elapsed_s, struct profile_report *out);
