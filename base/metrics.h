/* Counters. Each is declared once in metrics_table.h with its name, labels and help; the metrics
 * page, the manual page and the test read that table. Every worker has a set of its own, with one
 * writer; the page adds them up. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "base/bytes.h"

// clang-format off
enum metric {
#define METRIC(id, type, name, labels, help) METRIC_##id,
#include "base/metrics_table.h"
#undef METRIC
    METRIC_COUNT
};
// clang-format on

struct metrics {
    _Atomic uint64_t v[METRIC_COUNT];
};

/* Only the owner of m writes: a relaxed load and store, no locked instruction. */
static inline void metric_add(struct metrics *m, enum metric id, uint64_t n)
{
    uint64_t now = atomic_load_explicit(&m->v[id], memory_order_relaxed);

    atomic_store_explicit(&m->v[id], now + n, memory_order_relaxed);
}

static inline void metric_set(struct metrics *m, enum metric id, uint64_t value)
{
    atomic_store_explicit(&m->v[id], value, memory_order_relaxed);
}

/* Prometheus text exposition 0.0.4 of the sum over n sets; entries of one name share one HELP and
 * TYPE line, so they stand together in the table. false when out is full. */
bool metrics_format(struct metrics *const *sets, size_t n, struct bytes *out) MUST_CHECK;

/* What the table says, for the manual page and the tests. */
struct metric_info {
    const char *name, *labels, *type, *help;
};
const struct metric_info *metric_info_get(enum metric id);
