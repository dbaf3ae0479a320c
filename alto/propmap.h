/* Entity property maps (RFC 9240): entities of domains, each with properties, inherited from the
 * longest covering prefix in the domains ipv4 and ipv6. */
#pragma once

#include "alto/vtag.h"
#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"

struct propmap; /* immutable, in its arena */

#define PROPMAP_BYTES_MAX ((size_t)256 << 20)

/* Reads an application/alto-propmap+json body (section 7.6). *out lives in arena. Errors carry line
 * and column or the path of the member. */
enum err_code propmap_parse(const char *json, size_t n, struct arena *arena,
                            const struct propmap **out, struct err *e) MUST_CHECK;
enum err_code propmap_load(const char *path, struct arena *arena, const struct propmap **out,
                           struct err *e) MUST_CHECK;

/* The builder: entities and properties in any order. value: the text of a JSON value; "null" ends
 * inheritance (section 6.1.3). */
struct propmap_build;
struct propmap_build *propmap_build_new(struct arena *arena) MUST_CHECK;
void propmap_build_free(struct propmap_build *b);
enum err_code propmap_build_add(struct propmap_build *b, struct str entity, struct str property,
                                struct str value, struct err *e) MUST_CHECK;
/* A resource that the map depends on (dependent-vtags, in the order of the calls). */
enum err_code propmap_build_depends(struct propmap_build *b, const struct vtag *on,
                                    struct err *e) MUST_CHECK;
enum err_code propmap_build_freeze(struct propmap_build *b, const struct propmap **out,
                                   struct err *e) MUST_CHECK;

/* "mappings" of its directory entry: domains in order of name with the names of their properties.
 */
size_t propmap_domains(const struct propmap *m);
struct str propmap_domain(const struct propmap *m, size_t i);
size_t propmap_properties(const struct propmap *m, size_t domain);
struct str propmap_property(const struct propmap *m, size_t domain, size_t i);
/* The content hash: equal content, equal tag. */
const char *propmap_tag(const struct propmap *m);

/* The property of an entity, inherited where its domain does so: the text of a JSON value, p NULL
 * when it has none. */
struct str propmap_get(const struct propmap *m, struct str entity, struct str property);
