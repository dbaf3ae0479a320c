#include "dns/dns_tcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "dns/dns_server.h"
#include "dns/dns_wire.h"

#define ACCEPTS_MAX     64u  /* a wake-up */
#define READS_MAX       8u   /* a wake-up of one connection */
#define LEAVE_MS        1000 /* for a client to close after us */
#define ACCEPT_PAUSE_MS 100  /* when the system has no descriptor left, and we none to give */

struct conn {
    TAILQ_ENTRY(conn) link;
    struct dns_tcp *tcp;
    struct event readable, writable;
    struct addr peer;
    uint64_t since_ms; /* of its last finished query or answer */
    int fd;
    bool eof, broken; /* no more queries come, or none will be listened to */
    bool leaving;     /* our side is closed; what still comes is thrown away */
    uint8_t *unsent;  /* NULL: all is sent */
    size_t unsent_at, unsent_len;
    size_t in_len;
    uint8_t in[2 + DNS_TCP_QUERY_MAX];
};

struct listener {
    SLIST_ENTRY(listener) link;
    struct dns_tcp *tcp;
    struct event readable, resume;
    int fd;
};

struct dns_tcp {
    struct event_base *base;
    const struct dns_conf *conf;
    struct turn *turn;
    void (*on_empty)(void *arg);
    void *on_empty_arg;
    SLIST_HEAD(listeners, listener) listeners;
    TAILQ_HEAD(conns, conn) conns, leaving; /* the longest idle first */
    size_t count;
    struct event idle; /* at the first deadline of both */
    bool draining;
    uint8_t out[2 * (2 + DNS_TCP_ANSWER_MAX)];
};

/* ---- connections and their deadlines ---- */

/* A deadline moves back without the timer: it finds nobody due then, and is armed again. */
static void arm_idle(struct dns_tcp *t)
{
    const struct conn *c = TAILQ_FIRST(&t->conns), *l = TAILQ_FIRST(&t->leaving);
    uint64_t now = t->turn->now_ms, due = UINT64_MAX;
    struct timeval tv;

    if (c)
        due = c->since_ms + t->conf->tcp_idle_ms;
    if (l && l->since_ms + LEAVE_MS < due)
        due = l->since_ms + LEAVE_MS;
    if (due == UINT64_MAX) {
        evtimer_del(&t->idle);
        return;
    }
    due = due > now ? due - now : 0;
    tv = (struct timeval){(time_t)(due / 1000), (suseconds_t)(due % 1000 * 1000 + 999)};
    evtimer_add(&t->idle, &tv);
}

static void conn_unlink(struct conn *c)
{
    struct dns_tcp *t = c->tcp;

    if (c->leaving)
        TAILQ_REMOVE(&t->leaving, c, link);
    else
        TAILQ_REMOVE(&t->conns, c, link);
}

static void conn_close(struct conn *c)
{
    struct dns_tcp *t = c->tcp;

    event_del(&c->readable);
    event_del(&c->writable);
    close(c->fd);
    conn_unlink(c);
    t->count--;
    metric_set(t->turn->metrics, METRIC_DNS_TCP_OPEN, t->count);
    free(c->unsent);
    free(c);
    if (t->draining && t->count == 0)
        t->on_empty(t->on_empty_arg);
}

static void conn_drop(struct conn *c)
{
    metric_add(c->tcp->turn->metrics, METRIC_DNS_TCP_DROPPED, 1);
    conn_close(c);
}

/* Ends a connection whose client may have sent more than we read: closing it now would reset it,
 * and a reset takes with it the answers that the client has not read yet. So our side is closed,
 * and the rest waits for the client's end. */
static void conn_leave(struct conn *c)
{
    struct dns_tcp *t = c->tcp;

    conn_unlink(c);
    c->leaving = true;
    c->since_ms = t->turn->now_ms;
    TAILQ_INSERT_TAIL(&t->leaving, c, link);
    event_del(&c->writable);
    event_add(&c->readable, NULL);
    shutdown(c->fd, SHUT_WR);
    arm_idle(t);
}

static void conn_touch(struct conn *c)
{
    struct dns_tcp *t = c->tcp;

    c->since_ms = t->turn->now_ms;
    TAILQ_REMOVE(&t->conns, c, link);
    TAILQ_INSERT_TAIL(&t->conns, c, link);
}

static void on_idle(evutil_socket_t fd, short what, void *arg)
{
    struct dns_tcp *t = arg;
    struct conn *c;

    (void)fd;
    (void)what;
    turn_begin(t->turn);
    // NOLINTNEXTLINE(clang-analyzer-unix.Malloc): conn_close unlinks before it frees
    while ((c = TAILQ_FIRST(&t->conns)) && c->since_ms + t->conf->tcp_idle_ms <= t->turn->now_ms)
        conn_drop(c);
    // NOLINTNEXTLINE(clang-analyzer-unix.Malloc): conn_close unlinks before it frees
    while ((c = TAILQ_FIRST(&t->leaving)) && c->since_ms + LEAVE_MS <= t->turn->now_ms)
        conn_close(c);
    arm_idle(t);
}

/* ---- answering ---- */

