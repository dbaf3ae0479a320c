/* The pairs of an answer with costs, sources by destinations: read row by row, ranked where a cost
 * type is, tested, and written as the members of a cost map or an endpoint cost map. */
#pragma once

#include "alto/cost_request.h"
#include "base/json_write.h"

/* One side of the pairs. */
struct grid_side {
    const struct str *keys; /* [count] as json_write_key_made takes them; nothing in them needs an
                               escape */
    const pidx *pids;       /* [count] PIDX_NONE: no costs */
    size_t count;
};

/* Cells that are not as cost_request has them. */
struct grid_cells {
    /* Whether the pair (indexes of the sides) has anything to write. NULL: cost_request_has. */
    bool (*has)(void *ctx, const double *values, size_t src, size_t dst);
    /* NULL: cost_request_write_value. */
    void (*write)(void *ctx, struct json_write *w, const double *values, size_t src, size_t dst);
    void *ctx;
};

struct cost_grid {
    const struct cost_request *request;
    struct grid_side srcs, dsts;
    struct grid_cells cells; /* {0}: as cost_request has them */
    double *rows;            /* [column_count][dsts.count] of the source at hand */
    struct {
        const double *values; /* the different ones, the lowest first; NULL: not ranked */
        size_t count;
    } rankings[2 * COST_REQUEST_TYPES_MAX]; /* [column_count] */
};

/* request, srcs and dsts are set. Memory: eight bytes for each column and destination, and for each
 * pair and ranked column. false: the arena is full. */
bool cost_grid_prepare(struct cost_grid *g, struct arena *arena) MUST_CHECK;
/* A source without pairs is left out. */
void cost_grid_write(struct cost_grid *g, struct json_write *w);
/* Keys as they stand in the answer, of names that need no escape. NULL: the arena is full. */
const struct str *cost_grid_keys(const struct str *names, size_t n, struct arena *arena);
