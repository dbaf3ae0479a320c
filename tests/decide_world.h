/* Random worlds for the properties of the decision: maps, streamers and their state, what caches
 * remember, hot contents, footprints, policies. A view is built from a world as it is, so that the
 * test can change one thing and build the next. Failures name the seed. */
#pragma once

#include <limits.h>

#include "base/log.h"
#include "router/cache_memory.h"
#include "router/coverage.h"
#include "router/digest.h"
#include "router/hot.h"
#include "router/rendezvous.h"
#include "router/traffic_router_hash.h"
#include "tests/view_fixture.h"

#define STREAMERS 1000
#define PIDS      2000
#define CONTENTS  64 /* that are remembered, hot or in digests; there are others */
#define DIGESTS   4
#define MAPS      2

/* What a view and its live words are made of. */
struct world {
    uint64_t seed;
    struct dice dice;
    uint32_t pids;
    double *costs[MAPS]; /* [pids][pids]; the second is NULL unless costs are combined */
    struct fixture_maps maps;
    struct view_source *second; /* of costs[1] */
    bool maps_made;
    double map_weight[MAPS];
    enum cost_mode mode;
    unsigned n;
    struct fixture_names names[STREAMERS];
    struct streamer_conf s[STREAMERS];
    uint32_t sessions[STREAMERS];
    float scale[STREAMERS];
    uint16_t known_pm[STREAMERS];
    uint64_t remembered[STREAMERS];     /* bit k: content k */
    uint8_t digest[STREAMERS];          /* 0: none, else number - 1 */
    uint32_t footprint[STREAMERS];      /* 0: everybody, else every so manieth PID ... */
    uint32_t footprint_from[STREAMERS]; /* ... from this one */
    enum health v4[STREAMERS], v6[STREAMERS];
    enum admin_state admin[STREAMERS];
    uint64_t content[CONTENTS];
    uint8_t key[CONTENTS][DIGEST_KEY_LEN];
    uint8_t owners[CONTENTS];
    bool footprints;
    struct policy_conf policy;
};

enum kind {
    KIND_ANY = 0,
    KIND_HEALTHY = 1, /* everybody is up */
    KIND_FLAT = 2,    /* all costs equal, nobody loaded, everybody can everything */
    KIND_APART = 4,   /* a PID for each streamer, none twice */
    KIND_SMALL = 8,
};

static struct world w;
static struct digest_live *world_digests[DIGESTS];

/* Mostly small, a few large. */
static inline uint32_t world_size(struct dice *d, uint32_t max, unsigned kind)
{
    uint32_t roll = dice_below(d, 40);

    if (kind & KIND_SMALL || roll > 5)
        max = 24;
    else if (roll)
        max = 150;
    return 2 + dice_below(d, max - 1);
}

static inline void world_costs(struct dice *d, unsigned kind, unsigned map)
{
    unsigned holes = dice_below(d, 3) ? 0 : dice_below(d, 60);
    uint32_t most = dice_below(d, 2) ? 20 : 1000; /* few values: many ties */

    w.costs[map] = calloc((size_t)w.pids * w.pids, sizeof *w.costs[map]);
    for (size_t i = 0; i < (size_t)w.pids * w.pids; i++)
        w.costs[map][i] = kind & KIND_FLAT             ? 5
                          : dice_below(d, 100) < holes ? (double)NAN
                                                       : dice_below(d, most);
}

