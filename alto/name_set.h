/* Distinct names that a cost map has and its network map has not: a set of keyed hashes, so that a
 * name costs eight bytes and nobody can make it slow. */
#pragma once

#include "base/bytes.h"
#include "base/hash.h"

#define NAME_SET_MAX (1u << 20)

struct name_set {
    struct hash_key key;
    uint64_t *slot; /* [cap], a power of two; 0 is empty */
    uint32_t count, cap;
};

void name_set_init(struct name_set *s);
void name_set_fini(struct name_set *s);
/* ERR_LIMIT: NAME_SET_MAX, or no memory. */
enum err_code name_set_add(struct name_set *s, struct str name, struct err *e) MUST_CHECK;
