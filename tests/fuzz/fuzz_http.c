/* HTTP requests. Properties: fed in two pieces, the verdict, the request and the rest are those of
 * the whole; an accepted request written again from its parts parses to the same parts. The first
 * two bytes say where to cut. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "http/http_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct http_limits limits = {.header_bytes_max = 2048, .body_bytes_max = 1024};

struct run {
    enum http_step rc;
    struct http_wire w;
    struct http_message m;
    char *buf;
    size_t n;
};

static void check(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "property broken: %s\n", what);
        abort();
    }
}

/* Each piece in a buffer of its own size, so that ASan sees a read past the end. */
static void feed(struct run *r, const uint8_t *data, size_t size, size_t cut)
{
    *r = (struct run){.rc = HTTP_MORE};
    for (size_t at = 0; at < size && r->rc == HTTP_MORE;) {
        size_t take = at < cut ? cut - at : size - at;
        char *grown = malloc(r->n + take);

        check(grown != NULL, "memory");
        if (r->n)
            memcpy(grown, r->buf, r->n);
        memcpy(grown + r->n, data + at, take);
        free(r->buf);
        r->buf = grown;
        r->n += take;
        at += take;
        r->rc = http_wire_feed(&r->w, &limits, r->buf, &r->n, &r->m);
    }
}

static bool same_str(struct str a, struct str b)
{
    return !a.p == !b.p && str_eq(a, b);
}

static void same_message(const struct http_message *a, const struct http_message *b, bool fields)
{
    check(a->request.method == b->request.method && a->request.is_head == b->request.is_head,
          "method");
    check(same_str(a->request.host, b->request.host), "host");
    check(a->request.host_port == b->request.host_port, "port");
    check(same_str(a->request.target, b->request.target), "target");
    check(same_str(a->request.path, b->request.path), "path");
    check(same_str(a->request.query, b->request.query), "query");
    check(same_str(a->request.body, b->request.body), "body");
    check(a->http_1_0 == b->http_1_0 && a->keep_alive == b->keep_alive, "version, connection");
    if (!fields)
        return;
    check(a->request.header_count == b->request.header_count, "header count");
    for (size_t i = 0; i < a->request.header_count; i++)
        check(same_str(a->headers[i].name, b->headers[i].name) &&
                  same_str(a->headers[i].value, b->headers[i].value),
              "header");
}

static bool is_framing(struct str name)
{
    return str_eq_nocase(name, STR("host")) || str_eq_nocase(name, STR("content-length")) ||
           str_eq_nocase(name, STR("transfer-encoding"));
}

static void write_again(const struct http_message *m)
{
    static const char *const names[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"};
    const struct http_request *r = &m->request;
    struct bytes out = {0};
    struct run again;
    bool ok = bytes_printf(&out, "%s %.*s HTTP/1.%d\r\n", r->is_head ? "HEAD" : names[r->method],
                           (int)r->target.n, r->target.p, m->http_1_0 ? 0 : 1);

    if (r->host.n)
        ok = ok && bytes_printf(&out, "Host: %.*s", (int)r->host.n, r->host.p);
    if (r->host.n && r->host_port)
        ok = ok && bytes_printf(&out, ":%u", r->host_port);
    if (r->host.n)
        ok = ok && bytes_printf(&out, "\r\n");
    for (size_t i = 0; i < r->header_count; i++)
        if (!is_framing(r->headers[i].name))
            ok = ok && bytes_add(&out, r->headers[i].name.p, r->headers[i].name.n) &&
                 bytes_add(&out, ":", 1) &&
                 bytes_add(&out, r->headers[i].value.p, r->headers[i].value.n) &&
                 bytes_add(&out, "\r\n", 2);
    ok = ok && bytes_printf(&out, "Content-Length: %zu\r\n\r\n", r->body.n) &&
         bytes_add(&out, r->body.p, r->body.n);
    check(ok, "memory");
    if (out.len - r->body.n <= limits.header_bytes_max && r->header_count < HTTP_HEADERS_MAX) {
        feed(&again, (const uint8_t *)out.data, out.len, 0);
        check(again.rc == HTTP_DONE, "written again it is accepted");
        check(again.m.used == out.len, "written again it is one request");
        same_message(m, &again.m, false);
        free(again.buf);
    }
    bytes_free(&out);
}

/* What is known of a refused request does not depend on the cut either. */
static void same_known(struct run *a, struct run *b)
{
    const bool known = http_wire_peek(&a->w, a->buf, &a->m);

    check(http_wire_peek(&b->w, b->buf, &b->m) == known, "known");
    if (known)
        check(same_str(a->m.request.host, b->m.request.host) &&
                  same_str(a->m.request.path, b->m.request.path),
              "what is known");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct run whole, split;
    size_t cut;

    if (size < 3)
        return 0;
    cut = ((size_t)data[0] << 8 | data[1]) % (size - 2);
    data += 2;
    size -= 2;
    feed(&whole, data, size, 0);
    feed(&split, data, size, cut);
    check(whole.rc == split.rc, "verdict");
    if (whole.rc == HTTP_REFUSED) {
        check(whole.w.refusal == split.w.refusal, "reason");
        same_known(&whole, &split);
    }
    if (whole.rc == HTTP_DONE) {
        /* A request that ends in the first piece leaves the rest unread; in the second, all the
         * rest stands behind it. */
        check(whole.m.used <= whole.n && split.m.used <= split.n, "used");
        if (split.n - split.m.used)
            check(memcmp(split.buf + split.m.used, whole.buf + whole.m.used,
                         split.n - split.m.used) == 0,
                  "what follows");
        same_message(&whole.m, &split.m, true);
        write_again(&whole.m);
    }
    free(whole.buf);
    free(split.buf);
    return 0;
}
