/* The consistent hash of Apache Traffic Control's Traffic Router, so that an operator who comes
 * from there keeps full caches: points of a streamer are the MD5 of "hashId--i", i below 1000 times
 * its weight, as an unsigned number of 128 bits rounded to double; a path's key likewise; streamers
 * are in the order of the distance from the key to their nearest point. There is no wrap-around. */
#pragma once

#include "base/arena.h"
#include "base/bytes.h"

struct ring_points {
    const double *at; /* [count], ascending */
    uint32_t count;
};

#define RING_POINTS_PER_WEIGHT 1000
#define RING_POINTS_MAX        1000000u

double ring_key(struct str path);
/* false: the arena is full. */
bool ring_points_make(struct str hash_id, double weight, struct arena *arena,
                      struct ring_points *out) MUST_CHECK;
/* |key - nearest point|; INFINITY without points. */
double ring_distance(const struct ring_points *p, double key);

struct view;
/* Of a view that is being built: v->rings, when one of its services has `ring` set. Points are
 * those of hash_id, else of the host, else of the name. false: the arena is full. */
bool view_rings_make(struct view *v) MUST_CHECK;
