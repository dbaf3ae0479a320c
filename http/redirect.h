/* Redirects: a content request in, 302 to the chosen streamer out; or the ranked list as JSON. */
#pragma once

#include "base/handler.h"
#include "router/turn.h"

/* Compiles the services' Location templates into the view (VIEW_PART_HTTP). Errors name the service
 * and the place in the template. */
enum err_code redirect_build(struct view *v, struct err *e) MUST_CHECK;

/* Mounted at "/" of every host; ctx is the worker's struct turn. 302 (or as configured) with
 * Location; 200 with the ranked list for "Accept: application/json" or the query parameter
 * format=json; 404 for an unknown service, 405 for other methods than GET and HEAD and OPTIONS, 503
 * with Retry-After when nobody can serve. */
void redirect_handle(void *ctx, const struct http_request *request, struct http_response *response);
