#include "alto/bodies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libdeflate.h>
#include <xxhash.h>
#include <zstd.h>

#include "alto/negotiate.h"

/* Made once, sent many times: a good deal of work is fine. */
#define GZIP_LEVEL 6
#define ZSTD_LEVEL 6

struct owned_body {
    struct shared_body body;
    struct bytes bytes;
};

static void release(struct shared_body *self)
{
    struct owned_body *b = (struct owned_body *)self;

    bytes_free(&b->bytes);
    free(b);
}

struct shared_body *shared_body_new(struct bytes *b)
{
    struct owned_body *new = malloc(sizeof *new);

    if (!new) {
        bytes_free(b);
        return NULL;
    }
    new->bytes = *b;
    new->body = (struct shared_body){.release = release, .data = b->data, .len = b->len};
    atomic_init(&new->body.refs, 1);
    *b = (struct bytes){0};
    return &new->body;
}

/* The same text for a long time: without the room that doubling left behind it. */
static void fit(struct bytes *b)
{
    char *data = b->len ? realloc(b->data, b->len) : NULL;

    if (data) {
        b->data = data;
        b->cap = b->len;
    }
}

struct alto_bodies *alto_bodies_new(struct bytes *text, uint64_t modified_ms)
{
    static const char *const suffix[ALTO_CODINGS] = {"", "-gzip", "-zstd"};
    struct alto_bodies *b = calloc(1, sizeof *b);
    XXH128_hash_t hash;

    if (!b) {
        bytes_free(text);
        return NULL;
    }
    fit(text);
    hash = XXH3_128bits(text->data, text->len);
    b->text = shared_body_new(text);
    if (!b->text) {
        free(b);
        return NULL;
    }
    for (unsigned i = 0; i < ALTO_CODINGS; i++)
        snprintf(b->etag[i], sizeof b->etag[i], "\"%016llx%016llx%s\"",
                 (unsigned long long)hash.high64, (unsigned long long)hash.low64, suffix[i]);
    atomic_init(&b->coded[ALTO_IDENTITY], b->text);
    atomic_init(&b->refs, 1);
    b->modified_ms = modified_ms;
    return b;
}

struct alto_bodies *alto_bodies_again(struct alto_bodies *b, uint64_t modified_ms)
{
    struct alto_bodies *again = calloc(1, sizeof *again);

    if (!again)
        return NULL;
    memcpy(again->etag, b->etag, sizeof again->etag);
    again->text = b->text;
    again->newline_every = b->newline_every;
    for (unsigned i = 0; i < ALTO_CODINGS; i++) {
        struct shared_body *form = atomic_load_explicit(&b->coded[i], memory_order_acquire);

        if (form)
            shared_body_take(form);
        atomic_init(&again->coded[i], form);
    }
    atomic_init(&again->refs, 1);
    again->modified_ms = modified_ms;
    return again;
}

bool alto_bodies_equal(const struct alto_bodies *a, const struct alto_bodies *b)
{
    return strcmp(a->etag[ALTO_IDENTITY], b->etag[ALTO_IDENTITY]) == 0;
}

void alto_bodies_take(struct alto_bodies *b)
{
    atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
}

void alto_bodies_drop(struct alto_bodies *b)
{
    if (!b || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (unsigned i = 0; i < ALTO_CODINGS; i++) /* the first is the text */
        shared_body_drop(atomic_load_explicit(&b->coded[i], memory_order_acquire));
    free(b);
}

/* 0: it would not be smaller, or there is no memory. */
static size_t make_gzip(const struct shared_body *text, char *out, size_t room)
{
    struct libdeflate_compressor *c = libdeflate_alloc_compressor(GZIP_LEVEL);
    size_t n = c ? libdeflate_gzip_compress(c, text->data, text->len, out, room) : 0;

    libdeflate_free_compressor(c);
    return n;
}

static size_t make_zstd(const struct shared_body *text, char *out, size_t room)
{
    size_t n = ZSTD_compress(out, room, text->data, text->len, ZSTD_LEVEL);

    return ZSTD_isError(n) ? 0 : n;
}

bool alto_bodies_compress(struct alto_bodies *b, enum alto_coding coding)
{
    struct bytes out = {0};
    struct shared_body *form;

    if (coding == ALTO_IDENTITY || b->text->len < 2 ||
        atomic_load_explicit(&b->coded[coding], memory_order_relaxed))
        return true;
    /* Room for less than the text alone: what is not smaller does not fit. */
    if (!bytes_reserve(&out, b->text->len - 1))
        return false;
    out.len = coding == ALTO_GZIP ? make_gzip(b->text, out.data, b->text->len - 1)
                                  : make_zstd(b->text, out.data, b->text->len - 1);
    if (!out.len) {
        bytes_free(&out);
        return true;
    }
    fit(&out);
    form = shared_body_new(&out);
    if (!form)
        return false;
    atomic_store_explicit(&b->coded[coding], form, memory_order_release);
    return true;
}

enum alto_coding alto_coding_choose(const struct alto_bodies *b, struct str accept_encoding)
{
    static const enum alto_coding order[] = {ALTO_ZSTD, ALTO_GZIP, ALTO_IDENTITY};
    enum alto_coding best = ALTO_IDENTITY;
    unsigned weight = 0;

    if (accept_encoding.n == 0)
        return ALTO_IDENTITY;
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        struct str name = str_from(alto_coding_name(order[i]));
        unsigned q = accept_coding_weight(accept_encoding, name);

        if (q > weight && atomic_load_explicit(&b->coded[order[i]], memory_order_relaxed)) {
            best = order[i];
            weight = q;
        }
    }
    return best;
}

const char *alto_coding_name(enum alto_coding c)
{
    static const char *const names[ALTO_CODINGS] = {"identity", "gzip", "zstd"};

    return names[c];
}
