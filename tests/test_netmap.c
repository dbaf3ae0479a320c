#include "alto/netmap.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"

#define ARENA_CAP ((size_t)64 << 20)

/* A map from text, which must be good; errors fail the test. */
static const struct netmap *parse(struct arena *a, const char *text, size_t n)
{
    const struct netmap *m = NULL;
    struct err e = {0};

    ck_assert_msg(netmap_parse(text, n, a, &m, &e) == ERR_OK, "%.200s: %s", text, e.text);
    ck_assert_ptr_nonnull(m);
    return m;
}

static const struct netmap *parse_text(struct arena *a, const char *text)
{
    return parse(a, text, strlen(text));
}

static const struct netmap *load(struct arena *a, const char *path)
{
    const struct netmap *m = NULL;
    struct err e = {0};

    ck_assert_msg(netmap_load(path, a, &m, &e) == ERR_OK, "%s", e.text);
    return m;
}

static const char *locate(const struct netmap *m, const char *address)
{
    struct addr a;
    struct err e = {0};
    pidx pid;

    ck_assert_int_eq(addr_parse(address, strlen(address), &a, &e), ERR_OK);
    pid = netmap_locate(m, a);
    return pid == PIDX_NONE ? "-" : m->pids[pid].name.p;
}

START_TEST(rfc7285_example)
{
    struct arena *a = arena_new(ARENA_CAP);
    const struct netmap *m = load(a, TEST_DATA "/rfc7285/11.2.1.7-networkmap.json");
    char text[PREFIX_TEXT_MAX];

    ck_assert_str_eq(m->vtag.resource_id, "my-default-network-map");
    ck_assert_str_eq(m->vtag.tag, "da65eca2eb7a10ce8b059740b0b2e3f8eb1d4785");
    ck_assert_uint_eq(m->pid_count, 3);
    ck_assert_uint_eq(m->prefix_count, 5);
    ck_assert_uint_eq(m->v4_count, 4);
    ck_assert(m->covers_all_v4 && m->covers_all_v6);
    ck_assert_str_eq(m->pids[0].name.p, "PID1");
    ck_assert_uint_eq(m->pids[0].prefix_count, 2);
    ck_assert_str_eq(prefix_format(m->pids[0].prefixes[1], text), "198.51.100.0/25");
    ck_assert_uint_eq(netmap_find_pid(m, STR("PID3")), 2);
    ck_assert_uint_eq(netmap_find_pid(m, STR("PID")), PIDX_NONE);
    ck_assert_uint_eq(netmap_find_pid(m, STR("")), PIDX_NONE);
    ck_assert_str_eq(locate(m, "192.0.2.1"), "PID1");
    ck_assert_str_eq(locate(m, "198.51.100.127"), "PID1");
    ck_assert_str_eq(locate(m, "198.51.100.128"), "PID2");
    ck_assert_str_eq(locate(m, "198.51.101.0"), "PID3");
    ck_assert_str_eq(locate(m, "2001:db8::1"), "PID3");
    arena_free(a);
}
END_TEST

/* Section 11.2.2: the text says that 192.0.2.1 is PID3's. */
START_TEST(rfc7285_longest_match)
{
    struct arena *a = arena_new(ARENA_CAP);
    const struct netmap *m = load(a, TEST_DATA "/rfc7285/11.2.2-networkmap.json");

    ck_assert_str_eq(locate(m, "192.0.2.1"), "PID3");
    ck_assert_str_eq(locate(m, "192.0.2.200"), "PID3");
    ck_assert_str_eq(locate(m, "198.51.100.1"), "PID2");
    ck_assert_str_eq(locate(m, "8.8.8.8"), "PID1");
    ck_assert_str_eq(locate(m, "::1"), "PID0");
    ck_assert_str_eq(m->vtag.resource_id, "");
    ck_assert_uint_eq(strlen(m->vtag.tag), 32);
    arena_free(a);
}
END_TEST

#define V "\"meta\":{\"vtag\":{\"resource-id\":\"n\",\"tag\":\"t\"}},"

