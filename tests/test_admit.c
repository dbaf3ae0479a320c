#include "router/admit.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "mmdb_fixture.h"
#include "router/buckets.h"
#include "router/geo.h"
#include "view_fixture.h"

static const struct mmdb_row rows[] = {
    {"10.0.0.0/16", "{\"country\":\"DE\",\"asn\":64500}"},
    {"10.1.0.0/16", "{\"country\":\"US\",\"asn\":64501}"},
    {"10.2.0.0/16", "{\"country\":\"US\",\"asn\":64500,\"vpn\":true}"},
};

struct world {
    struct geo *geo;
    struct live *live;
    struct view *view;
    struct buckets *buckets;
    struct fixture_names names[2];
    struct streamer_conf streamers[2];
};

static enum err_code world_open(struct world *w, const struct admit_conf *c, bool geo,
                                struct err *e)
{
    struct service_conf service = {.name = STR("svc"), .policy = fixture_policy, .admit = *c};
    struct view_inputs in = {
        .streamers = w->streamers, .streamer_count = 2, .services = &service, .service_count = 1};

    *w = (struct world){
        .geo = geo ? mmdb_geo(rows, 3) : NULL, .live = live_new(), .buckets = buckets_new(64)};
    w->streamers[0] = fixture_streamer(&w->names[0], 0, -1);
    w->streamers[1] = fixture_streamer(&w->names[1], 1, -1);
    in.geo = w->geo;
    return view_build(&in, w->live, &w->view, e);
}

static void world_close(struct world *w)
{
    view_drop(w->view);
    geo_drop(w->geo);
    live_free(w->live);
    buckets_free(w->buckets);
}

static enum admitted ask(struct world *w, uint32_t client, uint64_t now_ms)
{
    const struct addr a = addr_from_v4(client);
    const struct located at = view_place(w->view, 0, a);

    return admit(w->view, 0, w->live, w->buckets, a, &at, now_ms);
}

#define DE    0x0a000001
#define US    0x0a010001
#define VPN   0x0a020001
#define THERE 0x0b000001 /* nobody knows where */

// clang-format off
static const struct {
    const char *what, *allow, *deny; /* countries by two letters, ASNs by number, prefixes, "anon" */
    bool de, us, vpn, there;
} lists[] = {
    {"no lists",                 "",               "",             true,  true,  true,  true},
    {"allow a country",          "de",             "",             true,  false, false, false},
    {"deny a country",           "",               "us",           true,  false, false, true},
    {"deny an AS",               "",               "64500",        false, true,  false, true},
    {"allow an AS",              "64501",          "",             false, true,  false, false},
    {"deny anonymous",           "",               "anon",         true,  true,  false, true},
    {"allow anonymous alone",    "anon",           "",             false, false, true,  false},
    {"deny goes before allow",   "us",             "anon",         false, true,  false, false},
    {"any entry of a list",      "de 64501",       "",             true,  true,  false, false},
    {"allow a prefix",           "11.0.0.0/24",    "",             false, false, false, true},
    {"deny a prefix",            "",               "10.0.0.0/15",  false, false, true,  true},
    {"a country in a prefix",    "us 11.0.0.0/8",  "10.2.0.1/32",  false, true,  false, true},
    {"IPv6 says nothing of IPv4","",               "::/0",         true,  true,  true,  true},
};
// clang-format on

struct list_memory {
    char text[128];
    struct str countries[4];
    uint32_t asns[4];
    struct prefix prefixes[4];
};

static void list_read(const char *text, struct list_memory *m, struct admit_list *l)
{
    *l = (struct admit_list){.countries = m->countries, .asns = m->asns, .prefixes = m->prefixes};
    snprintf(m->text, sizeof m->text, "%s", text);
    for (char *save, *word = strtok_r(m->text, " ", &save); word;
         word = strtok_r(NULL, " ", &save)) {
        if (strcmp(word, "anon") == 0)
            l->anonymous = true;
        else if (strchr(word, '/'))
            ck_assert(prefix_parse(word, strlen(word), &m->prefixes[l->prefix_count++], NULL) ==
                      ERR_OK);
        else if (word[0] < 'A')
            m->asns[l->asn_count++] = (uint32_t)strtoul(word, NULL, 10);
        else
            m->countries[l->country_count++] = str_from(word);
    }
}

