#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/cli.h"
#include "daemon/cli_bar.h"
#include "daemon/cli_table.h"
#include "daemon/scenario.h"
#include "router/sim/plot.h"

#define PATH_SIZE 4096
#define COLUMNS   15

static void on_progress(void *arg, double done)
{
    cli_bar_show(arg, done);
}

/* ---- tables for people */

static void topology_head(const struct topology *t)
{
    printf("%s: %u nodes, %u links", t->name, t->count, t->link_count);
    if (t->placed)
        printf("; %u without coordinates, put amid their neighbours", t->placed);
    if (t->dropped_peers)
        printf("; %u external peers left out", t->dropped_peers);
    if (t->dropped_apart)
        printf("; %u nodes left out that are not connected", t->dropped_apart);
    puts("");
}

static void percent(char *out, double share, int digits)
{
    if (isnan(share))
        snprintf(out, TABLE_CELL_MAX, "-");
    else
        snprintf(out, TABLE_CELL_MAX, "%.*f %%", digits, 100 * share);
}

static void print_bounds(const struct sim_report *r, size_t topology)
{
    double offline = sim_report_bound(r, topology, offsetof(struct sim_bound, offline));
    double client = sim_report_bound(r, topology, offsetof(struct sim_bound, client));
    double origin = sim_report_bound(r, topology, offsetof(struct sim_bound, origin));
    double blind = sim_report_bound(r, topology, offsetof(struct sim_bound, blind));

    if (isnan(offline))
        return;
    printf("At least %.3f = %.3f client + %.3f origin, knowing the future and with nobody full",
           offline, client, origin);
    if (!isnan(blind))
        printf("; %.3f without knowing it", blind);
    puts(".");
}

static void print_topology(const struct sim_report *r, size_t topology)
{
    struct table t;

    topology_head(r->topologies[topology].topology);
    table_init(&t, "policy|>cost|>client|>origin|>to bound|>to slice|>hits|>to full|>failed|"
                   ">p99 load|>max/mean|>moved|>keys|>decisions/s|>sessions/s");
    for (size_t p = 0; p < r->conf->policy_count; p++) {
        char text[COLUMNS][TABLE_CELL_MAX];
        const char *row[COLUMNS];
        double m[SIM_METRICS];

        for (unsigned i = 0; i < SIM_METRICS; i++)
            m[i] = sim_report_median(r, topology, p, (enum sim_metric)i);
        snprintf(text[0], TABLE_CELL_MAX, "%s", sim_policy_name(r->conf->policies[p]));
        for (unsigned i = SIM_COST; i <= SIM_ORIGIN_COST; i++)
            snprintf(text[1 + i], TABLE_CELL_MAX, "%.3f", m[i]);
        snprintf(text[4], TABLE_CELL_MAX, isnan(m[SIM_TO_BOUND]) ? "-" : "%.3f", m[SIM_TO_BOUND]);
        snprintf(text[5], TABLE_CELL_MAX, isnan(m[SIM_TO_SLICE]) ? "-" : "%.3f", m[SIM_TO_SLICE]);
        percent(text[6], m[SIM_HIT], 1);
        percent(text[7], m[SIM_FULL], 3);
        percent(text[8], m[SIM_FAILED], 3);
        snprintf(text[9], TABLE_CELL_MAX, "%.2f", m[SIM_LOAD_P99]);
        snprintf(text[10], TABLE_CELL_MAX, "%.2f", m[SIM_LOAD_MAX_MEAN]);
        percent(text[11], m[SIM_MOVED_LEAVE], 2);
        percent(text[12], m[SIM_KEYS_LEAVE], 2);
        snprintf(text[13], TABLE_CELL_MAX, "%.2f M", 1e3 / m[SIM_DECIDE_NS]);
        snprintf(text[14], TABLE_CELL_MAX, "%.2f M", m[SIM_SESSIONS_S] * 1e-6);
        for (unsigned i = 0; i < COLUMNS; i++)
            row[i] = text[i];
        table_row(&t, row);
    }
    table_print(&t, stdout);
    table_fini(&t);
    print_bounds(r, topology);
}

