#include "tracker/tracker.h"

#include "tests/bencode_check.h"
#include "tests/tracker_fixture.h"

static struct world *w;
static struct http_response response;
static struct bencode_in body;

static void setup(void)
{
    w = world_new();
}

static void teardown(void)
{
    world_free(w);
}

/* The answer, which is always good bencode with status 200. */
static void ask(handler_fn *handler, struct addr from, const char *query)
{
    struct http_request request = {.method = HTTP_GET,
                                   .query = query ? str_from(query) : (struct str){0},
                                   .client = from,
                                   .peer = from,
                                   .arena = w->arena};

    arena_reset(w->arena);
    response = (struct http_response){0};
    handler(w->tracker, &request, &response);
    ck_assert_int_eq(response.status, 200);
    ck_assert_msg(bencode_valid(response.body.p, response.body.n), "%s", query);
    body = (struct bencode_in){response.body.p, response.body.n};
}

#define ID   "peer_id=-XX0000-abcdefghijkl"
#define HASH "info_hash=%01%02%03aaaaaaaaaaaaaaaaa"
#define BASE HASH "&" ID "&port=6881&uploaded=0&downloaded=0"

static void announce(struct addr from, const char *format, unsigned value)
{
    char query[512];

    snprintf(query, sizeof query, "%s%s%u", BASE, format, value);
    ask(tracker_announce_handle, from, query);
}

static void check_failure(const char *reason)
{
    size_t n;
    const char *text = bencode_get_str(body, "failure reason", &n);

    ck_assert_ptr_nonnull(text);
    ck_assert_msg(n == strlen(reason) && memcmp(text, reason, n) == 0, "%.*s, not %s", (int)n, text,
                  reason);
}

START_TEST(first_announce)
{
    size_t n;
    const char *p;
    struct addr from = world_addr(1, 1);

    ask(tracker_announce_handle, from, BASE "&left=5&event=started");
    ck_assert_ptr_null(bencode_get(body, "failure reason").p);
    ck_assert_int_eq(bencode_get_int(body, "complete"), 0);
    ck_assert_int_eq(bencode_get_int(body, "incomplete"), 1);
    ck_assert_int_eq(bencode_get_int(body, "downloaded"), 0);
    ck_assert_int_ge(bencode_get_int(body, "interval"), 1620);
    ck_assert_int_le(bencode_get_int(body, "interval"), 1980);
    ck_assert_int_eq(bencode_get_int(body, "min interval"), 300);
    bencode_get_str(body, "peers", &n);
    ck_assert_uint_eq(n, 0);
    ck_assert_ptr_null(bencode_get(body, "peers6").p);
    p = bencode_get_str(body, "external ip", &n); /* BEP 24 */
    ck_assert_uint_eq(n, 4);
    ck_assert_mem_eq(p, ((uint8_t[]){10, 0, 16, 108}), 4);
    ck_assert_uint_eq(world_metric(w, METRIC_TRACKER_ANNOUNCES_HTTP_STARTED), 1);
    ask(tracker_announce_handle, world_addr6(1, 1), BASE "&left=5");
    p = bencode_get_str(body, "external ip", &n);
    ck_assert_uint_eq(n, 16);
    ck_assert_mem_eq(p, ((uint8_t[]){0x20, 0x01, 0x0d, 0xb8}), 4);
}
END_TEST

static const struct {
    const char *what, *query, *reason;
} wrong[] = {
    {"no query", NULL, "info_hash: missing"},
    {"empty", "", "info_hash: missing"},
    {"19 bytes", "info_hash=aaaaaaaaaaaaaaaaaaa", "info_hash: not 20 bytes, percent-encoded"},
    {"21 bytes", "info_hash=aaaaaaaaaaaaaaaaaaaaa", "info_hash: not 20 bytes, percent-encoded"},
    {"hex text", "info_hash=0101010101010101010101010101010101010101",
     "info_hash: not 20 bytes, percent-encoded"},
    {"half an escape", "info_hash=aaaaaaaaaaaaaaaaaaa%4",
     "info_hash: not 20 bytes, percent-encoded"},
    {"no hex", "info_hash=aaaaaaaaaaaaaaaaaaa%zz", "info_hash: not 20 bytes, percent-encoded"},
    {"no value", "info_hash&port=1", "info_hash: not 20 bytes, percent-encoded"},
    {"hash twice", HASH "&" HASH, "info_hash: there twice"},
    {"port twice", BASE "&left=1&port=6881", "port: there twice"},
    {"no peer id", HASH "&port=1&left=0", "peer_id: missing"},
    {"short peer id", HASH "&peer_id=x&port=1&left=0", "peer_id: not 20 bytes, percent-encoded"},
    {"no port", HASH "&" ID "&left=0", "port: missing"},
    {"no left", BASE, "left: missing"},
    {"port 0", HASH "&" ID "&port=0&left=0", "port: 0, 1 to 65535 would be right"},
    {"port 65536", HASH "&" ID "&port=65536&left=0", "port: too large, 65535 is the most"},
    {"port of another kind", HASH "&" ID "&port=80a&left=0", "port: not a decimal number"},
    {"port with space", HASH "&" ID "&port=+80&left=0", "port: not a decimal number"},
    {"negative left", BASE "&left=-1", "left: negative, a number from 0 would be right"},
    {"negative uploaded", HASH "&" ID "&port=1&left=1&uploaded=-5",
     "uploaded: negative, a number from 0 would be right"},
    {"empty left", BASE "&left=", "left: not a number of 1 to 20 digits"},
    {"endless left", BASE "&left=111111111111111111111", "left: not a number of 1 to 20 digits"},
    {"numwant below -1", BASE "&left=1&numwant=-2",
     "numwant: negative, a number from 0 would be right"},
    {"numwant beyond", BASE "&left=1&numwant=4294967297",
     "numwant: too large, 2147483647 is the most"},
    {"event", BASE "&left=1&event=begun", "event: unknown; started, completed, stopped or paused"},
    {"compact", BASE "&left=1&compact=yes", "compact: neither 0 nor 1"},
    {"ip", BASE "&left=1&ip=example.com", "ip: not an IPv4 or IPv6 address"},
};

