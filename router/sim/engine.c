#include "router/sim/engine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "router/cache_memory.h"
#include "router/sim/lru.h"
#include "router/sim/slices.h"

#define LOAD_BINS     8192u /* of 1/1024: up to eight times full */
#define LOAD_BIN      1024.0
#define KEYS          2048u /* whose streamer is looked at when one leaves */
#define PASSES        5u    /* over them, to know what a choice takes */
#define AHEAD         4u    /* sessions */
#define PROGRESS_STEP 64u

/* Sums since the last sample. */
struct window {
    uint64_t sessions, served, hits, full;
    double client_cost, origin_cost;
};

/* A question whose answer is watched. */
struct watched {
    struct sim_session session;
    uint32_t before;
};

struct run {
    const struct sim_world *w;
    struct sim_demand demand;
    struct sim_router *routers; /* [conf->routers] */
    struct sim_streamer *real;  /* [streamers] */
    uint32_t *full_at;          /* [streamers] sessions that it can take */
    struct lru *caches;         /* [streamers] */
    uint32_t *ends;             /* [wheel + 1][streamers]: sessions that end in that step */
    uint32_t wheel;             /* a power of two, less one */
    uint64_t step, now_ms;
    struct window window;
    struct watched *watched; /* [KEYS] */
    uint16_t *asked_from;    /* [contents] node + 1 of who asked last; 0: nobody yet */
    uint64_t load[LOAD_BINS];
    double max_mean;
    uint64_t max_mean_count;
    struct slices *slices; /* NULL: no bound of them is wanted */
    bool in_slice;
    uint64_t slice_from; /* step */
    uint64_t apart_ns;   /* processor time that was spent on bounds and on who moves */
    enum err_code rc;
    struct err *e;
    struct sim_result *out;
};

double sim_result_cost(const struct sim_result *r)
{
    return r->sessions ? (r->client_cost + r->origin_cost) / (double)r->sessions : 0;
}

static enum err_code no_memory(struct err *e)
{
    return err_set(e, ERR_LIMIT, "no memory for the simulation");
}

/* ---- making it */

static bool caches_make(struct run *r)
{
    const struct sim_world *w = r->w;

    r->caches = calloc(w->streamers, sizeof *r->caches);
    for (uint32_t s = 0; r->caches && s < w->streamers; s++)
        if (!lru_init(&r->caches[s], w->conf->cache, w->contents))
            return false;
    return r->caches;
}

/* Questions as they will be asked, but apart from them. */
static void watched_draw(struct run *r)
{
    struct sim_random random = {hash_mix(r->w->seed, 0x6b657973)};

    for (uint32_t i = 0; i < KEYS; i++) {
        struct sim_session *s = &r->watched[i].session;

        s->random = sim_random_next(&random);
        s->host = (uint32_t)(s->random & 4095);
        s->node = (uint16_t)alias_draw(&r->w->clients, sim_random_next(&random));
        s->place = s->node;
        s->content = alias_draw(&r->w->catalogue, sim_random_next(&random));
    }
}

static enum err_code run_init(struct run *r, enum sim_policy p, struct err *e)
{
    const struct sim_world *w = r->w;
    const struct sim_conf *c = w->conf;
    size_t samples = (size_t)c->duration_s / c->sample_s + 2;
    enum err_code rc = sim_demand_init(&r->demand, w, e);

    if (rc != ERR_OK)
        return rc;
    for (r->wheel = 1; r->wheel <= r->demand.steps_max;)
        r->wheel = 2 * r->wheel + 1;
    r->real = calloc(w->streamers, sizeof *r->real);
    r->full_at = calloc(w->streamers, sizeof *r->full_at);
    r->ends = calloc((r->wheel + (size_t)1) * w->streamers, sizeof *r->ends);
    r->watched = calloc(KEYS, sizeof *r->watched);
    r->asked_from = calloc(w->contents, sizeof *r->asked_from);
    r->routers = calloc(c->routers, sizeof *r->routers);
    r->out->samples = calloc(samples, sizeof *r->out->samples);
    if (!r->real || !r->full_at || !r->ends || !r->watched || !r->asked_from || !r->routers ||
        !r->out->samples || !caches_make(r))
        return no_memory(e);
    for (uint32_t s = 0; s < w->streamers; s++) {
        r->real[s].up = true;
        r->full_at[s] = (uint32_t)c->capacity;
    }
    watched_draw(r);
    for (uint32_t i = 0; i < c->routers && rc == ERR_OK; i++)
        rc = sim_router_init(&r->routers[i], w, p, i, e);
    if (rc == ERR_OK && c->bound && c->slice_s)
        rc = slices_new(w, &r->slices, e);
    return rc;
}

