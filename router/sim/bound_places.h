/* Fewer places for the offline bound, and none with a lower cost than these. */
#pragma once

#include "router/sim/bound.h"

struct bound_places {
    struct bound_input in; /* as the first one but for places */
    float *client_cost, *origin_cost;
    uint64_t *room;
    double *capacity;
};

/* Makes one of the two that are most alike until BOUND_PLACES_MAX are left: with all their cache
 * and capacity, and for each node and for fetches the lower cost. What can be done with two can be
 * done with that one for no more. ERR_LIMIT: no memory. Finish it in any case. */
enum err_code bound_places_merge(const struct bound_input *in, struct bound_places *out,
                                 struct err *e) MUST_CHECK;
void bound_places_fini(struct bound_places *p);
