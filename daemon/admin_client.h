/* The command line's way to a running daemon: one request to its admin port, one JSON document
 * back. */
#pragma once

#include <jansson.h>

#include "base/addr.h"
#include "base/err.h"

#define ADMIN_PORT_DEFAULT 8953

struct admin_at {
    struct addr addr;
    uint16_t port;
};

/* method is "GET" or "POST". On ERR_OK *out is the document, the caller's to json_decref. An answer
 * that is an error comes back as ERR_NOT_FOUND (404), ERR_CONFLICT (409) or ERR_IO with the
 * daemon's own sentence. */
enum err_code admin_ask(const struct admin_at *at, const char *method, const char *target,
                        json_t **out, struct err *e) MUST_CHECK;
