/* Following changes: events, edges, and what happens when they go wrong. */
#include "alto_client_world.h"

#include "alto/updates_internal.h"

#define STREAM_TYPE "text/event-stream"
#define TIPS_TYPE   "application/alto-tips+json"
#define MERGE       "application/merge-patch+json"
#define JSON        "application/json-patch+json"
#define CONTROL     "application/alto-updatestreamcontrol+json"
#define STREAM_ENTRY(types)                                                                        \
    "\"up\":{\"uri\":\"/up/date\",\"media-type\":\"" STREAM_TYPE "\",\"accepts\":"                 \
    "\"application/alto-updatestreamparams+json\",\"uses\":[\"net\",\"cost\"],"                    \
    "\"capabilities\":{\"incremental-change-media-types\":{\"net\":\"" types                       \
    "\",\"cost\":\"" MERGE "\"},\"support-stream-control\":true}}"
#define TIPS_ENTRY(types)                                                                          \
    "\"tips\":{\"uri\":\"/tips\",\"media-type\":\"" TIPS_TYPE "\",\"accepts\":"                    \
    "\"application/alto-tipsparams+json\",\"uses\":[\"net\",\"cost\"],"                            \
    "\"capabilities\":{\"incremental-change-media-types\":{\"net\":\"" MERGE "," JSON              \
    "\",\"cost\":\"" types "\"}}}"
#define ASK_STREAM    "POST " HOST "/up/date"
#define ASK_TIPS_NET  "POST " HOST "/tips net"
#define ASK_TIPS_COST "POST " HOST "/tips cost"

#define EVENT(type, id, data) "event: " type "," id "\ndata: " data "\n\n"
#define HELLO                 "event: " CONTROL "\ndata: {\"control-uri\":\"control/1\"}\n\n"
#define NET_PATCH(tag)                                                                             \
    "{\"meta\":{\"vtag\":{\"tag\":\"" tag "\"}},"                                                  \
    "\"network-map\":{\"b\":{\"ipv4\":[\"20.0.0.0/8\",\"30.0.0.0/8\"]}}}"
#define COST_PATCH(ab)          "{\"cost-map\":{\"a\":{\"b\":" ab "}}}"
#define COST_PATCH_FOR(tag, ab) "{\"meta\":{" DEPENDS(tag) "},\"cost-map\":{\"a\":{\"b\":" ab "}}}"

static void stream_server(void)
{
    plain_server();
    route_add(ASK_IRD, 200, IRD_TYPE,
              IRD(NET_ENTRY "," COST_ENTRY "," STREAM_ENTRY(MERGE "," JSON)));
    route_add(ASK_STREAM, 200, STREAM_TYPE, HELLO)->open = true;
}

static void say(const char *text)
{
    ck_assert(w.conn[1].open);
    feed(1, str_from(text));
}

/* Conformance: T-03. */
START_TEST(opens_with_tags)
{
    w.piece = _i ? 3 : 0;
    stream_server();
    start();
    ck_assert_uint_eq(w.generations, 1);
    ck_assert_int_eq(status().mode, ALTO_CLIENT_SSE);
    ck_assert(strstr(w.requests.data, "POST /up/date HTTP/1.1\r\n"));
    ck_assert(
        strstr(w.requests.data, "Content-Type: application/alto-updatestreamparams+json\r\n"));
    ck_assert(strstr(w.requests.data, "{\"add\":{\"r0\":{\"resource-id\":\"net\",\"tag\":\"t1\"},"
                                      "\"r1\":{\"resource-id\":\"cost\"}}}"));
    pass(100000);
    ck_assert_uint_eq(asked(ASK_NET), 1); /* nobody polls */
    ck_assert(w.conn[1].open);
}
END_TEST

/* Conformance: U-21. */
START_TEST(control_uri)
{
    static const char *const given[] = {"\"control/1\"",
                                        "\"/c?x=1\"",
                                        ("\"http://" HOST ":81/c\""),
                                        "null",
                                        "\"http://other.example/c\"",
                                        "\"http://[::1]/\""};
    static const char *const want[] = {"http://" HOST "/up/control/1",
                                       "http://" HOST "/c?x=1",
                                       "http://" HOST ":81/c",
                                       "",
                                       "",
                                       ""};
    char text[200];

    stream_server();
    snprintf(text, sizeof text, "event: " CONTROL "\ndata: {\"control-uri\":%s}\n\n", given[_i]);
    route_add(ASK_STREAM, 200, STREAM_TYPE, text)->open = true;
    start();
    ck_assert(str_eq((struct str){w.c->updates->control_uri.data, w.c->updates->control_uri.len},
                     str_from(want[_i])));
    ck_assert(w.conn[1].open);
}
END_TEST

