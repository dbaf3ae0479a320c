/* What /status and /metrics say. Control thread only. */
#pragma once

#include <jansson.h>

#include "daemon/control.h"

/* false: no memory. */
bool admin_status_format(const struct control *c, struct bytes *out) MUST_CHECK;
/* {"top":[{"key":"/film/","service":"vod","content":"00c0..","rate":..,"owners":..,"error":..},..]},
 * hottest first: rates in sessions a second, which may be `error` too high. SVIDX_NONE: all. */
bool admin_top_format(struct control *c, svidx service, size_t max, struct bytes *out) MUST_CHECK;
bool admin_metrics_format(const struct control *c, struct bytes *out) MUST_CHECK;
/* The maps that stand: [{"kind":"network map","source":PATH or URI,"tag":..,"age_s":..,..},..].
 * NULL: no memory. */
json_t *admin_maps_json(const struct control *c);
