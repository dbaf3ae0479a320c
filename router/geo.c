#include "router/geo.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "router/geo_mmdb.h"

#define GEO_ARENA_BYTES ((size_t)1 << 30)

/* Databases over each other: their prefixes in one order, each with what all of those say that are
 * open around it. Within one database no prefix holds another; IPv4 lies in the middle of IPv6, and
 * what is open around it there is not its. */
struct stacking {
    const struct geo_layer *layers; /* [n] */
    size_t n;
    size_t next[GEO_FILES_MAX];
    const struct lpm_entry *open[2][GEO_FILES_MAX]; /* of a family, NULL: none */
    struct intern places;
    struct lpm_entry *entries;
    size_t count;
};

/* The database whose next prefix comes first; n: all are done. */
static size_t first_layer(const struct stacking *s)
{
    size_t best = s->n;

    for (size_t i = 0; i < s->n; i++) {
        if (s->next[i] == s->layers[i].count)
            continue;
        if (best == s->n || prefix_cmp(&s->layers[i].entries[s->next[i]].prefix,
                                       &s->layers[best].entries[s->next[best]].prefix) < 0)
            best = i;
    }
    return best;
}

static void place_over(struct geo_place *p, const struct geo_place *below)
{
    if (!p->country[0])
        memcpy(p->country, below->country, sizeof p->country);
    if (!p->subdivision[0] && memcmp(p->country, below->subdivision, 2) == 0)
        memcpy(p->subdivision, below->subdivision, sizeof p->subdivision);
    if (!p->asn)
        p->asn = below->asn;
    p->flags |= below->flags;
}

/* The prefix of an entry that has just been opened, with all that is said of it. */
static bool stacked_add(struct stacking *s, struct prefix prefix)
{
    const struct lpm_entry **open = s->open[prefix_is_v4(prefix)];
    struct geo_place p;
    uint32_t place;

    memset(&p, 0, sizeof p);
    for (size_t i = 0; i < s->n; i++)
        if (open[i])
            place_over(&p, intern_get(&s->layers[i].places, open[i]->value));
    place = intern_add(&s->places, &p);
    if (place == INTERN_NONE)
        return false;
    if (s->count && prefix_cmp(&s->entries[s->count - 1].prefix, &prefix) == 0)
        s->count--; /* two databases have it: the second has both */
    s->entries[s->count++] = (struct lpm_entry){prefix, place};
    return true;
}

static bool layers_stack(struct stacking *s)
{
    static const struct geo_place nothing;
    size_t total = 0, i;

    for (i = 0; i < s->n; i++)
        total += s->layers[i].count;
    s->entries = malloc((total + 1) * sizeof *s->entries);
    if (!s->entries || intern_add(&s->places, &nothing) != GEO_NONE)
        return false;
    while ((i = first_layer(s)) < s->n) {
        const struct lpm_entry *at = &s->layers[i].entries[s->next[i]++];
        const struct lpm_entry **open = s->open[prefix_is_v4(at->prefix)];

        open[i] = at;
        for (size_t k = 0; k < s->n; k++)
            if (open[k] && !prefix_has(open[k]->prefix, at->prefix.addr))
                open[k] = NULL;
        if (!stacked_add(s, at->prefix))
            return false;
    }
    return true;
}

static enum err_code geo_new(struct stacking *s, struct geo **out, struct err *e)
{
    struct arena *arena = arena_new(GEO_ARENA_BYTES);
    struct geo *g = calloc(1, sizeof *g);
    struct geo_place *places = NULL;
    enum err_code rc = ERR_OK;

