#include "router/coverage.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "mmdb_fixture.h"
#include "router/fci.h"
#include "router/geo.h"
#include "view_fixture.h"

#define PIDS      12
#define STREAMERS 70 /* more than a word */

/* Geography of the fixture's clients and beyond: nested, and of both families. */
static const struct mmdb_row rows[] = {
    {"10.0.0.0/8", "{\"country\":\"US\",\"asn\":64500}"},
    {"10.0.0.0/14", "{\"country\":\"US\",\"region\":\"CA\",\"asn\":64500}"},
    {"10.0.16.0/20", "{\"country\":\"US\",\"region\":\"NY\",\"asn\":64501}"},
    {"10.0.32.0/19", "{\"country\":\"DE\",\"asn\":64502}"},
    {"10.0.64.0/24", "{\"country\":\"DE\"}"},
    {"10.0.64.128/25", "{\"asn\":64503}"},
    {"10.0.128.0/17", "{\"country\":\"CA\",\"region\":\"ON\",\"asn\":64496}"},
    {"2001:db8::/40", "{\"country\":\"DE\",\"asn\":64500}"},
    {"2001:db8:2::/47", "{\"country\":\"FR\"}"},
    {"2001:db8:4::/47", "{\"country\":\"US\",\"region\":\"CA\"}"},
};
#define ROWS (sizeof rows / sizeof *rows)

static const char *const values[][8] = {
    [FOOTPRINT_IPV4CIDR] = {"10.0.0.0/16", "10.0.16.0/20", "10.0.0.0/9", "10.0.40.0/21",
                            "10.0.64.64/26", "0.0.0.0/0", "10.0.33.1/32", "10.0.0.0/11"},
    [FOOTPRINT_IPV6CIDR] = {"2001:db8::/32", "2001:db8::/46", "2001:db8:3::/48", "::/0",
                            "2001::/16", "2001:db8:5::/64", "::/1", "2001:db8:1::7/128"},
    [FOOTPRINT_ASN] = {"as64500", "as64501", "as64502", "as64503", "as64496", "as1", "as4200000000",
                       "as64499"},
    [FOOTPRINT_COUNTRYCODE] = {"us", "de", "ca", "fr", "jp", "us", "de", "gb"},
    [FOOTPRINT_SUBDIVISIONCODE] = {"us-ca", "us-ny", "ca-on", "de-bw", "us-ca", "us-tx", "fr-idf",
                                   "us-ny"},
    [FOOTPRINT_ALTOPID] = {"p0", "p1", "net.p2", "p3", "net.p4", "p5", "p11", "p7"},
};

struct world {
    struct fixture_maps maps;
    struct geo *geo;
    struct live *live;
    struct view *view;
    struct fixture_names names[STREAMERS];
    struct streamer_conf streamers[STREAMERS];
};

static void world_open(struct world *w)
{
    *w = (struct world){.maps = fixture_maps(PIDS, NULL, COST_NUMERICAL),
                        .geo = mmdb_geo(rows, ROWS),
                        .live = live_new()};
}

static void world_close(struct world *w)
{
    view_drop(w->view);
    geo_drop(w->geo);
    live_free(w->live);
    fixture_maps_drop(&w->maps);
}

static enum err_code world_view(struct world *w, size_t n, struct err *e)
{
    struct service_conf service = {.name = STR("svc"), .policy = fixture_policy};
    struct view_inputs in = {.netmap = w->maps.netmap,
                             .geo = w->geo,
                             .streamers = w->streamers,
                             .streamer_count = n,
                             .services = &service,
                             .service_count = 1};

    view_drop(w->view);
    w->view = NULL;
    return view_build(&in, w->live, &w->view, e);
}

/* Memory of random footprints. */
struct pool {
    struct footprint_conf footprints[8192];
    struct str values[32768];
    size_t used, used_values;
};

static void random_values(struct pool *p, struct dice *d, struct footprint_conf *f)
{
    *f = (struct footprint_conf){.type = (enum footprint_type)dice_below(d, FOOTPRINT_UNION)};
    f->value_count = 1 + dice_below(d, 3);
    f->values = &p->values[p->used_values];
    for (size_t i = 0; i < f->value_count; i++)
        p->values[p->used_values++] = str_from(values[f->type][dice_below(d, 8)]);
}

