/* Between the parts of alto/patch.h that work on trees, and for its readers of maps. */
#pragma once

#include "alto/patch.h"

/* Whether a merge patch can lead to the document: no member outside arrays is null. */
bool merge_patch_can(const json_t *to);
json_t *merge_patch_make(const json_t *from, const json_t *to) MUST_CHECK;

json_t *json_patch_make(const json_t *from, const json_t *to) MUST_CHECK;

/* Equal as RFC 6902 section 4.6 means it: numbers by value, 1 is 1.0. */
bool patch_same(const json_t *a, const json_t *b);

enum patch_op { PATCH_ADD, PATCH_REMOVE, PATCH_REPLACE, PATCH_MOVE, PATCH_COPY, PATCH_TEST };
/* ERR_PARSE: there is no such operation. */
enum err_code patch_op_parse(struct str text, enum patch_op *out, struct err *e) MUST_CHECK;

/* The next token of a JSON pointer (RFC 6901) from *at on, unescaped, NUL terminated, into out,
 * which holds n bytes. *at stands on its '/' and is moved behind the token. ERR_PARSE: no '/', or a
 * '~' that stands for nothing. ERR_LIMIT: it does not fit. */
enum err_code patch_token(struct str *at, char *out, size_t n, struct err *e) MUST_CHECK;
/* The index of an array's item: digits without a leading zero. */
bool patch_index(const char *token, size_t *out);
