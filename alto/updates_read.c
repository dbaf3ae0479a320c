/* Following what changes, once the maps are there: by events (RFC 8895), by edges (updates_tips.c),
 * or by polls. */
#include <stdlib.h>
#include <string.h>

#include "alto/updates_internal.h"
#include "base/json_write.h"
#include "base/jsonin.h"

#define CONTROL_TYPE   "application/alto-updatestreamcontrol+json"
#define STREAM_TYPE    "text/event-stream"
#define STREAM_ACCEPTS "application/alto-updatestreamparams+json"
#define SLOT           1u

const struct client_pick *updates_pick(const struct alto_client *c, unsigned resource)
{
    return resource ? &c->plan.costs[resource - 1] : &c->plan.network;
}

const struct alto_part *updates_part(const struct client_updates *u, unsigned resource)
{
    return resource ? u->state.costs[resource - 1] : u->state.network;
}

/* Of resources that are fetched and have one (RFC 8895 section 6.5); of a cost map only when it is
 * for the network map that is there. */
struct str updates_tag(const struct alto_client *c, unsigned resource)
{
    const struct alto_part *p = updates_part(c->updates, resource);

    if (updates_pick(c, resource)->accepts.n || (resource && p->of != c->updates->state.network))
        return (struct str){0};
    return str_from(p->tag);
}

static void poll_later(struct alto_client *c)
{
    uint64_t ms = c->conf.poll_ms;

    /* RFC 9111: within its max-age an answer is fresh, and nobody need be asked; but the directory
     * is read again in its time, and a map that is wrong is not so for a year. */
    if (c->max_age_s > 0 && (uint64_t)c->max_age_s * 1000 > ms)
        ms = (uint64_t)c->max_age_s * 1000;
    if (ms > c->conf.poll_ms && ms > c->conf.directory_ms)
        ms = c->conf.poll_ms > c->conf.directory_ms ? c->conf.poll_ms : c->conf.directory_ms;
    c->mode = ALTO_CLIENT_POLL;
    c->phase = CLIENT_POLL;
    c->wake_ms = c->now_ms + client_jitter(c, ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX);
}

void updates_failed(struct alto_client *c, const struct err *e, bool resync, int64_t retry_after_s)
{
    struct client_updates *u = c->updates;

    for (unsigned i = 1; i < ALTO_CLIENT_SLOTS; i++)
        client_close(c, i);
    sse_read_free(u->sse);
    u->sse = NULL;
    updates_forget_pending(u);
    u->control_uri.len = 0;
    if (c->now_ms - u->opened_ms > c->conf.consistency_ms)
        c->update_failures = 0; /* it went well for a while */
    c->update_failures++;
    c->failures++;
    c->error = *e;
    err_wrap(&c->error, "%.*s", (int)c->conf.servers[c->server].n, c->conf.servers[c->server].p);
    u->resync = resync || u->apart_ms; /* what is apart has missed something */
    u->apart_ms = 0;
    if (c->update_failures >= UPDATES_FAILURES_MAX) {
        c->bad_modes |= 1u << u->mode;
        c->given_up = c->error;
        err_wrap(&c->given_up, "%s is given up for now",
                 u->mode == ALTO_CLIENT_SSE ? "the update stream" : "TIPS");
        c->update_failures = 0;
        u->resync = true;
    }
    c->phase = CLIENT_FOLLOW_IDLE;
    c->wake_ms = c->now_ms + client_patience(client_backoff(c, c->update_failures), retry_after_s);
}

/* -- event streams -- */

/* Section 7.1: relative to the stream's own URI. It is checked as all addresses are. */
static void take_control_uri(struct alto_client *c, struct str text)
{
    struct client_updates *u = c->updates;
    const struct exchange *x = c->slots[SLOT].x;
    struct uri uri;
    bool private_ok;

    u->control_uri.len = 0;
    if (uri_resolve((struct str){x->uri.data, x->uri.len}, text, &u->control_uri, NULL) != ERR_OK)
        return;
    if (uri_parse((struct str){u->control_uri.data, u->control_uri.len}, &uri, NULL) != ERR_OK ||
        exchange_hosts_check(&c->hosts, &uri, &private_ok, NULL) != ERR_OK)
        u->control_uri.len = 0;
}

