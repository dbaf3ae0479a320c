#include "tracker/swarm.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SHARDS         64
#define BLOCK_SWARMS   63 /* swarms are kept in blocks, eight of which fill a run of memory */
#define SWEEP_PARTS    8  /* all swarms are looked at so often within a peer's time-out */
#define SWEEP_STEP     8  /* swarms swept under one hold of a lock */
#define SWEEP_CALL_MAX (1u << 16)
#define AGE_MAX_MS                                                                                 \
    ((uint64_t)8 * 24 * 3600 * 1000) /* of the 12 days that a peer's state can tell */

/* One line of the cache. */
struct swarm {
    uint8_t info_hash[INFO_HASH_LEN];
    uint32_t map; /* whose PIDs the peers have */
    uint32_t completed;
    uint32_t in_use; /* 0: on the free list, whose next is in completed */
    struct peerset set[PEER_FAMILIES];
};
static_assert(sizeof(struct swarm) == 64, "a swarm is a cache line");

/* tag: 32 bits of the keyed hash, which give the place too, so that growing reads no swarm. at: the
 * swarm's number; 0: empty. Linear probing; a removal shifts back what follows. */
struct slot {
    uint32_t tag, at;
};

struct shard {
    pthread_mutex_t lock;
    _Atomic(struct slot *) slots;
    _Atomic uint32_t mask;
    uint32_t used;
    struct swarm **blocks;
    uint32_t block_count, block_cap;
    uint32_t high;      /* numbers up to here have been given out; from 1 */
    uint32_t free_list; /* through completed; 0: none */
    uint32_t sweep_at;
    uint64_t peers, seeds;
} __attribute__((aligned(64)));

struct swarms {
    struct shard shard[SHARDS];
    struct peer_memory memory;
    struct hash_key key, secret;
    uint32_t peers_max; /* a swarm */
    unsigned max_age;   /* ticks */
    uint64_t timeout_ms;
    uint64_t swept_ms; /* sweep only */
};

#define SLOTS_MIN 16u

static struct shard *shard_of(const struct swarms *s, uint64_t hash)
{
    return (struct shard *)(uintptr_t)&s->shard[hash >> 58];
}

static uint32_t tag_of(uint64_t hash)
{
    return (uint32_t)hash;
}

static inline struct swarm *swarm_at(const struct shard *d, uint32_t at)
{
    return &d->blocks[(at - 1) / BLOCK_SWARMS][(at - 1) % BLOCK_SWARMS];
}

static inline struct slot *slots_get(const struct shard *d)
{
    return atomic_load_explicit(&d->slots, memory_order_relaxed);
}

static inline uint32_t mask_get(const struct shard *d)
{
    return atomic_load_explicit(&d->mask, memory_order_relaxed);
}

static void shard_free(struct swarms *s, struct shard *d)
{
    for (uint32_t at = 1; at <= d->high; at++)
        for (unsigned f = 0; f < PEER_FAMILIES; f++)
            peerset_clear(&swarm_at(d, at)->set[f], (enum peer_family)f, &s->memory);
    for (uint32_t i = 0; i < d->block_count; i++)
        peer_memory_resize(&s->memory, d->blocks[i], BLOCK_SWARMS * sizeof(struct swarm), 0);
    peer_memory_resize(&s->memory, d->blocks, d->block_cap * sizeof *d->blocks, 0);
    peer_memory_resize(&s->memory, slots_get(d), (mask_get(d) + 1) * sizeof(struct slot), 0);
    pthread_mutex_destroy(&d->lock);
}

static struct slot *slots_new(struct swarms *s, uint32_t n)
{
    struct slot *slots = peer_memory_resize(&s->memory, NULL, 0, n * sizeof *slots);

    if (slots)
        memset(slots, 0, n * sizeof *slots);
    return slots;
}

struct swarms *swarms_new(const struct tracker_conf *c)
{
    struct swarms *s = aligned_alloc(64, sizeof *s);
    bool ok = s != NULL;

    if (!s)
        return NULL;
    memset(s, 0, sizeof *s);
    peer_memory_init(&s->memory, c->memory_max);
    s->key = hash_key_new();
    s->secret = hash_key_new();
    s->peers_max = c->peers_per_swarm_max;
    s->timeout_ms = (uint64_t)c->peer_timeout_s * 1000;
    if (s->timeout_ms > AGE_MAX_MS)
        s->timeout_ms = AGE_MAX_MS;
    s->max_age = (unsigned)(s->timeout_ms / PEER_TICK_MS) + 1;
    for (unsigned i = 0; i < SHARDS; i++) {
        struct slot *slots = slots_new(s, SLOTS_MIN);

        pthread_mutex_init(&s->shard[i].lock, NULL);
        ok = ok && slots;
        atomic_init(&s->shard[i].slots, slots);
        atomic_init(&s->shard[i].mask, SLOTS_MIN - 1);
    }
    if (!ok) {
        swarms_free(s);
        return NULL;
    }
    return s;
}

