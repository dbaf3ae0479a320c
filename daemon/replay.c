#include "daemon/replay.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "daemon/replay_run.h"
#include "router/candidates.h"
#include "router/content_key.h"
#include "router/session_table.h"
#include "router/sim/lru.h"

#define PLACE_SLOTS 32768u /* powers of two */
#define MOVE_SLOTS  65536u
#define WINDOW_S    60 /* of a service that the new configuration does not know */
#define LATE_MS     1000

_Static_assert(REPLAY_PLACES_MAX < LIVE_SLOTS * 2, "the session tables tell places apart");

enum { BEFORE, AFTER, SIDES };

/* What a streamer is believed to be like, on one side. */
struct model {
    double open; /* sessions at at_ms */
    uint64_t at_ms;
    struct lru cache;
    bool has_cache;
};

struct side {
    struct replay_run *run; /* whose streamers these are */
    struct model *models;   /* [streamer_count] of its view */
    uint32_t cache_max;     /* contents of one of them */
    struct session_table *sessions;
};

struct place {
    struct replay_place p;
    char *name;
    sidx streamer[SIDES]; /* in the view of the side's run; SIDX_NONE: not there */
};

struct move {
    uint32_t from, to;
    uint64_t questions, sessions; /* both 0: a free slot */
};

struct replay {
    struct replay_run runs[SIDES]; /* BEFORE: when there is an old configuration */
    bool from_log;
    struct side side[SIDES];
    struct place *places; /* [REPLAY_PLACES_MAX], of which place_count are used; first one of each
                             kind without a name, at its number */
    uint32_t place_count;
    uint16_t *place_slots; /* [PLACE_SLOTS]: place and 1 */
    struct move *moves;    /* [MOVE_SLOTS] */
    uint32_t move_count;
    struct replay_report report;
    struct replay_place *told;
    struct replay_move *told_moves;
};

/* Where a line goes on one side. */
struct answer {
    uint32_t place;
    svidx service; /* of the side's run */
    float cost;
    bool fresh;
};

const char *replay_kind_name(enum replay_kind k)
{
    static const char *const names[REPLAY_KINDS] = {
        [REPLAY_STREAMER] = "streamer",     [REPLAY_DOWNSTREAM] = "downstream",
        [REPLAY_BYPASS] = "bypass",         [REPLAY_DENIED] = "denied",
        [REPLAY_LIMITED] = "limited",       [REPLAY_NOBODY] = "nobody",
        [REPLAY_NO_SERVICE] = "no-service", [REPLAY_OTHERS] = "others",
    };

    return (unsigned)k < REPLAY_KINDS ? names[k] : "others";
}

/* ---- places ---- */

static bool is_named(enum replay_kind k)
{
    return k == REPLAY_STREAMER || k == REPLAY_DOWNSTREAM;
}

static uint32_t place_add(struct replay *r, enum replay_kind kind, struct str name, uint32_t slot)
{
    struct place *p = &r->places[r->place_count];

    p->name = malloc(name.n + 1);
    if (!p->name)
        return REPLAY_OTHERS;
    memcpy(p->name, name.p, name.n);
    p->name[name.n] = '\0';
    p->p.kind = kind;
    p->p.name = (struct str){p->name, name.n};
    for (unsigned s = 0; s < SIDES; s++)
        p->streamer[s] =
            kind == REPLAY_STREAMER ? view_find_streamer(r->side[s].run->view, name) : SIDX_NONE;
    r->place_slots[slot] = (uint16_t)(r->place_count + 1);
    return r->place_count++;
}

static uint32_t place_of(struct replay *r, enum replay_kind kind, struct str name)
{
    uint32_t at = (uint32_t)hash_mix(hash_content(name.p, name.n), kind) & (PLACE_SLOTS - 1);

    if (!is_named(kind))
        return kind;
    for (; r->place_slots[at]; at = (at + 1) & (PLACE_SLOTS - 1)) {
        const struct place *p = &r->places[r->place_slots[at] - 1];

        if (p->p.kind == kind && str_eq(p->p.name, name))
            return r->place_slots[at] - 1u;
    }
    return r->place_count < REPLAY_PLACES_MAX ? place_add(r, kind, name, at) : REPLAY_OTHERS;
}

