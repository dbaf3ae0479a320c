#include "http/http_io.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#define TLS_RECORD 16384u /* RFC 8446 section 5.1 */

bool http_io_open(struct http_conn *c, struct ssl_ctx_st *tls)
{
    if (!tls)
        return true;
    ERR_clear_error();
    c->ssl = SSL_new(tls);
    if (!c->ssl || SSL_set_fd(c->ssl, c->fd) != 1)
        return false;
    SSL_set_accept_state(c->ssl);
    return true;
}

/* What OpenSSL's result n of an operation means to us. */
static ssize_t tls_result(struct http_conn *c, int n)
{
    if (n > 0)
        return n;
    switch (SSL_get_error(c->ssl, n)) {
    case SSL_ERROR_WANT_WRITE:
        c->wants_write = true;
        return HTTP_IO_AGAIN;
    case SSL_ERROR_WANT_READ:
        return HTTP_IO_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    default: /* SSL_shutdown must not follow (its manual page) */
        c->tls_broken = true;
        return HTTP_IO_BROKEN;
    }
}

ssize_t http_io_recv(struct http_conn *c, char *buf, size_t n)
{
    ssize_t got;

    if (c->ssl) {
        c->wants_write = false;
        ERR_clear_error();
        return tls_result(c, SSL_read(c->ssl, buf, n < INT_MAX ? (int)n : INT_MAX));
    }
    got = recv(c->fd, buf, n, 0);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR ? HTTP_IO_AGAIN : HTTP_IO_BROKEN;
    return got;
}

static ssize_t plain_send(const struct http_conn *c, const struct iovec *v, unsigned n)
{
    union {
        const struct iovec *in;
        struct iovec *out;
    } vectors = {.in = v}; /* sendmsg does not write there */
    const struct msghdr m = {.msg_iov = vectors.out, .msg_iovlen = n};

    return n == 1 ? send(c->fd, v[0].iov_base, v[0].iov_len, MSG_NOSIGNAL)
                  : sendmsg(c->fd, &m, MSG_NOSIGNAL);
}

/* Small pieces share a record: chunks' sizes stand between slices of bodies. Tried again, a record
 * begins with the same bytes and is no shorter, as OpenSSL demands, for only the last piece grows.
 */
static ssize_t tls_send(struct http_conn *c, const struct iovec *v, unsigned n)
{
    char record[TLS_RECORD];
    const void *p = v[0].iov_base;
    size_t len = v[0].iov_len;
    ssize_t sent;

    if (n > 1 && len < TLS_RECORD) {
        len = 0;
        for (unsigned i = 0; i < n && len < TLS_RECORD; i++) {
            size_t k = v[i].iov_len < TLS_RECORD - len ? v[i].iov_len : TLS_RECORD - len;

            memcpy(record + len, v[i].iov_base, k);
            len += k;
        }
        p = record;
    }
    ERR_clear_error();
    sent = tls_result(c, SSL_write(c->ssl, p, len < INT_MAX ? (int)len : INT_MAX));
    return sent == 0 ? HTTP_IO_BROKEN : sent;
}

ssize_t http_io_send(struct http_conn *c, const struct iovec *v, unsigned n)
{
    ssize_t sent;

    if (c->ssl)
        return tls_send(c, v, n);
    sent = plain_send(c, v, n);
    if (sent < 0)
        return errno == EAGAIN || errno == EINTR ? HTTP_IO_AGAIN : HTTP_IO_BROKEN;
    return sent;
}

bool http_io_pending(const struct http_conn *c)
{
    return c->ssl && SSL_has_pending(c->ssl);
}

bool http_io_ready(const struct http_conn *c)
{
    return !c->ssl || SSL_is_init_finished(c->ssl);
}

/* A session whose connection ends without close_notify is not resumed. */
static void tls_farewell(struct http_conn *c)
{
    if (!c->ssl || c->tls_broken || !SSL_is_init_finished(c->ssl) ||
        (SSL_get_shutdown(c->ssl) & SSL_SENT_SHUTDOWN))
        return;
    ERR_clear_error();
    (void)SSL_shutdown(c->ssl);
}

void http_io_shutdown(struct http_conn *c)
{
    tls_farewell(c);
    c->wants_write = false; /* a write that was put off went out since, or never will */
    (void)shutdown(c->fd, SHUT_WR);
}

void http_io_close(struct http_conn *c)
{
    tls_farewell(c);
    SSL_free(c->ssl);
    c->ssl = NULL;
}
