#include "router/prober.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/json_write.h"
#include "base/log.h"
#include "router/probe.h"

#define IN_FLIGHT_MAX 1024u /* descriptors; more wait their turn */
#define TURN_WAIT_MS  20u
#define COMPLAIN_MS   60000u

/* One address of a streamer. conf points into the prober's view. */
struct target {
    struct prober *owner;
    const struct streamer_conf *conf;
    struct addr addr;
    lidx live;
    bool v6;
    bool kept; /* prober_set: it is in the new view too */
    struct health_state state;
    struct event *timer;
    struct probe *probe; /* under way */
    uint64_t due_ms;     /* when the last probe should have begun */
    uint64_t changed_ms; /* 0: never */
    char last[PROBE_WHY_MAX];
};

struct prober {
    struct event_base *base;
    struct live *live;
    prober_change_fn *on_change;
    void *arg;
    struct metrics *metrics; /* NULL: nothing is counted */
    struct view *view;       /* a reference; NULL before the first prober_set */
    struct target **targets; /* [count], in the order of the view's streamers, IPv4 first */
    size_t count;
    unsigned in_flight;
    uint64_t seed, drawn;
    uint64_t complain_at_ms;
};

static uint64_t draw(struct prober *p)
{
    return hash_mix(p->seed, ++p->drawn);
}

static uint16_t probe_port(const struct streamer_conf *c)
{
    if (c->probe.port)
        return c->probe.port;
    return c->http_port ? c->http_port : c->https_port;
}

static void schedule(struct target *t, uint64_t in_ms)
{
    const struct timeval in = {.tv_sec = (time_t)(in_ms / 1000),
                               .tv_usec = (suseconds_t)(in_ms % 1000) * 1000};

    evtimer_add(t->timer, &in); /* cannot fail: it was added before, or has its place in the heap */
}

static void schedule_first(struct target *t)
{
    const uint32_t in = health_first_ms(t->conf->probe.interval_ms, draw(t->owner));

    t->due_ms = clock_ms() + in;
    schedule(t, in);
}

/* Counted from when the last one should have begun; a loop that fell behind does not catch up. */
static void schedule_next(struct target *t)
{
    const uint64_t now = clock_ms();

    t->due_ms += health_next_ms(t->conf->probe.interval_ms, draw(t->owner));
    if (t->due_ms < now)
        t->due_ms = now;
    schedule(t, t->due_ms - now);
}

static void count(struct prober *p, enum metric id)
{
    if (p->metrics)
        metric_add(p->metrics, id, 1);
}

static void took_result(struct target *t, bool good, const char *why)
{
    struct prober *p = t->owner;
    const struct probe_conf *c = &t->conf->probe;
    const bool first = t->state.now == HEALTH_UNKNOWN;
    const unsigned n = good ? c->up_after : c->down_after;
    char sentence[PROBE_WHY_MAX + 64];

    if (!health_feed(&t->state, c, good))
        return;
    t->changed_ms = clock_ms();
    count(p, good ? METRIC_HEALTH_CHANGES_UP : METRIC_HEALTH_CHANGES_DOWN);
    live_health_set(p->live, t->live, t->v6, t->state.now);
    if (first)
        snprintf(sentence, sizeof sentence, "first probe: %s", why);
    else
        snprintf(sentence, sizeof sentence, "%u %s probe%s in a row, the last: %s", n ? n : 1,
                 good ? "good" : "bad", n > 1 ? "s" : "", why);
    p->on_change(p->arg, t->conf->name, t->v6, t->state.now, sentence);
}

static void complain(struct prober *p, const struct target *t, const char *why)
{
    uint64_t now = clock_ms();
    char quoted[PROBE_WHY_MAX * 2];

    if (now < p->complain_at_ms)
        return;
    p->complain_at_ms = now + COMPLAIN_MS;
    log_warn("event=probe.impossible streamer=%.*s reason=%s", (int)t->conf->name.n,
             t->conf->name.p, log_quote(why, quoted, sizeof quoted));
}

