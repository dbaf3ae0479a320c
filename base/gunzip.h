/* Decompression of gzip (RFC 1952) with a limit, so that a small body cannot become all memory. */
#pragma once

#include "base/bytes.h"

/* Adds what is in the whole of `in` to out, at most max bytes. ERR_PARSE: not gzip, damaged, or cut
 * short. ERR_LIMIT: it would be more than max, or there is no memory. out is then as it was. */
enum err_code gunzip(struct str in, size_t max, struct bytes *out, struct err *e) MUST_CHECK;
