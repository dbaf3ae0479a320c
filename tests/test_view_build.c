#include "router/view.h"

#include "router/candidates.h"
#include "router/profile.h"
#include "tests/view_fixture.h"

static struct live *live;
static struct fixture_maps maps, newer;

static void setup(void)
{
    const double costs[9] = {1, 5, 9, 5, 2, 4, 9, 4, NAN};

    live = live_new();
    maps = fixture_maps(3, costs, COST_NUMERICAL);
    newer = fixture_maps(2, costs, COST_NUMERICAL);
}

static void teardown(void)
{
    fixture_maps_drop(&maps);
    fixture_maps_drop(&newer);
    live_free(live);
}

/* A good configuration that a case then spoils. */
struct conf {
    struct fixture_names names[3];
    struct streamer_conf streamers[3];
    struct service_conf services[2];
    struct view_inputs in;
};

static const struct str host_a[] = {{"a.example.com", 13}}, host_b[] = {{"b.example.com", 13}},
                        upper[] = {{"A.example.com", 13}}, dotted[] = {{"a.example.com.", 14}};
static const struct str known[] = {{"s1", 2}, {"s0", 2}}, typo[] = {{"s1", 2}, {"s00", 3}},
                        twice[] = {{"s1", 2}, {"s1", 2}};
static const uint8_t torrent[1][INFO_HASH_LEN] = {{0xab}};

static void conf_init(struct conf *c)
{
    for (unsigned i = 0; i < 3; i++)
        c->streamers[i] = fixture_streamer(&c->names[i], 2 - i, (int)(2 - i));
    for (unsigned i = 0; i < 2; i++)
        c->services[i] = (struct service_conf){.name = i ? STR("b") : STR("a"),
                                               .hosts = i ? host_b : host_a,
                                               .host_count = 1,
                                               .policy = fixture_policy};
    c->in = (struct view_inputs){.serial = 42,
                                 .netmap = maps.netmap,
                                 .costmap = maps.costmap,
                                 .streamers = c->streamers,
                                 .streamer_count = 3,
                                 .services = c->services,
                                 .service_count = 2};
}

static void bad_pid(struct conf *c)
{
    c->streamers[0].pid = STR("p22");
}
static void bad_pid_without_map(struct conf *c)
{
    c->in.netmap = c->in.costmap = NULL;
}
static void bad_origin(struct conf *c)
{
    c->streamers[2].origin_pid = STR("origin");
}
static void bad_default(struct conf *c)
{
    c->in.default_pid = STR("q1");
}
static void bad_streamer_twice(struct conf *c)
{
    c->streamers[0].name = STR("s1");
}
static void bad_no_address(struct conf *c)
{
    c->streamers[0].can = STREAMER_HTTP;
}
static void bad_weight(struct conf *c)
{
    c->streamers[0].weight = 0;
}
static void bad_capacity(struct conf *c)
{
    c->streamers[0].capacity = NAN;
}
static void bad_service_twice(struct conf *c)
{
    c->services[1].name = STR("a");
}
static void bad_service_streamer(struct conf *c)
{
    c->services[0].streamers = typo;
    c->services[0].streamer_count = 2;
}
static void bad_service_streamer_twice(struct conf *c)
{
    c->services[0].streamers = twice;
    c->services[0].streamer_count = 2;
}
static void bad_host_twice(struct conf *c)
{
    c->services[1].hosts = host_a;
}
static void bad_host_case(struct conf *c)
{
    c->services[1].hosts = upper;
}
static void bad_host_dot(struct conf *c)
{
    c->services[1].hosts = dotted;
}
static void bad_path(struct conf *c)
{
    c->services[1].path_prefix = STR("vod/");
}
static void bad_regex(struct conf *c)
{
    c->services[1].content_key = STR("^/([a-z]+/");
}
static void bad_policy(struct conf *c)
{
    c->services[1].policy.band = -1;
}
static void bad_torrent_twice(struct conf *c)
{
    c->services[0].info_hashes = c->services[1].info_hashes = torrent;
    c->services[0].info_hash_count = c->services[1].info_hash_count = 1;
}
static void bad_any_torrent_twice(struct conf *c)
{
    c->services[0].any_info_hash = c->services[1].any_info_hash = true;
}
static void bad_cost_map_alone(struct conf *c)
{
    c->in.netmap = NULL;
}
static void bad_cost_map_of_another(struct conf *c)
{
    c->in.costmap = newer.costmap;
}
static void good_same_host_other_path(struct conf *c)
{
    c->services[1].hosts = host_a;
    c->services[1].path_prefix = STR("/vod/");
}
static void good(struct conf *c)
{
    (void)c;
}

