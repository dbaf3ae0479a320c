#include "router/cache_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE_SIZE    4096u
#define FILE_MAGIC   "WMCMEM\r\n"
#define FILE_VERSION 1u
#define NAME_SIZE    sizeof(((struct live_streamer *)0)->name)
#define NOBODY       UINT16_MAX

/* The file, and the memory alike: a page of this, the columns, the rows. All in this machine's byte
 * order: another one's does not have the check. */
struct file_head {
    char magic[8];
    uint32_t version;
    uint32_t hashes;
    uint64_t rows;
    uint32_t words;
    uint32_t column_size;
    uint64_t check; /* hash of what is above */
};

/* Workers read the first line; the second says whose it is. Every value of the counts is possible,
 * so that nothing of them can be damaged. */
struct cache_memory_column {
    _Alignas(64) _Atomic uint32_t current; /* generation: 0 or 1 */
    _Atomic uint32_t fresh[2];             /* contents that came into each */
    uint64_t check;                        /* of the name; else the column is nobody's */
    _Alignas(64) char name[64];
};

/* What cache_memory_bind has to do; there from the start, so that it cannot fail. */
struct cache_memory_plan {
    unsigned n;
    uint16_t changed[LIVE_SLOTS]; /* [n]: columns that become somebody else's */
    uint16_t from[LIVE_SLOTS];    /* by column: where its bits are now; NOBODY: it begins empty */
    struct cache_memory_column old[LIVE_SLOTS];
};

_Static_assert(sizeof(struct cache_memory_column) == 128, "the file's layout");
_Static_assert(NAME_SIZE == 64, "a column's name is a streamer's");
_Static_assert(sizeof(struct file_head) <= PAGE_SIZE, "a page");

static uint64_t head_check(const struct file_head *h)
{
    return hash_content(h, offsetof(struct file_head, check));
}

static uint64_t name_check(const char name[NAME_SIZE])
{
    return hash_content(name, NAME_SIZE);
}

static struct file_head head_for(uint64_t rows, unsigned words)
{
    struct file_head h = {.version = FILE_VERSION,
                          .hashes = CACHE_MEMORY_HASHES,
                          .rows = rows,
                          .words = words,
                          .column_size = sizeof(struct cache_memory_column)};

    memcpy(h.magic, FILE_MAGIC, sizeof h.magic);
    h.check = head_check(&h);
    return h;
}

static size_t columns_len(unsigned words)
{
    const size_t n = (size_t)words * 64 * sizeof(struct cache_memory_column);

    return (n + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE;
}

static size_t whole_len(const struct file_head *h)
{
    return PAGE_SIZE + columns_len(h->words) + h->rows * h->words * 2 * sizeof(uint64_t);
}

/* The file of that shape, or -1: another one, or none. */
static int file_take(const char *path, const struct file_head *want)
{
    struct file_head h;
    struct stat st;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0)
        return -1;
    /* A file with holes would end the process at the first write that the disk has no room for. */
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == (off_t)whole_len(want) &&
        pread(fd, &h, sizeof h, 0) == (ssize_t)sizeof h && memcmp(&h, want, sizeof h) == 0 &&
        posix_fallocate(fd, 0, st.st_size) == 0)
        return fd;
    close(fd);
    return -1;
}

static enum err_code file_make(const char *path, const struct file_head *h, int *out, struct err *e)
{
    enum err_code rc = ERR_OK;
    char fresh[4096];
    int n = snprintf(fresh, sizeof fresh, "%s.new", path), fd, failed;

