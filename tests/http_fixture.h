/* An HTTP server in the test's own process, and clients that run its loop while they wait. */
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <check.h>
#include <event2/event.h>

#include "base/net.h"
#include "http/http_server.h"

#define PATIENCE_MS 10000u /* a condition that has not come by then never will */

static struct event_base *base;
static struct metrics metrics;
static struct turn turn;
static struct http_conf conf;
static struct http_server *server;
static uint16_t port;
static unsigned idle_calls, released;
static char big[4 << 20];

static void body_release(struct shared_body *b)
{
    (void)b;
    released++;
}
static struct shared_body big_body = {.refs = 1, .release = body_release, .data = big};

/* "/echo": what came; "/big": a shared body; "/long": 8 KiB copied; "/none": no answer. */
static inline void page(void *ctx, const struct http_request *q, struct http_response *r)
{
    const char *name = ctx;
    char *p;

    if (str_eq(q->path, STR("/none")))
        return;
    if (str_eq(q->path, STR("/big"))) {
        shared_body_take(&big_body);
        r->status = 200;
        r->shared = &big_body;
        return;
    }
    if (str_eq(q->path, STR("/long"))) {
        p = arena_alloc(q->arena, 8192);
        ck_assert_ptr_nonnull(p);
        memset(p, 'x', 8192);
        http_response_text(r, 200, (struct str){p, 8192});
        return;
    }
    p = arena_printf(q->arena, "%s %.*s%s%.*s [%.*s]", name, (int)q->path.n, q->path.p,
                     q->query.p ? "?" : "", (int)q->query.n, q->query.p ? q->query.p : "",
                     (int)q->body.n, q->body.p);
    ck_assert_ptr_nonnull(p);
    http_response_text(r, 200, str_from(p));
    ck_assert(http_response_header(r, STR("X-Page"), STR("yes")));
    r->close = str_eq(q->path, STR("/close"));
}

/* tls NULL: plain. */
static inline void begin_with(struct ssl_ctx_st *tls)
{
    static char any[] = "any", exact[] = "exact", deep[] = "deep";
    const struct listen_addr here = {.addr = addr_from_v4(INADDR_LOOPBACK)};
    struct err e = {0};
    int fd;

    base = event_base_new();
    ck_assert_ptr_nonnull(base);
    metrics = (struct metrics){0};
    turn = (struct turn){.metrics = &metrics,
                         .arena = arena_new(1 << 20),
                         .wall_offset_ms = clock_wall_ms() - clock_ms(),
                         .random = 1};
    server = http_server_new(base, &conf, &turn);
    ck_assert_ptr_nonnull(server);
    ck_assert(http_server_mount(server, (struct str){0}, STR("/"), page, any));
    ck_assert(http_server_mount(server, (struct str){0}, STR("/a/b"), page, deep));
    ck_assert(http_server_mount(server, STR("exact.example"), STR("/a"), page, exact));
    ck_assert_msg(net_listen_tcp(here, 64, &fd, &e) == ERR_OK, "%s", e.text);
    port = net_local_port(fd);
    ck_assert(http_server_listen(server, fd, tls, &e) == ERR_OK);
}

static inline void begin(void)
{
    begin_with(NULL);
}

static inline void setup(void)
{
    http_conf_default(&conf);
    idle_calls = released = 0;
    memset(big, 'b', sizeof big);
    big_body.len = sizeof big;
}

static inline void teardown(void)
{
    http_server_free(server);
    event_base_free(base);
    arena_free(turn.arena);
}

static inline uint64_t metric(enum metric id)
{
    return atomic_load(&metrics.v[id]);
}

static inline int dial(void)
{
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

static inline void turn_loop(void)
{
    const struct timespec ms = {.tv_nsec = 500000};

    event_base_loop(base, EVLOOP_NONBLOCK);
    nanosleep(&ms, NULL);
}

#define WAIT_UNTIL(condition)                                                                      \
    for (uint64_t until = clock_ms() + PATIENCE_MS; !(condition);) {                               \
        ck_assert_msg(clock_ms() < until, "never: %s", #condition);                                \
        turn_loop();                                                                               \
    }

static inline void say(int fd, const char *text)
{
    size_t n = strlen(text), at = 0;

    while (at < n) {
        ssize_t k = send(fd, text + at, n - at, MSG_NOSIGNAL);

        if (k < 0) {
            ck_assert_msg(errno == EAGAIN, "send: %s", strerror(errno));
            turn_loop();
        } else {
            at += (size_t)k;
        }
    }
}

struct heard {
    char *text;
    size_t n, cap;
    bool closed, reset;
};

static inline void listen_once(int fd, struct heard *h)
{
    ssize_t k;

    if (h->cap - h->n < 65536) {
        h->cap = h->cap ? h->cap * 2 : 131072;
        h->text = realloc(h->text, h->cap);
        ck_assert_ptr_nonnull(h->text);
    }
    k = recv(fd, h->text + h->n, h->cap - h->n - 1, 0);
    if (k > 0)
        h->n += (size_t)k;
    else if (k == 0)
        h->closed = true;
    else if (errno != EAGAIN)
        h->closed = h->reset = true;
    h->text[h->n] = '\0';
}

static inline unsigned times(const char *text, const char *what)
{
    unsigned n = 0;

    while ((text = strstr(text, what))) {
        text += strlen(what);
        n++;
    }
    return n;
}

/* Listens until what was heard n times. */
static inline void hear(int fd, struct heard *h, const char *what, unsigned n)
{
    uint64_t until = clock_ms() + PATIENCE_MS;

    listen_once(fd, h);
    while (times(h->text, what) < n) {
        ck_assert_msg(clock_ms() < until && !h->closed, "wanted %u times %s, got:\n%.600s", n, what,
                      h->text);
        turn_loop();
        listen_once(fd, h);
    }
}

static inline void hear_close(int fd, struct heard *h)
{
    uint64_t until = clock_ms() + PATIENCE_MS;

    while (!h->closed) {
        ck_assert_msg(clock_ms() < until, "not closed; got:\n%.600s", h->n ? h->text : "");
        turn_loop();
        listen_once(fd, h);
    }
}

static inline void hang_up(int fd, struct heard *h)
{
    free(h->text);
    *h = (struct heard){0};
    close(fd);
}

static inline void small_window(int fd)
{
    const int size = 4096;

    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size), 0);
}
