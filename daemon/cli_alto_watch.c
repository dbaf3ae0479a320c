/* `waymark alto watch`: follows a server's changes by server-sent events (RFC 8895), TIPS (RFC
 * 9569) or polls, and prints each in one line. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "alto/sse_read.h"
#include "base/clock.h"
#include "base/jsonin.h"
#include "daemon/cli_alto.h"

#define STREAM_TYPE    "text/event-stream"
#define STREAM_ACCEPTS "application/alto-updatestreamparams+json"
#define TIPS_TYPE      "application/alto-tips+json"
#define TIPS_ACCEPTS   "application/alto-tipsparams+json"
#define WATCHED_MAX    16u
#define SILENCE_MS     120000u

struct watch {
    struct cli_alto *a;
    const struct directory_resource *of[WATCHED_MAX];
    size_t count;
    const struct directory_resource *service; /* of events or TIPS; NULL: polls */
    uint64_t until_ms;
    pthread_mutex_t lock; /* one line at a time; changes, error */
    unsigned changes;
    struct err first;
    struct sse_read *sse;
};

/* Ctrl-C, or enough: every wait looks at it. */
static volatile bool stopped;

static void on_signal(int signo)
{
    (void)signo;
    stopped = true;
}

static bool is_over(struct watch *w)
{
    if (w->until_ms && clock_ms() >= w->until_ms)
        stopped = true;
    return stopped;
}

static const char *tag_of(const json_t *doc, char *out, size_t size)
{
    const json_t *meta = json_object_get(doc, "meta");
    const json_t *vtag = json_object_get(meta, "vtag");
    const char *own = json_string_value(json_object_get(vtag, "tag")), *of;

    vtag = json_array_get(json_object_get(meta, "dependent-vtags"), 0);
    of = json_string_value(json_object_get(vtag, "tag"));
    snprintf(out, size, "%s%.64s",
             own  ? ", tag "
             : of ? ", of tag "
                  : "",
             own  ? own
             : of ? of
                  : "");
    return out;
}

/* "application/alto-costmap+json" is a full replacement, else it is a patch. */
static const char *kind_of(struct str type)
{
    if (str_eq_nocase(type, STR("application/merge-patch+json")))
        return "merge patch";
    if (str_eq_nocase(type, STR("application/json-patch+json")))
        return "JSON patch";
    return "full replacement";
}

static void print_line(struct str id, struct str type, struct str data, const char *how)
{
    const time_t now = time(NULL);
    struct tm tm;
    char clock[16], tag[96] = "";
    json_t *doc = json_loadb(data.p, data.n, 0, NULL);

    localtime_r(&now, &tm);
    strftime(clock, sizeof clock, "%H:%M:%S", &tm);
    printf("%s %.*s: %s by %s, %zu bytes%s\n", clock, (int)id.n, id.p, kind_of(type), how, data.n,
           tag_of(doc, tag, sizeof tag));
    json_decref(doc);
}

static void print_event(struct str id, struct str type, struct str data)
{
    json_t *doc = json_loadb(data.p, data.n, JSON_DECODE_ANY, NULL);
    json_t *line = json_pack("{s:s%, s:s%, s:o}", "resource-id", id.p, id.n, "media-type", type.p,
                             type.n, "data", doc ? doc : json_stringn(data.p, data.n));

    if (line)
        json_dumpf(line, stdout, JSON_COMPACT | JSON_REAL_PRECISION(17));
    putchar('\n');
    json_decref(line);
}

static void tell(struct watch *w, struct str id, struct str type, struct str data, const char *how)
{
    pthread_mutex_lock(&w->lock);
    if (!stopped) {
        if (w->a->json)
            print_event(id, type, data);
        else
            print_line(id, type, data, how);
        fflush(stdout);
        w->changes++;
        if (w->a->count && w->changes >= w->a->count)
            stopped = true;
    }
    pthread_mutex_unlock(&w->lock);
}

static void keep_error(struct watch *w, const struct err *e)
{
    pthread_mutex_lock(&w->lock);
    if (w->first.code == ERR_OK)
        w->first = *e;
    stopped = true;
    pthread_mutex_unlock(&w->lock);
}

/* ---- events */

/* Substream "s3", or one of its parts "s3.costmap", is the fourth resource. */
static struct str watched_id(const struct watch *w, struct str data_id)
{
    char *end;
    char text[16];
    unsigned long i;

