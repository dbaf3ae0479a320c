/* What if: logs whose outcome is known, reckoned beside each test. */
#include "daemon/replay.h"

#include <check.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "daemon/access_log_read.h"
#include "daemon/publish.h"
#include "router/route.h"
#include "router/session_table.h"

#define T0 UINT64_C(1795348800000) /* 2026-11-22T12:00:00Z */

#define META(more)                                                                                 \
    "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"net\",\"tag\":\"v1\"}],"                   \
    "\"cost-type\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\"}" more             \
    "},\"cost-map\":"

static const char network_map[] =
    "{\"meta\":{\"vtag\":{\"resource-id\":\"net\",\"tag\":\"v1\"}},\"network-map\":{"
    "\"west\":{\"ipv4\":[\"192.0.2.0/24\"]},\"east\":{\"ipv4\":[\"198.51.100.0/24\"]},"
    "\"rest\":{\"ipv4\":[\"0.0.0.0/0\"],\"ipv6\":[\"::/0\"]}}}";
static const char cost_map[] =
    META("") "{\"west\":{\"west\":1,\"east\":10,\"rest\":20},\"east\":{\"west\":10,\"east\":1,"
             "\"rest\":20},\"rest\":{\"west\":15,\"east\":16,\"rest\":1}}}";
/* From noon on ten minutes in which the west is near to itself, ten in which the east is. */
static const char calendar_map[] =
    META(",\"calendar-response-attributes\":[{\"calendar-start-time\":\"Sun, 22 Nov 2026 12:00:00 "
         "GMT\",\"time-interval-size\":600,\"number-of-intervals\":2}]") "{\"west\":{\"west\":[1,"
                                                                         "10],\"east\":[10,1]}}}";

/* Neither load nor what is far away counts: the nearest is asked, unless it is full. */
#define BARE                                                                                       \
    "maps: {network: net.json, cost: cost.json, default_pid: rest}\n"                              \
    "listen: {http: [\"127.0.0.1:0\"]}\n"                                                          \
    "defaults: {probe: {type: none}, policy: {origin_weight: 0, load_weight: 0, band: 0%,"         \
    " balance_from: 100%, session: 600s, count_window: 60s}}\n"
#define WEST "  - {name: west1, ipv4: 192.0.2.80, http_port: 80, pid: west, origin_pid: rest"
#define EAST "  - {name: east1, ipv4: 198.51.100.80, http_port: 80, pid: east, origin_pid: rest"
#define VOD  "services:\n  - {name: vod, hosts: [vod.example.com]"

static char folder[] = "/tmp/waymark-replay-XXXXXX";
static struct arena *arenas[4];
static unsigned arena_count;
static struct replay *replay;
static struct replay_report report;

static void put(const char *name, const char *text)
{
    char path[128];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    ck_assert_int_eq(fclose(f), 0);
}

static void setup(void)
{
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    put("net.json", network_map);
    put("cost.json", cost_map);
    put("calendar.json", calendar_map);
    arena_count = 0;
    replay = NULL;
}

static void teardown(void)
{
    static const char *const files[] = {"net.json", "cost.json", "calendar.json"};
    char path[128];

    replay_free(replay);
    while (arena_count)
        arena_free(arenas[--arena_count]);
    for (unsigned i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        unlink(path);
    }
    ck_assert_int_eq(rmdir(folder), 0);
}

static const struct config *config_of(const char *text)
{
    struct config_problems problems = {0};
    const struct config *c = NULL;
    char path[128];
    struct err e = {0};

    snprintf(path, sizeof path, "%s/waymark.yaml", folder);
    ck_assert_msg(config_parse(text, strlen(text), path, &c, &problems, &arenas[arena_count], &e) ==
                      ERR_OK,
                  "%s", problems.count ? problems.items[0].text : e.text);
    arena_count++;
    return c;
}

static void begin(const char *after, const char *before)
{
    const struct config *a = config_of(after), *b = before ? config_of(before) : NULL;
    struct err e = {0};

    ck_assert_msg(replay_new(a, b, &replay, &e) == ERR_OK, "%s", e.text);
}

