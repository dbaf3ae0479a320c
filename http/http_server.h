/* The HTTP/1.1 engine of a public port (RFC 9110, RFC 9112): strict, bounded, with handlers mounted
 * by host and path. One server a worker; it owns its connections and the listening sockets that it
 * was given. */
#pragma once

#include "base/addr.h"
#include "base/handler.h"
#include "router/turn.h"

struct event_base;
struct ssl_ctx_st;

struct http_conf {
    uint32_t header_bytes_max;   /* request line and headers; default 16384; over it 431 or 414 */
    uint32_t body_bytes_max;     /* default 1 MiB; over it 413 */
    uint32_t request_timeout_ms; /* from a request's first byte to its last: default 10000; 408 */
    uint32_t idle_timeout_ms;    /* between requests: default 60000 */
    uint32_t write_bytes_max; /* unsent answer bytes of a connection: default 256 KiB; a slow reader
                                 is dropped */
    uint32_t write_timeout_ms;       /* without progress of a write: default 15000 */
    uint32_t connections_max;        /* of this worker; default 10000 */
    uint32_t connections_per_client; /* of one address (IPv6: one /64), of this worker; 0: no limit;
                                        default 0 */
    uint32_t requests_max;           /* on one connection; 0: no limit */
    const struct prefix *trusted_proxies; /* whose X-Forwarded-For is believed */
    size_t trusted_proxy_count;
};

void http_conf_default(struct http_conf *c);

struct http_server;

/* conf, turn and base outlive the server. */
struct http_server *http_server_new(struct event_base *base, const struct http_conf *conf,
                                    struct turn *turn);

/* An answer of the engine's own for a page: status (408, 413, 431, 400, ..) and one sentence. The
 * page may answer in its own form, with strings that live on (there is no request), or leave r as
 * it is for plain text. The connection is closed behind it. */
typedef void http_refused_fn(void *ctx, int status, struct str reason, struct http_response *r);

/* Starts zeroed. */
struct http_mount_conf {
    struct str host; /* n 0: any; else exact, in lower case */
    struct str path; /* a prefix that ends at a segment: "/announce" takes "/announce" and
                        "/announce/x", "/" takes all */
    handler_fn *fn;
    void *ctx;
    uint32_t body_bytes_max;  /* 0: the server's */
    http_refused_fn *refused; /* gets ctx; asked as far as host and path are known by then; NULL:
                                 plain text */
};

/* Mounts a handler. The longest path of the most exact host wins. m is not kept. false: no memory.
 */
bool http_server_mount_conf(struct http_server *s, const struct http_mount_conf *m) MUST_CHECK;
/* The same for a page that has nothing of its own. */
bool http_server_mount(struct http_server *s, struct str host, struct str path, handler_fn *fn,
                       void *ctx) MUST_CHECK;

/* Takes over a listening descriptor. tls NULL: plain. */
enum err_code http_server_listen(struct http_server *s, int fd, struct ssl_ctx_st *tls,
                                 struct err *e) MUST_CHECK;

/* Every TLS listener serves new connections with this context; open ones keep theirs. */
void http_server_tls_set(struct http_server *s, struct ssl_ctx_st *tls);

/* Stops accepting, answers what is under way with Connection: close, closes idle connections.
 * on_idle runs once no connection is left. */
void http_server_drain(struct http_server *s, void (*on_idle)(void *arg), void *arg);
size_t http_server_connections(const struct http_server *s);
void http_server_free(struct http_server *s);
