/* Which profile a streamer's statistics are read by: part of view_build. */
#pragma once

#include "base/arena.h"
#include "router/view.h"

/* Sets s->profile by the name in s->conf: one of the operator's own (copied to arena), else a
 * built-in one; NULL when it is not polled. ERR_NOT_FOUND: there is none, with the nearest name. */
enum err_code view_profile_find(const struct view_inputs *in, struct arena *arena,
                                struct view_streamer *s, struct err *e) MUST_CHECK;
