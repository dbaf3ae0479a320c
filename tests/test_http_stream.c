#include "http/http_stream.h"

#include "tests/http_fixture.h"
#include "tests/stream_fixture.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"

static void stream_begin(void)
{
    begin();
    tellers_mount();
}

static const struct http_conn *conn_of(const struct http_stream *s)
{
    return (const struct http_conn *)((const char *)s - offsetof(struct http_conn, flow.stream));
}

/* What stands behind the head, and the chunks taken off it; *end: the last one was there. */
static size_t unchunk(const char *text, char *out, bool *end)
{
    const char *p = text ? strstr(text, "\r\n\r\n") : NULL;
    size_t n = 0;

    ck_assert_ptr_nonnull(p);
    p += 4;
    *end = false;
    while (*p) {
        char *after;
        size_t size = strtoul(p, &after, 16);

        ck_assert_msg(strncmp(after, "\r\n", 2) == 0, "no chunk: %.40s", p);
        if (size == 0) {
            *end = true;
            break;
        }
        memcpy(out + n, after + 2, size);
        n += size;
        p = after + 2 + size;
        ck_assert_msg(strncmp(p, "\r\n", 2) == 0, "no end of a chunk");
        p += 2;
    }
    out[n] = '\0';
    return n;
}

/* ---- bodies in pieces ---- */

/* Conformance: T-01. */
START_TEST(chunks_to_the_byte)
{
    struct heard h = {0};
    int fd;

    stream_begin();
    fd = dial();
    say(fd, GET("/tell"));
    hear(fd, &h, "\r\n\r\n", 1);
    ck_assert_uint_eq(times(h.text, "Transfer-Encoding: chunked\r\n\r\n"), 1);
    ck_assert_uint_eq(times(h.text, "Content-Length"), 0);
    ck_assert_uint_eq(teller.opened, 1);
    h.n = 0;
    tell("hello, world, this is it");
    hear(fd, &h, "18\r\nhello, world, this is it\r\n", 1);
    ck_assert_uint_eq(h.n, 4 + 24 + 2);
    memcpy(big, "0123456789", 10);
    ck_assert(http_stream_share(teller.s, &big_body, 2, 5));
    ck_assert(
        http_stream_write(teller.s, (struct str){"", 0})); /* no chunk: it would be the last */
    ck_assert(http_stream_share(teller.s, &big_body, 9, 1));
    ck_assert_uint_eq(http_stream_held(teller.s), 3 + 5 + 2 + 3 + 1 + 2);
    http_stream_end(teller.s);
    say(fd, GET("/next"));
    hear(fd, &h, "5\r\n23456\r\n1\r\n9\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n", 1);
    hear(fd, &h, "any /next []", 1);
    ck_assert_uint_eq(teller.gone, 0);
    ck_assert_uint_eq(atomic_load(&big_body.refs), 1);
    hang_up(fd, &h);
    WAIT_UNTIL(http_server_connections(server) == 0);
    ck_assert_uint_eq(teller.gone, 0);
}
END_TEST

