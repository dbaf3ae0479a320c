/* What sessions cost at least on the average when nobody knows the future: the best that any router
 * could come to, knows he even the true popularity of each content and the population of each node.
 * Between this and the offline bound lies what foreknowledge is worth; above it, what a policy
 * could do better.
 *
 * Who comes next does not hang on what came before (sessions are a Poisson process and contents
 * independent draws), so that it comes upon the caches as they are on the average. A content is
 * held by some set of places for some share of the time; the session goes to the cheapest of the
 * set or fetches anywhere. Places hold no more on the average than their caches take, and have no
 * more sessions open than they can; getting a content into a cache costs nothing of its own. The
 * prices of both limits are improved as for the offline bound (bound.h), and each content's
 * cheapest set at these prices is found among all. It is a bound of the mean: a single run may be
 * below by chance, a long one is not. */
#pragma once

#include "router/sim/bound.h"

/* Of in: nodes, places, contents, client_cost, origin_cost, room, size, rounds, and
 * capacity[places]. population: [nodes], share of the sessions. asked: [contents] sessions of each.
 * open: sessions that are open on the average, of all places together. out->sessions is 0. */
enum err_code bound_blind(const struct bound_input *in, const double *population,
                          const double *asked, double open, struct bound_result *out,
                          struct err *e) MUST_CHECK;