    if (n < 0 || (size_t)n >= sizeof fresh)
        return err_set(e, ERR_LIMIT, "%s: a path of %d bytes is too long", path, n);
    (void)unlink(fresh); /* of a process that ended half way */
    fd = open(fresh, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set_errno(e, "%s: cannot be made", fresh);
    failed = posix_fallocate(fd, 0, (off_t)whole_len(h));
    if (failed) {
        errno = failed;
        rc = err_set_errno(e, "%s: no room for %zu bytes", fresh, whole_len(h));
    } else if (pwrite(fd, h, sizeof *h, 0) != (ssize_t)sizeof *h || rename(fresh, path) < 0) {
        rc = err_set_errno(e, "%s: cannot be written", path);
    }
    if (rc != ERR_OK) {
        (void)unlink(fresh);
        close(fd);
        return rc;
    }
    *out = fd;
    return ERR_OK;
}

/* Pages are brought in here, so that no worker waits for a disk. */
static enum err_code map_file(const char *path, const struct file_head *h, void **out,
                              struct err *e)
{
    int fd = file_take(path, h);
    enum err_code rc = ERR_OK;
    void *p;

    if (fd < 0)
        rc = file_make(path, h, &fd, e);
    if (rc != ERR_OK)
        return rc;
    p = mmap(NULL, whole_len(h), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (p == MAP_FAILED)
        rc = err_set_errno(e, "%s: cannot be mapped", path);
    else
        *out = p;
    close(fd);
    return rc;
}

static enum err_code map_memory(const struct file_head *h, void **out, struct err *e)
{
    const size_t n = whole_len(h);
    void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        return err_set_errno(e, "memory of caches: %zu bytes", n);
    (void)madvise(p, n, MADV_HUGEPAGE); /* four rows are four pages else */
    memcpy(p, h, sizeof *h);
    *out = p;
    return ERR_OK;
}

enum err_code cache_memory_new(size_t bytes_max, unsigned columns, const char *path,
                               struct cache_memory **out, struct err *e)
{
    const unsigned words = (columns + 63) / 64;
    uint64_t rows = CACHE_MEMORY_ROWS_MIN;
    struct cache_memory *m;
    struct file_head h;
    enum err_code rc;

