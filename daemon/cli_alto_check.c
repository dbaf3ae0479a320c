/* `waymark alto check`: the directory read, the rows run, the report. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/gunzip.h"
#include "base/jsonin.h"
#include "daemon/cli_alto_check.h"
#include "daemon/cli_table.h"

#define PIECE ((size_t)64 << 10)

/* ---- verdicts */

static void PRINTF_LIKE(3, 0)
    set(struct conform *c, enum conform_verdict v, const char *fmt, va_list ap)
{
    char text[CONFORM_WHY_MAX];

    if (c->verdict != CONFORM_PASS)
        return;
    c->verdict = v;
    vsnprintf(text, sizeof text, fmt, ap);
    bytes_escape(text, strlen(text), c->why, sizeof c->why); /* it has peers' bytes */
}

void conform_fail(struct conform *c, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    set(c, CONFORM_FAIL, fmt, ap);
    va_end(ap);
}

void conform_none(struct conform *c, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    set(c, CONFORM_NOT_OFFERED, fmt, ap);
    va_end(ap);
}

/* ---- HTTP, as it is */

struct alto_conn *conform_open(struct conform *c, const char *uri, struct uri *to)
{
    struct alto_conn *conn = NULL;
    struct err e = {0};
    bool private_ok;

    if (uri_parse(str_from(uri), to, &e) != ERR_OK ||
        exchange_hosts_check(&c->a->hosts, to, &private_ok, &e) != ERR_OK ||
        alto_conn_open(&c->a->call, to, private_ok, &conn, &e) != ERR_OK)
        conform_fail(c, "%s", e.text);
    return conn;
}

/* The head, then the body that it says. */
static bool read_reply(struct conform *c, struct alto_conn *conn, bool head_only,
                       struct conform_reply *out, struct err *e)
{
    const uint64_t until_ms = clock_ms() + c->a->call.timeout_ms;
    struct http_answer *a = calloc(1, sizeof *a);
    char *buf = malloc(PIECE);
    struct http_body body = {0};
    bool in_body = false, done = false;

    if (!a || !buf)
        err_set(e, ERR_LIMIT, "no memory left for an answer");
    while (e->code == ERR_OK && !done) {
        size_t n, used = 0;

        assert(a && buf);
        if (alto_conn_read(conn, until_ms, NULL, buf, PIECE, &n, e) != ERR_OK)
            break;
        if (n == 0) {
            done = in_body && http_body_end(&body) == HTTP_BODY_DONE;
            if (!done)
                err_set(e, ERR_IO, "the connection is closed before the answer's end");
            break;
        }
        if (!in_body) {
            used = a->seen;
            if (http_answer_feed(a, buf, n) == HTTP_ANSWER_BAD)
                err_set(e, ERR_PARSE, "%s", a->wrong);
            used = a->seen - used;
            if (!bytes_add(&out->head, buf, used) || a->state != HTTP_ANSWER_DONE)
                continue;
            in_body = true;
            out->status = a->status;
            done = head_only ||
                   http_body_begin_gzip(&body, a, &out->body, CONFORM_BODY_MAX) == HTTP_BODY_DONE;
        }
        if (!done && n > used)
            done = http_body_feed(&body, buf + used, n - used) == HTTP_BODY_DONE;
        if (!head_only && body.state == HTTP_BODY_BAD)
            err_set(e, ERR_PARSE, "%s", body.wrong);
    }
    out->gzip = body.gzip;
    free(a);
    free(buf);
    return e->code == ERR_OK;
}

bool conform_say(struct conform *c, struct alto_conn *conn, const struct uri *to,
                 const char *method, const char *headers, struct str body,
                 struct conform_reply *out)
{
    struct bytes b = {0}, plain = {0};
    struct err e = {0};
    bool fine = bytes_printf(
        &b, "%s %.*s HTTP/1.1\r\nHost: %.*s\r\n%s", method, to->target.n ? (int)to->target.n : 1,
        to->target.n ? to->target.p : "/", (int)to->authority.n, to->authority.p, headers);

