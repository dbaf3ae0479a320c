/* Which number of a cache's statistics means what. Built in: ats, varnish, varnish-exporter, nginx,
 * nginx-exporter, haproxy, haproxy-prometheus, squid, node-exporter, prometheus (profile_builtin.c
 * says what each of them reads, and why); an operator can write own ones. */
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

/* The sum of the named numbers times scale. A name that begins with "-" is taken off: then all
 * names must be on the page, else those that are; none of them: not known. "*" in a name stands for
 * any text: the sum of all that fit. "%" stands for what is selected. Under the format prometheus a
 * name without "{...}" is the sum over all labels, one with them over the series that have these
 * labels at least: x{device="eth*"}; "{*}" is as none. */
struct profile_expr {
    struct str names[PROFILE_TERMS_MAX];
    unsigned name_count; /* 0: the page does not say */
    double scale;        /* 1024 for a counter in KiB */
};

struct profile_conf {
    struct str name; /* [a-z0-9-]+ */
    enum stats_format format;
    struct str path;   /* of the page, where streamers do not say: "/_stats", "/metrics" */
    struct str select; /* for "%" where a streamer does not say; n 0: "*" */
    struct profile_expr field[PROFILE_FIELDS];
};

/* A built-in one; NULL: no such name. */
const struct profile_conf *profile_builtin(struct str name);
const struct profile_conf *profile_builtin_at(size_t i); /* NULL behind the last */

/* For profiles of an operator's. ERR_PARSE, ERR_LIMIT: a sentence with the field. */
enum err_code profile_check(const struct profile_conf *p, struct err *e) MUST_CHECK;

/* What a page says under a profile. select: which of many rows (HAProxy's proxy and server, a label
 * set, a VCL backend), put in place of "%" in names as it stands on the page, or
 * with "*"; n 0: the profile's own choice. */
struct profile_sample {
    bool has[PROFILE_FIELDS];
    struct stat_value value[PROFILE_FIELDS]; /* plus - minus */
    /* Both sides of a difference, since each is a counter that may be reset or run ahead. */
    struct stat_value plus[PROFILE_FIELDS], minus[PROFILE_FIELDS];
    /* How many numbers it is made of. A row that came or went makes another sum, not traffic: no
     * rate is made of two samples that differ here. */
    uint32_t rows[PROFILE_FIELDS];
};
void profile_read(const struct profile_conf *p, const struct stats *s, struct str select,
                  struct profile_sample *out);

/* Two samples, elapsed_s apart: what the streamer does. NAN: not known. */
struct profile_report {
    double sessions;
    double bytes_out_bps; /* bits a second */
    double hit_ratio;     /* 0..1, over the time between the two */
    double asked;         /* requests that it is of; NAN: it was told as it is */
    double requests_ps;
    double capacity;
    int ready; /* -1: not known */
};
/* before NULL: the first one, gauges only. A counter that went back was reset and has come from 0.
 * hit_ratio: hits of hits and misses, or of requests where misses are not known; NAN when nothing
 * was asked for. */
void profile_report(const struct profile_sample *before, const struct profile_sample *now,
                    double elapsed_s, struct profile_report *out);
