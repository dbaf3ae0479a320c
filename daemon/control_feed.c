#include "daemon/control_feed.h"

#include <stdio.h>

#include "base/hash.h"
#include "daemon/control.h"
#include "daemon/control_turn.h"

static void problem(struct control *c, const struct err *e)
{
    snprintf(c->last_error, sizeof c->last_error, "%s", e->text);
    control_log_problem("maps.refused", e);
}

/* As load_and_publish does with files: the maps change with the view or not at all. */
static enum err_code take(struct control *c, const struct alto_source_maps *maps, struct err *e)
{
    struct alto_source_status status;
    struct alto_files *files = NULL;
    struct err files_why = {0};
    struct sources_kept before;
    enum err_code rc;

    alto_source_status(c->feed, &status);
    if (!sources_keep(&c->sources, &before))
        return err_set(e, ERR_LIMIT, "no memory");
    rc = sources_give(&c->sources, maps ? maps->network : NULL, maps ? maps->costs : NULL,
                      maps ? maps->cost_count : 0, status.uri, e);
    if (rc == ERR_OK && !maps) /* files again, where there are any */
        rc = sources_load(&c->sources, c->newest->config, SOURCE_MAPS, NULL, e);
    if (rc == ERR_OK && control_alto_load(c, c->newest->config, &files, &files_why) != ERR_OK)
        control_log_problem("alto.refused", &files_why);
    if (rc == ERR_OK)
        rc = control_publish(c, c->newest, e);
    if (rc == ERR_OK) {
        sources_forget(&before);
        control_alto_files(c, files, files_why.text);
    } else {
        sources_refused(&c->sources, &before, e->text);
        sources_restore(&c->sources, &before);
        alto_files_drop(files);
    }
    return rc;
}

static bool on_maps(void *ctx, const struct alto_source_maps *maps)
{
    struct control *c = ctx;
    struct err e = {0};

    turn_begin(&c->turn);
    if (take(c, maps, &e) != ERR_OK) {
        problem(c, &e);
        return false;
    }
    control_alto_post(c, false);
    return true;
}

/* The configuration's words in the client's. costs: of the same count. */
static void client_conf(const struct alto_feed_conf *f, struct alto_client_cost *costs,
                        struct alto_client_conf *out)
{
    alto_client_conf_default(out);
    for (size_t i = 0; i < f->cost_count; i++)
        costs[i] = (struct alto_client_cost){
            .metric = f->costs[i].metric,
            .mode = f->costs[i].mode == ALTO_FEED_ORDINAL ? COST_ORDINAL : COST_NUMERICAL,
            .any_mode = f->costs[i].mode == ALTO_FEED_ANY,
        };
    out->servers = f->servers;
    out->server_count = f->server_count;
    out->network = f->network;
    out->costs = costs;
    out->cost_count = f->cost_count;
    out->calendars = f->calendars;
    out->updates = (enum alto_client_mode)f->updates;
    out->hosts = f->hosts;
    out->host_count = f->host_count;
    out->lenient = f->lenient;
    out->poll_ms = f->poll_ms;
    out->timeout_ms = f->timeout_ms;
    out->retry_min_ms = f->retry_min_ms;
    out->retry_max_ms = f->retry_max_ms;
    out->return_ms = f->return_ms;
    out->hold_ms = f->hold_ms;
    out->body_max = f->body_max;
    out->loss_max_pm = f->loss_max_pm;
    out->zero_max_pm = f->zero_max_pm;
    hash_random(&out->seed, sizeof out->seed);
}

enum err_code control_feed_start(struct control *c, struct err *e)
{
    const struct config *conf = c->started->config;
    const struct alto_feed_conf *f = &conf->feed;
    struct alto_source_conf source = {.age_max_ms = (uint64_t)f->age_max_s * 1000};
    struct alto_client_cost *costs;
    char *path = NULL;

    if (!f->server_count)
        return ERR_OK;
    costs = arena_array(conf->arena, f->cost_count + 1, sizeof *costs);
    if (conf->state_directory.n)
        path = arena_printf(conf->arena, "%s/alto-maps", conf->state_directory.p);
    if (!costs || (conf->state_directory.n && !path))
        return err_set(e, ERR_LIMIT, "no memory for the ALTO client");
    client_conf(f, costs, &source.client);
    source.state_path = path;
    source.ca_file = f->ca_file.n ? f->ca_file.p : NULL;
    return alto_source_new(c->base, &source, on_maps, c, &c->feed, e);
}

void control_feed_stop(struct control *c)
{
    alto_source_free(c->feed);
    c->feed = NULL;
}
