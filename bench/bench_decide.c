/* Client address to ranked answer: locate and decide, over a large map, Zipf clients, streamers
 * under load. Also what a full scan would cost, and how it goes with 500 streamers. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alto/costmap_build.h"
#include "alto/netmap_build.h"
#include "base/clock.h"
#include "base/hash.h"
#include "router/cache_memory.h"
#include "router/coverage.h"
#include "router/decide.h"
#include "router/hot.h"

#define PREFIXES  1000000u
#define PIDS      1700u
#define QUESTIONS 200000u
#define RUNS      9
#define CONTENTS  4096u
#define SEED      UINT64_C(20240607)

static uint64_t state = SEED;

static uint64_t next(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * UINT64_C(0x2545f4914f6cdd1d);
}

static double unit(void)
{
    return (double)(next() >> 11) * 0x1p-53;
}

static void die(const char *what, const struct err *e)
{
    fprintf(stderr, "bench_decide: %s: %s\n", what, e->text);
    exit(1);
}

/* Lengths as in a full table: most are /24. */
static unsigned random_length(void)
{
    static const struct {
        unsigned below, len;
    } shares[] = {{60, 24}, {70, 23}, {81, 22}, {86, 21}, {90, 20},
                  {93, 19}, {95, 18}, {96, 17}, {99, 16}, {100, 14}};
    unsigned roll = (unsigned)(next() % 100), i = 0;

    while (roll >= shares[i].below)
        i++;
    return shares[i].len;
}

static int by_prefix(const void *a, const void *b)
{
    return prefix_cmp(&((const struct lpm_entry *)a)->prefix,
                      &((const struct lpm_entry *)b)->prefix);
}

/* Neighbours in the address space are mostly in one PID. */
static size_t make_prefixes(struct lpm_entry *e)
{
    size_t n = 0;

    for (size_t i = 0; i < PREFIXES + PREFIXES / 8; i++) {
        uint32_t a = (uint32_t)(next() % (UINT32_C(223) << 24)) + (UINT32_C(1) << 24);
        unsigned len = random_length();
        uint32_t home = (uint32_t)(hash_mix(a >> 17, 1) % PIDS);

        a &= UINT32_MAX << (32 - len);
        e[i].prefix = (struct prefix){addr_from_v4(a), (uint8_t)(96 + len)};
        e[i].value = next() % 4 ? home : (uint32_t)(next() % PIDS);
    }
    qsort(e, PREFIXES + PREFIXES / 8, sizeof *e, by_prefix);
    for (size_t i = 0; i < PREFIXES + PREFIXES / 8 && n < PREFIXES; i++)
        if (n == 0 || by_prefix(&e[n - 1], &e[i]) != 0)
            e[n++] = e[i];
    return n;
}

static struct view_source *make_netmap(const struct lpm_entry *e, size_t n)
{
    struct arena *arena = arena_new((size_t)1 << 30);
    struct netmap_build *b = netmap_build_new(arena);
    struct vtag vtag = {.resource_id = "net"};
    struct netmap_place place;
    const struct netmap *map;
    struct err err = {0};

    for (uint32_t i = 0; i < PIDS; i++) {
        char name[16];
        int len = snprintf(name, sizeof name, "p%04u", i);
        uint32_t id;

        if (netmap_build_add_pid(b, (struct str){name, (size_t)len}, (struct netmap_place){0}, &id,
                                 &err) != ERR_OK)
            die("PID", &err);
    }
    for (size_t i = 0; i < n; i++)
        if (netmap_build_add_prefix(b, e[i].value, e[i].prefix, &err) != ERR_OK)
            die("prefix", &err);
    if (netmap_build_freeze(b, &vtag, &map, &place, &err) != ERR_OK)
        die("network map", &err);
    netmap_build_free(b);
    return view_source_new(arena, map, NULL);
}

/* PIDs are points in a square; cost is the distance between them. */
static struct view_source *make_costmap(const struct netmap *map)
{
    struct arena *arena = arena_new((size_t)1 << 30);
    struct costmap_build *b = costmap_build_new(map, arena);
    struct costmap_info info = {.metric = "routingcost", .depends = map->vtag};
    const struct costmap *made;
    static double x[PIDS], y[PIDS];
    struct err err = {0};

    for (unsigned i = 0; i < PIDS; i++) {
        x[i] = unit();
        y[i] = unit();
    }
    for (unsigned i = 0; i < PIDS; i++) {
        if (costmap_build_begin_row(b, (pidx)i, &err) != ERR_OK)
            die("row", &err);
        for (unsigned j = 0; j < PIDS; j++)
            if (costmap_build_add(b, (pidx)j, 1 + floor(1000 * hypot(x[i] - x[j], y[i] - y[j])),
                                  &err) != ERR_OK)
                die("pair", &err);
        if (costmap_build_end_row(b, &err) != ERR_OK)
            die("row", &err);
    }
    if (costmap_build_freeze(b, &info, &made, &err) != ERR_OK)
        die("cost map", &err);
    costmap_build_free(b);
    return view_source_new(arena, NULL, made);
}

