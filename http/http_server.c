#include "http/http_server.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/log.h"
#include "http/http_pool.h"
#include "http/http_stream.h"

#define ACCEPT_BATCH 64u  /* connections a wake-up: others get their turn in between */
#define TICK_MIN_MS  10u  /* deadlines are noticed within an eighth of the shortest time-out, ... */
#define TICK_MAX_MS  250u /* ... within these bounds */

void http_conf_default(struct http_conf *c)
{
    *c = (struct http_conf){.header_bytes_max = 16384,
                            .body_bytes_max = 1 << 20,
                            .request_timeout_ms = 10000,
                            .idle_timeout_ms = 60000,
                            .write_bytes_max = 256 * 1024,
                            .write_timeout_ms = 15000,
                            .connections_max = 10000};
}

/* ---- deadlines ---- */

static uint32_t tick_of(const struct http_conf *c)
{
    uint32_t ms = c->request_timeout_ms;

    if (c->idle_timeout_ms < ms)
        ms = c->idle_timeout_ms;
    if (c->write_timeout_ms < ms)
        ms = c->write_timeout_ms;
    ms /= 8;
    return ms < TICK_MIN_MS ? TICK_MIN_MS : ms > TICK_MAX_MS ? TICK_MAX_MS : ms;
}

static void on_expired(void *arg, struct http_timer *t)
{
    (void)arg;
    http_conn_expire((struct http_conn *)t);
}

static void tick_update(struct http_server *s)
{
    const bool need = s->connections || s->accept_paused;
    const uint64_t ms = s->wheel.tick_ms;
    const struct timeval every = {.tv_sec = (time_t)(ms / 1000),
                                  .tv_usec = (suseconds_t)(ms % 1000 * 1000)};

    if (need == s->ticking)
        return;
    s->ticking = need;
    if (need)
        event_add(s->tick, &every);
    else
        event_del(s->tick);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct http_server *s = arg;

    (void)fd;
    (void)what;
    turn_begin(s->turn);
    http_wheel_advance(&s->wheel, s->turn->now_ms, on_expired, s);
    if (s->accept_paused) {
        s->accept_paused = false;
        for (struct http_listener *l = s->listeners; l; l = l->next)
            event_add(l->event, NULL);
    }
    tick_update(s);
}

void http_server_count(struct http_server *s, int change)
{
    s->connections += (size_t)change;
    metric_set(s->turn->metrics, METRIC_HTTP_CONNECTIONS, s->connections);
    tick_update(s);
    if (s->draining && s->connections == 0)
        event_active(s->idle, 0, 0);
}

/* From the loop, so that the owner may free the server in it. */
static void on_idle(evutil_socket_t fd, short what, void *arg)
{
    struct http_server *s = arg;

    (void)fd;
    (void)what;
    if (s->connections == 0 && s->on_idle)
        s->on_idle(s->on_idle_arg);
}

/* ---- mounts ---- */

/* The most exact host first, then the longest path. */
static int mount_cmp(const void *a, const void *b)
{
    const struct http_mount_conf *x = a, *y = b;

    if (!x->host.n != !y->host.n)
        return x->host.n ? -1 : 1;
    return (x->path.n < y->path.n) - (x->path.n > y->path.n);
}

bool http_server_mount_conf(struct http_server *s, const struct http_mount_conf *conf)
{
    struct str host = conf->host, path = conf->path;
    struct http_mount_conf *m = realloc(s->mounts, (s->mount_count + 1) * sizeof *m);
    char *text;

    if (!m)
        return false;
    s->mounts = m;
    text = malloc(host.n + path.n + 1);
    if (!text)
        return false;
    while (path.n && path.p[path.n - 1] == '/') /* "/" takes all: every path goes on with a slash */
        path.n--;
    if (host.n)
        memcpy(text, host.p, host.n);
    if (path.n)
        memcpy(text + host.n, path.p, path.n);
    m[s->mount_count] = *conf;
    m[s->mount_count].host = (struct str){text, host.n};
    m[s->mount_count].path = (struct str){text + host.n, path.n};
    qsort(m, ++s->mount_count, sizeof *m, mount_cmp);
    return true;
}

