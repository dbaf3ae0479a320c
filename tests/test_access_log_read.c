#include "daemon/access_log_read.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "router/route.h"

#define LOGFMT                                                                                     \
    "time=2026-11-22T12:00:00.123Z kind=http client=192.0.2.7 name=/film/a.m3u8 service=vod "      \
    "status=302 why=cost to=streamers pid=west streamer=west1 cost=12 serial=3 us=41"
#define JSON                                                                                       \
    "{\"time\":\"2026-11-22T12:00:00.123Z\",\"kind\":\"http\",\"client\":\"192.0.2.7\",\"name\":"  \
    "\"/film/a.m3u8\",\"service\":\"vod\",\"status\":302,\"why\":\"cost\",\"to\":\"streamers\","   \
    "\"pid\":\"west\",\"streamer\":\"west1\",\"cost\":12,\"serial\":3,\"us\":41}"

static enum err_code parse(const char *line, struct note *n, struct err *e)
{
    memset(n, 0xa5, sizeof *n);
    return access_line_parse(line, strlen(line), n, e);
}

START_TEST(a_line_becomes_its_note)
{
    struct note n;
    struct err e = {0};

    ck_assert_msg(parse(_i ? JSON : LOGFMT, &n, &e) == ERR_OK, "%s", e.text);
    /* date -u -d 2026-11-22T12:00:00Z +%s */
    ck_assert_uint_eq(n.wall_ms, UINT64_C(1795348800123));
    ck_assert_uint_eq(n.kind, NOTE_HTTP);
    ck_assert(addr_eq(n.client, addr_from_v4(0xc0000207)));
    ck_assert_uint_eq(n.name_len, 12);
    ck_assert_mem_eq(n.name, "/film/a.m3u8", 12);
    ck_assert_str_eq(n.service, "vod");
    ck_assert_uint_eq(n.status, 302);
    ck_assert_uint_eq(n.why, WHY_COST);
    ck_assert_uint_eq(n.to, ROUTE_STREAMERS + 1);
    ck_assert_str_eq(n.pid, "west");
    ck_assert_str_eq(n.streamer, "west1");
    ck_assert_float_eq(n.cost, 12);
    ck_assert_uint_eq(n.serial, 3);
    ck_assert_uint_eq(n.took_us, 41);
}
END_TEST

#define REST                                                                                       \
    " service=vod status=302 why=cost to=streamers pid=west streamer=w cost=1 serial=1 us=1"
#define T "time=2026-11-22T12:00:00.123Z kind=http client=192.0.2.7"

