/* Asks a DNS server for the address of one name, each time for a random client subnet out of a
 * list, and says what each answer cost the server. usage: load_dns --to ADDRESS:PORT --name NAME
 * [--prefixes FILE] [--count N] [--window N] [--rate N]
 *                 [--pid SERVER] FILE: a prefix a line; the subnet
 * option (RFC 7871) is a random /24 (IPv6: /56) of a random one of them. Right is: our id, the
 * answer bit, rcode 0, at least one record. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/lib/load.h"

enum { SOCKETS = 4, BATCH = 32, QUERY_MAX = 512, ANSWER_MAX = 4096, HEADER = 12, SILENCE_MS = 300 };

struct subnet {
    unsigned char bytes[16];
    unsigned char len;
    bool v6;
};

struct asker {
    int fd;
    unsigned pending_count;
    uint16_t next_id;
    bool pending[UINT16_MAX + 1];
};

static struct load {
    unsigned char question[HEADER + 256 + 4];
    size_t question_len;
    struct subnet *subnets;
    size_t subnet_count;
    unsigned window; /* queries in flight on one socket */
    uint64_t count, asked, rate, start;
    struct load_random random;
    struct load_result result;
    struct asker askers[SOCKETS];
} g;

static void make_question(const char *name)
{
    size_t n = HEADER;

    for (const char *p = name; *p;) {
        size_t label = strcspn(p, ".");

        if (label == 0 || label > 63 || n + label + 6 > sizeof g.question) {
            fprintf(stderr, "%s: not a domain name\n", name);
            exit(2);
        }
        g.question[n++] = (unsigned char)label;
        memcpy(g.question + n, p, label);
        n += label;
        p += label + (p[label] == '.');
    }
    g.question[n++] = 0;
    g.question[n + 1] = 1; /* A */
    g.question[n + 3] = 1; /* IN */
    g.question_len = n + 4;
    g.question[5] = 1;
}

static void read_subnets(const char *path)
{
    char *text = load_file(path, NULL), *rest = text, *line;
    size_t room = 0;

    while ((line = strsep(&rest, "\n"))) {
        char *slash = strchr(line, '/');
        struct subnet s = {.v6 = strchr(line, ':') != NULL};

        if (!*line)
            continue;
        if (slash)
            *slash = '\0';
        if (!slash || inet_pton(s.v6 ? AF_INET6 : AF_INET, line, s.bytes) != 1) {
            fprintf(stderr, "%s: \"%s\" is not a prefix\n", path, line);
            exit(2);
        }
        s.len = (unsigned char)strtoul(slash + 1, NULL, 10);
        if (g.subnet_count == room) {
            room = room ? 2 * room : 4096;
            g.subnets = realloc(g.subnets, room * sizeof s);
            if (!g.subnets)
                load_die(path);
        }
        g.subnets[g.subnet_count++] = s;
    }
    free(text);
}

/* The OPT record with a client subnet option. Returns its length. */
static size_t put_opt(unsigned char *out)
{
    const struct subnet *s = &g.subnets[load_random_below(&g.random, (uint32_t)g.subnet_count)];
    unsigned char source = s->v6 ? 56 : 24, octets = source / 8;
    unsigned char head[] = {0,
                            0,
                            41,
                            4,
                            208,
                            0,
                            0,
                            0,
                            0,
                            0,
                            (unsigned char)(octets + 8),
                            0,
                            8,
                            0,
                            (unsigned char)(octets + 4),
                            0,
                            s->v6 ? 2 : 1,
                            source,
                            0};
    uint64_t noise = load_random_next(&g.random);

    memcpy(out, head, sizeof head);
    for (unsigned i = 0; i < octets; i++, noise >>= 8) {
        unsigned fixed = s->len >= 8 * (i + 1) ? 8 : s->len > 8 * i ? s->len - 8 * i : 0;
        unsigned free_bits = 0xffu >> fixed;

        out[sizeof head + i] =
            (unsigned char)((s->bytes[i] & ~free_bits) | ((unsigned)noise & free_bits));
    }
    return sizeof head + octets;
}

static void ask(struct asker *a, unsigned n)
{
    static unsigned char out[BATCH][QUERY_MAX];
    struct mmsghdr put[BATCH] = {0};
    struct iovec v[BATCH];
    uint64_t allowed = load_allowed(g.rate, g.start);

    if (n > BATCH)
        n = BATCH;
    if (allowed > g.count)
        allowed = g.count;
    if (g.asked + n > allowed)
        n = g.asked < allowed ? (unsigned)(allowed - g.asked) : 0;
    for (unsigned i = 0; i < n; i++) {
        size_t len = g.question_len;

        while (a->pending[a->next_id])
            a->next_id++;
        a->pending[a->next_id] = true;
        memcpy(out[i], g.question, len);
        out[i][0] = (unsigned char)(a->next_id >> 8);
        out[i][1] = (unsigned char)a->next_id;
        a->next_id++;
        if (g.subnet_count) {
            out[i][11] = 1;
            len += put_opt(out[i] + len);
        }
        v[i] = (struct iovec){out[i], len};
        put[i].msg_hdr = (struct msghdr){.msg_iov = &v[i], .msg_iovlen = 1};
    }
    for (unsigned sent = 0; sent < n;) {
        int m = sendmmsg(a->fd, put + sent, n - sent, 0);

        if (m <= 0)
            load_die("sendmmsg");
        sent += (unsigned)m;
    }
    a->pending_count += n;
    g.asked += n;
}

