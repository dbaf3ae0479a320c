/* Headers of a conditional GET: lines of Accept, Accept-Encoding, If-None-Match,
 * If-Modified-Since and the path. Whatever they say, the answer is one of five. */
#include <stdint.h>

#include "alto/negotiate.h"
#include "tests/fuzz/alto_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str next_line(struct str *s)
{
    const char *end = s->n ? memchr(s->p, '\n', s->n) : NULL;
    struct str line = {s->p, end ? (size_t)(end - s->p) : s->n};

    *s = end ? (struct str){end + 1, s->n - line.n - 1} : (struct str){s->p + s->n, 0};
    return line;
}

static void check(const struct http_response *response)
{
    switch (response->status) {
    case 200:
        must(response->shared && response->shared->len > 0, "no body");
        break;
    case 304:
        must(!response->shared && !response->body.n && !response->type.n, "304 with a body");
        break;
    case 404:
    case 405:
    case 406:
        must(response->body.n > 0 && str_eq(response->type, STR(ALTO_TYPE_ERROR)), "no error");
        break;
    default:
        must(false, "another status");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct str names[] = {
        {"Accept", 6}, {"Accept-Encoding", 15}, {"If-None-Match", 13}, {"If-Modified-Since", 17}};
    static struct alto_server s;
    static struct arena *arena;
    struct str rest = {(const char *)data, size};
    struct http_header headers[4];
    struct http_request request = {.method = HTTP_GET, .headers = headers};
    struct http_response response = {0};

    if (!arena) {
        arena = arena_new((size_t)4 << 20);
        alto_server_init(&s);
        alto_server_set(&s, alto_world());
    }
    for (unsigned i = 0; i < 4; i++) {
        struct str line = next_line(&rest);

        must(accept_weight(line, STR("a/b")) <= 1000, "a weight over 1");
        must(accept_coding_weight(line, STR("gzip")) <= 1000, "a weight over 1");
        if (line.n && line.p[0] != '\r')
            headers[request.header_count++] = (struct http_header){names[i], line};
    }
    request.path = request.target = rest.n ? rest : STR("/alto/n");
    request.arena = arena;
    alto_handle(&s, &request, &response);
    check(&response);
    shared_body_drop(response.shared);
    arena_reset(arena);
    return 0;
}
