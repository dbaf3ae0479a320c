#include "alto/uri.h"

#include <string.h>

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Section 2: unreserved, reserved, percent-encoded. */
static enum err_code check_chars(struct str text, struct err *e)
{
    char shown[96];

    if (text.n > URI_MAX)
        return err_set(e, ERR_LIMIT, "a URI of %zu bytes, at most %u are taken", text.n, URI_MAX);
    for (size_t i = 0; i < text.n; i++) {
        const char c = text.p[i];
        bool fine = is_alnum(c) || (c && strchr("-._~:/?#[]@!$&'()*+,;=", c));

        if (c == '%')
            fine = i + 2 < text.n && is_hex(text.p[i + 1]) && is_hex(text.p[i + 2]);
        if (!fine)
            return err_set(e, ERR_PARSE, "\"%s\" has a character that no URI has",
                           bytes_escape(text.p, text.n, shown, sizeof shown));
    }
    return ERR_OK;
}

static enum err_code not_one(struct str text, const char *why, struct err *e)
{
    char shown[96];

    return err_set(e, ERR_PARSE, "\"%s\" %s",
                   bytes_escape(text.n ? text.p : "", text.n, shown, sizeof shown), why);
}

static size_t find(struct str s, size_t from, const char *any)
{
    while (from < s.n && !strchr(any, s.p[from]))
        from++;
    return from;
}

/* Section 5.2.2's parts; p NULL: the part is not there. */
struct parts {
    struct str scheme, authority, path, query;
};

/* Appendix B, without the fragment. */
static struct parts split(struct str s)
{
    struct parts out = {0};
    size_t at = 0, i = find(s, 0, ":/?#");

    s.n = find(s, 0, "#");
    if (i > 0 && i < s.n && s.p[i] == ':') {
        out.scheme = (struct str){s.p, i};
        at = i + 1;
    }
    if (s.n - at >= 2 && s.p[at] == '/' && s.p[at + 1] == '/') {
        i = find(s, at + 2, "/?");
        out.authority = (struct str){s.p + at + 2, i - at - 2};
        at = i;
    }
    i = find(s, at, "?");
    out.path = (struct str){s.n ? s.p + at : "", i - at};
    if (i < s.n)
        out.query = (struct str){s.p + i + 1, s.n - i - 1};
    return out;
}

/* ":443" behind the host. */
static bool read_port(struct str text, uint16_t *out)
{
    uint32_t port = 0;

    if (text.n < 1 || text.n > 5)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
        port = port * 10 + (uint32_t)(text.p[i] - '0');
    }
    if (port == 0 || port > UINT16_MAX)
        return false;
    *out = (uint16_t)port;
    return true;
}

static enum err_code read_authority(struct str text, struct str whole, struct uri *out,
                                    struct err *e)
{
    size_t end;

    if (memchr(text.n ? text.p : "", '@', text.n))
        return not_one(whole, "names a user, which no URI should (RFC 9110 section 4.2.4)", e);
    if (text.n && text.p[0] == '[') {
        end = find(text, 0, "]");
        if (end == text.n)
            return not_one(whole, "has a bracket that is not closed", e);
        end++;
    } else {
        end = find(text, 0, ":[]");
    }
    out->host = (struct str){text.p, end};
    out->authority = text;
    out->port = out->tls ? 443 : 80;
    if (end == 0 || (end < text.n && text.p[end] != ':'))
        return not_one(whole, "has no host", e);
    if (end + 1 == text.n) { /* an empty port is the default one */
        out->authority.n = end;
    } else if (end < text.n) {
        out->port_named = true;
        if (!read_port((struct str){text.p + end + 1, text.n - end - 1}, &out->port))
            return not_one(whole, "has a port that is none", e);
    }
    return ERR_OK;
}

enum err_code uri_parse(struct str text, struct uri *out, struct err *e)
{
    enum err_code rc = check_chars(text, e);
    const struct parts p = split(text);
    struct uri uri = {0};

