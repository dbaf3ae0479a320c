#include "daemon/alto_fetch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/clock.h"
#include "base/tls_client.h"

#define PIECE         ((size_t)64 << 10)
#define ADDRESSES_MAX 8u    /* of one name that are tried */
#define ATTEMPT_MS    3000u /* of one of them, while there are others */
#define LONG_TURN_MS  20u   /* a turn that took longer is followed by as long a pause of reading */

/* A name being looked up; its answer comes even when nobody waits any more. */
struct lookup {
    struct conn *k; /* NULL: nobody */
    struct evdns_getaddrinfo_request *request;
};

struct conn {
    struct alto_fetch *f;
    unsigned slot;
    bool used, connected;
    bool tls, private_ok;
    char host[256]; /* without brackets */
    uint16_t port;
    struct lookup *lookup;
    struct addr addresses[ADDRESSES_MAX];
    unsigned address_count, next_address;
    struct bufferevent *bev;
    struct event *fail;  /* tells of a failure in the loop's next turn */
    struct event *next;  /* tries another address when this one does not answer */
    struct event *go_on; /* reads again */
    char why[160];
};

struct alto_fetch {
    struct event_base *base;
    struct evdns_base *dns; /* made when a name is first looked up */
    bool dns_failed;        /* the newest lookup: the resolvers may be others by now */
    struct ssl_ctx_st *tls;
    struct alto_client *client;
    alto_fetch_maps_fn *maps;
    void *ctx;
    struct event *timer;
    uint32_t attempt_ms;
    uint64_t quiet_ms; /* until when nothing is read, that the loop's other work has its half */
    struct conn conns[ALTO_CLIENT_SLOTS];
};

static struct timeval in_ms(uint64_t ms)
{
    return (struct timeval){(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};
}

/* Behind everything that the client was told. */
static void rearm(struct alto_fetch *f)
{
    const uint64_t wake = alto_client_wake_ms(f->client), now = clock_ms();
    const uint64_t wait = wake > now ? wake - now : 0;
    const struct timeval tv = in_ms(wait);

    if (wake == UINT64_MAX)
        evtimer_del(f->timer);
    else
        evtimer_add(f->timer, &tv);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct alto_fetch *f = arg;

    (void)fd;
    (void)what;
    alto_client_turn(f->client, clock_ms());
    rearm(f);
}

static void conn_clear(struct conn *k)
{
    if (k->lookup) {
        k->lookup->k = NULL;
        evdns_getaddrinfo_cancel(k->lookup->request);
    }
    if (k->bev)
        bufferevent_free(k->bev);
    k->lookup = NULL;
    k->bev = NULL;
    event_del(k->fail);
    event_del(k->next);
    event_del(k->go_on);
    k->used = k->connected = false;
}

static void tell_closed(struct conn *k, const char *why)
{
    struct alto_fetch *f = k->f;
    const unsigned slot = k->slot;
    char text[sizeof k->why];

    if (why)
        snprintf(text, sizeof text, "%s", why);
    conn_clear(k);
    alto_client_closed(f->client, slot, why ? text : NULL, clock_ms());
    rearm(f);
}

static void on_fail(evutil_socket_t fd, short what, void *arg)
{
    struct conn *k = arg;

    (void)fd;
    (void)what;
    if (k->used)
        tell_closed(k, k->why);
}

static void fail_later(struct conn *k, const char *why)
{
    snprintf(k->why, sizeof k->why, "%s", why);
    event_active(k->fail, EV_TIMEOUT, 0);
}

/* All that came. */
static void feed(struct bufferevent *bev, struct conn *k)
{
    static _Thread_local char buf[PIECE];
    struct alto_fetch *f = k->f;
    const uint64_t began = clock_ms();
    uint64_t now = began;
    size_t n;

    /* The client may close, and connect anew, with any of these bytes. */
    while (k->used && k->bev == bev && (n = bufferevent_read(bev, buf, sizeof buf)) > 0) {
        alto_client_bytes(f->client, k->slot, buf, n, now);
        now = clock_ms();
    }
    if (now - began >= LONG_TURN_MS)
        f->quiet_ms = now + (now - began);
    rearm(f);
}

/* However fast a server sends large maps, at most half of the time goes into them. */
static void on_read(struct bufferevent *bev, void *arg)
{
    struct conn *k = arg;
    const uint64_t now = clock_ms();
    const struct timeval tv = in_ms(k->f->quiet_ms - now);

    if (now >= k->f->quiet_ms) {
        feed(bev, k);
        return;
    }
    bufferevent_disable(bev, EV_READ);
    evtimer_add(k->go_on, &tv);
}

static void on_go_on(evutil_socket_t fd, short what, void *arg)
{
    struct conn *k = arg;
    struct bufferevent *bev = k->bev;

    (void)fd;
    (void)what;
    if (!k->used || !bev)
        return;
    bufferevent_enable(bev, EV_READ);
    on_read(bev, k);
}

static void connect_next(struct conn *k);

static void say_error(struct conn *k, char *out, size_t size)
{
    const int error = EVUTIL_SOCKET_ERROR();
    SSL *ssl = k->tls ? bufferevent_openssl_get_ssl(k->bev) : NULL;
    const unsigned long code = ssl ? bufferevent_get_openssl_error(k->bev) : 0;
    const char *reason = code ? ERR_reason_error_string(code) : NULL;
    const long cert = ssl ? SSL_get_verify_result(ssl) : X509_V_OK;

    ERR_clear_error();
    if (cert != X509_V_OK)
        snprintf(out, size, "TLS: the certificate: %s", X509_verify_cert_error_string(cert));
    else if (reason)
        snprintf(out, size, "TLS: %s", reason);
    else
        snprintf(out, size, "%s", error ? evutil_socket_error_to_string(error) : "closed");
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
    struct conn *k = arg;
    char why[sizeof k->why];

    if (what & BEV_EVENT_CONNECTED) {
        k->connected = true;
        event_del(k->next);
        alto_client_connected(k->f->client, k->slot, clock_ms());
        rearm(k->f);
        return;
    }
    feed(bev, k);
    if (!k->used || k->bev != bev)
        return;
    if (what & BEV_EVENT_EOF && k->connected) {
        tell_closed(k, NULL);
        return;
    }
    say_error(k, why, sizeof why);
    /* Another address of the name may be better; a certificate is not. */
    if (!k->connected && k->next_address < k->address_count && strncmp(why, "TLS", 3) != 0) {
        bufferevent_free(k->bev);
        k->bev = NULL;
        connect_next(k);
        return;
    }
    tell_closed(k, why);
}

static struct bufferevent *make_bev(struct conn *k)
{
    const int flags = BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS;
    SSL *ssl;

