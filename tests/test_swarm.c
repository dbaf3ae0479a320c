#include "tracker/swarm.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

static uint64_t rng = 1;

static uint64_t rnd(uint64_t below)
{
    rng ^= rng >> 12;
    rng ^= rng << 25;
    rng ^= rng >> 27;
    return (rng * UINT64_C(0x2545f4914f6cdd1d) >> 11) % below;
}

/* ck_assert writes a line to a pipe each time; in a loop of millions only a failure may. */
#define NEED(x)                                                                                    \
    do {                                                                                           \
        if (!(x))                                                                                  \
            ck_abort_msg("%s", #x);                                                                \
    } while (0)

static struct tracker_conf conf_small(void)
{
    return (struct tracker_conf){
        .peer_timeout_s = 3720, .memory_max = (size_t)256 << 20, .peers_per_swarm_max = 100000};
}

/* PIDs by the third byte of an IPv4 address, or of IPv6's last 16 bits; shifted by *ctx. */
static pidx locate_byte(const void *ctx, struct addr a)
{
    return (pidx)((a.lo >> 8 & 0xff) + *(const unsigned *)ctx);
}

static unsigned shift_none;
static const struct swarm_map map_plain = {1, locate_byte, &shift_none};

static struct addr addr_of(enum peer_family f, unsigned i)
{
    if (f == PEER_V4)
        return addr_from_v4(UINT32_C(0x0a000000) + i);
    return (struct addr){UINT64_C(0x20010db800000000) + i % 7, i};
}

static void hash_of(unsigned i, uint8_t out[INFO_HASH_LEN])
{
    memset(out, 0x5a, INFO_HASH_LEN);
    memcpy(out, &i, sizeof i);
}

static struct swarm_ask ask_make(const struct swarms *s, unsigned swarm, struct addr a,
                                 uint16_t port)
{
    struct swarm_ask ask = {.addr = a,
                            .port = port,
                            .map = &map_plain,
                            .now_ms = 1000000,
                            .family = {true, true},
                            .random = rnd(UINT64_MAX >> 12)};

    hash_of(swarm, ask.info_hash);
    ask.hash = swarms_hash(s, ask.info_hash);
    ask.pid = map_plain.locate(map_plain.ctx, a);
    return ask;
}

/* The naive model: every peer of every swarm in one list. */
#define MODEL_SWARMS 12
#define MODEL_MAX    6000

struct model_peer {
    unsigned swarm;
    struct addr addr;
    uint16_t port;
    bool seed;
    uint64_t seen_ms;
};
static struct model_peer model[MODEL_MAX];
static unsigned model_n, model_completed[MODEL_SWARMS];

static struct model_peer *model_find(unsigned swarm, struct addr a, uint16_t port)
{
    for (unsigned i = 0; i < model_n; i++)
        if (model[i].swarm == swarm && addr_eq(model[i].addr, a) && model[i].port == port)
            return &model[i];
    return NULL;
}

static void model_counts(unsigned swarm, struct swarm_counts *out)
{
    *out = (struct swarm_counts){.completed = model_completed[swarm]};
    for (unsigned i = 0; i < model_n; i++)
        if (model[i].swarm == swarm)
            *(model[i].seed ? &out->seeds : &out->leechers) += 1;
}

static void model_announce(unsigned swarm, const struct swarm_ask *ask)
{
    struct model_peer *p = model_find(swarm, ask->addr, ask->port);

    if (ask->event == ANNOUNCE_STOPPED) {
        if (p)
            *p = model[--model_n];
        return;
    }
    if (ask->event == ANNOUNCE_COMPLETED && (!p || !p->seed))
        model_completed[swarm]++;
    if (!p)
        p = &model[model_n++];
    *p = (struct model_peer){swarm, ask->addr, ask->port, ask->seed, ask->now_ms};
}

static void model_sweep(uint64_t now_ms)
{
    for (unsigned i = model_n; i-- > 0;)
        if (now_ms - model[i].seen_ms > 3750 * 1000)
            model[i] = model[--model_n];
    for (unsigned w = 0; w < MODEL_SWARMS; w++) {
        struct swarm_counts c;

        model_counts(w, &c);
        if (c.seeds + c.leechers == 0)
            model_completed[w] = 0; /* a torrent without peers is forgotten */
    }
}

static void check_counts(struct swarms *s)
{
    struct swarms_stats stats;

    for (unsigned w = 0; w < MODEL_SWARMS; w++) {
        struct swarm_counts want, got;
        uint8_t hash[INFO_HASH_LEN];

        hash_of(w, hash);
        model_counts(w, &want);
        swarms_scrape(s, hash, &got);
        ck_assert_uint_eq(got.seeds, want.seeds);
        ck_assert_uint_eq(got.leechers, want.leechers);
        ck_assert_uint_eq(got.completed, want.completed);
    }
    swarms_stats_get(s, &stats);
    ck_assert_uint_eq(stats.peers, model_n);
}

/* Whoever is in a sample is in the model, once, and is neither the asker nor a seed for a seed; a
 * small swarm's sample has them all. */
static void check_sample(unsigned swarm, const struct swarm_ask *ask,
                         const struct swarm_answer *got)
{
    for (unsigned f = 0; f < PEER_FAMILIES; f++) {
        const struct peer_sample *sample = &got->sample[f];
        unsigned len = peer_wire_len((enum peer_family)f), due = 0, all = 0;

        for (unsigned i = 0; i < sample->n; i++) {
            const uint8_t *wire = sample->wire + (size_t)i * len;
            struct addr a = peer_wire_addr((enum peer_family)f, wire);
            uint16_t port = (uint16_t)(wire[len - 2] << 8 | wire[len - 1]);
            const struct model_peer *p = model_find(swarm, a, port);

            NEED(p);
            NEED(!(addr_eq(a, ask->addr) && port == ask->port));
            NEED(!(ask->seed && p->seed));
            NEED(sample->pid[i] == locate_byte(&shift_none, a));
            for (unsigned k = 0; k < i; k++)
                NEED(memcmp(sample->wire + (size_t)k * len, wire, len) != 0);
        }
        for (unsigned i = 0; i < model_n; i++)
            if (model[i].swarm == swarm && peer_family_of(model[i].addr) == f) {
                bool self = addr_eq(model[i].addr, ask->addr) && model[i].port == ask->port;

                all++;
                due += !self && !(ask->seed && model[i].seed);
            }
        if (all <= PEERSET_CHUNK)
            NEED(sample->n == due);
        else if (!ask->seed && ask->near_want + ask->random_want > 40)
            NEED(sample->n >= 20); /* places may meet */
    }
}

START_TEST(store_equals_model)
{
    const struct tracker_conf conf = conf_small();
    struct swarms *s = swarms_new(&conf);
    static struct swarm_answer got;
    uint64_t now_ms = 100000000;
    pidx near[4];

    rng = 0x1234567 + (uint64_t)_i;
    model_n = 0;
    memset(model_completed, 0, sizeof model_completed);
    for (unsigned step = 0; step < 8000; step++) {
        /* The last swarms are large, so that their peers fill several chunks. */
        unsigned swarm = (unsigned)(rnd(4) ? MODEL_SWARMS - 1 - rnd(3) : rnd(MODEL_SWARMS));
        unsigned size = swarm < MODEL_SWARMS - 3 ? 40 : 2500;
        enum peer_family f = rnd(3) ? PEER_V4 : PEER_V6;
        struct swarm_ask ask =
            ask_make(s, swarm, addr_of(f, (unsigned)rnd(size / 2)), (uint16_t)(6881 + rnd(2)));

        ask.now_ms = now_ms;
        ask.seed = rnd(3) == 0;
        ask.event = (enum announce_event)rnd(6);
        if (ask.event == ANNOUNCE_EVENTS || (ask.event == ANNOUNCE_STOPPED && rnd(2)))
            ask.event = ANNOUNCE_NONE;
        if (ask.event == ANNOUNCE_COMPLETED)
            ask.seed = true;
        for (unsigned i = 0; i < 4; i++)
            near[i] = (pidx)((ask.pid + i) % 5);
        ask.near = near;
        ask.near_count = (unsigned)rnd(5);
        ask.near_want = (unsigned)rnd(60);
        ask.random_want = 1 + (unsigned)rnd(20);
        if (model_n == MODEL_MAX)
            ask.event = ANNOUNCE_STOPPED;
        swarms_announce(s, &ask, &got);
        ck_assert_int_eq(got.known, model_find(swarm, ask.addr, ask.port) != NULL);
        model_announce(swarm, &ask);
        check_sample(swarm, &ask, &got);
        if (step % 500 == 0)
            check_counts(s);
        if (step % 1000 == 999) { /* time passes; a few times all of it */
            now_ms += rnd(5) ? 300 * 1000 : 4000 * 1000;
            swarms_sweep(s, now_ms);
            swarms_sweep(s, now_ms + 600 * 1000);
            model_sweep(now_ms);
            model_sweep(now_ms + 600 * 1000);
            now_ms += 600 * 1000;
            check_counts(s);
        }
    }
    swarms_free(s);
}
END_TEST

/* In a swarm of 20,000 the peers of the asker's PID are found, and then those of the next PIDs. */
START_TEST(large_swarm_gives_the_near_first)
{
    const struct tracker_conf conf = conf_small();
    struct swarms *s = swarms_new(&conf);
    static struct swarm_answer got;
    const pidx near[] = {60, 3, 9};
    struct swarm_ask ask;

    for (unsigned i = 0; i < 20000; i++) {
        ask = ask_make(s, 1, addr_of(PEER_V4, i * 7919 % 20000), 6881);
        swarms_announce(s, &ask, &got);
        NEED(got.stored);
    }
    ask.near = near;
    ask.near_count = 3;
    ask.addr = addr_of(PEER_V4, 60 * 256 + 5);
    ask.pid = 60;
    for (unsigned want = 10; want <= 600; want += 59) {
        unsigned of[4] = {0};

        ask.near_want = want > 200 ? 200 : want;
        ask.random_want = 20;
        ask.random = rnd(UINT64_MAX >> 12);
        swarms_announce(s, &ask, &got);
        for (unsigned i = 0; i < got.sample[PEER_V4].n; i++) {
            pidx pid = got.sample[PEER_V4].pid[i];

            if (i < ask.near_want)
                NEED(pid == 60);
            of[pid == 60 ? 0 : pid == 3 ? 1 : pid == 9 ? 2 : 3]++;
        }
        ck_assert_uint_ge(of[0] + of[1] + of[2] + of[3], ask.near_want + 12);
        ck_assert_uint_ge(of[3], 8); /* the random ones are from all over */
    }
    /* A PID of 256 peers, 255 without the asker, of whom all but five leave: the next PID fills up.
     */
    for (unsigned i = 5; i < 256; i++) {
        struct swarm_ask stop = ask_make(s, 1, addr_of(PEER_V4, 60 * 256 + i), 6881);

        stop.event = ANNOUNCE_STOPPED;
        swarms_announce(s, &stop, &got);
        ck_assert(got.known);
    }
    ask.near_want = 30;
    swarms_announce(s, &ask, &got);
    for (unsigned i = 0; i < 30; i++)
        ck_assert_uint_eq(got.sample[PEER_V4].pid[i], i < 5 ? 60 : 3);
    swarms_free(s);
}
END_TEST

/* After another network map, the old PIDs are gone and everybody is found under the new ones. */
START_TEST(another_map_relocates)
{
    const struct tracker_conf conf = conf_small();
    struct swarms *s = swarms_new(&conf);
    static struct swarm_answer got;
    unsigned shift = 1000;
    const struct swarm_map other = {2, locate_byte, &shift};
    const pidx near[] = {1001};
    struct swarm_ask ask;

    for (unsigned i = 0; i < 3000; i++) {
        ask = ask_make(s, 1, addr_of(i % 3 ? PEER_V4 : PEER_V6, i), 6881);
        ask.seed = i % 5 == 0;
        swarms_announce(s, &ask, &got);
    }
    ask = ask_make(s, 1, addr_of(PEER_V4, 256 + 1), 6881);
    ask.map = &other;
    ask.pid = 1001;
    ask.near = near;
    ask.near_count = 1;
    ask.near_want = 50;
    swarms_announce(s, &ask, &got);
    ck_assert(got.known); /* under its new PID */
    ck_assert_uint_eq(got.counts.seeds + got.counts.leechers, 3000);
    ck_assert_uint_eq(got.counts.seeds, 600);
    ck_assert_uint_eq(got.sample[PEER_V4].n, 50);
    for (unsigned i = 0; i < 50; i++)
        ck_assert_uint_eq(got.sample[PEER_V4].pid[i], 1001);
    swarms_free(s);
}
END_TEST

START_TEST(limits_answer_and_do_not_store)
{
    struct tracker_conf conf = conf_small();
    struct swarms_stats stats;
    static struct swarm_answer got;
    struct swarms *s;
    unsigned stored = 0;

    conf.peers_per_swarm_max = 10;
    s = swarms_new(&conf);
    for (unsigned i = 0; i < 15; i++) {
        struct swarm_ask ask = ask_make(s, 1, addr_of(PEER_V4, i), 1);

        ask.near_want = 50;
        swarms_announce(s, &ask, &got);
        ck_assert_int_eq(got.stored, i < 10);
        ck_assert_uint_eq(got.sample[PEER_V4].n, i < 10 ? i : 10);
    }
    swarms_free(s);

    conf.peers_per_swarm_max = 100000;
    conf.memory_max = 1000000;
    s = swarms_new(&conf);
    for (unsigned i = 0; i < 40000; i++) {
        struct swarm_ask ask = ask_make(s, i % 3000, addr_of(PEER_V6, i), 1);

        swarms_announce(s, &ask, &got);
        stored += got.stored;
    }
    swarms_stats_get(s, &stats);
    ck_assert_uint_gt(stored, 5000);
    ck_assert_uint_lt(stats.bytes, 1000000 + 65536);
    ck_assert_uint_lt(stored, 40000);
    ck_assert_uint_eq(stats.peers, stored);
    swarms_free(s);
}
END_TEST

/* When all have gone, so has the memory: nothing leaks from the account. */
START_TEST(all_gone_gives_memory_back)
{
    const struct tracker_conf conf = conf_small();
    struct swarms *s = swarms_new(&conf);
    struct swarms_stats before, full, after;
    static struct swarm_answer got;

    swarms_stats_get(s, &before);
    for (unsigned i = 0; i < 30000; i++) {
        struct swarm_ask ask = ask_make(s, i % 5 ? 7 : i % 100, addr_of(i % 2, i), 1);

        swarms_announce(s, &ask, &got);
    }
    swarms_stats_get(s, &full);
    ck_assert_uint_eq(full.peers, 30000);
    for (uint64_t t = 0; t < 3; t++)
        swarms_sweep(s, 1000000 + (4000 + t * 600) * 1000);
    swarms_stats_get(s, &after);
    ck_assert_uint_eq(after.peers + after.seeds + after.swarms, 0);
    /* What stays are the blocks of the swarms, for the next ones. */
    ck_assert_uint_lt(after.bytes - before.bytes, (uint64_t)64 * (64 * 64 + 64 + 256));
    swarms_free(s);
}
END_TEST

#define THREADS 4

struct thread_arg {
    struct swarms *s;
    unsigned number;
    pthread_t thread;
};

static void *thread_run(void *arg)
{
    struct thread_arg *t = arg;
    struct swarm_answer *got = malloc(sizeof *got);
    const pidx near[] = {1, 2};
    uint64_t x = t->number + 1;

    for (unsigned i = 0; i < 4000; i++) {
        struct swarm_ask ask = {.port = 1, .map = &map_plain, .now_ms = 1000000, .family = {true}};

        x = x * UINT64_C(6364136223846793005) + 1442695040888963407u;
        ask.addr = addr_of(PEER_V4, t->number << 16 | i % 1000);
        ask.pid = locate_byte(&shift_none, ask.addr);
        ask.near = near;
        ask.near_count = 2;
        ask.near_want = 20;
        ask.random_want = 5;
        ask.random = x;
        hash_of(x >> 33 & 1 ? 1 : (unsigned)(x >> 34) % 500, ask.info_hash);
        ask.hash = swarms_hash(t->s, ask.info_hash);
        for (unsigned step = 0; step < SWARMS_STEPS; step++)
            swarms_prefetch(t->s, ask.hash, (enum swarms_step)step);
        swarms_announce(t->s, &ask, got);
        NEED(got->stored);
    }
    free(got);
    return NULL;
}

START_TEST(threads_share_the_store)
{
    const struct tracker_conf conf = conf_small();
    struct swarms *s = swarms_new(&conf);
    struct thread_arg arg[THREADS];
    struct swarms_stats stats;
    struct swarm_counts c;
    uint64_t peers = 0;

    for (unsigned i = 0; i < THREADS; i++) {
        arg[i] = (struct thread_arg){.s = s, .number = i};
        ck_assert_int_eq(pthread_create(&arg[i].thread, NULL, thread_run, &arg[i]), 0);
    }
    for (unsigned i = 0; i < 50; i++)
        swarms_sweep(s, 1000000 + i);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(arg[i].thread, NULL);
    swarms_stats_get(s, &stats);
    for (unsigned i = 0; i < 500; i++) {
        uint8_t hash[INFO_HASH_LEN];

        hash_of(i, hash);
        swarms_scrape(s, hash, &c);
        peers += c.leechers;
    }
    ck_assert_uint_eq(stats.peers, peers);
    swarms_free(s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("swarm");
    TCase *tc = tcase_create("store");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, store_equals_model, 0, 3);
    tcase_add_test(tc, large_swarm_gives_the_near_first);
    tcase_add_test(tc, another_map_relocates);
    tcase_add_test(tc, limits_answer_and_do_not_store);
    tcase_add_test(tc, all_gone_gives_memory_back);
    tcase_add_test(tc, threads_share_the_store);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