static const struct {
    const char *what, *line, *says; /* says NULL: it is fine */
} rows[] = {
    {"as it is written", LOGFMT, NULL},
    {"as JSON", JSON, NULL},
    {"nothing", "", "not a key"},
    {"an empty object", "{}", "member"},
    {"a log line of the daemon", "event=started version=0.1.0", "not a key"},
    {"half a line", T " name=/fi", "service: is missing"},
    {"half a JSON line", "{\"time\":\"2026-11-22T12:00:00.123Z\",\"kind\":\"ht", "kind: the value"},
    {"an object that does not end", "{\"status\":302", "does not end"},
    {"two lines in one", LOGFMT LOGFMT, "us:"},
    {"something behind", LOGFMT " ", "not a key"},
    {"something behind JSON", JSON " ", "behind the last"},
    {"a key twice", LOGFMT " us=1", "us: is there twice"},
    {"a key of nobody", LOGFMT " host=a", "not a key"},
    {"two blanks", "time=2026-11-22T12:00:00.123Z  kind=http", "not a key"},
    {"a day that is none", "time=2026-02-29T12:00:00.123Z", "time: must be"},
    {"a leap day", "time=2024-02-29T12:00:00.123Z", "kind: is missing"},
    {"a month that is none", "time=2026-13-01T12:00:00.123Z", "time: must be"},
    {"before 1970", "time=1969-12-31T23:59:59.999Z", "time: must be"},
    {"a time of no zone", "time=2026-11-22T12:00:00.123", "time: must be"},
    {"a kind of nobody", "kind=ftp", "kind: must be"},
    {"no address", "client=192.0.2", "client: is no address"},
    {"no client", "client=-", "client: must have"},
    {"a quoted name", T " name=\"/a b\\x00\\\"\\\\=\"" REST, NULL},
    {"a quoted dash", T " name=\"-\"" REST, NULL},
    {"an empty name in quotes", T " name=\"\"" REST, "name: the value"},
    {"a quote that does not end", T " name=\"/a", "name: the value"},
    {"an escape of nobody", T " name=\"\\n\"" REST, "name: the value"},
    {"an escape of JSON in logfmt", T " name=\"\\u0041\"" REST, "name: the value"},
    {"an escape that is cut", T " name=\"\\x4", "name: the value"},
    {"a byte that is never written plainly", T " name=\"\xc3\xa9\"" REST, "name: the value"},
    {"a character that is no byte", "{\"name\":\"\\u0141\"", "name: the value"},
    {"a tab", T "\tname=/a" REST, "behind the last"},
    {"a status that is too large", "status=65536", "status: must be a whole"},
    {"a status below 0", "status=-1", "status: must be a whole"},
    {"a status with a zero in front", "status=0302", "status: must be a whole"},
    {"a serial that is too large", "serial=18446744073709551616", "serial: must be a whole"},
    {"the largest serial", "serial=18446744073709551615", "time: is missing"},
    {"a number in quotes", "us=\"1\"", "us: must be a number"},
    {"a string without quotes", "{\"kind\":http", "kind: must be a string"},
    {"a cost of nothing", "cost=.", "cost: must be"},
    {"a cost of too much", "cost=1e39", "cost: must be"},
    {"a cost that is none", "cost=nan", "cost: must be"},
    {"a cost in hex", "cost=0x10", "cost: must be"},
    {"a cost with a tail", "cost=1.5e", "cost: must be"},
    {"a cost with a point", "cost=1.5e-7", "time: is missing"},
    {"a reason of nobody", "why=luck", "why: is no reason"},
    {"a way that is none", "to=heaven", "to: must be"},
    {"a streamer with a capital", "streamer=West", "streamer: is no name"},
    {"a streamer that is too long",
     "streamer=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     "streamer: is no name"},
    {"a service that is too long", "service=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     "service: is longer"},
    {"a NUL in a service", "service=\"a\\x00b\"", "service: is longer"},
    {"sent to nobody by name",
     T " name=/a service=vod status=302 why=cost to=streamers pid=- "
       "streamer=- cost=- serial=1 us=1",
     "streamer: must have"},
};

START_TEST(lines)
{
    struct note n;
    struct err e = {0};
    enum err_code rc = parse(rows[_i].line, &n, &e);

    if (!rows[_i].says) {
        ck_assert_msg(rc == ERR_OK, "%s: %s", rows[_i].what, e.text);
        return;
    }
    ck_assert_msg(rc == ERR_PARSE, "%s", rows[_i].what);
    ck_assert_msg(strstr(e.text, rows[_i].says), "%s: %s", rows[_i].what, e.text);
}
END_TEST

/* Every prefix of a line is damaged, and none is read beyond its end (ASan looks). */
START_TEST(cut_lines)
{
    const char *line = _i ? JSON : LOGFMT;

    for (size_t n = 0; n < strlen(line); n++) {
        char *cut = malloc(n ? n : 1);
        struct err e = {0};
        struct note note;
        /* "us=4" is as good as "us=41" */
        const bool whole = !_i && n == strlen(line) - 1;

        ck_assert_ptr_nonnull(cut);
        memcpy(cut, line, n);
        ck_assert_msg((access_line_parse(cut, n, &note, &e) == ERR_OK) == whole, "%zu bytes", n);
        free(cut);
    }
}
END_TEST

START_TEST(any_order)
{
    struct note n;
    struct err e = {0};

    ck_assert_msg(parse("us=41 serial=3 cost=- streamer=- pid=- to=bypass why=none status=302 "
                        "service=vod name=- client=2001:db8::1 kind=dns "
                        "time=1970-01-01T00:00:00.001Z",
                        &n, &e) == ERR_OK,
                  "%s", e.text);
    ck_assert_uint_eq(n.wall_ms, 1);
    ck_assert_uint_eq(n.to, ROUTE_BYPASS + 1);
    ck_assert_uint_eq(n.name_len, 0);
    ck_assert(isnan(n.cost));
}
END_TEST

static const struct {
    const char *words;
    uint8_t to;
} without_to[] = {
    {"service=vod why=cost streamer=w", ROUTE_STREAMERS + 1},
    {"service=vod why=no-candidate streamer=-", ROUTE_NOBODY + 1},
    {"service=vod why=none streamer=-", 0}, /* OPTIONS, or a wrong method */
    {"service=- why=no-service streamer=-", 0},
};

START_TEST(lines_of_before_there_was_to)
{
    char line[512];
    struct note n;
    struct err e = {0};

    snprintf(line, sizeof line, T " name=/a status=302 pid=- cost=- serial=1 us=1 %s",
             without_to[_i].words);
    ck_assert_msg(parse(line, &n, &e) == ERR_OK, "%s", e.text);
    ck_assert_uint_eq(n.to, without_to[_i].to);
}
END_TEST

/* ---- what is written is read ---- */

static uint64_t next(uint64_t *state)
{
    return *state = hash_mix(*state, 0x6c6f67);
}

static void random_label(uint64_t *s, char *out, size_t size)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    size_t n = next(s) % size;

    memset(out, 0, size);
    for (size_t i = 0; i < n; i++)
        out[i] = letters[next(s) % (sizeof letters - 1)];
}

/* Any byte; no NUL where that ends it. */
static void random_text(uint64_t *s, char *out, size_t size, bool nul)
{
    size_t n = next(s) % size;

    memset(out, 0, size);
    for (size_t i = 0; i < n; i++) {
        out[i] = (char)(unsigned char)(next(s) % 3 ? 0x20 + next(s) % 0x5f : next(s));
        if (!nul && out[i] == '\0')
            out[i] = '=';
    }
}

static struct note random_note(uint64_t *s)
{
    struct note n;

    memset(&n, 0, sizeof n);
    n.wall_ms = next(s) % UINT64_C(253402300800000); /* to the end of the year 9999 */
    n.serial = next(s);
    n.client = next(s) % 2 ? addr_from_v4((uint32_t)next(s))
                           : (struct addr){UINT64_C(0x20010db800000000) | next(s) % 9, next(s)};
    n.took_us = (uint32_t)next(s);
    n.status = (uint16_t)next(s);
    n.kind = (uint8_t)(next(s) % 3);
    n.why = (uint8_t)(next(s) % WHY_COUNT);
    n.cost = next(s) % 4 == 0   ? NAN
             : next(s) % 2 == 0 ? (float)(next(s) % 100000)
                                : (float)(next(s) % 1000000) * 1e-3F;
    random_text(s, n.service, sizeof n.service, false);
    random_text(s, n.pid, sizeof n.pid, false);
    random_label(s, n.streamer, sizeof n.streamer);
    n.to = (uint8_t)(next(s) % (ROUTE_TO_COUNT + 1));
    if (n.to == ROUTE_STREAMERS + 1 && !n.streamer[0])
        n.streamer[0] = 'x';
    n.name_len = (uint8_t)(next(s) % (NOTE_NAME_MAX + 1));
    if (n.kind == NOTE_TRACKER && n.name_len == INFO_HASH_LEN)
        n.name_len = 2 * INFO_HASH_LEN; /* as hex is how it is written, and read */
    for (unsigned i = 0; i < n.name_len; i++)
        n.name[i] = (char)(unsigned char)next(s);
    return n;
}

static void same(const struct note *a, const struct note *b)
{
    ck_assert_uint_eq(a->wall_ms, b->wall_ms);
    ck_assert_uint_eq(a->serial, b->serial);
    ck_assert(addr_eq(a->client, b->client));
    ck_assert_uint_eq(a->took_us, b->took_us);
    ck_assert_uint_eq(a->status, b->status);
    ck_assert_uint_eq(a->kind, b->kind);
    ck_assert_uint_eq(a->why, b->why);
    ck_assert_uint_eq(a->to, b->to);
    ck_assert((isnan(a->cost) && isnan(b->cost)) ||
              fabsf(a->cost - b->cost) <= 1e-6F * fabsf(a->cost));
    ck_assert_str_eq(a->service, b->service);
    ck_assert_str_eq(a->pid, b->pid);
    ck_assert_str_eq(a->streamer, b->streamer);
    ck_assert_uint_eq(a->name_len, b->name_len);
    ck_assert_mem_eq(a->name, b->name, a->name_len);
}

START_TEST(what_is_written_is_read)
{
    uint64_t state = 20261122;

    for (unsigned i = 0; i < 20000; i++) {
        struct note n = random_note(&state), back;
        enum note_format format = i % 2 ? NOTE_JSON : NOTE_LOGFMT;
        struct bytes line = {0};
        struct err e = {0};

        ck_assert(note_format(&n, format, &line));
        ck_assert_uint_le(line.len, ACCESS_LINE_MAX);
        memset(&back, 0xa5, sizeof back);
        ck_assert_msg(access_line_parse(line.data, line.len - 1, &back, &e) == ERR_OK,
                      "note %u: %s: %.*s", i, e.text, (int)line.len, line.data);
        same(&n, &back);
        bytes_free(&line);
    }
}
END_TEST

/* ---- files ---- */

static char path[] = "/tmp/waymark-access-XXXXXX";

static void file_make(const char *text, size_t n)
{
    FILE *f;

    memcpy(path, "/tmp/waymark-access-XXXXXX", sizeof path);
    ck_assert_int_ge(close(mkstemp(path)), 0);
    f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(text, 1, n, f), n);
    ck_assert_int_eq(fclose(f), 0);
}

