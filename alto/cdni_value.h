/* Values of CDNi capabilities (RFC 8008 section 5): what they must have, and when one is more than
 * another. */
#pragma once

#include <jansson.h>

#include "base/bytes.h"
#include "base/err.h"

/* ERR_PARSE: null, or without what its type makes mandatory. Of a type that is not known any value
 * but null is good. */
enum err_code cdni_value_check(struct str type, const json_t *value, struct err *e) MUST_CHECK;

/* How many comparisons are left; a request's are bounded. */
struct cdni_work {
    uint64_t left;
};

/* The mandatory properties of `have` are a superset of those of `want` (RFC 9241 section 5.6):
 * lists as sets, objects by member, the rest by equality. Both are of this type and checked. Also
 * false when the work is used up. */
bool cdni_value_covers(struct str type, const json_t *have, const json_t *want,
                       struct cdni_work *work);