void swarms_free(struct swarms *s)
{
    if (!s)
        return;
    for (unsigned i = 0; i < SHARDS; i++)
        shard_free(s, &s->shard[i]);
    peer_memory_fini(&s->memory);
    free(s);
}

uint64_t swarms_hash(const struct swarms *s, const uint8_t info_hash[INFO_HASH_LEN])
{
    return hash_keyed(&s->key, info_hash, INFO_HASH_LEN);
}

const struct hash_key *swarms_secret(const struct swarms *s)
{
    return &s->secret;
}

/* The slot of a swarm, or the empty one where it would go. */
static uint32_t slot_find(const struct shard *d, uint32_t tag, const uint8_t *info_hash)
{
    const struct slot *slots = slots_get(d);
    uint32_t mask = mask_get(d), i = tag & mask;

    for (; slots[i].at; i = (i + 1) & mask)
        if (slots[i].tag == tag &&
            memcmp(swarm_at(d, slots[i].at)->info_hash, info_hash, INFO_HASH_LEN) == 0)
            break;
    return i;
}

static struct swarm *swarm_find(const struct shard *d, uint64_t hash, const uint8_t *info_hash)
{
    uint32_t at = slots_get(d)[slot_find(d, tag_of(hash), info_hash)].at;

    return at ? swarm_at(d, at) : NULL;
}

static void prefetch_slot(const struct shard *d, uint64_t hash)
{
    /* The two may be of different tables while one grows: then the hint is a wrong one, no more. */
    __builtin_prefetch(slots_get(d) + (tag_of(hash) & mask_get(d)));
    __builtin_prefetch(&d->lock);
}

/* Follows the first slot with the tag; that it is another's swarm is one in four billion. */
static void prefetch_swarm(const struct shard *d, uint64_t hash, enum swarms_step step)
{
    const struct slot *slots = slots_get(d);
    uint32_t mask = mask_get(d), i = tag_of(hash) & mask;
    const struct swarm *w;

    while (slots[i].at && slots[i].tag != tag_of(hash))
        i = (i + 1) & mask;
    if (!slots[i].at)
        return;
    w = swarm_at(d, slots[i].at);
    if (step == SWARMS_SWARM)
        __builtin_prefetch(w);
    else
        for (unsigned f = 0; f < PEER_FAMILIES; f++)
            peerset_prefetch(&w->set[f]);
}

void swarms_prefetch(struct swarms *s, uint64_t hash, enum swarms_step step)
{
    struct shard *d = shard_of(s, hash);

    if (step == SWARMS_SLOT) {
        prefetch_slot(d, hash);
    } else if (pthread_mutex_trylock(&d->lock) == 0) {
        prefetch_swarm(d, hash, step);
        pthread_mutex_unlock(&d->lock);
    }
}

static bool slots_grow(struct swarms *s, struct shard *d)
{
    struct slot *old = slots_get(d), *slots;
    uint32_t size = mask_get(d) + 1, mask = size * 2 - 1;

    if ((uint64_t)d->used * 5 < (uint64_t)size * 4)
        return true;
    if (size >= UINT32_C(1) << 30)
        return false;
    slots = slots_new(s, size * 2);
    if (!slots)
        return false;
    for (uint32_t i = 0; i < size; i++) {
        uint32_t to = old[i].tag & mask;

        if (!old[i].at)
            continue;
        while (slots[to].at)
            to = (to + 1) & mask;
        slots[to] = old[i];
    }
    atomic_store_explicit(&d->slots, slots, memory_order_relaxed);
    atomic_store_explicit(&d->mask, mask, memory_order_relaxed);
    peer_memory_resize(&s->memory, old, sizeof *old * size, 0);
    return true;
}

static bool block_add(struct swarms *s, struct shard *d)
{
    struct swarm **blocks = d->blocks;
    uint32_t cap = d->block_cap ? d->block_cap * 2 : 4;

    if (d->block_count == d->block_cap) {
        blocks = peer_memory_resize(&s->memory, d->blocks, d->block_cap * sizeof *blocks,
                                    cap * sizeof *blocks);
        if (!blocks)
            return false;
        d->blocks = blocks;
        d->block_cap = cap;
    }
    blocks[d->block_count] =
        peer_memory_resize(&s->memory, NULL, 0, BLOCK_SWARMS * sizeof(struct swarm));
    if (!blocks[d->block_count])
        return false;
    d->block_count++;
    return true;
}

