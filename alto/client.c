#include "alto/client_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

void alto_client_conf_default(struct alto_client_conf *c)
{
    *c = (struct alto_client_conf){.poll_ms = 300000,
                                   .timeout_ms = 30000,
                                   .exchange_ms = 600000,
                                   .silence_ms = 120000,
                                   .retry_min_ms = 1000,
                                   .retry_max_ms = 300000,
                                   .return_ms = 600000,
                                   .directory_ms = 3600000,
                                   .consistency_ms = 30000,
                                   .redirects_max = 5,
                                   .body_max = NETMAP_BYTES_MAX,
                                   .arena_max = (size_t)4 << 30,
                                   .loss_max_pm = 300,
                                   .zero_max_pm = 300};
}

struct alto_client *alto_client_new(const struct alto_client_conf *conf,
                                    const struct alto_client_ops *ops, void *ctx, uint64_t now_ms)
{
    struct alto_client *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->directories = arena_new(ALTO_CLIENT_DIRECTORIES_MAX * DIRECTORY_BYTES_MAX);
    if (!c->directories) {
        free(c);
        return NULL;
    }
    c->conf = *conf;
    c->ops = ops;
    c->ctx = ctx;
    c->random = hash_mix(conf->seed, now_ms);
    c->now_ms = c->wake_ms = now_ms;
    c->return_ms = NEVER;
    c->max_age_s = -1;
    return c;
}

static void close_all(struct alto_client *c)
{
    client_updates_stop(c);
    for (unsigned i = 0; i < ALTO_CLIENT_SLOTS; i++)
        client_close(c, i);
}

void alto_client_free(struct alto_client *c)
{
    if (!c)
        return;
    close_all(c);
    alto_generation_drop(&c->now);
    alto_generation_drop(&c->draft);
    alto_generation_drop(&c->held);
    arena_free(c->directories);
    free(c);
}

uint32_t client_jitter(struct alto_client *c, uint32_t ms)
{
    c->random = hash_mix(c->random, ms);
    return ms + (uint32_t)(c->random % (ms / 10 + 1));
}

uint32_t client_backoff(struct alto_client *c, unsigned failures)
{
    uint64_t ms = c->conf.retry_min_ms;

    for (unsigned i = 1; i < failures && ms < c->conf.retry_max_ms; i++)
        ms *= 2;
    return client_jitter(c, ms < c->conf.retry_max_ms ? (uint32_t)ms : c->conf.retry_max_ms);
}

uint64_t client_patience(uint64_t wait_ms, int64_t retry_after_s)
{
    uint64_t asked_ms = retry_after_s > 0 ? (uint64_t)retry_after_s * 1000 : 0;

    if (asked_ms > RETRY_AFTER_MOST_MS)
        asked_ms = RETRY_AFTER_MOST_MS;
    return asked_ms > wait_ms ? asked_ms : wait_ms;
}

/* -- slots -- */

static void release(struct client_slot *s)
{
    if (s->x)
        exchange_free(s->x);
    free(s->x);
    *s = (struct client_slot){0};
}

void client_close(struct alto_client *c, unsigned slot)
{
    struct client_slot *s = &c->slots[slot];

    if (!s->x)
        return;
    c->ops->close(c->ctx, slot);
    release(s);
}

/* The exchange is over: the slot is free before anybody is told, who may use it again. */
static void finish(struct alto_client *c, struct client_slot *s)
{
    struct client_slot was = *s;

    *s = (struct client_slot){0};
    was.done(c, &was);
    release(&was);
}

static void connect_to(struct alto_client *c, unsigned slot)
{
    const struct exchange *x = c->slots[slot].x;
    const struct alto_client_to to = {
        .host = x->to.host, .port = x->to.port, .tls = x->to.tls, .private_ok = x->private_ok};

    c->slots[slot].idle_ms = c->now_ms + c->conf.timeout_ms;
    c->ops->connect(c->ctx, slot, &to);
}

