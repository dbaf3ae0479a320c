/* A world of maps that changes, published to a hub; and clients of update streams and TIPS without
 * sockets: what the hub writes is read at any speed, parsed and applied. */
#pragma once

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <jansson.h>

#include "alto/cdni.h"
#include "alto/hub.h"
#include "alto/multipart.h"
#include "alto/offer.h"
#include "alto/patch.h"
#include "alto/pathvec.h"
#include "alto/propmap.h"
#include "alto/sse_read.h"
#include "base/hash.h"

/* The world */

#define WORLD_PIDS     12u
#define WORLD_PREFIXES 24u
#define WORLD_METRICS  2u

struct world {
    uint64_t random;
    bool pid[WORLD_PIDS];
    uint8_t owner[WORLD_PREFIXES]; /* WORLD_PIDS: nobody's */
    double cost[WORLD_METRICS][WORLD_PIDS][WORLD_PIDS];
    int props[WORLD_PREFIXES][2]; /* of prefixes: below 0 none, 0 null */
    bool path[WORLD_PIDS][3];     /* from pid0 to this PID by way of the elements 0 to 2 */
    unsigned bandwidth[3];        /* of elements */
    bool calendar;                /* routingcost has one, of two hours */
    unsigned protocols;           /* bits of what the CDN delivers by */
    unsigned filler;              /* PIDs more, each with costs to all of them: for large maps */
    bool no_second;               /* the second metric is not offered */
    uint64_t serial;
};

static inline uint64_t world_random(struct world *w, uint64_t below)
{
    w->random = hash_mix(w->random, 1);
    return (w->random >> 16) % below;
}

static inline double world_cost(struct world *w)
{
    return world_random(w, 6) ? (double)world_random(w, 1000) / 8 : NAN;
}

static inline void world_init(struct world *w, uint64_t seed)
{
    *w = (struct world){.random = seed};
    for (unsigned i = 0; i < WORLD_PIDS; i++) {
        w->pid[i] = i < 4;
        for (unsigned j = 0; j < WORLD_PIDS; j++)
            for (unsigned m = 0; m < WORLD_METRICS; m++)
                w->cost[m][i][j] = world_cost(w);
    }
    for (unsigned i = 0; i < WORLD_PREFIXES; i++)
        w->owner[i] = (uint8_t)(i % 4);
    w->protocols = 1;
}

/* A few values, now and then PIDs and prefixes. */
static inline void world_change(struct world *w)
{
    for (uint64_t n = world_random(w, 6); n > 0; n--)
        w->cost[world_random(w, WORLD_METRICS)][world_random(w, WORLD_PIDS)]
               [world_random(w, WORLD_PIDS)] = world_cost(w);
    if (!world_random(w, 3)) {
        const uint64_t i = 2 + world_random(w, WORLD_PIDS - 2);

        w->pid[i] = !w->pid[i];
    }
    for (uint64_t n = world_random(w, 4); n > 0; n--) {
        w->props[world_random(w, WORLD_PREFIXES)][world_random(w, 2)] =
            (int)world_random(w, 50) - 10;
        w->path[world_random(w, WORLD_PIDS)][world_random(w, 3)] ^= true;
    }
    if (!world_random(w, 2))
        w->bandwidth[world_random(w, 3)] = (unsigned)world_random(w, 100);
    if (!world_random(w, 4))
        w->protocols = 1 + (unsigned)world_random(w, 7);
    if (!world_random(w, 3))
        w->owner[world_random(w, WORLD_PREFIXES)] = (uint8_t)world_random(w, WORLD_PIDS + 1);
}

static inline void world_add(struct bytes *out, const char *text)
{
    ck_assert(bytes_add(out, text, strlen(text)));
}

static inline void world_network(const struct world *w, struct bytes *out)
{
    world_add(out, "{\"network-map\":{\"all\":{\"ipv4\":[\"0.0.0.0/0\"],\"ipv6\":[\"::/0\"]}");
    for (unsigned i = 0; i < WORLD_PIDS; i++) {
        bool first = true;

        if (!w->pid[i])
            continue;
        ck_assert(bytes_printf(out, ",\"pid%u\":{", i));
        for (unsigned k = 0; k < WORLD_PREFIXES; k++)
            if (w->owner[k] == i) {
                ck_assert(bytes_printf(out, "%s\"10.0.%u.0/24\"", first ? "\"ipv4\":[" : ",", k));
                first = false;
            }
        world_add(out, first ? "}" : "]}");
    }
    for (unsigned i = 0; i < w->filler; i++)
        ck_assert(
            bytes_printf(out, ",\"filler%u\":{\"ipv4\":[\"11.%u.%u.0/24\"]}", i, i / 256, i % 256));
    world_add(out, "}}");
}