static struct swarm *swarm_add(struct swarms *s, struct shard *d, const struct swarm_ask *ask)
{
    uint32_t at = d->free_list, i;
    struct swarm *w;

    if (!slots_grow(s, d))
        return NULL;
    if (!at && d->high == d->block_count * BLOCK_SWARMS && !block_add(s, d))
        return NULL;
    if (at)
        d->free_list = swarm_at(d, at)->completed;
    else
        at = ++d->high;
    w = swarm_at(d, at);
    *w = (struct swarm){.map = ask->map->map, .in_use = 1};
    memcpy(w->info_hash, ask->info_hash, INFO_HASH_LEN);
    i = slot_find(d, tag_of(ask->hash), w->info_hash);
    slots_get(d)[i] = (struct slot){tag_of(ask->hash), at};
    d->used++;
    return w;
}

static void swarm_remove(struct swarms *s, struct shard *d, uint32_t at)
{
    struct swarm *w = swarm_at(d, at);
    struct slot *slots = slots_get(d);
    uint32_t mask = mask_get(d);
    uint32_t gap = slot_find(d, tag_of(swarms_hash(s, w->info_hash)), w->info_hash);

    for (uint32_t i = (gap + 1) & mask; slots[i].at; i = (i + 1) & mask) {
        uint32_t home = slots[i].tag & mask;

        /* It may move to the gap unless its home lies behind the gap. */
        if (((i - home) & mask) >= ((i - gap) & mask)) {
            slots[gap] = slots[i];
            gap = i;
        }
    }
    slots[gap] = (struct slot){0};
    d->used--;
    *w = (struct swarm){.completed = d->free_list};
    d->free_list = at;
}

static uint32_t peers_of(const struct swarm *w)
{
    return w->set[PEER_V4].count + w->set[PEER_V6].count;
}

static uint32_t seeds_of(const struct swarm *w)
{
    return w->set[PEER_V4].seeds + (uint32_t)w->set[PEER_V6].seeds;
}

static void counts_of(const struct swarm *w, struct swarm_counts *out)
{
    out->seeds = seeds_of(w);
    out->leechers = peers_of(w) - out->seeds;
    out->completed = w->completed;
}

static pidx locate_nowhere(const void *ctx, struct addr a)
{
    (void)ctx;
    (void)a;
    return PIDX_NONE;
}

static void swarm_relocate(struct swarms *s, struct swarm *w, const struct swarm_map *map)
{
    for (unsigned f = 0; f < PEER_FAMILIES; f++)
        peerset_relocate(&w->set[f], (enum peer_family)f, &s->memory,
                         map->locate ? map->locate : locate_nowhere, map->ctx);
    w->map = map->map;
}

/* Puts the asker in, renews it or takes it out. */
static void swarm_update(struct swarms *s, struct swarm *w, const struct swarm_ask *ask,
                         const struct peer_key *key, struct swarm_answer *out)
{
    enum peer_family f = peer_family_of(ask->addr);
    struct peerset *set = &w->set[f];
    uint16_t state = peer_state_make(ask->now_ms, ask->seed), was = 0;
    struct peer_pos pos;

    out->known = peerset_find(set, f, key, &pos);
    if (out->known)
        was = peerset_state_get(set, f, pos);
    if (ask->event == ANNOUNCE_STOPPED) {
        if (out->known)
            peerset_remove(set, f, &s->memory, pos);
        return;
    }
    if (ask->event == ANNOUNCE_COMPLETED && !(was & PEER_STATE_SEED) && w->completed < UINT32_MAX)
        w->completed++;
    if (out->known) {
        peerset_state_set(set, f, pos, state);
        out->stored = true;
    } else {
        out->stored =
            peers_of(w) < s->peers_max && peerset_insert(set, f, &s->memory, pos, key, state);
    }
}

static void swarm_sample(const struct swarms *s, const struct swarm *w, const struct swarm_ask *ask,
                         const struct peer_key *key, struct swarm_answer *out)
{
    struct peer_wish wish = {.near = ask->near,
                             .near_count = ask->near_count,
                             .near_want = ask->near_want,
                             .random_want = ask->random_want,
                             .no_seeds = ask->seed,
                             .self = *key,
                             .now = peer_state_make(ask->now_ms, false),
                             .max_age = s->max_age,
                             .random = ask->random};

    for (unsigned f = 0; f < PEER_FAMILIES; f++) {
        wish.has_self = peer_family_of(ask->addr) == f;
        if (ask->family[f])
            peerset_sample(&w->set[f], (enum peer_family)f, &wish, &out->sample[f]);
    }
}

