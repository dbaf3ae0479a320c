/* The reader of path vectors. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alto/cost_type_read.h"
#include "alto/pathvec_internal.h"
#include "alto/vtag_read.h"
#include "base/hash.h"
#include "base/json_text.h"

/* Which object or array the next event is in. */
enum place { AT_START, AT_TOP, AT_META, AT_VTAGS, AT_VTAG, AT_TYPE, AT_DATA, AT_ROW, AT_PATH };

/* The last key of meta, whose value comes next. */
enum member { MEMBER_NONE, MEMBER_VTAGS, MEMBER_TYPE };

struct reader {
    const struct netmap *map;
    struct arena *arena; /* names of elements */
    enum place at;
    enum member member;
    bool data_next; /* of the top: "cost-map" comes next, else "meta" */
    bool seen_meta, seen_data, seen_vtags, seen_type, has_vtag;
    struct vtag_read vtag;
    struct cost_type_read type;

    pidx src, dst; /* PIDX_NONE: the network map does not have it */
    char src_name[PID_NAME_MAX + 1], dst_name[PID_NAME_MAX + 1];
    uint32_t count;                     /* elements of the path at hand */
    struct bytes pairs, hops, elements; /* of struct path_pair, uint32_t, struct str */
    uint32_t element_count;

    struct hash_key key;
    uint32_t *slot; /* [cap], a power of two: index + 1 of an element */
    size_t cap;
};

static enum err_code no_memory(struct err *e)
{
    return err_set(e, ERR_LIMIT, "no memory left for path vectors");
}

static enum err_code at_path(const struct reader *r, enum err_code rc, struct err *e)
{
    // clang-format off
    switch (r->at) {
    case AT_START: case AT_TOP: break;
    case AT_META:  err_wrap(e, "meta"); break;
    case AT_VTAGS: err_wrap(e, "meta.dependent-vtags"); break;
    case AT_VTAG:  err_wrap(e, "meta.dependent-vtags[0]"); break;
    case AT_TYPE:  err_wrap(e, "meta.cost-type"); break;
    case AT_DATA:  err_wrap(e, "cost-map"); break;
    case AT_ROW:   err_wrap(e, "cost-map.%s", r->src_name); break;
    case AT_PATH:  err_wrap(e, "cost-map.%s.%s[%u]", r->src_name, r->dst_name, r->count); break;
    }
    // clang-format on
    return rc;
}

static enum err_code on_top(struct reader *r, struct json_push *j, const struct json_event *ev,
                            struct err *e)
{
    if (ev->kind == JSON_PUSH_KEY) {
        r->data_next = str_eq(ev->text, STR("cost-map"));
        if (r->data_next)
            return vtag_read_once(&r->seen_data, ev->text, e);
        if (str_eq(ev->text, STR("meta")))
            return vtag_read_once(&r->seen_meta, ev->text, e);
        json_push_skip(j); /* RFC 7285 section 8.3.7: unknown members are ignored */
        return ERR_OK;
    }
    if (ev->kind == JSON_PUSH_OBJECT_END) {
        if (!r->seen_meta || !r->seen_data)
            return err_set(e, ERR_PARSE, "\"%s\" is missing", r->seen_meta ? "cost-map" : "meta");
        return ERR_OK;
    }
    r->at = r->data_next ? AT_DATA : AT_META;
    return vtag_read_expect(ev, JSON_PUSH_OBJECT, e);
}

static enum err_code on_meta(struct reader *r, struct json_push *j, const struct json_event *ev,
                             struct err *e)
{
    if (ev->kind == JSON_PUSH_KEY) {
        r->member = MEMBER_VTAGS;
        if (str_eq(ev->text, STR("dependent-vtags")))
            return vtag_read_once(&r->seen_vtags, ev->text, e);
        r->member = MEMBER_TYPE;
        if (str_eq(ev->text, STR("cost-type")))
            return vtag_read_once(&r->seen_type, ev->text, e);
        r->member = MEMBER_NONE;
        json_push_skip(j);
        return ERR_OK;
    }
    if (ev->kind == JSON_PUSH_OBJECT_END) {
        if (!r->has_vtag || !r->seen_type)
            return err_set(e, ERR_PARSE, "\"%s\" is missing",
                           r->has_vtag ? "cost-type" : "dependent-vtags");
        r->at = AT_TOP;
        return ERR_OK;
    }
    r->at = r->member == MEMBER_VTAGS ? AT_VTAGS : AT_TYPE;
    return vtag_read_expect(ev, r->member == MEMBER_VTAGS ? JSON_PUSH_ARRAY : JSON_PUSH_OBJECT, e);
}

