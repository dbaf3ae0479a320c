/* The client against scripted servers: discovery, fetching, polls, failures. */
#include "alto_client_world.h"

#include <zlib.h>

START_TEST(first_maps)
{
    static const size_t pieces[] = {0, 1, 7, 1000};

    w.piece = pieces[_i];
    plain_server();
    start();
    ck_assert_msg(w.generations == 1, "%s", status().error);
    ck_assert_double_eq(cost_ab(), 7);
    ck_assert_str_eq(w.got.network->tag, "t1");
    ck_assert_str_eq(w.got.source, ROOT);
    ck_assert_str_eq(status().error, "");
    ck_assert_int_eq(status().mode, ALTO_CLIENT_POLL);
    ck_assert_str_eq(w.log.data, ASK_IRD "\n" ASK_NET "\n" ASK_COST "\n");
}
END_TEST

#define FILTER_ENTRY                                                                               \
    "\"filter\":{\"uri\":\"filter\",\"media-type\":\"" COST_TYPE "\",\"uses\":[\"net\"],"          \
    "\"accepts\":\"application/alto-costmapfilter+json\","                                         \
    "\"capabilities\":{\"cost-constraints\":true,\"max-cost-types\":3,"                            \
    "\"testable-cost-type-names\":[\"num\"],\"cost-type-names\":[\"num\"]}}"
#define ASK_FILTER "POST " HOST "/filter"

static void filter_server(void)
{
    route_add(ASK_IRD, 200, IRD_TYPE, IRD(NET_ENTRY "," FILTER_ENTRY));
    route_add(ASK_NET, 200, NET_TYPE, NET_TEXT("t1", ""));
    route_add(ASK_FILTER, 200, COST_TYPE, COST_TEXT("t1", "7"));
}

/* Conformance: T-03, X-15. */
START_TEST(post_says_its_type)
{
    filter_server();
    start();
    ck_assert_uint_eq(w.generations, 1);
    ck_assert(strstr(w.requests.data, "\r\nContent-Type: application/alto-costmapfilter+json\r\n"));
    ck_assert(strstr(w.requests.data, "{\"cost-type\":{\"cost-mode\":\"numerical\",\"cost-metric\":"
                                      "\"routingcost\"},\"pids\":{\"srcs\":[],\"dsts\":[]}}"));
    ck_assert(!strstr(w.requests.data, "multi-cost-types"));
    ck_assert(!strstr(w.requests.data, "constraints"));
}
END_TEST

/* Conformance: T-04. */
START_TEST(method_is_not_swapped)
{
    filter_server();
    route_add(ASK_FILTER, 405, NULL, NULL)->headers = "Allow: GET\r\n";
    start();
    pass(600000);
    ck_status("405");
    ck_assert_uint_gt(asked(ASK_FILTER), 1);
    ck_assert(!strstr(w.log.data, "GET " HOST "/filter"));
    route_add(ASK_FILTER, 303, NULL, NULL)->headers = "Location: /other\r\n";
    pass(600000);
    ck_status("would make it a GET");
    ck_assert(!strstr(w.log.data, "/other"));
}
END_TEST

#define ERROR_BODY                                                                                 \
    "{\"meta\":{\"code\":\"E_INVALID_FIELD_VALUE\",\"field\":\"pids\",\"value\":\"x\","            \
    "\"x-more\":[1]},\"more\":2}"

static const struct {
    int status;
    const char *type, *body, *error;
} wrong_types[] = {
    {200, "text/html", NET_TEXT("t1", ""), "text/html"},
    {200, NULL, NET_TEXT("t1", ""), "Content-Type is \"\""},
    {200, COST_TYPE, NET_TEXT("t1", ""), "alto-costmap"},
    {200, "application/alto-error+json", ERROR_BODY,
     "200: the server answers E_INVALID_FIELD_VALUE, field \"pids\", value \"x\""},
    {400, "application/alto-error+json; charset=utf-8", ERROR_BODY, "E_INVALID_FIELD_VALUE"},
    {503, "application/alto-error+json", "<html>", "503: the server answers with an error"},
    {500, "text/html", "<html>", "answers 500"},
    {404, NULL, "", "answers 404"},
};

/* Conformance: T-06. */
START_TEST(answers_of_other_types)
{
    plain_server();
    route_add(ASK_NET, wrong_types[_i].status, wrong_types[_i].type, wrong_types[_i].body);
    start();
    ck_assert_uint_eq(w.generations, 0);
    ck_status(wrong_types[_i].error);
}
END_TEST

