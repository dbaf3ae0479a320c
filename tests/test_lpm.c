#include "base/lpm.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static uint64_t rng;

static uint64_t random_next(void)
{
    rng ^= rng >> 12;
    rng ^= rng << 25;
    rng ^= rng >> 27;
    return rng * UINT64_C(0x2545f4914f6cdd1d);
}

static struct prefix P(const char *text) {
    struct prefix p = {0};
    struct err e = {0};

    ck_assert_msg(prefix_parse(text, strlen(text), &p, &e) == ERR_OK, "%s", e.text);
    return p;
}

static const struct lpm *
build(struct arena *arena, struct lpm_entry *entries, size_t n)
{
    const struct lpm *l = NULL;
    struct err e = {0};

    ck_assert_msg(lpm_build(entries, n, arena, &l, &e) == ERR_OK, "%s", e.text);
    return l;
}

// clang-format off
static const struct {
    const char *what, *address;
    uint32_t value;
    uint8_t scope;
} rows[] = {
    {"inside the most specific",                   "1.2.3.4",        3, 120},
    {"the neighbour of a /24 gets a longer scope", "1.2.2.9",        2, 120},
    {"further away in the /20 a shorter one",      "1.2.1.0",        2, 119},
    {"two halves of one value are one range",      "10.200.0.1",     4, 104},
    {"next to nothing",                            "9.1.1.1",        LPM_NONE, 103},
    {"a host prefix",                              "192.0.2.1",      5, 128},
    {"next to a host prefix",                      "192.0.2.0",      LPM_NONE, 128},
    {"the very first address",                     "0.0.0.0",        LPM_NONE, 104},
    {"the very last address",                      "255.255.255.255", 6, 128},
    {"IPv6 default does not swallow IPv4",         "100.0.0.1",      LPM_NONE, 98},
    {"IPv6 by its default",                        "fe80::1",        7, 1},
    {"IPv6 most specific",                         "2001:db8:1::1",  8, 48},
    {"IPv6 last bit decides",                      "2001:db8:2::1",  9, 128},
    {"IPv6 next to a host",                        "2001:db8:2::",   7, 128},
};
// clang-format on

static const struct lpm *table_of_rows(struct arena *arena)
{
    struct lpm_entry e[] = {
        {P("1.2.3.0/24"), 3}, {P("1.2.0.0/20"), 2},      {P("10.128.0.0/9"), 4},
        {P("10.0.0.0/9"), 4}, {P("192.0.2.1/32"), 5},    {P("255.255.255.255/32"), 6},
        {P("::/0"), 7},       {P("2001:db8:1::/48"), 8}, {P("2001:db8:2::1/128"), 9},
        {P("10.0.0.0/9"), 4}, /* twice, with the same value, is fine */
    };

    return build(arena, e, sizeof e / sizeof *e);
}

START_TEST(value_and_scope)
{
    struct arena *arena = arena_new(1 << 20);
    const struct lpm *l = table_of_rows(arena);
    struct addr a;
    struct lpm_hit hit;

    ck_assert(addr_parse(rows[_i].address, strlen(rows[_i].address), &a, NULL) == ERR_OK);
    hit = lpm_find_scope(l, a);
    ck_assert_msg(hit.value == rows[_i].value, "%s: value %u", rows[_i].what, hit.value);
    ck_assert_msg(hit.scope == rows[_i].scope, "%s: scope %u", rows[_i].what, hit.scope);
    ck_assert_msg(lpm_find(l, a) == rows[_i].value, "%s", rows[_i].what);
    arena_free(arena);
}
END_TEST

START_TEST(empty_answers_none)
{
    struct arena *arena = arena_new(1 << 20);
    const struct lpm *l = build(arena, NULL, 0);

    ck_assert(lpm_find(l, addr_from_v4(0x7f000001)) == LPM_NONE);
    ck_assert_uint_eq(lpm_find_scope(l, addr_from_v4(0x7f000001)).scope, 96);
    ck_assert(lpm_find(l, (struct addr){1, 1}) == LPM_NONE);
    ck_assert_uint_eq(lpm_find_scope(l, (struct addr){1, 1}).scope, 0);
    ck_assert_uint_eq(lpm_ranges(l), 0);
    arena_free(arena);
}
END_TEST

START_TEST(one_prefix_two_values)
{
    struct arena *arena = arena_new(1 << 20);
    struct lpm_entry e[] = {{P("10.0.0.0/8"), 1}, {P("10.1.0.0/16"), 1}, {P("10.0.0.0/8"), 2}};
    const struct lpm *l;
    struct err err = {0};

    ck_assert(lpm_build(e, 3, arena, &l, &err) == ERR_CONFLICT);
    ck_assert_ptr_null(l);
    ck_assert_msg(strstr(err.text, "10.0.0.0/8") != NULL, "%s", err.text);
    arena_free(arena);
}
END_TEST