static void fetch(struct alto_client *c, struct exchange_ask *ask, struct client_slot how)
{
    struct client_slot *s = &c->slots[how.slot];
    struct err e = {0};

    ask->redirects_max = c->conf.redirects_max;
    ask->hosts = &c->hosts;
    *s = how;
    s->x = calloc(1, sizeof *s->x);
    if (!s->x) {
        err_set(&e, ERR_LIMIT, "no memory left for a request");
        client_failed(c, &e, -1, false);
        return;
    }
    exchange_begin(s->x, ask);
    if (s->x->state == EXCHANGE_FAILED)
        finish(c, s);
    else
        connect_to(c, how.slot);
}

void client_fetch(struct alto_client *c, unsigned slot, struct exchange_ask *ask,
                  client_done_fn *done)
{
    fetch(c, ask,
          (struct client_slot){.slot = slot,
                               .done = done,
                               .silence_ms = c->conf.timeout_ms,
                               .end_ms = c->now_ms + c->conf.exchange_ms});
}

void client_fetch_stream(struct alto_client *c, unsigned slot, struct exchange_ask *ask,
                         client_done_fn *done, client_done_fn *stream)
{
    fetch(c, ask,
          (struct client_slot){.slot = slot,
                               .done = done,
                               .stream = stream,
                               .silence_ms = c->conf.silence_ms,
                               .end_ms = c->now_ms + c->conf.silence_ms + c->conf.exchange_ms});
}

void client_fetch_poll(struct alto_client *c, unsigned slot, struct exchange_ask *ask,
                       client_done_fn *done)
{
    client_fetch_stream(c, slot, ask, done, NULL);
}

/* What a new state of the exchange asks for. */
static void on_state(struct alto_client *c, unsigned slot, enum exchange_state state)
{
    struct client_slot *s = &c->slots[slot];

    if (state == EXCHANGE_ANSWER)
        return;
    if (state == EXCHANGE_STREAM) {
        s->end_ms = NEVER; /* of its head there was an end */
        s->stream(c, s);
        return;
    }
    if (state == EXCHANGE_DONE && s->x->ask.stream)
        s->stream(c, s); /* the last of it */
    if (!s->x)
        return;
    c->ops->close(c->ctx, slot);
    if (state == EXCHANGE_CONNECT)
        connect_to(c, slot);
    else
        finish(c, s);
}

void alto_client_connected(struct alto_client *c, unsigned slot, uint64_t now_ms)
{
    struct client_slot *s = &c->slots[slot];

    c->now_ms = now_ms;
    if (!s->x || s->x->state != EXCHANGE_CONNECT)
        return;
    s->idle_ms = now_ms + s->silence_ms;
    c->ops->send(c->ctx, slot, exchange_request(s->x));
}

void alto_client_bytes(struct alto_client *c, unsigned slot, const char *p, size_t n,
                       uint64_t now_ms)
{
    struct client_slot *s = &c->slots[slot];

    c->now_ms = now_ms;
    if (!s->x || s->x->state == EXCHANGE_CONNECT)
        return;
    s->idle_ms = now_ms + s->silence_ms;
    on_state(c, slot, exchange_feed(s->x, p, n));
}

void alto_client_closed(struct alto_client *c, unsigned slot, const char *why, uint64_t now_ms)
{
    c->now_ms = now_ms;
    if (c->slots[slot].x)
        on_state(c, slot, exchange_closed(c->slots[slot].x, why));
}

/* -- servers -- */

void client_idle(struct alto_client *c)
{
    c->phase = CLIENT_IDLE;
    c->wake_ms = NEVER;
    for (unsigned i = 0; i < c->conf.server_count; i++)
        if (c->servers[i].retry_ms < c->wake_ms)
            c->wake_ms = c->servers[i].retry_ms;
}

void client_failed(struct alto_client *c, const struct err *e, int64_t retry_after_s, bool gone)
{
    struct client_server *server = &c->servers[c->server];
    const bool again = gone && server->failures == 0 && c->phase != CLIENT_DIRECTORY;
    uint64_t wait_ms;

    close_all(c);
    alto_generation_drop(&c->draft);
    c->error = *e;
    err_wrap(&c->error, "%.*s", (int)c->conf.servers[c->server].n, c->conf.servers[c->server].p);
    c->failures++;
    server->failures++;
    /* What is gone may be elsewhere (section 8.3.6): its directory is read again at once. */
    wait_ms = client_patience(again ? 0 : client_backoff(c, server->failures), retry_after_s);
    server->retry_ms = c->now_ms + wait_ms;
    c->mode = ALTO_CLIENT_AUTO;
    c->rounds = 0;
    client_idle(c);
}

