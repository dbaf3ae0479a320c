#include "http/http_conn.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "http/http_forwarded.h"
#include "http/http_io.h"
#include "http/http_pool.h"
#include "http/http_stream.h"
#include "http/http_tls.h"

#define FLUSH_AT   65536u  /* copied bytes of a pipeline that are sent before it goes on */
#define TURN_BYTES 524288u /* one client's share of a turn: others wait while it is copied */
#define VECTORS    16u
#define FAR_MS     3600000u /* no deadline; every connection stands in the wheel all the same */
#define LOOK_MS    1000u

/* ---- waiting ---- */

static void count(struct http_conn *c, enum metric id)
{
    metric_add(c->server->turn->metrics, id, 1);
}

static void wait_for(struct http_conn *c, enum http_wait wait, uint32_t ms)
{
    c->wait = wait;
    http_wheel_set(&c->server->wheel, &c->timer, c->server->turn->now_ms + ms);
}

void http_conn_close(struct http_conn *c)
{
    struct http_server *s = c->server;
    const struct http_flow flow = c->flow;

    if (c->reading)
        event_del(&c->read_event);
    if (c->writing)
        event_del(&c->write_event);
    http_wheel_remove(&c->timer);
    http_stream_unmark(c);
    http_io_close(c);
    close(c->fd);
    http_pool_in_give(c);
    if (c->out)
        http_pool_out_give(s, c->out);
    if (s->clients)
        http_clients_give(s->clients, c->peer);
    http_pool_conn_give(s, c);
    http_server_count(s, -1);
    http_stream_gone(&flow);
}

/* What the kernel still holds for a client that does not read goes, too. */
static void conn_reset(struct http_conn *c)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};

    (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    http_conn_close(c);
}

/* ---- writing ---- */

/* Sends what it can, and what is fair; false when the connection broke. */
static bool out_send(struct http_conn *c, struct http_out *o)
{
    for (size_t total = 0; total < TURN_BYTES;) {
        struct iovec v[VECTORS];
        unsigned n = http_out_vectors(o, v, VECTORS, TURN_BYTES - total);
        size_t asked = 0;
        ssize_t sent;

        if (n == 0)
            return true;
        for (unsigned i = 0; i < n; i++)
            asked += v[i].iov_len;
        sent = http_io_send(c, v, n);
        if (sent == HTTP_IO_AGAIN)
            return true;
        if (sent < 0)
            return false;
        http_out_advance(o, (size_t)sent);
        total += (size_t)sent;
        c->server->sent += (size_t)sent;
        if (c->wait == HTTP_WAIT_WRITE) /* progress */
            wait_for(c, HTTP_WAIT_WRITE, c->server->conf->write_timeout_ms);
        if ((size_t)sent < asked && !c->ssl)
            return true;
    }
    return true;
}

/* The queue that answers go to: the server's, unless the client is behind with reading. */
static struct http_out *out_of(struct http_conn *c)
{
    return c->out ? c->out : c->server->out;
}

/* false: the connection is to be dropped. */
static bool flush(struct http_conn *c)
{
    struct http_server *s = c->server;
    struct http_out *o = out_of(c);

    if (!out_send(c, o))
        return false;
    if (http_out_empty(o)) {
        http_out_clear(o);
        if (c->out) {
            http_pool_out_give(s, c->out);
            c->out = NULL;
        }
        return true;
    }
    if (!c->out) { /* the queue becomes this connection's, as it is */
        struct http_out *spare = http_pool_out_take(s);

        if (!spare)
            return false;
        c->out = o;
        s->out = spare;
    }
    /* One answer may be as large as its handler makes it; a heap of them may not. A stream has its
     * own bound, when it is written to. */
    if (!http_stream_is_open(c) && o->answers > 1 && http_out_held(o) > s->conf->write_bytes_max) {
        count(c, METRIC_HTTP_SLOW_READERS);
        return false;
    }
    return true;
}

/* ---- answering ---- */

static void count_status(struct http_conn *c, int status)
{
    count(c, status < 300   ? METRIC_HTTP_2XX
             : status < 400 ? METRIC_HTTP_3XX
             : status < 500 ? METRIC_HTTP_4XX
                            : METRIC_HTTP_5XX);
}