/* Section 5.3. */
static enum err_code on_control(struct alto_client *c, struct str data, struct err *e)
{
    struct jsonin root = {0}, object, stopped;
    json_t *document = NULL;
    struct str text;
    enum err_code rc = jsonin_load(data.n ? data.p : "", data.n, &document, e);

    root.value = document;
    if (rc == ERR_OK)
        rc = jsonin_object(&root, NULL, &object, e);
    if (rc == ERR_OK && jsonin_string(&object, "control-uri", &text, NULL) == ERR_OK)
        take_control_uri(c, text);
    if (rc == ERR_OK && jsonin_has(&object, "stopped")) {
        rc = jsonin_array(&object, "stopped", &stopped, e);
        if (rc == ERR_OK && jsonin_count(&stopped))
            rc = err_set(e, ERR_IO, "the server has stopped the updates");
    }
    json_decref(document);
    if (rc != ERR_OK)
        err_wrap(e, "control message of the update stream");
    return rc;
}

/* "r0" is the network map, "r1" the first cost map. */
static bool resource_of(const struct alto_client *c, struct str id, unsigned *out)
{
    if (id.n != 2 || id.p[0] != 'r' || id.p[1] < '0')
        return false;
    *out = (unsigned)(id.p[1] - '0');
    return *out <= c->plan.cost_count;
}

static enum err_code on_event(void *ctx, const struct sse_event *ev, struct err *e)
{
    struct alto_client *c = ctx;
    struct str media_type, id;
    unsigned resource;
    enum err_code rc;

    if (str_eq_nocase(ev->event, STR(CONTROL_TYPE)))
        return on_control(c, ev->data, e);
    rc = sse_event_split(ev->event, &media_type, &id, e);
    if (rc != ERR_OK)
        return rc;
    if (!resource_of(c, id, &resource)) /* not asked for: ignored */
        return ERR_OK;
    rc = update_apply(c, resource, media_type, ev->data, e);
    c->updates->resync |= rc != ERR_OK;
    return rc;
}

static void on_stream(struct alto_client *c, struct client_slot *s)
{
    const struct str text = exchange_body(s->x);
    struct err e = {0};

    c->error = (struct err){0}; /* it answers */
    if (sse_read_feed(c->updates->sse, text.n ? text.p : "", text.n, &e) == ERR_OK)
        exchange_taken(s->x);
    else
        updates_failed(c, &e, c->updates->resync, -1);
    /* What it says of the maps, or only that it is there (RFC 8895 section 6.8): they are of now.
     */
    if (c->phase == CLIENT_FOLLOW && !c->updates->apart_ms)
        c->checked_ms = c->now_ms;
}

static void on_stream_done(struct alto_client *c, struct client_slot *s)
{
    struct err e = s->x->e;

    if (s->x->state == EXCHANGE_DONE)
        err_set(&e, ERR_IO, "the server has ended it");
    err_wrap(&e, "update stream");
    updates_failed(c, &e, false, s->x->retry_after_s);
}

/* An input is a JSON object already. */
static void write_add(struct json_write *w, const struct alto_client *c, unsigned resource)
{
    const struct client_pick *pick = updates_pick(c, resource);
    const struct alto_part *part = updates_part(c->updates, resource);
    const struct str tag = updates_tag(c, resource);
    const bool whole = client_cannot_apply(c, c->plan.stream, pick->id) ||
                       (part->cost && costmap_calendar_get(part->cost));
    const char key[2] = {'r', (char)('0' + resource)};

    json_write_key(w, (struct str){key, sizeof key});
    json_write_object(w);
    json_write_key(w, STR("resource-id"));
    json_write_string(w, pick->id);
    if (tag.n) {
        json_write_key(w, STR("tag"));
        json_write_string(w, tag);
    }
    if (whole) {
        json_write_key(w, STR("incremental-changes"));
        json_write_bool(w, false);
    }
    if (pick->accepts.n) {
        json_write_key(w, STR("input"));
        json_write_made(w, pick->body);
    }
    json_write_object_end(w);
}

