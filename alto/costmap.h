/* Cost map (RFC 7285 section 11.2.3): one cost type between PIDs of one network map. */
#pragma once

#include "alto/cost_type.h"
#include "alto/netmap.h"

#define COSTMAP_BYTES_MAX ((size_t)1 << 30)
#define COSTMAP_SLOTS_MAX 10000u
#define COSTMAP_TYPES_MAX 16u /* cost types of one body */

/* Immutable; costs in double precision (RFC 7285 section 6.1.2.1). A row holds the costs from one
 * PID; rows that name the same PIDs, or nearly, share one list of columns, so that a full map costs
 * eight bytes a pair and a sparse one ten a pair, whatever the number of PIDs. */
struct costmap;

struct costmap_info {
    enum cost_mode mode;
    char metric[ALTO_METRIC_MAX + 1]; /* "routingcost" */
    enum cost_source source;
    struct str description; /* of its cost type; n 0: none. In the map's arena */
    struct str context;     /* the text of its cost-context, a JSON object; n 0: none. Likewise */
    struct vtag depends;    /* the network map that it was made for, as dependent-vtags says */
    char tag[ALTO_TAG_MAX + 1]; /* content hash: the same for any order of members */
    uint32_t pair_count;        /* pairs with a value; of a calendar in any slot */
    uint32_t unknown_pids;      /* distinct names in the text that the network map does not have */
};

/* Reads an application/alto-costmap+json body (RFC 7285 section 11.2.3.6) against its network map,
 * with a calendar or without.
 * A pair that the text does not name, or names with null, has no value; it is not 0. Pairs with a
 * PID that the network map does not have are left out and the names counted. Unknown members are
 * ignored (section 8.3.7). With a network map that has no resource id, tags alone are compared.
 *
 * ERR_PARSE: not such a body, a cost that is no number, a negative or non-finite one, a PID or pair
 * twice, in ordinal mode a cost that is not an integer (section 6.1.2.2), a loss rate over 100 or a
 * hop count that is not an integer (RFC 9439 sections 4.4 and 4.5), arrays that do not have the
 * calendar's number of intervals, or no calendar. ERR_UNSUPPORTED: another mode, several cost
 * types. ERR_CONFLICT: dependent-vtags names another network map or version. ERR_LIMIT: the arena
 * is full, or more slots than COSTMAP_SLOTS_MAX. Lives in arena, about eight bytes a pair and slot;
 * map must live as long for costmap_format only. */
enum err_code costmap_parse(const char *json, size_t n, const struct netmap *map,
                            struct arena *arena, const struct costmap **out,
                            struct err *e) MUST_CHECK;
/* The same of servers in the field, who leave out or write otherwise: a cost may be a string that
 * holds a number (of other strings, and of negative numbers in one, there is no value); without
 * "dependent-vtags" it is for this map, without "cost-type" it is of `type`. */
enum err_code costmap_parse_lenient(const char *json, size_t n, const struct netmap *map,
                                    const struct cost_type *type, struct arena *arena,
                                    const struct costmap **out, struct err *e) MUST_CHECK;
/* The same from a file, which is read in pieces: its text is never in memory as a whole. Errors
 * begin with "cost map PATH:line:col". */
enum err_code costmap_load(const char *path, const struct netmap *map, struct arena *arena,
                           const struct costmap **out, struct err *e) MUST_CHECK;

/* A body with several cost types (RFC 8189 section 3.6: "multi-cost-types" in its meta, and an
 * array of one value each for every pair) as one map each, in that order; they share memory. A body
 * of one type is one map. Calendars of several types at once are ERR_UNSUPPORTED. */
enum err_code costmap_parse_multi(const char *json, size_t n, const struct netmap *map,
                                  struct arena *arena, const struct costmap *out[COSTMAP_TYPES_MAX],
                                  unsigned *count, struct err *e) MUST_CHECK;

const struct costmap_info *costmap_info_get(const struct costmap *c);

/* Cost calendars (RFC 8896): arrays of costs, one for each interval of time ("slot"). The functions
 * below see the first slot of a calendar; costmap_slot gives the others. A single number, or null,
 * stands for all slots. */
struct costmap_calendar {
    uint64_t start_ms; /* wall clock, when slot 0 begins */
    double interval_s; /* of a slot: 0.001 and more */
    uint32_t slots;    /* 1..COSTMAP_SLOTS_MAX */
    uint64_t repeated; /* how many times the slots follow each other, 1 and more */
};

/* NULL: the map holds at all times. A slot has none. */
const struct costmap_calendar *costmap_calendar_get(const struct costmap *c);
/* How many slots; 1 without a calendar. */
uint32_t costmap_slots(const struct costmap *c);
/* The costs of slot i alone, as a map without a calendar; lives in the arena of c and shares its
 * memory. Its tag is that of the whole, its pair_count its own. Without a calendar: c. */
const struct costmap *costmap_slot(const struct costmap *c, uint32_t i);
/* Which slot holds at that time, and when it ends: the first millisecond that is another slot's.
 * Ahead of the calendar the first slot holds, to its own end; behind its last repetition the last
 * one does, for ever: *ends_ms is 0, as it is without a calendar. */
uint32_t costmap_slot_at(const struct costmap *c, uint64_t wall_ms, uint64_t *ends_ms);
/* The same of a calendar alone. */
uint32_t costmap_calendar_at(const struct costmap_calendar *cal, uint64_t wall_ms,
                             uint64_t *ends_ms);

/* NAN when the map is silent about the pair: the caller must not read silence as zero. */
double costmap_get(const struct costmap *c, pidx src, pidx dst);

/* All costs from src into out[pid_count of the network map], NAN where the map is silent: for who
 * wants many of a row, about 1 ns a PID. Returns how many have a value. */
uint32_t costmap_row(const struct costmap *c, pidx src, double *out);
/* The costs from src to each of the n PIDs in dst into out[n]; NAN as above, and for PIDX_NONE. */
void costmap_gather(const struct costmap *c, pidx src, const pidx *dst, size_t n, double *out);
/* false: the map has no cost from src at all. */
bool costmap_has_row(const struct costmap *c, pidx src);

/* The value of "cost-map": what costmap_format has there, in lines of bounded length; of a slot its
 * own costs. w->full is set where there is no memory. */
struct json_write;
void costmap_write_rows(struct json_write *w, const struct costmap *c, const struct netmap *map);
/* The whole body, rows and columns in order of name; the same map gives the same bytes and every
 * cost comes back as it was given. false: out is full. */
bool costmap_format(const struct costmap *c, const struct netmap *map,
                    struct bytes *out) MUST_CHECK;
