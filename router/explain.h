/* An answer explained: the same decision, with every candidate and what each stage did to it. */
#pragma once

#include "router/decide.h"

/* JSON:
 * {"serial":..,"client":..,"pid":..,"scope":..,"service":..,"why":..,"sentence":..,"chosen":..,
 *        "cost_unit":..,
 *        "candidates":[{"name":..,"pid":..,"cost":..,"origin":..,"load":..,"score":..,"health":..,
 *                       "admin":..,"rank":..,"in_band":..,"why":..,
 *                       "excluded":null|"health"|"family"|"drain"|"cap"}]}
 * scope: leading bits of the client's address that decide its PID, as its own family counts them.
 * Candidates are in the order of their ranks, those without a rank (null) behind. Unknown numbers
 * are null. "cap" has a rank: it is behind those under the cap. The decision is decide()'s own.
 * Allocates: for the admin page and the command line. false: out is full, or no memory. */
bool explain_json(const struct view *v, const struct live *live, const struct question *q,
                  struct bytes *out) MUST_CHECK;