START_TEST(listed)
{
    const struct {
        uint32_t client;
        bool in;
    } all[] = {
        {DE, lists[_i].de}, {US, lists[_i].us}, {VPN, lists[_i].vpn}, {THERE, lists[_i].there}};
    struct list_memory memory[2];
    struct admit_conf c = {0};
    struct err e = {0};
    struct world w;

    list_read(lists[_i].allow, &memory[0], &c.allow);
    list_read(lists[_i].deny, &memory[1], &c.deny);
    ck_assert_msg(world_open(&w, &c, true, &e) == ERR_OK, "%s", e.text);
    for (unsigned i = 0; i < 4; i++) {
        const struct addr a = addr_from_v4(all[i].client);
        const struct located at = view_place(w.view, 0, a);
        const char *why = "";

        ck_assert_msg(ask(&w, all[i].client, 1) == (all[i].in ? ADMIT_YES : ADMIT_DENIED),
                      "%s: client %u", lists[_i].what, i);
        ck_assert(admit_listed(w.view->services[0].admit, w.view, a, &at, &why) == all[i].in);
        ck_assert_msg((why == NULL) == all[i].in, "%s", lists[_i].what);
        /* Those who share the scope's bits get the same verdict. */
        for (unsigned k = 0; k < 300; k++) {
            struct addr b = addr_mask(a, at.scope), last = addr_mask_last(a, at.scope);

            b.lo |= hash_mix(k, i) & (last.lo ^ b.lo);
            ck_assert_msg(ask(&w, addr_v4(b), 1) == (all[i].in ? ADMIT_YES : ADMIT_DENIED),
                          "%s: client %u, beyond scope %u", lists[_i].what, i, at.scope);
        }
    }
    ck_assert((w.view->services[0].admit == NULL) == (_i == 0));
    world_close(&w);
}
END_TEST

START_TEST(errors)
{
    const struct str bad[] = {STR("DE"), STR("deu")}, de = STR("de");
    const uint32_t asn = 1;
    const struct {
        struct admit_conf c;
        bool geo;
        enum err_code rc;
        const char *why;
    } all[] = {
        {{.deny = {.countries = &bad[0], .country_count = 1}},
         true,
         ERR_PARSE,
         "service svc: admit.deny: country \"DE\" is not two lower case letters"},
        {{.allow = {.countries = &bad[1], .country_count = 1}}, true, ERR_PARSE, "admit.allow"},
        {{.allow = {.countries = &de, .country_count = 1}},
         false,
         ERR_CONFLICT,
         "no geography is configured"},
        {{.allow = {.asns = &asn, .asn_count = 1}}, false, ERR_CONFLICT, "admit.allow"},
        {{.deny = {.anonymous = true}}, false, ERR_CONFLICT, "admit.deny"},
        {{.client_rate = -1}, false, ERR_PARSE, "client_rate -1"},
        {{.client_rate = 1e5}, false, ERR_LIMIT, "client_rate 100000, at most 10000"},
        {{.service_rate = NAN}, false, ERR_PARSE, "service_rate"},
        {{.service_rate = 1e-9}, false, ERR_PARSE, "less than one session in a week"},
        {{.sessions_max = -1}, false, ERR_PARSE, "sessions_max -1"},
        {{.bandwidth_bps = 1e9}, false, ERR_CONFLICT, "bandwidth_max needs session_rate"},
        {{.bandwidth_bps = -1, .session_bps = 1}, false, ERR_PARSE, "bandwidth_max -1"},
        {{.client_v4_bits = 33}, false, ERR_PARSE, "33"},
    };

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct err e = {0};
        struct world w;

        ck_assert_msg(world_open(&w, &all[i].c, all[i].geo, &e) == all[i].rc, "%zu: %s", i, e.text);
        ck_assert_msg(strstr(e.text, all[i].why) != NULL, "%zu: %s", i, e.text);
        world_close(&w);
    }
}
END_TEST

/* Over any times of asking: never more than burst + rate * time in any window from the first, and
 * a client who asks more slowly than the rate is never told to wait. */
