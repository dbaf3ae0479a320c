#include "http/http_wire.h"

#include <assert.h>
#include <string.h>

enum state {
    STATE_HEAD,
    STATE_BODY, /* of a known length */
    STATE_CHUNK_SIZE,
    STATE_CHUNK_DATA,
    STATE_CHUNK_END, /* the line end behind a chunk's data */
    STATE_TRAILER,
    STATE_REFUSED,
};

enum { TOKEN = 1, TARGET = 2, HEX = 4, HOST = 8 };

/* RFC 9110 section 5.6.2 token; RFC 3986 characters of path and query, and those that browsers send
 * raw in spite of it (\ ^ ` { | }) but never " < > #; hexadecimal digits; characters of host names.
 */
// clang-format off
static const uint8_t class[256] = {
     0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
     0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
     0,  3,  0,  1,  3,  3,  3,  3,  2,  2,  3,  3,  2, 11, 11,  2,
    15, 15, 15, 15, 15, 15, 15, 15, 15, 15,  2,  2,  0,  2,  0,  2,
     2, 15, 15, 15, 15, 15, 15, 11, 11, 11, 11, 11, 11, 11, 11, 11,
    11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11,  2,  2,  2,  3, 11,
     3, 15, 15, 15, 15, 15, 15, 11, 11, 11, 11, 11, 11, 11, 11, 11,
    11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11,  2,  3,  2,  3,  0,
};

#define REFUSAL(status, kind, text) {status, HTTP_KIND_##kind, {text "\n", sizeof(text)}}
static const struct http_refusal_info refusals[HTTP_REFUSE_COUNT] = {
    [HTTP_REFUSE_BARE_LF] = REFUSAL(400, FIELD, "a line ends in LF alone; CR LF is right"),
    [HTTP_REFUSE_REQUEST_LINE] = REFUSAL(400, REQUEST_LINE, "the request line is not \"METHOD target HTTP/1.1\" with single spaces"),
    [HTTP_REFUSE_VERSION] = REFUSAL(400, REQUEST_LINE, "the request line does not end in a version such as HTTP/1.1"),
    [HTTP_REFUSE_MAJOR] = REFUSAL(505, REQUEST_LINE, "only HTTP/1.1 and HTTP/1.0 are spoken here"),
    [HTTP_REFUSE_METHOD] = REFUSAL(501, METHOD, "the method is not one of GET, HEAD, POST, PUT, DELETE and OPTIONS"),
    [HTTP_REFUSE_TARGET] = REFUSAL(400, TARGET, "the request target holds a character that must be percent-encoded"),
    [HTTP_REFUSE_TARGET_FORM] = REFUSAL(400, TARGET, "the request target is neither a path nor an http or https address, and * is for OPTIONS alone"),
    [HTTP_REFUSE_PERCENT] = REFUSAL(400, TARGET, "a % in the path is not followed by two hexadecimal digits"),
    [HTTP_REFUSE_AUTHORITY] = REFUSAL(400, TARGET, "the request target's host is not a host name or address with an optional port"),
    [HTTP_REFUSE_OBS_FOLD] = REFUSAL(400, FIELD, "a header line begins with white space; folded lines are obsolete"),
    [HTTP_REFUSE_FIELD_NAME] = REFUSAL(400, FIELD, "a header line is not \"Name: value\""),
    [HTTP_REFUSE_SPACE_COLON] = REFUSAL(400, FIELD, "there is white space between a header's name and its colon"),
    [HTTP_REFUSE_FIELD_VALUE] = REFUSAL(400, FIELD, "a header's value holds a control character"),
    [HTTP_REFUSE_HOST_MISSING] = REFUSAL(400, HOST, "there is no Host header"),
    [HTTP_REFUSE_HOST_TWICE] = REFUSAL(400, HOST, "Host stands twice"),
    [HTTP_REFUSE_HOST] = REFUSAL(400, HOST, "Host is not a host name or address with an optional port"),
    [HTTP_REFUSE_LENGTH] = REFUSAL(400, FRAMING, "Content-Length is not one decimal number"),
    [HTTP_REFUSE_LENGTH_TWICE] = REFUSAL(400, FRAMING, "Content-Length stands twice"),
    [HTTP_REFUSE_LENGTH_AND_CODING] = REFUSAL(400, FRAMING, "Content-Length stands beside Transfer-Encoding"),
    [HTTP_REFUSE_CODING] = REFUSAL(400, FRAMING, "Transfer-Encoding does not end in one \"chunked\""),
    [HTTP_REFUSE_CODING_UNKNOWN] = REFUSAL(501, FRAMING, "the only Transfer-Encoding understood is \"chunked\""),
    [HTTP_REFUSE_CODING_1_0] = REFUSAL(400, FRAMING, "HTTP/1.0 has no Transfer-Encoding"),
    [HTTP_REFUSE_EXPECT] = REFUSAL(417, FIELD, "the only Expect understood is \"100-continue\""),
    [HTTP_REFUSE_CHUNK_SIZE] = REFUSAL(400, FRAMING, "a chunk does not begin with its size in hexadecimal digits"),
    [HTTP_REFUSE_CHUNK_END] = REFUSAL(400, FRAMING, "a chunk's data is not followed by CR LF"),
    [HTTP_REFUSE_URI_LONG] = REFUSAL(414, LIMIT, "the request line is too long"),
    [HTTP_REFUSE_FIELDS_LONG] = REFUSAL(431, LIMIT, "the headers are too long"),
    [HTTP_REFUSE_FIELDS_MANY] = REFUSAL(431, LIMIT, "there are too many headers"),
    [HTTP_REFUSE_BODY_LONG] = REFUSAL(413, LIMIT, "the body is too long"),
};
#undef REFUSAL
// clang-format on

