#include "router/sim/router.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "router/cache_memory.h"
#include "router/candidates.h"
#include "router/hot.h"
#include "router/popularity.h"
#include "router/rendezvous.h"
#include "router/session_table.h"

#define PROBE_MS      5000u /* as the configuration's defaults */
#define HALF_LIFE_S   60.0
#define SESSION_SLOTS (UINT32_C(1) << 20)
#define PUBLISH_MS    5000u /* the daemon: each second, which is no other at that half life */
#define BOUND         1.25  /* SIM_BOUNDED_HASH: of the mean load */
#define HIT_WEIGHT    0.2   /* as the daemon's */
#define HIT_LEAST                                                                                  \
    20u /* sessions that a hit ratio is made of: it is told as one of requests, which are many     \
           more */
#define MEMORY_ROWS 32u /* a content of a cache */
#define NAME_SIZE   8u

static enum err_code no_memory(struct err *e)
{
    return err_set(e, ERR_LIMIT, "no memory for a simulated router");
}

/* ---- its view */

static struct streamer_conf streamer_make(const struct sim_world *w, uint32_t s, char name[],
                                          char pid[], char origin[])
{
    const struct sim_conf *c = w->conf;

    snprintf(name, NAME_SIZE, "s%04u", s % 10000);
    topology_pid_name(w->site_node[s / c->per_site], pid);
    topology_pid_name(w->origin, origin);
    return (struct streamer_conf){
        .name = str_from(name),
        .v4 = addr_from_v4((UINT32_C(192) << 24) + s),
        .can = STREAMER_V4 | STREAMER_HTTP,
        .http_port = 80,
        .pid = str_from(pid),
        .origin_pid = str_from(origin),
        .capacity = c->capacity,
        .weight = 1,
        .probe = {.type = PROBE_HTTP, .interval_ms = PROBE_MS, .up_after = 2, .down_after = 3},
        .poll = {.profile = STR("prometheus"),
                 .interval_ms = c->poll_ms,
                 .stale_ms = c->poll_ms * 7 / 2 > 35000 ? c->poll_ms * 7 / 2 : 35000,
                 .leave_pm = 10000, /* load is the decision's, here as there */
                 .return_pm = 9999},
        .cache_contents = w->size ? 0 : (double)c->cache,
        .slow_start_s = c->slow_start_s,
    };
}

static enum err_code view_make(struct sim_router *r, struct err *e)
{
    static const struct str host = {"www.example.com", 15};
    const struct sim_world *w = r->world;
    struct service_conf service = {
        .name = STR("simulated"), .hosts = &host, .host_count = 1, .policy = w->conf->policy};
    struct streamer_conf *all = calloc(w->streamers, sizeof *all);
    char(*text)[3][NAME_SIZE] = calloc(w->streamers, sizeof *text);
    struct view_inputs in = {.serial = 1,
                             .netmap = w->netmap,
                             .costmap = w->costmap,
                             .streamers = all,
                             .streamer_count = w->streamers,
                             .services = &service,
                             .service_count = 1};
    enum err_code rc;

    service.policy.session_s = w->conf->session_s;
    if (!all || !text) {
        rc = no_memory(e);
    } else {
        for (uint32_t s = 0; s < w->streamers; s++)
            all[s] = streamer_make(w, s, text[s][0], text[s][1], text[s][2]);
        rc = view_build(&in, r->live, &r->view, e);
    }
    free(all);
    free(text);
    return rc;
}

/* ---- nearest sites of each node */

struct near_site {
    double cost;
    uint16_t site;
};

static int by_near(const void *a, const void *b)
{
    const struct near_site *x = a, *y = b;

    if (x->cost != y->cost)
        return x->cost > y->cost ? 1 : -1;
    return (x->site > y->site) - (x->site < y->site);
}