static enum err_code on_vtags(struct reader *r, const struct json_event *ev, struct err *e)
{
    if (ev->kind == JSON_PUSH_ARRAY_END && r->has_vtag) {
        r->at = AT_META;
        return ERR_OK;
    }
    if (ev->kind == JSON_PUSH_ARRAY_END || r->has_vtag)
        return err_set(e, ERR_PARSE, "one version tag belongs here, that of the network map");
    r->has_vtag = true;
    r->at = AT_VTAG;
    return vtag_read_expect(ev, JSON_PUSH_OBJECT, e);
}

/* RFC 7285 section 10.3: tags are equal when both parts are, byte for byte. */
static enum err_code on_vtag(struct reader *r, struct json_push *j, const struct json_event *ev,
                             struct err *e)
{
    const struct vtag *want = &r->map->vtag, *have = &r->vtag.vtag;
    enum err_code rc = vtag_read_event(&r->vtag, j, ev, e);

    if (rc != ERR_OK || ev->kind != JSON_PUSH_OBJECT_END)
        return rc;
    r->at = AT_VTAGS;
    if ((!want->resource_id[0] || strcmp(want->resource_id, have->resource_id) == 0) &&
        strcmp(want->tag, have->tag) == 0)
        return ERR_OK;
    return err_set(e, ERR_CONFLICT,
                   "made for version \"%s\" of the network map \"%s\", and this one is \"%s\" of "
                   "\"%s\"",
                   have->tag, have->resource_id, want->tag, want->resource_id);
}

static enum err_code on_type(struct reader *r, struct json_push *j, const struct json_event *ev,
                             struct err *e)
{
    bool done;
    enum err_code rc = cost_type_read_event(&r->type, j, ev, &done, e);

    if (rc != ERR_OK || !done)
        return rc;
    r->at = AT_META;
    if (r->type.has_mode && r->type.mode == COST_ARRAY && strcmp(r->type.metric, "ane-path") == 0)
        return ERR_OK;
    return err_set(e, ERR_PARSE,
                   "path vectors are of the mode \"array\" and the metric \"ane-path\"");
}

/* PIDX_NONE for a well-formed name that the map does not have. */
static enum err_code find_pid(const struct reader *r, struct str name, pidx *out,
                              char shown[PID_NAME_MAX + 1], struct err *e)
{
    enum err_code rc = vtag_check_name("PID name", name, e);

    if (rc != ERR_OK)
        return rc;
    memcpy(shown, name.p, name.n);
    shown[name.n] = '\0';
    *out = netmap_find_pid(r->map, name);
    return ERR_OK;
}

static enum err_code on_data(struct reader *r, const struct json_event *ev, struct err *e)
{
    if (ev->kind == JSON_PUSH_KEY)
        return find_pid(r, ev->text, &r->src, r->src_name, e);
    r->at = ev->kind == JSON_PUSH_OBJECT_END ? AT_TOP : AT_ROW;
    return ev->kind == JSON_PUSH_OBJECT_END ? ERR_OK : vtag_read_expect(ev, JSON_PUSH_OBJECT, e);
}

static enum err_code on_row(struct reader *r, const struct json_event *ev, struct err *e)
{
    enum err_code rc;

    if (ev->kind == JSON_PUSH_KEY)
        return find_pid(r, ev->text, &r->dst, r->dst_name, e);
    if (ev->kind == JSON_PUSH_OBJECT_END) {
        r->at = AT_DATA;
        return ERR_OK;
    }
    rc = vtag_read_expect(ev, JSON_PUSH_ARRAY, e);
    if (rc == ERR_OK)
        r->at = AT_PATH;
    r->count = 0;
    return rc;
}

static const struct str *element(const struct reader *r, uint32_t i)
{
    return (const struct str *)(const void *)r->elements.data + i;
}

static bool grow(struct reader *r)
{
    size_t cap = r->cap ? r->cap * 2 : 1024;
    uint32_t *slot = calloc(cap, sizeof *slot);

    if (!slot)
        return false;
    for (uint32_t i = 0; i < r->element_count; i++) {
        size_t at = hash_keyed(&r->key, element(r, i)->p, element(r, i)->n);

        while (slot[at & (cap - 1)])
            at++;
        slot[at & (cap - 1)] = i + 1;
    }
    free(r->slot);
    r->slot = slot;
    r->cap = cap;
    return true;
}

