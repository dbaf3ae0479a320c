/* Things that die together live in one arena: a request, a parsed map, a view. Whoever makes the
 * arena frees it; nothing inside is freed alone. Every arena has a cap, so that memory is a
 * configured number. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct arena;

/* An empty arena that will hand out at most cap bytes; memory is taken from the system in growing
 * blocks as it is needed. NULL when the system has none. */
struct arena *arena_new(size_t cap) MUST_CHECK;
void arena_free(struct arena *a);

/* size bytes aligned for any type, not cleared. NULL at the cap or when the system has none: the
 * caller turns that into ERR_LIMIT or an error answer. size 0 gives a unique valid pointer. */
void *arena_alloc(struct arena *a, size_t size) MUST_CHECK;

/* count * size bytes, cleared; NULL also when the product overflows. */
void *arena_array(struct arena *a, size_t count, size_t size) MUST_CHECK;

/* A copy of n bytes with a NUL behind it. */
char *arena_strndup(struct arena *a, const char *s, size_t n) MUST_CHECK;

/* Text made by a printf format, in the arena; NULL at the cap. */
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3) MUST_CHECK;

/* Forgets everything handed out and keeps the first block, so that a request's arena costs no
 * allocation the next time round. */
void arena_reset(struct arena *a);

/* Bytes handed out since the start or the last reset, and the cap. */
size_t arena_used(const struct arena *a);
size_t arena_cap(const struct arena *a);
