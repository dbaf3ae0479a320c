#include "router/state_file.h"

#include <check.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "view_fixture.h"

#define WALL_MS UINT64_C(1795348800000)

/* Streamers s0 .. s3 with probes, s4 without. */
static struct view *view_of(struct live *live, unsigned n)
{
    static struct fixture_names names[8];
    struct streamer_conf conf[8];

    for (unsigned i = 0; i < n; i++) {
        conf[i] = fixture_streamer(&names[i], i, -1);
        conf[i].hit_pm = 300;
        if (i < 4)
            conf[i].probe = (struct probe_conf){.type = PROBE_TCP,
                                                .interval_ms = 5000,
                                                .timeout_ms = 1000,
                                                .up_after = 2,
                                                .down_after = 3};
    }
    return fixture_view(NULL, conf, n, &fixture_policy, live);
}

static lidx slot(const struct view *v, const char *name)
{
    const sidx i = view_find_streamer(v, str_from(name));

    ck_assert_uint_ne(i, SIDX_NONE);
    return v->streamers[i].live;
}

static void hit_set(struct live *live, const struct view *v, const char *name, uint32_t hit_pm)
{
    live_hit_set(live, slot(v, name), hit_pm);
}

static uint32_t hit_of(const struct live *live, lidx i)
{
    return atomic_load(&live->streamer[i].hit_pm);
}

static void state_fill(struct live *live, const struct view *v, struct popularity *p)
{
    live_admin_set(live, slot(v, "s0"), ADMIN_DRAIN);
    live_admin_set(live, slot(v, "s1"), ADMIN_FORCED);
    live_admin_set(live, slot(v, "s4"), ADMIN_DOWN);
    live_health_set(live, slot(v, "s0"), false, HEALTH_UP);
    live_health_set(live, slot(v, "s0"), true, HEALTH_DOWN);
    live_health_set(live, slot(v, "s2"), false, HEALTH_SUSPECT);
    live_health_set(live, slot(v, "s4"), false, HEALTH_DOWN); /* once it was probed */
    live_dispatch(live, slot(v, "s2"), 100);
    live_fold(live, slot(v, "s2"), 1, 600);
    live_dispatch(live, slot(v, "s2"), 20);
    live->streamer[slot(v, "s2")].foreign = -1.5;
    live->streamer[slot(v, "s2")].foreign_s = 30;
    hit_set(live, v, "s3", 870);
    live_hit_known_set(live, slot(v, "s3"), 999);
    popularity_count(p, 0, UINT64_C(0xfedcba9876543210), STR("/film/\xc3\xa9\xff\x01\"x\\/"), 100,
                     50);
    popularity_count(p, 0, 7, STR("/b/"), 10, 50);
}

static struct bytes format(const struct live *live, const struct view *v, struct popularity *p)
{
    struct bytes out = {0};
    struct err e = {0};

    ck_assert_msg(state_format(live, v, p, 50, WALL_MS, &out, &e) == ERR_OK, "%s", e.text);
    return out;
}

static struct state *parse(struct bytes text)
{
    struct state *s = NULL;
    struct err e = {0};

    ck_assert_msg(state_parse(text.data, text.len, &s, &e) == ERR_OK, "%s", e.text);
    return s;
}

struct before {
    struct live *live;
    struct view *view;
    struct popularity *p;
    struct bytes text;
};

static void before_make(struct before *b)
{
    b->live = live_new();
    b->view = view_of(b->live, 5);
    b->p = popularity_new(64, 600);
    state_fill(b->live, b->view, b->p);
    b->text = format(b->live, b->view, b->p);
}

static void before_free(struct before *b)
{
    bytes_free(&b->text);
    popularity_free(b->p);
    view_drop(b->view);
    live_free(b->live);
}

