/* The bodies of one version of a GET resource: made once, off the workers, sent by reference. The
 * text is there from the beginning; compressed forms come when they are ready. */
#pragma once

#include <stdatomic.h>

#include "base/handler.h"

enum alto_coding { ALTO_IDENTITY, ALTO_GZIP, ALTO_ZSTD, ALTO_CODINGS };

#define ALTO_ETAG_MAX 48

struct alto_bodies {
    _Atomic uint32_t refs;
    struct shared_body *text;
    _Atomic(struct shared_body *) coded[ALTO_CODINGS]; /* [ALTO_IDENTITY] is text; NULL: not yet */
    char etag[ALTO_CODINGS][ALTO_ETAG_MAX];            /* with its quotes; strong, one a coding */
    uint64_t modified_ms; /* wall clock: when the data behind it came (RFC 9439 section 6.2) */
    size_t newline_every; /* the text has a line feed where JSON permits at least so often; 0: no */
};

/* A body on the heap that owns its bytes; b is emptied. NULL: no memory (b is freed). */
struct shared_body *shared_body_new(struct bytes *b) MUST_CHECK;

/* Takes the text's bytes; its hash makes the etags, so that equal bytes have equal etags, also
 * behind a restart. NULL: no memory. One reference. */
struct alto_bodies *alto_bodies_new(struct bytes *text, uint64_t modified_ms) MUST_CHECK;
/* The same text and forms, of another time. NULL: no memory. */
struct alto_bodies *alto_bodies_again(struct alto_bodies *b, uint64_t modified_ms) MUST_CHECK;
/* Of equal text. */
bool alto_bodies_equal(const struct alto_bodies *a, const struct alto_bodies *b);
void alto_bodies_take(struct alto_bodies *b);
void alto_bodies_drop(struct alto_bodies *b); /* NULL is fine */

/* Any one thread at a time, not a worker: makes the form and shows it to the workers. A form that
 * would not be smaller is left out. false: no memory; the text is served all the same. */
bool alto_bodies_compress(struct alto_bodies *b, enum alto_coding coding) MUST_CHECK;

/* The best form that the request's Accept-Encoding takes (RFC 9110 section 12.5.3) and that is
 * there; of equal weights zstd, then gzip. */
enum alto_coding alto_coding_choose(const struct alto_bodies *b, struct str accept_encoding);
const char *alto_coding_name(enum alto_coding c); /* "gzip"; "identity" */
