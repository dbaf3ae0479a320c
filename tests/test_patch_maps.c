#include "alto/patch.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alto/patch_tree.h"
#include "base/hash.h"
#include "base/jsonin.h"

#define NAMES    24u
#define PREFIXES 60u

static const char *const name_of[NAMES] = {"a",   "a:b", "a.b", "A", "b",  "b@c", "b-c", "b_c",
                                           "c",   "d",   "e",   "f", "g",  "pid", "pi",  "pidd",
                                           "x.y", "z",   "0",   "1", "01", "10",  "m",   "n"};

/* What a pair of maps says, before it is text. */
struct model {
    bool pid[NAMES];
    int owner[2][PREFIXES]; /* PID of each prefix, -1: none; [1]: IPv6 */
    int cost[NAMES][NAMES]; /* quarters; -1: none */
    bool ordinal;
    char tag[32];
};

struct maps {
    struct arena *arena;
    const struct netmap *net;
    const struct costmap *cost;
    struct bytes net_text, cost_text; /* as served */
};

static uint64_t draw(uint64_t *seed)
{
    return *seed = hash_mix(*seed, 11);
}

static void model_draw(struct model *m, uint64_t *seed)
{
    snprintf(m->tag, sizeof m->tag, "t%llx", (unsigned long long)draw(seed) % 0xffffff);
    m->ordinal = draw(seed) % 8 == 0;
    for (unsigned i = 0; i < NAMES; i++)
        m->pid[i] = draw(seed) % 3 > 0;
    for (unsigned v6 = 0; v6 < 2; v6++)
        for (unsigned i = 0; i < PREFIXES; i++)
            m->owner[v6][i] = (int)(draw(seed) % (NAMES + 5)) - 5;
    for (unsigned i = 0; i < NAMES; i++)
        for (unsigned k = 0; k < NAMES; k++)
            m->cost[i][k] = draw(seed) % 4 ? (int)(draw(seed) % 50) : -1;
}

/* Little or much of it, of one kind or all. */
static void model_change(struct model *m, uint64_t *seed)
{
    const unsigned rarely = 1 + (unsigned)(draw(seed) % 60);
    const unsigned what = (unsigned)(draw(seed) % 8);

    if (draw(seed) % 4)
        snprintf(m->tag, sizeof m->tag, "t%llx", (unsigned long long)draw(seed) % 0xffffff);
    for (unsigned i = 0; i < NAMES && what & 1; i++)
        if (draw(seed) % (rarely + 3) == 0)
            m->pid[i] = !m->pid[i];
    for (unsigned i = 0; i < 2 * PREFIXES && what & 2; i++)
        if (draw(seed) % (rarely + 2) == 0)
            m->owner[i % 2][i / 2] = (int)(draw(seed) % (NAMES + 5)) - 5;
    for (unsigned i = 0; i < NAMES * NAMES && what & 4; i++)
        if (draw(seed) % rarely == 0)
            m->cost[i / NAMES][i % NAMES] = draw(seed) % 4 ? (int)(draw(seed) % 50) : -1;
    for (unsigned i = 0; i < NAMES && what & 4; i++)
        for (unsigned k = 0; draw(seed) % 30 == 0 && k < NAMES; k++)
            m->cost[i][k] = -1;
}

static void say(struct bytes *b, const char *text)
{
    ck_assert(bytes_add(b, text, strlen(text)));
}

static void say_list(struct bytes *b, const struct model *m, unsigned pid, unsigned v6)
{
    bool any = false;

    for (unsigned i = 0; i < PREFIXES; i++) {
        if (m->owner[v6][i] != (int)pid)
            continue;
        if (!any)
            ck_assert(bytes_printf(b, "%s\"%s\":[", b->data[b->len - 1] == '{' ? "" : ",",
                                   v6 ? "ipv6" : "ipv4"));
        ck_assert(bytes_printf(b, v6 ? "%s\"2001:db8:%x::/48\"" : "%s\"10.%u.0.0/16\"",
                               any ? "," : "", i));
        any = true;
    }
    if (any)
        say(b, "]");
}

static void say_net(struct bytes *b, const struct model *m)
{
    const char *comma = "";

    ck_assert(bytes_printf(b,
                           "{\"meta\":{\"vtag\":{\"resource-id\":\"net\",\"tag\":\"%s\"}},"
                           "\"network-map\":{",
                           m->tag));
    for (unsigned i = 0; i < NAMES; i++) {
        if (!m->pid[i])
            continue;
        ck_assert(bytes_printf(b, "%s\"%s\":{", comma, name_of[i]));
        say_list(b, m, i, 0);
        say_list(b, m, i, 1);
        say(b, "}");
        comma = ",";
    }
    say(b, "}}");
}