START_TEST(all_comes_back_at_once)
{
    struct before b;
    struct live *live = live_new();
    struct popularity *p = popularity_new(64, 600);
    struct popularity_row was[2], is[2];
    struct state_applied done;
    struct bytes again;
    struct view *v;
    struct state *s;

    before_make(&b);
    ck_assert_uint_eq(live_slot(live, STR("other")), 0); /* slots are others in this process */
    v = view_of(live, 5);
    s = parse(b.text);
    done = state_apply(s, live, v, p, 9999, WALL_MS);
    ck_assert_uint_eq(done.streamers, 5);
    ck_assert_uint_eq(done.contents, 2);

    ck_assert_int_eq(live_admin_get(live, slot(v, "s0")), ADMIN_DRAIN);
    ck_assert_int_eq(live_admin_get(live, slot(v, "s1")), ADMIN_FORCED);
    ck_assert_int_eq(live_admin_get(live, slot(v, "s2")), ADMIN_UP);
    ck_assert_int_eq(live_admin_get(live, slot(v, "s4")), ADMIN_DOWN);
    ck_assert_int_eq(live_health_of(live_health_get(live, slot(v, "s0")), false), HEALTH_UP);
    ck_assert_int_eq(live_health_of(live_health_get(live, slot(v, "s0")), true), HEALTH_DOWN);
    ck_assert_int_eq(live_health_of(live_health_get(live, slot(v, "s2")), false), HEALTH_SUSPECT);
    /* Nobody would ever find out that it is up. */
    ck_assert_int_eq(live_health_of(live_health_get(live, slot(v, "s4")), false), HEALTH_UNKNOWN);
    ck_assert_double_eq_tol(live_sessions(live, slot(v, "s2")), 120, 0.1);
    ck_assert_double_eq(live->streamer[slot(v, "s2")].foreign, -1.5);
    ck_assert_double_eq(live->streamer[slot(v, "s2")].foreign_s, 30);
    ck_assert_uint_eq(hit_of(live, slot(v, "s3")), 870);
    ck_assert_uint_eq(hit_of(live, slot(v, "s2")), 300);
    ck_assert_uint_eq(atomic_load(&live->streamer[slot(v, "s3")].hit_known_pm), 999);

    ck_assert_uint_eq(popularity_top(b.p, SVIDX_NONE, 50, was, 2), 2);
    ck_assert_uint_eq(popularity_top(p, SVIDX_NONE, 9999, is, 2), 2);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_uint_eq(is[i].content, was[i].content);
        ck_assert_str_eq(is[i].key, was[i].key);
        ck_assert_double_eq_tol(is[i].rate, was[i].rate, 1e-12);
    }
    state_free(s);

    /* Dispatches of this process count on, and are not counted twice. */
    live_dispatch(live, slot(v, "s2"), 5);
    ck_assert_double_eq_tol(live_sessions(live, slot(v, "s2")), 125, 0.1);
    live_fold(live, slot(v, "s2"), 0, 600);
    ck_assert_double_eq_tol(live_sessions(live, slot(v, "s2")), 125, 0.1);
    again = format(live, v, p);
    s = parse(again);
    ck_assert_uint_eq(s->streamer_count, 5);
    state_free(s);
    bytes_free(&again);
    popularity_free(p);
    view_drop(v);
    live_free(live);
    before_free(&b);
}
END_TEST

// clang-format off
static const struct {
    const char *what;
    int64_t later_s;
    bool health;
    double sessions, rate_left;
} ages[] = {
    {"at once",                    0,      true,  120,              1},
    {"a health holds a minute",    60,     true,  108.58,           0.933},
    {"and not longer",             61,     false, 108.40,           0.932},
    {"sessions end",               600,    false, 44.146,           0.5},
    {"all is long over",           864000, false, 0,                0},
    {"a clock a little back",      -30,    true,  120,              1},
    {"a clock a day back",         -86400, false, 120,              1},
};
// clang-format on

