#include <stdlib.h>
#include <string.h>

#include "alto/sse_stream.h"
#include "alto/sse_write.h"
#include "base/json_write.h"

#define USED_IDS 16u /* times substreams_max: ids that one stream can ever have */

/* Requests (sections 6.5 and 7.5) */

struct add {
    struct str id;
    struct hub_ask ask;
    struct hub_node *node;
};

struct stream_request {
    struct add *adds; /* [add_count] */
    size_t add_count;
    struct str_list remove;
    bool has_remove;
};

static bool read_add(const struct hub_asker *who, const struct params *list, const char *key,
                     struct add *out)
{
    struct params one;
    struct err e = {0};
    bool there;

    out->id = (struct str){arena_strndup(list->arena, key, strlen(key)), strlen(key)};
    if (!out->id.p)
        return alto_status(list->e, 503, "no memory left");
    if (vtag_check_name("substream-id", out->id, &e) != ERR_OK)
        return alto_invalid(list->e, "add", out->id, "%s", e.text);
    return params_object(list, key, true, &one, &there) && hub_ask_read(who, &one, &out->ask);
}

static bool read_request(const struct hub_asker *who, const struct params *in, bool opens,
                         struct stream_request *out)
{
    const size_t max = who->hub->conf.substreams_max;
    struct params list;
    const char *key;
    json_t *value;
    bool there;

    *out = (struct stream_request){0};
    if (!params_object(in, "add", opens, &list, &there))
        return false;
    if (there && json_object_size(list.object) > max)
        return alto_status(in->e, 503, "a stream has at most %zu substreams", max);
    out->adds = arena_array(in->arena, max ? max : 1, sizeof *out->adds);
    if (!out->adds)
        return alto_status(in->e, 503, "no memory left");
    if (there)
        json_object_foreach(
            (json_t *)(uintptr_t)list.object, key,
            value) if (!read_add(who, &list, key, &out->adds[out->add_count++])) return false;
    out->has_remove = !opens && json_object_get(in->object, "remove");
    if (out->has_remove && !params_strings(in, "remove", false, &out->remove))
        return false;
    return out->add_count || out->has_remove || alto_missing(in->e, "add");
}

static void unfollow_all(struct alto_hub *h, struct stream_request *q)
{
    hub_lock(h);
    for (size_t i = 0; i < q->add_count; i++)
        if (q->adds[i].node)
            hub_node_unfollow(q->adds[i].node);
    hub_unlock(h);
}

/* The worker makes the answers that nobody follows yet: together as much as one request may ask for
 * otherwise. */
static bool follow_all(struct hub_asker who, size_t answer_max, struct stream_request *q,
                       struct alto_error *e)
{
    size_t made = 0;

    who.made = &made;
    for (size_t i = 0; i < q->add_count; i++) {
        if (answer_max && made > answer_max)
            alto_status(e, 503,
                        "the answers that are followed are longer than %zu bytes together, which "
                        "is answer-max of this server: add them by several requests",
                        answer_max);
        else if (hub_follow(&who, &q->adds[i].ask, &q->adds[i].node, e))
            continue;
        unfollow_all(who.hub, q);
        return false;
    }
    return true;
}

/* Which version the client has already (section 6.7.1): with the current one nothing is sent, with
 * an older one that is kept the patches since. */
static uint64_t version_of(const struct add *a)
{
    const struct hub_version *v = hub_version_find_tag(a->node, a->ask.tag);

    if (!v || (!a->ask.incremental && v != hub_version_newest(a->node)))
        return 0;
    return v->seq;
}

/* With the lock held; the nodes' followers pass. */
static bool add_substreams(struct hub_stream *t, const struct stream_request *q)
{
    struct substream *p;

    if (!q->add_count)
        return true;
    p = realloc(t->subs, (t->sub_count + q->add_count) * sizeof *p);
    if (!p)
        return false;
    t->subs = p;
    for (size_t i = 0; i < q->add_count; i++) {
        struct substream *s = &t->subs[t->sub_count++];

        *s = (struct substream){.node = q->adds[i].node,
                                .incremental = q->adds[i].ask.incremental,
                                .sent = version_of(&q->adds[i])};
        memcpy(s->id, q->adds[i].id.p, q->adds[i].id.n);
        t->active++;
    }
    return true;
}

/* Section 6.8.1: the first event says where the stream is controlled. */
static bool add_control_uri(struct hub_stream *t, const struct alto_resource *r)
{
    const bool whole = memmem(r->uri.p, r->uri.n, "://", 3) != NULL;
    const struct str base = whole ? r->uri : r->path;
    struct bytes uri = {0}, text = {0};
    struct json_write w;
    bool good = bytes_add(&uri, base.p, base.n) && bytes_printf(&uri, "/%s", t->name);

    json_write_init(&w, &text);
    json_write_object(&w);
    json_write_key(&w, STR("control-uri"));
    json_write_string(&w, (struct str){uri.data, uri.len});
    json_write_object_end(&w);
    good = good && json_write_done(&w) &&
           sse_write_event(&t->control, STR(SSE_CONTROL_TYPE), STR(""),
                           (struct str){text.data, text.len});
    bytes_free(&uri);
    bytes_free(&text);
    return good;
}