bool http_server_mount(struct http_server *s, struct str host, struct str path, handler_fn *fn,
                       void *ctx)
{
    const struct http_mount_conf m = {.host = host, .path = path, .fn = fn, .ctx = ctx};

    return http_server_mount_conf(s, &m);
}

static uint32_t body_bytes_max_of(void *ctx, const struct http_request *head)
{
    const struct http_server *s = ctx;
    const struct http_mount_conf *m = http_server_find(s, head->host, head->path);

    return m && m->body_bytes_max ? m->body_bytes_max : s->conf->body_bytes_max;
}

static bool path_below(struct str path, struct str prefix)
{
    return path.n >= prefix.n && (prefix.n == 0 || memcmp(path.p, prefix.p, prefix.n) == 0) &&
           (path.n == prefix.n || path.p[prefix.n] == '/');
}

const struct http_mount_conf *http_server_find(const struct http_server *s, struct str host,
                                               struct str path)
{
    for (size_t i = 0; i < s->mount_count; i++) {
        const struct http_mount_conf *m = &s->mounts[i];

        if ((m->host.n == 0 || str_eq(m->host, host)) && path_below(path, m->path))
            return m;
    }
    return NULL;
}

/* ---- accepting ---- */

static void accept_pause(struct http_server *s)
{
    log_warn("event=http.accept_paused connections=%zu reason=\"%s\"", s->connections,
             strerror(errno));
    s->accept_paused = true;
    for (struct http_listener *l = s->listeners; l; l = l->next)
        event_del(l->event);
    tick_update(s);
}

static void turn_away(struct http_server *s, int fd, bool plain)
{
    static const char text[] = "HTTP/1.1 503 Service Unavailable\r\nServer: waymark\r\n"
                               "Retry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

    metric_add(s->turn->metrics, METRIC_HTTP_REFUSED_FULL, 1);
    if (plain)
        (void)!send(fd, text, sizeof text - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    close(fd);
}

static void admit(struct http_listener *l, int fd, const struct sockaddr *sa)
{
    struct http_server *s = l->server;
    struct addr peer = {0, 0};
    uint16_t port = 0;

    metric_add(s->turn->metrics, METRIC_HTTP_ACCEPTED, 1);
    (void)addr_from_sockaddr(sa, &peer, &port); /* a UNIX socket's peer is :: */
    if (s->connections >= s->conf->connections_max) {
        turn_away(s, fd, !l->tls);
        return;
    }
    if (s->clients && !http_clients_take(s->clients, peer, s->conf->connections_per_client)) {
        metric_add(s->turn->metrics, METRIC_HTTP_REFUSED_CLIENT, 1);
        close(fd);
        return;
    }
    http_conn_open(s, fd, peer, port, l->tls);
}

/* false: nobody waits any more. */
static bool accept_one(struct http_listener *l)
{
    struct sockaddr_storage ss;
    socklen_t len = sizeof ss;
    int fd = accept4(l->fd, (struct sockaddr *)&ss, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd >= 0) {
        admit(l, fd, (struct sockaddr *)&ss);
        return true;
    }
    switch (errno) {
    case EAGAIN:
        return false;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
        if (!l->server->draining)
            accept_pause(l->server);
        return false;
    default: /* that client is gone already, or a signal came: accept(2) */
        return errno != EBADF && errno != EINVAL && errno != ENOTSOCK;
    }
}

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
    struct http_listener *l = arg;

    (void)fd;
    (void)what;
    turn_begin(l->server->turn);
    for (unsigned i = 0; i < ACCEPT_BATCH && accept_one(l); i++)
        ;
}

void http_server_tls_set(struct http_server *s, struct ssl_ctx_st *tls)
{
    for (struct http_listener *l = s->listeners; l; l = l->next)
        if (l->tls)
            l->tls = tls;
}

enum err_code http_server_listen(struct http_server *s, int fd, struct ssl_ctx_st *tls,
                                 struct err *e)
{
    const int on = 1, seconds = 1;
    struct http_listener *l = calloc(1, sizeof *l);