static void check(struct asker *a, const unsigned char *m, size_t n)
{
    unsigned id = n >= HEADER ? (unsigned)m[0] << 8 | m[1] : 0;

    if (n < HEADER || !a->pending[id])
        return; /* late: counted as lost before */
    a->pending[id] = false;
    a->pending_count--;
    if ((m[2] & 0x80) && (m[3] & 15) == 0 && (m[6] || m[7]))
        g.result.answers++;
    else if (g.result.bad++ == 0)
        fprintf(stderr, "wrong answer: flags %02x%02x, %u records\n", m[2], m[3],
                (unsigned)m[6] << 8 | m[7]);
}

static void on_readable(struct asker *a)
{
    static unsigned char in[BATCH][ANSWER_MAX];
    struct mmsghdr got[BATCH] = {0};
    struct iovec v[BATCH];
    int n;

    for (int i = 0; i < BATCH; i++) {
        v[i] = (struct iovec){in[i], ANSWER_MAX};
        got[i].msg_hdr = (struct msghdr){.msg_iov = &v[i], .msg_iovlen = 1};
    }
    n = recvmmsg(a->fd, got, BATCH, MSG_DONTWAIT, NULL);
    if (n < 0 && errno != EAGAIN)
        load_die("recvmmsg");
    for (int i = 0; i < n; i++)
        check(a, in[i], got[i].msg_len);
}

static void give_up_pending(void)
{
    for (int i = 0; i < SOCKETS; i++) {
        g.result.lost += g.askers[i].pending_count;
        g.askers[i].pending_count = 0;
        memset(g.askers[i].pending, 0, sizeof g.askers[i].pending);
    }
}

static void run(pid_t pid)
{
    uint64_t cpu = load_cpu_ns(pid), last;
    struct pollfd p[SOCKETS];

    for (int i = 0; i < SOCKETS; i++)
        p[i] = (struct pollfd){.fd = g.askers[i].fd, .events = POLLIN};
    g.start = last = load_now_ns();
    while (g.result.answers + g.result.bad + g.result.lost < g.count) {
        int n;

        for (int i = 0; i < SOCKETS; i++)
            if (g.window > g.askers[i].pending_count)
                ask(&g.askers[i], g.window - g.askers[i].pending_count);
        n = poll(p, SOCKETS, g.rate ? 1 : SILENCE_MS);
        if (n > 0)
            last = load_now_ns();
        else if (load_now_ns() - last >= SILENCE_MS * UINT64_C(1000000))
            give_up_pending();
        for (int i = 0; n > 0 && i < SOCKETS; i++)
            if (p[i].revents)
                on_readable(&g.askers[i]);
    }
    g.result.wall_ns = load_now_ns() - g.start;
    g.result.cpu_ns = load_cpu_ns(pid) - cpu;
}

int main(int argc, char **argv)
{
    struct sockaddr_in to = load_address(load_option(argc, argv, "to", ""));
    const char *prefixes = load_option(argc, argv, "prefixes", NULL);
    int exit_code;

    make_question(load_option(argc, argv, "name", "www.example"));
    if (prefixes)
        read_subnets(prefixes);
    g.count = load_option_number(argc, argv, "count", 100000);
    g.window = (unsigned)load_option_number(argc, argv, "window", 128) / SOCKETS;
    if (g.window == 0)
        g.window = 1;
    g.rate = load_option_number(argc, argv, "rate", 0);
    g.random.state = load_option_number(argc, argv, "seed", 1);
    for (int i = 0; i < SOCKETS; i++) {
        struct sockaddr_in from = {.sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(0x7f000201u + (unsigned)i)};
        struct asker *a = &g.askers[i];

        a->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (a->fd < 0 || bind(a->fd, (const struct sockaddr *)&from, sizeof from) < 0 ||
            connect(a->fd, (const struct sockaddr *)&to, sizeof to) < 0)
            load_die("socket");
    }
    run((pid_t)load_option_number(argc, argv, "pid", 0));
    for (int i = 0; i < SOCKETS; i++)
        close(g.askers[i].fd);
    free(g.subnets);
    exit_code = load_result_print(&g.result);
    return exit_code;
}
