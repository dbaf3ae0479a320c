#include "tracker/peerset.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"

/* A record is the key and two bytes of state. */
#define KEY_LEN(f) ((f) == PEER_V4 ? 8u : 20u)
#define REC_LEN(f) (KEY_LEN(f) + 2u)

#define MERGE_BELOW (PEERSET_CHUNK / 4)     /* a chunk this small joins its neighbour ... */
#define MERGE_INTO  (PEERSET_CHUNK * 3 / 4) /* ... if both make no more than this */

struct chunk {
    uint16_t n, cap;
    uint8_t rec[];
};

/* The chunks of a larger set. first: the first 8 bytes of the chunk's first key, so that a search
 * touches one line of each chunk that it must, and none that it need not. */
struct top_entry {
    uint64_t first;
    struct chunk *chunk;
};

struct top {
    uint32_t n, cap;
    struct top_entry at[];
};

unsigned peer_wire_put(struct addr a, uint16_t port, uint8_t *out)
{
    unsigned n = peer_wire_len(peer_family_of(a)) - 2;
    uint32_t v4 = __builtin_bswap32(addr_v4(a));

    if (n == 4)
        memcpy(out, &v4, 4);
    else
        addr_to_bytes(a, out);
    out[n] = (uint8_t)(port >> 8);
    out[n + 1] = (uint8_t)port;
    return n + 2;
}

struct addr peer_wire_addr(enum peer_family f, const uint8_t *wire)
{
    if (f == PEER_V6)
        return addr_from_bytes(wire);
    return addr_from_v4((uint32_t)wire[0] << 24 | (uint32_t)wire[1] << 16 | (uint32_t)wire[2] << 8 |
                        wire[3]);
}

void peer_key_make(struct peer_key *k, pidx pid, struct addr a, uint16_t port)
{
    k->b[0] = (uint8_t)(pid >> 8);
    k->b[1] = (uint8_t)pid;
    peer_wire_put(a, port, k->b + 2);
}

static inline uint64_t be64(const uint8_t *p)
{
    uint64_t x;

    memcpy(&x, p, 8);
    return __builtin_bswap64(x);
}

static inline int key_cmp(enum peer_family f, const uint8_t *a, const uint8_t *b)
{
    uint64_t x = be64(a), y = be64(b);

    if (f == PEER_V6 && x == y)
        return memcmp(a + 8, b + 8, KEY_LEN(PEER_V6) - 8);
    return (x > y) - (x < y);
}

static inline uint8_t *rec_at(enum peer_family f, const struct chunk *c, unsigned i)
{
    return (uint8_t *)(uintptr_t)c->rec + (size_t)i * REC_LEN(f);
}

static inline pidx rec_pid(const uint8_t *rec)
{
    return (pidx)(rec[0] << 8 | rec[1]);
}

static inline uint16_t rec_state(enum peer_family f, const uint8_t *rec)
{
    uint16_t state;

    memcpy(&state, rec + KEY_LEN(f), 2);
    return state;
}

static size_t chunk_size(enum peer_family f, unsigned cap)
{
    return sizeof(struct chunk) + (size_t)cap * REC_LEN(f);
}

static size_t top_size(unsigned cap)
{
    return sizeof(struct top) + (size_t)cap * sizeof(struct top_entry);
}

static inline unsigned chunk_count(const struct peerset *s)
{
    return s->deep ? ((const struct top *)s->root)->n : s->root != NULL;
}

static inline struct chunk *chunk_get(const struct peerset *s, unsigned i)
{
    /* realloc has kept the entries, which the analyzer does not see. */
    /* NOLINTNEXTLINE(clang-analyzer-core.uninitialized.UndefReturn) */
    return s->deep ? ((struct top *)s->root)->at[i].chunk : s->root;
}

static void chunk_put(struct peerset *s, unsigned i, struct chunk *c)
{
    if (s->deep)
        ((struct top *)s->root)->at[i].chunk = c;
    else
        s->root = c;
}

/* After the first record of a chunk has changed. */
static void top_fix(struct peerset *s, unsigned i)
{
    if (s->deep) {
        struct top_entry *e = &((struct top *)s->root)->at[i];

        e->first = be64(e->chunk->rec);
    }
}

