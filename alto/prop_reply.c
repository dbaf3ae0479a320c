/* Answers of property maps and filtered ones (RFC 9240 sections 7.6 and 8.6). */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alto/params.h"
#include "alto/propmap_internal.h"
#include "alto/server.h"
#include "alto/vtag_read.h"

/* An entity that was asked for. */
struct want {
    const struct propmap_domain *domain;
    struct prefix prefix;
    struct str id; /* of domains that are not of addresses */
};

struct ask {
    const struct propmap *map;
    const struct alto_resource *resource;
    const uint32_t *props; /* [prop_count], ascending */
    size_t prop_count;
    bool names_only;          /* no "properties" in the request: entities alone */
    const struct want *wants; /* [want_count], each once, in order */
    size_t want_count;
    size_t out_max;
    uint64_t work, work_max; /* properties of entities that are looked at */
    struct json_write w;
};

/* ---- what an answer depends on */

/* The tag of what is served, unless the map itself says for which one it was made. */
static const struct vtag *depend_vtag(const struct alto_resource *r, size_t i)
{
    const struct vtag *own = propmap_depend(r->props, i);

    if (own->tag[0])
        return own;
    for (size_t k = 0; k < r->use_count; k++)
        if (str_eq(r->uses[k]->id, str_from(own->resource_id)) && r->uses[k]->vtag.tag[0])
            return &r->uses[k]->vtag;
    return NULL;
}

/* needed NULL: all. */
static void meta_write(struct json_write *w, const struct alto_resource *r, const bool *needed)
{
    bool any = false;

    json_write_key(w, STR("meta"));
    json_write_object(w);
    for (size_t i = 0; i < propmap_depends(r->props); i++) {
        const struct vtag *vtag = depend_vtag(r, i);

        if (!vtag || (needed && !needed[i]))
            continue;
        if (!any) {
            json_write_key(w, STR("dependent-vtags"));
            json_write_array(w);
            any = true;
        }
        vtag_write(w, vtag);
    }
    if (any)
        json_write_array_end(w);
    json_write_object_end(w);
}

static void need(const struct propmap *m, struct str resource, bool *needed)
{
    for (size_t i = 0; resource.n && i < m->depend_count; i++)
        needed[i] |= str_eq(str_from(m->depends[i].resource_id), resource);
}

/* A domain that was asked for (section 8.6): false when it is agnostic, and everything is needed.
 */
static bool domain_needs(const struct ask *a, const struct propmap_domain *d, bool *needed)
{
    size_t k = 0;

    if (d->name.scope == ENTITY_AGNOSTIC)
        return false;
    need(a->map, d->name.resource, needed);
    for (uint32_t i = 0; !a->names_only && i < d->property_count; i++) {
        struct str resource = {NULL, 0};

        while (k < a->prop_count && a->props[k] < d->properties[i])
            k++;
        if (k < a->prop_count && a->props[k] == d->properties[i] &&
            entity_property_parse(a->map->properties[d->properties[i]], &resource, NULL, NULL,
                                  NULL) == ERR_OK)
            need(a->map, resource, needed);
    }
    return true;
}

/* *all: NULL is what meta_write shall be given. */
static bool *depends_find(const struct ask *a, struct arena *arena, bool *all)
{
    bool *needed = arena_array(arena, a->map->depend_count, sizeof *needed);

    *all = false;
    for (size_t i = 0; needed && i < a->want_count; i++)
        if (i == 0 || a->wants[i].domain != a->wants[i - 1].domain)
            *all |= !domain_needs(a, a->wants[i].domain, needed);
    for (size_t i = 0; needed && a->want_count == 0 && i < a->map->domain_count; i++)
        *all |= !domain_needs(a, &a->map->domains[i], needed);
    return needed;
}

/* ---- entities */

static void key_write(struct json_write *w, const struct propmap_domain *d, struct prefix prefix,
                      struct str id)
{
    char key[ENTITY_TYPE_MAX + ALTO_ID_MAX + ENTITY_ID_MAX + PREFIX_TEXT_MAX],
        text[PREFIX_TEXT_MAX];
    size_t n = d->name.name.n;

    if (entity_is_prefix(d->name.kind))
        id = str_from(entity_prefix_format(prefix, text));
    assert(d->name.name.p && id.p);
    memcpy(key, d->name.name.p, n);
    key[n] = ':';
    memcpy(key + n + 1, id.p, id.n);
    json_write_key(w, (struct str){key, n + 1 + id.n});
}

static void value_write(struct json_write *w, const struct propmap *m, uint32_t property,
                        uint32_t text)
{
    json_write_key(w, m->properties[property]);
    json_write_made(w, m->texts[text]);
    json_write_break(w, JSON_WRITE_LINE);
}

