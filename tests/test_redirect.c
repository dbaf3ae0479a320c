#include "http/redirect.h"

#include <check.h>
#include <jansson.h>

#include "http/redirect_template.h"
#include "router/route.h"
#include "tests/view_fixture.h"

/* Four PIDs in a row, a streamer in each of the first three: s0 (IPv4 and IPv6, both schemes, no
 * name), s1 (a name, odd ports), s2 (IPv6 and HTTP alone). */
static struct fixture_maps maps;
static struct fixture_names names[3];
static struct streamer_conf streamers[3];
static struct live *live;
static struct metrics metrics;
static struct turn turn;
static struct view *view;
static struct http_response answer;

static const struct str hosts[6] = {{"a.example", 9},    {"b.example", 9}, {"c.example", 9},
                                    {"*.d.example", 11}, {"e.example", 9}, {"f.example", 9}};
/* Another CDN, for who gets nothing of ours. */
static const struct str far_away[1] = {{"far", 3}};
static const struct downstream_conf far = {.name = {"far", 3},
                                           .http_host = {"far.example.net:81", 18},
                                           .http_prefix = {"/for-us", 7},
                                           .https = true,
                                           .cost = 1,
                                           .weight = 1};
static const struct str far_only[1] = {{"s2", 2}};

static void build(void)
{
    struct service_conf services[6] = {
        {.name = STR("plain"), .hosts = &hosts[0], .host_count = 1},
        {.name = STR("open"),
         .hosts = &hosts[1],
         .host_count = 1,
         .redirect = {.status = 307,
                      .location = STR("https://{host}:{port}/{service}/{streamer}{path}{query}"),
                      .cache_control = STR("max-age=5"),
                      .cors = CORS_ANY,
                      .retry_after_s = 9}},
        {.name = STR("six"),
         .hosts = &hosts[2],
         .host_count = 1,
         .streamers = far_only,
         .streamer_count = 1,
         .redirect = {.retry_after_s = 7}},
        {.name = STR("wild"),
         .hosts = &hosts[3],
         .host_count = 1,
         .path_prefix = STR("/vod/"),
         .redirect = {.status = 308, .location = STR("http://{streamer}.{request_host}{path}")}},
        {.name = STR("away"),
         .hosts = &hosts[4],
         .host_count = 1,
         .streamers = far_only,
         .streamer_count = 1,
         .downstreams = far_away,
         .downstream_count = 1},
        {.name = STR("by"),
         .hosts = &hosts[5],
         .host_count = 1,
         .streamers = far_only,
         .streamer_count = 1,
         .bypass = {.http_url = STR("{scheme}://origin.example{path}{query}")}},
    };
    struct view_inputs in = {.serial = 42,
                             .netmap = maps.netmap,
                             .costmap = maps.costmap,
                             .streamers = streamers,
                             .streamer_count = 3,
                             .services = services,
                             .downstreams = &far,
                             .downstream_count = 1,
                             .cdni_id = STR("us"),
                             .service_count = 6};
    struct err e = {0};

    for (unsigned i = 0; i < 6; i++)
        services[i].policy = fixture_policy;
    ck_assert_msg(view_build(&in, live, &view, &e) == ERR_OK, "%s", e.text);
    ck_assert_msg(redirect_build(view, &e) == ERR_OK, "%s", e.text);
    turn.view = view;
}

static void setup(void)
{
    double costs[16];

    for (int i = 0; i < 16; i++)
        costs[i] = 1 + 10 * abs(i / 4 - i % 4);
    maps = fixture_maps(4, costs, COST_NUMERICAL);
    live = live_new();
    for (uint32_t i = 0; i < 3; i++)
        streamers[i] = fixture_streamer(&names[i], i, (int)i);
    streamers[0].can |= STREAMER_HTTPS;
    streamers[0].https_port = 443;
    streamers[1].can |= STREAMER_HTTPS;
    streamers[1].host = STR("s1.cdn.example");
    streamers[1].http_port = 8080;
    streamers[1].https_port = 8443;
    streamers[2].can = STREAMER_V6 | STREAMER_HTTP;
    metrics = (struct metrics){0};
    turn = (struct turn){.live = live,
                         .metrics = &metrics,
                         .keys = key_scratch_new(),
                         .arena = arena_new(1 << 20),
                         .wall_ms = 1700000000000};
    turn_begin(&turn);
    build();
}

