#include "base/json_push.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json_text.h"

#define BYTES_MAX_DEFAULT  ((size_t)1 << 30)
#define STRING_MAX_DEFAULT ((size_t)64 << 10)
#define DEPTH_MAX_DEFAULT  64u
#define WORD_MAX           16u /* true, false, null; what is longer is none of them */
#define FILE_PIECE         ((size_t)256 << 10)

enum state {
    WANT_VALUE,
    WANT_ITEM_OR_END, /* behind [ */
    WANT_KEY_OR_END,  /* behind { */
    WANT_KEY,         /* behind a comma in an object */
    WANT_COLON,
    WANT_COMMA_OR_END,
    WANT_NOTHING, /* the value is complete */
};

/* A token that the end of a piece cut in two; its bytes so far are in `hold`. */
enum token { TOKEN_NONE, TOKEN_STRING, TOKEN_NUMBER, TOKEN_WORD };

struct json_push {
    json_push_fn *fn;
    void *ctx;
    const char *name;
    struct json_push_limits limits;

    uint64_t base;    /* offset in the text of the current piece */
    const char *head; /* the current piece */
    uint64_t token_at;
    uint64_t line_at; /* offset of the first byte of the line */
    uint32_t line;

    enum state state;
    unsigned depth;
    unsigned quiet;                             /* events resume at this depth; NOT_QUIET */
    uint8_t is_object[JSON_PUSH_DEPTH_MAX + 1]; /* [depth] of what is open there */

    enum token token;
    bool escaped;      /* the cut string ended in a backslash that escapes what follows */
    struct bytes hold; /* the cut token's bytes, without an opening quote */
    struct bytes text; /* a string with escapes, decoded */
    locale_t c_locale;
    enum err_code failed;
};

#define NOT_QUIET UINT32_MAX

struct json_push *json_push_new(const char *name, const struct json_push_limits *limits,
                                json_push_fn *fn, void *ctx)
{
    struct json_push *j = calloc(1, sizeof *j);

    if (!j)
        return NULL;
    j->fn = fn;
    j->ctx = ctx;
    j->name = name;
    if (limits)
        j->limits = *limits;
    if (!j->limits.bytes_max)
        j->limits.bytes_max = BYTES_MAX_DEFAULT;
    if (!j->limits.string_max)
        j->limits.string_max = STRING_MAX_DEFAULT;
    if (!j->limits.depth_max)
        j->limits.depth_max = DEPTH_MAX_DEFAULT;
    if (j->limits.depth_max > JSON_PUSH_DEPTH_MAX)
        j->limits.depth_max = JSON_PUSH_DEPTH_MAX;
    j->line = 1;
    j->quiet = NOT_QUIET;
    return j;
}

void json_push_free(struct json_push *j)
{
    if (!j)
        return;
    bytes_free(&j->hold);
    bytes_free(&j->text);
    if (j->c_locale)
        freelocale(j->c_locale);
    free(j);
}

unsigned json_push_depth(const struct json_push *j)
{
    return j->depth;
}

void json_push_where(const struct json_push *j, uint32_t *line, uint64_t *col)
{
    *line = j->line;
    *col = j->token_at - j->line_at + 1;
}

void json_push_skip(struct json_push *j)
{
    j->quiet = j->depth;
}

/* Name and position in front of what e says, once, and no further reading. */
static enum err_code stop_at(struct json_push *j, uint64_t offset, enum err_code code,
                             struct err *e)
{
    uint64_t col = offset - j->line_at + 1;

    if (j->name)
        err_wrap(e, "%s:%u:%llu", j->name, j->line, (unsigned long long)col);
    else
        err_wrap(e, "%u:%llu", j->line, (unsigned long long)col);
    return j->failed = code;
}

static uint64_t offset_of(const struct json_push *j, const char *p)
{
    return j->base + (uint64_t)(p - j->head);
}

static const char *wanted(const struct json_push *j)
{
    switch (j->state) {
    case WANT_VALUE:
        return "a value";
    case WANT_ITEM_OR_END:
        return "a value or ]";
    case WANT_KEY_OR_END:
        return "a key in double quotes or }";
    case WANT_KEY:
        return "a key in double quotes";
    case WANT_COLON:
        return "a colon";
    case WANT_COMMA_OR_END:
        return j->is_object[j->depth] ? "a comma or }" : "a comma or ]";
    case WANT_NOTHING:
        break;
    }
    return "the end of the text";
}

