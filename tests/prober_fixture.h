/* A prober, a server in the same loop, and views made by hand. */
#pragma once

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/clock.h"
#include "base/net.h"
#include "router/profile.h"
#include "router/prober.h"

/* A server of one answer, in the same loop as the prober: what comes is kept, `answer` goes out. */
struct server {
    struct event_base *base;
    int listen_fd;
    uint16_t port;
    struct event *on_accept;
    struct str answer; /* n 0: silence */
    struct {
        const char *path; /* NULL: behind the last */
        struct str answer;
    } pages[4];                           /* what is answered there instead */
    struct str (*make)(const char *path); /* makes the answers of the pages; NULL: as they stand */
    SSL_CTX *tls;                         /* NULL: in the clear */
    bool close_first;                     /* at once, without an answer */
    bool drip;                            /* the answer a byte at a time, over and over */
    bool stop_reading;                    /* accept and look away */
    unsigned accepted;
    char request[1024]; /* the last one */
    struct conn {
        struct server *server;
        int fd;
        SSL *tls;
        struct event *io, *tick;
        size_t dripped;
    } conns[64]; /* the last ones; older are closed */
};

static inline void conn_close(struct conn *c)
{
    if (!c->io)
        return;
    event_free(c->io);
    event_free(c->tick);
    SSL_free(c->tls);
    c->tls = NULL;
    close(c->fd);
    c->io = NULL;
}

static inline void on_drip(evutil_socket_t fd, short what, void *arg)
{
    struct conn *c = arg;

    (void)fd;
    (void)what;
    if (send(c->fd, c->server->answer.p + c->dripped % c->server->answer.n, 1, MSG_NOSIGNAL) < 0)
        conn_close(c);
    else
        c->dripped++;
}

/* What is answered to a request. */
static inline struct str answer_to(const struct server *s, const char *request)
{
    for (unsigned i = 0; i < 4 && s->pages[i].path; i++) {
        char line[128];

        snprintf(line, sizeof line, "GET %s HTTP/1.1\r\n", s->pages[i].path);
        if (strncmp(request, line, strlen(line)) == 0)
            return s->make ? s->make(s->pages[i].path) : s->pages[i].answer;
    }
    return s->answer;
}

/* -1: nothing yet; 0: it is over. */
static inline ssize_t conn_recv(struct conn *c, char *buf, size_t size)
{
    size_t n = 0;
    int ret;

    if (!c->tls)
        return recv(c->fd, buf, size, 0);
    ERR_clear_error();
    ret = SSL_read_ex(c->tls, buf, size, &n); /* shakes hands by the way */
    if (ret == 1)
        return (ssize_t)n;
    ret = SSL_get_error(c->tls, ret);
    return ret == SSL_ERROR_WANT_READ || ret == SSL_ERROR_WANT_WRITE ? -1 : 0;
}

static inline void on_request(evutil_socket_t fd, short what, void *arg)
{
    struct conn *c = arg;
    struct server *s = c->server;
    ssize_t n = conn_recv(c, s->request, sizeof s->request - 1);
    const struct timeval often = {.tv_usec = 5000};
    struct str answer;

    (void)what;
    if (n < 0 && c->tls)
        return;
    if (n <= 0) {
        conn_close(c);
        return;
    }
    s->request[n] = '\0';
    answer = answer_to(s, s->request);
    if (answer.n == 0)
        return;
    if (s->drip) {
        event_add(c->tick, &often);
        return;
    }
    if (c->tls) {
        ck_assert_int_gt(SSL_write(c->tls, answer.p, (int)answer.n), 0);
        SSL_shutdown(c->tls);
    } else {
        ck_assert(send(fd, answer.p, answer.n, MSG_NOSIGNAL) >= 0 || errno != EAGAIN);
    }
    conn_close(c);
}

static inline void on_accept(evutil_socket_t fd, short what, void *arg)
{
    struct server *s = arg;
    struct conn *c = &s->conns[s->accepted % 64];

    (void)what;
    conn_close(c);
    *c = (struct conn){.server = s, .fd = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)};
    if (c->fd < 0)
        return;
    s->accepted++;
    if (s->close_first) {
        close(c->fd);
        return;
    }
    c->io = event_new(s->base, c->fd, EV_READ | EV_PERSIST, on_request, c);
    c->tick = event_new(s->base, -1, EV_PERSIST, on_drip, c);
    if (s->tls) {
        c->tls = SSL_new(s->tls);
        ck_assert(c->tls && SSL_set_fd(c->tls, c->fd) == 1);
        SSL_set_accept_state(c->tls);
    }
    if (!s->stop_reading)
        event_add(c->io, NULL);
}