static void teardown(void)
{
    view_drop(view);
    key_scratch_free(turn.keys);
    arena_free(turn.arena);
    live_free(live);
    fixture_maps_drop(&maps);
}

/* Asks as a client in PID pid would; the target is split as the engine does. */
struct want {
    const char *host, *target, *accept;
    enum http_method method;
    bool v6, tls, head;
    uint32_t pid;
};

static void go(struct want w)
{
    const char *question = strchr(w.target, '?');
    size_t path_n = question ? (size_t)(question - w.target) : strlen(w.target);
    const struct http_header headers[2] = {{STR("Host"), str_from(w.host)},
                                           {STR("ACCEPT"), str_from(w.accept)}};
    struct http_request q = {.method = w.method,
                             .tls = w.tls,
                             .is_head = w.head,
                             .host = str_from(w.host),
                             .target = str_from(w.target),
                             .path = {w.target, path_n},
                             .query = str_from(question ? question + 1 : NULL),
                             .headers = headers,
                             .header_count = w.accept ? 2 : 1,
                             .client = w.v6 ? fixture_client6(w.pid) : fixture_client(w.pid),
                             .arena = turn.arena};

    answer = (struct http_response){0};
    redirect_handle(&turn, &q, &answer);
}

static const char *field(const char *name)
{
    static char text[8][512];
    static unsigned next;

    for (size_t i = 0; i < answer.header_count; i++)
        if (str_eq_nocase(answer.headers[i].name, str_from(name))) {
            struct str v = answer.headers[i].value;

            next = (next + 1) % 8;
            ck_assert_uint_lt(v.n, sizeof text[0]);
            memcpy(text[next], v.p, v.n);
            text[next][v.n] = '\0';
            return text[next];
        }
    return "";
}

static uint64_t metric(enum metric id)
{
    return atomic_load(&metrics.v[id]);
}

// clang-format off
static const struct { const char *what; struct want w; int status; const char *location, *cache; } redirects[] = {
    {"IPv4 address, default port",      {.host = "a.example", .target = "/x", .pid = 0}, 302, "http://192.0.0.0/x", "no-store"},
    {"IPv6 address in brackets",        {.host = "a.example", .target = "/x", .pid = 0, .v6 = true}, 302, "http://[2001::]/x", "no-store"},
    {"https as the client came",        {.host = "a.example", .target = "/x", .pid = 0, .tls = true}, 302, "https://192.0.0.0/x", "no-store"},
    {"a name, another port",            {.host = "a.example", .target = "/x", .pid = 1}, 302, "http://s1.cdn.example:8080/x", "no-store"},
    {"another port of https",           {.host = "a.example", .target = "/x", .pid = 1, .tls = true}, 302, "https://s1.cdn.example:8443/x", "no-store"},
    {"path and query byte for byte",    {.host = "a.example", .target = "/A%2f/../b//c?x=%zz&y=?/{path}", .pid = 0}, 302, "http://192.0.0.0/A%2f/../b//c?x=%zz&y=?/{path}", "no-store"},
    {"an empty query is kept",          {.host = "a.example", .target = "/x?", .pid = 0}, 302, "http://192.0.0.0/x?", "no-store"},
    {"near streamer is IPv6 alone",     {.host = "a.example", .target = "/x", .pid = 2}, 302, "http://s1.cdn.example:8080/x", "no-store"},
    {"... and the client has IPv6",     {.host = "a.example", .target = "/x", .pid = 2, .v6 = true}, 302, "http://[2001::2]/x", "no-store"},
    {"all of a template",               {.host = "b.example", .target = "/x?y", .pid = 1}, 307, "https://s1.cdn.example:8443/open/s1/x?y", "max-age=5"},
    {"{port} is always there",          {.host = "b.example", .target = "/x", .pid = 0}, 307, "https://192.0.0.0:443/open/s0/x", "max-age=5"},
    {"the template's scheme is needed", {.host = "b.example", .target = "/x", .pid = 3, .v6 = true}, 307, "https://s1.cdn.example:8443/open/s1/x", "max-age=5"},
    {"without the query",               {.host = "x.y.d.example", .target = "/vod/x?y", .pid = 0}, 308, "http://s0.x.y.d.example/vod/x", "no-store"},
    {"HEAD like GET",                   {.host = "a.example", .target = "/x", .pid = 0, .head = true}, 302, "http://192.0.0.0/x", "no-store"},
    {"Accept: */* does not ask JSON",   {.host = "a.example", .target = "/x", .accept = "text/html, */*", .pid = 0}, 302, "http://192.0.0.0/x", "no-store"},
    {"nor does JSON at q=0",            {.host = "a.example", .target = "/x", .accept = "application/json;q=0.00", .pid = 0}, 302, "http://192.0.0.0/x", "no-store"},
    {"another CDN, with our mark",      {.host = "e.example", .target = "/x"}, 302, "http://far.example.net:81/for-us/x?cdni-via=us", "no-store"},
    {"... behind the query",            {.host = "e.example", .target = "/x?y=1"}, 302, "http://far.example.net:81/for-us/x?y=1&cdni-via=us", "no-store"},
    {"... over TLS",                    {.host = "e.example", .target = "/x", .tls = true}, 302, "https://far.example.net:81/for-us/x?cdni-via=us", "no-store"},
    {"somebody else's mark",            {.host = "e.example", .target = "/x?cdni-via=them"}, 302, "http://far.example.net:81/for-us/x?cdni-via=them&cdni-via=us", "no-store"},
    {"the bypass",                      {.host = "f.example", .target = "/x?y"}, 302, "http://origin.example/x?y", "no-store"},
    {"nor another format",              {.host = "a.example", .target = "/x?format=jsonp", .pid = 0}, 302, "http://192.0.0.0/x?format=jsonp", "no-store"},
};