/* The number of an element, by its entity's name. */
static enum err_code intern(struct reader *r, struct str name, uint32_t *out, struct err *e)
{
    char text[sizeof PATHVEC_DOMAIN + PID_NAME_MAX];
    struct str entity = {text, name.n + sizeof PATHVEC_DOMAIN - 1};
    size_t at;

    memcpy(text, PATHVEC_DOMAIN, sizeof PATHVEC_DOMAIN - 1);
    memcpy(text + sizeof PATHVEC_DOMAIN - 1, name.p, name.n);
    if (r->element_count >= r->cap / 2 && !grow(r))
        return no_memory(e);
    for (at = hash_keyed(&r->key, entity.p, entity.n); r->slot[at & (r->cap - 1)]; at++) {
        *out = r->slot[at & (r->cap - 1)] - 1;
        if (str_eq(*element(r, *out), entity))
            return ERR_OK;
    }
    if (r->element_count == PATHVEC_ELEMENTS_MAX)
        return err_set(e, ERR_LIMIT, "more than %u elements", PATHVEC_ELEMENTS_MAX);
    entity.p = arena_strndup(r->arena, entity.p, entity.n);
    if (!entity.p || !bytes_add(&r->elements, &entity, sizeof entity))
        return no_memory(e);
    *out = r->element_count++;
    r->slot[at & (r->cap - 1)] = *out + 1;
    return ERR_OK;
}

static enum err_code on_path(struct reader *r, const struct json_event *ev, struct err *e)
{
    struct path_pair pair = {.src = r->src,
                             .dst = r->dst,
                             .count = r->count,
                             .at = r->hops.len / sizeof(uint32_t) - r->count};
    enum err_code rc;
    uint32_t hop;

    if (ev->kind == JSON_PUSH_ARRAY_END) {
        r->at = AT_ROW;
        if (pair.src == PIDX_NONE || pair.dst == PIDX_NONE)
            return ERR_OK;
        return bytes_add(&r->pairs, &pair, sizeof pair) ? ERR_OK : no_memory(e);
    }
    rc = vtag_read_expect(ev, JSON_PUSH_STRING, e);
    if (rc == ERR_OK)
        rc = vtag_check_name("name of an element", ev->text, e);
    if (rc == ERR_OK && r->count == PATHVEC_HOPS_MAX)
        rc = err_set(e, ERR_LIMIT, "a path of more than %u elements", PATHVEC_HOPS_MAX);
    if (rc == ERR_OK)
        rc = intern(r, ev->text, &hop, e);
    if (rc == ERR_OK && !bytes_add(&r->hops, &hop, sizeof hop))
        rc = no_memory(e);
    r->count += rc == ERR_OK;
    return rc;
}

static enum err_code on_event(void *ctx, struct json_push *j, const struct json_event *ev,
                              struct err *e)
{
    struct reader *r = ctx;
    enum err_code rc = ERR_OK;

    // clang-format off
    switch (r->at) {
    case AT_START: r->at = AT_TOP; rc = vtag_read_expect(ev, JSON_PUSH_OBJECT, e); break;
    case AT_TOP:   rc = on_top(r, j, ev, e); break;
    case AT_META:  rc = on_meta(r, j, ev, e); break;
    case AT_VTAGS: rc = on_vtags(r, ev, e); break;
    case AT_VTAG:  rc = on_vtag(r, j, ev, e); break;
    case AT_TYPE:  rc = on_type(r, j, ev, e); break;
    case AT_DATA:  rc = on_data(r, ev, e); break;
    case AT_ROW:   rc = on_row(r, ev, e); break;
    case AT_PATH:  rc = on_path(r, ev, e); break;
    }
    // clang-format on
    return rc == ERR_OK ? ERR_OK : at_path(r, rc, e);
}

static int pair_cmp(const void *a, const void *b)
{
    const struct path_pair *x = a, *y = b;

    if (x->src != y->src)
        return x->src < y->src ? -1 : 1;
    return (x->dst > y->dst) - (x->dst < y->dst);
}

/* Pairs in order, and where each source's begin. */
static enum err_code index_pairs(const struct reader *r, struct path_vectors *p, struct err *e)
{
    size_t n = r->pairs.len / sizeof(struct path_pair);
    struct path_pair *pairs = arena_alloc(r->arena, r->pairs.len);
    uint32_t *first = arena_array(r->arena, r->map->pid_count + 1u, sizeof *first);
    uint32_t *hops = arena_alloc(r->arena, r->hops.len);
    struct str *elements = arena_alloc(r->arena, r->elements.len);

