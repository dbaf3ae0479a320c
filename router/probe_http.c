#include "router/probe_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define READS_A_TURN 8 /* of READ_BYTES: others in the loop want their turn too */
#define READ_BYTES   4096

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* RFC 9110 section 5.6.2 */
static bool is_tchar(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) ||
           (c && strchr("!#$%&'*+-.^_`|~", c));
}

/* What may stand in a reason phrase or field value (obs-text too). */
static bool is_text(char c)
{
    return (unsigned char)c >= 0x20 ? c != 0x7f : c == '\t';
}

static enum http_answer_state wrong(struct http_answer *a, const char *why)
{
    a->wrong = why;
    return HTTP_ANSWER_BAD;
}

/* "HTTP/1.x NNN", then a space or the end of the line. */
static enum http_answer_state status_line(struct http_answer *a, char c)
{
    static const char shape[] = "HTTP/1.0 000";
    const uint32_t i = a->line++;
    bool fits;

    if (i < 7 || i == 8)
        fits = c == shape[i];
    else if (i < sizeof shape - 1)
        fits = is_digit(c) && (i != 9 || (c >= '1' && c <= '5'));
    else
        fits = c == ' ' || c == '\r' || c == '\n';
    if (!fits)
        return wrong(a, "not an HTTP/1 answer");
    if (i >= 9 && i < sizeof shape - 1)
        a->status = (uint16_t)(a->status * 10 + (c - '0'));
    if (c == '\r' && i == sizeof shape - 1)
        return HTTP_ANSWER_LF;
    if (c == '\n')
        return HTTP_ANSWER_LINE_START;
    return i == sizeof shape - 1 ? HTTP_ANSWER_REASON : HTTP_ANSWER_STATUS_LINE;
}

/* Inside a reason phrase or a field's value. */
static enum http_answer_state text(struct http_answer *a, char c)
{
    if (c == '\r')
        return HTTP_ANSWER_LF;
    if (c == '\n')
        return HTTP_ANSWER_LINE_START;
    return is_text(c) ? a->state : wrong(a, "a control character in the answer's head");
}

static enum http_answer_state head_end(struct http_answer *a)
{
    if (a->status >= 200 || a->status == 101)
        return HTTP_ANSWER_DONE;
    a->line = 0;
    a->fields = 0;
    a->status = 0;
    return HTTP_ANSWER_STATUS_LINE;
}

static enum http_answer_state line_start(struct http_answer *a, char c)
{
    if (c == '\r')
        return HTTP_ANSWER_LAST_LF;
    if (c == '\n')
        return head_end(a);
    if ((c == ' ' || c == '\t') && a->fields > 0)
        return HTTP_ANSWER_VALUE; /* folded: goes on with the line above */
    a->fields++;
    return is_tchar(c) ? HTTP_ANSWER_NAME
                       : wrong(a, "a header line that does not begin with a name");
}

static enum http_answer_state step(struct http_answer *a, char c)
{
    switch (a->state) {
    case HTTP_ANSWER_STATUS_LINE:
        return status_line(a, c);
    case HTTP_ANSWER_REASON:
    case HTTP_ANSWER_VALUE:
        return text(a, c);
    case HTTP_ANSWER_LINE_START:
        return line_start(a, c);
    case HTTP_ANSWER_NAME:
        if (c == ':')
            return HTTP_ANSWER_VALUE;
        return is_tchar(c) ? HTTP_ANSWER_NAME : wrong(a, "a header line without a colon");
    case HTTP_ANSWER_LF:
        return c == '\n' ? HTTP_ANSWER_LINE_START : wrong(a, "a CR without its LF");
    case HTTP_ANSWER_LAST_LF:
        return c == '\n' ? head_end(a) : wrong(a, "a CR without its LF");
    default:
        return a->state;
    }
}

enum http_answer_state http_answer_feed(struct http_answer *a, const char *p, size_t n)
{
    for (size_t i = 0; i < n && a->state < HTTP_ANSWER_DONE; i++) {
        if (a->seen++ == HTTP_ANSWER_MAX)
            a->state =
                a->state > HTTP_ANSWER_STATUS_LINE ? HTTP_ANSWER_DONE : wrong(a, "no status line");
        else
            a->state = step(a, p[i]);
    }
    return a->state;
}

enum http_answer_state http_answer_end(struct http_answer *a)
{
    if (a->state < HTTP_ANSWER_DONE)
        a->state =
            wrong(a, a->seen ? "closed inside of the answer's head" : "closed without an answer");
    return a->state;
}

static void verdict(struct probe *p)
{
    const unsigned status = p->answer.status;

    if (p->answer.state == HTTP_ANSWER_BAD) {
        char bytes[4 * sizeof p->first + 1];

        if (p->answer.line > 0 && p->answer.status == 0)
            probe_finish(p, PROBE_BAD, "%s (\"%s\")", p->answer.wrong,
                         bytes_escape(p->first, p->first_len, bytes, sizeof bytes / 2));
        else
            probe_finish(p, PROBE_BAD, "%s", p->answer.wrong);
    } else if (status >= p->status_min && status <= p->status_max) {
        probe_finish(p, PROBE_GOOD, "%u", status);
    } else {
        probe_finish(p, PROBE_BAD, "%u (good is %u to %u)", status, p->status_min, p->status_max);
    }
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct probe *p = arg;
    char buf[READ_BYTES];

    (void)what;
    for (unsigned i = 0; i < READS_A_TURN; i++) {
        ssize_t n = recv(fd, buf, sizeof buf, 0);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n < 0) {
            probe_finish_errno(p, errno);
            return;
        }
        if (n == 0) {
            http_answer_end(&p->answer);
        } else {
            size_t room = sizeof p->first - p->first_len;
            size_t take = (size_t)n < room ? (size_t)n : room;

            memcpy(p->first + p->first_len, buf, take);
            p->first_len += take;
            http_answer_feed(&p->answer, buf, (size_t)n);
        }
        if (p->answer.state >= HTTP_ANSWER_DONE) {
            verdict(p);
            return;
        }
    }
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct probe *p = arg;
    ssize_t n = send(fd, p->request.data + p->sent, p->request.len - p->sent, MSG_NOSIGNAL);

    (void)what;
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        probe_finish_errno(p, errno);
        return;
    }
    if (n > 0)
        p->sent += (size_t)n;
    if (p->sent == p->request.len)
        probe_wait(p, EV_READ, on_readable);
}

bool probe_http_init(struct probe *p, const struct probe_ask *ask)
{
    const struct str path = ask->conf->path.n ? ask->conf->path : STR("/");
    char addr[ADDR_TEXT_MAX], own[ADDR_TEXT_MAX + 16];
    struct str host = ask->host;

    if (host.n == 0) {
        int n = snprintf(own, sizeof own, addr_is_v4(ask->addr) ? "%s" : "[%s]",
                         addr_format(ask->addr, addr));

        if (ask->port != 80)
            snprintf(own + n, sizeof own - (size_t)n, ":%u", ask->port);
        host = str_from(own);
    }
    return bytes_printf(&p->request,
                        "GET %.*s HTTP/1.1\r\nHost: %.*s\r\nUser-Agent: waymark/" WAYMARK_VERSION
                        " (health)\r\nAccept: */*\r\nConnection: close\r\n\r\n",
                        (int)path.n, path.p, (int)host.n, host.p);
}

void probe_http_connected(struct probe *p)
{
    p->phase = "answer";
    probe_wait(p, EV_WRITE, on_writable);
}