static void say_cost(struct bytes *b, const struct model *m)
{
    const char *comma = "";

    ck_assert(
        bytes_printf(b,
                     "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"net\",\"tag\":\"%s\"}]"
                     ",\"cost-type\":{\"cost-mode\":\"%s\",\"cost-metric\":\"routingcost\"}},"
                     "\"cost-map\":{",
                     m->tag, m->ordinal ? "ordinal" : "numerical"));
    for (unsigned i = 0; i < NAMES; i++) {
        const char *inner = "";

        if (!m->pid[i])
            continue;
        ck_assert(bytes_printf(b, "%s\"%s\":{", comma, name_of[i]));
        for (unsigned k = 0; k < NAMES; k++) {
            if (!m->pid[k] || m->cost[i][k] < 0)
                continue;
            ck_assert(bytes_printf(b, "%s\"%s\":%g", inner, name_of[k],
                                   m->ordinal ? m->cost[i][k] : m->cost[i][k] / 4.0));
            inner = ",";
        }
        say(b, "}");
        comma = ",";
    }
    say(b, "}}");
}

static void maps_make(struct maps *out, const struct model *m)
{
    struct bytes net = {0}, cost = {0};
    struct err e = {0};

    *out = (struct maps){.arena = arena_new((size_t)64 << 20)};
    say_net(&net, m);
    say_cost(&cost, m);
    ck_assert_msg(netmap_parse(net.data, net.len, out->arena, &out->net, &e) == ERR_OK, "%s",
                  e.text);
    ck_assert_msg(costmap_parse(cost.data, cost.len, out->net, out->arena, &out->cost, &e) ==
                      ERR_OK,
                  "%s", e.text);
    ck_assert(netmap_format(out->net, &out->net_text));
    ck_assert(costmap_format(out->cost, out->net, &out->cost_text));
    bytes_free(&net);
    bytes_free(&cost);
}

static void maps_free(struct maps *m)
{
    bytes_free(&m->net_text);
    bytes_free(&m->cost_text);
    arena_free(m->arena);
}

static struct str of(const struct bytes *b)
{
    return (struct str){b->data, b->len};
}

static json_t *tree(const struct bytes *text)
{
    struct err e = {0};
    json_t *v = NULL;

    ck_assert_msg(jsonin_load(text->data, text->len, &v, &e) == ERR_OK, "%s: %.*s", e.text,
                  (int)text->len, text->data);
    return v;
}

/* The patch applied to the tree of the one text is the tree of the other. */
static void oracle(const struct bytes *from, const struct bytes *patch, const struct bytes *to,
                   unsigned long long seed)
{
    json_t *a = tree(from), *p = tree(patch), *b = tree(to), *got = merge_patch_apply(a, p);

    ck_assert_msg(json_equal(got, b), "seed %016llx: %.*s\nby %.*s\nshould be %.*s", seed,
                  (int)from->len, from->data, (int)patch->len, patch->data, (int)to->len, to->data);
    json_decref(a);
    json_decref(p);
    json_decref(b);
    json_decref(got);
}

static void net_becomes(const struct maps *from, enum patch_kind kind, struct str patch,
                        const struct maps *to, unsigned long long seed)
{
    struct arena *arena = arena_new((size_t)64 << 20);
    const struct netmap *got;
    struct bytes text = {0};
    struct err e = {0};

    ck_assert_msg(netmap_patch_apply(from->net, kind, patch, arena, &got, &e) == ERR_OK,
                  "seed %016llx: %s: %.*s", seed, e.text, (int)patch.n, patch.p);
    ck_assert(netmap_format(got, &text));
    ck_assert_msg(str_eq(of(&text), of(&to->net_text)), "seed %016llx: %.*s", seed, (int)text.len,
                  text.data);
    ck_assert_uint_eq(got->prefix_count, to->net->prefix_count);
    ck_assert_uint_eq(got->v4_count, to->net->v4_count);
    bytes_free(&text);
    arena_free(arena);
}

