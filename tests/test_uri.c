#include "alto/uri.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define BASE "http://a/b/c/d;p?q"

/* RFC 3986 section 5.4, without fragments, which no request has. */
static const struct {
    const char *ref, *want; /* NULL: refused */
} rows[] = {
    {"g", "http://a/b/c/g"},
    {"./g", "http://a/b/c/g"},
    {"g/", "http://a/b/c/g/"},
    {"/g", "http://a/g"},
    {"//g", "http://g"},
    {"?y", "http://a/b/c/d;p?y"},
    {"g?y", "http://a/b/c/g?y"},
    {"#s", "http://a/b/c/d;p?q"},
    {"g#s", "http://a/b/c/g"},
    {";x", "http://a/b/c/;x"},
    {"", "http://a/b/c/d;p?q"},
    {".", "http://a/b/c/"},
    {"./", "http://a/b/c/"},
    {"..", "http://a/b/"},
    {"../", "http://a/b/"},
    {"../g", "http://a/b/g"},
    {"../..", "http://a/"},
    {"../../", "http://a/"},
    {"../../g", "http://a/g"},
    {"../../../g", "http://a/g"},
    {"/./g", "http://a/g"},
    {"/../g", "http://a/g"},
    {"g.", "http://a/b/c/g."},
    {"..g", "http://a/b/c/..g"},
    {"./../g", "http://a/b/g"},
    {"./g/.", "http://a/b/c/g/"},
    {"g/./h", "http://a/b/c/g/h"},
    {"g/../h", "http://a/b/c/h"},
    {"g;x=1/../y", "http://a/b/c/y"},
    {"g?y/../x", "http://a/b/c/g?y/../x"},
    {"https://h:8443/x", "https://h:8443/x"},
    {"//[2001:db8::1]:81/x", "http://[2001:db8::1]:81/x"},
    {"http:g", NULL},
    {"g:h", NULL},
    {"ftp://a/b", NULL},
    {"//u:p@h/x", NULL},
    {"//h:0/x", NULL},
    {"//h:70000/x", NULL},
    {"//:80/x", NULL},
    {"//[::1/x", NULL},
    {"a b", NULL},
    {"a\r\nHost: x", NULL},
    {"%zz", NULL},
    {"\xc3\xa4", NULL},
};

/* Conformance: I-07. */
START_TEST(references)
{
    struct bytes out = {0};
    struct err e = {0};
    const enum err_code rc = uri_resolve(STR(BASE), str_from(rows[_i].ref), &out, &e);

    if (!rows[_i].want) {
        ck_assert_msg(rc != ERR_OK && e.text[0], "%s", rows[_i].ref);
        ck_assert_uint_eq(out.len, 0);
    } else {
        ck_assert_msg(rc == ERR_OK, "%s: %s", rows[_i].ref, e.text);
        ck_assert_msg(str_eq((struct str){out.data, out.len}, str_from(rows[_i].want)), "%s: %.*s",
                      rows[_i].ref, (int)out.len, out.data);
    }
    bytes_free(&out);
}
END_TEST

START_TEST(parts)
{
    struct uri a, b;
    struct err e = {0};

    ck_assert(uri_parse(STR("https://alto.Example.com/dir/x?y=z#f"), &a, &e) == ERR_OK);
    ck_assert(a.tls && a.port == 443 && !a.port_named);
    ck_assert(str_eq(a.host, STR("alto.Example.com")) && str_eq(a.target, STR("/dir/x?y=z")));
    ck_assert(uri_parse(STR("HTTPS://ALTO.example.com:443"), &b, &e) == ERR_OK);
    ck_assert(b.port_named && b.target.n == 0 && str_eq(b.authority, STR("ALTO.example.com:443")));
    ck_assert(uri_same_origin(&a, &b));
    ck_assert(uri_parse(STR("http://alto.example.com:443/"), &b, &e) == ERR_OK);
    ck_assert(!uri_same_origin(&a, &b));
    ck_assert(uri_parse(STR("http://h?q"), &b, &e) == ERR_OK);
    ck_assert(str_eq(b.host, STR("h")) && str_eq(b.target, STR("?q")));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("uri");
    TCase *t = tcase_create("uri");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(t, references, 0, sizeof rows / sizeof *rows);
    tcase_add_test(t, parts);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