/* The answer is too large, or too much work: nothing more is written. */
static bool is_full(struct ask *a)
{
    if (a->w.out->len > a->out_max || a->work > a->work_max)
        a->w.full = true;
    return a->w.full;
}

/* Its own value where that is another one than it would inherit; PROPMAP_NONE. To say that nothing
 * has no value says nothing. */
static uint32_t own_news(const struct ask *a, const struct propmap_domain *d, uint32_t entity,
                         uint32_t property)
{
    uint32_t own = propmap_own(a->map, &d->entities[entity], property), inherited;

    if (own == PROPMAP_NONE)
        return PROPMAP_NONE;
    inherited = propmap_effective(a->map, d, d->entities[entity].up, property);
    if (own == inherited || (inherited == PROPMAP_NONE && str_eq(a->map->texts[own], STR("null"))))
        return PROPMAP_NONE;
    return own;
}

/* An address block of the answer, or one that could be in it. */
struct node {
    struct prefix prefix;
    uint32_t entity; /* itself in the map, or what covers it most closely; PROPMAP_NONE */
    bool wanted;
    /* What it covers: entities of the map, and others that were asked for. */
    uint32_t map_from, map_to;
    size_t want_from, want_to;
};

/* The first of what is left of `in`, which then begins behind it. */
static bool next_node(const struct ask *a, const struct propmap_domain *d, struct node *in,
                      struct node *out)
{
    const struct want *want = in->want_from < in->want_to ? &a->wants[in->want_from] : NULL;
    const struct propmap_entity *entity =
        in->map_from < in->map_to ? &d->entities[in->map_from] : NULL;
    int c = !entity ? -1 : !want ? 1 : prefix_cmp(&want->prefix, &entity->prefix);

    if (!want && !entity)
        return false;
    *out = (struct node){.wanted = c <= 0, .want_from = in->want_from, .want_to = in->want_to};
    if (c < 0) {
        out->prefix = want->prefix;
        out->entity = propmap_covering(d, want->prefix);
        propmap_covered(d, want->prefix, &out->map_from, &out->map_to);
    } else {
        out->prefix = entity->prefix;
        out->entity = in->map_from;
        out->map_from = in->map_from + 1;
        out->map_to = entity->end;
    }
    if (out->map_to > in->map_from)
        in->map_from = out->map_to;
    out->want_from += out->wanted;
    out->want_to = out->want_from;
    while (out->want_to < in->want_to &&
           prefix_has(out->prefix, a->wants[out->want_to].prefix.addr))
        out->want_to++;
    in->want_from = out->want_to;
    return true;
}

/* It has something to say that its surroundings do not say for it. */
static bool has_news(struct ask *a, const struct propmap_domain *d, const struct node *n)
{
    a->work += a->prop_count;
    for (size_t i = 0; i < a->prop_count; i++)
        if ((n->wanted ? propmap_effective(a->map, d, n->entity, a->props[i])
                       : own_news(a, d, n->entity, a->props[i])) != PROPMAP_NONE)
            return true;
    return false;
}

/* Those inside that have news follow each other without a gap from *next on. *end: the last address
 * so far. */
static bool follow(struct ask *a, const struct propmap_domain *d, struct node inside,
                   struct addr *next, struct addr *end)
{
    struct node n;

    while (!is_full(a) && next_node(a, d, &inside, &n)) {
        if (!has_news(a, d, &n)) {
            if (!follow(a, d, n, next, end))
                return false;
            continue;
        }
        if (!addr_eq(n.prefix.addr, *next))
            return false;
        *end = addr_mask_last(n.prefix.addr, n.prefix.len);
        next->lo = end->lo + 1;
        next->hi = end->hi + (next->lo == 0);
    }
    return true;
}

/* Section 8.6: what others in the answer cover whole should not be in it. */
static bool is_covered(struct ask *a, const struct propmap_domain *d, const struct node *n)
{
    struct addr next = n->prefix.addr, end = {0, 0};

    if (n->map_from == n->map_to && n->want_from == n->want_to)
        return false;
    return follow(a, d, *n, &next, &end) && !addr_eq(next, n->prefix.addr) &&
           addr_eq(end, addr_mask_last(n->prefix.addr, n->prefix.len));
}

static void node_write(struct ask *a, const struct propmap_domain *d, const struct node *n,
                       bool whole)
{
    key_write(&a->w, d, n->prefix, (struct str){NULL, 0});
    json_write_object(&a->w);
    for (size_t i = 0; i < a->prop_count; i++) {
        uint32_t text = whole ? propmap_effective(a->map, d, n->entity, a->props[i])
                              : own_news(a, d, n->entity, a->props[i]);

        if (text != PROPMAP_NONE)
            value_write(&a->w, a->map, a->props[i], text);
    }
    json_write_object_end(&a->w);
    json_write_break(&a->w, JSON_WRITE_LINE);
}

