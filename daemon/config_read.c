#include "daemon/config_read.h"

#include <stdio.h>
#include <string.h>

#include "base/suggest.h"

char *config_at_format(const struct config_at *at, char *out, size_t size)
{
    const struct config_at *chain[CONFIG_DEPTH_MAX + 2];
    size_t depth = 0, o = 0;

    for (; at && depth < sizeof chain / sizeof chain[0]; at = at->up)
        chain[depth++] = at;
    out[0] = '\0';
    while (depth-- > 0 && o < size) {
        const struct config_at *a = chain[depth];
        int n = a->key.n
                    ? snprintf(out + o, size - o, "%s%.*s", o ? "." : "", (int)a->key.n, a->key.p)
                    : snprintf(out + o, size - o, "[%zu]", a->index);

        o += n > 0 ? (size_t)n : 0;
    }
    return out;
}

static struct place place_of(yaml_mark_t m)
{
    return (struct place){(uint32_t)m.line + 1, (uint32_t)m.column + 1};
}

struct place config_tree_place(const yaml_node_t *node)
{
    return node ? place_of(node->start_mark) : (struct place){0, 0};
}

static struct str node_text(const yaml_node_t *node)
{
    return (struct str){(const char *)node->data.scalar.value, node->data.scalar.length};
}

/* Nothing was written, or YAML's words for nothing. */
static bool is_null(const yaml_node_t *node)
{
    struct str t;

    if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    t = node_text(node);
    return t.n == 0 || str_eq(t, STR("~")) || str_eq(t, STR("null"));
}

yaml_node_t *config_tree_root(struct config_tree *t)
{
    return t->loaded ? yaml_document_get_root_node(&t->document) : NULL;
}

yaml_node_t *config_tree_key(struct config_tree *t, yaml_node_t *node, const char *key)
{
    if (!node || node->type != YAML_MAPPING_NODE)
        return NULL;
    for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top;
         p++) {
        yaml_node_t *k = yaml_document_get_node(&t->document, p->key);

        if (k->type == YAML_SCALAR_NODE && str_eq(node_text(k), str_from(key)))
            return yaml_document_get_node(&t->document, p->value);
    }
    return NULL;
}

yaml_node_t *config_tree_item(struct config_tree *t, yaml_node_t *node, size_t i)
{
    if (!node || node->type != YAML_SEQUENCE_NODE ||
        i >= (size_t)(node->data.sequence.items.top - node->data.sequence.items.start))
        return NULL;
    return yaml_document_get_node(&t->document, node->data.sequence.items.start[i]);
}

/* The guard: a first pass over the events, before a tree is built, so that nothing in the text can
 * make the tree large, deep or shared. */

struct guard {
    const struct schema *schema;
    struct problem_sink *problems;
    unsigned depth, documents;
    size_t nodes;
    bool deep;
};

static void guard_anchor(struct guard *g, const yaml_event_t *ev, const yaml_char_t *anchor,
                         const yaml_char_t *tag)
{
    char show[TEXT_QUOTE_MAX];

    if (anchor)
        problem_error(g->problems, place_of(ev->start_mark),
                      "the anchor &%s has no use here; write values out, or %s",
                      text_quote(str_from((const char *)anchor), show), g->schema->share);
    if (tag)
        problem_error(g->problems, place_of(ev->start_mark),
                      "the tag \"%s\" has no meaning here; remove it",
                      text_quote(str_from((const char *)tag), show));
}

static void guard_open(struct guard *g, const yaml_event_t *ev)
{
    if (++g->depth > CONFIG_DEPTH_MAX && !g->deep) {
        g->deep = true;
        problem_error(g->problems, place_of(ev->start_mark),
                      "more than %u lists and mappings in each other; no key is so deep",
                      CONFIG_DEPTH_MAX);
    }
}

