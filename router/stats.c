#include "router/stats.h"

#include <stdlib.h>
#include <string.h>

#include "router/stats_internal.h"

static const struct {
    const char *name;  /* in configurations */
    const char *title; /* in errors */
    enum err_code (*read)(struct stats_page *page, struct err *e);
} formats[STATS_FORMATS] = {
    [STATS_PROMETHEUS] = {"prometheus", "Prometheus text", stats_read_prometheus},
    [STATS_JSON] = {"json", "JSON", stats_read_json},
    [STATS_ATS_CSV] = {"ats-csv", "the CSV of stats_over_http", stats_read_ats_csv},
    [STATS_HAPROXY_CSV] = {"haproxy-csv", "the CSV of HAProxy", stats_read_haproxy_csv},
    [STATS_STUB_STATUS] = {"stub-status", "nginx's stub_status", stats_read_stub_status},
    [STATS_SQUID_COUNTERS] = {"squid", "Squid's counters", stats_read_squid},
};

const char *stats_format_name(enum stats_format f)
{
    return formats[f].name;
}

bool stats_format_find(struct str name, enum stats_format *out)
{
    for (unsigned f = 0; f < STATS_FORMATS; f++) {
        if (str_eq(name, str_from(formats[f].name))) {
            *out = (enum stats_format)f;
            return true;
        }
    }
    return false;
}

struct str stats_trim(struct str s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t')) {
        s.p++;
        s.n--;
    }
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

bool stats_line(struct stats_page *page, struct str *line)
{
    const char *nl;

    if (page->at == page->end)
        return false;
    nl = memchr(page->at, '\n', (size_t)(page->end - page->at));
    *line = (struct str){page->at, (size_t)(nl - page->at)};
    if (line->n && line->p[line->n - 1] == '\r')
        line->n--;
    page->at = nl + 1;
    page->line++;
    return true;
}

enum err_code stats_add(struct stats_page *page, struct str name, const struct stat_value *v,
                        struct err *e)
{
    struct stats_row row = {.stat.value = *v, .at = page->rows.len / sizeof row};

    if (name.n == 0)
        return err_set(e, ERR_PARSE, "a number without a name");
    if (name.n > STATS_NAME_MAX)
        return err_set(e, ERR_LIMIT, "a name of more than %u bytes", STATS_NAME_MAX);
    if (row.at >= STATS_MAX)
        return err_set(e, ERR_LIMIT, "more than %u numbers", STATS_MAX);
    row.stat.name = (struct str){arena_strndup(page->arena, name.p, name.n), name.n};
    if (!row.stat.name.p || !bytes_add(&page->rows, &row, sizeof row))
        return err_set(e, ERR_LIMIT, "no memory for %zu numbers", row.at + 1);
    return ERR_OK;
}

/* Readers walk whole lines of bounded length without NULs. */
static enum err_code check_text(const char *p, size_t n, struct err *e)
{
    const char *end = p + n, *nul = memchr(p, '\0', n);
    uint32_t line = 1;

    for (const char *nl; p < end; p = nl + 1, line++) {
        nl = memchr(p, '\n', (size_t)(end - p));
        if (nul && (!nl || nul < nl))
            return err_set(e, ERR_PARSE, "line %u: a NUL byte, text should be here", line);
        if ((size_t)((nl ? nl : end) - p) > STATS_LINE_MAX)
            return err_set(e, ERR_LIMIT, "line %u: more than %zu bytes", line, STATS_LINE_MAX);
        if (!nl)
            return err_set(e, ERR_PARSE, "line %u: has no end, the page is cut off", line);
    }
    return ERR_OK;
}

static bool begins(struct str s, const char *with)
{
    size_t n = strlen(with);

    return s.n >= n && memcmp(s.p, with, n) == 0;
}

/* A page that shows in its first bytes that it is something else; the commonest mistake is a path
 * that answers with a page for people. */
