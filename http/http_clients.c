#include "http/http_clients.h"

#include <assert.h>
#include <stdlib.h>

#include "base/hash.h"

struct entry {
    struct addr addr;
    uint32_t count; /* 0: free */
};

struct http_clients {
    struct hash_key key;
    uint32_t mask;
    struct entry entries[];
};

struct http_clients *http_clients_new(uint32_t max)
{
    uint32_t size = 16;
    struct http_clients *t;

    while (size / 2 < max && size < UINT32_C(1) << 30) /* at most half full */
        size *= 2;
    t = calloc(1, sizeof *t + size * sizeof t->entries[0]);
    if (!t)
        return NULL;
    t->key = hash_key_new();
    t->mask = size - 1;
    return t;
}

void http_clients_free(struct http_clients *t)
{
    free(t);
}

static struct addr client_of(struct addr a)
{
    return addr_is_v4(a) ? a : addr_mask(a, 64);
}

static uint32_t home(const struct http_clients *t, struct addr a)
{
    return (uint32_t)hash_keyed(&t->key, &a, sizeof a) & t->mask;
}

/* The client's entry, or the free one where it would be. */
static uint32_t find(const struct http_clients *t, struct addr a)
{
    uint32_t i = home(t, a);

    while (t->entries[i].count && !addr_eq(t->entries[i].addr, a))
        i = (i + 1) & t->mask;
    return i;
}

bool http_clients_take(struct http_clients *t, struct addr client, uint32_t limit)
{
    struct addr a = client_of(client);
    struct entry *e = &t->entries[find(t, a)];

    if (e->count >= limit)
        return false;
    e->addr = a;
    e->count++;
    return true;
}

void http_clients_give(struct http_clients *t, struct addr client)
{
    uint32_t hole = find(t, client_of(client));

    assert(t->entries[hole].count);
    if (--t->entries[hole].count)
        return;
    /* Moves back whoever stands behind the hole because it was taken. */
    for (uint32_t i = (hole + 1) & t->mask; t->entries[i].count; i = (i + 1) & t->mask) {
        uint32_t want = home(t, t->entries[i].addr);

        if (((i - want) & t->mask) < ((i - hole) & t->mask))
            continue;
        t->entries[hole] = t->entries[i];
        t->entries[i].count = 0;
        hole = i;
    }
}
