/* Patches of cost maps, applied: rows that change are copied, one at a time is open; what comes of
 * it goes through the builder like a map that was read. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alto/costmap_build.h"
#include "alto/patch_ops.h"
#include "alto/patch_pids.h"
#include "alto/vtag_read.h"

#define WORK_MAX ((size_t)1 << 28) /* pairs that are moved into and out of the open row */

struct pair {
    uint32_t dst;
    double cost; /* NAN: null */
};

/* What has become of a row; pairs by their number among the PIDs of both maps. */
struct row {
    struct pair *pairs; /* [count] */
    uint32_t count;
    bool own;   /* false: that of the old map holds */
    bool there; /* of an own one */
    bool named; /* the merge patch has it already */
};

struct draft {
    const struct costmap *from;
    struct patch_pids pids;
    struct row *rows; /* [pids.count] */

    uint32_t open; /* which row is; PATCH_PID_NONE: none */
    bool open_there;
    uint32_t serial;   /* of the open row */
    uint32_t *stamp;   /* [pids.count] serial of the row that had the pair last */
    bool *here;        /* [pids.count] where stamp is serial: the pair is there now */
    double *cost;      /* [pids.count] */
    uint32_t *touched; /* [touched_count] pairs whose stamp is serial */
    uint32_t touched_count;
    size_t work;
    bool unknown; /* a pair of a PID that neither map has */
};

static enum err_code no_memory(struct err *e)
{
    return err_set(e, ERR_LIMIT, "no memory left for the cost map");
}

static bool draft_init(struct draft *d, const struct costmap *from, const struct netmap *from_map,
                       const struct netmap *to_map)
{
    size_t n;

    *d = (struct draft){.from = from, .open = PATCH_PID_NONE};
    if (!patch_pids_init(&d->pids, from_map, to_map))
        return false;
    n = d->pids.count + 1u;
    d->rows = calloc(n, sizeof *d->rows);
    d->stamp = calloc(n, sizeof *d->stamp);
    d->here = malloc(n * sizeof *d->here);
    d->cost = malloc(n * sizeof *d->cost);
    d->touched = malloc(n * sizeof *d->touched);
    return d->rows && d->stamp && d->here && d->cost && d->touched;
}

static void draft_fini(struct draft *d)
{
    for (uint32_t i = 0; d->rows && i < d->pids.count; i++)
        free(d->rows[i].pairs);
    free(d->rows);
    free(d->stamp);
    free(d->here);
    free(d->cost);
    free(d->touched);
    patch_pids_fini(&d->pids);
}

static const struct costmap_row *old_row(const struct draft *d, uint32_t src)
{
    pidx at = d->pids.from[src];
    const struct costmap_row *row = at < d->from->pid_count ? &d->from->rows[at] : NULL;

    return row && row->columns ? row : NULL;
}

static bool old_row_there(const struct draft *d, uint32_t src)
{
    const struct costmap_row *row = old_row(d, src);
    const double *cost = row ? costmap_row_costs(d->from, row) : NULL;

    for (uint32_t i = 0; row && i < row->columns->count; i++)
        if (!isnan(cost[i]))
            return true;
    return false;
}

static bool row_there(const struct draft *d, uint32_t src)
{
    if (src == d->open)
        return d->open_there;
    return d->rows[src].own ? d->rows[src].there : old_row_there(d, src);
}

/* --- the open row ---------------------------------------------------------------------------- */

static void put(struct draft *d, uint32_t dst, double cost)
{
    if (d->stamp[dst] != d->serial) {
        d->stamp[dst] = d->serial;
        d->touched[d->touched_count++] = dst;
    }
    d->here[dst] = true;
    d->cost[dst] = cost;
}

static bool has(const struct draft *d, uint32_t dst)
{
    return d->stamp[dst] == d->serial && d->here[dst];
}

static enum err_code close_row(struct draft *d, struct err *e)
{
    struct row *row = d->open == PATCH_PID_NONE ? NULL : &d->rows[d->open];
    struct pair *pairs;
    uint32_t n = 0;

    if (!row)
        return ERR_OK;
    pairs = realloc(row->pairs, (d->touched_count + 1u) * sizeof *pairs);
    if (!pairs)
        return no_memory(e);
    for (uint32_t i = 0; i < d->touched_count; i++)
        if (d->here[d->touched[i]])
            pairs[n++] = (struct pair){d->touched[i], d->cost[d->touched[i]]};
    row->pairs = pairs;
    row->count = n;
    row->own = true;
    row->there = d->open_there;
    d->open = PATCH_PID_NONE;
    d->work += d->touched_count;
    return ERR_OK;
}

