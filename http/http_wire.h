/* HTTP/1.1 requests from bytes (RFC 9112), strictly: what two parsers could read in two ways is
 * refused. No socket and no allocation; a request may arrive in any number of pieces, and the
 * verdict does not depend on where they were cut. */
#pragma once

#include "base/handler.h"

#define HTTP_HEADERS_MAX    100 /* fields of one request; over it 431 */
#define HTTP_CHUNK_LINE_MAX 256 /* a chunk's size with its extensions; over it 400 */
#define HTTP_HOST_MAX       255 /* bytes of Host, without its port */

struct http_limits {
    uint32_t header_bytes_max; /* request line and fields, and again the trailer fields */
    uint32_t body_bytes_max;   /* decoded */
    /* Whose page says otherwise, by host and path, once the head is read; NULL: nobody. */
    uint32_t (*body_bytes_max_of)(void *ctx, const struct http_request *head);
    void *ctx;
};

enum http_step {
    HTTP_MORE,    /* incomplete so far */
    HTTP_DONE,    /* a whole request */
    HTTP_REFUSED, /* answer http_refusal_get(w->refusal) and close: the framing is lost */
};

/* What a refusal is about: a counter each. */
enum http_refusal_kind {
    HTTP_KIND_REQUEST_LINE,
    HTTP_KIND_METHOD,
    HTTP_KIND_TARGET,
    HTTP_KIND_FIELD,
    HTTP_KIND_HOST,
    HTTP_KIND_FRAMING, /* Content-Length, Transfer-Encoding, chunks */
    HTTP_KIND_LIMIT,
    HTTP_KIND_COUNT
};

enum http_refusal {
    HTTP_REFUSE_NONE,
    HTTP_REFUSE_BARE_LF,
    HTTP_REFUSE_REQUEST_LINE,
    HTTP_REFUSE_VERSION,
    HTTP_REFUSE_MAJOR,
    HTTP_REFUSE_METHOD,
    HTTP_REFUSE_TARGET,
    HTTP_REFUSE_TARGET_FORM,
    HTTP_REFUSE_PERCENT,
    HTTP_REFUSE_AUTHORITY,
    HTTP_REFUSE_OBS_FOLD,
    HTTP_REFUSE_FIELD_NAME,
    HTTP_REFUSE_SPACE_COLON,
    HTTP_REFUSE_FIELD_VALUE,
    HTTP_REFUSE_HOST_MISSING,
    HTTP_REFUSE_HOST_TWICE,
    HTTP_REFUSE_HOST,
    HTTP_REFUSE_LENGTH,
    HTTP_REFUSE_LENGTH_TWICE,
    HTTP_REFUSE_LENGTH_AND_CODING,
    HTTP_REFUSE_CODING,
    HTTP_REFUSE_CODING_UNKNOWN,
    HTTP_REFUSE_CODING_1_0,
    HTTP_REFUSE_EXPECT,
    HTTP_REFUSE_CHUNK_SIZE,
    HTTP_REFUSE_CHUNK_END,
    HTTP_REFUSE_URI_LONG,
    HTTP_REFUSE_FIELDS_LONG,
    HTTP_REFUSE_FIELDS_MANY,
    HTTP_REFUSE_BODY_LONG,
    HTTP_REFUSE_COUNT
};

struct http_refusal_info {
    uint16_t status; /* 400, 413, 414, 417, 431, 501, 505 */
    enum http_refusal_kind kind;
    struct str text; /* one sentence: what is wrong and what would be right */
};
const struct http_refusal_info *http_refusal_get(enum http_refusal r);

/* How far a request has come. Zero it for each request. */
struct http_wire {
    uint8_t state;
    bool expects_continue; /* the client waits for "100 Continue" before it sends the body */
    bool head_moved;       /* the authority was moved to make room for a path; see the .c */
    enum http_refusal refusal;
    size_t start;    /* of the request line, behind one empty line (RFC 9112 section 2.2) */
    size_t line;     /* start of the line that is not complete yet */
    size_t seen;     /* no line end before this */
    size_t head_end; /* of the empty line behind the fields, once it is there */
    size_t pos;      /* raw bytes of the body taken so far */
    size_t body_len; /* decoded bytes, at head_end */
    size_t left;     /* of the body or the chunk */
    size_t trailer;  /* bytes of trailer fields */
    uint32_t body_max;
};

/* A whole request. request's strings point into the buffer; its tls, peer, client and arena are
 * the caller's to set. method is never HTTP_METHOD_OTHER: those are refused. A HEAD has is_head,
 * and its method is HTTP_GET. OPTIONS alone may have the target "*". */
struct http_message {
    struct http_request request;
    bool http_1_0;
    bool keep_alive; /* what the client wants */
    size_t used;     /* bytes of the buffer that were this request */
    struct http_header headers[HTTP_HEADERS_MAX];
};

/* buf[*n] are all bytes since the request's first; call again with the same bytes and more behind
 * them. The parser writes into buf: the host becomes lower case, chunks move together (*n then
 * shrinks). out is filled when HTTP_DONE is returned. */
enum http_step http_wire_feed(struct http_wire *w, const struct http_limits *limits, char *buf,
                              size_t *n, struct http_message *out) MUST_CHECK;

/* What is known of a request that is refused or late: its request line, and its host unless a line
 * before Host was broken or is missing yet. Headers and body are left out. false: not even that.
 * buf as above; the request cannot go on afterwards. */
bool http_wire_peek(struct http_wire *w, char *buf, struct http_message *out) MUST_CHECK;

/* true once the head is read and the body is awaited. */
bool http_wire_in_body(const struct http_wire *w);

/* Host or authority: "name", "name:port", "[v6]", "[v6]:port". Makes *host lower case in place,
 * and without its trailing dot; *port is 0 when there is none. false: not such a thing. */
bool http_authority_parse(char *p, size_t n, struct str *host, uint16_t *port) MUST_CHECK;
