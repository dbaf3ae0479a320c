/* The table, waymark.yaml(5), conf/waymark.yaml and the JSON Schema say the same. The reference
 * and the manual's list of keys are made from the table: "test_config_docs --write", run in the
 * root of the sources, writes both again. */
#include "daemon/config_schema.h"

#include <check.h>
#include <ctype.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "daemon/config_keys.h"
#include "daemon/config_value.h"

#define REFERENCE "conf/waymark.yaml"
#define MANUAL    "docs/man/waymark.yaml.5"
#define EXAMPLES  "conf/examples"
#define KEYS_FROM ".\\\" keys: begin\n"
#define KEYS_TO   ".\\\" keys: end\n"
#define COLUMNS   96

static void add(struct bytes *out, const char *text, size_t n)
{
    if (!bytes_add(out, text, n))
        abort();
}

/* Words of text in lines of at most COLUMNS, each with front before it. */
static void add_wrapped(struct bytes *out, const char *front, const char *text)
{
    size_t col = 0;

    while (*text) {
        size_t n = strcspn(text, " ");

        if (col && col + 1 + n > COLUMNS) {
            add(out, "\n", 1);
            col = 0;
        }
        if (col == 0) {
            add(out, front, strlen(front));
            col = strlen(front);
        } else {
            add(out, " ", 1);
            col++;
        }
        add(out, text, n);
        col += n;
        text += n + (text[n] == ' ');
    }
    add(out, "\n", 1);
}

/* "A duration, from 100ms to 1h; default 5s." */
static void describe(const struct config_key *k, char *out, size_t size)
{
    const size_t n = k->default_text ? strlen(k->default_text) : 0;
    const bool words = n && k->default_text[0] == '(';
    const bool is_word = strcmp(k->type, "a word") == 0; /* its range says so */

    snprintf(out, size, "%s%s%s%s%.*s%s", is_word ? "" : k->type,
             k->range[0] && !is_word ? ", " : "", k->range, n ? "; default " : "",
             (int)(words ? n - 2 : n), n ? k->default_text + words : "",
             k->required ? "; required." : ".");
    out[0] = (char)toupper((unsigned char)out[0]);
}

static bool is_group(const struct config_key *k)
{
    return k->list || strcmp(k->type, "a mapping") == 0;
}

/* Columns that a key is indented by: 2 a mapping, 4 a list of mappings. */
static unsigned indent_of(const char *path)
{
    unsigned n = 0;

    for (const char *p = path; *p; p++)
        n += *p == '.' ? 2 : *p == '[' && p[2] == '.' ? 2 : 0;
    return n;
}

static void reference_key(struct bytes *out, const struct config_key *k, bool first_of_item)
{
    const char *dot = strrchr(k->path, '.'), *name = dot ? dot + 1 : k->path;
    const bool live = strcmp(k->path, "listen") == 0 || strcmp(k->path, "listen.http") == 0;
    const unsigned indent = indent_of(k->path);
    const char *value = live && dot  ? "[\"127.0.0.1:8080\"]"
                        : k->example ? k->example
                                     : k->default_text;
    char front[40], what[400];
    int n = (int)strcspn(name, "[");

    snprintf(front, sizeof front, "#%*s# ", (int)indent, "");
    if (indent == 0)
        add(out, "\n", 1);
    add_wrapped(out, front, k->help);
    if (!is_group(k)) {
        describe(k, what, sizeof what);
        add_wrapped(out, front, what);
    }
    if (!bytes_printf(out, "%s%*s%s%.*s:%s%s\n", live ? "" : "#",
                      (int)(first_of_item ? indent - 2 : indent), "", first_of_item ? "- " : "", n,
                      name, is_group(k) ? "" : " ", is_group(k) ? "" : value))
        abort();
}

static void reference_make(struct bytes *out)
{
    add_wrapped(out, "# ",
                "Every key of waymarkd's configuration, with its default or, where there is none, "
                "an example. A # at the beginning of a line keeps it out of force, a second one "
                "begins a remark. waymark.yaml(5) explains units and rules; waymarkd --check "
                "-c FILE says all that is wrong with a file.");
    for (size_t i = 0; i < config_key_count(); i++) {
        struct config_key k = config_key_get(i);
        const bool first = i && config_key_get(i - 1).list;

        reference_key(out, &k, first);
    }
    add(out, "", 1);
    out->len--;
}

/* Text for a manual page: no macro by accident, hyphens as they are typed. */
static void manual_text(struct bytes *out, const char *text)
{
    if (*text == '.' || *text == '\'')
        add(out, "\\&", 2);
    for (; *text; text++)
        add(out,
            *text == '\\'  ? "\\e"
            : *text == '-' ? "\\-"
                           : text,
            *text == '\\' || *text == '-' ? 2 : 1);
    add(out, "\n", 1);
}

