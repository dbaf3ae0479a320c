#include "alto/propmap.h"

#include <stdlib.h>
#include <string.h>

#include "alto/propmap_internal.h"

static int name_to_domain(const void *key, const void *domain)
{
    return str_cmp(*(const struct str *)key, ((const struct propmap_domain *)domain)->name.name);
}

const struct propmap_domain *propmap_domain_find(const struct propmap *m, struct str name)
{
    if (m->domain_count == 0)
        return NULL;
    return bsearch(&name, m->domains, m->domain_count, sizeof *m->domains, name_to_domain);
}

static int name_to_property(const void *key, const void *name)
{
    return str_cmp(*(const struct str *)key, *(const struct str *)name);
}

uint32_t propmap_property_find(const struct propmap *m, struct str name)
{
    const struct str *found = m->property_count ? bsearch(&name, m->properties, m->property_count,
                                                          sizeof *found, name_to_property)
                                                : NULL;

    return found ? (uint32_t)(found - m->properties) : PROPMAP_NONE;
}

static int id_to_entity(const void *key, const void *entity)
{
    return str_cmp(*(const struct str *)key, ((const struct propmap_entity *)entity)->id);
}

uint32_t propmap_entity_find(const struct propmap_domain *d, struct str id)
{
    const struct propmap_entity *found =
        d->entity_count ? bsearch(&id, d->entities, d->entity_count, sizeof *found, id_to_entity)
                        : NULL;

    return found ? (uint32_t)(found - d->entities) : PROPMAP_NONE;
}

/* How many entities come before p, or are p. */
static uint32_t up_to(const struct propmap_domain *d, struct prefix p)
{
    uint32_t low = 0, high = d->entity_count;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (prefix_cmp(&d->entities[mid].prefix, &p) <= 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

uint32_t propmap_covering(const struct propmap_domain *d, struct prefix p)
{
    uint32_t i = up_to(d, p);

    /* What covers p comes before it, and covers or is covered by all that stands in between: it is
     * the last one before p, or one of those that cover that one. */
    i = i ? i - 1 : PROPMAP_NONE;
    while (i != PROPMAP_NONE &&
           (d->entities[i].prefix.len > p.len || !prefix_has(d->entities[i].prefix, p.addr)))
        i = d->entities[i].up;
    return i;
}

void propmap_covered(const struct propmap_domain *d, struct prefix p, uint32_t *from, uint32_t *to)
{
    *from = up_to(d, p);
    *to = up_to(d, (struct prefix){addr_mask_last(p.addr, p.len), 128});
    if (*to < *from)
        *to = *from;
}

uint32_t propmap_own(const struct propmap *m, const struct propmap_entity *entity,
                     uint32_t property)
{
    const struct propmap_value *v = m->values + entity->first;

    for (uint32_t i = 0; i < entity->count && v[i].property <= property; i++)
        if (v[i].property == property)
            return v[i].text;
    return PROPMAP_NONE;
}

uint32_t propmap_effective(const struct propmap *m, const struct propmap_domain *d, uint32_t entity,
                           uint32_t property)
{
    for (; entity != PROPMAP_NONE; entity = d->entities[entity].up) {
        uint32_t text = propmap_own(m, &d->entities[entity], property);

        if (text != PROPMAP_NONE)
            return text;
    }
    return PROPMAP_NONE;
}

size_t propmap_domains(const struct propmap *m)
{
    return m->domain_count;
}

struct str propmap_domain(const struct propmap *m, size_t i)
{
    return m->domains[i].name.name;
}

size_t propmap_properties(const struct propmap *m, size_t domain)
{
    return m->domains[domain].property_count;
}

struct str propmap_property(const struct propmap *m, size_t domain, size_t i)
{
    return m->properties[m->domains[domain].properties[i]];
}

size_t propmap_depends(const struct propmap *m)
{
    return m->depend_count;
}

const struct vtag *propmap_depend(const struct propmap *m, size_t i)
{
    return &m->depends[i];
}

const char *propmap_tag(const struct propmap *m)
{
    return m->tag;
}

struct str propmap_get(const struct propmap *m, struct str entity, struct str property)
{
    const struct propmap_domain *d;
    struct entity name;
    uint32_t p = propmap_property_find(m, property), at, text;

    if (p == PROPMAP_NONE || entity_parse(entity, &name, NULL) != ERR_OK)
        return (struct str){NULL, 0};
    d = propmap_domain_find(m, name.domain.name);
    if (!d)
        return (struct str){NULL, 0};
    at = entity_is_prefix(name.domain.kind) ? propmap_covering(d, name.prefix)
                                            : propmap_entity_find(d, name.id);
    text = propmap_effective(m, d, at, p);
    if (text == PROPMAP_NONE || str_eq(m->texts[text], STR("null")))
        return (struct str){NULL, 0};
    return m->texts[text];
}
