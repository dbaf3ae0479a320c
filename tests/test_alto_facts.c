#include "daemon/alto_facts.h"

#include "router/live.h"
#include "tests/view_fixture.h"

struct world {
    struct arena *arena;
    struct fixture_maps maps;
    struct fixture_names names[4];
    struct streamer_conf streamers[4];
    struct live *live;
    struct view *view;
};

static const struct str us[] = {{"us", 2}}, de[] = {{"de", 2}}, nets[] = {{"10.0.0.0/8", 10}},
                        more_nets[] = {{"10.0.0.0/8", 10}, {"192.0.2.0/24", 12}},
                        pids[] = {{"net.p1", 6}, {"p0", 2}};
static const struct footprint_conf
    in_nets = {.type = FOOTPRINT_IPV4CIDR, .values = nets, .value_count = 1},
    in_more = {.type = FOOTPRINT_IPV4CIDR, .values = more_nets, .value_count = 2},
    in_pids = {.type = FOOTPRINT_ALTOPID, .values = pids, .value_count = 2};

/* Three streamers in PIDs p0, p1 and nowhere. */
static void begin(struct world *w)
{
    memset(w, 0, sizeof *w);
    w->arena = arena_new((size_t)64 << 20);
    w->maps = fixture_maps(2, NULL, COST_NUMERICAL);
    w->live = live_new();
    for (uint32_t i = 0; i < 3; i++)
        w->streamers[i] = fixture_streamer(&w->names[i], i, i == 2 ? -1 : (int)i);
    w->streamers[0].capacity = 1000;
}

static void build(struct world *w)
{
    w->view = fixture_view(&w->maps, w->streamers, 3, &fixture_policy, w->live);
}

static void end(struct world *w)
{
    view_drop(w->view);
    fixture_maps_drop(&w->maps);
    live_free(w->live);
    arena_free(w->arena);
}

static lidx slot(const struct world *w, const char *name)
{
    return w->view->streamers[view_find_streamer(w->view, str_from(name))].live;
}

static const struct propmap *props(struct world *w)
{
    const struct propmap *m = NULL;
    struct err e = {0};

    ck_assert_msg(alto_facts_props(w->view, w->live, (struct str){0}, w->arena, &m, &e) == ERR_OK,
                  "%s", e.text);
    return m;
}

static void is(const struct propmap *m, const char *entity, const char *property, const char *want)
{
    struct str v = propmap_get(m, str_from(entity), str_from(property));

    ck_assert_msg(str_eq(v, str_from(want)), "%s %s: %.*s, not %s", entity, property, (int)v.n,
                  v.p ? v.p : "-", want);
}

/* Conformance: Y-15. */
START_TEST(streamers_are_entities)
{
    struct world w;
    const struct propmap *m;

    begin(&w);
    build(&w);
    live_health_set(w.live, slot(&w, "s0"), false, HEALTH_UP);
    live_health_set(w.live, slot(&w, "s0"), true, HEALTH_DOWN);
    live_admin_set(w.live, slot(&w, "s1"), ADMIN_DRAIN);
    live_dispatch(w.live, slot(&w, "s0"), 422);
    m = props(&w);
    is(m, "priv:streamer:s0", "net.pid", "\"p0\"");
    is(m, "priv:streamer:s0", "priv:state", "\"up\"");
    is(m, "priv:streamer:s0", "priv:capacity", "\"1000\"");
    is(m, "priv:streamer:s0", "priv:load", "\"0.42\"");
    is(m, "priv:streamer:s0", "priv:available", "\"580\"");
    is(m, "priv:streamer:s0", "priv:streamer", "");
    is(m, "ipv4:192.0.0.0", "priv:state", "\"up\"");
    is(m, "ipv4:192.0.0.0/32", "priv:streamer", "\"s0\"");
    is(m, "ipv4:192.0.0.0", "net.pid", "\"p0\"");
    is(m, "ipv6:2001::", "priv:state", "\"down\"");
    is(m, "ipv6:2001::1", "priv:state", "\"drain\"");
    is(m, "ipv4:192.0.0.3", "priv:state", "");
    is(m, "priv:streamer:s1", "priv:state", "\"drain\"");
    is(m, "priv:streamer:s1", "priv:load", "");
    is(m, "priv:streamer:s2", "priv:state", "\"unknown\"");
    is(m, "priv:streamer:s2", "net.pid", "");
    ck_assert_uint_eq(propmap_depends(m), 1);
    ck_assert_str_eq(propmap_depend(m, 0)->resource_id, "net");
    end(&w);
}
END_TEST