/* A line: milliseconds behind noon, the kind, and the rest of it. */
static void line(uint64_t ms, const char *kind, const char *client, const char *rest)
{
    char text[1024], when[CLOCK_TEXT_MAX];
    struct err e = {0};
    struct note n;

    snprintf(text, sizeof text, "time=%s kind=%s client=%s pid=- serial=1 us=1 %s",
             clock_format(T0 + ms, when), kind, client, rest);
    ck_assert_msg(access_line_parse(text, strlen(text), &n, &e) == ERR_OK, "%s: %s", text, e.text);
    ck_assert_msg(replay_line(replay, &n, &e) == ERR_OK, "%s", e.text);
}

static void end(void)
{
    struct err e = {0};

    ck_assert_msg(replay_end(replay, &report, &e) == ERR_OK, "%s", e.text);
}

static const struct replay_place *place(enum replay_kind kind, const char *name)
{
    for (size_t i = 0; i < report.place_count; i++)
        if (report.places[i].kind == kind && str_eq(report.places[i].name, str_from(name)))
            return &report.places[i];
    ck_abort_msg("nothing of %s %s", replay_kind_name(kind), name ? name : "");
    return NULL;
}

static void move_is(size_t i, const char *from, const char *to, uint64_t sessions,
                    uint64_t questions)
{
    const struct replay_move *m = &report.moves[i];
    const char *a = m->from->name.n ? m->from->name.p : replay_kind_name(m->from->kind);
    const char *b = m->to->name.n ? m->to->name.p : replay_kind_name(m->to->kind);

    ck_assert_uint_lt(i, report.move_count);
    ck_assert_str_eq(a, from);
    ck_assert_str_eq(b, to);
    ck_assert_uint_eq(m->sessions, sessions);
    ck_assert_uint_eq(m->questions, questions);
}

#define TO_EAST " service=vod status=302 why=cost to=streamers streamer=east1 cost=10"

