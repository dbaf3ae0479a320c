#include "router/stats.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arena *arena;
static struct stats stats;
static struct err e;

static void setup(void)
{
    arena = arena_new((size_t)256 << 20);
    ck_assert_ptr_nonnull(arena);
    memset(&e, 0, sizeof e);
}

static void teardown(void)
{
    arena_free(arena);
}

/* From memory of its own, so that a sanitizer sees a byte too far. */
static enum err_code parse(enum stats_format f, const void *text, size_t n)
{
    char *copy = malloc(n ? n : 1);
    enum err_code rc;

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, n);
    rc = stats_parse(f, copy, n, arena, &stats, &e);
    free(copy); /* nothing points into the page */
    if (rc != ERR_OK) {
        ck_assert_ptr_null(stats.items);
        ck_assert_uint_eq(stats.count, 0);
        ck_assert(e.text[0]);
    }
    return rc;
}

static void parse_file(enum stats_format f, const char *name)
{
    struct bytes page;
    char path[512];

    snprintf(path, sizeof path, "%s/streamer-stats/%s", TEST_DATA, name);
    ck_assert_msg(file_read(path, STATS_BYTES_MAX, &page, &e) == ERR_OK, "%s: %s", path, e.text);
    ck_assert_msg(parse(f, page.data, page.len) == ERR_OK, "%s: %s", name, e.text);
    bytes_free(&page);
}

static const struct stat_value *get(const char *name)
{
    const struct stats_item *s = stats_find(&stats, str_from(name));

    ck_assert_msg(s, "%s is not there", name);
    return &s->value;
}

static void is_uint(const char *name, uint64_t want)
{
    const struct stat_value *v = get(name);

    ck_assert_msg(v->kind == STAT_UINT && v->u == want, "%s is %g", name, stat_double(v));
}

static void is_real(const char *name, double want)
{
    const struct stat_value *v = get(name);

    ck_assert_msg(v->kind == STAT_REAL && v->d == want, "%s is %.17g", name, stat_double(v));
}

/* What real programs said. */
static const struct {
    enum stats_format f;
    const char *file;
    size_t count;
    struct {
        const char *name;
        uint64_t u;
    } has[5];
} pages[] = {
    {STATS_JSON,
     "ats-9.2.9-stats_over_http.excerpt.json",
     103,
     {{"proxy.process.http.user_agent_response_document_total_size", 241155},
      {"proxy.node.restarts.proxy.cache_ready_time", 1795342873},
      {"proxy.process.http.cache_hit_fresh", 4},
      {"plugin.remap_stats.127.0.0.1.status_2xx", 6}}},
    {STATS_ATS_CSV,
     "ats-9.2.9-stats_over_http.excerpt.csv",
     103,
     {{"proxy.process.http.user_agent_response_document_total_size", 241155},
      {"plugin.remap_stats.127.0.0.1.status_2xx", 6}}},
    {STATS_JSON,
     "varnishstat-7.1.1.excerpt.json",
     61,
     {{"VBE.boot.default.happy", UINT64_MAX},
      {"MAIN.s_resp_bodybytes", 205860},
      {"version", 1},
      {"SMA.s0.g_space", 33554432}}},
    {STATS_PROMETHEUS,
     "prometheus-varnish-exporter.excerpt.prom",
     0,
     {{"varnish_backend_up{backend=\"default\",server=\"unknown\"}", 1},
      {"varnish_sma_g_space{type=\"s0\"}", 33554432}, /* written 3.3554432e+07 */
      {"varnish_main_s_resp_bodybytes", 205860}}},
    {STATS_PROMETHEUS,
     "prometheus-nginx-exporter.prom",
     9,
     {{"nginx_connections_active", 4},
      {"nginx_http_requests_total", 64},
      {"nginxexporter_build_info{arch=\"linux/"
       "amd64\",commit=\"\",date=\"\",dirty=\"false\",go=\"go1."
       "19.8\",version=\"0.11.0-1+b4\"}",
       1}}},
    {STATS_PROMETHEUS,
     "haproxy-2.6.12-metrics.excerpt.prom",
     0,
     {{"haproxy_frontend_limit_sessions{proxy=\"f\"}", 9985},
      {"haproxy_frontend_http_responses_total{code=\"2xx\",proxy=\"f\"}", 3}, /* labels in order */
      {"haproxy_frontend_status{proxy=\"f\",state=\"DOWN\"}", 0}}},
    {STATS_HAPROXY_CSV,
     "haproxy-2.6.12-stats.csv",
     0,
     {{"f.FRONTEND.scur", 1},
      {"f.FRONTEND.bout", 251282},
      {"f.FRONTEND.status", 1},
      {"o.origin.check_rise", 2},
      {"o.BACKEND.h1_bytes_in", 68922}}},
    {STATS_STUB_STATUS,
     "nginx-stub_status.txt",
     7,
     {{"active", 4}, {"accepts", 74}, {"requests", 76}, {"writing", 1}, {"waiting", 3}}},
    {STATS_SQUID_COUNTERS,
     "squid-5.7-mgr-counters.txt",
     54,
     {{"client_http.requests", 21}, {"client_http.kbytes_out", 1217}, {"aborted_requests", 0}}},
    {STATS_SQUID_COUNTERS,
     "squid-5.7-mgr-info.excerpt.txt",
     0,
     {{"Number of HTTP requests received", 20},
      {"Select loop called", 491},
      {"Storage Swap size", 408},
      {"Number of file desc currently in use", 14},
      {"StoreEntries with MemObjects", 59}}},
};