static inline void world_streamer_state(struct dice *d, unsigned i, unsigned kind)
{
    static const uint16_t hits[] = {0, 500, 900, 1000};
    bool troubled = !(kind & KIND_HEALTHY) && dice_below(d, 2);
    struct streamer_conf *s = &w.s[i];

    if (dice_below(d, 8) == 0)
        s->can = (uint8_t)(1 + dice_below(d, 15));
    if (!(s->can & (STREAMER_V4 | STREAMER_V6)))
        s->can |= STREAMER_V4;
    s->capacity = dice_below(d, 10) ? 1 + dice_below(d, 1000) : 0;
    w.sessions[i] = (uint32_t)(dice_unit(d) * (dice_below(d, 8) ? 0.95 : 1.5) *
                               (s->capacity > 0 ? s->capacity : 1000));
    if (dice_below(d, 4) == 0)
        w.scale[i] = (float)(0.25 + 3 * dice_unit(d));
    s->hit_pm = hits[dice_below(d, 4)];
    w.known_pm[i] = (uint16_t)(s->hit_pm + dice_below(d, 1001u - s->hit_pm));
    w.remembered[i] = dice_next(d) & dice_next(d);
    w.digest[i] = (uint8_t)(dice_below(d, 4) ? 0 : 1 + dice_below(d, DIGESTS));
    if (w.footprints && dice_below(d, 3) == 0) {
        w.footprint[i] = 1 + dice_below(d, 4);
        w.footprint_from[i] = dice_below(d, w.footprint[i]);
    }
    if (dice_below(d, 2)) {
        snprintf(w.names[i].origin, sizeof w.names[i].origin, "p%u", dice_below(d, w.pids));
        s->origin_pid = str_from(w.names[i].origin);
    }
    if (troubled) {
        w.v4[i] = (enum health)dice_below(d, 4);
        w.v6[i] = (enum health)dice_below(d, 4);
        w.admin[i] = dice_below(d, 4) ? ADMIN_UP : (enum admin_state)dice_below(d, 4);
    }
}

static inline void world_streamer(struct dice *d, unsigned i, unsigned kind)
{
    struct streamer_conf *s = &w.s[i];

    *s = fixture_streamer(&w.names[i], i,
                          kind & KIND_APART                       ? (int)i
                          : dice_below(d, 50) || kind & KIND_FLAT ? (int)dice_below(d, w.pids)
                                                                  : -1);
    s->weight = dice_below(d, 3) ? 1 : 0.25 + 4 * dice_unit(d);
    if (w.policy.hash == HASH_TRAFFIC_ROUTER)
        s->weight *= 0.02; /* 1,000 points each take their time */
    w.scale[i] = 1;
    if (!(kind & KIND_FLAT))
        world_streamer_state(d, i, kind);
    else if (w.seed % 2) /* misses cost something, and everybody the same */
        s->origin_pid = STR("p0");
}

static inline void world_policy(struct dice *d)
{
    w.policy = fixture_policy;
    if (dice_below(d, 2)) {
        w.policy.band = dice_below(d, 3) ? dice_unit(d) : 0;
        w.policy.eps = dice_unit(d);
        w.policy.balance_from = dice_unit(d);
        w.policy.load_weight = 2 * dice_unit(d);
        w.policy.origin_weight = 2 * dice_unit(d);
        w.policy.cost_weight = dice_below(d, 5) ? 2 * dice_unit(d) : 0;
    }
    if (dice_below(d, 3) == 0)
        w.policy.hash = HASH_TRAFFIC_ROUTER;
    if (dice_below(d, 4) == 0)
        w.policy.owners = (uint16_t)dice_below(d, 5);
    w.policy.owners_max = (uint16_t)(dice_below(d, 4) ? 64 : 3);
}

static inline void world_contents(struct dice *d)
{
    for (unsigned i = 0; i < CONTENTS; i++) {
        w.content[i] = dice_next(d);
        for (unsigned k = 0; k < DIGEST_KEY_LEN; k++)
            w.key[i][k] = (uint8_t)dice_next(d);
        w.owners[i] = (uint8_t)(dice_below(d, 3)   ? 0
                                : dice_below(d, 3) ? 2 + dice_below(d, 6)
                                                   : 255);
    }
    for (unsigned i = 0; i < DIGESTS && !world_digests[i]; i++) {
        struct digest_info info = {.capacity = 1600,
                                   .count = 1600,
                                   .mask_size = 1000,
                                   .bits_per_entry = 5,
                                   .hash_count = 4};
        uint8_t mask[1000];
        struct err e = {0};

        for (unsigned k = 0; k < sizeof mask; k++)
            mask[k] = (uint8_t)(dice_next(d) | dice_next(d));
        world_digests[i] = digest_live_new();
        ck_assert(digest_live_set(world_digests[i], &info, mask, &e) == ERR_OK);
    }
}