START_TEST(wrong_announces)
{
    struct swarms_stats stats;

    ask(tracker_announce_handle, world_addr(1, 1), wrong[_i].query);
    check_failure(wrong[_i].reason);
    swarms_stats_get(w->swarms, &stats);
    ck_assert_uint_eq(stats.peers, 0);
    ck_assert_uint_eq(world_metric(w, METRIC_TRACKER_FAILURES_HTTP), 1);
}
END_TEST

static const char *const right[] = {
    BASE "&left=0",
    "&&" BASE "&left=18446744073709551615&&",
    BASE "&left=1&numwant=-1&event=&compact=1&no_peer_id=1&key=a%2&supportcrypto=1&x",
    BASE "&left=1&numwant=2147483647&event=paused&compact=0",
    "info_hash=%ff%FF%00%26%3d%25%2B+aaaaaaaaaaaa&" ID "&port=65535&left=1",
    BASE "&left=1&ip=10.1.2.3",
    BASE "&left=1&ip=2001%3Adb8%3A%3A1",
};

START_TEST(right_announces)
{
    struct swarms_stats stats;

    ask(tracker_announce_handle, world_addr(1, 1), right[_i]);
    ck_assert_msg(!bencode_get(body, "failure reason").p, "%.*s", (int)body.n, body.p);
    swarms_stats_get(w->swarms, &stats);
    ck_assert_uint_eq(stats.peers, 1);
}
END_TEST

/* Peers of both families (BEP 7), nearest first, in compact form and as dictionaries. */
START_TEST(both_families)
{
    uint8_t wire[16];
    const char *p;
    size_t n, n6;

    for (unsigned i = 0; i < 80; i++) {
        announce(world_addr(i % 8, i / 8), "&left=1&numwant=", 0);
        announce(world_addr6(i % 8, i / 8), "&left=1&numwant=", 0);
    }
    announce(world_addr(3, 50), "&left=1&numwant=", 40);
    p = bencode_get_str(body, "peers", &n);
    ck_assert_uint_eq(n, 30 * 6);
    for (unsigned i = 0; i < 10; i++)
        ck_assert_uint_eq((uint8_t)p[6 * i + 2] >> 4, 3);
    p = bencode_get_str(body, "peers6", &n6);
    ck_assert_uint_eq(n6, 10 * 18); /* a quarter */
    addr_to_bytes(world_addr6(3, 0), wire);
    ck_assert_mem_eq(p, wire, 8);
    announce(world_addr6(3, 50), "&left=1&numwant=", 40);
    bencode_get_str(body, "peers", &n);
    bencode_get_str(body, "peers6", &n6);
    ck_assert_uint_eq(n, 10 * 6);
    ck_assert_uint_eq(n6, 30 * 18);
    announce(world_addr(3, 50), "&compact=0&left=1&numwant=", 4);
    ck_assert_ptr_null(bencode_get(body, "peers6").p);
    {
        struct bencode_in list = bencode_get(body, "peers");
        unsigned count = 0;

        ck_assert(bencode_byte(&list, 'l'));
        for (; !bencode_byte(&list, 'e'); count++) {
            const char *ip = bencode_get_str(list, "ip", &n);
            struct addr a;

            ck_assert_int_eq(addr_parse(ip, n, &a, NULL), ERR_OK);
            ck_assert_int_eq(addr_is_v4(a), count < 3);
            ck_assert_int_eq(bencode_get_int(list, "port"), 6881);
            ck_assert(bencode_skip(&list, 4));
        }
        ck_assert_uint_eq(count, 4);
    }
    announce(world_addr(3, 50), "&left=1&numwant=", 100000);
    bencode_get_str(body, "peers", &n);
    bencode_get_str(body, "peers6", &n6);
    ck_assert_uint_eq(n, 80 * 6);
    ck_assert_uint_eq(n6, 81 * 18);
    announce(world_addr(3, 50), "&compact=0&left=1&numwant=", 100000); /* the largest answer */
    ck_assert_ptr_nonnull(bencode_get(body, "peers").p);
}
END_TEST

