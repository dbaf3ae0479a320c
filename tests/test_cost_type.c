#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alto/cost_type.h"
#include "alto/costmap.h"

// clang-format off
static const struct { const char *text; enum err_code rc; enum cost_mode mode; } modes[] = {
    {"numerical", ERR_OK, COST_NUMERICAL},
    {"ordinal", ERR_OK, COST_ORDINAL},
    {"array", ERR_OK, COST_ARRAY},
    {"priv:x", ERR_OK, COST_OTHER},
    {"priv:com_example-2:b", ERR_OK, COST_OTHER},
    {"priv:7890123456789012345678901xx", ERR_OK, COST_OTHER},    /* 32 */
    {"priv:7890123456789012345678901xxx", ERR_PARSE, 0},         /* 33 */
    {"priv:", ERR_PARSE, 0},
    {"priv:a.b", ERR_PARSE, 0},
    {"priv:a b", ERR_PARSE, 0},
    {"Numerical", ERR_PARSE, 0},
    {"numericals", ERR_PARSE, 0},
    {"", ERR_PARSE, 0},
};

static const struct { const char *text; enum err_code rc; } metrics[] = {
    {"routingcost", ERR_OK},
    {"hopcount", ERR_OK},
    {"ane-path", ERR_OK},
    {"priv:x", ERR_OK},
    {"priv:IETF-type.B_c:d", ERR_OK},
    {"12345678901234567890123456789012", ERR_OK},
    {"123456789012345678901234567890123", ERR_PARSE},
    {"priv:", ERR_PARSE},
    {"", ERR_PARSE},
    {"a b", ERR_PARSE},
    {"delay@ow", ERR_PARSE},
    {"delay-ow", ERR_OK},
    {"delay-ow:cur", ERR_OK},
    {"delay-rt:min", ERR_OK},
    {"delay-variation:max", ERR_OK},
    {"lossrate:median", ERR_OK},
    {"tput:mean", ERR_OK},
    {"bw-residual:stddev", ERR_OK},
    {"bw-available:stdvar", ERR_OK},
    {"delay-ow:p0", ERR_OK},
    {"delay-ow:p99", ERR_OK},
    {"delay-ow:p99.9", ERR_OK},
    {"delay-ow:p100", ERR_OK},
    {"delay-ow:p100.00", ERR_OK},
    {"delay-ow:p100.01", ERR_PARSE},
    {"delay-ow:p101", ERR_PARSE},
    {"delay-ow:p05", ERR_PARSE},
    {"delay-ow:p.5", ERR_PARSE},
    {"delay-ow:p5.", ERR_PARSE},
    {"delay-ow:p1e1", ERR_PARSE},
    {"delay-ow:p-1", ERR_PARSE},
    {"delay-ow:p", ERR_PARSE},
    {"delay-ow:", ERR_PARSE},
    {"delay-ow:foo", ERR_PARSE},
    {"delay-ow:p1:min", ERR_PARSE},
    {"delay-ow:p99.12345678901234567890", ERR_PARSE}, /* 33 characters */
    {"priv:x:foo", ERR_OK},
};

static const struct { const char *text; enum err_code rc; enum cost_source source; } contexts[] = {
    {"{\"cost-source\":\"nominal\"}", ERR_OK, COST_SOURCE_NOMINAL},
    {"{\"cost-source\":\"sla\",\"parameters\":{\"link\":\"https://x\"}}", ERR_OK, COST_SOURCE_SLA},
    {"{\"parameters\":[1],\"cost-source\":\"estimation\"}", ERR_OK, COST_SOURCE_ESTIMATION},
    {"{\"cost-source\":\"sla\",\"priv:more\":1}", ERR_OK, COST_SOURCE_SLA},
    {"{\"cost-source\":\"guess\"}", ERR_PARSE, 0},
    {"{\"cost-source\":\"SLA\"}", ERR_PARSE, 0},
    {"{\"cost-source\":1}", ERR_PARSE, 0},
    {"{\"parameters\":{}}", ERR_PARSE, 0},
    {"{}", ERR_PARSE, 0},
    {"[]", ERR_PARSE, 0},
    {"{\"cost-source\":\"sla\"", ERR_PARSE, 0},
};
// clang-format on

/* Conformance: N-08. */
START_TEST(mode_names)
{
    enum cost_mode mode = COST_NUMERICAL;
    struct err e = {0};

    ck_assert_msg(cost_mode_parse(str_from(modes[_i].text), &mode, &e) == modes[_i].rc, "\"%s\" %s",
                  modes[_i].text, e.text);
    if (modes[_i].rc == ERR_OK)
        ck_assert_int_eq(mode, modes[_i].mode);
}
END_TEST

