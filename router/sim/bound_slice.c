#include "router/sim/bound_slice.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 60u
#define STEP   0.25 /* of the first step: of what a session costs */
#define NOBODY UINT32_MAX

/* Sessions of a content from one node. */
struct group {
    uint16_t node;
    uint32_t open, closed; /* when the slice ends */
};

struct content {
    uint32_t id, first, groups; /* in s->group */
    uint32_t sessions;
};

/* A place, for a content: who would serve it there of those that have it, and of those that would
 * have to fetch it first. NOBODY: there is none, at a price of INFINITY. */
struct here {
    uint32_t held_by, fetched_by;
    double held, fetched;
};

struct slice {
    const struct slice_input *in;
    uint32_t words;
    struct group *group;     /* [sessions] */
    struct content *content; /* [sessions] */
    uint32_t content_count;
    struct here *here; /* [places] of the content that is looked at */
    uint32_t *fetch;   /* [places] those that might fetch it */
    uint32_t fetch_count;
    double share; /* of a fetch that each session pays where it goes; 0: fetches are paid once */
    double *price, *squares;       /* [streamers] */
    double *opened;                /* [streamers] sessions open when the slice ends, by the plan */
    double client, origin, priced; /* of the plan */
};

/* ---- sessions, content by content */

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static void group_add(struct slice *s, uint64_t key, uint32_t *groups)
{
    uint32_t id = (uint32_t)(key >> 32);
    uint16_t node = (uint16_t)(key >> 1);
    struct content *c = s->content_count ? &s->content[s->content_count - 1] : NULL;
    struct group *g;

    if (!c || c->id != id) {
        c = &s->content[s->content_count++];
        *c = (struct content){.id = id, .first = *groups};
    }
    if (c->groups == 0 || s->group[*groups - 1].node != node) {
        s->group[(*groups)++] = (struct group){.node = node};
        c->groups++;
    }
    g = &s->group[*groups - 1];
    g->open += key & 1;
    g->closed += !(key & 1);
    c->sessions++;
}

static bool groups_make(struct slice *s)
{
    const struct slice_input *in = s->in;
    uint64_t *keys = calloc(in->session_count + (size_t)1, sizeof *keys);
    uint32_t groups = 0;

    if (!keys)
        return false;
    for (uint32_t i = 0; i < in->session_count; i++)
        keys[i] = (uint64_t)in->sessions[i].content << 32 | (uint64_t)in->sessions[i].node << 1 |
                  in->sessions[i].open;
    qsort(keys, in->session_count, sizeof *keys, by_number);
    for (uint32_t i = 0; i < in->session_count; i++)
        group_add(s, keys[i], &groups);
    free(keys);
    return true;
}

/* ---- the best plan of a content, at these prices */

static void here_fill(struct slice *s, uint32_t content)
{
    const struct slice_input *in = s->in;
    const uint64_t *held = in->held + (size_t)content * s->words;

    for (uint32_t k = 0; k < in->places; k++)
        s->here[k] = (struct here){NOBODY, NOBODY, INFINITY, INFINITY};
    for (uint32_t i = 0; i < in->streamers; i++) {
        struct here *h = &s->here[in->place[i]];

        if (isnan(in->room[i]))
            continue;
        if (held[i / 64] >> i % 64 & 1) {
            if (s->price[i] < h->held) {
                h->held = s->price[i];
                h->held_by = i;
            }
        } else if (s->price[i] < h->fetched) {
            h->fetched = s->price[i];
            h->fetched_by = i;
        }
    }
}

/* Places that have anything of it when they fetch. */
static void fetches_find(struct slice *s)
{
    s->fetch_count = 0;
    for (uint32_t k = 0; k < s->in->places; k++)
        if (s->here[k].fetched < s->here[k].held)
            s->fetch[s->fetch_count++] = k;
}

/* Where a session goes. */
struct way {
    double cost; /* with the price, if it is open, and its share of the fetch */
    double client, origin;
    uint32_t streamer;
};

