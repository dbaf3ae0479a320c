#include "daemon/config_problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of a source line, this many characters are shown around the caret. */
#define SOURCE_SHOWN_MAX 140u
#define SOURCE_BEFORE    100u

/* Length of the line break at p (libyaml's: LF, CR, CR LF, NEL, LS, PS), 0 for none. */
static size_t break_len(const char *p, size_t n)
{
    const unsigned char *u = (const unsigned char *)p;

    if (n == 0)
        return 0;
    if (u[0] == '\r')
        return n > 1 && u[1] == '\n' ? 2 : 1;
    if (u[0] == '\n')
        return 1;
    if (n > 1 && u[0] == 0xc2 && u[1] == 0x85)
        return 2;
    if (n > 2 && u[0] == 0xe2 && u[1] == 0x80 && (u[2] == 0xa8 || u[2] == 0xa9))
        return 3;
    return 0;
}

/* Bytes of the UTF-8 character at p; 1 with *valid false for a byte that begins none. */
static size_t char_len(const char *p, size_t n, bool *valid)
{
    const unsigned char *u = (const unsigned char *)p;
    size_t len = u[0] < 0x80   ? 1
                 : u[0] < 0xc2 ? 0
                 : u[0] < 0xe0 ? 2
                 : u[0] < 0xf0 ? 3
                 : u[0] < 0xf5 ? 4
                               : 0;

    *valid = len > 0 && len <= n;
    for (size_t i = 1; *valid && i < len; i++)
        *valid = (u[i] & 0xc0) == 0x80;
    return *valid ? len : 1;
}

struct place place_of_offset(struct str text, size_t offset)
{
    struct place at = {1, 1};

    for (size_t i = 0; i < offset && i < text.n;) {
        size_t skip = break_len(text.p + i, text.n - i);
        bool valid;

        if (skip) {
            at.line++;
            at.col = 1;
        } else {
            skip = char_len(text.p + i, text.n - i, &valid);
            at.col++;
        }
        i += skip;
    }
    return at;
}

/* The line without its break, at most `most` bytes of it. Problems come mostly in the order of the
 * file, so the search goes on from the last one. */
static struct str line_find(struct problem_sink *s, uint32_t line, size_t most)
{
    const struct str text = s->text;
    size_t i, end;

    if (line < s->last_line || s->last_line == 0) {
        s->last_line = 1;
        s->last_start = 0;
    }
    for (i = s->last_start; i < text.n && s->last_line < line;) {
        size_t skip = break_len(text.p + i, text.n - i);

        i += skip ? skip : 1;
        if (skip) {
            s->last_line++;
            s->last_start = i;
        }
    }
    for (end = i = s->last_start; end < text.n && end - i < most; end++)
        if (break_len(text.p + end, text.n - end))
            break;
    return (struct str){text.p + i, end - i};
}

/* The part of a line around col, one printable character (or tab) for each of the file, so that the
 * caret stands under its own. */
static char *source_format(struct arena *arena, struct str line, uint32_t col, uint32_t *caret)
{
    const uint32_t first = col > SOURCE_BEFORE ? col - SOURCE_BEFORE : 0; /* characters left out */
    struct bytes out = {.limit = 4 * (SOURCE_SHOWN_MAX + 8)};
    uint32_t at = 0;
    char *copy = NULL;

    if (first && !bytes_add(&out, "...", 3))
        goto done;
    for (size_t i = 0; i < line.n && at < first + SOURCE_SHOWN_MAX; at++) {
        bool valid;
        size_t n = char_len(line.p + i, line.n - i, &valid);
        unsigned char c = (unsigned char)line.p[i];
        bool show = valid && (n > 1 || c == '\t' || (c >= 0x20 && c != 0x7f));

        /* U+0080..U+009F are controls too. */
        if (n == 2 && c == 0xc2 && (unsigned char)line.p[i + 1] < 0xa0)
            show = false;
        if (at >= first && !bytes_add(&out, show ? line.p + i : "?", show ? n : 1))
            goto done;
        i += n;
    }
    *caret = col - first + (first ? 3 : 0);
    copy = arena_strndup(arena, out.data ? out.data : "", out.len);
done:
    bytes_free(&out);
    return copy;
}

bool problem_sink_init(struct problem_sink *s, struct arena *arena, struct str text)
{
    *s = (struct problem_sink){.arena = arena, .text = text};
    s->items = arena_array(arena, CONFIG_PROBLEMS_MAX + 1, sizeof *s->items);
    return s->items != NULL;
}