START_TEST(http_1_0_ends_with_the_connection)
{
    struct heard h = {0};
    int fd;

    stream_begin();
    fd = dial();
    say(fd, "GET /tell HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    hear(fd, &h, "\r\n\r\n", 1);
    tell("one");
    tell("two");
    http_stream_end(teller.s);
    hear_close(fd, &h);
    ck_assert_uint_eq(times(h.text, "Connection: close\r\n\r\nonetwo"), 1);
    ck_assert_uint_eq(times(h.text, "Transfer-Encoding") + times(h.text, "Content-Length"), 0);
    ck_assert(!h.reset);
    ck_assert_uint_eq(teller.gone, 0);
    hang_up(fd, &h);
}
END_TEST

START_TEST(connection_close_is_kept)
{
    struct heard h = {0};
    int fd;

    stream_begin();
    fd = dial();
    say(fd, "GET /tell HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" GET("/never"));
    hear(fd, &h, "Connection: close\r\n\r\n", 1);
    tell("x");
    http_stream_end(teller.s);
    hear_close(fd, &h);
    ck_assert_uint_eq(times(h.text, "1\r\nx\r\n0\r\n\r\n"), 1);
    ck_assert_uint_eq(times(h.text, "HTTP/1.1"), 1);
    ck_assert(!h.reset);
    hang_up(fd, &h);
    WAIT_UNTIL(http_server_connections(server) == 0);
}
END_TEST

/* What an owner does within on_open is as good. */
START_TEST(all_within_on_open)
{
    struct heard h = {0};
    int fd;

    stream_begin();
    teller.at_open = OPEN_ALL;
    fd = dial();
    say(fd, GET("/1") GET("/tell") GET("/tell") GET("/2"));
    hear(fd, &h, "any /2 []", 1);
    ck_assert_uint_eq(times(h.text, "chunked\r\n\r\n3\r\nall\r\n0\r\n\r\nHTTP/1.1 200 OK"), 2);
    ck_assert_uint_eq(teller.opened, 2);
    ck_assert_uint_eq(teller.gone, 0);
    hang_up(fd, &h);
}
END_TEST

START_TEST(head_is_never_streamed)
{
    struct heard h = {0};
    int fd;

    stream_begin();
    fd = dial();
    say(fd,
        "HEAD /tell HTTP/1.1\r\nHost: h\r\n\r\nHEAD /poll HTTP/1.1\r\nHost: h\r\n\r\n" GET("/2"));
    hear(fd, &h, "any /2 []", 1);
    ck_assert_uint_eq(times(h.text, "Transfer-Encoding: chunked\r\n\r\nHTTP/1.1 500 "), 1);
    ck_assert_uint_eq(teller.opened, 0);
    ck_assert_uint_eq(teller.gone, 2);
    hang_up(fd, &h);
}
END_TEST

/* ---- long polls ---- */

START_TEST(a_deferred_answer)
{
    struct http_response r = {0};
    struct heard h = {0};
    char copied[] = "later";
    int fd;

    stream_begin();
    fd = dial();
    say(fd, GET("/1") GET("/poll") GET("/2"));
    hear(fd, &h, "any /1 []", 1);
    WAIT_UNTIL(teller.opened == 1);
    for (unsigned i = 0; i < 20; i++)
        turn_loop();
    listen_once(fd, &h);
    ck_assert_uint_eq(times(h.text, "HTTP/1.1"), 1);
    http_response_text(&r, 200, str_from(copied));
    ck_assert(http_response_header(&r, STR("ETag"), STR("\"7\"")));
    ck_assert(http_stream_answer(teller.s, &r));
    memset(copied, 'X', sizeof copied);
    hear(fd, &h, "any /2 []", 1);
    ck_assert_uint_eq(times(h.text, "ETag: \"7\"\r\nContent-Length: 5\r\n\r\nlaterHTTP/1.1 200"),
                      1);
    ck_assert_uint_eq(metric(METRIC_HTTP_2XX), 3);
    ck_assert_uint_eq(teller.gone, 0);
    hang_up(fd, &h);
}
END_TEST

START_TEST(a_deferred_answer_by_reference)
{
    struct http_response r = {.status = 200, .shared = &big_body};
    struct heard h = {0};
    int fd;

    stream_begin();
    fd = dial();
    say(fd, "GET /poll HTTP/1.0\r\n\r\n");
    WAIT_UNTIL(teller.opened == 1);
    shared_body_take(&big_body);
    ck_assert(http_stream_answer(teller.s, &r));
    hear_close(fd, &h);
    ck_assert(!h.reset);
    ck_assert_uint_eq(times(h.text, "Content-Length: 4194304\r\nConnection: close\r\n\r\nbbbb"), 1);
    ck_assert_uint_gt(h.n, sizeof big);
    ck_assert_uint_eq(atomic_load(&big_body.refs), 1);
    hang_up(fd, &h);
}
END_TEST

START_TEST(no_answer_is_a_500)
{
    struct heard h = {0};
    int fd;

    stream_begin();
    fd = dial();
    say(fd, GET("/poll") GET("/2"));
    WAIT_UNTIL(teller.opened == 1);
    http_stream_end(teller.s);
    hear(fd, &h, "any /2 []", 1);
    ck_assert_uint_eq(times(h.text, "HTTP/1.1 500 "), 1);
    hang_up(fd, &h);
}
END_TEST

/* ---- clients that go ---- */

/* 0: closes; 1: resets; 2, 3: so behind bytes that were not read from it; 4, 5: so with bytes that
 * it did not read. */
START_TEST(a_client_that_goes)
{
    const struct linger now = {.l_onoff = 1};
    struct heard h = {0};
    int fd;

    stream_begin();
    fd = dial();
    if (_i >= 4)
        small_window(fd);
    say(fd, GET("/tell"));
    WAIT_UNTIL(teller.opened == 1);
    if (_i == 2 || _i == 3) {
        for (unsigned i = 0; i < 3000; i++)
            say(fd, GET("/behind/it/and/behind/it/and/behind/it"));
        WAIT_UNTIL(conn_of(teller.s)->in_len >= HTTP_AHEAD_MAX);
    }
    if (_i >= 4) {
        ck_assert(http_stream_share(teller.s, &big_body, 0, big_body.len));
        for (unsigned i = 0; i < 50; i++)
            turn_loop();
        ck_assert_uint_gt(http_stream_held(teller.s), 0);
    }
    if (_i % 2)
        ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    hang_up(fd, &h);
    WAIT_UNTIL(teller.gone == 1);
    ck_assert_uint_eq(http_server_connections(server), 0);
    ck_assert_uint_eq(atomic_load(&big_body.refs), 1);
}
END_TEST

START_TEST(what_comes_behind_waits_and_is_bounded)
{
    struct heard h = {0};
    unsigned asked = 0;
    int fd;

    conf.write_bytes_max = 64 << 20;
    stream_begin();
    fd = dial();
    say(fd, GET("/tell"));
    WAIT_UNTIL(teller.opened == 1);
    for (unsigned i = 0; i < 5000; i++, asked++)
        say(fd, "POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
    for (unsigned i = 0; i < 100; i++)
        turn_loop();
    ck_assert_uint_ge(conn_of(teller.s)->in_len, HTTP_AHEAD_MAX);
    ck_assert_uint_le(conn_of(teller.s)->in_cap, HTTP_SCRATCH);
    listen_once(fd, &h);
    ck_assert_uint_eq(times(h.text, "any /b"), 0);
    http_stream_end(teller.s);
    hear(fd, &h, "any /b [abc]", asked);
    hang_up(fd, &h);
}
END_TEST

/* ---- deadlines and bounds ---- */

START_TEST(no_idle_deadline)
{
    struct heard h = {0};
    uint64_t from;
    int fd;

    conf.idle_timeout_ms = conf.request_timeout_ms = conf.write_timeout_ms = 80;
    stream_begin();
    fd = dial();
    say(fd, GET("/tell"));
    hear(fd, &h, "\r\n\r\n", 1);
    for (from = clock_ms(); clock_ms() < from + 400;)
        turn_loop();
    ck_assert_uint_eq(teller.gone, 0);
    tell("still here");
    http_stream_end(teller.s);
    hear(fd, &h, "still here\r\n0\r\n\r\n", 1);
    hear_close(fd, &h); /* it is idle again */
    ck_assert_uint_eq(metric(METRIC_HTTP_TIMEOUT_IDLE), 1);
    hang_up(fd, &h);
}
END_TEST

START_TEST(a_reader_that_stops_is_dropped)
{
    struct heard h = {0};
    int fd;

    conf.write_timeout_ms = 200;
    stream_begin();
    fd = dial();
    small_window(fd);
    say(fd, GET("/tell"));
    WAIT_UNTIL(teller.opened == 1);
    ck_assert(http_stream_share(teller.s, &big_body, 0, big_body.len));
    WAIT_UNTIL(teller.gone == 1);
    ck_assert_uint_eq(metric(METRIC_HTTP_TIMEOUT_WRITE), 1);
    ck_assert_uint_eq(atomic_load(&big_body.refs), 1);
    hear_close(fd, &h);
    ck_assert(h.reset);
    hang_up(fd, &h);
}
END_TEST

/* Copied bytes are bounded; what was refused is missing, so the body must not look whole. */
START_TEST(a_slow_reader_is_refused_more)
{
    static char text[10000];
    struct heard h = {0};
    unsigned i = 0;
    int fd;

    memset(text, 't', sizeof text);
    conf.write_bytes_max = 100000;
    stream_begin();
    fd = dial();
    small_window(fd);
    say(fd, GET("/tell"));
    WAIT_UNTIL(teller.opened == 1);
    for (unsigned k = 0; k < 4; k++) /* are not counted, ... */
        ck_assert(http_stream_share(teller.s, &big_body, 0, big_body.len));
    while (http_stream_write(teller.s, (struct str){text, sizeof text})) {
        ck_assert_uint_lt(i++, 1000);
        turn_loop();
    }
    ck_assert_uint_ge(i, 9);
    ck_assert_uint_gt(http_stream_held(teller.s), 2000000); /* ... but told */
    ck_assert_uint_eq(metric(METRIC_HTTP_SLOW_READERS), 1);
    for (i = 0; i < 20; i++)
        turn_loop();
    ck_assert_uint_eq(teller.gone, 0); /* the owner decides */
    http_stream_end(teller.s);
    hear_close(fd, &h);
    ck_assert(h.reset);
    ck_assert_uint_eq(atomic_load(&big_body.refs), 1);
    ck_assert_uint_eq(teller.gone, 0);
    hang_up(fd, &h);
}
END_TEST

/* An owner that writes when there is room sends a body of any size through a bounded queue. */
START_TEST(on_room)
{
    static char body[3u << 20];
    struct heard h = {0};
    const int window = 65536;
    bool end;
    int fd;

    stream_begin();
    teller.at_open = OPEN_PULL;
    teller.pull_left = 2u << 20;
    fd = dial();
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &window, sizeof window), 0);
    say(fd, GET("/tell") GET("/2"));
    while (times(h.text ? h.text : "", "any /2 []") == 0) {
        turn_loop();
        listen_once(fd, &h);
        ck_assert(!h.closed);
    }
    ck_assert_uint_eq(unchunk(h.text, body, &end), 2u << 20);
    ck_assert(end);
    for (size_t i = 0; i < 2u << 20; i++)
        ck_assert_int_eq(body[i], (char)('a' + i % 26));
    ck_assert_uint_gt(teller.rooms, 10);
    ck_assert_uint_le(teller.held_max, HTTP_STREAM_LOW + 2 * PULL_PIECE);
    hang_up(fd, &h);
}
END_TEST