static bool nearest_make(struct sim_router *r)
{
    const struct sim_world *w = r->world;
    uint32_t sites = w->conf->sites, n = w->topology->count;
    struct near_site *row = calloc(sites, sizeof *row);
    uint16_t *out = calloc((size_t)n * sites, sizeof *out);

    r->nearest = out;
    for (uint32_t i = 0; row && out && i < n; i++) {
        const struct topology_node *from = &w->topology->nodes[i];

        for (uint32_t k = 0; k < sites; k++) {
            const struct topology_node *to = &w->topology->nodes[w->site_node[k]];

            row[k].site = (uint16_t)k;
            row[k].cost = r->policy == SIM_GEO_HASH
                              ? topology_km(from->lat, from->lon, to->lat, to->lon)
                              : (double)w->cost[(size_t)i * n + w->site_node[k]];
        }
        qsort(row, sites, sizeof *row, by_near);
        for (uint32_t k = 0; k < sites; k++)
            out[(size_t)i * sites + k] = row[k].site;
    }
    free(row);
    return row && out;
}

/* ---- from birth to death */

static size_t memory_bytes(const struct sim_world *w)
{
    const struct sim_conf *c = w->conf;
    uint64_t contents = w->size || c->cache > w->contents ? w->contents : c->cache;

    if (c->memory_bytes)
        return c->memory_bytes;
    return (size_t)(contents + 256) * MEMORY_ROWS * ((w->streamers + 63) / 64) * 2 *
           sizeof(uint64_t);
}

static enum err_code ours_init(struct sim_router *r, struct err *e)
{
    const struct sim_conf *c = r->world->conf;
    enum err_code rc = ERR_OK;

    if (c->memory)
        rc = cache_memory_new(memory_bytes(r->world), r->world->streamers, NULL, &r->memory, e);
    if (rc == ERR_OK && c->counters) {
        r->popularity = popularity_new(c->counters, HALF_LIFE_S);
        r->live->hot = hot_new();
        if (!r->popularity || !r->live->hot)
            rc = no_memory(e);
    }
    if (rc == ERR_OK && c->asks > 1) {
        r->sessions = session_table_new(SESSION_SLOTS);
        rc = r->sessions ? ERR_OK : no_memory(e);
    }
    return rc;
}

enum err_code sim_router_init(struct sim_router *r, const struct sim_world *w, enum sim_policy p,
                              uint32_t number, struct err *e)
{
    enum err_code rc = ERR_OK;

    *r = (struct sim_router){.world = w, .policy = p};
    r->random.state = hash_mix(hash_mix(w->seed, 0x726f75746572), number);
    r->live = live_new();
    r->known = calloc(w->streamers, sizeof *r->known);
    if (!r->live || !r->known || !nearest_make(r))
        rc = no_memory(e);
    if (rc == ERR_OK && p == SIM_WAYMARK)
        rc = ours_init(r, e);
    if (rc == ERR_OK)
        rc = view_make(r, e);
    if (rc != ERR_OK) {
        sim_router_fini(r);
        return rc;
    }
    if (r->memory) {
        cache_memory_bind(r->memory, r->live);
        r->view->cache_memory = r->memory; /* dropped with the router, behind the view */
    }
    for (uint32_t s = 0; s < w->streamers; s++) {
        struct sim_known *k = &r->known[s];

        k->live = r->view->streamers[s].live;
        k->usable = true;
        k->hit.known =
            atomic_load_explicit(&r->live->streamer[k->live].hit_known_pm, memory_order_relaxed) *
            0.001;
        health_begin(&k->state, 0);
        k->probe_ms = health_first_ms(PROBE_MS, sim_random_next(&r->random));
        k->poll_ms = health_first_ms(w->conf->poll_ms, sim_random_next(&r->random));
    }
    r->usable_count = w->streamers;
    return ERR_OK;
}

void sim_router_fini(struct sim_router *r)
{
    view_drop(r->view);
    if (r->live) {
        hot_free(r->live->hot);
        r->live->hot = NULL;
    }
    live_free(r->live);
    cache_memory_drop(r->memory);
    popularity_free(r->popularity);
    session_table_free(r->sessions);
    free((void *)(uintptr_t)r->nearest);
    free(r->known);
    *r = (struct sim_router){0};
}

