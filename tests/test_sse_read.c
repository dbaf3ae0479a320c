#include "alto/sse_read.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "alto/sse_write.h"
#include "base/hash.h"

/* "event|data|id;" for each event. */
struct seen {
    struct bytes text;
    unsigned refuse_at, count;
};

static enum err_code on_event(void *ctx, const struct sse_event *ev, struct err *e)
{
    struct seen *s = ctx;

    if (++s->count == s->refuse_at)
        return err_set(e, ERR_CONFLICT, "the reader said so");
    ck_assert(bytes_printf(&s->text, "%.*s|%.*s|%.*s;", (int)ev->event.n, ev->event.p,
                           (int)ev->data.n, ev->data.n ? ev->data.p : "", (int)ev->id.n,
                           ev->id.n ? ev->id.p : ""));
    return ERR_OK;
}

// clang-format off
static const struct {
    const char *what;
    const char *text;
    size_t n; /* 0: strlen */
    const char *events;
    uint64_t retry_ms;
} rows[] = {
    {"one event", "event: a/b,1\ndata: {}\n\n", 0, "a/b,1|{}|;", 0},
    {"lines are joined with line feeds", "data: {\ndata:  \"a\": 1\ndata: }\n\n", 0, "message|{\n \"a\": 1\n}|;", 0},
    {"one blank is no part of the value", "data:x\n\ndata:  x\n\ndata: x \n\n", 0, "message|x|;message| x|;message|x |;", 0},
    {"a carriage return ends a line", "event: e\rdata: 1\r\r", 0, "e|1|;", 0},
    {"so do both together", "event: e\r\ndata: 1\r\ndata: 2\r\n\r\n", 0, "e|1\n2|;", 0},
    {"mixed", "data: 1\r\ndata: 2\rdata: 3\n\r\ndata: 4\n\r", 0, "message|1\n2\n3|;message|4|;", 0},
    {"a line feed and a carriage return are two ends", "data: 1\n\rdata: 2\n\n", 0, "message|1|;message|2|;", 0},
    {"comments are ignored", ":\n: hello\ndata: 1\n:data: 2\n\n:\n\n", 0, "message|1|;", 0},
    {"a byte order mark", "\xef\xbb\xbf" "data: 1\n\n", 0, "message|1|;", 0},
    {"a second one is part of a name", "\xef\xbb\xbf\xef\xbb\xbf" "data: 1\n\n", 0, "", 0},
    {"half of one", "\xef\xbb" "data: 1\n\ndata: 2\n\n", 0, "message|2|;", 0},
    {"one that is not in front", "data: 1\n\n\xef\xbb\xbf" "data: 2\n\n", 0, "message|1|;", 0},
    {"no event without data", "event: e\n\nid: 7\n\ndata: 1\n\n", 0, "message|1|7;", 0},
    {"an empty data line is data", "data\n\ndata:\n\ndata\ndata\n\n", 0, "message||;message||;message|\n|;", 0},
    {"the last event field holds", "event: a\nevent: b\ndata: 1\n\n", 0, "b|1|;", 0},
    {"behind the data, too", "data: 1\nevent: a\n\n", 0, "a|1|;", 0},
    {"and for one event", "event: a\ndata: 1\n\ndata: 2\n\n", 0, "a|1|;message|2|;", 0},
    {"an empty one is none", "event: a\nevent\ndata: 1\n\n", 0, "message|1|;", 0},
    {"ids stay", "id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n", 0, "message|a|1;message|b|1;message|c|;", 0},
    {"but not one with a NUL", "id: 1\ndata: a\n\nid: 2\0" "\ndata: b\n\n", 31, "message|a|1;message|b|1;", 0},
    {"retry", "retry: 1500\ndata: 1\n\n", 0, "message|1|;", 1500},
    {"a retry that is no number", "retry: 20\n\nretry: 1s\n\nretry: -1\n\nretry:\n\nretry: 99999999999999999999\n\n", 0, "", 20},
    {"fields of others", "datum: 1\ndat: 2\ndata : 3\nDATA: 4\n data: 5\ndata1: 6\nid2: 1\ndata: 7\n\n", 0, "message|7|;", 0},
    {"a colon in a value", "data: a:b\n\ndata::\n\n", 0, "message|a:b|;message|:|;", 0},
    {"what the blank line has not ended is no event", "data: 1\n\ndata: 2\n", 0, "message|1|;", 0},
    {"nothing", "", 0, "", 0},
};
// clang-format on

