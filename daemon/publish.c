#include "daemon/publish.h"

#include <stdlib.h>

#include "base/clock.h"
#include "daemon/control.h"
#include "http/http_digest.h"
#include "http/http_tls.h"
#include "http/redirect.h"

struct config_hold *config_hold_new(const struct config *config, struct arena *arena)
{
    struct config_hold *h = calloc(1, sizeof *h);

    if (!h) {
        arena_free(arena);
        return NULL;
    }
    atomic_init(&h->refs, 1);
    h->config = config;
    h->arena = arena;
    return h;
}

void config_hold_drop(struct config_hold *h)
{
    if (h && atomic_fetch_sub_explicit(&h->refs, 1, memory_order_acq_rel) == 1) {
        arena_free(h->arena);
        free(h);
    }
}

static void hold_release(void *arg)
{
    config_hold_drop(arg);
}

enum err_code publish_build(const struct config *c, struct config_hold *hold,
                            const struct sources *sources, struct live *live,
                            struct cache_memory *caches, uint64_t serial, struct view **out,
                            struct err *e)
{
    return publish_build_at(c, hold, sources, live, caches, serial, clock_wall_ms(), out, e);
}

enum err_code publish_build_at(const struct config *c, struct config_hold *hold,
                               const struct sources *sources, struct live *live,
                               struct cache_memory *caches, uint64_t serial, uint64_t wall_ms,
                               struct view **out, struct err *e)
{
    struct arena *arena = arena_new(SOURCES_ARENA_MAX); /* until the view has copies */
    struct view_source *more[VIEW_COSTMAPS_MAX];
    struct downstream_conf *downstreams = NULL;
    struct view_inputs in = {
        .serial = serial,
        .netmap = sources->network.good,
        .costmap = sources->cost.good,
        .streamers = c->streamers,
        .streamer_count = c->streamer_count,
        .services = c->services,
        .service_count = c->service_count,
        .default_pid = c->default_pid,
        .more_costmaps = more,
        .wall_ms = wall_ms,
        .geo = sources->geo.geo,
        .geo_pids = c->geo.pids,
        .geo_pid_count = c->geo.pid_count,
        .downstream_count = c->downstream_count,
        .cache_memory = caches,
        .cdni_id = c->cdni_id,
        .maps_pending = c->feed.server_count && !sources->network.good,
        .profiles = c->profiles,
        .profile_count = c->profile_count,
    };
    struct view *v = NULL;
    enum err_code rc;

    *out = NULL;
    if (!arena)
        return err_set(e, ERR_LIMIT, "no memory");
    for (size_t i = 0; i < sources->more_costs.count && i < VIEW_COSTMAPS_MAX; i++)
        more[in.more_costmap_count++] = sources->more_costs.items[i].good;
    rc = sources_downstreams(sources, c, arena, &downstreams, e);
    in.downstreams = downstreams;
    if (rc == ERR_OK)
        rc = view_build(&in, live, &v, e);
    arena_free(arena);
    if (rc != ERR_OK)
        return rc;
    if (hold) {
        atomic_fetch_add_explicit(&hold->refs, 1, memory_order_relaxed);
        if (!view_on_free(v, hold_release, hold)) {
            config_hold_drop(hold);
            rc = err_set(e, ERR_LIMIT, "too much hangs on one view");
        }
    }
    if (rc == ERR_OK)
        rc = redirect_build(v, e);
    if (rc == ERR_OK)
        rc = dns_zone_build(v, &c->dns_conf, e);
    if (rc != ERR_OK)
        view_drop(v);
    else
        *out = v;
    return rc;
}

/* Half of the references may be gone a moment after the post, half only when a long answer ends:
 * the sweep looks. */
static void retire(struct control *c, struct view *old)
{
    if (!old)
        return;
    if (c->retired_count == CONTROL_RETIRED_MAX)
        publish_sweep(c);
    if (c->retired_count == CONTROL_RETIRED_MAX) { /* then whoever holds it frees it */
        view_drop(old);
        return;
    }
    c->retired[c->retired_count++] = old;
}

enum err_code publish_view(struct control *c, struct view *v, struct err *e)
{
    enum err_code rc = prober_set(c->prober, v, e);

    if (rc != ERR_OK) {
        view_drop(v);
        return rc;
    }
    for (unsigned i = 0; i < c->worker_count; i++) {
        view_take(v);
        worker_post_view(&c->workers[i], v);
    }
    retire(c, c->view);
    c->view = v;
    c->turn.view = v;
    metric_set(&c->metrics, METRIC_VIEW_SERIAL, v->serial);
    metric_add(&c->metrics, METRIC_VIEW_BUILDS, 1);
    return ERR_OK;
}

void publish_sweep(struct control *c)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < c->retired_count; i++) {
        struct view *v = c->retired[i];

        /* 1: ours is the last, and nobody can take another of a view that is no longer posted. */
        if (atomic_load_explicit(&v->refs, memory_order_acquire) == 1)
            view_drop(v);
        else
            c->retired[kept++] = v;
    }
    c->retired_count = kept;
}

enum err_code publish_digest(const struct config *config, struct http_digest **out, struct err *e)
{
    const struct alto_conf *a = &config->alto;
    const struct http_digest_conf conf = {
        .realm = a->realm, .users = a->users_file, .nonce_life_s = a->nonce_life_s};

    *out = NULL;
    return a->users_file.n ? http_digest_new(&conf, out, e) : ERR_OK;
}

enum err_code publish_tls(const struct config *config, struct ssl_ctx_st **out, struct err *e)
{
    const struct http_tls_conf conf = {.certificate = config->tls.certificate,
                                       .key = config->tls.key,
                                       .client_ca = config->tls.client_ca,
                                       .client_required = config->tls.client_required};

    *out = NULL;
    if (!config->https.count)
        return ERR_OK;
    return http_tls_new(&conf, out, e);
}

enum err_code publish_check(const struct config *config, struct err *e)
{
    struct sources sources;
    struct live *live = live_new();
    struct ssl_ctx_st *tls = NULL;
    struct view *v = NULL;
    enum err_code rc;

    sources_init(&sources);
    if (!live)
        return err_set(e, ERR_LIMIT, "no memory");
    rc = publish_tls(config, &tls, e);
    if (rc == ERR_OK)
        rc = sources_load(&sources, config, SOURCE_ALL, NULL, e);
    if (rc == ERR_OK)
        rc = publish_build(config, NULL, &sources, live, NULL, 1, &v, e);
    if (rc == ERR_OK)
        rc = control_alto_check(config, v, e);
    view_drop(v);
    http_tls_free(tls);
    sources_fini(&sources);
    live_free(live);
    return rc;
}