/* Hop counts are integers. NAN: there is none. */
static inline double world_value(const struct world *w, unsigned metric, unsigned i, unsigned j)
{
    const double v = w->cost[metric][i % WORLD_PIDS][j % WORLD_PIDS];

    return metric ? round(v) : v;
}

static inline void world_costs(const struct world *w, unsigned metric, const char *tag,
                               struct bytes *out)
{
    bool row = false;

    ck_assert(bytes_printf(out,
                           "{\"meta\":{\"cost-type\":{\"cost-mode\":\"numerical\","
                           "\"cost-metric\":\"%s\"},\"dependent-vtags\":[{\"resource-id\":\"net\","
                           "\"tag\":\"%s\"}]},\"cost-map\":{",
                           metric ? "hopcount" : "routingcost", tag));
    for (unsigned i = 0; i < WORLD_PIDS; i++) {
        bool first = true;

        for (unsigned j = 0; w->pid[i] && j < WORLD_PIDS; j++) {
            if (!w->pid[j] || isnan(world_value(w, metric, i, j)))
                continue;
            if (first)
                ck_assert(bytes_printf(out, "%s\"pid%u\":{", row ? "," : "", i));
            ck_assert(bytes_printf(out, "%s\"pid%u\":%g", first ? "" : ",", j,
                                   world_value(w, metric, i, j)));
            first = false;
            row = true;
        }
        if (!first)
            world_add(out, "}");
    }
    for (unsigned i = 0; i < w->filler; i++) {
        ck_assert(bytes_printf(out, "%s\"filler%u\":{", row ? "," : "", i));
        row = true;
        for (unsigned j = 0; j < w->filler; j++) {
            const double v = world_value(w, metric, i, j);

            ck_assert(bytes_printf(out, "%s\"filler%u\":%g", j ? "," : "", j, isnan(v) ? 1 : v));
        }
        world_add(out, "}");
    }
    world_add(out, "}}");
}

static inline void world_props(const struct world *w, struct bytes *out)
{
    static const char *const names[] = {"bw", "load"};

    world_add(out, "{\"property-map\":{\"ipv4:10.0.0.0/8\":{\"bw\":\"all\"}");
    for (unsigned i = 0; i < WORLD_PREFIXES; i++) {
        ck_assert(bytes_printf(out, ",\"ipv4:10.0.%u.0/24\":{\"who\":%u", i, i));
        for (unsigned k = 0; k < 2; k++)
            if (w->props[i][k] == 0)
                ck_assert(bytes_printf(out, ",\"%s\":null", names[k]));
            else if (w->props[i][k] > 0)
                ck_assert(bytes_printf(out, ",\"%s\":\"%d\"", names[k], w->props[i][k]));
        world_add(out, "}");
    }
    world_add(out, "}}");
}

static inline void world_elements(const struct world *w, struct bytes *out)
{
    world_add(out, "{\"property-map\":{");
    for (unsigned i = 0; i < 3; i++)
        ck_assert(bytes_printf(out, "%s\".ane:L%u\":{\"max-reservable-bandwidth\":%u}",
                               i ? "," : "", i, w->bandwidth[i]));
    world_add(out, "}}");
}

static inline void world_paths(const struct world *w, const char *tag, struct bytes *out)
{
    bool row = false;

    ck_assert(bytes_printf(out,
                           "{\"meta\":{\"cost-type\":{\"cost-mode\":\"array\",\"cost-metric\":"
                           "\"ane-path\"},\"dependent-vtags\":[{\"resource-id\":\"net\","
                           "\"tag\":\"%s\"}]},\"cost-map\":{\"pid0\":{",
                           tag));
    for (unsigned i = 1; i < WORLD_PIDS; i++) {
        bool first = true;

        if (!w->pid[i])
            continue;
        ck_assert(bytes_printf(out, "%s\"pid%u\":[", row ? "," : "", i));
        row = true;
        for (unsigned k = 0; k < 3; k++)
            if (w->path[i][k] || k == i % 3) {
                ck_assert(bytes_printf(out, "%s\"L%u\"", first ? "" : ",", k));
                first = false;
            }
        world_add(out, "]");
    }
    world_add(out, "}}}");
}