bool http_conn_answer(struct http_conn *c, struct http_out *o, const struct http_response *r,
                      unsigned flags)
{
    struct http_server *s = c->server;

    http_stamp_set(&s->stamp, s->turn->wall_ms);
    count_status(c, r->status);
    return http_answer_encode(o, &s->stamp, r, flags);
}

/* An answer of the engine's own, behind which the connection is closed. head: the request, as far
 * as it is known; NULL: nothing is. */
static bool refuse(struct http_conn *c, int status, struct str text,
                   const struct http_request *head)
{
    const struct http_mount_conf *m =
        head ? http_server_find(c->server, head->host, head->path) : NULL;
    struct http_response r = {0};
    unsigned flags = HTTP_ANSWER_CLOSE;

    if (m && m->refused)
        m->refused(m->ctx, status, text, &r);
    if (r.status < 200 || r.stream)
        http_response_text(&r, status, text);
    if (head && head->is_head)
        flags |= HTTP_ANSWER_HEAD;
    c->closing = c->lingers = true;
    return http_conn_answer(c, out_of(c), &r, flags);
}

static void run_handler(struct http_server *s, const struct http_request *q,
                        struct http_response *r)
{
    const struct http_mount_conf *m;

    if (q->target.n == 1 && q->target.p[0] == '*') { /* RFC 9110 section 9.3.7: the server itself */
        r->status = 204;
        r->headers[r->header_count++] = (struct http_header){STR("Allow"), STR(HTTP_ALLOW)};
        return;
    }
    m = http_server_find(s, q->host, q->path);
    if (!m) {
        http_response_text(r, 404, STR("nothing is served under this host and path\n"));
        return;
    }
    m->fn(m->ctx, q, r);
    if (r->status < 200 && !(r->status == 0 && http_stream_wanted(r, q->is_head))) {
        shared_body_drop(r->shared);
        http_stream_refuse(r);
        *r = (struct http_response){0};
        http_response_text(r, 500, STR("the page has no answer\n"));
    }
}

/* What the answer says of the connection and of its framing. */
static unsigned answer_flags(struct http_conn *c, const struct http_message *m,
                             const struct http_response *r, bool stream)
{
    const struct http_server *s = c->server;
    unsigned flags = m->request.is_head ? HTTP_ANSWER_HEAD : 0;
    const bool open = stream && r->status && m->http_1_0;

    c->requests++;
    if (!m->keep_alive || r->close || s->draining || open ||
        (s->conf->requests_max && c->requests >= s->conf->requests_max))
        flags |= HTTP_ANSWER_CLOSE;
    else if (m->http_1_0)
        flags |= HTTP_ANSWER_KEEP_ALIVE;
    if (open)
        flags |= HTTP_ANSWER_OPEN;
    else if (r->stream && r->status && !m->http_1_0 && http_answer_has_body(r->status))
        flags |= HTTP_ANSWER_CHUNKED; /* also the head of one that is not sent */
    return flags;
}

/* false: no memory. */
static bool handle(struct http_conn *c, struct http_message *m)
{
    struct http_server *s = c->server;
    struct http_request *q = &m->request;
    struct http_response r;
    unsigned flags;
    bool stream, ok;

    r.status = 0; /* the rest field by field: the table of headers need not be cleared */
    r.type = r.body = (struct str){NULL, 0};
    r.shared = NULL;
    r.header_count = 0;
    r.close = false;
    r.stream = NULL;
    r.stream_ctx = NULL;
    q->tls = c->ssl != NULL;
    q->peer = q->client = c->peer;
    q->peer_port = c->peer_port;
    q->arena = s->turn->arena;
    if (c->ssl)
        q->user = http_tls_user(c->ssl, q->arena);
    if (s->conf->trusted_proxy_count)
        q->client = http_forwarded_client(q, c->peer, s->conf->trusted_proxies,
                                          s->conf->trusted_proxy_count);
    run_handler(s, q, &r);
    stream = http_stream_wanted(&r, q->is_head);
    flags = answer_flags(c, m, &r, stream);
    ok = r.status == 0 || http_conn_answer(c, out_of(c), &r, flags);
    arena_reset(s->turn->arena);
    if (stream && ok)
        return http_stream_open(c, &r, flags);
    http_stream_refuse(&r);
    if (flags & HTTP_ANSWER_CLOSE)
        c->closing = true;
    return ok;
}