START_TEST(client_rate)
{
    const struct admit_conf c = {.client_rate = 3, .client_burst = 5, .client_v4_bits = 24};
    struct err e = {0};
    struct world w;
    uint64_t seed, now = 1000000;
    unsigned given = 0;

    hash_random(&seed, sizeof seed);
    ck_assert_msg(world_open(&w, &c, false, &e) == ERR_OK, "%s", e.text);
    ck_assert(!w.view->services[0].places);
    for (unsigned i = 0; i < 5; i++)
        ck_assert_int_eq(ask(&w, 0x0b000000 + i, now), ADMIT_YES); /* one /24 */
    ck_assert_int_eq(ask(&w, 0x0b000063, now), ADMIT_LIMITED);
    ck_assert_int_eq(ask(&w, 0x0b000163, now), ADMIT_YES); /* another */
    ck_assert_int_eq(ask(&w, 0x0b000001, now + 330), ADMIT_LIMITED);
    ck_assert_int_eq(ask(&w, 0x0b000001, now + 335), ADMIT_YES);
    ck_assert_int_eq(ask(&w, 0x0b000001, now + 336), ADMIT_LIMITED);
    for (unsigned i = 0; i < 1000; i++)
        ck_assert_int_eq(ask(&w, 0x0c000001, now + i * 334), ADMIT_YES);
    for (unsigned i = 0; i < 20000; i++) {
        now += hash_mix(seed, i) % 100;
        given += ask(&w, 0x0d000001, now) == ADMIT_YES;
        ck_assert_msg(given <= 5 + 3.001 * (double)(now - 1000000) / 1000 + 1, "seed %lx", seed);
    }
    ck_assert_msg(given >= 0.99 * 3 * (double)(now - 1000000) / 1000, "seed %lx: %u", seed, given);
    world_close(&w);
}
END_TEST

START_TEST(service_rate)
{
    const struct admit_conf c = {
        .service_rate = 2000, .service_burst = 10, .client_rate = 1, .client_burst = 1};
    struct err e = {0};
    struct world w;
    unsigned given = 0;

    ck_assert_msg(world_open(&w, &c, false, &e) == ERR_OK, "%s", e.text);
    for (uint32_t i = 0; i < 20000; i++) /* ten a millisecond, each another client */
        given += ask(&w, 0x0b000000 + i, 5000 + i / 10) == ADMIT_YES;
    ck_assert_msg(given >= 4000 && given <= 4020, "%u", given);
    /* Who is turned away by the service has his own token still. */
    while (ask(&w, 0x0c000000 + given++, 8000) == ADMIT_YES)
        ;
    ck_assert_int_eq(ask(&w, 0x0d000001, 8000), ADMIT_FULL);
    ck_assert_int_eq(ask(&w, 0x0d000001, 8100), ADMIT_YES);
    ck_assert_int_eq(ask(&w, 0x0d000001, 8101), ADMIT_LIMITED);
    world_close(&w);
}
END_TEST

/* A reload that raises a rate holds from then on, whatever was owed at the old one; a bucket that
 * was full of debt has its next token an interval of the new rate later. */
START_TEST(rate_raised)
{
    const struct bucket_rate slow = {60000 * BUCKET_UNITS_MS,
                                     UINT64_C(999) * 60000 * BUCKET_UNITS_MS};
    const struct bucket_rate fast = {10 * BUCKET_UNITS_MS, 90 * BUCKET_UNITS_MS};
    const struct bucket_rate slow_ns = {60000000000, 999 * UINT64_C(60000000000)};
    const struct bucket_rate fast_ns = {10000000, 90000000};
    const struct prefix client = {addr_from_v4(0x0a000001), 128};
    struct buckets *b = buckets_new(64);
    unsigned taken = 0;

    for (unsigned i = 0; i < 2000; i++) {
        taken += buckets_take_client(b, 1, client, slow, 1000);
        taken +=
            buckets_has_service(b, 1, slow_ns, 1000) && buckets_take_service(b, 1, slow_ns, 1000);
    }
    ck_assert_uint_eq(taken, 2000);
    ck_assert(!buckets_take_client(b, 1, client, fast, 2000));
    ck_assert(!buckets_has_service(b, 1, fast_ns, 2000));
    ck_assert(!buckets_take_client(b, 1, client, fast, 2009));
    ck_assert(buckets_take_client(b, 1, client, fast, 2011));
    ck_assert(!buckets_has_service(b, 1, fast_ns, 2009));
    ck_assert(buckets_has_service(b, 1, fast_ns, 2011));
    buckets_free(b);
}
END_TEST

