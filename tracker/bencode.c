#include "tracker/bencode.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static char *space(struct bencode *b, size_t n)
{
    char *at = b->p + b->n;

    if (b->full || n > b->cap - b->n) {
        b->full = true;
        return NULL;
    }
    b->n += n;
    return at;
}

static void put(struct bencode *b, const void *p, size_t n)
{
    char *at = space(b, n);

    if (at)
        memcpy(at, p, n);
}

char *bencode_str_space(struct bencode *b, size_t n)
{
    char head[24];

    put(b, head, (size_t)snprintf(head, sizeof head, "%zu:", n));
    return space(b, n);
}

void bencode_str(struct bencode *b, const void *p, size_t n)
{
    char *at = bencode_str_space(b, n);

    if (at && n)
        memcpy(at, p, n);
}

void bencode_int(struct bencode *b, int64_t value)
{
    char text[32];

    put(b, text, (size_t)snprintf(text, sizeof text, "i%" PRId64 "e", value));
}

void bencode_dict(struct bencode *b)
{
    put(b, "d", 1);
}

void bencode_list(struct bencode *b)
{
    put(b, "l", 1);
}

void bencode_end(struct bencode *b)
{
    put(b, "e", 1);
}