START_TEST(time_has_gone)
{
    struct before b;
    struct live *live = live_new();
    struct view *v = view_of(live, 5);
    struct popularity *p = popularity_new(64, 600);
    struct popularity_row was, is;
    struct state *s;
    const lidx s2 = slot(v, "s2");

    before_make(&b);
    s = parse(b.text);
    (void)state_apply(s, live, v, p, 1, (uint64_t)((int64_t)WALL_MS + ages[_i].later_s * 1000));
    ck_assert_msg((live_health_of(live_health_get(live, s2), false) == HEALTH_SUSPECT) ==
                      ages[_i].health,
                  "%s", ages[_i].what);
    ck_assert_msg(fabs(live_sessions(live, s2) - ages[_i].sessions) < 0.2, "%s: %f", ages[_i].what,
                  live_sessions(live, s2));
    ck_assert_msg((live->streamer[s2].foreign < 0) == ages[_i].health, "%s", ages[_i].what);
    ck_assert_int_eq(live_admin_get(live, slot(v, "s0")), ADMIN_DRAIN); /* whatever the age */
    ck_assert_uint_eq(popularity_top(b.p, SVIDX_NONE, 50, &was, 1), 1);
    ck_assert_uint_eq(popularity_top(p, SVIDX_NONE, 1, &is, 1), 1);
    ck_assert_msg(fabs(is.rate - was.rate * ages[_i].rate_left) < 0.001 * was.rate, "%s: %f",
                  ages[_i].what, is.rate / was.rate);
    state_free(s);
    popularity_free(p);
    view_drop(v);
    live_free(live);
    before_free(&b);
}
END_TEST

START_TEST(who_is_gone_is_left_out)
{
    struct before b;
    struct live *live = live_new();
    struct view *v = view_of(live, 2);
    struct state_applied done;
    struct state *s;
    struct bytes none;

    before_make(&b);
    s = parse(b.text);
    done = state_apply(s, live, v, NULL, 1, WALL_MS);
    ck_assert_uint_eq(done.streamers, 2);
    ck_assert_uint_eq(done.contents, 0);
    ck_assert_int_eq(live_admin_get(live, slot(v, "s1")), ADMIN_FORCED);
    state_free(s);
    none = format(live, v, NULL); /* without popularity */
    s = parse(none);
    ck_assert_uint_eq(s->content_count, 0);
    ck_assert_uint_eq(s->streamer_count, 2);
    ck_assert(s->wall_ms == WALL_MS);
    state_free(s);
    bytes_free(&none);
    view_drop(v);
    live_free(live);
    before_free(&b);
}
END_TEST

START_TEST(no_room)
{
    struct before b;
    struct bytes out = {.limit = 300};
    struct err e = {0};

    before_make(&b);
    ck_assert(bytes_add(&out, "x", 1));
    ck_assert_int_eq(state_format(b.live, b.view, b.p, 50, WALL_MS, &out, &e), ERR_LIMIT);
    ck_assert_uint_eq(out.len, 1);
    bytes_free(&out);
    before_free(&b);
}
END_TEST

#define HEAD "{\"waymark-state\":1,\"wall_ms\":5,"
#define ROW(health, admin, sessions, more)                                                         \
    "{\"name\":\"a\",\"ipv4\":\"" health "\",\"ipv6\":\"up\",\"admin\":\"" admin                   \
    "\",\"sessions\":" sessions ",\"foreign\":0,\"foreign_s\":0,\"hit_known_pm\":950" more "}"
#define CONTENT(hex, rate, error, key)                                                             \
    HEAD "\"streamers\":[],\"contents\":[{\"service\":\"s\",\"content\":\"" hex                    \
         "\",\"rate\":" rate ",\"error\":" error ",\"key\":\"" key "\"}]}"
#define STREAMER(row) HEAD "\"streamers\":[" row "],\"contents\":[]}"
#define HEX16         "0123456789abcdef"

