#include "router/digest.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct bytes recorded;

static void read_recorded(void)
{
    struct err e = {0};

    ck_assert_msg(file_read(TEST_DATA "/streamer-stats/squid-5.7-cache-digest.bin", 4096, &recorded,
                            &e) == ERR_OK,
                  "%s", e.text);
}

static void drop_recorded(void)
{
    bytes_free(&recorded);
}

static bool has(const struct digest_info *info, const uint8_t *mask, const char *url)
{
    uint8_t key[DIGEST_KEY_LEN];

    digest_key(str_from(url), key);
    return digest_has(info, mask, key);
}

/* What Squid says and what it has in it; of what it has not, a part is believed. */
START_TEST(squids_own)
{
    struct digest_info info = {0};
    const uint8_t *mask = NULL;
    struct err e = {0};
    unsigned believed = 0;
    char url[64];

    ck_assert_msg(digest_parse(recorded.data, recorded.len, &info, &mask, &e) == ERR_OK, "%s",
                  e.text);
    ck_assert_uint_eq(info.capacity, 58);
    ck_assert_uint_eq(info.count, 57);
    ck_assert_uint_eq(info.deletions, 0);
    ck_assert_uint_eq(info.mask_size, 37);
    ck_assert_uint_eq(info.bits_per_entry, 5);
    ck_assert_uint_eq(info.hash_count, 4);
    for (unsigned i = 0; i < 6; i++) {
        snprintf(url, sizeof url, "http://127.0.0.1/hls/seg_%03u.ts", i);
        ck_assert_msg(has(&info, mask, url), "%s", url);
    }
    for (unsigned i = 6; i < 1006; i++) {
        snprintf(url, sizeof url, "http://127.0.0.1/hls/seg_%03u.ts", i);
        believed += has(&info, mask, url);
    }
    /* About half of the bits are set, and four must be: a sixteenth to an eighth. */
    ck_assert_uint_lt(believed, 150);
    ck_assert_uint_gt(believed, 20);
}
END_TEST

START_TEST(the_key_is_of_the_method_too)
{
    /* md5 of "\x01http://127.0.0.1/hls/seg_000.ts" */
    static const uint8_t want[DIGEST_KEY_LEN] = {0x3a, 0xd1, 0x8b, 0x07, 0xa3, 0x06, 0x6c, 0x9b,
                                                 0xbf, 0x89, 0xf4, 0x40, 0xde, 0xb1, 0xb7, 0xa0};
    uint8_t key[DIGEST_KEY_LEN];

    digest_key(STR("http://127.0.0.1/hls/seg_000.ts"), key);
    ck_assert_mem_eq(key, want, sizeof key);
}
END_TEST

/* One byte of the recorded head at a time. */
static const struct {
    const char *what;
    size_t at;
    uint8_t byte;
    enum err_code rc;
    const char *says;
} heads[] = {
    {"a later version that asks for no more", 1, 9, ERR_OK, ""},
    {"a version too old", 1, 2, ERR_UNSUPPORTED, "version 2"},
    {"a version that asks for more", 3, 6, ERR_UNSUPPORTED, "asks for 6"},
    {"a version beyond a byte", 2, 1, ERR_UNSUPPORTED, "asks for 259"},
    {"five hash functions", 21, 5, ERR_UNSUPPORTED, "5 hash functions"},
    {"a filter that is larger than its entries need", 19, 38, ERR_PARSE, "37 for 58 entries"},
    {"a filter of nothing", 19, 0, ERR_PARSE, "of 0 bytes"},
    {"a filter of 16 MiB and more", 16, 1, ERR_LIMIT, "at most 16777216"},
    {"more entries than bits", 4, 255, ERR_PARSE, "for 4278190138 entries"},
    {"bits that are not", 20, 0, ERR_PARSE, "of 0 bits"},
};

START_TEST(heads_are_checked)
{
    struct digest_info info = {.count = 7};
    const uint8_t *mask = NULL;
    struct err e = {0};

    recorded.data[heads[_i].at] = (char)heads[_i].byte;
    ck_assert_msg(digest_parse(recorded.data, recorded.len, &info, &mask, &e) == heads[_i].rc,
                  "%s: %s", heads[_i].what, e.text);
    ck_assert_msg(strstr(e.text, heads[_i].says), "%s: %s", heads[_i].what, e.text);
    if (heads[_i].rc != ERR_OK) {
        ck_assert_ptr_null(mask);
        ck_assert_uint_eq(info.count, 7);
    }
}
END_TEST

START_TEST(only_the_whole_is_taken)
{
    for (size_t n = 0; n < recorded.len; n++) {
        char *cut = malloc(n ? n : 1); /* its own, so that a sanitizer sees a byte too far */
        struct digest_info info;
        const uint8_t *mask;
        struct err e = {0};

        ck_assert_ptr_nonnull(cut);
        memcpy(cut, recorded.data, n);
        ck_assert_int_eq(digest_parse(cut, n, &info, &mask, &e), ERR_PARSE);
        ck_assert(e.text[0]);
        free(cut);
    }
}
END_TEST

