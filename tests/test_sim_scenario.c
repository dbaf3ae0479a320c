/* Scenarios from YAML, and what is told of their runs. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "daemon/scenario.h"
#include "router/sim/plot.h"

#define ABILENE "topologies: [" TEST_DATA "/topology-zoo/Abilene.graphml]\n"

static const struct {
    const char *what, *text, *says;
} wrong[] = {
    {"empty", "", "needs at least topologies"},
    {"no topology", "metric: hops\n", "topologies"},
    {"unknown key", ABILENE "metrik: hops\n", "did you mean \"metric\""},
    {"unknown policy", ABILENE "run: {policies: [waymarkk]}\n", "waymark"},
    {"out of range", ABILENE "demand: {utilisation: 2000%}\n", "demand.utilisation"},
    {"a crowd without its time", ABILENE "demand: {flash_crowds: [{for: 1m, times: 2}]}\n", "at"},
};

START_TEST(problems_of_the_file)
{
    struct config_problems problems;
    const struct sim_conf *conf;
    struct arena *arena;
    struct err e = {0};
    struct bytes text = {0};

    ck_assert(scenario_parse(wrong[_i].text, strlen(wrong[_i].text), "s.yaml", &conf, &problems,
                             &arena, &e) != ERR_OK);
    ck_assert_ptr_null(conf);
    if (problems.count)
        ck_assert(config_problems_format(&problems, "s.yaml", &text));
    ck_assert(bytes_add(&text, e.text, strlen(e.text) + 1));
    ck_assert_msg(strstr(text.data, wrong[_i].says), "%s: %s", wrong[_i].what, text.data);
    bytes_free(&text);
    arena_free(arena);
}
END_TEST

static const struct {
    const char *text, *says;
} together[] = {
    {"run: {warmup: 1h, duration: 1h}\n", "leaves nothing"},
    {"run: {step: 20s, sample: 10s}\n", "shorter than a step"},
    {"streamers: {sites: 1000, per_site: 1000}\n", "streamers are possible"},
    {"failures: [{streamer: 20, at: 1m, for: 1m}]\n", "there is no streamer 20"},
    {"demand: {contents: 10, flash_crowds: [{at: 1m, for: 1m, rank: 11, times: 2}]}\n", "rank 11"},
    {"demand: {session: 1s}\n", "two steps"},
};

START_TEST(what_does_not_go_together)
{
    char text[1024];
    struct config_problems problems;
    const struct sim_conf *conf;
    struct arena *arena;
    struct err e = {0};

    snprintf(text, sizeof text, ABILENE "%s", together[_i].text);
    ck_assert_int_eq(scenario_parse(text, strlen(text), "s.yaml", &conf, &problems, &arena, &e),
                     ERR_CONFLICT);
    ck_assert_msg(strstr(e.text, together[_i].says), "%s", e.text);
    arena_free(arena);
}
END_TEST

static const char everything[] = ABILENE
    "metric: distance\n"
    "origin: Denver\n"
    "streamers: {sites: 3, per_site: 2, placement: degree, capacity: 150, cache: 50, slow_start: "
    "1m}\n"
    "demand:\n"
    "  population: zipf\n"
    "  population_alpha: 0.8\n"
    "  contents: 1000\n"
    "  alpha: 1.1\n"
    "  utilisation: 70%\n"
    "  swing: 20%\n"
    "  day: 2h\n"
    "  lengths: lognormal\n"
    "  session: 5m\n"
    "  sigma: 0.5\n"
    "  wrong_location: 3%\n"
    "  flash_crowds: [{at: 15m, for: 5m, rank: 7, times: 9}]\n"
    "routers: {count: 2, poll: 5s, lost: 10%, threshold: 80%, popularity: 500}\n"
    "failures: [{streamer: 5, at: 20m, for: 2m}]\n"
    "run: {duration: 40m, warmup: 10m, seed: 9, seeds: 3, policies: [waymark, hash-only]}\n"
    "policy: {band: 10%, keep: 10m}\n";

START_TEST(from_file_to_report)
{
    struct config_problems problems;
    const struct sim_conf *c;
    struct arena *arena;
    struct sim_report report;
    struct bytes text = {0};
    struct err e = {0};
    json_t *doc, *policies;
    json_error_t bad;
    double median;

    ck_assert_msg(scenario_parse(everything, strlen(everything), "s.yaml", &c, &problems, &arena,
                                 &e) == ERR_OK,
                  "%s", e.text);
    ck_assert_int_eq(c->metric, TOPOLOGY_DISTANCE);
    ck_assert_uint_eq(c->seed, 9);
    ck_assert_double_eq_tol(c->utilisation, 0.7, 1e-9);
    ck_assert_uint_eq(c->flashes[0].at_s, 900);
    ck_assert_uint_eq(c->policy_count, 2);
    ck_assert_int_eq(c->policies[1], SIM_HASH_ONLY);
    ck_assert_double_eq_tol(c->policy.band, 0.1, 1e-9);
    ck_assert_double_eq(c->policy.cost_weight, 1); /* a default */
    ck_assert_uint_eq(c->policy.session_s, 300);
    ck_assert_msg(sim_report_run(c, NULL, NULL, &report, &e) == ERR_OK, "%s", e.text);

    ck_assert(sim_report_json(&report, STR("s.yaml"), &text));
    doc = json_loadb(text.data, text.len, 0, &bad);
    ck_assert_msg(doc, "%s", bad.text);
    policies = json_object_get(json_array_get(json_object_get(doc, "topologies"), 0), "policies");
    ck_assert_uint_eq(json_array_size(policies), 2);
    ck_assert_uint_eq(json_array_size(json_object_get(json_array_get(policies, 0), "runs")), 3);
    median = json_real_value(
        json_object_get(json_object_get(json_array_get(policies, 0), "median"), "cost"));
    ck_assert_double_eq_tol(median, sim_report_median(&report, 0, 0, SIM_COST), 1e-9);
    ck_assert_double_gt(median, 0);
    json_decref(doc);

    for (unsigned s = 0; s < SIM_SERIES_COUNT; s++) {
        text.len = 0;
        ck_assert(sim_plot_series(&report, 0, (enum sim_series)s, &text));
        ck_assert(strncmp(text.data, "<svg ", 5) == 0);
        ck_assert(strncmp(text.data + text.len - 7, "</svg>\n", 7) == 0);
        ck_assert_ptr_null(memmem(text.data, text.len, "nan", 3));
        ck_assert_ptr_null(memmem(text.data, text.len, "inf", 3));
    }
    bytes_free(&text);
    sim_report_fini(&report);
    arena_free(arena);
}
END_TEST

