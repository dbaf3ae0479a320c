#include "daemon/alto_publisher.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alto/offer.h"
#include "base/clock.h"
#include "base/log.h"

#define RETIRED_MAX 16 /* catalogs that a worker still answers from */

struct alto_publisher {
    const struct alto_conf *started;
    struct alto_hub *hub;
    void (*give)(void *arg, struct alto_catalog *c);
    void *give_arg;
    pthread_t thread;
    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t more;
    struct alto_job *posted;
    bool stop;
    struct alto_publisher_counts counts;
    char error[ERR_TEXT_MAX];

    /* The thread's own: a reference each, so that no worker frees one. */
    struct alto_catalog *last, *retired[RETIRED_MAX];
    unsigned retired_count;
};

struct alto_job *alto_job_new(void)
{
    struct alto_job *job = calloc(1, sizeof *job);

    if (job)
        atomic_init(&job->refs, 1);
    return job;
}

void alto_job_drop(struct alto_job *job)
{
    if (!job || atomic_fetch_sub_explicit(&job->refs, 1, memory_order_acq_rel) != 1)
        return;
    view_drop(job->view);
    config_hold_drop(job->hold);
    alto_files_drop(job->files);
    arena_free(job->facts);
    free(job);
}

static void job_release(void *arg)
{
    alto_job_drop(arg);
}

/* ---- the offer */

/* Bit 0 is everybody; the groups come behind it. No names: all bits. */
static uint64_t group_bits(const struct alto_conf *a, const struct alto_group_names *groups)
{
    uint64_t bits = 0;

    if (groups->count == 0)
        return UINT64_MAX;
    for (size_t i = 0; i < groups->count; i++)
        for (size_t k = 0; k < a->client_group_count; k++)
            if (str_eq(groups->names[i], a->client_groups[k].name))
                bits |= UINT64_C(2) << k;
    return bits;
}

uint64_t alto_client_groups_of(void *server, struct addr client, struct str user)
{
    const struct alto_server *s = server;
    const struct alto_job *job = s->catalog ? s->catalog->release_arg : NULL;
    uint64_t bits = 1;

    if (!job)
        return bits;
    for (size_t i = 0; i < job->hold->config->alto.client_group_count; i++) {
        const struct alto_group_conf *g = &job->hold->config->alto.client_groups[i];
        bool in = false;

        for (size_t k = 0; !in && k < g->client_count; k++)
            in = prefix_has(g->clients[k], client);
        for (size_t k = 0; !in && user.n && k < g->user_count; k++)
            in = str_eq(g->users[k], user);
        if (in)
            bits |= UINT64_C(2) << i;
    }
    return bits;
}

static enum err_code no_memory(struct err *e)
{
    return err_set(e, ERR_LIMIT, "no memory for the ALTO catalog");
}

/* The maps that answers are made by: the slots of now, and the calendars that they are of. */
static enum err_code offer_main(const struct alto_job *job, struct arena *arena,
                                struct offer_network *out, struct err *e)
{
    const struct view *v = job->view;
    const struct alto_conf *a = &job->hold->config->alto;
    struct offer_cost *costs = arena_array(arena, v->costmap_count + 1, sizeof *costs);

    if (!costs)
        return no_memory(e);
    for (unsigned i = 0; i < v->costmap_count; i++) {
        const struct view_source *whole = v->sources[1 + i];

        costs[i] = (struct offer_cost){.map = v->costmaps[i], .modified_ms = whole->loaded_wall_ms};
        if (costmap_calendar_get(whole->costmap))
            costs[i].calendar = whole->costmap;
    }
    *out = (struct offer_network){
        .map = v->netmap,
        .id = a->network_id,
        .costs = costs,
        .cost_count = v->costmap_count,
        .default_pid = v->default_pid,
        .modified_ms = v->sources[0]->loaded_wall_ms,
        .groups = group_bits(a, &a->groups),
    };
    return ERR_OK;
}

