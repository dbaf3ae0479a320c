/* Following what changes, once the maps are there. */
#include "alto/client_internal.h"

static void poll_later(struct alto_client *c)
{
    uint64_t ms = c->conf.poll_ms;

    /* RFC 9111: within its max-age an answer is fresh, and nobody need be asked. */
    if (c->max_age_s > 0 && (uint64_t)c->max_age_s * 1000 > ms)
        ms = (uint64_t)c->max_age_s * 1000;
    c->mode = ALTO_CLIENT_POLL;
    c->phase = CLIENT_POLL;
    c->wake_ms = c->now_ms + client_jitter(c, ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX);
}

void client_updates_start(struct alto_client *c)
{
    poll_later(c);
}

void client_updates_stop(struct alto_client *c)
{
    (void)c;
}

void client_updates_turn(struct alto_client *c)
{
    (void)c;
}

uint64_t client_updates_wake_ms(const struct alto_client *c)
{
    (void)c;
    return NEVER;
}
