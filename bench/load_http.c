/* Asks an HTTP server for redirects, a bounded number of them, and says what each cost the server.
 * usage: load_http --to ADDRESS:PORT [--mode keepalive|pipelined|newconn] [--count N]
 * [--connections N]
 *                  [--depth N] [--host NAME] [--rate N] [--pid SERVER]
 *                  [--request FILE] [--status N]
 * keepalive: one request at a time on each connection. pipelined: --depth requests in one write,
 * the next when all are answered. newconn: a connection each. Only status 302 is right, or the one
 * named.
 * --request: a whole request, head and body, that is sent instead of those made up here. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/lib/load.h"

enum {
    CONNECTIONS_MAX = 1024,
    VARIANTS = 256,
    DEPTH_MAX = 64,
    REQUEST_MAX = 512,
    REQUEST_FILE_MAX = 1 << 20,
    IN_MAX = 65536,
    SILENCE_MS = 5000
};

struct conn {
    struct conn *next_waiting;
    int fd;
    unsigned due;      /* answers to come */
    unsigned have;     /* bytes in in[] */
    uint64_t skip;     /* bytes of a body still to come */
    unsigned char *in; /* [IN_MAX] */
    struct sockaddr_in from;
};

static struct load {
    struct sockaddr_in to;
    bool newconn;
    unsigned depth;
    char status[16]; /* how a right answer begins */
    uint64_t count, asked, rate, start;
    struct conn *waiting; /* connections that may ask as soon as the rate allows */
    struct load_result result;
    struct load_random random;
    char *batch[VARIANTS]; /* each depth requests in a row */
    size_t batch_len[VARIANTS];
    int epoll;
} g;

static void read_request(const char *path)
{
    size_t n;
    char *text = load_file(path, &n);

    if (n > REQUEST_FILE_MAX)
        load_die("the request is too long");
    for (unsigned v = 0; v < VARIANTS; v++) {
        g.batch[v] = malloc(g.depth * n);
        if (!g.batch[v])
            load_die("requests");
        for (unsigned i = 0; i < g.depth; i++)
            memcpy(g.batch[v] + i * n, text, n);
        g.batch_len[v] = g.depth * n;
    }
    free(text);
}

static void make_requests(const char *host)
{
    for (unsigned v = 0; v < VARIANTS; v++) {
        size_t n = 0;

        g.batch[v] = malloc((size_t)g.depth * REQUEST_MAX);
        if (!g.batch[v])
            load_die("requests");
        for (unsigned i = 0; i < g.depth; i++)
            n += (size_t)snprintf(
                g.batch[v] + n, REQUEST_MAX,
                "GET /vod/movie%u/1080p/segment%u.ts?session=%08x HTTP/1.1\r\nHost: %s\r\n"
                "User-Agent: load_http\r\nAccept: */*\r\n%s\r\n",
                load_random_below(&g.random, 1000), load_random_below(&g.random, 10000),
                (unsigned)load_random_next(&g.random), host,
                g.newconn ? "Connection: close\r\n" : "");
        g.batch_len[v] = n;
    }
}

static void conn_send(struct conn *c)
{
    unsigned v = load_random_below(&g.random, VARIANTS);
    ssize_t n = write(c->fd, g.batch[v], g.batch_len[v]);

    if (n != (ssize_t)g.batch_len[v])
        load_die("write"); /* nothing is in flight: it must fit the socket's buffer */
    c->due = g.depth;
    g.asked += g.depth;
}

/* Connects from c->from, so that limits on one client address do not bind. On loopback the
 * handshake is over when connect returns. */
static void conn_open(struct conn *c)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    int on = 1;

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        load_die("socket");
    setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (bind(c->fd, (const struct sockaddr *)&c->from, sizeof c->from) < 0)
        load_die("bind");
    if (connect(c->fd, (const struct sockaddr *)&g.to, sizeof g.to) < 0)
        load_die("connect");
    if (fcntl(c->fd, F_SETFL, O_NONBLOCK) < 0)
        load_die("fcntl");
    if (epoll_ctl(g.epoll, EPOLL_CTL_ADD, c->fd, &event) < 0)
        load_die("epoll_ctl");
    c->have = 0;
    c->skip = 0;
    conn_send(c);
}

static void conn_close(struct conn *c)
{
    close(c->fd);
    c->fd = -1;
    g.result.lost += c->due;
    c->due = 0;
}

/* The body's length that a head of n bytes announces. */
static uint64_t body_length(const char *head, size_t n)
{
    static const char name[] = "\r\ncontent-length:";
    const char *end = head + n;

    for (const char *p = head; (p = memchr(p, '\r', (size_t)(end - p))); p++)
        if ((size_t)(end - p) > sizeof name && strncasecmp(p, name, sizeof name - 1) == 0)
            return strtoull(p + sizeof name - 1, NULL, 10);
    return 0;
}