/* The best for a session from there, when the places of this set fetch (bits by s->fetch; with
 * shares: any place may). */
static struct way way_find(const struct slice *s, uint16_t node, bool open, uint32_t set)
{
    const struct slice_input *in = s->in;
    const float *row = in->client_cost + (size_t)node * in->places;
    struct way w = {.cost = INFINITY, .streamer = NOBODY};

    for (uint32_t k = 0; k < in->places; k++) {
        const struct here *h = &s->here[k];
        double cost = (double)row[k] + (open ? h->held : 0);

        if (h->held_by != NOBODY && cost < w.cost)
            w = (struct way){cost, (double)row[k], 0, h->held_by};
    }
    for (uint32_t i = 0; i < s->fetch_count; i++) {
        uint32_t k = s->fetch[i];
        const struct here *h = &s->here[k];
        double origin = s->share * (double)in->origin_cost[k];
        double cost = (double)row[k] + (open ? h->fetched : 0) + origin;

        if ((s->share > 0 || (set >> i & 1)) && cost < w.cost)
            w = (struct way){cost, (double)row[k], origin, h->fetched_by};
    }
    return w;
}

static double fetches_cost(const struct slice *s, uint32_t set)
{
    double cost = 0;

    for (uint32_t i = 0; set; i++, set >>= 1)
        if (set & 1)
            cost += (double)s->in->origin_cost[s->fetch[i]];
    return cost;
}

/* Of this content when these places fetch it; not to the end where it is not below `most`. */
static double set_cost(const struct slice *s, const struct content *c, uint32_t set, double most)
{
    double cost = fetches_cost(s, set);

    for (uint32_t i = c->first; i < c->first + c->groups && cost < most; i++) {
        const struct group *g = &s->group[i];

        if (g->open)
            cost += g->open * way_find(s, g->node, true, set).cost;
        if (g->closed)
            cost += g->closed * way_find(s, g->node, false, set).cost;
    }
    return cost;
}

/* Writes down what the plan does. */
static void set_take(struct slice *s, const struct content *c, uint32_t set)
{
    s->origin += fetches_cost(s, set);
    for (uint32_t i = c->first; i < c->first + c->groups; i++) {
        const struct group *g = &s->group[i];
        struct way open = way_find(s, g->node, true, set), closed = open;

        if (g->closed)
            closed = way_find(s, g->node, false, set);
        s->client += g->open * open.client + g->closed * closed.client;
        s->origin += g->open * open.origin + g->closed * closed.origin;
        s->opened[open.streamer] += g->open;
    }
}

static double content_plan(struct slice *s, const struct content *c)
{
    double best = INFINITY;
    uint32_t best_set = 0;

    here_fill(s, c->id);
    fetches_find(s);
    s->share = s->fetch_count > SLICE_FETCHES_MAX ? 1.0 / c->sessions : 0;
    for (uint32_t set = 0; set < (s->share > 0 ? 1u : 1u << s->fetch_count); set++) {
        double cost;

        if ((uint32_t)__builtin_popcount(set) > c->sessions)
            continue;
        cost = set_cost(s, c, set, best);
        if (cost < best) {
            best = cost;
            best_set = set;
        }
    }
    set_take(s, c, best_set);
    return best;
}

/* ---- prices */

/* The bound at the prices as they are. */
static double price_all(struct slice *s)
{
    double cost = 0;

    s->client = s->origin = 0;
    memset(s->opened, 0, s->in->streamers * sizeof *s->opened);
    for (uint32_t i = 0; i < s->content_count; i++)
        // NOLINTNEXTLINE(clang-analyzer-unix.Malloc): slice_fini frees all of it
        cost += content_plan(s, &s->content[i]);
    for (uint32_t i = 0; i < s->in->streamers; i++)
        if (s->price[i] > 0)
            cost -= s->price[i] * s->in->room[i];
    return cost;
}

