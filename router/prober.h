/* The prober (control thread, libevent): probes each address of each streamer, polls the statistics
 * of those that have some, takes their reports, and puts what comes of it (router/health.h) into
 * the live words. */
#pragma once

#include "base/metrics.h"
#include "router/health.h"
#include "router/view.h"

struct event_base;

struct prober;

/* on_change runs on the control thread behind each change of a live word, with one sentence of why.
 */
typedef void prober_change_fn(void *arg, struct str streamer, bool v6, enum health now,
                              const char *why);

struct prober *prober_new(struct event_base *base, struct live *live, prober_change_fn *on_change,
                          void *arg);
/* Takes the streamers of this view: new ones are probed and polled soon, gone ones stop. A streamer
 * that keeps its name keeps what is known of it (an address that changed begins anew), also when it
 * is asked something else from now on; what is under way goes on when the same is asked. The prober
 * keeps a reference to the view. ERR_CONFLICT: a probe or poll that cannot be (timeout not below
 * the interval, no port, an empty status range, a path that breaks the request line); all stays as
 * it was. */
enum err_code prober_set(struct prober *p, struct view *v, struct err *e) MUST_CHECK;
/* Once, behind the first prober_set and before the loop runs: takes over from the live words what
 * an earlier process knew (state_apply put it there), where its probes, polls and reports go on
 * from. */
void prober_resume(struct prober *p);
/* Puts what polls have taught of hits into the live words again: a view that was built and then
 * refused has put in there what the configuration believes. */
void prober_hits(struct prober *p);
/* Counts probes and changes in m, which is the control thread's; without it nothing is counted. */
void prober_count_in(struct prober *p, struct metrics *m);
void prober_free(struct prober *p);

/* For the status page: {"streamers":[{"name":..,"ipv4":"up","ipv6":"none","admin":"up",
 * "last":"200 in 2 ms","why":"up: its probes are good","changed_s":..,"scale":..,
 * "poll":{"profile","age_s","sessions","bytes_out_bps","load","hit_ratio","error"},
 * "digest":{"age_s","contents","error"}},..]}. "none": no such address; of two addresses that
 * differ: "IPv4 200 in 2 ms; IPv6 connection refused in 0 ms"; null where there is nothing to tell.
 */
bool prober_format(const struct prober *p, const struct live *live, struct bytes *out) MUST_CHECK;