static enum err_code unexpected(struct json_push *j, const char *p, struct err *e)
{
    char shown[8];

    err_set(e, ERR_PARSE, "'%s' stands where %s should be", bytes_escape(p, 1, shown, sizeof shown),
            wanted(j));
    return stop_at(j, offset_of(j, p), ERR_PARSE, e);
}

/* The state behind a complete value. */
static inline enum state behind_value(const struct json_push *j)
{
    return j->depth ? WANT_COMMA_OR_END : WANT_NOTHING;
}

static inline enum err_code emit(struct json_push *j, const struct json_event *ev, struct err *e)
{
    enum err_code rc;

    if (UNLIKELY(j->quiet != NOT_QUIET)) {
        /* The skipped value is over when depth is back and this is not its key. */
        if (j->depth == j->quiet && ev->kind != JSON_PUSH_OBJECT && ev->kind != JSON_PUSH_ARRAY)
            j->quiet = NOT_QUIET;
        return ERR_OK;
    }
    rc = j->fn(j->ctx, j, ev, e);
    if (UNLIKELY(rc != ERR_OK))
        return stop_at(j, j->token_at, rc, e);
    return ERR_OK;
}

/* What mostly follows a key or a value, taken at once: saves a turn of the loop for each. */
static inline const char *after_key(struct json_push *j, const char *p, const char *end)
{
    if (p < end && *p == ':') {
        j->state = WANT_VALUE;
        return p + 1;
    }
    return p;
}

static inline const char *after_value(struct json_push *j, const char *p, const char *end)
{
    if (p < end && *p == ',' && j->depth) {
        j->state = j->is_object[j->depth] ? WANT_KEY : WANT_VALUE;
        return p + 1;
    }
    return p;
}

static enum err_code no_memory(struct json_push *j, struct err *e)
{
    err_set(e, ERR_LIMIT, "no memory for a string of this length");
    return stop_at(j, j->token_at, ERR_LIMIT, e);
}

static enum err_code open_level(struct json_push *j, bool object, struct err *e)
{
    struct json_event ev = {.kind = object ? JSON_PUSH_OBJECT : JSON_PUSH_ARRAY};
    enum err_code rc;

    if (j->depth == j->limits.depth_max) {
        err_set(e, ERR_LIMIT, "nested deeper than %u levels", j->limits.depth_max);
        return stop_at(j, j->token_at, ERR_LIMIT, e);
    }
    rc = emit(j, &ev, e);
    j->depth++;
    j->is_object[j->depth] = object;
    j->state = object ? WANT_KEY_OR_END : WANT_ITEM_OR_END;
    return rc;
}

static enum err_code close_level(struct json_push *j, struct err *e)
{
    struct json_event ev = {.kind = j->is_object[j->depth] ? JSON_PUSH_OBJECT_END
                                                           : JSON_PUSH_ARRAY_END};

    j->depth--;
    j->state = behind_value(j);
    return emit(j, &ev, e);
}

/* raw is complete and within its limit; at is the offset of its first byte, behind the quote. */
static enum err_code string_done(struct json_push *j, const char *raw, size_t n, uint64_t at,
                                 struct err *e)
{
    struct json_event ev = {.kind = JSON_PUSH_STRING, .text = {raw, n}};
    struct json_text_fault fault;

    switch (json_text_decode(raw, n, &j->text, &ev.text, &fault)) {
    case JSON_TEXT_OK:
        break;
    case JSON_TEXT_NO_MEMORY:
        return no_memory(j, e);
    case JSON_TEXT_BAD:
        err_set(e, ERR_PARSE, "%s", fault.what);
        return stop_at(j, at + fault.at, ERR_PARSE, e);
    }
    if (j->state == WANT_KEY || j->state == WANT_KEY_OR_END) {
        ev.kind = JSON_PUSH_KEY;
        j->state = WANT_COLON;
        /* A skipped object's keys are never the end of what is skipped: depth is one more. */
    } else {
        j->state = behind_value(j);
    }
    return emit(j, &ev, e);
}

static enum err_code string_too_long(struct json_push *j, struct err *e)
{
    err_set(e, ERR_LIMIT, "a string of more than %zu bytes", j->limits.string_max);
    return stop_at(j, j->token_at, ERR_LIMIT, e);
}

