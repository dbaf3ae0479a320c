/* Prometheus text exposition format 0.0.4, and OpenMetrics 1.0 where it adds to it. */
#include "router/stats_internal.h"

#include <math.h>
#include <string.h>

#define LABELS_MAX 64u

struct label {
    struct str name, value; /* the value as it stands, escaped */
};

struct series {
    struct str name;
    struct label labels[LABELS_MAX]; /* sorted by name */
    unsigned count;
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void advance(struct str *s, size_t n)
{
    s->p += n;
    s->n -= n;
}

static void blanks(struct str *s)
{
    while (s->n && (s->p[0] == ' ' || s->p[0] == '\t'))
        advance(s, 1);
}

static bool take(struct str *s, char c)
{
    if (!s->n || s->p[0] != c)
        return false;
    advance(s, 1);
    return true;
}

/* colons: as in metrics' names. */
static struct str take_name(struct str *s, bool colons)
{
    size_t n = 0;

    while (n < s->n &&
           (is_letter(s->p[n]) || (n && is_digit(s->p[n])) || (colons && s->p[n] == ':')))
        n++;
    advance(s, n);
    return (struct str){s->p - n, n};
}

/* Up to the next blank. */
static struct str take_word(struct str *s)
{
    size_t n = 0;

    while (n < s->n && s->p[n] != ' ' && s->p[n] != '\t')
        n++;
    advance(s, n);
    return (struct str){s->p - n, n};
}

/* Behind the opening quote. */
static enum err_code take_value(struct str *s, struct str *out, struct err *e)
{
    for (size_t n = 0; n < s->n; n++) {
        if (s->p[n] == '"') {
            *out = (struct str){s->p, n};
            advance(s, n + 1);
            return ERR_OK;
        }
        if (s->p[n] == '\\' && ++n < s->n && s->p[n] != '\\' && s->p[n] != '"' && s->p[n] != 'n')
            return err_set(e, ERR_PARSE, "an escape in a label that is not \\\\, \\\" or \\n");
    }
    return err_set(e, ERR_PARSE, "a label's value without its closing quote");
}

static enum err_code label_add(struct series *out, const struct label *l, struct err *e)
{
    char shown[80];
    unsigned at = out->count;

    if (at == LABELS_MAX)
        return err_set(e, ERR_LIMIT, "more than %u labels", LABELS_MAX);
    while (at > 0 && str_cmp(out->labels[at - 1].name, l->name) > 0)
        at--;
    if (at > 0 && str_eq(out->labels[at - 1].name, l->name))
        return err_set(e, ERR_PARSE, "the label \"%s\" twice",
                       bytes_escape(l->name.p, l->name.n, shown, sizeof shown));
    memmove(out->labels + at + 1, out->labels + at, (out->count - at) * sizeof *out->labels);
    out->labels[at] = *l;
    out->count++;
    return ERR_OK;
}

/* Behind the opening brace; a comma may stand behind the last one. */
static enum err_code take_labels(struct str *s, struct series *out, struct err *e)
{
    out->count = 0;
    for (;;) {
        struct label l;

        blanks(s);
        if (take(s, '}'))
            return ERR_OK;
        l.name = take_name(s, false);
        if (!l.name.n)
            return err_set(e, ERR_PARSE, "a label's name or } should be here");
        blanks(s);
        if (!take(s, '='))
            return err_set(e, ERR_PARSE, "a label without =");
        blanks(s);
        if (!take(s, '"'))
            return err_set(e, ERR_PARSE, "a label's value should be here, in double quotes");
        if (take_value(s, &l.value, e) != ERR_OK || label_add(out, &l, e) != ERR_OK)
            return e->code;
        blanks(s);
        if (!take(s, ',') && (!s->n || s->p[0] != '}'))
            return err_set(e, ERR_PARSE, "a comma or } should be here");
    }
}

static bool special(struct str word, struct stat_value *out)
{
    bool minus = word.n && word.p[0] == '-', sign = minus || (word.n && word.p[0] == '+');
    struct str rest = {word.p + sign, word.n - sign};

    if (str_eq_nocase(rest, STR("nan")))
        *out = (struct stat_value){.kind = STAT_REAL, .d = NAN};
    else if (str_eq_nocase(rest, STR("inf")) || str_eq_nocase(rest, STR("infinity")))
        *out = (struct stat_value){.kind = STAT_REAL, .d = minus ? -INFINITY : INFINITY};
    else
        return false;
    return true;
}

static enum err_code take_number(struct str *s, struct stat_value *out, struct err *e)
{
    struct str word = take_word(s);
    char shown[80];