START_TEST(patches)
{
    w.piece = _i ? 5 : 0;
    stream_server();
    start();
    say(EVENT(MERGE, "r1", COST_PATCH("8")));
    ck_assert_uint_eq(w.generations, 2);
    ck_assert_double_eq(cost_ab(), 8);
    say(EVENT(JSON, "r1", "[{\"op\":\"replace\",\"path\":\"/cost-map/a/b\",\"value\":9}]"));
    ck_assert_uint_eq(w.generations, 3);
    ck_assert_double_eq(cost_ab(), 9);
    say(EVENT(COST_TYPE, "r1", COST_TEXT("t1", "10"))); /* the whole map */
    ck_assert_uint_eq(w.generations, 4);
    ck_assert_double_eq(cost_ab(), 10);
    say(EVENT(COST_TYPE, "r1", COST_TEXT("t1", "10"))); /* which is no change */
    ck_assert_uint_eq(w.generations, 4);
    say(EVENT(NET_TYPE, "r0", NET_TEXT("t1", "")));
    ck_assert_uint_eq(w.generations, 4);
    say(EVENT("application/x-new", "other", "{"));
    ck_assert_uint_eq(w.generations, 4);
    ck_assert(w.conn[1].open);
    ck_assert_uint_eq(asked(ASK_STREAM), 1);
}
END_TEST

/* Conformance: U-18. */
START_TEST(forms_of_events)
{
    w.piece = _i ? 1 : 0;
    stream_server();
    route_add(ASK_STREAM, 200, STREAM_TYPE,
              "\xef\xbb\xbf: hello\r\n\r\n"
              "event: " MERGE ",r1\rdata: {\"cost-map\":{\"a\"\r:comment\rdata: :{\"b\":8}}}\r\r")
        ->open = true;
    start();
    ck_assert_double_eq(cost_ab(), 8);
    say(": keep-alive\n\n:\r\n");
    say("event: " MERGE ",r1\r\ndata:{\"cost-map\":{\"a\":\r\ndata: {\"b\":9}}}\r\nid\r\n\r\n");
    ck_assert_double_eq(cost_ab(), 9);
    ck_assert_uint_eq(w.generations, 3);
    ck_assert_str_eq(status().error, "");
}
END_TEST

/* Conformance: U-26. */
START_TEST(costs_come_later)
{
    stream_server();
    start();
    say(EVENT(MERGE, "r0", NET_PATCH("t2")));
    pass(20000);
    ck_assert_uint_eq(w.generations, 1); /* the old pair */
    ck_assert_str_eq(w.got.network->tag, "t1");
    say(EVENT(MERGE, "r1", COST_PATCH_FOR("t2", "8")));
    ck_assert_msg(w.generations == 2, "%s", status().error);
    ck_assert_str_eq(w.got.network->tag, "t2");
    ck_assert_uint_eq(w.got.network->network->prefix_count, 3);
    ck_assert_double_eq(cost_ab(), 8);
    ck_assert_uint_eq(asked(ASK_NET), 1);
}
END_TEST

/* Conformance: U-26. */
START_TEST(costs_come_first)
{
    stream_server();
    start();
    say(EVENT(MERGE, "r1", COST_PATCH_FOR("t2", "8")));
    ck_assert_uint_eq(w.generations, 1);
    say(EVENT(MERGE, "r1", COST_PATCH_FOR("t2", "9")));
    ck_assert_double_eq(cost_ab(), 7);
    say(EVENT(MERGE, "r0", NET_PATCH("t2")));
    ck_assert_msg(w.generations == 2, "%s", status().error);
    ck_assert_double_eq(cost_ab(), 9);
}
END_TEST

/* Conformance: U-26, C-06. */
START_TEST(costs_never_come)
{
    stream_server();
    start();
    say(EVENT(MERGE, "r0", NET_PATCH("t2")));
    route_add(ASK_NET, 200, NET_TYPE, NET_TEXT("t3", ""));
    route_add(ASK_COST, 200, COST_TYPE, COST_TEXT("t3", "9"));
    pass(29000);
    ck_assert_uint_eq(w.generations, 1);
    pass(3000); /* and then everything anew */
    ck_assert_uint_eq(w.generations, 2);
    ck_assert_double_eq(cost_ab(), 9);
    ck_assert_uint_eq(asked(ASK_STREAM), 2);
}
END_TEST