START_TEST(a_log_by_hand)
{
    const struct replay_place *west, *east;

    begin(BARE "streamers:\n" WEST ", capacity: 10, cache_contents: 5}\n" EAST
               ", capacity: 2, cache_contents: 5}\n" VOD "}\n",
          NULL);
    /* Three clients of the west, two of them for /a/, who were sent to the east. */
    line(0, "http", "192.0.2.1", "name=/a/1.ts" TO_EAST);
    line(0, "http", "192.0.2.2", "name=/a/1.ts" TO_EAST);
    line(0, "http", "192.0.2.3", "name=/b/1.ts" TO_EAST);
    /* The first again, for the same: no session more. */
    line(1000, "http", "192.0.2.1", "name=/a/2.ts" TO_EAST);
    /* One of the east, who was sent to a streamer that is not there any more. */
    line(4000, "http", "198.51.100.1",
         "name=/a/1.ts service=vod status=302 why=cost to=streamers streamer=old1 cost=5");
    line(5000, "http", "192.0.2.4",
         "name=/c/1 service=vod status=302 why=none to=bypass "
         "streamer=- cost=-");
    /* Nothing was asked for; and of nobody. */
    line(5000, "http", "192.0.2.4",
         "name=/c/1 service=vod status=204 why=none to=- streamer=- "
         "cost=-");
    line(5000, "http", "192.0.2.4",
         "name=/c/1 service=- status=404 why=no-service to=nobody "
         "streamer=- cost=-");
    /* A service that the new configuration has no more. */
    line(5000, "http", "192.0.2.5",
         "name=/a/1 service=gone status=302 why=cost to=streamers "
         "streamer=east1 cost=3");
    end();
    ck_assert_uint_eq(report.replayed, 7);
    ck_assert_uint_eq(report.not_routed, 2);

    /* Before: 3 + 1 sessions to east1 (gone's is one), which holds 2: the third found it full
     * (2 open), and the fourth too (3 * exp(-5 / 600) = 2.98). Its cache missed /a/, had it, missed
     * /b/, missed gone's: 3 misses at 20 of 4. Costs 10 + 10 + 10 + 3. */
    east = place(REPLAY_STREAMER, "east1");
    ck_assert_uint_eq(east->before.questions, 5);
    ck_assert_uint_eq(east->before.sessions, 4);
    ck_assert_uint_eq(east->before.bounded, 4);
    ck_assert_uint_eq(east->before.to_full, 2);
    ck_assert_uint_eq(east->before.modelled, 4);
    ck_assert_uint_eq(east->before.hits, 1);
    ck_assert_double_eq(east->before.cost, 33);
    ck_assert_uint_eq(east->before.costed, 4);
    ck_assert_double_eq(east->before.origin_cost, 60);
    ck_assert_uint_eq(east->before.origin_costed, 4);
    /* After: the one of the east, a miss. */
    ck_assert_uint_eq(east->after.sessions, 1);
    ck_assert_double_eq(east->after.cost, 1);
    ck_assert_double_eq(east->after.origin_cost, 20);
    ck_assert_uint_eq(east->after.to_full, 0);

    /* All of the west: /a/ missed, had; /b/ and /c/ missed. */
    west = place(REPLAY_STREAMER, "west1");
    ck_assert_uint_eq(west->before.questions, 0);
    ck_assert_uint_eq(west->after.questions, 5);
    ck_assert_uint_eq(west->after.sessions, 4);
    ck_assert_uint_eq(west->after.hits, 1);
    ck_assert_double_eq(west->after.cost, 4);
    ck_assert_double_eq(west->after.origin_cost, 60);

    ck_assert_uint_eq(place(REPLAY_STREAMER, "old1")->before.sessions, 1);
    ck_assert_uint_eq(place(REPLAY_STREAMER, "old1")->before.modelled, 0);
    ck_assert_uint_eq(place(REPLAY_BYPASS, NULL)->before.sessions, 1);
    ck_assert_uint_eq(place(REPLAY_NO_SERVICE, NULL)->after.sessions, 1);

    /* Sums: 5 sessions to streamers at 38 before, 5 at 5 after. */
    ck_assert_uint_eq(report.before.sessions, 5);
    ck_assert_double_eq(report.before.cost, 38);
    ck_assert_uint_eq(report.after.sessions, 5);
    ck_assert_double_eq(report.after.cost, 5);
    ck_assert_uint_eq(report.sessions_before, 6);
    ck_assert_uint_eq(report.sessions_after, 6);
    ck_assert_uint_eq(report.before.questions, 7);
    ck_assert_uint_eq(report.after.questions, 7);

    /* Everybody moves. Of one session each: by the order of places (streamers, then bypass). */
    ck_assert_uint_eq(report.moved_sessions, 6);
    ck_assert_uint_eq(report.moved_questions, 7);
    ck_assert_uint_eq(report.move_count, 4);
    move_is(0, "east1", "west1", 3, 4);
    move_is(1, "east1", "no-service", 1, 1);
    move_is(2, "old1", "east1", 1, 1);
    move_is(3, "bypass", "west1", 1, 1);
}
END_TEST

/* One streamer for twelve sessions at once, of which ten fit; and a client that is not wanted. */
START_TEST(overload_and_denied)
{
    char client[32];

    begin(BARE "streamers:\n" WEST ", capacity: 10}\n" VOD
               ", admit: {deny: {prefixes: [192.0.2.200/32]}}}\n",
          NULL);
    for (unsigned i = 1; i <= 12; i++) {
        snprintf(client, sizeof client, "192.0.2.%u", i);
        line(0, "http", client, "name=/a/1.ts" TO_EAST);
    }
    line(0, "http", "192.0.2.200", "name=/a/1.ts" TO_EAST);
    /* IPv4 alone: a client with IPv6 has that instead, over HTTP. */
    line(0, "http", "2001:db8::1", "name=/a/1.ts" TO_EAST);
    end();
    ck_assert_uint_eq(place(REPLAY_STREAMER, "west1")->after.sessions, 13);
    ck_assert_uint_eq(place(REPLAY_STREAMER, "west1")->after.to_full, 3);
    ck_assert_uint_eq(place(REPLAY_STREAMER, "west1")->after.modelled, 0); /* no cache_contents */
    ck_assert_uint_eq(place(REPLAY_DENIED, NULL)->after.sessions, 1);
    /* Of the log's streamer nothing is known but its name. */
    ck_assert_uint_eq(place(REPLAY_STREAMER, "east1")->before.sessions, 14);
    ck_assert_uint_eq(place(REPLAY_STREAMER, "east1")->before.bounded, 0);
}
END_TEST

