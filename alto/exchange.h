/* One request of an ALTO client and its answer, redirects included, over bytes: who has the socket
 * connects where it is told, sends what it is given, feeds what comes. Strict about the answer's
 * type (RFC 7285 section 8.3.4.2), bounded in everything. */
#pragma once

#include "alto/uri.h"
#include "base/addr.h"
#include "base/http_answer_read.h"

/* Whom requests may be sent to. */
struct exchange_hosts {
    struct str server;         /* the host of the server's own URI */
    bool server_tls;           /* https: no request goes out in the clear then */
    const struct str *allowed; /* [allowed_count] hosts besides; "*": all that are public */
    size_t allowed_count;
};

/* ERR_UNSUPPORTED: another host that is not allowed, or in the clear. *private_ok: it is named by
 * the operator and may have any address; else it must not be one of loopback or a private network.
 */
enum err_code exchange_hosts_check(const struct exchange_hosts *h, const struct uri *to,
                                   bool *private_ok, struct err *e) MUST_CHECK;

#define EXCHANGE_TEXT_MAX 256u /* of a validator */

struct exchange_ask {
    struct str uri; /* absolute */
    bool post;
    struct str body, content_type;  /* of a POST */
    struct str accept;              /* the types that may come, comma-separated; the type of errors
                                       is added, and refused when it comes */
    struct str etag, last_modified; /* of what is there already; n 0: none */
    bool stream;                    /* text/event-stream: the body is taken as it comes */
    size_t body_max;                /* decompressed too; of a stream: of what is not taken yet */
    unsigned redirects_max;
    const struct exchange_hosts *hosts; /* must live as long */
};

enum exchange_state {
    EXCHANGE_CONNECT, /* to `to`; then exchange_request is what is sent */
    EXCHANGE_ANSWER,  /* feed it */
    EXCHANGE_STREAM,  /* the head is good, the body comes: exchange_body, exchange_taken */
    EXCHANGE_DONE,    /* status and body are there: 200, 204 or 304 */
    EXCHANGE_FAILED,  /* e says why */
};

struct exchange {
    enum exchange_state state;
    struct uri to; /* where to connect */
    bool private_ok;
    struct bytes request;
    struct err e;

    /* The answer; also of one that failed, as far as it came. */
    uint16_t status;          /* 0: none */
    struct str content_type;  /* without parameters */
    struct str content_whole; /* with them */
    struct bytes body;
    char etag[EXCHANGE_TEXT_MAX], last_modified[EXCHANGE_TEXT_MAX];
    int64_t max_age_s, retry_after_s; /* -1: not said */

    /* Its own. */
    struct exchange_ask ask; /* with copies in `kept` */
    struct bytes kept;
    struct bytes uri; /* of the request at hand */
    unsigned redirects;
    struct http_answer head;
    struct http_body reader;
    struct bytes raw;
    bool in_body;
};

/* Into *x, which is zero; what ask points to is copied, but hosts. The state is CONNECT, or FAILED:
 * an address that is none or not allowed. */
void exchange_begin(struct exchange *x, const struct exchange_ask *ask);
void exchange_free(struct exchange *x); /* zeros it */

/* What is to be sent when the connection stands; the state is ANSWER then. */
struct str exchange_request(struct exchange *x);
/* Bytes of the answer, any split. CONNECT again: a redirect; the connection is to be closed. */
enum exchange_state exchange_feed(struct exchange *x, const char *p, size_t n);
/* The connection is closed, or was never there: why, NULL for closed by the peer. */
enum exchange_state exchange_closed(struct exchange *x, const char *why);

/* Of a stream: what has come, and that it was read. */
struct str exchange_body(const struct exchange *x);
void exchange_taken(struct exchange *x);
