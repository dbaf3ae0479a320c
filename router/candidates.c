#include "router/candidates.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

/* A set while it is built. */
struct set {
    struct candidates *c; /* in the view's arena */
    size_t combo;         /* index in the builder's */
    struct candidate *slot;
    struct live_word *live_words;
    struct ranked *ranked;
    double sum; /* of known costs of its sites, and how many there are */
    uint64_t known;
    /* Its slots by site: those of site s are by_site[first[s]] to by_site[first[s + 1] - 1]. */
    uint16_t *by_site;
    uint32_t *first;
};

#define CACHE_LINE 64u
#define COST_MAX   1e30 /* sums of what a map holds stay finite */

/* What costs are made of. */
struct combo {
    double weight[VIEW_COSTMAPS_MAX];
    bool used;
};

/* Streamers share PIDs: a row is costed and sorted once for each site, which is a PID that has
 * streamers (or no PID, whose cost nobody knows). */
struct candidates_build {
    struct view *v;
    pidx *site; /* [sites] */
    uint32_t sites;
    uint16_t *site_of; /* [streamer_count] */
    struct set *sets;
    size_t set_count;
    struct combo *combos; /* the first is the first map alone */
    size_t combo_count;
    /* For one row, or for the origins: [width] */
    size_t width;
    double *sum, *part;
    uint64_t *keys; /* [2 * width]: half is to sort with */
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

/* Index of the combination, which is added if it is new; SIZE_MAX: no memory. */
static size_t combo_add(struct candidates_build *b, const double *weight)
{
    unsigned maps = b->v->costmap_count;
    struct combo *grown;
    size_t i = 0;

    while (i < b->combo_count && memcmp(b->combos[i].weight, weight, maps * sizeof *weight) != 0)
        i++;
    if (i < b->combo_count)
        return i;
    grown = realloc(b->combos, (b->combo_count + 1) * sizeof *grown);
    if (!grown)
        return SIZE_MAX;
    b->combos = grown;
    grown[b->combo_count] = (struct combo){0};
    memcpy(grown[b->combo_count].weight, weight, maps * sizeof *weight);
    return b->combo_count++;
}

static bool scratch_new(struct candidates_build *b)
{
    b->width = b->v->streamer_count + 1u; /* sites are not more */
    b->sum = calloc(b->width, sizeof *b->sum);
    b->part = calloc(b->width, sizeof *b->part);
    b->keys = calloc(2 * b->width, sizeof *b->keys);
    return b->sum && b->part && b->keys;
}

struct candidates_build *candidates_build_new(const struct view *v)
{
    static const double first[VIEW_COSTMAPS_MAX] = {1};
    struct candidates_build *b = calloc(1, sizeof *b);