static void random_object(struct pool *p, struct dice *d, struct footprint_conf *f)
{
    *f = (struct footprint_conf){.type = FOOTPRINT_UNION};
    if (dice_below(d, 3)) {
        random_values(p, d, f);
        return;
    }
    f->part_count = dice_below(d, 4); /* a union of nothing: nobody */
    f->parts = &p->footprints[p->used];
    for (size_t i = 0; i < f->part_count; i++)
        random_values(p, d, &p->footprints[p->used++]);
}

static void random_list(struct pool *p, struct dice *d, struct streamer_conf *s)
{
    struct footprint_conf *list = &p->footprints[p->used];

    s->footprint_count = dice_below(d, 4);
    s->footprints = list;
    p->used += s->footprint_count;
    for (size_t i = 0; i < s->footprint_count; i++)
        random_object(p, d, &list[i]);
}

/* What a footprint says, read as it stands. */
static bool value_matches(const struct world *w, enum footprint_type t, struct str v, struct addr a)
{
    const struct geo_place *at = &w->geo->places[geo_find(w->geo, a).place];
    pidx pid = netmap_locate(w->maps.netmap->netmap, a);
    struct prefix p;
    uint32_t asn;

    switch (t) {
    case FOOTPRINT_IPV4CIDR:
    case FOOTPRINT_IPV6CIDR:
        ck_assert(prefix_parse(v.p, v.n, &p, NULL) == ERR_OK);
        return prefix_is_v4(p) == addr_is_v4(a) && prefix_has(p, a);
    case FOOTPRINT_ASN:
        return footprint_asn_parse(v, &asn) && at->asn == asn;
    case FOOTPRINT_COUNTRYCODE:
        return str_eq(v, str_from(at->country));
    case FOOTPRINT_SUBDIVISIONCODE:
        return str_eq(v, str_from(at->subdivision));
    case FOOTPRINT_ALTOPID:
        if (v.n > 4 && memcmp(v.p, "net.", 4) == 0)
            v = (struct str){v.p + 4, v.n - 4};
        return pid != PIDX_NONE && str_eq(w->maps.netmap->netmap->pids[pid].name, v);
    case FOOTPRINT_UNION:
        break;
    }
    return false;
}

static bool object_matches(const struct world *w, const struct footprint_conf *f, struct addr a)
{
    for (size_t i = 0; i < f->value_count; i++)
        if (value_matches(w, f->type, f->values[i], a))
            return true;
    for (size_t i = 0; i < f->part_count; i++)
        if (object_matches(w, &f->parts[i], a))
            return true;
    return false;
}

static bool list_matches(const struct world *w, const struct streamer_conf *s, struct addr a)
{
    for (size_t i = 0; i < s->footprint_count; i++)
        if (!object_matches(w, &s->footprints[i], a))
            return false;
    return true;
}

static struct addr random_client(struct dice *d)
{
    uint64_t r = dice_next(d);

    switch (dice_below(d, 6)) {
    case 0:
        return addr_from_v4((uint32_t)r);
    case 1:
        return (struct addr){UINT64_C(0x20010db800000000) | (r >> 40 << 12), r};
    case 2:
        return (struct addr){r >> dice_below(d, 64), dice_next(d)};
    case 3:
        return fixture_client6(dice_below(d, PIDS));
    default:
        return addr_from_v4(UINT32_C(0x0a000000) | (uint32_t)(r >> (40 + dice_below(d, 12))));
    }
}

