#include "alto/sse_read.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Where in a line the next byte is. */
enum place {
    AT_NAME,  /* in the field's name, or at the line's beginning */
    AT_SPACE, /* behind the colon: one blank is not part of the value */
    AT_VALUE,
    AT_SKIP, /* a comment, or a field that means nothing here */
};

enum field { FIELD_OTHER, FIELD_EVENT, FIELD_DATA, FIELD_ID, FIELD_RETRY };

#define FIELD_NAME_MAX 5u /* "event", "retry" */

struct sse_read {
    sse_read_fn *fn;
    void *ctx;
    struct sse_limits limits;
    enum err_code failed;
    char failed_text[ERR_TEXT_MAX];

    unsigned bom; /* bytes of a byte order mark that have come; BOM_DONE: nothing more to see */
    bool after_cr;
    enum place at;
    enum field field;
    char name[FIELD_NAME_MAX + 1];
    size_t name_len; /* may be over FIELD_NAME_MAX: then it is no field of ours */
    size_t line_len, lines;

    struct bytes event, data; /* data: each line with a line feed behind it */
    struct bytes value;       /* of an id or a retry at hand */
    struct bytes id;
    uint64_t retry_ms;
};

#define BOM_DONE 4u

static size_t limit_or(size_t given, size_t fallback)
{
    return given ? given : fallback;
}

struct sse_read *sse_read_new(const struct sse_limits *limits, sse_read_fn *fn, void *ctx)
{
    struct sse_read *r = calloc(1, sizeof *r);

    if (!r)
        return NULL;
    if (limits)
        r->limits = *limits;
    r->limits.data_max = limit_or(r->limits.data_max, (size_t)1 << 30);
    r->limits.lines_max = limit_or(r->limits.lines_max, (size_t)16 << 20);
    r->limits.line_max = limit_or(r->limits.line_max, (size_t)1 << 30);
    r->fn = fn;
    r->ctx = ctx;
    r->data.limit = r->limits.data_max + 1; /* the last line feed does not count */
    return r;
}

void sse_read_free(struct sse_read *r)
{
    if (!r)
        return;
    bytes_free(&r->event);
    bytes_free(&r->data);
    bytes_free(&r->value);
    bytes_free(&r->id);
    free(r);
}

uint64_t sse_read_retry_ms(const struct sse_read *r)
{
    return r->retry_ms;
}

struct str sse_read_last_id(const struct sse_read *r)
{
    return (struct str){r->id.data, r->id.len};
}

static enum err_code add_limited(struct bytes *b, const char *p, size_t n, size_t max,
                                 const char *what, struct err *e)
{
    if (n > max || b->len > max - n)
        return err_set(e, ERR_LIMIT, "event stream: %s of more than %zu bytes", what, max);
    if (!bytes_add(b, p, n))
        return err_set(e, ERR_LIMIT, "event stream: no memory left for %s", what);
    return ERR_OK;
}

static enum field field_of(const struct sse_read *r)
{
    static const char *const names[] = {
        [FIELD_EVENT] = "event", [FIELD_DATA] = "data", [FIELD_ID] = "id", [FIELD_RETRY] = "retry"};

    if (r->name_len > FIELD_NAME_MAX)
        return FIELD_OTHER;
    for (enum field f = FIELD_EVENT; f <= FIELD_RETRY; f++)
        if (strlen(names[f]) == r->name_len && memcmp(names[f], r->name, r->name_len) == 0)
            return f;
    return FIELD_OTHER;
}

/* The name is whole. */
static void begin_value(struct sse_read *r)
{
    r->field = field_of(r);
    r->at = r->field == FIELD_OTHER ? AT_SKIP : AT_SPACE;
    r->value.len = 0;
    if (r->field == FIELD_EVENT) /* the last one holds */
        r->event.len = 0;
}

static enum err_code add_value(struct sse_read *r, const char *p, size_t n, struct err *e)
{
    switch (r->field) {
    case FIELD_DATA:
        return add_limited(&r->data, p, n, r->limits.data_max, "data", e);
    case FIELD_EVENT:
        return add_limited(&r->event, p, n, SSE_NAME_MAX, "an event field", e);
    case FIELD_ID:
        return add_limited(&r->value, p, n, SSE_NAME_MAX, "an id", e);
    case FIELD_RETRY:
        return add_limited(&r->value, p, n, SSE_NAME_MAX, "a retry field", e);
    case FIELD_OTHER:
        break;
    }
    return ERR_OK;
}

/* n bytes of one line, without its end, which the line has room for. */
static enum err_code add_room(struct sse_read *r, const char *p, size_t n, struct err *e)
{
    r->line_len += n;
    while (n && r->at == AT_NAME) {
        if (*p == ':') {
            begin_value(r);
        } else {
            if (r->name_len < FIELD_NAME_MAX)
                r->name[r->name_len] = *p;
            r->name_len++;
        }
        p++;
        n--;
    }
    if (n && r->at == AT_SPACE) {
        r->at = AT_VALUE;
        if (*p == ' ') {
            p++;
            n--;
        }
    }
    return n && r->at == AT_VALUE ? add_value(r, p, n, e) : ERR_OK;
}

/* n bytes of one line, without its end. The first limit that they reach is the error, however they
 * were cut. */
static enum err_code add_to_line(struct sse_read *r, const char *p, size_t n, struct err *e)
{
    size_t room = r->limits.line_max - r->line_len;
    enum err_code rc = add_room(r, p, n < room ? n : room, e);

    if (rc == ERR_OK && n > room)
        rc = err_set(e, ERR_LIMIT, "event stream: a line of more than %zu bytes",
                     r->limits.line_max);
    return rc;
}

