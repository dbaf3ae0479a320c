#include "http/http_server.h"

#include "http/http_answer.h"
#include "http/http_clients.h"
#include "http/http_forwarded.h"
#include "http/http_out.h"
#include "http/http_wheel.h"
#include "tests/http_fixture.h"

/* ---- answers ---- */

START_TEST(answers)
{
    // clang-format off
    static const struct { const char *ask, *want; } rows[] = {
        {"GET /x?y HTTP/1.1\r\nHost: h\r\n\r\n", "any /x?y []"},
        {"GET /a/b/c HTTP/1.1\r\nHost: h\r\n\r\n", "deep /a/b/c []"},
        {"GET /a/b HTTP/1.1\r\nHost: h\r\n\r\n", "deep /a/b []"},
        {"GET /a/bc HTTP/1.1\r\nHost: h\r\n\r\n", "any /a/bc []"},
        {"GET /a/b HTTP/1.1\r\nHost: EXACT.example.:8\r\n\r\n", "exact /a/b []"},
        {"GET /b HTTP/1.1\r\nHost: exact.example\r\n\r\n", "any /b []"},
        {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", "any / [abc]"},
        {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", "any / [abc]"},
        {"GET /none HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 500 Internal Server Error\r\n"},
        {"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 204 No Content\r\n"},
    };
    // clang-format on
    struct heard h = {0};
    int fd;

    begin();
    fd = dial();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        h.n = 0;
        say(fd, rows[i].ask);
        hear(fd, &h, rows[i].want, 1);
        ck_assert_uint_eq(times(h.text, "\r\nServer: waymark\r\nDate: "), 1);
    }
    ck_assert_uint_eq(metric(METRIC_HTTP_2XX), sizeof rows / sizeof rows[0] - 1);
    ck_assert_uint_eq(metric(METRIC_HTTP_5XX), 1);
    ck_assert_uint_eq(metric(METRIC_HTTP_ACCEPTED), 1);
    ck_assert_uint_eq(metric(METRIC_HTTP_CONNECTIONS), 1);
    hang_up(fd, &h);
    WAIT_UNTIL(http_server_connections(server) == 0);
    ck_assert_uint_eq(metric(METRIC_HTTP_CONNECTIONS), 0);
}
END_TEST

START_TEST(an_answer_to_the_byte)
{
    struct heard h = {0};
    char date[HTTP_DATE_SIZE], want[512];
    int fd;

    begin();
    turn.wall_offset_ms = UINT64_C(784111777000) - clock_ms();
    fd = dial();
    say(fd, "GET /close HTTP/1.1\r\nHost: h\r\n\r\n");
    hear_close(fd, &h);
    http_date_format(784111777, date);
    ck_assert_str_eq(date, "Sun, 06 Nov 1994 08:49:37 GMT");
    snprintf(want, sizeof want,
             "HTTP/1.1 200 OK\r\nServer: waymark\r\nDate: %s\r\n"
             "Content-Type: text/plain; charset=utf-8\r\nX-Page: yes\r\nContent-Length: 13\r\n"
             "Connection: close\r\n\r\nany /close []",
             date);
    ck_assert_str_eq(h.text, want);
    ck_assert(!h.reset);
    hang_up(fd, &h);
}
END_TEST

START_TEST(head_has_the_length_and_no_body)
{
    struct heard h = {0};
    int fd;

    begin();
    fd = dial();
    say(fd, "HEAD /big HTTP/1.1\r\nHost: h\r\n\r\nHEAD /x HTTP/1.1\r\nHost: h\r\nConnection: "
            "close\r\n\r\n");
    hear_close(fd, &h);
    ck_assert_uint_eq(times(h.text, "Content-Length: 4194304\r\n\r\nHTTP/1.1 200"), 1);
    ck_assert_uint_eq(times(h.text, "Content-Length: 9\r\nConnection: close\r\n\r\n"), 1);
    ck_assert(strcmp(h.text + h.n - 4, "\r\n\r\n") == 0);
    ck_assert_uint_eq(atomic_load(&big_body.refs), 1);
    hang_up(fd, &h);
}
END_TEST

START_TEST(http_1_0)
{
    struct heard h = {0};
    int fd;

    begin();
    fd = dial();
    say(fd, "GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    hear(fd, &h, "any /x []", 1);
    ck_assert_uint_eq(times(h.text, "Connection: keep-alive\r\n"), 1);
    say(fd, "GET /y HTTP/1.0\r\n\r\n");
    hear_close(fd, &h);
    ck_assert_uint_eq(times(h.text, "Connection: close\r\n\r\nany /y []"), 1);
    hang_up(fd, &h);
}
END_TEST

START_TEST(a_refusal_says_why_and_closes)
{
    struct heard h = {0};
    int fd;

    begin();
    fd = dial();
    say(fd, "GET /x HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\nGET /y "
            "HTTP/1.1\r\nHost: h\r\n\r\n");
    hear_close(fd, &h);
    ck_assert(!h.reset);
    ck_assert_uint_eq(times(h.text, "HTTP/1.1 "), 2);
    ck_assert_uint_eq(times(h.text, "HTTP/1.1 400 Bad Request\r\n"), 1);
    ck_assert_uint_eq(times(h.text, "Connection: close\r\n\r\nHost stands twice\n"), 1);
    ck_assert_uint_eq(metric(METRIC_HTTP_BAD_HOST), 1);
    hang_up(fd, &h);
    WAIT_UNTIL(http_server_connections(server) == 0);
}
END_TEST

/* A client that goes on sending still gets to read the error. */
START_TEST(a_refused_sender_is_not_reset)
{
    struct heard h = {0};
    char junk[2000];
    int fd;

    conf.body_bytes_max = 10;
    begin();
    fd = dial();
    say(fd, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n");
    memset(junk, 'j', sizeof junk - 1);
    junk[sizeof junk - 1] = '\0';
    for (unsigned i = 0; i < 40; i++) {
        say(fd, junk);
        turn_loop();
    }
    hear_close(fd, &h);
    ck_assert(!h.reset);
    ck_assert_uint_eq(times(h.text, "HTTP/1.1 413 "), 1);
    hang_up(fd, &h);
    WAIT_UNTIL(http_server_connections(server) == 0);
}
END_TEST

/* ---- what a mount has of its own ---- */

static void own_refusal(void *ctx, int status, struct str reason, struct http_response *r)
{
    static char text[200];

    if (status == 417) /* left to the engine */
        return;
    snprintf(text, sizeof text, "{\"%s\":\"%.*s\"}", (const char *)ctx, (int)reason.n - 1,
             reason.p);
    r->status = status;
    r->type = STR("application/problem+json");
    r->body = str_from(text);
}

#define LONG_100                                                                                   \
    "01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901" \
    "23456789"
#define LONG_1000                                                                                  \
    LONG_100 LONG_100 LONG_100 LONG_100 LONG_100 LONG_100 LONG_100 LONG_100 LONG_100 LONG_100

/* Conformance: T-19. */
START_TEST(a_mounts_own_limit_and_errors)
{
    // clang-format off
    static const struct { const char *ask; int status; bool own; } rows[] = {
        {"POST /own HTTP/1.1\r\nHost: o\r\nContent-Length: 6\r\n\r\n", 413, true},
        {"POST /own/x HTTP/1.1\r\nHost: O.\r\nContent-Length: 1073741824\r\n\r\n", 413, true},
        {"POST /own HTTP/1.1\r\nHost: o\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\nabc\r\n", 413, true},
        {"POST /own HTTP/1.1\r\nHost: o\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", 400, true},
        {"POST /own HTTP/1.1\r\nHost: o\r\nContent-Length: 5\r\n\r\nabcde", 200, false},
        {"POST /own HTTP/1.1\r\nHost: other\r\nContent-Length: 6\r\n\r\nabcdef", 200, false},
        {"POST /ownx HTTP/1.1\r\nHost: o\r\nContent-Length: 6\r\n\r\nabcdef", 200, false},
        {"POST /large HTTP/1.1\r\nHost: o\r\nContent-Length: 40\r\n\r\n0123456789012345678901234567890123456789", 200, false},
        {"POST /large HTTP/1.1\r\nHost: o\r\nContent-Length: 41\r\n\r\n", 413, false},
        {"POST /x HTTP/1.1\r\nHost: o\r\nContent-Length: 21\r\n\r\n", 413, false},
        {"GET /own HTTP/1.1\r\nHost: o\r\nX: " LONG_1000 "\r\n\r\n", 431, true},
        {"GET /own HTTP/1.1\r\nX: " LONG_1000 "\r\nHost: o\r\n\r\n", 431, false}, /* whose it is is not known yet */
        {"GET /own" LONG_1000 " HTTP/1.1\r\nHost: o\r\n\r\n", 414, false},
        {"GET /own HTTP/1.1\r\nHost: o\r\nX : y\r\n\r\n", 400, true},
        {"GET /own HTTP/1.1\r\nHost: o\r\nExpect: much\r\n\r\n", 417, false},
        {"GET http://o/own HTTP/1.1\r\nX : y\r\nHost: z\r\n\r\n", 400, true},
        {"TRACE /own HTTP/1.1\r\nHost: o\r\n\r\n", 501, false},
    };
    // clang-format on
    static char name[] = "own";
    const struct http_mount_conf own = {.host = STR("o"),
                                        .path = STR("/own"),
                                        .fn = page,
                                        .ctx = name,
                                        .body_bytes_max = 5,
                                        .refused = own_refusal};
    const struct http_mount_conf large = {
        .path = STR("/large"), .fn = page, .ctx = name, .body_bytes_max = 40};

    conf.header_bytes_max = 512;
    conf.body_bytes_max = 20;
    begin();
    ck_assert(http_server_mount_conf(server, &own) && http_server_mount_conf(server, &large));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct heard h = {0};
        int fd = dial();
        char want[32];

        snprintf(want, sizeof want, "HTTP/1.1 %d ", rows[i].status);
        say(fd, rows[i].ask);
        hear(fd, &h, want, 1);
        if (rows[i].status != 200)
            hear_close(fd, &h);
        ck_assert_msg(times(h.text, "{\"own\":\"") == rows[i].own, "row %zu: %s", i, h.text);
        ck_assert_msg(times(h.text, "application/problem+json") == rows[i].own, "row %zu: %s", i,
                      h.text);
        hang_up(fd, &h);
    }
}
END_TEST

START_TEST(a_mounts_own_timeout)
{
    static char name[] = "own";
    const struct http_mount_conf own = {
        .path = STR("/own"), .fn = page, .ctx = name, .refused = own_refusal};
    struct heard h = {0};
    int fd;

    conf.request_timeout_ms = 100;
    begin();
    ck_assert(http_server_mount_conf(server, &own));
    fd = dial();
    say(fd, _i ? "POST /own HTTP/1.1\r\nHost: o\r\nContent-Length: 9\r\n\r\nabc"
               : "POST /own HTTP/1.1\r\nHo");
    hear_close(fd, &h);
    ck_assert_uint_eq(times(h.text, "HTTP/1.1 408 "), 1);
    ck_assert_uint_eq(times(h.text, "{\"own\":\"the request did not arrive in time\"}"), 1);
    hang_up(fd, &h);
}
END_TEST

/* ---- pipelining ---- */

/* In pieces of every kind the answers are the same, and in order. */
/* Conformance: T-01. */
START_TEST(pipelining)
{
    char asks[4096] = "", piece[4096];
    struct heard h = {0};
    size_t n;

    for (unsigned i = 0; i < 16; i++)
        sprintf(asks + strlen(asks),
                i % 3 ? "GET /%u HTTP/1.1\r\nHost: h\r\n\r\n"
                      : "POST /%u HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nok",
                i);
    n = strlen(asks);
    begin();
    for (unsigned seed = 0; seed < 20; seed++) {
        int fd = dial();
        const char *at;

        srand(seed);
        for (size_t sent = 0; sent < n;) {
            size_t take = seed == 0 ? n : 1 + (size_t)rand() % 100;

            take = take < n - sent ? take : n - sent;
            memcpy(piece, asks + sent, take);
            piece[take] = '\0';
            say(fd, piece);
            sent += take;
            event_base_loop(base, EVLOOP_NONBLOCK);
        }
        hear(fd, &h, "HTTP/1.1 200 OK", 16);
        hear(fd, &h, "any /15 [ok]", 1);
        at = h.text;
        for (unsigned i = 0; i < 16; i++) {
            char want[32];

            sprintf(want, "any /%u [%s]", i, i % 3 ? "" : "ok");
            at = strstr(at, want);
            ck_assert_msg(at != NULL, "seed %u: %s", seed, want);
        }
        hang_up(fd, &h);
    }
}
END_TEST

START_TEST(requests_behind_a_close_are_not_answered)
{
    struct heard h = {0};
    int fd;

    begin();
    fd = dial();
    say(fd, "GET /close HTTP/1.1\r\nHost: h\r\n\r\nGET /x HTTP/1.1\r\nHost: h\r\n\r\n");
    hear_close(fd, &h);
    ck_assert_uint_eq(times(h.text, "HTTP/1.1 200"), 1);
    ck_assert(!h.reset);
    hang_up(fd, &h);
}
END_TEST

START_TEST(requests_max)
{
    struct heard h = {0};
    int fd;

    conf.requests_max = 2;
    begin();
    fd = dial();
    say(fd, "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
    hear(fd, &h, "any /1 []", 1);
    ck_assert_uint_eq(times(h.text, "Connection:"), 0);
    say(fd, "GET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
    hear_close(fd, &h);
    ck_assert_uint_eq(times(h.text, "Connection: close\r\n\r\nany /2 []"), 1);
    hang_up(fd, &h);
}
END_TEST

START_TEST(expect_continue)
{
    struct heard h = {0};
    int fd;

    begin();
    fd = dial();
    say(fd, "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    hear(fd, &h, "HTTP/1.1 100 Continue\r\n\r\n", 1);
    ck_assert_uint_eq(times(h.text, "HTTP/1.1"), 1);
    say(fd, "o");
    turn_loop();
    say(fd, "k");
    hear(fd, &h, "any / [ok]", 1);
    ck_assert_uint_eq(times(h.text, "100 Continue"), 1);
    hang_up(fd, &h);
}
END_TEST

/* ---- time-outs ---- */

/* A byte every few milliseconds renews nothing: the deadline is the whole request's. */
static void dribble(int fd, struct heard *h, const char *text, uint64_t *took)
{
    uint64_t from = clock_ms();

    for (size_t i = 0; !h->closed && clock_ms() - from < PATIENCE_MS; i++) {
        (void)!send(fd, &text[i % strlen(text)], 1, MSG_NOSIGNAL);
        for (unsigned k = 0; k < 10; k++)
            turn_loop();
        listen_once(fd, h);
    }
    *took = clock_ms() - from;
}

START_TEST(slowloris)
{
    static const char *const texts[] = {
        "GET / HTTP/1.1\r\nHost: h\r\n", /* and no end */
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10000\r\n\r\nbody",
    };
    struct heard h = {0};
    uint64_t took;
    int fd;

    conf.request_timeout_ms = 300;
    begin();
    fd = dial();
    if (_i) { /* a complete request before it does not help */
        say(fd, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
        hear(fd, &h, "any /x []", 1);
    }
    dribble(fd, &h, texts[_i], &took);
    ck_assert_msg(h.closed && took >= 290, "%u ms", (unsigned)took);
    ck_assert_msg(took < 3000, "%u ms", (unsigned)took);
    ck_assert_uint_eq(times(h.text, "HTTP/1.1 408 Request Timeout\r\n"), 1);
    ck_assert_uint_eq(metric(METRIC_HTTP_TIMEOUT_REQUEST), 1);
    hang_up(fd, &h);
    WAIT_UNTIL(http_server_connections(server) == 0);
}
END_TEST

/* Requests that come in slowly but each in time are all answered. */
START_TEST(each_request_has_its_own_deadline)
{
    static const char text[] = "GET /x HTTP/1.1\r\nHost: h\r\n\r\nGET /x HT";
    struct heard h = {0};
    int fd;

    conf.request_timeout_ms = 400;
    begin();
    fd = dial();
    say(fd, "GET /x HT");
    for (unsigned i = 0; i < 6; i++) {
        for (uint64_t until = clock_ms() + 150; clock_ms() < until;)
            turn_loop();
        say(fd, "TP/1.1\r\nHost: h\r\n\r\nGET /x HT");
        hear(fd, &h, "any /x []", i + 1);
    }
    ck_assert_uint_eq(metric(METRIC_HTTP_TIMEOUT_REQUEST), 0);
    (void)text;
    hang_up(fd, &h);
}
END_TEST

START_TEST(idle_connections_are_closed)
{
    struct heard h = {0};
    int fd;

    conf.idle_timeout_ms = 100;
    begin();
    fd = dial();
    say(fd, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
    hear(fd, &h, "any /x []", 1);
    hear_close(fd, &h);
    ck_assert_uint_eq(times(h.text, "HTTP/1.1"), 1);
    ck_assert_uint_eq(metric(METRIC_HTTP_TIMEOUT_IDLE), 1);
    hang_up(fd, &h);
    ck_assert_uint_eq(http_server_connections(server), 0);
}
END_TEST

/* ---- slow readers ---- */

START_TEST(a_slow_reader_is_dropped_at_the_cap)
{
    struct heard h = {0};
    int fd;

    conf.write_bytes_max = 100000;
    begin();
    fd = dial();
    small_window(fd);
    for (unsigned i = 0; i < 2000 && !metric(METRIC_HTTP_SLOW_READERS); i++) {
        (void)!send(fd, "GET /long HTTP/1.1\r\nHost: h\r\n\r\n", 31, MSG_NOSIGNAL);
        if (i % 100 == 99)
            event_base_loop(base, EVLOOP_NONBLOCK);
    }
    WAIT_UNTIL(http_server_connections(server) == 0);
    ck_assert_uint_eq(metric(METRIC_HTTP_SLOW_READERS), 1);
    hear_close(fd, &h);
    ck_assert(h.reset);
    hang_up(fd, &h);
}
END_TEST

START_TEST(a_reader_that_stops_is_timed_out)
{
    struct heard h = {0};
    int fd;

    conf.write_timeout_ms = 200;
    begin();
    fd = dial();
    small_window(fd);
    say(fd, "GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
    WAIT_UNTIL(metric(METRIC_HTTP_TIMEOUT_WRITE) == 1);
    ck_assert_uint_eq(http_server_connections(server), 0);
    ck_assert_uint_eq(atomic_load(&big_body.refs), 1);
    hang_up(fd, &h);
}
END_TEST

/* Progress, however slow, renews the write's time-out; requests behind it wait and are answered. */
START_TEST(a_large_shared_body_arrives_whole)
{
    struct heard h = {0};
    int fd;

    conf.write_timeout_ms = 2000;
    begin();
    fd = dial();
    say(fd, "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /big HTTP/1.1\r\nHost: h\r\n\r\n"
            "GET /big HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
    hear(fd, &h, "any /1 []", 1);
    while (h.n < 2 * sizeof big) {
        turn_loop();
        listen_once(fd, &h);
        ck_assert(!h.closed);
    }
    hear(fd, &h, "any /2 []", 1);
    ck_assert_uint_eq(times(h.text, "Content-Length: 4194304\r\n\r\nbbbb"), 2);
    ck_assert_uint_eq(atomic_load(&big_body.refs), 1);
    ck_assert_uint_eq(released, 0);
    /* Reading goes on afterwards. */
    say(fd, "GET /3 HTTP/1.1\r\nHost: h\r\n\r\n");
    hear(fd, &h, "any /3 []", 1);
    hang_up(fd, &h);
}
END_TEST

/* ---- caps ---- */

START_TEST(connections_max)
{
    struct heard h[3] = {0};
    int fd[3];

    conf.connections_max = 2;
    begin();
    for (unsigned i = 0; i < 3; i++) {
        fd[i] = dial();
        say(fd[i], "GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
        if (i < 2)
            hear(fd[i], &h[i], "any /x []", 1);
    }
    WAIT_UNTIL(metric(METRIC_HTTP_REFUSED_FULL) == 1);
    hear_close(fd[2], &h[2]);
    ck_assert_uint_eq(http_server_connections(server), 2);
    hang_up(fd[0], &h[0]);
    WAIT_UNTIL(http_server_connections(server) == 1);
    hang_up(fd[2], &h[2]);
    fd[2] = dial();
    say(fd[2], "GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
    hear(fd[2], &h[2], "any /x []", 1);
    hang_up(fd[1], &h[1]);
    hang_up(fd[2], &h[2]);
}
END_TEST

START_TEST(connections_per_client)
{
    struct heard h[3] = {0};
    int fd[3];

    conf.connections_per_client = 2;
    begin();
    for (unsigned i = 0; i < 3; i++) {
        fd[i] = dial();
        say(fd[i], "GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
        if (i < 2)
            hear(fd[i], &h[i], "any /x []", 1);
    }
    hear_close(fd[2], &h[2]);
    ck_assert_uint_eq(h[2].n, 0);
    ck_assert_uint_eq(metric(METRIC_HTTP_REFUSED_CLIENT), 1);
    hang_up(fd[0], &h[0]);
    WAIT_UNTIL(http_server_connections(server) == 1);
    hang_up(fd[2], &h[2]);
    fd[2] = dial();
    say(fd[2], "GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
    hear(fd[2], &h[2], "any /x []", 1);
    hang_up(fd[1], &h[1]);
    hang_up(fd[2], &h[2]);
}
END_TEST

/* ---- drain ---- */

static void on_idle(void *arg)
{
    (void)arg;
    idle_calls++;
}

START_TEST(drain)
{
    struct heard idle = {0}, busy = {0}, late = {0};
    int idle_fd, busy_fd, late_fd;

    begin();
    idle_fd = dial();
    say(idle_fd, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
    hear(idle_fd, &idle, "any /x []", 1);
    busy_fd = dial();
    say(busy_fd, "GET /y HTTP/1.1\r\nHo");
    WAIT_UNTIL(http_server_connections(server) == 2);
    late_fd = dial(); /* in the kernel's queue, not accepted yet */
    say(late_fd, "GET /z HTTP/1.1\r\nHost: h\r\n\r\n");
    http_server_drain(server, on_idle, NULL);
    hear_close(idle_fd, &idle);
    hear_close(late_fd, &late);
    ck_assert_uint_eq(times(late.text, "Connection: close\r\n\r\nany /z []"), 1);
    ck_assert_uint_eq(idle_calls, 0);
    ck_assert_uint_eq(http_server_connections(server), 1);
    say(busy_fd, "st: h\r\n\r\n");
    hear_close(busy_fd, &busy);
    ck_assert_uint_eq(times(busy.text, "Connection: close\r\n\r\nany /y []"), 1);
    WAIT_UNTIL(idle_calls == 1);
    ck_assert_uint_eq(http_server_connections(server), 0);
    hang_up(idle_fd, &idle);
    hang_up(busy_fd, &busy);
    hang_up(late_fd, &late);
}
END_TEST

/* It had been busy when the others were told to go, and then sat out the idle time-out. */
START_TEST(a_reader_that_is_behind_goes_once_it_has_read)
{
    struct heard h = {0};
    const int size = 65536;
    int fd;

    begin();
    fd = dial();
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size), 0);
    say(fd, "GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
    WAIT_UNTIL(atomic_load(&big_body.refs) == 2);
    http_server_drain(server, on_idle, NULL);
    hear_close(fd, &h);
    ck_assert(!h.reset);
    ck_assert_uint_gt(h.n, sizeof big);
    WAIT_UNTIL(idle_calls == 1);
    hang_up(fd, &h);
}
END_TEST

START_TEST(drain_of_nobody)
{
    begin();
    http_server_drain(server, on_idle, NULL);
    ck_assert_uint_eq(idle_calls, 0); /* from the loop, not from within */
    WAIT_UNTIL(idle_calls == 1);
}
END_TEST

START_TEST(free_with_connections_open)
{
    struct heard h = {0};
    int fd;

    begin();
    fd = dial();
    small_window(fd);
    say(fd, "GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
    WAIT_UNTIL(atomic_load(&big_body.refs) == 2);
    http_server_free(server);
    server = NULL;
    ck_assert_uint_eq(atomic_load(&big_body.refs), 1);
    hang_up(fd, &h);
}
END_TEST

/* ---- parts ---- */

START_TEST(forwarded)
{
    // clang-format off
    static const struct { const char *what, *peer, *fields[2], *client; } rows[] = {
        {"nobody is believed by default",     "192.0.2.9", {"198.51.100.1", NULL}, "192.0.2.9"},
        {"a trusted proxy is",                "10.0.0.1", {"198.51.100.1", NULL}, "198.51.100.1"},
        {"no header: the proxy",              "10.0.0.1", {NULL, NULL}, "10.0.0.1"},
        {"the rightmost one not trusted",     "10.0.0.1", {"1.1.1.1, 198.51.100.1, 10.0.0.2", NULL}, "198.51.100.1"},
        {"over several fields",               "10.0.0.1", {"1.1.1.1, 198.51.100.1", "10.0.0.3,10.0.0.2"}, "198.51.100.1"},
        {"all trusted: the leftmost",         "10.0.0.1", {"10.0.0.3, 10.0.0.2", NULL}, "10.0.0.3"},
        {"no address: who wrote it",          "10.0.0.1", {"198.51.100.1, unknown, 10.0.0.2", NULL}, "10.0.0.2"},
        {"an empty field",                    "10.0.0.1", {"", NULL}, "10.0.0.1"},
        {"IPv6",                              "fd00::1", {"2001:db8::7", NULL}, "2001:db8::7"},
        {"IPv6 in brackets with a port",      "fd00::1", {"[2001:db8::7]:443", NULL}, "2001:db8::7"},
        {"IPv4 with a port",                  "fd00::1", {"198.51.100.1:99", NULL}, "198.51.100.1"},
        {"mapped IPv4 is IPv4",               "fd00::1", {"::ffff:198.51.100.1", NULL}, "198.51.100.1"},
    };
    // clang-format on
    struct prefix trusted[2];
    struct http_header headers[3] = {{STR("Host"), STR("h")}};
    struct http_request q = {.headers = headers, .header_count = 1};
    struct addr peer, want, got;

    ck_assert(prefix_parse("10.0.0.0/8", 10, &trusted[0], NULL) == ERR_OK);
    ck_assert(prefix_parse("fd00::/8", 8, &trusted[1], NULL) == ERR_OK);
    for (size_t i = 0; i < 2 && rows[_i].fields[i]; i++)
        headers[q.header_count++] =
            (struct http_header){STR("x-forwarded-for"), str_from(rows[_i].fields[i])};
    ck_assert(addr_parse(rows[_i].peer, strlen(rows[_i].peer), &peer, NULL) == ERR_OK);
    ck_assert(addr_parse(rows[_i].client, strlen(rows[_i].client), &want, NULL) == ERR_OK);
    got = http_forwarded_client(&q, peer, trusted, 2);
    ck_assert_msg(addr_eq(got, want), "%s", rows[_i].what);
}
END_TEST
#define FORWARDED_ROWS 12

START_TEST(dates)
{
    for (unsigned i = 0; i < 20000; i++) {
        time_t t = i < 10000 ? (time_t)i * 86400 * 3 + 11 * i : (time_t)i * 1000003 % 253402300799;
        char got[HTTP_DATE_SIZE], want[64];
        struct tm tm;

        gmtime_r(&t, &tm);
        strftime(want, sizeof want, "%a, %d %b %Y %H:%M:%S GMT", &tm);
        http_date_format((uint64_t)t, got);
        ck_assert_str_eq(got, want);
    }
}
END_TEST

struct timed {
    struct http_timer t;
    bool set;
    unsigned fired;
};

static uint64_t wheel_now;

static void on_timer(void *arg, struct http_timer *t)
{
    struct timed *x = (struct timed *)t;

    (void)arg;
    ck_assert(x->set);
    ck_assert_uint_le(t->deadline_ms, wheel_now);
    x->set = false;
    x->fired++;
}

/* Property: nobody fires early, nobody later than a tick behind its deadline. */
START_TEST(wheel)
{
    static struct timed timers[200];
    static struct http_wheel w;
    const uint64_t tick = 7;
    unsigned late = 0;

    memset(timers, 0, sizeof timers);
    srand(5);
    wheel_now = 123456789;
    http_wheel_init(&w, tick, wheel_now);
    for (unsigned step = 0; step < 200000; step++) {
        struct timed *x = &timers[(unsigned)rand() % 200];

        if (rand() % 4) {
            http_wheel_set(&w, &x->t, wheel_now + (uint64_t)rand() % (rand() % 8 ? 300 : 6000));
            x->set = true;
        } else {
            http_wheel_remove(&x->t);
            x->set = false;
        }
        if (rand() % 3)
            continue;
        wheel_now += (uint64_t)rand() % (rand() % 500 ? 20 : 5000);
        http_wheel_advance(&w, wheel_now, on_timer, NULL);
        for (unsigned i = 0; i < 200; i++)
            late += timers[i].set && timers[i].t.deadline_ms + 2 * tick <= wheel_now;
        ck_assert_msg(late == 0, "step %u: %u timers are late", step, late);
    }
}
END_TEST

/* Property: the table counts as plain counters do. */
START_TEST(clients)
{
    static unsigned counts[64];
    struct http_clients *t = http_clients_new(100);
    unsigned total = 0;

    memset(counts, 0, sizeof counts);
    ck_assert_ptr_nonnull(t);
    srand(9);
    for (unsigned step = 0; step < 200000; step++) {
        unsigned i = (unsigned)rand() % 64;
        struct addr a = i % 2 ? addr_from_v4(i) : (struct addr){i, (uint64_t)rand()};

        if (rand() % 2 && total < 100) {
            bool ok = http_clients_take(t, a, 3);

            ck_assert_int_eq(ok, counts[i] < 3);
            counts[i] += ok;
            total += ok;
        } else if (counts[i]) {
            http_clients_give(t, a);
            counts[i]--;
            total--;
        }
    }
    http_clients_free(t);
}
END_TEST

/* What a queue was given and has not sent, as the property below sees it. */
struct model {
    char text[1u << 16];
    size_t from, to;
};

static void model_give(struct model *m, struct http_out *o, struct shared_body *b)
{
    size_t n = (size_t)rand() % 3 * ((size_t)rand() % 700), from = (size_t)rand() % 200;
    char *p = http_out_room(o, n);

    ck_assert_ptr_nonnull(p);
    memset(p, 'a' + rand() % 26, n);
    memcpy(m->text + m->to, p, n);
    o->len += n;
    m->to += n;
    n = (size_t)rand() % 2 * ((size_t)rand() % 300);
    memcpy(m->text + m->to, b->data + from, n);
    m->to += n;
    shared_body_take(b);
    ck_assert(http_out_share(o, b, from, n));
}

/* Some of it, at random, in at most so many vectors and bytes. */
static void model_send(struct model *m, struct http_out *o)
{
    struct iovec v[16];
    size_t bytes = 1 + (size_t)rand() % 2000, offered = 0, take;
    unsigned n = http_out_vectors(o, v, 1 + (unsigned)rand() % 16, bytes);

    for (unsigned i = 0; i < n; i++)
        offered += v[i].iov_len;
    ck_assert_uint_le(offered, bytes);
    ck_assert(offered > 0 || http_out_empty(o));
    if (n == 0)
        return;
    take = 1 + (size_t)rand() % offered;
    for (unsigned i = 0; i < n && take; i++) {
        size_t k = take < v[i].iov_len ? take : v[i].iov_len;

        ck_assert(memcmp(v[i].iov_base, m->text + m->from, k) == 0);
        m->from += k;
        take -= k;
        http_out_advance(o, k);
    }
}

/* Property: whatever is sent between what is added, all bytes go out once, in order, each reference
 * is given back, and a queue that is never empty does not grow. */
START_TEST(out_in_any_pieces)
{
    static struct model m;

    for (unsigned i = 0; i < 512; i++)
        big[i] = (char)i;
    for (unsigned seed = 1; seed <= 500; seed++) {
        struct http_out o = {0};

        srand(seed);
        m.from = m.to = 0;
        while (m.to < sizeof m.text - 4096) {
            model_give(&m, &o, &big_body);
            ck_assert_uint_eq(http_out_unsent(&o), m.to - m.from);
            while (m.to - m.from > 3000 || (rand() % 2 && !http_out_empty(&o)))
                model_send(&m, &o);
        }
        ck_assert_msg(o.cap <= 16384 && o.piece_cap <= 64, "seed %u: %zu bytes, %u pieces", seed,
                      o.cap, o.piece_cap);
        while (!http_out_empty(&o))
            model_send(&m, &o);
        ck_assert_msg(m.from == m.to && http_out_unsent(&o) == 0, "seed %u", seed);
        ck_assert_uint_eq(atomic_load(&big_body.refs), 1);
        model_give(&m, &o, &big_body);
        http_out_fini(&o);
        ck_assert_uint_eq(atomic_load(&big_body.refs), 1);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("http_server");
    TCase *t = tcase_create("server"), *parts = tcase_create("parts");
    SRunner *r;
    int failed;

    tcase_set_timeout(t, 60);
    tcase_set_timeout(parts, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, answers);
    tcase_add_test(t, an_answer_to_the_byte);
    tcase_add_test(t, head_has_the_length_and_no_body);
    tcase_add_test(t, http_1_0);
    tcase_add_test(t, a_refusal_says_why_and_closes);
    tcase_add_test(t, a_refused_sender_is_not_reset);
    tcase_add_test(t, a_mounts_own_limit_and_errors);
    tcase_add_loop_test(t, a_mounts_own_timeout, 0, 2);
    tcase_add_test(t, pipelining);
    tcase_add_test(t, requests_behind_a_close_are_not_answered);
    tcase_add_test(t, requests_max);
    tcase_add_test(t, expect_continue);
    tcase_add_loop_test(t, slowloris, 0, 2);
    tcase_add_test(t, each_request_has_its_own_deadline);
    tcase_add_test(t, idle_connections_are_closed);
    tcase_add_test(t, a_slow_reader_is_dropped_at_the_cap);
    tcase_add_test(t, a_reader_that_stops_is_timed_out);
    tcase_add_test(t, a_large_shared_body_arrives_whole);
    tcase_add_test(t, connections_max);
    tcase_add_test(t, connections_per_client);
    tcase_add_test(t, drain);
    tcase_add_test(t, a_reader_that_is_behind_goes_once_it_has_read);
    tcase_add_test(t, drain_of_nobody);
    tcase_add_test(t, free_with_connections_open);
    tcase_add_loop_test(parts, forwarded, 0, FORWARDED_ROWS);
    tcase_add_test(parts, out_in_any_pieces);
    tcase_add_test(parts, dates);
    tcase_add_test(parts, wheel);
    tcase_add_test(parts, clients);
    suite_add_tcase(s, t);
    suite_add_tcase(s, parts);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
