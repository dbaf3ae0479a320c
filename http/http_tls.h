/* What the engine's TLS ports serve with: TLS 1.2 and 1.3, forward secret ciphers, HTTP/1.1 by
 * ALPN, resumption by tickets. */
#pragma once

#include "base/err.h"

struct ssl_ctx_st;

/* From PEM files: the certificate with its chain behind it, and its key, without a passphrase. One
 * context for all workers (it is safe to share), so that a ticket of one is good at the others; its
 * ticket keys live as long as it does, so a reload makes them anew. Ignores SIGPIPE in the process,
 * unless somebody handles it, for OpenSSL writes to sockets that are gone. ERR_IO: a file cannot be
 * read; ERR_PARSE: it is no certificate or key; ERR_CONFLICT: they do not belong together. */
enum err_code http_tls_new(const char *cert, const char *key, struct ssl_ctx_st **out,
                           struct err *e) MUST_CHECK;
/* One more reference to it; each is given back by http_tls_free. */
struct ssl_ctx_st *http_tls_take(struct ssl_ctx_st *ctx);
/* Connections that still use it keep it. NULL is fine. */
void http_tls_free(struct ssl_ctx_st *ctx);
