#include "tracker/tracker.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/net.h"
#include "tests/tracker_fixture.h"

static struct world *w;
static uint8_t out[2048];

static void setup(void)
{
    w = world_new();
}

static void teardown(void)
{
    world_free(w);
}

static void put(uint8_t *p, uint64_t x, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        p[i] = (uint8_t)(x >> 8 * (n - 1 - i));
}

static uint64_t get(const uint8_t *p, unsigned n)
{
    uint64_t x = 0;

    for (unsigned i = 0; i < n; i++)
        x = x << 8 | p[i];
    return x;
}

static size_t ask(struct addr from, const uint8_t *in, size_t n)
{
    /* In memory of its exact size, so that ASan sees a read past the end. */
    uint8_t *exact = malloc(n ? n : 1);
    size_t len;

    memcpy(exact, in, n);
    memset(out, 0xee, sizeof out);
    len = announce_udp_answer(w->tracker, from, 5000, exact, n, out, sizeof out);
    free(exact);
    return len;
}

static uint64_t connect_id(struct addr from)
{
    uint8_t in[16] = {0};

    put(in, UINT64_C(0x41727101980), 8);
    put(in + 12, 0xdeadbeef, 4);
    ck_assert_uint_eq(ask(from, in, 16), 16);
    ck_assert_uint_eq(get(out, 4), 0);
    ck_assert_uint_eq(get(out + 4, 4), 0xdeadbeef);
    return get(out + 8, 8);
}

struct spec {
    struct addr from;
    unsigned torrent;
    uint16_t port;
    uint64_t left;
    uint32_t event, ip;
    int32_t want;
};

static void announce_put(uint8_t in[98], uint64_t id, const struct spec *s)
{
    memset(in, 0, 98);
    put(in, id, 8);
    put(in + 8, 1, 4);
    put(in + 12, 0x01020304, 4);
    world_hash(s->torrent, in + 16);
    put(in + 64, s->left, 8);
    put(in + 80, s->event, 4);
    put(in + 84, s->ip, 4);
    put(in + 92, (uint32_t)s->want, 4);
    put(in + 96, s->port, 2);
}

static size_t announce(const struct spec *s)
{
    uint8_t in[98];

    announce_put(in, connect_id(s->from), s);
    return ask(s->from, in, sizeof in);
}

static unsigned peers_in(size_t len, unsigned stride)
{
    ck_assert_uint_ge(len, 20);
    ck_assert_uint_eq(get(out, 4), 1);
    ck_assert_uint_eq(get(out + 4, 4), 0x01020304);
    ck_assert_uint_eq((len - 20) % stride, 0);
    return (unsigned)((len - 20) / stride);
}

static void join(struct addr from, unsigned torrent, bool seed)
{
    struct spec s = {.from = from, .torrent = torrent, .port = 6881, .left = !seed, .event = 2};

    ck_assert_uint_ge(announce(&s), 20);
}

static void scrape(unsigned torrent, uint32_t want[3])
{
    uint8_t in[36] = {0};
    struct addr from = world_addr(7, 200);

    put(in, connect_id(from), 8);
    put(in + 8, 2, 4);
    put(in + 12, 77, 4);
    world_hash(torrent, in + 16);
    ck_assert_uint_eq(ask(from, in, sizeof in), 20);
    ck_assert_uint_eq(get(out, 4), 2);
    ck_assert_uint_eq(get(out + 4, 4), 77);
    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_eq(get(out + 8 + 4 * i, 4), want[i]);
}

