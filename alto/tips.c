#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alto/hub.h"
#include "base/json_write.h"

/* TIPS (RFC 9569): views of the same content (resource and input) are one view, whose update graph
 * is the node's versions from its start on. */

#define PARAMS_TYPE "application/alto-tipsparams+json"
#define SEQ_DIGITS  16u /* at most: exact in a double */

/* Under the hub's lock, but for what never changes. */
struct hub_view {
    struct hub_view *next; /* of its bucket */
    struct hub_view *next_of_node;
    char name[HUB_NAME_LEN + 1];
    char service[ALTO_ID_MAX + 1];
    struct hub_node *node;
    unsigned polls;
    bool used; /* since the last sweep, which notes when that was */
    uint64_t used_ms;
    bool closed; /* in no list; goes with its last poll */
};

/* A request for the edge behind the newest version. Its worker's, but for view. */
struct hub_poll {
    struct hub_poll *left, *right;
    struct alto_hub *hub;
    const struct alto_server *server;
    unsigned worker;
    struct hub_view *view;
    struct hub_client *client;
    struct addr addr; /* who asks: may not see it any more when it is there */
    uint64_t from;
    char *accept, *coding, *user; /* headers; NULL: absent */
    struct http_stream *out;
};

static struct hub_view **bucket(struct alto_hub *h, struct str name)
{
    return &h->views[hash_keyed(&h->key, name.p, name.n) % HUB_BUCKETS];
}

/* With the lock held */

static struct hub_view *find(struct alto_hub *h, struct str name)
{
    struct hub_view *v = *bucket(h, name);

    while (v && !str_eq(str_from(v->name), name))
        v = v->next;
    return v;
}

static void view_drop(struct hub_view *v)
{
    if (v->closed && !v->polls)
        free(v);
}

static void view_close(struct alto_hub *h, struct hub_view *v)
{
    struct hub_view **at = bucket(h, str_from(v->name));
    struct hub_node *n = v->node;

    while (*at != v)
        at = &(*at)->next;
    *at = v->next;
    at = &n->views;
    while (*at != v)
        at = &(*at)->next_of_node;
    *at = v->next_of_node;
    if (!n->views)
        n->start = n->middle = 0;
    v->node = NULL;
    v->closed = true;
    h->counts.views--;
    hub_node_unfollow(n);
    view_drop(v);
}

static void close_where(struct alto_hub *h, bool all)
{
    for (size_t i = 0; h->counts.views && i < HUB_BUCKETS; i++)
        for (struct hub_view *v = h->views[i], *next; v; v = next) {
            next = v->next;
            if (v->used || v->polls)
                v->used_ms = h->now_ms;
            v->used = false;
            if (all || v->node->gone || h->now_ms - v->used_ms >= h->conf.view_idle_ms)
                view_close(h, v);
        }
}

void hub_views_sweep(struct alto_hub *h)
{
    close_where(h, false);
}

void hub_views_free(struct alto_hub *h)
{
    close_where(h, true);
}

/* A view of the node below this service; the follower passes, also when there is one already. */
static struct hub_view *view_take(struct alto_hub *h, const struct alto_resource *service,
                                  struct hub_node *n, struct alto_error *e)
{
    struct hub_view *v = n->views, **at;

    while (v && !str_eq(str_from(v->service), service->id))
        v = v->next_of_node;
    if (v) {
        hub_node_unfollow(n);
        return v;
    }
    if (h->counts.views >= h->conf.views_max)
        hub_views_sweep(h);
    v = h->counts.views < h->conf.views_max && !n->gone ? calloc(1, sizeof *v) : NULL;
    if (!v || service->id.n > ALTO_ID_MAX) {
        alto_status(e, 429, "too many views are open");
        hub_node_unfollow(n);
        free(v);
        return NULL;
    }
    hub_name_new(v->name);
    memcpy(v->service, service->id.p, service->id.n);
    v->node = n;
    at = bucket(h, str_from(v->name));
    v->next = *at;
    *at = v;
    if (!n->views)
        n->start = hub_version_newest(n)->seq;
    v->next_of_node = n->views;
    n->views = v;
    h->counts.views++;
    return v;
}

