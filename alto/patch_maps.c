/* Merge patches (RFC 7396) between two versions of a map, from the maps themselves. Neither kind of
 * map has a null in it, so a merge patch can say all that changes. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alto/costmap_build.h"
#include "alto/patch.h"
#include "alto/patch_pids.h"
#include "alto/vtag_read.h"
#include "base/json_write.h"

/* The text may be max bytes long, from here on. */
struct bounded {
    struct bytes *out;
    size_t limit, start;
};

static struct bounded begin_bounded(struct bytes *out, size_t max)
{
    struct bounded b = {out, out->limit, out->len};
    size_t limit = out->limit ? out->limit : BYTES_LIMIT_DEFAULT;

    out->limit = limit > out->len && max < limit - out->len ? out->len + max : limit;
    return b;
}

static bool end_bounded(const struct bounded *b, bool good)
{
    b->out->limit = b->limit;
    if (!good)
        b->out->len = b->start;
    return good;
}

/* --- network maps ---------------------------------------------------------------------------- */

/* The next prefix of the family from *i on; NULL: there is none. */
static const struct prefix *next_prefix(const struct netmap_pid *pid, bool v6, uint32_t *i)
{
    while (*i < pid->prefix_count) {
        const struct prefix *p = &pid->prefixes[(*i)++];

        if (prefix_is_v4(*p) != v6)
            return p;
    }
    return NULL;
}

static bool same_list(const struct netmap_pid *a, const struct netmap_pid *b, bool v6)
{
    uint32_t i = 0, j = 0;

    for (;;) {
        const struct prefix *x = next_prefix(a, v6, &i), *y = next_prefix(b, v6, &j);

        if (!x || !y)
            return x == y;
        if (prefix_cmp(x, y) != 0)
            return false;
    }
}

/* A list as a whole, as merge patches have it; null where there is none. */
static void write_list(struct json_write *w, const struct netmap_pid *pid, bool v6)
{
    const struct prefix *p;
    char text[PREFIX_TEXT_MAX];
    uint32_t i = 0;

    json_write_key(w, v6 ? STR("ipv6") : STR("ipv4"));
    p = next_prefix(pid, v6, &i);
    if (!p) {
        json_write_null(w);
        return;
    }
    json_write_array(w);
    for (; p; p = next_prefix(pid, v6, &i))
        json_write_string(w, str_from(prefix_format(*p, text)));
    json_write_array_end(w);
}

static void write_pid(struct json_write *w, const struct netmap_pid *from,
                      const struct netmap_pid *to)
{
    static const struct netmap_pid nothing;
    bool differs[2];

    assert(from || to);
    if (!to) {
        json_write_key(w, from->name);
        json_write_null(w);
        return;
    }
    for (int v6 = 0; v6 < 2; v6++)
        differs[v6] = !same_list(from ? from : &nothing, to, v6);
    if (from && !differs[0] && !differs[1])
        return;
    json_write_key(w, to->name);
    json_write_object(w);
    for (int v6 = 0; v6 < 2; v6++)
        if (differs[v6])
            write_list(w, to, v6);
    json_write_object_end(w);
}

static void write_tag(struct json_write *w, const struct vtag *from, const struct vtag *to)
{
    json_write_key(w, STR("vtag"));
    json_write_object(w);
    if (strcmp(from->resource_id, to->resource_id) != 0) {
        json_write_key(w, STR("resource-id"));
        json_write_string(w, str_from(to->resource_id));
    }
    json_write_key(w, STR("tag"));
    json_write_string(w, str_from(to->tag));
    json_write_object_end(w);
}

bool netmap_patch_format(const struct netmap *from, const struct vtag *from_tag,
                         const struct netmap *to, const struct vtag *to_tag, size_t max,
                         struct bytes *out)
{
    struct bounded b = begin_bounded(out, max);
    struct patch_pids p;
    struct json_write w;

    if (!patch_pids_init(&p, from, to))
        return end_bounded(&b, false);
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_key(&w, STR("meta"));
    json_write_object(&w);
    write_tag(&w, from_tag, to_tag);
    json_write_object_end(&w);
    json_write_key(&w, STR("network-map"));
    json_write_object(&w);
    for (uint32_t i = 0; i < p.count && !w.full; i++)
        write_pid(&w, p.from[i] == PIDX_NONE ? NULL : &from->pids[p.from[i]],
                  p.to[i] == PIDX_NONE ? NULL : &to->pids[p.to[i]]);
    json_write_object_end(&w);
    json_write_object_end(&w);
    patch_pids_fini(&p);
    return end_bounded(&b, json_write_done(&w));
}

/* --- cost maps ------------------------------------------------------------------------------- */

/* Through the pairs of one row that have a value, in order of name. */
struct walk {
    const struct costmap_columns *columns;
    const double *cost;
    const uint32_t *of; /* [pid_count] the name's index among those of both maps */
    uint32_t i;
};

static struct walk walk_row(const struct costmap *c, pidx src, const uint32_t *of)
{
    const struct costmap_row *row = src < c->pid_count ? &c->rows[src] : NULL;