START_TEST(connection_ids)
{
    struct spec s = {.from = world_addr(1, 1), .torrent = 3, .port = 1, .left = 1, .want = -1};
    uint64_t id = connect_id(s.from), now_ms = w->turn.now_ms;
    static const struct {
        int64_t after_ms;
        bool good;
    } rows[] = {{0, true},       {60000, true},   {119999, true},
                {185000, false}, {245000, false}, {4 * 60000 * 60, false}};
    uint8_t in[98];

    announce_put(in, id, &s);
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        w->turn.now_ms = now_ms + (uint64_t)rows[i].after_ms;
        ck_assert_msg((ask(s.from, in, 98) > 0) == rows[i].good, "after %ld ms",
                      (long)rows[i].after_ms);
    }
    w->turn.now_ms = now_ms;
    ck_assert_uint_eq(ask(world_addr(1, 2), in, 98), 0); /* somebody else's */
    for (unsigned bit = 0; bit < 64; bit++) {
        announce_put(in, id ^ UINT64_C(1) << bit, &s);
        ck_assert_uint_eq(ask(s.from, in, 98), 0);
    }
    ck_assert_uint_ge(world_metric(w, METRIC_TRACKER_DROPPED_ID), 65);
}
END_TEST

/* Wherever in a minute an id is given, it is good for two minutes, and three later it is not. */
START_TEST(connection_ids_live_two_minutes)
{
    struct addr from = world_addr(1, 1);

    for (uint64_t at = 0; at < 120000; at += 997) {
        uint64_t id;

        w->turn.now_ms = at;
        id = connection_id_make(w->tracker, from);
        for (uint64_t age = 0; age <= 120000; age += 3001) {
            w->turn.now_ms = at + age;
            ck_assert(connection_id_check(w->tracker, from, id));
        }
        w->turn.now_ms = at + 180000;
        ck_assert(!connection_id_check(w->tracker, from, id));
    }
}
END_TEST

static const struct {
    const char *what;
    size_t len;          /* of the announce */
    unsigned at, size;   /* a field ... */
    uint64_t value;      /* ... with this */
    const char *message; /* NULL: no answer */
} wrong[] = {
    {"shorter than a header", 15, 0, 0, 0, NULL},
    {"nothing at all", 0, 0, 0, 0, NULL},
    {"shorter than an announce", 97, 0, 0, 0, "the announce is short: 98 bytes would be right"},
    {"unknown action", 98, 8, 4, 3, "the action is unknown: 0, 1 or 2 would be right"},
    {"unknown event", 98, 80, 4, 5, "the event is unknown: 0 to 4 would be right"},
    {"port 0", 98, 96, 2, 0, "the port is 0: 1 to 65535 would be right"},
    {"scrape of nothing", 35, 8, 4, 2, "the scrape names no info-hash: 1 to 74 would be right"},
    {"connect without the magic number", 98, 8, 4, 0,
     "the action is unknown: 0, 1 or 2 would be right"},
};

START_TEST(wrong_datagrams)
{
    struct spec s = {.from = world_addr(1, 1), .torrent = 3, .port = 1, .left = 1, .want = -1};
    struct swarms_stats stats;
    uint8_t in[98];
    size_t len;

    announce_put(in, connect_id(s.from), &s);
    put(in + wrong[_i].at, wrong[_i].value, wrong[_i].size);
    len = ask(s.from, in, wrong[_i].len);
    if (!wrong[_i].message) {
        ck_assert_uint_eq(len, 0);
    } else {
        ck_assert_uint_eq(get(out, 4), 3);
        ck_assert_uint_eq(get(out + 4, 4), 0x01020304);
        ck_assert_uint_eq(len, 8 + strlen(wrong[_i].message));
        ck_assert_mem_eq(out + 8, wrong[_i].message, len - 8);
    }
    swarms_stats_get(w->swarms, &stats);
    ck_assert_uint_eq(stats.peers, 0);
}
END_TEST

START_TEST(first_announce_counts_itself)
{
    struct spec s = {
        .from = world_addr(1, 1), .torrent = 3, .port = 7, .left = 5, .event = 2, .want = -1};

    ck_assert_uint_eq(peers_in(announce(&s), 6), 0);
    ck_assert_uint_ge(get(out + 8, 4), 1800 * 9 / 10);
    ck_assert_uint_le(get(out + 8, 4), 1800 * 11 / 10);
    ck_assert_uint_eq(get(out + 12, 4), 1);
    ck_assert_uint_eq(get(out + 16, 4), 0);
    ck_assert_uint_eq(world_metric(w, METRIC_TRACKER_ANNOUNCES_UDP_STARTED), 1);
}
END_TEST

