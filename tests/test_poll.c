#include "base/hash.h"
#include "prober_fixture.h"

#include <jansson.h>
#include <math.h>

#include "router/digest.h"
#include "router/hit_ratio.h"
#include "router/report.h"

static const struct profile_conf own = {
    .name = {"own", 3},
    .format = STATS_PROMETHEUS,
    .path = {"/metrics", 8},
    .field = {[PROFILE_SESSIONS] = {{{"sessions", 8}}, 1, 1},
              [PROFILE_BYTES_OUT] = {{{"bytes", 5}}, 1, 1},
              [PROFILE_HITS] = {{{"hits", 4}}, 1, 1},
              [PROFILE_MISSES] = {{{"misses", 6}}, 1, 1},
              [PROFILE_CAPACITY] = {{{"capacity", 8}}, 1, 1},
              [PROFILE_READY] = {{{"ready", 5}}, 1, 1}},
};

#define PAGE(body) "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" body

static struct streamer_conf polled(const char *name)
{
    struct streamer_conf c = streamer(name, PROBE_NONE);

    c.capacity = 100;
    c.poll = (struct poll_conf){.profile = STR("own"),
                                .interval_ms = 40,
                                .timeout_ms = 30,
                                .stale_ms = 60000,
                                .leave_pm = 950,
                                .return_pm = 850,
                                .body_max = 1000,
                                .digest_every_s = 600};
    return c;
}

/* A page of the server, and a streamer "a" that is polled there; ready to be world_set. */
static struct world *one_polled(const char *page)
{
    struct world *w = &worlds[0];

    server.pages[0].path = "/metrics";
    server.pages[0].answer = str_from(page);
    ck_assert(server_listen(&server, false, 0));
    w->profile = &own;
    w->conf[0] = polled("a");
    return w;
}

static bool a_suspect(void)
{
    return word("a", false) == HEALTH_SUSPECT;
}

static bool a_up(void)
{
    return word("a", false) == HEALTH_UP;
}

static bool a_down(void)
{
    return word("a", false) == HEALTH_DOWN;
}

static unsigned wanted_accepts;

static bool accepted_more(void)
{
    return server.accepted >= wanted_accepts;
}

/* The status page's record of the first streamer; json_decref it. */
static json_t *status(void)
{
    struct bytes out = {0};
    json_t *doc, *a;

    ck_assert(prober_format(prober, live, &out));
    doc = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_msg(doc != NULL, "%.*s", (int)out.len, out.data);
    bytes_free(&out);
    a = json_incref(json_array_get(json_object_get(doc, "streamers"), 0));
    json_decref(doc);
    return a;
}

/* A text of it, "" for null; valid until the next. */
static const char *status_text(const char *part, const char *key)
{
    static char text[512];
    json_t *a = status();
    json_t *o = part ? json_object_get(a, part) : a;
    const char *v = json_string_value(json_object_get(o, key));

    snprintf(text, sizeof text, "%s", v ? v : "");
    json_decref(a);
    return text;
}

static double status_number(const char *part, const char *key)
{
    json_t *a = status();
    json_t *o = part ? json_object_get(a, part) : a;
    json_t *v = json_object_get(o, key);
    const double n = json_is_number(v) ? json_number_value(v) : NAN;

    json_decref(a);
    return n;
}

