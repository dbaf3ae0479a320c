#include <stdlib.h>
#include <string.h>

#include "alto/cdni_internal.h"
#include "alto/entity.h"
#include "alto/propmap.h"

/* A value of a footprint, and the capability that it belongs to. */
struct place {
    enum footprint_type type;
    struct prefix prefix; /* of ipv4cidr, ipv6cidr */
    struct str text;      /* of the others */
    uint32_t capability;  /* the first that is the same: type and value */
};

struct places {
    const struct cdni_advert *advert;
    struct str network_id;
    struct place *list;
    size_t count, cap;
    bool *everywhere; /* [capabilities] */
    bool *here;       /* [capabilities] scratch */
    struct bytes entity, property, value;
};

static enum err_code no_memory(struct err *e)
{
    return err_set(e, ERR_LIMIT, "no memory left for the properties of footprints");
}

static bool place_add(struct places *p, const struct place *add)
{
    if (p->count == p->cap) {
        size_t cap = p->cap ? p->cap * 2 : 256;
        struct place *list = realloc(p->list, cap * sizeof *list);

        if (!list)
            return false;
        p->list = list;
        p->cap = cap;
    }
    p->list[p->count++] = *add;
    return true;
}

static bool is_prefix(enum footprint_type t)
{
    return t == FOOTPRINT_IPV4CIDR || t == FOOTPRINT_IPV6CIDR;
}

static bool footprint_add(struct places *p, const struct cdni_footprint *f, uint32_t capability)
{
    struct place place = {.capability = capability};

    for (size_t i = 0; i < f->part_count; i++)
        if (!footprint_add(p, &f->parts[i], capability))
            return false;
    if (!footprint_type_find(f->type, &place.type))
        return true;
    for (size_t i = 0; i < f->count; i++) {
        place.text = f->values[i];
        if (is_prefix(place.type) &&
            prefix_parse(place.text.p, place.text.n, &place.prefix, NULL) != ERR_OK)
            continue; /* cannot be: the advertisement is checked */
        if (!place_add(p, &place))
            return false;
    }
    return true;
}

/* The same capability may stand several times with other footprints. */
static uint32_t first_of(const struct cdni_advert *a, uint32_t i)
{
    uint32_t k = 0;

    while (k < i && !(str_eq(a->items[k].type, a->items[i].type) &&
                      str_eq(a->items[k].value, a->items[i].value)))
        k++;
    return k;
}

static bool places_fill(struct places *p)
{
    bool any = false;
    struct place all = {.prefix = {{0, 0}, 0}};

    for (uint32_t i = 0; i < p->advert->count; i++) {
        const struct cdni_capability *c = &p->advert->items[i];
        uint32_t first = first_of(p->advert, i);

        any |= p->everywhere[first] |= c->count == 0;
        for (size_t k = 0; k < c->count; k++)
            if (!footprint_add(p, &c->footprints[k], first))
                return false;
    }
    if (!any)
        return true;
    while (!p->everywhere[all.capability])
        all.capability++;
    all.type = FOOTPRINT_IPV6CIDR;
    if (!place_add(p, &all))
        return false;
    all.type = FOOTPRINT_IPV4CIDR;
    all.prefix = (struct prefix){addr_from_v4(0), ADDR_V4_BITS};
    return place_add(p, &all);
}

static int entity_cmp(const struct place *x, const struct place *y)
{
    if (x->type != y->type)
        return x->type < y->type ? -1 : 1;
    return is_prefix(x->type) ? prefix_cmp(&x->prefix, &y->prefix) : str_cmp(x->text, y->text);
}

static int place_cmp(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    int c = entity_cmp(x, y);

    return c ? c : (x->capability > y->capability) - (x->capability < y->capability);
}

