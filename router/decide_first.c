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
    unsigned healthy; /* up to 2 are counted for sure */
    double limit;     /* of the band */
    double nearest;   /* lowest `fixed` of those outside of the band ... */
    double plainest;  /* ... and lowest `plain` of those that have room */
};

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

/* The scan of the short way: the candidates that scan() looks at. false: one drains, or there are
 * too many equals. */
static inline bool first_scan(struct asking *a, struct first *f)
{
    const struct ranked *r = candidates_ranked(a->set, a->row);
    const struct ranked *end = r + a->set->count;
    const double cost_weight = a->policy->cost_weight;
    bool mean_known = !isnan(mean_folded(a));
    double cap = mean_known ? cap_of(a) : 0, best = INFINITY, limit = INFINITY;
    double nearest = INFINITY, plainest = INFINITY;
    unsigned count = 0, healthy = 0;

    if (cap < a->policy->balance_from)
        cap = a->policy->balance_from;
    /* Not at an unknown cost either: if there is nothing else, that is not for the short way. */
    for (; r < end && cost_weight * (double)r->cost <= limit; r++) {
        const struct candidate *c = &a->set->slot[r->slot];
        struct equal *e = &f->equal[count];
        int is_healthy = plainly_healthy(a, r->slot);
        UNINITIALIZED struct terms t;

        if (is_healthy == 0)
            continue;
        if (is_healthy < 0 || count == EQUALS_MAX)
            return false;
        healthy++;
        t = terms_of(a, c, r->cost);
        *e = (struct equal){t.score,       t.fixed,      t.plain, r->cost, (float)t.origin,
                            (float)t.load, (float)t.hit, r->slot, t.known};
        if (isnan(t.origin))
            continue;
        if (!(t.load <= cap && t.units < c->capacity)) {
            if (!mean_known && t.load > cap)
                return false;
            nearest = t.fixed < nearest ? t.fixed : nearest;
            continue;
        }
        if (!(t.score <= limit)) {
            nearest = t.fixed < nearest ? t.fixed : nearest;
            plainest = t.plain < plainest ? t.plain : plainest;
            continue;
        }
        count++;
        if (t.score < best) {
            best = t.score;
            limit = band_limit(a, t.score);
        }
    }
    /* "The only one" must be true here, too. */
    for (; r < end && healthy < 2; r++) {
        int is_healthy = plainly_healthy(a, r->slot);

        if (is_healthy < 0)
            return false;
        healthy += (unsigned)is_healthy;
    }
    f->count = count;
    f->healthy = healthy;
    f->limit = limit;
    f->nearest = nearest;
    f->plainest = plainest;
    return count > 0;
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
    UNINITIALIZED struct first f;
    const struct equal *e;
    unsigned band;

    if (!first_scan(a, &f))
        return false;
    band = band_keep(&f);
    e = band == 1        ? f.equal /* most often alone: no pull is asked for */
        : a->owners == 1 ? first_by_hash(a, &f, band)
                         : first_of_owners(a, &f, band);
    out->why = f.healthy == 1          ? WHY_ONLY
               : f.nearest < e->fixed  ? WHY_LOAD
               : f.plainest < e->plain ? WHY_CACHE
               : band == 1             ? WHY_COST
               : a->owners > 1         ? WHY_POPULAR
                                       : WHY_HASH;
    out->count = 1;
    out->choice[0] = (struct choice){.streamer = a->set->slot[e->slot].streamer,
                                     .why = out->why,
                                     .cost = e->cost,
                                     .origin = e->origin,
                                     .load = e->load,
                                     .score = (float)e->score,
                                     .known = e->known,
                                     .hit = e->hit};
    return true;
}
