#include "router/view.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "router/admit.h"
#include "router/coverage.h"
#include "router/geo.h"
#include "router/host_index.h"
#include "router/view_geo.h"

struct view_source *view_source_new(struct arena *owned, const struct netmap *n,
                                    const struct costmap *c)
{
    struct view_source *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    atomic_init(&s->refs, 1);
    s->arena = owned;
    s->netmap = n;
    s->costmap = c;
    return s;
}

struct view_source *view_source_new_held(const struct netmap *n, const struct costmap *c,
                                         void (*release)(void *arg), void *arg)
{
    struct view_source *s = view_source_new(NULL, n, c);

    if (s) {
        s->release = release;
        s->release_arg = arg;
    }
    return s;
}

void view_source_take(struct view_source *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
}

/* Release, so that what every holder did is done before; acquire, so that the last one sees it. */
static bool ref_was_last(_Atomic uint32_t *refs)
{
    uint32_t before = atomic_fetch_sub_explicit(refs, 1, memory_order_acq_rel);

    assert(before > 0);
    return before == 1;
}

void view_source_drop(struct view_source *s)
{
    if (!s || !ref_was_last(&s->refs))
        return;
    if (s->release)
        s->release(s->release_arg);
    else
        arena_free(s->arena);
    free(s);
}

bool view_on_free(struct view *v, void (*fn)(void *arg), void *arg)
{
    if (v->on_free_count == VIEW_ON_FREE_MAX)
        return false;
    v->on_free[v->on_free_count] = fn;
    v->on_free_arg[v->on_free_count++] = arg;
    return true;
}

void view_take(struct view *v)
{
    atomic_fetch_add_explicit(&v->refs, 1, memory_order_relaxed);
}

void view_drop(struct view *v)
{
    struct view_source *sources[1 + VIEW_COSTMAPS_MAX];

    if (!v || !ref_was_last(&v->refs))
        return;
    for (unsigned i = 0; i < v->on_free_count; i++)
        v->on_free[i](v->on_free_arg[i]);
    memcpy(sources, v->sources, sizeof sources); /* the view itself is in its arena */
    arena_free(v->arena);
    for (unsigned i = 0; i < 1 + VIEW_COSTMAPS_MAX; i++)
        view_source_drop(sources[i]);
}

svidx view_find_service(const struct view *v, struct str host, struct str path)
{
    return host_index_find(v->host_index, host, path);
}

svidx view_find_service_by_name(const struct view *v, struct str name)
{
    svidx low = 0, high = v->service_count;

    while (low < high) {
        svidx mid = (svidx)((low + high) / 2);
        int c = str_cmp(v->services[mid].conf->name, name);

        if (c == 0)
            return mid;
        if (c < 0)
            low = (svidx)(mid + 1);
        else
            high = mid;
    }
    return SVIDX_NONE;
}

sidx view_find_streamer(const struct view *v, struct str name)
{
    sidx low = 0, high = v->streamer_count;

    while (low < high) {
        sidx mid = (sidx)((low + high) / 2);
        int c = str_cmp(v->streamers[mid].conf->name, name);

        if (c == 0)
            return mid;
        if (c < 0)
            low = (sidx)(mid + 1);
        else
            high = mid;
    }
    return SIDX_NONE;
}

svidx view_find_service_by_info_hash(const struct view *v, const uint8_t info_hash[INFO_HASH_LEN])
{
    size_t low = 0, high = v->torrent_count;

    while (low < high) {
        size_t mid = (low + high) / 2;
        int c = memcmp(v->torrents[mid].info_hash, info_hash, INFO_HASH_LEN);

        if (c == 0)
            return v->torrents[mid].service;
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return v->any_torrent;
}

pidx view_locate_pid(const struct view *v, struct addr a)
{
    uint32_t value;

    if (!v->netmap)
        return PIDX_NONE;
    value = lpm_find(v->netmap->lpm, a);
    return value == LPM_NONE ? v->default_pid : (pidx)value;
}

struct located view_locate(const struct view *v, struct addr a)
{
    struct lpm_hit hit;

    if (!v->netmap)
        return (struct located){.pid = PIDX_NONE, .scope = addr_is_v4(a) ? ADDR_V4_BITS : 0};
    hit = lpm_find_scope(v->netmap->lpm, a);
    return (struct located){.pid = hit.value == LPM_NONE ? v->default_pid : (pidx)hit.value,
                            .scope = hit.scope};
}

static uint8_t larger(uint8_t a, uint8_t b)
{
    return a > b ? a : b;
}

/* The PID by country and AS of one whom the network map knows only by its default, or not at all.
 */
static void place_fallback(const struct view *v, struct addr a, struct located *at)
{
    struct lpm_hit named = lpm_find_scope(v->fallback->named, a);

    at->scope = larger(at->scope, named.scope);
    if (named.value == LPM_NONE && v->fallback->pid[at->place] != PIDX_NONE)
        at->pid = v->fallback->pid[at->place];
}

/* Each look-up gives the bits that decide its answer, so the longest of them decide all. */
struct located view_place(const struct view *v, svidx service, struct addr a)
{
    struct located at = view_locate(v, a);

    if (service >= v->service_count || !v->services[service].places)
        return at;
    if (v->geo) {
        struct geo_hit hit = geo_find(v->geo, a);

        at.place = hit.place;
        at.scope = larger(at.scope, hit.scope);
    }
    if (v->coverage && v->coverage->prefixes) {
        struct lpm_hit hit = lpm_find_scope(v->coverage->prefixes, a);

        at.mark = hit.value == LPM_NONE ? 0 : hit.value;
        at.scope = larger(at.scope, hit.scope);
    }
    if (v->services[service].admit)
        at.scope = larger(at.scope, admit_scope(v->services[service].admit, a));
    if (v->fallback)
        place_fallback(v, a, &at);
    return at;
}

void view_prefetch(const struct view *v, struct addr a, unsigned pass)
{
    if (v->netmap)
        lpm_prefetch(v->netmap->lpm, a, pass);
}