/* ---- many ---- */

_Static_assert(sizeof(struct http_conn) <= 1024, "5,000 streams a worker are to be cheap");

/* An idle stream has no buffer of its own, whatever went through it. */
START_TEST(idle_streams_are_small)
{
    enum { N = 200 };
    static struct http_stream *streams[N];
    struct heard h[N] = {0};
    int fd[N];

    stream_begin();
    for (unsigned i = 0; i < N; i++) {
        fd[i] = dial();
        say(fd[i], "GET /te");
        turn_loop();
        say(fd[i], "ll HTTP/1.1\r\nHost: h\r\n\r\n");
        hear(fd[i], &h[i], "\r\n\r\n", 1);
        streams[i] = teller.s;
    }
    for (unsigned i = 0; i < N; i++) {
        ck_assert(http_stream_share(streams[i], &big_body, i, 100000));
        ck_assert(http_stream_write(streams[i], STR("and more")));
    }
    ck_assert_uint_eq(atomic_load(&big_body.refs), 1 + N);
    for (unsigned i = 0; i < N; i++)
        hear(fd[i], &h[i], "and more", 1);
    for (unsigned i = 0; i < N; i++) {
        ck_assert_ptr_null(conn_of(streams[i])->out);
        ck_assert_ptr_null(conn_of(streams[i])->in);
    }
    ck_assert_uint_eq(atomic_load(&big_body.refs), 1);
    for (unsigned i = 0; i < N; i++)
        hang_up(fd[i], &h[i]);
    WAIT_UNTIL(teller.gone == N);
}
END_TEST

