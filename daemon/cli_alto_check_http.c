/* Rows of HTTP and of errors (RFC 7285 sections 8.3 and 8.5). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cli_alto_check.h"

#define NONE       ((struct str){0})
#define ERROR_TYPE STR("application/alto-error+json")

static bool status_is(struct conform *c, const char *what, const struct conform_reply *r,
                      unsigned want)
{
    if (r->status != want)
        conform_fail(c, "%s is answered with %u, not with %u", what, r->status, want);
    return r->status == want;
}

static void expect(struct conform *c, const char *what, const char *method,
                   const struct conform_resource *r, const char *headers, unsigned want)
{
    struct conform_reply got;

    if (conform_ask(c, method, r->uri, headers, NONE, &got))
        status_is(c, what, &got, want);
    conform_reply_fini(&got);
}

/* The first POST resource of JSON in, JSON out. */
static const struct conform_resource *any_post(struct conform *c)
{
    for (enum conform_kind k = CONFORM_NETWORK_FILTER; k <= CONFORM_CDNI_FILTER; k++)
        if (c->first[k])
            return c->first[k];
    conform_none(c, "the server has no resource that is asked by POST");
    return NULL;
}

static const struct conform_resource *any_get(struct conform *c)
{
    if (!c->first[CONFORM_NETWORK])
        conform_none(c, "the server has no network map");
    return c->first[CONFORM_NETWORK];
}

static void t_01(struct conform *c)
{
    const struct conform_resource *r = any_get(c), *p = any_post(c);
    json_t *body = p ? conform_good(c, p) : NULL;
    char *text = conform_text(body), headers[256], chunk[32];
    struct bytes b = {0};
    struct conform_reply got;
    struct uri to;
    struct alto_conn *conn = r ? conform_open(c, r->uri, &to) : NULL;

    for (int i = 0; conn && i < 2; i++) {
        if (conform_say(c, conn, &to, "GET", "", NONE, &got))
            status_is(c, i ? "the second GET of one connection" : "GET", &got, 200);
        conform_reply_fini(&got);
    }
    alto_conn_close(conn);
    snprintf(chunk, sizeof chunk, "%zx\r\n", text ? strlen(text) : 0);
    if (p && text && bytes_printf(&b, "%s%s\r\n0\r\n\r\n", chunk, text)) {
        snprintf(headers, sizeof headers, "Content-Type: %s\r\nTransfer-Encoding: chunked\r\n",
                 p->accepts);
        if (conform_ask(c, "POST", p->uri, headers, (struct str){b.data, b.len}, &got))
            status_is(c, "a POST in chunks", &got, 200);
        conform_reply_fini(&got);
    }
    bytes_free(&b);
    free(text);
    json_decref(body);
}

/* The other method of a URI that no other resource has. */
static void t_02(struct conform *c)
{
    for (size_t i = 0; i < c->count; i++) {
        const struct conform_resource *r = &c->all[i];
        const char *method = r->accepts ? "GET" : "POST";
        struct conform_reply got;
        bool shared = strncmp(r->media, "application/alto-", 17) != 0 ||
                      strcmp(r->media, "application/alto-directory+json") == 0;

        for (size_t k = 0; k < c->count; k++)
            shared |= k != i && strcmp(c->all[k].uri, r->uri) == 0;
        if (shared)
            continue;
        if (conform_ask(c, method, r->uri, "", NONE, &got) &&
            (got.status != 405 || !conform_header(&got, "Allow").n))
            conform_fail(c, "%s of \"%s\" is answered with %u%s, not with 405 and Allow", method,
                         r->id, got.status,
                         conform_header(&got, "Allow").n ? "" : " without Allow");
        conform_reply_fini(&got);
    }
}

static void t_05(struct conform *c)
{
    for (size_t i = 0; i < c->count; i++) {
        const struct conform_resource *r = &c->all[i];
        json_t *body = r->accepts ? conform_good(c, r) : NULL;
        char *text = body ? conform_text(body) : NULL;
        struct conform_reply got = {0};

        if (strncmp(r->media, "application/alto-", 17) == 0 && (text || !r->accepts) &&
            (text ? conform_post_text(c, r, text, &got)
                  : conform_ask(c, "GET", r->uri, "", NONE, &got)) &&
            got.status == 200 && !str_eq(conform_header(&got, "Content-Type"), str_from(r->media)))
            conform_fail(c, "the Content-Type of \"%s\" is \"%.*s\", not \"%s\"", r->id,
                         (int)conform_header(&got, "Content-Type").n,
                         conform_header(&got, "Content-Type").p
                             ? conform_header(&got, "Content-Type").p
                             : "",
                         r->media);
        conform_reply_fini(&got);
        free(text);
        json_decref(body);
    }
}

