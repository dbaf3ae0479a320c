/* An event stream gives the same events, or the same error, however it is cut; no event is longer
 * than what came. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alto/sse_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

struct seen {
    struct bytes text;
    size_t data;
};

static void add(struct bytes *b, struct str s)
{
    must(bytes_printf(b, "%zu:", s.n) && (!s.n || bytes_add(b, s.p, s.n)), "no memory");
}

static enum err_code on_event(void *ctx, const struct sse_event *ev, struct err *e)
{
    struct seen *s = ctx;
    struct str type, id;

    (void)e;
    add(&s->text, ev->event);
    add(&s->text, ev->data);
    add(&s->text, ev->id);
    s->data += ev->data.n;
    if (sse_event_split(ev->event, &type, &id, NULL) == ERR_OK)
        must(type.n && id.n && type.n + id.n + 1 == ev->event.n, "split badly");
    return ERR_OK;
}

static enum err_code read_all(const uint8_t *data, size_t size, size_t piece, struct seen *s,
                              struct err *e)
{
    const struct sse_limits limits = {.data_max = 300, .lines_max = 40, .line_max = 200};
    struct sse_read *r = sse_read_new(&limits, on_event, s);
    enum err_code rc = ERR_OK;

    must(r != NULL, "no memory");
    for (size_t at = 0; at < size && rc == ERR_OK; at += piece) {
        size_t n = size - at < piece ? size - at : piece;
        char *copy = malloc(n);

        must(copy != NULL, "no memory");
        memcpy(copy, data + at, n);
        rc = sse_read_feed(r, copy, n, e);
        free(copy);
    }
    must((rc == ERR_OK) == !e->text[0], "an error without a text");
    sse_read_free(r);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen whole = {0}, cut = {0};
    struct err e = {0}, e_cut = {0};
    enum err_code rc = read_all(data, size, size ? size : 1, &whole, &e);

    must(whole.data <= size, "more data than came");
    must(read_all(data, size, 1 + (size ? data[0] % 7u : 0), &cut, &e_cut) == rc &&
             strcmp(e.text, e_cut.text) == 0,
         "another error when cut");
    must(whole.text.len == cut.text.len &&
             (!whole.text.len || memcmp(whole.text.data, cut.text.data, cut.text.len) == 0),
         "other events when cut");
    bytes_free(&whole.text);
    bytes_free(&cut.text);
    return 0;
}