const struct http_refusal_info *http_refusal_get(enum http_refusal r)
{
    assert(r > HTTP_REFUSE_NONE && r < HTTP_REFUSE_COUNT);
    return &refusals[r];
}

bool http_wire_in_body(const struct http_wire *w)
{
    return w->state != STATE_HEAD && w->state != STATE_REFUSED;
}

static enum http_step refuse(struct http_wire *w, enum http_refusal r)
{
    w->refusal = r;
    w->state = STATE_REFUSED;
    return HTTP_REFUSED;
}

static bool all_of(const char *p, size_t n, uint8_t bit)
{
    for (size_t i = 0; i < n; i++)
        if (!(class[(unsigned char)p[i]] & bit))
            return false;
    return true;
}

/* Field values: visible characters, obs-text, space and tab (RFC 9110 section 5.5). Eight bytes at
 * a time find the blocks that a closer look is due at: any byte below 0x20, or 0x7f. */
static bool value_ok(const char *p, size_t n)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones * 0x80;
    size_t i = 0;

    for (; i + 8 <= n; i += 8) {
        uint64_t x, del;

        memcpy(&x, p + i, 8);
        del = x ^ (ones * 0x7f);
        if ((((x - ones * 0x20) & ~x) | ((del - ones) & ~del)) & high)
            break;
    }
    for (; i < n; i++) {
        unsigned char c = (unsigned char)p[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct str trim(const char *p, size_t n)
{
    while (n && is_blank(p[0])) {
        p++;
        n--;
    }
    while (n && is_blank(p[n - 1]))
        n--;
    return (struct str){p, n};
}

/* ---- Host and authority ---- */

static bool port_parse(const char *p, size_t n, uint16_t *port)
{
    uint32_t v = 0;

    *port = 0;
    if (n == 0) /* "host:" is the default port, RFC 3986 section 3.2.3 */
        return true;
    if (n > 5)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9')
            return false;
        v = v * 10 + (uint32_t)(p[i] - '0');
    }
    if (v == 0 || v > UINT16_MAX)
        return false;
    *port = (uint16_t)v;
    return true;
}

/* A reg-name that could be in DNS: no percent-encoding, no empty label but the root's. */
static bool host_name_parse(char *p, size_t n, struct str *host)
{
    if (n && p[n - 1] == '.')
        n--;
    if (n == 0 || n > HTTP_HOST_MAX || p[0] == '.')
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = p[i];

        if (!(class[(unsigned char)c] & HOST) || (c == '.' && i + 1 < n && p[i + 1] == '.'))
            return false;
        if (c >= 'A' && c <= 'Z')
            p[i] = (char)(c | 0x20);
    }
    if (p[n - 1] == '.') /* "name.." */
        return false;
    *host = (struct str){p, n};
    return true;
}

