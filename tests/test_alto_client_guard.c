/* What is not believed of a server, and what is believed of a sloppy one when it is asked for. */
#include "alto_client_world.h"

static struct bytes text;

static void begin_net(const char *tag)
{
    text.len = 0;
    ck_assert(bytes_printf(&text,
                           "{\"meta\":{\"vtag\":{\"resource-id\":\"net\",\"tag\":\"%s\"}},"
                           "\"network-map\":{",
                           tag));
}

/* n PIDs p0, p1, ... with a prefix of each family each. */
static void network(const char *tag, unsigned n, unsigned v6)
{
    begin_net(tag);
    for (unsigned i = 0; i < n; i++) {
        ck_assert(
            bytes_printf(&text, "%s\"p%u\":{\"ipv4\":[\"10.%u.0.0/16\"]", i ? "," : "", i, i));
        ck_assert(i >= v6 || bytes_printf(&text, ",\"ipv6\":[\"2001:db8:%x::/48\"]", i));
        ck_assert(bytes_printf(&text, "}"));
    }
    ck_assert(bytes_printf(&text, "}}"));
    route_add(ASK_NET, 200, NET_TYPE, text.data);
}

/* Costs between 10 PIDs; of the pairs of different ones `zeros` cost nothing. */
static void costs(const char *tag, unsigned zeros)
{
    text.len = 0;
    ck_assert(bytes_printf(&text,
                           "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"net\",\"tag\":"
                           "\"%s\"}],\"cost-type\":{\"cost-mode\":\"numerical\",\"cost-metric\":"
                           "\"routingcost\"}},\"cost-map\":{",
                           tag));
    for (unsigned i = 0; i < 10; i++) {
        ck_assert(bytes_printf(&text, "%s\"p%u\":{", i ? "," : "", i));
        for (unsigned k = 0; k < 10; k++) {
            const bool zero = i == k || zeros > 0;

            zeros -= i != k && zeros > 0;
            ck_assert(bytes_printf(&text, "%s\"p%u\":%u", k ? "," : "", k, zero ? 0 : i + k));
        }
        ck_assert(bytes_printf(&text, "}"));
    }
    ck_assert(bytes_printf(&text, "}}"));
    route_add(ASK_COST, 200, COST_TYPE, text.data);
}

static void setup(void)
{
    world_setup();
    route_add(ASK_IRD, 200, IRD_TYPE, IRD(NET_ENTRY "," COST_ENTRY));
}

static void teardown(void)
{
    world_teardown();
    bytes_free(&text);
    text = (struct bytes){0};
}

static const struct {
    unsigned before, v4, v6;
    uint32_t max_pm;
    bool held;
} losses[] = {
    {10, 10, 10, 300, false}, {20, 13, 10, 300, true}, {10, 7, 7, 300, false},
    {10, 6, 10, 300, true},   {10, 10, 6, 300, true},  {10, 10, 7, 300, false},
    {10, 0, 0, 300, true},    {10, 9, 9, 0, true},     {10, 0, 0, 1000, false},
    {10, 1, 1, 900, false},
};

START_TEST(prefixes_that_are_lost)
{
    w.conf.loss_max_pm = losses[_i].max_pm;
    network("t1", losses[_i].before, 10);
    costs("t1", 0);
    start();
    ck_assert_msg(w.generations == 1, "%s", status().error);
    network("t2", losses[_i].v4, losses[_i].v6);
    route_add(ASK_COST, 200, COST_TYPE, COST_TEXT("t2", "1"));
    pass(331000);
    ck_assert_uint_eq(asked(ASK_NET), 2);
    ck_assert_uint_eq(w.generations, losses[_i].held ? 1 : 2);
    ck_assert_msg(!!status().held[0] == losses[_i].held, "%s", status().held);
    ck_assert_str_eq(w.got.network->tag, losses[_i].held ? "t1" : "t2");
}
END_TEST

static const struct {
    unsigned before, after;
    uint32_t max_pm;
    bool held;
} zeros[] = {
    {0, 90, 300, true},   {0, 27, 300, false},  {0, 28, 300, true},
    {60, 87, 300, false}, {90, 90, 300, false}, {0, 90, 1000, false},
};

START_TEST(costs_of_nothing)
{
    w.conf.zero_max_pm = zeros[_i].max_pm;
    network("t1", 10, 0);
    costs("t1", zeros[_i].before);
    start();
    ck_assert_msg(w.generations == 1, "%s", status().error);
    costs("t1", zeros[_i].after);
    pass(331000);
    ck_assert_uint_eq(asked(ASK_COST), 2);
    ck_assert_uint_eq(w.generations, zeros[_i].held || zeros[_i].before == zeros[_i].after ? 1 : 2);
    ck_assert_msg(!!status().held[0] == zeros[_i].held, "%s", status().held);
    if (zeros[_i].held)
        ck_assert_msg(strstr(status().held, "of 90 pairs of different PIDs"), "%s", status().held);
}
END_TEST

