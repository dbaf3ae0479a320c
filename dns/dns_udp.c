#include "dns/dns_udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "dns/dns_answer.h"

#define ROUNDS_MAX                                                                                 \
    8u /* batches a wake-up, so that a flood here does not starve the other fronts                 \
        */

/* What a full socket buffer holds is answered at the end; a flood that never lets it run empty does
 * not put off the end. */
#define DRAIN_ROUNDS_MAX 1024u

/* A line more than a power of two, so that the buffers' heads do not share cache sets. */
#define IN_STRIDE  (DNS_UDP_QUERY_MAX + 64u)
#define OUT_STRIDE (DNS_UDP_BYTES_MAX + 64u)

union from {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

struct control {
    _Alignas(struct cmsghdr) char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

struct dns_udp_batch {
    struct mmsghdr in[DNS_UDP_BATCH], out[DNS_UDP_BATCH];
    struct iovec in_iov[DNS_UDP_BATCH], out_iov[DNS_UDP_BATCH];
    union from from[DNS_UDP_BATCH];
    struct control control[DNS_UDP_BATCH];
    struct dns_asked asked[DNS_UDP_BATCH];
    uint8_t in_bytes[DNS_UDP_BATCH][IN_STRIDE];
    uint8_t out_bytes[DNS_UDP_BATCH][OUT_STRIDE];
};

struct dns_udp {
    const struct dns_conf *conf;
    struct turn *turn;
    struct dns_udp_batch *batch;
    struct event *readable;
    int fd;
    bool wildcard; /* bound to any address: datagrams carry the one they came to */
};

struct dns_udp_batch *dns_udp_batch_new(void)
{
    struct dns_udp_batch *b = calloc(1, sizeof *b);

    if (!b)
        return NULL;
    for (unsigned i = 0; i < DNS_UDP_BATCH; i++) {
        b->in_iov[i] = (struct iovec){b->in_bytes[i], DNS_UDP_QUERY_MAX};
        b->in[i].msg_hdr.msg_iov = &b->in_iov[i];
        b->in[i].msg_hdr.msg_iovlen = 1;
        b->in[i].msg_hdr.msg_name = &b->from[i];
        b->out[i].msg_hdr.msg_iov = &b->out_iov[i];
        b->out[i].msg_hdr.msg_iovlen = 1;
    }
    return b;
}

void dns_udp_batch_free(struct dns_udp_batch *b)
{
    free(b);
}

static int receive(struct dns_udp *u)
{
    struct dns_udp_batch *b = u->batch;

    for (unsigned i = 0; i < DNS_UDP_BATCH; i++) {
        struct msghdr *m = &b->in[i].msg_hdr;

        m->msg_namelen = sizeof b->from[i];
        m->msg_control = u->wildcard ? &b->control[i] : NULL;
        m->msg_controllen = u->wildcard ? sizeof b->control[i] : 0;
    }
    return recvmmsg(u->fd, b->in, DNS_UDP_BATCH, MSG_DONTWAIT, NULL);
}

/* What told us the address that was asked tells the system to answer from it; through which
 * interface is for the routes to say, but for link-local addresses. */
static void control_reverse(struct msghdr *m)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;

            memcpy(&info, CMSG_DATA(c), sizeof info);
            info.ipi_ifindex = 0;
            memcpy(CMSG_DATA(c), &info, sizeof info);
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;

            memcpy(&info, CMSG_DATA(c), sizeof info);
            if (!IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
                info.ipi6_ifindex = 0;
            memcpy(CMSG_DATA(c), &info, sizeof info);
        }
    }
}

/* Datagram i into asked[i]. */
static void read_query(struct dns_udp *u, unsigned i)
{
    struct dns_udp_batch *b = u->batch;
    struct addr client;
    uint16_t port;

    if (b->in[i].msg_hdr.msg_flags & MSG_TRUNC ||
        !addr_from_sockaddr(&b->from[i].any, &client, &port) || port == 0) {
        b->asked[i].rcode = DNS_DROP;
        return;
    }
    dns_answer_read(u->conf, client, b->in_bytes[i], b->in[i].msg_len, &b->asked[i]);
    if (b->asked[i].rcode == DNS_NOERROR)
        view_prefetch(u->turn->view, b->asked[i].client, 0);
}