    if (!l)
        return err_set(e, ERR_LIMIT, "no memory for a listening socket");
    *l = (struct http_listener){.server = s, .tls = tls, .fd = fd, .next = s->listeners};
    l->event = event_new(s->base, fd, EV_READ | EV_PERSIST, on_accept, l);
    if (!l->event || event_add(l->event, NULL) < 0) {
        if (l->event)
            event_free(l->event);
        free(l);
        return err_set(e, ERR_LIMIT, "no memory for a listening socket");
    }
    s->listeners = l;
    /* Accepted sockets inherit both. An answer is one write, so waiting to fill a segment only
     * delays it. A connection is handed over together with its first bytes (after a second, without
     * them), which saves an event, a read and their registration for each. A UNIX socket has
     * neither. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds);
    return ERR_OK;
}

/* ---- life ---- */

struct http_server *http_server_new(struct event_base *base, const struct http_conf *conf,
                                    struct turn *turn)
{
    struct http_server *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->base = base;
    s->conf = conf;
    s->turn = turn;
    s->limits = (struct http_limits){.header_bytes_max = conf->header_bytes_max,
                                     .body_bytes_max = conf->body_bytes_max,
                                     .body_bytes_max_of = body_bytes_max_of,
                                     .ctx = s};
    http_wheel_init(&s->wheel, tick_of(conf), clock_ms());
    s->tick = event_new(base, -1, EV_PERSIST, on_tick, s);
    s->idle = event_new(base, -1, 0, on_idle, s);
    s->out = calloc(1, sizeof *s->out);
    if (conf->connections_per_client)
        s->clients = http_clients_new(conf->connections_max);
    if (!s->tick || !s->idle || !s->out || http_streams_init(s) != ERR_OK ||
        (conf->connections_per_client && !s->clients)) {
        http_server_free(s);
        return NULL;
    }
    return s;
}

static void listeners_close(struct http_server *s)
{
    while (s->listeners) {
        struct http_listener *l = s->listeners;

        s->listeners = l->next;
        event_free(l->event);
        close(l->fd);
        free(l);
    }
}

static void drain_one(void *arg, struct http_timer *t)
{
    struct http_conn *c = (struct http_conn *)t;

    (void)arg;
    if (c->wait == HTTP_WAIT_IDLE || c->wait == HTTP_WAIT_HANDSHAKE)
        http_conn_close(c);
    else if (http_stream_is_open(c))
        http_stream_retire(c);
}

void http_server_drain(struct http_server *s, void (*fn)(void *arg), void *arg)
{
    turn_begin(s->turn);
    s->on_idle = fn;
    s->on_idle_arg = arg;
    s->draining = true;
    /* Whoever was let in by the kernel gets an answer; closing would reset them. */
    for (struct http_listener *l = s->listeners; l; l = l->next)
        for (unsigned i = 0; i < s->conf->connections_max && accept_one(l); i++)
            ;
    listeners_close(s);
    s->accept_paused = false;
    http_wheel_each(&s->wheel, drain_one, s);
    tick_update(s);
    if (s->connections == 0)
        event_active(s->idle, 0, 0);
}

size_t http_server_connections(const struct http_server *s)
{
    return s->connections;
}

static void close_one(void *arg, struct http_timer *t)
{
    (void)arg;
    http_conn_close((struct http_conn *)t);
}

void http_server_free(struct http_server *s)
{
    if (!s)
        return;
    listeners_close(s);
    s->draining = false;
    http_wheel_each(&s->wheel, close_one, s);
    if (s->tick)
        event_free(s->tick);
    if (s->idle)
        event_free(s->idle);
    http_streams_fini(s);
    if (s->out) {
        http_out_fini(s->out);
        free(s->out);
    }
    http_pools_free(s);
    http_clients_free(s->clients);
    for (size_t i = 0; i < s->mount_count; i++) {
        union {
            const char *in;
            char *out;
        } text = {.in = s->mounts[i].host.p}; /* ours: http_server_mount made it */

        free(text.out);
    }
    free(s->mounts);
    free(s);
}
