#include "base/json_push.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "base/hash.h"
#include "json_oracle.h"

/* Every kind of thing a JSON text can do right or wrong; jansson is asked about each. */
static const char *const corpus[] = {
    "",
    " ",
    "\n",
    "{}",
    "[]",
    " [ ] ",
    "[[]]",
    "{\"a\":{}}",
    "{\"a\":[1,2,{\"b\":null}]}",
    "true",
    "false",
    "null",
    "tru",
    "truex",
    "True",
    "nul",
    "nulll",
    "truefalse",
    "true1",
    "NaN",
    "Infinity",
    "-Infinity",
    "undefined",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "0",
    "-0",
    "1",
    "-1",
    "12",
    "1.5",
    "-1.5",
    "0.1",
    "1e3",
    "1E3",
    "1e+3",
    "1e-3",
    "1.25e2",
    "01",
    "-01",
    "00",
    "-",
    "+1",
    ".5",
    "1.",
    "1.e3",
    "1e",
    "1e+",
    "--1",
    "1-",
    "1.2.3",
    "0x10",
    "1e308",
    "1e309",
    "1e999",
    "-1e999",
    "1e-999",
    "5e-324",
    "2.2250738585072011e-308",
    "9007199254740991",
    "9007199254740992",
    "9007199254740993",
    "9007199254740994",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999999999",
    "123456789012345678",
    "1234567890123456789",
    "12345678901234567890",
    "0.30000000000000004",
    "0.1234567890123456789",
    "179769313486231580793728971405301e276",
    "1.7976931348623157e308",
    "1.7976931348623159e308",
    "123456789.123456789",
    "4.35",
    "0.000001",
    "1e23",
    "8.5e22",
    "\"\"",
    "\"a\"",
    "\"plain text of more than eight\"",
    "\"a",
    "\"",
    "\"\\",
    "\"\\\"",
    "\"a\"b",
    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
    "\"\\x\"",
    "\"\\u0041\"",
    "\"\\u00e9\\u20ac\"",
    "\"\\u004\"",
    "\"\\u\"",
    "\"\\u00g0\"",
    "\"\\u0000\"",
    "\"\\ud834\\udd1e\"",
    "\"\\ud834\"",
    "\"\\udd1e\"",
    "\"\\ud834\\u0041\"",
    "\"\\ud834x\"",
    "\"\\ud834\\udd1\"",
    "\"\\udbff\\udfff\"",
    "\"tab\there\"",
    "\"new\nline\"",
    "\"del\x7f\"",
    "\"caf\xc3\xa9\"",
    "\"caf\xc3\xa9 \\n \xc3\xa9\"",
    "\"\xe2\x82\xac\"",
    "\"\xf0\x9d\x84\x9e\"",
    "\"\xff\"",
    "\"\xc3\"",
    "\"\xc3(\"",
    "\"\xc0\xaf\"",
    "\"\xe0\x80\xaf\"",
    "\"\xed\xa0\x80\"",
    "\"\xf4\x90\x80\x80\"",
    "\"\xf8\x88\x80\x80\x80\"",
    "\"\x80\"",
    "\xef\xbb\xbf{}",
    "\xff\xfe{",
    "\xc3\xa9",
    "{\"\xff\":1}",
    "{\"caf\xc3\xa9\":1}",
    "{",
    "}",
    "[",
    "]",
    "[1",
    "[1,",
    "[1,]",
    "[,1]",
    "[1 2]",
    "[1}",
    "{]",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{,}",
    "{\"a\":1 \"b\":2}",
    "{a:1}",
    "{'a':1}",
    "{1:1}",
    "{\"a\" 1}",
    "{\"a\"::1}",
    "{\"a\":1}}",
    "[1]]",
    "[1]x",
    "1 2",
    "{} {}",
    "[1]\n\n",
    "{\"a\":1,\"a\":2}",
    "[1,\n2,\n x]",
    "{\"\":1}",
    "{\"a\\u0000b\":1}",
    "// no\n1",
    "/* no */1",
    "[1]#",
    "\f1",
    "\v1",
    "[\"a\",\"b\"]",
    "[true,false,null]",
    "[-]",
    "[1e999]",
    "[\"\\ud800\"]",
    "{\"a\\nb\":\"\\u00e9\"}",
};

