#include <assert.h>
#include <string.h>

#include <libdeflate.h>

#include "alto/bodies.h"
#include "alto/negotiate.h"
#include "alto/server.h"
#include "alto/update.h"
#include "base/hash.h"
#include "base/http_date.h"

/* HTTP around the resources (RFC 7285 section 8.3, RFC 9110). */

/* Answers to POST: below the first not worth it, over the second too much work for a worker. */
#define GZIP_FROM 1024u
#define GZIP_TO   ((size_t)256 << 10)
/* Longer answers leave the scratch with their memory instead of being copied. */
#define COPY_MAX ((size_t)256 << 10)

/* What follows streams and views. */
typedef void open_fn(struct alto_server *s, const struct alto_resource *r,
                     const struct http_request *request, struct http_response *response);
static open_fn *const openers[ALTO_KINDS] = {
    [ALTO_UPDATES] = alto_updates_open,
    [ALTO_TIPS] = alto_tips_open,
};

struct turn {
    struct alto_server *s;
    const struct http_request *request;
    struct http_response *response;
    const struct alto_resource *r;
    uint64_t groups;
};

static void header(struct http_response *response, struct str name, struct str value)
{
    bool fits = http_response_header(response, name, value);

    assert(fits); /* few, and of our own making */
    (void)fits;
}

void alto_error_answer(const struct alto_error *e, const struct http_request *request,
                       struct http_response *response)
{
    struct bytes text = {.limit = 8192};
    const char *copy =
        alto_error_format(e, &text) ? arena_strndup(request->arena, text.data, text.len) : NULL;

    response->status = e->status;
    response->type = STR(ALTO_TYPE_ERROR);
    response->body =
        copy ? (struct str){copy, text.len} : STR("{\"meta\":{\"code\":\"priv:none\"}}");
    response->shared = NULL;
    bytes_free(&text);
    header(response, STR("Cache-Control"), STR("no-store"));
}

static void refuse(const struct turn *t, int status, const char *why)
{
    struct alto_error e = {0};
    bool set = alto_status(&e, status, "%s", why);

    (void)set;
    alto_error_answer(&e, t->request, t->response);
}

void alto_handle_refused(void *ctx, int status, struct str reason, struct http_response *response)
{
    static const struct {
        int status;
        struct str body;
    } bodies[] = {
#define REFUSED(status, why)                                                                       \
    {                                                                                              \
        status,                                                                                    \
        {                                                                                          \
            "{\"meta\":{\"code\":\"priv:http-" #status "\",\"priv:reason\":\"" why "\"}}",         \
                sizeof "{\"meta\":{\"code\":\"priv:http-" #status "\",\"priv:reason\":\"" why      \
                       "\"}}" -                                                                    \
                    1                                                                              \
        }                                                                                          \
    }
        REFUSED(400, "not an HTTP request"),
        REFUSED(401, "who asks has to show who he is"),
        REFUSED(408, "the request took too long"),
        REFUSED(411, "the request has to say how long it is"),
        REFUSED(413, "the request is longer than this server takes"),
        REFUSED(414, "the URI is longer than this server takes"),
        REFUSED(429, "too many requests"),
        REFUSED(431, "the header is longer than this server takes"),
        REFUSED(500, "this server cannot answer"),
        REFUSED(501, "this server does not know the method"),
        REFUSED(503, "this server has too much to do"),
        REFUSED(505, "this server speaks HTTP/1.0 and HTTP/1.1"),
#undef REFUSED
    };

    (void)ctx;
    (void)reason; /* for people who read logs */
    response->status = status;
    response->type = STR(ALTO_TYPE_ERROR);
    response->body = STR("{\"meta\":{\"code\":\"priv:http\"}}");
    response->shared = NULL;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        if (bodies[i].status == status)
            response->body = bodies[i].body;
    if (status == 503)
        header(response, STR("Retry-After"), STR("1"));
}

