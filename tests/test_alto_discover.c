#include "alto/discover.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct addr address(const char *text)
{
    struct addr a;

    ck_assert_int_eq(addr_parse(text, strlen(text), &a, NULL), ERR_OK);
    return a;
}

/* RFC 8686 section 3.4, table 1: every row with its first and its last length; a 0 ends a ladder.
 */
static const struct {
    const char *addr;
    unsigned from, to, bits[DISCOVER_NAMES_MAX + 1];
} ladder[] = {
    {"198.51.100.3", 32, 32, {32, 24, 16, 8}},
    {"198.51.100.3", 24, 31, {24, 16, 8}},
    {"198.51.100.3", 16, 23, {16, 8}},
    {"198.51.100.3", 8, 15, {8}},
    {"198.51.100.3", 0, 7, {0}},
    {"2001:db8::20", 128, 128, {128, 64, 56, 48, 40, 32}},
    {"2001:db8::20", 64, 127, {64, 56, 48, 40, 32}},
    {"2001:db8::20", 56, 63, {56, 48, 40, 32}},
    {"2001:db8::20", 48, 55, {48, 40, 32}},
    {"2001:db8::20", 40, 47, {40, 32}},
    {"2001:db8::20", 32, 39, {32}},
    {"2001:db8::20", 0, 31, {0}},
};

/* Conformance: W-04. */
START_TEST(test_ladder)
{
    for (unsigned len = ladder[_i].from; len <= ladder[_i].to; len++) {
        struct discover_names got;
        struct err e = {0};
        const enum err_code rc = discover_names(address(ladder[_i].addr), len, &got, &e);
        unsigned n = 0;

        while (ladder[_i].bits[n])
            n++;
        ck_assert_int_eq(rc, n ? ERR_OK : ERR_UNSUPPORTED);
        ck_assert_uint_eq(got.count, n);
        for (unsigned i = 0; i < n; i++)
            ck_assert_uint_eq(got.bits[i], ladder[_i].bits[i]);
        if (!n)
            ck_assert_ptr_nonnull(strstr(e.text, "unsupported prefix length"));
    }
}
END_TEST

/* Conformance: W-04. */
START_TEST(test_names_of_the_rfc)
{
    static const char *const v4[] = {"3.100.51.198.IN-ADDR.ARPA.", "100.51.198.IN-ADDR.ARPA.",
                                     "51.198.IN-ADDR.ARPA.", "198.IN-ADDR.ARPA."};
    static const char *const v6[] = {
        "0.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2.IP6.ARPA.",
        "0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2.IP6.ARPA.",
        "0.0.0.0.0.0.8.B.D.0.1.0.0.2.IP6.ARPA.",
        "0.0.0.0.8.B.D.0.1.0.0.2.IP6.ARPA.",
        "0.0.8.B.D.0.1.0.0.2.IP6.ARPA.",
        "8.B.D.0.1.0.0.2.IP6.ARPA.",
    };
    struct discover_names got;

    ck_assert_int_eq(discover_names(address("198.51.100.3"), 32, &got, NULL), ERR_OK);
    for (unsigned i = 0; i < got.count; i++)
        ck_assert_str_eq(got.names[i], v4[i]);
    ck_assert_int_eq(discover_names(address("2001:0DB8::20"), 128, &got, NULL), ERR_OK);
    for (unsigned i = 0; i < got.count; i++)
        ck_assert_str_eq(got.names[i], v6[i]);
}
END_TEST

#define RECORD(order, preference, flags, service, regexp)                                          \
    {                                                                                              \
        order, preference, {flags, sizeof(flags) - 1}, {service, sizeof(service) - 1},             \
        {                                                                                          \
            regexp, sizeof(regexp) - 1                                                             \
        }                                                                                          \
    }