/* Answers asked[i] into out[k]; false: it gets no answer. */
static bool write_answer(struct dns_udp *u, unsigned i, unsigned k)
{
    struct dns_udp_batch *b = u->batch;
    struct msghdr *in = &b->in[i].msg_hdr, *out = &b->out[k].msg_hdr;
    size_t n = dns_answer_write(u->turn, u->conf, &b->asked[i], false, b->in_bytes[i],
                                b->out_bytes[i], DNS_UDP_BYTES_MAX);

    if (n == 0)
        return false;
    b->out_iov[k] = (struct iovec){b->out_bytes[i], n};
    out->msg_name = in->msg_name;
    out->msg_namelen = in->msg_namelen;
    out->msg_control = in->msg_control;
    out->msg_controllen = in->msg_controllen;
    if (in->msg_control)
        control_reverse(out);
    return true;
}

/* A datagram that the system will not send (no route, a filter, no room) is lost, as the network
 * may lose it; those behind it are not. */
static void send_all(struct dns_udp *u, unsigned n)
{
    for (unsigned at = 0; at < n;) {
        int sent = sendmmsg(u->fd, u->batch->out + at, n - at, MSG_DONTWAIT);

        if (sent > 0) {
            at += (unsigned)sent;
        } else if (sent == 0 || errno != EINTR) {
            metric_add(u->turn->metrics, METRIC_DNS_DROPPED, 1);
            at++;
        }
    }
}

/* One batch; false when nothing more waits. */
static bool serve_batch(struct dns_udp *u)
{
    int n = receive(u);
    unsigned k = 0;

    if (n <= 0)
        return false;
    turn_begin(u->turn);
    /* Finding a client's PID is two or three cache misses, and its session one: in passes over the
     * batch they overlap. */
    for (unsigned i = 0; i < (unsigned)n; i++)
        read_query(u, i);
    for (unsigned i = 0; i < (unsigned)n; i++) {
        struct dns_asked *in = &u->batch->asked[i];

        if (in->rcode != DNS_NOERROR)
            continue;
        view_prefetch(u->turn->view, in->client, 1);
        dns_answer_find(u->turn, in);
    }
    for (unsigned i = 0; i < (unsigned)n; i++)
        k += write_answer(u, i, k);
    send_all(u, k);
    return n == DNS_UDP_BATCH;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    for (unsigned i = 0; i < ROUNDS_MAX && serve_batch(arg); i++)
        ;
}

static void socket_options(struct dns_udp *u)
{
    union from at = {0};
    socklen_t len = sizeof at;
    const int on = 1, v4_omit = IP_PMTUDISC_OMIT, v6_omit = IPV6_PMTUDISC_OMIT;

    if (getsockname(u->fd, &at.any, &len) < 0)
        return;
    /* Answers are small enough for every path; what an ICMP message claims about it, true or
     * forged, must not make us fragment. A kernel that does not know this does what it always did.
     */
    if (at.any.sa_family == AF_INET) {
        (void)setsockopt(u->fd, IPPROTO_IP, IP_MTU_DISCOVER, &v4_omit, sizeof v4_omit);
        u->wildcard = at.v4.sin_addr.s_addr == htonl(INADDR_ANY) &&
                      setsockopt(u->fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) == 0;
    } else if (at.any.sa_family == AF_INET6) {
        (void)setsockopt(u->fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &v6_omit, sizeof v6_omit);
        u->wildcard = IN6_IS_ADDR_UNSPECIFIED(&at.v6.sin6_addr) &&
                      setsockopt(u->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on) == 0;
    }
}

enum err_code dns_udp_new(struct event_base *base, const struct dns_conf *conf, struct turn *turn,
                          struct dns_udp_batch *batch, int fd, struct dns_udp **out, struct err *e)
{
    struct dns_udp *u = calloc(1, sizeof *u);

    *out = NULL;
    if (!u) {
        close(fd);
        return err_set(e, ERR_LIMIT, "no memory for a DNS socket");
    }
    *u = (struct dns_udp){.conf = conf, .turn = turn, .batch = batch, .fd = fd};
    socket_options(u);
    u->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, u);
    if (!u->readable || event_add(u->readable, NULL) < 0) {
        dns_udp_free(u);
        return err_set(e, ERR_LIMIT, "no room for a DNS socket in the event loop");
    }
    *out = u;
    return ERR_OK;
}

void dns_udp_drain(struct dns_udp *u)
{
    if (u->fd < 0)
        return;
    for (unsigned i = 0; i < DRAIN_ROUNDS_MAX && serve_batch(u); i++)
        ;
    event_del(u->readable);
    close(u->fd);
    u->fd = -1;
}

void dns_udp_free(struct dns_udp *u)
{
    if (!u)
        return;
    if (u->readable)
        event_free(u->readable);
    if (u->fd >= 0)
        close(u->fd);
    free(u);
}
