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

/* counters: how many contents are told apart (16 to 2^20); half_life_s: of a count. Whatever the
 * stream is, no rate is off by more than all sessions a second / counters. NULL: no memory. */
struct popularity *popularity_new(unsigned counters, double half_life_s);
void popularity_free(struct popularity *p);

/* n sessions of a content at now_s (any steady clock, in seconds; a time before the last is the
 * last). The text of a key is taken as bytes. */
void popularity_count(struct popularity *p, svidx service, uint64_t content, struct str key,
                      double n, double now_s);

/* A new view numbers the services anew: to[n] is the new number of each old one. Contents of those
 * that are gone (SVIDX_NONE, or not below n) are forgotten. */
void popularity_renumber(struct popularity *p, const svidx *to, size_t n);

/* Owners of a content with that rate: the least of the policy, and one more for each owner_share of
 * a mean streamer that its sessions (rate * session_s) fill, up to the most. capacity: mean
 * sessions of a streamer of the service; 0: unlimited, so the least. */
unsigned popularity_owners(const struct policy_conf *c, double rate, double capacity);

/* How often a content with that rate is asked for while a cache keeps it, keep_s of the policy: for
 * hot_set. */
unsigned popularity_often(const struct policy_conf *c, double rate);

/* What a service's contents are held against. */
struct popularity_service {
    const struct policy_conf *policy;
    double capacity; /* mean sessions of a streamer; 0: unlimited */
    double others;   /* sessions that others send its streamers for each that is counted here */
};

/* Makes h hold the contents that have more owners than the least or are asked for often, by what is
 * certain of their rates (rate - error) and by how many ask elsewhere, and nothing else; the caller
 * fills in the service. false: it is there no more. */
typedef bool popularity_service_fn(void *arg, svidx service, struct popularity_service *out);
void popularity_publish(struct popularity *p, struct hot *h, double now_s,
                        popularity_service_fn *fill, void *arg);

/* The max hottest of a service (SVIDX_NONE: of all), hottest first; returns how many. owners as of
 * the last popularity_publish, 0 before. */
size_t popularity_top(struct popularity *p, svidx service, double now_s, struct popularity_row *out,
                      size_t max);

/* For the state file: how many contents there are, and one of them back in; services by name are
 * the caller's business. */
size_t popularity_counters(const struct popularity *p);
double popularity_half_life(const struct popularity *p); /* seconds */
void popularity_restore(struct popularity *p, const struct popularity_row *row, double now_s);
