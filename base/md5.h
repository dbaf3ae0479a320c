/* MD5 (RFC 1321), for what other programs have keyed by it: names, never a secret or a proof. */
#pragma once

#include "base/bytes.h"

#define MD5_LEN 16

/* Of n bytes. Allocates nothing and cannot fail: it is called for answers. */
void md5(const void *p, size_t n, uint8_t out[MD5_LEN]);
/* Of count parts as if they were one. */
void md5_parts(const struct str *parts, size_t count, uint8_t out[MD5_LEN]);