static void t_07(struct conform *c)
{
    const struct conform_resource *r = any_get(c);

    if (!r)
        return;
    expect(c, "Accept: text/html", "GET", r, "Accept: text/html\r\n", 406);
    expect(c, "Accept: application/*;q=0.1", "GET", r, "Accept: application/*;q=0.1\r\n", 200);
    expect(c, "a type with q=0", "GET", r, "Accept: application/alto-networkmap+json;q=0\r\n", 406);
    expect(c, "the type beside that of errors", "GET", r,
           "Accept: application/alto-networkmap+json,application/alto-error+json\r\n", 200);
    expect(c, "no Accept", "GET", r, "", 200);
}

static void t_08(struct conform *c)
{
    const struct conform_resource *r = any_post(c);
    json_t *body = r ? conform_good(c, r) : NULL;
    char *text = body ? conform_text(body) : NULL, headers[256];
    struct conform_reply got;

    if (text &&
        conform_ask(c, "POST", r->uri, "Content-Type: text/plain\r\n", str_from(text), &got)) {
        if (got.status != 415 && got.status != 400 && got.status != 404)
            conform_fail(c, "a POST of text/plain is answered with %u, not with 415", got.status);
        conform_reply_fini(&got);
    }
    snprintf(headers, sizeof headers, "Content-Type: %s; charset=utf-8\r\n", r ? r->accepts : "");
    if (text && conform_ask(c, "POST", r->uri, headers, str_from(text), &got)) {
        status_is(c, "a POST with a charset", &got, 200);
        conform_reply_fini(&got);
    }
    free(text);
    json_decref(body);
}

static void t_09(struct conform *c)
{
    if (strncmp(c->a->uri, "https:", 6) != 0)
        conform_none(c, "the URL is not one of https");
    else
        (void)any_get(c); /* the directory came over it */
}

static void t_11(struct conform *c)
{
    const struct conform_resource *r = any_get(c);
    struct conform_reply got = {0}, again = {0};
    struct str etag;
    char headers[320];

    if (!r || !conform_ask(c, "GET", r->uri, "", NONE, &got))
        return;
    etag = conform_header(&got, "ETag");
    if (!etag.n || etag.n > 256) {
        conform_fail(c, "the network map has no ETag");
    } else {
        snprintf(headers, sizeof headers, "If-None-Match: %.*s\r\n", (int)etag.n, etag.p);
        if (conform_ask(c, "GET", r->uri, headers, NONE, &again) &&
            status_is(c, "a GET with the ETag of now", &again, 304)) {
            if (again.body.len)
                conform_fail(c, "304 comes with a body");
            if (!str_eq(conform_header(&again, "ETag"), etag))
                conform_fail(c, "304 comes with another ETag");
        }
        conform_reply_fini(&again);
        expect(c, "a GET with another ETag", "GET", r, "If-None-Match: \"no-such\"\r\n", 200);
    }
    conform_reply_fini(&got);
}

static void t_12(struct conform *c)
{
    const struct conform_resource *r = any_get(c);
    struct conform_reply plain = {0}, gzip = {0};

    if (r && conform_ask(c, "GET", r->uri, "", NONE, &plain) &&
        conform_ask(c, "GET", r->uri, "Accept-Encoding: gzip\r\n", NONE, &gzip)) {
        const struct str tag = conform_header(&plain, "ETag");

        if (!tag.n)
            conform_fail(c, "the network map has no ETag");
        else if (gzip.gzip && tag.p[0] == '"' && str_eq(tag, conform_header(&gzip, "ETag")))
            conform_fail(c, "the strong ETag of the plain and of the compressed body is the same");
        else if (!gzip.gzip)
            conform_none(c, "the network map is not compressed");
    }
    conform_reply_fini(&plain);
    conform_reply_fini(&gzip);
}

/* The largest body there is: small ones need no compression. */
static void t_13(struct conform *c)
{
    bool any = false;

    for (size_t i = 0; i < c->count; i++) {
        struct conform_reply plain = {0}, got = {0};

        if (!c->all[i].accepts && strncmp(c->all[i].media, "application/alto-", 17) == 0 &&
            conform_ask(c, "GET", c->all[i].uri, "Accept-Encoding: gzip\r\n", NONE, &got) &&
            got.status == 200 && got.gzip) {
            any = true;
            if (!conform_header(&got, "Vary").n)
                conform_fail(c, "the compressed body of \"%s\" has no Vary", c->all[i].id);
            if (conform_ask(c, "GET", c->all[i].uri, "", NONE, &plain) &&
                !json_equal(plain.doc, got.doc))
                conform_fail(c, "\"%s\" is another resource when it is compressed", c->all[i].id);
        }
        conform_reply_fini(&plain);
        conform_reply_fini(&got);
    }
    if (!any)
        conform_fail(c, "no resource is compressed with gzip");
}

