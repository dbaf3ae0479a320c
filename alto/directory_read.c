#include "alto/directory_read.h"

#include <stdlib.h>
#include <string.h>

#include "alto/patch.h"
#include "alto/uri.h"
#include "base/jsonin.h"

struct reader {
    struct arena *arena;
    struct directory *d;
    struct cost_type *types;
    struct directory_resource *resources;
    struct err *e;
};

static enum err_code no_memory(struct err *e)
{
    return err_set(e, ERR_LIMIT, "no memory left for the directory");
}

/* A copy in the arena; p NULL: it is full. */
static struct str keep(const struct reader *r, struct str s)
{
    return (struct str){arena_strndup(r->arena, s.n ? s.p : "", s.n), s.n};
}

/* A member that may be missing. */
static enum err_code read_string(const struct reader *r, const struct jsonin *in, const char *key,
                                 struct str *out)
{
    struct str text;
    enum err_code rc;

    if (!jsonin_has(in, key))
        return ERR_OK;
    rc = jsonin_string(in, key, &text, r->e);
    if (rc != ERR_OK)
        return rc;
    *out = keep(r, text);
    return out->p ? ERR_OK : no_memory(r->e);
}

/* An array of strings that may be missing. */
static enum err_code read_strings(const struct reader *r, const struct jsonin *in, const char *key,
                                  const struct str **out, size_t *count)
{
    struct jsonin list;
    struct str *items;
    enum err_code rc;

    if (!jsonin_has(in, key))
        return ERR_OK;
    rc = jsonin_array(in, key, &list, r->e);
    if (rc != ERR_OK)
        return rc;
    items = arena_array(r->arena, jsonin_count(&list), sizeof *items);
    if (!items)
        return no_memory(r->e);
    for (size_t i = 0; i < jsonin_count(&list); i++) {
        const struct jsonin item = jsonin_item(&list, i);
        struct str text;

        rc = jsonin_string(&item, NULL, &text, r->e);
        if (rc != ERR_OK)
            return rc;
        items[i] = keep(r, text);
        if (!items[i].p)
            return no_memory(r->e);
    }
    *out = items;
    *count = jsonin_count(&list);
    return ERR_OK;
}

/* A client takes any mode (RFC 9274 section 3): one that it does not know is one that it does not
 * choose. */
static enum cost_mode mode_of(struct str text)
{
    if (str_eq(text, STR("numerical")))
        return COST_NUMERICAL;
    if (str_eq(text, STR("ordinal")))
        return COST_ORDINAL;
    return str_eq(text, STR("array")) ? COST_ARRAY : COST_OTHER;
}

/* RFC 9439 section 3.1. */
static enum err_code read_context(const struct reader *r, const struct jsonin *in,
                                  struct cost_type *out)
{
    struct jsonin context;
    struct str source = {0};
    char *text;
    enum err_code rc;

    if (!jsonin_has(in, "cost-context"))
        return ERR_OK;
    rc = jsonin_object(in, "cost-context", &context, r->e);
    if (rc == ERR_OK)
        rc = jsonin_string(&context, "cost-source", &source, r->e);
    if (rc != ERR_OK)
        return rc;
    out->source = str_eq(source, STR("nominal"))      ? COST_SOURCE_NOMINAL
                  : str_eq(source, STR("sla"))        ? COST_SOURCE_SLA
                  : str_eq(source, STR("estimation")) ? COST_SOURCE_ESTIMATION
                                                      : COST_SOURCE_NONE;
    text = json_dumps(context.value, JSON_COMPACT);
    if (text)
        out->context = keep(r, str_from(text));
    free(text);
    return out->context.p ? ERR_OK : no_memory(r->e);
}

static enum err_code read_type(const struct reader *r, const struct jsonin *in, const char *name,
                               struct cost_type *out)
{
    enum err_code rc = jsonin_string(in, "cost-mode", &out->mode_text, r->e);

    if (rc == ERR_OK)
        rc = jsonin_string(in, "cost-metric", &out->metric, r->e);
    if (rc != ERR_OK)
        return rc;
    out->mode = mode_of(out->mode_text);
    out->name = keep(r, str_from(name));
    out->mode_text = keep(r, out->mode_text);
    out->metric = keep(r, out->metric);
    if (!out->name.p || !out->mode_text.p || !out->metric.p)
        return no_memory(r->e);
    rc = read_string(r, in, "description", &out->description);
    return rc == ERR_OK ? read_context(r, in, out) : rc;
}

