#include "router/peers.h"

#include <math.h>
#include <string.h>

#include "base/attr.h"

/* Neighbours in pids[] with one PID: a sample of a sorted swarm has far fewer runs than peers. */
struct run {
    uint64_t key; /* cost, then a random number */
    uint16_t from, len;
};

#define KEY_UNKNOWN UINT32_MAX

static uint64_t next_random(uint64_t *state)
{
    uint64_t x = *state;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * UINT64_C(0x2545f4914f6cdd1d);
}

static unsigned random_below(uint64_t *state, unsigned below)
{
    return (unsigned)((next_random(state) >> 32) * below >> 32);
}

/* Costs are not negative, so their bits sort as they do; 0 is left for the same PID. */
static uint32_t cost_key(const struct view *v, pidx client, pidx peer)
{
    float cost;
    uint32_t bits;

    if (peer == client)
        return 0;
    if (peer == PIDX_NONE)
        return KEY_UNKNOWN;
    cost = v->costmap ? (float)costmap_get(v->costmap, client, peer) : 0;
    if (isnan(cost))
        return KEY_UNKNOWN;
    cost += 0.0F; /* -0 would sort last */
    memcpy(&bits, &cost, sizeof bits);
    return bits + 1;
}

static void runs_sort(struct run *run, unsigned n)
{
    static const unsigned gaps[] = {132, 57, 23, 10, 4, 1};

    for (unsigned g = 0; g < sizeof gaps / sizeof *gaps; g++)
        for (unsigned gap = gaps[g], i = gap; i < n; i++) {
            struct run r = run[i];
            unsigned k = i;

            for (; k >= gap && run[k - gap].key > r.key; k -= gap)
                run[k] = run[k - gap];
            run[k] = r;
        }
}

/* All n in order of cost; a run begins at a random one of its own. */
static void order_by_cost(const struct view *v, pidx client, uint64_t *random, const pidx *pids,
                          unsigned n, uint16_t *pick)
{
    UNINITIALIZED struct run run[PEERS_RANK_MAX];
    unsigned runs = 0, at = 0;

    for (unsigned i = 0; i < n; i++) {
        if (i > 0 && pids[i] == pids[i - 1]) {
            run[runs - 1].len++;
            continue;
        }
        run[runs++] =
            (struct run){(uint64_t)cost_key(v, client, pids[i]) << 32 | next_random(random) >> 32,
                         (uint16_t)i, 1};
    }
    runs_sort(run, runs);
    for (unsigned r = 0; r < runs; r++) {
        unsigned len = run[r].len, turn = len > 1 ? random_below(random, len) : 0;

        for (unsigned i = 0; i < len; i++) {
            pick[at++] = (uint16_t)(run[r].from + turn);
            turn = turn + 1 == len ? 0 : turn + 1;
        }
    }
}

unsigned peers_rank(const struct view *v, const struct peers_request *r, const pidx *pids,
                    unsigned n, uint16_t *pick)
{
    uint64_t random = r->seed | 1;
    unsigned want, from;

    if (n > PEERS_RANK_MAX)
        n = PEERS_RANK_MAX;
    want = r->want < n ? r->want : n;
    if (r->client == PIDX_NONE) {
        for (unsigned i = 0; i < n; i++)
            pick[i] = (uint16_t)i;
        from = 0;
    } else {
        order_by_cost(v, r->client, &random, pids, n, pick);
        from = want < n ? want - peers_random_share(want, r->random_pm) : want;
    }
    for (unsigned i = from; i < want; i++) {
        unsigned k = i + random_below(&random, n - i);
        uint16_t other = pick[k];

        pick[k] = pick[i];
        pick[i] = other;
    }
    return want;
}

unsigned peers_near(const struct view *v, pidx client, pidx *out, unsigned max)
{
    unsigned n = 0;

    if (client == PIDX_NONE || max == 0)
        return 0;
    out[n++] = client;
    if (!v->costmap || !v->netmap)
        return n;
    for (unsigned p = 0; p < v->netmap->pid_count; p++) {
        double cost = costmap_get(v->costmap, client, (pidx)p);
        unsigned at = n;

        if (isnan(cost) || p == client)
            continue;
        while (at > 1 && costmap_get(v->costmap, client, out[at - 1]) > cost)
            at--;
        if (at == max)
            continue;
        if (n < max)
            n++;
        memmove(&out[at + 1], &out[at], (n - at - 1) * sizeof *out);
        out[at] = (pidx)p;
    }
    return n;
}
