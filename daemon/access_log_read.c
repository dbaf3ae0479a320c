#include "daemon/access_log_read.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "router/route.h"

#define BUFFER_BYTES ((size_t)256 << 10) /* many lines */

enum key {
    KEY_TIME,
    KEY_KIND,
    KEY_CLIENT,
    KEY_NAME,
    KEY_SERVICE,
    KEY_STATUS,
    KEY_WHY,
    KEY_TO,
    KEY_PID,
    KEY_STREAMER,
    KEY_COST,
    KEY_SERIAL,
    KEY_US,
    KEYS
};

/* In the order in which they are written. A number or a word needs no escape. */
// clang-format off
static const struct {
    const char *name;
    uint8_t len;
    bool number; /* not in quotes, in JSON */
    bool none;   /* may be null, or a bare - */
} keys[KEYS] = {
#define NAME(text) (text), sizeof(text) - 1
    [KEY_TIME]     = {NAME("time"),     false, false},
    [KEY_KIND]     = {NAME("kind"),     false, false},
    [KEY_CLIENT]   = {NAME("client"),   false, false},
    [KEY_NAME]     = {NAME("name"),     false, true},
    [KEY_SERVICE]  = {NAME("service"),  false, true},
    [KEY_STATUS]   = {NAME("status"),   true,  false},
    [KEY_WHY]      = {NAME("why"),      false, false},
    [KEY_TO]       = {NAME("to"),       false, true},
    [KEY_PID]      = {NAME("pid"),      false, true},
    [KEY_STREAMER] = {NAME("streamer"), false, true},
    [KEY_COST]     = {NAME("cost"),     true,  true},
    [KEY_SERIAL]   = {NAME("serial"),   true,  false},
    [KEY_US]       = {NAME("us"),       true,  false},
#undef NAME
};
// clang-format on

/* A line under way. */
struct in {
    const char *p, *end;
    bool json;
    char *text; /* of a value with escapes; a line's length is enough */
};

struct value {
    struct str text; /* in the line, or in in->text; n 0: none */
    bool quoted;
};

static enum err_code damaged(struct err *e, enum key k, const char *what)
{
    return err_set(e, ERR_PARSE, "%s: %s", keys[k].name, what);
}

/* ---- values ---- */

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static int hex_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Behind a backslash: \" \\ and \u00bb or \xbb. */
static bool unescape(struct in *in, char *out)
{
    const struct str lead = in->json ? STR("u00") : STR("x");
    int high, low;

    if (in->p == in->end)
        return false;
    if (*in->p == '"' || *in->p == '\\') {
        *out = *in->p++;
        return true;
    }
    if ((size_t)(in->end - in->p) < lead.n + 2 || memcmp(in->p, lead.p, lead.n) != 0)
        return false;
    high = hex_of(in->p[lead.n]);
    low = hex_of(in->p[lead.n + 1]);
    if (high < 0 || low < 0)
        return false;
    *out = (char)(unsigned char)(high << 4 | low);
    in->p += lead.n + 2;
    return true;
}

/* Behind the first quote, up to and over the second. */
static bool read_quoted(struct in *in, struct value *out)
{
    const char *from = in->p;
    size_t n = 0;

    while (in->p < in->end && is_plain((unsigned char)*in->p))
        in->p++;
    out->quoted = true;
    out->text = (struct str){from, (size_t)(in->p - from)};
    if (in->p < in->end && *in->p == '"') {
        in->p++;
        return true;
    }
    n = out->text.n;
    memcpy(in->text, from, n);
    out->text.p = in->text;
    while (in->p < in->end && *in->p != '"') {
        char c = *in->p++;

        if (c == '\\' ? !unescape(in, &c) : !is_plain((unsigned char)c))
            return false;
        in->text[n++] = c;
    }
    out->text.n = n;
    return in->p++ < in->end;
}

static bool read_bare(struct in *in, struct value *out)
{
    const char *from = in->p;
    struct str none = in->json ? STR("null") : STR("-");

    while (in->p < in->end && is_plain((unsigned char)*in->p) && *in->p != ' ' && *in->p != '=' &&
           !(in->json && (*in->p == ',' || *in->p == '}')))
        in->p++;
    out->quoted = false;
    out->text = (struct str){from, (size_t)(in->p - from)};
    if (out->text.n == 0)
        return false;
    if (str_eq(out->text, none))
        out->text = (struct str){from, 0};
    return true;
}

static bool read_value(struct in *in, struct value *out)
{
    if (in->p < in->end && *in->p == '"') {
        in->p++;
        return read_quoted(in, out) && out->text.n > 0; /* nothing is written as none */
    }
    return read_bare(in, out);
}

/* ---- what values mean ---- */