static const struct { const char *what; struct want w; int status; const char *name, *value; } others[] = {
    {"unknown host",        {.host = "z.example", .target = "/x"}, 404, "Location", ""},
    {"unknown path",        {.host = "x.d.example", .target = "/live/x"}, 404, "Location", ""},
    {"wildcard, no label",  {.host = "d.example", .target = "/vod/x"}, 404, "Location", ""},
    {"POST",                {.host = "a.example", .target = "/x", .method = HTTP_POST}, 405, "Allow", "GET, HEAD, OPTIONS"},
    {"other method",        {.host = "a.example", .target = "/x", .method = HTTP_METHOD_OTHER}, 405, "Allow", "GET, HEAD, OPTIONS"},
    {"it came back after others", {.host = "e.example", .target = "/x?cdni-via=them&cdni-via=us"}, 503, "Location", ""},
    {"it came back",        {.host = "e.example", .target = "/x?a=b&cdni-via=us"}, 503, "Location", ""},
    {"nobody has IPv4",     {.host = "c.example", .target = "/x"}, 503, "Retry-After", "7"},
    {"nobody has https",    {.host = "c.example", .target = "/x", .v6 = true, .tls = true}, 503, "Retry-After", "7"},
    {"OPTIONS",             {.host = "a.example", .target = "/x", .method = HTTP_OPTIONS}, 204, "Allow", "GET, HEAD, OPTIONS"},
    {"... without CORS",    {.host = "a.example", .target = "/x", .method = HTTP_OPTIONS}, 204, "Access-Control-Allow-Methods", ""},
    {"preflight",           {.host = "b.example", .target = "/x", .method = HTTP_OPTIONS}, 204, "Access-Control-Allow-Methods", "GET, HEAD, OPTIONS"},
    {"preflight, origin",   {.host = "b.example", .target = "/x", .method = HTTP_OPTIONS}, 204, "Access-Control-Allow-Origin", "*"},
    {"CORS on a redirect",  {.host = "b.example", .target = "/x"}, 307, "Access-Control-Allow-Origin", "*"},
    {"CORS on a 405",       {.host = "b.example", .target = "/x", .method = HTTP_PUT}, 405, "Access-Control-Allow-Origin", "*"},
    {"no CORS by default",  {.host = "a.example", .target = "/x"}, 302, "Access-Control-Allow-Origin", ""},
    {"Vary where cached",   {.host = "b.example", .target = "/x"}, 307, "Vary", "Accept"},
    {"no Vary where not",   {.host = "a.example", .target = "/x"}, 302, "Vary", ""},
    {"JSON by Accept",      {.host = "a.example", .target = "/x", .accept = "text/html;q=0.1 , Application/JSON ; q=0.5"}, 200, "Location", ""},
    {"JSON by query",       {.host = "a.example", .target = "/x?a=b&format=json&c"}, 200, "Location", ""},
};
// clang-format on

