/* A push reader for JSON texts too large for a tree (network and cost maps): bytes go in, in pieces
 * of any size, events come out, nothing is kept but one unfinished token and a bit per level.
 * Strict RFC 8259 and UTF-8, with these limits of its own, which RFC 8259 section 9 leaves to a
 * reader:
 *
 * - nesting, bytes in all, and the length of one string or number (struct json_push_limits);
 * - a number must fit a double: 1e999 is an error, 1e-999 is 0;
 * - \u0000 is refused in strings and keys: no name, tag or address holds one;
 * - repeated keys are reported as they come: who reads them into something refuses the second.
 *
 * The outcome, error texts and positions included, does not depend on how the text was cut. */
#pragma once

#include "base/bytes.h"
#include "base/err.h"

struct json_push;

enum json_push_kind {
    JSON_PUSH_OBJECT,
    JSON_PUSH_OBJECT_END,
    JSON_PUSH_ARRAY,
    JSON_PUSH_ARRAY_END,
    JSON_PUSH_KEY,
    JSON_PUSH_STRING,
    JSON_PUSH_NUMBER,
    JSON_PUSH_TRUE,
    JSON_PUSH_FALSE,
    JSON_PUSH_NULL,
};

/* text: of a key or string, decoded; of a number, as written. Borrowed until the callback returns,
 * not NUL terminated. number: the double nearest to the text. */
struct json_event {
    enum json_push_kind kind;
    struct str text;
    double number;
};

/* Anything but ERR_OK ends the reading; the reader puts name and position of the event's first byte
 * in front of the text that the callback has set. */
typedef enum err_code json_push_fn(void *ctx, struct json_push *j, const struct json_event *ev,
                                   struct err *e);

#define JSON_PUSH_DEPTH_MAX  512u
#define JSON_PUSH_NUMBER_MAX 1024u /* bytes of one number */

/* 0 takes the default. */
struct json_push_limits {
    size_t bytes_max;   /* of the whole text; 1 GiB */
    size_t string_max;  /* of one string or key as written, without the quotes; 64 KiB */
    unsigned depth_max; /* objects and arrays inside each other, at most JSON_PUSH_DEPTH_MAX; 64 */
};

/* name stands in front of every error, as in "NAME:12:30: ..."; it must live as long as the reader.
 * NULL: errors begin with "12:30: ...". Lines and columns count from 1, columns in bytes. limits
 * may be NULL. NULL when the system has no memory. */
struct json_push *json_push_new(const char *name, const struct json_push_limits *limits,
                                json_push_fn *fn, void *ctx) MUST_CHECK;
void json_push_free(struct json_push *j);

/* The next n bytes. Behind an error every call gives the same code again. */
enum err_code json_push_feed(struct json_push *j, const char *p, size_t n,
                             struct err *e) MUST_CHECK;
/* The text is over: ERR_PARSE unless it was exactly one value. */
enum err_code json_push_end(struct json_push *j, struct err *e) MUST_CHECK;

/* Feeds and ends a regular file, in pieces, so that its text is never in memory as a whole. Its
 * errors begin with the reader's name too. */
enum err_code json_push_file(struct json_push *j, const char *path, struct err *e) MUST_CHECK;

/* In the callback of a key: its value is read and checked without events. */
void json_push_skip(struct json_push *j);
/* Objects and arrays that are open; while the callback of a beginning or an end runs, without that
 * one. */
unsigned json_push_depth(const struct json_push *j);
/* Position of the event whose callback runs. */
void json_push_where(const struct json_push *j, uint32_t *line, uint64_t *col);
