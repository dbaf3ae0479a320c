#include "alto/cost_request.h"
#include "alto/server.h"
#include "alto/vtag_read.h"
#include "base/json_write.h"

/* The bodies of network and cost maps as they are served: under the resource's name and tag. */

bool alto_network_format(const struct alto_resource *r, struct bytes *out)
{
    struct json_write w;

    json_write_init(&w, out);
    json_write_object(&w);
    json_write_key(&w, STR("meta"));
    json_write_object(&w);
    json_write_key(&w, STR("vtag"));
    vtag_write(&w, &r->network->vtag);
    json_write_object_end(&w);
    json_write_key(&w, STR("network-map"));
    json_write_object(&w);
    for (size_t i = 0; i < r->network->map->pid_count; i++)
        netmap_write_pid(&w, &r->network->map->pids[i], NETMAP_V4 | NETMAP_V6);
    json_write_object_end(&w);
    json_write_object_end(&w);
    return json_write_done(&w);
}

bool alto_cost_format(const struct alto_resource *r, struct bytes *out)
{
    const struct alto_cost *cost = r->costs[0];
    struct json_write w;

    json_write_init(&w, out);
    json_write_object(&w);
    json_write_key(&w, STR("meta"));
    json_write_object(&w);
    json_write_key(&w, STR("dependent-vtags"));
    json_write_array(&w);
    vtag_write(&w, &r->network->vtag);
    json_write_array_end(&w);
    json_write_key(&w, STR("cost-type"));
    cost_type_write(&w, cost->type, false);
    json_write_object_end(&w);
    json_write_key(&w, STR("cost-map"));
    costmap_write_rows(&w, cost->map, r->network->map);
    json_write_object_end(&w);
    return json_write_done(&w);
}
