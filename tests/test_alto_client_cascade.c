/* Our client with our server, byte by byte and without sockets: a world that changes, lines that
 * break; behind each change the client has what the server has. */
#include "updates_fixture.h"

#include "alto/client.h"

struct line {
    struct http_stream stream; /* first: the server's handle */
    const struct http_stream_use *use;
    void *use_ctx;
    bool wanted, open, streaming, ended;
    struct bytes out; /* what the server has written */
};

static struct side *side;
static struct alto_client *client;
static struct alto_generation got;
static struct line lines[ALTO_CLIENT_SLOTS];
static struct metrics metrics;
static uint64_t now;
static unsigned gets;

static struct line *line_of(const struct http_stream *s)
{
    return (struct line *)(uintptr_t)s;
}

static bool on_write(struct http_stream *s, struct str text)
{
    return bytes_add(&line_of(s)->out, text.p, text.n);
}

static bool on_share(struct http_stream *s, struct shared_body *b, size_t at, size_t n)
{
    return bytes_add(&line_of(s)->out, b->data + at, n);
}

static size_t on_held(const struct http_stream *s)
{
    return line_of(s)->out.len;
}

static void on_end(struct http_stream *s)
{
    line_of(s)->streaming = false;
    line_of(s)->ended = true;
}

/* Head, and the body when it is there. */
static void put_response(struct line *k, const struct http_response *r)
{
    const struct str body = r->shared ? (struct str){r->shared->data, r->shared->len} : r->body;

    ck_assert(bytes_printf(&k->out, "HTTP/1.1 %d X\r\nContent-Type: %.*s\r\n", r->status,
                           (int)r->type.n, r->type.n ? r->type.p : ""));
    for (size_t i = 0; i < r->header_count; i++)
        ck_assert(bytes_printf(&k->out, "%.*s: %.*s\r\n", (int)r->headers[i].name.n,
                               r->headers[i].name.p, (int)r->headers[i].value.n,
                               r->headers[i].value.p));
    if (!r->stream)
        ck_assert(bytes_printf(&k->out, "Content-Length: %zu\r\n", body.n));
    ck_assert(bytes_printf(&k->out, "\r\n"));
    ck_assert(bytes_add(&k->out, body.n ? body.p : "", body.n));
    shared_body_drop(r->shared);
}

static bool on_answer(struct http_stream *s, const struct http_response *r)
{
    put_response(line_of(s), r);
    on_end(s);
    return true;
}

static const struct http_stream_ops ops = {on_answer, on_write, on_share, on_held, on_end};

/* The request's bytes, as our client writes them. */
static void parse(char *text, size_t n, struct http_request *q, struct http_header *headers)
{
    char *end = strstr(text, "\r\n\r\n"), *at = strchr(text, ' ') + 1;

    *q = (struct http_request){.method = text[0] == 'G' ? HTTP_GET : HTTP_POST,
                               .host = STR("h"),
                               .headers = headers,
                               .arena = side->arena};
    q->path = (struct str){at, (size_t)(strchr(at, ' ') - at)};
    q->target = q->path;
    q->body = (struct str){end + 4, n - (size_t)(end + 4 - text)};
    for (at = strstr(text, "\r\n") + 2; at < end + 2; at = strstr(at, "\r\n") + 2) {
        char *colon = strchr(at, ':'), *stop = strstr(at, "\r\n");

        headers[q->header_count++] = (struct http_header){{at, (size_t)(colon - at)},
                                                          {colon + 2, (size_t)(stop - colon - 2)}};
    }
}

static void on_connect(void *ctx, unsigned slot, const struct alto_client_to *to)
{
    (void)ctx;
    (void)to;
    lines[slot].wanted = true;
}

static void on_send(void *ctx, unsigned slot, struct str bytes)
{
    struct line *k = &lines[slot];
    struct http_response r = {0};
    struct http_header headers[16];
    struct http_request q;
    char *text = arena_strndup(side->arena, bytes.p, bytes.n);

    (void)ctx;
    parse(text, bytes.n, &q, headers);
    gets += q.method == HTTP_GET && !strstr(text, "/ug/");
    alto_handle(&side->servers[0], &q, &r);
    k->use = r.stream;
    k->use_ctx = r.stream_ctx;
    k->streaming = r.stream != NULL;
    if (r.status)
        put_response(k, &r);
    if (k->streaming)
        k->use->on_open(k->use_ctx, &k->stream);
}

static void hang_up(struct line *k)
{
    if (k->streaming && k->use->on_gone)
        k->use->on_gone(k->use_ctx);
    bytes_free(&k->out);
    *k = (struct line){.stream = {.ops = &ops}};
}

static void on_close(void *ctx, unsigned slot)
{
    (void)ctx;
    hang_up(&lines[slot]);
}

static void on_maps(void *ctx, const struct alto_generation *g)
{
    (void)ctx;
    alto_generation_drop(&got);
    alto_generation_copy(&got, g);
}

