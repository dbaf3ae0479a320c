/* A client of ALTO with servers that are tables: what it asks is written down, what they answer
 * stands in routes. Time is a number. */
#pragma once

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alto/client.h"

#define ROUTES_MAX 32
#define HOST       "alto.example.com"
#define ROOT       "http://" HOST "/dir"

#define IRD_TYPE  "application/alto-directory+json"
#define NET_TYPE  "application/alto-networkmap+json"
#define COST_TYPE "application/alto-costmap+json"

/* An answer; %s and its length are filled in. */
struct route {
    const char *ask;     /* "GET host/path" */
    int status;          /* 0: the connection is refused; -1: silence */
    const char *type;    /* NULL: none */
    const char *headers; /* more of them, each with its CRLF; NULL: none */
    struct bytes body;
    bool open; /* the connection stays: an event stream */
    unsigned asked;
};

struct connection {
    bool wanted, open;
    struct alto_client_to to;
    char host[256];
    struct bytes request;
};

struct world {
    struct alto_client *c;
    struct alto_client_conf conf;
    uint64_t now;
    struct connection conn[ALTO_CLIENT_SLOTS];
    struct route routes[ROUTES_MAX];
    unsigned route_count;
    struct bytes log;      /* "GET host/path\n" of each request */
    struct bytes requests; /* all of their bytes */
    size_t piece;          /* answers come so many bytes at a time */
    struct alto_generation got;
    unsigned generations;
};

static struct world w;
static struct str one_server[] = {{ROOT, sizeof ROOT - 1}};

/* Adds, with a NUL behind it that does not count. */
static void write_down(struct bytes *to, const char *p, size_t n)
{
    ck_assert(bytes_add(to, p, n) && bytes_reserve(to, 1));
    to->data[to->len] = '\0';
}

static void on_connect(void *ctx, unsigned slot, const struct alto_client_to *to)
{
    struct connection *k = &w.conn[slot];

    (void)ctx;
    ck_assert(!k->wanted && !k->open);
    k->wanted = true;
    k->to = *to;
    snprintf(k->host, sizeof k->host, "%.*s", (int)to->host.n, to->host.p);
}

static void on_send(void *ctx, unsigned slot, struct str bytes)
{
    (void)ctx;
    ck_assert(w.conn[slot].open);
    write_down(&w.conn[slot].request, bytes.p, bytes.n);
    write_down(&w.requests, bytes.p, bytes.n);
}

static void on_close(void *ctx, unsigned slot)
{
    (void)ctx;
    w.conn[slot].wanted = w.conn[slot].open = false;
    bytes_free(&w.conn[slot].request);
}

static void on_maps(void *ctx, const struct alto_generation *g)
{
    (void)ctx;
    alto_generation_drop(&w.got);
    alto_generation_copy(&w.got, g);
    w.generations++;
}

static const struct alto_client_ops world_ops = {
    .connect = on_connect, .send = on_send, .close = on_close, .maps = on_maps};

static struct route *route_find(const char *ask)
{
    for (unsigned i = 0; i < w.route_count; i++)
        if (strcmp(w.routes[i].ask, ask) == 0)
            return &w.routes[i];
    return NULL;
}

static UNUSED struct route *route_add(const char *ask, int status, const char *type,
                                      const char *body)
{
    struct route *r = route_find(ask);

    if (!r) {
        ck_assert_uint_lt(w.route_count, ROUTES_MAX);
        r = &w.routes[w.route_count++];
        r->ask = ask;
    }
    r->status = status;
    r->type = type;
    r->headers = NULL;
    r->open = false;
    r->body.len = 0;
    ck_assert(bytes_add(&r->body, body ? body : "", body ? strlen(body) : 0));
    return r;
}

/* "GET host/path" of a request; of TIPS with the resource behind it. */
static void ask_of(const struct connection *k, char *out, size_t size)
{
    const char *resource;
    char method[8], target[2048];

    ck_assert_int_eq(sscanf(k->request.data, "%7s %2047s", method, target), 2);
    resource = strstr(k->request.data, "\r\n\r\n{\"resource-id\":\"");
    snprintf(out, size, "%s %s%s%s%.*s", method, k->host, target, resource ? " " : "",
             resource ? (int)strcspn(resource + 20, "\"") : 0, resource ? resource + 20 : "");
}

static void feed(unsigned slot, struct str text)
{
    for (size_t i = 0; i < text.n && w.conn[slot].open;) {
        const size_t n = w.piece && text.n - i > w.piece ? w.piece : text.n - i;

        alto_client_bytes(w.c, slot, text.p + i, n, w.now);
        i += n;
    }
}

static void answer(unsigned slot, struct route *r)
{
    struct bytes head = {0};
    const bool whole = !r->open;

    ck_assert(bytes_printf(&head, "HTTP/1.1 %d X\r\n", r->status));
    ck_assert(!r->type || bytes_printf(&head, "Content-Type: %s\r\n", r->type));
    ck_assert(!r->headers || bytes_printf(&head, "%s", r->headers));
    ck_assert(!whole || bytes_printf(&head, "Content-Length: %zu\r\n", r->body.len));
    ck_assert(bytes_printf(&head, "\r\n"));
    ck_assert(bytes_add(&head, r->body.data ? r->body.data : "", r->body.len));
    feed(slot, (struct str){head.data, head.len});
    bytes_free(&head);
}

