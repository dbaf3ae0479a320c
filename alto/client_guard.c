/* What a server in trouble sends, and what must not become routing: a network map that has lost
 * much of what it had, costs of zero where there is no way at all. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alto/client_internal.h"

static bool lost(uint32_t had, uint32_t has, uint32_t max_pm)
{
    return (uint64_t)has * 1000 < (uint64_t)had * (1000 - max_pm);
}

static enum err_code guard_network(uint32_t max_pm, const struct netmap *old,
                                   const struct netmap *next, struct err *e)
{
    const uint32_t had[2] = {old->v4_count, old->prefix_count - old->v4_count};
    const uint32_t has[2] = {next->v4_count, next->prefix_count - next->v4_count};

    for (unsigned i = 0; i < 2; i++)
        if (lost(had[i], has[i], max_pm))
            return err_set(e, ERR_CONFLICT,
                           "the network map would go from %u to %u IPv%c prefixes, which is more "
                           "than %u in a thousand fewer",
                           had[i], has[i], i ? '6' : '4', max_pm);
    return ERR_OK;
}

/* Pairs of different PIDs, and how many of them cost nothing. */
static bool count_zeros(const struct alto_part *p, uint64_t *pairs, uint64_t *zeros)
{
    const pidx n = p->of->network->pid_count;
    double *row = malloc((n + 1u) * sizeof *row);

    *pairs = *zeros = 0;
    if (!row)
        return false;
    for (pidx i = 0; i < n; i++) {
        costmap_row(p->cost, i, row);
        for (pidx k = 0; k < n; k++) {
            *pairs += i != k && !isnan(row[k]);
            *zeros += i != k && row[k] == 0; /* NAN is not */
        }
    }
    free(row);
    return true;
}

static enum err_code guard_cost(const struct alto_client_conf *conf, const struct alto_part *old,
                                const struct alto_part *next, struct err *e)
{
    uint64_t pairs, zeros, old_pairs, old_zeros;

    if (!count_zeros(next, &pairs, &zeros) || !count_zeros(old, &old_pairs, &old_zeros))
        return err_set(e, ERR_LIMIT, "no memory left to compare cost maps");
    if (pairs && old_pairs &&
        zeros * 1000 / pairs > old_zeros * 1000 / old_pairs + conf->zero_max_pm)
        return err_set(e, ERR_CONFLICT,
                       "the cost map of %s has zero for %llu of %llu pairs of different PIDs (it "
                       "was %llu of %llu): zero is how some servers say that there is no way",
                       costmap_info_get(next->cost)->metric, (unsigned long long)zeros,
                       (unsigned long long)pairs, (unsigned long long)old_zeros,
                       (unsigned long long)old_pairs);
    return ERR_OK;
}

static const struct alto_part *same_type(const struct alto_generation *g,
                                         const struct alto_part *like)
{
    const struct costmap_info *want = costmap_info_get(like->cost);

    for (size_t i = 0; i < g->cost_count; i++) {
        const struct costmap_info *have = g->costs[i] ? costmap_info_get(g->costs[i]->cost) : NULL;

        if (have && have->mode == want->mode && strcmp(have->metric, want->metric) == 0)
            return g->costs[i];
    }
    return NULL;
}

enum err_code client_guard(const struct alto_client_conf *conf, const struct alto_generation *old,
                           const struct alto_generation *next, struct err *e)
{
    enum err_code rc = ERR_OK;

    if (!old->network)
        return ERR_OK;
    if (conf->loss_max_pm < 1000 && old->network != next->network)
        rc = guard_network(conf->loss_max_pm, old->network->network, next->network->network, e);
    for (size_t i = 0; i < next->cost_count && rc == ERR_OK && conf->zero_max_pm < 1000; i++) {
        const struct alto_part *was = same_type(old, next->costs[i]);

        if (was && was != next->costs[i])
            rc = guard_cost(conf, was, next->costs[i], e);
    }
    return rc;
}