static void conn_parse(struct conn *c)
{
    const char *p = (const char *)c->in;
    size_t left = c->have;

    for (;;) {
        size_t take = c->skip < left ? (size_t)c->skip : left;
        const char *end;
        size_t n;

        p += take;
        left -= take;
        c->skip -= take;
        if (c->due == 0 || c->skip > 0)
            break;
        end = memmem(p, left, "\r\n\r\n", 4);
        if (!end)
            break;
        n = (size_t)(end - p) + 4;
        if (n > 12 && memcmp(p, g.status, 12) == 0)
            g.result.answers++;
        else if (g.result.bad++ == 0)
            fprintf(stderr, "not a %s: %.*s\n", g.status + 9, (int)(end - p), p);
        c->due--;
        c->skip = memcmp(p + 9, "304", 3) == 0 ? 0 : body_length(p, n);
        p += n;
        left -= n;
    }
    memmove(c->in, p, left);
    c->have = (unsigned)left;
}

static void on_readable(struct conn *c)
{
    ssize_t n = read(c->fd, c->in + c->have, IN_MAX - c->have);

    if (n < 0 && errno == EAGAIN)
        return;
    if (n > 0) {
        c->have += (unsigned)n;
        conn_parse(c);
        if (c->due > 0 || c->skip > 0)
            return;
        if (g.newconn)
            return; /* the server closes, as it was asked to */
        c->next_waiting = g.waiting;
        g.waiting = c;
        return;
    }
    /* The end of a connection: ours in newconn, else the server's fault, which costs what was due.
     */
    conn_close(c);
    if (g.asked < g.count)
        conn_open(c);
}

static void send_waiting(void)
{
    uint64_t allowed = g.waiting ? load_allowed(g.rate, g.start) : 0;

    while (g.waiting && g.asked < g.count && g.asked < allowed) {
        struct conn *c = g.waiting;

        g.waiting = c->next_waiting;
        conn_send(c);
    }
}

static void run(struct conn *conns, unsigned connections, pid_t pid)
{
    uint64_t cpu = load_cpu_ns(pid), last;

    g.start = last = load_now_ns();
    for (unsigned i = 0; i < connections && g.asked < g.count; i++)
        conn_open(&conns[i]);
    while (g.asked < g.count || g.result.answers + g.result.bad + g.result.lost < g.asked) {
        struct epoll_event events[256];
        int n = epoll_wait(g.epoll, events, 256, g.rate ? 1 : SILENCE_MS);

        if (n > 0 || g.waiting)
            last = load_now_ns();
        if (load_now_ns() - last >= SILENCE_MS * UINT64_C(1000000)) {
            fprintf(stderr, "no answer for 5 s\n");
            g.result.lost = g.asked - g.result.answers - g.result.bad;
            break;
        }
        for (int i = 0; i < n; i++)
            on_readable(events[i].data.ptr);
        send_waiting();
    }
    g.result.wall_ns = load_now_ns() - g.start;
    g.result.cpu_ns = load_cpu_ns(pid) - cpu;
}

int main(int argc, char **argv)
{
    const char *mode = load_option(argc, argv, "mode", "keepalive");
    unsigned connections = (unsigned)load_option_number(argc, argv, "connections", 32);
    struct conn *conns;

    if (connections == 0 || connections > CONNECTIONS_MAX)
        connections = CONNECTIONS_MAX;
    g.to = load_address(load_option(argc, argv, "to", ""));
    g.newconn = strcmp(mode, "newconn") == 0;
    g.depth = 1;
    if (strcmp(mode, "pipelined") == 0)
        g.depth = (unsigned)load_option_number(argc, argv, "depth", 16);
    if (g.depth == 0 || g.depth > DEPTH_MAX)
        g.depth = DEPTH_MAX;
    g.count = load_option_number(argc, argv, "count", 100000);
    g.rate = load_option_number(argc, argv, "rate", 0);
    g.random.state = load_option_number(argc, argv, "seed", 1);
    g.epoll = epoll_create1(EPOLL_CLOEXEC);
    snprintf(g.status, sizeof g.status, "HTTP/1.1 %03u",
             (unsigned)load_option_number(argc, argv, "status", 302) % 1000);
    if (load_option(argc, argv, "request", "")[0])
        read_request(load_option(argc, argv, "request", ""));
    else
        make_requests(load_option(argc, argv, "host", "vod.example"));
    conns = calloc(connections, sizeof *conns);
    if (g.epoll < 0 || !conns)
        load_die("start");
    for (unsigned i = 0; i < connections; i++) {
        conns[i].fd = -1;
        conns[i].in = malloc(IN_MAX);
        conns[i].from =
            (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000201u + i)};
        if (!conns[i].in)
            load_die("buffers");
    }
    run(conns, connections, (pid_t)load_option_number(argc, argv, "pid", 0));
    for (unsigned i = 0; i < connections; i++) {
        if (conns[i].fd >= 0)
            close(conns[i].fd);
        free(conns[i].in);
    }
    free(conns);
    for (unsigned v = 0; v < VARIANTS; v++)
        free(g.batch[v]);
    close(g.epoll);
    return load_result_print(&g.result);
}
