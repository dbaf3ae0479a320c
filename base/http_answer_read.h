/* The reader of an HTTP answer (RFC 9112), for probes, polls and the ALTO client: first the head,
 * then, when it is wanted, the body. Push, any split gives the same. */
#pragma once

#include "base/bytes.h"

/* The head (sections 4 and 5). No memory that grows. Strict about what makes it HTTP (version,
 * status, field names, colons, no control characters), tolerant of what old servers do (bare LF,
 * folded lines, no reason phrase). Interim answers (1xx) are read over. */
#define HTTP_ANSWER_MAX ((size_t)64 << 10)

enum http_answer_state {
    HTTP_ANSWER_STATUS_LINE,
    HTTP_ANSWER_REASON,
    HTTP_ANSWER_LINE_START,
    HTTP_ANSWER_NAME,
    HTTP_ANSWER_VALUE,
    HTTP_ANSWER_LF,      /* behind the CR of a line */
    HTTP_ANSWER_LAST_LF, /* behind the CR of the empty line */
    HTTP_ANSWER_DONE,    /* status is the answer's */
    HTTP_ANSWER_BAD,     /* wrong says why */
};

/* Fields whose values are kept. */
enum http_kept {
    HTTP_CONTENT_LENGTH,
    HTTP_TRANSFER_ENCODING,
    HTTP_CONTENT_ENCODING,
    HTTP_CONTENT_TYPE,
    HTTP_ALLOW_ORIGIN,
    HTTP_LOCATION,
    HTTP_ETAG,
    HTTP_LAST_MODIFIED,
    HTTP_CACHE_CONTROL,
    HTTP_RETRY_AFTER,
    HTTP_DATE,
    HTTP_KEPT
};
#define HTTP_KEPT_MAX 512u /* bytes of a value; what is longer is marked as cut */

struct http_value {
    char text[HTTP_KEPT_MAX];
    uint16_t n;
    bool there, cut;
};

/* Start from {0}. */
struct http_answer {
    enum http_answer_state state;
    size_t seen;     /* bytes */
    uint32_t line;   /* bytes of the status line so far */
    uint32_t fields; /* header lines so far */
    uint16_t status; /* once the status line has it */
    bool cut;        /* DONE for the head is too long: it was not read to its end */
    const char *wrong;
    struct http_value kept[HTTP_KEPT];

    /* Its own. */
    char name[32]; /* of the field, lower case; name_n over its size: too long to be one of ours */
    uint32_t name_n;
    enum http_kept field; /* which value this is; HTTP_KEPT: none of ours */
    bool leading;         /* nothing but white space of this line's value was there */
};

/* Returns the state behind these bytes; feeding a reader that is DONE or BAD changes nothing. What
 * is behind the head is not read: `seen` says how much was. At HTTP_ANSWER_MAX bytes the status
 * alone decides. */
enum http_answer_state http_answer_feed(struct http_answer *a, const char *p, size_t n);
/* The peer closed. */
enum http_answer_state http_answer_end(struct http_answer *a);
/* The value of a field, without the white space around it, several joined by ", " (RFC 9110 section
 * 5.3); n 0: it is not there, or empty. */
struct str http_answer_value(const struct http_answer *a, enum http_kept k);

/* The body (section 6). Strict: no answer with two lengths, no coding but chunked, each chunk as it
 * should be; what is not whole is bad. */
enum http_body_state {
    HTTP_BODY_LENGTH, /* so many bytes are left */
    HTTP_BODY_CLOSE,  /* up to the end of the connection */
    HTTP_BODY_CHUNK_SIZE,
    HTTP_BODY_CHUNK_EXT,
    HTTP_BODY_CHUNK_SIZE_LF,
    HTTP_BODY_CHUNK_DATA,
    HTTP_BODY_CHUNK_DATA_CR,
    HTTP_BODY_CHUNK_DATA_LF,
    HTTP_BODY_TRAILER_START,
    HTTP_BODY_TRAILER,
    HTTP_BODY_TRAILER_LF,
    HTTP_BODY_LAST_LF,
    HTTP_BODY_DONE,
    HTTP_BODY_BAD, /* wrong says why */
};

#define HTTP_BODY_FRAMING_MAX 16384u /* bytes of chunk extensions and trailers */

struct http_body {
    enum http_body_state state;
    uint64_t left;    /* of a length, of a chunk */
    unsigned digits;  /* of a chunk's size */
    uint32_t framing; /* bytes of extensions and trailers so far */
    size_t max;
    struct bytes *out;
    const char *wrong;
    bool gzip; /* what goes to out is compressed: base/gunzip.h */
};

/* The answer's head is DONE; bytes go to out (the caller's, at most max). */
enum http_body_state http_body_begin(struct http_body *b, const struct http_answer *a,
                                     struct bytes *out, size_t max);
/* For who asked for gzip: such a body is taken too, as it comes. */
enum http_body_state http_body_begin_gzip(struct http_body *b, const struct http_answer *a,
                                          struct bytes *out, size_t max);
enum http_body_state http_body_feed(struct http_body *b, const char *p, size_t n);
/* The peer closed. */
enum http_body_state http_body_end(struct http_body *b);