static void manual_make(struct bytes *out)
{
    add(out, ".Bl -tag -width Ds\n", 19);
    for (size_t i = 0; i < config_key_count(); i++) {
        struct config_key k = config_key_get(i);
        char what[400];

        if (!bytes_printf(out, ".It Ic %s\n", k.path))
            abort();
        if (!is_group(&k) || k.required) {
            describe(&k, what, sizeof what);
            manual_text(out, what);
            add(out, ".br\n", 4);
        }
        manual_text(out, k.help);
    }
    add(out, ".El\n", 4);
    add(out, "", 1);
    out->len--;
}

static struct bytes read_text(const char *path)
{
    struct bytes b = {0};
    struct err e = {0};

    if (file_read(path, 1 << 20, &b, &e) != ERR_OK) {
        fprintf(stderr, "%s: %s (run in the root of the sources)\n", path, e.text);
        abort();
    }
    return b;
}

static bool write_text(const char *path, const struct bytes *b)
{
    FILE *f = fopen(path, "w");
    bool ok = f && fwrite(b->data, 1, b->len, f) == b->len;

    return (f ? fclose(f) == 0 : false) && ok;
}

/* The part of the manual between the marks. */
static struct str manual_keys(const struct bytes *manual)
{
    const char *from = strstr(manual->data, KEYS_FROM), *to = strstr(manual->data, KEYS_TO);

    if (!from || !to || to < from)
        return (struct str){NULL, 0};
    from += strlen(KEYS_FROM);
    return (struct str){from, (size_t)(to - from)};
}

static int write_all(void)
{
    struct bytes reference = {0}, keys = {0}, out = {0}, manual = read_text(MANUAL);
    struct str old = manual_keys(&manual);
    bool ok;

    reference_make(&reference);
    manual_make(&keys);
    add(&out, manual.data, (size_t)(old.p - manual.data));
    add(&out, keys.data, keys.len);
    add(&out, old.p + old.n, manual.len - (size_t)(old.p + old.n - manual.data));
    ok = write_text(REFERENCE, &reference) && write_text(MANUAL, &out);
    bytes_free(&reference);
    bytes_free(&keys);
    bytes_free(&out);
    bytes_free(&manual);
    return ok ? 0 : 1;
}

START_TEST(reference_is_the_table)
{
    struct bytes want = {0}, have = read_text(REFERENCE);

    reference_make(&want);
    ck_assert_msg(want.len == have.len && memcmp(want.data, have.data, want.len) == 0, REFERENCE
                  " is not what the table says: build/dev/tests/test_config_docs --write");
    bytes_free(&want);
    bytes_free(&have);
}
END_TEST

START_TEST(manual_is_the_table)
{
    struct bytes want = {0}, have = read_text(MANUAL);
    struct str keys = manual_keys(&have);

    manual_make(&want);
    ck_assert_ptr_nonnull(keys.p);
    ck_assert_msg(want.len == keys.n && memcmp(want.data, keys.p, keys.n) == 0,
                  MANUAL " is not what the table says: build/dev/tests/test_config_docs --write");
    bytes_free(&want);
    bytes_free(&have);
}
END_TEST

/* Without trust in how either was made: every key, by its full path in the manual ... */
START_TEST(manual_names_every_key)
{
    struct bytes manual = read_text(MANUAL);
    size_t items = 0;

    for (const char *p = manual.data; (p = strstr(p, "\n.It Ic ")); p++)
        items++;
    ck_assert_uint_eq(items, config_key_count());
    for (size_t i = 0; i < config_key_count(); i++) {
        char line[120];

        snprintf(line, sizeof line, "\n.It Ic %s\n", config_key_get(i).path);
        ck_assert_msg(strstr(manual.data, line), "%s", line);
    }
    bytes_free(&manual);
}
END_TEST

/* ... and in the reference, which is a good configuration also when all of it is in force. */
START_TEST(reference_uncommented_is_good)
{
    struct bytes text = read_text(REFERENCE), all = {0}, problems_text = {0};
    struct config_problems problems;
    const struct config *c;
    struct arena *arena;
    struct err e = {0};
    enum err_code rc;

    for (char *line = text.data; *line;) {
        size_t n = strcspn(line, "\n") + 1;
        size_t skip = line[0] == '#' && line[1] != ' '   ? 1
                      : line[0] == '#' && line[2] == ' ' ? 1
                                                         : 0;

        add(&all, line + skip, n - skip);
        line += n;
    }
    rc = config_parse(all.data, all.len, REFERENCE, &c, &problems, &arena, &e);
    ck_assert(config_problems_format(&problems, REFERENCE, &problems_text));
    ck_assert_msg(rc == ERR_OK && problems.count == 0, "%s\n%.*s", e.text, (int)problems_text.len,
                  problems_text.data ? problems_text.data : "");
    ck_assert_uint_eq(c->streamer_count, 1);
    ck_assert_uint_eq(c->service_count, 1);
    ck_assert_uint_eq(c->dns_conf.zone_count, 1);
    arena_free(arena);
    bytes_free(&text);
    bytes_free(&all);
    bytes_free(&problems_text);
}
END_TEST