/* One turn of the loop sends one client a share, though its socket would take more. */
START_TEST(a_greedy_reader_leaves_turns_to_others)
{
    struct heard h = {0};
    uint64_t from, share;
    int fd;

    stream_begin();
    fd = dial();
    say(fd, GET("/tell"));
    hear(fd, &h, "\r\n\r\n", 1);
    for (unsigned i = 0; i < 4; i++)
        ck_assert(http_stream_share(teller.s, &big_body, 0, big_body.len));
    from = conn_of(teller.s)->server->sent;
    event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
    share = conn_of(teller.s)->server->sent - from;
    ck_assert_uint_gt(share, 0);
    for (unsigned i = 0; i < 20; i++)
        turn_loop();
    ck_assert_uint_le(share, 1 << 20);
    ck_assert_uint_gt(conn_of(teller.s)->server->sent - from, 1 << 20);
    hang_up(fd, &h);
    WAIT_UNTIL(teller.gone == 1);
}
END_TEST

/* ---- ends ---- */

static void on_idle(void *arg)
{
    (void)arg;
    idle_calls++;
}

START_TEST(drain_ends_streams)
{
    struct heard told = {0}, polled = {0}, late = {0};
    int fd[3];

    stream_begin();
    fd[0] = dial();
    say(fd[0], GET("/tell"));
    hear(fd[0], &told, "\r\n\r\n", 1);
    tell("the last");
    fd[1] = dial();
    say(fd[1], GET("/poll"));
    WAIT_UNTIL(teller.opened == 2);
    fd[2] = dial();
    say(fd[2], GET("/tell"));
    http_server_drain(server, on_idle, NULL);
    ck_assert_uint_ge(teller.gone, 2);
    hear_close(fd[0], &told);
    hear_close(fd[1], &polled);
    hear_close(fd[2], &late);
    ck_assert(!told.reset && !polled.reset && !late.reset);
    ck_assert_uint_eq(times(told.text, "8\r\nthe last\r\n"), 1);
    ck_assert_uint_eq(times(told.text, "0\r\n\r\n"), 0);
    ck_assert_uint_eq(times(polled.text, "HTTP/1.1 503 "), 1);
    ck_assert_uint_eq(times(polled.text, "Retry-After: 1\r\n"), 1);
    ck_assert_uint_eq(teller.opened, 3);
    ck_assert_uint_eq(teller.gone, 3);
    WAIT_UNTIL(idle_calls == 1);
    for (unsigned i = 0; i < 3; i++)
        close(fd[i]);
    free(told.text);
    free(polled.text);
    free(late.text);
}
END_TEST