/* ---- from birth to death ---- */

static enum err_code no_memory(struct err *e)
{
    return err_set(e, ERR_LIMIT, "no memory");
}

static enum err_code run_open(struct replay_run *run, const struct config *c, struct err *e)
{
    enum err_code rc = replay_run_open(run, c, e);

    if (rc != ERR_OK)
        err_wrap(e, "%.*s", (int)c->path.n, c->path.p);
    return rc;
}

static enum err_code side_open(struct replay *r, unsigned s, struct err *e)
{
    struct side *side = &r->side[s];
    const struct view *v;

    side->run = &r->runs[s == BEFORE && !r->from_log ? BEFORE : AFTER];
    v = side->run->view;
    side->models = calloc(v->streamer_count + 1u, sizeof *side->models);
    side->sessions = session_table_new(side->run->config.memory.sessions);
    side->cache_max = REPLAY_CACHE_MAX / (v->streamer_count + 1u);
    return side->models && side->sessions ? ERR_OK : no_memory(e);
}

static void places_of_side(struct replay *r, unsigned s)
{
    const struct view *v = r->side[s].run->view;

    for (sidx i = 0; i < v->streamer_count; i++)
        (void)place_of(r, REPLAY_STREAMER, v->streamers[i].conf->name);
    for (uint16_t i = 0; i < v->downstream_count; i++)
        (void)place_of(r, REPLAY_DOWNSTREAM, v->downstreams[i].conf->name);
}

enum err_code replay_new(const struct config *after, const struct config *before,
                         struct replay **out, struct err *e)
{
    struct replay *r = calloc(1, sizeof *r);
    enum err_code rc;

    *out = NULL;
    if (!r)
        return no_memory(e);
    r->from_log = before == NULL;
    r->places = calloc(REPLAY_PLACES_MAX, sizeof *r->places);
    r->place_slots = calloc(PLACE_SLOTS, sizeof *r->place_slots);
    r->moves = calloc(MOVE_SLOTS, sizeof *r->moves);
    rc = r->places && r->place_slots && r->moves ? ERR_OK : no_memory(e);
    if (rc == ERR_OK)
        rc = run_open(&r->runs[AFTER], after, e);
    if (rc == ERR_OK && before)
        rc = run_open(&r->runs[BEFORE], before, e);
    for (unsigned s = 0; rc == ERR_OK && s < SIDES; s++)
        rc = side_open(r, s, e);
    if (rc != ERR_OK) {
        replay_free(r);
        return rc;
    }
    for (; r->place_count < REPLAY_KINDS; r->place_count++) {
        struct place *p = &r->places[r->place_count];

        p->p.kind = (enum replay_kind)r->place_count;
        p->streamer[BEFORE] = p->streamer[AFTER] = SIDX_NONE;
    }
    for (unsigned s = 0; s < SIDES; s++)
        places_of_side(r, s);
    *out = r;
    return ERR_OK;
}

static void side_close(struct side *side)
{
    sidx n = side->run && side->run->view && side->models ? side->run->view->streamer_count : 0;

    for (sidx i = 0; i < n; i++)
        if (side->models[i].has_cache)
            lru_fini(&side->models[i].cache);
    free(side->models);
    session_table_free(side->sessions);
}

void replay_free(struct replay *r)
{
    if (!r)
        return;
    for (unsigned s = 0; s < SIDES; s++)
        side_close(&r->side[s]);
    for (unsigned s = 0; s < SIDES; s++)
        replay_run_close(&r->runs[s]);
    for (uint32_t i = 0; r->places && i < r->place_count; i++)
        free(r->places[i].name);
    free(r->places);
    free(r->place_slots);
    free(r->moves);
    free(r->told);
    free(r->told_moves);
    free(r);
}

/* ---- what becomes of a session ---- */

