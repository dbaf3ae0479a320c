#include "alto/cdni.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alto/cdni_internal.h"
#include "alto/cdni_value.h"
#include "alto/json_value.h"
#include "base/suggest.h"

/* Where what is being checked stands. */
struct where {
    const struct where *up;
    const char *member;
    size_t index; /* SIZE_MAX: of no array */
};

static size_t path_of(const struct where *at, char *out, size_t size)
{
    size_t n = at->up ? path_of(at->up, out, size) : 0;

    n += (size_t)snprintf(out + n, size - n, "%s%s", at->up ? "." : "", at->member);
    if (n < size && at->index != SIZE_MAX)
        n += (size_t)snprintf(out + n, size - n, "[%zu]", at->index);
    return n < size ? n : size - 1;
}

static enum err_code wrong(const struct where *at, enum err_code rc, struct err *inner,
                           struct err *e)
{
    char path[200];

    path_of(at, path, sizeof path);
    return err_set(e, rc, "%s: %s", path, inner->text);
}

static enum err_code no_memory(struct err *e)
{
    return err_set(e, ERR_LIMIT, "no memory left for the advertisement");
}

static bool copy_str(struct arena *arena, struct str s, struct str *out)
{
    *out = (struct str){arena_strndup(arena, s.n ? s.p : "", s.n), s.n};
    return out->p != NULL;
}

static int by_text(const void *a, const void *b)
{
    const struct str *const *x = a, *const *y = b;
    int c = str_cmp(**x, **y);

    return c ? c : (*x > *y) - (*x < *y);
}

/* The values in their order, each once (its first). */
static bool values_once(struct str *values, size_t *n)
{
    struct str **order = calloc(*n + 1, sizeof *order);
    size_t kept = 0;

    if (!order)
        return false;
    for (size_t i = 0; i < *n; i++)
        order[i] = &values[i];
    qsort(order, *n, sizeof *order, by_text);
    for (size_t i = 1, first = 0; i < *n; i++) {
        if (str_eq(*order[first], *order[i]))
            order[i]->p = NULL;
        else
            first = i;
    }
    for (size_t i = 0; i < *n; i++)
        if (values[i].p)
            values[kept++] = values[i];
    *n = kept;
    free(order);
    return true;
}

static enum err_code values_copy(const struct where *at, enum footprint_type type,
                                 const struct cdni_footprint *from, struct arena *arena,
                                 struct cdni_footprint *to, struct err *e)
{
    struct str *values = arena_array(arena, from->count, sizeof *values);
    struct err inner = {0};

    if (!values)
        return no_memory(e);
    for (size_t i = 0; i < from->count; i++) {
        const struct where here = {at, "footprint-value", i};

        if (footprint_value_check(type, from->values[i], &inner) != ERR_OK)
            return wrong(&here, ERR_PARSE, &inner, e);
        if (!copy_str(arena, from->values[i], &values[i]))
            return no_memory(e);
    }
    to->values = values;
    to->count = from->count;
    return values_once(values, &to->count) ? ERR_OK : no_memory(e);
}

static bool footprint_same(const struct cdni_footprint *a, const struct cdni_footprint *b)
{
    if (!str_eq(a->type, b->type) || a->count != b->count || a->part_count != b->part_count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!str_eq(a->values[i], b->values[i]))
            return false;
    for (size_t i = 0; i < a->part_count; i++)
        if (!footprint_same(&a->parts[i], &b->parts[i]))
            return false;
    return true;
}

static enum err_code footprints_copy(const struct where *at, const char *member, bool in_union,
                                     const struct cdni_footprint *from, size_t n,
                                     struct arena *arena, const struct cdni_footprint **out,
                                     size_t *count, struct err *e);

static enum err_code type_check(struct str name, enum footprint_type *type, struct err *e)
{
    struct suggest near;
    char shown[100], hint[SUGGEST_TEXT_MAX];

    if (footprint_type_find(name, type))
        return ERR_OK;
    suggest_init(&near, name);
    for (unsigned t = 0; t <= FOOTPRINT_UNION; t++)
        suggest_offer(&near, str_from(footprint_type_name((enum footprint_type)t)));
    return err_set(e, ERR_PARSE, "\"%s\" is not a type of footprints%s",
                   bytes_escape(name.n ? name.p : "", name.n, shown, sizeof shown),
                   suggest_format(&near, hint));
}

