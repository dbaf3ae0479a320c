/* Requests for update streams, stream control, TIPS views and what lies below them: a line each, of
 * a letter and a body or path. Beyond not crashing: every answer has a status that the RFCs name, a
 * refusal is an ALTO error and opens nothing, and in the end nothing is open. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "alto/offer.h"
#include "alto/update.h"

#define CHECK(x)                                                                                   \
    do {                                                                                           \
        if (!(x))                                                                                  \
            abort();                                                                               \
    } while (0)

#define STREAMS 4u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct client {
    struct http_stream stream;
    const struct http_stream_use *use;
    void *ctx;
    bool open;
    char text[512]; /* the beginning of what came */
    size_t len;
};

static struct alto_hub *hub;
static struct alto_server server;
static struct alto_catalog *catalogs[2];
static struct arena *maps, *request_arena;
static struct client clients[STREAMS];
static uint64_t now_ms = 1000;

static struct client *client_of(const struct http_stream *s)
{
    return (struct client *)(uintptr_t)s;
}

static bool on_write(struct http_stream *s, struct str text)
{
    struct client *c = client_of(s);
    const size_t n = text.n < sizeof c->text - 1 - c->len ? text.n : sizeof c->text - 1 - c->len;

    CHECK(c->open);
    memcpy(c->text + c->len, text.p, n);
    c->len += n;
    return true;
}

static bool on_share(struct http_stream *s, struct shared_body *b, size_t at, size_t n)
{
    CHECK(at <= b->len && n <= b->len - at);
    return on_write(s, (struct str){b->data + at, n});
}

static size_t on_held(const struct http_stream *s)
{
    (void)s;
    return 0;
}

static void on_end(struct http_stream *s)
{
    CHECK(client_of(s)->open);
    client_of(s)->open = false;
}

static bool on_answer(struct http_stream *s, const struct http_response *r)
{
    CHECK(r->status >= 200);
    shared_body_drop(r->shared);
    on_end(s);
    return true;
}

static const struct http_stream_ops ops = {on_answer, on_write, on_share, on_held, on_end};

static struct alto_catalog *catalog_of(double cost)
{
    static const char net[] = "{\"network-map\":{\"a\":{\"ipv4\":[\"0.0.0.0/0\"]},"
                              "\"b\":{\"ipv4\":[\"10.0.0.0/8\"]}}}";
    struct offer_cost offer_cost = {0};
    struct offer_network network = {.id = STR("net"),
                                    .costs = &offer_cost,
                                    .cost_count = 1,
                                    .default_pid = PIDX_NONE,
                                    .groups = UINT64_MAX};
    const struct alto_offer offer = {
        .base = STR(""), .networks = &network, .network_count = 1, .updates = true, .tips = true};
    struct alto_catalog *c = NULL;
    struct bytes text = {0};
    struct err e = {0};

    CHECK(netmap_parse(net, sizeof net - 1, maps, &network.map, &e) == ERR_OK);
    CHECK(bytes_printf(&text,
                       "{\"meta\":{\"cost-type\":{\"cost-mode\":\"numerical\",\"cost-metric\":"
                       "\"routingcost\"},\"dependent-vtags\":[{\"resource-id\":\"net\",\"tag\":"
                       "\"%s\"}]},\"cost-map\":{\"a\":{\"b\":%g}}}",
                       network.map->vtag.tag, cost));
    CHECK(costmap_parse(text.data, text.len, network.map, maps, &offer_cost.map, &e) == ERR_OK);
    bytes_free(&text);
    CHECK(alto_offer_build(&offer, NULL, &c, &e) == ERR_OK);
    CHECK(alto_catalog_render(c, &e) == ERR_OK);
    return c;
}

static void publish(unsigned which)
{
    struct err e = {0};

    CHECK(alto_hub_publish(hub, catalogs[which], 0, &e) == ERR_OK);
    alto_catalog_take(catalogs[which]);
    alto_server_set(&server, catalogs[which]);
}

static void start(void)
{
    struct alto_hub_conf conf;

    maps = arena_new((size_t)16 << 20);
    request_arena = arena_new((size_t)16 << 20);
    alto_hub_conf_default(&conf);
    conf.inputs_max = 8;
    conf.views_max = 8;
    conf.substreams_max = 4;
    conf.view_idle_ms = 1000;
    hub = alto_hub_new(&conf);
    CHECK(hub && maps && request_arena);
    alto_server_init(&server);
    server.hub = hub;
    for (unsigned i = 0; i < 2; i++)
        catalogs[i] = catalog_of(i);
    publish(0);
}

static void check_error(const struct http_response *r)
{
    json_t *v = json_loadb(r->body.p, r->body.n, 0, NULL);
    const json_t *meta = json_object_get(v, "meta");

    CHECK(str_eq(r->type, STR(ALTO_TYPE_ERROR)) && !r->stream);
    CHECK(json_is_string(json_object_get(meta, "code")));
    CHECK(!json_object_get(meta, "value") || json_object_get(meta, "field"));
    json_decref(v);
}