    if (rc != ERR_OK)
        return rc;
    uri.tls = str_eq_nocase(p.scheme, STR("https"));
    if (!uri.tls && !str_eq_nocase(p.scheme, STR("http")))
        return not_one(text, "is no URI of https or http", e);
    if (!p.authority.p)
        return not_one(text, "has no host", e);
    if (p.path.n && memchr(p.path.p, '[', p.path.n))
        return not_one(text, "has a bracket in its path", e);
    rc = read_authority(p.authority, text, &uri, e);
    if (rc != ERR_OK)
        return rc;
    uri.target = (struct str){p.path.p, p.path.n + (p.query.p ? p.query.n + 1 : 0)};
    *out = uri;
    return ERR_OK;
}

static bool take(struct str *in, const char *head, size_t keep)
{
    const size_t n = strlen(head);

    if (in->n < n || memcmp(in->p, head, n) != 0)
        return false;
    in->p += n - keep;
    in->n -= n - keep;
    return true;
}

/* Section 5.2.4, from in to the end of out, where the path begins at `begin`. */
static bool remove_dots(struct str in, size_t begin, struct bytes *out)
{
    while (in.n > 0) {
        bool up, last;
        size_t n;

        if (take(&in, "../", 0) || take(&in, "./", 0) || take(&in, "/./", 1))
            continue;
        if (str_eq(in, STR(".")) || str_eq(in, STR("..")))
            return true;
        up = str_eq(in, STR("/.."));
        last = up || str_eq(in, STR("/."));
        if (last || take(&in, "/../", 1)) {
            if (up || !last)
                while (out->len > begin && out->data[--out->len] != '/')
                    ;
            if (last)
                return bytes_add(out, "/", 1);
            continue;
        }
        n = find(in, in.p[0] == '/', "/");
        if (!bytes_add(out, in.p, n))
            return false;
        in.p += n;
        in.n -= n;
    }
    return true;
}

/* Section 5.2.3: the reference's path in the folder of the base's. */
static bool merge(const struct parts *base, struct str path, struct bytes *out)
{
    size_t folder = base->path.n;

    while (folder > 0 && base->path.p[folder - 1] != '/')
        folder--;
    if (folder == 0)
        return bytes_add(out, "/", 1) && bytes_add(out, path.p, path.n);
    return bytes_add(out, base->path.p, folder) && bytes_add(out, path.p, path.n);
}

/* Section 5.2.2. */
static bool resolve(const struct parts *base, struct parts ref, struct bytes *merged,
                    struct bytes *out)
{
    struct parts t = ref;
    size_t begin;
    bool same_path = false;

    if (!ref.scheme.p) {
        t.scheme = base->scheme;
        if (!ref.authority.p) {
            t.authority = base->authority;
            same_path = ref.path.n == 0;
            if (same_path) {
                t.path = base->path;
                t.query = ref.query.p ? ref.query : base->query;
            } else if (ref.path.p[0] != '/') {
                if (!merge(base, ref.path, merged))
                    return false;
                t.path = (struct str){merged->data, merged->len};
            }
        }
    }
    if (!bytes_add(out, t.scheme.p, t.scheme.n) || !bytes_add(out, "://", 3) ||
        !bytes_add(out, t.authority.n ? t.authority.p : "", t.authority.n))
        return false;
    begin = out->len;
    if (!remove_dots(t.path, begin, out))
        return false;
    return !t.query.p || (bytes_add(out, "?", 1) && bytes_add(out, t.query.p, t.query.n));
}

enum err_code uri_resolve(struct str base, struct str reference, struct bytes *out, struct err *e)
{
    const size_t begin = out->len;
    struct parts of_base = split(base), ref = split(reference);
    struct bytes merged = {0};
    struct uri parsed;
    enum err_code rc = check_chars(reference, e);

    if (rc != ERR_OK)
        return rc;
    if (uri_parse(base, &parsed, e) != ERR_OK)
        return e ? e->code : ERR_PARSE;
    if (ref.scheme.p && !ref.authority.p) /* "http:x", "mailto:x" */
        rc = not_one(reference, "is no URI of https or http", e);
    else if (!resolve(&of_base, ref, &merged, out))
        rc = err_set(e, ERR_LIMIT, "no memory left for a URI");
    else
        rc = uri_parse((struct str){out->data + begin, out->len - begin}, &parsed, e);
    if (rc != ERR_OK)
        out->len = begin;
    bytes_free(&merged);
    return rc;
}

bool uri_same_origin(const struct uri *a, const struct uri *b)
{
    return a->tls == b->tls && a->port == b->port && str_eq_nocase(a->host, b->host);
}