/* Conformance: U-29. */
START_TEST(reconnects)
{
    uint64_t wait;

    stream_server();
    start();
    say(EVENT(MERGE, "r0", NET_PATCH("t2")));
    say(EVENT(MERGE, "r1", COST_PATCH_FOR("t2", "8")));
    w.requests.len = 0;
    w.conn[1].open = false;
    alto_client_closed(w.c, 1, _i ? "connection reset" : NULL, w.now);
    wait = alto_client_wake_ms(w.c) - w.now;
    ck_assert_uint_ge(wait, 1000);
    ck_assert_uint_le(wait, 1100);
    pass(1100);
    ck_assert(strstr(w.requests.data, "\"tag\":\"t2\""));
    ck_assert_uint_eq(asked(ASK_NET), 1); /* nothing was lost */
    say(EVENT(MERGE, "r1", COST_PATCH("11")));
    ck_assert_double_eq(cost_ab(), 11);
}
END_TEST

static const char *const corrupt[] = {
    EVENT(MERGE, "r1", "{\"cost-map\":"),
    EVENT(MERGE, "r1", "{\"cost-map\":{\"a\":{\"b\":\"x\"}}}"),
    EVENT(JSON, "r1", "[{\"op\":\"replace\",\"path\":\"/cost-map/nobody/b\",\"value\":9}]"),
    EVENT(MERGE, "r0", "{\"network-map\":{\"b\":{\"ipv4\":[\"10.0.0.0/8\"]}}}"),
    EVENT(COST_TYPE, "r1", "[]"),
    EVENT("text/plain", "r1", "x"),
    "event: nothing\ndata: x\n\n",
    "event: " CONTROL "\ndata: [\n\n",
};

/* Conformance: U-29. */
START_TEST(corrupt_updates)
{
    stream_server();
    start();
    route_add(ASK_COST, 200, COST_TYPE, COST_TEXT("t1", "12"));
    say(corrupt[_i]);
    ck_assert(!w.conn[1].open);
    ck_assert_double_eq(cost_ab(), 7);
    ck_assert(status().error[0]);
    pass(1200);
    ck_assert_uint_eq(asked(ASK_STREAM), 2);
    if (_i < 6) { /* all of it was fetched again, and unconditionally */
        ck_assert_uint_eq(asked(ASK_NET), 2);
        ck_assert_double_eq(cost_ab(), 12);
    }
    say(EVENT(MERGE, "r1", COST_PATCH("11")));
    ck_assert_double_eq(cost_ab(), 11);
}
END_TEST

START_TEST(server_stops_updates)
{
    stream_server();
    start();
    say("event: " CONTROL "\ndata: {\"stopped\":[\"r1\"]}\n\n");
    ck_assert(!w.conn[1].open);
    ck_status("has stopped the updates");
    pass(1200);
    ck_assert_uint_eq(asked(ASK_STREAM), 2);
}
END_TEST

START_TEST(silent_stream)
{
    stream_server();
    start();
    pass(119000);
    ck_assert_uint_eq(asked(ASK_STREAM), 1);
    say(":\n");
    pass(119000);
    ck_assert_uint_eq(asked(ASK_STREAM), 1);
    pass(3000);
    ck_assert_uint_eq(asked(ASK_STREAM), 2);
}
END_TEST

START_TEST(falls_back_to_polls)
{
    stream_server();
    route_add(ASK_STREAM, 503, "text/plain", "no");
    start();
    pass(10000);
    ck_assert_uint_eq(asked(ASK_STREAM), 3);
    ck_assert_int_eq(status().mode, ALTO_CLIENT_POLL);
    route_add(ASK_COST, 200, COST_TYPE, COST_TEXT("t1", "12"));
    pass(331000);
    ck_assert_double_eq(cost_ab(), 12);
    route_add(ASK_STREAM, 200, STREAM_TYPE, HELLO)->open = true;
    pass(3900000); /* the directory is read anew, and its stream is tried again */
    ck_assert_int_eq(status().mode, ALTO_CLIENT_SSE);
}
END_TEST

START_TEST(server_goes_while_following)
{
    stream_server();
    start();
    route_add(HOST, 0, NULL, NULL);
    w.conn[1].open = false;
    alto_client_closed(w.c, 1, NULL, w.now);
    pass(1000000);
    ck_assert_uint_eq(w.generations, 1);
    ck_status("connection refused");
    route_find(HOST)->status = 1;
    route_add(ASK_COST, 200, COST_TYPE, COST_TEXT("t1", "13"));
    pass(700000);
    ck_assert_double_eq(cost_ab(), 13);
}
END_TEST

