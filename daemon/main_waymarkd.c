/* waymarkd(8): the daemon. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config.h"
#include "daemon/control.h"
#include "daemon/options.h"

static int print_schema(void)
{
    struct bytes out = {0};

    if (!config_schema_format(&out))
        return EXIT_FAILURE;
    fwrite(out.data, 1, out.len, stdout);
    bytes_free(&out);
    return EXIT_SUCCESS;
}

static void print_problems(const struct config_problems *p, const char *path, const struct err *e)
{
    struct bytes out = {0};

    if (p->count && config_problems_format(p, path, &out))
        fwrite(out.data, 1, out.len, stderr);
    else
        fprintf(stderr, "waymarkd: %s\n", e->text);
    bytes_free(&out);
}

int main(int argc, char **argv)
{
    struct options o;
    struct config_problems problems = {0};
    const struct config *config = NULL;
    struct arena *arena = NULL;
    struct err e = {0};
    int status = options_parse(argc, argv, &o);

    if (status >= 0)
        return status;
    if (o.action == OPTIONS_PRINT_SCHEMA)
        return print_schema();
    if (config_load(o.config, &config, &problems, &arena, &e) != ERR_OK) {
        print_problems(&problems, o.config, &e);
        arena_free(arena);
        return EXIT_FAILURE;
    }
    if (o.action == OPTIONS_CHECK) {
        log_setup(LOG_LEVEL_WARN, LOG_FORMAT_LOGFMT);
        status = control_check(config, &e) == ERR_OK ? EXIT_SUCCESS : EXIT_FAILURE;
        if (status == EXIT_SUCCESS)
            printf("%s: all is well\n", o.config);
        else
            fprintf(stderr, "%s: %s\n", o.config, e.text);
        arena_free(arena);
        return status;
    }
    log_setup(config->log_level, config->log_format);
    return control_run(o.config, config, arena);
}