    snprintf(text, sizeof text, "%.*s", (int)data_id.n, data_id.p);
    i = text[0] == 's' ? strtoul(text + 1, &end, 10) : WATCHED_MAX;
    return i < w->count ? w->of[i]->id : data_id;
}

static enum err_code on_event(void *ctx, const struct sse_event *ev, struct err *e)
{
    struct watch *w = ctx;
    struct str type, id;

    /* The control event has no data-id (RFC 8895 section 5.3). */
    if (str_eq(ev->event, STR("application/alto-updatestreamcontrol+json")))
        return ERR_OK;
    if (sse_event_split(ev->event, &type, &id, e) != ERR_OK)
        return e->code;
    tell(w, watched_id(w, id), type, ev->data, "event");
    return ERR_OK;
}

static enum err_code on_bytes(void *ctx, struct str bytes, struct err *e)
{
    struct watch *w = ctx;

    return sse_read_feed(w->sse, bytes.p, bytes.n, e);
}

static char *stream_body(const struct watch *w)
{
    json_t *add = json_object(), *body;
    char *text;

    for (size_t i = 0; i < w->count; i++) {
        char name[16];

        snprintf(name, sizeof name, "s%zu", i);
        json_object_set_new(add, name,
                            json_pack("{s:s%}", "resource-id", w->of[i]->id.p, w->of[i]->id.n));
    }
    body = json_pack("{s:o}", "add", add);
    text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    return text;
}

static void watch_events(struct watch *w)
{
    struct alto_call_how how = {
        .until_ms = w->until_ms, .stop = &stopped, .stream = on_bytes, .ctx = w};
    char *text = stream_body(w);
    struct exchange x = {0};
    struct err e = {0};
    const struct exchange_ask ask = {
        .uri = w->service->uri,
        .post = true,
        .body = str_from(text),
        .content_type = STR(STREAM_ACCEPTS),
        .accept = STR(STREAM_TYPE),
        .stream = true,
        .body_max = CLI_ALTO_BODY_MAX,
        .redirects_max = 5,
        .hosts = &w->a->hosts,
    };

    if (!how.until_ms)
        how.until_ms = UINT64_MAX; /* the server's comments come, or TCP notices */
    w->sse = sse_read_new(NULL, on_event, w);
    if (!w->sse || !text)
        err_set(&e, ERR_LIMIT, "no memory left for a stream");
    else if (alto_call(&w->a->call, &ask, &how, &x, &e) == ERR_OK)
        err_set(&e, ERR_IO, "the server has ended the stream");
    if (!is_over(w))
        keep_error(w, &e);
    exchange_free(&x);
    sse_read_free(w->sse);
    free(text);
}

/* ---- TIPS */

struct tips_view {
    struct str uri; /* resolved, ends before "/ug" */
    json_int_t i, j;
};

static enum err_code open_view(struct watch *w, const struct directory_resource *r,
                               struct bytes *uri, struct tips_view *v, struct err *e)
{
    struct cli_alto_answer got = {0};
    json_t *body = json_pack("{s:s%}", "resource-id", r->id.p, r->id.n), *doc = NULL;
    char *text = json_dumps(body, JSON_COMPACT);
    struct jsonin root = {0}, summary, edge;
    struct str at;
    int64_t seq_i = 0, seq_j = 0;
    enum err_code rc = cli_alto_fetch(w->a, w->service->uri, STR(TIPS_TYPE), STR(TIPS_ACCEPTS),
                                      str_from(text), &got, e);

    if (rc == ERR_OK)
        rc = jsonin_load(got.body.p, got.body.n, &doc, e);
    root.value = doc;
    if (rc == ERR_OK)
        rc = jsonin_string(&root, "tips-view-uri", &at, e);
    if (rc == ERR_OK)
        rc = jsonin_object(&root, "tips-view-summary", &summary, e);
    if (rc == ERR_OK)
        rc = jsonin_object(&summary, "updates-graph-summary", &summary, e);
    if (rc == ERR_OK)
        rc = jsonin_object(&summary, "start-edge-rec", &edge, e);
    if (rc == ERR_OK)
        rc = jsonin_integer(&edge, "seq-i", 0, INT64_MAX, &seq_i, e);
    if (rc == ERR_OK)
        rc = jsonin_integer(&edge, "seq-j", 0, INT64_MAX, &seq_j, e);
    if (rc == ERR_OK)
        rc = uri_resolve((struct str){got.x.uri.data, got.x.uri.len}, at, uri, e);
    *v = (struct tips_view){{uri->data, uri->len}, (json_int_t)seq_i, (json_int_t)seq_j};
    json_decref(doc);
    json_decref(body);
    free(text);
    cli_alto_answer_free(&got);
    return rc;
}

