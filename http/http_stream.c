#include "http/http_stream.h"

#include <assert.h>
#include <string.h>

#include <event2/event.h>

#include "http/http_pool.h"

/* What one wake-up sends at most, of all streams together: the loop has others to see to. */
#define RUN_BYTES (1u << 20)

/* ---- the list of connections that have something to do ---- */

static void mark(struct http_conn *c)
{
    static const struct timeval now = {0, 0};
    struct http_server *s = c->server;

    if (c->marked)
        return;
    c->marked = true;
    c->mark_next = NULL;
    c->mark_prev = s->marked_last;
    if (s->marked_last) {
        s->marked_last->mark_next = c;
    } else {
        s->marked_first = c;
        /* A timer, not event_active: others get their turn in between. */
        event_add(s->streams, &now);
    }
    s->marked_last = c;
    s->marked_count++;
}

void http_stream_unmark(struct http_conn *c)
{
    struct http_server *s = c->server;

    if (!c->marked)
        return;
    c->marked = false;
    s->marked_count--;
    if (c->mark_prev)
        c->mark_prev->mark_next = c->mark_next;
    else
        s->marked_first = c->mark_next;
    if (c->mark_next)
        c->mark_next->mark_prev = c->mark_prev;
    else
        s->marked_last = c->mark_prev;
}

static void on_streams(evutil_socket_t fd, short what, void *arg)
{
    static const struct timeval now = {0, 0};
    struct http_server *s = arg;
    const uint64_t from = s->sent;
    size_t n = s->marked_count; /* who is marked again meanwhile comes next time */

    (void)fd;
    (void)what;
    turn_begin(s->turn);
    for (; n && s->marked_first && s->sent - from < RUN_BYTES; n--) {
        struct http_conn *c = s->marked_first;

        http_stream_unmark(c);
        http_conn_go_on(c);
    }
    if (s->marked_first)
        event_add(s->streams, &now);
}

enum err_code http_streams_init(struct http_server *s)
{
    s->streams = event_new(s->base, -1, 0, on_streams, s);
    return s->streams ? ERR_OK : ERR_LIMIT;
}

void http_streams_fini(struct http_server *s)
{
    if (s->streams)
        event_free(s->streams);
}

/* ---- what an owner may do ---- */

static struct http_conn *conn_of(struct http_stream *stream)
{
    return (struct http_conn *)((char *)stream - offsetof(struct http_conn, flow.stream));
}

/* The connection's own queue; NULL: no memory. */
static struct http_out *out_of(struct http_conn *c)
{
    if (!c->out)
        c->out = http_pool_out_take(c->server);
    return c->out;
}

static void over(struct http_conn *c, bool close)
{
    c->flow.use = NULL;
    if (close || c->server->draining)
        c->closing = true;
    mark(c);
}

/* What was sent is no whole answer, and must not look like one. */
static void broken(struct http_conn *c)
{
    c->broken = true;
    over(c, true);
}

static bool stream_answer(struct http_stream *stream, const struct http_response *r)
{
    struct http_conn *c = conn_of(stream);
    struct http_out *o = out_of(c);
    unsigned flags = c->flow.flags;

    assert(c->flow.deferred && !r->stream);
    if (r->close || c->server->draining)
        flags = (flags & ~(unsigned)HTTP_ANSWER_KEEP_ALIVE) | HTTP_ANSWER_CLOSE;
    if (!o) {
        shared_body_drop(r->shared);
        broken(c);
        return false;
    }
    if (!http_conn_answer(c, o, r, flags)) {
        broken(c);
        return false;
    }
    over(c, flags & HTTP_ANSWER_CLOSE);
    return true;
}

#define CHUNK_LINE_MAX 18 /* sixteen digits, CR LF */

static char *put_chunk_size(char *p, size_t n)
{
    char digits[16];
    unsigned count = 0;

    do
        digits[count++] = "0123456789abcdef"[n & 15];
    while (n >>= 4);
    while (count)
        *p++ = digits[--count];
    *p++ = '\r';
    *p++ = '\n';
    return p;
}

static bool wrote(struct http_conn *c)
{
    if (http_out_unsent(c->out) >= HTTP_STREAM_LOW)
        c->flow.behind = true;
    mark(c);
    return true;
}

static bool refused(struct http_conn *c)
{
    c->flow.failed = true;
    return false;
}

static bool stream_write(struct http_stream *stream, struct str text)
{
    struct http_conn *c = conn_of(stream);
    struct http_out *o;
    char *p, *start;

    assert(!c->flow.deferred);
    if (text.n == 0) /* an empty chunk would be the last */
        return true;
    o = out_of(c);
    if (!o || c->flow.failed)
        return refused(c);
    if (text.n + http_out_held(o) > c->server->conf->write_bytes_max) {
        metric_add(c->server->turn->metrics, METRIC_HTTP_SLOW_READERS, 1);
        return refused(c);
    }
    start = p = http_out_room(o, text.n + CHUNK_LINE_MAX + 2);
    if (!p)
        return refused(c);
    if (c->flow.chunked)
        p = put_chunk_size(p, text.n);
    memcpy(p, text.p, text.n);
    p += text.n;
    if (c->flow.chunked) {
        *p++ = '\r';
        *p++ = '\n';
    }
    o->len += (size_t)(p - start);
    return wrote(c);
}

