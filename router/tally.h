/* What a worker tells the control thread of each new session: for popularity and rates. A ring of
 * fixed size, one writer and one reader; a full ring drops and counts. */
#pragma once

#include "router/popularity.h"

struct tally {
    uint64_t content;
    uint32_t count;
    svidx service; /* of the view with this serial (low bits) */
    uint16_t serial;
    uint8_t key_len;
    char key[POPULARITY_KEY_MAX];
};

struct tally_ring;

/* slots is rounded up to a power of two. */
struct tally_ring *tally_ring_new(unsigned slots);
void tally_ring_free(struct tally_ring *r);
/* Worker: the next free one, or NULL when the ring is full (counted). Fill it, then commit. */
struct tally *tally_begin(struct tally_ring *r);
void tally_commit(struct tally_ring *r);
/* Reader: the oldest, or NULL; release makes room. */
const struct tally *tally_peek(struct tally_ring *r);
void tally_release(struct tally_ring *r);
uint64_t tally_dropped(const struct tally_ring *r);