/* The row as it is by now. */
static enum err_code open_row(struct draft *d, uint32_t src, struct err *e)
{
    const struct costmap_row *old;
    enum err_code rc;

    if (src == d->open)
        return ERR_OK;
    rc = close_row(d, e);
    if (rc != ERR_OK)
        return rc;
    if (d->work > WORK_MAX)
        return err_set(e, ERR_LIMIT, "a patch that goes back and forth between the rows");
    d->open_there = row_there(d, src);
    d->open = src;
    d->serial++;
    d->touched_count = 0;
    for (uint32_t i = 0; d->rows[src].own && i < d->rows[src].count; i++)
        put(d, d->rows[src].pairs[i].dst, d->rows[src].pairs[i].cost);
    old = d->rows[src].own ? NULL : old_row(d, src);
    for (uint32_t i = 0; old && i < old->columns->count; i++) {
        double cost = costmap_row_costs(d->from, old)[i];

        if (!isnan(cost))
            put(d, d->pids.of_from[old->columns->dst[i]], cost);
    }
    d->work += d->touched_count + 64u;
    return ERR_OK;
}

/* Without a pair. */
static void clear_row(struct draft *d, bool there)
{
    for (uint32_t i = 0; i < d->touched_count; i++)
        d->here[d->touched[i]] = false;
    d->open_there = there;
}

static enum err_code check_cost(double cost, struct err *e)
{
    if (cost < 0)
        return err_set(e, ERR_PARSE, "%.17g: a cost is not negative", cost);
    return ERR_OK;
}

/* --- merge patch ----------------------------------------------------------------------------- */

enum place { AT_START, AT_TOP, AT_META, AT_DATA, AT_ROW };

struct merge {
    struct draft *draft;
    json_t *head;
    enum place at;
    bool seen_meta, seen_data;
    struct patch_value meta;
    uint32_t src, dst; /* PATCH_PID_NONE: a name that neither map has */
    uint32_t next;     /* the pair that is likely to be named */
    uint32_t *named;   /* [pids.count] the row, and one, whose patch has named it */
};

/* ERR_PARSE: not a PID's name. */
static enum err_code find_name(const struct draft *d, struct str name, uint32_t *out, struct err *e)
{
    *out = patch_pids_find(&d->pids, name);
    return *out == PATCH_PID_NONE ? vtag_check_name("PID name", name, e) : ERR_OK;
}

static enum err_code merge_top(struct merge *m, struct json_push *j, const struct json_event *ev,
                               struct err *e)
{
    if (ev->kind == JSON_PUSH_OBJECT_END)
        return ERR_OK;
    if (ev->kind != JSON_PUSH_KEY) { /* the value of cost-map */
        m->at = AT_DATA;
        return vtag_read_expect(ev, JSON_PUSH_OBJECT, e);
    }
    if (str_eq(ev->text, STR("cost-map")))
        return vtag_read_once(&m->seen_data, ev->text, e);
    if (str_eq(ev->text, STR("meta"))) {
        m->at = AT_META;
        return vtag_read_once(&m->seen_meta, ev->text, e);
    }
    json_push_skip(j);
    return ERR_OK;
}

static enum err_code merge_data(struct merge *m, const struct json_event *ev, struct err *e)
{
    struct draft *d = m->draft;
    enum err_code rc;

    if (ev->kind == JSON_PUSH_OBJECT_END) {
        m->at = AT_TOP;
        return ERR_OK;
    }
    if (ev->kind == JSON_PUSH_KEY) {
        rc = find_name(d, ev->text, &m->src, e);
        if (rc == ERR_OK && m->src != PATCH_PID_NONE)
            rc = vtag_read_once(&d->rows[m->src].named, ev->text, e);
        return rc;
    }
    rc = m->src == PATCH_PID_NONE ? ERR_OK : open_row(d, m->src, e);
    if (rc != ERR_OK)
        return rc;
    if (ev->kind == JSON_PUSH_NULL) {
        if (m->src != PATCH_PID_NONE)
            clear_row(d, false);
        return ERR_OK;
    }
    if (m->src != PATCH_PID_NONE)
        d->open_there = true;
    m->at = AT_ROW;
    m->next = 0;
    return vtag_read_expect(ev, JSON_PUSH_OBJECT, e);
}

static enum err_code merge_name(struct merge *m, struct str name, struct err *e)
{
    struct draft *d = m->draft;
    enum err_code rc;

