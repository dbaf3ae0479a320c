/* The shape in which pages are mounted on the HTTP engine: method, target and body in; status, type
 * and body out, at once or in pieces later. Redirects, the tracker's announce, admin pages and ALTO
 * are all handlers; none of them sees a socket. */
#pragma once

#include "base/addr.h"
#include "base/arena.h"
#include "base/bytes.h"

enum http_method {
    HTTP_GET,
    HTTP_HEAD, /* handlers see GET; the engine leaves the body out */
    HTTP_POST,
    HTTP_PUT,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_METHOD_OTHER,
};

struct http_header {
    struct str name, value; /* value without surrounding white space */
};

/* Borrowed: valid until the handler returns. */
struct http_request {
    enum http_method method;
    bool tls;
    bool is_head;
    struct str host;    /* lower-cased, without port and without a trailing dot */
    uint16_t host_port; /* of the Host header; 0 when it names none */
    struct str target;  /* as sent, origin form: path and query */
    struct str path;    /* before '?', as sent: percent-encoding and case are kept */
    struct str query;   /* behind '?'; p is NULL when there is none */
    const struct http_header *headers;
    size_t header_count;
    struct str body;
    struct addr peer; /* the socket's other end */
    uint16_t peer_port;
    struct addr client;  /* whom the answer is for: peer, or X-Forwarded-For's by trusted proxies */
    struct str user;     /* who has shown who he is: by Digest, or "cert:" and the common name of a
                            client certificate that was verified; n 0: nobody */
    struct arena *arena; /* for what the answer needs; reset behind every request */
};

/* Case-insensitive; p is NULL when it is absent; the first of several. */
struct str http_request_header(const struct http_request *r, struct str name);

/* A body that outlives the request, made once and sent to many by reference. The creator holds the
 * first reference; release is called, on any thread, when the last goes. */
struct shared_body {
    _Atomic uint32_t refs;
    void (*release)(struct shared_body *self);
    const char *data;
    size_t len;
};

void shared_body_take(struct shared_body *b);
void shared_body_drop(struct shared_body *b); /* NULL is fine */

/* An answer that goes on behind its handler's return: an event stream, a long poll. The engine's;
 * the handler holds the pointer from on_open until it has called http_stream_end or on_gone has
 * run, and calls it on the connection's worker alone. Requests that are pipelined behind it wait.
 */
struct http_stream;
struct http_response;

/* The handler's side. Callbacks run on the worker, in its loop; they may write, answer and end. */
struct http_stream_use {
    /* Behind the handler's return, once; not for HEAD, nor without memory: on_gone alone runs. */
    void (*on_open)(void *ctx, struct http_stream *s);
    /* The client has read: less than HTTP_STREAM_LOW bytes are unsent, after it was more. NULL:
     * nobody asks. */
    void (*on_room)(void *ctx, struct http_stream *s);
    /* The connection is gone, timed out or was dropped, or the server goes: s is no more. Not
     * behind http_stream_end. It may write to
     * others and end them. */
    void (*on_gone)(void *ctx);
};

#define HTTP_STREAM_LOW 32768u

/* The engine's side, through the functions below. */
struct http_stream_ops {
    bool (*answer)(struct http_stream *s, const struct http_response *r);
    bool (*write)(struct http_stream *s, struct str text);
    bool (*share)(struct http_stream *s, struct shared_body *b, size_t at, size_t n);
    size_t (*held)(const struct http_stream *s);
    void (*end)(struct http_stream *s);
};

struct http_stream {
    const struct http_stream_ops *ops;
};

/* The whole answer to a request that was deferred (a response with status 0), once and instead of
 * _write; its strings are copied before it returns, r->shared's reference passes. The stream is
 * over with it, as with http_stream_end. false: no memory, the connection is dropped (on_gone does
 * not run). */
bool http_stream_answer(struct http_stream *s, const struct http_response *r) MUST_CHECK;
/* More of the body: copied; or n bytes at `at` of a shared one, by reference (b's own reference
 * stays with the caller). false: no memory, or the client is further behind than the engine allows
 * (write_bytes_max of copied bytes; shared ones are not counted): the caller ends the stream then,
 * and the connection is reset, for the body is not whole. Nothing is dropped before it returns.
 * What was written goes out from the loop, together with what is written until then. */
bool http_stream_write(struct http_stream *s, struct str text) MUST_CHECK;
bool http_stream_share(struct http_stream *s, struct shared_body *b, size_t at,
                       size_t n) MUST_CHECK;
/* Bytes that have not gone out yet, shared ones included. */
size_t http_stream_held(const struct http_stream *s);
/* The body is complete. s is no more. */
void http_stream_end(struct http_stream *s);

#define HTTP_RESPONSE_HEADERS_MAX 16

/* Starts zeroed. Strings must live until the request's arena is reset (literals, arena, view). The
 * engine adds Date, Server, Content-Length and Connection. */
struct http_response {
    int status;      /* a handler always sets it */
    struct str type; /* Content-Type; n 0 for none */
    struct str body;
    struct shared_body *shared; /* instead of body; one reference passes to the engine */
    struct http_header headers[HTTP_RESPONSE_HEADERS_MAX];
    size_t header_count;
    bool close; /* close the connection behind this answer */
    /* The body comes later, through a stream (chunked, or up to the end of the connection for
     * HTTP/1.0): body and shared are then empty. status 0 defers the head too, until
     * http_stream_answer. NULL: this is all. Not for HEAD, which the handler answers at once. */
    const struct http_stream_use *stream;
    void *stream_ctx;
};

/* Value bytes that could split a header (CR, LF, NUL) are refused: false, and nothing is added.
 * false when full. */
bool http_response_header(struct http_response *r, struct str name, struct str value) MUST_CHECK;

/* A text/plain answer of one line. text lives as above. */
void http_response_text(struct http_response *r, int status, struct str text);

/* Runs on a worker, never blocks. */
typedef void handler_fn(void *ctx, const struct http_request *request,
                        struct http_response *response);
