/* Stage 3: may this client ask at all, and is there room for it? Lists by country, AS, prefix and
 * anonymity; a token bucket a client prefix and one a service; a ceiling of sessions. */
#pragma once

#include "router/view.h"

#define ADMIT_CLIENT_RATE_MAX 10000.0 /* sessions a second of one client prefix */

enum admitted {
    ADMIT_YES,
    ADMIT_DENIED,  /* by a list: it will not help to ask again */
    ADMIT_LIMITED, /* this client asks too often */
    ADMIT_FULL,    /* the service is at its ceiling: the bypass, or later */
};
const char *admitted_name(enum admitted a); /* "yes", "denied", "limited", "full" */

struct admit_rules; /* of a service, compiled in the view's arena; NULL: everybody */

/* *out NULL when c asks for nothing. Countries, ASNs and anonymity without geography are
 * ERR_CONFLICT; a country that is none, a rate or a burst that is none ERR_PARSE; a client_rate
 * above ADMIT_CLIENT_RATE_MAX ERR_LIMIT. */
enum err_code admit_build(const struct view *v, const struct admit_conf *c,
                          const struct admit_rules **out, struct err *e) MUST_CHECK;

/* For view_place: the rules ask where the client is (its place, or a prefix of theirs), and how
 * many leading bits of its address decide what their prefixes say: 0 without prefixes. */
bool admit_asks_places(const struct admit_rules *r); /* NULL is fine */
uint8_t admit_scope(const struct admit_rules *r, struct addr client);

/* The token buckets: one table for all workers, relaxed atomics, bounded; outlives views. A word
 * for each client prefix of each service; where they are more than entries, the one that has been
 * quiet for longest makes room and begins anew. */
struct buckets;
struct buckets *buckets_new(size_t entries); /* NULL: no memory */
void buckets_free(struct buckets *b);        /* NULL is fine */

/* The lists alone: pure, for explain too. *why: a static sentence when the answer is no. */
bool admit_listed(const struct admit_rules *r, const struct view *v, struct addr client,
                  const struct located *at, const char **why);

/* All of it; takes a token when the answer is yes. now_ms is steady. b NULL: no rates. A burst is
 * at least what the rate lets through in two milliseconds, as time comes in steps of one. */
enum admitted admit(const struct view *v, svidx service, const struct live *live, struct buckets *b,
                    struct addr client, const struct located *at, uint64_t now_ms);
