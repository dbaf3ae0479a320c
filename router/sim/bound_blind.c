#include "router/sim/bound_blind.h"

#include <math.h>
#include <stddef.h>

#include "router/sim/bound_places.h"

#define SETS_MAX   (1u << BOUND_PLACES_MAX)
#define WORK       2e9
#define ROUNDS_MIN 100u
#define ROUNDS_MAX 1000u

struct blind {
    const struct bound_input *in;
    const double *population, *asked;
    double open_each; /* sessions open on the average for each that is asked for; 0: no limit */
    double open_price[BOUND_PLACES_MAX], held_price[BOUND_PLACES_MAX];
    double open_squares[BOUND_PLACES_MAX], held_squares[BOUND_PLACES_MAX];
    double opened[BOUND_PLACES_MAX], held[BOUND_PLACES_MAX]; /* by a round's choice of sets */
    double mean[SETS_MAX];  /* what a session costs when the set has it */
    double price[SETS_MAX]; /* of a unit in all caches of the set */
    double asked_of[SETS_MAX];
    double client, origin;
};

/* A session's cheapest place, and whether it has to fetch there. */
static uint32_t place_of(const struct blind *b, uint32_t node, uint32_t set, bool *fetch,
                         double *cost)
{
    const float *client = b->in->client_cost + (size_t)node * b->in->places;
    uint32_t best = 0;

    *cost = INFINITY;
    for (uint32_t s = 0; s < b->in->places; s++) {
        bool miss = !(set >> s & 1);
        double x = (double)client[s] + b->open_price[s] * b->open_each +
                   (miss ? (double)b->in->origin_cost[s] : 0);

        if (x < *cost) {
            *cost = x;
            *fetch = miss;
            best = s;
        }
    }
    return best;
}

static void sets_price(struct blind *b)
{
    for (uint32_t set = 0; set < UINT32_C(1) << b->in->places; set++) {
        b->mean[set] = b->price[set] = b->asked_of[set] = 0;
        for (uint32_t s = 0; s < b->in->places; s++)
            b->price[set] += set >> s & 1 ? b->held_price[s] : 0;
        for (uint32_t i = 0; i < b->in->nodes; i++) {
            double cost;
            bool fetch;

            (void)place_of(b, i, set, &fetch, &cost);
            b->mean[set] += b->population[i] * cost;
        }
    }
}

/* What the sets chosen use, and what they cost without prices. */
static void sets_use(struct blind *b)
{
    for (uint32_t set = 0; set < UINT32_C(1) << b->in->places; set++)
        for (uint32_t i = 0; i < b->in->nodes && b->asked_of[set] > 0; i++) {
            double cost, n = b->asked_of[set] * b->population[i];
            bool fetch = false;
            uint32_t s = place_of(b, i, set, &fetch, &cost);

            b->opened[s] += n * b->open_each;
            b->client += n * (double)b->in->client_cost[(size_t)i * b->in->places + s];
            b->origin += fetch ? n * (double)b->in->origin_cost[s] : 0;
        }
}

/* The bound at the prices as they are. */
static double price_all(struct blind *b)
{
    const struct bound_input *in = b->in;
    double sum = 0;

    sets_price(b);
    b->client = b->origin = 0;
    for (uint32_t s = 0; s < in->places; s++)
        b->opened[s] = b->held[s] = 0;
    for (uint32_t f = 0; f < in->contents; f++) {
        double units = in->size ? in->size[f] : 1, least = INFINITY;
        uint32_t best = 0;

        for (uint32_t set = 0; set < UINT32_C(1) << in->places; set++) {
            double cost = b->asked[f] * b->mean[set] + units * b->price[set];

            if (cost < least) {
                least = cost;
                best = set;
            }
        }
        sum += least;
        b->asked_of[best] += b->asked[f];
        for (uint32_t s = 0; s < in->places; s++)
            b->held[s] += best >> s & 1 ? units : 0;
    }
    sets_use(b);
    for (uint32_t s = 0; s < in->places; s++) {
        sum -= b->held_price[s] * (double)in->room[s];
        if (b->open_price[s] > 0)
            sum -= b->open_price[s] * in->capacity[s];
    }
    return sum;
}

static void step(double *price, double *squares, double slope, double scale)
{
    if (!isfinite(slope))
        return;
    *squares += slope * slope;
    if (*squares > 0)
        *price = fmax(*price + scale * slope / sqrt(*squares), 0);
}

static void rounds(struct blind *b, double sessions, struct bound_result *out)
{
    const struct bound_input *in = b->in;
    double work = (double)(UINT32_C(1) << in->places) *
                  ((double)in->contents + (double)in->nodes * in->places);
    double client = 0, origin = 0, units = 1, way = 0;

    for (uint32_t s = 0; s < in->places; s++) {
        way += (double)in->origin_cost[s] / in->places;
        units += (double)in->room[s];
    }
    out->rounds =
        in->rounds ? in->rounds : (uint32_t)fmin(fmax(WORK / work, ROUNDS_MIN), ROUNDS_MAX);
    out->total = -INFINITY;
    for (uint32_t i = 0; i < out->rounds; i++) {
        double bound = price_all(b);

        if (bound > out->total) {
            out->total = bound;
            out->best = i;
        }
        if (2 * i >= out->rounds) {
            client += b->client;
            origin += b->origin;
        }
        for (uint32_t s = 0; s < in->places; s++) {
            step(&b->held_price[s], &b->held_squares[s], b->held[s] - (double)in->room[s],
                 0.3 * way * sessions / units);
            if (b->open_each > 0)
                step(&b->open_price[s], &b->open_squares[s], b->opened[s] - in->capacity[s],
                     0.1 * way / b->open_each);
        }
    }
    out->client = client + origin > 0 ? out->total * client / (client + origin) : 0;
    out->origin = out->total - out->client;
}

enum err_code bound_blind(const struct bound_input *in, const double *population,
                          const double *asked, double open, struct bound_result *out, struct err *e)
{
    struct bound_places merged = {0};
    struct blind b = {.population = population, .asked = asked};
    double sessions = 0, capacity = 0;
    enum err_code rc = bound_places_merge(in, &merged, e);

    *out = (struct bound_result){0};
    b.in = &merged.in;
    for (uint32_t f = 0; f < in->contents; f++)
        sessions += asked[f];
    for (uint32_t s = 0; s < in->places; s++)
        capacity += in->capacity[s];
    if (rc == ERR_OK && (!in->places || !in->nodes || !(sessions > 0)))
        rc = err_set(e, ERR_CONFLICT, "the bound needs a node, a place and a session");
    if (rc == ERR_OK) {
        b.open_each = open <= capacity ? open / sessions : 0;
        rounds(&b, sessions, out);
    }
    bound_places_fini(&merged);
    return rc;
}
