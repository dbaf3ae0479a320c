/* "FROM\nTO\nPATCH": of three documents, a patch made of the first two leads from one to the other,
 * in both kinds; the third, applied to the first, gives a document or one error with a text, and
 * changes neither. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alto/patch_tree.h"
#include "base/jsonin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static json_t *next(const char **p, const char *end)
{
    const char *at = *p, *lf = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
    const char *stop = lf ? lf : end;
    json_t *out = NULL;

    *p = lf ? lf + 1 : end;
    if (jsonin_load(at, (size_t)(stop - at), &out, NULL) != ERR_OK)
        return NULL;
    return out;
}

static void check_made(const json_t *from, const json_t *to)
{
    enum patch_kind kind;
    json_t *patch = patch_make(from, to, &kind), *ops = json_patch_make(from, to), *got = NULL;
    struct err e = {0};

    must(patch && ops, "no patch");
    if (kind == PATCH_MERGE) {
        got = merge_patch_apply(from, patch);
        must(json_equal(got, to), "a merge patch that leads elsewhere");
        json_decref(got);
    }
    must(json_patch_apply(from, ops, &got, &e) == ERR_OK, e.text);
    must(json_equal(got, to), "a JSON patch that leads elsewhere");
    json_decref(got);
    json_decref(ops);
    json_decref(patch);
}

static void check_applied(const json_t *target, const json_t *patch)
{
    json_t *kept = json_deep_copy(target), *kept_patch = json_deep_copy(patch), *got = NULL;
    struct err e = {0};
    enum err_code rc = json_patch_apply(target, patch, &got, &e);

    must((rc == ERR_OK) == (got != NULL) && (rc == ERR_OK) == !e.text[0], "neither nor");
    must(rc == ERR_OK || json_is_array(patch) || rc == ERR_PARSE, "a patch that is no array");
    json_decref(got);
    got = merge_patch_apply(target, patch);
    if (got && merge_patch_can(patch))
        must(json_is_object(target) || json_equal(got, patch), "nothing to be removed");
    json_decref(got);
    must(json_equal(kept, target) && json_equal(kept_patch, patch), "an argument has changed");
    json_decref(kept);
    json_decref(kept_patch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *p = (const char *)data, *end = p + size;
    json_t *from = next(&p, end), *to = next(&p, end), *patch = next(&p, end);

    /* The pointers of json_patch_make have a limit, which JSON has not. */
    if (from && to && size < PATCH_DEPTH_MAX)
        check_made(from, to);
    if (from && patch)
        check_applied(from, patch);
    json_decref(from);
    json_decref(to);
    json_decref(patch);
    return 0;
}