/* buf: from the request's first byte on. */
static bool refuse_request(struct http_conn *c, char *buf)
{
    const struct http_refusal_info *info = http_refusal_get(c->wire.refusal);
    struct http_message *m = &c->server->message;
    const bool known = http_wire_peek(&c->wire, buf, m);

    _Static_assert((int)METRIC_HTTP_BAD_LIMIT - (int)METRIC_HTTP_BAD_REQUEST_LINE ==
                       (int)HTTP_KIND_LIMIT,
                   "one counter a kind, in its order");
    count(c, (enum metric)((int)METRIC_HTTP_BAD_REQUEST_LINE + (int)info->kind));
    return refuse(c, info->status, info->text, known ? &m->request : NULL);
}

/* ---- reading ---- */

/* Answers every whole request of buf[*len]; *used bytes are then done with. false: drop. */
static bool process(struct http_conn *c, char *buf, size_t *len, size_t *used)
{
    struct http_server *s = c->server;

    *used = 0;
    while (*used < *len && !c->closing && !http_stream_is_open(c)) {
        size_t left = *len - *used;
        enum http_step step = http_wire_feed(&c->wire, &s->limits, buf + *used, &left, &s->message);

        *len = *used + left;
        if (step == HTTP_MORE)
            break;
        if (step == HTTP_REFUSED)
            return refuse_request(c, buf + *used);
        *used += s->message.used;
        c->wire = (struct http_wire){0};
        if (!handle(c, &s->message))
            return false;
        if (http_out_held(out_of(c)) >= FLUSH_AT && !flush(c))
            return false;
    }
    if (*used < *len) {
        c->resume = http_stream_is_open(c);
        c->lingers |= c->closing;
    }
    if (c->wire.expects_continue) {
        struct http_out *o = out_of(c);
        char *p = http_out_room(o, 25);

        c->wire.expects_continue = false;
        if (!p)
            return false;
        memcpy(p, "HTTP/1.1 100 Continue\r\n\r\n", 25);
        o->len += 25;
    }
    return true;
}

/* Keeps buf[from..to), the beginning of a request, in the connection's own buffer. */
static bool keep(struct http_conn *c, char *buf, size_t from, size_t to)
{
    size_t n = to - from, cap = HTTP_IN_SMALL;

    if (n == 0) {
        http_pool_in_give(c);
        return true;
    }
    if (c->in) {
        if (from)
            memmove(c->in, c->in + from, n);
        c->in_len = n;
        return true;
    }
    while (cap < n)
        cap *= 2;
    c->in = cap == HTTP_IN_SMALL ? http_pool_in_take(c->server) : malloc(cap);
    if (!c->in)
        return false;
    assert(buf); /* n bytes stand there */
    memcpy(c->in, buf + from, n);
    c->in_len = n;
    c->in_cap = cap;
    return true;
}

static bool in_grow(struct http_conn *c)
{
    char *p;

    if (c->in_cap - c->in_len >= HTTP_IN_SMALL / 2)
        return true;
    p = realloc(c->in, c->in_cap * 2);
    if (!p)
        return false;
    c->in = p;
    c->in_cap *= 2;
    return true;
}

/* More than enough of what comes behind an open stream's request is here. */
static bool is_ahead(const struct http_conn *c)
{
    return http_stream_is_open(c) && c->in_len >= HTTP_AHEAD_MAX;
}

/* After answering: what the connection waits for now. renewed: its pending bytes, if any, begin
 * another request than before. */
