/* What filtered cost maps, endpoint costs and path vectors have in common in a request (RFC 7285
 * sections 11.3.2.3 and 11.5.1.3, RFC 8189 section 4, RFC 8896 section 5): which cost types, tests
 * on them, calendars. And writing the values that come of it. */
#pragma once

#include "alto/params.h"
#include "alto/server.h"

enum cost_test_op { COST_GT, COST_LT, COST_GE, COST_LE, COST_EQ };

struct cost_test {
    const struct alto_cost *cost;
    enum cost_test_op op;
    double bound;
    uint32_t column; /* of cost in the request's columns */
};

#define COST_REQUEST_TYPES_MAX 16u

struct cost_request {
    bool multi;                                            /* arrays, also of one */
    const struct alto_cost *costs[COST_REQUEST_TYPES_MAX]; /* asked for, in order */
    bool calendared[COST_REQUEST_TYPES_MAX];               /* and there is a calendar */
    size_t count;
    /* costs, and behind them those that are tested only: what is read for each pair. */
    const struct alto_cost *columns[2 * COST_REQUEST_TYPES_MAX];
    size_t column_count;
    const struct cost_test *tests; /* all of a group must hold, of one group at least */
    const uint32_t *group_ends;    /* [group_count] one behind a group's last in tests */
    size_t group_count;            /* 0: no test */
};

/* cost-type or multi-cost-types, constraints or or-constraints, testable-cost-types, calendared. A
 * calendar that has not begun at wall_ms is not there yet: its type has single values. */
bool cost_request_read(const struct params *in, const struct alto_resource *r, uint64_t wall_ms,
                       struct cost_request *out) MUST_CHECK;
/* Whether the pair has anything to write: a value, or one in any slot of a calendar asked for. */
bool cost_request_has(const struct cost_request *q, const double *values, pidx src, pidx dst);
/* values[column_count] of one pair, NAN where there is none. */
bool cost_request_passes(const struct cost_request *q, const double *values);

/* What an answer holds for a pair at most: the work budget counts it. */
uint64_t cost_request_width(const struct cost_request *q);

/* Ranks, for columns whose cost is ranked: 1 the lowest, equal values one rank, none left out; over
 * all pairs that the request selects, before any test. Sorts the n values, NANs left out; returns
 * how many different ones are in front then. */
size_t cost_ranking(double *values, size_t n);
/* The rank of one of them; NAN stays. */
double cost_rank(const double *ranking, size_t n, double value);

struct json_write;
/* {"cost-mode": ..., "cost-metric": ..., "cost-context": ...} */
void cost_type_write(struct json_write *w, const struct cost_type *t, bool description);
/* The members of meta that a request's answer has: cost-type or multi-cost-types, and
 * calendar-response-attributes. dependent-vtags is the caller's. */
void cost_request_write_meta(struct json_write *w, const struct cost_request *q);
/* One pair's value: a number, an array of several types, a calendar, or arrays within an array. */
void cost_request_write_value(struct json_write *w, const struct cost_request *q,
                              const double *values, pidx src, pidx dst);
