/* Bytes a peer: a million peers in 100,000 swarms, Zipf, IPv4, in the order in which they would
 * come. What counts is what the process grows by; the store's own account stands beside it. */
#include "bench/lib/stats.h"

#include <string.h>
#include <unistd.h>

#include "bench/lib/load.h"
#include "tracker/swarm.h"

#define PEERS  1000000u
#define SWARMS 100000u
#define GOAL   40.0

static size_t resident(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    unsigned long long pages = 0;

    if (f) {
        if (fscanf(f, "%*u %llu", &pages) != 1)
            pages = 0;
        fclose(f);
    }
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

static pidx locate(const void *ctx, struct addr a)
{
    (void)ctx;
    return (pidx)(addr_v4(a) >> 16 & 0x3ff); /* a thousand PIDs */
}

/* uniform: ten peers a swarm; else Zipf, and every swarm has one at least. */
static void fill(struct swarms *s, bool uniform, uint64_t seed)
{
    struct load_random random = {seed};
    const struct swarm_map map = {1, locate, NULL};
    struct swarm_answer *answer = malloc(sizeof *answer);
    struct load_zipf zipf;

    load_zipf_init(&zipf, SWARMS);
    for (uint32_t i = 0; i < PEERS && answer; i++) {
        uint32_t rank = i < SWARMS ? i : uniform ? i % SWARMS : load_zipf_next(&zipf, &random);
        struct swarm_ask ask = {.addr = addr_from_v4((uint32_t)load_random_next(&random)),
                                .port = (uint16_t)(1024 + i % 60000),
                                .seed = i % 4 == 0,
                                .map = &map,
                                .now_ms = 1000000 + i / 300};

        memset(ask.info_hash, 0x77, INFO_HASH_LEN);
        memcpy(ask.info_hash, &rank, sizeof rank);
        ask.hash = swarms_hash(s, ask.info_hash);
        ask.pid = locate(NULL, ask.addr);
        swarms_announce(s, &ask, answer);
    }
    free(answer);
    load_zipf_fini(&zipf);
}

static double measure(bool uniform, double *account)
{
    struct tracker_conf conf;
    struct swarms_stats stats;
    struct swarms *s;
    size_t before;
    double each;

    tracker_conf_default(&conf);
    before = resident();
    s = swarms_new(&conf);
    if (!s)
        exit(1);
    fill(s, uniform, 1);
    swarms_stats_get(s, &stats);
    each = (double)(resident() - before) / (double)stats.peers;
    *account = (double)stats.bytes / (double)stats.peers;
    printf("# tracker-memory: %s: %llu peers in %llu swarms: %.1f bytes resident, %.1f by own "
           "account\n",
           uniform ? "ten a swarm" : "Zipf", (unsigned long long)stats.peers,
           (unsigned long long)stats.swarms, each, *account);
    swarms_free(s);
    return each;
}

int main(void)
{
    double account, zipf = measure(false, &account);

    measure(true, &account); /* in memory that the first run has left: its account is what counts */
    bench_ratio("tracker-memory", zipf > account ? zipf : account, GOAL, "bytes");
    return 0;
}
