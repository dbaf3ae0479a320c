#include "router/fci.h"

#include <string.h>

#include "base/jsonin.h"
#include "router/coverage.h"

/* A conjunction of footprint objects. */
struct list {
    struct footprint_conf *items;
    size_t count;
};

static enum err_code out_of_memory(const struct jsonin *at, struct err *e)
{
    return jsonin_error(at, e, "does not fit the memory that an advertisement may have");
}

static enum err_code values_read(const struct jsonin *in, struct arena *arena,
                                 struct footprint_conf *out, struct err *e)
{
    struct str *values = arena_array(arena, jsonin_count(in), sizeof *values);
    enum err_code rc = values ? ERR_OK : out_of_memory(in, e);

    for (size_t i = 0; i < jsonin_count(in) && rc == ERR_OK; i++) {
        struct jsonin item = jsonin_item(in, i);
        struct err inner = {0};

        rc = jsonin_string(&item, NULL, &values[i], e);
        if (rc == ERR_OK && footprint_value_check(out->type, values[i], &inner) != ERR_OK)
            rc = jsonin_error(&item, e, "%s", inner.text);
        if (rc != ERR_OK)
            break;
        values[i].p = arena_strndup(arena, values[i].p, values[i].n);
        if (!values[i].p)
            rc = out_of_memory(&item, e);
    }
    out->values = values;
    out->value_count = jsonin_count(in);
    return rc;
}

static enum err_code footprint_read(const struct jsonin *in, bool in_union, struct arena *arena,
                                    struct footprint_conf *out, struct err *e);

static enum err_code parts_read(const struct jsonin *in, struct arena *arena,
                                struct footprint_conf *out, struct err *e)
{
    struct footprint_conf *parts = arena_array(arena, jsonin_count(in), sizeof *parts);
    size_t n = 0;
    enum err_code rc = parts ? ERR_OK : out_of_memory(in, e);

    for (size_t i = 0; i < jsonin_count(in) && rc == ERR_OK; i++) {
        struct jsonin item = jsonin_item(in, i);

        rc = footprint_read(&item, true, arena, &parts[n], e);
        n += parts[n].type != FOOTPRINT_UNION; /* a type that is not known adds nobody */
    }
    out->parts = parts;
    out->part_count = n;
    return rc;
}

/* RFC 8006 section 4.2.2.2. A type that we do not know says that somebody is there and not who: a
 * union of nothing, which is nobody. */
static enum err_code footprint_read(const struct jsonin *in, bool in_union, struct arena *arena,
                                    struct footprint_conf *out, struct err *e)
{
    struct jsonin object, values;
    struct str type;
    enum err_code rc = jsonin_object(in, NULL, &object, e);

    *out = (struct footprint_conf){.type = FOOTPRINT_UNION};
    if (rc == ERR_OK)
        rc = jsonin_string(&object, "footprint-type", &type, e);
    if (rc == ERR_OK)
        rc = jsonin_array(&object, "footprint-value", &values, e);
    if (rc != ERR_OK || !footprint_type_find(type, &out->type))
        return rc;
    if (jsonin_count(&values) == 0)
        return jsonin_error(&values, e, "is empty; one value at least would be right");
    if (out->type != FOOTPRINT_UNION)
        return values_read(&values, arena, out, e);
    if (in_union)
        return jsonin_error(&object, e, "a footprintunion in a footprintunion (RFC 9388)");
    return parts_read(&values, arena, out, e);
}

/* Missing, null or empty: everybody (RFC 9241 section 3.4). */
static bool footprints_are_there(const struct jsonin *capability)
{
    const json_t *f = json_object_get(capability->value, "footprints");

    return f && !json_is_null(f) && !(json_is_array(f) && json_array_size(f) == 0);
}

static enum err_code list_read(const struct jsonin *capability, struct arena *arena,
                               struct list *out, struct err *e)
{
    struct jsonin array;
    enum err_code rc;

