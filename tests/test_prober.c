#include "prober_fixture.h"

#include <dirent.h>
#include <jansson.h>
#include <sys/resource.h>

static bool a_up(void)
{
    return word("a", false) == HEALTH_UP;
}

static bool a_down(void)
{
    return word("a", false) == HEALTH_DOWN;
}

static bool a_v6_known(void)
{
    return word("a", true) != HEALTH_UNKNOWN && word("a", false) != HEALTH_UNKNOWN;
}

static bool b_known(void)
{
    return word("b", false) != HEALTH_UNKNOWN;
}

static unsigned wanted_accepts;

static bool accepted_more(void)
{
    return server.accepted >= wanted_accepts;
}

START_TEST(tcp_comes_and_goes)
{
    struct world *const w = &worlds[0];
    uint16_t port;

    ck_assert(server_listen(&server, false, 0));
    port = server.port;
    w->conf[0] = streamer("a", PROBE_TCP);
    world_set(w, 1);
    ck_assert_int_eq(word("a", false), HEALTH_UNKNOWN);
    run_until(a_up, "up");
    ck_assert_ptr_eq(strstr(changes, "a v4 up: first probe: connected in "), changes);
    server_close(&server);
    run_until(a_down, "down");
    ck_assert_msg(
        strstr(changes, "a v4 down: 3 bad probes in a row, the last: connection refused in "), "%s",
        changes);
    ck_assert(server_listen(&server, false, port));
    run_until(a_up, "up again");
    ck_assert_msg(strstr(changes, "a v4 up: 2 good probes in a row, the last: connected in "), "%s",
                  changes);
    ck_assert_uint_eq(change_count, 3);
    ck_assert_uint_eq(metrics.v[METRIC_HEALTH_CHANGES_UP], 2);
    ck_assert_uint_eq(metrics.v[METRIC_HEALTH_CHANGES_DOWN], 1);
    ck_assert_uint_ge(metrics.v[METRIC_PROBES_GOOD], 3);
    ck_assert_uint_ge(metrics.v[METRIC_PROBES_BAD], 3);
    ck_assert_int_eq(word("a", true), HEALTH_UNKNOWN); /* nobody asked IPv6 */
}
END_TEST

static const struct {
    const char *what, *answer;
    enum health health;
    const char *why;
} answers[] = {
    {"good", "HTTP/1.1 204 No Content\r\n\r\n", HEALTH_UP, "204 in "},
    {"the range ends here", "HTTP/1.1 399 X\r\n\r\n", HEALTH_UP, "399 in "},
    {"bad status", "HTTP/1.1 503 Busy\r\n\r\n", HEALTH_DOWN, "503 (good is 200 to 399) in "},
    {"not HTTP", "SSH-2.0-x\r\n", HEALTH_DOWN,
     "not an HTTP/1 answer (\"SSH-2.0-x\\x0d\\x0a\") in "},
    {"half an answer", "HTTP/1.1 200 OK\r\nServer:", HEALTH_DOWN,
     "closed inside of the answer's head in "},
    {"terminal tricks", "HTTP/1.1 200 OK\r\nA: \033[2J\r\n\r\n", HEALTH_DOWN,
     "a control character in the answer's head in "},
};

START_TEST(http_answers)
{
    struct world *const w = &worlds[0];
    char want[256];

    server.answer = str_from(answers[_i].answer);
    ck_assert(server_listen(&server, false, 0));
    w->conf[0] = streamer("a", PROBE_HTTP);
    world_set(w, 1);
    run_until(answers[_i].health == HEALTH_UP ? a_up : a_down, answers[_i].what);
    snprintf(want, sizeof want, "a v4 %s: first probe: %s",
             answers[_i].health == HEALTH_UP ? "up" : "down", answers[_i].why);
    ck_assert_msg(strstr(changes, want) == changes, "%s: %s", answers[_i].what, changes);
}
END_TEST

START_TEST(http_closed_at_once)
{
    struct world *const w = &worlds[0];

    server.close_first = true;
    ck_assert(server_listen(&server, false, 0));
    w->conf[0] = streamer("a", PROBE_HTTP);
    world_set(w, 1);
    run_until(a_down, "down");
    /* Closed before or behind our request: both are what happened. */
    ck_assert_msg(strstr(changes, "closed without an answer in ") ||
                      strstr(changes, "connection reset by peer in "),
                  "%s", changes);
}
END_TEST