/* Everything inside; whole: nothing around it is in the answer, so that it must say what it
 * inherits. Depth: prefixes inside each other. */
static void inside_write(struct ask *a, const struct propmap_domain *d, struct node inside,
                         bool whole)
{
    struct node n;

    while (!is_full(a) && next_node(a, d, &inside, &n)) {
        bool inner_whole = whole;

        if (has_news(a, d, &n)) {
            inner_whole = is_covered(a, d, &n);
            if (!inner_whole)
                node_write(a, d, &n, whole || n.wanted);
        }
        inside_write(a, d, n, inner_whole);
    }
}

static bool has_any(const struct propmap *m, const struct propmap_domain *d, uint32_t entity)
{
    for (uint32_t i = 0; i < d->property_count; i++)
        if (propmap_effective(m, d, entity, d->properties[i]) != PROPMAP_NONE)
            return true;
    return false;
}

static void entity_write(struct ask *a, const struct propmap_domain *d, uint32_t i)
{
    const struct propmap_entity *x = &d->entities[i];
    const bool prefixes = entity_is_prefix(d->name.kind);
    bool any = a->names_only;

    a->work += a->prop_count;
    for (size_t k = 0; k < a->prop_count && !any; k++)
        any = propmap_own(a->map, x, a->props[k]) != PROPMAP_NONE;
    if (!any)
        return;
    key_write(&a->w, d, prefixes ? x->prefix : (struct prefix){{0, 0}, 0},
              prefixes ? (struct str){NULL, 0} : x->id);
    json_write_object(&a->w);
    for (size_t k = 0; k < a->prop_count; k++) {
        uint32_t text = propmap_own(a->map, x, a->props[k]);

        if (text != PROPMAP_NONE)
            value_write(&a->w, a->map, a->props[k], text);
    }
    json_write_object_end(&a->w);
    json_write_break(&a->w, JSON_WRITE_LINE);
}

static void names_write(struct ask *a, const struct want *w)
{
    const struct propmap_domain *d = w->domain;
    uint32_t i = entity_is_prefix(d->name.kind) ? propmap_covering(d, w->prefix)
                                                : propmap_entity_find(d, w->id);

    if (!has_any(a->map, d, i))
        return;
    key_write(&a->w, d, w->prefix, w->id);
    json_write_object(&a->w);
    json_write_object_end(&a->w);
}

/* Those of one domain: wants [from, to). */
static void wants_write(struct ask *a, size_t from, size_t to)
{
    const struct propmap_domain *d = a->wants[from].domain;

    if (entity_is_prefix(d->name.kind) && !a->names_only) {
        inside_write(a, d, (struct node){.want_from = from, .want_to = to}, true);
        return;
    }
    for (size_t i = from; i < to && !is_full(a); i++) {
        uint32_t entity;

        if (a->names_only) {
            names_write(a, &a->wants[i]);
            continue;
        }
        entity = propmap_entity_find(d, a->wants[i].id);
        if (entity != PROPMAP_NONE)
            entity_write(a, d, entity);
    }
}

static void all_write(struct ask *a)
{
    for (size_t i = 0; i < a->map->domain_count; i++)
        for (uint32_t k = 0; k < a->map->domains[i].entity_count && !is_full(a); k++)
            entity_write(a, &a->map->domains[i], k);
}

static bool answer_write(struct ask *a, const bool *needed)
{
    json_write_object(&a->w);
    meta_write(&a->w, a->resource, needed);
    json_write_key(&a->w, STR("property-map"));
    json_write_object(&a->w);
    if (a->want_count == 0)
        all_write(a);
    for (size_t i = 0, end; i < a->want_count; i = end) {
        for (end = i + 1; end < a->want_count && a->wants[end].domain == a->wants[i].domain; end++)
            ;
        wants_write(a, i, end);
    }
    if (is_full(a))
        return false;
    json_write_object_end(&a->w);
    json_write_object_end(&a->w);
    return json_write_done(&a->w);
}

/* All of its properties, in order. */
static const uint32_t *all_props(const struct propmap *m, struct arena *arena)
{
    uint32_t *list = arena_array(arena, m->property_count, sizeof *list);

    for (uint32_t i = 0; list && i < m->property_count; i++)
        list[i] = i;
    return list;
}

bool alto_prop_format(const struct alto_resource *r, struct bytes *out)
{
    struct arena *arena = arena_new((size_t)1 << 20);
    struct ask a = {.map = r->props, .resource = r, .out_max = SIZE_MAX, .work_max = UINT64_MAX};
    bool good;

    json_write_init(&a.w, out);
    a.props = arena ? all_props(a.map, arena) : NULL;
    a.prop_count = a.map->property_count;
    good = a.props && answer_write(&a, NULL);
    arena_free(arena);
    return good;
}

