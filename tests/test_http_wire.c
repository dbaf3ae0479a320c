#include "http/http_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

static const struct http_limits limits = {.header_bytes_max = 1024, .body_bytes_max = 64};

#define GET  "GET /a HTTP/1.1\r\n"
#define POST "POST /a HTTP/1.1\r\nHost: h\r\n"

/* Feeds text[n] in pieces that end at every multiple of step, as a connection does: one growing
 * buffer, whose bytes the parser may close up. */
static enum http_step feed_by(const char *text, size_t n, size_t step, char *buf,
                              struct http_wire *w, struct http_message *m, size_t *have)
{
    enum http_step rc = HTTP_MORE;

    *w = (struct http_wire){0};
    *have = 0;
    for (size_t at = 0; at < n && rc == HTTP_MORE;) {
        size_t take = n - at < step ? n - at : step;

        memcpy(buf + *have, text + at, take);
        *have += take;
        at += take;
        rc = http_wire_feed(w, &limits, buf, have, m);
    }
    return rc;
}

// clang-format off
#define ROW(what, text, refusal, status) {what, text, sizeof(text) - 1, HTTP_REFUSE_##refusal, status}
static const struct { const char *what, *text; size_t n; enum http_refusal refusal; unsigned status; } refused[] = {
    ROW("bare LF behind the request line",   "GET / HTTP/1.1\nHost: h\r\n\r\n", BARE_LF, 400),
    ROW("bare LF behind a field",            GET "Host: h\nX: y\r\n\r\n", BARE_LF, 400),
    ROW("bare LF as the empty line",         GET "Host: h\r\n\n", BARE_LF, 400),
    ROW("LF before the request",             "\n" GET "Host: h\r\n\r\n", BARE_LF, 400),
    ROW("bare CR in a value",                GET "Host: h\r\nX: a\rb\r\n\r\n", FIELD_VALUE, 400),
    ROW("bare CR in the request line",       "GET /\r HTTP/1.1\r\nHost: h\r\n\r\n", TARGET, 400),
    ROW("two empty lines before a request",  "\r\n\r\n" GET "Host: h\r\n\r\n", REQUEST_LINE, 400),
    ROW("TLS on a plain port",               "\x16\x03\x01\x02", REQUEST_LINE, 400),
    ROW("space before the method",           " GET / HTTP/1.1\r\nHost: h\r\n\r\n", REQUEST_LINE, 400),
    ROW("two spaces in the request line",    "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", VERSION, 400),
    ROW("tab in the request line",           "GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n", REQUEST_LINE, 400),
    ROW("space behind the version",          "GET / HTTP/1.1 \r\nHost: h\r\n\r\n", VERSION, 400),
    ROW("no version (HTTP/0.9)",             "GET /\r\n\r\n", REQUEST_LINE, 400),
    ROW("version in lower case",             "GET / http/1.1\r\nHost: h\r\n\r\n", VERSION, 400),
    ROW("version of two digits",             "GET / HTTP/1.10\r\nHost: h\r\n\r\n", VERSION, 400),
    ROW("HTTP/2.0",                          "GET / HTTP/2.0\r\nHost: h\r\n\r\n", MAJOR, 505),
    ROW("HTTP/0.9 with a version",           "GET / HTTP/0.9\r\nHost: h\r\n\r\n", MAJOR, 505),
    ROW("unknown method",                    "BREW / HTTP/1.1\r\nHost: h\r\n\r\n", METHOD, 501),
    ROW("method in lower case",              "get / HTTP/1.1\r\nHost: h\r\n\r\n", METHOD, 501),
    ROW("CONNECT",                           "CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", METHOD, 501),
    ROW("TRACE",                             "TRACE / HTTP/1.1\r\nHost: h\r\n\r\n", METHOD, 501),
    ROW("a method that is no token",         "G(T / HTTP/1.1\r\nHost: h\r\n\r\n", REQUEST_LINE, 400),
    ROW("NUL in the target",                 "GET /a\0b HTTP/1.1\r\nHost: h\r\n\r\n", TARGET, 400),
    ROW("control in the target",             "GET /a\x01 HTTP/1.1\r\nHost: h\r\n\r\n", TARGET, 400),
    ROW("byte over 0x7f in the target",      "GET /\xc3\xa9 HTTP/1.1\r\nHost: h\r\n\r\n", TARGET, 400),
    ROW("fragment in the target",            "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", TARGET, 400),
    ROW("quote in the target",               "GET /\"a HTTP/1.1\r\nHost: h\r\n\r\n", TARGET, 400),
    ROW("relative target",                   "GET a HTTP/1.1\r\nHost: h\r\n\r\n", TARGET_FORM, 400),
    ROW("asterisk with GET",                 "GET * HTTP/1.1\r\nHost: h\r\n\r\n", TARGET_FORM, 400),
    ROW("two asterisks",                     "OPTIONS ** HTTP/1.1\r\nHost: h\r\n\r\n", TARGET_FORM, 400),
    ROW("other scheme",                      "GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n", TARGET_FORM, 400),
    ROW("one slash behind the scheme",       "GET http:/h/?q HTTP/1.1\r\nHost: h\r\n\r\n", TARGET_FORM, 400),
    ROW("absolute form without a host",      "GET http:///a HTTP/1.1\r\nHost: h\r\n\r\n", AUTHORITY, 400),
    ROW("absolute form, only a query",       "GET http://?a HTTP/1.1\r\nHost: h\r\n\r\n", AUTHORITY, 400),
    ROW("user in the authority",             "GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n", AUTHORITY, 400),
    ROW("percent with one digit",            "GET /%a HTTP/1.1\r\nHost: h\r\n\r\n", PERCENT, 400),
    ROW("percent with a non-digit",          "GET /%2g/ HTTP/1.1\r\nHost: h\r\n\r\n", PERCENT, 400),
    ROW("obs-fold",                          GET "Host: h\r\nX: a\r\n b\r\n\r\n", OBS_FOLD, 400),
    ROW("obs-fold with a tab",               GET "Host: h\r\nX: a\r\n\tb\r\n\r\n", OBS_FOLD, 400),
    ROW("space before the first field",      GET " Host: h\r\n\r\n", OBS_FOLD, 400),
    ROW("space before the colon",            GET "Host : h\r\n\r\n", SPACE_COLON, 400),
    ROW("tab before the colon",              GET "Host\t: h\r\n\r\n", SPACE_COLON, 400),
    ROW("field without a colon",             GET "Host: h\r\nX\r\n\r\n", FIELD_NAME, 400),
    ROW("field without a name",              GET "Host: h\r\n: x\r\n\r\n", FIELD_NAME, 400),
    ROW("NUL in a name",                     GET "Host: h\r\nX\0Y: x\r\n\r\n", FIELD_NAME, 400),
    ROW("byte over 0x7f in a name",          GET "Host: h\r\nX\xff: x\r\n\r\n", FIELD_NAME, 400),
    ROW("NUL in a value",                    GET "Host: h\r\nX: a\0b\r\n\r\n", FIELD_VALUE, 400),
    ROW("NUL deep in a long value",          GET "Host: h\r\nX: 01234567890123456789\0b\r\n\r\n", FIELD_VALUE, 400),
    ROW("DEL in a value",                    GET "Host: h\r\nX: 0123456789\x7f\r\n\r\n", FIELD_VALUE, 400),
    ROW("escape behind a tab",               GET "Host: h\r\nX: 012\t456789\x1b\r\n\r\n", FIELD_VALUE, 400),
    ROW("no Host",                           GET "\r\n", HOST_MISSING, 400),
    ROW("no Host beside absolute form",      "GET http://h/ HTTP/1.1\r\n\r\n", HOST_MISSING, 400),
    ROW("two Hosts",                         GET "Host: h\r\nHost: h\r\n\r\n", HOST_TWICE, 400),
    ROW("two Hosts in HTTP/1.0",             "GET / HTTP/1.0\r\nHost: h\r\nhOST: h\r\n\r\n", HOST_TWICE, 400),
    ROW("empty Host",                        GET "Host:\r\n\r\n", HOST, 400),
    ROW("a dot as Host",                     GET "Host: .\r\n\r\n", HOST, 400),
    ROW("empty label in Host",               GET "Host: a..b\r\n\r\n", HOST, 400),
    ROW("two dots at the end of Host",       GET "Host: a..\r\n\r\n", HOST, 400),
    ROW("leading dot in Host",               GET "Host: .a\r\n\r\n", HOST, 400),
    ROW("space in Host",                     GET "Host: a b\r\n\r\n", HOST, 400),
    ROW("list in Host",                      GET "Host: a,b\r\n\r\n", HOST, 400),
    ROW("path in Host",                      GET "Host: a/b\r\n\r\n", HOST, 400),
    ROW("user in Host",                      GET "Host: u@a\r\n\r\n", HOST, 400),
    ROW("wrong Host beside absolute form",   "GET http://h/ HTTP/1.1\r\nHost: a b\r\n\r\n", HOST, 400),
    ROW("port 0 in Host",                    GET "Host: a:0\r\n\r\n", HOST, 400),
    ROW("port 65536 in Host",                GET "Host: a:65536\r\n\r\n", HOST, 400),
    ROW("port with a sign in Host",          GET "Host: a:+80\r\n\r\n", HOST, 400),
    ROW("two ports in Host",                 GET "Host: a:80:80\r\n\r\n", HOST, 400),
    ROW("IPv6 Host without brackets",        GET "Host: ::1\r\n\r\n", HOST, 400),
    ROW("IPv6 Host without the end",         GET "Host: [::1\r\n\r\n", HOST, 400),
    ROW("IPv6 Host with a tail",             GET "Host: [::1]x\r\n\r\n", HOST, 400),
    ROW("brackets round IPv4",               GET "Host: [10.0.0.1]\r\n\r\n", HOST, 400),
    ROW("two lengths",                       POST "Content-Length: 1\r\nContent-Length: 2\r\n\r\na", LENGTH_TWICE, 400),
    ROW("two equal lengths",                 POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\na", LENGTH_TWICE, 400),
    ROW("length in a list",                  POST "Content-Length: 1, 1\r\n\r\na", LENGTH, 400),
    ROW("length with a sign",                POST "Content-Length: +1\r\n\r\na", LENGTH, 400),
    ROW("negative length",                   POST "Content-Length: -1\r\n\r\na", LENGTH, 400),
    ROW("hexadecimal length",                POST "Content-Length: 0x1\r\n\r\na", LENGTH, 400),
    ROW("empty length",                      POST "Content-Length:\r\n\r\na", LENGTH, 400),
    ROW("length with a space",               POST "Content-Length: 1 1\r\n\r\na", LENGTH, 400),
    ROW("length over the cap",               POST "Content-Length: 65\r\n\r\n", BODY_LONG, 413),
    ROW("length over 2^64",                  POST "Content-Length: 18446744073709551617\r\n\r\n", BODY_LONG, 413),
    ROW("length and coding",                 POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", LENGTH_AND_CODING, 400),
    ROW("coding and length",                 POST "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", LENGTH_AND_CODING, 400),
    ROW("coding before chunked",             POST "Transfer-Encoding: gzip, chunked\r\n\r\n", CODING_UNKNOWN, 501),
    ROW("unknown coding alone",              POST "Transfer-Encoding: gzip\r\n\r\n", CODING, 400),
    ROW("identity",                          POST "Transfer-Encoding: identity\r\n\r\n", CODING, 400),
    ROW("chunked is not the last",           POST "Transfer-Encoding: chunked, gzip\r\n\r\n", CODING, 400),
    ROW("chunked twice",                     POST "Transfer-Encoding: chunked, chunked\r\n\r\n", CODING, 400),
    ROW("two codings in two fields",         POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", CODING, 400),
    ROW("chunked with a parameter",          POST "Transfer-Encoding: chunked;a=b\r\n\r\n", CODING, 400),
    ROW("vertical tab in a coding",          POST "Transfer-Encoding: \x0b" "chunked\r\n\r\n", FIELD_VALUE, 400),
    ROW("empty coding",                      POST "Transfer-Encoding:\r\n\r\n", CODING, 400),
    ROW("empty element in codings",          POST "Transfer-Encoding: ,chunked\r\n\r\n", CODING, 400),
    ROW("coding in HTTP/1.0",                "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", CODING_1_0, 400),
    ROW("other expectation",                 POST "Expect: 200-ok\r\n\r\n", EXPECT, 417),
    ROW("chunk without a size",              POST "Transfer-Encoding: chunked\r\n\r\n\r\n", CHUNK_SIZE, 400),
    ROW("chunk size with 0x",                POST "Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n", CHUNK_SIZE, 400),
    ROW("chunk size with a sign",            POST "Transfer-Encoding: chunked\r\n\r\n-1\r\na\r\n", CHUNK_SIZE, 400),
    ROW("space behind a chunk size",         POST "Transfer-Encoding: chunked\r\n\r\n1 \r\na\r\n", CHUNK_SIZE, 400),
    ROW("space behind a chunk extension",    POST "Transfer-Encoding: chunked\r\n\r\n1;a \r\na\r\n", CHUNK_SIZE, 400),
    ROW("control in a chunk extension",      POST "Transfer-Encoding: chunked\r\n\r\n1;a\x01\r\na\r\n", CHUNK_SIZE, 400),
    ROW("bare LF behind a chunk size",       POST "Transfer-Encoding: chunked\r\n\r\n1\na\r\n", BARE_LF, 400),
    ROW("bare LF behind chunk data",         POST "Transfer-Encoding: chunked\r\n\r\n1\r\na\n0\r\n", CHUNK_END, 400),
    ROW("chunk longer than its size",        POST "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", CHUNK_END, 400),
    ROW("chunk over the cap",                POST "Transfer-Encoding: chunked\r\n\r\n41\r\n", BODY_LONG, 413),
    ROW("chunks over the cap together",      POST "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n40\r\n", BODY_LONG, 413),
    ROW("chunk size over 2^64",              POST "Transfer-Encoding: chunked\r\n\r\n10000000000000001\r\na\r\n", BODY_LONG, 413),
    ROW("obs-fold in the trailer",           POST "Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n z\r\n\r\n", OBS_FOLD, 400),
    ROW("NUL in the trailer",                POST "Transfer-Encoding: chunked\r\n\r\n0\r\nX: \0\r\n\r\n", FIELD_VALUE, 400),
};
#undef ROW

static const struct { const char *what, *text, *host, *path, *query, *body; unsigned port; enum http_method method; bool head, keep; } accepted[] = {
    {"the least of 1.1",           GET "Host: h\r\n\r\n", "h", "/a", NULL, "", 0, HTTP_GET, false, true},
    {"HEAD is a GET",              "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", "h", "/", NULL, "", 0, HTTP_GET, true, true},
    {"1.0 closes",                 "GET / HTTP/1.0\r\n\r\n", NULL, "/", NULL, "", 0, HTTP_GET, false, false},
    {"1.0 keeps alive if asked",   "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", NULL, "/", NULL, "", 0, HTTP_GET, false, true},
    {"1.1 closes if asked",        GET "Host: h\r\nConnection: x , Close\r\n\r\n", "h", "/a", NULL, "", 0, HTTP_GET, false, false},
    {"close wins",                 GET "Host: h\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n", "h", "/a", NULL, "", 0, HTTP_GET, false, false},
    {"1.2 is read as 1.1",         "GET / HTTP/1.2\r\nHost: h\r\n\r\n", "h", "/", NULL, "", 0, HTTP_GET, false, true},
    {"empty line before",          "\r\n" GET "Host: h\r\n\r\n", "h", "/a", NULL, "", 0, HTTP_GET, false, true},
    {"host in lower case",         GET "Host: WWW.Example.COM.:8080\r\n\r\n", "www.example.com", "/a", NULL, "", 8080, HTTP_GET, false, true},
    {"empty port",                 GET "Host: h:\r\n\r\n", "h", "/a", NULL, "", 0, HTTP_GET, false, true},
    {"IPv6 host",                  GET "Host: [2001:DB8::1]:80\r\n\r\n", "[2001:db8::1]", "/a", NULL, "", 80, HTTP_GET, false, true},
    {"percent and case are kept",  "GET /A%2fb%2F?x=%zz&Y=[1]|2 HTTP/1.1\r\nHost: h\r\n\r\n", "h", "/A%2fb%2F", "x=%zz&Y=[1]|2", "", 0, HTTP_GET, false, true},
    {"empty query",                "GET /? HTTP/1.1\r\nHost: h\r\n\r\n", "h", "/", "", "", 0, HTTP_GET, false, true},
    {"dot segments are kept",      "GET /a/../b//c HTTP/1.1\r\nHost: h\r\n\r\n", "h", "/a/../b//c", NULL, "", 0, HTTP_GET, false, true},
    {"absolute form beats Host",   "GET HTTP://B:81/x?y HTTP/1.1\r\nHost: h:82\r\n\r\n", "b", "/x", "y", "", 81, HTTP_GET, false, true},
    {"absolute form, no path",     "GET http://b HTTP/1.1\r\nHost: h\r\n\r\n", "b", "/", NULL, "", 0, HTTP_GET, false, true},
    {"absolute form, query alone", "GET https://bc:81?y HTTP/1.1\r\nHost: h\r\n\r\n", "bc", "/", "y", "", 81, HTTP_GET, false, true},
    {"asterisk",                   "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "h", "*", NULL, "", 0, HTTP_OPTIONS, false, true},
    {"asterisk in absolute form",  "OPTIONS http://b HTTP/1.1\r\nHost: h\r\n\r\n", "b", "*", NULL, "", 0, HTTP_OPTIONS, false, true},
    {"no space behind a colon",    GET "Host:h\r\nX:\r\n\r\n", "h", "/a", NULL, "", 0, HTTP_GET, false, true},
    {"tab and obs-text in values", GET "Host:\th \t\r\nX: a\tb\xe9\xff\r\n\r\n", "h", "/a", NULL, "", 0, HTTP_GET, false, true},
    {"a length",                   POST "Content-Length: 3\r\n\r\nabc", "h", "/a", NULL, "abc", 0, HTTP_POST, false, true},
    {"length 0",                   POST "Content-Length: 0\r\n\r\n", "h", "/a", NULL, "", 0, HTTP_POST, false, true},
    {"POST without a body",        POST "\r\n", "h", "/a", NULL, "", 0, HTTP_POST, false, true},
    {"GET with a body",            GET "Host: h\r\nContent-Length: 2\r\n\r\nab", "h", "/a", NULL, "ab", 0, HTTP_GET, false, true},
    {"PUT at the cap",             "PUT / HTTP/1.1\r\nHost: h\r\ncontent-length: 064\r\n\r\n0123456789012345678901234567890123456789012345678901234567890123", "h", "/", NULL,
                                   "0123456789012345678901234567890123456789012345678901234567890123", 0, HTTP_PUT, false, true},
    {"chunks",                     POST "Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n00A\r\n0123456789\r\n0\r\n\r\n", "h", "/a", NULL, "abc0123456789", 0, HTTP_POST, false, true},
    {"chunk extensions, trailer",  "DELETE http://b?q HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;a=\"b c\"\r\na\r\n1 ;x\r\nb\r\n0;z\r\nX: y\r\nHost: z\r\n\r\n",
                                   "b", "/", "q", "ab", 0, HTTP_DELETE, false, true},
};
// clang-format on

START_TEST(refusals)
{
    char buf[2048];
    struct http_message m = {0};
    struct http_wire w = {0};
    size_t have;

    ck_assert_uint_le(refused[_i].n, sizeof buf);
    for (size_t step = 1; step <= refused[_i].n; step++) {
        enum http_step rc = feed_by(refused[_i].text, refused[_i].n, step, buf, &w, &m, &have);

        ck_assert_msg(rc == HTTP_REFUSED, "%s (by %zu): %s", refused[_i].what, step,
                      rc == HTTP_DONE ? "accepted" : "waits for more");
        ck_assert_msg(w.refusal == refused[_i].refusal, "%s (by %zu): %s", refused[_i].what, step,
                      http_refusal_get(w.refusal)->text.p);
    }
    ck_assert_uint_eq(http_refusal_get(w.refusal)->status, refused[_i].status);
}
END_TEST

static bool str_is(struct str s, const char *want)
{
    return want ? s.p && str_eq(s, str_from(want)) : !s.p;
}

/* Whole and in every step; another request's bytes behind it stay untouched. */
START_TEST(acceptances)
{
    const char *what = accepted[_i].what;
    char text[2048], buf[2048];
    struct http_message m = {0};
    struct http_wire w = {0};
    size_t have, n = strlen(accepted[_i].text);

    memcpy(text, accepted[_i].text, n);
    memcpy(text + n, "NEXT", 4);
    for (size_t step = 1; step <= n + 4; step++) {
        enum http_step rc = feed_by(text, n + 4, step, buf, &w, &m, &have);

        ck_assert_msg(rc == HTTP_DONE, "%s (by %zu): %s", what, step,
                      rc == HTTP_MORE ? "waits for more" : http_refusal_get(w.refusal)->text.p);
        ck_assert_msg(str_is(m.request.host, accepted[_i].host), "%s (by %zu): host", what, step);
        ck_assert_msg(str_is(m.request.path, accepted[_i].path), "%s (by %zu): path", what, step);
        ck_assert_msg(str_is(m.request.query, accepted[_i].query), "%s: query", what);
        ck_assert_msg(str_is(m.request.body, accepted[_i].body), "%s (by %zu): body", what, step);
        ck_assert_msg(m.request.target.n ==
                          m.request.path.n + (m.request.query.p ? 1 : 0) + m.request.query.n,
                      "%s: target is path and query", what);
        ck_assert_uint_eq(m.request.host_port, accepted[_i].port);
        ck_assert_int_eq((int)m.request.method, (int)accepted[_i].method);
        ck_assert_int_eq(m.request.is_head, accepted[_i].head);
        ck_assert_msg(m.keep_alive == accepted[_i].keep, "%s: keep-alive", what);
        ck_assert_uint_le(m.used, have);
        ck_assert_msg(memcmp(buf + m.used, "NEXT", have - m.used) == 0, "%s: what follows", what);
        if (step == n + 4)
            ck_assert_uint_eq(have - m.used, 4);
    }
}
END_TEST

START_TEST(headers_are_found_whatever_their_case)
{
    char buf[] = GET "HOST: h\r\nx-Forwarded-FOR:  a, b \r\nX-Forwarded-For: c\r\n\r\n";
    size_t n = sizeof buf - 1;
    struct http_message m = {0};
    struct http_wire w = {0};
    struct str v;

    ck_assert_int_eq((int)http_wire_feed(&w, &limits, buf, &n, &m), (int)HTTP_DONE);
    v = http_request_header(&m.request, STR("X-FORWARDED-FOR"));
    ck_assert(str_eq(v, STR("a, b")));
    ck_assert(http_request_header(&m.request, STR("Cookie")).p == NULL);
}
END_TEST

/* The head, at the cap and one byte over, in the request line and in the fields. */
START_TEST(head_caps)
{
    static const char line[] = "GET /", end[] = " HTTP/1.1\r\nHost: h\r\n\r\n";
    static const char head[] = "GET / HTTP/1.1\r\nHost: h\r\nX: ";
    const size_t max = limits.header_bytes_max;

    for (unsigned in_line = 0; in_line < 2; in_line++)
        for (size_t over = 0; over < 2; over++)
            for (size_t step = 1; step < 1100; step += 7) {
                char text[2048], buf[2048];
                struct http_message m = {0};
                struct http_wire w = {0};
                size_t have;
                enum http_step rc;

                memset(text, 'a', sizeof text);
                memcpy(text, in_line ? line : head, in_line ? sizeof line - 1 : sizeof head - 1);
                if (in_line && over) /* the line alone is over */
                    memcpy(text + max - 10, end, sizeof end - 1);
                else if (in_line)
                    memcpy(text + max - (sizeof end - 1), end, sizeof end - 1);
                else
                    memcpy(text + max - 4 + over, "\r\n\r\n", 4);
                rc = feed_by(text, max + (in_line && over ? 12 : over), step, buf, &w, &m, &have);
                ck_assert_msg(rc == (over ? HTTP_REFUSED : HTTP_DONE), "line %u over %zu by %zu",
                              in_line, over, step);
                if (over)
                    ck_assert_int_eq((int)w.refusal, in_line ? (int)HTTP_REFUSE_URI_LONG
                                                             : (int)HTTP_REFUSE_FIELDS_LONG);
            }
}
END_TEST

START_TEST(too_many_headers)
{
    const struct http_limits wide = {.header_bytes_max = 8192, .body_bytes_max = 0};

    for (unsigned fields = HTTP_HEADERS_MAX; fields <= HTTP_HEADERS_MAX + 1; fields++) {
        char buf[8192] = GET "Host: h\r\n";
        struct http_message m = {0};
        struct http_wire w = {0};
        size_t n = strlen(buf);

        for (unsigned i = 1; i < fields; i++, n += 5)
            memcpy(buf + n, "A:b\r\n", 5);
        memcpy(buf + n, "\r\n", 2);
        n += 2;
        ck_assert_int_eq((int)http_wire_feed(&w, &wide, buf, &n, &m),
                         fields > HTTP_HEADERS_MAX ? (int)HTTP_REFUSED : (int)HTTP_DONE);
        if (fields > HTTP_HEADERS_MAX)
            ck_assert_int_eq((int)w.refusal, (int)HTTP_REFUSE_FIELDS_MANY);
    }
}
END_TEST

START_TEST(trailer_cap)
{
    const char head[] = POST "Transfer-Encoding: chunked\r\n\r\n0\r\n";
    char text[4096], buf[4096];
    struct http_message m = {0};
    struct http_wire w = {0};
    size_t n = sizeof head - 1, have;

    memcpy(text, head, n);
    while (n < 2048)
        n += (size_t)sprintf(text + n, "X: 456\r\n");
    for (size_t step = 1; step < 2048; step += 13) {
        ck_assert_int_eq((int)feed_by(text, n, step, buf, &w, &m, &have), (int)HTTP_REFUSED);
        ck_assert_int_eq((int)w.refusal, (int)HTTP_REFUSE_FIELDS_LONG);
    }
}
END_TEST

/* Property: any chunking of any body, fed in any pieces, gives the body, and never needs much more
 * room than the body itself. */
START_TEST(chunks_in_any_split)
{
    for (unsigned seed = 1; seed <= 3000; seed++) {
        char text[4096], buf[4096], body[64];
        struct http_message m = {0};
        struct http_wire w = {0};
        size_t n, sent = 0, have = 0, body_n;
        enum http_step rc = HTTP_MORE;

        srand(seed);
        body_n = (size_t)rand() % (sizeof body + 1);
        for (size_t i = 0; i < body_n; i++)
            body[i] = (char)rand();
        n = (size_t)sprintf(text, POST "Transfer-Encoding: chunked\r\n\r\n");
        for (size_t at = 0; at < body_n;) {
            size_t take = 1 + (size_t)rand() % (body_n - at);

            n += (size_t)sprintf(text + n, rand() % 2 ? "%zx\r\n" : "%04zX;e=1\r\n", take);
            memcpy(text + n, body + at, take);
            memcpy(text + n + take, "\r\n", 2);
            n += take + 2;
            at += take;
        }
        n += (size_t)sprintf(text + n, "0\r\n%s\r\n", rand() % 2 ? "T: v\r\n" : "");
        while (sent < n && rc == HTTP_MORE) {
            size_t take = 1 + (size_t)rand() % 9;

            take = take < n - sent ? take : n - sent;
            memcpy(buf + have, text + sent, take);
            sent += take;
            have += take;
            rc = http_wire_feed(&w, &limits, buf, &have, &m);
            ck_assert_msg(have <= w.head_end + body_n + 30 || !http_wire_in_body(&w),
                          "seed %u: %zu bytes held", seed, have);
        }
        ck_assert_msg(rc == HTTP_DONE && sent == n, "seed %u", seed);
        ck_assert_msg(m.request.body.n == body_n && memcmp(m.request.body.p, body, body_n) == 0,
                      "seed %u: body", seed);
    }
}
END_TEST

START_TEST(expect_is_seen_before_the_body)
{
    static const struct {
        const char *text;
        bool expects;
    } rows[] = {
        {POST "Expect: 100-Continue\r\nContent-Length: 2\r\n\r\n", true},
        {POST "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n", true},
        {"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n", false},
        {POST "Content-Length: 2\r\n\r\n", false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char buf[256];
        struct http_message m = {0};
        struct http_wire w = {0};
        size_t have;

        ck_assert_int_eq((int)feed_by(rows[i].text, strlen(rows[i].text), 400, buf, &w, &m, &have),
                         (int)HTTP_MORE);
        ck_assert(http_wire_in_body(&w));
        ck_assert_int_eq(w.expects_continue, rows[i].expects);
    }
}
END_TEST

START_TEST(refusal_table_is_whole)
{
    for (int r = HTTP_REFUSE_NONE + 1; r < HTTP_REFUSE_COUNT; r++) {
        const struct http_refusal_info *info = http_refusal_get((enum http_refusal)r);

        ck_assert_msg(info->status >= 400 && info->status <= 505, "%d", r);
        ck_assert_msg(info->text.n > 10 && info->text.p[info->text.n - 1] == '\n', "%d", r);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("http_wire");
    TCase *t = tcase_create("all");
    SRunner *r;
    int failed;

    tcase_add_loop_test(t, refusals, 0, sizeof refused / sizeof refused[0]);
    tcase_add_loop_test(t, acceptances, 0, sizeof accepted / sizeof accepted[0]);
    tcase_add_test(t, headers_are_found_whatever_their_case);
    tcase_add_test(t, head_caps);
    tcase_add_test(t, too_many_headers);
    tcase_add_test(t, trailer_cap);
    tcase_add_test(t, chunks_in_any_split);
    tcase_add_test(t, expect_is_seen_before_the_body);
    tcase_add_test(t, refusal_table_is_whole);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