static inline void world_advert(const struct world *w, struct bytes *out)
{
    static const char *const names[] = {"http/1.1", "https/1.1", "h3"};
    bool first = true;

    world_add(out,
              "{\"cdni-advertisement\":{\"capabilities-with-footprints\":[{\"capability-type\":"
              "\"FCI.DeliveryProtocol\",\"capability-value\":{\"delivery-protocols\":[");
    for (unsigned i = 0; i < 3; i++)
        if (w->protocols >> i & 1) {
            ck_assert(bytes_printf(out, "%s\"%s\"", first ? "" : ",", names[i]));
            first = false;
        }
    world_add(out, "]},\"footprints\":[{\"footprint-type\":\"ipv4cidr\",\"footprint-value\":"
                   "[\"10.0.0.0/8\"]}]}]}}");
}

static inline const struct costmap *world_calendar(const struct world *w, const struct netmap *map,
                                                   struct arena *a)
{
    const double v = w->cost[0][0][1];
    struct bytes text = {0};
    const struct costmap *out;
    struct err e = {0};

    ck_assert(bytes_printf(
        &text,
        "{\"meta\":{\"cost-type\":{\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\"},"
        "\"calendar-response-attributes\":[{\"calendar-start-time\":"
        "\"Tue, 14 Nov 2023 22:00:00 GMT\",\"time-interval-size\":3600,\"number-of-intervals\":2}],"
        "\"dependent-vtags\":[{\"resource-id\":\"net\",\"tag\":\"%s\"}]},"
        "\"cost-map\":{\"pid0\":{\"pid1\":[%g,%g]}}}",
        map->vtag.tag, v, v + 1));
    ck_assert_msg(costmap_parse(text.data, text.len, map, a, &out, &e) == ERR_OK, "%s", e.text);
    bytes_free(&text);
    return out;
}

static inline void world_release(void *arg)
{
    arena_free(arg);
}

static inline struct alto_catalog *world_catalog(struct world *w, const struct alto_catalog *old)
{
    struct arena *a = arena_new((size_t)256 << 20);
    struct bytes net = {0}, costs[WORLD_METRICS] = {{0}};
    const struct netmap *map;
    const struct costmap *maps[WORLD_METRICS];
    struct offer_cost offers[WORLD_METRICS] = {{0}};
    struct bytes props = {0}, elements = {0}, paths = {0}, advert = {0};
    struct offer_props offer_props = {.id = STR("props"), .groups = UINT64_MAX};
    struct offer_paths offer_paths = {.id = STR("pv"), .groups = UINT64_MAX};
    struct offer_cdni offer_cdni = {.id = STR("cdni"), .groups = UINT64_MAX};
    const struct propmap *ane;
    struct alto_catalog *c;
    struct err e = {0};

    world_network(w, &net);
    ck_assert_msg(netmap_parse(net.data, net.len, a, &map, &e) == ERR_OK, "%s", e.text);
    for (unsigned m = 0; m < WORLD_METRICS; m++) {
        world_costs(w, m, map->vtag.tag, &costs[m]);
        ck_assert_msg(costmap_parse(costs[m].data, costs[m].len, map, a, &maps[m], &e) == ERR_OK,
                      "%s", e.text);
        offers[m].map = maps[m];
        bytes_free(&costs[m]);
    }
    if (w->calendar)
        offers[0].calendar = world_calendar(w, map, a);
    bytes_free(&net);
    world_props(w, &props);
    world_elements(w, &elements);
    world_paths(w, map->vtag.tag, &paths);
    world_advert(w, &advert);
    ck_assert_msg(propmap_parse(props.data, props.len, a, &offer_props.map, &e) == ERR_OK, "%s",
                  e.text);
    ck_assert_msg(propmap_parse(elements.data, elements.len, a, &ane, &e) == ERR_OK, "%s", e.text);
    ck_assert_msg(path_vectors_parse(paths.data, paths.len, ane, map, a, &offer_paths.paths, &e) ==
                      ERR_OK,
                  "%s", e.text);
    ck_assert_msg(cdni_advert_parse(advert.data, advert.len, a, &offer_cdni.advert, &e) == ERR_OK,
                  "%s", e.text);
    bytes_free(&props);
    bytes_free(&elements);
    bytes_free(&paths);
    bytes_free(&advert);
    const struct offer_network network = {.map = map,
                                          .id = STR("net"),
                                          .costs = offers,
                                          .cost_count = w->no_second ? 1 : WORLD_METRICS,
                                          .default_pid = PIDX_NONE,
                                          .groups = UINT64_MAX};
    const struct alto_offer offer = {.base = STR("/alto"),
                                     .networks = &network,
                                     .network_count = 1,
                                     .props = &offer_props,
                                     .prop_count = 1,
                                     .paths = &offer_paths,
                                     .path_count = 1,
                                     .cdni = &offer_cdni,
                                     .cdni_count = 1,
                                     .updates = true,
                                     .tips = true,
                                     .serial = ++w->serial,
                                     .release = world_release,
                                     .release_arg = a};

    ck_assert_msg(alto_offer_build(&offer, old, &c, &e) == ERR_OK, "%s", e.text);
    ck_assert_msg(alto_catalog_render(c, &e) == ERR_OK, "%s", e.text);
    return c;
}