/* Sends n bytes, keeping what the system does not take. false: the connection is of no more use. */
static bool conn_send(struct conn *c, const uint8_t *p, size_t n)
{
    while (n) {
        ssize_t sent = send(c->fd, p, n, MSG_NOSIGNAL);

        if (sent >= 0) {
            p += sent;
            n -= (size_t)sent;
        } else if (errno == EAGAIN) {
            break;
        } else if (errno != EINTR) {
            return false;
        }
    }
    if (n == 0)
        return true;
    c->unsent = malloc(n);
    if (!c->unsent)
        return false;
    memcpy(c->unsent, p, n);
    c->unsent_at = 0;
    c->unsent_len = n;
    return true;
}

/* The next query of c->in from *at on, answered behind out bytes of the buffer. Returns the
 * answer's length with its head; 0: no whole query is there, or the connection is broken. */
static size_t answer_next(struct conn *c, size_t *at, size_t out)
{
    struct dns_tcp *t = c->tcp;
    size_t left = c->in_len - *at, len, n;

    if (c->broken || left < 2)
        return 0;
    len = dns_get_u16(c->in + *at);
    if (len >= DNS_HEADER_LEN && len <= DNS_TCP_QUERY_MAX && left - 2 < len)
        return 0;
    n = len < DNS_HEADER_LEN || len > DNS_TCP_QUERY_MAX
            ? 0
            : dns_answer(t->turn, t->conf, c->peer, true, c->in + *at + 2, len, t->out + out + 2,
                         DNS_TCP_ANSWER_MAX);
    if (n == 0) { /* no query: whatever follows, we do not understand each other */
        c->broken = true;
        return 0;
    }
    dns_put_u16_at(t->out + out, (unsigned)n);
    *at += 2 + len;
    return 2 + n;
}

/* Answers all whole queries that have been read, as far as the client takes the answers; a client
 * that does not is not read from either. false: it is over with the connection. */
static bool conn_work(struct conn *c)
{
    struct dns_tcp *t = c->tcp;
    size_t at = 0, out = 0;

    while (!c->unsent) {
        size_t n = sizeof t->out - out >= 2 + DNS_TCP_ANSWER_MAX ? answer_next(c, &at, out) : 0;

        out += n;
        if (n)
            continue;
        if (out == 0)
            break;
        if (!conn_send(c, t->out, out)) {
            conn_close(c);
            return false;
        }
        out = 0;
        conn_touch(c);
    }
    c->in_len -= at;
    memmove(c->in, c->in + at, c->in_len);
    if (c->unsent) {
        event_del(&c->readable);
        event_add(&c->writable, NULL);
        return true;
    }
    if (c->eof) {
        conn_close(c);
    } else if (c->broken || t->draining) {
        metric_add(t->turn->metrics, METRIC_DNS_TCP_DROPPED, c->broken);
        conn_leave(c);
    } else {
        return true;
    }
    return false;
}

static void on_leaving(struct conn *c)
{
    for (unsigned i = 0; i < READS_MAX; i++) {
        ssize_t n = recv(c->fd, c->in, sizeof c->in, 0);

        if (n > 0 || (n < 0 && errno == EINTR))
            continue;
        if (n == 0 || errno != EAGAIN)
            conn_close(c);
        return;
    }
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct conn *c = arg;
    struct dns_tcp *t = c->tcp;

    (void)what;
    turn_begin(t->turn);
    if (c->leaving) {
        on_leaving(c);
        return;
    }
    for (unsigned i = 0; i < READS_MAX && !c->unsent; i++) {
        size_t room = sizeof c->in - c->in_len;
        ssize_t n = recv(fd, c->in + c->in_len, room, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0) {
            conn_close(c);
            return;
        }
        c->in_len += (size_t)n;
        c->eof = n == 0;
        if (!conn_work(c) || (size_t)n < room)
            return;
    }
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct conn *c = arg;
    uint8_t *unsent = c->unsent;

    (void)fd;
    (void)what;
    turn_begin(c->tcp->turn);
    c->unsent = NULL;
    if (!conn_send(c, unsent + c->unsent_at, c->unsent_len - c->unsent_at)) {
        free(unsent);
        conn_close(c);
        return;
    }
    free(unsent);
    if (c->unsent)
        return; /* no progress that counts: only an answer taken whole keeps a connection */
    event_del(&c->writable);
    conn_touch(c);
    if (conn_work(c) && !c->unsent)
        event_add(&c->readable, NULL);
}

/* ---- accepting ---- */

static void conn_new(struct dns_tcp *t, int fd, struct addr peer)
{
    struct conn *c = malloc(sizeof *c);

    if (!c) {
        close(fd);
        return;
    }
    *c = (struct conn){.tcp = t, .peer = peer, .since_ms = t->turn->now_ms, .fd = fd};
    event_assign(&c->readable, t->base, fd, EV_READ | EV_PERSIST, on_readable, c);
    event_assign(&c->writable, t->base, fd, EV_WRITE | EV_PERSIST, on_writable, c);
    if (event_add(&c->readable, NULL) < 0) {
        close(fd);
        free(c);
        return;
    }
    TAILQ_INSERT_TAIL(&t->conns, c, link);
    t->count++;
    metric_add(t->turn->metrics, METRIC_DNS_TCP_ACCEPTED, 1);
    metric_set(t->turn->metrics, METRIC_DNS_TCP_OPEN, t->count);
    arm_idle(t);
}

