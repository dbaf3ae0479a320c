/* Deep copies of the configuration's parts into a view's arena; every string gets a NUL behind it.
 */
#pragma once

#include "base/arena.h"
#include "router/view.h"

/* NULL: the arena is full. */
const struct streamer_conf *streamer_conf_copy(const struct streamer_conf *c, struct arena *arena);
const struct downstream_conf *downstream_conf_copy(const struct downstream_conf *c,
                                                   struct arena *arena);
const struct service_conf *service_conf_copy(const struct service_conf *c, struct arena *arena);
