#include "tracker/announce.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "router/candidates.h"
#include "router/peers.h"
#include "router/route.h"

static pidx locate(const void *ctx, struct addr a)
{
    return view_locate_pid(ctx, a);
}

/* A number for what PIDs mean: the same content has the same one, in every worker. */
static uint32_t map_number(const struct view *v)
{
    const struct netmap *n = v->netmap;
    uint64_t h;

    if (!n)
        return 0;
    h = hash_mix(hash_content(n->vtag.tag, strlen(n->vtag.tag)),
                 hash_content(n->vtag.resource_id, strlen(n->vtag.resource_id)));
    h = hash_mix(h,
                 (uint64_t)n->pid_count << 48 | (uint64_t)v->default_pid << 32 | n->prefix_count);
    return (uint32_t)h | 1;
}

/* After a new view: forgets what the old one said. */
static void view_follow(struct tracker *t)
{
    const struct view *v = t->turn->view;
    unsigned pids = v->netmap ? v->netmap->pid_count : 0;

    t->map = (struct swarm_map){map_number(v), locate, v};
    if (t->view_seen && t->view_serial == v->serial)
        return;
    t->view_seen = true;
    t->view_serial = v->serial;
    if (pids > t->near_pids) {
        free(t->near);
        free(t->near_n);
        t->near = malloc(pids * ANNOUNCE_NEAR_MAX * sizeof *t->near);
        t->near_n = malloc(pids);
        t->near_pids =
            t->near && t->near_n ? pids : 0; /* without: peers are ranked, not looked for */
    }
    if (t->near_pids)
        memset(t->near_n, 0, t->near_pids);
}

static unsigned near_of(struct tracker *t, pidx pid, const pidx **near)
{
    if (pid == PIDX_NONE || pid >= t->near_pids)
        return 0;
    *near = t->near + (size_t)pid * ANNOUNCE_NEAR_MAX;
    if (t->near_n[pid] == 0)
        t->near_n[pid] = (uint8_t)peers_near(
            t->turn->view, pid, t->near + (size_t)pid * ANNOUNCE_NEAR_MAX, ANNOUNCE_NEAR_MAX);
    return t->near_n[pid];
}

static unsigned want_of(const struct tracker *t, const struct announce *a)
{
    int64_t max = t->conf->peers_max < ANNOUNCE_WANT_MAX ? t->conf->peers_max : ANNOUNCE_WANT_MAX;
    int64_t want = a->want < 0 ? t->conf->peers_default : a->want;

    if (a->event == ANNOUNCE_STOPPED)
        return 0;
    return (unsigned)(want < max ? want : max);
}

/* The streamer that HTTP and DNS would name too. */
static void ask_route(struct tracker *t, const struct announce *a, svidx service,
                      struct route_question *q, struct route *r)
{
    bool v4 = addr_is_v4(a->addr);

    *q = (struct route_question){.q = {.client = a->addr,
                                       .service = service,
                                       .need = STREAMER_SEED | (v4 ? STREAMER_V4 : STREAMER_V6),
                                       .want = 1}};
    route_content(t->turn->view, q, STR("/"), (struct str){0}, t->turn->keys);
    route(t->turn, q, r);
}

/* Is a streamer asked for? Not by seeds, which need none, and not where no streamer of the service
 * seeds for the peer's family. */
static bool asks_streamer(const struct tracker *t, const struct announce *a, svidx service,
                          unsigned want)
{
    const uint8_t need = STREAMER_SEED | (addr_is_v4(a->addr) ? STREAMER_V4 : STREAMER_V6);

    return service != SVIDX_NONE && want > 0 && !a->seed && a->max[peer_family_of(a->addr)] > 0 &&
           (t->turn->view->services[service].candidates->can & need) == need;
}

/* Of who asks for no streamer: where it is, and whether the service is for it at all. */
static void place(struct tracker *t, const struct announce *a, svidx service, struct route *r)
{
    const struct view *v = t->turn->view;
    const char *why;

    r->at = view_place(v, service, a->addr);
    r->decision.pid = r->at.pid;
    if (service != SVIDX_NONE && a->event != ANNOUNCE_STOPPED &&
        !admit_listed(v->services[service].admit, v, a->addr, &r->at, &why))
        r->to = ROUTE_DENIED;
}