static void cost_becomes(const struct maps *from, enum patch_kind kind, struct str patch,
                         const struct maps *to, unsigned long long seed)
{
    struct arena *arena = arena_new((size_t)64 << 20);
    const struct costmap *got;
    struct bytes text = {0};
    struct err e = {0};

    ck_assert_msg(
        costmap_patch_apply(from->cost, from->net, kind, patch, to->net, arena, &got, &e) == ERR_OK,
        "seed %016llx: %s: %.*s", seed, e.text, (int)patch.n, patch.p);
    ck_assert(costmap_format(got, to->net, &text));
    ck_assert_msg(str_eq(of(&text), of(&to->cost_text)), "seed %016llx: %.*s", seed, (int)text.len,
                  text.data);
    ck_assert_str_eq(costmap_info_get(got)->tag, costmap_info_get(to->cost)->tag);
    ck_assert_uint_eq(costmap_info_get(got)->pair_count, costmap_info_get(to->cost)->pair_count);
    ck_assert_uint_eq(costmap_info_get(got)->unknown_pids, 0);
    bytes_free(&text);
    arena_free(arena);
}

static void check_merge(const struct maps *from, const struct maps *to, unsigned long long seed)
{
    struct bytes patch = {0};

    ck_assert(bytes_add(&patch, "kept", 4));
    ck_assert(netmap_patch_format(from->net, &from->net->vtag, to->net, &to->net->vtag, SIZE_MAX,
                                  &patch));
    memmove(patch.data, patch.data + 4, patch.len -= 4);
    oracle(&from->net_text, &patch, &to->net_text, seed);
    net_becomes(from, PATCH_MERGE, of(&patch), to, seed);

    patch.len = 0;
    ck_assert(costmap_patch_format(from->cost, from->net, &from->net->vtag, to->cost, to->net,
                                   &to->net->vtag, SIZE_MAX, &patch));
    oracle(&from->cost_text, &patch, &to->cost_text, seed);
    cost_becomes(from, PATCH_MERGE, of(&patch), to, seed);
    bytes_free(&patch);
}

static char *ops_text(const struct bytes *from, const struct bytes *to, uint64_t seed)
{
    json_t *a = tree(from), *b = tree(to), *ops = json_patch_make(a, b), *more = json_array();
    json_t *op;
    char *text;
    size_t i;

    /* Before each replacement a test of what is there, and detours. */
    json_array_foreach(ops, i, op)
    {
        const char *path = json_string_value(json_object_get(op, "path"));

        if (strcmp(json_string_value(json_object_get(op, "op")), "replace") == 0 &&
            hash_mix(seed, i) % 3 == 0 && strncmp(path, "/meta", 5) != 0) {
            json_array_append_new(more, json_pack("{ssss}", "op", "remove", "path", path));
            json_array_append_new(more, json_pack("{sssssO}", "op", "add", "path", path, "value",
                                                  json_object_get(op, "value")));
            json_array_append_new(more,
                                  json_pack("{ssssss}", "op", "copy", "path", path, "from", path));
            json_array_append_new(more, json_pack("{sssssO}", "op", "test", "path", path, "value",
                                                  json_object_get(op, "value")));
        } else {
            json_array_append(more, op);
        }
    }
    text = json_dumps(more, JSON_COMPACT);
    json_decref(a);
    json_decref(b);
    json_decref(ops);
    json_decref(more);
    return text;
}

static void check_ops(const struct maps *from, const struct maps *to, uint64_t seed)
{
    char *text = ops_text(&from->net_text, &to->net_text, seed);

    net_becomes(from, PATCH_JSON, str_from(text), to, seed);
    free(text);
    text = ops_text(&from->cost_text, &to->cost_text, seed);
    cost_becomes(from, PATCH_JSON, str_from(text), to, seed);
    free(text);
}

/* Conformance: U-13, U-14, U-15. */
START_TEST(random_maps)
{
    uint64_t start;

    hash_random(&start, sizeof start);
    for (unsigned round = 0; round < 250; round++) {
        uint64_t seed = hash_mix(start, round), first = seed;
        struct model m;
        struct maps from, to;

        model_draw(&m, &seed);
        maps_make(&from, &m);
        if (draw(&seed) % 20 == 0) {
            bool ordinal = m.ordinal;

            model_draw(&m, &seed);
            m.ordinal = ordinal; /* a resource keeps its type */
        } else {
            model_change(&m, &seed);
        }
        maps_make(&to, &m);
        check_merge(&from, &to, first);
        check_ops(&from, &to, first);
        maps_free(&from);
        maps_free(&to);
    }
}
END_TEST