    if (!k->tls)
        return bufferevent_socket_new(k->f->base, -1, flags);
    ssl = SSL_new(k->f->tls);
    if (!ssl)
        return NULL;
    SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
    if (!tls_client_name(ssl, str_from(k->host), (struct addr){0})) {
        SSL_free(ssl);
        return NULL;
    }
    return bufferevent_openssl_socket_new(k->f->base, -1, ssl, BUFFEREVENT_SSL_CONNECTING, flags);
}

static void connect_next(struct conn *k)
{
    const struct addr a = k->addresses[k->next_address++];
    struct sockaddr_storage to;
    const socklen_t n = addr_to_sockaddr(a, k->port, &to);
    const struct timeval attempt = in_ms(k->f->attempt_ms);

    if (k->next_address < k->address_count)
        evtimer_add(k->next, &attempt);
    k->bev = make_bev(k);
    if (!k->bev) {
        fail_later(k, "no memory for a connection");
        return;
    }
    bufferevent_setcb(k->bev, on_read, NULL, on_event, k);
    if (bufferevent_enable(k->bev, EV_READ | EV_WRITE) != 0 ||
        bufferevent_socket_connect(k->bev, (struct sockaddr *)&to, (int)n) != 0)
        fail_later(k, strerror(errno));
}

static void on_next(evutil_socket_t fd, short what, void *arg)
{
    struct conn *k = arg;

    (void)fd;
    (void)what;
    if (!k->used || k->connected || !k->bev || k->next_address == k->address_count)
        return;
    bufferevent_free(k->bev);
    k->bev = NULL;
    connect_next(k);
}

/* Keeps those that may be connected to. */
static void take_addresses(struct conn *k, const struct evutil_addrinfo *list)
{
    k->address_count = k->next_address = 0;
    for (; list && k->address_count < ADDRESSES_MAX; list = list->ai_next) {
        struct addr a;

        if (!addr_from_sockaddr(list->ai_addr, &a, NULL))
            continue;
        if (k->private_ok || !addr_is_special(a))
            k->addresses[k->address_count++] = a;
    }
}

static void on_lookup(int result, struct evutil_addrinfo *list, void *arg)
{
    struct lookup *l = arg;
    struct conn *k = l->k;
    char why[sizeof k->why];

    free(l);
    if (!k) {
        if (list)
            evutil_freeaddrinfo(list);
        return;
    }
    k->lookup = NULL;
    k->f->dns_failed = result != 0;
    if (result != 0) {
        snprintf(why, sizeof why, "the name cannot be looked up: %s", evutil_gai_strerror(result));
        fail_later(k, why);
        return;
    }
    take_addresses(k, list);
    evutil_freeaddrinfo(list);
    if (k->address_count)
        connect_next(k);
    else
        fail_later(k, "the name has no address that is public");
}

/* What the host's resolvers are, once more: it may have moved to another network. */
static void dns_again(struct evdns_base *dns)
{
    evdns_base_clear_nameservers_and_suspend(dns);
    evdns_base_resolv_conf_parse(dns, DNS_OPTION_NAMESERVERS, "/etc/resolv.conf");
    evdns_base_resume(dns);
}

static void look_up(struct conn *k)
{
    const struct evutil_addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP};
    struct evdns_getaddrinfo_request *request;
    struct lookup *l;