START_TEST(states)
{
    static const struct {
        enum admin_state admin;
        enum health v4, v6;
        const char *state, *available;
    } rows[] = {
        {ADMIN_UP, HEALTH_UNKNOWN, HEALTH_UNKNOWN, "\"unknown\"", "\"1000\""},
        {ADMIN_UP, HEALTH_DOWN, HEALTH_UP, "\"up\"", "\"1000\""},
        {ADMIN_UP, HEALTH_DOWN, HEALTH_DOWN, "\"down\"", "\"0\""},
        {ADMIN_UP, HEALTH_SUSPECT, HEALTH_DOWN, "\"suspect\"", "\"1000\""},
        {ADMIN_UP, HEALTH_UNKNOWN, HEALTH_UP, "\"up\"", "\"1000\""},
        {ADMIN_DRAIN, HEALTH_UP, HEALTH_UP, "\"drain\"", "\"0\""},
        {ADMIN_DRAIN, HEALTH_DOWN, HEALTH_DOWN, "\"down\"", "\"0\""},
        {ADMIN_DOWN, HEALTH_UP, HEALTH_UP, "\"down\"", "\"0\""},
        {ADMIN_FORCED, HEALTH_DOWN, HEALTH_DOWN, "\"forced\"", "\"1000\""},
    };
    struct world w;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        begin(&w);
        build(&w);
        live_admin_set(w.live, slot(&w, "s0"), rows[i].admin);
        live_health_set(w.live, slot(&w, "s0"), false, rows[i].v4);
        live_health_set(w.live, slot(&w, "s0"), true, rows[i].v6);
        is(props(&w), "priv:streamer:s0", "priv:state", rows[i].state);
        is(props(&w), "priv:streamer:s0", "priv:available", rows[i].available);
        end(&w);
    }
}
END_TEST

START_TEST(versions)
{
    struct world w;
    const char *tag;

    begin(&w);
    w.streamers[1].v4 = w.streamers[0].v4; /* an address of two */
    build(&w);
    tag = propmap_tag(props(&w));
    ck_assert_str_eq(tag, propmap_tag(props(&w)));
    is(props(&w), "ipv4:192.0.0.0", "priv:streamer", "\"s0\"");
    live_dispatch(w.live, slot(&w, "s0"), 3); /* less than a hundredth */
    ck_assert_str_eq(tag, propmap_tag(props(&w)));
    live_dispatch(w.live, slot(&w, "s0"), 10);
    ck_assert_str_ne(tag, propmap_tag(props(&w)));
    live_dispatch(w.live, slot(&w, "s0"), 5000);
    is(props(&w), "priv:streamer:s0", "priv:available", "\"0\"");
    end(&w);
}
END_TEST

START_TEST(other_network_id)
{
    struct world w;
    const struct propmap *m;
    struct err e = {0};

    begin(&w);
    build(&w);
    ck_assert(str_eq(alto_facts_network_id(w.view), STR("net")));
    ck_assert(alto_facts_props(w.view, w.live, STR("eu"), w.arena, &m, &e) == ERR_OK);
    is(m, "priv:streamer:s1", "eu.pid", "\"p1\"");
    ck_assert_str_eq(propmap_depend(m, 0)->resource_id, "eu");
    end(&w);
}
END_TEST

/* "http:ipv4cidr(10.0.0.0/8)&countrycode(us);..." of each capability */
static void advert_is(struct world *w, const char *want)
{
    const struct cdni_advert *a = NULL;
    struct bytes got = {0};
    struct err e = {0};

    ck_assert_msg(alto_facts_advert(w->view, w->live, w->arena, &a, &e) == ERR_OK, "%s", e.text);
    ck_assert(bytes_printf(&got, "%s", ""));
    for (size_t i = 0; i < cdni_advert_count(a); i++) {
        const struct cdni_capability *c = &cdni_advert_items(a)[i];

        ck_assert(str_eq(c->type, STR("FCI.DeliveryProtocol")));
        ck_assert(bytes_printf(&got, "%.*s", (int)c->value.n, c->value.p));
        for (size_t k = 0; k < c->count; k++) {
            const struct cdni_footprint *f = &c->footprints[k];

            ck_assert(bytes_printf(&got, "&%.*s", (int)f->type.n, f->type.p));
            for (size_t j = 0; j < f->count; j++)
                ck_assert(bytes_printf(&got, ",%.*s", (int)f->values[j].n, f->values[j].p));
        }
        ck_assert(bytes_printf(&got, ";"));
    }
    ck_assert_msg(str_eq((struct str){got.data, got.len}, str_from(want)), "%.*s\nnot %s",
                  (int)got.len, got.data, want);
    bytes_free(&got);
}

