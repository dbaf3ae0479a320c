/* Names and version tags of ALTO resources (RFC 7285 sections 10.1 to 10.3 and 10.6), and the
 * content hash that serves as a tag. */
#pragma once

#include "base/bytes.h"
#include "base/err.h"

#define PID_NAME_MAX    64 /* RFC 7285 section 10.1 */
#define ALTO_ID_MAX     64 /* section 10.2 */
#define ALTO_TAG_MAX    64 /* section 10.3 */
#define ALTO_METRIC_MAX 32 /* section 10.6 */

struct vtag {
    char resource_id[ALTO_ID_MAX + 1];
    char tag[ALTO_TAG_MAX + 1];
};

/* 1 to 64 letters, digits and - : @ _ or the dot. The dot is reserved "unless specifically
 * indicated in this document, or an extension document" (10.1): maps in use have it, so it is taken
 * when read; what this program names itself has none. ERR_PARSE with `what` ("PID name") in the
 * text. */
enum err_code vtag_check_name(const char *what, struct str name, struct err *e) MUST_CHECK;
/* 1 to 64 printable ASCII characters without the blank. */
enum err_code vtag_check_tag(struct str tag, struct err *e) MUST_CHECK;
/* 1 to max ASCII letters, digits and characters of extra: what names of all kinds are made of. */
bool vtag_is_word(struct str s, size_t max, const char *extra);

/* A hash of what a resource says, in 32 hexadecimal digits: equal content, equal tag, on every
 * machine (XXH3, 128 bits: against chance, not against an adversary). Numbers go in as little
 * endian. */
struct vtag_hash;
struct vtag_hash *vtag_hash_new(void) MUST_CHECK; /* NULL: no memory */
void vtag_hash_add(struct vtag_hash *h, const void *p, size_t n);
/* The text length goes in too, so that "a" "bc" and "ab" "c" differ. */
void vtag_hash_add_str(struct vtag_hash *h, struct str s);
/* Writes the digits and frees h. */
void vtag_hash_finish(struct vtag_hash *h, char out[ALTO_TAG_MAX + 1]);