/* Conformance: K-05, K-06. */
START_TEST(bits_are_what_the_footprints_say)
{
    struct pool *pool = calloc(1, sizeof *pool);
    unsigned yes = 0, no = 0;
    struct dice d = {0};
    struct world w;
    uint64_t seed;

    hash_random(&seed, sizeof seed);
    d.state = seed | 1;
    world_open(&w);
    for (unsigned round = 0; round < 60; round++) {
        size_t n = 1 + dice_below(&d, STREAMERS);
        struct err e = {0};

        pool->used = pool->used_values = 0;
        for (uint32_t i = 0; i < n; i++) {
            w.streamers[i] = fixture_streamer(&w.names[i], i, (int)(i % PIDS));
            random_list(pool, &d, &w.streamers[i]);
        }
        ck_assert_msg(world_view(&w, n, &e) == ERR_OK, "seed %lx: %s", seed, e.text);
        for (unsigned k = 0; k < 300; k++) {
            struct addr a = random_client(&d);
            struct located at = view_place(w.view, 0, a);

            for (size_t i = 0; i < n; i++) {
                bool want = list_matches(&w, &w.streamers[i], a);
                sidx s = view_find_streamer(w.view, w.streamers[i].name);
                char text[ADDR_TEXT_MAX];

                ck_assert_msg(coverage_has(w.view->coverage, &at, s) == want,
                              "seed %lx round %u streamer %zu client %s: not %d", seed, round, i,
                              addr_format(a, text), want);
                yes += want && w.streamers[i].footprint_count;
                no += !want;
            }
        }
    }
    ck_assert_msg(yes > 10000 && no > 10000, "seed %lx: %u yes, %u no", seed, yes, no);
    world_close(&w);
    free(pool);
}
END_TEST

/* All that share the scope's bits are at the same place, in every look-up. */
START_TEST(scope_decides)
{
    const struct str cidr[] = {STR("10.0.40.0/21"), STR("10.0.41.0/24"), STR("2001:db8:3::/50")};
    const struct footprint_conf footprints[] = {
        {.type = FOOTPRINT_UNION,
         .parts =
             (const struct footprint_conf[]){
                 {.type = FOOTPRINT_IPV4CIDR, .values = cidr, .value_count = 2},
                 {.type = FOOTPRINT_IPV6CIDR, .values = cidr + 2, .value_count = 1}},
         .part_count = 2}};
    struct dice d = {0};
    struct err e = {0};
    unsigned wider = 0;
    struct world w;
    uint64_t seed;

    hash_random(&seed, sizeof seed);
    d.state = seed | 1;
    world_open(&w);
    w.streamers[0] = fixture_streamer(&w.names[0], 0, 0);
    w.streamers[0].footprints = footprints;
    w.streamers[0].footprint_count = 1;
    ck_assert_msg(world_view(&w, 1, &e) == ERR_OK, "%s", e.text);
    for (unsigned k = 0; k < 20000; k++) {
        struct addr a = random_client(&d), b, last;
        struct located at = view_place(w.view, 0, a), other;

        last = addr_mask_last(a, at.scope);
        b = addr_mask(a, at.scope);
        b.hi |= dice_next(&d) & (last.hi ^ b.hi);
        b.lo |= dice_next(&d) & (last.lo ^ b.lo);
        other = view_place(w.view, 0, b);
        ck_assert_msg(at.pid == other.pid && at.place == other.place && at.mark == other.mark &&
                          at.scope == other.scope,
                      "seed %lx at %u", seed, k);
        ck_assert_uint_ge(at.scope, view_locate(w.view, a).scope);
        wider += at.scope > view_locate(w.view, a).scope;
    }
    ck_assert_uint_gt(wider, 100);
    world_close(&w);
}
END_TEST

/* RFC 9388: AS 64496 inside of the USA or Ontario. */
START_TEST(narrowing_and_widening)
{
    const struct str as[] = {STR("as64496")}, us[] = {STR("us")}, on[] = {STR("ca-on")};
    const struct footprint_conf parts[] = {
        {.type = FOOTPRINT_COUNTRYCODE, .values = us, .value_count = 1},
        {.type = FOOTPRINT_SUBDIVISIONCODE, .values = on, .value_count = 1}};
    const struct footprint_conf list[] = {
        {.type = FOOTPRINT_ASN, .values = as, .value_count = 1},
        {.type = FOOTPRINT_UNION, .parts = parts, .part_count = 2}};
    static const struct {
        uint32_t client;
        bool in;
    } clients[] = {{0x0a008001, true}, {0x0a000001, false}, {0x0a002001, false}, {1, false}};
    struct err e = {0};
    struct world w;

    world_open(&w);
    w.streamers[0] = fixture_streamer(&w.names[0], 0, 0);
    w.streamers[0].footprints = list;
    w.streamers[0].footprint_count = 2;
    w.streamers[1] = fixture_streamer(&w.names[1], 1, 0); /* of everybody */
    ck_assert_msg(world_view(&w, 2, &e) == ERR_OK, "%s", e.text);
    ck_assert(w.view->services[0].places);
    for (size_t i = 0; i < sizeof clients / sizeof *clients; i++) {
        struct located at = view_place(w.view, 0, addr_from_v4(clients[i].client));

        ck_assert_msg(coverage_has(w.view->coverage, &at, 0) == clients[i].in, "%zu", i);
        ck_assert(coverage_has(w.view->coverage, &at, 1));
    }
    world_close(&w);
}
END_TEST