static const struct {
    const char *what, *text;
    enum err_code rc;
    const char *error;
} bad[] = {
    {"not JSON", "{\"network-map\":", ERR_PARSE, "1:16: the text ends where a value should be"},
    {"no object", "[]", ERR_PARSE, "1:1: an array, where an object should be"},
    {"no map", "{" V "\"x\":1}", ERR_PARSE, "1:53: \"network-map\" is missing"},
    {"two maps", "{\"network-map\":{},\"network-map\":{}}", ERR_PARSE,
     "1:19: \"network-map\" stands here a second time"},
    {"meta is no object", "{\"meta\":5}", ERR_PARSE,
     "1:9: meta: a number, where an object should be"},
    {"vtag without its id", "{\"meta\":{\"vtag\":{\"tag\":\"t\"}}}", ERR_PARSE,
     "1:27: meta.vtag: \"resource-id\" is missing"},
    {"resource id", "{\"meta\":{\"vtag\":{\"resource-id\":\"a b\"}}}", ERR_PARSE,
     "1:32: meta.vtag.resource-id: \"a b\" is not a resource id: it is 1 to 64 letters, digits and "
     "- : @ _ ."},
    {"tag with a blank", "{\"meta\":{\"vtag\":{\"tag\":\"a b\"}}}", ERR_PARSE,
     "1:24: meta.vtag.tag: \"a b\" is not a version tag: it is 1 to 64 printable ASCII characters "
     "without blanks"},
    {"tag is empty", "{\"meta\":{\"vtag\":{\"tag\":\"\"}}}", ERR_PARSE,
     "1:24: meta.vtag.tag: \"\" is not a version tag: it is 1 to 64 printable ASCII characters "
     "without blanks"},
    {"tag of 65",
     "{\"meta\":{\"vtag\":{\"tag\":"
     "\"12345678901234567890123456789012345678901234567890123456789012345\"}}}",
     ERR_PARSE,
     "1:24: meta.vtag.tag: \"12345678901234567890123456789012345678901234567890123456789012345\" "
     "is "
     "not a version tag: it is 1 to 64 printable ASCII characters without blanks"},
    {"PID name empty", "{\"network-map\":{\"\":{}}}", ERR_PARSE,
     "1:17: network-map: \"\" is not a PID name: it is 1 to 64 letters, digits and - : @ _ ."},
    {"PID name with a slash", "{\"network-map\":{\"a/b\":{}}}", ERR_PARSE,
     "1:17: network-map: \"a/b\" is not a PID name: it is 1 to 64 letters, digits and - : @ _ ."},
    {"PID name of 65",
     "{\"network-map\":{\"12345678901234567890123456789012345678901234567890123456789012345\":{}}}",
     ERR_PARSE,
     "1:17: network-map: \"12345678901234567890123456789012345678901234567890123456789012345\" is "
     "not a PID name: it is 1 to 64 letters, digits and - : @ _ ."},
    {"PID twice", "{\"network-map\":{\"b\":{},\n \"a\":{},\n  \"b\":{}}}", ERR_PARSE,
     "3:3: network-map: PID \"b\" stands here a second time"},
    {"PID is no object", "{\"network-map\":{\"a\":[]}}", ERR_PARSE,
     "1:21: network-map.a: an array, where an object should be"},
    {"list is no array", "{\"network-map\":{\"a\":{\"ipv4\":\"10.0.0.0/8\"}}}", ERR_PARSE,
     "1:29: network-map.a.ipv4: a string, where an array should be"},
    {"family twice", "{\"network-map\":{\"a\":{\"ipv4\":[],\"ipv4\":[]}}}", ERR_PARSE,
     "1:32: network-map.a: \"ipv4\" stands here a second time"},
    {"prefix is no string", "{\"network-map\":{\"a\":{\"ipv4\":[\"10.0.0.0/8\",7]}}}", ERR_PARSE,
     "1:43: network-map.a.ipv4[1]: a number, where a string should be"},
    {"length over 32", "{\"network-map\":{\"PID1\":{\"ipv4\":[\"10.0.0.0/33\"]}}}", ERR_PARSE,
     "1:33: network-map.PID1.ipv4[0]: \"10.0.0.0/33\": length is over 32"},
    {"length over 128", "{\"network-map\":{\"a\":{\"ipv6\":[\"::/129\"]}}}", ERR_PARSE,
     "1:30: network-map.a.ipv6[0]: \"::/129\": length is over 128"},
    {"no length", "{\"network-map\":{\"a\":{\"ipv4\":[\"10.0.0.1\"]}}}", ERR_PARSE,
     "1:30: network-map.a.ipv4[0]: \"10.0.0.1\": the prefix length is missing, as in "
     "\"10.0.0.1/32\""},
    {"IPv6 under ipv4", "{\"network-map\":{\"a\":{\"ipv4\":[\"::/0\"]}}}", ERR_PARSE,
     "1:30: network-map.a.ipv4[0]: \"::/0\" is an IPv6 prefix and belongs under \"ipv6\""},
    {"IPv4 under ipv6", "{\"network-map\":{\"a\":{\"ipv6\":[\"10.0.0.0/8\"]}}}", ERR_PARSE,
     "1:30: network-map.a.ipv6[0]: \"10.0.0.0/8\" is an IPv4 prefix and belongs under \"ipv4\""},
    {"mapped under ipv6", "{\"network-map\":{\"a\":{\"ipv6\":[\"::ffff:10.0.0.0/104\"]}}}",
     ERR_PARSE,
     "1:30: network-map.a.ipv6[0]: \"::ffff:10.0.0.0/104\" is an IPv4-mapped prefix: it is written "
     "in IPv4 and under \"ipv4\""},
    {"not an address", "{\"network-map\":{\"a\":{\"ipv4\":[\"10.0.0/8\"]}}}", ERR_PARSE,
     "1:30: network-map.a.ipv4[0]: \"10.0.0\": not an IPv4 or IPv6 address"},
    {"overlap",
     "{\"network-map\":{\"b\":{\"ipv4\":[\"10.0.0.0/8\"]},\"a\":{\"ipv4\":[\"10.0.0.1/8\"]}}}",
     ERR_CONFLICT,
     "network-map: 10.0.0.0/8 is in PID \"b\" and in PID \"a\", it may be in one only (RFC 7285 "
     "section 11.2.2)"},
    {"null for a list", "{\"network-map\":{\"a\":{\"ipv6\":null}}}", ERR_PARSE,
     "1:29: network-map.a.ipv6: null, where an array should be"},
    {"unknown members are checked as JSON all the same", "{\"x\":[1e999],\"network-map\":{}}",
     ERR_PARSE, "1:7: 1e999 is beyond what a double holds, about 1.8e308 at most"},
};

