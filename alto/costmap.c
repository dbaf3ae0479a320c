#include "alto/costmap.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alto/calendar_read.h"
#include "alto/costmap_build.h"
#include "alto/vtag_read.h"
#include "base/json_text.h"
#include "base/json_write.h"

const struct costmap_info *costmap_info_get(const struct costmap *c)
{
    return &c->info;
}

const struct costmap_calendar *costmap_calendar_get(const struct costmap *c)
{
    return c->calendar;
}

uint32_t costmap_slots(const struct costmap *c)
{
    return c->calendar ? c->calendar->slots : 1;
}

const struct costmap *costmap_slot(const struct costmap *c, uint32_t i)
{
    assert(i < costmap_slots(c));
    return c->calendar ? &c->slots[i] : c;
}

#define CALENDAR_MS_MAX 1e15 /* doubles still count milliseconds there */

/* The first millisecond of the k-th interval behind the start: it may begin within one. 10 times
 * 33.3 ms is a little more than 333 ms in doubles, and meant to be 333. */
static double boundary(const struct costmap_calendar *cal, double k)
{
    return ceil(k * (cal->interval_s * 1000) * (1 - 1e-15));
}

uint32_t costmap_calendar_at(const struct costmap_calendar *cal, uint64_t wall_ms,
                             uint64_t *ends_ms)
{
    double count = (double)cal->slots * (double)cal->repeated, k, at;

    if (wall_ms < cal->start_ms) {
        *ends_ms = cal->start_ms + (uint64_t)boundary(cal, 1);
        return 0;
    }
    at = fmin((double)(wall_ms - cal->start_ms), CALENDAR_MS_MAX);
    k = floor(at / (cal->interval_s * 1000));
    while (k > 0 && boundary(cal, k) > at)
        k--;
    while (boundary(cal, k + 1) <= at)
        k++;
    *ends_ms = 0;
    if (k >= count)
        return cal->slots - 1;
    *ends_ms = cal->start_ms + (uint64_t)boundary(cal, k + 1);
    return (uint32_t)fmod(k, cal->slots);
}

uint32_t costmap_slot_at(const struct costmap *c, uint64_t wall_ms, uint64_t *ends_ms)
{
    *ends_ms = 0;
    return c->calendar ? costmap_calendar_at(c->calendar, wall_ms, ends_ms) : 0;
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
    return at == COSTMAP_NOWHERE ? NAN : costmap_row_costs(c, row)[at];
}

uint32_t costmap_row(const struct costmap *c, pidx src, double *out)
{
    const struct costmap_row *row = src < c->pid_count ? &c->rows[src] : NULL;
    const double *cost;
    uint32_t known = 0;

    for (uint32_t i = 0; i < c->pid_count; i++)
        out[i] = NAN;
    if (!row || !row->columns)
        return 0;
    cost = costmap_row_costs(c, row);
    for (uint32_t i = 0; i < row->columns->count; i++) {
        out[row->columns->dst[i]] = cost[i];
        known += isnan(cost[i]) ? 0 : 1;
    }
    return known;
}

void costmap_gather(const struct costmap *c, pidx src, const pidx *dst, size_t n, double *out)
{
    const struct costmap_row *row = src < c->pid_count ? &c->rows[src] : NULL;
    const double *cost = row && row->columns ? costmap_row_costs(c, row) : NULL;

    for (size_t i = 0; i < n; i++) {
        uint32_t at = COSTMAP_NOWHERE;

        if (cost && dst[i] < c->pid_count)
            at = column_of(row->columns, dst[i]);
        out[i] = at == COSTMAP_NOWHERE ? (double)NAN : cost[at];
    }
}

bool costmap_has_row(const struct costmap *c, pidx src)
{
    return src < c->pid_count && c->rows[src].columns != NULL;
}

static void write_meta(struct json_write *w, const struct costmap *c)
{
    const struct costmap_info *info = &c->info;

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
    if (info->context.n) {
        json_write_key(w, STR("cost-context"));
        json_write_made(w, info->context);
    }
    if (info->description.n) {
        json_write_key(w, STR("description"));
        json_write_string(w, info->description);
    }
    json_write_object_end(w);
    if (c->calendar) {
        json_write_key(w, STR("calendar-response-attributes"));
        json_write_array(w);
        calendar_write(w, c->calendar);
        json_write_array_end(w);
    }
    json_write_object_end(w);
}

#define KEY_MAX (PID_NAME_MAX + 3u) /* with its quotes and the colon */
#define KEY_PAD 32u                 /* bytes that may be read behind the last */

/* The PIDs' names as keys, one behind the other; keys[i] points into text. NULL: no memory. */
static struct str *make_keys(const struct netmap *map, pidx count, struct bytes *text)
{
    struct str *keys = calloc(count + 1u, sizeof *keys);
    bool good = keys != NULL;

    for (size_t i = 0; good && i < count; i++) {
        keys[i] = (struct str){NULL, map->pids[i].name.n + 3};
        good = bytes_printf(text, "\"%s\":", map->pids[i].name.p); /* no name needs an escape */
    }
    if (!good || !bytes_reserve(text, KEY_PAD)) {
        free(keys);
        return NULL;
    }
    for (size_t i = 0, at = 0; i < count; i++) {
        keys[i].p = text->data + at;
        at += keys[i].n;
    }
    return keys;
}