/* "/alto/" is "/alto"; of several directories the one of the asker's group. */
static const struct alto_resource *find(const struct turn *t)
{
    const struct alto_catalog *c = t->s->catalog;
    struct str path = t->request->path;
    const struct alto_resource *r = alto_find_path(c, path);

    if (!r && path.n > 1 && path.p[path.n - 1] == '/')
        r = alto_find_path(c, (struct str){path.p, path.n - 1});
    for (size_t i = 0; r && r->kind == ALTO_DIRECTORY && i < c->path_count; i++)
        if (c->by_path[i]->kind == ALTO_DIRECTORY && (c->by_path[i]->groups & t->groups))
            return c->by_path[i];
    return r;
}

static void allow(const struct turn *t)
{
    header(t->response, STR("Allow"),
           t->r->accepts.n ? STR("POST, OPTIONS") : STR("GET, HEAD, OPTIONS"));
}

/* How long what was got may be used unasked, and on what it depends. */
static void put_freshness(const struct turn *t)
{
    bool own = t->s->groups != NULL; /* others may see something else */
    uint32_t age_s = t->s->catalog->max_age_s;
    const char *text =
        age_s ? arena_printf(t->request->arena, "%smax-age=%u", own ? "private, " : "", age_s)
              : NULL;

    if (!text)
        text = own ? "private, no-cache" : "no-cache";
    header(t->response, STR("Vary"), STR("Accept, Accept-Encoding"));
    header(t->response, STR("Cache-Control"), str_from(text));
}

static void put_validators(const struct turn *t, const struct alto_bodies *b,
                           enum alto_coding coding)
{
    char *date = b->modified_ms ? arena_alloc(t->request->arena, HTTP_DATE_SIZE) : NULL;

    header(t->response, STR("ETag"), str_from(b->etag[coding]));
    if (!date)
        return;
    http_date_format(b->modified_ms / 1000, date);
    header(t->response, STR("Last-Modified"), str_from(date));
}

/* Which form the client has, of those that it takes; ALTO_CODINGS: none. A form of this version is
 * as good as another: none is sent again because it was compressed in the meantime. */
static enum alto_coding has_form(const struct alto_bodies *b, struct str tags, struct str codings,
                                 enum alto_coding chosen)
{
    struct str tag;

    while (etag_next(&tags, &tag)) {
        if (str_eq(tag, STR("*")))
            return chosen;
        for (unsigned i = 0; i < ALTO_CODINGS; i++)
            if (str_eq(tag, str_from(b->etag[i])) &&
                (i == (unsigned)chosen ||
                 accept_coding_weight(codings, str_from(alto_coding_name(i)))))
                return i;
    }
    return ALTO_CODINGS;
}

/* RFC 9110 section 13.2.2: If-Modified-Since counts only without If-None-Match. */
static bool is_unchanged(const struct turn *t, const struct alto_bodies *b,
                         enum alto_coding *coding)
{
    struct str tags = http_request_header(t->request, STR("If-None-Match"));
    struct str since = http_request_header(t->request, STR("If-Modified-Since"));
    struct str codings = http_request_header(t->request, STR("Accept-Encoding"));
    enum alto_coding has;
    uint64_t since_s;

    if (tags.p) {
        has = has_form(b, tags, codings, *coding);
        if (has == ALTO_CODINGS)
            return false;
        *coding = has;
        return true;
    }
    return since.p && b->modified_ms && http_date_parse(since, &since_s, NULL) == ERR_OK &&
           b->modified_ms / 1000 <= since_s;
}

static void put_coding(const struct turn *t, enum alto_coding coding)
{
    if (coding != ALTO_IDENTITY)
        header(t->response, STR("Content-Encoding"), str_from(alto_coding_name(coding)));
}

/* A stored body; conditions are for those who GET. */
static void send_stored(const struct turn *t, struct alto_bodies *b, bool conditions)
{
    enum alto_coding coding =
        alto_coding_choose(b, http_request_header(t->request, STR("Accept-Encoding")));

    if (conditions && is_unchanged(t, b, &coding)) {
        t->response->status = 304;
        put_validators(t, b, coding);
        put_freshness(t);
        return;
    }
    t->response->status = 200;
    t->response->type = t->r->media_type;
    t->response->shared = atomic_load_explicit(&b->coded[coding], memory_order_acquire);
    shared_body_take(t->response->shared);
    put_coding(t, coding);
    if (conditions) {
        put_validators(t, b, coding);
        put_freshness(t);
    } else {
        header(t->response, STR("Vary"), STR("Accept, Accept-Encoding"));
    }
}

