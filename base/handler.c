#include "base/handler.h"

#include <stdatomic.h>
#include <string.h>

struct str http_request_header(const struct http_request *r, struct str name)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (str_eq_nocase(r->headers[i].name, name))
            return r->headers[i].value;
    return (struct str){NULL, 0};
}

void shared_body_take(struct shared_body *b)
{
    atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
}

void shared_body_drop(struct shared_body *b)
{
    if (b && atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) == 1)
        b->release(b);
}

bool http_response_header(struct http_response *r, struct str name, struct str value)
{
    if (r->header_count == HTTP_RESPONSE_HEADERS_MAX)
        return false;
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] == '\r' || value.p[i] == '\n' || value.p[i] == '\0')
            return false;
    r->headers[r->header_count++] = (struct http_header){name, value};
    return true;
}

bool http_stream_answer(struct http_stream *s, const struct http_response *r)
{
    return s->ops->answer(s, r);
}

bool http_stream_write(struct http_stream *s, struct str text)
{
    return s->ops->write(s, text);
}

bool http_stream_share(struct http_stream *s, struct shared_body *b, size_t at, size_t n)
{
    return s->ops->share(s, b, at, n);
}

size_t http_stream_held(const struct http_stream *s)
{
    return s->ops->held(s);
}

void http_stream_end(struct http_stream *s)
{
    s->ops->end(s);
}

void http_response_text(struct http_response *r, int status, struct str text)
{
    r->status = status;
    r->type = STR("text/plain; charset=utf-8");
    r->body = text;
    r->shared = NULL;
}
