#include "daemon/alto_facts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LITERAL(x)                                                                                 \
    {                                                                                              \
        x, sizeof(x) - 1                                                                           \
    }

/* ---- streamers as entities */

struct facts {
    const struct view *v;
    const struct live *live;
    struct propmap_build *build;
    struct bytes pid; /* "<network>.pid" */
    struct bytes entity;
};

/* An address of a streamer. */
struct address {
    struct addr addr;
    sidx streamer;
    bool v6;
};

static enum err_code no_memory(struct err *e)
{
    return err_set(e, ERR_LIMIT, "no memory left for the streamers' facts");
}

static struct str text(const struct bytes *b)
{
    return (struct str){b->len ? b->data : "", b->len};
}

static bool has_family(const struct streamer_conf *c, bool v6)
{
    return c->can & (v6 ? STREAMER_V6 : STREAMER_V4);
}

static enum usable usable_of(const struct facts *f, const struct view_streamer *s, bool v6)
{
    return has_family(s->conf, v6) ? live_usable(live_health_get(f->live, s->live), v6) : USABLE_NO;
}

static struct str state_of(const struct facts *f, const struct view_streamer *s, bool v6)
{
    static const struct str health[] = {
        [HEALTH_UNKNOWN] = LITERAL("unknown"),
        [HEALTH_UP] = LITERAL("up"),
        [HEALTH_DOWN] = LITERAL("down"),
        [HEALTH_SUSPECT] = LITERAL("suspect"),
    };
    health_word w = live_health_get(f->live, s->live);

    switch (live_admin_of(w)) {
    case ADMIN_DRAIN:
        return live_usable(w, v6) == USABLE_NO ? STR("down") : STR("drain");
    case ADMIN_DOWN:
        return STR("down");
    case ADMIN_FORCED:
        return STR("forced");
    case ADMIN_UP:
        break;
    }
    return health[live_health_of(w, v6)];
}

/* The family by which it is best off; of two alike the one that is known to be up. */
static bool best_family(const struct facts *f, const struct view_streamer *s)
{
    enum usable v4 = usable_of(f, s, false), v6 = usable_of(f, s, true);

    if (v4 != v6 || has_family(s->conf, false) != has_family(s->conf, true))
        return v6 > v4 || !has_family(s->conf, false);
    return live_health_of(live_health_get(f->live, s->live), false) != HEALTH_UP;
}

static enum err_code put(struct facts *f, struct str property, struct str value, struct err *e)
{
    return propmap_build_add_string(f->build, text(&f->entity), property, value, e);
}

static enum err_code put_pid(struct facts *f, const struct view_streamer *s, struct err *e)
{
    if (s->pid == PIDX_NONE || !f->v->netmap)
        return ERR_OK;
    return put(f, text(&f->pid), f->v->netmap->pids[s->pid].name, e);
}

static enum err_code put_number(struct facts *f, struct str property, double v, int decimals,
                                struct err *e)
{
    char out[400]; /* what a double may be in full */

    snprintf(out, sizeof out, "%.*f", decimals, v);
    return put(f, property, str_from(out), e);
}

static enum err_code put_load(struct facts *f, const struct view_streamer *s, bool usable,
                              struct err *e)
{
    const double capacity = s->conf->capacity;
    double load = live_sessions(f->live, s->live) * (double)live_scale(f->live, s->live) / capacity;
    enum err_code rc;

    load = round(load * 100) / 100;
    rc = put_number(f, STR("priv:capacity"), capacity, 0, e);
    if (rc == ERR_OK)
        rc = put_number(f, STR("priv:load"), load, 2, e);
    if (rc == ERR_OK)
        rc = put_number(f, STR("priv:available"),
                        usable && load < 1 ? floor(capacity * (1 - load)) : 0, 0, e);
    return rc;
}

static enum err_code streamer_put(struct facts *f, const struct view_streamer *s, struct err *e)
{
    bool v6 = best_family(f, s), usable = usable_of(f, s, v6) >= USABLE_SUSPECT;
    enum err_code rc;

    f->entity.len = 0;
    if (!bytes_printf(&f->entity, "priv:streamer:%.*s", (int)s->conf->name.n, s->conf->name.p))
        return no_memory(e);
    rc = put_pid(f, s, e);
    if (rc == ERR_OK)
        rc = put(f, STR("priv:state"), state_of(f, s, v6), e);
    if (rc == ERR_OK && s->conf->capacity > 0)
        rc = put_load(f, s, usable, e);
    return rc;
}

static int address_cmp(const void *a, const void *b)
{
    const struct address *x = a, *y = b;
    int c = addr_cmp(x->addr, y->addr);

    return c ? c : (x->streamer > y->streamer) - (x->streamer < y->streamer);
}