static void open_stream(struct alto_client *c)
{
    const struct sse_limits limits = {.data_max = c->conf.body_max};
    struct exchange_ask ask = {.uri = c->plan.stream->uri,
                               .post = true,
                               .content_type = STR(STREAM_ACCEPTS),
                               .accept = STR(STREAM_TYPE),
                               .stream = true,
                               .body_max = c->conf.body_max};
    struct bytes body = {0};
    struct err e = {0};
    struct json_write w;

    json_write_init(&w, &body);
    json_write_object(&w);
    json_write_key(&w, STR("add"));
    json_write_object(&w);
    for (unsigned i = 0; i <= c->plan.cost_count; i++)
        write_add(&w, c, i);
    json_write_object_end(&w);
    json_write_object_end(&w);
    c->updates->sse = sse_read_new(&limits, on_event, c);
    if (!json_write_done(&w) || !c->updates->sse) {
        err_set(&e, ERR_LIMIT, "no memory left for an update stream");
        updates_failed(c, &e, true, -1);
    } else {
        ask.body = (struct str){body.data, body.len};
        client_fetch_stream(c, SLOT, &ask, on_stream_done, on_stream);
    }
    bytes_free(&body);
}

/* -- which way -- */

static bool is_bad(const struct alto_client *c, enum alto_client_mode m)
{
    return (c->bad_modes >> m & 1u) != 0;
}

static void open_updates(struct alto_client *c)
{
    struct client_updates *u = c->updates;

    c->phase = CLIENT_FOLLOW;
    c->wake_ms = NEVER;
    c->mode = u->mode;
    u->opened_ms = c->now_ms;
    u->resync = false;
    if (u->mode == ALTO_CLIENT_SSE)
        open_stream(c);
    else
        tips_open(c);
}

void client_updates_start(struct alto_client *c)
{
    const bool sse = c->plan.stream && !is_bad(c, ALTO_CLIENT_SSE);
    const bool tips = c->plan.tips && !is_bad(c, ALTO_CLIENT_TIPS);

    client_updates_stop(c);
    c->updates = sse || tips ? calloc(1, sizeof *c->updates) : NULL;
    if (!c->updates) {
        poll_later(c);
        return;
    }
    c->updates->mode = sse ? ALTO_CLIENT_SSE : ALTO_CLIENT_TIPS;
    alto_generation_copy(&c->updates->state, &c->draft);
    open_updates(c);
}

void client_updates_stop(struct alto_client *c)
{
    struct client_updates *u = c->updates;

    if (!u)
        return;
    for (unsigned i = 1; i < ALTO_CLIENT_SLOTS; i++)
        client_close(c, i);
    sse_read_free(u->sse);
    updates_forget_pending(u);
    alto_generation_drop(&u->state);
    bytes_free(&u->control_uri);
    for (unsigned i = 0; i < UPDATES_RESOURCES; i++)
        bytes_free(&u->edges[i].view);
    free(u);
    c->updates = NULL;
}

void client_updates_turn(struct alto_client *c)
{
    struct client_updates *u = c->updates;
    struct err e = {0};

    if (c->phase == CLIENT_FOLLOW && u->apart_ms &&
        c->now_ms >= u->apart_ms + c->conf.consistency_ms) {
        err_set(&e, ERR_CONFLICT,
                "the cost maps of a new network map (or it itself) have not come in %u s",
                c->conf.consistency_ms / 1000);
        updates_failed(c, &e, true, -1);
    } else if (c->phase == CLIENT_FOLLOW && u->mode == ALTO_CLIENT_TIPS) {
        tips_turn(c);
    } else if (c->phase == CLIENT_FOLLOW_IDLE && c->now_ms >= c->wake_ms) {
        if (u->resync)
            client_round(c, true); /* and then anew */
        else
            open_updates(c);
    }
}

uint64_t client_updates_wake_ms(const struct alto_client *c)
{
    const struct client_updates *u = c->updates;
    uint64_t ms = NEVER;

    if (!u || c->phase != CLIENT_FOLLOW)
        return NEVER;
    if (u->mode == ALTO_CLIENT_TIPS)
        ms = tips_wake_ms(c);
    if (u->apart_ms && u->apart_ms + c->conf.consistency_ms < ms)
        ms = u->apart_ms + c->conf.consistency_ms;
    return ms;
}