static void guard_event(struct guard *g, const yaml_event_t *ev)
{
    char show[TEXT_QUOTE_MAX];

    switch (ev->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (++g->documents == 2)
            problem_error(g->problems, place_of(ev->start_mark),
                          "a second document begins here; a configuration is one document, so "
                          "remove the line ---");
        break;
    case YAML_ALIAS_EVENT:
        problem_error(g->problems, place_of(ev->start_mark),
                      "the alias *%s has no use here; write the value out, or %s",
                      text_quote(str_from((const char *)ev->data.alias.anchor), show),
                      g->schema->share);
        break;
    case YAML_SCALAR_EVENT:
        g->nodes++;
        guard_anchor(g, ev, ev->data.scalar.anchor, ev->data.scalar.tag);
        break;
    case YAML_SEQUENCE_START_EVENT:
        g->nodes++;
        guard_open(g, ev);
        guard_anchor(g, ev, ev->data.sequence_start.anchor, ev->data.sequence_start.tag);
        break;
    case YAML_MAPPING_START_EVENT:
        g->nodes++;
        guard_open(g, ev);
        guard_anchor(g, ev, ev->data.mapping_start.anchor, ev->data.mapping_start.tag);
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        g->depth--;
        break;
    default:
        break;
    }
}

static bool parser_start(yaml_parser_t *p, struct str text)
{
    if (!yaml_parser_initialize(p))
        return false;
    yaml_parser_set_encoding(p, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(p, (const unsigned char *)text.p, text.n);
    return true;
}

/* Bytes of the text from a mark on: libyaml's index counts characters, so by line and column. Exact
 * where the line has ASCII in front, which is enough for a hint. */
static struct str text_from(struct str text, yaml_mark_t m)
{
    size_t line = 0, i = 0;

    for (; i < text.n && line < m.line; i++)
        line += text.p[i] == '\n';
    i = m.column < text.n - i ? i + m.column : text.n;
    return (struct str){text.p + i, text.n - i};
}

static void grammar_problem(struct problem_sink *s, const yaml_parser_t *p, const char *why)
{
    const struct place place = place_of(p->problem_mark);
    const struct str rest = text_from(s->text, p->problem_mark);

    if (rest.n && rest.p[0] == '\t')
        problem_error(s, place, "YAML: a tab cannot indent; write spaces instead");
    else if (strcmp(why, "mapping values are not allowed in this context") == 0)
        problem_error(s, place,
                      "YAML: a second colon in one value, or a line indented too far; put a text "
                      "with a colon in quotes");
    else if (rest.n && rest.p[0] == ':')
        problem_error(s, place,
                      "YAML: a value cannot begin with a colon; put an IPv6 address in quotes, as "
                      "in \"[::1]:80\"");
    else if (rest.n == 0)
        problem_error(s, place, "YAML: the file ends within a list, a mapping or a quoted text");
    else if (p->context && p->context_mark.line != p->problem_mark.line)
        problem_error(s, place, "YAML: %s, %s that began in line %zu", why, p->context,
                      p->context_mark.line + 1);
    else
        problem_error(s, place, "YAML: %s%s%s", why, p->context ? ", " : "",
                      p->context ? p->context : "");
}

static void syntax_problem(struct problem_sink *s, const yaml_parser_t *p)
{
    const char *why = p->problem ? p->problem : "cannot be parsed";

    switch (p->error) {
    case YAML_READER_ERROR:
        problem_error(s, place_of_offset(s->text, p->problem_offset), "YAML: %s (byte %zu)", why,
                      p->problem_offset);
        break;
    case YAML_SCANNER_ERROR:
    case YAML_PARSER_ERROR:
        grammar_problem(s, p, why);
        break;
    default:
        problem_error(s, (struct place){0, 0}, "YAML: %s", why);
    }
}

/* ERR_OK: a tree may be built. */
static enum err_code guard_run(const struct schema *schema, struct problem_sink *problems,
                               struct str text, struct err *e)
{
    struct guard g = {.schema = schema, .problems = problems};
    yaml_parser_t parser;
    bool end = false;

    if (!parser_start(&parser, text))
        return err_set(e, ERR_LIMIT, "no memory for the configuration");
    while (!end && !g.deep && g.nodes <= CONFIG_NODES_MAX) {
        yaml_event_t ev;

        if (!yaml_parser_parse(&parser, &ev)) {
            syntax_problem(problems, &parser);
            break;
        }
        guard_event(&g, &ev);
        end = ev.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&ev);
    }
    yaml_parser_delete(&parser);
    if (g.nodes > CONFIG_NODES_MAX)
        problem_error(problems, (struct place){0, 0}, "more than %u values", CONFIG_NODES_MAX);
    else if (end && g.documents == 0)
        problem_error(problems, (struct place){0, 0}, "%s", schema->when_empty);
    return problems->errors ? err_set(e, ERR_PARSE, "the configuration is not well formed")
                            : ERR_OK;
}