static void run_fini(struct run *r)
{
    const struct sim_world *w = r->w;

    for (uint32_t i = 0; r->routers && i < w->conf->routers; i++)
        sim_router_fini(&r->routers[i]);
    for (uint32_t s = 0; r->caches && s < w->streamers; s++)
        lru_fini(&r->caches[s]);
    free(r->routers);
    free(r->caches);
    free(r->real);
    free(r->full_at);
    free(r->ends);
    free(r->watched);
    free(r->asked_from);
    slices_free(r->slices);
    sim_demand_fini(&r->demand);
}

/* ---- what goes by itself */

static void departures(struct run *r)
{
    uint32_t *ends = r->ends + (size_t)(r->step & r->wheel) * r->w->streamers;

    for (uint32_t s = 0; s < r->w->streamers; s++) {
        r->real[s].active -= ends[s];
        ends[s] = 0;
    }
}

static bool counted(const struct run *r)
{
    return r->now_ms >= (uint64_t)r->w->conf->warmup_s * 1000;
}

static void fail(struct run *r, uint32_t s)
{
    if (counted(r))
        r->out->cut += r->real[s].active;
    r->real[s].active = 0;
    r->real[s].up = false;
    for (size_t i = 0; i <= r->wheel; i++)
        r->ends[i * r->w->streamers + s] = 0;
}

static void failures(struct run *r)
{
    const struct sim_conf *c = r->w->conf;

    for (size_t i = 0; i < c->failure_count; i++) {
        const struct sim_failure *f = &c->failures[i];
        bool down = r->now_ms >= f->at_s * UINT64_C(1000) &&
                    r->now_ms < ((uint64_t)f->at_s + f->for_s) * 1000;

        if (down && r->real[f->streamer].up)
            fail(r, f->streamer);
    }
    for (uint32_t s = 0; s < r->w->streamers; s++) {
        bool down = false;

        for (size_t i = 0; i < c->failure_count; i++)
            down |= c->failures[i].streamer == s &&
                    r->now_ms >= c->failures[i].at_s * UINT64_C(1000) &&
                    r->now_ms < ((uint64_t)c->failures[i].at_s + c->failures[i].for_s) * 1000;
        if (!down)
            r->real[s].up = true;
    }
}

/* ---- who moves when somebody leaves or returns, by the first router */

static void watch(struct run *r)
{
    uint64_t begin = clock_cpu_ns();
    bool known;

    for (uint32_t i = 0; i < KEYS; i++)
        r->watched[i].before = sim_router_choose(&r->routers[0], &r->watched[i].session, &known);
    r->apart_ns += clock_cpu_ns() - begin;
}

static void moved(struct run *r, uint32_t s, double *share)
{
    uint32_t others = 0, changed = 0;
    bool known;

    for (uint32_t i = 0; i < KEYS; i++) {
        uint32_t before = r->watched[i].before, now;

        now = sim_router_choose(&r->routers[0], &r->watched[i].session, &known);
        if (before == s)
            continue;
        others++;
        changed += now != before && now != s;
    }
    if (others && isnan(*share))
        *share = (double)changed / others;
}

static void keys_moved(struct run *r, uint32_t s, struct sim_keys *keys)
{
    uint64_t begin = clock_cpu_ns();

    if (keys->asked == 0 && !sim_keys_count(&r->routers[0], s, r->asked_from, keys) &&
        r->rc == ERR_OK)
        r->rc = no_memory(r->e);
    r->apart_ns += clock_cpu_ns() - begin;
}

/* The first router hears; when that changes the standing of somebody, the watched questions are
 * asked right before and right behind. */
static void turn_watched(struct run *r)
{
    struct sim_router *first = &r->routers[0];
    bool any_down = false, changed = false;

    for (uint32_t s = 0; s < r->w->streamers; s++)
        any_down |= !first->known[s].usable || !r->real[s].up;
    if (any_down)
        watch(r);
    for (uint32_t s = 0; s < r->w->streamers; s++) {
        bool before = first->known[s].usable;

        sim_router_hear(first, s, &r->real[s], r->now_ms);
        if (first->known[s].usable == before || changed || !any_down)
            continue;   /* nothing but lost polls */
        changed = true; /* of several at once the first is looked at */
        moved(r, s, before ? &r->out->moved_leave : &r->out->moved_return);
        keys_moved(r, s, before ? &r->out->keys_leave : &r->out->keys_return);
    }
    sim_router_fold(first, r->now_ms);
}

static void routers_turn(struct run *r)
{
    turn_watched(r);
    for (uint32_t i = 1; i < r->w->conf->routers; i++) {
        for (uint32_t s = 0; s < r->w->streamers; s++)
            sim_router_hear(&r->routers[i], s, &r->real[s], r->now_ms);
        sim_router_fold(&r->routers[i], r->now_ms);
    }
}

/* ---- sessions */

