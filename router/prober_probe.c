#include "router/prober_internal.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

static uint16_t probe_port(const struct streamer_conf *c)
{
    const bool tls = c->probe.type == PROBE_HTTPS;
    const uint16_t own = tls ? c->https_port : c->http_port;

    if (c->probe.port)
        return c->probe.port;
    return own ? own : tls ? c->http_port : c->https_port;
}

/* Why its probes are what they are from now on. */
static void say(struct target *t, bool first, bool good)
{
    const struct probe_conf *c = &t->member->conf->probe;
    const unsigned n = good ? c->up_after : c->down_after;

    if (first)
        snprintf(t->said, sizeof t->said, "first probe: %s", t->last);
    else
        snprintf(t->said, sizeof t->said, "%u %s probe%s in a row, the last: %s", n ? n : 1,
                 good ? "good" : "bad", n > 1 ? "s" : "", t->last);
}

static void on_probe_done(void *arg, const struct probe_result *r)
{
    struct target *t = arg;
    struct member *m = t->member;
    const bool good = r->verdict == PROBE_GOOD;
    const uint64_t now = clock_ms();
    const enum health before = m->state.probe[t->v6].now;
    unsigned changed;

    asker_done(&t->ask);
    snprintf(t->last, sizeof t->last, "%s", r->why);
    asker_next(&t->ask, m->conf->probe.interval_ms);
    prober_count(m->owner, good                      ? METRIC_PROBES_GOOD
                           : r->verdict == PROBE_BAD ? METRIC_PROBES_BAD
                                                     : METRIC_PROBES_NONE);
    if (r->verdict == PROBE_NOTHING) {
        member_complain(m, r->why);
        return;
    }
    changed = health_probe(&m->state, m->conf, t->v6, good, now);
    if (m->state.probe[t->v6].now != before)
        say(t, before == HEALTH_UNKNOWN, good);
    member_took(m, changed, now);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct target *t = arg;
    const struct streamer_conf *c = t->member->conf;
    const struct probe_ask ask = {.addr = t->addr,
                                  .port = probe_port(c),
                                  .host = c->probe.host.n ? c->probe.host : c->host,
                                  .conf = &c->probe,
                                  .tls = t->member->owner->tls};

    (void)fd;
    (void)what;
    if (asker_ask(&t->ask, &ask, on_probe_done, t))
        return;
    member_complain(t->member, "no memory");
    asker_next(&t->ask, c->probe.interval_ms);
}

bool target_init(struct target *t, struct member *m, bool v6)
{
    t->member = m;
    t->v6 = v6;
    return asker_init(&t->ask, m->owner, on_timer, t);
}

static bool same_probe(const struct streamer_conf *a, const struct streamer_conf *b)
{
    const struct probe_conf *x = &a->probe, *y = &b->probe;

    return x->type == y->type && probe_port(a) == probe_port(b) && str_eq(x->path, y->path) &&
           str_eq(x->host, y->host) && str_eq(a->host, b->host) && x->status_min == y->status_min &&
           x->status_max == y->status_max && x->interval_ms == y->interval_ms &&
           x->timeout_ms == y->timeout_ms && x->verify == y->verify &&
           str_eq(x->cors_origin, y->cors_origin);
}

/* What runs goes on, for views may come more often than a probe takes; only when something else is
 * asked, schedule and probe begin anew. */
void target_adopt(struct target *t, const struct streamer_conf *before)
{
    const struct streamer_conf *c = t->member->conf;
    const struct addr addr = t->v6 ? c->v6 : c->v4;
    const bool on = member_has(t->member, t->v6);

    if (!on || !addr_eq(addr, t->addr)) {
        asker_stop(&t->ask);
        t->last[0] = t->said[0] = '\0';
        health_forget(&t->member->state, t->v6);
    }
    t->addr = addr;
    if (!on || c->probe.type == PROBE_NONE)
        asker_stop(&t->ask);
    else if (!t->ask.on || !same_probe(before, c))
        asker_start(&t->ask, c->probe.interval_ms);
}

/* The configuration was checked with file and line; this is for callers who made it by hand. */
enum err_code target_check(const struct streamer_conf *s, struct err *e)
{
    const struct probe_conf *c = &s->probe;
    const bool http = c->type == PROBE_HTTP || c->type == PROBE_HTTPS;
    const char *what = NULL;

    if (c->type == PROBE_NONE)
        return ERR_OK;
    if (probe_port(s) == 0)
        what = "port is 0, and the streamer has neither http_port nor https_port";
    else if (c->interval_ms == 0 || c->timeout_ms == 0 || c->timeout_ms >= c->interval_ms)
        what = "the timeout must be over 0 and below the interval";
    else if (http && (c->status_min > c->status_max || c->status_max == 0))
        what = "the status range is empty";
    else if (http && (!ask_is_clean(c->path) || (c->path.n && c->path.p[0] != '/')))
        what = "the path must begin with / and have neither spaces nor control characters";
    else if (http && !(ask_is_clean(c->host) && ask_is_clean(s->host)))
        what = "the host must have neither spaces nor control characters";
    else if (http && !ask_is_clean(c->cors_origin))
        what = "the origin must have neither spaces nor control characters";
    if (!what)
        return ERR_OK;
    return err_set(e, ERR_CONFLICT, "streamer %.*s: probe: %s", (int)s->name.n, s->name.p, what);
}
