#include <string.h>

#include "alto/cost_request.h"
#include "alto/vtag_read.h"
#include "base/json_write.h"

/* Filtered cost maps (RFC 7285 section 11.3.2, RFC 8189 section 4.1, RFC 8896 section 5.1). */

struct selection {
    const pidx *srcs, *dsts; /* [src_count], [dst_count] */
    size_t src_count, dst_count;
    bool all; /* every pair of the map */
};

/* A ranked column's different values, the lowest first. */
struct ranking {
    const double *values;
    size_t count;
};

struct filter {
    const struct alto_question *q;
    struct alto_reply *reply;
    struct cost_request request;
    struct selection s;
    struct ranking rankings[2 * COST_REQUEST_TYPES_MAX]; /* [column_count] */
    double *rows;                                        /* [column_count][dst_count] */
};

static bool no_memory(struct filter *f)
{
    return alto_status(&f->reply->error, 503, "no memory for the answer");
}

/* The PIDs that the map has of the names; all of them when there is none. */
static const pidx *find_pids(const struct filter *f, struct str_list names, size_t *count)
{
    const struct netmap *map = f->q->resource->network->map;
    size_t n = names.n ? names.n : map->pid_count;
    pidx *list = arena_array(f->q->arena, n, sizeof *list);

    *count = 0;
    for (size_t i = 0; list && i < n; i++) {
        pidx at = names.n ? netmap_find_pid(map, names.p[i]) : (pidx)i;

        if (at != PIDX_NONE) /* unknown names are none of ours, and no error (11.3.2.3) */
            list[(*count)++] = at;
    }
    return list;
}

static bool read_selection(struct filter *f, const struct params *in)
{
    struct str_list srcs = {0}, dsts = {0};
    struct params pids;
    bool there;

    if (!params_object(in, "pids", false, &pids, &there))
        return false;
    if (there && (!params_strings(&pids, "srcs", true, &srcs) ||
                  !params_strings(&pids, "dsts", true, &dsts)))
        return false;
    f->s.all = !srcs.n && !dsts.n;
    f->s.srcs = find_pids(f, srcs, &f->s.src_count);
    f->s.dsts = find_pids(f, dsts, &f->s.dst_count);
    return (f->s.srcs && f->s.dsts) || no_memory(f);
}

/* The answer is a map that is there already. */
static bool is_whole(struct filter *f)
{
    const struct cost_request *r = &f->request;
    const struct alto_resource *whole = r->costs[0]->whole;

    if (!f->s.all || r->multi || r->group_count || r->calendared[0] || !whole || !whole->bodies)
        return false;
    f->reply->whole = whole->bodies;
    return true;
}

static bool within_budget(struct filter *f)
{
    uint64_t pairs = (uint64_t)f->s.src_count * f->s.dst_count;
    uint64_t width = cost_request_width(&f->request), max = f->q->catalog->limits.pairs_max;

    if (pairs <= max / width)
        return true;
    return alto_invalid(&f->reply->error, "pids", (struct str){0},
                        "%llu pairs with %llu values each are over pairs-max of this server, %llu: "
                        "ask for fewer PIDs, or for the whole map",
                        (unsigned long long)pairs, (unsigned long long)width,
                        (unsigned long long)max);
}

static bool rank_column(struct filter *f, size_t column)
{
    const struct selection *s = &f->s;
    double *values = arena_alloc(f->q->arena, s->src_count * s->dst_count * sizeof *values);

    if (!values)
        return no_memory(f);
    for (size_t i = 0; i < s->src_count; i++)
        costmap_gather(f->request.columns[column]->map, s->srcs[i], s->dsts, s->dst_count,
                       values + i * s->dst_count);
    f->rankings[column].values = values;
    f->rankings[column].count = cost_ranking(values, s->src_count * s->dst_count);
    return true;
}

static bool prepare(struct filter *f)
{
    size_t columns = f->request.column_count;

    f->rows = arena_array(f->q->arena, columns * f->s.dst_count, sizeof *f->rows);
    if (!f->rows)
        return no_memory(f);
    for (size_t i = 0; i < columns; i++)
        if (f->request.columns[i]->ranked && !rank_column(f, i))
            return false;
    return true;
}

static void read_row(struct filter *f, pidx src)
{
    size_t n = f->s.dst_count;

    for (size_t c = 0; c < f->request.column_count; c++) {
        double *row = f->rows + c * n;

        costmap_gather(f->request.columns[c]->map, src, f->s.dsts, n, row);
        for (size_t i = 0; f->rankings[c].values && i < n; i++)
            row[i] = cost_rank(f->rankings[c].values, f->rankings[c].count, row[i]);
    }
}

/* A source without pairs is left out. */
static void write_row(struct filter *f, struct json_write *w, pidx src)
{
    const struct netmap_pid *pids = f->q->resource->network->map->pids;
    double values[2 * COST_REQUEST_TYPES_MAX];
    bool any = false;

    read_row(f, src);
    for (size_t i = 0; i < f->s.dst_count; i++) {
        pidx dst = f->s.dsts[i];

        for (size_t c = 0; c < f->request.column_count; c++)
            values[c] = f->rows[c * f->s.dst_count + i];
        if (!cost_request_passes(&f->request, values) ||
            !cost_request_has(&f->request, values, src, dst))
            continue;
        if (!any) {
            json_write_key(w, pids[src].name);
            json_write_object(w);
            any = true;
        }
        json_write_key(w, pids[dst].name);
        cost_request_write_value(w, &f->request, values, src, dst);
        json_write_break(w, JSON_WRITE_LINE);
    }
    if (any)
        json_write_object_end(w);
}

static bool write_answer(struct filter *f)
{
    struct json_write w;

    json_write_init(&w, f->reply->out);
    json_write_object(&w);
    json_write_key(&w, STR("meta"));
    json_write_object(&w);
    json_write_key(&w, STR("dependent-vtags"));
    json_write_array(&w);
    vtag_write(&w, &f->q->resource->network->vtag);
    json_write_array_end(&w);
    cost_request_write_meta(&w, &f->request);
    json_write_object_end(&w);
    json_write_key(&w, STR("cost-map"));
    json_write_object(&w);
    for (size_t i = 0; i < f->s.src_count && !w.full; i++)
        write_row(f, &w, f->s.srcs[i]);
    json_write_object_end(&w);
    json_write_object_end(&w);
    if (json_write_done(&w))
        return true;
    return alto_invalid(&f->reply->error, "pids", (struct str){0},
                        "the answer would be longer than %zu bytes, which is answer-max of this "
                        "server: ask for fewer PIDs, or for the whole map",
                        f->q->catalog->limits.answer_max);
}

bool alto_cost_filter_reply(const struct alto_question *q, struct alto_reply *reply)
{
    struct params in = {.path = "", .arena = q->arena, .e = &reply->error};
    struct filter f = {.q = q, .reply = reply};
    json_t *tree;
    bool good;

    if (!params_load(q->body, &tree, &reply->error))
        return false;
    in.object = tree;
    good = cost_request_read(&in, q->resource, q->wall_ms, &f.request) && read_selection(&f, &in);
    if (good && !is_whole(&f))
        good = within_budget(&f) && prepare(&f) && write_answer(&f);
    json_decref(tree);
    return good;
}
