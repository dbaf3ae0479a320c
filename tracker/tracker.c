#include "tracker/tracker.h"

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