/* In the costs of the service; NAN: unknown. */
static float origin_cost(const struct view *v, svidx service, sidx streamer)
{
    const struct candidates *c;
    uint16_t low = 0, high;

    if (service == SVIDX_NONE)
        return v->streamers[streamer].origin_cost;
    c = v->services[service].candidates;
    high = c->count;
    while (low < high) {
        uint16_t mid = (uint16_t)((low + high) / 2);

        if (c->slot[mid].streamer < streamer)
            low = (uint16_t)(mid + 1);
        else
            high = mid;
    }
    if (low < c->count && c->slot[low].streamer == streamer)
        return c->slot[low].origin_cost;
    return v->streamers[streamer].origin_cost;
}

static void model_load(struct model *m, const struct view_streamer *s, uint64_t now_ms,
                       struct replay_counts *n)
{
    const double elapsed_s = (double)(now_ms - m->at_ms) / 1000;

    m->open *= s->session_s ? exp(-elapsed_s / s->session_s) : 0;
    m->at_ms = now_ms;
    if (s->conf->capacity > 0) {
        n->bounded++;
        n->to_full += m->open >= s->conf->capacity;
    }
    m->open++;
}

/* false: nothing is known of its cache, or there is no memory for it. */
static bool model_cache(struct replay *r, const struct side *side, struct model *m,
                        const struct view_streamer *s)
{
    const double contents = s->conf->cache_contents;

    if (m->has_cache || !(contents >= 1))
        return m->has_cache;
    m->has_cache =
        lru_init(&m->cache, contents < side->cache_max ? (uint64_t)contents : side->cache_max,
                 side->cache_max);
    r->report.caches_cut |= contents > side->cache_max || !m->has_cache;
    return m->has_cache;
}

/* Keys of the model are half of a content's: two contents are taken for one once in four thousand
 * millions. */
static uint32_t cache_key(uint64_t content)
{
    return (uint32_t)(content ^ content >> 32);
}

static void session_begins(struct replay *r, unsigned s, const struct answer *a, uint64_t content,
                           struct replay_counts *n)
{
    const struct side *side = &r->side[s];
    const struct view *v = side->run->view;
    const sidx streamer = r->places[a->place].streamer[s];
    struct model *m;
    float origin;
    bool hit;

    if (!isnan(a->cost)) {
        n->costed++;
        n->cost += (double)a->cost;
    }
    if (streamer == SIDX_NONE)
        return;
    m = &side->models[streamer];
    model_load(m, &v->streamers[streamer], side->run->turn.now_ms, n);
    if (!model_cache(r, side, m, &v->streamers[streamer]))
        return;
    hit = lru_touch(&m->cache, cache_key(content), 1);
    n->modelled++;
    n->hits += hit;
    origin = origin_cost(v, a->service, streamer);
    if (isnan(origin))
        return;
    n->origin_costed++;
    n->origin_cost += hit ? 0 : (double)origin;
}

/* ---- answers ---- */

static uint32_t window_of(const struct side *side, svidx service)
{
    return service != SVIDX_NONE ? side->run->view->services[service].conf->policy.count_window_s
                                 : WINDOW_S;
}

/* Counts as the daemon does, where it is not a streamer of ours, or the log's. */
static bool is_fresh(const struct side *side, const struct note *n, const struct answer *a,
                     uint64_t content)
{
    const uint32_t window_s = window_of(side, a->service);

    return window_s == 0 || side->run->config.memory.sessions == 0 ||
           session_table_note(side->sessions, n->client, content, (lidx)a->place,
                              (uint32_t)(side->run->turn.now_ms / 1000), window_s);
}

static const enum replay_kind kind_of_route[ROUTE_TO_COUNT] = {
    [ROUTE_STREAMERS] = REPLAY_STREAMER, [ROUTE_DOWNSTREAM] = REPLAY_DOWNSTREAM,
    [ROUTE_BYPASS] = REPLAY_BYPASS,      [ROUTE_DENIED] = REPLAY_DENIED,
    [ROUTE_LIMITED] = REPLAY_LIMITED,    [ROUTE_NOBODY] = REPLAY_NOBODY,
};

/* A streamer was chosen, but the client got an error instead: no session. */
static bool was_refused(const struct note *n)
{
    return n->kind == NOTE_HTTP && n->to == ROUTE_STREAMERS + 1 && n->status >= 400;
}

