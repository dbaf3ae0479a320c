#include "alto/params.h"
#include "alto/server.h"
#include "alto/vtag_read.h"
#include "base/json_write.h"

/* Filtered network maps (RFC 7285 section 11.3.1). */

struct selection {
    struct str_list pids; /* n 0: all */
    unsigned families;
    bool by_type; /* PIDs without a prefix of these families are left out */
};

static bool read_selection(const struct params *in, struct selection *s)
{
    struct str_list types;

    if (!params_strings(in, "pids", true, &s->pids) ||
        !params_strings(in, "address-types", false, &types))
        return false;
    s->by_type = types.n > 0;
    s->families = s->by_type ? 0 : NETMAP_V4 | NETMAP_V6;
    for (size_t i = 0; i < types.n; i++) {
        if (str_eq(types.p[i], STR("ipv4")))
            s->families |= NETMAP_V4;
        else if (str_eq(types.p[i], STR("ipv6")))
            s->families |= NETMAP_V6;
    }
    return true;
}

static bool has_family(const struct netmap_pid *pid, unsigned families)
{
    for (uint32_t i = 0; i < pid->prefix_count; i++)
        if (families & (prefix_is_v4(pid->prefixes[i]) ? NETMAP_V4 : NETMAP_V6))
            return true;
    return false;
}

static void write_map(struct json_write *w, const struct netmap *map, const struct selection *s)
{
    size_t n = s->pids.n ? s->pids.n : map->pid_count;

    json_write_object(w);
    for (size_t i = 0; i < n; i++) {
        pidx at = s->pids.n ? netmap_find_pid(map, s->pids.p[i]) : (pidx)i;

        if (at != PIDX_NONE && (!s->by_type || has_family(&map->pids[at], s->families)))
            netmap_write_pid(w, &map->pids[at], s->families);
    }
    json_write_object_end(w);
}

static bool answer(const struct alto_question *q, const struct selection *s,
                   struct alto_reply *reply)
{
    const struct alto_network *network = q->resource->network;
    struct json_write w;

    json_write_init(&w, reply->out);
    json_write_object(&w);
    json_write_key(&w, STR("meta"));
    json_write_object(&w);
    json_write_key(&w, STR("vtag"));
    vtag_write(&w, &network->vtag);
    json_write_object_end(&w);
    json_write_key(&w, STR("network-map"));
    write_map(&w, network->map, s);
    json_write_object_end(&w);
    if (json_write_done(&w))
        return true;
    return alto_invalid(&reply->error, "pids", (struct str){0},
                        "the answer would be longer than %zu bytes, which is answer-max of this "
                        "server: ask for fewer PIDs, or for the whole map",
                        q->catalog->limits.answer_max);
}

bool alto_network_filter_reply(const struct alto_question *q, struct alto_reply *reply)
{
    struct params in = {.path = "", .arena = q->arena, .e = &reply->error};
    const struct alto_resource *whole = q->resource->use_count ? q->resource->uses[0] : NULL;
    struct selection s;
    json_t *tree;
    bool good;

    if (!params_load(q->body, &tree, &reply->error))
        return false;
    in.object = tree;
    good = read_selection(&in, &s);
    if (good && !s.pids.n && !s.by_type && whole && whole->bodies)
        reply->whole = whole->bodies;
    else if (good)
        good = answer(q, &s, reply);
    json_decref(tree);
    return good;
}
