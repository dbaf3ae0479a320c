#include "dns/dns_server.h"

#include <stdlib.h>
#include <sys/queue.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "dns/dns_tcp.h"
#include "dns/dns_udp.h"

struct udp_socket {
    SLIST_ENTRY(udp_socket) link;
    struct dns_udp *udp;
};

struct dns_server {
    struct event_base *base;
    const struct dns_conf *conf;
    struct turn *turn;
    struct dns_udp_batch *batch;
    SLIST_HEAD(udp_sockets, udp_socket) udp;
    struct dns_tcp *tcp;
    struct event drained;
    void (*on_idle)(void *arg);
    void *on_idle_arg;
};

static void on_drained(evutil_socket_t fd, short what, void *arg)
{
    struct dns_server *s = arg;

    (void)fd;
    (void)what;
    s->on_idle(s->on_idle_arg);
}

/* From within a connection's callback: the owner may free the server, so it hears of it next. */
static void on_tcp_empty(void *arg)
{
    struct dns_server *s = arg;

    event_active(&s->drained, EV_TIMEOUT, 0);
}

struct dns_server *dns_server_new(struct event_base *base, const struct dns_conf *conf,
                                  struct turn *turn)
{
    struct dns_server *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->base = base;
    s->conf = conf;
    s->turn = turn;
    SLIST_INIT(&s->udp);
    evtimer_assign(&s->drained, base, on_drained, s);
    s->batch = dns_udp_batch_new();
    s->tcp = dns_tcp_new(base, conf, turn, on_tcp_empty, s);
    if (s->batch && s->tcp)
        return s;
    dns_server_free(s);
    return NULL;
}

enum err_code dns_server_listen_udp(struct dns_server *s, int fd, struct err *e)
{
    struct udp_socket *u = calloc(1, sizeof *u);
    enum err_code rc;

    if (!u) {
        close(fd);
        return err_set(e, ERR_LIMIT, "no memory for a DNS socket");
    }
    rc = dns_udp_new(s->base, s->conf, s->turn, s->batch, fd, &u->udp, e);
    if (rc != ERR_OK)
        free(u);
    else
        SLIST_INSERT_HEAD(&s->udp, u, link);
    return rc;
}

enum err_code dns_server_listen_tcp(struct dns_server *s, int fd, struct err *e)
{
    return dns_tcp_listen(s->tcp, fd, e);
}

void dns_server_drain(struct dns_server *s, void (*on_idle)(void *arg), void *arg)
{
    struct udp_socket *u;

    s->on_idle = on_idle;
    s->on_idle_arg = arg;
    for (u = SLIST_FIRST(&s->udp); u; u = SLIST_NEXT(u, link))
        dns_udp_drain(u->udp);
    if (dns_tcp_connections(s->tcp) == 0)
        on_tcp_empty(s);
    dns_tcp_drain(s->tcp);
}

void dns_server_free(struct dns_server *s)
{
    struct udp_socket *u;

    if (!s)
        return;
    event_del(&s->drained);
    while ((u = SLIST_FIRST(&s->udp))) {
        SLIST_REMOVE_HEAD(&s->udp, link);
        dns_udp_free(u->udp);
        free(u);
    }
    dns_tcp_free(s->tcp);
    dns_udp_batch_free(s->batch);
    free(s);
}
