#include "base/lpm.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A range ends where the next begins; neighbours differ in value. What nothing covers is a range of
 * LPM_NONE, so the ranges of a family tile its whole space and a search never misses. */
struct range4 {
    uint32_t start;
    uint32_t value;
};

struct range6 {
    struct addr start;
    uint32_t value;
};

/* index[b] is the range that holds the first address of bucket b, the bucket being the leading bits
 * of the address; one more entry than buckets, so that [index[b], index[b + 1]] is what to search.
 * Buckets grow in number with the ranges: a small map stays in the nearest cache. */
#define INDEX_BITS_MIN 6
#define INDEX_BITS_MAX 20

/* A map of many ranges misses the caches twice a search, index and ranges. It gets a table of all
 * the /24s besides (64 MiB), whose one word says it all: who holds every address of the /24, and
 * the scope, which is the same for all of them when a range goes on beyond both ends. Where ranges
 * begin inside of a /24 the word says to search. */
#define DIRECT_SHIFT      8
#define DIRECT_RANGES_MIN (1u << 19)
#define DIRECT_SEARCH     (1u << 31)
#define DIRECT_SCOPE      26 /* 5 bits from here on; the value below */
#define DIRECT_NONE       ((1u << DIRECT_SCOPE) - 1)

/* IPv6 is allocated from a few places of a vast space: its buckets lie between the first boundary
 * and the last, base6 and top6, and what is outside is in the first range or the last. */

struct lpm {
    const struct range4 *r4;
    const uint32_t *index4;
    const uint32_t *direct4; /* NULL: a small map, or one whose arena has no room for it */
    const struct range6 *r6;
    const uint32_t *index6;
    uint32_t count4, count6;
    unsigned shift4; /* of the 32 bits */
    uint64_t base6, top6;
    unsigned shift6; /* of the leading 64 bits, less base6 */
};

static const struct addr v4_first = {0, UINT64_C(0xffff00000000)};
static const struct addr v4_last = {0, UINT64_C(0xffffffffffff)};
static const struct addr v6_first = {0, 0};
static const struct addr v6_last = {UINT64_MAX, UINT64_MAX};

static inline struct addr addr_next(struct addr a)
{
    a.lo++;
    a.hi += a.lo == 0;
    return a;
}

static inline struct addr addr_before(struct addr a)
{
    a.hi -= a.lo == 0;
    a.lo--;
    return a;
}

static inline bool entry_le(const struct lpm_entry *a, const struct lpm_entry *b)
{
    int c = addr_cmp(a->prefix.addr, b->prefix.addr);

    return c < 0 || (c == 0 && a->prefix.len <= b->prefix.len);
}

#define RUN 8

static void insertion_sort(struct lpm_entry *e, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct lpm_entry x = e[i];
        size_t j = i;

        for (; j > 0 && !entry_le(&e[j - 1], &x); j--)
            e[j] = e[j - 1];
        e[j] = x;
    }
}

static void merge(const struct lpm_entry *in, size_t left, size_t n, struct lpm_entry *out)
{
    size_t i = 0, j = left, k = 0;

    if (left == n || entry_le(&in[left - 1], &in[left])) { /* already in order */
        memcpy(out, in, n * sizeof *in);
        return;
    }
    while (i < left && j < n)
        out[k++] = entry_le(&in[i], &in[j]) ? in[i++] : in[j++];
    memcpy(out + k, in + i, (left - i) * sizeof *in);
    memcpy(out + k + (left - i), in + j, (n - j) * sizeof *in);
}

/* Merge sort with the comparison in line: qsort calls a function for each of 20 million comparisons
 * of a full map. */
static bool entries_sort(struct lpm_entry *e, size_t n)
{
    struct lpm_entry *scratch, *from = e, *to;
    bool sorted = true;

    for (size_t i = 1; i < n && sorted; i++)
        sorted = entry_le(&e[i - 1], &e[i]);
    if (sorted)
        return true;
    scratch = malloc(n * sizeof *scratch);
    if (!scratch)
        return false;
    for (size_t i = 0; i < n; i += RUN)
        insertion_sort(e + i, n - i < RUN ? n - i : RUN);
    to = scratch;
    for (size_t width = RUN; width < n; width *= 2) {
        struct lpm_entry *swap = from;

        for (size_t i = 0; i < n; i += 2 * width) {
            size_t left = n - i < width ? n - i : width;
            size_t both = n - i < 2 * width ? n - i : 2 * width;

            merge(from + i, left, both, to + i);
        }
        from = to;
        to = swap;
    }
    if (from != e)
        memcpy(e, from, n * sizeof *e);
    free(scratch);
    return true;
}

/* Collects ranges; without arrays it only counts them. */
struct ranges {
    struct range4 *r4;
    struct range6 *r6;
    uint32_t count;
    uint32_t value; /* of the last */
};