START_TEST(without_footprints)
{
    struct err e = {0};
    struct world w;
    struct located at;

    world_open(&w);
    w.streamers[0] = fixture_streamer(&w.names[0], 0, 0);
    ck_assert_msg(world_view(&w, 1, &e) == ERR_OK, "%s", e.text);
    ck_assert_ptr_null(w.view->coverage);
    ck_assert(!w.view->services[0].places);
    at = view_place(w.view, 0, fixture_client(3));
    ck_assert(coverage_has(w.view->coverage, &at, 0));
    ck_assert_uint_eq(at.place, 0);
    ck_assert_uint_eq(at.scope, view_locate(w.view, fixture_client(3)).scope);
    world_close(&w);
}
END_TEST

// clang-format off
static const struct {
    enum footprint_type type;
    const char *value, *why;
    enum err_code rc;
} errors[] = {
    {FOOTPRINT_ALTOPID,         "p99",          "streamer s0: footprints[0]: altopid is \"p99\", which the network map does not have; did you mean \"p9\"?", ERR_NOT_FOUND},
    {FOOTPRINT_ALTOPID,         "other.p1",     "altopid is \"other.p1\"",            ERR_NOT_FOUND},
    {FOOTPRINT_ALTOPID,         "",             "not the name of a PID",             ERR_PARSE},
    {FOOTPRINT_ASN,             "64500",        "asn \"64500\": not an AS number",   ERR_PARSE},
    {FOOTPRINT_ASN,             "AS64500",      "as \"as64500\"",                    ERR_PARSE},
    {FOOTPRINT_ASN,             "as",           "not an AS number",                  ERR_PARSE},
    {FOOTPRINT_ASN,             "as0",          "not an AS number",                  ERR_PARSE},
    {FOOTPRINT_ASN,             "as4294967296", "not an AS number",                  ERR_PARSE},
    {FOOTPRINT_ASN,             "as1x",         "not an AS number",                  ERR_PARSE},
    {FOOTPRINT_COUNTRYCODE,     "DE",           "two lower case letters",            ERR_PARSE},
    {FOOTPRINT_COUNTRYCODE,     "deu",          "two lower case letters",            ERR_PARSE},
    {FOOTPRINT_COUNTRYCODE,     "d1",           "two lower case letters",            ERR_PARSE},
    {FOOTPRINT_SUBDIVISIONCODE, "ca",           "as \"us-ca\"",                      ERR_PARSE},
    {FOOTPRINT_SUBDIVISIONCODE, "us-",          "as \"us-ca\"",                      ERR_PARSE},
    {FOOTPRINT_SUBDIVISIONCODE, "us-abcd",      "as \"us-ca\"",                      ERR_PARSE},
    {FOOTPRINT_SUBDIVISIONCODE, "us-CA",        "as \"us-ca\"",                      ERR_PARSE},
    {FOOTPRINT_IPV4CIDR,        "10.0.0.0",     "not a prefix of IPv4",              ERR_PARSE},
    {FOOTPRINT_IPV4CIDR,        "2001:db8::/32","not a prefix of IPv4",              ERR_PARSE},
    {FOOTPRINT_IPV4CIDR,        "10.0.0.0/33",  "ipv4cidr \"10.0.0.0/33\"",          ERR_PARSE},
    {FOOTPRINT_IPV6CIDR,        "10.0.0.0/8",   "not a prefix of IPv6",              ERR_PARSE},
    {FOOTPRINT_IPV6CIDR,        "::ffff:10.0.0.0/104", "not a prefix of IPv6",       ERR_PARSE},
};
// clang-format on

