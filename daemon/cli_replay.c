/* waymark replay --log FILE|- --config NEW.yaml [--old OLD.yaml] [--moves COUNT] [--json]
 *
 * With --json:
 *
 *  log        path, lines, damaged, first_damaged ["file:line: what"], not_routed (asked for
 *             nothing of a service), questions (http + dns + tracker), cut_paths, late, first, last
 *  before,    of all streamers: config (null: as logged), sessions_everywhere (to others too), and
 *  after      counts
 *  streamers  [{kind, name, before: counts, after: counts}], also those without traffic
 *  elsewhere  the same of "downstream" (with a name), "bypass", "denied", "limited", "nobody",
 *             "no-service", "others" (more names than there is room for)
 *  moves      [{from: {kind, name}, to: {kind, name}, sessions, questions}], most sessions first;
 *             moved_sessions, moved_questions: all of them; moves_untold_sessions: of pairs that
 *             there was no room for
 *  caches_cut true: some cache is modelled smaller than it is
 *  counts     questions, sessions; of these: cost (mean, client side), cost_sum, cost_unknown,
 *             modelled (sessions to streamers with cache_contents), hits, hit_ratio, origin_cost
 *             (mean of the modelled), to_full. null: there is nothing to divide by */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "daemon/access_log_read.h"
#include "daemon/cli.h"
#include "daemon/cli_bar.h"
#include "daemon/cli_table.h"
#include "daemon/replay.h"

#define DAMAGED_TOLD  5    /* lines that are named */
#define MOVES_DEFAULT 20   /* rows */
#define LOOK_EVERY    4096 /* lines between looks at the clock, for the bar */

struct words {
    const char *log, *config, *old;
    unsigned long moves;
    bool json;
};

/* What was loaded of a configuration. */
struct loaded {
    const struct config *config;
    struct arena *arena;
};

/* A log that was read. */
struct read_log {
    uint64_t lines, damaged;
    char told[DAMAGED_TOLD][ERR_TEXT_MAX];
};

/* ---- words */

static bool words_parse(const struct cli *c, struct words *w)
{
    *w = (struct words){.json = c->json, .moves = MOVES_DEFAULT};
    for (int i = 0; i < c->argc; i++) {
        const char *word = c->argv[i], *value = i + 1 < c->argc ? c->argv[i + 1] : NULL;
        char *end = NULL;

        if (strcmp(word, "--json") == 0) {
            w->json = true;
            continue;
        }
        if (!value)
            return false;
        i++;
        if (strcmp(word, "--log") == 0)
            w->log = value;
        else if (strcmp(word, "--config") == 0)
            w->config = value;
        else if (strcmp(word, "--old") == 0)
            w->old = value;
        else if (strcmp(word, "--moves") == 0 && *value >= '0' && *value <= '9')
            w->moves = strtoul(value, &end, 10);
        else
            return false;
        if (end && *end)
            return false;
    }
    return w->log && w->config;
}

/* ---- cells */

/* NAN where there is nothing to divide by. */
static double share(double part, uint64_t whole)
{
    return whole ? part / (double)whole : NAN;
}

static double cost_of(const struct replay_counts *n)
{
    return share(n->cost, n->costed);
}

static double origin_of(const struct replay_counts *n)
{
    return share(n->origin_cost, n->origin_costed);
}

static double hits_of(const struct replay_counts *n)
{
    return share((double)n->hits, n->modelled);
}

static double full_of(const struct replay_counts *n)
{
    return share((double)n->to_full, n->bounded);
}

static const char *number_cell(char *out, double v)
{
    if (isnan(v))
        return "-";
    snprintf(out, TABLE_CELL_MAX, "%.3f", v);
    return out;
}

static const char *percent_cell(char *out, double v)
{
    if (isnan(v))
        return "-";
    snprintf(out, TABLE_CELL_MAX, "%.2f %%", 100 * v);
    return out;
}

static const char *count_cell(char *out, uint64_t n)
{
    snprintf(out, TABLE_CELL_MAX, "%llu", (unsigned long long)n);
    return out;
}

/* "+12.3 %" of what it was. */
static const char *change_cell(char *out, uint64_t before, uint64_t after)
{
    if (before == after)
        return "0";
    if (before == 0)
        return "new";
    snprintf(out, TABLE_CELL_MAX, "%+.1f %%",
             100 * ((double)after - (double)before) / (double)before);
    return out;
}

