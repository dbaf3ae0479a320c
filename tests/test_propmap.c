#include "alto/propmap.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "alto/propmap_internal.h"
#include "base/hash.h"

#define ARENA_CAP ((size_t)512 << 20)

static const struct propmap *parse(struct arena *a, const char *text)
{
    const struct propmap *m = NULL;
    struct err e = {0};

    ck_assert_msg(propmap_parse(text, strlen(text), a, &m, &e) == ERR_OK, "%.200s: %s", text,
                  e.text);
    ck_assert_ptr_nonnull(m);
    return m;
}

/* "-": none. In memory of its own. */
static const char *get(const struct propmap *m, const char *entity, const char *property)
{
    static char out[200];
    struct str v = propmap_get(m, str_from(entity), str_from(property));

    if (!v.p)
        return "-";
    snprintf(out, sizeof out, "%.*s", (int)v.n, v.p);
    return out;
}

/* RFC 9240 section 6.1.3, tables 1 and 2. */
static const struct {
    const char *entity, *value;
} inherited[] = {
    {"ipv4:192.0.2.0", "\"v4\""},    {"ipv4:192.0.2.1", "\"v3\""},
    {"ipv4:192.0.2.16", "\"v1\""},   {"ipv4:192.0.2.32", "\"v1\""},
    {"ipv4:192.0.2.64", "-"},        {"ipv4:192.0.2.0/32", "\"v4\""},
    {"ipv4:192.0.2.0/31", "\"v3\""}, {"ipv4:192.0.2.0/29", "\"v2\""},
    {"ipv4:192.0.2.0/27", "\"v1\""}, {"ipv4:192.0.2.0/25", "-"},
};

/* Conformance: Y-06, Y-04, Y-08. */
START_TEST(rfc9240_inheritance)
{
    struct arena *a = arena_new(ARENA_CAP);
    const struct propmap *m =
        parse(a, "{\"property-map\":{\"ipv4:192.0.2.0/26\":{\"P\":\"v1\"},"
                 "\"ipv4:192.0.2.0/28\":{\"P\":\"v2\"},\"ipv4:192.0.2.0/30\":{\"P\":\"v3\"},"
                 "\"ipv4:192.0.2.0\":{\"P\":\"v4\"}}}");

    ck_assert_str_eq(get(m, inherited[_i].entity, "P"), inherited[_i].value);
    ck_assert_str_eq(get(m, inherited[_i].entity, "Q"), "-");
    arena_free(a);
}
END_TEST

/* Conformance: Y-06. */
START_TEST(null_ends_inheritance)
{
    struct arena *a = arena_new(ARENA_CAP);
    const struct propmap *m =
        parse(a, "{\"property-map\":{\"ipv6:2001:db8::/32\":{\"P\":\"v\",\"Q\":\"w\"},"
                 "\"ipv6:2001:db8:1::/48\":{\"P\":null}}}");

    ck_assert_str_eq(get(m, "ipv6:2001:db8:2::1", "P"), "\"v\"");
    ck_assert_str_eq(get(m, "ipv6:2001:db8:1::1", "P"), "-");
    ck_assert_str_eq(get(m, "ipv6:2001:db8:1::1", "Q"), "\"w\"");
    ck_assert_str_eq(get(m, "ipv4:192.0.2.1", "P"), "-");
    arena_free(a);
}
END_TEST

/* Only addresses inherit, each domain by itself. */
START_TEST(domains_are_apart)
{
    struct arena *a = arena_new(ARENA_CAP);
    const struct propmap *m =
        parse(a, "{\"property-map\":{\"ipv4:10.0.0.0/8\":{\"p\":\"agnostic\"},"
                 "\"n1.ipv4:10.1.0.0/16\":{\"p\":\"n1\"},\"n1.pid:a\":{\"p\":\"pid\"},"
                 "\".ane:a\":{\"p\":\"ane\"},\"asn:as1\":{\"q\":\"as\"}}}");

    ck_assert_str_eq(get(m, "ipv4:10.1.0.0/16", "p"), "\"agnostic\"");
    ck_assert_str_eq(get(m, "n1.ipv4:10.1.2.3", "p"), "\"n1\"");
    ck_assert_str_eq(get(m, "n1.ipv4:10.2.0.0", "p"), "-");
    ck_assert_str_eq(get(m, "n2.ipv4:10.1.2.3", "p"), "-");
    ck_assert_str_eq(get(m, "n1.pid:a", "p"), "\"pid\"");
    ck_assert_str_eq(get(m, "n1.pid:aa", "p"), "-");
    ck_assert_str_eq(get(m, ".ane:a", "p"), "\"ane\"");
    ck_assert_str_eq(get(m, "asn:as1", "q"), "\"as\"");
    ck_assert_str_eq(get(m, "asn:as12", "q"), "-");
    ck_assert_uint_eq(propmap_domains(m), 5);
    ck_assert(str_eq(propmap_domain(m, 0), STR(".ane")));
    ck_assert_uint_eq(propmap_properties(m, 1), 1);
    ck_assert(str_eq(propmap_property(m, 1, 0), STR("q")));
    ck_assert_uint_eq(propmap_depends(m), 1);
    ck_assert_str_eq(propmap_depend(m, 0)->resource_id, "n1");
    ck_assert_str_eq(propmap_depend(m, 0)->tag, "");
    arena_free(a);
}
END_TEST