static enum err_code offer_other(const struct alto_conf *a, size_t i, const struct alto_files *f,
                                 struct arena *arena, struct offer_network *out, struct err *e)
{
    const struct alto_file_network *n = &f->networks[i];
    struct offer_cost *costs = arena_array(arena, n->cost_count + 1, sizeof *costs);
    const struct str pid = a->networks[i].default_pid;

    if (!costs)
        return no_memory(e);
    for (size_t k = 0; k < n->cost_count; k++) {
        uint64_t ends_ms;
        const uint32_t slot = costmap_slot_at(n->costs[k], clock_wall_ms(), &ends_ms);

        costs[k] = (struct offer_cost){.map = costmap_slot(n->costs[k], slot),
                                       .modified_ms = f->loaded_wall_ms};
        if (costmap_calendar_get(n->costs[k]))
            costs[k].calendar = n->costs[k];
    }
    *out = (struct offer_network){
        .map = n->map,
        .id = a->networks[i].id,
        .costs = costs,
        .cost_count = n->cost_count,
        .default_pid = pid.n ? netmap_find_pid(n->map, pid) : PIDX_NONE,
        .modified_ms = f->loaded_wall_ms,
        .groups = group_bits(a, &a->networks[i].groups),
    };
    if (pid.n && out->default_pid == PIDX_NONE)
        return err_set(e, ERR_NOT_FOUND,
                       "alto.networks[%zu].default_pid: network map %s has no PID \"%.*s\"", i,
                       a->networks[i].map.p, (int)pid.n, pid.p);
    return ERR_OK;
}

static enum err_code offer_networks(const struct alto_job *job, struct arena *arena,
                                    struct alto_offer *o, struct err *e)
{
    const struct alto_conf *a = &job->hold->config->alto;
    struct offer_network *all = arena_array(arena, a->network_count + 1, sizeof *all);
    enum err_code rc;

    if (!all)
        return no_memory(e);
    rc = offer_main(job, arena, &all[0], e);
    for (size_t i = 0; rc == ERR_OK && i < a->network_count; i++)
        rc = offer_other(a, i, job->files, arena, &all[1 + i], e);
    o->networks = all;
    o->network_count = 1 + a->network_count;
    return rc;
}

static enum err_code offer_rest(const struct alto_job *job, struct arena *arena,
                                struct alto_offer *o, struct err *e)
{
    const struct alto_conf *a = &job->hold->config->alto;
    const struct alto_files *f = job->files;
    struct offer_props *props = arena_array(arena, a->prop_count + 1, sizeof *props);
    struct offer_cdni *cdni = arena_array(arena, a->cdni_count + 1, sizeof *cdni);
    struct offer_paths *paths = arena_array(arena, a->path_count + 1, sizeof *paths);
    struct offer_link *links = arena_array(arena, a->link_count + 1, sizeof *links);

    if (!props || !cdni || !paths || !links)
        return no_memory(e);
    for (size_t i = 0; i < a->prop_count; i++)
        props[o->prop_count++] =
            (struct offer_props){f->props[i], a->props[i].id, group_bits(a, &a->props[i].groups)};
    if (job->streamers)
        props[o->prop_count++] =
            (struct offer_props){job->streamers, a->streamers_id, group_bits(a, &a->groups)};
    for (size_t i = 0; i < a->cdni_count; i++)
        cdni[o->cdni_count++] =
            (struct offer_cdni){f->cdni[i], a->cdni[i].id, group_bits(a, &a->cdni[i].groups)};
    if (job->advert)
        cdni[o->cdni_count++] =
            (struct offer_cdni){job->advert, a->cdni_id, group_bits(a, &a->groups)};
    for (size_t i = 0; i < a->path_count; i++)
        paths[o->path_count++] =
            (struct offer_paths){f->paths[i], a->paths[i].id, group_bits(a, &a->paths[i].groups)};
    for (size_t i = 0; i < a->link_count; i++)
        links[o->link_count++] =
            (struct offer_link){a->links[i].id, a->links[i].uri, a->links[i].media_type};
    o->props = props;
    o->cdni = cdni;
    o->paths = paths;
    o->links = links;
    return ERR_OK;
}

