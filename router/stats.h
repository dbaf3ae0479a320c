/* What a cache says of itself: a flat list of names with a number each, whatever format it came in.
 * Bounded and strict: an error is one sentence with the line, and nothing of a page that has one is
 * believed. */
#pragma once

#include "base/arena.h"
#include "base/bytes.h"

#define STATS_BYTES_MAX ((size_t)16 << 20)
#define STATS_MAX       200000u /* numbers in a page */
#define STATS_NAME_MAX  1024u
#define STATS_LINE_MAX  ((size_t)64 << 10) /* of text; a JSON page may be one line */

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

struct stats_item {
    struct str name;
    struct stat_value value;
};

struct stats {
    const struct stats_item
        *items; /* [count], sorted by name; each name once (the last of the page) */
    size_t count;
};

enum stats_format {
    STATS_PROMETHEUS, /* text exposition format 0.0.4 and OpenMetrics; "name{label=\"v\",...}" with
                         labels sorted by name, values escaped as on the page; timestamps and
                         exemplars are checked and left out */
    STATS_JSON,       /* any object: members of objects and items of arrays joined by ".";
                         strings that are numbers are numbers (stats_over_http, whose "global." is
                         left out), true is 1, false 0, other strings are left out; varnishstat -j,
                         new and old: the counter's name and its value */
    STATS_ATS_CSV, /* stats_over_http: "name,value" lines; values that are no numbers are left out
                    */
    STATS_HAPROXY_CSV,    /* "proxy.server.column", of show stat; "status" is 1 for what takes
                             traffic (OPEN, FULL, UP..., no check), else 0; other text is left out */
    STATS_STUB_STATUS,    /* nginx: active, accepts, handled, requests, reading, writing, waiting */
    STATS_SQUID_COUNTERS, /* mgr:counters, mgr:info: "name = value", "Name: value" and "value name"
                             lines, the first number of a value without its unit */
    STATS_FORMATS
};
/* "prometheus", "json", "ats-csv", "haproxy-csv", "stub-status", "squid" */
const char *stats_format_name(enum stats_format f);
/* false: no such name. */
bool stats_format_find(struct str name, enum stats_format *out);

/* *out and all its names live in arena; *out is empty behind an error, whose text begins with the
 * line (JSON: line and column). ERR_PARSE: not such a page (of another kind, cut off, without any
 * number); ERR_LIMIT: over a limit above, a line over STATS_LINE_MAX, or the arena is full. */
enum err_code stats_parse(enum stats_format f, const char *p, size_t n, struct arena *arena,
                          struct stats *out, struct err *e) MUST_CHECK;
/* NULL: no such name. */
const struct stats_item *stats_find(const struct stats *s, struct str name);
double stat_double(const struct stat_value *v);
/* A whole number stays whole, also where it is written 1e3 or 3.0. false: not a decimal number, or
 * one beyond doubles. */
bool stat_number(struct str text, struct stat_value *out);
struct stat_value stat_from_double(double d);
/* How far a counter has come from `before` to `now`; a counter that went back was reset, and has
 * come from 0. Whole numbers are subtracted exactly. NAN when one of the two is NAN. */
double stat_delta(const struct stat_value *before, const struct stat_value *now);