    *out = NULL;
    if (columns == 0 || columns > LIVE_SLOTS)
        return err_set(e, ERR_LIMIT, "memory of caches: %u columns, must be 1 to %u", columns,
                       LIVE_SLOTS);
    while (rows <= SIZE_MAX / 64 / words && rows * 2 * words * 2 * sizeof(uint64_t) <= bytes_max)
        rows *= 2;
    m = calloc(1, sizeof *m);
    if (!m)
        return err_set(e, ERR_LIMIT, "memory of caches: no memory");
    atomic_init(&m->refs, 1);
    m->turned_ms = calloc((size_t)words * 64, sizeof *m->turned_ms);
    m->plan = aligned_alloc(_Alignof(struct cache_memory_plan), sizeof *m->plan);
    h = head_for(rows, words);
    if (!m->turned_ms || !m->plan)
        rc = err_set(e, ERR_LIMIT, "memory of caches: no memory");
    else
        rc = path ? map_file(path, &h, &m->mapped, e) : map_memory(&h, &m->mapped, e);
    if (rc != ERR_OK) {
        cache_memory_drop(m);
        return rc;
    }
    m->mapped_len = whole_len(&h);
    m->column = (struct cache_memory_column *)((char *)m->mapped + PAGE_SIZE);
    m->bits = (_Atomic uint64_t *)((char *)m->mapped + PAGE_SIZE + columns_len(words));
    m->row_mask = rows - 1;
    m->words = words;
    *out = m;
    return ERR_OK;
}

void cache_memory_take(struct cache_memory *m)
{
    atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
}

void cache_memory_drop(struct cache_memory *m)
{
    if (!m || atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (m->mapped)
        munmap(m->mapped, m->mapped_len);
    free(m->turned_ms);
    free(m->plan);
    free(m);
}

unsigned cache_memory_columns(const struct cache_memory *m)
{
    return m->words * 64;
}

size_t cache_memory_rows(const struct cache_memory *m)
{
    return (size_t)m->row_mask + 1;
}

size_t cache_memory_bytes(const struct cache_memory *m)
{
    return m->mapped_len;
}

static unsigned current_of(const struct cache_memory_column *c)
{
    return atomic_load_explicit(&c->current, memory_order_relaxed) & 1;
}

/* A worker that is behind a rotation adds to the generation that is the older one now: so does a
 * request that came a moment earlier. */
bool cache_memory_add(struct cache_memory *m, uint64_t content, lidx i)
{
    const uint64_t hash = cache_memory_hash(content), bit = UINT64_C(1) << i % 64u;
    bool fresh = false;
    unsigned g;

    if (i >= m->words * 64)
        return false;
    g = current_of(&m->column[i]);
    for (unsigned k = 0; k < CACHE_MEMORY_HASHES; k++) {
        _Atomic uint64_t *at = cache_memory_row(m, hash, k) + i / 64u * 2 + g;

        /* Most are there already: then the line is not taken from the other workers. */
        if (atomic_load_explicit(at, memory_order_relaxed) & bit)
            continue;
        atomic_fetch_or_explicit(at, bit, memory_order_relaxed);
        fresh = true;
    }
    if (fresh)
        atomic_fetch_add_explicit(&m->column[i].fresh[g], 1, memory_order_relaxed);
    return fresh;
}

uint32_t cache_memory_fresh(const struct cache_memory *m, lidx i)
{
    const struct cache_memory_column *c;

    if (i >= m->words * 64)
        return 0;
    c = &m->column[i];
    return atomic_load_explicit(&c->fresh[current_of(c)], memory_order_relaxed);
}

static void bits_clear(struct cache_memory *m, lidx i, unsigned g)
{
    const uint64_t bit = UINT64_C(1) << i % 64u;
    _Atomic uint64_t *at = m->bits + i / 64u * 2 + g;

    for (uint64_t row = 0; row <= m->row_mask; row++, at += m->words * 2)
        if (atomic_load_explicit(at, memory_order_relaxed) & bit)
            atomic_fetch_and_explicit(at, ~bit, memory_order_relaxed);
}

/* The count goes behind the bits: a process that ends half way clears again. */
static void generation_clear(struct cache_memory *m, lidx i, unsigned g)
{
    struct cache_memory_column *c = &m->column[i];

    if (atomic_load_explicit(&c->fresh[g], memory_order_relaxed) == 0)
        return;
    bits_clear(m, i, g);
    atomic_store_explicit(&c->fresh[g], 0, memory_order_relaxed);
}

void cache_memory_rotate(struct cache_memory *m, lidx i)
{
    unsigned older;

    if (i >= m->words * 64)
        return;
    older = !current_of(&m->column[i]);
    generation_clear(m, i, older);
    atomic_store_explicit(&m->column[i].current, older, memory_order_relaxed);
    m->turned_ms[i] = 0;
}

void cache_memory_clear(struct cache_memory *m, lidx i)
{
    if (i >= m->words * 64)
        return;
    generation_clear(m, i, 0);
    generation_clear(m, i, 1);
    m->turned_ms[i] = 0;
}

bool cache_memory_turn(struct cache_memory *m, lidx i, double contents, uint32_t keep_s,
                       uint64_t now_ms)
{
    /* Of n contents with k bits each a row is still empty with exp(-k n / rows). */
    double most = (double)cache_memory_rows(m) * M_LN2 / CACHE_MEMORY_HASHES;
    bool full, late;

    if (i >= m->words * 64)
        return false;
    if (m->turned_ms[i] == 0)
        m->turned_ms[i] = now_ms;
    if (contents > 0 && contents / 2 < most)
        most = contents / 2 < 1 ? 1 : contents / 2;
    full = cache_memory_fresh(m, i) >= most;
    late = keep_s > 0 && now_ms - m->turned_ms[i] >= (uint64_t)keep_s * 500;
    if (!full && !late)
        return false;
    cache_memory_rotate(m, i);
    m->turned_ms[i] = now_ms;
    return true;
}

/* Whose a column is now: its slot's streamer; all NUL for nobody. */
static void name_of_slot(const struct live *live, unsigned i, char out[NAME_SIZE])
{
    memset(out, 0, NAME_SIZE);
    if (live->streamer[i].in_use)
        memcpy(out, live->streamer[i].name, NAME_SIZE);
}

/* The column that the file has for that name; NOBODY when there is none. */
static uint16_t column_of(const struct cache_memory *m, const char name[NAME_SIZE])
{
    const uint64_t check = name_check(name);

    for (unsigned i = 0; name[0] && i < m->words * 64; i++)
        if (m->column[i].check == check && memcmp(m->column[i].name, name, NAME_SIZE) == 0)
            return (uint16_t)i;
    return NOBODY;
}

static void bits_move(struct cache_memory *m, const struct cache_memory_plan *plan)
{
    uint64_t before[LIVE_SLOTS / 64 * 2] = {0};

    for (uint64_t row = 0; row <= m->row_mask; row++) {
        _Atomic uint64_t *at = m->bits + row * m->words * 2;
        uint64_t any = 0;

        for (unsigned w = 0; w < m->words * 2; w++)
            any |= before[w] = atomic_load_explicit(&at[w], memory_order_relaxed);
        for (unsigned k = 0; any && k < plan->n * 2; k++) {
            const unsigned i = plan->changed[k / 2], g = k % 2, src = plan->from[i];
            const unsigned to = i / 64 * 2 + g;
            const uint64_t bit = UINT64_C(1) << i % 64;
            const bool set = src != NOBODY && before[src / 64 * 2 + g] >> src % 64 & 1;

            if (set && !(before[to] & bit))
                atomic_fetch_or_explicit(&at[to], bit, memory_order_relaxed);
            else if (!set && before[to] & bit)
                atomic_fetch_and_explicit(&at[to], ~bit, memory_order_relaxed);
        }
    }
}

static void column_set(struct cache_memory_column *c, const struct cache_memory_column *from,
                       const char name[NAME_SIZE])
{
    for (unsigned g = 0; g < 2; g++)
        atomic_store_explicit(
            &c->fresh[g], from ? atomic_load_explicit(&from->fresh[g], memory_order_relaxed) : 0,
            memory_order_relaxed);
    atomic_store_explicit(&c->current, from ? current_of(from) : 0, memory_order_relaxed);
    memcpy(c->name, name, NAME_SIZE);
    c->check = name_check(name);
}

static bool column_is(const struct cache_memory_column *c, const char name[NAME_SIZE])
{
    return c->check == name_check(name) && memcmp(c->name, name, NAME_SIZE) == 0;
}

static bool column_empty(const struct cache_memory_column *c)
{
    return atomic_load_explicit(&c->fresh[0], memory_order_relaxed) == 0 &&
           atomic_load_explicit(&c->fresh[1], memory_order_relaxed) == 0;
}

/* A process that ends while bits move leaves such a column: nobody's, and not empty. */
static void column_void(struct cache_memory_column *c)
{
    c->check = 0;
    for (unsigned g = 0; g < 2; g++)
        atomic_store_explicit(&c->fresh[g], 1, memory_order_relaxed);
}

void cache_memory_bind(struct cache_memory *m, const struct live *live)
{
    struct cache_memory_plan *plan = m->plan;
    char name[NAME_SIZE];

    plan->n = 0;
    for (unsigned i = 0; i < m->words * 64; i++) {
        name_of_slot(live, i, name);
        if (column_is(&m->column[i], name))
            continue;
        plan->from[i] = column_of(m, name);
        if (plan->from[i] == NOBODY && column_empty(&m->column[i]))
            column_set(&m->column[i], NULL, name);
        else
            plan->changed[plan->n++] = (uint16_t)i;
    }
    if (plan->n == 0)
        return;
    for (unsigned i = 0; i < m->words * 64; i++)
        plan->old[i] = m->column[i];
    for (unsigned k = 0; k < plan->n; k++)
        column_void(&m->column[plan->changed[k]]);
    bits_move(m, plan);
    for (unsigned k = 0; k < plan->n; k++) {
        const unsigned i = plan->changed[k], from = plan->from[i];

        name_of_slot(live, i, name);
        column_set(&m->column[i], from != NOBODY ? &plan->old[from] : NULL, name);
        m->turned_ms[i] = 0;
    }
}
