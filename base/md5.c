/* OpenSSL's own functions for MD5, which it calls deprecated since 3.0, and not EVP: the context of
 * EVP is on the heap, and a call that may allocate may fail; this one is on the stack. They do not
 * ask the providers either, so that a system that allows no MD5 for cryptography still has names.
 */
#define OPENSSL_API_COMPAT 0x10101000L

#include "base/md5.h"

#include <openssl/md5.h>

void md5_parts(const struct str *parts, size_t count, uint8_t out[MD5_LEN])
{
    MD5_CTX c;

    MD5_Init(&c);
    for (size_t i = 0; i < count; i++)
        MD5_Update(&c, parts[i].p, parts[i].n);
    MD5_Final(out, &c);
}

void md5(const void *p, size_t n, uint8_t out[MD5_LEN])
{
    struct str all = {p, n};

    md5_parts(&all, 1, out);
}
