#include "base/tls_client.h"

#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/net.h"

static enum err_code no_context(SSL_CTX *ctx, struct err *e)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    ERR_clear_error();
    SSL_CTX_free(ctx);
    return err_set(e, ERR_LIMIT, "no TLS context for a client (%s)",
                   reason ? reason : "no reason given");
}

enum err_code tls_client_new(const char *ca_file, struct ssl_ctx_st **out, struct err *e)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    *out = NULL;
    if (!ctx || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1)
        return no_context(ctx, e);
    if (ca_file && SSL_CTX_load_verify_file(ctx, ca_file) != 1) {
        ERR_clear_error();
        SSL_CTX_free(ctx);
        return err_set(e, ERR_IO, "%s: no certificate authorities (PEM) can be read from it",
                       ca_file);
    }
    if (!ca_file && SSL_CTX_set_default_verify_paths(ctx) != 1)
        return no_context(ctx, e);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF); /* each one shakes hands anew */
    net_ignore_sigpipe(); /* OpenSSL writes without MSG_NOSIGNAL */
    *out = ctx;
    return ERR_OK;
}

/* The host as it is in a certificate: without brackets and port. */
static struct str bare_host(struct str host)
{
    size_t n = 0;

    if (host.n && host.p[0] == '[') {
        while (n < host.n && host.p[n] != ']')
            n++;
        return (struct str){host.p + 1, n - 1};
    }
    while (n < host.n && host.p[n] != ':')
        n++;
    return (struct str){host.p, n};
}

bool tls_client_name(struct ssl_st *ssl, struct str with_port, struct addr addr)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    const struct str host = bare_host(with_port);
    char name[256], text[ADDR_TEXT_MAX];

    if (host.n >= sizeof name)
        return false;
    memcpy(name, host.n ? host.p : "", host.n);
    name[host.n] = '\0';
    if (host.n && X509_VERIFY_PARAM_set1_ip_asc(param, name) != 1)
        return X509_VERIFY_PARAM_set1_host(param, name, 0) == 1 &&
               SSL_set_tlsext_host_name(ssl, name) == 1;
    ERR_clear_error();
    return host.n > 0 || X509_VERIFY_PARAM_set1_ip_asc(param, addr_format(addr, text)) == 1;
}

void tls_client_why(const struct ssl_st *ssl, char *out, size_t size)
{
    const long cert = SSL_get_verify_result(ssl);
    const unsigned long code = ERR_peek_error();
    const char *reason = ERR_reason_error_string(code);

    if (cert != X509_V_OK && (SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER))
        snprintf(out, size, "the certificate: %s", X509_verify_cert_error_string(cert));
    else if (!reason || ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        snprintf(out, size, "closed");
    else
        snprintf(out, size, "%s", reason);
    ERR_clear_error();
}
