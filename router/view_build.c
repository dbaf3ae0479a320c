#include "router/view.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/suggest.h"
#include "router/cache_memory.h"
#include "router/candidates.h"
#include "router/content_key.h"
#include "router/host_index.h"
#include "router/traffic_router_hash.h"
#include "router/view_copy.h"
#include "router/view_geo.h"
#include "router/view_maps.h"
#include "router/view_profile.h"
#include "router/view_pid.h"

/* The expressions of a view, for its last drop. */
struct regexes {
    struct content_regex **items;
    size_t count;
};

static void regexes_free(void *arg)
{
    struct regexes *r = arg;

    for (size_t i = 0; i < r->count; i++)
        content_regex_free(r->items[i]);
}

static enum err_code out_of_memory(const struct view *v, struct err *e)
{
    return err_set(e, ERR_LIMIT, "the view does not fit the %zu MiB it may have",
                   arena_cap(v->arena) >> 20);
}

/* By its address, IPv4 first. Not by the default PID: where a client is not known to be is no place
 * for a streamer. */
static pidx streamer_locate(const struct view *v, const struct streamer_conf *c)
{
    uint32_t pid = LPM_NONE;

    if (!v->netmap)
        return PIDX_NONE;
    if (c->can & STREAMER_V4)
        pid = lpm_find(v->netmap->lpm, c->v4);
    if (pid == LPM_NONE && c->can & STREAMER_V6)
        pid = lpm_find(v->netmap->lpm, c->v6);
    if (pid == LPM_NONE)
        log_warn("event=view.streamer-nowhere streamer=%.*s hint=\"no prefix of the network map "
                 "covers its address: set its pid\"",
                 (int)c->name.n, c->name.p);
    return pid == LPM_NONE ? PIDX_NONE : (pidx)pid;
}

static enum err_code streamer_check(const struct streamer_conf *c, struct err *e)
{
    if (!(c->can & (STREAMER_V4 | STREAMER_V6)))
        return err_set(e, ERR_PARSE, "it has no address; give it an IPv4 or an IPv6 address");
    if (!(c->weight > 0) || !isfinite(c->weight))
        return err_set(e, ERR_PARSE, "weight %g is not above 0", c->weight);
    if (!(c->capacity >= 0) || !isfinite(c->capacity))
        return err_set(e, ERR_PARSE, "capacity %g is not 0 (unlimited) or more", c->capacity);
    if (c->hit_pm > 1000)
        return err_set(e, ERR_PARSE, "hit ratio of %u per mille is over 1000", c->hit_pm);
    return ERR_OK;
}

static enum err_code streamer_fill(struct view *v, struct live *live, struct view_streamer *s,
                                   struct err *e)
{
    enum err_code rc = streamer_check(s->conf, e);

    s->origin_pid = PIDX_NONE;
    if (rc == ERR_OK)
        rc = view_pid_find(v, "pid", s->conf->pid, &s->pid, e);
    if (rc == ERR_OK)
        rc = view_pid_find(v, "origin_pid", s->conf->origin_pid, &s->origin_pid, e);
    if (rc != ERR_OK)
        return rc;
    if (s->conf->pid.n == 0)
        s->pid = streamer_locate(v, s->conf);
    s->live = live_slot(live, s->conf->name);
    if (s->live == LIVE_NONE)
        return err_set(e, ERR_LIMIT, "no live slot is left, or its name is over 63 bytes");
    return ERR_OK;
}

static int by_streamer_name(const void *a, const void *b)
{
    const struct view_streamer *x = a, *y = b;

    return str_cmp(x->conf->name, y->conf->name);
}

static enum err_code streamers_build(struct view *v, const struct view_inputs *in,
                                     struct live *live, struct err *e)
{
    struct view_streamer *s;
    enum err_code rc = ERR_OK;

    if (in->streamer_count > STREAMERS_MAX)
        return err_set(e, ERR_LIMIT, "%zu streamers, at most %u", in->streamer_count,
                       STREAMERS_MAX);
    s = arena_array(v->arena, in->streamer_count, sizeof *s);
    if (!s)
        return out_of_memory(v, e);
    for (size_t i = 0; i < in->streamer_count; i++) {
        s[i].conf = streamer_conf_copy(&in->streamers[i], v->arena);
        if (!s[i].conf)
            return out_of_memory(v, e);
    }
    if (in->streamer_count)
        qsort(s, in->streamer_count, sizeof *s, by_streamer_name);
    v->streamers = s;
    v->streamer_count = (sidx)in->streamer_count;
    for (sidx i = 0; i < v->streamer_count; i++) {
        struct str name = s[i].conf->name;

        if (i && str_eq(s[i - 1].conf->name, name))
            rc = err_set(e, ERR_CONFLICT, "there are two of this name; names are unique");
        else
            rc = streamer_fill(v, live, &s[i], e);
        if (rc == ERR_OK)
            rc = view_profile_find(in, v->arena, &s[i], e);
        if (rc != ERR_OK) {
            err_wrap(e, "streamer %.*s", (int)name.n, name.p);
            return rc;
        }
    }
    return ERR_OK;
}