/* 600 s later a session of 600 s is there with 1/e: ten become 3.7; a day later none is left. */
START_TEST(sessions_end)
{
    char client[32];

    begin(BARE "streamers:\n" WEST ", capacity: 10}\n" VOD "}\n", NULL);
    for (unsigned batch = 0; batch < 3; batch++) {
        static const uint64_t at[] = {0, 600000, 87000000};

        for (unsigned i = 1; i <= 12; i++) {
            snprintf(client, sizeof client, "192.0.2.%u", batch * 20 + i);
            line(at[batch], "http", client, "name=/a/1.ts" TO_EAST);
        }
    }
    end();
    /* 12 at once: 2 found it full. 12 / e = 4.4 are left: 6 fit (4.4 to 9.4), 6 do not. A day
     * later it is 2 again. */
    ck_assert_uint_eq(place(REPLAY_STREAMER, "west1")->after.to_full, 2 + 6 + 2);
}
END_TEST

START_TEST(nobody_can)
{
    begin(BARE "streamers:\n"
               "  - {name: six, ipv6: \"2001:db8::80\", http_port: 80, pid: rest}\n" VOD
               ", info_hashes: [000102030405060708090a0b0c0d0e0f10111213]}\n"
               "  - {name: other, hosts: [\"*.other.example\"]}\n",
          NULL);
    line(0, "http", "192.0.2.1", "name=/a/1.ts" TO_EAST);
    line(0, "http", "2001:db8::1", "name=/a/1.ts" TO_EAST);
    /* DNS goes by its name, a torrent by its info-hash, whatever the service was. */
    line(0, "dns", "192.0.2.1",
         "name=A.Other.Example service=x status=0 why=cost to=streamers "
         "streamer=east1 cost=10");
    line(0, "dns", "192.0.2.1",
         "name=b.example service=x status=0 why=cost to=streamers "
         "streamer=east1 cost=10");
    line(0, "tracker", "2001:db8::1",
         "name=000102030405060708090a0b0c0d0e0f10111213 service=x status=0 why=cost "
         "to=streamers streamer=east1 cost=10");
    end();
    ck_assert_uint_eq(report.by_kind[NOTE_HTTP], 2);
    ck_assert_uint_eq(report.by_kind[NOTE_DNS], 2);
    ck_assert_uint_eq(report.by_kind[NOTE_TRACKER], 1);
    ck_assert_uint_eq(place(REPLAY_NOBODY, NULL)->after.questions, 2); /* IPv4; and no seed */
    ck_assert_uint_eq(place(REPLAY_STREAMER, "six")->after.questions, 2);
    ck_assert_uint_eq(place(REPLAY_NO_SERVICE, NULL)->after.questions, 1);
}
END_TEST

/* IPv4 clients of the west are the partner's, with whom they were before; others go to the origin,
 * and of one client no more than two a second are taken. */
START_TEST(others_serve)
{
    begin(BARE "streamers:\n"
               "  - {name: six, ipv6: \"2001:db8::80\", http_port: 80, pid: rest}\n"
               "downstreams:\n"
               "  - {name: partner, http_host: cdn.partner.example, cost: 10,"
               " footprints: [{type: ipv4cidr, values: [192.0.2.0/24]}]}\n" VOD
               ", downstreams: [partner], bypass: {http_url: 'http://origin.example{path}'},"
               " admit: {client_rate: 0.001, client_burst: 2}}\n",
          NULL);
    line(0, "http", "192.0.2.1",
         "name=/a/1.ts service=vod status=302 why=none to=downstream "
         "streamer=partner cost=-");
    line(1, "http", "198.51.100.1", "name=/a/1.ts" TO_EAST);
    line(2, "http", "198.51.100.1", "name=/b/1.ts" TO_EAST);
    line(3, "http", "198.51.100.1", "name=/c/1.ts" TO_EAST);
    line(4, "http", "2001:db8::1", "name=/a/1.ts" TO_EAST);
    end();
    ck_assert_uint_eq(place(REPLAY_DOWNSTREAM, "partner")->before.sessions, 1);
    ck_assert_uint_eq(place(REPLAY_DOWNSTREAM, "partner")->after.sessions, 1);
    ck_assert_uint_eq(place(REPLAY_BYPASS, NULL)->after.sessions, 2);
    ck_assert_uint_eq(place(REPLAY_LIMITED, NULL)->after.sessions, 1);
    ck_assert_uint_eq(place(REPLAY_STREAMER, "six")->after.sessions, 1);
    ck_assert_uint_eq(report.after.sessions, 1); /* to streamers of ours */
    ck_assert_uint_eq(report.sessions_after, 5);
    ck_assert_uint_eq(report.moved_sessions, 4);
}
END_TEST

