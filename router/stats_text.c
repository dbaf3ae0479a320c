/* Text that was made for people: nginx's stub_status, Squid's cache manager. */
#include "router/stats_internal.h"

#include <string.h>

#define NAMES_MAX 16u

/* The next word of s, which then begins behind it; empty at the end. */
static struct str take_word(struct str *s)
{
    struct str word;
    size_t n = 0;

    *s = stats_trim(*s);
    while (n < s->n && s->p[n] != ' ' && s->p[n] != '\t')
        n++;
    word = (struct str){s->p, n};
    *s = (struct str){s->p + n, s->n - n};
    return word;
}

static enum err_code take_number(struct str *s, struct stat_value *out, struct err *e)
{
    struct str word = take_word(s);
    char shown[80];

    if (stat_number(word, out))
        return ERR_OK;
    return err_set(e, ERR_PARSE, "\"%s\", a number should be here",
                   bytes_escape(word.p, word.n, shown, sizeof shown));
}

static enum err_code must_line(struct stats_page *page, struct str *line, const char *what,
                               struct err *e)
{
    if (stats_line(page, line))
        return ERR_OK;
    page->line++;
    return err_set(e, ERR_PARSE, "the end, \"%s\" should be here", what);
}

static enum err_code read_active(struct stats_page *page, struct err *e)
{
    const struct str head = STR("Active connections:");
    struct stat_value v;
    struct str line;

    if (must_line(page, &line, head.p, e) != ERR_OK)
        return e->code;
    if (line.n < head.n || memcmp(line.p, head.p, head.n) != 0)
        return err_set(e, ERR_PARSE, "\"%s\" should be here", head.p);
    line = (struct str){line.p + head.n, line.n - head.n};
    if (take_number(&line, &v, e) != ERR_OK)
        return e->code;
    if (stats_trim(line).n)
        return err_set(e, ERR_PARSE, "text behind the number of connections");
    return stats_add(page, STR("active"), &v, e);
}

/* "server accepts handled requests" and a number for each but the first; forks have more columns.
 */
static enum err_code read_counters(struct stats_page *page, struct err *e)
{
    struct str names, numbers, name;
    struct stat_value v;

    if (must_line(page, &names, "server accepts handled requests", e) != ERR_OK)
        return e->code;
    if (!str_eq(take_word(&names), STR("server")))
        return err_set(e, ERR_PARSE, "\"server accepts handled requests\" should be here");
    if (must_line(page, &numbers, "accepts, handled, requests", e) != ERR_OK)
        return e->code;
    while ((name = take_word(&names)).n)
        if (take_number(&numbers, &v, e) != ERR_OK || stats_add(page, name, &v, e) != ERR_OK)
            return e->code;
    if (stats_trim(numbers).n)
        return err_set(e, ERR_PARSE, "more numbers than names above them");
    return ERR_OK;
}

static enum err_code read_states(struct stats_page *page, struct err *e)
{
    const struct {
        struct str head, name;
    } states[] = {{STR("Reading:"), STR("reading")},
                  {STR("Writing:"), STR("writing")},
                  {STR("Waiting:"), STR("waiting")}};
    struct stat_value v;
    struct str line;

    if (must_line(page, &line, "Reading: Writing: Waiting:", e) != ERR_OK)
        return e->code;
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        if (!str_eq(take_word(&line), states[i].head))
            return err_set(e, ERR_PARSE, "\"%s\" should be here", states[i].head.p);
        if (take_number(&line, &v, e) != ERR_OK || stats_add(page, states[i].name, &v, e) != ERR_OK)
            return e->code;
    }
    return stats_trim(line).n ? err_set(e, ERR_PARSE, "text behind the last number") : ERR_OK;
}

static enum err_code read_stub(struct stats_page *page, struct err *e)
{
    struct str line;

    if (read_active(page, e) != ERR_OK || read_counters(page, e) != ERR_OK ||
        read_states(page, e) != ERR_OK)
        return e->code;
    while (stats_line(page, &line))
        if (stats_trim(line).n)
            return err_set(e, ERR_PARSE, "text behind the status, the page should end here");
    return ERR_OK;
}

enum err_code stats_read_stub_status(struct stats_page *page, struct err *e)
{
    enum err_code rc = read_stub(page, e);

    if (rc != ERR_OK)
        err_wrap(e, "line %u", page->line);
    return rc;
}

/* "0.19%", "18", "491 times, ...": the first word, without what says its unit. */
static bool first_number(struct str text, struct stat_value *out)
{
    struct str word = take_word(&text);

    if (word.n && (word.p[word.n - 1] == '%' || word.p[word.n - 1] == ','))
        word.n--;
    return stat_number(word, out);
}

static enum err_code read_squid_line(struct stats_page *page, struct str line, struct err *e)
{
    const char *equals = memmem(line.p, line.n, " = ", 3), *colon = memchr(line.p, ':', line.n);
    const char *cut = equals ? equals : colon;
    struct str name, text;
    struct stat_value v;

    if (cut) {
        name = stats_trim((struct str){line.p, (size_t)(cut - line.p)});
        cut += equals ? 3 : 1;
        text = (struct str){cut, (size_t)(line.p + line.n - cut)};
        return first_number(text, &v) ? stats_add(page, name, &v, e) : ERR_OK;
    }
    text = line;
    if (!stat_number(take_word(&text), &v)) /* "59 StoreEntries" */
        return err_set(e, ERR_PARSE,
                       "\"name = value\", \"Name: value\" or \"value name\" should be here");
    return stats_add(page, stats_trim(text), &v, e);
}

enum err_code stats_read_squid(struct stats_page *page, struct err *e)
{
    struct str line;

    while (stats_line(page, &line)) {
        line = stats_trim(line);
        if (line.n && read_squid_line(page, line, e) != ERR_OK) {
            err_wrap(e, "line %u", page->line);
            return e->code;
        }
    }
    return ERR_OK;
}