static bool host_v6_parse(char *p, size_t n, struct str *host)
{
    struct addr a;

    if (n < 4 || n > ADDR_TEXT_MAX || p[n - 1] != ']' || !memchr(p, ':', n) ||
        addr_parse(p + 1, n - 2, &a, NULL) != ERR_OK)
        return false;
    for (size_t i = 0; i < n; i++)
        if (p[i] >= 'A' && p[i] <= 'F')
            p[i] = (char)(p[i] | 0x20);
    *host = (struct str){p, n};
    return true;
}

bool http_authority_parse(char *p, size_t n, struct str *host, uint16_t *port)
{
    bool v6 = n && p[0] == '[';
    const char *from = v6 ? memchr(p, ']', n) : p;
    const char *colon = from ? memchr(from, ':', n - (size_t)(from - p)) : NULL;
    size_t host_n = colon ? (size_t)(colon - p) : n;

    *port = 0;
    if (colon && !port_parse(colon + 1, n - host_n - 1, port))
        return false;
    return v6 ? host_v6_parse(p, host_n, host) : host_name_parse(p, host_n, host);
}

/* ---- request line ---- */

static enum http_refusal method_parse(struct str m, struct http_request *r)
{
    static const struct {
        struct str name;
        enum http_method method;
    } methods[] = {
        {{"GET", 3}, HTTP_GET}, {{"POST", 4}, HTTP_POST},     {{"OPTIONS", 7}, HTTP_OPTIONS},
        {{"PUT", 3}, HTTP_PUT}, {{"DELETE", 6}, HTTP_DELETE}, {{"HEAD", 4}, HTTP_GET},
    };

    if (m.n == 0 || !all_of(m.p, m.n, TOKEN))
        return HTTP_REFUSE_REQUEST_LINE;
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (str_eq(m, methods[i].name)) {
            r->method = methods[i].method;
            r->is_head = m.p[0] == 'H';
            return HTTP_REFUSE_NONE;
        }
    return HTTP_REFUSE_METHOD; /* RFC 9110 section 9.1: not implemented, so 501 */
}

/* HTTP/1.x with x over 1 is read as 1.1 (RFC 9110 section 2.5). */
static enum http_refusal version_parse(struct str v, struct http_message *out)
{
    if (v.n != 8 || memcmp(v.p, "HTTP/", 5) != 0 || v.p[5] < '0' || v.p[5] > '9' || v.p[6] != '.' ||
        v.p[7] < '0' || v.p[7] > '9')
        return HTTP_REFUSE_VERSION;
    if (v.p[5] != '1')
        return HTTP_REFUSE_MAJOR;
    out->http_1_0 = v.p[7] == '0';
    return HTTP_REFUSE_NONE;
}

static enum http_refusal path_split(struct str target, struct http_request *r)
{
    const char *q = memchr(target.p, '?', target.n);
    size_t path_n = q ? (size_t)(q - target.p) : target.n;
    const char *at = target.p, *end = target.p + path_n;

    r->target = target;
    r->path = (struct str){target.p, path_n};
    r->query = q ? (struct str){q + 1, target.n - path_n - 1} : (struct str){NULL, 0};
    /* The path goes into Location as it came; servers behind us refuse a broken escape there. */
    while ((at = memchr(at, '%', (size_t)(end - at)))) {
        if (end - at < 3 || !all_of(at + 1, 2, HEX))
            return HTTP_REFUSE_PERCENT;
        at += 3;
    }
    return HTTP_REFUSE_NONE;
}

