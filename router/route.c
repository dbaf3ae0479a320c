#include "router/route.h"

#include <string.h>

#include "router/cache_memory.h"
#include "router/content_key.h"
#include "router/digest.h"
#include "router/downstream.h"
#include "router/session_table.h"
#include "router/tally.h"
#include "router/traffic_router_hash.h"

#define DIGEST_URL_MAX 4096
/* A turn's wall clock is of its beginning, and two clocks' difference. */
#define CLOCK_BEHIND_MS 10

const char *route_to_name(enum route_to to)
{
    static const char *const names[ROUTE_TO_COUNT] = {
        [ROUTE_STREAMERS] = "streamers", [ROUTE_DOWNSTREAM] = "downstream",
        [ROUTE_BYPASS] = "bypass",       [ROUTE_DENIED] = "denied",
        [ROUTE_LIMITED] = "limited",     [ROUTE_NOBODY] = "nobody",
    };

    return (unsigned)to < ROUTE_TO_COUNT ? names[to] : "nobody";
}

/* A URL that is put together; too long a one is in no digest. */
struct url {
    char text[DIGEST_URL_MAX];
    size_t n;
    bool fits;
};

static void url_add(struct url *u, struct str part)
{
    u->fits = u->fits && part.n <= sizeof u->text - u->n;
    if (!u->fits || part.n == 0)
        return;
    memcpy(u->text + u->n, part.p, part.n);
    u->n += part.n;
}

static bool begins_with(struct str text, struct str word)
{
    return text.n >= word.n && memcmp(text.p, word.p, word.n) == 0;
}

/* The URL under which the caches keep it: the template with path and query put in. */
static void digest_key_fill(struct route_question *q, struct str template, struct str path,
                            struct str query)
{
    UNINITIALIZED struct url u;

    u.n = 0;
    u.fits = true;
    while (template.n) {
        size_t used = 1;

        if (begins_with(template, STR("{path}"))) {
            used = STR("{path}").n;
            url_add(&u, path);
        } else if (begins_with(template, STR("{query}"))) {
            used = STR("{query}").n;
            if (query.p) {
                url_add(&u, STR("?"));
                url_add(&u, query);
            }
        } else {
            url_add(&u, (struct str){template.p, 1});
        }
        template.p += used;
        template.n -= used;
    }
    if (!u.fits)
        return;
    digest_key((struct str){u.text, u.n}, q->digest_key);
    q->q.digest_key = q->digest_key;
}

void route_content(const struct view *v, struct route_question *q, struct str path,
                   struct str query, struct key_scratch *keys)
{
    const struct view_service *s = &v->services[q->q.service];

    q->key = content_part(s->regex, path, keys);
    q->q.content = content_hash(s, q->key);
    q->q.ring = s->ring ? ring_key(path) : 0;
    q->q.digest_key = NULL;
    if (s->digests)
        digest_key_fill(q, s->conf->digest_url, path, query);
}

/* The second question, where the first has no good answer. Apart, as it seldom is asked. */
static __attribute__((noinline)) void ask_other(const struct view *v, const struct live *live,
                                                const struct route_question *q, struct route *r)
{
    struct question other = q->q;
    UNINITIALIZED struct decision second;

    other.need = q->other_need;
    other.need_any = q->other_need_any;
    decide_at(v, live, &other, &r->at, &second);
    if (second.count && (!r->decision.count || second.why != WHY_DEGRADED)) {
        r->decision = second;
        r->other = true;
    }
}

/* Stages 4 to 8. */
static void ask_local(const struct view *v, const struct live *live, const struct route_question *q,
                      struct route *r)
{
    decide_at(v, live, &q->q, &r->at, &r->decision);
    if ((q->other_need | q->other_need_any) &&
        (r->decision.count == 0 || r->decision.why == WHY_DEGRADED))
        ask_other(v, live, q, r);
}