/* The deadline is of the whole probe: a byte now and then does not stretch it. */
START_TEST(drip_is_cut_off)
{
    struct world *const w = &worlds[0];
    const uint64_t start = clock_ms();

    server.drip = true;
    server.answer =
        STR("HTTP/1.1 200 OK\r\nA: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
    ck_assert(server_listen(&server, false, 0));
    w->conf[0] = streamer("a", PROBE_HTTP);
    w->conf[0].probe.interval_ms = 90;
    w->conf[0].probe.timeout_ms = 60;
    world_set(w, 1);
    run_until(a_down, "down");
    ck_assert_msg(strstr(changes, "a v4 down: first probe: no answer in ") == changes, "%s",
                  changes);
    ck_assert_uint_ge(clock_ms() - start, 60);
}
END_TEST

START_TEST(request_is_what_was_configured)
{
    struct world *const w = &worlds[0];
    char want[256];

    ck_assert(server_listen(&server, false, 0));
    w->conf[0] = streamer("a", PROBE_HTTP);
    world_set(w, 1);
    run_until(a_up, "up");
    snprintf(want, sizeof want,
             "GET / HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUser-Agent: waymark/" WAYMARK_VERSION
             " (health)\r\nAccept: */*\r\nConnection: close\r\n\r\n",
             server.port);
    ck_assert_str_eq(server.request, want);

    worlds[1].conf[0] = w->conf[0];
    worlds[1].conf[0].probe.type = PROBE_NONE;
    worlds[1].conf[1] = w->conf[0]; /* b: with its own host, path and port */
    worlds[1].conf[1].name = STR("b");
    worlds[1].conf[1].host = STR("b.example.net");
    worlds[1].conf[1].http_port = 1;
    worlds[1].conf[1].probe.port = server.port;
    worlds[1].conf[1].probe.path = STR("/health?x=1");
    world_set(&worlds[1], 2);
    ck_assert_int_eq(word("a", false), HEALTH_UNKNOWN); /* not probed any more */
    run_until(b_known, "b known");
    ck_assert_msg(strstr(server.request, "GET /health?x=1 HTTP/1.1\r\nHost: b.example.net\r\n") ==
                      server.request,
                  "%s", server.request);
    worlds[2] = worlds[1];
    worlds[2].conf[1].probe.host = STR("probe.example");
    world_set(&worlds[2], 2);
    server.request[0] = '\0';
    wanted_accepts = server.accepted + 2;
    run_until(accepted_more, "asked again");
    ck_assert_ptr_nonnull(strstr(server.request, "\r\nHost: probe.example\r\n"));
}
END_TEST

START_TEST(families_are_apart)
{
    struct world *const w = &worlds[0];
    struct server probe = {.base = base, .listen_fd = -1};

    if (!server_listen(&probe, true, 0))
        return; /* a machine without IPv6 */
    server_close(&probe);
    ck_assert(server_listen(&server, false, 0));
    w->conf[0] = streamer("a", PROBE_HTTP);
    w->conf[0].can |= STREAMER_V6;
    world_set(w, 1);
    run_until(a_v6_known, "both known");
    ck_assert_int_eq(word("a", false), HEALTH_UP);
    ck_assert_int_eq(word("a", true), HEALTH_DOWN);
    ck_assert_msg(strstr(changes, "a v6 down: first probe: connection refused in ") != NULL, "%s",
                  changes);
    w->conf[0].can = STREAMER_V4 | STREAMER_HTTP; /* IPv6 is taken away */
    worlds[1] = *w;
    world_set(&worlds[1], 1);
    ck_assert_int_eq(word("a", false), HEALTH_UP);
    ck_assert_int_eq(word("a", true), HEALTH_UNKNOWN);
}
END_TEST

START_TEST(state_outlives_a_reload)
{
    struct world *const w = &worlds[0], *const next = &worlds[1], *const other = &worlds[2];

    ck_assert(server_listen(&server, false, 0));
    w->conf[0] = streamer("a", PROBE_HTTP);
    w->conf[1] = streamer("c", PROBE_TCP);
    world_set(w, 2);
    run_until(a_up, "up");

    *next = *w; /* a stays and is asked another page, b comes, c goes */
    next->conf[0].probe.path = STR("/other");
    next->conf[1] = streamer("b", PROBE_TCP);
    world_set(next, 2);
    ck_assert_uint_eq(atomic_load(&w->view.refs), 1); /* the old view is let go */
    ck_assert_int_eq(word("a", false), HEALTH_UP);
    ck_assert_int_eq(word("b", false), HEALTH_UNKNOWN);
    run_until(b_known, "b known");
    wanted_accepts = server.accepted + 4;
    run_until(accepted_more, "goes on");
    ck_assert_ptr_nonnull(strstr(server.request, "GET /other "));
    ck_assert_ptr_null(strstr(changes, "a v4 down"));

    *other = *next; /* another address is another server: nothing is known of it */
    other->conf[0].v4 = addr_from_v4(0x7f000002);
    world_set(other, 2);
    ck_assert_int_eq(word("a", false), HEALTH_UNKNOWN);
    ck_assert_int_eq(word("b", false), HEALTH_UP);
    run_until(a_down, "nobody there");
}
END_TEST

/* What an earlier process knew is where this one goes on: who was down does not serve for a moment,
 * and comes back like everybody. */
START_TEST(an_earlier_process_is_resumed)
{
    struct world *const w = &worlds[0], *const next = &worlds[1];

    ck_assert(server_listen(&server, false, 0));
    w->conf[0] = streamer("a", PROBE_TCP);
    w->conf[0].probe.up_after = 3;
    w->conf[0].slow_start_s = 1000;
    w->conf[1] = streamer("b", PROBE_TCP);
    w->conf[1].reports = true;
    w->conf[1].hit_pm = 300;
    world_set(w, 2);
    live_health_set(live, 0, false, HEALTH_DOWN); /* as state_apply does */
    live_health_set(live, 1, false, HEALTH_UP);
    live_hit_set(live, 1, 870);
    live_hit_known_set(live, 1, 910);
    prober_resume(prober);
    ck_assert_int_eq(word("a", false), HEALTH_DOWN);
    ck_assert_int_eq(word("b", false), HEALTH_UP);
    ck_assert_float_eq_tol(live_scale(live, 0), 10, 1e-4F);
    *next = *w;
    live_hit_set(live, 1, 300); /* as a view does */
    world_set(next, 2);
    ck_assert_int_eq(word("a", false), HEALTH_DOWN);
    ck_assert_uint_eq(atomic_load(&live->streamer[1].hit_pm), 870);
    ck_assert_uint_eq(atomic_load(&live->streamer[1].hit_known_pm), 910);
    live_hit_set(live, 1, 300); /* as one that is refused does */
    prober_hits(prober);
    ck_assert_uint_eq(atomic_load(&live->streamer[1].hit_pm), 870);
    run_until(a_up, "up");
    ck_assert_ptr_nonnull(strstr(changes, "a v4 up: 3 good probes in a row"));
    ck_assert_ptr_nonnull(strstr(changes, "starts slowly: 10 %"));
    ck_assert_ptr_null(strstr(changes, "unknown"));
    ck_assert_ptr_null(strstr(changes, "down"));
    ck_assert_ptr_null(strstr(changes, "b v4"));
}
END_TEST

static struct world turns[2];
static unsigned turn;

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
    turn ^= 1;
    world_set(&turns[turn], 1);
}

