#include "router/decide.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "router/candidates.h"
#include "router/rendezvous.h"

/* Stage 5's result, best first. */
enum standing {
    STANDING_HEALTHY,
    STANDING_DRAINING,
    STANDING_SUSPECT,
    STANDING_DOWN,
    STANDING_OUT
};

/* Stages 6 and 7 in one number, lower first: twice the tier, and one more for an unknown score. */
#define CLASS_BEST  0
#define CLASS_COUNT 6

/* A candidate that was looked at. */
struct seen {
    double score; /* the known terms */
    double fixed; /* of them, those that do not depend on load */
    double pull;  /* of the content, once the band is known */
    float cost, origin, load;
    uint16_t slot;
    uint8_t standing;
    uint8_t class;
    bool in_band;
};

/* Most scans end within a few candidates; a wide one has the room for all. */
#define SEEN_FEW 48

/* One question being answered. */
struct asking {
    const struct view *v;
    const struct live *live;
    const struct question *q;
    const struct candidates *set;
    const struct policy_conf *policy;
    double load_scale; /* load_weight * the service's cost_unit */
    double band_least; /* a best score below this counts as this for the width of the band */
    double cap;        /* NAN until somebody's load makes it matter */
    struct seen *seen; /* [room] */
    unsigned count, room;
    uint32_t row;              /* of the matrix */
    unsigned of[STANDING_OUT]; /* how many of each standing were looked at */
    double nearest_dropped;    /* lowest known `fixed` of those that were not kept */
    struct trace_row *trace;   /* NULL: the scan may end early */
    size_t traced;
};

const char *why_name(enum why w)
{
    static const char *const names[WHY_COUNT] = {
        [WHY_NONE] = "none",
        [WHY_ONLY] = "only",
        [WHY_COST] = "cost",
        [WHY_LOAD] = "load",
        [WHY_HASH] = "hash",
        [WHY_DEGRADED] = "degraded",
        [WHY_CACHE] = "cache",
        [WHY_POPULAR] = "popular",
        [WHY_OVER_CAP] = "over-cap",
        [WHY_NO_SERVICE] = "no-service",
        [WHY_NO_CANDIDATE] = "no-candidate",
    };

    return (unsigned)w < WHY_COUNT ? names[w] : "none";
}

const char *why_sentence(enum why w)
{
    static const char *const sentences[WHY_COUNT] = {
        [WHY_NONE] = "nothing was decided",
        [WHY_ONLY] = "it is the only one that can serve",
        [WHY_COST] = "nobody else is as near",
        [WHY_LOAD] = "nearer ones have more load, or are at the cap",
        [WHY_HASH] = "several are equally good, and the content is its own among them",
        [WHY_DEGRADED] = "nobody is healthy: it is the least bad",
        [WHY_CACHE] = "nearer ones would have to fetch the content first",
        [WHY_POPULAR] = "the content is hot, and it is the best of its owners",
        [WHY_OVER_CAP] = "everybody is at the cap: it is the least bad",
        [WHY_NO_SERVICE] = "no service has this host and path",
        [WHY_NO_CANDIDATE] = ("no streamer has the address family and scheme that were asked for, "
                              "or all of them are taken out of service"),
    };

    return (unsigned)w < WHY_COUNT ? sentences[w] : sentences[WHY_NONE];
}

const char *excluded_name(enum excluded x)
{
    static const char *const names[] = {
        [EXCLUDED_NOT] = NULL,        [EXCLUDED_FAMILY] = "family",
        [EXCLUDED_HEALTH] = "health", [EXCLUDED_DRAIN] = "drain",
        [EXCLUDED_CAP] = "cap",       [EXCLUDED_FOOTPRINT] = "footprint",
    };

    return names[x];
}

double decide_penalty(double load)
{
    return load < 1 ? load * load / (2 - load) : 1 + 3 * (load - 1);
}

static double pull_of(const struct asking *a, const struct candidate *c)
{
    if (a->set->equal_weights)
        return rendezvous_pull_equal(a->q->content, c->hash);
    return rendezvous_pull(a->q->content, c->hash, c->inv_weight);
}

/* Stage 4. */
static inline bool can_serve(const struct question *q, const struct candidate *c)
{
    return (c->can & q->need) == q->need && (q->need_any == 0 || (c->can & q->need_any));
}