    if (m->next < d->pids.count && str_eq(patch_pids_name(&d->pids, m->next), name)) {
        m->dst = m->next;
    } else {
        rc = find_name(d, name, &m->dst, e);
        if (rc != ERR_OK)
            return rc;
    }
    if (m->dst == PATCH_PID_NONE || m->src == PATCH_PID_NONE)
        return ERR_OK;
    m->next = m->dst + 1;
    if (m->named[m->dst] == m->src + 1)
        return err_set(e, ERR_PARSE, "PID \"%.*s\" stands here a second time", (int)name.n, name.p);
    m->named[m->dst] = m->src + 1;
    return ERR_OK;
}

static enum err_code merge_row(struct merge *m, const struct json_event *ev, struct err *e)
{
    struct draft *d = m->draft;
    enum err_code rc = ERR_OK;

    if (ev->kind == JSON_PUSH_OBJECT_END) {
        m->at = AT_DATA;
        return ERR_OK;
    }
    if (ev->kind == JSON_PUSH_KEY)
        return merge_name(m, ev->text, e);
    if (ev->kind == JSON_PUSH_ARRAY)
        return err_set(e, ERR_UNSUPPORTED, "an array of costs: such maps are not patched");
    if (ev->kind != JSON_PUSH_NULL)
        rc = vtag_read_expect(ev, JSON_PUSH_NUMBER, e);
    if (rc == ERR_OK && ev->kind != JSON_PUSH_NULL)
        rc = check_cost(ev->number, e);
    if (rc != ERR_OK)
        return rc;
    if (m->dst == PATCH_PID_NONE || m->src == PATCH_PID_NONE)
        d->unknown = d->unknown || ev->kind != JSON_PUSH_NULL;
    else if (ev->kind != JSON_PUSH_NULL)
        put(d, m->dst, ev->number + 0.0); /* -0 is 0 */
    else if (has(d, m->dst))
        d->here[m->dst] = false;
    return ERR_OK;
}

static enum err_code merge_event(void *ctx, struct json_push *j, const struct json_event *ev,
                                 struct err *e)
{
    struct merge *m = ctx;
    enum err_code rc = ERR_OK;

    switch (m->at) {
    case AT_START:
        m->at = AT_TOP;
        return vtag_read_expect(ev, JSON_PUSH_OBJECT, e);
    case AT_TOP:
        return merge_top(m, j, ev, e);
    case AT_META:
        rc = patch_value_event(&m->meta, ev, e);
        if (rc == ERR_OK && m->meta.done) {
            m->at = AT_TOP;
            rc = patch_head_merge(m->head, m->meta.root, e);
        }
        if (rc != ERR_OK)
            err_wrap(e, "meta");
        return rc;
    case AT_DATA:
        rc = merge_data(m, ev, e);
        break;
    case AT_ROW:
        rc = merge_row(m, ev, e);
        break;
    }
    if (rc != ERR_OK && m->at == AT_ROW && m->src != PATCH_PID_NONE)
        err_wrap(e, "cost-map.%s", patch_pids_name(&m->draft->pids, m->src).p);
    return rc;
}

static enum err_code apply_merge(struct draft *d, json_t *head, struct str text, struct err *e)
{
    const struct json_push_limits limits = {.bytes_max = COSTMAP_BYTES_MAX, .string_max = 4096};
    struct merge *m = calloc(1, sizeof *m);
    struct json_push *j = m ? json_push_new(NULL, &limits, merge_event, m) : NULL;
    enum err_code rc = ERR_OK;

    if (m) {
        m->draft = d;
        m->head = head;
        m->src = m->dst = PATCH_PID_NONE;
        m->named = calloc(d->pids.count + 1u, sizeof *m->named);
        patch_value_init(&m->meta);
    }
    if (!j || !m->named)
        rc = no_memory(e);
    else if ((rc = json_push_feed(j, text.n ? text.p : "", text.n, e)) == ERR_OK)
        rc = json_push_end(j, e);
    json_push_free(j);
    if (m) {
        patch_value_fini(&m->meta);
        free(m->named);
    }
    free(m);
    return rc == ERR_OK ? close_row(d, e) : rc;
}

/* --- JSON patch ------------------------------------------------------------------------------ */

/* "/cost-map", "/cost-map/SRC", "/cost-map/SRC/DST"; 0: not one of these. */
static unsigned level_of(const struct patch_path *at)
{
    return at->count >= 1 && at->count <= 3 && strcmp(at->name[0], "cost-map") == 0 ? at->count : 0;
}

