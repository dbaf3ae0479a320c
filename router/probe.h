/* One probe: one connection to one address of a streamer, which ends in one verdict and one
 * sentence. probe_tcp.c connects, under a deadline for the whole; probe_http.c asks and reads on
 * the connection. Only prober.c starts probes. */
#pragma once

#include "base/bytes.h"
#include "router/streamer.h"

struct event_base;

enum probe_verdict {
    PROBE_GOOD,
    PROBE_BAD,
    PROBE_NOTHING, /* this side could not ask (no descriptor, no memory, a stalled loop): says
                      nothing about the streamer */
};

#define PROBE_WHY_MAX 160

struct probe_result {
    enum probe_verdict verdict;
    char why[PROBE_WHY_MAX]; /* "200 in 2 ms", "connection refused in 0 ms": printable ASCII */
};

struct probe_ask {
    struct addr addr;
    uint16_t port;
    struct str host;               /* Host header; n 0: the address and port */
    const struct probe_conf *conf; /* type, path, status range, timeout */
};

struct probe;

/* The probe is gone when this is called. */
typedef void probe_done_fn(void *arg, const struct probe_result *result);

/* Keeps nothing that ask points to, and never calls done before it returns. NULL: no memory. */
struct probe *probe_start(struct event_base *base, const struct probe_ask *ask, probe_done_fn *done,
                          void *arg) MUST_CHECK;
/* Closes everything; done is not called. NULL is fine. */
void probe_cancel(struct probe *p);

/* The reader of an HTTP answer's head (RFC 9112 sections 4 and 5): push, any split gives the same,
 * no memory that grows. Strict about what makes it HTTP (version, status, field names, colons, no
 * control characters), tolerant of what old servers do (bare LF, folded lines, no reason phrase).
 * Interim answers (1xx) are read over. */
#define HTTP_ANSWER_MAX ((size_t)64 << 10)

enum http_answer_state {
    HTTP_ANSWER_STATUS_LINE,
    HTTP_ANSWER_REASON,
    HTTP_ANSWER_LINE_START,
    HTTP_ANSWER_NAME,
    HTTP_ANSWER_VALUE,
    HTTP_ANSWER_LF,      /* behind the CR of a line */
    HTTP_ANSWER_LAST_LF, /* behind the CR of the empty line */
    HTTP_ANSWER_DONE,    /* status is the answer's */
    HTTP_ANSWER_BAD,     /* wrong says why */
};

/* Start from {0}. */
struct http_answer {
    enum http_answer_state state;
    size_t seen;     /* bytes */
    uint32_t line;   /* bytes of the status line so far */
    uint32_t fields; /* header lines so far */
    uint16_t status; /* once the status line has it */
    const char *wrong;
};

/* Returns the state behind these bytes; feeding a reader that is DONE or BAD changes nothing. At
 * HTTP_ANSWER_MAX bytes the status alone decides. */
enum http_answer_state http_answer_feed(struct http_answer *a, const char *p, size_t n);
/* The peer closed. */
enum http_answer_state http_answer_end(struct http_answer *a);
