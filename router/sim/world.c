#include "router/sim/world.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define TRACE_BYTES_MAX ((size_t)1 << 30)
#define CONTENTS_MAX    (UINT32_C(1) << 24)

bool alias_init(struct alias *a, const double *weight, uint32_t n)
{
    assert(n > 0);

    uint32_t *small = calloc(n, sizeof *small), *large = calloc(n, sizeof *large);
    double *share = calloc(n, sizeof *share), sum = 0;
    uint32_t s = 0, l = 0;

    *a = (struct alias){.cells = calloc(n, sizeof *a->cells), .count = n};
    if (!small || !large || !share || !a->cells) {
        free(small);
        free(large);
        free(share);
        alias_fini(a);
        return false;
    }
    for (uint32_t i = 0; i < n; i++)
        sum += weight[i];
    for (uint32_t i = 0; i < n; i++) {
        share[i] = weight[i] / sum * n;
        a->cells[i] = (struct alias_cell){UINT32_MAX, i};
        if (share[i] < 1)
            small[s++] = i;
        else
            large[l++] = i;
    }
    while (s && l) {
        uint32_t i = small[--s], j = large[l - 1];

        a->cells[i] = (struct alias_cell){(uint32_t)(share[i] * 0x1p32), j};
        share[j] -= 1 - share[i];
        if (share[j] < 1) {
            l--;
            small[s++] = j;
        }
    }
    free(small);
    free(large);
    free(share);
    return true;
}

void alias_fini(struct alias *a)
{
    free(a->cells);
    *a = (struct alias){0};
}

static enum err_code no_memory(struct err *e)
{
    return err_set(e, ERR_LIMIT, "no memory for the simulated world");
}

static void normalise(double *x, uint32_t n)
{
    double sum = 0;

    for (uint32_t i = 0; i < n; i++)
        sum += x[i];
    for (uint32_t i = 0; i < n; i++)
        x[i] /= sum;
}

static bool population_make(struct sim_world *w, struct sim_random *random)
{
    uint32_t n = w->topology->count;
    uint32_t *order = calloc(n, sizeof *order);

    w->population = calloc(n, sizeof *w->population);
    if (!order || !w->population) {
        free(order);
        return false;
    }
    for (uint32_t i = 0; i < n; i++) {
        uint32_t j = sim_random_below(random, i + 1u);

        order[i] = order[j];
        order[j] = i;
    }
    for (uint32_t i = 0; i < n; i++) {
        double by_rank = pow(i + 1.0, -w->conf->population_alpha);

        switch (w->conf->population) {
        case SIM_POPULATION_DEGREE:
            w->population[i] = w->topology->nodes[i].degree + 1e-9; /* one node alone has none */
            break;
        case SIM_POPULATION_ZIPF:
            w->population[order[i]] = by_rank;
            break;
        case SIM_POPULATION_EQUAL:
            w->population[i] = 1;
            break;
        }
    }
    free(order);
    normalise(w->population, n);
    return alias_init(&w->clients, w->population, n);
}

/* What clients pay in the mean with the nearest of `near` and node. */
static double mean_cost_with(const struct sim_world *w, const double *near, uint32_t node)
{
    uint32_t n = w->topology->count;
    double sum = 0;

    for (uint32_t i = 0; i < n; i++) {
        double c = w->cost[(size_t)i * n + node];

        sum += w->population[i] * (c < near[i] ? c : near[i]);
    }
    return sum;
}

/* How good a node is for the next site; the lowest wins, of equals the first. */
static double site_rank(const struct sim_world *w, const double *near, uint32_t node,
                        struct sim_random *random)
{
    switch (w->conf->placement) {
    case SIM_PLACE_DEGREE:
        return -(double)w->topology->nodes[node].degree;
    case SIM_PLACE_RANDOM:
        return sim_random_unit(random);
    case SIM_PLACE_MEDIAN:
        break;
    }
    return mean_cost_with(w, near, node);
}

static bool sites_place(struct sim_world *w, struct sim_random *random)
{
    uint32_t n = w->topology->count;
    double *near = calloc(n, sizeof *near);
    bool *taken = calloc(n, sizeof *taken);

    w->site_node = calloc(w->conf->sites, sizeof *w->site_node);
    if (!near || !taken || !w->site_node) {
        free(near);
        free(taken);
        return false;
    }
    for (uint32_t i = 0; i < n; i++)
        near[i] = 1e9;
    for (uint32_t s = 0; s < w->conf->sites; s++) {
        double best = INFINITY;

        for (uint32_t i = 0; i < n; i++) {
            double rank = taken[i] ? INFINITY : site_rank(w, near, i, random);

            if (rank < best) {
                best = rank;
                w->site_node[s] = (uint16_t)i;
            }
        }
        taken[w->site_node[s]] = true;
        for (uint32_t i = 0; i < n; i++)
            near[i] = fmin(near[i], w->cost[(size_t)i * n + w->site_node[s]]);
    }
    free(near);
    free(taken);
    return true;
}