/* "http://host?query" has an empty path, which stands for "/" (RFC 9110 section 4.2.3): the
 * authority moves over the second slash of "://", and a slash takes the freed byte. A second look
 * at the same head finds it moved. */
static struct str path_make(struct http_wire *w, char *authority, size_t *n)
{
    memmove(authority - 1, authority, *n);
    authority[*n - 1] = '/';
    w->head_moved = true;
    return (struct str){authority + *n - 1, 0};
}

static enum http_refusal absolute_parse(struct http_wire *w, char *p, size_t n,
                                        struct http_request *r)
{
    const size_t slashes = w->head_moved ? 2 : 3;
    const char *colon = memchr(p, ':', n);
    size_t scheme_n = colon ? (size_t)(colon - p) : 0, authority_n = 0;
    struct str scheme = {p, scheme_n}, path;
    char *authority;

    if (!colon || (!str_eq_nocase(scheme, STR("http")) && !str_eq_nocase(scheme, STR("https"))) ||
        n < scheme_n + slashes || memcmp(colon, "://", slashes) != 0)
        return HTTP_REFUSE_TARGET_FORM;
    authority = p + scheme_n + slashes;
    n -= scheme_n + slashes;
    while (authority_n < n && authority[authority_n] != '/' && authority[authority_n] != '?')
        authority_n++;
    path = (struct str){authority + authority_n, n - authority_n};
    if (authority_n && path.n && path.p[0] == '?') {
        size_t query_n = path.n;

        path = path_make(w, authority, &authority_n);
        path.n = query_n + 1;
        authority--;
    }
    if (!http_authority_parse(authority, authority_n, &r->host, &r->host_port))
        return HTTP_REFUSE_AUTHORITY;
    if (path.n == 0) /* RFC 9112 section 3.2.4: OPTIONS of a whole server through a proxy */
        path = r->method == HTTP_OPTIONS ? STR("*") : STR("/");
    return path_split(path, r);
}

static enum http_refusal target_parse(struct http_wire *w, char *p, size_t n,
                                      struct http_request *r)
{
    if (n == 0)
        return HTTP_REFUSE_REQUEST_LINE;
    if (!all_of(p, n, TARGET))
        return HTTP_REFUSE_TARGET;
    if (p[0] == '/')
        return path_split((struct str){p, n}, r);
    if (n == 1 && p[0] == '*' && r->method == HTTP_OPTIONS)
        return path_split((struct str){p, n}, r);
    return absolute_parse(w, p, n, r);
}

static enum http_refusal request_line_parse(struct http_wire *w, char *p, size_t n,
                                            struct http_message *out)
{
    char *sp1 = memchr(p, ' ', n);
    char *target = sp1 ? sp1 + 1 : NULL;
    char *sp2 = target ? memchr(target, ' ', n - (size_t)(target - p)) : NULL;
    enum http_refusal rc;

    if (!sp2)
        return HTTP_REFUSE_REQUEST_LINE;
    rc = version_parse((struct str){sp2 + 1, n - (size_t)(sp2 + 1 - p)}, out);
    if (rc == HTTP_REFUSE_NONE)
        rc = method_parse((struct str){p, (size_t)(sp1 - p)}, &out->request);
    if (rc == HTTP_REFUSE_NONE)
        rc = target_parse(w, target, (size_t)(sp2 - target), &out->request);
    return rc;
}

/* ---- fields ---- */

/* What the fields say about the message itself. */
struct facts {
    bool has_host, has_length, has_coding, chunked, close, keep_alive, expects_continue;
    struct str host;
    uint64_t length; /* UINT64_MAX stands for anything larger, too */
};

static enum http_refusal length_parse(struct str v, struct facts *f)
{
    if (f->has_length) /* RFC 9112 section 6.3 allows equal ones to be merged; we do not */
        return HTTP_REFUSE_LENGTH_TWICE;
    if (v.n == 0)
        return HTTP_REFUSE_LENGTH;
    for (size_t i = 0; i < v.n; i++) {
        if (v.p[i] < '0' || v.p[i] > '9')
            return HTTP_REFUSE_LENGTH;
        if (__builtin_mul_overflow(f->length, (uint64_t)10, &f->length) ||
            __builtin_add_overflow(f->length, (uint64_t)(v.p[i] - '0'), &f->length))
            f->length = UINT64_MAX;
    }
    f->has_length = true;
    return HTTP_REFUSE_NONE;
}