/* Conformance: K-07. */
START_TEST(error)
{
    struct str value = str_from(errors[_i].value);
    const struct footprint_conf f = {.type = errors[_i].type, .values = &value, .value_count = 1};
    struct err e = {0};
    struct world w;

    world_open(&w);
    w.streamers[0] = fixture_streamer(&w.names[0], 0, 0);
    w.streamers[0].footprints = &f;
    w.streamers[0].footprint_count = 1;
    ck_assert_int_eq(world_view(&w, 1, &e), errors[_i].rc);
    ck_assert_msg(strstr(e.text, errors[_i].why) != NULL, "%s", e.text);
    ck_assert_msg(strstr(e.text, "streamer s0: footprints[0]") != NULL, "%s", e.text);
    world_close(&w);
}
END_TEST

START_TEST(countries_need_geography)
{
    struct str us = STR("us");
    const struct footprint_conf f = {
        .type = FOOTPRINT_COUNTRYCODE, .values = &us, .value_count = 1};
    const struct footprint_conf nested = {.type = FOOTPRINT_UNION, .parts = &f, .part_count = 1};
    const struct footprint_conf deep = {.type = FOOTPRINT_UNION, .parts = &nested, .part_count = 1};
    struct footprint_conf many[COVERAGE_LEVELS_MAX + 1];
    struct err e = {0};
    struct world w;

    world_open(&w);
    w.streamers[0] = fixture_streamer(&w.names[0], 0, 0);
    w.streamers[0].footprints = &deep;
    w.streamers[0].footprint_count = 1;
    ck_assert_int_eq(world_view(&w, 1, &e), ERR_PARSE);
    ck_assert_msg(strstr(e.text, "a footprintunion in a footprintunion") != NULL, "%s", e.text);
    e = (struct err){0};
    for (unsigned i = 0; i <= COVERAGE_LEVELS_MAX; i++)
        many[i] = f;
    w.streamers[0].footprints = many;
    w.streamers[0].footprint_count = COVERAGE_LEVELS_MAX + 1;
    ck_assert_int_eq(world_view(&w, 1, &e), ERR_LIMIT);
    e = (struct err){0};
    geo_drop(w.geo);
    w.geo = NULL;
    w.streamers[0].footprints = &f;
    w.streamers[0].footprint_count = 1;
    ck_assert_int_eq(world_view(&w, 1, &e), ERR_CONFLICT);
    ck_assert_msg(strstr(e.text, "countrycode \"us\" asks for geography, and none is configured"),
                  "%s", e.text);
    world_close(&w);
}
END_TEST

/* Only those whom no prefix but a default covers get the PID of their country. */
START_TEST(fallback)
{
    static const struct mmdb_row places[] = {{"10.0.0.0/8", "{\"country\":\"US\"}"},
                                             {"11.0.0.0/8", "{\"country\":\"DE\",\"asn\":7}"},
                                             {"12.0.0.0/8", "{\"country\":\"DE\"}"},
                                             {"13.0.0.0/8", "{\"country\":\"JP\"}"},
                                             {"2001:db8::/16", "{\"country\":\"US\"}"}};
    const struct geo_pid pids[] = {{.asn = 7, .pid = STR("p3")},
                                   {.country = STR("de"), .pid = STR("p4")},
                                   {.country = STR("us"), .pid = STR("p5")}};
    static const struct {
        const char *client, *pid;
    } want[] = {
        {"10.0.16.7", "p1"},     {"10.200.0.1", "p5"},     {"11.0.0.1", "p3"},
        {"12.0.0.1", "p4"},      {"13.0.0.1", "p0"},       {"99.0.0.1", "p0"},
        {"2001:db8:2::1", "p2"}, {"2001:db8:99::1", "p5"}, {"2002::1", "p0"},
    };
    struct service_conf service = {.name = STR("svc"), .policy = fixture_policy};
    struct view_inputs in = {.default_pid = STR("p0"),
                             .geo_pids = pids,
                             .geo_pid_count = 3,
                             .services = &service,
                             .service_count = 1};
    struct geo *g = mmdb_geo(places, 5);
    struct live *live = live_new();
    struct fixture_maps maps = fixture_maps(6, NULL, COST_NUMERICAL);
    struct view *v = NULL;
    struct err e = {0};

    in.netmap = maps.netmap;
    ck_assert_int_eq(view_build(&in, live, &v, &e), ERR_CONFLICT);
    ck_assert_msg(strstr(e.text, "there is no mmdb file") != NULL, "%s", e.text);
    e = (struct err){0};
    in.geo = g;
    ck_assert_msg(view_build(&in, live, &v, &e) == ERR_OK, "%s", e.text);
    geo_drop(g); /* the view has its own reference */
    ck_assert(v->services[0].places);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        struct addr a;
        struct located at;

        ck_assert(addr_parse(want[i].client, strlen(want[i].client), &a, NULL) == ERR_OK);
        at = view_place(v, 0, a);
        ck_assert_msg(str_eq(v->netmap->pids[at.pid].name, str_from(want[i].pid)), "%s: %s",
                      want[i].client, v->netmap->pids[at.pid].name.p);
        for (unsigned k = 0; k < 200; k++) {
            struct addr b = addr_mask(a, at.scope), last = addr_mask_last(a, at.scope);

            b.hi |= hash_mix(k, i) & (last.hi ^ b.hi);
            b.lo |= hash_mix(i, k) & (last.lo ^ b.lo);
            ck_assert_uint_eq(view_place(v, 0, b).pid, at.pid);
        }
    }
    view_drop(v);
    live_free(live);
    fixture_maps_drop(&maps);
}
END_TEST

