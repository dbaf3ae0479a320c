#include "router/decide.h"

#include <assert.h>
#include <string.h>

#include "router/decide_internal.h"
#include "router/hot.h"

/* Most scans end within a few candidates; a wide one has the room for all. */
#define SEEN_FEW 48

double decide_penalty(double load)
{
    return penalty_of(load);
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

/* ADMIN_UP */
static health_word without_admin(health_word w)
{
    return w & 15;
}

/* As if it did not drain. */
static enum standing edge_of(const struct asking *a, uint16_t slot, health_word w)
{
    enum admin_state admin = live_admin_of(w);

    switch (usable_of(a->q, &a->set->slot[slot], admin == ADMIN_DRAIN ? without_admin(w) : w)) {
    case USABLE_YES:
        return STANDING_HEALTHY;
    case USABLE_OWNED:
        assert(false && "only what drains is usable for what it owns");
        break;
    case USABLE_SUSPECT:
        return STANDING_SUSPECT;
    case USABLE_NO:
        return admin == ADMIN_DOWN ? STANDING_OUT : STANDING_DOWN;
    }
    return STANDING_DOWN;
}

/* What draining takes from a streamer is what it does not own, and nothing is given to it: it keeps
 * the standing that it would have. */
enum standing standing_of(const struct asking *a, uint16_t slot, health_word w, uint8_t *edge)
{
    enum admin_state admin = live_admin_of(w);
    enum standing s;

    *edge = STANDING_HEALTHY;
    if (live_usable_by_all(w)) /* as almost always */
        return STANDING_HEALTHY;
    s = edge_of(a, slot, w);
    *edge = (uint8_t)s;
    return admin == ADMIN_DRAIN && s <= STANDING_SUSPECT && !owns(a, slot) ? STANDING_DRAINING : s;
}

static double cap_for(const struct policy_conf *p, double mean)
{
    double cap = (1 + p->eps) * mean, room = (1 + mean) / 2;

    if (cap > room)
        cap = room;
    if (cap < p->balance_from)
        cap = p->balance_from;
    return cap < 1 ? cap : 1;
}

/* Stage 7: the cap. Asked for only when somebody's load is above balance_from, below which no cap
 * can touch it, or when the mean is at hand. */
double cap_of(struct asking *a)
{
    if (isnan(a->cap)) {
        float folded = mean_folded(a);

        a->cap =
            cap_for(a->policy, isnan(folded) ? candidates_mean(a->set, a->live) : (double)folded);
    }
    return a->cap;
}

double decide_cap(const struct view *v, const struct live *live, svidx service, double *mean)
{
    const struct view_service *s = &v->services[service];
    struct asking a = {.set = s->candidates};
    float folded = mean_folded(&a);

    *mean = isnan(folded) ? candidates_mean(s->candidates, live) : (double)folded;
    return cap_for(&s->conf->policy, *mean);
}

static inline unsigned tier_of(struct asking *a, const struct terms *t, double capacity)
{
    if (t->units >= capacity)
        return 2;
    return t->load > a->policy->balance_from && t->load > cap_of(a);
}

/* Stages 6 and 7. */
static inline void score_fill(struct asking *a, struct seen *s)
{
    const struct candidate *c = &a->set->slot[s->slot];
    struct terms t = terms_of(a, c, isnan(s->cost) ? 0 : s->cost);

    s->origin = (float)t.origin;
    s->load = (float)t.load;
    s->hit = (float)t.hit;
    s->known = t.known;
    s->fixed = t.fixed;
    s->plain = t.plain;
    s->score = t.score;
    s->class = (uint8_t)(CLASS_TIER * tier_of(a, &t, c->capacity) +
                         (isnan(s->cost) ? CLASS_UNKNOWN_COST : 0) +
                         (isnan(t.origin) ? CLASS_UNKNOWN_ORIGIN : 0));
}

struct trace_row trace_row_of(struct asking *a, uint16_t slot, enum excluded x)
{
    const struct candidate *c = &a->set->slot[slot];
    struct terms t = terms_of(a, c, 0);

    return (struct trace_row){
        .choice = {.streamer = c->streamer,
                   .cost = NAN,
                   .origin = NAN,
                   .load = (float)t.load,
                   .score = NAN,
                   .known = t.known,
                   .hit = (float)t.hit},
        .health = live_health_get(a->live, c->live),
        .excluded = x,
        .scale = live_scale(a->live, c->live),
        .remembered = remembers(a, c->live),
        .digest = (int8_t)digest_says(a, c->live),
    };
}

static void trace_excluded(struct asking *a, uint16_t slot, enum excluded x)
{
    if (a->trace)
        a->trace[a->traced++] = trace_row_of(a, slot, x);
}

/* Stages 4 to 7 for one streamer of the client's row. false: out already. */
static inline bool look_at(struct asking *a, const struct ranked *r, struct seen *s)
{
    const struct candidate *c = &a->set->slot[r->slot];
    health_word w = live_health_get(a->live, c->live);
    enum standing standing;

    if (!can_serve(a->q, c) || !covers(a, c)) {
        trace_excluded(a, r->slot, can_serve(a->q, c) ? EXCLUDED_FOOTPRINT : EXCLUDED_FAMILY);
        return false;
    }
    standing = standing_of(a, r->slot, w, &s->edge);
    if (standing == STANDING_OUT) {
        trace_excluded(a, r->slot, EXCLUDED_HEALTH);
        return false;
    }
    s->cost = r->cost;
    s->slot = r->slot;
    s->standing = (uint8_t)standing;
    s->in_band = false;
    s->owner = false;
    score_fill(a, s);
    return true;
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
        if (enough && !(s->class & CLASS_UNKNOWN) && s->fixed < a->nearest_dropped)
            a->nearest_dropped = s->fixed;
        if (enough && s->class == CLASS_BEST && s->plain < a->plainest_dropped)
            a->plainest_dropped = s->plain;
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
    a->plainest_dropped = INFINITY;
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

/* As many as the policy says, and more while the content is hot; never more than the policy's most.
 */
static unsigned owners_of(const struct asking *a, unsigned hot)
{
    unsigned least = a->policy->owners, most = a->policy->owners_max, n;

    n = hot < most || most == 0 ? hot : most;
    n = n > least ? n : least;
    return n < 1 ? 1 : n < OWNERS_MAX ? n : OWNERS_MAX;
}

/* Stage 6: what is fetched for one is there for all who ask in that place while the cache keeps it.
 */
static double miss_weight_of(const struct asking *a, unsigned often)
{
    return a->policy->origin_weight / (1 + hot_times(often) / a->set->places);
}

/* Or it would be if it did not drain. */
static bool is_healthy(const struct asking *a, uint16_t slot)
{
    health_word w = live_health_get(a->live, a->set->slot[slot].live);

    return live_usable_by_all(w) || edge_of(a, slot, w) == STANDING_HEALTHY;
}

/* The first of the content's hash order that is healthy and can serve this client; of equals, by
 * slot. A pull by weight needs a logarithm; but -ln(u) is 1 - u at least, which says of most that
 * they are not the first. */
static __attribute__((noinline)) const struct candidate *first_healthy(struct asking *a)
{
    const struct candidates *set = a->set;
    const struct candidate *best = NULL;
    double least = INFINITY;

    for (uint16_t i = 0; i < set->count; i++) {
        const struct candidate *c = &set->slot[i];
        double pull = rendezvous_pull_equal(a->q->content, c->hash);

        if (!set->equal_weights) {
            if ((pull * 0x1p-63 - 0x1p-52) * (double)c->inv_weight > least * (1 + 1e-9))
                continue;
            pull = rendezvous_pull(a->q->content, c->hash, c->inv_weight);
        }
        if (pull < least && can_serve(a->q, c) && is_healthy(a, i) && covers(a, c)) {
            least = pull;
            best = c;
        }
    }
    return best;
}

/* Stage 6: where the content is at home, unless one of the service's streamers is remembered to
 * have it, in whatever health; those of other services would be remembered by mistake. What the
 * home says itself goes before what is expected of it. On Traffic Router's ring there is none: who
 * switches from it finds the caches as they were; nor where misses cost nothing, and so hits decide
 * nothing. */
static const struct candidate *home_of(struct asking *a)
{
    const struct candidates *set = a->set;
    const struct candidate *home;

    if (!a->memory || a->rings || set->count > HOMES_MAX || !set->misses_cost)
        return NULL;
    for (uint16_t i = 0; i < set->live_word_count; i++)
        if (remembered_word(a, set->live_words[i].word) & set->live_words[i].mask)
            return NULL;
    home = first_healthy(a);
    return home && digest_says(a, home->live) == 0 ? NULL : home;
}

/* The first that will be asked for, ahead of the rest. */
static inline void row_prefetch(const struct asking *a)
{
    const struct ranked *r = candidates_ranked(a->set, a->row);
    const struct coverage *c = a->v->coverage;

    __builtin_prefetch(r);
    __builtin_prefetch(r + 64 / sizeof *r);
    if (c)
        __builtin_prefetch(c->by_pid +
                           (size_t)(a->at->pid < c->pids ? a->at->pid : c->pids) * c->words);
}

/* What the stages share. false: there is no such service. */
static bool asking_init(struct asking *a, const struct view *v, const struct live *live,
                        const struct question *q, const struct located *at, struct decision *out)
{
    const struct view_service *s;
    unsigned hot = live->hot ? hot_find(live->hot, q->content) : 0;

    assert(q->want >= 1 && q->want <= DECISION_MAX);
    out->pid = at->pid;
    out->scope = at->scope;
    out->count = 0;
    out->owners = 1;
    out->why = WHY_NO_SERVICE;
    if (q->service >= v->service_count)
        return false;
    s = &v->services[q->service];
    a->v = v;
    a->live = live;
    a->q = q;
    a->at = at;
    a->set = s->candidates;
    a->row = candidates_row(a->set, at->pid);
    row_prefetch(a);
    __builtin_prefetch(candidates_ranked(a->set, a->row));
    a->policy = &s->conf->policy;
    a->rings = s->ring ? v->rings : NULL;
    a->coverage = v->coverage;
    a->memory = v->cache_memory;
    a->load_unit = a->policy->load_weight * s->cost_unit;
    a->band_least = s->cost_unit / 10;
    a->cap = NAN;
    a->owners = owners_of(a, hot & 0xff);
    a->miss_weight = miss_weight_of(a, hot_often(hot));
    out->owners = (uint8_t)a->owners;
    a->count = 0;
    a->trace = NULL;
    a->traced = 0;
    memset(a->covered.done, 0, sizeof a->covered.done);
    memset(a->remembered.done, 0, sizeof a->remembered.done);
    a->home = home_of(a);
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
    decide_rank(a, out);
    a->seen = NULL; /* it ends here */
}

void decide_prefetch(const struct view *v, const struct live *live, uint64_t content)
{
    if (v->cache_memory)
        cache_memory_prefetch(v->cache_memory, content);
    if (live->hot)
        __builtin_prefetch(&live->hot->word[hot_line(content)]);
}

void decide(const struct view *v, const struct live *live, const struct question *q,
            struct decision *out)
{
    struct located at;

    decide_prefetch(v, live, q->content);
    at = view_place(v, q->service, q->client);
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
        decide_rank(&a, out);
    else
        decide_wide(&a, out);
}

void decide_traced(const struct view *v, const struct live *live, const struct question *q,
                   struct decision *out, struct trace_row *rows, size_t *count)
{
    struct located at = view_place(v, q->service, q->client);
    struct asking a;

    *count = 0;
    if (!asking_init(&a, v, live, q, &at, out))
        return;
    a.trace = rows;
    decide_wide(&a, out);
    *count = a.traced;
}
