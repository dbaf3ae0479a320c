#include <stdio.h>
#include <string.h>

#include "alto/json_value.h"
#include "alto/propmap_internal.h"
#include "alto/vtag_read.h"

enum place { AT_START, AT_TOP, AT_META, AT_VTAGS, AT_VTAG, AT_DATA, AT_ENTITY, AT_VALUE };

struct reader {
    struct propmap_build *build;
    enum place at;
    bool in_data; /* the member of the top is "property-map" */
    bool seen_meta, seen_data, seen_vtags;
    struct vtag_read vtag;
    struct bytes entity, property; /* names, the last ones */
    bool has_property;             /* property is one of entity's */
    struct bytes value;            /* JSON text of an array or object that is being read */
    struct json_write write;
};

static struct str held(const struct bytes *b)
{
    return (struct str){b->len ? b->data : "", b->len};
}

/* Names have no NUL: the push reader lets none in. */
static enum err_code hold(struct bytes *b, struct str s, struct err *e)
{
    b->len = 0;
    if (bytes_add(b, s.p, s.n))
        return ERR_OK;
    return err_set(e, ERR_LIMIT, "no memory left for the property map");
}

/* Where the reader is, in front of the error. */
static enum err_code at_path(const struct reader *r, enum err_code rc, struct err *e)
{
    char entity[100], property[100];

    bytes_escape(held(&r->entity).p, r->entity.len, entity, sizeof entity);
    bytes_escape(held(&r->property).p, r->property.len, property, sizeof property);
    if (r->at == AT_VALUE || (r->at == AT_ENTITY && r->has_property))
        err_wrap(e, "property-map.%s.%s", entity, property);
    else if (r->at == AT_ENTITY)
        err_wrap(e, "property-map.%s", entity);
    else if (r->at == AT_DATA)
        err_wrap(e, "property-map");
    else if (r->at == AT_VTAGS || r->at == AT_VTAG)
        err_wrap(e, "meta.dependent-vtags");
    else if (r->at == AT_META)
        err_wrap(e, "meta");
    return rc;
}

static enum err_code on_top(struct reader *r, struct json_push *j, const struct json_event *ev,
                            struct err *e)
{
    if (ev->kind == JSON_PUSH_KEY) {
        r->in_data = str_eq(ev->text, STR("property-map"));
        if (r->in_data)
            return vtag_read_once(&r->seen_data, ev->text, e);
        if (str_eq(ev->text, STR("meta")))
            return vtag_read_once(&r->seen_meta, ev->text, e);
        json_push_skip(j); /* RFC 7285 section 8.3.7: unknown members are ignored */
        return ERR_OK;
    }
    if (ev->kind == JSON_PUSH_OBJECT_END) {
        if (!r->seen_data)
            return err_set(e, ERR_PARSE, "\"property-map\" is missing");
        return ERR_OK;
    }
    r->at = r->in_data ? AT_DATA : AT_META;
    return vtag_read_expect(ev, JSON_PUSH_OBJECT, e);
}

static enum err_code on_meta(struct reader *r, struct json_push *j, const struct json_event *ev,
                             struct err *e)
{
    if (ev->kind == JSON_PUSH_KEY) {
        if (str_eq(ev->text, STR("dependent-vtags")))
            return vtag_read_once(&r->seen_vtags, ev->text, e);
        json_push_skip(j);
        return ERR_OK;
    }
    if (ev->kind == JSON_PUSH_OBJECT_END) {
        r->at = AT_TOP;
        return ERR_OK;
    }
    r->at = AT_VTAGS;
    return vtag_read_expect(ev, JSON_PUSH_ARRAY, e);
}

static enum err_code on_vtags(struct reader *r, const struct json_event *ev, struct err *e)
{
    if (ev->kind == JSON_PUSH_ARRAY_END) {
        r->at = AT_META;
        return ERR_OK;
    }
    r->at = AT_VTAG;
    r->vtag = (struct vtag_read){.has_id = false};
    return vtag_read_expect(ev, JSON_PUSH_OBJECT, e);
}

static enum err_code on_vtag(struct reader *r, struct json_push *j, const struct json_event *ev,
                             struct err *e)
{
    enum err_code rc = vtag_read_event(&r->vtag, j, ev, e);

    if (rc != ERR_OK || ev->kind != JSON_PUSH_OBJECT_END)
        return rc;
    r->at = AT_VTAGS;
    return propmap_build_depends(r->build, &r->vtag.vtag, e);
}

static enum err_code on_data(struct reader *r, const struct json_event *ev, struct err *e)
{
    struct entity entity;
    enum err_code rc;

    if (ev->kind == JSON_PUSH_OBJECT_END) {
        r->at = AT_TOP;
        return ERR_OK;
    }
    if (ev->kind != JSON_PUSH_KEY) {
        r->at = AT_ENTITY;
        r->has_property = false;
        return vtag_read_expect(ev, JSON_PUSH_OBJECT, e);
    }
    propmap_build_member(r->build);
    rc = entity_parse(ev->text, &entity, e);
    return rc == ERR_OK ? hold(&r->entity, ev->text, e) : rc;
}

static enum err_code add(struct reader *r, struct str text, struct err *e)
{
    return propmap_build_add(r->build, held(&r->entity), held(&r->property), text, e);
}