START_TEST(arena_too_small)
{
    struct arena *arena = arena_new(1000);
    struct lpm_entry e[64];
    const struct lpm *l;
    struct err err = {0};

    for (unsigned i = 0; i < 64; i++)
        e[i] = (struct lpm_entry){{addr_from_v4(i << 25 | 1), 128}, i};
    ck_assert(lpm_build(e, 64, arena, &l, &err) == ERR_LIMIT);
    ck_assert_ptr_null(l);
    arena_free(arena);
}
END_TEST

/* The reference: a linear scan; and where its answer can change, which is at the first address of a
 * prefix and behind its last. */
#define SET_MAX 60

struct reference {
    struct lpm_entry entries[SET_MAX];
    unsigned n;
    struct addr point[2 * SET_MAX + 1]; /* sorted: the answer is constant from one to the next */
    uint32_t value[2 * SET_MAX + 1];
    unsigned points;
    bool v4;
};

static uint32_t scan(const struct lpm_entry *e, unsigned n, struct addr a)
{
    uint32_t value = LPM_NONE;
    int best = -1;

    for (unsigned i = 0; i < n; i++)
        if (prefix_is_v4(e[i].prefix) == addr_is_v4(a) && prefix_has(e[i].prefix, a) &&
            e[i].prefix.len > best) {
            best = e[i].prefix.len;
            value = e[i].value;
        }
    return value;
}

static int addr_order(const void *a, const void *b)
{
    return addr_cmp(*(const struct addr *)a, *(const struct addr *)b);
}

static uint32_t scan_family(const struct reference *r, struct addr a)
{
    uint32_t value = LPM_NONE;
    int best = -1;

    for (unsigned i = 0; i < r->n; i++)
        if (prefix_is_v4(r->entries[i].prefix) == r->v4 && prefix_has(r->entries[i].prefix, a) &&
            r->entries[i].prefix.len > best) {
            best = r->entries[i].prefix.len;
            value = r->entries[i].value;
        }
    return value;
}

static void reference_points(struct reference *r, bool v4)
{
    r->v4 = v4;
    r->points = 0;
    r->point[r->points++] = v4 ? addr_from_v4(0) : (struct addr){0, 0};
    for (unsigned i = 0; i < r->n; i++) {
        struct prefix p = r->entries[i].prefix;
        struct addr last = addr_mask_last(p.addr, p.len);

        if (prefix_is_v4(p) != v4)
            continue;
        r->point[r->points++] = p.addr;
        if (v4 ? addr_v4(last) != UINT32_MAX
               : !addr_eq(last, (struct addr){UINT64_MAX, UINT64_MAX}))
            r->point[r->points++] = (struct addr){last.hi + (last.lo == UINT64_MAX), last.lo + 1};
    }
    qsort(r->point, r->points, sizeof *r->point, addr_order);
    for (unsigned i = 0; i < r->points; i++)
        r->value[i] = scan_family(r, r->point[i]);
}

/* All addresses that share len bits with a have the value of a. */
static bool uniform(const struct reference *r, struct addr a, unsigned len, uint32_t value)
{
    struct addr first = addr_mask(a, len), last = addr_mask_last(a, len);

    if (scan_family(r, first) != value)
        return false;
    for (unsigned i = 0; i < r->points; i++)
        if (addr_cmp(r->point[i], first) >= 0 && addr_cmp(r->point[i], last) <= 0 &&
            r->value[i] != value)
            return false;
    return true;
}