/* Views that come more often than a probe takes do not keep a silent streamer up. */
START_TEST(frequent_views_do_not_hide_a_silent_streamer)
{
    const struct timeval often = {.tv_usec = 7000};
    struct event *ev = event_new(base, -1, EV_PERSIST, on_turn, NULL);

    ck_assert(server_listen(&server, false, 0));
    memset(turns, 0, sizeof turns);
    turns[0].conf[0] = streamer("a", PROBE_HTTP);
    turns[0].conf[0].probe.interval_ms = 60;
    turns[0].conf[0].probe.timeout_ms = 50;
    turns[1] = turns[0];
    world_set(&turns[0], 1);
    run_until(a_up, "up");
    server.answer = (struct str){0};
    event_add(ev, &often);
    run_until(a_down, "down");
    ck_assert_msg(strstr(changes, "3 bad probes in a row, the last: no answer in 5"), "%s",
                  changes);
    event_free(ev);
}
END_TEST

static unsigned open_fds(void)
{
    DIR *d = opendir("/proc/self/fd");
    unsigned n = 0;

    ck_assert_ptr_nonnull(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

/* ASan sees the memory, this the descriptors. */
START_TEST(free_with_probes_under_way)
{
    struct world *const w = &worlds[0];
    const unsigned before = open_fds();

    server.answer = (struct str){0};
    ck_assert(server_listen(&server, false, 0));
    for (unsigned i = 0; i < STREAMERS; i++) {
        w->conf[i] =
            streamer((const char *[]){"a", "b", "c", "d"}[i], i % 2 ? PROBE_HTTP : PROBE_TCP);
        w->conf[i].probe.interval_ms = 60000;
        w->conf[i].probe.timeout_ms = 50000;
    }
    for (unsigned i = 1; i < STREAMERS; i += 2) /* those that will wait for an answer start soon */
        w->conf[i].probe.interval_ms = 200, w->conf[i].probe.timeout_ms = 190;
    world_set(w, STREAMERS);
    wanted_accepts = 2;
    run_until(accepted_more, "under way");
    prober_free(prober);
    prober = NULL;
    ck_assert_uint_eq(atomic_load(&w->view.refs), 1);
    server_close(&server);
    ck_assert_uint_eq(open_fds(), before);
}
END_TEST

static bool said(const char *what)
{
    struct bytes out = {0};
    bool found;

    ck_assert(prober_format(prober, live, &out) && bytes_add(&out, "", 1));
    found = strstr(out.data, what) != NULL;
    bytes_free(&out);
    return found;
}

static bool said_not_asked(void)
{
    return said("not asked (too many open files)");
}

/* What only this side lacks says nothing about the streamer. */
START_TEST(no_descriptor_is_no_verdict)
{
    struct world *const w = &worlds[0];
    struct rlimit was, tight;

    ck_assert(server_listen(&server, false, 0));
    w->conf[0] = streamer("a", PROBE_TCP);
    world_set(w, 1);
    run_until(a_up, "up");
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &was), 0);
    tight = was;
    tight.rlim_cur = 3; /* 0, 1 and 2 are taken */
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &tight), 0);
    run_until(said_not_asked, "no descriptors");
    for (unsigned i = 0; i < 20; i++)
        run_until(said_not_asked, "still");
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &was), 0);
    ck_assert_int_eq(word("a", false), HEALTH_UP);
    ck_assert_uint_eq(change_count, 1);
    ck_assert_uint_eq(metrics.v[METRIC_PROBES_BAD], 0);
    ck_assert_uint_ge(metrics.v[METRIC_PROBES_NONE], 1);
}
END_TEST

