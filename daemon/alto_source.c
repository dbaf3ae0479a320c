#include "daemon/alto_source.h"

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/alto_fetch.h"
#include "daemon/alto_kept.h"
#include "daemon/state_writer.h"

#define KEPT_BYTES_MAX (NETMAP_BYTES_MAX + COSTMAP_BYTES_MAX)
#define TICK_MS        1000
#define KEEP_MS        60000 /* at least between two writes that only say that nothing changed */
#define AGAIN_MS                                                                                   \
    60000 /* until maps that were refused are given again: the configuration may fit now */

struct alto_source {
    struct alto_source_conf conf;
    alto_source_maps_fn *maps;
    void *ctx;
    struct alto_fetch *fetch;
    struct event *tick;
    struct alto_generation now;
    bool give; /* the callback is to be told of it */
    bool from_state, expired;
    bool refused; /* by who routes: not kept */
    uint64_t given_ms;
    uint64_t taken_wall_ms;
    uint64_t checked_wall_ms; /* of the state file; in this run the client knows better */
    struct state_writer *writer;
    uint64_t kept_ms, kept_checked_ms; /* the last write, and what it said */
};

static void release_part(void *part)
{
    alto_part_drop(part);
}

/* The part as the view takes it. */
static struct view_source *wrap(struct alto_part *p)
{
    struct view_source *s = view_source_new_held(p->network, p->cost, release_part, p);

    if (s)
        alto_part_take(p);
    return s;
}

static void give(struct alto_source *s)
{
    struct view_source *costs[ALTO_CLIENT_COSTS_MAX] = {0};
    struct alto_source_maps m = {.costs = costs, .cost_count = s->now.cost_count};
    bool fine;

    s->give = false;
    m.network = wrap(s->now.network);
    fine = m.network != NULL;
    for (size_t i = 0; i < m.cost_count && fine; i++) {
        costs[i] = wrap(s->now.costs[i]);
        fine = costs[i] != NULL;
    }
    s->given_ms = clock_ms();
    s->refused = !fine || !s->maps(s->ctx, &m);
    if (!fine)
        log_error("event=alto.failed reason=\"no memory left for maps\"");
    for (size_t i = 0; i < m.cost_count; i++)
        view_source_drop(costs[i]);
    view_source_drop(m.network);
}

static uint64_t age_ms(const struct alto_source *s, const struct alto_client_status *c)
{
    const uint64_t wall = clock_wall_ms(), now = clock_ms();

    if (c->checked_ms)
        return now > c->checked_ms ? now - c->checked_ms : 0;
    return wall > s->checked_wall_ms ? wall - s->checked_wall_ms : 0;
}

/* Formatting is done here, writing by its thread. */
static void keep(struct alto_source *s, const struct alto_client_status *c)
{
    struct bytes text = {.limit = KEPT_BYTES_MAX};
    const uint64_t age = age_ms(s, c), wall = clock_wall_ms();

    if (!s->writer || !s->now.network || s->refused)
        return;
    s->kept_ms = clock_ms();
    s->kept_checked_ms = c->checked_ms;
    if (alto_kept_format(&s->now, s->taken_wall_ms, wall > age ? wall - age : 0, &text))
        state_writer_post(s->writer, &text);
    else
        log_error("event=alto.not_kept reason=\"the maps are too large to keep\"");
    bytes_free(&text);
}

static void on_maps(void *ctx, const struct alto_generation *g)
{
    struct alto_source *s = ctx;
    struct alto_client_status c;
    const struct netmap *n = g->network->network;
    char source[URI_MAX + 8], tag[3 * ALTO_TAG_MAX];

    alto_generation_drop(&s->now);
    alto_generation_copy(&s->now, g);
    s->from_state = s->expired = false;
    s->taken_wall_ms = clock_wall_ms();
    log_info("event=alto.maps source=%s tag=%s pids=%u prefixes=%u costs=%zu",
             log_quote(g->source, source, sizeof source), log_quote(n->vtag.tag, tag, sizeof tag),
             n->pid_count, n->prefix_count, g->cost_count);
    give(s);
    alto_fetch_status(s->fetch, &c);
    keep(s, &c);
}

