/* The reader of cost maps. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alto/calendar_read.h"
#include "alto/cost_type_read.h"
#include "alto/costmap_build.h"
#include "alto/name_set.h"
#include "alto/vtag_read.h"
#include "base/json_push.h"
#include "base/json_text.h"

/* Which object or array the next event is in. */
enum place {
    AT_START,
    AT_TOP,
    AT_META,
    AT_VTAGS,
    AT_VTAG,
    AT_TYPE,
    AT_TYPES, /* of several */
    AT_CALENDARS,
    AT_CALENDAR,
    AT_DATA,
    AT_ROW,
    AT_COSTS, /* of one pair */
};

/* The last key of an object whose value comes next. */
enum member {
    MEMBER_NONE,
    MEMBER_VTAGS,
    MEMBER_TYPE,
    MEMBER_TYPES,
    MEMBER_CALENDARS,
    MEMBER_DATA,
};

/* Meta may come behind the costs: the first place of something that it would forbid. */
struct noted {
    bool is;
    uint32_t line;
    uint64_t col;
    struct err err;
};

/* What a value may be wrong for, by its cost type. */
struct suspects {
    struct noted fraction, over_100;
};

struct reader {
    const struct netmap *map;
    struct costmap_build *build;
    struct costmap_info info[COSTMAP_TYPES_MAX]; /* [type_count], or the one of cost-type */
    uint32_t type_count;                         /* of multi-cost-types; 0: there is none */
    enum place at;
    enum member member;
    const struct cost_type *lenient; /* NULL: strict; else what the costs are if nothing says it */
    bool seen_meta, seen_data, seen_vtags, seen_type, seen_types, seen_calendars;
    struct arena *arena;
    struct cost_type_read type; /* at hand */
    bool has_vtag, has_type, has_calendar;
    struct calendar_read calendar;
    struct vtag_read vtag;
    struct name_set unknown;

    pidx src, dst;
    char src_name[PID_NAME_MAX + 1];
    struct str dst_name; /* in the network map, or in dst_unknown */
    char dst_unknown[PID_NAME_MAX + 1];
    pidx *follow; /* [pid_count + 1] the PID that came behind this one in an earlier row;
                     [pid_count]: the first of a row. Rows name their PIDs in one order, mostly. */

    double *costs; /* [COSTMAP_SLOTS_MAX] of the array at hand */
    uint32_t cost_count;

    struct suspects all;                         /* costs that not every type would take */
    struct suspects at_place[COSTMAP_TYPES_MAX]; /* the same by the place in an array */
    struct noted array, number;                  /* costs as an array; a single one */
};

/* "cost-map.PID1.PID2: " in front of what went wrong. */
static enum err_code at_path(const struct reader *r, enum err_code rc, struct err *e)
{
    const char *of_type = r->type.member ? r->type.member : "", *dot = r->type.member ? "." : "";

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
        if (r->type_count)
            err_wrap(e, "meta.multi-cost-types[%u]%s%s", r->type_count - 1, dot, of_type);
        else
            err_wrap(e, "meta.cost-type%s%s", dot, of_type);
        break;
    case AT_TYPES:
        err_wrap(e, "meta.multi-cost-types");
        break;
    case AT_CALENDARS:
        err_wrap(e, "meta.calendar-response-attributes");
        break;
    case AT_CALENDAR:
        err_wrap(e, "meta.calendar-response-attributes[0]%s%s", r->calendar.member ? "." : "",
                 r->calendar.member ? r->calendar.member : "");
        break;
    case AT_DATA:
        err_wrap(e, "cost-map");
        break;
    case AT_ROW:
        err_wrap(e, "cost-map.%s%s%.*s", r->src_name, r->dst_name.n ? "." : "", (int)r->dst_name.n,
                 r->dst_name.n ? r->dst_name.p : "");
        break;
    case AT_COSTS:
        err_wrap(e, "cost-map.%s.%.*s[%u]", r->src_name, (int)r->dst_name.n, r->dst_name.p,
                 r->cost_count);
        break;
    }
    return rc;
}

