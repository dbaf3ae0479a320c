#include "router/probe_internal.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

/* A deadline that comes later than this behind its time came late because the loop was busy with
 * something else, and so may have been the answer: such a probe says nothing. */
#define STALL_US 250000u

void probe_cancel(struct probe *p)
{
    if (!p)
        return;
    if (p->io)
        event_free(p->io);
    if (p->deadline)
        event_free(p->deadline);
    probe_tls_fini(p);
    if (p->fd >= 0)
        close(p->fd);
    bytes_free(&p->request);
    bytes_free(&p->origin);
    bytes_free(&p->body);
    free(p);
}

void probe_finish(struct probe *p, enum probe_verdict verdict, const char *fmt, ...)
{
    struct probe_result r = {.verdict = verdict};
    uint64_t took_us = clock_us() - p->start_us;
    struct http_value type = p->answer.kept[HTTP_CONTENT_TYPE];
    struct bytes body = p->body;
    probe_done_fn *done = p->done;
    void *arg = p->arg;
    size_t n;
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(r.why, sizeof r.why - 32, fmt, ap);
    va_end(ap);
    n = strlen(r.why);
    snprintf(r.why + n, sizeof r.why - n, " in %" PRIu64 " ms", took_us / 1000);
    p->body = (struct bytes){0};
    if (p->want_body && verdict == PROBE_GOOD)
        r.body = (struct str){body.data, body.len};
    r.content_type = (struct str){type.text, type.n};
    probe_cancel(p);
    done(arg, &r);
    bytes_free(&body);
}

void probe_finish_errno(struct probe *p, int error)
{
    const char *text = strerrordesc_np(error);
    char why[80];

    snprintf(why, sizeof why, "%s", text ? text : "unknown error");
    if (!isupper((unsigned char)why[1])) /* "I/O error" stays */
        why[0] = (char)tolower((unsigned char)why[0]);
    switch (error) {
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
    case EADDRNOTAVAIL: /* no local port left */
        probe_finish(p, PROBE_NOTHING, "not asked (%s)", why);
        return;
    default:
        probe_finish(p, PROBE_BAD, "%s", why);
    }
}

void probe_wait(struct probe *p, short what, event_callback_fn fn)
{
    if (p->io)
        event_free(p->io);
    p->waits = what;
    p->io = event_new(p->base, p->fd, (short)(what | EV_PERSIST), fn, p);
    if (!p->io || event_add(p->io, NULL) < 0)
        probe_finish_errno(p, ENOMEM);
}

static int set_deadline(struct probe *p, uint64_t in_us)
{
    const struct timeval in = {.tv_sec = (time_t)(in_us / 1000000),
                               .tv_usec = (suseconds_t)(in_us % 1000000)};

    return event_add(p->deadline, &in);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
    struct probe *p = arg;
    const uint64_t due_us = p->start_us + (uint64_t)p->timeout_ms * 1000, now = clock_us();

    (void)fd;
    (void)what;
    /* libevent counts from when its turn began, which is before the probe did. */
    if (now < due_us && set_deadline(p, due_us - now) == 0)
        return;
    if (now > due_us + STALL_US)
        probe_finish(p, PROBE_NOTHING, "not judged (this side was busy)");
    else
        probe_finish(p, PROBE_BAD, "no %s", p->phase);
}

static void on_connected(evutil_socket_t fd, short what, void *arg)
{
    struct probe *p = arg;
    int error = p->failed;
    socklen_t len = sizeof error;

    (void)what;
    if (!error && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        error = errno;
    if (error)
        probe_finish_errno(p, error);
    else if (p->type == PROBE_HTTP)
        probe_http_begin(p);
    else if (p->type == PROBE_HTTPS)
        probe_tls_begin(p);
    else
        probe_finish(p, PROBE_GOOD, "connected");
}

static int open_and_connect(struct probe *p, const struct probe_ask *ask)
{
    struct sockaddr_storage to;
    socklen_t len = addr_to_sockaddr(ask->addr, ask->port, &to);

    p->fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (p->fd < 0 || (connect(p->fd, (struct sockaddr *)&to, len) < 0 && errno != EINPROGRESS))
        return errno;
    return 0;
}

static bool init_talk(struct probe *p, const struct probe_ask *ask)
{
    if (p->type == PROBE_HTTPS && !probe_tls_init(p, ask))
        return false;
    return p->type == PROBE_TCP || probe_http_init(p, ask);
}

struct probe *probe_start(struct event_base *base, const struct probe_ask *ask, probe_done_fn *done,
                          void *arg)
{
    struct probe *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->base = base;
    p->done = done;
    p->arg = arg;
    p->type = ask->conf->type;
    p->status_min = ask->conf->status_min;
    p->status_max = ask->conf->status_max;
    p->timeout_ms = ask->conf->timeout_ms;
    p->phase = "connection";
    p->start_us = clock_us();
    p->failed = open_and_connect(p, ask);
    p->deadline = evtimer_new(base, on_deadline, p);
    p->io = event_new(base, p->fd, EV_WRITE, on_connected, p);
    if (!init_talk(p, ask) || !p->deadline || !p->io ||
        set_deadline(p, (uint64_t)p->timeout_ms * 1000) < 0 ||
        (!p->failed && event_add(p->io, NULL) < 0)) {
        probe_cancel(p);
        return NULL;
    }
    if (p->failed) /* told from the loop, as every other end */
        event_active(p->io, EV_WRITE, 0);
    return p;
}
