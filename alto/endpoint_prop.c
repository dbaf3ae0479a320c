/* Endpoint properties (RFC 7285 section 11.4.1). */
#include <stdio.h>
#include <string.h>

#include "alto/endpoint.h"
#include "alto/propmap.h"
#include "alto/vtag_read.h"

/* A property that is asked for. */
struct asked {
    struct str name;
    const struct alto_network *network; /* "<its id>.pid"; NULL: of the property map */
    struct str property;                /* its name there */
};

struct request {
    struct asked *asked;
    size_t asked_count;
    struct endpoint *endpoints;
    struct str_list texts;
    uint64_t *misses; /* NULL: nobody counts */
    struct alto_error *e;
};

static const struct alto_network *network_of(const struct alto_resource *r, struct str name)
{
    for (size_t i = 0; i < r->network_count; i++) {
        struct str id = str_from(r->networks[i]->vtag.resource_id);

        if (name.n == id.n + 4 && memcmp(name.p, id.p, id.n) == 0 &&
            memcmp(name.p + id.n, ".pid", 4) == 0)
            return r->networks[i];
    }
    return NULL;
}

/* The next property that the map has of addresses, behind *d and *i; one that both families have
 * comes once. p NULL: that was all. */
static struct str next_property(const struct propmap *m, size_t *d, size_t *i)
{
    for (; m && *d < propmap_domains(m); ++*d, *i = 0) {
        struct str domain = propmap_domain(m, *d);

        if (!str_eq(domain, STR("ipv4")) && !str_eq(domain, STR("ipv6")))
            continue;
        if (*i < propmap_properties(m, *d))
            return propmap_property(m, *d, (*i)++);
    }
    return (struct str){NULL, 0};
}

/* Its name among endpoint properties; n 0: it can have none (section 10.8). */
static struct str endpoint_name(const struct alto_resource *r, struct str property,
                                char out[ENDPOINT_PROPERTY_MAX])
{
    const bool own = property.n && property.p[0] == '.';
    struct err e = {0};
    int n = snprintf(out, ENDPOINT_PROPERTY_MAX, "%.*s%.*s", own ? (int)r->props_id.n : 0,
                     r->props_id.n ? r->props_id.p : "", (int)property.n, property.p);
    struct str name = {out, (size_t)n};

    if (n < 0 || n >= ENDPOINT_PROPERTY_MAX || network_of(r, name) ||
        endpoint_property_check(name, &e) != ERR_OK)
        return (struct str){out, 0};
    return name;
}

/* As it stands in the map; p NULL: not there. */
static struct str props_find(const struct alto_resource *r, struct str name)
{
    char text[ENDPOINT_PROPERTY_MAX];
    size_t d = 0, i = 0;
    struct str property;

    while ((property = next_property(r->props, &d, &i)).p)
        if (str_eq(endpoint_name(r, property, text), name))
            return property;
    return (struct str){NULL, 0};
}

bool endpoint_property_next(const struct alto_resource *r, size_t at[2],
                            char out[ENDPOINT_PROPERTY_MAX], struct str *name)
{
    struct str property;

    while ((property = next_property(r->props, &at[0], &at[1])).p) {
        size_t d = 0, i = 0;

        *name = endpoint_name(r, property, out);
        while (!str_eq(next_property(r->props, &d, &i), property)) {
        }
        if (name->n && d == at[0] && i == at[1])
            return true; /* the first of that name */
    }
    return false;
}

static bool find_property(const struct alto_resource *r, struct str name, struct asked *out,
                          struct alto_error *error)
{
    struct err e = {0};

    *out = (struct asked){.name = name, .network = network_of(r, name)};
    if (!out->network)
        out->property = props_find(r, name);
    if (out->network || out->property.p)
        return true;
    if (endpoint_property_check(name, &e) != ERR_OK)
        return alto_invalid(error, "properties", name, "%s", e.text);
    return alto_invalid(error, "properties", name,
                        "not one of prop-types, the properties that this resource has");
}

