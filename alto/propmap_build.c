#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alto/json_value.h"
#include "alto/propmap_internal.h"
#include "base/hash.h"
#include "base/json_text.h"

/* Names, each once, numbered from 0 as they come. */
struct names {
    struct str *items;
    uint32_t count, cap;
    uint32_t *slots; /* [slot_count], a power of two; number + 1, 0: empty */
    uint32_t slot_count;
};

/* One property of one entity. */
struct entry {
    union {
        struct prefix prefix;
        struct str id;
    };
    uint32_t domain, property, text;
    uint32_t member; /* of the text that it was read from; 0: of none */
};

struct propmap_build {
    struct arena *arena;
    struct hash_key key; /* the names may be a stranger's */
    struct names domains, properties, texts;
    struct entity_domain *domain_names; /* [domains.cap] */
    uint32_t domain_cap;
    struct entry *entries;
    size_t entry_count, entry_cap;
    struct vtag *depends;
    size_t depend_count;
    uint32_t member;
    struct bytes scratch, quoted;
};

struct propmap_build *propmap_build_new(struct arena *arena)
{
    struct propmap_build *b = calloc(1, sizeof *b);

    if (b) {
        b->arena = arena;
        b->key = hash_key_new();
    }
    return b;
}

static void names_free(struct names *n)
{
    free(n->items);
    free(n->slots);
}

void propmap_build_free(struct propmap_build *b)
{
    if (!b)
        return;
    names_free(&b->domains);
    names_free(&b->properties);
    names_free(&b->texts);
    free(b->domain_names);
    free(b->entries);
    free(b->depends);
    bytes_free(&b->scratch);
    bytes_free(&b->quoted);
    free(b);
}

void propmap_build_member(struct propmap_build *b)
{
    b->member++;
}

static enum err_code no_memory(struct err *e)
{
    return err_set(e, ERR_LIMIT, "no memory left for the property map");
}

/* Slots are at most half full. */
static bool names_grow(struct propmap_build *b, struct names *n)
{
    uint32_t cap = n->cap ? n->cap * 2 : 16, slot_count = cap * 2;
    struct str *items = realloc(n->items, cap * sizeof *items);
    uint32_t *slots;

    if (!items)
        return false;
    n->items = items;
    slots = calloc(slot_count, sizeof *slots);
    if (!slots)
        return false;
    for (uint32_t i = 0; i < n->count; i++) {
        uint64_t at = hash_keyed(&b->key, items[i].p, items[i].n);

        while (slots[at & (slot_count - 1)])
            at++;
        slots[at & (slot_count - 1)] = i + 1;
    }
    free(n->slots);
    n->slots = slots;
    n->slot_count = slot_count;
    n->cap = cap;
    return true;
}

/* The name's number; *is_new when it was not there. PROPMAP_NONE: no memory. */
static uint32_t names_put(struct propmap_build *b, struct names *n, struct str name, bool *is_new)
{
    uint64_t at = hash_keyed(&b->key, name.p, name.n);
    const char *copy;

    *is_new = false;
    if (n->count == n->cap && !names_grow(b, n))
        return PROPMAP_NONE;
    for (;; at++) {
        uint32_t slot = n->slots[at & (n->slot_count - 1)];

        if (slot == 0)
            break;
        if (str_eq(n->items[slot - 1], name))
            return slot - 1;
    }
    copy = arena_strndup(b->arena, name.p, name.n);
    if (!copy)
        return PROPMAP_NONE;
    *is_new = true;
    n->slots[at & (n->slot_count - 1)] = n->count + 1;
    n->items[n->count] = (struct str){copy, name.n};
    return n->count++;
}