/* Edges one behind the other; that of the future is waited for by the server (RFC 9569 section
 * 7.1). */
static enum err_code follow(struct watch *w, const struct directory_resource *r,
                            const struct tips_view *v, struct err *e)
{
    char uri[URI_MAX + 64], accept[512];
    json_int_t i = v->i, j = v->j;
    enum err_code rc = ERR_OK;

    snprintf(accept, sizeof accept, "%.*s,application/merge-patch+json,application/json-patch+json",
             (int)r->media_type.n, r->media_type.p);
    while (rc == ERR_OK && !is_over(w)) {
        struct exchange x = {0};
        const struct alto_call_how how = {
            .until_ms = w->until_ms ? w->until_ms : clock_ms() + SILENCE_MS, .stop = &stopped};
        struct exchange_ask ask = {.accept = str_from(accept),
                                   .body_max = CLI_ALTO_BODY_MAX,
                                   .redirects_max = 5,
                                   .hosts = &w->a->hosts};

        snprintf(uri, sizeof uri, "%.*s/ug/%lld/%lld", (int)v->uri.n, v->uri.p, (long long)i,
                 (long long)j);
        ask.uri = str_from(uri);
        rc = alto_call(&w->a->call, &ask, &how, &x, e);
        if (rc == ERR_OK)
            tell(w, r->id, x.content_type, (struct str){x.body.data, x.body.len}, "TIPS");
        exchange_free(&x);
        i = j;
        j = j + 1;
    }
    return rc;
}

struct follower {
    struct watch *w;
    const struct directory_resource *r;
    pthread_t thread;
    bool runs;
};

static void *run_follower(void *ctx)
{
    struct follower *f = ctx;
    struct bytes uri = {0};
    struct tips_view v;
    struct err e = {0};

    if (open_view(f->w, f->r, &uri, &v, &e) != ERR_OK || follow(f->w, f->r, &v, &e) != ERR_OK)
        if (!is_over(f->w))
            keep_error(f->w, &e);
    bytes_free(&uri);
    return NULL;
}

/* A thread for each resource: each waits on its own long poll. */
static void watch_tips(struct watch *w)
{
    struct follower all[WATCHED_MAX] = {0};

    for (size_t i = 0; i < w->count; i++) {
        all[i] = (struct follower){.w = w, .r = w->of[i]};
        all[i].runs = pthread_create(&all[i].thread, NULL, run_follower, &all[i]) == 0;
    }
    for (size_t i = 0; i < w->count; i++)
        if (all[i].runs)
            pthread_join(all[i].thread, NULL);
}

/* ---- polls */

struct polled {
    char etag[EXCHANGE_TEXT_MAX], last_modified[EXCHANGE_TEXT_MAX];
    struct bytes body;
};

static enum err_code poll_once(struct watch *w, const struct directory_resource *r,
                               struct polled *p, struct err *e)
{
    struct exchange x = {0};
    const struct exchange_ask ask = {.uri = r->uri,
                                     .accept = r->media_type,
                                     .etag = str_from(p->etag),
                                     .last_modified = str_from(p->last_modified),
                                     .body_max = CLI_ALTO_BODY_MAX,
                                     .redirects_max = 5,
                                     .hosts = &w->a->hosts};
    const enum err_code rc = alto_call(&w->a->call, &ask, NULL, &x, e);

    if (rc == ERR_OK && x.status == 200) {
        const struct str got = {x.body.data, x.body.len};
        const struct bytes old = p->body;

        if (!str_eq((struct str){old.data, old.len}, got)) {
            tell(w, r->id, x.content_type, got, "poll");
            p->body = x.body;
            x.body = old;
        }
        memcpy(p->etag, x.etag, sizeof p->etag);
        memcpy(p->last_modified, x.last_modified, sizeof p->last_modified);
    }
    exchange_free(&x);
    return rc;
}

static void watch_polls(struct watch *w)
{
    struct polled all[WATCHED_MAX] = {0};
    struct err e = {0};

    while (!is_over(w)) {
        const uint64_t next = clock_ms() + (uint64_t)(w->a->every_s * 1000);

        for (size_t i = 0; i < w->count && !is_over(w); i++)
            if (poll_once(w, w->of[i], &all[i], &e) != ERR_OK) {
                err_wrap(&e, "%.*s", (int)w->of[i]->id.n, w->of[i]->id.p);
                keep_error(w, &e);
            }
        while (clock_ms() < next && !is_over(w))
            usleep(50000);
    }
    for (size_t i = 0; i < w->count; i++)
        bytes_free(&all[i].body);
}