START_TEST(recorded_pages)
{
    parse_file(pages[_i].f, pages[_i].file);
    if (pages[_i].count)
        ck_assert_uint_eq(stats.count, pages[_i].count);
    for (size_t i = 0; i < 5 && pages[_i].has[i].name; i++)
        is_uint(pages[_i].has[i].name, pages[_i].has[i].u);
    for (size_t i = 1; i < stats.count; i++)
        ck_assert_int_lt(str_cmp(stats.items[i - 1].name, stats.items[i].name), 0);
}
END_TEST

/* The two renderings of one plugin have the same names and numbers. */
START_TEST(ats_json_and_csv_agree)
{
    struct stats json;

    parse_file(STATS_JSON, "ats-9.2.9-stats_over_http.excerpt.json");
    json = stats;
    parse_file(STATS_ATS_CSV, "ats-9.2.9-stats_over_http.excerpt.csv");
    ck_assert_uint_eq(stats.count, json.count);
    for (size_t i = 0; i < stats.count; i++) {
        ck_assert(str_eq(stats.items[i].name, json.items[i].name));
        ck_assert_uint_eq(stats.items[i].value.u, json.items[i].value.u);
    }
    ck_assert_ptr_null(stats_find(&stats, STR("proxy.process.version.server.short")));
}
END_TEST

/* Cut anywhere, a page is refused, or is a page of its own with fewer lines. */
START_TEST(cut_pages)
{
    struct bytes page;
    char path[512];
    size_t good = 0, lines = 0;

    snprintf(path, sizeof path, "%s/streamer-stats/%s", TEST_DATA, pages[_i].file);
    ck_assert_int_eq(file_read(path, STATS_BYTES_MAX, &page, &e), ERR_OK);
    for (size_t n = 0; n < page.len; n++) {
        memset(&e, 0, sizeof e);
        good += parse(pages[_i].f, page.data, n) == ERR_OK;
        lines += n && page.data[n - 1] == '\n';
        arena_reset(arena);
    }
    ck_assert_uint_le(good, pages[_i].f == STATS_JSON ? 1 : lines); /* but its last line's end */
    bytes_free(&page);
}
END_TEST