static enum err_code domain_put(struct propmap_build *b, const struct entity_domain *d,
                                uint32_t *out, struct err *e)
{
    struct entity_domain own;
    bool is_new;

    *out = names_put(b, &b->domains, d->name, &is_new);
    if (*out == PROPMAP_NONE)
        return no_memory(e);
    if (!is_new)
        return ERR_OK;
    if (b->domains.count > PROPMAP_DOMAINS_MAX)
        return err_set(e, ERR_LIMIT, "more than %u entity domains", PROPMAP_DOMAINS_MAX);
    if (b->domain_cap < b->domains.cap) {
        struct entity_domain *p = realloc(b->domain_names, b->domains.cap * sizeof *p);

        if (!p)
            return no_memory(e);
        b->domain_names = p;
        b->domain_cap = b->domains.cap;
    }
    if (entity_domain_parse(b->domains.items[*out], &own, e) != ERR_OK)
        return e->code;
    b->domain_names[*out] = own;
    return ERR_OK;
}

static enum err_code property_put(struct propmap_build *b, struct str name, uint32_t *out,
                                  struct err *e)
{
    bool is_new;

    *out = names_put(b, &b->properties, name, &is_new);
    if (*out == PROPMAP_NONE)
        return no_memory(e);
    if (!is_new)
        return ERR_OK;
    if (b->properties.count > PROPMAP_PROPERTIES_MAX)
        return err_set(e, ERR_LIMIT, "more than %u properties", PROPMAP_PROPERTIES_MAX);
    return entity_property_parse(name, NULL, NULL, NULL, e);
}

/* Most values are strings that are in their one form already. */
static enum err_code text_put(struct propmap_build *b, struct str value, uint32_t *out,
                              struct err *e)
{
    const char *last = value.n > 1 ? value.p + value.n - 1 : NULL;
    bool is_new;

    if (!last || *value.p != '"' || *last != '"' || value.n > JSON_VALUE_MAX ||
        json_text_plain(value.p + 1, last) != last) {
        enum err_code rc;

        b->scratch.len = 0;
        rc = json_value_canon(value, &b->scratch, e);
        if (rc != ERR_OK)
            return rc;
        value = (struct str){b->scratch.data, b->scratch.len};
    }
    *out = names_put(b, &b->texts, value, &is_new);
    return *out == PROPMAP_NONE ? no_memory(e) : ERR_OK;
}

static enum err_code entry_put(struct propmap_build *b, const struct entity *entity,
                               struct entry *made, struct err *e)
{
    const struct entry *last = b->entry_count ? &b->entries[b->entry_count - 1] : NULL;

    if (entity_is_prefix(entity->domain.kind)) {
        made->prefix = entity->prefix;
    } else if (last && last->domain == made->domain && str_eq(last->id, entity->id)) {
        made->id = last->id;
    } else {
        made->id = (struct str){arena_strndup(b->arena, entity->id.p, entity->id.n), entity->id.n};
        if (!made->id.p)
            return no_memory(e);
    }
    if (b->entry_count == b->entry_cap) {
        size_t cap = b->entry_cap ? b->entry_cap * 2 : 256;
        struct entry *p;

        if (b->entry_count >= PROPMAP_VALUES_MAX)
            return err_set(e, ERR_LIMIT, "more than %u properties of entities", PROPMAP_VALUES_MAX);
        p = realloc(b->entries, cap * sizeof *p);
        if (!p)
            return no_memory(e);
        b->entries = p;
        b->entry_cap = cap;
    }
    assert(b->entries);
    b->entries[b->entry_count++] = *made;
    return ERR_OK;
}

enum err_code propmap_build_add(struct propmap_build *b, struct str entity, struct str property,
                                struct str value, struct err *e)
{
    struct entry made = {.member = b->member};
    struct entity name;
    struct err inner = {0};
    enum err_code rc = entity_parse(entity, &name, &inner);

    if (rc == ERR_OK)
        rc = domain_put(b, &name.domain, &made.domain, &inner);
    if (rc == ERR_OK)
        rc = property_put(b, property, &made.property, &inner);
    if (rc == ERR_OK)
        rc = text_put(b, value, &made.text, &inner);
    if (rc == ERR_OK)
        rc = entry_put(b, &name, &made, &inner);
    return rc == ERR_OK ? ERR_OK : err_set(e, rc, "%s", inner.text);
}

enum err_code propmap_build_add_string(struct propmap_build *b, struct str entity,
                                       struct str property, struct str text, struct err *e)
{
    struct json_write w;