/* Stage 5: may the content stay with a streamer that drains? Ties as everywhere: by slot. */
static bool owns(const struct asking *a, uint16_t slot)
{
    double pull = pull_of(a, &a->set->slot[slot]);

    for (uint16_t i = 0; i < a->set->count; i++) {
        double other = pull_of(a, &a->set->slot[i]);

        if (other < pull || (other == pull && i < slot))
            return false;
    }
    return true;
}

/* Stage 5: how usable for the families of the question; any that it has when none is named. */
static enum usable usable_of(const struct question *q, const struct candidate *c, health_word w)
{
    const unsigned families = STREAMER_V4 | STREAMER_V6;
    unsigned all = q->need & families, any = q->need_any & families;
    enum usable v4 = live_usable(w, false), v6 = live_usable(w, true), u = USABLE_YES;

    if (all & STREAMER_V4)
        u = v4;
    if (all & STREAMER_V6 && v6 < u)
        u = v6;
    if (all)
        return u;
    any = (any ? any : families) & c->can;
    u = any & STREAMER_V4 ? v4 : USABLE_NO;
    return any & STREAMER_V6 && v6 > u ? v6 : u;
}

static enum standing standing_of(const struct asking *a, uint16_t slot, health_word w)
{
    const struct candidate *c = &a->set->slot[slot];

    if (live_usable_by_all(w)) /* as almost always */
        return STANDING_HEALTHY;
    switch (usable_of(a->q, c, w)) {
    case USABLE_YES:
        return STANDING_HEALTHY;
    case USABLE_OWNED:
        return owns(a, slot) ? STANDING_HEALTHY : STANDING_DRAINING;
    case USABLE_SUSPECT:
        return STANDING_SUSPECT;
    case USABLE_NO:
        break;
    }
    return live_admin_of(w) == ADMIN_DOWN ? STANDING_OUT : STANDING_DOWN;
}

/* NAN: nobody has folded yet. */
static inline float mean_folded(const struct asking *a)
{
    uint32_t bits = atomic_load_explicit(a->set->mean, memory_order_relaxed);
    float mean;

    memcpy(&mean, &bits, sizeof mean);
    return mean;
}

/* Stage 7: the cap. Asked for only when somebody's load is above balance_from, below which no cap
 * can touch it, or when the mean is at hand. */
static inline double cap_of(struct asking *a)
{
    double cap, mean;
    float folded;

    if (!isnan(a->cap))
        return a->cap;
    folded = mean_folded(a);
    mean = isnan(folded) ? candidates_mean(a->set, a->live) : (double)folded;
    cap = (1 + a->policy->eps) * mean;
    if (cap < a->policy->balance_from)
        cap = a->policy->balance_from;
    a->cap = cap < 1 ? cap : 1;
    return a->cap;
}

static inline unsigned tier_of(struct asking *a, double load, bool full)
{
    if (full)
        return 2;
    return load > a->policy->balance_from && load > cap_of(a);
}

/* Stage 6. */
struct terms {
    double units, load;
    double origin; /* NAN: unknown */
    double fixed, score;
};

/* The terms are added in this order everywhere: weighted cost alone is then never above the score,
 * which is what lets a scan end. */
static inline struct terms terms_of(const struct asking *a, const struct candidate *c, float known)
{
    uint32_t hit_pm =
        atomic_load_explicit(&a->live->streamer[c->live].hit_pm, memory_order_relaxed);
    double miss = a->policy->origin_weight * ((double)(1000 - (int)hit_pm) * 0.001);
    double cost = a->policy->cost_weight * (double)known;
    UNINITIALIZED struct terms t;

    t.units = (double)(int64_t)live_session_units(a->live, c->live);
    t.load = t.units * c->inv_capacity;
    t.origin = miss > 0 ? miss * (double)c->origin_cost : 0;
    t.fixed = cost + (isnan(t.origin) ? 0 : t.origin);
    t.score = t.fixed + a->load_scale * decide_penalty(t.load);
    return t;
}

/* Stages 6 and 7. */
static inline void score_fill(struct asking *a, struct seen *s)
{
    const struct candidate *c = &a->set->slot[s->slot];
    struct terms t = terms_of(a, c, isnan(s->cost) ? 0 : s->cost);

    s->origin = (float)t.origin;
    s->load = (float)t.load;
    s->fixed = t.fixed;
    s->score = t.score;
    s->class = (uint8_t)(2 * tier_of(a, t.load, t.units >= c->capacity) +
                         (isnan(s->cost) || isnan(t.origin)));
}

