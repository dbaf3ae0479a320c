/* An ALTO server that answers anything. The first byte says which of its answers the bytes are, and
 * in what pieces they come; the others are as they should be. Beyond not crashing: what comes out
 * is of one piece, and where nothing comes out the client says why or waits. */
#include "alto/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alto/error_read.h"

#define CHECK(x)                                                                                   \
    do {                                                                                           \
        if (!(x))                                                                                  \
            abort();                                                                               \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEAD(type) "HTTP/1.1 200 OK\r\nContent-Type: " type "\r\n\r\n"
#define IRD                                                                                        \
    HEAD("application/alto-directory+json")                                                        \
    "{\"meta\":{\"default-alto-network-map\":\"net\",\"cost-types\":{\"num\":{\"cost-mode\":"      \
    "\"numerical\",\"cost-metric\":\"routingcost\"}}},\"resources\":{\"net\":{\"uri\":\"net\","    \
    "\"media-type\":\"application/alto-networkmap+json\"},\"cost\":{\"uri\":\"cost\","             \
    "\"media-type\":\"application/alto-costmap+json\",\"uses\":[\"net\"],\"capabilities\":{"       \
    "\"cost-type-names\":[\"num\"]}},\"up\":{\"uri\":\"up\",\"media-type\":\"%s\",\"accepts\":"    \
    "\"%s\",\"uses\":[\"net\",\"cost\"]}}}"
#define NET                                                                                        \
    HEAD("application/alto-networkmap+json")                                                       \
    "{\"meta\":{\"vtag\":{\"resource-id\":\"net\",\"tag\":\"t\"}},\"network-map\":{"               \
    "\"a\":{\"ipv4\":[\"10.0.0.0/8\"]},\"b\":{\"ipv4\":[\"20.0.0.0/8\"]}}}"
#define COST                                                                                       \
    HEAD("application/alto-costmap+json")                                                          \
    "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"net\",\"tag\":\"t\"}],\"cost-type\":{"     \
    "\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\"}},"                               \
    "\"cost-map\":{\"a\":{\"b\":7}}}"

enum which { FUZZ_IRD, FUZZ_NET, FUZZ_COST, FUZZ_STREAM, FUZZ_EVENTS, FUZZ_TIPS, FUZZ_KINDS };

static struct world {
    struct alto_client *c;
    enum which which;
    size_t piece;
    struct str fuzz;
    bool wanted[ALTO_CLIENT_SLOTS], open[ALTO_CLIENT_SLOTS];
    char path[ALTO_CLIENT_SLOTS][16];
    unsigned rounds;
} w;

static void on_connect(void *ctx, unsigned slot, const struct alto_client_to *to)
{
    (void)ctx;
    CHECK(to->host.n && to->port && !w.open[slot] && !w.wanted[slot]);
    w.wanted[slot] = true;
}

static void on_send(void *ctx, unsigned slot, struct str bytes)
{
    const char *path = memchr(bytes.p, '/', bytes.n);

    (void)ctx;
    snprintf(w.path[slot], sizeof w.path[slot], "%.4s", path);
}

static void on_close(void *ctx, unsigned slot)
{
    (void)ctx;
    w.open[slot] = w.wanted[slot] = false;
}

static void on_maps(void *ctx, const struct alto_generation *g)
{
    (void)ctx;
    CHECK(g->network && g->cost_count == 1 && g->costs[0]->of == g->network);
    CHECK(strcmp(costmap_info_get(g->costs[0]->cost)->depends.tag, g->network->network->vtag.tag) ==
          0);
}

static void feed(unsigned slot, struct str text)
{
    for (size_t i = 0; i < text.n && w.open[slot];) {
        const size_t n = text.n - i < w.piece ? text.n - i : w.piece;

        alto_client_bytes(w.c, slot, text.p + i, n, 1);
        i += n;
    }
}

static void answer(unsigned slot)
{
    static char ird[2048];
    const char *path = w.path[slot];
    struct str fixed = STR("HTTP/1.1 404 X\r\n\r\n");
    enum which which = FUZZ_TIPS;

    if (strncmp(path, "/ ", 2) == 0) {
        const bool tips = w.which == FUZZ_TIPS;

        which = FUZZ_IRD;
        snprintf(ird, sizeof ird, IRD, tips ? "application/alto-tips+json" : "text/event-stream",
                 tips ? "application/alto-tipsparams+json"
                      : "application/alto-updatestreamparams+json");
        fixed = str_from(ird);
    } else if (strcmp(path, "/net") == 0) {
        which = FUZZ_NET;
        fixed = STR(NET);
    } else if (strcmp(path, "/cos") == 0) {
        which = FUZZ_COST;
        fixed = STR(COST);
    } else if (strncmp(path, "/up", 3) == 0 && w.which != FUZZ_TIPS) {
        which = w.which == FUZZ_STREAM ? FUZZ_STREAM : FUZZ_EVENTS;
        if (w.which == FUZZ_EVENTS)
            feed(slot, STR(HEAD("text/event-stream")));
    }
    feed(slot, which == w.which ? w.fuzz : fixed);
    if (w.open[slot])
        alto_client_closed(w.c, slot, NULL, 1);
    w.open[slot] = false;
}

static void serve(void)
{
    bool any = true;

    while (any && w.rounds++ < 64) {
        any = false;
        for (unsigned i = 0; i < ALTO_CLIENT_SLOTS; i++)
            if (w.wanted[i]) {
                any = true;
                w.wanted[i] = false;
                w.open[i] = true;
                alto_client_connected(w.c, i, 1);
                answer(i);
            }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct alto_client_ops ops = {on_connect, on_send, on_close, on_maps};
    static const struct str servers[] = {{"http://h/", 9}};
    struct alto_client_conf conf;
    struct alto_client_status status;
    struct err e = {0};

    if (size == 0)
        return 0;
    alto_client_conf_default(&conf);
    conf.servers = servers;
    conf.server_count = 1;
    conf.body_max = 1 << 20;
    conf.arena_max = (size_t)64 << 20;
    conf.lenient = data[0] >= 128;
    w = (struct world){.which = data[0] % FUZZ_KINDS,
                       .piece = data[0] & 64 ? 3 : SIZE_MAX,
                       .fuzz = {(const char *)data + 1, size - 1}};
    w.c = alto_client_new(&conf, &ops, NULL, 0);
    CHECK(w.c);
    alto_client_turn(w.c, 1);
    serve();
    alto_client_status(w.c, &status);
    CHECK(status.generations || status.error[0] || w.rounds >= 64);
    CHECK(alto_client_wake_ms(w.c) != UINT64_MAX || w.rounds >= 64);
    alto_client_free(w.c);
    CHECK(alto_error_read(w.fuzz, &e) == ERR_PARSE && e.text[0]);
    return 0;
}
