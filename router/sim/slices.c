#include "router/sim/slices.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "router/sim/bound_slice.h"

/* A session of the slice. */
struct noted {
    uint32_t content, to;
    uint64_t ends; /* step */
    uint16_t node;
};

struct slices {
    const struct sim_world *w;
    uint32_t words;
    uint16_t *place;    /* [streamers] */
    float *client_cost; /* [nodes][sites] */
    float *origin_cost; /* [sites] */
    uint64_t *held;     /* [contents][words] when the slice began */
    bool *up;           /* [streamers] in any of its steps */
    double *room, *price;
    struct noted *noted;
    struct slice_session *sessions;
    uint32_t count, max;
    double cost;
    struct slices_sum sum;
};

static enum err_code no_memory(struct err *e)
{
    return err_set(e, ERR_LIMIT, "no memory for the bounds of slices");
}

static void costs_fill(struct slices *s)
{
    const struct sim_world *w = s->w;
    uint32_t sites = w->conf->sites;

    for (uint32_t i = 0; i < w->streamers; i++) {
        s->place[i] = (uint16_t)(i / w->conf->per_site);
        s->origin_cost[s->place[i]] = w->origin_cost[i];
        for (uint32_t n = 0; n < w->topology->count; n++)
            s->client_cost[(size_t)n * sites + s->place[i]] =
                w->client_cost[(size_t)n * w->streamers + i];
    }
}

enum err_code slices_new(const struct sim_world *w, struct slices **out, struct err *e)
{
    struct slices *s = calloc(1, sizeof *s);
    size_t n = w->streamers, sites = w->conf->sites;

    *out = s;
    if (!s)
        return no_memory(e);
    s->w = w;
    s->words = (w->streamers + 63) / 64;
    s->place = calloc(n, sizeof *s->place);
    s->client_cost = calloc(w->topology->count * sites, sizeof *s->client_cost);
    s->origin_cost = calloc(sites, sizeof *s->origin_cost);
    s->held = calloc((size_t)w->contents * s->words, sizeof *s->held);
    s->up = calloc(n, sizeof *s->up);
    s->room = calloc(n, sizeof *s->room);
    s->price = calloc(n, sizeof *s->price);
    if (!s->place || !s->client_cost || !s->origin_cost || !s->held || !s->up || !s->room ||
        !s->price) {
        slices_free(s);
        *out = NULL;
        return no_memory(e);
    }
    costs_fill(s);
    return ERR_OK;
}

void slices_free(struct slices *s)
{
    if (!s)
        return;
    free(s->place);
    free(s->client_cost);
    free(s->origin_cost);
    free(s->held);
    free(s->up);
    free(s->room);
    free(s->price);
    free(s->noted);
    free(s->sessions);
    free(s);
}

void slices_begin(struct slices *s, const struct lru *caches, const struct sim_streamer *real)
{
    memset(s->held, 0, (size_t)s->w->contents * s->words * sizeof *s->held);
    for (uint32_t i = 0; i < s->w->streamers; i++) {
        const struct lru *l = &caches[i];

        for (uint32_t at = l->newest; at != LRU_NONE; at = l->entries[at].after)
            s->held[(size_t)l->entries[at].key * s->words + i / 64] |= UINT64_C(1) << i % 64;
        s->up[i] = false;
    }
    s->count = 0;
    s->cost = 0;
    slices_up(s, real);
}

void slices_up(struct slices *s, const struct sim_streamer *real)
{
    for (uint32_t i = 0; i < s->w->streamers; i++)
        s->up[i] |= real[i].up;
}

static bool grow(struct slices *s)
{
    uint32_t max = s->max ? 2 * s->max : 4096;
    struct noted *noted = realloc(s->noted, max * sizeof *noted);
    struct slice_session *sessions;

    if (!noted)
        return false;
    s->noted = noted;
    sessions = realloc(s->sessions, max * sizeof *sessions);
    if (!sessions)
        return false;
    s->sessions = sessions;
    s->max = max;
    return max > s->count;
}

bool slices_note(struct slices *s, const struct sim_session *x, uint32_t to, double cost,
                 uint64_t step)
{
    if (s->count == s->max && !grow(s))
        return false;
    s->noted[s->count++] =
        (struct noted){.content = x->content, .to = to, .ends = step + x->steps, .node = x->node};
    s->cost += cost;
    return true;
}

/* What those who were there before the slice leave of the capacity. Who is down when it ends has
 * none of its sessions open; one that was down in between lost those of before, which are taken for
 * open here: that leaves more room than there is, which is in favour of the plan. */
static void room_fill(struct slices *s, const struct sim_streamer *real, uint64_t step)
{
    uint32_t capacity = (uint32_t)s->w->conf->capacity;

    for (uint32_t i = 0; i < s->w->streamers; i++)
        s->room[i] = capacity - (double)real[i].active;
    for (uint32_t i = 0; i < s->count; i++) {
        const struct noted *n = &s->noted[i];

        s->sessions[i] = (struct slice_session){n->content, n->node, n->ends > step};
        s->room[n->to] += n->ends > step;
    }
    for (uint32_t i = 0; i < s->w->streamers; i++)
        s->room[i] = !s->up[i] ? NAN : !real[i].up ? INFINITY : fmax(s->room[i], 0);
}

enum err_code slices_end(struct slices *s, const struct sim_streamer *real, uint64_t step,
                         struct err *e)
{
    const struct slice_input in = {.nodes = s->w->topology->count,
                                   .places = s->w->conf->sites,
                                   .streamers = s->w->streamers,
                                   .contents = s->w->contents,
                                   .place = s->place,
                                   .client_cost = s->client_cost,
                                   .origin_cost = s->origin_cost,
                                   .held = s->held,
                                   .room = s->room,
                                   .sessions = s->sessions,
                                   .session_count = s->count};
    struct slice_result r;
    enum err_code rc;

    room_fill(s, real, step);
    rc = bound_slice(&in, s->price, &r, e);
    if (rc != ERR_OK)
        return rc;
    s->sum.bound += r.total;
    s->sum.client += r.client;
    s->sum.origin += r.origin;
    s->sum.cost += s->cost;
    s->sum.sessions += s->count;
    s->sum.below = fmax(s->sum.below, r.total - s->cost);
    return ERR_OK;
}

const struct slices_sum *slices_sum_get(const struct slices *s)
{
    return &s->sum;
}
