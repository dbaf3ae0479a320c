#include "daemon/admin.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "base/net.h"
#include "base/query.h"
#include "daemon/admin_status.h"
#include "http/http_wire.h"
#include "router/explain.h"
#include "router/report.h"
#include "router/route.h"

#define TOP_DEFAULT    20u
#define TOP_MAX        1000u
#define ADMIN_BODY_MAX ((size_t)64 << 20)

/* Who changes something says so with this header: a web page of another origin cannot send it
 * unasked. */
#define ADMIN_HEADER "Waymark-Admin"

struct admin_body {
    struct shared_body shared;
    struct bytes bytes;
};

static void admin_body_release(struct shared_body *self)
{
    struct admin_body *b = (struct admin_body *)(void *)self;

    bytes_free(&b->bytes);
    free(b);
}

/* Hands over bytes made for this one answer. */
static void answer_bytes(struct http_response *r, struct str type, struct bytes *made, bool ok)
{
    struct admin_body *b = ok ? calloc(1, sizeof *b) : NULL;

    if (!b) {
        bytes_free(made);
        http_response_text(r, 500, STR("no memory for this page\n"));
        return;
    }
    b->bytes = *made;
    b->shared =
        (struct shared_body){.release = admin_body_release, .data = made->data, .len = made->len};
    atomic_init(&b->shared.refs, 1);
    r->status = 200;
    r->type = type;
    r->shared = &b->shared;
}

static const struct str type_json = {"application/json", 16};

/* {"error": text}, with the status. */
static void answer_error(const struct http_request *q, struct http_response *r, int status,
                         const char *what)
{
    json_t *o = json_pack("{s:s}", "error", what);
    char *dump = o ? json_dumps(o, 0) : NULL;
    char *body = dump ? arena_printf(q->arena, "%s\n", dump) : NULL;

    free(dump);
    json_decref(o);
    r->status = status;
    r->type = type_json;
    r->body = body ? str_from(body) : STR("{\"error\":\"no memory\"}\n");
}

/* The value of a query parameter, percent-decoded into the arena; p NULL: absent, or not well
 * formed. */
static struct str parameter(const struct http_request *q, struct str name)
{
    struct str value = query_find(q->query, name);
    char *out = value.p ? arena_alloc(q->arena, value.n + 1) : NULL;
    size_t n;

    if (!out || !percent_decode(value, true, out, value.n, &n))
        return (struct str){NULL, 0};
    out[n] = '\0';
    return (struct str){out, n};
}

static bool client_parameter(const struct http_request *q, struct http_response *r,
                             struct addr *out)
{
    struct str text = parameter(q, STR("client"));
    struct err e = {0};

    if (!text.p) {
        answer_error(q, r, 400, "client is missing; write client=192.0.2.1");
        return false;
    }
    if (addr_parse(text.p, text.n, out, &e) != ERR_OK) {
        answer_error(q, r, 400, arena_printf(q->arena, "client: %s", e.text));
        return false;
    }
    return true;
}

/* As HTTP would read the Host header: in lower case, without port and trailing dot. Something that
 * is none stays as it is: no service has it. */
static struct str host_parameter(const struct http_request *q)
{
    struct str host = parameter(q, STR("host")), plain;
    char *copy = host.p ? arena_strndup(q->arena, host.p, host.n) : NULL;
    uint16_t port;

    return copy && http_authority_parse(copy, host.n, &plain, &port) ? plain : host;
}

/* The path of a URL from there on: "/" when it has none. */
static struct str path_parameter(const struct http_request *q)
{
    struct str path = parameter(q, STR("path"));
    size_t n = 0;

    while (n < path.n && path.p[n] != '?' && path.p[n] != '#')
        n++;
    return n ? (struct str){path.p, n} : STR("/");
}

/* What an explain asks: client, and a service by name, or by host and path as HTTP would find it.
 */
static bool question_read(struct control *c, const struct http_request *q, struct http_response *r,
                          struct route_question *ask)
{
    struct question *out = &ask->q;
    struct str service = parameter(q, STR("service")), host = host_parameter(q),
               path = path_parameter(q);
    struct str scheme = parameter(q, STR("scheme"));

