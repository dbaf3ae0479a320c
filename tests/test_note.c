#include "router/route.h"
#include "router/note.h"

#include <check.h>
#include <float.h>
#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

START_TEST(ring_fills_drops_and_drains)
{
    struct note_ring *r = note_ring_new(5); /* 8 */

    ck_assert_ptr_nonnull(r);
    ck_assert_ptr_null(note_peek(r));
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 8; i++) {
            struct note *n = note_begin(r);

            ck_assert_ptr_nonnull(n);
            n->serial = i;
            note_commit(r);
        }
        ck_assert_ptr_null(note_begin(r));
        ck_assert_uint_eq(note_dropped(r), round + 1);
        for (unsigned i = 0; i < 8; i++) {
            const struct note *n = note_peek(r);

            ck_assert_ptr_nonnull(n);
            ck_assert_ptr_eq(note_peek(r), n); /* looking does not take */
            ck_assert_uint_eq(n->serial, i);
            note_release(r);
        }
        ck_assert_ptr_null(note_peek(r));
    }
    ck_assert_ptr_nonnull(note_begin(r)); /* begun and given up: nothing appears */
    ck_assert_ptr_null(note_peek(r));
    note_ring_free(r);
    note_ring_free(NULL);
}
END_TEST

enum { RING_NOTES = 200000 };

static void *write_notes(void *arg)
{
    struct note_ring *r = arg;

    for (uint64_t i = 1; i <= RING_NOTES; i++) {
        struct note *n = note_begin(r);

        if (!n)
            continue;
        n->serial = i;
        n->wall_ms = ~i;
        note_commit(r);
    }
    return NULL;
}

START_TEST(ring_between_threads)
{
    struct note_ring *r = note_ring_new(64);
    uint64_t taken = 0, last = 0;
    pthread_t t;

    ck_assert_int_eq(pthread_create(&t, NULL, write_notes, r), 0);
    while (taken + note_dropped(r) < RING_NOTES) {
        const struct note *n = note_peek(r);

        if (!n)
            continue;
        ck_assert_uint_gt(n->serial, last);
        ck_assert_uint_eq(n->wall_ms, ~n->serial);
        last = n->serial;
        taken++;
        note_release(r);
    }
    pthread_join(t, NULL);
    ck_assert_ptr_null(note_peek(r));
    ck_assert_uint_gt(taken, 0);
    note_ring_free(r);
}
END_TEST

START_TEST(decision_is_copied)
{
    char long_name[100];
    const struct netmap_pid pids[] = {{.name = STR("PID-1")}, {.name = {long_name, 100}}};
    const struct netmap map = {.pids = pids, .pid_count = 2};
    const struct streamer_conf streamer = {.name = STR("zurich")};
    const struct view_streamer streamers[] = {{.conf = &streamer}};
    const struct service_conf service = {.name = {long_name, 100}};
    const struct view_service services[] = {{.conf = &service}};
    const struct view v = {.serial = 42,
                           .netmap = &map,
                           .streamers = streamers,
                           .streamer_count = 1,
                           .services = services,
                           .service_count = 1};
    struct decision d = {.pid = 1,
                         .count = 1,
                         .why = WHY_LOAD,
                         .choice = {{.streamer = 0, .why = WHY_LOAD, .cost = 12.5F}}};
    struct note n;

    memset(long_name, 'x', sizeof long_name);
    memset(&n, 0xff, sizeof n);
    note_decision(&n, &v, 0, &d);
    ck_assert_uint_eq(n.serial, 42);
    ck_assert_uint_eq(n.why, WHY_LOAD);
    ck_assert_float_eq(n.cost, 12.5F);
    ck_assert_str_eq(n.streamer, "zurich");
    ck_assert_uint_eq(strlen(n.pid), PID_NAME_MAX);
    ck_assert_uint_eq(strlen(n.service), sizeof n.service - 1);

    d = (struct decision){.pid = PIDX_NONE, .why = WHY_NO_SERVICE};
    memset(&n, 0xff, sizeof n);
    note_decision(&n, &v, SVIDX_NONE, &d);
    ck_assert(isnan(n.cost) && n.why == WHY_NO_SERVICE);
    ck_assert(!n.pid[0] && !n.service[0] && !n.streamer[0]);
}
END_TEST

static struct note sample(void)
{
    struct note n = {.wall_ms = 1795348800123,
                     .serial = 7,
                     .client = addr_from_v4(0xc0000201),
                     .took_us = 15,
                     .status = 302,
                     .kind = NOTE_HTTP,
                     .why = WHY_COST,
                     .to = ROUTE_STREAMERS + 1,
                     .cost = 120,
                     .service = "vod",
                     .pid = "DE",
                     .streamer = "fra",
                     .name = "/a b/\"x\"\n",
                     .name_len = 9};

    return n;
}

