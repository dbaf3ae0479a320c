#include "router/hot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LINES ((1u << HOT_BITS) / HOT_PROBE)

struct hot *hot_new(void)
{
    struct hot *h = aligned_alloc(_Alignof(struct hot), sizeof *h);

    if (h)
        memset(h, 0, sizeof *h);
    return h;
}

void hot_free(struct hot *h)
{
    free(h);
}

static uint64_t word_get(const struct hot *h, unsigned at)
{
    return atomic_load_explicit(&h->word[at], memory_order_relaxed);
}

static void word_set(struct hot *h, unsigned at, uint64_t w)
{
    atomic_store_explicit(&h->word[at], w, memory_order_relaxed);
}

/* The word of that content in the line from at; HOT_PROBE: none. An empty word is no content's. */
static unsigned find(const struct hot *h, unsigned line, uint64_t content)
{
    for (unsigned i = 0; i < HOT_PROBE; i++) {
        const uint64_t w = word_get(h, line + i);

        if (w && (w ^ content) >> 16 == 0)
            return i;
    }
    return HOT_PROBE;
}

unsigned hot_often_of(double times)
{
    int doubled; /* 1 + times is m * 2^doubled, m from 1/2 to 1 */
    double m = frexp(1 + times, &doubled), often;

    if (!(times > 0))
        return 0;
    if (isinf(times))
        return HOT_OFTEN_MAX;
    often = 16 * (doubled - 1) + floor((2 * m - 1) * 16);
    return often < HOT_OFTEN_MAX ? (unsigned)often : HOT_OFTEN_MAX;
}

bool hot_set(struct hot *h, uint64_t content, unsigned owners, unsigned often)
{
    const unsigned line = (unsigned)(content >> (64 - HOT_BITS)) & ~(HOT_PROBE - 1u);
    unsigned at = find(h, line, content), least = 0, facts;

    if (owners > UINT8_MAX)
        owners = UINT8_MAX;
    if (often > HOT_OFTEN_MAX)
        often = HOT_OFTEN_MAX;
    if (owners <= 1 && often == 0) {
        if (at < HOT_PROBE)
            word_set(h, line + at, 0);
        return true;
    }
    facts = often << 8 | owners;
    for (unsigned i = 1; i < HOT_PROBE; i++)
        if ((word_get(h, line + i) & 0xffff) < (word_get(h, line + least) & 0xffff))
            least = i;
    if (at == HOT_PROBE && (word_get(h, line + least) & 0xffff) >= facts)
        return false;
    word_set(h, line + (at < HOT_PROBE ? at : least), (content & ~UINT64_C(0xffff)) | facts);
    return true;
}

void hot_clear(struct hot *h)
{
    for (unsigned i = 0; i < 1u << HOT_BITS; i++)
        word_set(h, i, 0);
}

/* One line: what stays keeps its word, so that no reader misses it in between. */
static void line_replace(struct hot *h, const struct hot *by, unsigned line)
{
    for (unsigned i = 0; i < HOT_PROBE; i++) {
        const uint64_t w = word_get(h, line + i);
        const unsigned at = w ? find(by, line, w) : HOT_PROBE;
        const uint64_t now = at < HOT_PROBE ? word_get(by, line + at) : 0;

        if (now != w)
            word_set(h, line + i, now);
    }
    for (unsigned i = 0; i < HOT_PROBE; i++) {
        const uint64_t w = word_get(by, line + i);

        for (unsigned k = 0; w && find(h, line, w) == HOT_PROBE && k < HOT_PROBE; k++)
            if (word_get(h, line + k) == 0)
                word_set(h, line + k, w);
    }
}

void hot_replace(struct hot *h, const struct hot *by)
{
    for (unsigned line = 0; line < LINES; line++)
        line_replace(h, by, line * HOT_PROBE);
}