static int by_index(const void *a, const void *b)
{
    sidx x = *(const sidx *)a, y = *(const sidx *)b;

    return (x > y) - (x < y);
}

static enum err_code service_streamer_find(const struct view *v, struct str name, sidx *out,
                                           struct err *e)
{
    char shown[128], hint[SUGGEST_TEXT_MAX];
    struct suggest s;

    *out = view_find_streamer(v, name);
    if (*out != SIDX_NONE)
        return ERR_OK;
    suggest_init(&s, name);
    for (sidx i = 0; i < v->streamer_count; i++)
        suggest_offer(&s, v->streamers[i].conf->name);
    return err_set(e, ERR_NOT_FOUND, "there is no streamer \"%s\"%s",
                   bytes_escape(name.p, name.n, shown, sizeof shown), suggest_format(&s, hint));
}

/* list has room for all streamers of the view. */
static enum err_code service_candidates(struct view *v, struct candidates_build *b,
                                        struct view_service *s, sidx *list, struct err *e)
{
    struct view_streamer *streamers = (struct view_streamer *)(uintptr_t)v->streamers;
    size_t n = s->conf->streamer_count ? s->conf->streamer_count : v->streamer_count;
    double weight[VIEW_COSTMAPS_MAX];
    enum err_code rc = ERR_OK;

    if (n > v->streamer_count)
        return err_set(e, ERR_CONFLICT, "it names %zu streamers and there are %u; name each once",
                       n, v->streamer_count);
    for (size_t i = 0; i < n && rc == ERR_OK; i++) {
        list[i] = (sidx)i;
        if (s->conf->streamer_count)
            rc = service_streamer_find(v, s->conf->streamers[i], &list[i], e);
    }
    if (rc != ERR_OK)
        return rc;
    if (n)
        qsort(list, n, sizeof *list, by_index);
    for (size_t i = 1; i < n; i++)
        if (list[i] == list[i - 1])
            return err_set(e, ERR_CONFLICT, "it names streamer %s twice",
                           v->streamers[list[i]].conf->name.p);
    rc = view_maps_weights(v, s->conf, weight, e);
    if (rc != ERR_OK)
        return rc;
    s->candidates = candidates_build_add(b, list, n, weight);
    if (!s->candidates)
        return out_of_memory(v, e);
    for (size_t i = 0; i < n; i++)
        if (streamers[list[i]].session_s < s->conf->policy.session_s)
            streamers[list[i]].session_s = s->conf->policy.session_s;
    return ERR_OK;
}

static enum err_code policy_check(const struct policy_conf *p, struct err *e)
{
    const struct {
        const char *what;
        double value;
    } terms[] = {
        {"cost_weight", p->cost_weight},
        {"origin_weight", p->origin_weight},
        {"load_weight", p->load_weight},
        {"band", p->band},
        {"eps", p->eps},
        {"balance_from", p->balance_from},
    };

    for (size_t i = 0; i < sizeof terms / sizeof *terms; i++)
        if (!(terms[i].value >= 0) || !isfinite(terms[i].value))
            return err_set(e, ERR_PARSE, "policy.%s %g is not a number of 0 or more", terms[i].what,
                           terms[i].value);
    return ERR_OK;
}

/* Services with the same expression share it. */
static enum err_code service_regex(const struct view *v, struct regexes *all,
                                   struct view_service *s, struct err *e)
{
    struct content_regex *made;
    enum err_code rc;

    if (s->conf->content_key.n == 0)
        return ERR_OK;
    for (const struct view_service *other = v->services; other < s; other++)
        if (str_eq(other->conf->content_key, s->conf->content_key)) {
            s->regex = other->regex;
            return ERR_OK;
        }
    assert(all && all->items); /* services_copy made it, with room for one each */
    rc = content_regex_new(s->conf->content_key, &made, e);
    if (rc == ERR_OK)
        s->regex = all->items[all->count++] = made;
    return rc;
}

static int by_service_name(const void *a, const void *b)
{
    const struct view_service *x = a, *y = b;

    return str_cmp(x->conf->name, y->conf->name);
}