/* How good a node is for the origin; the highest wins, of equals the first. */
static double origin_rank(const struct sim_world *w, uint32_t node, struct sim_random *random)
{
    uint32_t n = w->topology->count;
    double sum = 0;

    switch (w->conf->origin_place) {
    case SIM_ORIGIN_HUB:
        return w->topology->nodes[node].degree;
    case SIM_ORIGIN_FAR:
        for (uint32_t i = 0; i < n; i++)
            sum += w->cost[(size_t)node * n + i];
        return sum;
    case SIM_ORIGIN_RANDOM:
        break;
    }
    return sim_random_unit(random);
}

static enum err_code origin_find(struct sim_world *w, struct err *e)
{
    struct sim_random random = {hash_mix(w->seed, 0x6f726967696e)};
    const struct topology *t = w->topology;
    double best = -1;

    for (unsigned i = 0; i < t->count; i++) {
        double rank = origin_rank(w, i, &random);

        if (w->conf->origin.n && str_eq(w->conf->origin, str_from(t->nodes[i].name))) {
            w->origin = (uint16_t)i;
            return ERR_OK;
        }
        if (rank > best) {
            best = rank;
            w->origin = (uint16_t)i;
        }
    }
    if (w->conf->origin.n)
        return err_set(e, ERR_NOT_FOUND, "origin: %s has no node \"%.*s\"", t->name,
                       (int)w->conf->origin.n, w->conf->origin.p);
    return ERR_OK;
}

static bool costs_fill(struct sim_world *w)
{
    uint32_t n = w->topology->count;

    w->client_cost = calloc((size_t)n * w->streamers, sizeof *w->client_cost);
    w->origin_cost = calloc(w->streamers, sizeof *w->origin_cost);
    if (!w->client_cost || !w->origin_cost)
        return false;
    for (uint32_t s = 0; s < w->streamers; s++) {
        uint32_t at = w->site_node[s / w->conf->per_site];

        w->origin_cost[s] = (float)w->cost[(size_t)at * n + w->origin];
        for (uint32_t i = 0; i < n; i++)
            w->client_cost[(size_t)i * w->streamers + s] = (float)w->cost[(size_t)i * n + at];
    }
    return true;
}

/* ---- contents */

/* Numbers a trace's ids in order of appearance: (id, number) pairs, open addressing. */
struct ids {
    uint64_t *id;
    uint32_t *number; /* + 1 */
    uint32_t mask;
};

static uint32_t *id_find(struct ids *t, uint64_t id)
{
    uint32_t at = (uint32_t)hash_mix(id, 0) & t->mask;

    while (t->number[at] && t->id[at] != id)
        at = (at + 1) & t->mask;
    t->id[at] = id;
    return &t->number[at];
}

/* One line: "time id size". false: not such a line. */
static bool trace_line(char **p, uint64_t *id, uint64_t *size)
{
    char *end;

    for (unsigned i = 0; i < 3; i++) {
        uint64_t x;

        if (**p < '0' || **p > '9')
            return false;
        x = strtoull(*p, &end, 10);
        *p = end + strspn(end, " \t");
        if (i)
            *(i == 1 ? id : size) = x;
    }
    return **p == '\n' || **p == '\r' || **p == '\0';
}

static enum err_code trace_read(struct sim_world *w, char *text, uint32_t lines, struct ids *t,
                                struct err *e)
{
    uint32_t line = 0;

    for (char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n') {
        uint64_t id = 0, size = 0;
        uint32_t *number;

        line++;
        if (*p == '\n')
            continue;
        if (!trace_line(&p, &id, &size) || size > UINT32_MAX || w->trace_count == lines)
            return err_set(e, ERR_PARSE, "line %u: not three numbers: time, id, size below 4 GiB",
                           line);
        number = id_find(t, id);
        if (*number == 0) {
            *number = ++w->contents;
            w->size[*number - 1] = size ? (uint32_t)size : 1;
        }
        w->trace[w->trace_count++] = *number - 1;
    }
    return w->trace_count ? ERR_OK : err_set(e, ERR_PARSE, "there is no request in it");
}

static enum err_code trace_load(struct sim_world *w, struct err *e)
{
    struct bytes text = {0};
    enum err_code rc = file_read(w->conf->trace.p, TRACE_BYTES_MAX, &text, e);
    struct ids t = {.mask = 15};
    uint32_t lines = 1;