// clang-format off
static const struct {
    void (*spoil)(struct conf *c);
    enum err_code rc;
    const char *says;
} rows[] = {
    {good, ERR_OK, ""},
    {good_same_host_other_path, ERR_OK, ""},
    {bad_pid, ERR_NOT_FOUND, "streamer s2: pid is \"p22\", which the network map does not have; did you mean \"p2\"?"},
    {bad_pid_without_map, ERR_NOT_FOUND, "streamer s0: pid is \"p0\", and there is no network map"},
    {bad_origin, ERR_NOT_FOUND, "streamer s0: origin_pid is \"origin\", which the network map does not have"},
    {bad_default, ERR_NOT_FOUND, "default_pid is \"q1\", which the network map does not have; did you mean \"p1\"?"},
    {bad_streamer_twice, ERR_CONFLICT, "streamer s1: there are two of this name"},
    {bad_no_address, ERR_PARSE, "streamer s2: it has no address"},
    {bad_weight, ERR_PARSE, "streamer s2: weight 0 is not above 0"},
    {bad_capacity, ERR_PARSE, "streamer s2: capacity"},
    {bad_service_twice, ERR_CONFLICT, "service a: there are two of this name"},
    {bad_service_streamer, ERR_NOT_FOUND, "service a: there is no streamer \"s00\"; did you mean \"s0\"?"},
    {bad_service_streamer_twice, ERR_CONFLICT, "service a: it names streamer s1 twice"},
    {bad_host_twice, ERR_CONFLICT, "service b: host a.example.com with path \"\" is service a's already"},
    {bad_host_case, ERR_PARSE, "service b: host \"A.example.com\" is not a name in lower case"},
    {bad_host_dot, ERR_PARSE, "service b: host \"a.example.com.\" is not a name"},
    {bad_path, ERR_PARSE, "service b: path_prefix \"vod/\" does not begin with a slash"},
    {bad_regex, ERR_PARSE, "service b: content_key: missing closing parenthesis, at character"},
    {bad_policy, ERR_PARSE, "service b: policy.band -1 is not a number of 0 or more"},
    {bad_torrent_twice, ERR_CONFLICT, "service b: torrent ab00000000000000000000000000000000000000 is service a's already"},
    {bad_any_torrent_twice, ERR_CONFLICT, "services a and b both take every torrent"},
    {bad_cost_map_alone, ERR_CONFLICT, "there is a cost map and no network map"},
    {bad_cost_map_of_another, ERR_CONFLICT, "the cost map was made for version"},
};
// clang-format on

START_TEST(errors_say_who_and_what)
{
    struct conf c;
    struct view *v = NULL;
    struct err e = {0};
    enum err_code rc;

    conf_init(&c);
    rows[_i].spoil(&c);
    rc = view_build(&c.in, live, &v, &e);
    ck_assert_msg(rc == rows[_i].rc, "row %d: %s", _i, e.text);
    ck_assert_msg(strncmp(e.text, rows[_i].says, strlen(rows[_i].says)) == 0,
                  "row %d: \"%s\" and not \"%s\"", _i, e.text, rows[_i].says);
    ck_assert((v == NULL) == (rc != ERR_OK));
    view_drop(v);
}
END_TEST

