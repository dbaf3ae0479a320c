/* A streamer's whole answer. Beyond not crashing: neither verdict nor body depend on how the bytes
 * were cut, the body keeps its limit, and one that came with a length has that length. */
#include "base/http_answer_read.h"

#include <stdlib.h>
#include <string.h>

#define CHECK(x)                                                                                   \
    do {                                                                                           \
        if (!(x))                                                                                  \
            abort();                                                                               \
    } while (0)
#define MAX 300u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reading {
    struct http_answer head;
    struct http_body body;
    struct bytes out;
    bool in_body;
};

static void feed(struct reading *r, const char *p, size_t n)
{
    const size_t before = r->head.seen;

    if (!r->in_body && http_answer_feed(&r->head, p, n) == HTTP_ANSWER_DONE) {
        size_t head = r->head.seen - before;

        http_body_begin(&r->body, &r->head, &r->out, MAX);
        r->in_body = true;
        p += head;
        n -= head;
    }
    if (r->in_body)
        http_body_feed(&r->body, p, n);
}

static void end(struct reading *r)
{
    if (!r->in_body)
        return;
    http_body_end(&r->body);
    CHECK(r->body.state == HTTP_BODY_DONE || r->body.state == HTTP_BODY_BAD);
    CHECK((r->body.state == HTTP_BODY_BAD) == (r->body.wrong != NULL));
    CHECK(r->out.len <= MAX);
}

/* The first byte says how long the pieces are. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reading whole = {0}, cut = {0};
    const char *p = (const char *)data + 1;
    size_t step;

    if (size < 1)
        return 0;
    step = 1 + data[0] % 32;
    size--;
    feed(&whole, p, size);
    for (size_t i = 0; i < size; i += step)
        feed(&cut, p + i, size - i < step ? size - i : step);
    end(&whole);
    end(&cut);
    CHECK(whole.in_body == cut.in_body && whole.body.state == cut.body.state);
    CHECK(!whole.in_body || whole.body.wrong == cut.body.wrong ||
          strcmp(whole.body.wrong, cut.body.wrong) == 0);
    for (unsigned k = 0; k < HTTP_KEPT; k++)
        CHECK(str_eq(http_answer_value(&whole.head, k), http_answer_value(&cut.head, k)));
    if (whole.in_body && whole.body.state == HTTP_BODY_DONE) {
        struct str length = http_answer_value(&whole.head, HTTP_CONTENT_LENGTH);

        CHECK(whole.out.len == cut.out.len);
        CHECK(whole.out.len == 0 || memcmp(whole.out.data, cut.out.data, whole.out.len) == 0);
        if (length.n && whole.head.status != 204 && whole.head.status != 304 &&
            whole.head.status >= 200)
            CHECK(strtoul(length.p, NULL, 10) == whole.out.len);
    }
    bytes_free(&whole.out);
    bytes_free(&cut.out);
    return 0;
}
