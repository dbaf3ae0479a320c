/* Plots of a scenario's runs as SVG. */
#pragma once

#include "router/sim/report.h"

/* What is drawn over time. */
enum sim_series {
    SIM_SERIES_COST,
    SIM_SERIES_CLIENT,
    SIM_SERIES_ORIGIN,
    SIM_SERIES_HIT,
    SIM_SERIES_FULL,
    SIM_SERIES_LOAD_MAX,
    SIM_SERIES_LOAD_MEAN,
    SIM_SERIES_COUNT
};
const char *sim_series_name(enum sim_series s); /* "cost", ...: for file names */

/* A line for each policy, of the first seed. */
bool sim_plot_series(const struct sim_report *r, size_t topology, enum sim_series s,
                     struct bytes *out) MUST_CHECK;
/* Medians: a group of bars for each topology, a bar for each policy. */
bool sim_plot_bars(const struct sim_report *r, enum sim_metric m, struct bytes *out) MUST_CHECK;