/* What stands on the edge to this version: its patch, or where there is none the whole. */
static struct shared_body *edge_body(const struct hub_version *v)
{
    return v->patched && v->part_count == 1 ? v->parts[0].patch : v->whole;
}

/* The path to the newest version that has the fewest bytes (RFC 9569 sections 6.2 and 7.4). */
static void recommend(const struct hub_node *n, struct str tag, uint64_t *from, uint64_t *to)
{
    const struct hub_version *newest = hub_version_newest(n);
    const struct hub_version *v = hub_version_find_tag(n, tag);
    size_t sum = 0;

    *from = 0;
    *to = newest->seq;
    if (!v || v->seq < n->start)
        return;
    for (const struct hub_version *i = v + 1; i <= newest; i++)
        sum += edge_body(i)->len;
    if (sum > newest->whole_len)
        return;
    *from = v->seq;
    *to = v->seq + 1;
}

struct summary {
    uint64_t start, end, from, to;
    char name[HUB_NAME_LEN + 1];
};

static struct summary summary_of(struct hub_view *v, struct str tag)
{
    struct summary s = {.start = v->node->start, .end = hub_version_newest(v->node)->seq};

    recommend(v->node, tag, &s.from, &s.to);
    memcpy(s.name, v->name, sizeof s.name);
    v->used = true;
    return s;
}

/* Answers that tell of the graph */

static void write_summary(struct json_write *w, const struct summary *s)
{
    json_write_key(w, STR("tips-view-summary"));
    json_write_object(w);
    json_write_key(w, STR("updates-graph-summary"));
    json_write_object(w);
    json_write_key(w, STR("start-seq"));
    json_write_uint(w, s->start);
    json_write_key(w, STR("end-seq"));
    json_write_uint(w, s->end);
    json_write_key(w, STR("start-edge-rec"));
    json_write_object(w);
    json_write_key(w, STR("seq-i"));
    json_write_uint(w, s->from);
    json_write_key(w, STR("seq-j"));
    json_write_uint(w, s->to);
    json_write_object_end(w);
    json_write_object_end(w);
    json_write_object_end(w);
}

/* uri.n 0: without it, as a merge patch to what was answered before. */
static void answer_summary(const struct summary *s, struct str uri, const struct http_request *q,
                           struct http_response *r)
{
    struct bytes text = {0};
    struct json_write w;
    char *copy = NULL;

    json_write_init(&w, &text);
    json_write_object(&w);
    if (uri.n) {
        json_write_key(&w, STR("tips-view-uri"));
        json_write_string(&w, uri);
    }
    write_summary(&w, s);
    json_write_object_end(&w);
    if (json_write_done(&w))
        copy = arena_strndup(q->arena, text.data, text.len);
    r->status = copy ? 200 : 503;
    r->type = uri.n ? STR("application/alto-tips+json") : STR(PATCH_TYPE_MERGE);
    r->body = (struct str){copy, copy ? text.len : 0};
    bytes_free(&text);
    if (!http_response_header(r, STR("Cache-Control"), STR("no-store")))
        r->close = true;
}

/* Section 6.2: with scheme and host, as the request has them when the directory does not say. */
static struct str view_uri(const struct alto_resource *r, const char *name,
                           const struct http_request *q)
{
    const bool port = q->host_port && q->host_port != (q->tls ? 443 : 80);
    char digits[8] = "";
    char *uri;

    if (port)
        snprintf(digits, sizeof digits, ":%u", q->host_port);
    if (memmem(r->uri.p, r->uri.n, "://", 3))
        uri = arena_printf(q->arena, "%.*s/%s", (int)r->uri.n, r->uri.p, name);
    else if (q->host.n)
        uri = arena_printf(q->arena, "%s://%.*s%s%.*s/%s", q->tls ? "https" : "http",
                           (int)q->host.n, q->host.p, digits, (int)r->path.n, r->path.p, name);
    else
        uri = NULL;
    return str_from(uri);
}

