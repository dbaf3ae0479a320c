#include "alto/patch.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/jsonin.h"

static json_t *load(const char *text)
{
    struct err e = {0};
    json_t *v = NULL;

    ck_assert_msg(jsonin_load(text, strlen(text), &v, &e) == ERR_OK, "%s: %s", text, e.text);
    return v;
}

static char *shown(const json_t *v)
{
    return v ? json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS) : strdup("nothing");
}

/* RFC 7396 appendix A, row by row. */
static const struct {
    const char *target, *patch, *result;
} merges[] = {
    {"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
    {"{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}"},
    {"{\"a\":\"b\"}", "{\"a\":null}", "{}"},
    {"{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}"},
    {"{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
    {"{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}"},
    {"{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}"},
    {"{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}"},
    {"[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]"},
    {"{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]"},
    {"{\"a\":\"foo\"}", "null", "null"},
    {"{\"a\":\"foo\"}", "\"bar\"", "\"bar\""},
    {"{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}"},
    {"[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}"},
    {"{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}"},
    /* and ours */
    {"{\"a\":1}", "{\"b\":null}", "{\"a\":1}"},
    {"{\"a\":1}", "{\"a\":{\"b\":null,\"c\":2}}", "{\"a\":{\"c\":2}}"},
    {"{\"a\":{\"b\":1}}", "{\"a\":{}}", "{\"a\":{\"b\":1}}"},
    {"{\"a\":1}", "{\"a\":[null,{\"b\":null}]}", "{\"a\":[null,{\"b\":null}]}"},
    {"7", "{}", "{}"},
};

/* Conformance: U-13. */
START_TEST(merge_rows)
{
    json_t *target = load(merges[_i].target), *patch = load(merges[_i].patch);
    json_t *kept = json_deep_copy(target), *want = load(merges[_i].result);
    json_t *got = merge_patch_apply(target, patch);
    char *text = shown(got);

    ck_assert_msg(json_equal(got, want), "%s with %s: %s", merges[_i].target, merges[_i].patch,
                  text);
    ck_assert(json_equal(target, kept));
    free(text);
    json_decref(target);
    json_decref(patch);
    json_decref(kept);
    json_decref(want);
    json_decref(got);
}
END_TEST

// clang-format off
static const struct {
    const char *what, *target, *patch, *result; /* NULL: rc says why not */
    enum err_code rc;
} patches[] = {
    {"no operation", "{\"a\":1}", "[]", "{\"a\":1}", ERR_OK},
    {"not an array (as RFC 8895 section 8.2 shows it)", "{}",
     "{\"op\":\"add\",\"path\":\"/a\",\"value\":1}", NULL, ERR_PARSE},
    {"an operation that is none", "{}", "[7]", NULL, ERR_PARSE},
    {"without op", "{}", "[{\"path\":\"/a\",\"value\":1}]", NULL, ERR_PARSE},
    {"op of another kind", "{}", "[{\"op\":1,\"path\":\"/a\",\"value\":1}]", NULL, ERR_PARSE},
    {"unknown op", "{}", "[{\"op\":\"spam\",\"path\":\"/a\",\"value\":1}]", NULL, ERR_PARSE},
    {"op in other letters", "{}", "[{\"op\":\"Add\",\"path\":\"/a\",\"value\":1}]", NULL, ERR_PARSE},
    {"without path", "{}", "[{\"op\":\"add\",\"value\":1}]", NULL, ERR_PARSE},
    {"path is null", "{}", "[{\"op\":\"add\",\"path\":null,\"value\":1}]", NULL, ERR_PARSE},
    {"add without value", "{}", "[{\"op\":\"add\",\"path\":\"/a\"}]", NULL, ERR_PARSE},
    {"replace without value", "{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"/a\"}]", NULL, ERR_PARSE},
    {"test without value", "{\"a\":1}", "[{\"op\":\"test\",\"path\":\"/a\"}]", NULL, ERR_PARSE},
    {"move without from", "{\"a\":1}", "[{\"op\":\"move\",\"path\":\"/b\"}]", NULL, ERR_PARSE},
    {"copy without from", "{\"a\":1}", "[{\"op\":\"copy\",\"path\":\"/b\"}]", NULL, ERR_PARSE},
    {"a pointer without its slash", "{\"a\":1}", "[{\"op\":\"remove\",\"path\":\"a\"}]", NULL, ERR_PARSE},
    {"~2 in a pointer", "{\"~2\":1}", "[{\"op\":\"remove\",\"path\":\"/~2\"}]", NULL, ERR_PARSE},
    {"~ at a pointer's end", "{\"~\":1}", "[{\"op\":\"remove\",\"path\":\"/~\"}]", NULL, ERR_PARSE},
    {"a faulty pointer is one behind a missing member, too", "{}",
     "[{\"op\":\"add\",\"path\":\"/a/b/~3\",\"value\":1}]", NULL, ERR_PARSE},
    {"members that mean nothing are ignored", "{}",
     "[{\"op\":\"add\",\"path\":\"/a\",\"value\":1,\"xyz\":[]}]", "{\"a\":1}", ERR_OK},

    {"add a member", "{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/baz\",\"value\":\"qux\"}]",
     "{\"foo\":\"bar\",\"baz\":\"qux\"}", ERR_OK},
    {"add over a member", "{\"a\":1}", "[{\"op\":\"add\",\"path\":\"/a\",\"value\":[2]}]", "{\"a\":[2]}", ERR_OK},
    {"add null", "{}", "[{\"op\":\"add\",\"path\":\"/a\",\"value\":null}]", "{\"a\":null}", ERR_OK},
    {"add under the empty name", "{}", "[{\"op\":\"add\",\"path\":\"/\",\"value\":1}]", "{\"\":1}", ERR_OK},
    {"two empty names", "{\"\":{}}", "[{\"op\":\"add\",\"path\":\"//\",\"value\":1}]", "{\"\":{\"\":1}}", ERR_OK},
    {"add the whole document", "{\"a\":1}", "[{\"op\":\"add\",\"path\":\"\",\"value\":[7]}]", "[7]", ERR_OK},
    {"add an item", "{\"foo\":[\"bar\",\"baz\"]}", "[{\"op\":\"add\",\"path\":\"/foo/1\",\"value\":\"qux\"}]",
     "{\"foo\":[\"bar\",\"qux\",\"baz\"]}", ERR_OK},
    {"add in front", "[1]", "[{\"op\":\"add\",\"path\":\"/0\",\"value\":0}]", "[0,1]", ERR_OK},
    {"add at the length", "[1]", "[{\"op\":\"add\",\"path\":\"/1\",\"value\":2}]", "[1,2]", ERR_OK},
    {"add at the end", "[1]", "[{\"op\":\"add\",\"path\":\"/-\",\"value\":[2]}]", "[1,[2]]", ERR_OK},
    {"add behind the end", "[1]", "[{\"op\":\"add\",\"path\":\"/2\",\"value\":2}]", NULL, ERR_CONFLICT},
    {"an index with a leading zero", "[1,2]", "[{\"op\":\"add\",\"path\":\"/01\",\"value\":2}]", NULL, ERR_CONFLICT},
    {"a negative index", "[1]", "[{\"op\":\"add\",\"path\":\"/-1\",\"value\":2}]", NULL, ERR_CONFLICT},
    {"an index with an exponent", "[1,2]", "[{\"op\":\"add\",\"path\":\"/1e0\",\"value\":2}]", NULL, ERR_CONFLICT},
    {"an index beyond all numbers", "[1]",
     "[{\"op\":\"add\",\"path\":\"/18446744073709551616\",\"value\":2}]", NULL, ERR_CONFLICT},
    {"a word for an index", "[1]", "[{\"op\":\"add\",\"path\":\"/bar\",\"value\":2}]", NULL, ERR_CONFLICT},
    {"digits are a name in an object", "{}", "[{\"op\":\"add\",\"path\":\"/01\",\"value\":2}]", "{\"01\":2}", ERR_OK},
    {"- is a name in an object", "{}", "[{\"op\":\"add\",\"path\":\"/-\",\"value\":2}]", "{\"-\":2}", ERR_OK},
    {"add below nothing", "{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/baz/bat\",\"value\":\"qux\"}]",
     NULL, ERR_CONFLICT},
    {"add below a string", "{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/foo/bat\",\"value\":1}]", NULL, ERR_CONFLICT},

    {"remove a member", "{\"baz\":\"qux\",\"foo\":\"bar\"}", "[{\"op\":\"remove\",\"path\":\"/baz\"}]",
     "{\"foo\":\"bar\"}", ERR_OK},
    {"remove an item", "{\"foo\":[\"bar\",\"qux\",\"baz\"]}", "[{\"op\":\"remove\",\"path\":\"/foo/1\"}]",
     "{\"foo\":[\"bar\",\"baz\"]}", ERR_OK},
    {"remove null", "{\"a\":null}", "[{\"op\":\"remove\",\"path\":\"/a\"}]", "{}", ERR_OK},
    {"remove what is not there", "{\"a\":1}", "[{\"op\":\"remove\",\"path\":\"/b\"}]", NULL, ERR_CONFLICT},
    {"remove at the end", "[1]", "[{\"op\":\"remove\",\"path\":\"/-\"}]", NULL, ERR_CONFLICT},
    {"remove behind the end", "[1]", "[{\"op\":\"remove\",\"path\":\"/1\"}]", NULL, ERR_CONFLICT},
    {"remove everything", "{\"a\":1}", "[{\"op\":\"remove\",\"path\":\"\"}]", NULL, ERR_CONFLICT},

    {"replace a member", "{\"baz\":\"qux\"}", "[{\"op\":\"replace\",\"path\":\"/baz\",\"value\":\"boo\"}]",
     "{\"baz\":\"boo\"}", ERR_OK},
    {"replace an item", "[1,2]", "[{\"op\":\"replace\",\"path\":\"/0\",\"value\":7}]", "[7,2]", ERR_OK},
    {"replace by null", "{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"/a\",\"value\":null}]", "{\"a\":null}", ERR_OK},
    {"replace everything", "{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"\",\"value\":7}]", "7", ERR_OK},
    {"replace nothing", "{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"/b\",\"value\":7}]", NULL, ERR_CONFLICT},
    {"replace at the end", "[1]", "[{\"op\":\"replace\",\"path\":\"/-\",\"value\":7}]", NULL, ERR_CONFLICT},

    {"move a member", "{\"foo\":{\"bar\":\"baz\",\"waldo\":\"fred\"},\"qux\":{\"corge\":\"grault\"}}",
     "[{\"op\":\"move\",\"from\":\"/foo/waldo\",\"path\":\"/qux/thud\"}]",
     "{\"foo\":{\"bar\":\"baz\"},\"qux\":{\"corge\":\"grault\",\"thud\":\"fred\"}}", ERR_OK},
    {"move an item", "{\"foo\":[\"all\",\"grass\",\"cows\",\"eat\"]}",
     "[{\"op\":\"move\",\"from\":\"/foo/1\",\"path\":\"/foo/3\"}]",
     "{\"foo\":[\"all\",\"cows\",\"eat\",\"grass\"]}", ERR_OK},
    {"an index is that of the array without what is moved", "[1,2]",
     "[{\"op\":\"move\",\"from\":\"/0\",\"path\":\"/2\"}]", NULL, ERR_CONFLICT},
    {"move to its own place", "{\"a\":1}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/a\"}]", "{\"a\":1}", ERR_OK},
    {"move into itself", "{\"a\":{\"b\":{}}}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/a/b/c\"}]",
     NULL, ERR_CONFLICT},
    {"move to a name that begins alike", "{\"a\":1}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/ab\"}]",
     "{\"ab\":1}", ERR_OK},
    {"move up to everything", "{\"a\":[1]}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"\"}]", "[1]", ERR_OK},
    {"move nothing", "{\"a\":1}", "[{\"op\":\"move\",\"from\":\"/b\",\"path\":\"/c\"}]", NULL, ERR_CONFLICT},

    {"copy a member", "{\"a\":{\"b\":1}}", "[{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/c\"}]",
     "{\"a\":{\"b\":1},\"c\":{\"b\":1}}", ERR_OK},
    {"copy into itself", "{\"a\":{}}", "[{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/a/a\"}]",
     "{\"a\":{\"a\":{}}}", ERR_OK},
    {"a copy is one of its own", "{\"a\":[1]}",
     "[{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/b\"},{\"op\":\"add\",\"path\":\"/b/-\",\"value\":2}]",
     "{\"a\":[1],\"b\":[1,2]}", ERR_OK},
    {"an added value is one of its own", "{}",
     "[{\"op\":\"add\",\"path\":\"/a\",\"value\":[1]},{\"op\":\"add\",\"path\":\"/a/-\",\"value\":2}]",
     "{\"a\":[1,2]}", ERR_OK},
    {"copy nothing", "{\"a\":1}", "[{\"op\":\"copy\",\"from\":\"/b\",\"path\":\"/c\"}]", NULL, ERR_CONFLICT},

    {"test a string", "{\"a\":\"x\"}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":\"x\"}]", "{\"a\":\"x\"}", ERR_OK},
    {"test another string", "{\"a\":\"x\"}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":\"y\"}]", NULL, ERR_CONFLICT},
    {"test a string for a number", "{\"~1\":10}", "[{\"op\":\"test\",\"path\":\"/~01\",\"value\":\"10\"}]", NULL, ERR_CONFLICT},
    {"~01 is ~1", "{\"~1\":10,\"/\":9}", "[{\"op\":\"test\",\"path\":\"/~01\",\"value\":10}]",
     "{\"~1\":10,\"/\":9}", ERR_OK},
    {"~1 is /", "{\"a/b\":1}", "[{\"op\":\"replace\",\"path\":\"/a~1b\",\"value\":2}]", "{\"a/b\":2}", ERR_OK},
    {"numbers are tested by value", "{\"a\":1}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":1.0}]", "{\"a\":1}", ERR_OK},
    {"deep inside, too", "{\"a\":[{\"b\":2.0}]}", "[{\"op\":\"test\",\"path\":\"\",\"value\":{\"a\":[{\"b\":2}]}}]",
     "{\"a\":[{\"b\":2.0}]}", ERR_OK},
    {"the order of members says nothing", "{\"a\":{\"x\":1,\"y\":2}}",
     "[{\"op\":\"test\",\"path\":\"/a\",\"value\":{\"y\":2,\"x\":1}}]", "{\"a\":{\"x\":1,\"y\":2}}", ERR_OK},
    {"the order of items does", "[1,2]", "[{\"op\":\"test\",\"path\":\"\",\"value\":[2,1]}]", NULL, ERR_CONFLICT},
    {"test of fewer members", "{\"a\":1,\"b\":2}", "[{\"op\":\"test\",\"path\":\"\",\"value\":{\"a\":1}}]", NULL, ERR_CONFLICT},
    {"test null", "{\"a\":null}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":null}]", "{\"a\":null}", ERR_OK},
    {"nothing is not null", "{}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":null}]", NULL, ERR_CONFLICT},
    {"false is not null", "{\"a\":null}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":false}]", NULL, ERR_CONFLICT},
    {"a failed test undoes all before", "{\"a\":1}",
     "[{\"op\":\"replace\",\"path\":\"/a\",\"value\":2},{\"op\":\"test\",\"path\":\"/a\",\"value\":1}]", NULL, ERR_CONFLICT},

    {"PID names", "{\"cost-map\":{\"a:b@c\":{\"x.y\":1}}}",
     "[{\"op\":\"replace\",\"path\":\"/cost-map/a:b@c/x.y\",\"value\":5}]", "{\"cost-map\":{\"a:b@c\":{\"x.y\":5}}}", ERR_OK},
    {"% means nothing here", "{\"a%62\":1}", "[{\"op\":\"remove\",\"path\":\"/a%62\"}]", "{}", ERR_OK},
    {"other letters", "{\"\xc3\xa4\":1}", "[{\"op\":\"replace\",\"path\":\"/\xc3\xa4\",\"value\":2}]", "{\"\xc3\xa4\":2}", ERR_OK},
};
// clang-format on