/* A client that has not all forms of patches asks for whole maps. */
START_TEST(no_patches)
{
    w.conf.no_json_patch = true;
    stream_server();
    start();
    ck_assert(strstr(w.requests.data, "\"tag\":\"t1\",\"incremental-changes\":false}"));
    ck_assert(strstr(w.requests.data, "{\"resource-id\":\"cost\"}"));
}
END_TEST

/* A stream that has not all that is wanted is not used. */
START_TEST(stream_without_all)
{
    stream_server();
    route_add(ASK_IRD, 200, IRD_TYPE,
              IRD(NET_ENTRY "," COST_ENTRY
                            ",\"up\":{\"uri\":\"/up/date\",\"media-type\":\"" STREAM_TYPE
                            "\",\"accepts\":\"application/alto-updatestreamparams+json\","
                            "\"uses\":[\"net\"]}"));
    start();
    ck_assert_int_eq(status().mode, ALTO_CLIENT_POLL);
    ck_assert_uint_eq(asked(ASK_STREAM), 0);
}
END_TEST

/* -- TIPS -- */

#define VIEW(uri, i, j)                                                                            \
    "{\"tips-view-uri\":\"" uri "\",\"tips-view-summary\":{\"updates-graph-summary\":{"            \
    "\"start-seq\":1,\"end-seq\":" j ",\"start-edge-rec\":{\"seq-i\":" i ",\"seq-j\":" j "}}}}"
#define EDGE_NET(i, j)  "GET " HOST "/tips/n/ug/" i "/" j
#define EDGE_COST(i, j) "GET " HOST "/tips/c/ug/" i "/" j

static void tips_server(void)
{
    plain_server();
    route_add(ASK_IRD, 200, IRD_TYPE, IRD(NET_ENTRY "," COST_ENTRY "," TIPS_ENTRY(MERGE)));
    route_add(ASK_TIPS_NET, 200, TIPS_TYPE, VIEW("http://" HOST "/tips/n", "7", "8"));
    route_add(ASK_TIPS_COST, 200, TIPS_TYPE, VIEW("tips/c", "0", "5"));
    route_add(EDGE_NET("7", "8"), -1, NULL, NULL);
    route_add(EDGE_COST("0", "5"), 200, COST_TYPE, COST_TEXT("t1", "7"));
    route_add(EDGE_COST("5", "6"), -1, NULL, NULL);
}

static void push(unsigned slot, const char *type, const char *body)
{
    struct bytes text = {0};

    ck_assert(w.conn[slot].open);
    ck_assert(bytes_printf(&text,
                           "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n%s",
                           type, strlen(body), body));
    feed(slot, (struct str){text.data, text.len});
    bytes_free(&text);
    settle();
}

/* Conformance: Q-10. */
START_TEST(follows_edges)
{
    tips_server();
    start();
    ck_assert_int_eq(status().mode, ALTO_CLIENT_TIPS);
    ck_assert_uint_eq(w.generations, 1);
    ck_assert(strstr(w.requests.data, "{\"resource-id\":\"net\",\"tag\":\"t1\"}"));
    ck_assert(strstr(w.requests.data,
                     "Accept: " NET_TYPE "," MERGE "," JSON ",application/alto-error+json\r\n"));
    ck_assert(strstr(w.requests.data,
                     "Accept: " COST_TYPE "," MERGE "," JSON ",application/alto-error+json\r\n"));
    ck_assert_uint_eq(asked(EDGE_COST("5", "6")), 1);
    route_add(EDGE_COST("6", "7"), -1, NULL, NULL);
    push(2, MERGE, COST_PATCH("8"));
    ck_assert_double_eq(cost_ab(), 8);
    ck_assert_uint_eq(asked(EDGE_COST("6", "7")), 1);
    push(2, COST_TYPE, COST_TEXT("t1", "9"));
    ck_assert_double_eq(cost_ab(), 9);
}
END_TEST

/* Conformance: Q-11. */
START_TEST(patches_that_are_not_known)
{
    tips_server();
    if (_i)
        w.conf.no_merge_patch = true;
    else
        route_add(ASK_IRD, 200, IRD_TYPE,
                  IRD(NET_ENTRY "," COST_ENTRY "," TIPS_ENTRY(MERGE ",application/x-patch")));
    start();
    ck_assert_int_eq(status().mode, ALTO_CLIENT_POLL);
    ck_assert(!strstr(w.log.data, "/tips"));
}
END_TEST