static bool open_view(const struct hub_asker *who, const struct params *in, struct summary *out)
{
    struct alto_hub *h = who->hub;
    struct hub_ask ask;
    struct hub_node *n;
    struct hub_view *v;

    if (!hub_ask_read(who, in, &ask) || !hub_follow(who, &ask, &n, in->e))
        return false;
    hub_lock(h);
    v = view_take(h, who->service, n, in->e);
    if (v)
        *out = summary_of(v, ask.tag);
    hub_unlock(h);
    return v;
}

static void refuse(const struct alto_error *e, const struct http_request *q,
                   struct http_response *r)
{
    alto_error_answer(e, q, r);
    if (e->status == 429 && !http_response_header(r, STR("Retry-After"), STR("10")))
        r->close = true;
}

void alto_tips_open(struct alto_server *s, const struct alto_resource *r,
                    const struct http_request *request, struct http_response *response)
{
    struct hub_asker who = hub_asker_of(s, r, request);
    struct alto_error e = {0};
    struct params in = {.path = "", .arena = request->arena, .e = &e};
    struct summary summary = {0};
    struct str uri = {NULL, 0};
    json_t *doc = NULL;

    if (!s->hub || s->worker >= s->hub->conf.workers)
        alto_status(&e, 503, "updates are not ready");
    else if (params_load(request->body, &doc, &e)) {
        in.object = doc;
        if (open_view(&who, &in, &summary))
            uri = view_uri(r, summary.name, request);
        if (!uri.n)
            alto_status(&e, 400, "a view's URI needs the Host that was asked");
    }
    json_decref(doc);
    if (e.status)
        refuse(&e, request, response);
    else
        answer_summary(&summary, uri, request, response);
}

/* Section 7.4: the next edge for a client that has fallen behind. */
static bool read_next_edge(const struct params *in, const char *resource_id, struct str *tag)
{
    struct str id;

    if (!params_string(in, "resource-id", true, &id))
        return false;
    if (!str_eq(id, str_from(resource_id)))
        return alto_invalid(in->e, "resource-id", id, "the view is of another resource");
    if (json_object_get(in->object, "input"))
        return alto_invalid(in->e, "input", (struct str){NULL, 0},
                            "the view has its input already");
    return params_string(in, "tag", false, tag);
}

static void next_edge(struct alto_server *s, struct str name, const char *resource_id,
                      const struct http_request *q, struct http_response *r)
{
    struct alto_error e = {0};
    struct params in = {.path = "", .arena = q->arena, .e = &e};
    struct summary summary = {0};
    struct str tag = {NULL, 0};
    json_t *doc = NULL;
    bool good;

    good = hub_post_of(q, STR(PARAMS_TYPE), r, &e) && params_load(q->body, &doc, &e);
    in.object = doc;
    if (good && read_next_edge(&in, resource_id, &tag)) {
        struct hub_view *v;

        hub_lock(s->hub);
        v = find(s->hub, name);
        if (v)
            summary = summary_of(v, tag);
        else
            alto_status(&e, 404, "the view is closed");
        hub_unlock(s->hub);
    }
    json_decref(doc);
    if (e.status)
        alto_error_answer(&e, q, r);
    else
        answer_summary(&summary, (struct str){NULL, 0}, q, r);
}

/* Edges */

struct item {
    struct shared_body *body; /* one reference */
    char media_type[HUB_TYPE_MAX];
    const char *coding; /* NULL: identity */
    bool shared_cache;  /* everybody may see it */
};

enum edge { EDGE_IS, EDGE_LATER, EDGE_NOT };

