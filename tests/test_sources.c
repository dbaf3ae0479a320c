#include "daemon/sources.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/waymark-sources-XXXXXX";
static char net[64], other[64];
static struct sources s;
static struct config conf;

/* As an operator's script should: written whole, then renamed. */
static void write_map(const char *path, const char *tag)
{
    char fresh[80];
    FILE *f;

    snprintf(fresh, sizeof fresh, "%s.new", path);
    f = fopen(fresh, "w");
    ck_assert_ptr_nonnull(f);
    fprintf(f,
            "{\"meta\":{\"vtag\":{\"resource-id\":\"net\",\"tag\":\"%s\"}},"
            "\"network-map\":{\"all\":{\"ipv4\":[\"0.0.0.0/0\"],\"ipv6\":[\"::/0\"]}}}",
            tag);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_int_eq(rename(fresh, path), 0);
}

static void setup(void)
{
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6); /* mkdtemp has filled it */
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(net, sizeof net, "%s/net.json", folder);
    snprintf(other, sizeof other, "%s/other.json", folder);
    write_map(net, "v1");
    write_map(other, "v2");
    conf.network_map = str_from(net);
    sources_init(&s);
    sources_watch(&s, &conf);
    ck_assert(s.inotify_fd >= 0);
    ck_assert(sources_load(&s, &conf, SOURCE_ALL, NULL, NULL) == ERR_OK);
    ck_assert(!sources_changed(&s));
}

static void teardown(void)
{
    sources_fini(&s);
    unlink(net);
    unlink(other);
    ck_assert_int_eq(rmdir(folder), 0);
}

/* A reload watches once more; a map that was replaced while it read the last one is news still. */
START_TEST(watching_again_forgets_no_change)
{
    write_map(net, "v3");
    sources_watch(&s, &conf);
    ck_assert(sources_changed(&s));
    ck_assert(!sources_changed(&s));
    write_map(other, "v3");
    ck_assert(!sources_changed(&s));
}
END_TEST

START_TEST(what_was_kept_comes_back_whole)
{
    struct view_source *good = s.network.good;
    struct config fresh = {.network_map = str_from(other)};
    struct sources_kept kept;

    ck_assert(sources_keep(&s, &kept));
    ck_assert(sources_load(&s, &fresh, SOURCE_ALL, NULL, NULL) == ERR_OK);
    ck_assert_str_eq(s.network.good->netmap->vtag.tag, "v2");
    sources_restore(&s, &kept);
    ck_assert_ptr_eq(s.network.good, good);
    ck_assert_str_eq(s.network.path, net);
    write_map(other, "v4");
    ck_assert(!sources_changed(&s));
    write_map(net, "v4");
    ck_assert(sources_changed(&s));
}
END_TEST

/* The same file, bad now: the good copy and the reason. Another file: its reason is not ours. */
START_TEST(the_reason_stays_with_its_file)
{
    struct config fresh = {.network_map = str_from(other)};
    struct sources_kept kept;
    struct err e = {0};

    ck_assert_int_eq(truncate(net, 9), 0);
    ck_assert(sources_keep(&s, &kept));
    ck_assert(sources_load(&s, &conf, SOURCE_ALL, NULL, &e) == ERR_PARSE);
    sources_restore(&s, &kept);
    ck_assert_str_eq(s.network.error, e.text);
    ck_assert_str_eq(s.network.good->netmap->vtag.tag, "v1");
    write_map(net, "v5");
    ck_assert(sources_keep(&s, &kept));
    ck_assert(sources_load(&s, &conf, SOURCE_ALL, NULL, NULL) == ERR_OK);
    sources_forget(&kept);
    ck_assert_str_eq(s.network.error, "");
    ck_assert_int_eq(truncate(other, 9), 0);
    ck_assert(sources_keep(&s, &kept));
    ck_assert(sources_load(&s, &fresh, SOURCE_ALL, NULL, NULL) != ERR_OK);
    sources_restore(&s, &kept);
    ck_assert_str_eq(s.network.error, "");
    ck_assert_str_eq(s.network.good->netmap->vtag.tag, "v5");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sources");
    TCase *tc = tcase_create("sources");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, watching_again_forgets_no_change);
    tcase_add_test(tc, what_was_kept_comes_back_whole);
    tcase_add_test(tc, the_reason_stays_with_its_file);
    suite_add_tcase(suite, tc);
    r = srunner_create(suite);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