/* Conformance: Q-12. */
START_TEST(edges_of_one_piece)
{
    tips_server();
    route_add(EDGE_NET("8", "9"), -1, NULL, NULL);
    route_add(EDGE_COST("6", "7"), -1, NULL, NULL);
    start();
    push(_i ? 2 : 1, MERGE, _i ? COST_PATCH_FOR("t2", "8") : NET_PATCH("t2"));
    ck_assert_uint_eq(w.generations, 1);
    ck_assert_str_eq(w.got.network->tag, "t1");
    push(_i ? 1 : 2, MERGE, _i ? NET_PATCH("t2") : COST_PATCH_FOR("t2", "8"));
    ck_assert_msg(w.generations == 2, "%s", status().error);
    ck_assert_double_eq(cost_ab(), 8);
}
END_TEST

START_TEST(long_polls_end)
{
    tips_server();
    start();
    pass(121000);
    ck_assert_uint_eq(asked(EDGE_NET("7", "8")), 2);
    ck_assert_uint_eq(asked(EDGE_COST("5", "6")), 2);
    ck_assert_uint_eq(asked(ASK_TIPS_NET), 1);
    ck_assert_str_eq(status().error, "");
    ck_assert_uint_ge(status().checked_ms, w.now - 1000); /* no news: the maps are of now */
}
END_TEST

/* RFC 8895 section 6.8: a line that says nothing says that the server is there. */
START_TEST(comments_confirm)
{
    stream_server();
    start();
    for (unsigned i = 0; i < 10; i++) {
        pass(100000);
        say(": still here\n");
    }
    ck_assert_uint_eq(status().checked_ms, w.now);
    ck_assert_uint_eq(asked(ASK_STREAM), 1);
}
END_TEST

/* A server that never comes to an end of them. */
START_TEST(edges_without_end)
{
    static char asks[20][64];
    unsigned sum = 0;

    tips_server();
    for (unsigned i = 0; i < 20; i++) {
        snprintf(asks[i], sizeof asks[i], "GET " HOST "/tips/n/ug/%u/%u", 7 + i, 8 + i);
        route_add(asks[i], 200, MERGE, "{}");
    }
    start();
    for (unsigned i = 0; i < 20; i++)
        sum += asked(asks[i]);
    ck_assert_uint_eq(sum, 17); /* the first, and as many behind it as a second may have */
    ck_assert_str_eq(status().error, "");
    pass(1000);
    ck_assert_uint_eq(asked(asks[19]), 1);
}
END_TEST

/* Conformance: U-26, U-29. */
START_TEST(a_network_map_that_never_comes)
{
    stream_server();
    start();
    say(EVENT(MERGE, "r1", COST_PATCH_FOR("t2", "8")));
    pass(29000);
    ck_assert_str_eq(status().error, "");
    pass(1000);
    ck_status("have not come in 30 s");
    pass(1200);
    ck_assert_uint_eq(asked(ASK_NET), 2);
    ck_assert_uint_eq(asked(ASK_STREAM), 2);
    ck_assert_uint_eq(w.generations, 1);
}
END_TEST

/* What waits for a network map is no more than one answer may be. */
START_TEST(what_waits_is_bounded)
{
    char text[2000];

    w.conf.body_max = 4000;
    stream_server();
    start();
    snprintf(text, sizeof text, EVENT(MERGE, "r1", "%1500s" COST_PATCH_FOR("t2", "8")), "");
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_str_eq(status().error, "");
        say(text);
    }
    ck_status("without their network map");
    ck_assert_uint_eq(w.generations, 1);
}
END_TEST

START_TEST(views_that_are_gone)
{
    tips_server();
    start();
    route_add(EDGE_COST("5", "6"), _i ? 410 : 404, "application/alto-error+json",
              "{\"meta\":{\"code\":\"E_INVALID_FIELD_VALUE\"}}");
    pass(121000);
    ck_status("E_INVALID_FIELD_VALUE");
    route_add(EDGE_COST("5", "6"), -1, NULL, NULL);
    pass(3000);
    ck_assert_uint_eq(asked(ASK_TIPS_NET), 2);
    ck_assert_uint_eq(asked(ASK_TIPS_COST), 2);
    push(2, MERGE, COST_PATCH("8"));
    ck_assert_double_eq(cost_ab(), 8);
}
END_TEST