/* Whether column i has a cost in any of the planes that are written. */
static bool column_known(const struct costmap_row *row, const double *cost, uint32_t i,
                         uint32_t planes)
{
    for (uint32_t k = 0; k < planes; k++)
        if (!isnan(cost[(size_t)k * row->step + i]))
            return true;
    return false;
}

static void write_costs(struct json_write *w, const double *cost, uint32_t step, uint32_t planes)
{
    json_write_array(w);
    for (uint32_t k = 0; k < planes; k++) {
        double one = cost[(size_t)k * step];

        if (isnan(one))
            json_write_null(w);
        else
            json_write_number(w, one);
    }
    json_write_array_end(w);
}

/* Most names are short: a copy of fixed length is two instructions. There is room for it, and
 * something to read behind the key. */
static inline char *put_key(char *p, struct str key)
{
    assert(key.p);
    if (LIKELY(key.n <= KEY_PAD))
        memcpy(p, key.p, KEY_PAD);
    else
        memcpy(p, key.p, key.n);
    return p + key.n;
}

static inline char *put_cost(char *p, double v)
{
    uint32_t n = v >= 0 && v < 1000 ? (uint32_t)v : 1000;

    if (UNLIKELY(n == 1000 || (double)n != v))
        return p + json_text_from_double(v, p);
    if (n >= 100) {
        *p++ = (char)('0' + n / 100);
        n %= 100;
        *p++ = (char)('0' + n / 10);
    } else if (n >= 10) {
        *p++ = (char)('0' + n / 10);
    }
    *p++ = (char)('0' + n % 10);
    return p;
}

/* A row of single costs: a map has millions of them, so the text is put down directly, into room
 * for the longest. */
static void write_plain_row(struct json_write *w, const struct costmap_row *row, const double *cost,
                            struct str src, const struct str *keys)
{
    const struct costmap_columns *columns = row->columns;
    size_t room = KEY_MAX + KEY_PAD + columns->count * (KEY_MAX + JSON_TEXT_NUMBER_MAX + 2);
    char *begin = json_write_room(w, room), *p = begin;
    uint32_t i = 0;

    while (i < columns->count && isnan(cost[i]))
        i++;
    if (!begin || i == columns->count)
        return;
    p = put_key(p, src);
    *p++ = '{';
    for (; i < columns->count; i++) {
        if (UNLIKELY(isnan(cost[i])))
            continue;
        p = put_key(p, keys[columns->dst[i]]);
        p = put_cost(p, cost[i]);
        *p++ = ',';
        if (UNLIKELY((size_t)(p - w->out->data) - w->line >= JSON_WRITE_LINE)) {
            *p++ = '\n';
            w->line = (size_t)(p - w->out->data);
        }
    }
    /* The last comma goes, and a line feed behind it stays: it may stand there, too. */
    if (p[-1] == '\n') {
        p[-2] = '\n';
        p--;
        w->line--;
    } else {
        p--;
    }
    *p++ = '}';
    json_write_used(w, p);
}

static void write_row(struct json_write *w, const struct costmap *c, const struct costmap_row *row,
                      struct str src, const struct str *keys)
{
    const double *cost = row->columns ? costmap_row_costs(c, row) : NULL;
    uint32_t planes = c->calendar && row->step ? c->calendar->slots : 1;
    bool any = false;

    for (uint32_t i = 0; cost && i < row->columns->count; i++) {
        if (!column_known(row, cost, i, planes))
            continue;
        if (!any) {
            json_write_key_made(w, src);
            json_write_object(w);
            any = true;
        }
        json_write_key_made(w, keys[row->columns->dst[i]]);
        if (c->calendar && row->step)
            write_costs(w, cost + i, row->step, planes);
        else
            json_write_number(w, cost[i]);
        json_write_break(w, JSON_WRITE_LINE);
    }
    if (any)
        json_write_object_end(w);
}

void costmap_write_rows(struct json_write *w, const struct costmap *c, const struct netmap *map)
{
    struct bytes text = {0};
    struct str *keys = make_keys(map, c->pid_count, &text);

    json_write_object(w);
    for (size_t src = 0; keys && src < c->pid_count; src++) {
        const struct costmap_row *row = &c->rows[src];

        if (row->columns && !(c->calendar && row->step))
            write_plain_row(w, row, costmap_row_costs(c, row), keys[src], keys);
        else
            write_row(w, c, row, keys[src], keys);
    }
    json_write_object_end(w);
    w->full = w->full || !keys;
    free(keys);
    bytes_free(&text);
}

bool costmap_format(const struct costmap *c, const struct netmap *map, struct bytes *out)
{
    struct json_write w;

    json_write_init(&w, out);
    json_write_object(&w);
    write_meta(&w, c);
    json_write_key(&w, STR("cost-map"));
    costmap_write_rows(&w, c, map);
    json_write_object_end(&w);
    return json_write_done(&w);
}
