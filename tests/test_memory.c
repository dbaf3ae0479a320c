#include "daemon/memory.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "router/cache_memory.h"

static struct live *live;
static struct memory m;

/* A view of these services and streamers, by their names. */
static struct view *view_of(uint64_t serial, const char *const *services, size_t service_count,
                            const char *const *streamers, size_t streamer_count)
{
    struct streamer_conf s[8] = {0};
    struct service_conf v[8] = {0};
    struct str hosts[8];
    struct view_inputs in = {.serial = serial,
                             .streamers = s,
                             .streamer_count = streamer_count,
                             .services = v,
                             .service_count = service_count};
    struct view *out = NULL;
    struct err e = {0};

    for (size_t i = 0; i < streamer_count; i++)
        s[i] = (struct streamer_conf){.name = str_from(streamers[i]),
                                      .v4 = addr_from_v4(0xc0000201 + (uint32_t)i),
                                      .can = STREAMER_V4 | STREAMER_HTTP,
                                      .http_port = 80,
                                      .weight = 1};
    for (size_t i = 0; i < service_count; i++) {
        hosts[i] = str_from(services[i]);
        v[i] = (struct service_conf){.name = str_from(services[i]),
                                     .hosts = &hosts[i],
                                     .host_count = 1,
                                     .policy = {.band = 0.1,
                                                .eps = 0.25,
                                                .session_s = 600,
                                                .owners = 1,
                                                .owners_max = 4,
                                                .owner_share = 0.1}};
    }
    live_mark_begin(live);
    ck_assert(memory_reserve(&m, live, s, streamer_count, &e) == ERR_OK);
    in.cache_memory = m.caches;
    ck_assert_msg(view_build(&in, live, &out, &e) == ERR_OK, "%s", e.text);
    live_mark_end(live);
    memory_view(&m, out, live);
    return out;
}

static void setup(void)
{
    struct config c = {.memory = {.cache_bytes = 1 << 20,
                                  .sessions = 1024,
                                  .buckets = 1024,
                                  .popularity = 100,
                                  .half_life_s = 60}};
    struct err e = {0};

    live = live_new();
    ck_assert_ptr_nonnull(live);
    memset(&m, 0, sizeof m);
    ck_assert_msg(memory_start(&m, &c, live, &e) == ERR_OK, "%s", e.text);
    ck_assert_ptr_eq(live->hot, m.hot);
}

static void teardown(void)
{
    memory_stop(&m);
    live_free(live);
}

static void tell(struct tally_ring *r, uint16_t serial, svidx service, uint64_t content,
                 const char *key)
{
    struct tally *t = tally_begin(r);

    ck_assert_ptr_nonnull(t);
    *t = (struct tally){.content = content,
                        .count = 1,
                        .service = service,
                        .serial = serial,
                        .key_len = (uint8_t)strlen(key)};
    memcpy(t->key, key, strlen(key));
    tally_commit(r);
}

/* Services are numbered anew by each view; what was counted stays with its service. */
START_TEST(counts_follow_their_service)
{
    static const char *const before[] = {"live", "vod"}, *const after[] = {"audio", "news", "vod"};
    static const char *const streamers[] = {"a", "b"};
    struct tally_ring *r = memory_tallies(&m);
    struct popularity_row rows[8];
    struct view *one, *two;

    one = view_of(1, before, 2, streamers, 2);
    tell(r, 1, 0, 100, "/of-live/");
    tell(r, 1, 1, 200, "/of-vod/");
    memory_turn(&m, 1000);
    ck_assert_uint_eq(memory_top(&m, SVIDX_NONE, 1000, rows, 8), 2);
    two = view_of(2, after, 3, streamers, 2);
    view_drop(one);
    ck_assert_uint_eq(memory_top(&m, SVIDX_NONE, 1000, rows, 8), 1);
    ck_assert_uint_eq(rows[0].content, 200);
    ck_assert_uint_eq(rows[0].service, 2);
    /* From a worker that has the view before still, and from one of long ago. */
    tell(r, 1, 1, 201, "/late/");
    tell(r, 1, 0, 101, "/late-of-live/");
    tell(r, 77, 0, 300, "/stale/");
    tell(r, 2, 0, 400, "/of-audio/");
    memory_turn(&m, 2000);
    ck_assert_uint_eq(memory_top(&m, 2, 2000, rows, 8), 2);
    ck_assert_uint_eq(memory_top(&m, 0, 2000, rows, 8), 1);
    ck_assert_str_eq(rows[0].key, "/of-audio/");
    ck_assert_uint_eq(memory_tallies_dropped(&m), 2);
    view_drop(two);
}
END_TEST