static enum err_code address_put(struct facts *f, const struct address *a, struct err *e)
{
    const struct view_streamer *s = &f->v->streamers[a->streamer];
    char shown[ADDR_TEXT_MAX];
    enum err_code rc;

    f->entity.len = 0;
    if (!bytes_printf(&f->entity, "ipv%c:%s", a->v6 ? '6' : '4', addr_format(a->addr, shown)))
        return no_memory(e);
    rc = put_pid(f, s, e);
    if (rc == ERR_OK)
        rc = put(f, STR("priv:state"), state_of(f, s, a->v6), e);
    if (rc == ERR_OK)
        rc = put(f, STR("priv:streamer"), s->conf->name, e);
    return rc;
}

static enum err_code addresses_put(struct facts *f, struct err *e)
{
    struct address *list = calloc(2 * (size_t)f->v->streamer_count + 1, sizeof *list);
    enum err_code rc = list ? ERR_OK : no_memory(e);
    size_t n = 0;

    for (sidx i = 0; list && i < f->v->streamer_count; i++) {
        const struct streamer_conf *c = f->v->streamers[i].conf;

        if (has_family(c, false))
            list[n++] = (struct address){c->v4, i, false};
        if (has_family(c, true))
            list[n++] = (struct address){c->v6, i, true};
    }
    if (n > 1)
        qsort(list, n, sizeof *list, address_cmp);
    for (size_t i = 0; i < n && rc == ERR_OK; i++)
        if (i == 0 || !addr_eq(list[i - 1].addr, list[i].addr))
            rc = address_put(f, &list[i], e);
    free(list);
    return rc;
}

struct str alto_facts_network_id(const struct view *v)
{
    if (v->netmap && v->netmap->vtag.resource_id[0])
        return str_from(v->netmap->vtag.resource_id);
    return STR("networkmap");
}

enum err_code alto_facts_props(const struct view *v, const struct live *live, struct str network_id,
                               struct arena *arena, const struct propmap **out, struct err *e)
{
    struct facts f = {.v = v, .live = live, .build = propmap_build_new(arena)};
    const struct str id = network_id.n ? network_id : alto_facts_network_id(v);
    enum err_code rc = ERR_OK;

    *out = NULL;
    if (!f.build || !bytes_printf(&f.pid, "%.*s.pid", (int)id.n, id.p))
        rc = no_memory(e);
    for (sidx i = 0; i < v->streamer_count && rc == ERR_OK; i++)
        rc = streamer_put(&f, &v->streamers[i], e);
    if (rc == ERR_OK)
        rc = addresses_put(&f, e);
    if (rc == ERR_OK)
        rc = propmap_build_freeze(f.build, out, e);
    propmap_build_free(f.build);
    bytes_free(&f.pid);
    bytes_free(&f.entity);
    return rc;
}

/* ---- the advertisement */

struct offer {
    const struct view *v;
    const struct live *live;
    struct arena *arena;
    struct cdni_capability *items;
    size_t count, max;
};

#define PROTOCOLS (STREAMER_HTTP | STREAMER_HTTPS)
#define TYPES     ((unsigned)FOOTPRINT_UNION)

static bool gets_clients(const struct offer *o, const struct view_streamer *s)
{
    const struct facts f = {.v = o->v, .live = o->live};

    return usable_of(&f, s, false) >= USABLE_SUSPECT || usable_of(&f, s, true) >= USABLE_SUSPECT;
}

static bool capability_put(struct offer *o, unsigned protocols,
                           const struct cdni_footprint *footprints, size_t n)
{
    static const struct str values[] = {
        [STREAMER_HTTP] = LITERAL("{\"delivery-protocols\":[\"http/1.1\"]}"),
        [STREAMER_HTTPS] = LITERAL("{\"delivery-protocols\":[\"https/1.1\"]}"),
        [PROTOCOLS] = LITERAL("{\"delivery-protocols\":[\"http/1.1\",\"https/1.1\"]}"),
    };

    if (o->count == o->max)
        return false;
    o->items[o->count++] = (struct cdni_capability){.type = STR("FCI.DeliveryProtocol"),
                                                    .value = values[protocols],
                                                    .footprints = footprints,
                                                    .count = n};
    return true;
}

/* "networkmap.PID1" is "PID1" in an advertisement, which says apart what map it depends on. */
static struct str value_of(const struct offer *o, enum footprint_type t, struct str value)
{
    struct str id = alto_facts_network_id(o->v);