START_TEST(agrees_with_jansson)
{
    const char *text = corpus[_i];

    for (size_t piece = 1; piece < 12; piece++) {
        const char *why = oracle_differs(text, strlen(text), piece);

        ck_assert_msg(!why, "%s: %s", text, why);
    }
}
END_TEST

/* A NUL byte is neither white space nor text, wherever it stands. */
START_TEST(agrees_on_nul_bytes)
{
    static const char texts[][4] = {{'1', 0, '1', ' '}, {0, '1', ' ', ' '}, {'"', 'a', 0, '"'},
                                    {'[', 0, ']', ' '}, {'1', ' ', ' ', 0}, {'[', '1', 0, ']'}};
    const char *why = oracle_differs(texts[_i], 4, 1);
    struct oracle_tree t = {0};
    struct err e = {0};

    ck_assert_msg(!why, "%s", why);
    ck_assert_int_eq(oracle_read(texts[_i], 4, 4, &t, &e), ERR_PARSE);
    oracle_free(&t);
}
END_TEST

static uint64_t next_random(uint64_t *state)
{
    return *state = hash_mix(*state, 0x5851f42d4c957f2d);
}

/* Texts of the corpus pasted into each other, with bytes changed, cut and doubled. */
START_TEST(agrees_on_mutations)
{
    static const char bytes[] =
        "{}[]\",:\\u0123456789.eE+-truefalsn \n\x80\xc3\xa9\xed\xf0\xff\x01";
    const size_t n = sizeof corpus / sizeof *corpus;
    uint64_t seed = 20260 + (unsigned)_i, state = seed;

    for (unsigned round = 0; round < 4000; round++) {
        char text[256] = "";
        size_t len, edits = next_random(&state) % 5;
        const char *why;

        snprintf(text, sizeof text, next_random(&state) & 1 ? "[%s,{\"k\":%s}]" : "{\"%s\":[%s]}",
                 corpus[next_random(&state) % n], corpus[next_random(&state) % n]);
        len = strlen(text);
        for (size_t k = 0; k < edits && len; k++) {
            size_t at = next_random(&state) % len;

            if (next_random(&state) % 3)
                text[at] = bytes[next_random(&state) % (sizeof bytes - 1)];
            else
                len = at;
        }
        why = oracle_differs(text, len, 1 + next_random(&state) % 9);
        ck_assert_msg(!why, "seed %llu round %u: %s: %s", (unsigned long long)seed, round, text,
                      why);
    }
}
END_TEST

static enum err_code take_number(void *ctx, struct json_push *j, const struct json_event *ev,
                                 struct err *e)
{
    (void)j;
    (void)e;
    if (ev->kind == JSON_PUSH_NUMBER)
        *(double *)ctx = ev->number;
    return ERR_OK;
}

static enum err_code read_text(const char *text, size_t n, const struct json_push_limits *limits,
                               json_push_fn *fn, void *ctx, struct err *e)
{
    struct json_push *j = json_push_new(NULL, limits, fn, ctx);
    enum err_code rc = json_push_feed(j, text, n, e);

    if (rc == ERR_OK)
        rc = json_push_end(j, e);
    json_push_free(j);
    return rc;
}

/* Bit for bit what the C library reads: the short way (Clinger) and the long way both. */
START_TEST(numbers_are_exact)
{
    uint64_t state = 7;

    for (unsigned i = 0; i < 100000; i++) {
        struct err e = {0};
        char text[64];
        double got = -1;
        int n = snprintf(text, sizeof text, "%s%llu.%0*llu", i & 1 ? "-" : "",
                         (unsigned long long)(next_random(&state) >> (next_random(&state) % 64)),
                         (int)(1 + next_random(&state) % 12),
                         (unsigned long long)(next_random(&state) % 1000000));

        if (i % 3 == 0)
            *strchr(text, '.') = '\0';
        ck_assert_int_eq(read_text(text, strlen(text), NULL, take_number, &got, &e), ERR_OK);
        ck_assert_msg(got == strtod(text, NULL) && n > 0, "%s", text);
    }
}
END_TEST

static enum err_code take_nothing(void *ctx, struct json_push *j, const struct json_event *ev,
                                  struct err *e)
{
    (void)ctx;
    (void)j;
    (void)ev;
    (void)e;
    return ERR_OK;
}