#define MAP(x) "{\"property-map\":{" x "}}"
#define E4     "\"ipv4:192.0.2.0/24\""

// clang-format off
static const struct {
    const char *json, *why;
    enum err_code rc;
} bad[] = {
    {"",                                                 "", ERR_PARSE},
    {"[]",                                               "an array, where an object should be", ERR_PARSE},
    {"{}",                                               "\"property-map\" is missing", ERR_PARSE},
    {"{\"property-map\":[]}",                            "property-map", ERR_PARSE},
    {"{\"property-map\":{},\"property-map\":{}}",        "a second time", ERR_PARSE},
    {"{\"meta\":1,\"property-map\":{}}",                 "meta", ERR_PARSE},
    {"{\"meta\":{\"dependent-vtags\":{}},\"property-map\":{}}", "meta.dependent-vtags", ERR_PARSE},
    {"{\"meta\":{\"dependent-vtags\":[{\"tag\":\"x\"}]},\"property-map\":{}}", "meta.dependent-vtags: \"resource-id\" is missing", ERR_PARSE},
    {"{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"n\"},{\"resource-id\":\"n\"}]},\"property-map\":{}}", "named twice", ERR_CONFLICT},
    {MAP("\"ipv4:192.0.2.0/33\":{}"),                    "1:18: property-map: \"192.0.2.0/33\": length", ERR_PARSE},
    {MAP("\"nothing\":{}"),                              "property-map: entity \"nothing\"", ERR_PARSE},
    {MAP(E4 ":1"),                                       "property-map.ipv4:192.0.2.0/24: a number, where an object should be", ERR_PARSE},
    {MAP(E4 ":{\"a b\":1}"),                             "property-map.ipv4:192.0.2.0/24.a b: property \"a b\"", ERR_PARSE},
    {MAP(E4 ":{\"p\":1,\"p\":1}"),                       "property-map.ipv4:192.0.2.0/24.p has two values", ERR_CONFLICT},
    {MAP(E4 ":{\"p\":1}," E4 ":{\"q\":1}"),              "property-map.ipv4:192.0.2.0/24 stands there twice", ERR_CONFLICT},
    {MAP("\"ipv4:192.0.2.1\":{\"p\":1},\"ipv4:192.0.2.1/32\":{\"q\":1}"), "property-map.ipv4:192.0.2.1 stands there twice", ERR_CONFLICT},
    {MAP("\"n.pid:a\":{\"p\":1},\"n.pid:a\":{\"q\":1}"), "property-map.n.pid:a stands there twice", ERR_CONFLICT},
    {MAP(E4 ":{\"p\":{\"a\":1,\"a\":2}}"),               "property-map.ipv4:192.0.2.0/24.p: not one JSON value: duplicate object key", ERR_PARSE},
    {MAP(E4 ":{\"p\":1e999}"),                           "", ERR_PARSE},
    {MAP(E4 ":{\"p\":\"\xff\"}"),                        "", ERR_PARSE},
    {MAP(E4 ":{\"p\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}"), "", ERR_LIMIT},
};
// clang-format on

START_TEST(refuses)
{
    struct arena *a = arena_new(ARENA_CAP);
    const struct propmap *m = NULL;
    struct err e = {0};

    ck_assert_msg(propmap_parse(bad[_i].json, strlen(bad[_i].json), a, &m, &e) == bad[_i].rc,
                  "%s: %d %s", bad[_i].json, e.code, e.text);
    ck_assert_msg(e.text[0] && strstr(e.text, bad[_i].why), "%s: %s", bad[_i].json, e.text);
    ck_assert_ptr_null(m);
    arena_free(a);
}
END_TEST

