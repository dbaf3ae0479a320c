#include "daemon/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/config_check.h"

/* A file of the greatest length, its values as records, and the messages. */
#define CONFIG_ARENA_MAX ((size_t)1 << 30)

bool config_folder(struct arena *a, const char *path, struct str *out)
{
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;
    char *p;

    if (path[0] == '/') {
        p = arena_strndup(a, path, n);
    } else {
        char *here = getcwd(NULL, 0);

        p = arena_printf(a, "%s%s%.*s", here ? here : ".", n ? "/" : "", (int)n, path);
        free(here);
    }
    if (!p)
        return false;
    *out = str_from(p);
    return true;
}

/* Work of config_parse, with the memory that it has made. */
static enum err_code parse_in(struct arena *a, struct str text, const char *path, bool files,
                              const struct config **out, struct config_problems *problems,
                              struct err *e)
{
    struct config_read *in = arena_array(a, 1, sizeof *in);
    struct problem_sink sink = {0};
    struct config_tree tree = {.schema = config_keys(), .problems = &sink, .values.arena = a};
    enum err_code rc;

    if (!in || !problem_sink_init(&sink, a, text) || !config_folder(a, path, &tree.values.folder))
        return err_set(e, ERR_LIMIT, "no memory for the configuration");
    in->c.arena = a;
    in->c.path = str_from(arena_strndup(a, path, strlen(path)));
    rc = config_tree_read(&tree, text, in, e);
    if (rc == ERR_OK)
        rc = config_check(&tree, in, files, e);
    config_tree_free(&tree);
    *problems = problem_sink_finish(&sink);
    if (rc == ERR_OK && sink.out_of_memory)
        rc = err_set(e, ERR_LIMIT, "no memory for the configuration");
    if (rc == ERR_OK && sink.errors)
        rc = err_set(e, ERR_PARSE, "%zu error%s in the configuration", sink.errors,
                     sink.errors == 1 ? "" : "s");
    if (rc == ERR_OK)
        *out = &in->c;
    return rc;
}

static enum err_code parse(const char *text, size_t n, const char *path, bool files,
                           const struct config **out, struct config_problems *problems,
                           struct arena **arena_out, struct err *e)
{
    static const char mark[] = "\xef\xbb\xbf"; /* byte order mark */
    struct str t = {text, n};
    enum err_code rc;

    *out = NULL;
    *problems = (struct config_problems){0};
    *arena_out = NULL;
    if (n > CONFIG_BYTES_MAX)
        return err_set(e, ERR_LIMIT, "configuration %s: %zu bytes, at most %zu", path, n,
                       CONFIG_BYTES_MAX);
    if (n >= 3 && memcmp(text, mark, 3) == 0)
        t = (struct str){text + 3, n - 3};
    *arena_out = arena_new(CONFIG_ARENA_MAX);
    if (!*arena_out)
        return err_set(e, ERR_LIMIT, "no memory for the configuration");
    rc = parse_in(*arena_out, t, path, files, out, problems, e);
    if (rc != ERR_OK)
        err_wrap(e, "configuration %s", path);
    return rc;
}

enum err_code config_parse(const char *text, size_t n, const char *path, const struct config **out,
                           struct config_problems *problems, struct arena **arena_out,
                           struct err *e)
{
    return parse(text, n, path, false, out, problems, arena_out, e);
}

enum err_code config_load(const char *path, const struct config **out,
                          struct config_problems *problems, struct arena **arena_out, struct err *e)
{
    struct bytes text = {0};
    enum err_code rc;

    *out = NULL;
    *problems = (struct config_problems){0};
    *arena_out = NULL;
    rc = file_read(path, CONFIG_BYTES_MAX, &text, e);
    if (rc != ERR_OK) {
        err_wrap(e, "configuration %s", path);
        return rc;
    }
    rc = parse(text.data, text.len, path, true, out, problems, arena_out, e);
    bytes_free(&text);
    return rc;
}