static bool stream_share(struct http_stream *stream, struct shared_body *b, size_t at, size_t n)
{
    struct http_conn *c = conn_of(stream);
    struct http_out *o;
    char *p;

    assert(!c->flow.deferred && at <= b->len && n <= b->len - at);
    if (n == 0)
        return true;
    o = out_of(c);
    if (!o || c->flow.failed)
        return refused(c);
    if (c->flow.chunked) {
        p = http_out_room(o, CHUNK_LINE_MAX);
        if (!p)
            return refused(c);
        o->len += (size_t)(put_chunk_size(p, n) - p);
    }
    shared_body_take(b);
    if (!http_out_share(o, b, at, n))
        return refused(c);
    if (c->flow.chunked) {
        p = http_out_room(o, 2);
        if (!p)
            return refused(c);
        memcpy(p, "\r\n", 2);
        o->len += 2;
    }
    return wrote(c);
}

static size_t stream_held(const struct http_stream *stream)
{
    const struct http_conn *c =
        (const struct http_conn *)((const char *)stream - offsetof(struct http_conn, flow.stream));

    return c->out ? http_out_unsent(c->out) : 0;
}

static void stream_end(struct http_stream *stream)
{
    static const struct http_response none = {
        .status = 500,
        .type = {"text/plain; charset=utf-8", 25},
        .body = {"the page has no answer\n", 23},
    };
    struct http_conn *c = conn_of(stream);
    char *p;

    if (c->flow.deferred) {
        (void)!stream_answer(stream, &none);
        return;
    }
    if (c->flow.failed) {
        broken(c);
        return;
    }
    if (c->flow.chunked) {
        p = out_of(c) ? http_out_room(c->out, 5) : NULL;
        if (!p) {
            broken(c);
            return;
        }
        memcpy(p, "0\r\n\r\n", 5);
        c->out->len += 5;
    }
    over(c, c->flow.flags & HTTP_ANSWER_CLOSE);
}

static const struct http_stream_ops ops = {
    .answer = stream_answer,
    .write = stream_write,
    .share = stream_share,
    .held = stream_held,
    .end = stream_end,
};

/* ---- what the connection does ---- */

bool http_stream_wanted(const struct http_response *r, bool is_head)
{
    return r->stream && !is_head && (r->status == 0 || http_answer_has_body(r->status));
}

void http_stream_refuse(const struct http_response *r)
{
    if (r->stream)
        r->stream->on_gone(r->stream_ctx);
}

bool http_stream_open(struct http_conn *c, const struct http_response *r, unsigned flags)
{
    struct http_server *s = c->server;

    if (!c->out && !http_out_empty(s->out)) { /* the head, and what stands before it */
        struct http_out *spare = http_pool_out_take(s);

        if (!spare) {
            http_stream_refuse(r);
            return false;
        }
        c->out = s->out;
        s->out = spare;
    }
    c->flow = (struct http_flow){.stream = {&ops},
                                 .use = r->stream,
                                 .ctx = r->stream_ctx,
                                 .flags = flags & (HTTP_ANSWER_CLOSE | HTTP_ANSWER_KEEP_ALIVE),
                                 .deferred = r->status == 0,
                                 .chunked = flags & HTTP_ANSWER_CHUNKED};
    c->flow.use->on_open(c->flow.ctx, &c->flow.stream);
    if (s->draining && http_stream_is_open(c))
        http_stream_retire(c);
    return true;
}

void http_stream_gone(const struct http_flow *flow)
{
    if (flow->use)
        flow->use->on_gone(flow->ctx);
}

void http_stream_retire(struct http_conn *c)
{
    static const struct http_response going = {
        .status = 503,
        .type = {"text/plain; charset=utf-8", 25},
        .body = {"this server is going; another answers\n", 38},
        .headers = {{{"Retry-After", 11}, {"1", 1}}},
        .header_count = 1,
    };
    const struct http_flow flow = c->flow;

    /* No last chunk: the body is not known to be whole. */
    if (c->flow.deferred)
        (void)!stream_answer(&c->flow.stream, &going);
    else
        over(c, true);
    http_stream_gone(&flow);
}

void http_stream_room(struct http_conn *c)
{
    if (!c->flow.use || !c->flow.behind || stream_held(&c->flow.stream) >= HTTP_STREAM_LOW)
        return;
    c->flow.behind = false;
    if (c->flow.use->on_room)
        c->flow.use->on_room(c->flow.ctx, &c->flow.stream);
}
