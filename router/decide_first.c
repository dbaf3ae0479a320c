#include "router/decide_internal.h"

/* One of the best class, while the short way looks for the first of it. */
struct equal {
    double score, fixed, plain;
    float cost, origin, load, hit;
    uint16_t slot;
    bool known;
};

#define EQUALS_MAX 32

/* What the short way has found. */
struct first {
    struct equal equal[EQUALS_MAX + 1];
    unsigned count;   /* those that were within the band of the best when they came */
    unsigned healthy; /* 1: the only one */
    double limit;     /* of the band */
    double nearest;   /* lowest `fixed` of those outside of the band that were looked at ... */
    double plainest;  /* ... and lowest `plain` of those that have room */
    double cap;
};

/* What a candidate's score is at least, from what was reckoned for all of them lately: most need no
 * look at what is live. In floats, which round; so what is compared with it is a bit larger. */
struct floors {
    const struct candidate_floor *slot;
    float cost_weight, origin_weight, load_unit; /* the latter two 0: nothing is known */
    float least;                                 /* of all, beyond its cost */
};

static inline float above(double limit)
{
    return (float)(limit * (1 + 4e-6));
}

static inline struct floors floors_of(const struct asking *a)
{
    const struct candidates_folded *f = a->set->folded;
    bool hold = atomic_load_explicit(&f->lowered, memory_order_acquire) ==
                atomic_load_explicit(&a->live->lowered, memory_order_acquire);
    struct floors o = {.slot = f->slot,
                       .cost_weight = (float)a->policy->cost_weight,
                       .origin_weight = hold ? (float)a->miss_weight : 0,
                       .load_unit = hold ? (float)a->load_unit : 0};

    o.least =
        o.origin_weight * float_get(&f->least.origin) + o.load_unit * float_get(&f->least.load);
    return o;
}

/* Of the terms beside cost. Not a number where the origin's is unknown and has no weight. */
static inline float origin_floor(const struct floors *o, uint16_t slot)
{
    return o->origin_weight * float_get(&o->slot[slot].origin);
}

static inline float load_floor(const struct floors *o, uint16_t slot)
{
    return o->load_unit * float_get(&o->slot[slot].load);
}

/* 1: healthy; 0: not, or it cannot; -1: it drains, which is not for the short way. */
static inline int plainly_healthy(struct asking *a, uint16_t slot)
{
    const struct candidate *c = &a->set->slot[slot];
    health_word w = live_health_get(a->live, c->live);
    uint8_t edge;

    if (!can_serve(a->q, c) || !covers(a, c))
        return 0;
    if (live_usable_by_all(w)) /* as almost always */
        return 1;
    if (live_admin_of(w) == ADMIN_DRAIN)
        return -1;
    return standing_of(a, slot, w, &edge) == STANDING_HEALTHY;
}

/* "The only one" must be true: is there another? false: one drains. */
static bool look_for_another(struct asking *a, struct first *f)
{
    f->healthy = 0;
    for (uint16_t i = 0; i < a->set->count && f->healthy < 2; i++) {
        int is_healthy = plainly_healthy(a, i);

        if (is_healthy < 0)
            return false;
        f->healthy += (unsigned)is_healthy;
    }
    return true;
}

/* The scan of the short way: of the candidates that scan() looks at those that may be in the band.
 * false: one drains, or there are too many equals. */
static inline bool first_scan(struct asking *a, struct first *f, const struct floors *o)
{
    const struct ranked *r = candidates_ranked(a->set, a->row);
    const struct ranked *end = r + a->set->count;
    bool mean_known = !isnan(mean_folded(a));
    double best = INFINITY, limit = INFINITY;
    float limit_above = INFINITY;
    unsigned healthy = 0;

    f->count = 0;
    f->nearest = f->plainest = INFINITY;
    f->cap = mean_known ? cap_of(a) : 0;
    if (f->cap < a->policy->balance_from)
        f->cap = a->policy->balance_from;
    /* Not at an unknown cost either: if there is nothing else, that is not for the short way. */
    for (; r < end && o->cost_weight * r->cost + o->least <= limit_above; r++) {
        const struct candidate *c = &a->set->slot[r->slot];
        struct equal *e = &f->equal[f->count];
        UNINITIALIZED struct terms t;
        int is_healthy;

        if (o->cost_weight * r->cost + origin_floor(o, r->slot) + load_floor(o, r->slot) >
            limit_above)
            continue;
        is_healthy = plainly_healthy(a, r->slot);
        if (is_healthy == 0)
            continue;
        if (is_healthy < 0 || f->count == EQUALS_MAX)
            return false;
        healthy++;
        t = terms_of(a, c, r->cost);
        if (isnan(t.origin))
            continue;
        if (!(t.load <= f->cap && t.units < c->capacity)) {
            if (!mean_known && t.load > f->cap)
                return false;
            f->nearest = t.fixed < f->nearest ? t.fixed : f->nearest;
            continue;
        }
        if (!(t.score <= limit)) {
            f->nearest = t.fixed < f->nearest ? t.fixed : f->nearest;
            f->plainest = t.plain < f->plainest ? t.plain : f->plainest;
            continue;
        }
        *e = (struct equal){t.score,       t.fixed,      t.plain, r->cost, (float)t.origin,
                            (float)t.load, (float)t.hit, r->slot, t.known};
        f->count++;
        if (t.score < best) {
            best = t.score;
            limit = band_limit(a, t.score);
            limit_above = above(limit);
        }
    }
    f->healthy = healthy;
    f->limit = limit;
    return f->count > 0 && (healthy > 1 || look_for_another(a, f));
}

