/* Entity property maps (RFC 9240): entities of domains, each with properties, inherited from the
 * longest covering prefix in the domains ipv4 and ipv6.
 *
 * The server has two resources for a property map that is offered as `id`: `<id>`, the whole (GET),
 * and `<id>-filter` (section 8). "uses" are those of propmap_depends that it serves itself. */
#pragma once

#include "alto/vtag.h"
#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"

struct propmap; /* immutable, in its arena */

#define PROPMAP_BYTES_MAX      ((size_t)256 << 20)
#define PROPMAP_VALUES_MAX     (8u << 20) /* of all entities */
#define PROPMAP_DOMAINS_MAX    1024u
#define PROPMAP_PROPERTIES_MAX 4096u
#define PROPMAP_DEPENDS_MAX    256u

/* Reads an application/alto-propmap+json body (section 7.6), meta.dependent-vtags too. *out lives
 * in arena. Host bits of prefixes are masked off; "ipv4:192.0.2.1" and "ipv4:192.0.2.1/32" are one
 * entity, and no entity stands twice. An entity without properties says nothing and is left out.
 * Values are any JSON (section 5.2.3). Errors carry line and column and the path of the member:
 * "12:30: property-map.ipv4:192.0.2.0/33: ...". */
enum err_code propmap_parse(const char *json, size_t n, struct arena *arena,
                            const struct propmap **out, struct err *e) MUST_CHECK;
/* The same from a file, read in pieces; errors begin with "property map PATH:line:col". */
enum err_code propmap_load(const char *path, struct arena *arena, const struct propmap **out,
                           struct err *e) MUST_CHECK;

/* The builder: entities and properties in any order. value: the text of a JSON value; "null" ends
 * inheritance (section 6.1.3). An entity may come as often as it has properties; a property of it
 * that comes twice must have the same value both times (ERR_CONFLICT, at the freeze). */
struct propmap_build;
struct propmap_build *propmap_build_new(struct arena *arena) MUST_CHECK;
void propmap_build_free(struct propmap_build *b);
enum err_code propmap_build_add(struct propmap_build *b, struct str entity, struct str property,
                                struct str value, struct err *e) MUST_CHECK;
/* The same where value is the text of a JSON string without its quotes: any UTF-8. */
enum err_code propmap_build_add_string(struct propmap_build *b, struct str entity,
                                       struct str property, struct str text,
                                       struct err *e) MUST_CHECK;
/* A resource that the map depends on (dependent-vtags, in the order of the calls); an empty tag is
 * the one of the resource that is served. Resources that names of domains and properties have are
 * known without. */
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
/* "uses" (section 7.5): those of propmap_build_depends, then the others that names of domains and
 * properties have, by name; tag empty: that of the resource that is served. */
size_t propmap_depends(const struct propmap *m);
const struct vtag *propmap_depend(const struct propmap *m, size_t i);
/* The content hash: equal content, equal tag, for any order of members. */
const char *propmap_tag(const struct propmap *m);

/* The property of an entity, inherited where its domain does so: the text of a JSON value, p NULL
 * when it has none. No allocation; a few hundred nanoseconds however large the map is. */
struct str propmap_get(const struct propmap *m, struct str entity, struct str property);
