#include <string.h>

#include "router/decide_internal.h"

/* The class and score that a band hangs on. */
struct anchor {
    unsigned class;
    double best, limit;
};

static bool in_band_of(const struct anchor *n, const struct seen *s)
{
    return s->class == n->class && s->score <= n->limit;
}

/* Of this standing, or it would be if it did not drain. */
static bool is_or_was(const struct seen *s, unsigned standing)
{
    return s->standing == standing || (s->standing == STANDING_DRAINING && s->edge == standing);
}

/* Behind the class and limit of `last` (class 0, limit below 0: nothing is). */
static bool is_behind(const struct anchor *last, const struct seen *s)
{
    return s->class > last->class || (s->class == last->class && s->score > last->limit);
}

/* The best that is or was of this standing hangs the band behind `last` up. */
static struct anchor anchor_behind(const struct asking *a, const struct anchor *last,
                                   unsigned standing)
{
    struct anchor n = {.class = CLASS_COUNT};

    for (unsigned i = 0; i < a->count; i++) {
        const struct seen *s = &a->seen[i];

        if (!is_or_was(s, standing) || !is_behind(last, s))
            continue;
        if (s->class < n.class || (s->class == n.class && s->score < n.best)) {
            n.class = s->class;
            n.best = s->score;
        }
    }
    n.limit = band_limit(a, n.best);
    return n;
}

static unsigned band_mark(struct asking *a, const struct anchor *n, unsigned standing)
{
    unsigned marked = 0;

    for (unsigned i = 0; i < a->count; i++) {
        struct seen *s = &a->seen[i];

        if (s->standing != standing || !in_band_of(n, s))
            continue;
        s->in_band = true;
        s->pull = pull_of(a, &a->set->slot[s->slot]);
        marked++;
    }
    return marked;
}

/* Marks the band: the first that has anybody of this standing in it, as if nobody drained. So
 * whoever wins in it while another drains won in it before. */
static unsigned band_find(struct asking *a, unsigned standing, struct anchor *n)
{
    unsigned marked = 0;

    *n = (struct anchor){.limit = -1};
    while (marked == 0) {
        *n = anchor_behind(a, n, standing);
        if (n->class == CLASS_COUNT)
            break; /* there is nobody */
        marked = band_mark(a, n, standing);
    }
    return marked;
}

/* A place in the hash order of the band. */
struct place {
    double pull;
    uint16_t seen, slot;
};

static bool place_before(const struct place *x, const struct place *y)
{
    return x->pull < y->pull || (x->pull == y->pull && x->slot < y->slot);
}

/* Stage 8: marks the owners, the first of the band in the order of the hash. Draining ones keep
 * their places, so that nobody else gets them. Returns how many are there to serve. */
static unsigned owners_mark(struct asking *a, const struct anchor *n, unsigned standing)
{
    UNINITIALIZED struct place first[OWNERS_MAX + 1];
    unsigned count = 0, owners = 0;

    for (unsigned i = 0; i < a->count; i++) {
        const struct seen *s = &a->seen[i];
        struct place p = {.seen = (uint16_t)i, .slot = s->slot};
        unsigned at;

        if (!is_or_was(s, standing) || !in_band_of(n, s))
            continue;
        p.pull = s->in_band ? s->pull : pull_of(a, &a->set->slot[s->slot]);
        for (at = count; at > 0 && place_before(&p, &first[at - 1]); at--)
            first[at] = first[at - 1];
        first[at] = p;
        count += count < a->owners;
    }
    for (unsigned i = 0; i < count; i++) {
        struct seen *s = &a->seen[first[i].seen];

        s->owner = s->in_band;
        owners += s->owner;
    }
    return owners;
}