static const struct {
    const char *text;
    bool is;
    enum stat_kind kind;
    uint64_t u;
    int64_t i;
    double d;
} numbers[] = {
    {"0", true, STAT_UINT, .u = 0},
    {"-0", true, STAT_UINT, .u = 0},
    {"+7", true, STAT_UINT, .u = 7},
    {"007", true, STAT_UINT, .u = 7},
    {"9007199254740993", true, STAT_UINT, .u = UINT64_C(9007199254740993)}, /* no double */
    {"9223372036854775808", true, STAT_UINT, .u = (uint64_t)1 << 63},
    {"18446744073709551615", true, STAT_UINT, .u = UINT64_MAX},
    {"18446744073709551616", true, STAT_REAL, .d = 0x1p64},
    {"-1", true, STAT_INT, .i = -1},
    {"-9223372036854775808", true, STAT_INT, .i = INT64_MIN},
    {"-9223372036854775809", true, STAT_REAL, .d = -0x1p63},
    {"1.5", true, STAT_REAL, .d = 1.5},
    {"3.0", true, STAT_UINT, .u = 3},
    {"-3.0", true, STAT_INT, .i = -3},
    {"3.3554432e+07", true, STAT_UINT, .u = 33554432},
    {"1E3", true, STAT_UINT, .u = 1000},
    {".5", true, STAT_REAL, .d = 0.5},
    {"5.", true, STAT_UINT, .u = 5},
    {"1e-400", true, STAT_UINT, .u = 0},
    {"1e400", .is = false},
    {"", .is = false},
    {"-", .is = false},
    {".", .is = false},
    {"1e", .is = false},
    {"1e+", .is = false},
    {"0x10", .is = false},
    {"inf", .is = false},
    {"nan", .is = false},
    {"1 ", .is = false},
    {"1.2.3", .is = false},
    {"9.2.9", .is = false},
};

START_TEST(number_text)
{
    struct stat_value v = {.kind = STAT_UINT, .u = 42};
    const char *text = numbers[_i].text;

    ck_assert_msg(stat_number(str_from(text), &v) == numbers[_i].is, "%s", text);
    if (!numbers[_i].is) {
        ck_assert_uint_eq(v.u, 42);
        return;
    }
    ck_assert_msg(v.kind == numbers[_i].kind, "%s is of kind %d", text, v.kind);
    if (v.kind == STAT_UINT)
        ck_assert_uint_eq(v.u, numbers[_i].u);
    else if (v.kind == STAT_INT)
        ck_assert_int_eq(v.i, numbers[_i].i);
    else
        ck_assert_double_eq(v.d, numbers[_i].d);
}
END_TEST

#define U(n)                                                                                       \
    {                                                                                              \
        .kind = STAT_UINT, .u = (n)                                                                \
    }
#define I(n)                                                                                       \
    {                                                                                              \
        .kind = STAT_INT, .i = (n)                                                                 \
    }
#define D(n)                                                                                       \
    {                                                                                              \
        .kind = STAT_REAL, .d = (n)                                                                \
    }

static const struct {
    struct stat_value before, now;
    double want;
} deltas[] = {
    {U(5), U(9), 4},
    {U(9), U(9), 0},
    {U(9), U(3), 3}, /* reset */
    {U(UINT64_MAX - 1), U(UINT64_MAX), 1},
    {U((UINT64_C(1) << 53)), U((UINT64_C(1) << 53) + 1), 1},
    {I(-5), U(5), 10},
    {I(-5), I(-2), 3},
    {D(1.5), D(2.25), 0.75},
    {D(1.5), U(2), 0.5},
    {U(2), D(0.5), 0.5},
};

START_TEST(delta)
{
    ck_assert_double_eq(stat_delta(&deltas[_i].before, &deltas[_i].now), deltas[_i].want);
}
END_TEST

START_TEST(delta_of_nan)
{
    struct stat_value nan = D(NAN), one = U(1);

    ck_assert(isnan(stat_delta(&nan, &one)));
    ck_assert(isnan(stat_delta(&one, &nan)));
}
END_TEST

