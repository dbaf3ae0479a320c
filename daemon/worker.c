#include "daemon/worker.h"

#include <signal.h>
#include <string.h>

#include <event2/event.h>

#include "base/clock.h"
#include "base/hash.h"
#include "daemon/alto_publisher.h"
#include "http/http_tls.h"
#include "http/redirect.h"
#include "router/buckets.h"

#define ALTO_BUCKETS UINT64_C(0x616c746f) /* services' are hashes of their names */

static void view_swap(struct worker *w, struct view *fresh)
{
    struct view *old = w->view;

    if (!fresh)
        return;
    w->view = fresh;
    w->turn.view = fresh;
    view_drop(
        old); /* the control thread holds one more until nobody uses it: nothing is freed here */
}

static void one_drained(void *arg)
{
    struct worker *w = arg;

    if (w->draining && --w->draining == 0)
        w->shared->on_drained(w->shared->on_drained_arg);
}

static void drain(struct worker *w)
{
    w->draining = 2;
    http_server_drain(w->http, one_drained, w);
    dns_server_drain(w->dns, one_drained, w);
}

static void tls_swap(struct worker *w, struct ssl_ctx_st *fresh)
{
    if (!fresh)
        return;
    http_server_tls_set(w->http, fresh);
    http_tls_free(w->tls);
    w->tls = fresh;
}

/* Who asks is invited to show who he is only where he can: a 401 has a challenge (RFC 9110 section
 * 15.5.2), and certificates have none. */
static void digest_swap(struct worker *w, struct http_digest *fresh)
{
    if (!fresh)
        return;
    http_digest_free(w->alto_page.digest);
    w->alto_page.digest = fresh;
    w->alto.asks_users = true;
}

static void alto_swap(struct worker *w, struct alto_catalog *fresh)
{
    if (fresh)
        alto_server_set(&w->alto, fresh);
}

static void alto_turn(struct worker *w)
{
    if (!w->alto.hub)
        return;
    turn_begin(&w->turn);
    alto_hub_turn(&w->alto, w->turn.now_ms);
}

static uint64_t alto_wall_ms(void *arg)
{
    const struct worker *w = arg;

    return w->turn.wall_ms;
}

static void on_mail(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
    struct worker *w = arg;

    mailbox_drain(w->mail);
    view_swap(w, mailbox_take(w->mail, MAIL_VIEW));
    tls_swap(w, mailbox_take(w->mail, MAIL_TLS));
    digest_swap(w, mailbox_take(w->mail, MAIL_DIGEST));
    alto_swap(w, mailbox_take(w->mail, MAIL_ALTO));
    if (mailbox_take(w->mail, MAIL_HUB))
        alto_turn(w);
    if (mailbox_take(w->mail, MAIL_DRAIN))
        drain(w);
    if (mailbox_take(w->mail, MAIL_STOP))
        event_base_loopbreak(w->base);
}

static void on_second(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
    struct worker *w = arg;

    w->turn.wall_offset_ms = clock_wall_ms() - clock_ms();
    alto_turn(w);
}

/* An IPv6 client is its /56. Rate and burst are those of the start. */
static bool asks_too_often(struct worker *w, struct addr client)
{
    const struct alto_conf *a = &w->shared->config->alto;
    const double units = 1000.0 * BUCKET_UNITS_MS;
    const uint8_t len = addr_is_v4(client) ? 128 : 56;
    const struct bucket_rate rate = {(uint64_t)(units / a->client_rate),
                                     (uint64_t)((a->client_burst - 1) * (units / a->client_rate))};

    return !buckets_take_client(w->turn.buckets, ALTO_BUCKETS,
                                (struct prefix){addr_mask(client, len), len}, rate, w->turn.now_ms);
}

/* With passwords or, until a reload brings some, without. */
static void alto_page_handle(void *ctx, const struct http_request *q, struct http_response *r)
{
    struct worker *w = ctx;

    if (w->shared->config->alto.client_rate > 0 && w->turn.buckets &&
        asks_too_often(w, q->client)) {
        metric_add(&w->metrics, METRIC_ALTO_LIMITED, 1);
        alto_handle_refused(&w->alto, 429, STR("too often"), r);
        (void)!http_response_header(r, STR("Retry-After"), STR("1"));
        return;
    }
    if (w->alto_page.digest)
        http_digest_handle(&w->alto_page, q, r);
    else
        alto_handle(&w->alto, q, r);
}

static void alto_page_refused(void *ctx, int status, struct str reason, struct http_response *r)
{
    struct worker *w = ctx;

    alto_handle_refused(&w->alto, status, reason, r);
}

static bool mount_all(struct worker *w)
{
    const struct alto_conf *alto = &w->shared->config->alto;
    const struct str any = {NULL, 0};

    if (w->tracker && w->shared->config->tracker_http &&
        (!http_server_mount(w->http, any, STR("/announce"), tracker_announce_handle, w->tracker) ||
         !http_server_mount(w->http, any, STR("/scrape"), tracker_scrape_handle, w->tracker)))
        return false;
    if (w->alto.hub && !http_server_mount_conf(w->http, &(struct http_mount_conf){
                                                            .host = alto->host,
                                                            .path = alto->path,
                                                            .fn = alto_page_handle,
                                                            .ctx = w,
                                                            .body_bytes_max = alto->body_max,
                                                            .refused = alto_page_refused,
                                                        }))
        return false;
    return http_server_mount(w->http, any, STR("/"), redirect_handle, &w->turn);
}