// clang-format off
static const struct {
    const char *what, *text;
    enum err_code rc;
    const char *says;
} texts[] = {
    {"nothing in it",         HEAD "\"streamers\":[],\"contents\":[]}",             ERR_OK,          ""},
    {"a streamer",            STREAMER(ROW("up", "up", "1.5", "")),                 ERR_OK,          ""},
    {"with a hit ratio",      STREAMER(ROW("up", "up", "1.5", ",\"hit_pm\":1000")), ERR_OK,          ""},
    {"a content",             CONTENT(HEX16, "1", "0.5", "/a/"),                    ERR_OK,          ""},
    {"empty file",            "",                                                   ERR_PARSE,       "1:0"},
    {"cut in the middle",     HEAD "\"streamers\":[],\"cont",                       ERR_PARSE,       ":"},
    {"no object",             "[]",                                                 ERR_PARSE,       "object"},
    {"something else",        "{\"a\":1}",                                          ERR_PARSE,       "waymark-state"},
    {"a later version",       "{\"waymark-state\":2,\"wall_ms\":5}",                ERR_UNSUPPORTED, "version 2, must be 1"},
    {"no time",               "{\"waymark-state\":1}",                              ERR_PARSE,       "wall_ms"},
    {"a time before 1970",    "{\"waymark-state\":1,\"wall_ms\":-5}",               ERR_PARSE,       "wall_ms"},
    {"no streamers",          HEAD "\"contents\":[]}",                              ERR_PARSE,       "streamers"},
    {"no contents",           HEAD "\"streamers\":[]}",                             ERR_PARSE,       "contents"},
    {"an unknown health",     STREAMER(ROW("ill", "up", "1", "")),                  ERR_PARSE,       "streamers[0]: ipv4 must be unknown, up, down or suspect"},
    {"an unknown order",      STREAMER(ROW("up", "left", "1", "")),                 ERR_PARSE,       "admin must be up, drain, down or forced"},
    {"fewer than none",       STREAMER(ROW("up", "up", "-1", "")),                  ERR_PARSE,       "sessions must be from 0"},
    {"too many",              STREAMER(ROW("up", "up", "1e300", "")),               ERR_PARSE,       "sessions must be from 0"},
    {"above one",             STREAMER(ROW("up", "up", "1", ",\"hit_pm\":1001")),   ERR_PARSE,       "hit_pm"},
    {"content too short",     CONTENT("0123", "1", "0.5", "/a/"),                   ERR_PARSE,       "16 digits"},
    {"content empty",         CONTENT("", "1", "0.5", "/a/"),                       ERR_PARSE,       "content"},
    {"content in capitals",   CONTENT("0123456789ABCDEF", "1", "0.5", "/a/"),       ERR_PARSE,       "lower case hex"},
    {"error above rate",      CONTENT(HEX16, "1", "2", "/a/"),                      ERR_PARSE,       "error must not be above rate"},
    {"48 characters",         CONTENT(HEX16, "1", "0", "012345678901234567890123456789012345678901234567"), ERR_PARSE, "47 characters"},
    {"47 characters",         CONTENT(HEX16, "1", "0", "01234567890123456789012345678901234567890123456"),  ERR_OK,    ""},
    {"no byte",               CONTENT(HEX16, "1", "0", "\\u0100"),                  ERR_PARSE,       "U+00FF"},
    {"the last byte",         CONTENT(HEX16, "1", "0", "\\u00ff"),                  ERR_OK,          ""},
    {"a NUL",                 CONTENT(HEX16, "1", "0", "a\\u0000b"),                ERR_PARSE,       "\\u0000"},
};
// clang-format on

START_TEST(texts_are_read)
{
    struct state *s = NULL;
    struct err e = {0};

    ck_assert_msg(state_parse(texts[_i].text, strlen(texts[_i].text), &s, &e) == texts[_i].rc,
                  "%s: %s", texts[_i].what, e.text);
    ck_assert_msg(strstr(e.text, texts[_i].says), "%s: %s", texts[_i].what, e.text);
    ck_assert(!s == (texts[_i].rc != ERR_OK));
    state_free(s);
}
END_TEST

