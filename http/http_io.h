/* Reading and writing of a connection, plain or through TLS. Internal to the engine. */
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include "http/http_conn.h"

enum { HTTP_IO_AGAIN = -1, HTTP_IO_BROKEN = -2 };

/* tls NULL: plain. false: no memory. */
bool http_io_open(struct http_conn *c, struct ssl_ctx_st *tls) MUST_CHECK;
/* Bytes read or sent (of the first of v, at the least), 0 at the end of what the client sends, or
 * one of the above. */
ssize_t http_io_recv(struct http_conn *c, char *buf, size_t n);
ssize_t http_io_send(struct http_conn *c, const struct iovec *v, unsigned n);
/* Bytes that were read from the socket and that http_io_recv has not given yet: no event will tell
 * of them. */
bool http_io_pending(const struct http_conn *c);
/* The handshake, if there is one, is over. */
bool http_io_ready(const struct http_conn *c);
/* No more is sent. */
void http_io_shutdown(struct http_conn *c);
/* All but closing the descriptor. */
void http_io_close(struct http_conn *c);
