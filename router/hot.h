/* Contents that are asked for often: a small table that the control thread writes each second from
 * the popularity sketch and every decision reads. One relaxed word an entry. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define HOT_BITS  13 /* 8,192 words */
#define HOT_PROBE 8  /* one cache line */

struct hot {
    _Alignas(64) _Atomic uint64_t
        word[1u << HOT_BITS]; /* high 48 bits: content; then hot_often; low 8: owners */
};

struct hot *hot_new(void);
void hot_free(struct hot *h);

static inline unsigned hot_line(uint64_t content)
{
    return (unsigned)(content >> (64 - HOT_BITS)) & ~(HOT_PROBE - 1u);
}

/* What is known of a content, 0: nothing, so it belongs to as many streamers as the policy says at
 * least, and nobody is expected to ask for it again. */
static inline unsigned hot_find(const struct hot *h, uint64_t content)
{
    unsigned at = hot_line(content);

    for (unsigned i = 0; i < HOT_PROBE; i++) {
        uint64_t w = atomic_load_explicit(&h->word[at + i], memory_order_relaxed);

        if ((w ^ content) >> 16 == 0)
            return (unsigned)(w & 0xffff);
    }
    return 0;
}

/* How many streamers a content belongs to. */
static inline unsigned hot_owners(const struct hot *h, uint64_t content)
{
    return hot_find(h, content) & 0xff;
}

/* The other part: times that a content is asked for while a cache keeps it, anywhere, as a number
 * of 0 .. 255: sixteen for each doubling, n = 2^(often/16) - 1 to within 3 %. */
#define HOT_OFTEN_MAX 255u

static inline unsigned hot_often(unsigned found)
{
    return found >> 8;
}

static inline double hot_times(unsigned often)
{
    return (double)(UINT64_C(1) << (often >> 4)) * (1 + (often & 15) * (1.0 / 16)) - 1;
}

unsigned hot_often_of(double times); /* the largest whose hot_times is not above */

/* Control thread. owners 0 or 1 and not often: takes it out; above 255 is 255. false: its line is
 * full of others that are asked for as often or, where that is equal, have as many owners. */
bool hot_set(struct hot *h, uint64_t content, unsigned owners, unsigned often);
void hot_clear(struct hot *h);
/* h gets what by has, and nothing else; a content that is in both is there all the time. */
void hot_replace(struct hot *h, const struct hot *by);
