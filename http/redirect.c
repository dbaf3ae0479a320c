#include "http/redirect.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/json_write.h"
#include "base/query.h"
#include "http/redirect_template.h"
#include "router/route.h"

#define ALLOW STR("GET, HEAD, OPTIONS")

/* A streamer's host in URLs. [v6] by the client's family: the address stands for a public name that
 * the streamer does not have. [https] by scheme. */
struct streamer_urls {
    struct str host[2];        /* [v6] */
    struct str hostport[2][2]; /* [v6][https] */
    struct str port[2];        /* [https] */
};

struct service_urls {
    struct redirect_template location;
    struct redirect_template bypass; /* count 0: none */
    struct str cache_control, retry_after;
    int status;
};

/* Who is told in a redirect that the client comes from us, so that a CDN which sends it back is not
 * asked again: the parameter's value is our name (RFC 7336 section 3 asks for some such mark). */
#define VIA STR("cdni-via")

/* VIEW_PART_HTTP */
struct redirect_part {
    const struct streamer_urls *streamers; /* [streamer_count] */
    const struct service_urls *services;   /* [service_count] */
};

/* ---- build ---- */

static struct str host_make(struct arena *a, const struct streamer_conf *c, bool v6)
{
    char text[ADDR_TEXT_MAX];

    if (c->host.n)
        return c->host;
    if (!(c->can & (v6 ? STREAMER_V6 : STREAMER_V4)))
        v6 = !v6;
    addr_format(v6 ? c->v6 : c->v4, text);
    return str_from(v6 ? arena_printf(a, "[%s]", text) : arena_strndup(a, text, strlen(text)));
}

static enum err_code streamer_build(struct arena *a, const struct streamer_conf *c,
                                    struct streamer_urls *out, struct err *e)
{
    bool whole = true;

    for (unsigned https = 0; https < 2; https++) {
        const uint16_t port = https ? c->https_port : c->http_port;

        out->port[https] = str_from(arena_printf(a, "%u", port));
        whole &= out->port[https].p != NULL;
        for (unsigned v6 = 0; v6 < 2; v6++) {
            struct str host = out->host[v6] = host_make(a, c, v6);

            whole &= host.p != NULL;
            if (port == (https ? 443 : 80) || !host.p)
                out->hostport[v6][https] = host;
            else
                out->hostport[v6][https] =
                    str_from(arena_printf(a, "%.*s:%u", (int)host.n, host.p, port));
            whole &= out->hostport[v6][https].p != NULL;
        }
    }
    return whole ? ERR_OK
                 : err_set(e, ERR_LIMIT, "streamer %.*s: no room for its URLs", (int)c->name.n,
                           c->name.p);
}

static bool is_field_value(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return false;
    return true;
}

static enum err_code service_build(struct arena *a, const struct service_conf *c,
                                   struct service_urls *out, struct err *e)
{
    const struct redirect_conf *r = &c->redirect;
    struct str location = r->location.n ? r->location : REDIRECT_TEMPLATE_DEFAULT;
    enum err_code rc;

    out->status = r->status ? r->status : 302;
    out->cache_control = r->cache_control.n ? r->cache_control : STR("no-store");
    out->retry_after = str_from(arena_printf(a, "%u", r->retry_after_s));
    if (out->status != 302 && out->status != 307 && out->status != 308)
        rc =
            err_set(e, ERR_UNSUPPORTED, "redirect status %d: must be 302, 307 or 308", out->status);
    else if (!is_field_value(out->cache_control))
        rc = err_set(e, ERR_PARSE, "redirect cache_control: holds a control character");
    else if (!out->retry_after.p)
        rc = err_set(e, ERR_LIMIT, "no room for its URLs");
    else {
        rc = redirect_template_parse(location, a, &out->location, e);
        if (rc != ERR_OK)
            err_wrap(e, "redirect location");
    }
    if (rc == ERR_OK && c->bypass.http_url.n) {
        rc = redirect_template_parse(c->bypass.http_url, a, &out->bypass, e);
        if (rc != ERR_OK)
            err_wrap(e, "bypass http_url");
    }
    if (rc != ERR_OK)
        err_wrap(e, "service %.*s", (int)c->name.n, c->name.p);
    return rc;
}

enum err_code redirect_build(struct view *v, struct err *e)
{
    struct redirect_part *part = arena_array(v->arena, 1, sizeof *part);
    struct streamer_urls *streamers = arena_array(v->arena, v->streamer_count, sizeof *streamers);
    struct service_urls *services = arena_array(v->arena, v->service_count, sizeof *services);
    enum err_code rc = ERR_OK;