/* Takes the first of a comma separated list off *list. */
static struct str list_next(struct str *list)
{
    const char *comma = memchr(list->p, ',', list->n);
    size_t n = comma ? (size_t)(comma - list->p) : list->n;
    struct str item = trim(list->p, n);

    list->p += n + (comma ? 1 : 0);
    list->n -= n + (comma ? 1 : 0);
    return item;
}

/* RFC 9112 section 6.1: exactly "chunked". A list that ends in one chunked is framed well with
 * codings that we do not have (501); anything else has no end that both sides agree on (400). */
static enum http_refusal coding_parse(struct str v, struct facts *f)
{
    unsigned chunked = 0, others = 0;
    bool last = false;

    if (f->has_coding)
        return HTTP_REFUSE_CODING;
    f->has_coding = true;
    do {
        struct str item = list_next(&v);

        last = str_eq_nocase(item, STR("chunked"));
        if (item.n == 0)
            return HTTP_REFUSE_CODING;
        chunked += last;
        others += !last;
    } while (v.n);
    if (!last || chunked != 1)
        return HTTP_REFUSE_CODING;
    if (others)
        return HTTP_REFUSE_CODING_UNKNOWN;
    f->chunked = true;
    return HTTP_REFUSE_NONE;
}

static void connection_parse(struct str v, struct facts *f)
{
    while (v.n) {
        struct str item = list_next(&v);

        if (str_eq_nocase(item, STR("close")))
            f->close = true;
        else if (str_eq_nocase(item, STR("keep-alive")))
            f->keep_alive = true;
    }
}

static enum http_refusal field_use(const struct http_header *h, bool http_1_0, struct facts *f)
{
    switch (h->name.n) {
    case 4:
        if (!str_eq_nocase(h->name, STR("host")))
            break;
        if (f->has_host)
            return HTTP_REFUSE_HOST_TWICE;
        f->has_host = true;
        f->host = h->value;
        break;
    case 6:
        if (!str_eq_nocase(h->name, STR("expect")) || http_1_0) /* RFC 9110 section 10.1.1 */
            break;
        if (!str_eq_nocase(h->value, STR("100-continue")))
            return HTTP_REFUSE_EXPECT;
        f->expects_continue = true;
        break;
    case 10:
        if (str_eq_nocase(h->name, STR("connection")))
            connection_parse(h->value, f);
        break;
    case 14:
        if (str_eq_nocase(h->name, STR("content-length")))
            return length_parse(h->value, f);
        break;
    case 17:
        if (str_eq_nocase(h->name, STR("transfer-encoding")))
            return coding_parse(h->value, f);
        break;
    default:
        break;
    }
    return HTTP_REFUSE_NONE;
}

static enum http_refusal field_parse(const char *p, size_t n, struct http_header *out)
{
    size_t i = 0;

    if (is_blank(p[0]))
        return HTTP_REFUSE_OBS_FOLD;
    while (i < n && class[(unsigned char)p[i]] & TOKEN)
        i++;
    if (i < n && is_blank(p[i])) /* RFC 9112 section 5.1 */
        return HTTP_REFUSE_SPACE_COLON;
    if (i == 0 || i == n || p[i] != ':')
        return HTTP_REFUSE_FIELD_NAME;
    if (!value_ok(p + i + 1, n - i - 1))
        return HTTP_REFUSE_FIELD_VALUE;
    out->name = (struct str){p, i};
    out->value = trim(p + i + 1, n - i - 1);
    return HTTP_REFUSE_NONE;
}

static enum http_refusal fields_parse(char *p, const char *end, struct http_message *out,
                                      struct facts *f)
{
    size_t count = 0;