static enum err_code footprint_copy(const struct where *at, bool in_union,
                                    const struct cdni_footprint *from, struct arena *arena,
                                    struct cdni_footprint *to, struct err *e)
{
    const struct where type_at = {at, "footprint-type", SIZE_MAX};
    const struct where value_at = {at, "footprint-value", SIZE_MAX};
    enum footprint_type type;
    struct err inner = {0};

    *to = (struct cdni_footprint){.count = 0};
    if (type_check(from->type, &type, &inner) != ERR_OK)
        return wrong(&type_at, ERR_PARSE, &inner, e);
    if (!copy_str(arena, from->type, &to->type))
        return no_memory(e);
    if ((type == FOOTPRINT_UNION ? from->part_count : from->count) == 0) {
        err_set(&inner, ERR_PARSE, "is empty; one value at least would be right");
        return wrong(&value_at, ERR_PARSE, &inner, e);
    }
    if (type != FOOTPRINT_UNION)
        return values_copy(at, type, from, arena, to, e);
    if (in_union) {
        err_set(&inner, ERR_PARSE, "a footprintunion in a footprintunion (RFC 9388)");
        return wrong(at, ERR_PARSE, &inner, e);
    }
    return footprints_copy(at, "footprint-value", true, from->parts, from->part_count, arena,
                           &to->parts, &to->part_count, e);
}

static enum err_code footprints_copy(const struct where *at, const char *member, bool in_union,
                                     const struct cdni_footprint *from, size_t n,
                                     struct arena *arena, const struct cdni_footprint **out,
                                     size_t *count, struct err *e)
{
    struct cdni_footprint *list;
    struct err inner = {0};
    size_t kept = 0;

    if (n > CDNI_FOOTPRINTS_MAX) {
        const struct where here = {at, member, SIZE_MAX};

        err_set(&inner, ERR_LIMIT, "%zu footprints, at most %u", n, CDNI_FOOTPRINTS_MAX);
        return wrong(&here, ERR_LIMIT, &inner, e);
    }
    list = arena_array(arena, n, sizeof *list);
    if (!list)
        return no_memory(e);
    for (size_t i = 0; i < n; i++) {
        const struct where here = {at, member, i};
        enum err_code rc = footprint_copy(&here, in_union, &from[i], arena, &list[kept], e);
        bool twice = false;

        if (rc != ERR_OK)
            return rc;
        for (size_t k = 0; k < kept && !twice; k++)
            twice = footprint_same(&list[k], &list[kept]);
        kept += !twice;
    }
    *out = list;
    *count = kept;
    return ERR_OK;
}

static enum err_code value_copy(const struct cdni_capability *from, struct arena *arena,
                                struct cdni_capability *to, struct err *e)
{
    struct bytes canon = {0};
    json_t *tree = NULL;
    enum err_code rc = json_value_canon(from->value, &canon, e);

    if (rc == ERR_OK) {
        tree = json_loadb(canon.data, canon.len, JSON_DECODE_ANY, NULL);
        rc = tree ? cdni_value_check(to->type, tree, e) : no_memory(e);
    }
    if (rc == ERR_OK && !copy_str(arena, (struct str){canon.data, canon.len}, &to->value))
        rc = no_memory(e);
    json_decref(tree);
    bytes_free(&canon);
    return rc;
}

static bool type_is_good(struct str type)
{
    for (size_t i = 0; i < type.n; i++)
        if (type.p[i] <= ' ' || type.p[i] > '~')
            return false;
    return type.n > 0 && type.n <= CDNI_TYPE_MAX;
}

static enum err_code capability_copy(const struct where *at, const struct cdni_capability *from,
                                     struct arena *arena, struct cdni_capability *to, struct err *e)
{
    const struct where type_at = {at, "capability-type", SIZE_MAX};
    const struct where value_at = {at, "capability-value", SIZE_MAX};
    struct err inner = {0};
    enum err_code rc;

    if (!type_is_good(from->type)) {
        err_set(&inner, ERR_PARSE, "is not 1 to %u printable characters without blanks",
                CDNI_TYPE_MAX);
        return wrong(&type_at, ERR_PARSE, &inner, e);
    }
    if (!copy_str(arena, from->type, &to->type))
        return no_memory(e);
    rc = value_copy(from, arena, to, &inner);
    if (rc != ERR_OK)
        return wrong(&value_at, rc, &inner, e);
    return footprints_copy(at, "footprints", false, from->footprints, from->count, arena,
                           &to->footprints, &to->count, e);
}

