/* An answer explained: the same decision, with every candidate and what each stage did to it. */
#pragma once

#include "router/decide.h"

/* JSON: {"serial":..,"client":..,"pid":..,"scope":..,"service":..,"why":..,"chosen":..,
 *        "candidates":[{"name":..,"pid":..,"cost":..,"origin":..,"load":..,"score":..,"health":..,"admin":..,
 *                       "rank":..,"excluded":null|"health"|"family"|"drain"|"cap"}]}
 * false: out is full. */
bool explain_json(const struct view *v, const struct live *live, const struct question *q,
                  struct bytes *out) MUST_CHECK;