static bool said_busy(void)
{
    return said("not judged (this side was busy)");
}

static void on_stall(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
    if (server.accepted)
        usleep(400000);
}

/* A loop that was busy elsewhere does not take a streamer down. */
START_TEST(stalled_loop_is_no_verdict)
{
    const struct timeval soon = {.tv_usec = 5000};
    struct event *ev = event_new(base, -1, EV_PERSIST, on_stall, NULL);
    struct world *const w = &worlds[0];

    server.answer = (struct str){0};
    ck_assert(server_listen(&server, false, 0));
    w->conf[0] = streamer("a", PROBE_HTTP);
    w->conf[0].probe.interval_ms = 110;
    w->conf[0].probe.timeout_ms = 100;
    event_add(ev, &soon);
    world_set(w, 1);
    run_until(said_busy, "busy");
    ck_assert_int_eq(word("a", false), HEALTH_UNKNOWN);
    event_free(ev);
    run_until(a_down, "down once the loop turns again");
}
END_TEST

START_TEST(status_page)
{
    struct world *const w = &worlds[0];
    struct bytes out = {0};
    json_t *doc, *list, *a, *b;
    const char *last;

    ck_assert(prober_format(prober, live, &out));
    ck_assert_uint_eq(out.len, strlen("{\"streamers\":[]}"));
    out.len = 0;
    server.answer = STR("\"\\\033\xff\r\n");
    ck_assert(server_listen(&server, false, 0));
    w->conf[0] = streamer("a", PROBE_HTTP);
    w->conf[0].can |= STREAMER_V6;
    w->conf[1] = streamer("b", PROBE_NONE);
    world_set(w, 2);
    live_admin_set(live, w->streamer[1].live, ADMIN_DRAIN);
    run_until(a_v6_known, "known");
    ck_assert(prober_format(prober, live, &out));
    doc = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_msg(doc != NULL, "%.*s", (int)out.len, out.data);
    list = json_object_get(doc, "streamers");
    ck_assert_uint_eq(json_array_size(list), 2);
    a = json_array_get(list, 0);
    b = json_array_get(list, 1);
    ck_assert_str_eq(json_string_value(json_object_get(a, "name")), "a");
    ck_assert_str_eq(json_string_value(json_object_get(a, "ipv4")), "down");
    ck_assert_str_eq(json_string_value(json_object_get(a, "ipv6")), "down");
    ck_assert_str_eq(json_string_value(json_object_get(a, "admin")), "up");
    last = json_string_value(json_object_get(a, "last"));
    ck_assert_msg(strstr(last, "IPv4 not an HTTP/1 answer (\"\\x22\\x5c\\x1b\\xff") == last &&
                      strstr(last, "; IPv6 ") != NULL,
                  "%s", last);
    ck_assert_int_eq(json_integer_value(json_object_get(a, "changed_s")), 0);
    ck_assert(json_is_integer(json_object_get(a, "changed_s")));
    ck_assert_str_eq(json_string_value(json_object_get(b, "ipv4")), "unknown");
    ck_assert_str_eq(json_string_value(json_object_get(b, "ipv6")), "none");
    ck_assert_str_eq(json_string_value(json_object_get(b, "admin")), "drain");
    ck_assert(json_is_null(json_object_get(b, "last")) &&
              json_is_null(json_object_get(b, "changed_s")));
    json_decref(doc);
    for (size_t limit = 0; limit < out.len; limit += 7) {
        struct bytes small = {.limit = limit ? limit : 1};

        ck_assert(!prober_format(prober, live, &small));
        bytes_free(&small);
    }
    bytes_free(&out);
}
END_TEST

