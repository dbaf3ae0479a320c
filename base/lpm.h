/* Longest prefix match: a set of prefixes with a value each, frozen into disjoint ranges under an
 * index. IPv4 and IPv6 are apart: ::/0 says nothing about IPv4. Nested and repeated prefixes are
 * fine; the most specific wins. */
#pragma once

#include "base/addr.h"
#include "base/arena.h"
#include "base/err.h"

#define LPM_NONE         UINT32_MAX /* no prefix covers the address; not allowed as a value */
#define LPM_PREFIXES_MAX (4u << 20) /* each family */

struct lpm; /* immutable, any number of threads read it */

struct lpm_entry {
    struct prefix prefix;
    uint32_t value;
};

struct lpm_hit {
    uint32_t value; /* LPM_NONE: nothing covers it */
    /* How many leading bits of the address decide the value (RFC 7871 section 7.2.1): every address
     * that shares them has the same value, and one bit less would not do. Counts from the mapped
     * form: an IPv4 answer has 96..128, of which the wire's scope is 96 less; an IPv6 answer
     * 0..128. */
    uint8_t scope;
};

/* Sorts entries in place (a copy of them is needed for a moment when they are not sorted yet),
 * keeps nothing of them. *out lives in arena. Of two entries with one prefix and different values:
 * ERR_CONFLICT, naming the prefix. ERR_LIMIT: arena or LPM_PREFIXES_MAX. */
enum err_code lpm_build(struct lpm_entry *entries, size_t n, struct arena *arena,
                        const struct lpm **out, struct err *e) MUST_CHECK;

/* The value alone: the fast way. */
uint32_t lpm_find(const struct lpm *l, struct addr a);
struct lpm_hit lpm_find_scope(const struct lpm *l, struct addr a);

/* For one who has several addresses to find: pass 0 over all of them, then pass 1, then find. The
 * memory that each needs is then on its way for all of them together. */
void lpm_prefetch(const struct lpm *l, struct addr a, unsigned pass);

size_t lpm_ranges(const struct lpm *l); /* disjoint ranges of equal value, both families */
