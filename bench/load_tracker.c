/* Announces to a UDP tracker (BEP 15) as many peers, and says what each announce cost the server.
 * usage: load_tracker --to ADDRESS:PORT --hashes FILE [--peers N] [--count N] [--window N] [--want
 * N]
 *                     [--preload 1] [--pid SERVER]
 * FILE: an info-hash a line, in hexadecimal. Peer i is fixed by the seed: an address in 127.128/9,
 * a port, an info-hash drawn from Zipf. The peers share 65,536 addresses; each address that is used
 * connects once, before the measured part. --preload 1: every peer announces once, in order; else
 * --count announces of random peers. Right is: an announce response to our transaction, of 20 bytes
 * and whole peers of 6. */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/lib/load.h"

enum {
    ADDRESSES = 1 << 16,
    BATCH = 32,
    HASH = 20,
    CONNECT = 16,
    CONNECTED = 16,
    ANNOUNCE = 98,
    ANNOUNCED_MIN = 20,
    ANSWER_MAX = 4096,
    SLOTS = 256,
    SILENCE_MS = 300
};

struct slot {
    bool busy;
    uint16_t turn;    /* of the transaction id, so that a late answer is told apart */
    uint32_t address; /* index */
};

static struct load {
    int fd;
    struct sockaddr_in to;
    unsigned char *hashes; /* [hash_count][HASH] */
    uint32_t hash_count;
    struct load_zipf zipf;
    uint32_t *peer_hash; /* [peers] */
    uint32_t peers;
    uint32_t want;
    unsigned window, busy;
    bool connecting, preload;
    uint64_t count, asked, next_peer;
    uint64_t connection_id[ADDRESSES]; /* 0: none yet; big-endian as received */
    struct slot slots[SLOTS];
    struct load_random random;
    struct load_result result;
} g;

struct datagram {
    unsigned char bytes[ANNOUNCE];
    char control[CMSG_SPACE(sizeof(struct in_pktinfo))];
    struct iovec v;
};

static void read_hashes(const char *path)
{
    size_t n;
    char *text = load_file(path, &n);

    g.hash_count = (uint32_t)(n / (2 * HASH + 1));
    g.hashes = malloc((size_t)g.hash_count * HASH + 1);
    if (!g.hashes || g.hash_count == 0)
        load_die(path);
    for (uint32_t i = 0; i < g.hash_count; i++)
        for (unsigned k = 0; k < HASH; k++) {
            char two[3] = {text[i * (2u * HASH + 1) + 2 * k], text[i * (2u * HASH + 1) + 2 * k + 1],
                           0};

            g.hashes[i * (size_t)HASH + k] = (unsigned char)strtoul(two, NULL, 16);
        }
    free(text);
}

static void put_u32(unsigned char *out, uint32_t v)
{
    v = htobe32(v);
    memcpy(out, &v, sizeof v);
}

static void put_connect(unsigned char *m, uint32_t transaction)
{
    static const unsigned char magic[8] = {0, 0, 4, 0x17, 0x27, 0x10, 0x19, 0x80};

    memcpy(m, magic, 8);
    put_u32(m + 8, 0);
    put_u32(m + 12, transaction);
}

static void put_announce(unsigned char *m, uint32_t transaction, uint32_t peer)
{
    memset(m, 0, ANNOUNCE);
    memcpy(m, &g.connection_id[peer % ADDRESSES], 8);
    put_u32(m + 8, 1);
    put_u32(m + 12, transaction);
    memcpy(m + 16, g.hashes + (size_t)g.peer_hash[peer] * HASH, HASH);
    memcpy(m + 36, "-LT0001-", 8);
    put_u32(m + 44, peer);
    put_u32(m + 52, peer * 2654435761u);
    put_u32(m + 68, peer % 4 ? 1u << 20 : 0); /* left: a quarter are seeds */
    put_u32(m + 80, g.preload ? 2 : 0);       /* event: started, or none */
    put_u32(m + 88, peer);                    /* key */
    put_u32(m + 92, g.want);
    m[96] = (unsigned char)((10000 + peer / ADDRESSES) >> 8);
    m[97] = (unsigned char)(10000 + peer / ADDRESSES);
}

/* Fills d for this turn's question, and msg with the source address that it leaves from. */
static void compose(struct datagram *d, struct msghdr *msg, unsigned index)
{
    struct slot *s = &g.slots[index];
    uint32_t peer = (uint32_t)g.next_peer;
    uint32_t transaction = (uint32_t)++s->turn << 16 | index;
    struct in_pktinfo from = {0};
    struct cmsghdr *c;

    if (g.connecting || g.preload)
        g.next_peer++;
    else
        peer = load_random_below(&g.random, g.peers);
    s->busy = true;
    s->address = peer % ADDRESSES;
    if (g.connecting)
        put_connect(d->bytes, transaction);
    else
        put_announce(d->bytes, transaction, peer);
    d->v = (struct iovec){d->bytes, g.connecting ? CONNECT : ANNOUNCE};
    *msg = (struct msghdr){.msg_name = &g.to,
                           .msg_namelen = sizeof g.to,
                           .msg_iov = &d->v,
                           .msg_iovlen = 1,
                           .msg_control = d->control,
                           .msg_controllen = sizeof d->control};
    c = CMSG_FIRSTHDR(msg);
    c->cmsg_level = IPPROTO_IP;
    c->cmsg_type = IP_PKTINFO;
    c->cmsg_len = CMSG_LEN(sizeof from);
    from.ipi_spec_dst.s_addr = htonl(0x7f800000u + s->address + 1);
    memcpy(CMSG_DATA(c), &from, sizeof from);
}