/* PIDX_NONE for a well-formed name that the map does not have, which is then counted. */
static enum err_code find_pid(struct reader *r, struct str name, pidx *out, struct err *e)
{
    enum err_code rc;

    *out = netmap_find_pid(r->map, name);
    if (*out != PIDX_NONE)
        return ERR_OK;
    rc = vtag_check_name("PID name", name, e);
    return rc == ERR_OK ? name_set_add(&r->unknown, name, e) : rc;
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
        if (!r->seen_meta && !r->lenient)
            return err_set(e, ERR_PARSE, "\"meta\" is missing");
        if (!r->seen_data)
            return err_set(e, ERR_PARSE, "\"cost-map\" is missing");
        return ERR_OK;
    }
    r->at = r->member == MEMBER_DATA ? AT_DATA : AT_META;
    return vtag_read_expect(ev, JSON_PUSH_OBJECT, e);
}

static enum err_code meta_key(struct reader *r, struct json_push *j, struct str key, struct err *e)
{
    const struct {
        struct str name;
        enum member member;
        bool *seen;
    } members[] = {{STR("dependent-vtags"), MEMBER_VTAGS, &r->seen_vtags},
                   {STR("cost-type"), MEMBER_TYPE, &r->seen_type},
                   {STR("multi-cost-types"), MEMBER_TYPES, &r->seen_types},
                   {STR("calendar-response-attributes"), MEMBER_CALENDARS, &r->seen_calendars}};

    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (str_eq(key, members[i].name)) {
            r->member = members[i].member;
            return vtag_read_once(members[i].seen, key, e);
        }
    json_push_skip(j);
    return ERR_OK;
}

static enum err_code meta_end(struct reader *r, struct err *e)
{
    if (!r->seen_vtags && !r->lenient)
        return err_set(e, ERR_PARSE, "\"dependent-vtags\" is missing");
    if (!r->seen_type && !r->lenient)
        return err_set(e, ERR_PARSE, "\"cost-type\" is missing");
    if (!r->has_type && !r->seen_types && !r->lenient)
        return err_set(e, ERR_PARSE,
                       "\"cost-type\" is empty, which is for several types (RFC 8189), and "
                       "\"multi-cost-types\" is missing");
    if (r->has_type && r->seen_types)
        return err_set(e, ERR_PARSE,
                       "\"cost-type\" names a type beside \"multi-cost-types\"; with that it is "
                       "empty (RFC 8189 section 3.6.5)");
    r->at = AT_TOP;
    return ERR_OK;
}

/* The beginning of what a type is. */
static enum err_code type_begin(struct reader *r, const struct json_event *ev, struct err *e)
{
    r->at = AT_TYPE;
    r->member = MEMBER_NONE;
    cost_type_read_fini(&r->type);
    r->type = (struct cost_type_read){0};
    return vtag_read_expect(ev, JSON_PUSH_OBJECT, e);
}

static enum err_code on_meta(struct reader *r, struct json_push *j, const struct json_event *ev,
                             struct err *e)
{
    enum member member = r->member;

    if (ev->kind == JSON_PUSH_KEY)
        return meta_key(r, j, ev->text, e);
    if (ev->kind == JSON_PUSH_OBJECT_END)
        return meta_end(r, e);
    if (member == MEMBER_TYPE)
        return type_begin(r, ev, e);
    r->at = member == MEMBER_VTAGS ? AT_VTAGS : member == MEMBER_TYPES ? AT_TYPES : AT_CALENDARS;
    return vtag_read_expect(ev, JSON_PUSH_ARRAY, e);
}

