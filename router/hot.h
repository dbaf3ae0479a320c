/* Contents that have several owners: a small table that the control thread writes each second from
 * the popularity sketch and every decision reads. One relaxed word an entry. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define HOT_BITS  13 /* 8,192 words */
#define HOT_PROBE 8  /* one cache line */

struct hot {
    _Alignas(64) _Atomic uint64_t word[1u << HOT_BITS]; /* high 56 bits: content; low 8: owners */
};

struct hot *hot_new(void);
void hot_free(struct hot *h);

/* How many streamers a content belongs to; 0: it is not in the table, so as many as the policy says
 * at least. */
static inline unsigned hot_owners(const struct hot *h, uint64_t content)
{
    unsigned at = (unsigned)(content >> (64 - HOT_BITS)) & ~(HOT_PROBE - 1u);

    for (unsigned i = 0; i < HOT_PROBE; i++) {
        uint64_t w = atomic_load_explicit(&h->word[at + i], memory_order_relaxed);

        if ((w ^ content) >> 8 == 0)
            return (unsigned)(w & 0xff);
    }
    return 0;
}

/* Control thread. owners 0 or 1 takes it out; above 255 is 255. false: its line is full of others
 * with as many or more. */
bool hot_set(struct hot *h, uint64_t content, unsigned owners);
void hot_clear(struct hot *h);
/* h gets what by has, and nothing else; a content that is in both is there all the time. */
void hot_replace(struct hot *h, const struct hot *by);