static bool list_stream(struct hub_stream *t, const struct stream_request *q, struct alto_error *e)
{
    struct alto_hub *h = t->hub;
    struct hub_client *c = hub_client_take(h, t->addr);
    struct hub_stream **at = sse_bucket(h, str_from(t->name));

    if (!c)
        return alto_status(e, 503, "no memory left");
    if (h->counts.streams >= h->conf.streams_max || c->streams >= h->conf.streams_per_client) {
        hub_client_drop(h, c);
        return alto_status(e, 503, "too many update streams are open");
    }
    if (!add_substreams(t, q)) {
        hub_client_drop(h, c);
        return alto_status(e, 503, "no memory left");
    }
    t->client = c;
    c->streams++;
    h->counts.streams++;
    h->counts.events++;
    t->next = *at;
    *at = t;
    t->listed = true;
    return true;
}

static struct hub_stream *stream_new(struct alto_server *s, const struct hub_asker *who)
{
    struct hub_stream *t = calloc(1, sizeof *t);

    if (!t)
        return NULL;
    t->hub = who->hub;
    t->worker = s->worker;
    t->addr = who->client;
    t->groups = who->groups;
    memcpy(t->service, who->service->id.p,
           who->service->id.n < ALTO_ID_MAX ? who->service->id.n : ALTO_ID_MAX);
    hub_name_new(t->name);
    t->user = (struct str){who->user.n ? strndup(who->user.p, who->user.n) : NULL, who->user.n};
    if ((t->user.p || !t->user.n) && add_control_uri(t, who->service))
        return t;
    bytes_free(&t->control);
    free((void *)(uintptr_t)t->user.p);
    free(t);
    return NULL;
}

static struct hub_stream *open_stream(struct alto_server *s, const struct hub_asker *who,
                                      const struct params *in)
{
    struct stream_request q;
    struct hub_stream *t;
    bool good;

    if (!read_request(who, in, true, &q) ||
        !follow_all(*who, s->catalog->limits.answer_max, &q, in->e))
        return NULL;
    t = stream_new(s, who);
    if (!t) {
        unfollow_all(who->hub, &q);
        alto_status(in->e, 503, "no memory left");
        return NULL;
    }
    hub_lock(who->hub);
    good = list_stream(t, &q, in->e);
    hub_unlock(who->hub);
    if (good)
        return t;
    unfollow_all(who->hub, &q);
    sse_free(t);
    return NULL;
}

void alto_updates_open(struct alto_server *s, const struct alto_resource *r,
                       const struct http_request *request, struct http_response *response)
{
    struct hub_asker who = hub_asker_of(s, r, request);
    struct alto_error e = {0};
    struct params in = {.path = "", .arena = request->arena, .e = &e};
    struct hub_stream *t = NULL;
    json_t *doc = NULL;

    if (!s->hub || s->worker >= s->hub->conf.workers)
        alto_status(&e, 503, "updates are not ready");
    else if (params_load(request->body, &doc, &e)) {
        in.object = doc;
        t = open_stream(s, &who, &in);
    }
    json_decref(doc);
    if (!t) {
        alto_error_answer(&e, request, response);
        response->close = true; /* section 6.6 */
        return;
    }
    response->status = 200;
    response->type = STR("text/event-stream");
    response->stream = &sse_use;
    response->stream_ctx = t;
    if (!http_response_header(response, STR("Cache-Control"), STR("no-store")))
        response->close = true;
}

/* Stream control (section 7) */

/* One id as it is, several as an array. */
static struct str ids_text(struct arena *a, const struct str_list *ids)
{
    struct bytes text = {0};
    struct json_write w;
    char *copy;
    size_t n;

    if (ids->n == 1)
        return ids->p[0];
    json_write_init(&w, &text);
    json_write_array(&w);
    for (size_t i = 0; i < ids->n; i++)
        json_write_string(&w, ids->p[i]);
    json_write_array_end(&w);
    n = json_write_done(&w) ? text.len : 0;
    copy = arena_strndup(a, n ? text.data : "", n);
    bytes_free(&text);
    return (struct str){copy, copy ? n : 0};
}

static struct substream *sub_find(const struct hub_stream *t, struct str id)
{
    for (size_t i = 0; i < t->sub_count; i++)
        if (str_eq(str_from(t->subs[i].id), id))
            return &t->subs[i];
    return NULL;
}

