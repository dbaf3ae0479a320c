#include "alto/costmap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alto/costmap_build.h"
#include "alto/vtag_read.h"
#include "base/hash.h"
#include "base/json_push.h"
#include "base/json_write.h"

/* Which object or array the next event is in. */
enum place { AT_START, AT_TOP, AT_META, AT_VTAGS, AT_VTAG, AT_TYPE, AT_DATA, AT_ROW };

/* The last key of an object whose value comes next. */
enum member { MEMBER_NONE, MEMBER_VTAGS, MEMBER_TYPE, MEMBER_MODE, MEMBER_METRIC, MEMBER_DATA };

/* Distinct names that the network map does not have: a set of keyed hashes, so that a name costs
 * eight bytes and nobody can make it slow. */
struct names {
    struct hash_key key;
    uint64_t *slot; /* [cap], a power of two; 0 is empty */
    uint32_t count, cap;
};

#define UNKNOWN_MAX (1u << 20)

struct reader {
    const struct netmap *map;
    struct costmap_build *build;
    struct costmap_info info;
    enum place at;
    enum member member;
    bool seen_meta, seen_data, seen_vtags, seen_type, seen_mode, seen_metric;
    bool has_vtag;
    struct vtag_read vtag;
    struct names unknown;

    pidx src, dst;
    char src_name[PID_NAME_MAX + 1];
    struct str dst_name; /* in the network map, or in dst_unknown */
    char dst_unknown[PID_NAME_MAX + 1];
    pidx *follow; /* [pid_count + 1] the PID that came behind this one in an earlier row;
                     [pid_count]: the first of a row. Rows name their PIDs in one order, mostly. */

    /* Meta may come behind the costs: the first cost that ordinal mode would not take. */
    bool has_fraction;
    uint32_t fraction_line;
    uint64_t fraction_col;
    struct err fraction;
};

/* "cost-map.PID1.PID2: " in front of what went wrong. */
static enum err_code at_path(const struct reader *r, enum err_code rc, struct err *e)
{
    static const char *const of_type[] = {
        [MEMBER_MODE] = ".cost-mode", [MEMBER_METRIC] = ".cost-metric"};

    switch (r->at) {
    case AT_START:
    case AT_TOP:
        break;
    case AT_META:
        err_wrap(e, "meta");
        break;
    case AT_VTAGS:
        err_wrap(e, "meta.dependent-vtags");
        break;
    case AT_VTAG:
        err_wrap(e, "meta.dependent-vtags[0]%s%s", r->vtag.member ? "." : "",
                 r->vtag.member ? r->vtag.member : "");
        break;
    case AT_TYPE:
        err_wrap(e, "meta.cost-type%s", r->member == MEMBER_NONE ? "" : of_type[r->member]);
        break;
    case AT_DATA:
        err_wrap(e, "cost-map");
        break;
    case AT_ROW:
        err_wrap(e, "cost-map.%s%s%.*s", r->src_name, r->dst_name.n ? "." : "", (int)r->dst_name.n,
                 r->dst_name.n ? r->dst_name.p : "");
        break;
    }
    return rc;
}

static enum err_code names_grow(struct names *s, struct err *e)
{
    uint32_t cap = s->cap ? s->cap * 2 : 256;
    uint64_t *slot;

    if (s->count >= UNKNOWN_MAX)
        return err_set(e, ERR_LIMIT, "more than %u names that the network map does not have",
                       UNKNOWN_MAX);
    slot = calloc(cap, sizeof *slot);
    if (!slot)
        return err_set(e, ERR_LIMIT, "no memory left for the cost map");
    for (uint32_t i = 0; i < s->cap; i++) {
        uint64_t at = s->slot[i];

        if (!at)
            continue;
        while (slot[at & (cap - 1)])
            at++;
        slot[at & (cap - 1)] = s->slot[i];
    }
    free(s->slot);
    s->slot = slot;
    s->cap = cap;
    return ERR_OK;
}