static void answer_logged(struct replay *r, const struct note *n, const struct replay_asked *asked,
                          uint64_t content, struct answer *a)
{
    const struct str name = {n->streamer, strnlen(n->streamer, sizeof n->streamer)};

    a->place = place_of(r, kind_of_route[n->to - 1], name);
    a->service = asked->service;
    a->cost = n->cost;
    a->fresh = asked->session && !was_refused(n) && is_fresh(&r->side[BEFORE], n, a, content);
}

static void answer_run(struct replay *r, unsigned s, const struct note *n,
                       const struct replay_asked *asked, uint64_t content, struct answer *a)
{
    const struct view *v = r->side[s].run->view;
    const struct choice *first = &asked->r.decision.choice[0];

    a->service = asked->service;
    a->cost = NAN;
    a->place = REPLAY_NO_SERVICE;
    if (asked->service != SVIDX_NONE && asked->r.to == ROUTE_STREAMERS) {
        a->place = place_of(r, REPLAY_STREAMER, v->streamers[first->streamer].conf->name);
        a->cost = first->cost;
        a->fresh = asked->fresh;
        return;
    }
    if (asked->service != SVIDX_NONE)
        a->place = place_of(r, kind_of_route[asked->r.to],
                            asked->r.to == ROUTE_DOWNSTREAM
                                ? v->downstreams[asked->r.downstream].conf->name
                                : (struct str){0});
    a->fresh = asked->session && is_fresh(&r->side[s], n, a, content);
}

/* ---- lines ---- */

static void move_note(struct replay *r, uint32_t from, uint32_t to, bool session)
{
    uint32_t at = (uint32_t)hash_mix(from, to) & (MOVE_SLOTS - 1);
    struct move *m;

    r->report.moved_questions++;
    r->report.moved_sessions += session;
    while (r->moves[at].questions && (r->moves[at].from != from || r->moves[at].to != to))
        at = (at + 1) & (MOVE_SLOTS - 1);
    m = &r->moves[at];
    if (m->questions == 0) {
        if (r->move_count == REPLAY_MOVES_MAX) {
            r->report.untold_sessions += session;
            return;
        }
        r->move_count++;
        m->from = from;
        m->to = to;
    }
    m->questions++;
    m->sessions += session;
}

static void count(struct replay *r, unsigned s, const struct answer *a, uint64_t content)
{
    struct place *p = &r->places[a->place];
    struct replay_counts *n = s == BEFORE ? &p->p.before : &p->p.after;

    n->questions++;
    if (!a->fresh)
        return;
    n->sessions++;
    if (p->p.kind == REPLAY_STREAMER || p->p.kind == REPLAY_OTHERS)
        session_begins(r, s, a, content, n);
}

static void line_note(struct replay_report *p, const struct note *n)
{
    p->replayed++;
    p->by_kind[n->kind]++;
    p->cut += n->kind == NOTE_HTTP && n->name_len == NOTE_NAME_MAX;
    p->late += n->wall_ms + LATE_MS < p->last_ms;
    if (p->first_ms == 0)
        p->first_ms = n->wall_ms;
    if (n->wall_ms > p->last_ms)
        p->last_ms = n->wall_ms;
}

/* Of a line whose service nobody has: client and directory tell its sessions apart. */
static uint64_t content_of_name(const struct note *n)
{
    struct str part = content_part(NULL, (struct str){n->name, n->name_len}, NULL);

    return hash_content(part.p, part.n);
}

enum err_code replay_line(struct replay *r, const struct note *n, struct err *e)
{
    UNINITIALIZED struct replay_asked asked[SIDES];
    struct answer answer[SIDES];
    uint64_t content[SIDES] = {0};
    struct str likely = {n->streamer, strnlen(n->streamer, sizeof n->streamer)};

