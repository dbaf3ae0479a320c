#include "router/fci.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CAPABILITIES(x) "{\"capabilities\":[" x "]}"
#define ALTO(x)         "{\"meta\":{},\"cdni-advertisement\":{\"capabilities-with-footprints\":[" x "]}}"
#define DELIVERY(p, f)                                                                             \
    "{\"capability-type\":\"FCI.DeliveryProtocol\",\"capability-value\":{\"delivery-protocols\":"  \
    "[" p "]},\"footprints\":" f "}"
#define OTHER(f)                                                                                   \
    "{\"capability-type\":\"FCI.Logging\",\"capability-value\":{\"record-type\":\"x\"},"           \
    "\"footprints\":" f "}"
#define FOOTPRINT(t, v) "{\"footprint-type\":\"" t "\",\"footprint-value\":[" v "]}"
#define US              FOOTPRINT("countrycode", "\"us\"")
#define DE              FOOTPRINT("countrycode", "\"de\"")
#define NET4            FOOTPRINT("ipv4cidr", "\"192.0.2.0/24\",\"198.51.100.0/24\"")
#define NET6            FOOTPRINT("ipv6cidr", "\"2001:db8::/32\"")
#define AS              FOOTPRINT("asn", "\"as64496\"")
#define ONTARIO         FOOTPRINT("subdivisioncode", "\"ca-on\"")
#define PID             FOOTPRINT("altopid", "\"my-eu-netmap.south-france\"")

/* "countrycode(us) & footprintunion[ipv4cidr(...) | ...]" */
static void text_of(const struct footprint_conf *f, size_t n, const char *between,
                    struct bytes *out)
{
    for (size_t i = 0; i < n; i++) {
        ck_assert(bytes_printf(out, "%s%s", i ? between : "", footprint_type_name(f[i].type)));
        if (f[i].type == FOOTPRINT_UNION) {
            ck_assert(bytes_printf(out, "["));
            text_of(f[i].parts, f[i].part_count, " | ", out);
            ck_assert(bytes_printf(out, "]"));
            continue;
        }
        for (size_t k = 0; k < f[i].value_count; k++)
            ck_assert(bytes_printf(out, "%s%.*s", k ? "," : "(", (int)f[i].values[k].n,
                                   f[i].values[k].p));
        ck_assert(bytes_printf(out, ")"));
    }
}

// clang-format off
static const struct {
    const char *what, *json, *footprints;
    bool http, https;
} good[] = {
    {"RFC 8008 section 5.3.1",      CAPABILITIES(DELIVERY("\"http/1.1\"", "[" US "]")),             "countrycode(us)", true, false},
    {"RFC 9241, both protocols",    ALTO(DELIVERY("\"https/1.1\",\"http/1.1\"", "[" NET4 "]")),     "ipv4cidr(192.0.2.0/24,198.51.100.0/24)", true, true},
    {"RFC 9241, one each",          ALTO(DELIVERY("\"http/1.1\"", "[" NET4 "]") "," DELIVERY("\"https/1.1\"", "[" NET4 "]")), "ipv4cidr(192.0.2.0/24,198.51.100.0/24)", true, true},
    {"RFC 9241, altopid",           ALTO(DELIVERY("\"http/1.1\"", "[" PID "]")),                    "altopid(my-eu-netmap.south-france)", true, false},
    {"RFC 9388, figure 3",          CAPABILITIES(DELIVERY("\"http/1.1\"", "[" FOOTPRINT("footprintunion", NET4 "," NET6) "]")), "footprintunion[ipv4cidr(192.0.2.0/24,198.51.100.0/24) | ipv6cidr(2001:db8::/32)]", true, false},
    {"RFC 9388, figure 4",          CAPABILITIES(DELIVERY("\"http/1.1\"", "[" AS "," FOOTPRINT("footprintunion", US "," ONTARIO) "]")), "asn(as64496) & footprintunion[countrycode(us) | subdivisioncode(ca-on)]", true, false},
    {"no footprints: everybody",    CAPABILITIES("{\"capability-type\":\"FCI.Logging\",\"capability-value\":{}}"), "", true, true},
    {"null: everybody",             CAPABILITIES(DELIVERY("\"http/1.1\"", "null")),                 "", true, false},
    {"empty: everybody",            CAPABILITIES(DELIVERY("\"http/1.1\"", "[]")),                   "", true, false},
    {"no capabilities: nobody",     ALTO(""),                                                        "footprintunion[]", true, true},
    {"delivery alone counts",       CAPABILITIES(OTHER("[" DE "]") "," DELIVERY("\"https/1.1\"", "[" US "]")), "countrycode(us)", false, true},
    {"without it, all do",          CAPABILITIES(OTHER("[" DE "]") "," OTHER("[" US "]")),          "footprintunion[countrycode(de) | countrycode(us)]", true, true},
    {"one of them is everybody's",  CAPABILITIES(OTHER("[" DE "]") "," OTHER("[]")),                "", true, true},
    {"everybody's comes first",     CAPABILITIES(OTHER("[]") "," OTHER("[" DE "]")),                "", true, true},
    {"either of two conjunctions",  CAPABILITIES(DELIVERY("\"http/1.1\"", "[" AS "," US "]") "," DELIVERY("\"https/1.1\"", "[" DE "," PID "]")),
     "footprintunion[asn(as64496) | countrycode(de)] & footprintunion[asn(as64496) | altopid(my-eu-netmap.south-france)] & "
     "footprintunion[countrycode(us) | countrycode(de)] & footprintunion[countrycode(us) | altopid(my-eu-netmap.south-france)]", true, true},
    {"not known in a union: no part", CAPABILITIES(OTHER("[" FOOTPRINT("footprintunion", FOOTPRINT("gps", "1") "," US) "]")), "footprintunion[countrycode(us)]", true, true},
    {"a type not known: nobody",    CAPABILITIES(OTHER("[" FOOTPRINT("gps", "[1,2]") "]")),         "footprintunion[]", true, true},
};