/* A peer announces every half hour: one session. */
START_TEST(announces_are_one_session)
{
    begin(BARE
          "streamers:\n"
          "  - {name: west1, ipv4: 192.0.2.80, http_port: 80, seed_port: 6881, pid: west}\n" VOD
          ", any_info_hash: true}\n",
          NULL);
    for (unsigned i = 0; i < 10; i++)
        line(i * 1800000, "tracker", "192.0.2.1",
             "name=000102030405060708090a0b0c0d0e0f10111213 service=vod status=0 why=cost "
             "to=streamers streamer=west1 cost=1");
    end();
    ck_assert_uint_eq(place(REPLAY_STREAMER, "west1")->before.questions, 10);
    ck_assert_uint_eq(place(REPLAY_STREAMER, "west1")->before.sessions, 1);
    ck_assert_uint_eq(place(REPLAY_STREAMER, "west1")->after.sessions, 1);
    ck_assert_uint_eq(report.moved_questions, 0);
}
END_TEST

/* The slot of the line's time, not of now. */
START_TEST(calendars_go_by_the_log)
{
    begin("maps: {network: net.json, cost: calendar.json, default_pid: rest}\n"
          "listen: {http: [\"127.0.0.1:0\"]}\n"
          "defaults: {probe: {type: none}, policy: {origin_weight: 0, load_weight: 0, band: 0%}}\n"
          "streamers:\n"
          "  - {name: west1, ipv4: 192.0.2.80, http_port: 80, pid: west}\n"
          "  - {name: east1, ipv4: 198.51.100.80, http_port: 80, pid: east}\n" VOD "}\n",
          NULL);
    for (unsigned minute = 0; minute < 20; minute++)
        line(minute * 60000 + 30000, "http", "192.0.2.1", "name=/a/1.ts" TO_EAST);
    end();
    /* Minutes 0 to 9; 10 to 19. Each is a session: the window is a minute. */
    ck_assert_uint_eq(place(REPLAY_STREAMER, "west1")->after.questions, 10);
    ck_assert_uint_eq(place(REPLAY_STREAMER, "east1")->after.questions, 10);
    ck_assert_double_eq(report.after.cost, (double)report.after.sessions);
}
END_TEST

START_TEST(times_that_leap)
{
    begin(BARE "streamers:\n" WEST "}\n" VOD "}\n", NULL);
    line(0, "http", "192.0.2.1", "name=/a/1.ts" TO_EAST);
    line(UINT64_C(250000000000000), "http", "192.0.2.1", "name=/a/1.ts" TO_EAST); /* year 9949 */
    line(0, "http", "192.0.2.1", "name=/a/1.ts" TO_EAST); /* and back: as of then */
    end();
    ck_assert_uint_eq(report.late, 1);
    ck_assert_uint_eq(place(REPLAY_STREAMER, "west1")->after.sessions, 2);
    ck_assert_uint_eq(report.first_ms, T0);
    ck_assert_uint_eq(report.last_ms, T0 + UINT64_C(250000000000000));
}
END_TEST

/* A log that names more streamers than there can be. */
START_TEST(names_without_end)
{
    char rest[256];

    begin(BARE "streamers:\n" WEST "}\n" VOD "}\n", NULL);
    for (unsigned i = 0; i < 20000; i++) {
        snprintf(rest, sizeof rest,
                 "name=/a/1.ts service=vod status=302 why=cost to=streamers streamer=s%u cost=1",
                 i);
        line(i, "http", "192.0.2.1", rest);
    }
    end();
    ck_assert_uint_le(report.place_count, REPLAY_PLACES_MAX);
    ck_assert_uint_gt(place(REPLAY_OTHERS, NULL)->before.questions, 7000);
    ck_assert_uint_eq(report.before.questions, 20000);
    ck_assert_uint_eq(report.moved_questions, 20000);
}
END_TEST

