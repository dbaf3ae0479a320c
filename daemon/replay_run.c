#include "daemon/replay_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "daemon/publish.h"
#include "router/cache_memory.h"
#include "router/candidates.h"
#include "router/popularity.h"
#include "router/session_table.h"

/* Virtual time begins here: 0 means "never" in more than one place. */
#define BEGIN_MS UINT64_C(1000000)
/* After so many idle seconds steps of two seconds do, and so on: what ages does so by the time that
 * went by, and not by the number of steps. */
#define IDLE_PER_STEP 16
#define TELL_SLOTS    4
/* Of a filter, for each content of a cache: twice what a generation of half of them needs. */
#define ROWS_PER_CONTENT 6

static enum err_code no_memory(struct err *e)
{
    return err_set(e, ERR_LIMIT, "no memory");
}

/* ---- views ---- */

static enum err_code can_fill(struct replay_run *r, struct err *e)
{
    const struct view *v = r->view;

    free(r->can);
    r->can = calloc((size_t)v->service_count + 1, sizeof *r->can);
    if (!r->can)
        return no_memory(e);
    for (svidx s = 0; s < v->service_count; s++)
        for (uint16_t i = 0; i < v->services[s].candidates->count; i++)
            r->can[s] |= v->services[s].candidates->slot[i].can;
    return ERR_OK;
}

static enum err_code view_replace(struct replay_run *r, uint64_t wall_ms, struct err *e)
{
    struct view *fresh = NULL;
    enum err_code rc;

    live_mark_begin(r->live);
    rc = publish_build_at(&r->config, NULL, &r->sources, r->live, r->memory.caches,
                          r->view ? r->view->serial + 1 : 1, wall_ms, &fresh, e);
    if (rc != ERR_OK)
        return rc;
    live_mark_end(r->live);
    memory_view(&r->memory, fresh, r->live);
    view_drop(r->view);
    r->view = fresh;
    r->turn.view = fresh;
    return can_fill(r, e);
}

/* A generation's filter has to tell half of what the largest cache holds: what is beyond that would
 * be walked each time one ends, of which there are many in a log. */
static size_t memory_bytes(const struct config *c)
{
    const size_t row_bytes = (c->streamer_count + c->streamer_count / 4 + 128) / 64 * 16;
    double most = 0, bytes;

    for (size_t i = 0; i < c->streamer_count; i++) {
        if (c->streamers[i].cache_contents == 0)
            return c->memory.cache_bytes;
        most = fmax(most, c->streamers[i].cache_contents);
    }
    bytes = ROWS_PER_CONTENT * fmax(most, CACHE_MEMORY_ROWS_MIN) * (double)row_bytes;
    return bytes < (double)c->memory.cache_bytes ? (size_t)bytes : c->memory.cache_bytes;
}

enum err_code replay_run_open(struct replay_run *r, const struct config *config, struct err *e)
{
    enum err_code rc;

    memset(r, 0, sizeof *r);
    r->config = *config;
    r->config.state_directory = (struct str){0};
    r->config.memory.cache_bytes = memory_bytes(config);
    sources_init(&r->sources);
    r->live = live_new();
    r->told = tally_ring_new(TELL_SLOTS);
    r->announced = session_table_new(config->memory.sessions);
    r->turn = (struct turn){.live = r->live,
                            .metrics = &r->metrics,
                            .tallies = r->told,
                            .keys = key_scratch_new(),
                            .now_ms = BEGIN_MS,
                            .now_us = BEGIN_MS * 1000,
                            .random = 1};
    if (!r->live || !r->told || !r->announced || !r->turn.keys)
        return no_memory(e);
    rc = memory_start(&r->memory, &r->config, r->live, e);
    if (rc == ERR_OK)
        rc = memory_reserve(&r->memory, r->live, config->streamers, config->streamer_count, e);
    if (rc == ERR_OK)
        rc = sources_load(&r->sources, &r->config, SOURCE_ALL, NULL, e);
    if (rc == ERR_OK)
        rc = view_replace(r, clock_wall_ms(), e); /* of its first line, once there is one */
    r->turn.sessions = r->memory.sessions;
    r->turn.buckets = r->memory.buckets;
    r->turned_ms = BEGIN_MS;
    return rc;
}

