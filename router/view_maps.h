/* The cost maps of a view: which slots of their calendars hold now, and what a service's costs are
 * made of. view_build's own. */
#pragma once

#include "router/view.h"

/* Takes references to all maps of in; fills netmap, costmaps and costmap. ERR_CONFLICT: a cost map
 * without a network map, or for another version of it, two of one metric. ERR_LIMIT. */
enum err_code view_maps_take(struct view *v, const struct view_inputs *in,
                             struct err *e) MUST_CHECK;

/* What a service makes of the maps: weight[costmap_count]. ERR_NOT_FOUND: a metric that no map has.
 * ERR_CONFLICT: one twice. ERR_PARSE: a weight that is none, or no weight above 0. */
enum err_code view_maps_weights(const struct view *v, const struct service_conf *c,
                                double weight[VIEW_COSTMAPS_MAX], struct err *e) MUST_CHECK;

/* v->valid_until_ms: when the first slot ends of the maps whose bit is set. Warns of calendars that
 * are over. */
void view_maps_until(struct view *v, uint64_t wall_ms, uint32_t used);