/* With the lock held. */
static enum edge find_edge(const struct hub_view *view, uint64_t from, uint64_t to,
                           const struct hub_version **out, struct alto_error *e)
{
    const struct hub_node *n = view->node;
    const uint64_t end = hub_version_newest(n)->seq;

    *out = NULL;
    if (to < n->start || (from && from < n->start)) {
        alto_status(e, 410, "the update graph begins with %llu", (unsigned long long)n->start);
        return EDGE_NOT;
    }
    if (from == end && to == end + 1)
        return EDGE_LATER;
    if (to > end) {
        alto_status(e, 425, "the newest version is %llu", (unsigned long long)end);
        return EDGE_NOT;
    }
    *out = hub_version_find(n, to);
    if ((from == 0 && (*out)->whole) || (from && to == from + 1))
        return EDGE_IS;
    alto_status(e, 404, "there is no edge from %llu to %llu", (unsigned long long)from,
                (unsigned long long)to);
    return EDGE_NOT;
}

/* With the lock held. 415 is what section 7.2 wants for a type that the client does not take. */
static bool take_item(const struct hub_view *view, uint64_t from, const struct hub_version *v,
                      struct str accept, struct str encoding, struct item *out,
                      struct alto_error *e)
{
    const bool whole = from == 0 || edge_body(v) == v->whole;
    enum alto_coding coding = ALTO_IDENTITY;
    struct str type = whole ? str_from(v->media_type) : hub_patch_type(&v->parts[0]);

    if (!accept_weight(accept, type))
        return alto_status(e, 415, "this update is %.*s", (int)type.n, type.p);
    memcpy(out->media_type, type.p, type.n);
    out->media_type[type.n] = '\0';
    out->shared_cache = view->node->groups == UINT64_MAX;
    out->body = whole ? v->whole : v->parts[0].patch;
    if (whole && v->bodies)
        coding = alto_coding_choose(v->bodies, encoding);
    if (coding != ALTO_IDENTITY) {
        out->body = atomic_load_explicit(&v->bodies->coded[coding], memory_order_acquire);
        out->coding = alto_coding_name(coding);
    }
    shared_body_take(out->body);
    return true;
}

/* The item never changes (section 4.2); its reference passes. */
static void answer_item(const struct item *i, struct http_response *r)
{
    bool good;

    r->status = 200;
    r->type = str_from(i->media_type);
    r->shared = i->body;
    good = http_response_header(r, STR("Cache-Control"),
                                i->shared_cache ? STR("public, max-age=31536000, immutable")
                                                : STR("private, max-age=31536000, immutable"));
    good = good && http_response_header(r, STR("Vary"), STR("Accept, Accept-Encoding"));
    if (i->coding)
        good = good && http_response_header(r, STR("Content-Encoding"), str_from(i->coding));
    r->close |= !good;
}

/* Long polls */

static void poll_free(struct hub_poll *p)
{
    struct alto_hub *h = p->hub;

    if (p->out) {
        struct hub_worker *w = &h->workers[p->worker];

        if (p->right)
            p->right->left = p->left;
        if (p->left)
            p->left->right = p->right;
        else
            w->polls = p->right;
    }
    hub_lock(h);
    p->view->polls--;
    p->view->used = true;
    view_drop(p->view);
    p->client->polls--;
    hub_client_drop(h, p->client);
    h->counts.polls--;
    hub_unlock(h);
    free(p->accept);
    free(p->coding);
    free(p->user);
    free(p);
}

static void answer_error(struct http_stream *out, const struct alto_error *e)
{
    struct bytes text = {0};
    struct http_response r = {.status = e->status};

    if (alto_error_format(e, &text)) {
        r.type = STR(ALTO_TYPE_ERROR);
        r.body = (struct str){text.data, text.len};
    }
    (void)!http_stream_answer(out, &r); /* false: the connection is gone, and so are we */
    bytes_free(&text);
}