static void wait_on(struct http_conn *c, bool renewed)
{
    const struct http_conf *conf = c->server->conf;

    if (c->out) {
        if (c->wait != HTTP_WAIT_WRITE)
            wait_for(c, HTTP_WAIT_WRITE, conf->write_timeout_ms);
    } else if (http_stream_is_open(c)) {
        /* Nobody is told of a client's end while nothing is read from it: it is looked for. */
        if (c->wait != HTTP_WAIT_STREAM || is_ahead(c))
            wait_for(c, HTTP_WAIT_STREAM, is_ahead(c) ? LOOK_MS : FAR_MS);
    } else if (c->closing) {
        wait_for(c, HTTP_WAIT_LINGER, HTTP_LINGER_MS);
    } else if (!http_io_ready(c)) {
        if (c->wait != HTTP_WAIT_HANDSHAKE)
            wait_for(c, HTTP_WAIT_HANDSHAKE, conf->request_timeout_ms);
    } else if (!c->in) {
        /* Pieces of a TLS record are no request, so they renew nothing. */
        if (renewed || c->wait != HTTP_WAIT_IDLE)
            wait_for(c, HTTP_WAIT_IDLE, conf->idle_timeout_ms);
    } else if (renewed || c->wait != HTTP_WAIT_REQUEST) {
        wait_for(c, HTTP_WAIT_REQUEST, conf->request_timeout_ms);
    }
}

static void on_readable(evutil_socket_t fd, short what, void *arg);
static void on_writable(evutil_socket_t fd, short what, void *arg);

static bool event_switch(struct event *e, bool *is_on, bool on)
{
    if (*is_on == on)
        return true;
    *is_on = on;
    return (on ? event_add(e, NULL) : event_del(e)) == 0;
}

/* Events are made only for connections that outlive their first read. While the client does not
 * read, nothing more is read from it, unless its stream must know when it goes. What a stream has
 * just written is tried from the server's list before its write event is worth a system call. */
static bool events_update(struct http_conn *c)
{
    const bool read = http_stream_is_open(c) ? !is_ahead(c) : !c->out;

    if (!c->registered) {
        struct event_base *base = c->server->base;

        event_assign(&c->read_event, base, c->fd, EV_READ | EV_PERSIST, on_readable, c);
        event_assign(&c->write_event, base, c->fd, EV_WRITE | EV_PERSIST, on_writable, c);
        c->registered = true;
    }
    return event_switch(&c->read_event, &c->reading, read) &&
           event_switch(&c->write_event, &c->writing, (c->out && !c->marked) || c->wants_write);
}

/* Its client is owed nothing, and has asked for nothing yet. */
static bool is_idle(const struct http_conn *c)
{
    return !c->closing && !c->out && !c->in && !http_stream_is_open(c) && http_io_ready(c);
}

/* The end of each callback: may free c. */
static void settle(struct http_conn *c, bool renewed)
{
    http_stream_room(c);
    if (c->server->draining && is_idle(c)) { /* was busy when the idle ones were closed */
        http_conn_close(c);
        return;
    }
    if (c->closing && !c->out && c->wait != HTTP_WAIT_LINGER) {
        if (!c->lingers) {
            http_conn_close(c);
            return;
        }
        /* Closing at once while the client still sends would reset the connection, and the client
         * might never see the answer (RFC 9112 section 9.6). */
        http_io_shutdown(c);
    }
    if (c->closing)
        http_pool_in_give(c);
    wait_on(c, renewed);
    if (!events_update(c))
        http_conn_close(c);
}

enum round { ROUND_AGAIN, ROUND_MORE, ROUND_DROP, ROUND_END };

/* One read and all the answers that it leads to. */
static enum round read_round(struct http_conn *c, bool *renewed)
{
    struct http_server *s = c->server;
    char *buf = s->scratch;
    size_t have = 0, room = sizeof s->scratch, used;
    ssize_t n;

    if (is_ahead(c))
        return ROUND_AGAIN;
    if (c->in) {
        if (!in_grow(c))
            return ROUND_DROP;
        buf = c->in;
        have = c->in_len;
        room = c->in_cap;
    }
    n = http_io_recv(c, buf + have, room - have);
    if (n == HTTP_IO_AGAIN)
        return ROUND_AGAIN;
    if (n <= 0)
        return ROUND_END;
    have += (size_t)n;
    if (!process(c, buf, &have, &used) || !keep(c, buf, used, have) || !flush(c))
        return ROUND_DROP;
    *renewed |= used > 0;
    return http_io_pending(c) && !c->out && !c->closing ? ROUND_MORE : ROUND_AGAIN;
}

/* Requests that waited for a stream to end. */
static enum round resume_round(struct http_conn *c, bool *renewed)
{
    size_t have = c->in_len, used;

    c->resume = false;
    if (!process(c, c->in, &have, &used) || !keep(c, c->in, used, have) || !flush(c))
        return ROUND_DROP;
    *renewed |= used > 0;
    return c->out || c->closing ? ROUND_AGAIN : ROUND_MORE;
}