START_TEST(no_room)
{
    uint64_t seed = 5;
    struct model m;
    struct maps from, to;
    struct bytes out = {0};
    size_t whole;

    model_draw(&m, &seed);
    m.ordinal = false;
    maps_make(&from, &m);
    model_draw(&m, &seed);
    m.ordinal = false;
    maps_make(&to, &m);
    ck_assert(bytes_add(&out, "x", 1));
    ck_assert(costmap_patch_format(from.cost, from.net, &from.net->vtag, to.cost, to.net,
                                   &to.net->vtag, SIZE_MAX, &out));
    whole = out.len - 1;
    for (size_t max = 0; max < whole + 40; max += max + 40 < whole ? 37 : 1) {
        bool good;

        bytes_free(&out);
        out = (struct bytes){.limit = 1u << 20};
        ck_assert(bytes_add(&out, "x", 1));
        good = costmap_patch_format(from.cost, from.net, &from.net->vtag, to.cost, to.net,
                                    &to.net->vtag, max, &out);
        ck_assert_msg(good ? out.len == whole + 1 && max >= whole : out.len == 1, "%zu of %zu", max,
                      whole);
        ck_assert_uint_eq(out.limit, 1u << 20);
        ck_assert(!netmap_patch_format(from.net, &from.net->vtag, to.net, &to.net->vtag, max / 50,
                                       &out) ||
                  max / 50 > 60);
    }
    bytes_free(&out);
    maps_free(&from);
    maps_free(&to);
}
END_TEST

static const char net_text[] =
    "{\"meta\":{\"vtag\":{\"resource-id\":\"n\",\"tag\":\"1\"}},\"network-map\":{"
    "\"a\":{\"ipv4\":[\"10.0.0.0/8\",\"11.0.0.0/8\"],\"ipv6\":[\"2001:db8::/32\"]},\"b\":{},"
    "\"c\":{\"ipv4\":[\"12.0.0.0/8\"]}}}";

