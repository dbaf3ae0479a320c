/* Answers that go on behind their handler's return (base/handler.h): what a stream's owner asks for
 * is put into the connection's queue, and goes out from the loop, so that no callback is ever
 * inside another and nothing is dropped under its owner's hands. Internal to the engine. */
#pragma once

#include "http/http_conn.h"

static inline bool http_stream_is_open(const struct http_conn *c)
{
    return c->flow.use != NULL;
}

/* The handler's answer r is to be streamed: not to a HEAD, and not where no body may be. */
bool http_stream_wanted(const struct http_response *r, bool is_head);
/* Behind the head, if it is not deferred. flags: of the answer (HTTP_ANSWER_CLOSE, ..). Runs
 * on_open, or on_gone alone when there is no memory: false. */
bool http_stream_open(struct http_conn *c, const struct http_response *r, unsigned flags);
/* r's stream is never opened: on_gone alone runs. Fine without a stream. */
void http_stream_refuse(const struct http_response *r);
/* The connection is no more; c too, perhaps, when this returns. */
void http_stream_gone(const struct http_flow *flow);
/* The server goes: what is written goes out, what was deferred is answered with 503, and the
 * connection is closed behind it. */
void http_stream_retire(struct http_conn *c);
/* Behind a flush: runs on_room when it is due. */
void http_stream_room(struct http_conn *c);

/* Connections that their streams' owners gave something to do. */
enum err_code http_streams_init(struct http_server *s) MUST_CHECK;
void http_streams_fini(struct http_server *s);
/* c has nothing to do any more. */
void http_stream_unmark(struct http_conn *c);
