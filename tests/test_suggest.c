#include "base/suggest.h"

#include <check.h>
#include <string.h>

static const struct {
    const char *what, *given, *names[4], *text;
} rows[] = {
    {"a letter more", "intervall", {"interval", "memory"}, "; did you mean \"interval\"?"},
    {"a letter less", "hst", {"name", "host", "ports"}, "; did you mean \"host\"?"},
    {"another letter", "fra1", {"ams-1", "fra-1"}, "; did you mean \"fra-1\"?"},
    {"two neighbours swapped cost one", "wran", {"bran", "warn"}, "; did you mean \"bran\"?"},
    {"the nearest wins", "workres", {"worker", "workers"}, "; did you mean \"workers\"?"},
    {"the first of equals", "ab", {"ac", "ad"}, "; did you mean \"ac\"?"},
    {"another word", "colour", {"level", "format"}, ""},
    {"nothing of the name is in it", "x", {"ab", "y"}, ""},
    {"nothing is near nothing", "", {"a", ""}, ""},
    {"longer than is looked at",
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"},
     ""},
};

START_TEST(nearest)
{
    char text[SUGGEST_TEXT_MAX];
    struct suggest s;

    suggest_init(&s, str_from(rows[_i].given));
    for (unsigned i = 0; i < 4 && rows[_i].names[i]; i++)
        suggest_offer(&s, str_from(rows[_i].names[i]));
    ck_assert_msg(strcmp(suggest_format(&s, text), rows[_i].text) == 0, "%s: %s", rows[_i].what,
                  text);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("suggest");
    TCase *t = tcase_create("suggest");
    SRunner *r;
    int failed;

    tcase_add_loop_test(t, nearest, 0, (int)(sizeof rows / sizeof rows[0]));
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
