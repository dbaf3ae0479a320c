#include "router/prober_internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"

#define SCRATCH_MAX        ((size_t)128 << 20)
#define HIT_WEIGHT         0.2
#define HIT_REQUESTS_LEAST 100 /* that a hit ratio is learnt from */
#define DIGEST_RETRY_MS    60000u
#define DIGEST_OLD         3u /* intervals without a new one, and it is not believed any more */

static uint16_t poll_port(const struct streamer_conf *c)
{
    const uint16_t own = c->poll.tls ? c->https_port : c->http_port;

    if (c->poll.port)
        return c->poll.port;
    return own ? own : c->poll.tls ? c->http_port : c->https_port;
}

/* How a page of a streamer is asked for. */
static struct probe_conf page_conf(const struct streamer_conf *c, struct str path)
{
    return (struct probe_conf){.type = c->poll.tls ? PROBE_HTTPS : PROBE_HTTP,
                               .path = path,
                               .status_min = 200,
                               .status_max = 200,
                               .timeout_ms = c->poll.timeout_ms,
                               .verify = c->poll.verify};
}

static struct probe_ask page_ask(const struct member *m, const struct probe_conf *conf, size_t max)
{
    const struct streamer_conf *c = m->conf;
    const bool v6 = member_has(m, m->poll.v6) ? m->poll.v6 : !m->poll.v6;

    return (struct probe_ask){.addr = v6 ? c->v6 : c->v4,
                              .port = poll_port(c),
                              .host = c->poll.host.n ? c->poll.host : c->host,
                              .conf = conf,
                              .tls = m->owner->tls,
                              .body = true,
                              .body_max = max};
}

/* ---- what comes of a report */

void poller_hits(const struct member *m)
{
    const struct poller *p = &m->poll;

    if (!p->hit_learnt)
        return;
    live_hit_set(m->owner->live, m->at->live, (uint32_t)lrint(p->hit.unknown * 1000));
    live_hit_known_set(m->owner->live, m->at->live, (uint32_t)lrint(p->hit.known * 1000));
}

static struct hit_belief hits_now(const struct member *m)
{
    const struct live_streamer *s = &m->owner->live->streamer[m->at->live];

    return (struct hit_belief){
        .known = atomic_load_explicit(&s->hit_known_pm, memory_order_relaxed) / 1000.0,
        .unknown = atomic_load_explicit(&s->hit_pm, memory_order_relaxed) / 1000.0};
}

/* What is as configured follows the configuration. */
void poller_resume(struct member *m)
{
    const struct live_streamer *s = &m->owner->live->streamer[m->at->live];
    const bool speaks = m->conf->poll.profile.n > 0 || m->conf->reports;

    if (!speaks || atomic_load_explicit(&s->hit_pm, memory_order_relaxed) == m->conf->hit_pm)
        return;
    m->poll.hit = hits_now(m);
    m->poll.hit_learnt = true;
}

/* Of what it is remembered to have: what is believed of the rest is the configuration's, for what
 * others put there is not where we would look for it. A ratio of a few requests says nothing. The
 * counters wrap; both are read at about the same time, so that one may be ahead by a few. */
static void learn_hits(struct member *m, double ratio, double asked)
{
    struct live_streamer *s = &m->owner->live->streamer[m->at->live];
    struct poller *p = &m->poll;
    const uint32_t all = atomic_load_explicit(&s->dispatched, memory_order_relaxed);
    const uint32_t known = atomic_load_explicit(&s->sent_known, memory_order_relaxed);
    const uint32_t sent = all - p->sent, sent_known = known - p->sent_known;

    p->sent = all;
    p->sent_known = known;
    if (isnan(ratio) || asked < HIT_REQUESTS_LEAST || sent == 0 || sent_known == 0)
        return;
    if (!p->hit_learnt)
        p->hit = hits_now(m);
    p->hit.known = hit_learn(p->hit, ratio, fmin((double)sent_known / sent, 1), HIT_WEIGHT).known;
    p->hit_learnt = true;
    poller_hits(m);
}

void poller_took(struct member *m, const struct profile_report *r, uint64_t now_ms)
{
    struct health_report h = {r->sessions, r->capacity, r->ready};

    if (isnan(h.sessions) && m->conf->session_bps > 0)
        h.sessions = r->bytes_out_bps / m->conf->session_bps;
    m->poll.report = *r;
    m->poll.report.sessions = h.sessions;
    m->poll.report_ms = now_ms;
    if (!isnan(h.sessions))
        live_poll(m->owner->live, m->at->live, h.sessions, now_ms, m->at->session_s);
    learn_hits(m, r->hit_ratio, r->asked);
    member_took(m, health_poll(&m->state, m->conf, &h, now_ms), now_ms);
}

/* ---- statistics */

static bool says_nothing(const struct profile_sample *s)
{
    for (unsigned i = 0; i < PROFILE_FIELDS; i++)
        if (s->has[i])
            return false;
    return true;
}

static enum err_code read_page(struct member *m, struct str body, struct profile_sample *out,
                               struct err *e)
{
    struct prober *p = m->owner;
    struct stats stats = {0};
    enum err_code rc;