static enum err_code names_add(struct names *s, struct str name, struct err *e)
{
    uint64_t h = hash_keyed(&s->key, name.p, name.n) | 1, at = h;

    if (s->count >= s->cap / 2 && names_grow(s, e) != ERR_OK)
        return ERR_LIMIT;
    for (; s->slot[at & (s->cap - 1)]; at++)
        if (s->slot[at & (s->cap - 1)] == h)
            return ERR_OK;
    s->slot[at & (s->cap - 1)] = h;
    s->count++;
    return ERR_OK;
}

/* PIDX_NONE for a well-formed name that the map does not have, which is then counted. */
static enum err_code find_pid(struct reader *r, struct str name, pidx *out, struct err *e)
{
    enum err_code rc;

    *out = netmap_find_pid(r->map, name);
    if (*out != PIDX_NONE)
        return ERR_OK;
    rc = vtag_check_name("PID name", name, e);
    return rc == ERR_OK ? names_add(&r->unknown, name, e) : rc;
}

static enum err_code on_top(struct reader *r, struct json_push *j, const struct json_event *ev,
                            struct err *e)
{
    if (ev->kind == JSON_PUSH_KEY) {
        r->member = str_eq(ev->text, STR("cost-map")) ? MEMBER_DATA : MEMBER_NONE;
        if (r->member == MEMBER_DATA)
            return vtag_read_once(&r->seen_data, ev->text, e);
        if (str_eq(ev->text, STR("meta")))
            return vtag_read_once(&r->seen_meta, ev->text, e);
        json_push_skip(j); /* RFC 7285 section 8.3.7: unknown members are ignored */
        return ERR_OK;
    }
    if (ev->kind == JSON_PUSH_OBJECT_END) {
        if (!r->seen_meta)
            return err_set(e, ERR_PARSE, "\"meta\" is missing");
        if (!r->seen_data)
            return err_set(e, ERR_PARSE, "\"cost-map\" is missing");
        return ERR_OK;
    }
    r->at = r->member == MEMBER_DATA ? AT_DATA : AT_META;
    return vtag_read_expect(ev, JSON_PUSH_OBJECT, e);
}

static enum err_code on_meta(struct reader *r, struct json_push *j, const struct json_event *ev,
                             struct err *e)
{
    if (ev->kind == JSON_PUSH_KEY) {
        r->member = str_eq(ev->text, STR("dependent-vtags")) ? MEMBER_VTAGS : MEMBER_TYPE;
        if (r->member == MEMBER_VTAGS)
            return vtag_read_once(&r->seen_vtags, ev->text, e);
        if (str_eq(ev->text, STR("cost-type")))
            return vtag_read_once(&r->seen_type, ev->text, e);
        json_push_skip(j);
        return ERR_OK;
    }
    if (ev->kind == JSON_PUSH_OBJECT_END) {
        if (!r->seen_vtags)
            return err_set(e, ERR_PARSE, "\"dependent-vtags\" is missing");
        if (!r->seen_type)
            return err_set(e, ERR_PARSE, "\"cost-type\" is missing");
        r->at = AT_TOP;
        return ERR_OK;
    }
    r->at = r->member == MEMBER_VTAGS ? AT_VTAGS : AT_TYPE;
    r->member = MEMBER_NONE;
    return vtag_read_expect(ev, r->at == AT_VTAGS ? JSON_PUSH_ARRAY : JSON_PUSH_OBJECT, e);
}

static enum err_code on_vtags(struct reader *r, const struct json_event *ev, struct err *e)
{
    if (ev->kind == JSON_PUSH_ARRAY_END && r->has_vtag) {
        r->at = AT_META;
        return ERR_OK;
    }
    if (ev->kind == JSON_PUSH_ARRAY_END || r->has_vtag)
        return err_set(e, ERR_PARSE,
                       "one version tag belongs here, that of the network map (RFC 7285 section "
                       "11.2.3.6)");
    r->at = AT_VTAG;
    r->has_vtag = true;
    return vtag_read_expect(ev, JSON_PUSH_OBJECT, e);
}

