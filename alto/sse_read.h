/* The reader of server-sent events (the event stream format that RFC 8895 section 5 uses): bytes
 * in, cut anywhere, whole events out. What the format lets a reader ignore is ignored; what is too
 * long is an error, so that a peer cannot make us hold more than the limits say. */
#pragma once

#include "base/bytes.h"
#include "base/err.h"

struct sse_read;

/* Borrowed until the callback returns. */
struct sse_event {
    struct str event; /* the field; "message" when the event has none */
    struct str data;  /* its data lines with a line feed between them; n 0: an empty one */
    struct str id;    /* the last id that the stream has given so far; n 0: none */
};

/* Anything but ERR_OK ends the reading with that code. */
typedef enum err_code sse_read_fn(void *ctx, const struct sse_event *ev, struct err *e);

#define SSE_NAME_MAX 1024u /* bytes of an event field or an id */

/* 0 takes the default. */
struct sse_limits {
    size_t data_max;  /* of one event's data; 1 GiB, of which only what came is taken */
    size_t lines_max; /* of one event, with those that are ignored; 16 Mi */
    size_t line_max;  /* bytes of one line; 1 GiB: RFC 8895 section 9.5 only asks for short ones */
};

/* limits may be NULL. NULL: no memory. */
struct sse_read *sse_read_new(const struct sse_limits *limits, sse_read_fn *fn,
                              void *ctx) MUST_CHECK;
void sse_read_free(struct sse_read *r);

/* The next n bytes. ERR_LIMIT: over a limit, or no memory; what the callback gave else. Behind an
 * error every call gives the same code again. The end of the stream needs no call: an event whose
 * blank line has not come is no event. */
enum err_code sse_read_feed(struct sse_read *r, const char *p, size_t n, struct err *e) MUST_CHECK;

/* How long to wait before the stream is opened again, as its last "retry" says; 0: it said nothing.
 */
uint64_t sse_read_retry_ms(const struct sse_read *r);
/* The last id; n 0: none. Valid until the next feed. */
struct str sse_read_last_id(const struct sse_read *r);

/* "application/merge-patch+json,my-costs" (RFC 8895 section 5.1): the media type, with its
 * parameters, and the data-id behind the first comma that no quotes hold. ERR_PARSE: one of them is
 * missing. */
enum err_code sse_event_split(struct str event, struct str *media_type, struct str *data_id,
                              struct err *e) MUST_CHECK;