static void print_report(const struct sim_report *r)
{
    for (size_t i = 0; i < r->conf->topology_count; i++) {
        if (i)
            puts("");
        print_topology(r, i);
    }
    printf("\nCosts are of a session. %s of %u seed%s; \"moved\" are sessions of others that go "
           "elsewhere when a streamer leaves, \"keys\" contents that were not its own and belong "
           "to another then.\n",
           r->conf->seeds > 1 ? "Medians" : "Figures", r->conf->seeds,
           r->conf->seeds > 1 ? "s" : "");
}

/* ---- files */

static bool file_put(const char *path, const struct bytes *text)
{
    FILE *f = fopen(path, "w");
    bool ok = f && fwrite(text->data, 1, text->len, f) == text->len;

    if (f && fclose(f) != 0)
        ok = false;
    if (!ok)
        fprintf(stderr, "waymark: %s cannot be written: %s\n", path, strerror(errno));
    return ok;
}

static bool bars_put(const struct sim_report *r, const char *folder)
{
    char path[PATH_SIZE];
    struct bytes text = {0};
    bool ok = true;

    for (unsigned m = 0; m < SIM_DECIDE_NS && ok; m++) {
        text.len = 0;
        snprintf(path, sizeof path, "%s/%s.svg", folder, sim_metric_name((enum sim_metric)m));
        ok = sim_plot_bars(r, (enum sim_metric)m, &text) && file_put(path, &text);
    }
    bytes_free(&text);
    return ok;
}

static bool plots_put(const struct sim_report *r, const char *folder)
{
    char path[PATH_SIZE];
    struct bytes text = {0};
    bool ok = mkdir(folder, 0777) == 0 || errno == EEXIST;

    if (!ok)
        fprintf(stderr, "waymark: %s cannot be made: %s\n", folder, strerror(errno));
    for (size_t i = 0; i < r->conf->topology_count && ok; i++)
        for (unsigned s = 0; s < SIM_SERIES_COUNT && ok; s++) {
            text.len = 0;
            snprintf(path, sizeof path, "%s/%s-%s.svg", folder, r->topologies[i].topology->name,
                     sim_series_name((enum sim_series)s));
            ok = sim_plot_series(r, i, (enum sim_series)s, &text) && file_put(path, &text);
        }
    bytes_free(&text);
    return ok && bars_put(r, folder);
}

/* ---- the command */

struct words {
    const char *scenario, *svg;
    bool json;
};

static bool words_parse(const struct cli *c, struct words *w)
{
    *w = (struct words){.json = c->json};
    for (int i = 0; i < c->argc; i++) {
        if (strcmp(c->argv[i], "--svg") == 0 && i + 1 < c->argc)
            w->svg = c->argv[++i];
        else if (strcmp(c->argv[i], "--json") == 0)
            w->json = true;
        else if (c->argv[i][0] != '-' && !w->scenario)
            w->scenario = c->argv[i];
        else
            return false;
    }
    return w->scenario;
}

static bool show(const struct words *w, const struct sim_report *r)
{
    struct bytes text = {0};
    bool ok = true;

    if (w->json) {
        ok = sim_report_json(r, str_from(w->scenario), &text) && bytes_add(&text, "\n", 1);
        if (ok)
            fwrite(text.data, 1, text.len, stdout);
    } else {
        print_report(r);
    }
    bytes_free(&text);
    return ok && (!w->svg || plots_put(r, w->svg));
}

int cli_simulate(const struct cli *c)
{
    const struct sim_conf *conf = NULL;
    struct config_problems problems = {0};
    struct arena *arena = NULL;
    struct sim_report report;
    struct cli_bar bar;
    struct words w;
    struct err e = {0};
    int status = 1;

    if (!words_parse(c, &w)) {
        fputs("usage: waymark simulate SCENARIO.yaml [--svg DIR] [--json]\n", stderr);
        return 2;
    }
    cli_bar_begin(&bar);
    if (scenario_load(w.scenario, &conf, &problems, &arena, &e) != ERR_OK) {
        status = cli_load_failed(w.scenario, &problems, &e);
    } else if (sim_report_run(conf, bar.on ? on_progress : NULL, &bar, &report, &e) != ERR_OK) {
        cli_bar_end(&bar);
        fprintf(stderr, "waymark: scenario %s: %s\n", w.scenario, e.text);
    } else {
        cli_bar_end(&bar);
        status = show(&w, &report) ? 0 : 1;
        sim_report_fini(&report);
    }
    arena_free(arena);
    return status;
}
