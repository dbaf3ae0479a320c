/* The UDP tracker protocol (BEP 15). Trailing bytes are ignored: BEP 15 wants datagrams of any
 * length, and of BEP 41's options none asks for anything that this tracker does. */
#include "tracker/announce.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#define PROTOCOL_MAGIC UINT64_C(0x41727101980)

#define CONNECT_LEN  16
#define ANNOUNCE_LEN 98
#define HEADER_LEN   16 /* connection id, action, transaction id */

enum udp_action { ACTION_CONNECT, ACTION_ANNOUNCE, ACTION_SCRAPE, ACTION_ERROR };

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static uint64_t get64(const uint8_t *p)
{
    return (uint64_t)get32(p) << 32 | get32(p + 4);
}

static void put32(uint8_t *p, uint32_t x)
{
    x = __builtin_bswap32(x);
    memcpy(p, &x, 4);
}

static void put64(uint8_t *p, uint64_t x)
{
    put32(p, (uint32_t)(x >> 32));
    put32(p + 4, (uint32_t)x);
}

/* Every answer begins with the action and the request's transaction id. */
static void put_head(uint8_t *out, enum udp_action action, const uint8_t *in)
{
    put32(out, action);
    memcpy(out + 4, in + 12, 4);
}

/* One sentence, cut to fit. Only for those who have shown that they receive at their address. */
static size_t answer_error(struct tracker *t, const uint8_t *in, const char *text, uint8_t *out,
                           size_t out_max)
{
    size_t n = strlen(text);

    if (n > out_max - 8)
        n = out_max - 8;
    put_head(out, ACTION_ERROR, in);
    memcpy(out + 8, text, n);
    metric_add(t->turn->metrics, METRIC_TRACKER_FAILURES_UDP, 1);
    return n + 8;
}

static size_t answer_connect(struct tracker *t, struct addr from, const uint8_t *in, uint8_t *out)
{
    put_head(out, ACTION_CONNECT, in);
    put64(out + 8, connection_id_make(t, from));
    metric_add(t->turn->metrics, METRIC_TRACKER_CONNECTS, 1);
    return CONNECT_LEN;
}

static size_t answer_announce(struct tracker *t, struct addr from, const uint8_t *in, size_t n,
                              const uint64_t *hash, uint8_t *out, size_t out_max)
{
    enum peer_family f = peer_family_of(from);
    struct announce a = {.addr = from};
    struct announce_result r = {0};
    uint8_t unused[PEER_WIRE_MAX];
    const char *refused;
    uint32_t event, ip;

    if (n < ANNOUNCE_LEN)
        return answer_error(t, in, "the announce is short: 98 bytes would be right", out, out_max);
    event = get32(in + 80);
    if (event >= ANNOUNCE_EVENTS)
        return answer_error(t, in, "the event is unknown: 0 to 4 would be right", out, out_max);
    a.event = (enum announce_event)event;
    a.port = get16(in + 96);
    if (a.port == 0)
        return answer_error(t, in, "the port is 0: 1 to 65535 would be right", out, out_max);
    ip = get32(in + 84);
    if (t->conf->trust_ip_param && ip != 0 && f == PEER_V4)
        a.addr = addr_from_v4(ip);
    memcpy(a.info_hash, in + 16, INFO_HASH_LEN);
    a.hash = hash ? *hash : swarms_hash(t->swarms, a.info_hash);
    a.seed = get64(in + 64) == 0;
    a.want = (int32_t)get32(in + 92);
    a.family[f] = true;
    a.max[f] = (unsigned)((out_max - 20) / peer_wire_len(f));
    r.wire[f] = out + 20;
    r.wire[!f] = unused;
    metric_add(t->turn->metrics, METRIC_TRACKER_ANNOUNCES_UDP + event, 1);
    if (!announce_run(t, &a, &r, &refused))
        return answer_error(t, in, refused, out, out_max);
    put_head(out, ACTION_ANNOUNCE, in);
    put32(out + 8, r.interval_s);
    put32(out + 12, r.counts.leechers);
    put32(out + 16, r.counts.seeds);
    return 20 + (size_t)r.n[f] * peer_wire_len(f);
}