/* The closing quote, or end. Keeps in j->escaped whether the piece ended behind a backslash. */
static const char *string_end(struct json_push *j, const char *p, const char *end)
{
    bool escaped = j->escaped;

    for (; p < end; p++) {
        if (escaped)
            escaped = false;
        else if (*p == '\\')
            escaped = true;
        else if (*p == '"')
            break;
    }
    j->escaped = escaped && p == end;
    return p;
}

static enum err_code keep(struct json_push *j, enum token token, const char *p, const char *end,
                          struct err *e)
{
    j->token = token;
    if (!bytes_add(&j->hold, p, (size_t)(end - p)))
        return no_memory(j, e);
    return ERR_OK;
}

/* p is behind the opening quote. Moves *at behind what was read. */
static enum err_code read_string(struct json_push *j, const char *p, const char *end,
                                 const char **at, struct err *e)
{
    const char *q = json_text_plain(p, end);

    if (LIKELY(q < end && *q == '"')) {
        struct json_event ev = {.kind = JSON_PUSH_STRING, .text = {p, (size_t)(q - p)}};

        if (UNLIKELY(ev.text.n > j->limits.string_max))
            return string_too_long(j, e);
        if (j->state == WANT_KEY || j->state == WANT_KEY_OR_END) {
            ev.kind = JSON_PUSH_KEY;
            j->state = WANT_COLON;
            *at = after_key(j, q + 1, end);
        } else {
            j->state = behind_value(j);
            *at = after_value(j, q + 1, end);
        }
        return emit(j, &ev, e);
    }
    j->escaped = false;
    q = string_end(j, q, end);
    *at = q < end ? q + 1 : q;
    if ((size_t)(q - p) > j->limits.string_max)
        return string_too_long(j, e);
    if (q == end)
        return keep(j, TOKEN_STRING, p, end, e);
    return string_done(j, p, (size_t)(q - p), j->token_at + 1, e);
}

/* The correctly rounded double of a well-formed number, by the C library in the C locale. */
static enum err_code number_slow(struct json_push *j, const char *text, size_t n, double *out,
                                 struct err *e)
{
    char z[JSON_PUSH_NUMBER_MAX + 1];

    if (!j->c_locale)
        j->c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!j->c_locale)
        return no_memory(j, e);
    memcpy(z, text, n);
    z[n] = '\0';
    *out = strtod_l(z, NULL, j->c_locale);
    if (isfinite(*out))
        return ERR_OK;
    err_set(e, ERR_PARSE, "%.*s%s is beyond what a double holds, about 1.8e308 at most",
            n > 40 ? 40 : (int)n, z, n > 40 ? "..." : "");
    return stop_at(j, j->token_at, ERR_PARSE, e);
}

static enum err_code number_done(struct json_push *j, const char *text, size_t n, struct err *e)
{
    struct json_event ev = {.kind = JSON_PUSH_NUMBER, .text = {text, n}};
    enum err_code rc;
    char shown[64];

    if (!json_text_is_number(text, n)) {
        err_set(e, ERR_PARSE, "\"%s\" is not a number as JSON writes them",
                bytes_escape(text, n, shown, sizeof shown));
        return stop_at(j, j->token_at, ERR_PARSE, e);
    }
    if (json_text_number(text, text + n, &ev.number) != text + n) {
        rc = number_slow(j, text, n, &ev.number, e);
        if (rc != ERR_OK)
            return rc;
    }
    j->state = behind_value(j);
    return emit(j, &ev, e);
}

static enum err_code number_too_long(struct json_push *j, struct err *e)
{
    err_set(e, ERR_LIMIT, "a number of more than %u bytes", JSON_PUSH_NUMBER_MAX);
    return stop_at(j, j->token_at, ERR_LIMIT, e);
}

