/* The simulator: simulated sessions a second of processor time, ours with memory and popularity on,
 * and the demand alone, which all policies share. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "router/sim/engine.h"

enum { RUNS = 5 };

static void die(const struct err *e)
{
    fprintf(stderr, "bench_simulate: %s\n", e->text);
    exit(1);
}

static int cmp(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void print(const char *topology, const char *what, double *per_s)
{
    qsort(per_s, RUNS, sizeof *per_s, cmp);
    printf("simulate-%s-%s %.2f Msessions/s spread %.2f..%.2f compiler=%s\n", topology, what,
           per_s[RUNS / 2] / 1e6, per_s[0] / 1e6, per_s[RUNS - 1] / 1e6, __VERSION__);
}

static double demand_run(const struct sim_world *w)
{
    struct sim_demand d;
    struct err e = {0};
    uint64_t sessions = 0, begin = clock_cpu_ns();

    if (sim_demand_init(&d, w, &e) != ERR_OK)
        die(&e);
    for (uint32_t i = 0; i < w->conf->duration_s; i++)
        sessions += sim_demand_step(&d);
    sim_demand_fini(&d);
    return (double)sessions * 1e9 / (double)(clock_cpu_ns() - begin);
}

static double policy_run(const struct sim_world *w, enum sim_policy p)
{
    struct sim_result r;
    struct err e = {0};
    double per_s;

    if (sim_run(w, p, NULL, NULL, &r, &e) != ERR_OK)
        die(&e);
    per_s = (double)r.all_sessions / r.run_s;
    sim_result_fini(&r);
    return per_s;
}

static void bench(const struct sim_conf *conf, const char *path)
{
    struct arena *arena = arena_new((size_t)16 << 20);
    double demand[RUNS], ours[RUNS], theirs[RUNS];
    const struct topology *t = NULL;
    struct sim_world *w = NULL;
    struct err e = {0};

    if (topology_load(path, arena, &t, &e) != ERR_OK || sim_world_new(conf, t, 1, &w, &e) != ERR_OK)
        die(&e);
    for (unsigned i = 0; i < RUNS; i++) {
        demand[i] = demand_run(w);
        ours[i] = policy_run(w, SIM_WAYMARK);
        theirs[i] = policy_run(w, SIM_TRAFFIC_ROUTER);
    }
    print(t->name, "demand", demand);
    print(t->name, "traffic-router", theirs);
    print(t->name, "waymark", ours);
    sim_world_free(w);
    arena_free(arena);
}

int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : "tests/data/topology-zoo";
    static const char *const names[] = {"Abilene", "Geant2012"};
    struct sim_conf conf;

    sim_conf_init(&conf);
    conf.capacity = 20000; /* some 430 sessions a virtual second */
    conf.duration_s = 3600;
    conf.bound = false; /* what is timed is the run */
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        char path[4096];

        snprintf(path, sizeof path, "%s/%s.graphml", folder, names[i]);
        bench(&conf, path);
    }
    return 0;
}
