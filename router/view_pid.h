/* PIDs by name, for the builders of a view's parts. */
#pragma once

#include "router/view.h"

/* PIDX_NONE for the empty name. ERR_NOT_FOUND: "<key> is "x", which the network map does not have;
 * did you mean "y"?" */
enum err_code view_pid_find(const struct view *v, const char *key, struct str name, pidx *out,
                            struct err *e) MUST_CHECK;
