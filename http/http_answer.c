#include "http/http_answer.h"

#include <stdio.h>
#include <string.h>

#define STATUS_FIRST 100
#define STATUS_LAST  599

// clang-format off
#define LINE(code, reason) [(code) - STATUS_FIRST] = {"HTTP/1.1 " #code " " reason "\r\n", sizeof("HTTP/1.1 " #code " " reason "\r\n") - 1}
static const struct str status_lines[STATUS_LAST - STATUS_FIRST + 1] = {
    LINE(100, "Continue"), LINE(200, "OK"), LINE(201, "Created"), LINE(202, "Accepted"),
    LINE(204, "No Content"), LINE(206, "Partial Content"), LINE(300, "Multiple Choices"),
    LINE(301, "Moved Permanently"), LINE(302, "Found"), LINE(303, "See Other"),
    LINE(304, "Not Modified"), LINE(307, "Temporary Redirect"), LINE(308, "Permanent Redirect"),
    LINE(400, "Bad Request"), LINE(401, "Unauthorized"), LINE(403, "Forbidden"),
    LINE(404, "Not Found"), LINE(405, "Method Not Allowed"), LINE(406, "Not Acceptable"),
    LINE(408, "Request Timeout"), LINE(409, "Conflict"), LINE(410, "Gone"),
    LINE(411, "Length Required"), LINE(412, "Precondition Failed"), LINE(413, "Content Too Large"),
    LINE(414, "URI Too Long"), LINE(415, "Unsupported Media Type"), LINE(416, "Range Not Satisfiable"),
    LINE(417, "Expectation Failed"), LINE(421, "Misdirected Request"), LINE(422, "Unprocessable Content"),
    LINE(429, "Too Many Requests"), LINE(431, "Request Header Fields Too Large"),
    LINE(451, "Unavailable For Legal Reasons"), LINE(500, "Internal Server Error"),
    LINE(501, "Not Implemented"), LINE(502, "Bad Gateway"), LINE(503, "Service Unavailable"),
    LINE(504, "Gateway Timeout"), LINE(505, "HTTP Version Not Supported"),
};
#undef LINE
// clang-format on

void http_stamp_set(struct http_stamp *s, uint64_t wall_ms)
{
    char date[HTTP_DATE_SIZE];
    int n;

    if (s->n && wall_ms / 1000 == s->second)
        return;
    s->second = wall_ms / 1000;
    http_date_format(s->second, date);
    n = snprintf(s->text, sizeof s->text, "Server: waymark\r\nDate: %s\r\n", date);
    s->n = (size_t)n;
}

static char *put(char *p, struct str s)
{
    if (s.n)
        memcpy(p, s.p, s.n);
    return p + s.n;
}

static char *put_number(char *p, uint64_t v)
{
    char digits[20];
    unsigned n = 0;

    do
        digits[n++] = (char)('0' + v % 10);
    while (v /= 10);
    while (n)
        *p++ = digits[--n];
    return p;
}

static char *put_status(char *p, int status)
{
    struct str line = {0};

    if (status >= STATUS_FIRST && status <= STATUS_LAST)
        line = status_lines[status - STATUS_FIRST];
    if (line.n)
        return put(p, line);
    p = put(p, STR("HTTP/1.1 "));
    p = put_number(p, (uint64_t)(status < STATUS_FIRST || status > 999 ? 500 : status));
    return put(p, STR(" \r\n")); /* RFC 9112 section 4: the reason may be empty */
}

static char *put_fields(char *p, const struct http_response *r)
{
    if (r->type.n) {
        p = put(p, STR("Content-Type: "));
        p = put(p, r->type);
        p = put(p, STR("\r\n"));
    }
    for (size_t i = 0; i < r->header_count; i++) {
        p = put(p, r->headers[i].name);
        p = put(p, STR(": "));
        p = put(p, r->headers[i].value);
        p = put(p, STR("\r\n"));
    }
    return p;
}

static size_t room_for(const struct http_response *r, const struct http_stamp *s, size_t copied)
{
    size_t n = 160 + s->n + r->type.n + copied; /* 160: status line, framing, connection */

    for (size_t i = 0; i < r->header_count; i++)
        n += r->headers[i].name.n + r->headers[i].value.n + 4;
    return n;
}

bool http_answer_encode(struct http_out *o, const struct http_stamp *s,
                        const struct http_response *r, unsigned flags)
{
    const bool body = http_answer_has_body(r->status), send = body && !(flags & HTTP_ANSWER_HEAD);
    const size_t copied = send && !r->shared ? r->body.n : 0;
    char *start = http_out_room(o, room_for(r, s, copied)), *p;

    if (!start) {
        shared_body_drop(r->shared);
        return false;
    }
    p = put_status(start, r->status);
    p = put(p, (struct str){s->text, s->n});
    p = put_fields(p, r);
    if (flags & HTTP_ANSWER_CHUNKED) {
        p = put(p, STR("Transfer-Encoding: chunked\r\n"));
    } else if (body && !(flags & HTTP_ANSWER_OPEN)) {
        p = put(p, STR("Content-Length: "));
        p = put_number(p, r->shared ? r->shared->len : r->body.n);
        p = put(p, STR("\r\n"));
    }
    if (flags & HTTP_ANSWER_CLOSE)
        p = put(p, STR("Connection: close\r\n"));
    else if (flags & HTTP_ANSWER_KEEP_ALIVE)
        p = put(p, STR("Connection: keep-alive\r\n"));
    p = put(p, STR("\r\n"));
    if (copied)
        p = put(p, r->body);
    o->len += (size_t)(p - start);
    o->answers++;
    if (r->shared && send)
        return http_out_share(o, r->shared, 0, r->shared->len);
    shared_body_drop(r->shared);
    return true;
}