static uint32_t ask(struct run *r, const struct sim_session *s)
{
    const struct sim_conf *c = r->w->conf;
    struct sim_router *router = r->routers;
    uint32_t to = SIM_NOBODY;

    if (c->routers > 1)
        router += (uint32_t)hash_mix(c->by_node ? s->place : s->random, 1) % c->routers;
    for (uint32_t k = 0; k < c->asks; k++) {
        bool known;
        uint32_t here = sim_router_choose(router, s, &known);

        if (k == 0)
            to = here;
        if (here != SIM_NOBODY)
            sim_router_sent(router, s, here, known, r->now_ms);
    }
    return to;
}

/* Of a session, for the bound of its slice. */
static void slice_note(struct run *r, const struct sim_session *s, uint32_t to, bool hit)
{
    const struct sim_world *w = r->w;
    double cost = (double)w->client_cost[(size_t)s->node * w->streamers + to];

    if (!hit)
        cost += (double)w->origin_cost[to];
    if (r->rc == ERR_OK && !slices_note(r->slices, s, to, cost, r->step))
        r->rc = no_memory(r->e);
}

static inline void session(struct run *r, const struct sim_session *s)
{
    const struct sim_world *w = r->w;
    uint32_t to = ask(r, s);
    bool full, hit;

    r->asked_from[s->content] = (uint16_t)(s->place + 1);
    r->window.sessions++;
    if (to == SIM_NOBODY || !r->real[to].up)
        return;
    full = r->real[to].active >= r->full_at[to];
    hit = lru_touch(&r->caches[to], s->content, w->size ? w->size[s->content] : 1);
    r->real[to].asked++;
    r->real[to].hits += hit;
    r->window.served++;
    r->window.full += full;
    r->window.hits += hit;
    r->window.client_cost += (double)w->client_cost[(size_t)s->node * w->streamers + to];
    r->window.origin_cost += hit ? 0 : (double)w->origin_cost[to];
    r->real[to].active++;
    r->ends[(size_t)((r->step + s->steps) & r->wheel) * w->streamers + to]++;
    if (r->in_slice)
        slice_note(r, s, to, hit);
}

static void sessions(struct run *r)
{
    size_t n = sim_demand_step(&r->demand);
    const struct sim_session *batch = r->demand.batch;
    const struct cache_memory *memory = r->routers[0].memory;

    for (size_t i = 0; i < n; i++) {
        if (memory && i + AHEAD < n)
            cache_memory_prefetch(memory, r->w->key[batch[i + AHEAD].content]);
        session(r, &batch[i]);
    }
    r->out->all_sessions += n;
}

/* ---- what is written down */

static void sample_loads(struct run *r, struct sim_sample *s, bool count)
{
    double sum = 0, most = 0;
    uint32_t up = 0;

    for (uint32_t i = 0; i < r->w->streamers; i++) {
        double load = r->real[i].active / r->w->conf->capacity;
        uint32_t bin = (uint32_t)fmin(load * LOAD_BIN, LOAD_BINS - 1);

        if (!r->real[i].up)
            continue;
        up++;
        sum += load;
        most = load > most ? load : most;
        r->load[bin] += count;
    }
    s->load_mean = up ? (float)(sum / up) : 0;
    s->load_max = (float)most;
    if (count && sum > 0) {
        r->max_mean += most * up / sum;
        r->max_mean_count++;
    }
}

static void sample(struct run *r, bool count)
{
    struct sim_sample *s = &r->out->samples[r->out->sample_count++];
    const struct window *n = &r->window;
    double served = n->served ? (double)n->served : 1;

    *s = (struct sim_sample){.at_s = (double)r->now_ms * 0.001,
                             .client_cost = (float)(n->client_cost / served),
                             .origin_cost = (float)(n->origin_cost / served),
                             .hit = (float)((double)n->hits / served),
                             .full = (float)((double)n->full / served)};
    sample_loads(r, s, count);
    if (count) {
        r->out->sessions += n->served;
        r->out->hits += n->hits;
        r->out->full += n->full;
        r->out->failed += n->sessions - n->served;
        r->out->client_cost += n->client_cost;
        r->out->origin_cost += n->origin_cost;
    }
    r->window = (struct window){0};
}

/* What a choice takes, by the fastest of some passes over the watched questions: others use the
 * machine, too. */
static double choice_ns(const struct run *r)
{
    double least = INFINITY;

    for (unsigned pass = 0; pass < PASSES; pass++) {
        uint64_t begin = clock_cpu_ns(), took;
        bool known;

        for (uint32_t i = 0; i < KEYS; i++)
            (void)sim_router_choose(&r->routers[0], &r->watched[i].session, &known);
        took = clock_cpu_ns() - begin;
        least = fmin(least, (double)took / KEYS);
    }
    return least;
}

