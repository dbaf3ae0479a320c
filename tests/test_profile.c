#include "router/profile.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arena *arena;
static struct err e;

static void setup(void)
{
    arena = arena_new((size_t)64 << 20);
    ck_assert_ptr_nonnull(arena);
    memset(&e, 0, sizeof e);
}

static void teardown(void)
{
    arena_free(arena);
}

static struct stats parse(enum stats_format f, const char *text)
{
    struct stats s;

    ck_assert_msg(stats_parse(f, text, strlen(text), arena, &s, &e) == ERR_OK, "%s", e.text);
    return s;
}

static const struct profile_conf *find(const char *name)
{
    const struct profile_conf *p = profile_builtin(str_from(name));

    ck_assert_msg(p, "no profile %s", name);
    return p;
}

#define NONE UINT64_MAX

/* What the built-in profiles make of what real programs said. */
static const struct {
    const char *profile, *file, *select;
    uint64_t
        want[PROFILE_FIELDS]; /* sessions, bytes out, hits, misses, requests, capacity, ready */
} recorded[] = {
    {"ats",
     "ats-9.2.9-stats_over_http.excerpt.json",
     "",
     {0, 3040 + 241155, 4, 4, 8, NONE, 1795342873}},
    {"varnish", "varnishstat-7.1.1.excerpt.json", "", {NONE, 205860, 3, 1, 4, NONE, NONE}},
    {"varnish-exporter",
     "prometheus-varnish-exporter.excerpt.prom",
     "",
     {NONE, 205860, 3, 1, 4, NONE, 1}},
    {"nginx", "nginx-stub_status.txt", "", {4, NONE, NONE, NONE, 76, NONE, NONE}},
    {"nginx-exporter", "prometheus-nginx-exporter.prom", "", {4, NONE, NONE, NONE, 64, NONE, 1}},
    {"haproxy", "haproxy-2.6.12-stats.csv", "", {1, 251282, 2, 1, 5, 9985, 1}},
    {"haproxy", "haproxy-2.6.12-stats.csv", "f", {1, 251282, 2, 1, 5, 9985, 1}},
    {"haproxy", "haproxy-2.6.12-stats.csv", "g", {NONE, NONE, NONE, NONE, NONE, NONE, NONE}},
    {"haproxy-prometheus",
     "haproxy-2.6.12-metrics.excerpt.prom",
     "",
     {1, 206639, 2, 1, 4, 9985, 1}},
    {"haproxy-prometheus",
     "haproxy-2.6.12-metrics.excerpt.prom",
     "f",
     {1, 206639, 2, 1, 4, 9985, 1}},
    {"haproxy-prometheus",
     "haproxy-2.6.12-metrics.excerpt.prom",
     "o",
     {NONE, NONE, NONE, NONE, NONE, NONE, NONE}},
    {"squid", "squid-5.7-mgr-counters.txt", "", {NONE, 1217 * 1024, 13, 8, 21, NONE, NONE}},
};

START_TEST(recorded_pages)
{
    const struct profile_conf *p = find(recorded[_i].profile);
    struct profile_sample sample;
    struct bytes page;
    struct stats s;
    char path[512];

    snprintf(path, sizeof path, "%s/streamer-stats/%s", TEST_DATA, recorded[_i].file);
    ck_assert_int_eq(file_read(path, STATS_BYTES_MAX, &page, &e), ERR_OK);
    ck_assert_int_eq(stats_parse(p->format, page.data, page.len, arena, &s, &e), ERR_OK);
    profile_read(p, &s, str_from(recorded[_i].select), &sample);
    for (unsigned f = 0; f < PROFILE_FIELDS; f++) {
        uint64_t want = recorded[_i].want[f];
        const char *name = profile_field_name((enum profile_field)f);

        ck_assert_msg(sample.has[f] == (want != NONE), "%s of %s", name, recorded[_i].profile);
        ck_assert_msg(!sample.has[f] ||
                          (sample.value[f].kind == STAT_UINT && sample.value[f].u == want),
                      "%s of %s is %g", name, recorded[_i].profile, stat_double(&sample.value[f]));
    }
    bytes_free(&page);
}
END_TEST