/* Calls fn for each member of the object. */
typedef enum err_code member_fn(struct reader *r, const struct jsonin *member, size_t i);

static enum err_code each_member(struct reader *r, const struct jsonin *object, member_fn *fn)
{
    enum err_code rc = ERR_OK;
    json_t *members = (json_t *)(uintptr_t)object->value; /* jansson's iterators change nothing */
    const char *key;
    json_t *value;
    size_t i = 0;

    json_object_foreach(members, key, value)
    {
        const struct jsonin member = {.up = object, .key = key, .value = value};

        rc = fn(r, &member, i++);
        if (rc != ERR_OK)
            break;
    }
    return rc;
}

static enum err_code on_type(struct reader *r, const struct jsonin *member, size_t i)
{
    struct jsonin type;
    enum err_code rc = jsonin_object(member, NULL, &type, r->e);

    return rc == ERR_OK ? read_type(r, &type, member->key, &r->types[i]) : rc;
}

static enum err_code read_meta(struct reader *r, const struct jsonin *root)
{
    struct jsonin meta, types;
    enum err_code rc;

    if (!jsonin_has(root, "meta"))
        return ERR_OK;
    rc = jsonin_object(root, "meta", &meta, r->e);
    if (rc == ERR_OK)
        rc = read_string(r, &meta, "default-alto-network-map", &r->d->default_network);
    if (rc != ERR_OK || !jsonin_has(&meta, "cost-types"))
        return rc;
    rc = jsonin_object(&meta, "cost-types", &types, r->e);
    if (rc != ERR_OK)
        return rc;
    r->d->type_count = json_object_size(types.value);
    r->types = arena_array(r->arena, r->d->type_count, sizeof *r->types);
    r->d->types = r->types;
    return r->types ? each_member(r, &types, on_type) : no_memory(r->e);
}

static const struct cost_type *find_type(const struct reader *r, struct str name)
{
    for (size_t i = 0; i < r->d->type_count; i++)
        if (str_eq(r->types[i].name, name))
            return &r->types[i];
    return NULL;
}

static enum err_code read_costs(const struct reader *r, const struct jsonin *caps,
                                struct directory_resource *out)
{
    const struct cost_type **costs;
    const struct str *names = NULL;
    size_t count = 0;
    enum err_code rc = read_strings(r, caps, "cost-type-names", &names, &count);

    if (rc != ERR_OK)
        return rc;
    costs = arena_array(r->arena, count, sizeof(struct cost_type *));
    if (!costs)
        return no_memory(r->e);
    for (size_t i = 0; i < count; i++) {
        costs[out->cost_count] = find_type(r, names[i]);
        out->cost_count += costs[out->cost_count] != NULL;
    }
    out->costs = costs;
    return ERR_OK;
}

/* One item of calendar-attributes: adds its cost types to the resource's calendars. */
static enum err_code read_calendar(const struct reader *r, const struct jsonin *in,
                                   struct directory_calendar *to, size_t *count, size_t max)
{
    const struct str *names = NULL;
    size_t name_count = 0;
    int64_t slots = 0;
    double interval = 0;
    enum err_code rc = jsonin_number(in, "time-interval-size", &interval, r->e);

    if (rc == ERR_OK)
        rc = jsonin_integer(in, "number-of-intervals", 1, UINT32_MAX, &slots, r->e);
    if (rc == ERR_OK)
        rc = read_strings(r, in, "cost-type-names", &names, &name_count);
    for (size_t i = 0; i < name_count && rc == ERR_OK; i++) {
        const struct cost_type *type = find_type(r, names[i]);
        size_t k = 0;

        while (k < *count && to[k].type != type)
            k++;
        if (type && k == *count && k < max) /* the first of a name is the one */
            to[(*count)++] = (struct directory_calendar){type, interval, (uint32_t)slots};
    }
    return rc;
}

static enum err_code read_calendars(const struct reader *r, const struct jsonin *caps,
                                    struct directory_resource *out)
{
    struct directory_calendar *to;
    struct jsonin list;
    enum err_code rc;