START_TEST(parameters_of_a_type)
{
    plain_server();
    route_add(ASK_NET, 200, "Application/ALTO-networkmap+json ; charset=utf-8", NET_TEXT("t1", ""));
    start();
    ck_assert_uint_eq(w.generations, 1);
}
END_TEST

/* The route's body as gzip. */
static void pack(struct route *r)
{
    struct bytes out = {0};
    z_stream z = {0};

    ck_assert(bytes_reserve(&out, r->body.len + 1024));
    ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (unsigned char *)r->body.data;
    z.avail_in = (uInt)r->body.len;
    z.next_out = (unsigned char *)out.data;
    z.avail_out = (uInt)out.cap;
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    out.len = out.cap - z.avail_out;
    deflateEnd(&z);
    bytes_free(&r->body);
    r->body = out;
    r->headers = "Content-Encoding: gzip\r\n";
}

/* Conformance: T-14. */
START_TEST(compressed_answers)
{
    struct route *r;

    w.conf.body_max = 100000;
    plain_server();
    pack(route_find(ASK_NET));
    pack(route_find(ASK_COST));
    start();
    ck_assert_msg(w.generations == 1, "%s", status().error);
    ck_assert_double_eq(cost_ab(), 7);
    ck_assert(strstr(w.requests.data, "\r\nAccept-Encoding: gzip\r\n"));
    r = route_add(ASK_NET, 200, NET_TYPE, "");
    for (unsigned i = 0; i < 200000; i++)
        ck_assert(bytes_add(&r->body, " ", 1));
    pack(r);
    ck_assert_uint_lt(r->body.len, 2000);
    pass(400000);
    ck_status("decompressed it would be more than 100000 bytes");
    ck_assert_uint_eq(w.generations, 1);
}
END_TEST

/* A network map with a time and a validator, a cost map with the other kind of validator. */
static void validators(void)
{
    plain_server();
    route_find(ASK_NET)->headers = "ETag: \"n1\"\r\nCache-Control: max-age=600\r\n";
    route_find(ASK_COST)->headers = "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
}