START_TEST(prometheus_samples)
{
    const char text[] =
        "# HELP a Text with \\\\ and <html> {\n"
        "#comment\n"
        "\n"
        "  a 1\n"
        "a{} 2 1395066363000\n" /* the same series again: the last one holds */
        "a:b_1{z=\"1\" , b = \"two\\\\ \\\"x\\\"\\n}\",}3e0\r\n"
        "nan_ NaN\n"
        "up\t+Inf\n"
        "down -inf\n"
        "happy 18446744073709551615\n"
        "h_bucket{le=\"0.1\"} 7 1520879607.789 # {trace_id=\"a,b\"} 0.054 152087.7\n"
        "c_total 17 # {} 1\n"
        "e{u=\"\xc3\xa9\"} 0.1\n"
        "# EOF\n";

    ck_assert_msg(parse(STATS_PROMETHEUS, text, sizeof text - 1) == ERR_OK, "%s", e.text);
    ck_assert_uint_eq(stats.count, 9);
    is_uint("a", 2);
    is_uint("a:b_1{b=\"two\\\\ \\\"x\\\"\\n}\",z=\"1\"}", 3);
    ck_assert(isnan(get("nan_")->d));
    is_real("up", INFINITY);
    is_real("down", -INFINITY);
    is_uint("happy", UINT64_MAX);
    is_uint("h_bucket{le=\"0.1\"}", 7);
    is_uint("c_total", 17);
    is_real("e{u=\"\xc3\xa9\"}", 0.1);
}
END_TEST

START_TEST(json_objects)
{
    const char text[] = "{\"a\": {\"b\": 1, \"c\": [5, {\"d\": \"6\"}, true]}, \"e.f\": false,"
                        "\"g\": null, \"h\": \"text\", \"i\": \"18446744073709551614\", \"\": 2,"
                        "\"global\": 3, \"value\": 4, \"counters\": {\"x\": {\"value\": 8}},"
                        "\"a\": 9, \"j\": -9223372036854775808, \"k\": 1e2}";

    ck_assert_msg(parse(STATS_JSON, text, sizeof text - 1) == ERR_PARSE, "an empty name");
    ck_assert_msg(strstr(e.text, "without a name"), "%s", e.text);
}
END_TEST

START_TEST(json_names)
{
    const char text[] = "{\"a\": {\"b\": 1, \"c\": [5, {\"d\": \"6\"}, true]}, \"e.f\": false,"
                        "\"g\": null, \"h\": \"text\", \"i\": \"18446744073709551614\","
                        "\"global\": 3, \"value\": 4, \"counters\": {\"x\": {\"value\": 8}},"
                        "\"a\": 9, \"j\": -9223372036854775808, \"k\": 1e2, \"e.f\": 7}";

    ck_assert_msg(parse(STATS_JSON, text, sizeof text - 1) == ERR_OK, "%s", e.text);
    ck_assert_uint_eq(stats.count, 12);
    is_uint("a.b", 1);
    is_uint("a.c.0", 5);
    is_uint("a.c.1.d", 6);
    is_uint("a.c.2", 1);
    is_uint("e.f", 7); /* the last one */
    is_uint("i", UINT64_MAX - 1);
    is_uint("global", 3);
    is_uint("value", 4);
    is_uint("counters.x.value", 8); /* not varnishstat's: no flag, no format */
    is_uint("a", 9);
    is_uint("k", 100);
    ck_assert_int_eq(get("j")->i, INT64_MIN);
}
END_TEST

/* varnishstat before 6.5: no "counters". */
START_TEST(varnishstat_flat)
{
    const char text[] = "{\"timestamp\": \"2020-01-01T00:00:00\","
                        "\"MAIN.uptime\": {\"description\": \"u\", \"flag\": \"c\", \"format\":"
                        " \"d\", \"value\": 3},"
                        "\"VBE.boot.default.happy\": {\"description\": \"h\", \"flag\": \"b\","
                        " \"format\": \"b\", \"value\": 9223372036854775808}}";

    ck_assert_msg(parse(STATS_JSON, text, sizeof text - 1) == ERR_OK, "%s", e.text);
    ck_assert_uint_eq(stats.count, 2);
    is_uint("MAIN.uptime", 3);
    is_uint("VBE.boot.default.happy", (uint64_t)1 << 63);
}
END_TEST