static void conn_read(struct http_conn *c)
{
    bool renewed = false;
    enum round r;

    do
        r = c->resume && !http_stream_is_open(c) ? resume_round(c, &renewed)
                                                 : read_round(c, &renewed);
    while (r == ROUND_MORE);
    if (r == ROUND_DROP) {
        http_out_clear(c->server->out);
        conn_reset(c);
    } else if (r == ROUND_END) {
        http_conn_close(c);
    } else {
        settle(c, renewed);
    }
}

static void linger_read(struct http_conn *c)
{
    struct http_server *s = c->server;

    for (unsigned i = 0; i < 4; i++) {
        ssize_t n = recv(c->fd, s->scratch, sizeof s->scratch, 0);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0) {
            http_conn_close(c);
            return;
        }
    }
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct http_conn *c = arg;

    (void)fd;
    (void)what;
    turn_begin(c->server->turn);
    if (c->wait == HTTP_WAIT_LINGER)
        linger_read(c);
    else
        conn_read(c);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct http_conn *c = arg;

    (void)fd;
    (void)what;
    turn_begin(c->server->turn);
    if (c->out && !flush(c)) {
        conn_reset(c);
    } else if (c->out || c->closing) {
        settle(c, false);
    } else {
        conn_read(c); /* TLS wanted to write, or may hold bytes that were decrypted before */
    }
}

void http_conn_go_on(struct http_conn *c)
{
    if (!flush(c) || c->broken)
        conn_reset(c);
    else if (c->out || c->closing || http_stream_is_open(c))
        settle(c, false);
    else
        conn_read(c); /* what waited for the stream's end, here or in TLS */
}

/* The client may have closed or been cut off, behind bytes of it that are not read. */
static void look(struct http_conn *c)
{
    struct pollfd p = {.fd = c->fd, .events = POLLRDHUP};

    if (poll(&p, 1, 0) > 0) {
        http_conn_close(c);
        return;
    }
    c->wait = HTTP_WAIT_NEW;
    settle(c, false);
}

static void late(struct http_conn *c)
{
    struct http_message *m = &c->server->message;
    const bool known = c->in && http_wire_peek(&c->wire, c->in, m);

    if (!refuse(c, 408, STR("the request did not arrive in time\n"), known ? &m->request : NULL) ||
        !flush(c)) {
        http_out_clear(c->server->out);
        conn_reset(c);
        return;
    }
    settle(c, false);
}

void http_conn_expire(struct http_conn *c)
{
    static const enum metric timeouts[] = {
        [HTTP_WAIT_HANDSHAKE] = METRIC_HTTP_TIMEOUT_HANDSHAKE,
        [HTTP_WAIT_IDLE] = METRIC_HTTP_TIMEOUT_IDLE,
        [HTTP_WAIT_REQUEST] = METRIC_HTTP_TIMEOUT_REQUEST,
        [HTTP_WAIT_WRITE] = METRIC_HTTP_TIMEOUT_WRITE,
    };

    if (c->wait == HTTP_WAIT_STREAM) {
        look(c);
        return;
    }
    if (c->wait != HTTP_WAIT_LINGER)
        count(c, timeouts[c->wait]);
    if (c->wait == HTTP_WAIT_REQUEST) {
        late(c);
    } else if (c->wait == HTTP_WAIT_WRITE || c->wait == HTTP_WAIT_LINGER) {
        conn_reset(c);
    } else {
        http_conn_close(c);
    }
}

void http_conn_open(struct http_server *s, int fd, struct addr peer, uint16_t port,
                    struct ssl_ctx_st *tls)
{
    struct http_conn *c = http_pool_conn_take(s);

    if (!c) {
        metric_add(s->turn->metrics, METRIC_HTTP_REFUSED_MEMORY, 1);
        if (s->clients)
            http_clients_give(s->clients, peer);
        close(fd);
        return;
    }
    c->server = s;
    c->fd = fd;
    c->peer = peer;
    c->peer_port = port;
    http_server_count(s, +1);
    if (!http_io_open(c, tls)) {
        http_conn_close(c);
        return;
    }
    conn_read(c);
}