START_TEST(corrupt_edges)
{
    tips_server();
    start();
    route_add(ASK_COST, 200, COST_TYPE, COST_TEXT("t1", "12"));
    route_add(EDGE_COST("0", "5"), 200, COST_TYPE, COST_TEXT("t1", "12"));
    push(2, MERGE, "{\"cost-map\":");
    ck_assert_double_eq(cost_ab(), 7);
    pass(1200);
    ck_assert_uint_eq(asked(ASK_NET), 2);
    ck_assert_double_eq(cost_ab(), 12);
}
END_TEST

START_TEST(stream_is_preferred)
{
    tips_server();
    route_add(ASK_IRD, 200, IRD_TYPE,
              IRD(NET_ENTRY "," COST_ENTRY "," TIPS_ENTRY(MERGE) "," STREAM_ENTRY(MERGE)));
    route_add(ASK_STREAM, 200, STREAM_TYPE, HELLO)->open = true;
    if (_i)
        w.conf.updates = _i == 1 ? ALTO_CLIENT_TIPS : ALTO_CLIENT_POLL;
    start();
    ck_assert_int_eq(status().mode, _i == 0   ? ALTO_CLIENT_SSE
                                    : _i == 1 ? ALTO_CLIENT_TIPS
                                              : ALTO_CLIENT_POLL);
}
END_TEST

START_TEST(meta_of_updates)
{
    static const struct {
        const char *text, *tag;
        bool depends;
    } rows[] = {
        {"{\"meta\":{\"vtag\":{\"resource-id\":\"c\",\"tag\":\"x\"}},\"cost-map\":{", "x", false},
        {"{\"meta\":{" DEPENDS("t") ",\"vtag\":{\"tag\":\"y\"}}}", "y", true},
        {"{\"cost-map\":{\"meta\":{\"vtag\":{\"tag\":\"no\"}}}}", "", false},
        {"[{\"op\":\"replace\",\"path\":\"/meta/vtag/tag\",\"value\":\"z\"}]", "z", false},
        {"[{\"op\":\"test\",\"path\":\"/a\",\"value\":1},{\"path\":\"/meta/dependent-vtags/0/tag\","
         "\"op\":\"replace\",\"value\":\"n\"},{\"value\":\"z\",\"path\":\"/meta/vtag/tag\"}]",
         "z", true},
        {"", "", false},
        {"[[", "", false},
        {"{\"meta\":{\"vtag\":{\"tag\":{\"a\":1}}}}", "", false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct update_meta m;

        update_meta_read(str_from(rows[i].text), &m);
        ck_assert_msg(strcmp(m.tag, rows[i].tag) == 0, "%s: %s", rows[i].text, m.tag);
        ck_assert_msg(m.depends == rows[i].depends, "%s", rows[i].text);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("alto_client_updates");
    TCase *t = tcase_create("alto_client_updates");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, world_setup, world_teardown);
    tcase_add_loop_test(t, opens_with_tags, 0, 2);
    tcase_add_loop_test(t, control_uri, 0, 6);
    tcase_add_loop_test(t, patches, 0, 2);
    tcase_add_loop_test(t, forms_of_events, 0, 2);
    tcase_add_test(t, costs_come_later);
    tcase_add_test(t, costs_come_first);
    tcase_add_test(t, costs_never_come);
    tcase_add_loop_test(t, reconnects, 0, 2);
    tcase_add_loop_test(t, corrupt_updates, 0, sizeof corrupt / sizeof *corrupt);
    tcase_add_test(t, server_stops_updates);
    tcase_add_test(t, silent_stream);
    tcase_add_test(t, falls_back_to_polls);
    tcase_add_test(t, server_goes_while_following);
    tcase_add_test(t, no_patches);
    tcase_add_test(t, stream_without_all);
    tcase_add_test(t, follows_edges);
    tcase_add_loop_test(t, patches_that_are_not_known, 0, 2);
    tcase_add_loop_test(t, edges_of_one_piece, 0, 2);
    tcase_add_test(t, long_polls_end);
    tcase_add_test(t, comments_confirm);
    tcase_add_test(t, edges_without_end);
    tcase_add_test(t, a_network_map_that_never_comes);
    tcase_add_test(t, what_waits_is_bounded);
    tcase_add_loop_test(t, views_that_are_gone, 0, 2);
    tcase_add_test(t, corrupt_edges);
    tcase_add_loop_test(t, stream_is_preferred, 0, 3);
    tcase_add_test(t, meta_of_updates);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
