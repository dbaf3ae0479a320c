/* What a DNS answer costs beyond the system calls: query bytes to answer bytes (A with a random
 * client subnet) over the demo's maps. usage: bench_dns_answer [--maps FOLDER]
 * With --serve ADDRESS:PORT it serves the same world over UDP instead, for a profile of the whole.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "base/net.h"
#include "bench/lib/load.h"
#include "bench/lib/stats.h"
#include "dns/dns_answer.h"

#define QUERIES  (1u << 16)
#define ROUNDS   8u
#define BATCH    32u
#define GOAL_NS  1000.0
#define NAME     "\3vod\5bench\7example"
#define NAME_LEN (sizeof NAME)

struct query {
    uint8_t bytes[72];
    uint8_t len;
};

static void die(const char *what, const struct err *e)
{
    fprintf(stderr, "bench_dns_answer: %s: %s\n", what, e->text);
    exit(1);
}

static void load_maps(const char *folder, struct view_source **net, struct view_source **cost)
{
    struct arena *na = arena_new((size_t)1 << 30), *ca = arena_new((size_t)1 << 30);
    const struct netmap *n;
    const struct costmap *c;
    char path[4096];
    struct err e = {0};

    snprintf(path, sizeof path, "%s/networkmap.json", folder);
    if (netmap_load(path, na, &n, &e) != ERR_OK)
        die("network map", &e);
    snprintf(path, sizeof path, "%s/costmap.json", folder);
    if (costmap_load(path, n, ca, &c, &e) != ERR_OK)
        die("cost map", &e);
    *net = view_source_new(na, n, NULL);
    *cost = view_source_new(ca, NULL, c);
}

static struct view *make_view(const char *folder, struct dns_conf *conf, struct live *live)
{
    static const char *const pids[] = {"de-frankfurt", "es-madrid", "gb-london", "hu-budapest"};
    static const struct str hosts[] = {{"vod.bench.example", 17}};
    static const struct dns_ns_conf ns = {.name = {"ns1.bench.example", 17}, .has_v4 = true};
    static const struct dns_zone_conf zone = {.name = {"bench.example", 13},
                                              .ns = &ns,
                                              .ns_count = 1,
                                              .negative_ttl_s = 60,
                                              .ttl_s = 3600};
    struct service_conf service = {.name = STR("vod"),
                                   .hosts = hosts,
                                   .host_count = 1,
                                   .policy = {.cost_weight = 1,
                                              .origin_weight = 1,
                                              .load_weight = 1,
                                              .band = 0.1,
                                              .eps = 0.25,
                                              .balance_from = 0.5,
                                              .session_s = 600},
                                   .dns = {.ttl_s = 30, .answers = 2}};
    struct streamer_conf streamers[4];
    struct view_inputs in = {.serial = 1,
                             .streamers = streamers,
                             .streamer_count = 4,
                             .services = &service,
                             .service_count = 1};
    struct view *v;
    struct err e = {0};

    for (unsigned i = 0; i < 4; i++)
        streamers[i] = (struct streamer_conf){.name = str_from(pids[i]),
                                              .v4 = addr_from_v4(0xc0000201 + i),
                                              .can = STREAMER_V4 | STREAMER_HTTP,
                                              .http_port = 80,
                                              .pid = str_from(pids[i]),
                                              .capacity = 1e9,
                                              .weight = 1};
    load_maps(folder, &in.netmap, &in.costmap);
    dns_conf_default(conf);
    conf->zones = &zone;
    conf->zone_count = 1;
    if (view_build(&in, live, &v, &e) != ERR_OK || dns_zone_build(v, conf, &e) != ERR_OK)
        die("view", &e);
    return v;
}

/* A /24 of a random one of the map's IPv4 prefixes. */
static uint32_t random_subnet(const struct netmap *m, struct load_random *r)
{
    for (;;) {
        const struct netmap_pid *p = &m->pids[load_random_below(r, m->pid_count)];
        const struct prefix *x;

        if (p->prefix_count == 0)
            continue;
        x = &p->prefixes[load_random_below(r, p->prefix_count)];
        if (prefix_is_v4(*x)) {
            uint32_t host = (uint32_t)((UINT64_C(1) << (128 - x->len)) - 1);

            return (addr_v4(x->addr) | ((uint32_t)load_random_next(r) & host)) & ~UINT32_C(255);
        }
    }
}