/* Parts that the recorded excerpts have not. */
START_TEST(the_rest_of_varnish)
{
    struct stats s = parse(STATS_JSON, "{\"counters\":{"
                                       "\"MEMPOOL.sess0.live\":{\"flag\":\"g\",\"value\":5},"
                                       "\"MEMPOOL.sess1.live\":{\"flag\":\"g\",\"value\":7},"
                                       "\"MEMPOOL.req1.live\":{\"flag\":\"g\",\"value\":100},"
                                       "\"MEMPOOL.sess1.pool\":{\"flag\":\"g\",\"value\":100},"
                                       "\"MAIN.s_resp_hdrbytes\":{\"flag\":\"c\",\"value\":10},"
                                       "\"MAIN.s_resp_bodybytes\":{\"flag\":\"c\",\"value\":20},"
                                       "\"MAIN.cache_miss\":{\"flag\":\"c\",\"value\":3},"
                                       "\"MAIN.s_pass\":{\"flag\":\"c\",\"value\":4}}}");
    struct profile_sample sample;

    profile_read(find("varnish"), &s, (struct str){0}, &sample);
    ck_assert_uint_eq(sample.value[PROFILE_SESSIONS].u, 12);
    ck_assert_uint_eq(sample.value[PROFILE_BYTES_OUT].u, 30);
    ck_assert_uint_eq(sample.value[PROFILE_MISSES].u, 7);
    s = parse(STATS_PROMETHEUS, "varnish_mempool_live{id=\"busyobj\"} 1\n"
                                "varnish_mempool_live{id=\"req0\"} 2\n"
                                "varnish_mempool_live{id=\"sess0\"} 3\n"
                                "varnish_mempool_live{id=\"sess1\"} 4\n");
    profile_read(find("varnish-exporter"), &s, (struct str){0}, &sample);
    ck_assert_uint_eq(sample.value[PROFILE_SESSIONS].u, 7);
}
END_TEST

START_TEST(node_exporter)
{
    struct stats s =
        parse(STATS_PROMETHEUS, "node_netstat_Tcp_CurrEstab 17\n"
                                "node_network_transmit_bytes_total{device=\"lo\"} 1e+06\n"
                                "node_network_transmit_bytes_total{device=\"eth0\"} 100\n"
                                "node_network_transmit_bytes_total{device=\"enp3s0\"} 20\n"
                                "node_network_transmit_bytes_total{device=\"docker0\"} 3\n");
    struct profile_sample sample;

    profile_read(find("node-exporter"), &s, (struct str){0}, &sample);
    ck_assert_uint_eq(sample.value[PROFILE_SESSIONS].u, 17);
    ck_assert_uint_eq(sample.value[PROFILE_BYTES_OUT].u, 120);
    profile_read(find("node-exporter"), &s, STR("docker0"), &sample);
    ck_assert_uint_eq(sample.value[PROFILE_BYTES_OUT].u, 3);
    profile_read(find("node-exporter"), &s, STR("*"), &sample);
    ck_assert_uint_eq(sample.value[PROFILE_BYTES_OUT].u, 1000123);
}
END_TEST

START_TEST(own_page)
{
    struct stats s = parse(STATS_PROMETHEUS, "streamer_sessions{site=\"a\"} 1\n"
                                             "streamer_sessions{site=\"b\"} 2\n"
                                             "streamer_sent_bytes_total 3\n"
                                             "streamer_cache_hits_total 4\n"
                                             "streamer_cache_misses_total 5\n"
                                             "streamer_requests_total 6\n"
                                             "streamer_sessions_max 7\n"
                                             "streamer_ready 0\n");
    static const uint64_t want[PROFILE_FIELDS] = {3, 3, 4, 5, 6, 7, 0};
    struct profile_sample sample;

    profile_read(find("prometheus"), &s, (struct str){0}, &sample);
    for (unsigned f = 0; f < PROFILE_FIELDS; f++) {
        ck_assert(sample.has[f]);
        ck_assert_uint_eq(sample.value[f].u, want[f]);
    }
    profile_read(find("prometheus"), &s, STR("site=\"b\""), &sample);
    ck_assert_uint_eq(sample.value[PROFILE_SESSIONS].u, 2);
    ck_assert(!sample.has[PROFILE_READY]);
}
END_TEST