/* Conformance: Y-15. */
START_TEST(values)
{
    struct arena *a = arena_new(ARENA_CAP);
    const struct propmap *m =
        parse(a, MAP("\".ane:x\":{\"s\":\"a\\\"\\u00e9\\n\",\"n\":40000,\"f\":1.50,\"t\":true,"
                     "\"o\":{\"b\":[1,{\"d\":null,\"c\":2}],\"a\":\"x\"},\"e\":[],\"z\":null}"));

    ck_assert_str_eq(get(m, ".ane:x", "s"), "\"a\\\"\xc3\xa9\\n\"");
    ck_assert_str_eq(get(m, ".ane:x", "n"), "40000");
    ck_assert_str_eq(get(m, ".ane:x", "f"), "1.5");
    ck_assert_str_eq(get(m, ".ane:x", "t"), "true");
    ck_assert_str_eq(get(m, ".ane:x", "o"), "{\"a\":\"x\",\"b\":[1,{\"c\":2,\"d\":null}]}");
    ck_assert_str_eq(get(m, ".ane:x", "e"), "[]");
    ck_assert_str_eq(get(m, ".ane:x", "z"), "-");
    arena_free(a);
}
END_TEST

START_TEST(tags)
{
    struct arena *a = arena_new(ARENA_CAP);
    const struct propmap *one = parse(
        a, "{\"meta\":{},\"property-map\":{\"ipv4:10.0.0.0/8\":{\"p\":{\"a\":1,\"b\":2},\"q\":1.0},"
           "\"n.pid:x\":{\"p\":\"y\"}}}");
    const struct propmap *other =
        parse(a, "{\"property-map\":{\"n.pid:x\":{\"p\":\"\\u0079\"},"
                 "\"ipv4:10.1.2.3/8\":{\"q\":1,\"p\":{\"b\":2,\"a\":1}}},\"meta\":{\"x\":[]}}");
    const struct propmap *differs =
        parse(a, "{\"property-map\":{\"n.pid:x\":{\"p\":\"y\"},"
                 "\"ipv4:10.1.2.3/8\":{\"q\":1,\"p\":{\"b\":2,\"a\":2}}}}");

    ck_assert_str_eq(propmap_tag(one), propmap_tag(other));
    ck_assert_str_ne(propmap_tag(one), propmap_tag(differs));
    arena_free(a);
}
END_TEST

START_TEST(builds)
{
    struct arena *a = arena_new(ARENA_CAP);
    struct propmap_build *b = propmap_build_new(a);
    const struct vtag on = {"net", "7915dc"};
    const struct propmap *m = NULL;
    struct err e = {0};

    ck_assert(propmap_build_add(b, STR("ipv4:10.0.0.1"), STR("net.pid"), STR("\"x\""), &e) == 0);
    ck_assert(propmap_build_add_string(b, STR("priv:s:e1"), STR(".q"), STR("a\"b"), &e) == 0);
    ck_assert(propmap_build_add(b, STR("ipv4:10.0.0.1/32"), STR("p"), STR(" [ 1 ] "), &e) == 0);
    ck_assert(propmap_build_add(b, STR("ipv4:10.0.0.1/32"), STR("p"), STR("[1.0]"), &e) == 0);
    ck_assert(propmap_build_depends(b, &on, &e) == 0);
    ck_assert(propmap_build_depends(b, &on, &e) == ERR_CONFLICT);
    e = (struct err){0};
    ck_assert(propmap_build_add(b, STR("ipv4:10.0.0.1"), STR("p"), STR("[1"), &e) == ERR_PARSE);
    e = (struct err){0};
    ck_assert(propmap_build_add(b, STR("ipv4:10.0.0.1"), STR("a b"), STR("1"), &e) == ERR_PARSE);
    e = (struct err){0};
    ck_assert_msg(propmap_build_freeze(b, &m, &e) == ERR_OK, "%s", e.text);
    ck_assert_str_eq(get(m, "ipv4:10.0.0.1", "net.pid"), "\"x\"");
    ck_assert_str_eq(get(m, "ipv4:10.0.0.1", "p"), "[1]");
    ck_assert_str_eq(get(m, "priv:s:e1", ".q"), "\"a\\\"b\"");
    ck_assert_uint_eq(propmap_depends(m), 1);
    ck_assert_str_eq(propmap_depend(m, 0)->tag, "7915dc");
    propmap_build_free(b);
    b = propmap_build_new(a);
    ck_assert(propmap_build_add(b, STR("asn:as1"), STR("p"), STR("1"), &e) == 0);
    ck_assert(propmap_build_add(b, STR("asn:as1"), STR("p"), STR("2"), &e) == 0);
    ck_assert(propmap_build_freeze(b, &m, &e) == ERR_CONFLICT);
    ck_assert_msg(strstr(e.text, "asn:as1.p has two values") != NULL, "%s", e.text);
    propmap_build_free(b);
    b = propmap_build_new(a);
    ck_assert(propmap_build_freeze(b, &m, &(struct err){0}) == ERR_OK);
    ck_assert_uint_eq(propmap_domains(m), 0);
    propmap_build_free(b);
    arena_free(a);
}
END_TEST