static void on_probe_done(void *arg, const struct probe_result *r)
{
    struct target *t = arg;

    t->probe = NULL;
    t->owner->in_flight--;
    snprintf(t->last, sizeof t->last, "%s", r->why);
    schedule_next(t);
    count(t->owner, r->verdict == PROBE_GOOD  ? METRIC_PROBES_GOOD
                    : r->verdict == PROBE_BAD ? METRIC_PROBES_BAD
                                              : METRIC_PROBES_NONE);
    if (r->verdict == PROBE_NOTHING)
        complain(t->owner, t, r->why);
    else
        took_result(t, r->verdict == PROBE_GOOD, r->why); /* the last: it calls outside */
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct target *t = arg;
    const struct streamer_conf *c = t->conf;
    struct probe_ask ask = {.addr = t->addr,
                            .port = probe_port(c),
                            .host = c->probe.host.n ? c->probe.host : c->host,
                            .conf = &c->probe};

    (void)fd;
    (void)what;
    if (t->owner->in_flight >= IN_FLIGHT_MAX) {
        schedule(t, TURN_WAIT_MS);
        return;
    }
    t->probe = probe_start(t->owner->base, &ask, on_probe_done, t);
    if (!t->probe) {
        complain(t->owner, t, "no memory");
        schedule_next(t);
        return;
    }
    t->owner->in_flight++;
}

static void stop_probe(struct target *t)
{
    if (!t->probe)
        return;
    probe_cancel(t->probe);
    t->probe = NULL;
    t->owner->in_flight--;
}

static void target_free(struct target *t)
{
    if (!t)
        return;
    stop_probe(t);
    if (t->timer)
        event_free(t->timer);
    free(t);
}

static struct target *target_new(struct prober *p, const struct view_streamer *s, bool v6)
{
    struct target *t = calloc(1, sizeof *t);

    if (!t)
        return NULL;
    t->owner = p;
    t->conf = s->conf;
    t->addr = v6 ? s->conf->v6 : s->conf->v4;
    t->live = s->live;
    t->v6 = v6;
    t->timer = evtimer_new(p->base, on_timer, t);
    if (!t->timer) {
        free(t);
        return NULL;
    }
    return t;
}

struct prober *prober_new(struct event_base *base, struct live *live, prober_change_fn *on_change,
                          void *arg)
{
    struct prober *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->base = base;
    p->live = live;
    p->on_change = on_change;
    p->arg = arg;
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
        target_free(p->targets[i]);
    free(p->targets);
    view_drop(p->view);
    free(p);
}

static bool has_family(const struct streamer_conf *c, bool v6)
{
    return c->can & (v6 ? STREAMER_V6 : STREAMER_V4);
}

/* What would break a request line or header apart. */
static bool is_clean(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] == 0x7f)
            return false;
    return true;
}

/* The configuration was checked with file and line; this is for callers who made it by hand. */
static enum err_code check_conf(const struct streamer_conf *s, struct err *e)
{
    const struct probe_conf *c = &s->probe;
    const char *what = NULL;

    if (probe_port(s) == 0)
        what = "port is 0, and the streamer has neither http_port nor https_port";
    else if (c->interval_ms == 0 || c->timeout_ms == 0 || c->timeout_ms >= c->interval_ms)
        what = "the timeout must be over 0 and below the interval";
    else if (c->type == PROBE_HTTP && (c->status_min > c->status_max || c->status_max == 0))
        what = "the status range is empty";
    else if (c->type == PROBE_HTTP && (!is_clean(c->path) || (c->path.n && c->path.p[0] != '/')))
        what = "the path must begin with / and have neither spaces nor control characters";
    else if (c->type == PROBE_HTTP && !(is_clean(c->host) && is_clean(s->host)))
        what = "the host must have neither spaces nor control characters";
    if (!what)
        return ERR_OK;
    return err_set(e, ERR_CONFLICT, "streamer %.*s: probe: %s", (int)s->name.n, s->name.p, what);
}

