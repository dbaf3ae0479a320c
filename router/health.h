/* Health: one state machine per address of a streamer (pure), and the probes that feed it
 * (libevent, control thread). Up after k good probes in a row, down after m bad ones; the result
 * goes to the live words. */
#pragma once

#include "router/live.h"
#include "router/view.h"

struct event_base;

struct health_state {
    enum health now;
    uint16_t streak; /* probes in a row that say otherwise */
};

/* Takes one result in; true when the state changed. From HEALTH_UNKNOWN the first result decides at
 * once. */
bool health_feed(struct health_state *s, const struct probe_conf *c, bool good);

struct prober;

/* on_change runs on the control thread behind each change of a live word, with one sentence of why.
 */
typedef void prober_change_fn(void *arg, struct str streamer, bool v6, enum health now,
                              const char *why);

struct prober *prober_new(struct event_base *base, struct live *live, prober_change_fn *on_change,
                          void *arg);
/* Takes the streamers of this view: new ones are probed soon, unchanged ones keep their state, gone
 * ones stop. The prober keeps a reference to the view. */
enum err_code prober_set(struct prober *p, struct view *v, struct err *e) MUST_CHECK;
void prober_free(struct prober *p);

/* For the status page: {"streamers":[{"name":..,"v4":"up","v6":"none","admin":"up","last":"200 in 2
 * ms","changed_s":..},..]} */
bool prober_format(const struct prober *p, const struct live *live, struct bytes *out) MUST_CHECK;
