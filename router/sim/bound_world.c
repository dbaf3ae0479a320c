#include "router/sim/bound_world.h"

#include <math.h>
#include <stdlib.h>

#include "router/sim/bound_blind.h"

#define INSTANTS 128u

struct recording {
    const struct sim_world *w;
    struct bound_session *sessions;
    uint64_t count, max;
    bool *known;                 /* [contents] asked for before counting begins */
    float *client_cost;          /* [nodes][sites] */
    float *origin_cost;          /* [sites] */
    uint64_t *room;              /* [sites] */
    double *capacity;            /* [INSTANTS][sites] */
    uint32_t instants[INSTANTS]; /* steps */
    uint32_t instant_count;
    uint32_t counted_from, counted_to; /* steps */
};

static enum err_code no_memory(struct err *e)
{
    return err_set(e, ERR_LIMIT, "no memory for the offline bound");
}

/* Which steps are counted: those of whole samples whose last step is behind the warm-up. */
static void counted_find(struct recording *r)
{
    const struct sim_conf *c = r->w->conf;
    uint64_t steps = (uint64_t)c->duration_s * 1000 / c->step_ms, begin = 0;
    uint64_t sample_ms = (uint64_t)c->sample_s * 1000, next_ms = sample_ms;
    bool any = false;

    for (uint64_t step = 0; step < steps; step++) {
        if ((step + 1) * c->step_ms < next_ms)
            continue;
        if (step * c->step_ms >= (uint64_t)c->warmup_s * 1000) {
            if (!any)
                r->counted_from = (uint32_t)begin;
            any = true;
            r->counted_to = (uint32_t)step + 1;
        }
        begin = step + 1;
        next_ms += sample_ms;
    }
}

static void instants_set(struct recording *r)
{
    uint32_t steps = r->counted_to - r->counted_from;

    r->instant_count = steps < INSTANTS ? steps : INSTANTS;
    for (uint32_t j = 0; j < r->instant_count; j++)
        r->instants[j] = r->counted_from + (uint32_t)((uint64_t)steps * j / r->instant_count);
}

/* The first step at which somebody goes down behind `begin`, at most end. */
static uint64_t cut_at(const struct sim_conf *c, uint64_t begin, uint64_t end)
{
    for (size_t i = 0; i < c->failure_count; i++) {
        uint64_t at = (c->failures[i].at_s * UINT64_C(1000) + c->step_ms - 1) / c->step_ms;

        if (at > begin && at < end)
            end = at;
    }
    return end;
}

static enum err_code record_step(struct recording *r, const struct sim_session *batch, size_t n,
                                 uint32_t step, struct err *e)
{
    bool counted = step >= r->counted_from;

    if (r->count + n > r->max) {
        uint64_t max = 2 * (r->count + n);
        struct bound_session *more = NULL;

        if (max <= 4 * BOUND_SESSIONS_MAX)
            more = realloc(r->sessions, max * sizeof *more);
        if (!more)
            return no_memory(e);
        r->sessions = more;
        r->max = max;
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t end = cut_at(r->w->conf, step, (uint64_t)step + batch[i].steps);

        if (!counted)
            r->known[batch[i].content] = true;
        if (!counted && end <= r->counted_from)
            continue;
        r->sessions[r->count++] =
            (struct bound_session){.content = batch[i].content,
                                   .begin = step,
                                   .end = end < UINT32_MAX ? (uint32_t)end : UINT32_MAX,
                                   .node = batch[i].node,
                                   .counted = counted};
    }
    return ERR_OK;
}

static enum err_code record(struct recording *r, struct err *e)
{
    struct sim_demand demand;
    enum err_code rc = sim_demand_init(&demand, r->w, e);

    if (rc != ERR_OK)
        return rc;
    for (uint32_t step = 0; step < r->counted_to && rc == ERR_OK; step++) {
        size_t n = sim_demand_step(&demand);

        rc = record_step(r, demand.batch, n, step, e);
    }
    sim_demand_fini(&demand);
    return rc;
}

static bool is_up(const struct sim_conf *c, uint32_t streamer, uint64_t now_ms)
{
    for (size_t i = 0; i < c->failure_count; i++) {
        const struct sim_failure *f = &c->failures[i];

        if (f->streamer == streamer && now_ms >= f->at_s * UINT64_C(1000) &&
            now_ms < ((uint64_t)f->at_s + f->for_s) * 1000)
            return false;
    }
    return true;
}