static void trace_excluded(struct asking *a, uint16_t slot, health_word w, enum excluded x)
{
    const struct candidate *c = &a->set->slot[slot];

    if (a->trace)
        a->trace[a->traced++] = (struct trace_row){
            .choice = {.streamer = c->streamer,
                       .cost = NAN,
                       .origin = NAN,
                       .load =
                           (float)((double)live_session_units(a->live, c->live) * c->inv_capacity),
                       .score = NAN},
            .health = w,
            .excluded = x,
        };
}

/* Stages 4 to 7 for one streamer of the client's row. false: out already. */
static inline bool look_at(struct asking *a, const struct ranked *r, struct seen *s)
{
    health_word w = live_health_get(a->live, a->set->slot[r->slot].live);
    enum standing standing;

    if (!can_serve(a->q, &a->set->slot[r->slot])) {
        trace_excluded(a, r->slot, w, EXCLUDED_FAMILY);
        return false;
    }
    standing = standing_of(a, r->slot, w);
    if (standing == STANDING_OUT) {
        trace_excluded(a, r->slot, w, EXCLUDED_HEALTH);
        return false;
    }
    s->cost = r->cost;
    s->slot = r->slot;
    s->standing = (uint8_t)standing;
    s->in_band = false;
    score_fill(a, s);
    return true;
}

/* Stage 8: the score up to which streamers are equals of the best. A millionth more, so that 11 is
 * within a tenth of 10 whatever the unit of the costs. */
static double band_limit(const struct asking *a, double best)
{
    double base = best > a->band_least ? best : a->band_least;

    return (best + a->policy->band * base) * (1 + 1e-6);
}

/* The lowest scores of the best class so far, ascending: as many as are wanted. */
struct lowest {
    double score[DECISION_MAX];
    unsigned count;
};

static void lowest_add(struct lowest *l, unsigned want, double score)
{
    unsigned i = l->count < want ? l->count++ : want;

    if (i == want) {
        if (score >= l->score[want - 1])
            return;
        i = want - 1;
    }
    for (; i > 0 && l->score[i - 1] > score; i--)
        l->score[i] = l->score[i - 1];
    l->score[i] = score;
}

/* What the best class holds so far, once it has as many as are wanted: a score above this is
 * neither in the band nor among the wanted, then or ever, for both can only sink. INFINITY before.
 */
static double hopeless_above(const struct asking *a, const struct lowest *l)
{
    double limit, last;

    if (l->count < a->q->want || a->trace)
        return INFINITY;
    limit = band_limit(a, l->score[0]);
    last = l->score[l->count - 1];
    return limit > last ? limit : last;
}

/* Files a candidate: kept, or only counted when it cannot be in the answer any more. */
static inline void file(struct asking *a, struct lowest *low, double *hopeless)
{
    const struct seen *s = &a->seen[a->count];
    bool enough = *hopeless < INFINITY;

    a->of[s->standing]++;
    if (s->standing == STANDING_HEALTHY) {
        if (s->class == CLASS_BEST && !(s->score > *hopeless)) {
            lowest_add(low, a->q->want, s->score);
            *hopeless = hopeless_above(a, low);
            a->count++;
            return;
        }
        if (enough && !(s->class & 1) && s->fixed < a->nearest_dropped)
            a->nearest_dropped = s->fixed;
    }
    a->count += !enough || s->standing == STANDING_DRAINING;
}

/* Walks the client's row in cost order, until nobody from there on can be among the wanted: costs
 * of a row ascend, and a score is never below its cost. false: there is no room for all that must
 * be kept. */
static bool scan(struct asking *a)
{
    const struct ranked *r = candidates_ranked(a->set, a->row);
    const struct ranked *end = r + a->set->count;
    struct lowest low = {.count = 0};
    double hopeless = INFINITY;

    a->count = 0;
    memset(a->of, 0, sizeof a->of);
    a->nearest_dropped = INFINITY;
    for (; r < end; r++) {
        if (hopeless < INFINITY && !(a->policy->cost_weight * (double)r->cost <= hopeless))
            break; /* an unknown cost, too, when there are enough known ones */
        if (a->count == a->room)
            return false;
        if (look_at(a, r, &a->seen[a->count]))
            file(a, &low, &hopeless);
    }
    /* "The only one" must be true, so look for a second. */
    for (; r < end && a->of[STANDING_HEALTHY] < 2; r++)
        if (look_at(a, r, &a->seen[a->count]))
            a->of[a->seen[a->count].standing]++;
    return true;
}

