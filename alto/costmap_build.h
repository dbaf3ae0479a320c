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
    const double *cost; /* [planes][columns->count], NAN where there is none; see step */
    uint32_t step;      /* columns->count; 0: there is one plane, which stands for all */
};

/* A plane is a slot of a calendar, or a cost type of several. */
struct costmap {
    struct costmap_info info;
    pidx pid_count;
    const struct costmap_row *rows;          /* [pid_count] */
    uint32_t plane;                          /* of the rows, that is read here */
    const struct costmap_calendar *calendar; /* NULL: none */
    const struct costmap *slots;             /* [calendar->slots] */
};

static inline const double *costmap_row_costs(const struct costmap *c,
                                              const struct costmap_row *row)
{
    return row->cost + (size_t)c->plane * row->step;
}

struct costmap_build;

/* NULL: no memory, or the arena is full. */
struct costmap_build *costmap_build_new(const struct netmap *map, struct arena *arena) MUST_CHECK;
void costmap_build_free(struct costmap_build *b);

/* ERR_PARSE: the row was there before. */
enum err_code costmap_build_begin_row(struct costmap_build *b, pidx src, struct err *e) MUST_CHECK;
/* NAN is a pair named without a value. ERR_PARSE: the pair was there before. */
enum err_code costmap_build_add(struct costmap_build *b, pidx dst, double cost,
                                struct err *e) MUST_CHECK;
/* The same with n costs, one for each plane; n is the same for every such pair. ERR_LIMIT: the
 * arena will not hold the row. */
enum err_code costmap_build_add_planes(struct costmap_build *b, pidx dst, const double *costs,
                                       uint32_t n, struct err *e) MUST_CHECK;
/* n of them so far; 0: none. */
uint32_t costmap_build_planes(const struct costmap_build *b);
enum err_code costmap_build_end_row(struct costmap_build *b, struct err *e) MUST_CHECK;

/* The planes are slots of this calendar: ahead of _freeze, which copies it. */
void costmap_build_calendar(struct costmap_build *b, const struct costmap_calendar *cal);
/* The planes are cost types: one map each, with its own pair_count and tag. */
enum err_code costmap_build_freeze_types(struct costmap_build *b, const struct costmap_info *info,
                                         uint32_t count, const struct costmap **out,
                                         struct err *e) MUST_CHECK;
/* Fills pair_count and tag; the rest is the caller's. */
enum err_code costmap_build_freeze(struct costmap_build *b, const struct costmap_info *info,
                                   const struct costmap **out, struct err *e) MUST_CHECK;