static enum access_read take(struct access_reader *r, struct note *n)
{
    struct err e = {0};
    enum access_read got = access_reader_next(r, n, &e);

    ck_assert_int_eq(got == ACCESS_DAMAGED || got == ACCESS_FAILED, e.code != ERR_OK);
    return got;
}

/* Both formats, an empty line, a damaged one, one that is far too long, and an end without one. */
START_TEST(a_file_line_by_line)
{
    struct bytes text = {0};
    struct access_reader *r;
    struct note n;
    struct err e = {0};

    ck_assert(bytes_printf(&text, "%s\n\nhalf of a li\n%s\n", LOGFMT, JSON));
    for (unsigned i = 0; i < 700000; i++)
        ck_assert(bytes_add(&text, "x", 1));
    ck_assert(bytes_printf(&text, "\n%s", LOGFMT));
    file_make(text.data, text.len);
    ck_assert_int_eq(access_reader_open(path, &r, &e), ERR_OK);
    ck_assert_uint_eq(access_reader_size(r), text.len);
    ck_assert_int_eq(take(r, &n), ACCESS_LINE);
    ck_assert_uint_eq(access_reader_line(r), 1);
    ck_assert_int_eq(take(r, &n), ACCESS_DAMAGED);
    ck_assert_uint_eq(access_reader_line(r), 3);
    ck_assert_int_eq(take(r, &n), ACCESS_LINE);
    ck_assert_uint_eq(access_reader_line(r), 4);
    ck_assert_int_eq(take(r, &n), ACCESS_DAMAGED);
    ck_assert_uint_eq(access_reader_line(r), 5);
    ck_assert_int_eq(take(r, &n), ACCESS_LINE);
    ck_assert_uint_eq(access_reader_line(r), 6);
    ck_assert_str_eq(n.streamer, "west1");
    ck_assert_int_eq(take(r, &n), ACCESS_END);
    ck_assert_int_eq(take(r, &n), ACCESS_END);
    ck_assert_uint_eq(access_reader_done(r), text.len);
    access_reader_close(r);
    bytes_free(&text);
    unlink(path);
}
END_TEST