static const struct {
    const char *json, *why;
} bad[] = {
    {"",                                                        ""},
    {"[]",                                                      "object"},
    {"{}",                                                      "capabilities"},
    {"{\"capabilities\":{}}",                                   "capabilities"},
    {"{\"cdni-advertisement\":{}}",                             "cdni-advertisement.capabilities-with-footprints"},
    {CAPABILITIES("1"),                                         "capabilities[0]"},
    {CAPABILITIES("{}"),                                        "capabilities[0].capability-type"},
    {CAPABILITIES("{\"capability-type\":\"x\"}"),               "capabilities[0]: has no capability-value"},
    {CAPABILITIES(OTHER("{}")),                                 "capabilities[0].footprints"},
    {CAPABILITIES(OTHER("[1]")),                                "capabilities[0].footprints[0]"},
    {CAPABILITIES(OTHER("[{}]")),                               "capabilities[0].footprints[0].footprint-type"},
    {CAPABILITIES(OTHER("[" US "," FOOTPRINT("asn", "") "]")),  "capabilities[0].footprints[1].footprint-value: is empty"},
    {CAPABILITIES(OTHER("[" FOOTPRINT("asn", "1") "]")),        "capabilities[0].footprints[0].footprint-value[0]"},
    {CAPABILITIES(OTHER("[" FOOTPRINT("countrycode", "\"de\",\"US\"") "]")), "capabilities[0].footprints[0].footprint-value[1]: countrycode \"US\": not the two lower case letters"},
    {CAPABILITIES(OTHER("[" FOOTPRINT("footprintunion", FOOTPRINT("footprintunion", US)) "]")), "a footprintunion in a footprintunion"},
    {CAPABILITIES(OTHER("[" FOOTPRINT("footprintunion", "\"us\"") "]")), "capabilities[0].footprints[0].footprint-value[0]"},
    {CAPABILITIES(OTHER("[" US "," US "," US "," US "," US "," US "," US "," US "," US "," US "," US "," US "," US "," US "," US "," US "," US "]")), "17 footprints that narrow each other, at most 16"},
    {CAPABILITIES(OTHER("[" US "," US "," US "," US "," US "]") "," OTHER("[" DE "," DE "," DE "," DE "]")), "make 20 conditions, at most 16"},
    {CAPABILITIES("{\"capability-type\":\"FCI.DeliveryProtocol\",\"capability-value\":{}}"), "capability-value.delivery-protocols"},
};
// clang-format on

