#include "router/sim/report.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_write.h"
#include "router/sim/bound_world.h"

const char *sim_metric_name(enum sim_metric m)
{
    static const char *const names[SIM_METRICS] = {
        [SIM_COST] = "cost",
        [SIM_CLIENT_COST] = "client_cost",
        [SIM_ORIGIN_COST] = "origin_cost",
        [SIM_TO_BOUND] = "cost_to_bound",
        [SIM_TO_BLIND] = "cost_to_blind_bound",
        [SIM_TO_SLICE] = "cost_to_slice_bound",
        [SIM_HIT] = "hit_ratio",
        [SIM_FULL] = "overload",
        [SIM_FAILED] = "failed",
        [SIM_LOAD_P99] = "load_p99",
        [SIM_LOAD_MAX_MEAN] = "load_max_mean",
        [SIM_MOVED_LEAVE] = "moved_leave",
        [SIM_MOVED_RETURN] = "moved_return",
        [SIM_KEYS_LEAVE] = "keys_moved_leave",
        [SIM_KEYS_RETURN] = "keys_moved_return",
        [SIM_DECIDE_NS] = "decide_ns",
        [SIM_SESSIONS_S] = "sessions_per_second",
        [SIM_SLICE_BOUND] = "slice_bound",
        [SIM_SLICE_CLIENT] = "slice_bound_client",
        [SIM_SLICE_ORIGIN] = "slice_bound_origin",
    };

    return (unsigned)m < SIM_METRICS ? names[m] : "none";
}