static enum err_code on_types(struct reader *r, const struct json_event *ev, struct err *e)
{
    if (ev->kind == JSON_PUSH_ARRAY_END) {
        if (r->type_count == 0)
            return err_set(e, ERR_PARSE, "a list of no types");
        r->at = AT_META;
        return ERR_OK;
    }
    if (r->type_count == COSTMAP_TYPES_MAX)
        return err_set(e, ERR_LIMIT, "more than %u cost types", COSTMAP_TYPES_MAX);
    r->info[r->type_count++] = (struct costmap_info){0};
    return type_begin(r, ev, e);
}

static enum err_code on_calendars(struct reader *r, const struct json_event *ev, struct err *e)
{
    if (ev->kind == JSON_PUSH_ARRAY_END && r->has_calendar) {
        r->at = AT_META;
        return ERR_OK;
    }
    if (ev->kind == JSON_PUSH_ARRAY_END)
        return err_set(e, ERR_PARSE, "a list of no calendars");
    if (r->has_calendar)
        return err_set(e, ERR_UNSUPPORTED, "calendars of several cost types; one belongs here");
    r->at = AT_CALENDAR;
    r->has_calendar = true;
    return vtag_read_expect(ev, JSON_PUSH_OBJECT, e);
}

static enum err_code on_calendar(struct reader *r, struct json_push *j, const struct json_event *ev,
                                 struct err *e)
{
    enum err_code rc = calendar_read_event(&r->calendar, j, ev, e);

    if (rc == ERR_OK && ev->kind == JSON_PUSH_OBJECT_END)
        r->at = AT_CALENDARS;
    return rc;
}