static unsigned scope_by_force(const struct reference *r, struct addr a, uint32_t value)
{
    unsigned low = r->v4 ? 96 : 0, high = 128; /* uniform() is monotone in the length */

    while (low < high) {
        unsigned mid = (low + high) / 2;

        if (uniform(r, a, mid, value))
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

static struct prefix random_prefix(bool v4, const struct reference *r)
{
    struct prefix p;
    unsigned max = v4 ? 32 : 128;
    unsigned len = (unsigned)(random_next() % (max + 1));

    if (v4)
        p = (struct prefix){addr_from_v4((uint32_t)random_next()), (uint8_t)(96 + len)};
    else
        p = (struct prefix){{random_next(), random_next()}, (uint8_t)len};
    if (r->n && random_next() % 4) { /* nested in, or next to, one that is there */
        struct prefix other = r->entries[random_next() % r->n].prefix;

        if (prefix_is_v4(other) == v4) {
            struct addr mask = addr_mask((struct addr){UINT64_MAX, UINT64_MAX}, other.len);

            p.addr.hi = other.addr.hi | (p.addr.hi & ~mask.hi);
            p.addr.lo = other.addr.lo | (p.addr.lo & ~mask.lo);
            if (p.len < other.len)
                p.len = (uint8_t)(other.len + (128 - other.len) * (random_next() % 8) / 8);
            if (random_next() % 8 == 0 && other.len > (v4 ? 96 : 0)) { /* its sibling */
                struct addr flip = addr_mask(mask, other.len - 1u);

                p.len = other.len;
                p.addr.hi = other.addr.hi ^ (mask.hi ^ flip.hi);
                p.addr.lo = other.addr.lo ^ (mask.lo ^ flip.lo);
            }
        }
    }
    p.addr = addr_mask(p.addr, p.len);
    return p;
}

static void random_set(struct reference *r)
{
    unsigned want = 1 + (unsigned)(random_next() % SET_MAX);

    r->n = 0;
    for (unsigned i = 0; i < want; i++) {
        bool v4 = random_next() % 2, known = false;
        struct prefix p = random_prefix(v4, r);

        if (prefix_is_v4(p) != v4)
            continue;
        for (unsigned j = 0; j < r->n; j++)
            known |= prefix_cmp(&r->entries[j].prefix, &p) == 0;
        if (!known)
            r->entries[r->n++] = (struct lpm_entry){p, (uint32_t)(random_next() % 5)};
    }
}

static struct addr random_address(const struct reference *r)
{
    struct addr a = {random_next(), random_next()};

    if (random_next() % 8 && r->n) { /* in, at the edge of, or just outside of a prefix */
        struct prefix p = r->entries[random_next() % r->n].prefix;
        struct addr mask = addr_mask((struct addr){UINT64_MAX, UINT64_MAX}, p.len);
        unsigned how = (unsigned)(random_next() % 4);

        a = (struct addr){p.addr.hi | (a.hi & ~mask.hi), p.addr.lo | (a.lo & ~mask.lo)};
        if (how == 1)
            a = p.addr;
        if (how == 2)
            a = addr_mask_last(p.addr, p.len);
        if (how == 3)
            a.lo ^= UINT64_C(1) << random_next() % 32;
    } else if (random_next() % 2) {
        a = addr_from_v4((uint32_t)a.lo);
    }
    return a;
}

/* A million lookups over nested prefixes: value and scope are those of the linear scan. */
START_TEST(equals_linear_scan)
{
    uint64_t seed = UINT64_C(0x5eed0001);
    static struct reference r4, r6;

    rng = seed;
    for (unsigned set = 0; set < 1000; set++) {
        struct arena *arena = arena_new(1 << 24);
        struct lpm_entry copy[SET_MAX];
        const struct lpm *l;

        random_set(&r4);
        r6 = r4;
        reference_points(&r4, true);
        reference_points(&r6, false);
        memcpy(copy, r4.entries, sizeof copy);
        l = build(arena, copy, r4.n);
        for (unsigned i = 0; i < 1000; i++) {
            struct addr a = random_address(&r4);
            struct reference *r = addr_is_v4(a) ? &r4 : &r6;
            uint32_t value = scan(r->entries, r->n, a);
            struct lpm_hit hit = lpm_find_scope(l, a);
            char text[ADDR_TEXT_MAX];

            ck_assert_msg(hit.value == value && lpm_find(l, a) == value,
                          "seed %#jx set %u: %s gives %u, the scan %u", (uintmax_t)seed, set,
                          addr_format(a, text), hit.value, value);
            unsigned scope = scope_by_force(r, a, value);
            ck_assert_msg(hit.scope == scope, "seed %#jx set %u: %s has scope %u, by force %u",
                          (uintmax_t)seed, set, addr_format(a, text), hit.scope, scope);
        }
        arena_free(arena);
    }
}
END_TEST

/* Many prefixes: the sort, and buckets of many ranges, against the ranges' own definition. */
START_TEST(many_prefixes)
{
    enum { N = 20000 };
    struct arena *arena = arena_new(1 << 26);
    struct lpm_entry *e = malloc(N * sizeof *e), *copy = malloc(N * sizeof *e);
    const struct lpm *l;

    rng = 77;
    for (unsigned i = 0; i < N; i++) { /* disjoint /24s in a scattered order, two values */
        uint32_t net = (i * 7919u % N) << 8 | 10u << 24;

        e[i] = (struct lpm_entry){{addr_from_v4(net), 120}, net >> 8 & 1};
    }
    memcpy(copy, e, N * sizeof *e);
    l = build(arena, e, N);
    ck_assert_uint_eq(lpm_ranges(l), N);
    for (unsigned i = 0; i < N; i++) {
        uint32_t a = addr_v4(copy[i].prefix.addr) | (uint32_t)(random_next() & 255);

        ck_assert_uint_eq(lpm_find(l, addr_from_v4(a)), copy[i].value);
    }
    free(copy);
    free(e);
    arena_free(arena);
}
END_TEST

/* So many that there is a table of the /24s: with /30s and hosts in every 64th /24, a /12 around
 * some, and values beyond the table's. Against the neighbours: where value changes, scope must
 * tell. */
#define FULL_24S 520000u

static uint32_t full_value(uint32_t a)
{
    uint32_t block = (a >> 8) - (20u << 16), odd = block & 1;

    if (a >> 8 < 20u << 16 || block >= FULL_24S)
        return a >> 20 == 0xfff ? 9 : LPM_NONE;
    if (block % 64 == 0 && (a & 255) == 77)
        return 5;
    if (block % 64 == 0 && (a & 252) == 128)
        return 6;
    return block % 100 == 7 ? (1u << 26) - 1 + odd : block % 100 == 9 ? UINT32_MAX - 1 : odd;
}

static unsigned full_scope(uint32_t a)
{
    uint32_t value = full_value(a), first = a, last = a;
    unsigned below = 0, above = 0;

    while (first > 0 && full_value(first - 1) == value && a - first < 1u << 20)
        first--;
    while (last < UINT32_MAX && full_value(last + 1) == value && last - a < 1u << 20)
        last++;
    if (first > 0)
        below = (unsigned)__builtin_clz(a ^ (first - 1)) + 1;
    if (last < UINT32_MAX)
        above = (unsigned)__builtin_clz(a ^ (last + 1)) + 1;
    return below > above ? below : above;
}

static void full_check(const struct lpm *l, uint32_t a, bool scope)
{
    struct lpm_hit hit = lpm_find_scope(l, addr_from_v4(a));

    ck_assert_uint_eq(hit.value, full_value(a));
    ck_assert_uint_eq(lpm_find(l, addr_from_v4(a)), full_value(a));
    if (scope)
        ck_assert_uint_eq(hit.scope, full_scope(a) + 96);
}

START_TEST(full_table)
{
    struct arena *arena = arena_new((size_t)1 << _i);
    struct lpm_entry *e = calloc(2 * FULL_24S, sizeof *e);
    const uint32_t first = 20u << 24, behind = first + (FULL_24S << 8);
    const struct lpm *l;
    size_t n = 0;

    rng = 78;
    e[n++] = (struct lpm_entry){{addr_from_v4(0xfffu << 20), 96 + 12}, 9};
    for (uint32_t i = 0; i < FULL_24S; i++) {
        uint32_t net = first + (i << 8);

        e[n++] = (struct lpm_entry){{addr_from_v4(net), 120}, full_value(net)};
        if (i % 64)
            continue;
        e[n++] = (struct lpm_entry){{addr_from_v4(net + 77), 128}, 5};
        e[n++] = (struct lpm_entry){{addr_from_v4(net + 128), 126}, 6};
    }
    l = build(arena, e, n);
    for (unsigned i = 0; i < 50000; i++) {
        uint32_t a = first + (uint32_t)(random_next() % (FULL_24S << 8));

        full_check(l, a, true);
        full_check(l, a - (a - first) % (64u << 8) + (a & 255), true); /* a searched one */
        full_check(l, (uint32_t)random_next(), false);
    }
    full_check(l, UINT32_MAX, true);
    ck_assert_uint_eq(lpm_find_scope(l, addr_from_v4(0)).scope, 96 + 4);
    ck_assert_uint_eq(lpm_find_scope(l, addr_from_v4(first - 1)).scope, 96 + 6);
    ck_assert_uint_eq(lpm_find_scope(l, addr_from_v4(behind)).scope, 96 + 18);
    free(e);
    arena_free(arena);
}
END_TEST

static Suite *lpm_suite(void)
{
    Suite *s = suite_create("lpm");
    TCase *t = tcase_create("lpm");

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, value_and_scope, 0, sizeof rows / sizeof *rows);
    tcase_add_test(t, empty_answers_none);
    tcase_add_test(t, one_prefix_two_values);
    tcase_add_test(t, arena_too_small);
    tcase_add_test(t, equals_linear_scan);
    tcase_add_test(t, many_prefixes);
    tcase_add_loop_test(t, full_table, 25, 28); /* 32 and 64 MiB: no room for the table */
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    SRunner *r = srunner_create(lpm_suite());
    int failed;

    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