/* ---- what, and by which way */

static bool serves(const struct directory_resource *s, struct str id)
{
    for (size_t i = 0; i < s->use_count; i++)
        if (str_eq(s->uses[i], id))
            return true;
    return false;
}

static bool serves_all(const struct watch *w, const struct directory_resource *s)
{
    for (size_t i = 0; i < w->count; i++)
        if (!serves(s, w->of[i]->id))
            return false;
    return true;
}

static const struct directory_resource *find_service(const struct watch *w, struct str type)
{
    for (size_t i = 0; i < w->a->directory_count; i++) {
        const struct directory *d = w->a->directories[i];

        for (size_t k = 0; k < d->resource_count; k++)
            if (str_eq(d->resources[k].media_type, type) && serves_all(w, &d->resources[k]))
                return &d->resources[k];
    }
    return NULL;
}

/* Those that were named, or the network maps and the cost maps that are got as a whole. */
static enum err_code choose_watched(struct watch *w, struct err *e)
{
    enum err_code rc = cli_alto_directories(w->a, true, e);

    for (int i = 0; i < w->a->word_count && rc == ERR_OK; i++) {
        if (w->count == WATCHED_MAX)
            return err_set(e, ERR_LIMIT, "more than %u resources", WATCHED_MAX);
        rc = cli_alto_find(w->a, str_from(w->a->words[i]), &w->of[w->count], e);
        if (rc == ERR_OK && w->of[w->count]->accepts.n)
            return err_set(e, ERR_UNSUPPORTED, "\"%s\" is asked by POST: watch follows whole maps",
                           w->a->words[i]);
        w->count++;
    }
    for (size_t i = 0; w->a->word_count == 0 && i < w->a->directories[0]->resource_count; i++) {
        const struct directory_resource *r = &w->a->directories[0]->resources[i];

        if (w->count < WATCHED_MAX && r->accepts.n == 0 &&
            (str_eq(r->media_type, STR("application/alto-networkmap+json")) ||
             str_eq(r->media_type, STR("application/alto-costmap+json"))))
            w->of[w->count++] = r;
    }
    if (rc == ERR_OK && w->count == 0)
        rc = err_set(e, ERR_NOT_FOUND, "the server has no map to watch");
    return rc;
}

static enum err_code choose_way(struct watch *w, enum cli_alto_mode *mode, struct err *e)
{
    *mode = w->a->mode;
    if (*mode == CLI_ALTO_MODE_ANY || *mode == CLI_ALTO_MODE_SSE) {
        w->service = find_service(w, STR(STREAM_TYPE));
        if (w->service)
            *mode = CLI_ALTO_MODE_SSE;
    }
    if (*mode == CLI_ALTO_MODE_ANY || *mode == CLI_ALTO_MODE_TIPS) {
        w->service = find_service(w, STR(TIPS_TYPE));
        if (w->service)
            *mode = CLI_ALTO_MODE_TIPS;
    }
    if (!w->service && (*mode == CLI_ALTO_MODE_SSE || *mode == CLI_ALTO_MODE_TIPS))
        return err_set(e, ERR_UNSUPPORTED, "the server has no %s for these resources",
                       *mode == CLI_ALTO_MODE_SSE ? "update stream" : "TIPS");
    return ERR_OK;
}

enum err_code cli_alto_watch(struct cli_alto *a, struct err *e)
{
    const struct sigaction act = {.sa_handler = on_signal};
    struct watch w = {.a = a, .lock = PTHREAD_MUTEX_INITIALIZER};
    enum cli_alto_mode mode = CLI_ALTO_MODE_ANY;
    enum err_code rc = choose_watched(&w, e);

    if (rc == ERR_OK)
        rc = choose_way(&w, &mode, e);
    if (rc != ERR_OK)
        return rc;
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    if (a->for_s > 0)
        w.until_ms = clock_ms() + (uint64_t)(a->for_s * 1000);
    if (mode == CLI_ALTO_MODE_SSE)
        watch_events(&w);
    else if (mode == CLI_ALTO_MODE_TIPS)
        watch_tips(&w);
    else
        watch_polls(&w);
    if (w.first.code != ERR_OK)
        return err_set(e, w.first.code, "%s", w.first.text);
    return ERR_OK;
}