/* text compressed, when the client takes that and it is worth it. false: as it is. */
static bool compress(const struct turn *t, const struct bytes *text)
{
    struct alto_server *s = t->s;
    struct str codings = http_request_header(t->request, STR("Accept-Encoding"));

    if (!s->gzip || text->len < GZIP_FROM || text->len > GZIP_TO || !codings.n ||
        accept_coding_weight(codings, STR("gzip")) <
            accept_coding_weight(codings, STR("identity")) ||
        !accept_coding_weight(codings, STR("gzip")))
        return false;
    s->coded.len = 0;
    if (!bytes_reserve(&s->coded, text->len))
        return false;
    s->coded.len =
        libdeflate_gzip_compress(s->gzip, text->data, text->len, s->coded.data, text->len);
    return s->coded.len > 0;
}

/* An answer that was made for this request alone. */
static void send_made(const struct turn *t, struct str type)
{
    struct bytes *text = &t->s->scratch;

    t->response->status = 200;
    t->response->type = type;
    header(t->response, STR("Vary"), STR("Accept, Accept-Encoding"));
    header(t->response, STR("Cache-Control"), STR("no-store"));
    if (compress(t, text)) {
        put_coding(t, ALTO_GZIP);
        t->response->body = (struct str){t->s->coded.data, t->s->coded.len};
    } else if (text->len > COPY_MAX) {
        t->response->shared = shared_body_new(text);
        if (!t->response->shared) {
            t->response->header_count = 0;
            refuse(t, 503, "no memory for the answer");
        }
    } else {
        t->response->body = (struct str){text->data, text->len};
    }
}

static uint64_t wall_ms(const struct alto_server *s)
{
    return s->wall_ms ? s->wall_ms(s->wall_arg) : 0;
}

static void answer_post(const struct turn *t)
{
    struct alto_question q = {
        .catalog = t->s->catalog,
        .resource = t->r,
        .body = t->request->body,
        .client = t->request->client,
        .wall_ms = wall_ms(t->s),
        .arena = t->request->arena,
    };
    struct alto_reply reply = {.out = &t->s->scratch};
    uint64_t misses = 0;

    t->s->random = hash_mix(t->s->random, q.wall_ms);
    q.random = t->s->random;
    t->s->scratch.len = 0;
    t->s->scratch.limit = t->s->catalog->limits.answer_max;
    q.misses = &misses;
    if (!alto_reply_make(&q, &reply)) {
        alto_error_answer(&reply.error, t->request, t->response);
        if (reply.error.status == 503)
            header(t->response, STR("Retry-After"), STR("1"));
    } else if (reply.whole) {
        send_stored(t, reply.whole, false);
    } else {
        send_made(t, reply.media_type);
    }
    if (misses && t->s->metrics)
        metric_add(t->s->metrics, METRIC_ALTO_MISSES, misses);
}

/* Of a client in several groups: what they see together. */
static void answer_directory(const struct turn *t)
{
    struct alto_resource all = *t->r;

    all.groups = t->groups;
    t->s->scratch.len = 0;
    t->s->scratch.limit = t->s->catalog->limits.answer_max;
    if (alto_directory_format(t->s->catalog, &all, &t->s->scratch))
        send_made(t, all.media_type);
    else
        refuse(t, 503, "no memory for the answer");
}

/* Whether the directory that is there says all that the asker sees. */
static bool sees_more(const struct turn *t)
{
    for (size_t i = 0; i < t->s->catalog->resource_count; i++) {
        const struct alto_resource *r = &t->s->catalog->resources[i];

        if (r->kind != ALTO_DIRECTORY && (r->groups & t->groups) && !(r->groups & t->r->groups))
            return true;
    }
    return false;
}