START_TEST(redirect_rows)
{
    go(redirects[_i].w);
    ck_assert_msg(answer.status == redirects[_i].status, "%s: %d", redirects[_i].what,
                  answer.status);
    ck_assert_msg(strcmp(field("Location"), redirects[_i].location) == 0, "%s: %s",
                  redirects[_i].what, field("Location"));
    ck_assert_str_eq(field("Cache-Control"), redirects[_i].cache);
    ck_assert_uint_eq(metric(METRIC_REDIRECT_SENT) + metric(METRIC_REDIRECT_AWAY), 1);
    ck_assert_uint_eq(metric(METRIC_REDIRECT_AWAY),
                      strstr(redirects[_i].location, "far.example") ||
                          strstr(redirects[_i].location, "origin.example"));
}
END_TEST

START_TEST(other_rows)
{
    go(others[_i].w);
    ck_assert_msg(answer.status == others[_i].status, "%s: %d", others[_i].what, answer.status);
    ck_assert_msg(strcmp(field(others[_i].name), others[_i].value) == 0, "%s: %s", others[_i].what,
                  field(others[_i].name));
}
END_TEST

/* Read by jansson: all choices in order, the first being the redirect's. */
START_TEST(the_list_is_json_and_agrees_with_the_redirect)
{
    json_t *list, *choices;
    json_error_t error;

    go((struct want){.host = "a.example", .target = "/x/\\y?q=|", .pid = 0, .v6 = true});
    ck_assert_str_eq(field("Location"), "http://[2001::]/x/\\y?q=|");
    go((struct want){.host = "a.example",
                     .target = "/x/\\y?q=|",
                     .accept = "application/json",
                     .pid = 0,
                     .v6 = true});
    ck_assert_int_eq(answer.status, 200);
    ck_assert(str_eq(answer.type, STR("application/json")));
    list = json_loadb(answer.body.p, answer.body.n, 0, &error);
    ck_assert_msg(list != NULL, "%s", error.text);
    ck_assert_int_eq(json_integer_value(json_object_get(list, "serial")), 42);
    ck_assert_str_eq(json_string_value(json_object_get(list, "service")), "plain");
    ck_assert_str_eq(json_string_value(json_object_get(list, "pid")), "p0");
    choices = json_object_get(list, "choices");
    ck_assert_uint_eq(json_array_size(choices), 3);
    for (size_t i = 0; i < 3; i++) {
        static const char *const urls[] = {"http://[2001::]/x/\\y?q=|",
                                           "http://s1.cdn.example:8080/x/\\y?q=|",
                                           "http://[2001::2]/x/\\y?q=|"};
        json_t *c = json_array_get(choices, i);

        ck_assert_str_eq(json_string_value(json_object_get(c, "url")), urls[i]);
        ck_assert_str_eq(json_string_value(json_object_get(c, "streamer")), names[i].name);
        ck_assert(json_number_value(json_object_get(c, "cost")) == 1 + 10.0 * (double)i);
    }
    json_decref(list);
    ck_assert_uint_eq(metric(METRIC_REDIRECT_LIST), 1);
}
END_TEST

/* Unknown numbers are null: a client in no PID. */
START_TEST(the_list_says_null_for_what_is_unknown)
{
    json_error_t error;
    json_t *list, *cost;

    go((struct want){
        .host = "a.example", .target = "/x", .accept = "application/json", .pid = 100});
    list = json_loadb(answer.body.p, answer.body.n, 0, &error);
    ck_assert_msg(list != NULL, "%s", error.text);
    ck_assert(json_is_null(json_object_get(list, "pid")));
    cost = json_object_get(json_array_get(json_object_get(list, "choices"), 0), "cost");
    ck_assert(json_is_null(cost));
    json_decref(list);
}
END_TEST

