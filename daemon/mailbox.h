/* How the control thread hands things to a worker: a slot for each kind of message and an eventfd
 * that wakes the worker's event loop. A newer message of a kind takes the place of one that the
 * worker has not fetched, so that a mailbox is bounded and posting neither fails nor waits.
 * Everything sent before the post is seen behind the take. */
#pragma once

#include "base/attr.h"

enum mail_kind {
    MAIL_VIEW,   /* struct view *, with one reference that passes to the worker */
    MAIL_TLS,    /* struct ssl_ctx_st *, likewise */
    MAIL_DIGEST, /* struct http_digest *, likewise */
    MAIL_ALTO,   /* struct alto_catalog *, likewise */
    MAIL_HUB, /* the ALTO hub has something for this worker; the message is any pointer but NULL */
    MAIL_DRAIN, /* take no new connections, finish what runs; the message is any pointer but NULL */
    MAIL_STOP,  /* leave the loop; likewise */
    MAIL_KINDS
};

struct mailbox;

/* NULL when the system has no memory or descriptor. free: messages still inside are the caller's to
 * take before. */
struct mailbox *mailbox_new(void) MUST_CHECK;
void mailbox_free(struct mailbox *m);

/* Readable while something was posted since the last drain: the worker's loop waits on it. */
int mailbox_fd(const struct mailbox *m);

/* Any thread. message is not NULL and passes to the worker. Returns the message of that kind which
 * the worker never took, or NULL: it is the caller's again (a view: drop its reference). */
void *mailbox_post(struct mailbox *m, enum mail_kind kind, void *message) MUST_CHECK;

/* Worker, at the start of its callback and before it takes: what is posted from here on wakes it
 * again. */
void mailbox_drain(struct mailbox *m);
/* Worker: the message of that kind, now the caller's; NULL: none. */
void *mailbox_take(struct mailbox *m, enum mail_kind kind);
