/* Whom an answer is for: the socket's peer, or, behind proxies that are trusted, whom they name in
 * X-Forwarded-For. */
#pragma once

#include "base/handler.h"

/* From the right, the first address that is no trusted proxy; everything left of it is hearsay.
 * Where a trusted proxy wrote something that is no address, the proxy itself is the client. */
struct addr http_forwarded_client(const struct http_request *r, struct addr peer,
                                  const struct prefix *trusted, size_t trusted_count);
