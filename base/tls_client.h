/* TLS as a client (RFC 7285 section 8.3.5): which versions, whose certificates, and whose name must
 * be in them. Probes and the ALTO client share it. */
#pragma once

#include "base/addr.h"

struct ssl_ctx_st; /* OpenSSL's SSL_CTX and SSL */
struct ssl_st;

/* TLS 1.2 and later, no renegotiation, no compression, no sessions kept. ca_file NULL: the system's
 * certificate authorities (OpenSSL's SSL_CERT_FILE and SSL_CERT_DIR say otherwise); else these
 * alone. SIGPIPE is ignored from here on (base/net.h). SSL_CTX_free it. ERR_IO: the file;
 * ERR_LIMIT. */
enum err_code tls_client_new(const char *ca_file, struct ssl_ctx_st **out,
                             struct err *e) MUST_CHECK;

/* Whose certificate it must be, and which server name is sent: host's, with brackets and port or
 * without; an address is no server name (RFC 6066 section 3). n 0: addr's. false: no such name, or
 * no memory. */
bool tls_client_name(struct ssl_st *ssl, struct str host, struct addr addr) MUST_CHECK;

/* What OpenSSL says went wrong with this connection, in one phrase: of the certificate first, for
 * the rest follows from that. Clears its errors. */
void tls_client_why(const struct ssl_st *ssl, char *out, size_t size);