static void problem_add(struct problem_sink *s, struct place at, bool warning, const char *text)
{
    const size_t most = 4 * ((size_t)at.col + SOURCE_SHOWN_MAX); /* UTF-8 has at most 4 bytes */
    struct config_problem *p;

    if (!warning)
        s->errors++;
    if (s->count == CONFIG_PROBLEMS_MAX) {
        s->dropped++;
        return;
    }
    p = &s->items[s->count];
    *p = (struct config_problem){.line = at.line, .col = at.col, .warning = warning};
    p->text = arena_strndup(s->arena, text, strlen(text));
    if (at.line)
        p->source = source_format(s->arena, line_find(s, at.line, most), at.col, &p->caret);
    if (!p->text || (at.line && !p->source))
        s->out_of_memory = true;
    else
        s->count++;
}

#define PROBLEM_TEXT_MAX 1500

void problem_error(struct problem_sink *s, struct place at, const char *fmt, ...)
{
    char text[PROBLEM_TEXT_MAX];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    problem_add(s, at, false, text);
}

void problem_warning(struct problem_sink *s, struct place at, const char *fmt, ...)
{
    char text[PROBLEM_TEXT_MAX];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    problem_add(s, at, true, text);
}

bool problem_sink_has(const struct problem_sink *s, struct place at)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->items[i].line == at.line && s->items[i].col == at.col && !s->items[i].warning)
            return true;
    return false;
}

bool problem_sink_full(const struct problem_sink *s)
{
    return s->count == CONFIG_PROBLEMS_MAX;
}

static int problem_cmp(const void *a, const void *b)
{
    const struct config_problem *x = a, *y = b;

    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    if (x->col != y->col)
        return x->col < y->col ? -1 : 1;
    return strcmp(x->text, y->text);
}

struct config_problems problem_sink_finish(struct problem_sink *s)
{
    qsort(s->items, s->count, sizeof *s->items, problem_cmp);
    if (s->dropped && s->count == CONFIG_PROBLEMS_MAX) {
        char *more = arena_printf(s->arena, "and %zu more", s->dropped);

        s->items[s->count++] =
            (struct config_problem){.text = more ? more : "and more", .warning = !s->errors};
    }
    return (struct config_problems){s->items, s->count};
}

char *text_quote(struct str t, char *out)
{
    size_t o = 0, i = 0;

    for (unsigned shown = 0; i < t.n && shown < 60; shown++) {
        bool valid;
        size_t n = char_len(t.p + i, t.n - i, &valid);
        unsigned char c = (unsigned char)t.p[i];

        if (o + 9 > TEXT_QUOTE_MAX)
            break;
        if (valid &&
            (n > 1 ? c != 0xc2 || (unsigned char)t.p[i + 1] >= 0xa0 : c >= 0x20 && c != 0x7f)) {
            memcpy(out + o, t.p + i, n);
            o += n;
        } else {
            o += (size_t)snprintf(out + o, 5, "\\x%02x", c);
            n = 1;
        }
        i += n;
    }
    if (i < t.n) {
        memcpy(out + o, "...", 3);
        o += 3;
    }
    out[o] = '\0';
    return out;
}

static bool caret_format(const struct config_problem *p, struct bytes *out)
{
    const char *s = p->source;

    if (!bytes_printf(out, "  %s\n  ", s))
        return false;
    for (uint32_t i = 1; i < p->caret; i++) {
        bool valid = true;
        size_t n = *s ? char_len(s, strlen(s), &valid) : 0;

        if (!bytes_add(out, n && *s == '\t' ? "\t" : " ", 1))
            return false;
        s += n;
    }
    return bytes_add(out, "^\n", 2);
}

bool config_problems_format(const struct config_problems *p, const char *path, struct bytes *out)
{
    for (size_t i = 0; i < p->count; i++) {
        const struct config_problem *q = &p->items[i];
        const char *mark = q->warning ? "warning: " : "";
        bool ok = q->line
                      ? bytes_printf(out, "%s:%u:%u: %s%s\n", path, q->line, q->col, mark, q->text)
                      : bytes_printf(out, "%s: %s%s\n", path, mark, q->text);

        if (!ok || (q->source && !caret_format(q, out)))
            return false;
    }
    return true;
}