static struct view *make_view(struct view_source *netmap, struct view_source *costmap, unsigned n,
                              double mean_load, struct live *live)
{
    static char names[STREAMERS_MAX][16], pids[STREAMERS_MAX][16];
    static struct streamer_conf s[STREAMERS_MAX];
    struct service_conf service = {.name = STR("svc"),
                                   .policy = {.cost_weight = 1,
                                              .origin_weight = 1,
                                              .load_weight = 1,
                                              .band = 0.1,
                                              .eps = 0.25,
                                              .balance_from = 0.5,
                                              .session_s = 600}};
    struct view_inputs in = {.netmap = netmap,
                             .costmap = costmap,
                             .streamers = s,
                             .streamer_count = n,
                             .services = &service,
                             .service_count = 1};
    struct err e = {0};
    struct view *v;
    uint64_t before;

    state = SEED + n;
    for (unsigned i = 0; i < n; i++) {
        snprintf(names[i], sizeof names[i], "edge-%u", i);
        snprintf(pids[i], sizeof pids[i], "p%04u", (unsigned)(next() % PIDS));
        s[i] = (struct streamer_conf){.name = str_from(names[i]),
                                      .v4 = addr_from_v4(UINT32_C(0x0a000000) + i),
                                      .can = STREAMER_V4 | STREAMER_HTTP,
                                      .pid = str_from(pids[i]),
                                      .origin_pid = STR("p0000"),
                                      .capacity = 1000,
                                      .weight = 1,
                                      .hit_pm = 900};
    }
    before = clock_cpu_ns();
    if (view_build(&in, live, &v, &e) != ERR_OK)
        die("view", &e);
    printf("info view-build %.1f ms: %u streamers, %u PIDs\n",
           (double)(clock_cpu_ns() - before) / 1e6, n, PIDS);
    for (unsigned i = 0; i < n; i++)
        live_dispatch(live, v->streamers[i].live, (uint32_t)(1000 * mean_load * (0.5 + unit())));
    view_fold(v, live); /* as the daemon does every second */
    return v;
}

/* One streamer in four serves every other PID alone. */
static void put_footprints(struct view *v)
{
    struct coverage *c = arena_array(v->arena, 1, sizeof *c);
    unsigned words = (v->streamer_count + 63u) / 64;
    uint64_t *by_pid = arena_array(v->arena, (size_t)(PIDS + 1) * words, sizeof *by_pid);

    for (unsigned p = 0; p <= PIDS; p++)
        for (unsigned i = 0; i < v->streamer_count; i++)
            if (i % 4 || (p + i / 4) % 2)
                by_pid[p * words + i / 64] |= UINT64_C(1) << i % 64;
    *c = (struct coverage){.words = words, .levels = 1, .pids = PIDS, .by_pid = by_pid};
    v->coverage = c;
}

/* Some were sent somewhere, others to nobody yet: the latter have a home to be found. */
enum contents { KNOWN = 3, NEW = 4 };

static uint64_t content_of(unsigned i, enum contents which)
{
    return hash_mix(i % CONTENTS, which);
}

/* The terms that know more than cost and load: memory of who got what, hot contents, footprints,
 * one streamer in ten that starts slowly. */
static void put_terms(struct view *v, struct live *live)
{
    struct err e = {0};

    if (cache_memory_new((size_t)64 << 20, v->streamer_count, NULL, &v->cache_memory, &e) != ERR_OK)
        die("memory", &e);
    live->hot = hot_new();
    put_footprints(v);
    for (unsigned i = 0; i < v->streamer_count; i++) {
        lidx slot = v->streamers[i].live;

        if (i % 10 == 0)
            live_scale_set(live, slot, 1.2F);
        for (unsigned k = 0; k < CONTENTS; k++)
            if (next() % 8 == 0)
                cache_memory_add(v->cache_memory, content_of(k, KNOWN), slot);
    }
    for (unsigned k = 0; k < CONTENTS; k += 100)
        hot_set(live->hot, content_of(k, KNOWN), 2 + k % 5, 40);
    view_fold(v, live);
}