static uint64_t seed_next(uint64_t *s)
{
    *s ^= *s >> 12;
    *s ^= *s << 25;
    *s ^= *s >> 27;
    return *s * UINT64_C(0x2545f4914f6cdd1d);
}

struct row {
    struct prefix prefix;
    unsigned property;
    int value; /* -1: null */
};

/* A prefix in a small space, so that many nest. */
static struct prefix random_prefix(uint64_t *s, bool v6)
{
    unsigned len = (unsigned)(seed_next(s) % 13), bits = (unsigned)(seed_next(s) % 4096);
    struct addr at = v6 ? (struct addr){UINT64_C(0x2001) << 48 | (uint64_t)bits << 36, 0}
                        : addr_from_v4(UINT32_C(10) << 24 | bits << 12);

    len += v6 ? 16 : 104;
    if (seed_next(s) % 5 == 0)
        len = 128;
    return (struct prefix){addr_mask(at, len), (uint8_t)len};
}

static int naive(const struct row *rows, size_t n, struct prefix p, unsigned property)
{
    int best_len = -1, value = -1;

    for (size_t i = 0; i < n; i++)
        if (rows[i].property == property && rows[i].prefix.len <= p.len &&
            prefix_has(rows[i].prefix, p.addr) && rows[i].prefix.len > best_len) {
            best_len = rows[i].prefix.len;
            value = rows[i].value;
        }
    return value;
}

/* Conformance: Y-06. */
START_TEST(inherits_as_a_scan_says)
{
    uint64_t seed = (uint64_t)time(NULL) * 1000003u + (unsigned)_i, s = seed | 1;
    struct arena *a = arena_new(ARENA_CAP);
    struct propmap_build *b = propmap_build_new(a);
    const struct propmap *m = NULL;
    static struct row rows[400];
    char entity[100], text[PREFIX_TEXT_MAX], property[8], value[16];
    struct err e = {0};
    size_t n = 0;

    printf("seed %llu\n", (unsigned long long)seed);
    while (n < 400) {
        struct row r = {random_prefix(&s, _i & 1), (unsigned)(seed_next(&s) % 3),
                        (int)(seed_next(&s) % 8) - 1};
        bool there = false;

        for (size_t i = 0; i < n && !there; i++)
            there = prefix_cmp(&rows[i].prefix, &r.prefix) == 0 && rows[i].property == r.property;
        if (there && n < 399 && seed_next(&s) % 2)
            continue;
        if (there)
            break;
        rows[n++] = r;
        snprintf(entity, sizeof entity, "%s:%s", _i & 1 ? "ipv6" : "ipv4",
                 prefix_format(r.prefix, text));
        snprintf(property, sizeof property, "p%u", r.property);
        snprintf(value, sizeof value, r.value < 0 ? "null" : "%d", r.value);
        ck_assert_msg(propmap_build_add(b, str_from(entity), str_from(property), str_from(value),
                                        &e) == ERR_OK,
                      "%s", e.text);
    }
    ck_assert_msg(propmap_build_freeze(b, &m, &e) == ERR_OK, "%s", e.text);
    for (unsigned i = 0; i < 3000; i++) {
        struct prefix p = random_prefix(&s, _i & 1);
        unsigned which = (unsigned)(seed_next(&s) % 3);
        int want = naive(rows, n, p, which);

        snprintf(entity, sizeof entity, "%s:%s", _i & 1 ? "ipv6" : "ipv4", prefix_format(p, text));
        snprintf(property, sizeof property, "p%u", which);
        snprintf(value, sizeof value, want < 0 ? "-" : "%d", want);
        ck_assert_msg(strcmp(get(m, entity, property), value) == 0, "seed %llu: %s %s: %s, not %s",
                      (unsigned long long)seed, entity, property, get(m, entity, property), value);
    }
    propmap_build_free(b);
    arena_free(a);
}
END_TEST

