#include "router/health.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define RAMP_FROM 0.1
#define FAMILIES  2u
#define POLLS_UNHEARD                                                                              \
    1.5 /* intervals: with their 10 % either way, one that is missed and no two                    \
         */

bool health_feed(struct health_state *s, const struct probe_conf *c, bool good)
{
    const enum health says = good ? HEALTH_UP : HEALTH_DOWN;
    const uint16_t needed = good ? c->up_after : c->down_after;

    if (s->now == says) {
        s->streak = 0;
        return false;
    }
    if (s->now != HEALTH_UNKNOWN && ++s->streak < needed)
        return false;
    s->now = says;
    s->streak = 0;
    return true;
}

uint32_t health_next_ms(uint32_t interval_ms, uint64_t random)
{
    return interval_ms - interval_ms / 10 + (uint32_t)(random % (interval_ms / 5 + 1));
}

uint32_t health_first_ms(uint32_t interval_ms, uint64_t random)
{
    const uint32_t most = interval_ms < 1000 ? interval_ms : 1000;

    return most ? (uint32_t)(random % most) : 0;
}

const char *health_name(enum health h)
{
    static const char *const names[] = {[HEALTH_UNKNOWN] = "unknown",
                                        [HEALTH_UP] = "up",
                                        [HEALTH_DOWN] = "down",
                                        [HEALTH_SUSPECT] = "suspect"};

    return names[h];
}

void health_begin(struct streamer_state *s, uint64_t now_ms)
{
    *s = (struct streamer_state){0};
    health_listen(s, now_ms);
}

void health_listen(struct streamer_state *s, uint64_t now_ms)
{
    s->sessions = s->capacity = NAN;
    s->ready = -1;
    s->heard = s->loaded = false;
    s->heard_ms = now_ms;
}

void health_forget(struct streamer_state *s, bool v6)
{
    s->probe[v6] = (struct health_state){HEALTH_UNKNOWN, 0};
    s->now[v6] = HEALTH_UNKNOWN;
    s->cause[v6] = s->before[v6] = HEALTH_BY_NOTHING;
    s->decided[v6] = false;
}

static bool has_family(const struct streamer_conf *c, unsigned v6)
{
    return c->can & (v6 ? STREAMER_V6 : STREAMER_V4);
}

/* It says something of itself, or should. */
static bool speaks(const struct streamer_conf *c)
{
    return c->poll.profile.n > 0 || c->reports;
}

/* Two clocks that were read one after the other may come in the wrong order. */
static uint64_t since(uint64_t then_ms, uint64_t now_ms)
{
    return now_ms > then_ms ? now_ms - then_ms : 0;
}

static uint64_t silent_ms(const struct streamer_state *s, uint64_t now_ms)
{
    return since(s->heard_ms, now_ms);
}

static bool is_stale(const struct streamer_state *s, const struct streamer_conf *c, uint64_t now_ms)
{
    return speaks(c) && c->poll.stale_ms && silent_ms(s, now_ms) >= c->poll.stale_ms;
}

/* What all that is known now says of one address. Probes that fail come first: a streamer cannot
 * talk its way out of them. What it said stands until it says otherwise. */
static enum health wanted(const struct streamer_state *s, const struct streamer_conf *c,
                          unsigned v6, uint64_t now_ms, enum health_cause *cause)
{
    const enum health probed = s->probe[v6].now;

    *cause = HEALTH_BY_PROBES;
    if (probed == HEALTH_DOWN)
        return HEALTH_DOWN;
    if (speaks(c)) {
        *cause = HEALTH_BY_READY;
        if (s->ready == 0)
            return HEALTH_DOWN;
        *cause = HEALTH_BY_LOAD;
        if (s->loaded)
            return HEALTH_SUSPECT;
        *cause = HEALTH_BY_SILENCE;
        if (is_stale(s, c, now_ms))
            return HEALTH_SUSPECT;
    }
    *cause = HEALTH_BY_PROBES;
    if (probed == HEALTH_UP)
        return HEALTH_UP;
    *cause = HEALTH_BY_WORD;
    if (c->probe.type == PROBE_NONE && speaks(c) && s->heard)
        return HEALTH_UP;
    *cause = HEALTH_BY_NOTHING;
    return HEALTH_UNKNOWN;
}

static bool may_change(const struct streamer_state *s, const struct streamer_conf *c, unsigned v6,
                       uint64_t now_ms)
{
    return !s->decided[v6] || since(s->since_ms[v6], now_ms) >= c->probe.dwell_ms;
}

/* A return is one of the whole streamer: its cache and its connections are the same for both
 * addresses. */