    if (rc != ERR_OK) {
        err_wrap(e, "trace %s", w->conf->trace.p);
        return rc;
    }
    for (size_t i = 0; i < text.len; i++)
        lines += text.data[i] == '\n';
    while (t.mask < 2 * (uint64_t)lines && t.mask < UINT32_C(1) << 30)
        t.mask = 2 * t.mask + 1;
    t.id = calloc(t.mask + 1u, sizeof *t.id);
    t.number = calloc(t.mask + 1u, sizeof *t.number);
    w->trace = calloc(lines, sizeof *w->trace);
    w->size = calloc(lines, sizeof *w->size);
    w->popularity = calloc(lines, sizeof *w->popularity);
    if (!t.id || !t.number || !w->trace || !w->size || !w->popularity)
        rc = no_memory(e);
    else if (lines > CONTENTS_MAX)
        rc = err_set(e, ERR_LIMIT, "%u lines, at most %u", lines, CONTENTS_MAX);
    else
        rc = trace_read(w, text.data, lines, &t, e);
    for (uint32_t i = 0; rc == ERR_OK && i < w->trace_count; i++)
        w->popularity[w->trace[i]] += 1;
    if (rc != ERR_OK)
        err_wrap(e, "trace %s", w->conf->trace.p);
    free(t.id);
    free(t.number);
    bytes_free(&text);
    return rc;
}

struct ranked_content {
    double popularity;
    uint32_t content;
};

static int by_popularity(const void *a, const void *b)
{
    const struct ranked_content *x = a, *y = b;

    if (x->popularity != y->popularity)
        return x->popularity < y->popularity ? 1 : -1;
    return (x->content > y->content) - (x->content < y->content);
}

static bool contents_rank(struct sim_world *w)
{
    struct ranked_content *all = calloc(w->contents, sizeof *all);

    w->by_rank = calloc(w->contents, sizeof *w->by_rank);
    if (!all || !w->by_rank) {
        free(all);
        return false;
    }
    for (uint32_t i = 0; i < w->contents; i++)
        all[i] = (struct ranked_content){w->popularity[i], i};
    qsort(all, w->contents, sizeof *all, by_popularity);
    for (uint32_t i = 0; i < w->contents; i++)
        w->by_rank[i] = all[i].content;
    free(all);
    return true;
}

static enum err_code contents_make(struct sim_world *w, struct err *e)
{
    if (w->conf->trace.n) {
        enum err_code rc = trace_load(w, e);

        if (rc != ERR_OK)
            return rc;
    } else {
        w->contents = w->conf->contents;
        w->popularity = calloc(w->contents, sizeof *w->popularity);
        for (uint32_t i = 0; w->popularity && i < w->contents; i++)
            w->popularity[i] = pow(i + 1.0, -w->conf->alpha);
    }
    w->key = calloc(w->contents, sizeof *w->key);
    if (!w->popularity || !w->key || !contents_rank(w))
        return no_memory(e);
    normalise(w->popularity, w->contents);
    for (uint32_t i = 0; i < w->contents; i++)
        w->key[i] = hash_mix(hash_mix(w->seed, 0x636f6e74656e74), i);
    for (size_t i = 0; i < w->conf->flash_count; i++)
        if (w->conf->flashes[i].rank > w->contents)
            return err_set(e, ERR_CONFLICT, "flash_crowds[%zu]: rank %u is not one of %u contents",
                           i, w->conf->flashes[i].rank, w->contents);
    return alias_init(&w->catalogue, w->popularity, w->contents) ? ERR_OK : no_memory(e);
}

static enum err_code world_fill(struct sim_world *w, struct err *e)
{
    struct sim_random random = {hash_mix(w->seed, 0x776f726c64)};
    uint32_t n = w->topology->count;
    enum err_code rc;

    if (w->conf->sites > n)
        return err_set(e, ERR_CONFLICT, "sites: %u, and %s has %u nodes", w->conf->sites,
                       w->topology->name, n);
    w->cost = calloc((size_t)n * n, sizeof *w->cost);
    if (!w->cost || !topology_costs(w->topology, w->conf->metric, w->cost))
        return no_memory(e);
    rc = topology_maps(w->topology, w->cost, &w->netmap, &w->costmap, e);
    if (rc == ERR_OK)
        rc = origin_find(w, e);
    if (rc != ERR_OK)
        return rc;
    w->streamers = w->conf->sites * w->conf->per_site;
    if (!population_make(w, &random) || !sites_place(w, &random) || !costs_fill(w))
        return no_memory(e);
    return contents_make(w, e);
}

enum err_code sim_world_new(const struct sim_conf *conf, const struct topology *t, uint64_t seed,
                            struct sim_world **out, struct err *e)
{
    struct sim_world *w = calloc(1, sizeof *w);
    enum err_code rc = w ? ERR_OK : no_memory(e);

    *out = NULL;
    if (rc == ERR_OK) {
        w->conf = conf;
        w->topology = t;
        w->seed = seed;
        rc = world_fill(w, e);
    }
    if (rc == ERR_OK)
        *out = w;
    else
        sim_world_free(w);
    return rc;
}

void sim_world_free(struct sim_world *w)
{
    if (!w)
        return;
    view_source_drop(w->netmap);
    view_source_drop(w->costmap);
    free(w->cost);
    free(w->population);
    free(w->site_node);
    free(w->client_cost);
    free(w->origin_cost);
    free(w->key);
    free(w->size);
    free(w->popularity);
    free(w->by_rank);
    free(w->trace);
    alias_fini(&w->clients);
    alias_fini(&w->catalogue);
    free(w);
}