static enum err_code on_vtag(struct reader *r, struct json_push *j, const struct json_event *ev,
                             struct err *e)
{
    enum err_code rc = vtag_read_event(&r->vtag, j, ev, e);

    if (rc != ERR_OK || ev->kind != JSON_PUSH_OBJECT_END)
        return rc;
    if (!r->vtag.has_tag)
        return err_set(e, ERR_PARSE, "\"tag\" is missing");
    r->at = AT_VTAGS;
    return ERR_OK;
}

static enum err_code type_member(struct reader *r, struct str text, struct err *e)
{
    enum err_code rc;
    char shown[80];

    if (r->member == MEMBER_METRIC) {
        rc = vtag_check_metric(text, e);
        if (rc == ERR_OK)
            memcpy(r->info.metric, text.p, text.n);
        return rc;
    }
    r->info.mode = str_eq(text, STR("ordinal")) ? COST_ORDINAL : COST_NUMERICAL;
    if (r->info.mode == COST_ORDINAL || str_eq(text, STR("numerical")))
        return ERR_OK;
    return err_set(e, ERR_UNSUPPORTED, "\"%s\" is neither \"numerical\" nor \"ordinal\"",
                   bytes_escape(text.n ? text.p : "", text.n, shown, sizeof shown));
}

static enum err_code on_type(struct reader *r, struct json_push *j, const struct json_event *ev,
                             struct err *e)
{
    enum err_code rc;

    if (ev->kind == JSON_PUSH_KEY) {
        r->member = str_eq(ev->text, STR("cost-mode")) ? MEMBER_MODE : MEMBER_METRIC;
        if (r->member == MEMBER_MODE)
            return vtag_read_once(&r->seen_mode, ev->text, e);
        if (str_eq(ev->text, STR("cost-metric")))
            return vtag_read_once(&r->seen_metric, ev->text, e);
        r->member = MEMBER_NONE;
        json_push_skip(j);
        return ERR_OK;
    }
    if (ev->kind == JSON_PUSH_OBJECT_END) {
        r->member = MEMBER_NONE;
        if (!r->seen_mode)
            return err_set(e, ERR_PARSE, "\"cost-mode\" is missing");
        if (!r->seen_metric)
            return err_set(e, ERR_PARSE, "\"cost-metric\" is missing");
        r->at = AT_META;
        return ERR_OK;
    }
    rc = vtag_read_expect(ev, JSON_PUSH_STRING, e);
    return rc == ERR_OK ? type_member(r, ev->text, e) : rc;
}

static enum err_code on_data(struct reader *r, const struct json_event *ev, struct err *e)
{
    enum err_code rc;

    if (ev->kind == JSON_PUSH_OBJECT_END) {
        r->at = AT_TOP;
        return ERR_OK;
    }
    if (ev->kind != JSON_PUSH_KEY) {
        r->at = AT_ROW;
        r->dst_name = (struct str){NULL, 0};
        r->dst = r->map->pid_count; /* in front of the first */
        return vtag_read_expect(ev, JSON_PUSH_OBJECT, e);
    }
    rc = find_pid(r, ev->text, &r->src, e);
    if (rc == ERR_OK && r->src != PIDX_NONE)
        rc = costmap_build_begin_row(r->build, r->src, e);
    if (rc == ERR_OK) {
        memcpy(r->src_name, ev->text.p, ev->text.n);
        r->src_name[ev->text.n] = '\0';
    }
    return rc;
}

static enum err_code on_dst(struct reader *r, struct str name, struct err *e)
{
    pidx guess = r->dst == PIDX_NONE ? PIDX_NONE : r->follow[r->dst];
    enum err_code rc;
    pidx found;

