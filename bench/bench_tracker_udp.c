/* A UDP announce from datagram to datagram without the system's part: 100,000 torrents, a million
 * peers, Zipf, over the demo's maps. --serve PORT: the same tracker on 127.0.0.1, for load_tracker,
 * until it is ended. */
#include "bench/lib/stats.h"

#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/net.h"
#include "bench/lib/load.h"
#include "tracker/announce.h"

#define PEERS     1000000u
#define SWARMS    100000u
#define QUESTIONS 400000u

static struct turn turn;
static struct live *live;
static struct metrics metrics;

static void die(const char *what, const struct err *e)
{
    fprintf(stderr, "bench_tracker_udp: %s: %s\n", what, e->text);
    exit(1);
}

static struct view *view_make(void)
{
    struct arena *a = arena_new((size_t)1 << 28), *b = arena_new((size_t)1 << 28);
    const struct netmap *n;
    const struct costmap *c;
    struct view_inputs in = {.serial = 1};
    struct view *v;
    struct err e = {0};

    if (netmap_load("conf/demo/networkmap.json", a, &n, &e) != ERR_OK ||
        costmap_load("conf/demo/costmap.json", n, b, &c, &e) != ERR_OK)
        die("run it in the top folder of the sources", &e);
    in.netmap = view_source_new(a, n, NULL);
    in.costmap = view_source_new(b, NULL, c);
    if (view_build(&in, live, &v, &e) != ERR_OK)
        die("view", &e);
    view_source_drop(in.netmap);
    view_source_drop(in.costmap);
    return v;
}

struct peer {
    struct addr addr;
    uint32_t rank;
    uint16_t port;
};

/* PIDs by Zipf too: some countries have most of the peers. */
static void peers_make(const struct view *v, struct peer *p)
{
    struct load_random random = {7};
    struct load_zipf zipf, pids;

    load_zipf_init(&zipf, SWARMS);
    load_zipf_init(&pids, v->netmap->pid_count);
    for (uint32_t i = 0; i < PEERS; i++) {
        const struct netmap_pid *pid;
        struct prefix x;

        do {
            pid = &v->netmap->pids[load_zipf_next(&pids, &random)];
            x = pid->prefixes[load_random_below(&random, pid->prefix_count)];
        } while (!prefix_is_v4(x));
        p[i].addr = addr_from_v4(
            addr_v4(x.addr) | (uint32_t)(load_random_next(&random) & (UINT64_MAX >> (x.len - 64))));
        p[i].rank = load_zipf_next(&zipf, &random);
        p[i].port = (uint16_t)(1024 + i % 50000);
    }
    load_zipf_fini(&zipf);
    load_zipf_fini(&pids);
}

static void put_be(uint8_t *p, uint64_t x, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        p[i] = (uint8_t)(x >> 8 * (n - 1 - i));
}

static void datagram(struct tracker *t, const struct peer *p, unsigned i, uint8_t in[98])
{
    memset(in, 0, 98);
    put_be(in, connection_id_make(t, p->addr), 8);
    put_be(in + 8, 1, 4);
    put_be(in + 16, hash_mix(p->rank, 99), 8);
    put_be(in + 64, i % 4 != 0, 8);
    put_be(in + 92, 50, 4);
    put_be(in + 96, p->port, 2);
}

static void in_process(struct tracker *t, const struct peer *peers)
{
    uint8_t(*in)[98] = malloc((size_t)QUESTIONS * 98), out[UDP_OUT_MAX];
    uint32_t *who = malloc(QUESTIONS * sizeof *who);
    struct load_random random = {3};
    double ns[BENCH_RUNS];
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < PEERS && in; i++) {
        uint8_t one[98];

        datagram(t, &peers[i], i, one);
        announce_udp_answer(t, peers[i].addr, 6881, one, sizeof one, out, sizeof out);
    }
    for (unsigned run = 0; run < BENCH_RUNS && in && who; run++) {
        uint64_t start;

        for (uint32_t i = 0; i < QUESTIONS; i++) {
            who[i] = load_random_below(&random, PEERS);
            datagram(t, &peers[who[i]], who[i], in[i]);
        }
        start = clock_cpu_ns();
        for (uint32_t i = 0; i < QUESTIONS; i += UDP_BATCH) {
            struct addr addr[UDP_BATCH];
            uint64_t hash[UDP_BATCH];

            for (uint32_t k = 0; k < UDP_BATCH; k++) {
                addr[k] = peers[who[i + k]].addr;
                hash[k] = swarms_hash(t->swarms, in[i + k] + 16);
            }
            announce_prefetch(t, addr, hash, UDP_BATCH);
            for (uint32_t k = 0; k < UDP_BATCH; k++)
                bytes += announce_udp_answer(t, peers[who[i + k]].addr, 6881, in[i + k], 98, out,
                                             sizeof out);
        }
        ns[run] = (double)(clock_cpu_ns() - start) / QUESTIONS;
    }
    printf("tracker-udp-answer %.0f ns (median), %.0f bytes a datagram\n",
           bench_median(ns, BENCH_RUNS), (double)bytes / QUESTIONS / BENCH_RUNS);
    bench_detail("tracker-udp-answer", ns, BENCH_RUNS, "ns",
                 "1000000 peers, 100000 torrents, 50 wanted");
    free(in);
    free(who);
}

static void serve(struct tracker *t, struct event_base *base, uint16_t port)
{
    struct listen_addr at = {addr_from_v4(0x7f000001), port};
    struct err e = {0};
    int fd;

    if (net_bind_udp(at, 4 << 20, &fd, &e) != ERR_OK || tracker_listen_udp(t, fd, &e) != ERR_OK)
        die("listen", &e);
    printf("port %u\n", net_local_port(fd));
    fflush(stdout);
    event_base_dispatch(base);
}

int main(int argc, char **argv)
{
    uint64_t port = load_option_number(argc, argv, "serve", 0);
    struct event_base *base = event_base_new();
    struct tracker_conf conf;
    struct swarms *swarms;
    struct tracker *t;
    struct peer *peers = malloc(PEERS * sizeof *peers);

    tracker_conf_default(&conf);
    swarms = swarms_new(&conf);
    live = live_new();
    turn = (struct turn){.live = live, .metrics = &metrics, .random = 1};
    turn.view = view_make();
    turn_begin(&turn);
    t = tracker_new(base, &conf, swarms, &turn);
    if (port) {
        serve(t, base, (uint16_t)port);
    } else {
        peers_make(turn.view, peers);
        in_process(t, peers);
    }
    tracker_free(t);
    swarms_free(swarms);
    event_base_free(base);
    free(peers);
    return 0;
}
