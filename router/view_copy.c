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

/* The n items of size bytes each that *list points to. */
static bool copy_array(const void **list, size_t n, size_t size, struct arena *arena)
{
    void *copy = arena_array(arena, n, size);

    if (!copy)
        return false;
    if (n)
        memcpy(copy, *list, n * size);
    *list = copy;
    return true;
}

/* Unions hold footprints; how deep is bounded by who read them. */
static bool copy_footprints(const struct footprint_conf **list, size_t n, struct arena *arena)
{
    struct footprint_conf *copy = arena_array(arena, n, sizeof *copy);

    if (!copy)
        return false;
    for (size_t i = 0; i < n; i++) {
        copy[i] = (*list)[i];
        if (!copy_list(&copy[i].values, copy[i].value_count, arena) ||
            !copy_footprints(&copy[i].parts, copy[i].part_count, arena))
            return false;
    }
    *list = copy;
    return true;
}

static bool copy_probe(struct probe_conf *p, struct arena *arena)
{
    return copy_str(&p->path, arena) && copy_str(&p->host, arena) &&
           copy_str(&p->cors_origin, arena);
}

static bool copy_poll(struct poll_conf *p, struct arena *arena)
{
    return copy_str(&p->profile, arena) && copy_str(&p->host, arena) && copy_str(&p->path, arena) &&
           copy_str(&p->select, arena) && copy_str(&p->digest_path, arena);
}

const struct streamer_conf *streamer_conf_copy(const struct streamer_conf *c, struct arena *arena)
{
    struct streamer_conf *s = arena_alloc(arena, sizeof *s);

    if (!s)
        return NULL;
    *s = *c;
    if (!copy_str(&s->name, arena) || !copy_str(&s->host, arena) || !copy_str(&s->pid, arena) ||
        !copy_str(&s->origin_pid, arena) || !copy_probe(&s->probe, arena) ||
        !copy_poll(&s->poll, arena) || !copy_str(&s->hash_id, arena) ||
        !copy_footprints(&s->footprints, s->footprint_count, arena))
        return NULL;
    return s;
}

const struct downstream_conf *downstream_conf_copy(const struct downstream_conf *c,
                                                   struct arena *arena)
{
    struct downstream_conf *d = arena_alloc(arena, sizeof *d);

    if (!d)
        return NULL;
    *d = *c;
    if (!copy_str(&d->name, arena) || !copy_str(&d->http_host, arena) ||
        !copy_str(&d->http_prefix, arena) || !copy_str(&d->dns_cname, arena) ||
        !copy_str(&d->pid, arena) || !copy_footprints(&d->footprints, d->footprint_count, arena))
        return NULL;
    return d;
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

static bool copy_costs(struct service_conf *s, struct arena *arena)
{
    struct cost_part *copy = arena_array(arena, s->cost_count, sizeof *copy);

    if (!copy)
        return false;
    for (size_t i = 0; i < s->cost_count; i++) {
        copy[i] = s->costs[i];
        if (!copy_str(&copy[i].metric, arena))
            return false;
    }
    s->costs = copy;
    return true;
}

static bool copy_admit_list(struct admit_list *l, struct arena *arena)
{
    const void *asns = l->asns, *prefixes = l->prefixes;

    if (!copy_list(&l->countries, l->country_count, arena) ||
        !copy_array(&asns, l->asn_count, sizeof *l->asns, arena) ||
        !copy_array(&prefixes, l->prefix_count, sizeof *l->prefixes, arena))
        return false;
    l->asns = asns;
    l->prefixes = prefixes;
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
        !copy_str(&s->dns.txt, arena) || !copy_costs(s, arena) ||
        !copy_list(&s->downstreams, s->downstream_count, arena) ||
        !copy_str(&s->digest_url, arena) || !copy_admit_list(&s->admit.allow, arena) ||
        !copy_admit_list(&s->admit.deny, arena) || !copy_str(&s->bypass.http_url, arena) ||
        !copy_str(&s->bypass.dns_cname, arena))
        return NULL;
    return s;
}
