#include "http/http_out.h"

#include <stdlib.h>

char *http_out_room(struct http_out *o, size_t n)
{
    size_t cap = o->cap ? o->cap : 4096, need;
    char *p;

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

bool http_out_share(struct http_out *o, struct shared_body *b)
{
    if (b->len == 0) {
        shared_body_drop(b);
        return true;
    }
    if (o->piece_count == o->piece_cap) {
        uint32_t cap = o->piece_cap ? o->piece_cap * 2 : 8;
        struct http_piece *p = realloc(o->pieces, cap * sizeof *p);

        if (!p) {
            shared_body_drop(b);
            return false;
        }
        o->pieces = p;
        o->piece_cap = cap;
    }
    o->pieces[o->piece_count++] = (struct http_piece){b, o->len};
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

unsigned http_out_vectors(const struct http_out *o, struct iovec *v, unsigned max)
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
            v[n++] = vector_of(p->body->data + skip, p->body->len - skip);
        skip = 0;
    }
    if (at < o->len && n < max)
        v[n++] = vector_of(o->data + at, o->len - at);
    return n;
}

void http_out_advance(struct http_out *o, size_t n)
{
    while (o->piece < o->piece_count) {
        const struct http_piece *p = &o->pieces[o->piece];
        size_t copied = p->at - o->sent, rest = p->body->len - o->piece_sent;

        if (n <= copied) {
            o->sent += n;
            return;
        }
        o->sent += copied;
        n -= copied;
        if (n < rest) {
            o->piece_sent += n;
            return;
        }
        n -= rest;
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
    o->len = o->sent = o->piece_sent = 0;
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
