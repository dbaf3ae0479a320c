/* A streaming JSON writer into a byte buffer: no tree, no white space, commas by itself. The same
 * calls give the same bytes. Who calls it keeps begin and end, key and value in pairs; that is
 * asserted. */
#pragma once

#include "base/bytes.h"

#define JSON_WRITE_DEPTH_MAX 64u

/* Start with json_write_init. Once the buffer is full, `full` stays set and nothing more is
 * written, so that one test at the end is enough. */
struct json_write {
    struct bytes *out;
    unsigned depth;
    bool comma;     /* the next value or key needs one */
    bool after_key; /* the next value belongs to a key */
    bool full;
    size_t line; /* where the text's last line begins, for json_write_break */
};

void json_write_init(struct json_write *w, struct bytes *out);
/* true when everything was written and everything that was opened is closed. */
bool json_write_done(const struct json_write *w) MUST_CHECK;

void json_write_object(struct json_write *w);
void json_write_object_end(struct json_write *w);
void json_write_array(struct json_write *w);
void json_write_array_end(struct json_write *w);

/* Between two values or members: a line feed when the line is `every` bytes long or longer. */
void json_write_break_now(struct json_write *w);
static inline void json_write_break(struct json_write *w, size_t every)
{
    if (w->out->len - w->line >= every)
        json_write_break_now(w);
}
#define JSON_WRITE_LINE 4096u /* long lines of whole resources: readers of lines bound them */

/* For who puts many members or values down himself: room for n bytes behind what is written, a
 * comma in front of them put where one is due; NULL when full. _used says where they end: behind
 * a whole member or value. Without it nothing was written. */
char *json_write_room(struct json_write *w, size_t n);
void json_write_used(struct json_write *w, const char *end);

/* Text must be UTF-8; quotes, backslashes and control characters are escaped. */
void json_write_key(struct json_write *w, struct str key);
/* A key that stands in the text many times: made is what json_write_key writes, quotes and colon
 * included, taken from an earlier one. */
void json_write_key_made(struct json_write *w, struct str made);
void json_write_string(struct json_write *w, struct str text);
/* Finite. Shortest text that reads back the same; integers plainly. */
void json_write_number(struct json_write *w, double v);
void json_write_uint(struct json_write *w, uint64_t v);
/* A value that is JSON already: made is well-formed and goes in as it is. */
void json_write_made(struct json_write *w, struct str made);
void json_write_bool(struct json_write *w, bool v);
void json_write_null(struct json_write *w);
