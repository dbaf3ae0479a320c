#include "alto/endpoint_sides.h"

static bool no_memory(struct alto_error *e)
{
    return alto_status(e, 503, "no memory for the answer");
}

bool endpoint_too_long(const struct alto_question *q, struct alto_error *e)
{
    return alto_invalid(e, "endpoints", (struct str){0},
                        "the answer would be longer than %zu bytes, which is answer-max of this "
                        "server: ask for fewer endpoints",
                        q->catalog->limits.answer_max);
}

/* Section 11.5.1.3: who is not named is whom the request comes from. */
static bool client_alone(const struct alto_question *q, struct str_list *out, struct alto_error *e)
{
    struct str *one = arena_alloc(q->arena, sizeof *one);
    char *text = arena_alloc(q->arena, ENDPOINT_TEXT_MAX);

    if (!one || !text)
        return no_memory(e);
    *one = str_from(endpoint_format((struct prefix){q->client, 128}, text));
    *out = (struct str_list){one, 1};
    return true;
}

static bool within_count(const struct alto_question *q, size_t n, const char *field,
                         struct alto_error *e)
{
    if (n <= q->catalog->limits.endpoints_max)
        return true;
    return alto_invalid(e, field, (struct str){0},
                        "%zu addresses are over endpoints-max of this server, %u", n,
                        q->catalog->limits.endpoints_max);
}

/* The two lists of an object. */
static bool read_lists(const struct alto_question *q, const struct params *in,
                       struct str_list *srcs, struct str_list *dsts)
{
    if (!params_strings(in, "srcs", false, srcs) || !params_strings(in, "dsts", false, dsts))
        return false;
    if (srcs->n == 0 && dsts->n == 0)
        return alto_invalid(in->e, in->path, STR("{}"),
                            "neither sources nor destinations; one of them may be left out, and is "
                            "then the client");
    if (srcs->n == 0 && !client_alone(q, srcs, in->e))
        return false;
    if (dsts->n == 0 && !client_alone(q, dsts, in->e))
        return false;
    return within_count(q, srcs->n + dsts->n, in->path, in->e);
}

static bool read_addresses(const struct alto_question *q, const struct params *in,
                           const struct str_list *srcs, const struct str_list *dsts,
                           struct endpoint_sides *out)
{
    const char *src_path = params_path(in, "srcs"), *dst_path = params_path(in, "dsts");
    size_t misses;

    if (!src_path || !dst_path)
        return no_memory(in->e);
    out->src_count = srcs->n;
    out->dst_count = dsts->n;
    if (!endpoint_list_read(q, srcs, src_path, &out->srcs, in->e) ||
        !endpoint_list_read(q, dsts, dst_path, &out->dsts, in->e))
        return false;
    misses = endpoint_locate_all(q->resource->network, out->srcs, out->src_count) +
             endpoint_locate_all(q->resource->network, out->dsts, out->dst_count);
    if (q->misses)
        *q->misses += misses;
    return true;
}

/* The lists of all flows, and of all together each address once. */
struct flows {
    struct str_list *srcs, *dsts; /* [count] */
    size_t count;
    struct str all_srcs[ENDPOINT_FLOWS_MAX], all_dsts[ENDPOINT_FLOWS_MAX];
    size_t src_count, dst_count;
};

static size_t find(const struct str *list, size_t n, struct str s)
{
    size_t i = 0;

    while (i < n && !str_eq(list[i], s))
        i++;
    return i;
}

/* false: there is no room. */
static bool collect(const struct str_list *from, struct str *list, size_t *n)
{
    for (size_t i = 0; i < from->n; i++) {
        if (find(list, *n, from->p[i]) < *n)
            continue;
        if (*n == ENDPOINT_FLOWS_MAX)
            return false;
        list[(*n)++] = from->p[i];
    }
    return true;
}

