#include "http/http_tls.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/net.h"

static const unsigned char protocol[] = "\x08http/1.1";

/* RFC 7301 section 3.2: a client that names protocols and not ours is refused. */
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n,
                   const unsigned char *in, unsigned in_n, void *arg)
{
    (void)ssl;
    (void)arg;
    for (unsigned i = 0; i < in_n; i += 1u + in[i])
        if (in_n - i >= sizeof protocol - 1 && memcmp(in + i, protocol, sizeof protocol - 1) == 0) {
            *out = in + i + 1;
            *out_n = in[i];
            return SSL_TLSEXT_ERR_OK;
        }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* Nobody is there to type one. */
static int no_passphrase(char *buf, int size, int writing, void *arg)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

static enum err_code tls_error(struct err *e, enum err_code code, const char *what)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    err_set(e, code, "%s (%s)", what, reason ? reason : "no reason given");
    ERR_clear_error();
    return code;
}

static enum err_code settings(SSL_CTX *ctx, struct err *e)
{
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    /* A queue of answers may move between two attempts to send it; an idle connection gives its
     * buffers back. */
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(ctx, 1); /* a record with one read, not two */
    /* Tickets alone: no table of sessions that workers would share under a lock. */
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(ctx, 1);
    SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
    SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
    if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1 ||
        SSL_CTX_set_session_id_context(ctx, protocol, sizeof protocol - 1) != 1)
        return tls_error(e, ERR_UNSUPPORTED, "OpenSSL refuses our settings");
    return ERR_OK;
}

static enum err_code load(SSL_CTX *ctx, const char *cert, const char *key, struct err *e)
{
    if (access(cert, R_OK) < 0)
        return err_set_errno(e, "certificate %s", cert);
    if (access(key, R_OK) < 0)
        return err_set_errno(e, "key %s", key);
    if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1) {
        tls_error(e, ERR_PARSE, "not a certificate with its chain in PEM");
        err_wrap(e, "certificate %s", cert);
        return ERR_PARSE;
    }
    if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1) {
        /* OpenSSL compares the key with the certificate as it takes it. */
        const bool other = ERR_GET_LIB(ERR_peek_last_error()) == ERR_LIB_X509;
        const enum err_code code = other ? ERR_CONFLICT : ERR_PARSE;

        tls_error(e, code,
                  other ? "does not belong to the certificate"
                        : "not a private key in PEM without a passphrase");
        err_wrap(e, "key %s", key);
        return code;
    }
    return ERR_OK;
}

enum err_code http_tls_new(const char *cert, const char *key, struct ssl_ctx_st **out,
                           struct err *e)
{
    SSL_CTX *ctx;
    enum err_code rc;

    *out = NULL;
    ERR_clear_error();
    ctx = SSL_CTX_new(TLS_server_method());
    if (!ctx)
        return tls_error(e, ERR_LIMIT, "no TLS context");
    rc = settings(ctx, e);
    if (rc == ERR_OK)
        rc = load(ctx, cert, key, e);
    if (rc != ERR_OK) {
        SSL_CTX_free(ctx);
        return rc;
    }
    net_ignore_sigpipe();
    *out = ctx;
    return ERR_OK;
}

struct ssl_ctx_st *http_tls_take(struct ssl_ctx_st *ctx)
{
    if (ctx)
        SSL_CTX_up_ref(ctx);
    return ctx;
}

void http_tls_free(struct ssl_ctx_st *ctx)
{
    SSL_CTX_free(ctx);
}