START_TEST(long_names_of_services)
{
    begin(BARE "streamers:\n" WEST "}\nservices:\n"
               "  - {name: a-service-of-a-rather-long-name-one, hosts: [a.example]}\n"
               "  - {name: a-service-of-a-rather-long-na, hosts: [b.example]}\n"
               "  - {name: two-services-of-one-rather-long-name, hosts: [c.example]}\n"
               "  - {name: two-services-of-one-rather-long-nose, hosts: [d.example]}\n",
          NULL);
    /* Cut behind 31 bytes: there is one that begins so; and two. */
    line(0, "http", "192.0.2.1",
         "name=/a/1 service=a-service-of-a-rather-long-name status=302 "
         "why=cost to=streamers streamer=west1 cost=1");
    line(0, "http", "192.0.2.1",
         "name=/a/1 service=two-services-of-one-rather-long status=302 "
         "why=cost to=streamers streamer=west1 cost=1");
    end();
    ck_assert_uint_eq(place(REPLAY_STREAMER, "west1")->after.questions, 1);
    ck_assert_uint_eq(place(REPLAY_NO_SERVICE, NULL)->after.questions, 1);
}
END_TEST

/* ---- what made the log changes nothing ---- */

#define MANY(CAPACITY)                                                                             \
    "streamers:\n"                                                                                 \
    "  - {name: w1, ipv4: 192.0.2.81, http_port: 80, seed_port: 1, pid: west, origin_pid: "        \
    "rest," CAPACITY " cache_contents: 50}\n"                                                      \
    "  - {name: w2, ipv4: 192.0.2.82, http_port: 80, seed_port: 1, pid: west, origin_pid: "        \
    "rest," CAPACITY " cache_contents: 50}\n"                                                      \
    "  - {name: e1, ipv4: 198.51.100.81, ipv6: \"2001:db8::81\", http_port: 80, seed_port: 1,"     \
    " pid: east, origin_pid: rest," CAPACITY " cache_contents: 50}\n"                              \
    "  - {name: r1, ipv6: \"2001:db8::82\", http_port: 80, seed_port: 1, pid: rest,"               \
    " cache_contents: 50}\n"                                                                       \
    "services:\n  - {name: vod, hosts: [vod.example.com], any_info_hash: true}\n"                  \
    "  - {name: live, hosts: [live.example.com, \"*.live.example.com\"], path: /l,"                \
    " streamers: [w1, w2, e1]}\n"

/* A daemon of the test's own: view, live words and session table, and time that goes on. */
struct maker {
    struct sources sources;
    struct live *live;
    struct view *view;
    struct metrics metrics;
    struct turn turn;
    uint64_t folded_ms;
};

static void maker_init(struct maker *m, const struct config *c)
{
    struct err e = {0};

    memset(m, 0, sizeof *m);
    sources_init(&m->sources);
    m->live = live_new();
    ck_assert(sources_load(&m->sources, c, SOURCE_ALL, NULL, &e) == ERR_OK);
    ck_assert_msg(publish_build(c, NULL, &m->sources, m->live, NULL, 7, &m->view, &e) == ERR_OK,
                  "%s", e.text);
    m->turn = (struct turn){.view = m->view,
                            .live = m->live,
                            .metrics = &m->metrics,
                            .sessions = session_table_new(1 << 16),
                            .keys = key_scratch_new(),
                            .now_ms = 5000000,
                            .wall_ms = T0,
                            .random = 1};
    m->folded_ms = m->turn.now_ms;
}

static void maker_fini(struct maker *m)
{
    view_drop(m->view);
    sources_fini(&m->sources);
    session_table_free(m->turn.sessions);
    key_scratch_free(m->turn.keys);
    live_free(m->live);
}