/* The reader. */

struct reader {
    struct config_tree *tree;
    struct problem_sink *problems;
    const struct schema *schema;
    char *root;
    bool out_of_memory;
};

static void at_error(struct reader *r, const struct config_at *at, struct place place,
                     const char *text)
{
    char path[CONFIG_AT_MAX];

    config_at_format(at, path, sizeof path);
    problem_error(r->problems, place, "%s%s%s", path, path[0] ? ": " : "", text);
}

static void put_pointer(char *record, uint32_t offset, void *p)
{
    memcpy(record + offset, &p, sizeof p);
}

static void put_count(char *record, uint32_t offset, size_t n)
{
    memcpy(record + offset, &n, sizeof n);
}

static void read_row(struct reader *r, const struct config_at *at, const struct schema_row *row,
                     yaml_node_t *node, char *record);

/* [] or ["one item"]: the defaults that lists have. */
static void default_list(struct reader *r, const struct schema_row *row, char *record)
{
    size_t n = strlen(row->default_text);
    void *items;

    if (n <= 4)
        return;
    items = arena_array(r->problems->arena, 1, row->size);
    if (!items || value_set(&r->tree->values, row, (struct str){row->default_text + 2, n - 4},
                            items, NULL) != ERR_OK) {
        r->out_of_memory = true;
        return;
    }
    put_pointer(record, row->offset, items);
    put_count(record, row->count_offset, 1);
}

/* Sets a group's fields to what they are when nothing is written. */
static void defaults_set(struct reader *r, const struct schema_row *group, char *record)
{
    const struct schema_row *row = NULL;

    while ((row = schema_next(r->schema, group, row))) {
        if (row->type == SCHEMA_GROUP && row->inherit) {
            memcpy(record + row->offset, r->root + row->inherit, row->size);
        } else if (row->type == SCHEMA_GROUP) {
            defaults_set(r, row, record + row->offset);
        } else if (row->default_text && row->default_text[0] == '[') {
            default_list(r, row, record);
        } else if (row->default_text && row->default_text[0] != '(') {
            if (value_set(&r->tree->values, row, str_from(row->default_text), record + row->offset,
                          NULL) != ERR_OK)
                r->out_of_memory = true; /* a test shows that every default can be read */
        }
    }
}

/* Where else a key of that name is: below the group rather than anywhere. */
static const struct schema_row *key_elsewhere(const struct schema *s,
                                              const struct schema_row *group, struct str key)
{
    const struct schema_row *any = NULL;

    for (const struct schema_row *row = s->rows; row < s->rows + s->count; row++) {
        if (!str_eq(schema_key(row), key))
            continue;
        if (group && strncmp(row->path, group->path, strlen(group->path)) == 0)
            return row;
        if (!any)
            any = row;
    }
    return any;
}

/* Sentence for a key that the mapping does not have. Returns the row that was meant, if it is
 * plain which. */
static const struct schema_row *unknown_key(struct reader *r, const struct config_at *at,
                                            const struct schema_row *group, struct str key,
                                            struct place place)
{
    const struct schema_row *row = NULL;
    char text[900], known[700] = "", hint[SUGGEST_TEXT_MAX];
    struct suggest near;

    if (problem_sink_full(r->problems)) { /* it is counted, so it need not be a good sentence */
        at_error(r, at, place, "unknown key");
        return NULL;
    }
    suggest_init(&near, key);
    while ((row = schema_next(r->schema, group, row))) {
        struct str k = schema_key(row);
        size_t have = strlen(known);

        suggest_offer(&near, k);
        snprintf(known + have, sizeof known - have, "%s%.*s", have ? ", " : "", (int)k.n, k.p);
    }
    row = key_elsewhere(r->schema, group, key);
    if (near.best.n)
        snprintf(text, sizeof text, "unknown key%s", suggest_format(&near, hint));
    else if (row)
        snprintf(text, sizeof text, "unknown key here; there is %s", row->path);
    else
        snprintf(text, sizeof text, "unknown key; there are %s", known);
    at_error(r, at, place, text);
    return near.best.n ? schema_find(r->schema, group, near.best) : NULL;
}