// clang-format off
static const struct {
    const char *what;
    enum patch_kind kind;
    const char *patch;
    enum err_code rc;
    const char *result; /* of the network-map member */
} nets[] = {
    {"nothing", PATCH_MERGE, "{}", ERR_OK,
     "{\"a\":{\"ipv4\":[\"10.0.0.0/8\",\"11.0.0.0/8\"],\"ipv6\":[\"2001:db8::/32\"]},\"b\":{},\"c\":{\"ipv4\":[\"12.0.0.0/8\"]}}"},
    {"lists come and go", PATCH_MERGE, "{\"network-map\":{\"a\":{\"ipv4\":null},\"b\":{\"ipv4\":[\"10.0.0.0/8\"]}}}", ERR_OK,
     "{\"a\":{\"ipv6\":[\"2001:db8::/32\"]},\"b\":{\"ipv4\":[\"10.0.0.0/8\"]},\"c\":{\"ipv4\":[\"12.0.0.0/8\"]}}"},
    {"PIDs do", PATCH_MERGE, "{\"network-map\":{\"a\":null,\"c\":null,\"d\":{},\"zz\":null,\"e\":{\"ipv4\":null,\"mac\":7}}}", ERR_OK,
     "{\"b\":{},\"d\":{},\"e\":{}}"},
    {"a prefix that another PID has", PATCH_MERGE, "{\"network-map\":{\"b\":{\"ipv4\":[\"12.0.0.0/8\"]}}}", ERR_CONFLICT, NULL},
    {"a PID twice", PATCH_MERGE, "{\"network-map\":{\"b\":{},\"b\":null}}", ERR_PARSE, NULL},
    {"a new PID twice", PATCH_MERGE, "{\"network-map\":{\"d\":null,\"d\":{}}}", ERR_PARSE, NULL},
    {"a list twice", PATCH_MERGE, "{\"network-map\":{\"b\":{\"ipv4\":[],\"ipv4\":null}}}", ERR_PARSE, NULL},
    {"no map is left", PATCH_MERGE, "{\"network-map\":null}", ERR_PARSE, NULL},
    {"a PID is no string", PATCH_MERGE, "{\"network-map\":{\"a\":\"x\"}}", ERR_PARSE, NULL},
    {"a list is no object", PATCH_MERGE, "{\"network-map\":{\"a\":{\"ipv4\":{}}}}", ERR_PARSE, NULL},
    {"not a prefix", PATCH_MERGE, "{\"network-map\":{\"a\":{\"ipv4\":[\"10.0.0.0\"]}}}", ERR_PARSE, NULL},
    {"not a name", PATCH_MERGE, "{\"network-map\":{\"a b\":{}}}", ERR_PARSE, NULL},
    {"a tag that is none", PATCH_MERGE, "{\"meta\":{\"vtag\":{\"tag\":\"a b\"}}}", ERR_PARSE, NULL},
    {"a tag alone has no meaning", PATCH_MERGE, "{\"meta\":{\"vtag\":{\"resource-id\":null}}}", ERR_PARSE, NULL},
    {"not JSON", PATCH_MERGE, "{\"network-map\":{\"a\":", ERR_PARSE, NULL},
    {"no object", PATCH_MERGE, "[]", ERR_PARSE, NULL},

    {"RFC 8895 section 8.2, as an array", PATCH_JSON,
     "[{\"op\":\"replace\",\"path\":\"/meta/vtag/tag\",\"value\":\"2\"},{\"op\":\"add\",\"path\":\"/network-map/a/ipv4/2\",\"value\":\"13.0.0.0/8\"}]", ERR_OK,
     "{\"a\":{\"ipv4\":[\"10.0.0.0/8\",\"11.0.0.0/8\",\"13.0.0.0/8\"],\"ipv6\":[\"2001:db8::/32\"]},\"b\":{},\"c\":{\"ipv4\":[\"12.0.0.0/8\"]}}"},
    {"the object that it shows", PATCH_JSON,
     "{\"op\":\"replace\",\"path\":\"/meta/vtag/tag\",\"value\":\"2\"}", ERR_PARSE, NULL},
    {"a list moves", PATCH_JSON, "[{\"op\":\"move\",\"from\":\"/network-map/c/ipv4\",\"path\":\"/network-map/b/ipv4\"}]", ERR_OK,
     "{\"a\":{\"ipv4\":[\"10.0.0.0/8\",\"11.0.0.0/8\"],\"ipv6\":[\"2001:db8::/32\"]},\"b\":{\"ipv4\":[\"12.0.0.0/8\"]},\"c\":{}}"},
    {"a PID gets another name", PATCH_JSON, "[{\"op\":\"move\",\"from\":\"/network-map/c\",\"path\":\"/network-map/x\"}]", ERR_OK,
     "{\"a\":{\"ipv4\":[\"10.0.0.0/8\",\"11.0.0.0/8\"],\"ipv6\":[\"2001:db8::/32\"]},\"b\":{},\"x\":{\"ipv4\":[\"12.0.0.0/8\"]}}"},
    {"all anew", PATCH_JSON, "[{\"op\":\"replace\",\"path\":\"/network-map\",\"value\":{\"x\":{\"ipv6\":[\"::/0\"]}}}]", ERR_OK,
     "{\"x\":{\"ipv6\":[\"::/0\"]}}"},
    {"tests", PATCH_JSON,
     "[{\"op\":\"test\",\"path\":\"/network-map/a/ipv4\",\"value\":[\"11.0.0.0/8\",\"10.0.0.0/8\"]},{\"op\":\"test\",\"path\":\"/meta/vtag/tag\",\"value\":\"1\"},"
     "{\"op\":\"test\",\"path\":\"/network-map/c\",\"value\":{\"ipv4\":[\"12.0.0.0/8\"]}},{\"op\":\"remove\",\"path\":\"/network-map/a\"}]", ERR_OK,
     "{\"b\":{},\"c\":{\"ipv4\":[\"12.0.0.0/8\"]}}"},
    {"a test of a list that fails", PATCH_JSON, "[{\"op\":\"test\",\"path\":\"/network-map/a/ipv4\",\"value\":[\"11.0.0.0/8\"]}]", ERR_CONFLICT, NULL},
    {"of a PID", PATCH_JSON, "[{\"op\":\"test\",\"path\":\"/network-map/c\",\"value\":{}}]", ERR_CONFLICT, NULL},
    {"of a tag", PATCH_JSON, "[{\"op\":\"test\",\"path\":\"/meta/vtag/tag\",\"value\":\"9\"}]", ERR_CONFLICT, NULL},
    {"a PID that is not there goes", PATCH_JSON, "[{\"op\":\"remove\",\"path\":\"/network-map/x\"}]", ERR_CONFLICT, NULL},
    {"is replaced", PATCH_JSON, "[{\"op\":\"replace\",\"path\":\"/network-map/x\",\"value\":{}}]", ERR_CONFLICT, NULL},
    {"gets a list", PATCH_JSON, "[{\"op\":\"add\",\"path\":\"/network-map/x/ipv4\",\"value\":[]}]", ERR_CONFLICT, NULL},
    {"a list that is not there goes", PATCH_JSON, "[{\"op\":\"remove\",\"path\":\"/network-map/b/ipv4\"}]", ERR_CONFLICT, NULL},
    {"gets a prefix", PATCH_JSON, "[{\"op\":\"add\",\"path\":\"/network-map/b/ipv4/-\",\"value\":\"13.0.0.0/8\"}]", ERR_CONFLICT, NULL},
    {"behind the end", PATCH_JSON, "[{\"op\":\"add\",\"path\":\"/network-map/c/ipv4/2\",\"value\":\"13.0.0.0/8\"}]", ERR_CONFLICT, NULL},
    {"by its number: the order is not kept", PATCH_JSON, "[{\"op\":\"remove\",\"path\":\"/network-map/c/ipv4/0\"}]", ERR_UNSUPPORTED, NULL},
    {"an operation fails: none counts", PATCH_JSON, "[{\"op\":\"remove\",\"path\":\"/network-map/a\"},{\"op\":\"spam\",\"path\":\"\"}]", ERR_PARSE, NULL},
};
// clang-format on

