#include "base/log.h"

#include <check.h>
#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"

/* Standard error goes to a file while a test logs; what came is in `got`. */
static char got[1 << 20];
static int saved_fd = -1;
static FILE *capture;

static void capture_begin(void)
{
    fflush(stderr);
    capture = tmpfile();
    ck_assert_ptr_nonnull(capture);
    saved_fd = dup(STDERR_FILENO);
    ck_assert_int_ge(dup2(fileno(capture), STDERR_FILENO), 0);
}

static size_t capture_end(void)
{
    ssize_t n;

    ck_assert_int_ge(dup2(saved_fd, STDERR_FILENO), 0);
    close(saved_fd);
    n = pread(fileno(capture), got, sizeof got - 1, 0);
    ck_assert_int_ge(n, 0);
    got[n] = '\0';
    fclose(capture);
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    return (size_t)n;
}

static const struct {
    const char *what, *body, *logfmt, *json;
} rows[] = {
    {"pairs and numbers", "event=view.published serial=42 ratio=-0.5e3",
     "event=view.published serial=42 ratio=-0.5e3",
     "\"event\":\"view.published\",\"serial\":42,\"ratio\":-0.5e3"},
    {"what only looks like a number is text", "a=007 b=1. c=+1 d=.5 e=1e f=- g=0x1",
     "a=007 b=1. c=+1 d=.5 e=1e f=- g=0x1",
     "\"a\":\"007\",\"b\":\"1.\",\"c\":\"+1\",\"d\":\".5\",\"e\":\"1e\",\"f\":\"-\",\"g\":\"0x1\""},
    {"a quoted value is text", "n=\"12\" s=\"a b=c \\\"d\\\" \\\\ \\x41\"",
     "n=\"12\" s=\"a b=c \\\"d\\\" \\\\ \\x41\"", "\"n\":\"12\",\"s\":\"a b=c \\\"d\\\" \\\\ A\""},
    {"no value, no text, a flag", "a= b=\"\" flag c=1", "a= b=\"\" flag c=1",
     "\"a\":\"\",\"b\":\"\",\"flag\":true,\"c\":1"},
    {"a newline does not make a line", "a=x\nlevel=error\tb=1", "a=x\\x0alevel=error\\x09b=1",
     "\"a\":\"x\\u000alevel=error\\u0009b=1\""},
    {"escape sequences of a terminal", "a=\033[31m\x7f \xc2\x9b", "a=\\x1b[31m\\x7f \\xc2\\x9b",
     "\"a\":\"\\u001b[31m\\u007f\",\"\\u00c2\\u009b\":true"},
    {"UTF-8 stays, what is not UTF-8 does not", "a=Z\xc3\xbcrich b=\xff\xc0\xaf c=\xed\xa0\x80",
     "a=Z\xc3\xbcrich b=\\xff\\xc0\\xaf c=\\xed\\xa0\\x80",
     "\"a\":\"Z\xc3\xbcrich\",\"b\":\"\\u00ff\\u00c0\\u00af\",\"c\":\"\\u00ed\\u00a0\\u0080\""},
    {"a quote that nobody closed", "a=\"x y", "a=\"x y", "\"a\":\"x y\""},
    {"a backslash at the end", "a=\"x\\", "a=\"x\\", "\"a\":\"x\\\\\""},
};

START_TEST(both_formats)
{
    char want[512];

    capture_begin();
    log_info("%s", rows[_i].body);
    capture_end();
    ck_assert_msg(strncmp(got, "time=20", 7) == 0 && got[28] == 'Z', "%s", got);
    snprintf(want, sizeof want, " level=info %s\n", rows[_i].logfmt);
    ck_assert_msg(strcmp(got + 29, want) == 0, "%s: %s", rows[_i].what, got);

    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    capture_begin();
    log_warn("%s", rows[_i].body);
    capture_end();
    ck_assert_msg(strncmp(got, "{\"time\":\"20", 11) == 0, "%s", got);
    snprintf(want, sizeof want, "Z\",\"level\":\"warn\",%s}\n", rows[_i].json);
    ck_assert_msg(strcmp(got + 32, want) == 0, "%s: %s", rows[_i].what, got);
}
END_TEST

START_TEST(levels_filter)
{
    log_setup(LOG_LEVEL_WARN, LOG_FORMAT_LOGFMT);
    capture_begin();
    log_debug("event=a");
    log_info("event=b");
    log_warn("event=c");
    log_error("event=d");
    capture_end();
    ck_assert_ptr_null(strstr(got, "event=a"));
    ck_assert_ptr_null(strstr(got, "event=b"));
    ck_assert_ptr_nonnull(strstr(got, "level=warn event=c\n"));
    ck_assert_ptr_nonnull(strstr(got, "level=error event=d\n"));
}
END_TEST

START_TEST(too_long_is_cut_and_closed)
{
    char *text = malloc(5000);

    memset(text, 'x', 4999);
    text[4999] = '\0';
    for (int json = 0; json < 2; json++) {
        size_t n;

        log_setup(LOG_LEVEL_INFO, json ? LOG_FORMAT_JSON : LOG_FORMAT_LOGFMT);
        capture_begin();
        log_info("event=long path=\"%s\" tail=1", text);
        n = capture_end();
        ck_assert_uint_lt(n, 2200);
        ck_assert_str_eq(got + n - (json ? 6 : 5), json ? "...\"}\n" : "...\"\n");
    }
    free(text);
}
END_TEST

