#include "router/sim/keys.h"

#include <math.h>
#include <stdlib.h>

double sim_keys_share(const struct sim_keys *k)
{
    return k->asked ? (double)k->moved / (double)k->asked : NAN;
}

static uint32_t get(const _Atomic uint32_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

static void put(_Atomic uint32_t *word, uint32_t value)
{
    atomic_store_explicit(word, value, memory_order_relaxed);
}

/* What the router knows, but for load. NULL: no memory. */
static struct live *idle_new(const struct sim_router *r)
{
    struct live *idle = live_new();

    for (uint32_t s = 0; idle && s < r->world->streamers; s++) {
        const struct live_streamer *from = &r->live->streamer[r->known[s].live];
        struct live_streamer *to = &idle->streamer[r->known[s].live];

        put(&to->health, get(&from->health));
        put(&to->scale, get(&from->scale));
        put(&to->hit_pm, get(&from->hit_pm));
        put(&to->hit_known_pm, get(&from->hit_known_pm));
    }
    if (idle) {
        idle->hot = r->live->hot;
        put(&idle->lowered, get(&r->live->lowered) + 1); /* no floor of a load holds */
    }
    return idle;
}

static void idle_free(struct live *idle)
{
    if (idle)
        idle->hot = NULL; /* the router's */
    live_free(idle);
}

static void streamer_set(struct sim_router *r, struct live *idle, uint32_t s, bool usable)
{
    struct sim_known *k = &r->known[s];

    r->usable_count += (uint32_t)usable - (uint32_t)k->usable;
    k->usable = usable;
    live_health_set(idle, k->live, false, usable ? HEALTH_UP : HEALTH_DOWN);
}

bool sim_keys_count(struct sim_router *r, uint32_t streamer, const uint16_t *asked_from,
                    struct sim_keys *out)
{
    uint32_t *with = calloc(r->world->contents, sizeof *with);
    struct live *idle = idle_new(r);
    bool usable = r->known[streamer].usable, ok = with && idle;

    *out = (struct sim_keys){0};
    for (unsigned there = 2; there-- > 0 && ok;) {
        streamer_set(r, idle, streamer, there);
        for (uint32_t i = 0; i < r->world->contents; i++) {
            uint32_t owner;

            if (!asked_from[i])
                continue;
            owner = sim_router_owner(r, idle, i, (uint16_t)(asked_from[i] - 1));
            if (there) {
                with[i] = owner;
                out->asked += owner != SIM_NOBODY;
            } else {
                out->moved += with[i] != streamer && owner != with[i];
            }
        }
    }
    if (ok)
        streamer_set(r, idle, streamer, usable);
    idle_free(idle);
    free(with);
    return ok;
}