/* One expression over one page: what it is the sum of. */
#define PAGE                                                                                       \
    "a 1\n"                                                                                        \
    "a_b 2\n"                                                                                      \
    "a_b{x=\"1\"} 4\n"                                                                             \
    "a_b{x=\"1\",y=\"2\"} 8\n"                                                                     \
    "a_b{x=\"12\",y=\"q\\\"},z=\\\\\"} 16\n"                                                       \
    "a_c 32\n"                                                                                     \
    "b 0.5\n"                                                                                      \
    "n -3\n"                                                                                       \
    "big 18446744073709551615\n"                                                                   \
    "nan NaN\n"

static const struct {
    const char *names[3];
    double scale, want; /* NAN: not known */
} sums[] = {
    {{"a"}, 1, 1},
    {{"a_b"}, 1, 30},
    {{"a_b{}"}, 1, 30},
    {{"a_b{*}"}, 1, 30},
    {{"a_b{x=\"1\"}"}, 1, 12},
    {{"a_b{y=\"2\"}"}, 1, 8},
    {{"a_b{y=\"2\",x=\"1\"}"}, 1, 8},
    {{"a_b{x=\"1*\"}"}, 1, 28},
    {{"a_b{x=\"*2\"}"}, 1, 16},
    {{"a_b{y=\"q\\\"},z=\\\\\"}"}, 1, 16},
    {{"a_b{z=\"\\\\\"}"}, 1, NAN}, /* that was within a value */
    {{"a_b{x=\"3\"}"}, 1, NAN},
    {{"a_b{x=1}"}, 1, NAN},
    {{"a_b{x=\"1\""}, 1, NAN}, /* a brace that is not closed */
    {{"a*"}, 1, 63},
    {{"*"}, 1, NAN}, /* nan */
    {{"*c"}, 1, 32},
    {{"a_*c"}, 1, 32},
    {{"a", "a_c"}, 1, 33},
    {{"a", "no"}, 1, 1},
    {{"no", "nor"}, 1, NAN},
    {{"a_c", "-a"}, 1, 31},
    {{"a", "-a_c"}, 1, -31},
    {{"a_c", "-no"}, 1, NAN}, /* a difference needs both */
    {{"no", "-a"}, 1, NAN},
    {{"-a"}, 1, -1},
    {{"n", "a"}, 1, -2},
    {{"b", "a"}, 1, 1.5},
    {{"a"}, 1024, 1024},
    {{"a"}, 0.5, 0.5},
    {{"big"}, 1, 0x1p64},
    {{"nan"}, 1, NAN},
    {{""}, 1, NAN},
    {{"-"}, 1, NAN},
};

START_TEST(expressions)
{
    struct profile_conf p = {.format = STATS_PROMETHEUS};
    struct profile_expr *x = &p.field[PROFILE_SESSIONS];
    struct stats s = parse(STATS_PROMETHEUS, PAGE);
    struct profile_sample sample;
    double got = NAN;

    x->scale = sums[_i].scale;
    while (x->name_count < 3 && sums[_i].names[x->name_count]) {
        x->names[x->name_count] = str_from(sums[_i].names[x->name_count]);
        x->name_count++;
    }
    profile_read(&p, &s, (struct str){0}, &sample);
    if (sample.has[PROFILE_SESSIONS])
        got = stat_double(&sample.value[PROFILE_SESSIONS]);
    ck_assert_msg(got == sums[_i].want || (isnan(got) && isnan(sums[_i].want)), "%s: %g",
                  sums[_i].names[0], got);
}
END_TEST

/* Beyond 2^53 and beyond 2^64 on the way. */
START_TEST(sums_are_exact)
{
    struct stats s = parse(STATS_PROMETHEUS, "a 18446744073709551615\nb 18446744073709551614\n");
    struct profile_conf p = {.format = STATS_PROMETHEUS};
    struct profile_sample sample;

    p.field[PROFILE_HITS] = (struct profile_expr){{STR("a"), STR("b"), STR("-b")}, 3, 1};
    p.field[PROFILE_MISSES] = (struct profile_expr){{STR("a"), STR("-b")}, 2, 1024};
    profile_read(&p, &s, (struct str){0}, &sample);
    ck_assert_uint_eq(sample.value[PROFILE_HITS].u, UINT64_MAX);
    ck_assert_uint_eq(sample.value[PROFILE_MISSES].u, 1024);
}
END_TEST

