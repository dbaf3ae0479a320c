/* Deadlines of many connections, swept by one periodic timer: setting a later deadline costs a
 * store and no system call, so a connection may renew its own with every request. Coarse: a
 * deadline is noticed within one tick behind it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define HTTP_WHEEL_SLOTS                                                                           \
    256u /* deadlines further off than so many ticks are looked at in between */

/* Embedded in what it times; zeroed before first use. */
struct http_timer {
    struct http_timer *prev, *next; /* NULL when it is in no wheel */
    uint64_t deadline_ms;
    uint64_t tick; /* of the slot that it stands in */
};

struct http_wheel {
    uint64_t tick_ms;
    uint64_t now; /* in ticks: all up to here were looked at */
    struct http_timer slot[HTTP_WHEEL_SLOTS];
};

typedef void http_timer_fn(void *arg, struct http_timer *t);

void http_wheel_init(struct http_wheel *w, uint64_t tick_ms, uint64_t now_ms);
void http_wheel_set(struct http_wheel *w, struct http_timer *t, uint64_t deadline_ms);
void http_wheel_remove(struct http_timer *t);
/* Takes out each timer whose deadline has come and calls fn, which may set or remove any timer. */
void http_wheel_advance(struct http_wheel *w, uint64_t now_ms, http_timer_fn *fn, void *arg);
/* Calls fn for each timer, which fn may remove, but no other. */
void http_wheel_each(struct http_wheel *w, http_timer_fn *fn, void *arg);
