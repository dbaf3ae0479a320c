#include "daemon/mailbox.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct mailbox {
    _Atomic(void *) slot[MAIL_KINDS];
    int fd;
};

struct mailbox *mailbox_new(void)
{
    struct mailbox *m = calloc(1, sizeof *m);

    if (!m)
        return NULL;
    m->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (m->fd < 0) {
        free(m);
        return NULL;
    }
    return m;
}

void mailbox_free(struct mailbox *m)
{
    if (!m)
        return;
    close(m->fd);
    free(m);
}

int mailbox_fd(const struct mailbox *m)
{
    return m->fd;
}

void *mailbox_post(struct mailbox *m, enum mail_kind kind, void *message)
{
    const uint64_t one = 1;
    void *displaced;
    ssize_t done;

    assert(message && kind < MAIL_KINDS);
    displaced = atomic_exchange_explicit(&m->slot[kind], message, memory_order_acq_rel);
    /* EAGAIN would mean a full counter, which is readable: the worker wakes all the same. */
    do
        done = write(m->fd, &one, sizeof one);
    while (done < 0 && errno == EINTR);
    return displaced;
}

void mailbox_drain(struct mailbox *m)
{
    uint64_t count;
    ssize_t done;

    do
        done = read(m->fd, &count, sizeof count);
    while (done < 0 && errno == EINTR);
}

void *mailbox_take(struct mailbox *m, enum mail_kind kind)
{
    return atomic_exchange_explicit(&m->slot[kind], NULL, memory_order_acq_rel);
}
