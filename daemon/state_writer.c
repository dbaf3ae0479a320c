#include "daemon/state_writer.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "router/state_file.h"

#define COMPLAIN_MS 60000

struct state_writer {
    char path[4096];
    pthread_t thread;
    pthread_mutex_t mutex; /* of the three below */
    pthread_cond_t more;
    struct bytes posted;
    bool stop;
    _Atomic uint64_t written, errors;
    uint64_t complain_at_ms; /* the thread's own */
};

static void write_one(struct state_writer *w, const struct bytes *text)
{
    char reason[2 * ERR_TEXT_MAX];
    const uint64_t now = clock_ms();
    struct err e = {0};

    if (state_store(w->path, (struct str){text->data, text->len}, &e) == ERR_OK) {
        atomic_fetch_add_explicit(&w->written, 1, memory_order_relaxed);
        return;
    }
    atomic_fetch_add_explicit(&w->errors, 1, memory_order_relaxed);
    if (now < w->complain_at_ms)
        return;
    w->complain_at_ms = now + COMPLAIN_MS;
    log_error("event=state.failed reason=%s", log_quote(e.text, reason, sizeof reason));
}

static void *writer_main(void *arg)
{
    struct state_writer *w = arg;

    for (;;) {
        struct bytes text;
        bool stop;

        pthread_mutex_lock(&w->mutex);
        while (!w->posted.len && !w->stop)
            pthread_cond_wait(&w->more, &w->mutex);
        text = w->posted;
        w->posted = (struct bytes){0};
        stop = w->stop;
        pthread_mutex_unlock(&w->mutex);
        if (text.len)
            write_one(w, &text);
        bytes_free(&text);
        if (stop)
            return NULL;
    }
}

struct state_writer *state_writer_start(const char *path)
{
    struct state_writer *w = calloc(1, sizeof *w);
    sigset_t all, before;
    int failed;

    if (!w || strlen(path) >= sizeof w->path) {
        free(w);
        return NULL;
    }
    snprintf(w->path, sizeof w->path, "%s", path);
    pthread_mutex_init(&w->mutex, NULL);
    pthread_cond_init(&w->more, NULL);
    sigfillset(&all); /* signals are the control thread's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&w->thread, NULL, writer_main, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        free(w);
        return NULL;
    }
    return w;
}

void state_writer_post(struct state_writer *w, struct bytes *text)
{
    struct bytes was;

    pthread_mutex_lock(&w->mutex);
    was = w->posted;
    w->posted = *text;
    pthread_cond_signal(&w->more);
    pthread_mutex_unlock(&w->mutex);
    bytes_free(&was);
    *text = (struct bytes){0};
}

struct state_writer_counts state_writer_counts_get(const struct state_writer *w)
{
    return (struct state_writer_counts){
        atomic_load_explicit(&w->written, memory_order_relaxed),
        atomic_load_explicit(&w->errors, memory_order_relaxed),
    };
}

void state_writer_stop(struct state_writer *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->mutex);
    w->stop = true;
    pthread_cond_signal(&w->more);
    pthread_mutex_unlock(&w->mutex);
    pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->more);
    pthread_mutex_destroy(&w->mutex);
    bytes_free(&w->posted);
    free(w);
}