/* Zipf over the prefixes in an order of their own. */
static void make_clients(struct addr *clients, const struct lpm_entry *e, size_t n)
{
    double *sum = malloc(n * sizeof *sum), total = 0;

    for (size_t i = 0; i < n; i++)
        sum[i] = total += 1 / (double)(i + 1);
    for (size_t i = 0; i < QUESTIONS; i++) {
        double u = unit() * total;
        size_t low = 0, high = n - 1;
        struct prefix p;

        while (low < high) {
            size_t mid = (low + high) / 2;

            if (sum[mid] < u)
                low = mid + 1;
            else
                high = mid;
        }
        p = e[hash_mix(low, 77) % n].prefix;
        clients[i] = p.addr;
        clients[i].lo |= next() & ((UINT64_C(1) << (128 - p.len)) - 1);
    }
    free(sum);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

struct timing {
    double median, least, most;
    uint64_t check; /* keeps the work from being optimised away */
    unsigned why[WHY_COUNT];
};

static struct timing run(const struct view *v, const struct live *live, const struct addr *clients,
                         unsigned want, enum contents which)
{
    struct timing t = {0};
    double ns[RUNS];

    for (unsigned r = 0; r < RUNS; r++) {
        uint64_t before = clock_cpu_ns();

        for (unsigned i = 0; i < QUESTIONS; i++) {
            struct question q = {.client = clients[i],
                                 .content = content_of(i, which),
                                 .need = STREAMER_HTTP,
                                 .need_any = STREAMER_V4 | STREAMER_V6,
                                 .want = (uint8_t)want};
            UNINITIALIZED struct decision d;

            decide(v, live, &q, &d);
            t.check += d.choice[0].streamer + d.scope;
            t.why[d.why] += r == 0;
        }
        ns[r] = (double)(clock_cpu_ns() - before) / QUESTIONS;
    }
    qsort(ns, RUNS, sizeof *ns, by_value);
    t.median = ns[RUNS / 2];
    t.least = ns[0];
    t.most = ns[RUNS - 1];
    return t;
}

/* Of it, the locating: each client's address waits for the PID of the one before, as it does behind
 * a decision. */
static double run_locate(const struct view *v, const struct addr *clients, uint64_t *check)
{
    double ns[RUNS];

    for (unsigned r = 0; r < RUNS; r++) {
        uint64_t before = clock_cpu_ns(), last = 0;

        for (unsigned i = 0; i < QUESTIONS; i++) {
            struct located at = view_locate(v, clients[i + (last >> 63)]);

            last = at.pid + at.scope;
        }
        ns[r] = (double)(clock_cpu_ns() - before) / QUESTIONS;
        *check += last;
    }
    qsort(ns, RUNS, sizeof *ns, by_value);
    return ns[RUNS / 2];
}

static void print_why(const struct timing *t)
{
    for (unsigned w = 0; w < WHY_COUNT; w++)
        if (t->why[w])
            printf(" %s %.1f %%", why_name(w), 100.0 * t->why[w] / QUESTIONS);
    printf("\n");
}

/* An argument picks one of the sizes. */
int main(int argc, char **argv)
{
    struct lpm_entry *e = calloc(PREFIXES + PREFIXES / 8, sizeof *e);
    struct addr *clients = calloc(QUESTIONS, sizeof *clients);
    struct view_source *netmap, *costmap;
    size_t n = make_prefixes(e);
    static const struct {
        unsigned streamers, want;
        double load, goal_ns;
        bool all_terms;
        enum contents which;
    } sizes[] = {{50, 1, 0.3, 0, false, KNOWN},    {50, 1, 0.65, 300, false, KNOWN},
                 {50, 4, 0.65, 0, false, KNOWN},   {500, 1, 0.3, 0, false, KNOWN},
                 {500, 1, 0.65, 0, false, KNOWN},  {50, 1, 0.65, 400, true, KNOWN},
                 {500, 1, 0.65, 600, true, KNOWN}, {50, 4, 0.65, 0, true, KNOWN},
                 {50, 1, 0.65, 0, true, NEW},      {128, 1, 0.65, 0, true, NEW}};

    netmap = make_netmap(e, n);
    costmap = make_costmap(netmap->netmap);
    make_clients(clients, e, n);
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct live *live;
        struct view *v;
        struct timing t;

        if (argc > 1 && (unsigned)atoi(argv[1]) != i)
            continue;
        live = live_new();
        v = make_view(netmap, costmap, sizes[i].streamers, sizes[i].load, live);
        if (sizes[i].all_terms)
            put_terms(v, live);
        t = run(v, live, clients, sizes[i].want, sizes[i].which);

        if (i == 1)
            printf("info locate %.0f ns of it\n", run_locate(v, clients, &t.check));
        if (sizes[i].goal_ns > 0)
            printf("ratio decide %.0f goal <= %.0f ns %s\n", t.median, sizes[i].goal_ns,
                   t.median <= sizes[i].goal_ns ? "met" : "short");
        printf("decide %.0f ns (%.0f..%.0f, median of %u): %s, want %u, %u streamers at mean load "
               "%.2f, %zu prefixes, %u PIDs, Zipf clients, seed %ju, " __VERSION__ ";",
               t.median, t.least, t.most, RUNS,
               sizes[i].which == NEW ? "all terms, contents that nobody was sent"
               : sizes[i].all_terms  ? "all terms"
                                     : "cost and load",
               sizes[i].want, sizes[i].streamers, sizes[i].load, n, PIDS, (uintmax_t)SEED);
        print_why(&t);
        cache_memory_drop(v->cache_memory);
        v->cache_memory = NULL;
        hot_free(live->hot);
        view_drop(v);
        live_free(live);
    }
    view_source_drop(netmap);
    view_source_drop(costmap);
    free(clients);
    free(e);
    return 0;
}
