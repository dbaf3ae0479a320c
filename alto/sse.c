#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alto/sse_stream.h"
#include "alto/sse_write.h"
#include "base/json_write.h"

/* Update streams (RFC 8895). What a stream still has to send is no queue but a position: of each
 * substream the version that its client has. What comes next is looked up when there is room for
 * it, so that a slow client is never owed more than one full replacement. */

#define UNSENT_MAX   65536u /* bytes under way to a client, those held by reference included */
#define TURN_STREAMS 128u   /* served in one turn */
#define COPY_MAX     256u   /* a shorter line is copied */

struct hub_stream **sse_bucket(struct alto_hub *h, struct str name)
{
    return &h->streams[hash_keyed(&h->key, name.p, name.n) % HUB_BUCKETS];
}

/* With the lock held. NULL: there is none, or it is closed. */
struct hub_stream *sse_find(struct alto_hub *h, struct str name)
{
    struct hub_stream *t = *sse_bucket(h, name);

    while (t && !str_eq(str_from(t->name), name))
        t = t->next;
    return t;
}

static void unlist(struct hub_stream *t)
{
    struct hub_stream **at = sse_bucket(t->hub, str_from(t->name));

    if (!t->listed)
        return;
    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    t->listed = false;
}

/* With the lock held: its worker's next turn looks at it. */
void sse_poke(struct hub_stream *t)
{
    struct hub_worker *w = &t->hub->workers[t->worker];

    if (t->poked)
        return;
    t->poked = true;
    t->next_poked = w->poked;
    w->poked = t;
}

static void unpoke(struct hub_stream *t)
{
    struct hub_stream **at = &t->hub->workers[t->worker].poked;

    while (t->poked && *at != t)
        at = &(*at)->next_poked;
    if (t->poked)
        *at = t->next_poked;
    t->poked = false;
}

void sse_wake(struct alto_hub *h, unsigned worker)
{
    if (h->conf.wake)
        h->conf.wake(h->conf.wake_arg, worker);
}

/* The worker's ring */

static void ring_add(struct hub_worker *w, struct hub_stream *t)
{
    struct hub_stream *at = w->streams ? w->streams : t;

    if (at == t)
        t->left = t->right = t;
    t->right = at;
    t->left = at->left;
    at->left->right = t;
    at->left = t;
    w->streams = at;
    w->stream_count++;
}

static void ring_remove(struct hub_worker *w, struct hub_stream *t)
{
    if (!t->right)
        return;
    if (w->streams == t)
        w->streams = t->right == t ? NULL : t->right;
    t->left->right = t->right;
    t->right->left = t->left;
    t->left = t->right = NULL;
    w->stream_count--;
}

/* Of a stream whose connection is gone, or was never there. */
void sse_free(struct hub_stream *t)
{
    struct alto_hub *h = t->hub;

    ring_remove(&h->workers[t->worker], t);
    hub_lock(h);
    unlist(t);
    unpoke(t);
    for (size_t i = 0; i < t->sub_count; i++)
        if (t->subs[i].node)
            hub_node_unfollow(t->subs[i].node);
    if (t->client) {
        t->client->streams--;
        hub_client_drop(h, t->client);
        h->counts.streams--;
    }
    hub_unlock(h);
    shared_body_drop(t->body);
    bytes_free(&t->control);
    free((void *)(uintptr_t)t->user.p);
    free(t->subs);
    free(t);
}

static void stream_end(struct hub_stream *t)
{
    struct http_stream *out = t->out;

    sse_free(t);
    http_stream_end(out);
}

/* What comes next: with the lock held. */

/* false: the client has the newest version. *born: the generation of the first one that it lacks;
 * 0: it is not known any more. */
static bool lacks(const struct substream *s, uint64_t *born)
{
    const struct hub_version *v;

    if (!s->node || s->sent == hub_version_newest(s->node)->seq)
        return false;
    v = s->sent ? hub_version_find(s->node, s->sent + 1) : NULL;
    *born = v ? v->born : 0;
    return true;
}

/* In order of generation, and within one in order of dependency: a network map comes before the
 * costs between its PIDs (RFC 8895 section 6.7.1), also when it is replaced as a whole by a later
 * one. */
static struct substream *choose(const struct hub_stream *t)
{
    struct substream *best = NULL;
    uint64_t best_born = 0, born;

    for (size_t i = 0; i < t->sub_count; i++) {
        struct substream *s = &t->subs[i];

        if (lacks(s, &born) && (!best || born < best_born ||
                                (born == best_born && s->node->rank < best->node->rank))) {
            best = s;
            best_born = born;
        }
    }
    return best;
}

/* The event's first line; its text is on its way then. */
static void begin_event(struct hub_stream *t, struct str type, const char *data_id,
                        struct shared_body *body, struct bytes *head)
{
    t->broken |= !sse_write_head(head, type, str_from(data_id));
    shared_body_take(body);
    t->body = body;
    t->at = 0;
    t->hub->counts.events++;
}

