/* Path vectors as answers (RFC 9275 sections 7.2 and 7.3): two parts, the paths and other costs,
 * and the properties of the elements on them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "alto/endpoint_sides.h"
#include "alto/multipart.h"
#include "alto/pathvec.h"
#include "alto/vtag_read.h"
#include "base/hash.h"

/* What the two variants differ in. */
struct variant {
    struct str part;   /* of the paths, in Content-ID and vtag */
    struct str type;   /* its media type */
    struct str member; /* that holds the costs */
};

struct answer {
    const struct alto_question *q;
    struct alto_reply *reply;
    const struct variant *variant;
    const struct path_vectors *paths;
    struct cost_request request;
    struct cost_grid grid;
    struct str_list properties; /* ane-property-names */
    const uint8_t *flows;       /* of struct endpoint_sides */
    size_t path_at;             /* among request.costs; COST_REQUEST_TYPES_MAX: not asked for */
    uint32_t *number; /* [elements] 1 and up, in the order in which the answer has them; 0: not in
                         it */
    uint32_t *used;   /* [used_count] the elements by their numbers */
    uint32_t used_count;
    struct vtag vtag; /* of the first part */
};

static bool no_memory(struct answer *a)
{
    return alto_status(&a->reply->error, 503, "no memory for the answer");
}

/* ane-property-names (section 7.2.3). */
static bool read_properties(struct answer *a, const struct params *in)
{
    size_t count = path_vectors_properties(a->paths);

    if (!params_strings(in, "ane-property-names", false, &a->properties))
        return false;
    for (size_t i = 0; i < a->properties.n; i++) {
        size_t k = 0;

        while (k < count && !str_eq(path_vectors_property(a->paths, k), a->properties.p[i]))
            k++;
        if (k == count)
            return alto_invalid(in->e, "ane-property-names", a->properties.p[i],
                                "not one of ane-property-names, the properties that this resource "
                                "has");
    }
    return true;
}

/* Section 7.2.3: the PIDs as in a filtered cost map; unknown ones are ignored, none is all. */
static bool read_pids(struct answer *a, const struct str_list *names, struct grid_side *out)
{
    const struct netmap *map = a->q->resource->network->map;
    size_t n = names->n ? names->n : map->pid_count, count = 0;
    struct str *found = arena_alloc(a->q->arena, n * sizeof *found);
    pidx *pids = arena_alloc(a->q->arena, n * sizeof *pids);

    if (!found || !pids)
        return no_memory(a);
    for (size_t i = 0; i < n; i++) {
        pidx at = names->n ? netmap_find_pid(map, names->p[i]) : (pidx)i;

        if (at == PIDX_NONE)
            continue;
        found[count] = map->pids[at].name;
        pids[count++] = at;
    }
    *out = (struct grid_side){cost_grid_keys(found, count, a->q->arena), pids, count};
    return out->keys || no_memory(a);
}

static bool read_pid_sides(struct answer *a, const struct params *in)
{
    struct str_list srcs = {0}, dsts = {0};
    uint64_t width = cost_request_width(&a->request), max = a->q->catalog->limits.pairs_max, pairs;
    struct params pids;
    bool there;

    if (!params_object(in, "pids", false, &pids, &there))
        return false;
    if (there && (!params_strings(&pids, "srcs", true, &srcs) ||
                  !params_strings(&pids, "dsts", true, &dsts)))
        return false;
    if (!read_pids(a, &srcs, &a->grid.srcs) || !read_pids(a, &dsts, &a->grid.dsts))
        return false;
    pairs = (uint64_t)a->grid.srcs.count * a->grid.dsts.count;
    if (width && pairs > max / width)
        return alto_invalid(in->e, "pids", (struct str){0},
                            "%llu pairs with %llu values each are over pairs-max of this server, "
                            "%llu: ask for fewer PIDs",
                            (unsigned long long)pairs, (unsigned long long)width,
                            (unsigned long long)max);
    return cost_grid_prepare(&a->grid, a->q->arena) || no_memory(a);
}

static bool read_endpoint_sides(struct answer *a, const struct params *in)
{
    struct endpoint_sides sides = {0};

    if (!endpoint_sides_read(a->q, in, a->q->catalog->extensions.endpoint_flows, &sides))
        return false;
    a->flows = sides.flows;
    return endpoint_grid(a->q, &sides, &a->grid, in->e);
}

static const uint32_t *path_of(const struct answer *a, size_t src, size_t dst, uint32_t *count)
{
    if (a->path_at == COST_REQUEST_TYPES_MAX)
        return NULL;
    return path_vectors_get(a->paths, a->grid.srcs.pids[src], a->grid.dsts.pids[dst], count);
}