/* ---- what it hears */

static void health_apply(struct sim_router *r, uint32_t s, unsigned changed)
{
    struct sim_known *k = &r->known[s];

    if (!(changed & 1))
        return;
    live_health_set(r->live, k->live, false, k->state.now[0]);
    r->usable_count -= k->usable;
    k->usable = live_usable(live_health_get(r->live, k->live), false) == USABLE_YES;
    r->usable_count += k->usable;
    if (k->state.now[0] == HEALTH_DOWN)
        live_poll_forget(r->live, k->live);
}

/* Ours alone: what its statistics say of the memory of what was sent there. */
static void learn_hits(struct sim_router *r, struct sim_known *k, const struct sim_streamer *real)
{
    struct live_streamer *s = &r->live->streamer[k->live];
    uint32_t all = atomic_load_explicit(&s->dispatched, memory_order_relaxed);
    uint32_t known = atomic_load_explicit(&s->sent_known, memory_order_relaxed);
    uint32_t asked = real->asked - k->asked, sent = all - k->sent;

    if (asked < HIT_LEAST || sent == 0)
        return;
    k->hit = hit_learn(k->hit, (double)(real->hits - k->hits) / asked,
                       fmin((double)(known - k->sent_known) / sent, 1), HIT_WEIGHT);
    live_hit_set(r->live, k->live, (uint32_t)lrint(k->hit.unknown * 1000));
    live_hit_known_set(r->live, k->live, (uint32_t)lrint(k->hit.known * 1000));
    k->asked = real->asked;
    k->hits = real->hits;
    k->sent = all;
    k->sent_known = known;
}

void sim_router_hear(struct sim_router *r, uint32_t s, const struct sim_streamer *real,
                     uint64_t now_ms)
{
    const struct sim_conf *c = r->world->conf;
    const struct view_streamer *vs = &r->view->streamers[s];
    struct sim_known *k = &r->known[s];

    if (now_ms >= k->probe_ms) {
        k->probe_ms = now_ms + health_next_ms(PROBE_MS, sim_random_next(&r->random));
        health_apply(r, s, health_probe(&k->state, vs->conf, false, real->up, now_ms));
    }
    if (now_ms >= k->poll_ms) {
        struct health_report report = {.sessions = real->active, .capacity = NAN, .ready = -1};

        k->poll_ms = now_ms + health_next_ms(c->poll_ms, sim_random_next(&r->random));
        if (real->up && sim_random_unit(&r->random) >= c->poll_lost) {
            health_apply(r, s, health_poll(&k->state, vs->conf, &report, now_ms));
            live_poll(r->live, k->live, report.sessions, now_ms, vs->session_s);
            k->polled = real->active / c->capacity;
            if (r->memory && c->learn_hits)
                learn_hits(r, k, real);
        }
    }
    health_apply(r, s, health_tick(&k->state, vs->conf, now_ms));
    live_scale_set(r->live, k->live, health_scale(&k->state, vs->conf, now_ms));
}

static bool service_of(void *arg, svidx service, struct popularity_service *out)
{
    const struct sim_router *r = arg;

    if (service >= r->view->service_count)
        return false;
    out->policy = &r->view->services[service].conf->policy;
    out->capacity = r->view->services[service].capacity_mean;
    out->others = r->view->services[service].candidates->folded->others;
    return true;
}

