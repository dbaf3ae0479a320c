/* Whose contents move when a streamer leaves or returns? Of every content that was asked for it is
 * reckoned who has it (sim_router_owner) with that streamer and without, everything else being as
 * it is, and all loads equal: sessions go elsewhere when loads differ, contents need not. */
#pragma once

#include "router/sim/router.h"

struct sim_keys {
    uint64_t asked; /* contents that were asked for and belong to somebody; 0: nobody left */
    uint64_t moved; /* of them, those of another owner than before, which were not the streamer's */
};

/* NAN: there is nothing to tell. */
double sim_keys_share(const struct sim_keys *k);

/* asked_from: [contents] node + 1 of who asked last; 0: nobody did. *r is the same behind it.
 * false: no memory. */
bool sim_keys_count(struct sim_router *r, uint32_t streamer, const uint16_t *asked_from,
                    struct sim_keys *out) MUST_CHECK;
