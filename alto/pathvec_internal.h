/* What the reader of path vectors and those who ask them share. */
#pragma once

#include "alto/pathvec.h"

struct path_pair {
    pidx src, dst;
    uint32_t count; /* of elements */
    size_t at;      /* of the first in hops */
};

struct path_vectors {
    const struct netmap *map;
    const struct propmap *props;   /* NULL: none */
    size_t domain;                 /* ".ane" in props */
    size_t property_count;         /* of it */
    const struct path_pair *pairs; /* [pair_count] by src, then dst */
    size_t pair_count;
    const uint32_t *first; /* [pid_count + 1] a source's pairs in pairs */
    const uint32_t *hops;
    const struct str *elements; /* [element_count] with ".ane:" in front */
    uint32_t element_count;
    const struct vtag *depends; /* [depend_count] */
    size_t depend_count;
    char tag[ALTO_TAG_MAX + 1];
};

#define PATHVEC_DOMAIN ".ane:"
