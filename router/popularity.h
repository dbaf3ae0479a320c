/* What is asked for most: a space-saving sketch (A. Metwally, D. Agrawal, A. El Abbadi, Efficient
 * Computation of Frequent and Top-k Elements in Data Streams, ICDT 2005) whose counts decay, so
 * that it tells rates. Control thread. Deterministic. */
#pragma once

#include "base/bytes.h"
#include "router/hot.h"
#include "router/service.h"

#define POPULARITY_KEY_MAX 47

struct popularity;

struct popularity_row {
    uint64_t content;
    svidx service;
    double rate;  /* sessions a second, decayed */
    double error; /* the rate may be that much too high */
    unsigned owners;
    char key[POPULARITY_KEY_MAX + 1]; /* the text of the content key, cut */
};

/* counters: how many contents are told apart; half_life_s: of a count. */
struct popularity *popularity_new(unsigned counters, double half_life_s);
void popularity_free(struct popularity *p);

/* n sessions of a content at now_s (any steady clock, in seconds; never goes back). */
void popularity_count(struct popularity *p, svidx service, uint64_t content, struct str key,
                      double n, double now_s);

/* Owners of a content with that rate: the least of the policy, and one more for each owner_share of
 * a mean streamer that its sessions fill, up to the most. capacity: mean sessions of a streamer of
 * the service; 0: unlimited, so the least. */
unsigned popularity_owners(const struct policy_conf *c, double rate, double capacity);

/* Writes the contents that have more owners than the least into h; policy and mean capacity of a
 * service come from the caller. */
typedef const struct policy_conf *popularity_policy_fn(void *arg, svidx service, double *capacity);
void popularity_publish(struct popularity *p, struct hot *h, double now_s,
                        popularity_policy_fn *policy, void *arg);

/* The max hottest of a service (SVIDX_NONE: of all), hottest first; returns how many. */
size_t popularity_top(struct popularity *p, svidx service, double now_s, struct popularity_row *out,
                      size_t max);

/* For the state file: rows in and out; services by name are the caller's business. */
size_t popularity_counters(const struct popularity *p);
void popularity_restore(struct popularity *p, const struct popularity_row *row, double now_s);
