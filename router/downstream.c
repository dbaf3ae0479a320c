#include "router/downstream.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/suggest.h"
#include "router/coverage.h"
#include "router/host_index.h"
#include "router/rendezvous.h"
#include "router/route.h"
#include "router/view_copy.h"
#include "router/view_pid.h"

#define TARGET_MAX 255

static const struct costmap *metric_map(const struct view *v, struct str metric)
{
    for (unsigned i = 0; i < v->costmap_count; i++)
        if (str_eq(metric, str_from(costmap_info_get(v->costmaps[i])->metric)))
            return v->costmaps[i];
    return NULL;
}

/* As the service reckons: the sum of its metrics, or the first map. */
static double cost_of(const struct view *v, const struct service_conf *s, pidx from,
                      const struct view_downstream *d)
{
    double sum = 0;

    if (d->pid == PIDX_NONE)
        return d->conf->cost;
    if (!v->costmap)
        return 0; /* without a cost map all pairs cost the same */
    if (from == PIDX_NONE)
        return NAN;
    if (s->cost_count == 0 || v->costmap_count == 0)
        return costmap_get(v->costmap, from, d->pid);
    for (size_t i = 0; i < s->cost_count; i++) {
        const struct costmap *map = metric_map(v, s->costs[i].metric);

        if (s->costs[i].weight > 0)
            sum += map ? s->costs[i].weight * costmap_get(map, from, d->pid) : NAN;
    }
    return sum;
}

static bool has_target(const struct downstream_conf *c, uint8_t can)
{
    return (can & ROUTE_CAN_HTTP && c->http_host.n) ||
           (can & ROUTE_CAN_HTTPS && c->http_host.n && c->https) ||
           (can & ROUTE_CAN_DNS && c->dns_cname.n);
}

/* Lower cost, unknown ones last, then the content's own. */
static bool is_before(double cost, double pull, double best, double best_pull)
{
    if (isnan(cost) != isnan(best))
        return isnan(best);
    if (!isnan(cost) && (cost < best || cost > best))
        return cost < best;
    return pull < best_pull;
}

uint16_t downstream_choose(const struct view *v, svidx service, const struct located *at,
                           uint8_t can, uint64_t content, double *cost)
{
    const struct view_service *s = &v->services[service];
    uint16_t best = DOWNSTREAM_NONE;
    double best_pull = 0;

    *cost = NAN;
    if (s->conf->delegated)
        return DOWNSTREAM_NONE;
    for (uint16_t i = 0; i < s->downstream_count; i++) {
        const uint16_t at_view = s->downstreams[i];
        const struct view_downstream *d = &v->downstreams[at_view];
        double mine, pull;

        if (!has_target(d->conf, can) ||
            !coverage_has(v->coverage, at, v->streamer_count + (unsigned)at_view))
            continue;
        mine = cost_of(v, s->conf, at->pid, d);
        pull = rendezvous_pull(content, d->hash, (float)(1 / d->conf->weight));
        if (best == DOWNSTREAM_NONE || is_before(mine, pull, *cost, best_pull)) {
            best = at_view;
            *cost = mine;
            best_pull = pull;
        }
    }
    return best;
}

uint16_t downstream_find(const struct view *v, struct str name)
{
    uint16_t low = 0, high = v->downstream_count;

    while (low < high) {
        uint16_t mid = (uint16_t)((low + high) / 2);
        int c = str_cmp(v->downstreams[mid].conf->name, name);

        if (c == 0)
            return mid;
        if (c < 0)
            low = (uint16_t)(mid + 1);
        else
            high = mid;
    }
    return DOWNSTREAM_NONE;
}

static enum err_code out_of_memory(struct err *e)
{
    return err_set(e, ERR_LIMIT, "downstream CDNs do not fit the %zu MiB that a view may have",
                   VIEW_BYTES_MAX >> 20);
}

static int by_name(const void *a, const void *b)
{
    const struct view_downstream *x = a, *y = b;

    return str_cmp(x->conf->name, y->conf->name);
}

static enum err_code one_build(const struct view *v, struct view_downstream *d, struct err *e)
{
    const struct downstream_conf *c = d->conf;

    if (view_find_streamer(v, c->name) != SIDX_NONE)
        return err_set(e, ERR_CONFLICT, "a streamer has this name; names are unique");
    if (!(c->weight > 0) || !isfinite(c->weight))
        return err_set(e, ERR_PARSE, "weight %g is not above 0", c->weight);
    if (!(c->cost >= 0) || !isfinite(c->cost))
        return err_set(e, ERR_PARSE, "cost %g is not a number of 0 or more", c->cost);
    if (c->http_host.n == 0 && c->dns_cname.n == 0)
        return err_set(e, ERR_PARSE, "it has neither an http_host nor a dns_cname to send to");
    d->hash = hash_content(c->name.p, c->name.n);
    return view_pid_find(v, "pid", c->pid, &d->pid, e);
}

enum err_code downstream_build(struct view *v, const struct view_inputs *in, struct err *e)
{
    struct view_downstream *d = arena_array(v->arena, in->downstream_count, sizeof *d);
    enum err_code rc = ERR_OK;