/* Those first that we are done with. */
static bool conn_make_room(struct dns_tcp *t)
{
    struct conn *c = TAILQ_FIRST(&t->leaving);

    if (c) {
        // NOLINTNEXTLINE(clang-analyzer-unix.Malloc): conn_close unlinks before it frees
        conn_close(c);
        return true;
    }
    c = TAILQ_FIRST(&t->conns);
    if (c)
        // NOLINTNEXTLINE(clang-analyzer-unix.Malloc): conn_close unlinks before it frees
        conn_drop(c);
    return c;
}

/* No descriptor is left for the connection that waits: the longest idle one makes room, or else
 * we look again in a while instead of spinning. */
static void accept_starved(struct listener *l)
{
    const struct timeval pause = {0, ACCEPT_PAUSE_MS * 1000};

    if (conn_make_room(l->tcp))
        return;
    event_del(&l->readable);
    evtimer_add(&l->resume, &pause);
}

static void on_resume(evutil_socket_t fd, short what, void *arg)
{
    struct listener *l = arg;

    (void)fd;
    (void)what;
    event_add(&l->readable, NULL);
}

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
    struct listener *l = arg;
    struct dns_tcp *t = l->tcp;

    (void)what;
    turn_begin(t->turn);
    for (unsigned i = 0; i < ACCEPTS_MAX; i++) {
        struct sockaddr_storage ss;
        socklen_t len = sizeof ss;
        struct addr peer;
        int s = accept4(fd, (struct sockaddr *)&ss, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (s < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                accept_starved(l);
            else if (errno == ECONNABORTED || errno == EINTR)
                continue;
            return;
        }
        if (!addr_from_sockaddr((struct sockaddr *)&ss, &peer, NULL)) {
            close(s);
            continue;
        }
        /* RFC 7766 section 6.2.3 lets a server close idle connections whenever it is short. */
        if (t->count >= t->conf->tcp_connections_max)
            conn_make_room(t);
        conn_new(t, s, peer);
    }
}

/* ---- the whole ---- */

struct dns_tcp *dns_tcp_new(struct event_base *base, const struct dns_conf *conf, struct turn *turn,
                            void (*on_empty)(void *arg), void *arg)
{
    struct dns_tcp *t = calloc(1, sizeof *t);

    if (!t)
        return NULL;
    t->base = base;
    t->conf = conf;
    t->turn = turn;
    t->on_empty = on_empty;
    t->on_empty_arg = arg;
    SLIST_INIT(&t->listeners);
    TAILQ_INIT(&t->conns);
    TAILQ_INIT(&t->leaving);
    evtimer_assign(&t->idle, base, on_idle, t);
    return t;
}

enum err_code dns_tcp_listen(struct dns_tcp *t, int fd, struct err *e)
{
    struct listener *l = calloc(1, sizeof *l);
    const int on = 1;

    if (!l) {
        close(fd);
        return err_set(e, ERR_LIMIT, "no memory for a DNS listener");
    }
    l->tcp = t;
    l->fd = fd;
    /* What is accepted inherits it: answers are small and must not wait for an acknowledgement. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    event_assign(&l->readable, t->base, fd, EV_READ | EV_PERSIST, on_accept, l);
    evtimer_assign(&l->resume, t->base, on_resume, l);
    if (event_add(&l->readable, NULL) < 0) {
        close(fd);
        free(l);
        return err_set(e, ERR_LIMIT, "no room for a DNS listener in the event loop");
    }
    SLIST_INSERT_HEAD(&t->listeners, l, link);
    return ERR_OK;
}

size_t dns_tcp_connections(const struct dns_tcp *t)
{
    return t->count;
}

static void listeners_close(struct dns_tcp *t)
{
    struct listener *l;

    while ((l = SLIST_FIRST(&t->listeners))) {
        SLIST_REMOVE_HEAD(&t->listeners, link);
        event_del(&l->readable);
        evtimer_del(&l->resume);
        close(l->fd);
        free(l);
    }
}

void dns_tcp_drain(struct dns_tcp *t)
{
    struct conn *next;

    listeners_close(t);
    t->draining = true;
    for (struct conn *c = TAILQ_FIRST(&t->conns); c; c = next) {
        next = TAILQ_NEXT(c, link);
        if (!c->unsent)
            conn_leave(c);
    }
}

void dns_tcp_free(struct dns_tcp *t)
{
    struct conn *c;

    if (!t)
        return;
    listeners_close(t);
    t->draining = false;
    while ((c = TAILQ_FIRST(&t->conns)) || (c = TAILQ_FIRST(&t->leaving)))
        // NOLINTNEXTLINE(clang-analyzer-unix.Malloc): conn_close unlinks before it frees
        conn_close(c);
    evtimer_del(&t->idle);
    free(t);
}