    *ask = (struct route_question){.q.want = DECISION_MAX,
                                   .can = ROUTE_CAN_HTTP | ROUTE_CAN_HTTPS | ROUTE_CAN_DNS};
    if (!client_parameter(q, r, &out->client))
        return false;
    out->service = service.p ? view_find_service_by_name(c->view, service)
                   : host.p  ? view_find_service(c->view, host, path)
                             : SVIDX_NONE;
    if (out->service == SVIDX_NONE) {
        answer_error(
            q, r, 404,
            service.p ? "no service has this name"
            : host.p  ? "no service has this host and path"
                      : "service or host is missing; write service=NAME or host=NAME&path=/PATH");
        return false;
    }
    out->need = str_eq(scheme, STR("https"))  ? STREAMER_HTTPS
                : str_eq(scheme, STR("http")) ? STREAMER_HTTP
                                              : 0;
    out->need |= addr_is_v4(out->client) ? STREAMER_V4 : 0;
    out->need_any = addr_is_v4(out->client) ? 0 : STREAMER_V4 | STREAMER_V6;
    if (str_eq(scheme, STR("https")))
        ask->can = ROUTE_CAN_HTTPS;
    else if (str_eq(scheme, STR("http")))
        ask->can = ROUTE_CAN_HTTP | ROUTE_CAN_HTTPS;
    route_content(c->view, ask, path, (struct str){NULL, 0}, c->turn.keys);
    return true;
}

/* Puts who serves, and why when it is not one of the streamers, into the object that out ends with.
 */
static bool verdict_add(const struct control *c, const struct route_question *ask,
                        struct bytes *out)
{
    const struct view *v = c->view;
    struct route verdict;
    char *dump;
    json_t *o;
    bool ok;

    route_look(v, c->live, ask, &verdict);
    o = json_pack(
        "{s:s, s:s?, s:s?}", "to", route_to_name(verdict.to), "why", verdict.why, "downstream",
        verdict.to == ROUTE_DOWNSTREAM ? v->downstreams[verdict.downstream].conf->name.p : NULL);
    dump = o ? json_dumps(o, JSON_COMPACT) : NULL;
    if (out->len)
        out->len--; /* the closing brace */
    ok = dump && bytes_printf(out, ",\"route\":%s}\n", dump);
    free(dump);
    json_decref(o);
    return ok;
}

/* What the costs are of: the maps of the sources that stand, with their tags and ages. */
static bool maps_add(const struct control *c, struct bytes *out)
{
    json_t *o = admin_maps_json(c);
    char *dump = o ? json_dumps(o, JSON_COMPACT) : NULL;
    bool ok;

    if (out->len >= 2)
        out->len -= 2; /* the closing brace and the line's end */
    ok = dump && bytes_printf(out, ",\"maps\":%s}\n", dump);
    free(dump);
    json_decref(o);
    return ok;
}

static void page_explain(struct control *c, const struct http_request *q, struct http_response *r)
{
    struct bytes out = {.limit = ADMIN_BODY_MAX};
    struct route_question ask;
    bool ok;

    if (!question_read(c, q, r, &ask))
        return;
    ok = explain_json(c->view, c->live, &ask.q, &out) && verdict_add(c, &ask, &out) &&
         maps_add(c, &out);
    answer_bytes(r, type_json, &out, ok);
}

static void page_locate(struct control *c, const struct http_request *q, struct http_response *r)
{
    struct bytes out = {.limit = ADMIN_BODY_MAX};
    char client_text[ADDR_TEXT_MAX];
    struct located at;
    struct addr client;
    json_t *o;
    char *dump;

    if (!client_parameter(q, r, &client))
        return;
    at = view_locate(c->view, client);
    o = json_pack("{s:s, s:o, s:i, s:I}", "client", addr_format(client, client_text), "pid",
                  at.pid == PIDX_NONE || !c->view->netmap
                      ? json_null()
                      : json_stringn(c->view->netmap->pids[at.pid].name.p,
                                     c->view->netmap->pids[at.pid].name.n),
                  "scope", (int)addr_own_bits(client, at.scope), "serial",
                  (json_int_t)c->view->serial);
    dump = o ? json_dumps(o, 0) : NULL;
    json_decref(o);
    answer_bytes(r, type_json, &out, dump && bytes_printf(&out, "%s\n", dump));
    free(dump);
}

