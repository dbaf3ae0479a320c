#include "router/view_maps.h"

#include <math.h>
#include <string.h>

#include "base/log.h"
#include "base/suggest.h"

static enum err_code source_add(struct view *v, struct view_source *s, uint64_t wall_ms,
                                struct err *e)
{
    const struct costmap **maps = (const struct costmap **)(uintptr_t)v->costmaps;
    const struct costmap_info *info = costmap_info_get(s->costmap);
    uint64_t ends_ms;

    if (v->costmap_count == VIEW_COSTMAPS_MAX)
        return err_set(e, ERR_LIMIT, "more than %u cost maps", VIEW_COSTMAPS_MAX);
    if (strcmp(info->depends.tag, v->netmap->vtag.tag) != 0)
        return err_set(
            e, ERR_CONFLICT,
            "the cost map%s%s was made for version %s of the network map, which is at %s",
            v->costmap_count ? " of " : "", v->costmap_count ? info->metric : "", info->depends.tag,
            v->netmap->vtag.tag);
    for (unsigned i = 0; i < v->costmap_count; i++)
        if (strcmp(costmap_info_get(maps[i])->metric, info->metric) == 0)
            return err_set(e, ERR_CONFLICT, "there are two cost maps of metric %s; one is enough",
                           info->metric);
    maps[v->costmap_count++] =
        costmap_slot(s->costmap, costmap_slot_at(s->costmap, wall_ms, &ends_ms));
    v->sources[v->costmap_count] = s;
    view_source_take(s);
    return ERR_OK;
}

enum err_code view_maps_take(struct view *v, const struct view_inputs *in, struct err *e)
{
    const struct costmap **maps;
    enum err_code rc = ERR_OK;

    if ((in->costmap || in->more_costmap_count) && !in->netmap)
        return err_set(e, ERR_CONFLICT, "there is a cost map and no network map to read it by");
    if (!in->netmap)
        return ERR_OK;
    v->netmap = in->netmap->netmap;
    v->sources[0] = in->netmap;
    view_source_take(in->netmap);
    maps = arena_array(v->arena, VIEW_COSTMAPS_MAX, sizeof(void *));
    if (!maps)
        return err_set(e, ERR_LIMIT, "no memory for a view");
    v->costmaps = maps;
    if (in->costmap)
        rc = source_add(v, in->costmap, in->wall_ms, e);
    for (size_t i = 0; i < in->more_costmap_count && rc == ERR_OK; i++)
        rc = source_add(v, in->more_costmaps[i], in->wall_ms, e);
    v->costmap = maps[0];
    return rc;
}

static enum err_code metric_find(const struct view *v, struct str metric, unsigned *out,
                                 struct err *e)
{
    char shown[128], hint[SUGGEST_TEXT_MAX];
    struct suggest s;

    suggest_init(&s, metric);
    for (unsigned i = 0; i < v->costmap_count; i++) {
        struct str have = str_from(costmap_info_get(v->costmaps[i])->metric);

        *out = i;
        if (str_eq(have, metric))
            return ERR_OK;
        suggest_offer(&s, have);
    }
    return err_set(e, ERR_NOT_FOUND, "costs: there is no cost map of metric \"%s\"%s",
                   bytes_escape(metric.n ? metric.p : "", metric.n, shown, sizeof shown),
                   suggest_format(&s, hint));
}

enum err_code view_maps_weights(const struct view *v, const struct service_conf *c,
                                double weight[VIEW_COSTMAPS_MAX], struct err *e)
{
    uint32_t seen = 0;
    bool any = c->cost_count == 0;

    for (unsigned i = 0; i < VIEW_COSTMAPS_MAX; i++)
        weight[i] = 0;
    if (v->maps_pending && v->costmap_count == 0)
        any = true;
    weight[0] = any ? 1 : 0;
    for (size_t i = 0; i < c->cost_count && !(v->maps_pending && v->costmap_count == 0); i++) {
        const struct cost_part *p = &c->costs[i];
        unsigned at = 0;

        if (metric_find(v, p->metric, &at, e) != ERR_OK)
            return ERR_NOT_FOUND;
        if (seen >> at & 1)
            return err_set(e, ERR_CONFLICT, "costs: metric %s stands there twice", p->metric.p);
        if (!(p->weight >= 0) || !isfinite(p->weight))
            return err_set(e, ERR_PARSE, "costs: weight %g of %s is not a number of 0 or more",
                           p->weight, p->metric.p);
        seen |= 1U << at;
        weight[at] = p->weight;
        any = any || p->weight > 0;
    }
    return any ? ERR_OK : err_set(e, ERR_PARSE, "costs: no weight is above 0");
}

void view_maps_until(struct view *v, uint64_t wall_ms, uint32_t used)
{
    v->valid_until_ms = 0;
    for (unsigned i = 0; i < v->costmap_count; i++) {
        const struct costmap *c = v->sources[1 + i]->costmap;
        uint64_t ends_ms;

        (void)costmap_slot_at(c, wall_ms, &ends_ms);
        if (!(used >> i & 1) || !costmap_calendar_get(c))
            continue;
        if (ends_ms == 0)
            log_warn("event=view.calendar-over metric=%s hint=\"its last slot stays; give a newer "
                     "cost map\"",
                     costmap_info_get(c)->metric);
        else if (v->valid_until_ms == 0 || ends_ms < v->valid_until_ms)
            v->valid_until_ms = ends_ms;
    }
}
