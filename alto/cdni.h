/* CDNi footprint and capabilities advertisements as an ALTO resource (RFC 9241 section 3): what
 * this CDN delivers, and for whom.
 *
 * The server has two resources for an advertisement that is offered as `id`: `<id>`, the whole
 * (GET), and `<id>-filter` (section 5), whose answers have the version of the whole. With altopid
 * footprints, which name PIDs of the default network map, both use that. */
#pragma once

#include "alto/footprint.h"
#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"

struct cdni_advert;   /* immutable, in its arena */
struct propmap_build; /* alto/propmap.h */

#define CDNI_BYTES_MAX        ((size_t)64 << 20)
#define CDNI_CAPABILITIES_MAX 4096u
#define CDNI_FOOTPRINTS_MAX   1024u /* of a capability, or parts of a footprintunion */
#define CDNI_TYPE_MAX         256u
#define CDNI_PROPERTY         "cdni-capabilities"

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

/* A copy in arena, checked: the values of the types of RFC 8008 have what is mandatory in them;
 * footprints are of a known type (footprint.h) with good values, no union in a union. What stands
 * twice is taken once (RFC 9241 section 3.6). Errors carry the path:
 * "capabilities[0].footprints[1].footprint-value[2]: ...". */
enum err_code cdni_advert_new(const struct cdni_capability *items, size_t n, struct arena *arena,
                              const struct cdni_advert **out, struct err *e) MUST_CHECK;
/* application/alto-cdni+json, or the FCI object alone ({"capabilities":[...]}, RFC 8008). */
enum err_code cdni_advert_parse(const char *json, size_t n, struct arena *arena,
                                const struct cdni_advert **out, struct err *e) MUST_CHECK;
/* Errors begin with "advertisement PATH". */
enum err_code cdni_advert_load(const char *path, struct arena *arena,
                               const struct cdni_advert **out, struct err *e) MUST_CHECK;
/* It depends on a network map: "uses" and dependent-vtags then name it, and only then. */
bool cdni_advert_has_altopid(const struct cdni_advert *a);
/* Content hash, the same for any order of the members of objects. */
const char *cdni_advert_tag(const struct cdni_advert *a);
size_t cdni_advert_count(const struct cdni_advert *a);
const struct cdni_capability *cdni_advert_items(const struct cdni_advert *a); /* [count] */

/* Its footprints as entities (RFC 9241 section 6), each with the property
 * "<advert_id>.cdni-capabilities": all capabilities that hold for the whole of the entity by one of
 * their footprints, those of prefixes around it and those without footprints among them. altopid is
 * "<network_id>.pid:<name>". Capabilities without footprints are 0.0.0.0/0's and ::/0's too. The
 * map depends on the advertisement, so the caller sees to it that both are served together. */
enum err_code cdni_advert_properties(const struct cdni_advert *a, struct str advert_id,
                                     struct str network_id, struct propmap_build *b,
                                     struct err *e) MUST_CHECK;
