/* An answer explained: the same decision, with every candidate and what each stage did to it. */
#pragma once

#include "router/decide.h"

/* JSON:
 * {"serial":..,"client":..,"pid":..,"scope":..,"service":..,"why":..,"sentence":..,"chosen":..,
 *  "owners":..,"mean":..,"cap":..,"cost_unit":..,
 *  "candidates":[{"name":..,"pid":..,"cost":..,"origin":..,"load":..,"score":..,"hit":..,
 *                 "remembered":..,"digest":null|true|false,"scale":..,"health":..,"admin":..,
 *                 "rank":..,"in_band":..,"owner":..,"why":..,
 *                 "excluded":null|"health"|"family"|"footprint"|"drain"|"cap"}]}
 * scope: leading bits of the client's address that decide its PID, as its own family counts them.
 * owners: streamers that the content belongs to; owner: one of several such. mean: utilisation of
 * the service, and the cap that it makes. hit: belief that it has the content; remembered: by what
 * was sent there; digest: by what it says. scale: what its sessions count for.
 * Candidates are in the order of their ranks, those without a rank (null) behind. Unknown numbers
 * are null. "cap" has a rank: it is behind those under the cap. The decision is decide()'s own.
 * Allocates: for the admin page and the command line. false: out is full, or no memory. */
bool explain_json(const struct view *v, const struct live *live, const struct question *q,
                  struct bytes *out) MUST_CHECK;
