#include "alto/name_set.h"

#include <stdlib.h>

static enum err_code grow(struct name_set *s, struct err *e)
{
    uint32_t cap = s->cap ? s->cap * 2 : 256;
    uint64_t *slot;

    if (s->count >= NAME_SET_MAX)
        return err_set(e, ERR_LIMIT, "more than %u names that the network map does not have",
                       NAME_SET_MAX);
    slot = calloc(cap, sizeof *slot);
    if (!slot)
        return err_set(e, ERR_LIMIT, "no memory left for the cost map");
    for (uint32_t i = 0; i < s->cap; i++) {
        uint64_t at = s->slot[i];

        if (!at)
            continue;
        while (slot[at & (cap - 1)])
            at++;
        slot[at & (cap - 1)] = s->slot[i];
    }
    free(s->slot);
    s->slot = slot;
    s->cap = cap;
    return ERR_OK;
}

enum err_code name_set_add(struct name_set *s, struct str name, struct err *e)
{
    uint64_t h = hash_keyed(&s->key, name.p, name.n) | 1, at = h;

    if (s->count >= s->cap / 2 && grow(s, e) != ERR_OK)
        return ERR_LIMIT;
    for (; s->slot[at & (s->cap - 1)]; at++)
        if (s->slot[at & (s->cap - 1)] == h)
            return ERR_OK;
    s->slot[at & (s->cap - 1)] = h;
    s->count++;
    return ERR_OK;
}

void name_set_init(struct name_set *s)
{
    *s = (struct name_set){.key = hash_key_new()};
}

void name_set_fini(struct name_set *s)
{
    free(s->slot);
    s->slot = NULL;
}