/* POST /streamers/NAME/VERB. */
static void page_streamers(struct control *c, const struct http_request *q, struct http_response *r)
{
    static const struct {
        const char *verb;
        enum admin_state state;
    } verbs[] = {{"drain", ADMIN_DRAIN},
                 {"undrain", ADMIN_UP},
                 {"up", ADMIN_UP},
                 {"down", ADMIN_DOWN},
                 {"force", ADMIN_FORCED}};
    struct str rest = {q->path.p + strlen("/streamers/"), q->path.n - strlen("/streamers/")};
    const char *slash = memchr(rest.p, '/', rest.n);
    struct str name = {rest.p, slash ? (size_t)(slash - rest.p) : rest.n};
    sidx s = view_find_streamer(c->view, name);

    if (s == SIDX_NONE) {
        answer_error(q, r, 404, "no streamer has this name");
        return;
    }
    for (size_t i = 0; slash && i < sizeof verbs / sizeof *verbs; i++) {
        if (!str_eq((struct str){slash + 1, rest.n - name.n - 1}, str_from(verbs[i].verb)))
            continue;
        live_admin_set(c->live, c->view->streamers[s].live, verbs[i].state);
        control_state_save(c);
        log_info("event=streamer.admin streamer=%.*s verb=%s", (int)name.n, name.p, verbs[i].verb);
        r->status = 200;
        r->type = type_json;
        r->body = STR("{\"ok\":true}\n");
        return;
    }
    answer_error(q, r, 404, "the verb is none of drain, undrain, up, down, force");
}

static void page_reload(struct control *c, const struct http_request *q, struct http_response *r)
{
    struct err e = {0};

    if (control_reload(c, &e) != ERR_OK) {
        answer_error(q, r, 409, arena_printf(q->arena, "%s", e.text));
        return;
    }
    r->status = 200;
    r->type = type_json;
    r->body = STR("{\"ok\":true}\n");
}

/* Maps that the ALTO client holds back are taken. */
static void page_force(struct control *c, const struct http_request *q, struct http_response *r)
{
    if (!c->feed || !alto_source_force(c->feed)) {
        answer_error(q, r, 409, "no map is held back");
        return;
    }
    r->status = 200;
    r->type = type_json;
    r->body = STR("{\"ok\":true}\n");
}

/* The hottest contents. */
static void page_top(struct control *c, const struct http_request *q, struct http_response *r)
{
    struct str name = parameter(q, STR("service")), count = parameter(q, STR("n"));
    struct bytes out = {.limit = ADMIN_BODY_MAX};
    svidx service = SVIDX_NONE;
    unsigned long n = TOP_DEFAULT;
    bool ok;

    if (name.p && (service = view_find_service_by_name(c->view, name)) == SVIDX_NONE) {
        answer_error(q, r, 404, "no service has this name");
        return;
    }
    if (count.p) {
        char *end;

        n = strtoul(count.p, &end, 10);
        if (count.p[0] < '0' || count.p[0] > '9' || *end || n < 1 || n > TOP_MAX) {
            answer_error(q, r, 400, "n is a number from 1 to 1000");
            return;
        }
    }
    ok = admin_top_format(c, service, n, &out);
    answer_bytes(r, type_json, &out, ok);
}

/* Is it the token? In a time that does not tell how much of it is right. */
static bool token_is(struct str given, struct str token)
{
    unsigned char a[SHA256_DIGEST_LENGTH], b[SHA256_DIGEST_LENGTH];

    SHA256((const unsigned char *)given.p, given.n, a);
    SHA256((const unsigned char *)token.p, token.n, b);
    return CRYPTO_memcmp(a, b, sizeof a) == 0;
}

static bool report_allowed(struct str token, const struct http_request *q)
{
    const struct str scheme = STR("Bearer ");
    const struct str got = http_request_header(q, STR("Authorization"));

    return got.p && got.n > scheme.n && str_eq_nocase((struct str){got.p, scheme.n}, scheme) &&
           token_is((struct str){got.p + scheme.n, got.n - scheme.n}, token);
}

/* Whether a report is read at all; else r says why not. Who has no token learns nothing more. */
static bool report_admit(const struct control *c, const struct http_request *q,
                         struct http_response *r)
{
    const struct str token = c->newest->config->report_token;
    const struct str coding = http_request_header(q, STR("Content-Encoding"));

    if (token.n == 0) {
        answer_error(q, r, 403, "reports are off; admin.report_token_file switches them on");
        return false;
    }
    if (!report_allowed(token, q)) {
        answer_error(q, r, 401,
                     "the header Authorization: Bearer TOKEN is missing, or it is not "
                     "the token of admin.report_token_file");
        (void)!http_response_header(r, STR("WWW-Authenticate"), STR("Bearer"));
        return false;
    }
    if (coding.n && !str_eq_nocase(coding, STR("identity"))) {
        answer_error(q, r, 415, "a report is JSON as it stands, without a Content-Encoding");
        return false;
    }
    return true;
}

