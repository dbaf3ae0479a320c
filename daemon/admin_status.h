/* What /status and /metrics say. Control thread only. */
#pragma once

#include "daemon/control.h"

/* false: no memory. */
bool admin_status_format(const struct control *c, struct bytes *out) MUST_CHECK;
bool admin_metrics_format(const struct control *c, struct bytes *out) MUST_CHECK;
