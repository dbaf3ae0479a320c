/* One probe: one connection to one address of a streamer, which ends in one verdict and one
 * sentence, and when it is asked for also in a body (polls). probe_tcp.c connects, under a deadline
 * for the whole; probe_tls.c encrypts; probe_http.c asks and reads. Only the prober starts probes.
 */
#pragma once

#include "base/http_answer_read.h"
#include "router/streamer.h"

struct event_base;
struct ssl_ctx_st; /* OpenSSL's SSL_CTX */

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
    struct str body;         /* of a good one that asked for it; both until done returns */
    struct str content_type;
};

struct probe_ask {
    struct addr addr;
    uint16_t port;
    struct str host;               /* Host header; n 0: the address and port */
    const struct probe_conf *conf; /* type, path, status range, timeout, verify, cors_origin */
    struct ssl_ctx_st *tls;        /* PROBE_HTTPS: of probe_tls_new */
    bool body;                     /* read it too: without all of it the probe is bad */
    size_t body_max;
};

struct probe;

/* The probe is gone when this is called. */
typedef void probe_done_fn(void *arg, const struct probe_result *result);

/* Keeps nothing that ask points to, and never calls done before it returns. NULL: no memory. */
struct probe *probe_start(struct event_base *base, const struct probe_ask *ask, probe_done_fn *done,
                          void *arg) MUST_CHECK;
/* Closes everything; done is not called. NULL is fine. */
void probe_cancel(struct probe *p);

/* For all HTTPS probes: TLS 1.2 and later, the system's certificate authorities (OpenSSL's
 * SSL_CERT_FILE and SSL_CERT_DIR say otherwise). SSL_CTX_free it. */
enum err_code probe_tls_new(struct ssl_ctx_st **out, struct err *e) MUST_CHECK;