/* Maps that grow too old; what was kept and is to be told of; the age on disk. */
static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct alto_source *s = arg;
    struct alto_client_status c;
    uint64_t age;

    (void)fd;
    (void)what;
    alto_fetch_status(s->fetch, &c);
    if (!s->now.network)
        return;
    age = age_ms(s, &c);
    if (s->conf.age_max_ms && age > s->conf.age_max_ms) {
        if (!s->expired) {
            log_warn("event=alto.expired age_ms=%llu", (unsigned long long)age);
            s->expired = true;
            s->give = false;
            (void)s->maps(s->ctx, NULL);
        }
        return;
    }
    s->give |= s->refused && clock_ms() >= s->given_ms + AGAIN_MS;
    if (s->expired || s->give) { /* confirmed again, or from the state file */
        s->expired = false;
        give(s);
    }
    if (c.checked_ms != s->kept_checked_ms && clock_ms() >= s->kept_ms + KEEP_MS)
        keep(s, &c);
}

static bool is_asked(const struct alto_client_conf *c, const char *uri)
{
    for (size_t i = 0; i < c->server_count; i++)
        if (str_eq(c->servers[i], str_from(uri)))
            return true;
    return false;
}

static void load(struct alto_source *s)
{
    struct bytes text = {0};
    struct err e = {0};
    char reason[2 * ERR_TEXT_MAX];
    enum err_code rc = file_read(s->conf.state_path, KEPT_BYTES_MAX, &text, &e);

    if (rc != ERR_OK) /* as at the very first start */
        return;
    rc = alto_kept_parse((struct str){text.data, text.len}, s->conf.client.arena_max, &s->now,
                         &s->taken_wall_ms, &s->checked_wall_ms, &e);
    bytes_free(&text);
    if (rc == ERR_OK && !is_asked(&s->conf.client, s->now.source)) {
        rc = err_set(&e, ERR_CONFLICT, "its maps are of a server that is not asked any more, %s",
                     s->now.source);
        alto_generation_drop(&s->now);
    }
    if (rc != ERR_OK) {
        log_warn("event=alto.state_refused path=%s reason=%s", s->conf.state_path,
                 log_quote(e.text, reason, sizeof reason));
        return;
    }
    s->give = s->from_state = true;
}

enum err_code alto_source_new(struct event_base *base, const struct alto_source_conf *conf,
                              alto_source_maps_fn *maps, void *ctx, struct alto_source **out,
                              struct err *e)
{
    const struct alto_fetch_conf fetch = {.client = conf->client, .ca_file = conf->ca_file};
    const struct timeval tick = {TICK_MS / 1000, TICK_MS % 1000 * 1000};
    struct alto_source *s = calloc(1, sizeof *s);
    enum err_code rc = ERR_OK;

    *out = NULL;
    if (!s)
        return err_set(e, ERR_LIMIT, "no memory left for an ALTO source");
    s->conf = *conf;
    s->maps = maps;
    s->ctx = ctx;
    if (conf->state_path)
        load(s);
    s->tick = event_new(base, -1, EV_PERSIST, on_tick, s);
    if (!s->tick || event_add(s->tick, &tick) != 0)
        rc = err_set(e, ERR_LIMIT, "no memory left for an ALTO source");
    if (rc == ERR_OK && conf->state_path && !(s->writer = state_writer_start(conf->state_path)))
        rc = err_set(e, ERR_LIMIT, "no thread to keep the maps of an ALTO server");
    if (rc == ERR_OK)
        rc =
            alto_fetch_new(base, &fetch, s->now.network ? &s->now : NULL, on_maps, s, &s->fetch, e);
    if (rc != ERR_OK) {
        alto_source_free(s);
        return rc;
    }
    if (s->give)
        event_active(s->tick, EV_TIMEOUT, 0);
    *out = s;
    return ERR_OK;
}

void alto_source_free(struct alto_source *s)
{
    if (!s)
        return;
    alto_fetch_free(s->fetch);
    if (s->tick)
        event_free(s->tick);
    state_writer_stop(s->writer);
    alto_generation_drop(&s->now);
    free(s);
}

void alto_source_status(const struct alto_source *s, struct alto_source_status *out)
{
    const struct netmap *n = s->now.network ? s->now.network->network : NULL;

    *out = (struct alto_source_status){.uri = s->now.source,
                                       .resource_id = n ? n->vtag.resource_id : "",
                                       .tag = n ? n->vtag.tag : "",
                                       .taken_wall_ms = n ? s->taken_wall_ms : 0,
                                       .from_state = s->from_state,
                                       .expired = s->expired};
    alto_fetch_status(s->fetch, &out->client);
    out->age_ms = n ? age_ms(s, &out->client) : 0;
}

const char *alto_source_mode_name(enum alto_client_mode m)
{
    return m == ALTO_CLIENT_SSE    ? "sse"
           : m == ALTO_CLIENT_TIPS ? "tips"
           : m == ALTO_CLIENT_POLL ? "poll"
                                   : "-";
}

bool alto_source_force(struct alto_source *s)
{
    return alto_fetch_force(s->fetch);
}
