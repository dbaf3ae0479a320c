#include "alto/endpoint.h"

#include <string.h>

enum err_code endpoint_parse(struct str text, bool prefixes, struct endpoint *out, struct err *e)
{
    bool v4 = text.n > 5 && memcmp(text.p, "ipv4:", 5) == 0;
    bool v6 = text.n > 5 && memcmp(text.p, "ipv6:", 5) == 0;
    const char *p = v4 || v6 ? text.p + 5 : text.p;
    size_t n = text.n - (size_t)(p - text.p);
    struct prefix prefix = {.len = 128};
    char shown[ADDR_TEXT_MAX * 2];
    enum err_code rc;

    if (!v4 && !v6)
        return err_set(e, ERR_PARSE, "\"%s\": an address begins with \"ipv4:\" or \"ipv6:\"",
                       bytes_escape(text.n ? text.p : "", text.n, shown, sizeof shown));
    /* What family the text is of shows in its colons: an IPv4-mapped one is written as IPv6. */
    if (v6 != (memchr(p, ':', n) != NULL))
        return err_set(e, ERR_PARSE, "\"%s\": not an IPv%c address",
                       bytes_escape(text.p, text.n, shown, sizeof shown), v4 ? '4' : '6');
    rc = prefixes ? prefix_parse(p, n, &prefix, e) : addr_parse(p, n, &prefix.addr, e);
    if (rc != ERR_OK)
        return rc;
    *out = (struct endpoint){.text = text, .prefix = prefix, .pid = PIDX_NONE};
    return ERR_OK;
}

char *endpoint_format(struct prefix p, char *out)
{
    memcpy(out, prefix_is_v4(p) ? "ipv4:" : "ipv6:", 6);
    if (p.len == 128)
        addr_format(p.addr, out + 5);
    else
        prefix_format(p, out + 5);
    return out;
}

/* The PID of all addresses of a prefix; PIDX_NONE when they differ. */
static pidx locate_prefix(const struct netmap *map, struct prefix p, pidx fallback)
{
    struct lpm_hit hit = lpm_find_scope(map->lpm, p.addr);

    if (hit.scope > p.len)
        return PIDX_NONE;
    /* IPv4 is apart from ::/0 and its like in the table, and so is its part of such a prefix. */
    return hit.value == LPM_NONE ? fallback : (pidx)hit.value;
}

void endpoint_locate(const struct alto_network *n, struct endpoint *ep)
{
    uint32_t pid;

    if (ep->prefix.len < 128) {
        ep->pid = locate_prefix(n->map, ep->prefix, n->default_pid);
        return;
    }
    pid = lpm_find(n->map->lpm, ep->prefix.addr);
    ep->pid = pid == LPM_NONE ? n->default_pid : (pidx)pid;
}

size_t endpoint_locate_all(const struct alto_network *n, struct endpoint *eps, size_t count)
{
    const size_t batch = 16;
    size_t misses = 0;

    for (size_t at = 0; at < count; at += batch) {
        size_t end = count - at < batch ? count : at + batch;

        for (unsigned pass = 0; pass < 2; pass++)
            for (size_t i = at; i < end; i++)
                lpm_prefetch(n->map->lpm, eps[i].prefix.addr, pass);
        for (size_t i = at; i < end; i++) {
            endpoint_locate(n, &eps[i]);
            misses += eps[i].pid == PIDX_NONE;
        }
    }
    return misses;
}

bool endpoint_list_read(const struct alto_question *q, const struct str_list *texts,
                        const char *field, struct endpoint **out, struct alto_error *error)
{
    struct endpoint *eps = arena_array(q->arena, texts->n, sizeof *eps);
    bool prefixes = q->catalog->extensions.prefix_endpoints;
    struct err e = {0};

    if (!eps)
        return alto_status(error, 413, "a request of %zu endpoints is too large", texts->n);
    for (size_t i = 0; i < texts->n; i++)
        if (endpoint_parse(texts->p[i], prefixes, &eps[i], &e) != ERR_OK)
            return alto_invalid(error, field, texts->p[i], "%s", e.text);
    *out = eps;
    return true;
}

enum err_code endpoint_property_check(struct str name, struct err *e)
{
    const char *dot = name.n ? memchr(name.p, '.', name.n) : NULL;
    struct str property = dot ? (struct str){dot + 1, (size_t)(name.p + name.n - dot - 1)} : name;
    struct str resource = {name.p, dot ? (size_t)(dot - name.p) : 0};
    char shown[128];

    if (vtag_is_word(property, 32, "-:_") && !str_eq(property, STR("priv:")) &&
        (!dot || vtag_is_word(resource, ALTO_ID_MAX, "-:@_")))
        return ERR_OK;
    return err_set(e, ERR_PARSE,
                   "\"%s\" is not an endpoint property: it is 1 to 32 letters, digits and - : _, "
                   "more than \"priv:\", and may stand behind a resource id and a dot",
                   bytes_escape(name.n ? name.p : "", name.n, shown, sizeof shown));
}
