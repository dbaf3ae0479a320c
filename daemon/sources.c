#include "daemon/sources.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

void sources_init(struct sources *s)
{
    memset(s, 0, sizeof *s);
    s->inotify_fd = -1;
}

static void source_fci_drop(struct source_fci *f)
{
    if (f && --f->refs == 0) {
        arena_free(f->arena);
        free(f);
    }
}

static void file_drop(struct source_file *f)
{
    view_source_drop(f->good);
    geo_drop(f->geo);
    source_fci_drop(f->fci);
    f->good = NULL;
    f->geo = NULL;
    f->fci = NULL;
}

static void list_drop(struct source_list *l)
{
    for (size_t i = 0; i < l->count; i++)
        file_drop(&l->items[i]);
    free(l->items);
    *l = (struct source_list){NULL, 0};
}

void sources_fini(struct sources *s)
{
    file_drop(&s->network);
    file_drop(&s->cost);
    file_drop(&s->geo);
    list_drop(&s->more_costs);
    list_drop(&s->fci);
    free(s->watches);
    if (s->inotify_fd >= 0)
        close(s->inotify_fd);
    sources_init(s);
}

static void source_path(struct source_file *f, struct str path)
{
    snprintf(f->path, sizeof f->path, "%.*s", (int)path.n, path.n ? path.p : "");
}

static enum err_code no_memory(struct err *e)
{
    return err_set(e, ERR_LIMIT, "no memory for the maps");
}

/* ---- keeping */

static void file_take(struct source_file *to, const struct source_file *from)
{
    *to = *from;
    if (to->good)
        view_source_take(to->good);
    if (to->geo)
        geo_take(to->geo);
    if (to->fci)
        to->fci->refs++;
}

static bool list_take(struct source_list *to, const struct source_list *from)
{
    *to = (struct source_list){calloc(from->count + 1, sizeof *to->items), from->count};
    if (!to->items)
        return false;
    for (size_t i = 0; i < from->count; i++)
        file_take(&to->items[i], &from->items[i]);
    return true;
}

bool sources_keep(const struct sources *s, struct sources_kept *k)
{
    *k = (struct sources_kept){0};
    if (!list_take(&k->more_costs, &s->more_costs))
        return false;
    if (!list_take(&k->fci, &s->fci)) {
        list_drop(&k->more_costs);
        return false;
    }
    k->given = s->given;
    file_take(&k->network, &s->network);
    file_take(&k->cost, &s->cost);
    file_take(&k->geo, &s->geo);
    return true;
}

static void file_restore(struct source_file *f, const struct source_file *kept)
{
    bool same = strcmp(f->path, kept->path) == 0;
    char error[ERR_TEXT_MAX];

    memcpy(error, f->error, sizeof error);
    file_drop(f);
    *f = *kept;
    if (same)
        memcpy(f->error, error, sizeof error);
}

static struct source_file *list_find(const struct source_list *l, const char *path)
{
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->items[i].path, path) == 0)
            return &l->items[i];
    return NULL;
}

static void list_restore(struct source_list *l, const struct source_list *kept)
{
    for (size_t i = 0; i < kept->count; i++) {
        const struct source_file *now = list_find(l, kept->items[i].path);

        if (now)
            memcpy(kept->items[i].error, now->error, sizeof now->error);
    }
    list_drop(l);
    *l = *kept;
}

static void file_refused(struct source_file *f, const struct source_file *kept, const char *why)
{
    if (!kept || f->good != kept->good || f->geo != kept->geo || f->fci != kept->fci)
        snprintf(f->error, sizeof f->error, "%s", why);
}

static void list_refused(struct source_list *l, const struct source_list *kept, const char *why)
{
    for (size_t i = 0; i < l->count; i++)
        file_refused(&l->items[i], list_find(kept, l->items[i].path), why);
}

void sources_refused(struct sources *s, const struct sources_kept *k, const char *why)
{
    file_refused(&s->network, &k->network, why);
    file_refused(&s->cost, &k->cost, why);
    file_refused(&s->geo, &k->geo, why);
    list_refused(&s->more_costs, &k->more_costs, why);
    list_refused(&s->fci, &k->fci, why);
}