START_TEST(haproxy_rows)
{
    const char text[] = "# pxname,svname,scur,status,last_chk,\r\n"
                        "p,FRONTEND,1,OPEN,,\r\n"
                        "p,a,2,UP 1/3,\"a, \"\"b\"\"\n\nc\",\n"
                        "p,b,3,DOWN 1/2,,\n"
                        "p,c,4,MAINT (via x/y),,\n"
                        "\"p\",d,\"5\",no check,,\n"
                        "p,e,,DRAIN,,\n"
                        "p,f,,FULL,-3,\n"
                        "\n";

    ck_assert_msg(parse(STATS_HAPROXY_CSV, text, sizeof text - 1) == ERR_OK, "%s", e.text);
    ck_assert_uint_eq(stats.count, 13);
    is_uint("p.FRONTEND.status", 1);
    is_uint("p.a.status", 1);
    is_uint("p.b.status", 0);
    is_uint("p.c.status", 0);
    is_uint("p.d.status", 1);
    is_uint("p.d.scur", 5);
    is_uint("p.e.status", 0);
    is_uint("p.f.status", 1);
    ck_assert_int_eq(get("p.f.last_chk")->i, -3);
    ck_assert_ptr_null(stats_find(&stats, STR("p.e.scur")));
}
END_TEST

START_TEST(stub_status_of_a_fork)
{
    const char text[] = "Active connections: 2 \nserver accepts handled requests request_time\n"
                        " 18446744073709551615 74 76 9 \nReading: 0 Writing: 1 Waiting: 1 \n\n";

    ck_assert_msg(parse(STATS_STUB_STATUS, text, sizeof text - 1) == ERR_OK, "%s", e.text);
    is_uint("accepts", UINT64_MAX);
    is_uint("request_time", 9);
}
END_TEST

#define STUB "Active connections: 2 \nserver accepts handled requests\n"
#define HEAD "# pxname,svname,scur\n"