    if (!k->f->dns)
        k->f->dns = evdns_base_new(k->f->base, EVDNS_BASE_INITIALIZE_NAMESERVERS |
                                                   EVDNS_BASE_DISABLE_WHEN_INACTIVE);
    else if (k->f->dns_failed)
        dns_again(k->f->dns);
    l = k->f->dns ? calloc(1, sizeof *l) : NULL;
    if (!l) {
        fail_later(k, "no resolver");
        return;
    }
    l->k = k;
    k->lookup = l;
    request = evdns_getaddrinfo(k->f->dns, k->host, NULL, &hints, on_lookup, l);
    if (k->lookup == l) /* else it is answered already, and l is gone */
        l->request = request;
}

static void op_connect(void *ctx, unsigned slot, const struct alto_client_to *to)
{
    struct alto_fetch *f = ctx;
    struct conn *k = &f->conns[slot];
    struct str host = to->host;
    struct addr a;

    if (host.n > 2 && host.p[0] == '[')
        host = (struct str){host.p + 1, host.n - 2};
    k->used = true;
    k->connected = false;
    k->tls = to->tls;
    k->private_ok = to->private_ok;
    k->port = to->port;
    k->address_count = k->next_address = 0;
    if (host.n >= sizeof k->host) {
        fail_later(k, "the host's name is too long");
        return;
    }
    memcpy(k->host, host.p, host.n);
    k->host[host.n] = '\0';
    if (addr_parse(host.p, host.n, &a, NULL) != ERR_OK) {
        look_up(k);
        return;
    }
    k->addresses[k->address_count++] = a;
    connect_next(k);
}

static void op_send(void *ctx, unsigned slot, struct str bytes)
{
    struct alto_fetch *f = ctx;

    if (bufferevent_write(f->conns[slot].bev, bytes.p, bytes.n) != 0)
        fail_later(&f->conns[slot], "no memory for a request");
}

static void op_close(void *ctx, unsigned slot)
{
    struct alto_fetch *f = ctx;

    conn_clear(&f->conns[slot]);
}

static void op_maps(void *ctx, const struct alto_generation *g)
{
    struct alto_fetch *f = ctx;

    f->maps(f->ctx, g);
}

static bool make(struct alto_fetch *f)
{
    f->timer = evtimer_new(f->base, on_timer, f);
    for (unsigned i = 0; i < ALTO_CLIENT_SLOTS; i++) {
        f->conns[i].f = f;
        f->conns[i].slot = i;
        f->conns[i].fail = event_new(f->base, -1, 0, on_fail, &f->conns[i]);
        f->conns[i].next = evtimer_new(f->base, on_next, &f->conns[i]);
        f->conns[i].go_on = evtimer_new(f->base, on_go_on, &f->conns[i]);
        if (!f->conns[i].fail || !f->conns[i].next || !f->conns[i].go_on)
            return false;
    }
    return f->timer != NULL;
}

enum err_code alto_fetch_new(struct event_base *base, const struct alto_fetch_conf *conf,
                             const struct alto_generation *seed, alto_fetch_maps_fn *maps,
                             void *ctx, struct alto_fetch **out, struct err *e)
{
    static const struct alto_client_ops ops = {
        .connect = op_connect, .send = op_send, .close = op_close, .maps = op_maps};
    struct alto_fetch *f = calloc(1, sizeof *f);
    enum err_code rc = ERR_OK;

    *out = NULL;
    if (!f)
        return err_set(e, ERR_LIMIT, "no memory left for an ALTO client");
    f->base = base;
    f->attempt_ms =
        conf->client.timeout_ms / 4 < ATTEMPT_MS ? conf->client.timeout_ms / 4 : ATTEMPT_MS;
    f->maps = maps;
    f->ctx = ctx;
    if (!make(f))
        rc = err_set(e, ERR_LIMIT, "no memory left for an ALTO client");
    else /* a server in the clear, too, may lead to https */
        rc = tls_client_new(conf->ca_file, &f->tls, e);
    if (rc == ERR_OK) {
        f->client = alto_client_new(&conf->client, &ops, f, clock_ms());
        if (!f->client)
            rc = err_set(e, ERR_LIMIT, "no memory left for an ALTO client");
    }
    if (rc != ERR_OK) {
        alto_fetch_free(f);
        return rc;
    }
    if (seed)
        alto_client_seed(f->client, seed);
    rearm(f);
    *out = f;
    return ERR_OK;
}

static void conn_free(struct conn *k)
{
    struct event *const events[] = {k->fail, k->next, k->go_on};

    if (k->used)
        conn_clear(k);
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        if (events[i])
            event_free(events[i]);
}

void alto_fetch_free(struct alto_fetch *f)
{
    if (!f)
        return;
    alto_client_free(f->client);
    for (unsigned i = 0; i < ALTO_CLIENT_SLOTS; i++)
        conn_free(&f->conns[i]);
    if (f->dns)
        evdns_base_free(f->dns, 1);
    if (f->timer)
        event_free(f->timer);
    SSL_CTX_free(f->tls);
    free(f);
}

void alto_fetch_status(const struct alto_fetch *f, struct alto_client_status *out)
{
    alto_client_status(f->client, out);
}

bool alto_fetch_force(struct alto_fetch *f)
{
    const bool any = alto_client_force(f->client, clock_ms());

    rearm(f);
    return any;
}
