/* Two kinds of CSV: stats_over_http's two columns, and HAProxy's table with a head. */
#include "router/stats_internal.h"

#include <stdio.h>
#include <string.h>

#define COLUMNS_MAX 512u

enum err_code stats_read_ats_csv(struct stats_page *page, struct err *e)
{
    struct str line;

    while (stats_line(page, &line)) {
        const char *comma = memchr(line.p, ',', line.n);
        struct str name, text;
        struct stat_value v;

        if (!line.n)
            continue;
        if (!comma)
            return err_set(e, ERR_PARSE, "line %u: no comma, \"name,value\" should be here",
                           page->line);
        name = (struct str){line.p, (size_t)(comma - line.p)};
        text = (struct str){comma + 1, line.n - name.n - 1};
        if (stat_number(stats_trim(text), &v) && stats_add(page, name, &v, e) != ERR_OK) {
            err_wrap(e, "line %u", page->line);
            return e->code;
        }
    }
    return ERR_OK;
}

struct table {
    struct str columns[COLUMNS_MAX], fields[COLUMNS_MAX];
    unsigned column_count;
};

/* Up to the quote that closes; a quote within is written twice, and stays so: no number has one. */
static enum err_code quoted(struct stats_page *page, struct str *out, struct err *e)
{
    const char *begin = ++page->at;

    for (; page->at < page->end; page->at++) {
        page->line += *page->at == '\n';
        if (*page->at != '"')
            continue;
        if (page->at + 1 < page->end && page->at[1] == '"') {
            page->at++;
            continue;
        }
        *out = (struct str){begin, (size_t)(page->at++ - begin)};
        return ERR_OK;
    }
    return err_set(e, ERR_PARSE, "a quote that is not closed");
}

static bool at_line_end(const struct stats_page *page)
{
    return page->at < page->end && (*page->at == '\n' || *page->at == '\r');
}

static enum err_code field(struct stats_page *page, struct str *out, struct err *e)
{
    const char *begin = page->at;

    if (page->at < page->end && *page->at == '"') {
        if (quoted(page, out, e) != ERR_OK)
            return e->code;
        if (page->at < page->end && *page->at != ',' && !at_line_end(page))
            return err_set(e, ERR_PARSE, "text behind a quote, a comma should be here");
        return ERR_OK;
    }
    while (page->at < page->end && *page->at != ',' && !at_line_end(page))
        page->at++;
    *out = (struct str){begin, (size_t)(page->at - begin)};
    return ERR_OK;
}

/* One row, which a quoted field may carry over several lines. */
static enum err_code row(struct stats_page *page, struct str fields[COLUMNS_MAX], unsigned *count,
                         struct err *e)
{
    *count = 0;
    for (;;) {
        if (*count == COLUMNS_MAX)
            return err_set(e, ERR_LIMIT, "more than %u columns", COLUMNS_MAX);
        if (field(page, &fields[(*count)++], e) != ERR_OK)
            return e->code;
        if (page->at == page->end)
            return ERR_OK;
        if (*page->at == ',') {
            page->at++;
            continue;
        }
        page->at += page->end - page->at > 1 && page->at[0] == '\r' && page->at[1] == '\n';
        page->at++;
        return ERR_OK;
    }
}

/* Whether it takes traffic. A frontend that is FULL does, and makes it wait; servers in MAINT,
 * DRAIN, NOLB or DOWN get nothing new, though "UP 1/3", on its way down, does. */
static bool takes_traffic(struct str status)
{
    return str_eq(status, STR("OPEN")) || str_eq(status, STR("FULL")) ||
           str_eq(status, STR("no check")) || str_eq(status, STR("UP")) ||
           (status.n > 3 && memcmp(status.p, "UP ", 3) == 0);
}

/* "proxy.server.column" */
static enum err_code add(struct stats_page *page, const struct table *t, unsigned column,
                         const struct stat_value *v, struct err *e)
{
    const struct str *parts[3] = {&t->fields[0], &t->fields[1], &t->columns[column]};
    char name[STATS_NAME_MAX];
    size_t n = 0;

    for (unsigned i = 0; i < 3; i++) {
        if (n + (i > 0) + parts[i]->n > sizeof name)
            return err_set(e, ERR_LIMIT, "a name of more than %u bytes", STATS_NAME_MAX);
        if (i > 0)
            name[n++] = '.';
        memcpy(name + n, parts[i]->p, parts[i]->n);
        n += parts[i]->n;
    }
    return stats_add(page, (struct str){name, n}, v, e);
}

static enum err_code read_row(struct stats_page *page, struct table *t, struct err *e)
{
    unsigned count;

    if (row(page, t->fields, &count, e) != ERR_OK)
        return e->code;
    if (count == 1 && t->fields[0].n == 0)
        return ERR_OK; /* the empty line at the end of show stat */
    if (count != t->column_count)
        return err_set(e, ERR_PARSE, "%u fields, %u as in the head should be here", count,
                       t->column_count);
    for (unsigned i = 2; i < count; i++) {
        struct str text = t->fields[i], column = t->columns[i];
        struct stat_value v = {.kind = STAT_UINT};

        if (text.n == 0 || column.n == 0)
            continue;
        if (str_eq(column, STR("status")))
            v.u = takes_traffic(text);
        else if (!stat_number(text, &v))
            continue;
        if (add(page, t, i, &v, e) != ERR_OK)
            return e->code;
    }
    return ERR_OK;
}

static enum err_code read_head(struct stats_page *page, struct table *t, struct err *e)
{
    if (row(page, t->columns, &t->column_count, e) != ERR_OK)
        return e->code;
    if (t->column_count < 3 || !str_eq(t->columns[0], STR("# pxname")) ||
        !str_eq(t->columns[1], STR("svname")))
        return err_set(e, ERR_PARSE, "\"# pxname,svname,...\" should be here");
    return ERR_OK;
}

enum err_code stats_read_haproxy_csv(struct stats_page *page, struct err *e)
{
    UNINITIALIZED struct table t;
    uint32_t line = page->line = 1;
    enum err_code rc = read_head(page, &t, e);

    while (rc == ERR_OK && page->at < page->end) {
        line = ++page->line;
        rc = read_row(page, &t, e);
    }
    if (rc != ERR_OK)
        err_wrap(e, "line %u", line);
    return rc;
}