/* What has been written to the client, in pieces of any size. */
static bool deliver(unsigned slot)
{
    struct line *k = &lines[slot];
    struct bytes out = k->out;

    if (!k->open || (!out.len && !k->ended))
        return false;
    k->out = (struct bytes){0};
    for (size_t i = 0; i < out.len && k->open;) {
        size_t n = 1 + world_random(&side->world, 500);

        n = n < out.len - i ? n : out.len - i;
        alto_client_bytes(client, slot, out.data + i, n, now);
        i += n;
    }
    if (k->open && k->ended && !k->out.len) {
        hang_up(k);
        alto_client_closed(client, slot, NULL, now);
    }
    bytes_free(&out);
    return true;
}

static void settle(void)
{
    bool any = true;

    while (any) {
        any = false;
        side->now_ms = now;
        side_turn(side);
        for (unsigned i = 0; i < ALTO_CLIENT_SLOTS; i++) {
            if (lines[i].wanted) {
                lines[i].wanted = false;
                lines[i].open = true;
                alto_client_connected(client, i, now);
                any = true;
            }
            any |= deliver(i);
        }
        arena_reset(side->arena);
    }
}

static void pass(uint64_t ms)
{
    const uint64_t end = now + ms;

    while (alto_client_wake_ms(client) <= end) {
        now = alto_client_wake_ms(client) > now ? alto_client_wake_ms(client) : now;
        alto_client_turn(client, now);
        settle();
    }
    now = end;
}

/* The client's maps as texts are the server's. */
static void ck_same(unsigned step)
{
    const struct alto_network *n = side->catalog->default_network->network;
    struct bytes ours = {0}, theirs = {0};
    struct alto_client_status s;

    alto_client_status(client, &s);
    ck_assert(got.network && got.cost_count == WORLD_METRICS);
    ck_assert_msg(strcmp(got.network->network->vtag.tag, n->vtag.tag) == 0,
                  "step %u: %s, not %s (%s)", step, got.network->network->vtag.tag, n->vtag.tag,
                  s.error);
    for (unsigned m = 0; m < WORLD_METRICS; m++) {
        const struct costmap *map = got.costs[m]->cost;
        const struct costmap *want = NULL;

        for (size_t i = 0; i < n->cost_count; i++)
            if (str_eq(n->costs[i].type->metric, str_from(costmap_info_get(map)->metric)))
                want = n->costs[i].map;
        ours.len = theirs.len = 0;
        ck_assert(want && got.costs[m]->of == got.network);
        ck_assert(costmap_format(map, got.network->network, &ours));
        ck_assert(costmap_format(want, n->map, &theirs));
        ck_assert_msg(
            str_eq((struct str){ours.data, ours.len}, (struct str){theirs.data, theirs.len}),
            "step %u (%s): %.*s\nnot %.*s", step, s.error, (int)ours.len, ours.data,
            (int)theirs.len, theirs.data);
    }
    bytes_free(&ours);
    bytes_free(&theirs);
}

static const enum alto_client_mode modes[] = {ALTO_CLIENT_SSE, ALTO_CLIENT_TIPS, ALTO_CLIENT_POLL};

/* Conformance: U-29, C-06. */
START_TEST(follows)
{
    static const struct str servers[] = {{"http://h/alto", 13}};
    static const struct alto_client_cost costs[] = {
        {.metric = {"routingcost", 11}, .mode = COST_NUMERICAL},
        {.metric = {"hopcount", 8}, .mode = COST_NUMERICAL}};
    static const struct alto_client_ops client_ops = {on_connect, on_send, on_close, on_maps};
    const uint64_t seed = 7000 + (uint64_t)_i;
    struct alto_client_status s;
    struct alto_client_conf conf;
    unsigned fetched;

    printf("seed %llu\n", (unsigned long long)seed);
    alto_client_conf_default(&conf);
    conf.servers = servers;
    conf.server_count = 1;
    conf.costs = costs;
    conf.cost_count = WORLD_METRICS;
    conf.updates = modes[_i % 3];
    conf.loss_max_pm = conf.zero_max_pm = 1000; /* this world does as it likes */
    conf.seed = seed;
    now = 1000000;
    gets = 0;
    for (unsigned i = 0; i < ALTO_CLIENT_SLOTS; i++)
        lines[i] = (struct line){.stream = {.ops = &ops}};
    side = side_new(NULL, seed);
    side->servers[0].metrics = &metrics;
    client = alto_client_new(&conf, &client_ops, NULL, now);
    pass(0);
    ck_same(0);
    alto_client_status(client, &s);
    ck_assert_int_eq(s.mode, modes[_i % 3]);
    fetched = gets;
    for (unsigned step = 1; step <= 60; step++) {
        if (step % 10 == 0) /* a line breaks, and the world goes on */
            for (unsigned i = 0; i < ALTO_CLIENT_SLOTS; i++)
                if (lines[i].open) {
                    hang_up(&lines[i]);
                    alto_client_closed(client, i, "connection reset", now);
                }
        world_change(&side->world);
        side_publish(side);
        settle();
        pass(modes[_i % 3] == ALTO_CLIENT_POLL ? 340000 : step % 10 == 0 ? 5000 : 10);
        ck_same(step);
    }
    if (modes[_i % 3] != ALTO_CLIENT_POLL) /* all came by updates */
        ck_assert_uint_eq(gets, fetched);
    alto_client_free(client);
    alto_generation_drop(&got);
    side_free(side);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("alto_client_cascade");
    TCase *t = tcase_create("alto_client_cascade");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(t, follows, 0, 9);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
