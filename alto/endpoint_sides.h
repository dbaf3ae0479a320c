/* What endpoint costs and path vectors between endpoints have in common in a request: from whom, to
 * whom (RFC 7285 section 11.5.1.3). */
#pragma once

#include <string.h>

#include "alto/cost_grid.h"
#include "alto/endpoint.h"

#define ENDPOINT_FLOWS_MAX 1024u /* addresses of all endpoint-flows together */

struct endpoint_sides {
    struct endpoint *srcs, *dsts; /* [src_count], [dst_count] located */
    size_t src_count, dst_count;
    const uint8_t *flows; /* [src_count * dst_count] 1: the pair is asked for; NULL: all are */
};

/* "endpoints": {"srcs": [...], "dsts": [...]}; who is not named is the client itself. With flows
 * also, instead of it, "endpoint-flows": a list of such objects, which openalto's client sends. */
bool endpoint_sides_read(const struct alto_question *q, const struct params *in, bool flows,
                         struct endpoint_sides *out) MUST_CHECK;
/* Fills the grid's sides and prepares it; more pairs than the catalog's limit are an error. */
bool endpoint_grid(const struct alto_question *q, const struct endpoint_sides *sides,
                   struct cost_grid *g, struct alto_error *e) MUST_CHECK;
/* false: the error of an answer that the server's limit cut. */
bool endpoint_too_long(const struct alto_question *q, struct alto_error *e);
