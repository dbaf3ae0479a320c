/* Writing bencode (BEP 3) into memory of a fixed size. The caller writes dictionary keys in their
 * order, as raw strings sort; the text is complete unless full. */
#pragma once

#include "base/bytes.h"

struct bencode {
    char *p;
    size_t n, cap;
    bool full; /* something did not fit; nothing is written any more */
};

void bencode_str(struct bencode *b, const void *p, size_t n);
void bencode_int(struct bencode *b, int64_t value);
void bencode_dict(struct bencode *b); /* ... and list: end each */
void bencode_list(struct bencode *b);
void bencode_end(struct bencode *b);

#define bencode_key(b, literal) bencode_str((b), literal, sizeof(literal) - 1)

/* A string of n bytes, for the caller to fill in place; NULL when it does not fit. */
char *bencode_str_space(struct bencode *b, size_t n);
