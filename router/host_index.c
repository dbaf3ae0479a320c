#include "router/host_index.h"

#include <string.h>

#include "base/hash.h"

#define HOST_MAX 255 /* longer names are nobody's */

/* One service under one host. */
struct entry {
    struct str host; /* as in the table: "example.com", or ".example.com" for all names below */
    struct str path;
    svidx service;
    uint32_t next; /* entry of the same host with the next shorter path; 0: none */
};

struct host_index {
    const struct entry *entries; /* from 1 */
    const uint32_t *slots;       /* first entry of a host, 0: free */
    uint64_t mask;
    bool wildcards;
};

/* While it is built. */
struct filling {
    const struct view *v;
    struct entry *entries;
    uint32_t *slots;
    uint64_t mask;
    uint32_t count;
};

static uint32_t slot_of(const struct entry *entries, const uint32_t *slots, uint64_t mask,
                        struct str host)
{
    uint64_t at = hash_content(host.p, host.n) & mask;

    while (slots[at] && !str_eq(entries[slots[at]].host, host))
        at = (at + 1) & mask;
    return (uint32_t)at;
}

static bool host_is_good(struct str h)
{
    if (h.n > 2 && h.p[0] == '*' && h.p[1] == '.')
        h = (struct str){h.p + 2, h.n - 2};
    if (h.n == 0 || h.n > HOST_MAX || h.p[0] == '.' || h.p[h.n - 1] == '.')
        return false;
    for (size_t i = 0; i < h.n; i++) {
        char c = h.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
              c == '.' || c == ':'))
            return false;
        if (c == '.' && h.p[i - 1] == '.')
            return false;
    }
    return true;
}

static enum err_code entry_add(struct filling *f, svidx service, struct str host, struct err *e)
{
    const struct service_conf *conf = f->v->services[service].conf;
    struct entry *add = &f->entries[++f->count];
    char shown[96];
    uint32_t slot, *link;

    if (!host_is_good(host))
        return err_set(e, ERR_PARSE,
                       "host \"%s\" is not a name in lower case without a trailing dot, or one "
                       "such behind \"*.\"",
                       bytes_escape(host.p, host.n, shown, sizeof shown));
    *add = (struct entry){.host = host, .path = conf->path_prefix, .service = service};
    if (host.p[0] == '*')
        add->host = (struct str){host.p + 1, host.n - 1};
    slot = slot_of(f->entries, f->slots, f->mask, add->host);
    for (link = &f->slots[slot]; *link; link = &f->entries[*link].next) {
        const struct entry *there = &f->entries[*link];

        if (str_eq(there->path, add->path))
            return err_set(e, ERR_CONFLICT,
                           "host %.*s with path \"%.*s\" is service %.*s's already; give one of "
                           "them another host or path_prefix",
                           (int)host.n, host.p, (int)add->path.n, add->path.p,
                           (int)f->v->services[there->service].conf->name.n,
                           f->v->services[there->service].conf->name.p);
        if (there->path.n < add->path.n ||
            (there->path.n == add->path.n && str_cmp(add->path, there->path) < 0))
            break;
    }
    add->next = *link;
    *link = f->count;
    return ERR_OK;
}

static enum err_code service_add(struct filling *f, svidx i, struct err *e)
{
    const struct service_conf *conf = f->v->services[i].conf;
    enum err_code rc = ERR_OK;
    char shown[96];

    if (conf->path_prefix.n && conf->path_prefix.p[0] != '/')
        rc = err_set(e, ERR_PARSE, "path_prefix \"%s\" does not begin with a slash",
                     bytes_escape(conf->path_prefix.p, conf->path_prefix.n, shown, sizeof shown));
    for (size_t h = 0; h < conf->host_count && rc == ERR_OK; h++)
        rc = entry_add(f, i, conf->hosts[h], e);
    if (rc != ERR_OK)
        err_wrap(e, "service %.*s", (int)conf->name.n, conf->name.p);
    return rc;
}

enum err_code host_index_build(const struct view *v, struct arena *arena,
                               const struct host_index **out, struct err *e)
{
    struct filling f = {.v = v};
    size_t hosts = 0, slots = 8;
    struct host_index *x;
    enum err_code rc = ERR_OK;

    *out = NULL;
    for (svidx i = 0; i < v->service_count; i++)
        hosts += v->services[i].conf->host_count;
    while (slots < 2 * hosts)
        slots *= 2;
    if (hosts >= UINT32_MAX / 4)
        return err_set(e, ERR_LIMIT, "%zu hosts are too many", hosts);
    f.mask = slots - 1;
    f.entries = arena_array(arena, hosts + 1, sizeof *f.entries);
    f.slots = arena_array(arena, slots, sizeof *f.slots);
    x = arena_array(arena, 1, sizeof *x);
    if (!f.entries || !f.slots || !x)
        return err_set(e, ERR_LIMIT, "%zu hosts do not fit the view's memory", hosts);
    for (svidx i = 0; i < v->service_count && rc == ERR_OK; i++)
        rc = service_add(&f, i, e);
    if (rc != ERR_OK)
        return rc;
    *x = (struct host_index){.entries = f.entries, .slots = f.slots, .mask = f.mask};
    for (uint32_t i = 1; i <= f.count; i++)
        x->wildcards |= f.entries[i].host.p[0] == '.';
    *out = x;
    return ERR_OK;
}

static bool path_begins(struct str path, struct str prefix)
{
    return path.n >= prefix.n && (prefix.n == 0 || memcmp(path.p, prefix.p, prefix.n) == 0);
}

/* Entries of a host go from the longest path to the shortest. Without a path (DNS) the answer is
 * for the whole host, so the most general service stands for it. */
static svidx by_path(const struct host_index *x, uint32_t at, struct str path)
{
    svidx last = SVIDX_NONE;

    for (; at; at = x->entries[at].next) {
        if (path.p && path_begins(path, x->entries[at].path))
            return x->entries[at].service;
        last = x->entries[at].service;
    }
    return path.p ? SVIDX_NONE : last;
}

svidx host_index_find(const struct host_index *x, struct str host, struct str path)
{
    uint32_t at;

    if (host.n == 0 || host.n > HOST_MAX || host.p[0] == '.')
        return SVIDX_NONE;
    at = x->slots[slot_of(x->entries, x->slots, x->mask, host)];
    if (at)
        return by_path(x, at, path);
    if (!x->wildcards)
        return SVIDX_NONE;
    for (size_t i = 1; i < host.n; i++) {
        if (host.p[i] != '.')
            continue;
        at = x->slots[slot_of(x->entries, x->slots, x->mask, (struct str){host.p + i, host.n - i})];
        if (at)
            return by_path(x, at, path);
    }
    return SVIDX_NONE;
}