void sim_router_fold(struct sim_router *r, uint64_t now_ms)
{
    double elapsed_s = (double)(now_ms - r->folded_ms) * 0.001;

    if (now_ms && elapsed_s < 1)
        return;
    r->folded_ms = now_ms;
    for (uint32_t s = 0; s < r->world->streamers; s++) {
        const struct view_streamer *vs = &r->view->streamers[s];

        live_fold(r->live, vs->live, elapsed_s, vs->session_s);
        if (r->memory)
            (void)cache_memory_turn(r->memory, vs->live, vs->conf->cache_contents,
                                    vs->conf->cache_keep_s, now_ms);
    }
    view_fold(r->view, r->live);
    if (r->popularity && now_ms >= r->publish_ms) {
        r->publish_ms = now_ms + PUBLISH_MS;
        popularity_publish(r->popularity, r->live->hot, (double)now_ms * 0.001, service_of, r);
    }
}

/* ---- how it chooses */

static uint32_t ours(const struct sim_router *r, const struct live *live,
                     const struct sim_session *s, bool *known)
{
    struct question q = {.client = topology_client(s->place, s->host),
                         .content = r->world->key[s->content],
                         .need = STREAMER_V4 | STREAMER_HTTP,
                         .want = 1};
    UNINITIALIZED struct decision d;

    decide(r->view, live, &q, &d);
    if (d.count == 0)
        return SIM_NOBODY;
    *known = d.choice[0].known;
    return d.choice[0].streamer;
}

static double pull(const struct sim_router *r, uint64_t content, uint32_t s)
{
    return rendezvous_pull_equal(content, r->view->services[0].candidates->slot[s].hash);
}

/* The content's own of a site; with `open`, of those under the threshold. */
static uint32_t own_of_site(const struct sim_router *r, uint64_t content, uint32_t site,
                            double threshold)
{
    uint32_t per_site = r->world->conf->per_site, best = SIM_NOBODY;
    double best_pull = 0;

    for (uint32_t s = site * per_site; s < (site + 1) * per_site; s++) {
        double p;

        if (!r->known[s].usable || r->known[s].polled >= threshold)
            continue;
        p = pull(r, content, s);
        if (best == SIM_NOBODY || p < best_pull) {
            best = s;
            best_pull = p;
        }
    }
    return best;
}

/* Of the nearest site that has somebody under the threshold; nobody anywhere: of the nearest one
 * that has somebody at all. */
static uint32_t nearest_own(const struct sim_router *r, const struct sim_session *s,
                            double threshold)
{
    uint32_t sites = r->world->conf->sites, to = SIM_NOBODY;
    const uint16_t *near = r->nearest + (size_t)s->place * sites;

    for (uint32_t i = 0; i < sites && to == SIM_NOBODY; i++)
        to = own_of_site(r, r->world->key[s->content], near[i], threshold);
    for (uint32_t i = 0; i < sites && to == SIM_NOBODY; i++)
        to = own_of_site(r, r->world->key[s->content], near[i], INFINITY);
    return to;
}

static uint32_t cost_only(const struct sim_router *r, const struct sim_session *s)
{
    uint32_t sites = r->world->conf->sites, per_site = r->world->conf->per_site;
    const uint16_t *near = r->nearest + (size_t)s->place * sites;

    for (uint32_t i = 0; i < sites; i++) {
        uint32_t first = near[i] * per_site, usable = 0, pick;

        for (uint32_t k = 0; k < per_site; k++)
            usable += r->known[first + k].usable;
        if (!usable)
            continue;
        pick = (uint32_t)((uint64_t)(uint32_t)hash_mix(s->random, 2) * usable >> 32);
        for (uint32_t k = 0; k < per_site; k++)
            if (r->known[first + k].usable && pick-- == 0)
                return first + k;
    }
    return SIM_NOBODY;
}

/* The content's own of all whose believed sessions are below `most`. */
static uint32_t own_of_all(const struct sim_router *r, const struct sim_session *s, double most)
{
    uint32_t best = SIM_NOBODY;
    double best_pull = 0;

    for (uint32_t i = 0; i < r->world->streamers; i++) {
        double p;

        if (!r->known[i].usable || live_sessions(r->live, r->known[i].live) >= most)
            continue;
        p = pull(r, r->world->key[s->content], i);
        if (best == SIM_NOBODY || p < best_pull) {
            best = i;
            best_pull = p;
        }
    }
    return best;
}