static bool has_altopid(const struct cdni_footprint *f, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(f[i].type, STR("altopid")) || has_altopid(f[i].parts, f[i].part_count))
            return true;
    return false;
}

static void hash_footprints(struct vtag_hash *h, const struct cdni_footprint *f, size_t n)
{
    uint64_t count = n;

    vtag_hash_add(h, &count, sizeof count);
    for (size_t i = 0; i < n; i++) {
        count = f[i].count;
        vtag_hash_add_str(h, f[i].type);
        vtag_hash_add(h, &count, sizeof count);
        for (size_t k = 0; k < f[i].count; k++)
            vtag_hash_add_str(h, f[i].values[k]);
        hash_footprints(h, f[i].parts, f[i].part_count);
    }
}

static bool content_hash(struct cdni_advert *a)
{
    struct vtag_hash *h = vtag_hash_new();

    if (!h)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        vtag_hash_add_str(h, a->items[i].type);
        vtag_hash_add_str(h, a->items[i].value);
        hash_footprints(h, a->items[i].footprints, a->items[i].count);
    }
    vtag_hash_finish(h, a->tag);
    return true;
}

enum err_code cdni_advert_make(const char *where, const struct cdni_capability *items, size_t n,
                               struct arena *arena, const struct cdni_advert **out, struct err *e)
{
    struct cdni_advert *a = arena_array(arena, 1, sizeof *a);
    struct cdni_capability *list;

    *out = NULL;
    if (n > CDNI_CAPABILITIES_MAX)
        return err_set(e, ERR_LIMIT, "%s: %zu capabilities, at most %u", where, n,
                       CDNI_CAPABILITIES_MAX);
    list = arena_array(arena, n, sizeof *list);
    if (!a || !list)
        return no_memory(e);
    for (size_t i = 0; i < n; i++) {
        const struct where at = {NULL, where, i};
        enum err_code rc = capability_copy(&at, &items[i], arena, &list[i], e);

        if (rc != ERR_OK)
            return rc;
        a->altopid |= has_altopid(list[i].footprints, list[i].count);
    }
    a->items = list;
    a->count = n;
    if (!content_hash(a))
        return no_memory(e);
    *out = a;
    return ERR_OK;
}

enum err_code cdni_advert_new(const struct cdni_capability *items, size_t n, struct arena *arena,
                              const struct cdni_advert **out, struct err *e)
{
    return cdni_advert_make("capabilities", items, n, arena, out, e);
}

bool cdni_advert_has_altopid(const struct cdni_advert *a)
{
    return a->altopid;
}

const char *cdni_advert_tag(const struct cdni_advert *a)
{
    return a->tag;
}

size_t cdni_advert_count(const struct cdni_advert *a)
{
    return a->count;
}

const struct cdni_capability *cdni_advert_items(const struct cdni_advert *a)
{
    return a->items;
}

static void footprints_write(struct json_write *w, const struct cdni_footprint *f, size_t n)
{
    json_write_array(w);
    for (size_t i = 0; i < n; i++) {
        json_write_object(w);
        json_write_key(w, STR("footprint-type"));
        json_write_string(w, f[i].type);
        json_write_key(w, STR("footprint-value"));
        if (f[i].part_count) {
            footprints_write(w, f[i].parts, f[i].part_count);
        } else {
            json_write_array(w);
            for (size_t k = 0; k < f[i].count; k++) {
                json_write_string(w, f[i].values[k]);
                json_write_break(w, JSON_WRITE_LINE);
            }
            json_write_array_end(w);
        }
        json_write_object_end(w);
    }
    json_write_array_end(w);
}

void cdni_capability_write(struct json_write *w, const struct cdni_capability *c)
{
    json_write_object(w);
    json_write_key(w, STR("capability-type"));
    json_write_string(w, c->type);
    json_write_key(w, STR("capability-value"));
    json_write_made(w, c->value);
    if (c->count) {
        json_write_key(w, STR("footprints"));
        footprints_write(w, c->footprints, c->count);
    }
    json_write_object_end(w);
    json_write_break(w, JSON_WRITE_LINE);
}