void sources_restore(struct sources *s, struct sources_kept *k)
{
    s->given = k->given;
    file_restore(&s->network, &k->network);
    file_restore(&s->cost, &k->cost);
    file_restore(&s->geo, &k->geo);
    list_restore(&s->more_costs, &k->more_costs);
    list_restore(&s->fci, &k->fci);
}

void sources_forget(struct sources_kept *k)
{
    file_drop(&k->network);
    file_drop(&k->cost);
    file_drop(&k->geo);
    list_drop(&k->more_costs);
    list_drop(&k->fci);
}

/* ---- reading */

/* A list for these paths, with the good copies of those that were there already. */
static bool list_match(struct source_list *l, const struct str *paths, size_t n)
{
    struct source_list fresh = {calloc(n + 1, sizeof *fresh.items), n};

    if (!fresh.items)
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct source_file *was;

        source_path(&fresh.items[i], paths[i]);
        was = list_find(l, fresh.items[i].path);
        if (was)
            file_take(&fresh.items[i], was);
    }
    list_drop(l);
    *l = fresh;
    return true;
}

/* Parses one map into an arena of its own; *out holds one reference. */
static enum err_code map_load(const char *path, const struct netmap *network,
                              struct view_source **out, struct err *e)
{
    struct arena *arena = arena_new(SOURCES_ARENA_MAX);
    const struct netmap *n = NULL;
    const struct costmap *c = NULL;
    enum err_code rc;

    *out = NULL;
    if (!arena)
        return err_set(e, ERR_LIMIT, "%s: no memory", path);
    rc = network ? costmap_load(path, network, arena, &c, e) : netmap_load(path, arena, &n, e);
    if (rc == ERR_OK) {
        *out = view_source_new(arena, n, c);
        if (*out) {
            (*out)->loaded_wall_ms = clock_wall_ms();
            return ERR_OK;
        }
        rc = err_set(e, ERR_LIMIT, "%s: no memory", path);
    }
    arena_free(arena);
    return rc;
}

/* RFC 7285 section 11.2.2 wants a PID for every address; clients of the gap get the default PID. */
static void warn_incomplete(const struct netmap *m)
{
    char quoted[2 * ERR_TEXT_MAX];
    struct err gap = {0};

    if (netmap_check_complete(m, &gap) != ERR_OK)
        log_warn("event=map.incomplete reason=%s", log_quote(gap.text, quoted, sizeof quoted));
}

static void file_loaded(struct source_file *f, uint64_t took_ms)
{
    f->loaded_wall_ms = clock_wall_ms();
    f->took_ms = (uint32_t)took_ms;
    f->error[0] = '\0';
}

static enum err_code file_failed(struct source_file *f, enum err_code rc, const struct err *e)
{
    snprintf(f->error, sizeof f->error, "%s", e->text);
    return rc;
}

/* The maps that are being read, side by side with their files. */
struct maps_read {
    struct source_file *file[1 + VIEW_COSTMAPS_MAX];
    struct view_source *fresh[1 + VIEW_COSTMAPS_MAX];
    uint32_t took_ms[1 + VIEW_COSTMAPS_MAX];
    size_t count;
};

static enum err_code maps_read_one(struct maps_read *m, struct source_file *f, struct err *e)
{
    const uint64_t began = clock_ms();
    const bool cost = m->count > 0;
    enum err_code rc = ERR_OK;

    m->file[m->count] = f;
    m->fresh[m->count] = NULL;
    if (f->path[0] && cost && !m->fresh[0])
        rc =
            err_set(e, ERR_CONFLICT, "cost map %s: needs a network map; set maps.network", f->path);
    else if (f->path[0])
        rc = map_load(f->path, cost ? m->fresh[0]->netmap : NULL, &m->fresh[m->count], e);
    m->took_ms[m->count] = (uint32_t)(clock_ms() - began);
    m->count++;
    return rc == ERR_OK ? ERR_OK : file_failed(f, rc, e);
}