/* The answer, if there is one by now; the poll is no more then. */
static void poll_look(struct hub_poll *p)
{
    const struct hub_version *v = NULL;
    struct http_stream *out = p->out;
    struct http_response r = {0};
    struct alto_error e = {0};
    struct item item = {0};
    enum edge found = EDGE_NOT;
    const struct alto_server *s = p->server;
    const uint64_t groups =
        s->groups ? s->groups(s->groups_arg, p->addr, str_from(p->user)) : UINT64_MAX;

    hub_lock(p->hub);
    if (p->view->closed || p->view->node->gone || !(p->view->node->groups & groups))
        alto_status(&e, 404, "the view is closed");
    else
        found = find_edge(p->view, p->from, p->from + 1, &v, &e);
    if (found == EDGE_IS)
        (void)!take_item(p->view, p->from, v, str_from(p->accept), str_from(p->coding), &item, &e);
    hub_unlock(p->hub);
    if (found == EDGE_LATER)
        return;
    poll_free(p);
    if (e.status) {
        answer_error(out, &e);
        return;
    }
    answer_item(&item, &r);
    (void)!http_stream_answer(out, &r);
}

static void on_open(void *ctx, struct http_stream *out)
{
    struct hub_poll *p = ctx;
    struct hub_worker *w = &p->hub->workers[p->worker];

    p->out = out;
    p->right = w->polls;
    if (w->polls)
        w->polls->left = p;
    w->polls = p;
    poll_look(p);
}

static void on_gone(void *ctx)
{
    poll_free(ctx);
}

static const struct http_stream_use poll_use = {on_open, NULL, on_gone};

static bool copy_header(struct str value, char **out)
{
    *out = value.p ? strndup(value.p, value.n) : NULL;
    return !value.p || *out;
}

/* With the lock held. */
static struct hub_poll *poll_new(struct alto_server *s, struct hub_view *v, uint64_t from,
                                 const struct http_request *q, struct alto_error *e)
{
    struct alto_hub *h = s->hub;
    struct hub_client *c = hub_client_take(h, q->client);
    struct hub_poll *p;

    if (!c || c->polls >= h->conf.polls_per_client || h->counts.polls >= h->conf.streams_max) {
        alto_status(e, 429, "too many requests wait for updates");
        if (c)
            hub_client_drop(h, c);
        return NULL;
    }
    p = calloc(1, sizeof *p);
    if (!p || !copy_header(http_request_header(q, STR("Accept")), &p->accept) ||
        !copy_header(http_request_header(q, STR("Accept-Encoding")), &p->coding) ||
        !copy_header(q->user, &p->user)) {
        alto_status(e, 503, "no memory left");
        if (p) {
            free(p->accept);
            free(p->coding);
        }
        free(p);
        hub_client_drop(h, c);
        return NULL;
    }
    p->hub = h;
    p->server = s;
    p->addr = q->client;
    p->worker = s->worker;
    p->view = v;
    p->client = c;
    p->from = from;
    v->polls++;
    c->polls++;
    h->counts.polls++;
    return p;
}

static void get_edge(struct alto_server *s, struct str name, uint64_t from, uint64_t to,
                     const struct http_request *q, struct http_response *r)
{
    const struct str accept = http_request_header(q, STR("Accept"));
    const struct str encoding = http_request_header(q, STR("Accept-Encoding"));
    const struct hub_version *version;
    struct hub_poll *p = NULL;
    struct alto_error e = {0};
    struct item item = {0};
    struct hub_view *v;
    enum edge found = EDGE_NOT;

    hub_lock(s->hub);
    v = find(s->hub, name);
    if (v && !v->node->gone) {
        v->used = true;
        found = find_edge(v, from, to, &version, &e);
    } else {
        alto_status(&e, 404, "the view is closed");
    }
    if (found == EDGE_LATER && q->is_head)
        alto_status(&e, 425, "this update is not there yet");
    else if (found == EDGE_LATER)
        p = poll_new(s, v, from, q, &e);
    else if (found == EDGE_IS)
        (void)!take_item(v, from, version, accept, encoding, &item, &e);
    hub_unlock(s->hub);
    assert(!p || !e.status);
    if (e.status) {
        refuse(&e, q, r);
    } else if (p) {
        r->status = 0;
        r->stream = &poll_use;
        r->stream_ctx = p;
    } else {
        answer_item(&item, r);
        /* The type outlives this function, and the version may not. */
        r->type.p = arena_strndup(q->arena, r->type.p, r->type.n);
        r->type.n = r->type.p ? r->type.n : 0;
    }
}