static inline struct addr loopback(bool v6)
{
    return v6 ? (struct addr){0, 1} : addr_from_v4(0x7f000001);
}

static inline bool server_listen(struct server *s, bool v6, uint16_t port)
{
    struct err e = {0};

    if (net_listen_tcp((struct listen_addr){loopback(v6), port}, 16, &s->listen_fd, &e) != ERR_OK)
        return false;
    s->port = net_local_port(s->listen_fd);
    s->on_accept = event_new(s->base, s->listen_fd, EV_READ | EV_PERSIST, on_accept, s);
    event_add(s->on_accept, NULL);
    return true;
}

static inline void server_close(struct server *s)
{
    for (unsigned i = 0; i < 64; i++)
        conn_close(&s->conns[i]);
    if (s->on_accept) {
        event_free(s->on_accept);
        close(s->listen_fd);
    }
    s->on_accept = NULL;
}

/* A test's world: loop, live words, prober, and views made by hand. */
static struct event_base *base;
static struct live *live;
static struct prober *prober;
static struct server server;
static char changes[4096]; /* "name v4 up: why\n" each */
static unsigned change_count;
static struct metrics metrics;

static inline void on_change(void *arg, struct str streamer, bool v6, enum health now,
                             const char *why)
{
    const size_t n = strlen(changes);

    ck_assert_ptr_eq(arg, &server);
    snprintf(changes + n, sizeof changes - n, "%.*s %s %s: %s\n", (int)streamer.n, streamer.p,
             v6 ? "v6" : "v4", health_name(now), why);
    change_count++;
}

#define STREAMERS 4

struct world {
    struct streamer_conf conf[STREAMERS];
    struct view_streamer streamer[STREAMERS];
    struct view view;
    const struct profile_conf *profile; /* of those that are polled */
};

/* Static, for the prober holds the last one until the teardown. */
static struct world worlds[3];

static inline void setup(void)
{
    memset(worlds, 0, sizeof worlds);
    base = event_base_new();
    live = live_new();
    changes[0] = '\0';
    change_count = 0;
    server = (struct server){.base = base, .answer = STR("HTTP/1.1 200 OK\r\n\r\n")};
    prober = prober_new(base, live, on_change, &server);
    ck_assert(base && live && prober);
    memset(&metrics, 0, sizeof metrics);
    prober_count_in(prober, &metrics);
}

static inline void teardown(void)
{
    prober_free(prober);
    server_close(&server);
    live_free(live);
    event_base_free(base);
}

static inline struct streamer_conf streamer(const char *name, enum probe_type type)
{
    return (struct streamer_conf){.name = str_from(name),
                                  .can = STREAMER_V4 | STREAMER_HTTP,
                                  .v4 = loopback(false),
                                  .v6 = loopback(true),
                                  .http_port = server.port,
                                  .probe = {.type = type,
                                            .status_min = 200,
                                            .status_max = 399,
                                            .interval_ms = 20,
                                            .timeout_ms = 15,
                                            .up_after = 2,
                                            .down_after = 3}};
}

/* conf[0..n) must be sorted by name, as a view's are. */
static inline void world_set(struct world *w, sidx n)
{
    struct err e = {0};

    for (sidx i = 0; i < n; i++) {
        w->streamer[i] = (struct view_streamer){.conf = &w->conf[i],
                                                .live = live_slot(live, w->conf[i].name),
                                                .session_s = 600,
                                                .profile = w->profile};
        ck_assert_uint_ne(w->streamer[i].live, LIVE_NONE);
    }
    w->view.streamers = w->streamer;
    w->view.streamer_count = n;
    atomic_store(&w->view.refs, 1); /* the test's own: it never goes */
    ck_assert_msg(prober_set(prober, &w->view, &e) == ERR_OK, "%s", e.text);
    ck_assert_uint_eq(atomic_load(&w->view.refs), 2);
}

static inline enum health word(const char *name, bool v6)
{
    return live_health_of(live_health_get(live, live_slot(live, str_from(name))), v6);
}

typedef bool condition_fn(void);

static inline void run_until(condition_fn *done, const char *what)
{
    const uint64_t until = clock_ms() + 10000;

    while (!done()) {
        const struct timeval soon = {.tv_usec = 10000};

        ck_assert_msg(clock_ms() < until, "never: %s; changes so far: %s", what, changes);
        event_base_loopexit(base, &soon);
        event_base_loop(base, EVLOOP_ONCE);
    }
}