void replay_run_close(struct replay_run *r)
{
    if (!r->live) /* never opened, or no memory for the first thing */
        return;
    view_drop(r->view);
    free(r->can);
    sources_fini(&r->sources);
    memory_stop(&r->memory);
    key_scratch_free(r->turn.keys);
    session_table_free(r->announced);
    tally_ring_free(r->told);
    r->live->hot = NULL;
    live_free(r->live);
    memset(r, 0, sizeof *r);
}

/* ---- time ---- */

/* A calendar may be over now, and not when the log was written. */
static bool has_calendar(const struct sources *s)
{
    bool has = s->cost.good && costmap_calendar_get(s->cost.good->costmap);

    for (size_t i = 0; i < s->more_costs.count; i++)
        has |= s->more_costs.items[i].good &&
               costmap_calendar_get(s->more_costs.items[i].good->costmap);
    return has;
}

/* What the control thread does each second. */
static enum err_code turn_once(struct replay_run *r, uint64_t step_ms, struct err *e)
{
    const struct view *v = r->view;
    uint64_t wall_ms;

    r->turned_ms += step_ms;
    wall_ms = r->began_wall_ms + (r->turned_ms - BEGIN_MS);
    for (sidx i = 0; i < v->streamer_count; i++)
        live_fold(r->live, v->streamers[i].live, (double)step_ms / 1000, v->streamers[i].session_s);
    view_fold(v, r->live);
    memory_turn(&r->memory, r->turned_ms);
    if (v->valid_until_ms && wall_ms >= v->valid_until_ms)
        return view_replace(r, wall_ms, e);
    return ERR_OK;
}

enum err_code replay_run_to(struct replay_run *r, uint64_t wall_ms, struct err *e)
{
    const uint64_t idle_since_ms = r->turn.now_ms;
    enum err_code rc = ERR_OK;
    uint64_t to_ms;

    if (r->began_wall_ms == 0) {
        r->began_wall_ms = wall_ms;
        if (has_calendar(&r->sources))
            rc = view_replace(r, wall_ms, e);
    }
    to_ms = wall_ms > r->began_wall_ms ? wall_ms - r->began_wall_ms + BEGIN_MS : BEGIN_MS;
    while (rc == ERR_OK && to_ms >= r->turned_ms + 1000) {
        uint64_t idle_ms = r->turned_ms > idle_since_ms ? r->turned_ms - idle_since_ms : 0;
        uint64_t step_s = 1 + idle_ms / 1000 / IDLE_PER_STEP;
        uint64_t left_s = (to_ms - r->turned_ms) / 1000;

        rc = turn_once(r, 1000 * (step_s < left_s ? step_s : left_s), e);
    }
    if (to_ms > r->turn.now_ms) {
        r->turn.now_ms = to_ms;
        r->turn.now_us = to_ms * 1000;
    }
    r->turn.wall_ms = r->began_wall_ms + (r->turn.now_ms - BEGIN_MS);
    return rc;
}

/* ---- questions ---- */

static bool begins(struct str t, struct str with)
{
    return t.n >= with.n && memcmp(t.p, with.p, with.n) == 0;
}

/* A note has room for so much of a name: one that fills it may be longer. */
static svidx service_by_start(const struct view *v, struct str start)
{
    svidx found = SVIDX_NONE;

    for (svidx i = 0; i < v->service_count; i++) {
        if (!begins(v->services[i].conf->name, start))
            continue;
        if (found != SVIDX_NONE)
            return SVIDX_NONE; /* nobody knows which */
        found = i;
    }
    return found;
}

static svidx service_by_name(const struct view *v, const struct note *n)
{
    const struct str name = {n->service, strnlen(n->service, sizeof n->service)};
    svidx found = view_find_service_by_name(v, name);

    if (found == SVIDX_NONE && name.n == sizeof n->service - 1)
        return service_by_start(v, name);
    return found;
}

static svidx service_by_qname(const struct view *v, const struct note *n)
{
    char lower[NOTE_NAME_MAX];

    for (unsigned i = 0; i < n->name_len; i++)
        lower[i] = n->name[i] >= 'A' && n->name[i] <= 'Z' ? (char)(n->name[i] | 0x20) : n->name[i];
    return view_find_service(v, (struct str){lower, n->name_len}, (struct str){0});
}

