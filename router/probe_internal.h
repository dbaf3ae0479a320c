/* What probe_tcp.c and probe_http.c share of a probe under way; nobody else includes this. */
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

    /* HTTP */
    struct bytes request;
    size_t sent;
    struct http_answer answer;
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
/* The connection stands. */
void probe_http_connected(struct probe *p);
