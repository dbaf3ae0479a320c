#include "base/jsonin.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *what, *text, *error; /* error NULL: good */
} texts[] = {
    {"an object", "{\"a\":1}", NULL},
    {"a number", "5", NULL},
    {"keys twice", "{\"a\":1,\"a\":2}", "1:10: duplicate object key near '\"a\"'"},
    {"trailing text", "{}x", "1:3: end of file expected near 'x'"},
    {"not UTF-8", "\"\xff\"", "1:1: unable to decode byte 0xff near '\"'"},
    {"empty", "", "1:0: '[' or '{' expected near end of file"},
    {"position", "{\n\"a\": tru}", "2:8: invalid token near 'tru'"},
};

START_TEST(loads)
{
    struct err e = {0};
    json_t *doc = NULL;
    enum err_code rc = jsonin_load(texts[_i].text, strlen(texts[_i].text), &doc, &e);

    ck_assert_msg((rc == ERR_OK) == !texts[_i].error, "%s: %s", texts[_i].what, e.text);
    if (texts[_i].error) {
        ck_assert_int_eq(rc, ERR_PARSE);
        ck_assert_ptr_null(doc);
        /* jansson words the empty text by its version. */
        if (texts[_i].text[0])
            ck_assert_str_eq(e.text, texts[_i].error);
    }
    json_decref(doc);
}
END_TEST

static const char document[] =
    "{\"cost-type\":{\"mode\":\"ordinal\",\"n\":3,\"r\":1.5,\"whole\":2e3,"
    "\"huge\":1e300,\"yes\":true,\"null\":null},\"list\":[{\"x\":1},[7,\"s\"]]}";

struct opened {
    json_t *doc;
    struct jsonin root, type, list;
};

static void setup(struct opened *o)
{
    struct err e = {0};

    ck_assert_msg(jsonin_load(document, sizeof document - 1, &o->doc, &e) == ERR_OK, "%s", e.text);
    o->root = (struct jsonin){.value = o->doc};
    ck_assert_int_eq(jsonin_object(&o->root, "cost-type", &o->type, &e), ERR_OK);
    ck_assert_int_eq(jsonin_array(&o->root, "list", &o->list, &e), ERR_OK);
}

START_TEST(reads_by_kind)
{
    struct opened o;
    struct err e = {0};
    struct str s;
    double d;
    int64_t i;
    bool b;

    setup(&o);
    ck_assert_int_eq(jsonin_string(&o.type, "mode", &s, &e), ERR_OK);
    ck_assert(str_eq(s, STR("ordinal")));
    ck_assert_int_eq(jsonin_number(&o.type, "r", &d, &e), ERR_OK);
    ck_assert(d == 1.5);
    ck_assert_int_eq(jsonin_number(&o.type, "n", &d, &e), ERR_OK);
    ck_assert(d == 3);
    ck_assert_int_eq(jsonin_integer(&o.type, "n", 0, 3, &i, &e), ERR_OK);
    ck_assert_int_eq(i, 3);
    ck_assert_int_eq(jsonin_integer(&o.type, "whole", 0, 5000, &i, &e), ERR_OK);
    ck_assert_int_eq(i, 2000);
    ck_assert_int_eq(jsonin_bool(&o.type, "yes", &b, &e), ERR_OK);
    ck_assert(b);
    ck_assert(jsonin_has(&o.type, "null") && !jsonin_has(&o.type, "none"));
    ck_assert_uint_eq(jsonin_count(&o.list), 2);
    json_decref(o.doc);
}
END_TEST

static enum err_code wrong(unsigned which, const struct opened *o, struct err *e)
{
    struct jsonin item = jsonin_item(&o->list, 1), deep = jsonin_item(&item, 0), out;
    struct str s;
    double d;
    int64_t i;
    bool b;

    switch (which) {
    case 0:
        return jsonin_string(&o->type, "none", &s, e);
    case 1:
        return jsonin_string(&o->type, "n", &s, e);
    case 2:
        return jsonin_integer(&o->type, "n", 4, 9, &i, e);
    case 3:
        return jsonin_integer(&o->type, "r", 0, 9, &i, e);
    case 4:
        return jsonin_integer(&o->type, "huge", 0, 9, &i, e);
    case 5:
        return jsonin_bool(&o->type, "null", &b, e);
    case 6:
        return jsonin_string(&deep, NULL, &s, e);
    case 7:
        return jsonin_object(&o->list, "x", &out, e);
    case 8:
        return jsonin_number(&o->type, "mode", &d, e);
    case 9:
        return jsonin_array(&o->root, "cost-type", &out, e);
    default:
        return jsonin_object(&item, NULL, &out, e);
    }
}

static const char *const wrongs[] = {
    "cost-type.none: is missing, a string should be here",
    "cost-type.n: a number, where a string should be",
    "cost-type.n: 3 is out of range, it should be 4 to 9",
    "cost-type.r: 1.5, where an integer should be",
    "cost-type.huge: 1.0000000000000001e+300, where an integer should be",
    "cost-type.null: null, where a boolean should be",
    "list[1][0]: a number, where a string should be",
    "list: an array, where an object should be",
    "cost-type.mode: a string, where a number should be",
    "cost-type: an object, where an array should be",
    "list[1]: an array, where an object should be",
};

START_TEST(errors_carry_the_path)
{
    struct opened o;
    struct err e = {0};

    setup(&o);
    ck_assert_int_eq(wrong((unsigned)_i, &o, &e), ERR_PARSE);
    ck_assert_str_eq(e.text, wrongs[_i]);
    json_decref(o.doc);
}
END_TEST

START_TEST(paths_are_bounded)
{
    struct jsonin chain[200] = {{0}};
    char path[40];

    for (size_t i = 1; i < 200; i++)
        chain[i] = (struct jsonin){.up = &chain[i - 1], .key = i % 2 ? "key\n" : NULL, .index = i};
    ck_assert_uint_lt(strlen(jsonin_path(&chain[199], path, sizeof path)), sizeof path);
    ck_assert_int_eq(strncmp(path, "[136].key\\x0a[138]", 10), 0);
    ck_assert_str_eq(jsonin_path(&chain[0], path, sizeof path), "");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("jsonin");
    TCase *t = tcase_create("jsonin");
    SRunner *r;
    int failed;

    tcase_add_loop_test(t, loads, 0, sizeof texts / sizeof *texts);
    tcase_add_test(t, reads_by_kind);
    tcase_add_loop_test(t, errors_carry_the_path, 0, sizeof wrongs / sizeof *wrongs);
    tcase_add_test(t, paths_are_bounded);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
