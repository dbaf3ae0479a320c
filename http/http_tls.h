/* What the engine's TLS ports serve with: TLS 1.2 and 1.3, forward secret ciphers, HTTP/1.1 by
 * ALPN, resumption by tickets. */
#pragma once

#include "base/arena.h"
#include "base/bytes.h"

struct ssl_ctx_st;
struct ssl_st;

/* Files, all PEM; their names end in NUL. */
struct http_tls_conf {
    struct str certificate; /* with its chain behind it */
    struct str key;         /* without a passphrase */
    struct str client_ca; /* by whom clients' certificates must be signed; n 0: none is asked for */
    bool client_required; /* else who shows none is nobody, and who shows a wrong one is refused */
};

/* One context for all workers (it is safe to share), so that a ticket of one is good at the others;
 * its ticket keys live as long as it does, so a reload makes them anew. Ignores SIGPIPE in the
 * process, unless somebody handles it, for OpenSSL writes to sockets that are gone. ERR_IO: a file
 * cannot be read; ERR_PARSE: it is no certificate or key; ERR_CONFLICT: they do not belong
 * together.
 */
enum err_code http_tls_new(const struct http_tls_conf *conf, struct ssl_ctx_st **out,
                           struct err *e) MUST_CHECK;
/* "cert:" and the common name of the client's certificate, which was verified; in arena. n 0: there
 * is none, or its name is not one name of at most 64 bytes of printable ASCII without quotes. */
struct str http_tls_user(const struct ssl_st *ssl, struct arena *arena);
/* One more reference to it; each is given back by http_tls_free. */
struct ssl_ctx_st *http_tls_take(struct ssl_ctx_st *ctx);
/* Connections that still use it keep it. NULL is fine. */
void http_tls_free(struct ssl_ctx_st *ctx);