/* The slowest rate with the largest burst: more time than a number has. */
START_TEST(slack_is_bounded)
{
    const struct admit_conf c = {.service_rate = 1e-6, .service_burst = 10000000};
    struct world w;
    struct err e = {0};

    ck_assert_msg(world_open(&w, &c, false, &e) == ERR_OK, "%s", e.text);
    for (unsigned i = 0; i < 4000; i++)
        ck_assert_int_eq(ask(&w, 0x0a000001, 1000), ADMIT_YES);
    world_close(&w);
}
END_TEST

/* As sessions, as a bandwidth, and as both. */
START_TEST(ceiling)
{
    static const struct admit_conf all[] = {
        {.sessions_max = 10},
        {.bandwidth_bps = 50e6, .session_bps = 5e6},
        {.sessions_max = 11, .bandwidth_bps = 50e6, .session_bps = 5e6},
        {.sessions_max = 10, .bandwidth_bps = 90e6, .session_bps = 5e6},
    };
    struct err e = {0};
    struct world w;

    ck_assert_msg(world_open(&w, &all[_i], false, &e) == ERR_OK, "%s", e.text);
    fixture_load(w.view, w.live, STR("s0"), 4);
    fixture_load(w.view, w.live, STR("s1"), 5);
    ck_assert_int_eq(ask(&w, THERE, 1), ADMIT_YES);
    fixture_load(w.view, w.live, STR("s1"), 1);
    ck_assert_int_eq(ask(&w, THERE, 1), ADMIT_FULL);
    world_close(&w);
}
END_TEST

/* However many clients there are, memory stays as it is, and one who goes on asking is held back.
 */
START_TEST(many_clients)
{
    const struct bucket_rate rate = {1000 * BUCKET_UNITS_MS, 0}; /* one a second */
    struct buckets *b = buckets_new(1024);
    unsigned held = 0;

    for (uint32_t i = 0; i < 100000; i++) {
        const struct prefix other = {addr_from_v4(i), 128}, mine = {addr_from_v4(UINT32_MAX), 128};

        buckets_take_client(b, 1, other, rate, 1000 + i / 100);
        if (i % 10 == 0)
            held += !buckets_take_client(b, 1, mine, rate, 1000 + i / 100);
    }
    ck_assert_uint_gt(held, 9000); /* of 10,000 questions in one second */
    buckets_free(b);
}
END_TEST

struct racer {
    pthread_t thread;
    struct buckets *b;
    unsigned given_client, given_service;
};

static void *race(void *arg)
{
    const struct bucket_rate client = {BUCKET_UNITS_MS, 99 * BUCKET_UNITS_MS};
    const struct bucket_rate service = {1000000, 99000000};
    struct racer *r = arg;

    for (unsigned i = 0; i < 100000; i++) {
        const struct prefix p = {addr_from_v4(1), 128};

        r->given_client += buckets_take_client(r->b, 1, p, client, 5000 + i / 1000);
        r->given_service += buckets_take_service(r->b, 1, service, 5000 + i / 1000);
    }
    return NULL;
}

/* Workers share the tokens: 100 at once and one a millisecond, for all of them together. */
START_TEST(workers)
{
    struct racer r[4] = {{.b = buckets_new(64)}};
    unsigned client = 0, service = 0;

    for (unsigned i = 0; i < 4; i++) {
        r[i].b = r[0].b;
        ck_assert_int_eq(pthread_create(&r[i].thread, NULL, race, &r[i]), 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        pthread_join(r[i].thread, NULL);
        client += r[i].given_client;
        service += r[i].given_service;
    }
    ck_assert_msg(client >= 190 && client <= 260, "%u", client);
    ck_assert_msg(service >= 190 && service <= 260, "%u", service);
    buckets_free(r[0].b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("admit");
    TCase *t = tcase_create("all");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(t, listed, 0, (int)(sizeof lists / sizeof *lists));
    tcase_add_test(t, errors);
    tcase_add_test(t, client_rate);
    tcase_add_test(t, service_rate);
    tcase_add_test(t, rate_raised);
    tcase_add_test(t, slack_is_bounded);
    tcase_add_loop_test(t, ceiling, 0, 4);
    tcase_add_test(t, many_clients);
    tcase_add_test(t, workers);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
