#include "router/sim/plot.h"

#include <math.h>
#include <stdio.h>

#define WIDTH  860.0
#define HEIGHT 430.0
#define LEFT   70.0
#define RIGHT  20.0
#define TOP    70.0
#define BOTTOM 46.0
#define POINTS 120u /* of a line; more samples are put together */
#define TICKS  6

/* One colour a policy, told apart by most who do not see all colours (M. Okabe, K. Ito). */
static const char *const colours[SIM_POLICIES] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                  "#999999", "#e69f00", "#56b4e9", "#000000"};

static const struct {
    const char *name, *title;
} series_texts[SIM_SERIES_COUNT] = {
    [SIM_SERIES_COST] = {"cost", "network cost of a session"},
    [SIM_SERIES_CLIENT] = {"client-cost", "network cost of a session, client side"},
    [SIM_SERIES_ORIGIN] = {"origin-cost", "network cost of a session, origin side"},
    [SIM_SERIES_HIT] = {"hit-ratio", "hit ratio"},
    [SIM_SERIES_FULL] = {"overload", "share of sessions sent to a full streamer"},
    [SIM_SERIES_LOAD_MAX] = {"load-max", "load of the busiest streamer (1 is full)"},
    [SIM_SERIES_LOAD_MEAN] = {"load-mean", "mean load of the streamers (1 is full)"},
};

const char *sim_series_name(enum sim_series s)
{
    return series_texts[s].name;
}

/* Where the plot lies, and what its axis shows: 0 to top. */
struct frame {
    struct bytes *out;
    double top, step;
    bool ok;
};

/* 1, 2 or 5 times a power of ten, so that about TICKS of them reach up to most. */
static double step_for(double most)
{
    double power = pow(10, floor(log10(most / TICKS))), left = most / TICKS / power;

    return power * (left <= 1 ? 1 : left <= 2 ? 2 : left <= 5 ? 5 : 10);
}

static double y_of(const struct frame *f, double v)
{
    double share = v / f->top;

    return HEIGHT - BOTTOM - (share > 1 ? 1 : share) * (HEIGHT - TOP - BOTTOM);
}

/* Text from names of files and labels. */
static void text_add(struct frame *f, const char *text)
{
    for (; *text; text++) {
        if (*text == '<' || *text == '&' || *text == '>' || *text == '"')
            f->ok &= bytes_printf(f->out, "&#%d;", *text);
        else
            f->ok &= bytes_add(f->out, text, 1);
    }
}

static void begin(struct frame *f, const char *title, const char *where, double most)
{
    f->step = step_for(most > 0 ? most : 1);
    f->top = f->step * ceil((most > 0 ? most : 1) / f->step - 1e-9);
    f->ok = bytes_printf(f->out,
                         "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %g %g\" "
                         "font-family=\"sans-serif\" font-size=\"12\">\n"
                         "<rect width=\"%g\" height=\"%g\" fill=\"#fff\"/>\n"
                         "<text x=\"%g\" y=\"24\" font-size=\"15\">",
                         WIDTH, HEIGHT, WIDTH, HEIGHT, LEFT);
    text_add(f, where);
    f->ok &= bytes_printf(f->out, "%s%s</text>\n", *where ? ": " : "", title);
    for (unsigned i = 0, steps = (unsigned)lround(f->top / f->step); i <= steps; i++) {
        const double v = i * f->step;

        f->ok &= bytes_printf(f->out,
                              "<path d=\"M%g %.1fH%g\" stroke=\"%s\"/>"
                              "<text x=\"%g\" y=\"%.1f\" text-anchor=\"end\">%.4g</text>\n",
                              LEFT, y_of(f, v), WIDTH - RIGHT, v > 0 ? "#e4e4e4" : "#444", LEFT - 8,
                              y_of(f, v) + 4, v);
    }
}