static void sites_fill(struct recording *r)
{
    const struct sim_world *w = r->w;
    const struct sim_conf *c = w->conf;

    for (uint32_t k = 0; k < c->sites; k++) {
        uint32_t first = k * c->per_site;

        r->origin_cost[k] = w->origin_cost[first];
        r->room[k] = c->cache > UINT64_MAX / c->per_site ? UINT64_MAX : c->cache * c->per_site;
        for (uint32_t i = 0; i < w->topology->count; i++)
            r->client_cost[i * c->sites + k] = w->client_cost[(size_t)i * w->streamers + first];
        for (uint32_t j = 0; j < r->instant_count; j++) {
            double *capacity = &r->capacity[j * c->sites + k];

            for (uint32_t s = first; s < first + c->per_site; s++)
                if (is_up(c, s, (uint64_t)r->instants[j] * c->step_ms))
                    *capacity += (uint32_t)c->capacity;
        }
    }
}

static enum err_code recording_init(struct recording *r, struct err *e)
{
    uint32_t sites = r->w->conf->sites, nodes = r->w->topology->count;

    r->known = calloc(r->w->contents, sizeof *r->known);
    r->client_cost = calloc((size_t)nodes * sites, sizeof *r->client_cost);
    r->origin_cost = calloc(sites, sizeof *r->origin_cost);
    r->room = calloc(sites, sizeof *r->room);
    r->capacity = calloc((size_t)INSTANTS * sites, sizeof *r->capacity);
    if (!r->known || !r->client_cost || !r->origin_cost || !r->room || !r->capacity)
        return no_memory(e);
    counted_find(r);
    if (r->counted_to == 0)
        return err_set(e, ERR_CONFLICT, "nothing is counted: no whole sample behind the warm-up");
    instants_set(r);
    sites_fill(r);
    return ERR_OK;
}

static void recording_fini(struct recording *r)
{
    free(r->sessions);
    free(r->known);
    free(r->client_cost);
    free(r->origin_cost);
    free(r->room);
    free(r->capacity);
}

/* ---- without the future */

/* Sessions of each content that are expected while it is counted. */
static double asked_fill(const struct recording *r, double *asked)
{
    const struct sim_world *w = r->w;
    const struct sim_conf *c = w->conf;
    double step_s = c->step_ms * 0.001, all = 0, sum = 0;

    for (uint32_t step = r->counted_from; step < r->counted_to; step++) {
        double at_s = step * step_s, rate = sim_demand_rate(w, at_s) * step_s;

        all += rate;
        for (size_t i = 0; i < c->flash_count; i++) {
            const struct sim_flash *f = &c->flashes[i];
            uint32_t content = w->by_rank[f->rank - 1];

            if (at_s >= f->at_s && at_s < (double)f->at_s + f->for_s)
                asked[content] += rate * w->popularity[content] * (f->times - 1);
        }
    }
    for (uint32_t i = 0; i < w->contents; i++) {
        asked[i] += all * w->popularity[i];
        sum += asked[i];
    }
    return sum;
}

static enum err_code blind_make(const struct recording *r, const struct bound_input *offline,
                                double *blind, struct err *e)
{
    const struct sim_world *w = r->w;
    const struct sim_conf *c = w->conf;
    double *asked = calloc(w->contents, sizeof *asked), *capacity, sessions, counted_s;
    struct bound_input in = *offline;
    struct bound_result result;
    enum err_code rc;

    capacity = calloc(c->sites, sizeof *capacity);
    if (asked && capacity) {
        sessions = asked_fill(r, asked);
        counted_s = (r->counted_to - r->counted_from) * (c->step_ms * 0.001);
        for (uint32_t k = 0; k < c->sites; k++)
            capacity[k] = (double)(uint32_t)c->capacity * c->per_site;
        in.capacity = capacity;
        in.instant_count = 1;
        rc =
            bound_blind(&in, w->population, asked, sessions * c->session_s / counted_s, &result, e);
        *blind = rc == ERR_OK ? result.total / sessions : NAN;
    } else {
        rc = no_memory(e);
    }
    free(asked);
    free(capacity);
    return rc;
}

enum err_code bound_world(const struct sim_world *w, struct bound_result *offline, double *blind,
                          struct err *e)
{
    struct recording r = {.w = w};
    enum err_code rc = recording_init(&r, e);

    *offline = (struct bound_result){0};
    *blind = NAN;
    if (rc == ERR_OK)
        rc = record(&r, e);
    if (rc == ERR_OK) {
        const struct bound_input in = {.nodes = w->topology->count,
                                       .places = w->conf->sites,
                                       .contents = w->contents,
                                       .client_cost = r.client_cost,
                                       .origin_cost = r.origin_cost,
                                       .room = r.room,
                                       .size = w->size,
                                       .known = r.known,
                                       .instants = r.instants,
                                       .instant_count = r.instant_count,
                                       .capacity = r.capacity,
                                       .sessions = r.sessions,
                                       .session_count = r.count};

        rc = bound_compute(&in, offline, e);
        if (rc == ERR_OK && !w->trace)
            rc = blind_make(&r, &in, blind, e);
    }
    recording_fini(&r);
    return rc;
}