#define GROUP_KEYS_MAX 64u

/* What a mapping has for the rows of its group, in their order. */
struct group_values {
    yaml_node_t *node[GROUP_KEYS_MAX];
    const struct schema_row *meant; /* by a key that was misspelt: not missing as well */
};

/* Finds the value of each row of a group among the pairs: unknown and doubled keys are problems. */
static void keys_match(struct reader *r, const struct config_at *at, const struct schema_row *group,
                       yaml_node_t *mapping, struct group_values *values)
{
    yaml_document_t *doc = &r->tree->document;
    struct place first[GROUP_KEYS_MAX];

    memset(first, 0, sizeof first);
    for (yaml_node_pair_t *p = mapping->data.mapping.pairs.start;
         p < mapping->data.mapping.pairs.top; p++) {
        yaml_node_t *k = yaml_document_get_node(doc, p->key);
        const struct place place = config_tree_place(k);
        const struct schema_row *row = NULL;
        char show[TEXT_QUOTE_MAX], text[80];
        struct config_at here = {.up = at};
        unsigned i = 0;

        if (k->type != YAML_SCALAR_NODE) {
            at_error(r, at, place, "a key is a word, not a list or a mapping");
            continue;
        }
        here.key = str_from(text_quote(node_text(k), show));
        if (here.key.n == 0)
            here.key = STR("\"\"");
        while ((row = schema_next(r->schema, group, row)) && !str_eq(schema_key(row), node_text(k)))
            i++;
        if (!row) {
            row = unknown_key(r, &here, group, node_text(k), place);
            if (row && row->required)
                values->meant = row;
        } else if (values->node[i]) {
            snprintf(text, sizeof text, "stands here twice; the first is in line %u",
                     first[i].line);
            at_error(r, &here, place, text);
        } else {
            values->node[i] = yaml_document_get_node(doc, p->value);
            first[i] = place;
        }
    }
}

static void wrong_kind(struct reader *r, const struct config_at *at, const struct schema_row *row,
                       bool item, const yaml_node_t *node)
{
    const char *is = node->type == YAML_MAPPING_NODE    ? "is a mapping"
                     : node->type == YAML_SEQUENCE_NODE ? "is a list"
                     : is_null(node)                    ? "has no value"
                                                        : "is a single value";
    const bool one = item || (!row->list && row->type != SCHEMA_RECORDS);
    const struct schema_row as = {.type = item && row->type == SCHEMA_RECORDS ? SCHEMA_GROUP
                                                                              : row->type,
                                  .list = !one && row->list};
    char text[300];

    if (row->type == SCHEMA_LISTEN && item && node->type == YAML_SEQUENCE_NODE)
        snprintf(text, sizeof text, "is a list; put an IPv6 address in quotes, as in \"[::1]:80\"");
    else if (!one && node->type == YAML_SCALAR_NODE && !is_null(node))
        snprintf(text, sizeof text, "is a single value, should be %s; write it in brackets",
                 schema_type_name(&as));
    else if (is_null(node) && !one)
        snprintf(text, sizeof text, "has no value; write %s, or [] for none",
                 schema_type_name(&as));
    else
        snprintf(text, sizeof text, "%s, should be %s", is, schema_type_name(&as));
    at_error(r, at, config_tree_place(node), text);
}

static void read_group(struct reader *r, const struct config_at *at, const struct schema_row *group,
                       yaml_node_t *node, char *record)
{
    struct group_values values = {.meant = NULL};
    const struct schema_row *row = NULL;

    if (!is_null(node))
        keys_match(r, at, group, node, &values);
    for (unsigned i = 0; (row = schema_next(r->schema, group, row)); i++) {
        struct config_at here = {.up = at, .key = schema_key(row)};

        if (values.node[i]) {
            read_row(r, &here, row, values.node[i], record);
        } else if (row->required && row != values.meant) {
            char text[200];

            snprintf(text, sizeof text, "is missing; add %.*s: %s", (int)here.key.n, here.key.p,
                     row->example ? row->example : "with one item or more");
            at_error(r, &here, config_tree_place(node), text);
        }
    }
}