/* The rules in their order; never 0 for two different streamers. */
static int seen_cmp(const struct asking *a, const struct seen *x, const struct seen *y)
{
    double px, py;

    /* 1. Stages 6 and 7: the lower tier; in it, a known cost before an unknown one. */
    if (x->class != y->class)
        return x->class < y->class ? -1 : 1;
    /* 2. Stage 8: the equals of the best before the rest; of them, several owners before others. */
    if (x->in_band != y->in_band)
        return x->in_band ? -1 : 1;
    if (x->owner != y->owner)
        return x->owner ? -1 : 1;
    /* 3. Owners among themselves, and the rest, by score. */
    if ((x->owner || !x->in_band) && x->score != y->score)
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
    if (!(first->class & CLASS_UNKNOWN) && a->nearest_dropped < first->fixed)
        return true;
    for (unsigned i = 0; i < a->count; i++) {
        const struct seen *s = &a->seen[i];
        unsigned unknown = s->class & CLASS_UNKNOWN, first_unknown = first->class & CLASS_UNKNOWN;

        if (s == first || s->in_band || s->standing != STANDING_HEALTHY)
            continue;
        if (unknown < first_unknown || (unknown == first_unknown && s->fixed < first->fixed))
            return true;
    }
    return false;
}

/* Would somebody have been first by cost and load, but for what a miss costs? Not among equals. */
static bool plainer_has_to_fetch(const struct asking *a, const struct seen *first)
{
    if (first->class != CLASS_BEST)
        return false;
    if (a->plainest_dropped < first->plain)
        return true;
    for (unsigned i = 0; i < a->count; i++) {
        const struct seen *s = &a->seen[i];

        if (s != first && !s->in_band && s->standing == STANDING_HEALTHY &&
            s->class == CLASS_BEST && s->plain < first->plain)
            return true;
    }
    return false;
}

static enum why why_of(const struct asking *a, const struct seen *s, unsigned band, unsigned owners)
{
    if (s->standing != STANDING_HEALTHY)
        return WHY_DEGRADED;
    if (a->of[STANDING_HEALTHY] == 1)
        return WHY_ONLY;
    if (s->class >= CLASS_TIER)
        return WHY_OVER_CAP;
    if (s == a->seen && nearer_is_loaded(a, s))
        return WHY_LOAD;
    if (s == a->seen && plainer_has_to_fetch(a, s))
        return !s->known && &a->set->slot[s->slot] == a->home ? WHY_HOME : WHY_CACHE;
    if (s->owner && owners > 1)
        return WHY_POPULAR;
    return s->in_band && band > 1 ? WHY_HASH : WHY_COST;
}

static struct choice choice_of(const struct asking *a, const struct seen *s, enum why why)
{
    return (struct choice){.streamer = a->set->slot[s->slot].streamer,
                           .why = why,
                           .cost = s->cost,
                           .origin = s->origin,
                           .load = s->load,
                           .score = s->class & CLASS_UNKNOWN ? NAN : (float)s->score,
                           .known = s->known,
                           .hit = s->hit};
}

static void trace_seen(struct asking *a, unsigned ranked, const struct decision *d)
{
    /* What was excluded on the way is there already; ranked ones come in front of it. */
    memmove(a->trace + a->count, a->trace, a->traced * sizeof *a->trace);
    for (unsigned i = 0; i < a->count; i++) {
        const struct seen *s = &a->seen[i];
        enum excluded x = s->standing == STANDING_DRAINING ? EXCLUDED_DRAIN : EXCLUDED_HEALTH;

        if (i < ranked)
            x = s->class >= CLASS_TIER ? EXCLUDED_CAP : EXCLUDED_NOT;
        a->trace[i] = trace_row_of(a, s->slot, x);
        a->trace[i].choice = choice_of(a, s, i < d->count ? d->choice[i].why : WHY_NONE);
        a->trace[i].rank = i < ranked ? (uint16_t)(i + 1) : 0;
        a->trace[i].in_band = s->in_band;
        a->trace[i].owner = s->owner;
    }
    a->traced += a->count;
}

void decide_rank(struct asking *a, struct decision *out)
{
    unsigned standing = STANDING_HEALTHY, band, owners = 0, n;
    struct anchor anchor;

    out->why = WHY_NO_CANDIDATE;
    while (standing < STANDING_OUT && a->of[standing] == 0)
        standing++;
    band = band_find(a, standing, &anchor);
    if (a->owners > 1 && band > 1)
        owners = owners_mark(a, &anchor, standing);
    n = seen_select(a, standing, a->trace ? a->count : a->q->want);
    out->count = (uint8_t)(n < a->q->want ? n : a->q->want);
    for (unsigned i = 0; i < out->count; i++)
        out->choice[i] = choice_of(a, &a->seen[i], why_of(a, &a->seen[i], band, owners));
    if (out->count)
        out->why = out->choice[0].why;
    if (a->trace)
        trace_seen(a, n, out);
}