static void legend(struct frame *f, const struct sim_conf *c)
{
    double x = LEFT;

    for (size_t p = 0; p < c->policy_count; p++) {
        const char *name = sim_policy_name(c->policies[p]);

        f->ok &= bytes_printf(f->out,
                              "<rect x=\"%g\" y=\"40\" width=\"14\" height=\"10\" fill=\"%s\"/>"
                              "<text x=\"%g\" y=\"50\">%s</text>\n",
                              x, colours[c->policies[p]], x + 19, name);
        x += 110;
    }
}

static bool end(struct frame *f)
{
    f->ok &= bytes_printf(f->out, "</svg>\n");
    return f->ok;
}

/* ---- lines */

static double value_of(const struct sim_sample *s, enum sim_series what)
{
    switch (what) {
    case SIM_SERIES_COST:
        return (double)s->client_cost + (double)s->origin_cost;
    case SIM_SERIES_CLIENT:
        return (double)s->client_cost;
    case SIM_SERIES_ORIGIN:
        return (double)s->origin_cost;
    case SIM_SERIES_HIT:
        return (double)s->hit;
    case SIM_SERIES_FULL:
        return (double)s->full;
    case SIM_SERIES_LOAD_MAX:
        return (double)s->load_max;
    case SIM_SERIES_LOAD_MEAN:
        return (double)s->load_mean;
    case SIM_SERIES_COUNT:
        break;
    }
    return 0;
}

/* Samples first .. first + n - 1 as one point. */
static double point_of(const struct sim_result *r, enum sim_series s, size_t first, size_t n)
{
    double sum = 0;
    size_t i = first;

    for (; i < first + n && i < r->sample_count; i++)
        sum += value_of(&r->samples[i], s);
    return i > first ? sum / (double)(i - first) : 0;
}

static size_t together(const struct sim_result *r)
{
    return r->sample_count / POINTS + 1;
}

static double x_of(const struct sim_conf *c, double at_s)
{
    return LEFT + at_s / c->duration_s * (WIDTH - LEFT - RIGHT);
}

static void time_axis(struct frame *f, const struct sim_conf *c)
{
    double unit = c->duration_s < 7200 ? 60 : 3600, step = step_for(c->duration_s / unit);

    for (double t = 0; t * unit <= c->duration_s * (1 + 1e-9); t += step)
        f->ok &=
            bytes_printf(f->out, "<text x=\"%.1f\" y=\"%g\" text-anchor=\"middle\">%.4g</text>\n",
                         x_of(c, t * unit), HEIGHT - BOTTOM + 18, t);
    f->ok &= bytes_printf(f->out, "<text x=\"%g\" y=\"%g\" text-anchor=\"end\">%s</text>\n",
                          WIDTH - RIGHT, HEIGHT - 8, unit > 60 ? "hours" : "minutes");
    if (c->warmup_s)
        f->ok &= bytes_printf(f->out,
                              "<rect x=\"%g\" y=\"%g\" width=\"%.1f\" height=\"%g\" fill=\"#000\" "
                              "opacity=\"0.05\"/><text x=\"%g\" y=\"%g\" fill=\"#666\">warm-up, "
                              "not counted</text>\n",
                              LEFT, TOP, x_of(c, c->warmup_s) - LEFT, HEIGHT - TOP - BOTTOM,
                              LEFT + 6, HEIGHT - BOTTOM - 8);
}

bool sim_plot_series(const struct sim_report *r, size_t topology, enum sim_series s,
                     struct bytes *out)
{
    const struct sim_report_topology *t = &r->topologies[topology];
    struct frame f = {.out = out};
    double most = 0;