/* Conformance: N-01, N-03, M-05. */
START_TEST(refuses)
{
    struct arena *a = arena_new(ARENA_CAP);
    const struct netmap *m = NULL;
    struct err e = {0};

    ck_assert_msg(netmap_parse(bad[_i].text, strlen(bad[_i].text), a, &m, &e) == bad[_i].rc,
                  "%s: %s", bad[_i].what, e.text);
    ck_assert_str_eq(e.text, bad[_i].error);
    ck_assert_ptr_null(m);
    arena_free(a);
}
END_TEST

static bool takes(struct arena *a, const char *tag, const char *pid)
{
    const struct netmap *m = NULL;
    struct err e = {0};
    char text[600];
    int n = snprintf(text, sizeof text,
                     "{\"meta\":{\"vtag\":{\"resource-id\":\"n\",\"tag\":\"%s\"}},\"network-map\":{"
                     "\"%s\":{}}}",
                     tag, pid);

    return netmap_parse(text, (size_t)n, a, &m, &e) == ERR_OK && m->pid_count == 1;
}

/* Every character there is, and every length. */
/* Conformance: N-01, N-03. */
START_TEST(names_and_tags)
{
    static const char in_names[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                   "-:@_.";
    struct arena *a = arena_new(ARENA_CAP);
    char name[80];

    for (unsigned c = 1; c < 256; c++) {
        if (c == '"' || c == '\\')
            snprintf(name, sizeof name, "\\%c", (int)c);
        else if (c < 32 || c > 126)
            snprintf(name, sizeof name, "\\u%04x", c);
        else
            snprintf(name, sizeof name, "%c", (int)c);
        ck_assert_msg(takes(a, "t", name) == (strchr(in_names, (int)c) != NULL), "name %u", c);
        ck_assert_msg(takes(a, name, "p") == (c >= 0x21 && c <= 0x7e), "tag %u", c);
    }
    for (unsigned n = 0; n < 70; n++) {
        memset(name, 'x', n);
        name[n] = '\0';
        ck_assert_msg(takes(a, "t", name) == (n >= 1 && n <= 64), "name of %u", n);
        ck_assert_msg(takes(a, name, "p") == (n >= 1 && n <= 64), "tag of %u", n);
    }
    arena_free(a);
}
END_TEST

START_TEST(file_errors_name_file_and_place)
{
    char path[] = "/tmp/test_netmap.XXXXXX", want[200];
    static const char text[] = "{\"network-map\": {\n  \"PID1\": {\"ipv4\": [\"10.0.0.0/33\"]}\n}}";
    int fd = mkstemp(path);
    struct arena *a = arena_new(ARENA_CAP);
    const struct netmap *m = NULL;
    struct err e = {0};

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, sizeof text - 1), sizeof text - 1);
    close(fd);
    ck_assert_int_eq(netmap_load(path, a, &m, &e), ERR_PARSE);
    unlink(path);
    snprintf(want, sizeof want,
             "network map %s:2:21: network-map.PID1.ipv4[0]: \"10.0.0.0/33\": length is over 32",
             path);
    ck_assert_str_eq(e.text, want);
    e = (struct err){0};
    ck_assert_int_eq(netmap_load(path, a, &m, &e), ERR_IO);
    snprintf(want, sizeof want, "network map %s: cannot be opened: No such file or directory",
             path);
    ck_assert_str_eq(e.text, want);
    arena_free(a);
}
END_TEST

