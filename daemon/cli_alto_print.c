/* What ALTO servers answer, as tables. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alto/multipart.h"
#include "base/jsonin.h"
#include "daemon/cli_alto.h"
#include "daemon/cli_alto_strict.h"
#include "daemon/cli_table.h"

#define ROWS_MAX   50u /* without --all */
#define MATRIX_MAX 8u  /* PIDs, for costs to be shown as a matrix */

struct rows {
    const struct cli_alto *a;
    struct table t;
    size_t left_out;
};

static void rows_begin(struct rows *r, const struct cli_alto *a, const char *head)
{
    *r = (struct rows){.a = a};
    table_init(&r->t, head);
    r->t.no_head = a->no_head;
}

static void rows_add(struct rows *r, const char *const *cells)
{
    if (!r->a->all && r->t.rows > ROWS_MAX)
        r->left_out++;
    else
        table_row(&r->t, cells);
}

static void rows_end(struct rows *r)
{
    table_print(&r->t, stdout);
    if (r->left_out)
        printf("and %zu more (--all shows them)\n", r->left_out);
    table_fini(&r->t);
}

/* Peers' text goes to a terminal: without control characters. */
static const char *clean(const char *text, char *out, size_t size)
{
    size_t n = 0;

    for (; text && *text && n + 1 < size; text++)
        out[n++] = (unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text;
    out[n] = '\0';
    if (text && *text && size > 4)
        memcpy(out + size - 4, "...", 4);
    return out;
}

/* A value as it stands in JSON, strings without their quotes. */
static const char *show(const json_t *v, char *out, size_t size)
{
    char *text;

    if (json_is_string(v))
        return clean(json_string_value(v), out, size);
    text = v ? json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(9)) : NULL;
    clean(text ? text : "-", out, size);
    free(text);
    return out;
}

static const json_t *member(const json_t *o, const char *key)
{
    return json_object_get(o, key);
}

static void print_type(const json_t *type)
{
    char mode[40], metric[40];

    printf("%s %s", show(member(type, "cost-mode"), mode, sizeof mode),
           show(member(type, "cost-metric"), metric, sizeof metric));
}

static void print_vtag(const char *what, const json_t *v)
{
    char id[72], tag[72];

    printf("%s %s, tag %s\n", what, show(member(v, "resource-id"), id, sizeof id),
           show(member(v, "tag"), tag, sizeof tag));
}

/* What the answer says of itself. */
static void print_meta(const struct cli_alto *a, const json_t *doc)
{
    const json_t *meta = member(doc, "meta"), *types = member(meta, "multi-cost-types"), *v;
    size_t i;

    if (a->no_head)
        return;
    if (member(meta, "vtag"))
        print_vtag("resource", member(meta, "vtag"));
    if (member(member(meta, "cost-type"), "cost-mode")) {
        fputs("cost ", stdout);
        print_type(member(meta, "cost-type"));
        putchar('\n');
    }
    json_array_foreach(types, i, v)
    {
        fputs(i ? ", " : "costs ", stdout);
        print_type(v);
    }
    if (json_array_size(types))
        putchar('\n');
    json_array_foreach(member(meta, "dependent-vtags"), i, v)
    {
        print_vtag("of", v);
    }
}

static void print_network(const struct cli_alto *a, json_t *doc)
{
    struct rows r;
    const char *pid, *type;
    json_t *groups, *list, *v;
    size_t i;

    rows_begin(&r, a, "PID|>prefixes|of them");
    json_object_foreach(json_object_get(doc, "network-map"), pid, groups)
    {
        char name[72], count[24], some[TABLE_CELL_MAX] = "", one[64];
        size_t n = 0;

        json_object_foreach(groups, type, list)
        {
            n += json_array_size(list);
            json_array_foreach(list, i, v)
            {
                const size_t at = strlen(some);

                if (at + 8 < sizeof some)
                    snprintf(some + at, sizeof some - at, "%s%s", at ? " " : "",
                             show(v, one, sizeof one));
            }
        }
        if (strlen(some) + 1 == sizeof some)
            memcpy(some + sizeof some - 4, "...", 4);
        snprintf(count, sizeof count, "%zu", n);
        rows_add(&r, (const char *[]){clean(pid, name, sizeof name), count, *some ? some : NULL});
    }
    rows_end(&r);
}

/* Few PIDs: rows are sources, columns destinations. */
static void print_matrix(const struct cli_alto *a, json_t *map)
{
    char head[1024] = "from \\ to", cells[MATRIX_MAX + 1][TABLE_CELL_MAX];
    const char *row[MATRIX_MAX + 1], *src, *dst;
    struct rows r;
    json_t *costs, *unused;

    json_object_foreach(map, dst, unused)
    {
        const size_t n = strlen(head);
        char name[72];

        (void)unused;
        snprintf(head + n, sizeof head - n, "|>%s", clean(dst, name, sizeof name));
    }
    rows_begin(&r, a, head);
    json_object_foreach(map, src, costs)
    {
        size_t k = 1;

        row[0] = clean(src, cells[0], sizeof cells[0]);
        json_object_foreach(map, dst, unused)
        {
            row[k] = show(member(costs, dst), cells[k], sizeof cells[k]);
            k++;
        }
        rows_add(&r, row);
    }
    rows_end(&r);
}