double sim_metric_of(const struct sim_result *r, enum sim_metric m)
{
    double served = r->sessions ? (double)r->sessions : 1;
    double all = (double)(r->sessions + r->failed);

    switch (m) {
    case SIM_COST:
        return sim_result_cost(r);
    case SIM_CLIENT_COST:
        return r->client_cost / served;
    case SIM_ORIGIN_COST:
        return r->origin_cost / served;
    case SIM_TO_BOUND:
        return r->bound > 0 && r->sessions ? sim_result_cost(r) / r->bound : NAN;
    case SIM_TO_BLIND:
        return r->bound_blind > 0 && r->sessions ? sim_result_cost(r) / r->bound_blind : NAN;
    case SIM_TO_SLICE:
        return r->slice_bound > 0 && r->sessions ? sim_result_cost(r) / r->slice_bound : NAN;
    case SIM_HIT:
        return (double)r->hits / served;
    case SIM_FULL:
        return (double)r->full / served;
    case SIM_FAILED:
        return all > 0 ? (double)r->failed / all : 0;
    case SIM_LOAD_P99:
        return r->load_p99;
    case SIM_LOAD_MAX_MEAN:
        return r->load_max_mean;
    case SIM_MOVED_LEAVE:
        return r->moved_leave;
    case SIM_MOVED_RETURN:
        return r->moved_return;
    case SIM_KEYS_LEAVE:
        return sim_keys_share(&r->keys_leave);
    case SIM_KEYS_RETURN:
        return sim_keys_share(&r->keys_return);
    case SIM_DECIDE_NS:
        return r->decide_ns;
    case SIM_SESSIONS_S:
        return r->run_s > 0 ? (double)r->all_sessions / r->run_s : 0;
    case SIM_SLICE_BOUND:
        return r->slice_bound;
    case SIM_SLICE_CLIENT:
        return r->slice_client;
    case SIM_SLICE_ORIGIN:
        return r->slice_origin;
    case SIM_METRICS:
        break;
    }
    return NAN;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

#define SEEDS_MAX 1000u

static double median(double *value, size_t n)
{
    if (n == 0)
        return NAN;
    qsort(value, n, sizeof *value, by_value);
    return n % 2 ? value[n / 2] : (value[n / 2 - 1] + value[n / 2]) / 2;
}

double sim_report_median(const struct sim_report *r, size_t topology, size_t policy,
                         enum sim_metric m)
{
    const struct sim_report_topology *t = &r->topologies[topology];
    double value[SEEDS_MAX];
    size_t n = 0;

    for (size_t s = 0; s < r->conf->seeds && n < SEEDS_MAX; s++) {
        double x = sim_metric_of(&t->runs[s * r->conf->policy_count + policy], m);

        if (!isnan(x))
            value[n++] = x;
    }
    return median(value, n);
}

double sim_report_bound(const struct sim_report *r, size_t topology, size_t member)
{
    double value[SEEDS_MAX];
    size_t n = 0;

    for (size_t s = 0; s < r->conf->seeds && n < SEEDS_MAX; s++) {
        const char *b = (const char *)&r->topologies[topology].bounds[s];

        memcpy(&value[n], b + member, sizeof *value);
        if (!isnan(value[n]))
            n++;
    }
    return median(value, n);
}

/* ---- running */

struct progress {
    sim_progress_fn *fn;
    void *arg;
    double done, runs;
};

static void on_progress(void *arg, double done)
{
    const struct progress *p = arg;

    p->fn(p->arg, (p->done + done) / p->runs);
}

/* Without one the policies can still be told from each other. */
static struct sim_bound bound_make(const struct sim_world *w)
{
    struct sim_bound none = {NAN, NAN, NAN, NAN}, out = none;
    struct bound_result r;
    struct err e = {0};
    double n;

    if (!w->conf->bound || bound_world(w, &r, &out.blind, &e) != ERR_OK || r.sessions == 0)
        return none;
    n = (double)r.sessions;
    out.offline = r.total / n;
    out.client = r.client / n;
    out.origin = r.origin / n;
    return out;
}

static enum err_code run_topology(const struct sim_conf *c, struct sim_report_topology *t,
                                  struct progress *p, struct err *e)
{
    enum err_code rc = ERR_OK;

    for (size_t s = 0; s < c->seeds && rc == ERR_OK; s++) {
        struct sim_world *w = NULL;

        rc = sim_world_new(c, t->topology, c->seed + s, &w, e);
        if (rc == ERR_OK)
            t->bounds[s] = bound_make(w);
        for (size_t i = 0; i < c->policy_count && rc == ERR_OK; i++) {
            rc = sim_run(w, c->policies[i], p->fn ? on_progress : NULL, p,
                         &t->runs[s * c->policy_count + i], e);
            t->runs[s * c->policy_count + i].bound = t->bounds[s].offline;
            t->runs[s * c->policy_count + i].bound_blind = t->bounds[s].blind;
            p->done++;
        }
        sim_world_free(w);
    }
    return rc;
}

enum err_code sim_report_run(const struct sim_conf *conf, sim_progress_fn *progress, void *arg,
                             struct sim_report *out, struct err *e)
{
    struct progress p = {.fn = progress, .arg = arg};
    enum err_code rc = ERR_OK;

    *out = (struct sim_report){.conf = conf, .arena = arena_new((size_t)256 << 20)};
    out->topologies = calloc(conf->topology_count, sizeof *out->topologies);
    if (!out->arena || !out->topologies)
        rc = err_set(e, ERR_LIMIT, "no memory for the results");
    p.runs = (double)(conf->topology_count * conf->seeds * conf->policy_count);
    for (size_t i = 0; i < conf->topology_count && rc == ERR_OK; i++) {
        struct sim_report_topology *t = &out->topologies[i];

        t->runs = calloc(conf->seeds * conf->policy_count, sizeof *t->runs);
        t->bounds = calloc(conf->seeds, sizeof *t->bounds);
        rc = t->runs && t->bounds
                 ? topology_load(conf->topologies[i].p, out->arena, &t->topology, e)
                 : err_set(e, ERR_LIMIT, "no memory for the results");
        if (rc == ERR_OK)
            rc = run_topology(conf, t, &p, e);
    }
    if (rc != ERR_OK)
        sim_report_fini(out);
    return rc;
}

void sim_report_fini(struct sim_report *r)
{
    for (size_t i = 0; r->topologies && i < r->conf->topology_count; i++) {
        struct sim_report_topology *t = &r->topologies[i];

        for (size_t k = 0; t->runs && k < r->conf->seeds * r->conf->policy_count; k++)
            sim_result_fini(&t->runs[k]);
        free(t->runs);
        free(t->bounds);
    }
    free(r->topologies);
    arena_free(r->arena);
    *r = (struct sim_report){0};
}

/* ---- JSON */

static void write_number(struct json_write *w, const char *key, double v)
{
    json_write_key(w, str_from(key));
    if (isfinite(v))
        json_write_number(w, v);
    else
        json_write_null(w);
}

static void write_uint(struct json_write *w, const char *key, uint64_t v)
{
    json_write_key(w, str_from(key));
    json_write_uint(w, v);
}

static void write_text(struct json_write *w, const char *key, struct str text)
{
    json_write_key(w, str_from(key));
    json_write_string(w, text);
}

static void write_run(struct json_write *w, const struct sim_result *run)
{
    json_write_object(w);
    write_uint(w, "seed", run->seed);
    write_uint(w, "sessions", run->sessions);
    write_uint(w, "cut", run->cut);
    for (unsigned m = 0; m < SIM_METRICS; m++)
        write_number(w, sim_metric_name((enum sim_metric)m),
                     sim_metric_of(run, (enum sim_metric)m));
    json_write_object_end(w);
}

static void write_policy(struct json_write *w, const struct sim_report *r, size_t topology,
                         size_t policy)
{
    const struct sim_report_topology *t = &r->topologies[topology];

    json_write_object(w);
    write_text(w, "policy", str_from(sim_policy_name(r->conf->policies[policy])));
    json_write_key(w, STR("median"));
    json_write_object(w);
    for (unsigned m = 0; m < SIM_METRICS; m++)
        write_number(w, sim_metric_name((enum sim_metric)m),
                     sim_report_median(r, topology, policy, (enum sim_metric)m));
    json_write_object_end(w);
    json_write_key(w, STR("runs"));
    json_write_array(w);
    for (size_t s = 0; s < r->conf->seeds; s++)
        write_run(w, &t->runs[s * r->conf->policy_count + policy]);
    json_write_array_end(w);
    json_write_object_end(w);
}

static void write_bounds(struct json_write *w, const struct sim_report *r, size_t topology)
{
    json_write_key(w, STR("bound"));
    json_write_object(w);
    write_number(w, "cost", sim_report_bound(r, topology, offsetof(struct sim_bound, offline)));
    write_number(w, "client_cost",
                 sim_report_bound(r, topology, offsetof(struct sim_bound, client)));
    write_number(w, "origin_cost",
                 sim_report_bound(r, topology, offsetof(struct sim_bound, origin)));
    write_number(w, "blind_cost", sim_report_bound(r, topology, offsetof(struct sim_bound, blind)));
    json_write_object_end(w);
}

bool sim_report_json(const struct sim_report *r, struct str name, struct bytes *out)
{
    struct json_write w;

    json_write_init(&w, out);
    json_write_object(&w);
    write_text(&w, "scenario", name);
    json_write_key(&w, STR("topologies"));
    json_write_array(&w);
    for (size_t i = 0; i < r->conf->topology_count; i++) {
        const struct topology *t = r->topologies[i].topology;

        json_write_object(&w);
        write_text(&w, "name", str_from(t->name));
        write_uint(&w, "nodes", t->count);
        write_uint(&w, "links", t->link_count);
        write_uint(&w, "placed", t->placed);
        write_uint(&w, "dropped_peers", t->dropped_peers);
        write_uint(&w, "dropped_apart", t->dropped_apart);
        write_uint(&w, "parallel_links", t->parallel);
        write_bounds(&w, r, i);
        json_write_key(&w, STR("policies"));
        json_write_array(&w);
        for (size_t p = 0; p < r->conf->policy_count; p++)
            write_policy(&w, r, i, p);
        json_write_array_end(&w);
        json_write_object_end(&w);
    }
    json_write_array_end(&w);
    json_write_object_end(&w);
    return json_write_done(&w);
}