START_TEST(ignores_what_it_may)
{
    struct arena *a = arena_new(ARENA_CAP);
    const struct netmap *m = parse_text(a, "{\"x\":{\"network-map\":[]},\"meta\":{\"y\":null,"
                                           "\"vtag\":{\"z\":[],\"resource-id\":\"r\"}},"
                                           "\"network-map\":{\"mac\":{\"mac\":[\"00:11\",{}]},\"a."
                                           "b\":{},\"p\":{\"ipv4\":[\"10.0.0.7/8\","
                                           "\"10.0.0.0/8\"],\"mac\":5,\"ipv6\":[]}}}");

    ck_assert_uint_eq(m->pid_count, 3);
    ck_assert_uint_ne(netmap_find_pid(m, STR("mac")), PIDX_NONE);
    ck_assert_uint_ne(netmap_find_pid(m, STR("a.b")), PIDX_NONE);
    ck_assert_uint_eq(m->prefix_count, 1); /* the same prefix twice in one PID counts once */
    ck_assert_str_eq(locate(m, "10.255.0.1"), "p");
    ck_assert_str_eq(locate(m, "11.0.0.0"), "-");
    ck_assert_str_eq(m->vtag.resource_id, "r");
    arena_free(a);
}
END_TEST

static const struct {
    const char *what, *pids, *gap; /* gap: part of the error, NULL when complete */
} covers[] = {
    {"no prefixes at all", "\"a\":{}", NULL},
    {"IPv4 alone", "\"a\":{\"ipv4\":[\"0.0.0.0/0\"]}", NULL},
    {"halves", "\"a\":{\"ipv4\":[\"128.0.0.0/1\"]},\"b\":{\"ipv4\":[\"0.0.0.0/1\"]}", NULL},
    {"a hole at the end", "\"a\":{\"ipv4\":[\"0.0.0.0/1\",\"128.0.0.0/2\"]}",
     "no PID has 192.0.0.0:"},
    {"a hole at the start", "\"a\":{\"ipv4\":[\"128.0.0.0/1\"]}", "no PID has 0.0.0.0:"},
    {"nested ones do not fill it",
     "\"a\":{\"ipv4\":[\"0.0.0.0/1\",\"10.0.0.0/8\",\"192.0.0.0/2\"]}", "no PID has 128.0.0.0:"},
    {"::/0 says nothing about IPv4", "\"a\":{\"ipv4\":[\"10.0.0.0/8\"],\"ipv6\":[\"::/0\"]}",
     "no PID has 0.0.0.0:"},
    {"IPv6 hole", "\"a\":{\"ipv4\":[\"0.0.0.0/0\"],\"ipv6\":[\"::/1\",\"8000::/2\"]}",
     "no PID has c000:::"},
    {"IPv6 whole", "\"a\":{\"ipv6\":[\"::/1\",\"8000::/1\",\"2001:db8::/32\"]}", NULL},
};