/* In compact form; 0: none. */
static unsigned put_streamer(struct tracker *t, const struct announce *a,
                             const struct route_question *q, const struct route *r, uint8_t *wire)
{
    const struct streamer_conf *s;

    if (r->to != ROUTE_STREAMERS)
        return 0;
    s = t->turn->view->streamers[r->decision.choice[0].streamer].conf;
    /* A session begins with the first announce; those that follow every half hour are the same one.
     */
    if (t->answer.stored ? !t->answer.known : a->event == ANNOUNCE_STARTED)
        route_sent(t->turn, q, r);
    return peer_wire_put(addr_is_v4(a->addr) ? s->v4 : s->v6, s->seed_port, wire);
}

/* Copies the best want peers of a sample behind what the answer has; not the one in first. */
static void put_ranked(struct tracker *t, enum peer_family f, pidx pid, unsigned want,
                       const uint8_t *first, struct announce_result *out)
{
    const struct peer_sample *sample = &t->answer.sample[f];
    struct peers_request r = {pid, want + (first != NULL), t->conf->random_pm,
                              turn_random(t->turn)};
    unsigned len = peer_wire_len(f), n;
    UNINITIALIZED uint16_t pick[PEERSET_SAMPLE_MAX];

    if (want == 0)
        return;
    n = peers_rank(t->turn->view, &r, sample->pid, sample->n, pick);
    for (unsigned i = 0; i < n && want > 0; i++) {
        const uint8_t *wire = sample->wire + (size_t)pick[i] * len;

        if (first && memcmp(wire, first, len) == 0)
            continue;
        memcpy(out->wire[f] + (size_t)out->n[f]++ * len, wire, len);
        want--;
    }
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* The asker's family first, then up to a quarter of the other, or what the own leaves. */
static void put_peers(struct tracker *t, const struct announce *a, pidx pid, unsigned want,
                      const uint8_t *first, struct announce_result *out)
{
    enum peer_family own = peer_family_of(a->addr), other = own == PEER_V4 ? PEER_V6 : PEER_V4;
    unsigned left = want - out->n[own];
    unsigned have = least(t->answer.sample[own].n, left);
    unsigned give =
        least(t->answer.sample[other].n, left - have > left / 4 ? left - have : left / 4);

    give = least(give, a->max[other]);
    put_ranked(t, own, pid, least(left - give, a->max[own] - out->n[own]), first, out);
    put_ranked(t, other, pid, give, NULL, out);
}

static void note_write(struct tracker *t, const struct announce *a, svidx service,
                       const struct route *r, bool asked, bool ok)
{
    static const char hex[] = "0123456789abcdef";
    struct note *n = note_begin(t->turn->notes);

    if (!n)
        return;
    n->wall_ms = t->turn->wall_ms;
    n->client = a->addr;
    n->took_us = (uint32_t)(clock_us() - t->turn->now_us);
    n->status = !ok;
    n->kind = NOTE_TRACKER;
    if (asked)
        note_route(n, t->turn->view, service, r);
    else
        note_decision(n, t->turn->view, service, &r->decision);
    for (unsigned i = 0; i < INFO_HASH_LEN; i++) {
        n->name[2 * i] = hex[a->info_hash[i] >> 4];
        n->name[2 * i + 1] = hex[a->info_hash[i] & 15];
    }
    n->name_len = 2 * INFO_HASH_LEN;
    note_commit(t->turn->notes);
}

void announce_prefetch(struct tracker *t, const struct addr *addr, const uint64_t *hash, unsigned n)
{
    for (unsigned step = 0; step < SWARMS_STEPS; step++)
        for (unsigned i = 0; i < n; i++) {
            if (step < 2)
                view_prefetch(t->turn->view, addr[i], step);
            swarms_prefetch(t->swarms, hash[i], (enum swarms_step)step);
        }
}

/* Puts the announce into its swarm, which gives t->answer. */
static void join(struct tracker *t, const struct announce *a, pidx pid, unsigned want)
{
    unsigned share = peers_random_share(want, t->conf->random_pm);
    struct swarm_ask ask = {.hash = a->hash,
                            .addr = a->addr,
                            .port = a->port,
                            .seed = a->seed,
                            .event = a->event,
                            .map = &t->map,
                            .now_ms = t->turn->now_ms,
                            .pid = pid,
                            .near_want = want - share,
                            .random_want = share,
                            .family = {a->family[0], a->family[1]},
                            .random = turn_random(t->turn)};

    memcpy(ask.info_hash, a->info_hash, INFO_HASH_LEN);
    ask.near_count = near_of(t, pid, &ask.near);
    swarms_announce(t->swarms, &ask, &t->answer);
    if (!t->answer.stored && a->event != ANNOUNCE_STOPPED)
        metric_add(t->turn->metrics, METRIC_TRACKER_FULL, 1);
}

static bool refuse(struct tracker *t, const struct announce *a, svidx service,
                   const struct route *r, bool asked, const char **refused, const char *why)
{
    *refused = why;
    metric_add(t->turn->metrics, METRIC_TRACKER_REFUSED, 1);
    if (t->turn->notes)
        note_write(t, a, service, r, asked, false);
    return false;
}

bool announce_run(struct tracker *t, const struct announce *a, struct announce_result *out,
                  const char **refused)
{
    svidx service = view_find_service_by_info_hash(t->turn->view, a->info_hash);
    enum peer_family own = peer_family_of(a->addr);
    unsigned want = want_of(t, a);
    bool asked = asks_streamer(t, a, service, want);
    uint8_t first[PEER_WIRE_MAX];
    UNINITIALIZED struct route_question q;
    UNINITIALIZED struct route r;
    pidx pid;

    out->n[PEER_V4] = out->n[PEER_V6] = 0;
    view_follow(t);
    r.to = ROUTE_NOBODY;
    r.decision.count = 0;
    r.decision.why = WHY_NONE;
    r.decision.pid = PIDX_NONE;
    if (service == SVIDX_NONE && !t->conf->open)
        return refuse(t, a, service, &r, false, refused,
                      "no service of this tracker names that info-hash");
    if (asked)
        ask_route(t, a, service, &q, &r);
    else
        place(t, a, service, &r);
    if (r.to == ROUTE_DENIED)
        return refuse(t, a, service, &r, true, refused, "this torrent is not for you");
    pid = r.decision.pid;
    join(t, a, pid, want);
    if (asked && put_streamer(t, a, &q, &r, first) > 0) {
        memcpy(out->wire[own], first, peer_wire_len(own));
        out->n[own] = 1;
    }
    put_peers(t, a, pid, want, out->n[own] ? first : NULL, out);
    out->counts = t->answer.counts;
    out->interval_s =
        (uint32_t)((uint64_t)t->conf->interval_s * (900 + turn_random(t->turn) % 201) / 1000);
    if (t->turn->notes)
        note_write(t, a, service, &r, asked, true);
    return true;
}

/* The keys of this minute and the two before it. */
static void connection_keys_renew(struct tracker *t, uint64_t epoch)
{
    struct connection_keys *k = &t->keys;

    for (uint64_t back = 0; back < 3; back++) {
        uint64_t e = epoch - back, i = e % 4;

        if (k->epoch != 0 && k->of[i].epoch == e)
            continue;
        k->of[i].epoch = e;
        k->of[i].key.k0 = hash_keyed(swarms_secret(t->swarms), &(uint64_t){2 * e}, 8);
        k->of[i].key.k1 = hash_keyed(swarms_secret(t->swarms), &(uint64_t){2 * e + 1}, 8);
    }
    k->epoch = epoch;
}

static uint64_t connection_hash(struct tracker *t, struct addr from, uint64_t epoch)
{
    return hash_keyed(&t->keys.of[epoch % 4].key, &from, sizeof from) & ~UINT64_C(3);
}

/* Minutes are counted from 4, so that three of them are always to be had. */
static uint64_t epoch_now(struct tracker *t)
{
    uint64_t epoch = t->turn->now_ms / CONNECTION_EPOCH_MS + 4;

    if (epoch != t->keys.epoch)
        connection_keys_renew(t, epoch);
    return epoch;
}

/* The two lowest bits say which minute's key it is, so that a check costs one hash. */
uint64_t connection_id_make(struct tracker *t, struct addr from)
{
    uint64_t epoch = epoch_now(t);

    return connection_hash(t, from, epoch) | epoch % 4;
}

bool connection_id_check(struct tracker *t, struct addr from, uint64_t id)
{
    uint64_t epoch = epoch_now(t), back = (epoch - id) % 4;

    return back < 3 && connection_hash(t, from, epoch - back) == (id & ~UINT64_C(3));
}