/* The searches take no branches that the processor could guess wrong: a half is added or not. */

/* The last chunk whose first key is not above k; the first one if all are. */
static inline unsigned top_search(const struct top *t, enum peer_family f, const uint8_t *k)
{
    uint64_t x = be64(k);
    unsigned lo = 0;

    for (unsigned n = t->n; n > 1;) {
        unsigned half = n / 2;
        const struct top_entry *e = &t->at[lo + half];
        bool below = e->first <= x;

        if (f == PEER_V6 && UNLIKELY(e->first == x))
            below = key_cmp(f, e->chunk->rec, k) <= 0;
        lo += half & -(unsigned)below;
        n -= half;
    }
    return lo;
}

/* How many records of a chunk are below k. */
static inline unsigned chunk_search(const struct chunk *c, enum peer_family f, const uint8_t *k)
{
    unsigned lo = 0, n = c->n;

    if (n == 0)
        return 0;
    /* All lines that the first steps may look at, at once: they miss together, not in turn. */
    for (unsigned i = n / 8; n > 16 && i < n; i += n / 8)
        __builtin_prefetch(rec_at(f, c, i));
    while (n > 1) {
        unsigned half = n / 2;

        lo += half & -(unsigned)(key_cmp(f, rec_at(f, c, lo + half - 1), k) < 0);
        n -= half;
    }
    return lo + (key_cmp(f, rec_at(f, c, lo), k) < 0);
}

/* Inlined once a family: what depends on it is then a constant. */
static inline __attribute__((always_inline)) bool find(const struct peerset *s, enum peer_family f,
                                                       const uint8_t *k, struct peer_pos *pos)
{
    const struct chunk *c;

    *pos = (struct peer_pos){0};
    if (!s->root)
        return false;
    pos->chunk = s->deep ? top_search(s->root, f, k) : 0;
    c = chunk_get(s, pos->chunk);
    pos->at = chunk_search(c, f, k);
    return pos->at < c->n && key_cmp(f, rec_at(f, c, pos->at), k) == 0;
}

bool peerset_find(const struct peerset *s, enum peer_family f, const struct peer_key *k,
                  struct peer_pos *pos)
{
    return f == PEER_V4 ? find(s, PEER_V4, k->b, pos) : find(s, PEER_V6, k->b, pos);
}

uint16_t peerset_state_get(const struct peerset *s, enum peer_family f, struct peer_pos pos)
{
    return rec_state(f, rec_at(f, chunk_get(s, pos.chunk), pos.at));
}

void peerset_state_set(struct peerset *s, enum peer_family f, struct peer_pos pos, uint16_t state)
{
    uint8_t *rec = rec_at(f, chunk_get(s, pos.chunk), pos.at);
    unsigned was = rec_state(f, rec) / PEER_STATE_SEED, is = state / PEER_STATE_SEED;

    s->seeds = (s->seeds + is - was) & INT32_MAX;
    memcpy(rec + KEY_LEN(f), &state, 2);
}

/* A quarter more, two at least, filled up to what the allocator gives anyway. */
static unsigned cap_grown(enum peer_family f, unsigned cap)
{
    unsigned more = cap / 4 < 2 ? 2 : cap / 4;
    size_t fits =
        (peer_memory_taken(chunk_size(f, cap + more)) - sizeof(struct chunk)) / REC_LEN(f);

    return fits > PEERSET_CHUNK ? PEERSET_CHUNK : (unsigned)fits;
}

static struct chunk *chunk_resize(struct peer_memory *m, enum peer_family f, struct chunk *c,
                                  unsigned cap)
{
    bool fresh = !c;

    c = peer_memory_resize(m, c, c ? chunk_size(f, c->cap) : 0, chunk_size(f, cap));
    if (!c)
        return NULL;
    if (fresh)
        c->n = 0;
    c->cap = (uint16_t)cap;
    return c;
}

static void chunk_free(struct peer_memory *m, enum peer_family f, struct chunk *c)
{
    peer_memory_resize(m, c, chunk_size(f, c->cap), 0);
}

