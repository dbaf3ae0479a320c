#include "alto/netmap_build.h"

#include <stdlib.h>
#include <string.h>

struct pid_entry {
    struct str name;
    struct netmap_place place;
    uint32_t id;
    uint32_t prefix_count;
};

struct netmap_build {
    struct arena *arena;
    struct pid_entry *pids;
    size_t pid_count, pid_cap;
    struct lpm_entry *entries; /* value: the PID's id, after the freeze its pidx */
    size_t entry_count, entry_cap;
};

#define ENTRIES_MAX (2 * (size_t)LPM_PREFIXES_MAX)

struct netmap_build *netmap_build_new(struct arena *arena)
{
    struct netmap_build *b = calloc(1, sizeof *b);

    if (b)
        b->arena = arena;
    return b;
}

void netmap_build_free(struct netmap_build *b)
{
    if (!b)
        return;
    free(b->pids);
    free(b->entries);
    free(b);
}

static enum err_code no_memory(struct err *e)
{
    return err_set(e, ERR_LIMIT, "no memory left for the network map");
}

enum err_code netmap_build_add_pid(struct netmap_build *b, struct str name,
                                   struct netmap_place place, uint32_t *id, struct err *e)
{
    enum err_code rc = vtag_check_name("PID name", name, e);
    char *copy;

    if (rc != ERR_OK)
        return rc;
    if (b->pid_count == NETMAP_PIDS_MAX)
        return err_set(e, ERR_LIMIT, "more than %u PIDs", NETMAP_PIDS_MAX);
    if (b->pid_count == b->pid_cap) {
        size_t cap = b->pid_cap ? b->pid_cap * 2 : 64;
        struct pid_entry *p = realloc(b->pids, cap * sizeof *p);

        if (!p)
            return no_memory(e);
        b->pids = p;
        b->pid_cap = cap;
    }
    copy = arena_strndup(b->arena, name.p, name.n);
    if (!copy)
        return no_memory(e);
    *id = (uint32_t)b->pid_count;
    b->pids[b->pid_count++] = (struct pid_entry){.name = {copy, name.n}, .place = place, .id = *id};
    return ERR_OK;
}

enum err_code netmap_build_add_prefix(struct netmap_build *b, uint32_t id, struct prefix prefix,
                                      struct err *e)
{
    if (b->entry_count == b->entry_cap) {
        size_t cap = b->entry_cap ? b->entry_cap * 2 : 256;
        struct lpm_entry *p;

        if (b->entry_count >= ENTRIES_MAX)
            return err_set(e, ERR_LIMIT, "more than %zu prefixes", ENTRIES_MAX);
        p = realloc(b->entries, cap * sizeof *p);
        if (!p)
            return no_memory(e);
        b->entries = p;
        b->entry_cap = cap;
    }
    b->entries[b->entry_count++] = (struct lpm_entry){prefix, id};
    return ERR_OK;
}

static int pid_by_name(const void *a, const void *b)
{
    const struct pid_entry *x = a, *y = b;
    int c = str_cmp(x->name, y->name);

    return c ? c : (x->id > y->id) - (x->id < y->id);
}

static enum err_code sort_pids(struct netmap_build *b, struct netmap_place *place, struct err *e)
{
    if (b->pid_count > 1)
        qsort(b->pids, b->pid_count, sizeof *b->pids, pid_by_name);
    for (size_t i = 1; i < b->pid_count; i++) {
        if (!str_eq(b->pids[i - 1].name, b->pids[i].name))
            continue;
        *place = b->pids[i].place;
        return err_set(e, ERR_PARSE, "PID \"%s\" stands here a second time", b->pids[i].name.p);
    }
    return ERR_OK;
}

/* Byte i of the key (address, then length), least significant first. */
static inline unsigned key_byte(const struct prefix *p, unsigned i)
{
    if (i == 0)
        return p->len;
    if (i <= 8)
        return p->addr.lo >> (8 * (i - 1)) & 0xff;
    return p->addr.hi >> (8 * (i - 9)) & 0xff;
}

#define KEY_BYTES 17u

