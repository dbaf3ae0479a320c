#include "alto/cost_grid.h"

#include <math.h>
#include <string.h>

const struct str *cost_grid_keys(const struct str *names, size_t n, struct arena *arena)
{
    struct str *keys = arena_alloc(arena, n * sizeof *keys);
    size_t total = 0;
    char *p;

    for (size_t i = 0; i < n; i++)
        total += names[i].n + 3;
    p = keys ? arena_alloc(arena, total) : NULL;
    if (!p)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        keys[i] = (struct str){p, names[i].n + 3};
        *p++ = '"';
        memcpy(p, names[i].p, names[i].n);
        p += names[i].n;
        *p++ = '"';
        *p++ = ':';
    }
    return keys;
}

/* Costs of one column from one source; of mode array there are none. */
static void gather(const struct cost_grid *g, size_t column, size_t src, double *out)
{
    const struct costmap *map = g->request->columns[column]->map;

    if (map)
        costmap_gather(map, g->srcs.pids[src], g->dsts.pids, g->dsts.count, out);
    else
        for (size_t i = 0; i < g->dsts.count; i++)
            out[i] = NAN;
}

static bool rank_column(struct cost_grid *g, size_t column, struct arena *arena)
{
    size_t n = g->dsts.count;
    double *values = arena_array(arena, g->srcs.count * n, sizeof *values);

    if (!values)
        return false;
    for (size_t i = 0; i < g->srcs.count; i++)
        gather(g, column, i, values + i * n);
    g->rankings[column].values = values;
    g->rankings[column].count = cost_ranking(values, g->srcs.count * n);
    return true;
}

bool cost_grid_prepare(struct cost_grid *g, struct arena *arena)
{
    size_t columns = g->request->column_count;

    g->rows = arena_alloc(arena, columns * g->dsts.count * sizeof *g->rows);
    if (!g->rows)
        return false;
    for (size_t c = 0; c < columns; c++)
        if (g->request->columns[c]->ranked && !rank_column(g, c, arena))
            return false;
    return true;
}

static void read_row(struct cost_grid *g, size_t src)
{
    size_t n = g->dsts.count;

    for (size_t c = 0; c < g->request->column_count; c++) {
        double *row = g->rows + c * n;

        gather(g, c, src, row);
        for (size_t i = 0; g->rankings[c].values && i < n; i++)
            row[i] = cost_rank(g->rankings[c].values, g->rankings[c].count, row[i]);
    }
}

static bool has(const struct cost_grid *g, const double *values, size_t src, size_t dst)
{
    if (!cost_request_passes(g->request, values))
        return false;
    if (g->cells.has)
        return g->cells.has(g->cells.ctx, values, src, dst);
    return cost_request_has(g->request, values, g->srcs.pids[src], g->dsts.pids[dst]);
}

static void write_row(struct cost_grid *g, struct json_write *w, size_t src)
{
    size_t columns = g->request->column_count, n = g->dsts.count;
    double values[2 * COST_REQUEST_TYPES_MAX];
    bool any = false;

    for (size_t i = 0; i < n; i++) {
        for (size_t c = 0; c < columns; c++)
            values[c] = g->rows[c * n + i];
        if (!has(g, values, src, i))
            continue;
        if (!any) {
            json_write_key_made(w, g->srcs.keys[src]);
            json_write_object(w);
            any = true;
        }
        json_write_key_made(w, g->dsts.keys[i]);
        if (g->cells.write)
            g->cells.write(g->cells.ctx, w, values, src, i);
        else
            cost_request_write_value(w, g->request, values, g->srcs.pids[src], g->dsts.pids[i]);
    }
    if (any)
        json_write_object_end(w);
}

void cost_grid_write(struct cost_grid *g, struct json_write *w)
{
    for (size_t i = 0; i < g->srcs.count && !w->full; i++) {
        read_row(g, i);
        write_row(g, w, i);
    }
}
