#include "router/downstream.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "router/route.h"
#include "view_fixture.h"

/* Clients in p0; p0 -> p1 costs 5, p0 -> p2 9, p0 -> p3 is not known. */
static const double costs[16] = {0, 5, 9, NAN, 5, 0, 1, 1, 9, 1, 0, 1, 1, 1, 1, 0};

struct world {
    struct fixture_maps maps;
    struct live *live;
    struct view *view;
    struct fixture_names names;
    struct streamer_conf streamer;
    struct downstream_conf downstreams[4];
    struct str names_of[4], host;
    struct service_conf service;
    struct view_inputs in;
};

static struct downstream_conf cdn(const char *name, const char *pid, double cost)
{
    return (struct downstream_conf){.name = str_from(name),
                                    .http_host = STR("edge.partner.example:8080"),
                                    .dns_cname = STR("edge.partner.example"),
                                    .https = true,
                                    .pid = str_from(pid),
                                    .cost = cost,
                                    .weight = 1};
}

static void world_open(struct world *w)
{
    *w = (struct world){.maps = fixture_maps(4, costs, COST_NUMERICAL), .live = live_new()};
    w->streamer = fixture_streamer(&w->names, 0, 0);
    w->host = STR("www.example.com");
    w->downstreams[0] = cdn("far", "p2", 0);
    w->downstreams[1] = cdn("near", "p1", 0);
    w->downstreams[2] = cdn("fixed", "", 7);
    w->downstreams[3] = cdn("unknown", "p3", 0);
    for (unsigned i = 0; i < 4; i++)
        w->names_of[i] = w->downstreams[i].name;
    w->service = (struct service_conf){.name = STR("svc"),
                                       .policy = fixture_policy,
                                       .hosts = &w->host,
                                       .host_count = 1,
                                       .downstreams = w->names_of,
                                       .downstream_count = 4};
    w->in = (struct view_inputs){.netmap = w->maps.netmap,
                                 .costmap = w->maps.costmap,
                                 .streamers = &w->streamer,
                                 .streamer_count = 1,
                                 .downstreams = w->downstreams,
                                 .downstream_count = 4,
                                 .services = &w->service,
                                 .service_count = 1};
}

static void world_build(struct world *w)
{
    struct err e = {0};

    view_drop(w->view);
    w->view = NULL;
    ck_assert_msg(view_build(&w->in, w->live, &w->view, &e) == ERR_OK, "%s", e.text);
    ck_assert_ptr_nonnull(w->view);
}

static void world_close(struct world *w)
{
    view_drop(w->view);
    live_free(w->live);
    fixture_maps_drop(&w->maps);
}

static const char *choose(const struct world *w, struct addr client, uint8_t can, uint64_t content)
{
    const struct located at = view_place(w->view, 0, client);
    double cost;
    const uint16_t d = downstream_choose(w->view, 0, &at, can, content, &cost);

    ck_assert(d != DOWNSTREAM_NONE || isnan(cost));
    return d == DOWNSTREAM_NONE ? "" : w->view->downstreams[d].conf->name.p;
}

START_TEST(lowest_cost)
{
    struct world w;
    const struct addr nowhere = addr_from_v4(1), here = fixture_client(0);

    world_open(&w);
    world_build(&w);
    ck_assert_str_eq(choose(&w, here, ROUTE_CAN_HTTP, 1), "near");
    ck_assert_str_eq(choose(&w, nowhere, ROUTE_CAN_HTTP, 1), "fixed"); /* the only cost known */
    w.downstreams[1].pid = STR("p2");
    world_build(&w);
    ck_assert_str_eq(choose(&w, here, ROUTE_CAN_DNS, 1), "fixed");
    w.service.downstream_count = 0;
    world_build(&w);
    ck_assert_str_eq(choose(&w, here, ROUTE_CAN_HTTP, 1), "");
    w.service.downstreams = &w.names_of[3];
    w.service.downstream_count = 1;
    world_build(&w);
    ck_assert_str_eq(choose(&w, here, ROUTE_CAN_HTTP, 1), "unknown"); /* better than none */
    w.service.delegated = true;
    world_build(&w);
    ck_assert_str_eq(choose(&w, here, ROUTE_CAN_HTTP, 1), "");
    world_close(&w);
}
END_TEST

START_TEST(targets)
{
    struct world w;
    const struct addr here = fixture_client(0);

    world_open(&w);
    w.service.downstreams = &w.names_of[1];
    w.service.downstream_count = 1;
    w.downstreams[1].https = false;
    w.downstreams[1].dns_cname = (struct str){NULL, 0};
    world_build(&w);
    ck_assert_str_eq(choose(&w, here, ROUTE_CAN_HTTP, 1), "near");
    ck_assert_str_eq(choose(&w, here, ROUTE_CAN_HTTPS, 1), "");
    ck_assert_str_eq(choose(&w, here, ROUTE_CAN_DNS, 1), "");
    ck_assert_str_eq(choose(&w, here, 0, 1), "");
    w.downstreams[1].dns_cname = STR("edge.partner.example");
    w.downstreams[1].http_host = (struct str){NULL, 0};
    world_build(&w);
    ck_assert_str_eq(choose(&w, here, ROUTE_CAN_HTTP | ROUTE_CAN_HTTPS, 1), "");
    ck_assert_str_eq(choose(&w, here, ROUTE_CAN_DNS, 1), "near");
    world_close(&w);
}
END_TEST