START_TEST(free_ends_streams)
{
    struct heard h = {0};
    int fd;

    stream_begin();
    fd = dial();
    small_window(fd);
    say(fd, GET("/tell"));
    WAIT_UNTIL(teller.opened == 1);
    ck_assert(http_stream_share(teller.s, &big_body, 0, big_body.len));
    http_server_free(server);
    server = NULL;
    ck_assert_uint_eq(teller.gone, 1);
    ck_assert_uint_eq(atomic_load(&big_body.refs), 1);
    hang_up(fd, &h);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("http_stream");
    TCase *t = tcase_create("stream");
    SRunner *r;
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, chunks_to_the_byte);
    tcase_add_test(t, http_1_0_ends_with_the_connection);
    tcase_add_test(t, connection_close_is_kept);
    tcase_add_test(t, all_within_on_open);
    tcase_add_test(t, head_is_never_streamed);
    tcase_add_test(t, a_deferred_answer);
    tcase_add_test(t, a_deferred_answer_by_reference);
    tcase_add_test(t, no_answer_is_a_500);
    tcase_add_loop_test(t, a_client_that_goes, 0, 6);
    tcase_add_test(t, what_comes_behind_waits_and_is_bounded);
    tcase_add_test(t, no_idle_deadline);
    tcase_add_test(t, a_reader_that_stops_is_dropped);
    tcase_add_test(t, a_slow_reader_is_refused_more);
    tcase_add_test(t, on_room);
    tcase_add_test(t, idle_streams_are_small);
    tcase_add_test(t, a_greedy_reader_leaves_turns_to_others);
    tcase_add_test(t, drain_ends_streams);
    tcase_add_test(t, free_ends_streams);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
