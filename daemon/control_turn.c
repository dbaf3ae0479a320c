#include "daemon/control_turn.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/clock.h"
#include "base/hash.h"
#include "router/state_file.h"

/* Ages the sessions of every streamer. */
static void fold_all(struct control *c, double elapsed_s)
{
    const struct view *v = c->view;

    for (sidx i = 0; i < v->streamer_count; i++)
        live_fold(c->live, v->streamers[i].live, elapsed_s, v->streamers[i].session_s);
    view_fold(v, c->live);
}

#define SLOT_NEAR_MS 1500 /* more than a second: one turn at least sees it come */

/* A slot of a cost calendar has ended: another view is that of now. The end itself has a timer,
 * for until the next turn all answers would have a TTL of 0. */
static void calendar_turn(struct control *c)
{
    const uint64_t end_ms = c->view->valid_until_ms, now_ms = c->turn.wall_ms;
    struct err e = {0};

    if (end_ms == 0)
        return;
    if (now_ms < end_ms) {
        const uint64_t left_ms = end_ms - now_ms;
        const struct timeval wait = {(time_t)(left_ms / 1000),
                                     (suseconds_t)(left_ms % 1000 * 1000)};

        if (left_ms <= SLOT_NEAR_MS && c->on_slot)
            event_add(c->on_slot, &wait);
        return;
    }
    if (control_publish(c, c->newest, &e) != ERR_OK)
        control_log_problem("calendar.refused", &e);
    else
        control_alto_post(c, false);
}

/* ---- what survives a restart */

#define STATE_EVERY_MS 2000
#define STATE_FRESH_MS                                                                             \
    30000 /* unchanged, it is written all the same: its age says what it is worth */

/* Of the text, but for the time in it. */
static uint64_t state_hash(const struct bytes *text)
{
    const char *rest = memmem(text->data, text->len, "\"streamers\"", 11);

    return rest ? hash_content(rest, text->len - (size_t)(rest - text->data)) : 0;
}

static void state_turn(struct control *c, uint64_t now)
{
    struct bytes text = {.limit = STATE_BYTES_MAX};
    struct state_writer_counts counts;
    struct err e = {0};
    uint64_t hash;

    if (!c->state || now < c->state_due_ms)
        return;
    c->state_due_ms = now + STATE_EVERY_MS;
    counts = state_writer_counts_get(c->state);
    metric_set(&c->metrics, METRIC_STATE_WRITTEN, counts.written);
    metric_set(&c->metrics, METRIC_STATE_ERRORS, counts.errors);
    if (state_format(c->live, c->view, c->memory.popularity, (double)now / 1000, c->turn.wall_ms,
                     &text, &e) != ERR_OK) {
        control_log_problem("state.failed", &e);
        bytes_free(&text);
        return;
    }
    hash = state_hash(&text);
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

/* The state of the process before this one. One that cannot be read is put aside. */
static void state_read(struct control *c, const char *path)
{
    struct state_applied known;
    struct state *s = NULL;
    struct err e = {0};

    switch (state_load(path, &s, &e)) {
    case ERR_OK:
        known = state_apply(s, c->live, c->view, c->memory.popularity,
                            (double)c->turn.now_ms / 1000, c->turn.wall_ms);
        prober_resume(c->prober);
        log_info("event=state.restored streamers=%zu contents=%zu", known.streamers,
                 known.contents);
        break;
    case ERR_NOT_FOUND: /* the first start */
        break;
    default:
        control_log_problem("state.refused", &e);
    }
    state_free(s);
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
    turn_begin(&c->turn); /* views take their time */
    state_read(c, path);
    if (access(folder.p, W_OK | X_OK) < 0)
        log_warn("event=state.read_only path=%s", folder.p);
    c->state = state_writer_start(path);
    return c->state ? ERR_OK : err_set(e, ERR_LIMIT, "no memory for the state's writer");
}

void control_slot(int fd UNUSED, short what UNUSED, void *arg)
{
    struct control *c = arg;

    turn_begin(&c->turn);
    calendar_turn(c);
}

void control_second(int fd UNUSED, short what UNUSED, void *arg)
{
    struct control *c = arg;
    uint64_t now;

    c->turn.wall_offset_ms = clock_wall_ms() - clock_ms();
    turn_begin(&c->turn);
    now = c->turn.now_ms;
    fold_all(c, (double)(now - c->last_fold_ms) / 1000.0);
    c->last_fold_ms = now;
    memory_turn(&c->memory, now);
    calendar_turn(c);
    state_turn(c, now);
    control_alto_turn(c);
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
