/* The shape in which pages are mounted on the HTTP engine: method, target and body in; status, type
 * and body out. Redirects, the tracker's announce, admin pages and ALTO are all handlers; none of
 * them sees a socket. */
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
};

/* Value bytes that could split a header (CR, LF, NUL) are refused: false, and nothing is added.
 * false when full. */
bool http_response_header(struct http_response *r, struct str name, struct str value) MUST_CHECK;

/* A text/plain answer of one line. text lives as above. */
void http_response_text(struct http_response *r, int status, struct str text);

/* Runs on a worker, never blocks. */
typedef void handler_fn(void *ctx, const struct http_request *request,
                        struct http_response *response);
