#include "router/prober_internal.h"

#include "base/clock.h"
#include "base/hash.h"

#define IN_FLIGHT_MAX 1024u /* descriptors; more wait their turn */
#define TURN_WAIT_MS  20u

static uint64_t draw(struct prober *p)
{
    return hash_mix(p->seed, ++p->drawn);
}

static void schedule(struct asker *a, uint64_t in_ms)
{
    const struct timeval in = {.tv_sec = (time_t)(in_ms / 1000),
                               .tv_usec = (suseconds_t)(in_ms % 1000) * 1000};

    evtimer_add(a->timer, &in); /* cannot fail: it was added before, or has its place in the heap */
}

bool asker_init(struct asker *a, struct prober *p, event_callback_fn on_timer, void *arg)
{
    a->owner = p;
    a->timer = evtimer_new(p->base, on_timer, arg);
    return a->timer != NULL;
}

void asker_fini(struct asker *a)
{
    asker_stop(a);
    if (a->timer)
        event_free(a->timer);
    a->timer = NULL;
}

void asker_start(struct asker *a, uint32_t interval_ms)
{
    const uint32_t in = health_first_ms(interval_ms, draw(a->owner));

    asker_stop(a);
    a->on = true;
    a->due_ms = clock_ms() + in;
    schedule(a, in);
}

void asker_stop(struct asker *a)
{
    a->on = false;
    if (a->timer)
        evtimer_del(a->timer);
    if (!a->probe)
        return;
    probe_cancel(a->probe);
    asker_done(a);
}

/* Counted from when the last one should have begun; a loop that fell behind does not catch up. */
void asker_next(struct asker *a, uint32_t interval_ms)
{
    const uint64_t now = clock_ms();

    a->due_ms += health_next_ms(interval_ms, draw(a->owner));
    if (a->due_ms < now)
        a->due_ms = now;
    schedule(a, a->due_ms - now);
}

bool asker_ask(struct asker *a, const struct probe_ask *ask, probe_done_fn *done, void *arg)
{
    if (a->owner->in_flight >= IN_FLIGHT_MAX) {
        schedule(a, TURN_WAIT_MS);
        return true;
    }
    a->probe = probe_start(a->owner->base, ask, done, arg);
    if (!a->probe)
        return false;
    a->owner->in_flight++;
    return true;
}

void asker_done(struct asker *a)
{
    a->probe = NULL;
    a->owner->in_flight--;
}

bool ask_is_clean(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] == 0x7f)
            return false;
    return true;
}