START_TEST(nothing_is_in_an_empty_one)
{
    const struct digest_info none = {0};
    const uint8_t key[DIGEST_KEY_LEN] = {0};

    ck_assert(!digest_has(&none, NULL, key));
}
END_TEST

static void fill_info(struct digest_info *info, uint32_t size)
{
    *info = (struct digest_info){.mask_size = size, .hash_count = 4};
}

/* The live one says what the other says, in every size, up and down. */
START_TEST(live_is_the_same)
{
    static const uint32_t sizes[] = {37, 1, 8, 511, 512, 513, 7, 4096, 100};
    struct digest_live *d = digest_live_new();
    uint8_t mask[4096], key[DIGEST_KEY_LEN];
    unsigned yes = 0, all = 0;

    ck_assert_ptr_nonnull(d);
    digest_key(STR("x"), key);
    ck_assert_int_eq(digest_live_has(d, key), -1);
    srand(7);
    for (size_t i = 0; i < sizeof mask; i++)
        mask[i] = (uint8_t)(rand() | rand());
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        struct digest_info info;

        fill_info(&info, sizes[s]);
        ck_assert_int_eq(digest_live_set(d, &info, mask, NULL), ERR_OK);
        for (unsigned i = 0; i < 500; i++) {
            bool want;

            digest_key((struct str){(const char *)&i, sizeof i}, key);
            want = digest_has(&info, mask, key);
            ck_assert_int_eq(digest_live_has(d, key), want);
            yes += want;
            all++;
        }
    }
    ck_assert(yes > all / 10 && yes < all / 10 * 9); /* both answers were asked for */
    ck_assert_int_eq(digest_live_set(d, &(struct digest_info){0}, NULL, NULL), ERR_OK);
    ck_assert_int_eq(digest_live_has(d, key), -1);
    digest_live_free(d);
    digest_live_free(NULL);
}
END_TEST

START_TEST(live_has_a_limit)
{
    struct digest_info info;
    struct digest_live *d = digest_live_new();
    struct err e = {0};
    uint8_t byte = 0;

    fill_info(&info, (uint32_t)DIGEST_BYTES_MAX + 1);
    ck_assert_int_eq(digest_live_set(d, &info, &byte, &e), ERR_LIMIT);
    digest_live_free(d);
}
END_TEST

#define TURNS 2000

struct race {
    struct digest_live *live;
    _Atomic bool over;
    unsigned yes, no;
};

static void *ask(void *arg)
{
    struct race *r = arg;
    uint8_t key[DIGEST_KEY_LEN];

    digest_key(STR("http://127.0.0.1/hls/seg_000.ts"), key);
    while (!r->over) {
        int said = digest_live_has(r->live, key);

        r->yes += said == 1;
        r->no += said == 0;
    }
    return NULL;
}

/* Readers while it is replaced, by larger ones and by smaller ones: for TSan, and for ASan. */
START_TEST(live_is_replaced_under_readers)
{
    struct race r[2] = {{.live = digest_live_new()}, {0}};
    uint8_t *full = malloc(1 << 16), *empty = calloc(1, 1 << 16);
    pthread_t t[2];

    ck_assert(r[0].live && full && empty);
    memset(full, 0xff, 1 << 16);
    r[1].live = r[0].live;
    for (unsigned i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&t[i], NULL, ask, &r[i]), 0);
    for (unsigned i = 0; i < TURNS; i++) {
        struct digest_info info;

        fill_info(&info, 1u << (i * 17 / TURNS) | (i & 7));
        if (info.mask_size > 1 << 16)
            info.mask_size = 1 << 16;
        ck_assert_int_eq(digest_live_set(r[0].live, &info, i & 1 ? full : empty, NULL), ERR_OK);
    }
    for (unsigned i = 0; i < 2; i++) {
        r[i].over = true;
        ck_assert_int_eq(pthread_join(t[i], NULL), 0);
    }
    ck_assert_int_eq(digest_live_has(r[0].live, (const uint8_t[DIGEST_KEY_LEN]){0}), 1);
    digest_live_free(r[0].live);
    free(full);
    free(empty);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("digest");
    TCase *file = tcase_create("file"), *live = tcase_create("live");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(file, read_recorded, drop_recorded);
    tcase_add_test(file, squids_own);
    tcase_add_test(file, the_key_is_of_the_method_too);
    tcase_add_loop_test(file, heads_are_checked, 0, sizeof heads / sizeof *heads);
    tcase_add_test(file, only_the_whole_is_taken);
    tcase_add_test(file, nothing_is_in_an_empty_one);
    suite_add_tcase(s, file);
    tcase_add_test(live, live_is_the_same);
    tcase_add_test(live, live_has_a_limit);
    tcase_add_test(live, live_is_replaced_under_readers);
    suite_add_tcase(s, live);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
