/* Spare queues, buffers and connections of a server: a connection in steady state allocates
 * nothing. Internal to the engine. */
#pragma once

#include "http/http_conn.h"

/* Empty; NULL: no memory. */
struct http_out *http_pool_out_take(struct http_server *s) MUST_CHECK;
void http_pool_out_give(struct http_server *s, struct http_out *o);
/* HTTP_IN_SMALL bytes; NULL: no memory. */
char *http_pool_in_take(struct http_server *s) MUST_CHECK;
/* The connection's input buffer, if it has one. */
void http_pool_in_give(struct http_conn *c);
/* Zeroed; NULL: no memory. */
struct http_conn *http_pool_conn_take(struct http_server *s) MUST_CHECK;
void http_pool_conn_give(struct http_server *s, struct http_conn *c);
void http_pools_free(struct http_server *s);
