#include "alto/exchange.h"

#include <string.h>

#include "alto/alto_error.h"
#include "alto/error_read.h"
#include "base/gunzip.h"
#include "base/http_date.h"

#define ERROR_TYPE   "application/alto-error+json"
#define MAX_AGE_MOST (86400 * 365)
#define RAW_SLACK    ((size_t)1 << 16)
#define ERROR_MAX    ((size_t)1 << 16) /* of what an error says */
#define AGENT        "waymark/" WAYMARK_VERSION

static bool host_matches(const struct exchange_hosts *h, struct str host, bool *any)
{
    *any = false;
    if (str_eq_nocase(host, h->server))
        return true;
    for (size_t i = 0; i < h->allowed_count; i++) {
        if (str_eq_nocase(host, h->allowed[i]))
            return true;
        *any |= str_eq(h->allowed[i], STR("*"));
    }
    return false;
}

enum err_code exchange_hosts_check(const struct exchange_hosts *h, const struct uri *to,
                                   bool *private_ok, struct err *e)
{
    struct str host = to->host;
    struct addr a;
    char shown[96];
    bool any;

    bytes_escape(host.p, host.n, shown, sizeof shown);
    if (h->server_tls && !to->tls)
        return err_set(
            e, ERR_UNSUPPORTED,
            "the server speaks https and leads to %s in the clear, which is not followed", shown);
    *private_ok = host_matches(h, host, &any);
    if (*private_ok)
        return ERR_OK;
    if (!any)
        return err_set(e, ERR_UNSUPPORTED,
                       "the server leads to the host %s, which is not allowed (it may be named in "
                       "the hosts that are)",
                       shown);
    if (host.n > 2 && host.p[0] == '[')
        host = (struct str){host.p + 1, host.n - 2};
    if (addr_parse(host.p, host.n, &a, NULL) == ERR_OK && addr_is_special(a))
        return err_set(e, ERR_UNSUPPORTED, "the server leads to %s, an address that is not public",
                       shown);
    return ERR_OK;
}

static enum exchange_state failed(struct exchange *x)
{
    x->state = EXCHANGE_FAILED;
    return x->state;
}

static bool add_header(struct bytes *b, const char *name, struct str value)
{
    return value.n == 0 || bytes_printf(b, "%s: %.*s\r\n", name, (int)value.n, value.p);
}

/* RFC 9112 section 3; RFC 7285 section 8.3.2. */
static bool make_request(struct exchange *x)
{
    const struct exchange_ask *ask = &x->ask;
    struct bytes *b = &x->request;
    const struct str target = x->to.target;
    bool fine;

    b->len = 0;
    fine = bytes_printf(b, "%s %s%.*s HTTP/1.1\r\nHost: %.*s\r\nUser-Agent: " AGENT "\r\n",
                        ask->post ? "POST" : "GET", target.n && target.p[0] == '/' ? "" : "/",
                        (int)target.n, target.n ? target.p : "", (int)x->to.authority.n,
                        x->to.authority.p) &&
           bytes_printf(b, "Accept: %.*s,%s\r\n", (int)ask->accept.n, ask->accept.p, ERROR_TYPE) &&
           (ask->stream || bytes_printf(b, "Accept-Encoding: gzip\r\n")) &&
           bytes_printf(b, "Connection: close\r\n") && add_header(b, "If-None-Match", ask->etag) &&
           add_header(b, "If-Modified-Since", ask->last_modified);
    if (fine && ask->post)
        fine = add_header(b, "Content-Type", ask->content_type) &&
               bytes_printf(b, "Content-Length: %zu\r\n", ask->body.n);
    return fine && bytes_add(b, "\r\n", 2) &&
           (!ask->post || bytes_add(b, ask->body.p, ask->body.n));
}

/* To where x->uri says. */
static enum exchange_state go(struct exchange *x)
{
    const struct str uri = {x->uri.data, x->uri.len};

