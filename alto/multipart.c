#include "alto/multipart.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct str trim(struct str s)
{
    while (s.n && (is_blank(s.p[0]) || s.p[0] == '\r' || s.p[0] == '\n')) {
        s.p++;
        s.n--;
    }
    while (s.n && (is_blank(s.p[s.n - 1]) || s.p[s.n - 1] == '\r' || s.p[s.n - 1] == '\n'))
        s.n--;
    return s;
}

/* What stands in front of the first of a character; *rest: behind it, n 0 and p NULL when there is
 * none. */
static struct str cut(struct str s, char at, struct str *rest)
{
    const char *p = s.n ? memchr(s.p, at, s.n) : NULL;

    *rest = (struct str){NULL, 0};
    if (!p)
        return s;
    *rest = (struct str){p + 1, (size_t)(s.p + s.n - p - 1)};
    return (struct str){s.p, (size_t)(p - s.p)};
}

/* The value of a parameter at the beginning of *in, which goes on behind it: a quoted string, or
 * anything up to a semicolon. false: it does not end, or does not fit. */
static bool take_value(struct str *in, char out[MULTIPART_VALUE_MAX])
{
    bool quoted = in->n && in->p[0] == '"', closed = !quoted;
    size_t i = quoted, n = 0;

    for (; i < in->n; i++) {
        char c = in->p[i];

        if (quoted && c == '"') {
            closed = true;
            i++;
            break;
        }
        if (!quoted && (c == ';' || is_blank(c)))
            break;
        if (quoted && c == '\\' && ++i < in->n)
            c = in->p[i];
        if ((unsigned char)c < 0x20 || c == 0x7f || n + 1 >= MULTIPART_VALUE_MAX ||
            (!quoted && c == '"') || i >= in->n)
            return false;
        out[n++] = c;
    }
    out[n] = '\0';
    in->p += i;
    in->n -= i;
    return closed && n > 0;
}

/* RFC 2046 section 5.1.1: bchars, and no blank at the end. */
static bool is_boundary(const char *s)
{
    size_t n = strlen(s);

    return n > 0 && n <= MULTIPART_BOUNDARY_MAX && s[n - 1] != ' ' &&
           strspn(s,
                  "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'()+_,-./:=? ") ==
               n;
}

static void unbracket(char *s)
{
    size_t n = strlen(s);

    if (n >= 2 && s[0] == '<' && s[n - 1] == '>') {
        memmove(s, s + 1, n - 2);
        s[n - 2] = '\0';
    }
}

static enum err_code read_parameter(struct str name, struct str *rest, struct multipart *m,
                                    struct err *e)
{
    char value[MULTIPART_VALUE_MAX];
    const struct {
        struct str name;
        char *out;
        size_t size;
    } known[] = {{STR("boundary"), m->boundary, sizeof m->boundary},
                 {STR("type"), m->type, sizeof m->type},
                 {STR("start"), m->start, sizeof m->start}};
    char shown[64];

    bytes_escape(name.p, name.n, shown, sizeof shown);
    if (!take_value(rest, value))
        return err_set(e, ERR_PARSE, "the parameter \"%s\" has no value of 1 to %u bytes", shown,
                       MULTIPART_VALUE_MAX - 1);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!str_eq_nocase(name, known[i].name))
            continue;
        if (known[i].out[0])
            return err_set(e, ERR_PARSE, "the parameter \"%s\" stands there twice", shown);
        if (i == 0 && !is_boundary(value))
            return err_set(e, ERR_PARSE,
                           "not a boundary, which is 1 to 70 of RFC 2046's characters");
        snprintf(known[i].out, known[i].size, "%s", value);
    }
    return ERR_OK;
}

static enum err_code read_content_type(struct str text, struct multipart *m, struct err *e)
{
    struct str rest, media = trim(cut(text, ';', &rest));
    enum err_code rc = ERR_OK;
    char shown[100];

    if (!str_eq_nocase(media, STR("multipart/related")))
        return err_set(e, ERR_UNSUPPORTED, "\"%s\" is not multipart/related",
                       bytes_escape(media.n ? media.p : "", media.n, shown, sizeof shown));
    for (rest = trim(rest); rc == ERR_OK && rest.n; rest = trim(rest)) {
        struct str name, value;

        if (rest.p[0] == ';') {
            rest.p++;
            rest.n--;
            continue;
        }
        name = trim(cut(rest, '=', &value));
        if (!value.p || name.n == 0 || memchr(name.p, ';', name.n))
            return err_set(e, ERR_PARSE, "a parameter without a value");
        rest = trim(value);
        rc = read_parameter(name, &rest, m, e);
        rest = trim(rest);
        if (rc == ERR_OK && rest.n && rest.p[0] != ';')
            return err_set(e, ERR_PARSE, "no semicolon behind a parameter");
    }
    if (rc != ERR_OK)
        return rc;
    if (!m->boundary[0] || !m->type[0])
        return err_set(e, ERR_PARSE, "no parameter \"%s\"", m->boundary[0] ? "type" : "boundary");
    unbracket(m->start);
    return ERR_OK;
}

