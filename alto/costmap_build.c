#include "alto/costmap_build.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct costmap_build {
    const struct netmap *map;
    struct arena *arena;
    struct costmap_row *rows; /* [pid_count], in arena */
    bool *seen_row;           /* [pid_count] */

    pidx src;
    uint32_t touched_count;
    pidx *touched;    /* [pid_count] destinations of the row at hand, as they came */
    uint32_t *row_of; /* [pid_count] number of the row that named this destination last */
    double *cost;     /* [pid_count] of the row at hand, where row_of is row_number */
    size_t *many;     /* [pid_count] where in `values` its planes begin; MANY_NONE: cost has it */
    double *values;   /* [value_room] of the row at hand */
    size_t value_count, value_room;
    uint32_t planes; /* 0: nobody has named several */
    uint32_t row_number;

    /* The lists that the next row may share: that of the last row, and that of all PIDs. */
    struct costmap_columns *last, *all;
    const struct costmap_calendar *calendar;
};

#define MANY_NONE SIZE_MAX

struct costmap_build *costmap_build_new(const struct netmap *map, struct arena *arena)
{
    struct costmap_build *b = calloc(1, sizeof *b);
    size_t n = map->pid_count ? map->pid_count : 1;

    if (!b)
        return NULL;
    b->map = map;
    b->arena = arena;
    b->rows = arena_array(arena, n, sizeof *b->rows);
    b->seen_row = calloc(n, sizeof *b->seen_row);
    b->touched = malloc(n * sizeof *b->touched);
    b->row_of = calloc(n, sizeof *b->row_of);
    b->cost = malloc(n * sizeof *b->cost);
    b->many = malloc(n * sizeof *b->many);
    if (b->rows && b->seen_row && b->touched && b->row_of && b->cost && b->many)
        return b;
    costmap_build_free(b);
    return NULL;
}

void costmap_build_free(struct costmap_build *b)
{
    if (!b)
        return;
    free(b->seen_row);
    free(b->touched);
    free(b->row_of);
    free(b->cost);
    free(b->many);
    free(b->values);
    free(b);
}

static enum err_code no_memory(struct err *e)
{
    return err_set(e, ERR_LIMIT, "no memory left for the cost map");
}

enum err_code costmap_build_begin_row(struct costmap_build *b, pidx src, struct err *e)
{
    if (b->seen_row[src])
        return err_set(e, ERR_PARSE, "PID \"%s\" stands here a second time",
                       b->map->pids[src].name.p);
    b->seen_row[src] = true;
    b->src = src;
    b->touched_count = 0;
    b->value_count = 0;
    b->row_number++;
    return ERR_OK;
}

enum err_code costmap_build_add(struct costmap_build *b, pidx dst, double cost, struct err *e)
{
    if (b->row_of[dst] == b->row_number)
        return err_set(e, ERR_PARSE, "PID \"%s\" stands here a second time",
                       b->map->pids[dst].name.p);
    b->row_of[dst] = b->row_number;
    b->cost[dst] = cost;
    b->many[dst] = MANY_NONE;
    b->touched[b->touched_count++] = dst;
    return ERR_OK;
}

/* The row's values must fit what is left of the arena: until then they are the heap's. */
static double *values_take(struct costmap_build *b, uint32_t n)
{
    size_t left = (arena_cap(b->arena) - arena_used(b->arena)) / sizeof *b->values, room;
    double *grown;

    if (b->value_count + n > left)
        return NULL;
    if (b->value_count + n > b->value_room) {
        room = 2 * b->value_room + n;
        grown = realloc(b->values, room * sizeof *grown);
        if (!grown)
            return NULL;
        b->values = grown;
        b->value_room = room;
    }
    b->value_count += n;
    return b->values + b->value_count - n;
}

enum err_code costmap_build_add_planes(struct costmap_build *b, pidx dst, const double *costs,
                                       uint32_t n, struct err *e)
{
    enum err_code rc = costmap_build_add(b, dst, NAN, e);
    double *values;

    if (rc != ERR_OK)
        return rc;
    if (b->planes && n != b->planes)
        return err_set(e, ERR_PARSE, "an array of %u costs, and earlier ones had %u", n, b->planes);
    b->planes = n;
    values = values_take(b, n);
    if (!values)
        return no_memory(e);
    b->many[dst] = (size_t)(values - b->values);
    memcpy(values, costs, n * sizeof *costs);
    return ERR_OK;
}

