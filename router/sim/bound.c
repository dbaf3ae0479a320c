#include "router/sim/bound.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "router/sim/bound_places.h"

#define WORK          1e10 /* of all rounds, in the units of work_of_round() */
#define ROUNDS_MIN    40u
#define ROUNDS_MAX    200u
#define PART          0.1
#define FINE          8u /* blocks of instants in the second of three stages */
#define SHARE_AVERAGE 4  /* the last 1 / so many of the rounds are averaged for the split */

/* One session, sorted to its content. */
struct ask {
    uint32_t gap;         /* its begin is in [instants[gap], instants[gap + 1]) */
    uint16_t first, last; /* it is open in the instants first .. last - 1 */
    uint16_t node;
};

/* Prices and what they are to steer, each [instant_count][places]; sums [instant_count + 1][places]
 * are of all instants before. */
struct prices {
    double *price, *best, *sum;
    double *used;    /* by the plans of a round: differences first, then sums */
    double *limit;   /* INFINITY: none, the price stays 0 */
    double *squares; /* of all slopes so far */
    double step;     /* of the first round */
};

struct problem {
    const struct bound_input *in;
    uint32_t places, instants, sets; /* sets: 2^places */
    struct ask *asks;                /* [content_at[contents]] counted, by content and time */
    uint64_t *content_at;            /* [contents + 1] */
    struct ask *others;              /* [other_count] that only take room */
    uint64_t other_count;
    uint64_t gap_count;         /* pairs of content and gap that have a session */
    struct prices open, held;   /* sessions, units of cache */
    double *value;              /* [instants + 1][sets] lowest cost of a content up to a gap */
    uint32_t *gap_begin;        /* [instants + 1] its first ask of each such gap */
    double *serve, *least, *by; /* [sets], and [places]: room to work */
    double client, origin;      /* of the plans of a round */
};

/* ---- making it */

static enum err_code no_memory(struct err *e)
{
    return err_set(e, ERR_LIMIT, "no memory for the offline bound");
}

static enum err_code check(const struct bound_input *in, struct err *e)
{
    if (in->places > BOUND_PLACES_MAX || in->nodes > BOUND_NODES_MAX ||
        in->instant_count > BOUND_INSTANTS_MAX || in->session_count > BOUND_SESSIONS_MAX)
        return err_set(e, ERR_LIMIT,
                       "the offline bound takes %u nodes, %u instants and %llu sessions at most",
                       BOUND_NODES_MAX, BOUND_INSTANTS_MAX, (unsigned long long)BOUND_SESSIONS_MAX);
    if (!in->places || !in->nodes || !in->instant_count)
        return err_set(e, ERR_CONFLICT, "the offline bound needs a node, a place and an instant");
    for (uint32_t j = 1; j < in->instant_count; j++)
        if (in->instants[j] <= in->instants[j - 1])
            return err_set(e, ERR_CONFLICT, "instant %u is not behind the one before it", j);
    for (uint64_t i = 0; i < in->session_count; i++) {
        const struct bound_session *s = &in->sessions[i];

        if (s->content >= in->contents || s->node >= in->nodes || s->end <= s->begin ||
            (s->counted && s->begin < in->instants[0]) || (i && s->begin < s[-1].begin))
            return err_set(e, ERR_CONFLICT, "session %llu of the offline bound is not one",
                           (unsigned long long)i);
    }
    return ERR_OK;
}

