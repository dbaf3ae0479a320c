/* Stage 9: downstream CDNs (RFC 7336), to whom clients of their footprint may be sent when none of
 * our own streamers is good. */
#pragma once

#include "router/view.h"

/* Of the service's downstream CDNs whose footprint has the client (`at` is view_place's) and that
 * have a delegation target for one of `can` (enum route_can): the one of lowest cost from the
 * client, or of those that cost the same the content's own. One at unknown cost comes behind all
 * others. *cost in units of the map, NAN: unknown. DOWNSTREAM_NONE: there is none. Pure. */
uint16_t downstream_choose(const struct view *v, svidx service, const struct located *at,
                           uint8_t can, uint64_t content, double *cost);

/* DOWNSTREAM_NONE: nobody has the name. */
uint16_t downstream_find(const struct view *v, struct str name);

/* For view_build. Copies in->downstreams; the streamers are there. ERR_CONFLICT: a name twice, or a
 * streamer's. ERR_PARSE: a weight or cost that is none. ERR_NOT_FOUND: a PID that is none. */
enum err_code downstream_build(struct view *v, const struct view_inputs *in,
                               struct err *e) MUST_CHECK;
/* Fills the services' lists; the host index is there. ERR_NOT_FOUND: a name that nobody has.
 * ERR_CONFLICT: one twice, or a target that a service of ours answers for: a loop. */
enum err_code downstream_link(struct view *v, struct err *e) MUST_CHECK;