static uint32_t pid_of(const struct draft *d, const char *name)
{
    return patch_pids_find(&d->pids, str_from(name));
}

/* A pair or row that was dropped when the old text was read may be anywhere. */
static bool may_be_unknown(const struct draft *d)
{
    return d->from->info.unknown_pids > 0;
}

static bool draft_has(void *ctx, const struct patch_path *at)
{
    struct draft *d = ctx;
    const unsigned level = level_of(at);
    uint32_t src, dst;

    if (level < 2)
        return level == 1 || at->count == 0;
    src = pid_of(d, at->name[1]);
    dst = level == 3 ? pid_of(d, at->name[2]) : 0;
    if (src == PATCH_PID_NONE || dst == PATCH_PID_NONE)
        return may_be_unknown(d);
    if (!row_there(d, src) || level == 2)
        return row_there(d, src);
    return open_row(d, src, NULL) == ERR_OK && has(d, dst);
}

static enum err_code unsupported(struct err *e)
{
    return err_set(e, ERR_UNSUPPORTED, "of a cost map rows and pairs are patched, nothing else");
}

static json_t *cost_tree(double cost)
{
    return isnan(cost) ? json_null() : json_real(cost);
}

static json_t *draft_get(void *ctx, const struct patch_path *at, struct err *e)
{
    struct draft *d = ctx;
    const unsigned level = level_of(at);
    uint32_t src = level >= 2 ? pid_of(d, at->name[1]) : PATCH_PID_NONE;
    uint32_t dst = level == 3 ? pid_of(d, at->name[2]) : 0;
    json_t *out;

    if (src == PATCH_PID_NONE || dst == PATCH_PID_NONE) {
        unsupported(e);
        return NULL;
    }
    if (open_row(d, src, e) != ERR_OK)
        return NULL;
    if (level == 3)
        return cost_tree(d->cost[dst]);
    out = json_object();
    for (uint32_t i = 0; out && i < d->touched_count; i++) {
        uint32_t k = d->touched[i];
        struct str name = patch_pids_name(&d->pids, k);

        if (d->here[k])
            json_object_setn_new(out, name.p, name.n, cost_tree(d->cost[k]));
    }
    d->work += d->touched_count;
    return out;
}

/* Into the open row, when there is one. */
static enum err_code set_pair(struct draft *d, bool known, const char *name, const json_t *value,
                              struct err *e)
{
    double cost = json_is_null(value) ? (double)NAN : json_number_value(value) + 0.0;
    uint32_t dst;
    enum err_code rc = find_name(d, str_from(name), &dst, e);

    if (rc == ERR_OK && json_is_array(value))
        rc = err_set(e, ERR_UNSUPPORTED, "an array of costs: such maps are not patched");
    else if (rc == ERR_OK && !json_is_null(value) && !json_is_number(value))
        rc = err_set(e, ERR_PARSE, "a cost is a number");
    if (rc == ERR_OK)
        rc = check_cost(cost, e);
    if (rc != ERR_OK)
        return rc;
    if (known && dst != PATCH_PID_NONE)
        put(d, dst, cost);
    else
        d->unknown = true;
    return ERR_OK;
}

static enum err_code set_row(struct draft *d, const char *name, const json_t *value, struct err *e)
{
    uint32_t src;
    enum err_code rc = find_name(d, str_from(name), &src, e);
    const json_t *cost;
    const char *key;

    if (rc == ERR_OK && !json_is_object(value))
        rc = err_set(e, ERR_PARSE, "a row is an object");
    if (rc == ERR_OK && src != PATCH_PID_NONE)
        rc = open_row(d, src, e);
    if (rc != ERR_OK)
        return rc;
    if (src != PATCH_PID_NONE)
        clear_row(d, true);
    else
        d->unknown = true;
    json_object_foreach((json_t *)(uintptr_t)value, key, cost) if (rc == ERR_OK) rc =
        set_pair(d, src != PATCH_PID_NONE, key, cost, e);
    return rc;
}

static enum err_code set_all(struct draft *d, const json_t *value, struct err *e)
{
    enum err_code rc = close_row(d, e);
    const json_t *row;
    const char *name;

    if (rc == ERR_OK && !json_is_object(value))
        rc = err_set(e, ERR_PARSE, "\"cost-map\" is an object");
    if (rc != ERR_OK)
        return rc;
    for (uint32_t i = 0; i < d->pids.count; i++) {
        d->rows[i].own = true;
        d->rows[i].there = false;
        d->rows[i].count = 0;
    }
    d->work += d->pids.count;
    json_object_foreach((json_t *)(uintptr_t)value, name, row) if (rc == ERR_OK) rc =
        set_row(d, name, row, e);
    return rc;
}