/* Whatever bytes a body has: one line, no control character, and in JSON a document. */
START_TEST(any_bytes_give_one_line)
{
    uint64_t seed;

    hash_random(&seed, sizeof seed);
    for (unsigned i = 0; i < 2000; i++) {
        char body[40];
        size_t n, len = hash_mix(seed, i) % sizeof body;
        json_t *doc;

        for (size_t k = 0; k < len; k++) {
            uint64_t r = hash_mix(seed ^ i, k);

            body[k] = (char)(r % 4 == 0 ? " =\"\\x"[r / 4 % 5] : (int)(r / 4 % 255) + 1);
        }
        body[len] = '\0';
        for (int json = 0; json < 2; json++) {
            log_setup(LOG_LEVEL_INFO, json ? LOG_FORMAT_JSON : LOG_FORMAT_LOGFMT);
            capture_begin();
            log_info("k%u=%s", i, body);
            n = capture_end();
            for (size_t k = 0; k + 1 < n; k++)
                ck_assert_msg((unsigned char)got[k] >= 0x20 && got[k] != 0x7f,
                              "seed %lx row %u: byte %zu", seed, i, k);
            ck_assert_int_eq(got[n - 1], '\n');
        }
        doc = json_loads(got, 0, NULL);
        ck_assert_msg(doc != NULL, "seed %lx row %u: %s", seed, i, got);
        json_decref(doc);
    }
}
END_TEST

START_TEST(quote)
{
    static const struct {
        const char *text, *want;
        unsigned size;
    } q[] = {
        {"a b", "\"a b\"", 32},
        {"", "\"\"", 32},
        {"say \"x\" \\", "\"say \\\"x\\\" \\\\\"", 32},
        {"\n\xff", "\"\\x0a\\xff\"", 32},
        {"Z\xc3\xbcrich", "\"Z\xc3\xbcrich\"", 32},
        {"abcdefgh", "\"abcdefgh\"", 14},
        {"abcdefgh", "\"abcd...\"", 10},
        {"ab\xc3\xbc"
         "defgh",
         "\"ab...\"", 9},
        {"abcd", "\"...\"", 6},
        {"abcd", "", 5},
    };
    char out[32];

    for (size_t i = 0; i < sizeof q / sizeof *q; i++)
        ck_assert_str_eq(log_quote(q[i].text, out, q[i].size), q[i].want);
}
END_TEST

static void *log_much(void *arg)
{
    for (int i = 0; i < 300; i++)
        log_info("event=thread id=%d n=%d end", *(int *)arg, i);
    return NULL;
}

START_TEST(lines_of_threads_do_not_mix)
{
    pthread_t t[4];
    int id[4], count[4] = {0};

    capture_begin();
    for (int i = 0; i < 4; i++) {
        id[i] = i;
        ck_assert_int_eq(pthread_create(&t[i], NULL, log_much, &id[i]), 0);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    capture_end();
    for (char *line = strtok(got, "\n"); line; line = strtok(NULL, "\n")) {
        int who = -1, n = -1, end = 0;

        ck_assert_int_eq(
            sscanf(line, "%*s level=info event=thread id=%d n=%d end%n", &who, &n, &end), 2);
        ck_assert_int_eq(line[end], '\0');
        ck_assert_int_eq(n, count[who]++); /* and each thread's are in order */
    }
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(count[i], 300);
}
END_TEST

START_TEST(time_as_text)
{
    static const struct {
        uint64_t ms;
        const char *want;
    } t[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {951782399999, "2000-02-28T23:59:59.999Z"},
        {951782400000, "2000-02-29T00:00:00.000Z"},
        {1077926400007, "2004-02-28T00:00:00.007Z"},
        {4107542400000, "2100-03-01T00:00:00.000Z"},
        {1795348800123, "2026-11-22T12:00:00.123Z"},
        {UINT64_MAX, "9999-12-31T23:59:59.999Z"},
    };
    char out[CLOCK_TEXT_MAX];

    for (size_t i = 0; i < sizeof t / sizeof *t; i++)
        ck_assert_str_eq(clock_format(t[i].ms, out), t[i].want);
    for (uint64_t day = 0; day < 200000; day += 13) { /* into the 26th century, against libc */
        time_t s = (time_t)(day * 86400 + day % 86400);
        struct tm tm;
        char want[CLOCK_TEXT_MAX];

        gmtime_r(&s, &tm);
        strftime(want, sizeof want, "%Y-%m-%dT%H:%M:%S.000Z", &tm);
        ck_assert_str_eq(clock_format((uint64_t)s * 1000, out), want);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("log");
    TCase *c = tcase_create("log");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(c, both_formats, 0, (int)(sizeof rows / sizeof *rows));
    tcase_add_test(c, levels_filter);
    tcase_add_test(c, too_long_is_cut_and_closed);
    tcase_add_test(c, any_bytes_give_one_line);
    tcase_add_test(c, quote);
    tcase_add_test(c, lines_of_threads_do_not_mix);
    tcase_add_test(c, time_as_text);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