/* Conformance: K-03, K-05, K-06. */
START_TEST(reads)
{
    struct arena *arena = arena_new((size_t)1 << 20);
    struct fci f = {0};
    struct err e = {0};
    struct bytes got = {0};

    ck_assert_msg(fci_parse(good[_i].json, strlen(good[_i].json), arena, &f, &e) == ERR_OK,
                  "%s: %s", good[_i].what, e.text);
    text_of(f.footprints, f.count, " & ", &got);
    ck_assert_msg(str_eq((struct str){got.data, got.len}, str_from(good[_i].footprints)),
                  "%s: %.*s", good[_i].what, (int)got.len, got.data);
    ck_assert_msg(f.delivers_http == good[_i].http && f.delivers_https == good[_i].https, "%s",
                  good[_i].what);
    bytes_free(&got);
    arena_free(arena);
}
END_TEST

/* Conformance: K-06, K-07. */
START_TEST(refuses)
{
    struct arena *arena = arena_new((size_t)1 << 20);
    struct fci f = {.count = 99};
    struct err e = {0};

    ck_assert_msg(fci_parse(bad[_i].json, strlen(bad[_i].json), arena, &f, &e) != ERR_OK, "%s",
                  bad[_i].json);
    ck_assert_msg(strstr(e.text, bad[_i].why) != NULL, "%s: %s", bad[_i].json, e.text);
    ck_assert_uint_eq(f.count, 99); /* untouched */
    arena_free(arena);
}
END_TEST

START_TEST(files)
{
    struct arena *arena = arena_new((size_t)1 << 20);
    char path[] = "/tmp/test_fci.XXXXXX";
    int fd = mkstemp(path);
    struct fci f = {0};
    struct err e = {0};

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, good[0].json, strlen(good[0].json)), (ssize_t)strlen(good[0].json));
    ck_assert_msg(fci_load(path, arena, &f, &e) == ERR_OK, "%s", e.text);
    ck_assert_uint_eq(f.count, 1);
    ck_assert_int_eq(ftruncate(fd, 10), 0);
    ck_assert(fci_load(path, arena, &f, &e) == ERR_PARSE);
    ck_assert_msg(strncmp(e.text, "advertisement /tmp/test_fci.", 28) == 0, "%s", e.text);
    close(fd);
    unlink(path);
    e = (struct err){0};
    ck_assert(fci_load(path, arena, &f, &e) == ERR_IO);
    arena_free(arena);
}
END_TEST

START_TEST(types)
{
    enum footprint_type t;

    for (unsigned i = 0; i <= FOOTPRINT_UNION; i++) {
        ck_assert(footprint_type_find(str_from(footprint_type_name((enum footprint_type)i)), &t));
        ck_assert_uint_eq(t, i);
    }
    ck_assert(!footprint_type_find(STR("IPv4CIDR"), &t));
    ck_assert(!footprint_type_find(STR(""), &t));
}
END_TEST

/* As many different lists as may be, then one more; lists that were there before do not count. */
START_TEST(many_lists)
{
    struct bytes json = {.limit = 1 << 20};
    struct err e = {0};
    struct fci f;

    for (unsigned n = FCI_LISTS_MAX; n <= FCI_LISTS_MAX + 1; n++) {
        struct arena *arena = arena_new(1 << 26);

        json.len = 0;
        ck_assert(bytes_printf(&json, "{\"capabilities\":["));
        for (unsigned i = 0; i < 2 * n; i++)
            ck_assert(bytes_printf(&json,
                                   "%s{\"capability-type\":\"x\",\"capability-value\":{},"
                                   "\"footprints\":[" FOOTPRINT("asn", "\"as%u\"") "]}",
                                   i ? "," : "", 1 + i % n));
        ck_assert(bytes_printf(&json, "]}"));
        if (n <= FCI_LISTS_MAX) {
            ck_assert_msg(fci_parse(json.data, json.len, arena, &f, &e) == ERR_OK, "%s", e.text);
            ck_assert_uint_eq(f.count, 1);
            ck_assert_uint_eq(f.footprints[0].part_count, n);
        } else {
            ck_assert_int_ne(fci_parse(json.data, json.len, arena, &f, &e), ERR_OK);
            ck_assert_msg(strstr(e.text, "capabilities[256]: 256 capabilities before it"), "%s",
                          e.text);
        }
        arena_free(arena);
    }
    bytes_free(&json);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("fci");
    TCase *t = tcase_create("all");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(t, reads, 0, (int)(sizeof good / sizeof *good));
    tcase_add_loop_test(t, refuses, 0, (int)(sizeof bad / sizeof *bad));
    tcase_add_test(t, files);
    tcase_add_test(t, types);
    tcase_add_test(t, many_lists);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
