#include "router/probe_internal.h"

#include <errno.h>
#include <sys/socket.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/tls_client.h"

enum err_code probe_tls_new(struct ssl_ctx_st **out, struct err *e)
{
    return tls_client_new(NULL, out, e);
}

bool probe_tls_init(struct probe *p, const struct probe_ask *ask)
{
    bool fine;

    p->tls = ask->tls ? SSL_new(ask->tls) : NULL;
    if (!p->tls)
        return false;
    SSL_set_verify(p->tls, ask->conf->verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    fine = tls_client_name(p->tls, ask->host, ask->addr) &&
           (p->fd < 0 || SSL_set_fd(p->tls, p->fd) == 1);
    SSL_set_connect_state(p->tls);
    ERR_clear_error();
    return fine;
}

void probe_tls_fini(struct probe *p)
{
    SSL_free(p->tls);
    p->tls = NULL;
}

static void finish_tls(struct probe *p, const char *doing)
{
    const bool cert = SSL_get_verify_result(p->tls) != X509_V_OK &&
                      (SSL_get_verify_mode(p->tls) & SSL_VERIFY_PEER);
    char why[128];

    tls_client_why(p->tls, why, sizeof why);
    if (cert)
        probe_finish(p, PROBE_BAD, "TLS: %s", why);
    else
        probe_finish(p, PROBE_BAD, "TLS: %s %s", why, doing);
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