static enum err_code draft_set(void *ctx, const struct patch_path *at, const json_t *value,
                               bool replace, struct err *e)
{
    struct draft *d = ctx;
    const unsigned level = level_of(at);
    enum err_code rc = ERR_OK;
    uint32_t src;

    (void)replace;
    if (level == 1)
        return set_all(d, value, e);
    if (level == 2)
        return set_row(d, at->name[1], value, e);
    if (level != 3)
        return unsupported(e);
    src = pid_of(d, at->name[1]);
    if (src == PATCH_PID_NONE ? !may_be_unknown(d) : !row_there(d, src))
        return err_set(e, ERR_CONFLICT, "there is no such row");
    if (src != PATCH_PID_NONE)
        rc = open_row(d, src, e);
    return rc == ERR_OK ? set_pair(d, src != PATCH_PID_NONE, at->name[2], value, e) : rc;
}

static enum err_code draft_remove(void *ctx, const struct patch_path *at, struct err *e)
{
    struct draft *d = ctx;
    const unsigned level = level_of(at);
    uint32_t src = level >= 2 ? pid_of(d, at->name[1]) : 0;
    uint32_t dst = level == 3 ? pid_of(d, at->name[2]) : 0;
    enum err_code rc;

    if (level < 2)
        return unsupported(e);
    if (src == PATCH_PID_NONE || dst == PATCH_PID_NONE)
        return ERR_OK; /* of what was never kept */
    rc = open_row(d, src, e);
    if (rc == ERR_OK && level == 2)
        clear_row(d, false);
    else if (rc == ERR_OK)
        d->here[dst] = false; /* it has been seen to be there */
    return rc;
}

static enum err_code draft_test(void *ctx, const struct patch_path *at, const json_t *value,
                                struct err *e)
{
    struct err local = {0};
    json_t *have = draft_get(ctx, at, &local);
    bool same = have && patch_same(have, value);

    json_decref(have);
    if (!have)
        return err_set(e, local.code == ERR_OK ? ERR_LIMIT : local.code, "%s", local.text);
    return same ? ERR_OK : err_set(e, ERR_CONFLICT, "the value is another one");
}

static enum err_code apply_ops(struct draft *d, json_t **head, struct str text, struct err *e)
{
    struct patch_target t = {.head = *head,
                             .data = "cost-map",
                             .passed_over = "vtag", /* of its own, as some servers give it */
                             .ctx = d,
                             .has = draft_has,
                             .get = draft_get,
                             .set = draft_set,
                             .remove = draft_remove,
                             .test = draft_test};
    enum err_code rc = patch_ops_apply(text, &t, e);

    *head = t.head;
    return rc == ERR_OK ? close_row(d, e) : rc;
}

/* --- both ------------------------------------------------------------------------------------ */

/* {"meta": ..., "cost-map": {}} of the old map. NULL: no memory. */
static json_t *make_head(const struct costmap *from, const struct netmap *map)
{
    struct costmap head = *from;
    struct bytes text = {0};
    json_t *out = NULL;

    head.pid_count = 0;
    if (costmap_format(&head, map, &text))
        out = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    bytes_free(&text);
    return out;
}

/* What the meta of head says, read as strictly as that of a whole map: it must be for to_map. */
static enum err_code read_head(const json_t *head, const struct netmap *to_map, struct arena *arena,
                               struct costmap_info *out, struct err *e)
{
    char *text = json_dumps(head, JSON_COMPACT | JSON_REAL_PRECISION(17));
    struct netmap names = *to_map;
    const struct costmap *map;
    enum err_code rc;

    names.pid_count = 0; /* there are no costs here: nothing is made for the PIDs */
    rc = text ? costmap_parse(text, strlen(text), &names, arena, &map, e) : no_memory(e);
    if (rc == ERR_OK && map->calendar)
        rc = err_set(e, ERR_UNSUPPORTED, "cost calendars are not patched");
    if (rc == ERR_OK)
        *out = map->info;
    free(text);
    return rc;
}

struct checks {
    struct cost_rules rules;
    bool ordinal;
    uint32_t dropped; /* pairs of PIDs that the network map does not have */
};

