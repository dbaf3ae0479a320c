#include "router/probe_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/net.h"

enum err_code probe_tls_new(struct ssl_ctx_st **out, struct err *e)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    *out = NULL;
    if (!ctx || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_default_verify_paths(ctx) != 1) {
        const char *reason = ERR_reason_error_string(ERR_peek_last_error());

        ERR_clear_error();
        SSL_CTX_free(ctx);
        return err_set(e, ERR_LIMIT, "no TLS context for probes (%s)",
                       reason ? reason : "no reason given");
    }
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF); /* each probe shakes hands anew */
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

/* Whose certificate it must be: the host's, or without one the address's. RFC 6066 section 3: an
 * address is no server name. */
static bool set_name(struct probe *p, const struct probe_ask *ask)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(p->tls);
    const struct str host = bare_host(ask->host);
    char name[256], text[ADDR_TEXT_MAX];
    struct addr addr = ask->addr;

    if (host.n >= sizeof name)
        return false;
    memcpy(name, host.n ? host.p : "", host.n);
    name[host.n] = '\0';
    if (host.n && X509_VERIFY_PARAM_set1_ip_asc(param, name) != 1)
        return X509_VERIFY_PARAM_set1_host(param, name, 0) == 1 &&
               SSL_set_tlsext_host_name(p->tls, name) == 1;
    ERR_clear_error();
    return host.n > 0 || X509_VERIFY_PARAM_set1_ip_asc(param, addr_format(addr, text)) == 1;
}

bool probe_tls_init(struct probe *p, const struct probe_ask *ask)
{
    bool fine;

    p->tls = ask->tls ? SSL_new(ask->tls) : NULL;
    if (!p->tls)
        return false;
    SSL_set_verify(p->tls, ask->conf->verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    fine = set_name(p, ask) && (p->fd < 0 || SSL_set_fd(p->tls, p->fd) == 1);
    SSL_set_connect_state(p->tls);
    ERR_clear_error();
    return fine;
}

void probe_tls_fini(struct probe *p)
{
    SSL_free(p->tls);
    p->tls = NULL;
}

/* What OpenSSL says went wrong: of the certificate first, for the rest follows from that. */
static void finish_tls(struct probe *p, const char *doing)
{
    const long cert = SSL_get_verify_result(p->tls);
    const unsigned long code = ERR_peek_error();
    const char *reason = ERR_reason_error_string(code);
    char text[96];

    ERR_clear_error();
    if (cert != X509_V_OK && (SSL_get_verify_mode(p->tls) & SSL_VERIFY_PEER)) {
        probe_finish(p, PROBE_BAD, "TLS: the certificate: %s", X509_verify_cert_error_string(cert));
        return;
    }
    snprintf(text, sizeof text, "%s", reason ? reason : "closed");
    if (ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        snprintf(text, sizeof text, "closed");
    probe_finish(p, PROBE_BAD, "TLS: %s %s", text, doing);
}

static enum probe_io wait_for(struct probe *p, short what, event_callback_fn fn)
{
    if (p->waits != what)
        probe_wait(p, what, fn);
    return PROBE_IO_AGAIN;
}

/* Behind an SSL_ function that gave `ret`. */
static enum probe_io tls_again(struct probe *p, int ret, const char *doing, event_callback_fn fn)
{
    const int error = errno;

    switch (SSL_get_error(p->tls, ret)) {
    case SSL_ERROR_WANT_READ:
        return wait_for(p, EV_READ, fn);
    case SSL_ERROR_WANT_WRITE:
        return wait_for(p, EV_WRITE, fn);
    case SSL_ERROR_ZERO_RETURN:
        return PROBE_IO_CLOSED;
    case SSL_ERROR_SYSCALL:
        if (error && ERR_peek_error() == 0) {
            probe_finish_errno(p, error);
            return PROBE_IO_FAILED;
        }
        break;
    default:
        break;
    }
    finish_tls(p, doing);
    return PROBE_IO_FAILED;
}

static void on_handshake(evutil_socket_t fd, short what, void *arg)
{
    struct probe *p = arg;
    int ret;

    (void)fd;
    (void)what;
    ERR_clear_error();
    errno = 0;
    ret = SSL_do_handshake(p->tls);
    if (ret == 1)
        probe_http_begin(p);
    else if (tls_again(p, ret, "in the handshake", on_handshake) == PROBE_IO_CLOSED)
        probe_finish(p, PROBE_BAD, "TLS: closed in the handshake");
}

void probe_tls_begin(struct probe *p)
{
    p->phase = "end of the TLS handshake";
    probe_wait(p, EV_WRITE, on_handshake);
}

static enum probe_io plain_again(struct probe *p)
{
    if (errno == EAGAIN || errno == EINTR)
        return PROBE_IO_AGAIN;
    probe_finish_errno(p, errno);
    return PROBE_IO_FAILED;
}

enum probe_io probe_recv(struct probe *p, char *buf, size_t size, size_t *n, event_callback_fn fn)
{
    int ret;

    if (!p->tls) {
        ssize_t got = recv(p->fd, buf, size, 0);

        if (got < 0)
            return plain_again(p);
        *n = (size_t)got;
        return got ? PROBE_IO_OK : PROBE_IO_CLOSED;
    }
    ERR_clear_error();
    errno = 0;
    ret = SSL_read_ex(p->tls, buf, size, n);
    if (ret != 1)
        return tls_again(p, ret, "in the answer", fn);
    return PROBE_IO_OK;
}

enum probe_io probe_send(struct probe *p, const char *data, size_t size, size_t *n,
                         event_callback_fn fn)
{
    int ret;

    if (!p->tls) {
        ssize_t sent = send(p->fd, data, size, MSG_NOSIGNAL);

        if (sent < 0)
            return plain_again(p);
        *n = (size_t)sent;
        return PROBE_IO_OK;
    }
    ERR_clear_error();
    errno = 0;
    ret = SSL_write_ex(p->tls, data, size, n);
    if (ret != 1)
        return tls_again(p, ret, "in the request", fn);
    return PROBE_IO_OK;
}

bool probe_has_pending(const struct probe *p)
{
    return p->tls && SSL_pending(p->tls) > 0;
}