    b->quoted.len = 0;
    json_write_init(&w, &b->quoted);
    json_write_string(&w, text);
    if (!json_write_done(&w))
        return no_memory(e);
    return propmap_build_add(b, entity, property, (struct str){b->quoted.data, b->quoted.len}, e);
}

static size_t depend_find(const struct vtag *list, size_t n, struct str id)
{
    size_t i = 0;

    while (i < n && !str_eq(str_from(list[i].resource_id), id))
        i++;
    return i;
}

enum err_code propmap_build_depends(struct propmap_build *b, const struct vtag *on, struct err *e)
{
    struct str id = str_from(on->resource_id);
    enum err_code rc = vtag_check_name("resource id", id, e);
    struct vtag *p;

    if (rc == ERR_OK && on->tag[0])
        rc = vtag_check_tag(str_from(on->tag), e);
    if (rc != ERR_OK)
        return rc;
    if (depend_find(b->depends, b->depend_count, id) < b->depend_count)
        return err_set(e, ERR_CONFLICT, "\"%s\" is named twice among the resources depended on",
                       on->resource_id);
    if (b->depend_count == PROPMAP_DEPENDS_MAX)
        return err_set(e, ERR_LIMIT, "more than %u resources depended on", PROPMAP_DEPENDS_MAX);
    p = realloc(b->depends, (b->depend_count + 1) * sizeof *p);
    if (!p)
        return no_memory(e);
    b->depends = p;
    p[b->depend_count++] = *on;
    return ERR_OK;
}

/* ---- the freeze */

static int by_name(const void *a, const void *b, void *names)
{
    const struct str *items = names;

    return str_cmp(items[*(const uint32_t *)a], items[*(const uint32_t *)b]);
}

/* rank[number] = its place in order of name, order[place] = number. */
static bool rank_names(const struct names *n, uint32_t **rank, uint32_t **order)
{
    *rank = calloc(n->count + 1u, sizeof **rank);
    *order = calloc(n->count + 1u, sizeof **order);
    if (!*rank || !*order)
        return false;
    for (uint32_t i = 0; i < n->count; i++)
        (*order)[i] = i;
    if (n->count > 1)
        qsort_r(*order, n->count, sizeof **order, by_name, n->items);
    for (uint32_t i = 0; i < n->count; i++)
        (*rank)[(*order)[i]] = i;
    return true;
}

static int entity_cmp(const struct entry *x, const struct entry *y,
                      const struct propmap_domain *domains)
{
    if (x->domain != y->domain)
        return x->domain < y->domain ? -1 : 1;
    if (entity_is_prefix(domains[x->domain].name.kind))
        return prefix_cmp(&x->prefix, &y->prefix);
    return str_cmp(x->id, y->id);
}

static int entry_cmp(const void *a, const void *b, void *domains)
{
    const struct entry *x = a, *y = b;
    int c = entity_cmp(x, y, domains);

    return c ? c : (x->property > y->property) - (x->property < y->property);
}

static void sort_entries(struct propmap_build *b, struct propmap_domain *domains)
{
    for (size_t i = 1; i < b->entry_count; i++)
        if (entry_cmp(&b->entries[i - 1], &b->entries[i], domains) > 0) {
            qsort_r(b->entries, b->entry_count, sizeof *b->entries, entry_cmp, domains);
            return;
        }
}

static enum err_code twice(const struct propmap *m, const struct entry *at, bool whole,
                           struct err *e)
{
    const struct propmap_domain *d = &m->domains[at->domain];
    char text[PREFIX_TEXT_MAX], shown[160];
    struct str id;

    id = entity_is_prefix(d->name.kind) ? str_from(entity_prefix_format(at->prefix, text)) : at->id;
    bytes_escape(id.p, id.n, shown, sizeof shown);
    if (whole)
        return err_set(e, ERR_CONFLICT, "property-map.%.*s:%s stands there twice",
                       (int)d->name.name.n, d->name.name.p, shown);
    return err_set(e, ERR_CONFLICT, "property-map.%.*s:%s.%.*s has two values", (int)d->name.name.n,
                   d->name.name.p, shown, (int)m->properties[at->property].n,
                   m->properties[at->property].p);
}

