#include "router/route.h"

#include "router/cache_memory.h"
#include "router/digest.h"
#include "router/session_table.h"
#include "router/tally.h"
#include "tests/view_fixture.h"

/* Two PIDs; s0 in the first and s1 in the second, of ten sessions each; a CDN "far" for clients of
 * the first PID, and a bypass. */
static struct fixture_maps maps;
static struct fixture_names names[2];
static struct streamer_conf streamers[2];
static struct downstream_conf far;
static struct footprint_conf far_footprint;
static struct service_conf service;
static struct live *live;
static struct metrics metrics;
static struct turn turn;
static struct view *view;
static struct cache_memory *memory;
static const struct str p0 = {"p0", 2}, far_name = {"far", 3}, host = {"www.example.com", 15};
static const struct prefix denied = {.len = 116};

static void build(void)
{
    struct view_inputs in = {.serial = 7,
                             .netmap = maps.netmap,
                             .costmap = maps.costmap,
                             .streamers = streamers,
                             .streamer_count = 2,
                             .downstreams = &far,
                             .downstream_count = 1,
                             .cdni_id = STR("us"),
                             .cache_memory = memory,
                             .services = &service,
                             .service_count = 1};
    struct err e = {0};

    view_drop(view);
    ck_assert_msg(view_build(&in, live, &view, &e) == ERR_OK, "%s", e.text);
    turn.view = view;
}

static void setup(void)
{
    const double costs[4] = {1, 10, 10, 1};

    maps = fixture_maps(2, costs, COST_NUMERICAL);
    live = live_new();
    for (uint32_t i = 0; i < 2; i++) {
        streamers[i] = fixture_streamer(&names[i], i, (int)i);
        streamers[i].capacity = 10;
    }
    far_footprint =
        (struct footprint_conf){.type = FOOTPRINT_ALTOPID, .values = &p0, .value_count = 1};
    far = (struct downstream_conf){.name = far_name,
                                   .http_host = STR("far.example.net"),
                                   .cost = 100,
                                   .weight = 1,
                                   .footprints = &far_footprint,
                                   .footprint_count = 1};
    service = (struct service_conf){.name = STR("svc"),
                                    .hosts = &host,
                                    .host_count = 1,
                                    .downstreams = &far_name,
                                    .downstream_count = 1,
                                    .bypass = {.http_url = STR("http://origin.example{path}")},
                                    .policy = fixture_policy};
    service.policy.count_window_s = 60;
    turn = (struct turn){.live = live,
                         .metrics = &metrics,
                         .keys = key_scratch_new(),
                         .sessions = session_table_new(1024),
                         .buckets = buckets_new(1024),
                         .tallies = tally_ring_new(16),
                         .now_ms = 1000000};
    view = NULL;
    build();
}

static void teardown(void)
{
    view_drop(view);
    key_scratch_free(turn.keys);
    session_table_free(turn.sessions);
    buckets_free(turn.buckets);
    tally_ring_free(turn.tallies);
    live_free(live);
    fixture_maps_drop(&maps);
}

static struct route_question question(uint32_t pid)
{
    struct route_question q = {.q = {.client = fixture_client(pid),
                                     .service = 0,
                                     .need = STREAMER_HTTP | STREAMER_V4,
                                     .want = 1},
                               .can = ROUTE_CAN_HTTP};

    route_content(view, &q, STR("/film/1.ts"), (struct str){0}, turn.keys);
    return q;
}

static struct route go(uint32_t pid)
{
    struct route_question q = question(pid);
    struct route r;

    route(&turn, &q, &r);
    return r;
}

static void all_down(enum admin_state s)
{
    for (sidx i = 0; i < view->streamer_count; i++)
        live_admin_set(live, view->streamers[i].live, s);
}

static void fill(uint32_t sessions)
{
    for (unsigned i = 0; i < 2; i++)
        fixture_load(view, live, streamers[i].name, sessions);
}

START_TEST(ours_first)
{
    struct route r = go(0);

    ck_assert_int_eq(r.to, ROUTE_STREAMERS);
    ck_assert_int_eq(r.decision.count, 1);
    ck_assert(str_eq(view->streamers[r.decision.choice[0].streamer].conf->name, STR("s0")));
    ck_assert_ptr_null(r.why);
}
END_TEST

/* Down or full: another CDN if its footprint has the client, else the bypass. */
START_TEST(falls_back_in_order)
{
    struct route r;

    all_down(ADMIN_DOWN);
    r = go(0);
    ck_assert_int_eq(r.to, ROUTE_DOWNSTREAM);
    ck_assert_uint_eq(r.downstream, 0);
    ck_assert_ptr_nonnull(r.why);
    ck_assert_int_eq(go(1).to, ROUTE_BYPASS);
    all_down(ADMIN_UP);
    ck_assert_int_eq(go(0).to, ROUTE_STREAMERS);
    fill(10);
    ck_assert_int_eq(go(0).to, ROUTE_DOWNSTREAM);
    ck_assert_int_eq(go(1).to, ROUTE_BYPASS);
}
END_TEST