/* Lines that lie across the ends of buffers. */
START_TEST(many_lines)
{
    struct bytes text = {0};
    struct access_reader *r;
    struct err e = {0};
    unsigned count = 0;
    struct note n;

    for (unsigned i = 0; i < 5000; i++)
        ck_assert(bytes_printf(&text, "%s\n", i % 3 ? LOGFMT : JSON));
    file_make(text.data, text.len);
    ck_assert_int_eq(access_reader_open(path, &r, &e), ERR_OK);
    while (take(r, &n) == ACCESS_LINE)
        count++;
    ck_assert_uint_eq(count, 5000);
    access_reader_close(r);
    bytes_free(&text);
    unlink(path);
}
END_TEST

START_TEST(files_that_are_none)
{
    struct access_reader *r;
    struct note n;
    struct err e = {0};

    ck_assert_int_eq(access_reader_open("/nowhere/access.log", &r, &e), ERR_IO);
    ck_assert_ptr_null(r);
    ck_assert_msg(strstr(e.text, "/nowhere/access.log"), "%s", e.text);
    e = (struct err){0};
    ck_assert_int_eq(access_reader_open("/tmp", &r, &e), ERR_OK); /* a folder opens */
    ck_assert_int_eq(take(r, &n), ACCESS_FAILED);
    access_reader_close(r);
    access_reader_close(NULL);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("access_log_read");
    TCase *t = tcase_create("lines"), *f = tcase_create("files");
    SRunner *r;
    int failed;

    tcase_add_loop_test(t, a_line_becomes_its_note, 0, 2);
    tcase_add_loop_test(t, lines, 0, sizeof rows / sizeof *rows);
    tcase_add_loop_test(t, cut_lines, 0, 2);
    tcase_add_test(t, any_order);
    tcase_add_loop_test(t, lines_of_before_there_was_to, 0, sizeof without_to / sizeof *without_to);
    tcase_add_test(t, what_is_written_is_read);
    suite_add_tcase(s, t);
    tcase_add_test(f, a_file_line_by_line);
    tcase_add_test(f, many_lines);
    tcase_add_test(f, files_that_are_none);
    suite_add_tcase(s, f);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
