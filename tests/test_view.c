#include "router/view.h"

#include "base/clock.h"
#include "router/candidates.h"
#include "tests/view_fixture.h"

static struct live *live;

static void setup(void)
{
    live = live_new();
}

static void teardown(void)
{
    live_free(live);
}

static struct service_conf service(const char *name, const struct str *hosts, size_t n,
                                   const char *path)
{
    return (struct service_conf){.name = str_from(name),
                                 .hosts = hosts,
                                 .host_count = n,
                                 .path_prefix = str_from(path),
                                 .policy = fixture_policy};
}

static struct view *view_of(const struct service_conf *services, size_t n)
{
    static struct fixture_names names;
    struct streamer_conf s = fixture_streamer(&names, 0, -1);
    struct view_inputs in = {.serial = 7,
                             .streamers = &s,
                             .streamer_count = 1,
                             .services = services,
                             .service_count = n};
    struct view *v = NULL;
    struct err e = {0};

    ck_assert_msg(view_build(&in, live, &v, &e) == ERR_OK, "%s", e.text);
    return v;
}

// clang-format off
static const struct { const char *what, *host, *path, *service; } finds[] = {
    {"exact host, longest path",               "www.example.com",     "/vod/film/1.ts", "vod"},
    {"exact host, the rest of its paths",      "www.example.com",     "/live/1.ts",     "www"},
    {"a prefix is bytes, not segments",        "www.example.com",     "/vodka",         "www"},
    {"a host without a path is its general service", "www.example.com", NULL,           "www"},
    {"wildcard",                               "a.example.com",       "/x",             "wild"},
    {"wildcard, several labels down",          "b.a.example.com",     "/x",             "wild"},
    {"the longest wildcard",                   "x.cdn.example.com",   "/x",             "cdn"},
    {"a wildcard is not its own name",         "example.com",         "/x",             NULL},
    {"a named host is not looked for further", "only.example.com",    "/x",             NULL},
    {"a named host with its path",             "only.example.com",    "/only/x",        "only"},
    {"nobody",                                 "example.org",         "/x",             NULL},
    {"a suffix that is no label",              "notexample.com",      "/x",             NULL},
    {"nothing",                                "",                    "/x",             NULL},
    {"a dot",                                  ".example.com",        "/x",             NULL},
};
// clang-format on

START_TEST(sessions_of_others)
{
    const struct str www[] = {STR("www.example.com")};
    struct service_conf s = service("www", www, 1, "");
    struct view *v = view_of(&s, 1);
    const struct candidates *c = v->services[0].candidates;
    const lidx at = v->streamers[0].live;
    const double session_s = v->streamers[0].session_s;

    ck_assert_double_eq(c->folded->others, 0); /* before the first fold */
    live_resume(live, at, 90, 60 / session_s, 60);
    view_fold(v, live);
    ck_assert_double_eq_tol(c->folded->others, 2, 1e-9);
    live_resume(live, at, 90, 0, 60);
    ck_assert_double_eq(candidates_others(c, v, live), 0);
    live_resume(live, at, 90, -60 / session_s, 60); /* sessions are shorter than believed */
    ck_assert_double_eq(candidates_others(c, v, live), 0);
    live_resume(live, at, 90, 91 / session_s, 60); /* all are others' */
    ck_assert_double_eq(candidates_others(c, v, live), CANDIDATES_OTHERS_MAX);
    view_drop(v);
}
END_TEST

START_TEST(find_service)
{
    const struct str www[] = {STR("www.example.com")}, wild[] = {STR("*.example.com")},
                     cdn[] = {STR("*.cdn.example.com")}, only[] = {STR("only.example.com")};
    const struct service_conf s[] = {
        service("www", www, 1, ""),         service("wild", wild, 1, ""),
        service("cdn", cdn, 1, ""),         service("vod", www, 1, "/vod/"),
        service("only", only, 1, "/only/"),
    };
    struct view *v = view_of(s, sizeof s / sizeof *s);
    svidx i = view_find_service(v, str_from(finds[_i].host), str_from(finds[_i].path));

    if (finds[_i].service) {
        ck_assert_msg(i != SVIDX_NONE, "%s", finds[_i].what);
        ck_assert_msg(str_eq(v->services[i].conf->name, str_from(finds[_i].service)), "%s: %s",
                      finds[_i].what, v->services[i].conf->name.p);
    } else {
        ck_assert_msg(i == SVIDX_NONE, "%s", finds[_i].what);
    }
    view_drop(v);
}
END_TEST