static bool read_flows(const struct alto_question *q, const struct params *in, const json_t *array,
                       struct flows *f)
{
    f->count = json_array_size(array);
    if (f->count == 0 || f->count > ENDPOINT_FLOWS_MAX)
        return alto_invalid(in->e, "endpoint-flows", (struct str){0},
                            "%zu flows, where 1 to %u are taken", f->count, ENDPOINT_FLOWS_MAX);
    f->srcs = arena_array(q->arena, f->count, sizeof *f->srcs);
    f->dsts = arena_array(q->arena, f->count, sizeof *f->dsts);
    if (!f->srcs || !f->dsts)
        return no_memory(in->e);
    for (size_t i = 0; i < f->count; i++) {
        const json_t *item = json_array_get(array, i);
        struct params flow = {item, "endpoint-flows", in->arena, in->e};

        if (!json_is_object(item))
            return alto_invalid(in->e, "endpoint-flows", params_value(in, item),
                                "a flow is an object with srcs and dsts");
        if (!read_lists(q, &flow, &f->srcs[i], &f->dsts[i]))
            return false;
        if (!collect(&f->srcs[i], f->all_srcs, &f->src_count) ||
            !collect(&f->dsts[i], f->all_dsts, &f->dst_count))
            return alto_invalid(in->e, "endpoint-flows", (struct str){0},
                                "over %u different addresses", ENDPOINT_FLOWS_MAX);
    }
    return true;
}

static bool mark_flows(const struct alto_question *q, const struct flows *f,
                       struct endpoint_sides *out)
{
    uint8_t *marks = arena_array(q->arena, f->src_count * f->dst_count, 1);

    for (size_t k = 0; marks && k < f->count; k++)
        for (size_t i = 0; i < f->srcs[k].n; i++) {
            uint8_t *row = marks + find(f->all_srcs, f->src_count, f->srcs[k].p[i]) * f->dst_count;

            for (size_t j = 0; j < f->dsts[k].n; j++)
                row[find(f->all_dsts, f->dst_count, f->dsts[k].p[j])] = 1;
        }
    out->flows = marks;
    return marks != NULL;
}

static bool read_by_flows(const struct alto_question *q, const struct params *in,
                          const json_t *array, struct endpoint_sides *out)
{
    struct params at = {in->object, "endpoint-flows", in->arena, in->e};
    struct flows *f = arena_array(q->arena, 1, sizeof *f);
    struct str_list srcs, dsts;

    if (!f)
        return no_memory(in->e);
    if (!read_flows(q, in, array, f))
        return false;
    srcs = (struct str_list){f->all_srcs, f->src_count};
    dsts = (struct str_list){f->all_dsts, f->dst_count};
    if (!read_addresses(q, &at, &srcs, &dsts, out))
        return false;
    return mark_flows(q, f, out) || no_memory(in->e);
}

bool endpoint_sides_read(const struct alto_question *q, const struct params *in, bool flows,
                         struct endpoint_sides *out)
{
    struct str_list srcs = {0}, dsts = {0};
    const json_t *array = NULL;
    struct params endpoints;
    bool there;

    if (flows && !params_array(in, "endpoint-flows", false, &array))
        return false;
    if (array)
        return read_by_flows(q, in, array, out);
    return params_object(in, "endpoints", true, &endpoints, &there) &&
           read_lists(q, &endpoints, &srcs, &dsts) &&
           read_addresses(q, &endpoints, &srcs, &dsts, out);
}

static bool make_side(const struct endpoint *eps, size_t n, struct arena *arena,
                      struct grid_side *out)
{
    struct str *names = arena_alloc(arena, n * sizeof *names);
    pidx *pids = arena_alloc(arena, n * sizeof *pids);

    if (!names || !pids)
        return false;
    for (size_t i = 0; i < n; i++) {
        names[i] = eps[i].text;
        pids[i] = eps[i].pid;
    }
    *out = (struct grid_side){cost_grid_keys(names, n, arena), pids, n};
    return out->keys != NULL;
}

bool endpoint_grid(const struct alto_question *q, const struct endpoint_sides *sides,
                   struct cost_grid *g, struct alto_error *e)
{
    uint64_t pairs = (uint64_t)sides->src_count * sides->dst_count;
    uint64_t width = cost_request_width(g->request), max = q->catalog->limits.pairs_max;

    if (width && pairs > max / width)
        return alto_invalid(e, "endpoints", (struct str){0},
                            "%llu pairs with %llu values each are over pairs-max of this server, "
                            "%llu: ask for fewer endpoints",
                            (unsigned long long)pairs, (unsigned long long)width,
                            (unsigned long long)max);
    return (make_side(sides->srcs, sides->src_count, q->arena, &g->srcs) &&
            make_side(sides->dsts, sides->dst_count, q->arena, &g->dsts) &&
            cost_grid_prepare(g, q->arena)) ||
           no_memory(e);
}
