/* What of a path names the content: a regular expression of the operator's, bounded in time. */
#pragma once

#include "base/bytes.h"
#include "base/hash.h"
#include "router/view.h"

struct content_regex; /* immutable, any number of threads match with it */

/* ERR_PARSE: not a PCRE2 expression; says where. The caller frees it. */
enum err_code content_regex_new(struct str pattern, struct content_regex **out,
                                struct err *e) MUST_CHECK;
void content_regex_free(void *regex);

/* The part of path that is the key: group 1, or the whole match; the path's directory when there is
 * no regex, no match, or the match takes too long. */
struct str content_part(const struct content_regex *regex, struct str path,
                        struct key_scratch *scratch);

/* The key of a part: of two services the same part is two contents. */
static inline uint64_t content_hash(const struct view_service *s, struct str part)
{
    return hash_mix(s->id, hash_content(part.p, part.n));
}