static const struct {
    const char *what, *text;
    enum err_code rc;
    const char *error;
} errors[] = {
    {"position counts lines and bytes", "{\n  \"a\": 1,\n  b\n}", ERR_PARSE,
     "3:3: 'b' stands where a key in double quotes should be"},
    {"end of text", "[1,\n2", ERR_PARSE, "2:2: the text ends where a comma or ] should be"},
    {"end inside a string says where it began", "[\n\"abc", ERR_PARSE,
     "2:1: the text ends inside this string"},
    {"escape", "[\"ab\\q\"]", ERR_PARSE, "1:5: behind a backslash goes one of \" \\ / b f n r t u"},
    {"control character", "[\"ab\n\"]", ERR_PARSE,
     "1:5: a control character in a string is written as an escape"},
    {"bytes that are not UTF-8", "[\"abcdefghijkl\xff\"]", ERR_PARSE, "1:15: not UTF-8"},
    {"number", "[1, 007]", ERR_PARSE, "1:5: \"007\" is not a number as JSON writes them"},
    {"number too large", "[1e999]", ERR_PARSE,
     "1:2: 1e999 is beyond what a double holds, about 1.8e308 at most"},
    {"word", "[nope]", ERR_PARSE, "1:2: \"nope\" is none of true, false and null"},
    {"two values", "1 2", ERR_PARSE, "1:3: '2' stands where the end of the text should be"},
    {"empty", "", ERR_PARSE, "1:1: the text ends where a value should be"},
    {"no bracket in an object", "{\"a\":1]", ERR_PARSE,
     "1:7: ']' stands where a comma or } should be"},
    {"byte order mark", "\xef\xbb\xbf{}", ERR_PARSE, "1:1: '\\xef' stands where a value should be"},
    {"depth", "[[[[[[1]]]]]]", ERR_LIMIT, "1:5: nested deeper than 4 levels"},
    {"string over its limit", "[\"12345678901234567\"]", ERR_LIMIT,
     "1:2: a string of more than 16 bytes"},
    {"unclosed string over its limit", "[\"12345678901234567", ERR_LIMIT,
     "1:2: a string of more than 16 bytes"},
    {"text over its limit", "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]", ERR_LIMIT,
     "1:41: more than 40 bytes of text"},
    {"an error before the limit comes first", "[1,2,x,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19]",
     ERR_PARSE, "1:6: \"x\" is none of true, false and null"},
};

START_TEST(error_texts)
{
    const struct json_push_limits limits = {.bytes_max = 40, .string_max = 16, .depth_max = 4};
    size_t n = strlen(errors[_i].text);
    struct err e = {0}, cut = {0};
    struct json_push *j = json_push_new(NULL, &limits, take_nothing, NULL);
    enum err_code rc = ERR_OK;

    ck_assert_msg(read_text(errors[_i].text, n, &limits, take_nothing, NULL, &e) == errors[_i].rc,
                  "%s: %s", errors[_i].what, e.text);
    ck_assert_str_eq(e.text, errors[_i].error);
    for (size_t i = 0; i < n && rc == ERR_OK; i++)
        rc = json_push_feed(j, &errors[_i].text[i], 1, &cut);
    if (rc == ERR_OK)
        rc = json_push_end(j, &cut);
    json_push_free(j);
    ck_assert_int_eq(rc, errors[_i].rc);
    ck_assert_str_eq(cut.text, errors[_i].error);
}
END_TEST

/* The bombs: depth, one endless string, one endless number; each ends at its limit, with memory for
 * one token alone. */
START_TEST(bombs)
{
    static const struct {
        char first, fill;
        const char *error;
    } rows[] = {{'[', '[', "nested deeper than 64 levels"},
                {'"', 'x', "a string of more than 65536 bytes"},
                {'1', '1', "a number of more than 1024 bytes"}};
    char piece[4096];
    struct json_push *j = json_push_new(NULL, NULL, take_nothing, NULL);
    struct err e = {0};
    enum err_code rc = json_push_feed(j, &rows[_i].first, 1, &e);

    memset(piece, rows[_i].fill, sizeof piece);
    for (unsigned i = 0; i < 1000 && rc == ERR_OK; i++)
        rc = json_push_feed(j, piece, sizeof piece, &e);
    ck_assert_int_eq(rc, ERR_LIMIT);
    ck_assert_msg(strstr(e.text, rows[_i].error), "%s", e.text);
    ck_assert_int_eq(json_push_feed(j, "1", 1, &e), ERR_LIMIT);
    ck_assert_int_eq(json_push_end(j, &e), ERR_LIMIT);
    json_push_free(j);
}
END_TEST