START_TEST(find_many_hosts)
{
    enum { N = 3000 };
    struct str *hosts = calloc(N, sizeof *hosts);
    struct service_conf *s = calloc(N, sizeof *s);
    char(*names)[32] = calloc(N, sizeof *names);
    char host[280];
    struct view *v;

    for (unsigned i = 0; i < N; i++) {
        int n = snprintf(names[i], sizeof names[i], "host%u.example.net", i);

        hosts[i] = (struct str){names[i], (size_t)n};
        s[i] = service("", &hosts[i], 1, "");
        s[i].name = hosts[i];
    }
    v = view_of(s, N);
    for (unsigned i = 0; i < N; i++) {
        svidx found = view_find_service(v, hosts[i], STR("/"));

        ck_assert(str_eq(v->services[found].conf->name, hosts[i]));
        ck_assert_uint_eq(view_find_service_by_name(v, hosts[i]), found);
    }
    memset(host, 'a', sizeof host);
    ck_assert_uint_eq(view_find_service(v, (struct str){host, sizeof host}, STR("/")), SVIDX_NONE);
    view_drop(v);
    free(names);
    free(s);
    free(hosts);
}
END_TEST

START_TEST(find_torrent)
{
    static const uint8_t hashes[2][INFO_HASH_LEN] = {{9, 1}, {3, 2}}, other[INFO_HASH_LEN] = {3};
    struct service_conf s[2] = {service("a", NULL, 0, ""), service("b", NULL, 0, "")};
    struct view *v;

    s[0].info_hashes = hashes;
    s[0].info_hash_count = 2;
    v = view_of(s, 2);
    ck_assert_uint_eq(view_find_service_by_info_hash(v, hashes[0]), 0);
    ck_assert_uint_eq(view_find_service_by_info_hash(v, hashes[1]), 0);
    ck_assert_uint_eq(view_find_service_by_info_hash(v, other), SVIDX_NONE);
    view_drop(v);
    s[1].any_info_hash = true;
    v = view_of(s, 2);
    ck_assert_uint_eq(view_find_service_by_info_hash(v, hashes[1]), 0);
    ck_assert_uint_eq(view_find_service_by_info_hash(v, other), 1);
    view_drop(v);
}
END_TEST

START_TEST(locate)
{
    const double costs[4] = {1, 2, 2, 1};
    struct fixture_maps m = fixture_maps(2, costs, COST_NUMERICAL);
    struct fixture_names names;
    struct streamer_conf st = fixture_streamer(&names, 0, 0);
    struct view_inputs in = {.netmap = m.netmap, .streamers = &st, .streamer_count = 1};
    struct view *v = NULL;
    struct located l;

    ck_assert(view_build(&in, live, &v, NULL) == ERR_OK);
    l = view_locate(v, fixture_client(1));
    ck_assert_uint_eq(l.pid, 1);
    ck_assert_uint_eq(l.scope, 116);
    ck_assert_uint_eq(view_locate(v, addr_from_v4(0x7f000001)).pid, PIDX_NONE);
    view_drop(v);
    in.default_pid = STR("p1");
    ck_assert(view_build(&in, live, &v, NULL) == ERR_OK);
    ck_assert_uint_eq(view_locate(v, addr_from_v4(0x7f000001)).pid, 1);
    ck_assert_uint_eq(view_locate(v, fixture_client6(0)).pid, 0);
    view_drop(v);
    fixture_maps_drop(&m);
}
END_TEST

