#include "daemon/control_turn.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "daemon/state.h"

/* Ages the sessions of every streamer. */
static void fold_all(struct control *c, double elapsed_s)
{
    const struct view *v = c->view;

    for (sidx i = 0; i < v->streamer_count; i++)
        live_fold(c->live, v->streamers[i].live, elapsed_s, v->streamers[i].session_s);
    view_fold(v, c->live);
}

/* A slot of a cost calendar has ended: another view is that of now. */
static void calendar_turn(struct control *c)
{
    struct err e = {0};

    if (c->view->valid_until_ms == 0 || c->turn.wall_ms < c->view->valid_until_ms)
        return;
    if (control_publish(c, c->newest, &e) != ERR_OK)
        control_log_problem("calendar.refused", &e);
}

/* ---- what survives a restart */

#define STATE_EVERY_MS 2000
#define STATE_FRESH_MS                                                                             \
    30000 /* unchanged, it is written all the same: its age says what it is worth */

static void state_turn(struct control *c, uint64_t now)
{
    struct bytes text = {.limit = STATE_BYTES_MAX};
    const char *rest;
    uint64_t hash;

    if (!c->state || now < c->state_due_ms)
        return;
    c->state_due_ms = now + STATE_EVERY_MS;
    if (!state_format(c->view, c->live, &c->memory, now, c->turn.wall_ms, &text)) {
        bytes_free(&text);
        log_error("event=state.failed reason=\"no memory\"");
        return;
    }
    rest = memchr(text.data + strlen("{\"version\":1,"), ',', text.len - 20);
    hash = rest ? hash_content(rest, text.len - (size_t)(rest - text.data)) : 0;
    metric_set(&c->metrics, METRIC_STATE_WRITTEN, state_writer_counts_get(c->state).written);
    metric_set(&c->metrics, METRIC_STATE_ERRORS, state_writer_counts_get(c->state).errors);
    if (hash != c->state_hash || now - c->state_written_ms >= STATE_FRESH_MS) {
        c->state_hash = hash;
        c->state_written_ms = now;
        state_writer_post(c->state, &text);
    }
    bytes_free(&text);
}

void control_state_save(struct control *c)
{
    c->state_due_ms = 0;
    state_turn(c, c->turn.now_ms);
}

/* The state of the process before this one. One that cannot be read is put aside, not written
 * over. */
static void state_read(struct control *c, const char *path)
{
    struct bytes text = {0};
    struct err e = {0};
    struct state_counts counts;
    char aside[4200];
    enum err_code rc = file_read(path, STATE_BYTES_MAX, &text, &e);

    if (rc != ERR_OK && access(path, F_OK) < 0)
        return; /* the first start */
    if (rc == ERR_OK)
        rc = state_restore(text.data, text.len, c->view, c->live, &c->memory,
                           c->started->config->memory.half_life_s, c->turn.now_ms, c->turn.wall_ms,
                           &counts, &e);
    bytes_free(&text);
    if (rc == ERR_OK) {
        log_info("event=state.restored streamers=%u contents=%u age_s=%llu", counts.streamers,
                 counts.popular, (unsigned long long)(counts.age_ms / 1000));
        return;
    }
    err_wrap(&e, "%s", path);
    control_log_problem("state.refused", &e);
    snprintf(aside, sizeof aside, "%s.bad", path);
    (void)rename(path, aside);
}

/* Behind the first view, and behind the change of user: the files are that user's. */
enum err_code control_state_start(struct control *c, struct err *e)
{
    const struct str folder = c->started->config->state_directory;
    char path[4096];

    if (folder.n == 0)
        return ERR_OK;
    if (snprintf(path, sizeof path, "%s/state.json", folder.p) >= (int)sizeof path)
        return err_set(e, ERR_LIMIT, "state_directory: the path is too long");
    c->turn.wall_ms = clock_wall_ms();
    state_read(c, path);
    if (access(folder.p, W_OK | X_OK) < 0)
        log_warn("event=state.read_only path=%s", folder.p);
    c->state = state_writer_start(path);
    return c->state ? ERR_OK : err_set(e, ERR_LIMIT, "no memory for the state's writer");
}

void control_second(int fd UNUSED, short what UNUSED, void *arg)
{
    struct control *c = arg;
    uint64_t now;

    turn_begin(&c->turn);
    c->turn.wall_offset_ms = clock_wall_ms() - clock_ms();
    now = c->turn.now_ms;
    fold_all(c, (double)(now - c->last_fold_ms) / 1000.0);
    c->last_fold_ms = now;
    memory_turn(&c->memory, now);
    calendar_turn(c);
    state_turn(c, now);
    if (c->swarms)
        swarms_sweep(c->swarms, now);
    if (c->access_log)
        metric_set(&c->metrics, METRIC_NOTES_DROPPED, access_log_dropped(c->access_log));
    metric_set(&c->metrics, METRIC_TALLIES_DROPPED, memory_tallies_dropped(&c->memory));
    publish_sweep(c);
}

void control_state_stop(struct control *c)
{
    if (c->state && c->view) {
        turn_begin(&c->turn);
        memory_turn(&c->memory, c->turn.now_ms); /* what the workers left */
        control_state_save(c);
    }
    state_writer_stop(c->state);
    c->state = NULL;
}
