/* Network map (RFC 7285 section 11.2.1): PIDs, each with its prefixes, and the tag of this version.
 */
#pragma once

#include "base/addr.h"
#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/lpm.h"

typedef uint16_t pidx; /* index of a PID in its network map */

#define PIDX_NONE        UINT16_MAX
#define NETMAP_PIDS_MAX  (UINT16_MAX - 1u)
#define NETMAP_BYTES_MAX ((size_t)512 << 20) /* of text */
#define PID_NAME_MAX     64                  /* RFC 7285 section 10.1 */
#define ALTO_TAG_MAX     64                  /* RFC 7285 section 10.3 */
#define ALTO_ID_MAX      64                  /* RFC 7285 section 10.2 */

struct vtag {
    char resource_id[ALTO_ID_MAX + 1];
    char tag[ALTO_TAG_MAX + 1];
};

struct netmap_pid {
    struct str name; /* NUL terminated too */
    const struct prefix
        *prefixes; /* [prefix_count], sorted, IPv6's before IPv4's by prefix_cmp order */
    uint32_t prefix_count;
};

struct netmap {
    struct vtag vtag; /* the tag as given, or the content hash when the text has none */
    const struct netmap_pid *pids; /* [pid_count], sorted by name */
    pidx pid_count;
    uint32_t prefix_count; /* of all PIDs */
    const struct lpm *lpm; /* address -> pidx */
    bool covers_all_v4,
        covers_all_v6; /* RFC 7285 section 11.2.1: every address should have a PID */
};

/* Reads an application/alto-networkmap+json body (RFC 7285 section 11.2.1.6). *out and all it
 * points to live in arena; nothing points into json afterwards. ERR_PARSE: not such a body.
 * ERR_CONFLICT: a prefix in two PIDs. ERR_LIMIT: too many PIDs, or the arena is full. */
enum err_code netmap_parse(const char *json, size_t n, struct arena *arena,
                           const struct netmap **out, struct err *e) MUST_CHECK;

/* The same from a file; the error begins with "network map PATH:line:col". */
enum err_code netmap_load(const char *path, struct arena *arena, const struct netmap **out,
                          struct err *e) MUST_CHECK;

pidx netmap_find_pid(const struct netmap *m,
                     struct str name);                     /* PIDX_NONE when nobody has the name */
pidx netmap_locate(const struct netmap *m, struct addr a); /* PIDX_NONE when nothing covers it */

/* The whole body, as application/alto-networkmap+json; the same map gives the same bytes. false:
 * out is full. */
bool netmap_format(const struct netmap *m, struct bytes *out) MUST_CHECK;