/* With the lock held: nothing has changed yet when this says no. */
static bool check_control(const struct hub_stream *t, const struct stream_request *q,
                          const struct params *in)
{
    const size_t max = t->hub->conf.substreams_max, n = q->add_count;
    /* Each id is there once: of more than the stream has ever had, the first are enough to say no,
     * and the lock is not held for a list of any length. */
    const size_t removed = q->remove.n <= t->sub_count ? q->remove.n : t->sub_count + 1;
    const size_t most = n > removed ? n : removed;
    struct str *bad = arena_array(in->arena, most + 1, sizeof *bad);
    struct str_list list = {bad, 0};

    if (!bad)
        return alto_status(in->e, 503, "no memory left");
    for (size_t i = 0; i < n; i++)
        if (sub_find(t, q->adds[i].id))
            bad[list.n++] = q->adds[i].id;
    if (list.n)
        return alto_invalid(in->e, "add", ids_text(in->arena, &list),
                            "a substream-id is used once in a stream's life");
    for (size_t i = 0; i < removed; i++)
        if (!sub_find(t, q->remove.p[i]))
            bad[list.n++] = q->remove.p[i];
    if (list.n)
        return alto_invalid(in->e, "remove", ids_text(in->arena, &list),
                            "what was added by an earlier request is removed");
    if (n && q->has_remove && !q->remove.n)
        return alto_invalid(in->e, "remove", STR("[]"),
                            "name what is removed when something is added");
    if (t->active + n > max || t->sub_count + n > USED_IDS * max)
        return alto_status(in->e, 503, "the stream has too many substreams");
    return true;
}

static bool apply_control(struct hub_stream *t, const struct stream_request *q,
                          const struct params *in)
{
    const size_t before = t->sub_count;
    const size_t room = q->add_count + (q->remove.n ? q->remove.n : before) + 1;
    struct str *ids = arena_array(in->arena, room, sizeof *ids);
    struct str_list started = {ids, q->add_count}, stopped = {ids ? ids + q->add_count : NULL, 0};

    if (!ids || !add_substreams(t, q))
        return alto_status(in->e, 503, "no memory left");
    for (size_t i = 0; i < q->add_count; i++)
        ids[i] = q->adds[i].id;
    for (size_t i = 0; q->has_remove && i < before; i++) {
        struct substream *s = &t->subs[i];
        bool named = !q->remove.n;

        for (size_t j = 0; j < q->remove.n; j++)
            named = named || str_eq(q->remove.p[j], str_from(s->id));
        // NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Branch): realloc keeps what was there
        if (!named || !s->node)
            continue;
        sse_stop(t, s);
        ids[q->add_count + stopped.n++] = str_from(s->id);
    }
    if (started.n || stopped.n)
        sse_add_control(t, &started, &stopped, STR("by request"));
    return true;
}

static bool control(struct alto_server *s, struct str name, const struct hub_asker *who,
                    const struct params *in)
{
    struct alto_hub *h = s->hub;
    struct stream_request q;
    struct hub_stream *t;
    unsigned worker = 0;
    bool good;

    if (!read_request(who, in, false, &q) ||
        !follow_all(*who, s->catalog->limits.answer_max, &q, in->e))
        return false;
    hub_lock(h);
    t = sse_find(h, name);
    good = t ? check_control(t, &q, in) && apply_control(t, &q, in)
             : alto_status(in->e, 404, "the update stream is closed");
    if (good) {
        sse_poke(t);
        worker = t->worker;
    }
    hub_unlock(h);
    if (good)
        sse_wake(h, worker);
    else
        unfollow_all(h, &q);
    return good;
}

/* Who asks is whoever has the URI (section 7.1); what may be added is what the one who opened the
 * stream may see. */
static bool stream_asker(struct alto_server *s, struct str name, struct hub_asker *who)
{
    const struct hub_stream *t;

    hub_lock(s->hub);
    t = sse_find(s->hub, name);
    if (t) {
        who->service = alto_find_id(s->catalog, str_from(t->service));
        who->groups = t->groups;
        who->client = t->addr;
    }
    hub_unlock(s->hub);
    return t && who->service;
}

void hub_control(struct alto_server *s, struct str name, const struct http_request *request,
                 struct http_response *response)
{
    struct hub_asker who = hub_asker_of(s, NULL, request);
    struct alto_error e = {0};
    struct params in = {.path = "", .arena = request->arena, .e = &e};
    json_t *doc = NULL;
    bool good = false;

    if (!stream_asker(s, name, &who))
        alto_status(&e, 404, "there is no such update stream");
    else if (hub_post_of(request, STR(SSE_PARAMS_TYPE), response, &e) &&
             params_load(request->body, &doc, &e)) {
        in.object = doc;
        good = control(s, name, &who, &in);
    }
    json_decref(doc);
    if (good)
        response->status = 204;
    else
        alto_error_answer(&e, request, response);
}