/* Braces mean labels under Prometheus alone. */
START_TEST(other_formats_have_no_labels)
{
    struct stats s = parse(STATS_JSON, "{\"a{b\": 1, \"a\": 2}");
    struct profile_conf p = {.format = STATS_JSON};
    struct profile_sample sample;

    p.field[PROFILE_HITS] = (struct profile_expr){{STR("a")}, 1, 1};
    p.field[PROFILE_MISSES] = (struct profile_expr){{STR("a{b")}, 1, 1};
    profile_read(&p, &s, (struct str){0}, &sample);
    ck_assert_uint_eq(sample.value[PROFILE_HITS].u, 2);
    ck_assert_uint_eq(sample.value[PROFILE_MISSES].u, 1);
}
END_TEST

START_TEST(what_is_selected_is_bounded)
{
    struct stats s = parse(STATS_PROMETHEUS, "a 1\n");
    struct profile_conf p = {.format = STATS_PROMETHEUS};
    struct profile_sample sample;
    char select[STATS_NAME_MAX];

    memset(select, 'x', sizeof select);
    p.field[PROFILE_HITS] = (struct profile_expr){{STR("%%")}, 1, 1};
    profile_read(&p, &s, (struct str){select, sizeof select}, &sample);
    ck_assert(!sample.has[PROFILE_HITS]);
}
END_TEST

/* The glob against a plain recursive one. */
static bool slow_glob(const char *p, const char *t)
{
    if (!*p)
        return !*t;
    if (*p == '*')
        return slow_glob(p + 1, t) || (*t && slow_glob(p, t + 1));
    return *p == *t && slow_glob(p + 1, t + 1);
}

START_TEST(stars_as_written_out)
{
    unsigned seed = (unsigned)_i, fits = 0;
    struct profile_conf p = {.format = STATS_JSON};

    for (unsigned turn = 0; turn < 2000; turn++) {
        char name[9] = {0}, pattern[7] = {0}, text[32];
        struct profile_sample sample;
        struct stats s;

        for (unsigned i = 0, n = 1 + (unsigned)rand_r(&seed) % 8; i < n; i++)
            name[i] = "ab"[rand_r(&seed) % 2];
        for (unsigned i = 0, n = 1 + (unsigned)rand_r(&seed) % 6; i < n; i++)
            pattern[i] = "ab**"[rand_r(&seed) % 4];
        snprintf(text, sizeof text, "{\"%s\": 1}", name);
        s = parse(STATS_JSON, text);
        p.field[PROFILE_HITS] = (struct profile_expr){{str_from(pattern)}, 1, 1};
        profile_read(&p, &s, (struct str){0}, &sample);
        ck_assert_msg(sample.has[PROFILE_HITS] == slow_glob(pattern, name), "seed %d: %s on %s", _i,
                      pattern, name);
        fits += sample.has[PROFILE_HITS];
    }
    ck_assert(fits > 100 && fits < 1900);
}
END_TEST

static struct profile_sample sample_of(const struct profile_conf *p, const char *page)
{
    struct stats s = parse(p->format, page);
    struct profile_sample sample;

    profile_read(p, &s, (struct str){0}, &sample);
    return sample;
}

#define NUMBERS(sessions, bytes, hits, misses, requests, max, ready)                               \
    "streamer_sessions " sessions "\nstreamer_sent_bytes_total " bytes                             \
    "\nstreamer_cache_hits_total " hits "\nstreamer_cache_misses_total " misses                    \
    "\nstreamer_requests_total " requests "\nstreamer_sessions_max " max "\nstreamer_ready " ready \
    "\n"

static void same(double got, double want)
{
    ck_assert_msg(got == want || (isnan(got) && isnan(want)), "%g, not %g", got, want);
}