static bool is_matrix(json_t *map)
{
    const char *src, *dst;
    json_t *costs, *v;

    if (json_object_size(map) < 2 || json_object_size(map) > MATRIX_MAX)
        return false;
    json_object_foreach(map, src, costs)
    {
        json_object_foreach(costs, dst, v)
        {
            if (!member(map, dst) || !json_is_number(v) || strchr(dst, '|'))
                return false;
        }
    }
    return true;
}

static void print_costs(const struct cli_alto *a, json_t *map)
{
    const char *src, *dst;
    struct rows r;
    json_t *costs, *v;

    if (is_matrix(map)) {
        print_matrix(a, map);
        return;
    }
    rows_begin(&r, a, "from|to|>cost");
    json_object_foreach(map, src, costs)
    {
        json_object_foreach(costs, dst, v)
        {
            char from[72], to[72], cost[TABLE_CELL_MAX];

            rows_add(&r, (const char *[]){clean(src, from, sizeof from), clean(dst, to, sizeof to),
                                          show(v, cost, sizeof cost)});
        }
    }
    rows_end(&r);
}

static void print_properties(const struct cli_alto *a, json_t *map)
{
    const char *entity, *name;
    struct rows r;
    json_t *props, *v;

    rows_begin(&r, a, "entity|property|value");
    json_object_foreach(map, entity, props)
    {
        char who[72], what[72], value[TABLE_CELL_MAX];

        json_object_foreach(props, name, v)
        {
            rows_add(&r, (const char *[]){clean(entity, who, sizeof who),
                                          clean(name, what, sizeof what),
                                          show(v, value, sizeof value)});
        }
        if (json_object_size(props) == 0)
            rows_add(&r, (const char *[]){clean(entity, who, sizeof who), NULL, NULL});
    }
    rows_end(&r);
}

static void print_cdni(const struct cli_alto *a, const json_t *doc)
{
    const json_t *list = member(member(doc, "cdni-advertisement"), "capabilities-with-footprints");
    struct rows r;
    size_t i;
    json_t *v;

    rows_begin(&r, a, "capability|value|footprints");
    json_array_foreach(list, i, v)
    {
        const json_t *where = member(v, "footprints");
        char type[72], value[TABLE_CELL_MAX], prints[TABLE_CELL_MAX];

        rows_add(&r, (const char *[]){show(member(v, "capability-type"), type, sizeof type),
                                      show(member(v, "capability-value"), value, sizeof value),
                                      json_array_size(where) ? show(where, prints, sizeof prints)
                                                             : "everywhere"});
    }
    rows_end(&r);
}

static enum err_code load(const struct cli_alto *a, struct str body, json_t **out, struct err *e)
{
    json_error_t where;

    if (!a->lenient)
        return jsonin_load(body.p, body.n, out, e);
    *out = json_loadb(body.p, body.n, 0, &where);
    return *out ? ERR_OK : err_set(e, ERR_PARSE, "the answer is no JSON: %s", where.text);
}

static enum err_code print_one(const struct cli_alto *a, struct str body, struct err *e)
{
    static const char *const maps[] = {"cost-map", "endpoint-cost-map", "property-map",
                                       "endpoint-properties"};
    json_t *doc = NULL;
    enum err_code rc = load(a, body, &doc, e);
    size_t i = 0;

    if (rc != ERR_OK)
        return rc;
    while (i < 4 && !json_is_object(member(doc, maps[i])))
        i++;
    if (i == 3 && !a->lenient)
        rc = cli_alto_strict_properties(json_object_get(doc, maps[i]), e);
    if (rc != ERR_OK) {
        json_decref(doc);
        return rc;
    }
    print_meta(a, doc);
    if (json_is_object(member(doc, "network-map")))
        print_network(a, doc);
    else if (i < 2)
        print_costs(a, json_object_get(doc, maps[i]));
    else if (i < 4)
        print_properties(a, json_object_get(doc, maps[i]));
    else if (member(doc, "cdni-advertisement"))
        print_cdni(a, doc);
    else
        rc = err_set(e, ERR_PARSE, "the answer has no member that is known here; --json shows it");
    json_decref(doc);
    return rc;
}

enum err_code cli_alto_print(const struct cli_alto *a, struct str type, struct str body,
                             struct err *e)
{
    static const char multipart[] = "multipart/";
    struct multipart *m;
    enum err_code rc;

    if (a->json) {
        fwrite(body.p, 1, body.n, stdout);
        if (body.n && body.p[body.n - 1] != '\n')
            putchar('\n');
        return ERR_OK;
    }
    if (type.n < sizeof multipart ||
        !str_eq_nocase((struct str){type.p, sizeof multipart - 1}, STR("multipart/")))
        return print_one(a, body, e);
    m = calloc(1, sizeof *m);
    if (!m)
        return err_set(e, ERR_LIMIT, "no memory left for an answer");
    rc = multipart_read(type, body, a->lenient, m, e);
    if (rc == ERR_OK && !a->lenient)
        rc = cli_alto_strict_paths(m, e);
    for (size_t i = 0; i < m->part_count && rc == ERR_OK; i++) {
        if (i)
            putchar('\n');
        rc = print_one(a, m->parts[i].body, e);
    }
    free(m);
    return rc;
}
