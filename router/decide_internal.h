/* What the parts of the decision share: decide.c (its entry, and the scan that keeps what it sees),
 * decide_first.c (the short way for one choice), decide_rank.c (the order of what was kept). */
#pragma once

#include <math.h>

#include "router/cache_memory.h"
#include "router/candidates.h"
#include "router/coverage.h"
#include "router/decide.h"
#include "router/digest.h"
#include "router/rendezvous.h"
#include "router/traffic_router_hash.h"

/* Stage 5's result, best first. */
enum standing {
    STANDING_HEALTHY,
    STANDING_SUSPECT,
    STANDING_DRAINING, /* and the content is not its own */
    STANDING_DOWN,
    STANDING_OUT
};

/* Stages 6 and 7 in one number, lower first: the tier, then what is not known of the score. A cost
 * that is not known is worse than misses whose cost is not. */
#define CLASS_BEST           0
#define CLASS_UNKNOWN_ORIGIN 1u
#define CLASS_UNKNOWN_COST   2u
#define CLASS_UNKNOWN        3u
#define CLASS_TIER           4u
#define CLASS_COUNT          12

#define OWNERS_MAX 255 /* decision.owners */
/* Streamers of a service: with more of them the look for a home takes too long. */
#define HOMES_MAX 128

/* A candidate that was looked at. */
struct seen {
    double score; /* the known terms */
    double fixed; /* of them, those that do not depend on load */
    double plain; /* of them, those that do not depend on the content */
    double pull;  /* of the content, once the band is known */
    float cost, origin, load, hit;
    uint16_t slot;
    uint8_t standing;
    uint8_t edge; /* of a draining one: the standing that it would have */
    uint8_t class;
    bool known, in_band, owner;
};

/* Words of a bitset that costs something to read: each is read when first asked for. */
struct words {
    uint64_t done[2];
    uint64_t word[128];
};

/* One question being answered. */
struct asking {
    const struct view *v;
    const struct live *live;
    const struct question *q;
    const struct located *at;
    const struct candidates *set;
    const struct policy_conf *policy;
    const struct ring_points *rings;   /* NULL: rendezvous hashing */
    const struct coverage *coverage;   /* NULL: everybody serves everywhere */
    const struct cache_memory *memory; /* NULL: nothing is remembered */
    double load_unit;                  /* load_weight * cost_unit */
    double band_least; /* a best score below this counts as this for the width of the band */
    double cap;        /* NAN until somebody's load makes it matter */
    unsigned owners;   /* of the content: 1..OWNERS_MAX */
    const struct candidate *home; /* where the content is expected, for nobody is remembered to have
                                     it; NULL: nowhere */
    double miss_weight; /* origin_weight, shared by those who ask for the content there meanwhile */
    struct seen *seen;  /* [room] */
    unsigned count, room;
    uint32_t row;                  /* of the matrix */
    unsigned of[STANDING_OUT + 1]; /* how many of each standing were looked at */
    double nearest_dropped;        /* lowest known `fixed` of those that were not kept ... */
    double plainest_dropped;       /* ... and lowest `plain` of those of the best class */
    struct trace_row *trace;       /* NULL: the scan may end early */
    size_t traced;
    struct words covered;    /* by streamer */
    struct words remembered; /* by live slot */
};

/* decide_first.c. false: it is the others' to say. */
bool decide_first(struct asking *a, struct decision *out);
/* decide_rank.c: from what is in a->seen. */
void decide_rank(struct asking *a, struct decision *out);

/* Of a candidate, without what its place in the ranking says. */
struct trace_row trace_row_of(struct asking *a, uint16_t slot, enum excluded x);
enum standing standing_of(const struct asking *a, uint16_t slot, health_word w, uint8_t *edge);
double cap_of(struct asking *a);

static inline double pull_of(const struct asking *a, const struct candidate *c)
{
    if (a->rings)
        return ring_distance(&a->rings[c->streamer], a->q->ring);
    if (a->set->equal_weights)
        return rendezvous_pull_equal(a->q->content, c->hash);
    return rendezvous_pull(a->q->content, c->hash, c->inv_weight);
}

/* Stage 4: what it can do, and for whom. */
static inline bool can_serve(const struct question *q, const struct candidate *c)
{
    return (c->can & q->need) == q->need && (q->need_any == 0 || (c->can & q->need_any));
}