void swarms_announce(struct swarms *s, const struct swarm_ask *ask, struct swarm_answer *out)
{
    struct shard *d = shard_of(s, ask->hash);
    struct peer_key key;
    struct swarm *w;

    peer_key_make(&key, ask->pid, ask->addr, ask->port);
    out->counts = (struct swarm_counts){0};
    out->known = out->stored = false;
    for (unsigned f = 0; f < PEER_FAMILIES; f++)
        out->sample[f].n = 0;
    pthread_mutex_lock(&d->lock);
    w = swarm_find(d, ask->hash, ask->info_hash);
    if (!w && ask->event != ANNOUNCE_STOPPED)
        w = swarm_add(s, d, ask);
    if (w) {
        uint32_t peers = peers_of(w), seeds = seeds_of(w);

        if (w->map != ask->map->map)
            swarm_relocate(s, w, ask->map);
        swarm_update(s, w, ask, &key, out);
        swarm_sample(s, w, ask, &key, out);
        counts_of(w, &out->counts);
        d->peers += (uint64_t)peers_of(w) - peers;
        d->seeds += (uint64_t)seeds_of(w) - seeds;
    }
    pthread_mutex_unlock(&d->lock);
}

bool swarms_scrape(struct swarms *s, const uint8_t info_hash[INFO_HASH_LEN],
                   struct swarm_counts *out)
{
    uint64_t hash = swarms_hash(s, info_hash);
    struct shard *d = shard_of(s, hash);
    const struct swarm *w;

    *out = (struct swarm_counts){0};
    pthread_mutex_lock(&d->lock);
    w = swarm_find(d, hash, info_hash);
    if (w)
        counts_of(w, out);
    pthread_mutex_unlock(&d->lock);
    return w != NULL;
}

void swarms_stats_get(const struct swarms *s, struct swarms_stats *out)
{
    *out = (struct swarms_stats){
        .bytes = atomic_load_explicit(&s->memory.used, memory_order_relaxed) + sizeof *s};
    for (unsigned i = 0; i < SHARDS; i++) {
        struct shard *d = shard_of(s, (uint64_t)i << 58);

        pthread_mutex_lock(&d->lock);
        out->swarms += d->used;
        out->peers += d->peers;
        out->seeds += d->seeds;
        pthread_mutex_unlock(&d->lock);
    }
}

/* The next few swarms of a shard; returns how many it looked at. */
static uint32_t shard_sweep(struct swarms *s, struct shard *d, uint16_t now, uint32_t max)
{
    uint32_t n = 0;

    pthread_mutex_lock(&d->lock);
    for (; n < max && n < d->high; n++) {
        struct swarm *w;
        uint32_t peers, seeds;

        d->sweep_at = d->sweep_at >= d->high ? 1 : d->sweep_at + 1;
        w = swarm_at(d, d->sweep_at);
        if (!w->in_use)
            continue;
        peers = peers_of(w);
        seeds = seeds_of(w);
        for (unsigned f = 0; f < PEER_FAMILIES; f++)
            peerset_expire(&w->set[f], (enum peer_family)f, &s->memory, now, s->max_age);
        d->peers += (uint64_t)peers_of(w) - peers;
        d->seeds += (uint64_t)seeds_of(w) - seeds;
        if (peers_of(w) == 0)
            swarm_remove(s, d, d->sweep_at);
    }
    pthread_mutex_unlock(&d->lock);
    return n;
}

void swarms_sweep(struct swarms *s, uint64_t now_ms)
{
    uint64_t span = s->timeout_ms / SWEEP_PARTS + 1, past = now_ms - s->swept_ms;
    uint16_t now = peer_state_make(now_ms, false);

    if (s->swept_ms == 0 || past > span)
        past = span;
    s->swept_ms = now_ms;
    for (unsigned i = 0; i < SHARDS; i++) {
        struct shard *d = &s->shard[i];
        uint64_t todo;

        pthread_mutex_lock(&d->lock);
        todo = d->high * past / span + 1;
        pthread_mutex_unlock(&d->lock);
        if (todo > SWEEP_CALL_MAX)
            todo = SWEEP_CALL_MAX;
        while (todo > 0) {
            uint32_t did = shard_sweep(s, d, now, todo < SWEEP_STEP ? (uint32_t)todo : SWEEP_STEP);

            todo -= did;
            if (did == 0)
                break;
        }
    }
}
