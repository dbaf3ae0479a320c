#include "router/traffic_router_hash.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/md5.h"
#include "router/view.h"

__extension__ typedef unsigned __int128 number;

/* As an unsigned number, big-endian, rounded to nearest, as Java's BigInteger.doubleValue does. */
static double md5_number(const struct str *parts, size_t count)
{
    number n = 0;
    uint8_t sum[MD5_LEN];

    md5_parts(parts, count, sum);
    for (unsigned i = 0; i < MD5_LEN; i++)
        n = n << 8 | sum[i];
    return (double)n;
}

double ring_key(struct str path)
{
    return md5_number(&path, 1);
}

static int by_place(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static uint32_t point_count(double weight)
{
    double n = RING_POINTS_PER_WEIGHT * weight;

    if (!(n >= 1))
        return 1; /* whoever is there has a place */
    return n < RING_POINTS_MAX ? (uint32_t)n : RING_POINTS_MAX;
}

bool ring_points_make(struct str hash_id, double weight, struct arena *arena,
                      struct ring_points *out)
{
    uint32_t count = point_count(weight);
    double *at = arena_array(arena, count, sizeof *at);

    if (!at)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        char digits[12];
        int n = snprintf(digits, sizeof digits, "%u", i);
        const struct str parts[] = {hash_id, STR("--"), {digits, (size_t)n}};

        at[i] = md5_number(parts, 3);
    }
    qsort(at, count, sizeof *at, by_place);
    *out = (struct ring_points){at, count};
    return true;
}

double ring_distance(const struct ring_points *p, double key)
{
    const double *base = p->at;
    uint32_t n = p->count;
    double above, below;

    if (n == 0)
        return INFINITY;
    while (n > 1) { /* the last one that is not above the key, or the first of all */
        uint32_t half = n / 2;

        base += base[half] <= key ? half : 0;
        n -= half;
    }
    below = fabs(key - *base);
    if (base + 1 == p->at + p->count)
        return below;
    above = fabs(base[1] - key);
    return above < below ? above : below;
}

bool view_rings_make(struct view *v)
{
    struct ring_points *rings;
    bool any = false;

    for (svidx i = 0; i < v->service_count; i++)
        any |= v->services[i].ring;
    if (!any)
        return true;
    rings = arena_array(v->arena, v->streamer_count, sizeof *rings);
    if (!rings)
        return false;
    for (sidx i = 0; i < v->streamer_count; i++) {
        const struct streamer_conf *c = v->streamers[i].conf;
        struct str id = c->hash_id.n ? c->hash_id : c->host.n ? c->host : c->name;

        if (!ring_points_make(id, c->weight, v->arena, &rings[i]))
            return false;
    }
    v->rings = rings;
    return true;
}