/* The server side: a hub with workers, which the tests turn by hand. */

#define SIDE_WORKERS 2u

struct side {
    struct alto_hub *hub;
    struct alto_server servers[SIDE_WORKERS];
    _Atomic unsigned woken[SIDE_WORKERS];
    struct world world;
    struct alto_catalog *catalog; /* the newest */
    struct arena *arena;
    uint64_t now_ms;
};

static inline void side_wake(void *arg, unsigned worker)
{
    struct side *s = arg;

    s->woken[worker]++;
}

/* The catalog to the hub and to all workers. */
static inline void side_publish_catalog(struct side *s, struct alto_catalog *c)
{
    struct err e = {0};

    ck_assert_msg(alto_hub_publish(s->hub, c, 1700000000000, &e) == ERR_OK, "%s", e.text);
    for (unsigned i = 0; i < SIDE_WORKERS; i++) {
        alto_catalog_take(c);
        alto_server_set(&s->servers[i], c);
    }
    alto_catalog_drop(s->catalog);
    s->catalog = c;
}

static inline void side_publish(struct side *s)
{
    side_publish_catalog(s, world_catalog(&s->world, s->catalog));
}

/* conf NULL: the default one, for as many workers as there are. */
static inline struct side *side_new(const struct alto_hub_conf *conf, uint64_t seed)
{
    struct side *s = calloc(1, sizeof *s);
    struct alto_hub_conf c;

    if (conf)
        c = *conf;
    else
        alto_hub_conf_default(&c);
    c.workers = SIDE_WORKERS;
    c.wake = side_wake;
    c.wake_arg = s;
    s->hub = alto_hub_new(&c);
    ck_assert_ptr_nonnull(s->hub);
    s->arena = arena_new((size_t)16 << 20);
    s->now_ms = 1000000;
    for (unsigned i = 0; i < SIDE_WORKERS; i++) {
        alto_server_init(&s->servers[i]);
        s->servers[i].hub = s->hub;
        s->servers[i].worker = i;
    }
    world_init(&s->world, seed);
    side_publish(s);
    return s;
}

/* Until nobody is woken any more. */
static inline void side_turn(struct side *s)
{
    bool again = true;

    for (unsigned i = 0; i < SIDE_WORKERS; i++)
        alto_hub_turn(&s->servers[i], s->now_ms);
    while (again) {
        again = false;
        for (unsigned i = 0; i < SIDE_WORKERS; i++)
            if (s->woken[i]) {
                s->woken[i] = 0;
                alto_hub_turn(&s->servers[i], s->now_ms);
                again = true;
            }
    }
}

static inline void side_free(struct side *s)
{
    for (unsigned i = 0; i < SIDE_WORKERS; i++) {
        alto_hub_leave(&s->servers[i]);
        alto_server_fini(&s->servers[i]);
    }
    alto_hub_free(s->hub);
    alto_catalog_drop(s->catalog);
    arena_free(s->arena);
    free(s);
}

/* The client side */

struct reader {
    struct http_stream stream;
    const struct http_stream_use *use;
    void *ctx;
    struct bytes pending; /* written by the server, not read yet */
    size_t copied, most;  /* of it not by reference; the most that ever was pending */
    bool ended, gone;
    int status; /* of the answer, also of a deferred one; 0: none yet */
    char type[128];
    char cache[128], encoding[32];
    struct bytes body;

