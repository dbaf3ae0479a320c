#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json_text.h"

#define LOG_BODY_MAX 2048u
/* A byte becomes six ("\u00ff") at worst; in front stand time and level. */
#define LOG_LINE_MAX (LOG_BODY_MAX * 6 + 128)

static _Atomic int log_level_now = LOG_LEVEL_INFO;
static _Atomic int log_format_now = LOG_FORMAT_LOGFMT;

static const char *const level_names[] = {"error", "warn", "info", "debug"};

void log_setup(enum log_level level, enum log_format format)
{
    atomic_store_explicit(&log_level_now, (int)level, memory_order_relaxed);
    atomic_store_explicit(&log_format_now, (int)format, memory_order_relaxed);
}

/* A line being made; the cap is such that it never runs over, the check makes sure. */
struct line {
    size_t n;
    char text[LOG_LINE_MAX];
};

static void put(struct line *l, const char *p, size_t n)
{
    if (n > sizeof l->text - 1 - l->n) /* 1 for the newline */
        n = sizeof l->text - 1 - l->n;
    memcpy(l->text + l->n, p, n);
    l->n += n;
}

static void put_text(struct line *l, const char *text)
{
    put(l, text, strlen(text));
}

static bool is_tail(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

/* Length of the printable character at s: 1 for ASCII, 2..4 for UTF-8 as RFC 3629 section 4 has it,
 * 0 for everything else (control characters of ASCII and C1, stray and overlong bytes). */
static size_t printable(const unsigned char *s, size_t n)
{
    if (s[0] >= 0x20 && s[0] < 0x7f)
        return 1;
    if (n >= 2 && s[0] >= 0xc2 && s[0] <= 0xdf && is_tail(s[1]))
        return s[0] == 0xc2 && s[1] < 0xa0 ? 0 : 2;
    if (n >= 3 && (s[0] & 0xf0) == 0xe0 && is_tail(s[1]) && is_tail(s[2]))
        return (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ? 0 : 3;
    if (n >= 4 && s[0] >= 0xf0 && s[0] <= 0xf4 && is_tail(s[1]) && is_tail(s[2]) && is_tail(s[3]))
        return (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f) ? 0 : 4;
    return 0;
}

char *log_quote(const char *text, char *out, unsigned size)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t n = strlen(text), o = 0;

    if (size < 6) { /* no room for "..." in quotes */
        if (size)
            out[0] = '\0';
        return out;
    }
    out[o++] = '"';
    for (size_t i = 0; i < n;) {
        char one[5];
        size_t take = printable(s + i, n - i), k = take;

        if (take == 0)
            k = (size_t)snprintf(one, sizeof one, "\\x%02x", s[i]);
        else if (s[i] == '"' || s[i] == '\\')
            k = (size_t)snprintf(one, sizeof one, "\\%c", s[i]);
        else
            memcpy(one, s + i, take);
        take += take == 0;
        /* Behind this one must fit: the dots if more follows, the quote, the NUL. */
        if (o + k + (i + take < n ? 3 : 0) + 2 > size) {
            memcpy(out + o, "...", 3);
            o += 3;
            break;
        }
        memcpy(out + o, one, k);
        o += k;
        i += take;
    }
    out[o++] = '"';
    out[o] = '\0';
    return out;
}

/* The pairs as they are, with what could break a line or a terminal escaped. */
static void put_logfmt(struct line *l, const char *body, size_t n)
{
    const unsigned char *s = (const unsigned char *)body;

    for (size_t i = 0; i < n;) {
        size_t k = printable(s + i, n - i);
        char one[5];

        if (k > 0) {
            put(l, body + i, k);
            i += k;
        } else {
            put(l, one, (size_t)snprintf(one, sizeof one, "\\x%02x", s[i++]));
        }
    }
}

/* A JSON string; a byte that is not UTF-8 becomes the character of its number. */
static void put_json_string(struct line *l, const char *p, size_t n)
{
    const unsigned char *s = (const unsigned char *)p;

    put(l, "\"", 1);
    for (size_t i = 0; i < n;) {
        size_t k = printable(s + i, n - i);
        char one[7];

        if (k == 0) {
            put(l, one, (size_t)snprintf(one, sizeof one, "\\u%04x", s[i++]));
            continue;
        }
        if (s[i] == '"' || s[i] == '\\')
            put(l, "\\", 1);
        put(l, p + i, k);
        i += k;
    }
    put(l, "\"", 1);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undoes log_quote from behind the opening quote; returns what it consumed, the closing quote too.
 */
static size_t unquote(const char *p, size_t n, char *out, size_t *out_len)
{
    size_t i = 0, o = 0;

    while (i < n && p[i] != '"') {
        int hi, lo;

        if (p[i] != '\\' || i + 1 >= n) {
            out[o++] = p[i++];
        } else if (p[i + 1] == 'x' && i + 3 < n && (hi = hex_digit(p[i + 2])) >= 0 &&
                   (lo = hex_digit(p[i + 3])) >= 0) {
            out[o++] = (char)(hi << 4 | lo);
            i += 4;
        } else {
            out[o++] = p[i + 1];
            i += 2;
        }
    }
    *out_len = o;
    return i < n ? i + 1 : i;
}

static void put_json_pairs(struct line *l, const char *body, size_t n)
{
    size_t i = 0;

    while (i < n) {
        size_t key = i, value;

        if (body[i] == ' ') {
            i++;
            continue;
        }
        while (i < n && body[i] != '=' && body[i] != ' ')
            i++;
        put(l, ",", 1);
        put_json_string(l, body + key, i - key);
        put(l, ":", 1);
        if (i >= n || body[i] == ' ') { /* a word alone is a flag */
            put(l, "true", 4);
            continue;
        }
        value = ++i;
        if (i < n && body[i] == '"') {
            char plain[LOG_BODY_MAX];
            size_t len;

            i += 1 + unquote(body + i + 1, n - i - 1, plain, &len);
            put_json_string(l, plain, len);
            continue;
        }
        while (i < n && body[i] != ' ')
            i++;
        if (json_text_is_number(body + value, i - value))
            put(l, body + value, i - value);
        else
            put_json_string(l, body + value, i - value);
    }
}

/* A body that did not fit ends in dots, and a quote that was open is closed again. */
static size_t mark_cut(char *body)
{
    size_t n = LOG_BODY_MAX - 5;
    bool open = false;

    for (size_t i = 0; i < n; i++) {
        if (open && body[i] == '\\')
            i++;
        else if (body[i] == '"')
            open = !open;
    }
    memcpy(body + n, "...", 3);
    n += 3;
    if (open)
        body[n++] = '"';
    return n;
}

static void PRINTF_LIKE(2, 0) log_line(enum log_level level, const char *fmt, va_list ap)
{
    int saved = errno, want;
    char body[LOG_BODY_MAX], time[CLOCK_TEXT_MAX];
    struct line l;
    size_t n;
    ssize_t done;

    if ((int)level > atomic_load_explicit(&log_level_now, memory_order_relaxed))
        return;
    want = vsnprintf(body, sizeof body, fmt, ap);
    if (want < 0)
        want = 0;
    n = (size_t)want < sizeof body ? (size_t)want : mark_cut(body);
    clock_format(clock_wall_ms(), time);
    l.n = 0;
    if (atomic_load_explicit(&log_format_now, memory_order_relaxed) == LOG_FORMAT_JSON) {
        put_text(&l, "{\"time\":\"");
        put_text(&l, time);
        put_text(&l, "\",\"level\":\"");
        put_text(&l, level_names[level]);
        put_text(&l, "\"");
        put_json_pairs(&l, body, n);
        put_text(&l, "}");
    } else {
        put_text(&l, "time=");
        put_text(&l, time);
        put_text(&l, " level=");
        put_text(&l, level_names[level]);
        put_text(&l, " ");
        put_logfmt(&l, body, n);
    }
    l.text[l.n++] = '\n';
    /* One call, so that lines of several threads do not mix. When it fails there is nobody to tell.
     */
    do
        done = write(STDERR_FILENO, l.text, l.n);
    while (done < 0 && errno == EINTR);
    errno = saved;
}

void log_error(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    log_line(LOG_LEVEL_ERROR, fmt, ap);
    va_end(ap);
}

void log_warn(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    log_line(LOG_LEVEL_WARN, fmt, ap);
    va_end(ap);
}

void log_info(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    log_line(LOG_LEVEL_INFO, fmt, ap);
    va_end(ap);
}

void log_debug(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    log_line(LOG_LEVEL_DEBUG, fmt, ap);
    va_end(ap);
}