static void note_return(struct streamer_state *s, const struct streamer_conf *c, uint64_t now_ms)
{
    bool all_down = true, up = false;

    for (unsigned v6 = 0; v6 < FAMILIES; v6++) {
        if (!has_family(c, v6))
            continue;
        all_down = all_down && s->now[v6] == HEALTH_DOWN;
        up = up || s->now[v6] == HEALTH_UP;
    }
    if (all_down) {
        s->was_down = true;
    } else if (s->was_down && up) {
        s->was_down = false;
        s->up_ms = now_ms;
    }
}

/* Whatever was behind it is not known any more: the likeliest, and what the next good word ends. */
static void resume_cause(struct streamer_state *s, const struct streamer_conf *c, unsigned v6,
                         enum health was, uint64_t now_ms)
{
    const bool probed = c->probe.type != PROBE_NONE;

    if (probed)
        s->probe[v6].now = was == HEALTH_SUSPECT ? HEALTH_UP : was;
    else if (was == HEALTH_DOWN)
        s->ready = 0;
    else
        s->heard = true;
    if (was != HEALTH_SUSPECT)
        return;
    if (c->poll.leave_pm)
        s->loaded = true;
    else
        s->heard_ms = since(c->poll.stale_ms, now_ms);
}

void health_resume(struct streamer_state *s, const struct streamer_conf *c,
                   const enum health was[2], uint64_t now_ms)
{
    for (unsigned v6 = 0; v6 < FAMILIES; v6++) {
        if (!has_family(c, v6) || was[v6] == HEALTH_UNKNOWN ||
            (c->probe.type == PROBE_NONE && !speaks(c)))
            continue;
        resume_cause(s, c, v6, was[v6], now_ms);
        s->now[v6] = wanted(s, c, v6, now_ms, &s->cause[v6]);
        s->decided[v6] = s->now[v6] == HEALTH_DOWN || s->now[v6] == HEALTH_SUSPECT;
        s->since_ms[v6] = now_ms;
    }
    note_return(s, c, now_ms);
}

/* What is no longer asked is forgotten: an address that went, probes that were switched off. */
static void forget(struct streamer_state *s, const struct streamer_conf *c, unsigned v6)
{
    if (!has_family(c, v6))
        health_forget(s, v6);
    else if (c->probe.type == PROBE_NONE)
        s->probe[v6] = (struct health_state){HEALTH_UNKNOWN, 0};
}

unsigned health_tick(struct streamer_state *s, const struct streamer_conf *c, uint64_t now_ms)
{
    unsigned changed = 0;

    for (unsigned v6 = 0; v6 < FAMILIES; v6++) {
        enum health_cause cause;
        enum health want;

        forget(s, c, v6);
        if (!has_family(c, v6))
            continue;
        want = wanted(s, c, v6, now_ms, &cause);
        if (want == s->now[v6]) {
            s->cause[v6] = cause;
            continue;
        }
        if (!may_change(s, c, v6, now_ms))
            continue;
        s->before[v6] = s->cause[v6];
        s->now[v6] = want;
        s->cause[v6] = cause;
        s->decided[v6] = true;
        s->since_ms[v6] = now_ms;
        changed |= 1u << v6;
    }
    if (changed)
        note_return(s, c, now_ms);
    return changed;
}

unsigned health_probe(struct streamer_state *s, const struct streamer_conf *c, bool v6, bool good,
                      uint64_t now_ms)
{
    health_feed(&s->probe[v6], &c->probe, good);
    return health_tick(s, c, now_ms);
}

double health_load(const struct streamer_state *s, const struct streamer_conf *c)
{
    const double capacity = isnan(s->capacity) ? c->capacity : s->capacity;

    if (isnan(s->sessions) || (isnan(s->capacity) && capacity <= 0))
        return NAN;
    return capacity > 0 ? s->sessions / capacity : INFINITY; /* it says that it can take none */
}

unsigned health_poll(struct streamer_state *s, const struct streamer_conf *c,
                     const struct health_report *r, uint64_t now_ms)
{
    double load;

    s->heard = true;
    s->heard_ms = now_ms;
    s->sessions = r->sessions;
    s->capacity = r->capacity;
    s->ready = r->ready;
    load = health_load(s, c) * 1000;
    if (c->poll.leave_pm > 0 && load >= c->poll.leave_pm)
        s->loaded = true;
    else if (c->poll.leave_pm == 0 || isnan(load) || load <= c->poll.return_pm)
        s->loaded = false;
    return health_tick(s, c, now_ms);
}