    struct sse_read *sse;
    json_t *docs; /* data-id -> document */
    char control[128];
    char log[4096]; /* "type,id " of each event */
    unsigned fulls, patches, stopped, comments;
    size_t longest_line, line;
    bool comment, line_begins;
};

static inline struct reader *reader_of(const struct http_stream *s)
{
    return (struct reader *)(uintptr_t)s;
}

static inline void reader_append(struct reader *r, const char *p, size_t n)
{
    ck_assert(!r->ended && !r->gone);
    ck_assert(bytes_add(&r->pending, p, n));
    if (r->pending.len > r->most)
        r->most = r->pending.len;
}

static inline bool reader_write(struct http_stream *s, struct str text)
{
    reader_append(reader_of(s), text.p, text.n);
    reader_of(s)->copied += text.n;
    return true;
}

static inline bool reader_share(struct http_stream *s, struct shared_body *b, size_t at, size_t n)
{
    ck_assert(at <= b->len && n <= b->len - at);
    reader_append(reader_of(s), b->data + at, n);
    return true;
}

static inline size_t reader_held(const struct http_stream *s)
{
    return reader_of(s)->pending.len;
}

static inline void reader_end(struct http_stream *s)
{
    ck_assert(!reader_of(s)->ended);
    reader_of(s)->ended = true;
}

static inline void reader_take_answer(struct reader *r, const struct http_response *a)
{
    r->status = a->status;
    snprintf(r->type, sizeof r->type, "%.*s", (int)a->type.n, a->type.p ? a->type.p : "");
    for (size_t i = 0; i < a->header_count; i++) {
        const struct http_header *h = &a->headers[i];

        if (str_eq_nocase(h->name, STR("Cache-Control")))
            snprintf(r->cache, sizeof r->cache, "%.*s", (int)h->value.n, h->value.p);
        if (str_eq_nocase(h->name, STR("Content-Encoding")))
            snprintf(r->encoding, sizeof r->encoding, "%.*s", (int)h->value.n, h->value.p);
    }
    if (a->shared)
        ck_assert(bytes_add(&r->body, a->shared->data, a->shared->len));
    else
        ck_assert(bytes_add(&r->body, a->body.p ? a->body.p : "", a->body.n));
    shared_body_drop(a->shared);
}

static inline bool reader_answer(struct http_stream *s, const struct http_response *a)
{
    ck_assert(a->status && !a->stream);
    reader_take_answer(reader_of(s), a);
    reader_of(s)->ended = true;
    return true;
}

static const struct http_stream_ops reader_ops = {reader_answer, reader_write, reader_share,
                                                  reader_held, reader_end};

static inline void reader_control(struct reader *r, const json_t *v)
{
    const char *uri = json_string_value(json_object_get(v, "control-uri"));

    if (uri) {
        ck_assert_msg(!r->control[0] && !r->log[0], "the first event, once");
        snprintf(r->control, sizeof r->control, "%s", uri);
    }
    r->stopped += (unsigned)json_array_size(json_object_get(v, "stopped"));
}

/* "<id>.<content id>" each. */
static inline void docs_of_parts(json_t *docs, const char *id, struct str type, struct str text)
{
    struct multipart m;
    struct err e = {0};

    ck_assert_msg(multipart_read(type, text, true, &m, &e) == ERR_OK, "%s", e.text);
    for (size_t i = 0; i < m.part_count; i++) {
        const struct multipart_part *p = &m.parts[i];
        char key[200];

        snprintf(key, sizeof key, "%s.%.*s", id, (int)p->id.n, p->id.p);
        json_object_set_new(docs, key, json_loadb(p->body.p, p->body.n, 0, NULL));
    }
}