    *out = (struct list){0};
    if (!footprints_are_there(capability))
        return ERR_OK;
    rc = jsonin_array(capability, "footprints", &array, e);
    if (rc != ERR_OK)
        return rc;
    out->count = jsonin_count(&array);
    if (out->count > COVERAGE_LEVELS_MAX)
        return jsonin_error(&array, e, "%zu footprints that narrow each other, at most %u",
                            out->count, COVERAGE_LEVELS_MAX);
    out->items = arena_array(arena, out->count, sizeof *out->items);
    if (!out->items)
        return out_of_memory(&array, e);
    for (size_t i = 0; i < out->count && rc == ERR_OK; i++) {
        struct jsonin item = jsonin_item(&array, i);

        rc = footprint_read(&item, false, arena, &out->items[i], e);
    }
    return rc;
}

static size_t parts_of(const struct footprint_conf *f, const struct footprint_conf **parts)
{
    *parts = f->type == FOOTPRINT_UNION ? f->parts : f;
    return f->type == FOOTPRINT_UNION ? f->part_count : 1;
}

/* Each capability's join copies the parts of those before it. */
static bool parts_fit(const struct footprint_conf *a, const struct footprint_conf *b)
{
    const struct footprint_conf *of;

    return parts_of(a, &of) + parts_of(b, &of) <= FCI_PARTS_MAX;
}

static bool either(const struct footprint_conf *a, const struct footprint_conf *b,
                   struct arena *arena, struct footprint_conf *out)
{
    const struct footprint_conf *of_a, *of_b;
    const size_t n = parts_of(a, &of_a), m = parts_of(b, &of_b);
    struct footprint_conf *parts = arena_array(arena, n + m, sizeof *parts);

    if (!parts)
        return false;
    if (n)
        memcpy(parts, of_a, n * sizeof *parts);
    if (m)
        memcpy(parts + n, of_b, m * sizeof *parts);
    *out = (struct footprint_conf){.type = FOOTPRINT_UNION, .parts = parts, .part_count = n + m};
    return true;
}

/* Who is in either list: (a1 and a2) or (b1 and b2) is (a1 or b1) and (a1 or b2) and (a2 or b1) and
 * (a2 or b2). */
static enum err_code lists_join(const struct jsonin *at, struct list *a, const struct list *b,
                                struct arena *arena, struct err *e)
{
    struct list out = {.count = a->count * b->count};

    if (out.count > COVERAGE_LEVELS_MAX)
        return jsonin_error(at, e,
                            "its footprints and those before it make %zu conditions, at most %u; "
                            "a footprintunion says it in one",
                            out.count, COVERAGE_LEVELS_MAX);
    out.items = arena_array(arena, out.count, sizeof *out.items);
    if (!out.items)
        return out_of_memory(at, e);
    for (size_t i = 0; i < a->count; i++)
        for (size_t k = 0; k < b->count; k++) {
            if (!parts_fit(&a->items[i], &b->items[k]))
                return jsonin_error(at, e,
                                    "its footprints and those before it have more than %u parts",
                                    FCI_PARTS_MAX);
            if (!either(&a->items[i], &b->items[k], arena, &out.items[i * b->count + k]))
                return out_of_memory(at, e);
        }
    *a = out;
    return ERR_OK;
}

static enum err_code protocols_read(const struct jsonin *capability, struct fci *out, struct err *e)
{
    struct jsonin value, list;
    enum err_code rc = jsonin_object(capability, "capability-value", &value, e);

    if (rc == ERR_OK)
        rc = jsonin_array(&value, "delivery-protocols", &list, e);
    for (size_t i = 0; rc == ERR_OK && i < jsonin_count(&list); i++) {
        struct jsonin item = jsonin_item(&list, i);
        struct str name;

        rc = jsonin_string(&item, NULL, &name, e);
        if (rc != ERR_OK)
            break;
        out->delivers_http |= str_eq_nocase(name, STR("http/1.1"));
        out->delivers_https |= str_eq_nocase(name, STR("https/1.1"));
    }
    return rc;
}

/* The capabilities' lists, each that differs once: whoever is in any. */
struct joined {
    struct list list;
    const json_t *said[FCI_LISTS_MAX];
    size_t count;
};

