/* Answers to bytes (RFC 9112 section 4): status line, Server, Date, framing, the handler's fields.
 */
#pragma once

#include "base/http_date.h"
#include "http/http_out.h"

#define HTTP_ALLOW "GET, HEAD, POST, PUT, DELETE, OPTIONS" /* methods that the parser takes */

/* The lines that every answer of one second has in common. */
struct http_stamp {
    uint64_t second; /* since 1970; starts 0 */
    size_t n;
    char text[96];
};

void http_stamp_set(struct http_stamp *s, uint64_t wall_ms);

enum http_answer_flags {
    HTTP_ANSWER_HEAD = 1,       /* the body's length is told, the body is not sent */
    HTTP_ANSWER_CLOSE = 2,      /* "Connection: close" */
    HTTP_ANSWER_KEEP_ALIVE = 4, /* "Connection: keep-alive", which HTTP/1.0 wants to hear */
    HTTP_ANSWER_CHUNKED = 8,    /* "Transfer-Encoding: chunked": the body comes later */
    HTTP_ANSWER_OPEN = 16,      /* the body comes later, and ends with the connection */
};

/* RFC 9110 sections 15.3.5 and 15.4.5, RFC 9112 section 6.3. */
static inline bool http_answer_has_body(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

/* Appends a whole answer. Takes over r->shared's reference. false: no memory, and what o holds must
 * not be sent. */
bool http_answer_encode(struct http_out *o, const struct http_stamp *s,
                        const struct http_response *r, unsigned flags) MUST_CHECK;