START_TEST(net_rows)
{
    struct arena *arena = arena_new((size_t)64 << 20);
    const struct netmap *from, *to = NULL;
    struct bytes before = {0}, after = {0};
    struct err e = {0};
    enum err_code rc;

    ck_assert_int_eq(netmap_parse(net_text, strlen(net_text), arena, &from, &e), ERR_OK);
    ck_assert(netmap_format(from, &before));
    rc = netmap_patch_apply(from, nets[_i].kind, str_from(nets[_i].patch), arena, &to, &e);
    ck_assert_msg(rc == nets[_i].rc, "%s: %s", nets[_i].what, e.text);
    ck_assert((rc == ERR_OK) == (to != NULL) && (rc != ERR_OK) == (e.text[0] != '\0'));
    if (to) {
        char *at;

        ck_assert(netmap_format(to, &after) && bytes_add(&after, "", 1));
        at = strstr(after.data, "\"network-map\":");
        after.data[after.len - 2] = '\0';
        ck_assert_msg(strcmp(at + 14, nets[_i].result) == 0, "%s: %s", nets[_i].what, at + 14);
    }
    after.len = 0;
    ck_assert(netmap_format(from, &after) && str_eq(of(&before), of(&after)));
    bytes_free(&before);
    bytes_free(&after);
    arena_free(arena);
}
END_TEST

static const char cost_text[] =
    "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"n\",\"tag\":\"1\"}],\"cost-type\":"
    "{\"cost-mode\":\"numerical\",\"cost-metric\":\"hopcount\"}},\"cost-map\":{"
    "\"a\":{\"a\":1,\"b\":2,\"c\":3},\"b\":{\"a\":4}}}";