START_TEST(lines)
{
    struct note n = sample();
    struct bytes out = {0};

    ck_assert(note_format(&n, NOTE_LOGFMT, &out));
    n.name_len = 0;
    n.pid[0] = n.streamer[0] = '\0';
    strcpy(n.service, "-");
    n.cost = NAN;
    n.why = WHY_NO_CANDIDATE;
    n.to = 0;
    n.kind = NOTE_DNS;
    n.status = 5;
    n.client = (struct addr){UINT64_C(0x20010db800000000), 1};
    ck_assert(note_format(&n, NOTE_LOGFMT, &out) && note_format(&n, NOTE_JSON, &out));
    n = sample();
    n.kind = NOTE_TRACKER;
    n.cost = 0.1F;
    n.name_len = INFO_HASH_LEN;
    memcpy(n.name, "\x00\xff\x10 0123456789abcdef", INFO_HASH_LEN);
    ck_assert(note_format(&n, NOTE_JSON, &out) && bytes_add(&out, "", 1));
    ck_assert_str_eq(
        out.data,
        "time=2026-11-22T12:00:00.123Z kind=http client=192.0.2.1 name=\"/a b/\\\"x\\\"\\x0a\" "
        "service=vod status=302 why=cost to=streamers pid=DE streamer=fra cost=120 serial=7 us=15\n"
        "time=2026-11-22T12:00:00.123Z kind=dns client=2001:db8::1 name=- service=\"-\" status=5 "
        "why=no-candidate to=- pid=- streamer=- cost=- serial=7 us=15\n"
        "{\"time\":\"2026-11-22T12:00:00.123Z\",\"kind\":\"dns\",\"client\":\"2001:db8::1\","
        "\"name\":null,\"service\":\"-\",\"status\":5,\"why\":\"no-candidate\",\"to\":null,\"pid\":"
        "null,"
        "\"streamer\":null,\"cost\":null,\"serial\":7,\"us\":15}\n"
        "{\"time\":\"2026-11-22T12:00:00.123Z\",\"kind\":\"tracker\",\"client\":\"192.0.2.1\","
        "\"name\":\"00ff102030313233343536373839616263646566\",\"service\":\"vod\",\"status\":302,"
        "\"why\":\"cost\",\"to\":\"streamers\",\"pid\":\"DE\",\"streamer\":\"fra\",\"cost\":0.1,"
        "\"serial\":7,"
        "\"us\":15}\n");
    bytes_free(&out);
}
END_TEST

/* The bytes that a JSON string stands for: the character U+00bb is the byte bb. */
static size_t latin1(const json_t *s, char *out)
{
    const unsigned char *p = (const unsigned char *)json_string_value(s);
    size_t n = json_string_length(s), o = 0;

    for (size_t i = 0; i < n; i++) {
        if (p[i] < 0x80) {
            out[o++] = (char)p[i];
        } else {
            ck_assert(p[i] == 0xc2 || p[i] == 0xc3);
            out[o++] = (char)((p[i] & 3) << 6 | (p[i + 1] & 0x3f));
            i++;
        }
    }
    return o;
}

static void check_text(const json_t *doc, const char *key, const char *want, size_t n)
{
    const json_t *v = json_object_get(doc, key);
    char got[512];

    if (n == 0) {
        ck_assert(json_is_null(v));
        return;
    }
    ck_assert_msg(json_is_string(v) && latin1(v, got) == n && memcmp(got, want, n) == 0, "%s", key);
}

/* Any bytes at all in every field: the line is one JSON document with all keys, from which the
 * bytes come back; and one logfmt line without control characters. */
START_TEST(random_notes)
{
    static const char *const keys[] = {"time",   "kind",   "client", "name", "service",
                                       "status", "why",    "to",     "pid",  "streamer",
                                       "cost",   "serial", "us"};
    uint64_t seed;

    hash_random(&seed, sizeof seed);
    for (unsigned i = 0; i < 3000; i++) {
        struct bytes out = {0};
        struct note n;
        json_t *doc;

        for (size_t k = 0; k < sizeof n / 8; k++) {
            uint64_t r = hash_mix(seed ^ i, k);

            memcpy((char *)&n + 8 * k, &r, 8);
        }
        n.name_len = (uint8_t)(n.name_len % (NOTE_NAME_MAX + 1));
        n.serial >>= 1;         /* jansson's integers are signed */
        n.kind %= NOTE_TRACKER; /* an info-hash is another form: tested above */
        ck_assert(note_format(&n, NOTE_JSON, &out));
        doc = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
        ck_assert_msg(doc != NULL, "seed %lx note %u: %.*s", seed, i, (int)out.len, out.data);
        ck_assert_uint_eq(json_object_size(doc), sizeof keys / sizeof *keys);
        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
            ck_assert_ptr_nonnull(json_object_get(doc, keys[k]));
        check_text(doc, "name", n.name, n.name_len);
        check_text(doc, "service", n.service, strnlen(n.service, sizeof n.service));
        check_text(doc, "pid", n.pid, strnlen(n.pid, sizeof n.pid));
        check_text(doc, "streamer", n.streamer, strnlen(n.streamer, sizeof n.streamer));
        if (isfinite(n.cost))
            ck_assert_float_eq_tol((float)json_number_value(json_object_get(doc, "cost")), n.cost,
                                   fabsf(n.cost) * 1e-6F + FLT_MIN);
        json_decref(doc);

        out.len = 0;
        ck_assert(note_format(&n, NOTE_LOGFMT, &out));
        for (size_t k = 0; k + 1 < out.len; k++)
            ck_assert_msg(out.data[k] >= ' ' && out.data[k] < 0x7f, "seed %lx note %u", seed, i);
        ck_assert_int_eq(out.data[out.len - 1], '\n');
        bytes_free(&out);
    }
}
END_TEST

START_TEST(full_is_refused_whole)
{
    const struct note n = sample();
    struct bytes out = {.limit = 100};

    ck_assert(!note_format(&n, NOTE_JSON, &out));
    ck_assert_uint_eq(out.len, 0);
    bytes_free(&out);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("note");
    TCase *c = tcase_create("note");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(c, 30);
    tcase_add_test(c, ring_fills_drops_and_drains);
    tcase_add_test(c, ring_between_threads);
    tcase_add_test(c, decision_is_copied);
    tcase_add_test(c, lines);
    tcase_add_test(c, random_notes);
    tcase_add_test(c, full_is_refused_whole);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