static enum err_code on_entity(struct reader *r, const struct json_event *ev, struct err *e)
{
    switch (ev->kind) {
    case JSON_PUSH_KEY:
        r->has_property = true;
        return hold(&r->property, ev->text, e);
    case JSON_PUSH_OBJECT_END:
        r->at = AT_DATA;
        return ERR_OK;
    case JSON_PUSH_OBJECT:
    case JSON_PUSH_ARRAY:
        if (!r->has_property)
            return vtag_read_expect(ev, JSON_PUSH_KEY, e);
        r->at = AT_VALUE;
        r->value.len = 0;
        json_write_init(&r->write, &r->value);
        if (ev->kind == JSON_PUSH_OBJECT)
            json_write_object(&r->write);
        else
            json_write_array(&r->write);
        return ERR_OK;
    case JSON_PUSH_STRING:
        return propmap_build_add_string(r->build, held(&r->entity), held(&r->property), ev->text,
                                        e);
    case JSON_PUSH_NUMBER:
        return add(r, ev->text, e);
    case JSON_PUSH_TRUE:
        return add(r, STR("true"), e);
    case JSON_PUSH_FALSE:
        return add(r, STR("false"), e);
    case JSON_PUSH_NULL:
        return add(r, STR("null"), e);
    case JSON_PUSH_ARRAY_END:
        break;
    }
    return vtag_read_expect(ev, JSON_PUSH_KEY, e);
}

static void copy_event(struct json_write *w, const struct json_event *ev)
{
    switch (ev->kind) {
    case JSON_PUSH_OBJECT:
        json_write_object(w);
        break;
    case JSON_PUSH_OBJECT_END:
        json_write_object_end(w);
        break;
    case JSON_PUSH_ARRAY:
        json_write_array(w);
        break;
    case JSON_PUSH_ARRAY_END:
        json_write_array_end(w);
        break;
    case JSON_PUSH_KEY:
        json_write_key(w, ev->text);
        break;
    case JSON_PUSH_STRING:
        json_write_string(w, ev->text);
        break;
    case JSON_PUSH_NUMBER:
        json_write_number(w, ev->number);
        break;
    case JSON_PUSH_TRUE:
    case JSON_PUSH_FALSE:
        json_write_bool(w, ev->kind == JSON_PUSH_TRUE);
        break;
    case JSON_PUSH_NULL:
        json_write_null(w);
        break;
    }
}

static enum err_code on_value(struct reader *r, const struct json_event *ev, struct err *e)
{
    enum err_code rc;

    copy_event(&r->write, ev);
    if (r->write.full || r->value.len > JSON_VALUE_MAX)
        return err_set(e, ERR_LIMIT, "its value has more than %zu bytes", JSON_VALUE_MAX);
    if (r->write.depth)
        return ERR_OK;
    rc = add(r, held(&r->value), e);
    if (rc == ERR_OK)
        r->at = AT_ENTITY;
    return rc;
}

static enum err_code on_event(void *ctx, struct json_push *j, const struct json_event *ev,
                              struct err *e)
{
    struct reader *r = ctx;
    enum err_code rc = ERR_OK;

    switch (r->at) {
    case AT_START:
        r->at = AT_TOP;
        rc = vtag_read_expect(ev, JSON_PUSH_OBJECT, e);
        break;
    case AT_TOP:
        rc = on_top(r, j, ev, e);
        break;
    case AT_META:
        rc = on_meta(r, j, ev, e);
        break;
    case AT_VTAGS:
        rc = on_vtags(r, ev, e);
        break;
    case AT_VTAG:
        rc = on_vtag(r, j, ev, e);
        break;
    case AT_DATA:
        rc = on_data(r, ev, e);
        break;
    case AT_ENTITY:
        rc = on_entity(r, ev, e);
        break;
    case AT_VALUE:
        rc = on_value(r, ev, e);
        break;
    }
    return rc == ERR_OK ? ERR_OK : at_path(r, rc, e);
}

/* From path, or from the n bytes at json when path is NULL. */
static enum err_code read_map(const char *path, const char *json, size_t n, struct arena *arena,
                              const struct propmap **out, struct err *e)
{
    const struct json_push_limits limits = {
        .bytes_max = PROPMAP_BYTES_MAX, .string_max = JSON_VALUE_MAX, .depth_max = 32};
    struct reader r = {.build = propmap_build_new(arena)};
    struct json_push *j = NULL;
    struct bytes name = {0};
    enum err_code rc;

    *out = NULL;
    if (r.build && (!path || bytes_printf(&name, "property map %s", path)))
        j = json_push_new(name.data, &limits, on_event, &r);
    if (!j)
        rc = err_set(e, ERR_LIMIT, "no memory left for the property map");
    else if (path)
        rc = json_push_file(j, path, e);
    else if ((rc = json_push_feed(j, json, n, e)) == ERR_OK)
        rc = json_push_end(j, e);
    if (rc == ERR_OK && (rc = propmap_build_freeze(r.build, out, e)) != ERR_OK && path)
        err_wrap(e, "%s", name.data);
    json_push_free(j);
    propmap_build_free(r.build);
    bytes_free(&r.entity);
    bytes_free(&r.property);
    bytes_free(&r.value);
    bytes_free(&name);
    return rc;
}

enum err_code propmap_parse(const char *json, size_t n, struct arena *arena,
                            const struct propmap **out, struct err *e)
{
    return read_map(NULL, json, n, arena, out, e);
}

enum err_code propmap_load(const char *path, struct arena *arena, const struct propmap **out,
                           struct err *e)
{
    return read_map(path, NULL, 0, arena, out, e);
}