START_TEST(load_decides)
{
    struct world *const w = one_polled(PAGE("sessions 97\n"));

    world_set(w, 1);
    run_until(a_suspect, "suspect");
    ck_assert_ptr_eq(strstr(changes, "a v4 suspect: load 0.97 is at or above 0.95\n"), changes);
    ck_assert_str_eq(status_text(NULL, "why"), "suspect: load 0.97 is at or above 0.95");
    ck_assert_str_eq(status_text(NULL, "ipv4"), "suspect");
    ck_assert_str_eq(status_text("poll", "profile"), "own");
    ck_assert_str_eq(status_text("poll", "error"), "");
    ck_assert_double_eq_tol(status_number("poll", "load"), 0.97, 1e-9);
    ck_assert_double_eq_tol(status_number("poll", "sessions"), 97, 1e-9);
    ck_assert_double_eq(status_number("poll", "age_s"), 0);
    ck_assert_double_eq_tol(live_sessions(live, 0), 97, 0.1);
    server.pages[0].answer = STR(PAGE("sessions 50\n"));
    run_until(a_up, "up");
    ck_assert_msg(strstr(changes, "a v4 up: load 0.50 has been at or below 0.85\n") != NULL, "%s",
                  changes);
    ck_assert_double_eq_tol(live_sessions(live, 0), 50, 0.1);
    server.pages[0].answer = STR(PAGE("sessions 50\nready 0\n"));
    run_until(a_down, "down");
    server.pages[0].answer = STR(PAGE("sessions 50\nready 1\ncapacity 50\n"));
    w->conf[0].slow_start_s = 1000;
    run_until(a_suspect, "full by its own account");        /* 50 of 50 */
    ck_assert_float_eq_tol(live_scale(live, 0), 20, 0.01F); /* 100 / 50, and it starts at a tenth */
    server.pages[0].answer = STR(PAGE("sessions 5\nready 1\ncapacity 50\n"));
    run_until(a_up, "up again");
    ck_assert_msg(strstr(changes, "starts slowly: 10 % of its capacity") != NULL, "%s", changes);
    ck_assert_ptr_eq(strstr(server.request, "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:"),
                     server.request);
    ck_assert_uint_eq(metrics.v[METRIC_POLLS_BAD], 0);
    ck_assert_uint_gt(metrics.v[METRIC_POLLS_GOOD], 4);
    ck_assert_uint_eq(metrics.v[METRIC_HEALTH_CHANGES_SUSPECT], 2);
}
END_TEST

