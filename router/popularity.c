#include "router/popularity.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define COUNTERS_MIN 16u
#define COUNTERS_MAX (1u << 20)
#define NONE         UINT32_MAX

/* Counts are kept as of the time `landmark`: instead of all of them shrinking, what comes later
 * counts for more, by 2^(later / half life) (forward decay: G. Cormode, V. Shkapenyuk, D.
 * Srivastava, B. Xu, ICDE 2009). Once that is 2^EXPONENT_MAX, all are brought to a new landmark. */
#define EXPONENT_MAX 256

struct counter {
    uint64_t content;
    double count, error; /* as of the landmark; the true count is count - error to count */
    uint32_t heap_at;
    unsigned owners; /* as last published */
    svidx service;
    uint8_t key_len;
    char key[POPULARITY_KEY_MAX];
};

struct rank {
    double count;
    uint64_t content;
    uint32_t counter;
};

struct popularity {
    uint32_t max, used;
    double half_life_s, landmark_s, now_s;
    struct counter *counter; /* [max], [used] in use */
    uint32_t *heap;          /* [used] counters, the one with the least count first */
    uint32_t *map; /* [map_mask + 1], at most half full: by content; NONE: empty, ends a search */
    uint32_t map_mask;
    struct hash_key key; /* what is counted comes from strangers */
    struct rank *rank;   /* [max]: for popularity_top */
    struct hot *next;    /* for popularity_publish */
};

struct popularity *popularity_new(unsigned counters, double half_life_s)
{
    struct popularity *p = calloc(1, sizeof *p);
    uint32_t map = 2 * COUNTERS_MIN;

    if (!p)
        return NULL;
    p->max = counters < COUNTERS_MIN   ? COUNTERS_MIN
             : counters > COUNTERS_MAX ? COUNTERS_MAX
                                       : counters;
    while (map < 2 * p->max)
        map *= 2;
    p->map_mask = map - 1;
    p->half_life_s = half_life_s > 0 ? half_life_s : 1;
    p->counter = calloc(p->max, sizeof *p->counter);
    p->heap = calloc(p->max, sizeof *p->heap);
    p->map = malloc(map * sizeof *p->map);
    p->rank = calloc(p->max, sizeof *p->rank);
    p->next = hot_new();
    if (!p->counter || !p->heap || !p->map || !p->rank || !p->next) {
        popularity_free(p);
        return NULL;
    }
    memset(p->map, 0xff, map * sizeof *p->map);
    p->key = hash_key_new();
    return p;
}

void popularity_free(struct popularity *p)
{
    if (!p)
        return;
    free(p->counter);
    free(p->heap);
    free(p->map);
    free(p->rank);
    hot_free(p->next);
    free(p);
}

/* The map: linear probing; a hole is closed by moving up what belongs there. */

static uint32_t home(const struct popularity *p, uint64_t content)
{
    return (uint32_t)hash_keyed(&p->key, &content, sizeof content) & p->map_mask;
}

/* Where the content is, or the empty place where it would be. */
static uint32_t map_find(const struct popularity *p, uint64_t content)
{
    uint32_t at = home(p, content);

    while (p->map[at] != NONE && p->counter[p->map[at]].content != content)
        at = (at + 1) & p->map_mask;
    return at;
}

static void map_remove(struct popularity *p, uint64_t content)
{
    uint32_t hole = map_find(p, content);

    for (uint32_t at = (hole + 1) & p->map_mask; p->map[at] != NONE; at = (at + 1) & p->map_mask) {
        const uint32_t from = home(p, p->counter[p->map[at]].content);

        if (((at - from) & p->map_mask) >= ((at - hole) & p->map_mask)) {
            p->map[hole] = p->map[at];
            hole = at;
        }
    }
    p->map[hole] = NONE;
}

/* The heap. */

static double heap_count(const struct popularity *p, uint32_t at)
{
    return p->counter[p->heap[at]].count;
}

static void heap_swap(struct popularity *p, uint32_t a, uint32_t b)
{
    const uint32_t was = p->heap[a];

    p->heap[a] = p->heap[b];
    p->heap[b] = was;
    p->counter[p->heap[a]].heap_at = a;
    p->counter[p->heap[b]].heap_at = b;
}

static void heap_up(struct popularity *p, uint32_t at)
{
    for (uint32_t up; at > 0 && heap_count(p, at) < heap_count(p, up = (at - 1) / 2); at = up)
        heap_swap(p, at, up);
}

static void heap_down(struct popularity *p, uint32_t at)
{
    for (uint32_t least; (least = 2 * at + 1) < p->used; at = least) {
        if (least + 1 < p->used && heap_count(p, least + 1) < heap_count(p, least))
            least++;
        if (heap_count(p, at) <= heap_count(p, least))
            return;
        heap_swap(p, at, least);
    }
}

/* Time. */

static void landmark_move(struct popularity *p)
{
    const double f = exp2((p->landmark_s - p->now_s) / p->half_life_s);

    for (uint32_t i = 0; i < p->used; i++) {
        p->counter[i].count *= f;
        p->counter[i].error *= f;
    }
    p->landmark_s = p->now_s;
}

/* What one session counts for now. */
static double weight_at(struct popularity *p, double now_s)
{
    if (p->used == 0)
        p->landmark_s = p->now_s = now_s;
    if (now_s > p->now_s)
        p->now_s = now_s;
    if (p->now_s - p->landmark_s > EXPONENT_MAX * p->half_life_s)
        landmark_move(p);
    return exp2((p->now_s - p->landmark_s) / p->half_life_s);
}