/* A line that is a delimiter. */
struct delimiter {
    size_t at;     /* of its dashes */
    size_t before; /* where what is in front of it ends: its line break belongs to it */
    size_t behind; /* where the next line begins */
    bool last;
};

struct text {
    struct str body;
    bool lenient;
    char dashes[MULTIPART_BOUNDARY_MAX + 3]; /* "--boundary" */
    size_t dashes_n;
};

/* The delimiter whose dashes are at i, if it is one. */
static bool delimiter_at(const struct text *t, size_t i, struct delimiter *out)
{
    const char *p = t->body.p;
    size_t n = t->body.n, end = i + t->dashes_n;
    bool crlf_before = i >= 2 && p[i - 1] == '\n' && p[i - 2] == '\r';

    if (i > 0 && !crlf_before && !(t->lenient && p[i - 1] == '\n'))
        return false;
    *out = (struct delimiter){.at = i, .before = i - (crlf_before ? 2 : i > 0)};
    if (n - end >= 2 && p[end] == '-' && p[end + 1] == '-') {
        out->last = true;
        end += 2;
    }
    while (end < n && is_blank(p[end]))
        end++;
    if (end == n) {
        /* The end of all: without its dashes only where that is taken. */
        out->last = out->last || t->lenient;
        out->behind = n;
        return out->last;
    }
    if (p[end] == '\r' && n - end >= 2 && p[end + 1] == '\n')
        out->behind = end + 2;
    else if (t->lenient && p[end] == '\n')
        out->behind = end + 1;
    else
        return false;
    out->last = out->last || (t->lenient && out->behind == n);
    return true;
}

static bool next_delimiter(const struct text *t, size_t from, struct delimiter *out)
{
    while (from < t->body.n) {
        const char *p = memmem(t->body.p + from, t->body.n - from, t->dashes, t->dashes_n);
        size_t i;

        if (!p)
            return false;
        i = (size_t)(p - t->body.p);
        if (delimiter_at(t, i, out))
            return true;
        from = i + 1;
    }
    return false;
}

/* One header with the lines that go on with it (RFC 5322 section 2.2.3); false: the text ends
 * within. *in goes on behind it. */
static bool take_header(const struct text *t, struct str *in, struct str *out)
{
    size_t i = 0;

    for (;;) {
        const char *lf = i < in->n ? memchr(in->p + i, '\n', in->n - i) : NULL;
        size_t end;

        if (!lf)
            return false;
        end = (size_t)(lf - in->p);
        if (!t->lenient && (end == 0 || in->p[end - 1] != '\r'))
            return false;
        i = end + 1;
        *out = trim((struct str){in->p, end});
        if (out->n == 0 || i == in->n || !is_blank(in->p[i]))
            break;
    }
    in->p += i;
    in->n -= i;
    return true;
}

static enum err_code use_header(struct str line, struct multipart_part *part, struct err *e)
{
    struct str value, rest, name = cut(line, ':', &value);
    bool is_id = str_eq_nocase(name, STR("Content-ID"));

    if (!value.p || name.n == 0 || is_blank(name.p[name.n - 1]))
        return err_set(e, ERR_PARSE, "a header without a name");
    value = trim(value);
    if (!is_id && !str_eq_nocase(name, STR("Content-Type")))
        return ERR_OK;
    if (is_id ? part->id.n : part->type.n)
        return err_set(e, ERR_PARSE, "a header twice");
    if (!is_id) {
        part->type = trim(cut(value, ';', &rest));
        return ERR_OK;
    }
    if (value.n < 3 || value.p[0] != '<' || value.p[value.n - 1] != '>')
        return err_set(e, ERR_PARSE, "a Content-ID without its brackets");
    part->id = (struct str){value.p + 1, value.n - 2};
    return ERR_OK;
}

static enum err_code read_part(const struct text *t, struct str in, struct multipart_part *part,
                               struct err *e)
{
    enum err_code rc = ERR_OK;
    struct str line;