static bool read_request(const struct alto_question *q, const struct params *in, struct request *r)
{
    struct str_list properties;

    r->e = in->e;
    if (!params_strings(in, "properties", true, &properties) ||
        !params_strings(in, "endpoints", true, &r->texts))
        return false;
    if (properties.n == 0)
        return alto_invalid(r->e, "properties", STR("[]"),
                            "no property; one at least is asked for");
    if (r->texts.n == 0)
        return alto_invalid(r->e, "endpoints", STR("[]"), "no endpoint; one at least is asked for");
    if (r->texts.n > q->catalog->limits.endpoints_max ||
        (uint64_t)r->texts.n * properties.n > q->catalog->limits.pairs_max)
        return alto_invalid(r->e, "endpoints", (struct str){0},
                            "%zu addresses and %zu properties are over the limits of this server: "
                            "%u addresses, %llu values",
                            r->texts.n, properties.n, q->catalog->limits.endpoints_max,
                            (unsigned long long)q->catalog->limits.pairs_max);
    r->asked = arena_array(q->arena, properties.n, sizeof *r->asked);
    if (!r->asked)
        return alto_status(r->e, 503, "no memory for the answer");
    for (size_t i = 0; i < properties.n; i++)
        if (!find_property(q->resource, properties.p[i], &r->asked[i], r->e))
            return false;
    r->asked_count = properties.n;
    return endpoint_list_read(q, &r->texts, "endpoints", &r->endpoints, r->e);
}

/* Section 11.4.1.6: of the network maps whose PIDs were asked for. */
static void write_meta(struct json_write *w, const struct request *r)
{
    bool any = false;

    json_write_key(w, STR("meta"));
    json_write_object(w);
    for (size_t i = 0; i < r->asked_count; i++) {
        if (!r->asked[i].network)
            continue;
        if (!any) {
            json_write_key(w, STR("dependent-vtags"));
            json_write_array(w);
            any = true;
        }
        vtag_write(w, &r->asked[i].network->vtag);
    }
    if (any)
        json_write_array_end(w);
    json_write_object_end(w);
}

/* What an endpoint does not have is left out. */
static void write_property(struct json_write *w, const struct alto_resource *r,
                           const struct asked *asked, struct endpoint *ep, struct str entity,
                           uint64_t *misses)
{
    struct str value;

    if (asked->network) {
        endpoint_locate(asked->network, ep);
        if (ep->pid == PIDX_NONE) {
            if (misses)
                ++*misses;
            return;
        }
        json_write_key(w, asked->name);
        json_write_string(w, asked->network->map->pids[ep->pid].name);
        return;
    }
    value = propmap_get(r->props, entity, asked->property);
    if (!value.p || str_eq(value, STR("null")))
        return;
    json_write_key(w, asked->name);
    json_write_made(w, value);
}

static void write_endpoint(struct json_write *w, const struct alto_resource *resource,
                           const struct request *r, struct endpoint *ep)
{
    char text[ENDPOINT_TEXT_MAX];
    struct str entity = {NULL, 0};

    if (resource->props)
        entity = str_from(endpoint_format(ep->prefix, text));
    json_write_key(w, ep->text);
    json_write_object(w);
    for (size_t i = 0; i < r->asked_count; i++)
        write_property(w, resource, &r->asked[i], ep, entity, r->misses);
    json_write_object_end(w);
}

static bool write_answer(const struct alto_question *q, const struct request *r,
                         struct alto_reply *reply)
{
    struct json_write w;

    json_write_init(&w, reply->out);
    json_write_object(&w);
    write_meta(&w, r);
    json_write_key(&w, STR("endpoint-properties"));
    json_write_object(&w);
    for (size_t i = 0; i < r->texts.n && !w.full; i++)
        write_endpoint(&w, q->resource, r, &r->endpoints[i]);
    json_write_object_end(&w);
    json_write_object_end(&w);
    if (json_write_done(&w))
        return true;
    return alto_invalid(r->e, "endpoints", (struct str){0},
                        "the answer would be longer than %zu bytes, which is answer-max of this "
                        "server: ask for fewer endpoints",
                        q->catalog->limits.answer_max);
}

bool alto_endpoint_prop_reply(const struct alto_question *q, struct alto_reply *reply)
{
    struct params in = {.path = "", .arena = q->arena, .e = &reply->error};
    struct request r = {.misses = q->misses};
    json_t *tree;
    bool good;

    if (!params_load(q->body, &tree, &reply->error))
        return false;
    in.object = tree;
    good = read_request(q, &in, &r) && write_answer(q, &r, reply);
    json_decref(tree);
    return good;
}