/* Would somebody have been first but for load, or for what a miss costs? Those that the scan passed
 * over are looked at, as far as it may be. */
static enum why why_not_nearer(struct asking *a, const struct first *f, const struct floors *o,
                               const struct equal *first)
{
    const struct ranked *r = candidates_ranked(a->set, a->row);
    const struct ranked *end = r + a->set->count;
    double most = first->fixed > first->plain ? first->fixed : first->plain;
    enum why why = f->plainest < first->plain ? WHY_CACHE : WHY_NONE;

    if (f->nearest < first->fixed)
        return WHY_LOAD;
    for (; r < end && o->cost_weight * r->cost <= above(most); r++) {
        const struct candidate *c = &a->set->slot[r->slot];
        float cost = o->cost_weight * r->cost;
        UNINITIALIZED struct terms t;
        uint8_t edge;

        if (cost + origin_floor(o, r->slot) > above(first->fixed) &&
            (why == WHY_CACHE || cost + load_floor(o, r->slot) > above(first->plain)))
            continue;
        if (!can_serve(a->q, c) || !covers(a, c) ||
            standing_of(a, r->slot, live_health_get(a->live, c->live), &edge) != STANDING_HEALTHY)
            continue;
        t = terms_of(a, c, r->cost);
        if (isnan(t.origin))
            continue;
        if (t.load <= f->cap && t.units < c->capacity) {
            if (t.score <= f->limit) /* an equal, or itself */
                continue;
            if (t.plain < first->plain)
                why = WHY_CACHE;
        }
        if (t.fixed < first->fixed)
            return WHY_LOAD;
    }
    return why;
}

/* Keeps those that are in the band to the end, in front. */
static inline unsigned band_keep(struct first *f)
{
    unsigned band = 0;

    for (unsigned i = 0; i < f->count; i++) {
        const struct equal *e = &f->equal[i];

        if (e->score > f->limit) {
            f->nearest = e->fixed < f->nearest ? e->fixed : f->nearest;
            f->plainest = e->plain < f->plainest ? e->plain : f->plainest;
            continue;
        }
        if (band < i)
            f->equal[band] = *e;
        band++;
    }
    return band;
}

/* The content's own of the band. */
static const struct equal *first_by_hash(const struct asking *a, const struct first *f,
                                         unsigned band)
{
    const struct equal *best = NULL;
    double best_pull = 0;

    for (unsigned i = 0; i < band; i++) {
        const struct equal *e = &f->equal[i];
        double pull = pull_of(a, &a->set->slot[e->slot]);

        if (!best || pull < best_pull || (pull == best_pull && e->slot < best->slot)) {
            best = e;
            best_pull = pull;
        }
    }
    return best;
}

/* The best of its several owners, which are the first of the band in the order of the hash. */
static __attribute__((noinline)) const struct equal *
first_of_owners(const struct asking *a, const struct first *f, unsigned band)
{
    UNINITIALIZED double pull[EQUALS_MAX];
    UNINITIALIZED const struct equal *by_pull[EQUALS_MAX];
    unsigned owners = a->owners < band ? a->owners : band;
    unsigned best = 0;

    by_pull[0] = f->equal;
    for (unsigned i = 0; i < band; i++) {
        const struct equal *e = &f->equal[i];
        double mine = pull_of(a, &a->set->slot[e->slot]);
        unsigned at;

        for (at = i; at > 0 && (mine < pull[at - 1] ||
                                (mine == pull[at - 1] && e->slot < by_pull[at - 1]->slot));
             at--) {
            pull[at] = pull[at - 1];
            by_pull[at] = by_pull[at - 1];
        }
        pull[at] = mine;
        by_pull[at] = e;
    }
    for (unsigned i = 1; i < owners; i++)
        if (by_pull[i]->score < by_pull[best]->score)
            best = i;
    return by_pull[best];
}

/* The short way: one choice, and nobody that is looked at drains, as almost always. It says what
 * scan() and decide_rank() would say, in one pass that keeps little. */
bool decide_first(struct asking *a, struct decision *out)
{
    const struct floors o = floors_of(a);
    UNINITIALIZED struct first f;
    const struct equal *e;
    enum why why = WHY_ONLY;
    unsigned band;

    if (!first_scan(a, &f, &o))
        return false;
    band = band_keep(&f);
    e = band == 1        ? f.equal /* most often alone: no pull is asked for */
        : a->owners == 1 ? first_by_hash(a, &f, band)
                         : first_of_owners(a, &f, band);
    if (f.healthy > 1)
        why = why_not_nearer(a, &f, &o, e);
    if (why == WHY_CACHE && !e->known && &a->set->slot[e->slot] == a->home)
        why = WHY_HOME;
    if (why == WHY_NONE)
        why = band == 1 ? WHY_COST : a->owners > 1 ? WHY_POPULAR : WHY_HASH;
    out->why = why;
    out->count = 1;
    out->choice[0] = (struct choice){.streamer = a->set->slot[e->slot].streamer,
                                     .why = why,
                                     .cost = e->cost,
                                     .origin = e->origin,
                                     .load = e->load,
                                     .score = (float)e->score,
                                     .known = e->known,
                                     .hit = e->hit};
    return true;
}
