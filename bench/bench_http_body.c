/* A large body by reference to many keep-alive clients: bytes a second of the server's own CPU
 * time. The clients are a thread of their own, which throws away what arrives in the kernel
 * (MSG_TRUNC), so that the server is what is measured. usage: bench_http_body [--clients N]
 * [--bytes N] [--total N] */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/net.h"
#include "bench/lib/stats.h"
#include "bench/lib/load.h"
#include "http/http_server.h"

#define CLIENTS_MAX 1024u
#define ASK         "GET /body HTTP/1.1\r\nHost: h\r\n\r\n"
#define GOAL_MS     1000.0 /* of CPU time a gigabyte: >= 1 GB/s a core */

struct client {
    int fd;
    size_t left; /* of the answer */
    bool head;   /* ... whose head is awaited */
    unsigned answers;
};

struct load {
    struct sockaddr_in to;
    size_t body;
    unsigned clients, rounds; /* answers that each client asks for */
    struct event_base *base;
    _Atomic bool over;
    unsigned least, most; /* answers of the clients when the first was done: are they fair? */
};

static struct shared_body body;

static void on_release(struct shared_body *b)
{
    (void)b;
}

static void page(void *ctx, const struct http_request *q, struct http_response *r)
{
    (void)ctx;
    (void)q;
    shared_body_take(&body);
    r->status = 200;
    r->type = STR("application/alto-costmap+json");
    r->shared = &body;
}

static void ask(struct client *c)
{
    c->head = true;
    if (send(c->fd, ASK, sizeof ASK - 1, MSG_NOSIGNAL) != (ssize_t)sizeof ASK - 1)
        load_die("send");
}

/* The head is looked at before it is taken; the body is thrown away where it is. */
static bool head_take(struct client *c, size_t body_len)
{
    char text[1024];
    ssize_t n = recv(c->fd, text, sizeof text - 1, MSG_PEEK | MSG_DONTWAIT);
    const char *end;

    if (n <= 0)
        return false;
    text[n] = '\0';
    end = strstr(text, "\r\n\r\n");
    if (!end || strncmp(text, "HTTP/1.1 200 ", 13) != 0)
        return false;
    n = end + 4 - text;
    if (recv(c->fd, text, (size_t)n, 0) != n)
        load_die("head");
    c->head = false;
    c->left = body_len;
    return true;
}

/* false: nothing more for now. */
static bool client_read(struct client *c, const struct load *l)
{
    ssize_t n;

    if (c->head && !head_take(c, l->body))
        return false;
    n = recv(c->fd, NULL, c->left, MSG_TRUNC | MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
        return false;
    if (n <= 0)
        load_die("recv");
    c->left -= (size_t)n;
    if (c->left)
        return true;
    if (++c->answers < l->rounds)
        ask(c);
    return c->answers < l->rounds;
}

static void fairness(struct load *l, const struct client *c)
{
    l->least = UINT32_MAX;
    for (unsigned i = 0; i < l->clients; i++) {
        l->least = c[i].answers < l->least ? c[i].answers : l->least;
        l->most = c[i].answers > l->most ? c[i].answers : l->most;
    }
}

static void *clients_run(void *arg)
{
    static struct client c[CLIENTS_MAX];
    struct load *l = arg;
    unsigned done = 0;
    int ep = epoll_create1(0);

    memset(c, 0, sizeof c);
    for (unsigned i = 0; i < l->clients; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data.u32 = i};

        c[i].fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(c[i].fd, (const struct sockaddr *)&l->to, sizeof l->to) < 0 ||
            epoll_ctl(ep, EPOLL_CTL_ADD, c[i].fd, &e) < 0)
            load_die("connect");
        ask(&c[i]);
    }
    while (done < l->clients) {
        struct epoll_event e[64];
        int n = epoll_wait(ep, e, 64, -1);

        for (int i = 0; i < n; i++) {
            struct client *k = &c[e[i].data.u32];

            if (k->answers == l->rounds)
                continue;
            for (unsigned turns = 0; turns < 4 && client_read(k, l); turns++)
                ;
            if (k->answers == l->rounds && done++ == 0)
                fairness(l, c);
        }
    }
    for (unsigned i = 0; i < l->clients; i++)
        close(c[i].fd);
    close(ep);
    atomic_store(&l->over, true);
    return NULL;
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
    struct load *l = arg;

    (void)fd;
    (void)what;
    if (atomic_load(&l->over))
        event_base_loopbreak(l->base);
}

/* Milliseconds of the server's CPU time a gigabyte of bodies. */
static double run(struct load *l)
{
    const struct timeval often = {.tv_usec = 2000};
    struct event *look = event_new(l->base, -1, EV_PERSIST, on_look, l);
    uint64_t from = clock_cpu_ns();
    pthread_t thread;

    atomic_store(&l->over, false);
    if (!look || event_add(look, &often) < 0 || pthread_create(&thread, NULL, clients_run, l) != 0)
        load_die("clients");
    event_base_dispatch(l->base);
    pthread_join(thread, NULL);
    event_free(look);
    return (double)(clock_cpu_ns() - from) / ((double)l->body * l->clients * l->rounds) * 1e3;
}

int main(int argc, char **argv)
{
    static struct metrics metrics;
    const struct listen_addr here = {.addr = addr_from_v4(INADDR_LOOPBACK)};
    struct turn turn = {.metrics = &metrics, .arena = arena_new(1 << 20), .random = 1};
    struct load l = {.body = load_option_number(argc, argv, "bytes", 10u << 20),
                     .clients = (unsigned)load_option_number(argc, argv, "clients", 32)};
    const uint64_t total = load_option_number(argc, argv, "total", UINT64_C(1) << 30);
    double ms[BENCH_RUNS];
    struct http_server *server;
    struct http_conf conf;
    struct err e = {0};
    char size[160], *data;
    int fd;

    if (l.clients == 0 || l.clients > CLIENTS_MAX || l.body == 0)
        load_die("--clients is 1 to 1024, --bytes 1 or more");
    l.rounds = (unsigned)(total / l.body / l.clients) + 1;
    http_conf_default(&conf);
    turn.wall_offset_ms = clock_wall_ms() - clock_ms();
    l.base = event_base_new();
    data = malloc(l.body);
    server = l.base && turn.arena && data ? http_server_new(l.base, &conf, &turn) : NULL;
    if (!server || !http_server_mount(server, (struct str){0}, STR("/body"), page, NULL))
        load_die("memory");
    memset(data, 'b', l.body);
    body = (struct shared_body){.refs = 1, .release = on_release, .data = data, .len = l.body};
    if (net_listen_tcp(here, 1024, &fd, &e) != ERR_OK ||
        http_server_listen(server, fd, NULL, &e) != ERR_OK) {
        fprintf(stderr, "bench_http_body: %s\n", e.text);
        return 1;
    }
    l.to = (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons(net_local_port(fd)),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (unsigned i = 0; i < BENCH_RUNS; i++)
        ms[i] = run(&l);
    bench_ratio("alto-body", bench_median(ms, BENCH_RUNS), GOAL_MS, "CPU-ms/GB");
    snprintf(size, sizeof size,
             "%u clients, %u answers of %zu bytes each; when the first was done the others had %u "
             "to %u",
             l.clients, l.rounds, l.body, l.least, l.most);
    bench_detail("alto-body", ms, BENCH_RUNS, "CPU-ms/GB", size);
    http_server_free(server);
    event_base_free(l.base);
    arena_free(turn.arena);
    free(data);
    return 0;
}