/* Peers of eight PIDs, ten each: an asker in p3 sees those of p3 first, and then by cost. */
START_TEST(near_first)
{
    struct spec s = {.from = world_addr(3, 99), .torrent = 3, .port = 6881, .left = 1, .want = 50};
    unsigned last = 0, random = 0, n;

    for (unsigned i = 0; i < 80; i++)
        join(world_addr(i % 8, i / 8), 3, i % 3 == 0);
    n = peers_in(announce(&s), 6);
    ck_assert_uint_eq(n, 50);
    for (unsigned i = 0; i < n; i++) {
        const uint8_t *p = out + 20 + 6 * i;
        unsigned pid = (unsigned)(get(p, 4) >> 12 & 0xfff), d = (unsigned)abs((int)pid - 3);

        ck_assert_uint_eq(get(p + 4, 2), 6881);
        ck_assert_uint_ne(get(p, 4), addr_v4(s.from));
        if (i < 10)
            ck_assert_uint_eq(pid, 3);
        if (i < 40) {
            ck_assert_uint_ge(d, last);
            last = d;
        } else {
            random += d > 2;
        }
        for (unsigned k = 0; k < i; k++)
            ck_assert_mem_ne(out + 20 + 6 * k, p, 6);
    }
    ck_assert_uint_ge(random, 1); /* of ten drawn from forty, thirty of whom are far away */
}
END_TEST

START_TEST(events)
{
    struct spec s = {.from = world_addr(1, 1), .torrent = 3, .port = 7, .left = 5, .want = -1};

    join(world_addr(2, 1), 3, true);
    s.event = 2;
    ck_assert_uint_eq(peers_in(announce(&s), 6), 1);
    scrape(3, (uint32_t[]){1, 0, 1});
    s.event = 1;
    s.left = 0;
    ck_assert_uint_eq(peers_in(announce(&s), 6), 0); /* a seed gets no seeds */
    scrape(3, (uint32_t[]){2, 1, 0});
    announce(&s); /* says it again: does not count again */
    scrape(3, (uint32_t[]){2, 1, 0});
    join(world_addr(2, 2), 3, false);
    s.event = 0;
    ck_assert_uint_eq(peers_in(announce(&s), 6), 1);
    s.want = 0;
    ck_assert_uint_eq(peers_in(announce(&s), 6), 0);
    s.event = 3;
    s.want = -1;
    ck_assert_uint_eq(peers_in(announce(&s), 6), 0);
    scrape(3, (uint32_t[]){1, 1, 1});
    s.torrent = 9; /* stopping what never was makes nothing */
    announce(&s);
    scrape(9, (uint32_t[]){0, 0, 0});
    s.torrent = 3;
    s.event = 4; /* BEP 21: paused */
    ck_assert_uint_eq(peers_in(announce(&s), 6), 1);
}
END_TEST

/* The family of the socket alone, each with its own stride. */
START_TEST(families)
{
    struct spec s = {.from = world_addr6(1, 1), .torrent = 3, .port = 7, .left = 5, .want = 500};
    uint8_t wire[16];

    for (unsigned i = 0; i < 90; i++)
        join(world_addr6(2, i), 3, false);
    for (unsigned i = 0; i < 250; i++)
        join(world_addr(2, i), 3, false);
    ck_assert_uint_eq(peers_in(announce(&s), 18), 67);
    addr_to_bytes(fixture_client6(2), wire);
    for (unsigned i = 0; i < 67; i++)
        ck_assert_mem_eq(out + 20 + 18 * i, wire, 8);
    ck_assert_uint_eq(get(out + 12, 4), 341); /* both families are counted */
    s.from = world_addr(1, 1);
    ck_assert_uint_eq(peers_in(announce(&s), 6), 200); /* peers_max */
}
END_TEST