static svidx service_by_info_hash(const struct view *v, const struct note *n)
{
    uint8_t hash[INFO_HASH_LEN];

    if (n->name_len != 2 * INFO_HASH_LEN)
        return SVIDX_NONE;
    for (unsigned i = 0; i < INFO_HASH_LEN; i++) {
        unsigned value = 0;

        for (unsigned k = 0; k < 2; k++) {
            const char c = n->name[2 * i + k];

            if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
                return SVIDX_NONE;
            value = value * 16 + (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
        }
        hash[i] = (uint8_t)value;
    }
    return view_find_service_by_info_hash(v, hash);
}

static void ask_http(struct replay_run *r, struct replay_asked *a)
{
    const struct str location = r->view->services[a->service].conf->redirect.location;
    const bool v4 = addr_is_v4(a->q.q.client);
    bool https = r->config.https.count && !r->config.http.count;
    uint8_t scheme;

    if (begins(location, STR("https:")) || begins(location, STR("http:")))
        https = location.p[4] == 's';
    scheme = https ? STREAMER_HTTPS : STREAMER_HTTP;
    a->q.q.need = (uint8_t)(scheme | (v4 ? STREAMER_V4 : STREAMER_V6));
    a->q.other_need = v4 ? 0 : scheme;
    a->q.other_need_any = v4 ? 0 : STREAMER_V4 | STREAMER_V6;
    a->q.can = https ? ROUTE_CAN_HTTPS : ROUTE_CAN_HTTP;
}

static void ask_dns(struct replay_run *r, struct str likely, struct replay_asked *a)
{
    const uint8_t can = r->can[a->service];
    const sidx s = likely.n ? view_find_streamer(r->view, likely) : SIDX_NONE;
    uint8_t family = s != SIDX_NONE ? r->view->streamers[s].conf->can : 0;

    family &= STREAMER_V4 | STREAMER_V6;
    if (family != STREAMER_V4 && family != STREAMER_V6)
        family = can & STREAMER_V4 ? STREAMER_V4 : STREAMER_V6;
    a->q.q.need = family & can;
    if (r->view->services[a->service].conf->dns.mode == DNS_MODE_CNAME)
        a->q.q.need_any = STREAMER_V4 | STREAMER_V6;
    else
        a->q.q.need = family;
    a->q.can = ROUTE_CAN_DNS;
}

/* A session begins with the first announce: those that follow are the same one, for as long as the
 * tracker would remember the peer. */
static bool ask_tracker(struct replay_run *r, const struct note *n, struct replay_asked *a)
{
    const struct tracker_conf *c = &r->config.tracker_conf;

    a->q.q.need = STREAMER_SEED | (addr_is_v4(n->client) ? STREAMER_V4 : STREAMER_V6);
    return session_table_note(r->announced, n->client, hash_content(n->name, n->name_len), 0,
                              (uint32_t)(r->turn.now_ms / 1000),
                              c->peer_timeout_s ? c->peer_timeout_s : 2 * c->interval_s + 120);
}

/* Counts what route_sent tells: it is the daemon's second that does so otherwise. */
static bool told(struct replay_run *r)
{
    const struct tally *t = tally_peek(r->told);

    if (!t)
        return false;
    popularity_count(r->memory.popularity, t->service, t->content, (struct str){t->key, t->key_len},
                     t->count, (double)r->turn.now_ms / 1000);
    tally_release(r->told);
    return true;
}

void replay_run_ask(struct replay_run *r, const struct note *n, struct str likely,
                    struct replay_asked *out)
{
    struct str path = {n->name, n->name_len};

    out->session = true;
    out->fresh = false;
    out->q = (struct route_question){.q = {.client = n->client, .want = 1}};
    out->service = n->kind == NOTE_HTTP  ? service_by_name(r->view, n)
                   : n->kind == NOTE_DNS ? service_by_qname(r->view, n)
                                         : service_by_info_hash(r->view, n);
    if (out->service == SVIDX_NONE)
        return;
    out->q.q.service = out->service;
    if (n->kind == NOTE_HTTP)
        ask_http(r, out);
    else if (n->kind == NOTE_DNS)
        ask_dns(r, likely, out);
    else
        out->session = ask_tracker(r, n, out);
    if (n->kind != NOTE_HTTP)
        path = STR("/");
    route_content(r->view, &out->q, path, (struct str){0}, r->turn.keys);
    route(&r->turn, &out->q, &out->r);
    if (out->session)
        route_sent(&r->turn, &out->q, &out->r);
    out->fresh = told(r);
}
