/* One connection of the engine, from accept to close; http_server.c owns them and what they share.
 * Internal to the engine. */
#pragma once

#include <event2/event_struct.h>

#include "http/http_answer.h"
#include "http/http_clients.h"
#include "http/http_server.h"
#include "http/http_wheel.h"
#include "http/http_wire.h"

struct ssl_st;

#define HTTP_SCRATCH   32768u /* read at once; whole requests never leave it */
#define HTTP_IN_SMALL  4096u  /* first buffer of a request that is incomplete; pooled */
#define HTTP_POOL_MAX  256u   /* spare buffers, queues, connections that a server keeps, of each */
#define HTTP_AHEAD_MAX 16384u /* with so much behind an open stream's request, no more is read */
#define HTTP_LINGER_MS 2000u  /* for a client to read an error before the connection is reset */

/* What a connection waits for; its deadline belongs to that. */
enum http_wait {
    HTTP_WAIT_NEW, /* just accepted, not read yet: no deadline */
    HTTP_WAIT_HANDSHAKE,
    HTTP_WAIT_IDLE,    /* for a request's first byte */
    HTTP_WAIT_REQUEST, /* for its last */
    HTTP_WAIT_WRITE,   /* for the client to read */
    HTTP_WAIT_STREAM,  /* for the owner of its stream: no deadline */
    HTTP_WAIT_LINGER,  /* for the client to close; what it sends is thrown away */
};

/* A spare input buffer, while it is one. */
struct http_spare {
    struct http_spare *next;
};

struct http_listener {
    struct http_server *server;
    struct event *event;
    struct ssl_ctx_st *tls;
    int fd;
    struct http_listener *next;
};

struct http_server {
    struct event_base *base;
    const struct http_conf *conf;
    struct http_limits limits;
    struct turn *turn;
    struct http_listener *listeners;
    bool accept_paused; /* the system is out of descriptors or memory; tried again each tick */
    bool draining;
    void (*on_idle)(void *arg);
    void *on_idle_arg;
    struct event *tick, *idle, *streams;
    bool ticking;
    struct http_wheel wheel;
    struct http_clients *clients; /* NULL: no cap */
    size_t connections;
    struct http_mount_conf *mounts; /* the most exact host first, then the longest path */
    size_t mount_count;
    struct http_stamp stamp;
    struct http_out *out; /* of the connection whose turn it is; empty between two */
    struct http_out *spare_outs;
    uint64_t sent;                                /* bytes, since the start */
    struct http_conn *marked_first, *marked_last; /* streams wrote to them: http_stream.c */
    size_t marked_count;
    struct http_conn *spare_conns;
    struct http_spare *spare_ins;
    unsigned spare_out_count, spare_conn_count, spare_in_count;
    struct http_message message; /* the request that is being answered */
    char scratch[HTTP_SCRATCH];
};

/* A connection's open stream. */
struct http_flow {
    struct http_stream stream;
    const struct http_stream_use *use; /* NULL: none is open */
    void *ctx;
    unsigned flags; /* of its answer: HTTP_ANSWER_CLOSE, HTTP_ANSWER_KEEP_ALIVE */
    bool deferred;  /* the head, too, is still to come */
    bool chunked;
    bool behind; /* HTTP_STREAM_LOW bytes or more were unsent: on_room is due once less are */
    bool failed; /* something could not be queued: the body is not whole */
};

struct http_conn {
    struct http_timer timer; /* first: the wheel's callbacks cast */
    struct http_server *server;
    struct http_conn *next; /* in the pool */
    struct ssl_st *ssl;     /* NULL: plain */
    int fd;
    enum http_wait wait;
    bool registered, reading, writing; /* its events: made, and which are on */
    bool closing;                      /* nothing more is read; closed once all is written */
    bool lingers;     /* ... and the client gets time to read it, for it may still be sending */
    bool wants_write; /* TLS must write before it can read on */
    bool tls_broken;  /* no farewell may be sent */
    bool broken;      /* to be dropped: an answer could not be finished */
    bool resume;      /* whole requests may stand in `in`, behind a stream */
    bool marked;      /* in the server's list of those that streams wrote to */
    struct http_conn *mark_prev, *mark_next;
    struct http_flow flow;
    uint16_t peer_port;
    struct addr peer;
    uint32_t requests;
    char *in; /* bytes of an incomplete request; NULL: none */
    size_t in_len, in_cap;
    struct http_out *out; /* answers that the client does not read; NULL: none */
    struct http_wire wire;
    struct event read_event, write_event;
};

/* Takes over fd, counts the connection and reads at once. turn_begin was called. */
void http_conn_open(struct http_server *s, int fd, struct addr peer, uint16_t port,
                    struct ssl_ctx_st *tls);
/* Its deadline has come. */
void http_conn_expire(struct http_conn *c);
void http_conn_close(struct http_conn *c);
/* Sends what its stream gave it; behind the stream's end, answers the requests that waited. May
 * free it. */
void http_conn_go_on(struct http_conn *c);
/* Counts an answer and appends it to o. Takes over r->shared's reference. false: no memory. */
bool http_conn_answer(struct http_conn *c, struct http_out *o, const struct http_response *r,
                      unsigned flags) MUST_CHECK;

/* http_server.c */
void http_server_count(struct http_server *s, int change); /* of connections */
const struct http_mount_conf *http_server_find(const struct http_server *s, struct str host,
                                               struct str path);
