#include "http/http_tls.h"

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

/* RFC 8446 section 4.3.2. A ticket carries what was verified: it is good for this context alone. */
static enum err_code ask_clients(SSL_CTX *ctx, const struct http_tls_conf *conf, struct err *e)
{
    const char *ca = conf->client_ca.p;
    int mode = SSL_VERIFY_PEER;
    STACK_OF(X509_NAME) * names;

    if (!conf->client_ca.n)
        return ERR_OK;
    if (access(ca, R_OK) < 0)
        return err_set_errno(e, "client authorities %s", ca);
    names = SSL_load_client_CA_file(ca);
    if (!names || SSL_CTX_load_verify_file(ctx, ca) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        tls_error(e, ERR_PARSE, "no certificates in PEM");
        err_wrap(e, "client authorities %s", ca);
        return ERR_PARSE;
    }
    SSL_CTX_set_client_CA_list(ctx, names);
    if (conf->client_required)
        mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_set_verify(ctx, mode, NULL);
    return ERR_OK;
}

enum err_code http_tls_new(const struct http_tls_conf *conf, struct ssl_ctx_st **out, struct err *e)
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
        rc = load(ctx, conf->certificate.p, conf->key.p, e);
    if (rc == ERR_OK)
        rc = ask_clients(ctx, conf, e);
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

static bool name_ok(const unsigned char *p, size_t n)
{
    if (n == 0 || n > 64) /* RFC 5280 appendix A.1: ub-common-name */
        return false;
    for (size_t i = 0; i < n; i++)
        if (p[i] < 0x20 || p[i] > 0x7e || p[i] == '"' || p[i] == '\'')
            return false;
    return true;
}

struct str http_tls_user(const struct ssl_st *ssl, struct arena *arena)
{
    const struct str nobody = {NULL, 0};
    const X509 *cert = SSL_get0_peer_certificate(ssl);
    const X509_NAME *subject = cert ? X509_get_subject_name(cert) : NULL;
    const ASN1_STRING *name;
    const char *text;
    int at, n;

    if (!subject || SSL_get_verify_result(ssl) != X509_V_OK)
        return nobody;
    at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
        return nobody;
    name = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
    n = ASN1_STRING_length(name);
    if (n < 0 || !name_ok(ASN1_STRING_get0_data(name), (size_t)n))
        return nobody;
    text = arena_printf(arena, "cert:%.*s", n, (const char *)ASN1_STRING_get0_data(name));
    return str_from(text);
}
