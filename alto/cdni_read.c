#include "alto/cdni_internal.h"
#include "alto/json_value.h"
#include "base/jsonin.h"

/* Lists of a text that is being read; cdni_advert_make copies and checks what they hold. */
struct reading {
    struct arena *arena; /* of the reading alone */
    struct bytes value;
};

static enum err_code no_memory(const struct jsonin *at, struct err *e)
{
    jsonin_error(at, e, "does not fit the memory that an advertisement may have");
    if (e)
        e->code = ERR_LIMIT;
    return ERR_LIMIT;
}

static enum err_code footprints_read(const struct jsonin *array, bool in_union, struct reading *r,
                                     const struct cdni_footprint **out, size_t *count,
                                     struct err *e);

static enum err_code footprint_read(const struct jsonin *in, bool in_union, struct reading *r,
                                    struct cdni_footprint *out, struct err *e)
{
    struct jsonin object, list;
    enum err_code rc = jsonin_object(in, NULL, &object, e);
    struct str *values;

    if (rc == ERR_OK)
        rc = jsonin_string(&object, "footprint-type", &out->type, e);
    if (rc == ERR_OK)
        rc = jsonin_array(&object, "footprint-value", &list, e);
    if (rc != ERR_OK)
        return rc;
    if (str_eq(out->type, STR("footprintunion"))) {
        if (in_union)
            return jsonin_error(&object, e, "a footprintunion in a footprintunion (RFC 9388)");
        return footprints_read(&list, true, r, &out->parts, &out->part_count, e);
    }
    values = arena_array(r->arena, jsonin_count(&list), sizeof *values);
    if (!values)
        return no_memory(&list, e);
    for (size_t i = 0; i < jsonin_count(&list) && rc == ERR_OK; i++) {
        struct jsonin item = jsonin_item(&list, i);

        rc = jsonin_string(&item, NULL, &values[i], e);
    }
    out->values = values;
    out->count = jsonin_count(&list);
    return rc;
}

static enum err_code footprints_read(const struct jsonin *array, bool in_union, struct reading *r,
                                     const struct cdni_footprint **out, size_t *count,
                                     struct err *e)
{
    struct cdni_footprint *list = arena_array(r->arena, jsonin_count(array), sizeof *list);
    enum err_code rc = list ? ERR_OK : no_memory(array, e);

    for (size_t i = 0; i < jsonin_count(array) && rc == ERR_OK; i++) {
        struct jsonin item = jsonin_item(array, i);

        rc = footprint_read(&item, in_union, r, &list[i], e);
    }
    *out = list;
    *count = jsonin_count(array);
    return rc;
}

static enum err_code capability_read(const struct jsonin *in, struct reading *r,
                                     struct cdni_capability *out, struct err *e)
{
    struct jsonin object, list;
    const json_t *value, *footprints;
    struct err inner = {0};
    enum err_code rc = jsonin_object(in, NULL, &object, e);

    if (rc == ERR_OK)
        rc = jsonin_string(&object, "capability-type", &out->type, e);
    if (rc != ERR_OK)
        return rc;
    value = json_object_get(object.value, "capability-value");
    if (!value)
        return jsonin_error(&object, e, "has no capability-value");
    r->value.len = 0;
    if (json_value_canon_tree(value, &r->value, &inner) != ERR_OK)
        return jsonin_error(&object, e, "capability-value: %s", inner.text);
    out->value = (struct str){arena_strndup(r->arena, r->value.data, r->value.len), r->value.len};
    if (!out->value.p)
        return no_memory(&object, e);
    footprints = json_object_get(object.value, "footprints");
    if (!footprints || json_is_null(footprints)) /* everybody (RFC 9241 section 3.6) */
        return ERR_OK;
    rc = jsonin_array(&object, "footprints", &list, e);
    return rc == ERR_OK ? footprints_read(&list, false, r, &out->footprints, &out->count, e) : rc;
}

/* The list of capabilities, in either form; *where is its path. */
static enum err_code list_find(const struct jsonin *root, struct jsonin *inner, struct jsonin *out,
                               const char **where, struct err *e)
{
    enum err_code rc;

    if (!json_is_object(root->value) || !jsonin_has(root, "cdni-advertisement")) {
        *where = "capabilities";
        return jsonin_array(root, "capabilities", out, e);
    }
    *where = "cdni-advertisement.capabilities-with-footprints";
    rc = jsonin_object(root, "cdni-advertisement", inner, e);
    return rc == ERR_OK ? jsonin_array(inner, "capabilities-with-footprints", out, e) : rc;
}

static enum err_code advert_read(const json_t *doc, struct reading *r, struct arena *arena,
                                 const struct cdni_advert **out, struct err *e)
{
    struct jsonin root = {.value = doc}, object, inner, all;
    struct cdni_capability *items = NULL;
    const char *where = "";
    enum err_code rc = jsonin_object(&root, NULL, &object, e);
    size_t n = 0;

    if (rc == ERR_OK)
        rc = list_find(&object, &inner, &all, &where, e);
    if (rc == ERR_OK) {
        n = jsonin_count(&all);
        items = arena_array(r->arena, n, sizeof *items);
        if (!items)
            rc = no_memory(&all, e);
    }
    for (size_t i = 0; i < n && rc == ERR_OK; i++) {
        struct jsonin item = jsonin_item(&all, i);

        rc = capability_read(&item, r, &items[i], e);
    }
    return rc == ERR_OK ? cdni_advert_make(where, items, n, arena, out, e) : rc;
}

enum err_code cdni_advert_parse(const char *json, size_t n, struct arena *arena,
                                const struct cdni_advert **out, struct err *e)
{
    struct reading r = {.arena = arena_new(4 * CDNI_BYTES_MAX)};
    json_t *doc = NULL;
    enum err_code rc = r.arena ? jsonin_load(json, n, &doc, e)
                               : err_set(e, ERR_LIMIT, "no memory left for the advertisement");

    *out = NULL;
    if (rc == ERR_OK)
        rc = advert_read(doc, &r, arena, out, e);
    json_decref(doc);
    bytes_free(&r.value);
    arena_free(r.arena);
    return rc;
}

enum err_code cdni_advert_load(const char *path, struct arena *arena,
                               const struct cdni_advert **out, struct err *e)
{
    struct bytes body = {0};
    enum err_code rc = file_read(path, CDNI_BYTES_MAX, &body, e);

    *out = NULL;
    if (rc == ERR_OK)
        rc = cdni_advert_parse(body.data, body.len, arena, out, e);
    if (rc != ERR_OK)
        err_wrap(e, "advertisement %s", path);
    bytes_free(&body);
    return rc;
}
