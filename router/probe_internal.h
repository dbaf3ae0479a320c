/* What probe_tcp.c, probe_tls.c and probe_http.c share of a probe under way; nobody else includes
 * this. */
#pragma once

#include <event2/event.h>

#include "router/probe.h"

struct probe {
    struct event_base *base;
    probe_done_fn *done;
    void *arg;
    enum probe_type type;
    uint16_t status_min, status_max;
    uint32_t timeout_ms;
    int fd;
    int failed; /* errno of the connect, when it failed at once */
    struct event *io, *deadline;
    uint64_t start_us;
    const char *phase; /* what is missing when the deadline comes: "connection", "answer" */

    struct ssl_st *tls; /* NULL: in the clear */
    short waits;        /* for EV_READ or EV_WRITE */

    /* HTTP */
    struct bytes request;
    size_t sent;
    struct bytes origin; /* what the answer must allow; len 0: no matter */
    struct http_answer answer;
    bool want_body, in_body;
    size_t body_max;
    struct bytes body;
    struct http_body reader;
    char first[32]; /* bytes of the answer, for the sentence about what is no HTTP */
    size_t first_len;
};

/* Ends the probe: frees it, then tells. fmt makes the sentence; " in 2 ms" is added. */
void probe_finish(struct probe *p, enum probe_verdict verdict, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* The same for an error of the system: names it, and knows which ones are this side's. */
void probe_finish_errno(struct probe *p, int error);
/* Waits for what (EV_READ or EV_WRITE) with fn from here on; finishes the probe when it cannot. */
void probe_wait(struct probe *p, short what, event_callback_fn fn);

/* Makes p->request; false: no memory. */
bool probe_http_init(struct probe *p, const struct probe_ask *ask) MUST_CHECK;
/* The connection is ready for the request. */
void probe_http_begin(struct probe *p);

/* Makes p->tls; false: no memory. */
bool probe_tls_init(struct probe *p, const struct probe_ask *ask) MUST_CHECK;
void probe_tls_fini(struct probe *p);
/* The connection stands: shakes hands, and goes on with probe_http_begin. */
void probe_tls_begin(struct probe *p);

/* Read and write, encrypted or not. AGAIN: fn is called when there is more to do. FAILED: the probe
 * is gone. */
enum probe_io { PROBE_IO_OK, PROBE_IO_AGAIN, PROBE_IO_CLOSED, PROBE_IO_FAILED };
enum probe_io probe_recv(struct probe *p, char *buf, size_t size, size_t *n, event_callback_fn fn);
enum probe_io probe_send(struct probe *p, const char *data, size_t size, size_t *n,
                         event_callback_fn fn);
/* Bytes have been read that no event will tell of. */
bool probe_has_pending(const struct probe *p);