static void conclude(struct run *r)
{
    struct sim_result *out = r->out;
    uint64_t all = 0, below = 0;
    uint32_t bin = 0;

    for (uint32_t i = 0; i < LOAD_BINS; i++)
        all += r->load[i];
    for (; bin < LOAD_BINS && (below + r->load[bin]) * 100 < all * 99; bin++)
        below += r->load[bin];
    out->load_p99 = (bin + 0.5) / LOAD_BIN;
    out->load_max_mean = r->max_mean_count ? r->max_mean / (double)r->max_mean_count : 0;
    out->decide_ns = choice_ns(r);
}

/* ---- slices: of whole samples, over all that are counted */

/* Will the sample that ends then be there, and counted? */
static bool sample_counts(const struct run *r, uint64_t end_ms)
{
    const struct sim_conf *c = r->w->conf;
    uint64_t last = (end_ms + c->step_ms - 1) / c->step_ms - 1;

    return last < (uint64_t)c->duration_s * 1000 / c->step_ms &&
           last * c->step_ms >= (uint64_t)c->warmup_s * 1000;
}

static void slice_turn(struct run *r, uint64_t sample_end_ms)
{
    uint64_t begin = clock_cpu_ns();

    if (r->in_slice) {
        slices_up(r->slices, r->real);
    } else if (sample_counts(r, sample_end_ms)) {
        slices_begin(r->slices, r->caches, r->real);
        r->slice_from = r->step;
        r->in_slice = true;
    }
    r->apart_ns += clock_cpu_ns() - begin;
}

/* Behind a sample; next_ms: when the next one ends. */
static void slice_end(struct run *r, uint64_t next_ms)
{
    const struct sim_conf *c = r->w->conf;
    uint64_t begin = clock_cpu_ns(), long_ms = (r->step + 1 - r->slice_from) * c->step_ms;

    if (!r->in_slice || (long_ms < c->slice_s * UINT64_C(1000) && sample_counts(r, next_ms)))
        return;
    if (r->rc == ERR_OK)
        r->rc = slices_end(r->slices, r->real, r->step, r->e);
    r->in_slice = false;
    r->apart_ns += clock_cpu_ns() - begin;
}

static void slices_conclude(struct run *r)
{
    const struct slices_sum *sum = slices_sum_get(r->slices);

    if (sum->sessions == 0)
        return;
    r->out->slice_bound = sum->bound / (double)sum->sessions;
    r->out->slice_client = sum->client / (double)sum->sessions;
    r->out->slice_origin = sum->origin / (double)sum->sessions;
    r->out->slice_below = sum->below;
}

static void run_all(struct run *r, sim_progress_fn *progress, void *arg)
{
    const struct sim_conf *c = r->w->conf;
    uint64_t steps = (uint64_t)c->duration_s * 1000 / c->step_ms;
    uint64_t sample_ms = (uint64_t)c->sample_s * 1000, next_ms = sample_ms;
    uint64_t begin = clock_cpu_ns();

    for (r->step = 0; r->step < steps && r->rc == ERR_OK; r->step++) {
        bool count;

        r->now_ms = r->step * c->step_ms;
        count = counted(r);
        departures(r);
        if (c->failure_count)
            failures(r);
        routers_turn(r);
        if (r->slices)
            slice_turn(r, next_ms);
        sessions(r);
        if (r->now_ms + c->step_ms >= next_ms) {
            sample(r, count);
            next_ms += sample_ms;
            slice_end(r, next_ms);
        }
        if (progress && r->step % PROGRESS_STEP == 0)
            progress(arg, (double)r->step / (double)steps);
    }
    r->out->run_s = (double)(clock_cpu_ns() - begin - r->apart_ns) * 1e-9;
}

enum err_code sim_run(const struct sim_world *w, enum sim_policy p, sim_progress_fn *progress,
                      void *arg, struct sim_result *out, struct err *e)
{
    struct run *r = calloc(1, sizeof *r);
    enum err_code rc;

    *out = (struct sim_result){.policy = p,
                               .seed = w->seed,
                               .moved_leave = NAN,
                               .moved_return = NAN,
                               .slice_bound = NAN,
                               .slice_client = NAN,
                               .slice_origin = NAN,
                               .slice_below = NAN};
    if (!r)
        return no_memory(e);
    r->w = w;
    r->out = out;
    r->e = e;
    rc = run_init(r, p, e);
    if (rc == ERR_OK) {
        run_all(r, progress, arg);
        rc = r->rc;
    }
    if (rc == ERR_OK) {
        conclude(r);
        if (r->slices)
            slices_conclude(r);
    } else {
        sim_result_fini(out);
    }
    run_fini(r);
    free(r);
    return rc;
}

void sim_result_fini(struct sim_result *r)
{
    free(r->samples);
    r->samples = NULL;
    r->sample_count = 0;
}