    memset(out, 0, sizeof *out);
    c->asked++;
    if (fine && strcmp(method, "POST") == 0 && !strstr(headers, "Transfer-Encoding") &&
        !strstr(headers, "Content-Length"))
        fine = bytes_printf(&b, "Content-Length: %zu\r\n", body.n);
    fine = fine && bytes_add(&b, "\r\n", 2) && bytes_add(&b, body.n ? body.p : "", body.n);
    fine = fine && alto_conn_send(conn, (struct str){b.data, b.len}, &e) == ERR_OK &&
           read_reply(c, conn, strcmp(method, "HEAD") == 0, out, &e);
    bytes_free(&b);
    if (fine && out->gzip) {
        fine = gunzip((struct str){out->body.data, out->body.len}, CONFORM_BODY_MAX, &plain, &e) ==
               ERR_OK;
        bytes_free(&out->body);
        out->body = plain;
    }
    if (!fine)
        conform_fail(c, "%s %.*s: %s", method, (int)to->target.n, to->target.p, e.text);
    else
        out->doc = json_loadb(out->body.len ? out->body.data : "", out->body.len,
                              JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    return fine;
}

bool conform_ask(struct conform *c, const char *method, const char *uri, const char *headers,
                 struct str body, struct conform_reply *out)
{
    char all[1024];
    struct uri to;
    struct alto_conn *conn = conform_open(c, uri, &to);
    bool fine;

    memset(out, 0, sizeof *out);
    snprintf(all, sizeof all, "%sConnection: close\r\n", headers);
    fine = conn && conform_say(c, conn, &to, method, all, body, out);
    alto_conn_close(conn);
    return fine;
}

void conform_reply_fini(struct conform_reply *r)
{
    bytes_free(&r->head);
    bytes_free(&r->body);
    json_decref(r->doc);
    memset(r, 0, sizeof *r);
}

struct str conform_header(const struct conform_reply *r, const char *name)
{
    const size_t n = strlen(name);
    const char *p = r->head.data, *end = p + r->head.len;

    while (p && p < end) {
        const char *lf = memchr(p, '\n', (size_t)(end - p));
        const char *stop = lf ? lf : end;

        if ((size_t)(stop - p) > n && p[n] == ':' &&
            str_eq_nocase((struct str){p, n}, (struct str){name, n})) {
            p += n + 1;
            while (p < stop && *p == ' ')
                p++;
            while (stop > p && (stop[-1] == '\r' || stop[-1] == ' '))
                stop--;
            return (struct str){p, (size_t)(stop - p)};
        }
        p = lf ? lf + 1 : NULL;
    }
    return (struct str){0};
}

json_t *conform_get(struct conform *c, const struct conform_resource *r)
{
    struct conform_reply got;
    json_t *doc = NULL;

    if (conform_ask(c, "GET", r->uri, "", (struct str){0}, &got)) {
        if (got.status != 200)
            conform_fail(c, "GET of \"%s\" is answered with %u", r->id, got.status);
        else if (!json_is_object(got.doc))
            conform_fail(c, "the body of \"%s\" is no JSON object", r->id);
        else
            doc = json_incref(got.doc);
    }
    conform_reply_fini(&got);
    return doc;
}

bool conform_post_text(struct conform *c, const struct conform_resource *r, const char *text,
                       struct conform_reply *out)
{
    char headers[256];

