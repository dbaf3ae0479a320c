#include "http/http_wheel.h"

#include <stddef.h>

void http_wheel_init(struct http_wheel *w, uint64_t tick_ms, uint64_t now_ms)
{
    w->tick_ms = tick_ms;
    w->now = now_ms / tick_ms;
    for (unsigned i = 0; i < HTTP_WHEEL_SLOTS; i++)
        w->slot[i].prev = w->slot[i].next = &w->slot[i];
}

static void insert(struct http_wheel *w, struct http_timer *t)
{
    uint64_t tick = (t->deadline_ms + w->tick_ms - 1) / w->tick_ms;
    struct http_timer *head;

    if (tick <= w->now)
        tick = w->now + 1;
    if (tick > w->now + HTTP_WHEEL_SLOTS - 1)
        tick = w->now + HTTP_WHEEL_SLOTS - 1;
    head = &w->slot[tick % HTTP_WHEEL_SLOTS];
    t->tick = tick;
    t->prev = head->prev;
    t->next = head;
    head->prev->next = t;
    head->prev = t;
}

void http_wheel_remove(struct http_timer *t)
{
    if (!t->next)
        return;
    t->prev->next = t->next;
    t->next->prev = t->prev;
    t->prev = t->next = NULL;
}

void http_wheel_set(struct http_wheel *w, struct http_timer *t, uint64_t deadline_ms)
{
    t->deadline_ms = deadline_ms;
    /* Standing too early is fine: it is moved when its slot comes. */
    if (t->next && deadline_ms >= t->tick * w->tick_ms)
        return;
    http_wheel_remove(t);
    insert(w, t);
}

static void slot_run(struct http_wheel *w, struct http_timer *slot, uint64_t now_ms,
                     http_timer_fn *fn, void *arg)
{
    struct http_timer due;

    if (slot->next == slot)
        return;
    /* The slot's list moves to a head of its own: what fn inserts comes behind this sweep. */
    due = *slot;
    due.next->prev = due.prev->next = &due;
    slot->prev = slot->next = slot;
    while (due.next != &due) {
        struct http_timer *t = due.next;

        http_wheel_remove(t);
        if (t->deadline_ms <= now_ms)
            fn(arg, t);
        else
            insert(w, t);
    }
}

void http_wheel_advance(struct http_wheel *w, uint64_t now_ms, http_timer_fn *fn, void *arg)
{
    uint64_t to = now_ms / w->tick_ms;

    if (to > w->now + HTTP_WHEEL_SLOTS)
        w->now = to - HTTP_WHEEL_SLOTS;
    while (w->now < to) {
        w->now++;
        slot_run(w, &w->slot[w->now % HTTP_WHEEL_SLOTS], now_ms, fn, arg);
    }
}

void http_wheel_each(struct http_wheel *w, http_timer_fn *fn, void *arg)
{
    for (unsigned i = 0; i < HTTP_WHEEL_SLOTS; i++)
        for (struct http_timer *t = w->slot[i].next, *next; t != &w->slot[i]; t = next) {
            next = t->next;
            fn(arg, t);
        }
}