static bool cell_has(void *ctx, const double *values, size_t src, size_t dst)
{
    const struct answer *a = ctx;
    uint32_t count;

    if (a->flows && !a->flows[src * a->grid.dsts.count + dst])
        return false;
    return path_of(a, src, dst, &count) != NULL ||
           cost_request_has(&a->request, values, a->grid.srcs.pids[src], a->grid.dsts.pids[dst]);
}

/* Section 11: names say nothing about the elements and are others in every answer, so that answers
 * cannot be put together. */
static struct str element_name(const struct answer *a, uint32_t number, char out[32])
{
    snprintf(out, 32, "%08x-%u", (uint32_t)(a->q->random >> 32), number);
    return str_from(out);
}

static void write_path(struct answer *a, struct json_write *w, const uint32_t *path, uint32_t count)
{
    char name[32];

    json_write_array(w);
    for (uint32_t i = 0; i < count; i++) {
        if (!a->number[path[i]]) {
            a->used[a->used_count++] = path[i];
            a->number[path[i]] = a->used_count;
        }
        json_write_string(w, element_name(a, a->number[path[i]], name));
    }
    json_write_array_end(w);
}

/* One of the types that are asked for. */
static void write_one(struct answer *a, struct json_write *w, size_t type, const double *values,
                      size_t src, size_t dst)
{
    struct cost_request one = {
        .costs = {a->request.costs[type]}, .calendared = {a->request.calendared[type]}, .count = 1};
    const uint32_t *path;
    uint32_t count;

    if (type == a->path_at) {
        path = path_of(a, src, dst, &count);
        if (path)
            write_path(a, w, path, count);
        else
            json_write_null(w);
    } else if (isnan(values[type]) && !one.calendared[0]) {
        json_write_null(w);
    } else {
        cost_request_write_value(w, &one, &values[type], a->grid.srcs.pids[src],
                                 a->grid.dsts.pids[dst]);
    }
}

static void cell_write(void *ctx, struct json_write *w, const double *values, size_t src,
                       size_t dst)
{
    struct answer *a = ctx;

    if (!a->request.multi) {
        write_one(a, w, 0, values, src, dst);
        return;
    }
    json_write_array(w);
    for (size_t i = 0; i < a->request.count; i++)
        write_one(a, w, i, values, src, dst);
    json_write_array_end(w);
}

/* What is counted and named while the first part is written. */
static bool prepare(struct answer *a)
{
    size_t elements = path_vectors_elements(a->paths);
    uint64_t mark = hash_content(path_vectors_tag(a->paths), strlen(path_vectors_tag(a->paths)));

    a->path_at = 0;
    while (a->path_at < a->request.count && a->request.costs[a->path_at]->type->mode != COST_ARRAY)
        a->path_at++;
    if (a->path_at == a->request.count)
        a->path_at = COST_REQUEST_TYPES_MAX;
    a->grid.cells = (struct grid_cells){cell_has, cell_write, a};
    /* Of this answer alone: no other one has its names. */
    snprintf(a->vtag.resource_id, sizeof a->vtag.resource_id, "%.*s.%.*s",
             (int)a->q->resource->id.n, a->q->resource->id.p, (int)a->variant->part.n,
             a->variant->part.p);
    snprintf(a->vtag.tag, sizeof a->vtag.tag, "%016llx%016llx",
             (unsigned long long)hash_mix(a->q->random, mark),
             (unsigned long long)hash_mix(mark, a->q->random));
    a->number = arena_array(a->q->arena, elements, sizeof *a->number);
    a->used = arena_array(a->q->arena, elements, sizeof *a->used);
    return (a->number && a->used) || no_memory(a);
}

static bool write_costs(struct answer *a)
{
    struct json_write w;

    json_write_init(&w, a->reply->out);
    json_write_object(&w);
    json_write_key(&w, STR("meta"));
    json_write_object(&w);
    json_write_key(&w, STR("vtag"));
    vtag_write(&w, &a->vtag);
    json_write_key(&w, STR("dependent-vtags"));
    json_write_array(&w);
    vtag_write(&w, &a->q->resource->network->vtag);
    json_write_array_end(&w);
    cost_request_write_meta(&w, &a->request);
    json_write_object_end(&w);
    json_write_key(&w, a->variant->member);
    json_write_object(&w);
    cost_grid_write(&a->grid, &w);
    json_write_object_end(&w);
    json_write_object_end(&w);
    return json_write_done(&w);
}

/* The version of a resource that the elements' map names: as it is served here; else as the map
 * says. The tag may be empty. */
static struct vtag version_of(const struct answer *a, const struct vtag *on)
{
    const struct alto_resource *r = alto_find_id(a->q->catalog, str_from(on->resource_id));
    struct vtag v = *on;

    if (r && r->vtag.tag[0])
        return r->vtag;
    if (r && r->props)
        snprintf(v.tag, sizeof v.tag, "%s", propmap_tag(r->props));
    return v;
}