    if (!part || !streamers || !services)
        return err_set(e, ERR_LIMIT, "no room for the redirects of %u services", v->service_count);
    for (sidx i = 0; i < v->streamer_count && rc == ERR_OK; i++)
        rc = streamer_build(v->arena, v->streamers[i].conf, &streamers[i], e);
    for (svidx i = 0; i < v->service_count && rc == ERR_OK; i++)
        rc = service_build(v->arena, v->services[i].conf, &services[i], e);
    if (rc != ERR_OK)
        return rc;
    *part = (struct redirect_part){.streamers = streamers, .services = services};
    v->part[VIEW_PART_HTTP] = part;
    return ERR_OK;
}

/* ---- the decision ---- */

/* One request under way. */
struct asked {
    struct turn *turn;
    const struct http_request *q;
    svidx service;
    const struct view_service *conf;
    const struct service_urls *urls;
    bool https; /* of the URL */
    bool asked; /* route() was; not for a preflight, a wrong method, nobody's host */
    struct route_question ask;
    struct route r;
};

/* The client was sent here by a CDN that we had sent it to. */
static bool comes_back(const struct asked *a)
{
    const struct str id = a->turn->view->cdni_id;
    struct str rest = a->q->query, name, value;

    /* Each CDN on the way adds its own mark behind those that are there. */
    while (id.n && query_next(&rest, &name, &value))
        if (str_eq(name, VIA) && str_eq(value, id))
            return true;
    return false;
}

/* A client that came over IPv4 may have nothing else, so it is sent to IPv4. One that came over
 * IPv6 is sent to IPv6, but where no streamer with IPv6 is well, to any that is: hardly a network
 * has IPv6 alone without a way (NAT64) to IPv4, and a redirect that probably works beats a certain
 * 503. */
static void ask(struct asked *a, uint8_t want)
{
    struct turn *t = a->turn;
    const bool v4 = addr_is_v4(a->q->client);
    const uint8_t scheme = a->https ? STREAMER_HTTPS : STREAMER_HTTP;

    a->ask = (struct route_question){
        .q = {.client = a->q->client,
              .service = a->service,
              .need = (uint8_t)(scheme | (v4 ? STREAMER_V4 : STREAMER_V6)),
              .want = want},
        .other_need = v4 ? 0 : scheme,
        .other_need_any = v4 ? 0 : STREAMER_V4 | STREAMER_V6,
        .can = a->https ? ROUTE_CAN_HTTPS : ROUTE_CAN_HTTP,
        .delegated = comes_back(a),
    };
    route_content(t->view, &a->ask, a->q->path, a->q->query, t->keys);
    route_sent_prefetch(t, a->ask.q.client, a->ask.q.content);
    route(t, &a->ask, &a->r);
    a->asked = true;
}

/* With its '?', or nothing. */
static struct str query_of(const struct asked *a)
{
    const struct http_request *q = a->q;

    /* In the target, right behind the '?'. */
    return q->query.p ? (struct str){q->query.p - 1, q->query.n + 1} : (struct str){"", 0};
}

/* p NULL: the arena is full. */
static struct str url_of(const struct asked *a, const struct choice *c)
{
    const struct view *v = a->turn->view;
    const struct redirect_part *part = v->part[VIEW_PART_HTTP];
    const struct streamer_urls *s = &part->streamers[c->streamer];
    const struct http_request *q = a->q;
    const bool v6 = !addr_is_v4(q->client);
    struct str value[REDIRECT_VARIABLES] = {
        [REDIRECT_SCHEME] = a->https ? STR("https") : STR("http"),
        [REDIRECT_HOST] = s->host[v6],
        [REDIRECT_PORT] = s->port[a->https],
        [REDIRECT_HOSTPORT] = s->hostport[v6][a->https],
        [REDIRECT_PATH] = q->path,
        [REDIRECT_QUERY] = query_of(a),
        [REDIRECT_STREAMER] = v->streamers[c->streamer].conf->name,
        [REDIRECT_SERVICE] = a->conf->conf->name,
        [REDIRECT_REQUEST_HOST] = q->host,
    };

    return redirect_template_render(&a->urls->location, value, q->arena);
}

/* Of another CDN: its host, its prefix, what was asked for, and our name. p NULL: no room. */
static struct str url_of_downstream(const struct asked *a)
{
    const struct view *v = a->turn->view;
    const struct downstream_conf *c = v->downstreams[a->r.downstream].conf;
    const struct str query = query_of(a), path = a->q->path, id = v->cdni_id;
    const char *mark = id.n == 0 ? "" : query.n ? "&" : "?";