static size_t answer_scrape(struct tracker *t, const uint8_t *in, size_t n, uint8_t *out,
                            size_t out_max)
{
    size_t hashes = (n - HEADER_LEN) / INFO_HASH_LEN;

    if (hashes == 0)
        return answer_error(t, in, "the scrape names no info-hash: 1 to 74 would be right", out,
                            out_max);
    if (hashes > SCRAPE_MAX)
        return answer_error(t, in, "the scrape names too many info-hashes: 74 are the most", out,
                            out_max);
    put_head(out, ACTION_SCRAPE, in);
    for (size_t i = 0; i < hashes; i++) {
        uint8_t *to = out + 8 + 12 * i;
        struct swarm_counts c;

        swarms_scrape(t->swarms, in + HEADER_LEN + INFO_HASH_LEN * i, &c);
        put32(to, c.seeds);
        put32(to + 4, c.completed);
        put32(to + 8, c.leechers);
    }
    metric_add(t->turn->metrics, METRIC_TRACKER_SCRAPES_UDP, 1);
    return 8 + 12 * hashes;
}

/* Nobody is sent anything who has not shown that he receives at his address, except a connection
 * id, which is as long as what asked for it: BEP 15 says to ignore a wrong one. */
static size_t answer(struct tracker *t, struct addr from, uint16_t port, const uint8_t *in,
                     size_t n, const uint64_t *hash, uint8_t *out, size_t out_max)
{
    uint32_t action;

    if (n < HEADER_LEN || port == 0 || out_max < UDP_OUT_MAX) {
        metric_add(t->turn->metrics, METRIC_TRACKER_DROPPED_SHORT, 1);
        return 0;
    }
    action = get32(in + 8);
    if (action == ACTION_CONNECT && get64(in) == PROTOCOL_MAGIC)
        return answer_connect(t, from, in, out);
    if (!connection_id_check(t, from, get64(in))) {
        metric_add(t->turn->metrics, METRIC_TRACKER_DROPPED_ID, 1);
        return 0;
    }
    switch (action) {
    case ACTION_ANNOUNCE:
        return answer_announce(t, from, in, n, hash, out, UDP_OUT_MAX);
    case ACTION_SCRAPE:
        return answer_scrape(t, in, n, out, UDP_OUT_MAX);
    default:
        return answer_error(t, in, "the action is unknown: 0, 1 or 2 would be right", out,
                            UDP_OUT_MAX);
    }
}

size_t announce_udp_answer(struct tracker *t, struct addr from, uint16_t port, const uint8_t *in,
                           size_t n, uint8_t *out, size_t out_max)
{
    return answer(t, from, port, in, n, NULL, out, out_max);
}

struct udp_socket {
    struct tracker *tracker;
    struct event *event;
    int fd;
};

struct announce_udp {
    struct udp_socket socket[UDP_SOCKETS_MAX];
    unsigned sockets;
    struct mmsghdr in_msg[UDP_BATCH], out_msg[UDP_BATCH];
    struct iovec in_iov[UDP_BATCH], out_iov[UDP_BATCH];
    struct sockaddr_storage from[UDP_BATCH];
    uint8_t in[UDP_BATCH][UDP_IN_MAX];
    uint8_t out[UDP_BATCH][UDP_OUT_MAX];
};

static void buffers_set(struct announce_udp *u)
{
    for (unsigned i = 0; i < UDP_BATCH; i++) {
        u->in_iov[i] = (struct iovec){u->in[i], UDP_IN_MAX};
        u->in_msg[i].msg_hdr.msg_name = &u->from[i];
        u->in_msg[i].msg_hdr.msg_namelen = sizeof u->from[i];
        u->in_msg[i].msg_hdr.msg_iov = &u->in_iov[i];
        u->in_msg[i].msg_hdr.msg_iovlen = 1;
        u->out_msg[i].msg_hdr.msg_iov = &u->out_iov[i];
        u->out_msg[i].msg_hdr.msg_iovlen = 1;
    }
}

static bool is_announce(const struct announce_udp *u, unsigned i)
{
    return u->in_msg[i].msg_len >= ANNOUNCE_LEN && get32(u->in[i] + 8) == ACTION_ANNOUNCE;
}

/* A batch touches some hundred cache lines that nobody has touched for a while: they are asked for
 * before the first is needed. hash[] of the announces that have an address, in their order. */