    if (in->downstream_count > DOWNSTREAMS_MAX)
        return err_set(e, ERR_LIMIT, "%zu downstream CDNs, at most %u", in->downstream_count,
                       DOWNSTREAMS_MAX);
    for (size_t i = 0; i < in->downstream_count && d; i++) {
        d[i].conf = downstream_conf_copy(&in->downstreams[i], v->arena);
        if (!d[i].conf)
            return out_of_memory(e);
    }
    if (!d)
        return out_of_memory(e);
    if (in->downstream_count)
        qsort(d, in->downstream_count, sizeof *d, by_name);
    for (size_t i = 0; i < in->downstream_count && rc == ERR_OK; i++) {
        if (i && by_name(&d[i - 1], &d[i]) == 0)
            rc = err_set(e, ERR_CONFLICT, "there are two of this name; names are unique");
        else
            rc = one_build(v, &d[i], e);
        if (rc != ERR_OK)
            err_wrap(e, "downstream CDN %s", d[i].conf->name.p);
    }
    v->downstreams = d;
    v->downstream_count = (uint16_t)in->downstream_count;
    return rc;
}

/* The service of ours that answers for a delegation target: lower case, without port, brackets and
 * the last dot, as hosts are. */
static svidx answered_by_us(const struct view *v, struct str target, bool port)
{
    char host[TARGET_MAX];
    const char *colon = port && target.n ? memrchr(target.p, ':', target.n) : NULL;

    if (colon && !(target.p[0] == '[' && target.p[target.n - 1] == ']'))
        target.n = (size_t)(colon - target.p);
    if (target.n > 2 && target.p[0] == '[' && target.p[target.n - 1] == ']')
        target = (struct str){target.p + 1, target.n - 2};
    if (target.n && target.p[target.n - 1] == '.')
        target.n--;
    if (target.n == 0 || target.n > sizeof host)
        return SVIDX_NONE;
    for (size_t i = 0; i < target.n; i++)
        host[i] =
            (char)(target.p[i] >= 'A' && target.p[i] <= 'Z' ? target.p[i] | 0x20 : target.p[i]);
    return view_find_service(v, (struct str){host, target.n}, (struct str){NULL, 0});
}

static enum err_code loops_check(const struct view *v, struct err *e)
{
    for (uint16_t i = 0; i < v->downstream_count; i++) {
        const struct downstream_conf *c = v->downstreams[i].conf;
        const svidx http = answered_by_us(v, c->http_host, true);
        const svidx ours = http != SVIDX_NONE ? http : answered_by_us(v, c->dns_cname, false);

        if (ours != SVIDX_NONE)
            return err_set(e, ERR_CONFLICT,
                           "downstream CDN %s: clients would be sent to \"%s\", for which service "
                           "%s of this router answers: a loop",
                           c->name.p, http != SVIDX_NONE ? c->http_host.p : c->dns_cname.p,
                           v->services[ours].conf->name.p);
    }
    return ERR_OK;
}

static enum err_code find_named(const struct view *v, struct str name, uint16_t *out, struct err *e)
{
    char shown[128], hint[SUGGEST_TEXT_MAX];
    struct suggest s;

    *out = downstream_find(v, name);
    if (*out != DOWNSTREAM_NONE)
        return ERR_OK;
    suggest_init(&s, name);
    for (uint16_t i = 0; i < v->downstream_count; i++)
        suggest_offer(&s, v->downstreams[i].conf->name);
    return err_set(e, ERR_NOT_FOUND, "there is no downstream CDN \"%s\"%s",
                   bytes_escape(name.p, name.n, shown, sizeof shown), suggest_format(&s, hint));
}

static int by_index(const void *a, const void *b)
{
    uint16_t x = *(const uint16_t *)a, y = *(const uint16_t *)b;

    return (x > y) - (x < y);
}

static enum err_code service_link(struct view *v, struct view_service *s, struct err *e)
{
    const size_t n = s->conf->downstream_count;
    uint16_t *list;
    enum err_code rc = ERR_OK;

    if (n > v->downstream_count)
        return err_set(e, v->downstream_count ? ERR_CONFLICT : ERR_NOT_FOUND,
                       "it names %zu downstream CDNs and there are %u; name each once", n,
                       v->downstream_count);
    list = arena_array(v->arena, n, sizeof *list);
    if (!list)
        return out_of_memory(e);
    for (size_t i = 0; i < n && rc == ERR_OK; i++)
        rc = find_named(v, s->conf->downstreams[i], &list[i], e);
    if (rc != ERR_OK)
        return rc;
    if (n)
        qsort(list, n, sizeof *list, by_index);
    for (size_t i = 1; i < n; i++)
        if (list[i] == list[i - 1])
            return err_set(e, ERR_CONFLICT, "it names downstream CDN %s twice",
                           v->downstreams[list[i]].conf->name.p);
    s->downstreams = list;
    s->downstream_count = (uint16_t)n;
    return ERR_OK;
}

enum err_code downstream_link(struct view *v, struct err *e)
{
    struct view_service *s = (struct view_service *)(uintptr_t)v->services;
    enum err_code rc = loops_check(v, e);

    for (svidx i = 0; i < v->service_count && rc == ERR_OK; i++) {
        rc = service_link(v, &s[i], e);
        if (rc != ERR_OK)
            err_wrap(e, "service %s", s[i].conf->name.p);
    }
    return rc;
}
