/* Network map (RFC 7285 section 11.2.1): PIDs, each with its prefixes, and the tag of this version.
 */
#pragma once

#include "alto/vtag.h"
#include "base/addr.h"
#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/lpm.h"

typedef uint16_t pidx; /* index of a PID in its network map */

#define PIDX_NONE        UINT16_MAX
#define NETMAP_PIDS_MAX  (UINT16_MAX - 1u)
#define NETMAP_BYTES_MAX ((size_t)512 << 20) /* of text */

struct netmap_pid {
    struct str name;               /* NUL terminated too */
    const struct prefix *prefixes; /* [prefix_count], in prefix_cmp order, each once */
    uint32_t prefix_count;         /* 0 is fine: the name is known all the same */
};

struct netmap {
    /* As the text gives it. Without a tag in the text: the content hash, the same for any order of
     * members and prefixes. Without meta.vtag resource_id is empty. */
    struct vtag vtag;
    const struct netmap_pid *pids; /* [pid_count], sorted by name */
    pidx pid_count;
    uint32_t prefix_count; /* of all PIDs */
    uint32_t v4_count;     /* of them IPv4's */
    const struct lpm *lpm; /* address -> pidx */
    /* RFC 7285 section 11.2.2: every address of a family that the map has at all should have a PID.
     * Where one has not: the first such address. */
    bool covers_all_v4, covers_all_v6;
    struct addr gap_v4, gap_v6;
};

/* Reads an application/alto-networkmap+json body (RFC 7285 section 11.2.1.6). *out and all it
 * points to live in arena; nothing points into json afterwards. Stricter than the letter where it
 * keeps an operator from a silent mistake: a prefix needs its length, stands in the list of its own
 * family, and an IPv4-mapped one does not stand under "ipv6"; no member stands twice. Host bits are
 * masked off. A prefix twice in one PID counts once. Address types other than ipv4 and ipv6 are
 * ignored, and the PID's name stays valid (section 11.2.1.7); so are unknown members (8.3.7).
 *
 * ERR_PARSE: not such a body. ERR_CONFLICT: a prefix in two PIDs. ERR_LIMIT: too many PIDs, or the
 * arena is full. Errors begin with line and column, and name the member:
 * "12:30: network-map.PID1.ipv4[3]: ...". */
enum err_code netmap_parse(const char *json, size_t n, struct arena *arena,
                           const struct netmap **out, struct err *e) MUST_CHECK;

/* The same from a file, read in pieces; errors begin with "network map PATH:line:col". */
enum err_code netmap_load(const char *path, struct arena *arena, const struct netmap **out,
                          struct err *e) MUST_CHECK;

/* Completeness (RFC 7285 section 11.2.2), for who wants to refuse or to warn: ERR_CONFLICT names
 * the first address that no PID has, of a family that the map has prefixes of. */
enum err_code netmap_check_complete(const struct netmap *m, struct err *e) MUST_CHECK;

/* PIDX_NONE when nobody has the name. */
pidx netmap_find_pid(const struct netmap *m, struct str name);
pidx netmap_locate(const struct netmap *m, struct addr a); /* PIDX_NONE when nothing covers it */

/* One member of "network-map": the PID's prefixes of these families, in lines of bounded length. */
#define NETMAP_V4 1u
#define NETMAP_V6 2u
struct json_write;
void netmap_write_pid(struct json_write *w, const struct netmap_pid *pid, unsigned families);
/* The whole body, as application/alto-networkmap+json; the same map gives the same bytes, and they
 * read back as the same map. false: out is full. */
bool netmap_format(const struct netmap *m, struct bytes *out) MUST_CHECK;