START_TEST(a_client_of_ipv6_is_sent_to_ipv4_rather_than_nowhere)
{
    const lidx only = view->streamers[view_find_streamer(view, STR("s2"))].live;

    /* c.example has s2 alone, of IPv6: down, it is still the only one. */
    live_health_set(live, only, true, HEALTH_DOWN);
    go((struct want){.host = "c.example", .target = "/x", .v6 = true});
    ck_assert_int_eq(answer.status, 302);
    ck_assert_uint_eq(metric(METRIC_REDIRECT_DEGRADED), 1);
    /* a.example: every IPv6 side is down, and s0's IPv4 side is well. */
    for (uint32_t i = 0; i < 3; i++)
        live_health_set(live, view->streamers[i].live, true, HEALTH_DOWN);
    live_health_set(live, view->streamers[view_find_streamer(view, STR("s0"))].live, false,
                    HEALTH_UP);
    live_health_set(live, view->streamers[view_find_streamer(view, STR("s1"))].live, false,
                    HEALTH_DOWN);
    go((struct want){.host = "a.example", .target = "/x", .v6 = true, .pid = 2});
    ck_assert_int_eq(answer.status, 302);
    ck_assert_str_eq(field("Location"), "http://[2001::]/x");
    ck_assert_uint_eq(metric(METRIC_REDIRECT_SENT), 1);
}
END_TEST

START_TEST(sessions_are_counted_where_they_go)
{
    const lidx to = view->streamers[view_find_streamer(view, STR("s0"))].live;

    go((struct want){.host = "a.example", .target = "/x"});
    go((struct want){.host = "a.example", .target = "/x", .accept = "application/json"});
    ck_assert_double_eq(live_sessions(live, to), 2);
    go((struct want){.host = "a.example", .target = "/x", .head = true});
    go((struct want){.host = "a.example", .target = "/x", .method = HTTP_OPTIONS});
    ck_assert_double_eq(live_sessions(live, to), 2);
}
END_TEST

START_TEST(notes)
{
    struct note_ring *ring = note_ring_new(8);
    const struct note *n;

    turn.notes = ring;
    go((struct want){.host = "a.example", .target = "/x%20y?secret", .pid = 1});
    go((struct want){.host = "z.example", .target = "/gone"});
    go((struct want){.host = "a.example", .target = "/x", .method = HTTP_OPTIONS});
    n = note_peek(ring);
    ck_assert_ptr_nonnull(n);
    ck_assert_uint_eq(n->status, 302);
    ck_assert_uint_eq(n->serial, 42);
    ck_assert_uint_eq(n->wall_ms, turn.wall_ms);
    ck_assert(addr_eq(n->client, fixture_client(1)));
    ck_assert_str_eq(n->service, "plain");
    ck_assert_str_eq(n->streamer, "s1");
    ck_assert_uint_eq(n->to, ROUTE_STREAMERS + 1);
    ck_assert_str_eq(n->pid, "p1");
    ck_assert(str_eq((struct str){n->name, n->name_len}, STR("/x%20y")));
    note_release(ring);
    n = note_peek(ring);
    ck_assert_ptr_nonnull(n);
    ck_assert_uint_eq(n->status, 404);
    ck_assert_uint_eq(n->why, WHY_NO_SERVICE);
    ck_assert_uint_eq(n->to, 0); /* nobody was asked: not the same as nobody is there */
    note_release(ring);
    n = note_peek(ring);
    ck_assert_ptr_nonnull(n);
    ck_assert_str_eq(n->service, "plain");
    ck_assert_uint_eq(n->to, 0);
    note_release(ring);
    note_ring_free(ring);
}
END_TEST

/* An arena that is too small gives an error answer, whatever its size. */
START_TEST(a_full_arena_is_a_503)
{
    struct arena *whole = turn.arena;
    bool small = false, enough = false;

    for (size_t cap = 0; cap < 16384; cap += 64) {
        turn.arena = arena_new(cap);
        go((struct want){
            .host = "a.example", .target = "/x", .accept = cap % 128 ? "application/json" : NULL});
        ck_assert(answer.status == 503 || answer.status == 302 || answer.status == 200);
        small |= answer.status == 503;
        enough |= answer.status == 200;
        arena_free(turn.arena);
    }
    ck_assert(small && enough);
    turn.arena = whole;
}
END_TEST