static const char *place_cell(char *out, const struct replay_place *p)
{
    if (p->kind == REPLAY_STREAMER)
        snprintf(out, TABLE_CELL_MAX, "%.*s", (int)p->name.n, p->name.p);
    else if (p->name.n)
        snprintf(out, TABLE_CELL_MAX, "CDN %.*s", (int)p->name.n, p->name.p);
    else
        snprintf(out, TABLE_CELL_MAX, "(%s)", replay_kind_name(p->kind));
    return out;
}

/* ---- tables for people */

static void streamer_row(struct table *t, const char *name, const struct replay_counts *b,
                         const struct replay_counts *a)
{
    char text[12][TABLE_CELL_MAX];
    const char *const row[12] = {
        name,
        count_cell(text[1], b->sessions),
        count_cell(text[2], a->sessions),
        change_cell(text[3], b->sessions, a->sessions),
        number_cell(text[4], cost_of(b)),
        number_cell(text[5], cost_of(a)),
        number_cell(text[6], origin_of(b)),
        number_cell(text[7], origin_of(a)),
        percent_cell(text[8], hits_of(b)),
        percent_cell(text[9], hits_of(a)),
        percent_cell(text[10], full_of(b)),
        percent_cell(text[11], full_of(a)),
    };

    table_row(t, row);
}

static void print_streamers(const struct replay_report *r)
{
    struct table t;
    char name[TABLE_CELL_MAX];

    table_init(&t, "streamer|>sessions|>after|>change|>cost|>after|>origin|>after|>hits|>after|"
                   ">to full|>after");
    for (size_t i = 0; i < r->place_count; i++)
        if (r->places[i].kind == REPLAY_STREAMER)
            streamer_row(&t, place_cell(name, &r->places[i]), &r->places[i].before,
                         &r->places[i].after);
    streamer_row(&t, "all", &r->before, &r->after);
    table_print(&t, stdout);
    table_fini(&t);
}

static void print_elsewhere(const struct replay_report *r)
{
    struct table t;
    size_t rows = 0;

    table_init(&t, "elsewhere|>sessions|>after|>change|>questions|>after");
    for (size_t i = 0; i < r->place_count; i++) {
        const struct replay_place *p = &r->places[i];
        char text[6][TABLE_CELL_MAX];
        const char *const row[6] = {
            place_cell(text[0], p),
            count_cell(text[1], p->before.sessions),
            count_cell(text[2], p->after.sessions),
            change_cell(text[3], p->before.sessions, p->after.sessions),
            count_cell(text[4], p->before.questions),
            count_cell(text[5], p->after.questions),
        };

        if (p->kind == REPLAY_STREAMER || (p->before.questions == 0 && p->after.questions == 0))
            continue;
        table_row(&t, row);
        rows++;
    }
    if (rows) {
        putchar('\n');
        table_print(&t, stdout);
    }
    table_fini(&t);
}

static void print_moves(const struct words *w, const struct replay_report *r)
{
    struct table t;
    char text[TABLE_CELL_MAX];

    printf("\nmoved     %llu of %llu sessions (%s), %llu of %llu questions\n",
           (unsigned long long)r->moved_sessions, (unsigned long long)r->sessions_before,
           percent_cell(text, share((double)r->moved_sessions, r->sessions_before)),
           (unsigned long long)r->moved_questions, (unsigned long long)r->replayed);
    table_init(&t, "from|to|>sessions|>questions");
    for (size_t i = 0; i < r->move_count && i < w->moves; i++) {
        const struct replay_move *m = &r->moves[i];
        char cells[4][TABLE_CELL_MAX];
        const char *const row[4] = {place_cell(cells[0], m->from), place_cell(cells[1], m->to),
                                    count_cell(cells[2], m->sessions),
                                    count_cell(cells[3], m->questions)};

        table_row(&t, row);
    }
    if (r->move_count && w->moves)
        table_print(&t, stdout);
    if (r->move_count > w->moves)
        printf("and %zu more\n", r->move_count - (size_t)w->moves);
    table_fini(&t);
}

static void print_head(const struct words *w, const struct read_log *log,
                       const struct replay_report *r)
{
    char first[CLOCK_TEXT_MAX], last[CLOCK_TEXT_MAX];

    printf("log       %s: %llu lines, %llu of them questions (http %llu, dns %llu, tracker %llu)\n",
           w->log, (unsigned long long)log->lines, (unsigned long long)r->replayed,
           (unsigned long long)r->by_kind[NOTE_HTTP], (unsigned long long)r->by_kind[NOTE_DNS],
           (unsigned long long)r->by_kind[NOTE_TRACKER]);
    if (r->replayed)
        printf("time      %s to %s\n", clock_format(r->first_ms, first),
               clock_format(r->last_ms, last));
    printf("before    %s\nafter     %s\n", w->old ? w->old : "as logged", w->config);
    for (size_t i = 0; i < log->damaged && i < DAMAGED_TOLD; i++)
        printf("damaged   %s\n", log->told[i]);
    if (log->damaged > DAMAGED_TOLD)
        printf("damaged   and %llu more lines\n",
               (unsigned long long)(log->damaged - DAMAGED_TOLD));
    putchar('\n');
}