/* RFC 7285 section 11.2.2: the server ensures that each address has a PID. */
static enum err_code check_complete(const struct alto_conf *a, const struct alto_offer *o,
                                    struct err *e)
{
    enum err_code rc = ERR_OK;

    for (size_t i = 0; rc == ERR_OK && !a->incomplete && i < o->network_count; i++) {
        rc = netmap_check_complete(o->networks[i].map, e);
        if (rc != ERR_OK)
            err_wrap(e, "alto: network map \"%s\" (alto.incomplete publishes it all the same)",
                     o->networks[i].map->vtag.resource_id);
    }
    return rc;
}

static enum err_code catalog_build(const struct alto_conf *started, struct alto_job *job,
                                   const struct alto_catalog *old, uint64_t serial,
                                   struct arena *scratch, struct alto_catalog **out, struct err *e)
{
    const struct alto_conf *a = &job->hold->config->alto;
    struct alto_offer o = {
        .base = started->path,
        .origin = a->origin,
        .updates = a->updates,
        .tips = a->tips,
        .group_count = a->client_group_count ? 1 + (unsigned)a->client_group_count : 0,
        .extensions = a->extensions,
        .limits = a->limits,
        .max_age_s = a->max_age_s,
        .endpoint_props = a->endpoint_properties,
        .serial = serial,
        .view_serial = job->view->serial,
        .release = job_release,
        .release_arg = job,
    };
    enum err_code rc = offer_networks(job, scratch, &o, e);

    if (rc == ERR_OK)
        rc = check_complete(a, &o, e);
    if (rc == ERR_OK)
        rc = offer_rest(job, scratch, &o, e);
    if (rc != ERR_OK)
        return rc;
    atomic_fetch_add_explicit(&job->refs, 1, memory_order_relaxed);
    return alto_offer_build(&o, old, out, e);
}

enum err_code alto_catalog_make(const struct alto_conf *started, struct alto_job *job,
                                const struct alto_catalog *old, uint64_t serial,
                                struct alto_catalog **out, struct err *e)
{
    struct arena *scratch = arena_new((size_t)16 << 20);
    struct alto_catalog *c = NULL;
    enum err_code rc;

    *out = NULL;
    if (!scratch)
        return no_memory(e);
    if (!job->view->netmap)
        rc = err_set(e, ERR_NOT_FOUND, "the ALTO server has no network map");
    else
        rc = catalog_build(started, job, old, serial, scratch, &c, e);
    arena_free(scratch);
    if (rc == ERR_OK)
        rc = alto_catalog_render(c, e);
    if (rc != ERR_OK) {
        alto_catalog_drop(c);
        return rc;
    }
    *out = c;
    return ERR_OK;
}

/* ---- the thread */

/* Frees the catalogs that nobody else holds any more. */
static void sweep(struct alto_publisher *p)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < p->retired_count; i++) {
        struct alto_catalog *c = p->retired[i];

        if (atomic_load_explicit(&c->refs, memory_order_acquire) == 1)
            alto_catalog_drop(c);
        else
            p->retired[kept++] = c;
    }
    p->retired_count = kept;
}

static void retire(struct alto_publisher *p, struct alto_catalog *old)
{
    if (!old)
        return;
    sweep(p);
    if (p->retired_count == RETIRED_MAX) /* then whoever holds it frees it */
        alto_catalog_drop(old);
    else
        p->retired[p->retired_count++] = old;
}

static void refused(struct alto_publisher *p, const struct err *e)
{
    char quoted[2 * ERR_TEXT_MAX];

    log_error("event=alto.refused reason=%s", log_quote(e->text, quoted, sizeof quoted));
    pthread_mutex_lock(&p->mutex);
    p->counts.errors++;
    snprintf(p->error, sizeof p->error, "%s", e->text);
    pthread_mutex_unlock(&p->mutex);
}