static int target_cmp(const struct target *t, const struct view_streamer *s, bool v6)
{
    int c = str_cmp(t->conf->name, s->conf->name);

    return c ? c : (int)t->v6 - (int)v6;
}

/* The target that probes the same address of the same streamer; both lists are sorted alike, *at
 * walks along. */
static struct target *find_old(const struct prober *p, size_t *at, const struct view_streamer *s,
                               bool v6)
{
    while (*at < p->count && target_cmp(p->targets[*at], s, v6) < 0)
        ++*at;
    if (*at == p->count || target_cmp(p->targets[*at], s, v6) != 0 ||
        !addr_eq(p->targets[*at]->addr, v6 ? s->conf->v6 : s->conf->v4))
        return NULL;
    return p->targets[*at];
}

/* Fills list with the targets of v, old ones marked kept. On failure the new ones are freed. */
static enum err_code collect(struct prober *p, const struct view *v, struct target **list,
                             size_t *count, struct err *e)
{
    enum err_code rc = ERR_OK;
    size_t n = 0, old = 0;

    for (sidx i = 0; i < v->streamer_count && rc == ERR_OK; i++) {
        const struct view_streamer *s = &v->streamers[i];

        if (s->conf->probe.type == PROBE_NONE)
            continue;
        rc = check_conf(s->conf, e);
        for (unsigned v6 = 0; v6 < 2 && rc == ERR_OK; v6++) {
            struct target *t;

            if (!has_family(s->conf, v6))
                continue;
            t = find_old(p, &old, s, v6);
            if (t)
                t->kept = true;
            else
                t = target_new(p, s, v6);
            if (!t)
                rc = err_set(e, ERR_LIMIT, "no memory for the probes of streamer %.*s",
                             (int)s->conf->name.n, s->conf->name.p);
            else
                list[n++] = t;
        }
    }
    *count = n;
    if (rc == ERR_OK)
        return ERR_OK;
    for (size_t i = 0; i < n; i++)
        if (!list[i]->kept)
            target_free(list[i]);
    for (size_t i = 0; i < p->count; i++)
        p->targets[i]->kept = false;
    return rc;
}

static bool same_probe(const struct streamer_conf *a, const struct streamer_conf *b)
{
    const struct probe_conf *x = &a->probe, *y = &b->probe;

    return x->type == y->type && probe_port(a) == probe_port(b) && str_eq(x->path, y->path) &&
           str_eq(x->host, y->host) && str_eq(a->host, b->host) && x->status_min == y->status_min &&
           x->status_max == y->status_max && x->interval_ms == y->interval_ms &&
           x->timeout_ms == y->timeout_ms;
}

/* A kept target goes over to the new view's configuration. What runs goes on, for views may come
 * more often than a probe takes; only when something else is asked, schedule and probe begin anew.
 */
static void carry_over(struct target *t, const struct view_streamer *s)
{
    const bool same = same_probe(t->conf, s->conf);

    t->conf = s->conf;
    t->live = s->live;
    if (same)
        return;
    stop_probe(t);
    schedule_first(t);
}

static void adopt(struct prober *p, const struct view *v, struct target **list, size_t count)
{
    size_t n = 0;

    for (size_t i = 0; i < p->count; i++)
        if (!p->targets[i]->kept)
            target_free(p->targets[i]);
    free(p->targets);
    p->targets = list;
    p->count = count;
    for (sidx i = 0; i < v->streamer_count; i++) {
        const struct view_streamer *s = &v->streamers[i];

        for (unsigned v6 = 0; v6 < 2; v6++) {
            struct target *t = n < count ? list[n] : NULL;

            if (s->conf->probe.type == PROBE_NONE || !has_family(s->conf, v6)) {
                live_health_set(p->live, s->live, v6, HEALTH_UNKNOWN);
                continue;
            }
            assert(t); /* collect went the same way */
            if (t->kept)
                carry_over(t, s);
            else
                schedule_first(t);
            t->kept = false;
            live_health_set(p->live, s->live, v6, t->state.now);
            n++;
        }
    }
}

