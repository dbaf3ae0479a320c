#include <math.h>

#include "router/candidates.h"
#include "router/decide.h"

/* Floors are rounded down by more than what the arithmetic of their readers loses. */
#define BELOW (1 - 1e-6)

static void float_set(_Atomic uint32_t *word, double value)
{
    float f = (float)value;
    uint32_t bits;

    memcpy(&bits, &f, sizeof bits);
    atomic_store_explicit(word, bits, memory_order_relaxed);
}

/* Sessions believed open, in units, as they count. */
static double units_of(const struct candidate *s, const struct live *live)
{
    return (double)(int64_t)live_session_units(live, s->live) * (double)live_scale(live, s->live);
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
            sessions += units_of(s, live);
            capacity += s->capacity;
        }
    }
    return capacity > 0 ? sessions / capacity : 0;
}

/* A session a second leaves session_s of them open. */
double candidates_others(const struct candidates *c, const struct view *v, const struct live *live)
{
    double open = 0, foreign = 0, others;

    for (uint16_t i = 0; i < c->count; i++) {
        const struct live_streamer *s = &live->streamer[c->slot[i].live];

        open += s->open;
        foreign += s->foreign * v->streamers[c->slot[i].streamer].session_s;
    }
    if (!(foreign > 0))
        return 0;
    others = foreign < open ? foreign / (open - foreign) : INFINITY;
    return others < CANDIDATES_OTHERS_MAX ? others : CANDIDATES_OTHERS_MAX;
}

/* For a content that it is believed to have if it has any. */
static double origin_floor(const struct candidate *s, const struct live *live)
{
    const struct live_streamer *l = &live->streamer[s->live];
    uint32_t hit_pm = atomic_load_explicit(&l->hit_pm, memory_order_relaxed);
    uint32_t known_pm = atomic_load_explicit(&l->hit_known_pm, memory_order_relaxed);
    double miss = (1000 - (int)(hit_pm > known_pm ? hit_pm : known_pm)) * 0.001;

    if (!(miss > 0))
        return 0;
    return isnan(s->origin_cost) ? (double)INFINITY : miss * (double)s->origin_cost * BELOW;
}

/* What was sent in between makes loads higher only, so `lowered` is read before all else. */
static void fold(const struct candidates *c, const struct view *v, const struct live *live)
{
    struct candidates_folded *f = c->folded;
    uint32_t lowered = atomic_load_explicit(&live->lowered, memory_order_acquire);
    double least_origin = INFINITY, least_load = INFINITY;

    float_set(&f->mean, candidates_mean(c, live));
    f->others = candidates_others(c, v, live);
    for (uint16_t i = 0; i < c->count; i++) {
        const struct candidate *s = &c->slot[i];
        double origin = origin_floor(s, live);
        double load = decide_penalty(units_of(s, live) * s->inv_capacity) * BELOW;

        float_set(&f->slot[i].origin, origin);
        float_set(&f->slot[i].load, load);
        least_origin = origin < least_origin ? origin : least_origin;
        least_load = load < least_load ? load : least_load;
    }
    float_set(&f->least.origin, isinf(least_origin) ? 0 : least_origin);
    float_set(&f->least.load, isinf(least_load) ? 0 : least_load);
    atomic_store_explicit(&f->lowered, lowered, memory_order_release);
}

void view_fold(const struct view *v, const struct live *live)
{
    for (svidx i = 0; i < v->service_count; i++)
        if (i == 0 || v->services[i].candidates != v->services[i - 1].candidates)
            fold(v->services[i].candidates, v, live);
}