static void make_query(struct query *q, uint32_t subnet)
{
    static const uint8_t head[] = "\x12\x34\1\0\0\1\0\0\0\0\0\1" NAME "\0\0\1\0\1"
                                  "\0\0\x29\x04\xd0\0\0\0\0\0\x0b\0\x08\0\7\0\1\x18";
    const uint32_t wire = htonl(subnet);

    memcpy(q->bytes, head, sizeof head); /* with its NUL: the scope */
    memcpy(q->bytes + sizeof head, &wire, 3);
    q->len = sizeof head + 3;
}

struct bench {
    struct turn *turn;
    const struct dns_conf *conf;
    const struct query *queries;
    size_t bytes;
};

static void one_by_one(struct bench *b, const struct query *q)
{
    static uint8_t out[DNS_UDP_BYTES_MAX];

    for (unsigned i = 0; i < BATCH; i++)
        b->bytes += dns_answer(b->turn, b->conf, addr_from_v4(0x7f000001), false, q[i].bytes,
                               q[i].len, out, sizeof out);
}

/* As the UDP loop does it. */
static void in_passes(struct bench *b, const struct query *q)
{
    static struct dns_asked asked[BATCH];
    static uint8_t out[DNS_UDP_BYTES_MAX];

    for (unsigned i = 0; i < BATCH; i++) {
        dns_answer_read(b->conf, addr_from_v4(0x7f000001), q[i].bytes, q[i].len, &asked[i]);
        view_prefetch(b->turn->view, asked[i].client, 0);
    }
    for (unsigned i = 0; i < BATCH; i++) {
        view_prefetch(b->turn->view, asked[i].client, 1);
        dns_answer_find(b->turn, &asked[i]);
    }
    for (unsigned i = 0; i < BATCH; i++)
        b->bytes +=
            dns_answer_write(b->turn, b->conf, &asked[i], false, q[i].bytes, out, sizeof out);
}

/* Median nanoseconds an answer; ns holds the runs. */
static double measure(struct bench *b, void (*batch)(struct bench *b, const struct query *q),
                      double ns[BENCH_RUNS])
{
    for (unsigned run = 0; run < BENCH_RUNS; run++) {
        uint64_t start = clock_cpu_ns();

        for (unsigned k = 0; k < ROUNDS; k++)
            for (unsigned i = 0; i < QUERIES; i += BATCH)
                batch(b, b->queries + i);
        ns[run] = (double)(clock_cpu_ns() - start) / (ROUNDS * QUERIES);
    }
    return bench_median(ns, BENCH_RUNS);
}

static void compare(struct turn *t, const struct dns_conf *conf, const struct query *queries)
{
    struct bench b = {.turn = t, .conf = conf, .queries = queries};
    double ns[BENCH_RUNS], alone = measure(&b, one_by_one, ns);
    char size[128];

    b.bytes = 0;
    bench_ratio("dns-answer", measure(&b, in_passes, ns), GOAL_NS, "ns");
    snprintf(size, sizeof size, "%u subnets, answers of %zu bytes, in passes of %u; %.0f ns singly",
             QUERIES, b.bytes / (BENCH_RUNS * ROUNDS * QUERIES), BATCH, alone);
    bench_detail("dns-answer", ns, BENCH_RUNS, "ns", size);
}

static int serve(struct turn *t, const struct dns_conf *conf, const char *where)
{
    struct event_base *base = event_base_new();
    struct dns_server *s = base ? dns_server_new(base, conf, t) : NULL;
    struct listen_addr at;
    struct err e = {0};
    int fd;

    if (!s || addr_port_parse(where, strlen(where), 0, &at.addr, &at.port, &e) != ERR_OK ||
        net_bind_udp(at, 1 << 20, &fd, &e) != ERR_OK || dns_server_listen_udp(s, fd, &e) != ERR_OK)
        die("serve", &e);
    return event_base_dispatch(base);
}

int main(int argc, char **argv)
{
    static struct query queries[QUERIES];
    static struct metrics metrics;
    struct load_random r = {7};
    struct dns_conf conf;
    struct live *live = live_new();
    struct view *v;
    struct turn t = {.live = live, .metrics = &metrics, .random = 1};
    const char *where = load_option(argc, argv, "serve", NULL);
    int rc = 0;

    if (!live)
        return 1;
    v = make_view(load_option(argc, argv, "maps", "conf/demo"), &conf, live);
    t.view = v;
    turn_begin(&t);
    if (where) {
        rc = serve(&t, &conf, where);
    } else {
        for (unsigned i = 0; i < QUERIES; i++)
            make_query(&queries[i], random_subnet(v->netmap, &r));
        compare(&t, &conf, queries);
    }
    view_drop(v);
    live_free(live);
    return rc;
}