/* The first instant at or behind step. */
static uint32_t instant_from(const struct bound_input *in, uint32_t step)
{
    uint32_t low = 0, high = in->instant_count;

    while (low < high) {
        uint32_t middle = (low + high) / 2;

        if (in->instants[middle] < step)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct ask ask_of(const struct bound_input *in, const struct bound_session *s)
{
    uint32_t first = instant_from(in, s->begin);
    bool at = first < in->instant_count && in->instants[first] == s->begin;

    return (struct ask){.gap = first + at - (s->counted ? 1 : 0),
                        .first = (uint16_t)first,
                        .last = (uint16_t)instant_from(in, s->end),
                        .node = s->node};
}

static void asks_fill(struct problem *p)
{
    const struct bound_input *in = p->in;
    uint64_t *at = p->content_at;

    for (uint64_t i = 0; i < in->session_count; i++)
        if (in->sessions[i].counted)
            at[in->sessions[i].content + 1]++;
    for (uint32_t f = 0; f < in->contents; f++)
        at[f + 1] += at[f];
    for (uint64_t i = 0; i < in->session_count; i++) {
        struct ask a = ask_of(in, &in->sessions[i]);

        if (in->sessions[i].counted)
            p->asks[at[in->sessions[i].content]++] = a;
        else if (a.first < a.last)
            p->others[p->other_count++] = a;
    }
    for (uint32_t f = in->contents; f > 0; f--)
        at[f] = at[f - 1];
    at[0] = 0;
    for (uint32_t f = 0; f < in->contents; f++)
        for (uint64_t i = at[f]; i < at[f + 1]; i++)
            p->gap_count += i == at[f] || p->asks[i].gap != p->asks[i - 1].gap;
}

static bool prices_init(struct prices *r, const struct problem *p)
{
    size_t n = (p->instants + (size_t)1) * p->places;

    r->price = calloc(n, sizeof *r->price);
    r->best = calloc(n, sizeof *r->best);
    r->sum = calloc(n, sizeof *r->sum);
    r->used = calloc(n, sizeof *r->used);
    r->limit = calloc(n, sizeof *r->limit);
    r->squares = calloc(n, sizeof *r->squares);
    return r->price && r->best && r->sum && r->used && r->limit && r->squares;
}

static void prices_fini(struct prices *r)
{
    free(r->price);
    free(r->best);
    free(r->sum);
    free(r->used);
    free(r->limit);
    free(r->squares);
}

/* No price where more are open than fit at all. */
static bool limits_fill(struct problem *p)
{
    const struct bound_input *in = p->in;
    double *open = calloc(p->instants + (size_t)1, sizeof *open), now = 0;

    if (!open)
        return false;
    for (uint64_t i = 0; i < p->content_at[in->contents] + p->other_count; i++) {
        uint64_t counted = p->content_at[in->contents];
        const struct ask *a = i < counted ? &p->asks[i] : &p->others[i - counted];

        open[a->first]++;
        open[a->last]--;
    }
    for (uint32_t j = 0; j < p->instants; j++) {
        double all = 0;

        now += open[j];
        for (uint32_t s = 0; s < p->places; s++)
            all += in->capacity[j * p->places + s];
        for (uint32_t s = 0; s < p->places; s++) {
            double capacity = in->capacity[j * p->places + s];

            p->open.limit[j * p->places + s] = now > all ? INFINITY : capacity;
            p->held.limit[j * p->places + s] = (double)in->room[s];
        }
    }
    free(open);
    return true;
}

/* First steps are some part of what prices may come to: a session's mean way and fetch, spread over
 * the instants that it is open; a fetch, spread over those that a cache can keep a content. */
static void steps_set(struct problem *p)
{
    const struct bound_input *in = p->in;
    double asks = (double)p->content_at[in->contents] + 1, client = 0, origin = 0, open = 1,
           room = 1, keep;

    for (size_t i = 0; i < (size_t)in->nodes * p->places; i++)
        client += (double)in->client_cost[i] / in->nodes / p->places;
    for (uint32_t s = 0; s < p->places; s++) {
        origin += (double)in->origin_cost[s] / p->places;
        room += (double)in->room[s];
    }
    for (uint64_t i = 0; i < p->content_at[in->contents]; i++)
        open += p->asks[i].last - p->asks[i].first;
    keep = fmax(room * p->instants / asks, 1);
    p->open.step = PART * (client + origin) / fmax(open / asks, 1);
    p->held.step = PART * origin / keep;
}

static enum err_code problem_init(struct problem *p, struct err *e)
{
    const struct bound_input *in = p->in;
    uint64_t sessions = in->session_count + 1;

    p->places = in->places;
    p->instants = in->instant_count;
    p->sets = UINT32_C(1) << p->places;
    p->asks = calloc(sessions, sizeof *p->asks);
    p->others = calloc(sessions, sizeof *p->others);
    p->content_at = calloc((size_t)in->contents + 2, sizeof *p->content_at);
    p->value = calloc((p->instants + (size_t)1) * p->sets, sizeof *p->value);
    p->gap_begin = calloc(p->instants + (size_t)1, sizeof *p->gap_begin);
    p->serve = calloc(p->sets, sizeof *p->serve);
    p->least = calloc(p->sets, sizeof *p->least);
    p->by = calloc(p->places, sizeof *p->by);
    if (!p->asks || !p->others || !p->content_at || !p->value || !p->gap_begin || !p->serve ||
        !p->least || !p->by || !prices_init(&p->open, p) || !prices_init(&p->held, p))
        return no_memory(e);
    asks_fill(p);
    if (!limits_fill(p))
        return no_memory(e);
    steps_set(p);
    return ERR_OK;
}

static void problem_fini(struct problem *p)
{
    free(p->asks);
    free(p->others);
    free(p->content_at);
    free(p->value);
    free(p->gap_begin);
    free(p->serve);
    free(p->least);
    free(p->by);
    prices_fini(&p->open);
    prices_fini(&p->held);
}

/* ---- the best plan of a content at given prices */

/* What a session costs at each place, its price of being open included. */
static void ask_costs(const struct problem *p, const struct ask *a, double *by)
{
    const float *client = p->in->client_cost + (size_t)a->node * p->places;
    const double *from = p->open.sum + (size_t)a->first * p->places;
    const double *to = p->open.sum + (size_t)a->last * p->places;

    for (uint32_t s = 0; s < p->places; s++)
        by[s] = (double)client[s] + to[s] - from[s];
}

/* serve[set]: what these sessions cost when each goes to its best place of the set. */
static void serve_costs(struct problem *p, const struct ask *a, const struct ask *end)
{
    double *restrict serve = p->serve, *restrict least = p->least;

    memset(serve, 0, p->sets * sizeof *serve);
    serve[0] = least[0] = INFINITY;
    for (; a < end; a++) {
        ask_costs(p, a, p->by);
        for (uint32_t s = 0, n = 1; s < p->places; s++, n *= 2) {
            double here = p->by[s];

            for (uint32_t i = 0; i < n; i++) {
                double x = least[i] < here ? least[i] : here;

                least[n + i] = x;
                serve[n + i] += x;
            }
        }
    }
}

/* Price of a content's room at s from one gap to another; before: from before the first instant. */
static double hold_cost(const struct problem *p, uint32_t f, uint32_t before, uint32_t gap,
                        uint32_t s)
{
    double units = p->in->size ? p->in->size[f] : 1;

    return units * (p->held.sum[(gap + (size_t)1) * p->places + s] -
                    p->held.sum[(size_t)before * p->places + s]);
}

/* From what the sets of places cost in the gap before to what they do with this gap served. A place
 * of the set has kept the content, or fetches it now; one that is not has dropped it, for nothing.
 */
static void gap_step(struct problem *p, uint32_t f, uint32_t before, uint32_t gap,
                     const double *from, double *to)
{
    memcpy(to, from, p->sets * sizeof *to);
    for (uint32_t s = 0, bit = 1; s < p->places; s++, bit *= 2) {
        double fetch = (double)p->in->origin_cost[s], keep = hold_cost(p, f, before, gap, s);

        keep = keep < fetch ? keep : fetch;
        for (uint32_t base = 0; base < p->sets; base += 2 * bit)
            for (uint32_t i = base; i < base + bit; i++) {
                double without = to[i], with = to[i + bit];

                to[i] = without < with ? without : with;
                to[i + bit] = without + fetch < with + keep ? without + fetch : with + keep;
            }
    }
    for (uint32_t i = 0; i < p->sets; i++)
        to[i] += p->serve[i];
}

/* Before the first instant: nowhere, or for nothing wherever it is. */
static void begin_values(const struct problem *p, uint32_t f, double *value)
{
    bool known = !p->in->known || p->in->known[f];

    for (uint32_t i = 0; i < p->sets; i++)
        value[i] = i == 0 || known ? 0 : INFINITY;
}

static uint32_t lowest(const double *value, uint32_t n)
{
    uint32_t best = 0;

    for (uint32_t i = 1; i < n; i++)
        if (value[i] < value[best])
            best = i;
    return best;
}

/* Takes note of a session at its best place of the set. */
static void serve(struct problem *p, const struct ask *a, uint32_t set)
{
    uint32_t best = p->places;

    ask_costs(p, a, p->by);
    for (uint32_t s = 0; s < p->places; s++)
        if (set >> s & 1 && (best == p->places || p->by[s] < p->by[best]))
            best = s;
    p->client += (double)p->in->client_cost[(size_t)a->node * p->places + best];
    p->open.used[(size_t)a->first * p->places + best]++;
    p->open.used[(size_t)a->last * p->places + best]--;
}

/* The set in the gap before from which `set` came, and what was kept and fetched on the way. */
static uint32_t gap_back(struct problem *p, uint32_t f, uint32_t before, uint32_t gap,
                         const double *from, uint32_t set)
{
    double units = p->in->size ? p->in->size[f] : 1, *way = p->least;
    uint32_t came;

    way[0] = 0;
    for (uint32_t s = 0, n = 1; s < p->places; s++, n *= 2) {
        double fetch = (double)p->in->origin_cost[s], keep = hold_cost(p, f, before, gap, s);
        bool there = set >> s & 1;

        p->by[s] = keep;
        for (uint32_t i = 0; i < n; i++) {
            way[n + i] = way[i] + (there ? keep < fetch ? keep : fetch : 0);
            way[i] += there ? fetch : 0;
        }
    }
    for (uint32_t i = 0; i < p->sets; i++)
        way[i] += from[i];
    came = lowest(way, p->sets);
    for (uint32_t s = 0; s < p->places; s++) {
        double fetch = (double)p->in->origin_cost[s];

        if (!(set >> s & 1))
            continue;
        if (came >> s & 1 && p->by[s] <= fetch) {
            p->held.used[(size_t)before * p->places + s] += units;
            p->held.used[(gap + (size_t)1) * p->places + s] -= units;
        } else {
            p->origin += fetch;
        }
    }
    return came;
}

/* Its lowest cost; what that plan uses is added to what all use. */
static double content_plan(struct problem *p, uint32_t f)
{
    const struct ask *all = p->asks + p->content_at[f];
    uint32_t n = (uint32_t)(p->content_at[f + 1] - p->content_at[f]), gaps = 0, set;
    double cost;

    if (n == 0)
        return 0;
    begin_values(p, f, p->value);
    for (uint32_t i = 0; i < n; gaps++) {
        uint32_t begin = i, before = gaps ? all[begin - 1].gap + 1 : 0;
        double *from = p->value + (size_t)gaps * p->sets;

        for (; i < n && all[i].gap == all[begin].gap; i++)
            ;
        p->gap_begin[gaps] = begin;
        serve_costs(p, all + begin, all + i);
        gap_step(p, f, before, all[begin].gap, from, from + p->sets);
    }
    set = lowest(p->value + (size_t)gaps * p->sets, p->sets);
    cost = p->value[(size_t)gaps * p->sets + set];
    for (uint32_t k = gaps, end = n; k > 0; k--) {
        uint32_t begin = p->gap_begin[k - 1], before = k > 1 ? all[begin - 1].gap + 1 : 0;

        for (uint32_t i = begin; i < end; i++)
            serve(p, &all[i], set);
        set = gap_back(p, f, before, all[begin].gap, p->value + (k - (size_t)1) * p->sets, set);
        end = begin;
    }
    return cost;
}

/* ---- rounds: better prices */

static void prices_sum(struct prices *r, const struct problem *p)
{
    size_t n = p->places;

    for (size_t i = 0; i < p->instants * n; i++)
        r->sum[i + n] = r->sum[i] + r->price[i];
    memset(r->used, 0, (p->instants * n + n) * sizeof *r->used);
}

/* What limits are worth at the prices; from here on, used is what is used. */
static double prices_worth(struct prices *r, const struct problem *p)
{
    size_t n = p->places;
    double worth = 0;

    for (size_t i = 0; i < p->instants * n; i++) {
        r->used[i] += i < n ? 0 : r->used[i - n];
        if (r->price[i] > 0)
            worth += r->price[i] * r->limit[i];
    }
    return worth;
}

/* The bound at the prices as they are. */
static double price_all(struct problem *p)
{
    double cost = 0;

    prices_sum(&p->open, p);
    prices_sum(&p->held, p);
    p->client = p->origin = 0;
    for (uint32_t f = 0; f < p->in->contents; f++)
        cost += content_plan(p, f);
    for (uint64_t i = 0; i < p->other_count; i++) {
        const struct ask *a = &p->others[i];
        const double *from = p->open.sum + (size_t)a->first * p->places;
        const double *to = p->open.sum + (size_t)a->last * p->places;
        uint32_t best = 0;

        for (uint32_t s = 1; s < p->places; s++)
            if (to[s] - from[s] < to[best] - from[best])
                best = s;
        cost += to[best] - from[best];
        p->open.used[(size_t)a->first * p->places + best]++;
        p->open.used[(size_t)a->last * p->places + best]--;
    }
    return cost - prices_worth(&p->open, p) - prices_worth(&p->held, p);
}

/* Up where more is used than there is, down else; the same for all instants of a block, which calms
 * chance. Steps shrink with the slopes that there were. */
static void prices_step(struct prices *r, const struct problem *p, uint32_t block)
{
    for (uint32_t s = 0; s < p->places; s++)
        for (uint32_t begin = 0; begin < p->instants; begin += block) {
            uint32_t end = begin + block < p->instants ? begin + block : p->instants;
            double slope = 0;

            for (uint32_t j = begin; j < end; j++)
                if (isfinite(r->limit[j * p->places + s]))
                    slope += (r->used[j * p->places + s] - r->limit[j * p->places + s]) / block;
            for (uint32_t j = begin; j < end; j++) {
                size_t i = j * p->places + s;

                r->squares[i] += slope * slope;
                if (isfinite(r->limit[i]) && r->squares[i] > 0)
                    r->price[i] = fmax(r->price[i] + r->step * slope / sqrt(r->squares[i]), 0);
            }
        }
}

static void prices_keep(struct prices *r, const struct problem *p)
{
    memcpy(r->best, r->price, (size_t)p->instants * p->places * sizeof *r->best);
}

static void prices_return(struct prices *r, const struct problem *p)
{
    memcpy(r->price, r->best, (size_t)p->instants * p->places * sizeof *r->best);
    memset(r->squares, 0, (size_t)p->instants * p->places * sizeof *r->squares);
}

static double work_of_round(const struct problem *p)
{
    return (double)p->sets *
           ((double)p->content_at[p->in->contents] + 4.0 * p->places * (double)p->gap_count);
}

/* One price for all the time first, then some, then one for each instant. */
static void rounds(struct problem *p, struct bound_result *out)
{
    const uint32_t block[] = {p->instants, (p->instants + FINE - 1) / FINE, 1};
    double fit = WORK / (work_of_round(p) + 1), client = 0, origin = 0;
    uint32_t stage = 0;

    out->rounds = p->in->rounds ? p->in->rounds : (uint32_t)fmin(fmax(fit, ROUNDS_MIN), ROUNDS_MAX);
    out->total = -INFINITY;
    for (uint32_t i = 0; i < out->rounds; i++) {
        uint32_t now = i * 4 / out->rounds < 2 ? i * 4 / out->rounds : 2;
        double bound = price_all(p);

        if (bound > out->total) {
            out->total = bound;
            out->best = i;
            prices_keep(&p->open, p);
            prices_keep(&p->held, p);
        }
        if (i >= out->rounds - (out->rounds + SHARE_AVERAGE - 1) / SHARE_AVERAGE) {
            client += p->client;
            origin += p->origin;
        }
        if (now != stage) {
            stage = now;
            prices_return(&p->open, p);
            prices_return(&p->held, p);
        } else {
            prices_step(&p->open, p, block[stage]);
            prices_step(&p->held, p, block[stage]);
        }
    }
    out->client = client + origin > 0 ? out->total * client / (client + origin) : 0;
    out->origin = out->total - out->client;
}

enum err_code bound_compute(const struct bound_input *in, struct bound_result *out, struct err *e)
{
    struct bound_places merged = {0};
    struct problem p = {0};
    enum err_code rc = bound_places_merge(in, &merged, e);

    *out = (struct bound_result){0};
    p.in = &merged.in;
    if (rc == ERR_OK)
        rc = check(p.in, e);
    if (rc == ERR_OK)
        rc = problem_init(&p, e);
    if (rc == ERR_OK) {
        out->sessions = p.content_at[in->contents];
        rounds(&p, out);
    }
    problem_fini(&p);
    bound_places_fini(&merged);
    return rc;
}