    if (!p->scratch)
        p->scratch = arena_new(SCRATCH_MAX);
    if (!p->scratch)
        return err_set(e, ERR_LIMIT, "no memory for its statistics");
    rc = stats_parse(m->at->profile->format, body.p, body.n, p->scratch, &stats, e);
    if (rc == ERR_OK) {
        profile_read(m->at->profile, &stats, m->conf->poll.select, out);
        if (says_nothing(out))
            rc = err_set(e, ERR_NOT_FOUND, "none of the numbers that profile %.*s names",
                         (int)m->conf->poll.profile.n, m->conf->poll.profile.p);
    }
    arena_reset(p->scratch);
    return rc;
}

static void poll_failed(struct member *m, const char *why, struct str type)
{
    char shown[64];

    if (type.n)
        snprintf(m->poll.error, sizeof m->poll.error, "%.160s (a page of type %s)", why,
                 bytes_escape(type.p, type.n, shown, sizeof shown));
    else
        snprintf(m->poll.error, sizeof m->poll.error, "%.240s", why);
    m->poll.v6 = !m->poll.v6; /* of one address: page_ask sees to it */
    prober_count(m->owner, METRIC_POLLS_BAD);
}

static void on_poll_done(void *arg, const struct probe_result *r)
{
    struct member *m = arg;
    struct profile_sample sample = {0};
    struct profile_report report;
    const uint64_t now = clock_ms();
    struct err e = {0};

    asker_done(&m->poll.ask);
    asker_next(&m->poll.ask, m->conf->poll.interval_ms);
    if (r->verdict == PROBE_NOTHING) {
        prober_count(m->owner, METRIC_POLLS_NONE);
        member_complain(m, r->why);
        return;
    }
    if (r->verdict == PROBE_BAD) {
        poll_failed(m, r->why, STR(""));
        return;
    }
    if (read_page(m, r->body, &sample, &e) != ERR_OK) {
        poll_failed(m, e.text, r->content_type);
        return;
    }
    prober_count(m->owner, METRIC_POLLS_GOOD);
    m->poll.error[0] = '\0';
    profile_report(m->poll.has_sample ? &m->poll.sample : NULL, &sample,
                   (double)(now - m->poll.sample_ms) / 1000, &report);
    m->poll.has_sample = true;
    m->poll.sample = sample;
    m->poll.sample_ms = now;
    poller_took(m, &report, now);
}

static void on_poll_timer(evutil_socket_t fd, short what, void *arg)
{
    struct member *m = arg;
    const struct poll_conf *c = &m->conf->poll;
    const struct probe_conf conf = page_conf(m->conf, c->path.n ? c->path : m->at->profile->path);
    const struct probe_ask ask = page_ask(m, &conf, c->body_max);

    (void)fd;
    (void)what;
    if (asker_ask(&m->poll.ask, &ask, on_poll_done, m))
        return;
    member_complain(m, "no memory");
    asker_next(&m->poll.ask, c->interval_ms);
}

bool poller_init(struct member *m)
{
    return asker_init(&m->poll.ask, m->owner, on_poll_timer, m);
}

static bool same_page(const struct streamer_conf *a, const struct streamer_conf *b)
{
    const struct poll_conf *x = &a->poll, *y = &b->poll;

    return a->can == b->can && addr_eq(a->v4, b->v4) && addr_eq(a->v6, b->v6) &&
           poll_port(a) == poll_port(b) && str_eq(x->host, y->host) && str_eq(a->host, b->host) &&
           x->tls == y->tls && x->verify == y->verify && x->timeout_ms == y->timeout_ms;
}

static bool same_expr(const struct profile_expr *a, const struct profile_expr *b)
{
    if (a->name_count != b->name_count || fabs(a->scale - b->scale) > 0)
        return false;
    for (unsigned i = 0; i < a->name_count; i++)
        if (!str_eq(a->names[i], b->names[i]))
            return false;
    return true;
}

static bool same_profile(const struct profile_conf *a, const struct profile_conf *b)
{
    if (!a || !b || !str_eq(a->name, b->name) || a->format != b->format ||
        !str_eq(a->path, b->path) || !str_eq(a->select, b->select))
        return a == b;
    for (unsigned i = 0; i < PROFILE_FIELDS; i++)
        if (!same_expr(&a->field[i], &b->field[i]))
            return false;
    return true;
}

static bool same_poll(const struct view_streamer *a, const struct view_streamer *b)
{
    const struct poll_conf *x = &a->conf->poll, *y = &b->conf->poll;

    return same_page(a->conf, b->conf) && same_profile(a->profile, b->profile) &&
           str_eq(x->path, y->path) && str_eq(x->select, y->select) &&
           x->interval_ms == y->interval_ms && x->body_max == y->body_max;
}