/* Stable radix sort in prefix_cmp order, skipping the bytes that all share: five passes for IPv4. A
 * quarter of a million prefixes take a sixth of qsort's time. scratch is as long as v. */
static void sort_entries(struct lpm_entry *v, struct lpm_entry *scratch, size_t n)
{
    struct lpm_entry *from = v, *to = scratch;
    struct prefix any = {{0, 0}, 0}; /* the bits in which some differ from the first */

    for (size_t i = 1; i < n; i++) {
        any.addr.hi |= v[i].prefix.addr.hi ^ v[0].prefix.addr.hi;
        any.addr.lo |= v[i].prefix.addr.lo ^ v[0].prefix.addr.lo;
        any.len |= v[i].prefix.len ^ v[0].prefix.len;
    }
    for (unsigned k = 0; k < KEY_BYTES; k++) {
        size_t at[256] = {0}, sum = 0;
        struct lpm_entry *swap;

        if (!key_byte(&any, k))
            continue;
        for (size_t i = 0; i < n; i++)
            at[key_byte(&from[i].prefix, k)]++;
        for (unsigned c = 0; c < 256; c++) {
            size_t here = at[c];

            at[c] = sum;
            sum += here;
        }
        for (size_t i = 0; i < n; i++)
            to[at[key_byte(&from[i].prefix, k)]++] = from[i];
        swap = from;
        from = to;
        to = swap;
    }
    if (from != v)
        memcpy(v, from, n * sizeof *v);
}

/* IPv6 below the mapped range, IPv4, IPv6 above it: parted first, so that IPv4 shares its upper
 * twelve bytes. */
static enum err_code sort_all(struct netmap_build *b, struct err *e)
{
    const struct addr mapped = addr_from_v4(0);
    struct lpm_entry *scratch;
    size_t start[4] = {0}, fill[3];

    if (b->entry_count == 0)
        return ERR_OK;
    scratch = malloc(b->entry_count * sizeof *scratch);
    if (!scratch)
        return no_memory(e);
#define PART(p) (prefix_is_v4(p) ? 1u : addr_cmp((p).addr, mapped) > 0 ? 2u : 0u)
    for (size_t i = 0; i < b->entry_count; i++)
        start[PART(b->entries[i].prefix) + 1]++;
    for (unsigned k = 0; k < 3; k++) {
        start[k + 1] += start[k];
        fill[k] = start[k];
    }
    for (size_t i = 0; i < b->entry_count; i++)
        scratch[fill[PART(b->entries[i].prefix)]++] = b->entries[i];
#undef PART
    memcpy(b->entries, scratch, b->entry_count * sizeof *scratch);
    for (unsigned k = 0; k < 3; k++)
        if (start[k + 1] > start[k])
            sort_entries(b->entries + start[k], scratch, start[k + 1] - start[k]);
    free(scratch);
    return ERR_OK;
}

/* Turns ids into indexes, folds repeats inside one PID, refuses a prefix in two. */
static enum err_code fold_entries(struct netmap_build *b, struct err *e)
{
    uint32_t *index = malloc((b->pid_count + 1) * sizeof *index);
    enum err_code rc = ERR_OK;
    size_t kept = 0;

    if (!index)
        return no_memory(e);
    for (size_t i = 0; i < b->pid_count; i++)
        index[b->pids[i].id] = (uint32_t)i;
    for (size_t i = 0; i < b->entry_count && rc == ERR_OK; i++) {
        struct lpm_entry now = b->entries[i], *last = kept ? &b->entries[kept - 1] : NULL;
        char text[PREFIX_TEXT_MAX];

        now.value = index[now.value];
        if (!last || prefix_cmp(&last->prefix, &now.prefix) != 0) {
            b->pids[now.value].prefix_count++;
            b->entries[kept++] = now;
        } else if (last->value != now.value) {
            rc =
                err_set(e, ERR_CONFLICT,
                        "network-map: %s is in PID \"%s\" and in PID \"%s\", it may be in one only "
                        "(RFC 7285 section 11.2.2)",
                        prefix_format(now.prefix, text), b->pids[last->value].name.p,
                        b->pids[now.value].name.p);
        }
    }
    b->entry_count = kept;
    free(index);
    return rc;
}