static const struct {
    enum stats_format f;
    const char *text;
    const char *says;
} wrong[] = {
    {STATS_PROMETHEUS, "<!DOCTYPE html>\n", "line 1: this is HTML, not Prometheus text"},
    {STATS_PROMETHEUS, "\n \n<html>\n", "line 3: this is HTML, not Prometheus text"},
    {STATS_JSON, "\xef\xbb\xbf<html>", "line 1: this is HTML, not JSON"},
    {STATS_HAPROXY_CSV, "<h1>", "line 1: this is HTML, not the CSV of HAProxy"},
    {STATS_STUB_STATUS, "<html>\n", "line 1: this is HTML, not nginx's stub_status"},
    {STATS_SQUID_COUNTERS, "<html>\n", "line 1: this is HTML, not Squid's counters"},
    {STATS_ATS_CSV, "{\"global\":{}}", "this is JSON, not the CSV of stats_over_http"},
    {STATS_PROMETHEUS, "{\"a\":1}\n", "this is JSON, not Prometheus text"},
    {STATS_PROMETHEUS, HEAD, "this is the CSV of HAProxy, not Prometheus text"},
    {STATS_JSON, "# HELP a b\na 1\n", "this is Prometheus text, not JSON"},
    {STATS_PROMETHEUS, "\x1f\x8b\x08", "compressed with gzip"},
    {STATS_PROMETHEUS, "", "line 1: the end without a number"},
    {STATS_PROMETHEUS, "# only\n", "line 1: the end without a number"},
    {STATS_JSON, "{}", "the end without a number"},
    {STATS_JSON, "{\"a\": {}}", "the end without a number"},
    {STATS_PROMETHEUS, "a 1\nb 1", "line 2: has no end, the page is cut off"},
    {STATS_PROMETHEUS, "a 1\nb\n", "line 2: \"\", a number should be here"},
    {STATS_PROMETHEUS, "a x\n", "line 1: \"x\", a number should be here"},
    {STATS_PROMETHEUS, "a 0x1\n", "a number should be here"},
    {STATS_PROMETHEUS, "a 1 x\n", "\"x\", a number should be here"},
    {STATS_PROMETHEUS, "a 1 2 3\n", "text behind the sample"},
    {STATS_PROMETHEUS, "1a 1\n", "a metric's name should be here"},
    {STATS_PROMETHEUS, "a-b 1\n", "a metric's name is letters"},
    {STATS_PROMETHEUS, "a.b 1\n", "a metric's name is letters"},
    {STATS_PROMETHEUS, "a{ 1\n", "a label's name or } should be here"},
    {STATS_PROMETHEUS, "a{b} 1\n", "a label without ="},
    {STATS_PROMETHEUS, "a{b:c=\"1\"} 1\n", "a label without ="},
    {STATS_PROMETHEUS, "a{b=c} 1\n", "in double quotes"},
    {STATS_PROMETHEUS, "a{b=\"c} 1\n", "without its closing quote"},
    {STATS_PROMETHEUS, "a{b=\"c\\", "has no end"},
    {STATS_PROMETHEUS, "a{b=\"c\\\n", "without its closing quote"},
    {STATS_PROMETHEUS, "a{b=\"\\t\"} 1\n", "an escape in a label"},
    {STATS_PROMETHEUS, "a{b=\"1\" c=\"2\"} 1\n", "a comma or } should be here"},
    {STATS_PROMETHEUS, "a{b=\"1\",b=\"2\"} 1\n", "the label \"b\" twice"},
    {STATS_PROMETHEUS, "a{b=\"1\"} \n", "a number should be here"},
    {STATS_PROMETHEUS, "a 1 # x\n", "an exemplar without labels"},
    {STATS_PROMETHEUS, "a 1 # {b=\"c\"}\n", "a number should be here"},
    {STATS_PROMETHEUS, "a 1\n# EOF\nb 1\n", "line 3: text behind # EOF"},
    {STATS_JSON, "[1]", "an array, an object should be here"},
    {STATS_JSON, "7", "an object should be here"},
    {STATS_JSON, "true", "an object should be here"},
    {STATS_JSON, "{\"a\": 1", "1:8"},
    {STATS_JSON, "{\"a\": 1}\n{", "2:1"},
    {STATS_JSON, "{\n\"a\": 01}", "2:"},
    {STATS_JSON, "{\"a\": 1e999}", "1:7"},
    {STATS_ATS_CSV, "a,1\nb\n", "line 2: no comma"},
    {STATS_ATS_CSV, ",1\n", "line 1: a number without a name"},
    {STATS_HAPROXY_CSV, "a,b,c\n", "line 1: \"# pxname,svname,...\" should be here"},
    {STATS_HAPROXY_CSV, "", "line 1: \"# pxname"},
    {STATS_HAPROXY_CSV, HEAD "p,f\n", "line 2: 2 fields, 3 as in the head should be here"},
    {STATS_HAPROXY_CSV, HEAD "p,f,1,2\n", "line 2: 4 fields, 3"},
    {STATS_HAPROXY_CSV, HEAD "p,f,\"1\n", "line 2: a quote that is not closed"},
    {STATS_HAPROXY_CSV, HEAD "p,f,\"1\"x\n", "line 2: text behind a quote"},
    {STATS_HAPROXY_CSV, HEAD "p,\"\n\n\",1\np,f\n", "line 5: 2 fields"},
    {STATS_STUB_STATUS, "Active: 1\n", "line 1: \"Active connections:\" should be here"},
    {STATS_STUB_STATUS, "Active connections: x\n", "line 1: \"x\", a number should be here"},
    {STATS_STUB_STATUS, "Active connections: 1 2\n", "line 1: text behind the number"},
    {STATS_STUB_STATUS, "Active connections: 1\n", "line 2: the end, \"server accepts"},
    {STATS_STUB_STATUS, "Active connections: 1\nx\n", "line 2: \"server accepts"},
    {STATS_STUB_STATUS, STUB "1 2\n", "line 3: \"\", a number should be here"},
    {STATS_STUB_STATUS, STUB "1 2 3 4\n", "line 3: more numbers than names"},
    {STATS_STUB_STATUS, STUB "1 2 3\nReading: 1 Waiting: 1\n", "line 4: \"Writing:\" should"},
    {STATS_STUB_STATUS, STUB "1 2 3\nReading: 1 Writing: 1 Waiting: 1 1\n", "line 4: text behind"},
    {STATS_STUB_STATUS, STUB "1 2 3\nReading: 1 Writing: 1 Waiting: 1\nx\n", "line 5: text behind"},
    {STATS_SQUID_COUNTERS, "a = 1\nnothing here\n", "line 2: \"name = value\""},
    {STATS_SQUID_COUNTERS, "59\n", "line 1: a number without a name"},
    {STATS_SQUID_COUNTERS, ": 5\n", "line 1: a number without a name"},
};