static inline enum err_code reader_event(void *ctx, const struct sse_event *ev, struct err *e)
{
    struct reader *r = ctx;
    struct str type = ev->event, id = {NULL, 0};
    json_t *v, *next = NULL;
    char key[160];

    if (memchr(ev->event.p, ',', ev->event.n))
        ck_assert_msg(sse_event_split(ev->event, &type, &id, e) == ERR_OK, "%s", e->text);
    snprintf(key, sizeof key, "%.*s", (int)id.n, id.p ? id.p : "");
    v = json_loadb(ev->data.p, ev->data.n, 0, NULL);
    if (str_eq(type, STR("application/alto-updatestreamcontrol+json"))) {
        ck_assert_ptr_nonnull(v);
        reader_control(r, v);
        json_decref(v);
    } else if (str_eq(type, STR(PATCH_TYPE_MERGE)) || str_eq(type, STR(PATCH_TYPE_JSON))) {
        const json_t *old = json_object_get(r->docs, key);

        ck_assert_msg(old && v, "a patch of %s, which is not there", key);
        if (str_eq(type, STR(PATCH_TYPE_MERGE)))
            next = merge_patch_apply(old, v);
        else
            ck_assert_msg(json_patch_apply(old, v, &next, e) == ERR_OK, "%s", e->text);
        json_object_set_new(r->docs, key, next);
        json_decref(v);
        r->patches++;
    } else if (!v) {
        docs_of_parts(r->docs, key, type, ev->data);
        r->fulls++;
    } else {
        json_object_set_new(r->docs, key, v);
        r->fulls++;
    }
    if (strlen(r->log) + ev->event.n + 2 < sizeof r->log)
        snprintf(r->log + strlen(r->log), sizeof r->log - strlen(r->log), "%.*s ", (int)ev->event.n,
                 ev->event.p);
    return ERR_OK;
}

static inline struct reader *reader_new(void)
{
    struct reader *r = calloc(1, sizeof *r);

    r->stream.ops = &reader_ops;
    r->sse = sse_read_new(NULL, reader_event, r);
    r->docs = json_object();
    r->line_begins = true;
    return r;
}

/* The connection ends, if it has not. */
static inline void reader_free(struct reader *r)
{
    if (!r)
        return;
    if (r->use && !r->ended && !r->gone) {
        r->gone = true;
        r->use->on_gone(r->ctx);
    }
    sse_read_free(r->sse);
    json_decref(r->docs);
    bytes_free(&r->pending);
    bytes_free(&r->body);
    free(r);
}

static inline void reader_lines(struct reader *r, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (r->line_begins && p[i] == ':')
            r->comments++;
        r->line_begins = p[i] == '\n';
        r->line = p[i] == '\n' ? 0 : r->line + 1;
        if (r->line > r->longest_line)
            r->longest_line = r->line;
    }
}

/* Reads at most n bytes of what is there. */
static inline void reader_read(struct reader *r, size_t n)
{
    const size_t before = r->pending.len;
    struct err e = {0};

    if (n > before)
        n = before;
    if (!n)
        return;
    reader_lines(r, r->pending.data, n);
    ck_assert_msg(sse_read_feed(r->sse, r->pending.data, n, &e) == ERR_OK, "%s", e.text);
    memmove(r->pending.data, r->pending.data + n, before - n);
    r->pending.len -= n;
    if (before > HTTP_STREAM_LOW && r->pending.len <= HTTP_STREAM_LOW && !r->ended && r->use &&
        r->use->on_room)
        r->use->on_room(r->ctx, &r->stream);
}

static inline void reader_read_all(struct reader *r)
{
    while (r->pending.len)
        reader_read(r, SIZE_MAX);
}

/* A request; the answer is in the reader, its stream is open. */
struct ask {
    enum http_method method;
    const char *path, *type, *accept, *body;
    const char *from; /* address; NULL: 192.0.2.1 */
    bool is_head;
    const char *encoding;
};

static inline struct reader *side_ask(struct side *s, unsigned worker, struct ask a)
{
    struct reader *r = reader_new();
    struct http_header headers[3];
    struct http_request q = {.method = a.method,
                             .is_head = a.is_head,
                             .host = STR("alto.example.com"),
                             .path = str_from(a.path),
                             .target = str_from(a.path),
                             .body = str_from(a.body),
                             .headers = headers,
                             .arena = s->arena};
    struct http_response out = {0};
    const struct alto_resource *resource;
    const char *from = a.from ? a.from : "192.0.2.1";

    ck_assert(addr_parse(from, strlen(from), &q.client, NULL) == ERR_OK);
    q.peer = q.client;
    if (a.type)
        headers[q.header_count++] = (struct http_header){STR("Content-Type"), str_from(a.type)};
    if (a.accept)
        headers[q.header_count++] = (struct http_header){STR("Accept"), str_from(a.accept)};
    if (a.encoding)
        headers[q.header_count++] =
            (struct http_header){STR("Accept-Encoding"), str_from(a.encoding)};
    arena_reset(s->arena);
    resource = alto_find_path(s->servers[worker].catalog, q.path);
    if (resource && resource->kind == ALTO_UPDATES)
        alto_updates_open(&s->servers[worker], resource, &q, &out);
    else if (resource && resource->kind == ALTO_TIPS)
        alto_tips_open(&s->servers[worker], resource, &q, &out);
    else if (!alto_hub_handle(&s->servers[worker], &q, &out))
        out.status = -1;
    if (out.stream) {
        r->use = out.stream;
        r->ctx = out.stream_ctx;
    }
    reader_take_answer(r, &out);
    if (r->use)
        r->use->on_open(r->ctx, &r->stream);
    return r;
}

