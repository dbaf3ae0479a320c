#include "daemon/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "router/admit.h"
#include "router/cache_memory.h"
#include "router/candidates.h"
#include "router/session_table.h"

#define ROTATIONS_PER_TURN 8       /* each walks all of the caches' memory */
#define TALLIES_PER_TURN   200000u /* of one ring: a second may not become longer than one */

static enum err_code no_memory(struct err *e)
{
    return err_set(e, ERR_LIMIT, "no memory for clients and contents");
}

enum err_code memory_start(struct memory *m, const struct config *c, struct live *live,
                           struct err *e)
{
    m->sessions = c->memory.sessions ? session_table_new(c->memory.sessions) : NULL;
    m->buckets = buckets_new(c->memory.buckets);
    m->popularity = popularity_new(c->memory.popularity, c->memory.half_life_s);
    m->hot = hot_new();
    m->cache_bytes = c->memory.cache_bytes;
    if (!m->buckets || !m->popularity || !m->hot || (c->memory.sessions && !m->sessions))
        return no_memory(e);
    if (c->state_directory.n && snprintf(m->cache_path, sizeof m->cache_path, "%s/caches",
                                         c->state_directory.p) >= (int)sizeof m->cache_path)
        return err_set(e, ERR_LIMIT, "state_directory: the path is too long");
    live->hot = m->hot;
    return ERR_OK;
}

struct tally_ring *memory_tallies(struct memory *m)
{
    struct tally_ring *r = m->tally_count < UINT8_MAX + 1 ? tally_ring_new(MEMORY_TALLIES) : NULL;

    if (r)
        m->tallies[m->tally_count++] = r;
    return r;
}

/* Columns that a memory of so many streamers should have: some spare, so that a few more need no
 * new one. Names that a reload gives up are let go only when the new view is there. */
static unsigned columns_for(size_t streamers)
{
    const size_t n = (streamers + streamers / 4 + 64) / 64 * 64;

    return n < LIVE_SLOTS ? (unsigned)n : LIVE_SLOTS;
}

/* Names that have no slot yet take the lowest ones that are free. */
static bool has_room(const struct memory *m, const struct live *live, size_t fresh)
{
    const unsigned columns = cache_memory_columns(m->caches);
    size_t free = 0;

    for (unsigned i = 0; i < LIVE_SLOTS && i < columns; i++)
        free += !live->streamer[i].in_use;
    return free >= fresh;
}

/* Where the disk has no room for it, or may not be written to, it is not kept behind a restart: no
 * reason not to serve. */
static enum err_code caches_new(const struct memory *m, unsigned columns, struct cache_memory **out,
                                struct err *e)
{
    char quoted[2 * ERR_TEXT_MAX];
    struct err why = {0};

    if (m->cache_path[0]) {
        if (cache_memory_new(m->cache_bytes, columns, m->cache_path, out, &why) == ERR_OK)
            return ERR_OK;
        log_error("event=caches.not_kept reason=%s", log_quote(why.text, quoted, sizeof quoted));
    }
    return cache_memory_new(m->cache_bytes, columns, NULL, out, e);
}

enum err_code memory_reserve(struct memory *m, const struct live *live,
                             const struct streamer_conf *streamers, size_t n, struct err *e)
{
    struct cache_memory *caches = NULL;
    size_t used = 0, fresh = 0;
    enum err_code rc;

    for (unsigned i = 0; i < LIVE_SLOTS; i++)
        used += live->streamer[i].in_use;
    for (size_t i = 0; i < n; i++)
        fresh += live_find(live, streamers[i].name) == LIVE_NONE;
    if (m->cache_bytes == 0 || (m->caches && has_room(m, live, fresh)))
        return ERR_OK;
    if (m->caches && m->cache_path[0]) /* the old one is mapped still, under no name */
        (void)unlink(m->cache_path);
    rc = caches_new(m, columns_for(used + fresh), &caches, e);
    if (rc != ERR_OK)
        return rc;
    cache_memory_drop(m->caches);
    m->caches = caches;
    return ERR_OK;
}

/* ---- views */

static svidx *renumber(const struct view *from, const struct view *to)
{
    svidx *map = calloc((size_t)from->service_count + 1, sizeof *map);

    for (svidx i = 0; map && i < from->service_count; i++)
        map[i] = view_find_service_by_name(to, from->services[i].conf->name);
    return map;
}