static inline bool is_number_byte(char c)
{
    return (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E';
}

static enum err_code read_number(struct json_push *j, const char *p, const char *end,
                                 const char **at, struct err *e)
{
    struct json_event ev = {.kind = JSON_PUSH_NUMBER};
    const char *q = json_text_number(p, end, &ev.number);

    /* What the fast way took must end here, and not at the end of the piece. */
    if (LIKELY(q && q < end && !is_number_byte(*q))) {
        ev.text = (struct str){p, (size_t)(q - p)};
        j->state = behind_value(j);
        *at = after_value(j, q, end);
        return emit(j, &ev, e);
    }
    for (q = p; q < end && is_number_byte(*q); q++)
        ;
    *at = q;
    if ((size_t)(q - p) > JSON_PUSH_NUMBER_MAX)
        return number_too_long(j, e);
    if (q == end)
        return keep(j, TOKEN_NUMBER, p, end, e);
    return number_done(j, p, (size_t)(q - p), e);
}

static inline bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static enum err_code word_done(struct json_push *j, const char *p, size_t n, struct err *e)
{
    struct str word = {p, n};
    struct json_event ev = {.text = word};

    if (str_eq(word, STR("true"))) {
        ev.kind = JSON_PUSH_TRUE;
    } else if (str_eq(word, STR("false"))) {
        ev.kind = JSON_PUSH_FALSE;
    } else if (str_eq(word, STR("null"))) {
        ev.kind = JSON_PUSH_NULL;
    } else {
        err_set(e, ERR_PARSE, "\"%.*s%s\" is none of true, false and null",
                n > WORD_MAX ? (int)WORD_MAX : (int)n, p, n > WORD_MAX ? "..." : "");
        return stop_at(j, j->token_at, ERR_PARSE, e);
    }
    j->state = behind_value(j);
    return emit(j, &ev, e);
}

static enum err_code read_word(struct json_push *j, const char *p, const char *end, const char **at,
                               struct err *e)
{
    const char *q = p;

    while (q < end && is_letter(*q) && q - p <= (ptrdiff_t)WORD_MAX)
        q++;
    *at = q;
    if (q == end && q - p <= (ptrdiff_t)WORD_MAX)
        return keep(j, TOKEN_WORD, p, end, e);
    return word_done(j, p, (size_t)(q - p), e);
}

/* The held token is complete; it starts a new one. */
static enum err_code hold_done(struct json_push *j, struct err *e)
{
    enum token token = j->token;
    enum err_code rc;

    j->token = TOKEN_NONE;
    if (token == TOKEN_STRING)
        rc = string_done(j, j->hold.len ? j->hold.data : "", j->hold.len, j->token_at + 1, e);
    else if (token == TOKEN_NUMBER)
        rc = number_done(j, j->hold.data, j->hold.len, e);
    else
        rc = word_done(j, j->hold.data, j->hold.len, e);
    j->hold.len = 0;
    return rc;
}

/* Goes on with the token that the last piece cut. */
static enum err_code resume(struct json_push *j, const char *p, const char *end, const char **at,
                            struct err *e)
{
    const char *q = p;
    size_t max = WORD_MAX;

    if (j->token == TOKEN_STRING) {
        q = string_end(j, p, end);
        max = j->limits.string_max;
    } else if (j->token == TOKEN_NUMBER) {
        while (q < end && is_number_byte(*q))
            q++;
        max = JSON_PUSH_NUMBER_MAX;
    } else {
        while (q < end && is_letter(*q) && (size_t)(q - p) + j->hold.len <= WORD_MAX)
            q++;
    }
    if (j->token == TOKEN_STRING && (size_t)(q - p) + j->hold.len > max)
        return string_too_long(j, e);
    if (j->token == TOKEN_NUMBER && (size_t)(q - p) + j->hold.len > max)
        return number_too_long(j, e);
    if (keep(j, j->token, p, q, e) != ERR_OK)
        return j->failed;
    *at = q;
    if (q == end && !(j->token == TOKEN_WORD && j->hold.len > max))
        return ERR_OK;
    if (j->token == TOKEN_STRING)
        *at = q + 1;
    return hold_done(j, e);
}

/* One token that begins at p, which is not white space. */
static inline enum err_code read_value(struct json_push *j, const char *p, const char *end,
                                       const char **at, struct err *e)
{
    switch (*p) {
    case '"':
        return read_string(j, p + 1, end, at, e);
    case '{':
    case '[':
        *at = p + 1;
        return open_level(j, *p == '{', e);
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        return read_number(j, p, end, at, e);
    default:
        if (is_letter(*p))
            return read_word(j, p, end, at, e);
        return unexpected(j, p, e);
    }
}

static inline enum err_code read_token(struct json_push *j, const char *p, const char *end,
                                       const char **at, struct err *e)
{
    switch (j->state) {
    case WANT_ITEM_OR_END:
        if (*p == ']')
            break;
        return read_value(j, p, end, at, e);
    case WANT_VALUE:
        return read_value(j, p, end, at, e);
    case WANT_KEY_OR_END:
        if (*p == '}')
            break;
        if (*p == '"')
            return read_string(j, p + 1, end, at, e);
        return unexpected(j, p, e);
    case WANT_KEY:
        if (*p == '"')
            return read_string(j, p + 1, end, at, e);
        return unexpected(j, p, e);
    case WANT_COLON:
        if (*p != ':')
            return unexpected(j, p, e);
        j->state = WANT_VALUE;
        *at = p + 1;
        return ERR_OK;
    case WANT_COMMA_OR_END:
        if (*p == ',') {
            j->state = j->is_object[j->depth] ? WANT_KEY : WANT_VALUE;
            *at = p + 1;
            return ERR_OK;
        }
        if (*p == (j->is_object[j->depth] ? '}' : ']'))
            break;
        return unexpected(j, p, e);
    case WANT_NOTHING:
        return unexpected(j, p, e);
    }
    *at = p + 1;
    return close_level(j, e);
}

static enum err_code read_piece(struct json_push *j, const char *p, const char *end, struct err *e)
{
    enum err_code rc = ERR_OK;

    j->head = p;
    if (j->token != TOKEN_NONE && p < end)
        rc = resume(j, p, end, &p, e);
    while (rc == ERR_OK && p < end) {
        if (*p == ' ' || *p == '\t' || *p == '\r') {
            p++;
            continue;
        }
        if (*p == '\n') {
            p++;
            j->line++;
            j->line_at = offset_of(j, p);
            continue;
        }
        j->token_at = offset_of(j, p);
        rc = read_token(j, p, end, &p, e);
    }
    j->base += (uint64_t)(end - j->head);
    return rc;
}

enum err_code json_push_feed(struct json_push *j, const char *p, size_t n, struct err *e)
{
    uint64_t room = j->limits.bytes_max - j->base;
    enum err_code rc;

    if (j->failed != ERR_OK)
        return err_set(e, j->failed, "reading has stopped at an earlier error");
    if (n == 0)
        return ERR_OK;
    rc = read_piece(j, p, p + (n > room ? room : n), e);
    if (rc == ERR_OK && n > room) {
        err_set(e, ERR_LIMIT, "more than %zu bytes of text", j->limits.bytes_max);
        return stop_at(j, j->base, ERR_LIMIT, e);
    }
    return rc;
}

enum err_code json_push_end(struct json_push *j, struct err *e)
{
    if (j->failed != ERR_OK)
        return err_set(e, j->failed, "reading has stopped at an earlier error");
    if (j->token == TOKEN_STRING) {
        err_set(e, ERR_PARSE, "the text ends inside this string");
        return stop_at(j, j->token_at, ERR_PARSE, e);
    }
    if (j->token != TOKEN_NONE && hold_done(j, e) != ERR_OK)
        return j->failed;
    if (j->state != WANT_NOTHING) {
        err_set(e, ERR_PARSE, "the text ends where %s should be", wanted(j));
        return stop_at(j, j->base, ERR_PARSE, e);
    }
    return ERR_OK;
}

static enum err_code file_feed(struct json_push *j, int fd, char *piece, struct err *e)
{
    for (;;) {
        ssize_t n = read(fd, piece, FILE_PIECE);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            err_set_errno(e, "cannot be read");
            return stop_at(j, j->base, ERR_IO, e);
        }
        if (n == 0)
            return json_push_end(j, e);
        if (json_push_feed(j, piece, (size_t)n, e) != ERR_OK)
            return j->failed;
    }
}

enum err_code json_push_file(struct json_push *j, const char *path, struct err *e)
{
    char *piece = malloc(FILE_PIECE);
    enum err_code rc = ERR_OK;
    struct stat st;
    int fd = -1;

    if (!piece) {
        rc = err_set(e, ERR_LIMIT, "no memory");
        goto done;
    }
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        rc = err_set_errno(e, "cannot be opened");
    else if (fstat(fd, &st) < 0)
        rc = err_set_errno(e, "cannot be looked at");
    else if (!S_ISREG(st.st_mode))
        rc = err_set(e, ERR_IO, "is not a regular file");
    else
        rc = file_feed(j, fd, piece, e);

done:
    if (rc != ERR_OK && j->failed == ERR_OK) { /* the text's errors carry the name already */
        j->failed = rc;
        if (j->name)
            err_wrap(e, "%s", j->name);
    }
    if (fd >= 0)
        close(fd);
    free(piece);
    return rc;
}