static void t_15(struct conform *c)
{
    const struct conform_resource *r = any_get(c);
    struct conform_reply head = {0}, got = {0};

    if (r && conform_ask(c, "HEAD", r->uri, "", NONE, &head) && status_is(c, "HEAD", &head, 200) &&
        conform_ask(c, "GET", r->uri, "", NONE, &got)) {
        if (!str_eq(conform_header(&head, "Content-Type"), conform_header(&got, "Content-Type")) ||
            !str_eq(conform_header(&head, "ETag"), conform_header(&got, "ETag")))
            conform_fail(c, "HEAD has another Content-Type or ETag than GET");
    }
    conform_reply_fini(&head);
    conform_reply_fini(&got);
}

static void t_16(struct conform *c)
{
    const struct conform_resource *r = any_get(c);
    struct conform_reply got = {0};

    if (r && conform_ask(c, "OPTIONS", r->uri, "", NONE, &got) &&
        ((got.status != 200 && got.status != 204) || !conform_header(&got, "Allow").n))
        conform_fail(c, "OPTIONS is answered with %u%s", got.status,
                     conform_header(&got, "Allow").n ? "" : " without Allow");
    conform_reply_fini(&got);
}

/* A member that nobody knows changes nothing. */
static void t_17(struct conform *c)
{
    const struct conform_resource *r = any_post(c);
    json_t *body = r ? conform_good(c, r) : NULL, *one = NULL, *two = NULL;

    if (body) {
        one = conform_post(c, r, body);
        conform_edit(body, "priv:no-such-member", "{\"a\":[1]}");
        two = conform_post(c, r, body);
        if (one && two && !json_equal(one, two))
            conform_fail(c, "a member that is not known changes the answer of \"%s\"", r->id);
    }
    json_decref(one);
    json_decref(two);
    json_decref(body);
}

static void t_18(struct conform *c)
{
    const struct conform_resource *r = any_post(c);
    struct conform_reply got = {0};

    if (r)
        conform_refused(c, r, "{\"pids\":[\"\xff\"]}", "E_SYNTAX", NULL, NULL);
    if (conform_ask(c, "GET", c->a->uri, "", NONE, &got) && got.body.len >= 3 &&
        memcmp(got.body.data, "\xef\xbb\xbf", 3) == 0)
        conform_fail(c, "the directory begins with a byte order mark");
    conform_reply_fini(&got);
}

static void t_19(struct conform *c)
{
    enum { DEPTH = 100000 };
    const struct conform_resource *r = any_post(c);
    char *deep = malloc(DEPTH + 16), headers[256];
    struct conform_reply got = {0};

    if (r && deep) {
        memcpy(deep, "{\"a\":", 5);
        memset(deep + 5, '[', DEPTH);
        deep[DEPTH + 5] = '\0';
        if (conform_post_text(c, r, deep, &got) && got.status != 400 && got.status != 413)
            conform_fail(c, "%d open brackets are answered with %u, not with 400", DEPTH,
                         got.status);
        conform_reply_fini(&got);
        snprintf(headers, sizeof headers, "Content-Type: %s\r\nContent-Length: 1073741824\r\n",
                 r->accepts);
        if (conform_ask(c, "POST", r->uri, headers, STR("{}"), &got) && got.status != 413)
            conform_fail(c, "a body of 1 GiB is answered with %u, not with 413", got.status);
        conform_reply_fini(&got);
    }
    free(deep);
}

/* Three requests that are wrong in different ways, and what is asked of each error. */
static void errors(struct conform *c, void (*look)(struct conform *, const struct conform_reply *))
{
    static const char wrong_types[] = "{\"pids\":7,\"cost-type\":7,\"endpoints\":7,"
                                      "\"entities\":7,\"cdni-capabilities\":7}";
    static const char *const texts[] = {"{", "[]", wrong_types};

    for (enum conform_kind k = CONFORM_NETWORK_FILTER; k <= CONFORM_CDNI_FILTER; k++)
        for (size_t i = 0; c->first[k] && i < 3; i++) {
            struct conform_reply got;

            if (conform_post_text(c, c->first[k], texts[i], &got))
                look(c, &got);
            conform_reply_fini(&got);
        }
    (void)any_post(c);
}

