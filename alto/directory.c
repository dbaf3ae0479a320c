#include <stdio.h>

#include "alto/cost_request.h"
#include "alto/endpoint.h"
#include "alto/propmap.h"
#include "alto/server.h"
#include "alto/pathvec.h"
#include "base/json_write.h"

/* The information resource directory (RFC 7285 section 9.2): what its client group sees. */

struct directory {
    const struct alto_catalog *c;
    uint64_t groups;
    struct json_write w;
};

static bool is_shown(const struct directory *d, const struct alto_resource *r)
{
    return r->kind != ALTO_DIRECTORY && (r->groups & d->groups);
}

static void write_strings(struct json_write *w, const char *key, const struct str *list, size_t n)
{
    json_write_key(w, str_from(key));
    json_write_array(w);
    for (size_t i = 0; i < n; i++)
        json_write_string(w, list[i]);
    json_write_array_end(w);
}

static bool uses_type(const struct alto_resource *r, const struct cost_type *t)
{
    for (size_t i = 0; i < r->cost_count; i++)
        if (r->costs[i]->type == t)
            return true;
    return false;
}

/* Every name that a resource of this directory has among its cost-type-names, and no other. */
static void write_cost_types(struct directory *d)
{
    json_write_key(&d->w, STR("cost-types"));
    json_write_object(&d->w);
    for (size_t i = 0; i < d->c->type_count; i++) {
        bool used = false;

        for (size_t k = 0; k < d->c->resource_count && !used; k++)
            used =
                is_shown(d, &d->c->resources[k]) && uses_type(&d->c->resources[k], d->c->types[i]);
        if (!used)
            continue;
        json_write_key(&d->w, d->c->types[i]->name);
        cost_type_write(&d->w, d->c->types[i], true);
    }
    json_write_object_end(&d->w);
}

/* Of a group that does not see the default one: the first that it sees. */
static const struct alto_resource *default_network(const struct directory *d)
{
    const struct alto_resource *r = d->c->default_network;

    if (r && is_shown(d, r))
        return r;
    for (size_t i = 0; i < d->c->resource_count; i++) {
        r = &d->c->resources[i];
        if (r->kind == ALTO_NETWORK_MAP && is_shown(d, r))
            return r;
    }
    return NULL;
}

static void write_meta(struct directory *d)
{
    const struct alto_resource *network = default_network(d);

    json_write_key(&d->w, STR("meta"));
    json_write_object(&d->w);
    write_cost_types(d);
    if (network) {
        json_write_key(&d->w, STR("default-alto-network-map"));
        json_write_string(&d->w, network->id);
    }
    json_write_object_end(&d->w);
}

/* RFC 8896 section 4.1. */
static void write_calendars(struct json_write *w, const struct alto_resource *r)
{
    bool any = false;

    for (size_t i = 0; i < r->cost_count; i++) {
        const struct costmap_calendar *cal =
            r->costs[i]->calendar ? costmap_calendar_get(r->costs[i]->calendar) : NULL;

        if (!cal)
            continue;
        if (!any) {
            json_write_key(w, STR("calendar-attributes"));
            json_write_array(w);
            any = true;
        }
        json_write_object(w);
        write_strings(w, "cost-type-names", &r->costs[i]->type->name, 1);
        json_write_key(w, STR("time-interval-size"));
        json_write_number(w, cal->interval_s);
        json_write_key(w, STR("number-of-intervals"));
        json_write_uint(w, cal->slots);
        json_write_object_end(w);
    }
    if (any)
        json_write_array_end(w);
}

static void write_cost_names(struct json_write *w, const struct alto_resource *r, const char *key,
                             const bool *which)
{
    json_write_key(w, str_from(key));
    json_write_array(w);
    for (size_t i = 0; i < r->cost_count; i++)
        if (!which || which[i])
            json_write_string(w, r->costs[i]->type->name);
    json_write_array_end(w);
}

static void write_cost_service(struct json_write *w, const struct alto_resource *r)
{
    write_cost_names(w, r, "cost-type-names", NULL);
    if (!r->testable) {
        json_write_key(w, STR("cost-constraints"));
        json_write_bool(w, r->constraints);
    }
    if (r->max_cost_types) {
        json_write_key(w, STR("max-cost-types"));
        json_write_uint(w, r->max_cost_types);
    }
    if (r->testable)
        write_cost_names(w, r, "testable-cost-type-names", r->testable);
    write_calendars(w, r);
}

static void write_prop_types(struct json_write *w, const struct alto_resource *r)
{
    char text[ENDPOINT_PROPERTY_MAX];
    size_t at[2] = {0, 0};
    struct str property;

    json_write_key(w, STR("prop-types"));
    json_write_array(w);
    for (size_t i = 0; i < r->network_count; i++) {
        char name[ALTO_ID_MAX + 8];

        snprintf(name, sizeof name, "%s.pid", r->networks[i]->vtag.resource_id);
        json_write_string(w, str_from(name));
    }
    while (endpoint_property_next(r, at, text, &property))
        json_write_string(w, property);
    json_write_array_end(w);
}

