#include "router/prober.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ssl.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "router/prober_internal.h"

#define TICK_MS     250
#define COMPLAIN_MS 60000u

void prober_count(struct prober *p, enum metric id)
{
    if (p->metrics)
        metric_add(p->metrics, id, 1);
}

void member_complain(struct member *m, const char *why)
{
    uint64_t now = clock_ms();
    char quoted[PROBE_WHY_MAX * 2];

    if (now < m->owner->complain_at_ms)
        return;
    m->owner->complain_at_ms = now + COMPLAIN_MS;
    log_warn("event=probe.impossible streamer=%.*s reason=%s", (int)m->conf->name.n,
             m->conf->name.p, log_quote(why, quoted, sizeof quoted));
}

/* ---- what changes */

static void count_change(struct prober *p, enum health now)
{
    if (now != HEALTH_UNKNOWN)
        prober_count(p, now == HEALTH_UP     ? METRIC_HEALTH_CHANGES_UP
                        : now == HEALTH_DOWN ? METRIC_HEALTH_CHANGES_DOWN
                                             : METRIC_HEALTH_CHANGES_SUSPECT);
}

/* The probes know best why they are what they are. */
static void tell(struct member *m, bool v6, uint64_t now_ms)
{
    const struct streamer_state *s = &m->state;
    const bool probes = s->cause[v6] == HEALTH_BY_PROBES &&
                        (s->before[v6] == HEALTH_BY_PROBES || s->before[v6] == HEALTH_BY_NOTHING ||
                         s->now[v6] == HEALTH_DOWN);
    const double ramp = health_ramp(s, m->conf, now_ms);
    char why[HEALTH_WHY_MAX], sentence[sizeof m->target->said + 64];

    if (!probes)
        snprintf(sentence, sizeof sentence, "%s", health_why(s, m->conf, v6, now_ms, why));
    else if (s->now[v6] == HEALTH_UP && ramp < 1)
        snprintf(sentence, sizeof sentence, "%s; starts slowly: %.0f %% of its capacity",
                 m->target[v6].said, ramp * 100);
    else
        snprintf(sentence, sizeof sentence, "%s", m->target[v6].said);
    m->owner->on_change(m->owner->arg, m->conf->name, v6, s->now[v6], sentence);
}

static void put_words(const struct member *m, uint64_t now_ms)
{
    struct live *live = m->owner->live;

    for (unsigned v6 = 0; v6 < 2; v6++)
        live_health_set(live, m->at->live, v6, m->state.now[v6]);
    live_scale_set(live, m->at->live, health_scale(&m->state, m->conf, now_ms));
}

void member_took(struct member *m, unsigned changed, uint64_t now_ms)
{
    put_words(m, now_ms);
    if (!changed)
        return;
    if (m->state.was_down) /* its sessions are over, and others leave too */
        live_poll_forget(m->owner->live, m->at->live);
    for (unsigned v6 = 0; v6 < 2; v6++)
        if (changed & 1u << v6) {
            count_change(m->owner, m->state.now[v6]);
            tell(m, v6, now_ms);
        }
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct prober *p = arg;
    const uint64_t now = clock_ms();

    (void)fd;
    (void)what;
    for (size_t i = 0; i < p->count; i++)
        member_took(p->members[i], health_tick(&p->members[i]->state, p->members[i]->conf, now),
                    now);
}

/* ---- members */

static void member_free(struct member *m)
{
    if (!m)
        return;
    for (unsigned v6 = 0; v6 < 2; v6++)
        asker_fini(&m->target[v6].ask);
    asker_fini(&m->poll.ask);
    asker_fini(&m->digest.ask);
    free(m);
}

static struct member *member_new(struct prober *p, const struct view_streamer *s)
{
    struct member *m = calloc(1, sizeof *m);

    if (!m)
        return NULL;
    m->owner = p;
    m->at = s;
    m->conf = s->conf;
    health_begin(&m->state, clock_ms());
    if (!target_init(&m->target[0], m, false) || !target_init(&m->target[1], m, true) ||
        !poller_init(m) || !digester_init(m)) {
        member_free(m);
        return NULL;
    }
    return m;
}

/* The member goes over to s; what is asked as before goes on. before NULL: it is new. */
static void member_adopt(struct member *m, const struct view_streamer *s,
                         const struct view_streamer *before)
{
    const struct streamer_conf *conf = before ? before->conf : NULL;

    m->at = s;
    m->conf = s->conf;
    m->kept = false;
    for (unsigned v6 = 0; v6 < 2; v6++)
        target_adopt(&m->target[v6], conf);
    poller_adopt(m, before);
    digester_adopt(m, conf);
}

/* ---- the prober */