static bool entity_name(struct places *p, const struct place *at)
{
    struct str network = p->network_id, name = at->text;
    char text[PREFIX_TEXT_MAX];

    p->entity.len = 0;
    switch (at->type) {
    case FOOTPRINT_IPV4CIDR:
        return bytes_printf(&p->entity, "ipv4:%s", entity_prefix_format(at->prefix, text));
    case FOOTPRINT_IPV6CIDR:
        return bytes_printf(&p->entity, "ipv6:%s", entity_prefix_format(at->prefix, text));
    case FOOTPRINT_ALTOPID: /* "networkmap.PID1" is that PID too */
        if (name.n > network.n + 1 && name.p[network.n] == '.' &&
            memcmp(name.p, network.p, network.n) == 0)
            name = (struct str){name.p + network.n + 1, name.n - network.n - 1};
        return bytes_printf(&p->entity, "%.*s.pid:%.*s", (int)network.n, network.p, (int)name.n,
                            name.p);
    default:
        return bytes_printf(&p->entity, "%s:%.*s", footprint_type_name(at->type), (int)at->text.n,
                            at->text.p);
    }
}

/* [{"capability-type":..,"capability-value":..},..] of those that are here or everywhere. */
static bool value_write(struct places *p)
{
    struct json_write w;

    p->value.len = 0;
    json_write_init(&w, &p->value);
    json_write_array(&w);
    for (size_t i = 0; i < p->advert->count; i++) {
        const struct cdni_capability *c = &p->advert->items[i];
        struct cdni_capability alone = {.type = c->type, .value = c->value};

        if (p->here[i] || p->everywhere[i])
            cdni_capability_write(&w, &alone);
    }
    json_write_array_end(&w);
    return json_write_done(&w);
}

/* Those of the run [from, to), and of the prefixes around it: `around` are indices of the runs'
 * beginnings. */
static void gather(struct places *p, const size_t *around, unsigned depth, size_t from, size_t to)
{
    for (size_t i = 0; i < p->advert->count; i++)
        p->here[i] = false;
    for (unsigned d = 0; d < depth; d++)
        for (size_t i = around[d];
             i < p->count && entity_cmp(&p->list[i], &p->list[around[d]]) == 0; i++)
            p->here[p->list[i].capability] = true;
    for (size_t i = from; i < to; i++)
        p->here[p->list[i].capability] = true;
}

static enum err_code places_write(struct places *p, struct propmap_build *b, struct err *e)
{
    size_t around[130]; /* lengths 0..128 nest */
    unsigned depth = 0;

    for (size_t i = 0, end; i < p->count; i = end) {
        const struct place *at = &p->list[i];
        enum err_code rc;

        for (end = i + 1; end < p->count && entity_cmp(at, &p->list[end]) == 0; end++)
            ;
        while (depth && (!is_prefix(at->type) || p->list[around[depth - 1]].type != at->type ||
                         !prefix_has(p->list[around[depth - 1]].prefix, at->prefix.addr)))
            depth--;
        gather(p, around, depth, i, end);
        if (is_prefix(at->type))
            around[depth++] = i;
        if (!entity_name(p, at) || !value_write(p))
            return no_memory(e);
        rc = propmap_build_add(b, (struct str){p->entity.data, p->entity.len},
                               (struct str){p->property.data, p->property.len},
                               (struct str){p->value.data, p->value.len}, e);
        if (rc != ERR_OK)
            return rc;
    }
    return ERR_OK;
}

enum err_code cdni_advert_properties(const struct cdni_advert *a, struct str advert_id,
                                     struct str network_id, struct propmap_build *b, struct err *e)
{
    struct places p = {.advert = a, .network_id = network_id};
    enum err_code rc = ERR_OK;

    p.everywhere = calloc(a->count + 1, sizeof *p.everywhere);
    p.here = calloc(a->count + 1, sizeof *p.here);
    if (!p.everywhere || !p.here || !places_fill(&p) ||
        !bytes_printf(&p.property, "%.*s." CDNI_PROPERTY, (int)advert_id.n, advert_id.p))
        rc = no_memory(e);
    if (rc == ERR_OK && p.count > 1)
        qsort(p.list, p.count, sizeof *p.list, place_cmp);
    if (rc == ERR_OK)
        rc = places_write(&p, b, e);
    free(p.list);
    free(p.everywhere);
    free(p.here);
    bytes_free(&p.entity);
    bytes_free(&p.property);
    bytes_free(&p.value);
    return rc;
}