    if (!pairs || !first || !hops || !elements || n > UINT32_MAX)
        return no_memory(e);
    if (n) {
        memcpy(pairs, r->pairs.data, r->pairs.len);
        qsort(pairs, n, sizeof *pairs, pair_cmp);
    }
    if (r->hops.len)
        memcpy(hops, r->hops.data, r->hops.len);
    if (r->elements.len)
        memcpy(elements, r->elements.data, r->elements.len);
    for (size_t i = 0; i < n; i++) {
        if (i && pair_cmp(&pairs[i - 1], &pairs[i]) == 0)
            return err_set(e, ERR_PARSE, "cost-map.%s.%s: the pair stands there twice",
                           r->map->pids[pairs[i].src].name.p, r->map->pids[pairs[i].dst].name.p);
        first[pairs[i].src + 1u] = (uint32_t)i + 1;
    }
    for (size_t s = 0; s < r->map->pid_count; s++)
        if (first[s + 1] == 0)
            first[s + 1] = first[s];
    p->pairs = pairs;
    p->pair_count = n;
    p->first = first;
    p->hops = hops;
    p->elements = elements;
    p->element_count = r->element_count;
    return ERR_OK;
}

/* The one domain (RFC 9275 section 6.2.4) and how many properties it has. */
static enum err_code use_props(struct path_vectors *p, struct err *e)
{
    if (!p->props)
        return ERR_OK;
    for (size_t i = 0; i < propmap_domains(p->props); i++) {
        struct str domain = propmap_domain(p->props, i);

        if (!str_eq(domain, STR(".ane")))
            return err_set(e, ERR_PARSE,
                           "property-map: the domain \"%.*s\", where elements are of \".ane\"",
                           (int)domain.n, domain.p);
        p->domain = i;
        p->property_count = propmap_properties(p->props, i);
    }
    return ERR_OK;
}

/* "ane-props.ane:MEC1", in quotes; *resource: what is in front of the domain. */
static bool is_persistent_id(struct str value, struct str *resource)
{
    struct str id = {value.p + 1, value.n - 2};
    const char *dot;
    struct str name;

    if (value.n < 2 || value.p[0] != '"')
        return false;
    dot = memmem(id.p, id.n, PATHVEC_DOMAIN, sizeof PATHVEC_DOMAIN - 1);
    if (!dot)
        return false;
    *resource = (struct str){id.p, (size_t)(dot - id.p)};
    name = (struct str){dot + sizeof PATHVEC_DOMAIN - 1, 0};
    name.n = (size_t)(id.p + id.n - name.p);
    return vtag_is_word(*resource, ALTO_ID_MAX, "-:@_.") &&
           vtag_is_word(name, PID_NAME_MAX, "-:@_.");
}

static enum err_code add_depend(struct bytes *list, struct str id, const char *tag, struct err *e)
{
    const struct vtag *have = (const struct vtag *)(const void *)list->data;
    struct vtag one = {0};

    for (size_t i = 0; i < list->len / sizeof one; i++)
        if (str_eq(str_from(have[i].resource_id), id))
            return ERR_OK;
    snprintf(one.resource_id, sizeof one.resource_id, "%.*s", (int)id.n, id.p);
    snprintf(one.tag, sizeof one.tag, "%s", tag);
    return bytes_add(list, &one, sizeof one) ? ERR_OK : no_memory(e);
}

/* Values that RFC 9275 defines, and the resources that they name. */
static enum err_code check_element(const struct path_vectors *p, uint32_t i, struct bytes *depends,
                                   struct err *e)
{
    struct str bandwidth = path_vectors_value(p, i, STR("max-reservable-bandwidth"));
    struct str id = path_vectors_value(p, i, STR("persistent-entity-id")), resource;
    const struct str *name = &p->elements[i];

    if (bandwidth.p && (!json_text_is_number(bandwidth.p, bandwidth.n) || bandwidth.p[0] == '-'))
        return err_set(e, ERR_PARSE,
                       "property-map.%.*s.max-reservable-bandwidth: not a number of bit/s, 0 or "
                       "more (RFC 9275 section 6.4.1)",
                       (int)name->n, name->p);
    if (!id.p)
        return ERR_OK;
    if (!is_persistent_id(id, &resource))
        return err_set(e, ERR_PARSE,
                       "property-map.%.*s.persistent-entity-id: not an entity of a property map, "
                       "as \"ane-props.ane:MEC1\" (RFC 9275 section 6.4.2)",
                       (int)name->n, name->p);
    return add_depend(depends, resource, "", e);
}