    while (p < end) {
        char *lf = memchr(p, '\n', (size_t)(end - p)); /* there is one, with CR before it */
        enum http_refusal rc;

        if (lf - p == 1) /* the empty line */
            break;
        if (count == HTTP_HEADERS_MAX)
            return HTTP_REFUSE_FIELDS_MANY;
        rc = field_parse(p, (size_t)(lf - p) - 1, &out->headers[count]);
        if (rc == HTTP_REFUSE_NONE)
            rc = field_use(&out->headers[count], out->http_1_0, f);
        if (rc != HTTP_REFUSE_NONE)
            return rc;
        count++;
        p = lf + 1;
    }
    out->request.headers = out->headers;
    out->request.header_count = count;
    return HTTP_REFUSE_NONE;
}

/* The target's authority, if it has one, beats Host, which must be right all the same (RFC 9112
 * section 3.2.2). */
static enum http_refusal host_use(const struct facts *f, char *buf, struct http_message *out)
{
    struct str host;
    uint16_t port;

    if (!f->has_host)
        return out->http_1_0 ? HTTP_REFUSE_NONE : HTTP_REFUSE_HOST_MISSING;
    /* The value is a part of buf, which is ours to write. */
    if (!http_authority_parse(buf + (f->host.p - buf), f->host.n, &host, &port))
        return HTTP_REFUSE_HOST;
    if (out->request.host.n == 0) {
        out->request.host = host;
        out->request.host_port = port;
    }
    return HTTP_REFUSE_NONE;
}

static enum http_refusal head_parse(struct http_wire *w, char *buf, struct http_message *out,
                                    struct facts *f)
{
    char *line = buf + w->start;
    char *lf = memchr(line, '\n', w->head_end - w->start);
    enum http_refusal rc;

    out->request = (struct http_request){0};
    rc = request_line_parse(w, line, (size_t)(lf - line) - 1, out);
    if (rc == HTTP_REFUSE_NONE)
        rc = fields_parse(lf + 1, buf + w->head_end, out, f);
    if (rc == HTTP_REFUSE_NONE)
        rc = host_use(f, buf, out);
    if (rc != HTTP_REFUSE_NONE)
        return rc;
    if (f->has_coding && f->has_length)
        return HTTP_REFUSE_LENGTH_AND_CODING;
    if (f->has_coding && out->http_1_0)
        return HTTP_REFUSE_CODING_1_0;
    out->keep_alive = !f->close && (!out->http_1_0 || f->keep_alive);
    return HTTP_REFUSE_NONE;
}

/* ---- the whole request ---- */

/* Looks for the end of the head, line by line from where the last look ended. */
static enum http_step head_scan(struct http_wire *w, const struct http_limits *l, const char *buf,
                                size_t n)
{
    if (n && !(class[(unsigned char)buf[0]] & TOKEN) && buf[0] != '\r' && buf[0] != '\n')
        return refuse(w, HTTP_REFUSE_REQUEST_LINE); /* TLS on a plain port, for one */
    for (;;) {
        const char *lf = n > w->seen ? memchr(buf + w->seen, '\n', n - w->seen) : NULL;
        size_t end = lf ? (size_t)(lf - buf) + 1 : n;

        if (end - w->start > l->header_bytes_max)
            return refuse(w, w->line == w->start ? HTTP_REFUSE_URI_LONG : HTTP_REFUSE_FIELDS_LONG);
        w->seen = end;
        if (!lf)
            return HTTP_MORE;
        if (end - w->line < 2 || lf[-1] != '\r')
            return refuse(w, HTTP_REFUSE_BARE_LF);
        if (end - w->line == 2 && w->line != w->start) {
            w->head_end = end;
            return HTTP_DONE;
        }
        if (end - w->line == 2) { /* RFC 9112 section 2.2: one empty line before a request */
            if (w->start != 0)
                return refuse(w, HTTP_REFUSE_REQUEST_LINE);
            w->start = end;
        }
        w->line = end;
    }
}