/* Conformance: T-20. */
START_TEST(polls_with_validators)
{
    uint64_t wake;

    validators();
    start();
    wake = alto_client_wake_ms(w.c) - w.now;
    ck_assert_uint_ge(wake, 600000); /* max-age, longer than the interval */
    ck_assert_uint_le(wake, 660000);
    route_add(ASK_NET, 304, NULL, NULL);
    route_add(ASK_COST, 304, NULL, NULL);
    w.requests.len = 0;
    pass(660000);
    ck_assert(strstr(w.requests.data, "GET /net HTTP/1.1\r\n"));
    ck_assert(strstr(w.requests.data, "\r\nIf-None-Match: \"n1\"\r\n"));
    ck_assert(strstr(w.requests.data, "\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
    ck_assert_uint_eq(w.generations, 1);
    ck_assert_str_eq(status().error, "");
    ck_assert_uint_eq(asked(ASK_IRD), 1);
    wake = alto_client_wake_ms(w.c) - w.now; /* without max-age: the interval, and some jitter */
    ck_assert_uint_le(wake, 330000);
}
END_TEST

/* Conformance: T-20. */
START_TEST(waits_as_told)
{
    static const char *const headers[] = {
        "Retry-After: 120\r\n",
        "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: Sun, 06 Nov 1994 08:51:37 GMT\r\n"};

    plain_server();
    route_add(ASK_NET, 503, NULL, NULL)->headers = headers[_i];
    start();
    ck_assert_uint_eq(asked(ASK_NET), 1);
    pass(119000);
    ck_assert_uint_eq(asked(ASK_IRD), 1);
    ck_assert_uint_eq(asked(ASK_NET), 1);
    pass(1001);
    ck_assert_uint_eq(asked(ASK_NET), 2);
}
END_TEST

/* A server may ask for patience, but not for years: of a wrong word there is an end. */
START_TEST(patience_has_an_end)
{
    uint64_t wake;

    plain_server();
    if (_i)
        route_find(ASK_NET)->headers = "Cache-Control: max-age=31536000\r\n";
    else
        route_add(ASK_NET, 503, NULL, NULL)->headers = "Retry-After: 99999999999999999999\r\n";
    start();
    wake = alto_client_wake_ms(w.c) - w.now;
    ck_assert_uint_ge(wake, w.conf.directory_ms);
    ck_assert_uint_le(wake, _i ? w.conf.directory_ms * 11 / 10 : 24 * 3600 * 1000u);
    pass(_i ? (uint64_t)w.conf.directory_ms * 11 / 10 : 24 * 3600 * 1000u);
    ck_assert_uint_eq(asked(ASK_NET), 2);
}
END_TEST

/* What an error says beyond a sentence is not read. */
START_TEST(errors_are_short)
{
    static char large[(64 << 10) + 2];

    memset(large, 'x', sizeof large - 1);
    plain_server();
    route_add(ASK_NET, 500, "text/html", large);
    start();
    ck_status("the server answers 500: the body is longer than it may be");
}
END_TEST

/* Conformance: T-20. */
START_TEST(backs_off)
{
    uint64_t before = 0;

    route_add(HOST, 0, NULL, NULL);
    start();
    for (unsigned i = 0; i < 12; i++) {
        const uint64_t wait = alto_client_wake_ms(w.c) - w.now;
        const uint64_t want = UINT64_C(1000) << i;

        ck_assert_uint_ge(wait, want < 300000 ? want : 300000);
        ck_assert_uint_le(wait, (want < 300000 ? want : 300000) * 11 / 10);
        ck_assert_uint_ne(wait, before);
        before = wait;
        pass(wait);
    }
    ck_status("connection refused");
}
END_TEST

static const struct {
    int status;
    const char *headers, *error;
} redirects[] = {
    {301, "Location: /net\r\n", NULL},
    {302, "Location: http://" HOST ":80/net\r\n", NULL},
    {307, "Location: net\r\n", NULL},
    {308, "Location: //" HOST "/net\r\n", NULL},
    {302, "Location: http://other.example/net\r\n", "other.example, which is not allowed"},
    {302, "Location: http://127.0.0.1/net\r\n", "127.0.0.1, which is not allowed"},
    {302, "Location: file:///etc/passwd\r\n", "is no URI of https or http"},
    {302, "", "without a Location"},
    {302, "Location: /moved\r\n", "redirected more than 5 times"},
};

/* Conformance: T-21. */
START_TEST(follows_redirects)
{
    route_add(ASK_IRD, 200, IRD_TYPE,
              IRD("\"net\":{\"uri\":\"/moved\",\"media-type\":\"" NET_TYPE "\"}," COST_ENTRY));
    route_add("GET " HOST "/moved", redirects[_i].status, NULL, NULL)->headers =
        redirects[_i].headers;
    route_add(ASK_NET, 200, NET_TYPE, NET_TEXT("t1", ""));
    route_add(ASK_COST, 200, COST_TYPE, COST_TEXT("t1", "7"));
    start();
    ck_assert_msg(w.generations == !redirects[_i].error, "%s", status().error);
    if (redirects[_i].error)
        ck_status(redirects[_i].error);
    ck_assert(!strstr(w.log.data, "other.example") && !strstr(w.log.data, "127.0.0.1"));
}
END_TEST

/* Conformance: T-21. */
START_TEST(keeps_method_and_body)
{
    const char *first, *second;

    filter_server();
    route_add(ASK_FILTER, 307, NULL, NULL)->headers = "Location: /there?x=1\r\n";
    route_add("POST " HOST "/there?x=1", 200, COST_TYPE, COST_TEXT("t1", "7"));
    start();
    ck_assert_uint_eq(w.generations, 1);
    first = strstr(w.requests.data, "{\"cost-type\"");
    second = first ? strstr(first + 1, "{\"cost-type\"") : NULL;
    ck_assert(second);
}
END_TEST

START_TEST(two_servers_send_each_other)
{
    static struct str both[] = {{"HOST", 4}};

    both[0] = STR("b.example");
    w.conf.hosts = both;
    w.conf.host_count = 1;
    plain_server();
    route_add(ASK_NET, 302, NULL, NULL)->headers = "Location: http://b.example/net\r\n";
    route_add("GET b.example/net", 302, NULL, NULL)->headers = "Location: http://" HOST "/net\r\n";
    start();
    ck_status("redirected more than 5 times");
    ck_assert_uint_eq(asked("GET b.example/net"), 3);
}
END_TEST

START_TEST(any_public_host)
{
    static struct str any[] = {{"*", 1}};

    w.conf.hosts = any;
    w.conf.host_count = 1;
    plain_server();
    route_add(ASK_NET, 302, NULL, NULL)->headers = "Location: http://[::1]/net\r\n";
    start();
    ck_status("[::1], an address that is not public");
    ck_assert(!strstr(w.log.data, "[::1]"));
    /* A name is told to the driver as one that must be public. */
    route_add(ASK_NET, 302, NULL, NULL)->headers = "Location: http://b.example/net\r\n";
    alto_client_turn(w.c, w.now += 400000);
    for (unsigned i = 0; i < 2; i++) {
        serve(0);
        ck_assert(w.conn[0].wanted);
    }
    ck_assert_str_eq(w.conn[0].host, "b.example");
    ck_assert(!w.conn[0].to.private_ok);
}
END_TEST

static struct str two_servers[] = {{ROOT, sizeof ROOT - 1}, {"http://b.example/ird", 20}};

static void second_server(void)
{
    w.conf.servers = two_servers;
    w.conf.server_count = 2;
    route_add("GET b.example/ird", 200, IRD_TYPE, IRD(NET_ENTRY "," COST_ENTRY));
    route_add("GET b.example/net", 200, NET_TYPE, NET_TEXT("t2", ""));
    route_add("GET b.example/cost", 200, COST_TYPE, COST_TEXT("t2", "8"));
}

/* Conformance: E-14. */
START_TEST(next_server)
{
    second_server();
    plain_server();
    start();
    ck_assert_double_eq(cost_ab(), 7);
    route_add(HOST, 0, NULL, NULL); /* and now it is gone */
    pass(400000);
    ck_assert_uint_eq(w.generations, 2);
    ck_assert_double_eq(cost_ab(), 8);
    ck_assert_str_eq(w.got.source, "http://b.example/ird");
    route_find(HOST)->status = 1; /* and back */
    pass(1300000);
    ck_assert_uint_eq(w.generations, 3);
    ck_assert_double_eq(cost_ab(), 7);
    ck_assert(str_eq(status().server, STR(ROOT)));
}
END_TEST

/* Conformance: E-14. */
START_TEST(last_good_stays)
{
    plain_server();
    start();
    route_add(HOST, 0, NULL, NULL);
    pass(3600000);
    ck_assert_uint_eq(w.generations, 1); /* nobody took it away */
    ck_assert_double_eq(cost_ab(), 7);
    ck_assert_uint_lt(status().checked_ms, w.now - 3000000); /* and its age is known */
    ck_status("connection refused");
}
END_TEST

#define LINK(name, uri) "\"" name "\":{\"uri\":\"" uri "\",\"media-type\":\"" IRD_TYPE "\"}"

/* Conformance: I-11, I-12. */
START_TEST(linked_directories)
{
    route_add(ASK_IRD, 200, IRD_TYPE, IRD(NET_ENTRY "," LINK("more", "/more")));
    /* The same name means something else here; and it leads back. */
    route_add("GET " HOST "/more", 200, IRD_TYPE,
              "{\"meta\":{\"cost-types\":{"
              "\"num\":{\"cost-mode\":\"ordinal\",\"cost-metric\":\"hopcount\"},"
              "\"hop\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\"}}},"
              "\"resources\":{" LINK("root", "/dir") "," LINK(
                  "self", "") ",\"wrong\":{\"uri\":"
                              "\"wrong\",\"media-type\":\"" COST_TYPE
                              "\",\"uses\":[\"net\"],\"capabilities\":"
                              "{\"cost-type-names\":[\"num\"]}},\"right\":{\"uri\":\"cost\","
                              "\"media-type\":\"" COST_TYPE
                              "\",\"uses\":[\"net\"],\"capabilities\":{\"cost-type-names\":"
                              "[\"hop\"]}}}}");
    route_add(ASK_NET, 200, NET_TYPE, NET_TEXT("t1", ""));
    route_add(ASK_COST, 200, COST_TYPE, COST_TEXT("t1", "7"));
    start();
    ck_assert_msg(w.generations == 1, "%s", status().error);
    ck_assert_uint_eq(asked(ASK_IRD), 1);
    ck_assert_uint_eq(asked("GET " HOST "/more"), 1);
    ck_assert(!strstr(w.log.data, "/wrong"));
}
END_TEST

/* Conformance: I-11. */
START_TEST(directories_without_end)
{
    static char names[8][64];

    plain_server();
    route_add(ASK_IRD, 200, IRD_TYPE, IRD(NET_ENTRY "," COST_ENTRY "," LINK("d", "/d0")));
    for (unsigned i = 0; i < 8; i++) {
        char text[200];

        snprintf(names[i], sizeof names[i], "GET " HOST "/d%u", i);
        snprintf(text, sizeof text,
                 "{\"resources\":{\"d\":{\"uri\":\"/d%u\",\"media-type\":\"%s\"}}}", i + 1,
                 IRD_TYPE);
        route_add(names[i], 200, IRD_TYPE, text);
    }
    start();
    ck_assert_uint_eq(w.generations, 1);
    ck_assert_uint_eq(asked(names[3]), 1);
    ck_assert_uint_eq(asked(names[4]), 0);
}
END_TEST

/* Conformance: I-14. */
START_TEST(resource_moves)
{
    plain_server();
    start();
    route_add(ASK_IRD, 200, IRD_TYPE,
              IRD("\"net\":{\"uri\":\"/net2\",\"media-type\":\"" NET_TYPE "\"}," COST_ENTRY));
    route_add(ASK_NET, _i ? 410 : 404, NULL, NULL);
    route_add("GET " HOST "/net2", 200, NET_TYPE, NET_TEXT("t2", ""));
    route_add(ASK_COST, 200, COST_TYPE, COST_TEXT("t2", "9"));
    pass(331000); /* one interval: no back-off */
    ck_assert_uint_eq(asked(ASK_IRD), 2);
    ck_assert_uint_eq(w.generations, 2);
    ck_assert_double_eq(cost_ab(), 9);
}
END_TEST

/* Conformance: I-14. */
START_TEST(directory_is_read_again)
{
    plain_server();
    start();
    pass(3000000);
    ck_assert_uint_eq(asked(ASK_IRD), 1);
    pass(1500000);
    ck_assert_uint_eq(asked(ASK_IRD), 2);
    ck_assert_uint_eq(w.generations, 1); /* the same maps */
}
END_TEST

/* Conformance: M-08. */
START_TEST(broken_map_behind_a_good_one)
{
    static const char *const broken[] = {
        "{\"meta\":{\"vtag\":{\"resource-id\":\"net\",\"tag\":\"t2\"}},\"network-map\":{"
        "\"a\":{\"ipv4\":[\"10.0.0.0/8\"]},\"b\":{\"ipv4\":[\"10.0.0.0/8\"]}}}",
        "{\"meta\":{\"vtag\":{\"resource-id\":\"net\",\"tag\":\"t2\"}},\"network-map\":{"
        "\"a\":{\"ipv4\":[\"10.0.0.0/33\"]}}}",
        "{\"meta\":{\"vtag\":{\"resource-id\":\"net\",\"tag\":\"t2\"}},\"network-map\":{\"a\":{",
        "{\"meta\":{},\"network-map\":{\"a\":{\"ipv4\":[\"10.0.0.0/8\"]}}}",
        "{\"meta\":{\"vtag\":{\"resource-id\":\"other\",\"tag\":\"t2\"}},\"network-map\":{}}",
    };

    plain_server();
    start();
    route_add(ASK_NET, 200, NET_TYPE, broken[_i]);
    pass(400000);
    ck_assert_uint_gt(asked(ASK_NET), 1);
    ck_assert_uint_eq(w.generations, 1);
    ck_assert_double_eq(cost_ab(), 7);
    ck_assert(status().error[0]);
}
END_TEST

/* Conformance: M-07. */
START_TEST(other_address_types)
{
    plain_server();
    route_add(ASK_NET, 200, NET_TYPE,
              "{\"meta\":{\"vtag\":{\"resource-id\":\"net\",\"tag\":\"t1\"}},\"network-map\":{"
              "\"a\":{\"ipv4\":[\"10.0.0.0/8\"],\"mac\":[\"00:11\"]},\"b\":{\"mac\":[{}]}}}");
    start();
    ck_assert_uint_eq(w.generations, 1);
    ck_assert_double_eq(cost_ab(), 7);
}
END_TEST

/* Conformance: C-05. */
START_TEST(costs_that_are_no_numbers)
{
    static const char *const costs[] = {"\"5\"", "true", "[1]", "-1", "1e999"};
    char text[1000];

    plain_server();
    start();
    snprintf(text, sizeof text,
             "{\"meta\":{" DEPENDS(
                 "t1") ",\"cost-type\":{\"cost-mode\":\"numerical\","
                       "\"cost-metric\":\"routingcost\"}},\"cost-map\":{\"a\":{\"a\":1,\"b\":%s}}}",
             costs[_i]);
    route_add(ASK_COST, 200, COST_TYPE, text);
    pass(400000);
    ck_assert_uint_gt(asked(ASK_COST), 1);
    ck_assert_uint_eq(w.generations, 1);
    ck_assert_double_eq(cost_ab(), 7);
    ck_status("cost map cost");
}
END_TEST

/* Conformance: C-06. */
START_TEST(costs_of_another_version)
{
    plain_server();
    start();
    route_add(ASK_COST, 200, COST_TYPE, COST_TEXT("t2", "8")); /* ahead of its network map */
    pass(331000);
    ck_assert_uint_eq(w.generations, 1);
    ck_assert_double_eq(cost_ab(), 7);
    ck_status("made for version \"t2\"");
    ck_assert_uint_ge(asked(ASK_NET), 3);  /* again, and a bounded number of times */
    ck_assert_uint_le(asked(ASK_NET), 20); /* later and later */
    route_add(ASK_NET, 200, NET_TYPE, NET_TEXT("t2", ""));
    pass(60000);
    ck_assert_uint_eq(w.generations, 2);
    ck_assert_double_eq(cost_ab(), 8);
}
END_TEST

/* Conformance: G-05. */
START_TEST(costs_of_another_source)
{
    char ird[2000];
    static const char *const sources[] = {"nominal", "sla", "estimation"};

    plain_server();
    snprintf(ird, sizeof ird,
             "{\"meta\":{\"default-alto-network-map\":\"net\",\"cost-types\":{\"num\":{"
             "\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\",\"cost-context\":{"
             "\"cost-source\":\"%s\"}}}},\"resources\":{" NET_ENTRY "," COST_ENTRY "}}",
             sources[_i]);
    route_add(ASK_IRD, 200, IRD_TYPE, ird);
    start();
    ck_assert_uint_eq(w.generations, _i == 2);
    if (_i < 2)
        ck_status("has no cost map of \"routingcost\"");
}
END_TEST

/* Conformance: D-09, D-12. */
START_TEST(calendars)
{
    static const char *const arrays[] = {"[1,2,3]", "[1,2]"};
    char text[1000];

    w.conf.calendars = true;
    route_add(ASK_IRD, 200, IRD_TYPE,
              IRD(NET_ENTRY
                  "," COST_ENTRY ",\"filter\":{\"uri\":\"filter\",\"media-type\":\"" COST_TYPE
                  "\",\"uses\":[\"net\"],"
                  "\"accepts\":\"application/alto-costmapfilter+json\",\"capabilities\":{"
                  "\"cost-type-names\":[\"num\"],\"calendar-attributes\":[{\"cost-type-names\":"
                  "[\"num\"],\"time-interval-size\":3600,\"number-of-intervals\":3}]}}"));
    route_add(ASK_NET, 200, NET_TYPE, NET_TEXT("t1", ""));
    snprintf(text, sizeof text,
             "{\"meta\":{" DEPENDS(
                 "t1") ",\"cost-type\":{\"cost-mode\":\"numerical\","
                       "\"cost-metric\":\"routingcost\"},\"calendar-response-attributes\":[{"
                       "\"calendar-start-time\":\"Thu, 01 Jan 1970 00:00:00 GMT\","
                       "\"time-interval-size\":3600,\"number-of-intervals\":3,\"repeated\":2}]},"
                       "\"cost-map\":{\"a\":{\"b\":%s}}}",
             arrays[_i]);
    route_add(ASK_FILTER, 200, COST_TYPE, text);
    start();
    ck_assert(strstr(w.requests.data, "\"calendared\":[true]"));
    ck_assert_uint_eq(w.generations, _i == 0);
    if (_i == 0) {
        const struct costmap *c = w.got.costs[0]->cost;
        uint64_t ends;

        ck_assert_uint_eq(costmap_slot_at(c, 3600000 * 4 + 1, &ends), 1); /* rolls over */
        ck_assert_uint_eq(ends, 3600000 * 5);
    }
}
END_TEST

/* What clients ask for is the server's to know only as far as the network: maps are fetched whole,
 * and decisions are made here. */
/* Conformance: S-09. */
START_TEST(no_addresses_of_clients)
{
    plain_server();
    route_add(ASK_IRD, 200, IRD_TYPE,
              IRD(NET_ENTRY
                  "," COST_ENTRY ",\"ecs\":{\"uri\":\"ecs\",\"media-type\":"
                  "\"application/alto-endpointcost+json\",\"accepts\":"
                  "\"application/alto-endpointcostparams+json\",\"capabilities\":{"
                  "\"cost-type-names\":[\"num\"]}},\"eps\":{\"uri\":\"eps\",\"media-type\":"
                  "\"application/alto-endpointprop+json\",\"accepts\":"
                  "\"application/alto-endpointpropparams+json\",\"capabilities\":{"
                  "\"prop-types\":[\"net.pid\"]}}"));
    start();
    pass(1000000);
    ck_assert_uint_eq(w.generations, 1);
    ck_assert(!strstr(w.requests.data, "POST ") && !strstr(w.requests.data, "ipv4:"));
}
END_TEST

START_TEST(silence)
{
    plain_server();
    route_add(ASK_NET, -1, NULL, NULL);
    start();
    pass(29000);
    ck_assert_str_eq(status().error, "");
    pass(2000);
    ck_status("nothing more came in time");
    ck_assert(!w.conn[0].open || asked(ASK_IRD) > 1);
}
END_TEST

START_TEST(endless_answer)
{
    w.conf.body_max = 50000;
    plain_server();
    route_add(ASK_NET, -1, NULL, NULL);
    start();
    feed(0, STR("HTTP/1.1 200 OK\r\nContent-Type: " NET_TYPE
                "\r\nTransfer-Encoding: chunked\r\n\r\n"));
    for (unsigned i = 0; i < 1000 && w.conn[0].open; i++)
        feed(0, STR("64\r\n"
                    "                                                  "
                    "                                                  \r\n"));
    ck_assert(!w.conn[0].open);
    ck_status("the body is longer than it may be");
}
END_TEST

START_TEST(https_stays)
{
    static struct str secure[] = {{"https://" HOST "/dir", sizeof "https://" HOST "/dir" - 1}};

    w.conf.servers = secure;
    plain_server();
    route_add(ASK_NET, 302, NULL, NULL)->headers = "Location: http://" HOST "/net\r\n";
    start();
    ck_status("in the clear");
    ck_assert(strstr(w.log.data, ASK_NET) && !strstr(w.log.data, ASK_COST));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("alto_client");
    TCase *t = tcase_create("alto_client");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, world_setup, world_teardown);
    tcase_add_loop_test(t, first_maps, 0, 4);
    tcase_add_test(t, post_says_its_type);
    tcase_add_test(t, method_is_not_swapped);
    tcase_add_loop_test(t, answers_of_other_types, 0, sizeof wrong_types / sizeof *wrong_types);
    tcase_add_test(t, parameters_of_a_type);
    tcase_add_test(t, compressed_answers);
    tcase_add_test(t, polls_with_validators);
    tcase_add_loop_test(t, patience_has_an_end, 0, 2);
    tcase_add_test(t, errors_are_short);
    tcase_add_loop_test(t, waits_as_told, 0, 2);
    tcase_add_test(t, backs_off);
    tcase_add_loop_test(t, follows_redirects, 0, sizeof redirects / sizeof *redirects);
    tcase_add_test(t, keeps_method_and_body);
    tcase_add_test(t, two_servers_send_each_other);
    tcase_add_test(t, any_public_host);
    tcase_add_test(t, next_server);
    tcase_add_test(t, last_good_stays);
    tcase_add_test(t, linked_directories);
    tcase_add_test(t, directories_without_end);
    tcase_add_loop_test(t, resource_moves, 0, 2);
    tcase_add_test(t, directory_is_read_again);
    tcase_add_loop_test(t, broken_map_behind_a_good_one, 0, 5);
    tcase_add_test(t, other_address_types);
    tcase_add_loop_test(t, costs_that_are_no_numbers, 0, 5);
    tcase_add_test(t, costs_of_another_version);
    tcase_add_loop_test(t, costs_of_another_source, 0, 3);
    tcase_add_loop_test(t, calendars, 0, 2);
    tcase_add_test(t, no_addresses_of_clients);
    tcase_add_test(t, silence);
    tcase_add_test(t, endless_answer);
    tcase_add_test(t, https_stays);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
