/* HTTP for the command line's ALTO client: one connection that blocks with a time limit, and whole
 * exchanges (alto/exchange.h) over it. */
#pragma once

#include "alto/exchange.h"

struct ssl_ctx_st;

struct alto_call_conf {
    struct ssl_ctx_st *tls;
    bool insecure; /* certificates are not looked at */
    unsigned timeout_ms;
};

struct alto_conn;

/* Looked up and connected, TLS included. private_ok: any address; else public ones alone. ERR_IO.
 */
enum err_code alto_conn_open(const struct alto_call_conf *conf, const struct uri *to,
                             bool private_ok, struct alto_conn **out, struct err *e) MUST_CHECK;
void alto_conn_close(struct alto_conn *c); /* NULL is fine */
enum err_code alto_conn_send(struct alto_conn *c, struct str bytes, struct err *e) MUST_CHECK;
/* Waits for some bytes until until_ms (of clock_ms); *n 0: the peer closed. ERR_LIMIT: nothing came
 * in time, or *stop (may be NULL) became true; ERR_IO. */
enum err_code alto_conn_read(struct alto_conn *c, uint64_t until_ms, const volatile bool *stop,
                             void *buf, size_t size, size_t *n, struct err *e) MUST_CHECK;

/* Of a stream (ask->stream): what came since the last call. Anything but ERR_OK ends it. */
typedef enum err_code alto_call_stream_fn(void *ctx, struct str bytes, struct err *e);

/* How long an exchange may take, and who is told of a stream. */
struct alto_call_how {
    uint64_t until_ms;         /* 0: conf's time limit without a byte */
    const volatile bool *stop; /* may be NULL */
    alto_call_stream_fn *stream;
    void *ctx;
};

/* Into *x, which is zero and exchange_free'd by the caller in any case. ERR_OK: the state is DONE.
 * An ALTO error is ERR_PARSE with what the body says. */
enum err_code alto_call(const struct alto_call_conf *conf, const struct exchange_ask *ask,
                        const struct alto_call_how *how, struct exchange *x,
                        struct err *e) MUST_CHECK;