static enum http_step body_begin(struct http_wire *w, const struct http_limits *l,
                                 const struct http_request *head, const struct facts *f)
{
    w->body_max = l->body_bytes_max;
    if (l->body_bytes_max_of && (f->chunked || f->length))
        w->body_max = l->body_bytes_max_of(l->ctx, head);
    if (f->length > w->body_max)
        return refuse(w, HTTP_REFUSE_BODY_LONG);
    w->pos = w->head_end;
    w->left = (size_t)f->length;
    w->state = f->chunked ? STATE_CHUNK_SIZE : STATE_BODY;
    w->expects_continue = f->expects_continue && (f->chunked || f->length);
    return HTTP_DONE;
}

/* chunk-size and its extensions, which are skipped (RFC 9112 section 7.1). No white space before
 * the end of the line: others read it differently. */
static enum http_step chunk_size_parse(struct http_wire *w, const char *p, size_t n)
{
    uint64_t size = 0;
    size_t i = 0;

    for (; i < n && class[(unsigned char)p[i]] & HEX; i++) {
        unsigned char c = (unsigned char)p[i];

        if (size >> 56)
            return refuse(w, HTTP_REFUSE_BODY_LONG);
        size = size << 4 | (uint64_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    if (i == 0)
        return refuse(w, HTTP_REFUSE_CHUNK_SIZE);
    if (i < n) {
        size_t k = i;

        while (k < n && is_blank(p[k]))
            k++;
        if (k == n || p[k] != ';' || is_blank(p[n - 1]) || !value_ok(p + k, n - k))
            return refuse(w, HTTP_REFUSE_CHUNK_SIZE);
    }
    if (size > w->body_max - w->body_len)
        return refuse(w, HTTP_REFUSE_BODY_LONG);
    w->left = (size_t)size;
    w->state = size ? STATE_CHUNK_DATA : STATE_TRAILER;
    return HTTP_DONE;
}

/* The line at w->pos with its line end taken off; HTTP_MORE when it is incomplete. */
static enum http_step body_line(struct http_wire *w, const char *buf, size_t n, size_t max,
                                enum http_refusal too_long, struct str *line)
{
    size_t have = n - w->pos;
    const char *p = buf + w->pos;
    const char *lf = memchr(p, '\n', have);
    size_t len = lf ? (size_t)(lf - p) + 1 : have;

    if (len > max)
        return refuse(w, too_long);
    if (!lf)
        return HTTP_MORE;
    if (len < 2 || lf[-1] != '\r')
        return refuse(w, HTTP_REFUSE_BARE_LF);
    *line = (struct str){p, len - 2};
    w->pos += len;
    return HTTP_DONE;
}

/* One step of a chunked body. HTTP_DONE: take the next; *end when it was the last. */
static enum http_step chunk_step(struct http_wire *w, const struct http_limits *l, char *buf,
                                 size_t n, bool *end)
{
    struct http_header skipped;
    enum http_step rc;
    enum http_refusal why;
    struct str line;
    size_t take;

    switch (w->state) {
    case STATE_CHUNK_SIZE:
        rc = body_line(w, buf, n, HTTP_CHUNK_LINE_MAX, HTTP_REFUSE_CHUNK_SIZE, &line);
        return rc == HTTP_DONE ? chunk_size_parse(w, line.p, line.n) : rc;
    case STATE_CHUNK_DATA:
        take = n - w->pos < w->left ? n - w->pos : w->left;
        if (w->head_end + w->body_len != w->pos)
            memmove(buf + w->head_end + w->body_len, buf + w->pos, take);
        w->body_len += take;
        w->pos += take;
        w->left -= take;
        if (w->left)
            return HTTP_MORE;
        w->state = STATE_CHUNK_END;
        return HTTP_DONE;
    case STATE_CHUNK_END:
        if (n - w->pos < 2)
            return HTTP_MORE;
        if (buf[w->pos] != '\r' || buf[w->pos + 1] != '\n')
            return refuse(w, HTTP_REFUSE_CHUNK_END);
        w->pos += 2;
        w->state = STATE_CHUNK_SIZE;
        return HTTP_DONE;
    default: /* STATE_TRAILER: fields are checked and dropped (RFC 9110 section 6.5.1) */
        rc = body_line(w, buf, n, l->header_bytes_max - w->trailer, HTTP_REFUSE_FIELDS_LONG, &line);
        if (rc != HTTP_DONE)
            return rc;
        w->trailer += line.n + 2;
        *end = line.n == 0;
        why = *end ? HTTP_REFUSE_NONE : field_parse(line.p, line.n, &skipped);
        return why == HTTP_REFUSE_NONE ? HTTP_DONE : refuse(w, why);
    }
}

static enum http_step chunks_feed(struct http_wire *w, const struct http_limits *l, char *buf,
                                  size_t *n)
{
    bool end = false;
    enum http_step rc;
    size_t to;

    do
        rc = chunk_step(w, l, buf, *n, &end);
    while (rc == HTTP_DONE && !end);
    if (rc != HTTP_MORE)
        return rc;
    /* Closes the gap that sizes and line ends leave: memory stays in step with the body, even when
     * it comes in chunks of one byte. */
    to = w->head_end + w->body_len;
    if (to < w->pos) {
        memmove(buf + to, buf + w->pos, *n - w->pos);
        *n -= w->pos - to;
        w->pos = to;
    }
    return HTTP_MORE;
}

static enum http_step body_feed(struct http_wire *w, const struct http_limits *l, char *buf,
                                size_t *n)
{
    if (w->state != STATE_BODY)
        return chunks_feed(w, l, buf, n);
    if (*n - w->head_end < w->left)
        return HTTP_MORE;
    w->body_len = w->left;
    w->pos = w->head_end + w->left;
    return HTTP_DONE;
}

enum http_step http_wire_feed(struct http_wire *w, const struct http_limits *limits, char *buf,
                              size_t *n, struct http_message *out)
{
    enum http_step rc = HTTP_DONE;
    enum http_refusal why;
    struct facts f = {0};
    bool fresh = w->state == STATE_HEAD;

    if (w->state == STATE_REFUSED)
        return HTTP_REFUSED;
    if (fresh) {
        rc = head_scan(w, limits, buf, *n);
        if (rc != HTTP_DONE)
            return rc;
        why = head_parse(w, buf, out, &f);
        if (why != HTTP_REFUSE_NONE)
            return refuse(w, why);
        rc = body_begin(w, limits, &out->request, &f);
    }
    if (rc == HTTP_DONE)
        rc = body_feed(w, limits, buf, n);
    if (rc != HTTP_DONE)
        return rc;
    if (!fresh) { /* out was another request's since; the head has not changed */
        f = (struct facts){0};
        why = head_parse(w, buf, out, &f);
        assert(why == HTTP_REFUSE_NONE);
        (void)why;
    }
    out->request.body = (struct str){buf + w->head_end, w->body_len};
    out->used = w->pos;
    return HTTP_DONE;
}

bool http_wire_peek(struct http_wire *w, char *buf, struct http_message *out)
{
    char *p = buf + w->start, *end = buf + w->line, *lf;
    struct http_request *r = &out->request;

    *r = (struct http_request){0};
    if (w->line <= w->start)
        return false;
    lf = memchr(p, '\n', (size_t)(end - p));
    if (!lf || request_line_parse(w, p, (size_t)(lf - p) - 1, out) != HTTP_REFUSE_NONE)
        return false;
    for (p = lf + 1; p < end && r->host.n == 0; p = lf + 1) {
        struct http_header h;
        struct facts f = {0};

        lf = memchr(p, '\n', (size_t)(end - p));
        if (!lf || field_parse(p, (size_t)(lf - p) - 1, &h) != HTTP_REFUSE_NONE)
            break;
        if (!str_eq_nocase(h.name, STR("host")))
            continue;
        f.has_host = true;
        f.host = h.value;
        if (host_use(&f, buf, out) != HTTP_REFUSE_NONE)
            break;
    }
    return true;
}