START_TEST(completeness)
{
    struct arena *a = arena_new(ARENA_CAP);
    char text[400];
    struct err e = {0};
    enum err_code rc;

    snprintf(text, sizeof text, "{\"network-map\":{%s}}", covers[_i].pids);
    rc = netmap_check_complete(parse_text(a, text), &e);
    ck_assert_msg(rc == (covers[_i].gap ? ERR_CONFLICT : ERR_OK), "%s: %s", covers[_i].what,
                  e.text);
    if (covers[_i].gap)
        ck_assert_msg(strncmp(e.text, covers[_i].gap, strlen(covers[_i].gap)) == 0, "%s: %s",
                      covers[_i].what, e.text);
    arena_free(a);
}
END_TEST

static const struct {
    const char *what, *text;
    bool same;
} tags[] = {
    {"itself",
     "{\"network-map\":{\"a\":{\"ipv4\":[\"10.0.0.0/8\",\"11.0.0.0/8\"],\"ipv6\":[\"::/"
     "0\"]},\"b\":{}}}",
     true},
    {"members in another order",
     "{\"network-map\":{\"b\":{},\"a\":{\"ipv6\":[\"::/0\"],\"ipv4\":[\"11.0.0.0/8\",\"10.0.0.0/"
     "8\"]}},\"meta\":{}}",
     true},
    {"other spelling",
     "{ \"network-map\" : { "
     "\"a\":{\"ipv4\":[\"10.0.0.0/8\",\"11.1.1.1/8\"],\"ipv6\":[\"0::0/"
     "0\"]},\"\\u0062\":{\"ipv4\":[]}}}",
     true},
    {"a resource id is no content",
     "{\"meta\":{\"vtag\":{\"resource-id\":\"r\"}},\"network-map\":{\"a\":{\"ipv4\":[\"10.0.0.0/"
     "8\",\"11.0.0.0/8\"],\"ipv6\":[\"::/0\"]},\"b\":{}}}",
     true},
    {"a PID more",
     "{\"network-map\":{\"a\":{\"ipv4\":[\"10.0.0.0/8\",\"11.0.0.0/8\"],\"ipv6\":[\"::/"
     "0\"]},\"b\":{},\"c\":{}}}",
     false},
    {"a PID renamed",
     "{\"network-map\":{\"a\":{\"ipv4\":[\"10.0.0.0/8\",\"11.0.0.0/8\"],\"ipv6\":[\"::/"
     "0\"]},\"c\":{}}}",
     false},
    {"a prefix moved",
     "{\"network-map\":{\"a\":{\"ipv4\":[\"10.0.0.0/8\"],\"ipv6\":[\"::/"
     "0\"]},\"b\":{\"ipv4\":[\"11.0.0.0/8\"]}}}",
     false},
    {"a length changed",
     "{\"network-map\":{\"a\":{\"ipv4\":[\"10.0.0.0/8\",\"11.0.0.0/9\"],\"ipv6\":[\"::/"
     "0\"]},\"b\":{}}}",
     false},
};

START_TEST(content_hash)
{
    struct arena *a = arena_new(ARENA_CAP);
    const char *want = parse_text(a, tags[0].text)->vtag.tag;
    const char *got = parse_text(a, tags[_i].text)->vtag.tag;

    ck_assert_msg((strcmp(want, got) == 0) == tags[_i].same, "%s: %s and %s", tags[_i].what, want,
                  got);
    /* The same on every machine and in every version, or tags would change by themselves. */
    ck_assert_str_eq(want, "328c1311125c17574e1a202500e8dc72");
    arena_free(a);
}
END_TEST

static uint64_t next_random(uint64_t *state)
{
    return *state = hash_mix(*state, 0x5851f42d4c957f2d);
}