    if (!jsonin_has(caps, "calendar-attributes"))
        return ERR_OK;
    rc = jsonin_array(caps, "calendar-attributes", &list, r->e);
    if (rc != ERR_OK)
        return rc;
    to = arena_array(r->arena, r->d->type_count, sizeof *to);
    if (!to)
        return no_memory(r->e);
    for (size_t i = 0; i < jsonin_count(&list) && rc == ERR_OK; i++) {
        const struct jsonin item = jsonin_item(&list, i);
        struct jsonin object;

        rc = jsonin_object(&item, NULL, &object, r->e);
        if (rc == ERR_OK)
            rc = read_calendar(r, &object, to, &out->calendar_count, r->d->type_count);
    }
    out->calendars = to;
    return rc;
}

/* "application/merge-patch+json,application/json-patch+json" */
static void read_media_types(struct str text, struct directory_change *out)
{
    for (size_t i = 0; i <= text.n;) {
        struct str one = {text.p + i, 0};

        while (i < text.n && text.p[i] != ',')
            i++;
        one.n = (size_t)(text.p + i - one.p);
        i++;
        while (one.n && one.p[0] == ' ')
            one = (struct str){one.p + 1, one.n - 1};
        while (one.n && one.p[one.n - 1] == ' ')
            one.n--;
        if (str_eq_nocase(one, STR(PATCH_TYPE_MERGE)))
            out->merge = true;
        else if (str_eq_nocase(one, STR(PATCH_TYPE_JSON)))
            out->json = true;
        else if (one.n)
            out->other = true;
    }
}

static enum err_code read_changes(const struct reader *r, const struct jsonin *caps,
                                  struct directory_resource *out)
{
    struct directory_change *to;
    struct jsonin object;
    enum err_code rc;
    const char *key;
    json_t *value, *members;

    if (!jsonin_has(caps, "incremental-change-media-types"))
        return ERR_OK;
    rc = jsonin_object(caps, "incremental-change-media-types", &object, r->e);
    if (rc != ERR_OK)
        return rc;
    to = arena_array(r->arena, json_object_size(object.value), sizeof *to);
    if (!to)
        return no_memory(r->e);
    members = (json_t *)(uintptr_t)object.value;
    json_object_foreach(members, key, value)
    {
        const struct jsonin member = {.up = &object, .key = key, .value = value};
        struct str text = {0};

        rc = jsonin_string(&member, NULL, &text, r->e);
        to[out->change_count].id = keep(r, str_from(key));
        if (rc == ERR_OK && !to[out->change_count].id.p)
            rc = no_memory(r->e);
        if (rc != ERR_OK)
            break;
        read_media_types(text, &to[out->change_count++]);
    }
    out->changes = to;
    return rc;
}

static enum err_code read_capabilities(const struct reader *r, const struct jsonin *in,
                                       struct directory_resource *out)
{
    struct jsonin caps;
    int64_t most = 0;
    enum err_code rc;

    if (!jsonin_has(in, "capabilities")) /* the same as an empty object */
        return ERR_OK;
    rc = jsonin_object(in, "capabilities", &caps, r->e);
    if (rc == ERR_OK)
        rc = read_costs(r, &caps, out);
    if (rc == ERR_OK && jsonin_has(&caps, "cost-constraints"))
        rc = jsonin_bool(&caps, "cost-constraints", &out->cost_constraints, r->e);
    if (rc == ERR_OK && jsonin_has(&caps, "max-cost-types"))
        rc = jsonin_integer(&caps, "max-cost-types", 0, INT32_MAX, &most, r->e);
    if (rc == ERR_OK && jsonin_has(&caps, "support-stream-control"))
        rc = jsonin_bool(&caps, "support-stream-control", &out->stream_control, r->e);
    out->max_cost_types = (uint32_t)most;
    if (rc == ERR_OK)
        rc = read_calendars(r, &caps, out);
    if (rc == ERR_OK)
        rc = read_changes(r, &caps, out);
    if (rc == ERR_OK)
        rc = read_strings(r, &caps, "prop-types", &out->prop_types, &out->prop_type_count);
    return rc;
}

