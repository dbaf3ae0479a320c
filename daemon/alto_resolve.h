/* Discovery of ALTO servers through the system's resolver, or another one (RFC 7286, RFC 8686): the
 * command line's; it blocks. alto/discover.h knows which names and what the records say. */
#pragma once

#include "alto/discover.h"

struct alto_resolve_conf {
    struct addr resolver; /* with its port */
    uint16_t port;        /* 0: those of /etc/resolv.conf */
    unsigned timeout_ms;  /* of one question */
    struct str service;   /* "ALTO:https" */
    bool require_dnssec;  /* answers that no resolver has validated do not count */
};

enum alto_resolve_end {
    ALTO_RESOLVE_FOUND,
    ALTO_RESOLVE_NO_DATA,  /* the name is there, such records are not */
    ALTO_RESOLVE_NO_NAME,  /* NXDOMAIN */
    ALTO_RESOLVE_FAILED,   /* for now: SERVFAIL, refused */
    ALTO_RESOLVE_SILENT,   /* for now: no answer in time */
    ALTO_RESOLVE_UNPROVEN, /* there are records, and they are not validated */
};

struct alto_resolve_try {
    char name[256];
    enum alto_resolve_end end;
    uint32_t retry_s; /* not to be asked again before; 0: FOUND */
};

struct alto_resolved {
    struct discover_uris uris; /* of the last try */
    /* The AD bit of a resolver that is trusted: one that was named to us, or of this host (RFC 8686
     * section 6.1, RFC 6840 section 5.8). */
    bool validated;
    unsigned try_count;
    struct alto_resolve_try tries[DISCOVER_NAMES_MAX];
    bool temporary; /* some lookups failed for now: later there may be more (section 3.5) */
};

const char *alto_resolve_end_text(enum alto_resolve_end end);

/* *out is set either way. ERR_NOT_FOUND: there are none; ERR_IO: they cannot be had for now;
 * ERR_CONFLICT: they are not validated; ERR_PARSE, ERR_UNSUPPORTED: the words. */
enum err_code alto_resolve_domain(const struct alto_resolve_conf *conf, struct str domain,
                                  struct alto_resolved *out, struct err *e) MUST_CHECK;
/* "192.0.2.1", "2001:db8::/48": each name of the ladder once, at once, until one has records. */
enum err_code alto_resolve_address(const struct alto_resolve_conf *conf, struct str prefix,
                                   struct alto_resolved *out, struct err *e) MUST_CHECK;