static inline void world_init(uint64_t seed, unsigned kind)
{
    struct dice *d = &w.dice;

    memset(&w, 0, sizeof w);
    w.seed = seed;
    d->state = hash_mix(seed, 1) | 1;
    w.n = world_size(d, STREAMERS, kind);
    w.pids = world_size(d, PIDS, kind);
    if (kind & KIND_APART && w.pids < w.n)
        w.pids = w.n;
    w.mode = COST_NUMERICAL;
    world_costs(d, kind, 0);
    w.map_weight[0] = 1;
    if (dice_below(d, 3) == 0) {
        world_costs(d, kind, 1);
        w.map_weight[0] = 2 * dice_unit(d);
        w.map_weight[1] = 0.01 + dice_unit(d);
    }
    world_contents(d);
    world_policy(d);
    w.footprints = dice_below(d, 3) == 0;
    for (unsigned i = 0; i < w.n; i++)
        world_streamer(d, i, kind);
}

/* Behind a change of w.costs. */
static inline void world_maps_drop(void)
{
    if (w.maps_made) {
        fixture_maps_drop(&w.maps);
        view_source_drop(w.second);
        w.second = NULL;
    }
    w.maps_made = false;
}

static inline void world_fini(void)
{
    world_maps_drop();
    free(w.costs[0]);
    free(w.costs[1]);
}

struct built {
    struct live *live;
    struct view *v;
    struct cache_memory *memory;
    struct coverage *coverage; /* NULL: everybody */
};

static inline unsigned number_of(const struct view *v, sidx i)
{
    return (unsigned)atoi(v->streamers[i].conf->name.p + 1);
}

static inline bool serves_pid(unsigned i, uint32_t pid)
{
    return !w.footprint[i] || (pid != UINT32_MAX && pid % w.footprint[i] == w.footprint_from[i]);
}

/* Of a PID of the view; UINT32_MAX: none. */
static inline uint32_t pid_number(const struct view *v, pidx pid)
{
    return pid == PIDX_NONE ? UINT32_MAX : (uint32_t)atoi(v->netmap->pids[pid].name.p + 1);
}

static inline void built_coverage(struct built *b)
{
    sidx n = b->v->streamer_count;
    unsigned words = (n + 63u) / 64;
    uint64_t *by_pid;

    if (!w.footprints)
        return;
    by_pid = calloc((size_t)(w.pids + 1) * words, sizeof *by_pid);
    for (uint32_t p = 0; p <= w.pids; p++)
        for (sidx i = 0; i < n; i++)
            if (serves_pid(number_of(b->v, i), pid_number(b->v, p < w.pids ? (pidx)p : PIDX_NONE)))
                by_pid[p * words + i / 64u] |= UINT64_C(1) << i % 64u;
    b->coverage = malloc(sizeof *b->coverage);
    *b->coverage = (struct coverage){.words = words, .levels = 1, .pids = w.pids, .by_pid = by_pid};
    b->v->coverage = b->coverage;
}

static inline void built_live(struct built *b)
{
    for (sidx at = 0; at < b->v->streamer_count; at++) {
        unsigned i = number_of(b->v, at);
        lidx slot = b->v->streamers[at].live;

        live_health_set(b->live, slot, false, w.v4[i]);
        live_health_set(b->live, slot, true, w.v6[i]);
        live_admin_set(b->live, slot, w.admin[i]);
        live_dispatch(b->live, slot, w.sessions[i]);
        live_scale_set(b->live, slot, w.scale[i]);
        live_hit_known_set(b->live, slot, w.known_pm[i]);
        if (w.digest[i])
            atomic_store(&b->live->streamer[slot].digest, world_digests[w.digest[i] - 1]);
        for (unsigned k = 0; k < CONTENTS; k++)
            if (w.remembered[i] >> k & 1)
                cache_memory_add(b->memory, w.content[k], slot);
    }
    b->live->hot = hot_new();
    for (unsigned k = 0; k < CONTENTS; k++)
        if (w.owners[k])
            ck_assert(hot_set(b->live->hot, w.content[k], w.owners[k], w.owners[k] * 9));
}