static void next_directory(struct alto_client *c);

/* Directories that this one names, unless they have been read (section 8.3.1). */
static void add_links(struct alto_client *c, const struct directory *d, unsigned depth)
{
    struct client_walk *w = &c->walk;

    for (size_t i = 0; i < d->resource_count; i++) {
        const struct directory_resource *r = &d->resources[i];
        unsigned k = 0;

        if (r->accepts.n || !str_eq(r->media_type, STR(DIRECTORY_TYPE)))
            continue;
        while (k < w->count && !str_eq(w->uris[k], r->uri))
            k++;
        if (k < w->count || depth == ALTO_CLIENT_DEPTH_MAX ||
            w->count == ALTO_CLIENT_DIRECTORIES_MAX)
            continue;
        w->uris[w->count] = r->uri;
        w->depth[w->count++] = depth + 1;
    }
}

static void on_directory(struct alto_client *c, struct client_slot *s)
{
    struct client_walk *w = &c->walk;
    const struct str text = {s->x->body.data, s->x->body.len};
    const struct str uri = {s->x->uri.data, s->x->uri.len};
    const struct directory *d = NULL;

    if (s->x->state == EXCHANGE_DONE &&
        directory_read(text, uri, c->directories, &d, &s->x->e) == ERR_OK) {
        if (w->at == 0 && !str_eq(uri, w->uris[0])) /* redirected: this is its name too */
            w->uris[0] = d->uri;
        w->read[w->read_count++] = d;
        add_links(c, d, w->depth[w->at]);
    } else if (w->at == 0) { /* of those that it names, one may be out of reach */
        err_wrap(&s->x->e, "directory");
        client_failed(c, &s->x->e, s->x->retry_after_s, false);
        return;
    }
    w->at++;
    next_directory(c);
}

static void next_directory(struct alto_client *c)
{
    struct client_walk *w = &c->walk;
    struct err e = {0};

    if (w->at < w->count) {
        struct exchange_ask ask = {
            .uri = w->uris[w->at], .accept = STR(DIRECTORY_TYPE), .body_max = DIRECTORY_BYTES_MAX};

        client_fetch(c, 0, &ask, on_directory);
        return;
    }
    c->directory_ms = c->now_ms;
    if (client_choose(c, &e) != ERR_OK)
        client_failed(c, &e, -1, false);
    else
        client_round(c, false);
}

void client_start(struct alto_client *c, unsigned server)
{
    const struct str text = c->conf.servers[server];
    struct uri uri;
    struct err e = {0};

    close_all(c);
    alto_generation_drop(&c->draft);
    arena_reset(c->directories);
    c->plan = (struct client_plan){0};
    c->server = server;
    c->phase = CLIENT_DIRECTORY;
    c->wake_ms = NEVER;
    c->return_ms = server ? c->now_ms + c->conf.return_ms : NEVER;
    if (uri_parse(text, &uri, &e) != ERR_OK) {
        client_failed(c, &e, -1, false);
        return;
    }
    c->hosts = (struct exchange_hosts){.server = uri.host,
                                       .server_tls = uri.tls,
                                       .allowed = c->conf.hosts,
                                       .allowed_count = c->conf.host_count};
    c->walk = (struct client_walk){.uris = {text}, .count = 1};
    next_directory(c);
}

/* -- time -- */

/* The best server that may be asked. */
static void start_best(struct alto_client *c)
{
    for (unsigned i = 0; i < c->conf.server_count; i++)
        if (c->servers[i].retry_ms <= c->now_ms) {
            client_start(c, i);
            return;
        }
    client_idle(c);
}