/* Stage 8: the class and score that the band hangs on, among those of these standings. */
struct anchor {
    unsigned class;
    double limit;
};

static struct anchor anchor_of(const struct asking *a, unsigned standing_max)
{
    struct anchor n = {.class = CLASS_COUNT};
    double best = 0;

    for (unsigned i = 0; i < a->count; i++) {
        const struct seen *s = &a->seen[i];

        if (s->standing > standing_max)
            continue;
        if (s->class < n.class || (s->class == n.class && s->score < best)) {
            n.class = s->class;
            best = s->score;
        }
    }
    n.limit = band_limit(a, best);
    return n;
}

static unsigned band_mark(struct asking *a, struct anchor n, unsigned standing)
{
    unsigned marked = 0;

    for (unsigned i = 0; i < a->count; i++) {
        struct seen *s = &a->seen[i];

        s->in_band = s->standing == standing && s->class == n.class && s->score <= n.limit;
        if (!s->in_band)
            continue;
        s->pull = pull_of(a, &a->set->slot[s->slot]);
        marked++;
    }
    return marked;
}

/* Marks the band. Draining streamers that do not own the content hold its edge while healthy ones
 * are within it: whoever won with them there wins without them. */
static unsigned band_find(struct asking *a, unsigned standing)
{
    unsigned marked = 0;

    if (standing == STANDING_HEALTHY)
        marked = band_mark(a, anchor_of(a, STANDING_DRAINING), standing);
    if (marked == 0)
        marked = band_mark(a, anchor_of(a, standing), standing);
    return marked;
}

/* The rules in their order; never 0 for two different streamers. */
static int seen_cmp(const struct asking *a, const struct seen *x, const struct seen *y)
{
    double px, py;

    /* 1. Stages 6 and 7: the lower tier; in it, a known cost before an unknown one. */
    if (x->class != y->class)
        return x->class < y->class ? -1 : 1;
    /* 2. Stage 8: the equals of the best before the rest. */
    if (x->in_band != y->in_band)
        return x->in_band ? -1 : 1;
    /* 3. The rest by score. */
    if (!x->in_band && x->score != y->score)
        return x->score < y->score ? -1 : 1;
    /* 4. The content's own. */
    px = x->in_band ? x->pull : pull_of(a, &a->set->slot[x->slot]);
    py = y->in_band ? y->pull : pull_of(a, &a->set->slot[y->slot]);
    if (px != py)
        return px < py ? -1 : 1;
    /* 5. Slots are in the order of the names, which are unique. */
    return x->slot < y->slot ? -1 : 1;
}

/* Puts the first `want` of those that have this standing in front, in order; returns how many. */
static unsigned seen_select(struct asking *a, unsigned standing, unsigned want)
{
    unsigned n = 0;

    while (n < want) {
        unsigned best = a->count;

        for (unsigned i = n; i < a->count; i++)
            if (a->seen[i].standing == standing &&
                (best == a->count || seen_cmp(a, &a->seen[i], &a->seen[best]) < 0))
                best = i;
        if (best == a->count)
            break;
        if (best != n) {
            struct seen swap = a->seen[n];

            a->seen[n] = a->seen[best];
            a->seen[best] = swap;
        }
        n++;
    }
    return n;
}

/* Would somebody nearer have been first, but for load? Nearer: a lower score without its load, and
 * a known one before an unknown one. Not among equals. */
static bool nearer_is_loaded(const struct asking *a, const struct seen *first)
{
    if (!(first->class & 1) && a->nearest_dropped < first->fixed)
        return true;
    for (unsigned i = 0; i < a->count; i++) {
        const struct seen *s = &a->seen[i];
        bool unknown = s->class & 1, first_unknown = first->class & 1;

        if (s == first || s->in_band || s->standing != STANDING_HEALTHY)
            continue;
        if (unknown < first_unknown || (unknown == first_unknown && s->fixed < first->fixed))
            return true;
    }
    return false;
}

static enum why why_of(const struct asking *a, const struct seen *s, unsigned band)
{
    if (s->standing != STANDING_HEALTHY)
        return WHY_DEGRADED;
    if (a->of[STANDING_HEALTHY] == 1)
        return WHY_ONLY;
    if (s->class >= 2)
        return WHY_OVER_CAP;
    if (s == a->seen && nearer_is_loaded(a, s))
        return WHY_LOAD;
    return s->in_band && band > 1 ? WHY_HASH : WHY_COST;
}

