#include "alto/hub.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void alto_hub_conf_default(struct alto_hub_conf *c)
{
    *c = (struct alto_hub_conf){
        .workers = 1,
        .streams_max = 10000,
        .streams_per_client = 100,
        .substreams_max = 64,
        .views_max = 1024,
        .polls_per_client = 100,
        .inputs_max = 1024,
        .versions_max = 16,
        .queue_max = (size_t)1 << 20,
        .memory_max = (size_t)512 << 20,
        .keep_alive_ms = 15000,
        .view_idle_ms = 600000,
    };
}

struct alto_hub *alto_hub_new(const struct alto_hub_conf *conf)
{
    struct alto_hub *h = calloc(1, sizeof *h);

    if (!h)
        return NULL;
    h->conf = *conf;
    if (h->conf.versions_max < 2)
        h->conf.versions_max = 2;
    if (h->conf.workers < 1)
        h->conf.workers = 1;
    h->key = hash_key_new();
    h->workers = calloc(h->conf.workers, sizeof *h->workers);
    if (!h->workers || pthread_mutex_init(&h->lock, NULL)) {
        free(h->workers);
        free(h);
        return NULL;
    }
    return h;
}

void hub_lock(struct alto_hub *h)
{
    pthread_mutex_lock(&h->lock);
}

void hub_unlock(struct alto_hub *h)
{
    pthread_mutex_unlock(&h->lock);
}

struct alto_catalog *hub_catalog_take(struct alto_hub *h)
{
    struct alto_catalog *c;

    hub_lock(h);
    c = h->catalog;
    if (c)
        alto_catalog_take(c);
    hub_unlock(h);
    return c;
}

void hub_name_new(char out[HUB_NAME_LEN + 1])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t random[HUB_NAME_LEN / 2];

    hash_random(random, sizeof random);
    for (size_t i = 0; i < sizeof random; i++) {
        out[2 * i] = digits[random[i] >> 4];
        out[2 * i + 1] = digits[random[i] & 15];
    }
    out[HUB_NAME_LEN] = '\0';
}

/* Versions */

void hub_version_drop(struct hub_version *v)
{
    for (unsigned i = 0; i < v->part_count; i++)
        shared_body_drop(v->parts[i].patch);
    shared_body_drop(v->whole);
    alto_bodies_drop(v->bodies);
    *v = (struct hub_version){0};
}

/* The version stays as a step from one to the next. */
static void forget_whole(struct hub_version *v)
{
    shared_body_drop(v->whole);
    alto_bodies_drop(v->bodies);
    v->whole = NULL;
    v->bodies = NULL;
}

struct hub_version *hub_version_find(const struct hub_node *n, uint64_t seq)
{
    if (!n->count || seq < n->versions[0].seq || seq - n->versions[0].seq >= n->count)
        return NULL;
    return &n->versions[seq - n->versions[0].seq];
}

struct hub_version *hub_version_newest(const struct hub_node *n)
{
    assert(n->count);
    return &n->versions[n->count - 1];
}

struct hub_version *hub_version_find_tag(const struct hub_node *n, struct str tag)
{
    for (unsigned i = n->count; tag.n && i-- > 0;)
        if (str_eq(str_from(n->versions[i].tag), tag))
            return &n->versions[i];
    return NULL;
}

size_t hub_patches_len(const struct hub_node *n, uint64_t seq)
{
    size_t sum = 0;

    if (!hub_version_find(n, seq + 1) && seq != hub_version_newest(n)->seq)
        return SIZE_MAX;
    for (const struct hub_version *v = hub_version_find(n, seq + 1);
         v && v < n->versions + n->count; v++) {
        if (!v->patched)
            return SIZE_MAX;
        sum += v->patch_len;
    }
    return sum;
}

struct str hub_patch_type(const struct hub_part *p)
{
    return p->kind == PATCH_MERGE ? STR(PATCH_TYPE_MERGE) : STR(PATCH_TYPE_JSON);
}

static void drop_oldest(struct hub_node *n, unsigned how_many)
{
    for (unsigned i = 0; i < how_many; i++)
        hub_version_drop(&n->versions[i]);
    n->count -= how_many;
    memmove(n->versions, n->versions + how_many, n->count * sizeof *n->versions);
}

void hub_node_compact(struct hub_node *n, uint64_t start)
{
    assert(hub_version_find(n, start) && hub_version_find(n, start)->whole);
    drop_oldest(n, (unsigned)(start - n->versions[0].seq));
    if (n->views)
        n->start = start;
    n->middle = 0;
}

/* The update graph of a view begins with a snapshot always (RFC 9569 section 3.2): when it is full
 * it begins anew at the one in its middle. */
static void make_room(struct hub_node *n, unsigned max)
{
    if (n->count < max)
        return;
    if (!n->views || n->versions[0].seq < n->start)
        drop_oldest(n, 1);
    else
        hub_node_compact(n, n->middle > n->start ? n->middle : hub_version_newest(n)->seq);
}

