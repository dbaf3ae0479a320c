/* How many connections each client address has: a table of fixed size, keyed, for strangers fill
 * it. An IPv6 client is its /64. */
#pragma once

#include "base/addr.h"

struct http_clients;

/* For at most max connections at a time. NULL: no memory. */
struct http_clients *http_clients_new(uint32_t max) MUST_CHECK;
void http_clients_free(struct http_clients *t);
/* Counts one more, unless the client has limit already: false. */
bool http_clients_take(struct http_clients *t, struct addr client, uint32_t limit) MUST_CHECK;
/* One less; the client was taken before. */
void http_clients_give(struct http_clients *t, struct addr client);
