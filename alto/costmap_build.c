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
    uint32_t row_number;

    /* The lists that the next row may share: that of the last row, and that of all PIDs. */
    struct costmap_columns *last, *all;
    uint32_t pair_count;
};

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
    if (b->rows && b->seen_row && b->touched && b->row_of && b->cost)
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
    b->touched[b->touched_count++] = dst;
    return ERR_OK;
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

enum err_code costmap_build_end_row(struct costmap_build *b, struct err *e)
{
    const struct costmap_columns *c;
    double *cost;

    if (b->touched_count == 0)
        return ERR_OK;
    c = columns_for_row(b);
    cost = c ? arena_alloc(b->arena, c->count * sizeof *cost) : NULL;
    if (!cost)
        return no_memory(e);
    for (uint32_t i = 0; i < c->count; i++) {
        pidx dst = c->dst[i];

        cost[i] = b->row_of[dst] == b->row_number ? b->cost[dst] : NAN;
        b->pair_count += isnan(cost[i]) ? 0 : 1;
    }
    b->rows[b->src] = (struct costmap_row){c, cost};
    return ERR_OK;
}

/* Over the pairs that have a value, in order, so that neither the text's order nor the way of
 * storing them shows. */
static void content_hash(const struct costmap *c, struct vtag_hash *h, uint64_t (*pairs)[2],
                         char *tag)
{
    uint64_t mode = c->info.mode;

    vtag_hash_add_str(h, str_from(c->info.depends.resource_id));
    vtag_hash_add_str(h, str_from(c->info.depends.tag));
    vtag_hash_add_str(h, str_from(c->info.metric));
    vtag_hash_add(h, &mode, sizeof mode);
    for (size_t src = 0; src < c->pid_count; src++) {
        const struct costmap_row *row = &c->rows[src];
        size_t n = 0;

        for (uint32_t i = 0; row->columns && i < row->columns->count; i++) {
            if (isnan(row->cost[i]))
                continue;
            pairs[n][0] = src << 16 | row->columns->dst[i];
            memcpy(&pairs[n][1], &row->cost[i], sizeof pairs[n][1]);
            n++;
        }
        vtag_hash_add(h, pairs, n * sizeof *pairs);
    }
    vtag_hash_finish(h, tag);
}

enum err_code costmap_build_freeze(struct costmap_build *b, const struct costmap_info *info,
                                   const struct costmap **out, struct err *e)
{
    struct costmap *c = arena_array(b->arena, 1, sizeof *c);
    uint64_t(*pairs)[2] = malloc(((size_t)b->map->pid_count + 1) * sizeof *pairs);
    struct vtag_hash *h = vtag_hash_new();
    enum err_code rc = ERR_OK;

    if (c && pairs && h) {
        *c = (struct costmap){*info, b->map->pid_count, b->rows};
        c->info.pair_count = b->pair_count;
        content_hash(c, h, pairs, c->info.tag);
        *out = c;
    } else {
        if (h)
            vtag_hash_finish(h, (char[ALTO_TAG_MAX + 1]){0});
        rc = no_memory(e);
    }
    free(pairs);
    return rc;
}