static enum err_code maps_load(struct sources *s, const struct config *c, struct err *e)
{
    struct maps_read m = {.count = 0};
    enum err_code rc;

    if (s->given)
        return ERR_OK;
    source_path(&s->network, c->network_map);
    source_path(&s->cost, c->cost_map);
    if (!list_match(&s->more_costs, c->cost_maps, c->cost_map_count))
        return no_memory(e);
    if (s->more_costs.count > VIEW_COSTMAPS_MAX - 1)
        return err_set(e, ERR_LIMIT, "%zu further cost maps, at most %u", s->more_costs.count,
                       VIEW_COSTMAPS_MAX - 1);
    rc = maps_read_one(&m, &s->network, e);
    if (rc == ERR_OK)
        rc = maps_read_one(&m, &s->cost, e);
    for (size_t i = 0; rc == ERR_OK && i < s->more_costs.count; i++)
        rc = maps_read_one(&m, &s->more_costs.items[i], e);
    for (size_t i = 0; i < m.count; i++) {
        if (rc != ERR_OK) {
            view_source_drop(m.fresh[i]);
            continue;
        }
        view_source_drop(m.file[i]->good);
        m.file[i]->good = m.fresh[i];
        file_loaded(m.file[i], m.took_ms[i]);
    }
    if (rc == ERR_OK && s->network.good)
        warn_incomplete(s->network.good->netmap);
    return rc;
}

static void give_one(struct source_file *f, struct view_source *map, const char *uri)
{
    if (map)
        view_source_take(map);
    file_drop(f);
    snprintf(f->path, sizeof f->path, "%s", uri);
    f->good = map;
    file_loaded(f, 0);
    if (map && map->loaded_wall_ms)
        f->loaded_wall_ms = map->loaded_wall_ms;
}

enum err_code sources_give(struct sources *s, struct view_source *network,
                           struct view_source *const *costs, size_t n, const char *uri,
                           struct err *e)
{
    struct source_list more = {calloc(n + 1, sizeof *more.items), n ? n - 1 : 0};

    if (!more.items)
        return no_memory(e);
    s->given = network != NULL;
    for (size_t i = 0; i < more.count; i++)
        give_one(&more.items[i], costs[1 + i], uri);
    list_drop(&s->more_costs);
    s->more_costs = more;
    give_one(&s->network, network, network ? uri : "");
    give_one(&s->cost, n ? costs[0] : NULL, n ? uri : "");
    return ERR_OK;
}

static enum err_code databases_load(struct sources *s, const struct config *c, struct err *e)
{
    const size_t n = c->geo.database_count;
    const uint64_t began = clock_ms();
    struct geo *fresh = NULL;
    const char **paths;
    enum err_code rc;

    source_path(&s->geo, n ? c->geo.databases[0] : STR(""));
    if (n == 0) {
        file_drop(&s->geo);
        return ERR_OK;
    }
    paths = calloc(n, sizeof *paths);
    if (!paths)
        return no_memory(e);
    for (size_t i = 0; i < n; i++)
        paths[i] = c->geo.databases[i].p;
    rc = geo_load(paths, n, &c->geo.paths, &fresh, e);
    free(paths);
    if (rc != ERR_OK)
        return file_failed(&s->geo, rc, e);
    geo_drop(s->geo.geo);
    s->geo.geo = fresh;
    file_loaded(&s->geo, clock_ms() - began);
    return ERR_OK;
}

static enum err_code advertisement_load(struct source_file *f, struct err *e)
{
    const uint64_t began = clock_ms();
    struct source_fci *fresh = calloc(1, sizeof *fresh);
    enum err_code rc;

    if (fresh)
        fresh->arena = arena_new(SOURCES_ARENA_MAX);
    if (!fresh || !fresh->arena) {
        free(fresh);
        return no_memory(e);
    }
    fresh->refs = 1;
    rc = fci_load(f->path, fresh->arena, &fresh->fci, e);
    if (rc != ERR_OK) {
        source_fci_drop(fresh);
        return file_failed(f, rc, e);
    }
    source_fci_drop(f->fci);
    f->fci = fresh;
    file_loaded(f, clock_ms() - began);
    return ERR_OK;
}