    snprintf(headers, sizeof headers, "Content-Type: %s\r\n", r->accepts);
    return conform_ask(c, "POST", r->uri, headers, str_from(text), out);
}

json_t *conform_post(struct conform *c, const struct conform_resource *r, const json_t *body)
{
    char *text = conform_text(body);
    struct conform_reply got;
    json_t *doc = NULL;

    if (conform_post_text(c, r, text, &got)) {
        const char *code = json_string_value(conform_at(got.doc, "meta/code"));

        if (got.status != 200)
            conform_fail(c, "\"%s\" answers %.150s with %u %s", r->id, text, got.status,
                         code ? code : "");
        else if (!json_is_object(got.doc))
            conform_fail(c, "the body of \"%s\" is no JSON object", r->id);
        else
            doc = json_incref(got.doc);
    }
    conform_reply_fini(&got);
    free(text);
    return doc;
}

static bool has_word(const char *words, const char *word)
{
    const size_t n = strlen(word);

    for (const char *p = strstr(words, word); p; p = strstr(p + 1, word))
        if ((p == words || p[-1] == ' ') && (p[n] == ' ' || !p[n]))
            return true;
    return false;
}

bool conform_refused(struct conform *c, const struct conform_resource *r, const char *text,
                     const char *codes, const char *field, const char *value)
{
    struct conform_reply got;
    const enum conform_verdict before = c->verdict;

    if (conform_post_text(c, r, text, &got)) {
        const char *code = json_string_value(conform_at(got.doc, "meta/code"));
        const char *in = json_string_value(conform_at(got.doc, "meta/field"));
        const char *of = json_string_value(conform_at(got.doc, "meta/value"));

        if (got.status != 400 || !code || !has_word(codes, code))
            conform_fail(c, "\"%s\" answers %.120s with %u %s, not with 400 %s", r->id, text,
                         got.status, code ? code : "", codes);
        else if (field && strcmp(field, "-") != 0 && (!in || strcmp(in, field) != 0))
            conform_fail(c, "\"%s\": the field of %.120s is \"%s\", it should be \"%s\"", r->id,
                         text, in ? in : "", field);
        else if (value && (!of || strcmp(of, value) != 0))
            conform_fail(c, "\"%s\": the value of %.120s is \"%s\", it should be \"%s\"", r->id,
                         text, of ? of : "", value);
        else if (of && !in)
            conform_fail(c, "\"%s\": %.120s: meta.value without meta.field", r->id, text);
    }
    conform_reply_fini(&got);
    return c->verdict == before;
}

const struct conform_resource *conform_need(struct conform *c, enum conform_kind k)
{
    if (!c->first[k])
        conform_none(c, "the server has no such resource");
    return c->first[k];
}

json_t *conform_ask_with(struct conform *c, const struct conform_resource *r, const char *path,
                         const char *value)
{
    json_t *body = r ? conform_good(c, r) : NULL, *doc = NULL;

    if (body) {
        conform_edit(body, path, value);
        doc = conform_post(c, r, body);
    }
    json_decref(body);
    return doc;
}

bool conform_refused_json(struct conform *c, const struct conform_resource *r, const json_t *body,
                          const char *codes, const char *field, const char *value)
{
    char *text = conform_text(body);
    const bool fine = conform_refused(c, r, text, codes, field, value);

    free(text);
    return fine;
}

/* ---- JSON */

json_t *conform_json(const char *text)
{
    return json_loads(text, JSON_DECODE_ANY, NULL);
}

char *conform_text(const json_t *v)
{
    return json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
}

const json_t *conform_at(const json_t *v, const char *path)
{
    while (v && *path) {
        const size_t n = strcspn(path, "/");

        char key[128];

        snprintf(key, sizeof key, "%.*s", (int)n, path);
        v = json_object_get(v, key);
        path += n + (path[n] == '/');
    }
    return v;
}

void conform_edit(json_t *body, const char *path, const char *value)
{
    const char *slash = strchr(path, '/');

    if (slash) {
        char key[128];
        json_t *in;

        snprintf(key, sizeof key, "%.*s", (int)(slash - path), path);
        in = json_object_get(body, key);
        if (!in) {
            in = json_object();
            json_object_set_new(body, key, in);
        }
        conform_edit(in, slash + 1, value);
    } else if (value) {
        json_object_set_new(body, path, conform_json(value));
    } else {
        json_object_del(body, path);
    }
}

bool conform_has(const json_t *list, const char *text)
{
    size_t i;
    const json_t *v;

    json_array_foreach(list, i, v)
    {
        if (json_is_string(v) && strcmp(json_string_value(v), text) == 0)
            return true;
    }
    return false;
}

/* ---- the directory */

const struct conform_resource *conform_find(const struct conform *c, const char *id)
{
    for (size_t i = 0; id && i < c->count; i++)
        if (strcmp(c->all[i].id, id) == 0)
            return &c->all[i];
    return NULL;
}

json_t *conform_cost_type(const struct conform *c, const struct conform_resource *r, size_t n)
{
    const char *name = json_string_value(json_array_get(conform_at(r->can, "cost-type-names"), n));
    const json_t *t =
        name ? json_object_get(conform_at(c->directory, "meta/cost-types"), name) : NULL;

    return t ? json_pack("{s:O, s:O}", "cost-mode", json_object_get(t, "cost-mode"), "cost-metric",
                         json_object_get(t, "cost-metric"))
             : NULL;
}

static const struct {
    enum conform_kind kind;
    const char *media, *accepts;
} kinds[] = {
    {CONFORM_NETWORK, "application/alto-networkmap+json", NULL},
    {CONFORM_COST, "application/alto-costmap+json", NULL},
    {CONFORM_PROPS, "application/alto-propmap+json", NULL},
    {CONFORM_CDNI, "application/alto-cdni+json", NULL},
    {CONFORM_NETWORK_FILTER, "application/alto-networkmap+json", "networkmapfilter"},
    {CONFORM_COST_FILTER, "application/alto-costmap+json", "costmapfilter"},
    {CONFORM_EPS, "application/alto-endpointprop+json", "endpointpropparams"},
    {CONFORM_ECS, "application/alto-endpointcost+json", "endpointcostparams"},
    {CONFORM_PROPS_FILTER, "application/alto-propmap+json", "propmapparams"},
    {CONFORM_CDNI_FILTER, "application/alto-cdni+json", "cdnifilter"},
    {CONFORM_PATH, "multipart/related", "costmapfilter"},
    {CONFORM_PATH_ENDS, "multipart/related", "endpointcostparams"},
    {CONFORM_STREAM, "text/event-stream", "updatestreamparams"},
    {CONFORM_TIPS, "application/alto-tips+json", "tipsparams"},
};

static bool is_kind(const struct conform_resource *r, size_t k)
{
    char accepts[80];

    if (!kinds[k].accepts != !r->accepts)
        return false;
    snprintf(accepts, sizeof accepts, "application/alto-%s+json",
             kinds[k].accepts ? kinds[k].accepts : "");
    return strncmp(r->media, kinds[k].media, strlen(kinds[k].media)) == 0 &&
           (!r->accepts || strcmp(r->accepts, accepts) == 0);
}

/* More than the others can: what is worth being asked. */
static size_t rank(const struct conform_resource *r)
{
    return json_array_size(conform_at(r->can, "cost-type-names")) +
           4 * json_array_size(conform_at(r->can, "calendar-attributes"));
}

static void take_resource(struct conform *c, const char *id, const json_t *entry)
{
    const char *uri = json_string_value(json_object_get(entry, "uri"));
    const char *media = json_string_value(json_object_get(entry, "media-type"));
    struct conform_resource *r = &c->all[c->count];
    struct bytes b = {0};

    if (c->count == CONFORM_RESOURCES_MAX || !uri || !media ||
        uri_resolve(str_from(c->a->uri), str_from(uri), &b, NULL) != ERR_OK)
        return;
    *r = (struct conform_resource){.id = id,
                                   .media = media,
                                   .accepts = json_string_value(json_object_get(entry, "accepts")),
                                   .uri = arena_strndup(c->a->arena, b.data, b.len),
                                   .entry = entry,
                                   .can = json_object_get(entry, "capabilities"),
                                   .kind = CONFORM_KINDS};
    bytes_free(&b);
    c->count += r->uri != NULL;
}

static void choose_kind(struct conform *c, struct conform_resource *r)
{
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        const enum conform_kind kind = kinds[k].kind;

        if (!is_kind(r, k))
            continue;
        r->kind = kind;
        if (!c->first[kind] || rank(r) > rank(c->first[kind]))
            c->first[kind] = r;
    }
}