// clang-format off
static const struct { const char *text, *error; } templates[] = {
    {"{scheme}://{hostport}{path}{query}", NULL},
    {"{scheme}://cdn.example/{streamer}{path}#t=1", NULL},
    {"http://{host}/", NULL},
    {"{scheme}://{hostport}{pth}", "column 22: {pth} is not a variable; there are scheme, host, port, hostport, path, query, streamer, service and request_host; did you mean \"path\"?"},
    {"{scheme}://{Host}", "column 12: {Host} is not a variable"},
    {"{scheme}://{}", "column 12: {} is not a variable"},
    {"{scheme}://{host", "column 12: { has no }"},
    {"{scheme}://{host}}", "column 18: \"}\" cannot stand in a URL"},
    {"{scheme}://a b", "column 13: \" \" cannot stand in a URL"},
    {"{scheme}://a\r\nX: y", "column 13: \"\\x0d\" cannot stand in a URL"},
    {"{scheme}://\xc3\xa9", "column 12: \"\\xc3\" cannot stand in a URL"},
    {"//{host}{path}", "column 1: must begin with {scheme}://, http:// or https://"},
    {"{path}", "column 1: must begin with"},
    {"{scheme}://", "column 1: must begin with"},
    {"", "column 1: must begin with"},
};
// clang-format on

START_TEST(template_rows)
{
    struct redirect_template t;
    struct err e = {0};
    enum err_code rc = redirect_template_parse(str_from(templates[_i].text), turn.arena, &t, &e);

    if (!templates[_i].error) {
        ck_assert_msg(rc == ERR_OK, "%s: %s", templates[_i].text, e.text);
        return;
    }
    ck_assert_msg(rc != ERR_OK, "%s", templates[_i].text);
    ck_assert_msg(strncmp(e.text, templates[_i].error, strlen(templates[_i].error)) == 0, "%s: %s",
                  templates[_i].text, e.text);
}
END_TEST

START_TEST(build_errors_name_the_service)
{
    // clang-format off
    static const struct { struct redirect_conf r; const char *error; } rows[] = {
        {{.location = {"{scheme}://{x}", 14}}, "service bad: redirect location: column 12: {x} is not"},
        {{.status = 301}, "service bad: redirect status 301: must be 302, 307 or 308"},
        {{.cache_control = {"a\nb", 3}}, "service bad: redirect cache_control: holds a control character"},
    };
    // clang-format on

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct service_conf service = {.name = STR("bad"),
                                       .hosts = hosts,
                                       .host_count = 1,
                                       .policy = fixture_policy,
                                       .redirect = rows[i].r};
        struct view_inputs in = {.netmap = maps.netmap,
                                 .streamers = streamers,
                                 .streamer_count = 3,
                                 .services = &service,
                                 .service_count = 1};
        struct view *v = NULL;
        struct err e = {0};

        ck_assert_msg(view_build(&in, live, &v, &e) == ERR_OK, "%s", e.text);
        ck_assert(redirect_build(v, &e) != ERR_OK);
        ck_assert_msg(strncmp(e.text, rows[i].error, strlen(rows[i].error)) == 0, "%s", e.text);
        view_drop(v);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("redirect");
    TCase *t = tcase_create("all");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, redirect_rows, 0, sizeof redirects / sizeof redirects[0]);
    tcase_add_loop_test(t, other_rows, 0, sizeof others / sizeof others[0]);
    tcase_add_test(t, the_list_is_json_and_agrees_with_the_redirect);
    tcase_add_test(t, the_list_says_null_for_what_is_unknown);
    tcase_add_test(t, a_client_of_ipv6_is_sent_to_ipv4_rather_than_nowhere);
    tcase_add_test(t, sessions_are_counted_where_they_go);
    tcase_add_test(t, notes);
    tcase_add_test(t, a_full_arena_is_a_503);
    tcase_add_loop_test(t, template_rows, 0, sizeof templates / sizeof templates[0]);
    tcase_add_test(t, build_errors_name_the_service);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