    if (n->to == 0 || n->service[0] == '\0') {
        r->report.not_routed++;
        return ERR_OK;
    }
    line_note(&r->report, n);
    for (unsigned s = r->from_log ? AFTER : BEFORE; s < SIDES; s++) {
        enum err_code rc = replay_run_to(&r->runs[s], n->wall_ms, e);

        if (rc != ERR_OK)
            return rc;
        replay_run_ask(&r->runs[s], n, likely, &asked[s]);
        content[s] = asked[s].service != SVIDX_NONE ? asked[s].q.q.content : content_of_name(n);
    }
    if (r->from_log) {
        content[BEFORE] = content[AFTER];
        answer_logged(r, n, &asked[AFTER], content[BEFORE], &answer[BEFORE]);
    } else {
        answer_run(r, BEFORE, n, &asked[BEFORE], content[BEFORE], &answer[BEFORE]);
    }
    answer_run(r, AFTER, n, &asked[AFTER], content[AFTER], &answer[AFTER]);
    for (unsigned s = 0; s < SIDES; s++)
        count(r, s, &answer[s], content[s]);
    if (answer[BEFORE].place != answer[AFTER].place)
        move_note(r, answer[BEFORE].place, answer[AFTER].place, answer[BEFORE].fresh);
    return ERR_OK;
}

/* ---- the report ---- */

static void counts_add(struct replay_counts *to, const struct replay_counts *n)
{
    to->sessions += n->sessions;
    to->costed += n->costed;
    to->cost += n->cost;
    to->modelled += n->modelled;
    to->hits += n->hits;
    to->origin_costed += n->origin_costed;
    to->origin_cost += n->origin_cost;
    to->bounded += n->bounded;
    to->to_full += n->to_full;
}

static int by_kind_and_name(const void *a, const void *b)
{
    const struct replay_place *x = a, *y = b;

    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return str_cmp(x->name, y->name);
}

static int place_cmp(const struct replay_place *a, const struct replay_place *b)
{
    return (a > b) - (a < b); /* both in the sorted list */
}

static int by_sessions(const void *a, const void *b)
{
    const struct replay_move *x = a, *y = b;

    if (x->sessions != y->sessions)
        return x->sessions > y->sessions ? -1 : 1;
    if (x->questions != y->questions)
        return x->questions > y->questions ? -1 : 1;
    if (x->from != y->from)
        return place_cmp(x->from, y->from);
    return place_cmp(x->to, y->to);
}

static void places_tell(struct replay *r)
{
    for (uint32_t i = 0; i < r->place_count; i++) {
        const struct replay_place *p = &r->places[i].p;

        r->report.before.questions += p->before.questions;
        r->report.after.questions += p->after.questions;
        r->report.sessions_before += p->before.sessions;
        r->report.sessions_after += p->after.sessions;
        if (p->kind == REPLAY_STREAMER || p->kind == REPLAY_OTHERS) {
            counts_add(&r->report.before, &p->before);
            counts_add(&r->report.after, &p->after);
        }
        if ((is_named(p->kind) && p->name.n) || p->before.questions || p->after.questions)
            r->told[r->report.place_count++] = *p;
    }
    qsort(r->told, r->report.place_count, sizeof *r->told, by_kind_and_name);
}

static const struct replay_place *told_place(const struct replay *r, uint32_t place)
{
    return bsearch(&r->places[place].p, r->told, r->report.place_count, sizeof *r->told,
                   by_kind_and_name);
}

enum err_code replay_end(struct replay *r, struct replay_report *out, struct err *e)
{
    r->told = calloc(r->place_count, sizeof *r->told);
    r->told_moves = calloc(r->move_count + 1u, sizeof *r->told_moves);
    if (!r->told || !r->told_moves)
        return no_memory(e);
    places_tell(r);
    for (uint32_t i = 0; i < MOVE_SLOTS; i++) {
        const struct move *m = &r->moves[i];

        if (m->questions)
            r->told_moves[r->report.move_count++] =
                (struct replay_move){.from = told_place(r, m->from),
                                     .to = told_place(r, m->to),
                                     .questions = m->questions,
                                     .sessions = m->sessions};
    }
    qsort(r->told_moves, r->report.move_count, sizeof *r->told_moves, by_sessions);
    r->report.places = r->told;
    r->report.moves = r->told_moves;
    *out = r->report;
    return ERR_OK;
}
