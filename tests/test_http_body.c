#include "base/http_answer_read.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define HEAD    "HTTP/1.1 200 OK\r\n"
#define CHUNKED HEAD "Transfer-Encoding: chunked\r\n\r\n"
#define MAX     64u

static const struct {
    const char *what, *text;
    const char *body;  /* NULL: bad */
    const char *wrong; /* ... for this */
} rows[] = {
    {"a length", HEAD "Content-Length: 5\r\n\r\nhello", "hello", NULL},
    {"what is behind the length is not read", HEAD "Content-Length: 5\r\n\r\nhelloX", "hello",
     NULL},
    {"a length of 0", HEAD "Content-Length: 0\r\n\r\nX", "", NULL},
    {"a field's name in any case, space around", HEAD "cOnTent-leNgth: \t 2 \t \r\n\r\nab", "ab",
     NULL},
    {"the same length twice", HEAD "Content-Length: 2\r\nContent-Length: 2\r\n\r\nab", "ab", NULL},
    {"to the end of the connection", HEAD "\r\nall of it", "all of it", NULL},
    {"nothing, to the end of the connection", HEAD "\r\n", "", NULL},
    {"chunks", CHUNKED "5\r\nhello\r\n0006\r\n world\r\n0\r\n\r\n", "hello world", NULL},
    {"sizes in hexadecimal", CHUNKED "a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n",
     "01234567890123456789a", NULL},
    {"chunk extensions and trailers",
     CHUNKED "2;a=b;c=\"d\"\r\nab\r\n1 ;x\r\nc\r\n0;y\r\nA: b\r\nC: d\r\n\r\n", "abc", NULL},
    {"the coding's name in any case", HEAD "Transfer-Encoding: Chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
     "a", NULL},
    {"an answer that has no body", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", "",
     NULL},
    {"identity is no coding", HEAD "Content-Encoding: identity\r\n\r\nab", "ab", NULL},
    {"of interim answers nothing stays",
     "HTTP/1.1 103 Early\r\nContent-Length: 9\r\n\r\n" HEAD "Content-Length: 1\r\n\r\na", "a",
     NULL},
    {"a folded length", HEAD "Content-Length:\r\n  3\r\n\r\nabc", "abc", NULL},

    {"too short", HEAD "Content-Length: 5\r\n\r\nhell", NULL, "closed inside of the body"},
    {"no end of the chunks", CHUNKED "5\r\nhello\r\n", NULL, "closed inside of the body"},
    {"cut inside of a chunk", CHUNKED "5\r\nhel", NULL, "closed inside of the body"},
    {"cut inside of the trailers", CHUNKED "0\r\nA: b\r\n", NULL, "closed inside of the body"},
    {"two lengths", HEAD "Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc", NULL,
     "the Content-Length is not one number"},
    {"no number", HEAD "Content-Length: five\r\n\r\nhello", NULL,
     "the Content-Length is not one number"},
    {"a sign", HEAD "Content-Length: +5\r\n\r\nhello", NULL,
     "the Content-Length is not one number"},
    {"nothing", HEAD "Content-Length:\r\n\r\nhello", NULL, "the Content-Length is not one number"},
    {"a comma too many", HEAD "Content-Length: 5,\r\n\r\nhello", NULL,
     "the Content-Length is not one number"},
    {"over 64 bits", HEAD "Content-Length: 18446744073709551621\r\n\r\nhello", NULL,
     "the Content-Length is not one number"},
    {"a length over the limit", HEAD "Content-Length: 65\r\n\r\n", NULL,
     "the body is longer than it may be"},
    {"a chunk over the limit", CHUNKED "41\r\n", NULL, "the body is longer than it may be"},
    {"chunks over the limit", CHUNKED "1\r\na\r\n40\r\n", NULL,
     "the body is longer than it may be"},
    {"no end, over the limit",
     HEAD "\r\n0123456789012345678901234567890123456789012345678901234567890123X", NULL,
     "the body is longer than it may be"},
    {"a length and chunks", HEAD "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     NULL, "both a Transfer-Encoding and a Content-Length"},
    {"another coding", HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", NULL,
     "a Transfer-Encoding other than chunked"},
    {"a coding twice", HEAD "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
     NULL, "a Transfer-Encoding other than chunked"},
    {"compressed", HEAD "Content-Encoding: gzip\r\n\r\n\x1f\x8b", NULL,
     "the body is compressed, which was not asked for"},
    {"no size", CHUNKED "\r\n", NULL, "a chunk's size is not a number"},
    {"a size that is none", CHUNKED "g\r\n", NULL, "a chunk's size is not a number"},
    {"a size with a sign", CHUNKED "-1\r\n", NULL, "a chunk's size is not a number"},
    {"a size of 17 digits", CHUNKED "00000000000000001\r\na", NULL,
     "a chunk's size is not a number"},
    {"a bare LF", CHUNKED "1\na", NULL, "a chunk's size is not a number"},
    {"a CR alone", CHUNKED "1\ra", NULL, "a chunk's size without its end of line"},
    {"a chunk longer than it says", CHUNKED "1\r\nab\r\n", NULL, "a chunk is longer than its size"},
    {"a control character", CHUNKED "1;\001\r\na\r\n", NULL, "a control character in a chunk"},
    {"a trailer's bare CR", CHUNKED "0\r\nA\rB\r\n", NULL, "a trailer without its end of line"},
};

/* Head and body, in pieces of `step` bytes, into out. */
static const char *read_whole(const char *text, size_t n, size_t step, struct bytes *out)
{
    struct http_answer a = {0};
    struct http_body b = {.out = out};
    bool in_body = false;

    for (size_t i = 0; i < n; i += step) {
        const size_t piece = n - i < step ? n - i : step, before = a.seen;
        size_t head = 0;

        if (!in_body) {
            http_answer_feed(&a, text + i, piece);
            head = a.seen - before;
            if (a.state < HTTP_ANSWER_DONE)
                continue;
            ck_assert_int_eq(a.state, HTTP_ANSWER_DONE);
            http_body_begin(&b, &a, out, MAX);
            in_body = true;
        }
        http_body_feed(&b, text + i + head, piece - head);
    }
    ck_assert(in_body);
    http_body_end(&b);
    ck_assert(b.state == HTTP_BODY_DONE || b.state == HTTP_BODY_BAD);
    ck_assert((b.state == HTTP_BODY_BAD) == (b.wrong != NULL));
    return b.wrong;
}

/* Conformance: T-01. */
START_TEST(bodies)
{
    const size_t n = strlen(rows[_i].text);

    for (size_t step = 1; step <= n; step++) {
        struct bytes out = {0};
        const char *wrong = read_whole(rows[_i].text, n, step, &out);

        if (rows[_i].body)
            ck_assert_msg(!wrong && out.len == strlen(rows[_i].body) &&
                              (out.len == 0 || memcmp(out.data, rows[_i].body, out.len) == 0),
                          "%s, by %zu: %s \"%.*s\"", rows[_i].what, step, wrong ? wrong : "",
                          (int)out.len, out.data);
        else
            ck_assert_msg(wrong && strcmp(wrong, rows[_i].wrong) == 0, "%s, by %zu: %s",
                          rows[_i].what, step, wrong ? wrong : "no error");
        ck_assert_uint_le(out.len, MAX);
        bytes_free(&out);
    }
}
END_TEST

/* What goes on without end, each in its way. */
START_TEST(without_end)
{
    static const char *const endless[] = {";extension", "X: y\r\n"};

    for (unsigned i = 0; i < 2; i++) {
        struct http_answer a = {0};
        struct bytes out = {0};
        struct http_body b;
        size_t n = 0;

        http_answer_feed(&a, CHUNKED, strlen(CHUNKED));
        http_body_begin(&b, &a, &out, MAX);
        http_body_feed(&b, i ? "0\r\n" : "1", i ? 3 : 1);
        while (http_body_feed(&b, endless[i], strlen(endless[i])) < HTTP_BODY_DONE)
            ck_assert_uint_lt(n++, HTTP_BODY_FRAMING_MAX);
        ck_assert_str_eq(b.wrong, "chunk extensions or trailers are too long");
        bytes_free(&out);
    }
}
END_TEST

START_TEST(values)
{
    static const char head[] = HEAD "access-control-allow-origin: https://a.example \t\r\n"
                                    "Content-Type:text/plain;\r\n charset=utf-8\r\n"
                                    "Access-Control-Allow-Origin: \t*\r\n"
                                    "Content-Typed: x\r\nContent-Typ: x\r\n\r\n";
    static const char end[] = "5\r\n\r\nhello";
    char longer[2 * HTTP_KEPT_MAX] = HEAD "Content-Length: ";
    struct http_answer a = {0};
    struct bytes out = {0};
    struct http_body b;
    struct str v;

    ck_assert_int_eq(http_answer_feed(&a, head, sizeof head - 1), HTTP_ANSWER_DONE);
    v = http_answer_value(&a, HTTP_ALLOW_ORIGIN);
    ck_assert_msg(str_eq(v, STR("https://a.example, *")), "%.*s", (int)v.n, v.p);
    v = http_answer_value(&a, HTTP_CONTENT_TYPE);
    ck_assert_msg(str_eq(v, STR("text/plain; charset=utf-8")), "%.*s", (int)v.n, v.p);
    ck_assert(!a.kept[HTTP_CONTENT_LENGTH].there);

    memset(longer + strlen(longer), '0', HTTP_KEPT_MAX + 72); /* what was cut is not believed */
    memcpy(longer + strlen(longer), end, sizeof end);
    a = (struct http_answer){0};
    ck_assert_int_eq(http_answer_feed(&a, longer, strlen(longer)), HTTP_ANSWER_DONE);
    ck_assert_int_eq(http_body_begin(&b, &a, &out, MAX), HTTP_BODY_BAD);
    ck_assert_str_eq(b.wrong, "a header that says how the body comes is too long");
    a.cut = true;
    ck_assert_int_eq(http_body_begin(&b, &a, &out, MAX), HTTP_BODY_BAD);
    ck_assert_str_eq(b.wrong, "the answer's head is too long");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("http_body");
    TCase *c = tcase_create("http_body");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(c, bodies, 0, (int)(sizeof rows / sizeof *rows));
    tcase_add_test(c, without_end);
    tcase_add_test(c, values);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
