#include "router/candidates.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

/* A set while it is built. */
struct set {
    struct candidates *c; /* in the view's arena */
    struct candidate *slot;
    struct ranked *ranked;
    double sum; /* of known costs of its sites, and how many there are */
    uint64_t known;
    /* Its slots by site: those of site s are by_site[first[s]] to by_site[first[s + 1] - 1]. */
    uint16_t *by_site;
    uint32_t *first;
};

#define CACHE_LINE 64u
#define COST_MAX   1e30 /* sums of what a map holds stay finite */

/* Streamers share PIDs: a row is costed and sorted once for each site, which is a PID that has
 * streamers (or no PID, whose cost nobody knows). */
struct candidates_build {
    struct view *v;
    pidx *site; /* [sites] */
    uint32_t sites;
    uint16_t *site_of; /* [streamer_count] */
    struct set *sets;
    size_t set_count;
};

static bool sites_find(struct candidates_build *b)
{
    sidx n = b->v->streamer_count;

    b->site = calloc(n + 1u, sizeof *b->site);
    b->site_of = calloc(n + 1u, sizeof *b->site_of);
    if (!b->site || !b->site_of)
        return false;
    for (sidx i = 0; i < n; i++) {
        uint32_t s = 0;

        while (s < b->sites && b->site[s] != b->v->streamers[i].pid)
            s++;
        if (s == b->sites)
            b->site[b->sites++] = b->v->streamers[i].pid;
        b->site_of[i] = (uint16_t)s;
    }
    return true;
}

struct candidates_build *candidates_build_new(const struct view *v)
{
    struct candidates_build *b = calloc(1, sizeof *b);

    if (!b)
        return NULL;
    b->v = (struct view *)(uintptr_t)v; /* still being built: view_build's own */
    if (!sites_find(b)) {
        candidates_build_free(b);
        return NULL;
    }
    return b;
}

void candidates_build_free(struct candidates_build *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < b->set_count; i++) {
        free(b->sets[i].by_site);
        free(b->sets[i].first);
    }
    free(b->sets);
    free(b->site);
    free(b->site_of);
    free(b);
}