    for (size_t p = 0; p < r->conf->policy_count; p++)
        for (size_t i = 0; i < t->runs[p].sample_count; i += together(&t->runs[p]))
            most = fmax(most, point_of(&t->runs[p], s, i, together(&t->runs[p])));
    begin(&f, series_texts[s].title, t->topology->name, most);
    time_axis(&f, r->conf);
    legend(&f, r->conf);
    for (size_t k = r->conf->policy_count; k-- > 0;) { /* the first is drawn above all */
        const struct sim_result *run = &t->runs[k];

        f.ok &= bytes_printf(out,
                             "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"%s\" "
                             "stroke-linejoin=\"round\" points=\"",
                             colours[run->policy], k ? "1.3" : "2");
        for (size_t i = 0; i < run->sample_count; i += together(run))
            f.ok &= bytes_printf(out, "%.1f,%.1f ", x_of(r->conf, run->samples[i].at_s),
                                 y_of(&f, point_of(run, s, i, together(run))));
        f.ok &= bytes_printf(out, "\"/>\n");
    }
    return end(&f);
}

/* ---- bars */

static const char *metric_title(enum sim_metric m)
{
    static const char *const titles[SIM_METRICS] = {
        [SIM_COST] = "network cost of a session",
        [SIM_CLIENT_COST] = "network cost of a session, client side",
        [SIM_ORIGIN_COST] = "network cost of a session, origin side",
        [SIM_TO_BOUND] = "network cost by the offline bound",
        [SIM_TO_BLIND] = "network cost by the bound without the future",
        [SIM_TO_SLICE] = "network cost by the bound of each slice of time",
        [SIM_HIT] = "hit ratio",
        [SIM_FULL] = "share of sessions sent to a full streamer",
        [SIM_FAILED] = "share of sessions sent to one that is down",
        [SIM_LOAD_P99] = "99th percentile of load (1 is full)",
        [SIM_LOAD_MAX_MEAN] = "load of the busiest streamer by the mean one's",
        [SIM_MOVED_LEAVE] = "share of others' sessions that move when a streamer leaves",
        [SIM_MOVED_RETURN] = "share of others' sessions that move when a streamer returns",
        [SIM_KEYS_LEAVE] = "share of contents not its own that move when a streamer leaves",
        [SIM_KEYS_RETURN] = "share of contents not its own that move when a streamer returns",
        [SIM_DECIDE_NS] = "time of a decision, ns",
        [SIM_SESSIONS_S] = "simulated sessions a second",
        [SIM_SLICE_BOUND] = "bound of each slice of time, a session",
        [SIM_SLICE_CLIENT] = "bound of each slice of time, client side",
        [SIM_SLICE_ORIGIN] = "bound of each slice of time, origin side",
    };

    return titles[m];
}

bool sim_plot_bars(const struct sim_report *r, enum sim_metric m, struct bytes *out)
{
    size_t groups = r->conf->topology_count, bars = r->conf->policy_count;
    double group = (WIDTH - LEFT - RIGHT) / (double)groups, bar = group / ((double)bars + 1.5);
    struct frame f = {.out = out};
    double most = 0;

    for (size_t i = 0; i < groups * bars; i++) {
        double v = sim_report_median(r, i / bars, i % bars, m);

        most = v > most ? v : most;
    }
    begin(&f, metric_title(m), "", most);
    legend(&f, r->conf);
    for (size_t i = 0; i < groups; i++) {
        double left = LEFT + group * (double)i;

        f.ok &= bytes_printf(out, "<text x=\"%.1f\" y=\"%g\" text-anchor=\"middle\">",
                             left + group / 2, HEIGHT - BOTTOM + 18);
        text_add(&f, r->topologies[i].topology->name);
        f.ok &= bytes_printf(out, "</text>\n");
        for (size_t p = 0; p < bars; p++) {
            double v = sim_report_median(r, i, p, m), y = isnan(v) ? y_of(&f, 0) : y_of(&f, v);

            f.ok &= bytes_printf(out,
                                 "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
                                 "fill=\"%s\"/>\n",
                                 left + bar * ((double)p + 0.75), y, bar * 0.9, HEIGHT - BOTTOM - y,
                                 colours[r->conf->policies[p]]);
        }
    }
    return end(&f);
}
