/* Path vectors (RFC 9275): for a pair of PIDs the abstract network elements (ANEs) on its path, and
 * the elements' properties. */
#pragma once

#include "alto/netmap.h"
#include "alto/propmap.h"

struct path_vectors; /* immutable, in its arena */

/* From the two parts that section 7.2.6 defines, each as a file of its own: a cost map of mode
 * "array" and metric "ane-path", and a property map of the domain ".ane". ERR_CONFLICT: another
 * version of the network map, an element without an entity. */
enum err_code path_vectors_load(const char *cost_map, const char *prop_map,
                                const struct netmap *map, struct arena *arena,
                                const struct path_vectors **out, struct err *e) MUST_CHECK;
const char *path_vectors_tag(const struct path_vectors *p); /* content hash */
/* ane-property-names of its directory entry. */
size_t path_vectors_properties(const struct path_vectors *p);
struct str path_vectors_property(const struct path_vectors *p, size_t i);
