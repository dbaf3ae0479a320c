/* Maps made up, for benchmarks that are given no files. */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"

#define BENCH_MADE_PIDS 300u

static inline void bench_fail(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

/* The texts of a network map of 300 PIDs and of a cost map of all its 90,000 pairs, always the
 * same. */
static inline void bench_maps_make(struct bytes *n, struct bytes *c)
{
    bool good = bytes_printf(n, "{\"meta\":{\"vtag\":{\"resource-id\":\"n\",\"tag\":\"t\"}},"
                                "\"network-map\":{") &&
                bytes_printf(c, "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"n\","
                                "\"tag\":\"t\"}],\"cost-type\":{\"cost-mode\":\"numerical\","
                                "\"cost-metric\":\"routingcost\"}},\"cost-map\":{");

    for (unsigned i = 0; i < BENCH_MADE_PIDS; i++) {
        good = good && bytes_printf(n, "%s\"pid-%03u\":{}", i ? "," : "", i) &&
               bytes_printf(c, "%s\n\"pid-%03u\":{", i ? "," : "", i);
        for (unsigned k = 0; k < BENCH_MADE_PIDS; k++)
            good = good && bytes_printf(c, "%s\"pid-%03u\":%u.%u", k ? "," : "", k, i * k % 900,
                                        (i + k) % 10);
        good = good && bytes_printf(c, "}");
    }
    if (!good || !bytes_printf(n, "}}") || !bytes_printf(c, "}}"))
        bench_fail("made text", "no memory");
}