/* Conformance: U-14. */
START_TEST(patch_rows)
{
    json_t *target = load(patches[_i].target), *patch = load(patches[_i].patch), *got = NULL;
    json_t *kept = json_deep_copy(target), *kept_patch = json_deep_copy(patch);
    struct err e = {0};
    enum err_code rc = json_patch_apply(target, patch, &got, &e);
    char *text = shown(got);

    ck_assert_msg(rc == patches[_i].rc, "%s: %s (%s)", patches[_i].what, e.text, text);
    ck_assert((rc == ERR_OK) == (got != NULL) && (rc != ERR_OK) == (e.text[0] != '\0'));
    if (patches[_i].result) {
        json_t *want = load(patches[_i].result);

        ck_assert_msg(json_equal(got, want), "%s: %s", patches[_i].what, text);
        json_decref(want);
    }
    ck_assert(json_equal(target, kept) && json_equal(patch, kept_patch));
    free(text);
    json_decref(target);
    json_decref(patch);
    json_decref(kept);
    json_decref(kept_patch);
    json_decref(got);
}
END_TEST

/* A document that is copied into itself again and again, and levels without end. */
START_TEST(bombs)
{
    json_t *target = load("{\"a\":[1,2,3,4,5,6,7,8]}"), *patch = json_array(), *got = NULL;
    json_t *deep = json_null();
    struct err e = {0};

    for (unsigned i = 0; i < 60; i++)
        json_array_append_new(
            patch, json_pack("{ssssso}", "op", "copy", "from", "/a", "path", json_string("/a/-")));
    ck_assert_int_eq(json_patch_apply(target, patch, &got, &e), ERR_LIMIT);
    ck_assert_ptr_null(got);
    json_decref(patch);

    for (unsigned i = 0; i < 2 * PATCH_DEPTH_MAX; i++)
        deep = json_pack("{so}", "a", deep);
    got = merge_patch_apply(target, deep);
    ck_assert_ptr_null(got);
    patch = json_pack("[{sssssO}]", "op", "add", "path", "/b", "value", deep);
    e = (struct err){0};
    ck_assert_int_eq(json_patch_apply(target, patch, &got, &e), ERR_LIMIT);
    json_decref(patch);
    json_decref(deep);
    json_decref(target);
}
END_TEST