static inline bool word_missing(struct words *w, unsigned i)
{
    uint64_t bit = UINT64_C(1) << (i % 64);
    bool missing = !(w->done[i / 64] & bit);

    w->done[i / 64] |= bit;
    return missing;
}

static inline bool covers(struct asking *a, const struct candidate *c)
{
    unsigned w = c->streamer / 64u;

    if (!a->coverage)
        return true;
    if (word_missing(&a->covered, w))
        a->covered.word[w] = coverage_word(a->coverage, a->at, w);
    return a->covered.word[w] >> c->streamer % 64u & 1;
}

/* a->memory is there */
static inline uint64_t remembered_word(struct asking *a, unsigned w)
{
    if (word_missing(&a->remembered, w))
        a->remembered.word[w] = cache_memory_word(a->memory, a->q->content, w);
    return a->remembered.word[w];
}

static inline bool remembers(struct asking *a, lidx i)
{
    return a->memory && remembered_word(a, i / 64u) >> i % 64u & 1;
}

/* What it says itself goes before what was sent there: 1 has, 0 has not, -1 nothing is known. */
static inline int digest_says(const struct asking *a, lidx i)
{
    const struct digest_live *d;

    if (!a->q->digest_key)
        return -1;
    d = atomic_load_explicit(&a->live->streamer[i].digest, memory_order_acquire);
    return d ? digest_live_has(d, a->q->digest_key) : -1;
}

static inline float float_get(const _Atomic uint32_t *word)
{
    uint32_t bits = atomic_load_explicit(word, memory_order_relaxed);
    float f;

    memcpy(&f, &bits, sizeof f);
    return f;
}

/* NAN: nobody has folded yet. */
static inline float mean_folded(const struct asking *a)
{
    return float_get(&a->set->folded->mean);
}

static inline double penalty_of(double load)
{
    return load < 1 ? load * load / (2 - load) : 1 + 3 * (load - 1);
}

/* Belief at home: nearly as at one that is known to have it. Never above that: the floors of
 * candidates are reckoned with it. */
#define HOME_TENTHS 8u

static inline uint32_t home_hit_pm(const struct live_streamer *s, uint32_t hit_pm)
{
    uint32_t known_pm = atomic_load_explicit(&s->hit_known_pm, memory_order_relaxed);

    return known_pm > hit_pm ? hit_pm + (known_pm - hit_pm) * HOME_TENTHS / 10 : hit_pm;
}

/* Stage 6. */
struct terms {
    double units, load;
    double origin; /* NAN: unknown */
    double fixed, plain, score;
    double hit;
    bool known;
};

/* The terms are added in this order everywhere: weighted cost alone is then never above the score,
 * which is what lets a scan end. */
static inline struct terms terms_of(struct asking *a, const struct candidate *c, float cost_known)
{
    const struct live_streamer *s = &a->live->streamer[c->live];
    double cost = a->policy->cost_weight * (double)cost_known, miss, load;
    int says = digest_says(a, c->live);
    UNINITIALIZED struct terms t;
    uint32_t hit_pm;

    t.known = says < 0 ? remembers(a, c->live) : says;
    hit_pm = atomic_load_explicit(t.known ? &s->hit_known_pm : &s->hit_pm, memory_order_relaxed);
    if (c == a->home && !t.known)
        hit_pm = home_hit_pm(s, hit_pm);
    t.hit = (double)(int)hit_pm * 0.001;
    miss = a->miss_weight * ((double)(1000 - (int)hit_pm) * 0.001);
    t.origin = miss > 0 ? miss * (double)c->origin_cost : 0;
    t.units = (double)(int64_t)live_session_units(a->live, c->live) *
              (double)live_scale(a->live, c->live);
    t.load = t.units * c->inv_capacity;
    load = a->load_unit * penalty_of(t.load);
    t.fixed = cost + (isnan(t.origin) ? 0 : t.origin);
    t.plain = cost + load;
    t.score = t.fixed + load;
    return t;
}

/* Stage 8: the score up to which streamers are equals of the best. A millionth more, so that 11 is
 * within a tenth of 10 whatever the unit of the costs. */
static inline double band_limit(const struct asking *a, double best)
{
    double base = best > a->band_least ? best : a->band_least;

    return (best + a->policy->band * base) * (1 + 1e-6);
}
