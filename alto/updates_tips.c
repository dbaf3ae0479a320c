/* Following by TIPS (RFC 9569): a view of each resource, then one edge of its graph behind the
 * other, the last by a long poll. */
#include <stdio.h>
#include <string.h>

#include "alto/updates_internal.h"
#include "base/json_write.h"
#include "base/jsonin.h"

#define TIPS_TYPE    "application/alto-tips+json"
#define TIPS_ACCEPTS "application/alto-tipsparams+json"
#define SEQ_MAX      ((int64_t)1 << 53)

/* Who catches up asks for one edge behind the other; a server that never comes to an end of them is
 * asked no oftener than this. */
#define WINDOW_MS   1000u
#define IN_A_WINDOW 16u

/* Slot 1 is the network map's, and so on. */
static unsigned slot_of(unsigned resource)
{
    return resource + 1;
}

static void failed(struct alto_client *c, const struct client_slot *s, unsigned resource,
                   bool resync)
{
    const struct str id = updates_pick(c, resource)->id;
    struct err e = s->x->e;

    err_wrap(&e, "TIPS view of %.*s", (int)id.n, id.p);
    updates_failed(c, &e, resync, s->x->retry_after_s);
}

static void on_edge(struct alto_client *c, struct client_slot *s);

/* RFC 9569 section 7.2: whatever type it may come in. */
static void ask_edge(struct alto_client *c, unsigned resource)
{
    const struct edge *edge = &c->updates->edges[resource];
    struct exchange_ask ask = {
        .accept = resource ? STR(COST_TYPE "," PATCH_TYPE_MERGE "," PATCH_TYPE_JSON)
                           : STR(NETWORK_TYPE "," PATCH_TYPE_MERGE "," PATCH_TYPE_JSON),
        .body_max = c->conf.body_max};
    struct bytes uri = {0};
    struct err e = {0};

    if (bytes_printf(&uri, "%.*s/ug/%llu/%llu", (int)edge->view.len, edge->view.data,
                     (unsigned long long)edge->i, (unsigned long long)edge->j)) {
        ask.uri = (struct str){uri.data, uri.len};
        client_fetch_poll(c, slot_of(resource), &ask, on_edge);
    } else {
        err_set(&e, ERR_LIMIT, "no memory left for a TIPS view");
        updates_failed(c, &e, false, -1);
    }
    bytes_free(&uri);
}

static void ask_next(struct alto_client *c, unsigned resource)
{
    struct edge *edge = &c->updates->edges[resource];

    edge->i = edge->j;
    edge->j++;
    if (c->now_ms - edge->window_ms >= WINDOW_MS) {
        edge->window_ms = c->now_ms;
        edge->in_window = 0;
    }
    if (++edge->in_window > IN_A_WINDOW)
        edge->due_ms = edge->window_ms + WINDOW_MS;
    else
        ask_edge(c, resource);
}

void tips_turn(struct alto_client *c)
{
    for (unsigned i = 0; i <= c->plan.cost_count && c->phase == CLIENT_FOLLOW; i++)
        if (c->now_ms >= c->updates->edges[i].due_ms) {
            c->updates->edges[i].due_ms = NEVER;
            ask_edge(c, i);
        }
}

uint64_t tips_wake_ms(const struct alto_client *c)
{
    uint64_t ms = NEVER;

    for (unsigned i = 0; i <= c->plan.cost_count; i++)
        if (c->updates->edges[i].due_ms < ms)
            ms = c->updates->edges[i].due_ms;
    return ms;
}

static void on_edge(struct alto_client *c, struct client_slot *s)
{
    const unsigned resource = s->slot - 1;
    const struct str text = {s->x->body.data, s->x->body.len};

    if (s->timed_out) { /* nothing has changed: the same again */
        if (!c->updates->apart_ms)
            c->checked_ms = c->now_ms;
        ask_edge(c, resource);
        return;
    }
    if (s->x->state == EXCHANGE_FAILED) {
        failed(c, s, resource, false);
        return;
    }
    if (update_apply(c, resource, s->x->content_type, text, &s->x->e) != ERR_OK) {
        failed(c, s, resource, true);
        return;
    }
    c->error = (struct err){0};
    ask_next(c, resource);
}

/* Section 6.2. */
static enum err_code read_view(const struct exchange *x, struct edge *out, struct err *e)
{
    struct jsonin root = {0}, object, summary, graph, rec;
    json_t *document = NULL;
    struct str uri;
    int64_t i = 0, j = 0;
    enum err_code rc = jsonin_load(x->body.data ? x->body.data : "", x->body.len, &document, e);

    root.value = document;
    if (rc == ERR_OK)
        rc = jsonin_object(&root, NULL, &object, e);
    if (rc == ERR_OK)
        rc = jsonin_string(&object, "tips-view-uri", &uri, e);
    if (rc == ERR_OK)
        rc = jsonin_object(&object, "tips-view-summary", &summary, e);
    if (rc == ERR_OK)
        rc = jsonin_object(&summary, "updates-graph-summary", &graph, e);
    if (rc == ERR_OK)
        rc = jsonin_object(&graph, "start-edge-rec", &rec, e);
    if (rc == ERR_OK)
        rc = jsonin_integer(&rec, "seq-i", 0, SEQ_MAX, &i, e);
    if (rc == ERR_OK)
        rc = jsonin_integer(&rec, "seq-j", i + 1, SEQ_MAX, &j, e);
    out->view.len = 0;
    if (rc == ERR_OK)
        rc = uri_resolve((struct str){x->uri.data, x->uri.len}, uri, &out->view, e);
    if (rc == ERR_OK) {
        out->i = (uint64_t)i;
        out->j = (uint64_t)j;
    }
    json_decref(document);
    return rc;
}

static void on_view(struct alto_client *c, struct client_slot *s)
{
    const unsigned resource = s->slot - 1;

    if (s->x->state == EXCHANGE_FAILED ||
        read_view(s->x, &c->updates->edges[resource], &s->x->e) != ERR_OK)
        failed(c, s, resource, false);
    else
        ask_edge(c, resource);
}

static void open_view(struct alto_client *c, unsigned resource)
{
    const struct client_pick *pick = updates_pick(c, resource);
    const struct str tag = updates_tag(c, resource);
    struct exchange_ask ask = {.uri = c->plan.tips->uri,
                               .post = true,
                               .content_type = STR(TIPS_ACCEPTS),
                               .accept = STR(TIPS_TYPE),
                               .body_max = (size_t)1 << 20};
    struct bytes body = {0};
    struct err e = {0};
    struct json_write w;

    json_write_init(&w, &body);
    json_write_object(&w);
    json_write_key(&w, STR("resource-id"));
    json_write_string(&w, pick->id);
    if (tag.n) {
        json_write_key(&w, STR("tag"));
        json_write_string(&w, tag);
    }
    if (pick->accepts.n) {
        json_write_key(&w, STR("input"));
        json_write_made(&w, pick->body);
    }
    json_write_object_end(&w);
    if (json_write_done(&w)) {
        ask.body = (struct str){body.data, body.len};
        client_fetch(c, slot_of(resource), &ask, on_view);
    } else {
        err_set(&e, ERR_LIMIT, "no memory left for a TIPS view");
        updates_failed(c, &e, false, -1);
    }
    bytes_free(&body);
}

void tips_open(struct alto_client *c)
{
    for (unsigned i = 0; i < UPDATES_RESOURCES; i++)
        c->updates->edges[i].due_ms = NEVER;
    for (unsigned i = 0; i <= c->plan.cost_count && c->phase == CLIENT_FOLLOW; i++)
        open_view(c, i);
}
