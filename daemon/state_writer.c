#include "daemon/state_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define COMPLAIN_MS 60000

struct state_writer {
    char path[4096], fresh[4096 + 8], folder[4096];
    pthread_t thread;
    pthread_mutex_t mutex; /* of the three below */
    pthread_cond_t more;
    struct bytes posted;
    bool stop;
    _Atomic uint64_t written, errors;
    uint64_t complain_at_ms; /* the thread's own */
};

static bool write_all(int fd, const struct bytes *text)
{
    for (size_t at = 0; at < text->len;) {
        ssize_t n = write(fd, text->data + at, text->len - at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += (size_t)n;
    }
    return true;
}

/* The name of the new file is only as safe as the folder that has it. */
static bool folder_sync(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0)
        close(fd);
    return ok;
}

static bool file_write(const struct state_writer *w, const struct bytes *text)
{
    int fd = open(w->fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool ok = fd >= 0 && write_all(fd, text) && fsync(fd) == 0;
    int why = errno;

    if (fd >= 0 && close(fd) < 0 && ok) {
        ok = false;
        why = errno;
    }
    if (ok && (rename(w->fresh, w->path) < 0 || !folder_sync(w->folder))) {
        ok = false;
        why = errno;
    }
    errno = why;
    return ok;
}

static void write_one(struct state_writer *w, const struct bytes *text)
{
    char quoted[512], reason[128];
    const uint64_t now = clock_ms();

    if (file_write(w, text)) {
        atomic_fetch_add_explicit(&w->written, 1, memory_order_relaxed);
        return;
    }
    atomic_fetch_add_explicit(&w->errors, 1, memory_order_relaxed);
    if (now < w->complain_at_ms)
        return;
    w->complain_at_ms = now + COMPLAIN_MS;
    log_error("event=state.failed path=%s reason=\"%s\"", log_quote(w->path, quoted, sizeof quoted),
              strerror_r(errno, reason, sizeof reason));
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
    snprintf(w->fresh, sizeof w->fresh, "%s.new", path);
    snprintf(w->folder, sizeof w->folder, "%s", path);
    memmove(w->folder, dirname(w->folder), strlen(dirname(w->folder)) + 1);
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
