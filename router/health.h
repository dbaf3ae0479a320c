/* Health: one state machine per address of a streamer (pure), and the probes that feed it
 * (libevent, control thread). Up after k good probes in a row, down after m bad ones; the result
 * goes to the live words. */
#pragma once

#include "base/metrics.h"
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

/* From the start of one probe to the next: the interval moved by up to 10 % either way, so that
 * routers and streamers do not fall into step. random is any 64 bits. */
uint32_t health_next_ms(const struct probe_conf *c, uint64_t random);
/* Before the first one: less than the interval and less than a second, so that a start is quick. */
uint32_t health_first_ms(const struct probe_conf *c, uint64_t random);

struct prober;

/* on_change runs on the control thread behind each change of a live word, with one sentence of why.
 */
typedef void prober_change_fn(void *arg, struct str streamer, bool v6, enum health now,
                              const char *why);

struct prober *prober_new(struct event_base *base, struct live *live, prober_change_fn *on_change,
                          void *arg);
/* Takes the streamers of this view: new ones are probed soon, gone ones stop. A streamer that keeps
 * name and address keeps its state, also when it is asked something else from now on; the probe
 * under way goes on when the same is asked. Without a probe a streamer is HEALTH_UNKNOWN. The
 * prober keeps a reference to the view. ERR_CONFLICT: a probe that cannot be (timeout not below the
 * interval, no port, an empty status range, a path that breaks the request line); all stays as it
 * was. */
enum err_code prober_set(struct prober *p, struct view *v, struct err *e) MUST_CHECK;
/* Counts probes and changes in m, which is the control thread's; without it nothing is counted. */
void prober_count_in(struct prober *p, struct metrics *m);
void prober_free(struct prober *p);

/* For the status page: {"streamers":[{"name":..,"ipv4":"up","ipv6":"none","admin":"up","last":"200
 * in 2 ms","changed_s":..},..]}. "none": no such address; last of two addresses: "IPv4 200 in 2 ms;
 * IPv6 connection refused in 0 ms"; last and changed_s are null before there is anything to tell.
 */
bool prober_format(const struct prober *p, const struct live *live, struct bytes *out) MUST_CHECK;
