#include "daemon/alto_call.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/clock.h"
#include "base/tls_client.h"

#define PIECE   ((size_t)64 << 10)
#define LOOK_MS 100 /* how often `stop` is looked at */

struct alto_conn {
    int fd;
    SSL *ssl; /* NULL: in the clear */
    unsigned timeout_ms;
};

/* false: the time is over, or `stop` is true. */
static bool wait_fd(int fd, short events, uint64_t until_ms, const volatile bool *stop)
{
    for (;;) {
        const uint64_t now = clock_ms();
        struct pollfd p = {.fd = fd, .events = events};
        int wait, n;

        if (now >= until_ms || (stop && *stop))
            return false;
        wait = until_ms - now > INT32_MAX ? INT32_MAX : (int)(until_ms - now);
        if (stop && wait > LOOK_MS)
            wait = LOOK_MS;
        n = poll(&p, 1, wait);
        if (n > 0 || (n < 0 && errno != EINTR))
            return true;
    }
}

static int connect_to(const struct sockaddr *sa, socklen_t n, uint64_t until_ms)
{
    const int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int error = 0;
    socklen_t size = sizeof error;

    if (fd < 0)
        return -1;
    if (connect(fd, sa, n) == 0)
        return fd;
    if (errno == EINPROGRESS) {
        if (!wait_fd(fd, POLLOUT, until_ms, NULL))
            error = ETIMEDOUT;
        else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
            error = errno;
        if (error == 0)
            return fd;
        errno = error;
    }
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* The first of the name's addresses that answers. */
static enum err_code connect_name(const char *host, const struct uri *to, bool private_ok,
                                  uint64_t until_ms, int *fd, struct err *e)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *list = NULL;
    const int rc = getaddrinfo(host, NULL, &hints, &list);
    int error = 0;

    *fd = -1;
    if (rc != 0)
        return err_set(e, ERR_IO, "%s: the name cannot be looked up: %s", host, gai_strerror(rc));
    for (const struct addrinfo *i = list; i && *fd < 0; i = i->ai_next) {
        struct sockaddr_storage sa;
        struct addr a;

        if (!addr_from_sockaddr(i->ai_addr, &a, NULL) || (!private_ok && addr_is_special(a)))
            continue;
        *fd = connect_to((struct sockaddr *)&sa, addr_to_sockaddr(a, to->port, &sa), until_ms);
        error = errno;
    }
    freeaddrinfo(list);
    if (*fd >= 0)
        return ERR_OK;
    if (error)
        return err_set(e, ERR_IO, "%s port %u: %s", host, to->port, strerror(error));
    return err_set(e, ERR_IO, "%s: the name has no address that is public", host);
}

/* What OpenSSL wants to happen before it goes on; false: it has failed, or the time is over. */
static bool ssl_wait(struct alto_conn *c, int rc, uint64_t until_ms, const volatile bool *stop,
                     bool *late)
{
    const int want = SSL_get_error(c->ssl, rc);

    *late = false;
    if (want != SSL_ERROR_WANT_READ && want != SSL_ERROR_WANT_WRITE)
        return false;
    *late = !wait_fd(c->fd, want == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, until_ms, stop);
    return !*late;
}

static enum err_code shake_hands(struct alto_conn *c, const struct alto_call_conf *conf,
                                 struct str host, uint64_t until_ms, struct err *e)
{
    char why[160];
    bool late = false;
    int rc;

    c->ssl = SSL_new(conf->tls);
    if (!c->ssl || SSL_set_fd(c->ssl, c->fd) != 1)
        return err_set(e, ERR_LIMIT, "no memory left for a connection");
    SSL_set_verify(c->ssl, conf->insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    if (!tls_client_name(c->ssl, host, (struct addr){0}))
        return err_set(e, ERR_PARSE, "%.*s: not a name that a certificate can have", (int)host.n,
                       host.p);
    do
        rc = SSL_connect(c->ssl);
    while (rc != 1 && ssl_wait(c, rc, until_ms, NULL, &late));
    if (rc == 1)
        return ERR_OK;
    tls_client_why(c->ssl, why, sizeof why);
    return err_set(e, ERR_IO, "%.*s: TLS: %s", (int)host.n, host.p,
                   late ? "no answer in time" : why);
}

enum err_code alto_conn_open(const struct alto_call_conf *conf, const struct uri *to,
                             bool private_ok, struct alto_conn **out, struct err *e)
{
    const uint64_t until_ms = clock_ms() + conf->timeout_ms;
    struct alto_conn *c = calloc(1, sizeof *c);
    struct str bare = to->host;
    char host[256];
    enum err_code rc;

    *out = NULL;
    if (!c)
        return err_set(e, ERR_LIMIT, "no memory left for a connection");
    c->fd = -1;
    c->timeout_ms = conf->timeout_ms;
    if (bare.n > 2 && bare.p[0] == '[')
        bare = (struct str){bare.p + 1, bare.n - 2};
    snprintf(host, sizeof host, "%.*s", (int)bare.n, bare.p);
    rc = connect_name(host, to, private_ok, until_ms, &c->fd, e);
    if (rc == ERR_OK && to->tls)
        rc = shake_hands(c, conf, to->host, until_ms, e);
    if (rc != ERR_OK) {
        alto_conn_close(c);
        return rc;
    }
    *out = c;
    return ERR_OK;
}

void alto_conn_close(struct alto_conn *c)
{
    if (!c)
        return;
    SSL_free(c->ssl);
    if (c->fd >= 0)
        close(c->fd);
    free(c);
    ERR_clear_error();
}

static ssize_t write_some(struct alto_conn *c, struct str bytes, uint64_t until_ms)
{
    bool late;

    if (!c->ssl) {
        if (!wait_fd(c->fd, POLLOUT, until_ms, NULL)) {
            errno = ETIMEDOUT;
            return -1;
        }
        return send(c->fd, bytes.p, bytes.n, MSG_NOSIGNAL);
    }
    for (;;) {
        const int rc = SSL_write(c->ssl, bytes.p, bytes.n > INT32_MAX ? INT32_MAX : (int)bytes.n);

        if (rc > 0)
            return rc;
        if (!ssl_wait(c, rc, until_ms, NULL, &late)) {
            errno = late ? ETIMEDOUT : EPIPE;
            return -1;
        }
    }
}

enum err_code alto_conn_send(struct alto_conn *c, struct str bytes, struct err *e)
{
    const uint64_t until_ms = clock_ms() + c->timeout_ms;