/* Nobody of ours is good: all are down, or full. */
static bool is_poor(const struct decision *d)
{
    return d->count == 0 || d->why == WHY_DEGRADED || d->choice[0].load >= 1;
}

static bool ask_downstream(const struct view *v, const struct route_question *q, struct route *r)
{
    const struct view_service *s = &v->services[q->q.service];
    double cost;

    if (s->downstream_count == 0 || q->delegated || s->conf->delegated || q->can == 0)
        return false;
    r->downstream = downstream_choose(v, q->q.service, &r->at, q->can, q->q.content, &cost);
    if (r->downstream == DOWNSTREAM_NONE)
        return false;
    r->to = ROUTE_DOWNSTREAM;
    r->why = r->decision.count ? "all streamers are full or down, and this CDN's footprint has "
                                 "the client"
                               : "this CDN's footprint has the client, and no streamer of ours "
                                 "serves it";
    return true;
}

static bool ask_bypass(const struct view *v, const struct route_question *q, struct route *r,
                       const char *why)
{
    const struct bypass_conf *b = &v->services[q->q.service].conf->bypass;
    const bool http = q->can & (ROUTE_CAN_HTTP | ROUTE_CAN_HTTPS) && b->http_url.n;
    const bool dns = q->can & ROUTE_CAN_DNS && b->dns_cname.n;

    if (q->delegated || !(http || dns))
        return false;
    r->to = ROUTE_BYPASS;
    r->why = why;
    return true;
}

/* Stages 4 to 9, in the service's order; the least bad of ours before nobody at all. */
static void ask_in_order(const struct view *v, const struct live *live,
                         const struct route_question *q, struct route *r)
{
    static const enum fallback usual[FALLBACK_MAX] = {FALLBACK_LOCAL, FALLBACK_DOWNSTREAM,
                                                      FALLBACK_BYPASS};
    const enum fallback *own = v->services[q->q.service].conf->policy.fallback;
    const enum fallback *order = own[0] == FALLBACK_NONE ? usual : own;

    for (unsigned i = 0; i < FALLBACK_MAX && order[i] != FALLBACK_NONE; i++) {
        switch (order[i]) {
        case FALLBACK_LOCAL:
            ask_local(v, live, q, r);
            if (!is_poor(&r->decision))
                return;
            break;
        case FALLBACK_DOWNSTREAM:
            if (ask_downstream(v, q, r))
                return;
            break;
        case FALLBACK_BYPASS:
            if (ask_bypass(v, q, r, "no streamer of ours can serve it well"))
                return;
            break;
        case FALLBACK_NONE:
            break;
        }
    }
    if (r->decision.count)
        return;
    r->to = ROUTE_NOBODY;
    r->why = why_sentence(r->decision.why);
}

static void route_begin(const struct view *v, const struct route_question *q, struct route *r)
{
    r->to = ROUTE_STREAMERS;
    r->downstream = DOWNSTREAM_NONE;
    r->other = false;
    r->why = NULL;
    r->at = view_place(v, q->q.service, q->q.client);
    r->decision.pid = r->at.pid;
    r->decision.scope = r->at.scope;
    r->decision.count = 0;
    r->decision.why = WHY_NONE;
    r->decision.owners = 0;
}

/* Stage 3 said no; true: nothing is left to ask. */
static bool not_admitted(const struct view *v, const struct route_question *q,
                         enum admitted verdict, struct route *r)
{
    switch (verdict) {
    case ADMIT_YES:
        return false;
    case ADMIT_DENIED:
        r->to = ROUTE_DENIED;
        r->why = "the service is not for this client";
        return true;
    case ADMIT_LIMITED:
        r->to = ROUTE_LIMITED;
        r->why = "this client asks more often than it may";
        return true;
    case ADMIT_FULL:
        if (ask_bypass(v, q, r, "the service is at its ceiling"))
            return true;
        r->to = ROUTE_NOBODY;
        r->why = "the service is at its ceiling";
        return true;
    }
    return false;
}