static void hold(void)
{
    network("t1", 10, 0);
    costs("t1", 0);
    start();
    network("t2", 2, 0);
    route_add(ASK_COST, 200, COST_TYPE, COST_TEXT("t2", "1"));
    pass(331000);
    ck_assert_uint_eq(w.generations, 1);
    ck_assert_msg(strstr(status().held, "from 10 to 2 IPv4 prefixes"), "%s", status().held);
}

START_TEST(operator_takes_it)
{
    hold();
    ck_assert(alto_client_force(w.c, w.now));
    ck_assert_uint_eq(w.generations, 2);
    ck_assert_str_eq(w.got.network->tag, "t2");
    ck_assert_str_eq(status().held, "");
    ck_assert(!alto_client_force(w.c, w.now));
    pass(700000); /* and so it stays */
    ck_assert_uint_eq(w.generations, 2);
}
END_TEST

START_TEST(server_takes_it_back)
{
    hold();
    network("t1", 10, 0);
    costs("t1", 0);
    pass(331000);
    ck_assert_str_eq(status().held, "");
    ck_assert(!alto_client_force(w.c, w.now));
    ck_assert_uint_eq(w.generations, 1);
    ck_assert_uint_eq(status().held_count, 1);
}
END_TEST

START_TEST(taken_when_it_lasts)
{
    w.conf.hold_ms = 1000000;
    hold();
    pass(900000);
    ck_assert_uint_eq(w.generations, 1);
    ck_assert_uint_eq(status().held_count, 1); /* the same alarm all the time */
    pass(200000);
    ck_assert_uint_eq(w.generations, 2);
    ck_assert_str_eq(status().held, "");
}
END_TEST

/* -- sloppy servers -- */

#define COSTS(meta) "{" meta "\"cost-map\":{\"a\":{\"a\":1,\"b\":\"7\"},\"b\":{\"a\":\"-1\"}}}"

static const struct {
    const char *net, *cost;
} sloppy[] = {
    {NET_TEXT("t1", ""),
     COSTS("\"meta\":{" DEPENDS("t1") ",\"cost-type\":{\"cost-mode\":"
                                      "\"numerical\",\"cost-metric\":\"routingcost\"}},")},
    {NET_TEXT("t1", ""), COSTS("\"meta\":{},")},
    {NET_TEXT("t1", ""), COSTS("")},
    {NET_TEXT("t1", ""), COSTS("\"meta\":{\"dependent-vtags\":[],\"cost-type\":{\"cost-mode\":"
                               "\"numerical\",\"cost-metric\":\"routingcost\"}},")},
    {"{\"network-map\":{\"a\":{\"ipv4\":[\"10.0.0.0/8\"]},\"b\":{\"ipv4\":[\"20.0.0.0/8\"]}}}",
     COSTS("\"meta\":{},")},
};

START_TEST(sloppy_server)
{
    route_add(ASK_NET, 200, NET_TYPE, sloppy[_i].net);
    route_add(ASK_COST, 200, COST_TYPE, sloppy[_i].cost);
    start();
    ck_assert_uint_eq(w.generations, 0); /* which is not taken without being asked for */
    ck_assert(status().error[0]);
    alto_client_free(w.c);
    w.conf.lenient = true;
    start();
    ck_assert_msg(w.generations == 1, "%s", status().error);
    ck_assert_double_eq(cost_ab(), 7);
    ck_assert(costmap_get(w.got.costs[0]->cost, 1, 0) != costmap_get(w.got.costs[0]->cost, 1, 0));
}
END_TEST

/* What is wrong and not only missing is refused by a lenient client, too. */
START_TEST(lenient_is_not_blind)
{
    static const char *const wrong[] = {
        COST_TEXT("t2", "7"),
        "{\"meta\":{" DEPENDS("t1") ",\"cost-type\":{\"cost-mode\":"
                                    "\"numerical\",\"cost-metric\":\"hopcount\"}},\"cost-map\":{}}",
        "{\"cost-map\":{\"a\":{\"b\":true}}}",
        "{\"cost-map\":{\"a\":{\"b\":-1}}}",
        "{}",
    };

    w.conf.lenient = true;
    plain_server();
    route_add(ASK_COST, 200, COST_TYPE, wrong[_i]);
    start();
    ck_assert_uint_eq(w.generations, 0);
    ck_assert(status().error[0]);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("alto_client_guard");
    TCase *t = tcase_create("alto_client_guard");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, prefixes_that_are_lost, 0, sizeof losses / sizeof *losses);
    tcase_add_loop_test(t, costs_of_nothing, 0, sizeof zeros / sizeof *zeros);
    tcase_add_test(t, operator_takes_it);
    tcase_add_test(t, server_takes_it_back);
    tcase_add_test(t, taken_when_it_lasts);
    tcase_add_loop_test(t, sloppy_server, 0, sizeof sloppy / sizeof *sloppy);
    tcase_add_loop_test(t, lenient_is_not_blind, 0, 5);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