/* Room for one more entry in the table of chunks, which is made if there is none. */
static bool top_reserve(struct peerset *s, struct peer_memory *m)
{
    struct top *t = s->deep ? s->root : NULL;
    unsigned cap = t ? t->cap + t->cap / 2 : 4, n = t ? t->n : 1;

    if (t && t->n < t->cap)
        return true;
    t = peer_memory_resize(m, t, t ? top_size(t->cap) : 0, top_size(cap));
    if (!t)
        return false;
    if (!s->deep) {
        t->at[0].chunk = s->root;
        t->at[0].first = be64(t->at[0].chunk->rec);
        s->deep = 1;
    }
    t->n = n;
    t->cap = cap;
    s->root = t;
    return true;
}

/* Halves a full chunk, and moves pos to where the new record now goes. */
static bool chunk_split(struct peerset *s, enum peer_family f, struct peer_memory *m,
                        struct peer_pos *pos)
{
    struct chunk *low = chunk_get(s, pos->chunk), *high;
    struct top *t;
    /* Records that come in order fill their chunk: the higher half starts nearly empty then. */
    unsigned keep = pos->at == PEERSET_CHUNK ? PEERSET_CHUNK - 8 : PEERSET_CHUNK / 2;

    high = chunk_resize(m, f, NULL, cap_grown(f, PEERSET_CHUNK - keep));
    if (!high || !top_reserve(s, m)) {
        if (high)
            chunk_free(m, f, high);
        return false;
    }
    t = s->root;
    high->n = (uint16_t)(low->n - keep);
    memcpy(high->rec, rec_at(f, low, keep), (size_t)high->n * REC_LEN(f));
    low->n = (uint16_t)keep;
    memmove(&t->at[pos->chunk + 2], &t->at[pos->chunk + 1],
            (t->n - pos->chunk - 1) * sizeof *t->at);
    t->at[pos->chunk + 1].chunk = high;
    t->n++;
    top_fix(s, pos->chunk + 1);
    if (pos->at > keep)
        *pos = (struct peer_pos){pos->chunk + 1, pos->at - keep};
    return true;
}

bool peerset_insert(struct peerset *s, enum peer_family f, struct peer_memory *m,
                    struct peer_pos pos, const struct peer_key *k, uint16_t state)
{
    struct chunk *c = s->root ? chunk_get(s, pos.chunk) : NULL;
    uint8_t *rec;

    if (c && c->n == PEERSET_CHUNK) {
        if (!chunk_split(s, f, m, &pos))
            return false;
        c = chunk_get(s, pos.chunk);
    }
    if (!c || c->n == c->cap) {
        c = chunk_resize(m, f, c, cap_grown(f, c ? c->cap : 0));
        if (!c)
            return false;
        chunk_put(s, pos.chunk, c);
    }
    rec = rec_at(f, c, pos.at);
    memmove(rec + REC_LEN(f), rec, (size_t)(c->n - pos.at) * REC_LEN(f));
    memcpy(rec, k->b, KEY_LEN(f));
    memcpy(rec + KEY_LEN(f), &state, 2);
    c->n++;
    s->count++;
    s->seeds = (s->seeds + state / PEER_STATE_SEED) & INT32_MAX;
    if (pos.at == 0)
        top_fix(s, pos.chunk);
    return true;
}

static void top_drop(struct peerset *s, struct peer_memory *m, unsigned i)
{
    struct top *t = s->root;

    memmove(&t->at[i], &t->at[i + 1], (t->n - i - 1) * sizeof *t->at);
    t->n--;
    if (t->n <= 1) { /* back to the simple form */
        struct chunk *last = t->n ? t->at[0].chunk : NULL;

        peer_memory_resize(m, t, top_size(t->cap), 0);
        s->root = last;
        s->deep = 0;
    }
}

/* Puts the records of chunk i + 1 behind those of chunk i, if they are few. */
static bool chunk_join(struct peerset *s, enum peer_family f, struct peer_memory *m, unsigned i)
{
    struct chunk *a = chunk_get(s, i), *b = chunk_get(s, i + 1);
    unsigned n = (unsigned)a->n + b->n;

    if (n > MERGE_INTO)
        return false;
    if (n > a->cap) {
        a = chunk_resize(m, f, a, n);
        if (!a)
            return false;
        chunk_put(s, i, a);
    }
    memcpy(rec_at(f, a, a->n), b->rec, (size_t)b->n * REC_LEN(f));
    a->n = (uint16_t)n;
    chunk_free(m, f, b);
    top_drop(s, m, i + 1);
    return true;
}