static void ask(void)
{
    static struct datagram out[BATCH];
    struct mmsghdr put[BATCH] = {0};
    unsigned n = 0;

    for (unsigned i = 0; i < g.window && n < BATCH && g.asked < g.count; i++) {
        if (g.slots[i].busy)
            continue;
        compose(&out[n], &put[n].msg_hdr, i);
        n++;
        g.asked++;
    }
    for (unsigned sent = 0; sent < n;) {
        int m = sendmmsg(g.fd, put + sent, n - sent, 0);

        if (m <= 0)
            load_die("sendmmsg");
        sent += (unsigned)m;
    }
    g.busy += n;
}

static void check(const unsigned char *m, size_t n)
{
    uint32_t action, transaction, index;
    struct slot *s;
    bool right;

    if (n < 8)
        return;
    memcpy(&action, m, 4);
    memcpy(&transaction, m + 4, 4);
    action = be32toh(action);
    transaction = be32toh(transaction);
    index = transaction & 0xffff;
    s = &g.slots[index % SLOTS];
    if (index >= SLOTS || !s->busy || s->turn != transaction >> 16)
        return; /* late: counted as lost before */
    s->busy = false;
    g.busy--;
    if (g.connecting) {
        right = action == 0 && n == CONNECTED;
        if (right)
            memcpy(&g.connection_id[s->address], m + 8, 8);
    } else {
        right = action == 1 && n >= ANNOUNCED_MIN && (n - ANNOUNCED_MIN) % 6 == 0;
    }
    if (right)
        g.result.answers++;
    else if (g.result.bad++ == 0)
        fprintf(stderr, "wrong answer to %s: action %u, %zu bytes%s%.*s\n",
                g.connecting ? "connect" : "announce", action, n, action == 3 ? ": " : "",
                action == 3 ? (int)n - 8 : 0, (const char *)m + 8);
}

static void receive(void)
{
    static unsigned char in[BATCH][ANSWER_MAX];
    struct mmsghdr got[BATCH] = {0};
    struct iovec v[BATCH];
    int n;

    for (int i = 0; i < BATCH; i++) {
        v[i] = (struct iovec){in[i], ANSWER_MAX};
        got[i].msg_hdr = (struct msghdr){.msg_iov = &v[i], .msg_iovlen = 1};
    }
    n = recvmmsg(g.fd, got, BATCH, MSG_DONTWAIT, NULL);
    if (n < 0 && errno != EAGAIN)
        load_die("recvmmsg");
    for (int i = 0; i < n; i++)
        check(in[i], got[i].msg_len);
}

/* count questions, answered or given up. */
static void run(uint64_t count, pid_t pid)
{
    uint64_t cpu = load_cpu_ns(pid), start = load_now_ns();
    struct pollfd p = {.fd = g.fd, .events = POLLIN};

    g.result = (struct load_result){0};
    g.count = count;
    g.asked = 0;
    g.next_peer = 0;
    while (g.result.answers + g.result.bad + g.result.lost < count) {
        ask();
        if (poll(&p, 1, SILENCE_MS) > 0) {
            receive();
            continue;
        }
        g.result.lost += g.busy;
        g.busy = 0;
        for (unsigned i = 0; i < SLOTS; i++)
            g.slots[i].busy = false;
    }
    g.result.wall_ns = load_now_ns() - start;
    g.result.cpu_ns = load_cpu_ns(pid) - cpu;
}

static void socket_open(void)
{
    struct sockaddr_in any = {.sin_family = AF_INET};
    int room = 4 << 20;

    g.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (g.fd < 0 || bind(g.fd, (const struct sockaddr *)&any, sizeof any) < 0)
        load_die("socket");
    setsockopt(g.fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
}

int main(int argc, char **argv)
{
    pid_t pid = (pid_t)load_option_number(argc, argv, "pid", 0);
    uint64_t count = load_option_number(argc, argv, "count", 100000);

    g.to = load_address(load_option(argc, argv, "to", ""));
    read_hashes(load_option(argc, argv, "hashes", ""));
    g.peers = (uint32_t)load_option_number(argc, argv, "peers", 1000000);
    g.want = (uint32_t)load_option_number(argc, argv, "want", 50);
    g.window = (unsigned)load_option_number(argc, argv, "window", 128);
    if (g.window == 0 || g.window > SLOTS)
        g.window = SLOTS;
    g.peer_hash = malloc((g.peers + 1u) * sizeof *g.peer_hash);
    if (!g.peer_hash || g.peers == 0)
        load_die("peers");
    load_zipf_init(&g.zipf, g.hash_count);
    g.random.state = 1; /* every run has the same peers */
    for (uint32_t i = 0; i < g.peers; i++)
        g.peer_hash[i] = load_zipf_next(&g.zipf, &g.random);
    g.random.state = load_option_number(argc, argv, "seed", 2);
    socket_open();

    g.connecting = true;
    run(g.peers < ADDRESSES ? g.peers : ADDRESSES, 0);
    if (g.result.answers < g.result.bad + g.result.lost + 1) {
        fprintf(stderr, "the tracker does not answer connect requests\n");
        return 1;
    }
    g.connecting = false;
    g.preload = load_option_number(argc, argv, "preload", 0) != 0;
    run(g.preload ? g.peers : count, pid);

    close(g.fd);
    free(g.peer_hash);
    free(g.hashes);
    load_zipf_fini(&g.zipf);
    return load_result_print(&g.result);
}