static bool said_before(const struct joined *j, const json_t *footprints)
{
    for (size_t i = 0; i < j->count; i++)
        if (j->said[i] == footprints || json_equal(j->said[i], footprints))
            return true;
    return false;
}

static enum err_code capability_add(const struct jsonin *item, struct arena *arena,
                                    struct joined *j, struct err *e)
{
    const json_t *footprints = json_object_get(item->value, "footprints");
    struct list list;
    enum err_code rc;

    if (said_before(j, footprints))
        return ERR_OK;
    if (j->count == FCI_LISTS_MAX)
        return jsonin_error(item, e,
                            "%u capabilities before it have different footprints, which is the "
                            "most; one footprintunion for all of them says it too",
                            FCI_LISTS_MAX);
    rc = list_read(item, arena, &list, e);
    if (rc == ERR_OK && j->count == 0)
        j->list = list;
    else if (rc == ERR_OK)
        rc = lists_join(item, &j->list, &list, arena, e); /* with everybody: 0 conditions */
    j->said[j->count++] = footprints;
    return rc;
}

static enum err_code capabilities_read(const struct jsonin *all, struct arena *arena,
                                       struct fci *out, struct err *e)
{
    static const struct footprint_conf nobody = {.type = FOOTPRINT_UNION};
    struct joined joined = {.count = 0};
    bool delivery = false;
    enum err_code rc = ERR_OK;

    for (size_t i = 0; i < jsonin_count(all) && rc == ERR_OK; i++) {
        struct jsonin item = jsonin_item(all, i), object;
        struct str type;

        rc = jsonin_object(&item, NULL, &object, e);
        if (rc == ERR_OK)
            rc = jsonin_string(&object, "capability-type", &type, e);
        if (rc == ERR_OK && !jsonin_has(&object, "capability-value"))
            rc = jsonin_error(&object, e, "has no capability-value");
        if (rc == ERR_OK && str_eq(type, STR("FCI.DeliveryProtocol"))) {
            delivery = true;
            rc = protocols_read(&object, out, e);
        }
    }
    for (size_t i = 0; i < jsonin_count(all) && rc == ERR_OK; i++) {
        struct jsonin item = jsonin_item(all, i);
        const char *type = json_string_value(json_object_get(item.value, "capability-type"));

        if (!delivery || strcmp(type, "FCI.DeliveryProtocol") == 0)
            rc = capability_add(&item, arena, &joined, e);
    }
    if (!delivery)
        out->delivers_http = out->delivers_https = true;
    out->footprints = joined.count ? joined.list.items : &nobody;
    out->count = joined.count ? joined.list.count : 1;
    return rc;
}

enum err_code fci_parse(const char *json, size_t n, struct arena *arena, struct fci *out,
                        struct err *e)
{
    struct fci made = {0};
    struct jsonin root = {0}, object, inner, all;
    json_t *doc = NULL;
    enum err_code rc = jsonin_load(json, n, &doc, e);

    root.value = doc;
    if (rc == ERR_OK)
        rc = jsonin_object(&root, NULL, &object, e);
    if (rc == ERR_OK && jsonin_has(&object, "cdni-advertisement")) {
        rc = jsonin_object(&object, "cdni-advertisement", &inner, e);
        if (rc == ERR_OK)
            rc = jsonin_array(&inner, "capabilities-with-footprints", &all, e);
    } else if (rc == ERR_OK) {
        rc = jsonin_array(&object, "capabilities", &all, e);
    }
    if (rc == ERR_OK)
        rc = capabilities_read(&all, arena, &made, e);
    if (rc == ERR_OK)
        *out = made;
    json_decref(doc);
    return rc;
}

enum err_code fci_load(const char *path, struct arena *arena, struct fci *out, struct err *e)
{
    struct bytes body = {0};
    enum err_code rc = file_read(path, FCI_BYTES_MAX, &body, e);

    if (rc == ERR_OK)
        rc = fci_parse(body.data, body.len, arena, out, e);
    if (rc != ERR_OK)
        err_wrap(e, "advertisement %s", path);
    bytes_free(&body);
    return rc;
}
