/* What a cache says of itself: a flat list of names with a number each, whatever format it came in.
 * Bounded and strict: an error is one sentence with the line, and nothing of a page that has one is
 * believed. */
#pragma once

#include "base/arena.h"
#include "base/bytes.h"

#define STATS_BYTES_MAX ((size_t)16 << 20)
#define STATS_MAX       200000u /* numbers in a page */
#define STATS_NAME_MAX  1024u

/* Exact where it is whole: Varnish's `happy` is a bitmap of 64 bits. */
enum stat_kind { STAT_UINT, STAT_INT, STAT_REAL };

struct stat_value {
    enum stat_kind kind;
    union {
        uint64_t u;
        int64_t i; /* below 0 */
        double d;  /* may be NAN or infinite (Prometheus) */
    };
};

struct stat {
    struct str name;
    struct stat_value value;
};

struct stats {
    const struct stat *items; /* [count], sorted by name; each name once (the last of the page) */
    size_t count;
};

enum stats_format {
    STATS_PROMETHEUS,  /* text exposition format 0.0.4 and OpenMetrics; "name{label=\"v\",...}" with
                          labels sorted by name */
    STATS_JSON,        /* any object: members of objects joined by ".", strings that are numbers are
                          numbers (stats_over_http), others are left out; varnishstat -j: the name's
                          value */
    STATS_ATS_CSV,     /* stats_over_http: "name,value" lines */
    STATS_HAPROXY_CSV, /* "proxy.server.column", of show stat */
    STATS_STUB_STATUS, /* nginx: active, accepts, handled, requests, reading, writing, waiting */
    STATS_SQUID_COUNTERS, /* mgr:counters, mgr:info: "name = value" and "Name: value" lines */
    STATS_FORMATS
};
const char *stats_format_name(enum stats_format f);
/* false: no such name. */
bool stats_format_find(struct str name, enum stats_format *out);

/* *out and all its names live in arena. */
enum err_code stats_parse(enum stats_format f, const char *p, size_t n, struct arena *arena,
                          struct stats *out, struct err *e) MUST_CHECK;
/* NULL: no such name. */
const struct stat *stats_find(const struct stats *s, struct str name);
double stat_double(const struct stat_value *v);
/* How far a counter has come from `before` to `now`; a counter that went back was reset, and has
 * come from 0. Whole numbers are subtracted exactly. */
double stat_delta(const struct stat_value *before, const struct stat_value *now);