static void look_type(struct conform *c, const struct conform_reply *r)
{
    const struct str type = conform_header(r, "Content-Type");

    if (!str_eq(type, ERROR_TYPE))
        conform_fail(c, "the Content-Type of an error (%u) is \"%.*s\"", r->status, (int)type.n,
                     type.n ? type.p : "");
}

static void look_code(struct conform *c, const struct conform_reply *r)
{
    static const char *const codes[] = {"E_SYNTAX", "E_MISSING_FIELD", "E_INVALID_FIELD_TYPE",
                                        "E_INVALID_FIELD_VALUE"};
    const char *code = json_string_value(conform_at(r->doc, "meta/code"));
    bool known = false;

    for (size_t i = 0; i < 4 && code; i++)
        known |= strcmp(code, codes[i]) == 0;
    if (!known)
        conform_fail(c, "meta.code of an error (%u) is \"%s\"", r->status, code ? code : "");
}

static void look_status(struct conform *c, const struct conform_reply *r)
{
    status_is(c, "a request that is wrong", r, 400);
}

/* One code, one field. */
static void look_one(struct conform *c, const struct conform_reply *r)
{
    const json_t *code = conform_at(r->doc, "meta/code"), *field = conform_at(r->doc, "meta/field");

    if (!json_is_string(code) || (field && !json_is_string(field)))
        conform_fail(c, "an error has not just one code and at most one field");
}

static void e_01(struct conform *c)
{
    errors(c, look_type);
}

static void e_02(struct conform *c)
{
    errors(c, look_code);
}

static void e_03(struct conform *c)
{
    errors(c, look_status);
}

static void e_12(struct conform *c)
{
    errors(c, look_one);
}

static void e_15(struct conform *c)
{
    const struct conform_resource *r = any_get(c);
    const char *methods[] = {"POST", "GET"}, *headers[] = {"", "Accept: text/html\r\n"};
    struct conform_reply got = {0};
    char uri[URI_MAX + 32];

    for (int i = 0; r && i < 2; i++) {
        if (conform_ask(c, methods[i], r->uri, headers[i], NONE, &got) && got.status < 400)
            conform_fail(c, "%s %s is answered with %u", methods[i], headers[i], got.status);
        else if (got.status)
            look_type(c, &got);
        conform_reply_fini(&got);
    }
    snprintf(uri, sizeof uri, "%s/no-such-resource", r ? r->uri : c->a->uri);
    if (conform_ask(c, "GET", uri, "", NONE, &got) && status_is(c, "a URI that is none", &got, 404))
        look_type(c, &got);
    conform_reply_fini(&got);
}

const struct conform_row conform_rows_http[] = {
    {"T-01", "MUST", "HTTP/1.1: kept connections, bodies in chunks", t_01},
    {"T-02", "MUST", "the other method gets 405 with Allow", t_02},
    {"T-05", "MUST", "the exact media type in Content-Type", t_05},
    {"T-07", "SHOULD", "Accept is negotiated", t_07},
    {"T-08", "SHOULD", "a POST of another type gets 415", t_08},
    {"T-09", "MUST", "https", t_09},
    {"T-11", "SHOULD", "validators, and 304", t_11},
    {"T-12", "SHOULD", "ETags differ by content coding", t_12},
    {"T-13", "SHOULD", "gzip and Vary", t_13},
    {"T-15", "SHOULD", "HEAD has the headers of GET", t_15},
    {"T-16", "MAY", "OPTIONS names the methods", t_16},
    {"T-17", "MUST", "unknown members of a request are ignored", t_17},
    {"T-18", "MUST", "UTF-8, and nothing else", t_18},
    {"T-19", "SHOULD", "hostile JSON is refused", t_19},
    {"E-01", "MUST", "errors are application/alto-error+json", e_01},
    {"E-02", "MUST", "errors have one of the codes", e_02},
    {"E-03", "MUST", "errors of requests have the status 400", e_03},
    {"E-04", "MUST", "what is no JSON is E_SYNTAX", NULL},
    {"E-05", "MUST", "a body that is no object is refused", NULL},
    {"E-06", "MUST", "a missing member is E_MISSING_FIELD with its path", NULL},
    {"E-07", "MUST", "a wrong type is E_INVALID_FIELD_TYPE", NULL},
    {"E-08", "MUST", "a wrong value is E_INVALID_FIELD_VALUE", NULL},
    {"E-09", "MUST", "meta.value is a string", NULL},
    {"E-10", "MUST", "a wrong element is E_INVALID_FIELD_VALUE", NULL},
    {"E-11", "SHOULD", "fields of fields are parent/child", NULL},
    {"E-12", "MUST", "exactly one error is reported", e_12},
    {"E-15", "SHOULD", "other errors have a body too", e_15},
    {0},
};