static void maker_to(struct maker *m, uint64_t ms)
{
    m->turn.now_ms += ms;
    m->turn.wall_ms += ms;
    for (; m->turn.now_ms - m->folded_ms >= 1000; m->folded_ms += 1000) {
        for (sidx i = 0; i < m->view->streamer_count; i++)
            live_fold(m->live, m->view->streamers[i].live, 1, m->view->streamers[i].session_s);
        view_fold(m->view, m->live);
    }
}

/* As the front ends ask, and note it. */
static void maker_ask(struct maker *m, uint64_t random, struct note *n)
{
    const enum note_kind kind = (enum note_kind)(random % 8 < 6 ? NOTE_HTTP : random % 8 - 5);
    const bool v4 = kind == NOTE_DNS || random >> 8 & 1;
    const uint8_t family = v4 ? STREAMER_V4 : STREAMER_V6;
    const bool live = random >> 9 & 1;
    const char *service = live && kind != NOTE_TRACKER ? "live" : "vod";
    struct route_question q = {.q = {.want = 1}};
    char path[64];
    struct route r;

    q.q.client = v4 ? addr_from_v4((random >> 10 & 1 ? 0xc0000200 : 0xc6336400) |
                                   (uint32_t)(random >> 16 & 0xff))
                    : (struct addr){UINT64_C(0x20010db800000000), random >> 16 & 0xff};
    q.q.service = view_find_service_by_name(m->view, str_from(service));
    q.q.need = family | (kind == NOTE_HTTP      ? STREAMER_HTTP
                         : kind == NOTE_TRACKER ? STREAMER_SEED
                                                : 0);
    if (kind == NOTE_HTTP && !v4) {
        q.other_need = STREAMER_HTTP;
        q.other_need_any = STREAMER_V4 | STREAMER_V6;
    }
    memset(n, 0, sizeof *n);
    snprintf(path, sizeof path, "/l%u/seg.ts", (unsigned)(random >> 32 & 0x3f));
    route_content(m->view, &q, kind == NOTE_HTTP ? str_from(path) : STR("/"), (struct str){0},
                  m->turn.keys);
    route(&m->turn, &q, &r);
    route_sent(&m->turn, &q, &r);
    if (kind == NOTE_DNS)
        snprintf(path, sizeof path, "%s%s.example.com", live ? "x." : "", service);
    if (kind == NOTE_TRACKER)
        snprintf(path, sizeof path, "%040" PRIx64, random >> 32 & 0x3f);
    n->wall_ms = m->turn.wall_ms;
    n->kind = (uint8_t)kind;
    n->client = q.q.client;
    n->status = kind == NOTE_HTTP ? (r.to == ROUTE_STREAMERS ? 302 : 503) : 0;
    n->name_len = (uint8_t)strlen(path);
    memcpy(n->name, path, n->name_len);
    note_route(n, m->view, q.q.service, &r);
}

START_TEST(its_own_log_moves_nothing)
{
    static const char text[] = BARE "memory: {caches: 0}\n" MANY("");
    const struct config *c = config_of(text);
    uint64_t state = 77 + (uint64_t)_i;
    struct bytes out = {0};
    struct err e = {0};
    struct maker m;

    maker_init(&m, c);
    ck_assert_msg(replay_new(c, NULL, &replay, &e) == ERR_OK, "%s", e.text);
    for (unsigned i = 0; i < 20000; i++) {
        struct note n, back;

        state = hash_mix(state, 0x7265706c6179);
        maker_to(&m, state >> 50 & 0xff);
        maker_ask(&m, state, &n);
        out.len = 0;
        ck_assert(note_format(&n, i % 2 ? NOTE_JSON : NOTE_LOGFMT, &out));
        ck_assert_msg(access_line_parse(out.data, out.len - 1, &back, &e) == ERR_OK, "%s", e.text);
        ck_assert_msg(replay_line(replay, &back, &e) == ERR_OK, "%s", e.text);
    }
    end();
    ck_assert_uint_eq(report.replayed, 20000);
    ck_assert_msg(report.moved_questions == 0, "seed %d: %" PRIu64 " moved, first %s -> %s",
                  77 + _i, report.moved_questions, report.moves[0].from->name.p,
                  report.moves[0].to->name.p);
    ck_assert_uint_gt(report.before.sessions, 1000);
    for (size_t i = 0; i < report.place_count; i++) {
        const struct replay_counts *b = &report.places[i].before, *a = &report.places[i].after;

        ck_assert_uint_eq(b->questions, a->questions);
        ck_assert_uint_eq(b->sessions, a->sessions);
        ck_assert_uint_eq(b->hits, a->hits);
        ck_assert_uint_eq(b->costed, a->costed);
        ck_assert_double_eq(b->cost, a->cost);
        ck_assert_double_eq(b->origin_cost, a->origin_cost);
    }
    bytes_free(&out);
    maker_fini(&m);
}
END_TEST

