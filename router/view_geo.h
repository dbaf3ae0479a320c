/* Where clients are besides their PID: the geography of a view, and PIDs for those whom the network
 * map only knows by its default. */
#pragma once

#include "router/view.h"

/* "countries and ASNs -> PID", for each place once. */
struct geo_fallback {
    const pidx *pid;         /* [geo place_count]; PIDX_NONE: no rule for it */
    const struct lpm *named; /* addresses that a prefix of the network map other than /0 covers */
};

/* Takes in->geo and compiles in->geo_pids; the network map is there. ERR_CONFLICT: PIDs by country
 * or AS and no geography. ERR_NOT_FOUND: a PID that is none. */
enum err_code view_geo_build(struct view *v, const struct view_inputs *in,
                             struct err *e) MUST_CHECK;

/* Once streamers, services and the host index are there: downstream CDNs, coverage, admission, and
 * which services ask for places. Errors are downstream_build's, downstream_link's, coverage_build's
 * and admit_build's. */
enum err_code view_geo_finish(struct view *v, const struct view_inputs *in,
                              struct err *e) MUST_CHECK;