/* Conformance: W-01. */
START_TEST(test_order_then_preference)
{
    static const struct discover_record records[] = {
        RECORD(200, 1, "u", "ALTO:https", "!.*!https://late.example.net/!"),
        RECORD(100, 20, "u", "ALTO:https", "!.*!https://alto2.example.net/ird!"),
        RECORD(100, 30, "U", "alto:HTTPS", "!.*!https://alto3.example.net/ird!"),
        RECORD(100, 10, "u", "ALTO:https", "!.*!https://alto1.example.net/ird!"),
        RECORD(100, 5, "u", "ALTO:http", "!.*!http://clear.example.net/ird!"),
        RECORD(50, 1, "u", "SIP:https", "!.*!https://sip.example.net/!"),
        RECORD(100, 40, "u", "ALTO:https", "!.*!https://alto1.example.net/ird!"),
    };
    struct discover_uris got;

    discover_choose(records, sizeof records / sizeof *records, STR("https"), &got);
    ck_assert_uint_eq(got.count, 3);
    ck_assert_str_eq(got.uris[0], "https://alto1.example.net/ird");
    ck_assert_str_eq(got.uris[1], "https://alto2.example.net/ird");
    ck_assert_str_eq(got.uris[2], "https://alto3.example.net/ird");
    discover_choose(records, sizeof records / sizeof *records, STR("http"), &got);
    ck_assert_uint_eq(got.count, 1);
    ck_assert_str_eq(got.uris[0], "http://clear.example.net/ird");
    discover_choose(records, 0, STR("https"), &got);
    ck_assert_uint_eq(got.count, 0);
}
END_TEST

static const struct discover_record wrong[] = {
    RECORD(1, 1, "s", "ALTO:https", "!.*!https://a.example/!"),
    RECORD(1, 1, "", "ALTO:https", "!.*!https://a.example/!"),
    RECORD(1, 1, "u", "ALTO", "!.*!https://a.example/!"),
    RECORD(1, 1, "u", "ALTOS:https", "!.*!https://a.example/!"),
    RECORD(1, 1, "u", "", "!.*!https://a.example/!"),
    RECORD(1, 1, "u", "ALTO:https", ""),
    RECORD(1, 1, "u", "ALTO:https", "!.*!!"),
    RECORD(1, 1, "u", "ALTO:https", "!.*!https://a.example/"),
    RECORD(1, 1, "u", "ALTO:https", "!.*!https://a.example/!i"),
    RECORD(1, 1, "u", "ALTO:https", "/.*/https://a.example/"),
    RECORD(1, 1, "u", "ALTO:https", "!^.*$!https://a.example/!"),
    RECORD(1, 1, "u", "ALTO:https", "!(.*)!https://\\1/ird!"),
    RECORD(1, 1, "u", "ALTO:https", "!.*!https://a.example/!x!"),
    RECORD(1, 1, "u", "ALTO:https", "!.*!http://a.example/!"), /* in the clear */
    RECORD(1, 1, "u", "ALTO:https", "!.*!ftp://a.example/!"),
    RECORD(1, 1, "u", "ALTO:https", "!.*!/ird!"),
};

/* A record that is none of ours, even with the lowest order, hides no good one.
 * Conformance: W-01. */
START_TEST(test_records_that_are_none)
{
    const struct discover_record good =
        RECORD(9, 9, "u", "ALTO:http:https", "!.*!https://good.example/!");
    const struct discover_record both[] = {wrong[_i], good};
    struct discover_uris got;

    discover_choose(&wrong[_i], 1, STR("https"), &got);
    ck_assert_uint_eq(got.count, 0);
    discover_choose(both, 2, STR("https"), &got);
    ck_assert_uint_eq(got.count, 1);
    ck_assert_str_eq(got.uris[0], "https://good.example/");
}
END_TEST

/* Conformance: W-08. */
START_TEST(test_the_service_is_an_input)
{
    struct str protocol;
    struct err e = {0};

    ck_assert_int_eq(discover_service_parse(STR("ALTO:http"), &protocol, NULL), ERR_OK);
    ck_assert(str_eq(protocol, STR("http")));
    ck_assert_int_eq(discover_service_parse(STR("alto:HTTPS"), &protocol, NULL), ERR_OK);
    ck_assert(str_eq(protocol, STR("https")));
    ck_assert_int_eq(discover_service_parse(STR("ALTO:ftp"), &protocol, &e), ERR_PARSE);
    ck_assert_str_eq(e.text, "\"ALTO:ftp\" is no service of ALTO; it is ALTO:https or ALTO:http");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("alto_discover");
    TCase *t = tcase_create("discover");
    SRunner *r;
    int failed;

    tcase_add_loop_test(t, test_ladder, 0, sizeof ladder / sizeof *ladder);
    tcase_add_test(t, test_names_of_the_rfc);
    tcase_add_test(t, test_order_then_preference);
    tcase_add_loop_test(t, test_records_that_are_none, 0, sizeof wrong / sizeof *wrong);
    tcase_add_test(t, test_the_service_is_an_input);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