static enum err_code check_elements(struct path_vectors *p, struct arena *arena, struct err *e)
{
    size_t count = p->props ? propmap_depends(p->props) : 0;
    enum err_code rc = ERR_OK;
    struct bytes list = {0};
    struct vtag *kept;

    for (size_t i = 0; rc == ERR_OK && i < count; i++) {
        const struct vtag *v = propmap_depend(p->props, i);

        rc = add_depend(&list, str_from(v->resource_id), v->tag, e);
    }
    for (uint32_t i = 0; rc == ERR_OK && i < p->element_count; i++)
        rc = check_element(p, i, &list, e);
    kept = arena_alloc(arena, list.len);
    if (rc == ERR_OK && !kept)
        rc = no_memory(e);
    if (rc == ERR_OK && list.len)
        memcpy(kept, list.data, list.len);
    p->depends = kept;
    p->depend_count = list.len / sizeof *kept;
    bytes_free(&list);
    return rc;
}

static enum err_code make_tag(struct path_vectors *p, struct err *e)
{
    struct vtag_hash *h = vtag_hash_new();

    if (!h)
        return no_memory(e);
    vtag_hash_add_str(h, str_from(p->map->vtag.resource_id));
    vtag_hash_add_str(h, str_from(p->map->vtag.tag));
    vtag_hash_add_str(h, str_from(p->props ? propmap_tag(p->props) : ""));
    for (size_t i = 0; i < p->pair_count; i++) {
        const struct path_pair *pair = &p->pairs[i];
        uint32_t head[3] = {pair->src, pair->dst, pair->count};

        vtag_hash_add(h, head, sizeof head);
        for (uint32_t k = 0; k < pair->count; k++)
            vtag_hash_add_str(h, p->elements[p->hops[pair->at + k]]);
    }
    vtag_hash_finish(h, p->tag);
    return ERR_OK;
}

static enum err_code freeze(const struct reader *r, const struct propmap *props,
                            const struct path_vectors **out, struct err *e)
{
    struct path_vectors *p = arena_array(r->arena, 1, sizeof *p);
    enum err_code rc = p ? ERR_OK : no_memory(e);

    if (rc == ERR_OK) {
        p->map = r->map;
        p->props = props;
        rc = index_pairs(r, p, e);
    }
    if (rc == ERR_OK)
        rc = use_props(p, e);
    if (rc == ERR_OK)
        rc = check_elements(p, r->arena, e);
    if (rc == ERR_OK)
        rc = make_tag(p, e);
    if (rc == ERR_OK)
        *out = p;
    return rc;
}

/* From path, or from the n bytes at json when path is NULL. */
static enum err_code read_paths(const char *path, const char *json, size_t n,
                                const struct propmap *props, const struct netmap *map,
                                struct arena *arena, const struct path_vectors **out, struct err *e)
{
    const struct json_push_limits limits = {.bytes_max = PATHVEC_BYTES_MAX, .string_max = 4096};
    struct reader r = {.map = map, .arena = arena, .key = hash_key_new()};
    struct bytes name = {0};
    struct json_push *j = NULL;
    enum err_code rc;

    *out = NULL;
    if (!path || bytes_printf(&name, "path vectors %s", path))
        j = json_push_new(name.data, &limits, on_event, &r);
    if (!j)
        rc = no_memory(e);
    else if (path)
        rc = json_push_file(j, path, e);
    else if ((rc = json_push_feed(j, json, n, e)) == ERR_OK)
        rc = json_push_end(j, e);
    if (rc == ERR_OK) {
        rc = freeze(&r, props, out, e);
        if (rc != ERR_OK && path)
            err_wrap(e, "%s", name.data);
    }
    json_push_free(j);
    cost_type_read_fini(&r.type);
    bytes_free(&r.pairs);
    bytes_free(&r.hops);
    bytes_free(&r.elements);
    bytes_free(&name);
    free(r.slot);
    return rc;
}

enum err_code path_vectors_parse(const char *json, size_t n, const struct propmap *props,
                                 const struct netmap *map, struct arena *arena,
                                 const struct path_vectors **out, struct err *e)
{
    return read_paths(NULL, json, n, props, map, arena, out, e);
}

enum err_code path_vectors_load(const char *cost_map, const char *prop_map,
                                const struct netmap *map, struct arena *arena,
                                const struct path_vectors **out, struct err *e)
{
    const struct propmap *props = NULL;
    enum err_code rc;

    *out = NULL;
    rc = propmap_load(prop_map, arena, &props, e);
    return rc == ERR_OK ? read_paths(cost_map, NULL, 0, props, map, arena, out, e) : rc;
}