/* Digits alone are a time; anything else is ignored. */
static void take_retry(struct sse_read *r)
{
    uint64_t ms = 0;

    if (r->value.len == 0 || r->value.len > 15)
        return;
    for (size_t i = 0; i < r->value.len; i++) {
        if (r->value.data[i] < '0' || r->value.data[i] > '9')
            return;
        ms = ms * 10 + (uint64_t)(r->value.data[i] - '0');
    }
    r->retry_ms = ms;
}

static enum err_code take_id(struct sse_read *r, struct err *e)
{
    if (r->value.len && memchr(r->value.data, '\0', r->value.len))
        return ERR_OK; /* such an id is ignored */
    r->id.len = 0;
    if (r->value.len && !bytes_add(&r->id, r->value.data, r->value.len))
        return err_set(e, ERR_LIMIT, "event stream: no memory left for an id");
    return ERR_OK;
}

static enum err_code dispatch(struct sse_read *r, struct err *e)
{
    struct sse_event ev = {.event = {r->event.data, r->event.len},
                           .data = {r->data.data, r->data.len},
                           .id = sse_read_last_id(r)};
    enum err_code rc = ERR_OK;

    if (ev.event.n == 0)
        ev.event = STR("message");
    if (r->data.len) { /* without a data line it is no event */
        ev.data.n--;
        rc = r->fn(r->ctx, &ev, e);
    }
    r->event.len = r->data.len = 0;
    r->lines = 0;
    return rc;
}

static enum err_code end_line(struct sse_read *r, struct err *e)
{
    bool blank = r->at == AT_NAME && r->name_len == 0;
    enum err_code rc = ERR_OK;

    if (blank) {
        rc = dispatch(r, e);
    } else {
        if (r->at == AT_NAME) /* no colon: a field without a value */
            begin_value(r);
        if (++r->lines > r->limits.lines_max)
            rc = err_set(e, ERR_LIMIT, "event stream: an event of more than %zu lines",
                         r->limits.lines_max);
        else if (r->field == FIELD_DATA)
            rc = add_limited(&r->data, "\n", 1, r->limits.data_max + 1, "data", e);
        else if (r->field == FIELD_ID)
            rc = take_id(r, e);
        else if (r->field == FIELD_RETRY)
            take_retry(r);
    }
    r->at = AT_NAME;
    r->field = FIELD_OTHER;
    r->name_len = r->line_len = 0;
    return rc;
}

/* The next line end in n bytes: a carriage return or a line feed; NULL: none. */
static const char *find_end(const char *p, size_t n)
{
    const char *lf = memchr(p, '\n', n);
    const char *cr = memchr(p, '\r', lf ? (size_t)(lf - p) : n);

    return cr ? cr : lf;
}

static enum err_code read_lines(struct sse_read *r, const char *p, size_t n, struct err *e)
{
    enum err_code rc = ERR_OK;

    while (n && rc == ERR_OK) {
        const char *end;
        size_t k;

        if (r->after_cr && *p == '\n') { /* the second half of one end */
            r->after_cr = false;
            p++;
            n--;
            continue;
        }
        r->after_cr = false;
        end = find_end(p, n);
        k = end ? (size_t)(end - p) : n;
        rc = add_to_line(r, p, k, e);
        if (rc == ERR_OK && end) {
            r->after_cr = *end == '\r';
            rc = end_line(r, e);
            k++;
        }
        p += k;
        n -= k;
    }
    return rc;
}

static const char bom[] = "\xef\xbb\xbf";
#define BOM_LEN 3u

/* One mark in front of the stream is not part of it. What only began like one is a line's. */
static enum err_code skip_bom(struct sse_read *r, const char **p, size_t *n, struct err *e)
{
    size_t held;

    assert(r->bom < BOM_LEN);
    while (*n && r->bom < BOM_LEN && **p == bom[r->bom]) {
        r->bom++;
        ++*p;
        --*n;
    }
    if (r->bom == BOM_LEN) {
        r->bom = BOM_DONE;
        return ERR_OK;
    }
    if (*n == 0)
        return ERR_OK; /* the rest of it may come */
    held = r->bom;
    r->bom = BOM_DONE;
    return read_lines(r, bom, held, e);
}

enum err_code sse_read_feed(struct sse_read *r, const char *p, size_t n, struct err *e)
{
    struct err local = {0};
    enum err_code rc = ERR_OK;

    if (r->failed != ERR_OK)
        return err_set(e, r->failed, "%s", r->failed_text);
    if (n && r->bom != BOM_DONE)
        rc = skip_bom(r, &p, &n, &local);
    if (rc == ERR_OK && n)
        rc = read_lines(r, p, n, &local);
    if (rc != ERR_OK) {
        r->failed = rc;
        memcpy(r->failed_text, local.text, sizeof r->failed_text);
        return err_set(e, rc, "%s", local.text);
    }
    return ERR_OK;
}

enum err_code sse_event_split(struct str event, struct str *media_type, struct str *data_id,
                              struct err *e)
{
    char shown[120];
    bool quoted = false;
    size_t i = 0;

    for (; i < event.n && (quoted || event.p[i] != ','); i++) {
        if (quoted && event.p[i] == '\\' && i + 1 < event.n)
            i++;
        else if (event.p[i] == '"')
            quoted = !quoted;
    }
    if (i == 0 || i + 1 >= event.n)
        return err_set(
            e, ERR_PARSE,
            "event \"%s\": a media type, a comma and a data-id should be there (RFC 8895 "
            "section 5.1)",
            bytes_escape(event.n ? event.p : "", event.n, shown, sizeof shown));
    *media_type = (struct str){event.p, i};
    *data_id = (struct str){event.p + i + 1, event.n - i - 1};
    return ERR_OK;
}