/* RFC 9240 section 7.4. */
static void write_mappings(struct json_write *w, const struct alto_resource *r)
{
    json_write_key(w, STR("mappings"));
    json_write_object(w);
    for (size_t i = 0; i < propmap_domains(r->props); i++) {
        json_write_key(w, propmap_domain(r->props, i));
        json_write_array(w);
        for (size_t k = 0; k < propmap_properties(r->props, i); k++)
            json_write_string(w, propmap_property(r->props, i, k));
        json_write_array_end(w);
    }
    json_write_object_end(w);
}

/* RFC 9275 section 7.2.4. */
static void write_ane_properties(struct json_write *w, const struct path_vectors *p)
{
    json_write_key(w, STR("ane-property-names"));
    json_write_array(w);
    for (size_t i = 0; i < path_vectors_properties(p); i++)
        json_write_string(w, path_vectors_property(p, i));
    json_write_array_end(w);
}

/* RFC 8895 section 6.3, RFC 9569 section 5.2: how each of its resources may change. */
static void write_changes(struct directory *d, const struct alto_resource *r)
{
    json_write_key(&d->w, STR("incremental-change-media-types"));
    json_write_object(&d->w);
    for (size_t i = 0; i < r->use_count; i++) {
        if (!is_shown(d, r->uses[i]))
            continue;
        json_write_key(&d->w, r->uses[i]->id);
        json_write_string(&d->w, STR("application/merge-patch+json,application/json-patch+json"));
    }
    json_write_object_end(&d->w);
    if (r->kind == ALTO_UPDATES) {
        json_write_key(&d->w, STR("support-stream-control"));
        json_write_bool(&d->w, true);
    }
}

static bool has_capabilities(enum alto_kind k)
{
    switch (k) {
    case ALTO_COST_MAP:
    case ALTO_COST_FILTER:
    case ALTO_ENDPOINT_PROP:
    case ALTO_ENDPOINT_COST:
    case ALTO_PROP_MAP:
    case ALTO_PROP_FILTER:
    case ALTO_PATH_COST:
    case ALTO_PATH_ENDPOINT:
    case ALTO_UPDATES:
    case ALTO_TIPS:
        return true;
    default:
        return false;
    }
}

static void write_capabilities(struct directory *d, const struct alto_resource *r)
{
    if (!has_capabilities(r->kind))
        return;
    json_write_key(&d->w, STR("capabilities"));
    json_write_object(&d->w);
    if (r->kind == ALTO_COST_MAP)
        write_cost_names(&d->w, r, "cost-type-names", NULL);
    else if (r->kind == ALTO_ENDPOINT_PROP)
        write_prop_types(&d->w, r);
    else if (r->props)
        write_mappings(&d->w, r);
    else if (r->kind == ALTO_UPDATES || r->kind == ALTO_TIPS)
        write_changes(d, r);
    else
        write_cost_service(&d->w, r);
    if (r->paths)
        write_ane_properties(&d->w, r->paths);
    json_write_object_end(&d->w);
}

static void write_uses(struct directory *d, const struct alto_resource *r)
{
    bool any = false;

    for (size_t i = 0; i < r->use_count; i++) {
        if (!is_shown(d, r->uses[i]))
            continue;
        if (!any) {
            json_write_key(&d->w, STR("uses"));
            json_write_array(&d->w);
            any = true;
        }
        json_write_string(&d->w, r->uses[i]->id);
    }
    if (any)
        json_write_array_end(&d->w);
}

static void write_resource(struct directory *d, const struct alto_resource *r)
{
    json_write_key(&d->w, r->id);
    json_write_object(&d->w);
    json_write_key(&d->w, STR("uri"));
    json_write_string(&d->w, r->uri);
    json_write_key(&d->w, STR("media-type"));
    json_write_string(&d->w, r->media_type);
    if (r->accepts.n) {
        json_write_key(&d->w, STR("accepts"));
        json_write_string(&d->w, r->accepts);
    }
    write_capabilities(d, r);
    write_uses(d, r);
    json_write_object_end(&d->w);
    json_write_break(&d->w, JSON_WRITE_LINE);
}

bool alto_directory_format(const struct alto_catalog *c, const struct alto_resource *r,
                           struct bytes *out)
{
    struct directory d = {.c = c, .groups = r->groups};

    json_write_init(&d.w, out);
    json_write_object(&d.w);
    write_meta(&d);
    json_write_key(&d.w, STR("resources"));
    json_write_object(&d.w);
    for (size_t i = 0; i < c->resource_count; i++)
        if (is_shown(&d, &c->resources[i]))
            write_resource(&d, &c->resources[i]);
    json_write_object_end(&d.w);
    json_write_object_end(&d.w);
    return json_write_done(&d.w);
}