static bool make_servers(struct worker *w)
{
    const struct config *c = w->shared->config;

    w->http = http_server_new(w->base, &c->http_conf, &w->turn);
    w->dns = dns_server_new(w->base, &c->dns_conf, &w->turn);
    if (w->shared->swarms)
        w->tracker = tracker_new(w->base, &c->tracker_conf, w->shared->swarms, &w->turn);
    return w->http && w->dns && (w->tracker || !w->shared->swarms) && mount_all(w);
}

enum err_code worker_init(struct worker *w, unsigned number, const struct worker_shared *shared,
                          struct view *view, struct err *e)
{
    static const struct timeval second = {1, 0};

    *w = (struct worker){.number = number, .shared = shared};
    view_take(view);
    w->view = view;
    w->tls = http_tls_take(shared->tls);
    w->base = event_base_new();
    w->turn = (struct turn){
        .view = view,
        .live = shared->live,
        .metrics = &w->metrics,
        .keys = key_scratch_new(),
        .arena = arena_new(WORKER_ARENA_MAX),
        .wall_offset_ms = clock_wall_ms() - clock_ms(),
    };
    hash_random(&w->turn.random, sizeof w->turn.random);
    w->turn.random |= 1;
    turn_begin(&w->turn);
    alto_server_init(&w->alto);
    w->alto.hub = shared->hub;
    w->alto.worker = number;
    w->alto.metrics = &w->metrics;
    w->alto.wall_ms = alto_wall_ms;
    w->alto.wall_arg = w;
    w->alto.groups = alto_client_groups_of;
    w->alto.groups_arg = &w->alto;
    w->alto_page = (struct http_digest_page){
        .turn = &w->turn, .fn = alto_handle, .ctx = &w->alto, .refused = alto_handle_refused};
    if (shared->digest)
        digest_swap(w, http_digest_take(shared->digest));
    w->mail = mailbox_new();
    if (!w->mail || !w->base || !w->turn.keys || !w->turn.arena || !make_servers(w))
        return err_set(e, ERR_LIMIT, "worker %u: no memory or descriptors", number);
    w->on_mail = event_new(w->base, mailbox_fd(w->mail), EV_READ | EV_PERSIST, on_mail, w);
    w->on_second = event_new(w->base, -1, EV_PERSIST, on_second, w);
    if (!w->on_mail || !w->on_second || event_add(w->on_mail, NULL) < 0 ||
        event_add(w->on_second, &second) < 0)
        return err_set(e, ERR_LIMIT, "worker %u: no memory", number);
    return ERR_OK;
}

enum err_code worker_listen(struct worker *w, enum listen_kind kind, int fd, struct err *e)
{
    switch (kind) {
    case LISTEN_HTTP:
        return http_server_listen(w->http, fd, NULL, e);
    case LISTEN_HTTPS:
        return http_server_listen(w->http, fd, w->tls, e);
    case LISTEN_DNS_UDP:
        return dns_server_listen_udp(w->dns, fd, e);
    case LISTEN_DNS_TCP:
        return dns_server_listen_tcp(w->dns, fd, e);
    case LISTEN_TRACKER_UDP:
        return tracker_listen_udp(w->tracker, fd, e);
    }
    return err_set(e, ERR_UNSUPPORTED, "no such listener");
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;

    event_base_dispatch(w->base);
    return NULL;
}

enum err_code worker_start(struct worker *w, struct err *e)
{
    sigset_t all, before;
    int failed;

    /* Signals are the control thread's. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&w->thread, NULL, worker_main, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed)
        return err_set(e, ERR_LIMIT, "worker %u: no thread: %s", w->number, strerror(failed));
    w->started = true;
    return ERR_OK;
}

void worker_post_view(struct worker *w, struct view *v)
{
    view_drop(mailbox_post(w->mail, MAIL_VIEW, v)); /* an older one that was never taken */
}

void worker_post_tls(struct worker *w, struct ssl_ctx_st *tls)
{
    http_tls_free(mailbox_post(w->mail, MAIL_TLS, tls));
}

void worker_post_digest(struct worker *w, struct http_digest *d)
{
    http_digest_free(mailbox_post(w->mail, MAIL_DIGEST, d));
}

void worker_post_alto(struct worker *w, struct alto_catalog *c)
{
    alto_catalog_drop(mailbox_post(w->mail, MAIL_ALTO, c));
}

void worker_post_hub(struct worker *w)
{
    (void)!mailbox_post(w->mail, MAIL_HUB, w);
}

void worker_post_drain(struct worker *w)
{
    (void)!mailbox_post(w->mail, MAIL_DRAIN, w);
}

void worker_post_stop(struct worker *w)
{
    if (w->started)
        (void)!mailbox_post(w->mail, MAIL_STOP, w);
}

void worker_join(struct worker *w)
{
    if (w->started)
        pthread_join(w->thread, NULL);
    w->started = false;
}

void worker_fini(struct worker *w)
{
    if (w->mail) {
        view_drop(mailbox_take(w->mail, MAIL_VIEW));
        http_tls_free(mailbox_take(w->mail, MAIL_TLS));
        http_digest_free(mailbox_take(w->mail, MAIL_DIGEST));
        alto_catalog_drop(mailbox_take(w->mail, MAIL_ALTO));
    }
    if (w->alto.hub)
        alto_hub_leave(&w->alto);
    http_server_free(w->http);
    dns_server_free(w->dns);
    tracker_free(w->tracker);
    if (w->on_mail)
        event_free(w->on_mail);
    if (w->on_second)
        event_free(w->on_second);
    mailbox_free(w->mail);
    if (w->base)
        event_base_free(w->base);
    http_tls_free(w->tls);
    http_digest_free(w->alto_page.digest);
    alto_server_fini(&w->alto);
    view_drop(w->view);
    key_scratch_free(w->turn.keys);
    arena_free(w->turn.arena);
}
