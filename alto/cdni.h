/* CDNi footprint and capabilities advertisements as an ALTO resource (RFC 9241 section 3): what
 * this CDN delivers, and for whom. */
#pragma once

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"

struct cdni_advert; /* immutable, in its arena */

struct cdni_footprint {
    struct str type;          /* "ipv4cidr", "altopid", "footprintunion", ... */
    const struct str *values; /* [count] */
    size_t count;
    const struct cdni_footprint *parts; /* of a footprintunion: [part_count] (RFC 9388) */
    size_t part_count;
};

struct cdni_capability {
    struct str type;                         /* "FCI.DeliveryProtocol" */
    struct str value;                        /* the text of a JSON object */
    const struct cdni_footprint *footprints; /* [count]: all must hold; 0: everywhere */
    size_t count;
};

/* A copy in arena, checked: types, values by type, no footprint twice, no union in a union. */
enum err_code cdni_advert_new(const struct cdni_capability *items, size_t n, struct arena *arena,
                              const struct cdni_advert **out, struct err *e) MUST_CHECK;
/* application/alto-cdni+json, or the FCI object alone. */
enum err_code cdni_advert_parse(const char *json, size_t n, struct arena *arena,
                                const struct cdni_advert **out, struct err *e) MUST_CHECK;
enum err_code cdni_advert_load(const char *path, struct arena *arena,
                               const struct cdni_advert **out, struct err *e) MUST_CHECK;
bool cdni_advert_has_altopid(const struct cdni_advert *a);
const char *cdni_advert_tag(const struct cdni_advert *a); /* content hash */