/* POST /report: what a streamer says of itself. */
static void page_report(struct control *c, const struct http_request *q, struct http_response *r)
{
    struct err e = {0};

    if (!report_admit(c, q, r)) {
        metric_add(&c->metrics, METRIC_REPORTS_DENIED, 1);
        return;
    }
    switch (report_take(c->prober, q->body.p, q->body.n, c->turn.now_ms, &e)) {
    case ERR_OK:
        r->status = 200;
        r->type = type_json;
        r->body = STR("{\"ok\":true}\n");
        return;
    case ERR_NOT_FOUND:
        answer_error(q, r, 404, arena_printf(q->arena, "%s", e.text));
        return;
    case ERR_CONFLICT:
        answer_error(q, r, 409, arena_printf(q->arena, "%s", e.text));
        return;
    case ERR_LIMIT:
        answer_error(q, r, 413, arena_printf(q->arena, "%s", e.text));
        return;
    default:
        answer_error(q, r, 400, arena_printf(q->arena, "%s", e.text));
    }
}

static void page_get(struct control *c, const struct http_request *q, struct http_response *r)
{
    struct bytes out = {.limit = ADMIN_BODY_MAX};

    if (str_eq(q->path, STR("/metrics"))) {
        bool ok = admin_metrics_format(c, &out);

        answer_bytes(r, STR("text/plain; version=0.0.4; charset=utf-8"), &out, ok);
    } else if (str_eq(q->path, STR("/status"))) {
        bool ok = admin_status_format(c, &out);

        answer_bytes(r, type_json, &out, ok);
    } else if (str_eq(q->path, STR("/healthz"))) {
        http_response_text(r, c->draining ? 503 : 200,
                           c->draining ? STR("draining\n") : STR("ok\n"));
    } else if (str_eq(q->path, STR("/explain"))) {
        page_explain(c, q, r);
    } else if (str_eq(q->path, STR("/locate"))) {
        page_locate(c, q, r);
    } else if (str_eq(q->path, STR("/top"))) {
        page_top(c, q, r);
    } else {
        answer_error(q, r, 404,
                     "pages: /status /metrics /healthz /explain /locate /top; POST "
                     "/streamers/NAME/VERB /reload /maps/force /report");
    }
}

static bool is_streamer_path(struct str path)
{
    struct str front = STR("/streamers/");

    return path.n > front.n && memcmp(path.p, front.p, front.n) == 0;
}

void admin_handle(void *ctx, const struct http_request *q, struct http_response *r)
{
    struct control *c = ctx;
    const bool report = str_eq(q->path, STR("/report"));
    const bool force = str_eq(q->path, STR("/maps/force"));
    const bool changes =
        report || force || is_streamer_path(q->path) || str_eq(q->path, STR("/reload"));

    turn_begin(&c->turn);
    if (q->method != (changes ? HTTP_POST : HTTP_GET)) {
        answer_error(q, r, 405, changes ? "POST only" : "GET only");
        (void)!http_response_header(r, STR("Allow"), changes ? STR("POST") : STR("GET, HEAD"));
        return;
    }
    if (report) /* its token keeps web pages of other origins out, too */
        page_report(c, q, r);
    else if (changes && !http_request_header(q, STR(ADMIN_HEADER)).p)
        answer_error(q, r, 403,
                     "the header " ADMIN_HEADER
                     ": 1 is missing; it keeps web pages of other origins out");
    else if (str_eq(q->path, STR("/reload")))
        page_reload(c, q, r);
    else if (force)
        page_force(c, q, r);
    else if (changes)
        page_streamers(c, q, r);
    else
        page_get(c, q, r);
}

enum err_code admin_start(struct control *c, struct err *e)
{
    const struct listen_list *list = &c->started->config->admin;

    http_conf_default(&c->admin_conf);
    c->admin_conf.connections_max = 256;
    c->admin = http_server_new(c->base, &c->admin_conf, &c->turn);
    if (!c->admin || !http_server_mount(c->admin, (struct str){NULL, 0}, STR("/"), admin_handle, c))
        return err_set(e, ERR_LIMIT, "no memory for the admin port");
    for (size_t i = 0; i < list->count; i++) {
        char text[ADDR_TEXT_MAX];
        enum err_code rc;
        int fd;

        rc = net_listen_tcp(list->items[i].at, 64, &fd, e);
        if (rc == ERR_OK) {
            c->admin_port = net_local_port(fd);
            rc = http_server_listen(c->admin, fd, NULL, e);
        }
        if (rc != ERR_OK)
            return rc;
        log_info("event=listen kind=admin address=%s port=%u",
                 addr_format(list->items[i].at.addr, text), c->admin_port);
    }
    return ERR_OK;
}
