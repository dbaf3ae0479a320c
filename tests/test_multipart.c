#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alto/multipart.h"
#include "base/arena.h"

#define JSON_A "application/alto-costmap+json"
#define JSON_B "application/alto-propmap+json"
#define TYPE   "multipart/related; boundary=b; type=" JSON_A
#define PARTS                                                                                      \
    "--b\r\nContent-ID: <costmap@x>\r\nContent-Type: " JSON_A "\r\n\r\n{\"a\":1}\r\n"              \
    "--b\r\nContent-Type: " JSON_B "\r\nContent-ID: <propmap@x>\r\n\r\n{}\r\n--b--"

static struct str body_of(const struct multipart *m, size_t i)
{
    return m->parts[i].body;
}

/* Conformance: V-05. */
START_TEST(writes_and_reads)
{
    struct arena *a = arena_new(1 << 16);
    struct multipart_write w;
    struct bytes out = {0};
    struct multipart m;
    struct err e = {0};
    struct str type;
    char *at;

    multipart_write_init(&w, &out, UINT64_C(0x1234567890abcdef));
    multipart_write_part(&w, STR("costmap"), STR("alto.example.com"), STR(JSON_A));
    ck_assert(bytes_printf(&out, "{\"cost-map\":{}}"));
    multipart_write_part(&w, STR("propmap"), STR("alto.example.com"), STR(JSON_B));
    ck_assert(bytes_printf(&out, "{}"));
    ck_assert(multipart_write_end(&w));
    type = multipart_content_type(&w, STR(JSON_A), a);
    ck_assert(str_eq(type, STR("multipart/related; boundary=part-1234567890abcdef; type=" JSON_A)));
    ck_assert_ptr_null(memchr(type.p, '"', type.n));
    ck_assert(bytes_add(&out, "", 1));
    at = strstr(out.data, "\r\n--part-1234567890abcdef--\r\n");
    ck_assert_ptr_nonnull(at);
    ck_assert_uint_eq(strlen(at), 29);
    ck_assert_msg(multipart_read(type, (struct str){out.data, out.len - 1}, false, &m, &e) ==
                      ERR_OK,
                  "%s", e.text);
    ck_assert_uint_eq(m.part_count, 2);
    ck_assert_uint_eq(m.root, 0);
    ck_assert(str_eq(m.parts[0].id, STR("costmap@alto.example.com")));
    ck_assert(str_eq(m.parts[0].type, STR(JSON_A)));
    ck_assert(str_eq(body_of(&m, 0), STR("{\"cost-map\":{}}")));
    ck_assert(str_eq(m.parts[1].id, STR("propmap@alto.example.com")));
    ck_assert(str_eq(body_of(&m, 1), STR("{}")));
    ck_assert_ptr_eq(multipart_find(&m, STR(JSON_B)), &m.parts[1]);
    ck_assert_ptr_null(multipart_find(&m, STR("text/plain")));
    bytes_free(&out);
    arena_free(a);
}
END_TEST

START_TEST(a_full_buffer_is_said)
{
    struct bytes out = {.limit = 100};
    struct multipart_write w;

    multipart_write_init(&w, &out, 1);
    multipart_write_part(&w, STR("costmap"), STR("x"), STR(JSON_A));
    multipart_write_part(&w, STR("propmap"), STR("x"), STR(JSON_B));
    ck_assert(!multipart_write_end(&w));
    bytes_free(&out);
}
END_TEST