static void batch_prefetch(struct tracker *t, const struct announce_udp *u, unsigned n,
                           uint64_t hash[UDP_BATCH])
{
    UNINITIALIZED struct addr addr[UDP_BATCH];
    unsigned announces = 0;

    for (unsigned i = 0; i < n; i++)
        if (is_announce(u, i) &&
            addr_from_sockaddr((const struct sockaddr *)&u->from[i], &addr[announces], NULL))
            hash[announces++] = swarms_hash(t->swarms, u->in[i] + HEADER_LEN);
    announce_prefetch(t, addr, hash, announces);
}

/* Sends what there is; a datagram that the system does not take is dropped, as UDP may. */
static void batch_send(struct tracker *t, struct announce_udp *u, int fd, unsigned n)
{
    for (unsigned done = 0; done < n;) {
        int sent = sendmmsg(fd, u->out_msg + done, n - done, 0);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0) {
            metric_add(t->turn->metrics, METRIC_TRACKER_DROPPED_SEND, 1);
            sent = 1;
        }
        done += (unsigned)sent;
    }
}

static unsigned batch_answer(struct tracker *t, struct announce_udp *u, unsigned n)
{
    uint64_t hash[UDP_BATCH] = {0};
    const uint64_t *next = hash;
    uint64_t in_bytes = 0, out_bytes = 0;
    unsigned out = 0;

    batch_prefetch(t, u, n, hash);
    for (unsigned i = 0; i < n; i++) {
        struct msghdr *m = &u->in_msg[i].msg_hdr;
        struct addr from;
        uint16_t port;
        size_t len;

        in_bytes += u->in_msg[i].msg_len;
        if (!addr_from_sockaddr((const struct sockaddr *)&u->from[i], &from, &port))
            continue;
        len = answer(t, from, port, u->in[i], u->in_msg[i].msg_len,
                     is_announce(u, i) ? next++ : NULL, u->out[out], UDP_OUT_MAX);
        if (len == 0)
            continue;
        u->out_iov[out] = (struct iovec){u->out[out], len};
        u->out_msg[out].msg_hdr.msg_name = m->msg_name;
        u->out_msg[out].msg_hdr.msg_namelen = m->msg_namelen;
        out_bytes += len;
        out++;
    }
    metric_add(t->turn->metrics, METRIC_TRACKER_BYTES_IN, in_bytes);
    metric_add(t->turn->metrics, METRIC_TRACKER_BYTES_OUT, out_bytes);
    return out;
}

/* At most a few batches, so that the worker's other sockets get their turn. */
static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct udp_socket *s = arg;
    struct tracker *t = s->tracker;
    struct announce_udp *u = t->udp;

    (void)what;
    turn_begin(t->turn);
    for (unsigned round = 0; round < 4; round++) {
        int n;

        for (unsigned i = 0; i < UDP_BATCH; i++)
            u->in_msg[i].msg_hdr.msg_namelen = sizeof u->from[i];
        n = recvmmsg(fd, u->in_msg, UDP_BATCH, MSG_DONTWAIT, NULL);
        if (n <= 0)
            return;
        batch_send(t, u, fd, batch_answer(t, u, (unsigned)n));
        if (n < UDP_BATCH)
            return;
    }
}

enum err_code tracker_listen_udp(struct tracker *t, int fd, struct err *e)
{
    struct udp_socket *s;

    if (!t->udp) {
        t->udp = calloc(1, sizeof *t->udp);
        if (!t->udp) {
            close(fd);
            return err_set(e, ERR_LIMIT, "no memory for the tracker's datagrams");
        }
        buffers_set(t->udp);
    }
    if (t->udp->sockets == UDP_SOCKETS_MAX) {
        close(fd);
        return err_set(e, ERR_LIMIT, "the tracker listens on %d UDP addresses already",
                       UDP_SOCKETS_MAX);
    }
    s = &t->udp->socket[t->udp->sockets];
    *s = (struct udp_socket){.tracker = t, .fd = fd};
    s->event = event_new(t->base, fd, EV_READ | EV_PERSIST, on_readable, s);
    if (!s->event || event_add(s->event, NULL) != 0) {
        if (s->event)
            event_free(s->event);
        close(fd);
        return err_set(e, ERR_LIMIT, "the event loop takes no more sockets");
    }
    t->udp->sockets++;
    return ERR_OK;
}

void announce_udp_free(struct announce_udp *u)
{
    if (!u)
        return;
    for (unsigned i = 0; i < u->sockets; i++) {
        event_free(u->socket[i].event);
        close(u->socket[i].fd);
    }
    free(u);
}