/* After records have gone from a chunk: gives back what it does not need. */
static void chunk_tidy(struct peerset *s, enum peer_family f, struct peer_memory *m, unsigned i)
{
    struct chunk *c = chunk_get(s, i);

    if (c->n == 0) {
        chunk_free(m, f, c);
        if (s->deep)
            top_drop(s, m, i);
        else
            s->root = NULL;
        return;
    }
    top_fix(s, i);
    if (c->n < MERGE_BELOW && s->deep) {
        if (i + 1 < chunk_count(s) && chunk_join(s, f, m, i))
            return;
        if (i > 0 && chunk_join(s, f, m, i - 1))
            return;
    }
    if (c->cap > 2u * c->n + 8) {
        c = chunk_resize(m, f, c, cap_grown(f, c->n));
        if (c)
            chunk_put(s, i, c);
    }
}

void peerset_remove(struct peerset *s, enum peer_family f, struct peer_memory *m,
                    struct peer_pos pos)
{
    struct chunk *c = chunk_get(s, pos.chunk);
    uint8_t *rec = rec_at(f, c, pos.at);

    s->seeds = (s->seeds - rec_state(f, rec) / PEER_STATE_SEED) & INT32_MAX;
    s->count--;
    c->n--;
    memmove(rec, rec + REC_LEN(f), (size_t)(c->n - pos.at) * REC_LEN(f));
    chunk_tidy(s, f, m, pos.chunk);
}

void peerset_expire(struct peerset *s, enum peer_family f, struct peer_memory *m, uint16_t now,
                    unsigned max_age)
{
    /* From the last chunk to the first: tidying one moves only what is behind it, or joins it to
     * the one in front, which comes next. */
    for (unsigned i = chunk_count(s); i-- > 0;) {
        struct chunk *c = chunk_get(s, i);
        unsigned kept = 0;

        for (unsigned k = 0; k < c->n; k++) {
            const uint8_t *rec = rec_at(f, c, k);
            uint16_t state = rec_state(f, rec);

            if (peer_state_age(state, now) > max_age) {
                s->seeds = (s->seeds - state / PEER_STATE_SEED) & INT32_MAX;
                s->count--;
            } else {
                if (kept != k)
                    memcpy(rec_at(f, c, kept), rec, REC_LEN(f));
                kept++;
            }
        }
        if (kept != c->n) {
            c->n = (uint16_t)kept;
            chunk_tidy(s, f, m, i);
        }
    }
}

void peerset_prefetch(const struct peerset *s)
{
    if (s->root) {
        __builtin_prefetch(s->root);
        __builtin_prefetch((const char *)s->root + 64);
    }
}

void peerset_relocate(struct peerset *s, enum peer_family f, struct peer_memory *m,
                      pidx (*locate)(const void *ctx, struct addr a), const void *ctx)
{
    struct peerset old = *s;
    unsigned chunks = chunk_count(&old);

    *s = (struct peerset){0};
    for (unsigned i = 0; i < chunks; i++) {
        struct chunk *c = chunk_get(&old, i);

        for (unsigned k = 0; k < c->n; k++) {
            const uint8_t *rec = rec_at(f, c, k);
            struct peer_key key;
            struct peer_pos pos;
            pidx pid = locate(ctx, peer_wire_addr(f, rec + 2));

            memcpy(key.b, rec, KEY_LEN(f));
            key.b[0] = (uint8_t)(pid >> 8);
            key.b[1] = (uint8_t)pid;
            if (!peerset_find(s, f, &key, &pos))
                (void)!peerset_insert(s, f, m, pos, &key, rec_state(f, rec));
        }
        chunk_free(m, f, c);
    }
    if (old.deep)
        peer_memory_resize(m, old.root, top_size(((struct top *)old.root)->cap), 0);
}

void peerset_clear(struct peerset *s, enum peer_family f, struct peer_memory *m)
{
    for (unsigned i = chunk_count(s); i-- > 0;)
        chunk_free(m, f, chunk_get(s, i));
    if (s->deep)
        peer_memory_resize(m, s->root, top_size(((struct top *)s->root)->cap), 0);
    *s = (struct peerset){0};
}

