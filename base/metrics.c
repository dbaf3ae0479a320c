#include "base/metrics.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

// clang-format off
static const struct metric_info infos[METRIC_COUNT] = {
#define METRIC(id, type, name, labels, help) [METRIC_##id] = {name, labels, type, help},
#include "base/metrics_table.h"
#undef METRIC
};
// clang-format on

const struct metric_info *metric_info_get(enum metric id)
{
    assert(id < METRIC_COUNT);
    return &infos[id];
}

static uint64_t sum(struct metrics *const *sets, size_t n, unsigned id)
{
    uint64_t total = 0;

    for (size_t i = 0; i < n; i++)
        total += atomic_load_explicit(&sets[i]->v[id], memory_order_relaxed);
    return total;
}

bool metrics_format(struct metrics *const *sets, size_t n, struct bytes *out)
{
    const char *last = "";

    for (unsigned id = 0; id < METRIC_COUNT; id++) {
        const struct metric_info *m = &infos[id];

        if (strcmp(m->name, last) != 0 &&
            !bytes_printf(out, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name, m->type))
            return false;
        last = m->name;
        if (!bytes_printf(out, m->labels[0] ? "%s{%s} %" PRIu64 "\n" : "%s%s %" PRIu64 "\n",
                          m->name, m->labels, sum(sets, n, id)))
            return false;
    }
    return true;
}
