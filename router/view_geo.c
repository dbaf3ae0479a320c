#include "router/view_geo.h"

#include <stdlib.h>
#include <string.h>

#include "router/admit.h"
#include "router/candidates.h"
#include "router/coverage.h"
#include "router/downstream.h"
#include "router/fci.h"
#include "router/geo.h"
#include "router/view_pid.h"

static void geo_let_go(void *arg)
{
    geo_drop((struct geo *)arg);
}

static enum err_code out_of_memory(const struct view *v, struct err *e)
{
    return err_set(e, ERR_LIMIT, "geography does not fit the %zu MiB that a view may have",
                   arena_cap(v->arena) >> 20);
}

static enum err_code rule_check(const struct geo_pid *r, struct err *e)
{
    char shown[32];

    if (r->country.n == 0 ||
        (r->country.n == 2 && r->country.p[0] >= 'a' && r->country.p[0] <= 'z' &&
         r->country.p[1] >= 'a' && r->country.p[1] <= 'z'))
        return ERR_OK;
    return err_set(e, ERR_PARSE, "country \"%s\" is not two lower case letters, as \"de\"",
                   bytes_escape(r->country.p, r->country.n, shown, sizeof shown));
}

static bool rule_matches(const struct geo_pid *r, const struct geo_place *p)
{
    return (r->country.n == 0 || memcmp(r->country.p, p->country, 2) == 0) &&
           (r->asn == 0 || r->asn == p->asn);
}

/* PIDs of the rules, then of the places. */
static enum err_code places_map(const struct view *v, const struct view_inputs *in, pidx *of_place,
                                struct err *e)
{
    pidx *of_rule = calloc(in->geo_pid_count, sizeof *of_rule);
    enum err_code rc = of_rule ? ERR_OK : out_of_memory(v, e);

    for (size_t r = 0; r < in->geo_pid_count && rc == ERR_OK; r++) {
        rc = rule_check(&in->geo_pids[r], e);
        if (rc == ERR_OK)
            rc = view_pid_find(v, "pid", in->geo_pids[r].pid, &of_rule[r], e);
        if (rc != ERR_OK)
            err_wrap(e, "geo.pids[%zu]", r);
    }
    for (uint32_t p = 0; p < v->geo->place_count && rc == ERR_OK; p++) {
        of_place[p] = PIDX_NONE;
        for (size_t r = 0; r < in->geo_pid_count; r++)
            if (rule_matches(&in->geo_pids[r], &v->geo->places[p])) {
                of_place[p] = of_rule[r];
                break;
            }
    }
    free(of_rule);
    return rc;
}

/* The network map once more, without its defaults. */
static enum err_code named_build(const struct view *v, const struct lpm **out, struct err *e)
{
    const struct netmap *m = v->netmap;
    struct lpm_entry *entries = calloc(m->prefix_count + 1u, sizeof *entries);
    enum err_code rc;
    size_t n = 0;

    if (!entries)
        return out_of_memory(v, e);
    for (pidx i = 0; i < m->pid_count; i++)
        for (uint32_t k = 0; k < m->pids[i].prefix_count; k++) {
            struct prefix p = m->pids[i].prefixes[k];

            if (p.len > (prefix_is_v4(p) ? ADDR_V4_BITS : 0))
                entries[n++] = (struct lpm_entry){p, 0};
        }
    rc = lpm_build(entries, n, v->arena, out, e);
    free(entries);
    return rc;
}

static enum err_code fallback_build(struct view *v, const struct view_inputs *in, struct err *e)
{
    struct geo_fallback *f = arena_array(v->arena, 1, sizeof *f);
    pidx *pids;
    enum err_code rc;

    if (!v->geo)
        return err_set(e, ERR_CONFLICT,
                       "geo.pids say where countries and ASNs are, and there is no mmdb file that "
                       "says who is in them");
    pids = arena_array(v->arena, v->geo->place_count, sizeof *pids);
    if (!f || !pids)
        return out_of_memory(v, e);
    rc = places_map(v, in, pids, e);
    if (rc == ERR_OK) /* a PID was found, so there is a network map */
        rc = named_build(v, &f->named, e);
    if (rc != ERR_OK)
        return rc;
    f->pid = pids;
    v->fallback = f;
    return ERR_OK;
}

enum err_code view_geo_build(struct view *v, const struct view_inputs *in, struct err *e)
{
    if (in->geo) {
        if (!view_on_free(v, geo_let_go, in->geo))
            return err_set(e, ERR_LIMIT, "too many parts in a view");
        geo_take(in->geo);
        v->geo = in->geo;
    }
    return in->geo_pid_count ? fallback_build(v, in, e) : ERR_OK;
}

static bool service_has_footprint(const struct view *v, const struct view_service *s)
{
    for (uint16_t i = 0; i < s->candidates->count; i++)
        if (v->streamers[s->candidates->slot[i].streamer].conf->footprint_count)
            return true;
    for (uint16_t i = 0; i < s->downstream_count; i++)
        if (v->downstreams[s->downstreams[i]].conf->footprint_count)
            return true;
    return false;
}

static void places_fill(struct view *v)
{
    struct view_service *s = (struct view_service *)(uintptr_t)v->services;

    for (svidx i = 0; i < v->service_count; i++)
        s[i].places = v->fallback || admit_asks_places(s[i].admit) ||
                      (v->coverage && service_has_footprint(v, &s[i]));
}

static enum err_code admission_build(struct view *v, struct err *e)
{
    struct view_service *s = (struct view_service *)(uintptr_t)v->services;
    enum err_code rc = ERR_OK;

    for (svidx i = 0; i < v->service_count && rc == ERR_OK; i++) {
        rc = admit_build(v, &s[i].conf->admit, &s[i].admit, e);
        if (rc != ERR_OK)
            err_wrap(e, "service %s", s[i].conf->name.p);
    }
    return rc;
}

enum err_code view_geo_finish(struct view *v, const struct view_inputs *in, struct err *e)
{
    enum err_code rc = downstream_build(v, in, e);

    if (rc == ERR_OK)
        rc = downstream_link(v, e);
    if (rc == ERR_OK)
        rc = coverage_build(v, &v->coverage, e);
    if (rc == ERR_OK)
        rc = admission_build(v, e);
    if (rc == ERR_OK)
        places_fill(v);
    return rc;
}