static enum err_code read_directory(struct conform *c, struct err *e)
{
    struct cli_alto_answer got;
    const char *id, *first;
    json_t *entry;
    enum err_code rc = cli_alto_fetch(c->a, str_from(c->a->uri), STR(DIRECTORY_TYPE),
                                      (struct str){0}, (struct str){0}, &got, e);

    if (rc == ERR_OK)
        rc = jsonin_load(got.body.p, got.body.n, &c->directory, e);
    if (rc == ERR_OK) /* behind redirects it is elsewhere */
        snprintf(c->a->uri, sizeof c->a->uri, "%.*s", (int)got.x.uri.len, got.x.uri.data);
    cli_alto_answer_free(&got);
    if (rc != ERR_OK)
        return rc;
    json_object_foreach(json_object_get(c->directory, "resources"), id, entry)
    {
        take_resource(c, id, entry);
    }
    for (size_t i = 0; i < c->count; i++)
        choose_kind(c, &c->all[i]);
    first = json_string_value(conform_at(c->directory, "meta/default-alto-network-map"));
    if (conform_find(c, first))
        c->first[CONFORM_NETWORK] = conform_find(c, first);
    return ERR_OK;
}

/* ---- the rows */

static void run_bad(struct conform *c, const char *id)
{
    const size_t before = c->asked;
    size_t ran = 0, there = 0;

    for (const struct conform_bad *b = conform_bad; b->id; b++) {
        const struct conform_resource *r = c->first[b->kind];
        json_t *body;

        if (strcmp(b->id, id) != 0)
            continue;
        there++;
        body = r ? conform_good(c, r) : NULL;
        if (!body)
            continue;
        ran++;
        if (*b->path) {
            conform_edit(body, b->path, b->value);
            conform_refused_json(c, r, body, b->codes, b->field, b->text);
        } else {
            conform_refused(c, r, b->value, b->codes, b->field, b->text);
        }
        json_decref(body);
    }
    if (there && !ran && c->asked == before)
        conform_none(c, "the server has no such resource");
}