/* Resources whose answers are of a type of this protocol, which is known. */
static bool is_known(struct str media_type)
{
    static const char *const known[] = {
        "application/alto-directory+json",
        "application/alto-networkmap+json",
        "application/alto-costmap+json",
        "application/alto-endpointcost+json",
        "application/alto-endpointprop+json",
        "application/alto-propmap+json",
        "application/alto-cdni+json",
        "application/alto-tips+json",
        "text/event-stream",
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_eq(media_type, str_from(known[i])))
            return true;
    return media_type.n > 17 && memcmp(media_type.p, "multipart/related", 17) == 0;
}

static enum err_code on_resource(struct reader *r, const struct jsonin *member, size_t i)
{
    struct directory_resource *out = &r->resources[r->d->resource_count];
    struct jsonin in;
    struct str uri;
    struct bytes absolute = {0};
    struct err ignored = {0};
    enum err_code rc = jsonin_object(member, NULL, &in, r->e);

    (void)i;
    if (rc == ERR_OK)
        rc = read_string(r, &in, "media-type", &out->media_type);
    if (rc == ERR_OK && !out->media_type.p)
        rc = jsonin_error(&in, r->e, "\"media-type\" is missing");
    if (rc == ERR_OK)
        rc = jsonin_string(&in, "uri", &uri, r->e);
    if (rc != ERR_OK)
        return rc;
    if (uri_resolve(r->d->uri, uri, &absolute, &ignored) != ERR_OK) {
        bytes_free(&absolute);
        *out = (struct directory_resource){0};
        r->d->skipped++;
        return ERR_OK;
    }
    out->uri = keep(r, (struct str){absolute.data, absolute.len});
    bytes_free(&absolute);
    out->id = keep(r, str_from(member->key));
    if (!out->uri.p || !out->id.p)
        return no_memory(r->e);
    rc = read_string(r, &in, "accepts", &out->accepts);
    if (rc == ERR_OK && is_known(out->media_type)) {
        rc = read_strings(r, &in, "uses", &out->uses, &out->use_count);
        if (rc == ERR_OK)
            rc = read_capabilities(r, &in, out);
    }
    r->d->resource_count++;
    return rc;
}

static enum err_code read_resources(struct reader *r, const struct jsonin *root)
{
    struct jsonin resources;
    enum err_code rc = jsonin_object(root, "resources", &resources, r->e);
    size_t count;

    if (rc != ERR_OK)
        return rc;
    count = json_object_size(resources.value);
    if (count > DIRECTORY_RESOURCES_MAX)
        return err_set(r->e, ERR_LIMIT, "a directory of %zu resources, at most %u are read", count,
                       DIRECTORY_RESOURCES_MAX);
    r->resources = arena_array(r->arena, count, sizeof *r->resources);
    r->d->resources = r->resources;
    return r->resources ? each_member(r, &resources, on_resource) : no_memory(r->e);
}

enum err_code directory_read(struct str json, struct str uri, struct arena *arena,
                             const struct directory **out, struct err *e)
{
    struct reader r = {.arena = arena, .e = e};
    struct jsonin root = {0}, object;
    json_t *document = NULL;
    enum err_code rc;

    *out = NULL;
    if (json.n > DIRECTORY_BYTES_MAX)
        return err_set(e, ERR_LIMIT, "a directory of %zu bytes, at most %zu are read", json.n,
                       DIRECTORY_BYTES_MAX);
    r.d = arena_array(arena, 1, sizeof *r.d);
    if (!r.d || !(r.d->uri = keep(&r, uri)).p)
        return no_memory(e);
    rc = jsonin_load(json.n ? json.p : "", json.n, &document, e);
    root.value = document;
    if (rc == ERR_OK)
        rc = jsonin_object(&root, NULL, &object, e);
    if (rc == ERR_OK)
        rc = read_meta(&r, &object);
    if (rc == ERR_OK)
        rc = read_resources(&r, &object);
    json_decref(document);
    if (rc == ERR_OK)
        *out = r.d;
    return rc;
}

const struct directory_resource *directory_find(const struct directory *d, struct str id)
{
    for (size_t i = 0; i < d->resource_count; i++)
        if (str_eq(d->resources[i].id, id))
            return &d->resources[i];
    return NULL;
}