static enum err_code services_copy(struct view *v, const struct view_inputs *in,
                                   struct regexes **regexes, struct err *e)
{
    struct view_service *s;

    if (in->service_count > SERVICES_MAX)
        return err_set(e, ERR_LIMIT, "%zu services, at most %u", in->service_count, SERVICES_MAX);
    s = arena_array(v->arena, in->service_count, sizeof *s);
    *regexes = arena_array(v->arena, 1, sizeof **regexes);
    if (!s || !*regexes)
        return out_of_memory(v, e);
    (*regexes)->items = arena_array(v->arena, in->service_count, sizeof *(*regexes)->items);
    if (!(*regexes)->items || !view_on_free(v, regexes_free, *regexes))
        return out_of_memory(v, e);
    for (size_t i = 0; i < in->service_count; i++) {
        s[i].conf = service_conf_copy(&in->services[i], v->arena);
        if (!s[i].conf)
            return out_of_memory(v, e);
        s[i].id = hash_content(s[i].conf->name.p, s[i].conf->name.n);
    }
    if (in->service_count)
        qsort(s, in->service_count, sizeof *s, by_service_name);
    v->services = s;
    v->service_count = (svidx)in->service_count;
    return ERR_OK;
}

static enum err_code services_fill(struct view *v, struct candidates_build *b,
                                   struct regexes *regexes, struct err *e)
{
    struct view_service *s = (struct view_service *)(uintptr_t)v->services;
    sidx *list = calloc(v->streamer_count + 1u, sizeof *list);
    enum err_code rc = ERR_OK;

    if (!list)
        return out_of_memory(v, e);
    for (svidx i = 0; i < v->service_count && rc == ERR_OK; i++) {
        struct str name = s[i].conf->name;

        if (i && str_eq(s[i - 1].conf->name, name))
            rc = err_set(e, ERR_CONFLICT, "there are two of this name; names are unique");
        if (rc == ERR_OK)
            rc = policy_check(&s[i].conf->policy, e);
        if (rc == ERR_OK)
            rc = service_candidates(v, b, &s[i], list, e);
        if (rc == ERR_OK)
            rc = service_regex(v, regexes, &s[i], e);
        s[i].ring = s[i].conf->policy.hash == HASH_TRAFFIC_ROUTER;
        if (rc != ERR_OK)
            err_wrap(e, "service %.*s", (int)name.n, name.p);
    }
    free(list);
    return rc;
}

static double capacity_mean(const struct candidates *c)
{
    double sum = 0;

    for (uint16_t i = 0; i < c->count; i++)
        sum += c->slot[i].capacity / LIVE_SESSION_UNITS;
    return c->count && isfinite(sum) ? sum / c->count : 0;
}

/* What is known of a service once its candidates are. */
static bool have_digests(const struct view *v, const struct candidates *c)
{
    for (uint16_t i = 0; i < c->count; i++)
        if (v->streamers[c->slot[i].streamer].conf->poll.digest_path.n)
            return true;
    return false;
}

static void services_measure(struct view *v)
{
    struct view_service *s = (struct view_service *)(uintptr_t)v->services;

    for (svidx i = 0; i < v->service_count; i++) {
        s[i].cost_unit = s[i].candidates->cost_unit;
        s[i].capacity_mean = capacity_mean(s[i].candidates);
        s[i].digests = s[i].conf->digest_url.n && have_digests(v, s[i].candidates);
    }
}

/* Peers of torrents are ranked by the first map. */
static uint32_t maps_used(const struct view *v, const struct candidates_build *b)
{
    uint32_t used = candidates_build_maps(b);

    for (svidx i = 0; i < v->service_count; i++)
        if (v->services[i].conf->any_info_hash || v->services[i].conf->info_hash_count)
            used |= 1;
    return used;
}

static int by_info_hash(const void *a, const void *b)
{
    const struct view_torrent *x = a, *y = b;

    return memcmp(x->info_hash, y->info_hash, INFO_HASH_LEN);
}

static const char *service_name(const struct view *v, svidx i)
{
    return v->services[i].conf->name.p;
}

static enum err_code torrents_check(const struct view *v, struct err *e)
{
    for (size_t i = 1; i < v->torrent_count; i++) {
        const struct view_torrent *t = &v->torrents[i];
        char hex[2 * INFO_HASH_LEN + 1] = "";

        if (by_info_hash(t - 1, t) != 0)
            continue;
        for (unsigned k = 0; k < INFO_HASH_LEN; k++) {
            hex[2 * k] = "0123456789abcdef"[t->info_hash[k] >> 4];
            hex[2 * k + 1] = "0123456789abcdef"[t->info_hash[k] & 15];
        }
        return err_set(e, ERR_CONFLICT, "service %s: torrent %s is service %s's already",
                       service_name(v, t->service), hex, service_name(v, (t - 1)->service));
    }
    return ERR_OK;
}