/* Rows that the directory alone decides; the others have asked, or shown nothing. */
static const char of_directory[] =
    "T-09 I-03 I-04 I-05 I-06 I-10 N-13 C-01 C-02 P-04 S-06 X-02 X-03 D-01 V-01 V-02 V-03 U-01 "
    "Q-01";

static void run_row(struct conform *c, const struct conform_row *row)
{
    c->verdict = CONFORM_PASS;
    c->why[0] = '\0';
    c->asked = 0;
    if (row->fn)
        row->fn(c);
    if (c->verdict == CONFORM_PASS)
        run_bad(c, row->id);
    if (c->asked == 0 && !has_word(of_directory, row->id))
        conform_none(c, "the server offers nothing that could be asked");
}

static const char *const words[] = {"pass", "fail", "not offered"};

static const struct conform_row *const parts[] = {conform_rows_http, conform_rows_maps,
                                                  conform_rows_costs, conform_rows_more,
                                                  conform_rows_updates};

/* All rows; counts by verdict. */
static json_t *run_all(struct conform *c, struct table *t, size_t *counts, bool *failed)
{
    json_t *out = json_array();

    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++)
        for (const struct conform_row *row = parts[p]; row->id; row++) {
            if (c->a->rows && !strstr(c->a->rows, row->id))
                continue;
            run_row(c, row);
            counts[c->verdict]++;
            *failed |= c->verdict == CONFORM_FAIL && strncmp(row->level, "MUST", 4) == 0;
            table_row(t, (const char *[]){row->id, words[c->verdict], row->level, row->what});
            if (c->verdict == CONFORM_FAIL && !c->a->json)
                fprintf(stderr, "%s: %s\n", row->id, c->why);
            json_array_append_new(out, json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", row->id,
                                                 "verdict", words[c->verdict], "level", row->level,
                                                 "what", row->what, "why", c->why));
        }
    return out;
}

enum err_code cli_alto_check(struct cli_alto *a, bool *failed, struct err *e)
{
    struct conform *c = calloc(1, sizeof *c);
    size_t counts[3] = {0};
    struct table t;
    json_t *report;
    enum err_code rc;

    *failed = false;
    if (!c)
        return err_set(e, ERR_LIMIT, "no memory left for a check");
    c->a = a;
    rc = read_directory(c, e);
    if (rc == ERR_OK) {
        table_init(&t, "row|verdict|level|what");
        t.no_head = a->no_head;
        report = run_all(c, &t, counts, failed);
        if (a->json) {
            json_dumpf(report, stdout, JSON_INDENT(2));
            putchar('\n');
        } else {
            table_print(&t, stdout);
            printf("%zu pass, %zu fail, %zu not offered\n", counts[CONFORM_PASS],
                   counts[CONFORM_FAIL], counts[CONFORM_NOT_OFFERED]);
        }
        json_decref(report);
        table_fini(&t);
    }
    json_decref(c->directory);
    free(c);
    return rc;
}
