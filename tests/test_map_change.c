#include "daemon/map_change.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_CAP ((size_t)64 << 20)

static const struct netmap *parse(struct arena *a, const char *pids)
{
    const struct netmap *m = NULL;
    struct bytes text = {0};
    struct err e = {0};

    ck_assert(bytes_printf(&text, "{\"network-map\":{%s}}", pids));
    ck_assert_msg(netmap_parse(text.data, text.len, a, &m, &e) == ERR_OK, "%s", e.text);
    bytes_free(&text);
    return m;
}

static const struct {
    const char *what, *was, *now;
    struct map_change want;
} rows[] = {
    {"the same", "\"a\":{\"ipv4\":[\"10.0.0.0/8\"]}", "\"a\":{\"ipv4\":[\"10.0.0.0/8\"]}", {0}},
    {"a prefix goes to another PID",
     "\"a\":{\"ipv4\":[\"10.0.0.0/8\",\"11.0.0.0/8\"]},\"b\":{}",
     "\"a\":{\"ipv4\":[\"10.0.0.0/8\"]},\"b\":{\"ipv4\":[\"11.0.0.0/8\"]}",
     {.prefixes_moved = 1}},
    {"a PID is renamed",
     "\"a\":{\"ipv4\":[\"10.0.0.0/8\"],\"ipv6\":[\"::/0\"]}",
     "\"c\":{\"ipv4\":[\"10.0.0.0/8\"],\"ipv6\":[\"::/0\"]}",
     {.pids_added = 1, .pids_removed = 1, .prefixes_moved = 2}},
    {"prefixes come and go",
     "\"a\":{\"ipv4\":[\"10.0.0.0/8\",\"12.0.0.0/8\"]}",
     "\"a\":{\"ipv4\":[\"10.0.0.0/9\",\"12.0.0.0/8\",\"13.0.0.0/8\"]}",
     {.prefixes_added = 2, .prefixes_removed = 1}},
    {"an empty PID is one", "\"a\":{}", "\"a\":{},\"b\":{}", {.pids_added = 1}},
    {"all goes",
     "\"a\":{\"ipv4\":[\"10.0.0.0/8\"]},\"b\":{}",
     "",
     {.pids_removed = 2, .prefixes_removed = 1}},
};

START_TEST(changes)
{
    struct arena *a = arena_new(ARENA_CAP);
    struct map_change got;

    ck_assert(map_change_find(parse(a, rows[_i].was), parse(a, rows[_i].now), &got));
    ck_assert_msg(memcmp(&got, &rows[_i].want, sizeof got) == 0, "%s: %u %u %u %u %u",
                  rows[_i].what, got.pids_added, got.pids_removed, got.prefixes_added,
                  got.prefixes_removed, got.prefixes_moved);
    arena_free(a);
}
END_TEST

/* Against asking each prefix for its PID in either map. */
START_TEST(counts_as_a_scan_does)
{
    struct arena *a = arena_new(ARENA_CAP);
    struct bytes text[2] = {{0}, {0}};
    unsigned at[2][200], moved = 0, added = 0, removed = 0;
    const unsigned seed = 7 + (unsigned)_i;
    unsigned x = seed;
    struct map_change got;

    for (unsigned m = 0; m < 2; m++) {
        for (unsigned i = 0; i < 200; i++) {
            x = x * 1103515245 + 12345;
            at[m][i] = m && x >> 28 ? at[0][i] : x >> 16 & 7; /* 0: not in the map */
        }
        for (unsigned p = 1; p < 8; p++) {
            const char *comma = "";

            ck_assert(bytes_printf(&text[m], "%s\"p%u\":{\"ipv4\":[", p > 1 ? "," : "", p));
            for (unsigned i = 0; i < 200; i++)
                if (at[m][i] == p) {
                    ck_assert(bytes_printf(&text[m], "%s\"10.%u.0.0/16\"", comma, i));
                    comma = ",";
                }
            ck_assert(bytes_printf(&text[m], "]}"));
        }
        ck_assert(bytes_add(&text[m], "", 1));
    }
    for (unsigned i = 0; i < 200; i++) {
        removed += at[0][i] && !at[1][i];
        added += !at[0][i] && at[1][i];
        moved += at[0][i] && at[1][i] && at[0][i] != at[1][i];
    }
    ck_assert(map_change_find(parse(a, text[0].data), parse(a, text[1].data), &got));
    ck_assert_msg(got.prefixes_moved == moved && got.prefixes_added == added &&
                      got.prefixes_removed == removed && !got.pids_added && !got.pids_removed,
                  "seed %u", seed);
    bytes_free(&text[0]);
    bytes_free(&text[1]);
    arena_free(a);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("map_change");
    TCase *t = tcase_create("all");
    SRunner *r;
    int failed;

    tcase_add_loop_test(t, changes, 0, sizeof rows / sizeof *rows);
    tcase_add_loop_test(t, counts_as_a_scan_does, 0, 20);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
