#include "http/http_out.h"

#include <stdlib.h>
#include <string.h>

/* A queue that is never quite empty, as a stream's may be, must not grow for ever: what was sent is
 * given up when it is most of the buffer. */
static void compact(struct http_out *o)
{
    const size_t gone = o->sent;

    if (gone == 0 || gone < o->len - gone)
        return;
    memmove(o->data, o->data + gone, o->len - gone);
    o->len -= gone;
    o->sent = 0;
    for (uint32_t i = o->piece; i < o->piece_count; i++)
        o->pieces[i].at -= gone;
}

char *http_out_room(struct http_out *o, size_t n)
{
    size_t cap = o->cap ? o->cap : 4096, need;
    char *p;

    if (o->data && n > o->cap - o->len)
        compact(o);
    if (o->data && n <= o->cap - o->len)
        return o->data + o->len;
    if (__builtin_add_overflow(o->len, n, &need) || need > SIZE_MAX / 2)
        return NULL;
    while (cap < need)
        cap *= 2;
    p = realloc(o->data, cap);
    if (!p)
        return NULL;
    o->data = p;
    o->cap = cap;
    return p + o->len;
}

static bool piece_room(struct http_out *o)
{
    const uint32_t left = o->piece_count - o->piece;
    uint32_t cap = o->piece_cap ? o->piece_cap * 2 : 8;
    struct http_piece *p;

    if (o->piece_count < o->piece_cap)
        return true;
    if (o->piece && o->piece >= left) { /* most of them were sent */
        memmove(o->pieces, o->pieces + o->piece, left * sizeof *o->pieces);
        o->piece = 0;
        o->piece_count = left;
        return true;
    }
    p = cap > o->piece_cap ? realloc(o->pieces, cap * sizeof *p) : NULL;
    if (!p)
        return false;
    o->pieces = p;
    o->piece_cap = cap;
    return true;
}

bool http_out_share(struct http_out *o, struct shared_body *b, size_t from, size_t n)
{
    if (n == 0 || !piece_room(o)) {
        shared_body_drop(b);
        return n == 0;
    }
    o->pieces[o->piece_count++] =
        (struct http_piece){.body = b, .at = o->len, .from = from, .n = n};
    o->shared += n;
    return true;
}

static struct iovec vector_of(const char *p, size_t n)
{
    union {
        const char *in;
        void *out;
    } base = {.in = p}; /* iov_base is not const, though sending only reads */

    return (struct iovec){base.out, n};
}

unsigned http_out_vectors(const struct http_out *o, struct iovec *v, unsigned max, size_t bytes)
{
    size_t at = o->sent, skip = o->piece_sent;
    unsigned n = 0;

    for (uint32_t i = o->piece; i < o->piece_count && n < max; i++) {
        const struct http_piece *p = &o->pieces[i];

        if (at < p->at) {
            v[n++] = vector_of(o->data + at, p->at - at);
            at = p->at;
        }
        if (n < max)
            v[n++] = vector_of(p->body->data + p->from + skip, p->n - skip);
        skip = 0;
    }
    if (at < o->len && n < max)
        v[n++] = vector_of(o->data + at, o->len - at);
    for (unsigned i = 0; i < n; i++) {
        if (v[i].iov_len >= bytes) {
            v[i].iov_len = bytes;
            return i + 1;
        }
        bytes -= v[i].iov_len;
    }
    return n;
}

void http_out_advance(struct http_out *o, size_t n)
{
    while (o->piece < o->piece_count) {
        const struct http_piece *p = &o->pieces[o->piece];
        size_t copied = p->at - o->sent, rest = p->n - o->piece_sent;

        if (n <= copied) {
            o->sent += n;
            return;
        }
        o->sent += copied;
        n -= copied;
        if (n < rest) {
            o->piece_sent += n;
            o->shared -= n;
            return;
        }
        n -= rest;
        o->shared -= rest;
        shared_body_drop(p->body);
        o->piece++;
        o->piece_sent = 0;
    }
    o->sent += n;
}

void http_out_clear(struct http_out *o)
{
    while (o->piece < o->piece_count)
        shared_body_drop(o->pieces[o->piece++].body);
    o->len = o->sent = o->piece_sent = o->shared = 0;
    o->piece = o->piece_count = o->answers = 0;
    if (o->cap > HTTP_OUT_KEEP) {
        free(o->data);
        o->data = NULL;
        o->cap = 0;
    }
}

void http_out_fini(struct http_out *o)
{
    http_out_clear(o);
    free(o->data);
    free(o->pieces);
    *o = (struct http_out){0};
}