/* The first address of low..high that no entry of the family covers; true when there is none. The
 * entries are sorted, so one sweep will do. */
static bool sweep(const struct netmap_build *b, bool v4, struct addr low, struct addr high,
                  struct addr *gap)
{
    struct addr next = low;

    for (size_t i = 0; i < b->entry_count; i++) {
        const struct prefix *p = &b->entries[i].prefix;
        struct addr last;

        if (prefix_is_v4(*p) != v4)
            continue;
        if (addr_cmp(p->addr, next) > 0)
            break;
        last = addr_mask_last(p->addr, p->len);
        if (addr_cmp(last, next) < 0)
            continue;
        if (addr_cmp(last, high) >= 0)
            return true;
        next.lo = last.lo + 1;
        next.hi = last.hi + (next.lo == 0);
    }
    *gap = next;
    return false;
}

static void content_hash(const struct netmap *m, struct vtag_hash *h, char *tag)
{
    for (size_t i = 0; i < m->pid_count; i++) {
        const struct netmap_pid *pid = &m->pids[i];
        uint64_t count = pid->prefix_count;

        vtag_hash_add_str(h, pid->name);
        vtag_hash_add(h, &count, sizeof count);
        for (uint32_t k = 0; k < pid->prefix_count; k++) {
            uint64_t words[3] = {pid->prefixes[k].addr.hi, pid->prefixes[k].addr.lo,
                                 pid->prefixes[k].len};

            vtag_hash_add(h, words, sizeof words);
        }
    }
    vtag_hash_finish(h, tag);
}

/* PIDs in order of name, each with its slice of one array of prefixes. */
static bool fill_pids(struct netmap_build *b, struct netmap *m)
{
    struct netmap_pid *pids = arena_array(b->arena, b->pid_count, sizeof *pids);
    struct prefix *all = arena_array(b->arena, b->entry_count, sizeof *all);
    struct prefix **fill = calloc(b->pid_count + 1, sizeof *fill);
    struct prefix *next = all;

    if (!pids || !all || !fill) {
        free(fill);
        return false;
    }
    for (size_t i = 0; i < b->pid_count; i++) {
        pids[i] = (struct netmap_pid){b->pids[i].name, next, b->pids[i].prefix_count};
        fill[i] = next;
        next += b->pids[i].prefix_count;
    }
    for (size_t i = 0; i < b->entry_count; i++) {
        *fill[b->entries[i].value]++ = b->entries[i].prefix;
        m->v4_count += prefix_is_v4(b->entries[i].prefix);
    }
    free(fill);
    m->pids = pids;
    m->pid_count = (pidx)b->pid_count; /* NETMAP_PIDS_MAX holds it */
    m->prefix_count = (uint32_t)b->entry_count;
    return true;
}

enum err_code netmap_build_freeze(struct netmap_build *b, const struct vtag *vtag,
                                  const struct netmap **out, struct netmap_place *place,
                                  struct err *e)
{
    const struct addr v6_low = {0, 0}, v6_high = {UINT64_MAX, UINT64_MAX};
    struct netmap *m = arena_array(b->arena, 1, sizeof *m);
    enum err_code rc;

    *place = (struct netmap_place){0, 0};
    if (!m)
        return no_memory(e);
    m->vtag = *vtag;
    rc = sort_pids(b, place, e);
    if (rc == ERR_OK)
        rc = sort_all(b, e);
    if (rc == ERR_OK)
        rc = fold_entries(b, e);
    if (rc != ERR_OK)
        return rc;
    if (!fill_pids(b, m))
        return no_memory(e);
    m->covers_all_v4 = sweep(b, true, addr_from_v4(0), addr_from_v4(UINT32_MAX), &m->gap_v4);
    m->covers_all_v6 = sweep(b, false, v6_low, v6_high, &m->gap_v6);
    if (!m->vtag.tag[0]) {
        struct vtag_hash *h = vtag_hash_new();

        if (!h)
            return no_memory(e);
        content_hash(m, h, m->vtag.tag);
    }
    rc = lpm_build(b->entries, b->entry_count, b->arena, &m->lpm, e);
    if (rc == ERR_OK)
        *out = m;
    return rc;
}
