/* What a polled hit ratio says of the two beliefs of the decision: that a streamer has a content
 * which it is remembered (or says) to have, and one that nothing is known of. */
#pragma once

/* 0..1 */
struct hit_belief {
    double known, unknown;
};

#define HIT_KNOWN_MAX 0.98 /* memory is never quite right */

/* ratio: hits of all requests since the last poll; known_share: what share of the sessions sent
 * since then was for contents that it was believed to have; both 0..1. With a ratio below that
 * share the memory was wrong so often, and nothing else hit; above it, what memory does not explain
 * comes from the others. The belief moves by `weight` (0..1) of the way there; a part that this
 * poll says nothing of stays as it was, but that what is known is never believed less than what is
 * not. */
struct hit_belief hit_learn(struct hit_belief before, double ratio, double known_share,
                            double weight);