// clang-format off
static const struct {
    const char *what;
    enum patch_kind kind;
    const char *patch;
    enum err_code rc;
    const char *result; /* of the cost-map member */
} costs[] = {
    {"nothing", PATCH_MERGE, "{}", ERR_OK, "{\"a\":{\"a\":1,\"b\":2,\"c\":3},\"b\":{\"a\":4}}"},
    {"pairs come, change and go", PATCH_MERGE, "{\"cost-map\":{\"a\":{\"a\":7,\"b\":null},\"b\":{\"c\":0,\"b\":null},\"c\":{\"b\":5}}}", ERR_OK,
     "{\"a\":{\"a\":7,\"c\":3},\"b\":{\"a\":4,\"c\":0},\"c\":{\"b\":5}}"},
    {"rows go", PATCH_MERGE, "{\"cost-map\":{\"a\":null,\"c\":null,\"b\":{\"a\":null}}}", ERR_OK, "{}"},
    {"PIDs that nobody has", PATCH_MERGE, "{\"cost-map\":{\"a\":{\"x\":1,\"y\":null},\"z\":{\"a\":1}}}", ERR_OK,
     "{\"a\":{\"a\":1,\"b\":2,\"c\":3},\"b\":{\"a\":4}}"},
    {"a tag of its own (RFC 8895 section 8.1)", PATCH_MERGE, "{\"meta\":{\"vtag\":{\"tag\":\"9\"}},\"cost-map\":{\"b\":{\"a\":5}}}", ERR_OK,
     "{\"a\":{\"a\":1,\"b\":2,\"c\":3},\"b\":{\"a\":5}}"},
    {"for another network map", PATCH_MERGE, "{\"meta\":{\"dependent-vtags\":[{\"resource-id\":\"n\",\"tag\":\"2\"}]}}", ERR_CONFLICT, NULL},
    {"for none", PATCH_MERGE, "{\"meta\":{\"dependent-vtags\":null}}", ERR_PARSE, NULL},
    {"a row twice", PATCH_MERGE, "{\"cost-map\":{\"a\":{},\"a\":null}}", ERR_PARSE, NULL},
    {"a pair twice", PATCH_MERGE, "{\"cost-map\":{\"a\":{\"a\":1,\"a\":null}}}", ERR_PARSE, NULL},
    {"a negative cost", PATCH_MERGE, "{\"cost-map\":{\"a\":{\"a\":-1}}}", ERR_PARSE, NULL},
    {"half a hop", PATCH_MERGE, "{\"cost-map\":{\"a\":{\"a\":1.5}}}", ERR_PARSE, NULL},
    {"half a rank", PATCH_MERGE, "{\"meta\":{\"cost-type\":{\"cost-mode\":\"ordinal\",\"cost-metric\":\"routingcost\"}},\"cost-map\":{\"a\":{\"a\":1.5}}}", ERR_PARSE, NULL},
    {"no such half elsewhere", PATCH_MERGE, "{\"meta\":{\"cost-type\":{\"cost-metric\":\"routingcost\"}},\"cost-map\":{\"a\":{\"a\":1.5}}}", ERR_OK,
     "{\"a\":{\"a\":1.5,\"b\":2,\"c\":3},\"b\":{\"a\":4}}"},
    {"a cost that is a string", PATCH_MERGE, "{\"cost-map\":{\"a\":{\"a\":\"1\"}}}", ERR_PARSE, NULL},
    {"several costs", PATCH_MERGE, "{\"cost-map\":{\"a\":{\"a\":[1,2]}}}", ERR_UNSUPPORTED, NULL},
    {"a row that is a number", PATCH_MERGE, "{\"cost-map\":{\"a\":1}}", ERR_PARSE, NULL},
    {"no map is left", PATCH_MERGE, "{\"cost-map\":null}", ERR_PARSE, NULL},

    {"all operations", PATCH_JSON,
     "[{\"op\":\"test\",\"path\":\"/cost-map/a/b\",\"value\":2.0},{\"op\":\"replace\",\"path\":\"/cost-map/a/b\",\"value\":5},"
     "{\"op\":\"move\",\"from\":\"/cost-map/b/a\",\"path\":\"/cost-map/b/c\"},{\"op\":\"copy\",\"from\":\"/cost-map/a\",\"path\":\"/cost-map/c\"},"
     "{\"op\":\"remove\",\"path\":\"/cost-map/a/c\"},{\"op\":\"add\",\"path\":\"/cost-map/b/b\",\"value\":0},"
     "{\"op\":\"test\",\"path\":\"/cost-map/b\",\"value\":{\"b\":0,\"c\":4}}]", ERR_OK,
     "{\"a\":{\"a\":1,\"b\":5},\"b\":{\"b\":0,\"c\":4},\"c\":{\"a\":1,\"b\":5,\"c\":3}}"},
    {"null is no value", PATCH_JSON, "[{\"op\":\"add\",\"path\":\"/cost-map/a/b\",\"value\":null},{\"op\":\"test\",\"path\":\"/cost-map/a/b\",\"value\":null}]", ERR_OK,
     "{\"a\":{\"a\":1,\"c\":3},\"b\":{\"a\":4}}"},
    {"all anew", PATCH_JSON, "[{\"op\":\"replace\",\"path\":\"/cost-map\",\"value\":{\"c\":{\"c\":1}}}]", ERR_OK, "{\"c\":{\"c\":1}}"},
    {"a tag of its own, again", PATCH_JSON, "[{\"op\":\"replace\",\"path\":\"/meta/vtag/tag\",\"value\":\"9\"}]", ERR_OK,
     "{\"a\":{\"a\":1,\"b\":2,\"c\":3},\"b\":{\"a\":4}}"},
    {"a version, by its place", PATCH_JSON, "[{\"op\":\"replace\",\"path\":\"/meta/dependent-vtags/0/tag\",\"value\":\"2\"}]", ERR_CONFLICT, NULL},
    {"a pair that is not there changes", PATCH_JSON, "[{\"op\":\"replace\",\"path\":\"/cost-map/b/b\",\"value\":5}]", ERR_CONFLICT, NULL},
    {"goes", PATCH_JSON, "[{\"op\":\"remove\",\"path\":\"/cost-map/b/b\"}]", ERR_CONFLICT, NULL},
    {"goes twice", PATCH_JSON, "[{\"op\":\"remove\",\"path\":\"/cost-map/b/a\"},{\"op\":\"remove\",\"path\":\"/cost-map/b/a\"}]", ERR_CONFLICT, NULL},
    {"comes into a row that is not there", PATCH_JSON, "[{\"op\":\"add\",\"path\":\"/cost-map/c/b\",\"value\":5}]", ERR_CONFLICT, NULL},
    {"a row that is not there goes", PATCH_JSON, "[{\"op\":\"remove\",\"path\":\"/cost-map/c\"}]", ERR_CONFLICT, NULL},
    {"a test fails", PATCH_JSON, "[{\"op\":\"test\",\"path\":\"/cost-map/a/b\",\"value\":3}]", ERR_CONFLICT, NULL},
    {"a PID that nobody has", PATCH_JSON, "[{\"op\":\"remove\",\"path\":\"/cost-map/zz\"}]", ERR_CONFLICT, NULL},
    {"a negative cost, again", PATCH_JSON, "[{\"op\":\"replace\",\"path\":\"/cost-map/a/b\",\"value\":-5}]", ERR_PARSE, NULL},
    {"something else", PATCH_JSON, "[{\"op\":\"add\",\"path\":\"/cost-map/a/b/c\",\"value\":5}]", ERR_UNSUPPORTED, NULL},
};
// clang-format on

