/* The HTTP engine with a constant 302 behind it: the engine's own cost, without a decision. Beside
 * nginx's `return 302` under load_http it says what the engine leaves to the rest.
 * usage: serve_http [--port N] [--cert FILE --key FILE]
 * Prints the port, serves until SIGTERM or SIGINT. */
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "base/net.h"
#include "bench/lib/load.h"
#include "http/http_server.h"

static void redirect(void *ctx, const struct http_request *q, struct http_response *r)
{
    static const char base[] = "http://edge1.cdn.example:8080";
    const size_t n = sizeof base - 1;
    char *p = arena_alloc(q->arena, n + q->target.n);

    (void)ctx;
    if (!p)
        return;
    memcpy(p, base, n);
    memcpy(p + n, q->target.p, q->target.n);
    r->status = 302;
    (void)!http_response_header(r, STR("Location"), (struct str){p, n + q->target.n});
    (void)!http_response_header(r, STR("Cache-Control"), STR("no-store"));
}

static void on_signal(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    event_base_loopbreak(arg);
}

int main(int argc, char **argv)
{
    static struct metrics metrics;
    const struct listen_addr here = {.addr = addr_from_v4(INADDR_LOOPBACK),
                                     .port = (uint16_t)load_option_number(argc, argv, "port", 0)};
    struct turn turn = {.metrics = &metrics, .arena = arena_new(1 << 20), .random = 1};
    struct event_base *base = event_base_new();
    struct http_conf conf;
    struct http_server *server;
    struct event *term, *intr;
    struct err e = {0};
    int fd;

    http_conf_default(&conf);
    conf.connections_max = 50000;
    turn.wall_offset_ms = clock_wall_ms() - clock_ms();
    server = base && turn.arena ? http_server_new(base, &conf, &turn) : NULL;
    if (!server || !http_server_mount(server, (struct str){0}, STR("/"), redirect, NULL))
        load_die("memory");
    if (net_listen_tcp(here, 4096, &fd, &e) != ERR_OK ||
        http_server_listen(server, fd, NULL, &e) != ERR_OK) {
        fprintf(stderr, "serve_http: %s\n", e.text);
        return 1;
    }
    term = evsignal_new(base, SIGTERM, on_signal, base);
    intr = evsignal_new(base, SIGINT, on_signal, base);
    if (!term || !intr || event_add(term, NULL) < 0 || event_add(intr, NULL) < 0)
        load_die("signals");
    printf("%u\n", net_local_port(fd));
    fflush(stdout);
    event_base_dispatch(base);
    event_free(term);
    event_free(intr);
    http_server_free(server);
    event_base_free(base);
    arena_free(turn.arena);
    return 0;
}