START_TEST(what_cannot_be_probed_is_refused)
{
    static const struct {
        const char *want;
        int what;
    } bad[] = {
        {"streamer a: probe: the timeout must be over 0 and below the interval", 0},
        {"streamer a: probe: port is 0, and the streamer has neither http_port nor https_port", 1},
        {"streamer a: probe: the status range is empty", 2},
        {"streamer a: probe: the path must begin with / and have neither spaces nor control "
         "characters",
         3},
        {"streamer a: probe: the host must have neither spaces nor control characters", 4},
    };
    struct world *const good = &worlds[0], *const w = &worlds[1];

    ck_assert(server_listen(&server, false, 0));
    good->conf[0] = streamer("a", PROBE_HTTP);
    world_set(good, 1);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct probe_conf *c = &w->conf[0].probe;
        struct err e = {0};

        *w = *good;
        w->streamer[0].conf = &w->conf[0];
        w->view.streamers = w->streamer;
        if (bad[i].what == 0)
            c->timeout_ms = c->interval_ms;
        else if (bad[i].what == 1)
            w->conf[0].http_port = 0;
        else if (bad[i].what == 2)
            c->status_min = 400;
        else if (bad[i].what == 3)
            c->path = STR("/ HTTP/1.1\r\nX: y");
        else
            c->host = STR("a\r\nX: y");
        ck_assert_int_eq(prober_set(prober, &w->view, &e), ERR_CONFLICT);
        ck_assert_str_eq(e.text, bad[i].want);
    }
    ck_assert_uint_eq(atomic_load(&good->view.refs), 2); /* the good one is still probed */
    run_until(a_up, "up");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("prober");
    TCase *c = tcase_create("prober");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(c, 30);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, tcp_comes_and_goes);
    tcase_add_loop_test(c, http_answers, 0, (int)(sizeof answers / sizeof *answers));
    tcase_add_test(c, http_closed_at_once);
    tcase_add_test(c, drip_is_cut_off);
    tcase_add_test(c, request_is_what_was_configured);
    tcase_add_test(c, families_are_apart);
    tcase_add_test(c, state_outlives_a_reload);
    tcase_add_test(c, an_earlier_process_is_resumed);
    tcase_add_test(c, frequent_views_do_not_hide_a_silent_streamer);
    tcase_add_test(c, free_with_probes_under_way);
    tcase_add_test(c, no_descriptor_is_no_verdict);
    tcase_add_test(c, stalled_loop_is_no_verdict);
    tcase_add_test(c, status_page);
    tcase_add_test(c, what_cannot_be_probed_is_refused);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