    blanks(s);
    if (stat_number(word, out) || special(word, out))
        return ERR_OK;
    return err_set(e, ERR_PARSE, "\"%s\", a number should be here",
                   bytes_escape(word.p, word.n, shown, sizeof shown));
}

/* OpenMetrics: "# {labels} value [time]" behind a sample; it is checked and forgotten. */
static enum err_code take_exemplar(struct str *s, struct err *e)
{
    struct stat_value ignored;
    struct series labels;

    blanks(s);
    if (!take(s, '{'))
        return err_set(e, ERR_PARSE, "an exemplar without labels, { should be here");
    if (take_labels(s, &labels, e) != ERR_OK)
        return e->code;
    blanks(s);
    if (take_number(s, &ignored, e) != ERR_OK)
        return e->code;
    return s->n ? take_number(s, &ignored, e) : ERR_OK;
}

/* name{a="..",b=".."} */
static enum err_code add(struct stats_page *page, const struct series *of,
                         const struct stat_value *v, struct err *e)
{
    char name[STATS_NAME_MAX];
    size_t need = of->name.n + (of->count ? 1 : 0), n = of->name.n; /* braces and commas */

    for (unsigned i = 0; i < of->count; i++)
        need += of->labels[i].name.n + of->labels[i].value.n + strlen("=\"\",");
    if (need > sizeof name)
        return err_set(e, ERR_LIMIT, "a name of more than %u bytes with its labels",
                       STATS_NAME_MAX);
    memcpy(name, of->name.p, n);
    for (unsigned i = 0; i < of->count; i++) {
        const struct label *l = &of->labels[i];

        name[n++] = i ? ',' : '{';
        memcpy(name + n, l->name.p, l->name.n);
        n += l->name.n;
        name[n++] = '=';
        name[n++] = '"';
        memcpy(name + n, l->value.p, l->value.n);
        n += l->value.n;
        name[n++] = '"';
    }
    if (of->count)
        name[n++] = '}';
    return stats_add(page, (struct str){name, n}, v, e);
}

static enum err_code read_sample(struct stats_page *page, struct str s, struct err *e)
{
    struct stat_value v, ignored;
    struct series of;

    of.count = 0;
    of.name = take_name(&s, true);
    if (!of.name.n)
        return err_set(e, ERR_PARSE, "a metric's name should be here");
    if (s.n && s.p[0] != ' ' && s.p[0] != '\t' && s.p[0] != '{')
        return err_set(e, ERR_PARSE, "a metric's name is letters, digits, _ and :");
    blanks(&s);
    if (take(&s, '{') && take_labels(&s, &of, e) != ERR_OK)
        return e->code;
    blanks(&s);
    if (take_number(&s, &v, e) != ERR_OK)
        return e->code;
    if (s.n && s.p[0] != '#' && take_number(&s, &ignored, e) != ERR_OK) /* the time */
        return e->code;
    if (take(&s, '#') && take_exemplar(&s, e) != ERR_OK)
        return e->code;
    if (s.n)
        return err_set(e, ERR_PARSE, "text behind the sample, the line should end here");
    return add(page, &of, &v, e);
}

enum err_code stats_read_prometheus(struct stats_page *page, struct err *e)
{
    bool over = false;
    struct str line;

    while (stats_line(page, &line)) {
        line = stats_trim(line);
        if (!line.n)
            continue;
        if (over)
            return err_set(e, ERR_PARSE, "line %u: text behind # EOF", page->line);
        if (line.p[0] == '#')
            over = str_eq(line, STR("# EOF"));
        else if (read_sample(page, line, e) != ERR_OK) {
            err_wrap(e, "line %u", page->line);
            return e->code;
        }
    }
    return ERR_OK;
}