    if (!row || !row->columns)
        return (struct walk){0};
    return (struct walk){row->columns, costmap_row_costs(c, row), of, 0};
}

/* The index of the pair at hand; PATCH_PID_NONE, which is behind all others, at the end. */
static inline uint32_t walk_at(struct walk *k)
{
    if (!k->columns)
        return PATCH_PID_NONE;
    while (k->i < k->columns->count && isnan(k->cost[k->i]))
        k->i++;
    return k->i < k->columns->count ? k->of[k->columns->dst[k->i]] : PATCH_PID_NONE;
}

struct cost_writer {
    struct json_write w;
    struct str *keys; /* [count of PIDs] what is written in front of their values */
    struct str src;
    bool open; /* the row's object is */
};

static inline void write_pair(struct cost_writer *x, uint32_t dst, double cost)
{
    if (!x->open) {
        json_write_key_made(&x->w, x->src);
        json_write_object(&x->w);
        x->open = true;
    }
    json_write_key_made(&x->w, x->keys[dst]);
    if (isnan(cost))
        json_write_null(&x->w);
    else
        json_write_number(&x->w, cost);
}

/* Rows that nothing has changed in are many: seen without a look at each pair. */
static bool same_row(const struct walk *a, const struct walk *b)
{
    return a->columns && b->columns && a->columns->count == b->columns->count &&
           memcmp(a->cost, b->cost, a->columns->count * sizeof *a->cost) == 0 &&
           (a->columns == b->columns || memcmp(a->columns->dst, b->columns->dst,
                                               a->columns->count * sizeof *a->columns->dst) == 0);
}

static void write_row(struct cost_writer *x, struct walk *from, struct walk *to)
{
    uint32_t a = walk_at(from), b = walk_at(to);

    if (b == PATCH_PID_NONE) {
        if (a != PATCH_PID_NONE) { /* a row without pairs is not written: it goes */
            json_write_key_made(&x->w, x->src);
            json_write_null(&x->w);
        }
        return;
    }
    while (a != PATCH_PID_NONE || b != PATCH_PID_NONE) {
        if (a < b)
            write_pair(x, a, (double)NAN);
        else if (b < a || from->cost[from->i] != to->cost[to->i])
            write_pair(x, b, to->cost[to->i]);
        from->i += a <= b;
        to->i += b <= a;
        a = walk_at(from);
        b = walk_at(to);
    }
    if (x->open)
        json_write_object_end(&x->w);
    x->open = false;
}

static void write_depends(struct json_write *w, const struct vtag *to)
{
    json_write_key(w, STR("meta"));
    json_write_object(w);
    json_write_key(w, STR("dependent-vtags"));
    json_write_array(w);
    vtag_write(w, to);
    json_write_array_end(w);
    json_write_object_end(w);
}

/* As costmap_format's; no name needs an escape. */
static struct str *make_keys(const struct patch_pids *p, struct bytes *text)
{
    struct str *keys = calloc(p->count + 1u, sizeof *keys);
    bool good = keys != NULL;

    for (uint32_t i = 0; good && i < p->count; i++) {
        struct str name = patch_pids_name(p, i);

        keys[i].n = name.n + 3;
        good = bytes_printf(text, "\"%.*s\":", (int)name.n, name.p);
    }
    if (!good) {
        free(keys);
        return NULL;
    }
    for (size_t i = 0, at = 0; i < p->count; i++) {
        keys[i].p = text->data + at;
        at += keys[i].n;
    }
    return keys;
}

static void write_costs(struct cost_writer *x, const struct patch_pids *p,
                        const struct costmap *from, const struct costmap *to)
{
    for (uint32_t i = 0; i < p->count && !x->w.full; i++) {
        struct walk a = walk_row(from, p->from[i], p->of_from);
        struct walk b = walk_row(to, p->to[i], p->of_to);

        x->src = x->keys[i];
        if (!p->same || !same_row(&a, &b))
            write_row(x, &a, &b);
    }
}

bool costmap_patch_format(const struct costmap *from, const struct netmap *from_map,
                          const struct vtag *from_depends, const struct costmap *to,
                          const struct netmap *to_map, const struct vtag *to_depends, size_t max,
                          struct bytes *out)
{
    struct bounded b = begin_bounded(out, max);
    struct cost_writer x = {0};
    struct bytes text = {0};
    struct patch_pids p;
    bool good;

    (void)from_depends; /* the array is replaced, whatever was in it */
    if (!patch_pids_init(&p, from_map, to_map))
        return end_bounded(&b, false);
    x.keys = make_keys(&p, &text);
    json_write_init(&x.w, out);
    json_write_object(&x.w);
    write_depends(&x.w, to_depends);
    json_write_key(&x.w, STR("cost-map"));
    json_write_object(&x.w);
    if (x.keys)
        write_costs(&x, &p, from, to);
    json_write_object_end(&x.w);
    json_write_object_end(&x.w);
    patch_pids_fini(&p);
    bytes_free(&text);
    good = x.keys && json_write_done(&x.w);
    free(x.keys);
    return end_bounded(&b, good);
}
