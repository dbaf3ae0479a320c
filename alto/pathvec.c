#include "alto/pathvec.h"

#include "alto/pathvec_internal.h"

const char *path_vectors_tag(const struct path_vectors *p)
{
    return p->tag;
}

size_t path_vectors_properties(const struct path_vectors *p)
{
    return p->property_count;
}

struct str path_vectors_property(const struct path_vectors *p, size_t i)
{
    return propmap_property(p->props, p->domain, i);
}

const uint32_t *path_vectors_get(const struct path_vectors *p, pidx src, pidx dst, uint32_t *count)
{
    uint32_t low, high;

    if (src >= p->map->pid_count)
        return NULL;
    low = p->first[src];
    high = p->first[src + 1];
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (p->pairs[mid].dst < dst)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == p->first[src + 1] || p->pairs[low].dst != dst)
        return NULL;
    *count = p->pairs[low].count;
    return p->hops + p->pairs[low].at;
}

uint32_t path_vectors_elements(const struct path_vectors *p)
{
    return p->element_count;
}

struct str path_vectors_element(const struct path_vectors *p, uint32_t i)
{
    const size_t skip = sizeof PATHVEC_DOMAIN - 1;

    return (struct str){p->elements[i].p + skip, p->elements[i].n - skip};
}

struct str path_vectors_value(const struct path_vectors *p, uint32_t element, struct str property)
{
    if (!p->props)
        return (struct str){NULL, 0};
    return propmap_get(p->props, p->elements[element], property);
}

size_t path_vectors_depends(const struct path_vectors *p)
{
    return p->depend_count;
}

const struct vtag *path_vectors_depend(const struct path_vectors *p, size_t i)
{
    return &p->depends[i];
}