// clang-format off
static const struct {
    const char *what, *answer;
    const char *error; /* NULL: it is read, and has 7 sessions; else how it begins */
} pages[] = {
    {"to the end of the connection", PAGE("sessions 7\n"), NULL},
    {"with a length", "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nsessions 7\nrubbish", NULL},
    {"in chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsess\r\n7\r\nions 7\n\r\n0\r\n\r\n", NULL},
    {"of a wrong type that can be read", "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\nsessions 7\n", NULL},
    {"a web page", "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html><body>sessions 7", "line 1"},
    {"of other numbers", PAGE("other 7\n"), "none of the numbers that profile own names (a page of type text/plain)"},
    {"nothing", PAGE(""), "line 1: the end without a number"},
    {"not found", "HTTP/1.1 404 Not Found\r\n\r\nsessions 7\n", "404 (good is 200 to 200) in "},
    {"somewhere else", "HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n", "302 (good is 200 to 200) in "},
    {"cut", "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nsessions 7\n", "200, but closed inside of the body in "},
    {"longer than it may be", "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\nsessions 7\n", "200, but the body is longer than it may be in "},
    {"compressed", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b", "200, but the body is compressed, which was not asked for in "},
    {"no HTTP", "sessions 7\n", "not an HTTP/1 answer (\"sessions 7\\x0a\") in "},
    {"a number that is none", PAGE("sessions seven\n"), "line 1"},
};
// clang-format on

static bool a_poll_failed(void)
{
    return metrics.v[METRIC_POLLS_BAD] > 0;
}

START_TEST(pages_are_read)
{
    struct world *const w = one_polled(pages[_i].answer);

    world_set(w, 1);
    run_until(pages[_i].error ? a_poll_failed : a_up, pages[_i].what);
    if (!pages[_i].error) {
        ck_assert_double_eq_tol(live_sessions(live, 0), 7, 0.1);
        return;
    }
    ck_assert_msg(strstr(status_text("poll", "error"), pages[_i].error) != NULL, "%s: %s",
                  pages[_i].what, status_text("poll", "error"));
    ck_assert_int_eq(word("a", false), HEALTH_UNKNOWN); /* bad statistics are no bad streamer */
    ck_assert(isnan(status_number("poll", "sessions")));
}
END_TEST

/* A page that never ends, by trickles: the deadline ends it, and silence makes suspect. */
START_TEST(endless_page)
{
    struct world *const w = one_polled("");

    server.pages[0].path = NULL;
    server.answer = STR("HTTP/1.1 200 OK\r\n\r\n");
    server.drip = true;
    w->conf[0].poll.stale_ms = 300;
    w->conf[0].poll.interval_ms = 200;
    w->conf[0].poll.timeout_ms = 190;
    world_set(w, 1);
    run_until(a_suspect, "suspect");
    ck_assert_ptr_eq(strstr(changes, "a v4 suspect: nothing heard for 0 s\n"), changes);
    ck_assert_msg(strstr(status_text("poll", "error"), "no end of the body in ") ||
                      strstr(status_text("poll", "error"), "no answer in "),
                  "%s", status_text("poll", "error"));
    ck_assert_float_eq_tol(live_scale(live, 0), 1.5F, 1e-3F);
}
END_TEST

/* Bytes that go to and fro in large pages: nothing of a fast endless one is kept. */
START_TEST(too_long_page)
{
    static char flood[1 << 18];
    struct world *const w = one_polled("");

    memset(flood, 'x', sizeof flood);
    memcpy(flood, PAGE(""), strlen(PAGE("")));
    server.pages[0].answer = (struct str){flood, sizeof flood};
    world_set(w, 1);
    run_until(a_poll_failed, "refused");
    ck_assert_ptr_ne(
        strstr(status_text("poll", "error"), "200, but the body is longer than it may be"), NULL);
}
END_TEST

static uint64_t began_ms;

static bool scarce;

/* Counters that grow with time: 1 Mbit/s, three hits to one miss. */
static struct str growing(const char *path)
{
    static char page[256];
    const uint64_t t = clock_ms() - began_ms;

    (void)path;
    snprintf(page, sizeof page, PAGE("bytes %.0f\nhits %.0f\nmisses %.0f\n"), (double)t * 125,
             (double)t * (scarce ? 0.03 : 3), (double)t * (scarce ? 0.01 : 1));
    return str_from(page);
}

static bool a_rate_known(void)
{
    return isfinite(status_number("poll", "bytes_out_bps")) &&
           isfinite(status_number("poll", "hit_ratio")) && metrics.v[METRIC_POLLS_GOOD] >= 4;
}

START_TEST(rates)
{
    struct world *const w = one_polled("");
    const uint32_t known_before = 950;

    began_ms = clock_ms() - 1000;
    scarce = false;
    server.make = growing;
    w->conf[0].session_bps = 100e3;
    w->conf[0].poll.interval_ms = 100;
    w->conf[0].poll.timeout_ms = 90;
    world_set(w, 1);
    live_dispatch(live, 0, 8);
    live_dispatch_known(live, 0, 8);
    run_until(a_rate_known, "rates");
    ck_assert_double_eq_tol(status_number("poll", "bytes_out_bps"), 1e6, 3e5);
    ck_assert_double_eq_tol(status_number("poll", "sessions"), 10, 3);
    ck_assert_double_eq_tol(status_number("poll", "hit_ratio"), 0.75, 0.01);
    ck_assert_uint_eq(atomic_load(&live->streamer[0].hit_known_pm), known_before);
    wanted_accepts = server.accepted + 3;
    run_until(accepted_more, "polls");
    live_dispatch(live, 0, 8); /* nothing of it was known: what is believed stays */
    wanted_accepts = server.accepted + 3;
    run_until(accepted_more, "polls");
    ck_assert_uint_eq(atomic_load(&live->streamer[0].hit_known_pm), known_before);
    ck_assert_uint_eq(atomic_load(&live->streamer[0].hit_pm), 0);
    live_dispatch(live, 0, 8); /* and now some while a ratio is known */
    live_dispatch_known(live, 0, 8);
    wanted_accepts = server.accepted + 3;
    run_until(accepted_more, "polls");
    /* All that was sent was believed to be there, and a quarter missed: a fifth of the way. */
    ck_assert_uint_eq(atomic_load(&live->streamer[0].hit_known_pm), 910);
    ck_assert_uint_eq(atomic_load(&live->streamer[0].hit_pm), 0);
    scarce = true; /* a hundred times fewer requests */
    wanted_accepts = server.accepted + 3;
    run_until(accepted_more, "polls");
    live_dispatch(live, 0, 8);
    live_dispatch_known(live, 0, 8);
    wanted_accepts = server.accepted + 3;
    run_until(accepted_more, "polls");
    ck_assert_uint_eq(atomic_load(&live->streamer[0].hit_known_pm), 910);
    live_hit_known_set(live, 0, 950); /* as a new view does */
    worlds[1] = *w;
    world_set(&worlds[1], 1);
    ck_assert_uint_eq(atomic_load(&live->streamer[0].hit_known_pm), 910);
}
END_TEST

START_TEST(other_address_when_one_fails)
{
    struct world *const w = one_polled(PAGE("sessions 3\n"));

    w->conf[0].can |= STREAMER_V6;
    w->conf[0].v4 = addr_from_v4(0x7f000002);
    server_close(&server);
    ck_assert(server_listen(&server, true, 0));
    w->conf[0].poll.port = server.port;
    world_set(w, 1);
    run_until(a_up, "heard over IPv6");
    ck_assert_int_eq(word("a", true), HEALTH_UP);
}
END_TEST

static bool a_has_digest(void)
{
    return status_number("digest", "contents") > 0;
}

static bool a_digest_failed(void)
{
    return status_text("digest", "error")[0] != '\0';
}

START_TEST(digests)
{
    struct world *const w = one_polled(PAGE("sessions 3\n"));
    struct bytes body = {0}, page = {0};
    uint8_t key[DIGEST_KEY_LEN];
    struct err e = {0};

    ck_assert(file_read(TEST_DATA "/streamer-stats/squid-5.7-cache-digest.bin", 1 << 20, &body,
                        &e) == ERR_OK);
    ck_assert(bytes_printf(&page, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", body.len) &&
              bytes_add(&page, body.data, body.len));
    server.pages[1].path = "/digest";
    server.pages[1].answer = (struct str){page.data, page.len};
    w->conf[0].poll.digest_path = STR("/digest");
    world_set(w, 1);
    run_until(a_has_digest, "digest");
    digest_key(STR("http://127.0.0.1/hls/seg_000.ts"), key);
    ck_assert_int_eq(digest_live_has(live_digest(live, 0), key), 1);
    digest_key(STR("http://127.0.0.1/hls/none.ts"), key);
    ck_assert_int_eq(digest_live_has(live_digest(live, 0), key), 0);
    ck_assert_double_eq(status_number("digest", "age_s"), 0);

    /* A bad one leaves the good one; nothing asked for, nothing believed. */
    server.pages[1].answer = STR("HTTP/1.1 200 OK\r\n\r\nno digest");
    worlds[1] = *w;
    worlds[1].conf[0].poll.digest_every_s = 1;
    world_set(&worlds[1], 1);
    run_until(a_digest_failed, "bad digest");
    digest_key(STR("http://127.0.0.1/hls/seg_000.ts"), key);
    ck_assert_int_eq(digest_live_has(live_digest(live, 0), key), 1);
    worlds[2] = worlds[1];
    worlds[2].conf[0].poll.digest_path = STR("");
    world_set(&worlds[2], 1);
    ck_assert_int_eq(digest_live_has(live_digest(live, 0), key), -1);
    bytes_free(&body);
    bytes_free(&page);
}
END_TEST

// clang-format off
static const struct {
    const char *json;
    enum err_code rc;
    const char *text; /* of the error, or how it begins */
} reports[] = {
    {"{\"streamer\":\"a\"}", ERR_OK, ""},
    {"{\"streamer\":\"a\",\"sessions\":12,\"bytes_out_bps\":1e9,\"hit_ratio\":0.9,\"capacity\":50,\"ready\":true}", ERR_OK, ""},
    {"", ERR_PARSE, ""},
    {"[]", ERR_PARSE, ""},
    {"{}", ERR_PARSE, "streamer"},
    {"{\"streamer\":7}", ERR_PARSE, "streamer"},
    {"{\"streamer\":\"a\",\"sesions\":1}", ERR_PARSE, "a report has no \"sesions\"; did you mean \"sessions\"?"},
    {"{\"streamer\":\"a\",\"sessions\":-1}", ERR_PARSE, "sessions: -1 is not from 0 to 1e+12"},
    {"{\"streamer\":\"a\",\"sessions\":\"1\"}", ERR_PARSE, "sessions"},
    {"{\"streamer\":\"a\",\"hit_ratio\":1.5}", ERR_PARSE, "hit_ratio: 1.5 is not from 0 to 1"},
    {"{\"streamer\":\"a\",\"ready\":1}", ERR_PARSE, "ready"},
    {"{\"streamer\":\"a\"} x", ERR_PARSE, ""},
    {"{\"streamer\":\"cache-b\"}", ERR_NOT_FOUND, "there is no streamer \"cache-b\"; did you mean \"cache-a\"?"},
    {"{\"streamer\":\"cache-a\"}", ERR_CONFLICT, "streamer cache-a does not report by its configuration; set its reports"},
};
// clang-format on

START_TEST(reports_are_taken)
{
    struct world *const w = one_polled("");
    struct err e = {0};
    enum err_code rc;

    w->conf[0].poll.profile = STR("");
    w->conf[0].reports = true;
    w->conf[1] = streamer("cache-a", PROBE_NONE);
    world_set(w, 2);
    rc = report_take(prober, reports[_i].json, strlen(reports[_i].json), clock_ms(), &e);
    ck_assert_msg(rc == reports[_i].rc && strstr(e.text, reports[_i].text) == e.text, "%s: %s",
                  reports[_i].json, e.text);
    ck_assert_int_eq(word("a", false), rc == ERR_OK ? HEALTH_UP : HEALTH_UNKNOWN);
    ck_assert_uint_eq(metrics.v[METRIC_REPORTS], rc == ERR_OK);
    ck_assert_uint_eq(metrics.v[METRIC_REPORT_ERRORS], rc != ERR_OK);
}
END_TEST

START_TEST(reports_count_like_polls)
{
    static const char full[] = "{\"streamer\":\"a\",\"sessions\":96}";
    static const char unready[] = "{\"streamer\":\"a\",\"ready\":false}";
    struct world *const w = one_polled("");
    struct err e = {0};
    char huge[REPORT_BYTES_MAX + 2];

    w->conf[0].poll.profile = STR("");
    w->conf[0].poll.stale_ms = 400;
    w->conf[0].reports = true;
    world_set(w, 1);
    ck_assert_int_eq(report_take(prober, full, sizeof full - 1, clock_ms(), &e), ERR_OK);
    ck_assert_int_eq(word("a", false), HEALTH_SUSPECT);
    ck_assert_double_eq_tol(live_sessions(live, 0), 96, 0.1);
    ck_assert_int_eq(report_take(prober, unready, sizeof unready - 1, clock_ms(), &e), ERR_OK);
    ck_assert_int_eq(word("a", false), HEALTH_DOWN);
    ck_assert_str_eq(status_text("poll", "profile"), "report");
    memset(huge, ' ', sizeof huge);
    ck_assert_int_eq(report_take(prober, huge, sizeof huge, clock_ms(), &e), ERR_LIMIT);
    e = (struct err){0};
    ck_assert_int_eq(report_take(prober, "{\"streamer\":\"a\"}", 16, clock_ms(), &e), ERR_OK);
    ck_assert_int_eq(word("a", false), HEALTH_UP);
    run_until(a_suspect, "silent");
}
END_TEST

// clang-format off
static const struct {
    const char *what;
    double ratio, share, known, unknown; /* from 0.5 and 0.5, with a weight of 1 */
} hits[] = {
    {"memory explains a part",         0.9, 0.5,  0.98, 0.82},
    {"memory was wrong for a part",    0.3, 0.6,  0.5,  0},
    {"nothing was known",              0.4, 0,    0.5,  0.4},
    {"all was known, all hit",         1,   1,    0.98, 0.5},
    {"all was known, half of it hit",  0.5, 1,    0.5,  0.5},
    {"nothing hits",                   0,   0.5,  0,    0},
    {"everything hits",                1,   0.5,  0.98, 0.98},
    {"nothing was known, all hit",     1,   0,    0.98, 0.98},
    {"all was known, little of it hit", 0.2, 1,   0.2,  0.2},
};
// clang-format on

START_TEST(hit_beliefs)
{
    const struct hit_belief half = {0.5, 0.5};
    const struct hit_belief b = hit_learn(half, hits[_i].ratio, hits[_i].share, 1);
    const struct hit_belief some = hit_learn(half, hits[_i].ratio, hits[_i].share, 0.2);

    ck_assert_msg(fabs(b.known - hits[_i].known) < 1e-9 &&
                      fabs(b.unknown - hits[_i].unknown) < 1e-9,
                  "%s: %g %g", hits[_i].what, b.known, b.unknown);
    ck_assert_double_eq_tol(some.known, 0.5 + 0.2 * (b.known - 0.5), 1e-9);
    ck_assert_double_eq_tol(some.unknown, 0.5 + 0.2 * (b.unknown - 0.5), 1e-9);
}
END_TEST

/* A content that is remembered is never worse off than one that is not, whatever polls say. */
START_TEST(memory_is_never_against_a_streamer)
{
    struct hit_belief b = {0.95, 0.3};
    uint64_t seed;

    hash_random(&seed, sizeof seed);
    for (unsigned i = 0; i < 100000; i++) {
        const uint64_t r = hash_mix(seed, i);
        const double ratio = (double)(r & 0xff) / 255, share = (double)(r >> 8 & 15) / 15;

        b = hit_learn(b, ratio, share, 0.2);
        ck_assert_msg(b.unknown >= 0 && b.unknown <= b.known && b.known <= HIT_KNOWN_MAX + 1e-9,
                      "seed %lx: step %u: %g %g", seed, i, b.known, b.unknown);
    }
    live_hit_set(live, 0, 980); /* of the configuration */
    ck_assert_uint_eq(atomic_load(&live->streamer[0].hit_known_pm), 980);
    live_hit_known_set(live, 0, 500);
    ck_assert_uint_eq(atomic_load(&live->streamer[0].hit_known_pm), 980);
    live_hit_set(live, 0, 300);
    live_hit_known_set(live, 0, 500);
    ck_assert_uint_eq(atomic_load(&live->streamer[0].hit_known_pm), 500);
}
END_TEST

START_TEST(what_cannot_be_polled_is_refused)
{
    struct world *const w = one_polled(PAGE("sessions 1\n"));
    struct err e = {0};

    world_set(w, 1);
    worlds[1] = *w;
    worlds[1].streamer[0].conf = &worlds[1].conf[0];
    worlds[1].view.streamers = worlds[1].streamer;
    worlds[1].conf[0].poll.timeout_ms = worlds[1].conf[0].poll.interval_ms;
    ck_assert_int_eq(prober_set(prober, &worlds[1].view, &e), ERR_CONFLICT);
    ck_assert_str_eq(e.text, "streamer a: poll: the timeout must be over 0 and below the interval");
    worlds[1].conf[0] = w->conf[0];
    worlds[1].conf[0].poll.path = STR("/a b");
    e = (struct err){0};
    ck_assert_int_eq(prober_set(prober, &worlds[1].view, &e), ERR_CONFLICT);
    worlds[1].conf[0] = w->conf[0];
    worlds[1].streamer[0].profile = NULL;
    e = (struct err){0};
    ck_assert_int_eq(prober_set(prober, &worlds[1].view, &e), ERR_CONFLICT);
    run_until(a_up, "the good one goes on");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("poll");
    TCase *c = tcase_create("poll");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(c, 30);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, load_decides);
    tcase_add_loop_test(c, pages_are_read, 0, (int)(sizeof pages / sizeof *pages));
    tcase_add_test(c, endless_page);
    tcase_add_test(c, too_long_page);
    tcase_add_test(c, rates);
    tcase_add_test(c, other_address_when_one_fails);
    tcase_add_test(c, digests);
    tcase_add_loop_test(c, reports_are_taken, 0, (int)(sizeof reports / sizeof *reports));
    tcase_add_test(c, reports_count_like_polls);
    tcase_add_loop_test(c, hit_beliefs, 0, (int)(sizeof hits / sizeof *hits));
    tcase_add_test(c, memory_is_never_against_a_streamer);
    tcase_add_test(c, what_cannot_be_polled_is_refused);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
