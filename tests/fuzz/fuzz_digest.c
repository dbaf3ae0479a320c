/* A cache digest gives one error with a text, or a filter within the bytes that were there, of
 * which the live one says the same; every bit that a key needs is asked for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "router/digest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_of_all_digests, const char *what)
{
    if (true_of_all_digests)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void check_keys(const struct digest_info *info, const uint8_t *mask)
{
    struct digest_live *live = digest_live_new();
    uint8_t *full = malloc(info->mask_size);

    if (!live || !full)
        abort();
    must(digest_live_set(live, info, mask, NULL) == ERR_OK, "the live one does not take it");
    memset(full, 0xff, info->mask_size);
    for (unsigned i = 0; i < 64; i++) {
        uint8_t key[DIGEST_KEY_LEN];

        digest_key((struct str){(const char *)mask, i < info->mask_size ? i : info->mask_size},
                   key);
        must(digest_live_has(live, key) == (int)digest_has(info, mask, key), "another answer");
        must(digest_has(info, full, key), "a full filter has everything");
    }
    memset(full, 0, info->mask_size);
    must(!digest_has(info, full, (const uint8_t[DIGEST_KEY_LEN]){0}), "an empty one has nothing");
    digest_live_free(live);
    free(full);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct digest_info info = {0};
    const uint8_t *mask = NULL;
    struct err e = {0};

    if (digest_parse(data, size, &info, &mask, &e) == ERR_OK) {
        must(mask >= data && info.mask_size > 0 && mask + info.mask_size == data + size,
             "a filter beyond its bytes");
        check_keys(&info, mask);
    } else {
        must(e.text[0] && !mask, "an error without a text, or with a filter");
    }
    return 0;
}