/* The numbers of two views ago are followed through the one between. */
START_TEST(numbers_are_followed_through_views)
{
    static const char *const a[] = {"x", "y"}, *const b[] = {"y"}, *const c[] = {"m", "n", "y"};
    static const char *const streamers[] = {"a"};
    struct tally_ring *r = memory_tallies(&m);
    struct view *v[3] = {view_of(1, a, 2, streamers, 1)};
    struct popularity_row row;

    v[1] = view_of(2, b, 1, streamers, 1);
    v[2] = view_of(3, c, 3, streamers, 1);
    tell(r, 1, 1, 7, "/y/");
    tell(r, 2, 0, 7, "/y/");
    tell(r, 1, 0, 8, "/x/");
    memory_turn(&m, 1000);
    ck_assert_uint_eq(memory_top(&m, SVIDX_NONE, 1000, &row, 1), 1);
    ck_assert_uint_eq(row.service, 2);
    ck_assert_uint_eq(memory_tallies_dropped(&m), 1);
    for (unsigned i = 0; i < 3; i++)
        view_drop(v[i]);
}
END_TEST

/* What caches were sent stays with the streamer, and goes with it. */
START_TEST(caches_follow_their_streamer)
{
    static const char *const services[] = {"vod"};
    static const char *const before[] = {"b", "c"}, *const after[] = {"a", "c"};
    struct view *one = view_of(1, services, 1, before, 2), *two;
    const uint64_t content = UINT64_C(0x123456789abcdef);

    ck_assert_ptr_nonnull(m.caches);
    ck_assert(cache_memory_add(m.caches, content, one->streamers[0].live));
    ck_assert(cache_memory_add(m.caches, content, one->streamers[1].live));
    two = view_of(2, services, 1, after, 2);
    ck_assert(!cache_memory_has(m.caches, content, two->streamers[0].live));
    ck_assert(cache_memory_has(m.caches, content, two->streamers[1].live));
    view_drop(one);
    view_drop(two);
}
END_TEST

/* A reload that names all anew: for a moment there are twice as many, and all are remembered. */
START_TEST(all_are_renamed)
{
    static char names[2][100][16];
    static struct streamer_conf s[2][100];
    struct err e = {0};

    for (unsigned turn = 0; turn < 2; turn++) {
        for (unsigned i = 0; i < 100; i++) {
            snprintf(names[turn][i], sizeof names[turn][i], "%c%u", 'a' + (int)turn, i);
            s[turn][i].name = str_from(names[turn][i]);
        }
        live_mark_begin(live);
        ck_assert(memory_reserve(&m, live, s[turn], 100, &e) == ERR_OK);
        for (unsigned i = 0; i < 100; i++)
            ck_assert_uint_lt(live_slot(live, s[turn][i].name), cache_memory_columns(m.caches));
        live_mark_end(live);
    }
}
END_TEST

/* A disk that is full or may not be written to keeps nobody from serving. */
START_TEST(caches_without_a_disk)
{
    static const char *const services[] = {"vod"}, *const streamers[] = {"a"};
    struct view *v;

    snprintf(m.cache_path, sizeof m.cache_path, "/proc/self/nothing-can-be-made-here/caches");
    v = view_of(1, services, 1, streamers, 1);
    ck_assert_ptr_nonnull(m.caches);
    ck_assert(cache_memory_add(m.caches, 42, v->streamers[0].live));
    view_drop(v);
}
END_TEST

/* A content that fills streamers has several owners; once nobody asks, one. */
START_TEST(hot_contents_are_published)
{
    static const char *const services[] = {"vod"}, *const streamers[] = {"a", "b", "c"};
    struct tally_ring *r = memory_tallies(&m);
    struct view *v = view_of(1, services, 1, streamers, 3);

    ((struct view_service *)(uintptr_t)&v->services[0])->capacity_mean = 100;
    for (unsigned i = 0; i < 200; i++)
        tell(r, 1, 0, 4242, "/hot/");
    memory_turn(&m, 1000);
    ck_assert_uint_gt(hot_owners(m.hot, 4242), 1);
    memory_turn(&m, 3600 * 1000);
    ck_assert_uint_le(hot_owners(m.hot, 4242), 1);
    view_drop(v);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memory");
    TCase *tc = tcase_create("memory");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, counts_follow_their_service);
    tcase_add_test(tc, numbers_are_followed_through_views);
    tcase_add_test(tc, caches_follow_their_streamer);
    tcase_add_test(tc, all_are_renamed);
    tcase_add_test(tc, caches_without_a_disk);
    tcase_add_test(tc, hot_contents_are_published);
    suite_add_tcase(suite, tc);
    r = srunner_create(suite);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