/* Each advertisement for itself; the first error is returned. */
static enum err_code advertisements_load(struct sources *s, const struct config *c, unsigned *good,
                                         struct err *e)
{
    struct str *paths = calloc(c->downstream_count + 1, sizeof *paths);
    enum err_code rc = ERR_OK;
    size_t n = 0;

    *good = 0;
    for (size_t i = 0; paths && i < c->downstream_count; i++)
        if (c->downstreams[i].advertisement.n)
            paths[n++] = c->downstreams[i].advertisement;
    if (!paths || !list_match(&s->fci, paths, n))
        rc = no_memory(e);
    free(paths);
    if (rc != ERR_OK)
        return rc;
    for (size_t i = 0; i < n; i++) {
        struct err own = {0};
        enum err_code one = advertisement_load(&s->fci.items[i], &own);

        *good += one == ERR_OK;
        if (one != ERR_OK && rc == ERR_OK)
            rc = err_set(e, one, "%s", own.text);
    }
    return rc;
}

/* The first error counts. */
static void error_first(enum err_code *rc, enum err_code one, const struct err *why, struct err *e)
{
    if (*rc == ERR_OK && one != ERR_OK)
        *rc = err_set(e, one, "%s", why->text);
}

enum err_code sources_load(struct sources *s, const struct config *c, unsigned kinds,
                           unsigned *taken, struct err *e)
{
    struct err maps = {0}, geo = {0}, fci = {0};
    enum err_code rc = ERR_OK, one;
    unsigned all = 0, good = 0;

    if (kinds & SOURCE_MAPS) {
        one = maps_load(s, c, &maps);
        all |= one == ERR_OK ? SOURCE_MAPS : 0;
        error_first(&rc, one, &maps, e);
    }
    if (kinds & SOURCE_GEO) {
        one = databases_load(s, c, &geo);
        all |= one == ERR_OK ? SOURCE_GEO : 0;
        error_first(&rc, one, &geo, e);
    }
    if (kinds & SOURCE_FCI) {
        one = advertisements_load(s, c, &good, &fci);
        all |= one == ERR_OK || good ? SOURCE_FCI : 0;
        error_first(&rc, one, &fci, e);
    }
    if (taken)
        *taken = all;
    return rc;
}

/* ---- downstream CDNs */

static enum err_code downstream_merge(struct downstream_conf *d, const struct fci *f,
                                      struct arena *arena, struct err *e)
{
    const size_t n = d->footprint_count + f->count;
    struct footprint_conf *all = arena_array(arena, n, sizeof *all);

    if (!all)
        return no_memory(e);
    for (size_t i = 0; i < n; i++)
        all[i] = i < d->footprint_count ? d->footprints[i] : f->footprints[i - d->footprint_count];
    d->footprints = all;
    d->footprint_count = n;
    d->https = d->https && f->delivers_https;
    if (!f->delivers_http && !d->https) {
        log_warn("event=downstream.not_http downstream=%s", d->name.p);
        d->http_host = (struct str){NULL, 0};
    }
    return ERR_OK;
}

enum err_code sources_downstreams(const struct sources *s, const struct config *c,
                                  struct arena *arena, struct downstream_conf **out, struct err *e)
{
    struct downstream_conf *all = arena_array(arena, c->downstream_count, sizeof *all);
    enum err_code rc = all ? ERR_OK : no_memory(e);

    *out = NULL;
    for (size_t i = 0; all && i < c->downstream_count && rc == ERR_OK; i++) {
        const struct downstream_keys *k = &c->downstreams[i];
        const struct source_file *f =
            k->advertisement.n ? list_find(&s->fci, k->advertisement.p) : NULL;

        all[i] = k->conf;
        if (f && f->fci)
            rc = downstream_merge(&all[i], &f->fci->fci, arena, e);
    }
    if (rc == ERR_OK)
        *out = all;
    return rc;
}
