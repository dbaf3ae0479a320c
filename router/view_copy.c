#include "router/view_copy.h"

#include <string.h>

static bool copy_str(struct str *s, struct arena *arena)
{
    s->p = arena_strndup(arena, s->p, s->n);
    return s->p != NULL;
}

static bool copy_list(const struct str **list, size_t n, struct arena *arena)
{
    struct str *copy = arena_array(arena, n, sizeof *copy);

    if (!copy)
        return false;
    for (size_t i = 0; i < n; i++) {
        copy[i] = (*list)[i];
        if (!copy_str(&copy[i], arena))
            return false;
    }
    *list = copy;
    return true;
}

const struct streamer_conf *streamer_conf_copy(const struct streamer_conf *c, struct arena *arena)
{
    struct streamer_conf *s = arena_alloc(arena, sizeof *s);

    if (!s)
        return NULL;
    *s = *c;
    if (!copy_str(&s->name, arena) || !copy_str(&s->host, arena) || !copy_str(&s->pid, arena) ||
        !copy_str(&s->origin_pid, arena) || !copy_str(&s->probe.path, arena) ||
        !copy_str(&s->probe.host, arena))
        return NULL;
    return s;
}

static bool copy_info_hashes(struct service_conf *s, struct arena *arena)
{
    uint8_t(*copy)[INFO_HASH_LEN] = arena_array(arena, s->info_hash_count, sizeof *copy);

    if (!copy)
        return false;
    if (s->info_hash_count)
        memcpy(copy, s->info_hashes, s->info_hash_count * sizeof *copy);
    s->info_hashes = (const uint8_t(*)[INFO_HASH_LEN])copy;
    return true;
}

const struct service_conf *service_conf_copy(const struct service_conf *c, struct arena *arena)
{
    struct service_conf *s = arena_alloc(arena, sizeof *s);

    if (!s)
        return NULL;
    *s = *c;
    if (!copy_str(&s->name, arena) || !copy_list(&s->hosts, s->host_count, arena) ||
        !copy_str(&s->path_prefix, arena) || !copy_str(&s->content_key, arena) ||
        !copy_list(&s->streamers, s->streamer_count, arena) || !copy_info_hashes(s, arena) ||
        !copy_str(&s->redirect.location, arena) || !copy_str(&s->redirect.cache_control, arena) ||
        !copy_str(&s->dns.txt, arena))
        return NULL;
    return s;
}