static struct choice choice_of(const struct asking *a, const struct seen *s, enum why why)
{
    return (struct choice){.streamer = a->set->slot[s->slot].streamer,
                           .why = why,
                           .cost = s->cost,
                           .origin = s->origin,
                           .load = s->load,
                           .score = s->class & 1 ? NAN : (float)s->score};
}

static void trace_seen(struct asking *a, unsigned ranked, const struct decision *d)
{
    /* What was excluded on the way is there already; ranked ones come in front of it. */
    memmove(a->trace + a->count, a->trace, a->traced * sizeof *a->trace);
    for (unsigned i = 0; i < a->count; i++) {
        const struct seen *s = &a->seen[i];
        struct trace_row *r = &a->trace[i];

        *r = (struct trace_row){
            .choice = choice_of(a, s, i < d->count ? d->choice[i].why : WHY_NONE),
            .health = live_health_get(a->live, a->set->slot[s->slot].live),
            .rank = i < ranked ? (uint16_t)(i + 1) : 0,
            .in_band = s->in_band,
        };
        if (i < ranked)
            r->excluded = s->class >= 2 ? EXCLUDED_CAP : EXCLUDED_NOT;
        else
            r->excluded = s->standing == STANDING_DRAINING ? EXCLUDED_DRAIN : EXCLUDED_HEALTH;
    }
    a->traced += a->count;
}

static void conclude(struct asking *a, struct decision *out)
{
    unsigned standing = STANDING_HEALTHY, band, n;

    out->why = WHY_NO_CANDIDATE;
    while (standing < STANDING_OUT && a->of[standing] == 0)
        standing++;
    band = band_find(a, standing);
    n = seen_select(a, standing, a->trace ? a->count : a->q->want);
    out->count = (uint8_t)(n < a->q->want ? n : a->q->want);
    for (unsigned i = 0; i < out->count; i++)
        out->choice[i] = choice_of(a, &a->seen[i], why_of(a, &a->seen[i], band));
    if (out->count)
        out->why = out->choice[0].why;
    if (a->trace)
        trace_seen(a, n, out);
}

/* Stage 2, and what the stages behind it share. false: there is no such service. */
static bool asking_init(struct asking *a, const struct view *v, const struct live *live,
                        const struct question *q, const struct located *at, struct decision *out)
{
    assert(q->want >= 1 && q->want <= DECISION_MAX);
    out->pid = at->pid;
    out->scope = at->scope;
    out->count = 0;
    out->owners = 1;
    out->why = WHY_NO_SERVICE;
    if (q->service >= v->service_count)
        return false;
    a->v = v;
    a->live = live;
    a->q = q;
    a->set = v->services[q->service].candidates;
    a->policy = &v->services[q->service].conf->policy;
    a->load_scale = a->policy->load_weight * v->services[q->service].cost_unit;
    a->band_least = v->services[q->service].cost_unit / 10;
    a->cap = NAN;
    a->row = candidates_row(a->set, at->pid);
    a->count = 0;
    a->trace = NULL;
    a->traced = 0;
    return true;
}

/* One of the best class, while the short way looks for the first of it. */
struct equal {
    double score, fixed;
    float cost, origin, load;
    uint16_t slot;
};

#define EQUALS_MAX 32

/* What the short way has found. */
struct first {
    struct equal equal[EQUALS_MAX + 1];
    unsigned count;   /* those that were within the band of the best when they came */
    unsigned healthy; /* up to 2 are counted for sure */
    double limit;     /* of the band */
    double nearest;   /* lowest `fixed` of those outside of the band */
};

/* The scan of the short way: the candidates that scan() looks at. false: one is not plainly
 * healthy, or there are too many equals. */