uint32_t costmap_build_planes(const struct costmap_build *b)
{
    return b->planes;
}

void costmap_build_calendar(struct costmap_build *b, const struct costmap_calendar *cal)
{
    b->calendar = cal;
}

static int dst_cmp(const void *a, const void *b)
{
    return *(const pidx *)a - *(const pidx *)b;
}

static struct costmap_columns *columns_new(struct costmap_build *b, const pidx *dst, uint32_t count)
{
    struct costmap_columns *c = arena_array(b->arena, 1, sizeof *c);
    pidx *list = arena_alloc(b->arena, count * sizeof *list);

    if (!c || !list)
        return NULL;
    for (uint32_t i = 0; i < count; i++)
        list[i] = dst ? dst[i] : (pidx)i;
    if (dst)
        qsort(list, count, sizeof *list, dst_cmp);
    *c = (struct costmap_columns){.count = count, .dst = list};
    return c;
}

/* The index makes one cost a plain load; it is made when a second row shares the list, and where it
 * adds at most a quarter to one row. */
static void columns_index(struct costmap_build *b, struct costmap_columns *c)
{
    uint16_t *at;

    if (c->at || (size_t)c->count * 4 < b->map->pid_count)
        return;
    at = arena_alloc(b->arena, b->map->pid_count * sizeof *at);
    if (!at) /* the search finds it too */
        return;
    memset(at, 0xff, b->map->pid_count * sizeof *at);
    for (uint32_t i = 0; i < c->count; i++)
        at[c->dst[i]] = (uint16_t)i;
    c->at = at;
}

/* Whether the row at hand fits into the list, leaving at most a quarter of it empty. */
static bool columns_fit(const struct costmap_build *b, const struct costmap_columns *c)
{
    uint32_t common = 0;

    if (!c || b->touched_count > c->count || c->count - b->touched_count > c->count / 4)
        return false;
    for (uint32_t i = 0; i < c->count; i++)
        common += b->row_of[c->dst[i]] == b->row_number;
    return common == b->touched_count;
}

/* Eight bytes a column shared, ten where the row has a list of its own. */
static struct costmap_columns *columns_for_row(struct costmap_build *b)
{
    uint32_t n = b->map->pid_count;

    if (columns_fit(b, b->last)) {
        columns_index(b, b->last);
        return b->last;
    }
    if (n - b->touched_count > n / 4)
        return b->last = columns_new(b, b->touched, b->touched_count);
    if (!b->all) {
        b->all = columns_new(b, NULL, n);
        if (b->all)
            columns_index(b, b->all);
    }
    return b->last = b->all;
}

static void fill_plane(const struct costmap_build *b, const struct costmap_columns *c,
                       uint32_t plane, double *cost)
{
    for (uint32_t i = 0; i < c->count; i++) {
        pidx dst = c->dst[i];

        if (b->row_of[dst] != b->row_number)
            cost[i] = NAN;
        else
            cost[i] = b->many[dst] == MANY_NONE ? b->cost[dst] : b->values[b->many[dst] + plane];
    }
}

enum err_code costmap_build_end_row(struct costmap_build *b, struct err *e)
{
    uint32_t planes = b->value_count ? b->planes : 1;
    const struct costmap_columns *c;
    double *cost = NULL;

    if (b->touched_count == 0)
        return ERR_OK;
    c = columns_for_row(b);
    if (c && (size_t)c->count * planes <= arena_cap(b->arena) / sizeof *cost)
        cost = arena_alloc(b->arena, (size_t)c->count * planes * sizeof *cost);
    if (!cost)
        return no_memory(e);
    for (uint32_t k = 0; k < planes; k++)
        fill_plane(b, c, k, cost + (size_t)k * c->count);
    b->rows[b->src] = (struct costmap_row){c, cost, b->value_count ? c->count : 0};
    return ERR_OK;
}

/* Adds a plane's pairs that have a value, in order, so that neither the text's order nor the way of
 * storing them shows. Returns how many there are. */
static uint32_t hash_plane(const struct costmap *c, struct vtag_hash *h, uint64_t (*pairs)[2])
{
    uint32_t known = 0;

    for (size_t src = 0; src < c->pid_count; src++) {
        const struct costmap_row *row = &c->rows[src];
        const double *cost = row->columns ? costmap_row_costs(c, row) : NULL;
        size_t n = 0;

        for (uint32_t i = 0; cost && i < row->columns->count; i++) {
            if (isnan(cost[i]))
                continue;
            pairs[n][0] = src << 16 | row->columns->dst[i];
            memcpy(&pairs[n][1], &cost[i], sizeof pairs[n][1]);
            n++;
        }
        vtag_hash_add(h, pairs, n * sizeof *pairs);
        known += (uint32_t)n;
    }
    return known;
}