    x->state = EXCHANGE_CONNECT;
    x->in_body = false;
    x->head = (struct http_answer){0};
    x->raw.len = x->body.len = 0;
    if (uri_parse(uri, &x->to, &x->e) != ERR_OK ||
        exchange_hosts_check(x->ask.hosts, &x->to, &x->private_ok, &x->e) != ERR_OK)
        return failed(x);
    if (!make_request(x)) {
        err_set(&x->e, ERR_LIMIT, "no memory left for a request");
        return failed(x);
    }
    return x->state;
}

/* A copy in x->kept, which has room. */
static void keep(struct exchange *x, struct str *s)
{
    const size_t at = x->kept.len;

    if (bytes_add(&x->kept, s->n ? s->p : "", s->n))
        s->p = x->kept.data + at;
}

void exchange_begin(struct exchange *x, const struct exchange_ask *ask)
{
    struct str *const all[] = {&x->ask.body, &x->ask.content_type, &x->ask.accept, &x->ask.etag,
                               &x->ask.last_modified};
    size_t n = 1;
    bool fine;

    x->ask = *ask;
    x->max_age_s = x->retry_after_s = -1;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        n += all[i]->n;
    fine =
        bytes_reserve(&x->kept, n) && bytes_add(&x->uri, ask->uri.n ? ask->uri.p : "", ask->uri.n);
    for (size_t i = 0; i < sizeof all / sizeof *all && fine; i++)
        keep(x, all[i]);
    if (!fine) {
        err_set(&x->e, ERR_LIMIT, "no memory left for a request");
        failed(x);
        return;
    }
    go(x);
}

void exchange_free(struct exchange *x)
{
    bytes_free(&x->request);
    bytes_free(&x->body);
    bytes_free(&x->kept);
    bytes_free(&x->uri);
    bytes_free(&x->raw);
    *x = (struct exchange){0};
}

struct str exchange_request(struct exchange *x)
{
    x->state = EXCHANGE_ANSWER;
    return (struct str){x->request.data, x->request.len};
}

static struct str trim(struct str s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = (struct str){s.p + 1, s.n - 1};
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

/* The next item of a list by `by`; false: there is none. */
static bool next_item(struct str *rest, char by, struct str *item)
{
    size_t n = 0;

    if (rest->n == 0)
        return false;
    while (n < rest->n && rest->p[n] != by)
        n++;
    *item = trim((struct str){rest->p, n});
    n += n < rest->n;
    *rest = (struct str){rest->p + n, rest->n - n};
    return true;
}

static bool read_number(struct str s, int64_t *out)
{
    int64_t v = 0;

    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        if (v < MAX_AGE_MOST)
            v = v * 10 + (s.p[i] - '0');
    }
    *out = v < MAX_AGE_MOST ? v : MAX_AGE_MOST;
    return true;
}

/* RFC 9111 section 5.2.2. */
static int64_t read_max_age(struct str rest)
{
    int64_t age = -1;
    struct str item;

    while (next_item(&rest, ',', &item)) {
        if (str_eq_nocase(item, STR("no-cache")) || str_eq_nocase(item, STR("no-store")))
            return 0;
        if (item.n > 8 && str_eq_nocase((struct str){item.p, 8}, STR("max-age=")) &&
            !read_number((struct str){item.p + 8, item.n - 8}, &age))
            age = -1;
    }
    return age;
}

/* RFC 9110 section 10.2.3: seconds, or a date, which is held against the answer's own: no clock of
 * ours need be right. */
static int64_t read_retry_after(const struct http_answer *a)
{
    const struct str text = http_answer_value(a, HTTP_RETRY_AFTER);
    uint64_t then, now;
    int64_t s;

    if (read_number(text, &s))
        return s;
    if (text.n == 0 || http_date_parse(text, &then, NULL) != ERR_OK ||
        http_date_parse(http_answer_value(a, HTTP_DATE), &now, NULL) != ERR_OK)
        return -1;
    if (then <= now)
        return 0;
    return then - now < MAX_AGE_MOST ? (int64_t)(then - now) : MAX_AGE_MOST;
}

