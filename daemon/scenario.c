#include "daemon/scenario.h"

#include "daemon/config_read.h"

static enum err_code parse_in(struct arena *a, struct str text, const char *path,
                              const struct sim_conf **out, struct config_problems *problems,
                              struct err *e)
{
    struct sim_conf *in = arena_array(a, 1, sizeof *in);
    struct problem_sink sink = {0};
    struct config_tree tree = {.schema = scenario_keys(), .problems = &sink, .values.arena = a};
    enum err_code rc;

    if (!in || !problem_sink_init(&sink, a, text) || !config_folder(a, path, &tree.values.folder))
        return err_set(e, ERR_LIMIT, "no memory for the scenario");
    rc = config_tree_read(&tree, text, in, e);
    config_tree_free(&tree);
    *problems = problem_sink_finish(&sink);
    if (rc == ERR_OK && sink.errors)
        rc = err_set(e, ERR_PARSE, "%zu error%s in the scenario", sink.errors,
                     sink.errors == 1 ? "" : "s");
    if (rc == ERR_OK) {
        struct sim_conf standard;

        sim_conf_init(&standard);
        if (in->policy_count == 0) {
            in->policies = standard.policies;
            in->policy_count = standard.policy_count;
        }
        in->policy.session_s = in->session_s;
        in->policy.count_window_s = standard.policy.count_window_s;
        rc = sim_conf_check(in, e);
    }
    if (rc == ERR_OK)
        *out = in;
    return rc;
}

enum err_code scenario_parse(const char *text, size_t n, const char *path,
                             const struct sim_conf **out, struct config_problems *problems,
                             struct arena **arena, struct err *e)
{
    enum err_code rc;

    *out = NULL;
    *problems = (struct config_problems){0};
    *arena = arena_new(64 * SCENARIO_BYTES_MAX);
    rc = *arena ? parse_in(*arena, (struct str){text, n}, path, out, problems, e)
                : err_set(e, ERR_LIMIT, "no memory for the scenario");
    if (rc != ERR_OK)
        err_wrap(e, "scenario %s", path);
    return rc;
}

enum err_code scenario_load(const char *path, const struct sim_conf **out,
                            struct config_problems *problems, struct arena **arena, struct err *e)
{
    struct bytes text = {0};
    enum err_code rc = file_read(path, SCENARIO_BYTES_MAX, &text, e);

    *out = NULL;
    *problems = (struct config_problems){0};
    *arena = NULL;
    if (rc != ERR_OK)
        err_wrap(e, "scenario %s", path);
    else
        rc = scenario_parse(text.data, text.len, path, out, problems, arena, e);
    bytes_free(&text);
    return rc;
}