static void published(struct alto_publisher *p, const struct alto_catalog *c, uint64_t text_ms,
                      uint64_t compress_ms)
{
    pthread_mutex_lock(&p->mutex);
    p->counts.catalogs++;
    p->counts.serial = c->serial;
    p->counts.text_ms = (uint32_t)text_ms;
    p->counts.compress_ms = (uint32_t)compress_ms;
    p->counts.published_wall_ms = clock_wall_ms();
    p->error[0] = '\0';
    pthread_mutex_unlock(&p->mutex);
    log_info("event=alto.published serial=%llu view=%llu resources=%zu text_ms=%llu "
             "compress_ms=%llu",
             (unsigned long long)c->serial, (unsigned long long)c->view_serial, c->resource_count,
             (unsigned long long)text_ms, (unsigned long long)compress_ms);
}

static void publish_one(struct alto_publisher *p, struct alto_job *job)
{
    const uint64_t began = clock_ms();
    struct alto_catalog *c = NULL;
    struct err e = {0};
    uint64_t text_ms;

    if (alto_catalog_make(p->started, job, p->last, p->last ? p->last->serial + 1 : 1, &c, &e) !=
        ERR_OK) {
        refused(p, &e);
        return;
    }
    text_ms = clock_ms() - began;
    p->give(p->give_arg, c);
    if (p->hub && alto_hub_publish(p->hub, c, clock_wall_ms(), &e) != ERR_OK)
        refused(p, &e);
    alto_catalog_compress(c);
    retire(p, p->last);
    p->last = c;
    published(p, c, text_ms, clock_ms() - began - text_ms);
}

static void *publisher_main(void *arg)
{
    struct alto_publisher *p = arg;

    for (;;) {
        struct alto_job *job;
        bool stop;

        pthread_mutex_lock(&p->mutex);
        while (!p->posted && !p->stop) {
            struct timespec until;

            clock_gettime(CLOCK_REALTIME, &until);
            until.tv_sec++;
            if (p->retired_count == 0)
                pthread_cond_wait(&p->more, &p->mutex);
            else if (pthread_cond_timedwait(&p->more, &p->mutex, &until) != 0)
                break;
        }
        job = p->posted;
        p->posted = NULL;
        stop = p->stop;
        pthread_mutex_unlock(&p->mutex);
        if (job && !stop)
            publish_one(p, job);
        alto_job_drop(job);
        if (stop)
            return NULL;
        sweep(p);
    }
}

struct alto_publisher *alto_publisher_start(const struct alto_conf *started, struct alto_hub *hub,
                                            void (*give)(void *arg, struct alto_catalog *c),
                                            void *arg)
{
    struct alto_publisher *p = calloc(1, sizeof *p);
    sigset_t all, before;
    int failed;

    if (!p)
        return NULL;
    p->started = started;
    p->hub = hub;
    p->give = give;
    p->give_arg = arg;
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->more, NULL);
    sigfillset(&all); /* signals are the control thread's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&p->thread, NULL, publisher_main, p);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        free(p);
        return NULL;
    }
    return p;
}

void alto_publisher_post(struct alto_publisher *p, struct alto_job *job)
{
    struct alto_job *was;

    pthread_mutex_lock(&p->mutex);
    was = p->posted;
    p->posted = job;
    pthread_cond_signal(&p->more);
    pthread_mutex_unlock(&p->mutex);
    alto_job_drop(was);
}

void alto_publisher_count(struct alto_publisher *p, struct alto_publisher_counts *out)
{
    pthread_mutex_lock(&p->mutex);
    *out = p->counts;
    pthread_mutex_unlock(&p->mutex);
}

void alto_publisher_error(struct alto_publisher *p, char out[ERR_TEXT_MAX])
{
    pthread_mutex_lock(&p->mutex);
    memcpy(out, p->error, ERR_TEXT_MAX);
    pthread_mutex_unlock(&p->mutex);
}

void alto_publisher_stop(struct alto_publisher *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->mutex);
    p->stop = true;
    pthread_cond_signal(&p->more);
    pthread_mutex_unlock(&p->mutex);
    pthread_join(p->thread, NULL);
    alto_job_drop(p->posted);
    alto_catalog_drop(p->last);
    for (unsigned i = 0; i < p->retired_count; i++)
        alto_catalog_drop(p->retired[i]);
    pthread_cond_destroy(&p->more);
    pthread_mutex_destroy(&p->mutex);
    free(p);
}