/* With nobody else, a full streamer still serves; with nothing at all, nobody does. */
START_TEST(least_bad_before_nobody)
{
    service.downstream_count = 0;
    service.bypass = (struct bypass_conf){0};
    build();
    fill(10);
    ck_assert_int_eq(go(0).to, ROUTE_STREAMERS);
    ck_assert_int_eq(go(0).decision.why, WHY_OVER_CAP);
    all_down(ADMIN_DOWN);
    ck_assert_int_eq(go(0).to, ROUTE_NOBODY);
    ck_assert_ptr_nonnull(go(0).why);
}
END_TEST

START_TEST(order_is_the_policys)
{
    service.policy.fallback[0] = FALLBACK_DOWNSTREAM;
    service.policy.fallback[1] = FALLBACK_LOCAL;
    build();
    ck_assert_int_eq(go(0).to, ROUTE_DOWNSTREAM);
    ck_assert_int_eq(go(1).to, ROUTE_STREAMERS);
    service.policy.fallback[0] = FALLBACK_LOCAL;
    service.policy.fallback[1] = FALLBACK_NONE;
    build();
    all_down(ADMIN_DOWN);
    ck_assert_int_eq(go(0).to, ROUTE_NOBODY);
}
END_TEST

/* Who was sent here by another CDN is never sent on, whatever the order. */
START_TEST(never_in_a_loop)
{
    struct route_question q = question(0);
    struct route r;

    all_down(ADMIN_DOWN);
    q.delegated = true;
    route(&turn, &q, &r);
    ck_assert_int_eq(r.to, ROUTE_NOBODY);
    q.delegated = false;
    q.can = 0; /* nor by a front end that cannot say it */
    route(&turn, &q, &r);
    ck_assert_int_eq(r.to, ROUTE_NOBODY);
    service.delegated = true;
    build();
    ck_assert_int_ne(go(0).to, ROUTE_DOWNSTREAM);
}
END_TEST

START_TEST(admission_comes_first)
{
    struct prefix p = denied;
    struct route_question q;
    struct route r;

    p.addr = addr_mask(fixture_client(0), 116);
    service.admit.deny.prefixes = &p;
    service.admit.deny.prefix_count = 1;
    build();
    ck_assert_int_eq(go(0).to, ROUTE_DENIED);
    ck_assert_uint_eq(go(0).decision.count, 0);
    ck_assert_int_eq(go(1).to, ROUTE_STREAMERS);
    q = question(0);
    route_look(view, live, &q, &r);
    ck_assert_int_eq(r.to, ROUTE_DENIED);
    ck_assert_ptr_nonnull(r.why);
}
END_TEST

START_TEST(rates_limit_a_client_and_a_look_costs_nothing)
{
    struct route_question q;
    struct route r;

    service.admit.client_rate = 1;
    service.admit.client_burst = 2;
    service.admit.client_v4_bits = 32;
    build();
    q = question(0);
    for (unsigned i = 0; i < 20; i++) {
        route_look(view, live, &q, &r);
        ck_assert_int_eq(r.to, ROUTE_STREAMERS);
    }
    ck_assert_int_eq(go(0).to, ROUTE_STREAMERS);
    ck_assert_int_eq(go(0).to, ROUTE_STREAMERS);
    ck_assert_int_eq(go(0).to, ROUTE_LIMITED);
    ck_assert_int_eq(go(1).to, ROUTE_STREAMERS);
    turn.now_ms += 1100;
    ck_assert_int_eq(go(0).to, ROUTE_STREAMERS);
    ck_assert_int_eq(go(0).to, ROUTE_LIMITED);
}
END_TEST

START_TEST(ceiling_goes_to_the_bypass)
{
    service.admit.sessions_max = 5;
    build();
    ck_assert_int_eq(go(0).to, ROUTE_STREAMERS);
    fixture_load(view, live, streamers[1].name, 6);
    ck_assert_int_eq(go(0).to, ROUTE_BYPASS);
    service.bypass = (struct bypass_conf){0};
    build();
    ck_assert_int_eq(go(0).to, ROUTE_NOBODY);
}
END_TEST

static uint64_t units(const char *name)
{
    sidx i = view_find_streamer(view, str_from(name));

    return live_session_units(live, view->streamers[i].live) / LIVE_SESSION_UNITS;
}

/* A player that asks for each segment is one session; another content, or after a pause, is a new
 * one. */
