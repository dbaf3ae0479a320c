#include "alto/server.h"

#include <string.h>

#include <libdeflate.h>

#include "alto/bodies.h"
#include "base/hash.h"

/* Answers to POST wait for their compression: little work a byte. */
#define GZIP_LEVEL 1

void alto_server_init(struct alto_server *s)
{
    memset(s, 0, sizeof *s);
    hash_random(&s->random, sizeof s->random);
    s->gzip = libdeflate_alloc_compressor(GZIP_LEVEL); /* NULL: they go as they are */
}

void alto_server_fini(struct alto_server *s)
{
    alto_catalog_drop(s->catalog);
    bytes_free(&s->scratch);
    bytes_free(&s->coded);
    libdeflate_free_compressor(s->gzip);
    memset(s, 0, sizeof *s);
}

void alto_server_set(struct alto_server *s, struct alto_catalog *c)
{
    alto_catalog_drop(s->catalog);
    s->catalog = c;
}

uint64_t alto_groups_of(const struct alto_server *s, const struct http_request *request)
{
    return s->groups ? s->groups(s->groups_arg, request->client, request->user) : ~UINT64_C(0);
}

typedef bool reply_fn(const struct alto_question *q, struct alto_reply *reply);

/* By kind; NULL: not made here yet. */
static reply_fn *const replies[ALTO_KINDS] = {
    [ALTO_NETWORK_FILTER] = alto_network_filter_reply,
    [ALTO_COST_FILTER] = alto_cost_filter_reply,
    [ALTO_ENDPOINT_PROP] = alto_endpoint_prop_reply,
    [ALTO_ENDPOINT_COST] = alto_endpoint_cost_reply,
    [ALTO_PROP_FILTER] = alto_prop_filter_reply,
    [ALTO_CDNI_FILTER] = alto_cdni_filter_reply,
    [ALTO_PATH_COST] = alto_path_cost_reply,
    [ALTO_PATH_ENDPOINT] = alto_path_endpoint_reply,
};

bool alto_reply_make(const struct alto_question *q, struct alto_reply *reply)
{
    const struct alto_resource *r = q->resource;

    reply->media_type = r->media_type;
    reply->whole = NULL;
    if (!r->accepts.n && r->bodies) {
        reply->whole = r->bodies;
        return true;
    }
    if (!replies[r->kind])
        return alto_status(&reply->error, 501, "this kind of resource is not answered yet");
    return replies[r->kind](q, reply);
}