// clang-format off
static const struct { const char *what, *pattern, *a, *b; bool same; } keys[] = {
    {"segments of one directory",      "", "/vod/film/1.ts",  "/vod/film/2.ts",  true},
    {"two directories",                "", "/vod/film/1.ts",  "/vod/other/1.ts", false},
    {"no slash: the whole",            "", "film1",           "film2",           false},
    {"group 1",          "^/([^/]+)/",     "/film/hd/1.ts",   "/film/sd/1.ts",   true},
    {"the whole match",  "^/[^/]+/",       "/film/hd/1.ts",   "/film/sd/1.ts",   true},
    {"group 1 differs",  "^/([^/]+)/",     "/film/hd/1.ts",   "/another/hd/1.ts", false},
    {"no match: the directory", "^/x/(.*)", "/film/hd/1.ts",  "/film/hd/2.ts",   true},
    {"an empty group 1 is an answer", "^/[^/]+(x?)/", "/a/1", "/b/1",            true},
    {"a group that took no part: the whole match", "^/a|^/(b)", "/a/1", "/a/2",  true},
    {"\\K moves the start",     "^/[^/]+/\\K.*", "/c/ab",    "/d/ab",           true},
};
// clang-format on

START_TEST(content_keys)
{
    struct service_conf s = service("svc", NULL, 0, "");
    struct key_scratch *k = key_scratch_new();
    struct view *v;
    uint64_t a, b;

    s.content_key = str_from(keys[_i].pattern);
    v = view_of(&s, 1);
    a = view_content_key(v, 0, str_from(keys[_i].a), k);
    b = view_content_key(v, 0, str_from(keys[_i].b), k);
    ck_assert_msg((a == b) == keys[_i].same, "%s", keys[_i].what);
    key_scratch_free(k);
    view_drop(v);
}
END_TEST

START_TEST(content_keys_differ_by_service)
{
    const struct service_conf s[2] = {service("a", NULL, 0, ""), service("b", NULL, 0, "")};
    struct view *v = view_of(s, 2);

    ck_assert_uint_ne(view_content_key(v, 0, STR("/x/y"), NULL),
                      view_content_key(v, 1, STR("/x/y"), NULL));
    view_drop(v);
}
END_TEST

/* An expression that backtracks without end on this path stops at its limit: the directory. */
START_TEST(hostile_path_is_bounded)
{
    static char path[8000];
    struct service_conf s = service("svc", NULL, 0, "");
    struct key_scratch *k = key_scratch_new();
    struct view *v;
    uint64_t before, took;

    memset(path, 'a', sizeof path);
    path[0] = '/';
    path[sizeof path - 1] = '!';
    s.content_key = STR("^/((a+)+)+$");
    v = view_of(&s, 1);
    before = clock_cpu_ns();
    for (unsigned i = 0; i < 10; i++)
        ck_assert_uint_eq(view_content_key(v, 0, (struct str){path, sizeof path}, k),
                          view_content_key(v, 0, STR("/"), k));
    took = clock_cpu_ns() - before;
    ck_assert_msg(took < UINT64_C(10) * 50 * 1000 * 1000, "%ju ns for ten", (uintmax_t)took);
    key_scratch_free(k);
    view_drop(v);
}
END_TEST

static unsigned freed;

static void on_free(void *arg)
{
    freed += *(unsigned *)arg;
}

START_TEST(references)
{
    const double costs[4] = {1, 2, 2, 1};
    struct fixture_maps m = fixture_maps(2, costs, COST_NUMERICAL);
    unsigned one = 1;
    struct view_inputs in = {.netmap = m.netmap, .costmap = m.costmap};
    struct view *v = NULL;

    freed = 0;
    ck_assert(view_build(&in, live, &v, NULL) == ERR_OK);
    fixture_maps_drop(&m); /* the view has its own */
    while (view_on_free(v, on_free, &one))
        ;
    view_take(v);
    view_drop(v);
    ck_assert_uint_eq(freed, 0);
    ck_assert_uint_eq(view_locate(v, fixture_client(1)).pid, 1);
    view_drop(v);
    ck_assert_uint_ge(freed, 4);
    view_drop(NULL);
    view_source_drop(NULL);
}
END_TEST

static Suite *view_suite(void)
{
    Suite *s = suite_create("view");
    TCase *t = tcase_create("view");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, find_service, 0, sizeof finds / sizeof *finds);
    tcase_add_test(t, sessions_of_others);
    tcase_add_test(t, find_many_hosts);
    tcase_add_test(t, find_torrent);
    tcase_add_test(t, locate);
    tcase_add_loop_test(t, content_keys, 0, sizeof keys / sizeof *keys);
    tcase_add_test(t, content_keys_differ_by_service);
    tcase_add_test(t, hostile_path_is_bounded);
    tcase_add_test(t, references);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    SRunner *r = srunner_create(view_suite());
    int failed;

    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