/* The next part that has a patch; none left: the client has that version. */
static void next_patch(struct hub_stream *t, struct substream *s, struct bytes *head)
{
    const struct hub_version *v = hub_version_find(s->node, s->sent + 1);
    char data_id[2 * ALTO_ID_MAX + 2];

    while (s->part < v->part_count && !v->parts[s->part].patch)
        s->part++;
    if (s->part < v->part_count) {
        const struct hub_part *p = &v->parts[s->part++];

        snprintf(data_id, sizeof data_id, p->content_id[0] ? "%s.%s" : "%s", s->id, p->content_id);
        begin_event(t, hub_patch_type(p), data_id, p->patch, head);
    }
    if (s->part == v->part_count) {
        s->sent++;
        s->part = 0;
    }
}

static void next_event(struct hub_stream *t, struct bytes *head)
{
    struct substream *s;

    while (!t->body && (s = choose(t))) {
        const struct hub_version *v = hub_version_newest(s->node);
        const bool steps = s->incremental && s->sent;
        const size_t patches = steps ? hub_patches_len(s->node, s->sent) : SIZE_MAX;

        if (patches <= v->whole_len && patches <= t->hub->conf.queue_max) {
            next_patch(t, s, head);
            continue;
        }
        if (steps && (patches != SIZE_MAX || !hub_version_find(s->node, s->sent + 1)))
            t->hub->counts.replaced++;
        s->sent = v->seq;
        s->part = 0;
        begin_event(t, str_from(v->media_type), s->id, v->whole, head);
    }
}

static void write_ids(struct json_write *w, struct str key, const struct str_list *ids)
{
    if (!ids->n)
        return;
    json_write_key(w, key);
    json_write_array(w);
    for (size_t i = 0; i < ids->n; i++)
        json_write_string(w, ids->p[i]);
    json_write_array_end(w);
}

/* RFC 8895 section 5.3. */
void sse_add_control(struct hub_stream *t, const struct str_list *started,
                     const struct str_list *stopped, struct str description)
{
    struct bytes text = {0};
    struct json_write w;

    json_write_init(&w, &text);
    json_write_object(&w);
    write_ids(&w, STR("started"), started);
    write_ids(&w, STR("stopped"), stopped);
    if (description.n) {
        json_write_key(&w, STR("description"));
        json_write_string(&w, description);
    }
    json_write_object_end(&w);
    t->lost |= !json_write_done(&w) || !sse_write_event(&t->control, STR(SSE_CONTROL_TYPE), STR(""),
                                                        (struct str){text.data, text.len});
    t->hub->counts.events++;
    bytes_free(&text);
}

void sse_stop(struct hub_stream *t, struct substream *s)
{
    hub_node_unfollow(s->node);
    s->node = NULL;
    if (--t->active == 0)
        unlist(t);
}

/* What is not offered any more, or not to this client. Groups are numbered by the catalog: those of
 * an older one say nothing of the nodes. */
static void stop_lost(struct hub_stream *t)
{
    const struct alto_hub *h = t->hub;
    const bool old = h->catalog && h->workers[t->worker].serial < h->catalog->serial;

    for (size_t i = 0; i < t->sub_count; i++) {
        struct substream *s = &t->subs[i];
        const struct str id = str_from(s->id);

        if (s->node && old)
            t->generation = 0; /* is looked at again */
        if (!s->node || (!s->node->gone && (old || s->node->groups & t->groups)))
            continue;
        sse_stop(t, s);
        sse_add_control(t, &(struct str_list){0}, &(struct str_list){&id, 1},
                        STR("the resource is no longer offered"));
    }
}

/* Sending: without the lock. */

static bool write_text(struct hub_stream *t, struct str text)
{
    t->bytes += text.n;
    return http_stream_write(t->out, text);
}

/* The next line of the text as a data line; behind the last one the blank line. A carriage return
 * in front of a line feed belongs to the line's end. */
static bool write_line(struct hub_stream *t)
{
    struct shared_body *b = t->body;
    const char *p = b->data + t->at;
    const size_t rest = b->len - t->at;
    const char *feed = rest ? memchr(p, '\n', rest) : NULL;
    const size_t next = feed ? (size_t)(feed - p) + 1 : rest;
    size_t n = feed ? next - 1 : rest;
    bool good = write_text(t, STR("data: "));

    if (n && p[n - 1] == '\r')
        n--;
    if (n < COPY_MAX) {
        good = good && write_text(t, (struct str){p, n});
    } else {
        good = good && http_stream_share(t->out, b, t->at, n);
        t->bytes += n;
    }
    t->at += next;
    if (t->at < b->len)
        return good && write_text(t, STR("\n"));
    t->body = NULL;
    good = good && write_text(t, STR("\n\n"));
    shared_body_drop(b);
    return good;
}