struct skipper {
    unsigned events, depth;
};

static enum err_code skip_b(void *ctx, struct json_push *j, const struct json_event *ev,
                            struct err *e)
{
    struct skipper *s = ctx;

    s->events++;
    s->depth = json_push_depth(j);
    if (ev->kind == JSON_PUSH_KEY && str_eq(ev->text, STR("b")))
        json_push_skip(j);
    if (ev->kind == JSON_PUSH_STRING && str_eq(ev->text, STR("stop")))
        return err_set(e, ERR_CONFLICT, "told to stop");
    return ERR_OK;
}

static const struct {
    const char *what, *text;
    enum err_code rc;
    unsigned events;
} skips[] = {
    {"nothing skipped", "{\"a\":1}", ERR_OK, 4},
    {"a scalar", "{\"b\":1,\"a\":2}", ERR_OK, 5},
    {"an object", "{\"b\":{\"b\":[1,{\"b\":2}],\"x\":{}},\"a\":2}", ERR_OK, 5},
    {"an array", "{\"b\":[\"stop\",[[\"stop\"]],{\"a\":1}],\"a\":2}", ERR_OK, 5},
    {"an empty object", "{\"b\":{},\"a\":2}", ERR_OK, 5},
    {"what is skipped is checked", "{\"b\":{\"x\":01},\"a\":2}", ERR_PARSE, 2},
    {"two in a row", "{\"b\":[],\"b\":null,\"a\":{\"b\":1}}", ERR_OK, 8},
    {"the callback's error ends it", "{\"a\":\"stop\",\"b\":1}", ERR_CONFLICT, 3},
};

START_TEST(skipping)
{
    struct skipper s = {0};
    struct err e = {0};

    ck_assert_msg(read_text(skips[_i].text, strlen(skips[_i].text), NULL, skip_b, &s, &e) ==
                      skips[_i].rc,
                  "%s: %s", skips[_i].what, e.text);
    ck_assert_msg(s.events == skips[_i].events, "%s: %u events", skips[_i].what, s.events);
    if (skips[_i].rc == ERR_CONFLICT)
        ck_assert_str_eq(e.text, "1:6: told to stop");
}
END_TEST

START_TEST(files)
{
    static const struct {
        const char *path;
        enum err_code rc;
        const char *error;
    } rows[] = {
        {TEST_DATA "/rfc7285/11.2.1.7-networkmap.json", ERR_OK, ""},
        {TEST_DATA "/rfc7285/nobody.json", ERR_IO, "cannot be opened: No such file or directory"},
        {TEST_DATA, ERR_IO, "is not a regular file"},
        {TEST_DATA "/rfc7285/README.md", ERR_PARSE, ":1:1: '#' stands where a value should be"},
    };
    struct json_push *j = json_push_new(rows[_i].path, NULL, take_nothing, NULL);
    struct err e = {0};

    ck_assert_int_eq(json_push_file(j, rows[_i].path, &e), rows[_i].rc);
    if (rows[_i].rc != ERR_OK) {
        ck_assert_int_eq(strncmp(e.text, rows[_i].path, strlen(rows[_i].path)), 0);
        ck_assert_msg(strstr(e.text, rows[_i].error), "%s", e.text);
    }
    json_push_free(j);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("json_push");
    TCase *t = tcase_create("json_push");
    SRunner *r;
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, agrees_with_jansson, 0, sizeof corpus / sizeof *corpus);
    tcase_add_loop_test(t, agrees_on_nul_bytes, 0, 6);
    tcase_add_loop_test(t, agrees_on_mutations, 0, 8);
    tcase_add_test(t, numbers_are_exact);
    tcase_add_loop_test(t, error_texts, 0, sizeof errors / sizeof *errors);
    tcase_add_loop_test(t, bombs, 0, 3);
    tcase_add_loop_test(t, skipping, 0, sizeof skips / sizeof *skips);
    tcase_add_loop_test(t, files, 0, 4);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