/* Each with two parts, the first {"a":1}, when it is taken. */
static const struct {
    const char *what, *type, *body;
    bool lenient;
    const char *error; /* NULL: taken */
} rows[] = {
    {"plain", TYPE, PARTS, false, NULL},
    {"quoted parameters", "multipart/related;boundary=\"b\";type=\"" JSON_A "\"", PARTS, false,
     NULL},
    {"names in capitals, blanks", "Multipart/Related ; TYPE = " JSON_A " ;\tBoundary = \"\\b\" ;",
     PARTS, false, NULL},
    {"start with brackets", TYPE "; start=\"<costmap@x>\"", PARTS, false, NULL},
    {"unknown parameters", TYPE "; start-info=x; foo=\"a;b\"", PARTS, false, NULL},
    {"preamble and epilogue", TYPE, "hello\r\n--bb\r\nx\r\n" PARTS "\r\nbye --b\r\n", false, NULL},
    {"blanks behind a delimiter", TYPE,
     "--b \t\r\nContent-Type: " JSON_A
     ";charset=utf-8\r\n\r\n{\"a\":1}\r\n--b\r\n\r\n\r\n--b-- \r\n",
     false, NULL},
    {"a header that is folded, and others", TYPE,
     "--b\r\nX-A: 1\r\nContent-Type:\r\n " JSON_A "\r\n\r\n{\"a\":1}\r\n--b\r\n\r\nx\r\n--b--",
     false, NULL},
    {"line feeds alone", TYPE,
     "--b\nContent-Type: " JSON_A "\n\n{\"a\":1}\n--b\nContent-ID: <y>\n\n{}\n--b--\n", true, NULL},
    {"no dashes at the end", TYPE,
     "--b\r\nContent-Type: " JSON_A "\r\n\r\n{\"a\":1}\r\n--b\r\n\r\n{}\r\n--b\r\n", true, NULL},
    {"the same, strictly", TYPE,
     "--b\r\nContent-Type: " JSON_A "\r\n\r\n{\"a\":1}\r\n--b\r\n\r\n{}\r\n--b\r\n", false,
     "multipart body: no delimiter with its dashes at the end"},
    {"line feeds alone, strictly", TYPE,
     "--b\nContent-Type: " JSON_A "\n\n{\"a\":1}\n--b\n\n{}\n--b--\n", false,
     "multipart body: no part between delimiters"},
    {"another type", "multipart/mixed; boundary=b", PARTS, false,
     "Content-Type: \"multipart/mixed\" is not multipart/related"},
    {"no boundary", "multipart/related; type=" JSON_A, PARTS, false,
     "Content-Type: no parameter \"boundary\""},
    {"no type", "multipart/related; boundary=b", PARTS, false,
     "Content-Type: no parameter \"type\""},
    {"a parameter twice", TYPE ";boundary=b", PARTS, false,
     "Content-Type: the parameter \"boundary\" stands there twice"},
    {"a quote that does not end", "multipart/related;type=x;boundary=\"b", PARTS, false,
     "Content-Type: the parameter \"boundary\" has no value of 1 to 255 bytes"},
    {"an empty boundary", "multipart/related;type=x;boundary=\"\"", PARTS, false,
     "Content-Type: the parameter \"boundary\" has no value of 1 to 255 bytes"},
    {"71 characters",
     "multipart/related;type=x;boundary="
     "1234567890123456789012345678901234567890123456789012345678901234567890a",
     PARTS, false, "Content-Type: not a boundary, which is 1 to 70 of RFC 2046's characters"},
    {"a boundary of other characters", "multipart/related;type=x;boundary=\"a@b\"", PARTS, false,
     "Content-Type: not a boundary, which is 1 to 70 of RFC 2046's characters"},
    {"text behind a quote", "multipart/related;type=\"x\"y;boundary=b", PARTS, false,
     "Content-Type: no semicolon behind a parameter"},
    {"cut off", TYPE, "--b\r\nContent-Type: " JSON_A "\r\n\r\n{\"a\":1}\r\n--b\r\n\r\n{}", true,
     "multipart body: no delimiter with its dashes at the end"},
    {"no part", TYPE, "--b--\r\n", false, "multipart body: no part between delimiters"},
    {"nothing", TYPE, "", false, "multipart body: no part between delimiters"},
    {"no empty line", TYPE, "--b\r\nContent-Type: " JSON_A "\r\n--b--", false,
     "multipart body: part 1: no empty line behind the headers"},
    {"a header without a colon", TYPE, "--b\r\nhello\r\n\r\nx\r\n--b--", false,
     "multipart body: part 1: a header without a name"},
    {"Content-ID without brackets", TYPE, "--b\r\nContent-ID: a@b\r\n\r\nx\r\n--b--", false,
     "multipart body: part 1: a Content-ID without its brackets"},
    {"one id twice", TYPE,
     "--b\r\nContent-ID: <a>\r\n\r\nx\r\n--b\r\nContent-ID: <a>\r\n\r\nx\r\n--b--", false,
     "multipart body: one Content-ID of two parts"},
    {"start names nothing", TYPE ";start=\"<z@x>\"", PARTS, false,
     "multipart body: no part has the Content-ID that \"start\" names"},
    {"the root is of another type", "multipart/related; boundary=b; type=text/plain", PARTS, false,
     "multipart body: the root part is not of the type that the Content-Type names"},
    {"the root is not the first", TYPE ";start=propmap@x", PARTS, false,
     "multipart body: the root part is not of the type that the Content-Type names"},
};