static json_t *random_value(uint64_t *seed, unsigned depth, bool nulls)
{
    static const char *const keys[] = {"a", "b", "~", "/", "a/b", "m~n", "", "0", "-", "x:y@z"};
    const uint64_t r = hash_mix(*seed, depth);
    json_t *out;

    *seed = hash_mix(*seed, 1);
    switch (r % (depth > 4 ? 4 : 9)) {
    case 0:
        return nulls ? json_null() : json_true();
    case 1:
        return json_integer((json_int_t)(r >> 60));
    case 2:
        return json_real((double)(r >> 58) / 4);
    case 3:
        return json_string(keys[(r >> 20) % 10]);
    case 4:
    case 5:
        out = json_array();
        for (unsigned i = 0; i < (r >> 40) % 4; i++)
            json_array_append_new(out, random_value(seed, depth + 1, nulls));
        return out;
    default:
        out = json_object();
        for (unsigned i = 0; i < 1 + (r >> 40) % 5; i++)
            json_object_set_new(out, keys[hash_mix(r, i) % 10],
                                random_value(seed, depth + 1, nulls));
        return out;
    }
}

/* The same with some members and items changed. */
static json_t *random_change(const json_t *from, uint64_t *seed, unsigned depth, bool nulls)
{
    json_t *out, *value;
    const char *key;
    size_t i;

    *seed = hash_mix(*seed, 2);
    if (*seed % 5 == 0)
        return random_value(seed, depth, nulls);
    if (json_is_object(from)) {
        out = json_object();
        json_object_foreach((json_t *)(uintptr_t)from, key, value) if (hash_mix(*seed, 3) % 6)
            json_object_set_new(out, key, random_change(value, seed, depth + 1, nulls));
        return out;
    }
    if (json_is_array(from)) {
        out = json_array();
        json_array_foreach(from, i, value)
            json_array_append_new(out, random_change(value, seed, depth + 1, nulls));
        return out;
    }
    return json_deep_copy(from);
}