/* Sampling. Whatever is copied is a span of one chunk; spans do not overlap, so no peer comes
 * twice.
 */
#define SPANS_MAX 64
#define SCAN_MAX  1024 /* records looked at for one sample */
#define RUN_LEN   4    /* peers taken from one random place */
#define RANDOM_TRIES                                                                               \
    32 /* random places looked at, and as many runs if a cost ranking needs them                   \
        */

struct span {
    uint32_t chunk;
    uint16_t from, to;
};

struct sampling {
    const struct peerset *s;
    enum peer_family f;
    const struct peer_wish *w;
    struct peer_sample *out;
    unsigned spans, scanned;
    uint64_t random;
    struct span span[SPANS_MAX];
};

static uint32_t sampling_random(struct sampling *g, uint32_t below)
{
    uint64_t x = g->random;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    g->random = x;
    return (uint32_t)((x >> 32) * below >> 32);
}

static inline __attribute__((always_inline)) void take(struct sampling *g, enum peer_family f,
                                                       const uint8_t *rec)
{
    const struct peer_wish *w = g->w;
    uint16_t state = rec_state(f, rec);
    unsigned n = g->out->n, len = peer_wire_len(f);

    if ((w->no_seeds && state & PEER_STATE_SEED) || peer_state_age(state, w->now) > w->max_age)
        return;
    if (w->has_self && memcmp(rec + 2, w->self.b + 2, len) == 0)
        return;
    g->out->pid[n] = rec_pid(rec);
    memcpy(g->out->wire + (size_t)n * len, rec + 2, len);
    g->out->n = n + 1;
}

/* Takes from a span until the sample has upto peers. */
static void take_span(struct sampling *g, unsigned chunk, unsigned from, unsigned to, unsigned upto)
{
    const struct chunk *c = chunk_get(g->s, chunk);
    unsigned i = from;

    if (g->spans == SPANS_MAX)
        return;
    if (g->f == PEER_V4)
        for (; i < to && g->out->n < upto; i++)
            take(g, PEER_V4, rec_at(PEER_V4, c, i));
    else
        for (; i < to && g->out->n < upto; i++)
            take(g, PEER_V6, rec_at(PEER_V6, c, i));
    g->scanned += i - from;
    if (i > from)
        g->span[g->spans++] = (struct span){chunk, (uint16_t)from, (uint16_t)i};
}

static bool overlaps(const struct sampling *g, unsigned chunk, unsigned from, unsigned to)
{
    for (unsigned i = 0; i < g->spans; i++)
        if (g->span[i].chunk == chunk && from < g->span[i].to && to > g->span[i].from)
            return true;
    return false;
}

/* The part of a chunk that is of a PID: only at the edges of its range need it be searched. */
static struct span chunk_part(const struct sampling *g, pidx pid, unsigned chunk, unsigned first,
                              unsigned last)
{
    const struct chunk *c = chunk_get(g->s, chunk);
    struct peer_key k = {{(uint8_t)(pid >> 8), (uint8_t)pid}};
    struct span part = {chunk, 0, c->n};

    if (chunk == first)
        part.from = (uint16_t)chunk_search(c, g->f, k.b);
    if (chunk == last) {
        memset(k.b + 2, 0xff, sizeof k.b - 2); /* no peer has port 65535 at 255.255.255.255 */
        part.to = (uint16_t)chunk_search(c, g->f, k.b);
    }
    return part;
}

/* The chunks that have a PID, and the one of them to begin with. */
struct round {
    pidx pid;
    unsigned first, last, chunk;
};

static struct round round_begin(struct sampling *g, pidx pid)
{
    struct peer_key k = {{(uint8_t)(pid >> 8), (uint8_t)pid}};
    struct round r = {.pid = pid};

    if (g->s->deep) {
        r.first = top_search(g->s->root, g->f, k.b);
        memset(k.b + 2, 0xff, sizeof k.b - 2);
        r.last = top_search(g->s->root, g->f, k.b);
    }
    r.chunk = r.first + sampling_random(g, r.last - r.first + 1);
    __builtin_prefetch(chunk_get(g->s, r.chunk));
    return r;
}