/* Fed in pieces of k bytes, each in memory of its own. */
static void feed(struct sse_read *r, const char *p, size_t n, size_t k)
{
    for (size_t at = 0; at < n; at += k) {
        size_t piece = n - at < k ? n - at : k;
        char *copy = malloc(piece);
        struct err e = {0};

        memcpy(copy, p + at, piece);
        ck_assert_msg(sse_read_feed(r, copy, piece, &e) == ERR_OK, "%s", e.text);
        free(copy);
    }
}

/* Conformance: U-18. */
START_TEST(any_cut)
{
    size_t n = rows[_i].n ? rows[_i].n : strlen(rows[_i].text);

    for (size_t k = 1; k <= n + 1; k++) {
        struct seen s = {0};
        struct sse_read *r = sse_read_new(NULL, on_event, &s);

        ck_assert_ptr_nonnull(r);
        feed(r, rows[_i].text, n, k);
        ck_assert_msg(s.text.len == strlen(rows[_i].events) &&
                          memcmp(s.text.len ? s.text.data : "", rows[_i].events, s.text.len) == 0,
                      "%s, in pieces of %zu: %.*s", rows[_i].what, k, (int)s.text.len,
                      s.text.len ? s.text.data : "");
        ck_assert_uint_eq(sse_read_retry_ms(r), rows[_i].retry_ms);
        sse_read_free(r);
        bytes_free(&s.text);
    }
}
END_TEST

static enum err_code feed_text(const struct sse_limits *limits, const char *text, struct seen *s,
                               struct err *e)
{
    struct sse_read *r = sse_read_new(limits, on_event, s);
    enum err_code rc = ERR_OK, again;
    struct err second = {0};

    for (const char *p = text; *p && rc == ERR_OK; p++)
        rc = sse_read_feed(r, p, 1, e);
    again = sse_read_feed(r, "\n", 1, &second);
    ck_assert_int_eq(again, rc);
    ck_assert(rc == ERR_OK || strcmp(second.text, e->text) == 0);
    sse_read_free(r);
    bytes_free(&s->text);
    return rc;
}

START_TEST(limits)
{
    static const struct {
        const char *what, *text;
        struct sse_limits limits;
        enum err_code rc;
    } bounds[] = {
        {"data at the limit", "data: 1234\ndata: 567\n\n", {.data_max = 8}, ERR_OK},
        {"data over it", "data: 1234\ndata: 5678\n\n", {.data_max = 8}, ERR_LIMIT},
        {"over it in one line", "data: 123456789\n\n", {.data_max = 8}, ERR_LIMIT},
        {"each event has its own", "data: 12345678\n\ndata: 12345678\n\n", {.data_max = 8}, ERR_OK},
        {"a line at the limit", "data: 12\n", {.line_max = 8}, ERR_OK},
        {"a line over it", "data: 123\n", {.line_max = 8}, ERR_LIMIT},
        {"a comment over it", ": 1234567\n", {.line_max = 8}, ERR_LIMIT},
        {"empty data lines", "data\ndata\ndata\n\n", {.lines_max = 3}, ERR_OK},
        {"too many of them", "data\ndata\ndata\ndata\n\n", {.lines_max = 3}, ERR_LIMIT},
    };

    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        struct seen s = {0};
        struct err e = {0};

        ck_assert_msg(feed_text(&bounds[i].limits, bounds[i].text, &s, &e) == bounds[i].rc,
                      "%s: %s", bounds[i].what, e.text);
    }
}
END_TEST

START_TEST(long_names)
{
    char text[SSE_NAME_MAX + 32] = "event: ";
    struct seen s = {0};
    struct err e = {0};

    memset(text + 7, 'x', SSE_NAME_MAX);
    ck_assert_int_eq(feed_text(NULL, text, &s, &e), ERR_OK);
    text[7 + SSE_NAME_MAX] = 'x';
    ck_assert_int_eq(feed_text(NULL, text, &s, &e), ERR_LIMIT);
}
END_TEST

START_TEST(refused)
{
    struct seen s = {.refuse_at = 2};
    struct err e = {0};

    ck_assert_int_eq(feed_text(NULL, "data: 1\n\ndata: 2\n\ndata: 3\n\n", &s, &e), ERR_CONFLICT);
    ck_assert_str_eq(e.text, "the reader said so");
    ck_assert_uint_eq(s.count, 2);
}
END_TEST