    if (!b)
        return NULL;
    b->v = (struct view *)(uintptr_t)v; /* still being built: view_build's own */
    if (!sites_find(b) || !scratch_new(b) || combo_add(b, first) == SIZE_MAX) {
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
    free(b->combos);
    free(b->sum);
    free(b->part);
    free(b->keys);
    free(b->site);
    free(b->site_of);
    free(b);
}

static bool set_same(const struct set *s, const sidx *streamers, size_t n, size_t combo)
{
    if (s->c->count != n || s->combo != combo)
        return false;
    for (size_t i = 0; i < n; i++)
        if (s->slot[i].streamer != streamers[i])
            return false;
    return true;
}

static void slots_fill(struct candidates_build *b, struct set *s, const sidx *streamers)
{
    s->c->equal_weights = true;
    s->c->can = 0;
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
        s->c->can |= st->conf->can;
        if (s->slot[i].inv_weight != s->slot[0].inv_weight)
            s->c->equal_weights = false;
    }
}

static void live_words_fill(struct set *s)
{
    uint16_t n = 0;

    for (uint16_t i = 0; i < s->c->count; i++) {
        uint16_t word = s->slot[i].live / 64u, at = 0;

        while (at < n && s->live_words[at].word != word)
            at++;
        if (at == n)
            s->live_words[n++] = (struct live_word){.word = word};
        s->live_words[at].mask |= UINT64_C(1) << s->slot[i].live % 64u;
    }
    s->c->live_words = s->live_words;
    s->c->live_word_count = n;
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
    size_t words = n < LIVE_SLOTS / 64 ? n : LIVE_SLOTS / 64;
    struct candidates_folded *folded;

    s->c = arena_array(arena, 1, sizeof *s->c);
    s->slot = arena_array(arena, n, sizeof *s->slot);
    s->live_words = arena_array(arena, words, sizeof *s->live_words);
    s->ranked = ranked_new(arena, rows, stride);
    folded = arena_array(arena, 1, sizeof *folded + n * sizeof *folded->slot);
    s->by_site = calloc(n + 1, sizeof *s->by_site);
    s->first = calloc(b->sites + 1u, sizeof *s->first);
    if (!s->c || !s->slot || !s->live_words || !s->ranked || !folded || !s->by_site || !s->first)
        return false;
    atomic_init(&folded->mean, CANDIDATES_MEAN_UNKNOWN);
    atomic_init(&folded->lowered, CANDIDATES_NEVER_FOLDED);
    folded->others = 0;
    *s->c = (struct candidates){.slot = s->slot,
                                .count = (uint16_t)n,
                                .rows = (uint32_t)rows,
                                .ranked = s->ranked,
                                .stride = stride,
                                .folded = folded};
    return true;
}

const struct candidates *candidates_build_add(struct candidates_build *b, const sidx *streamers,
                                              size_t n, const double *weight)
{
    size_t combo = combo_add(b, weight);
    struct set *grown, *s;

    assert(n <= STREAMERS_MAX);
    if (combo == SIZE_MAX)
        return NULL;
    for (size_t i = 0; i < b->set_count; i++)
        if (set_same(&b->sets[i], streamers, n, combo))
            return b->sets[i].c;
    grown = realloc(b->sets, (b->set_count + 1) * sizeof *grown);
    if (!grown)
        return NULL;
    b->sets = grown;
    s = &grown[b->set_count++];
    *s = (struct set){.combo = combo};
    if (!set_new(b, s, n))
        return NULL;
    b->combos[combo].used = true;
    slots_fill(b, s, streamers);
    live_words_fill(s);
    slots_by_site(b, s);
    return s->c;
}

uint32_t candidates_build_maps(const struct candidates_build *b)
{
    uint32_t maps = 0;

    for (size_t i = 0; i < b->combo_count; i++)
        for (unsigned m = 0; b->combos[i].used && m < b->v->costmap_count; m++)
            if (b->combos[i].weight[m] > 0)
                maps |= 1U << m;
    return maps;
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

/* Ordinal costs say nothing but their order: they become their ranks, from 1, equal ones sharing
 * one. */
static void values_rank(struct candidates_build *b, double *value, size_t n)
{
    size_t known = 0, distinct = 0;

    for (size_t i = 0; i < n; i++)
        if (!isnan(value[i]))
            memcpy(&b->keys[known++], &value[i], sizeof *b->keys); /* not negative: bits sort */
    keys_sort(b->keys, b->keys + b->width, known);
    for (size_t i = 0; i < known; i++)
        if (i == 0 || b->keys[i] != b->keys[distinct - 1])
            b->keys[distinct++] = b->keys[i];
    for (size_t i = 0; i < n; i++) {
        size_t low = 0, high = distinct;
        uint64_t bits;

        memcpy(&bits, &value[i], sizeof bits);
        while (!isnan(value[i]) && low < high) {
            size_t mid = (low + high) / 2;

            if (b->keys[mid] < bits)
                low = mid + 1;
            else
                high = mid;
        }
        if (!isnan(value[i]))
            value[i] = (double)(low + 1);
    }
}

/* Adds n costs of one map, which are in b->part, to b->sum. */
static void part_add(struct candidates_build *b, const struct combo *c, unsigned map, size_t n)
{
    double weight = c->weight[map];

    if (costmap_info_get(b->v->costmaps[map])->mode == COST_ORDINAL)
        values_rank(b, b->part, n);
    for (size_t i = 0; i < n; i++)
        b->sum[i] += weight * b->part[i];
}

static void sum_begin(struct candidates_build *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        b->sum[i] = b->v->costmap_count ? 0 : 1; /* without a cost map all pairs cost the same */
}

static float sum_get(const struct candidates_build *b, size_t i)
{
    double cost = b->sum[i];

    return (float)(cost > COST_MAX ? COST_MAX : cost) + 0.0F; /* no -0, whose bits sort last */
}

/* The costs from src to every site into b->sum; from and to no PID they are not known. */
static void sites_cost(struct candidates_build *b, const struct combo *c, pidx src)
{
    sum_begin(b, b->sites);
    for (unsigned m = 0; m < b->v->costmap_count; m++) {
        if (!(c->weight[m] > 0))
            continue;
        costmap_gather(b->v->costmaps[m], src, b->site, b->sites, b->part);
        part_add(b, c, m, b->sites);
    }
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

/* One row of all sets of a combination. */
static void sets_fill(struct candidates_build *b, size_t combo, uint32_t row, pidx src)
{
    sites_cost(b, &b->combos[combo], src);
    for (uint32_t s = 0; s < b->sites; s++)
        b->keys[s] = cost_key(sum_get(b, s), s);
    keys_sort(b->keys, b->keys + b->width, b->sites);
    for (size_t i = 0; i < b->set_count; i++)
        if (b->sets[i].combo == combo)
            row_fill(b, &b->sets[i], row, b->keys);
}

static void rows_fill(struct candidates_build *b)
{
    struct view *v = b->v;
    uint32_t rows = (v->netmap ? v->netmap->pid_count : 0u) + 1u;
    uint64_t known = 0;
    double sum = 0;

    for (size_t combo = 0; combo < b->combo_count; combo++)
        for (uint32_t row = 0; row < rows; row++) {
            sets_fill(b, combo, row, row == rows - 1 ? PIDX_NONE : (pidx)row);
            for (uint32_t s = 0; combo == 0 && s < b->sites; s++)
                if (!isnan(b->sum[s])) {
                    sum += (double)sum_get(b, s);
                    known++;
                }
        }
    v->cost_unit = mean_cost(sum, known);
    for (size_t i = 0; i < b->set_count; i++)
        b->sets[i].c->cost_unit = mean_cost(b->sets[i].sum, b->sets[i].known);
}

/* Costs of misses of all streamers that have an origin, in their order, into b->sum. Ordinal ones
 * become ranks among themselves. */
static void origins_cost(struct candidates_build *b, const struct combo *c)
{
    const struct view *v = b->v;
    size_t n = 0;

    sum_begin(b, v->streamer_count);
    for (unsigned m = 0; m < v->costmap_count; m++) {
        if (!(c->weight[m] > 0))
            continue;
        n = 0;
        for (sidx i = 0; i < v->streamer_count; i++)
            if (v->streamers[i].origin_pid != PIDX_NONE)
                b->part[n++] =
                    costmap_get(v->costmaps[m], v->streamers[i].pid, v->streamers[i].origin_pid);
        part_add(b, c, m, n);
    }
}

static void set_origin(struct set *s, uint16_t i, float cost)
{
    s->slot[i].origin_cost = cost;
    if (!(cost <= 0)) /* or it is unknown */
        s->c->misses_cost = true;
}

static void origins_fill(struct candidates_build *b)
{
    const struct view *v = b->v;
    struct view_streamer *streamers = (struct view_streamer *)(uintptr_t)v->streamers;

    for (size_t combo = b->combo_count; combo-- > 0;) { /* the first is the streamers' own */
        size_t at = 0;

        origins_cost(b, &b->combos[combo]);
        for (sidx i = 0; i < v->streamer_count; i++)
            streamers[i].origin_cost = streamers[i].origin_pid == PIDX_NONE ? 0 : sum_get(b, at++);
        for (size_t s = 0; s < b->set_count; s++)
            for (uint16_t i = 0; b->sets[s].combo == combo && i < b->sets[s].c->count; i++)
                set_origin(&b->sets[s], i, streamers[b->sets[s].slot[i].streamer].origin_cost);
    }
}

void candidates_build_freeze(struct candidates_build *b)
{
    rows_fill(b);
    origins_fill(b);
}