/* The same of two configurations that are one, with all that a daemon remembers; and of one that is
 * not, what goes away from one comes to others. */
START_TEST(two_configurations_side_by_side)
{
    static const char same[] = "maps: {network: net.json, cost: cost.json, default_pid: rest}\n"
                               "listen: {http: [\"127.0.0.1:0\"]}\n"
                               "defaults: {probe: {type: none}}\n" MANY(" capacity: 40,");
    static const char without_w1[] =
        BARE "streamers:\n"
             "  - {name: w2, ipv4: 192.0.2.82, http_port: 80, seed_port: 1, pid: west,"
             " cache_contents: 9}\n" VOD
             ", any_info_hash: true}\n  - {name: live, hosts: [live.example.com, "
             "\"*.live.example.com\"]}\n";
    struct maker m;
    uint64_t state = 99, from_w1 = 0;
    struct err e = {0};

    begin(_i ? without_w1 : same, same);
    maker_init(&m, config_of(BARE MANY("")));
    for (unsigned i = 0; i < 20000; i++) {
        struct note n;

        state = hash_mix(state, 0x7265706c6179);
        maker_to(&m, state >> 50 & 0xff);
        maker_ask(&m, state, &n);
        ck_assert_msg(replay_line(replay, &n, &e) == ERR_OK, "%s", e.text);
    }
    end();
    maker_fini(&m);
    if (!_i) {
        ck_assert_uint_eq(report.moved_questions, 0);
        ck_assert_uint_gt(report.before.to_full, 0);
        ck_assert_uint_eq(report.before.to_full, report.after.to_full);
        ck_assert_uint_eq(report.before.hits, report.after.hits);
        return;
    }
    ck_assert_uint_gt(place(REPLAY_STREAMER, "w1")->before.sessions, 0);
    ck_assert_uint_eq(place(REPLAY_STREAMER, "w1")->after.questions, 0);
    for (size_t i = 0; i < report.move_count; i++) {
        if (str_eq(report.moves[i].from->name, STR("w1")))
            from_w1 += report.moves[i].sessions;
        ck_assert(!str_eq(report.moves[i].to->name, STR("w1")));
    }
    ck_assert_uint_eq(from_w1, place(REPLAY_STREAMER, "w1")->before.sessions);
}
END_TEST

START_TEST(maps_that_are_none)
{
    const struct config *c = config_of(BARE "streamers:\n" WEST "}\n" VOD "}\n");
    struct err e = {0};

    put("cost.json", "{}");
    ck_assert(replay_new(c, NULL, &replay, &e) != ERR_OK);
    ck_assert_ptr_null(replay);
    ck_assert_msg(strstr(e.text, "waymark.yaml: ") && strstr(e.text, "cost.json"), "%s", e.text);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("replay");
    TCase *t = tcase_create("replay");
    SRunner *r;
    int failed;

    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_log_by_hand);
    tcase_add_test(t, overload_and_denied);
    tcase_add_test(t, sessions_end);
    tcase_add_test(t, nobody_can);
    tcase_add_test(t, others_serve);
    tcase_add_test(t, announces_are_one_session);
    tcase_add_test(t, calendars_go_by_the_log);
    tcase_add_test(t, times_that_leap);
    tcase_add_test(t, names_without_end);
    tcase_add_test(t, long_names_of_services);
    tcase_add_loop_test(t, its_own_log_moves_nothing, 0, 3);
    tcase_add_loop_test(t, two_configurations_side_by_side, 0, 2);
    tcase_add_test(t, maps_that_are_none);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
