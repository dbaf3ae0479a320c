#include "base/metrics.h"

#include <check.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A strict little reader of the text exposition format 0.0.4. */
struct page {
    char name[128], type[16];     /* of the block that is open */
    char seen[METRIC_COUNT][128]; /* names whose block is closed or open: none may come back */
    size_t seen_count, samples;
};

static size_t name_len(const char *p)
{
    size_t n = 0;

    if (!isalpha((unsigned char)*p) && *p != '_' && *p != ':')
        return 0;
    while (isalnum((unsigned char)p[n]) || p[n] == '_' || p[n] == ':')
        n++;
    return n;
}

static void read_help(struct page *p, const char *line)
{
    size_t n = name_len(line);

    ck_assert_msg(n > 0 && line[n] == ' ' && line[n + 1], "help: %s", line);
    ck_assert_uint_lt(p->seen_count, METRIC_COUNT);
    memcpy(p->name, line, n);
    p->name[n] = '\0';
    p->type[0] = '\0';
    for (size_t i = 0; i < p->seen_count; i++)
        ck_assert_msg(strcmp(p->seen[i], p->name) != 0, "%s comes twice", p->name);
    memcpy(p->seen[p->seen_count++], p->name, sizeof p->name);
}

static void read_type(struct page *p, const char *line)
{
    size_t n = name_len(line);

    ck_assert_msg(n == strlen(p->name) && memcmp(line, p->name, n) == 0 && line[n] == ' ',
                  "TYPE %s behind HELP %s", line, p->name);
    ck_assert_msg(strcmp(line + n + 1, "counter") == 0 || strcmp(line + n + 1, "gauge") == 0,
                  "type: %s", line);
    snprintf(p->type, sizeof p->type, "%s", line + n + 1);
    if (strcmp(p->type, "counter") == 0)
        ck_assert_msg(n > 6 && strcmp(p->name + n - 6, "_total") == 0, "counter %s", p->name);
}

static const char *read_labels(const char *p)
{
    if (*p != '{')
        return p;
    do {
        size_t n = name_len(++p);

        ck_assert_msg(n > 0 && p[n] == '=' && p[n + 1] == '"', "label: %s", p);
        for (p += n + 2; *p != '"'; p++) {
            ck_assert_msg(*p, "label without end");
            if (*p == '\\')
                ck_assert_ptr_nonnull(strchr("\\\"n", *++p));
        }
        p++;
    } while (*p == ',');
    ck_assert_msg(*p == '}', "labels end: %s", p);
    return p + 1;
}

static void read_sample(struct page *p, const char *line)
{
    size_t n = name_len(line);
    const char *rest;

    ck_assert_msg(p->type[0], "a sample before its TYPE: %s", line);
    ck_assert_msg(n == strlen(p->name) && memcmp(line, p->name, n) == 0, "%s inside of %s", line,
                  p->name);
    rest = read_labels(line + n);
    ck_assert_msg(*rest == ' ' && isdigit((unsigned char)rest[1]), "value: %s", line);
    for (rest++; isdigit((unsigned char)*rest); rest++)
        ;
    ck_assert_msg(*rest == '\0', "behind the value: %s", line);
    p->samples++;
}

static void read_page(struct page *p, char *text)
{
    ck_assert_int_eq(text[strlen(text) - 1], '\n');
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        if (strncmp(line, "# HELP ", 7) == 0)
            read_help(p, line + 7);
        else if (strncmp(line, "# TYPE ", 7) == 0)
            read_type(p, line + 7);
        else
            read_sample(p, line);
    }
}

START_TEST(page_is_prometheus_text)
{
    static struct metrics sets[3];
    struct metrics *const all[] = {&sets[0], &sets[1], &sets[2]};
    struct bytes out = {0};
    struct page page = {0};
    char *copy;

    for (unsigned s = 0; s < 3; s++)
        for (unsigned i = 0; i < METRIC_COUNT; i++)
            metric_add(&sets[s], (enum metric)i, (uint64_t)(i + 1) * (s + 1));
    ck_assert(metrics_format(all, 3, &out) && bytes_add(&out, "", 1));
    copy = strdup(out.data);
    read_page(&page, copy);
    free(copy);
    ck_assert_uint_eq(page.samples, METRIC_COUNT);
    for (unsigned i = 0; i < METRIC_COUNT; i++) { /* every row, with its own sum */
        const struct metric_info *m = metric_info_get((enum metric)i);
        char want[512];

        snprintf(want, sizeof want, m->labels[0] ? "\n%s{%s} %u\n" : "\n%s%s %u\n", m->name,
                 m->labels, (i + 1) * 6);
        ck_assert_msg(strstr(out.data, want) != NULL, "missing:%s", want);
    }
    bytes_free(&out);
}
END_TEST

START_TEST(rows_are_well_kept)
{
    for (unsigned i = 0; i < METRIC_COUNT; i++) {
        const struct metric_info *m = metric_info_get((enum metric)i);

        ck_assert_msg(strncmp(m->name, "waymark_", 8) == 0, "%s", m->name);
        ck_assert_msg(m->help[0] && !strpbrk(m->help, "\\\n"), "%s: help", m->name);
        for (unsigned k = 0; k < i; k++) {
            const struct metric_info *o = metric_info_get((enum metric)k);

            ck_assert_msg(strcmp(o->name, m->name) != 0 ||
                              (strcmp(o->labels, m->labels) != 0 && strcmp(o->type, m->type) == 0 &&
                               strcmp(o->help, m->help) == 0),
                          "%s{%s}: a second time, or of another type or help", m->name, m->labels);
        }
    }
}
END_TEST

START_TEST(set_and_full)
{
    static struct metrics set;
    struct metrics *const one[] = {&set};
    struct bytes out = {.limit = 64};

    metric_set(&set, METRIC_VIEW_SERIAL, 7);
    metric_set(&set, METRIC_VIEW_SERIAL, 3);
    ck_assert(!metrics_format(one, 1, &out));
    bytes_free(&out);
    out.limit = 0;
    ck_assert(metrics_format(one, 1, &out) && bytes_add(&out, "", 1));
    ck_assert_ptr_nonnull(strstr(out.data, "\nwaymark_view_serial 3\n"));
    bytes_free(&out);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("metrics");
    TCase *c = tcase_create("metrics");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(c, page_is_prometheus_text);
    tcase_add_test(c, rows_are_well_kept);
    tcase_add_test(c, set_and_full);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
