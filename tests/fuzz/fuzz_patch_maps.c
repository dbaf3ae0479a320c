/* 'M' or 'J' and a patch, of a network and of a cost map: one error with a text, or a map; that is
 * what reading the text gives that the same patch makes of the old map's text. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alto/patch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char net_text[] =
    "{\"meta\":{\"vtag\":{\"resource-id\":\"n\",\"tag\":\"1\"}},\"network-map\":{"
    "\"a\":{\"ipv4\":[\"10.0.0.0/8\",\"11.0.0.0/8\"],\"ipv6\":[\"2001:db8::/32\"]},\"b\":{},"
    "\"c\":{\"ipv4\":[\"12.0.0.0/8\"]}}}";
static const char cost_text[] =
    "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"n\",\"tag\":\"1\"}],\"cost-type\":"
    "{\"cost-mode\":\"numerical\",\"cost-metric\":\"routingcost\"}},\"cost-map\":{"
    "\"a\":{\"a\":1,\"b\":2,\"c\":3},\"b\":{\"a\":4.5}}}";

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

/* The text of what the patch makes of the tree; NULL: it does not apply. */
static char *by_tree(const char *text, enum patch_kind kind, struct str patch)
{
    json_t *from = json_loads(text, 0, NULL), *out = NULL;
    json_t *p = json_loadb(patch.n ? patch.p : "", patch.n,
                           JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
    char *made = NULL;

    if (p && kind == PATCH_MERGE)
        out = merge_patch_apply(from, p);
    else if (p && json_patch_apply(from, p, &out, NULL) != ERR_OK)
        out = NULL;
    if (out)
        made = json_dumps(out, JSON_ENCODE_ANY | JSON_COMPACT);
    json_decref(from);
    json_decref(p);
    json_decref(out);
    return made;
}

static bool contains(struct str s, const char *what)
{
    return s.n && memmem(s.p, s.n, what, strlen(what));
}

/* Where a map does less than a text would have it: the order of a list, a tag that it has not, and
 * a NUL that jansson loses. */
static bool may_differ(struct str patch)
{
    return contains(patch, "test") || contains(patch, "/meta/vtag") || contains(patch, "u00") ||
           memchr(patch.p, '\0', patch.n);
}

static void check_text(bool one, const struct bytes *a, bool other, const struct bytes *b)
{
    must(one && other, "does not format");
    must(a->len == b->len && memcmp(a->data, b->data, a->len) == 0, "another map than by its text");
}

static void check_net(const struct netmap *from, enum patch_kind kind, struct str patch,
                      struct arena *arena)
{
    const struct netmap *got = NULL, *want;
    struct bytes a = {0}, b = {0};
    struct err e = {0};
    enum err_code rc = netmap_patch_apply(from, kind, patch, arena, &got, &e);
    char *text;

    must((rc == ERR_OK) == (got != NULL) && (rc == ERR_OK) == !e.text[0], "neither nor");
    if (rc != ERR_OK)
        return;
    text = by_tree(net_text, kind, patch);
    must(text || may_differ(patch), "a patch that does not apply to the text");
    if (text) {
        must(netmap_parse(text, strlen(text), arena, &want, &e) == ERR_OK, e.text);
        check_text(netmap_format(got, &a), &a, netmap_format(want, &b), &b);
        must(strcmp(got->vtag.tag, want->vtag.tag) == 0, "another tag");
    }
    free(text);
    bytes_free(&a);
    bytes_free(&b);
}

static void check_cost(const struct costmap *from, const struct netmap *net, enum patch_kind kind,
                       struct str patch, struct arena *arena)
{
    const struct costmap *got = NULL, *want;
    struct bytes a = {0}, b = {0};
    struct err e = {0};
    enum err_code rc = costmap_patch_apply(from, net, kind, patch, net, arena, &got, &e);
    char *text;

    must((rc == ERR_OK) == (got != NULL) && (rc == ERR_OK) == !e.text[0], "neither nor");
    if (rc != ERR_OK)
        return;
    text = by_tree(cost_text, kind, patch);
    must(text || may_differ(patch), "a patch that does not apply to the text");
    if (text) {
        must(costmap_parse(text, strlen(text), net, arena, &want, &e) == ERR_OK, e.text);
        check_text(costmap_format(got, net, &a), &a, costmap_format(want, net, &b), &b);
        must(strcmp(costmap_info_get(got)->tag, costmap_info_get(want)->tag) == 0, "another tag");
    }
    free(text);
    bytes_free(&a);
    bytes_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new((size_t)256 << 20);
    const struct netmap *net = NULL;
    const struct costmap *cost = NULL;
    enum patch_kind kind = size && data[0] == 'J' ? PATCH_JSON : PATCH_MERGE;
    struct str patch = {(const char *)data + (size ? 1 : 0), size - (size ? 1 : 0)};
    struct err e = {0};

    if (!arena || netmap_parse(net_text, sizeof net_text - 1, arena, &net, &e) != ERR_OK ||
        costmap_parse(cost_text, sizeof cost_text - 1, net, arena, &cost, &e) != ERR_OK)
        abort();
    check_net(net, kind, patch, arena);
    check_cost(cost, net, kind, patch, arena);
    arena_free(arena);
    return 0;
}