    for (unsigned i = 0; rc == ERR_OK; i++) {
        if (!take_header(t, &in, &line))
            return err_set(e, ERR_PARSE, "no empty line behind the headers");
        if (line.n == 0)
            break;
        if (i == MULTIPART_HEADERS_MAX)
            return err_set(e, ERR_LIMIT, "more than %u headers", MULTIPART_HEADERS_MAX);
        rc = use_header(line, part, e);
    }
    part->body = in;
    return rc;
}

static enum err_code read_parts(const struct text *t, struct multipart *m, struct err *e)
{
    struct delimiter at, next;
    enum err_code rc = ERR_OK;

    if (!next_delimiter(t, 0, &at) || at.last)
        return err_set(e, ERR_PARSE, "no part between delimiters");
    for (; rc == ERR_OK && !at.last; at = next) {
        struct multipart_part *part = &m->parts[m->part_count];

        if (!next_delimiter(t, at.behind, &next))
            return err_set(e, ERR_PARSE, "no delimiter with its dashes at the end");
        if (m->part_count == MULTIPART_PARTS_MAX)
            return err_set(e, ERR_LIMIT, "more than %u parts", MULTIPART_PARTS_MAX);
        if (next.before < at.behind)
            next.before = at.behind; /* its line break is the one of the delimiter in front */
        rc = read_part(t, (struct str){t->body.p + at.behind, next.before - at.behind}, part, e);
        if (rc != ERR_OK)
            err_wrap(e, "part %zu", m->part_count + 1);
        m->part_count++;
    }
    return rc;
}

static enum err_code check_root(struct multipart *m, struct err *e)
{
    for (size_t i = 0; i < m->part_count; i++)
        for (size_t k = 0; k < i; k++)
            if (m->parts[i].id.n && str_eq(m->parts[i].id, m->parts[k].id))
                return err_set(e, ERR_PARSE, "one Content-ID of two parts");
    if (m->start[0]) {
        while (m->root < m->part_count && !str_eq(m->parts[m->root].id, str_from(m->start)))
            m->root++;
        if (m->root == m->part_count)
            return err_set(e, ERR_PARSE, "no part has the Content-ID that \"start\" names");
    }
    if (!str_eq_nocase(m->parts[m->root].type, str_from(m->type)))
        return err_set(e, ERR_PARSE,
                       "the root part is not of the type that the Content-Type names");
    return ERR_OK;
}

enum err_code multipart_read(struct str content_type, struct str body, bool lenient,
                             struct multipart *out, struct err *e)
{
    struct text t = {.body = body, .lenient = lenient};
    enum err_code rc;

    *out = (struct multipart){0};
    rc = read_content_type(content_type, out, e);
    if (rc != ERR_OK) {
        err_wrap(e, "Content-Type");
        return rc;
    }
    t.dashes_n = (size_t)snprintf(t.dashes, sizeof t.dashes, "--%s", out->boundary);
    rc = read_parts(&t, out, e);
    if (rc == ERR_OK)
        rc = check_root(out, e);
    if (rc != ERR_OK)
        err_wrap(e, "multipart body");
    return rc;
}

const struct multipart_part *multipart_find(const struct multipart *m, struct str type)
{
    for (size_t i = 0; i < m->part_count; i++)
        if (str_eq_nocase(m->parts[i].type, type))
            return &m->parts[i];
    return NULL;
}

void multipart_write_init(struct multipart_write *w, struct bytes *out, uint64_t random)
{
    *w = (struct multipart_write){.out = out};
    snprintf(w->boundary, sizeof w->boundary, "part-%016llx", (unsigned long long)random);
}

void multipart_write_part(struct multipart_write *w, struct str part, struct str domain,
                          struct str type)
{
    bool first = w->out->len == 0;

    if (!w->full && !bytes_printf(w->out,
                                  "%s--%s\r\nContent-ID: <%.*s@%.*s>\r\n"
                                  "Content-Type: %.*s\r\n\r\n",
                                  first ? "" : "\r\n", w->boundary, (int)part.n, part.p,
                                  (int)domain.n, domain.p, (int)type.n, type.p))
        w->full = true;
}

bool multipart_write_end(struct multipart_write *w)
{
    return !w->full && bytes_printf(w->out, "\r\n--%s--\r\n", w->boundary);
}

struct str multipart_content_type(const struct multipart_write *w, struct str type,
                                  struct arena *arena)
{
    return str_from(arena_printf(arena, "multipart/related; boundary=%s; type=%.*s", w->boundary,
                                 (int)type.n, type.p));
}