/* A sequence number and what is behind it; no sign, no leading zero. */
static bool read_seq(struct str *text, uint64_t *out)
{
    size_t n = 0;

    *out = 0;
    for (; n < text->n && n < SEQ_DIGITS && text->p[n] >= '0' && text->p[n] <= '9'; n++)
        *out = *out * 10 + (uint64_t)(text->p[n] - '0');
    if (!n || (n > 1 && text->p[0] == '0'))
        return false;
    *text = (struct str){text->p + n, text->n - n};
    return true;
}

/* "/ug/<i>/<j>" (section 4.4). */
static bool read_edge(struct str rest, uint64_t *from, uint64_t *to)
{
    if (rest.n < 4 || memcmp(rest.p, "/ug/", 4) != 0)
        return false;
    rest = (struct str){rest.p + 4, rest.n - 4};
    if (!read_seq(&rest, from) || !rest.n || *rest.p != '/')
        return false;
    rest = (struct str){rest.p + 1, rest.n - 1};
    return read_seq(&rest, to) && !rest.n;
}

/* The view's resource. false: there is no such view that this client may see. */
static bool view_resource(const struct hub_asker *who, struct str name, char id[ALTO_ID_MAX + 1])
{
    const struct hub_view *v;

    hub_lock(who->hub);
    v = find(who->hub, name);
    if (v && !(v->node->groups & who->groups))
        v = NULL;
    if (v)
        memcpy(id, v->node->id, ALTO_ID_MAX + 1);
    hub_unlock(who->hub);
    return v;
}

void hub_view_request(struct alto_server *s, struct str name, struct str rest,
                      const struct http_request *q, struct http_response *r)
{
    const struct hub_asker who = hub_asker_of(s, NULL, q);
    char id[ALTO_ID_MAX + 1];
    struct alto_error e = {0};
    uint64_t from, to;

    if (!view_resource(&who, name, id)) {
        alto_status(&e, 404, "there is no such view");
    } else if (str_eq(rest, STR("/ug"))) {
        next_edge(s, name, id, q, r);
    } else if (!read_edge(rest, &from, &to)) {
        alto_status(&e, 404, "what a view has is ug/<i>/<j>");
    } else if (q->method != HTTP_GET && q->method != HTTP_HEAD) {
        r->close |= !http_response_header(r, STR("Allow"), STR("GET, HEAD"));
        alto_status(&e, 405, "updates are fetched by GET");
    } else {
        get_edge(s, name, from, to, q, r);
    }
    if (e.status)
        alto_error_answer(&e, q, r);
}

/* The worker's turn */

void hub_polls_turn(struct alto_server *s)
{
    struct hub_worker *w = &s->hub->workers[s->worker];
    uint64_t generation;

    hub_lock(s->hub);
    generation = s->hub->generation;
    hub_unlock(s->hub);
    if (w->polls_generation == generation)
        return;
    w->polls_generation = generation;
    for (struct hub_poll *p = w->polls, *next; p; p = next) {
        next = p->right;
        poll_look(p);
    }
}

void hub_polls_leave(struct alto_server *s)
{
    struct hub_worker *w = &s->hub->workers[s->worker];
    struct alto_error e = {0};

    alto_status(&e, 503, "the server is going away");
    while (w->polls) {
        // NOLINTNEXTLINE(clang-analyzer-unix.Malloc): poll_free takes it out of the list
        struct http_stream *out = w->polls->out;

        poll_free(w->polls);
        answer_error(out, &e);
    }
}
