#include "router/health.h"

bool health_feed(struct health_state *s, const struct probe_conf *c, bool good)
{
    const enum health says = good ? HEALTH_UP : HEALTH_DOWN;
    const uint16_t needed = good ? c->up_after : c->down_after;

    if (s->now == says) {
        s->streak = 0;
        return false;
    }
    if (s->now != HEALTH_UNKNOWN && ++s->streak < needed)
        return false;
    s->now = says;
    s->streak = 0;
    return true;
}

uint32_t health_next_ms(const struct probe_conf *c, uint64_t random)
{
    return c->interval_ms - c->interval_ms / 10 + (uint32_t)(random % (c->interval_ms / 5 + 1));
}

uint32_t health_first_ms(const struct probe_conf *c, uint64_t random)
{
    const uint32_t most = c->interval_ms < 1000 ? c->interval_ms : 1000;

    return most ? (uint32_t)(random % most) : 0;
}