/* All round the PID's chunks, and in the first of them from a random peer to it again. */
static void round_take(struct sampling *g, const struct round *r, unsigned upto)
{
    struct span start = chunk_part(g, r->pid, r->chunk, r->first, r->last), part;
    unsigned chunk = r->chunk, middle = start.from;

    if (start.from < start.to)
        middle += sampling_random(g, start.to - start.from);
    take_span(g, chunk, middle, start.to, upto);
    for (unsigned i = r->first; i < r->last && g->out->n < upto && g->scanned < SCAN_MAX; i++) {
        chunk = chunk == r->last ? r->first : chunk + 1;
        part = chunk_part(g, r->pid, chunk, r->first, r->last);
        take_span(g, chunk, part.from, part.to, upto);
    }
    if (g->out->n < upto && g->scanned < SCAN_MAX)
        take_span(g, start.chunk, start.from, middle, upto);
}

/* Random places miss the cache, each twice: they are chosen first and fetched together, in two
 * steps with other work between. */
struct places {
    unsigned n;
    struct peer_pos at[RANDOM_TRIES];
};

static void places_choose(struct sampling *g, unsigned peers, struct places *p)
{
    unsigned chunks = chunk_count(g->s);

    p->n = peers / RUN_LEN + peers / 16 + 2; /* some more: places meet, and seeds fall out */
    if (p->n > RANDOM_TRIES)
        p->n = RANDOM_TRIES;
    for (unsigned i = 0; i < p->n; i++) {
        p->at[i].chunk = sampling_random(g, chunks);
        __builtin_prefetch(chunk_get(g->s, p->at[i].chunk));
    }
}

static void places_fetch(struct sampling *g, struct places *p)
{
    for (unsigned i = 0; i < p->n; i++) {
        const struct chunk *c = chunk_get(g->s, p->at[i].chunk);

        p->at[i].at = sampling_random(g, c->n);
        __builtin_prefetch(rec_at(g->f, c, p->at[i].at));
    }
}

static void places_take(struct sampling *g, const struct places *p, unsigned upto)
{
    for (unsigned i = 0; i < p->n && g->out->n < upto; i++) {
        unsigned chunk = p->at[i].chunk, from = p->at[i].at;
        unsigned last = chunk_get(g->s, chunk)->n,
                 to = from + RUN_LEN < last ? from + RUN_LEN : last;

        if (!overlaps(g, chunk, from, to))
            take_span(g, chunk, from, to, upto);
    }
}

static void take_large(struct sampling *g, unsigned near, unsigned total)
{
    const struct peer_wish *w = g->w;
    UNINITIALIZED struct places places;
    struct round r = {0};

    if (w->near_count > 0 && near > 0)
        r = round_begin(g, w->near[0]);
    places_choose(g, w->near_count > 0 ? total - near : total, &places);
    for (unsigned i = 0; i < w->near_count && g->out->n < near; i++) {
        if (i > 0)
            r = round_begin(g, w->near[i]);
        round_take(g, &r, near);
    }
    places_fetch(g, &places);
    places_take(g, &places, total);
    if (g->out->n < near &&
        w->near_count > 0) { /* let the ranking choose among as many as may be */
        places_choose(g, PEERSET_SAMPLE_MAX - g->out->n, &places);
        places_fetch(g, &places);
        places_take(g, &places, PEERSET_SAMPLE_MAX);
    }
}

void peerset_sample(const struct peerset *s, enum peer_family f, const struct peer_wish *w,
                    struct peer_sample *out)
{
    UNINITIALIZED struct sampling g;
    unsigned near = w->near_want, total = w->near_want + w->random_want;

    out->n = 0;
    if (!s->root || total == 0)
        return;
    if (total > PEERSET_SAMPLE_MAX)
        total = PEERSET_SAMPLE_MAX;
    if (near > total)
        near = total;
    g.s = s;
    g.f = f;
    g.w = w;
    g.out = out;
    g.spans = g.scanned = 0;
    g.random = w->random | 1;
    if (s->count <= PEERSET_CHUNK || (s->count <= PEERSET_SAMPLE_MAX && total >= s->count / 2)) {
        for (unsigned i = 0; i < chunk_count(s); i++)
            take_span(&g, i, 0, chunk_get(s, i)->n, PEERSET_SAMPLE_MAX);
        return;
    }
    take_large(&g, near, total);
}