START_TEST(a_session_counts_once)
{
    struct route_question q = question(0);
    struct route r;

    route(&turn, &q, &r);
    for (unsigned i = 0; i < 100; i++) {
        turn.now_ms += 4000;
        route_sent(&turn, &q, &r);
    }
    ck_assert_uint_eq(units("s0"), 1);
    route_content(view, &q, STR("/other/1.ts"), (struct str){0}, turn.keys);
    route(&turn, &q, &r);
    route_sent(&turn, &q, &r);
    ck_assert_uint_eq(units("s0"), 2);
    turn.now_ms += 61000;
    route_sent(&turn, &q, &r);
    ck_assert_uint_eq(units("s0"), 3);
    q.q.client.lo++; /* a neighbour */
    route(&turn, &q, &r);
    route_sent(&turn, &q, &r);
    ck_assert_uint_eq(units("s0"), 4);
}
END_TEST

/* What is sent is tallied with its key, remembered, and nothing of it when somebody else serves. */
START_TEST(sent_is_told)
{
    struct route_question q = question(0);
    const struct tally *y;
    struct route r;

    route(&turn, &q, &r);
    route_sent(&turn, &q, &r);
    y = tally_peek(turn.tallies);
    ck_assert_ptr_nonnull(y);
    ck_assert_uint_eq(y->content, q.q.content);
    ck_assert(str_eq((struct str){y->key, y->key_len}, STR("/film/")));
    tally_release(turn.tallies);
    all_down(ADMIN_DOWN);
    route(&turn, &q, &r);
    ck_assert_int_eq(r.to, ROUTE_DOWNSTREAM);
    turn.now_ms += 1000000;
    route_sent(&turn, &q, &r);
    ck_assert_ptr_null(tally_peek(turn.tallies));
    ck_assert_uint_eq(units("s0"), 1);
}
END_TEST

/* What was sent somewhere is remembered of that streamer, by the memory that the view was given. */
START_TEST(sent_is_remembered)
{
    struct err e = {0};
    struct route_question q;
    struct route r;
    lidx at;

    ck_assert_msg(cache_memory_new(1 << 20, 64, NULL, &memory, &e) == ERR_OK, "%s", e.text);
    build();
    ck_assert_ptr_eq(view->cache_memory, memory);
    q = question(0);
    at = view->streamers[0].live;
    route(&turn, &q, &r);
    ck_assert(!r.decision.choice[0].known);
    ck_assert(!cache_memory_has(memory, q.q.content, at));
    route_sent(&turn, &q, &r);
    ck_assert(cache_memory_has(memory, q.q.content, at));
    route(&turn, &q, &r);
    ck_assert(r.decision.choice[0].known);
    cache_memory_drop(memory);
    memory = NULL;
}
END_TEST

START_TEST(digests_are_asked_where_there_are_some)
{
    uint8_t key[DIGEST_KEY_LEN];
    struct route_question q;

    ck_assert_ptr_null(question(0).q.digest_key);
    streamers[1].poll.digest_path = STR("/squid-internal-periodic/store_digest");
    build();
    ck_assert_ptr_null(question(0).q.digest_key);
    service.digest_url = STR("http://origin.example{path}{query}");
    build();
    q = question(0);
    route_content(view, &q, STR("/a"), STR("b=c"), turn.keys);
    digest_key(STR("http://origin.example/a?b=c"), key);
    ck_assert_mem_eq(q.q.digest_key, key, sizeof key);
}
END_TEST

START_TEST(ttl_ends_with_the_slot)
{
    struct view v = {.valid_until_ms = 0};

    ck_assert_uint_eq(route_ttl(&v, 5000, 30), 30);
    v.valid_until_ms = 15999;
    ck_assert_uint_eq(route_ttl(&v, 5000, 30), 10);
    ck_assert_uint_eq(route_ttl(&v, 5995, 30), 9); /* the clock may be a moment behind */
    ck_assert_uint_eq(route_ttl(&v, 5000, 3), 3);
    ck_assert_uint_eq(route_ttl(&v, 16000, 30), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("route");
    TCase *t = tcase_create("route");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, ours_first);
    tcase_add_test(t, falls_back_in_order);
    tcase_add_test(t, least_bad_before_nobody);
    tcase_add_test(t, order_is_the_policys);
    tcase_add_test(t, never_in_a_loop);
    tcase_add_test(t, admission_comes_first);
    tcase_add_test(t, rates_limit_a_client_and_a_look_costs_nothing);
    tcase_add_test(t, ceiling_goes_to_the_bypass);
    tcase_add_test(t, a_session_counts_once);
    tcase_add_test(t, sent_is_told);
    tcase_add_test(t, sent_is_remembered);
    tcase_add_test(t, digests_are_asked_where_there_are_some);
    tcase_add_test(t, ttl_ends_with_the_slot);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
