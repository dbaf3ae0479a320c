#include "daemon/options.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *what, *argv[5];
    enum err_code rc;
    enum options_action action;
    const char *config, *text;
} rows[] = {
    {"nothing", {"waymarkd"}, ERR_OK, OPTIONS_RUN, OPTIONS_CONFIG_DEFAULT, ""},
    {"a file", {"waymarkd", "-c", "w.yaml"}, ERR_OK, OPTIONS_RUN, "w.yaml", ""},
    {"a file and what to do",
     {"waymarkd", "--check", "--config=w.yaml"},
     ERR_OK,
     OPTIONS_CHECK,
     "w.yaml",
     ""},
    {"the schema",
     {"waymarkd", "--print-schema"},
     ERR_OK,
     OPTIONS_PRINT_SCHEMA,
     OPTIONS_CONFIG_DEFAULT,
     ""},
    {"the version", {"waymarkd", "--version"}, ERR_OK, OPTIONS_VERSION, OPTIONS_CONFIG_DEFAULT, ""},
    {"help", {"waymarkd", "-h"}, ERR_OK, OPTIONS_HELP, OPTIONS_CONFIG_DEFAULT, ""},
    {"a misspelt option",
     {"waymarkd", "--chekc"},
     ERR_PARSE,
     OPTIONS_RUN,
     OPTIONS_CONFIG_DEFAULT,
     "there is no option --chekc; did you mean \"--check\"?"},
    {"an option of nobody",
     {"waymarkd", "--foreground"},
     ERR_PARSE,
     OPTIONS_RUN,
     OPTIONS_CONFIG_DEFAULT,
     "there is no option --foreground; see --help"},
    {"a letter of nobody",
     {"waymarkd", "-d"},
     ERR_PARSE,
     OPTIONS_RUN,
     OPTIONS_CONFIG_DEFAULT,
     "there is no option -d; see --help"},
    {"a letter that is no option",
     {"waymarkd", "-C"},
     ERR_PARSE,
     OPTIONS_RUN,
     OPTIONS_CONFIG_DEFAULT,
     "there is no option -C; see --help"},
    {"a file is missing",
     {"waymarkd", "-c"},
     ERR_PARSE,
     OPTIONS_RUN,
     OPTIONS_CONFIG_DEFAULT,
     "-c needs a file behind it"},
    {"a value too many",
     {"waymarkd", "--check=yes"},
     ERR_PARSE,
     OPTIONS_RUN,
     OPTIONS_CONFIG_DEFAULT,
     "--check=yes takes no value"},
    {"a file without -c",
     {"waymarkd", "w.yaml"},
     ERR_PARSE,
     OPTIONS_RUN,
     OPTIONS_CONFIG_DEFAULT,
     "\"w.yaml\" is not an option; a configuration is given as -c w.yaml"},
};

START_TEST(command_line)
{
    char storage[5][32], *argv[6] = {NULL};
    struct options o;
    struct err e = {0};
    int argc = 0;

    for (; argc < 5 && rows[_i].argv[argc]; argc++) {
        snprintf(storage[argc], sizeof storage[argc], "%s", rows[_i].argv[argc]);
        argv[argc] = storage[argc];
    }
    ck_assert_msg(options_parse(argc, argv, &o, &e) == rows[_i].rc, "%s: %s", rows[_i].what,
                  e.text);
    ck_assert_int_eq(o.action, rows[_i].action);
    ck_assert_str_eq(o.config, rows[_i].config);
    ck_assert_str_eq(e.text, rows[_i].text);
}
END_TEST

START_TEST(help_names_every_option)
{
    static const char *const options[] = {"-c, --config FILE", "--check", "--print-schema",
                                          "--version", "-h, --help"};
    struct bytes out = {0};

    ck_assert(options_help_format(&out));
    ck_assert(bytes_add(&out, "", 1));
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        ck_assert_msg(strstr(out.data, options[i]), "%s", options[i]);
    bytes_free(&out);
}
END_TEST

START_TEST(a_file_that_is_not_there)
{
    const struct config *c;
    struct arena *arena;
    struct bytes out = {0};
    struct err e = {0};

    ck_assert_int_eq(options_load("/nowhere/w.yaml", &c, &arena, &out, &e), ERR_IO);
    ck_assert(bytes_add(&out, "", 1));
    ck_assert_str_eq(
        out.data, "configuration /nowhere/w.yaml: cannot be opened: No such file or directory\n");
    ck_assert_ptr_null(c);
    arena_free(arena);
    bytes_free(&out);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("options");
    TCase *t = tcase_create("options");
    SRunner *r;
    int failed;

    tcase_add_loop_test(t, command_line, 0, (int)(sizeof rows / sizeof rows[0]));
    tcase_add_test(t, help_names_every_option);
    tcase_add_test(t, a_file_that_is_not_there);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