START_TEST(files)
{
    struct arena *a = arena_new(ARENA_CAP);
    char path[] = "/tmp/test_propmap.XXXXXX";
    const char text[] = MAP("\"asn:as1\":{\"p\":\"v\"}");
    int fd = mkstemp(path);
    const struct propmap *m = NULL;
    struct err e = {0};

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, sizeof text - 1), (ssize_t)sizeof text - 1);
    ck_assert_msg(propmap_load(path, a, &m, &e) == ERR_OK, "%s", e.text);
    ck_assert_str_eq(get(m, "asn:as1", "p"), "\"v\"");
    ck_assert_int_eq(ftruncate(fd, 10), 0);
    ck_assert(propmap_load(path, a, &m, &e) == ERR_PARSE);
    ck_assert_msg(strncmp(e.text, "property map /tmp/test_propmap.", 31) == 0, "%s", e.text);
    close(fd);
    unlink(path);
    arena_free(a);
}
END_TEST

/* 250,000 prefixes load, and what one entity is asked for does not take a scan. */
START_TEST(large)
{
    struct arena *a = arena_new(ARENA_CAP);
    struct bytes text = {0};
    const struct propmap *m = NULL;
    struct err e = {0};
    struct timespec t0, t1, t2;
    unsigned found = 0;

    ck_assert(bytes_printf(&text, "{\"property-map\":{"));
    for (uint32_t i = 0; i < 250000; i++) {
        char prefix[PREFIX_TEXT_MAX];
        uint32_t at = i * 7919u % (1u << 19); /* in no order, each once: the factor is odd */
        struct prefix p = {addr_from_v4(at << 8), 120};

        ck_assert(bytes_printf(&text, "%s\"ipv4:%s\":{\"net.pid\":\"PID%u\"}", i ? "," : "",
                               prefix_format(p, prefix), i % 1700));
    }
    ck_assert(bytes_printf(&text, "}}"));
    clock_gettime(CLOCK_MONOTONIC, &t0);
    ck_assert_msg(propmap_parse(text.data, text.len, a, &m, &e) == ERR_OK, "%s", e.text);
    clock_gettime(CLOCK_MONOTONIC, &t1);
    for (unsigned i = 0; i < 100000; i++) {
        char entity[40];

        snprintf(entity, sizeof entity, "ipv4:%u.%u.%u.1", i % 8, i / 256 % 256, i % 256);
        found += propmap_get(m, str_from(entity), STR("net.pid")).p != NULL;
    }
    clock_gettime(CLOCK_MONOTONIC, &t2);
    printf("loaded in %.0f ms, %zu MB; a lookup %.0f ns, %u found\n",
           (double)(t1.tv_sec - t0.tv_sec) * 1e3 + (double)(t1.tv_nsec - t0.tv_nsec) / 1e6,
           arena_used(a) >> 20,
           ((double)(t2.tv_sec - t1.tv_sec) * 1e9 + (double)(t2.tv_nsec - t1.tv_nsec)) / 1e5,
           found);
    ck_assert_uint_gt(found, 0);
    bytes_free(&text);
    arena_free(a);
}
END_TEST

#define ROWS(x) (int)(sizeof(x) / sizeof *(x))

int main(void)
{
    Suite *s = suite_create("propmap");
    TCase *t = tcase_create("all");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(t, rfc9240_inheritance, 0, ROWS(inherited));
    tcase_add_test(t, null_ends_inheritance);
    tcase_add_test(t, domains_are_apart);
    tcase_add_loop_test(t, refuses, 0, ROWS(bad));
    tcase_add_test(t, values);
    tcase_add_test(t, tags);
    tcase_add_test(t, builds);
    tcase_add_loop_test(t, inherits_as_a_scan_says, 0, 20);
    tcase_add_test(t, files);
    tcase_add_test(t, large);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