static inline struct reader *side_stream(struct side *s, unsigned worker, const char *body)
{
    return side_ask(s, worker,
                    (struct ask){.method = HTTP_POST,
                                 .path = "/alto/updates",
                                 .type = "application/alto-updatestreamparams+json",
                                 .accept = "text/event-stream",
                                 .body = body});
}

/* The status of a stream control request; *code and *field of an error, each of 64. */
static inline int side_control(struct side *s, unsigned worker, const char *uri, const char *body,
                               char *code, char *field)
{
    struct reader *r = side_ask(s, worker,
                                (struct ask){.method = HTTP_POST,
                                             .path = uri,
                                             .type = "application/alto-updatestreamparams+json",
                                             .body = body});
    const int status = r->status;
    json_t *v = json_loadb(r->body.data ? r->body.data : "", r->body.len, 0, NULL);
    const json_t *meta = json_object_get(v, "meta");
    const char *c = json_string_value(json_object_get(meta, "code"));
    const char *f = json_string_value(json_object_get(meta, "field"));

    if (code)
        snprintf(code, 64, "%s", c ? c : "");
    if (field)
        snprintf(field, 64, "%s", f ? f : "");
    json_decref(v);
    reader_free(r);
    return status;
}

/* What names that differ from answer to answer are made of in those that are followed. */
static inline uint64_t node_random(const struct alto_hub *h, const char *id)
{
    for (size_t i = 0; i < HUB_BUCKETS; i++)
        for (const struct hub_node *n = h->nodes[i]; n; n = n->next)
            if (!strcmp(n->id, id))
                return n->random;
    return 0;
}

/* The newest version of a GET resource, or the answer to a POST, as a value; of a multipart one an
 * object of "<id>.<content id>". */
static inline json_t *side_get(struct side *s, const char *id, const char *input)
{
    const struct alto_resource *r = alto_find_id(s->catalog, str_from(id));
    json_t *v;

    ck_assert_msg(r, "%s", id);
    if (r->accepts.n) {
        struct bytes text = {0};
        struct arena *a = arena_new((size_t)64 << 20);
        const struct alto_question q = {.catalog = s->catalog,
                                        .resource = r,
                                        .body = str_from(input),
                                        .wall_ms = 1700000000000,
                                        .random = node_random(s->hub, id),
                                        .arena = a};
        struct alto_reply reply = {.out = &text, .media_type = r->media_type};

        ck_assert_msg(alto_reply_make(&q, &reply), "%s: %s %s", id, reply.error.field,
                      reply.error.text);
        if (reply.whole)
            v = json_loadb(reply.whole->text->data, reply.whole->text->len, 0, NULL);
        else if (reply.media_type.p[0] == 'm')
            docs_of_parts(v = json_object(), id, reply.media_type,
                          (struct str){text.data, text.len});
        else
            v = json_loadb(text.data, text.len, 0, NULL);
        bytes_free(&text);
        arena_free(a);
    } else {
        v = json_loadb(r->bodies->text->data, r->bodies->text->len, 0, NULL);
    }
    ck_assert_ptr_nonnull(v);
    return v;
}

static inline void ck_assert_json(const json_t *a, const json_t *b, const char *what)
{
    char *x = json_dumps(a, JSON_SORT_KEYS | JSON_ENCODE_ANY);
    char *y = json_dumps(b, JSON_SORT_KEYS | JSON_ENCODE_ANY);

    ck_assert_msg(x && y && !strcmp(x, y), "%s:\n%.2000s\n%.2000s", what, x ? x : "nothing",
                  y ? y : "nothing");
    free(x);
    free(y);
}
