/* Reports: a streamer that cannot be polled says of itself what a poll would find. */
#pragma once

#include "router/prober.h"

#define REPORT_BYTES_MAX 4096u

/* Control thread. Takes {"streamer": "a", "sessions": 12, "bytes_out_bps": 4e9, "hit_ratio": 0.93,
 * "capacity": 500, "ready": true}: all but the name may be left out, nothing else may be there;
 * numbers are 0 or above, the ratio at most 1. It counts like a good poll. ERR_PARSE with the
 * member's path, ERR_LIMIT, ERR_NOT_FOUND: nobody has that name, ERR_CONFLICT: its configuration
 * does not say that it reports. */
enum err_code report_take(struct prober *p, const char *json, size_t n, uint64_t now_ms,
                          struct err *e) MUST_CHECK;