#define P1 "{\"delivery-protocols\":[\"http/1.1\"]}"
#define P2 "{\"delivery-protocols\":[\"https/1.1\"]}"
#define P3 "{\"delivery-protocols\":[\"http/1.1\",\"https/1.1\"]}"

static void footprint(struct world *w, size_t i, const struct footprint_conf *f, size_t n)
{
    w->streamers[i].footprints = f;
    w->streamers[i].footprint_count = n;
}

START_TEST(everywhere)
{
    struct world w;

    begin(&w);
    footprint(&w, 0, &in_nets, 1);
    footprint(&w, 2, &in_nets, 1);
    w.streamers[2].can |= STREAMER_HTTPS;
    build(&w);
    advert_is(&w, P3 "&ipv4cidr,10.0.0.0/8;" P1 ";");
    live_admin_set(w.live, slot(&w, "s1"), ADMIN_DOWN); /* who served everybody */
    advert_is(&w, P3 "&ipv4cidr,10.0.0.0/8;" P1 "&ipv4cidr,10.0.0.0/8;");
    live_admin_set(w.live, slot(&w, "s0"), ADMIN_DRAIN);
    advert_is(&w, P3 "&ipv4cidr,10.0.0.0/8;");
    live_health_set(w.live, slot(&w, "s2"), false, HEALTH_DOWN);
    advert_is(&w, P3 "&ipv4cidr,10.0.0.0/8;");
    live_health_set(w.live, slot(&w, "s2"), true, HEALTH_DOWN);
    advert_is(&w, "");
    end(&w);
}
END_TEST

/* Conformance: K-04, K-05. */
START_TEST(unions_and_conjunctions)
{
    const struct footprint_conf narrow[] = {in_more, in_pids};
    struct world w;

    begin(&w);
    for (size_t i = 0; i < 3; i++)
        w.streamers[i].can = STREAMER_V4 | STREAMER_HTTPS;
    footprint(&w, 0, &in_nets, 1);
    footprint(&w, 1, &in_more, 1);
    footprint(&w, 2, &in_pids, 1);
    build(&w);
    advert_is(&w, P2 "&ipv4cidr,10.0.0.0/8,192.0.2.0/24;" P2 "&altopid,p1,p0;");
    view_drop(w.view);
    footprint(&w, 1, narrow, 2);
    build(&w);
    advert_is(&w, P2 "&ipv4cidr,10.0.0.0/8;" P2 "&altopid,p1,p0;" P2
                     "&ipv4cidr,10.0.0.0/8,192.0.2.0/24&altopid,p1,p0;");
    end(&w);
}
END_TEST

/* Countries ask for geography in a view; the advertisement does not. */
START_TEST(unions_of_types)
{
    const struct footprint_conf parts[] = {
        {.type = FOOTPRINT_COUNTRYCODE, .values = us, .value_count = 1},
        {.type = FOOTPRINT_COUNTRYCODE, .values = de, .value_count = 1},
        in_nets};
    const struct footprint_conf any = {.type = FOOTPRINT_UNION, .parts = parts, .part_count = 3};
    struct streamer_conf conf;
    struct view_streamer one;
    struct view v;
    struct world w;

    begin(&w);
    build(&w);
    conf = w.streamers[0];
    conf.footprints = &any;
    conf.footprint_count = 1;
    one = w.view->streamers[0];
    one.conf = &conf;
    memcpy(&v, w.view, sizeof v);
    v.streamers = &one;
    v.streamer_count = 1;
    {
        struct world x = w;

        x.view = &v;
        advert_is(&x, P1 "&ipv4cidr,10.0.0.0/8;" P1 "&countrycode,us,de;");
    }
    end(&w);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("alto_facts");
    TCase *t = tcase_create("all");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(t, streamers_are_entities);
    tcase_add_test(t, states);
    tcase_add_test(t, versions);
    tcase_add_test(t, other_network_id);
    tcase_add_test(t, everywhere);
    tcase_add_test(t, unions_and_conjunctions);
    tcase_add_test(t, unions_of_types);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
