#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "router/sim/world.h"

#define STEPS_MAX (UINT32_C(1) << 20)
#define BATCH_MAX ((size_t)1 << 24)
#define SIGMAS    8.0  /* of a batch above its mean: 1e-15 */
#define MEANS_MAX 20.0 /* no session is longer than so many mean ones */

static double step_s(const struct sim_conf *c)
{
    return c->step_ms * 0.001;
}

double sim_demand_rate(const struct sim_world *w, double at_s)
{
    const struct sim_conf *c = w->conf;
    double full = w->streamers * c->capacity * c->utilisation / c->session_s;

    /* Lowest when it begins, highest half a day later. */
    return full * (1 - c->swing * cos(2 * 3.14159265358979323846 * at_s / c->day_s));
}

/* How many times as often a content is asked for as without crowds, less one. */
static double flash_more(const struct sim_flash *f, double at_s)
{
    return at_s >= f->at_s && at_s < (double)f->at_s + f->for_s ? f->times - 1 : 0;
}

static uint32_t poisson(struct sim_random *r, double mean)
{
    if (!(mean > 0))
        return 0;
    if (mean < 32) { /* D. E. Knuth's */
        double limit = exp(-mean), product = sim_random_unit(r);
        uint32_t n = 0;

        for (; product > limit; n++)
            product *= sim_random_unit(r);
        return n;
    }
    /* The normal distribution is near enough: by the polar form of Box and Muller. */
    double u = 1 - sim_random_unit(r), v = sim_random_unit(r);
    double x = mean + sqrt(mean) * sqrt(-2 * log(u)) * cos(2 * 3.14159265358979323846 * v) + 0.5;

    return x > 0 ? (uint32_t)x : 0;
}

/* Lengths of the wanted distribution and exactly the wanted mean. */
static void lengths_fill(struct sim_demand *d)
{
    const struct sim_conf *c = d->world->conf;
    struct sim_random r = {hash_mix(d->world->seed, 0x6c656e67746873)};
    double mean = c->session_s / step_s(c), sum = 0;

    for (uint32_t i = 0; i < SIM_LENGTHS; i++) {
        double x;

        if (c->lengths == SIM_LENGTHS_EXPONENTIAL)
            x = -log((i + 0.5) / SIM_LENGTHS);
        else
            x = exp(c->sigma * sqrt(-2 * log(1 - sim_random_unit(&r))) *
                    cos(2 * 3.14159265358979323846 * sim_random_unit(&r)));
        d->lengths[i] = (float)x;
        sum += x;
    }
    for (uint32_t i = 0; i < SIM_LENGTHS; i++) {
        double x = (double)d->lengths[i] / sum * SIM_LENGTHS * mean;

        d->lengths[i] = (float)fmin(x, MEANS_MAX * mean);
        if (d->lengths[i] + 2 > (float)d->steps_max)
            d->steps_max = (uint32_t)d->lengths[i] + 2;
    }
}

/* Sessions of a step at most, all crowds together. */
static double batch_most(const struct sim_world *w)
{
    const struct sim_conf *c = w->conf;
    double rate = w->streamers * c->capacity * c->utilisation / c->session_s * (1 + fabs(c->swing));
    double more = 1;

    for (size_t i = 0; i < c->flash_count; i++)
        more += w->popularity[w->by_rank[c->flashes[i].rank - 1]] * c->flashes[i].times;
    rate *= more * step_s(c);
    return rate + SIGMAS * sqrt(rate) * (double)(1 + c->flash_count) + 64;
}

enum err_code sim_demand_init(struct sim_demand *d, const struct sim_world *w, struct err *e)
{
    double most = batch_most(w);

    *d = (struct sim_demand){.world = w, .random = {hash_mix(w->seed, 0x64656d616e64)}};
    if (!(most < (double)BATCH_MAX))
        return err_set(e, ERR_LIMIT, "%.0f sessions in a step, at most %zu: make the step shorter",
                       most, BATCH_MAX);
    if (w->conf->session_s * MEANS_MAX / step_s(w->conf) > STEPS_MAX)
        return err_set(e, ERR_LIMIT, "sessions of %u s are too many steps of %u ms",
                       w->conf->session_s, w->conf->step_ms);
    d->batch_max = (size_t)most;
    d->lengths = calloc(SIM_LENGTHS, sizeof *d->lengths);
    d->batch = calloc(d->batch_max, sizeof *d->batch);
    if (!d->lengths || !d->batch) {
        sim_demand_fini(d);
        return err_set(e, ERR_LIMIT, "no memory for the demand");
    }
    lengths_fill(d);
    return ERR_OK;
}

void sim_demand_fini(struct sim_demand *d)
{
    free(d->lengths);
    free(d->batch);
    *d = (struct sim_demand){0};
}

static inline void session_draw(struct sim_demand *d, struct sim_session *s)
{
    const struct sim_world *w = d->world;
    uint64_t r = sim_random_next(&d->random);

    s->random = r;
    s->host = (uint32_t)(r & 4095);
    s->steps = (uint32_t)(d->lengths[r >> 12 & (SIM_LENGTHS - 1)] + (float)(r >> 40) * 0x1p-24F);
    s->steps += s->steps == 0;
    s->node = (uint16_t)alias_draw(&w->clients, sim_random_next(&d->random));
    s->place = s->node;
}

size_t sim_demand_step(struct sim_demand *d)
{
    const struct sim_world *w = d->world;
    const struct sim_conf *c = w->conf;
    double at_s = (double)d->step * step_s(c), rate = sim_demand_rate(w, at_s) * step_s(c);
    size_t n = poisson(&d->random, rate);

    n = n < d->batch_max ? n : d->batch_max;
    for (size_t i = 0; i < n; i++) {
        session_draw(d, &d->batch[i]);
        if (w->trace) {
            d->batch[i].content = w->trace[d->trace_at];
            d->trace_at = d->trace_at + 1 < w->trace_count ? d->trace_at + 1 : 0;
        } else {
            d->batch[i].content = alias_draw(&w->catalogue, sim_random_next(&d->random));
        }
    }
    for (size_t k = 0; k < c->flash_count; k++) {
        uint32_t content = w->by_rank[c->flashes[k].rank - 1];
        uint32_t more =
            poisson(&d->random, rate * w->popularity[content] * flash_more(&c->flashes[k], at_s));

        for (; more && n < d->batch_max; more--, n++) { /* somewhere among the others */
            size_t at = sim_random_below(&d->random, n + 1);

            d->batch[n] = d->batch[at];
            session_draw(d, &d->batch[at]);
            d->batch[at].content = content;
        }
    }
    if (c->wrong_location > 0)
        for (size_t i = 0; i < n; i++)
            if (sim_random_unit(&d->random) < c->wrong_location)
                d->batch[i].place = (uint16_t)sim_random_below(&d->random, w->topology->count);
    d->step++;
    return n;
}