    if (LIKELY(guess != PIDX_NONE && str_eq(r->map->pids[guess].name, name))) {
        r->dst = guess;
        r->dst_name = r->map->pids[guess].name;
        return ERR_OK;
    }
    r->dst_name = (struct str){NULL, 0};
    rc = find_pid(r, name, &found, e);
    if (rc != ERR_OK)
        return rc;
    if (found == PIDX_NONE) {
        memcpy(r->dst_unknown, name.p, name.n);
        r->dst_name = (struct str){r->dst_unknown, name.n};
    } else {
        r->dst_name = r->map->pids[found].name;
        if (r->dst != PIDX_NONE)
            r->follow[r->dst] = found;
    }
    r->dst = found;
    return ERR_OK;
}

static void note_fraction(struct reader *r, struct json_push *j, const struct json_event *ev)
{
    r->has_fraction = true;
    json_push_where(j, &r->fraction_line, &r->fraction_col);
    err_set(&r->fraction, ERR_PARSE,
            "%.*s is not an integer, as costs in ordinal mode are (RFC 7285 section 6.1.2.2)",
            ev->text.n > 40 ? 40 : (int)ev->text.n, ev->text.p);
    at_path(r, ERR_PARSE, &r->fraction);
}

static enum err_code on_cost(struct reader *r, struct json_push *j, const struct json_event *ev,
                             struct err *e)
{
    double cost = NAN;

    if (LIKELY(ev->kind == JSON_PUSH_NUMBER)) {
        cost = ev->number + 0.0; /* -0 is 0 */
        if (cost < 0)
            return err_set(e, ERR_PARSE, "%.*s: a cost is not negative",
                           ev->text.n > 40 ? 40 : (int)ev->text.n, ev->text.p);
        if (UNLIKELY(cost != trunc(cost) && !r->has_fraction))
            note_fraction(r, j, ev);
    } else if (ev->kind != JSON_PUSH_NULL) {
        return err_set(e, ERR_PARSE, "%s, where a number should be", vtag_read_kind_name(ev->kind));
    }
    if (r->src == PIDX_NONE || r->dst == PIDX_NONE)
        return ERR_OK;
    return costmap_build_add(r->build, r->dst, cost, e);
}

static enum err_code on_row(struct reader *r, struct json_push *j, const struct json_event *ev,
                            struct err *e)
{
    if (ev->kind == JSON_PUSH_KEY)
        return on_dst(r, ev->text, e);
    if (ev->kind != JSON_PUSH_OBJECT_END)
        return on_cost(r, j, ev, e);
    r->at = AT_DATA;
    return r->src == PIDX_NONE ? ERR_OK : costmap_build_end_row(r->build, e);
}

static enum err_code on_event(void *ctx, struct json_push *j, const struct json_event *ev,
                              struct err *e)
{
    struct reader *r = ctx;
    enum err_code rc = ERR_OK;

    switch (r->at) {
    case AT_ROW:
        rc = on_row(r, j, ev, e);
        break;
    case AT_DATA:
        rc = on_data(r, ev, e);
        break;
    case AT_START:
        r->at = AT_TOP;
        rc = vtag_read_expect(ev, JSON_PUSH_OBJECT, e);
        break;
    case AT_TOP:
        rc = on_top(r, j, ev, e);
        break;
    case AT_META:
        rc = on_meta(r, j, ev, e);
        break;
    case AT_VTAGS:
        rc = on_vtags(r, ev, e);
        break;
    case AT_VTAG:
        rc = on_vtag(r, j, ev, e);
        break;
    case AT_TYPE:
        rc = on_type(r, j, ev, e);
        break;
    }
    return rc == ERR_OK ? ERR_OK : at_path(r, rc, e);
}

/* RFC 7285 section 10.3: tags are equal when both parts are, byte for byte. */
static enum err_code check_depends(const struct reader *r, struct err *e)
{
    const struct vtag *want = &r->map->vtag, *have = &r->vtag.vtag;

