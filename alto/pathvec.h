/* Path vectors (RFC 9275): for a pair of PIDs the abstract network elements (ANEs) on its path, and
 * the elements' properties.
 *
 * Path vectors `id` over a network map are two resources, both multi-cost with the map's other cost
 * types, without constraints on paths: "<id>-path-cost" between PIDs (section 7.2) and
 * "<id>-path-endpoint" between addresses (section 7.3). Both use the network map, and where
 * elements have a persistent-entity-id, the property maps that these are entities of. */
#pragma once

#include "alto/netmap.h"
#include "alto/propmap.h"

struct path_vectors; /* immutable, in its arena */

#define PATHVEC_BYTES_MAX    ((size_t)256 << 20) /* of the cost map's text */
#define PATHVEC_ELEMENTS_MAX (1u << 20)
#define PATHVEC_HOPS_MAX     256u /* elements of one path */
#define PATHVEC_ID_MAX       40   /* of `id`: "<resource id>.<part>" is an id too */

/* From the two parts that section 7.2.6 defines, each as a file of its own: a cost map of mode
 * "array" and metric "ane-path", and a property map of the domain ".ane". An element without an
 * entity has no properties. Pairs with a PID that the network map does not have are left out.
 *
 * ERR_PARSE: not such bodies, a pair twice, a property map of another domain (section 6.2.4), a
 * max-reservable-bandwidth that is no number of 0 or more (6.4.1), a persistent-entity-id that is
 * not an entity of a property map's domain "ane" (6.4.2). ERR_CONFLICT: another version of the
 * network map. ERR_LIMIT: the limits above, or the arena is full. Errors begin with the file, line
 * and column, or the path of the member. */
enum err_code path_vectors_load(const char *cost_map, const char *prop_map,
                                const struct netmap *map, struct arena *arena,
                                const struct path_vectors **out, struct err *e) MUST_CHECK;
/* The same of a cost map's text. props must live as long as *out does; NULL: no properties. */
enum err_code path_vectors_parse(const char *json, size_t n, const struct propmap *props,
                                 const struct netmap *map, struct arena *arena,
                                 const struct path_vectors **out, struct err *e) MUST_CHECK;
const char *path_vectors_tag(const struct path_vectors *p); /* content hash */
/* ane-property-names of its directory entry. */
size_t path_vectors_properties(const struct path_vectors *p);
struct str path_vectors_property(const struct path_vectors *p, size_t i);

/* The elements from src to dst in the order of the file, as indexes; NULL: there is no path. */
const uint32_t *path_vectors_get(const struct path_vectors *p, pidx src, pidx dst, uint32_t *count);
uint32_t path_vectors_elements(const struct path_vectors *p);
struct str path_vectors_element(const struct path_vectors *p, uint32_t i); /* "L1" */
/* The text of a JSON value; p NULL: the element does not have the property. */
struct str path_vectors_value(const struct path_vectors *p, uint32_t element, struct str property);
/* The resources whose entities elements are (persistent-entity-id), and others that the property
 * map depends on; an empty tag stands for that of the resource as it is served. */
size_t path_vectors_depends(const struct path_vectors *p);
const struct vtag *path_vectors_depend(const struct path_vectors *p, size_t i);
