/* Byte strings: a borrowed one (struct str) and an owned, growing one (struct bytes). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Borrowed: points into somebody else's memory, not NUL terminated. */
struct str {
    const char *p;
    size_t n;
};

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})

struct str str_from(const char *text); /* of a C string; NULL gives the empty one */
bool str_eq(struct str a, struct str b);
bool str_eq_nocase(struct str a, struct str b); /* ASCII letters alone */
/* memcmp over the common length, then the shorter first. */
int str_cmp(struct str a, struct str b);

/* Owned. Start from {0}; cap 0 in limit means BYTES_LIMIT_DEFAULT. */
struct bytes {
    char *data;
    size_t len;
    size_t cap;
    size_t limit;
};

#define BYTES_LIMIT_DEFAULT ((size_t)1 << 31)

/* Each grows the buffer by doubling. false at the limit or when the system has no memory; the
 * buffer stays as it was. */
bool bytes_reserve(struct bytes *b, size_t more) MUST_CHECK;
bool bytes_add(struct bytes *b, const void *p, size_t n) MUST_CHECK;
bool bytes_printf(struct bytes *b, const char *fmt, ...) PRINTF_LIKE(2, 3) MUST_CHECK;
void bytes_free(struct bytes *b);

/* Reads the whole of a regular file. ERR_IO with the system's reason; ERR_LIMIT over max bytes. The
 * data has a NUL behind it that len does not count. */
enum err_code file_read(const char *path, size_t max, struct bytes *out, struct err *e) MUST_CHECK;

/* Makes the file hold just this: written beside it as "<path>.new", brought to the disk, then
 * renamed, so that the end of the process or of the machine at any time leaves the old one or the
 * new one. For its owner alone (0600). ERR_IO with the system's reason, ERR_LIMIT for a path that
 * is too long: it is as it was. One thread at a time for a path. */
enum err_code file_replace(const char *path, struct str data, struct err *e) MUST_CHECK;

/* Writes n bytes as printable ASCII, everything else as \xNN, bounded by size with the NUL: for
 * peers' bytes in logs and errors. Ends in "..." where it was cut. Returns out. */
char *bytes_escape(const void *p, size_t n, char *out, size_t size);