START_TEST(what_is_in_a_view)
{
    struct conf c;
    struct view *v = NULL;

    conf_init(&c);
    c.services[0].streamers = known;
    c.services[0].streamer_count = 2;
    c.streamers[0].origin_pid = STR("p0"); /* s2's */
    c.streamers[1].hit_pm = 800;           /* s1's */
    ck_assert(view_build(&c.in, live, &v, NULL) == ERR_OK);
    memset(&c, 0x55, sizeof c); /* nothing points into the inputs */

    ck_assert_uint_eq(v->serial, 42);
    ck_assert_uint_eq(v->streamer_count, 3);
    for (sidx i = 0; i < 3; i++) {
        char name[3] = {'s', (char)('0' + i), 0};

        ck_assert(str_eq(v->streamers[i].conf->name, str_from(name)));
        ck_assert_uint_eq(view_find_streamer(v, str_from(name)), i);
        ck_assert_uint_eq(v->streamers[i].pid, i);
    }
    ck_assert_uint_eq(view_find_streamer(v, STR("s3")), SIDX_NONE);
    ck_assert_float_eq(v->streamers[2].origin_cost, 9);
    ck_assert_float_eq(v->streamers[1].origin_cost, 0);
    ck_assert_uint_eq(live->streamer[v->streamers[1].live].hit_pm, 800);
    ck_assert_uint_eq(v->services[0].candidates->count, 2);
    ck_assert_uint_eq(v->services[1].candidates->count, 3);
    ck_assert_double_eq_tol(v->cost_unit, (1 + 5 + 9 + 5 + 2 + 4 + 9 + 4) / 8.0, 1e-9);
    view_drop(v);
}
END_TEST

START_TEST(rows_are_in_cost_order)
{
    struct conf c;
    struct view *v = NULL;
    const struct candidates *set;

    conf_init(&c);
    ck_assert(view_build(&c.in, live, &v, NULL) == ERR_OK);
    set = v->services[1].candidates;
    ck_assert_uint_eq(set->rows, 4);
    for (uint32_t row = 0; row < set->rows; row++)
        for (uint32_t i = 0; i < 3; i++) {
            float cost = candidates_ranked(set, row)[i].cost;
            pidx pid = v->streamers[set->slot[candidates_ranked(set, row)[i].slot].streamer].pid;
            double want = row < 3 ? costmap_get(v->costmap, (pidx)row, pid) : (double)NAN;

            ck_assert(isnan(want) ? isnan(cost) : (double)cost == want);
            if (i)
                ck_assert(isnan(cost) || candidates_ranked(set, row)[i - 1].cost <= cost);
        }
    view_drop(v);
}
END_TEST

START_TEST(services_with_the_same_streamers_share)
{
    struct conf c;
    struct view *v = NULL;

    conf_init(&c);
    ck_assert(view_build(&c.in, live, &v, NULL) == ERR_OK);
    ck_assert_ptr_eq(v->services[0].candidates, v->services[1].candidates);
    view_drop(v);
}
END_TEST

START_TEST(profiles_are_found)
{
    const struct profile_conf own[] = {{.name = STR("mine"), .path = STR("/m")},
                                       {.name = STR("nginx"), .path = STR("/of-mine")}};
    struct view *v;
    struct err e = {0};
    struct conf c;

    conf_init(&c);
    c.in.profiles = own;
    c.in.profile_count = 2;
    c.streamers[0].poll.profile = STR("mine");  /* s2 */
    c.streamers[1].poll.profile = STR("nginx"); /* s1: own ones come first */
    ck_assert_msg(view_build(&c.in, live, &v, &e) == ERR_OK, "%s", e.text);
    ck_assert_ptr_null(v->streamers[0].profile);
    ck_assert(str_eq(v->streamers[1].profile->path, STR("/of-mine")));
    ck_assert(str_eq(v->streamers[2].profile->path, STR("/m")));
    ck_assert_ptr_ne(v->streamers[2].profile, &own[0]); /* the configuration may go */
    view_drop(v);
    c.streamers[0].poll.profile = STR("varnihs");
    ck_assert_int_eq(view_build(&c.in, live, &v, &e), ERR_NOT_FOUND);
    ck_assert_str_eq(e.text, "streamer s2: there is no profile \"varnihs\" of statistics; did you "
                             "mean \"varnish\"?");
    c.streamers[0].poll.profile = STR("varnish");
    ck_assert(view_build(&c.in, live, &v, NULL) == ERR_OK);
    ck_assert_ptr_eq(v->streamers[2].profile, profile_builtin(STR("varnish")));
    view_drop(v);
}
END_TEST