START_TEST(ip_param_only_when_trusted)
{
    size_t n;
    const char *p;

    ask(tracker_announce_handle, world_addr(1, 1), BASE "&left=1&ip=10.9.9.9");
    ask(tracker_announce_handle, world_addr(1, 2), BASE "&left=1");
    p = bencode_get_str(body, "peers", &n);
    ck_assert_uint_eq(n, 6);
    ck_assert_mem_eq(p, ((uint8_t[]){10, 0, 16, 108}), 4);
    w->conf.trust_ip_param = true;
    ask(tracker_announce_handle, world_addr(1, 1), BASE "&left=1&ip=10.9.9.9");
    ask(tracker_announce_handle, world_addr(1, 1), BASE "&left=1&event=stopped");
    ask(tracker_announce_handle, world_addr(1, 2), BASE "&left=1");
    p = bencode_get_str(body, "peers", &n);
    ck_assert_uint_eq(n, 6);
    ck_assert_mem_eq(p, ((uint8_t[]){10, 9, 9, 9}), 4);
}
END_TEST

START_TEST(closed_tracker_says_never)
{
    size_t n;
    const char *p;

    w->conf.open = false;
    ask(tracker_announce_handle, world_addr(1, 1), BASE "&left=1");
    check_failure("no service of this tracker names that info-hash");
    p = bencode_get_str(body, "retry in", &n); /* BEP 31 */
    ck_assert_uint_eq(n, 5);
    ck_assert_mem_eq(p, "never", 5);
}
END_TEST

START_TEST(scrape)
{
    struct bencode_in files;
    char many[16 + 75 * 32] = "";

    announce(world_addr(1, 1), "&event=completed&left=", 0);
    announce(world_addr(1, 2), "&left=", 0);
    announce(world_addr(1, 3), "&left=", 7);
    ask(tracker_scrape_handle, world_addr(1, 1),
        "info_hash=zzzzzzzzzzzzzzzzzzzz&" HASH "&" HASH "&info_hash=%00%00bbbbbbbbbbbbbbbbbb");
    files = bencode_get(body, "files");
    ck_assert_ptr_nonnull(files.p);
    {
        struct bencode_in one = bencode_get(files, "\001\002\003aaaaaaaaaaaaaaaaa");

        ck_assert_int_eq(bencode_get_int(one, "complete"), 2);
        ck_assert_int_eq(bencode_get_int(one, "downloaded"), 1);
        ck_assert_int_eq(bencode_get_int(one, "incomplete"), 1);
        ck_assert_int_eq(bencode_get_int(bencode_get(files, "zzzzzzzzzzzzzzzzzzzz"), "complete"),
                         0);
    }
    ask(tracker_scrape_handle, world_addr(1, 1), NULL);
    check_failure("info_hash: missing; a scrape of everything is not to be had");
    ask(tracker_scrape_handle, world_addr(1, 1), "info_hash=short");
    check_failure("info_hash: not 20 bytes, percent-encoded");
    for (unsigned i = 0; i < 75; i++)
        snprintf(many + strlen(many), sizeof many - strlen(many), "%sinfo_hash=%020u", i ? "&" : "",
                 i);
    ask(tracker_scrape_handle, world_addr(1, 1), many);
    check_failure("info_hash: more than 74 in one scrape");
    *strrchr(many, '&') = '\0';
    ask(tracker_scrape_handle, world_addr(1, 1), many);
    ck_assert_ptr_nonnull(bencode_get(body, "files").p);
}
END_TEST

START_TEST(other_methods)
{
    struct http_request request = {.method = HTTP_POST, .arena = w->arena};

    response = (struct http_response){0};
    tracker_announce_handle(w->tracker, &request, &response);
    ck_assert_int_eq(response.status, 405);
    response = (struct http_response){0};
    tracker_scrape_handle(w->tracker, &request, &response);
    ck_assert_int_eq(response.status, 405);
}
END_TEST

/* An arena that is full gives an error answer, not half of one. */
START_TEST(no_memory)
{
    struct arena *small = arena_new(1000);
    struct http_request request = {.method = HTTP_GET,
                                   .query = str_from(BASE "&left=1"),
                                   .client = world_addr(1, 1),
                                   .arena = small};

    response = (struct http_response){0};
    tracker_announce_handle(w->tracker, &request, &response);
    ck_assert_int_eq(response.status, 503);
    arena_free(small);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("announce_http");
    TCase *tc = tcase_create("http");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, first_announce);
    tcase_add_loop_test(tc, wrong_announces, 0, sizeof wrong / sizeof *wrong);
    tcase_add_loop_test(tc, right_announces, 0, sizeof right / sizeof *right);
    tcase_add_test(tc, both_families);
    tcase_add_test(tc, ip_param_only_when_trusted);
    tcase_add_test(tc, closed_tracker_says_never);
    tcase_add_test(tc, scrape);
    tcase_add_test(tc, other_methods);
    tcase_add_test(tc, no_memory);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