static void range_add(struct ranges *r, struct addr start, uint32_t value)
{
    if (r->count && r->value == value)
        return;
    if (r->r4)
        r->r4[r->count] = (struct range4){addr_v4(start), value};
    if (r->r6)
        r->r6[r->count] = (struct range6){start, value};
    r->count++;
    r->value = value;
}

/* Walks the sorted prefixes of one family with the stack of those that are open around the cursor.
 * skip_from..skip_to is the other family's part of the array. */
struct sweep {
    struct ranges *out;
    struct addr cursor; /* the first address that has no range yet ... */
    struct addr last;   /* ... of this space */
    bool full;          /* there is none left */
    unsigned depth;
    struct {
        struct addr last;
        uint32_t value;
    } open[130];
};

static void sweep_until(struct sweep *s, struct addr last, uint32_t value)
{
    if (s->full || addr_cmp(s->cursor, last) > 0)
        return;
    range_add(s->out, s->cursor, value);
    s->full = addr_eq(last, s->last);
    s->cursor = addr_next(last);
}

static uint32_t sweep_value(const struct sweep *s)
{
    return s->depth ? s->open[s->depth - 1].value : LPM_NONE;
}

static void sweep_entry(struct sweep *s, const struct lpm_entry *e)
{
    while (s->depth && addr_cmp(s->open[s->depth - 1].last, e->prefix.addr) < 0) {
        sweep_until(s, s->open[s->depth - 1].last, sweep_value(s));
        s->depth--;
    }
    if (!s->full && addr_cmp(s->cursor, e->prefix.addr) < 0)
        sweep_until(s, addr_before(e->prefix.addr), sweep_value(s));
    s->open[s->depth].last = addr_mask_last(e->prefix.addr, e->prefix.len);
    s->open[s->depth].value = e->value;
    s->depth++;
}

static void sweep_end(struct sweep *s)
{
    for (; s->depth; s->depth--)
        sweep_until(s, s->open[s->depth - 1].last, sweep_value(s));
    sweep_until(s, s->last, LPM_NONE);
}

static void flatten(const struct lpm_entry *e, size_t n, bool v4, struct ranges *out)
{
    struct sweep s = {
        .out = out, .cursor = v4 ? v4_first : v6_first, .last = v4 ? v4_last : v6_last};

    out->count = 0;
    for (size_t i = 0; i < n; i++) {
        if (prefix_is_v4(e[i].prefix) != v4)
            continue;
        if (i && prefix_cmp(&e[i - 1].prefix, &e[i].prefix) == 0)
            continue; /* said twice, with one value: entries_check saw to that */
        sweep_entry(&s, &e[i]);
    }
    sweep_end(&s);
}

static enum err_code entries_check(const struct lpm_entry *e, size_t n, struct err *err)
{
    size_t count[2] = {0, 0};
    char text[PREFIX_TEXT_MAX];

    for (size_t i = 0; i < n; i++) {
        assert(e[i].value != LPM_NONE && e[i].prefix.len <= 128);
        count[prefix_is_v4(e[i].prefix)]++;
        if (i && prefix_cmp(&e[i - 1].prefix, &e[i].prefix) == 0 && e[i - 1].value != e[i].value)
            return err_set(err, ERR_CONFLICT,
                           "prefix %s is there twice, with different owners; it can have one",
                           prefix_format(e[i].prefix, text));
    }
    for (unsigned f = 0; f < 2; f++)
        if (count[f] > LPM_PREFIXES_MAX)
            return err_set(err, ERR_LIMIT, "%zu prefixes of IPv%c, at most %u", count[f],
                           f ? '4' : '6', LPM_PREFIXES_MAX);
    return ERR_OK;
}

static unsigned index_bits(uint32_t count)
{
    unsigned bits = INDEX_BITS_MIN;

    while (bits < INDEX_BITS_MAX && (1u << bits) < count)
        bits++;
    return bits;
}

static uint32_t *index_new(struct arena *arena, unsigned bits)
{
    return arena_alloc(arena, (((size_t)1 << bits) + 1) * sizeof(uint32_t));
}

static bool index4_build(struct lpm *l, struct arena *arena)
{
    unsigned bits = index_bits(l->count4);
    uint32_t *index = index_new(arena, bits), r = 0;

    if (!index)
        return false;
    l->shift4 = 32 - bits;
    for (uint32_t b = 0; b < 1u << bits; b++) {
        while (r + 1 < l->count4 && l->r4[r + 1].start <= b << l->shift4)
            r++;
        index[b] = r;
    }
    index[1u << bits] = l->count4 - 1;
    l->index4 = index;
    return true;
}