static enum err_code check_kind(enum stats_format f, struct str page, struct err *e)
{
    static const struct {
        const char *begin, *title;
        int is; /* a format, or -1 */
    } kinds[] = {
        {"<", "HTML", -1},
        {"\x1f\x8b", "compressed with gzip", -1},
        {"{", "JSON", STATS_JSON},
        {"[", "JSON", STATS_JSON},
        {"# HELP ", "Prometheus text", STATS_PROMETHEUS},
        {"# TYPE ", "Prometheus text", STATS_PROMETHEUS},
        {"# pxname,", "the CSV of HAProxy", STATS_HAPROXY_CSV},
        {"Active connections:", "nginx's stub_status", STATS_STUB_STATUS},
        {"client_http.", "Squid's counters", STATS_SQUID_COUNTERS},
        {"sample_time = ", "Squid's counters", STATS_SQUID_COUNTERS},
        {"Squid Object Cache:", "Squid's mgr:info", STATS_SQUID_COUNTERS},
    };
    uint32_t line = 1;

    if (begins(page, "\xef\xbb\xbf"))
        page = (struct str){page.p + 3, page.n - 3};
    while (page.n && strchr(" \t\r\n", page.p[0]) && page.p[0]) {
        line += page.p[0] == '\n';
        page = (struct str){page.p + 1, page.n - 1};
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].is != (int)f && begins(page, kinds[i].begin))
            return err_set(e, ERR_PARSE, "line %u: this is %s, not %s", line, kinds[i].title,
                           formats[f].title);
    return ERR_OK;
}

static int row_cmp(const void *a, const void *b)
{
    const struct stats_row *x = a, *y = b;
    int c = str_cmp(x->stat.name, y->stat.name);

    return c ? c : (x->at > y->at) - (x->at < y->at);
}

static enum err_code finish(struct stats_page *page, struct stats *out, struct err *e)
{
    struct stats_row *rows = (struct stats_row *)(void *)page->rows.data;
    size_t n = page->rows.len / sizeof *rows, count = 0;
    struct stats_item *items;

    if (n == 0)
        return err_set(e, ERR_PARSE, "line %u: the end without a number, statistics should be here",
                       page->line ? page->line : 1);
    qsort(rows, n, sizeof *rows, row_cmp);
    items = arena_array(page->arena, n, sizeof *items);
    if (!items)
        return err_set(e, ERR_LIMIT, "no memory for %zu numbers", n);
    for (size_t i = 0; i < n; i++)
        if (i + 1 == n || !str_eq(rows[i].stat.name, rows[i + 1].stat.name))
            items[count++] = rows[i].stat;
    *out = (struct stats){items, count};
    return ERR_OK;
}

enum err_code stats_parse(enum stats_format f, const char *p, size_t n, struct arena *arena,
                          struct stats *out, struct err *e)
{
    struct stats_page page = {.arena = arena};
    struct err own = {0};
    enum err_code rc;

    p = n ? p : ""; /* nobody may count from NULL */
    page.at = p;
    page.end = p + n;
    e = e ? e : &own; /* readers look at it */
    *out = (struct stats){0};
    if (n > STATS_BYTES_MAX)
        return err_set(e, ERR_LIMIT, "%zu bytes, at most %zu", n, STATS_BYTES_MAX);
    rc = check_kind(f, (struct str){p, n}, e);
    if (rc == ERR_OK && f != STATS_JSON)
        rc = check_text(p, n, e);
    if (rc == ERR_OK)
        rc = formats[f].read(&page, e);
    if (rc == ERR_OK)
        rc = finish(&page, out, e);
    bytes_free(&page.rows);
    return rc;
}

static int stat_cmp(const void *name, const void *item)
{
    return str_cmp(*(const struct str *)name, ((const struct stats_item *)item)->name);
}

const struct stats_item *stats_find(const struct stats *s, struct str name)
{
    return s->count ? bsearch(&name, s->items, s->count, sizeof *s->items, stat_cmp) : NULL;
}