/* The service's torrent: the streamer that HTTP would name stands first, and a session is counted
 * once, however often the peer announces. */
START_TEST(service_torrent_gets_the_first_choice)
{
    struct spec s = {.from = world_addr(4, 1), .torrent = 0, .port = 7, .left = 5, .want = 30};
    sidx near = view_find_streamer(w->view, STR("s1"));
    uint32_t before;

    for (unsigned i = 0; i < 60; i++)
        join(world_addr(i % 8, i / 8), 0, false);
    before = w->live->streamer[w->view->streamers[near].live].dispatched;
    for (unsigned i = 0; i < 3; i++) {
        struct question q = {.client = s.from,
                             .content = view_content_key(w->view, 0, STR("/"), w->keys),
                             .need = STREAMER_SEED | STREAMER_V4,
                             .want = 1};
        struct decision d;

        decide(w->view, w->live, &q, &d);
        ck_assert_uint_eq(d.choice[0].streamer, near);
        ck_assert_uint_eq(peers_in(announce(&s), 6), 30);
        ck_assert_uint_eq(get(out + 20, 4), addr_v4(w->view->streamers[near].conf->v4));
        ck_assert_uint_eq(get(out + 24, 2), 6999);
        ck_assert_uint_eq(get(out + 26, 4) >> 12 & 0xfff, 4);
    }
    ck_assert_uint_eq(w->live->streamer[w->view->streamers[near].live].dispatched, before + 1);
    /* The streamer announces itself: a seed; it is named once. */
    join(w->view->streamers[near].conf->v4, 0, true);
    s.want = 200;
    ck_assert_uint_eq(peers_in(announce(&s), 6), 62);
    /* At 6999 too. */
    s.left = 0;
    ck_assert_uint_eq(peers_in(announce(&s), 6), 60); /* a seed needs no streamer */
}
END_TEST

/* Nobody is asked where no streamer seeds; the peers are the same. */
START_TEST(no_streamer_where_none_seeds)
{
    struct spec s = {.from = world_addr(4, 1), .torrent = 0, .port = 7, .left = 5, .want = 30};

    join(world_addr(4, 2), 0, false);
    ck_assert_uint_eq(peers_in(announce(&s), 6), 2); /* the other one and a streamer */
    ck_assert_uint_eq(world_metric(w, METRIC_ROUTE_STREAMERS), 1);
    view_drop(w->view);
    w->view = world_view(&w->maps, w->live, false);
    w->turn.view = w->view;
    ck_assert_uint_eq(peers_in(announce(&s), 6), 1);
    ck_assert_uint_eq(get(out + 20, 4), addr_v4(world_addr(4, 2)));
    ck_assert_uint_eq(world_metric(w, METRIC_ROUTE_STREAMERS), 1);
    ck_assert_uint_eq(world_metric(w, METRIC_ROUTE_NOBODY), 0);
}
END_TEST

START_TEST(streamer_in_the_swarm_comes_once)
{
    struct spec s = {.from = world_addr(4, 1), .torrent = 0, .port = 7, .left = 5, .want = 30};
    sidx near = view_find_streamer(w->view, STR("s1"));
    struct spec self = {.from = w->view->streamers[near].conf->v4, .torrent = 0, .port = 6999};

    announce(&self);
    ck_assert_uint_eq(peers_in(announce(&s), 6), 1);
    ck_assert_uint_eq(get(out + 20, 4), addr_v4(self.from));
}
END_TEST

