#include "daemon/config_units.h"

#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef enum err_code whole_fn(struct str t, uint64_t *out, struct err *e);

// clang-format off
static const struct {
    const char *what, *text;
    whole_fn *parse;
    uint64_t value;
    const char *error; /* NULL: it is good */
} rows[] = {
    {"digits", "1800", units_integer_parse, 1800, NULL},
    {"leading zeros", "007", units_integer_parse, 7, NULL},
    {"the largest", "9223372036854775807", units_integer_parse, INT64_MAX, NULL},
    {"over it", "9223372036854775808", units_integer_parse, 0, "\"9223372036854775808\" is not a whole number; write digits, as in 100"},
    {"over 64 bits", "99999999999999999999999", units_integer_parse, 0, "\"99999999999999999999999\" is not a whole number; write digits, as in 100"},
    {"a sign", "-1", units_integer_parse, 0, "\"-1\" is not a whole number; write digits, as in 100"},
    {"a plus", "+1", units_integer_parse, 0, "\"+1\" is not a whole number; write digits, as in 100"},
    {"a fraction", "1.0", units_integer_parse, 0, "\"1.0\" is not a whole number; write digits, as in 100"},
    {"hexadecimal", "0x10", units_integer_parse, 0, "\"0x10\" is not a whole number; write digits, as in 100"},
    {"nothing", "", units_integer_parse, 0, "\"\" is not a whole number; write digits, as in 100"},
    {"a space behind", "1 ", units_integer_parse, 0, "\"1 \" is not a whole number; write digits, as in 100"},

    {"milliseconds", "250ms", units_duration_parse, 250, NULL},
    {"seconds", "30s", units_duration_parse, 30000, NULL},
    {"minutes", "5m", units_duration_parse, 300000, NULL},
    {"hours with a fraction", "1.5h", units_duration_parse, 5400000, NULL},
    {"days", "7d", units_duration_parse, 604800000, NULL},
    {"a space between", "30 s", units_duration_parse, 30000, NULL},
    {"two spaces", "30  s", units_duration_parse, 0, "\"30  s\" is not a duration; write 30s, 5m or 1h"},
    {"nothing needs no unit", "0", units_duration_parse, 0, NULL},
    {"a number needs one", "30", units_duration_parse, 0, "\"30\" has no unit; write 30s, or another of ms, s, m, h, d"},
    {"another unit", "30sec", units_duration_parse, 0, "\"30sec\" is not a duration; write 30s, 5m or 1h"},
    {"a capital", "5M", units_duration_parse, 0, "\"5M\" is not a duration; write 30s, 5m or 1h"},
    {"two of them", "1h30m", units_duration_parse, 0, "\"1h30m\" is not a duration; write 30s, 5m or 1h"},
    {"finer than a millisecond", "0.0001s", units_duration_parse, 0, "\"0.0001s\" is not a duration; write 30s, 5m or 1h"},
    {"a point alone", "1.s", units_duration_parse, 0, "\"1.s\" is not a duration; write 30s, 5m or 1h"},
    {"a point in front", ".5s", units_duration_parse, 0, "\".5s\" is not a duration; write 30s, 5m or 1h"},
    {"too long", "9999999999999999d", units_duration_parse, 0, "\"9999999999999999d\" is not a duration; write 30s, 5m or 1h"},
    {"trailing zeros are exact", "1.000000000s", units_duration_parse, 1000, NULL},

    {"bytes alone", "1232", units_size_parse, 1232, NULL},
    {"bytes", "12 B", units_size_parse, 12, NULL},
    {"binary", "64 MiB", units_size_parse, 64u << 20, NULL},
    {"binary without the space", "16KiB", units_size_parse, 16384, NULL},
    {"decimal", "10 MB", units_size_parse, 10000000, NULL},
    {"half", "0.5 GiB", units_size_parse, 1u << 29, NULL},
    {"bits", "64 Mb", units_size_parse, 0, "\"64 Mb\" is not a size; write 64 MiB, 16 KiB or bytes alone"},
    {"a letter", "64M", units_size_parse, 0, "\"64M\" is not a size; write 64 MiB, 16 KiB or bytes alone"},
    {"half a byte", "0.5", units_size_parse, 0, "\"0.5\" is not a size; write 64 MiB, 16 KiB or bytes alone"},

    {"gigabits", "10 Gbit/s", units_rate_parse, UINT64_C(10000000000), NULL},
    {"with a fraction", "2.5 Mbit/s", units_rate_parse, 2500000, NULL},
    {"bits", "9600 bit/s", units_rate_parse, 9600, NULL},
    {"a number", "10", units_rate_parse, 0, "\"10\" has no unit; write 10 Mbit/s or 10 Gbit/s"},
    {"another spelling", "10 Gbps", units_rate_parse, 0, "\"10 Gbps\" is not a rate; write 10 Gbit/s or 5 Mbit/s"},

    {"percent", "20%", units_share_parse, 20000, NULL},
    {"a fraction of one", "2.5%", units_share_parse, 2500, NULL},
    {"a space", "20 %", units_share_parse, 20000, NULL},
    {"over all", "150%", units_share_parse, 150000, NULL},
    {"a part of 1", "0.25", units_share_parse, 0, "\"0.25\" has no %; write 25%"},
    {"a number", "20", units_share_parse, 0, "\"20\" has no %; write 20%"},
    {"no share", "half", units_share_parse, 0, "\"half\" is not a share; write 20% or 2.5%"},
};
// clang-format on

