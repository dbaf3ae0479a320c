#include "daemon/control_alto.h"

#include <stdio.h>
#include <string.h>

#include "daemon/alto_facts.h"
#include "daemon/control.h"
#include "daemon/control_turn.h"

#define FACTS_BYTES_MAX ((size_t)256 << 20)

/* Any thread. */
static void wake(void *arg, unsigned worker)
{
    struct control *c = arg;

    worker_post_hub(&c->workers[worker]);
}

/* The publisher's thread. */
static void give(void *arg, struct alto_catalog *catalog)
{
    struct control *c = arg;

    for (unsigned i = 0; i < c->worker_count; i++) {
        alto_catalog_take(catalog);
        worker_post_alto(&c->workers[i], catalog);
    }
}

enum err_code control_alto_start(struct control *c, unsigned workers, struct err *e)
{
    const struct config *conf = c->started->config;
    struct alto_hub_conf hub = conf->alto.hub;

    if (!conf->alto.path.n)
        return ERR_OK;
    hub.workers = workers;
    hub.wake = wake;
    hub.wake_arg = c;
    c->alto.hub = c->shared.hub = alto_hub_new(&hub);
    return c->alto.hub ? ERR_OK : err_set(e, ERR_LIMIT, "no memory for the ALTO server");
}

enum err_code control_alto_run(struct control *c, struct err *e)
{
    if (!c->alto.hub)
        return ERR_OK;
    c->alto.publisher = alto_publisher_start(&c->started->config->alto, c->alto.hub, give, c);
    if (!c->alto.publisher)
        return err_set(e, ERR_LIMIT, "no memory for the ALTO server");
    control_alto_post(c, true);
    return ERR_OK;
}

enum err_code control_alto_load(struct control *c, const struct config *conf,
                                struct alto_files **out, struct err *e)
{
    const struct view_source *network = c->sources.network.good;

    *out = NULL;
    if (!c->started->config->alto.path.n)
        return ERR_OK;
    if (!network && c->started->config->feed.server_count)
        return ERR_OK; /* it is to come */
    if (!network)
        return err_set(e, ERR_NOT_FOUND, "the ALTO server has no network map");
    return alto_files_load(&conf->alto, network->netmap, out, e);
}

void control_alto_files(struct control *c, struct alto_files *files, const char *why)
{
    snprintf(c->alto.error, sizeof c->alto.error, "%s", why ? why : "");
    if (!files)
        return;
    alto_files_drop(c->alto.files);
    c->alto.files = files;
    c->alto.files_number++;
}

/* What the streamers are and do, as far as it is served. */
static enum err_code facts_make(const struct alto_conf *a, struct view *v, const struct live *live,
                                struct alto_job *job, struct err *e)
{
    enum err_code rc = ERR_OK;

    if (!a->streamers_id.n && !a->cdni_id.n)
        return ERR_OK;
    job->facts = arena_new(FACTS_BYTES_MAX);
    if (!job->facts)
        return err_set(e, ERR_LIMIT, "no memory for the streamers' properties");
    if (a->streamers_id.n)
        rc = alto_facts_props(v, live, a->network_id, job->facts, &job->streamers, e);
    if (rc == ERR_OK && a->cdni_id.n)
        rc = alto_facts_advert(v, live, job->facts, &job->advert, e);
    return rc;
}

static struct alto_job *job_make(struct control *c, struct err *e)
{
    struct alto_job *job = alto_job_new();

    if (!job) {
        (void)!err_set(e, ERR_LIMIT, "no memory for the ALTO server");
        return NULL;
    }
    view_take(c->view);
    job->view = c->view;
    atomic_fetch_add_explicit(&c->newest->refs, 1, memory_order_relaxed);
    job->hold = c->newest;
    alto_files_take(c->alto.files);
    job->files = c->alto.files;
    if (facts_make(&job->hold->config->alto, c->view, c->live, job, e) != ERR_OK) {
        alto_job_drop(job);
        return NULL;
    }
    return job;
}

/* true: they are other facts than those of the job before. */
static bool facts_changed(struct control *c, const struct alto_job *job)
{
    char tags[sizeof c->alto.facts];

    snprintf(tags, sizeof tags, "%s %s", job->streamers ? propmap_tag(job->streamers) : "",
             job->advert ? cdni_advert_tag(job->advert) : "");
    if (strcmp(tags, c->alto.facts) == 0)
        return false;
    memcpy(c->alto.facts, tags, sizeof tags);
    return true;
}

void control_alto_post(struct control *c, bool changed)
{
    struct err e = {0};
    struct alto_job *job;

    if (!c->alto.publisher || !c->alto.files || c->alto.error[0] || !c->view->netmap)
        return;
    job = job_make(c, &e);
    c->alto.facts_due_ms = c->turn.now_ms + (uint64_t)c->newest->config->alto.facts_every_s * 1000;
    if (!job) {
        control_log_problem("alto.refused", &e);
        return;
    }
    if (facts_changed(c, job))
        changed = true;
    if (changed || c->alto.posted_view != c->view->serial ||
        c->alto.posted_files != c->alto.files_number) {
        c->alto.posted_view = c->view->serial;
        c->alto.posted_files = c->alto.files_number;
        alto_publisher_post(c->alto.publisher, job);
    } else {
        alto_job_drop(job);
    }
}

void control_alto_turn(struct control *c)
{
    const struct alto_conf *a = &c->newest->config->alto;

    if ((a->streamers_id.n || a->cdni_id.n) && c->turn.now_ms >= c->alto.facts_due_ms)
        control_alto_post(c, false);
}

void control_alto_stop(struct control *c)
{
    alto_publisher_stop(c->alto.publisher);
    alto_hub_free(c->alto.hub);
    alto_files_drop(c->alto.files);
}

enum err_code control_alto_check(const struct config *conf, struct view *v, struct err *e)
{
    struct alto_job *job;
    struct alto_catalog *catalog = NULL;
    enum err_code rc;

    if (!conf->alto.path.n)
        return ERR_OK;
    if (!v->netmap && conf->feed.server_count)
        return ERR_OK;
    if (!v->netmap)
        return err_set(e, ERR_NOT_FOUND, "the ALTO server has no network map");
    job = alto_job_new();
    if (!job)
        return err_set(e, ERR_LIMIT, "no memory for the ALTO server");
    view_take(v);
    job->view = v;
    job->hold = config_hold_new(conf, NULL);
    if (!job->hold) {
        rc = err_set(e, ERR_LIMIT, "no memory for the ALTO server");
        goto done;
    }
    rc = alto_files_load(&conf->alto, v->netmap, &job->files, e);
    if (rc == ERR_OK)
        rc = alto_catalog_make(&conf->alto, job, NULL, 1, &catalog, e);

done:
    alto_catalog_drop(catalog);
    alto_job_drop(job);
    return rc;
}