    return str_from(arena_printf(
        a->q->arena, "%s://%.*s%.*s%.*s%.*s%s%s%s%.*s", a->https ? "https" : "http",
        (int)c->http_host.n, c->http_host.p, (int)c->http_prefix.n, c->http_prefix.p, (int)path.n,
        path.p, (int)query.n, query.p, mark, id.n ? VIA.p : "", id.n ? "=" : "", (int)id.n, id.p));
}

static struct str url_of_bypass(const struct asked *a)
{
    const struct http_request *q = a->q;
    const struct str value[REDIRECT_VARIABLES] = {
        [REDIRECT_SCHEME] = a->https ? STR("https") : STR("http"),
        [REDIRECT_HOST] = q->host,
        [REDIRECT_PORT] = a->https ? STR("443") : STR("80"),
        [REDIRECT_HOSTPORT] = q->host,
        [REDIRECT_PATH] = q->path,
        [REDIRECT_QUERY] = query_of(a),
        [REDIRECT_STREAMER] = STR("bypass"),
        [REDIRECT_SERVICE] = a->conf->conf->name,
        [REDIRECT_REQUEST_HOST] = q->host,
    };

    return redirect_template_render(&a->urls->bypass, value, q->arena);
}

static struct str url_away(const struct asked *a)
{
    return a->r.to == ROUTE_DOWNSTREAM ? url_of_downstream(a) : url_of_bypass(a);
}

/* ---- answers ---- */

static void add(struct http_response *r, struct str name, struct str value)
{
    const bool ok = http_response_header(r, name, value);

    assert(ok); /* few fields, and none with bytes that the parser or the build let through */
    (void)ok;
}

static void count(const struct asked *a, enum metric id)
{
    metric_add(a->turn->metrics, id, 1);
}

static void no_room(struct http_response *r)
{
    r->header_count = 0;
    http_response_text(r, 503, STR("there is no room for the answer\n"));
}

/* Nothing to send the client to. */
static void answer_refused(const struct asked *a, struct http_response *r)
{
    static const struct {
        int status;
        const char *text;
    } by_route[ROUTE_TO_COUNT] = {
        [ROUTE_DENIED] = {403, "this service is not for you\n"},
        [ROUTE_LIMITED] = {429, "you ask too often\n"},
        [ROUTE_NOBODY] = {503, "no streamer can serve this now\n"},
    };

    if (a->r.to == ROUTE_NOBODY)
        count(a, METRIC_REDIRECT_NOBODY);
    http_response_text(r, by_route[a->r.to].status, str_from(by_route[a->r.to].text));
    if (a->r.to != ROUTE_DENIED)
        add(r, STR("Retry-After"), a->urls->retry_after);
    add(r, STR("Cache-Control"), STR("no-store"));
}

static bool is_ages(struct str s, size_t at)
{
    static const char *const names[] = {"max-age=", "s-maxage="};

    for (unsigned i = 0; i < 2; i++) {
        size_t n = strlen(names[i]);

        if (s.n - at > n && str_eq_nocase((struct str){s.p + at, n}, (struct str){names[i], n}))
            return true;
    }
    return false;
}

/* As the operator wrote it, but no age beyond the end of the slot of a cost calendar. */
static struct str cache_control_of(const struct asked *a)
{
    const struct view *v = a->turn->view;
    const struct str s = a->urls->cache_control;
    const size_t room = 2 * s.n + 16;
    struct bytes out = {.cap = room, .limit = room};
    bool fits = true;

    if (v->valid_until_ms == 0)
        return s;
    out.data = arena_alloc(a->q->arena, room);
    for (size_t i = 0; out.data && fits && i < s.n;) {
        unsigned long long age = 0;

        if (!is_ages(s, i) || (i > 0 && s.p[i - 1] != ' ' && s.p[i - 1] != ',')) {
            fits = bytes_add(&out, s.p + i++, 1);
            continue;
        }
        while (s.p[i] != '=')
            fits &= bytes_add(&out, s.p + i++, 1);
        fits &= bytes_add(&out, s.p + i++, 1);
        for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
            age = age > UINT32_MAX ? age : age * 10 + (unsigned)(s.p[i] - '0');
        fits &= bytes_printf(
            &out, "%u",
            route_ttl(v, a->turn->wall_ms, age > UINT32_MAX ? UINT32_MAX : (uint32_t)age));
    }
    return out.data && fits ? (struct str){out.data, out.len} : STR("no-store");
}