/* Conformance: V-05. */
START_TEST(reads)
{
    struct multipart m;
    struct err e = {0};
    enum err_code rc =
        multipart_read(str_from(rows[_i].type), str_from(rows[_i].body), rows[_i].lenient, &m, &e);

    if (rows[_i].error) {
        ck_assert_msg(rc != ERR_OK, "%s: taken", rows[_i].what);
        ck_assert_msg(strcmp(e.text, rows[_i].error) == 0, "%s: %s", rows[_i].what, e.text);
        return;
    }
    ck_assert_msg(rc == ERR_OK, "%s: %s", rows[_i].what, e.text);
    ck_assert_msg(m.part_count == 2, "%s: %zu parts", rows[_i].what, m.part_count);
    ck_assert_msg(str_eq(m.parts[0].type, STR(JSON_A)), "%s", rows[_i].what);
    ck_assert_msg(str_eq(body_of(&m, 0), STR("{\"a\":1}")), "%s: %.*s", rows[_i].what,
                  (int)body_of(&m, 0).n, body_of(&m, 0).p);
}
END_TEST

START_TEST(too_many_parts)
{
    struct bytes b = {0};
    struct multipart m;
    struct err e = {0};

    for (unsigned i = 0; i <= MULTIPART_PARTS_MAX; i++)
        ck_assert(bytes_printf(&b, "--b\r\nContent-Type: " JSON_A "\r\n\r\nx\r\n"));
    ck_assert(bytes_printf(&b, "--b--"));
    ck_assert_int_eq(multipart_read(STR(TYPE), (struct str){b.data, b.len}, false, &m, &e),
                     ERR_LIMIT);
    bytes_free(&b);
}
END_TEST

/* Not 8.4-02: prose stands behind its body. */
static const char *const examples[] = {"rfc9275-7.2.6-01", "rfc9275-7.3.6-01", "rfc9275-8.3-02",
                                       "rfc9275-8.4-03", "rfc9275-8.6-02"};

/* The examples lack the dashes of the last delimiter, which RFC 2046 wants: read leniently only. */
START_TEST(rfc9275_examples)
{
    struct bytes file = {0};
    struct multipart m;
    struct err e = {0};
    char path[256];
    struct str type, body;
    char *at, *end;

    snprintf(path, sizeof path, TEST_DATA "/alto-examples/%s-resp-200-multipart.http",
             examples[_i]);
    ck_assert_int_eq(file_read(path, 1 << 20, &file, &e), ERR_OK);
    at = strstr(file.data, "Content-Type: ") + strlen("Content-Type: ");
    end = strstr(at, "\n\n") ? strstr(at, "\n\n") : strstr(at, "\r\n\r\n");
    ck_assert_ptr_nonnull(end);
    type = (struct str){at, (size_t)(end - at)};
    body = (struct str){end, (size_t)(file.data + file.len - end)};
    ck_assert_msg(multipart_read(type, body, true, &m, &e) == ERR_OK, "%s: %s", path, e.text);
    ck_assert_uint_eq(m.part_count, 2);
    ck_assert_uint_eq(m.root, 0);
    ck_assert(str_eq(m.parts[1].id, STR("propmap@alto.example.com")));
    ck_assert(str_eq(m.parts[1].type, STR(JSON_B)));
    e = (struct err){0};
    ck_assert_int_ne(multipart_read(type, body, false, &m, &e), ERR_OK);
    bytes_free(&file);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("multipart");
    TCase *t = tcase_create("multipart");
    SRunner *r;
    int failed;

    tcase_add_test(t, writes_and_reads);
    tcase_add_test(t, a_full_buffer_is_said);
    tcase_add_loop_test(t, reads, 0, sizeof rows / sizeof *rows);
    tcase_add_test(t, too_many_parts);
    tcase_add_loop_test(t, rfc9275_examples, 0, sizeof examples / sizeof *examples);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