enum err_code prober_set(struct prober *p, struct view *v, struct err *e)
{
    struct target **list = calloc((size_t)v->streamer_count * 2 + 1, sizeof(struct target *));
    struct view *before = p->view;
    size_t count = 0;
    enum err_code rc;

    if (!list)
        return err_set(e, ERR_LIMIT, "no memory for the probes of %u streamers", v->streamer_count);
    rc = collect(p, v, list, &count, e);
    if (rc != ERR_OK) {
        free(list);
        return rc;
    }
    view_take(v);
    adopt(p, v, list, count);
    p->view = v;
    view_drop(before);
    return ERR_OK;
}

static const char *health_text(const struct streamer_conf *c, const struct live *live, lidx i,
                               bool v6)
{
    static const char *const names[] = {
        [HEALTH_UNKNOWN] = "unknown", [HEALTH_UP] = "up", [HEALTH_DOWN] = "down"};

    return has_family(c, v6) ? names[live_health_of(live_health_get(live, i), v6)] : "none";
}

/* What the last probes of one or both addresses of a streamer gave. */
static void format_last(struct json_write *w, struct target *const *t, size_t n, uint64_t now)
{
    static const char *const family[] = {"IPv4 ", "IPv6 "};
    char last[2 * (PROBE_WHY_MAX + 8)] = "";
    uint64_t changed = 0;
    size_t at = 0;

    for (size_t i = 0; i < n; i++) {
        if (t[i]->changed_ms > changed)
            changed = t[i]->changed_ms;
        if (t[i]->last[0])
            at += (size_t)snprintf(last + at, sizeof last - at, "%s%s%s", at ? "; " : "",
                                   n == 2 ? family[t[i]->v6] : "", t[i]->last);
    }
    json_write_key(w, STR("last"));
    if (at)
        json_write_string(w, str_from(last));
    else
        json_write_null(w);
    json_write_key(w, STR("changed_s"));
    if (changed)
        json_write_uint(w, (now - changed) / 1000);
    else
        json_write_null(w);
}

bool prober_format(const struct prober *p, const struct live *live, struct bytes *out)
{
    static const char *const admin[] = {[ADMIN_UP] = "up",
                                        [ADMIN_DRAIN] = "drain",
                                        [ADMIN_DOWN] = "down",
                                        [ADMIN_FORCED] = "forced"};
    const uint64_t now = clock_ms();
    struct json_write w;
    size_t at = 0;

    json_write_init(&w, out);
    json_write_object(&w);
    json_write_key(&w, STR("streamers"));
    json_write_array(&w);
    for (sidx i = 0; p->view && i < p->view->streamer_count; i++) {
        const struct view_streamer *s = &p->view->streamers[i];
        size_t n = 0;

        while (at + n < p->count && p->targets[at + n]->conf == s->conf)
            n++;
        json_write_object(&w);
        json_write_key(&w, STR("name"));
        json_write_string(&w, s->conf->name);
        json_write_key(&w, STR("ipv4"));
        json_write_string(&w, str_from(health_text(s->conf, live, s->live, false)));
        json_write_key(&w, STR("ipv6"));
        json_write_string(&w, str_from(health_text(s->conf, live, s->live, true)));
        json_write_key(&w, STR("admin"));
        json_write_string(&w, str_from(admin[live_admin_get(live, s->live)]));
        format_last(&w, p->targets + at, n, now);
        json_write_object_end(&w);
        at += n;
    }
    json_write_array_end(&w);
    json_write_object_end(&w);
    return json_write_done(&w);
}
