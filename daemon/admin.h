/* The admin port: /metrics, /status, /explain, /locate, /healthz, /streamers, /reload. On loopback
 * by configuration; answers are JSON but for /metrics and /healthz. Runs on the control thread. */
#pragma once

#include "base/handler.h"
#include "daemon/control.h"

/* Mounts the pages and listens. */
enum err_code admin_start(struct control *c, struct err *e) MUST_CHECK;

/* The whole page as it is mounted; ctx is the struct control. For tests too. */
void admin_handle(void *ctx, const struct http_request *request, struct http_response *response);
