/* Reads an access log back: the lines of router/note_format.c, logfmt and JSON, each told apart by
 * its first byte, so that a log may hold both. Strict and bounded: a line has each key once, in any
 * order, and no other; texts are escaped as they are written, and no longer than a note holds. */
#pragma once

#include "base/err.h"
#include "router/note.h"

#define ACCESS_LINE_MAX 4096u /* bytes; the longest that is written is about half of it */

/* One line, without its newline, to the note that it was made of: names that were cut stay cut, and
 * of a tracker's line name is the info-hash in hex. Lines without `to`, which older versions wrote:
 * it follows from streamer and why. ERR_PARSE says the key and what would be right; *out is
 * undefined then. */
enum err_code access_line_parse(const char *line, size_t n, struct note *out,
                                struct err *e) MUST_CHECK;

struct access_reader;

enum access_read {
    ACCESS_LINE,    /* *out holds the next one */
    ACCESS_DAMAGED, /* the next line is none: e says why; the reader stands behind it */
    ACCESS_END,
    ACCESS_FAILED, /* the system said no: e carries its reason */
};

/* path "-": standard input. ERR_IO: it cannot be opened. */
enum err_code access_reader_open(const char *path, struct access_reader **out,
                                 struct err *e) MUST_CHECK;
void access_reader_close(struct access_reader *r); /* NULL is fine */

/* Empty lines are passed over. e must be {0} before each call. */
enum access_read access_reader_next(struct access_reader *r, struct note *out,
                                    struct err *e) MUST_CHECK;
uint64_t access_reader_line(const struct access_reader *r); /* number of the last one, from 1 */
uint64_t access_reader_done(const struct access_reader *r); /* bytes taken so far */
uint64_t access_reader_size(const struct access_reader *r); /* of a regular file; 0: not known */