/* A random map of nested prefixes; each prefix in one PID. */
static void random_map(uint64_t *state, struct bytes *text)
{
    unsigned pids = 1 + (unsigned)(next_random(state) % 20);

    ck_assert(bytes_printf(text, "{\"network-map\":{"));
    for (unsigned i = 0; i < pids; i++) {
        unsigned n = (unsigned)(next_random(state) % 30);

        ck_assert(bytes_printf(text, "%s\"pid-%u\":{\"ipv4\":[", i ? "," : "",
                               (unsigned)(next_random(state) % 9000) * 20 + i));
        /* The PID's number is in the address, so that no prefix is in two. */
        for (unsigned k = 0; k < n; k++)
            ck_assert(bytes_printf(text, "%s\"%u.%u.0.0/%u\"", k ? "," : "", i + 1,
                                   (unsigned)(next_random(state) & 255),
                                   8 + (unsigned)(next_random(state) % 9)));
        ck_assert(bytes_printf(text, "],\"ipv6\":["));
        for (unsigned k = 0; k < n; k++)
            ck_assert(bytes_printf(text, "%s\"%x:%x::/%u\"", k ? "," : "", 0x2000 + i,
                                   (unsigned)(next_random(state) & 0xffff),
                                   16 + (unsigned)(next_random(state) % 17)));
        ck_assert(bytes_printf(text, "]}"));
    }
    ck_assert(bytes_printf(text, "}}"));
}

START_TEST(format_reads_back)
{
    uint64_t state = 99 + (unsigned)_i;

    for (unsigned round = 0; round < 40; round++) {
        struct arena *a = arena_new(ARENA_CAP);
        struct bytes text = {0}, once = {0}, twice = {0};
        const struct netmap *m, *back;

        random_map(&state, &text);
        m = parse(a, text.data, text.len);
        ck_assert(netmap_format(m, &once));
        back = parse(a, once.data, once.len);
        ck_assert(netmap_format(back, &twice));
        ck_assert_uint_eq(once.len, twice.len);
        ck_assert_mem_eq(once.data, twice.data, once.len);
        ck_assert_str_eq(m->vtag.tag, back->vtag.tag);
        ck_assert_uint_eq(m->prefix_count, back->prefix_count);
        for (size_t i = 0; i < m->pid_count; i++) {
            ck_assert(str_eq(m->pids[i].name, back->pids[i].name));
            ck_assert_uint_eq(m->pids[i].prefix_count, back->pids[i].prefix_count);
            for (uint32_t k = 0; k < m->pids[i].prefix_count; k++) {
                ck_assert_int_eq(prefix_cmp(&m->pids[i].prefixes[k], &back->pids[i].prefixes[k]),
                                 0);
                ck_assert(!k ||
                          prefix_cmp(&m->pids[i].prefixes[k - 1], &m->pids[i].prefixes[k]) < 0);
            }
        }
        bytes_free(&text);
        bytes_free(&once);
        bytes_free(&twice);
        arena_free(a);
    }
}
END_TEST

START_TEST(limits)
{
    struct arena *a = arena_new(512);
    struct bytes text = {0}, tiny = {.limit = 40};
    const struct netmap *m = NULL;
    struct err e = {0};

    for (unsigned i = 0; i < 65535; i++)
        ck_assert(bytes_printf(&text, "%s\"p%u\":{}", i ? "," : "{\"network-map\":{", i));
    ck_assert(bytes_printf(&text, "}}"));
    ck_assert_int_eq(netmap_parse(text.data, text.len, a, &m, &e), ERR_LIMIT);
    ck_assert_msg(strstr(e.text, "no memory left for the network map"), "%s", e.text);
    arena_free(a);
    a = arena_new(ARENA_CAP);
    e = (struct err){0};
    ck_assert_int_eq(netmap_parse(text.data, text.len, a, &m, &e), ERR_LIMIT);
    ck_assert_msg(strstr(e.text, "more than 65534 PIDs"), "%s", e.text);
    ck_assert(
        !netmap_format(parse_text(a, "{\"network-map\":{\"abcdefghijklmnopqrstuvw\":{}}}"), &tiny));
    bytes_free(&text);
    bytes_free(&tiny);
    arena_free(a);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("netmap");
    TCase *t = tcase_create("netmap");
    SRunner *r;
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_test(t, rfc7285_example);
    tcase_add_test(t, rfc7285_longest_match);
    tcase_add_loop_test(t, refuses, 0, sizeof bad / sizeof *bad);
    tcase_add_test(t, names_and_tags);
    tcase_add_test(t, file_errors_name_file_and_place);
    tcase_add_test(t, ignores_what_it_may);
    tcase_add_loop_test(t, completeness, 0, sizeof covers / sizeof *covers);
    tcase_add_loop_test(t, content_hash, 0, sizeof tags / sizeof *tags);
    tcase_add_loop_test(t, format_reads_back, 0, 5);
    tcase_add_test(t, limits);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