/* Repeats go; counts the entities of each domain. */
static enum err_code fold_entries(struct propmap_build *b, const struct propmap *m,
                                  struct propmap_domain *domains, struct err *e)
{
    struct entry *v = b->entries;
    size_t kept = 0;

    for (size_t i = 0; i < b->entry_count; i++) {
        struct entry *last = kept ? &v[kept - 1] : NULL;

        if (!last || entity_cmp(last, &v[i], domains) != 0) {
            domains[v[i].domain].entity_count++;
        } else if (last->member != v[i].member) {
            return twice(m, &v[i], true, e);
        } else if (last->property == v[i].property) {
            if (last->text != v[i].text || v[i].member)
                return twice(m, &v[i], false, e);
            continue;
        }
        v[kept++] = v[i];
    }
    b->entry_count = kept;
    return ERR_OK;
}

/* What covers what: the entities are in order, so a stack of those around the current one will do.
 */
static void nest(struct propmap_entity *v, uint32_t n)
{
    uint32_t around[130], depth = 0; /* lengths 0..128 nest */

    for (uint32_t i = 0; i < n; i++) {
        while (depth && !prefix_has(v[around[depth - 1]].prefix, v[i].prefix.addr))
            v[around[--depth]].end = i;
        v[i].up = depth ? around[depth - 1] : PROPMAP_NONE;
        around[depth++] = i;
    }
    while (depth)
        v[around[--depth]].end = n;
}

static bool fill_properties(struct propmap_build *b, const struct propmap *m,
                            const struct entry *from, size_t n, struct propmap_domain *d)
{
    bool *has = calloc(m->property_count + 1u, sizeof *has);
    uint32_t *list;

    if (!has)
        return false;
    for (size_t i = 0; i < n; i++) {
        d->property_count += !has[from[i].property];
        has[from[i].property] = true;
    }
    list = arena_array(b->arena, d->property_count, sizeof *list);
    d->properties = list;
    for (uint32_t p = 0; list && p < m->property_count; p++)
        if (has[p])
            *list++ = p;
    free(has);
    return list != NULL;
}

/* One domain's entities from the entries at *at on. */
static bool fill_domain(struct propmap_build *b, const struct propmap *m,
                        struct propmap_value *values, struct propmap_domain *d, size_t *at)
{
    struct propmap_entity *v = arena_array(b->arena, d->entity_count, sizeof *v);
    const size_t first = *at;
    bool prefixes = entity_is_prefix(d->name.kind);
    uint32_t n = 0;

    if (!v)
        return false;
    for (; *at < b->entry_count && b->entries[*at].domain == b->entries[first].domain; ++*at) {
        const struct entry *x = &b->entries[*at];

        if (*at == first || entity_cmp(x - 1, x, m->domains) != 0) {
            v[n] =
                (struct propmap_entity){.first = (uint32_t)*at, .up = PROPMAP_NONE, .end = n + 1};
            if (prefixes)
                v[n].prefix = x->prefix;
            else
                v[n].id = x->id;
            n++;
        }
        v[n - 1].count++;
        values[*at] = (struct propmap_value){x->property, x->text};
    }
    if (prefixes)
        nest(v, n);
    d->entities = v;
    return fill_properties(b, m, b->entries + first, *at - first, d);
}

static void content_hash(struct propmap *m, struct vtag_hash *h)
{
    for (size_t i = 0; i < m->domain_count; i++) {
        const struct propmap_domain *d = &m->domains[i];
        uint64_t count = d->entity_count;

        vtag_hash_add_str(h, d->name.name);
        vtag_hash_add(h, &count, sizeof count);
        for (uint32_t k = 0; k < d->entity_count; k++) {
            const struct propmap_entity *x = &d->entities[k];
            uint64_t words[4] = {x->count, 0, 0, 0};

            if (entity_is_prefix(d->name.kind)) {
                words[1] = x->prefix.addr.hi;
                words[2] = x->prefix.addr.lo;
                words[3] = x->prefix.len;
            }
            vtag_hash_add(h, words, sizeof words);
            if (!entity_is_prefix(d->name.kind))
                vtag_hash_add_str(h, x->id);
            for (uint32_t j = 0; j < x->count; j++) {
                vtag_hash_add_str(h, m->properties[m->values[x->first + j].property]);
                vtag_hash_add_str(h, m->texts[m->values[x->first + j].text]);
            }
        }
    }
    for (size_t i = 0; i < m->depend_count; i++) {
        vtag_hash_add_str(h, str_from(m->depends[i].resource_id));
        vtag_hash_add_str(h, str_from(m->depends[i].tag));
    }
    vtag_hash_finish(h, m->tag);
}

