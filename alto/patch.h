/* Incremental changes (RFC 8895 section 5.2): JSON merge patch (RFC 7396) and JSON patch (RFC
 * 6902), made and applied; of small documents over trees, of network and cost maps over their own
 * structures. */
#pragma once

#include <jansson.h>

#include "alto/costmap.h"
#include "alto/netmap.h"

enum patch_kind { PATCH_MERGE, PATCH_JSON };

#define PATCH_TYPE_MERGE "application/merge-patch+json"
#define PATCH_TYPE_JSON  "application/json-patch+json"

/* Bounds of what a patch may ask for. */
#define PATCH_DEPTH_MAX 256u       /* levels of a value, names in a pointer */
#define PATCH_TOKEN_MAX 4096u      /* bytes of one name in a pointer, with a NUL */
#define PATCH_OPS_MAX   (1u << 18) /* operations of a JSON patch */
#define PATCH_COPY_MAX  (1u << 20) /* values that its operations may copy or move, together */

/* The document behind the patch; the arguments stay as they are. NULL: no memory, or the patch is
 * deeper than PATCH_DEPTH_MAX. */
json_t *merge_patch_apply(const json_t *target, const json_t *patch) MUST_CHECK;
/* ERR_PARSE: not a patch (RFC 6902 section 3: an array), ERR_CONFLICT: it does not fit the target
 * (a test that fails, a pointer to nothing), ERR_LIMIT: over a bound. Numbers are tested by value:
 * 1 is 1.0 (section 4.6). */
enum err_code json_patch_apply(const json_t *target, const json_t *patch, json_t **out,
                               struct err *e) MUST_CHECK;

/* What leads from one document to the other. A merge patch cannot give a member the value null:
 * such a pair gets a JSON patch (section 6.3). *kind says which was made. NULL: no memory. */
json_t *patch_make(const json_t *from, const json_t *to, enum patch_kind *kind) MUST_CHECK;

/* The same of whole maps as they are served (meta included: each patch changes the tags, section
 * 8); by comparing matrices, without a text of either. An empty difference is a patch of meta
 * alone. false: out is full, or would be longer than max (the full map is then the better update).
 */
bool netmap_patch_format(const struct netmap *from, const struct vtag *from_tag,
                         const struct netmap *to, const struct vtag *to_tag, size_t max,
                         struct bytes *out) MUST_CHECK;
/* from_map and to_map are the maps that the costs are for: PIDs may come and go. Values of now, and
 * numerical ones. */
bool costmap_patch_format(const struct costmap *from, const struct netmap *from_map,
                          const struct vtag *from_depends, const struct costmap *to,
                          const struct netmap *to_map, const struct vtag *to_depends, size_t max,
                          struct bytes *out) MUST_CHECK;

/* Behind the patch's text, of either kind: a new map in arena; the old one stays. to_map: the
 * network map of the new one. Strict as netmap_parse and costmap_parse are; ERR_CONFLICT where it
 * does not fit. */
enum err_code netmap_patch_apply(const struct netmap *from, enum patch_kind kind, struct str patch,
                                 struct arena *arena, const struct netmap **out,
                                 struct err *e) MUST_CHECK;
enum err_code costmap_patch_apply(const struct costmap *from, const struct netmap *from_map,
                                  enum patch_kind kind, struct str patch,
                                  const struct netmap *to_map, struct arena *arena,
                                  const struct costmap **out, struct err *e) MUST_CHECK;
