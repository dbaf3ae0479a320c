#include "alto/offer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alto/offer_make.h"
#include "alto/server.h"
#include "base/json_write.h"

#define ARENA_MAX ((size_t)64 << 20)

enum err_code offer_no_memory(struct offer_make *m)
{
    return err_set(m->e, ERR_LIMIT, "no memory for the resources of the ALTO server");
}

uint64_t offer_groups(const struct offer_make *m, uint64_t groups)
{
    return m->offer->group_count ? groups : ~UINT64_C(0);
}

static struct str join(struct offer_make *m, struct str a, struct str b)
{
    const char *p =
        arena_printf(m->arena, "%.*s%.*s", (int)a.n, a.n ? a.p : "", (int)b.n, b.n ? b.p : "");

    return (struct str){p, p ? a.n + b.n : 0};
}

struct alto_resource *offer_resource(struct offer_make *m, enum alto_kind kind, uint64_t groups,
                                     const char *fmt, ...)
{
    struct alto_resource *r = &m->list[m->count];
    const char *below;
    char id[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(id, sizeof id, fmt, ap);
    va_end(ap);
    if (vtag_check_name("resource id", str_from(id), m->e) != ERR_OK)
        return NULL;
    if (m->count == m->max) {
        err_set(m->e, ERR_LIMIT, "more than %zu resources", m->max);
        return NULL;
    }
    below = arena_printf(m->arena, "/%s", id);
    if (!below) {
        offer_no_memory(m);
        return NULL;
    }
    m->count++;
    *r = (struct alto_resource){.kind = kind, .groups = groups, .id = str_from(below + 1)};
    r->path = kind == ALTO_DIRECTORY ? m->base : join(m, m->base, str_from(below));
    if (r->path.n == 0)
        r->path = STR("/");
    r->uri = join(m, m->offer->origin, r->path);
    r->media_type = alto_kind_media_type(kind);
    r->accepts = alto_kind_accepts(kind);
    if (!r->path.p || !r->uri.p) {
        offer_no_memory(m);
        return NULL;
    }
    return r;
}

enum err_code offer_uses(struct offer_make *m, struct alto_resource *r,
                         const struct alto_resource *one)
{
    const struct alto_resource **uses = arena_array(m->arena, 1, sizeof *uses);

    if (!uses)
        return offer_no_memory(m);
    uses[0] = one;
    r->uses = uses;
    r->use_count = 1;
    return ERR_OK;
}

static enum err_code add_directories(struct offer_make *m)
{
    if (!m->offer->group_count)
        return offer_resource(m, ALTO_DIRECTORY, ~UINT64_C(0), "directory") ? ERR_OK : m->e->code;
    for (unsigned i = 0; i < m->offer->group_count; i++)
        if (!offer_resource(m, ALTO_DIRECTORY, UINT64_C(1) << i, "directory-%u", i))
            return m->e->code;
    return ERR_OK;
}

static enum err_code add_links(struct offer_make *m)
{
    for (size_t i = 0; i < m->offer->link_count; i++) {
        const struct offer_link *link = &m->offer->links[i];
        struct alto_resource *r =
            offer_resource(m, ALTO_LINK, ~UINT64_C(0), "%.*s", (int)link->id.n, link->id.p);

        if (!r)
            return m->e->code;
        r->path = (struct str){"", 0};
        r->uri = join(m, link->uri, (struct str){0});
        r->media_type = join(m, link->media_type, (struct str){0});
        if (!r->uri.p || !r->media_type.p)
            return offer_no_memory(m);
    }
    return ERR_OK;
}

static int resource_by_id(const void *a, const void *b)
{
    return str_cmp((*(const struct alto_resource *const *)a)->id,
                   (*(const struct alto_resource *const *)b)->id);
}

static int resource_by_path(const void *a, const void *b)
{
    const struct alto_resource *const *x = a, *const *y = b;
    int by = str_cmp((*x)->path, (*y)->path);

    return by ? by : (*x > *y) - (*x < *y);
}

/* Where the i-th of the list has gone. */
struct places {
    const struct alto_resource *list, *sorted;
    const size_t *place;
};

static const struct alto_resource *moved(const struct places *p, const struct alto_resource *r)
{
    return r ? p->sorted + p->place[r - p->list] : NULL;
}

static enum err_code move_uses(struct offer_make *m, const struct places *p,
                               struct alto_resource *r)
{
    const struct alto_resource **uses = arena_array(m->arena, r->use_count, sizeof *uses);

    if (!uses)
        return offer_no_memory(m);
    for (size_t i = 0; i < r->use_count; i++)
        uses[i] = moved(p, r->uses[i]);
    r->uses = uses;
    return ERR_OK;
}

/* The list sorted by id, and what points into it with it. */
static enum err_code settle(struct offer_make *m)
{
    struct alto_resource *sorted = arena_array(m->arena, m->count, sizeof *sorted);
    const struct alto_resource **order = arena_array(m->arena, m->count, sizeof *order);
    size_t *place = arena_array(m->arena, m->count, sizeof *place);
    struct places p = {m->list, sorted, place};

    if (!sorted || !order || !place)
        return offer_no_memory(m);
    for (size_t i = 0; i < m->count; i++)
        order[i] = &m->list[i];
    qsort(order, m->count, sizeof *order, resource_by_id);
    for (size_t i = 0; i < m->count; i++) {
        sorted[i] = *order[i];
        place[order[i] - m->list] = i;
    }
    for (size_t i = 0; i < m->count; i++)
        if (move_uses(m, &p, &sorted[i]) != ERR_OK)
            return m->e->code;
    for (size_t i = 0; i < m->offer->network_count; i++)
        for (size_t k = 0; k < m->networks[i].cost_count; k++) {
            struct alto_cost *cost = (struct alto_cost *)(uintptr_t)&m->networks[i].costs[k];

            cost->whole = moved(&p, cost->whole);
        }
    m->c->default_network = moved(&p, m->c->default_network);
    m->c->resources = sorted;
    m->c->resource_count = m->count;
    for (size_t i = 0, k = 0; i < m->count; i++) {
        if (sorted[i].path.n)
            order[k++] = &sorted[i];
        m->c->path_count = k;
    }
    qsort(order, m->c->path_count, sizeof *order, resource_by_path);
    m->c->by_path = order;
    return ERR_OK;
}

static int type_by_name(const void *a, const void *b)
{
    return str_cmp((*(const struct cost_type *const *)a)->name,
                   (*(const struct cost_type *const *)b)->name);
}

static bool same_uses(const struct alto_resource *a, const struct alto_resource *b)
{
    if (a->use_count != b->use_count)
        return false;
    for (size_t i = 0; i < a->use_count; i++)
        if (memcmp(&a->uses[i]->vtag, &b->uses[i]->vtag, sizeof a->uses[i]->vtag) != 0)
            return false;
    return true;
}

/* Equal data, which is still there because the old catalog is: nothing to render. Otherwise the old
 * text is held against the new one. */
static bool same_data(const struct alto_resource *a, const struct alto_resource *b)
{
    const struct alto_network *n = a->network, *o = b->network;

    if (a->kind == ALTO_NETWORK_MAP)
        return n->map == o->map && memcmp(&n->vtag, &o->vtag, sizeof n->vtag) == 0 &&
               n->modified_ms == o->modified_ms;
    if (a->kind == ALTO_COST_MAP)
        return n->map == o->map && strcmp(n->vtag.tag, o->vtag.tag) == 0 &&
               strcmp(n->vtag.resource_id, o->vtag.resource_id) == 0 &&
               a->costs[0]->map == b->costs[0]->map &&
               str_eq(a->costs[0]->type->description, b->costs[0]->type->description) &&
               cost_type_same(a->costs[0]->type, b->costs[0]->type) &&
               a->costs[0]->modified_ms == b->costs[0]->modified_ms;
    if (a->kind == ALTO_PROP_MAP || a->kind == ALTO_CDNI)
        return a->props == b->props && a->cdni == b->cdni && same_uses(a, b);
    return false;
}

static void take_over(const struct alto_catalog *old, struct alto_catalog *c)
{
    for (size_t i = 0; old && i < c->resource_count; i++) {
        struct alto_resource *r = (struct alto_resource *)(uintptr_t)&c->resources[i];
        const struct alto_resource *o = alto_find_id(old, r->id);

        if (!o || o->kind != r->kind || !o->bodies)
            continue;
        alto_bodies_take(o->bodies);
        if (same_data(r, o))
            r->bodies = o->bodies;
        else
            r->before = o->bodies;
    }
}

static struct alto_limits limits_of(const struct alto_offer *offer)
{
    struct alto_limits l = offer->limits;

    if (!l.pairs_max)
        l.pairs_max = 262144;
    if (!l.endpoints_max)
        l.endpoints_max = 65536;
    if (!l.answer_max)
        l.answer_max = (size_t)16 << 20;
    return l;
}

static enum err_code begin(struct offer_make *m)
{
    const struct alto_offer *o = m->offer;
    size_t costs = 0;

    for (size_t i = 0; i < o->network_count; i++)
        costs += o->networks[i].cost_count;
    if (o->group_count > 64)
        return err_set(m->e, ERR_LIMIT, "%u client groups, at most 64", o->group_count);
    if (o->link_count > OFFER_LINKS_MAX)
        return err_set(m->e, ERR_LIMIT, "%zu links, at most %u", o->link_count, OFFER_LINKS_MAX);
    m->base = o->base;
    while (m->base.n && m->base.p[m->base.n - 1] == '/')
        m->base.n--;
    m->base = join(m, m->base, (struct str){0});
    m->max = 3 + o->group_count + 5 * o->network_count + costs +
             2 * (o->prop_count + o->cdni_count + o->path_count) + o->link_count;
    m->type_max = 2 * costs + o->path_count;
    m->list = arena_array(m->arena, m->max + 1, sizeof *m->list);
    m->types = arena_array(m->arena, m->type_max + 1, sizeof *m->types);
    m->networks = arena_array(m->arena, o->network_count, sizeof *m->networks);
    if (!m->base.p || !m->list || !m->types || !m->networks)
        return offer_no_memory(m);
    *m->c = (struct alto_catalog){.arena = m->arena,
                                  .serial = o->serial,
                                  .view_serial = o->view_serial,
                                  .extensions = o->extensions,
                                  .limits = limits_of(o),
                                  .max_age_s = o->max_age_s,
                                  .release = o->release,
                                  .release_arg = o->release_arg};
    atomic_init(&m->c->refs, 1);
    return ERR_OK;
}

static enum err_code make(struct offer_make *m)
{
    enum err_code rc = add_directories(m);

    for (size_t i = 0; rc == ERR_OK && i < m->offer->network_count; i++)
        rc = offer_network(m, i);
    if (rc == ERR_OK)
        rc = offer_endpoint_props(m);
    if (rc == ERR_OK)
        rc = offer_others(m);
    if (rc == ERR_OK)
        rc = offer_updates(m);
    if (rc == ERR_OK)
        rc = add_links(m);
    if (rc == ERR_OK)
        rc = settle(m);
    if (rc != ERR_OK)
        return rc;
    qsort(m->types, m->type_count, sizeof *m->types, type_by_name);
    m->c->types = m->types;
    m->c->type_count = m->type_count;
    return alto_catalog_check(m->c, m->e);
}

enum err_code alto_offer_build(const struct alto_offer *offer, const struct alto_catalog *old,
                               struct alto_catalog **out, struct err *e)
{
    struct err local = {0};
    struct offer_make m = {.offer = offer,
                           .old = old,
                           .c = calloc(1, sizeof *m.c),
                           .arena = arena_new(ARENA_MAX),
                           .e = e ? e : &local};
    enum err_code rc = ERR_LIMIT;

    *out = NULL;
    if (m.c && m.arena)
        rc = begin(&m);
    else
        offer_no_memory(&m);
    if (rc == ERR_OK)
        rc = make(&m);
    if (rc == ERR_OK) {
        take_over(old, m.c);
        *out = m.c;
        return ERR_OK;
    }
    if (offer->release)
        offer->release(offer->release_arg);
    arena_free(m.arena);
    free(m.c);
    return rc;
}

typedef bool format_fn(const struct alto_resource *r, struct bytes *out);

/* By kind; NULL: it has no body of its own, or cannot be made here yet. */
static format_fn *const formats[ALTO_KINDS] = {
    [ALTO_NETWORK_MAP] = alto_network_format,
    [ALTO_COST_MAP] = alto_cost_format,
    [ALTO_PROP_MAP] = alto_prop_format,
    [ALTO_CDNI] = alto_cdni_format,
};

static uint64_t modified_of(const struct alto_catalog *c, const struct alto_resource *r)
{
    uint64_t last = 0;

    if (r->kind == ALTO_COST_MAP)
        return r->costs[0]->modified_ms;
    if (r->network)
        return r->network->modified_ms;
    for (size_t i = 0; r->kind == ALTO_DIRECTORY && i < c->resource_count; i++)
        if (c->resources[i].kind != ALTO_DIRECTORY) {
            uint64_t one = modified_of(c, &c->resources[i]);

            last = one > last ? one : last;
        }
    return last;
}

/* The text is there; the one of before is the same one, or goes. */
static enum err_code put_text(const struct alto_catalog *c, struct alto_resource *r,
                              struct bytes *text, struct err *e)
{
    uint64_t modified_ms = modified_of(c, r);
    struct alto_bodies *old = r->before;

    r->before = NULL;
    r->bodies = alto_bodies_new(text, modified_ms);
    if (r->bodies)
        r->bodies->newline_every = 2 * JSON_WRITE_LINE;
    if (r->bodies && old && alto_bodies_equal(r->bodies, old)) {
        alto_bodies_drop(r->bodies);
        r->bodies = alto_bodies_again(old, modified_ms);
    }
    alto_bodies_drop(old);
    return r->bodies
               ? ERR_OK
               : err_set(e, ERR_LIMIT, "no memory for the text of \"%.*s\"", (int)r->id.n, r->id.p);
}

enum err_code alto_catalog_render(struct alto_catalog *c, struct err *e)
{
    for (size_t i = 0; i < c->resource_count; i++) {
        struct alto_resource *r = (struct alto_resource *)(uintptr_t)&c->resources[i];
        struct bytes text = {0};
        bool made;

        if (r->bodies || (r->kind != ALTO_DIRECTORY && !formats[r->kind]))
            continue;
        made = r->kind == ALTO_DIRECTORY ? alto_directory_format(c, r, &text)
                                         : formats[r->kind](r, &text);
        if (!made) {
            bytes_free(&text);
            return err_set(e, ERR_LIMIT, "no room for the text of \"%.*s\"", (int)r->id.n, r->id.p);
        }
        if (put_text(c, r, &text, e) != ERR_OK)
            return ERR_LIMIT;
    }
    return ERR_OK;
}

void alto_catalog_compress(struct alto_catalog *c)
{
    for (size_t i = 0; i < c->resource_count; i++) {
        struct alto_bodies *b = c->resources[i].bodies;

        /* Without memory for a form, the others serve. */
        for (unsigned k = 0; b && k < ALTO_CODINGS; k++)
            if (!alto_bodies_compress(b, k))
                return;
    }
}