START_TEST(closed_tracker_serves_what_services_name)
{
    struct spec s = {.from = world_addr(4, 1), .torrent = 0, .port = 7, .left = 5, .want = 30};
    static const char refused[] = "no service of this tracker names that info-hash";
    size_t len;

    w->conf.open = false;
    ck_assert_uint_eq(peers_in(announce(&s), 6), 1);
    s.torrent = 1;
    len = announce(&s);
    ck_assert_uint_eq(get(out, 4), 3);
    ck_assert_uint_eq(len, 8 + sizeof refused - 1);
    ck_assert_mem_eq(out + 8, refused, len - 8);
    ck_assert_uint_eq(world_metric(w, METRIC_TRACKER_REFUSED), 1);
}
END_TEST

START_TEST(ip_field_only_when_trusted)
{
    struct spec s = {.from = world_addr(4, 1), .torrent = 3, .port = 7, .left = 5};
    struct spec other = {.from = world_addr(5, 1), .torrent = 3, .port = 7, .left = 5, .want = -1};

    s.ip = addr_v4(world_addr(6, 6));
    announce(&s);
    ck_assert_uint_eq(peers_in(announce(&other), 6), 1);
    ck_assert_uint_eq(get(out + 20, 4), addr_v4(s.from));
    w->conf.trust_ip_param = true;
    s.torrent = other.torrent = 4;
    announce(&s);
    ck_assert_uint_eq(peers_in(announce(&other), 6), 1);
    ck_assert_uint_eq(get(out + 20, 4), s.ip);
}
END_TEST

/* BEP 15: datagrams may grow; BEP 41 puts options there, well or badly formed. */
START_TEST(trailing_bytes_are_ignored)
{
    static const uint8_t tails[][6] = {{2, 4, '/', 'a', '?', 'b'},
                                       {2, 0, 1, 1, 0, 9},
                                       {2, 255, 1, 2, 3, 4},
                                       {250, 250, 1, 1, 2, 1}};
    struct spec s = {.from = world_addr(4, 1), .torrent = 3, .port = 7, .left = 5};
    uint8_t in[104];

    for (unsigned i = 0; i < 4; i++) {
        announce_put(in, connect_id(s.from), &s);
        memcpy(in + 98, tails[i], 6);
        ck_assert_uint_eq(ask(s.from, in, 104), 20);
        ck_assert_uint_eq(ask(s.from, in, 99), 20);
    }
}
END_TEST

START_TEST(scrape_of_many)
{
    struct addr from = world_addr(7, 200);
    uint8_t in[16 + 75 * 20 + 3] = {0};

    for (unsigned i = 0; i < 5; i++)
        join(world_addr(i % 8, i), 40 + i % 2, i == 0);
    put(in, connect_id(from), 8);
    put(in + 8, 2, 4);
    for (unsigned i = 0; i < 75; i++)
        world_hash(i, in + 16 + 20 * (size_t)i);
    ck_assert_uint_eq(ask(from, in, 16 + 74 * 20 + 3), 8 + 74 * 12);
    ck_assert_uint_eq(get(out + 8 + 12 * 40, 4), 1);
    ck_assert_uint_eq(get(out + 8 + 12 * 40 + 8, 4), 2);
    ck_assert_uint_eq(get(out + 8 + 12 * 41, 4), 0);
    ck_assert_uint_eq(get(out + 8 + 12 * 41 + 8, 4), 2);
    ck_assert_uint_eq(get(out + 8 + 12 * 42 + 8, 4), 0);
    ck_assert_uint_gt(ask(from, in, 16 + 75 * 20), 8);
    ck_assert_uint_eq(get(out, 4), 3);
}
END_TEST