    if (want->resource_id[0] && strcmp(want->resource_id, have->resource_id) != 0)
        return err_set(e, ERR_CONFLICT,
                       "meta.dependent-vtags[0]: made for the network map \"%s\", and this one is "
                       "\"%s\"",
                       have->resource_id, want->resource_id);
    if (strcmp(want->tag, have->tag) != 0)
        return err_set(e, ERR_CONFLICT,
                       "meta.dependent-vtags[0]: made for version \"%s\" of the network map, and "
                       "this one is \"%s\"",
                       have->tag, want->tag);
    return ERR_OK;
}

/* The text is read: everything together. name as in json_push_new. */
static enum err_code freeze(struct reader *r, const char *name, const struct costmap **out,
                            struct err *e)
{
    enum err_code rc = ERR_OK;

    if (r->info.mode == COST_ORDINAL && r->has_fraction) {
        rc = err_set(e, ERR_PARSE, "%s", r->fraction.text);
        err_wrap(e, "%s%s%u:%llu", name ? name : "", name ? ":" : "", r->fraction_line,
                 (unsigned long long)r->fraction_col);
        return rc;
    }
    r->info.depends = r->vtag.vtag;
    r->info.unknown_pids = r->unknown.count;
    rc = check_depends(r, e);
    if (rc == ERR_OK)
        rc = costmap_build_freeze(r->build, &r->info, out, e);
    if (rc != ERR_OK && name)
        err_wrap(e, "%s", name);
    return rc;
}

/* From path, or from the n bytes at json when path is NULL. */
static enum err_code read_map(const char *path, const char *json, size_t n,
                              const struct netmap *map, struct arena *arena,
                              const struct costmap **out, struct err *e)
{
    const struct json_push_limits limits = {.bytes_max = COSTMAP_BYTES_MAX, .string_max = 4096};
    struct reader r = {.map = map, .unknown.key = hash_key_new()};
    size_t follow_size = (map->pid_count + 1u) * sizeof *r.follow;
    struct json_push *j = NULL;
    struct bytes name = {0};
    enum err_code rc;

    *out = NULL;
    r.build = costmap_build_new(map, arena);
    r.follow = malloc(follow_size);
    if (r.follow)
        memset(r.follow, 0xff, follow_size); /* PIDX_NONE */
    if (r.build && r.follow && (!path || bytes_printf(&name, "cost map %s", path)))
        j = json_push_new(name.data, &limits, on_event, &r);
    if (!j)
        rc = err_set(e, ERR_LIMIT, "no memory left for the cost map");
    else if (path)
        rc = json_push_file(j, path, e);
    else if ((rc = json_push_feed(j, json, n, e)) == ERR_OK)
        rc = json_push_end(j, e);
    if (rc == ERR_OK)
        rc = freeze(&r, name.data, out, e);
    json_push_free(j);
    costmap_build_free(r.build);
    free(r.follow);
    free(r.unknown.slot);
    bytes_free(&name);
    return rc;
}

enum err_code costmap_parse(const char *json, size_t n, const struct netmap *map,
                            struct arena *arena, const struct costmap **out, struct err *e)
{
    return read_map(NULL, json, n, map, arena, out, e);
}

enum err_code costmap_load(const char *path, const struct netmap *map, struct arena *arena,
                           const struct costmap **out, struct err *e)
{
    return read_map(path, NULL, 0, map, arena, out, e);
}

const struct costmap_info *costmap_info_get(const struct costmap *c)
{
    return &c->info;
}

/* Index of dst in the list; COSTMAP_NOWHERE when it has none. */
static uint32_t column_of(const struct costmap_columns *c, pidx dst)
{
    uint32_t low = 0, high = c->count;

    if (c->at)
        return c->at[dst];
    while (low < high) {
        uint32_t mid = (low + high) / 2;

        if (c->dst[mid] < dst)
            low = mid + 1;
        else
            high = mid;
    }
    return low < c->count && c->dst[low] == dst ? low : COSTMAP_NOWHERE;
}