START_TEST(medians)
{
    struct sim_conf c = {.topology_count = 1, .seeds = 3, .policy_count = 1};
    struct sim_result runs[3] = {{.sessions = 10, .hits = 9, .moved_leave = NAN},
                                 {.sessions = 10, .hits = 1, .moved_leave = NAN},
                                 {.sessions = 10, .hits = 5, .moved_leave = NAN}};
    struct sim_report_topology t = {.runs = runs};
    struct sim_report r = {.conf = &c, .topologies = &t};

    ck_assert_double_eq(sim_report_median(&r, 0, 0, SIM_HIT), 0.5);
    ck_assert(isnan(sim_report_median(&r, 0, 0, SIM_MOVED_LEAVE)));
    runs[1].moved_leave = 0.25;
    ck_assert_double_eq(sim_report_median(&r, 0, 0, SIM_MOVED_LEAVE), 0.25);
    c.seeds = 2;
    ck_assert_double_eq(sim_report_median(&r, 0, 0, SIM_HIT), 0.5);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sim_scenario");
    TCase *t = tcase_create("all");
    SRunner *r;
    int failed;

    tcase_add_loop_test(t, problems_of_the_file, 0, sizeof wrong / sizeof *wrong);
    tcase_add_loop_test(t, what_does_not_go_together, 0, sizeof together / sizeof *together);
    tcase_add_test(t, from_file_to_report);
    tcase_add_test(t, medians);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
