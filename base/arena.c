#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ARENA_FIRST_BLOCK ((size_t)4096)
#define ARENA_BLOCK_MAX   ((size_t)1 << 20)
#define HUGE_PAGE         ((size_t)2 << 20)

struct block {
    struct block *next;
    size_t size; /* of data */
    alignas(max_align_t) unsigned char data[];
};

struct arena {
    struct block *first; /* kept over a reset */
    struct block *now;   /* the one being filled; blocks are linked oldest first */
    size_t fill;         /* of now */
    size_t used;
    size_t cap;
    size_t next_size;
};

struct arena *arena_new(size_t cap)
{
    struct arena *a = calloc(1, sizeof *a);

    if (!a)
        return NULL;
    a->cap = cap;
    a->next_size = ARENA_FIRST_BLOCK;
    return a;
}

static void blocks_free(struct block *b)
{
    while (b) {
        struct block *next = b->next;

        free(b);
        b = next;
    }
}

void arena_free(struct arena *a)
{
    if (!a)
        return;
    blocks_free(a->first);
    free(a);
}

/* A large table is read at random places: in huge pages, where the system has them for who asks,
 * such a read costs one cache miss and not a walk through page tables too. */
static void *block_memory(size_t size)
{
    void *p;

    if (size < 2 * HUGE_PAGE)
        return malloc(size);
    p = aligned_alloc(HUGE_PAGE, (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE);
    if (p)
        (void)madvise(p, size / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
    return p;
}

/* Blocks double up to 1 MiB; a larger request gets a block of its own size. */
static struct block *block_add(struct arena *a, size_t need)
{
    size_t size = need > a->next_size ? need : a->next_size;
    struct block *b = block_memory(sizeof *b + size);

    if (!b)
        return NULL;
    b->next = NULL;
    b->size = size;
    if (a->now)
        a->now->next = b;
    else
        a->first = b;
    a->now = b;
    a->fill = 0;
    if (a->next_size < ARENA_BLOCK_MAX)
        a->next_size *= 2;
    return b;
}

void *arena_alloc(struct arena *a, size_t size)
{
    const size_t align = alignof(max_align_t);
    size_t need;
    void *p;

    if (size > a->cap) /* also keeps the rounding below from wrapping */
        return NULL;
    need = (size + align - 1) / align * align;
    if (need == 0)
        need = align;
    if (need > a->cap - a->used)
        return NULL;
    if (!a->now || need > a->now->size - a->fill) {
        if (!block_add(a, need))
            return NULL;
    }
    p = a->now->data + a->fill;
    a->fill += need;
    a->used += need;
    return p;
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
    size_t total;
    void *p;

    if (__builtin_mul_overflow(count, size, &total))
        return NULL;
    p = arena_alloc(a, total);
    if (p)
        memset(p, 0, total);
    return p;
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
    char *p;

    if (n == SIZE_MAX)
        return NULL;
    p = arena_alloc(a, n + 1);
    if (!p)
        return NULL;
    if (n)
        memcpy(p, s, n);
    p[n] = '\0';
    return p;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap;
    char *p;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        return NULL;
    p = arena_alloc(a, (size_t)n + 1);
    if (!p)
        return NULL;
    va_start(ap, fmt);
    vsnprintf(p, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return p;
}

void arena_reset(struct arena *a)
{
    if (a->first) {
        blocks_free(a->first->next);
        a->first->next = NULL;
    }
    a->now = a->first;
    a->fill = 0;
    a->used = 0;
    a->next_size = ARENA_FIRST_BLOCK * 2;
}

size_t arena_used(const struct arena *a)
{
    return a->used;
}

size_t arena_cap(const struct arena *a)
{
    return a->cap;
}