/* The vtag of the first part, and those of the maps whose entities elements are, when these are
 * asked for (section 7.2.6). */
static void write_depends(struct answer *a, struct json_write *w)
{
    bool persistent = false;

    for (size_t i = 0; i < a->properties.n; i++)
        persistent = persistent || str_eq(a->properties.p[i], STR("persistent-entity-id"));
    json_write_key(w, STR("dependent-vtags"));
    json_write_array(w);
    vtag_write(w, &a->vtag);
    for (size_t i = 0; persistent && i < path_vectors_depends(a->paths); i++) {
        struct vtag on = version_of(a, path_vectors_depend(a->paths, i));

        if (on.tag[0])
            vtag_write(w, &on);
    }
    json_write_array_end(w);
}

static void write_element(struct answer *a, struct json_write *w, uint32_t i)
{
    char key[48], name[32];
    struct str text = element_name(a, i + 1, name);

    snprintf(key, sizeof key, ".ane:%.*s", (int)text.n, text.p);
    json_write_key(w, str_from(key));
    json_write_object(w);
    for (size_t k = 0; k < a->properties.n; k++) {
        struct str value = path_vectors_value(a->paths, a->used[i], a->properties.p[k]);

        if (!value.p || str_eq(value, STR("null")))
            continue;
        json_write_key(w, a->properties.p[k]);
        json_write_made(w, value);
    }
    json_write_object_end(w);
}

static bool write_properties(struct answer *a)
{
    struct json_write w;

    json_write_init(&w, a->reply->out);
    json_write_object(&w);
    json_write_key(&w, STR("meta"));
    json_write_object(&w);
    write_depends(a, &w);
    json_write_object_end(&w);
    json_write_key(&w, STR("property-map"));
    json_write_object(&w);
    for (uint32_t i = 0; i < a->used_count && !w.full; i++)
        write_element(a, &w, i);
    json_write_object_end(&w);
    json_write_object_end(&w);
    return json_write_done(&w);
}

/* The server's name as its URIs have it; "localhost" where they are paths alone, or have an IPv6
 * address, which a Content-ID cannot have (section 6.6). */
static struct str domain_of(const struct alto_resource *r)
{
    const char *p = r->uri.n ? memmem(r->uri.p, r->uri.n, "://", 3) : NULL;
    const char *end = r->uri.p + r->uri.n;
    struct str host;

    if (!p)
        return STR("localhost");
    host = (struct str){p + 3, 0};
    while (host.p + host.n < end && host.p[host.n] != ':' && host.p[host.n] != '/')
        host.n++;
    return vtag_is_word(host, 255, "-._") ? host : STR("localhost");
}

static bool write_answer(struct answer *a)
{
    struct str domain = domain_of(a->q->resource);
    struct multipart_write m;
    bool good;

    multipart_write_init(&m, a->reply->out, hash_mix(a->q->random, a->q->wall_ms));
    multipart_write_part(&m, a->variant->part, domain, a->variant->type);
    good = write_costs(a);
    multipart_write_part(&m, STR("propmap"), domain, STR("application/alto-propmap+json"));
    good = good && write_properties(a) && multipart_write_end(&m);
    if (!good)
        return endpoint_too_long(a->q, &a->reply->error);
    a->reply->media_type = multipart_content_type(&m, a->variant->type, a->q->arena);
    return a->reply->media_type.n || no_memory(a);
}

static bool make(const struct alto_question *q, struct alto_reply *reply,
                 const struct variant *variant,
                 bool (*read_sides)(struct answer *a, const struct params *in))
{
    struct params in = {.path = "", .arena = q->arena, .e = &reply->error};
    struct answer a = {.q = q, .reply = reply, .variant = variant, .paths = q->resource->paths};
    json_t *tree;
    bool good;

    if (!params_load(q->body, &tree, &reply->error))
        return false;
    in.object = tree;
    a.grid.request = &a.request;
    good = cost_request_read(&in, q->resource, q->wall_ms, &a.request) &&
           read_properties(&a, &in) && read_sides(&a, &in) && prepare(&a) && write_answer(&a);
    json_decref(tree);
    return good;
}

bool alto_path_cost_reply(const struct alto_question *q, struct alto_reply *reply)
{
    static const struct variant variant = {
        {"costmap", 7}, {"application/alto-costmap+json", 29}, {"cost-map", 8}};

    return make(q, reply, &variant, read_pid_sides);
}

bool alto_path_endpoint_reply(const struct alto_question *q, struct alto_reply *reply)
{
    static const struct variant variant = {
        {"ecs", 3}, {"application/alto-endpointcost+json", 34}, {"endpoint-cost-map", 17}};

    return make(q, reply, &variant, read_endpoint_sides);
}