    if (t == FOOTPRINT_ALTOPID && value.n > id.n + 1 && value.p[id.n] == '.' &&
        memcmp(value.p, id.p, id.n) == 0)
        return (struct str){value.p + id.n + 1, value.n - id.n - 1};
    return value;
}

static bool footprint_copy(const struct offer *o, const struct footprint_conf *from,
                           struct cdni_footprint *to)
{
    struct str *values = arena_array(o->arena, from->value_count, sizeof *values);
    struct cdni_footprint *parts = arena_array(o->arena, from->part_count, sizeof *parts);

    if (!values || !parts)
        return false;
    for (size_t i = 0; i < from->value_count; i++)
        values[i] = value_of(o, from->type, from->values[i]);
    for (size_t i = 0; i < from->part_count; i++)
        if (!footprint_copy(o, &from->parts[i], &parts[i]))
            return false;
    *to = (struct cdni_footprint){.type = str_from(footprint_type_name(from->type)),
                                  .values = values,
                                  .count = from->value_count,
                                  .parts = parts,
                                  .part_count = from->part_count};
    return true;
}

/* Footprints that narrow each other stay together. */
static bool narrow_put(struct offer *o, unsigned protocols, const struct streamer_conf *c)
{
    struct cdni_footprint *list = arena_array(o->arena, c->footprint_count, sizeof *list);

    for (size_t i = 0; list && i < c->footprint_count; i++)
        if (!footprint_copy(o, &c->footprints[i], &list[i]))
            return false;
    return list && capability_put(o, protocols, list, c->footprint_count);
}

/* The values of one type, of streamers that have one footprint (or a union) each: how many there
 * are, the first `max` of them in values. */
static size_t type_values(const struct offer *o, unsigned protocols, enum footprint_type t,
                          struct str *values, size_t max)
{
    size_t n = 0;

    for (sidx i = 0; i < o->v->streamer_count; i++) {
        const struct streamer_conf *c = o->v->streamers[i].conf;
        const struct footprint_conf *f = c->footprints;
        size_t parts = 1;

        if ((c->can & PROTOCOLS) != protocols || c->footprint_count != 1 ||
            !gets_clients(o, &o->v->streamers[i]))
            continue;
        if (f->type == FOOTPRINT_UNION) {
            parts = f->part_count;
            f = f->parts;
        }
        for (; parts > 0; parts--, f++)
            for (size_t k = 0; f->type == t && k < f->value_count; k++, n++)
                if (n < max)
                    values[n] = value_of(o, t, f->values[k]);
    }
    return n;
}

static bool type_put(struct offer *o, unsigned protocols, enum footprint_type t)
{
    size_t n = type_values(o, protocols, t, NULL, 0);
    struct cdni_footprint *f;
    struct str *values;

    if (n == 0)
        return true;
    f = arena_array(o->arena, 1, sizeof *f);
    values = arena_array(o->arena, n, sizeof *values);
    if (!f || !values)
        return false;
    type_values(o, protocols, t, values, n);
    *f = (struct cdni_footprint){
        .type = str_from(footprint_type_name(t)), .values = values, .count = n};
    return capability_put(o, protocols, f, 1);
}

/* Those that have just these protocols. */
static bool group_put(struct offer *o, unsigned protocols)
{
    for (sidx i = 0; i < o->v->streamer_count; i++) {
        const struct view_streamer *s = &o->v->streamers[i];

        if ((s->conf->can & PROTOCOLS) == protocols && s->conf->footprint_count == 0 &&
            gets_clients(o, s))
            return capability_put(o, protocols, NULL, 0); /* everywhere: that is all */
    }
    for (unsigned t = 0; t < TYPES; t++)
        if (!type_put(o, protocols, (enum footprint_type)t))
            return false;
    for (sidx i = 0; i < o->v->streamer_count; i++) {
        const struct view_streamer *s = &o->v->streamers[i];

        if ((s->conf->can & PROTOCOLS) == protocols && s->conf->footprint_count > 1 &&
            gets_clients(o, s) && !narrow_put(o, protocols, s->conf))
            return false;
    }
    return true;
}

enum err_code alto_facts_advert(const struct view *v, const struct live *live, struct arena *arena,
                                const struct cdni_advert **out, struct err *e)
{
    struct offer o = {.v = v, .live = live, .arena = arena};

    *out = NULL;
    o.max = v->streamer_count + 3 * (size_t)TYPES;
    o.items = arena_array(arena, o.max, sizeof *o.items);
    if (!o.items || !group_put(&o, PROTOCOLS) || !group_put(&o, STREAMER_HTTP) ||
        !group_put(&o, STREAMER_HTTPS))
        return no_memory(e);
    return cdni_advert_new(o.items, o.count, arena, out, e);
}
