#include "base/json_write.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/json_text.h"

void json_write_init(struct json_write *w, struct bytes *out)
{
    *w = (struct json_write){.out = out, .line = out->len};
}

bool json_write_done(const struct json_write *w)
{
    return !w->full && w->depth == 0 && !w->after_key;
}

/* Most calls find the room that an earlier one made. */
static inline bool has_room(const struct bytes *b, size_t n)
{
    size_t limit = b->limit ? b->limit : BYTES_LIMIT_DEFAULT;
    size_t end = b->cap < limit ? b->cap : limit;

    return b->len < end && n <= end - b->len;
}

/* Room for n bytes and a comma; the comma is put. NULL when full. */
static inline char *begin(struct json_write *w, size_t n)
{
    char *p;

    if (UNLIKELY(!has_room(w->out, n + 1)) && (w->full || !bytes_reserve(w->out, n + 1))) {
        w->full = true;
        w->after_key = false; /* the value that a key waits for is given up with it */
        return NULL;
    }
    if (UNLIKELY(w->full))
        return NULL;
    p = w->out->data + w->out->len;
    if (w->comma)
        *p++ = ',';
    return p;
}

static void finish(struct json_write *w, const char *p)
{
    w->out->len = (size_t)(p - w->out->data);
    w->comma = true;
    w->after_key = false;
}

char *json_write_room(struct json_write *w, size_t n)
{
    assert(!w->after_key);
    return begin(w, n);
}

void json_write_used(struct json_write *w, const char *end)
{
    finish(w, end);
}

static void raw(struct json_write *w, const char *text, size_t n)
{
    char *p = begin(w, n);

    if (!p)
        return;
    memcpy(p, text, n);
    finish(w, p + n);
}

static void open_level(struct json_write *w, const char *bracket)
{
    assert(w->depth < JSON_WRITE_DEPTH_MAX);
    w->depth++;
    raw(w, bracket, 1);
    w->comma = false;
}

static void close_level(struct json_write *w, const char *bracket)
{
    assert(w->depth > 0 && !w->after_key);
    w->depth--;
    w->comma = false;
    raw(w, bracket, 1);
}

void json_write_break_now(struct json_write *w)
{
    assert(!w->after_key);
    if (w->full || !bytes_add(w->out, "\n", 1))
        w->full = true;
    w->line = w->out->len;
}

void json_write_object(struct json_write *w)
{
    open_level(w, "{");
}

void json_write_object_end(struct json_write *w)
{
    close_level(w, "}");
}

void json_write_array(struct json_write *w)
{
    open_level(w, "[");
}

void json_write_array_end(struct json_write *w)
{
    close_level(w, "]");
}

static char *escape(char *p, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char from[] = "\b\f\n\r\t", to[] = "bfnrt";
    const char *known = c ? strchr(from, c) : NULL;

    *p++ = '\\';
    if (c == '"' || c == '\\') {
        *p++ = (char)c;
    } else if (known) {
        *p++ = to[known - from];
    } else {
        memcpy(p, "u00", 3);
        p[3] = hex[c >> 4];
        p[4] = hex[c & 15];
        p += 5;
    }
    return p;
}

/* Writes text in quotes at p, which has room for the worst case. */
static char *quoted(char *p, struct str text)
{
    const char *in = text.n ? text.p : "", *end = in + text.n;

    *p++ = '"';
    while (in < end) {
        const char *q = json_text_plain(in, end);

        memcpy(p, in, (size_t)(q - in));
        p += q - in;
        in = q;
        if (in == end)
            break;
        if ((unsigned char)*in >= 0x80)
            *p++ = *in;
        else
            p = escape(p, (unsigned char)*in);
        in++;
    }
    *p++ = '"';
    return p;
}

void json_write_key(struct json_write *w, struct str key)
{
    char *p;

    assert(w->depth > 0 && !w->after_key);
    p = begin(w, key.n * 6 + 3);
    if (!p)
        return;
    p = quoted(p, key);
    *p++ = ':';
    finish(w, p);
    w->comma = false;
    w->after_key = true;
}

void json_write_key_made(struct json_write *w, struct str made)
{
    char *p;

    assert(w->depth > 0 && !w->after_key);
    p = begin(w, made.n);
    if (!p)
        return;
    memcpy(p, made.p, made.n);
    finish(w, p + made.n);
    w->comma = false;
    w->after_key = true;
}

void json_write_string(struct json_write *w, struct str text)
{
    char *p = begin(w, text.n * 6 + 2);

    if (p)
        finish(w, quoted(p, text));
}

void json_write_number(struct json_write *w, double v)
{
    char *p = begin(w, JSON_TEXT_NUMBER_MAX);

    assert(isfinite(v));
    if (p)
        finish(w, p + json_text_from_double(v, p));
}

void json_write_uint(struct json_write *w, uint64_t v)
{
    char *p = begin(w, JSON_TEXT_NUMBER_MAX);

    if (p)
        finish(w, p + json_text_from_uint(v, p));
}

void json_write_made(struct json_write *w, struct str made)
{
    raw(w, made.p, made.n);
}

void json_write_bool(struct json_write *w, bool v)
{
    raw(w, v ? "true" : "false", v ? 4 : 5);
}

void json_write_null(struct json_write *w)
{
    raw(w, "null", 4);
}