START_TEST(first_report_has_gauges_alone)
{
    struct profile_sample now =
        sample_of(find("prometheus"), NUMBERS("3", "100", "5", "6", "7", "8", "1"));
    struct profile_report r;

    profile_report(NULL, &now, 10, &r);
    same(r.sessions, 3);
    same(r.capacity, 8);
    ck_assert_int_eq(r.ready, 1);
    same(r.bytes_out_bps, NAN);
    same(r.hit_ratio, NAN);
    same(r.requests_ps, NAN);
}
END_TEST

START_TEST(rates)
{
    const struct profile_conf *p = find("prometheus");
    struct profile_sample a =
        sample_of(p, NUMBERS("3", "18446744073709550615", "5", "6", "7", "8", "0"));
    struct profile_sample b =
        sample_of(p, NUMBERS("NaN", "18446744073709551615", "8", "7", "27", "+Inf", "0.0"));
    struct profile_report r;

    profile_report(&a, &b, 10, &r);
    same(r.bytes_out_bps, 800); /* as doubles the two are the same number */
    same(r.hit_ratio, 0.75);
    same(r.requests_ps, 2);
    same(r.sessions, NAN);
    same(r.capacity, NAN);
    ck_assert_int_eq(r.ready, 0);
    profile_report(&a, &b, 0, &r);
    same(r.bytes_out_bps, NAN);
    same(r.requests_ps, NAN);
    same(r.hit_ratio, 0.75); /* needs no time */
    profile_report(&a, &b, -1, &r);
    same(r.bytes_out_bps, NAN);
    profile_report(&a, &a, 10, &r);
    same(r.bytes_out_bps, 0);
    same(r.hit_ratio, NAN); /* nothing was asked for */
}
END_TEST

START_TEST(a_restart)
{
    const struct profile_conf *p = find("prometheus");
    struct profile_sample a = sample_of(p, NUMBERS("3", "1000", "50", "60", "700", "8", "1"));
    struct profile_sample b = sample_of(p, NUMBERS("3", "125", "1", "3", "4", "8", "1"));
    struct profile_report r;

    profile_report(&a, &b, 10, &r);
    same(r.bytes_out_bps, 100);
    same(r.hit_ratio, 0.25);
    same(r.requests_ps, 0.4);
}
END_TEST

/* A network device that went away takes its counter along: that is no restart with 5 TB sent. */
START_TEST(rows_that_come_and_go)
{
    const struct profile_conf *p = find("node-exporter");
#define TX "node_network_transmit_bytes_total"
    struct profile_sample two =
        sample_of(p, TX "{device=\"eth0\"} 5e12\n" TX "{device=\"eth1\"} 10\n");
    struct profile_sample one = sample_of(p, TX "{device=\"eth0\"} 5e12\n");
    struct profile_report r;

    profile_report(&two, &one, 10, &r);
    same(r.bytes_out_bps, NAN);
    profile_report(&one, &two, 10, &r);
    same(r.bytes_out_bps, NAN);
    profile_report(&two, &two, 10, &r);
    same(r.bytes_out_bps, 0);
}
END_TEST

/* A lookup is counted before its hit is: misses, their difference, may step back by what is under
 * way, which is not a restart. */
START_TEST(misses_that_step_back)
{
    const struct profile_conf *p = find("haproxy");
#define CSV(lookups, hits)                                                                         \
    "# pxname,svname,cache_lookups,cache_hits\nf,FRONTEND," lookups "," hits "\n"
    struct profile_sample a = sample_of(p, CSV("1000", "500")),
                          b = sample_of(p, CSV("1002", "503"));
    struct profile_report r;

    ck_assert_uint_eq(a.value[PROFILE_MISSES].u, 500);
    ck_assert_uint_eq(b.value[PROFILE_MISSES].u, 499);
    profile_report(&a, &b, 10, &r);
    same(r.hit_ratio, 1);
}
END_TEST

START_TEST(hits_of_requests)
{
    struct profile_conf p = *find("prometheus");
    struct profile_sample a, b;
    struct profile_report r;

    p.field[PROFILE_MISSES].name_count = 0;
    a = sample_of(&p, NUMBERS("1", "1", "10", "0", "20", "8", "1"));
    b = sample_of(&p, NUMBERS("1", "1", "11", "9", "24", "8", "1"));
    profile_report(&a, &b, 10, &r);
    same(r.hit_ratio, 0.25);
}
END_TEST