static json_t *patched(const json_t *from, const json_t *patch, enum patch_kind kind)
{
    struct err e = {0};
    json_t *out = NULL;

    if (kind == PATCH_MERGE)
        return merge_patch_apply(from, patch);
    ck_assert_msg(json_patch_apply(from, patch, &out, &e) == ERR_OK, "%s", e.text);
    return out;
}

/* Conformance: U-13, U-14. */
START_TEST(round_trips)
{
    unsigned kinds[2] = {0, 0};
    uint64_t start;

    hash_random(&start, sizeof start);
    for (unsigned round = 0; round < 5000; round++) {
        uint64_t seed = hash_mix(start, round);
        json_t *from = random_value(&seed, 0, true);
        json_t *to = random_change(from, &seed, 0, round % 2);
        enum patch_kind kind;
        json_t *patch = patch_make(from, to, &kind), *got;
        char *a = shown(from), *b = shown(to), *p = shown(patch);

        ck_assert_ptr_nonnull(patch);
        kinds[kind]++;
        got = patched(from, patch, kind);
        ck_assert_msg(got && json_equal(got, to), "seed %016llx round %u: %s to %s by %s",
                      (unsigned long long)start, round, a, b, p);
        free(a);
        free(b);
        free(p);
        json_decref(from);
        json_decref(to);
        json_decref(patch);
        json_decref(got);
    }
    ck_assert_msg(kinds[PATCH_MERGE] > 300 && kinds[PATCH_JSON] > 300, "%u %u", kinds[0], kinds[1]);
}
END_TEST