static void hash_head(const struct costmap *c, struct vtag_hash *h)
{
    uint64_t mode = c->info.mode;

    vtag_hash_add_str(h, str_from(c->info.depends.resource_id));
    vtag_hash_add_str(h, str_from(c->info.depends.tag));
    vtag_hash_add_str(h, str_from(c->info.metric));
    vtag_hash_add(h, &mode, sizeof mode);
    if (c->info.context.n)
        vtag_hash_add_str(h, c->info.context);
}

static void hash_calendar(const struct costmap_calendar *cal, struct vtag_hash *h)
{
    uint64_t slots = cal->slots;

    vtag_hash_add(h, &cal->start_ms, sizeof cal->start_ms);
    vtag_hash_add(h, &cal->interval_s, sizeof cal->interval_s);
    vtag_hash_add(h, &slots, sizeof slots);
    vtag_hash_add(h, &cal->repeated, sizeof cal->repeated);
}

/* Pairs that have a value in any plane: where slots differ in which they know, it is not one of the
 * slots that says. */
static uint32_t pairs_known(const struct costmap *c, uint32_t planes)
{
    uint32_t known = 0;

    for (size_t src = 0; src < c->pid_count; src++) {
        const struct costmap_row *row = &c->rows[src];
        uint32_t n = row->columns ? row->columns->count : 0;

        for (uint32_t i = 0; i < n; i++) {
            uint32_t k = 0;

            while (k < planes && isnan(row->cost[(size_t)k * row->step + i]))
                k++;
            known += k < planes;
        }
    }
    return known;
}

/* The slots of a calendar, as maps; all of them, and what they cost, go into the tag. */
static bool make_slots(struct costmap_build *b, struct costmap *c, struct vtag_hash *h,
                       uint64_t (*pairs)[2])
{
    struct costmap_calendar *cal = arena_alloc(b->arena, sizeof *cal);
    struct costmap *slots = arena_array(b->arena, b->calendar->slots, sizeof *slots);

    if (!cal || !slots)
        return false;
    *cal = *b->calendar;
    hash_calendar(cal, h);
    for (uint32_t k = 0; k < cal->slots; k++) {
        slots[k] = *c;
        slots[k].plane = k;
        vtag_hash_add(h, &k, sizeof k);
        slots[k].info.pair_count = hash_plane(&slots[k], h, pairs);
    }
    c->info.pair_count = pairs_known(c, cal->slots);
    c->calendar = cal;
    c->slots = slots;
    return true;
}

static bool freeze_one(struct costmap_build *b, struct costmap *c, uint64_t (*pairs)[2])
{
    struct vtag_hash *h = vtag_hash_new();
    bool good = h != NULL;

    if (!good)
        return false;
    hash_head(c, h);
    if (b->calendar)
        good = make_slots(b, c, h, pairs);
    else
        c->info.pair_count = hash_plane(c, h, pairs);
    vtag_hash_finish(h, c->info.tag);
    for (uint32_t k = 0; good && b->calendar && k < b->calendar->slots; k++)
        memcpy(((struct costmap *)(uintptr_t)c->slots)[k].info.tag, c->info.tag,
               sizeof c->info.tag);
    return good;
}

enum err_code costmap_build_freeze_types(struct costmap_build *b, const struct costmap_info *info,
                                         uint32_t count, const struct costmap **out, struct err *e)
{
    struct costmap *c = arena_array(b->arena, count, sizeof *c);
    uint64_t(*pairs)[2] = malloc(((size_t)b->map->pid_count + 1) * sizeof *pairs);
    bool good = c && pairs;

    for (uint32_t i = 0; good && i < count; i++) {
        c[i] = (struct costmap){
            .info = info[i], .pid_count = b->map->pid_count, .rows = b->rows, .plane = i};
        good = freeze_one(b, &c[i], pairs);
    }
    free(pairs);
    for (uint32_t i = 0; good && i < count; i++)
        out[i] = &c[i];
    return good ? ERR_OK : no_memory(e);
}

enum err_code costmap_build_freeze(struct costmap_build *b, const struct costmap_info *info,
                                   const struct costmap **out, struct err *e)
{
    return costmap_build_freeze_types(b, info, 1, out, e);
}