/* Conformance: N-10, G-02. */
START_TEST(metric_names)
{
    struct err e = {0};

    ck_assert_msg(cost_metric_check(str_from(metrics[_i].text), &e) == metrics[_i].rc, "\"%s\" %s",
                  metrics[_i].text, e.text);
}
END_TEST

/* Conformance: G-03. */
START_TEST(cost_contexts)
{
    enum cost_source source = COST_SOURCE_NONE;
    struct err e = {0};

    ck_assert_msg(cost_context_parse(str_from(contexts[_i].text), &source, &e) == contexts[_i].rc,
                  "%s: %s", contexts[_i].text, e.text);
    ck_assert_int_eq(source, contexts[_i].source);
}
END_TEST

static struct cost_type type(enum cost_mode mode, const char *mode_text, const char *metric,
                             const char *context)
{
    return (struct cost_type){.mode = mode,
                              .mode_text = str_from(mode_text),
                              .metric = str_from(metric),
                              .context = str_from(context)};
}

/* Conformance: G-04. */
START_TEST(same_types)
{
    static const char sla[] = "{\"cost-source\":\"sla\",\"parameters\":{\"a\":1,\"b\":2}}";
    const struct cost_type plain = type(COST_NUMERICAL, "numerical", "delay-ow", NULL);
    struct cost_type t = plain;

    ck_assert(cost_type_same(&plain, &t));
    t.description = STR("says nothing");
    t.name = STR("nor does this");
    ck_assert(cost_type_same(&plain, &t));
    t = type(COST_ORDINAL, "ordinal", "delay-ow", NULL);
    ck_assert(!cost_type_same(&plain, &t));
    t = type(COST_NUMERICAL, "numerical", "delay-ow:min", NULL);
    ck_assert(!cost_type_same(&plain, &t));
    t = type(COST_NUMERICAL, "numerical", "delay-ow", sla);
    ck_assert(!cost_type_same(&plain, &t));
    struct cost_type u = type(COST_NUMERICAL, "numerical", "delay-ow",
                              "{ \"parameters\" : {\"b\":2, \"a\":1}, \"cost-source\":\"sla\" }");
    ck_assert(cost_type_same(&t, &u));
    /* "If a metric does not include a cost-source value, ... 'estimation'." */
    u = type(COST_NUMERICAL, "numerical", "delay-ow", "{\"cost-source\":\"estimation\"}");
    ck_assert(cost_type_same(&plain, &u));
    t = type(COST_OTHER, "priv:a", "delay-ow", NULL);
    u = type(COST_OTHER, "priv:b", "delay-ow", NULL);
    ck_assert(!cost_type_same(&t, &u));
}
END_TEST

static const char network_text[] = "{\"meta\":{\"vtag\":{\"resource-id\":\"n\",\"tag\":\"t\"}},"
                                   "\"network-map\":{\"a\":{},\"b\":{}}}";

/* A cost map of one pair. */
static enum err_code read_cost(struct arena *a, const struct netmap **map, const char *type_text,
                               const char *cost, const struct costmap **out, struct err *e)
{
    char text[1024];

    ck_assert_int_eq(netmap_parse(network_text, sizeof network_text - 1, a, map, e), ERR_OK);
    snprintf(text, sizeof text,
             "{\"cost-map\":{\"a\":{\"b\":%s}},\"meta\":{\"dependent-vtags\":[{\"resource-id\":"
             "\"n\",\"tag\":\"t\"}],\"cost-type\":{%s}}}",
             cost, type_text);
    return costmap_parse(text, strlen(text), *map, a, out, e);
}

// clang-format off
static const struct { const char *mode, *metric, *cost, *error; } values[] = {
    {"numerical", "delay-ow", "1.5", NULL},
    {"numerical", "delay-ow:p99", "1500000.25", NULL},
    {"numerical", "lossrate", "100", NULL},
    {"numerical", "lossrate:stdvar", "250", NULL},
    {"numerical", "lossrate", "100.5",
     "1:23: cost-map.a.b: 100.5 is over 100, and a loss rate is in percent (RFC 9439 section 4.4)"},
    {"ordinal", "lossrate", "101", NULL},
    {"numerical", "hopcount", "7", NULL},
    {"numerical", "hopcount", "7.5",
     "1:23: cost-map.a.b: 7.5 is not an integer, as hop counts are (RFC 9439 section 4.5)"},
    {"numerical", "hopcount:max", "7.5",
     "1:23: cost-map.a.b: 7.5 is not an integer, as hop counts are (RFC 9439 section 4.5)"},
    {"numerical", "hopcount:mean", "7.5", NULL},
    {"numerical", "tput", "-1", "1:23: cost-map.a.b: -1: a cost is not negative"},
    {"numerical", "bw-available", "1e10", NULL},
    {"numerical", "delay-ow:p101", "1",
     "1:136: meta.cost-type.cost-metric: \"delay-ow:p101\" is not a cost metric: behind the colon "
     "stands cur, min, max, median, mean, stddev, stdvar or a percentile, p0 to p100 (RFC 9439 "
     "section 3.2)"},
};
// clang-format on