static void read_scalar(struct reader *r, const struct config_at *at, const struct schema_row *row,
                        bool item, yaml_node_t *node, char *field)
{
    struct err e = {0};

    if (node->type != YAML_SCALAR_NODE || is_null(node)) {
        wrong_kind(r, at, row, item, node);
        return;
    }
    switch (value_set(&r->tree->values, row, node_text(node), field, &e)) {
    case ERR_OK:
        break;
    case ERR_LIMIT:
        r->out_of_memory = true;
        break;
    default:
        at_error(r, at, config_tree_place(node), e.text);
    }
}

/* Where the items go; out_of_memory when there is no room for them. */
static char *list_start(struct reader *r, const struct schema_row *row, size_t n, char *record)
{
    char *items;

    if (row->in_place) {
        memset(record + row->offset, 0, (size_t)row->size * row->items_max);
        return record + row->offset;
    }
    items = arena_array(r->problems->arena, n, row->size);
    if (items) {
        put_pointer(record, row->offset, items);
        put_count(record, row->count_offset, n);
    } else {
        r->out_of_memory = true;
    }
    return items;
}

/* Every item gets its record, good or not, so that record i is item i. */
static void read_list(struct reader *r, const struct config_at *at, const struct schema_row *row,
                      yaml_node_t *node, char *record)
{
    char *items;
    size_t n;

    if (node->type != YAML_SEQUENCE_NODE) {
        wrong_kind(r, at, row, false, node);
        return;
    }
    n = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    if (n > row->items_max) {
        char text[80];

        snprintf(text, sizeof text, "%zu items, at most %u", n, row->items_max);
        at_error(r, at, config_tree_place(node), text);
        return;
    }
    items = list_start(r, row, n, record);
    for (size_t i = 0; i < n && !r->out_of_memory; i++) {
        struct config_at here = {.up = at, .index = i};
        yaml_node_t *item = config_tree_item(r->tree, node, i);

        if (row->type != SCHEMA_RECORDS) {
            read_scalar(r, &here, row, true, item, items + i * row->size);
            continue;
        }
        defaults_set(r, row, items + i * row->size);
        if (item->type == YAML_MAPPING_NODE)
            read_group(r, &here, row, item, items + i * row->size);
        else
            wrong_kind(r, &here, row, true, item);
    }
}

static void read_row(struct reader *r, const struct config_at *at, const struct schema_row *row,
                     yaml_node_t *node, char *record)
{
    if (row->list || row->type == SCHEMA_RECORDS)
        read_list(r, at, row, node, record);
    else if (row->type != SCHEMA_GROUP)
        read_scalar(r, at, row, false, node, record + row->offset);
    else if (node->type == YAML_MAPPING_NODE || is_null(node))
        read_group(r, at, row, node, record + row->offset);
    else
        wrong_kind(r, at, row, false, node);
}

static enum err_code tree_load(struct config_tree *t, struct str text, struct err *e)
{
    yaml_parser_t parser;

    if (!parser_start(&parser, text))
        return err_set(e, ERR_LIMIT, "no memory for the configuration");
    t->loaded = yaml_parser_load(&parser, &t->document);
    if (!t->loaded)
        syntax_problem(t->problems, &parser);
    yaml_parser_delete(&parser);
    return t->loaded ? ERR_OK : err_set(e, ERR_PARSE, "the configuration is not well formed");
}

enum err_code config_tree_read(struct config_tree *t, struct str text, void *root, struct err *e)
{
    struct reader r = {.tree = t, .problems = t->problems, .schema = t->schema, .root = root};
    enum err_code rc = guard_run(t->schema, t->problems, text, e);
    yaml_node_t *top;

    if (rc == ERR_OK)
        rc = tree_load(t, text, e);
    if (rc != ERR_OK)
        return rc;
    top = config_tree_root(t);
    defaults_set(&r, NULL, root);
    if (top->type == YAML_MAPPING_NODE)
        read_group(&r, NULL, NULL, top, root);
    else
        at_error(&r, NULL, config_tree_place(top), t->schema->when_no_mapping);
    if (r.out_of_memory)
        return err_set(e, ERR_LIMIT, "no memory for the configuration");
    return ERR_OK;
}

void config_tree_free(struct config_tree *t)
{
    if (t->loaded)
        yaml_document_delete(&t->document);
    t->loaded = false;
}