static void older_renumber(struct memory_renumber *r, const svidx *map, size_t n)
{
    for (size_t i = 0; i < r->count; i++)
        r->to[i] = r->to[i] < n ? map[r->to[i]] : SVIDX_NONE;
}

void memory_view(struct memory *m, const struct view *v, const struct live *live)
{
    const struct view *was = m->view;
    svidx *map = was ? renumber(was, v) : NULL;
    struct memory_renumber *slot;

    m->view = v;
    if (m->caches)
        cache_memory_bind(m->caches, live);
    if (!was)
        return;
    /* Without memory for a map all is forgotten. */
    popularity_renumber(m->popularity, map, map ? was->service_count : 0);
    for (unsigned i = 0; i < MEMORY_OLD_VIEWS; i++)
        older_renumber(&m->old[i], map, map ? was->service_count : 0);
    slot = &m->old[m->old_next++ % MEMORY_OLD_VIEWS];
    free(slot->to);
    *slot = (struct memory_renumber){(uint16_t)was->serial, map ? was->service_count : 0, map};
}

static svidx service_now(const struct memory *m, const struct tally *t)
{
    if (t->serial == (uint16_t)m->view->serial)
        return t->service < m->view->service_count ? t->service : SVIDX_NONE;
    for (unsigned i = 0; i < MEMORY_OLD_VIEWS; i++)
        if (m->old[i].to && m->old[i].serial == t->serial)
            return t->service < m->old[i].count ? m->old[i].to[t->service] : SVIDX_NONE;
    return SVIDX_NONE;
}

/* ---- each second */

static void ring_drain(struct memory *m, struct tally_ring *r, double now_s)
{
    const struct tally *t;

    for (unsigned n = 0; n < TALLIES_PER_TURN && (t = tally_peek(r)); n++) {
        const svidx service = service_now(m, t);

        if (service != SVIDX_NONE)
            popularity_count(m->popularity, service, t->content, (struct str){t->key, t->key_len},
                             t->count, now_s);
        else
            m->tallies_stale++;
        tally_release(r);
    }
}

static bool service_of(void *arg, svidx service, struct popularity_service *out)
{
    const struct memory *m = arg;

    if (service >= m->view->service_count)
        return false;
    out->policy = &m->view->services[service].conf->policy;
    out->capacity = m->view->services[service].capacity_mean;
    out->others = m->view->services[service].candidates->folded->others;
    return true;
}

static void caches_turn(struct memory *m, uint64_t now_ms)
{
    const struct view *v = m->view;
    unsigned rotated = 0;

    for (sidx n = 0; n < v->streamer_count && rotated < ROTATIONS_PER_TURN; n++) {
        const struct view_streamer *s = &v->streamers[(m->turn_at + n) % v->streamer_count];

        rotated += cache_memory_turn(m->caches, s->live, s->conf->cache_contents,
                                     s->conf->cache_keep_s, now_ms);
        if (rotated == ROTATIONS_PER_TURN)
            m->turn_at = (sidx)((m->turn_at + n + 1u) % v->streamer_count);
    }
}

void memory_turn(struct memory *m, uint64_t now_ms)
{
    const double now_s = (double)now_ms / 1000;

    for (unsigned i = 0; i < m->tally_count; i++)
        ring_drain(m, m->tallies[i], now_s);
    popularity_publish(m->popularity, m->hot, now_s, service_of, m);
    if (m->caches)
        caches_turn(m, now_ms);
}

size_t memory_top(struct memory *m, svidx service, uint64_t now_ms, struct popularity_row *out,
                  size_t max)
{
    return popularity_top(m->popularity, service, (double)now_ms / 1000, out, max);
}

uint64_t memory_tallies_dropped(const struct memory *m)
{
    uint64_t n = m->tallies_stale;

    for (unsigned i = 0; i < m->tally_count; i++)
        n += tally_dropped(m->tallies[i]);
    return n;
}

void memory_stop(struct memory *m)
{
    for (unsigned i = 0; i < m->tally_count; i++)
        tally_ring_free(m->tallies[i]);
    for (unsigned i = 0; i < MEMORY_OLD_VIEWS; i++)
        free(m->old[i].to);
    session_table_free(m->sessions);
    buckets_free(m->buckets);
    popularity_free(m->popularity);
    hot_free(m->hot);
    cache_memory_drop(m->caches);
    *m = (struct memory){0};
}
