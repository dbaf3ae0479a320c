/* Bytes under way to one client: copied ones, and between them shared bodies that are sent from
 * where they are. */
#pragma once

#include <sys/uio.h>

#include "base/handler.h"

#define HTTP_OUT_KEEP 65536u /* a cleared queue keeps a buffer up to this size */

struct http_piece {
    struct shared_body *body; /* a reference of ours */
    size_t at;                /* stands behind so many of the copied bytes */
    size_t from, n;           /* the part of it */
};

/* Starts zeroed. */
struct http_out {
    char *data;
    size_t len, cap;
    size_t sent; /* of data */
    struct http_piece *pieces;
    uint32_t piece_count, piece_cap;
    uint32_t piece;        /* pieces that were sent whole */
    size_t piece_sent;     /* of the next one */
    size_t shared;         /* bytes of pieces that are unsent */
    uint32_t answers;      /* since it was last empty */
    struct http_out *next; /* in its owner's pool */
};

/* Room for n more copied bytes, to be written at the result and counted in len; NULL: no memory. */
char *http_out_room(struct http_out *o, size_t n);
/* n bytes of b from `from` on. Takes over one reference, also when it fails for want of memory. */
bool http_out_share(struct http_out *o, struct shared_body *b, size_t from, size_t n) MUST_CHECK;
/* What is unsent, oldest first, as at most max vectors of at most `bytes` together; returns how
 * many. 0: nothing is unsent. */
unsigned http_out_vectors(const struct http_out *o, struct iovec *v, unsigned max, size_t bytes);
/* So many bytes of that have gone out. */
void http_out_advance(struct http_out *o, size_t n);
/* Copied bytes that are unsent. */
static inline size_t http_out_held(const struct http_out *o)
{
    return o->len - o->sent;
}
static inline size_t http_out_unsent(const struct http_out *o)
{
    return o->len - o->sent + o->shared;
}
static inline bool http_out_empty(const struct http_out *o)
{
    return o->sent == o->len && o->piece == o->piece_count;
}
/* Back to empty: references are dropped, an oversized buffer is freed. */
void http_out_clear(struct http_out *o);
void http_out_fini(struct http_out *o);