// clang-format off
static const struct {
    const char *what, *from, *to;
    enum patch_kind kind;
    const char *patch;
} made[] = {
    {"a change", "{\"a\":1,\"b\":{\"c\":1,\"d\":2}}", "{\"a\":1,\"b\":{\"c\":3,\"d\":2}}", PATCH_MERGE,
     "{\"b\":{\"c\":3}}"},
    {"a member goes", "{\"a\":1,\"b\":2}", "{\"a\":1}", PATCH_MERGE, "{\"b\":null}"},
    {"nothing changes", "{\"a\":[1,2]}", "{\"a\":[1,2]}", PATCH_MERGE, "{}"},
    {"arrays are replaced", "{\"a\":[1,2]}", "{\"a\":[1,3]}", PATCH_MERGE, "{\"a\":[1,3]}"},
    {"an object becomes empty", "{\"a\":{\"b\":1}}", "{\"a\":{}}", PATCH_MERGE, "{\"a\":{\"b\":null}}"},
    {"null in an array is none of a merge patch's", "{}", "{\"a\":[null]}", PATCH_MERGE, "{\"a\":[null]}"},
    {"a value of null (RFC 8895 section 6.3)", "{\"a\":1}", "{\"a\":null}", PATCH_JSON,
     "[{\"op\":\"replace\",\"path\":\"/a\",\"value\":null}]"},
    {"null inside what is new", "{}", "{\"a\":{\"b\":null}}", PATCH_JSON,
     "[{\"op\":\"add\",\"path\":\"/a\",\"value\":{\"b\":null}}]"},
    {"a null that stays", "{\"a\":null,\"b\":1}", "{\"a\":null,\"b\":2}", PATCH_JSON,
     "[{\"op\":\"replace\",\"path\":\"/b\",\"value\":2}]"},
    {"a null that goes", "{\"a\":null,\"b\":1}", "{\"b\":1}", PATCH_MERGE, "{\"a\":null}"},
    {"names are escaped", "{\"~\":null,\"a/b\":1}", "{\"~\":null}", PATCH_JSON,
     "[{\"op\":\"remove\",\"path\":\"/a~1b\"}]"},
    {"a list of values is replaced", "{\"n\":null,\"a\":[1,null]}", "{\"n\":null,\"a\":[2,null]}", PATCH_JSON,
     "[{\"op\":\"replace\",\"path\":\"/a\",\"value\":[2,null]}]"},
    {"objects in a list as long are not", "{\"n\":null,\"a\":[{\"b\":1,\"c\":2},{}]}",
     "{\"n\":null,\"a\":[{\"b\":1,\"c\":3},{}]}", PATCH_JSON,
     "[{\"op\":\"replace\",\"path\":\"/a/0/c\",\"value\":3}]"},
};
// clang-format on

/* Conformance: U-12. */
START_TEST(made_rows)
{
    json_t *from = load(made[_i].from), *to = load(made[_i].to), *want = load(made[_i].patch);
    enum patch_kind kind;
    json_t *patch = patch_make(from, to, &kind), *got = patched(from, patch, kind);
    char *text = shown(patch);

    ck_assert_msg(kind == made[_i].kind, "%s: %s", made[_i].what, text);
    ck_assert_msg(json_equal(patch, want), "%s: %s", made[_i].what, text);
    ck_assert(json_equal(got, to));
    free(text);
    json_decref(from);
    json_decref(to);
    json_decref(want);
    json_decref(patch);
    json_decref(got);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("patch");
    TCase *c = tcase_create("patch");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(c, merge_rows, 0, (int)(sizeof merges / sizeof *merges));
    tcase_add_loop_test(c, patch_rows, 0, (int)(sizeof patches / sizeof *patches));
    tcase_add_loop_test(c, made_rows, 0, (int)(sizeof made / sizeof *made));
    tcase_add_test(c, bombs);
    tcase_add_test(c, round_trips);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