static void answer_redirect(const struct asked *a, struct http_response *r)
{
    const bool ours = a->r.to == ROUTE_STREAMERS;
    struct str url = ours ? url_of(a, &a->r.decision.choice[0]) : url_away(a);

    if (!url.p) {
        no_room(r);
        return;
    }
    count(a, !ours                               ? METRIC_REDIRECT_AWAY
             : a->r.decision.why == WHY_DEGRADED ? METRIC_REDIRECT_DEGRADED
                                                 : METRIC_REDIRECT_SENT);
    r->status = a->urls->status;
    add(r, STR("Location"), url);
    add(r, STR("Cache-Control"), cache_control_of(a));
}

static void write_number(struct json_write *w, struct str key, float v)
{
    json_write_key(w, key);
    if (isfinite(v))
        json_write_number(w, (double)v);
    else
        json_write_null(w);
}

static void write_text(struct json_write *w, struct str key, struct str text)
{
    json_write_key(w, key);
    if (text.p)
        json_write_string(w, text);
    else
        json_write_null(w);
}

/* One entry: where somebody else serves. */
static void write_away(const struct asked *a, struct json_write *w)
{
    const struct view *v = a->turn->view;

    json_write_object(w);
    if (a->r.to == ROUTE_DOWNSTREAM)
        write_text(w, STR("downstream"), v->downstreams[a->r.downstream].conf->name);
    write_text(w, STR("url"), url_away(a));
    write_text(w, STR("why"), str_from(route_to_name(a->r.to)));
    json_write_object_end(w);
}

static void write_choices(const struct asked *a, struct json_write *w)
{
    const struct view *v = a->turn->view;

    json_write_key(w, STR("choices"));
    json_write_array(w);
    if (a->r.to != ROUTE_STREAMERS)
        write_away(a, w);
    for (unsigned i = 0; a->r.to == ROUTE_STREAMERS && i < a->r.decision.count; i++) {
        const struct choice *c = &a->r.decision.choice[i];

        json_write_object(w);
        write_text(w, STR("streamer"), v->streamers[c->streamer].conf->name);
        write_text(w, STR("url"), url_of(a, c));
        write_text(w, STR("why"), str_from(why_name(c->why)));
        write_number(w, STR("cost"), c->cost);
        write_number(w, STR("load"), c->load);
        write_number(w, STR("score"), c->score);
        json_write_object_end(w);
    }
    json_write_array_end(w);
}

static void answer_list(const struct asked *a, struct http_response *r)
{
    const struct view *v = a->turn->view;
    const bool placed = a->r.decision.pid != PIDX_NONE && v->netmap;
    /* A URL has each part of the template once or so; the writer says when it was not enough. */
    const size_t room = 1024 + DECISION_MAX * (1024 + 2 * a->q->target.n);
    struct bytes out = {.data = arena_alloc(a->q->arena, room), .cap = room, .limit = room};
    struct json_write w;

    if (!out.data) {
        no_room(r);
        return;
    }
    json_write_init(&w, &out);
    json_write_object(&w);
    json_write_key(&w, STR("serial"));
    json_write_uint(&w, v->serial);
    write_text(&w, STR("service"), a->conf->conf->name);
    write_text(&w, STR("pid"),
               placed ? v->netmap->pids[a->r.decision.pid].name : (struct str){NULL, 0});
    write_choices(a, &w);
    json_write_object_end(&w);
    if (!json_write_done(&w)) {
        no_room(r);
        return;
    }
    count(a, METRIC_REDIRECT_LIST);
    r->status = 200;
    r->type = STR("application/json");
    r->body = (struct str){out.data, out.len};
    add(r, STR("Cache-Control"), cache_control_of(a));
}

static struct str trim(struct str s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t')) {
        s.p++;
        s.n--;
    }
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

/* Takes what stands before the next sep off *list. */
static struct str next_of(struct str *list, char sep)
{
    const char *end = memchr(list->p, sep, list->n);
    struct str item = {list->p, end ? (size_t)(end - list->p) : list->n};
    size_t taken = item.n + (end ? 1 : 0);

    list->p += taken;
    list->n -= taken;
    return trim(item);
}

/* "q=0", "q=0.0", ...: not acceptable. */
static bool is_weight_0(struct str param)
{
    if (param.n < 3 || !str_eq_nocase((struct str){param.p, 3}, STR("q=0")))
        return false;
    for (size_t i = 3; i < param.n; i++)
        if (param.p[i] != '.' && param.p[i] != '0')
            return false;
    return true;
}

