/* Stage 3: may this client ask at all, and is there room for it? Lists by country, AS, prefix and
 * anonymity; a token bucket a client prefix and one a service; a ceiling of sessions. */
#pragma once

#include "router/view.h"

enum admitted {
    ADMIT_YES,
    ADMIT_DENIED,  /* by a list: it will not help to ask again */
    ADMIT_LIMITED, /* this client asks too often */
    ADMIT_FULL,    /* the service is at its ceiling: the bypass, or later */
};
const char *admitted_name(enum admitted a); /* "yes", "denied", "limited", "full" */

struct admit_rules; /* of a service, compiled in the view's arena; NULL: everybody */

/* country rules without geography are ERR_CONFLICT; a country that is none ERR_PARSE. */
enum err_code admit_build(const struct view *v, const struct admit_conf *c,
                          const struct admit_rules **out, struct err *e) MUST_CHECK;

/* The token buckets: one table for all workers, relaxed atomics, bounded; outlives views. */
struct buckets;
struct buckets *buckets_new(size_t entries);
void buckets_free(struct buckets *b);

/* The lists alone: pure, for explain too. */
bool admit_listed(const struct admit_rules *r, const struct view *v, struct addr client,
                  const struct located *at, const char **why);

/* All of it; takes a token when the answer is yes. now_ms is steady. b NULL: no rates. */
enum admitted admit(const struct view *v, svidx service, const struct live *live, struct buckets *b,
                    struct addr client, const struct located *at, uint64_t now_ms);