START_TEST(text_to_number)
{
    struct err e = {0};
    uint64_t v = 0;
    enum err_code rc = rows[_i].parse(str_from(rows[_i].text), &v, &e);

    ck_assert_msg(rc == (rows[_i].error ? ERR_PARSE : ERR_OK), "%s: %s", rows[_i].what, e.text);
    if (rows[_i].error)
        ck_assert_str_eq(e.text, rows[_i].error);
    else
        ck_assert_msg(v == rows[_i].value, "%s: %" PRIu64, rows[_i].what, v);
}
END_TEST

START_TEST(decimals)
{
    static const struct {
        const char *text;
        double value;
        bool ok;
    } all[] = {{"1", 1, true},
               {"0.75", 0.75, true},
               {"1e3", 0, false},
               {"nan", 0, false},
               {"-1", 0, false},
               {"1,5", 0, false},
               {"", 0, false},
               {".", 0, false},
               {"0.123456789", 0.123456789, true},
               {"0.1234567891", 0, false}};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        double v = 0;

        ck_assert_msg((units_number_parse(str_from(all[i].text), &v, NULL) == ERR_OK) == all[i].ok,
                      "%s", all[i].text);
        ck_assert_double_eq(v, all[i].value);
    }
}
END_TEST

/* What is written can be read again, and is the same. */
START_TEST(there_and_back)
{
    static const struct {
        char *(*format)(uint64_t v, char *out);
        whole_fn *parse;
        const char *name;
    } kinds[] = {
        {units_duration_format, units_duration_parse, "duration"},
        {units_size_format, units_size_parse, "size"},
        {units_rate_format, units_rate_parse, "rate"},
        {units_share_format, units_share_parse, "share"},
    };
    unsigned seed = 20260801;

    srand(seed);
    for (unsigned k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        for (unsigned i = 0; i < 20000; i++) {
            uint64_t v = ((uint64_t)rand() << 31 | (uint64_t)rand()) >> (rand() % 62), back = 0;
            char text[UNITS_TEXT_MAX];
            struct err e = {0};

            if (i % 3 == 0)
                v = v % 100000 * (i % 2 ? 1000 : 1024);
            v &= UINT64_C(0xffffffffffff);
            kinds[k].format(v, text);
            ck_assert_msg(kinds[k].parse(str_from(text), &back, &e) == ERR_OK && back == v,
                          "%s %" PRIu64 " is \"%s\": %s (seed %u)", kinds[k].name, v, text, e.text,
                          seed);
        }
    }
}
END_TEST

START_TEST(short_texts)
{
    char t[UNITS_TEXT_MAX];

    ck_assert_str_eq(units_duration_format(90000, t), "90s");
    ck_assert_str_eq(units_duration_format(300000, t), "5m");
    ck_assert_str_eq(units_duration_format(0, t), "0s");
    ck_assert_str_eq(units_size_format(262144, t), "256 KiB");
    ck_assert_str_eq(units_size_format(512, t), "512 B");
    ck_assert_str_eq(units_rate_format(2500000, t), "2500 kbit/s");
    ck_assert_str_eq(units_share_format(2500, t), "2.5%");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("config_units");
    TCase *t = tcase_create("config_units");
    SRunner *r;
    int failed;

    tcase_add_loop_test(t, text_to_number, 0, (int)(sizeof rows / sizeof rows[0]));
    tcase_add_test(t, decimals);
    tcase_add_test(t, there_and_back);
    tcase_add_test(t, short_texts);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