static inline bool first_scan(struct asking *a, struct first *f)
{
    const struct candidate *slot = a->set->slot;
    const struct ranked *r = candidates_ranked(a->set, a->row);
    const struct ranked *end = r + a->set->count;
    const double cost_weight = a->policy->cost_weight;
    bool mean_known = !isnan(mean_folded(a));
    double cap = mean_known ? cap_of(a) : 0, best = INFINITY, limit = INFINITY, nearest = INFINITY;
    unsigned count = 0, healthy = 0;

    if (cap < a->policy->balance_from)
        cap = a->policy->balance_from;
    /* Not at an unknown cost either: if there is nothing else, that is not for the short way. */
    for (; r < end && cost_weight * (double)r->cost <= limit; r++) {
        const struct candidate *c = &slot[r->slot];
        struct equal *e = &f->equal[count];
        UNINITIALIZED struct terms t;
        bool in;

        if (!can_serve(a->q, c))
            continue;
        if (!live_usable_by_all(live_health_get(a->live, c->live)) || count == EQUALS_MAX)
            return false;
        healthy++;
        t = terms_of(a, c, r->cost);
        *e = (struct equal){t.score, t.fixed, r->cost, (float)t.origin, (float)t.load, r->slot};
        in = t.load <= cap && t.units < c->capacity && t.score <= limit;
        if (isnan(t.origin))
            continue;
        if (!in) {
            if (!mean_known && t.load > cap)
                return false;
            nearest = t.fixed < nearest ? t.fixed : nearest;
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
        if (!can_serve(a->q, &slot[r->slot]))
            continue;
        if (!live_usable_by_all(live_health_get(a->live, slot[r->slot].live)))
            return false;
        healthy++;
    }
    f->count = count;
    f->healthy = healthy;
    f->limit = limit;
    f->nearest = nearest;
    return count > 0;
}

/* Stage 8 of the short way: of those that are in the band to the end. */
static inline const struct equal *first_of_band(const struct asking *a, struct first *f,
                                                unsigned *band)
{
    const struct equal *best = NULL;
    double best_pull = 0;

    *band = 0;
    for (unsigned i = 0; i < f->count; i++) {
        const struct equal *e = &f->equal[i];

        if (e->score > f->limit) {
            f->nearest = e->fixed < f->nearest ? e->fixed : f->nearest;
            continue;
        }
        if (++*band == 1) {
            best = e; /* most often alone: no pull is asked for */
            continue;
        }
        if (*band == 2)
            best_pull = pull_of(a, &a->set->slot[best->slot]);
        double pull = pull_of(a, &a->set->slot[e->slot]);
        if (pull < best_pull || (pull == best_pull && e->slot < best->slot)) {
            best = e;
            best_pull = pull;
        }
    }
    return best;
}

/* The short way: one choice, and all that are looked at are healthy, as almost always. It says what
 * scan() and conclude() would say, in one pass that keeps little. false: it is theirs to say. */
static inline bool decide_first(struct asking *a, struct decision *out)
{
    UNINITIALIZED struct first f;
    const struct equal *e;
    unsigned band;

    if (!first_scan(a, &f))
        return false;
    e = first_of_band(a, &f, &band);
    out->why = f.healthy == 1         ? WHY_ONLY
               : f.nearest < e->fixed ? WHY_LOAD
               : band > 1             ? WHY_HASH
                                      : WHY_COST;
    out->count = 1;
    out->choice[0] = (struct choice){.streamer = a->set->slot[e->slot].streamer,
                                     .why = out->why,
                                     .cost = e->cost,
                                     .origin = e->origin,
                                     .load = e->load,
                                     .score = (float)e->score};
    return true;
}

/* Apart, so that the usual decision does not walk through so much stack. */
static __attribute__((noinline)) void decide_wide(struct asking *a, struct decision *out)
{
    UNINITIALIZED struct seen all[STREAMERS_MAX + 1];
    bool fits;

    a->seen = all;
    a->room = STREAMERS_MAX;
    fits = scan(a);
    assert(fits);
    (void)fits;
    conclude(a, out);
    a->seen = NULL; /* it ends here */
}

void decide(const struct view *v, const struct live *live, const struct question *q,
            struct decision *out)
{
    struct located at = view_locate(v, q->client);

    decide_at(v, live, q, &at, out);
}

void decide_at(const struct view *v, const struct live *live, const struct question *q,
               const struct located *at, struct decision *out)
{
    UNINITIALIZED struct seen few[SEEN_FEW + 1];
    UNINITIALIZED struct asking a;

    if (!asking_init(&a, v, live, q, at, out))
        return;
    if (q->want == 1 && decide_first(&a, out))
        return;
    a.seen = few;
    a.room = SEEN_FEW;
    if (scan(&a))
        conclude(&a, out);
    else
        decide_wide(&a, out);
}

void decide_traced(const struct view *v, const struct live *live, const struct question *q,
                   struct decision *out, struct trace_row *rows, size_t *count)
{
    struct located at = view_locate(v, q->client);
    struct asking a;

    *count = 0;
    if (!asking_init(&a, v, live, q, &at, out))
        return;
    a.trace = rows;
    decide_wide(&a, out);
    *count = a.traced;
}