START_TEST(split)
{
    static const struct {
        const char *event, *type, *id; /* type NULL: ERR_PARSE */
    } events[] = {
        {"application/alto-costmap+json,2", "application/alto-costmap+json", "2"},
        {"application/merge-patch+json,my-pv.ecs", "application/merge-patch+json", "my-pv.ecs"},
        {"multipart/related;type=\"a,b\",x", "multipart/related;type=\"a,b\"", "x"},
        {"multipart/related;type=\"a\\\",b\",x", "multipart/related;type=\"a\\\",b\"", "x"},
        {"a/b,c,d", "a/b", "c,d"},
        {"message", NULL, NULL},
        {"a/b,", NULL, NULL},
        {",x", NULL, NULL},
        {"", NULL, NULL},
        {"a/b;q=\",x", NULL, NULL},
    };

    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        struct str type = {0}, id = {0};
        struct err e = {0};
        enum err_code rc = sse_event_split(str_from(events[i].event), &type, &id, &e);

        ck_assert_msg((rc == ERR_OK) == (events[i].type != NULL), "%s", events[i].event);
        if (rc == ERR_OK)
            ck_assert(str_eq(type, str_from(events[i].type)) && str_eq(id, str_from(events[i].id)));
        else
            ck_assert_int_eq(rc, ERR_PARSE);
    }
}
END_TEST

/* The longest line, with its line feed. */
static size_t longest_line(const struct bytes *b)
{
    size_t longest = 0, now = 0;

    for (size_t i = 0; i < b->len; i++) {
        now++;
        if (b->data[i] != '\n')
            continue;
        if (now > longest)
            longest = now;
        now = 0;
    }
    return longest;
}

struct expected {
    const struct bytes *json;
    bool came;
};

/* The text but for the line feeds that were put in, none of which is within a string. */
static enum err_code same_text(void *ctx, const struct sse_event *ev, struct err *e)
{
    struct expected *x = ctx;
    size_t at = 0;
    bool in_string = false;

    (void)e;
    ck_assert(str_eq(ev->event, STR("a/b,x")));
    for (size_t i = 0; i < ev->data.n; i++) {
        char c = ev->data.p[i];

        if (c == '\n' && in_string)
            ck_abort_msg("cut within a string");
        if (c == '\n')
            continue;
        while (x->json->data[at] == '\n' || x->json->data[at] == '\r')
            at++;
        if (c != x->json->data[at])
            ck_abort_msg("byte %zu is another one", at);
        at++;
        in_string ^= c == '"';
    }
    ck_assert_uint_eq(at, x->json->len);
    x->came = true;
    return ERR_OK;
}

START_TEST(written_and_read)
{
    uint64_t seed;

    hash_random(&seed, sizeof seed);
    for (unsigned round = 0; round < 40; round++) {
        struct bytes json = {0}, out = {0};
        struct expected x = {.json = &json};
        struct sse_read *r = sse_read_new(NULL, same_text, &x);

        ck_assert(bytes_printf(&json, "{\"a\":0"));
        for (unsigned i = 0; i < 6000; i++)
            ck_assert(bytes_printf(&json, ",%s\"k,%u\":%llu", hash_mix(seed, i) % 900 ? "" : "\r\n",
                                   i, (unsigned long long)hash_mix(seed, i + round) % 1000));
        ck_assert(bytes_printf(&json, "}"));
        ck_assert(sse_write_event(&out, STR("a/b"), STR("x"), (struct str){json.data, json.len}));
        ck_assert_msg(longest_line(&out) <= SSE_LINE_MAX, "seed %llx: %zu",
                      (unsigned long long)seed, longest_line(&out));
        feed(r, out.data, out.len, 1 + hash_mix(seed, round) % 5000);
        ck_assert_msg(x.came, "seed %llx round %u", (unsigned long long)seed, round);
        sse_read_free(r);
        bytes_free(&json);
        bytes_free(&out);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sse_read");
    TCase *c = tcase_create("sse_read");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(c, any_cut, 0, (int)(sizeof rows / sizeof *rows));
    tcase_add_test(c, limits);
    tcase_add_test(c, long_names);
    tcase_add_test(c, refused);
    tcase_add_test(c, split);
    tcase_add_test(c, written_and_read);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