enum look { LOOK_EVENT, LOOK_NOTHING, LOOK_OVER };

static enum look look(struct hub_stream *t, struct bytes *head)
{
    enum look found = LOOK_EVENT;

    hub_lock(t->hub);
    t->generation = t->hub->generation;
    t->hub->counts.bytes += t->bytes;
    t->bytes = 0;
    stop_lost(t);
    t->broken |= t->lost;
    if (t->control.len) {
        *head = t->control;
        t->control = (struct bytes){0};
    } else if (!t->active) {
        found = LOOK_OVER;
    } else {
        next_event(t, head);
        found = t->body ? LOOK_EVENT : LOOK_NOTHING;
    }
    hub_unlock(t->hub);
    return found;
}

/* As much as there is room for. The stream may be no more behind it. */
static void pump(struct hub_stream *t)
{
    enum look found = LOOK_EVENT;

    if (!t->out || t->pumping)
        return;
    t->pumping = true;
    while (!t->broken && found == LOOK_EVENT && http_stream_held(t->out) < UNSENT_MAX) {
        struct bytes head = {0};

        if (t->body) {
            t->broken = !write_line(t);
            continue;
        }
        found = look(t, &head);
        if (head.len) {
            t->wrote_ms = t->hub->workers[t->worker].now_ms;
            t->broken |= !write_text(t, (struct str){head.data, head.len});
        }
        bytes_free(&head);
    }
    t->pumping = false;
    if (t->broken || found == LOOK_OVER)
        stream_end(t);
}

static void on_open(void *ctx, struct http_stream *out)
{
    struct hub_stream *t = ctx;

    t->out = out;
    ring_add(&t->hub->workers[t->worker], t);
    pump(t);
}

static void on_room(void *ctx, struct http_stream *out)
{
    (void)out;
    pump(ctx);
}

static void on_gone(void *ctx)
{
    sse_free(ctx);
}

const struct http_stream_use sse_use = {on_open, on_room, on_gone};

/* The worker's turn */

static struct hub_stream *take_poked(struct alto_hub *h, struct hub_worker *w)
{
    struct hub_stream *t;

    hub_lock(h);
    t = w->poked;
    if (t) {
        w->poked = t->next_poked;
        t->poked = false;
    }
    hub_unlock(h);
    return t;
}

/* Section 6.8. A stream that has something under way needs no sign of life. */
static void keep_alive(struct alto_hub *h, struct hub_worker *w)
{
    size_t left = w->stream_count;

    if (w->now_ms - w->walked_ms < 500)
        return;
    w->walked_ms = w->now_ms;
    while (left-- && w->streams) {
        struct hub_stream *t = w->streams;

        w->streams = t->right;
        /* The next turn may be a second away. */
        if (t->body || w->now_ms - t->wrote_ms + 1000 <= h->conf.keep_alive_ms ||
            http_stream_held(t->out))
            continue;
        t->wrote_ms = w->now_ms;
        if (!write_text(t, STR(":\n\n")))
            stream_end(t);
    }
}

/* A catalog may come with other client groups: who a client is, is asked anew. */
static void regroup(struct alto_server *s, struct hub_worker *w)
{
    struct hub_stream *t = w->streams;

    if (!s->catalog || w->serial == s->catalog->serial)
        return;
    w->serial = s->catalog->serial;
    w->left = w->stream_count;
    for (size_t left = s->groups ? w->stream_count : 0; left; left--, t = t->right) {
        const uint64_t groups = s->groups(s->groups_arg, t->addr, t->user);

        if (groups == t->groups)
            continue;
        hub_lock(s->hub);
        t->groups = groups;
        sse_poke(t);
        hub_unlock(s->hub);
    }
}

void hub_streams_turn(struct alto_server *s, uint64_t now_ms)
{
    struct alto_hub *h = s->hub;
    struct hub_worker *w = &h->workers[s->worker];
    struct hub_stream *t;
    unsigned served = 0;
    uint64_t generation;

    w->now_ms = now_ms;
    regroup(s, w);
    while (served < TURN_STREAMS && (t = take_poked(h, w))) {
        served++;
        pump(t);
    }
    hub_lock(h);
    generation = h->generation;
    hub_unlock(h);
    if (w->generation != generation) {
        w->generation = generation;
        w->left = w->stream_count;
    }
    for (; w->left && w->streams && served < TURN_STREAMS; w->left--) {
        t = w->streams;
        w->streams = t->right;
        if (t->generation == generation)
            continue;
        served++;
        pump(t);
    }
    keep_alive(h, w);
    if (served == TURN_STREAMS)
        sse_wake(h, s->worker);
}

void hub_streams_leave(struct alto_server *s)
{
    struct hub_worker *w = &s->hub->workers[s->worker];

    while (w->streams)
        // NOLINTNEXTLINE(clang-analyzer-unix.Malloc): sse_free takes it out of the ring
        stream_end(w->streams);
}