/* RFC 7871 section 7.2.1: answers must not overlap. The bits that tell an address from the last one
 * before its range and from the first one behind it tell it from every other range. */
static inline unsigned scope4(const struct lpm *l, uint32_t r, uint32_t a)
{
    uint32_t below = r > 0 ? a ^ (l->r4[r].start - 1) : UINT32_MAX;
    uint32_t above = r + 1 < l->count4 ? a ^ l->r4[r + 1].start : UINT32_MAX;

    if (l->count4 == 1)
        return 0;
    return (unsigned)__builtin_clz(below < above ? below : above) + 1;
}

static void direct4_build(struct lpm *l, struct arena *arena)
{
    uint32_t blocks = UINT32_C(1) << (32 - DIRECT_SHIFT), b = 0, *direct;

    if (l->count4 < DIRECT_RANGES_MIN)
        return;
    direct = arena_alloc(arena, blocks * sizeof *direct);
    if (!direct)
        return;
    for (uint32_t r = 0; r < l->count4; r++) {
        uint32_t end = r + 1 < l->count4 ? l->r4[r + 1].start >> DIRECT_SHIFT : blocks;
        uint32_t value = l->r4[r].value == LPM_NONE ? DIRECT_NONE : l->r4[r].value;
        bool fits = value < DIRECT_NONE || l->r4[r].value == LPM_NONE;

        for (; b < end; b++)
            direct[b] =
                fits ? value | scope4(l, r, b << DIRECT_SHIFT) << DIRECT_SCOPE : DIRECT_SEARCH;
        if (b == end && b < blocks && l->r4[r + 1].start & ((1u << DIRECT_SHIFT) - 1))
            direct[b++] = DIRECT_SEARCH;
    }
    l->direct4 = direct;
}

static bool index6_build(struct lpm *l, struct arena *arena)
{
    unsigned bits = index_bits(l->count6);
    uint32_t *index = index_new(arena, bits), r = 0;

    if (!index)
        return false;
    l->base6 = l->count6 > 1 ? l->r6[1].start.hi : UINT64_MAX;
    l->top6 = l->r6[l->count6 - 1].start.hi;
    while (l->count6 > 1 && l->shift6 < 63 && (l->top6 - l->base6) >> l->shift6 >> bits)
        l->shift6++;
    for (uint32_t b = 0; b < 1u << bits; b++) {
        uint64_t from = (uint64_t)b << l->shift6;
        struct addr first = {l->base6 + from, 0};

        while (r + 1 < l->count6 &&
               (from > l->top6 - l->base6 || addr_cmp(l->r6[r + 1].start, first) <= 0))
            r++;
        index[b] = r;
    }
    index[1u << bits] = l->count6 - 1;
    l->index6 = index;
    return true;
}

/* Counts first, so that the arena gives exactly what is kept. */
static bool ranges_build(struct lpm *l, const struct lpm_entry *e, size_t n, struct arena *arena)
{
    struct ranges r4 = {0}, r6 = {0};

    flatten(e, n, true, &r4);
    flatten(e, n, false, &r6);
    r4.r4 = arena_alloc(arena, r4.count * sizeof *r4.r4);
    r6.r6 = arena_alloc(arena, r6.count * sizeof *r6.r6);
    if (!r4.r4 || !r6.r6)
        return false;
    flatten(e, n, true, &r4);
    flatten(e, n, false, &r6);
    l->r4 = r4.r4;
    l->count4 = r4.count;
    l->r6 = r6.r6;
    l->count6 = r6.count;
    if (!index4_build(l, arena) || !index6_build(l, arena))
        return false;
    direct4_build(l, arena);
    return true;
}

enum err_code lpm_build(struct lpm_entry *entries, size_t n, struct arena *arena,
                        const struct lpm **out, struct err *e)
{
    struct lpm *l = arena_array(arena, 1, sizeof *l);
    enum err_code rc;

    *out = NULL;
    if (!l || !entries_sort(entries, n))
        return err_set(e, ERR_LIMIT, "no memory to sort %zu prefixes", n);
    rc = entries_check(entries, n, e);
    if (rc != ERR_OK)
        return rc;
    if (!ranges_build(l, entries, n, arena))
        return err_set(e, ERR_LIMIT, "%zu prefixes do not fit the %zu bytes given to them", n,
                       arena_cap(arena));
    *out = l;
    return ERR_OK;
}

/* The index of an address and behind it the next one: bounds of what to search. */
static inline const uint32_t *bucket4(const struct lpm *l, uint32_t a)
{
    return l->index4 + (a >> l->shift4);
}

/* Only for base6 <= a.hi <= top6. */
static inline const uint32_t *bucket6(const struct lpm *l, struct addr a)
{
    return l->index6 + ((a.hi - l->base6) >> l->shift6);
}