static void ask(struct client *c, enum http_method method, struct str path, const char *type,
                struct str body)
{
    const struct http_header headers[] = {{STR("Content-Type"), str_from(type)}};
    const struct http_request q = {.method = method,
                                   .host = STR("h"),
                                   .path = path,
                                   .target = path,
                                   .headers = headers,
                                   .header_count = 1,
                                   .body = body,
                                   .arena = request_arena};
    struct alto_hub_counts before, after;
    struct http_response r = {0};

    arena_reset(request_arena);
    alto_hub_count(hub, &before);
    alto_handle(&server, &q, &r);
    alto_hub_count(hub, &after);
    CHECK(r.status == 0 || r.status == 200 || r.status == 204 || r.status >= 400);
    CHECK(r.status || r.stream);
    if (r.status >= 400) {
        check_error(&r);
        CHECK(after.streams == before.streams && after.polls == before.polls);
    }
    shared_body_drop(r.shared);
    if (!r.stream)
        return;
    *c = (struct client){.stream = {&ops}, .use = r.stream, .ctx = r.stream_ctx, .open = true};
    c->use->on_open(c->ctx, &c->stream);
}

static void close_client(struct client *c)
{
    if (c->open)
        c->use->on_gone(c->ctx);
    c->open = false;
}

/* The path of the newest stream's control, or of a view. */
static struct str path_after(const char *text, const char *mark, char *out, size_t size)
{
    const char *p = strstr(text, mark);
    size_t n = 0;

    if (p)
        for (p += strlen(mark); p[n] && p[n] != '"' && n < size - 1; n++)
            out[n] = p[n];
    out[n] = '\0';
    return (struct str){out, n};
}

static char view[128];

static void open_view(struct str body)
{
    const struct http_header headers[] = {
        {STR("Content-Type"), STR("application/alto-tipsparams+json")}};
    const struct http_request q = {.method = HTTP_POST,
                                   .host = STR("h"),
                                   .path = STR("/tips"),
                                   .headers = headers,
                                   .header_count = 1,
                                   .body = body,
                                   .arena = request_arena};
    struct http_response r = {0};
    char text[512];

    arena_reset(request_arena);
    alto_handle(&server, &q, &r);
    CHECK(r.status == 200 || r.status >= 400);
    if (r.status >= 400) {
        check_error(&r);
        return;
    }
    CHECK(r.body.n < sizeof text);
    memcpy(text, r.body.p, r.body.n);
    text[r.body.n] = '\0';
    CHECK(path_after(text, "http://h", view, sizeof view).n);
}

static void line_of(unsigned number, struct str line)
{
    const struct str rest = {line.p + 1, line.n - 1};
    struct client *c = &clients[number % STREAMS];
    char path[256];
    struct str at;

    switch (*line.p) {
    case 'o':
        close_client(c);
        ask(c, HTTP_POST, STR("/updates"), "application/alto-updatestreamparams+json", rest);
        break;
    case 'c':
        at = path_after(clients[0].text, "\"control-uri\":\"", path, sizeof path);
        close_client(c);
        ask(c, HTTP_POST, at.n ? at : STR("/updates/0"), "application/alto-updatestreamparams+json",
            rest);
        break;
    case 't':
        open_view(rest);
        break;
    case 'u':
    case 'g':
        CHECK(strlen(view) + 3 + rest.n < SIZE_MAX);
        at = (struct str){path, 0};
        at.n = (size_t)snprintf(path, sizeof path, "%s%.*s", view,
                                *line.p == 'g' ? (int)(rest.n < 64 ? rest.n : 64) : 3,
                                *line.p == 'g' ? rest.p : "/ug");
        close_client(c);
        ask(c, *line.p == 'g' ? HTTP_GET : HTTP_POST, at, "application/alto-tipsparams+json", rest);
        break;
    case 'p':
        publish(number & 1);
        alto_hub_turn(&server, now_ms += 100);
        break;
    default:
        alto_hub_turn(&server, now_ms += 2000);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *p = (const char *)data, *end = p + size;
    struct alto_hub_counts counts;

    if (!hub)
        start();
    view[0] = '\0';
    for (unsigned i = 0; i < 64 && p < end; i++) {
        const char *feed = memchr(p, '\n', (size_t)(end - p));
        const struct str line = {p, (size_t)((feed ? feed : end) - p)};

        if (line.n)
            line_of(i, line);
        p = feed ? feed + 1 : end;
    }
    for (unsigned i = 0; i < STREAMS; i++)
        close_client(&clients[i]);
    alto_hub_count(hub, &counts);
    CHECK(counts.streams == 0 && counts.polls == 0);
    return 0;
}