static enum err_code on_vtags(struct reader *r, const struct json_event *ev, struct err *e)
{
    if (ev->kind == JSON_PUSH_ARRAY_END && (r->has_vtag || r->lenient)) {
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

static bool keep(struct arena *arena, const struct bytes *b, struct str *out)
{
    *out = (struct str){b->len ? arena_strndup(arena, b->data, b->len) : NULL, b->len};
    return b->len == 0 || out->p;
}

/* All of a type is read. Whether it may be empty is known when all of meta is. */
static enum err_code type_end(struct reader *r, struct err *e)
{
    struct costmap_info *info = &r->info[r->type_count ? r->type_count - 1 : 0];
    const struct cost_type_read *t = &r->type;

    r->member = MEMBER_NONE;
    r->at = r->type_count ? AT_TYPES : AT_META;
    if (!t->has_mode && r->type_count)
        return err_set(e, ERR_PARSE, "\"cost-mode\" is missing");
    if (!t->has_mode)
        return ERR_OK;
    info->mode = t->mode;
    memcpy(info->metric, t->metric, sizeof info->metric);
    info->source = t->source;
    if (!keep(r->arena, &t->description, &info->description) ||
        !keep(r->arena, &t->context, &info->context))
        return err_set(e, ERR_LIMIT, "no memory left for the cost map");
    if (r->type_count == 0)
        r->has_type = true;
    return ERR_OK;
}

static enum err_code on_type(struct reader *r, struct json_push *j, const struct json_event *ev,
                             struct err *e)
{
    bool done;
    enum err_code rc = cost_type_read_event(&r->type, j, ev, &done, e);
    char shown[80];

    if (rc == ERR_OK && r->type.has_mode && r->type.mode != COST_NUMERICAL &&
        r->type.mode != COST_ORDINAL)
        return err_set(e, ERR_UNSUPPORTED, "\"%s\" is neither \"numerical\" nor \"ordinal\"",
                       bytes_escape(ev->text.p, ev->text.n, shown, sizeof shown));
    return rc == ERR_OK && done ? type_end(r, e) : rc;
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

/* The first time. */
static PRINTF_LIKE(4, 5) void note(const struct reader *r, struct json_push *j, struct noted *n,
                                   const char *fmt, ...)
{
    char text[256];
    va_list args;

    if (n->is)
        return;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    n->is = true;
    json_push_where(j, &n->line, &n->col);
    err_set(&n->err, ERR_PARSE, "%s", text);
    at_path(r, ERR_PARSE, &n->err);
}

static void note_suspects(struct reader *r, struct json_push *j, struct suspects *s, double cost,
                          const struct json_event *ev)
{
    int n = ev->text.n > 40 ? 40 : (int)ev->text.n;

    if (UNLIKELY(cost != trunc(cost)))
        note(r, j, &s->fraction, "%.*s is not an integer", n, ev->text.p);
    if (cost > 100 && UNLIKELY(!s->over_100.is))
        note(r, j, &s->over_100, "%.*s is over 100", n, ev->text.p);
}

/* "5" of a server that means 5; any other text is no value. */
static double cost_in_text(struct str text)
{
    char number[64];
    double v = NAN;

    if (text.n < sizeof number && json_text_is_number(text.p, text.n)) {
        memcpy(number, text.p, text.n);
        number[text.n] = '\0';
        v = strtod(number, NULL);
    }
    return v >= 0 && isfinite(v) ? v + 0.0 : NAN;
}

/* A number, or null. */
static enum err_code read_cost(struct reader *r, struct json_push *j, const struct json_event *ev,
                               double *out, struct err *e)
{
    double cost = NAN;

    if (LIKELY(ev->kind == JSON_PUSH_NUMBER)) {
        cost = ev->number + 0.0; /* -0 is 0 */
        if (cost < 0)
            return err_set(e, ERR_PARSE, "%.*s: a cost is not negative",
                           ev->text.n > 40 ? 40 : (int)ev->text.n, ev->text.p);
        note_suspects(r, j, &r->all, cost, ev);
        if (r->at == AT_COSTS && r->cost_count < COSTMAP_TYPES_MAX)
            note_suspects(r, j, &r->at_place[r->cost_count], cost, ev);
    } else if (r->lenient && ev->kind == JSON_PUSH_STRING) {
        cost = cost_in_text(ev->text);
    } else if (ev->kind != JSON_PUSH_NULL) {
        return err_set(e, ERR_PARSE, "%s, where a number should be", vtag_read_kind_name(ev->kind));
    }
    *out = cost;
    return ERR_OK;
}

static enum err_code on_cost(struct reader *r, struct json_push *j, const struct json_event *ev,
                             struct err *e)
{
    enum err_code rc;
    double cost = NAN;

    if (ev->kind == JSON_PUSH_ARRAY) {
        note(r, j, &r->array,
             "an array of costs, and meta has no \"calendar-response-attributes\" (RFC 8896)");
        r->at = AT_COSTS;
        r->cost_count = 0;
        if (!r->costs)
            r->costs = malloc(COSTMAP_SLOTS_MAX * sizeof *r->costs);
        return r->costs ? ERR_OK : err_set(e, ERR_LIMIT, "no memory left for the cost map");
    }
    rc = read_cost(r, j, ev, &cost, e);
    if (rc != ERR_OK)
        return rc;
    if (UNLIKELY(!r->number.is) && !isnan(cost))
        note(
            r, j, &r->number,
            "a single cost, where an array of one for each of the cost types should be (RFC 8189)");
    if (r->src == PIDX_NONE || r->dst == PIDX_NONE)
        return ERR_OK;
    return costmap_build_add(r->build, r->dst, cost, e);
}

/* In the array of one pair. */
static enum err_code on_costs(struct reader *r, struct json_push *j, const struct json_event *ev,
                              struct err *e)
{
    enum err_code rc;

    if (ev->kind != JSON_PUSH_ARRAY_END) {
        if (r->cost_count == COSTMAP_SLOTS_MAX)
            return err_set(e, ERR_LIMIT, "more than %u costs of one pair", COSTMAP_SLOTS_MAX);
        rc = read_cost(r, j, ev, &r->costs[r->cost_count], e);
        r->cost_count += rc == ERR_OK;
        return rc;
    }
    r->at = AT_ROW;
    if (r->cost_count == 0)
        return err_set(e, ERR_PARSE, "an array of no costs");
    if (r->src == PIDX_NONE || r->dst == PIDX_NONE)
        return ERR_OK;
    return costmap_build_add_planes(r->build, r->dst, r->costs, r->cost_count, e);
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
    case AT_COSTS:
        rc = on_costs(r, j, ev, e);
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
    case AT_TYPES:
        rc = on_types(r, ev, e);
        break;
    case AT_CALENDARS:
        rc = on_calendars(r, ev, e);
        break;
    case AT_CALENDAR:
        rc = on_calendar(r, j, ev, e);
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

/* name as in json_push_new; why goes on where the noted text ends. */
static enum err_code say_noted(const struct noted *n, const char *why, const char *name,
                               struct err *e)
{
    err_set(e, ERR_PARSE, "%s%s", n->err.text, why);
    err_wrap(e, "%s%s%u:%llu", name ? name : "", name ? ":" : "", n->line,
             (unsigned long long)n->col);
    return ERR_PARSE;
}

/* What a type has against its values. */
static enum err_code check_values(const struct costmap_info *info, const struct suspects *s,
                                  const char *name, struct err *e)
{
    struct cost_rules rules = cost_metric_rules(str_from(info->metric));

    if (info->mode == COST_ORDINAL && s->fraction.is)
        return say_noted(&s->fraction, ", as costs in ordinal mode are (RFC 7285 section 6.1.2.2)",
                         name, e);
    if (info->mode == COST_ORDINAL)
        return ERR_OK;
    if (rules.integer && s->fraction.is)
        return say_noted(&s->fraction, ", as hop counts are (RFC 9439 section 4.5)", name, e);
    if (rules.percent && s->over_100.is)
        return say_noted(&s->over_100, ", and a loss rate is in percent (RFC 9439 section 4.4)",
                         name, e);
    return ERR_OK;
}

/* What meta says of the costs, now that both are known. */
static enum err_code check_meta(const struct reader *r, const char *name, struct err *e)
{
    enum err_code rc = ERR_OK;

    if (!r->seen_types && r->array.is && !r->has_calendar)
        return say_noted(&r->array, "", name, e);
    if (!r->seen_types)
        return check_values(&r->info[0], &r->all, name, e);
    if (r->number.is)
        return say_noted(&r->number, "", name, e);
    for (uint32_t i = 0; i < r->type_count && rc == ERR_OK; i++)
        rc = check_values(&r->info[i], &r->at_place[i], name, e);
    return rc;
}

static enum err_code check_planes(const struct reader *r, struct err *e)
{
    uint32_t planes = costmap_build_planes(r->build);
    uint32_t want = r->seen_types ? r->type_count : r->calendar.calendar.slots;

    if (r->seen_types && r->has_calendar)
        return err_set(e, ERR_UNSUPPORTED, "meta: calendars of several cost types at once");
    if (planes && planes != want)
        return err_set(e, ERR_PARSE, "cost-map: arrays of %u costs, and there are %u %s", planes,
                       want, r->seen_types ? "cost types" : "intervals in the calendar");
    return ERR_OK;
}

/* What a lenient reader was not told. */
static void fill_in(struct reader *r)
{
    const struct str metric = r->lenient->metric;

    if (!r->has_type && !r->seen_types && metric.n <= ALTO_METRIC_MAX) {
        r->info[0].mode = r->lenient->mode;
        memcpy(r->info[0].metric, metric.p, metric.n);
    }
    if (!r->has_vtag)
        r->vtag.vtag = r->map->vtag;
}

/* The text is read: everything together. Where out holds one map, count is NULL. */
static enum err_code freeze(struct reader *r, const char *name, const struct costmap **out,
                            unsigned *count, struct err *e)
{
    uint32_t n = r->seen_types ? r->type_count : 1;
    enum err_code rc;

    if (r->lenient)
        fill_in(r);
    rc = check_depends(r, e);
    if (rc == ERR_OK && n > 1 && !count)
        rc = err_set(e, ERR_UNSUPPORTED,
                     "meta.multi-cost-types: %u cost types, where one map is read", n);
    if (rc == ERR_OK && check_meta(r, name, e) != ERR_OK)
        return ERR_PARSE; /* with its place already */
    if (rc == ERR_OK)
        rc = check_planes(r, e);
    for (uint32_t i = 0; i < n; i++) {
        r->info[i].depends = r->vtag.vtag;
        r->info[i].unknown_pids = r->unknown.count;
    }
    if (rc == ERR_OK && r->has_calendar)
        costmap_build_calendar(r->build, &r->calendar.calendar);
    if (rc == ERR_OK)
        rc = costmap_build_freeze_types(r->build, r->info, n, out, e);
    if (rc == ERR_OK && count)
        *count = n;
    if (rc != ERR_OK && name)
        err_wrap(e, "%s", name);
    return rc;
}

/* From path, or from the n bytes at json when path is NULL. */
static enum err_code read_map(const char *path, const char *json, size_t n,
                              const struct netmap *map, const struct cost_type *lenient,
                              struct arena *arena, const struct costmap **out, unsigned *count,
                              struct err *e)
{
    const struct json_push_limits limits = {.bytes_max = COSTMAP_BYTES_MAX, .string_max = 4096};
    struct reader *r = calloc(1, sizeof *r);
    size_t follow_size = (map->pid_count + 1u) * sizeof *r->follow;
    struct json_push *j = NULL;
    struct bytes name = {0};
    enum err_code rc;

    *out = NULL;
    if (!r)
        return err_set(e, ERR_LIMIT, "no memory left for the cost map");
    r->map = map;
    r->lenient = lenient;
    r->arena = arena;
    name_set_init(&r->unknown);
    r->build = costmap_build_new(map, arena);
    r->follow = malloc(follow_size);
    if (r->follow)
        memset(r->follow, 0xff, follow_size); /* PIDX_NONE */
    if (r->build && r->follow && (!path || bytes_printf(&name, "cost map %s", path)))
        j = json_push_new(name.data, &limits, on_event, r);
    if (!j)
        rc = err_set(e, ERR_LIMIT, "no memory left for the cost map");
    else if (path)
        rc = json_push_file(j, path, e);
    else if ((rc = json_push_feed(j, json, n, e)) == ERR_OK)
        rc = json_push_end(j, e);
    if (rc == ERR_OK)
        rc = freeze(r, name.data, out, count, e);
    json_push_free(j);
    costmap_build_free(r->build);
    free(r->follow);
    name_set_fini(&r->unknown);
    free(r->costs);
    cost_type_read_fini(&r->type);
    free(r);
    bytes_free(&name);
    return rc;
}

enum err_code costmap_parse(const char *json, size_t n, const struct netmap *map,
                            struct arena *arena, const struct costmap **out, struct err *e)
{
    return read_map(NULL, json, n, map, NULL, arena, out, NULL, e);
}

enum err_code costmap_parse_lenient(const char *json, size_t n, const struct netmap *map,
                                    const struct cost_type *type, struct arena *arena,
                                    const struct costmap **out, struct err *e)
{
    return read_map(NULL, json, n, map, type, arena, out, NULL, e);
}

enum err_code costmap_parse_multi(const char *json, size_t n, const struct netmap *map,
                                  struct arena *arena, const struct costmap *out[COSTMAP_TYPES_MAX],
                                  unsigned *count, struct err *e)
{
    *count = 0;
    return read_map(NULL, json, n, map, NULL, arena, out, count, e);
}

enum err_code costmap_load(const char *path, const struct netmap *map, struct arena *arena,
                           const struct costmap **out, struct err *e)
{
    return read_map(path, NULL, 0, map, NULL, arena, out, NULL, e);
}
