/* Endpoint costs (RFC 7285 section 11.5.1, RFC 8189 section 4.2, RFC 8896 section 5.2). */
#include "alto/endpoint_sides.h"
#include "alto/vtag_read.h"

static void write_vtag(struct json_write *w, const struct alto_resource *r)
{
    struct vtag vtag = r->network->vtag;

    /* Who asks for it looks for the tag of what the costs were made from. */
    memset(vtag.resource_id, 0, sizeof vtag.resource_id);
    memcpy(vtag.resource_id, r->id.p, r->id.n < ALTO_ID_MAX ? r->id.n : ALTO_ID_MAX);
    json_write_key(w, STR("vtag"));
    vtag_write(w, r->vtag.tag[0] ? &r->vtag : &vtag);
}

static bool write_answer(const struct alto_question *q, struct cost_grid *g,
                         struct alto_reply *reply)
{
    struct json_write w;

    json_write_init(&w, reply->out);
    json_write_object(&w);
    json_write_key(&w, STR("meta"));
    json_write_object(&w);
    cost_request_write_meta(&w, g->request);
    if (q->catalog->extensions.endpoint_vtag)
        write_vtag(&w, q->resource);
    json_write_object_end(&w);
    json_write_key(&w, STR("endpoint-cost-map"));
    json_write_object(&w);
    cost_grid_write(g, &w);
    json_write_object_end(&w);
    json_write_object_end(&w);
    return json_write_done(&w) || endpoint_too_long(q, &reply->error);
}

bool alto_endpoint_cost_reply(const struct alto_question *q, struct alto_reply *reply)
{
    struct params in = {.path = "", .arena = q->arena, .e = &reply->error};
    struct cost_request request;
    struct endpoint_sides sides = {0};
    struct cost_grid grid = {.request = &request};
    json_t *tree;
    bool good;

    if (!params_load(q->body, &tree, &reply->error))
        return false;
    in.object = tree;
    good = cost_request_read(&in, q->resource, q->wall_ms, &request) &&
           endpoint_sides_read(q, &in, false, &sides) &&
           endpoint_grid(q, &sides, &grid, &reply->error) && write_answer(q, &grid, reply);
    json_decref(tree);
    return good;
}