START_TEST(cost_rows)
{
    struct arena *arena = arena_new((size_t)64 << 20);
    const struct costmap *from, *to = NULL;
    const struct netmap *net;
    struct bytes before = {0}, after = {0};
    struct err e = {0};
    enum err_code rc;

    ck_assert_int_eq(netmap_parse(net_text, strlen(net_text), arena, &net, &e), ERR_OK);
    ck_assert_int_eq(costmap_parse(cost_text, strlen(cost_text), net, arena, &from, &e), ERR_OK);
    ck_assert(costmap_format(from, net, &before));
    rc = costmap_patch_apply(from, net, costs[_i].kind, str_from(costs[_i].patch), net, arena, &to,
                             &e);
    ck_assert_msg(rc == costs[_i].rc, "%s: %s", costs[_i].what, e.text);
    ck_assert((rc == ERR_OK) == (to != NULL) && (rc != ERR_OK) == (e.text[0] != '\0'));
    if (to) {
        char *at;

        ck_assert(costmap_format(to, net, &after) && bytes_add(&after, "", 1));
        at = strstr(after.data, "\"cost-map\":");
        after.data[after.len - 2] = '\0';
        ck_assert_msg(strcmp(at + 11, costs[_i].result) == 0, "%s: %s", costs[_i].what, at + 11);
    }
    after.len = 0;
    ck_assert(costmap_format(from, net, &after) && str_eq(of(&before), of(&after)));
    bytes_free(&before);
    bytes_free(&after);
    arena_free(arena);
}
END_TEST

/* What was left out when the old text was read may be what the new PID needs. */
START_TEST(dropped_costs)
{
    static const char old_net[] = "{\"meta\":{\"vtag\":{\"resource-id\":\"n\",\"tag\":\"1\"}},"
                                  "\"network-map\":{\"a\":{},\"b\":{}}}";
    struct arena *arena = arena_new((size_t)64 << 20);
    const struct costmap *from, *to = NULL;
    const struct netmap *few, *all;
    struct err e = {0};

    ck_assert_int_eq(netmap_parse(old_net, strlen(old_net), arena, &few, &e), ERR_OK);
    ck_assert_int_eq(netmap_parse(net_text, strlen(net_text), arena, &all, &e), ERR_OK);
    ck_assert_int_eq(costmap_parse(cost_text, strlen(cost_text), few, arena, &from, &e), ERR_OK);
    ck_assert_int_eq(costmap_patch_apply(from, few, PATCH_MERGE, STR("{}"), few, arena, &to, &e),
                     ERR_OK);
    ck_assert_int_eq(costmap_patch_apply(from, few, PATCH_MERGE, STR("{}"), all, arena, &to, &e),
                     ERR_CONFLICT);
    arena_free(arena);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("patch_maps");
    TCase *c = tcase_create("patch_maps");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(c, random_maps);
    tcase_add_test(c, no_room);
    tcase_add_loop_test(c, net_rows, 0, (int)(sizeof nets / sizeof *nets));
    tcase_add_loop_test(c, cost_rows, 0, (int)(sizeof costs / sizeof *costs));
    tcase_add_test(c, dropped_costs);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