    while (bytes.n) {
        const ssize_t n = write_some(c, bytes, until_ms);

        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n <= 0)
            return err_set_errno(e, "the request cannot be sent");
        bytes.p += n;
        bytes.n -= (size_t)n;
    }
    return ERR_OK;
}

static enum err_code too_late(struct err *e)
{
    return err_set(e, ERR_LIMIT, "no answer in time");
}

static enum err_code read_tls(struct alto_conn *c, uint64_t until_ms, const volatile bool *stop,
                              void *buf, size_t size, size_t *n, struct err *e)
{
    char why[160];
    bool late;

    for (;;) {
        const int rc = SSL_read(c->ssl, buf, size > INT32_MAX ? INT32_MAX : (int)size);

        if (rc > 0) {
            *n = (size_t)rc;
            return ERR_OK;
        }
        if (SSL_get_error(c->ssl, rc) == SSL_ERROR_ZERO_RETURN)
            return ERR_OK;
        if (ssl_wait(c, rc, until_ms, stop, &late))
            continue;
        if (late)
            return too_late(e);
        tls_client_why(c->ssl, why, sizeof why);
        return err_set(e, ERR_IO, "TLS: %s", why);
    }
}

enum err_code alto_conn_read(struct alto_conn *c, uint64_t until_ms, const volatile bool *stop,
                             void *buf, size_t size, size_t *n, struct err *e)
{
    *n = 0;
    if (c->ssl)
        return read_tls(c, until_ms, stop, buf, size, n, e);
    for (;;) {
        ssize_t got;

        if (!wait_fd(c->fd, POLLIN, until_ms, stop))
            return too_late(e);
        got = read(c->fd, buf, size);
        if (got >= 0) {
            *n = (size_t)got;
            return ERR_OK;
        }
        if (errno != EINTR && errno != EAGAIN)
            return err_set_errno(e, "the answer cannot be read");
    }
}

static enum err_code pass_stream(struct exchange *x, const struct alto_call_how *how, struct err *e)
{
    const struct str got = exchange_body(x);
    enum err_code rc = ERR_OK;

    if (x->ask.stream && (x->state == EXCHANGE_STREAM || x->state == EXCHANGE_DONE) &&
        how->stream && got.n) {
        rc = how->stream(how->ctx, got, e);
        exchange_taken(x);
    }
    return rc;
}

/* One connection's answer; the state is CONNECT again behind a redirect. */
static enum err_code converse(const struct alto_call_conf *conf, const struct alto_call_how *how,
                              struct alto_conn *c, struct exchange *x, struct err *e)
{
    enum err_code rc = alto_conn_send(c, exchange_request(x), e);
    char *buf = malloc(PIECE);

    if (!buf)
        rc = err_set(e, ERR_LIMIT, "no memory left for an answer");
    while (rc == ERR_OK && (x->state == EXCHANGE_ANSWER || x->state == EXCHANGE_STREAM)) {
        const uint64_t until_ms = how->until_ms ? how->until_ms : clock_ms() + conf->timeout_ms;
        size_t n;

        rc = alto_conn_read(c, until_ms, how->stop, buf, PIECE, &n, e);
        if (rc != ERR_OK)
            break;
        if (n)
            exchange_feed(x, buf, n);
        else
            exchange_closed(x, NULL);
        rc = pass_stream(x, how, e);
    }
    free(buf);
    return rc;
}

enum err_code alto_call(const struct alto_call_conf *conf, const struct exchange_ask *ask,
                        const struct alto_call_how *how, struct exchange *x, struct err *e)
{
    static const struct alto_call_how plain;
    enum err_code rc = ERR_OK;

    exchange_begin(x, ask);
    while (rc == ERR_OK && x->state == EXCHANGE_CONNECT) {
        struct alto_conn *c;

        rc = alto_conn_open(conf, &x->to, x->private_ok, &c, e);
        if (rc != ERR_OK)
            break;
        rc = converse(conf, how ? how : &plain, c, x, e);
        alto_conn_close(c);
    }
    if (rc == ERR_OK && x->state == EXCHANGE_FAILED)
        rc = err_set(e, x->e.code, "%s", x->e.text);
    return rc;
}