START_TEST(builtins_are_whole)
{
    const struct profile_conf *p;
    size_t n = 0;

    for (; (p = profile_builtin_at(n)); n++) {
        ck_assert_ptr_eq(profile_builtin(p->name), p);
        ck_assert_msg(profile_check(p, &e) == ERR_OK, "%s", e.text);
        ck_assert(p->path.n && p->path.p[0] == '/');
    }
    ck_assert_uint_eq(n, 10);
    ck_assert_ptr_null(profile_builtin(STR("iis")));
    ck_assert_ptr_null(profile_builtin((struct str){0}));
}
END_TEST

static const struct {
    const char *profile, *term;
    unsigned count;
    double scale;
    enum err_code rc;
    const char *says;
} own[] = {
    {"mine-2", "a", 1, 1, ERR_OK, ""},
    {"m", "-a*{x=\"%\",y=\"*\"}", 1, 0.001, ERR_OK, ""},
    {"m", "a{%}", 1, 1, ERR_OK, ""},
    {"", "a", 1, 1, ERR_PARSE, "name \"\""},
    {"Mine", "a", 1, 1, ERR_PARSE, "name \"Mine\""},
    {"m", "a", 0, 1, ERR_PARSE, "reads nothing"},
    {"m", "a", 9, 1, ERR_LIMIT, "hits: 9 names, at most 8"},
    {"m", "a", 1, 0, ERR_PARSE, "hits: a scale of 0"},
    {"m", "a", 1, NAN, ERR_PARSE, "a scale of"},
    {"m", "a", 1, INFINITY, ERR_PARSE, "a scale of inf"},
    {"m", "", 1, 1, ERR_PARSE, "hits: \"\", a name"},
    {"m", "-", 1, 1, ERR_PARSE, "\"-\", a name"},
    {"m", "{x=\"1\"}", 1, 1, ERR_PARSE, "a name"},
    {"m", "a{x=1}", 1, 1, ERR_PARSE, "a name"},
    {"m", "a{=\"1\"}", 1, 1, ERR_PARSE, "a name"},
    {"m", "a{x=\"1\"", 1, 1, ERR_PARSE, "a name"},
    {"m", "a{x=\"1}", 1, 1, ERR_PARSE, "a name"},
    {"m", NULL, 1, 1, ERR_LIMIT, "hits: a name of 1025 bytes"},
};

START_TEST(own_profiles_are_checked)
{
    struct profile_conf p = {.name = str_from(own[_i].profile), .format = STATS_PROMETHEUS};
    struct profile_expr *x = &p.field[PROFILE_HITS];
    char longest[STATS_NAME_MAX + 1];

    memset(longest, 'x', sizeof longest);
    x->scale = own[_i].scale;
    x->name_count = own[_i].count;
    x->names[0] = own[_i].term ? str_from(own[_i].term) : (struct str){longest, sizeof longest};
    ck_assert_msg(profile_check(&p, &e) == own[_i].rc, "row %d: %s", _i, e.text);
    ck_assert_msg(strstr(e.text, own[_i].says), "row %d: %s", _i, e.text);
}
END_TEST

#define LOOP(test, rows) tcase_add_loop_test(t, test, 0, sizeof(rows) / sizeof *(rows))

int main(void)
{
    Suite *s = suite_create("profile");
    TCase *t = tcase_create("profile");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    LOOP(recorded_pages, recorded);
    tcase_add_test(t, the_rest_of_varnish);
    tcase_add_test(t, node_exporter);
    tcase_add_test(t, own_page);
    LOOP(expressions, sums);
    tcase_add_test(t, sums_are_exact);
    tcase_add_test(t, other_formats_have_no_labels);
    tcase_add_test(t, what_is_selected_is_bounded);
    tcase_add_loop_test(t, stars_as_written_out, 0, 4);
    tcase_add_test(t, first_report_has_gauges_alone);
    tcase_add_test(t, rates);
    tcase_add_test(t, a_restart);
    tcase_add_test(t, rows_that_come_and_go);
    tcase_add_test(t, misses_that_step_back);
    tcase_add_test(t, hits_of_requests);
    tcase_add_test(t, builtins_are_whole);
    LOOP(own_profiles_are_checked, own);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