static void keep_validator(const struct http_answer *a, enum http_kept k, char *out)
{
    const struct str v = http_answer_value(a, k);

    out[0] = '\0';
    if (v.n < EXCHANGE_TEXT_MAX && !a->kept[k].cut && v.n)
        memcpy(out, v.p, v.n);
    if (v.n < EXCHANGE_TEXT_MAX)
        out[v.n] = '\0';
}

static bool is_redirect(uint16_t status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* RFC 9110 section 15.4. Of a POST, 301 to 303 ask for a GET: but a client of this protocol never
 * asks for a resource with another method than its own (RFC 7285 section 8.3.2). */
static enum exchange_state redirect(struct exchange *x)
{
    const struct str location = http_answer_value(&x->head, HTTP_LOCATION);
    struct bytes next = {0};
    enum err_code rc = ERR_OK;

    if (location.n == 0 || x->head.kept[HTTP_LOCATION].cut)
        rc = err_set(&x->e, ERR_PARSE, "the server answers %u without a Location that can be read",
                     x->status);
    else if (x->redirects == x->ask.redirects_max)
        rc = err_set(&x->e, ERR_LIMIT, "redirected more than %u times", x->ask.redirects_max);
    else if (x->ask.post && x->status < 307)
        rc = err_set(&x->e, ERR_UNSUPPORTED,
                     "the server answers a POST with %u, which would make it a GET", x->status);
    else
        rc = uri_resolve((struct str){x->uri.data, x->uri.len}, location, &next, &x->e);
    if (rc != ERR_OK) {
        bytes_free(&next);
        return failed(x);
    }
    x->redirects++;
    bytes_free(&x->uri);
    x->uri = next;
    return go(x);
}

/* Is the answer's type one that was asked for? */
static bool type_fits(const struct exchange *x)
{
    struct str rest = x->ask.accept, item;

    while (next_item(&rest, ',', &item))
        if (str_eq_nocase(item, x->content_type))
            return true;
    return false;
}

static enum exchange_state wrong_type(struct exchange *x)
{
    char shown[128], want[256];

    bytes_escape(x->content_whole.n ? x->content_whole.p : "", x->content_whole.n, shown,
                 sizeof shown);
    bytes_escape(x->ask.accept.p, x->ask.accept.n, want, sizeof want);
    err_set(&x->e, ERR_PARSE, "the answer's Content-Type is \"%s\", and %s was asked for", shown,
            want);
    return failed(x);
}

/* Of the answer at hand: an error is short. */
static size_t body_max(const struct exchange *x)
{
    const bool error = x->status != 200 || str_eq_nocase(x->content_type, STR(ERROR_TYPE));

    return error && x->ask.body_max > ERROR_MAX ? ERROR_MAX : x->ask.body_max;
}

/* The body is whole. */
static enum exchange_state finish(struct exchange *x)
{
    struct str raw = {x->raw.data, x->raw.len};

    if (x->reader.gzip) {
        if (gunzip(raw, body_max(x), &x->body, &x->e) != ERR_OK)
            return failed(x);
        raw = (struct str){x->body.data, x->body.len};
    } else {
        const struct bytes swap = x->body;

        x->body = x->raw;
        x->raw = swap;
        raw = (struct str){x->body.data, x->body.len};
    }
    /* Whatever its status says (RFC 7285 section 8.5). */
    if (str_eq_nocase(x->content_type, STR(ERROR_TYPE))) {
        if (alto_error_read(raw, &x->e) != ERR_OK)
            err_wrap(&x->e, "%u", x->status);
        return failed(x);
    }
    if (x->status != 200 && x->status != 204) {
        err_set(&x->e, ERR_PARSE, "the server answers %u", x->status);
        return failed(x);
    }
    x->state = EXCHANGE_DONE;
    return x->state;
}

/* The head is whole. */
static enum exchange_state head_done(struct exchange *x)
{
    const struct http_answer *a = &x->head;
    struct str rest = http_answer_value(a, HTTP_CONTENT_TYPE);
    enum http_body_state s;
    size_t max;

    x->status = a->status;
    if (a->cut) {
        err_set(&x->e, ERR_LIMIT, "the answer's head is longer than %zu bytes", HTTP_ANSWER_MAX);
        return failed(x);
    }
    x->content_whole = rest;
    x->content_type = (struct str){0};
    if (next_item(&rest, ';', &x->content_type) && a->kept[HTTP_CONTENT_TYPE].cut)
        x->content_type.n = 0;
    x->max_age_s = read_max_age(http_answer_value(a, HTTP_CACHE_CONTROL));
    x->retry_after_s = read_retry_after(a);
    keep_validator(a, HTTP_ETAG, x->etag);
    keep_validator(a, HTTP_LAST_MODIFIED, x->last_modified);
    if (is_redirect(x->status))
        return redirect(x);
    if (x->status == 304 && (x->ask.etag.n || x->ask.last_modified.n)) {
        x->state = EXCHANGE_DONE;
        return x->state;
    }
    if (x->status == 200 && !str_eq_nocase(x->content_type, STR(ERROR_TYPE)) && !type_fits(x))
        return wrong_type(x);
    x->in_body = true;
    x->raw.len = 0;
    max = body_max(x);
    /* Compressed it may be a little longer than it is. */
    x->raw.limit = max + RAW_SLACK;
    s = x->ask.stream ? http_body_begin(&x->reader, a, &x->raw, max)
                      : http_body_begin_gzip(&x->reader, a, &x->raw, max);
    if (s == HTTP_BODY_DONE)
        return finish(x);
    if (x->ask.stream && x->status == 200 && type_fits(x))
        x->state = EXCHANGE_STREAM;
    return x->state;
}

static enum exchange_state body_state(struct exchange *x, enum http_body_state s)
{
    if (s == HTTP_BODY_BAD) {
        err_set(&x->e, ERR_PARSE, "%s", x->reader.wrong);
        if (x->status >= 400)
            err_wrap(&x->e, "the server answers %u", x->status);
        return failed(x);
    }
    if (s != HTTP_BODY_DONE)
        return x->state;
    if (x->state != EXCHANGE_STREAM)
        return finish(x);
    x->state = EXCHANGE_DONE;
    return x->state;
}

enum exchange_state exchange_feed(struct exchange *x, const char *p, size_t n)
{
    size_t before = x->head.seen;
    enum http_answer_state s;

    if (x->state != EXCHANGE_ANSWER && x->state != EXCHANGE_STREAM)
        return x->state;
    if (!x->in_body) {
        s = http_answer_feed(&x->head, p, n);
        if (s == HTTP_ANSWER_BAD) {
            err_set(&x->e, ERR_PARSE, "%s", x->head.wrong);
            return failed(x);
        }
        if (s != HTTP_ANSWER_DONE)
            return x->state;
        before = x->head.seen - before; /* of these bytes the head's */
        p += before;
        n -= before;
        if (head_done(x) == EXCHANGE_CONNECT || x->state >= EXCHANGE_DONE)
            return x->state;
    }
    return body_state(x, http_body_feed(&x->reader, p, n));
}

enum exchange_state exchange_closed(struct exchange *x, const char *why)
{
    if (x->state >= EXCHANGE_DONE)
        return x->state;
    if (why) {
        err_set(&x->e, ERR_IO, "%s", why);
        return failed(x);
    }
    if (x->in_body)
        return body_state(x, http_body_end(&x->reader));
    http_answer_end(&x->head);
    err_set(&x->e, ERR_IO, "%s", x->head.wrong ? x->head.wrong : "closed without an answer");
    return failed(x);
}

struct str exchange_body(const struct exchange *x)
{
    return (struct str){x->raw.data, x->raw.len};
}

void exchange_taken(struct exchange *x)
{
    x->raw.len = 0;
}