/* Its bit stands behind the streamers'. */
START_TEST(footprints)
{
    const struct str pid = STR("p1");
    const struct footprint_conf f = {.type = FOOTPRINT_ALTOPID, .values = &pid, .value_count = 1};
    struct world w;

    world_open(&w);
    w.downstreams[1].footprints = &f;
    w.downstreams[1].footprint_count = 1;
    world_build(&w);
    ck_assert(w.view->services[0].places);
    ck_assert_str_eq(choose(&w, fixture_client(0), ROUTE_CAN_HTTP, 1), "fixed");
    ck_assert_str_eq(choose(&w, fixture_client(1), ROUTE_CAN_HTTP, 1), "near");
    world_close(&w);
}
END_TEST

/* Equals share the contents by their weights, each content staying where it is. */
START_TEST(ties)
{
    struct world w;
    unsigned n[2] = {0, 0};

    world_open(&w);
    w.downstreams[0] = cdn("a", "", 3);
    w.downstreams[1] = cdn("b", "", 3);
    w.downstreams[1].weight = 3;
    w.names_of[0] = STR("b");
    w.names_of[1] = STR("a");
    w.service.downstream_count = 2;
    world_build(&w);
    for (uint64_t c = 0; c < 4000; c++) {
        const char *name = choose(&w, fixture_client(0), ROUTE_CAN_HTTP, hash_mix(c, 7));

        ck_assert_str_eq(name, choose(&w, fixture_client(2), ROUTE_CAN_DNS, hash_mix(c, 7)));
        ck_assert(name[0] == 'a' || name[0] == 'b');
        n[name[0] == 'b']++;
    }
    ck_assert_msg(n[0] > 850 && n[0] < 1150, "%u", n[0]);
    world_close(&w);
}
END_TEST

START_TEST(errors)
{
    static const struct {
        enum err_code rc;
        const char *why;
    } want[] = {
        {ERR_CONFLICT, "downstream CDN near: there are two of this name"},
        {ERR_CONFLICT, "downstream CDN s0: a streamer has this name"},
        {ERR_PARSE, "downstream CDN near: weight 0 is not above 0"},
        {ERR_PARSE, "downstream CDN near: cost -1"},
        {ERR_PARSE, "neither an http_host nor a dns_cname"},
        {ERR_NOT_FOUND, "downstream CDN near: pid is \"p9\""},
        {ERR_NOT_FOUND, "service svc: there is no downstream CDN \"nea\"; did you mean \"near\"?"},
        {ERR_CONFLICT, "service svc: it names downstream CDN near twice"},
        {ERR_CONFLICT,
         "downstream CDN near: clients would be sent to \"WWW.example.com:8080\", for "
         "which service svc of this router answers: a loop"},
        {ERR_CONFLICT, "clients would be sent to \"www.example.com.\""},
        {ERR_CONFLICT, "clients would be sent to \"a.b.wild.example\""},
    };
    static const struct str wild = {"*.wild.example", 14};
    struct world w;

    for (unsigned i = 0; i < sizeof want / sizeof *want; i++) {
        struct downstream_conf *near = &w.downstreams[1];
        struct err e = {0};

        world_open(&w);
        switch (i) {
        case 0:
            w.downstreams[0].name = STR("near");
            break;
        case 1:
            near->name = STR("s0");
            break;
        case 2:
            near->weight = 0;
            break;
        case 3:
            near->cost = -1;
            break;
        case 4:
            near->http_host = near->dns_cname = STR("");
            break;
        case 5:
            near->pid = STR("p9");
            break;
        case 6:
            w.names_of[0] = STR("nea");
            break;
        case 7:
            w.names_of[0] = STR("near");
            break;
        case 8:
            near->http_host = STR("WWW.example.com:8080");
            break;
        case 9:
            near->dns_cname = STR("www.example.com.");
            break;
        default:
            near->http_host = STR("a.b.wild.example");
            w.service.hosts = &wild;
        }
        ck_assert_msg(view_build(&w.in, w.live, &w.view, &e) == want[i].rc, "%u: %s", i, e.text);
        ck_assert_msg(strstr(e.text, want[i].why) != NULL, "%u: %s", i, e.text);
        world_close(&w);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("downstream");
    TCase *t = tcase_create("all");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(t, lowest_cost);
    tcase_add_test(t, targets);
    tcase_add_test(t, footprints);
    tcase_add_test(t, ties);
    tcase_add_test(t, errors);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