/* The newest one before this is what a client was just told to begin with (RFC 9569 section 6.2):
 * it is there until it has had time to ask. */
static bool keeps_whole(const struct hub_node *n, const struct hub_version *v)
{
    return n->views && v->seq >= n->start &&
           (v->seq == n->start || v->seq == n->middle || v == hub_version_newest(n) ||
            !v->patched || v->part_count != 1);
}

struct hub_version *hub_version_add(struct alto_hub *h, struct hub_node *n, struct hub_content *c)
{
    struct hub_version *v;

    make_room(n, h->conf.versions_max);
    for (unsigned i = 0; i < n->count; i++)
        if (!keeps_whole(n, &n->versions[i]))
            forget_whole(&n->versions[i]);
    v = &n->versions[n->count];
    *v = (struct hub_version){
        .seq = n->count ? v[-1].seq + 1 : 1,
        .born = h->generation,
        .bodies = c->bodies,
        .whole = c->whole,
        .whole_len = c->whole->len,
        .patched = c->patched,
        .part_count = c->part_count,
        .patch_len = c->patch_len,
    };
    memcpy(v->media_type, c->media_type, sizeof v->media_type);
    memcpy(v->tag, c->tag, sizeof v->tag);
    memcpy(v->parts, c->parts, sizeof v->parts);
    *c = (struct hub_content){0};
    n->count++;
    if (n->views && !n->middle && v->seq - n->start >= h->conf.versions_max / 2)
        n->middle = v->seq;
    return v;
}

/* Nodes */

void hub_node_free(struct hub_node *n)
{
    if (!n)
        return;
    drop_oldest(n, n->count);
    free(n->versions);
    free((void *)(uintptr_t)n->input.p);
    free(n);
}

void hub_node_remove(struct alto_hub *h, struct hub_node *n)
{
    struct hub_node **at = &h->nodes[n->hash % HUB_BUCKETS];

    while (*at != n)
        at = &(*at)->next;
    *at = n->next;
    h->node_count--;
    n->gone = true;
    if (!n->followers)
        hub_node_free(n);
}

void hub_node_unfollow(struct hub_node *n)
{
    if (--n->followers)
        return;
    n->idle_since_ms = 0; /* the next sweep's time */
    if (n->gone)
        hub_node_free(n);
}

void hub_sweep(struct alto_hub *h, bool all_idle)
{
    if (h->publishing || !h->node_count)
        return;
    for (size_t i = 0; i < HUB_BUCKETS; i++)
        for (struct hub_node *n = h->nodes[i], *next; n; n = next) {
            next = n->next;
            if (!n->followers && !n->idle_since_ms)
                n->idle_since_ms = h->now_ms;
            if (!n->followers && (all_idle || h->now_ms - n->idle_since_ms >= HUB_NODE_IDLE_MS))
                hub_node_remove(h, n);
        }
}

/* Clients */

struct hub_client *hub_client_take(struct alto_hub *h, struct addr a)
{
    const struct addr key = addr_is_v4(a) ? a : addr_mask(a, 64);
    struct hub_client **at = &h->clients[hash_keyed(&h->key, &key, sizeof key) % HUB_BUCKETS];
    struct hub_client *c = *at;

    while (c && !addr_eq(c->addr, key))
        c = c->next;
    if (c)
        return c;
    c = calloc(1, sizeof *c);
    if (c) {
        *c = (struct hub_client){.next = *at, .addr = key};
        *at = c;
    }
    return c;
}

void hub_client_drop(struct alto_hub *h, struct hub_client *c)
{
    struct hub_client **at;

    if (c->streams || c->polls)
        return;
    at = &h->clients[hash_keyed(&h->key, &c->addr, sizeof c->addr) % HUB_BUCKETS];
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    free(c);
}

/* What is known of itself */

void alto_hub_count(struct alto_hub *h, struct alto_hub_counts *out)
{
    hub_lock(h);
    *out = h->counts;
    out->memory = hub_memory(h);
    hub_unlock(h);
}

size_t hub_memory(const struct alto_hub *h)
{
    size_t sum = 0;

    for (size_t i = 0; i < HUB_BUCKETS; i++)
        for (const struct hub_node *n = h->nodes[i]; n; n = n->next)
            for (unsigned j = 0; j < n->count; j++) {
                const struct hub_version *v = &n->versions[j];

                sum += v->patch_len;
                /* The newest of a GET resource is the catalog's own. */
                if (v->whole && !(v->bodies && j + 1 == n->count))
                    sum += v->whole_len;
            }
    return sum;
}

void alto_hub_free(struct alto_hub *h)
{
    if (!h)
        return;
    hub_views_free(h);
    hub_sweep(h, true);
    assert(!h->node_count);
    alto_catalog_drop(h->catalog);
    pthread_mutex_destroy(&h->lock);
    free(h->workers);
    free(h);
}