    if (arena && g)
        places = arena_array(arena, s->places.count, sizeof *places);
    if (!places)
        rc = err_set(e, ERR_LIMIT, "no memory for geography");
    if (rc == ERR_OK)
        rc = lpm_build(s->entries, s->count, arena, &g->lpm, e);
    if (rc != ERR_OK) {
        arena_free(arena);
        free(g);
        return rc;
    }
    if (s->places.count) /* the first is GEO_NONE's: always */
        memcpy(places, s->places.items, s->places.count * sizeof *places);
    atomic_init(&g->refs, 1);
    g->arena = arena;
    g->places = places;
    g->place_count = s->places.count;
    for (size_t i = 0; i < s->n; i++)
        if (s->layers[i].build_epoch > g->build_epoch)
            g->build_epoch = s->layers[i].build_epoch;
    *out = g;
    return ERR_OK;
}

/* A path that was given and leads nowhere in any database is a mistake that nobody would notice. */
static enum err_code paths_check(const struct geo_layer *layers, size_t n,
                                 const struct geo_paths *where, struct err *e)
{
    const struct {
        const char *what;
        struct str path;
    } given[GEO_FIELDS] = {{"country of two letters", where->country},
                           {"subdivision", where->subdivision},
                           {"AS number", where->asn},
                           {"mark of anonymity", where->anonymous}};
    unsigned found = 0;

    for (size_t i = 0; i < n; i++)
        found |= layers[i].found;
    for (unsigned f = 0; f < GEO_FIELDS; f++)
        if (given[f].path.n && !(found >> f & 1))
            return err_set(e, ERR_NOT_FOUND, "no record has a %s at \"%.*s\"", given[f].what,
                           (int)given[f].path.n, given[f].path.p);
    return ERR_OK;
}

enum err_code geo_load(const char *const *paths, size_t n, const struct geo_paths *where,
                       struct geo **out, struct err *e)
{
    struct geo_layer layers[GEO_FILES_MAX] = {0};
    struct stacking s = {.layers = layers, .n = n, .places.size = sizeof(struct geo_place)};
    enum err_code rc = ERR_OK;
    size_t loaded = 0;

    *out = NULL;
    if (n == 0 || n > GEO_FILES_MAX)
        return err_set(e, ERR_LIMIT, "%zu mmdb files; 1 to %d would be right", n, GEO_FILES_MAX);
    for (; loaded < n && rc == ERR_OK; loaded += rc == ERR_OK) {
        rc = geo_layer_load(paths[loaded], where, &layers[loaded], e);
        if (rc == ERR_OK && !layers[loaded].found) {
            geo_layer_fini(&layers[loaded]);
            rc = err_set(e, ERR_NOT_FOUND,
                         "no record of it has a country, a subdivision, an AS number or a mark of "
                         "anonymity where they are looked for");
        }
        if (rc != ERR_OK)
            err_wrap(e, "mmdb %s", paths[loaded]);
    }
    if (rc == ERR_OK) {
        rc = paths_check(layers, n, where, e);
        if (rc == ERR_OK && !layers_stack(&s))
            rc = err_set(e, ERR_LIMIT, "no memory for its places");
        if (rc == ERR_OK)
            rc = geo_new(&s, out, e);
        if (rc != ERR_OK)
            err_wrap(e, "mmdb %s%s", paths[0], n > 1 ? " and others" : "");
    }
    for (size_t i = 0; i < loaded; i++)
        geo_layer_fini(&layers[i]);
    intern_fini(&s.places);
    free(s.entries);
    return rc;
}

void geo_take(struct geo *g)
{
    atomic_fetch_add_explicit(&g->refs, 1, memory_order_relaxed);
}

void geo_drop(struct geo *g)
{
    uint32_t before;

    if (!g)
        return;
    before = atomic_fetch_sub_explicit(&g->refs, 1, memory_order_acq_rel);
    assert(before > 0);
    if (before != 1)
        return;
    arena_free(g->arena);
    free(g);
}

struct geo_hit geo_find(const struct geo *g, struct addr a)
{
    struct lpm_hit hit = lpm_find_scope(g->lpm, a);

    return (struct geo_hit){hit.value == LPM_NONE ? GEO_NONE : hit.value, hit.scope};
}