double costmap_get(const struct costmap *c, pidx src, pidx dst)
{
    const struct costmap_row *row;
    uint32_t at;

    if (src >= c->pid_count || dst >= c->pid_count)
        return NAN;
    row = &c->rows[src];
    if (!row->columns)
        return NAN;
    at = column_of(row->columns, dst);
    return at == COSTMAP_NOWHERE ? NAN : row->cost[at];
}

uint32_t costmap_row(const struct costmap *c, pidx src, double *out)
{
    const struct costmap_row *row = src < c->pid_count ? &c->rows[src] : NULL;
    uint32_t known = 0;

    for (uint32_t i = 0; i < c->pid_count; i++)
        out[i] = NAN;
    if (!row || !row->columns)
        return 0;
    for (uint32_t i = 0; i < row->columns->count; i++) {
        out[row->columns->dst[i]] = row->cost[i];
        known += isnan(row->cost[i]) ? 0 : 1;
    }
    return known;
}

void costmap_gather(const struct costmap *c, pidx src, const pidx *dst, size_t n, double *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = costmap_get(c, src, dst[i]);
}

bool costmap_has_row(const struct costmap *c, pidx src)
{
    return src < c->pid_count && c->rows[src].columns != NULL;
}

static void write_meta(struct json_write *w, const struct costmap_info *info)
{
    json_write_key(w, STR("meta"));
    json_write_object(w);
    json_write_key(w, STR("dependent-vtags"));
    json_write_array(w);
    vtag_write(w, &info->depends);
    json_write_array_end(w);
    json_write_key(w, STR("cost-type"));
    json_write_object(w);
    json_write_key(w, STR("cost-mode"));
    json_write_string(w, info->mode == COST_ORDINAL ? STR("ordinal") : STR("numerical"));
    json_write_key(w, STR("cost-metric"));
    json_write_string(w, str_from(info->metric));
    json_write_object_end(w);
    json_write_object_end(w);
}

/* The PIDs' names as keys, one behind the other; keys[i] points into text. NULL: no memory. */
static struct str *make_keys(const struct netmap *map, pidx count, struct bytes *text)
{
    struct str *keys = calloc(count + 1u, sizeof *keys);
    bool good = keys != NULL;

    for (size_t i = 0; good && i < count; i++) {
        keys[i] = (struct str){NULL, map->pids[i].name.n + 3};
        good = bytes_printf(text, "\"%s\":", map->pids[i].name.p); /* no name needs an escape */
    }
    if (!good) {
        free(keys);
        return NULL;
    }
    for (size_t i = 0, at = 0; i < count; i++) {
        keys[i].p = text->data + at;
        at += keys[i].n;
    }
    return keys;
}

static void write_row(struct json_write *w, const struct costmap_row *row, struct str src,
                      const struct str *keys)
{
    bool any = false;

    for (uint32_t i = 0; row->columns && i < row->columns->count; i++) {
        if (isnan(row->cost[i]))
            continue;
        if (!any) {
            json_write_key_made(w, src);
            json_write_object(w);
            any = true;
        }
        json_write_key_made(w, keys[row->columns->dst[i]]);
        json_write_number(w, row->cost[i]);
    }
    if (any)
        json_write_object_end(w);
}

bool costmap_format(const struct costmap *c, const struct netmap *map, struct bytes *out)
{
    struct bytes text = {0};
    struct str *keys = make_keys(map, c->pid_count, &text);
    struct json_write w;
    bool good;

    json_write_init(&w, out);
    json_write_object(&w);
    write_meta(&w, &c->info);
    json_write_key(&w, STR("cost-map"));
    json_write_object(&w);
    for (size_t src = 0; keys && src < c->pid_count; src++)
        write_row(&w, &c->rows[src], keys[src], keys);
    json_write_object_end(&w);
    json_write_object_end(&w);
    good = keys && json_write_done(&w);
    free(keys);
    bytes_free(&text);
    return good;
}