static void answer_get(const struct turn *t)
{
    if (t->r->kind == ALTO_DIRECTORY && sees_more(t))
        answer_directory(t);
    else if (t->r->bodies)
        send_stored(t, t->r->bodies, true);
    else
        refuse(t, 501, "this kind of resource is not answered yet");
}

static bool check_method(const struct turn *t)
{
    enum http_method wanted = t->r->accepts.n ? HTTP_POST : HTTP_GET;

    if (t->request->method == HTTP_OPTIONS) {
        t->response->status = 204;
        allow(t);
        return false;
    }
    if (t->request->method == wanted)
        return true;
    refuse(t, 405, t->r->accepts.n ? "this resource answers POST" : "this resource answers GET");
    allow(t);
    return false;
}

static bool check_types(const struct turn *t)
{
    if (!accept_weight(http_request_header(t->request, STR("Accept")), t->r->media_type)) {
        refuse(t, 406, "the request does not accept the media type of this resource");
        return false;
    }
    if (t->r->accepts.n &&
        !content_type_is(http_request_header(t->request, STR("Content-Type")), t->r->accepts)) {
        refuse(t, 415, "the request is not of the media type that this resource accepts");
        return false;
    }
    return true;
}

/* Whether it is there, and for others. A directory is for everybody; one in which there is nothing
 * for him is not, nor is "?user": who can show who he is only when he is asked gets to his own by
 * that. */
static bool others_see(const struct turn *t)
{
    const struct alto_catalog *c = t->s->catalog;

    if (!t->r)
        return false;
    if (t->r->kind != ALTO_DIRECTORY)
        return !(t->r->groups & t->groups);
    if (str_eq(t->request->query, STR("user")))
        return true;
    for (size_t i = 0; i < c->resource_count; i++) {
        const struct alto_resource *r = &c->resources[i];

        if (r->kind != ALTO_DIRECTORY && r->kind != ALTO_UPDATES && r->kind != ALTO_TIPS &&
            (r->groups & t->groups))
            return false;
    }
    return true;
}

static void answer(struct turn *t)
{
    struct alto_server *s = t->s;

    if (!s->catalog) {
        refuse(t, 503, "this server is not ready yet");
        header(t->response, STR("Retry-After"), STR("1"));
        return;
    }
    t->groups = alto_groups_of(s, t->request);
    t->r = find(t);
    if (!t->r && s->hub && alto_hub_handle(s, t->request, t->response))
        return;
    if (!t->request->user.n && (!t->groups || (s->asks_users && others_see(t))))
        refuse(t, 401, "who asks has to show who he is");
    else if (!t->r || !(t->r->groups & t->groups))
        refuse(t, 404, "there is no such resource");
    else if (!check_method(t) || !check_types(t))
        return;
    else if (t->r->kind == ALTO_UPDATES || t->r->kind == ALTO_TIPS) {
        if (s->hub && openers[t->r->kind])
            openers[t->r->kind](s, t->r, t->request, t->response);
        else
            refuse(t, 501, "this kind of resource is not answered yet");
    } else if (t->r->accepts.n) {
        answer_post(t);
    } else {
        answer_get(t);
    }
}

static void count(const struct turn *t)
{
    const struct http_response *response = t->response;
    unsigned kind = t->r ? t->r->kind : ALTO_LINK, class = (unsigned)response->status / 100;
    size_t n = response->shared ? response->shared->len : response->body.n;

    if (!t->s->metrics)
        return;
    class = class < 2 ? 2 : class > 5 ? 5 : class;
    metric_add(t->s->metrics, METRIC_ALTO_DIRECTORY_2XX + kind * 4 + class - 2, 1);
    if (response->status == 304)
        metric_add(t->s->metrics, METRIC_ALTO_NOT_MODIFIED, 1);
    if (!t->request->is_head)
        metric_add(t->s->metrics, METRIC_ALTO_BYTES, n);
}

void alto_handle(void *ctx, const struct http_request *request, struct http_response *response)
{
    struct turn t = {.s = ctx, .request = request, .response = response};

    answer(&t);
    count(&t);
}