static void check_runs(const char *path)
{
    struct config_problems problems;
    const struct config *c;
    struct arena *arena;
    struct err e = {0};
    enum err_code rc = config_load(path, &c, &problems, &arena, &e);

    ck_assert_msg(rc == ERR_OK, "%s: %s", path, problems.count ? problems.items[0].text : e.text);
    ck_assert_msg(problems.count == 0, "%s: %s", path, problems.items[0].text);
    arena_free(arena);
}

START_TEST(examples_are_good)
{
    DIR *d = opendir(EXAMPLES);
    unsigned n = 0;

    ck_assert_ptr_nonnull(d);
    check_runs(REFERENCE);
    for (struct dirent *entry; (entry = readdir(d));) {
        char path[300];

        if (!strstr(entry->d_name, ".yaml"))
            continue;
        snprintf(path, sizeof path, EXAMPLES "/%s", entry->d_name);
        check_runs(path);
        n++;
    }
    closedir(d);
    ck_assert_uint_ge(n, 3);
}
END_TEST

/* Rows that could not work: a range that its field cannot hold, a default that cannot be read. */
START_TEST(rows_are_sound)
{
    const struct schema_row *rows = config_keys()->rows;
    const size_t n = config_keys()->count;
    struct arena *arena = arena_new(1 << 20);
    struct value_context v = {.arena = arena, .folder = STR("/etc/waymark")};

    for (size_t i = 0; i < n; i++) {
        const struct schema_row *row = &rows[i];
        const char *text = row->default_text;
        max_align_t field[8];
        struct err e = {0};

        ck_assert_msg(row->help && row->help[strlen(row->help) - 1] == '.', "%s: help", row->path);
        ck_assert_msg(row->type == SCHEMA_GROUP || row->size, "%s: size", row->path);
        ck_assert_msg(row->type == SCHEMA_GROUP || row->type == SCHEMA_RECORDS ||
                          (text && text[0] != '(' && strcmp(text, "[]") != 0) || row->example,
                      "%s: neither a default nor an example", row->path);
        if (row->type <= SCHEMA_RECORDS)
            continue;
        if (row->type == SCHEMA_COUNT || row->type == SCHEMA_SECONDS ||
            row->type == SCHEMA_MILLIS || row->type == SCHEMA_SIZE || row->type == SCHEMA_PERMILLE)
            ck_assert_msg(row->max > row->min && row->max < pow(2, 8.0 * row->size), "%s: range",
                          row->path);
        ck_assert_msg(row->list || row->size <= sizeof field, "%s", row->path);
        if (text && text[0] != '(' && text[0] != '[')
            ck_assert_msg(value_set(&v, row, str_from(text), field, &e) == ERR_OK, "%s: %s",
                          row->path, e.text);
    }
    arena_free(arena);
}
END_TEST

/* Every key is a property of the schema, at its place. */
START_TEST(json_schema_has_every_key)
{
    struct bytes text = {0};
    json_error_t e;
    json_t *root = NULL;

    ck_assert(config_schema_format(&text));
    root = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, &e);
    ck_assert_msg(root, "%s", e.text);
    for (size_t i = 0; i < config_key_count(); i++) {
        char path[120];
        const json_t *at = root;

        snprintf(path, sizeof path, "%s", config_key_get(i).path);
        for (char *save, *key = strtok_r(path, ".", &save); key; key = strtok_r(NULL, ".", &save)) {
            const bool list = strchr(key, '[') != NULL;

            key[strcspn(key, "[")] = '\0';
            at = json_object_get(json_object_get(at, "properties"), key);
            ck_assert_msg(at && json_object_get(at, "description"), "%s", config_key_get(i).path);
            if (list)
                at = json_object_get(at, "items");
        }
    }
    json_decref(root);
    bytes_free(&text);
}
END_TEST

int main(int argc, char **argv)
{
    Suite *s;
    TCase *t;
    SRunner *r;
    int failed;

    if (argc == 2 && strcmp(argv[1], "--write") == 0)
        return write_all();
    s = suite_create("config_docs");
    t = tcase_create("config_docs");
    tcase_add_test(t, reference_is_the_table);
    tcase_add_test(t, manual_is_the_table);
    tcase_add_test(t, manual_names_every_key);
    tcase_add_test(t, reference_uncommented_is_good);
    tcase_add_test(t, examples_are_good);
    tcase_add_test(t, rows_are_sound);
    tcase_add_test(t, json_schema_has_every_key);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