START_TEST(wrong_pages)
{
    ck_assert_msg(parse(wrong[_i].f, wrong[_i].text, strlen(wrong[_i].text)) == ERR_PARSE, "%s",
                  wrong[_i].text);
    ck_assert_msg(strstr(e.text, wrong[_i].says), "%s: %s", wrong[_i].text, e.text);
}
END_TEST

START_TEST(nuls)
{
    static const char text[] = "a 1\nb\0 2\n";

    for (unsigned f = 0; f < STATS_FORMATS; f++) {
        memset(&e, 0, sizeof e);
        ck_assert_int_eq(parse((enum stats_format)f, text, sizeof text - 1), ERR_PARSE);
        if (f != STATS_JSON)
            ck_assert_msg(strstr(e.text, "line 2: a NUL byte"), "%s", e.text);
    }
}
END_TEST

static void repeat(struct bytes *b, char c, size_t n)
{
    ck_assert(bytes_reserve(b, n));
    memset(b->data + b->len, c, n);
    b->len += n;
}

START_TEST(endless_lines)
{
    struct bytes b = {0};

    repeat(&b, 'a', STATS_LINE_MAX + 1);
    for (unsigned f = 0; f < STATS_FORMATS; f++) {
        memset(&e, 0, sizeof e);
        if (f == STATS_JSON)
            continue;
        ck_assert_int_eq(parse((enum stats_format)f, b.data, b.len), ERR_LIMIT);
        ck_assert_str_eq(e.text, "line 1: more than 65536 bytes");
    }
    bytes_free(&b);
}
END_TEST

START_TEST(too_many_bytes)
{
    struct bytes b = {0};

    repeat(&b, ' ', STATS_BYTES_MAX + 1);
    ck_assert_int_eq(parse(STATS_JSON, b.data, b.len), ERR_LIMIT);
    ck_assert_msg(strstr(e.text, "at most 16777216"), "%s", e.text);
    bytes_free(&b);
}
END_TEST

