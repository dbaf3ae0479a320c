#include "router/hit_ratio.h"

#include <math.h>

static double toward(double before, double now, double weight)
{
    return before + weight * (fmin(fmax(now, 0), 1) - before);
}

struct hit_belief hit_learn(struct hit_belief before, double ratio, double known_share,
                            double weight)
{
    const double known = known_share > 0 ? fmin(ratio / known_share, HIT_KNOWN_MAX) : HIT_KNOWN_MAX;
    struct hit_belief after = before;

    if (known_share > 0)
        after.known = toward(before.known, known, weight);
    if (known_share < 1)
        after.unknown =
            toward(before.unknown,
                   fmin((ratio - known_share * known) / (1 - known_share), HIT_KNOWN_MAX), weight);
    /* What was measured is believed. */
    if (known_share > 0)
        after.unknown = fmin(after.unknown, after.known);
    else
        after.known = fmax(after.known, after.unknown);
    return after;
}