static void slot_deadlines(struct alto_client *c)
{
    for (unsigned i = 0; i < ALTO_CLIENT_SLOTS; i++) {
        struct client_slot *s = &c->slots[i];

        if (!s->x)
            continue;
        if (c->now_ms >= s->end_ms) {
            on_state(c, i, exchange_closed(s->x, "the answer takes too long"));
        } else if (c->now_ms >= s->idle_ms) {
            const bool connecting = s->x->state == EXCHANGE_CONNECT;

            s->timed_out = !connecting && s->x->head.seen == 0;
            on_state(c, i,
                     exchange_closed(s->x, connecting ? "no connection in time"
                                                      : "nothing more came in time"));
        }
    }
}

/* A better server may be back: at most once in return_ms. */
static void try_better(struct alto_client *c)
{
    c->return_ms = c->now_ms + c->conf.return_ms;
    for (unsigned i = 0; i < c->server; i++)
        if (c->servers[i].retry_ms <= c->now_ms) {
            client_start(c, i);
            return;
        }
}

static void phase_turn(struct alto_client *c)
{
    const bool due = c->now_ms >= c->wake_ms;

    switch (c->phase) {
    case CLIENT_IDLE:
        if (due)
            start_best(c);
        break;
    case CLIENT_POLL:
        if (due && c->now_ms >= c->directory_ms + c->conf.directory_ms) {
            c->bad_modes = 0;
            c->given_up = (struct err){0};
            client_start(c, c->server);
        } else if (due) {
            client_round(c, false);
        }
        break;
    case CLIENT_FOLLOW:
    case CLIENT_FOLLOW_IDLE:
        client_updates_turn(c);
        break;
    case CLIENT_DIRECTORY:
    case CLIENT_MAPS:
        break;
    }
}

void alto_client_turn(struct alto_client *c, uint64_t now_ms)
{
    c->now_ms = now_ms;
    slot_deadlines(c);
    if (c->held.network && c->conf.hold_ms && now_ms >= c->held_ms + c->conf.hold_ms)
        alto_client_force(c, now_ms);
    if (now_ms >= c->return_ms && (c->phase == CLIENT_POLL || c->phase == CLIENT_FOLLOW))
        try_better(c);
    phase_turn(c);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t alto_client_wake_ms(const struct alto_client *c)
{
    uint64_t ms = c->wake_ms;

    for (unsigned i = 0; i < ALTO_CLIENT_SLOTS; i++)
        if (c->slots[i].x)
            ms = earlier(ms, earlier(c->slots[i].idle_ms, c->slots[i].end_ms));
    if (c->held.network && c->conf.hold_ms)
        ms = earlier(ms, c->held_ms + c->conf.hold_ms);
    if (c->phase == CLIENT_POLL || c->phase == CLIENT_FOLLOW)
        ms = earlier(ms, c->return_ms);
    return earlier(ms, client_updates_wake_ms(c));
}

/* -- the driver's and the operator's -- */

void alto_client_seed(struct alto_client *c, const struct alto_generation *g)
{
    alto_generation_drop(&c->now);
    alto_generation_copy(&c->now, g);
}

bool alto_client_force(struct alto_client *c, uint64_t now_ms)
{
    struct alto_generation g = c->held;

    c->now_ms = now_ms;
    if (!g.network)
        return false;
    c->held = (struct alto_generation){0};
    client_take(c, &g);
    alto_generation_drop(&g);
    return true;
}

void alto_client_status(const struct alto_client *c, struct alto_client_status *out)
{
    static const char *const doing[] = {
        [CLIENT_IDLE] = "waiting",       [CLIENT_DIRECTORY] = "reading the directory",
        [CLIENT_MAPS] = "fetching maps", [CLIENT_POLL] = "polling",
        [CLIENT_FOLLOW] = "following",   [CLIENT_FOLLOW_IDLE] = "opening the updates again",
    };

    *out = (struct alto_client_status){.server = c->conf.servers[c->server],
                                       .mode = c->mode,
                                       .doing = doing[c->phase],
                                       .error = c->error.text[0] ? c->error.text : c->given_up.text,
                                       .held = c->held_why.text,
                                       .checked_ms = c->checked_ms,
                                       .taken_ms = c->taken_ms,
                                       .generations = c->generations,
                                       .failures = c->failures,
                                       .held_count = c->held_count};
}