static void dir_make(char dir[64])
{
    snprintf(dir, 64, "/tmp/waymark-state-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

START_TEST(stored_and_loaded)
{
    char dir[64], path[96], bad[112];
    struct state *s = NULL;
    struct err e = {0};
    struct stat st;
    struct before b;

    before_make(&b);
    dir_make(dir);
    snprintf(path, sizeof path, "%s/state.json", dir);
    snprintf(bad, sizeof bad, "%s.bad", path);
    ck_assert_int_eq(state_load(path, &s, &e), ERR_NOT_FOUND);
    e = (struct err){0};
    for (unsigned i = 0; i < 2; i++) { /* also over an older one */
        ck_assert_msg(state_store(path, (struct str){b.text.data, b.text.len}, &e) == ERR_OK, "%s",
                      e.text);
        ck_assert_msg(state_load(path, &s, &e) == ERR_OK, "%s", e.text);
        ck_assert_uint_eq(s->streamer_count, 5);
        state_free(s);
    }
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);

    ck_assert_int_eq(truncate(path, 100), 0);
    ck_assert_int_eq(state_load(path, &s, &e), ERR_PARSE);
    ck_assert_ptr_null(s);
    ck_assert_msg(strncmp(e.text, "state file ", 11) == 0 && strstr(e.text, "kept as") &&
                      !strchr(e.text, '\n'),
                  "%s", e.text);
    ck_assert_int_eq(access(path, F_OK), -1);
    ck_assert_int_eq(unlink(bad), 0);
    e = (struct err){0};
    ck_assert_int_eq(state_load(path, &s, &e), ERR_NOT_FOUND);

    ck_assert_int_eq(rmdir(dir), 0); /* nothing else was left; and now there is no such place */
    e = (struct err){0};
    ck_assert_int_eq(state_store(path, STR("{}"), &e), ERR_IO);
    ck_assert_ptr_nonnull(strstr(e.text, "No such file"));
    before_free(&b);
}
END_TEST

/* Killed at any time while it writes again and again: what is there is whole. */
START_TEST(killed_while_it_writes)
{
    char dir[64], path[96], fresh[112];
    struct state *s = NULL;
    struct err e = {0};
    struct before b;

    before_make(&b);
    dir_make(dir);
    snprintf(path, sizeof path, "%s/state.json", dir);
    snprintf(fresh, sizeof fresh, "%s.new", path);
    ck_assert_int_eq(state_store(path, (struct str){b.text.data, b.text.len}, &e), ERR_OK);
    for (unsigned round = 0; round < 20; round++) {
        const pid_t child = fork();
        int status;

        ck_assert_int_ge(child, 0);
        if (child == 0)
            for (;;)
                if (state_store(path, (struct str){b.text.data, b.text.len}, &e) != ERR_OK)
                    _exit(1);
        usleep(500 + 317 * round);
        kill(child, SIGKILL);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFSIGNALED(status));
        ck_assert_msg(state_load(path, &s, &e) == ERR_OK, "%s", e.text);
        ck_assert_uint_eq(s->streamer_count, 5);
        ck_assert_uint_eq(s->content_count, 2);
        state_free(s);
    }
    (void)unlink(fresh);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(dir), 0);
    before_free(&b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("state_file");
    TCase *t = tcase_create("state_file");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(t, all_comes_back_at_once);
    tcase_add_loop_test(t, time_has_gone, 0, sizeof ages / sizeof *ages);
    tcase_add_test(t, who_is_gone_is_left_out);
    tcase_add_test(t, no_room);
    tcase_add_loop_test(t, texts_are_read, 0, sizeof texts / sizeof *texts);
    tcase_add_test(t, stored_and_loaded);
    tcase_add_test(t, killed_while_it_writes);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