static void print_notes(const struct replay_report *r)
{
    puts("\nCosts are of a session: client side, and origin side where its hits are modelled. Hits "
         "are those\nof a model (least recently used, cache_contents), as is \"to full\" (sessions "
         "that began while\ncapacity was in use); both start empty. All streamers are taken for "
         "healthy.");
    if (r->cut)
        printf("%llu paths were as long as the log has room for: what stood behind is not known.\n",
               (unsigned long long)r->cut);
    if (r->late)
        printf("%llu lines were out of order by more than a second: taken as of the line before.\n",
               (unsigned long long)r->late);
    if (r->caches_cut)
        puts("Caches are larger than the model has room for: real ones would have more hits.");
}

/* ---- JSON for programs */

static json_t *real(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static json_t *counts_json(const struct replay_counts *n)
{
    return json_pack("{s:I s:I s:o s:o s:I s:o s:I s:I s:o s:I}", "questions",
                     (json_int_t)n->questions, "sessions", (json_int_t)n->sessions, "cost",
                     real(cost_of(n)), "cost_sum", real(n->cost), "cost_unknown",
                     (json_int_t)(n->sessions - n->costed), "origin_cost", real(origin_of(n)),
                     "modelled", (json_int_t)n->modelled, "hits", (json_int_t)n->hits, "hit_ratio",
                     real(hits_of(n)), "to_full", (json_int_t)n->to_full);
}

static json_t *place_name_json(const struct replay_place *p)
{
    if (p->name.n)
        return json_pack("{s:s s:s%}", "kind", replay_kind_name(p->kind), "name", p->name.p,
                         p->name.n);
    return json_pack("{s:s}", "kind", replay_kind_name(p->kind));
}

static json_t *places_json(const struct replay_report *r, bool streamers)
{
    json_t *list = json_array();

    for (size_t i = 0; i < r->place_count; i++) {
        const struct replay_place *p = &r->places[i];
        json_t *o;

        if ((p->kind == REPLAY_STREAMER) != streamers)
            continue;
        o = place_name_json(p);
        json_object_set_new(o, "before", counts_json(&p->before));
        json_object_set_new(o, "after", counts_json(&p->after));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *moves_json(const struct replay_report *r)
{
    json_t *list = json_array();

    for (size_t i = 0; i < r->move_count; i++) {
        const struct replay_move *m = &r->moves[i];

        json_array_append_new(list,
                              json_pack("{s:o s:o s:I s:I}", "from", place_name_json(m->from), "to",
                                        place_name_json(m->to), "sessions", (json_int_t)m->sessions,
                                        "questions", (json_int_t)m->questions));
    }
    return list;
}

static json_t *log_json(const struct words *w, const struct read_log *log,
                        const struct replay_report *r)
{
    char first[CLOCK_TEXT_MAX], last[CLOCK_TEXT_MAX];
    json_t *told = json_array(), *o;

    for (size_t i = 0; i < log->damaged && i < DAMAGED_TOLD; i++)
        json_array_append_new(told, json_string(log->told[i]));
    o = json_pack("{s:s s:I s:I s:o s:I s:I s:I s:I s:I s:I s:I}", "path", w->log, "lines",
                  (json_int_t)log->lines, "damaged", (json_int_t)log->damaged, "first_damaged",
                  told, "not_routed", (json_int_t)r->not_routed, "questions",
                  (json_int_t)r->replayed, "http", (json_int_t)r->by_kind[NOTE_HTTP], "dns",
                  (json_int_t)r->by_kind[NOTE_DNS], "tracker", (json_int_t)r->by_kind[NOTE_TRACKER],
                  "cut_paths", (json_int_t)r->cut, "late", (json_int_t)r->late);
    if (o && r->replayed) {
        json_object_set_new(o, "first", json_string(clock_format(r->first_ms, first)));
        json_object_set_new(o, "last", json_string(clock_format(r->last_ms, last)));
    }
    return o;
}

static json_t *side_json(const char *what, const struct replay_counts *n, uint64_t sessions_all)
{
    json_t *o = counts_json(n);

    json_object_set_new(o, "config", what ? json_string(what) : json_null());
    json_object_set_new(o, "sessions_everywhere", json_integer((json_int_t)sessions_all));
    return o;
}

static void print_json(const struct words *w, const struct read_log *log,
                       const struct replay_report *r)
{
    json_t *doc = json_object();

    json_object_set_new(doc, "log", log_json(w, log, r));
    json_object_set_new(doc, "before", side_json(w->old, &r->before, r->sessions_before));
    json_object_set_new(doc, "after", side_json(w->config, &r->after, r->sessions_after));
    json_object_set_new(doc, "streamers", places_json(r, true));
    json_object_set_new(doc, "elsewhere", places_json(r, false));
    json_object_set_new(doc, "moved_sessions", json_integer((json_int_t)r->moved_sessions));
    json_object_set_new(doc, "moved_questions", json_integer((json_int_t)r->moved_questions));
    json_object_set_new(doc, "moves", moves_json(r));
    json_object_set_new(doc, "moves_untold_sessions", json_integer((json_int_t)r->untold_sessions));
    json_object_set_new(doc, "caches_cut", json_boolean(r->caches_cut));
    json_dumpf(doc, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    putchar('\n');
    json_decref(doc);
}

/* ---- the command */

static bool load(const char *path, struct loaded *l)
{
    struct config_problems problems = {0};
    struct err e = {0};

    if (config_load(path, &l->config, &problems, &l->arena, &e) == ERR_OK)
        return true;
    cli_load_failed(path, &problems, &e);
    return false;
}

/* Name, number and reason of a line that is none. */
static void tell_damaged(const struct words *w, const struct access_reader *reader,
                         struct read_log *log, const struct err *e)
{
    if (log->damaged < DAMAGED_TOLD)
        snprintf(log->told[log->damaged], ERR_TEXT_MAX, "%.600s:%llu: %.300s", w->log,
                 (unsigned long long)access_reader_line(reader), e->text);
    log->damaged++;
}

static enum err_code run(const struct words *w, struct access_reader *reader, struct replay *replay,
                         struct read_log *log, struct err *e)
{
    const uint64_t size = access_reader_size(reader);
    struct cli_bar bar;
    struct note n;

    cli_bar_begin(&bar);
    for (uint64_t turns = 0; e->code == ERR_OK; turns++) {
        struct err wrong = {0};
        enum access_read got = access_reader_next(reader, &n, &wrong);

        if (turns % LOOK_EVERY == 0 && size)
            cli_bar_show(&bar, (double)access_reader_done(reader) / (double)size);
        if (got == ACCESS_END)
            break;
        if (got == ACCESS_FAILED)
            err_set(e, wrong.code, "%s: %s", w->log, wrong.text);
        else if (got == ACCESS_DAMAGED)
            tell_damaged(w, reader, log, &wrong);
        else if (replay_line(replay, &n, e) != ERR_OK)
            err_wrap(e, "%s:%llu", w->log, (unsigned long long)access_reader_line(reader));
    }
    cli_bar_end(&bar);
    log->lines = access_reader_line(reader);
    return e->code;
}

static void print_all(const struct words *w, const struct read_log *log,
                      const struct replay_report *r)
{
    if (w->json) {
        print_json(w, log, r);
        return;
    }
    print_head(w, log, r);
    print_streamers(r);
    print_elsewhere(r);
    print_moves(w, r);
    print_notes(r);
}

int cli_replay(const struct cli *c)
{
    struct loaded after = {0}, before = {0};
    struct access_reader *reader = NULL;
    struct replay *replay = NULL;
    struct replay_report report;
    struct read_log *log = calloc(1, sizeof *log);
    struct words w;
    struct err e = {0};
    int status = 1;

    if (!words_parse(c, &w)) {
        fputs("usage: waymark replay --log FILE|- --config NEW.yaml [--old OLD.yaml] [--moves "
              "COUNT] [--json]\n",
              stderr);
        free(log);
        return 2;
    }
    if (!log)
        err_set(&e, ERR_LIMIT, "no memory");
    else if (!load(w.config, &after) || (w.old && !load(w.old, &before)))
        goto done;
    else if (access_reader_open(w.log, &reader, &e) == ERR_OK &&
             replay_new(after.config, before.config, &replay, &e) == ERR_OK &&
             run(&w, reader, replay, log, &e) == ERR_OK &&
             replay_end(replay, &report, &e) == ERR_OK) {
        print_all(&w, log, &report);
        status = 0;
    }
    if (status)
        fprintf(stderr, "waymark: %s\n", e.text);

done:
    replay_free(replay);
    access_reader_close(reader);
    arena_free(after.arena);
    arena_free(before.arena);
    free(log);
    return status;
}