/* ---- the request */

static int want_cmp(const void *x, const void *y)
{
    const struct want *a = x, *b = y;

    if (a->domain != b->domain)
        return a->domain < b->domain ? -1 : 1;
    return entity_is_prefix(a->domain->name.kind) ? prefix_cmp(&a->prefix, &b->prefix)
                                                  : str_cmp(a->id, b->id);
}

static bool no_memory(struct alto_error *e)
{
    return alto_status(e, 503, "no memory left for this request");
}

static bool entities_read(struct ask *a, const struct str_list *list, struct arena *arena,
                          struct alto_error *e)
{
    struct want *wants = arena_array(arena, list->n, sizeof *wants);
    size_t kept = 0;

    if (!wants)
        return no_memory(e);
    for (size_t i = 0; i < list->n; i++) {
        struct entity entity;
        struct err why = {0};
        const struct propmap_domain *d;

        if (entity_parse(list->p[i], &entity, &why) != ERR_OK)
            return alto_invalid(e, "entities", list->p[i], "%s", why.text);
        d = propmap_domain_find(a->map, entity.domain.name);
        if (!d)
            return alto_invalid(e, "entities", list->p[i],
                                "no domain of this property map has this entity");
        wants[i] = (struct want){d, entity.prefix, entity.id};
    }
    qsort(wants, list->n, sizeof *wants, want_cmp);
    for (size_t i = 0; i < list->n; i++)
        if (kept == 0 || want_cmp(&wants[kept - 1], &wants[i]) != 0)
            wants[kept++] = wants[i];
    a->wants = wants;
    a->want_count = kept;
    return true;
}

static int number_cmp(const void *x, const void *y)
{
    const uint32_t *a = x, *b = y;

    return (*a > *b) - (*a < *b);
}

static bool props_read(struct ask *a, const struct str_list *list, struct arena *arena,
                       struct alto_error *e)
{
    uint32_t *props;

    a->names_only = list->p == NULL;
    if (a->names_only)
        return true;
    if (list->n == 0) {
        a->props = all_props(a->map, arena);
        a->prop_count = a->map->property_count;
        return a->props || no_memory(e);
    }
    props = arena_array(arena, list->n, sizeof *props);
    if (!props)
        return no_memory(e);
    for (size_t i = 0; i < list->n; i++) {
        props[i] = propmap_property_find(a->map, list->p[i]);
        if (props[i] == PROPMAP_NONE)
            return alto_invalid(e, "properties", list->p[i],
                                "no domain of this property map has this property");
    }
    qsort(props, list->n, sizeof *props, number_cmp);
    for (size_t i = 0; i < list->n; i++)
        if (a->prop_count == 0 || props[a->prop_count - 1] != props[i])
            props[a->prop_count++] = props[i];
    a->props = props;
    return true;
}

static bool request_read(struct ask *a, const json_t *doc, struct arena *arena,
                         struct alto_error *e)
{
    const struct params root = {.object = doc, .path = "", .arena = arena, .e = e};
    struct str_list entities, props;

    return params_strings(&root, "entities", true, &entities) &&
           params_strings(&root, "properties", false, &props) &&
           entities_read(a, &entities, arena, e) && props_read(a, &props, arena, e);
}

bool alto_prop_filter_reply(const struct alto_question *q, struct alto_reply *reply)
{
    struct ask a = {.map = q->resource->props, .resource = q->resource};
    const bool *needed;
    json_t *doc = NULL;
    bool all, good = params_load(q->body, &doc, &reply->error) &&
                     request_read(&a, doc, q->arena, &reply->error);

    if (good) {
        a.out_max = reply->out->len + q->catalog->limits.answer_max;
        a.work_max = q->catalog->limits.pairs_max;
        json_write_init(&a.w, reply->out);
        needed = depends_find(&a, q->arena, &all);
        good = needed ? answer_write(&a, all ? NULL : needed) : no_memory(&reply->error);
        if (a.work > a.work_max)
            alto_invalid(&reply->error, "entities", (struct str){NULL, 0},
                         "more than %llu properties of entities are asked for, which is pairs-max "
                         "of this server: ask for fewer, or for the whole map",
                         (unsigned long long)a.work_max);
        else if (!good)
            alto_invalid(&reply->error, "entities", (struct str){NULL, 0},
                         "the answer would be longer than %zu bytes, which is answer-max of this "
                         "server: ask for fewer entities, or for the whole map",
                         q->catalog->limits.answer_max);
    }
    json_decref(doc);
    return good;
}
