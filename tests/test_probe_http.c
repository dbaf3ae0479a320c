#include "router/probe.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define HEAD "HTTP/1.1 200 OK\r\n"

static const struct {
    const char *what, *text;
    enum http_answer_state state; /* behind the text and the peer's close */
    uint16_t status;
    const char *wrong;
} rows[] = {
    {"an answer", HEAD "Server: x\r\nContent-Length: 0\r\n\r\n", HTTP_ANSWER_DONE, 200, NULL},
    {"without headers", "HTTP/1.0 204 No Content\r\n\r\n", HTTP_ANSWER_DONE, 204, NULL},
    {"without a reason phrase", "HTTP/1.1 503\r\n\r\n", HTTP_ANSWER_DONE, 503, NULL},
    {"bare LF", "HTTP/1.1 404 Not Found\nA: b\n\n", HTTP_ANSWER_DONE, 404, NULL},
    {"a folded line", HEAD "A: b\r\n c\r\n\td\r\n\r\n", HTTP_ANSWER_DONE, 200, NULL},
    {"bytes beyond ASCII in a value", HEAD "A: \xff\xc3\xbc\r\n\r\n", HTTP_ANSWER_DONE, 200, NULL},
    {"an empty value, a colon in one", HEAD "A:\r\nB: c:d\r\n\r\n", HTTP_ANSWER_DONE, 200, NULL},
    {"interim answers are read over",
     "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 302 "
     "Found\r\n\r\n",
     HTTP_ANSWER_DONE, 302, NULL},
    {"a switch of protocols is final", "HTTP/1.1 101 S\r\n\r\n", HTTP_ANSWER_DONE, 101, NULL},
    {"the body is not looked at", HEAD "\r\n\001\002\003", HTTP_ANSWER_DONE, 200, NULL},
    {"nothing", "", HTTP_ANSWER_BAD, 0, "closed without an answer"},
    {"another protocol", "SSH-2.0-OpenSSH_9.2p1\r\n", HTTP_ANSWER_BAD, 0, "not an HTTP/1 answer"},
    {"TLS", "\x15\x03\x01\x02\x02P", HTTP_ANSWER_BAD, 0, "not an HTTP/1 answer"},
    {"HTTP/2", "HTTP/2 200\r\n\r\n", HTTP_ANSWER_BAD, 0, "not an HTTP/1 answer"},
    {"lower case", "http/1.1 200 OK\r\n\r\n", HTTP_ANSWER_BAD, 0, "not an HTTP/1 answer"},
    {"no status", "HTTP/1.1 OK\r\n\r\n", HTTP_ANSWER_BAD, 0, "not an HTTP/1 answer"},
    {"status of two digits", "HTTP/1.1 20 OK\r\n\r\n", HTTP_ANSWER_BAD, 20, "not an HTTP/1 answer"},
    {"status of four digits", "HTTP/1.1 2000 OK\r\n\r\n", HTTP_ANSWER_BAD, 200,
     "not an HTTP/1 answer"},
    {"status over 599", "HTTP/1.1 600 X\r\n\r\n", HTTP_ANSWER_BAD, 0, "not an HTTP/1 answer"},
    {"closed inside of the status line", "HTTP/1.1 2", HTTP_ANSWER_BAD, 2,
     "closed inside of the answer's head"},
    {"closed inside of the headers", HEAD "A: b\r\n", HTTP_ANSWER_BAD, 200,
     "closed inside of the answer's head"},
    {"closed behind an interim answer", "HTTP/1.1 100 C\r\n\r\n", HTTP_ANSWER_BAD, 0,
     "closed inside of the answer's head"},
    {"a header without colon", HEAD "Server\r\n\r\n", HTTP_ANSWER_BAD, 200,
     "a header line without a colon"},
    {"a space before the colon", HEAD "Server : x\r\n\r\n", HTTP_ANSWER_BAD, 200,
     "a header line without a colon"},
    {"a header without a name", HEAD ": x\r\n\r\n", HTTP_ANSWER_BAD, 200,
     "a header line that does not begin with a name"},
    {"a fold with nothing above", HEAD " x\r\n\r\n", HTTP_ANSWER_BAD, 200,
     "a header line that does not begin with a name"},
    {"a control character in a value", HEAD "A: \001\r\n\r\n", HTTP_ANSWER_BAD, 200,
     "a control character in the answer's head"},
    {"a control character in the reason", "HTTP/1.1 200 \033[31m\r\n\r\n", HTTP_ANSWER_BAD, 200,
     "a control character in the answer's head"},
    {"a bare CR", HEAD "A: b\rC: d\r\n\r\n", HTTP_ANSWER_BAD, 200, "a CR without its LF"},
    {"a bare CR at the end", HEAD "\rX", HTTP_ANSWER_BAD, 200, "a CR without its LF"},
};

static void check_row(const struct http_answer *a, int row, const char *how)
{
    ck_assert_msg(a->state == rows[row].state && a->status == rows[row].status, "%s, %s: %d %u",
                  rows[row].what, how, a->state, a->status);
    if (rows[row].wrong)
        ck_assert_str_eq(a->wrong, rows[row].wrong);
    else
        ck_assert_ptr_null(a->wrong);
}

START_TEST(heads)
{
    const char *text = rows[_i].text;
    const size_t n = strlen(text);
    struct http_answer whole = {0}, bytewise = {0};

    http_answer_feed(&whole, text, n);
    http_answer_end(&whole);
    check_row(&whole, _i, "whole");
    for (size_t i = 0; i < n; i++)
        http_answer_feed(&bytewise, text + i, 1);
    http_answer_end(&bytewise);
    check_row(&bytewise, _i, "by bytes");
}
END_TEST

START_TEST(nul_in_a_value)
{
    static const char text[] = HEAD "A: \0\r\n\r\n";
    struct http_answer a = {0};

    ck_assert_int_eq(http_answer_feed(&a, text, sizeof text - 1), HTTP_ANSWER_BAD);
}
END_TEST

/* A head without end costs 64 KiB of reading and no memory: then the status decides. */
START_TEST(endless_head)
{
    struct http_answer a = {0};
    size_t n = 0;

    ck_assert_int_eq(http_answer_feed(&a, HEAD, strlen(HEAD)), HTTP_ANSWER_LINE_START);
    while (http_answer_feed(&a, "X: y\r\n", 6) != HTTP_ANSWER_DONE)
        ck_assert_uint_lt(n++, HTTP_ANSWER_MAX);
    ck_assert_uint_eq(a.status, 200);
    ck_assert_uint_eq(a.seen, HTTP_ANSWER_MAX + 1);

    a = (struct http_answer){0}; /* interim answers without end have no status */
    while (http_answer_feed(&a, "HTTP/1.1 100 C\r\n\r\n", 18) < HTTP_ANSWER_DONE)
        ;
    ck_assert(a.state == HTTP_ANSWER_BAD || a.status == 100);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("probe_http");
    TCase *c = tcase_create("probe_http");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(c, heads, 0, (int)(sizeof rows / sizeof *rows));
    tcase_add_test(c, nul_in_a_value);
    tcase_add_test(c, endless_head);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