/* Another network map under the same swarms: the answer's order is the new map's. */
START_TEST(new_map_new_order)
{
    struct spec s = {.from = world_addr(3, 99), .torrent = 3, .port = 6881, .left = 1, .want = 10};
    struct fixture_maps few;
    struct view *other;
    double costs[16];

    for (unsigned i = 0; i < 80; i++)
        join(world_addr(i % 8, i / 8), 3, false);
    announce(&s);
    ck_assert_uint_eq(get(out + 20, 4) >> 12 & 0xfff, 3);
    for (int i = 0; i < 16; i++) /* p0 is what is nearest to p3, after p3 */
        costs[i] = i == 12 ? 1 : i == 15 ? 2 : 50 + i;
    few = fixture_maps(4, costs, COST_NUMERICAL);
    w->conf.random_pm = 0;
    {
        struct view_inputs in = {.serial = 2, .netmap = few.netmap, .costmap = few.costmap};
        struct err e = {0};

        ck_assert_msg(view_build(&in, w->live, &other, &e) == ERR_OK, "%s", e.text);
    }
    w->turn.view = other;
    s.want = 20;
    ck_assert_uint_eq(peers_in(announce(&s), 6), 20);
    for (unsigned i = 0; i < 20; i++)
        ck_assert_uint_eq(get(out + 20 + 6 * i, 4) >> 12 & 0xfff, i < 10 ? 3 : 0);
    ck_assert_uint_eq(get(out + 12, 4), 81);
    w->turn.view = w->view;
    view_drop(other);
    fixture_maps_drop(&few);
}
END_TEST

/* Through a socket: a hundred connects and announces on loopback, answered in batches. */
START_TEST(through_a_socket)
{
    struct event_base *base = event_base_new();
    struct listen_addr at = {addr_from_v4(0x7f000001), 0};
    struct sockaddr_storage to;
    struct err e = {0};
    struct tracker *t = tracker_new(base, &w->conf, w->swarms, &w->turn);
    struct spec s = {.from = at.addr, .torrent = 3, .port = 1, .left = 1, .want = -1};
    unsigned got = 0, peers = 0;
    uint64_t id = 0;
    socklen_t to_len;
    uint8_t in[98] = {0};
    int fd, client = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

    ck_assert_msg(net_bind_udp(at, 1 << 20, &fd, &e) == ERR_OK, "%s", e.text);
    at.port = net_local_port(fd);
    ck_assert_int_eq(tracker_listen_udp(t, fd, &e), ERR_OK);
    to_len = addr_to_sockaddr(at.addr, at.port, &to);
    put(in, UINT64_C(0x41727101980), 8);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 100; i++) {
            s.port = (uint16_t)(i + 1);
            if (round)
                announce_put(in, id, &s);
            ck_assert_int_gt(sendto(client, in, round ? 98 : 16, 0, (struct sockaddr *)&to, to_len),
                             0);
        }
        for (unsigned tries = 0; got < 100 * (round + 1) && tries < 1000; tries++) {
            ssize_t n;

            event_base_loop(base, EVLOOP_NONBLOCK);
            while ((n = recv(client, out, sizeof out, 0)) > 0) {
                if (!round)
                    id = get(out + 8, 8);
                else
                    peers += peers_in((size_t)n, 6);
                got++;
            }
        }
    }
    ck_assert_uint_eq(got, 200);
    ck_assert_uint_ge(peers, 50 * 50);
    close(client);
    tracker_free(t);
    event_base_free(base);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("announce_udp");
    TCase *tc = tcase_create("udp");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, connection_ids);
    tcase_add_test(tc, connection_ids_live_two_minutes);
    tcase_add_loop_test(tc, wrong_datagrams, 0, sizeof wrong / sizeof *wrong);
    tcase_add_test(tc, first_announce_counts_itself);
    tcase_add_test(tc, near_first);
    tcase_add_test(tc, events);
    tcase_add_test(tc, families);
    tcase_add_test(tc, service_torrent_gets_the_first_choice);
    tcase_add_test(tc, no_streamer_where_none_seeds);
    tcase_add_test(tc, streamer_in_the_swarm_comes_once);
    tcase_add_test(tc, closed_tracker_serves_what_services_name);
    tcase_add_test(tc, ip_field_only_when_trusted);
    tcase_add_test(tc, trailing_bytes_are_ignored);
    tcase_add_test(tc, scrape_of_many);
    tcase_add_test(tc, new_map_new_order);
    tcase_add_test(tc, through_a_socket);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