struct prober *prober_new(struct event_base *base, struct live *live, prober_change_fn *on_change,
                          void *arg)
{
    const struct timeval often = {.tv_usec = TICK_MS * 1000};
    struct prober *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->base = base;
    p->live = live;
    p->on_change = on_change;
    p->arg = arg;
    p->tick = event_new(base, -1, EV_PERSIST, on_tick, p);
    if (!p->tick || event_add(p->tick, &often) < 0) {
        prober_free(p);
        return NULL;
    }
    hash_random(&p->seed, sizeof p->seed);
    return p;
}

void prober_count_in(struct prober *p, struct metrics *m)
{
    p->metrics = m;
}

void prober_free(struct prober *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->count; i++)
        member_free(p->members[i]);
    free(p->members);
    if (p->tick)
        event_free(p->tick);
    SSL_CTX_free(p->tls);
    arena_free(p->scratch);
    view_drop(p->view);
    free(p);
}

static enum err_code check(struct prober *p, const struct view_streamer *s, struct err *e)
{
    const struct streamer_conf *c = s->conf;
    const bool polled = c->poll.profile.n || c->poll.digest_path.n;
    enum err_code rc = target_check(c, e);

    if (rc == ERR_OK)
        rc = poller_check(s, e);
    if (rc == ERR_OK && !p->tls && (c->probe.type == PROBE_HTTPS || (polled && c->poll.tls)))
        rc = probe_tls_new(&p->tls, e);
    return rc;
}

/* The member of that name; both lists are sorted by name, *at walks along. */
static struct member *find_old(const struct prober *p, size_t *at, struct str name)
{
    while (*at < p->count && str_cmp(p->members[*at]->conf->name, name) < 0)
        ++*at;
    if (*at == p->count || !str_eq(p->members[*at]->conf->name, name))
        return NULL;
    return p->members[*at];
}

/* Fills list with the members of v, old ones marked kept. On failure the new ones are freed. */
static enum err_code collect(struct prober *p, const struct view *v, struct member **list,
                             struct err *e)
{
    enum err_code rc = ERR_OK;
    size_t n = 0, old = 0;

    for (sidx i = 0; i < v->streamer_count && rc == ERR_OK; i++) {
        const struct view_streamer *s = &v->streamers[i];
        struct member *m;

        rc = check(p, s, e);
        if (rc != ERR_OK)
            break;
        m = find_old(p, &old, s->conf->name);
        if (m)
            m->kept = true;
        else
            m = member_new(p, s);
        if (m)
            list[n++] = m;
        else
            rc = err_set(e, ERR_LIMIT, "no memory for the probes of streamer %.*s",
                         (int)s->conf->name.n, s->conf->name.p);
    }
    if (rc == ERR_OK)
        return ERR_OK;
    for (size_t i = 0; i < n; i++)
        if (!list[i]->kept)
            member_free(list[i]);
    for (size_t i = 0; i < p->count; i++)
        p->members[i]->kept = false;
    return rc;
}

static void adopt(struct prober *p, const struct view *v, struct member **list)
{
    for (size_t i = 0; i < p->count; i++)
        if (!p->members[i]->kept)
            member_free(p->members[i]);
    free(p->members);
    p->members = list;
    p->count = v->streamer_count;
    for (sidx i = 0; i < v->streamer_count; i++) {
        assert(list[i]); /* collect() filled it */
        member_adopt(list[i], &v->streamers[i], list[i]->kept ? list[i]->at : NULL);
    }
}

enum err_code prober_set(struct prober *p, struct view *v, struct err *e)
{
    struct member **list = calloc((size_t)v->streamer_count + 1, sizeof(struct member *));
    struct view *before = p->view;
    enum err_code rc;

    if (!list)
        return err_set(e, ERR_LIMIT, "no memory for the probes of %u streamers", v->streamer_count);
    rc = collect(p, v, list, e);
    if (rc != ERR_OK) {
        free(list);
        return rc;
    }
    view_take(v);
    adopt(p, v, list);
    p->view = v;
    view_drop(before);
    on_tick(-1, 0, p); /* what was switched off counts no more */
    return ERR_OK;
}

void prober_resume(struct prober *p)
{
    const uint64_t now = clock_ms();

    for (size_t i = 0; i < p->count; i++) {
        struct member *m = p->members[i];
        const health_word w = live_health_get(p->live, m->at->live);
        const enum health was[2] = {live_health_of(w, false), live_health_of(w, true)};

        health_resume(&m->state, m->conf, was, now);
        poller_resume(m);
        put_words(m, now);
    }
}

void prober_hits(struct prober *p)
{
    for (size_t i = 0; i < p->count; i++)
        poller_hits(p->members[i]);
}
