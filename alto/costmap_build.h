/* The builder of cost maps: row by row, each row's pairs in any order. */
#pragma once

#include "alto/costmap.h"

/* One list of destinations that rows share. */
struct costmap_columns {
    uint32_t count;
    const pidx *dst;    /* [count], ascending */
    const uint16_t *at; /* [pid_count] index in dst, COSTMAP_NOWHERE; NULL: search dst */
};

#define COSTMAP_NOWHERE UINT16_MAX

struct costmap_row {
    const struct costmap_columns *columns; /* NULL: no cost from this PID */
    const double *cost;                    /* [columns->count], NAN where there is none */
};

struct costmap {
    struct costmap_info info;
    pidx pid_count;
    const struct costmap_row *rows; /* [pid_count] */
};

struct costmap_build;

/* NULL: no memory, or the arena is full. */
struct costmap_build *costmap_build_new(const struct netmap *map, struct arena *arena) MUST_CHECK;
void costmap_build_free(struct costmap_build *b);

/* ERR_PARSE: the row was there before. */
enum err_code costmap_build_begin_row(struct costmap_build *b, pidx src, struct err *e) MUST_CHECK;
/* NAN is a pair named without a value. ERR_PARSE: the pair was there before. */
enum err_code costmap_build_add(struct costmap_build *b, pidx dst, double cost,
                                struct err *e) MUST_CHECK;
enum err_code costmap_build_end_row(struct costmap_build *b, struct err *e) MUST_CHECK;

/* Fills pair_count and tag; the rest is the caller's. */
enum err_code costmap_build_freeze(struct costmap_build *b, const struct costmap_info *info,
                                   const struct costmap **out, struct err *e) MUST_CHECK;