/* Conformance: G-01, G-02. */
START_TEST(values_of_metrics)
{
    struct arena *a = arena_new(1 << 20);
    const struct costmap *c = NULL;
    const struct netmap *m;
    struct err e = {0};
    char text[256];

    snprintf(text, sizeof text, "\"cost-mode\":\"%s\",\"cost-metric\":\"%s\"", values[_i].mode,
             values[_i].metric);
    ck_assert_int_eq(read_cost(a, &m, text, values[_i].cost, &c, &e),
                     values[_i].error ? ERR_PARSE : ERR_OK);
    ck_assert_str_eq(e.text, values[_i].error ? values[_i].error : "");
    ck_assert_int_eq(c == NULL, values[_i].error != NULL);
    arena_free(a);
}
END_TEST

/* Conformance: G-03. */
START_TEST(context_is_kept)
{
    struct arena *a = arena_new(1 << 20);
    const struct costmap *c = NULL, *back = NULL, *plain = NULL, *bad = NULL;
    const struct costmap_info *info;
    const struct netmap *m;
    struct bytes text = {0};
    struct err e = {0};

    ck_assert_int_eq(
        read_cost(a, &m,
                  "\"cost-context\": {\"parameters\": {\"link\": \"x\\\"y\", \"n\": [1.50, true, "
                  "null]}, \"cost-source\": \"sla\"}, \"cost-mode\":\"numerical\","
                  "\"cost-metric\":\"delay-ow:p99.9\",\"description\":\"one way\"",
                  "3", &c, &e),
        ERR_OK);
    info = costmap_info_get(c);
    ck_assert_int_eq(info->source, COST_SOURCE_SLA);
    ck_assert(str_eq(info->description, STR("one way")));
    ck_assert(str_eq(info->context, STR("{\"parameters\":{\"link\":\"x\\\"y\",\"n\":[1.50,true,"
                                        "null]},\"cost-source\":\"sla\"}")));
    ck_assert(costmap_format(c, m, &text));
    ck_assert_int_eq(costmap_parse(text.data, text.len, m, a, &back, &e), ERR_OK);
    ck_assert(str_eq(costmap_info_get(back)->context, info->context));
    ck_assert(str_eq(costmap_info_get(back)->description, info->description));
    ck_assert_str_eq(costmap_info_get(back)->tag, info->tag);
    ck_assert_int_eq(read_cost(a, &m,
                               "\"cost-mode\":\"numerical\",\"cost-metric\":\"delay-ow:p99.9\"",
                               "3", &plain, &e),
                     ERR_OK);
    ck_assert_int_eq(costmap_info_get(plain)->source, COST_SOURCE_NONE);
    ck_assert_str_ne(costmap_info_get(plain)->tag, info->tag);
    ck_assert_int_eq(read_cost(a, &m,
                               "\"cost-mode\":\"numerical\",\"cost-metric\":\"x\","
                               "\"cost-context\":{\"cost-source\":\"guess\"}",
                               "3", &bad, &e),
                     ERR_PARSE);
    ck_assert_ptr_nonnull(strstr(e.text, "meta.cost-type.cost-context: cost-source: \"guess\""));
    bytes_free(&text);
    arena_free(a);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("cost_type");
    TCase *t = tcase_create("cost_type");
    SRunner *r;
    int failed;

    tcase_add_loop_test(t, mode_names, 0, sizeof modes / sizeof *modes);
    tcase_add_loop_test(t, metric_names, 0, sizeof metrics / sizeof *metrics);
    tcase_add_loop_test(t, cost_contexts, 0, sizeof contexts / sizeof *contexts);
    tcase_add_test(t, same_types);
    tcase_add_loop_test(t, values_of_metrics, 0, sizeof values / sizeof *values);
    tcase_add_test(t, context_is_kept);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