/* A steady rate r has a count of r * half life / ln 2. */
static double rate_per_count(const struct popularity *p)
{
    return M_LN2 / p->half_life_s;
}

/* A content that is not there: in a free counter, else in the place of the least, whose count it
 * takes over as its error. */
static struct counter *counter_take(struct popularity *p, uint64_t content)
{
    struct counter *c;
    uint32_t i;

    if (p->used < p->max) {
        i = p->used++;
        c = &p->counter[i];
        *c = (struct counter){.heap_at = i};
        p->heap[i] = i;
    } else {
        i = p->heap[0];
        c = &p->counter[i];
        map_remove(p, c->content);
        c->error = c->count;
        c->owners = 0;
    }
    c->content = content;
    p->map[map_find(p, content)] = i;
    return c;
}

static void counter_add(struct popularity *p, struct counter *c, double more)
{
    c->count += more;
    heap_up(p, c->heap_at); /* a new one is last */
    heap_down(p, c->heap_at);
}

static void key_set(struct counter *c, struct str key)
{
    c->key_len = (uint8_t)(key.n < sizeof c->key ? key.n : sizeof c->key);
    if (c->key_len > 0)
        memcpy(c->key, key.p, c->key_len);
}

void popularity_count(struct popularity *p, svidx service, uint64_t content, struct str key,
                      double n, double now_s)
{
    const double weight = weight_at(p, now_s);
    const uint32_t i = p->map[map_find(p, content)];
    struct counter *c = i != NONE ? &p->counter[i] : counter_take(p, content);

    if (i == NONE)
        key_set(c, key);
    c->service = service;
    counter_add(p, c, n * weight);
}

void popularity_restore(struct popularity *p, const struct popularity_row *row, double now_s)
{
    const double weight = weight_at(p, now_s) / rate_per_count(p);
    const uint32_t i = p->map[map_find(p, row->content)];
    struct counter *c;

    if (i == NONE && p->used == p->max && heap_count(p, 0) >= row->rate * weight)
        return;
    c = i != NONE ? &p->counter[i] : counter_take(p, row->content);
    if (i == NONE) {
        key_set(c, str_from(row->key));
        c->count = c->error = 0; /* whoever was here counted for less */
    }
    c->service = row->service;
    c->error += row->error * weight;
    counter_add(p, c, row->rate * weight);
}

void popularity_renumber(struct popularity *p, const svidx *to, size_t n)
{
    for (uint32_t i = 0; i < p->used; i++) {
        struct counter *c = &p->counter[i];

        c->service = c->service < n ? to[c->service] : SVIDX_NONE;
        if (c->service != SVIDX_NONE)
            continue;
        c->count = c->error = 0; /* the next new content takes its place */
        c->owners = 0;
        heap_up(p, c->heap_at);
    }
}

unsigned popularity_owners(const struct policy_conf *c, double rate, double capacity)
{
    const unsigned least = c->owners > 0 ? c->owners : 1;
    const unsigned most = c->owners_max > least ? c->owners_max : least;
    double more;

    if (!(capacity > 0) || !(c->owner_share > 0) || !(rate > 0))
        return least;
    more = floor(rate * c->session_s / (c->owner_share * capacity));
    return more < most - least ? least + (unsigned)more : most;
}

unsigned popularity_often(const struct policy_conf *c, double rate)
{
    return hot_often_of(rate * c->keep_s);
}

void popularity_publish(struct popularity *p, struct hot *h, double now_s,
                        popularity_service_fn *fill, void *arg)
{
    const double rate = rate_per_count(p) / weight_at(p, now_s);
    struct popularity_service of;

    hot_clear(p->next);
    for (uint32_t i = 0; i < p->used; i++) {
        struct counter *c = &p->counter[i];
        unsigned often;
        double all;

        c->owners = 0;
        if (c->service == SVIDX_NONE || !fill(arg, c->service, &of))
            continue;
        all = (c->count - c->error) * rate * (1 + of.others);
        often = popularity_often(of.policy, all);
        c->owners = popularity_owners(of.policy, all, of.capacity);
        if (often || c->owners > popularity_owners(of.policy, 0, of.capacity))
            (void)hot_set(p->next, c->content, c->owners, often);
    }
    hot_replace(h, p->next);
}

/* Hottest first; the content decides where counts are equal. */
static int rank_cmp(const void *a, const void *b)
{
    const struct rank *x = a, *y = b;

    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return (x->content > y->content) - (x->content < y->content);
}

size_t popularity_top(struct popularity *p, svidx service, double now_s, struct popularity_row *out,
                      size_t max)
{
    const double rate = rate_per_count(p) / weight_at(p, now_s);
    size_t n = 0;

    for (uint32_t i = 0; i < p->used; i++)
        if (p->counter[i].service != SVIDX_NONE &&
            (service == SVIDX_NONE || p->counter[i].service == service))
            p->rank[n++] = (struct rank){p->counter[i].count, p->counter[i].content, i};
    qsort(p->rank, n, sizeof *p->rank, rank_cmp);
    if (n > max)
        n = max;
    for (size_t k = 0; k < n; k++) {
        const struct counter *c = &p->counter[p->rank[k].counter];

        out[k] = (struct popularity_row){.content = c->content,
                                         .service = c->service,
                                         .rate = c->count * rate,
                                         .error = c->error * rate,
                                         .owners = c->owners};
        memcpy(out[k].key, c->key, c->key_len);
    }
    return n;
}

size_t popularity_counters(const struct popularity *p)
{
    return p->used;
}

double popularity_half_life(const struct popularity *p)
{
    return p->half_life_s;
}