static enum err_code torrents_build(struct view *v, struct err *e)
{
    struct view_torrent *t;
    size_t n = 0, at = 0;

    for (svidx i = 0; i < v->service_count; i++)
        n += v->services[i].conf->info_hash_count;
    t = arena_array(v->arena, n, sizeof *t);
    if (!t)
        return out_of_memory(v, e);
    v->any_torrent = SVIDX_NONE;
    for (svidx i = 0; i < v->service_count; i++) {
        const struct service_conf *c = v->services[i].conf;

        for (size_t k = 0; k < c->info_hash_count; k++) {
            memcpy(t[at].info_hash, c->info_hashes[k], INFO_HASH_LEN);
            t[at++].service = i;
        }
        if (c->any_info_hash && v->any_torrent != SVIDX_NONE)
            return err_set(e, ERR_CONFLICT,
                           "services %s and %s both take every torrent; only one can",
                           service_name(v, v->any_torrent), service_name(v, i));
        if (c->any_info_hash)
            v->any_torrent = i;
    }
    if (n)
        qsort(t, n, sizeof *t, by_info_hash);
    v->torrents = t;
    v->torrent_count = n;
    return torrents_check(v, e);
}

static void memory_drop(void *memory)
{
    cache_memory_drop(memory);
}

static enum err_code memory_take(struct view *v, const struct view_inputs *in, struct err *e)
{
    if (!in->cache_memory)
        return ERR_OK;
    if (!view_on_free(v, memory_drop, in->cache_memory))
        return out_of_memory(v, e);
    cache_memory_take(in->cache_memory);
    v->cache_memory = in->cache_memory;
    return ERR_OK;
}

static enum err_code view_fill(struct view *v, const struct view_inputs *in, struct live *live,
                               struct err *e)
{
    struct candidates_build *b = NULL;
    struct regexes *regexes = NULL;
    enum err_code rc = view_maps_take(v, in, e);

    if (rc == ERR_OK)
        rc = view_pid_find(v, "default_pid", in->default_pid, &v->default_pid, e);
    v->cdni_id = (struct str){arena_strndup(v->arena, in->cdni_id.p, in->cdni_id.n), in->cdni_id.n};
    if (rc == ERR_OK && !v->cdni_id.p)
        rc = out_of_memory(v, e);
    if (rc == ERR_OK)
        rc = memory_take(v, in, e);
    if (rc == ERR_OK)
        rc = view_geo_build(v, in, e);
    if (rc == ERR_OK)
        rc = streamers_build(v, in, live, e);
    if (rc == ERR_OK)
        rc = services_copy(v, in, &regexes, e);
    if (rc == ERR_OK) {
        b = candidates_build_new(v);
        rc = b ? services_fill(v, b, regexes, e) : out_of_memory(v, e);
    }
    if (rc == ERR_OK) {
        candidates_build_freeze(b);
        rc = view_rings_make(v) ? ERR_OK : out_of_memory(v, e);
    }
    if (rc == ERR_OK) {
        services_measure(v);
        view_maps_until(v, in->wall_ms, maps_used(v, b));
        rc = host_index_build(v, v->arena, &v->host_index, e);
    }
    if (rc == ERR_OK)
        rc = torrents_build(v, e);
    if (rc == ERR_OK)
        rc = view_geo_finish(v, in, e);
    candidates_build_free(b);
    return rc;
}

enum err_code view_build(const struct view_inputs *in, struct live *live, struct view **out,
                         struct err *e)
{
    struct arena *arena = arena_new(VIEW_BYTES_MAX);
    struct view *v = arena ? arena_array(arena, 1, sizeof *v) : NULL;
    enum err_code rc;

    *out = NULL;
    if (!v) {
        arena_free(arena);
        return err_set(e, ERR_LIMIT, "no memory for a view");
    }
    v->arena = arena;
    v->serial = in->serial;
    v->maps_pending = in->maps_pending;
    atomic_init(&v->refs, 1);
    rc = view_fill(v, in, live, e);
    if (rc != ERR_OK) {
        view_drop(v);
        return rc;
    }
    for (sidx i = 0; i < v->streamer_count; i++)
        live_hit_set(live, v->streamers[i].live, v->streamers[i].conf->hit_pm);
    *out = v;
    return ERR_OK;
}
