#include "base/json_write.h"

#include <check.h>
#include <float.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/json_text.h"

START_TEST(everything_once)
{
    static const char want[] = "{\"a\":[1,-2.5,true,false,null,\"x\",[],{}],\"\\\"k\\\\\":{\"b\":"
                               "18446744073709551615},\"c\":\"\"}";
    struct bytes out = {0};
    struct json_write w;

    json_write_init(&w, &out);
    json_write_object(&w);
    json_write_key(&w, STR("a"));
    json_write_array(&w);
    json_write_uint(&w, 1);
    json_write_number(&w, -2.5);
    json_write_bool(&w, true);
    json_write_bool(&w, false);
    json_write_null(&w);
    json_write_string(&w, STR("x"));
    json_write_array(&w);
    json_write_array_end(&w);
    json_write_object(&w);
    json_write_object_end(&w);
    json_write_array_end(&w);
    json_write_key(&w, STR("\"k\\"));
    json_write_object(&w);
    json_write_key(&w, STR("b"));
    json_write_uint(&w, UINT64_MAX);
    json_write_object_end(&w);
    json_write_key(&w, STR("c"));
    json_write_string(&w, (struct str){NULL, 0});
    ck_assert(!json_write_done(&w));
    json_write_object_end(&w);
    ck_assert(json_write_done(&w));
    ck_assert_uint_eq(out.len, sizeof want - 1);
    ck_assert_mem_eq(out.data, want, out.len);
    bytes_free(&out);
}
END_TEST

static const struct {
    const char *what;
    double v;
    const char *text;
} numbers[] = {
    {"zero", 0, "0"},
    {"minus zero", -0.0, "-0"},
    {"an integer", 87, "87"},
    {"negative", -3, "-3"},
    {"the largest exact integer", 9007199254740992.0, "9007199254740992"},
    {"beyond it", 94040014307974608.0, "94040014307974608"},
    {"a long one", 1e17, "1e17"},
    {"a tenth", 0.1, "0.1"},
    {"not quite three tenths", 0.1 + 0.2, "0.30000000000000004"},
    {"two places", 12.34, "12.34"},
    {"small", 0.001, "0.001"},
    {"smaller", 1e-7, "1e-7"},
    {"few digits far behind the point", 1.5e-6, "1.5e-6"},
    {"the largest", DBL_MAX, "1.7976931348623157e308"},
    {"the smallest", 5e-324, "5e-324"},
    {"a third", 1.0 / 3, "0.3333333333333333"},
    {"large with a fraction", 123456789.25, "123456789.25"},
};

START_TEST(number_texts)
{
    char text[JSON_TEXT_NUMBER_MAX + 1];

    text[json_text_from_double(numbers[_i].v, text)] = '\0';
    ck_assert_str_eq(text, numbers[_i].text);
}
END_TEST

static uint64_t next_random(uint64_t *state)
{
    return *state = hash_mix(*state, 0x5851f42d4c957f2d);
}

/* Any bits, short decimals, and integers: all come back, none longer than 17 digits need. */
START_TEST(numbers_read_back)
{
    uint64_t state = 11;

    for (unsigned i = 0; i < 150000; i++) {
        char text[JSON_TEXT_NUMBER_MAX + 1], plain[40];
        uint64_t bits = next_random(&state);
        double v, fast;
        size_t n;

        if (i % 3 == 0)
            memcpy(&v, &bits, sizeof v);
        else if (i % 3 == 1)
            v = (double)(bits % 100000000) / pow(10, (double)(bits >> 60));
        else
            v = (double)(bits >> (bits & 63));
        if (!isfinite(v))
            continue;
        n = json_text_from_double(v, text);
        text[n] = '\0';
        ck_assert_msg(json_text_is_number(text, n), "%s", text);
        ck_assert_msg(strtod(text, NULL) == v, "%.17g became %s", v, text);
        if (json_text_number(text, text + n, &fast) == text + n)
            ck_assert_msg(fast == v, "%.17g, written %s, read %.17g", v, text, fast);
        snprintf(plain, sizeof plain, "%.17g", v);
        ck_assert_msg(n <= strlen(plain), "%s is longer than %s", text, plain);
    }
}
END_TEST

/* Every ASCII character and some beyond: jansson reads back what was written. */
START_TEST(strings_read_back)
{
    char text[200];
    size_t n = 0;
    struct bytes out = {0};
    struct json_write w;
    json_t *v;

    for (char c = 1; c > 0 && c < 127; c++)
        text[n++] = c;
    memcpy(text + n, "\x7f\xc3\xa9\xe2\x82\xac\xf0\x9d\x84\x9e", 10);
    n += 10;
    json_write_init(&w, &out);
    json_write_string(&w, (struct str){text, n});
    ck_assert(json_write_done(&w));
    v = json_loadb(out.data, out.len, JSON_DECODE_ANY, NULL);
    ck_assert_ptr_nonnull(v);
    ck_assert_uint_eq(json_string_length(v), n);
    ck_assert_mem_eq(json_string_value(v), text, n);
    json_decref(v);
    bytes_free(&out);
}
END_TEST

START_TEST(full_stays_full)
{
    struct bytes out = {.limit = 20};
    struct json_write w;

    json_write_init(&w, &out);
    json_write_array(&w);
    for (unsigned i = 0; i < 10; i++)
        json_write_string(&w, STR("abc"));
    json_write_null(&w); /* would still fit */
    json_write_array_end(&w);
    ck_assert(!json_write_done(&w));
    ck_assert_uint_le(out.len, 20);
    bytes_free(&out);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("json_write");
    TCase *t = tcase_create("json_write");
    SRunner *r;
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_test(t, everything_once);
    tcase_add_loop_test(t, number_texts, 0, sizeof numbers / sizeof *numbers);
    tcase_add_test(t, numbers_read_back);
    tcase_add_test(t, strings_read_back);
    tcase_add_test(t, full_stays_full);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