static enum err_code add_pair(struct costmap_build *b, const struct draft *d, uint32_t dst,
                              double cost, struct checks *c, struct err *e)
{
    pidx to = d->pids.to[dst];

    if ((c->ordinal || c->rules.integer) && cost != trunc(cost) && !isnan(cost))
        return err_set(e, ERR_PARSE, "%.17g is not an integer, as costs of this type are", cost);
    if (!c->ordinal && c->rules.percent && cost > 100)
        return err_set(e, ERR_PARSE, "%.17g is over 100, and a loss rate is in percent", cost);
    if (to == PIDX_NONE) {
        c->dropped++;
        return ERR_OK;
    }
    return costmap_build_add(b, to, cost, e);
}

static enum err_code add_row(struct costmap_build *b, const struct draft *d, uint32_t src,
                             struct checks *c, struct err *e)
{
    const struct row *row = &d->rows[src];
    const struct costmap_row *old = row->own ? NULL : old_row(d, src);
    const double *cost = old ? costmap_row_costs(d->from, old) : NULL;
    pidx to = d->pids.to[src];
    enum err_code rc;

    if (row->own ? row->count == 0 : !old)
        return ERR_OK;
    if (to == PIDX_NONE) {
        c->dropped += row->own || old_row_there(d, src);
        return ERR_OK;
    }
    rc = costmap_build_begin_row(b, to, e);
    for (uint32_t i = 0; row->own && i < row->count && rc == ERR_OK; i++)
        rc = add_pair(b, d, row->pairs[i].dst, row->pairs[i].cost, c, e);
    for (uint32_t i = 0; old && i < old->columns->count && rc == ERR_OK; i++)
        if (!isnan(cost[i]))
            rc = add_pair(b, d, d->pids.of_from[old->columns->dst[i]], cost[i], c, e);
    return rc == ERR_OK ? costmap_build_end_row(b, e) : rc;
}

static enum err_code freeze(const struct draft *d, struct costmap_info *info, struct arena *arena,
                            const struct costmap **out, struct err *e)
{
    struct costmap_build *b = costmap_build_new(d->pids.to_map, arena);
    struct checks c = {.rules = cost_metric_rules(str_from(info->metric)),
                       .ordinal = info->mode == COST_ORDINAL};
    enum err_code rc = b ? ERR_OK : no_memory(e);

    for (uint32_t i = 0; i < d->pids.count && rc == ERR_OK; i++) {
        rc = add_row(b, d, i, &c, e);
        if (rc != ERR_OK)
            err_wrap(e, "cost-map.%s", patch_pids_name(&d->pids, i).p);
    }
    info->unknown_pids = d->from->info.unknown_pids + (d->unknown || c.dropped);
    if (rc == ERR_OK)
        rc = costmap_build_freeze(b, info, out, e);
    costmap_build_free(b);
    return rc;
}

/* What the map has not kept of the old text may not be needed now. */
static enum err_code check_from(const struct draft *d, struct err *e)
{
    bool came = false;

    if (d->from->calendar)
        return err_set(e, ERR_UNSUPPORTED, "cost calendars are not patched");
    for (pidx i = 0; i < d->from->pid_count; i++)
        if (d->from->rows[i].step)
            return err_set(e, ERR_UNSUPPORTED, "maps of several cost types are not patched");
    for (uint32_t i = 0; i < d->pids.count; i++)
        came = came || d->pids.from[i] == PIDX_NONE;
    if (came && d->from->info.unknown_pids)
        return err_set(e, ERR_CONFLICT,
                       "the old map had costs of PIDs that its network map had not; now that there "
                       "are new PIDs, the whole map is needed");
    return ERR_OK;
}

enum err_code costmap_patch_apply(const struct costmap *from, const struct netmap *from_map,
                                  enum patch_kind kind, struct str patch,
                                  const struct netmap *to_map, struct arena *arena,
                                  const struct costmap **out, struct err *e)
{
    json_t *head = make_head(from, from_map);
    struct costmap_info info;
    struct draft d;
    enum err_code rc;

    *out = NULL;
    if (!draft_init(&d, from, from_map, to_map) || !head)
        rc = no_memory(e);
    else
        rc = check_from(&d, e);
    if (rc == ERR_OK)
        rc = kind == PATCH_MERGE ? apply_merge(&d, head, patch, e) : apply_ops(&d, &head, patch, e);
    if (rc == ERR_OK)
        rc = read_head(head, to_map, arena, &info, e);
    if (rc == ERR_OK)
        rc = freeze(&d, &info, arena, out, e);
    json_decref(head);
    draft_fini(&d);
    return rc;
}