static inline void world_maps_make(void)
{
    if (w.maps_made)
        return;
    w.maps = fixture_maps(w.pids, w.costs[0], w.mode);
    if (w.costs[1])
        w.second = fixture_costmap(&w.maps, w.pids, w.costs[1], w.mode, "delay-ow");
    w.maps_made = true;
}

static inline struct view *world_view(const struct streamer_conf *s, size_t n, struct live *live)
{
    const struct cost_part costs[MAPS] = {{STR("routingcost"), w.map_weight[0]},
                                          {STR("delay-ow"), w.map_weight[1]}};
    struct service_conf service = {
        .name = STR("svc"), .policy = w.policy, .costs = costs, .cost_count = w.second ? MAPS : 0};
    struct view_inputs in = {.serial = 1,
                             .netmap = w.maps.netmap,
                             .costmap = w.maps.costmap,
                             .more_costmaps = &w.second,
                             .more_costmap_count = w.second ? 1 : 0,
                             .streamers = s,
                             .streamer_count = n,
                             .services = &service,
                             .service_count = 1};
    struct view *v = NULL;
    struct err e = {0};

    ck_assert_msg(view_build(&in, live, &v, &e) == ERR_OK, "seed %ju: %s", (uintmax_t)w.seed,
                  e.text);
    return v;
}

/* What the service pays for a pair; NAN: unknown. */
static inline double reference_cost(const struct view *v, pidx src, pidx dst)
{
    double sum = 0;

    for (unsigned m = 0; m < v->costmap_count; m++)
        if (w.map_weight[m] > 0)
            sum += w.map_weight[m] * (src == PIDX_NONE || dst == PIDX_NONE
                                          ? (double)NAN
                                          : costmap_get(v->costmaps[m], src, dst));
    return (double)(float)sum;
}

static inline double reference_origin(const struct view *v, const struct view_streamer *s)
{
    return s->origin_pid == PIDX_NONE ? 0 : reference_cost(v, s->pid, s->origin_pid);
}

/* The world as it is now, in this order of configuration (NULL: as it comes), less one streamer. */
static inline struct built build_less(const unsigned *order, unsigned less)
{
    static struct streamer_conf s[STREAMERS];
    struct built b = {.live = live_new()};
    struct err e = {0};
    unsigned n = 0;

    world_maps_make();
    for (unsigned i = 0; i < w.n; i++)
        if ((order ? order[i] : i) != less)
            s[n++] = w.s[order ? order[i] : i];
    b.v = world_view(s, n, b.live);
    ck_assert(cache_memory_new((size_t)1 << 18, n, NULL, &b.memory, &e) == ERR_OK);
    b.v->cache_memory = b.memory;
    built_live(&b);
    built_coverage(&b);
    return b;
}

static inline struct built build(void)
{
    return build_less(NULL, UINT_MAX);
}

static inline void built_fini(struct built *b)
{
    b->v->cache_memory = NULL;
    view_drop(b->v);
    cache_memory_drop(b->memory);
    hot_free(b->live->hot);
    for (unsigned i = 0; i < LIVE_SLOTS; i++) /* worlds share them; live words own theirs */
        atomic_store(&b->live->streamer[i].digest, NULL);
    live_free(b->live);
    if (b->coverage)
        free((void *)(uintptr_t)b->coverage->by_pid);
    free(b->coverage);
}

static inline struct question random_question(struct dice *d)
{
    static const uint8_t needs[] = {0,
                                    STREAMER_V4,
                                    STREAMER_V6,
                                    STREAMER_HTTP,
                                    STREAMER_V4 | STREAMER_HTTP,
                                    STREAMER_V4 | STREAMER_V6};
    unsigned k = dice_below(d, CONTENTS);
    struct question q = {.content = dice_below(d, 4) ? w.content[k] : dice_next(d),
                         .need = needs[dice_below(d, 6)],
                         .want = (uint8_t)(1 + dice_below(d, DECISION_MAX)),
                         .ring = dice_unit(d) * 0x1p128,
                         .digest_key = dice_below(d, 2) ? w.key[k] : NULL};

    if (dice_below(d, 3) == 0) {
        q.need &= (uint8_t) ~(STREAMER_V4 | STREAMER_V6);
        q.need_any = STREAMER_V4 | STREAMER_V6;
    }
    q.client = dice_below(d, 20) ? fixture_client(dice_below(d, w.pids)) : addr_from_v4(1);
    return q;
}

