/* The Authorization header of Digest. Property: what parses, written again from its fields, parses
 * to the same fields. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/http_digest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "property broken: %s\n", what);
        abort();
    }
}

static void add(struct bytes *out, const char *name, struct str value)
{
    if (value.p)
        check(bytes_printf(out, "%s=\"", name) && bytes_add(out, value.p, value.n) &&
                  bytes_add(out, "\",", 2),
              "memory");
}

static bool same(struct str a, struct str b)
{
    return !a.p == !b.p && str_eq(a, b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_digest_fields f, again;
    struct bytes out = {0};
    char *copy =
        malloc(size ? size : 1); /* of its own size, so that ASan sees a read past the end */

    check(copy != NULL, "memory");
    memcpy(copy, data, size);
    if (http_digest_parse((struct str){copy, size}, &f)) {
        check(bytes_add(&out, "Digest ", 7), "memory");
        add(&out, "username", f.username);
        add(&out, "realm", f.realm);
        add(&out, "nonce", f.nonce);
        add(&out, "uri", f.uri);
        add(&out, "response", f.response);
        add(&out, "cnonce", f.cnonce);
        add(&out, "qop", f.qop);
        add(&out, "nc", f.nc);
        add(&out, "algorithm", f.algorithm);
        if (f.hashed)
            add(&out, "userhash", STR("true"));
        check(http_digest_parse((struct str){out.data, out.len}, &again), "written again");
        check(same(f.username, again.username) && same(f.realm, again.realm) &&
                  same(f.nonce, again.nonce) && same(f.uri, again.uri) &&
                  same(f.response, again.response) && same(f.cnonce, again.cnonce) &&
                  same(f.qop, again.qop) && same(f.nc, again.nc) &&
                  same(f.algorithm, again.algorithm) && f.hashed == again.hashed,
              "the same fields");
        bytes_free(&out);
    }
    free(copy);
    return 0;
}
