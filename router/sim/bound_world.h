/* The offline bound of a simulated world: of the very sessions that sim_run() sends. */
#pragma once

#include "router/sim/bound.h"
#include "router/sim/world.h"

/* *offline: what they cost together, to be compared for each session with sim_result_cost(): the
 * policy that serves all of them and fills no streamer above its capacity has no less. A place is a
 * site. Who is down has no capacity; what is open when somebody goes down takes no room from there
 * on, as his sessions may have been cut.
 * *blind: cost of a session that nobody comes below in the long run who does not know the future
 * (bound_blind.h); NAN with a trace, where chance has no say. Failures are left out, and crowds
 * count with their mean. Errors as of bound_compute(). */
enum err_code bound_world(const struct sim_world *w, struct bound_result *offline, double *blind,
                          struct err *e) MUST_CHECK;