/* Up where more are open than there is room, down else; steps shrink with the slopes that there
 * were. false: nobody's price would change. */
static bool prices_step(struct slice *s, double step)
{
    bool any = false;

    for (uint32_t i = 0; i < s->in->streamers; i++) {
        double slope = s->opened[i] - s->in->room[i];

        if (!isfinite(slope) || (slope <= 0 && s->price[i] <= 0))
            continue;
        s->squares[i] += slope * slope;
        if (s->squares[i] > 0)
            s->price[i] = fmax(s->price[i] + step * slope / sqrt(s->squares[i]), 0);
        any |= slope < 0 || slope > 0;
    }
    return any;
}

/* Room for all that are open: else nobody could keep to it. */
static bool prices_count(const struct slice *s)
{
    double room = 0, open = 0;

    for (uint32_t i = 0; i < s->in->streamers; i++)
        room += isnan(s->in->room[i]) ? 0 : s->in->room[i];
    for (uint32_t i = 0; i < s->in->session_count; i++)
        open += s->in->sessions[i].open;
    return open <= room;
}

static void rounds(struct slice *s, double *best, struct slice_result *out)
{
    uint32_t most = s->in->rounds ? s->in->rounds : ROUNDS, n = s->in->streamers;
    bool priced = prices_count(s);

    for (uint32_t i = 0; i < n; i++)
        s->price[i] = priced && isfinite(s->in->room[i]) ? best[i] : 0;
    out->total = -INFINITY;
    for (out->rounds = 0; out->rounds < most;) {
        double bound = price_all(s);

        out->rounds++;
        if (bound > out->total) {
            memcpy(best, s->price, n * sizeof *best);
            *out = (struct slice_result){bound, s->client, s->origin, out->rounds};
        }
        if (!priced || !prices_step(s, STEP * (s->client + s->origin) / s->in->session_count))
            break;
    }
    if (s->in->session_count && out->client + out->origin > 0) {
        out->client *= out->total / (out->client + out->origin);
        out->origin = out->total - out->client;
    }
}

/* ---- all of it */

static bool slice_init(struct slice *s)
{
    const struct slice_input *in = s->in;

    s->words = (in->streamers + 63) / 64;
    s->group = calloc(in->session_count + (size_t)1, sizeof *s->group);
    s->content = calloc(in->session_count + (size_t)1, sizeof *s->content);
    s->here = calloc(in->places + (size_t)1, sizeof *s->here);
    s->fetch = calloc(in->places + (size_t)1, sizeof *s->fetch);
    s->price = calloc(in->streamers + (size_t)1, sizeof *s->price);
    s->squares = calloc(in->streamers + (size_t)1, sizeof *s->squares);
    s->opened = calloc(in->streamers + (size_t)1, sizeof *s->opened);
    return s->group && s->content && s->here && s->fetch && s->price && s->squares && s->opened &&
           groups_make(s);
}

static void slice_fini(struct slice *s)
{
    free(s->group);
    free(s->content);
    free(s->here);
    free(s->fetch);
    free(s->price);
    free(s->squares);
    free(s->opened);
}

static bool anybody(const struct slice_input *in)
{
    for (uint32_t i = 0; i < in->streamers; i++)
        if (!isnan(in->room[i]))
            return true;
    return false;
}

enum err_code bound_slice(const struct slice_input *in, double *price, struct slice_result *out,
                          struct err *e)
{
    struct slice s = {.in = in};
    enum err_code rc = ERR_OK;

    *out = (struct slice_result){0};
    if (in->session_count == 0)
        return ERR_OK;
    if (!anybody(in))
        return err_set(e, ERR_CONFLICT, "nobody is there to serve the sessions of a slice");
    if (slice_init(&s))
        rounds(&s, price, out);
    else
        rc = err_set(e, ERR_LIMIT, "no memory for the bound of a slice");
    slice_fini(&s);
    return rc;
}
