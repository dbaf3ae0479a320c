/* A worker: a thread with an event loop, the front ends' servers on sockets of its own, its
 * counters, its pointer to the view. Everything it shares comes in through its mailbox. */
#pragma once

#include <pthread.h>

#include "alto/update.h"
#include "base/metrics.h"
#include "daemon/config.h"
#include "daemon/mailbox.h"
#include "dns/dns_server.h"
#include "http/http_digest.h"
#include "http/http_server.h"
#include "router/turn.h"
#include "tracker/tracker.h"

struct ssl_ctx_st;

#define WORKER_ARENA_MAX ((size_t)4 << 20) /* for one answer */
#define WORKER_NOTES     8192              /* access log lines under way */

/* What all workers share; outlives them. */
struct worker_shared {
    const struct config *config;
    struct live *live;
    struct swarms *swarms;      /* NULL: no tracker */
    struct ssl_ctx_st *tls;     /* NULL: no https; workers take references of their own */
    struct alto_hub *hub;       /* NULL: no ALTO server */
    struct http_digest *digest; /* NULL: no ALTO client has a password; likewise */
    /* On the worker's thread: everything it had accepted is answered. */
    void (*on_drained)(void *arg);
    void *on_drained_arg;
};

struct worker {
    unsigned number;
    const struct worker_shared *shared;
    pthread_t thread;
    bool started;
    struct event_base *base;
    struct event *on_mail, *on_second;
    struct mailbox *mail;
    struct view *view; /* the reference that turn.view stands on */
    struct turn turn;
    struct metrics metrics;
    struct ssl_ctx_st *tls; /* its reference to what its listeners use */
    struct http_server *http;
    struct dns_server *dns;
    struct tracker *tracker;
    struct alto_server alto;
    struct http_digest_page alto_page; /* around it; holds a reference to the digest */
    unsigned draining;                 /* servers that still have connections, while draining */
};

/* Makes the servers; the worker takes one reference to view. No thread yet. */
enum err_code worker_init(struct worker *w, unsigned number, const struct worker_shared *shared,
                          struct view *view, struct err *e) MUST_CHECK;

enum listen_kind { LISTEN_HTTP, LISTEN_HTTPS, LISTEN_DNS_UDP, LISTEN_DNS_TCP, LISTEN_TRACKER_UDP };
/* Before worker_start: gives the worker a socket; the descriptor is its own from then on, also on
 * failure. */
enum err_code worker_listen(struct worker *w, enum listen_kind kind, int fd,
                            struct err *e) MUST_CHECK;

enum err_code worker_start(struct worker *w, struct err *e) MUST_CHECK;

/* Any thread. The worker serves this view from its next turn on; the reference passes to it. */
void worker_post_view(struct worker *w, struct view *v);
/* Any thread. New TLS connections are served with this context; the reference passes to the worker.
 */
void worker_post_tls(struct worker *w, struct ssl_ctx_st *tls);
/* Any thread. Users of ALTO are known by this from now on; the reference passes to the worker. */
void worker_post_digest(struct worker *w, struct http_digest *d);
/* Any thread. ALTO is answered from this catalog; the reference passes to the worker. */
void worker_post_alto(struct worker *w, struct alto_catalog *c);
/* Any thread. The worker takes its turn with the ALTO hub soon. */
void worker_post_hub(struct worker *w);
/* Stop accepting, finish what is under way, then on_drained. */
void worker_post_drain(struct worker *w);
/* Leave the loop now. */
void worker_post_stop(struct worker *w);

/* Behind worker_post_stop: waits for the thread. */
void worker_join(struct worker *w);
void worker_fini(struct worker *w);
