#include "daemon/sources.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

/* As Kubernetes mounts files: a link to a folder that is a link, which is moved to another one. */
START_TEST(links_on_the_way_are_watched)
{
    char data[80], tmp[80], one[80], two[80], link[80], in_one[96], in_two[96];
    struct config linked = {0};

    snprintf(one, sizeof one, "%s/..one", folder);
    snprintf(two, sizeof two, "%s/..two", folder);
    snprintf(data, sizeof data, "%s/..data", folder);
    snprintf(tmp, sizeof tmp, "%s/..tmp", folder);
    snprintf(link, sizeof link, "%s/linked.json", folder);
    snprintf(in_one, sizeof in_one, "%s/net.json", one);
    snprintf(in_two, sizeof in_two, "%s/net.json", two);
    ck_assert_int_eq(mkdir(one, 0700) | mkdir(two, 0700), 0);
    write_map(in_one, "one");
    write_map(in_two, "two");
    ck_assert_int_eq(symlink("..one", data) | symlink("..data/net.json", link), 0);
    linked.network_map = str_from(link);
    (void)sources_changed(&s); /* how it was all made */
    sources_watch(&s, &linked);
    ck_assert(sources_load(&s, &linked, SOURCE_ALL, NULL, NULL) == ERR_OK);
    sources_watch_only(&s, &linked);
    ck_assert_str_eq(s.network.good->netmap->vtag.tag, "one");
    write_map(net, "v9"); /* of the configuration before */
    ck_assert_uint_eq(sources_changed(&s), 0);
    write_map(in_two, "two"); /* not there yet */
    ck_assert_uint_eq(sources_changed(&s), 0);
    write_map(in_one, "one"); /* in its place */
    ck_assert_uint_eq(sources_changed(&s), SOURCE_MAPS);
    ck_assert_int_eq(symlink("..two", tmp) | rename(tmp, data), 0);
    ck_assert_uint_eq(sources_changed(&s), SOURCE_MAPS);
    ck_assert(sources_load(&s, &linked, SOURCE_MAPS, NULL, NULL) == ERR_OK);
    sources_watch(&s, &linked);
    sources_watch_only(&s, &linked);
    ck_assert_str_eq(s.network.good->netmap->vtag.tag, "two");
    write_map(in_one, "one");
    ck_assert_uint_eq(sources_changed(&s), 0);
    write_map(in_two, "two");
    ck_assert_uint_eq(sources_changed(&s), SOURCE_MAPS);
    unlink(in_one);
    unlink(in_two);
    unlink(data);
    unlink(link);
    ck_assert_int_eq(rmdir(one) | rmdir(two), 0);
}
END_TEST

/* A link in a circle ends. */
START_TEST(a_circle_of_links_ends)
{
    char a[80], b[80], path[96];
    struct config linked = {0};

    snprintf(a, sizeof a, "%s/a", folder);
    snprintf(b, sizeof b, "%s/b", folder);
    snprintf(path, sizeof path, "%s/net.json", a);
    ck_assert_int_eq(symlink("b", a) | symlink("a", b), 0);
    linked.network_map = str_from(path);
    sources_watch(&s, &linked);
    ck_assert(sources_load(&s, &linked, SOURCE_ALL, NULL, NULL) != ERR_OK);
    unlink(a);
    unlink(b);
}
END_TEST

/* What one kind is refused for does not hold up another. */
START_TEST(each_kind_is_taken_for_itself)
{
    const struct str bad = str_from(other), missing = str_from("/nonexistent/c.mmdb");
    const struct downstream_keys partner = {.conf.name = STR("partner"), .advertisement = bad};
    struct config fresh = conf;
    struct view_source *good = s.network.good;
    unsigned taken = 0;
    struct err e = {0};

    fresh.geo.databases = &missing;
    fresh.geo.database_count = 1;
    fresh.downstreams = &partner;
    fresh.downstream_count = 1;
    ck_assert(sources_load(&s, &fresh, SOURCE_ALL, &taken, &e) != ERR_OK);
    ck_assert_uint_eq(taken, SOURCE_MAPS);
    ck_assert_ptr_ne(s.network.good, good);
    ck_assert_ptr_nonnull(strstr(e.text, "c.mmdb"));
    ck_assert_str_eq(s.geo.error, e.text);
    ck_assert_uint_eq(s.fci.count, 1);
    ck_assert_str_ne(s.fci.items[0].error, "");
    good = s.network.good;
    ck_assert(sources_load(&s, &fresh, SOURCE_FCI, &taken, NULL) != ERR_OK);
    ck_assert_uint_eq(taken, 0);
    ck_assert_ptr_eq(s.network.good, good);
}
END_TEST

/* The second map is between the PIDs of the same network map; one that is bad refuses all. */
START_TEST(further_cost_maps_are_taken_with_the_first)
{
    static const char cost_text[] =
        "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"net\",\"tag\":\"v1\"}],"
        "\"cost-type\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"%s\"}},"
        "\"cost-map\":{\"all\":{\"all\":1}}}";
    char cost[64], delay[64];
    struct config fresh = conf;
    const struct view_source *good;
    struct str more;
    unsigned taken = 0;
    FILE *f;

    snprintf(cost, sizeof cost, "%s/cost.json", folder);
    snprintf(delay, sizeof delay, "%s/delay.json", folder);
    f = fopen(cost, "w");
    fprintf(f, cost_text, "routingcost");
    fclose(f);
    f = fopen(delay, "w");
    fprintf(f, cost_text, "delay-ow");
    fclose(f);
    more = str_from(delay);
    fresh.cost_map = str_from(cost);
    fresh.cost_maps = &more;
    fresh.cost_map_count = 1;
    ck_assert(sources_load(&s, &fresh, SOURCE_MAPS, &taken, NULL) == ERR_OK);
    ck_assert_uint_eq(taken, SOURCE_MAPS);
    ck_assert_str_eq(costmap_info_get(s.more_costs.items[0].good->costmap)->metric, "delay-ow");
    ck_assert_int_eq(truncate(delay, 5), 0);
    good = s.network.good;
    ck_assert(sources_load(&s, &fresh, SOURCE_MAPS, &taken, NULL) != ERR_OK);
    ck_assert_uint_eq(taken, 0);
    ck_assert_ptr_eq(s.network.good, good);
    ck_assert_str_ne(s.more_costs.items[0].error, "");
    unlink(cost);
    unlink(delay);
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
    tcase_add_test(tc, links_on_the_way_are_watched);
    tcase_add_test(tc, a_circle_of_links_ends);
    tcase_add_test(tc, each_kind_is_taken_for_itself);
    tcase_add_test(tc, further_cost_maps_are_taken_with_the_first);
    suite_add_tcase(suite, tc);
    r = srunner_create(suite);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