static bool set_same(const struct set *s, const sidx *streamers, size_t n)
{
    if (s->c->count != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (s->slot[i].streamer != streamers[i])
            return false;
    return true;
}

static void slots_fill(struct candidates_build *b, struct set *s, const sidx *streamers)
{
    s->c->equal_weights = true;
    for (uint16_t i = 0; i < s->c->count; i++) {
        const struct view_streamer *st = &b->v->streamers[streamers[i]];

        s->slot[i] = (struct candidate){
            .hash = hash_content(st->conf->name.p, st->conf->name.n),
            .capacity = st->conf->capacity > 0 ? st->conf->capacity * LIVE_SESSION_UNITS : INFINITY,
            .inv_capacity =
                st->conf->capacity > 0 ? 1 / (st->conf->capacity * LIVE_SESSION_UNITS) : 0,
            .inv_weight = (float)(1 / st->conf->weight),
            .streamer = streamers[i],
            .live = st->live,
            .can = st->conf->can,
        };
        if (s->slot[i].inv_weight != s->slot[0].inv_weight)
            s->c->equal_weights = false;
    }
}

/* A counting sort of the slots by site. */
static void slots_by_site(struct candidates_build *b, struct set *s)
{
    uint32_t at = 0;

    for (uint32_t site = 0; site < b->sites; site++) {
        s->first[site] = at;
        for (uint16_t i = 0; i < s->c->count; i++)
            if (b->site_of[s->slot[i].streamer] == site)
                s->by_site[at++] = i;
        if (at > s->first[site])
            s->c->places++;
    }
    s->first[b->sites] = at;
    if (s->c->places == 0)
        s->c->places = 1;
}

/* Rows of eight candidates fill a cache line; shorter ones never lie across two. */
static uint32_t stride_of(size_t n)
{
    uint32_t stride = 1;

    while (stride < n && stride < 8)
        stride *= 2;
    return n > 8 ? (uint32_t)((n + 7) / 8 * 8) : stride;
}

static struct ranked *ranked_new(struct arena *arena, size_t rows, uint32_t stride)
{
    size_t extra = CACHE_LINE / sizeof(struct ranked);
    char *p = arena_array(arena, rows * stride + extra, sizeof(struct ranked));

    return p ? (void *)(p + (CACHE_LINE - (uintptr_t)p % CACHE_LINE) % CACHE_LINE) : NULL;
}

static bool set_new(struct candidates_build *b, struct set *s, size_t n)
{
    struct arena *arena = b->v->arena;
    size_t rows = (b->v->netmap ? b->v->netmap->pid_count : 0u) + 1u;
    uint32_t stride = stride_of(n);
    _Atomic uint32_t *mean;

    s->c = arena_array(arena, 1, sizeof *s->c);
    s->slot = arena_array(arena, n, sizeof *s->slot);
    s->ranked = ranked_new(arena, rows, stride);
    mean = arena_array(arena, 1, sizeof *mean);
    s->by_site = calloc(n + 1, sizeof *s->by_site);
    s->first = calloc(b->sites + 1u, sizeof *s->first);
    if (!s->c || !s->slot || !s->ranked || !mean || !s->by_site || !s->first)
        return false;
    atomic_init(mean, CANDIDATES_MEAN_UNKNOWN);
    *s->c = (struct candidates){.slot = s->slot,
                                .count = (uint16_t)n,
                                .rows = (uint32_t)rows,
                                .ranked = s->ranked,
                                .stride = stride,
                                .mean = mean};
    return true;
}

const struct candidates *candidates_build_add(struct candidates_build *b, const sidx *streamers,
                                              size_t n)
{
    struct set *grown, *s;

    assert(n <= STREAMERS_MAX);
    for (size_t i = 0; i < b->set_count; i++)
        if (set_same(&b->sets[i], streamers, n))
            return b->sets[i].c;
    grown = realloc(b->sets, (b->set_count + 1) * sizeof *grown);
    if (!grown)
        return NULL;
    b->sets = grown;
    s = &grown[b->set_count++];
    *s = (struct set){0};
    if (!set_new(b, s, n))
        return NULL;
    slots_fill(b, s, streamers);
    slots_by_site(b, s);
    return s->c;
}

/* A cost and where it belongs in one number that sorts as the cost does: costs are not negative, so
 * their bits are in order, and NAN is put behind all. */
static uint64_t cost_key(float cost, uint32_t site)
{
    uint32_t bits = UINT32_MAX;

    if (!isnan(cost))
        memcpy(&bits, &cost, sizeof bits);
    return (uint64_t)bits << 32 | site;
}

static float key_cost(uint64_t key)
{
    uint32_t bits = (uint32_t)(key >> 32);
    float cost = NAN;

    if (bits != UINT32_MAX)
        memcpy(&cost, &bits, sizeof cost);
    return cost;
}

static void keys_sort(uint64_t *k, uint64_t *scratch, size_t n)
{
    size_t left = n / 2, i = 0, j = left, o = 0;

    if (n <= 12) {
        for (i = 1; i < n; i++) {
            uint64_t x = k[i];

            for (j = i; j > 0 && k[j - 1] > x; j--)
                k[j] = k[j - 1];
            k[j] = x;
        }
        return;
    }
    keys_sort(k, scratch, left);
    keys_sort(k + left, scratch, n - left);
    memcpy(scratch, k, left * sizeof *k);
    i = 0;
    while (i < left && j < n)
        k[o++] = scratch[i] <= k[j] ? scratch[i++] : k[j++];
    memcpy(k + o, scratch + i, (left - i) * sizeof *k);
}

/* Ordinal costs say nothing but their order: sorted keys get their ranks, from 1, as costs. */
static void keys_rank(uint64_t *k, size_t n)
{
    float rank = 0, last = NAN;

    for (size_t i = 0; i < n && !isnan(key_cost(k[i])); i++) {
        float cost = key_cost(k[i]);

        if (cost != last) /* NAN is not equal to the first */
            rank++;
        last = cost;
        k[i] = cost_key(rank, (uint32_t)k[i]);
    }
}

static bool is_ordinal(const struct view *v)
{
    return v->costmap && costmap_info_get(v->costmap)->mode == COST_ORDINAL;
}

/* Without a cost map all pairs cost the same; with one, whoever is in no PID is at unknown cost. */
static float pair_cost(const struct view *v, pidx src, pidx dst)
{
    double cost;

    if (!v->costmap)
        return 1;
    if (src == PIDX_NONE || dst == PIDX_NONE)
        return NAN;
    cost = costmap_get(v->costmap, src, dst);
    if (cost > COST_MAX)
        cost = COST_MAX;
    return (float)cost + 0.0F; /* no -0, whose bits sort last */
}

static void row_fill(const struct candidates_build *b, struct set *s, uint32_t row,
                     const uint64_t *keys)
{
    struct ranked *out = s->ranked + (size_t)row * s->c->stride;

    for (uint32_t k = 0; k < b->sites; k++) {
        uint32_t site = (uint32_t)keys[k], at = s->first[site], end = s->first[site + 1];
        float cost = key_cost(keys[k]);

        if (at < end && !isnan(cost)) {
            s->sum += (double)cost;
            s->known++;
        }
        for (; at < end; at++)
            *out++ = (struct ranked){cost, s->by_site[at]};
    }
}

static double mean_cost(double sum, uint64_t known)
{
    return known && sum > 0 ? sum / (double)known : 1;
}

static bool rows_fill(struct candidates_build *b)
{
    struct view *v = b->v;
    uint32_t rows = (v->netmap ? v->netmap->pid_count : 0u) + 1u;
    uint64_t *keys = calloc(2 * (b->sites + 1u), sizeof *keys), known = 0;
    double sum = 0;

    if (!keys)
        return false;
    for (uint32_t row = 0; row < rows; row++) {
        for (uint32_t s = 0; s < b->sites; s++)
            keys[s] =
                cost_key(pair_cost(v, row == rows - 1 ? PIDX_NONE : (pidx)row, b->site[s]), s);
        keys_sort(keys, keys + b->sites, b->sites);
        if (is_ordinal(v))
            keys_rank(keys, b->sites);
        for (uint32_t s = 0; s < b->sites && !isnan(key_cost(keys[s])); s++) {
            sum += (double)key_cost(keys[s]);
            known++;
        }
        for (size_t i = 0; i < b->set_count; i++)
            row_fill(b, &b->sets[i], row, keys);
    }
    v->cost_unit = mean_cost(sum, known);
    for (size_t i = 0; i < b->set_count; i++)
        b->sets[i].c->cost_unit = mean_cost(b->sets[i].sum, b->sets[i].known);
    free(keys);
    return true;
}

/* Costs of misses. Ordinal ones become ranks among themselves. */
static bool origins_fill(struct candidates_build *b)
{
    sidx n = b->v->streamer_count;
    struct view_streamer *streamers = (struct view_streamer *)(uintptr_t)b->v->streamers;
    uint64_t *keys = calloc(2 * (n + 1u), sizeof *keys);
    uint32_t with = 0;

    if (!keys)
        return false;
    for (sidx i = 0; i < n; i++)
        if (streamers[i].origin_pid != PIDX_NONE)
            keys[with++] = cost_key(pair_cost(b->v, streamers[i].pid, streamers[i].origin_pid), i);
    keys_sort(keys, keys + with, with);
    if (is_ordinal(b->v))
        keys_rank(keys, with);
    for (uint32_t k = 0; k < with; k++)
        streamers[(uint32_t)keys[k]].origin_cost = key_cost(keys[k]);
    for (size_t s = 0; s < b->set_count; s++)
        for (uint16_t i = 0; i < b->sets[s].c->count; i++)
            b->sets[s].slot[i].origin_cost = streamers[b->sets[s].slot[i].streamer].origin_cost;
    free(keys);
    return true;
}

bool candidates_build_freeze(struct candidates_build *b)
{
    return rows_fill(b) && origins_fill(b);
}

double candidates_mean(const struct candidates *c, const struct live *live)
{
    double sessions = 0, capacity = 0;

    for (uint16_t i = 0; i < c->count; i++) {
        const struct candidate *s = &c->slot[i];
        health_word w = live_health_get(live, s->live);

        if (s->inv_capacity > 0 &&
            (live_usable_by_all(w) || ((s->can & STREAMER_V4) && live_usable(w, false)) ||
             ((s->can & STREAMER_V6) && live_usable(w, true)))) {
            sessions += (double)(int64_t)live_session_units(live, s->live) *
                        (double)live_scale(live, s->live);
            capacity += s->capacity;
        }
    }
    return capacity > 0 ? sessions / capacity : 0;
}

void view_fold(const struct view *v, const struct live *live)
{
    for (svidx i = 0; i < v->service_count; i++) {
        const struct candidates *c = v->services[i].candidates;
        float mean = (float)candidates_mean(c, live);
        uint32_t bits;

        memcpy(&bits, &mean, sizeof bits);
        atomic_store_explicit(c->mean, bits, memory_order_relaxed);
    }
}