double health_ramp(const struct streamer_state *s, const struct streamer_conf *c, uint64_t now_ms)
{
    double share;

    if (c->slow_start_s == 0)
        return 1;
    if (s->was_down)
        return RAMP_FROM;
    if (s->up_ms == 0)
        return 1;
    share = RAMP_FROM + (1 - RAMP_FROM) *
                            ((double)since(s->up_ms, now_ms) / (1000.0 * (double)c->slow_start_s));
    return share < 1 ? share : 1;
}

static double capacity_scale(const struct streamer_state *s, const struct streamer_conf *c)
{
    double scale;

    if (isnan(s->capacity) || c->capacity <= 0)
        return 1;
    scale = s->capacity > 0 ? c->capacity / s->capacity : HEALTH_SCALE_MAX;
    return fmin(fmax(scale, 1 / HEALTH_SCALE_MAX), HEALTH_SCALE_MAX);
}

static double age_scale(const struct streamer_state *s, const struct streamer_conf *c,
                        uint64_t now_ms)
{
    const double from = POLLS_UNHEARD * (double)c->poll.interval_ms;
    const double to = (double)c->poll.stale_ms, age = (double)silent_ms(s, now_ms);

    if (!speaks(c) || to <= 0 || age <= from)
        return 1;
    if (age >= to)
        return HEALTH_STALE_SCALE;
    return 1 + (HEALTH_STALE_SCALE - 1) * (age - from) / (to - from);
}

float health_scale(const struct streamer_state *s, const struct streamer_conf *c, uint64_t now_ms)
{
    return (float)(capacity_scale(s, c) * age_scale(s, c, now_ms) / health_ramp(s, c, now_ms));
}

/* How it came up: by what no longer keeps it away. */
static void why_up(const struct streamer_state *s, const struct streamer_conf *c, bool v6,
                   uint64_t now_ms, char out[HEALTH_WHY_MAX])
{
    const double ramp = health_ramp(s, c, now_ms), load = health_load(s, c);
    int n;

    if (s->before[v6] == HEALTH_BY_LOAD && !isnan(load))
        n = snprintf(out, HEALTH_WHY_MAX, "load %.2f has been at or below %.2f", load,
                     c->poll.return_pm / 1000.0);
    else if (s->before[v6] == HEALTH_BY_SILENCE)
        n = snprintf(out, HEALTH_WHY_MAX, "it is heard again");
    else if (s->before[v6] == HEALTH_BY_READY)
        n = snprintf(out, HEALTH_WHY_MAX, "it is ready again");
    else
        n = snprintf(out, HEALTH_WHY_MAX, "%s",
                     s->cause[v6] == HEALTH_BY_PROBES ? "its probes are good" : "it can be polled");
    if (ramp < 1 && n < HEALTH_WHY_MAX) /* a load may have any number of digits */
        snprintf(out + n, HEALTH_WHY_MAX - (size_t)n, "; starts slowly: %.0f %% of its capacity",
                 ramp * 100);
}

char *health_why(const struct streamer_state *s, const struct streamer_conf *c, bool v6,
                 uint64_t now_ms, char out[HEALTH_WHY_MAX])
{
    const double load = health_load(s, c);
    enum health_cause cause;
    const enum health want = wanted(s, c, v6, now_ms, &cause);

    if (want != s->now[v6]) {
        snprintf(out, HEALTH_WHY_MAX, "would be %s, and stays what it is for %" PRIu32 " ms",
                 health_name(want), c->probe.dwell_ms);
        return out;
    }
    if (s->now[v6] == HEALTH_UP) {
        why_up(s, c, v6, now_ms, out);
        return out;
    }
    switch (s->cause[v6]) {
    case HEALTH_BY_PROBES:
        snprintf(out, HEALTH_WHY_MAX, "its probes fail");
        break;
    case HEALTH_BY_READY:
        snprintf(out, HEALTH_WHY_MAX, "it says that it is not ready");
        break;
    case HEALTH_BY_LOAD:
        snprintf(out, HEALTH_WHY_MAX, "load %.2f is %s %.2f", load,
                 load * 1000 >= c->poll.leave_pm ? "at or above" : "not yet at or below",
                 (load * 1000 >= c->poll.leave_pm ? c->poll.leave_pm : c->poll.return_pm) / 1000.0);
        break;
    case HEALTH_BY_SILENCE:
        snprintf(out, HEALTH_WHY_MAX, "nothing heard for %" PRIu64 " s",
                 silent_ms(s, now_ms) / 1000);
        break;
    default:
        snprintf(out, HEALTH_WHY_MAX, "nothing is known of it yet");
    }
    return out;
}