/* RFC 9110 section 12.5.1, for the one type that we have besides redirects; a wildcard does not ask
 * for it. */
static bool accepts_json(struct str accept)
{
    while (accept.n) {
        struct str item = next_of(&accept, ',');
        bool json = str_eq_nocase(next_of(&item, ';'), STR("application/json"));

        while (json && item.n)
            json = !is_weight_0(next_of(&item, ';'));
        if (json)
            return true;
    }
    return false;
}

static bool wants_list(const struct http_request *q)
{
    return (q->query.n && str_eq(query_find(q->query, STR("format")), STR("json"))) ||
           accepts_json(http_request_header(q, STR("accept")));
}

static void answer_preflight(const struct asked *a, struct http_response *r)
{
    r->status = 204;
    add(r, STR("Allow"), ALLOW);
    if (a->conf->conf->redirect.cors == CORS_ANY) {
        add(r, STR("Access-Control-Allow-Methods"), ALLOW);
        add(r, STR("Access-Control-Allow-Headers"), STR("*"));
        add(r, STR("Access-Control-Max-Age"), STR("86400"));
    }
}

static void answer_content(struct asked *a, struct http_response *r)
{
    const struct http_request *q = a->q;
    const bool list = wants_list(q);

    a->https = a->urls->location.scheme == REDIRECT_SCHEME_REQUEST
                   ? q->tls
                   : a->urls->location.scheme == REDIRECT_SCHEME_HTTPS;
    ask(a, list ? DECISION_MAX : 1);
    if (a->r.to >= ROUTE_DENIED)
        answer_refused(a, r);
    else if (list)
        answer_list(a, r);
    else
        answer_redirect(a, r);
    /* A cache must not give the one for the other. */
    if (a->r.to < ROUTE_DENIED && !str_eq(a->urls->cache_control, STR("no-store")))
        add(r, STR("Vary"), STR("Accept"));
    /* A HEAD is a look, not a session. */
    if (!q->is_head && r->status < 400)
        route_sent(a->turn, &a->ask, &a->r);
}

static void answer(struct asked *a, struct http_response *r)
{
    const struct redirect_part *part = a->turn->view->part[VIEW_PART_HTTP];

    if (a->service == SVIDX_NONE) {
        count(a, METRIC_REDIRECT_NO_SERVICE);
        http_response_text(r, 404, STR("no service has this host and path\n"));
        return;
    }
    assert(part); /* redirect_build was called on each view that is published */
    a->conf = &a->turn->view->services[a->service];
    a->urls = &part->services[a->service];
    if (a->q->method == HTTP_OPTIONS) {
        answer_preflight(a, r);
    } else if (a->q->method != HTTP_GET) {
        http_response_text(r, 405, STR("only GET, HEAD and OPTIONS are answered here\n"));
        add(r, STR("Allow"), ALLOW);
    } else {
        answer_content(a, r);
    }
    if (a->conf->conf->redirect.cors == CORS_ANY)
        add(r, STR("Access-Control-Allow-Origin"), STR("*"));
}

static void take_note(const struct asked *a, int status)
{
    struct turn *t = a->turn;
    struct note *n = t->notes ? note_begin(t->notes) : NULL;
    struct str name = a->q->path;

    if (!n)
        return;
    n->wall_ms = t->wall_ms;
    n->client = a->q->client;
    n->took_us = (uint32_t)(clock_us() - t->now_us);
    n->status = (uint16_t)status;
    n->kind = NOTE_HTTP;
    n->name_len = (uint8_t)(name.n < NOTE_NAME_MAX ? name.n : NOTE_NAME_MAX);
    memcpy(n->name, name.p, n->name_len);
    if (a->asked)
        note_route(n, t->view, a->service, &a->r);
    else
        note_decision(n, t->view, a->service, &a->r.decision);
    note_commit(t->notes);
}

void redirect_handle(void *ctx, const struct http_request *request, struct http_response *response)
{
    struct asked a;

    a.turn = ctx;
    a.q = request;
    a.service = view_find_service(a.turn->view, request->host, request->path);
    a.conf = NULL;
    a.urls = NULL;
    a.https = false;
    a.asked = false;
    a.r.to = ROUTE_NOBODY;
    a.r.downstream = DOWNSTREAM_NONE;
    a.r.decision.pid = PIDX_NONE; /* the choices need no clearing: count says how many there are */
    a.r.decision.scope = 0;
    a.r.decision.count = 0;
    a.r.decision.why = a.service == SVIDX_NONE ? WHY_NO_SERVICE : WHY_NONE;
    answer(&a, response);
    take_note(&a, response->status);
}