/* The last range that begins at or before the address: a binary search whose steps are conditional
 * moves, over what is most often one or two ranges. */
static inline uint32_t find4(const struct lpm *l, uint32_t a)
{
    const uint32_t *bucket = bucket4(l, a);
    uint32_t r = bucket[0], n = bucket[1] - r + 1;

    while (n > 1) {
        uint32_t half = n / 2;

        r += l->r4[r + half].start <= a ? half : 0;
        n -= half;
    }
    return r;
}

static inline uint32_t find6(const struct lpm *l, struct addr a)
{
    const uint32_t *bucket;
    uint32_t r, n;

    if (a.hi < l->base6)
        return 0;
    if (a.hi > l->top6)
        return l->count6 - 1;
    bucket = bucket6(l, a);
    r = bucket[0];
    n = bucket[1] - r + 1;
    while (n > 1) {
        uint32_t half = n / 2;
        struct addr s = l->r6[r + half].start;
        bool at_or_before = s.hi < a.hi || (s.hi == a.hi && s.lo <= a.lo);

        r += at_or_before ? half : 0;
        n -= half;
    }
    return r;
}

/* What the table of the /24s says; true: an answer. */
static inline bool direct4(const struct lpm *l, uint32_t a, struct lpm_hit *hit)
{
    uint32_t word, value;

    if (!l->direct4)
        return false;
    word = l->direct4[a >> DIRECT_SHIFT];
    value = word & DIRECT_NONE;
    hit->value = value == DIRECT_NONE ? LPM_NONE : value;
    hit->scope = (uint8_t)((word >> DIRECT_SCOPE & 31) + ADDR_V4_BITS);
    return !(word & DIRECT_SEARCH);
}

uint32_t lpm_find(const struct lpm *l, struct addr a)
{
    struct lpm_hit hit;

    if (addr_is_v4(a))
        return direct4(l, addr_v4(a), &hit) ? hit.value : l->r4[find4(l, addr_v4(a))].value;
    return l->r6[find6(l, a)].value;
}

static inline unsigned larger(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

/* As scope4. Not inlined, here and below: the usual way, a word of the table, keeps the address in
 * registers (put on the stack and read back as one vector, it waits for the stores). */
static __attribute__((noinline)) struct lpm_hit find_scope6(const struct lpm *l, struct addr a)
{
    uint32_t r = find6(l, a);
    unsigned scope = 0;

    if (r > 0)
        scope = addr_common_bits(a, addr_before(l->r6[r].start)) + 1;
    if (r + 1 < l->count6)
        scope = larger(scope, addr_common_bits(a, l->r6[r + 1].start) + 1);
    return (struct lpm_hit){l->r6[r].value, (uint8_t)scope};
}

static __attribute__((noinline)) struct lpm_hit find_scope4(const struct lpm *l, uint32_t a)
{
    uint32_t r = find4(l, a);

    return (struct lpm_hit){l->r4[r].value, (uint8_t)(scope4(l, r, a) + ADDR_V4_BITS)};
}

struct lpm_hit lpm_find_scope(const struct lpm *l, struct addr a)
{
    struct lpm_hit hit;

    if (!addr_is_v4(a))
        return find_scope6(l, a);
    return direct4(l, addr_v4(a), &hit) ? hit : find_scope4(l, addr_v4(a));
}

/* Pass 0: the bucket. Pass 1: where its binary search begins, and ends if it is short. */
void lpm_prefetch(const struct lpm *l, struct addr a, unsigned pass)
{
    bool v4 = addr_is_v4(a);
    const uint32_t *bucket;
    uint32_t first, middle;

    if (!v4 && (a.hi < l->base6 || a.hi > l->top6))
        return;
    if (v4 && l->direct4) { /* searches behind it are few */
        if (pass == 0)
            __builtin_prefetch(l->direct4 + (addr_v4(a) >> DIRECT_SHIFT));
        return;
    }
    bucket = v4 ? bucket4(l, addr_v4(a)) : bucket6(l, a);
    if (pass == 0) {
        __builtin_prefetch(bucket);
        return;
    }
    first = bucket[0];
    middle = first + (bucket[1] - first + 1) / 2;
    if (v4) {
        __builtin_prefetch(&l->r4[first]);
        __builtin_prefetch(&l->r4[middle]);
    } else {
        __builtin_prefetch(&l->r6[first]);
        __builtin_prefetch(&l->r6[middle]);
    }
}

size_t lpm_ranges(const struct lpm *l)
{
    size_t n = 0;

    for (uint32_t i = 0; i < l->count4; i++)
        n += l->r4[i].value != LPM_NONE;
    for (uint32_t i = 0; i < l->count6; i++)
        n += l->r6[i].value != LPM_NONE;
    return n;
}