START_TEST(the_longest_session_counts)
{
    struct conf c;
    struct view *v = NULL;
    struct err e = {0};

    conf_init(&c);
    c.services[0].policy.session_s = 60; /* of all three; the other service is of s0 and s1 */
    c.services[1].policy.session_s = 900;
    c.services[1].streamers = known;
    c.services[1].streamer_count = 2;
    ck_assert_msg(view_build(&c.in, live, &v, &e) == ERR_OK, "%s", e.text);
    ck_assert_uint_eq(v->streamers[view_find_streamer(v, STR("s0"))].session_s, 900);
    ck_assert_uint_eq(v->streamers[view_find_streamer(v, STR("s2"))].session_s, 60);
    view_drop(v);
}
END_TEST

START_TEST(streamers_are_located_by_address)
{
    struct conf c;
    struct view *v = NULL;

    conf_init(&c);
    c.streamers[0].pid = c.streamers[1].pid = c.streamers[2].pid = STR("");
    c.streamers[0].v4 = fixture_client(1);  /* s2 */
    c.streamers[1].v6 = fixture_client6(2); /* s1, whose IPv4 is nowhere */
    ck_assert(view_build(&c.in, live, &v, NULL) == ERR_OK);
    ck_assert_uint_eq(v->streamers[2].pid, 1);
    ck_assert_uint_eq(v->streamers[1].pid, 2);
    ck_assert_uint_eq(v->streamers[0].pid, PIDX_NONE);
    view_drop(v);
}
END_TEST

START_TEST(ordinal_costs_become_ranks)
{
    const double costs[9] = {70, 3, 3, 1, 2, 1000, 5, NAN, 4};
    const float ranks[3][3] = {{1, 1, 2}, {1, 2, 3}, {1, 2, NAN}};
    struct fixture_maps ordinal = fixture_maps(3, costs, COST_ORDINAL);
    struct conf c;
    struct view *v = NULL;

    conf_init(&c);
    c.in.netmap = ordinal.netmap;
    c.in.costmap = ordinal.costmap;
    ck_assert(view_build(&c.in, live, &v, NULL) == ERR_OK);
    for (unsigned row = 0; row < 3; row++)
        for (unsigned i = 0; i < 3; i++) {
            float got = candidates_ranked(v->services[0].candidates, row)[i].cost;

            ck_assert(isnan(ranks[row][i]) ? isnan(got) : got == ranks[row][i]);
        }
    view_drop(v);
    fixture_maps_drop(&ordinal);
}
END_TEST

START_TEST(a_full_live_table_is_an_error)
{
    struct conf c;
    struct view *v = NULL;
    struct err e = {0};
    char name[16];

    for (unsigned i = 0; i < LIVE_SLOTS - 2; i++) {
        int n = snprintf(name, sizeof name, "x%u", i);

        ck_assert(live_slot(live, (struct str){name, (size_t)n}) != LIVE_NONE);
    }
    conf_init(&c);
    ck_assert(view_build(&c.in, live, &v, &e) == ERR_LIMIT);
    ck_assert_ptr_null(v);
}
END_TEST

static Suite *view_build_suite(void)
{
    Suite *s = suite_create("view_build");
    TCase *t = tcase_create("view_build");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, errors_say_who_and_what, 0, sizeof rows / sizeof *rows);
    tcase_add_test(t, what_is_in_a_view);
    tcase_add_test(t, rows_are_in_cost_order);
    tcase_add_test(t, services_with_the_same_streamers_share);
    tcase_add_test(t, the_longest_session_counts);
    tcase_add_test(t, streamers_are_located_by_address);
    tcase_add_test(t, profiles_are_found);
    tcase_add_test(t, ordinal_costs_become_ranks);
    tcase_add_test(t, a_full_live_table_is_an_error);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    SRunner *r = srunner_create(view_build_suite());
    int failed;

    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
