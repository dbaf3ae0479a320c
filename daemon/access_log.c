#include "daemon/access_log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define BATCH_BYTES ((size_t)64 << 10) /* a batch of this size is written out ... */
#define BATCH_LIMIT                                                                                \
    ((size_t)80 << 10)    /* ... and this is reserved once: a line more always fits                \
                           */
#define RING_TURN     256 /* notes of one ring before the next has its turn */
#define SLEEP_MAX_MS  20  /* between looks at empty rings */
#define STOP_FLUSH_MS 1000
#define COMPLAIN_MS   60000

struct access_log {
    pthread_t thread;
    char *path; /* NULL: standard output */
    enum note_format format;
    struct note_ring **rings;
    unsigned ring_count;
    int fd;
    int wake_fd; /* eventfd: stop or reopen was asked for */
    _Atomic bool stop, reopen;
    _Atomic uint64_t lost;

    /* The thread's own. */
    bool patient; /* a pipe or terminal: poll before each write, for a stop must get through */
    uint64_t stop_by_ms;     /* 0: not stopping */
    uint64_t complain_at_ms; /* before this, no more of write errors */
    struct bytes batch;
};

static int open_file(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
}

static bool is_patient(int fd)
{
    struct stat st;

    return fstat(fd, &st) < 0 || !S_ISREG(st.st_mode);
}

/* What stands behind `done` in the batch was not written. */
static void count_lost(struct access_log *l, size_t done, const char *reason)
{
    uint64_t now = clock_ms(), lost = atomic_load_explicit(&l->lost, memory_order_relaxed);
    char quoted[256];

    for (size_t i = done ? done : 1; i < l->batch.len; i++)
        lost += l->batch.data[i] == '\n';
    atomic_store_explicit(&l->lost, lost, memory_order_relaxed);
    if (now < l->complain_at_ms)
        return;
    l->complain_at_ms = now + COMPLAIN_MS;
    log_error("event=access_log.failed path=%s reason=%s lost=%" PRIu64,
              log_quote(l->path ? l->path : "stdout", quoted, sizeof quoted / 2),
              log_quote(reason, quoted + sizeof quoted / 2, sizeof quoted / 2), lost);
}

/* Waits until a pipe takes bytes; false once a stop has waited long enough. */
static bool writable(struct access_log *l)
{
    for (;;) {
        struct pollfd fds[] = {{.fd = l->fd, .events = POLLOUT},
                               {.fd = l->wake_fd, .events = POLLIN}};
        int wait = -1;

        if (atomic_load_explicit(&l->stop, memory_order_acquire)) {
            uint64_t now = clock_ms();

            if (l->stop_by_ms == 0)
                l->stop_by_ms = now + STOP_FLUSH_MS;
            if (now >= l->stop_by_ms)
                return false;
            wait = (int)(l->stop_by_ms - now);
            fds[1].fd = -1;
        } else if (atomic_load_explicit(&l->reopen, memory_order_relaxed)) {
            fds[1].fd = -1; /* it stays readable, and is none of ours here; look again soon */
            wait = 100;
        }
        if (poll(fds, 2, wait) > 0 && fds[0].revents)
            return true; /* or an error, which write will name */
    }
}

/* Writes the batch out, all of it or with the loss counted, and empties it. */
static void flush(struct access_log *l)
{
    size_t done = 0;
    const char *reason = NULL;
    char text[128];
    bool torn;

    while (done < l->batch.len && !reason) {
        size_t n = l->batch.len - done;
        ssize_t k;

        /* A pipe that polls writable takes PIPE_BUF bytes without blocking. */
        if (l->patient) {
            n = n < PIPE_BUF ? n : PIPE_BUF;
            if (!writable(l)) {
                reason = "the reader takes nothing";
                break;
            }
        }
        k = write(l->fd, l->batch.data + done, n);
        if (k >= 0)
            done += (size_t)k;
        else if (errno != EINTR && errno != EAGAIN)
            reason = strerror_r(errno, text, sizeof text);
    }
    if (reason)
        count_lost(l, done, reason);
    torn =
        l->batch.len > 0 && (done > 0 ? l->batch.data[done - 1] != '\n' : l->batch.data[0] == '\n');
    l->batch.len = 0;
    if (torn) /* so that the next line does not stand behind half of another */
        l->batch.data[l->batch.len++] = '\n';
}

/* Up to RING_TURN notes of a ring; returns how many. */
static unsigned drain_ring(struct access_log *l, struct note_ring *r)
{
    unsigned n = 0;
    const struct note *note;

    for (; n < RING_TURN && (note = note_peek(r)); n++) {
        if (l->batch.len >= BATCH_BYTES)
            flush(l);
        if (!note_format(note, l->format, &l->batch))
            atomic_fetch_add_explicit(&l->lost, 1, memory_order_relaxed);
        note_release(r);
    }
    return n;
}

/* A turn for every ring, and what it gave written out; the most that one ring gave. */
static unsigned drain_pass(struct access_log *l)
{
    unsigned most = 0;

    for (unsigned i = 0; i < l->ring_count; i++) {
        unsigned n = drain_ring(l, l->rings[i]);

        most = n > most ? n : most;
    }
    flush(l);
    return most;
}