void route(struct turn *t, const struct route_question *q, struct route *out)
{
    static const enum metric by_route[ROUTE_TO_COUNT] = {
        [ROUTE_STREAMERS] = METRIC_ROUTE_STREAMERS, [ROUTE_DOWNSTREAM] = METRIC_ROUTE_DOWNSTREAM,
        [ROUTE_BYPASS] = METRIC_ROUTE_BYPASS,       [ROUTE_DENIED] = METRIC_ROUTE_DENIED,
        [ROUTE_LIMITED] = METRIC_ROUTE_LIMITED,     [ROUTE_NOBODY] = METRIC_ROUTE_NOBODY,
    };
    const struct view *v = t->view;
    enum admitted verdict = ADMIT_YES;

    decide_prefetch(v, t->live, q->q.content);
    route_begin(v, q, out);
    if (v->services[q->q.service].admit)
        verdict = admit(v, q->q.service, t->live, t->buckets, q->q.client, &out->at, t->now_ms);
    if (!not_admitted(v, q, verdict, out))
        ask_in_order(v, t->live, q, out);
    metric_add(t->metrics, by_route[out->to], 1);
}

void route_sent_prefetch(const struct turn *t, struct addr client, uint64_t content)
{
    if (t->sessions)
        session_table_prefetch(t->sessions, client, content);
}

void route_look(const struct view *v, const struct live *live, const struct route_question *q,
                struct route *out)
{
    const struct admit_rules *rules = v->services[q->q.service].admit;
    const char *why;

    route_begin(v, q, out);
    if (rules && !admit_listed(rules, v, q->q.client, &out->at, &why)) {
        out->to = ROUTE_DENIED;
        out->why = why;
        return;
    }
    ask_in_order(v, live, q, out);
}

static void tally_session(struct turn *t, const struct route_question *q)
{
    struct tally *y = t->tallies ? tally_begin(t->tallies) : NULL;

    if (!y)
        return;
    y->content = q->q.content;
    y->count = 1;
    y->service = q->q.service;
    y->serial = (uint16_t)t->view->serial;
    y->key_len = (uint8_t)(q->key.n < sizeof y->key ? q->key.n : sizeof y->key);
    if (y->key_len)
        memcpy(y->key, q->key.p, y->key_len);
    tally_commit(t->tallies);
}

void route_sent(struct turn *t, const struct route_question *q, const struct route *r)
{
    const struct view *v = t->view;
    const struct choice *first = &r->decision.choice[0];
    uint32_t window_s = v->services[q->q.service].conf->policy.count_window_s;
    lidx at;

    if (r->to != ROUTE_STREAMERS || r->decision.count == 0)
        return;
    at = v->streamers[first->streamer].live;
    if (t->sessions && window_s &&
        !session_table_note(t->sessions, q->q.client, q->q.content, at,
                            (uint32_t)(t->now_ms / 1000), window_s)) {
        metric_add(t->metrics, METRIC_SESSIONS_AGAIN, 1);
        return;
    }
    metric_add(t->metrics, METRIC_SESSIONS_NEW, 1);
    live_dispatch(t->live, at, 1);
    if (first->known)
        live_dispatch_known(t->live, at, 1);
    if (v->cache_memory)
        cache_memory_add(v->cache_memory, q->q.content, at);
    tally_session(t, q);
}

uint32_t route_ttl(const struct view *v, uint64_t wall_ms, uint32_t want_s)
{
    const uint64_t now_ms = wall_ms + CLOCK_BEHIND_MS;
    uint64_t left_s;

    if (v->valid_until_ms == 0)
        return want_s;
    left_s = v->valid_until_ms > now_ms ? (v->valid_until_ms - now_ms) / 1000 : 0;
    return left_s < want_s ? (uint32_t)left_s : want_s;
}