static uint32_t bounded_hash(const struct sim_router *r, const struct sim_session *s)
{
    double sum = 0;
    uint32_t to;

    for (uint32_t i = 0; i < r->world->streamers; i++)
        sum += r->known[i].usable ? live_sessions(r->live, r->known[i].live) : 0;
    to = own_of_all(r, s, BOUND * (sum + 1) / r->usable_count);
    return to != SIM_NOBODY ? to : own_of_all(r, s, INFINITY);
}

static uint32_t hash_modulo(const struct sim_router *r, const struct sim_session *s)
{
    uint32_t left = r->usable_count;

    if (left == 0)
        return SIM_NOBODY;
    left = (uint32_t)(r->world->key[s->content] % left);
    for (uint32_t i = 0; i < r->world->streamers; i++)
        if (r->known[i].usable && left-- == 0)
            return i;
    return SIM_NOBODY;
}

static uint32_t least_loaded(const struct sim_router *r)
{
    uint32_t best = SIM_NOBODY;
    double least = 0;

    for (uint32_t i = 0; i < r->world->streamers; i++) {
        double load = live_sessions(r->live, r->known[i].live);

        if (r->known[i].usable && (best == SIM_NOBODY || load < least)) {
            best = i;
            least = load;
        }
    }
    return best;
}

uint32_t sim_router_choose(const struct sim_router *r, const struct sim_session *s, bool *known)
{
    *known = false;
    switch (r->policy) {
    case SIM_WAYMARK:
        return ours(r, r->live, s, known);
    case SIM_TRAFFIC_ROUTER:
        return nearest_own(r, s, r->world->conf->threshold);
    case SIM_GEO_HASH:
        return nearest_own(r, s, INFINITY);
    case SIM_COST_ONLY:
        return cost_only(r, s);
    case SIM_HASH_ONLY:
        return own_of_all(r, s, INFINITY);
    case SIM_LEAST_LOADED:
        return least_loaded(r);
    case SIM_BOUNDED_HASH:
        return bounded_hash(r, s);
    case SIM_HASH_MODULO:
        return hash_modulo(r, s);
    case SIM_POLICIES:
        break;
    }
    return SIM_NOBODY;
}

uint32_t sim_router_owner(const struct sim_router *r, const struct live *idle, uint32_t content,
                          uint16_t place)
{
    const struct sim_session s = {.content = content, .steps = 1, .node = place, .place = place};
    bool known;

    switch (r->policy) {
    case SIM_WAYMARK:
        return ours(r, idle, &s, &known);
    case SIM_TRAFFIC_ROUTER:
    case SIM_GEO_HASH:
        return nearest_own(r, &s, INFINITY);
    case SIM_HASH_ONLY:
    case SIM_BOUNDED_HASH:
        return own_of_all(r, &s, INFINITY);
    case SIM_HASH_MODULO:
        return hash_modulo(r, &s);
    case SIM_COST_ONLY:
    case SIM_LEAST_LOADED:
    case SIM_POLICIES:
        break;
    }
    return SIM_NOBODY;
}

void sim_router_sent(struct sim_router *r, const struct sim_session *s, uint32_t streamer,
                     bool known, uint64_t now_ms)
{
    uint64_t key = r->world->key[s->content];
    lidx at = r->known[streamer].live;

    if (r->sessions &&
        !session_table_note(r->sessions, topology_client(s->place, s->host), key, at,
                            (uint32_t)(now_ms / 1000), r->world->conf->policy.count_window_s))
        return;
    live_dispatch(r->live, at, 1);
    if (r->policy != SIM_WAYMARK)
        return;
    if (known)
        live_dispatch_known(r->live, at, 1);
    if (r->memory)
        (void)cache_memory_add(r->memory, key, at);
    if (r->popularity)
        popularity_count(r->popularity, 0, key, (struct str){0}, 1, (double)now_ms * 0.001);
}
