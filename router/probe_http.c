#include "router/probe_internal.h"

#include <stdio.h>
#include <string.h>

#define READS_A_TURN 4 /* of READ_BYTES: others in the loop want their turn too */
#define READ_BYTES   16384

static void bad_head(struct probe *p)
{
    char bytes[4 * sizeof p->first + 1];

    if (p->answer.line > 0 && p->answer.status == 0)
        probe_finish(p, PROBE_BAD, "%s (\"%s\")", p->answer.wrong,
                     bytes_escape(p->first, p->first_len, bytes, sizeof bytes / 2));
    else
        probe_finish(p, PROBE_BAD, "%s", p->answer.wrong);
}

/* Would a browser let a page of the wanted origin read the answer? (Fetch, "CORS check") */
static bool allows_origin(const struct probe *p)
{
    const struct str v = http_answer_value(&p->answer, HTTP_ALLOW_ORIGIN);

    return p->origin.len == 0 || str_eq(v, STR("*")) ||
           str_eq(v, (struct str){p->origin.data, p->origin.len});
}

static void bad_origin(struct probe *p)
{
    const struct str v = http_answer_value(&p->answer, HTTP_ALLOW_ORIGIN);
    char shown[64];

    if (v.n)
        probe_finish(p, PROBE_BAD, "%u, but Access-Control-Allow-Origin is \"%s\"",
                     p->answer.status, bytes_escape(v.p, v.n, shown, sizeof shown));
    else
        probe_finish(p, PROBE_BAD, "%u, but no Access-Control-Allow-Origin", p->answer.status);
}

static void body_verdict(struct probe *p)
{
    if (p->reader.state == HTTP_BODY_DONE)
        probe_finish(p, PROBE_GOOD, "%u with %zu bytes", p->answer.status, p->body.len);
    else
        probe_finish(p, PROBE_BAD, "%u, but %s", p->answer.status, p->reader.wrong);
}

/* The head is there, rest is what came behind it. true: the probe goes on with the body. */
static bool head_verdict(struct probe *p, const char *rest, size_t n)
{
    const unsigned status = p->answer.status;

    if (p->answer.state == HTTP_ANSWER_BAD) {
        bad_head(p);
        return false;
    }
    if (status < p->status_min || status > p->status_max) {
        probe_finish(p, PROBE_BAD, "%u (good is %u to %u)", status, p->status_min, p->status_max);
        return false;
    }
    if (!allows_origin(p)) {
        bad_origin(p);
        return false;
    }
    if (!p->want_body) {
        probe_finish(p, PROBE_GOOD, "%u", status);
        return false;
    }
    p->in_body = true;
    p->phase = "end of the body";
    http_body_begin(&p->reader, &p->answer, &p->body, p->body_max);
    http_body_feed(&p->reader, rest, n);
    if (p->reader.state < HTTP_BODY_DONE)
        return true;
    body_verdict(p);
    return false;
}

/* What was read, or with n 0 that the peer closed. true: the probe goes on. */
static bool took_bytes(struct probe *p, const char *buf, size_t n)
{
    const size_t room = sizeof p->first - p->first_len, before = p->answer.seen;

    if (p->in_body) {
        if (n)
            http_body_feed(&p->reader, buf, n);
        else
            http_body_end(&p->reader);
        if (p->reader.state < HTTP_BODY_DONE)
            return true;
        body_verdict(p);
        return false;
    }
    memcpy(p->first + p->first_len, buf, n < room ? n : room);
    p->first_len += n < room ? n : room;
    if (n)
        http_answer_feed(&p->answer, buf, n);
    else
        http_answer_end(&p->answer);
    if (p->answer.state < HTTP_ANSWER_DONE)
        return true;
    if (!head_verdict(p, buf + (p->answer.seen - before), n - (p->answer.seen - before)))
        return false;
    return true;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct probe *p = arg;
    char buf[READ_BYTES];

    (void)fd;
    (void)what;
    for (unsigned i = 0; i < READS_A_TURN; i++) {
        size_t n = 0;
        const enum probe_io io = probe_recv(p, buf, sizeof buf, &n, on_readable);

        if (io == PROBE_IO_AGAIN || io == PROBE_IO_FAILED || !took_bytes(p, buf, n))
            return;
    }
    if (probe_has_pending(p))
        event_active(p->io, EV_READ, 0);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct probe *p = arg;
    size_t n = 0;

    (void)fd;
    (void)what;
    if (probe_send(p, p->request.data + p->sent, p->request.len - p->sent, &n, on_writable) !=
        PROBE_IO_OK)
        return;
    p->sent += n;
    if (p->sent == p->request.len)
        probe_wait(p, EV_READ, on_readable);
}

bool probe_http_init(struct probe *p, const struct probe_ask *ask)
{
    const struct str path = ask->conf->path.n ? ask->conf->path : STR("/");
    const struct str origin = ask->conf->cors_origin;
    const uint16_t usual = p->type == PROBE_HTTPS ? 443 : 80;
    char addr[ADDR_TEXT_MAX], own[ADDR_TEXT_MAX + 16];
    struct str host = ask->host;

    if (host.n == 0) {
        int n = snprintf(own, sizeof own, addr_is_v4(ask->addr) ? "%s" : "[%s]",
                         addr_format(ask->addr, addr));

        if (ask->port != usual)
            snprintf(own + n, sizeof own - (size_t)n, ":%u", ask->port);
        host = str_from(own);
    }
    p->want_body = ask->body;
    p->body_max = ask->body_max;
    if (!bytes_printf(&p->request,
                      "GET %.*s HTTP/1.1\r\nHost: %.*s\r\nUser-Agent: waymark/" WAYMARK_VERSION
                      " (%s)\r\nAccept: */*\r\nConnection: close\r\n",
                      (int)path.n, path.p, (int)host.n, host.p,
                      ask->body ? "statistics" : "health"))
        return false;
    if (origin.n && (!bytes_add(&p->origin, origin.p, origin.n) ||
                     !bytes_printf(&p->request, "Origin: %.*s\r\n", (int)origin.n, origin.p)))
        return false;
    return bytes_add(&p->request, "\r\n", 2);
}

void probe_http_begin(struct probe *p)
{
    p->phase = "answer";
    probe_wait(p, EV_WRITE, on_writable);
}