static void depend_also(struct vtag *list, size_t *n, struct str id)
{
    if (id.n == 0 || depend_find(list, *n, id) < *n)
        return;
    list[*n] = (struct vtag){.tag = ""};
    memcpy(list[*n].resource_id, id.p, id.n); /* vtag_check_name held it to the array */
    ++*n;
}

static bool fill_depends(struct propmap_build *b, struct propmap *m)
{
    struct vtag *list =
        arena_array(b->arena, b->depend_count + m->domain_count + m->property_count, sizeof *list);
    size_t n = b->depend_count;

    if (!list)
        return false;
    if (n)
        memcpy(list, b->depends, n * sizeof *list);
    for (size_t i = 0; i < m->domain_count; i++)
        depend_also(list, &n, m->domains[i].name.resource);
    for (uint32_t i = 0; i < m->property_count; i++) {
        struct str resource = {NULL, 0};

        if (entity_property_parse(m->properties[i], &resource, NULL, NULL, NULL) == ERR_OK)
            depend_also(list, &n, resource);
    }
    m->depends = list;
    m->depend_count = n;
    return true;
}

/* Domains and properties in order of name, and the entries say so. */
static bool fill_names(struct propmap_build *b, struct propmap *m, struct propmap_domain *domains)
{
    struct str *properties = arena_array(b->arena, b->properties.count, sizeof *properties);
    struct str *texts = arena_array(b->arena, b->texts.count, sizeof *texts);
    uint32_t *d_rank = NULL, *d_order = NULL, *p_rank = NULL, *p_order = NULL;
    bool good = properties && texts && rank_names(&b->domains, &d_rank, &d_order) &&
                rank_names(&b->properties, &p_rank, &p_order);

    if (good) {
        for (uint32_t i = 0; i < b->domains.count; i++)
            domains[i].name = b->domain_names[d_order[i]];
        for (uint32_t i = 0; i < b->properties.count; i++)
            properties[i] = b->properties.items[p_order[i]];
        if (b->texts.count)
            memcpy(texts, b->texts.items, b->texts.count * sizeof *texts);
        for (size_t i = 0; i < b->entry_count; i++) {
            b->entries[i].domain = d_rank[b->entries[i].domain];
            b->entries[i].property = p_rank[b->entries[i].property];
        }
        m->properties = properties;
        m->property_count = b->properties.count;
        m->texts = texts;
    }
    free(d_rank);
    free(d_order);
    free(p_rank);
    free(p_order);
    return good;
}

enum err_code propmap_build_freeze(struct propmap_build *b, const struct propmap **out,
                                   struct err *e)
{
    struct propmap *m = arena_array(b->arena, 1, sizeof *m);
    struct propmap_domain *domains = arena_array(b->arena, b->domains.count, sizeof *domains);
    struct propmap_value *values;
    struct vtag_hash *h;
    size_t at = 0;
    enum err_code rc;

    if (!m || !domains || !fill_names(b, m, domains))
        return no_memory(e);
    m->domains = domains;
    m->domain_count = b->domains.count;
    sort_entries(b, domains);
    rc = fold_entries(b, m, domains, e);
    if (rc != ERR_OK)
        return rc;
    values = arena_array(b->arena, b->entry_count, sizeof *values);
    m->values = values;
    for (size_t i = 0; i < m->domain_count; i++)
        if (!values || !fill_domain(b, m, values, &domains[i], &at))
            return no_memory(e);
    h = fill_depends(b, m) ? vtag_hash_new() : NULL;
    if (!h)
        return no_memory(e);
    content_hash(m, h);
    *out = m;
    return ERR_OK;
}