static bool read_uint(struct str t, uint64_t max, uint64_t *out)
{
    uint64_t n = 0;

    if (t.n == 0 || (t.n > 1 && t.p[0] == '0'))
        return false;
    for (size_t i = 0; i < t.n; i++) {
        unsigned digit = (unsigned)(t.p[i] - '0');

        if (digit > 9 || n > (max - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    *out = n;
    return true;
}

/* Exactly so many digits; above max: none. */
static bool read_digits(const char *p, unsigned digits, unsigned max, unsigned *out)
{
    *out = 0;
    for (unsigned i = 0; i < digits; i++) {
        unsigned digit = (unsigned)(p[i] - '0');

        if (digit > 9)
            return false;
        *out = *out * 10 + digit;
    }
    return *out <= max;
}

/* "2026-11-22T12:00:00.123Z": what clock_format writes, from 1970 on. Days are counted as there. */
static bool read_time(struct str t, uint64_t *out)
{
    static const char shape[] = "0000-00-00T00:00:00.000Z";
    static const unsigned char days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    unsigned year, month, day, hour, minute, second, ms, y, m, of_era;
    bool leap;

    if (t.n != sizeof shape - 1)
        return false;
    for (size_t i = 0; i < t.n; i++)
        if (shape[i] != '0' && t.p[i] != shape[i])
            return false;
    if (!read_digits(t.p, 4, 9999, &year) || !read_digits(t.p + 5, 2, 12, &month) ||
        !read_digits(t.p + 8, 2, 31, &day) || !read_digits(t.p + 11, 2, 23, &hour) ||
        !read_digits(t.p + 14, 2, 59, &minute) || !read_digits(t.p + 17, 2, 59, &second) ||
        !read_digits(t.p + 20, 3, 999, &ms))
        return false;
    leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (year < 1970 || month == 0 || day == 0 || day > days[month - 1] ||
        (month == 2 && day == 29 && !leap))
        return false;
    y = year - (month <= 2);
    m = month > 2 ? month - 3 : month + 9;
    of_era = y % 400 * 365 + y % 400 / 4 - y % 400 / 100 + (153 * m + 2) / 5 + day - 1;
    *out = ((uint64_t)(y / 400 * 146097 + of_era - 719468) * 86400 + hour * 3600 + minute * 60 +
            second) *
               1000 +
           ms;
    return true;
}

/* Plain and finite; integers, which most are, without strtof. */
static bool read_cost(struct str t, float *out)
{
    char text[32], *end;
    uint64_t n;

    if (t.n == 0) {
        *out = NAN;
        return true;
    }
    if (read_uint(t, 1 << 24, &n)) {
        *out = (float)n;
        return true;
    }
    if (t.n >= sizeof text)
        return false;
    memcpy(text, t.p, t.n);
    text[t.n] = '\0';
    if (strspn(text, "0123456789+-.e") < t.n) /* what strtof takes besides: blanks, hex, inf */
        return false;
    *out = strtof(text, &end);
    return *end == '\0' && isfinite(*out);
}

/* Into a field that holds size bytes with the NUL. */
static bool read_name(struct str t, char *out, size_t size)
{
    if (t.n >= size || memchr(t.p, '\0', t.n))
        return false;
    memset(out, 0, size);
    memcpy(out, t.p, t.n);
    return true;
}

/* As the configuration demands of names that answers carry. */
static bool is_label(struct str t)
{
    for (size_t i = 0; i < t.n; i++)
        if (!((t.p[i] >= 'a' && t.p[i] <= 'z') || (t.p[i] >= '0' && t.p[i] <= '9') ||
              t.p[i] == '-'))
            return false;
    return true;
}

static bool read_kind(struct str t, uint8_t *out)
{
    static const char *const names[] = {
        [NOTE_HTTP] = "http", [NOTE_DNS] = "dns", [NOTE_TRACKER] = "tracker"};

    for (*out = 0; *out < sizeof names / sizeof *names; (*out)++)
        if (str_eq(t, str_from(names[*out])))
            return true;
    return false;
}

static bool read_why(struct str t, uint8_t *out)
{
    for (*out = 0; *out < WHY_COUNT; (*out)++)
        if (str_eq(t, str_from(why_name((enum why) * out))))
            return true;
    return false;
}

static bool read_to(struct str t, uint8_t *out)
{
    for (*out = 0; *out < ROUTE_TO_COUNT; (*out)++)
        if (t.n == 0 || str_eq(t, str_from(route_to_name((enum route_to) * out))))
            break;
    if (t.n == 0)
        return true;
    return (*out)++ < ROUTE_TO_COUNT;
}

static enum err_code take_text(enum key k, struct str t, struct note *out, struct err *e)
{
    switch (k) {
    case KEY_TIME:
        if (!read_time(t, &out->wall_ms))
            return damaged(e, k, "must be like 2026-11-22T12:00:00.123Z");
        break;
    case KEY_KIND:
        if (!read_kind(t, &out->kind))
            return damaged(e, k, "must be http, dns or tracker");
        break;
    case KEY_CLIENT:
        if (addr_parse(t.p, t.n, &out->client, NULL) != ERR_OK)
            return damaged(e, k, "is no address");
        break;
    case KEY_NAME:
        if (t.n > sizeof out->name)
            return damaged(e, k, "is longer than is ever written");
        memset(out->name, 0, sizeof out->name);
        memcpy(out->name, t.p, t.n);
        out->name_len = (uint8_t)t.n;
        break;
    case KEY_SERVICE:
        if (!read_name(t, out->service, sizeof out->service))
            return damaged(e, k, "is longer than is ever written");
        break;
    case KEY_PID:
        if (!read_name(t, out->pid, sizeof out->pid))
            return damaged(e, k, "is longer than is ever written");
        break;
    case KEY_STREAMER:
        if (!read_name(t, out->streamer, sizeof out->streamer) || !is_label(t))
            return damaged(e, k, "is no name of a streamer");
        break;
    case KEY_WHY:
        if (!read_why(t, &out->why))
            return damaged(e, k, "is no reason of the decision");
        break;
    case KEY_TO:
        if (!read_to(t, &out->to))
            return damaged(e, k, "must be where a question can go, or -");
        break;
    default:
        break;
    }
    return ERR_OK;
}

static enum err_code take_number(enum key k, struct str t, struct note *out, struct err *e)
{
    uint64_t n = 0;

    if (k == KEY_COST)
        return read_cost(t, &out->cost) ? ERR_OK : damaged(e, k, "must be a number, or none");
    if (!read_uint(t, k == KEY_STATUS ? UINT16_MAX : k == KEY_US ? UINT32_MAX : UINT64_MAX, &n))
        return damaged(e, k, "must be a whole number in its range");
    if (k == KEY_STATUS)
        out->status = (uint16_t)n;
    else if (k == KEY_US)
        out->took_us = (uint32_t)n;
    else
        out->serial = n;
    return ERR_OK;
}

/* ---- lines ---- */

/* A key with its '=' or ':'; tried first: the one that is written behind the last. */
static bool read_key(struct in *in, enum key first, enum key *out)
{
    for (unsigned i = 0; i < KEYS; i++) {
        const char *name = keys[(first + i) % KEYS].name;
        const size_t len = keys[(first + i) % KEYS].len;
        const size_t quotes = in->json ? 2 : 0;
        const char *p = in->p;

        if ((size_t)(in->end - p) < len + quotes + 1)
            continue;
        if (in->json && (p[0] != '"' || p[len + 1] != '"'))
            continue;
        if (memcmp(p + quotes / 2, name, len) != 0 || p[len + quotes] != (in->json ? ':' : '='))
            continue;
        *out = (enum key)((first + i) % KEYS);
        in->p += len + quotes + 1;
        return true;
    }
    return false;
}

static enum err_code read_field(struct in *in, enum key *next, uint32_t *seen, struct note *out,
                                struct err *e)
{
    struct value v;
    enum key k;

    if (!read_key(in, *next, &k))
        return err_set(e, ERR_PARSE, "%s is not a key of the access log",
                       in->json ? "what stands where a member should" : "a word");
    if (*seen >> k & 1)
        return damaged(e, k, "is there twice");
    *seen |= UINT32_C(1) << k;
    *next = (enum key)((k + 1) % KEYS);
    if (!read_value(in, &v))
        return damaged(e, k, "the value is not as the log writes it");
    if (v.text.n == 0 && !keys[k].none)
        return damaged(e, k, "must have a value");
    if (v.quoted && keys[k].number)
        return damaged(e, k, "must be a number, without quotes");
    if (v.text.n && in->json && !v.quoted && !keys[k].number)
        return damaged(e, k, "must be a string");
    return keys[k].number ? take_number(k, v.text, out, e) : take_text(k, v.text, out, e);
}

/* What older versions did not say. */
static uint8_t to_follows(const struct note *n)
{
    if (n->streamer[0])
        return ROUTE_STREAMERS + 1;
    return n->service[0] && n->why != WHY_NONE ? ROUTE_NOBODY + 1 : 0;
}

static enum err_code all_there(uint32_t seen, struct note *out, struct err *e)
{
    for (unsigned k = 0; k < KEYS; k++)
        if (k != KEY_TO && !(seen >> k & 1))
            return damaged(e, (enum key)k, "is missing: the line is not whole");
    if (!(seen >> KEY_TO & 1))
        out->to = to_follows(out);
    else if (out->to == ROUTE_STREAMERS + 1 && !out->streamer[0])
        return damaged(e, KEY_STREAMER, "must have a name where to says streamers");
    return ERR_OK;
}

enum err_code access_line_parse(const char *line, size_t n, struct note *out, struct err *e)
{
    UNINITIALIZED char text[ACCESS_LINE_MAX];
    struct in in = {.p = line, .text = text};
    enum key next = KEY_TIME;
    enum err_code rc;
    uint32_t seen = 0;

    if (n > ACCESS_LINE_MAX)
        return err_set(e, ERR_PARSE, "longer than %u bytes", ACCESS_LINE_MAX);
    in.end = line + n;
    in.json = n > 0 && line[0] == '{';
    in.p += in.json;
    for (;;) {
        rc = read_field(&in, &next, &seen, out, e);
        if (rc != ERR_OK)
            return rc;
        if (in.p == in.end || *in.p != (in.json ? ',' : ' '))
            break;
        in.p++;
    }
    if (in.json && (in.p == in.end || *in.p++ != '}'))
        return err_set(e, ERR_PARSE, "the object does not end");
    if (in.p != in.end)
        return err_set(e, ERR_PARSE, "something stands behind the last value");
    return all_there(seen, out, e);
}

/* ---- files ---- */

struct access_reader {
    int fd;
    bool owned, ended;
    char *data; /* [BUFFER_BYTES] */
    size_t from, to;
    uint64_t line, done, size;
};

enum err_code access_reader_open(const char *path, struct access_reader **out, struct err *e)
{
    struct access_reader *r = calloc(1, sizeof *r);
    struct stat st;

    *out = NULL;
    if (r)
        r->data = malloc(BUFFER_BYTES);
    if (!r || !r->data) {
        free(r);
        return err_set(e, ERR_LIMIT, "no memory");
    }
    r->owned = strcmp(path, "-") != 0;
    r->fd = r->owned ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY) : STDIN_FILENO;
    if (r->fd < 0) {
        err_set_errno(e, "%s", path);
        access_reader_close(r);
        return ERR_IO;
    }
    if (fstat(r->fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
        r->size = (uint64_t)st.st_size;
    *out = r;
    return ERR_OK;
}

void access_reader_close(struct access_reader *r)
{
    if (!r)
        return;
    if (r->owned && r->fd >= 0)
        close(r->fd);
    free(r->data);
    free(r);
}

/* More behind what is there, which moves to the front. false: the system said no. */
static bool fill(struct access_reader *r, struct err *e)
{
    ssize_t n;

    memmove(r->data, r->data + r->from, r->to - r->from);
    r->to -= r->from;
    r->from = 0;
    do
        n = read(r->fd, r->data + r->to, BUFFER_BYTES - r->to);
    while (n < 0 && errno == EINTR);
    if (n < 0) {
        err_set_errno(e, "cannot be read");
        return false;
    }
    r->ended = n == 0;
    r->to += (size_t)n;
    r->done += (uint64_t)n;
    return true;
}

/* The next line, which is in the buffer until the next call; one that is too long is cut behind
 * ACCESS_LINE_MAX bytes and passed over. ACCESS_LINE, ACCESS_END or ACCESS_FAILED. */
static enum access_read line_next(struct access_reader *r, struct str *out, struct err *e)
{
    size_t looked = 0;
    bool too_long = false;

    for (;;) {
        const char *from = r->data + r->from;
        const char *end = memchr(from + looked, '\n', r->to - r->from - looked);
        size_t n = end ? (size_t)(end - from) : r->to - r->from;

        if (end || (r->ended && (n > 0 || too_long))) {
            r->from += n + (end != NULL);
            r->line++;
            *out = (struct str){from, too_long ? ACCESS_LINE_MAX + 1 : n};
            return ACCESS_LINE;
        }
        if (r->ended)
            return ACCESS_END;
        looked = n;
        if (n > ACCESS_LINE_MAX) {
            too_long = true;
            r->from = r->to;
            looked = 0;
        }
        if (!fill(r, e))
            return ACCESS_FAILED;
    }
}

enum access_read access_reader_next(struct access_reader *r, struct note *out, struct err *e)
{
    struct str line = {0};
    enum access_read got;

    do {
        got = line_next(r, &line, e);
        if (got != ACCESS_LINE)
            return got;
    } while (line.n == 0);
    return access_line_parse(line.p, line.n, out, e) == ERR_OK ? ACCESS_LINE : ACCESS_DAMAGED;
}

uint64_t access_reader_line(const struct access_reader *r)
{
    return r->line;
}

uint64_t access_reader_done(const struct access_reader *r)
{
    return r->done;
}

uint64_t access_reader_size(const struct access_reader *r)
{
    return r->size;
}