/* Names up to the limit, and not one byte more, in each format that has names of its own. */
START_TEST(names_have_a_limit)
{
    static const struct {
        enum stats_format f;
        const char *before, *behind;
        size_t more; /* bytes of the name that are not the repeated ones */
    } rows[] = {
        {STATS_PROMETHEUS, "", " 1\n", 0},
        {STATS_PROMETHEUS, "a{b=\"", "\"} 1\n", 6 + 1},
        {STATS_JSON, "{\"", "\":1}", 0},
        {STATS_JSON, "{\"a\":{\"", "\":1}}", 2},
        {STATS_JSON, "{\"global\":{\"", "\":1}}", 0},
        {STATS_ATS_CSV, "", ",1\n", 0},
        {STATS_HAPROXY_CSV, "# pxname,svname,c\np,", ",1\n", 4},
        {STATS_SQUID_COUNTERS, "", " = 1\n", 0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (size_t over = 0; over < 2; over++) {
            struct bytes b = {0};

            memset(&e, 0, sizeof e);
            ck_assert(bytes_add(&b, rows[i].before, strlen(rows[i].before)));
            repeat(&b, 'x', STATS_NAME_MAX - rows[i].more + over);
            ck_assert(bytes_add(&b, rows[i].behind, strlen(rows[i].behind)));
            ck_assert_msg(parse(rows[i].f, b.data, b.len) == (over ? ERR_LIMIT : ERR_OK),
                          "row %zu, %zu over: %s", i, over, e.text);
            if (!over)
                ck_assert_uint_eq(stats.items[0].name.n, STATS_NAME_MAX);
            bytes_free(&b);
        }
    }
}
END_TEST

START_TEST(numbers_have_a_limit)
{
    for (unsigned over = 0; over < 2; over++) {
        struct bytes b = {0};

        memset(&e, 0, sizeof e);
        for (unsigned i = 0; i < STATS_MAX + over; i++)
            ck_assert(bytes_printf(&b, "n%u %u\n", i, i));
        ck_assert_int_eq(parse(STATS_PROMETHEUS, b.data, b.len), over ? ERR_LIMIT : ERR_OK);
        if (!over) {
            ck_assert_uint_eq(stats.count, STATS_MAX);
            is_uint("n123456", 123456);
        } else {
            ck_assert_str_eq(e.text, "line 200001: more than 200000 numbers");
        }
        bytes_free(&b);
    }
}
END_TEST

START_TEST(labels_have_a_limit)
{
    for (unsigned over = 0; over < 2; over++) {
        struct bytes b = {0};

        memset(&e, 0, sizeof e);
        ck_assert(bytes_printf(&b, "a{"));
        for (unsigned i = 64 + over; i > 0; i--)
            ck_assert(bytes_printf(&b, "l%03u=\"\",", i));
        ck_assert(bytes_printf(&b, "} 1\n"));
        ck_assert_int_eq(parse(STATS_PROMETHEUS, b.data, b.len), over ? ERR_LIMIT : ERR_OK);
        bytes_free(&b);
    }
}
END_TEST

START_TEST(a_full_arena)
{
    struct arena *small = arena_new(64);
    const char text[] = "a 1\nb 2\n";

    ck_assert_ptr_nonnull(small);
    ck_assert_int_eq(stats_parse(STATS_PROMETHEUS, text, sizeof text - 1, small, &stats, NULL),
                     ERR_LIMIT);
    arena_free(small);
}
END_TEST

START_TEST(format_names)
{
    enum stats_format f;

    for (unsigned i = 0; i < STATS_FORMATS; i++) {
        ck_assert(stats_format_find(str_from(stats_format_name((enum stats_format)i)), &f));
        ck_assert_uint_eq(f, i);
    }
    ck_assert(!stats_format_find(STR("xml"), &f));
}
END_TEST

START_TEST(nothing_is_found_in_nothing)
{
    const struct stats none = {0};

    ck_assert_ptr_null(stats_find(&none, STR("a")));
}
END_TEST

#define LOOP(test, rows) tcase_add_loop_test(t, test, 0, sizeof(rows) / sizeof *(rows))

int main(void)
{
    Suite *s = suite_create("stats");
    TCase *t = tcase_create("stats");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    LOOP(recorded_pages, pages);
    LOOP(cut_pages, pages);
    tcase_add_test(t, ats_json_and_csv_agree);
    LOOP(number_text, numbers);
    LOOP(delta, deltas);
    tcase_add_test(t, delta_of_nan);
    tcase_add_test(t, prometheus_samples);
    tcase_add_test(t, json_objects);
    tcase_add_test(t, json_names);
    tcase_add_test(t, varnishstat_flat);
    tcase_add_test(t, haproxy_rows);
    tcase_add_test(t, stub_status_of_a_fork);
    LOOP(wrong_pages, wrong);
    tcase_add_test(t, nuls);
    tcase_add_test(t, endless_lines);
    tcase_add_test(t, too_many_bytes);
    tcase_add_test(t, names_have_a_limit);
    tcase_add_test(t, numbers_have_a_limit);
    tcase_add_test(t, labels_have_a_limit);
    tcase_add_test(t, a_full_arena);
    tcase_add_test(t, format_names);
    tcase_add_test(t, nothing_is_found_in_nothing);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