static void reopen(struct access_log *l)
{
    char quoted[512];
    int fd;

    if (!l->path)
        return;
    fd = open_file(l->path);
    if (fd < 0) {
        log_error("event=access_log.reopen_failed path=%s reason=%s",
                  log_quote(l->path, quoted, sizeof quoted - 128),
                  log_quote(strerrordesc_np(errno), quoted + sizeof quoted - 128, 128));
        return;
    }
    close(l->fd);
    l->fd = fd;
    l->patient = is_patient(fd);
    log_info("event=access_log.reopened path=%s", log_quote(l->path, quoted, sizeof quoted));
}

static void *access_log_run(void *arg)
{
    struct access_log *l = arg;
    int sleep_ms = SLEEP_MAX_MS;
    uint64_t count;

    while (!atomic_load_explicit(&l->stop, memory_order_acquire)) {
        struct pollfd asked = {.fd = l->wake_fd, .events = POLLIN};
        bool again = atomic_exchange_explicit(&l->reopen, false, memory_order_acq_rel);

        /* Asked first, drained second: what was noted before a rotation is in the old file. The
         * sleep grows while rings give less than a turn, so that lines come in batches. */
        if (drain_pass(l) == RING_TURN)
            sleep_ms = 0;
        else
            sleep_ms = sleep_ms * 2 + 1 < SLEEP_MAX_MS ? sleep_ms * 2 + 1 : SLEEP_MAX_MS;
        if (again)
            reopen(l);
        if (poll(&asked, 1, sleep_ms) > 0 && read(l->wake_fd, &count, sizeof count) < 0)
            sleep_ms = 0; /* nobody else reads it; the flags are looked at in any case */
    }
    while (drain_pass(l) > 0 && (l->stop_by_ms == 0 || clock_ms() < l->stop_by_ms))
        ;
    return NULL;
}

static void wake(struct access_log *l)
{
    const uint64_t one = 1;
    ssize_t done;

    do
        done = write(l->wake_fd, &one, sizeof one);
    while (done < 0 && errno == EINTR);
}

static void release(struct access_log *l)
{
    if (l->path && l->fd >= 0)
        close(l->fd);
    if (l->wake_fd >= 0)
        close(l->wake_fd);
    bytes_free(&l->batch);
    free(l->rings);
    free(l->path);
    free(l);
}

/* The thread takes no signals: they are the control thread's, and SIGPIPE nobody's. */
static enum err_code start_thread(struct access_log *l, struct err *e)
{
    sigset_t all, before;
    int failed;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&l->thread, NULL, access_log_run, l);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed)
        return err_set(e, ERR_IO, "access log: no thread: %s", strerrordesc_np(failed));
    pthread_setname_np(l->thread, "access-log");
    return ERR_OK;
}

static enum err_code open_all(struct access_log *l, const char *path,
                              struct note_ring *const *rings, struct err *e)
{
    l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (l->wake_fd < 0)
        return err_set_errno(e, "access log: eventfd");
    l->rings = calloc(l->ring_count + 1, sizeof(struct note_ring *));
    l->path = path ? strdup(path) : NULL;
    if (!l->rings || (path && !l->path) || !bytes_reserve(&l->batch, BATCH_LIMIT))
        return err_set(e, ERR_LIMIT, "access log: no memory");
    memcpy(l->rings, rings, l->ring_count * sizeof(struct note_ring *));
    l->fd = path ? open_file(path) : STDOUT_FILENO;
    if (l->fd < 0)
        return err_set_errno(e, "access log %s: cannot be opened for appending", path);
    l->patient = is_patient(l->fd);
    return start_thread(l, e);
}

enum err_code access_log_start(const char *path, enum note_format format,
                               struct note_ring *const *rings, unsigned ring_count,
                               struct access_log **out, struct err *e)
{
    struct access_log *l = calloc(1, sizeof *l);
    enum err_code rc;

    *out = NULL;
    if (!l)
        return err_set(e, ERR_LIMIT, "access log: no memory");
    l->format = format;
    l->ring_count = ring_count;
    l->fd = l->wake_fd = -1;
    l->batch.limit = BATCH_LIMIT;
    rc = open_all(l, path, rings, e);
    if (rc != ERR_OK)
        release(l);
    else
        *out = l;
    return rc;
}

void access_log_reopen(struct access_log *l)
{
    atomic_store_explicit(&l->reopen, true, memory_order_release);
    wake(l);
}

void access_log_stop(struct access_log *l)
{
    if (!l)
        return;
    atomic_store_explicit(&l->stop, true, memory_order_release);
    wake(l);
    pthread_join(l->thread, NULL);
    release(l);
}

uint64_t access_log_dropped(const struct access_log *l)
{
    uint64_t total = atomic_load_explicit(&l->lost, memory_order_relaxed);

    for (unsigned i = 0; i < l->ring_count; i++)
        total += note_dropped(l->rings[i]);
    return total;
}