/* Index in the world; w.n when there is none. */
static inline unsigned first_of(const struct built *b, struct question q)
{
    struct decision d;

    decide(b->v, b->live, &q, &d);
    return d.count ? number_of(b->v, d.choice[0].streamer) : w.n;
}

/* Stage 4, said again. */
static inline bool can(unsigned i, const struct question *q)
{
    uint32_t client = (addr_v4(q->client) - (UINT32_C(10) << 24)) >> 12;

    return (w.s[i].can & q->need) == q->need && (!q->need_any || (w.s[i].can & q->need_any)) &&
           serves_pid(i, client < w.pids ? client : UINT32_MAX);
}

/* Usable, said again from the words of decide.h. */
static inline enum usable usable(unsigned i, enum admin_state admin, const struct question *q)
{
    unsigned all = q->need & 3, any = q->need_any & 3;
    health_word word = (health_word)w.v4[i] | (health_word)w.v6[i] << 2 | (health_word)admin << 4;
    enum usable worst = USABLE_YES, best = USABLE_NO;

    for (unsigned f = 0; f < 2; f++) {
        enum usable u = live_usable(word, f == 1);

        if (all & 1u << f && u < worst)
            worst = u;
        if ((any ? any : 3u) & w.s[i].can & 1u << f && u > best)
            best = u;
    }
    return all ? worst : best;
}

static inline double reference_pull(unsigned i, const struct question *q)
{
    if (w.policy.hash == HASH_TRAFFIC_ROUTER) {
        static uint64_t seed;
        static double weight[STREAMERS];
        static struct ring_points ring[STREAMERS];
        static struct arena *arena;

        if (seed != w.seed) {
            arena_free(arena);
            arena = arena_new((size_t)1 << 26);
            memset(ring, 0, sizeof ring);
        }
        seed = w.seed;
        if (!ring[i].at || weight[i] != w.s[i].weight)
            ck_assert(ring_points_make(w.s[i].name, w.s[i].weight, arena, &ring[i]));
        weight[i] = w.s[i].weight;
        return ring_distance(&ring[i], q->ring);
    }
    return rendezvous_minus_ln(hash_mix(q->content, hash_content(w.s[i].name.p, w.s[i].name.n))) /
           w.s[i].weight;
}

static inline bool reference_owns(unsigned i, const struct question *q)
{
    for (unsigned o = 0; o < w.n; o++)
        if (reference_pull(o, q) < reference_pull(i, q))
            return false;
    return true;
}

/* 0 healthy, 1 suspect, 2 draining, 3 down, 4 out or cannot; *edge: if it did not drain. */
static inline unsigned reference_standing(unsigned i, const struct question *q, unsigned *edge)
{
    bool drains = w.admin[i] == ADMIN_DRAIN;
    enum usable u = usable(i, drains ? ADMIN_UP : w.admin[i], q);

    *edge = 4;
    if (!can(i, q) || w.admin[i] == ADMIN_DOWN)
        return 4;
    *edge = u == USABLE_YES ? 0 : u == USABLE_SUSPECT ? 1 : 3;
    return drains && *edge < 2 && !reference_owns(i, q) ? 2 : *edge;
}

static inline double load(unsigned i)
{
    return w.s[i].capacity > 0 ? w.sessions[i] * (double)w.scale[i] / w.s[i].capacity : 0;
}

static inline bool is_full(unsigned i)
{
    return w.s[i].capacity > 0 && w.sessions[i] * (double)w.scale[i] >= w.s[i].capacity;
}

static inline struct str name_of(const struct built *b, sidx i)
{
    return b->v->streamers[i].conf->name;
}

#define SAY(cond, ...) ck_assert_msg(cond, "seed %ju, content %ju: " __VA_ARGS__)
#define AT             (uintmax_t) w.seed, (uintmax_t)q.content