void poller_adopt(struct member *m, const struct view_streamer *before)
{
    struct poller *p = &m->poll;
    const bool on = m->conf->poll.profile.n > 0, speaks = on || m->conf->reports;
    const bool spoke = before && (before->conf->poll.profile.n > 0 || before->conf->reports);

    if (speaks && !spoke)
        health_listen(&m->state, clock_ms());
    if (!speaks && spoke) {
        live_poll_forget(m->owner->live, m->at->live);
        p->hit_learnt = false; /* it is as configured */
    }
    if (!on) {
        asker_stop(&p->ask);
        p->has_sample = false;
        p->error[0] = '\0';
    } else if (!p->ask.on || !before || !same_poll(before, m->at)) {
        p->has_sample = false; /* two numbers of different kinds make no rate */
        asker_start(&p->ask, m->conf->poll.interval_ms);
    }
    poller_hits(m); /* the view has put in what the configuration believes */
}

enum err_code poller_check(const struct view_streamer *s, struct err *e)
{
    const struct streamer_conf *c = s->conf;
    const char *what = NULL;

    if (c->poll.profile.n == 0 && c->poll.digest_path.n == 0)
        return ERR_OK;
    if (c->poll.profile.n && !s->profile)
        what = "its profile is not there";
    else if (poll_port(c) == 0)
        what = "port is 0, and the streamer has neither http_port nor https_port";
    else if (!(c->can & (STREAMER_V4 | STREAMER_V6)))
        what = "the streamer has no address";
    else if (c->poll.timeout_ms == 0 || c->poll.timeout_ms >= c->poll.interval_ms)
        what = "the timeout must be over 0 and below the interval";
    else if (!ask_is_clean(c->poll.path) || !ask_is_clean(c->poll.digest_path) ||
             !ask_is_clean(c->poll.host) || !ask_is_clean(c->host))
        what = "paths and host must have neither spaces nor control characters";
    else if (c->poll.profile.n && c->poll.body_max == 0)
        what = "a page of at most 0 bytes";
    if (!what)
        return ERR_OK;
    return err_set(e, ERR_CONFLICT, "streamer %.*s: poll: %s", (int)c->name.n, c->name.p, what);
}

/* ---- digests */

static uint32_t digest_ms(const struct streamer_conf *c)
{
    const uint32_t s = c->poll.digest_every_s ? c->poll.digest_every_s : 600;

    return s < UINT32_MAX / 4000 ? s * 1000 : UINT32_MAX / 4;
}

static void digest_drop(struct member *m)
{
    const struct digest_info none = {0};
    struct digest_live *d = live_digest(m->owner->live, m->at->live);
    struct err e = {0};

    m->digest.got_ms = 0;
    if (d)
        (void)!digest_live_set(d, &none, NULL, &e); /* emptying asks for no memory */
}

static enum err_code digest_take(struct member *m, struct str body, struct err *e)
{
    struct digest_live *d = live_digest_open(m->owner->live, m->at->live);
    struct digest_info info;
    const uint8_t *mask;
    enum err_code rc = digest_parse(body.p, body.n, &info, &mask, e);

    if (rc != ERR_OK)
        return rc;
    if (!d)
        return err_set(e, ERR_LIMIT, "no memory for its digest");
    rc = digest_live_set(d, &info, mask, e);
    if (rc == ERR_OK)
        m->digest.info = info;
    return rc;
}

static void on_digest_done(void *arg, const struct probe_result *r)
{
    struct member *m = arg;
    struct digester *d = &m->digest;
    const uint32_t every = digest_ms(m->conf);
    const uint64_t now = clock_ms();
    struct err e = {0};

    asker_done(&d->ask);
    d->error[0] = '\0';
    if (r->verdict != PROBE_GOOD)
        snprintf(d->error, sizeof d->error, "%s", r->why);
    else if (digest_take(m, r->body, &e) != ERR_OK)
        snprintf(d->error, sizeof d->error, "%.*s", (int)sizeof d->error - 1, e.text);
    if (!d->error[0])
        d->got_ms = now;
    else if (d->got_ms && now - d->got_ms > (uint64_t)DIGEST_OLD * every)
        digest_drop(m);
    asker_next(&d->ask, d->error[0] && every > DIGEST_RETRY_MS ? DIGEST_RETRY_MS : every);
}

static void on_digest_timer(evutil_socket_t fd, short what, void *arg)
{
    struct member *m = arg;
    const struct probe_conf conf = page_conf(m->conf, m->conf->poll.digest_path);
    const struct probe_ask ask = page_ask(m, &conf, DIGEST_BYTES_MAX);

    (void)fd;
    (void)what;
    if (asker_ask(&m->digest.ask, &ask, on_digest_done, m))
        return;
    member_complain(m, "no memory");
    asker_next(&m->digest.ask, digest_ms(m->conf));
}

bool digester_init(struct member *m)
{
    return asker_init(&m->digest.ask, m->owner, on_digest_timer, m);
}

void digester_adopt(struct member *m, const struct streamer_conf *before)
{
    struct digester *d = &m->digest;

    if (m->conf->poll.digest_path.n == 0) {
        if (d->ask.on)
            digest_drop(m);
        asker_stop(&d->ask);
    } else if (!d->ask.on || !same_page(before, m->conf) ||
               !str_eq(before->poll.digest_path, m->conf->poll.digest_path) ||
               digest_ms(before) != digest_ms(m->conf)) {
        asker_start(&d->ask, digest_ms(m->conf));
    }
}