/* A network map that has defaults itself: what only they cover is by country too. */
START_TEST(fallback_behind_the_maps_own_default)
{
    static const char text[] =
        "{\"meta\":{\"vtag\":{\"resource-id\":\"net\",\"tag\":\"1\"}},\"network-map\":{"
        "\"home\":{\"ipv4\":[\"10.0.0.0/16\"]},\"abroad\":{},"
        "\"rest\":{\"ipv4\":[\"0.0.0.0/0\"],\"ipv6\":[\"::/0\"]}}}";
    static const struct mmdb_row places[] = {{"10.0.0.0/8", "{\"country\":\"US\"}"},
                                             {"2001:db8::/32", "{\"country\":\"US\"}"}};
    const struct geo_pid pids[] = {{.country = STR("us"), .pid = STR("abroad")}};
    static const struct {
        const char *client, *pid;
    } want[] = {{"10.0.0.1", "home"},
                {"10.1.0.1", "abroad"},
                {"11.0.0.1", "rest"},
                {"2001:db8::1", "abroad"},
                {"2001:db9::1", "rest"}};
    struct arena *arena = arena_new((size_t)1 << 24);
    const struct netmap *map = NULL;
    struct service_conf service = {.name = STR("svc"), .policy = fixture_policy};
    struct view_inputs in = {
        .geo_pids = pids, .geo_pid_count = 1, .services = &service, .service_count = 1};
    struct live *live = live_new();
    struct view *v = NULL;
    struct err e = {0};

    ck_assert_msg(netmap_parse(text, sizeof text - 1, arena, &map, &e) == ERR_OK, "%s", e.text);
    in.netmap = view_source_new(arena, map, NULL);
    in.geo = mmdb_geo(places, 2);
    ck_assert_msg(view_build(&in, live, &v, &e) == ERR_OK, "%s", e.text);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        struct addr a;

        ck_assert(addr_parse(want[i].client, strlen(want[i].client), &a, NULL) == ERR_OK);
        ck_assert_str_eq(v->netmap->pids[view_place(v, 0, a).pid].name.p, want[i].pid);
    }
    view_drop(v);
    geo_drop(in.geo);
    view_source_drop(in.netmap);
    live_free(live);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("coverage");
    TCase *t = tcase_create("all");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(t, bits_are_what_the_footprints_say);
    tcase_add_test(t, scope_decides);
    tcase_add_test(t, narrowing_and_widening);
    tcase_add_test(t, without_footprints);
    tcase_add_loop_test(t, error, 0, (int)(sizeof errors / sizeof *errors));
    tcase_add_test(t, countries_need_geography);
    tcase_add_test(t, fallback);
    tcase_add_test(t, fallback_behind_the_maps_own_default);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