static void serve(unsigned slot)
{
    struct connection *k = &w.conn[slot];
    struct route *r;
    char ask[2400], refused[300];

    k->wanted = false;
    snprintf(refused, sizeof refused, "%s", k->host);
    r = route_find(refused); /* a host alone: nobody listens there */
    if (r && r->status == 0) {
        write_down(&w.log, k->host, strlen(k->host));
        write_down(&w.log, "\n", 1);
        r->asked++;
        alto_client_closed(w.c, slot, "connection refused", w.now);
        return;
    }
    k->open = true;
    alto_client_connected(w.c, slot, w.now);
    ask_of(k, ask, sizeof ask);
    write_down(&w.log, ask, strlen(ask));
    write_down(&w.log, "\n", 1);
    r = route_find(ask);
    if (!r) {
        static struct route none = {.status = 404};

        answer(slot, &none);
        return;
    }
    r->asked++;
    if (r->status > 0)
        answer(slot, r);
}

/* Until nothing more is asked. */
static UNUSED void settle(void)
{
    bool any = true;

    for (unsigned turns = 0; any; turns++) {
        ck_assert_uint_lt(turns, 1000);
        any = false;
        for (unsigned i = 0; i < ALTO_CLIENT_SLOTS; i++)
            if (w.conn[i].wanted) {
                serve(i);
                any = true;
            }
    }
}

/* Time goes on; the client is woken when it wants to be. */
static UNUSED void pass(uint64_t ms)
{
    const uint64_t end = w.now + ms;

    for (unsigned turns = 0; alto_client_wake_ms(w.c) <= end; turns++) {
        const uint64_t wake = alto_client_wake_ms(w.c);

        ck_assert_uint_lt(turns, 10000);
        w.now = wake > w.now ? wake : w.now;
        alto_client_turn(w.c, w.now);
        settle();
    }
    w.now = end;
}

static UNUSED struct alto_client_status status(void)
{
    struct alto_client_status s;

    alto_client_status(w.c, &s);
    return s;
}

#define ck_status(what)                                                                            \
    ck_assert_msg(strstr(status().error, what), "%s, not %s", status().error, what)

static UNUSED unsigned asked(const char *ask)
{
    const struct route *r = route_find(ask);

    return r ? r->asked : 0;
}

static void world_setup(void)
{
    memset(&w, 0, sizeof w);
    w.now = 1000000;
    alto_client_conf_default(&w.conf);
    w.conf.servers = one_server;
    w.conf.server_count = 1;
    w.conf.seed = 1;
}

static void world_teardown(void)
{
    alto_client_free(w.c);
    alto_generation_drop(&w.got);
    for (unsigned i = 0; i < w.route_count; i++)
        bytes_free(&w.routes[i].body);
    for (unsigned i = 0; i < ALTO_CLIENT_SLOTS; i++)
        bytes_free(&w.conn[i].request);
    bytes_free(&w.log);
    bytes_free(&w.requests);
}

static UNUSED void start(void)
{
    w.c = alto_client_new(&w.conf, &world_ops, NULL, w.now);
    ck_assert(w.c);
    pass(0);
}

/* -- a server as most are -- */

#define NUM_TYPE  "\"num\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\"}"
#define NET_ENTRY "\"net\":{\"uri\":\"/net\",\"media-type\":\"" NET_TYPE "\"}"
#define COST_ENTRY                                                                                 \
    "\"cost\":{\"uri\":\"cost\",\"media-type\":\"" COST_TYPE "\",\"uses\":[\"net\"],"              \
    "\"capabilities\":{\"cost-type-names\":[\"num\"]}}"
#define IRD(entries)                                                                               \
    "{\"meta\":{\"default-alto-network-map\":\"net\",\"cost-types\":{" NUM_TYPE "}},"              \
    "\"resources\":{" entries "}}"
#define NET_TEXT(tag, more)                                                                        \
    "{\"meta\":{\"vtag\":{\"resource-id\":\"net\",\"tag\":\"" tag "\"}},\"network-map\":{"         \
    "\"a\":{\"ipv4\":[\"10.0.0.0/8\"]},\"b\":{\"ipv4\":[\"20.0.0.0/8\"" more "]}}}"
#define DEPENDS(tag) "\"dependent-vtags\":[{\"resource-id\":\"net\",\"tag\":\"" tag "\"}]"
#define COST_TEXT(tag, ab)                                                                         \
    "{\"meta\":{" DEPENDS(                                                                         \
        tag) ",\"cost-type\":{\"cost-mode\":\"numerical\","                                        \
             "\"cost-metric\":\"routingcost\"}},\"cost-map\":{\"a\":{\"a\":1,\"b\":" ab "},"       \
             "\"b\":{\"a\":5,\"b\":1}}}"

#define ASK_IRD  "GET " HOST "/dir"
#define ASK_NET  "GET " HOST "/net"
#define ASK_COST "GET " HOST "/cost"

static UNUSED void plain_server(void)
{
    route_add(ASK_IRD, 200, IRD_TYPE, IRD(NET_ENTRY "," COST_ENTRY));
    route_add(ASK_NET, 200, NET_TYPE, NET_TEXT("t1", ""));
    route_add(ASK_COST, 200, COST_TYPE, COST_TEXT("t1", "7"));
}

/* The cost from a to b of what came last. */
static UNUSED double cost_ab(void)
{
    const struct netmap *n;

    ck_assert(w.got.network && w.got.cost_count == 1 && w.got.costs[0]->of == w.got.network);
    n = w.got.network->network;
    return costmap_get(w.got.costs[0]->cost, netmap_find_pid(n, STR("a")),
                       netmap_find_pid(n, STR("b")));
}
