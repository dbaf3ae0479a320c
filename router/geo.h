/* Geography: what MaxMind databases say of an address, compiled at load time (libmaxminddb walks
 * the tree once) into the same longest-prefix look-up as the network map's. */
#pragma once

#include <stdatomic.h>

#include "base/lpm.h"

#define GEO_BYTES_MAX ((size_t)2 << 30)
#define GEO_FILES_MAX 8
#define GEO_NONE      0 /* the place that nothing is known of is always the first */

enum geo_flag {
    GEO_ANONYMOUS = 1 << 0, /* VPN, proxy, Tor, hosting: any of the database's marks */
};

struct geo_place {
    char country[3];     /* "de", lower case; "" */
    char subdivision[8]; /* "us-ca"; "" */
    uint32_t asn;        /* 0: not known */
    uint8_t flags;       /* enum geo_flag */
};

/* Immutable, shared by views. */
struct geo {
    _Atomic uint32_t refs;
    struct arena *arena;
    const struct lpm *lpm;          /* address -> place */
    const struct geo_place *places; /* [place_count], each once; the first is GEO_NONE's */
    uint32_t place_count;
    uint64_t build_epoch; /* the newest of the databases, seconds since 1970 */
};

/* Where in a record the values are, a path of keys joined by "."; n 0: the usual ones are tried,
 * nested (GeoIP2 City, Country, ASN, Anonymous IP) and flat. */
struct geo_paths {
    struct str country, subdivision, asn, anonymous;
};

/* Reads n databases (1 to GEO_FILES_MAX) over each other: each value of an address is of the first
 * that has it; anonymous is who is so in any. A database of IPv4 alone says nothing of IPv6. The
 * whole file is read from a copy: it may be replaced or written over at any time. ERR_PARSE,
 * ERR_LIMIT, ERR_IO, and ERR_NOT_FOUND when a database has nothing of what is asked, or
 * a path was given and no record has such a value: "mmdb PATH: ...". One reference. */
enum err_code geo_load(const char *const *paths, size_t n, const struct geo_paths *where,
                       struct geo **out, struct err *e) MUST_CHECK;
void geo_take(struct geo *g);
void geo_drop(struct geo *g); /* NULL is fine */

struct geo_hit {
    uint32_t place; /* index in places */
    uint8_t scope;  /* as in lpm.h */
};
struct geo_hit geo_find(const struct geo *g, struct addr a);
