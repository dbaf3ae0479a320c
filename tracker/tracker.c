#include "tracker/tracker.h"

#include <stdlib.h>

#include "tracker/announce.h"

void tracker_conf_default(struct tracker_conf *c)
{
    *c = (struct tracker_conf){.interval_s = 1800,
                               .min_interval_s = 300,
                               .peer_timeout_s = 2 * 1800 + 120,
                               .peers_default = 50,
                               .peers_max = 200,
                               .random_pm = 200,
                               .memory_max = (size_t)1 << 30,
                               .peers_per_swarm_max = 100000,
                               .open = true};
}

struct tracker *tracker_new(struct event_base *base, const struct tracker_conf *conf,
                            struct swarms *swarms, struct turn *turn)
{
    struct tracker *t = calloc(1, sizeof *t);

    if (!t)
        return NULL;
    t->base = base;
    t->conf = conf;
    t->swarms = swarms;
    t->turn = turn;
    return t;
}

void tracker_free(struct tracker *t)
{
    if (!t)
        return;
    announce_udp_free(t->udp);
    free(t->near);
    free(t->near_n);
    free(t);
}
